/*
What is written: whole or not at all, never over a file that is there without --force, and with the
command, the key and the hashes that recreate it (its origin) inside.
*/

typedef struct sink {
    FILE *file;
    char target[4096], *temporary; /* NULL: written through, to standard output or a pipe */
    mode_t mode;                   /* of the file that is there; 0: none                  */
    int is_forced;
} sink;

static int is_stdout(const char *path) { return !path || !strcmp(path, "-"); }

/* What is read is not replaced, even with --force, unless its rows come back with what was missing
or asked for. */
static void check_inputs(const request *r, const char *path, const struct stat *s) {
    struct stat in;
    for (int i = 0; i <= r->n_files; i++) {
        const char *file = i < r->n_files ? r->file[i] : r->data;
        const int comes_back = i == 1 && (r->sub == IMPUTE || r->is_append);
        if (!file || comes_back || stat(file, &in)) continue;
        if (in.st_dev == s->st_dev && in.st_ino == s->st_ino)
            fail(END_USAGE, "%s is read, and would be lost: another name for the output", path);
    }
}

/* Whether `path` may be written, asked before the work begins. */
static void check_output(const request *r, const char *path, int is_binary) {
    struct stat s;
    if (is_stdout(path)) {
        const int flags = fcntl(STDOUT_FILENO, F_GETFL);
        if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY)
            fail(END_FAILED, "standard output is closed: name a file with -o FILE");
        if (is_binary && isatty(STDOUT_FILENO))
            fail(END_USAGE, "this is no text for a terminal: -o FILE, or a pipe");
        return;
    }
    if (strlen(path) > 4000) fail(END_USAGE, "the name of the output is too long");
    if (stat(path, &s)) {
        char folder[4096];
        char *slash = strrchr(strcpy(folder, path), '/');
        if (slash) slash[slash == folder] = 0;
        if (slash && (stat(folder, &s) || !S_ISDIR(s.st_mode)))
            fail(END_USAGE, "there is no folder %s for the output", folder);
        if (access(slash ? folder : ".", W_OK))
            fail(END_FAILED, "%s cannot be written: its folder is read-only for you", path);
        return;
    }
    if (S_ISDIR(s.st_mode)) fail(END_USAGE, "%s is a directory: name a file", path);
    if (!S_ISREG(s.st_mode)) return;
    check_inputs(r, path, &s);
    if (!r->is_forced)
        fail(END_USAGE, "%s is there already and would be overwritten: --force replaces it", path);
    /* root may write anything, but is not meant to */
    if (!(s.st_mode & 0222) || access(path, W_OK))
        fail(END_FAILED, "%s is read-only: chmod u+w it first", path);
}

static char *temporary_of(const char *start, const char *end) {
    for (int i = 0; i < 4; i++)
        if (!left_over[i][0]) {
            snprintf(left_over[i], sizeof left_over[i], "%.4000s%.60s", start, end);
            return left_over[i];
        }
    fail(END_FAILED, "too many files are open at once");
    return NULL;
}

static char *temporary_name(const char *beside) {
    char end[40];
    snprintf(end, sizeof end, ".%ld.tmp", (long)getpid());
    return temporary_of(beside, end);
}

/* A file in a folder of TMPDIR that is this run's alone: nobody can have laid a link there. */
static char *temporary_file(const char *end) {
    const char *folder = getenv("TMPDIR");
    char start[4096];
    if (!own_folder[0]) {
        snprintf(start, sizeof start, "%.3000s/sgm.XXXXXX", folder && *folder ? folder : "/tmp");
        if (!mkdtemp(start))
            fail(END_FAILED, "cannot make a folder like %s: %s; set TMPDIR to one with room", start,
                 strerror(errno));
        snprintf(own_folder, sizeof own_folder, "%s", start);
    }
    snprintf(start, sizeof start, "%.3900s/part", own_folder);
    return temporary_of(start, end);
}

static void sink_open(sink *s, const request *r, const char *path, int is_binary) {
    struct stat old;
    check_output(r, path, is_binary);
    memset(s, 0, sizeof *s);
    s->is_forced = r->is_forced;
    if (is_stdout(path)) {
        s->file = stdout;
        return;
    }
    if (stat(path, &old) == 0) s->mode = old.st_mode;
    if (s->mode && !S_ISREG(s->mode)) { /* a pipe or a device has nothing to lose */
        s->file = fopen(path, "wb");
        strcpy(s->target, path);
    } else {
        char *real = s->mode ? realpath(path, NULL) : NULL; /* where a link leads */
        snprintf(s->target, sizeof s->target, "%s", real ? real : path);
        free(real);
        char *name = temporary_name(s->target);
        const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd >= 0) s->file = fdopen(fd, "wb"), s->temporary = name;
        else *name = 0;
    }
    if (!s->file) fail(END_FAILED, "cannot write %s: %s", path, strerror(errno));
}

/* The end of every output: what a full disk did not take is noticed here. */
static void sink_close(sink *s) {
    errno = 0;
    int bad = fflush(s->file) || ferror(s->file);
    if (!bad && s->temporary) bad = fsync(fileno(s->file)) && errno != EINVAL;
    int why = errno;
    if (s->file != stdout && fclose(s->file)) bad = 1, why = errno;
    if (!bad && s->temporary) {
        if (s->mode && chmod(s->temporary, s->mode & 07777)) errno = 0;
        bad = s->is_forced ? rename(s->temporary, s->target) : link(s->temporary, s->target);
        if (bad && !s->is_forced && errno != EEXIST) bad = rename(s->temporary, s->target);
        why = errno;
        if (!bad && !s->is_forced) unlink(s->temporary);
        if (!bad) s->temporary[0] = 0;
    }
    if (bad)
        fail(END_FAILED, "cannot write %s: %s; what was there is as it was",
             *s->target ? s->target : "to standard output", strerror(why ? why : EIO));
}

/* A word as a shell reads it. */
static void text_shell(text *t, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./,:=+@%";
    if (*word && word[strspn(word, plain)] == 0) {
        text_add(t, "%s", word);
        return;
    }
    text_add(t, "'");
    for (; *word; word++) text_add(t, *word == '\'' ? "'\\''" : "%c", *word);
    text_add(t, "'");
}

/* {"sgm":version,"command":…,"seed":…,"model":hash,"data":hash}. The command writes to standard
output, so that it does not depend on where its output was kept. */
static void text_origin(text *t, const request *r, const char *model, const char *data) {
    text line = {0};
    int dashes = 0;
    text_add(&line, "sgm %s", subcommand);
    for (int i = 0; i < r->n_files; i++) dashes |= r->file[i][0] == '-' && r->file[i][1];
    for (int i = 0; i < r->n_files && !dashes; i++)
        text_add(&line, " "), text_shell(&line, r->file[i]);
    for (int i = 0; i < r->n_words; i++) text_add(&line, " "), text_shell(&line, r->word[i]);
    if (r->is_json && r->sub & ROWS) text_add(&line, " --json");
    if (!(r->sub & EXPORT)) text_add(&line, " --seed %llu", (unsigned long long)r->seed);
    if (dashes) text_add(&line, " --");
    for (int i = 0; i < r->n_files && dashes; i++)
        text_add(&line, " "), text_shell(&line, r->file[i]);
    text_add(t, "{\"sgm\":\"%s\"", SGM_VERSION);
    if (line.n < 6000) text_pair_word(t, "command", line.s);
    text_add(t, ",\"seed\":%llu", (unsigned long long)r->seed);
    if (model && *model) text_add(t, ",\"model\":\"sha256:%s\"", model);
    if (data && *data) text_add(t, ",\"data\":\"sha256:%s\"", data);
    text_add(t, "}");
    free(line.s);
}

/* The origin in the first bytes of a file, whatever its format; 0: none. */
static int find_origin(text *t, const char *path) {
    static char head[1 << 17];
    struct stat s;
    if (stat(path, &s) || !S_ISREG(s.st_mode)) return 0;
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    const size_t n = fread(head, 1, sizeof head - 1, f);
    fclose(f);
    for (size_t i = 0; i + 8 < n; i++) {
        if (memcmp(head + i, "{\"sgm\":\"", 8)) continue;
        int in_text = 0;
        for (size_t j = i; j < n; j++) {
            if (in_text && head[j] == '\\') j++;
            else if (head[j] == '"') in_text = !in_text;
            else if (head[j] == '\n') break;
            else if (head[j] == '}' && !in_text) {
                text_bytes(t, head + i, j + 1 - i);
                return 1;
            }
        }
    }
    return 0;
}

static void text_utf8(text *t, unsigned long c) {
    if (c < 0x80) text_add(t, "%c", (int)c);
    else if (c < 0x800) text_add(t, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
    else if (c < 0x10000)
        text_add(t, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)),
                 (int)(0x80 | (c & 63)));
    else
        text_add(t, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)),
                 (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
}

/* A value of an origin: a text without its quotes, or a number as it stands; 0: it has none. */
static int origin_value(text *t, const char *origin, const char *key) {
    char find[40];
    snprintf(find, sizeof find, "\"%s\":", key);
    const char *at = strstr(origin, find);
    if (!at) return 0;
    at += strlen(find);
    if (*at != '"') {
        text_bytes(t, at, strcspn(at, ",}"));
        return 1;
    }
    for (at++; *at && *at != '"'; at++) {
        unsigned int c, low;
        if (*at != '\\') text_add(t, "%c", *at);
        else if (at[1] == 'u' && sscanf(at + 2, "%4x", &c) == 1 && strlen(at) > 5) {
            at += 5;
            if (c >= 0xd800 && c < 0xdc00 && sscanf(at + 1, "\\u%4x", &low) == 1)
                c = 0x10000 + ((c - 0xd800) << 10) + (low & 0x3ff), at += 6;
            text_utf8(t, c);
        } else if (at[1]) {
            at++;
            text_add(t, "%c", *at == 'n' ? '\n' : *at);
        }
    }
    return 1;
}

/* Rows of a table: a CSV file. Fields are quoted where they must be. */
static void csv_field(FILE *f, const char *s) {
    const int plain = *s && !s[strcspn(s, ",;\t\"'\r\n#")] && *s != ' ' && s[strlen(s) - 1] != ' ';
    if (plain) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"') fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

static void column_name(char *to, size_t size, const sgm_table *t, int j) {
    if (t->column && t->column[j].name) snprintf(to, size, "%s", t->column[j].name);
    else snprintf(to, size, "x%d", j + 1);
}

/* The name of the level of a value, or NULL where it is a number. */
static const char *level_of(const sgm_table *t, int j, double x) {
    const sgm_column *c = t->column ? t->column + j : NULL;
    if (!c || !c->level || !(x >= 0 && x < c->n_levels) || x != floor(x)) return NULL;
    return c->level[(int)x];
}

static void write_csv(FILE *f, const sgm_table *t, const char *origin) {
    char name[4096];
    text number = {0};
    fprintf(f, "# sgm %s\n", origin);
    for (int j = 0; j < t->d; j++) {
        column_name(name, sizeof name, t, j);
        if (j) fputc(',', f);
        csv_field(f, name);
    }
    fputc('\n', f);
    for (long i = 0; i < t->n && !ferror(f); i++)
        for (int j = 0; j < t->d; j++) {
            const double x = t->x[i * t->d + j];
            const char *level = level_of(t, j, x);
            if (level) csv_field(f, level);
            else if (x == x) {
                number.n = 0;
                if (isinf(x)) text_add(&number, x < 0 ? "-inf" : "inf");
                else text_number(&number, x);
                fputs(number.s, f);
            } else if (t->d == 1) fputs("NA", f); /* an empty line would be no row */
            fputc(j + 1 < t->d ? ',' : '\n', f);
        }
    free(number.s);
}

static void write_json(FILE *f, const sgm_table *t, const char *origin, const char *more) {
    char name[4096];
    text s = {0};
    text_add(&s, "{\"origin\":%s,%s\"columns\":[", origin, more ? more : "");
    for (int j = 0; j < t->d; j++) {
        column_name(name, sizeof name, t, j);
        text_add(&s, j ? "," : ""), text_json(&s, name);
    }
    text_add(&s, "],\n\"rows\":[");
    for (long i = 0; i < t->n && !ferror(f); i++) {
        text_add(&s, i ? ",\n[" : "\n[");
        for (int j = 0; j < t->d; j++) {
            const double x = t->x[i * t->d + j];
            const char *level = level_of(t, j, x);
            text_add(&s, j ? "," : "");
            if (level) text_json(&s, level);
            else text_number(&s, x);
        }
        text_add(&s, "]");
        fwrite(s.s, 1, s.n, f), s.n = 0;
    }
    fputs("\n]}\n", f);
    free(s.s);
}

/* numpy's format, float64. Its head is a line of Python, where a comment may stand: the origin. */
static void write_npy(FILE *f, const sgm_table *t, const char *origin) {
    static const union { uint16_t number; unsigned char first; } order = {1};
    text head = {0};
    text_add(&head, "{'descr': '%cf8', 'fortran_order': False, 'shape': (%ld, %d), } # sgm %s",
             order.first ? '<' : '>', t->n, t->d, strlen(origin) < 9000 ? origin : "{}");
    while ((head.n + 11) % 64) text_add(&head, " ");
    text_add(&head, "\n");
    const unsigned char begin[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0,
                                     (unsigned char)head.n, (unsigned char)(head.n >> 8)};
    fwrite(begin, 1, 10, f), fwrite(head.s, 1, head.n, f);
    fwrite(t->x, sizeof *t->x, (size_t)t->n * (size_t)t->d, f);
    free(head.s);
}
