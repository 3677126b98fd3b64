/*
Training on several processes or machines. Each rank works on its own part of every batch; the
library's hook adds up the parts in an order that does not depend on how many ranks there are, so
the model is the same to the last bit on 1 rank, on 2 or on 16. README.md beside it has the rest.

    mpicc -O2 -fopenmp -I. examples/mpi/train.c -o train -lm
    mpirun -n 4 ./train net=unet steps=2000 checkpoint=run.safetensors model=digits.safetensors
*/

#define _POSIX_C_SOURCE 200809L
#define SGM_IMPLEMENTATION
#include "sgm.h"

#include "share.h"

#include <signal.h>

#define USAGE \
    "train net=mlp|unet width= depth= n= steps= batch= lr= held= seed= threads= log= " \
    "checkpoint= every= model="

enum { NOT_DONE = 75 }; /* the exit status of a run that was asked to stop, and can go on */

static volatile sig_atomic_t asked; /* to stop */
static void ask(int signal) { (void)signal, asked = 1; }

typedef struct run {
    share all;
    const char *checkpoint;
    double started;
} run;

/*
Now and then all ranks agree whether to go on, and that they are all at the same step with the same
loss: two that went on from different checkpoints would not be. Asked to stop, rank 0 saves first.
*/
static void look(const sgm_trainer *trainer, void *user) {
    run *r = (run *)user;
    double here[5], most[5];
    MPI_Request request;
    here[0] = asked, here[1] = (double)trainer->step, here[2] = -here[1];
    here[3] = trainer->loss, here[4] = -here[3];
    MPI_Iallreduce(here, most, 5, MPI_DOUBLE, MPI_MAX, r->all.comm, &request), wait_for(&request);
    if (most[1] != -most[2] || most[3] != -most[4]) {
        fprintf(stderr, "rank %d: other ranks are elsewhere: step %ld, loss %.9g here\n",
                r->all.rank, trainer->step, trainer->loss);
        MPI_Abort(r->all.comm, 1);
    }
    if (r->all.rank == 0) {
        printf("step %ld of %ld: loss %.5f, %.1f s\n", trainer->step, trainer->o.steps,
               trainer->mean_loss, sgm_seconds() - r->started);
        fflush(stdout);
    }
    if (most[0] == 0) return;
    if (r->all.rank == 0 && r->checkpoint) must(sgm_trainer_save(trainer, r->checkpoint));
    if (r->all.rank == 0) printf("stopped at step %ld\n", trainer->step);
    MPI_Finalize();
    exit(NOT_DONE);
}

int main(int argc, char **argv) {
#define ARGUMENT(name, otherwise) argument(argc, argv, name, otherwise)
    run r;
    sgm_model model;
    sgm_model_options what;
    sgm_train_options how;
    sgm_mlp_options mlp;
    sgm_image_net unet;
    struct sigaction stop;
    int threading, threads;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threading); /* one thread talks: this one */
    arguments_are(argc, argv, USAGE);
    memset(&what, 0, sizeof what), memset(&how, 0, sizeof how), memset(&r, 0, sizeof r);
    memset(&mlp, 0, sizeof mlp), memset(&unet, 0, sizeof unet);
    share_init(&r.all, MPI_COMM_WORLD);
    memset(&stop, 0, sizeof stop), stop.sa_handler = ask, stop.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &stop, NULL), sigaction(SIGUSR1, &stop, NULL); /* before Slurm ends a job */

    threads = atoi(ARGUMENT("threads", "1")); /* as many ranks as cores, or fewer with threads */
    must(sgm_set_threads(threads));

    /* Every rank has all the data and draws the same batch; it works on a part of its rows. */
    int images = !strcmp(ARGUMENT("net", "mlp"), "unet"), d = images ? 784 : 2;
    long n = atol(ARGUMENT("n", images ? "4000" : "20000"));
    float *data = (float *)malloc((size_t)((n > 0 ? n : 1) * d) * sizeof *data);
    if (!data) must(SGM_NO_MEMORY);
    if (images) sgm_data_digits(data, NULL, n, sgm_key_init(1));
    else sgm_data_moons(data, n, 0.05, sgm_key_init(1));
    for (long i = 0; images && i < n * d; i++) data[i] = 2 * data[i] - 1;

    mlp.width = unet.width = atoi(ARGUMENT("width", images ? "32" : "256"));
    mlp.depth = unet.depth = atoi(ARGUMENT("depth", images ? "3" : "4"));
    what.net = images ? sgm_unet : sgm_mlp, what.d = d, what.n_ema = 1;
    if (images) what.user = &unet;
    else what.user = &mlp;
    what.sde = sgm_sde_cosine(), what.sde.t_min = 0.005, what.sde.T = 0.98;
    what.output = SGM_OUTPUT_EDM_F; /* σ_data is measured */
    must(sgm_model_init(&model, &what, sgm_key_init(2))); /* the same on every rank */

    how.steps = atol(ARGUMENT("steps", "1000"));
    how.batch = atoi(ARGUMENT("batch", images ? "128" : "512"));
    how.lr = atof(ARGUMENT("lr", "2e-3")), how.clip = 1, how.cosine = 1;
    how.held_out = atof(ARGUMENT("held", "0"));
    how.loss.times = SGM_TIMES_LOGNORMAL, how.loss.mean = -0.3, how.loss.std = 1.4;
    how.loss.scale = 1.0 / d; /* its weight is that of F (§2.4) */
    how.rank = r.all.rank, how.ranks = r.all.ranks;
    how.share = share_sums, how.share_user = &r.all;
    how.checkpoint = r.checkpoint = ARGUMENT("checkpoint", NULL); /* rank 0 writes, all read */
    how.checkpoint_every = atol(ARGUMENT("every", "0"));
    how.log_every = atol(ARGUMENT("log", "50")), how.on_log = look, how.user = &r;

    r.started = sgm_seconds();
    must(sgm_train(&model, data, n, &how, sgm_key_init((uint64_t)atol(ARGUMENT("seed", "3")))));
    share_report(&r.all, threads);
    if (r.all.rank == 0 && ARGUMENT("model", NULL)) must(sgm_model_save(&model, ARGUMENT("model", NULL)));
    sgm_model_free(&model), share_free(&r.all), free(data);
    MPI_Finalize();
    return 0;
}
