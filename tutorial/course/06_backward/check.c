#include "check.h"

void linear_backward(int n, int in, int out, const float *x, const float *w, const float *dy,
    float *dx, float *dw, float *db);
void silu_backward(long n, const float *x, const float *dy, float *dx);
void block_backward(int n, int d, const float *x, const float *w, const float *a, const float *dy,
    float *room, float *dx, float *dw, float *db);

enum {
    MOST = 64,
    ROOM = 256
}; /* numbers of an array; ROOM has space for what is written too far */
static const double TOL = 4e-6; /* sums of six products of floats */

static const char *const causes[][2] = {
    {"overwrite", "= stands for +=: a share is added to what is there, for others add to it, too."},
    {"cleared", "What was there is gone: set to 0 first, or the sum is written by =. Whoever calls "
                "has set it to 0, or has put shares there."},
    {"mean-over-rows", "It is the mean over the rows, n times too small: W and b are in all rows, "
                       "and their shares add up."},
    {"not-transposed", "W is read as if it were stored the other way round: of W's transpose the "
                       "row j is W's column j, at w[p * out + j]."},
    {"dw-transposed", "It is stored transposed: the derivative by W_pj stands where W_pj does."},
    {"sign-turned", "The share is subtracted: the derivative goes back as it is."},
    {"nothing-written", "It is as it was: nothing was added."},
    {"one-row-only", "Only the first row has a share in it; all rows do."},
    {"one-row-only", "Only the last row has a share in it; all rows do."},
    {"x-transposed", "x is read as if it had `in` rows: its row i begins at x[i * in]."},
    {"x-forgotten", "dy alone is added up; y moves with W_pj by x_ip, so x belongs beside it."},
    {"x-for-w", "x stands where W belongs: y moves with x_ip by W_pj."},
    {"dx-transposed", "It is stored transposed: the derivative by x_ip stands where x_ip does."},
    {"in-out-exchanged", "in and out have changed places: W has `in` rows of `out` numbers."},
    {"only-sigma", "The derivative is σ(x) alone: x σ(x) is a product, and x σ'(x) is missing."},
    {"sigmoid-derivative", "The derivative is σ(1 − σ), that of the sigmoid; SiLU is x times it."},
    {"relu", "The derivative is 0 or 1, that of ReLU."},
    {"value-for-derivative", "It is silu(x) itself that is multiplied, not its derivative."},
    {"chain-forgotten", "It is the derivative alone: the chain rule multiplies it by dy."},
    {"product-rule", "The derivative is σ + x(1 − σ): σ' is σ(1 − σ), and one σ is lost."},
    {"product-rule", "The derivative is σ + x σ: of σ' = σ(1 − σ) the 1 − σ is lost."},
    {"product-rule", "The derivative is 1 + x(1 − σ): it lacks the σ before it."},
    {"derivative-sign", "The derivative is σ(1 − x(1 − σ)): x σ' is added in the product rule."},
    {"brackets", "The derivative is σ(1 + x)(1 − σ): only x is multiplied by 1 − σ."},
    {"x-and-dy-exchanged", "The derivative is at dy and multiplied by x: they changed places."},
    {"skip-forgotten", "x reaches y on two ways; dx lacks the share of the direct one, dy."},
    {"room-not-cleared", "room held something, and silu_backward has added to it."},
    {"bend-skipped", "dy goes through the linear layer without having gone through SiLU."},
    {"bend-at-x", "SiLU's derivative is taken at x; it was applied to a."},
    {"wrong-way-round", "dy goes through the layer first and through SiLU then. Backward goes from "
                        "the end to the start: SiLU came last."},
    {"skip-twice", "The direct share, dy, is in dx twice."},
    {"skip-of-x", "The direct share is x; it is dy, for y moves as x does."},
    {"skip-overwrites", "dy is written to dx in the end, by =: what the layer added is lost."},
    {"bias-twice", "db has its share twice: linear_backward adds it already."},
    {"room-half-cleared", "memset counts bytes: n d numbers are n d sizeof(float) of them."},
    {"bend-of-silu", "The derivative is taken at silu(a); it was applied to a."}};
enum {
    FINE = -1,
    OVERWRITE,
    CLEARED,
    MEAN,
    PLAIN_W,
    TURNED_DW,
    SIGN,
    IDLE,
    FIRST_ROW,
    LAST_ROW,
    X_TURNED,
    X_LESS,
    X_FOR_W,
    DX_TURNED,
    SWAPPED,
    SIGMA,
    SIGMOID,
    RELU,
    VALUE,
    ALONE,
    LOST,
    LOST_TOO,
    LOST_BEFORE,
    SLOPE_SIGN,
    BRACKETS,
    CROSSED,
    SKIP,
    RUBBISH,
    UNBENT,
    AT_X,
    ROUND,
    SKIP_TWICE,
    SKIP_X,
    SKIP_LAST,
    BIAS_TWICE,
    BYTES,
    OF_SILU,
    ALL
};

static double value[ALL][3 * ROOM];
/* The guesses from `first` to before `last`; and a last one for what is right to four digits. */
static const lab_guess *guesses(
    int first, int last, const double *got, const double *truth, long n) {
    static lab_guess list[ALL + 2];
    int at = 0;
    double off = 0, top = 0;
    for (long i = 0; i < n; i++)
        off = fmax(off, fabs(got[i] - truth[i])), top = fmax(top, fabs(truth[i]));
    for (int i = first; i < last; i++, at++)
        list[at].id = causes[i][0], list[at].value = value[i], list[at].cause = causes[i][1];
    if (got[0] == got[0] && off <= 1e-4 * top && first >= SIGMA) {
        list[at].id = "=rough", list[at].value = got;
        list[at++].cause = "Right to four digits, not to six: a difference quotient, or too few "
                           "digits in a constant. A network learns as well by it.";
    }
    list[at].id = NULL, list[at].value = NULL, list[at].cause = NULL;
    return list;
}

static void linear(int wrong, int n, int in, int out, const float *x, const float *w,
    const double *dy, double *dx, double *dw, double *db) {
    const double by = wrong == MEAN ? 1. / n : 1, sign = wrong == SIGN ? -1 : 1;
    const int set = wrong == OVERWRITE;
    if (wrong == IDLE) return;
    if (wrong == SWAPPED) {
        const int keep = in;
        in = out, out = keep;
    }
    for (int i = 0; i < n * in && wrong == CLEARED; i++) dx[i] = 0;
    for (int i = 0; i < in * out && wrong == CLEARED; i++) dw[i] = 0;
    for (int i = 0; i < out && wrong == CLEARED; i++) db[i] = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < out; j++) {
            const double g = sign * dy[i * out + j];
            const int counts = wrong == FIRST_ROW ? i == 0 : wrong != LAST_ROW || i == n - 1;
            db[j] = (set ? 0 : db[j]) + counts * by * g;
            for (int p = 0; p < in; p++) {
                double *to = dw + (wrong == TURNED_DW ? j * in + p : p * out + j);
                double *up = dx + (wrong == DX_TURNED ? p * n + i : i * in + p);
                const double of_x = wrong == X_LESS ? 1 : x[wrong == X_TURNED ? p * n + i :
                    i * in + p];
                *to = (set ? 0 : *to) + counts * by * g * of_x;
                *up = (set ? 0 : *up) + g * (wrong == X_FOR_W ? x[i * in + p] :
                    w[wrong == PLAIN_W ? j * in + p : p * out + j]);
            }
        }
}

static double silu_by(int wrong, double x) {
    const double s = 1 / (1 + exp(-x));
    switch (wrong) {
    case SIGMA:
        return s;
    case SIGMOID:
        return s * (1 - s);
    case RELU:
        return x > 0;
    case VALUE:
        return x * s;
    case LOST:
        return s + x * (1 - s);
    case LOST_TOO:
        return s + x * s;
    case LOST_BEFORE:
        return 1 + x * (1 - s);
    case SLOPE_SIGN:
        return s * (1 - x * (1 - s));
    case BRACKETS:
        return s * (1 + x) * (1 - s);
    default:
        return s * (1 + x * (1 - s));
    }
}

static void normal(float *x, long n, int key) { sgm_normal(x, (size_t)n, lab_key(key), 0); }
static void to_doubles(double *to, const float *x, long n) {
    for (long i = 0; i < n; i++) to[i] = x[i];
}

/* The three arrays behind one another, and behind each one number that has to stay. */
static int linear_rows(void) {
    static float x[ROOM], w[ROOM], dy[ROOM], d[3][2 * ROOM];
    static double exact[3][ROOM], wrong[ALL][3][ROOM], g[ROOM], got[ROOM];
    static const char *const row[3] = {"derivative by x", "derivative by W", "derivative by b"};
    const int n = (int)lab_whole(0, 4, 6), in = (int)lab_whole(1, 2, 3), out = in + 2;
    const int size[3] = {n * in, in * out, out};
    int right = 1;
    normal(x, ROOM, 0), normal(w, ROOM, 1), normal(dy, ROOM, 2), to_doubles(g, dy, ROOM);
    for (int a = 0; a < 3; a++) {
        normal(d[a], ROOM, 3 + a), to_doubles(exact[a], d[a], ROOM);
        for (int k = 0; k < SIGMA; k++) memcpy(wrong[k][a], exact[a], sizeof exact[a]);
    }
    linear_backward(n, in, out, x, w, dy, d[0], d[1], d[2]);
    linear(FINE, n, in, out, x, w, g, exact[0], exact[1], exact[2]);
    for (int k = 0; k < SIGMA; k++)
        linear(k, n, in, out, x, w, g, wrong[k][0], wrong[k][1], wrong[k][2]);
    for (int a = 0; a < 3; a++) {
        const long many = size[a] + 1;
        to_doubles(got, d[a], many);
        for (int k = 0; k < SIGMA; k++)
            memcpy(value[k], wrong[k][a], (size_t)many * sizeof(double));
        right &= lab_compare(
            LAB_UNIT, row[a], got, exact[a], many, TOL, guesses(0, SIGMA, got, exact[a], many));
    }
    return right;
}

static int silu_rows(void) {
    static float x[ROOM], dy[ROOM], d[ROOM];
    static double exact[ROOM], got[ROOM];
    const int n = (int)lab_whole(2, 15, 25);
    normal(x, ROOM, 10), normal(dy, ROOM, 11), normal(d, ROOM, 12);
    for (int i = 0; i < ROOM; i++) x[i] *= 2;
    for (int k = FINE; k < SKIP; k++)
        for (int i = 0; i <= n; i++) {
            double share = silu_by(k, x[i]) * (k == ALONE ? 1 : dy[i]), before = d[i];
            if (k == CROSSED) share = silu_by(k, dy[i]) * x[i];
            if (i == n || k == IDLE) share = 0;
            if ((k == OVERWRITE || k == CLEARED) && i < n) before = 0;
            if (k == CLEARED) before = 1e300; /* here the same as to overwrite */
            *(k == FINE ? exact + i : value[k] + i) = before + (k == SIGN ? -share : share);
        }
    silu_backward(n, x, dy, d), to_doubles(got, d, n + 1);
    for (int i = 0; i <= n; i++) {
        value[MEAN][i] = value[PLAIN_W][i] = value[TURNED_DW][i] = 1e300;
        for (int k = FIRST_ROW; k < SIGMA; k++) value[k][i] = 1e300;
    }
    const lab_guess *list = guesses(SIGMA, SKIP, got, exact, n + 1);
    lab_guess all[ALL + 4];
    int at = 0;
    for (int k = 0; k < SIGMA; k++, at++)
        all[at].id = causes[k][0], all[at].value = value[k], all[at].cause = causes[k][1];
    do all[at++] = *list;
    while (list++->id);
    int right = lab_compare(LAB_UNIT, "derivative by SiLU's x", got, exact, n + 1, TOL, all);
    const double far[4] = {-800, -100, 100, 800};
    float y[4 + ROOM] = {0}, one[4] = {1, 1, 1, 1}, at_far[4];
    for (int i = 0; i < 4; i++) at_far[i] = (float)far[i];
    silu_backward(4, at_far, one, y), to_doubles(got, y, 4);
    for (int i = 0; i < 4; i++) {
        exact[i] = i > 1;
        for (int k = SIGMA; k < CROSSED; k++) value[k][i] = silu_by(k, far[i]);
        value[SIGMA][i] = value[RELU][i] = value[SLOPE_SIGN][i] = 1e300; /* as the truth */
        value[CROSSED][i] = silu_by(FINE, 1) * far[i];
        if (got[i] != got[i] && right)
            return lab_true(LAB_UNIT, "SiLU's derivative at ±100, ±800", 0, "overflow",
                "It is not a number: exp(800) is infinite, and ∞/∞ or ∞·0 is none. Of exp(-x) "
                "only 1/(1 + exp(-x)) is made.");
    }
    return right & lab_compare(LAB_UNIT, "SiLU's derivative at ±100, ±800", got, exact, 4, TOL,
                       guesses(SIGMA, SKIP, got, exact, 4));
}

static void block_row(int parts) { /* 1: linear and SiLU are right by themselves */
    static float x[ROOM], w[ROOM], b[ROOM], a[ROOM], dy[ROOM], room[ROOM], d[3][ROOM];
    static float half[ROOM];
    static double got[3 * ROOM], exact[3 * ROOM];
    const int n = (int)lab_whole(3, 3, 5), dim = (int)lab_whole(4, 3, 5);
    const int size[3] = {n * dim, dim * dim, dim};
    long many = 0;
    normal(x, ROOM, 20), normal(w, ROOM, 21), normal(b, ROOM, 22), normal(dy, ROOM, 23);
    for (int i = 0; i < ROOM; i++) half[i] = room[i] = .25f * dy[ROOM - 1 - i];
    memset(half, 0, (size_t)(n * dim));
    for (int i = 0; i < n * dim; i++) {
        double sum = b[i % dim];
        for (int p = 0; p < dim; p++) sum += x[i / dim * dim + p] * (double)w[p * dim + i % dim];
        a[i] = (float)sum;
    }
    for (int k = FINE; k < ALL; k = k == FINE ? SKIP : k + 1) {
        static double t[ROOM], e[3][ROOM], through[ROOM];
        for (int i = 0; i < 3; i++) normal(d[i], ROOM, 24 + i), to_doubles(e[i], d[i], ROOM);
        for (int i = 0; i < n * dim; i++) {
            t[i] = silu_by(FINE, k == AT_X ? x[i] : a[i]) * dy[i] + (k == RUBBISH ? room[i] : 0);
            if (k == UNBENT) t[i] = dy[i];
            if (k == OF_SILU) t[i] = silu_by(FINE, silu_by(VALUE, a[i])) * dy[i];
            if (k == BYTES) t[i] += half[i];
            if (k == ROUND) t[i] = dy[i], through[i] = 0;
            if (k != SKIP) e[0][i] += k == SKIP_X ? x[i] : k == SKIP_TWICE ? 2 * dy[i] : dy[i];
        }
        linear(FINE, n, dim, dim, x, w, t, k == ROUND ? through : e[0], e[1], e[2]);
        for (int i = 0; i < n * dim; i++) {
            if (k == ROUND) e[0][i] += silu_by(FINE, a[i]) * through[i];
            if (k == SKIP_LAST) e[0][i] = dy[i];
            if (k == BIAS_TWICE) e[2][i % dim] += t[i];
        }
        many = 0;
        for (int i = 0; i < 3; i++)
            for (int j = 0; j <= size[i]; j++, many++)
                *(k == FINE ? exact + many : value[k] + many) = e[i][j];
    }
    block_backward(n, dim, x, w, a, dy, room, d[0], d[1], d[2]);
    many = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j <= size[i]; j++) got[many++] = d[i][j];
    lab_compare(LAB_UNIT, "a block, x + silu(x W + b)", got, exact, many, 2 * TOL,
        parts ? guesses(SKIP, ALL, got, exact, many) : NULL);
}

/* The library's layers; where `mine` is set, the student's functions carry adjoints back. */
static int mine;
static sgm_operation linear_op, silu_op;

static float *zeros(sgm_tape *tape, const sgm_tensor *like) {
    float *z = sgm_tape_floats(tape, like);
    for (long i = 0; z && i < (long)like->rows * like->cols; i++) z[i] = 0;
    return z;
}

static void my_linear(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    if (pass != SGM_PASS_BACKWARD) {
        linear_op(tape, y, pass);
        return;
    }
    float *dx = zeros(tape, y->a), *dw = zeros(tape, y->b), *db = zeros(tape, y->c);
    if (!dx || !dw || !db || !y->d) return;
    linear_backward(y->rows, y->a->cols, y->cols, y->a->v, y->b->v, y->d, dx, dw, db);
    sgm_tape_give(tape, y->a, SGM_ADJOINT_D, NULL, dx);
    sgm_tape_give(tape, y->b, SGM_ADJOINT_D, NULL, dw);
    sgm_tape_give(tape, y->c, SGM_ADJOINT_D, NULL, db);
}

static void my_silu(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    if (pass != SGM_PASS_BACKWARD) {
        silu_op(tape, y, pass);
        return;
    }
    float *dx = zeros(tape, y->a);
    if (!dx || !y->d) return;
    silu_backward((long)y->rows * y->cols, y->a->v, y->d, dx);
    sgm_tape_give(tape, y->a, SGM_ADJOINT_D, NULL, dx);
}

static sgm_tensor *layer(sgm_tape *t, sgm_tensor *x, int out) {
    sgm_tensor *y = sgm_linear(t, x, out);
    if (y && mine) linear_op = y->op, y->op = my_linear;
    return y;
}

static sgm_tensor *bend(sgm_tape *t, sgm_tensor *x) {
    sgm_tensor *y = sgm_silu(t, x);
    if (y && mine) silu_op = y->op, y->op = my_silu;
    return y;
}

static sgm_tensor *net(sgm_tape *t, const sgm_net_in *in) { /* h is used twice */
    sgm_tensor *h = bend(t, layer(t, in->x, 12));
    return layer(t, sgm_add(t, h, bend(t, layer(t, h, 12))), 2);
}

enum { POINTS = 16 };
static float points[2 * POINTS], wanted[2 * POINTS];

/* The mean square error at the points, and, with grads, its gradient. */
static double loss_of(sgm_tape *tape, float *params, size_t n, float *grads) {
    double loss = 0;
    sgm_net_in in;
    memset(&in, 0, sizeof in);
    sgm_tape_reset(tape, params, grads, n, lab_key(0), 0);
    in.x = sgm_tape_input(tape, points, POINTS, 2);
    sgm_tensor *out = net(tape, &in);
    float *seed = out && grads ? sgm_tape_gradient_of(tape, out) : NULL;
    for (int i = 0; out && i < 2 * POINTS; i++) {
        const double miss = out->v[i] - wanted[i];
        loss += miss * miss / POINTS;
        if (seed) seed[i] = (float)(2 * miss / POINTS);
    }
    if (seed) sgm_tape_backward(tape);
    return loss;
}

/* v·(J u) by the library's tangents, u·(Jᵀ v) by the student's adjoints, with v = J u: their ratio.
 */
static double two_ways(sgm_tape *tape, float *params, size_t n, float *grads) {
    double forward = 0, back = 0;
    static float u[2 * POINTS];
    sgm_net_in in;
    memset(&in, 0, sizeof in);
    normal(u, 2 * POINTS, 30);
    sgm_tape_reset(tape, params, grads, n, lab_key(0), 0);
    in.x = sgm_tape_input(tape, points, POINTS, 2);
    if (!in.x) return NAN;
    sgm_tape_watch(tape, in.x);
    float *move = sgm_tape_tangent_of(tape, in.x);
    if (move) memcpy(move, u, sizeof u);
    sgm_tensor *out = net(tape, &in);
    float *seed = out ? sgm_tape_gradient_of(tape, out) : NULL;
    if (!seed || sgm_tape_tangent(tape) != SGM_OK) return NAN;
    for (int i = 0; i < 2 * POINTS; i++)
        seed[i] = out->j[i], forward += (double)out->j[i] * out->j[i];
    sgm_tape_backward(tape);
    for (int i = 0; in.x->d && i < 2 * POINTS; i++) back += (double)in.x->d[i] * u[i];
    return back / forward;
}

static double square_of(const float *g, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (double)g[i] * g[i];
    return square;
}

/* Trains from the model's parameters with gradients of one kind; the last loss. */
static double trained(sgm_tape *tape, const sgm_model *model, int whose, double *curve, int steps) {
    sgm_train_options o;
    sgm_optimiser by;
    double loss = NAN;
    float *p = (float *)malloc(model->n_params * sizeof *p);
    memset(&o, 0, sizeof o);
    o.steps = steps, o.lr = .02;
    if (!p) return NAN;
    memcpy(p, model->params, model->n_params * sizeof *p);
    if (sgm_optimiser_init(&by, p, model->n_params, NULL, 0, &o) == SGM_OK) {
        for (int k = 0; k < steps; k++) {
            mine = whose, loss = curve[k] = loss_of(tape, p, model->n_params, by.grads), mine = 0;
            if (sgm_optimiser_step(&by) != SGM_OK) {
                loss = NAN;
                break;
            }
        }
        sgm_optimiser_free(&by);
    }
    free(p);
    return loss;
}

static void network_laws(void) {
    enum { STEPS = 60 };
    static double curve[2][STEPS], got[1024], truth[1024];
    sgm_model_options o;
    sgm_model model;
    memset(&o, 0, sizeof o);
    o.net = net, o.d = 2, o.sde = sgm_sde_vp(.1f, 20);
    normal(points, 2 * POINTS, 31);
    for (int i = 0; i < POINTS; i++) {
        wanted[2 * i] = sinf(2 * points[2 * i]);
        wanted[2 * i + 1] = points[2 * i] * points[2 * i + 1];
    }
    sgm_tape *tape = sgm_tape_new();
    if (!tape || sgm_model_init(&model, &o, lab_key(32)) != SGM_OK) return;
    const size_t n = model.n_params;
    float *g = (float *)calloc(2 * n, sizeof *g), *moved = (float *)malloc(n * sizeof *moved);
    if (g && moved && n <= 1024) {
        mine = 1, loss_of(tape, model.params, n, g), mine = 0;
        loss_of(tape, model.params, n, g + n);
        to_doubles(got, g, (long)n), to_doubles(truth, g + n, (long)n);
        lab_compare(
            LAB_LAW, "gradient of a network: as the tape's", got, truth, (long)n, 5e-4, NULL);
        const double square = square_of(g, n), h = .003 / sqrt(square);
        double loss[2];
        for (int k = 0; k < 2; k++) {
            for (size_t i = 0; i < n; i++)
                moved[i] = model.params[i] + (float)((k ? h : -h) * g[i]);
            loss[k] = loss_of(tape, moved, n, NULL);
        }
        lab_law("quotient along it, over its square", (loss[1] - loss[0]) / (2 * h * square), 1,
            .01, NULL);
        mine = 1;
        const double ways = two_ways(tape, model.params, n, g);
        mine = 0;
        lab_law("u·(Jᵀv) over v·(Ju)", ways, 1, 1e-3, NULL);
        const double own = trained(tape, &model, 0, curve[0], STEPS);
        const double theirs = trained(tape, &model, 1, curve[1], STEPS);
        lab_law("loss after 60 steps, over the tape's", theirs / own, 1, .02, NULL);
    }
    for (int i = -60; i <= 60; i++) {
        const float at = (float)i / 10, one = 1;
        float derivative[1 + ROOM] = {0};
        silu_backward(1, &at, &one, derivative);
        lab_point("%g %g %g %g", at, derivative[0], silu_by(FINE, at), silu_by(SIGMA, at));
    }
    lab_point("\n");
    for (int k = 0; k < STEPS; k++) lab_point("%d %g %g", k, curve[1][k], curve[0][k]);
    free(g), free(moved);
    sgm_model_free(&model), sgm_tape_free(tape);
}

static void lab_checks(void) {
    const int linears = linear_rows(), bends = silu_rows();
    block_row(linears && bends);
    network_laws();
}
