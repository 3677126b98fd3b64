/*
sgm_export.h - a fitted model as one .c file that needs nothing but a C library, or as WebAssembly

    sgm_status sgm_export_c(const sgm_fitted *fitted, const char *path);
    sgm_status sgm_export_wasm(const sgm_fitted *fitted, const char *path);

Include it behind sgm.h, in the file that has SGM_IMPLEMENTATION. What it writes stands as C that
you can read and change in examples/export/plain.c; parts that a model does not need are left out,
and the model's numbers put in. The file draws and tells the same bits as the library: rows as
sgm_fitted_sample's of the same seed, log densities as sgm_fitted_logp's of the key 1. All ready
networks are exported, and your own if they are made of the same operations, for all that is read
is the text of a network (sgm.h, the section on what a network does). A row with gaps has a log
density where the model was fitted to rows with gaps; else it is NaN.

The WebAssembly imports nothing. In a page, for n rows of d columns:

    const e = (await WebAssembly.instantiateStreaming(fetch('model.wasm'))).instance.exports;
    e._initialize();
    const at = e.malloc(8 * n * d);
    e.model_sample(at, n, 7n);                          // the seed 7
    const rows = new Float64Array(e.memory.buffer, at, n * d);

After a change of plain.c: perl examples/export/text.pl, which writes export/plain.h from it.
*/
#ifndef SGM_EXPORT_H
#define SGM_EXPORT_H
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "export/plain.h" /* export_text: its lines, and NULL */

enum { EXPORT_MOST = 4096 }; /* operations of a network */

typedef struct export_op { /* one operation, as §3.16 tells it, for one point */
    char name[32];
    int kind, rows, cols, in[3], shared, moves;
    int h, w, channels, out, stride, groups, heads, tokens, patch, silu, plus;
    double by;
    long weight;
} export_op;

typedef struct export_flag { /* #if NAME in plain.c */
    const char *name;
    int is;
} export_flag;

typedef struct export_plan { /* what to write */
    const sgm_model *model;
    const float *weights;
    sgm_method sample;
    const double *sample_times, *solve_times;
    int n_sample_times, n_solve_times, probes, added, together;
    double prior;
    const sgm_fitted *fitted;
} export_plan;

typedef struct export_file {
    const export_plan *plan;
    FILE *to;
    export_op *op;
    int n_ops;
    long floats; /* numbers of one point in all operations */
    export_flag flag[24];
    int n_flags;
    char why[300];
} export_file;

static int export_refuse(export_file *e, const char *format, ...) { /* 0 */
    va_list list;
    va_start(list, format);
    vsnprintf(e->why, sizeof e->why, format, list);
    va_end(list);
    return 0;
}

/* The kinds of plain.c: what the text calls them, and their name there. */
static const struct export_kind {
    const char *name, *kind, *flag;
} export_kinds[] = {{"input", "INPUT", ""}, {"parameter", "PARAMETER", ""},
    {"log_sigma", "LOG_SIGMA", ""}, {"time_sigma", "TIME_SIGMA", ""},
    {"time_sinusoidal", "TIME_SINUSOIDAL", "MODEL_SINUSOIDAL"}, {"linear", "LINEAR", ""},
    {"silu", "SILU", ""}, {"gelu", "GELU", ""}, {"relu", "RELU", "MODEL_OTHER_CURVES"},
    {"tanh", "TANH", "MODEL_OTHER_CURVES"}, {"softplus", "SOFTPLUS", "MODEL_OTHER_CURVES"},
    {"sigmoid", "SIGMOID", "MODEL_OTHER_CURVES"}, {"dropout", "SAME", ""}, {"repeat", "SAME", ""},
    {"attention_scale", "SAME", ""}, {"scores", "SAME", ""}, {"softmax", "SAME", ""},
    {"attention", "ATTENTION", "MODEL_ATTENTION"}, {"add", "ADD", ""}, {"mul", "MUL", "MODEL_MUL"},
    {"scale", "SCALE", "MODEL_MUL"}, {"concat", "CONCAT", ""},
    {"concat_channels", "CONCAT_CHANNELS", "MODEL_IMAGES"},
    {"upsample", "UPSAMPLE", "MODEL_IMAGES"}, {"patchify", "PATCHIFY", "MODEL_IMAGES"},
    {"unpatchify", "UNPATCHIFY", "MODEL_IMAGES"}, {"transpose", "TRANSPOSE", "MODEL_IMAGES"},
    {"conv2d", "CONV", "MODEL_CONV"}, {"group_norm", "NORM", "MODEL_NORM"},
    {"norm_silu", "NORM", "MODEL_NORM"}, {"normalize", "NORM", "MODEL_NORM"},
    {"layer_norm", "NORM", "MODEL_NORM"}, {"modulate", "NORM", "MODEL_NORM"},
    {"gate", "NORM", "MODEL_NORM"}, {"center", "CENTER", "MODEL_TOKENS"},
    {"rms", "RMS", "MODEL_TOKENS"}};
enum { EXPORT_KINDS = (int)(sizeof export_kinds / sizeof *export_kinds) };

static const char *export_kind_of(const export_op *o) { return export_kinds[o->kind].kind; }
static int export_is(const export_op *o, const char *kind) {
    return strcmp(export_kind_of(o), kind) == 0;
}

static int *export_flag_of(export_file *e, const char *name) {
    for (int i = 0; i < e->n_flags; i++)
        if (strcmp(e->flag[i].name, name) == 0) return &e->flag[i].is;
    return NULL;
}

static void export_set(export_file *e, const char *name, int is) {
    int *flag = *name ? export_flag_of(e, name) : NULL;
    if (flag) *flag |= is;
}

/* One setting of an operation: a name, then a number. */
static void export_setting(export_op *o, const char *name, double value) {
    const struct { const char *name; int *to; } all[] = {{"h", &o->h}, {"w", &o->w},
        {"channels", &o->channels}, {"out", &o->out}, {"stride", &o->stride},
        {"groups", &o->groups}, {"heads", &o->heads}, {"tokens", &o->tokens},
        {"patch", &o->patch}, {"silu", &o->silu}, {"one_plus", &o->plus}};
    if (strcmp(name, "by") == 0) o->by = value;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, all[i].name) == 0) *all[i].to = (int)value;
}

/* One entry of the text, "11 linear 2x16 of 8 9 10", which is about two points. */
static int export_read(export_file *e, const char *text) {
    export_op *o = &e->op[e->n_ops];
    char name[32];
    int number, used = 0;
    memset(o, 0, sizeof *o);
    o->in[0] = o->in[1] = o->in[2] = -1;
    if (sscanf(text, "%d %31s %dx%d%n", &number, o->name, &o->rows, &o->cols, &used) != 4 ||
        number != e->n_ops)
        return export_refuse(e, "the network's text is none: %.40s", text);
    for (text += used; sscanf(text, " %31[a-z_]%n", name, &used) == 1;) {
        double value = 0;
        text += used;
        if (strcmp(name, "of") == 0) {
            for (int k = 0; k < 3 && sscanf(text, " %d%n", &o->in[k], &used) == 1; k++)
                text += used;
            break;
        }
        if (sscanf(text, "%lf%n", &value, &used) != 1) break;
        text += used, export_setting(o, name, value);
    }
    while (o->kind < EXPORT_KINDS && strcmp(export_kinds[o->kind].name, o->name)) o->kind++;
    if (o->kind == EXPORT_KINDS)
        return export_refuse(e, "a network with the operation %s cannot be exported: ready "
            "networks can, and those made of what they are made of", o->name);
    return e->n_ops++, 1;
}

/* What an operation alone does not say: sizes for one point, what is shared, what moves. */
static int export_complete(export_file *e, int i, long *weight) {
    export_op *o = &e->op[i];
    const int parameter = export_is(o, "PARAMETER");
    const char *kind = export_kind_of(o);
    if (!parameter) o->rows /= 2; /* the text is of two points */
    if (parameter) o->weight = *weight, *weight += (long)o->rows * o->cols;
    o->shared = parameter || i == 1, o->moves = i == 0;
    for (int k = 0, all = 1; k < 3; k++) {
        if (o->in[k] < 0) continue;
        if (o->in[k] >= i) return export_refuse(e, "the network's text is none, at %d", i);
        all = all && e->op[o->in[k]].shared, o->shared = all;
        o->moves |= e->op[o->in[k]].moves;
    }
    if (strstr(kind, "PATCHIFY") && o->patch == 0) /* the same numbers, as other rows */
        for (o->kind = 0; !export_is(o, "SAME");) o->kind++;
    else export_set(e, export_kinds[o->kind].flag, 1);
    if (strcmp(kind, "ATTENTION") == 0) { /* of softmax of scores of q (scaled) and k; of v */
        const export_op *scores = &e->op[e->op[o->in[0]].in[0]];
        o->in[2] = o->in[1], o->in[1] = scores->in[1], o->in[0] = e->op[scores->in[0]].in[0];
        o->shared = 0;
    }
    if (strcmp(kind, "CONV") == 0 &&
        (e->op[o->in[1]].rows != 9 * o->channels))
        return export_refuse(e, "a convolution by more than 3 by 3 pixels cannot be exported");
    if (strcmp(kind, "NORM") == 0 && o->groups == 0 && export_is(&e->op[o->in[1]], "PARAMETER"))
        o->h = o->rows * o->cols / o->channels; /* without a norm, all rows share one gain */
    if (strcmp(o->name, "scores") == 0 || strcmp(o->name, "softmax") == 0) o->moves = 0;
    if (!parameter && !export_is(o, "SAME")) e->floats += (long)o->rows * o->cols;
    return 1;
}

static int export_network(export_file *e) {
    const char *text = e->plan->model->operations;
    long weight = 0;
    for (const char *at = text; at; at = strstr(at, "; "), at = at ? at + 2 : NULL)
        if (e->n_ops == EXPORT_MOST) return export_refuse(e, "a network of too many operations");
        else if (!export_read(e, at)) return 0;
    for (int i = 0; i < e->n_ops; i++)
        if (!export_complete(e, i, &weight)) return 0;
    if ((size_t)weight != e->plan->model->n_params)
        return export_refuse(e, "the network's text has %ld parameters of %.0f", weight,
            (double)e->plan->model->n_params);
    return 1;
}

/* Floats that an operation needs beside its own, of one point. */
static long export_scratch(const export_op *o) {
    const long size = (long)o->channels * o->out;
    const long tiles = (long)((o->h + 1) / 2) * ((o->w + 1) / 2);
    if (export_is(o, "CONV")) return 16 * size + 16 * tiles * (o->channels + o->out);
    if (export_is(o, "NORM")) return 10L * o->channels + 2L * o->h * o->channels;
    if (export_is(o, "ATTENTION")) return 128L * o->tokens + 64L * (o->cols / o->heads);
    return 0;
}

/* A number, exactly: hexadecimal. */
static void export_number(FILE *f, double x, const char *end) {
    if (x == 0) fprintf(f, "%s0%s", signbit(x) ? "-" : "", *end ? ".0f" : ".0");
    else fprintf(f, "%a%s", x, end);
}

static void export_times(FILE *f, const char *name, const double *t, int n) {
    fprintf(f, "#define MODEL_%s_TIMES %d\nstatic const double model_%s_times[MODEL_%s_TIMES] = {",
        strcmp(name, "sample") ? "SOLVE" : "SAMPLE", n, name,
        strcmp(name, "sample") ? "SOLVE" : "SAMPLE");
    for (int i = 0; i < n; i++) {
        fprintf(f, "%s", i == 0 ? "\n    " : i % 4 ? ", " : ",\n    ");
        export_number(f, t[i], "");
    }
    fprintf(f, "};\n");
}

static void export_flags(export_file *e) {
    static const char *const names[] = {"MODEL_SINUSOIDAL", "MODEL_OTHER_CURVES",
        "MODEL_ATTENTION", "MODEL_MUL", "MODEL_IMAGES", "MODEL_CONV", "MODEL_NORM", "MODEL_TOKENS",
        "MODEL_DOT", "MODEL_MASKED", "MODEL_TURNED", "MODEL_CATEGORIES", "MODEL_CELLS",
        "MODEL_SEVERAL", "MODEL_HEUN", "MODEL_NOISY", "MODEL_PROBES"};
    e->n_flags = (int)(sizeof names / sizeof *names);
    for (int i = 0; i < e->n_flags; i++) e->flag[i].name = names[i], e->flag[i].is = 0;
}

static int export_methods(export_file *e) {
    const sgm_method sample = e->plan->sample;
    const int noisy = sample == SGM_METHOD_DPM_SDE, heun = sample == SGM_METHOD_HEUN;
    if (!noisy && !heun && sample != SGM_METHOD_DPMPP_2M)
        return export_refuse(e, "a sampler that is not DPM-Solver++(2M), SDE-DPM-Solver++ or Heun "
            "cannot be exported");
    export_set(e, "MODEL_NOISY", noisy), export_set(e, "MODEL_HEUN", heun);
    export_set(e, "MODEL_PROBES", e->plan->probes);
    export_set(e, "MODEL_DOT", e->plan->probes > 0 || *export_flag_of(e, "MODEL_TOKENS"));
    export_set(e, "MODEL_MASKED", e->plan->fitted->code.masked);
    export_set(e, "MODEL_SEVERAL", e->plan->added > 1);
    export_set(e, "MODEL_TURNED", e->plan->fitted->code.turn != NULL);
    for (int k = 0; k < e->plan->fitted->code.width; k++) {
        export_set(e, "MODEL_CATEGORIES", e->plan->fitted->code.at[k].bit >= 0);
        export_set(e, "MODEL_CELLS", e->plan->fitted->code.at[k].cells > 0);
    }
    return 1;
}

/* The network's operations and its weights, as arrays. */
static void export_arrays(const export_file *e) {
    FILE *f = e->to;
    fprintf(f, "#define MODEL_OPERATIONS %d\nstatic const model_operation "
        "model_net[MODEL_OPERATIONS] = {\n", e->n_ops);
    for (int i = 0; i < e->n_ops; i++) {
        const export_op *o = &e->op[i];
        fprintf(f, "    {%s, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, "
            "%d, ", export_kind_of(o), o->rows, o->cols, o->in[0], o->in[1], o->in[2], o->shared,
            o->moves, o->h, o->w, o->channels, o->out, o->stride, o->groups, o->heads, o->tokens,
            o->patch, o->silu, o->plus);
        export_number(f, o->by, "f");
        fprintf(f, ", %ld}%s /* %d %s */\n", o->weight, i + 1 < e->n_ops ? "," : "};", i, o->name);
    }
    const size_t n = e->plan->model->n_params;
    fprintf(f, "\nstatic const float model_weights[%.0f] = {", (double)n);
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "%s", i == 0 ? "\n" : i % 8 ? "," : ",\n");
        export_number(f, (double)e->plan->weights[i], "f");
    }
    fprintf(f, "};\n");
}

/* A text as a C literal; a ? might begin a trigraph. */
static void export_text_of(FILE *f, const char *text) {
    fputc('"', f);
    for (int utf8 = 0; *text; text++) { /* utf8: bytes of a character that are to come */
        const unsigned char c = (unsigned char)*text;
        if (!utf8) utf8 = sgm__utf8(text);
        if (c < 0x20 || c == 0x7f || !utf8) fprintf(f, "\\%03o", c);
        else fprintf(f, "%s%c", c == '"' || c == '\\' || c == '?' ? "\\" : "", c);
        utf8 -= utf8 > 0;
    }
    fputc('"', f);
}

static void export_columns(const export_file *e) {
    const sgm_fitted *t = e->plan->fitted;
    FILE *f = e->to;
    fprintf(f, "#define MODEL_COLUMNS %d\n", t->table.d);
    for (int j = 0; j < t->table.d; j++) {
        const sgm_column *c = &t->table.column[j];
        if (c->kind != SGM_KIND_CATEGORY || !c->level) continue;
        fprintf(f, "static const char *const model_levels_%d[%d] = {", j, c->n_levels);
        for (int k = 0; k < c->n_levels; k++)
            fputs(k ? ",\n    " : "\n    ", f), export_text_of(f, c->level[k]);
        fprintf(f, "};\n");
    }
    fprintf(f, "static const model_column model_columns[MODEL_COLUMNS] = {\n");
    for (int j = 0; j < t->table.d; j++) {
        const sgm_column *c = &t->table.column[j];
        const char *kind = c->kind == SGM_KIND_CATEGORY ? "CATEGORY"
            : c->kind == SGM_KIND_INTEGER               ? "INTEGER" : "NUMBER";
        char name[24], levels[40] = "NULL";
        snprintf(name, sizeof name, "x%d", j + 1);
        if (c->kind == SGM_KIND_CATEGORY && c->level) snprintf(levels, 40, "model_levels_%d", j);
        fprintf(f, "    {"), export_text_of(f, c->name ? c->name : name);
        fprintf(f, ", %s, %d, %s, ", kind, c->n_levels, levels);
        export_number(f, t->code.low[j], ""), fputs(", ", f), export_number(f, t->code.high[j], "");
        fprintf(f, "}%s\n", j + 1 < t->table.d ? "," : "};");
    }
    fprintf(f, "#define MODEL_USUAL {");
    for (int j = 0; j < t->table.d; j++)
        fputs(j == 0 ? "" : j % 6 ? ", " : ", \\\n    ", f), export_number(f, t->code.low[j], "");
    fprintf(f, "}\n");
}

static void export_matrix(FILE *f, const char *name, const double *m, int d) {
    fprintf(f, "static const double %s[MODEL_D][MODEL_D] = {\n", name);
    for (int i = 0; i < d * d; i++) {
        fputs(i % d == 0 ? "    {" : i % d % 4 ? ", " : ",\n    ", f);
        export_number(f, m[i], "");
        if (i % d == d - 1) fputs(i == d * d - 1 ? "}};\n" : "},\n", f);
    }
}

static void export_code(const export_file *e) {
    const sgm_code *code = &e->plan->fitted->code;
    FILE *f = e->to;
    fprintf(f, "#define MODEL_LOG_TURN "), export_number(f, code->log_turn, "");
    fprintf(f, "\nstatic const model_coordinate model_coordinates[MODEL_D] = {\n");
    for (int k = 0; k < code->width; k++) {
        const sgm_coordinate *c = &code->at[k];
        const double all[6] = {c->centre, c->unit, c->tail, c->skew, c->shift, c->scale};
        fprintf(f, "    {%d, %d", c->column, c->bit);
        for (int i = 0; i < 6; i++) {
            fputs(i == 3 ? ",\n        " : ", ", f), export_number(f, all[i], "");
        }
        fprintf(f, ", %d, %ld}%s\n", c->cells, c->cells ? (long)(c->knot - code->knots) : 0,
            k + 1 < code->width ? "," : "};");
    }
    if (code->n_knots) fprintf(f, "static const double model_knots[%ld] = {", code->n_knots);
    for (long i = 0; i < code->n_knots; i++) {
        fputs(i % 4 ? ", " : i ? ",\n    " : "\n    ", f), export_number(f, code->knots[i], "");
    }
    if (code->n_knots) fputs("};\n", f);
    if (!code->turn) return;
    export_matrix(f, "model_turn", code->turn, code->width);
    export_matrix(f, "model_back", code->back, code->width);
}

static void export_data(const export_file *e) {
    const export_plan *p = e->plan;
    const sgm_model *m = p->model;
    FILE *f = e->to;
    long scratch = 1, block = 65536 / (e->floats + 1), turns = p->probes ? p->probes : m->o.d;
    for (int i = 0; i < e->n_ops; i++)
        if (export_scratch(&e->op[i]) > scratch) scratch = export_scratch(&e->op[i]);
    block = block < 4 ? 4 : block > 64 ? 64 : block / 4 * 4; /* products take four rows */
    fprintf(f, "#define MODEL_D %d\n#define MODEL_ROWS %ld\n", m->o.d, p->fitted->report.rows);
    export_columns(e), export_code(e);
    fprintf(f, "\n/* The process, the steps, and how many points are worked on at a time. */\n"
        "#define MODEL_MASKED %d\n#define MODEL_PROBES %d\n#define MODEL_ADDED %d\n"
        "#define MODEL_NOISY %d\n#define MODEL_TOGETHER %d\n#define MODEL_BLOCK %ld\n"
        "#define MODEL_TURNS %ld\n#define MODEL_SCRATCH %ld\n#define MODEL_SIGMA_DATA ",
        p->fitted->code.masked, p->probes, p->added, p->sample == SGM_METHOD_DPM_SDE, p->together,
        block, turns > 8 ? 8 : turns, scratch);
    export_number(f, m->o.sigma_data, "");
    fprintf(f, "\n#define MODEL_PRIOR "), export_number(f, p->prior, ""), fputc('\n', f);
    export_times(f, "sample", p->sample_times, p->n_sample_times);
    export_times(f, "solve", p->solve_times, p->n_solve_times);
    fprintf(f, "\n/* The network. */\n");
    export_arrays(e);
}

/* The lines of plain.c, without what stands between an #if of a flag that is 0 and its end. */
static void export_lines(export_file *e) {
    struct { int flag, on, done; } level[32]; /* flag: an #if of ours; on: its lines are kept */
    int depth = 0, off = 0;                   /* off: levels that are not kept */
    for (const char *const *line = export_text; *line; line++) {
        char name[40] = "";
        const int *is = NULL;
        const char *word = *line;
        const int starts = strncmp(word, "#if", 3) == 0, elif = strncmp(word, "#elif ", 6) == 0;
        const int other = strncmp(word, "#else", 5) == 0, ends = strncmp(word, "#endif", 6) == 0;
        if (sscanf(word, starts ? "#if %39[A-Z0-9_]" : "#elif %39[A-Z0-9_]", name) == 1)
            is = export_flag_of(e, name);
        if (starts) {
            level[depth].flag = is != NULL, level[depth].on = !is || *is;
            level[depth].done = level[depth].on, off += !level[depth].on, depth++;
        }
        const int ours = depth > 0 && level[depth - 1].flag;
        if (ours && (elif || other)) {
            const int on = !level[depth - 1].done && (other || (is && *is));
            off += level[depth - 1].on - on;
            level[depth - 1].on = on, level[depth - 1].done |= on;
        }
        const int hidden = ours && (starts || elif || other || ends);
        if (ends) off -= !level[--depth].on;
        if (!off && !hidden) fprintf(e->to, "%s\n", *line);
        if (!off && strcmp(*line, "/* The model. */") == 0) export_data(e);
    }
}

/* The comment that the file begins with: what it is, its choices, how it is used. */
static void export_head(const export_file *e) {
    const sgm_fitted *t = e->plan->fitted;
    char said[4096];
    const int n = sgm_fitted_print(t, said, sizeof said);
    fprintf(e->to, "/*\nA fitted model of %d columns, written by sgm %s. It needs nothing but a C "
        "library:\n\n    cc -O2 -DMODEL_MAIN model.c -lm -o model && ./model 10\n\nprints ten new "
        "rows; ./model 10 7 those of another seed; ./model 10 7 logp also how likely they\nare. In "
        "your own program, without MODEL_MAIN:\n\n"
        "    int model_sample(double *rows, long n, uint64_t seed);        n new rows\n"
        "    int model_logp(double *logp, const double *rows, long n);     their log densities\n"
        "    const char *model_column_name(int j);                         of column j, from 0\n"
        "    const char *model_level(int j, int k);                        of level k, or NULL\n\n"
        "Both return 0, or 1 where memory is out. They may be called by any number of threads at "
        "once, and\nmake the bits of the library, whatever compiles them: gcc, clang, at any "
        "level, for x86, ARM,\nWebAssembly. The numbers are yours; the code is public domain or "
        "MIT, as you like.\n\n", t->table.d, SGM_VERSION);
    fprintf(e->to, "NaN is a value that is not known: the log density of such a row is %s.\n\n",
        t->code.masked ? "that of what is known" : "NaN, too");
    fprintf(e->to, "Key %08x%08x, data %08x%08x. How it was fitted:\n\n", t->report.key[1],
        t->report.key[0], t->report.data[1], t->report.data[0]);
    for (const char *s = said; *s && n > 0; s++) { /* no end of this comment within it */
        if ((*s == '*' && s[1] == '/') || (*s == '/' && s[1] == '*')) fputc('|', e->to);
        else fputc(*s == '?' && s[1] == '?' ? '.' : *s, e->to);
    }
    fprintf(e->to, "\n*/\n");
}

/* The times of sampling and of log densities, and what else sgm_fitted_sample and _logp choose. */
static sgm_status export_choose(export_plan *p, double *times, sgm__asking *asking) {
    const sgm_fitted *f = p->fitted;
    const sgm_sde *sde = &f->model->o.sde;
    const sgm_status status = sgm__asking_init(asking, f, 1 << 20, sgm_key_init(0));
    if (status) return status;
    sgm__free(asking->fine);
    p->model = f->model, p->weights = f->model->ema[0];
    p->sample = f->report.method, p->prior = sgm__fitted_prior(f);
    p->added = asking->draws, p->probes = asking->probes, p->together = (int)asking->most;
    p->n_sample_times = f->report.sample_steps, p->n_solve_times = asking->steps + 1;
    p->sample_times = times, p->solve_times = times + p->n_sample_times;
    const sgm_status grid = sgm_time_grid(
        times, p->n_sample_times - 1, SGM_GRID_LOGSNR, sde, sde->T, sde->t_min);
    return grid ? grid : sgm_time_grid(times + p->n_sample_times, asking->steps, SGM_GRID_LOGSNR,
        sde, sde->T, sde->t_min);
}

static sgm_status export_write(const sgm_fitted *fitted, FILE *to) {
    sgm__asking asking;
    export_plan plan;
    export_file e;
    memset(&plan, 0, sizeof plan), memset(&e, 0, sizeof e);
    plan.fitted = fitted, e.plan = &plan, e.to = to;
    const size_t times = (size_t)fitted->report.sample_steps + 1024;
    double *t = (double *)sgm__alloc(times, sizeof *t);
    e.op = (export_op *)sgm__alloc(EXPORT_MOST, sizeof *e.op);
    sgm_status status = t && e.op ? export_choose(&plan, t, &asking) : SGM_NO_MEMORY;
    export_flags(&e);
    if (!status && (!export_network(&e) || !export_methods(&e))) status = sgm__bad("%s", e.why);
    if (!status) export_head(&e), export_lines(&e);
    sgm__free(t), sgm__free(e.op);
    return status;
}

/* The whole file or none: what was at path stays until the new one is complete. */
static sgm_status sgm_export_c(const sgm_fitted *fitted, const char *path) {
    char part[4096];
    if (!fitted || !fitted->model || !path || strlen(path) > sizeof part - 8)
        return sgm__bad("an export needs a fitted model, and a path of less than 4000 letters");
    if (fitted->instead) return sgm__bad("your own score cannot be exported: set instead NULL");
    snprintf(part, sizeof part, "%s.part", path);
    FILE *to = fopen(part, "wb");
    if (!to) return sgm__fail(SGM_NO_FILE, "%.200s cannot be written", part);
    sgm_status status = export_write(fitted, to);
    const int broken = ferror(to), closed = fclose(to);
    if (!status && (broken || closed))
        status = sgm__fail(SGM_NO_FILE, "%.200s cannot be written: is the disk full?", part);
#if defined(_WIN32)
    if (!status) remove(path); /* its rename replaces no file */
#endif
    if (!status && rename(part, path))
        status = sgm__fail(SGM_NO_FILE, "%.200s cannot be renamed to %.200s", part, path);
    if (status) remove(part);
    return status;
}

/* A path within quotes of the shell; 0: it is too long. */
static int export_quoted(char *to, size_t room, const char *path) {
    size_t at = 0;
    to[at++] = '\'';
    for (; *path && at + 8 < room; path++) {
        if (*path == '\'') memcpy(to + at, "'\\''", 4), at += 4;
        else to[at++] = *path;
    }
    to[at++] = '\'', to[at] = 0;
    return *path == 0;
}

/* As WebAssembly: the .c file, compiled by clang with wasi-libc. It exports the four functions of
the .c file, malloc and free; call _initialize first. $WASM_CC is the compiler, clang if unset. */
static sgm_status sgm_export_wasm(const sgm_fitted *fitted, const char *path) {
    static char part[4096], source[2 * 4096], to[2 * 4096], command[8 * 4096];
    if (!path || strlen(path) > sizeof part - 16) return sgm__bad("an export needs a path");
    const char *compiler = getenv("WASM_CC") ? getenv("WASM_CC") : "clang";
    snprintf(part, sizeof part, "%s.part.c", path);
    if (!export_quoted(source, sizeof source, part)) return sgm__bad("the path is too long");
    const sgm_status status = sgm_export_c(fitted, part);
    if (status) return status;
    snprintf(command, sizeof command, "%s.part", path);
    export_quoted(to, sizeof to, command);
    snprintf(command, sizeof command, "%s --target=wasm32-wasi -O2 -mexec-model=reactor "
        "-Wl,--export=model_sample,--export=model_logp,--export=model_column_name,"
        "--export=model_level,--export=malloc,--export=free,--gc-sections,-s %s -o %s 2>%s.log",
        compiler, source, to, to);
    const int failed = system(command);
    remove(part);
    snprintf(part, sizeof part, "%s.part.log", path), remove(part);
    snprintf(part, sizeof part, "%s.part", path);
    if (!failed && rename(part, path) == 0) return SGM_OK;
    remove(part);
    if (!failed) return sgm__fail(SGM_NO_FILE, "%.200s cannot be written", path);
    return sgm__fail(SGM_NO_FILE, "no WebAssembly was made: apt-get install clang lld wasi-libc "
        "libclang-rt-dev-wasm32; or export a .c file, and compile it elsewhere");
}
#endif
