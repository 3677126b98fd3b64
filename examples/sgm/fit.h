/*
sgm fit: a table in, a model out. Everything here only shows what sgm_fit does.
*/

static volatile sig_atomic_t was_shown; /* letters of the line of progress on the terminal */

static void show_time(text *s, double seconds) {
    if (!(seconds >= 0)) text_add(s, "?");
    else if (seconds < 100) text_add(s, "%.0f s", seconds);
    else if (seconds < 6000) text_add(s, "%.0f min", seconds / 60);
    else text_add(s, "%.1f h", seconds / 3600);
}

typedef struct progress {
    double next;      /* when a line is due, where lines cannot be written over */
    int is_terminal;
} progress;

/* One line that is written over; in a file or a pipe a line now, and ever more rarely. */
static int on_step(const sgm_fit_news *news, void *user) {
    progress *p = (progress *)user;
    text s = {0};
    const char *doing = news->doing ? news->doing : "training";
    if (is_quiet || (!p->is_terminal && news->seconds < p->next))
        return interrupted != 0;
    if (news->seconds >= p->next) p->next = 2 * news->seconds + 5;
    text_add(&s, "  %s", doing);
    if (news->steps > 0) text_add(&s, ", step %ld of %ld", news->step, news->steps);
    if (isfinite(news->held_loss)) text_add(&s, ", held-out loss %.4g", news->held_loss);
    if (isfinite(news->nll)) text_add(&s, ", NLL %.4g", news->nll);
    if (isfinite(news->nll_gauss)) text_add(&s, " (Gaussian %.4g", news->nll_gauss);
    if (isfinite(news->nll_kde))
        text_add(&s, "%sKDE %.4g", isfinite(news->nll_gauss) ? ", " : " (", news->nll_kde);
    if (isfinite(news->nll_gauss) || isfinite(news->nll_kde)) text_add(&s, ")");
    text_add(&s, "; "), show_time(&s, news->seconds);
    if (news->left > 0) text_add(&s, ", "), show_time(&s, news->left),
                                text_add(&s, " left");
    if (interrupted) text_add(&s, "; ending");
    if (p->is_terminal) {
        const int n = (int)s.n;
        fprintf(stderr, "\r%s%*s", s.s, was_shown > n ? was_shown - n : 0, "");
        was_shown = n;
    } else fprintf(stderr, "%s\n", s.s);
    fflush(stderr);
    free(s.s);
    return interrupted != 0;
}

static void end_progress(void) {
    if (was_shown) fputc('\n', stderr);
    was_shown = 0;
}

static void json_report(text *s, const sgm_fit_report *r) {
    text_add(s, "{\"rows\":%ld,\"held\":%ld,\"steps\":%ld,\"best_step\":%ld,\"members\":%d,"
             "\"width\":%d,\"depth\":%d,\"bent\":%d,\"turned\":%d", r->rows, r->held, r->steps,
             r->best_step, r->members, r->width, r->depth, r->bent, r->turned);
    text_pair(s, "shrink", r->shrink);
    text_pair(s, "sigma_max", r->sigma_max), text_pair(s, "sigma_min", r->sigma_min);
    text_pair(s, "nll", r->nll), text_pair(s, "nll_se", r->nll_se);
    text_pair(s, "nll_gauss", r->nll_gauss), text_pair(s, "nll_kde", r->nll_kde);
    text_pair(s, "sample_steps", r->sample_steps), text_pair(s, "distance", r->distance);
    text_pair(s, "floor", r->floor), text_pair(s, "memory", r->memory);
    text_add(s, ",\"stopped\":\"%s\"}", r->stopped == 1 ? "asked" : r->stopped ? "patience" : "no");
}

/* What sgm_fitted_print says, however long. */
static char *words_of(const sgm_fitted *f) {
    const int n = sgm_fitted_print(f, NULL, 0);
    char *words = (char *)room((size_t)(n > 0 ? n : 0) + 1, 1);
    if (n > 0) sgm_fitted_print(f, words, (size_t)n + 1);
    return words;
}

/* A model goes to a file, or through a file that is removed to standard output. */
static void save_model(const request *r, sgm_fitted *f, text *origin) {
    const char *path = r->output;
    char *kept = NULL;
    if (is_stdout(path)) path = kept = temporary_file(".safetensors");
    else check_output(r, path, 1);
    check(sgm_fitted_note(f, origin->s), END_FAILED);
    check(sgm_fitted_save(f, path), END_FAILED);
    if (!kept) return;
    char hex[65];
    FILE *in = fopen(kept, "rb");
    if (!in || !hash_stream(hex, in, stdout) || fflush(stdout))
        fail(END_FAILED, "cannot write the model to standard output: %s", strerror(errno));
    fclose(in);
    unlink(kept), *kept = 0;
}

static void tell_fit(const request *r, const sgm_fitted *f, const input *in) {
    text s = {0};
    char *words = words_of(f);
    say("%s", words);
    if (is_stdout(r->output)) say("%ld rows learnt\n", f->report.rows);
    else
        say("saved: %s; next: sgm sample %s -n 5\n", r->output, r->output);
    if (r->is_json && !is_stdout(r->output)) {
        text_add(&s, "{\"model\":"), text_json(&s, r->output);
        text_add(&s, ",\"data\":\"sha256:%s\",", in->hash), json_table(&s, &in->table);
        text_add(&s, ",\n\"report\":"), json_report(&s, &f->report);
        printf("%s}\n", s.s);
    }
    free(words), free(s.s);
}

enum { FIT_MOST_COLUMNS = 5000 }; /* covariances are d², and what turns by them d³ */

/* What sgm_fit would refuse late. */
static void check_columns(const input *in) {
    const sgm_table *t = &in->table;
    char name[4096];
    if (t->d > FIT_MOST_COLUMNS)
        fail(END_DATA, "%s has %d columns, and a fit takes at most %d: keep those that matter, or "
                       "put sums of them in their place", in->shown, t->d, (int)FIT_MOST_COLUMNS);
    for (int j = 0; j < t->d; j++) {
        const column_facts f = facts_of(t, j);
        column_name(name, sizeof name, t, j);
        if (f.known && (f.low < -1e30 || f.high > 1e30))
            fail(END_DATA, "column '%.60s' reaches %.3g, and a fit takes numbers up to 1e30: scale "
                           "it, or leave the field empty if that is a mark for a missing value",
                 name, f.high > 1e30 ? f.high : f.low);
    }
}

static int run_fit(const request *r) {
    input in;
    sgm_fitted f;
    progress p = {0, isatty(STDERR_FILENO)};
    text origin = {0};
    if (!r->output && isatty(STDOUT_FILENO))
        fail(END_USAGE, "where shall the model go? -o MODEL.safetensors");
    if (r->is_json && is_stdout(r->output))
        fail(END_USAGE, "--json and the model cannot both go to standard output: -o FILE");
    check_output(r, r->output, 1);
    read_input(&in, r, r->file[0], NULL);
    if (!is_quiet) print_table(stderr, in.shown, &in.table, 30);
    if (!in.table.h)
        say("  (not as you mean it? --kinds NAME=category,..., --drop NAME, --weight NAME)\n");
    check_columns(&in);
    sgm_fit_options how = {.quality = r->quality, .aim = r->aim, .steps = r->steps,
                           .on_step = on_step, .user = &p};
    is_training = 1;
    const sgm_status status = sgm_fit(&f, &in.table, &how, sgm_key_init(r->seed));
    end_progress();
    is_training = 0; /* what is left to do takes a moment; a Ctrl-C now ends the program */
    if (status && interrupted) {
        fprintf(stderr, "sgm fit: interrupted before there was a model; nothing is saved\n");
        exit(END_INTERRUPTED);
    }
    check(status, END_DATA);
    if (interrupted) say("interrupted: the best model so far is saved\n");
    text_origin(&origin, r, NULL, in.hash);
    if (interrupted) origin.n--, text_add(&origin, ",\"interrupted\":\"by Ctrl-C\"}");
    save_model(r, &f, &origin);
    tell_fit(r, &f, &in);
    sgm_fitted_free(&f), input_free(&in), free(origin.s);
    return interrupted ? END_INTERRUPTED : END_OK;
}
