/*
sgm export: the model as one file of C, or as WebAssembly, with its origin in a comment, or in a
section of its own (WebAssembly Core Specification, custom sections).
*/

static void text_file(text *t, const char *path) {
    static char block[1 << 16];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) fail(END_FAILED, "cannot read %s: %s", path, strerror(errno));
    while ((n = fread(block, 1, sizeof block, f)) > 0) text_bytes(t, block, n);
    fclose(f);
}

/* A whole number in groups of seven bits, the lowest first (LEB128). */
static void text_leb(text *t, size_t n) {
    for (; n > 127; n >>= 7) {
        const char low = (char)(n | 128);
        text_bytes(t, &low, 1);
    }
    const char last = (char)n;
    text_bytes(t, &last, 1);
}

/* Behind the eight bytes with which it begins. */
static void text_wasm(text *t, const text *made, const char *origin) {
    text_bytes(t, made->s, 8);
    text_bytes(t, "", 1), text_leb(t, 4 + strlen(origin));
    text_bytes(t, "\003sgm", 4), text_bytes(t, origin, strlen(origin));
    text_bytes(t, made->s + 8, made->n - 8);
}

/* A comment must not end within the command that it holds. */
static void text_comment(text *t, const char *origin) {
    text_add(t, "/* sgm ");
    for (const char *p = origin; *p; p++)
        text_add(t, *p == '*' && p[1] == '/' ? "*\\" : "%c", *p);
    text_add(t, " */\n");
}

static int run_export(request *r) {
    sgm_fitted f;
    sink s;
    char hash[65];
    text origin = {0}, made = {0}, whole_file = {0};
    if (r->format == FORMAT_AUTO && r->output && ends_with(r->output, ".wasm")) {
        r->format = FORMAT_WASM;
        r->word[r->n_words++] = "--format", r->word[r->n_words++] = "wasm";
    }
    const int is_wasm = r->format == FORMAT_WASM;
    check_output(r, r->output, is_wasm);
    open_model(&f, hash, r->file[0]);
    char *kept = temporary_file(is_wasm ? ".wasm" : ".c");
    check(is_wasm ? sgm_export_wasm(&f, kept) : sgm_export_c(&f, kept), END_FAILED);
    text_file(&made, kept);
    unlink(kept), *kept = 0;
    text_origin(&origin, r, hash, NULL);
    sink_open(&s, r, r->output, is_wasm);
    if (is_wasm && made.n > 8) text_wasm(&whole_file, &made, origin.s);
    else text_comment(&whole_file, origin.s), text_bytes(&whole_file, made.s, made.n);
    fwrite(whole_file.s, 1, whole_file.n, s.file);
    sink_close(&s);
    if (!is_wasm)
        say("try: cc -O2 -DMODEL_MAIN FILE.c -lm && ./a.out 5; its top tells how to call it\n");
    free(origin.s), free(made.s), free(whole_file.s);
    sgm_fitted_free(&f);
    return END_OK;
}
