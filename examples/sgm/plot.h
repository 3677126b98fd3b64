/*
sgm plot: every pair of some columns, samples and data over one another, with the marginals on the
diagonal; as a gnuplot script beside its numbers, which gnuplot turns into a picture.
*/

enum { PLOT_MOST = 8, PLOT_CELLS = 24 };

typedef struct plot {
    const sgm_fitted *fitted;
    const sgm_table *samples, *data; /* data: NULL if there is none */
    int column[PLOT_MOST], n;
} plot;

static void choose_columns(plot *p, const request *r, const sgm_table *t) {
    char name[4096];
    if (r->n_columns > PLOT_MOST) fail(END_USAGE, "--columns: at most %d", (int)PLOT_MOST);
    for (int k = 0; k < r->n_columns; k++) {
        int found = -1;
        for (int j = 0; j < t->d && found < 0; j++) {
            column_name(name, sizeof name, t, j);
            if (!strcmp(name, r->columns[k])) found = j;
        }
        if (found < 0) unknown_column(t, r->columns[k]);
        p->column[p->n++] = found;
    }
    if (p->n) return;
    for (p->n = 0; p->n < t->d && p->n < 5; p->n++) p->column[p->n] = p->n;
    if (t->d > p->n)
        say("the first %d of %d columns are drawn; --columns NAME,... takes others\n", p->n, t->d);
}

static void write_points(FILE *f, const plot *p, const sgm_table *t) {
    for (long i = 0; t && i < t->n; i++)
        for (int k = 0; k < p->n; k++) {
            const double x = t->x[i * t->d + p->column[k]];
            if (x == x) fprintf(f, "%.7g", x);
            else fputc('?', f);
            fputc(k + 1 < p->n ? ' ' : '\n', f);
        }
    if (!t || t->n < 1) fputs("?\n", f);
    fputs("\n\n", f);
}

/* Where a column's numbers lie, in samples and data together. */
static void plot_range(const plot *p, int k, double *low, double *high) {
    *low = INFINITY, *high = -INFINITY;
    for (int which = 0; which < 2; which++) {
        const sgm_table *t = which ? p->data : p->samples;
        for (long i = 0; t && i < t->n; i++) {
            const double x = t->x[i * t->d + p->column[k]];
            if (x < *low) *low = x;
            if (x > *high) *high = x;
        }
    }
    if (!(*low <= *high)) *low = 0, *high = 1;
    if (*high - *low <= 1e-12 * fabs(*low)) *low -= .5 + fabs(*low), *high += .5 + fabs(*high);
}

/* A column's marginals: the middle of each cell, and the density of samples and of data there. */
static void write_marginal(FILE *f, const plot *p, int k) {
    const int column = p->column[k], cells = sgm_fitted_cells(p->fitted, column, PLOT_CELLS);
    double *at = doubles(3, cells), *drawn = at + cells, *known = drawn + cells;
    check(sgm_fitted_marginal(p->fitted, at, drawn, NULL, cells, column, p->samples->x,
                              p->samples->n), END_FAILED);
    if (p->data)
        check(sgm_fitted_marginal(p->fitted, at, known, NULL, cells, column, p->data->x,
                                  p->data->n), END_DATA);
    for (int b = 0; b < cells; b++) fprintf(f, "%.7g %.7g %.7g\n", at[b], drawn[b], known[b]);
    fputs("\n\n", f);
    free(at);
}

/* A name inside quotes that gnuplot shows as it is. */
static void gp_word(FILE *f, const char *s) {
    fputc('"', f);
    for (int n = 0; *s && n < 200; s++, n++)
        if ((unsigned char)*s < 32 || strchr("\"\\`", *s)) fputc('.', f);
        else if (strchr("{}_^@&~", *s)) fprintf(f, "\\\\%c", *s);
        else fputc(*s, f);
    fputc('"', f);
}

/* The ticks of an axis: the levels of a category by name, or some four round numbers. */
static void write_tics(FILE *f, const sgm_table *t, int j, char axis, double low, double high) {
    const sgm_column *c = t->column ? t->column + j : NULL;
    if (!c || !c->level || c->n_levels > 8) {
        const double rough = (high - low) / 3, ten = pow(10, floor(log10(rough)));
        const double step = rough < 2 * ten ? ten : rough < 5 * ten ? 2 * ten : 5 * ten;
        fprintf(f, "set %ctics nomirror %.7g\n", axis, step);
        return;
    }
    fprintf(f, "set %ctics nomirror (", axis);
    for (int k = 0; k < c->n_levels; k++) {
        if (k) fputs(", ", f);
        gp_word(f, c->level[k]);
        fprintf(f, " %d", k);
    }
    fputs(")\n", f);
}

static void write_label(FILE *f, const sgm_table *t, int j, char axis, int is_shown) {
    char name[4096];
    column_name(name, sizeof name, t, j);
    fprintf(f, "set %clabel ", axis);
    gp_word(f, is_shown ? name : "");
    fputc('\n', f);
}

/* Row i and column j of the grid of panels. */
static void write_panel(FILE *f, const plot *p, int i, int j) {
    double low, high;
    const sgm_table *t = p->samples;
    plot_range(p, j, &low, &high);
    double edge = .04 * (high - low);
    if (facts_of(t, p->column[j]).kind != SGM_KIND_NUMBER && edge < .6) edge = .6;
    fprintf(f, "\nset origin %.5f, %.5f\nset xrange [%.7g:%.7g]\n", (double)j / p->n,
            .95 * (p->n - 1. - i) / p->n, low - edge, high + edge);
    write_tics(f, t, p->column[j], 'x', low, high);
    write_label(f, t, p->column[j], 'x', i == p->n - 1);
    write_label(f, t, p->column[i], 'y', j == 0 && i > 0);
    if (i == j) {
        fputs("set yrange [0:*]\nunset ytics\nplot ", f);
        if (p->data) fprintf(f, "dat index %d using 1:3 with boxes lc rgb pale notitle, ", 2 + i);
        fprintf(f, "dat index %d using 1:2 with histeps lw 2 lc rgb blue notitle\n", 2 + i);
        return;
    }
    plot_range(p, i, &low, &high);
    fprintf(f, "set yrange [%.7g:%.7g]\n", low - .04 * (high - low), high + .04 * (high - low));
    write_tics(f, t, p->column[i], 'y', low, high);
    fputs("plot ", f);
    if (p->data)
        fprintf(f, "dat index 1 using %d:%d with points pt 7 ps .5 lc rgb grey notitle, ", j + 1,
                i + 1);
    fprintf(f, "dat index 0 using %d:%d with points pt 7 ps .3 lc rgb blue notitle\n", j + 1,
            i + 1);
}

static void write_script(FILE *f, const plot *p, const char *base, const char *origin) {
    const int side = p->n < 3 ? 330 : 250;
    fprintf(f, "# sgm %s\n# Run by gnuplot in the folder of its numbers, '%s.dat': index 0 holds "
            "samples, 1 data,\n# from 2 on the marginals: middle of the bin, density of samples, "
            "of data.\n", origin, base);
    fprintf(f, "dat = '%s.dat'\nif (!exists('out')) out = '%s.png'\n"
            "blue = '#0072b2'; grey = '#999999'; pale = '#cccccc'\n"
            "if (strstrt(GPVAL_TERMINALS, 'pngcairo')) {\n"
            "    set terminal pngcairo enhanced font 'Sans,10' size %d,%d\n} else {\n"
            "    set terminal png enhanced font 'Sans,10' size %d,%d\n}\n", base, base,
            side * p->n, side * p->n, side * p->n, side * p->n);
    fprintf(f, "set output out\nset encoding utf8\nset datafile missing '?'\n"
            "set style fill solid 1\nset boxwidth 1 relative\nset border 3\n"
            "set tics nomirror out scale .5\nset lmargin 8\nset rmargin 1\n"
            "set multiplot\nset size %.5f, %.5f\n"
            "set label 1 \"samples\" at screen .99, .985 right textcolor rgb blue\n",
            1. / p->n, .95 / p->n);
    if (p->data)
        fputs("set label 2 \"data\" at screen .9, .985 right textcolor rgb grey\n", f);
    for (int i = 0; i < p->n; i++)
        for (int j = 0; j <= i; j++) {
            write_panel(f, p, i, j);
            if (!i) fputs("unset label\n", f);
        }
    fputs("unset multiplot\nset output\n", f);
}

/* Runs gnuplot in `folder`; the answer is its exit status, 127 if it is not there. */
static int run_gnuplot(const char *folder, const char *script, const char *png) {
    char out[4200];
    int status = 0;
    snprintf(out, sizeof out, "out='%s'", png);
    fflush(NULL);
    const pid_t child = fork();
    if (child < 0) return 126;
    if (child == 0) {
        if (chdir(folder)) _exit(126);
        execlp("gnuplot", "gnuplot", "-e", out, script, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

/* gnuplot's picture with the origin behind its first chunk, of 33 bytes with the signature. */
static void write_plot(const request *r, const char *made, const char *origin) {
    static char block[1 << 16];
    text png = {0};
    sink s;
    size_t n;
    FILE *f = fopen(made, "rb");
    if (!f || fread(block, 1, 33, f) != 33 || memcmp(block + 12, "IHDR", 4))
        fail(END_FAILED, "gnuplot has drawn nothing");
    text_bytes(&png, block, 33);
    png_origin(&png, origin);
    while ((n = fread(block, 1, sizeof block, f)) > 0) text_bytes(&png, block, n);
    fclose(f);
    sink_open(&s, r, r->output, 1);
    fwrite(png.s, 1, png.n, s.file);
    sink_close(&s);
    free(png.s);
}

static void write_numbers(FILE *f, const plot *p) {
    write_points(f, p, p->samples), write_points(f, p, p->data);
    for (int k = 0; k < p->n; k++) write_marginal(f, p, k);
}

/* Where script and numbers go: beside the output, or, for standard output, files that vanish. */
static void plot_base(const request *r, char base[4096]) {
    if (!is_stdout(r->output)) {
        snprintf(base, 4096, "%s", r->output);
        char *dot = strrchr(base, '.');
        if (!dot || (strcmp(dot, ".png") && strcmp(dot, ".gp")))
            fail(END_USAGE, "a plot is FILE.png, or FILE.gp for the script alone");
        *dot = 0;
        const char *name = strrchr(base, '/') ? strrchr(base, '/') + 1 : base;
        if (!*name || strpbrk(name, "'\"\\`\n"))
            fail(END_USAGE, "the name of a plot needs letters, and no quotes: gnuplot reads it");
        return;
    }
    temporary_file(".gp");
    snprintf(base, 4096, "%.4000s", temporary_file(".dat"));
    *strrchr(base, '.') = 0;
}

static void draw_plot(const request *r, const plot *p, const char *origin) {
    char base[4096], file[4200], folder[4096], *slash;
    sink s;
    plot_base(r, base);
    const int only_script = r->output && ends_with(r->output, ".gp");
    strcpy(folder, base);
    slash = strrchr(folder, '/');
    const char *name = slash ? strrchr(base, '/') + 1 : base;
    if (slash) slash[slash == folder] = 0;
    snprintf(file, sizeof file, "%s.gp", base), check_output(r, file, 0);
    snprintf(file, sizeof file, "%s.dat", base), sink_open(&s, r, file, 0);
    fprintf(s.file, "# sgm %s\n", origin), write_numbers(s.file, p), sink_close(&s);
    snprintf(file, sizeof file, "%s.gp", base), sink_open(&s, r, file, 0);
    write_script(s.file, p, name, origin), sink_close(&s);
    if (only_script) return;
    char *made = temporary_name(base);
    const char *made_name = strrchr(made, '/') ? strrchr(made, '/') + 1 : made;
    snprintf(file, sizeof file, "%s.gp", name);
    const int status = run_gnuplot(slash ? folder : ".", file, made_name);
    if (status == 127)
        fail(END_FAILED, "there is no gnuplot here, so no picture; %s.gp and %s.dat are what it "
                         "needs (Debian: apt-get install gnuplot-nox)", base, base);
    if (status) fail(END_FAILED, "gnuplot ended with status %d", status);
    write_plot(r, made, origin);
    unlink(made), *made = 0;
}

static int run_plot(request *r) {
    sgm_fitted f;
    sgm_table samples;
    input in;
    plot p;
    char hash[65];
    text origin = {0};
    memset(&in, 0, sizeof in), memset(&p, 0, sizeof p);
    if (!r->output && isatty(STDOUT_FILENO)) fail(END_USAGE, "where shall it go? -o FILE.png");
    check_output(r, r->output, 1);
    open_model(&f, hash, r->file[0]);
    if (r->data) read_input(&in, r, r->data, &f.table), p.data = &in.table;
    const long n = r->n ? r->n : r->data && in.table.n < 2000 ? in.table.n : 2000;
    check(sgm_table_init(&samples, &f.table, n), END_FAILED);
    p.samples = &samples, p.fitted = &f;
    choose_columns(&p, r, &f.table);
    check(sgm_fitted_sample(&f, samples.x, n, sgm_key_init(r->seed)), END_FAILED);
    text_origin(&origin, r, hash, r->data ? in.hash : NULL);
    draw_plot(r, &p, origin.s);
    if (r->data) input_free(&in);
    remove_left_over();
    sgm_table_free(&samples), sgm_fitted_free(&f), free(origin.s);
    return END_OK;
}
