/*
A CSV file as text, for answers that repeat their rows: what was there comes back byte by byte, with
the columns that the model does not know, and only what is answered is put in or behind.
*/

typedef struct sheet {
    FILE *f;
    long n, *at;             /* rows, and where each begins                     */
    int fields, *place;      /* (d) the field of each of the model's columns; -1: it has none  */
    char separator, decimal;
    text line;               /* the record read last, without its end           */
    size_t *from;            /* (fields + 1) where its fields begin             */
} sheet;

/* The next record that is no comment and not empty: a line, or more while a quote is open. */
static int next_record(sheet *s, long *at) {
    int c, quotes = 0;
    for (;;) {
        s->line.n = 0, *at = ftell(s->f);
        while ((c = getc(s->f)) != EOF && (c != '\n' || quotes % 2)) {
            const char letter = (char)c;
            quotes += c == '"';
            if (c) text_bytes(&s->line, &letter, 1);
            else return 0;
        }
        while (s->line.n && s->line.s[s->line.n - 1] == '\r') s->line.s[--s->line.n] = 0;
        if (s->line.n && s->line.s[0] != '#' && s->line.s[strspn(s->line.s, " \t")]) return 1;
        if (c == EOF) return 0;
    }
}

/* Where the fields of the record begin; the answer is how many there are, at most `most`. */
static int split_record(const sheet *s, size_t *from, int most) {
    int n = 1, quotes = 0;
    from[0] = 0;
    for (size_t i = 0; i < s->line.n; i++) {
        quotes += s->line.s[i] == '"';
        if (s->line.s[i] != s->separator || quotes % 2) continue;
        if (n == most) return most + 1;
        from[n++] = i + 1;
    }
    from[n] = s->line.n + 1;
    return n;
}

/* Whether field i of the record is this name, with or without blanks and quotes. */
static int field_is(const sheet *s, const size_t *from, int i, const char *name) {
    const char *p = s->line.s + from[i], *end = s->line.s + from[i + 1] - 1;
    if (i == 0 && end - p >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) p += 3;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    while (p < end && (end[-1] == ' ' || end[-1] == '\t')) end--;
    const int quoted = end - p >= 2 && *p == '"' && end[-1] == '"';
    for (p += quoted, end -= quoted; p < end && *name; p++, name++) {
        if (quoted && *p == '"' && p + 1 < end && p[1] == '"') p++;
        if (*p != *name) return 0;
    }
    return p == end && !*name;
}

static void sheet_close(sheet *s) {
    if (s->f) fclose(s->f);
    free(s->at), free(s->place), free(s->from), free(s->line.s);
    memset(s, 0, sizeof *s);
}

/* Reads the line of names with this separator; the answer is how many columns it knows. */
static int sheet_names(sheet *s, const sgm_table *like, char separator) {
    int known = 0;
    char name[4096];
    size_t commas = 2;
    s->separator = separator;
    for (size_t i = 0; i < s->line.n; i++) commas += s->line.s[i] == separator;
    free(s->from);
    s->from = (size_t *)room(commas, sizeof *s->from);
    s->fields = split_record(s, s->from, (int)commas - 1);
    for (int j = 0; j < like->d; j++) {
        s->place[j] = -1;
        column_name(name, sizeof name, like, j);
        for (int i = 0; i < s->fields && s->place[j] < 0; i++)
            if (field_is(s, s->from, i, name)) s->place[j] = i;
        known += s->place[j] >= 0;
    }
    return known;
}

/* The name in field i of the record, without blanks and quotes. Lives as long as the program. */
static const char *field_name(const sheet *s, int i) {
    const size_t n = s->from[i + 1] - 1 - s->from[i];
    char *name = (char *)room(n + 1, 1), *to = name;
    const char *p = s->line.s + s->from[i], *end = p + n;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    while (p < end && (end[-1] == ' ' || end[-1] == '\t')) end--;
    const int quoted = end - p >= 2 && *p == '"' && end[-1] == '"';
    for (p += quoted, end -= quoted; p < end; p++) {
        if (quoted && *p == '"' && p + 1 < end && p[1] == '"') p++;
        *to++ = *p;
    }
    return name;
}

/* A column that is mistyped must not be taken for one that is missing, and another for one to be
ignored: so columns are ignored only where none is missing. */
static void add_extras(const request *r, const input *in, const sgm_table *like,
                       const char ***drop, int *n_drop) {
    const char tried[4] = {r->csv.separator ? r->csv.separator : ';', '\t', ',', 0};
    sheet s;
    long at;
    int known = 0;
    memset(&s, 0, sizeof s);
    s.f = like->h > 0 || r->csv.header == SGM_HEADER_NONE ? NULL : fopen(in->path, "rb");
    s.place = (int *)room((size_t)like->d, sizeof *s.place);
    if (s.f && next_record(&s, &at))
        for (int i = 0; i < (r->csv.separator ? 1 : 3) && known < like->d; i++)
            known = sheet_names(&s, like, tried[i]);
    for (int i = 0; i < s.fields && known == like->d; i++) {
        int used = 0;
        for (int j = 0; j < like->d && !used; j++) used = s.place[j] == i;
        for (int k = 0; k < *n_drop && !used; k++) used = field_is(&s, s.from, i, (*drop)[k]);
        if (used || *n_drop >= MOST_WORDS) continue;
        const char *name = field_name(&s, i);
        if (!*drop) *drop = (const char **)room(MOST_WORDS, sizeof **drop);
        (*drop)[(*n_drop)++] = name;
        say("%s: column '%.60s' is not the model's, and ignored\n", in->shown, name);
    }
    sheet_close(&s);
}

/* 1 if DATA is a CSV file that begins with names, in a form that is understood here as it was by
sgm_table_load: as many rows. Else its rows are written from the table. */
static int sheet_open(sheet *s, const request *r, const input *in, const sgm_table *like) {
    const char tried[4] = {r->csv.separator ? r->csv.separator : ';', '\t', ',', 0};
    long at;
    int known = 0;
    memset(s, 0, sizeof *s);
    s->f = like->h > 0 || r->csv.header == SGM_HEADER_NONE ? NULL : fopen(in->path, "rb");
    s->at = (long *)room((size_t)in->table.n + 1, sizeof *s->at);
    s->place = (int *)room((size_t)like->d, sizeof *s->place);
    if (!s->f || !next_record(s, &at)) return sheet_close(s), 0;
    for (int i = 0; i < (r->csv.separator ? 1 : 3) && !known; i++)
        known = sheet_names(s, like, tried[i]);
    while (known && next_record(s, &at)) {
        if (s->n == in->table.n || split_record(s, s->from, s->fields) != s->fields) known = 0;
        else s->at[s->n++] = at;
    }
    if (!known || s->n != in->table.n || ferror(s->f)) return sheet_close(s), 0;
    s->decimal = r->csv.decimal ? r->csv.decimal : s->separator == ';' ? 0 : '.';
    return 1;
}

/* 1,5;2: a comma, unless a field of the first rows has a point. */
static void sheet_decimal(sheet *s) {
    long at;
    for (long i = 0; !s->decimal && i < s->n && i < 100; i++) {
        fseek(s->f, s->at[i], SEEK_SET);
        if (!next_record(s, &at)) break;
        if (strchr(s->line.s, '.')) s->decimal = '.';
        else if (strchr(s->line.s, ',')) s->decimal = ',';
    }
    if (!s->decimal) s->decimal = '.';
}

static void sheet_value(FILE *f, const sheet *s, const sgm_table *t, int j, double x) {
    const char *level = t ? level_of(t, j, x) : NULL;
    text number = {0};
    if (level) csv_field(f, level);
    else if (isinf(x)) fputs(x < 0 ? "-inf" : "inf", f);
    else if (x == x) {
        text_number(&number, x);
        for (char *p = number.s; *p; p++)
            if (*p == '.') *p = s->decimal;
        fputs(number.s, f);
    }
    free(number.s);
}

static void sheet_first(FILE *f, sheet *s, const char *origin, int with_row) {
    long at;
    fprintf(f, "# sgm %s\n", origin);
    sheet_decimal(s);
    rewind(s->f);
    next_record(s, &at);
    const int mark = s->line.n >= 3 && !memcmp(s->line.s, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (with_row) fprintf(f, "row%c", s->separator);
    fwrite(s->line.s + mark, 1, s->line.n - (size_t)mark, f);
}

/* The rows, in this order if there is one, with answers (n) behind each. */
static void write_behind(FILE *f, sheet *s, const char *origin, const char *const *names,
                         double *const *answer, int n_answers, const long *order, int with_row) {
    long at;
    sheet_first(f, s, origin, with_row);
    for (int k = 0; k < n_answers; k++) fprintf(f, "%c%s", s->separator, names[k]);
    fputc('\n', f);
    for (long i = 0; i < s->n && !ferror(f); i++) {
        const long from = order ? order[i] : i;
        fseek(s->f, s->at[from], SEEK_SET);
        next_record(s, &at);
        if (with_row) fprintf(f, "%ld%c", from + 1, s->separator);
        fwrite(s->line.s, 1, s->line.n, f);
        for (int k = 0; k < n_answers; k++)
            fputc(s->separator, f), sheet_value(f, s, NULL, 0, answer[k][from]);
        fputc('\n', f);
    }
}

static void sheet_name(FILE *f, const sheet *s, const sgm_table *t, int j, const char *end) {
    char name[4200];
    column_name(name, sizeof name - 8, t, j);
    strcat(name, end);
    fputc(s->separator, f), csv_field(f, name);
}

/* The rows with what was missing filled in, columns that were not there behind; and deviations. */
static void write_filled(FILE *f, sheet *s, const char *origin, const sgm_table *t,
                         const double *x, const double *out, const double *se) {
    long at;
    int *column = (int *)room((size_t)s->fields, sizeof *column);
    for (int j = t->d; j-- > 0;)
        if (s->place[j] >= 0) column[s->place[j]] = j + 1;
    sheet_first(f, s, origin, 0);
    for (int j = 0; j < t->d; j++)
        if (s->place[j] < 0) sheet_name(f, s, t, j, "");
    for (int j = 0; j < t->d && se; j++) sheet_name(f, s, t, j, "_se");
    fputc('\n', f);
    for (long i = 0; i < s->n && !ferror(f); i++) {
        fseek(s->f, s->at[i], SEEK_SET);
        next_record(s, &at);
        split_record(s, s->from, s->fields);
        for (int k = 0; k < s->fields; k++) {
            const int j = column[k] - 1;
            if (k) fputc(s->separator, f);
            if (j >= 0 && x[i * t->d + j] != x[i * t->d + j])
                sheet_value(f, s, t, j, out[i * t->d + j]);
            else fwrite(s->line.s + s->from[k], 1, s->from[k + 1] - 1 - s->from[k], f);
        }
        for (int j = 0; j < t->d; j++)
            if (s->place[j] < 0)
                fputc(s->separator, f), sheet_value(f, s, t, j, out[i * t->d + j]);
        for (int j = 0; j < t->d && se; j++)
            fputc(s->separator, f), sheet_value(f, s, NULL, 0, se[i * t->d + j]);
        fputc('\n', f);
    }
    free(column);
}
