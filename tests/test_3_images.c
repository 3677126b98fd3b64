/*
Chapter 3, images: §3.11 to §3.15. Every operation and every ready network is held against
central differences (tangent, slopes, slopes of tangents), against the transposition
⟨u, J v⟩ = ⟨Jᵀu, v⟩ and the symmetry of second derivatives. Convolution and attention are held
against plain loops in double, the networks' parts against PyTorch on fixed inputs.

    cc -O2 tests/test_3_images.c -lcmocka -lm -o test_3_images && ./test_3_images
*/

#define CHECK_ALLOCATOR
#include "check.h"

#define SGM_IMPLEMENTATION
#include "../sgm.h"

#include "data/torch_images.h"

static double norm(const float *a, long n) { return sqrt(dot(a, a, n)); }

static void unit(float *z, long n, sgm_key key) {
    sgm_normal(z, (size_t)n, key, 0);
    double length = norm(z, n);
    for (long i = 0; i < n; i++) z[i] = (float)(z[i] / length);
}

/*
## A function on a tape

Three inputs that all move, and all parameters that f asks for, as one vector of numbers.
*/

enum { ROOM = 20000 };

typedef struct shapes {
    int rows[3], cols[3]; /* 0 rows: there is no such input */
} shapes;

typedef sgm_tensor *(*function)(sgm_tape *tape, sgm_tensor **in);

typedef struct rig {
    function f;
    shapes s;
    sgm_tape *tape;
    int n_in, n_params, n_out;
    sgm_tensor *in[3], *y;
    float at[ROOM], grads[ROOM];
} rig;

static void poison_tape(sgm_tape *tape) { /* what a pass does not write, it must not read */
    for (sgm__arena_block *block = tape->blocks; block; block = block->next)
        memset(block + 1, 0xff, block->size + 64);
}

static int tape_flags; /* or SGM_TAPE_PLAIN */

static void rig_run(rig *r, const float *x) {
    memset(r->grads, 0xff, sizeof r->grads);
    sgm_tape_reset(r->tape, (float *)(uintptr_t)(x + r->n_in), r->grads, (size_t)(ROOM - r->n_in),
                   sgm_key_init(3), tape_flags);
    poison_tape(r->tape);
    for (int i = 0, from = 0; i < 3; i++) {
        r->in[i] = NULL;
        if (!r->s.rows[i]) continue;
        r->in[i] = sgm_tape_input(r->tape, x + from, r->s.rows[i], r->s.cols[i]);
        sgm_tape_watch(r->tape, r->in[i]);
        from += r->s.rows[i] * r->s.cols[i];
    }
    r->y = r->f(r->tape, r->in);
    CHECK_OK(sgm_tape_status(r->tape));
    r->n_params = (int)r->tape->cursor, r->n_out = r->y->rows * r->y->cols;
    assert_true(r->n_in + r->n_params <= ROOM && r->n_out <= ROOM);
}

static void rig_tangent(rig *r, const float *x, const float *v) {
    rig_run(r, x);
    for (int i = 0, from = 0; i < 3; i++) {
        int size = r->s.rows[i] * r->s.cols[i];
        if (!size) continue;
        memcpy(sgm_tape_tangent_of(r->tape, r->in[i]), v + from, (size_t)size * sizeof *v);
        from += size;
    }
    CHECK_OK(sgm_tape_tangent(r->tape));
}

/* The backward pass from slopes u by the values and w by the tangents, either NULL. */

static void rig_backward(rig *r, const float *u, const float *w) {
    size_t bytes = (size_t)r->n_out * sizeof *u;
    if (u) memcpy(sgm_tape_gradient_of(r->tape, r->y), u, bytes);
    if (w) memcpy(sgm_tape_tangent_gradient_of(r->tape, r->y), w, bytes);
    CHECK_OK(sgm_tape_backward(r->tape));
}

static void rig_slopes(rig *r, float *out, int which) {
    for (int i = 0; i < 3; i++) {
        size_t size = (size_t)(r->s.rows[i] * r->s.cols[i]);
        const sgm_tensor *x = r->in[i];
        if (!x) continue;
        memset(out, 0, size * sizeof *out);
        if (x->set & which) memcpy(out, which == SGM_ADJOINT_D ? x->d : x->jd, size * sizeof *out);
        out += size;
    }
    if (which == SGM_ADJOINT_D) memcpy(out, r->grads, (size_t)r->n_params * sizeof *out);
}

/* ⟨u, y⟩ or ⟨u, J v⟩ at x + h z, and its slope along z by five points. */

static double rig_value(rig *r, const float *z, double h, const float *u, const float *v) {
    static float x[ROOM];
    memcpy(x, r->at, sizeof x);
    for (int i = 0; i < r->n_in + r->n_params; i++) x[i] = (float)(x[i] + h * z[i]);
    if (v) rig_tangent(r, x, v);
    else rig_run(r, x);
    return dot(u, v ? r->y->j : r->y->v, r->n_out);
}

static double rig_slope(rig *r, const float *z, double h, const float *u, const float *v) {
    double near_by = rig_value(r, z, h / 2, u, v) - rig_value(r, z, -h / 2, u, v);
    double far_off = rig_value(r, z, h, u, v) - rig_value(r, z, -h, u, v);
    return (8 * near_by - far_off) / (6 * h);
}

/*
The tolerances. A chain of L operations, each a sum of at most 36 products, gets a rounding error
of about √36·L·2⁻²⁴ in units of its size S. A five-point slope with step h makes 1.5/h of it. Its
truncation is c h⁴: that of step h is 16/15 of the difference between the slopes at h and at h/2,
and so at h/2 a fifteenth of it; it is measured, and the whole difference is allowed.
*/

static void check_slope_is(rig *r, double got, const float *z, const float *u, const float *v,
                           double rounding) {
    double h = 1 / 16.0, wide = rig_slope(r, z, h, u, v), slope = rig_slope(r, z, h / 2, u, v);
    CHECK_CLOSE(got, slope, 2 * 1.5 * rounding / h + fabs(wide - slope));
}

static void check_differences(rig *r, const float *u, const float *v, const float *z, int links) {
    static float slopes[ROOM];
    int n = r->n_in + r->n_params;
    rig_run(r, r->at);
    double rounding = 6 * links * EPS * (norm(r->y->v, r->n_out) + 1);
    rig_backward(r, u, NULL), rig_slopes(r, slopes, SGM_ADJOINT_D);
    check_slope_is(r, dot(slopes, z, n), z, u, NULL, rounding);
    rig_tangent(r, r->at, v);
    rounding = 6 * links * EPS * (norm(r->y->j, r->n_out) + 1);
    rig_backward(r, NULL, u), rig_slopes(r, slopes, SGM_ADJOINT_D);
    check_slope_is(r, dot(slopes, z, n), z, u, v, rounding);
}

/* What is known without differences: transposition, symmetry, and that slopes add up. */

static void check_exact(rig *r, const float *u, const float *w, const float *v, const float *z,
                        int links) {
    static float back[ROOM], by_v[ROOM], by_z[ROOM], both[ROOM], of_tangent[ROOM];
    int n = r->n_in, all = n + r->n_params;
    double tol = 6 * links * EPS;
    rig_run(r, r->at), rig_backward(r, u, NULL), rig_slopes(r, back, SGM_ADJOINT_D);
    rig_tangent(r, r->at, v);
    double size = norm(r->y->j, r->n_out) + norm(back, n) + 1, along = dot(u, r->y->j, r->n_out);
    CHECK_CLOSE(dot(back, v, n), along, tol * size); /* ⟨Jᵀu, v⟩ = ⟨u, J v⟩ */
    rig_backward(r, NULL, w), rig_slopes(r, by_v, SGM_ADJOINT_D), rig_slopes(r, of_tangent, SGM_ADJOINT_JD);
    rig_tangent(r, r->at, z), rig_backward(r, NULL, w), rig_slopes(r, by_z, SGM_ADJOINT_D);
    size = norm(by_v, n) + norm(by_z, n) + norm(back, n) + 1;
    CHECK_CLOSE(dot(by_v, z, n), dot(by_z, v, n), tol * size); /* D²f[v,z] = D²f[z,v] */
    rig_tangent(r, r->at, v), rig_backward(r, u, w), rig_slopes(r, both, SGM_ADJOINT_D);
    size = norm(both, all) + norm(back, all) + 1;
    for (int i = 0; i < all; i++) CHECK_CLOSE(both[i], (double)back[i] + by_v[i], tol * size);
    rig_run(r, r->at), rig_backward(r, w, NULL), rig_slopes(r, back, SGM_ADJOINT_D);
    for (int i = 0; i < n; i++) CHECK_CLOSE(of_tangent[i], back[i], tol * size); /* Jᵀw */
}

static void check_function(function f, shapes s, int links, uint64_t seed) {
    static rig r;
    static float u[ROOM], w[ROOM], v[ROOM], z[ROOM];
    memset(&r, 0, sizeof r);
    r.f = f, r.s = s, r.tape = sgm_tape_new();
    for (int i = 0; i < 3; i++) r.n_in += s.rows[i] * s.cols[i];
    sgm_normal(r.at, ROOM, sgm_key_init(seed), 0);
    for (int i = r.n_in; i < ROOM; i++) r.at[i] *= 0.3f;
    rig_run(&r, r.at);
    if (links == 0) links = r.tape->n; /* a network: every operation is a link */
    memset(v, 0, sizeof v), memset(z, 0, sizeof z);
    unit(u, r.n_out, sgm_key_init(seed + 10)), unit(w, r.n_out, sgm_key_init(seed + 11));
    unit(v, r.n_in, sgm_key_init(seed + 12)), unit(z, r.n_in, sgm_key_init(seed + 13));
    check_exact(&r, u, w, v, z, links);
    check_differences(&r, u, v, z, links); /* along inputs */
    memset(z, 0, sizeof z);
    if (r.n_params) {
        unit(z + r.n_in, r.n_params, sgm_key_init(seed + 14));
        check_differences(&r, u, v, z, links); /* along parameters */
    }
    sgm_tape_free(r.tape);
}

/*
## The operations, one by one
*/

enum { OWN_SILU = SGM_NORM_OWN | SGM_NORM_SILU };
#define F(name) static sgm_tensor *name(sgm_tape *t, sgm_tensor **in)
F(f_conv3) { return sgm_conv2d(t, in[0], 5, 4, 3, 3, 1); }
F(f_conv3_2) { return sgm_conv2d(t, in[0], 5, 4, 3, 3, 2); }
F(f_conv5) { return sgm_conv2d(t, in[0], 5, 4, 3, 5, 1); }
F(f_conv7_2) { return sgm_conv2d(t, in[0], 5, 4, 2, 7, 2); }
F(f_conv1) { return sgm_conv2d(t, in[0], 5, 4, 3, 1, 1); }
F(f_conv1_2) { return sgm_conv2d(t, in[0], 5, 4, 3, 1, 2); }

F(f_upsample) { return sgm_upsample(t, in[0], 5, 4); }
F(f_channels) { return sgm_concat_channels(t, in[0], in[1], 2, 3); }
F(f_group) { return sgm_group_norm(t, in[0], 2, 3, 2, SGM_NORM_OWN, NULL, NULL); }
F(f_layer) { return sgm_group_norm(t, in[0], 1, 1, 1, SGM_NORM_OWN, NULL, NULL); }
F(f_normalize) { return sgm_group_norm(t, in[0], 2, 3, 2, SGM_NORM_PLAIN, NULL, NULL); }
F(f_norm_silu) { return sgm_group_norm(t, in[0], 2, 3, 2, OWN_SILU, NULL, NULL); }
F(f_adaptive) { return sgm_group_norm(t, in[0], 2, 3, 2, SGM_NORM_SILU, in[1], in[2]); }
F(f_modulate) { return sgm_modulate(t, in[0], in[1], in[2]); }
F(f_gate) { return sgm_gate(t, in[0], in[1]); }
F(f_patchify) { return sgm_patchify(t, in[0], 4, 6, 2); }
F(f_unpatchify) { return sgm_unpatchify(t, in[0], 4, 6, 2); }
F(f_transpose) { return sgm_transpose(t, in[0], 4); }
F(f_attention) { return sgm_attention(t, in[0], in[1], in[2], 5, 2); }
F(f_self) { return sgm_attention(t, in[0], in[0], in[0], 5, 2); }
F(f_ada) {
    sgm_tensor *x = sgm_group_norm(t, in[0], 1, 1, 1, SGM_NORM_PLAIN, NULL, NULL);
    return sgm_modulate(t, x, in[1], in[2]);
}
F(f_values) { /* only the values move */
    sgm_tensor *still = sgm_param(t, 10, 6, 1);
    return sgm_attention(t, still, still, in[0], 5, 2);
}
F(f_still) { /* the norm of parameters, moved by its gain alone */
    sgm_tensor *x = sgm_param(t, 2, 24, 1);
    return sgm_group_norm(t, x, 2, 3, 2, SGM_NORM_SILU, in[0], in[1]);
}

typedef struct op_case {
    const char *name;
    function f;
    shapes s;
    int links;
} op_case;

static const op_case ops[] = {
    {"conv2d 3, stride 1", f_conv3, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"conv2d 3, stride 2", f_conv3_2, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"conv2d 5, stride 1", f_conv5, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"conv2d 7, stride 2", f_conv7_2, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"conv2d 1, stride 1", f_conv1, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"conv2d 1, stride 2", f_conv1_2, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"upsample", f_upsample, {{2, 0, 0}, {40, 0, 0}}, 1},
    {"concat_channels", f_channels, {{2, 2, 0}, {12, 18, 0}}, 1},
    {"group_norm", f_group, {{2, 0, 0}, {24, 0, 0}}, 4},
    {"layer norm", f_layer, {{6, 0, 0}, {5, 0, 0}}, 4},
    {"normalize", f_normalize, {{2, 0, 0}, {24, 0, 0}}, 4},
    {"norm_silu", f_norm_silu, {{2, 0, 0}, {24, 0, 0}}, 5},
    {"adaptive norm", f_adaptive, {{2, 2, 2}, {24, 4, 4}}, 5},
    {"adaptive norm of tokens", f_adaptive, {{4, 2, 1}, {24, 4, 4}}, 5},
    {"norm of what is still", f_still, {{2, 1, 0}, {4, 4, 0}}, 5},
    {"modulate images", f_modulate, {{2, 2, 2}, {24, 4, 4}}, 2},
    {"modulate tokens", f_modulate, {{6, 2, 2}, {4, 4, 4}}, 2},
    {"adaptive layer norm", f_ada, {{6, 2, 2}, {4, 4, 4}}, 5},
    {"gate", f_gate, {{6, 2, 0}, {4, 4, 0}}, 2},
    {"patchify", f_patchify, {{2, 0, 0}, {72, 0, 0}}, 1},
    {"unpatchify", f_unpatchify, {{12, 0, 0}, {12, 0, 0}}, 1},
    {"transpose", f_transpose, {{8, 0, 0}, {5, 0, 0}}, 1},
    {"attention", f_attention, {{10, 10, 10}, {6, 6, 6}}, 5},
    {"self-attention", f_self, {{10, 0, 0}, {6, 0, 0}}, 5},
    {"attention to values", f_values, {{10, 0, 0}, {6, 0, 0}}, 5},
};

static void every_op(void **state) {
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        tape_flags = plain ? SGM_TAPE_PLAIN : 0;
        for (int i = 0; i < COUNT(ops); i++)
            for (uint64_t seed = 1; seed <= 2; seed++)
                check_function(ops[i].f, ops[i].s, ops[i].links + 6 * plain, seed);
    }
    tape_flags = 0;
}

static sgm_tensor *network(sgm_tape *t, sgm_tensor **in, sgm_net net, int depth) {
    static sgm_image_net o;
    sgm_net_in all;
    memset(&o, 0, sizeof o), memset(&all, 0, sizeof all);
    o.h = 4, o.w = 8, o.channels = 2, o.width = 4, o.groups = 2, o.heads = 2, o.patch = 2;
    o.depth = depth;
    all.x = in[0], all.t = all.log_sigma = sgm_tape_input(t, NULL, in[0]->rows, 1);
    all.cond = in[1], all.image = in[2], all.known = in[1] || in[2] ? all.t : NULL, all.user = &o;
    for (int i = 0; all.t && i < all.t->rows; i++) all.t->v[i] = 0.1f + 0.3f * (float)i;
    return net(t, &all);
}
F(f_resnet) { return network(t, in, sgm_resnet, 2); }
F(f_unet) { return network(t, in, sgm_unet, 3); }
F(f_mixer) { return network(t, in, sgm_mixer, 2); }
F(f_dit) { return network(t, in, sgm_dit, 2); }

static void every_network(void **state) {
    const function nets[] = {f_resnet, f_unet, f_mixer, f_dit};
    const shapes told[] = {{{2, 0, 0}, {64, 0, 0}}, {{2, 2, 0}, {64, 3, 0}}, {{2, 0, 2}, {64, 0, 96}},
                           {{2, 2, 2}, {64, 3, 32}}}; /* nothing, a vector, an image, both */
    (void)state;
    for (int i = 0; i < COUNT(nets); i++)
        for (int k = 0; k < COUNT(told); k++) check_function(nets[i], told[k], 0, 7 + (uint64_t)k);
}

/*
## The fast forms of §E.3 to §E.5 against the plain text of §3.12 to §3.14

All that the three passes make, at sizes that fill no tile, stretch or register. Each is as far from
the truth as above, so that they are at most twice that apart.
*/

F(p_conv) { return sgm_conv2d(t, in[0], 7, 5, 5, 3, 1); }
F(p_conv_1) { return sgm_conv2d(t, in[0], 1, 1, 37, 3, 1); }
F(p_conv_2) { return sgm_conv2d(t, in[0], 5, 9, 19, 3, 2); }
F(p_row_2) { return sgm_conv2d(t, in[0], 1, 13, 2, 3, 2); }
F(p_norm) { return sgm_group_norm(t, in[0], 3, 7, 3, SGM_NORM_PLAIN, NULL, NULL); }
F(p_own) { return sgm_group_norm(t, in[0], 3, 7, 1, SGM_NORM_OWN, NULL, NULL); }
F(p_own_silu) { return sgm_group_norm(t, in[0], 3, 7, 9, OWN_SILU, NULL, NULL); }
F(p_told) { return sgm_group_norm(t, in[0], 3, 7, 3, SGM_NORM_SILU, in[1], in[2]); }
F(p_told_flat) { return sgm_group_norm(t, in[0], 3, 7, 3, SGM_NORM_PLAIN, in[1], in[2]); }
F(p_scale) { return sgm_group_norm(t, in[0], 3, 7, 3, SGM_NORM_PLAIN, NULL, in[1]); }
F(p_shift) { return sgm_group_norm(t, in[0], 3, 7, 3, SGM_NORM_SILU, in[1], NULL); }
F(p_attention) { return sgm_attention(t, in[0], in[1], in[2], 70, 2); }
F(p_attention_long) { return sgm_attention(t, in[0], in[1], in[0], 520, 1); }
F(p_attention_one) { return sgm_attention(t, in[0], in[0], in[0], 1, 2); }
F(p_attention_self) { return sgm_attention(t, in[0], in[0], in[0], 65, 3); }
F(p_attention_keys) {
    sgm_tensor *still = sgm_tape_input(t, NULL, 32, 34);
    memcpy(still->v, in[1]->v, 32 * 34 * sizeof *still->v);
    return sgm_attention(t, still, in[0], still, 16, 2);
}
F(p_attention_values) {
    sgm_tensor *still = sgm_tape_input(t, NULL, 49, 20);
    memcpy(still->v, in[1]->v, 49 * 20 * sizeof *still->v);
    return sgm_attention(t, still, still, in[0], 49, 1);
}

static void fast_and_plain(void **state) {
    static const op_case cases[] = {
        {"3 x 3", p_conv, {{3, 0, 0}, {105, 0, 0}}, 1},
        {"3 x 3 on one pixel", p_conv_1, {{5, 0, 0}, {17, 0, 0}}, 1},
        {"3 x 3, stride 2", p_conv_2, {{3, 0, 0}, {315, 0, 0}}, 1},
        {"3 x 3, stride 2, one row", p_row_2, {{2, 0, 0}, {39, 0, 0}}, 1},
        {"norm", p_norm, {{3, 0, 0}, {189, 0, 0}}, 4},
        {"gain and bias", p_own, {{3, 0, 0}, {189, 0, 0}}, 4},
        {"gain, bias, SiLU", p_own_silu, {{3, 0, 0}, {189, 0, 0}}, 5},
        {"shift, scale, SiLU", p_told, {{6, 3, 2}, {189, 9, 9}}, 5},
        {"shift, scale", p_told_flat, {{3, 3, 3}, {189, 9, 9}}, 4},
        {"shift, SiLU", p_shift, {{3, 3, 0}, {189, 9, 0}}, 5},
        {"scale", p_scale, {{3, 1, 0}, {189, 9, 0}}, 4},
        {"modulation", f_modulate, {{15, 3, 3}, {4, 4, 4}}, 2},
        {"gate", f_gate, {{6, 2, 0}, {12, 4, 0}}, 2},
        {"attention", p_attention, {{140, 140, 140}, {6, 6, 6}}, 5},
        {"attention, long", p_attention_long, {{1040, 1040, 0}, {2, 2, 0}}, 5},
        {"attention to oneself", p_attention_one, {{3, 0, 0}, {8, 0, 0}}, 5},
        {"self-attention", p_attention_self, {{65, 0, 0}, {51, 0, 0}}, 5},
        {"attention, keys move", p_attention_keys, {{32, 32, 0}, {34, 34, 0}}, 5},
        {"attention, values move", p_attention_values, {{49, 49, 0}, {20, 20, 0}}, 5},
        {"residual net", f_resnet, {{3, 3, 0}, {64, 3, 0}}, 0},
        {"U-Net", f_unet, {{3, 3, 0}, {64, 3, 0}}, 0},
        {"DiT", f_dit, {{3, 3, 0}, {64, 3, 0}}, 0}};
    static rig r;
    static float made[2][6][ROOM], u[ROOM], w[ROOM], v[ROOM];
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        int links = 0, n_tape[2];
        memset(&r, 0, sizeof r), memset(made, 0, sizeof made);
        r.f = cases[i].f, r.s = cases[i].s, r.tape = sgm_tape_new();
        for (int k = 0; k < 3; k++) r.n_in += r.s.rows[k] * r.s.cols[k];
        sgm_normal(r.at, ROOM, sgm_key_init(20), 0), sgm_normal(u, ROOM, sgm_key_init(21), 0);
        sgm_normal(w, ROOM, sgm_key_init(22), 0), sgm_normal(v, ROOM, sgm_key_init(23), 0);
        for (int k = r.n_in; k < ROOM; k++) r.at[k] *= 0.3f;
        for (int plain = 0; plain < 2; plain++) {
            float(*to)[ROOM] = made[plain];
            tape_flags = plain ? SGM_TAPE_PLAIN : 0;
            rig_run(&r, r.at), rig_backward(&r, u, NULL), rig_slopes(&r, to[0], SGM_ADJOINT_D);
            rig_tangent(&r, r.at, v);
            memcpy(to[1], r.y->v, (size_t)r.n_out * sizeof(float));
            memcpy(to[2], r.y->j, (size_t)r.n_out * sizeof(float));
            rig_backward(&r, NULL, w), rig_slopes(&r, to[3], SGM_ADJOINT_D);
            rig_slopes(&r, to[4], SGM_ADJOINT_JD);
            rig_tangent(&r, r.at, v), rig_backward(&r, u, w);
            rig_slopes(&r, to[5], SGM_ADJOINT_D);
            n_tape[plain] = r.tape->n;
            if (plain == 0) links = cases[i].links ? cases[i].links : r.tape->n;
        }
        if (r.f != p_conv && r.f != p_conv_1 && r.f != p_conv_2 && r.f != p_row_2)
            assert_true(n_tape[1] > n_tape[0]); /* the plain text has more steps */
        for (int k = 0; k < 6; k++) {
            double size = norm(made[1][k], ROOM) + 1;
            for (int j = 0; j < ROOM; j++)
                CHECK_CLOSE(made[0][k][j], made[1][k][j], 2 * 6 * links * EPS * size);
        }
        sgm_tape_free(r.tape);
    }
    tape_flags = 0;
}

/*
## Plain twins

A sum of K products of floats, each step fused or not, is off by at most (K + 1)·2⁻²⁴ times the sum
of their sizes. `size` collects that sum beside the value.
*/

typedef struct conv_case {
    int n, h, w, c, out, k, stride;
} conv_case;

/* Output (y, x) and input (sy, sx) meet at tap (i, j); at(…) is called for each such meeting. */

static void conv_twin(const conv_case *q, const float *x, const float *w, const float *b,
                      const float *dy, double *y, double *dx, double *dw, double *size) {
    int rows = (q->h - 1) / q->stride + 1, cols = (q->w - 1) / q->stride + 1;
    for (int m = 0; m < q->n; m++)
        for (int r = 0; r < rows; r++)
            for (int s = 0; s < cols; s++)
                for (int o = 0; o < q->out; o++) {
                    int to = ((m * rows + r) * cols + s) * q->out + o;
                    y[to] = b[o], size[0] = fmax(size[0], fabs(b[o]));
                    for (int i = 0; i < q->k; i++)
                        for (int j = 0; j < q->k; j++)
                            for (int c = 0; c < q->c; c++) {
                                int u = r * q->stride + i - q->k / 2;
                                int v = s * q->stride + j - q->k / 2;
                                if (u < 0 || v < 0 || u >= q->h || v >= q->w) continue;
                                int from = ((m * q->h + u) * q->w + v) * q->c + c;
                                int tap = ((i * q->k + j) * q->c + c) * q->out + o;
                                y[to] += (double)x[from] * w[tap];
                                dx[from] += (double)dy[to] * w[tap];
                                dw[tap] += (double)dy[to] * x[from];
                            }
                }
}

/*
Numbers are below 4.5 in size (normal draws), so K products are below 20.25 K together. The maps of
(E.1) add up to 3·3 of them with weights 1 before and after: they are as good as that many terms.
*/

static void check_all(const float *got, const double *truth, long n, double terms) {
    for (long i = 0; i < n; i++) CHECK_CLOSE(got[i], truth[i], (terms + 1) * EPS * 20.25 * terms);
}

static void convolution(void **state) {
    static const conv_case cases[] = {
        {1, 1, 1, 1, 1, 3, 1}, {2, 5, 7, 3, 2, 3, 1},  {2, 5, 7, 3, 2, 3, 2}, {3, 8, 6, 2, 5, 3, 2},
        {2, 7, 4, 5, 3, 1, 1}, {2, 7, 4, 5, 3, 1, 2},  {1, 6, 9, 2, 3, 3, 1}, {1, 9, 6, 2, 3, 3, 2},
        {2, 2, 3, 4, 1, 3, 1}, {1, 1, 9, 17, 33, 3, 1}, {9, 7, 7, 33, 17, 3, 1},
        {1, 3, 1, 1, 40, 3, 1},  {2, 5, 7, 3, 2, 5, 1},  {1, 9, 6, 2, 3, 7, 2}, {2, 3, 2, 4, 5, 9, 1},
        {3, 28, 28, 4, 3, 3, 1}, {1, 31, 47, 32, 2, 3, 2}};
    enum { MOST = 48000 }; /* the last has more pixels than are done at a time */
    static float x[MOST], p[MOST], dy[MOST], grads[MOST];
    static double y[MOST], dx[MOST], dw[MOST];
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        conv_case q = cases[i];
        int K = q.k * q.k * q.c, weights = K * q.out;
        double size[1] = {0};
        sgm_normal(x, MOST, sgm_key_init(1), 0), sgm_normal(p, MOST, sgm_key_init(2), 0);
        sgm_normal(dy, MOST, sgm_key_init(3), 0);
        memset(dx, 0, sizeof dx), memset(dw, 0, sizeof dw);
        conv_twin(&q, x, p, p + weights, dy, y, dx, dw, size);
        sgm_tape_reset(tape, p, grads, MOST, sgm_key_init(0), 0);
        sgm_tensor *in = sgm_tape_input(tape, x, q.n, q.h * q.w * q.c);
        sgm_tape_watch(tape, in);
        sgm_tensor *out = sgm_conv2d(tape, in, q.h, q.w, q.out, q.k, q.stride);
        CHECK_OK(sgm_tape_status(tape));
        long outs = (long)out->rows * out->cols, ins = (long)in->rows * in->cols;
        assert_true(outs <= MOST && ins <= MOST && weights + q.out <= MOST);
        check_all(out->v, y, outs, K + 1);
        memcpy(sgm_tape_gradient_of(tape, out), dy, (size_t)outs * sizeof *dy);
        CHECK_OK(sgm_tape_backward(tape));
        check_all(in->d, dx, ins, q.k * q.k * q.out);
        check_all(grads, dw, weights, (double)outs / q.out);
        for (int o = 0; o < q.out; o++) {
            double sum = 0;
            for (long k = o; k < outs; k += q.out) sum += dy[k];
            CHECK_CLOSE(grads[weights + o], sum, (double)outs * EPS * 4.5 * (double)outs / q.out);
        }
    }
    sgm_tape_free(tape);
}

/*
Scores of d products below 4.5² each carry (d + 2)·2⁻²⁴·20.25·√d, which exp turns into a relative
error of a weight, twice (its own and the sum's); T weights and values below 4.5 add T·2⁻²⁴.
*/

static void attention_twin(void **state) {
    enum { POINTS = 2, T = 13, HEADS = 3, DIM = 5, W = HEADS * DIM, SIZE = POINTS * T * W };
    float q[SIZE], k[SIZE], v[SIZE];
    double tol = 4.5 * (2 * (DIM + 2) * EPS * 20.25 * sqrt((double)DIM) + (T + 8) * EPS);
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    sgm_normal(q, SIZE, sgm_key_init(1), 0), sgm_normal(k, SIZE, sgm_key_init(2), 0);
    sgm_normal(v, SIZE, sgm_key_init(3), 0);
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *in[3];
    in[0] = sgm_tape_input(tape, q, POINTS * T, W), in[1] = sgm_tape_input(tape, k, POINTS * T, W);
    in[2] = sgm_tape_input(tape, v, POINTS * T, W);
    sgm_tensor *y = sgm_attention(tape, in[0], in[1], in[2], T, HEADS);
    CHECK_OK(sgm_tape_status(tape));
    for (int p = 0; p < POINTS; p++)
        for (int h = 0; h < HEADS; h++)
            for (int i = 0; i < T; i++) {
                double weight[T], total = 0, out[DIM] = {0};
                for (int j = 0; j < T; j++) {
                    double s = 0;
                    for (int e = 0; e < DIM; e++)
                        s += (double)q[(p * T + i) * W + h * DIM + e] *
                             k[(p * T + j) * W + h * DIM + e];
                    total += weight[j] = exp(s / sqrt((double)DIM));
                }
                for (int j = 0; j < T; j++)
                    for (int e = 0; e < DIM; e++)
                        out[e] += weight[j] / total * v[(p * T + j) * W + h * DIM + e];
                for (int e = 0; e < DIM; e++)
                    CHECK_CLOSE(y->v[(p * T + i) * W + h * DIM + e], out[e], tol);
            }
    sgm_tape_free(tape);
}

/* Weights that no backward pass will ask for are not kept, but made again for the tangents. */

static void attention_unwatched(void **state) {
    enum { T = 130, W = 6, SIZE = 2 * T * W };
    float x[SIZE], v[SIZE], y[2][SIZE], j[2][SIZE];
    sgm_tape *tape = sgm_tape_new();
    size_t used[2];
    (void)state;
    sgm_normal(x, SIZE, sgm_key_init(1), 0), sgm_normal(v, SIZE, sgm_key_init(2), 0);
    for (int watch = 0; watch < 2; watch++) {
        sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
        sgm_tensor *in = sgm_tape_input(tape, x, 2 * T, W);
        if (watch) sgm_tape_watch(tape, in);
        sgm_tensor *out = sgm_attention(tape, in, in, in, T, 2);
        memcpy(sgm_tape_tangent_of(tape, in), v, sizeof v);
        CHECK_OK(sgm_tape_tangent(tape));
        memcpy(y[watch], out->v, sizeof x), memcpy(j[watch], out->j, sizeof x);
        used[watch] = 0;
        for (sgm__arena_block *b = tape->blocks; b; b = b->next) used[watch] += b->used;
    }
    assert_memory_equal(y[0], y[1], sizeof x), assert_memory_equal(j[0], j[1], sizeof x);
    assert_true(used[0] + 2 * 2 * T * T * sizeof(float) <= used[1]);
    sgm_tape_free(tape);
}

/* Copies to other places are exact: where each number goes, by hand. */

static void walks(void **state) {
    enum { H = 4, W = 6, C = 2, N = 2, D = H * W * C };
    float x[N * D];
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    for (int i = 0; i < N * D; i++) x[i] = (float)i;
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *in = sgm_tape_input(tape, x, N, D), *p = sgm_patchify(tape, in, H, W, 2);
    sgm_tensor *back = sgm_unpatchify(tape, p, H, W, 2), *up = sgm_upsample(tape, in, H, W);
    sgm_tensor *both = sgm_concat_channels(tape, in, in, H, W);
    sgm_tensor *turned = sgm_transpose(tape, p, 6);
    CHECK_OK(sgm_tape_status(tape));
    assert_int_equal(p->rows, N * 6), assert_int_equal(p->cols, 8);
    assert_int_equal(turned->rows, N * 8), assert_int_equal(turned->cols, 6);
    assert_memory_equal(back->v, x, sizeof x);
    for (int n = 0; n < N; n++)
        for (int r = 0; r < H; r++)
            for (int s = 0; s < W; s++)
                for (int c = 0; c < C; c++) {
                    float truth = (float)(((n * H + r) * W + s) * C + c);
                    int token = n * 6 + r / 2 * 3 + s / 2, part = (r % 2 * 2 + s % 2) * C + c;
                    CHECK_CLOSE(p->v[token * 8 + part], truth, 0);
                    CHECK_CLOSE(turned->v[(n * 8 + part) * 6 + token % 6], truth, 0);
                    for (int k = 0; k < 4; k++) {
                        int u = 2 * r + k / 2, v = 2 * s + k % 2;
                        CHECK_CLOSE(up->v[((n * 2 * H + u) * 2 * W + v) * C + c], truth, 0);
                    }
                    for (int k = 0; k < 2; k++)
                        CHECK_CLOSE(both->v[((n * H + r) * W + s) * 2 * C + k * C + c], truth, 0);
                }
    sgm_tape_free(tape);
}

/*
## PyTorch on fixed inputs (tests/data/torch_images.py)
*/

static float *pattern(float *to, long n, long seed, double scale) {
    for (long i = 0; i < n; i++)
        to[i] = (float)(scale * ((double)((i * 7919 + seed * 104729) % 2003) / 1001.5 - 1));
    return to;
}

static void single_ops(void **state) {
    static float x[280], w[120], s[8], b[8], q[60], k[60], v[60];
    sgm_tape *tape = sgm_tape_new();
    (void)state;
    pattern(x, 280, 1, 1), pattern(w, 108, 2, 1), pattern(w + 108, 3, 3, 1);
    pattern(s, 8, 4, 1), pattern(b, 8, 5, 1);
    pattern(q, 60, 6, 2), pattern(k, 60, 7, 2), pattern(v, 60, 8, 2);
    for (int stride = 1; stride <= 2; stride++) {
        sgm_tape_reset(tape, w, NULL, 111, sgm_key_init(0), 0);
        sgm_tensor *in = sgm_tape_input(tape, x, 2, 140);
        sgm_tensor *y = sgm_conv2d(tape, in, 5, 7, 3, 3, stride);
        const double *truth = stride == 1 ? torch_conv_1 : torch_conv_2;
        for (int i = 0; i < (stride == 1 ? COUNT(torch_conv_1) : COUNT(torch_conv_2)); i++)
            CHECK_CLOSE(y->v[i], truth[i], 37 * 37 * EPS); /* 37 terms below 1 */
    }
    sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
    sgm_tensor *in = sgm_tape_input(tape, x, 2, 140), *scale = sgm_tape_input(tape, s, 2, 4);
    sgm_tensor *shift = sgm_tape_input(tape, b, 2, 4);
    sgm_tensor *y = sgm_group_norm(tape, in, 5, 7, 2, SGM_NORM_SILU, shift, scale);
    for (int i = 0; i < COUNT(torch_norm); i++) /* below 5; mean and std carry (70/4 + 3)·2⁻²⁴ */
        CHECK_CLOSE(y->v[i], torch_norm[i], 5 * 2 * 21 * EPS);
    sgm_tensor *one = sgm_tape_input(tape, q, 10, 6), *two = sgm_tape_input(tape, k, 10, 6);
    y = sgm_attention(tape, one, two, sgm_tape_input(tape, v, 10, 6), 5, 2);
    for (int i = 0; i < COUNT(torch_attention); i++) /* as in attention_twin, numbers below 2 */
        CHECK_CLOSE(y->v[i], torch_attention[i], 2 * (2 * 5 * 4 * sqrt(3.0) + 13) * EPS);
    sgm_tape_free(tape);
}

/*
The whole network, forward and backward. Some 60 operations in a chain with up to √216 roundings
each leave 60·√216·2⁻²⁴ = 5·10⁻⁵ in units of the largest number, if errors add at random; a sum of
n gradients with weights below 1 has √n of that.
*/

static void whole_unet(void **state) {
    enum { D = 64, MOST = 60000 };
    static float p[MOST], grads[MOST], x[2 * D], t[2] = {0.25f, 0.75f}, weight[MOST];
    static sgm_image_net o;
    double tol = 60 * sqrt(216.0) * EPS, most = 0, sums = 0;
    sgm_tape *tape = sgm_tape_new();
    sgm_net_in in;
    (void)state;
    memset(&in, 0, sizeof in), memset(&o, 0, sizeof o);
    o.width = 8, in.user = &o;
    sgm_tape_reset(tape, pattern(p, MOST, 100, 0.3), grads, MOST, sgm_key_init(0), 0);
    in.x = sgm_tape_input(tape, pattern(x, 2 * D, 101, 1), 2, D);
    in.t = in.log_sigma = sgm_tape_input(tape, t, 2, 1);
    sgm_tape_watch(tape, in.x);
    sgm_tensor *y = sgm_unet(tape, &in);
    CHECK_OK(sgm_tape_status(tape));
    for (int i = 0; i < 2 * D; i++) most = fmax(most, fabs(torch_unet[i]));
    for (int i = 0; i < 2 * D; i++) CHECK_CLOSE(y->v[i], torch_unet[i], tol * most);
    pattern(sgm_tape_gradient_of(tape, y), 2 * D, 102, 1);
    CHECK_OK(sgm_tape_backward(tape));
    for (int i = 0; i < 2 * D; i++) most = fmax(most, fabs(torch_unet_dx[i]));
    for (int i = 0; i < 2 * D; i++) CHECK_CLOSE(in.x->d[i], torch_unet_dx[i], tol * most);
    for (long i = 0, at = 0; i < COUNT(torch_unet_sizes); i++) {
        long n = (long)torch_unet_sizes[i];
        double size = norm(grads + at, n);
        CHECK_CLOSE(dot(grads + at, pattern(weight, n, 103, 1), n), torch_unet_grads[i],
                    tol * (size + most) * sqrt((double)n));
        at += n, sums += size;
        if (i == COUNT(torch_unet_sizes) - 1) assert_int_equal(at, tape->cursor);
    }
    assert_true(sums > 1);
    sgm_tape_free(tape);
}

/*
## One result for any number of threads, and no allocation inside a step
*/

static void same_bits_and_no_allocation(void **state) {
    static const sgm_net nets[] = {sgm_unet, sgm_dit, sgm_mixer, sgm_resnet};
    enum { D = 16 * 16, N = 24 };
    static float x[N * D], s[2][N * D], t[N];
    sgm_image_net o;
    (void)state;
    memset(&o, 0, sizeof o);
    o.width = 16, o.depth = 2;
    sgm_normal(x, N * D, sgm_key_init(5), 0), sgm_uniform(t, N, sgm_key_init(6), 0);
    for (int i = 0; i < COUNT(nets); i++) {
        float *first = NULL;
        for (int threads = 1; threads <= 3; threads += 2) {
            sgm_model_options options;
            sgm_train_options run;
            sgm_model model;
            sgm_trainer trainer;
            set_threads(threads);
            memset(&options, 0, sizeof options), memset(&run, 0, sizeof run);
            options.net = nets[i], options.user = &o, options.d = D;
            options.sde = sgm_sde_vp(.1, 20), options.output = SGM_OUTPUT_NOISE;
            run.steps = 10, run.batch = N;
            CHECK_OK(sgm_model_init(&model, &options, sgm_key_init(1)));
            CHECK_OK(sgm_trainer_init(&trainer, &model, x, N, &run, sgm_key_init(2)));
            CHECK_OK(sgm_trainer_step(&trainer));
            int calls = alloc_calls;
            for (int step = 0; step < 3; step++) CHECK_OK(sgm_trainer_step(&trainer));
            assert_int_equal(alloc_calls, calls);
            sgm_score score = sgm_model_score(&model, SGM_RAW);
            CHECK_OK(sgm_score_eval(&score, s[threads > 1], x, t, N));
            if (!first) {
                first = (float *)malloc(model.n_params * sizeof *first);
                memcpy(first, model.params, model.n_params * sizeof *first);
            } else {
                assert_memory_equal(first, model.params, model.n_params * sizeof *first);
                assert_memory_equal(s[0], s[1], sizeof s[0]);
            }
            sgm_trainer_free(&trainer);
            sgm_model_free(&model);
        }
        free(first);
    }
}

/*
## The kernels of (B.7) against their twins, at odd sizes
*/

static void column_kernels(void **state) {
    enum { MOST = 40 * 520 };
    static const int more[] = {255, 256, 257, 259, 513, 520}; /* around the ends of runs */
    static float a[MOST], b[MOST], ma[40], mb[40], d[40], y[2][MOST], sums[2][80];
    const char *names[] = {"avx2", "avx512", "neon"};
    (void)state;
    sgm_normal(a, MOST, sgm_key_init(1), 0), sgm_normal(b, MOST, sgm_key_init(2), 0);
    sgm_normal(ma, 40, sgm_key_init(3), 0), sgm_normal(mb, 40, sgm_key_init(4), 0);
    sgm_normal(d, 40, sgm_key_init(5), 0);
    for (int i = 0; i < COUNT(names); i++) {
        const sgm__kernels *k = sgm__kernels_for(names[i]);
        for (int cols = 1; k && cols <= 40; cols += 3)
            for (int r = 0; r < 19 + COUNT(more); r++)
                for (int form = 0; form < 8; form++) {
                    int rows = r < 19 ? 2 * r + 1 : more[r - 19];
                    const float *pb = form & 1 ? b : NULL, *pm = form & 2 ? ma : NULL;
                    const float *pa = form & 4 ? ma : NULL;
                    size_t bytes = (size_t)cols * sizeof(float), all = bytes * (size_t)rows;
                    sgm__coldot_ref(rows, cols, a, pm, pb, pm ? mb : NULL, y[0]);
                    k->coldot(rows, cols, a, pm, pb, pm ? mb : NULL, y[1]);
                    assert_memory_equal(y[0], y[1], bytes);
                    memcpy(y[0], b, all), memcpy(y[1], b, all);
                    sgm__colmix_ref(rows, cols, pa, a, pb ? mb : NULL, pb, ma, d, form & 2, y[0]);
                    k->colmix(rows, cols, pa, a, pb ? mb : NULL, pb, ma, d, form & 2, y[1]);
                    assert_memory_equal(y[0], y[1], all);
                    sgm__colsilu_ref(rows, cols, mb, a, ma, d, pb, y[0], sums[0]);
                    k->colsilu(rows, cols, mb, a, ma, d, pb, y[1], sums[1]);
                    assert_memory_equal(y[0], y[1], all);
                    if (pb) assert_memory_equal(sums[0], sums[1], 2 * bytes);
                }
    }
}

/*
(3.13) of 256 x 256 pixels with a large mean. x - mean is exact but for half of the mean's last bit,
of which a float holds 2⁻²⁴; then three roundings of numbers of up to 6 (of 6 standard deviations),
and the sums are good to 260 · 2⁻²⁴ of the mean square. So the result is off the truth, made in
doubles from the same floats, by at most 6 · 3 · 2⁻²⁴ + 6 · 130 · 2⁻²⁴ < 5e-5, or, where one pixel
is 20 standard deviations away, 20/6 of that.
*/

static void norm_of_large_means(void **state) {
    enum { H = 256, P = H * H };
    static const double means[] = {0, 1, 100.7, 1e4, -1e4, 1e20};
    static const double stds[] = {1, .01, .01, .01, 30, 1e20};
    float *x = (float *)malloc(P * sizeof *x);
    (void)state;
    for (int k = 0; k < COUNT(means); k++)
        for (int first = 0; first < 2; first++) { /* 1: the first pixel is far away */
            double mean = 0, var = 0, worst = 0;
            sgm_tape *tape = sgm_tape_new();
            sgm_normal(x, P, sgm_key_init(3), 0);
            for (int i = 0; i < P; i++) x[i] = (float)(means[k] + stds[k] * x[i]);
            if (first) x[0] = (float)(means[k] - 20 * stds[k]);
            for (int i = 0; i < P; i++) mean += x[i] / (double)P;
            for (int i = 0; i < P; i++) var += (x[i] - mean) * (x[i] - mean) / P;
            sgm_tape_reset(tape, NULL, NULL, 0, sgm_key_init(0), 0);
            sgm_tensor *in = sgm_tape_input(tape, x, 1, P);
            sgm_tensor *y = sgm_group_norm(tape, in, H, H, 1, SGM_NORM_PLAIN, NULL, NULL);
            CHECK_OK(sgm_tape_status(tape));
            for (int i = 0; i < P; i++) {
                double off = fabs(y->v[i] - (x[i] - mean) / sqrt(var + 1e-5));
                worst = off > worst ? off : worst;
            }
            CHECK_CLOSE(worst, 0, first ? 2e-4 : 5e-5);
            sgm_tape_free(tape);
        }
    free(x);
}

/*
(3.12) with x = .7 and slopes .1 throughout: the slope of the middle weight is .07 n and that of the
bias .1 n (of their floats) for n pixels. A stretch has at most 2048 terms and a chunk more, each
with an error of at most 2⁻²⁴ of the sum so far, and the sums of stretches and parts follow: below
3000 · 2⁻²⁴. With stride 1 a weight is made of nine such sums, with factors of ½ and ¼ whose sizes
add up to 4 times it.
*/

static void long_convolutions(void **state) {
    enum { H = 1024 };
    static float x[H * H], p[10], grads[10];
    (void)state;
    for (int i = 0; i < H * H; i++) x[i] = 0.7f;
    for (int stride = 1; stride < 3; stride++) {
        sgm_tape *tape = sgm_tape_new();
        sgm_tape_reset(tape, p, grads, 10, sgm_key_init(0), 0);
        sgm_tensor *y = sgm_conv2d(tape, sgm_tape_input(tape, x, 1, H * H), H, H, 1, 3, stride);
        float *slope = sgm_tape_gradient_of(tape, y);
        for (int i = 0; i < y->cols; i++) slope[i] = 0.1f;
        CHECK_OK(sgm_tape_backward(tape));
        CHECK_REL(grads[4], 0.1f * (double)0.7f * y->cols, 3000 * EPS * (stride == 1 ? 4 : 1));
        CHECK_REL(grads[9], (double)0.1f * y->cols, 300 * EPS);
        sgm_tape_free(tape);
    }
}

/* The maps of (E.1): every map, numbers of channels around a register's, every kind of border. */

static void tile_maps(void **state) {
    enum { N = 35, MOST = 16 * N };
    static const unsigned masks[] = {0xffff, 0x0033, 0xfff0, 0xeeee, 0x0777, 0x0001, 0x3333};
    static const unsigned most[6][2] = {
        {0xffff, 0xffff}, {0xffff, 0xffff}, {0xffff, 0x33}, {0x33, 0xffff}, {0x777, 0xffff},
        {0xffff, 0x777}};
    static float x[MOST], plus[N], y[2][MOST];
    const char *names[] = {"avx2", "avx512", "neon"};
    (void)state;
    sgm_normal(x, MOST, sgm_key_init(1), 0), sgm_normal(plus, N, sgm_key_init(2), 0);
    for (int i = 0; i < COUNT(names) * 6 * COUNT(masks) * 4; i++) {
        const sgm__kernels *k = sgm__kernels_for(names[i % COUNT(names)]);
        int map = i / COUNT(names) % 6, form = i / COUNT(names) / 6 % 4;
        unsigned mask = masks[i / COUNT(names) / 24];
        for (long n = 1; k && n <= N; n += 2) {
            sgm__tile q;
            memset(&q, 0, sizeof q);
            q.map = map, q.n = n, q.x = x, q.x_row = 4 * n, q.x_col = n, q.y_row = 4 * n;
            q.y_col = n, q.add = form & 1, q.plus = form & 2 ? plus : NULL;
            q.x_in = most[map][0] & mask, q.y_in = most[map][1] & mask;
            sgm_normal(y[0], MOST, sgm_key_init(3), 0), memcpy(y[1], y[0], sizeof y[0]);
            q.y = y[0], sgm__tile_map_ref(&q);
            q.y = y[1], k->tile_map(&q);
            assert_memory_equal(y[0], y[1], sizeof y[0]);
        }
    }
}

/*
## Bad input: an error that names the cure, and nothing leaks
*/

F(b_channels) { return sgm_conv2d(t, in[0], 5, 5, 4, 3, 1); }
F(b_kernel) { return sgm_conv2d(t, in[0], 4, 6, 4, 2, 1); }
F(b_stride) { return sgm_conv2d(t, in[0], 4, 6, 4, 3, 3); }
F(b_size) { return sgm_upsample(t, in[0], 0, 6); }
F(b_groups) { return sgm_group_norm(t, in[0], 4, 6, 3, SGM_NORM_OWN, NULL, NULL); }
F(b_patch) { return sgm_patchify(t, in[0], 4, 6, 4); }
F(b_unpatch) { return sgm_unpatchify(t, in[0], 4, 6, 2); }
F(b_unpatch0) { return sgm_unpatchify(t, in[0], 4, 6, 0); }
F(b_heads) { return sgm_attention(t, in[0], in[0], in[0], 2, 5); }
F(b_tokens) { return sgm_attention(t, in[0], in[0], in[0], 3, 4); }
F(b_block) { return sgm_transpose(t, in[0], 3); }
F(b_scale) { return sgm_gate(t, in[0], sgm_tape_input(t, NULL, 2, 7)); }
F(b_rows) { return sgm_concat_channels(t, in[0], sgm_tape_input(t, NULL, 3, 24), 4, 6); }
F(b_huge) { return sgm_conv2d(t, in[0], 4, 6, 200000000, 3, 1); }

F(b_patches) { return sgm_unpatchify(t, in[0], 65536, 65536, 1); } /* 2³² tokens: an int says 0 */
F(b_pixels) { return sgm_patchify(t, in[0], 65536, 65536, 1); }
F(b_square_of_patch) { return sgm_unpatchify(t, in[0], 65536, 65536, 65536); }
F(b_kernel0) { return sgm_conv2d(t, in[0], 4, 6, 4, 0, 1); }
F(b_kernel_1) { return sgm_conv2d(t, in[0], 4, 6, 4, -1, 1); }
F(b_kernel_huge) { return sgm_conv2d(t, in[0], 4, 6, 4, INT_MAX, 1); }
F(b_stride0) { return sgm_conv2d(t, in[0], 4, 6, 4, 3, 0); }
F(b_out) { return sgm_conv2d(t, in[0], 4, 6, -4, 3, 1); }
F(b_groups0) { return sgm_group_norm(t, in[0], 4, 6, 0, SGM_NORM_OWN, NULL, NULL); }
F(b_groups_1) { return sgm_group_norm(t, in[0], 4, 6, -1, OWN_SILU, NULL, NULL); }
F(b_how) { return sgm_group_norm(t, in[0], 4, 6, 1, 4, NULL, NULL); }
F(b_own) { return sgm_group_norm(t, in[0], 4, 6, 1, SGM_NORM_OWN, in[0], NULL); }
F(b_height) { return sgm_group_norm(t, in[0], -4, -6, 1, SGM_NORM_PLAIN, NULL, NULL); }
F(b_heads0) { return sgm_attention(t, in[0], in[0], in[0], 2, 0); }
F(b_tokens0) { return sgm_attention(t, in[0], in[0], in[0], 0, 1); }
F(b_block0) { return sgm_transpose(t, in[0], 0); }
F(b_block_1) { return sgm_transpose(t, in[0], -1); }

/* A tensor that is said to be large, for operations that must refuse before they look. */
static sgm_tensor *large(sgm_tensor *x, int rows, int cols) {
    static sgm_tensor is;
    is = *x, is.rows = rows, is.cols = cols;
    return &is;
}
F(b_upsample) { return sgm_upsample(t, large(in[0], 1, 1 << 30), 1, 1); }
F(b_concat) { return sgm_concat(t, large(in[0], 1, 1 << 30), large(in[0], 1, 1 << 30)); }
F(b_beside) {
    sgm_tensor *x = large(in[0], 1, 1 << 30);
    return sgm_concat_channels(t, x, x, 1, 1);
}
F(b_transpose) { return sgm_transpose(t, large(in[0], 1 << 30, 1 << 20), 1 << 20); }
F(b_tokens_many) { return sgm_patchify(t, large(in[0], 1 << 20, 1 << 20), 1024, 1024, 1); }
F(b_scores) { return sgm_conv2d(t, large(in[0], 1, 1 << 30), 1, 1, 8, 3, 1); }
F(b_linear) { return sgm_linear(t, large(in[0], 1 << 30, 2), 1 << 30); }
F(b_param) { return (void)in, sgm_param(t, 1 << 30, 1 << 30, 0); }

static sgm_tensor *b_net(sgm_tape *t, sgm_tensor **in, sgm_net net, int h, int w, int c,
                         int patch) {
    static sgm_image_net o;
    sgm_net_in all;
    memset(&all, 0, sizeof all), memset(&o, 0, sizeof o);
    all.x = in[0], all.t = all.log_sigma = sgm_tape_input(t, NULL, 2, 1), all.user = &o;
    o.h = h, o.w = w, o.channels = c, o.patch = patch, o.heads = 5;
    return net(t, &all);
}
F(b_image) { return b_net(t, in, sgm_resnet, 5, 5, 1, 0); }
F(b_square) { return b_net(t, in, sgm_unet, 0, 0, 1, 0); }
F(b_levels) { return b_net(t, in, sgm_unet, 6, 8, 1, 0); }
F(b_tiles) { return b_net(t, in, sgm_dit, 4, 12, 1, 5); }
F(b_dit) { return b_net(t, in, sgm_dit, 4, 12, 1, 2); }
F(b_mixer) { return b_net(t, in, sgm_mixer, 4, 12, -1, 2); }

/* Every option of every ready network below, above and far beyond what it can be. */
static sgm_tensor *b_option(sgm_tape *t, sgm_tensor **in, int which) {
    static const sgm_net nets[] = {sgm_resnet, sgm_unet, sgm_mixer, sgm_dit};
    static const int values[] = {-1, INT_MIN, INT_MAX};
    sgm_image_net o = {4, 12, 1, 8, 2, 2, 2, 2};
    int *fields[] = {&o.width, &o.depth, &o.heads, &o.patch, &o.groups, &o.h, &o.w, &o.channels};
    sgm_net_in all;
    memset(&all, 0, sizeof all);
    all.x = in[0], all.t = all.log_sigma = sgm_tape_input(t, NULL, 2, 1), all.user = &o;
    *fields[which % 8] = values[which / 8 % 3];
    return nets[which / 24](t, &all);
}

static void options_of_networks(void **state) {
    (void)state;
    for (int i = 0; i < 96; i++) {
        sgm_tape *tape = sgm_tape_new();
        sgm_tensor *in[3] = {NULL, NULL, NULL};
        tape->dry = 1;
        in[0] = sgm_tape_input(tape, NULL, 2, 48);
        sgm_tensor *y = b_option(tape, in, i);
        /* more heads, patches or groups than there can be do not matter where there are none */
        if (y) assert_true(i / 8 % 3 == 2 && i % 8 >= 2 && i % 8 <= 4 && y->cols == 48);
        else assert_int_equal(sgm_tape_status(tape), SGM_BAD_ARGUMENT);
        if (i / 8 % 3 < 2) assert_null(y);
        sgm_tape_free(tape);
    }
}

/* A dry run of a network for large images computes nothing, and asks for no memory to do it in:
not more than four times the largest tensor, for two points. */
static void dry_runs_need_no_memory(void **state) {
    sgm_image_net o = {256, 256, 1, 32, 4, 4, 4, 8};
    sgm_net_in in;
    sgm_tape *tape = sgm_tape_new();
    double bytes = 0;
    (void)state;
    memset(&in, 0, sizeof in);
    tape->dry = 1;
    in.x = sgm_tape_input(tape, NULL, 2, 256 * 256), in.t = sgm_tape_input(tape, NULL, 2, 1);
    in.log_sigma = in.t, in.user = &o;
    assert_non_null(sgm_unet(tape, &in));
    for (const sgm__arena_block *b = tape->blocks; b; b = b->next) bytes += (double)b->size;
    /* the largest: 256 x 256 pixels, 64 channels beside 32; room grows, what was smaller stays */
    CHECK_CLOSE(bytes, 0, 4 * sizeof(float) * 2 * 96 * 256.0 * 256);
    sgm_tape_free(tape);
}

static void bad_input(void **state) {
    static const struct {
        function f;
        const char *cure;
    } cases[] = {
        {b_channels, "give the height and width"}, {b_kernel, "an odd kernel"},
        {b_stride, "stride 1 or 2"}, {b_size, "give the height and width"},
        {b_groups, "divides the channels"}, {b_patch, "choose a patch that divides both"},
        {b_unpatch, "needs 6 rows for each"}, {b_unpatch0, "choose a patch"},
        {b_heads, "choose heads that divide"}, {b_tokens, "give the rows that one point has"},
        {b_block, "give the rows of one point"}, {b_scale, "one column per channel"},
        {b_rows, "the rows must agree"}, {b_huge, "use smaller images"}, {b_kernel_huge, "use smaller images"},
        {b_how, "may be added up"}, {b_own, "only without SGM_NORM_OWN"},
        {b_patches, "no patches"}, {b_pixels, "give the height"}, {b_square_of_patch, "no patches"},
        {b_kernel0, "an odd kernel"}, {b_kernel_1, "an odd kernel"}, {b_stride0, "stride 1 or 2"},
        {b_out, "channels >= 1"}, {b_groups0, "divides the channels"},
        {b_groups_1, "divides the channels"}, {b_height, "give the height"},
        {b_heads0, "choose heads"}, {b_tokens0, "give the rows"}, {b_block0, "give the rows"},
        {b_block_1, "give the rows"}, {b_upsample, "smaller images"}, {b_concat, "fewer points"},
        {b_beside, "smaller images"}, {b_transpose, "fewer points"},
        {b_tokens_many, "fewer points"}, {b_scores, "smaller images"}, {b_linear, "fewer points"},
        {b_param, "smaller images and layers"}, {b_image, "set h, w and channels"},
        {b_square, "set h, w and channels"},
        {b_levels, "set depth to fewer levels"}, {b_tiles, "choose a patch that divides both"},
        {b_dit, "choose heads that divide"}, {b_mixer, "set h, w and channels"}};
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        sgm_tape *tape = sgm_tape_new();
        sgm_tensor *in[3] = {NULL, NULL, NULL};
        static float p[500000];
        sgm_tape_reset(tape, p, NULL, COUNT(p), sgm_key_init(0), 0);
        tape->dry = 1;
        in[0] = sgm_tape_input(tape, NULL, 2, 48);
        assert_null(cases[i].f(tape, in));
        CHECK_FAILS(sgm_tape_status(tape), SGM_BAD_ARGUMENT, cases[i].cure);
        assert_null(sgm_conv2d(tape, NULL, 4, 6, 4, 3, 1)); /* a NULL goes through every op */
        assert_null(sgm_group_norm(tape, NULL, 4, 6, 4, OWN_SILU, NULL, NULL));
        assert_null(sgm_modulate(tape, NULL, NULL, NULL));
        assert_null(sgm_patchify(tape, NULL, 4, 6, 2));
        assert_null(sgm_unpatchify(tape, NULL, 4, 6, 2));
        assert_null(sgm_transpose(tape, NULL, 1)), assert_null(sgm_upsample(tape, NULL, 4, 6));
        assert_null(sgm_concat_channels(tape, NULL, NULL, 4, 6));
        assert_null(sgm_attention(tape, NULL, NULL, NULL, 1, 1));
        sgm_tape_free(tape);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_start, nothing_left)
        TEST(every_op),
        TEST(every_network),
        TEST(fast_and_plain),
        TEST(convolution),
        TEST(attention_twin), TEST(attention_unwatched),
        TEST(walks),
        TEST(single_ops),
        TEST(whole_unet),
        TEST(same_bits_and_no_allocation),
        TEST(column_kernels),
        TEST(norm_of_large_means),
        TEST(long_convolutions),
        TEST(tile_maps),
        TEST(bad_input),
        TEST(options_of_networks),
        TEST(dry_runs_need_no_memory),
    };
    return cmocka_run_group_tests_name("chapter 3: images", tests, NULL, NULL);
}
