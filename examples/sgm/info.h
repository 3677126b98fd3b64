/*
sgm info: what a file holds. A fitted model tells everything; any other safetensors file its arrays
and texts; a table what is understood of it; and every output of sgm how it was made.
*/

static int is_safetensors(const char *path) {
    unsigned char head[9];
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(head, 1, 9, f) : 0;
    if (f) fclose(f);
    return n == 9 && head[8] == '{' && !head[7] && !head[6] && !head[5];
}

static void print_origin(const char *origin) {
    static const char *const keys[6] = {"command", "interrupted", "seed", "model", "data", "sgm"};
    static const char *const names[6] = {"made by", "ended", "seed", "model", "data", "version"};
    for (int i = 0; i < 6; i++) {
        text value = {0};
        if (origin_value(&value, origin, keys[i])) printf("%-8s  %s\n", names[i], value.s);
        free(value.s);
    }
}

static void info_model(const request *r, const sgm_fitted *f, const char *hash,
                       const char *origin) {
    char *words = words_of(f);
    text s = {0};
    if (r->is_json) {
        text_add(&s, "{\"model\":"), text_json(&s, r->file[0]);
        text_add(&s, ",\"sha256\":\"%s\",\"origin\":%s,", hash, origin ? origin : "null");
        json_table(&s, &f->table);
        text_add(&s, ",\n\"report\":"), json_report(&s, &f->report), text_add(&s, "}\n");
    } else text_add(&s, "%s", words);
    fputs(s.s, stdout);
    if (!r->is_json) {
        print_columns(stdout, f);
        printf("%-8s  %s\n", "sha256", hash);
        if (origin) print_origin(origin);
    }
    free(words), free(s.s);
}

/* A safetensors file that is no fitted model. */
static void info_archive(const request *r, const char *hash) {
    sgm_archive a;
    text s = {0};
    check(sgm_archive_load(&a, r->file[0]), END_MODEL);
    if (r->is_json) text_add(&s, "{\"sha256\":\"%s\",\"meta\":{", hash);
    else text_add(&s, "%s: safetensors, but no fitted model\nsha256    %s\n", r->file[0], hash);
    for (int i = 0; i < a.n_meta; i++)
        if (r->is_json) text_pair_word(&s, a.meta[2 * i], a.meta[2 * i + 1]);
        else text_add(&s, "  %s: %.200s\n", a.meta[2 * i], a.meta[2 * i + 1]);
    if (r->is_json) text_add(&s, "},\"arrays\":{");
    for (int i = 0; i < a.n_arrays; i++) {
        if (r->is_json) {
            if (i) text_add(&s, ",");
            text_json(&s, a.arrays[i].name);
            text_add(&s, ":[%ld,%ld]", a.arrays[i].rows, a.arrays[i].cols);
        } else
            text_add(&s, "  %s: %ld x %ld\n", a.arrays[i].name, a.arrays[i].rows,
                     a.arrays[i].cols);
    }
    if (r->is_json) text_add(&s, "}}\n");
    fputs(s.s, stdout);
    sgm_archive_free(&a), free(s.s);
}

static void info_table(const request *r, const char *origin) {
    input in;
    text s = {0};
    read_input(&in, r, r->file[0], NULL);
    if (r->is_json) {
        text_add(&s, "{\"table\":"), text_json(&s, in.shown);
        text_add(&s, ",\"sha256\":\"%s\",\"origin\":%s,", in.hash, origin ? origin : "null");
        json_table(&s, &in.table), text_add(&s, "}\n");
        fputs(s.s, stdout);
    } else {
        print_table(stdout, in.shown, &in.table, INT_MAX);
        printf("%-8s  %s\n", "sha256", in.hash);
        if (origin) print_origin(origin);
    }
    free(s.s), input_free(&in);
}

/* Of pictures, scripts and programs only the origin is known. */
static int is_drawn(const char *path) {
    char head[9] = "";
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(head, 1, 8, f) : 0;
    if (f) fclose(f);
    return n > 2 && (!memcmp(head, "\x89PNG", 4) || head[0] == '{' ||
                     (head[0] == 'P' && head[1] > '0' && head[1] < '7' && head[2] <= ' ') ||
                     ends_with(path, ".gp") || ends_with(path, ".dat") || ends_with(path, ".c") ||
                     !memcmp(head, "\0asm", 4));
}

static int run_info(request *r) {
    const char *path = r->file[0];
    struct stat st;
    char hash[65] = "";
    text origin = {0};
    sgm_fitted f;
    const int is_file = strcmp(path, "-") && !stat(path, &st) && S_ISREG(st.st_mode);
    int is_model = is_file && is_safetensors(path), is_fitted = 0;
    if (is_model) {
        hash_file(hash, path, END_MODEL);
        is_fitted = sgm_fitted_open(&f, path) == SGM_OK;
        if (is_fitted && f.note) text_add(&origin, "%s", f.note);
    } else if (is_file) find_origin(&origin, path);
    if (r->only_command) {
        text line = {0};
        if (!origin.s || !origin_value(&line, origin.s, "command"))
            fail(END_DATA, "%s does not tell how it was made", path);
        if (strstr(origin.s, "\"interrupted\":"))
            say("Ctrl-C ended the training then; this trains to the end\n");
        puts(line.s), free(line.s);
    } else if (is_fitted) {
        info_model(r, &f, hash, origin.s);
    } else if (is_model) {
        info_archive(r, hash);
    } else if (is_file && is_drawn(path)) {
        if (!origin.s) fail(END_DATA, "%s does not tell how it was made", path);
        if (r->is_json) printf("%s\n", origin.s);
        else print_origin(origin.s);
    } else info_table(r, origin.s);
    if (is_fitted) sgm_fitted_free(&f);
    free(origin.s);
    return END_OK;
}
