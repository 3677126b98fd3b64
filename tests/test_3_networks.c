/*
Chapter 3: networks. Every operation is held against three truths. Central differences say that
the tangent, the adjoints and the adjoints of tangents are derivatives of the right function, to some
10⁻⁵. The transposition ⟨u, J v⟩ = ⟨Jᵀu, v⟩ and the symmetry of second derivatives say the same of
pairs of passes, to 10⁻⁶. And closed forms say that the function is the right one.

    cc -O2 tests/test_3_networks.c -lcmocka -lm -o test_3_networks && ./test_3_networks
*/

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "batch.h"

static double norm(const float *a, long n) { return sqrt(dot(a, a, n)); }

static void unit(float *z, long n, sgm_key key) {
    sgm_normal(z, (size_t)n, key, 0);
    double length = norm(z, n);
    for (long i = 0; i < n; i++) z[i] = (float)(z[i] / length);
}

/*
## A function on a tape

Two inputs a and b of shape (ROWS, COLS) that both move, and all parameters that f asks for, as one
vector of N numbers: first the 2·SIZE inputs, then the parameters.
*/

enum { ROWS = 3, COLS = 4, SIZE = ROWS * COLS, ROOM = 6000, OUT_ROOM = 2 * SIZE };

typedef sgm_tensor *(*function)(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b);

typedef struct rig {
    function f;
    sgm_tape *tape;
    int flags, n_params, n_out;
    sgm_tensor *a, *b, *y;
    float at[2 * SIZE + ROOM], grads[ROOM];
} rig;

static void poison_tape(sgm_tape *tape) { /* what a pass does not write, it must not read */
    for (sgm__arena_block *block = tape->blocks; block; block = block->next)
        memset(block + 1, 0xff, block->size + 64);
}

static void rig_run(rig *r, const float *x) {
    memset(r->grads, 0xff, sizeof r->grads);
    sgm_tape_reset(r->tape, (float *)(uintptr_t)(x + 2 * SIZE), r->grads, ROOM, sgm_key_init(3),
                   r->flags);
    poison_tape(r->tape);
    r->a = sgm_tape_input(r->tape, x, ROWS, COLS);
    r->b = sgm_tape_input(r->tape, x + SIZE, ROWS, COLS);
    sgm_tape_watch(r->tape, r->a), sgm_tape_watch(r->tape, r->b);
    r->y = r->f(r->tape, r->a, r->b);
    CHECK_OK(sgm_tape_status(r->tape));
    r->n_params = (int)r->tape->cursor, r->n_out = r->y->rows * r->y->cols;
    assert_true(r->n_out <= OUT_ROOM);
}

static void rig_init(rig *r, function f, int flags, uint64_t seed) {
    memset(r, 0, sizeof *r);
    r->f = f, r->flags = flags, r->tape = sgm_tape_new();
    sgm_normal(r->at, COUNT(r->at), sgm_key_init(seed), 0);
    for (int i = 2 * SIZE; i < COUNT(r->at); i++) r->at[i] *= 0.5f;
    rig_run(r, r->at);
}

static void rig_free(rig *r) { sgm_tape_free(r->tape); }

/* The tangent pass at x along the first 2·SIZE numbers of v: afterwards y->j holds J v. */

static void rig_tangent(rig *r, const float *x, const float *v) {
    rig_run(r, x);
    memcpy(sgm_tape_tangent_of(r->tape, r->a), v, SIZE * sizeof *v);
    memcpy(sgm_tape_tangent_of(r->tape, r->b), v + SIZE, SIZE * sizeof *v);
    CHECK_OK(sgm_tape_tangent(r->tape));
}

/* The backward pass from adjoints u by the values and w by the tangents, either NULL. */

static void rig_backward(rig *r, const float *u, const float *w) {
    size_t bytes = (size_t)r->n_out * sizeof *u;
    if (u) memcpy(sgm_tape_gradient_of(r->tape, r->y), u, bytes);
    if (w) memcpy(sgm_tape_tangent_gradient_of(r->tape, r->y), w, bytes);
    CHECK_OK(sgm_tape_backward(r->tape));
}

/* All adjoints as one vector; an input that y does not depend on has none, that is zeros. */

static void rig_input_adjoints(rig *r, float *out, int which) {
    for (int i = 0; i < 2; i++) {
        const sgm_tensor *x = i ? r->b : r->a;
        memset(out + i * SIZE, 0, SIZE * sizeof *out);
        if (x->set & which) memcpy(out + i * SIZE, which == SGM_ADJOINT_D ? x->d : x->jd,
                                   SIZE * sizeof *out);
    }
}

static void rig_adjoints(rig *r, float *out) {
    rig_input_adjoints(r, out, SGM_ADJOINT_D);
    memcpy(out + 2 * SIZE, r->grads, (size_t)r->n_params * sizeof *out);
}

/* On which side of its kink each ReLU of the tape stands, as one number. */

static uint64_t relu_sides(const sgm_tape *tape) {
    uint64_t sides = 1;
    for (int i = 0; i < tape->n; i++) {
        const sgm_tensor *y = tape->list[i];
        if (strcmp(y->name, "relu")) continue;
        for (long k = 0; k < (long)y->rows * y->cols; k++)
            sides = sides * 0x9E3779B97F4A7C15u + (y->v[k] > 0);
    }
    return sides;
}

/*
⟨u, y⟩ or ⟨w, J v⟩ at x + h z, and its slope along z by five points: truncation h⁴f⁽⁵⁾/30, rounding
1.5 δ/h for an error δ in each value. `smooth` is told whether a ReLU changed sides on the way.
*/

static double rig_value(rig *r, const float *z, double h, const float *u, const float *v,
                        uint64_t *sides) {
    static float x[2 * SIZE + ROOM];
    memcpy(x, r->at, sizeof x);
    for (int i = 0; i < 2 * SIZE + r->n_params; i++) x[i] = (float)(x[i] + h * z[i]);
    if (v) rig_tangent(r, x, v);
    else rig_run(r, x);
    *sides = relu_sides(r->tape);
    return dot(u, v ? r->y->j : r->y->v, r->n_out);
}

static double rig_slope(rig *r, const float *z, double h, const float *u, const float *v,
                        int *smooth) {
    static const double weight[4] = {1 / 12.0, -8 / 12.0, 8 / 12.0, -1 / 12.0};
    static const int place[4] = {-2, -1, 1, 2};
    uint64_t first = 0, sides;
    double sum = 0;
    *smooth = 1;
    for (int i = 0; i < 4; i++) {
        sum += weight[i] * rig_value(r, z, place[i] * h, u, v, &sides) / h;
        if (i == 0) first = sides;
        *smooth &= sides == first;
    }
    return sum;
}

/*
The tolerances. A chain of L operations, each a sum of at most 12 products, gets a rounding error
of about √12·L·2⁻²⁴ ≈ 4L·2⁻²⁴ in units of its size S. Differences with h = 2⁻⁵ make 1.5/h of it,
and add the truncation h⁴/30·f⁽⁵⁾ = 3·10⁻⁸ f⁽⁵⁾, where f⁽⁵⁾ ≤ 16 S for the functions here (tanh's
is) along directions of length 1. ReLU has no fifth derivative, but it needs the smaller h = 2⁻⁹
to stay on one side.
*/

typedef struct tolerance {
    double h, exact, differences;
} tolerance;

static tolerance tolerance_for(int links, int has_kinks) {
    tolerance tol;
    tol.h = has_kinks ? 1 / 512.0 : 1 / 32.0;
    tol.exact = 4 * links * EPS;
    tol.differences = 1.5 * tol.exact / tol.h + pow(tol.h, 4) / 30 * 16;
    return tol;
}

/* A direction in the inputs (which = 0) or in the parameters (1), of length 1. */

static void direction(rig *r, float *z, int which, uint64_t seed) {
    memset(z, 0, (2 * SIZE + ROOM) * sizeof *z);
    if (which == 0) unit(z, 2 * SIZE, sgm_key_init(seed));
    else unit(z + 2 * SIZE, r->n_params, sgm_key_init(seed));
}

/* (3.1), (3.2) and the second derivatives against differences along z. */

static void check_differences(rig *r, const float *u, const float *v, int which, tolerance tol) {
    static float z[2 * SIZE + ROOM], adjoints[2 * SIZE + ROOM];
    int n = 2 * SIZE + r->n_params, smooth = 0, bends = 0;
    double slope = 0, bend = 0;
    for (uint64_t seed = 1; seed < 200 && !(smooth && bends); seed++) {
        direction(r, z, which, seed);
        slope = rig_slope(r, z, tol.h, u, NULL, &smooth);
        bend = rig_slope(r, z, tol.h, u, v, &bends);
    }
    assert_true(smooth && bends);
    rig_run(r, r->at);
    double size = norm(r->y->v, r->n_out) + 1; /* of y; u and z have length 1 */
    rig_backward(r, u, NULL);
    rig_adjoints(r, adjoints);
    CHECK_CLOSE(dot(adjoints, z, n), slope, tol.differences * size);
    if (which == 0) {
        rig_tangent(r, r->at, z);
        CHECK_CLOSE(dot(u, r->y->j, r->n_out), slope, tol.differences * size);
    }
    rig_tangent(r, r->at, v);
    size = norm(r->y->j, r->n_out) + 1;
    rig_backward(r, NULL, u);
    rig_adjoints(r, adjoints);
    CHECK_CLOSE(dot(adjoints, z, n), bend, tol.differences * size);
}

/* What is known without differences: transposition, symmetry, and that adjoints add up. */

static void check_exact(rig *r, const float *u, const float *w, const float *v, const float *z,
                        tolerance tol) {
    static float back[2 * SIZE + ROOM], by_v[2 * SIZE + ROOM], by_z[2 * SIZE + ROOM];
    static float both[2 * SIZE + ROOM], of_tangent[2 * SIZE];
    int n = 2 * SIZE;
    rig_run(r, r->at), rig_backward(r, u, NULL), rig_adjoints(r, back);
    rig_tangent(r, r->at, v);
    double size = norm(r->y->j, r->n_out) + norm(back, n), along = dot(u, r->y->j, r->n_out);
    CHECK_CLOSE(dot(back, v, n), along, tol.exact * size); /* ⟨Jᵀu, v⟩ = ⟨u, J v⟩ */
    rig_backward(r, NULL, w), rig_adjoints(r, by_v);
    rig_input_adjoints(r, of_tangent, SGM_ADJOINT_JD);
    rig_tangent(r, r->at, z), rig_backward(r, NULL, w), rig_adjoints(r, by_z);
    size = norm(by_v, n) + norm(by_z, n) + norm(back, n) + 1;
    CHECK_CLOSE(dot(by_v, z, n), dot(by_z, v, n), tol.exact * size); /* D²f[v,z] = D²f[z,v] */
    rig_tangent(r, r->at, v), rig_backward(r, u, w), rig_adjoints(r, both);
    size = norm(both, n + r->n_params) + norm(back, n + r->n_params) + 1;
    for (int i = 0; i < n + r->n_params; i++)
        CHECK_CLOSE(both[i], (double)back[i] + by_v[i], tol.exact * size);
    rig_run(r, r->at), rig_backward(r, w, NULL), rig_adjoints(r, back);
    for (int i = 0; i < n; i++) /* the adjoint by a tangent is Jᵀw */
        CHECK_CLOSE(of_tangent[i], back[i], tol.exact * size);
}

static void check_function(function f, int flags, int links, int has_kinks, uint64_t seed) {
    static rig r;
    float u[OUT_ROOM], w[OUT_ROOM], v[2 * SIZE], z[2 * SIZE];
    tolerance tol = tolerance_for(links, has_kinks);
    rig_init(&r, f, flags, seed);
    unit(u, r.n_out, sgm_key_init(seed + 10)), unit(w, r.n_out, sgm_key_init(seed + 11));
    unit(v, 2 * SIZE, sgm_key_init(seed + 12)), unit(z, 2 * SIZE, sgm_key_init(seed + 13));
    check_exact(&r, u, w, v, z, tol);
    check_differences(&r, u, v, 0, tol);
    if (r.n_params) check_differences(&r, w, z, 1, tol);
    rig_free(&r);
}

/*
## The operations, one by one
*/

#define F(name) static sgm_tensor *name(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b)
F(f_linear) { return sgm_linear(tape, sgm_concat(tape, a, b), 5); }
F(f_zero) { return sgm_linear_zero(tape, sgm_concat(tape, b, a), 3); }
F(f_relu) { return (void)b, sgm_relu(tape, a); }
F(f_silu) { return (void)b, sgm_silu(tape, a); }
F(f_tanh) { return (void)b, sgm_tanh(tape, a); }
F(f_gelu) { return (void)b, sgm_gelu(tape, a); }
F(f_softplus) { return (void)b, sgm_softplus(tape, a); }
F(f_sigmoid) { return (void)b, sgm_sigmoid(tape, a); }
F(f_concat) { return sgm_concat(tape, a, b); }
F(f_add) { return sgm_add(tape, a, b); }
F(f_mul) { return sgm_mul(tape, a, b); }
F(f_scale) { return (void)a, sgm_mul_by(tape, b, -1.7f); }
F(f_norm) { return (void)b, sgm_layer_norm(tape, a); }
F(f_dropout) { return (void)b, sgm_dropout(tape, a, 0.3f); }
F(f_center) {
    (void)b;
    return sgm_tape_run(
        tape, sgm_tape_make(tape, "center", sgm__op_center, a->rows, a->cols, a, NULL, NULL));
}
F(f_rms) {
    (void)b;
    return sgm_tape_run(
        tape, sgm_tape_make(tape, "rms", sgm__op_rms, a->rows, a->cols, a, NULL, NULL));
}
F(f_affine) { /* y = a ⊙ γ + β */
    sgm_tensor *gain = sgm_param(tape, 1, COLS, 1), *bias = sgm_param(tape, 1, COLS, 1);
    (void)b;
    return sgm__norm(tape, "affine", a, COLS, 0, gain, bias, 0, 0);
}
F(f_param) { return sgm_mul(tape, sgm_param(tape, ROWS, COLS, 1), sgm_add(tape, a, b)); }
F(f_repeat) { /* a row of parameters, as a gain */
    sgm_tensor *gain = sgm_repeat(tape, sgm_param(tape, 1, COLS, 1), a->rows);
    return sgm_mul(tape, sgm_add(tape, a, b), gain);
}
F(f_learned) { return (void)b, sgm_time_learned(tape, a, 6); }
F(f_circle) {
    sgm_tensor *t = sgm_mul_by(tape, sgm_linear(tape, a, 1), 0.2f);
    return (void)b, sgm_time_circle(tape, t);
}
F(f_sinusoidal) {
    sgm_tensor *t = sgm_mul_by(tape, sgm_linear(tape, a, 1), 0.001f);
    return (void)b, sgm_time_sinusoidal(tape, t, 7);
}
F(f_fourier) { return (void)b, sgm_time_fourier(tape, sgm_linear(tape, a, 1), 5, 0.25f); }
F(f_log_sigma) { /* of a time between .1 and 1 */
    static sgm_sde sde;
    sgm_tensor *t = sgm_mul_by(tape, sgm_sigmoid(tape, sgm_linear(tape, a, 1)), 0.9f);
    float tenth[ROWS] = {0.1f, 0.1f, 0.1f};
    sde = sgm_sde_vp(0.1, 4);
    t = sgm_add(tape, t, sgm_tape_input(tape, tenth, ROWS, 1));
    return (void)b, sgm__time_features(tape, t, 1, 1, SGM__LOG_SIGMA, &sde);
}


/* An operation made of nothing but what is public: y = b sin a, with its rows of (3.1) and (3.3). */

static void wave_passes(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    sgm_tensor *a = y->a, *b = y->b;
    float *work[4];
    for (int i = 0; i < 4; i++) assert_non_null(work[i] = sgm_tape_floats(tape, y));
    for (int i = 0; i < y->rows * y->cols; i++) {
        double s = y->s * sin(a->v[i]), c = y->s * cos(a->v[i]), aj = a->j ? a->j[i] : 0, bj = b->j ? b->j[i] : 0;
        if (pass == SGM_PASS_FORWARD) y->v[i] = (float)(b->v[i] * s);
        if (pass == SGM_PASS_TANGENT) y->j[i] = (float)(b->v[i] * c * aj + s * bj);
        work[0][i] = (float)(b->v[i] * c), work[1][i] = (float)s;
        work[2][i] = (float)(c * bj - b->v[i] * s * aj), work[3][i] = (float)(c * aj);
    }
    for (int i = 0; pass == SGM_PASS_BACKWARD && i < 2; i++) {
        sgm_tensor *x = i ? b : a;
        sgm_tape_give(tape, x, SGM_ADJOINT_D, work[i], y->d);
        sgm_tape_give(tape, x, SGM_ADJOINT_JD, work[i], y->jd);
        sgm_tape_give(tape, x, SGM_ADJOINT_D, work[2 + i], y->jd);
    }
}

F(f_own) {
    sgm_tensor *y = sgm_tape_make(tape, "wave", wave_passes, a->rows, a->cols, a, b, NULL);
    assert_non_null(y);
    y->s = 0.731f;
    return sgm_tape_run(tape, y);
}
F(f_own_between) { /* among others, of one tensor twice */
    sgm_tensor *h = sgm_tanh(tape, sgm_linear(tape, sgm_concat(tape, a, b), COLS));
    return sgm_add(tape, f_own(tape, h, h), a);
}

typedef struct op_case {
    const char *name;
    function f;
    int links, has_kinks;
} op_case;

static const op_case ops[] = {
    {"linear", f_linear, 2, 0}, {"linear_zero", f_zero, 2, 0}, {"relu", f_relu, 1, 1},
    {"silu", f_silu, 1, 0}, {"tanh", f_tanh, 1, 0}, {"gelu", f_gelu, 1, 0},
    {"softplus", f_softplus, 1, 0}, {"sigmoid", f_sigmoid, 1, 0}, {"concat", f_concat, 1, 0},
    {"add", f_add, 1, 0}, {"mul", f_mul, 1, 0}, {"scale", f_scale, 1, 0},
    {"layer_norm", f_norm, 3, 0}, {"center", f_center, 1, 0}, {"rms", f_rms, 1, 0},
    {"affine", f_affine, 1, 0},
    {"dropout", f_dropout, 1, 0}, {"param", f_param, 2, 0}, {"repeat", f_repeat, 2, 0}, {"time_learned", f_learned, 4, 0},
    {"time_circle", f_circle, 3, 0}, {"time_sinusoidal", f_sinusoidal, 3, 0},
    {"time_fourier", f_fourier, 3, 0}, {"log_sigma", f_log_sigma, 5, 0},
    {"own", f_own, 2, 0}, {"own, between", f_own_between, 6, 0},
};

static void every_op(void **state) {
    (void)state;
    for (int i = 0; i < COUNT(ops); i++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            check_function(ops[i].f, SGM_TAPE_TRAINING, ops[i].links, ops[i].has_kinks, seed);
        }
}

/* Differences cannot see what is wrong far out; closed forms in double can. */

static double shape(int kind, double x) {
    double z = sqrt(8 / SGM__PI) * (x + 0.044715 * x * x * x);
    switch (kind) {
    case SGM_ACTIVATION_RELU: return x > 0 ? x : 0;
    case SGM_ACTIVATION_SILU: return x / (1 + exp(-x));
    case SGM_ACTIVATION_TANH: return tanh(x);
    case SGM_ACTIVATION_GELU: return x / (1 + exp(-z));
    case SGM_ACTIVATION_SOFTPLUS: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    default: return 1 / (1 + exp(-x));
    }
}

static sgm_tensor *(*const activations[])(sgm_tape *, sgm_tensor *) = {
    sgm_relu, sgm_silu, sgm_tanh, sgm_gelu, sgm_softplus, sgm_sigmoid};

static void activation_values(void **state) {
    float x[] = {-60, -9.5f, -2.385f, -0.731f, -1e-4f, 0, 1e-4f, 0.731f, 2.385f, 9.5f, 60};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int kind = SGM_ACTIVATION_RELU; kind <= SGM_ACTIVATION_SIGMOID; kind++) {
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *y = activations[kind - SGM_ACTIVATION_RELU](tape, sgm_tape_input(tape, x, 1, COUNT(x)));
        for (int i = 0; i < COUNT(x); i++) { /* z carries 3 roundings of up to |z| ≤ 87 into exp */
            double truth = shape(kind, x[i]);
            CHECK_CLOSE(y->v[i], truth, fabs(truth) * EPS * (kind == SGM_ACTIVATION_GELU ? 270 : 8));
        }
    }
    sgm_tape_free(tape);
}

static void op_values(void **state) {
    float x[6] = {1, 2, 4, -3, 5, 7}, p[8] = {1, 2, 3, 4, 5, 6, 0.5f, -0.5f};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, p, NULL, 8, sgm_key_init(0), 0);
    sgm_tensor *a = sgm_tape_input(tape, x, 2, 3), *y = sgm_linear(tape, a, 2);
    float by_hand[4] = {1 + 6 + 20 + 0.5f, 2 + 8 + 24 - 0.5f, -3 + 15 + 35 + 0.5f,
        -6 + 20 + 42 - 0.5f};
    assert_memory_equal(y->v, by_hand, sizeof by_hand); /* (3.4), all numbers exact */
    y = sgm_add(tape, sgm_mul(tape, a, a), sgm_mul_by(tape, a, 0.5f));
    for (int i = 0; i < 6; i++) CHECK_CLOSE(y->v[i], x[i] * x[i] + 0.5f * x[i], 0);
    y = sgm_concat(tape, a, sgm_tape_input(tape, NULL, 2, 1));
    CHECK_CLOSE(y->v[2], 4, 0), CHECK_CLOSE(y->v[3], 0, 0), CHECK_CLOSE(y->v[4], -3, 0);
    sgm_tape_reset(tape, p, NULL, 8, sgm_key_init(0), 0);
    y = sgm_layer_norm(tape, sgm_tape_input(tape, x, 2, 3));
    for (int i = 0; i < 2; i++) { /* (3.7) */
        double mean = 0, square = 0;
        for (int j = 0; j < 3; j++) mean += x[3 * i + j] / 3.0;
        for (int j = 0; j < 3; j++) square += (x[3 * i + j] - mean) * (x[3 * i + j] - mean) / 3;
        for (int j = 0; j < 3; j++) {
            double u = (x[3 * i + j] - mean) / sqrt(square + 1e-5);
            CHECK_CLOSE(y->v[3 * i + j], u * p[j] + p[3 + j], 10 * EPS * 8); /* |y| < 8 */
        }
    }
    const float far[3] = {1e20f, -2e20f, 4e20f}; /* squares beyond a float's range: no zeros */
    sgm_tape_reset(tape, p, NULL, 8, sgm_key_init(0), 0);
    y = sgm_layer_norm(tape, sgm_tape_input(tape, far, 1, 3));
    for (int j = 0; j < 3; j++) {
        double u = (far[j] / 1e20 - 1) / sqrt(6.0); /* mean 1, variance (0 + 9 + 9)/3 */
        CHECK_CLOSE(y->v[j], u * p[j] + p[3 + j], 10 * EPS * 8);
    }
    sgm_tape_free(tape);
}

/* The worked tape of §3.1: y = silu(x w + b) at x = 2, w = ½, b = 0, to the digits printed there. */

static void worked_tape(void **state) {
    float x = 2, p[2] = {0.5f, 0}, grads[2];
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int of_tangent = 0; of_tangent < 2; of_tangent++) {
        sgm_tape_reset(tape, p, grads, 2, sgm_key_init(0), 0);
        sgm_tensor *in = sgm_tape_input(tape, &x, 1, 1);
        sgm_tape_watch(tape, in);
        sgm_tensor *a = sgm_linear(tape, in, 1), *y = sgm_silu(tape, a);
        *sgm_tape_tangent_of(tape, in) = 1;
        CHECK_OK(sgm_tape_tangent(tape));
        CHECK_CLOSE(a->v[0], 1, 0), CHECK_CLOSE(y->v[0], 0.7311, 5e-5);
        CHECK_CLOSE(a->j[0], 0.5, 0), CHECK_CLOSE(y->j[0], 0.4638, 5e-5);
        if (of_tangent) *sgm_tape_tangent_gradient_of(tape, y) = 1;
        else *sgm_tape_gradient_of(tape, y) = 1;
        CHECK_OK(sgm_tape_backward(tape));
        double s = 1 / (1 + exp(-1)), d1 = s * (2 - s), d2 = s * (1 - s) * (3 - 2 * s); /* silu', silu'' at 1 */
        CHECK_CLOSE(d1, 0.9277, 5e-5), CHECK_CLOSE(d2, 0.3024, 5e-5);
        CHECK_CLOSE(in->d[0], of_tangent ? 0.0756 : 0.4638, 5e-5);
        CHECK_CLOSE(grads[0], of_tangent ? 1.2300 : 1.8553, 5.1e-5);
        CHECK_CLOSE(grads[1], of_tangent ? 0.1512 : 0.9277, 5e-5);
        CHECK_CLOSE(grads[0], of_tangent ? d2 * 2 * 0.5 + d1 : 2 * d1, 4 * EPS), CHECK_CLOSE(a->d[0], grads[1], 0);
        if (of_tangent) CHECK_CLOSE(in->jd[0], 0.4638, 5e-5), CHECK_CLOSE(a->jd[0], 0.9277, 5e-5);
    }
    sgm_tape_free(tape);
}

static sgm_tensor *wave_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *y = sgm_tape_make(tape, in->user ? (const char *)in->user : "wave", wave_passes, in->x->rows, 2, in->x, in->x, NULL);
    if (y) y->s = 0.731f;
    return sgm_linear(tape, sgm_tape_run(tape, y), 2);
}

/* A model's text names the operation with its setting, so that its file fits no other. */

static void own_operation_in_a_model(void **state) {
    const char *tmp = getenv("TMPDIR");
    char path[300];
    char other[] = "ripple";
    float x[4] = {1, 2, 3, 4}, t[2] = {0.5f, 0.25f}, s[2][4];
    sgm_model model, again;
    sgm_model_options o = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/own_operation.%ld.safetensors", tmp ? tmp : ".", (long)getpid());
    o.net = wave_net, o.d = 2, o.sde = sgm_sde_vp(0.1, 20), o.sigma_data = 1;
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
    assert_non_null(strstr(model.operations, "wave 2x2 by 0.731"));
    CHECK_OK(sgm_model_save(&model, path));
    CHECK_OK(sgm_model_init(&again, &o, sgm_key_init(2)));
    CHECK_OK(sgm_model_load(&again, path));
    for (int i = 0; i < 2; i++) {
        sgm_score score = sgm_model_score(i ? &again : &model, SGM_RAW);
        CHECK_OK(sgm_score_eval(&score, s[i], x, t, 2));
    }
    assert_memory_equal(s[0], s[1], sizeof s[0]);
    sgm_model_free(&again), o.user = other;
    CHECK_OK(sgm_model_init(&again, &o, sgm_key_init(2)));
    CHECK_FAILS(sgm_model_load(&again, path), SGM_MISMATCH, "wave");
    sgm_model_free(&again), sgm_model_free(&model), remove(path);
}

/*
(7.14) A trace carries several tangents abreast, and rows that are alike once (§D.3): to the last bit those of one direction after
the other, from a tape that remembers no slopes. In the net are still tangents that stay so to the end, that meet others, and that
an operation of your own takes twice; a concat with a time that repeats; images; and a net with tangents of its own.
*/
static sgm_tensor *own_wave(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b) {
    sgm_tensor *y = sgm_tape_make(tape, "wave", wave_passes, a->rows, a->cols, a, b, NULL);
    if (y) y->s = 0.3f;
    return sgm_tape_run(tape, y);
}

static sgm_tensor *abreast_net(sgm_tape *tape, const sgm_net_in *in) {
    int which = *(const int *)in->user, d = in->x->cols;
    sgm_tensor *h = sgm_linear(tape, sgm_concat(tape, in->t, in->x), d), *still = sgm_add(tape, h, sgm_linear(tape, in->x, d)), *y;
    if (which == 3 && !tape->dry) {
        float *move = sgm_tape_tangent_of(tape, in->x);
        for (int i = 0; move && i < in->x->rows * d; i++) move[i] = (float)i;
        sgm_tape_tangent(tape);
    }
    if (which == 0) return sgm_linear(tape, sgm_concat(tape, still, still), d);
    y = in->x->rows == 1 ? sgm_repeat(tape, in->x, 1) : in->x; /* repeats that move */
    h = sgm_add(tape, h, sgm_linear(tape, sgm_concat(tape, y, h), d));
    y = own_wave(tape, h, h);
    if (which == 2) y = own_wave(tape, still, y);
    y = sgm_mul(tape, sgm_tanh(tape, sgm_linear(tape, sgm_concat(tape, in->t, y), d)), sgm_mul_by(tape, still, 0.7f));
    y = sgm_add(tape, sgm_layer_norm(tape, sgm_concat(tape, y, still)), sgm_silu(tape, sgm_concat(tape, h, y)));
    return sgm_linear(tape, y, d);
}

static void trace_abreast_of(const sgm_model *model, const float *x, const float *t, int n) {
    const sgm_model_options *o = &model->o;
    const sgm__ask ask = sgm__ask_of(model, SGM_RAW);
    float trace[40], sum[40];
    for (int abreast = 0; abreast < 2; abreast++) {
        sgm_tape *tape = sgm_tape_new();
        sgm_net_in in;
        sgm__ask_reset(&ask, tape, sgm_key_init(0), abreast ? SGM__MOVES : 0);
        sgm__net_in(tape, &in, &ask, x, t, n);
        sgm_tensor *out = sgm__net_run(tape, &in, o);
        if (abreast) sgm__trace_pass(tape, &in, o, out, trace, t, n);
        for (int l = 0; !abreast && l < o->d; l++) {
            float *move = sgm_tape_tangent_of(tape, in.x);
            for (int i = 0; i < n * o->d; i++) move[i] = i % o->d == l;
            CHECK_OK(sgm_tape_tangent(tape));
            for (int i = 0; i < n; i++) sum[i] = (l ? sum[i] : 0) + out->j[i * o->d + l];
        }
        CHECK_OK(sgm_tape_status(tape));
        assert_int_equal(tape->more, 0);
        sgm_tape_free(tape);
    }
    for (int i = 0; i < n; i++) {
        double a, b;
        sgm_output_affine(&a, &b, o->output, &o->sde, t[i], o->sigma_data);
        sum[i] = (float)((a * o->d + b * sum[i]) / -sgm_sde_s(&o->sde, t[i]));
    }
    assert_memory_equal(trace, sum, (size_t)n * sizeof *sum);
}

static void trace_abreast(void **state) {
    static const int dims[] = {1, 2, 3, 4, 5, 9};
    float x[40 * 16], t[40];
    (void)state;
    sgm_normal(x, 40 * 16, sgm_key_init(5), 0);
    for (int k = 0; k < 6 * 8; k++) {
        int which = k % 8 / 2, n = k % 2 ? 1 : 37;
        sgm_model model;
        sgm_model_options o = {0};
        o.net = abreast_net, o.user = &which, o.d = dims[k / 8], o.sde = sgm_sde_vp(0.1, 20), o.sigma_data = 1;
        for (int i = 0; i < n; i++) t[i] = 0.1f + 0.4f * (float)(i / 20); /* two times repeat */
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
        trace_abreast_of(&model, x, t, n);
        sgm_model_free(&model);
    }
    for (int k = 0; k < 4; k++) {
        static const sgm_net nets[] = {sgm_unet, sgm_dit, sgm_mixer, sgm_residual_mlp};
        sgm_image_net image;
        sgm_model model;
        sgm_model_options o = {0};
        memset(&image, 0, sizeof image), image.h = image.w = 4, image.channels = 1, image.width = 8, image.groups = 2;
        image.heads = 2, image.patch = 2, image.depth = 2;
        o.net = nets[k], o.user = k < 3 ? &image : NULL, o.d = 16, o.sde = sgm_sde_vp(0.1, 20), o.sigma_data = 1;
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
        sgm_normal(model.params, model.n_params, sgm_key_init(2), 0); /* none starts at 0 */
        for (size_t i = 0; i < model.n_params; i++) model.params[i] *= 0.2f;
        trace_abreast_of(&model, x, t, 5);
        sgm_model_free(&model);
    }
}

/* What an operation of your own must not do is refused, and does no harm. */

static void own_operation_refused(void **state) {
    float one[4] = {1, 1, 1, 1};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int what = 0; what < 3; what++) {
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *x = sgm_tape_input(tape, one, 2, 2);
        sgm_tape_watch(tape, x);
        if (what == 0) assert_null(sgm_tape_make(tape, "wave", wave_passes, 2, 0, x, x, NULL));
        if (what == 1) assert_null(sgm_tape_run(tape, sgm_tape_make(tape, NULL, NULL, 2, 2, x, x, NULL)));
        if (what == 2) sgm_tape_give(tape, x, SGM_ADJOINT_D | SGM_ADJOINT_JD, NULL, one), assert_null(x->d);
        assert_int_equal(sgm_tape_status(tape), SGM_BAD_ARGUMENT);
    }
    sgm_tape_free(tape);
}

/* One that was made and not run, or fills in nothing, leaves NaN and not what lay in the memory: training says
SGM_NOT_FINITE. */

static void idle_passes(sgm_tape *tape, sgm_tensor *y, sgm_pass pass) {
    (void)tape;
    for (int i = 0; pass == SGM_PASS_FORWARD && y->i && i < y->rows * y->cols; i++) y->v[i] = y->a->v[i];
}

static void own_operation_forgets(void **state) {
    float one[4] = {1, 1, 1, 1};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int turn = 0; turn < 2; turn++)
        for (int what = 0; what < 3; what++) {
            sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
            sgm_tensor *x = sgm_tape_input(tape, one, 2, 2);
            sgm_tensor *y = sgm_tape_make(tape, "idle", idle_passes, 2, 2, x, NULL, NULL);
            assert_non_null(y);
            y->i = what == 2; /* the values are there, the tangent is not */
            if (what) assert_ptr_equal(sgm_tape_run(tape, y), y);
            assert_true(what == 2 ? y->v[0] == 1 : isnan(y->v[0]));
            sgm_tape_tangent_of(tape, x)[0] = 1;
            CHECK_OK(sgm_tape_tangent(tape));
            assert_true(isnan(y->j[0]));
        }
    sgm_tape_free(tape);
}

/* The tile of §3.3 is the three loops to the last bit: all three products of a layer (forward, a transposed, b
transposed), all starts, sizes about one tile and two, rows with gaps. */

static void tile_is_three_loops(void **state) {
    enum { M = 9, N = 35, K = 40, GAP = 3, LONG = N + K + GAP };
    static float a[LONG * LONG], b[LONG * LONG], bias[N], start[M * (N + GAP)], c[2][M * (N + GAP)];
    static const int depth[] = {0, 1, 5, K};
    (void)state;
    sgm_normal(a, COUNT(a), sgm_key_init(1), 0), sgm_normal(b, COUNT(b), sgm_key_init(2), 0);
    sgm_normal(bias, N, sgm_key_init(3), 0), sgm_normal(start, COUNT(start), sgm_key_init(4), 0);
    for (int m = 1; m <= M; m++)
        for (int n = 1; n <= N; n++)
            for (int turn = 0; turn < 3 * 3 * 4; turn++) {
                int form = turn % 3, init = turn / 3 % 3;
                sgm__product q;
                memset(&q, 0, sizeof q);
                q.m = m, q.n = n, q.k = depth[turn / 9], q.a = a, q.b = b, q.c_row = n + GAP;
                q.a_row = form == 1 ? 1 : LONG, q.a_col = form == 1 ? LONG : 1;
                q.b_row = form == 2 ? 1 : LONG, q.b_col = form == 2 ? LONG : 1;
                for (int way = 0; way < 2; way++) {
                    memcpy(c[way], start, sizeof start), q.c = c[way];
                    q.init = init == 0 ? NULL : init == 1 ? bias : q.c, q.init_row = init == 2 ? q.c_row : 0;
                    (way ? sgm__matmul_tile : sgm__matmul_ref)(&q);
                }
                assert_memory_equal(c[0], c[1], sizeof start); /* the gaps, too */
            }
}

/*
## Adjoints that add up
*/

/* f(x) + f(x), the second with a copy of the parameters: the inputs' adjoints are twice those of
f(x). Doubling is exact; only the sum inside a product of matrices is ordered anew, which costs a
rounding per term. */

static function doubled;
F(f_doubled) {
    sgm_tensor *once = doubled(tape, a, b);
    return sgm_add(tape, once, doubled(tape, a, b));
}

static void used_twice(void **state) {
    static rig one, two;
    static float u[OUT_ROOM], v[2 * SIZE], s1[2 * SIZE + ROOM], s2[2 * SIZE + ROOM];
    (void)state;
    for (int k = 0; k < COUNT(ops); k++) {
        doubled = ops[k].f;
        if (doubled == f_dropout) continue; /* two masks */
        rig_init(&one, doubled, 0, 5), rig_init(&two, f_doubled, 0, 5);
        int P = one.n_params;
        memcpy(two.at + 2 * SIZE + P, two.at + 2 * SIZE, (size_t)P * sizeof(float));
        unit(u, one.n_out, sgm_key_init(1)), unit(v, 2 * SIZE, sgm_key_init(2));
        for (int with_tangent = 0; with_tangent < 2; with_tangent++) {
            rig_tangent(&one, one.at, v), rig_tangent(&two, two.at, v);
            rig_backward(&one, u, with_tangent ? u : NULL), rig_adjoints(&one, s1);
            rig_backward(&two, u, with_tangent ? u : NULL), rig_adjoints(&two, s2);
            double tol = ops[k].links * 12 * EPS * (norm(s1, 2 * SIZE + P) + 1);
            for (int i = 0; i < 2 * SIZE + P; i++)
                CHECK_CLOSE(s2[i], (i < 2 * SIZE ? 2.0 : 1.0) * s1[i], tol);
            for (int i = 2 * SIZE; i < 2 * SIZE + P; i++) CHECK_CLOSE(s2[i + P], s1[i], tol);
        }
        rig_free(&one), rig_free(&two);
    }
}

static void used_three_times(void **state) {
    float x[2] = {3, -5}, one[2] = {1, 1};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *a = sgm_tape_input(tape, x, 1, 2), *b = sgm_tape_input(tape, x, 1, 2);
    sgm_tape_watch(tape, a);
    sgm_tensor *cube = sgm_mul(tape, sgm_mul(tape, a, a), a);
    sgm_tensor *y = sgm_add(tape, sgm_add(tape, cube, sgm_mul_by(tape, a, 2)), sgm_mul(tape, a, b));
    memcpy(sgm_tape_gradient_of(tape, y), one, sizeof one);
    CHECK_OK(sgm_tape_backward(tape));
    for (int i = 0; i < 2; i++) CHECK_CLOSE(a->d[i], 3 * x[i] * x[i] + 2 + x[i], 0);
    assert_null(b->d); /* nobody asked for it */
    sgm_tape_free(tape);
}

/* Gradients overwrite what was there, or add to it when asked; a parameter that is not used gets
0. */

F(f_unused) {
    sgm_tensor *idle = sgm_linear(tape, a, 2), *y = sgm_linear(tape, a, 3);
    (void)b, (void)idle;
    return y;
}

static void accumulate_and_unused(void **state) {
    static rig r;
    static float u[OUT_ROOM], first[ROOM];
    (void)state;
    rig_init(&r, f_unused, 0, 8);
    unit(u, r.n_out, sgm_key_init(1));
    rig_backward(&r, u, NULL); /* the gradients were NaN before */
    int idle = COLS * 2 + 2;
    for (int i = 0; i < idle; i++) CHECK_CLOSE(r.grads[i], 0, 0);
    for (int i = idle; i < r.n_params; i++) assert_true(r.grads[i] != 0);
    memcpy(first, r.grads, sizeof first);
    for (int pass = 0; pass < 2; pass++) {
        float start[ROOM];
        for (int i = 0; i < r.n_params; i++) start[i] = pass ? (float)(i % 5) : first[i];
        r.flags = SGM_TAPE_ACCUMULATE;
        rig_run(&r, r.at);
        memcpy(r.grads, start, sizeof start);
        rig_backward(&r, u, NULL);
        for (int i = 0; i < r.n_params; i++) /* at most ROWS + 1 roundings of numbers below 8 */
            CHECK_CLOSE(r.grads[i], (double)start[i] + first[i], (ROWS + 1) * 8 * EPS);
    }
    rig_free(&r);
}

static void adjoints_only_where_asked(void **state) {
    float x[4] = {1, 2, 3, 4}, p[10], one[4] = {1, 1, 1, 1};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_normal(p, 10, sgm_key_init(1), 0);
    sgm_tape_reset(tape, p, NULL, 10, sgm_key_init(0), 0);
    sgm_tensor *a = sgm_tape_input(tape, x, 2, 2);
    sgm_tape_watch(tape, a);
    sgm_tensor *y = sgm_linear(tape, a, 2);
    memcpy(sgm_tape_gradient_of(tape, y), one, sizeof one);
    CHECK_OK(sgm_tape_backward(tape));
    assert_null(y->b->d); /* no gradients wanted, and yet the watched input has its adjoint (3.4) */
    for (int i = 0; i < 4; i++) CHECK_CLOSE(a->d[i], p[i % 2 * 2] + p[i % 2 * 2 + 1], 0);
    sgm_tape_reset(tape, p, NULL, 10, sgm_key_init(0), 0);
    a = sgm_tape_input(tape, x, 2, 2), y = sgm_silu(tape, a);
    memcpy(sgm_tape_gradient_of(tape, y), one, sizeof one);
    CHECK_OK(sgm_tape_backward(tape));
    assert_null(a->d);
    sgm_tape_free(tape);
}

/*
The first receiver of an adjoint keeps its array. Not of one that you set: after the backward pass it
still holds what you wrote, and what came from above. Here L = ⟨u, h⟩ + ⟨u, p⟩ + ⟨v, y⟩ with
p = φ(h + h) and y = p + h, so ∂L/∂p = u + v and ∂L/∂h = u + 2 φ'(2h) ⊙ (u + v) + v; h is given
adjoints by three uses and by you.
*/

static void adjoints_that_you_set_stay(void **state) {
    float x[2] = {0.5f, -1}, u[2] = {3, 5}, v[2] = {7, 11};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int yours = 0; yours < 2; yours++) {
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *a = sgm_tape_input(tape, x, 1, 2);
        sgm_tape_watch(tape, a);
        sgm_tensor *h = sgm_mul_by(tape, a, 1), *p = sgm_sigmoid(tape, sgm_add(tape, h, h));
        sgm_tensor *y = sgm_add(tape, p, h);
        if (!yours) sgm_tape_watch(tape, p); /* what is made inside can be watched, too */
        memcpy(sgm_tape_gradient_of(tape, y), v, sizeof v);
        if (yours) memcpy(sgm_tape_gradient_of(tape, h), u, sizeof u);
        if (yours) memcpy(sgm_tape_gradient_of(tape, p), u, sizeof u);
        CHECK_OK(sgm_tape_backward(tape));
        for (int i = 0; i < 2; i++) {
            double q = p->v[i], mine = yours * u[i], whole = mine + 2 * q * (1 - q) * (mine + v[i]) + v[i];
            CHECK_CLOSE(y->d[i], v[i], 0);
            CHECK_CLOSE(p->d[i], yours * u[i] + v[i], 0);
            CHECK_CLOSE(h->d[i], whole, 8 * whole * EPS); /* p', two products, three sums */
            CHECK_CLOSE(a->d[i], whole, 8 * whole * EPS);
        }
    }
    sgm_tape_free(tape);
}

/* An adjoint that the user puts on a parameter (a penalty, say) is part of its gradient. */

static void adjoint_on_a_parameter(void **state) {
    float p[2] = {3, 4}, g[2] = {NAN, NAN}, x[2] = {10, 20};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, p, g, 2, sgm_key_init(0), 0);
    sgm_tensor *w = sgm_param(tape, 1, 2, 1), *a = sgm_tape_input(tape, x, 1, 2);
    sgm_tensor *y = sgm_mul(tape, w, a);
    float *penalty = sgm_tape_gradient_of(tape, w), *adjoint = sgm_tape_gradient_of(tape, y);
    for (int i = 0; i < 2; i++) penalty[i] = 2 * p[i], adjoint[i] = 1;
    CHECK_OK(sgm_tape_backward(tape));
    for (int i = 0; i < 2; i++) CHECK_CLOSE(g[i], 2 * p[i] + x[i], 0);
    sgm_tape_free(tape);
}

/* A parameter may move too. L = ⟨1, ẇ a⟩ with a at rest does not depend on w: its gradient is 0. */

static void tangent_of_a_parameter(void **state) {
    float p[2] = {3, 4}, g[2] = {NAN, NAN}, x[2] = {10, 20};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, p, g, 2, sgm_key_init(0), 0);
    sgm_tensor *w = sgm_param(tape, 1, 2, 1), *a = sgm_tape_input(tape, x, 1, 2);
    sgm_tensor *y = sgm_mul(tape, w, a);
    float *move = sgm_tape_tangent_of(tape, w);
    move[0] = 1, move[1] = -1;
    CHECK_OK(sgm_tape_tangent(tape));
    CHECK_CLOSE(y->j[0], 10, 0), CHECK_CLOSE(y->j[1], -20, 0);
    float *adjoint = sgm_tape_tangent_gradient_of(tape, y);
    adjoint[0] = adjoint[1] = 1;
    CHECK_OK(sgm_tape_backward(tape));
    for (int i = 0; i < 2; i++) CHECK_CLOSE(g[i], 0, 0);
    sgm_tape_free(tape);
}

static void tangents_of_constants(void **state) {
    float x[4] = {1, 2, 3, 4};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *a = sgm_tape_input(tape, x, 2, 2), *rest = sgm_tape_input(tape, x, 2, 2);
    sgm_tensor *still = sgm_silu(tape, rest), *left = sgm_concat(tape, a, still);
    sgm_tensor *right = sgm_concat(tape, still, a), *sum = sgm_add(tape, still, a);
    sgm_tensor *product = sgm_mul(tape, rest, a);
    memcpy(sgm_tape_tangent_of(tape, a), x, sizeof x);
    CHECK_OK(sgm_tape_tangent(tape));
    assert_null(still->j);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            CHECK_CLOSE(left->j[4 * i + j], x[2 * i + j], 0);
            CHECK_CLOSE(left->j[4 * i + 2 + j], 0, 0);
            CHECK_CLOSE(right->j[4 * i + j], 0, 0);
            CHECK_CLOSE(right->j[4 * i + 2 + j], x[2 * i + j], 0);
            CHECK_CLOSE(sum->j[2 * i + j], x[2 * i + j], 0);
            CHECK_CLOSE(product->j[2 * i + j], x[2 * i + j] * x[2 * i + j], 0);
        }
    float *zeros = sgm_tape_tangent_of(tape, still);
    for (int i = 0; i < 4; i++) CHECK_CLOSE(zeros[i], 0, 0);
    sgm_tape_free(tape);
}

/*
## Networks

The ready ones with every activation and every embedding, and two of a user's own: one with layer
norms, dropout and a skip, and one whose linear layer and whose free parameter are used twice.
*/

static sgm_net net_under_test;
static sgm_mlp_options net_options;

F(f_net) {
    sgm_net_in in;
    float t[ROWS] = {0.11f, 0.52f, 0.93f}, log_sigma[ROWS] = {-1.7f, 0.2f, 1.4f};
    memset(&in, 0, sizeof in), in.out = a->cols;
    in.x = sgm_add(tape, a, b), in.user = &net_options;
    in.t = sgm_tape_input(tape, t, ROWS, 1);
    in.log_sigma = sgm_tape_input(tape, log_sigma, ROWS, 1);
    return net_under_test(tape, &in);
}

static void ready_networks(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++)
        for (int kind = SGM_ACTIVATION_AUTO; kind <= SGM_ACTIVATION_SIGMOID; kind++)
            for (int embed = SGM_EMBEDDING_AUTO; embed <= SGM_EMBEDDING_LEARNED; embed++) {
                net_under_test = which ? sgm_residual_mlp : sgm_mlp;
                memset(&net_options, 0, sizeof net_options);
                net_options.width = 9, net_options.depth = 2, net_options.embedding_width = 6;
                net_options.activation = (sgm_activation)kind;
                net_options.embedding = (sgm_embedding)embed;
                net_options.dropout = embed == SGM_EMBEDDING_CIRCLE ? 0.25f : 0;
                check_function(f_net, SGM_TAPE_TRAINING, 12, kind == SGM_ACTIVATION_RELU, 21);
            }
}

/* The two ready networks with tanh and the raw time, evaluated by hand in double. */

static const float *layer_by_hand(double *y, int out, const double *x, int in, const float *p) {
    for (int j = 0; j < out; j++) {
        y[j] = p[in * out + j];
        for (int i = 0; i < in; i++) y[j] += x[i] * p[i * out + j];
    }
    return p + in * out + out;
}

static void network_by_hand(double *y, const float *x, float t, const float *p, int residual) {
    double all[5] = {t, x[0], x[1], 0, 0}, *h = all + 1, step[4]; /* all = [t, h] */
    if (residual) p = layer_by_hand(step, 4, all, 3, p), memcpy(h, step, sizeof step);
    for (int k = 0; k < 3; k++) {
        if (residual) p = layer_by_hand(step, 4, all, 5, p);
        else p = layer_by_hand(step, 4, k ? h : all, k ? 4 : 3, p);
        for (int j = 0; j < 4; j++) h[j] = tanh(step[j]) + (residual ? h[j] : 0);
    }
    layer_by_hand(y, 2, h, 4, p);
}

static void networks_by_hand(void **state) {
    float x[6] = {0.3f, -1.2f, 2, 0.4f, -0.7f, 0.9f}, t[3] = {0.1f, 0.6f, 0.6f}, p[200];
    sgm_tape *tape = sgm_tape_new();
    sgm_net_in in;
    (void)state;
    sgm_normal(p, 200, sgm_key_init(4), 0);
    memset(&net_options, 0, sizeof net_options);
    net_options.width = 4, net_options.depth = 3;
    net_options.activation = SGM_ACTIVATION_TANH, net_options.embedding = SGM_EMBEDDING_RAW;
    for (int residual = 0; residual < 2; residual++) {
        sgm_tape_reset(tape, p, NULL, 200, sgm_key_init(0), 0);
        memset(&in, 0, sizeof in), in.out = 2;
        in.x = sgm_tape_input(tape, x, 3, 2), in.t = sgm_tape_input(tape, t, 3, 1);
        in.log_sigma = in.t, in.user = &net_options;
        sgm_tensor *y = residual ? sgm_residual_mlp(tape, &in) : sgm_mlp(tape, &in);
        CHECK_OK(sgm_tape_status(tape));
        for (int i = 0; i < 3; i++) {
            double truth[2]; /* 12 operations on numbers below 10 */
            network_by_hand(truth, x + 2 * i, t[i], p, residual);
            for (int j = 0; j < 2; j++) CHECK_CLOSE(y->v[2 * i + j], truth[j], 4 * 12 * EPS * 10);
        }
    }
    sgm_tape_free(tape);
}

/*
## Rows that repeat

Five rows, copies of three or of one. Watched, a tensor that repeats is one like any other, which
gives the truth in one piece.
*/

static const int twos[5] = {2, 0, 0, 1, 2};
static int in_one_piece;

static sgm_tensor *repeated(sgm_tape *tape, sgm_tensor *few, const int *row_of) {
    sgm_tensor *y = sgm__repeat(tape, few, row_of, 5);
    if (in_one_piece) sgm_tape_watch(tape, y);
    return y;
}

static sgm_tensor *five_rows(sgm_tape *tape, sgm_tensor *a, sgm_tensor *b) {
    static const int some[5] = {0, 1, 2, 1, 0}, other[5] = {1, 1, 0, 2, 2};
    return sgm_mul(tape, sgm__repeat(tape, a, some, 5), sgm__repeat(tape, b, other, 5));
}

F(f_repeat_beside) {
    sgm_tensor *t = repeated(tape, sgm_tanh(tape, a), twos);
    return sgm_linear(tape, sgm_concat(tape, t, five_rows(tape, a, b)), 4);
}
F(f_repeat_of_repeat) { /* the layers on the short tensor, its adjoint from two sides */
    sgm_tensor *t = repeated(tape, a, twos);
    sgm_tensor *h = sgm_silu(tape, sgm_linear(tape, t, 4));
    if (in_one_piece) sgm_tape_watch(tape, h);
    h = sgm_linear(tape, sgm_concat(tape, h, five_rows(tape, b, b)), 4);
    return sgm_mul(tape, h, t);
}
F(f_repeat_moves_alone) {
    sgm_tensor *still = sgm_tape_input(tape, NULL, 5, 2);
    for (int i = 0; still && i < 10; i++) still->v[i] = 0.3f * (float)i - 1;
    return sgm_linear(
        tape, sgm_concat(tape, repeated(tape, sgm_mul(tape, a, b), twos), still), 4);
}
F(f_repeat_one_moves) {
    static const int first = 0;
    sgm_tensor *still = sgm_tape_input(tape, NULL, 5, 2);
    for (int i = 0; still && i < 10; i++) still->v[i] = 0.3f * (float)i - 1;
    sgm_tensor *row = sgm__repeat(tape, sgm_mul(tape, a, b), &first, 1);
    return sgm_linear(tape, sgm_concat(tape, repeated(tape, row, NULL), still), 4);
}
F(f_repeat_of_one) { /* a parameter that all rows share */
    sgm_tensor *row = repeated(tape, sgm_param(tape, 1, 3, 1), NULL);
    return sgm_linear(tape, sgm_concat(tape, row, five_rows(tape, a, b)), 4);
}
F(f_repeat_used_twice) { /* the pair and its parts are read by others too, before and after */
    sgm_tensor *few = sgm_tanh(tape, a), *z = five_rows(tape, a, b);
    sgm_tensor *pair = sgm_concat(tape, repeated(tape, few, twos), z);
    sgm_tensor *h = sgm_linear(tape, sgm_mul(tape, pair, sgm_linear(tape, pair, 8)), 4);
    sgm_tensor *again = sgm_linear(tape, pair, 4);
    return sgm_mul(tape, sgm_add(tape, h, sgm_mul(tape, again, z)), repeated(tape, few, twos));
}

static const function repeats[] = {f_repeat_beside, f_repeat_of_repeat, f_repeat_moves_alone,
                                   f_repeat_one_moves, f_repeat_of_one,    f_repeat_used_twice};

static void repeated_rows(void **state) {
    (void)state;
    in_one_piece = 0;
    for (int i = 0; i < COUNT(repeats); i++) check_function(repeats[i], 0, 6, 0, 40 + (uint64_t)i);
}

static void repeated_rows_in_one_piece(void **state) {
    static rig r;
    static float adjoints[2][2 * SIZE + ROOM];
    float y[OUT_ROOM], u[OUT_ROOM];
    (void)state;
    for (int i = 0; i < COUNT(repeats); i++)
        for (int piece = 0; piece < 2; piece++) {
            in_one_piece = piece;
            rig_init(&r, repeats[i], 0, 40);
            if (piece) assert_memory_equal(y, r.y->v, (size_t)r.n_out * sizeof *y); /* no bit */
            memcpy(y, r.y->v, (size_t)r.n_out * sizeof *y);
            unit(u, r.n_out, sgm_key_init(41));
            rig_backward(&r, u, NULL), rig_adjoints(&r, adjoints[piece]);
            int n = 2 * SIZE + r.n_params;
            double size = norm(adjoints[0], n); /* sums of at most 5·4·8 terms, in another order */
            for (int k = 0; piece && k < n; k++)
                CHECK_CLOSE(adjoints[0][k], adjoints[1][k], 160 * EPS * size);
            rig_free(&r);
        }
    in_one_piece = 0;
}

/* Watched, the pair [repeated, z] gets the adjoint that its parts would: of x W, each row is Wᵀ. */

static void watched_pair(void **state) {
    float few[2] = {1, 2}, z[5] = {3, 4, 5, 6, 7}, p[3] = {0.5f, -2, 0}, g[3];
    static const int row_of[5] = {1, 0, 0, 1, 1};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int piece = 0; piece < 2; piece++) {
        sgm_tape_reset(tape, p, g, 3, sgm_key_init(0), 0);
        sgm_tensor *t = sgm__repeat(tape, sgm_tape_input(tape, few, 2, 1), row_of, 5);
        sgm_tensor *pair = sgm_concat(tape, t, sgm_tape_input(tape, z, 5, 1));
        if (piece) sgm_tape_watch(tape, pair);
        sgm_tensor *y = sgm_linear(tape, pair, 1);
        float *adjoint = sgm_tape_gradient_of(tape, y), *move = sgm_tape_tangent_of(tape, pair);
        for (int i = 0; i < 10; i++) move[i] = (float)i, adjoint[i / 2] = 1;
        CHECK_OK(sgm_tape_tangent(tape));
        for (int i = 0; i < 10; i += 2) CHECK_CLOSE(y->j[i / 2], i * p[0] + (i + 1) * p[1], 0);
        CHECK_OK(sgm_tape_backward(tape));
        CHECK_CLOSE(g[0], 8, 0), CHECK_CLOSE(g[1], 25, 0), CHECK_CLOSE(g[2], 5, 0);
        for (int i = 0; piece && i < 10; i++) CHECK_CLOSE(pair->d[i], p[i % 2], 0);
    }
    sgm_tape_free(tape);
}

/* Few times are put on the tape once each; a point's score does not depend on its company. */

static void times_that_points_share(void **state) {
    enum { N = 100 };
    float x[N * 2], t[N], s[N * 2], alone[2];
    sgm_tape *tape = sgm_tape_new();
    sgm_mlp_options options = {16, 2, SGM_ACTIVATION_SILU, SGM_EMBEDDING_LEARNED, 8, 0, 0, 0};
    sgm_model_options o = {0};
    sgm_model model;
    (void)state;
    sgm_normal(x, N * 2, sgm_key_init(1), 0);
    o.d = 2, o.sde = sgm_sde_vp(0.1, 20), o.user = &options;
    for (int residual = 0; residual < 2; residual++) {
        o.net = residual ? sgm_residual_mlp : sgm_mlp;
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(2)));
        sgm_score score = sgm_model_score(&model, SGM_RAW);
        for (int times = 1; times <= N; times += times < 3 ? 1 : 97) {
            for (int i = 0; i < N; i++) t[i] = 0.1f + 0.009f * (float)(i % times);
            CHECK_OK(sgm_score_eval(&score, s, x, t, N));
            for (int i = 0; i < N; i++) {
                CHECK_OK(sgm_score_eval(&score, alone, x + 2 * i, t + i, 1));
                assert_memory_equal(alone, s + 2 * i, sizeof alone);
            }
        }
        sgm_model_free(&model);
    }
    static const struct { int n, times, rows; } cases[] = {
        {16, 1, 0}, {17, 1, 1}, {17, 4, 4}, {17, 5, 0}, {100, 25, 25}, {100, 26, 0}};
    for (int i = 0; i < COUNT(cases); i++) {
        for (int k = 0; k < N; k++) t[k] = (float)(k % cases[i].times);
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *in = sgm__times_in(tape, t, cases[i].n);
        assert_memory_equal(in->v, t, (size_t)cases[i].n * sizeof *t);
        assert_int_equal(in->row_of ? in->a->rows : 0, cases[i].rows);
    }
    for (int k = 0; k < N; k++) t[k] = NAN; /* no two are the same */
    assert_null(sgm__times_in(tape, t, N)->row_of);
    t[0] = 1;
    sgm_tensor *in = sgm_repeat(tape, sgm_tape_input(tape, t, 1, 1), 3);
    sgm_tape_tangent_of(tape, in);
    CHECK_FAILS(sgm_tape_status(tape), SGM_BAD_ARGUMENT, "sgm_tape_watch");
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    in = sgm_repeat(tape, sgm_tape_input(tape, t, 1, 1), 3), sgm_tape_watch(tape, in);
    sgm_tensor *twice = sgm_silu(tape, in);
    float *move = sgm_tape_tangent_of(tape, in);
    move[1] = 1;
    CHECK_OK(sgm_tape_tangent(tape));
    double e = exp(-1.0), q = 1 / (1 + e), slope = q + e * q * q; /* (x σ(x))' at 1 */
    for (int i = 0; i < 3; i++) CHECK_CLOSE(twice->j[i], i == 1 ? slope : 0, 8 * EPS);
    sgm_tape_free(tape);
}

/* (D.1): by parts the layer is that of §3.3 on the whole rows. Values, tangents and what goes back to
z to the last bit. W's gradient adds N products in another order, whose sizes add up to ‖x‖‖u‖ ≤ 200 in each column, and
t's adjoint N·OUT of them, to less than 1000: N roundings of the sum so far, each way. */

static void by_parts_is_plain(void **state) {
    enum { N = 100, FEW = 3, Z = 5, OUT = 7, P = (2 + Z) * OUT + OUT };
    float t[2 * N], z[N * Z], zj[N * Z], u[N * OUT], p[P], grads[2][P], v[2][N * OUT], j[2][N * OUT], dz[2][N * Z], dt[2][2 * N];
    int row_of[N];
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_normal(t, COUNT(t), sgm_key_init(1), 0), sgm_normal(z, N * Z, sgm_key_init(2), 0);
    sgm_normal(zj, N * Z, sgm_key_init(3), 0), sgm_normal(u, N * OUT, sgm_key_init(4), 0), sgm_normal(p, P, sgm_key_init(5), 0);
    for (int i = 0; i < N; i++) row_of[i] = i % FEW;
    for (int few = 1; few <= FEW; few += FEW - 1)
        for (int second = 0; second < 2; second++) {
            for (int plain = 0; plain < 2; plain++) {
                sgm_tape_reset(tape, p, grads[plain], P, sgm_key_init(0), plain ? SGM_TAPE_PLAIN : 0);
                sgm_tensor *a = sgm_tape_input(tape, t, few, 2), *b = sgm_tape_input(tape, z, N, Z);
                sgm_tape_watch(tape, a), sgm_tape_watch(tape, b);
                sgm_tensor *rows = few == 1 ? sgm_repeat(tape, a, N) : sgm__repeat(tape, a, row_of, N);
                sgm_tensor *y = sgm_linear(tape, sgm_concat(tape, rows, b), OUT);
                memcpy(sgm_tape_tangent_of(tape, b), zj, sizeof zj);
                memcpy(sgm_tape_tangent_of(tape, a), t, (size_t)few * 2 * sizeof *t);
                CHECK_OK(sgm_tape_tangent(tape));
                memcpy(second ? sgm_tape_tangent_gradient_of(tape, y) : sgm_tape_gradient_of(tape, y), u, sizeof u);
                CHECK_OK(sgm_tape_backward(tape));
                memcpy(v[plain], y->v, sizeof u), memcpy(j[plain], y->j, sizeof u);
                memcpy(dz[plain], second ? b->jd : b->d, sizeof zj);
                memcpy(dt[plain], second ? a->jd : a->d, (size_t)few * 2 * sizeof *t);
            }
            assert_memory_equal(v[0], v[1], sizeof u), assert_memory_equal(j[0], j[1], sizeof u);
            assert_memory_equal(dz[0], dz[1], sizeof zj);
            for (int i = 0; i < few * 2; i++) CHECK_CLOSE(dt[0][i], dt[1][i], 2 * N * EPS * 1000);
            for (int i = 0; i < P; i++) CHECK_CLOSE(grads[0][i], grads[1][i], 2 * N * EPS * 200);
        }
    sgm_tape_free(tape);
}

static sgm_tensor *normed_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *h = sgm_linear(tape, sgm_concat(tape, in->x, sgm_time_circle(tape, in->t)), 8);
    sgm_tensor *g = sgm_silu(tape, sgm_layer_norm(tape, h));
    g = sgm_dropout(tape, sgm_gelu(tape, sgm_layer_norm(tape, sgm_linear(tape, g, 8))), 0.2f);
    h = sgm_add(tape, h, sgm_mul(tape, g, sgm_sigmoid(tape, h)));
    return sgm_add(tape, sgm_mul_by(tape, in->x, -0.5f), sgm_linear_zero(tape, h, in->x->cols));
}

static sgm_tensor *sharing_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *first = sgm_linear(tape, in->x, in->x->cols), *h = sgm_tanh(tape, first);
    for (int i = 0; i < 2; i++) /* the first layer's weights and bias again */
        h = sgm_tanh(tape, sgm_tape_run(tape, sgm_tape_make(tape, "linear", sgm__op_linear, h->rows, h->cols, h,
                                       first->b, first->c)));
    sgm_tensor *p = sgm_param(tape, h->rows, h->cols, 1);
    return sgm_add(tape, sgm_mul(tape, sgm_mul(tape, h, p), p), sgm_add(tape, p, h));
}

static void user_networks(void **state) {
    (void)state;
    for (uint64_t seed = 31; seed < 34; seed++) {
        net_under_test = normed_net;
        check_function(f_net, SGM_TAPE_TRAINING, 20, 0, seed);
        check_function(f_net, 0, 20, 0, seed);
        net_under_test = sharing_net;
        check_function(f_net, 0, 12, 0, seed);
    }
}

/*
## The loss of chapter 2 through the network

The trainer's own gradient (4.2) against differences of the trainer's own loss along the gradient
and along a random direction, for every output and every weight; and that loss against (2.11) from
the model's score.
*/

static double my_weight(double t, const sgm_sde *sde, void *user) {
    (void)sde, (void)user;
    return 1 + 3 * t;
}

static double loss_at(sgm_trainer *trainer, const float *start, const float *z, double h) {
    for (size_t i = 0; i < trainer->model->n_params; i++)
        trainer->model->params[i] = (float)(start[i] + h * z[i]);
    CHECK_OK(sgm__trainer_gradient(trainer));
    return trainer->loss;
}

static void check_loss_slope(sgm_trainer *trainer, const float *start, const float *z) {
    long P = (long)trainer->model->n_params;
    double h = 1 / 64.0, L = loss_at(trainer, start, z, 0), slope = dot(trainer->grads, z, P);
    double near_by = loss_at(trainer, start, z, h) - loss_at(trainer, start, z, -h);
    double far_off = loss_at(trainer, start, z, 2 * h) - loss_at(trainer, start, z, -2 * h);
    /* The loss is good to 4·(6 operations)·2⁻²⁴ of itself; truncation h⁴/30·f⁽⁵⁾, f⁽⁵⁾ < 100 L. */
    double tol = (1.5 * 24 * EPS / h + pow(h, 4) / 30 * 100) * L;
    CHECK_CLOSE((8 * near_by - far_off) / (12 * h), slope, tol);
    loss_at(trainer, start, z, 0);
}

static void check_loss_value(sgm_trainer *trainer) { /* (2.11) with ε̂ = -s·score */
    const sgm_model *model = trainer->model;
    const sgm_sde *sde = &model->o.sde;
    int B = trainer->o.batch, d = model->o.d;
    sgm__piece b = batch_of(trainer, trainer->step);
    float *s = (float *)malloc((size_t)(B * d) * sizeof *s);
    sgm_score score = sgm_model_score(model, SGM_RAW);
    double loss = 0, size = 0;
    CHECK_OK(sgm_score_eval(&score, s, b.x, b.t, B));
    for (int i = 0; i < B; i++) {
        double m = sgm_sde_m(sde, b.t[i]), sd = sgm_sde_s(sde, b.t[i]);
        double w = sgm_loss_weight(&trainer->o.loss, sde, b.t[i]) * trainer->o.loss.scale;
        for (int j = i * d; j < (i + 1) * d; j++) {
            double miss = b.eps[j] + sd * s[j], noise = -sd * s[j];
            CHECK_CLOSE(b.x[j], m * b.x0[j] + sd * b.eps[j], 4 * EPS * (fabs(b.x[j]) + 1));
            loss += w * miss * miss / B, size += 2 * w * fabs(miss) * (fabs(noise) + 1) / B;
        }
    }
    CHECK_CLOSE(trainer->loss, loss, EPS * size); /* the score is rounded to float */
    free(s);
}

static void loss_gradients(void **state) {
    float data[24], z[2000], start[2000];
    sgm_model model;
    sgm_trainer trainer;
    sgm_model_options mo;
    sgm_train_options to;
    (void)state;
    sgm_normal(data, 24, sgm_key_init(77), 0);
    for (int output = SGM_OUTPUT_NOISE; output <= SGM_OUTPUT_EDM_F; output++)
        for (int weight = SGM_WEIGHT_SIGMA2; weight <= SGM_WEIGHT_USER; weight++) {
            memset(&mo, 0, sizeof mo), memset(&to, 0, sizeof to);
            memset(&net_options, 0, sizeof net_options);
            net_options.width = 16, net_options.depth = 2, net_options.activation = SGM_ACTIVATION_TANH;
            net_options.embedding = SGM_EMBEDDING_CIRCLE;
            mo.net = sgm_mlp, mo.user = &net_options, mo.d = 3, mo.sde = sgm_sde_vp(0.1, 8);
            mo.sde.t_min = 0.05, mo.output = (sgm_output)output, mo.sigma_data = 0.8;
            to.steps = 1, to.batch = 32, to.loss.scale = 0.5, to.loss.user_weight = my_weight;
            to.loss.weight = (sgm_weight)weight;
            CHECK_OK(sgm_model_init(&model, &mo, sgm_key_init(5)));
            CHECK_OK(sgm_trainer_init(&trainer, &model, data, 8, &to, sgm_key_init(6)));
            memcpy(start, model.params, model.n_params * sizeof(float));
            CHECK_OK(sgm__trainer_gradient(&trainer));
            check_loss_value(&trainer);
            double length = norm(trainer.grads, (long)model.n_params);
            for (size_t i = 0; i < model.n_params; i++) z[i] = (float)(trainer.grads[i] / length);
            check_loss_slope(&trainer, start, z);
            unit(z, (long)model.n_params, sgm_key_init(9));
            check_loss_slope(&trainer, start, z);
            sgm_trainer_free(&trainer), sgm_model_free(&model);
        }
}

/*
## Features of time
*/

static void time_features(void **state) {
    float t[4] = {0.001f, 0.731f, 0.731f, 1}; /* neighbours with the same t share their features */
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int width = 1; width <= 9; width++) {
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *at = sgm_tape_input(tape, t, 4, 1), *circle = sgm_time_circle(tape, at);
        sgm_tensor *sinus = sgm_time_sinusoidal(tape, at, width);
        sgm_tensor *fourier = sgm_time_fourier(tape, at, width, 3);
        sgm_tensor *sigma = sgm_time_sigma(tape, at);
        int half = (width + 1) / 2;
        for (int i = 0; i < 4; i++) {
            /* every value is rounded to float: EPS; |double error| < 1e-12 */
            double a = 2 * SGM__PI * t[i];
            CHECK_CLOSE(circle->v[4 * i], t[i] - 0.5, EPS);
            CHECK_CLOSE(circle->v[4 * i + 1], cos(a), EPS);
            CHECK_CLOSE(circle->v[4 * i + 2], sin(a), EPS);
            CHECK_CLOSE(circle->v[4 * i + 3], -cos(2 * a), EPS);
            assert_int_equal(sigma->cols, 9);
            CHECK_CLOSE(sigma->v[9 * i], 0.25 * t[i], EPS);
            for (int j = 1; j < 9; j++) { /* ¼, ½, 1 and 2 times */
                double wave = ldexp(1, (j - 1) / 2 - 2) * t[i];
                CHECK_CLOSE(sigma->v[9 * i + j], j % 2 ? sin(wave) : cos(wave), EPS + 1e-12);
            }
            for (int j = 0; j < width; j++) {
                int k = j % half;
                double wave = 1000 * pow(1e-4, half > 1 ? (double)k / (half - 1) : 0) * t[i];
                CHECK_CLOSE(sinus->v[width * i + j], j < half ? sin(wave) : cos(wave), EPS + 1e-12);
                wave = sgm__normal1(sgm_key_init(0x5367c0deULL), (uint64_t)k);
                wave *= 2 * SGM__PI * 3 * t[i];
                CHECK_CLOSE(fourier->v[width * i + j], j < half ? sin(wave) : cos(wave),
                            EPS + 1e-12);
            }
        }
    }
    sgm_tape_free(tape);
}

static double normal_cdf(double x, void *std) {
    return 0.5 * erfc(-x / *(double *)std / sqrt(2.0));
}

/* At a small t, sin(2πωt)/(2πt) = ω(1 - O((ωt)²)): the frequencies themselves, drawn from N(0,
2²). */

static void fourier_frequencies(void **state) {
    enum { WIDTH = 4000 };
    float t = 1e-4f, *omega = (float *)malloc(WIDTH * sizeof *omega);
    double std = 2;
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *y = sgm_time_fourier(tape, sgm_tape_input(tape, &t, 1, 1), WIDTH, 2);
    for (int j = 0; j < WIDTH / 2; j++) omega[j] = (float)(y->v[j] / (2 * SGM__PI * t));
    CHECK_P(stat_ks_p(stat_ks(omega, WIDTH / 2, normal_cdf, &std), WIDTH / 2), 1e-4);
    free(omega);
    sgm_tape_free(tape);
}

/* Which clock each embedding reads: raw, circle, sinusoidal t; Fourier, learned and the default log
σ. */

static sgm_tensor *embed_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_mlp_options o;
    CHECK_OK(sgm_mlp_options_init(&o, tape, in));
    sgm_tensor *e = sgm_embed_time(tape, in, o.embedding, o.embedding_width);
    return e ? sgm_linear(tape, e, in->x->cols) : NULL;
}

static void embeddings_read_their_clock(void **state) {
    float x[2] = {1, 2}, t[2] = {0.3f, 0.3f}, ls[2] = {0.5f, 0.5f}, p[4000];
    int widths[] = {9, 4, 1, 32, 32, 32};
    sgm_tape *tape = sgm_tape_new();
    sgm_net_in in;
    (void)state;
    sgm_normal(p, COUNT(p), sgm_key_init(1), 0);
    for (int embed = SGM_EMBEDDING_AUTO; embed <= SGM_EMBEDDING_LEARNED; embed++) {
        float y[3][2];
        memset(&net_options, 0, sizeof net_options);
        net_options.embedding = (sgm_embedding)embed;
        for (int change = 0; change < 3; change++) {
            t[0] = change == 1 ? 0.4f : 0.3f, ls[0] = change == 2 ? 0.6f : 0.5f;
            sgm_tape_reset(tape, p, NULL, COUNT(p), sgm_key_init(0), 0);
            memset(&in, 0, sizeof in), in.out = 1;
            in.x = sgm_tape_input(tape, x, 2, 1), in.t = sgm_tape_input(tape, t, 2, 1);
            in.log_sigma = sgm_tape_input(tape, ls, 2, 1), in.user = &net_options;
            sgm_tensor *out = embed_net(tape, &in);
            CHECK_OK(sgm_tape_status(tape));
            assert_int_equal(out->a->cols, widths[embed]);
            memcpy(y[change], out->v, sizeof y[change]);
        }
        int by_sigma = embed >= SGM_EMBEDDING_FOURIER || embed == SGM_EMBEDDING_AUTO;
        assert_int_equal(y[1][0] != y[0][0], !by_sigma);
        assert_int_equal(y[2][0] != y[0][0], by_sigma);
    }
    sgm_tape_free(tape);
}

/*
## Dropout
*/

static void dropout_draws(void **state) {
    enum { N = 100000 };
    float rate = 0.3f, *ones = (float *)malloc(N * sizeof *ones);
    float *mask[4];
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int i = 0; i < N; i++) ones[i] = 1;
    /* 0 and 1: the same key; 2: another; mask 3: second in a pass */
    for (int run = 0; run < 3; run++) {
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(run == 2 ? 9 : 8), SGM_TAPE_TRAINING);
        sgm_tensor *x = sgm_tape_input(tape, ones, N / 10, 10);
        sgm_tensor *y = sgm_dropout(tape, x, rate), *y2 = sgm_dropout(tape, x, rate);
        mask[run] = (float *)malloc(N * sizeof(float));
        memcpy(mask[run], y->v, N * sizeof(float));
        if (run == 0) mask[3] = (float *)malloc(N * sizeof(float)), memcpy(mask[3], y2->v,
            N * sizeof(float));
    }
    assert_memory_equal(mask[0], mask[1], N * sizeof(float));
    for (int other = 2; other < 4; other++) {
        long same = 0, kept = 0;
        for (int i = 0; i < N; i++) {
            assert_true(mask[other][i] == 0 || mask[other][i] == 1 / (1 - rate));
            same += (mask[0][i] > 0) == (mask[other][i] > 0), kept += mask[other][i] > 0;
        }
        double q = 0.7 * 0.7 + 0.3 * 0.3; /* binomial standard errors, 5 of them */
        CHECK_CLOSE(kept / (double)N, 0.7, CHECK_SIGMAS * sqrt(0.21 / N));
        CHECK_CLOSE(same / (double)N, q, CHECK_SIGMAS * sqrt(q * (1 - q) / N));
    }
    for (int lag = 1; lag <= 8; lag *= 2) { /* numbers of one word, and of one block, are strangers */
        double q = 0.7 * 0.7 + 0.3 * 0.3;
        long same = 0;
        for (int i = 0; i + lag < N; i += 2 * lag) same += (mask[0][i] > 0) == (mask[0][i + lag] > 0);
        CHECK_CLOSE(2. * lag * same / N, q, CHECK_SIGMAS * sqrt(2 * lag * q * (1 - q) / N));
    }
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(8), 0);
    sgm_tensor *x = sgm_tape_input(tape, ones, N / 10, 10);
    assert_ptr_equal(sgm_dropout(tape, x, rate), x); /* sampling: nothing happens */
    for (int i = 0; i < 4; i++) free(mask[i]);
    free(ones);
    sgm_tape_free(tape);
}

/*
## The model
*/

static sgm_model_options options_for(sgm_net net, void *user, int d, sgm_output output) {
    sgm_model_options o;
    memset(&o, 0, sizeof o);
    o.net = net, o.user = user, o.d = d, o.output = output, o.sde = sgm_sde_vp(0.1, 12);
    o.sigma_data = 0.5;
    return o;
}

static void parameter_counts(void **state) {
    sgm_model model;
    sgm_mlp_options o;
    (void)state;
    memset(&o, 0, sizeof o);
    o.width = 256, o.depth = 4, o.embedding = SGM_EMBEDDING_CIRCLE;
    sgm_model_options mo = options_for(sgm_mlp, &o, 2, SGM_OUTPUT_NOISE);
    CHECK_OK(sgm_model_init(&model, &mo, sgm_key_init(1)));
    assert_int_equal(model.n_params, 6 * 256 + 256 + 3 * (256 * 256 + 256) + 256 * 2 + 2);
    assert_int_equal(model.n_params, 199682);
    assert_int_equal(model.n_layers, 10);
    assert_string_equal(model.layers[0].name, "linear0.weight");
    assert_string_equal(model.layers[9].name, "linear8.bias"); /* dropouts count too */
    sgm_model_free(&model);
    memset(&o, 0, sizeof o);
    o.width = 128, o.depth = 5, o.activation = SGM_ACTIVATION_TANH, o.embedding = SGM_EMBEDDING_RAW,
        o.dropout = 0.1f;
    mo = options_for(sgm_residual_mlp, &o, 2, SGM_OUTPUT_NOISE);
    CHECK_OK(sgm_model_init(&model, &mo, sgm_key_init(1)));
    assert_int_equal(model.n_params, 3 * 128 + 128 + 5 * (129 * 128 + 128) + 128 * 2 + 2);
    sgm_model_free(&model);
    mo = options_for(sgm_mlp, NULL, 2, SGM_OUTPUT_NOISE); /* defaults: width 128, depth 4, log σ's 9 */
    CHECK_OK(sgm_model_init(&model, &mo, sgm_key_init(1)));
    assert_int_equal(model.n_params, 11 * 128 + 128 + 3 * (128 * 128 + 128) + 128 * 2 + 2);
    sgm_model_free(&model);
}

static double uniform_cdf(double x, void *bound) { return 0.5 + 0.5 * x / *(double *)bound; }

static sgm_tensor *start_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *p = sgm_param(tape, 60, 50, 0.3f), *zero = sgm_param(tape, 4, 4, 0);
    sgm_tensor *h = sgm_layer_norm(tape, sgm_linear(tape, sgm_linear(tape, in->x, 64), 64));
    (void)p, (void)zero;
    return sgm_linear_zero(tape, h, in->x->cols);
}

static void initial_parameters(void **state) {
    sgm_model model, other;
    sgm_model_options o = options_for(start_net, NULL, 9, SGM_OUTPUT_NOISE);
    (void)state;
    o.n_ema = 2;
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(4)));
    CHECK_OK(sgm_model_init(&other, &o, sgm_key_init(5)));
    for (int i = 0; i < model.n_layers; i++) {
        const struct sgm_layer *l = &model.layers[i];
        const float *p = model.params + l->offset;
        long n = (long)l->rows * l->cols, zeros = 0, ones = 0;
        for (long k = 0; k < n; k++) zeros += p[k] == 0, ones += p[k] == 1;
        if (strstr(l->name, "param") && i == 0) {
            double std = 0.3;
            CHECK_P(stat_ks_p(stat_ks(p, n, normal_cdf, &std), (double)n), 1e-4);
        } else if (i == 1 || i >= 7) {
            /* sgm_param of std 0, the norm's bias, linear_zero's both */
            assert_int_equal(zeros, n);
        } else if (strstr(l->name, "gain")) {
            assert_int_equal(ones, n);
        } else {
            double bound = 1 / sqrt(i < 4 ? 9.0 : 64.0), most = 0;
            for (long k = 0; k < n; k++) most = fmax(most, fabs(p[k]));
            assert_true(most <= bound * (1 + 2 * EPS));
            CHECK_P(stat_ks_p(stat_ks(p, n, uniform_cdf, &bound), (double)n), 1e-4);
            assert_memory_not_equal(p, other.params + l->offset, (size_t)n * sizeof *p);
        }
    }
    const float *w1 = model.params + model.layers[2].offset,
        *w2 = model.params + model.layers[4].offset;
    /* variance bound²/3 each */
    double n = 9 * 64, var = 1 / 27.0 / 192, r = dot(w1, w2, 9 * 64) / n;
    CHECK_CLOSE(r, 0, CHECK_SIGMAS * sqrt(var / n)); /* two layers have nothing in common */
    for (int i = 0; i < 2; i++)
        assert_memory_equal(model.ema[i], model.params, model.n_params * sizeof(float));
    sgm_model_free(&model), sgm_model_free(&other);
}

/* A network that remembers what it was given and what it said. */

static float seen_x[64], seen_t[64], seen_log_sigma[64], said[64];

static sgm_tensor *spy_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *y = sgm_linear(tape, sgm_tanh(tape, sgm_linear(tape, in->x, 7)), in->x->cols);
    long n = (long)in->x->rows * in->x->cols;
    if (tape->dry || !y || n > 64) return y;
    memcpy(seen_x, in->x->v, (size_t)n * sizeof *seen_x);
    memcpy(seen_t, in->t->v, (size_t)in->t->rows * sizeof *seen_t);
    memcpy(seen_log_sigma, in->log_sigma->v, (size_t)in->t->rows * sizeof *seen_t);
    memcpy(said, y->v, (size_t)n * sizeof *said);
    return y;
}

/*
What the score is if the network says `out`, from the definition of each output: with x = m x0 + s
ε, solve for ε, and the score is -ε/s.
*/

static double score_by_hand(sgm_output output, const sgm_sde *sde, double t, double x, double out,
                            double sd) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t), f = sgm_sde_f(sde, t),
        g2 = sgm_sde_g2(sde, t);
    double sigma = s / m, y = x / m, skip = sd * sd / (sigma * sigma + sd * sd);
    switch (output) {
    case SGM_OUTPUT_NOISE: return -out / s;
    case SGM_OUTPUT_SCORE: return out;
    case SGM_OUTPUT_X0: return -(x - m * out) / (s * s);
    /* x = m x0 + sε, v = mε - s x0 */
    case SGM_OUTPUT_V: return -(s * x + m * out) / (m * m + s * s) / s;
    case SGM_OUTPUT_FLOW: return -(out - f * x) / (g2 / (2 * s)) / s;     /* u = f x + g²/(2s) ε */
    default: return (skip * y + sigma * sd / sqrt(sigma * sigma + sd * sd) * out - y) / (sigma * s);
    }
}

static void model_scores(void **state) {
    float x[12], t[4] = {0.2f, 0.2f, 0.6f, 0.95f}, s[12], converted[12];
    sgm_model model;
    (void)state;
    sgm_normal(x, 12, sgm_key_init(1), 0);
    for (int output = SGM_OUTPUT_NOISE; output <= SGM_OUTPUT_EDM_F; output++)
        for (int family = 0; family < 3; family++) {
            sgm_model_options o = options_for(spy_net, NULL, 3, (sgm_output)output);
            o.sde = family == 0 ? sgm_sde_vp(0.1, 12) : family == 1 ? sgm_sde_edm(0.01, 20)
                                                                    : sgm_sde_rectified();
            o.sigma_data = 0.7;
            CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(3)));
            sgm_score score = sgm_model_score(&model, SGM_RAW);
            CHECK_OK(sgm_score_eval(&score, s, x, t, 4));
            sgm_output_convert(converted, SGM_OUTPUT_SCORE, said, (sgm_output)output, x, t, 4, 3, &o.sde,
                               0.7);
            /* |s| and its parts are below 100; EDM_F loses 4 bits to m D - x */
            for (int i = 0; i < 12; i++) {
                double m = sgm_sde_m(&o.sde, t[i / 3]), sd = sgm_sde_s(&o.sde, t[i / 3]), c_in = 1;
                double truth = score_by_hand((sgm_output)output, &o.sde, t[i / 3], x[i], said[i],
                                             0.7);
                CHECK_CLOSE(s[i], truth, EPS * (fabs(truth) + 1e-6));
                CHECK_CLOSE(converted[i], truth, EPS * (fabs(truth) + 1e-6));
                if (output == SGM_OUTPUT_EDM_F) c_in = 1 / m / sqrt(sd * sd / (m * m) + 0.49);
                CHECK_CLOSE(seen_x[i], c_in * x[i], 2 * EPS * fabs(c_in * x[i]));
                CHECK_CLOSE(seen_t[i / 3], t[i / 3], 0);
                CHECK_CLOSE(seen_log_sigma[i / 3], log(sd / m), EPS * (fabs(log(sd / m)) + 1e-6));
            }
            sgm_model_free(&model);
        }
}

/* The input of EDM's network has unit variance, if the data has σ_d² and is independent of the
noise. */

static void edm_input_has_unit_variance(void **state) {
    sgm_sde sde = sgm_sde_vp(0.1, 12);
    (void)state;
    for (int i = 1; i <= 10; i++) {
        double t = 0.1 * i, m = sgm_sde_m(&sde, t), s = sgm_sde_s(&sde, t);
        double c = sgm__input_scale(SGM_OUTPUT_EDM_F, &sde, t, 0.7);
        CHECK_CLOSE(c * c * (m * m * 0.49 + s * s), 1, 1e-14);
        CHECK_CLOSE(sgm__input_scale(SGM_OUTPUT_V, &sde, t, 0.7), 1, 0);
    }
}

/* The model's jvp against differences of its score with h = 2⁻⁵, size S: rounding
1.5·(24·2⁻²⁴)S/h, as above. */

static void model_jvp(void **state) {
    enum { N = 5, D = 3 };
    float x[N * D], v[N * D], moved[N * D], s[N * D], js[N * D], same[N * D], t[N] = {.1f, .1f,
        .4f, .7f, 1};
    double slope[N * D], h = 1 / 32.0;
    sgm_model model;
    (void)state;
    sgm_normal(x, N * D, sgm_key_init(1), 0), sgm_normal(v, N * D, sgm_key_init(2), 0);
    for (int output = SGM_OUTPUT_NOISE; output <= SGM_OUTPUT_EDM_F; output++) {
        sgm_model_options o = options_for(spy_net, NULL, D, (sgm_output)output);
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(3)));
        sgm_score score = sgm_model_score(&model, SGM_RAW);
        memset(slope, 0, sizeof slope);
        for (int place = -2; place <= 2; place++) {
            for (int i = 0; i < N * D; i++) moved[i] = (float)(x[i] + place * h * v[i]);
            CHECK_OK(sgm_score_eval(&score, s, moved, t, N));
            double weight = place == 0 ? 0 : (place % 2 ? 8 : -1) * (place > 0 ? 1 : -1) / (12 * h);
            for (int i = 0; i < N * D; i++) slope[i] += weight * s[i];
        }
        CHECK_OK(sgm_score_jvp(&score, s, js, x, v, t, N));
        CHECK_OK(sgm_score_eval(&score, same, x, t, N));
        assert_memory_equal(s, same, sizeof s);
        for (int i = 0; i < N * D; i++) {
            double sd = sgm_sde_s(&o.sde, t[i / D]), size = (fabs(s[i]) + 1 / sd) / sd;
            CHECK_CLOSE(js[i], slope[i], (1.5 * 24 * EPS / h + pow(h, 4) / 30 * 16) * size * 3);
        }
        sgm_model_free(&model);
    }
}

/* Rows do not see each other: n points at once, one by one, and with any number of threads. */

static void chunks_and_threads(void **state) {
    enum { N = 1999, D = 2 };
    static float x[N * D], v[N * D], t[N], s[4][N * D], js[4][N * D];
    sgm_model model;
    (void)state;
    sgm_normal(x, N * D, sgm_key_init(1), 0), sgm_normal(v, N * D, sgm_key_init(2), 0);
    sgm_uniform(t, N, sgm_key_init(3), 0);
    for (int i = 0; i < 300; i++) t[i] = 0.5f;
    memset(&net_options, 0, sizeof net_options);
    net_options.width = 40, net_options.activation = SGM_ACTIVATION_GELU,
        net_options.embedding = SGM_EMBEDDING_LEARNED;
    for (int output = SGM_OUTPUT_NOISE; output <= SGM_OUTPUT_EDM_F; output += SGM_OUTPUT_EDM_F) {
        sgm_model_options o = options_for(sgm_residual_mlp, &net_options, D, (sgm_output)output);
        for (int threads = 1; threads <= 3; threads++) {
            set_threads(threads);
            CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(3)));
            sgm_score score = sgm_model_score(&model, SGM_RAW);
            CHECK_OK(sgm_score_jvp(&score, s[threads], js[threads], x, v, t, N));
            CHECK_OK(sgm_score_eval(&score, s[0], x, t, N));
            assert_memory_equal(s[0], s[threads], sizeof s[0]);
            if (threads == 1)
                for (long i = 0; i < N; i++)
                    CHECK_OK(sgm_score_jvp(&score, s[0] + i * D, js[0] + i * D, x + i * D,
                                           v + i * D, t + i, 1));
            assert_memory_equal(s[0], s[threads], sizeof s[0]);
            assert_memory_equal(js[0], js[threads], sizeof js[0]);
            for (long n = 238; n < 243; n++) {
                memset(s[0], 0, sizeof s[0]);
                CHECK_OK(sgm_score_eval(&score, s[0], x, t, n));
                assert_memory_equal(s[0], s[threads], (size_t)n * D * sizeof(float));
                assert_true(s[0][n * D] == 0);
            }
            memcpy(s[0], s[threads], sizeof s[0]);
            sgm_model_free(&model);
        }
    }
}

/*
## Memory: nothing in the second pass, and no harm from none at all
*/

static void no_allocation_later(void **state) {
    enum { N = 700 };
    static float x[N * 2], s[N * 2], js[N * 2], t[N], u[OUT_ROOM], v[2 * SIZE];
    static rig r;
    sgm_model model;
    sgm_model_options o = options_for(normed_net, NULL, 2, SGM_OUTPUT_V);
    (void)state;
    sgm_normal(x, N * 2, sgm_key_init(1), 0), sgm_uniform(t, N, sgm_key_init(2), 0);
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(3)));
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    CHECK_OK(sgm_score_jvp(&score, s, js, x, x, t, N));
    int before = alloc_calls, tape_before = model.tapes[0]->n_allocs;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(sgm_score_eval(&score, s, x, t, N - i));
        CHECK_OK(sgm_score_jvp(&score, s, js, x, x, t, N - i));
    }
    assert_int_equal(alloc_calls, before), assert_int_equal(model.tapes[0]->n_allocs, tape_before);
    sgm_model_free(&model);
    net_under_test = normed_net;
    rig_init(&r, f_net, SGM_TAPE_TRAINING, 1);
    unit(u, r.n_out, sgm_key_init(1)), unit(v, 2 * SIZE, sgm_key_init(2));
    for (int pass = 0; pass < 4; pass++) {
        rig_tangent(&r, r.at, v), rig_backward(&r, u, u);
        if (pass == 0) before = alloc_calls, tape_before = r.tape->n_allocs;
    }
    assert_int_equal(alloc_calls, before), assert_int_equal(r.tape->n_allocs, tape_before);
    assert_true(tape_before > 0);
    rig_free(&r);
}

static sgm_status everything_once(void) {
    float x[6] = {1, 2, 3, 4, 5, 6}, t[3] = {.2f, .5f, .9f}, s[6], js[6], p[2500], g[2500];
    sgm_model model;
    sgm_model_options o = options_for(normed_net, NULL, 2, SGM_OUTPUT_NOISE);
    o.n_ema = 2;
    sgm_status status = sgm_model_init(&model, &o, sgm_key_init(1));
    if (status != SGM_OK) return status;
    sgm_score score = sgm_model_score(&model, 1);
    status = sgm_score_jvp(&score, s, js, x, x, t, 3);
    sgm_model_free(&model);
    sgm_tape *tape = status == SGM_OK ? sgm_tape_new() : NULL;
    if (!tape) return SGM_NO_MEMORY;
    memset(p, 0, sizeof p);
    sgm_tape_reset(tape, p, g, 2500, sgm_key_init(1), SGM_TAPE_TRAINING);
    sgm_tensor *a = sgm_tape_input(tape, x, 3, 2);
    sgm_tape_watch(tape, a);
    sgm_tape_tangent_of(tape, a);
    sgm_net_in in;
    memset(&in, 0, sizeof in), in.out = 2;
    in.x = a, in.t = sgm_tape_input(tape, t, 3, 1), in.log_sigma = in.t;
    sgm_tensor *y = sgm_tape_status(tape) == SGM_OK ? normed_net(tape, &in) : NULL;
    for (int i = 0; i < 60 && y; i++) /* large enough for several blocks and a longer list */
        y = sgm_linear(tape, sgm_concat(tape, y, a), i % 2 ? 2 : 400), tape->cursor = 0;
    status = sgm_tape_tangent(tape);
    sgm_tape_gradient_of(tape, y), sgm_tape_tangent_gradient_of(tape, y);
    if (status == SGM_OK) status = sgm_tape_backward(tape);
    sgm_tape_free(tape);
    return status;
}

static void every_allocation_fails_once(void **state) {
    (void)state;
    sgm_status status = SGM_NO_MEMORY;
    int n = 0;
    while (status != SGM_OK) {
        n++, alloc_calls = 0, fail_at = n;
        status = everything_once();
        if (status == SGM_OK) break;
        assert_int_equal(status, SGM_NO_MEMORY);
        check_text(sgm_error(), "no memory", __FILE__, __LINE__);
        assert_int_equal(live_blocks, 0);
        assert_true(n < 1000);
    }
    fail_at = 0;
    assert_true(n > 20); /* and not for want of trying */
}

/*
## Mistakes: a status, and a message that contains the cure
*/

static int mistake;

static sgm_tensor *wrong_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tensor *x = in->x, *h = sgm_linear(tape, x, 4);
    switch (mistake) {
    case 0: return h;
    case 1: return NULL;
    case 2: return sgm_add(tape, h, x);
    case 3: return sgm_mul(tape, h, sgm_linear(tape, x, 5));
    case 4: return sgm_concat(tape, h, sgm_tape_input(tape, NULL, 7, 2));
    case 5: return sgm_linear(tape, sgm_dropout(tape, h, 1), 2);
    case 6: return sgm_linear(tape, sgm_dropout(tape, h, -0.1f), 2);
    case 7: return sgm_linear(tape, h, 0);
    case 8: return sgm_time_sinusoidal(tape, in->t, 0);
    case 9: return sgm_time_fourier(tape, in->x, 4, 1);
    case 10: return sgm_param(tape, -1, 2, 1);
    case 11: return sgm_tape_input(tape, NULL, 0, 2);
    case 12: return sgm_linear(tape, sgm_dropout(tape, h, NAN), 2);
    case 13: return sgm_tape_input(tape, NULL, 1, 2);
    default: return sgm_linear(tape, h, 2);
    }
}

static const struct {
    sgm_status status;
    const char *text[2];
} mistakes[] = {
    {SGM_MISMATCH, {"end it with sgm_linear", "(2, 4)"}},
    {SGM_BAD_ARGUMENT, {"returned NULL", ""}},
    {SGM_MISMATCH, {"(2, 4) and (2, 2)", "sum"}},
    {SGM_MISMATCH, {"(2, 4) and (2, 5)", "product"}},
    {SGM_MISMATCH, {"(2, 4) beside (7, 2)", "rows must agree"}},
    {SGM_BAD_ARGUMENT, {"dropout rate of 1", "0 <= rate < 1"}},
    {SGM_BAD_ARGUMENT, {"dropout rate of -0.1", "0 <= rate < 1"}},
    {SGM_BAD_ARGUMENT, {"4 by 0", "at least one"}},
    {SGM_BAD_ARGUMENT, {"width 0", "width >= 1"}},
    {SGM_BAD_ARGUMENT, {"from (2, 2)", "(n, 1)"}},
    {SGM_BAD_ARGUMENT, {"-1 by 2", "at least one"}},
    {SGM_BAD_ARGUMENT, {"0 by 2", "at least one"}},
    {SGM_BAD_ARGUMENT, {"dropout rate", "0 <= rate < 1"}},
    {SGM_MISMATCH, {"(1, 2) where (2, 2)", "end it with"}},
};

static void network_mistakes(void **state) {
    sgm_model model;
    sgm_model_options o = options_for(wrong_net, NULL, 2, SGM_OUTPUT_NOISE);
    (void)state;
    for (mistake = 0; mistake < COUNT(mistakes); mistake++)
        for (int k = 0; k < 2; k++)
            CHECK_FAILS(sgm_model_init(&model, &o, sgm_key_init(1)), mistakes[mistake].status,
                        mistakes[mistake].text[k]);
    CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
    float x[4] = {0}, t[2] = {.5f, .5f}, s[4];
    sgm_score score = sgm_model_score(&model, SGM_RAW);
    CHECK_OK(sgm_score_eval(&score, s, x, t, 2));
    mistake = 3; /* more parameters than at first */
    CHECK_FAILS(sgm_score_eval(&score, s, x, t, 2), SGM_MISMATCH, "same operations every time");
    mistake = 0; /* another width */
    CHECK_FAILS(sgm_score_eval(&score, s, x, t, 2), SGM_MISMATCH, "end it with sgm_linear");
    mistake = 13;
    CHECK_FAILS(sgm_score_eval(&score, s, x, t, 1), SGM_MISMATCH, "do the same operations");
    mistake = COUNT(mistakes);
    CHECK_OK(sgm_score_eval(&score, s, x, t, 2)); /* the model is none the worse for it */
    sgm_model_free(&model);
}

static sgm_tensor *bare_net(sgm_tape *tape, const sgm_net_in *in) {
    return sgm_mul_by(tape, in->x, 2);
}

static void model_mistakes(void **state) {
    sgm_model model;
    sgm_model_options good = options_for(sgm_mlp, NULL, 2, SGM_OUTPUT_NOISE), o = good;
    sgm_key key = sgm_key_init(1);
    (void)state;
    o.d = 0;
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "set d to at least 1");
    o = good, o.n_ema = 5;
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "n_ema is 0 to 4");
    o = good, o.n_ema = -1;
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "n_ema is 0 to 4");
    o = good, o.net = NULL;
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "set net");
    o = good, o.output = (sgm_output)17;
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "output kind 17");
    o = good, o.net = bare_net;
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "no parameters");
    o = good, memset(&o.sde, 0, sizeof o.sde);
    CHECK_FAILS(sgm_model_init(&model, &o, key), SGM_BAD_ARGUMENT, "preset");
    assert_null(model.params);
    sgm_model_free(&model); /* harmless */
    o = good, o.n_ema = 2;
    CHECK_OK(sgm_model_init(&model, &o, key));
    float x[2] = {1, 2}, t[1] = {0.5f}, s[2];
    for (int which = -2; which <= 2; which += 4) {
        sgm_score score = sgm_model_score(&model, which);
        check_text(sgm_error(), "set n_ema", __FILE__, __LINE__);
        assert_null(score.eval);
        assert_int_equal(sgm_score_eval(&score, s, x, t, 1), SGM_BAD_ARGUMENT);
    }
    model.ema[1][model.n_params - 2] += 1; /* each `which` reads its own block: a last bias */
    float by[3];
    for (int which = SGM_RAW; which < 2; which++) {
        sgm_score score = sgm_model_score(&model, which);
        CHECK_OK(sgm_score_eval(&score, s, x, t, 1));
        by[which + 1] = s[0];
    }
    assert_true(by[0] == by[1] && by[1] != by[2]);
    sgm_model_free(&model);
}

static void first_error_sticks(void **state) {
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *a = sgm_tape_input(tape, NULL, 2, 3), *b = sgm_tape_input(tape, NULL, 2, 4);
    assert_null(sgm_add(tape, a, b));
    assert_null(sgm_dropout(tape, a, 2)), assert_null(sgm_repeat(tape, a, 3));
    assert_null(sgm_concat(tape, a, sgm_tape_input(tape, NULL, 1, 1)));
    assert_null(sgm_silu(tape, a)), assert_null(sgm_mul_by(tape, a, 2));
    assert_null(sgm_mul(tape, a, a));
    assert_null(sgm_layer_norm(tape, a)), assert_null(sgm_linear(tape, a, 3));
    assert_null(sgm_time_circle(tape, a));
    sgm__fail(SGM_NO_FILE, "something else");
    for (int i = 0; i < 3; i++) {
        sgm_status status = i == 0 ? sgm_tape_status(tape) : i == 1 ? sgm_tape_tangent(tape)
                                                                    : sgm_tape_backward(tape);
        CHECK_FAILS(status, SGM_MISMATCH, "the sum of (2, 3) and (2, 4): the shapes must agree");
    }
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0); /* a reset forgives */
    CHECK_OK(sgm_tape_status(tape));
    assert_non_null(sgm_tape_input(tape, NULL, 2, 3));
    sgm_tape_free(tape);
}

/* NULL in, NULL out: a network needs no checks of its own. */

/*
Sums over very many rows: of L = Σ c y with y = x W + b, x = .7 and c = .1 throughout, the adjoints of
b and W are .1 n and .07 n (of their floats), and so is that of a row that all repeat. At most 2048
floats are added at once, then that many sums: each rounds by at most u = 2⁻²⁴ of the sum so far,
in all (2048 + n/2048 + 2) u.
*/

static void long_sums(void **state) {
    enum { ROWS_OF_ALL = 1000003 };
    static float x[ROWS_OF_ALL], grads[3];
    float p[3] = {0.5f, 0.25f, 0.5f};
    double n = ROWS_OF_ALL, bound = (2048 + n / 2048 + 2) * ldexp(1, -24);
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int i = 0; i < ROWS_OF_ALL; i++) x[i] = 0.7f;
    sgm_tape_reset(tape, p, grads, 3, sgm_key_init(0), 0);
    sgm_tensor *y = sgm_linear(tape, sgm_tape_input(tape, x, ROWS_OF_ALL, 1), 1);
    y = sgm_add(tape, y, sgm_repeat(tape, sgm_param(tape, 1, 1, 1), ROWS_OF_ALL));
    float *adjoint = sgm_tape_gradient_of(tape, y);
    for (int i = 0; i < ROWS_OF_ALL; i++) adjoint[i] = 0.1f;
    CHECK_OK(sgm_tape_backward(tape));
    CHECK_REL(grads[0], (double)0.1f * 0.7f * n, bound);
    CHECK_REL(grads[1], (double)0.1f * n, bound);
    CHECK_REL(grads[2], (double)0.1f * n, bound);
    sgm_tape_free(tape);
}

/* A layer norm of a row with a large mean: x - mean is good to the last bit of the difference, so
the result, of numbers up to 3, to 4 roundings. */

static void layer_norm_of_large_means(void **state) {
    enum { C = 96 };
    static const double means[] = {0, 100, 1e4, -1e6, 1e20}, stds[] = {1, 0.01, 0.01, 1, 1e20};
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int k = 0; k < COUNT(means); k++) {
        float x[C];
        double mean = 0, var = 0;
        sgm_normal(x, C, sgm_key_init(5), 0);
        for (int i = 0; i < C; i++) x[i] = (float)(means[k] + stds[k] * x[i]);
        for (int i = 0; i < C; i++) mean += x[i] / (double)C;
        for (int i = 0; i < C; i++) var += (x[i] - mean) * (x[i] - mean) / C;
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *y = sgm_group_norm(tape, sgm_tape_input(tape, x, 1, C), 1, 1, 1, SGM_NORM_PLAIN,
            NULL, NULL);
        for (int i = 0; i < C; i++)
            CHECK_CLOSE(y->v[i], (x[i] - mean) / sqrt(var + 1e-5), 3 * 4 * EPS);
    }
    sgm_tape_free(tape);
}

/* Options, enums and numbers out of range, in operations and in ready networks. */

static sgm_mlp_options mlp_user;

static sgm_tensor *refused(sgm_tape *tape, const sgm_net_in *in, int which, const char **cure) {
    sgm_net net = which % 2 ? sgm_mlp : sgm_residual_mlp;
    mlp_user.width = 8, mlp_user.depth = 2, mlp_user.embedding_width = 4;
    *cure = "0 for the default";
    switch (which / 2) {
    case 0: mlp_user.activation = (sgm_activation)17, *cure = "no activation 17"; break;
    case 1: mlp_user.activation = (sgm_activation)-1, *cure = "no activation -1"; break;
    case 2: mlp_user.embedding = (sgm_embedding)17, *cure = "no embedding 17"; break;
    case 3: mlp_user.embedding = (sgm_embedding)-1, *cure = "no embedding -1"; break;
    case 4: mlp_user.width = -1; break;
    case 5: mlp_user.depth = -1; break;
    case 6: mlp_user.depth = 2000000000; break;
    case 7: mlp_user.embedding_width = -3; break;
    case 8: mlp_user.dropout = -1, *cure = "0 <= rate < 1"; break;
    case 9: mlp_user.dropout = 1, *cure = "0 <= rate < 1"; break;
    case 10: mlp_user.dropout = NAN, *cure = "0 <= rate < 1"; break;
    case 11: mlp_user.width = INT_MAX; break;
    case 12: return *cure = "finite factor", sgm_mul_by(tape, in->x, which % 2 ? NAN : INFINITY);
    case 13: return *cure = "at least one row", sgm_param(tape, which % 2, 0, 1);
    case 14: return *cure = "finite start", sgm_param(tape, 1, 1, which % 2 ? NAN : -1.0f);
    case 15: return *cure = "at least one row", sgm_tape_input(tape, NULL, -(which % 2), 1);
    case 16: return *cure = "rows >= 1", sgm_repeat(tape, in->x, 2); /* of two rows */
    case 17: return *cure = "one row", sgm_linear(tape, in->x, -(which % 2));
    case 18: return *cure = "width >= 1", sgm_time_fourier(tape, in->t, -(which % 2), 1);
    case 19:
        return *cure = "finite scale", sgm_time_fourier(tape, in->t, 3, which % 2 ? NAN : 1e38f);
    case 20: return *cure = "shape (n, 1)", sgm_time_circle(tape, in->x);
    default: return *cure = NULL, NULL;
    }
    return net(tape, in);
}

static void options_of_mlps(void **state) {
    float p[1000] = {0};
    const char *cure = "";
    (void)state;
    for (int i = 0; cure; i++)
        for (int dry = 0; dry < 2; dry++) {
            sgm_tape *tape = sgm_tape_new();
            sgm_net_in in;
            memset(&in, 0, sizeof in), memset(&mlp_user, 0, sizeof mlp_user);
            sgm_tape_reset(tape, p, NULL, COUNT(p), sgm_key_init(0), 0);
            tape->dry = dry;
            in.x = sgm_tape_input(tape, NULL, 2, 3), in.t = sgm_tape_input(tape, NULL, 2, 1);
            in.log_sigma = in.t, in.user = &mlp_user, in.out = 3;
            assert_null(refused(tape, &in, i, &cure));
            sgm_status status = i / 2 == 16 ? SGM_MISMATCH : SGM_BAD_ARGUMENT;
            if (cure) CHECK_FAILS(sgm_tape_status(tape), status, cure);
            sgm_tape_free(tape);
        }
    assert_null(sgm_tape_input(NULL, p, 1, 1)), sgm_tape_reset(NULL, p, p, 3, sgm_key_init(0), 0);
    CHECK_FAILS(sgm_tape_status(NULL), SGM_BAD_ARGUMENT, "no tape");
    sgm_tape *tape = sgm_tape_new();
    sgm_tape_reset(tape, NULL, NULL, 100, sgm_key_init(0), 0); /* parameters that are not there */
    assert_null(sgm_linear(tape, sgm_tape_input(tape, p, 2, 3), 3));
    CHECK_FAILS(sgm_tape_status(tape), SGM_MISMATCH, "more parameters than the 0");
    sgm_tape_reset(tape, p, NULL, 11, sgm_key_init(0), 0);
    assert_null(sgm_linear(tape, sgm_tape_input(tape, p, 2, 3), 3));
    CHECK_FAILS(sgm_tape_status(tape), SGM_MISMATCH, "more parameters than the 11");
    assert_null(sgm_repeat(tape, NULL, 3));
    sgm_tape_free(tape);
}

static void null_tensors(void **state) {
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *a = sgm_tape_input(tape, NULL, 2, 3);
    assert_null(sgm_linear(tape, NULL, 2)), assert_null(sgm_linear_zero(tape, NULL, 2));
    for (int i = 0; i < COUNT(activations); i++) assert_null(activations[i](tape, NULL));
    assert_null(sgm_add(tape, NULL, a)), assert_null(sgm_mul(tape, a, NULL));
    assert_null(sgm_concat(tape, NULL, NULL)), assert_null(sgm_mul_by(tape, NULL, 1));
    assert_null(sgm_layer_norm(tape, NULL)), assert_null(sgm_dropout(tape, NULL, 0.5f));
    assert_null(sgm_time_circle(tape, NULL)), assert_null(sgm_time_sinusoidal(tape, NULL, 2));
    assert_null(sgm_time_fourier(tape, NULL, 2, 1)), assert_null(sgm_time_learned(tape, NULL, 2));
    assert_null(sgm_tape_tangent_of(tape, NULL)), assert_null(sgm_tape_gradient_of(tape, NULL));
    assert_null(sgm_tape_tangent_gradient_of(tape, NULL));
    sgm_tape_watch(tape, NULL), sgm_tape_free(NULL), sgm_tape_free(tape);
}

/*
## A derivative by the time

What a network says moves with t through all that is made from t, log σ too, whether points share
their times or not: ∂out/∂t against five points, as a tangent; and its transpose as an adjoint. The
truncation is h⁴f⁽⁵⁾/480 with waves of up to ω = 4π (Fourier: 2π·3, and log σ of slope below 3), so
below 1e-6 of ωf at h = 2⁻⁸; of 1000 at 2⁻¹⁴. Rounding: 3/h of some 16 errors of 2⁻²⁴ of the size.
*/

static sgm_tensor *time_net(sgm_tape *tape, const sgm_net_in *in) {
    sgm_tape_watch(tape, in->t);
    return sgm_mlp(tape, in);
}

static const sgm_model *time_model;
static float time_x[64], time_at[32];
static sgm_tensor *time_out;
static int time_n;

static sgm_tensor *time_run(sgm_tape *tape, sgm_net_in *in, double shift) {
    float t[32], *p = time_model->params;
    sgm__ask ask = sgm__ask_of(time_model, SGM_RAW);
    for (int i = 0; i < time_n; i++) t[i] = (float)(time_at[i] + shift);
    sgm_tape_reset(tape, p, NULL, time_model->n_params, sgm_key_init(0), 0);
    sgm__net_in(tape, in, &ask, time_x, t, time_n);
    time_out = time_model->o.net(tape, in);
    CHECK_OK(sgm_tape_status(tape));
    return time_out;
}

static void derivative_by_time(void **state) {
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_normal(time_x, 64, sgm_key_init(3), 0);
    for (int k = 0; k < 15; k++) {
        sgm_mlp_options net = {16, 2, SGM_ACTIVATION_SILU, (sgm_embedding)(k % 5), 8, 0, 0, 0};
        sgm_model model;
        sgm_model_options o;
        sgm_net_in in;
        memset(&o, 0, sizeof o);
        o.net = time_net, o.user = &net, o.d = 2, o.sde = sgm_sde_vp(0.1, 20);
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(1)));
        time_model = &model, time_n = k < 5 ? 3 : 32;
        for (int i = 0; i < 32; i++) time_at[i] = k < 10 || i % 2 ? 0.5f : 0.25f;
        double h = net.embedding == SGM_EMBEDDING_SINUSOIDAL ? 1 / 16384.0 : 1 / 256.0, fd[64];
        for (int i = 0; i < 4; i++) {
            static const double at[] = {-1, -0.5, 0.5, 1}, weight[] = {1, -8, 8, -1};
            time_run(tape, &in, at[i] * h);
            for (int j = 0; j < 2 * time_n; j++)
                fd[j] = (i ? fd[j] : 0) + weight[i] * time_out->v[j] / (6 * h);
        }
        double size = 0, worst = 0, sum = 0, adjoints = 0;
        time_run(tape, &in, 0);
        float *move = sgm_tape_tangent_of(tape, in.t);
        assert_non_null(move);
        for (int i = 0; i < time_n; i++) move[i] = 1;
        CHECK_OK(sgm_tape_tangent(tape));
        assert_non_null(time_out->j);
        for (int j = 0; j < 2 * time_n; j++) {
            size = fmax(size, fabs(fd[j])), worst = fmax(worst, fabs(fd[j] - time_out->j[j]));
            sum += time_out->j[j];
        }
        CHECK_CLOSE(worst, 0, 1e-3 * size + 3 / h * 16 * 0.6e-7);
        assert_true(size > 1e-2);
        time_run(tape, &in, 0);
        float *adjoint = sgm_tape_gradient_of(tape, time_out);
        for (int j = 0; j < 2 * time_n; j++) adjoint[j] = 1;
        CHECK_OK(sgm_tape_backward(tape));
        assert_non_null(in.t->d);
        for (int i = 0; i < time_n; i++) adjoints += in.t->d[i];
        CHECK_CLOSE(adjoints, sum, 1e-4 * size * time_n);
        sgm_model_free(&model);
    }
    sgm_tape_free(tape);
}

/*
## The network as a text

Two networks with parameters of the same shapes and other operations or settings have other texts,
and the text is what the pages say.
*/

static char *text_of(sgm_net net, const void *user, int d) {
    sgm_net_in in;
    sgm_tape *tape = sgm_tape_new();
    memset(&in, 0, sizeof in);
    tape->dry = 1;
    in.x = sgm_tape_input(tape, NULL, 2, d), in.t = sgm_tape_input(tape, NULL, 2, 1);
    in.log_sigma = sgm_tape_input(tape, NULL, 2, 1);
    in.user = (void *)(uintptr_t)user, in.out = d;
    assert_non_null(net(tape, &in));
    char *text = sgm__tape_text(tape);
    assert_non_null(text);
    sgm_tape_free(tape);
    return text;
}

static void text_has(sgm_net net, const void *user, int d, const void *other, const char *has) {
    char *text = text_of(net, user, d), *again = text_of(net, user, d);
    char *changed = text_of(net, other, d);
    check_text(text, has, __FILE__, __LINE__);
    assert_string_equal(text, again);
    assert_string_not_equal(text, changed);
    for (const char *c = text; *c; c++) assert_true(*c >= ' ' && *c != '"' && *c != '\\');
    sgm__free(text), sgm__free(again), sgm__free(changed);
}

static void networks_as_text(void **state) {
    (void)state;
    sgm_mlp_options m = {16, 1, SGM_ACTIVATION_TANH, SGM_EMBEDDING_FOURIER, 4, 0.25f, 0, 0}, plain = m;
    char *text = text_of(sgm_mlp, &m, 2);
    assert_string_equal(text,
        "0 input 2x2; 1 input 2x1; 2 input 2x1; 3 time_fourier 2x4 by 1 of 2; 4 concat 2x6 of 3 0; "
        "5 parameter 6x16; 6 parameter 1x16; 7 linear 2x16 of 4 5 6; 8 tanh 2x16 of 7; "
        "9 dropout 2x16 by 0.25 of 8; 10 parameter 16x2; 11 parameter 1x2; "
        "12 linear 2x2 of 9 10 11");
    sgm__free(text);
    plain.activation = SGM_ACTIVATION_GELU, text_has(sgm_mlp, &m, 2, &plain, "tanh"), plain = m;
    plain.dropout = 0.5f, text_has(sgm_mlp, &m, 2, &plain, "0.25"), plain = m;
    plain.embedding = SGM_EMBEDDING_SINUSOIDAL, text_has(sgm_mlp, &m, 2, &plain, "time_fourier");
    sgm_image_net o = {8, 8, 1, 16, 2, 2, 4, 4}, p = o;
    p.groups = 2, text_has(sgm_unet, &o, 64, &p, " groups 4"), p = o;
    p.groups = 8, text_has(sgm_resnet, &o, 64, &p, " groups 4 silu 1"), p = o;
    p.heads = 4, text_has(sgm_unet, &o, 64, &p, " heads 2");
    text_has(sgm_dit, &o, 64, &p, " heads 2");
    p = o, p.h = 4, p.w = 16, text_has(sgm_dit, &o, 64, &p, " h 8 w 8 patch 4");
    text_has(sgm_mixer, &o, 64, &p, "transpose"), text_has(sgm_unet, &o, 64, &p, " stride 2");
}

#define TEST(name, f) {name, f, fresh_start, nothing_left, NULL}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST("(3.1), (3.3), (3.2), (3.6) tangents, adjoints and adjoints of tangents of every operation",
             every_op),
        TEST("(3.6) activations against libm", activation_values),
        TEST("(3.3) the worked tape of §3.1, to its digits", worked_tape),
        TEST("(3.5) the tile is the three loops, to the last bit", tile_is_three_loops),
        TEST("an operation of your own in a model and its file", own_operation_in_a_model),
        TEST("a trace's tangents abreast", trace_abreast),
        TEST("an operation of your own that cannot be", own_operation_refused),
        TEST("an operation of your own that forgets", own_operation_forgets),
        TEST("(3.4), (3.7) linear, sums, products and layer norm by hand", op_values),
        TEST("(3.2) a tensor used twice: adjoints add up", used_twice),
        TEST("(3.2) a tensor used three times", used_three_times),
        TEST("(3.2) accumulated gradients, and the gradient of an unused parameter",
             accumulate_and_unused),
        TEST("(3.2) only watched inputs and wanted gradients get adjoints", adjoints_only_where_asked),
        TEST("(3.2) an adjoint that you set is still yours after the pass", adjoints_that_you_set_stay),
        TEST("(3.2) an adjoint put on a parameter joins its gradient", adjoint_on_a_parameter),
        TEST("(3.1) the tangent of a parameter", tangent_of_a_parameter),
        TEST("(3.1) tangents of constants are zero", tangents_of_constants),
        TEST("(3.1), (3.2), (3.9) ready networks, all activations and embeddings", ready_networks),
        TEST("(3.4) ready networks by hand", networks_by_hand),
        TEST("(3.1), (3.2), (3.4) rows that repeat", repeated_rows),
        TEST("(3.4) rows that repeat, and the same in one piece", repeated_rows_in_one_piece),
        TEST("(3.2) a watched pair gets its adjoint", watched_pair),
        TEST("times that points share: the same bits", times_that_points_share),
        TEST("(D.1) a linear layer by parts is the plain one", by_parts_is_plain),
        TEST("(3.1), (3.2), (3.9) a user's networks: norms, shared weights", user_networks),
        TEST("(4.2), (2.11) loss and gradient of every output and weight", loss_gradients),
        TEST("features of time against libm", time_features),
        TEST("Fourier frequencies are normal", fourier_frequencies),
        TEST("embeddings read t or log sigma", embeddings_read_their_clock),
        TEST("dropout: mean, values, keys", dropout_draws),
        TEST("parameter counts", parameter_counts),
        TEST("initial parameters", initial_parameters),
        TEST("(2.10) the model's score from each output", model_scores),
        TEST("(2.10) EDM's input has unit variance", edm_input_has_unit_variance),
        TEST("(3.1) the model's jvp", model_jvp),
        TEST("chunks and threads: the same bits", chunks_and_threads),
        TEST("no allocation after the first pass", no_allocation_later),
        TEST("every allocation fails once", every_allocation_fails_once),
        TEST("mistakes in a network", network_mistakes),
        TEST("mistakes in a model's options", model_mistakes),
        TEST("the first error sticks", first_error_sticks),
        TEST("NULL in, NULL out", null_tensors),
        TEST("(3.2), (3.4) sums over a million rows", long_sums),
        TEST("(3.7) a layer norm of rows with a large mean", layer_norm_of_large_means),
        TEST("options and numbers out of range", options_of_mlps),
        TEST("the network as a text", networks_as_text),
        TEST("(3.1), (3.2), (3.6) a derivative by the time", derivative_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
