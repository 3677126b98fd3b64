/*
The questions that are answered by rows: sample, logp, given, impute, anomaly.
*/

static void open_model(sgm_fitted *f, char hash[65], const char *path) {
    hash_file(hash, path, END_MODEL);
    check(sgm_fitted_open(f, path), END_MODEL);
}

static int ends_with(const char *s, const char *end) {
    const size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* The format that was asked for, or that the output's name tells; an origin then names it. */
static void settle_format(request *r) {
    static const struct { const char *end, *name; format format; } of[] = {
        {".npy", "npy", FORMAT_NPY}, {".json", "json", FORMAT_JSON}, {".png", "png", FORMAT_PNG},
        {".pgm", "pnm", FORMAT_PNM}, {".ppm", "pnm", FORMAT_PNM}, {".pnm", "pnm", FORMAT_PNM}};
    for (int i = 0; i < 6 && r->format == FORMAT_AUTO && r->output; i++)
        if (ends_with(r->output, of[i].end)) {
            r->format = of[i].format;
            r->word[r->n_words++] = "--format", r->word[r->n_words++] = of[i].name;
        }
    if (r->format == FORMAT_AUTO) r->format = FORMAT_CSV;
    if (!(r->sub & (SAMPLE | GIVEN | IMPUTE)) && r->format != FORMAT_CSV &&
        r->format != FORMAT_JSON)
        fail(END_USAGE, "sgm %s writes CSV or JSON: -o FILE.csv", subcommand);
}

static int is_binary(format f) { return f == FORMAT_NPY || f == FORMAT_PNG || f == FORMAT_PNM; }

/* A grid is of pictures, and of n that it can hold. */
static void check_grid(const request *r, const sgm_table *t, long n) {
    size_t high, wide;
    if (r->format != FORMAT_PNG && r->format != FORMAT_PNM) return;
    if (t->h < 1)
        fail(END_USAGE, "this model is of a table, not of pictures: --format csv, npy or json");
    grid_size(t, n, &high, &wide);
}

static void write_rows(const request *r, const sgm_table *t, const char *model, const char *data,
                       const char *more) {
    sink s;
    text origin = {0};
    text_origin(&origin, r, model, data);
    sink_open(&s, r, r->output, is_binary(r->format));
    if (r->format == FORMAT_NPY) write_npy(s.file, t, origin.s);
    else if (r->format == FORMAT_JSON) write_json(s.file, t, origin.s, more);
    else if (r->format == FORMAT_CSV) write_csv(s.file, t, origin.s);
    else write_picture(s.file, t, origin.s, r->format == FORMAT_PNG);
    sink_close(&s);
    free(origin.s);
}

/* A table of n rows: `first` columns by name, those of base (may be NULL), and `last` by name. */
static sgm_table table_of(const char *const *first, int n_first, const sgm_table *base,
                          const char *const *last, int n_last, long n) {
    const int middle = base ? base->d : 0, d = n_first + middle + n_last;
    sgm_table t = {0};
    t.n = n, t.d = d, t.x = doubles(n, d);
    t.column = (sgm_column *)room((size_t)d, sizeof *t.column);
    for (int j = 0; j < d; j++) {
        const int k = j - n_first;
        char name[24];
        if (k < 0) t.column[j].name = (char *)(size_t)first[j];
        else if (k >= middle) t.column[j].name = (char *)(size_t)last[k - middle];
        else if (base->column) t.column[j] = base->column[k];
        if (t.column[j].name) continue;
        snprintf(name, sizeof name, "x%d", k + 1);
        t.column[j].name = strcpy((char *)room(sizeof name, 1), name);
    }
    return t;
}

static void round_made(const request *r, double *x, long n) {
    if (r->format == FORMAT_NPY) return;
    for (long i = 0; i < n; i++) {
        char number[40];
        if (!isfinite(x[i])) continue;
        if (r->digits && snprintf(number, sizeof number, "%.*g", r->digits, x[i]) > 0)
            x[i] = strtod(number, NULL);
        else x[i] = nine_digits(x[i]);
    }
}

static int run_sample(request *r) {
    sgm_fitted f;
    sgm_table t;
    char hash[65];
    settle_format(r);
    check_output(r, r->output, is_binary(r->format));
    open_model(&f, hash, r->file[0]);
    const long n = r->n ? r->n : f.table.h > 0 ? 16 : 10;
    check_grid(r, &f.table, n);
    check(sgm_table_init(&t, &f.table, n), END_FAILED);
    check(sgm_fitted_sample(&f, t.x, n, sgm_key_init(r->seed)), END_FAILED);
    round_made(r, t.x, n * t.d);
    write_rows(r, &t, hash, NULL, NULL);
    sgm_table_free(&t), sgm_fitted_free(&f);
    return END_OK;
}

static void say_table(const input *in, const sgm_table *t) {
    say("%s: %ld row%s, %d columns\n", in->shown, t->n, t->n == 1 ? "" : "s", t->d);
}

static void free_columns(sgm_table *t) { free(t->x), free(t->column); }

/* Puts what was answered, each (n), behind the rows of DATA, if those are wanted. */
static sgm_table answers(const request *r, const sgm_table *data, const char *const *names,
                         double *const *answer, int n_answers, const long *order) {
    static const char *const row = "row";
    const int with_row = r->is_sorted, d = r->is_append ? data->d : 0;
    sgm_table t = table_of(&row, with_row, r->is_append ? data : NULL, names, n_answers, data->n);
    for (long i = 0; i < data->n; i++) {
        const long from = order ? order[i] : i;
        double *to = t.x + i * t.d;
        if (with_row) *to++ = (double)(from + 1);
        if (d) memcpy(to, data->x + from * d, (size_t)d * sizeof *to);
        for (int k = 0; k < n_answers; k++) to[d + k] = answer[k][from];
    }
    return t;
}

/* Two answers for each row of DATA: behind its text, if that is wanted and a CSV file. */
static void write_answers(const request *r, const input *in, const sgm_fitted *m, const char *hash,
                          const char *const *names, double *const *answer, const long *order) {
    sheet page;
    if (r->is_append && r->format == FORMAT_CSV && sheet_open(&page, r, in, &m->table)) {
        sink s;
        text origin = {0};
        text_origin(&origin, r, hash, in->hash);
        sink_open(&s, r, r->output, 0);
        write_behind(s.file, &page, origin.s, names, answer, 2, order, r->is_sorted);
        sink_close(&s), sheet_close(&page), free(origin.s);
        return;
    }
    sgm_table t = answers(r, &in->table, names, answer, 2, order);
    write_rows(r, &t, hash, in->hash, NULL);
    free_columns(&t);
}

static int run_logp(request *r) {
    static const char *const names[2] = {"logp", "se"};
    sgm_fitted f;
    input in;
    char hash[65];
    settle_format(r);
    check_output(r, r->output, 0);
    open_model(&f, hash, r->file[0]);
    read_input(&in, r, r->file[1], &f.table);
    say_table(&in, &in.table);
    const long n = in.table.n;
    double *answer[2] = {doubles(n, 1), doubles(n, 1)}, sum = 0;
    check(sgm_fitted_logp(&f, answer[0], answer[1], in.table.x, n, sgm_key_init(r->seed)),
          END_DATA);
    for (long i = 0; i < n; i++) sum += answer[0][i];
    say("mean log p: %.6g nats a row\n", sum / (double)n);
    round_made(r, answer[0], n), round_made(r, answer[1], n);
    write_answers(r, &in, &f, hash, names, answer, NULL);
    free(answer[0]), free(answer[1]);
    input_free(&in), sgm_fitted_free(&f);
    return END_OK;
}

static const double *sorted_by; /* qsort hands nothing on */

static int more_surprising(const void *a, const void *b) {
    const long i = *(const long *)a, j = *(const long *)b;
    const double x = sorted_by[i], y = sorted_by[j];
    if (x != y && (x == x || y == y)) return x > y || y != y ? -1 : 1;
    return i < j ? -1 : 1;
}

static int run_anomaly(request *r) {
    static const char *const names[2] = {"surprise", "quantile"};
    sgm_fitted f;
    input in;
    char hash[65];
    settle_format(r);
    check_output(r, r->output, 0);
    open_model(&f, hash, r->file[0]);
    read_input(&in, r, r->file[1], &f.table);
    say_table(&in, &in.table);
    const long n = in.table.n;
    double *answer[2] = {doubles(n, 1), doubles(n, 1)};
    long *order = (long *)room((size_t)n, sizeof *order), odd = 0;
    check(sgm_fitted_anomaly(&f, answer[0], answer[1], in.table.x, n, sgm_key_init(r->seed)),
          END_DATA);
    for (long i = 0; i < n; i++) order[i] = i, odd += answer[1][i] >= .99;
    say("%ld of %ld rows surprise more than .99 of the rows held out\n", odd, n);
    sorted_by = answer[0];
    if (r->is_sorted) qsort(order, (size_t)n, sizeof *order, more_surprising);
    round_made(r, answer[0], n), round_made(r, answer[1], n);
    write_answers(r, &in, &f, hash, names, answer, order);
    free(answer[0]), free(answer[1]), free(order);
    input_free(&in), sgm_fitted_free(&f);
    return END_OK;
}

/* Names of the columns that hold the deviations: NAME_se. They live as long as the program. */
static const char **error_names(const sgm_table *t) {
    const char **names = (const char **)room((size_t)t->d, sizeof *names);
    for (int j = 0; j < t->d; j++) {
        char name[4096];
        column_name(name, sizeof name - 8, t, j);
        strcat(name, "_se");
        names[j] = strcpy((char *)room(strlen(name) + 1, 1), name);
    }
    return names;
}

/* Into the text of a CSV file where that can be; else as a table. */
static void write_imputed(const request *r, const input *in, const sgm_fitted *m,
                          const char *hash, const double *out, const double *se) {
    const long n = in->table.n;
    const int d = m->table.d, wide = se ? d : 0;
    sheet page;
    if (r->format == FORMAT_CSV && sheet_open(&page, r, in, &m->table)) {
        sink s;
        text origin = {0};
        text_origin(&origin, r, hash, in->hash);
        sink_open(&s, r, r->output, 0);
        write_filled(s.file, &page, origin.s, &m->table, in->table.x, out, se);
        sink_close(&s), sheet_close(&page), free(origin.s);
        return;
    }
    const char **names = wide ? error_names(&m->table) : NULL;
    sgm_table t = table_of(NULL, 0, &m->table, names, wide, n);
    t.h = wide ? 0 : m->table.h, t.w = m->table.w, t.channels = m->table.channels;
    for (long i = 0; i < n; i++) {
        memcpy(t.x + i * t.d, out + i * d, (size_t)d * sizeof *out);
        if (se) memcpy(t.x + i * t.d + d, se + i * d, (size_t)d * sizeof *out);
    }
    write_rows(r, &t, hash, in->hash, NULL);
    free_columns(&t), free(names);
}

static int run_impute(request *r) {
    sgm_fitted f;
    input in;
    char hash[65];
    long filled = 0;
    settle_format(r);
    check_output(r, r->output, is_binary(r->format));
    open_model(&f, hash, r->file[0]);
    check_grid(r, &f.table, 1);
    read_input(&in, r, r->file[1], &f.table);
    say_table(&in, &in.table);
    const long n = in.table.n;
    const int d = in.table.d;
    double *out = doubles(n, d), *se = r->with_se ? doubles(n, d) : NULL;
    check(sgm_fitted_impute(&f, out, se, in.table.x, n,
                            r->is_mean ? SGM_IMPUTE_MEAN : SGM_IMPUTE_DRAW,
                            sgm_key_init(r->seed)), END_DATA);
    if (se) round_made(r, se, n * d);
    for (long i = 0; i < n * d; i++)
        if (in.table.x[i] != in.table.x[i]) round_made(r, out + i, 1), filled++;
        else out[i] = in.table.x[i];
    say("%ld missing value%s filled in\n", filled, filled == 1 ? "" : "s");
    write_imputed(r, &in, &f, hash, out, se);
    free(out), free(se);
    input_free(&in), sgm_fitted_free(&f);
    return END_OK;
}

/* The column that NAME= names, and where its value begins; -1: none does. */
static int find_column(const sgm_table *t, const char *typed, const char **value) {
    char name[4096];
    for (int j = 0; j < t->d; j++) {
        column_name(name, sizeof name, t, j);
        const size_t n = strlen(name);
        if (!strncmp(typed, name, n) && typed[n] == '=') return *value = typed + n + 1, j;
    }
    return -1;
}

static void unknown_column(const sgm_table *t, const char *typed) {
    char given[64], name[4096], nearest[4096] = "";
    int best = 99;
    snprintf(given, sizeof given, "%.*s", (int)strcspn(typed, "="), typed);
    for (int j = 0; j < t->d; j++) {
        column_name(name, sizeof name, t, j);
        const int far = far_from(given, name);
        if (far < best) best = far, strcpy(nearest, name);
    }
    if (*nearest)
        fail(END_USAGE, "the model has no column '%s'; did you mean '%.100s'?", given, nearest);
    fail(END_USAGE, "the model has no column '%s'; sgm info lists them", given);
}

static double given_value(const sgm_table *t, int j, const char *value) {
    const sgm_column *c = t->column ? t->column + j : NULL;
    char name[4096], *end;
    column_name(name, sizeof name, t, j);
    if (c && c->level) {
        text known = {0};
        for (int k = 0; k < c->n_levels; k++) {
            if (!strcmp(value, c->level[k])) return free(known.s), k;
            if (k < 12) text_add(&known, "%s%.40s", k ? ", " : "", c->level[k]);
        }
        fail(END_USAGE, "'%.60s' is no level of %.60s; it has %s%s", value, name,
             known.s ? known.s : "none", c->n_levels > 12 ? ", ..." : "");
    }
    const double x = strtod(value, &end);
    if (!*value || *end || !isfinite(x))
        fail(END_USAGE, "%.60s=%.60s: a number is needed", name, value);
    return x;
}

/* Reads NAME=VALUE into row; the answer is DATA, if a file is named. */
static const char *read_given(const request *r, const sgm_table *t, double *row) {
    const char *data = NULL, *value;
    for (int j = 0; j < t->d; j++) row[j] = NAN;
    for (int i = 1; i < r->n_files; i++) {
        const int j = find_column(t, r->file[i], &value);
        if (j >= 0 && row[j] == row[j])
            fail(END_USAGE, "%.60s: that column is given twice", r->file[i]);
        else if (j >= 0) row[j] = given_value(t, j, value);
        else if (strchr(r->file[i], '=') && access(r->file[i], F_OK))
            unknown_column(t, r->file[i]);
        else if (data) fail(END_USAGE, "two files are named, %.100s and %.100s: one is read",
                            data, r->file[i]);
        else data = r->file[i];
    }
    return data;
}

/* What no row learnt from was near to: particles agree there, but on nothing that means much. */
static void say_far(const sgm_fitted *m, const double *row) {
    char name[4096];
    for (int j = 0; j < m->table.d; j++) {
        const double low = m->code.low[j], high = m->code.high[j], reach = 2 * (high - low);
        if (m->table.column[j].kind == SGM_KIND_CATEGORY || !(low < high)) continue;
        if (!(row[j] < low - reach || row[j] > high + reach)) continue;
        column_name(name, sizeof name, &m->table, j);
        say("%.60s=%.6g is far from what was learnt, %.6g to %.6g: these rows mean little\n", name,
            row[j], low, high);
    }
}

static void say_given(const sgm_given *g, long row, long rows) {
    if (rows > 1) say("row %ld: ", row + 1);
    say("effective sample size %.0f of %ld particles; log p of what is known %.5g +- %.2g\n",
        g->ess, g->particles, g->log_evidence, g->evidence_se);
    if (g->ess < 5)
        say("  these rows mean nothing: what is given is far from all that was learnt\n");
    else if (g->ess < 100)
        say("  these are few: what is given is rare; a larger -n takes more particles\n");
}

/* The first n of x(n,d) as rows of t, from row `first` on; what is drawn is rounded. */
static void keep_given(const request *r, sgm_table *t, long first, const double *x, long n,
                       const double *known, int d, double number) {
    for (long k = 0; k < n; k++) {
        double *to = t->x + (first + k) * t->d;
        if (t->d > d) *to++ = number;
        memcpy(to, x + k * d, (size_t)d * sizeof *x);
        for (int j = 0; j < d; j++)
            if (known[j] != known[j]) round_made(r, to + j, 1);
    }
}

static void text_given(text *t, const sgm_given *g) {
    text_add(t, t->s[t->n - 1] == '}' ? ",{" : "{"), text_pair(t, "ess", g->ess);
    text_pair(t, "particles", (double)g->particles);
    text_pair(t, "log_evidence", g->log_evidence);
    text_pair(t, "evidence_se", g->evidence_se), text_add(t, "}");
}

static int run_given(request *r) {
    static const char *const first = "row";
    sgm_fitted f;
    input in;
    sgm_given g;
    char hash[65];
    settle_format(r);
    check_output(r, r->output, is_binary(r->format));
    open_model(&f, hash, r->file[0]);
    check_grid(r, &f.table, r->n ? r->n : 10);
    const int d = f.table.d;
    const long n = r->n ? r->n : 10;
    double *row = doubles(1, d), *each = doubles(1, d);
    const char *data = read_given(r, &f.table, row);
    memset(&in, 0, sizeof in);
    if (data) read_input(&in, r, data, &f.table);
    const long rows = data ? in.table.n : 1;
    const int with_row = rows > 1 && r->format != FORMAT_PNG && r->format != FORMAT_PNM;
    if (rows > 1 && n > LONG_MAX / rows) fail(END_USAGE, "these are too many rows: a smaller -n");
    sgm_table t = table_of(&first, with_row, &f.table, NULL, 0, rows * n);
    t.h = with_row ? 0 : f.table.h, t.w = f.table.w, t.channels = f.table.channels;
    double *x = doubles(n, d);
    text more = {0};
    text_add(&more, "\"given\":[");
    for (long i = 0; i < rows; i++) {
        const sgm_key key = sgm_key_init(r->seed);
        for (int j = 0; j < d; j++)
            each[j] = row[j] != row[j] && data ? in.table.x[i * d + j] : row[j];
        say_far(&f, each);
        check(sgm_fitted_given(&f, x, NULL, n, each, &g,
                               rows > 1 ? sgm_key_split(key, (uint64_t)i) : key), END_DATA);
        say_given(&g, i, rows), text_given(&more, &g);
        keep_given(r, &t, i * n, x, n, each, d, (double)(i + 1));
    }
    text_add(&more, "],");
    write_rows(r, &t, hash, data ? in.hash : NULL, more.s);
    free_columns(&t), free(x), free(row), free(each), free(more.s);
    if (data) input_free(&in);
    sgm_fitted_free(&f);
    return END_OK;
}
