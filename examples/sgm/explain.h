/*
sgm explain: what an error means, why it happens, and its cure. An entry is found by the name of a
status, by an exit status, or by words of the message, of which `words` lists those that matter.
*/

typedef struct explained {
    const char *name, *words, *means, *why, *cure;
} explained;

static const explained explanations[] = {
    {"SGM_BAD_ARGUMENT", "argument option size range negative makes sense",
     "A size, an option or a value makes no sense where it was given.",
     "A number is out of its range, two options contradict each other, or a column was named that "
     "is not there.",
     "The message names the value. sgm COMMAND --help lists what each option takes."},
    {"SGM_NO_MEMORY", "memory allocate room mb",
     "The machine has not the memory that was asked for.",
     "Samples are held until they are written: rows x columns x 8 bytes. A training needs about "
     "twice its table.",
     "Ask for fewer rows at a time (-n, with another --seed for each part), or drop columns."},
    {"SGM_NO_FILE", "file open opened read written renamed permission no such directory folder",
     "A file could not be opened, read, written or renamed.",
     "The name is mistyped, its folder does not exist, the rights are missing, or the disk is "
     "full.",
     "Look at the name with ls -l, at the disk with df. What was there before is still there: "
     "outputs appear whole or not at all."},
    {"SGM_BAD_FILE", "damaged line column field number quote text begin separator csv npy idx",
     "The contents of a file are not what they should be.",
     "Of a table: a line has more or fewer fields than the first, a quote is not closed, or "
     "there is text where numbers were. Of a model: it was cut short or changed.",
     "The message names line and column. Tell how to read it: --header yes|no, --separator ';', "
     "--decimal ',', --kinds NAME=category. A model is fitted again, or copied again."},
    {"SGM_MISMATCH", "match mismatch fit columns shapes differ level not in the model",
     "Two things that must fit together do not.",
     "The table has not the model's columns, a category has a level that training never saw, or "
     "pictures have another size.",
     "sgm info MODEL lists the columns and levels, sgm info DATA what was understood of the "
     "table. A level that is not known can be left empty: then it counts as missing."},
    {"SGM_NOT_FINITE", "nan inf infinite finite infinity 1e300 huge",
     "A number is not finite: infinity, or so large that a float has no room for it.",
     "The table holds inf or a mark such as 1e300 for a missing value, or a training diverged.",
     "Write what is missing as an empty field or NA. Scale what is above 1e30; take the logarithm "
     "of what spans many powers of ten."},
    {"SGM_NOT_LEARNT", "learnt far samples rms training too short",
     "A model's samples are far from the data it was trained on.",
     "The training was too short (--steps, or Ctrl-C early), or there are too few rows for it.",
     "Fit again with --quality good or best and without --steps."},
    {"exit status 1", "failure failed disk full space left device closed output",
     "The command was right, but it could not be carried out.",
     "The disk is full, standard output is closed, there is no memory, gnuplot is not there, or a "
     "check of sgm selftest failed.",
     "The message says which. Nothing that was there is lost."},
    {"exit status 2", "usage option unknown command did you mean mistyped",
     "The command line is not understood, or would do what it should not without being asked.",
     "A mistyped command, option, column or value; an output that is there already; binary output "
     "to a terminal.",
     "sgm COMMAND --help shows examples first, then the options."},
    {"exit status 3", "data table unreadable empty rows one row",
     "The data cannot be used.",
     "It is not there, not readable, or not a table; it has no rows, or too few to learn from.",
     "sgm info DATA shows what was understood; sgm explain SGM_BAD_FILE tells what to do."},
    {"exit status 4", "model safetensors checksum opened fitted truncated",
     "The model file cannot be used.",
     "It is not there, cut short, changed, or made by something else than sgm fit.",
     "sgm info FILE shows what it holds. Fit again: the command is in every output of the model."},
    {"exit status 130", "interrupted ctrl-c signal stopped",
     "Ctrl-C ended the run.",
     "In sgm fit the first Ctrl-C ends the training, and the best model so far is saved; a second "
     "one, or one in any other command, ends at once.",
     "The model is usable; sgm info tells how long it was trained. Fit again for a better one."},
    {"overwritten", "overwrite overwritten exists already there force replaces",
     "The output is there already, and sgm does not replace a file unasked.",
     "The name was used before.", "Another -o, or --force."},
    {"too few rows", "few rows needed least learn from",
     "The table has too few rows to hold some out and learn from the others.",
     "A model is chosen by rows that it did not see.",
     "More rows; or a simpler model: with so few, a Gaussian is all that can be known."},
    {"a column of one value", "constant same value varies variance",
     "A column has only one value.",
     "It says nothing, and its density is infinite; sgm keeps it as it is.",
     "--drop NAME, if log densities shall not count it."},
    {"missing values", "missing empty na null none unknown",
     "An empty field, NA, N/A, NaN, null or None is a value that is not known.",
     "Training masks it, and every answer is about what is known.",
     "If your table marks it otherwise (-999, ?), replace that by nothing first."},
    {"effective sample size", "ess effective sample size particles ancestors evidence",
     "How many independent draws the weighted particles of sgm given are worth.",
     "What is given is rare under the model, so that few particles reach it.",
     "A larger -n. If it stays near 1, the row is nearly impossible: look at sgm anomaly."}};

enum { N_EXPLANATIONS = sizeof explanations / sizeof *explanations };

static int same_letters(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i])) return 0;
    return 1;
}

/* Whether `words` has a word of n letters that begins like this one. */
static int has_word(const char *words, const char *word, size_t n) {
    for (const char *w = words; *w;) {
        const size_t m = strcspn(w, " ");
        if (n >= 3 && m >= n && same_letters(w, word, n)) return 2 + (m == n);
        if (m >= 4 && n > m && same_letters(w, word, m)) return 2;
        w += m, w += *w == ' ';
    }
    return 0;
}

static int matches(const explained *e, const char *asked) {
    int score = 0;
    const size_t n = strlen(asked), m = strlen(e->name);
    if (n == m && same_letters(e->name, asked, n)) return 1000;
    if (!strncmp(e->name, "SGM_", 4) && n == m - 4 && same_letters(e->name + 4, asked, n))
        return 1000;
    if (!strncmp(e->name, "exit status ", 12) && !strcmp(e->name + 12, asked)) return 1000;
    for (const char *w = asked; *w;) {
        const size_t k = strcspn(w, " ,.:;()'\"");
        score += has_word(e->words, w, k);
        if (k == m && same_letters(w, e->name, k)) score += 100;
        w += k, w += *w != 0;
    }
    return score;
}

static void print_wrapped(const char *head, const char *words) {
    int column = printf("%-7s", head);
    while (*words) {
        const int n = (int)strcspn(words, " ");
        if (column + n > 78) printf("\n       "), column = 7;
        column += printf("%.*s ", n, words);
        words += n, words += *words == ' ';
    }
    putchar('\n');
}

static int run_explain(request *r) {
    text asked = {0};
    const explained *best = NULL;
    int most = 0;
    for (int i = 0; i < r->n_files; i++) text_add(&asked, i ? " %s" : "%s", r->file[i]);
    for (const explained *e = explanations; e < explanations + N_EXPLANATIONS; e++) {
        const int score = matches(e, asked.s);
        if (score > most) most = score, best = e;
    }
    if (!best) {
        fprintf(stderr, "sgm explain: nothing is known of '%.100s'; these are:\n", asked.s);
        for (const explained *e = explanations; e < explanations + N_EXPLANATIONS; e++)
            fprintf(stderr, "  %s\n", e->name);
        return END_FAILED;
    }
    if (r->is_json) {
        text s = {0};
        text_add(&s, "{"), text_pair_word(&s, "name", best->name);
        text_pair_word(&s, "means", best->means), text_pair_word(&s, "why", best->why);
        text_pair_word(&s, "cure", best->cure);
        printf("%s}\n", s.s), free(s.s);
    } else {
        printf("%s\n", best->name);
        print_wrapped("means", best->means), print_wrapped("why", best->why);
        print_wrapped("cure", best->cure);
    }
    free(asked.s);
    return END_OK;
}
