/*
# Tests of §4.3: a batch is a sum of pieces

One step of training is divided into pieces, which threads and processes share. What must come out:
the gradient of the whole batch, the same bits for any number of threads or ranks, few joins, and
no memory asked for in a step, whoever made it.
*/
#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "batch.h"

enum { D = 2, POINTS = 700, STEPS = 4 };

static float data[POINTS * D], cond[POINTS];
static int labels[POINTS];

typedef struct run {
    sgm_model_options mo;
    sgm_train_options to;
    sgm_mlp_options net;
    sgm_model model;
    sgm_trainer trainer;
} run;

/* 1500 rows a step in 16 accumulators, whose pieces do not end where the batches do. */
static void run_defaults(run *r) {
    memset(r, 0, sizeof *r);
    r->net.width = 96, r->net.depth = 3;
    r->mo.net = sgm_mlp, r->mo.d = D, r->mo.sde = sgm_sde_vp(0.1, 8);
    r->mo.output = SGM_OUTPUT_NOISE, r->mo.n_ema = 1;
    r->to.steps = 100, r->to.batch = 500, r->to.accumulate = 3, r->to.lr = 0.01;
    r->to.held_out = -1;
}

static void run_start(run *r) {
    r->mo.user = &r->net;
    sgm_data_moons(data, POINTS, 0.1, sgm_key_init(1000));
    for (int i = 0; i < POINTS; i++) cond[i] = (float)(i % 5), labels[i] = i % 3;
    CHECK_OK(sgm_model_init(&r->model, &r->mo, sgm_key_init(3)));
    CHECK_OK(sgm_trainer_init(&r->trainer, &r->model, data, POINTS, &r->to, sgm_key_init(4)));
}

static void run_end(run *r) { sgm_trainer_free(&r->trainer), sgm_model_free(&r->model); }

static uint64_t bits_of(const run *r) {
    const size_t bytes = r->model.n_params * sizeof(float);
    uint64_t h = 14695981039346656037ULL;
    h = sgm__fnv(h, (const unsigned char *)r->model.params, bytes);
    h = sgm__fnv(h, (const unsigned char *)r->model.ema[0], r->mo.n_ema ? bytes : 0);
    h = sgm__fnv(h, (const unsigned char *)r->trainer.grads, bytes);
    h = sgm__fnv(h, (const unsigned char *)&r->trainer.loss, sizeof r->trainer.loss);
    h = sgm__fnv(h, (const unsigned char *)&r->trainer.grad_norm, sizeof r->trainer.grad_norm);
    return sgm__fnv(h, (const unsigned char *)r->trainer.bin_sum, sizeof r->trainer.bin_sum);
}

/*
(4.3): the gradient is the sum of its rows' gradients, each taken alone on a tape and added up in
double. A float sum of n terms errs by at most n u Σ|term|, and each term by some 40 roundings of
its own in a row of four layers and sums over 96.
*/
static void sum_of_rows(void **state) {
    run r;
    (void)state;
    run_defaults(&r), run_start(&r);
    const size_t P = r.model.n_params;
    double *sum = (double *)calloc(2 * P, sizeof *sum), *size = sum + P;
    float *one = (float *)calloc(P, sizeof *one);
    sgm_tape *tape = sgm_tape_new();
    assert_int_equal(r.trainer.n_sums, 16);
    r.trainer.step = 7; /* its batches are 21, 22 and 23 */
    CHECK_OK(sgm__trainer_gradient(&r.trainer));
    for (int k = 0; k < 3; k++) {
        sgm__piece b = batch_of(&r.trainer, 21 + k);
        for (long i = 0; i < 500; i++) {
            sgm_net_in in;
            double a_i, b_i;
            sgm_tape_reset(tape, r.model.params, one, P, sgm_key_init(0), SGM_TAPE_TRAINING);
            sgm__net_in(tape, &in, &b.ask, b.x + i * D, b.t + i, 1);
            sgm_tensor *out = sgm_mlp(tape, &in);
            float *grad = sgm_tape_gradient_of(tape, out);
            sgm_output_affine(&a_i, &b_i, SGM_OUTPUT_NOISE, &r.mo.sde, b.t[i], 1);
            for (int j = 0; j < D; j++) /* (4.2) with B = 1500 */
                grad[j] = (float)(2 / 1500.0 * b.w[i] * b_i *
                                  (a_i * b.x[i * D + j] + b_i * out->v[j] - b.eps[i * D + j]));
            CHECK_OK(sgm_tape_backward(tape));
            for (size_t p = 0; p < P; p++) sum[p] += one[p], size[p] += fabs(one[p]);
        }
    }
    for (size_t p = 0; p < P; p++)
        CHECK_CLOSE(r.trainer.grads[p], sum[p], (190 + 40) * 0x1p-24 * size[p]);
    sgm_tape_free(tape), free(sum), free(one), run_end(&r);
}

/*
The same bits for any number of threads, in every kind of training that a piece can meet. The
threads change while the run goes on.
*/
enum { KINDS = 13 };
static const char *const kinds[KINDS] = {"plain", "dropout", "clip", "SGD", "AdaBelief", "conditions",
    "classes", "ISM", "SSM", "energy", "energy SSM", "stratified", "one small batch"};

static void run_kind(run *r, int kind) {
    run_defaults(r);
    switch (kind) {
    case 1: r->net.dropout = 0.2f; break;
    case 2: r->to.clip = 0.01; break;
    case 3: r->to.optimiser = SGM_OPTIMISER_SGD; break;
    case 4: r->to.optimiser = SGM_OPTIMISER_ADABELIEF; break;
    case 5: r->mo.cond = 1, r->to.cond = cond, r->to.cond_dropout = 0.3; break;
    case 6: r->mo.classes = 3, r->to.labels = labels, r->mo.output = SGM_OUTPUT_AUTO; break;
    case 7: r->to.loss.objective = SGM_OBJECTIVE_ISM; break;
    case 8: r->to.loss.objective = SGM_OBJECTIVE_SSM_VR, r->to.loss.directions = 2; break;
    case 9: r->mo.energy = 1, r->mo.output = SGM_OUTPUT_SCORE; break;
    case 10:
        r->mo.energy = 1, r->mo.output = SGM_OUTPUT_SCORE;
        r->to.loss.objective = SGM_OBJECTIVE_SSM;
        break;
    case 11: r->to.loss.times = SGM_TIMES_STRATIFIED; break;
    case 12: r->to.batch = 24, r->to.accumulate = 1; break;
    default: break;
    }
}

static void same_bits_by_any_threads(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        uint64_t truth = 0;
        for (int threads = 1; threads <= 5; threads += threads < 3 ? 1 : 2) {
            run r;
            CHECK_OK(sgm_set_threads(threads));
            run_kind(&r, kind), run_start(&r);
            for (int i = 0; i < STEPS; i++) {
                if (i == 2) CHECK_OK(sgm_set_threads(7 - threads)); /* more, or fewer, than before */
                CHECK_OK(sgm_trainer_step(&r.trainer));
            }
            if (threads == 1) truth = bits_of(&r);
            if (bits_of(&r) != truth) print_error("%s, %d threads:\n", kinds[kind], threads);
            assert_true(bits_of(&r) == truth);
            run_end(&r);
        }
    }
    CHECK_OK(sgm_set_threads(0));
}

/* A piece is so many rows of its batch: what is drawn for it is what the batch has there. */
static void a_piece_is_rows_of_its_batch(void **state) {
    enum { FIRST = 123, N = 77 };
    (void)state;
    for (int kind = 0; kind < KINDS - 1; kind++) {
        float x0[N * D], eps[N * D], x[N * D], t[N], w[N], told[N], known[N];
        int label[N];
        long row[N];
        sgm__piece p;
        run r;
        run_kind(&r, kind), run_start(&r);
        sgm__piece b = batch_of(&r.trainer, 5);
        memset(&p, 0, sizeof p);
        p.batch = 5, p.first = FIRST, p.n = N, p.x0 = x0, p.eps = eps, p.x = x, p.t = t, p.w = w;
        p.cond = told, p.known = known, p.label = label, p.row = row;
        sgm__piece_draw(&r.trainer, &p);
        assert_memory_equal(x0, b.x0 + FIRST * D, sizeof x0);
        assert_memory_equal(eps, b.eps + FIRST * D, sizeof eps);
        assert_memory_equal(x, b.x + FIRST * D, sizeof x);
        assert_memory_equal(t, b.t + FIRST, sizeof t), assert_memory_equal(w, b.w + FIRST, sizeof w);
        assert_memory_equal(row, b.row + FIRST, sizeof row);
        if (kind == 5) assert_memory_equal(told, b.cond + FIRST, sizeof told);
        if (kind == 5) assert_memory_equal(known, b.known + FIRST, sizeof known);
        if (kind == 6) assert_memory_equal(label, b.label + FIRST, sizeof label);
        run_end(&r);
    }
}

/*
What is drawn while a piece is worked on, masks of dropout and directions, differs from piece to
piece, also within one batch: two rows at the same place of two pieces agree in half of their
numbers, ± ½/√n. An operation of the test's own writes down what passes.
*/
enum { SEEN = 1 << 15 };
static float seen[SEEN];
static long n_seen, seen_rows[200], n_pieces;

static void note(const float *x, const sgm_tensor *y) {
    if (n_seen + (long)y->rows * y->cols > SEEN) return;
    for (long i = 0; i < (long)y->rows * y->cols; i++) seen[n_seen++] = x[i] > 0 ? 1.0f : 0.0f;
    seen_rows[n_pieces++] = y->rows;
}

static void noting(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    const size_t bytes = (size_t)y->rows * (size_t)y->cols * sizeof(float);
    if (pass == SGM_PASS_FORWARD) memcpy(y->v, y->a->v, bytes);
    if (pass == SGM_PASS_TANGENT) memcpy(y->j, y->a->j, bytes), note(y->j, y);
    if (pass == SGM_PASS_BACKWARD) sgm_tape_give(tape, y->a, SGM_ADJOINT_D, NULL, y->d);
    if (pass == SGM_PASS_BACKWARD) sgm_tape_give(tape, y->a, SGM_ADJOINT_JD, NULL, y->jd);
}

static int notes_dropout;

static sgm_tensor *noting_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *x = in->x, *ones;
    if (notes_dropout) {
        ones = sgm_tape_input(tape, NULL, x->rows, D);
        for (long i = 0; ones && !tape->dry && i < (long)x->rows * D; i++) ones->v[i] = 1;
        ones = sgm_dropout(tape, ones, 0.5f);
        if (ones && !tape->dry) note(ones->v, ones);
        x = sgm_mul(tape, x, ones);
    } else {
        x = sgm_tape_run(tape, sgm_tape_make(tape, "noting", noting, x->rows, D, x, NULL, NULL));
    }
    sgm_tensor *h = sgm_silu(tape, sgm_linear(tape, sgm_concat(tape, x, in->t), 96));
    h = sgm_silu(tape, sgm_linear(tape, sgm_silu(tape, sgm_linear(tape, h, 96)), 96));
    return sgm_linear(tape, h, D);
}

static void draws_differ_between_pieces(void **state) {
    (void)state;
    CHECK_OK(sgm_set_threads(1));
    for (notes_dropout = 0; notes_dropout < 2; notes_dropout++) {
        run r;
        double same = 0, n = 0;
        run_kind(&r, notes_dropout ? 0 : 8), r.mo.net = noting_net, r.to.loss.directions = 1;
        run_start(&r);
        n_seen = n_pieces = 0;
        CHECK_OK(sgm_trainer_step(&r.trainer));
        assert_in_range(n_pieces, 8, 100);
        long first = 0;
        for (long p = 0; p + 1 < n_pieces; first += seen_rows[p++] * D) {
            const long next = first + seen_rows[p] * D, rows = seen_rows[p + 1];
            for (long i = 0; i < (rows < seen_rows[p] ? rows : seen_rows[p]) * D; i++, n++)
                same += seen[first + i] == seen[next + i];
        }
        CHECK_CLOSE(same / n, 0.5, CHECK_SIGMAS * 0.5 / sqrt(n));
        run_end(&r);
    }
    CHECK_OK(sgm_set_threads(0));
}

/* A busy machine charges for every join. A step has three, and one that is small has none. */
static void joins_of_a_step(void **state) {
    (void)state;
#ifdef SGM__THREADS
    CHECK_OK(sgm_set_threads(2));
    for (int small = 0; small < 2; small++) {
        run r;
        run_kind(&r, small ? 12 : 0), run_start(&r);
        assert_int_equal(r.trainer.n_sums, small ? 1 : 16);
        CHECK_OK(sgm_trainer_step(&r.trainer));
        long before = sgm__joins;
        for (int i = 0; i < 10; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
        assert_true(sgm__joins - before <= (small ? 0 : 30));
        assert_true(sgm__joins - before >= (small ? 0 : 10));
        run_end(&r);
    }
    CHECK_OK(sgm_set_threads(0));
#else
    skip();
#endif
}

/* Nothing is allocated in a step, not even by a thread that did nothing in the first. */
static void no_allocation_by_any_thread(void **state) {
    (void)state;
    CHECK_OK(sgm_set_threads(4));
    for (int kind = 0; kind < KINDS; kind++) {
        run r;
        run_kind(&r, kind), run_start(&r);
        for (int i = 0; i < 2; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
        int before = alloc_calls;
        for (int i = 0; i < 10; i++) CHECK_OK(sgm_trainer_step(&r.trainer));
        if (alloc_calls != before) print_error("%s:\n", kinds[kind]);
        assert_int_equal(alloc_calls, before);
        run_end(&r);
    }
    CHECK_OK(sgm_set_threads(0));
}

/*
Ranks. Process r of R fills its sums and gets the others'. Here a step is made in two rounds: in the
first each rank's hook keeps what the rank has and fails, which changes nothing; in the second each
gets what the others kept. All must end where a run that was alone ends, bit for bit.
*/
typedef struct exchange {
    float *all;
    int calls, fail_at, parts;
    int collects;
} exchange;

static sgm_status bring(void *user, float *sums, size_t floats, int n, int first, int count) {
    exchange *e = (exchange *)user;
    const size_t one = floats * sizeof(float);
    if (++e->calls == e->fail_at) return sgm__fail(SGM_NO_FILE, "the network is down");
    if (!e->all) e->all = (float *)malloc((size_t)n * one), e->parts = n;
    assert_int_equal(n, e->parts);
    for (int a = 0; a < n; a++) {
        const int own = a >= first && a < first + count;
        float *kept = e->all + (size_t)a * floats, *here = sums + (size_t)a * floats;
        if (own && e->collects) memcpy(kept, here, one);
        else if (own) assert_memory_equal(kept, here, one); /* a step made again is the same */
        else if (!e->collects) memcpy(here, kept, one);
    }
    return e->collects ? sgm__fail(SGM_NO_FILE, "collected") : SGM_OK;
}

static void ranks_make_one_step(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS - 1; kind++)
        for (int ranks = 1; ranks <= 8; ranks += ranks < 4 ? 1 : 4) {
            exchange e;
            run alone, r[8];
            memset(&e, 0, sizeof e);
            run_kind(&alone, kind), run_start(&alone);
            for (int i = 0; i < ranks; i++) {
                run_kind(&r[i], kind);
                r[i].to.rank = i, r[i].to.ranks = ranks, r[i].to.share = bring;
                r[i].to.share_user = &e, run_start(&r[i]);
            }
            for (int step = 0; step < STEPS; step++) {
                CHECK_OK(sgm_trainer_step(&alone.trainer));
                for (e.collects = 1; e.collects >= 0; e.collects--)
                    for (int i = 0; i < ranks; i++)
                        assert_int_equal(sgm_trainer_step(&r[i].trainer),
                            e.collects ? SGM_NO_FILE : SGM_OK);
            }
            for (int i = 0; i < ranks; i++) assert_true(bits_of(&r[i]) == bits_of(&alone));
            /* a number of ranks that is a power of two adds up what each has before it is shared */
            assert_int_equal(e.parts, ranks == 3 ? alone.trainer.n_sums : ranks);
            for (int i = 0; i < ranks; i++) run_end(&r[i]);
            free(e.all), run_end(&alone);
        }
}

static void a_share_that_fails(void **state) {
    exchange e;
    run r;
    (void)state;
    memset(&e, 0, sizeof e), e.fail_at = 1;
    run_defaults(&r), r.to.ranks = 2, r.to.share = bring, r.to.share_user = &e;
    run_start(&r);
    const size_t bytes = r.model.n_params * sizeof(float);
    float *before = (float *)malloc(bytes);
    memcpy(before, r.model.params, bytes);
    CHECK_FAILS(sgm_trainer_step(&r.trainer), SGM_NO_FILE, "the network is down");
    assert_memory_equal(before, r.model.params, bytes);
    assert_int_equal(r.trainer.step, 0);
    for (int i = 0; i < SGM_BINS; i++) assert_int_equal(r.trainer.bin_n[i], 0);
    free(before), run_end(&r);
}

static void ranks_that_cannot_be(void **state) {
    (void)state;
    static const struct {
        int rank, ranks, share;
        const char *text;
    } bad[] = {{-1, 2, 1, "0 <= rank < ranks"}, {2, 2, 1, "0 <= rank < ranks"},
        {1, 0, 1, "0 <= rank < ranks"}, {0, -1, 1, "0 <= rank < ranks"}, {0, 2, 0, "needs share"},
        {0, 17, 1, "raise batch"}};
    for (int i = 0; i < COUNT(bad); i++) {
        exchange e;
        run r;
        run_defaults(&r), run_start(&r), sgm_trainer_free(&r.trainer);
        r.to.rank = bad[i].rank, r.to.ranks = bad[i].ranks, r.to.share_user = &e;
        if (bad[i].share) r.to.share = bring;
        CHECK_FAILS(sgm_trainer_init(&r.trainer, &r.model, data, POINTS, &r.to, sgm_key_init(4)),
            SGM_BAD_ARGUMENT, bad[i].text);
        run_end(&r);
    }
}

/* A NaN that comes up in some row of a later piece: the same message by any number of threads. */
static float bad_above;

static sgm_tensor *exploding_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_silu(tape, sgm_linear(tape, sgm_concat(tape, in->x, in->t), 96));
    h = sgm_silu(tape, sgm_linear(tape, sgm_silu(tape, sgm_linear(tape, h, 96)), 96));
    h = sgm_linear(tape, h, D);
    for (long i = 0; h && !tape->dry && i < h->rows; i++)
        if (in->t->v[i] > bad_above) h->v[i * D] = NAN;
    return h;
}

static void a_late_piece_is_named(void **state) {
    char first[300] = "";
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        run r;
        CHECK_OK(sgm_set_threads(threads));
        run_defaults(&r), r.mo.net = exploding_net, bad_above = 0.999f;
        run_start(&r);
        sgm_status status = SGM_OK;
        for (int i = 0; i < 20 && status == SGM_OK; i++) status = sgm_trainer_step(&r.trainer);
        assert_int_equal(status, SGM_NOT_FINITE);
        assert_non_null(strstr(sgm_error(), "(linear) at t = 0.999"));
        if (threads == 1) snprintf(first, sizeof first, "%s", sgm_error());
        assert_string_equal(sgm_error(), first);
        run_end(&r);
    }
    CHECK_OK(sgm_set_threads(0));
}

/* A network that refuses in some pieces: what the first of these in their order says, and no step. */
static sgm_tensor *refusing_net(sgm_tape *tape, const sgm_net_in *in) {
    for (int i = 0; !tape->dry && i < in->t->rows; i++)
        if (in->t->v[i] > 0.99f)
            return sgm_tape_refuse(tape, "not at t = %.9g", (double)in->t->v[i]);
    return exploding_net(tape, in);
}

static void the_first_refusal_counts(void **state) {
    char first[300] = "";
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        run r;
        CHECK_OK(sgm_set_threads(threads));
        run_defaults(&r), r.mo.net = refusing_net, bad_above = 2;
        run_start(&r);
        const size_t bytes = r.model.n_params * sizeof(float);
        float *before = (float *)malloc(bytes);
        memcpy(before, r.model.params, bytes);
        CHECK_FAILS(sgm_trainer_step(&r.trainer), SGM_BAD_ARGUMENT, "not at t = ");
        if (threads == 1) snprintf(first, sizeof first, "%s", sgm_error());
        assert_string_equal(sgm_error(), first);
        assert_memory_equal(before, r.model.params, bytes);
        free(before), run_end(&r);
    }
    CHECK_OK(sgm_set_threads(0));
}

/* Evaluations, in pieces too: the rows of any number of points, alone or together. */
static void evaluations_by_any_threads(void **state) {
    enum { N = 1111 };
    static float x[N * D], t[N], v[N * D], s[2][N * D], js[2][N * D];
    run r;
    (void)state;
    run_defaults(&r), run_start(&r);
    sgm_score score = sgm_model_score(&r.model, SGM_RAW);
    sgm_normal(x, N * D, sgm_key_init(7), 0), sgm_normal(v, N * D, sgm_key_init(8), 0);
    sgm_uniform(t, N, sgm_key_init(9), 0);
    for (int i = 0; i < N; i++) t[i] = 0.1f + 0.9f * t[i];
    for (int threads = 1; threads <= 5; threads += 2)
        for (int n = 1; n <= N; n += n < 10 ? 4 : 551) {
            CHECK_OK(sgm_set_threads(threads));
            CHECK_OK(sgm_score_jvp(&score, s[1], js[1], x, v, t, n));
            for (int i = 0; i < n; i++) {
                if (threads > 1 && i % 50) continue;
                CHECK_OK(sgm_score_jvp(&score, s[0] + i * D, js[0] + i * D, x + i * D, v + i * D, t + i, 1));
                assert_memory_equal(s[0] + i * D, s[1] + i * D, D * sizeof(float));
                assert_memory_equal(js[0] + i * D, js[1] + i * D, D * sizeof(float));
            }
        }
    CHECK_OK(sgm_set_threads(0));
    run_end(&r);
}

#define TEST(name, f) {name, f, fresh_start, nothing_left, NULL}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST("(4.3) the gradient is the sum of its rows'", sum_of_rows),
        TEST("(4.3) the same bits by any number of threads", same_bits_by_any_threads),
        TEST("(4.3) a piece is rows of its batch", a_piece_is_rows_of_its_batch),
        TEST("(4.3) draws differ between pieces", draws_differ_between_pieces),
        TEST("(4.3) a step joins its threads three times, a small one never", joins_of_a_step),
        TEST("(4.3) no thread allocates in a step", no_allocation_by_any_thread),
        TEST("(4.3) ranks make the step of one process", ranks_make_one_step),
        TEST("(4.3) a share that fails changes nothing", a_share_that_fails),
        TEST("(4.3) ranks that cannot be are refused", ranks_that_cannot_be),
        TEST("(4.3) a NaN in a late piece is named the same by all threads", a_late_piece_is_named),
        TEST("(4.3) of refusing pieces the first one speaks", the_first_refusal_counts),
        TEST("(3.10) evaluations have the same bits in any pieces", evaluations_by_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
