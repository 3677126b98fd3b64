/*
The hook of examples/mpi, called as its promises allow: with a rank or two it ends in the bits of a
trainer that has none; if it fails, nothing has changed, and the step can be made again. mpi.sh runs
it on several ranks. `mpi_hook alone=1` fails on that rank alone, which must end all of them.
*/

#define _POSIX_C_SOURCE 200809L
#define SGM_IMPLEMENTATION
#include "sgm.h"

#include "../examples/mpi/share.h"

enum { N = 3000, BATCH = 512, STEPS = 5, FAILS_AT = 2 };

typedef struct fragile {
    share all;
    long calls, fail_at;
} fragile;

static sgm_status falls(void *user, float *sums, size_t floats, int n, int first, int count) {
    fragile *f = (fragile *)user;
    if (f->calls++ == f->fail_at) return SGM_NO_FILE;
    return share_sums(&f->all, sums, floats, n, first, count);
}

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "mpi_hook: not so: %s (%s)\n", what, sgm_error());
    MPI_Abort(MPI_COMM_WORLD, 3);
}

static void start(sgm_trainer *trainer, sgm_model *model, const float *data, fragile *f) {
    sgm_model_options what;
    sgm_train_options how;
    memset(&what, 0, sizeof what), memset(&how, 0, sizeof how);
    what.net = sgm_mlp, what.d = 2, what.sde = sgm_sde_vp(0.1, 20), what.n_ema = 1;
    how.steps = STEPS, how.batch = BATCH, how.clip = 0.5, how.held_out = 0.1;
    if (f) how.rank = f->all.rank, how.ranks = f->all.ranks, how.share = falls, how.share_user = f;
    must(sgm_model_init(model, &what, sgm_key_init(1)));
    must(sgm_trainer_init(trainer, model, data, N, &how, sgm_key_init(2)));
}

static int same(const sgm_model *a, const sgm_model *b) {
    const size_t bytes = a->n_params * sizeof(float);
    return !memcmp(a->params, b->params, bytes) && !memcmp(a->ema[0], b->ema[0], bytes);
}

int main(int argc, char **argv) {
    static float data[2 * N];
    fragile f = {.fail_at = FAILS_AT};
    sgm_trainer alone, shared;
    sgm_model one, many;
    int threading, lonely;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threading);
    arguments_are(argc, argv, "mpi_hook alone=");
    lonely = atoi(argument(argc, argv, "alone", "-1"));
    share_init(&f.all, MPI_COMM_WORLD);
    must(sgm_set_threads(1));
    sgm_data_moons(data, N, 0.05, sgm_key_init(3));
    start(&alone, &one, data, NULL), start(&shared, &many, data, &f);
    if (lonely >= 0 && f.all.rank != lonely) f.fail_at = -1;
    for (int i = 0; i < STEPS; i++) {
        if (i == FAILS_AT) {
            const double loss = shared.slow_loss;
            const sgm_status status = sgm_trainer_step(&shared);
            if (lonely >= 0) must(status); /* the others wait in the hook, and end with this one */
            expect(status == SGM_NO_FILE && shared.status == SGM_NO_FILE, "the hook's status is the step's");
            expect(sgm_trainer_done(&shared), "a loop over a trainer that failed ends");
            expect(shared.step == i && shared.slow_loss == loss, "a step that failed is not counted");
            expect(same(&one, &many), "a step that failed changes nothing");
        }
        must(sgm_trainer_step(&alone)), must(sgm_trainer_step(&shared));
        expect(alone.loss == shared.loss && alone.grad_norm == shared.grad_norm, "loss and norm are those of one process");
        expect(same(&one, &many), "parameters and averages are those of one process");
        expect(!memcmp(&alone.held_loss, &shared.held_loss, sizeof(double)), "and so is what was held out");
    }
    expect(f.calls == STEPS + 1 && f.all.steps == STEPS, "the hook is called once a step");
    share_report(&f.all, 1);
    sgm_trainer_free(&alone), sgm_trainer_free(&shared);
    sgm_model_free(&one), sgm_model_free(&many);
    share_free(&f.all);
    MPI_Finalize();
    return 0;
}
