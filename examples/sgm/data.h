/*
What is read: a table of rows, with the hash of its bytes; and what was understood of it.
*/

typedef struct input {
    sgm_table table;
    char hash[65];
    const char *path;  /* where the bytes are: what was named, or what a pipe was kept in */
    char shown[200];   /* how messages name it                                            */
} input;

/* Copies f into `to`, if that is a file, and gives the hash of all that went through. */
static int hash_stream(char hex[65], FILE *f, FILE *to) {
    static char block[1 << 16];
    sha256 hash = {{0}, 0, {0}};
    size_t n;
    sha256_add(&hash, block, 0);
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        sha256_add(&hash, block, n);
        if (to && fwrite(block, 1, n, to) != n) return 0;
    }
    sha256_end(&hash, hex);
    return !ferror(f);
}

static void hash_file(char hex[65], const char *path, int code) {
    struct stat s;
    if (stat(path, &s)) fail(code, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(s.st_mode)) fail(code, "%s is a folder: name a file", path);
    if (!S_ISREG(s.st_mode)) fail(code, "%s is no file: copy what it gives into one", path);
    FILE *f = fopen(path, "rb");
    if (!f || !hash_stream(hex, f, NULL)) fail(code, "cannot read %s: %s", path, strerror(errno));
    fclose(f);
}

/* A pipe can be read once: it is kept in a file, to be hashed, looked at, and read. */
static void keep_pipe(input *in, const char *path) {
    const int is_stdin = !strcmp(path, "-");
    if (is_stdin && isatty(STDIN_FILENO))
        fail(END_USAGE, "- stands for a pipe, but nothing is piped: name a file, or put "
                        "'command |' in front");
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    if (!f) fail(END_DATA, "cannot read %s: %s", path, strerror(errno));
    char *name = temporary_file(".csv");
    FILE *kept = fopen(name, "wb");
    if (!kept)
        fail(END_FAILED, "cannot write to %s: %s; set TMPDIR to a folder with room", name,
             strerror(errno));
    const int good = hash_stream(in->hash, f, kept);
    if (fclose(kept) || !good)
        fail(END_FAILED, "cannot keep what is piped in %s: %s; set TMPDIR to a folder with room",
             name, strerror(errno));
    if (!is_stdin) fclose(f);
    in->path = name;
    snprintf(in->shown, sizeof in->shown, "%s", is_stdin ? "standard input" : path);
}

/* A message that names the kept file is told with the name that the user knows. */
static void check_table(const input *in, sgm_status status) {
    if (status == SGM_OK) return;
    const char *message = sgm_error(), *at = strstr(message, in->path);
    fprintf(stderr, "sgm %s: ", subcommand);
    if (at && strcmp(in->path, in->shown))
        fprintf(stderr, "%.*s%s%s\n", (int)(at - message), message, in->shown,
                at + strlen(in->path));
    else fprintf(stderr, "%s\n", message);
    say("more about it: sgm explain %s\n", sgm_status_name(status));
    exit(status == SGM_NO_MEMORY ? END_FAILED : END_DATA);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The hash of what `sha256sum *` prints in a folder, in the C locale: of names and contents. */
static void hash_folder(char hex[65], const char *path) {
    DIR *folder = opendir(path);
    struct dirent *e;
    struct stat s;
    char **names = NULL, file[4200], of[65];
    size_t n = 0, most = 0;
    sha256 hash = {{0}, 0, {0}};
    sha256_add(&hash, "", 0);
    while (folder && (e = readdir(folder)) != NULL) {
        snprintf(file, sizeof file, "%.3000s/%.1000s", path, e->d_name);
        if (e->d_name[0] == '.' || stat(file, &s) || !S_ISREG(s.st_mode)) continue;
        if (n == most) {
            most = 2 * most + 64;
            names = (char **)realloc(names, most * sizeof *names);
            if (!names) fail(END_FAILED, "no memory for the names in %s", path);
        }
        names[n] = strcpy((char *)room(strlen(e->d_name) + 1, 1), e->d_name), n++;
    }
    if (folder) closedir(folder);
    if (n) qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        snprintf(file, sizeof file, "%.3000s/%.1000s", path, names[i]);
        hash_file(of, file, END_DATA);
        sha256_add(&hash, of, 64), sha256_add(&hash, "  ", 2);
        sha256_add(&hash, names[i], strlen(names[i])), sha256_add(&hash, "\n", 1);
        free(names[i]);
    }
    free(names);
    sha256_end(&hash, hex);
}

static void read_pictures(input *in, const request *r, const char *path, const sgm_table *like) {
    pictures_options how = {r->h, r->w, r->is_gray};
    if (like && like->h < 1)
        fail(END_DATA, "%s is a folder, and the model is of a table: name a table", path);
    if (like) how.h = like->h, how.w = like->w, how.gray = like->channels == 1;
    if (pictures_load(&in->table, path, &how, is_quiet ? NULL : stderr))
        fail(END_DATA, "%s", pictures_error());
    if (like && like->d != in->table.d)
        fail(END_DATA, "the pictures in %s have no colours, and the model's have", path);
    hash_folder(in->hash, path);
}

/* Names of columns that a model does not need, where all that it needs are there: see sheet.h. */
static void add_extras(const request *r, const input *in, const sgm_table *like,
                       const char ***drop, int *n_drop);

/* Reads DATA; with `like`, as the rows of that model's table. */
static void read_input(input *in, const request *r, const char *path, const sgm_table *like) {
    struct stat s;
    memset(in, 0, sizeof *in);
    in->path = path;
    snprintf(in->shown, sizeof in->shown, "%s", path);
    const char **drop = NULL;
    int n_drop = 0;
    for (int i = 0; i < r->n_drop; i++) list_add(&drop, &n_drop, r->drop[i]);
    if (!strcmp(path, "-")) {
        keep_pipe(in, path);
    } else if (stat(path, &s)) {
        fail(END_DATA, "cannot read %s: %s", path, strerror(errno));
    } else if (S_ISDIR(s.st_mode)) {
        read_pictures(in, r, path, like);
        return;
    } else if (S_ISFIFO(s.st_mode)) {
        keep_pipe(in, path);
    } else hash_file(in->hash, path, END_DATA);
    if (like && like->column) add_extras(r, in, like, &drop, &n_drop);
    sgm_table_options how = {.csv = r->csv, .weight = r->weight, .drop = drop, .kinds = r->kinds,
                             .n_drop = n_drop, .n_kinds = r->n_kinds, .like = like};
    check_table(in, sgm_table_load(&in->table, in->path, &how));
    free(drop);
    if (r->h && in->table.h && (in->table.h != r->h || in->table.w != r->w))
        say("%s holds pictures of %d x %d; --size is for folders\n", in->shown, in->table.h,
            in->table.w);
}

static void input_free(input *in) {
    sgm_table_free(&in->table);
    for (int i = 0; i < 4; i++)
        if (in->path == left_over[i]) unlink(left_over[i]), left_over[i][0] = 0;
}

typedef struct column_facts {
    double low, high, mean, sd;
    long known;
    int is_whole;
    sgm_kind kind; /* as sgm_fit takes it */
} column_facts;

static column_facts facts_of(const sgm_table *t, int j) {
    column_facts f = {INFINITY, -INFINITY, 0, 0, 0, 1, SGM_KIND_NUMBER};
    double spread = 0;
    for (long i = 0; i < t->n; i++) {
        const double x = t->x[i * t->d + j];
        if (x != x) continue;
        const double step = x - f.mean;
        f.known++, f.mean += step / (double)f.known, spread += step * (x - f.mean);
        if (x < f.low) f.low = x;
        if (x > f.high) f.high = x;
        if (x != floor(x)) f.is_whole = 0;
    }
    if (!f.known) f.low = f.high = f.mean = NAN;
    f.sd = f.known > 1 ? sqrt(spread / (double)(f.known - 1)) : NAN;
    if (t->column) f.kind = t->column[j].kind;
    if (!t->column || f.kind == SGM_KIND_AUTO)
        f.kind = t->column && t->column[j].level ? SGM_KIND_CATEGORY
               : f.is_whole && f.known && !t->h  ? SGM_KIND_INTEGER
                                                 : SGM_KIND_NUMBER;
    return f;
}

static const char *kind_name(sgm_kind kind) {
    return kind == SGM_KIND_CATEGORY ? "category" : kind == SGM_KIND_INTEGER ? "integer"
         : kind == SGM_KIND_NUMBER   ? "number" : "auto";
}

static void print_levels(FILE *to, const sgm_column *c) {
    fprintf(to, "%d level%s", c->n_levels, c->n_levels == 1 ? "" : "s");
    for (int k = 0; c->level && k < c->n_levels && k < 6; k++)
        fprintf(to, "%s %.24s", k ? "," : ":", c->level[k]);
    if (c->n_levels > 6) fprintf(to, ", ...");
}

static void print_column(FILE *to, const sgm_table *t, int j, const column_facts *f) {
    char column[4096];
    column_name(column, sizeof column, t, j);
    fprintf(to, "  %-20.40s %-8s  ", column, kind_name(f->kind));
    if (t->column && f->kind == SGM_KIND_CATEGORY && t->column[j].n_levels)
        print_levels(to, t->column + j);
    else if (f->low <= f->high) fprintf(to, "%.6g to %.6g", f->low, f->high);
    else fprintf(to, "nothing is known");
    if (f->known && f->kind != SGM_KIND_CATEGORY) fprintf(to, ", mean %.4g", f->mean);
    if (f->known < t->n) fprintf(to, "; %ld missing", t->n - f->known);
    fputc('\n', to);
}

/* What was understood of a table: a line for each of the first `most` columns. */
static void print_table(FILE *to, const char *name, const sgm_table *t, int most) {
    long missing = 0;
    for (long i = 0; i < t->n * t->d; i++) missing += t->x[i] != t->x[i];
    fprintf(to, "%s: %ld row%s, %d column%s", name, t->n, t->n == 1 ? "" : "s", t->d,
            t->d == 1 ? "" : "s");
    if (t->h > 0) fprintf(to, ": pictures of %d x %d x %d", t->h, t->w, t->channels);
    if (t->weight) fprintf(to, ", weighted");
    if (missing)
        fprintf(to, "; %ld values (%.3g %%) are missing", missing,
                100. * (double)missing / ((double)t->n * t->d));
    fputc('\n', to);
    for (int j = 0; j < t->d && j < most && t->h < 1; j++) {
        const column_facts f = facts_of(t, j);
        print_column(to, t, j, &f);
    }
    if (t->d > most && t->h < 1) fprintf(to, "  and %d more columns\n", t->d - most);
}

/* The same of a model, which has no rows, but the range of each column. */
static void print_columns(FILE *to, const sgm_fitted *m) {
    const sgm_table *t = &m->table;
    if (t->h > 0) fprintf(to, "Pictures of %d x %d x %d.\n", t->h, t->w, t->channels);
    for (int j = 0; j < t->d && t->h < 1; j++) {
        column_facts f = facts_of(t, j);
        f.low = m->code.low[j], f.high = m->code.high[j];
        print_column(to, t, j, &f);
    }
}

static void json_table(text *s, const sgm_table *t) {
    char name[4096];
    text_add(s, "\"rows\":%ld,\"columns\":[", t->n);
    for (int j = 0; j < t->d; j++) {
        const column_facts f = facts_of(t, j);
        const sgm_column *c = t->column ? t->column + j : NULL;
        column_name(name, sizeof name, t, j);
        text_add(s, j ? ",\n{" : "\n{");
        text_pair_word(s, "name", name), text_pair_word(s, "kind", kind_name(f.kind));
        if (t->n > 0) {
            text_pair(s, "low", f.low), text_pair(s, "high", f.high);
            text_pair(s, "mean", f.mean), text_pair(s, "sd", f.sd);
            text_add(s, ",\"missing\":%ld", t->n - f.known);
        }
        if (c && c->level) {
            text_add(s, ",\"levels\":[");
            for (int k = 0; k < c->n_levels; k++)
                text_add(s, k ? "," : ""), text_json(s, c->level[k]);
            text_add(s, "]");
        }
        text_add(s, "}");
    }
    text_add(s, "]");
    if (t->h > 0)
        text_add(s, ",\"h\":%d,\"w\":%d,\"channels\":%d", t->h, t->w, t->channels);
}
