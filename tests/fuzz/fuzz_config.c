/*
§F.10, fuzzed: whatever a config.json says, it is refused, or a network is laid out whose weights are
then not there. Nothing crashes, leaks, or takes memory that the words alone could ask for.

    clang -g -O1 -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_config.c -lm -o fuzz_config
    mkdir found seeds; for i in plain other lesson; do cp tests/data/diffusers_$i/config.json seeds/$i; done
    TMPDIR=/dev/shm ./fuzz_config -max_total_time=180 -max_len=2048 -rss_limit_mb=300 found seeds
*/
#define _XOPEN_SOURCE 700
#define SGM_IMPLEMENTATION
#include "../../sgm.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static char folder[300], path[320];
    static sgm_ddpm table;
    const char *base = getenv("TMPDIR");
    sgm_model model;
    sgm_model_options o;
    if (!*folder) {
        snprintf(folder, sizeof folder, "%.200s/sgm_fuzz_%ld", base ? base : "/tmp", (long)getpid());
        snprintf(path, sizeof path, "%s/config.json", folder);
        if ((mkdir(folder, 0700) && errno != EEXIST) || sgm_ddpm_init(&table, NULL, 10)) abort();
    }
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) abort();
    memset(&o, 0, sizeof o), o.sde = sgm_ddpm_sde(&table);
    const sgm_status status = sgm_diffusers_unet(&model, folder, &o);
    if (status != SGM_BAD_FILE && status != SGM_MISMATCH && status != SGM_NO_FILE) abort();
    if (strlen(sgm_error()) < 8 || model.params) abort();
    remove(path);
    return 0;
}
