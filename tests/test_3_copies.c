/*
Chapter 3: "copy one of these and change it". What is copied from §3.9, §3.15 and §E.6 compiles in
a file that sees the interface alone, and does what the original does, to the last bit.

    cc -O2 -I. tests/test_3_copies.c -lcmocka -lm -o test_3_copies && ./test_3_copies
*/
#define _POSIX_C_SOURCE 200112L
#include "check.h"

#include "../sgm.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static sgm_tensor *my_mlp(sgm_tape *tape, const sgm_net_in *in) {
    sgm_mlp_options o;
    if (sgm_mlp_options_init(&o, tape, in) != SGM_OK) return NULL;
    sgm_tensor *h = sgm_embed_time(tape, in, o.embedding, o.embedding_width);
    h = sgm_tell(tape, in, h, in->x);
    for (int i = 0; i < o.depth; i++) {
        h = sgm_linear_start(tape, h, o.width, o.start > 0 ? o.start : 2.4f);
        h = sgm_activate(tape, h, o.activation);
        h = sgm_dropout(tape, h, o.dropout);
    }
    if (o.shortcut > 0) h = sgm_concat(tape, h, in->x);
    return sgm_linear(tape, h, in->out);
}

static sgm_tensor *my_residual_mlp(sgm_tape *tape, const sgm_net_in *in) {
    sgm_mlp_options o;
    if (sgm_mlp_options_init(&o, tape, in) != SGM_OK) return NULL;
    sgm_tensor *time = sgm_embed_time(tape, in, o.embedding, o.embedding_width);
    sgm_tensor *h = sgm_linear(tape, sgm_tell(tape, in, time, in->x), o.width);
    for (int i = 0; i < o.depth; i++) {
        sgm_tensor *step = sgm_tell(tape, in, time, h);
        step = sgm_linear_start(tape, step, o.width, o.start > 0 ? o.start : 1.7f);
        step = sgm_activate(tape, step, o.activation);
        h = sgm_add(tape, h, sgm_dropout(tape, step, o.dropout));
    }
    return sgm_linear(tape, h, in->out);
}

static sgm_tensor *my_image_time(sgm_tape *tape, const sgm_net_in *in, int width) {
    sgm_tensor *h = sgm_linear(tape, sgm_time_sinusoidal(tape, in->t, width), width);
    h = sgm_linear(tape, sgm_silu(tape, h), width);
    if (in->known) {
        sgm_tensor *given = in->cond ? sgm_concat(tape, in->cond, in->known) : in->known;
        h = sgm_add(tape, h, sgm_linear(tape, given, width));
    }
    return sgm_silu(tape, h);
}

static sgm_tensor *my_res_block(
    sgm_tape *tape, sgm_tensor *x, int h, int w, int out, int groups, sgm_tensor *time) {
    sgm_tensor *y = sgm_group_norm(tape, x, h, w, groups, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
    y = sgm_conv2d(tape, y, h, w, out, 3, 1);
    sgm_tensor *shift = sgm_linear(tape, time, out);
    sgm_tensor *scale = sgm_linear(tape, time, out);
    y = sgm_group_norm(tape, y, h, w, groups, SGM_NORM_SILU, shift, scale);
    y = sgm_conv2d(tape, y, h, w, out, 3, 1);
    if (x && y && x->cols != y->cols) x = sgm_conv2d(tape, x, h, w, out, 1, 1);
    return sgm_add(tape, x, y);
}

static sgm_tensor *my_self_attention(sgm_tape *tape, sgm_tensor *x, int tokens, int heads) {
    if (!x) return NULL;
    sgm_tensor *q = sgm_linear(tape, x, x->cols);
    sgm_tensor *k = sgm_linear(tape, x, x->cols);
    sgm_tensor *v = sgm_linear(tape, x, x->cols);
    return sgm_linear(tape, sgm_attention(tape, q, k, v, tokens, heads), x->cols);
}

static sgm_tensor *my_attention_block(
    sgm_tape *tape, sgm_tensor *x, int h, int w, int heads, int groups) {
    sgm_tensor *y = sgm_group_norm(tape, x, h, w, groups, SGM_NORM_OWN, NULL, NULL);
    y = my_self_attention(tape, sgm_patchify(tape, y, h, w, 1), h * w, heads);
    return sgm_add(tape, x, sgm_unpatchify(tape, y, h, w, 1));
}

static sgm_tensor *my_resnet(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    if (sgm_image_net_init(&o, tape, in, 32, 4) != SGM_OK) return NULL;
    sgm_tensor *time = my_image_time(tape, in, 4 * o.width);
    sgm_tensor *h = sgm_image_in(tape, in, o.h, o.w);
    h = sgm_conv2d(tape, h, o.h, o.w, o.width, 3, 1);
    for (int i = 0; i < o.depth; i++) h = my_res_block(tape, h, o.h, o.w, o.width, o.groups, time);
    h = sgm_group_norm(tape, h, o.h, o.w, o.groups, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
    return sgm_conv2d(tape, h, o.h, o.w, o.channels, 3, 1);
}

static sgm_tensor *my_unet(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    sgm_tensor *skip[8];
    if (sgm_image_net_init(&o, tape, in, 32, 3) != SGM_OK) return NULL;
    int h = o.h, w = o.w, last = o.depth - 1;
    if (last > 7 || h % (1 << last) || w % (1 << last))
        return sgm_tape_refuse(tape,
            "a U-Net of %d levels cannot halve %d by %d pixels so often: set depth to fewer levels "
            "(1 to 8), or pad the images", o.depth, h, w);
    sgm_tensor *time = my_image_time(tape, in, 4 * o.width);
    sgm_tensor *x = sgm_conv2d(tape, sgm_image_in(tape, in, h, w), h, w, o.width, 3, 1);
    for (int i = 0; i < last; i++, h /= 2, w /= 2) { /* down */
        skip[i] = my_res_block(tape, x, h, w, o.width << i, o.groups, time);
        x = sgm_conv2d(tape, skip[i], h, w, o.width << i, 3, 2);
    }
    x = my_res_block(tape, x, h, w, o.width << last, o.groups, time);
    x = my_attention_block(tape, x, h, w, o.heads, o.groups);
    for (int i = last - 1; i >= 0; i--) { /* and up */
        x = sgm_upsample(tape, x, h, w), h *= 2, w *= 2;
        x = sgm_concat_channels(tape, x, skip[i], h, w);
        x = my_res_block(tape, x, h, w, o.width << i, o.groups, time);
    }
    x = sgm_group_norm(tape, x, h, w, o.groups, SGM_NORM_OWN | SGM_NORM_SILU, NULL, NULL);
    return sgm_conv2d(tape, x, h, w, o.channels, 3, 1);
}

static sgm_tensor *my_tokens(
    sgm_tape *tape, const sgm_net_in *in, int h, int w, int patch, int width) {
    sgm_tensor *x = sgm_patchify(tape, sgm_image_in(tape, in, h, w), h, w, patch);
    if (!x) return NULL;
    int n = in->x->rows, tokens = x->rows / n;
    x = sgm_linear(tape, x, width);
    if ((double)tokens * width > 1e9)
        return sgm_tape_refuse(tape, "%d tokens of width %d: use larger patches", tokens, width);
    sgm_tensor *place = sgm_repeat(tape, sgm_param(tape, 1, tokens * width, 0.02f), n);
    return sgm_add(tape, x, sgm_patchify(tape, place, tokens, 1, 1));
}

static sgm_tensor *my_ada_norm(sgm_tape *tape, sgm_tensor *x, sgm_tensor *time) {
    sgm_tensor *shift = x ? sgm_linear_zero(tape, time, x->cols) : NULL;
    sgm_tensor *scale = x ? sgm_linear_zero(tape, time, x->cols) : NULL;
    x = sgm_group_norm(tape, x, 1, 1, 1, SGM_NORM_PLAIN, NULL, NULL);
    return sgm_modulate(tape, x, shift, scale);
}

static sgm_tensor *my_two_layers(sgm_tape *tape, sgm_tensor *x, int hidden) {
    sgm_tensor *h = x ? sgm_gelu(tape, sgm_linear(tape, x, hidden)) : NULL;
    return h ? sgm_linear(tape, h, x->cols) : NULL;
}

static sgm_tensor *my_add_gated(sgm_tape *tape, sgm_tensor *x, sgm_tensor *y, sgm_tensor *time) {
    sgm_tensor *gate = y ? sgm_linear_zero(tape, time, y->cols) : NULL;
    return sgm_add(tape, x, sgm_gate(tape, y, gate));
}

static sgm_tensor *my_mixer(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    if (sgm_image_net_init(&o, tape, in, 128, 4) != SGM_OK) return NULL;
    sgm_tensor *time = my_image_time(tape, in, o.width);
    sgm_tensor *x = my_tokens(tape, in, o.h, o.w, o.patch, o.width);
    int tokens = o.h / o.patch * (o.w / o.patch);
    if (!x) return NULL;
    for (int i = 0; i < o.depth; i++) {
        sgm_tensor *y = sgm_transpose(tape, my_ada_norm(tape, x, time), tokens);
        y = sgm_transpose(tape, my_two_layers(tape, y, o.width), o.width);
        x = sgm_add(tape, x, y);
        y = my_two_layers(tape, my_ada_norm(tape, x, time), 2 * o.width);
        x = sgm_add(tape, x, y);
    }
    x = sgm_linear(tape, my_ada_norm(tape, x, time), o.patch * o.patch * o.channels);
    return sgm_unpatchify(tape, x, o.h, o.w, o.patch);
}

static sgm_tensor *my_dit(sgm_tape *tape, const sgm_net_in *in) {
    sgm_image_net o;
    if (sgm_image_net_init(&o, tape, in, 128, 4) != SGM_OK) return NULL;
    sgm_tensor *time = my_image_time(tape, in, o.width);
    sgm_tensor *x = my_tokens(tape, in, o.h, o.w, o.patch, o.width);
    const int tokens = x ? x->rows / in->x->rows : 1;
    for (int i = 0; i < o.depth; i++) {
        sgm_tensor *y = my_self_attention(tape, my_ada_norm(tape, x, time), tokens, o.heads);
        x = my_add_gated(tape, x, y, time);
        y = my_two_layers(tape, my_ada_norm(tape, x, time), 4 * o.width);
        x = my_add_gated(tape, x, y, time);
    }
    x = sgm_linear_zero(tape, my_ada_norm(tape, x, time), in->x->cols / tokens);
    return sgm_unpatchify(tape, x, o.h, o.w, o.patch);
}

/* From here on the file sees the implementation. */
#define SGM_IMPLEMENTATION
#include "../sgm.h"

enum { D = 64, N = 3 };

static void copies(void **state) {
    static const sgm_net nets[][2] = {{sgm_mlp, my_mlp}, {sgm_residual_mlp, my_residual_mlp},
        {sgm_resnet, my_resnet}, {sgm_unet, my_unet}, {sgm_mixer, my_mixer}, {sgm_dit, my_dit}};
    float x[N * D], y[D + 2], out[2][N * D], t[N] = {0.1f, 0.5f, 0.9f};
    (void)state;
    sgm_normal(x, N * D, sgm_key_init(1), 0);
    sgm_normal(y, D + 2, sgm_key_init(2), 0);
    for (int run = 0; run < 2 * COUNT(nets); run++) {
        const int i = run / 2, told = run % 2; /* 1: an image and a vector as condition */
        sgm_mlp_options flat = {24, 2, SGM_ACTIVATION_AUTO, SGM_EMBEDDING_FOURIER, 6, 0, 0, 0};
        sgm_image_net image = {8, 8, 1, 16, 2, 2, 2, 4};
        char *text[2];
        for (int copy = 0; copy < 2; copy++) {
            sgm_model model;
            sgm_model_options o;
            memset(&o, 0, sizeof o);
            o.net = nets[i][copy], o.d = D, o.sde = sgm_sde_vp(0.1, 20);
            if (told) o.cond = D + 2, o.cond_image = D;
            if (i < 2) o.user = &flat;
            else o.user = &image;
            CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(3)));
            for (size_t k = 0; k < model.n_params; k++) /* layers that start at 0 shall speak */
                model.params[k] += 0.1f * (float)(k % 7) - 0.3f;
            sgm_condition given;
            if (told) CHECK_OK(sgm_condition_init(&given, &model, SGM_RAW, y, 1));
            sgm_score score = told ? sgm_condition_score(&given) : sgm_model_score(&model, SGM_RAW);
            CHECK_OK(sgm_score_eval(&score, out[copy], x, t, N));
            text[copy] = (char *)malloc(strlen(model.operations) + 1);
            strcpy(text[copy], model.operations);
            sgm_model_free(&model);
        }
        assert_memory_equal(out[0], out[1], sizeof out[0]);
        assert_string_equal(text[0], text[1]);
        free(text[0]), free(text[1]);
    }
}

/* What a row gets does not depend on its neighbours: not on how many there are, nor on whether times
repeat among them (§D.4), in any derivative of any network, told or not, energies too. */

static void ask(const sgm_score *score, float *out, const float *x, const float *v, const float *t, long n) {
    float *s = (float *)malloc(sizeof(float) * (size_t)(n * score->d));
    const long of = 22 * score->d;
    CHECK_OK(sgm_score_eval(score, out, x, t, n));
    CHECK_OK(sgm_score_jvp(score, s, out + of, x, v, t, n));
    CHECK_OK(sgm_score_vjp(score, s, out + 2 * of, x, v, t, n));
    free(s);
}

static void rows_alone(void **state) {
    static const sgm_net nets[] = {sgm_mlp, sgm_residual_mlp, sgm_resnet, sgm_unet, sgm_mixer, sgm_dit};
    enum { M = 22, F = 16 };
    static float x[M * F], v[M * F], y[M * (F + 2)], t[M], whole[3 * M * F], part[3 * M * F];
    (void)state;
    sgm_normal(x, M * F, sgm_key_init(1), 0), sgm_normal(v, M * F, sgm_key_init(2), 0);
    sgm_normal(y, M * (F + 2), sgm_key_init(3), 0);
    for (int run = 0; run < 32; run++) {
        const int i = run / 4, told = run % 2, energy = i > 5; /* the MLPs once more, as energies */
        sgm_mlp_options flat = {12, 2, SGM_ACTIVATION_AUTO, SGM_EMBEDDING_AUTO, 0, 0, 0, 0};
        sgm_image_net image = {4, 4, 1, 8, 2, 2, 2, 4};
        sgm_model model;
        sgm_model_options o;
        sgm_condition given;
        memset(&o, 0, sizeof o);
        o.net = nets[i % 6], o.d = F, o.sde = sgm_sde_vp(0.1, 20), o.energy = energy;
        if (told) o.cond = F + 2, o.cond_image = F;
        if (i % 6 < 2) o.user = &flat;
        else o.user = &image;
        CHECK_OK(sgm_model_init(&model, &o, sgm_key_init(3)));
        for (size_t k = 0; k < model.n_params; k++) model.params[k] += 0.1f * (float)(k % 7) - 0.3f;
        if (told) CHECK_OK(sgm_condition_init(&given, &model, SGM_RAW, y, M));
        sgm_score score = told ? sgm_condition_score(&given) : sgm_model_score(&model, SGM_RAW);
        for (int k = 0; k < M; k++) t[k] = run % 4 < 2 ? 0.5f : 0.1f * (float)(1 + k / 6);
        score.of = M, ask(&score, whole, x, v, t, M);
        for (long at = 0, n = 1; at < M; at += n, n = n == 1 ? 4 : M - at) { /* 1, 4 and 17 rows */
            score.first = at;
            ask(&score, part + at * F, x + at * F, v + at * F, t + at, n);
        }
        assert_memory_equal(whole, part, sizeof whole);
        sgm_model_free(&model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies), cmocka_unit_test(rows_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
