/*
The command `sgm`, fuzzed: command lines out of a small grammar, mutated, on good, odd and damaged
files. Each runs in a child of its own. Nothing may crash, hang, end with a status that the manual
does not list, end badly without a message, leave a temporary file behind, or change a file that it
was not told to replace; an output is whole or is not there.

    make fuzz-command RUNS=10000

    command RUNS [SEED]     in a folder of its own, out/fuzz-command
*/
#define main sgm_main
#include "../../examples/sgm.c"
#undef main
#include <dirent.h>
#include <ftw.h>
#include <time.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "exitcode=99:detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=4000";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "halt_on_error=1:exitcode=99"; }

enum { MOST_ARGS = 24, MOST_FILES = 64, LIMIT = 60 /* seconds of a run, under ASan */ };

static uint64_t draws;
static sgm_key chance;
static unsigned below(unsigned n) { return (unsigned)sgm_below(chance, draws++, n); }

typedef struct known_file {
    char name[300];
    struct stat stat; /* a file that is written, or replaced by one of the same bytes, shows here */
} known_file;

static known_file files[MOST_FILES];
static int n_files;
static long ends[256], bad_runs;
static char arguments[MOST_ARGS][400];
static int n_arguments;

static int is_as_it_was(const known_file *f) {
    struct stat s;
    return !stat(f->name, &s) && s.st_ino == f->stat.st_ino && s.st_size == f->stat.st_size &&
           s.st_mtim.tv_sec == f->stat.st_mtim.tv_sec &&
           s.st_mtim.tv_nsec == f->stat.st_mtim.tv_nsec;
}

static void put_file(const char *name, const void *bytes, size_t n) {
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n) perror(name), exit(2);
    fclose(f);
}

static void put_text(const char *name, const char *words) { put_file(name, words, strlen(words)); }

/* The good table: a number, a whole number, a category, some gaps. */
static void put_tables(void) {
    text t = {0};
    text_add(&t, "alcohol,bottles,colour\n");
    for (int i = 0; i < 60; i++) {
        if (i % 7 != 3) text_add(&t, "%d.%d", 10 + i % 5, i % 10);
        text_add(&t, ",%d,%s\n", i % 4, i % 3 ? "red" : "white");
    }
    put_file("good.csv", t.s, t.n);
    put_file("cut.csv", t.s, t.n / 2 - 3);
    free(t.s);
    put_text("empty.csv", ""), put_text("names.csv", "alcohol,bottles,colour\n");
    put_text("one.csv", "alcohol,bottles,colour\n12.5,3,red\n");
    put_text("column.csv", "alcohol\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
    put_text("holes.csv", "alcohol,bottles,colour\n,,\n12.5,,red\n,3,\nNA,nan,null\n");
    put_text("odd.csv", "id;alcohol;bottles;colour\r\nx;1,5;3;\"red\"\r\ny;1e300;-4;white\r\n");
    put_text("words.csv", "alcohol,bottles,colour\nmuch,3,red\n12,inf,green\n");
    put_text("ragged.csv", "alcohol,bottles,colour\n1,2\n3,4,red,5\n");
    put_text("same.csv", "a,a\n1,2\n3,4\n1,2\n3,4\n1,2\n3,4\n1,2\n3,4\n1,2\n3,4\n1,2\n");
    put_file("binary.csv", "\x93NUMPY\x01\0\xff\xff\0\0PK\x03\x04\x89PNG\0\0\0", 22);
    put_file("idx", "\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02\x01\x02\x03\x04", 20);
}

static const char *any_of(const char *const *list, int n) { return list[below((unsigned)n)]; }
#define ANY(list) any_of(list, (int)(sizeof list / sizeof *list))

static const char *const tables[] = {
    "good.csv", "good.csv", "good.csv", "cut.csv", "empty.csv", "names.csv", "one.csv",
    "column.csv", "holes.csv", "holes.csv", "odd.csv", "words.csv", "ragged.csv", "same.csv",
    "binary.csv", "idx", "folder", "nowhere.csv", "-", "mutant.csv", "mutant.csv", "/dev/null",
    "model.safetensors", "good.npy", "grid/x.csv"};
static const char *const models[] = {
    "model.safetensors", "model.safetensors", "model.safetensors", "model.safetensors",
    "model.safetensors", "mutant.safetensors", "cut.safetensors", "other.safetensors", "good.csv",
    "folder", "nowhere", "-", "/dev/null", "empty.csv"};
static const char *const outputs[] = {
    "new.csv", "new.npy", "new.json", "new.png", "new.pgm", "new.gp", "new.safetensors", "good.csv",
    "model.safetensors", "folder", "nowhere/x.csv", "-", "/dev/full", "readonly.csv", "link.csv",
    "", "new.c"};
static const char *const values[] = {
    "0", "1", "7", "-1", "1.5", "1e3", "999999999999999999999", "nan", "", "red", "alcohol",
    "fast", "good", "csv", "npy", "json", "png", "pnm", "c", "yes", "no", ",", ";", "tab",
    "alcohol=category", "bottles=number,colour=drop", "colour=number", "x=y", "16x16", "2x2",
    "0x0", "alcohol,bottles", "id", "-", "--", "=", "\xff\xfe", "%s%n", "'; rm x"};
static const char *const givens[] = {
    "alcohol=12.5", "bottles=2", "colour=red", "colour=blue", "alcohol=", "alcohol=1e308",
    "bottles=1.5", "=", "alcoho=1", "colour", "alcohol=nan", "alcohol=x"};

static void add(const char *word) {
    if (n_arguments < MOST_ARGS)
        snprintf(arguments[n_arguments++], sizeof *arguments, "%s", word);
}

/* A value that the option may have, or any. */
static const char *value_for(const option *o) {
    static const char *const typical[][2] = {
        {"rows", "5"}, {"seed", "7"}, {"quality", "fast"}, {"steps", "4"}, {"digits", "4"},
        {"kinds", "bottles=number"}, {"weight", "bottles"}, {"drop", "colour"}, {"size", "2x2"},
        {"header", "yes"}, {"separator", ","}, {"decimal", "."}, {"columns", "bottles,alcohol"},
        {"format", "npy"}, {"threads", "2"}, {"data", "good.csv"}, {"output", "new.csv"}};
    const int sane = below(4) > 0;
    for (size_t i = 0; i < sizeof typical / sizeof *typical && sane; i++)
        if (!strcmp(o->name, typical[i][0])) return typical[i][1];
    return !strcmp(o->name, "output") ? ANY(outputs)
         : !strcmp(o->name, "data")   ? ANY(tables)
                                      : ANY(values);
}

static void add_option(int sub) {
    char word[400];
    const option *o = &options[below(N_OPTIONS)];
    for (int i = 0; i < 20 && !(o->of & sub) && below(20); i++) o = &options[below(N_OPTIONS)];
    if (!strcmp(o->name, "help") && below(4)) return;
    const char *value = value_for(o);
    if (o->letter && below(2)) snprintf(word, sizeof word, "-%c", o->letter);
    else snprintf(word, sizeof word, "--%s", o->name);
    if (!o->value && below(30)) add(word);
    else if (below(3)) add(word), add(value);
    else {
        const size_t n = strlen(word);
        snprintf(word + n, sizeof word - n, "%s%s", word[1] == '-' ? "=" : "", value);
        add(word);
    }
}

/* A letter changed, dropped, doubled, or the word gone. */
static void mutate_word(char *word) {
    const size_t n = strlen(word);
    if (!n) return;
    const size_t at = below((unsigned)n);
    switch (below(4)) {
    case 0: word[at] = (char)(1 + below(255)); break;
    case 1: memmove(word + at, word + at + 1, n - at); break;
    case 2:
        if (n + 2 < sizeof *arguments) memmove(word + at + 1, word + at, n + 1 - at);
        break;
    default: *word = 0;
    }
}

static int has_word_of(const char *word) {
    for (int i = 0; i < n_arguments; i++)
        if (!strcmp(arguments[i], word)) return 1;
    return 0;
}

static void make_line(void) {
    const command *c = &commands[below(N_COMMANDS)];
    n_arguments = 0;
    add("sgm");
    if (c->bit == SELFTEST && below(20)) c = &commands[1 + below(6)];
    add(c->name);
    const char *table = below(2) ? "good.csv" : ANY(tables);
    const char *model = below(2) ? "model.safetensors" : ANY(models);
    if (c->bit == FIT) add(table);
    else if (c->bit == INFO) add(below(2) ? table : model);
    else if (c->bit & (DRAWS | EXPORT)) add(model);
    if (c->bit & (LOGP | IMPUTE | ANOMALY) || (c->bit == GIVEN && !below(3))) add(table);
    if (c->bit == GIVEN)
        for (unsigned k = below(4); k > 0; k--) add(ANY(givens));
    if (c->bit & (EXPLAIN | HELP)) add(below(2) ? ANY(values) : "SGM_BAD_FILE");
    if (c->bit & (FIT | PLOT | EXPORT) && below(8))
        add("-o"), add(below(2) ? ANY(outputs) : c->bit == PLOT ? "new.png" : "new.safetensors");
    for (unsigned k = below(3); k > 0; k--) add_option(c->bit);
    if (!below(8)) mutate_word(arguments[1 + below((unsigned)n_arguments - 1)]);
    if (!below(30)) add("--"), add(ANY(values));
    /* what is only long is no fault */
    if (!strcmp(arguments[1], "fit") && !has_word_of("--")) {
        add("--quality"), add("fast"), add("--steps"), add("4");
    }
    if (!strcmp(arguments[1], "plot") && !has_word_of("--")) add("-n"), add("20");
}

/* A copy of a file with some bytes changed, cut or doubled. */
static void mutate_file(const char *from, const char *to) {
    static char bytes[1 << 22];
    FILE *f = fopen(from, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes / 2, f) : 0;
    if (f) fclose(f);
    for (unsigned k = 1 + below(4); k > 0 && n > 8; k--) {
        /* the head of a model is more telling than its numbers */
        const size_t most = below(2) && n > 3000 ? 3000 : n, at = below((unsigned)most);
        switch (below(4)) {
        case 0: bytes[at] = (char)below(256); break;
        case 1: n = below(4) ? n : at; break;
        case 2: bytes[at] ^= (char)(1 << below(8)); break;
        default: bytes[at] = "0,;\n\"9-e"[below(8)];
        }
    }
    put_file(to, bytes, n);
}

static void know_files(void) {
    DIR *d = opendir(".");
    struct dirent *e;
    n_files = 0;
    while (d && (e = readdir(d)) != NULL) {
        struct stat s;
        if (!strcmp(e->d_name, "told") || !strcmp(e->d_name, "said") || stat(e->d_name, &s) ||
            !S_ISREG(s.st_mode) || n_files == MOST_FILES)
            continue;
        snprintf(files[n_files].name, sizeof files->name, "%s", e->d_name);
        files[n_files++].stat = s;
    }
    if (d) closedir(d);
}

static long file_size(const char *path) {
    struct stat s;
    return stat(path, &s) ? -1 : (long)s.st_size;
}

static void complain(const char *what, int status, long run) {
    text line = {0};
    for (int i = 0; i < n_arguments; i++) {
        if (i) text_add(&line, " ");
        text_shell(&line, arguments[i]);
    }
    printf("run %ld: %s (status %d): %s\n", run, what, status, line.s);
    free(line.s);
    FILE *f = fopen("told", "rb");
    char some[1200] = "";
    if (f) some[fread(some, 1, sizeof some - 1, f)] = 0, fclose(f);
    printf("%s\n", some);
    fflush(stdout);
    bad_runs++;
}

static void in_child(int to) {
    char *argv[MOST_ARGS + 1];
    static const char *const inputs[] = {"good.csv", "good.csv", "holes.csv", "binary.csv",
                                         "mutant.csv", "/dev/null"};
    const int in = open(ANY(inputs), O_RDONLY), pipes = to == 2;
    int out = open(to == 1 ? "/dev/full" : "said", O_WRONLY | O_CREAT | O_TRUNC, 0666), ends_of[2];
    const int err = open("told", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (pipes && !pipe(ends_of)) close(ends_of[0]), out = ends_of[1];
    dup2(in, 0), dup2(err, 2);
    if (to == 3) close(1);
    else dup2(out, 1);
    for (int fd = 3; fd < 40; fd++) close(fd);
    for (int i = 0; i < n_arguments; i++) argv[i] = arguments[i];
    argv[n_arguments] = NULL;
    if (below(20)) setenv("PATH", "/nowhere", 1); /* mostly without gnuplot: it takes its time */
    setenv("TMPDIR", ".", 1);
    alarm(LIMIT);
    exit(sgm_main(n_arguments, argv));
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at) {
    (void)s, (void)kind, (void)at;
    return remove(path);
}

/* What is new, gone or changed since know_files; 1: some of it must be put back. */
static int look_at_files(int status, long run) {
    DIR *d = opendir(".");
    struct dirent *e;
    int changed = 0, forced = 0;
    for (int i = 2; i < n_arguments; i++) {
        const char *a = arguments[i];
        forced |= !strcmp(a, "--force") || (a[0] == '-' && a[1] != '-' && strchr(a, 'f'));
    }
    for (int i = 0; i < n_files; i++) {
        if (is_as_it_was(&files[i])) continue;
        changed = 1;
        if (!forced || status) complain("a file is lost or changed", status, run);
    }
    while (d && (e = readdir(d)) != NULL) {
        int known = e->d_name[0] == '.' || !strcmp(e->d_name, "told") || !strcmp(e->d_name, "said");
        struct stat s;
        for (int i = 0; i < n_files && !known; i++) known = !strcmp(files[i].name, e->d_name);
        if (known || stat(e->d_name, &s)) continue;
        if (S_ISDIR(s.st_mode) && !strncmp(e->d_name, "sgm.", 4)) {
            complain("a temporary folder is left behind", status, run);
            nftw(e->d_name, remove_one, 20, FTW_DEPTH | FTW_PHYS);
        }
        if (!S_ISREG(s.st_mode)) continue;
        if (strstr(e->d_name, ".tmp") || strstr(e->d_name, "sgm."))
            complain("a temporary file is left behind", status, run);
        else if (status && strcmp(arguments[1], "plot"))
            complain("an output is there, though it failed", status, run);
        else if (s.st_size == 0) complain("an output is empty", status, run);
        remove(e->d_name);
    }
    if (d) closedir(d);
    return changed;
}

static void copy_file(const char *from, const char *to) {
    static char bytes[1 << 22];
    FILE *f = fopen(from, "rb");
    const size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (!n) perror(from), exit(2);
    fclose(f);
    put_file(to, bytes, n);
}

/* All files, also when some are there already. */
static void put_all(void) {
    const sgm_array a = {"a", (float[]){1, 2}, 1, 2};
    put_tables();
    copy_file("kept/model.safetensors", "model.safetensors");
    check(sgm_archive_save("other.safetensors", &a, 1, NULL, 0), 2);
    mutate_file("model.safetensors", "cut.safetensors");
    mutate_file("model.safetensors", "mutant.safetensors");
    mutate_file("good.csv", "mutant.csv");
    remove("readonly.csv"), put_text("readonly.csv", "a\n1\n"), chmod("readonly.csv", 0444);
    remove("link.csv");
    if (symlink("good.csv", "link.csv")) perror("link.csv");
}

static void one_run(long run) {
    int status = 0;
    make_line();
    const int to = below(20) ? 0 : 1 + (int)below(3); /* 1: full, 2: nobody reads, 3: closed */
    if (!below(3)) mutate_file("good.csv", "mutant.csv");
    if (!below(3)) mutate_file("model.safetensors", "mutant.safetensors");
    know_files();
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) in_child(to);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    const int end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ends[end & 255]++;
    if (end == 128 + SIGALRM) complain("it hangs", end, run);
    else if (end > 4 && end != END_INTERRUPTED && !(to == 2 && end == 128 + SIGPIPE))
        complain("a crash, or a status that is not listed", end, run);
    else if (end && end != 128 + SIGPIPE && file_size("told") < 1)
        complain("it failed without a word", end, run);
    else if (end == END_USAGE && to == 0 && file_size("said") > 0)
        complain("standard output holds something, though the line is not understood", end, run);
    const int forced_change = look_at_files(end, run);
    if (forced_change) put_all();
}

/* A network as small as can be, so that the questions take no time. */
static void prepare(void) {
    const sgm_fit_options how = {.quality = SGM_QUALITY_FAST, .steps = 30, .width = 8, .depth = 1,
                                 .members = 1};
    sgm_table t;
    sgm_fitted f;
    mkdir("kept", 0777), mkdir("folder", 0777);
    put_tables();
    check(sgm_table_load(&t, "good.csv", NULL), 2);
    check(sgm_fit(&f, &t, &how, sgm_key_init(1)), 2);
    check(sgm_fitted_save(&f, "kept/model.safetensors"), 2);
    sgm_fitted_free(&f), sgm_table_free(&t);
    put_all();
}

int main(int argc, char **argv) {
    const long runs = argc > 1 ? atol(argv[1]) : 200;
    const char *folder = "out/fuzz-command";
    const double start = sgm_seconds();
    chance = sgm_key_init(argc > 2 ? (uint64_t)atol(argv[2]) : 1);
    mkdir("out", 0777), nftw(folder, remove_one, 20, FTW_DEPTH | FTW_PHYS);
    if (mkdir(folder, 0777) || chdir(folder)) return perror(folder), 2;
    prepare();
    for (long i = 0; i < runs && bad_runs < 20; i++) draws = (uint64_t)i << 20, one_run(i);
    printf("%ld command lines in %.0f s:", runs, sgm_seconds() - start);
    for (int i = 0; i < 256; i++)
        if (ends[i]) printf(" status %d %ld times;", i, ends[i]);
    printf(" %ld faults\n", bad_runs);
    return bad_runs != 0;
}
