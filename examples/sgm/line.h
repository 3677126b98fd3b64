/*
The command line: one table of options, one of subcommands; what is mistyped is told with what was
perhaps meant. `-n 5`, `-n5`, `--rows 5` and `--rows=5` are the same; `--` ends the options.
*/

enum { /* the subcommands, as bits: who knows an option */
    FIT = 1, SAMPLE = 2, LOGP = 4, GIVEN = 8, IMPUTE = 16, ANOMALY = 32, PLOT = 64, INFO = 128,
    EXPORT = 256, SELFTEST = 512, EXPLAIN = 1024, HELP = 2048,
    READS = FIT | LOGP | GIVEN | IMPUTE | ANOMALY | INFO | PLOT, /* tables */
    DRAWS = SAMPLE | LOGP | GIVEN | IMPUTE | ANOMALY | PLOT,     /* answers questions */
    ROWS = SAMPLE | LOGP | GIVEN | IMPUTE | ANOMALY              /* and writes rows */
};

enum { MOST_WORDS = 4096 };

typedef enum format { FORMAT_AUTO = 0, FORMAT_CSV, FORMAT_NPY, FORMAT_JSON, FORMAT_PNG,
                      FORMAT_PNM, FORMAT_C, FORMAT_WASM } format;

typedef struct request {
    int sub;                     /* one of the bits                                 */
    const char **file;           /* what is no option, in order                     */
    int n_files;
    const char **word;           /* the options that an output depends on, as typed */
    int n_words;
    const char *output, *weight, *data;
    const char **kinds, **drop, **columns;
    int n_kinds, n_drop, n_columns;
    long n, steps;
    uint64_t seed;
    sgm_quality quality;
    sgm_aim aim;
    format format;
    sgm_csv_options csv;
    int h, w, is_gray, threads, digits;
    int is_json, is_forced, is_help, is_append, is_sorted, is_mean, with_se, only_command;
} request;

typedef struct option {
    const char *name, *value; /* value: what stands behind it in the help; NULL: nothing        */
    char letter;
    int of;                   /* the subcommands that know it                                  */
    int recreates;            /* 1: an output depends on it, so that it is written into it     */
    const char *about;
} option;

static const option options[] = {
    {"output", "FILE", 'o', FIT | ROWS | PLOT | EXPORT, 0, "where the result goes; -: a pipe"},
    {"rows", "N", 'n', SAMPLE | GIVEN | PLOT, 1, "how many rows to draw"},
    {"seed", "N", 0, FIT | DRAWS | SELFTEST, 1, "the key of all random numbers (1 if not given)"},
    {"quality", "fast|good|best", 0, FIT, 1, "how long to train (good if not given)"},
    {"for", "density|samples", 0, FIT, 1, "what counts (density; of pictures samples)"},
    {"steps", "N", 0, FIT, 1, "the most steps of training"},
    {"kinds", "NAME=KIND,...", 0, FIT | INFO, 1,
     "read columns as number, integer, category, or drop"},
    {"weight", "COLUMN", 0, FIT | INFO, 1, "the column with the rows' weights"},
    {"drop", "COLUMN,...", 0, READS, 1, "columns to leave out"},
    {"size", "HxW", 0, READS, 1, "pictures are scaled to H rows of W pixels"},
    {"gray", NULL, 0, READS, 1, "pictures lose their colours"},
    {"header", "yes|no", 0, READS, 1, "whether a CSV file begins with names (found if not given)"},
    {"separator", "CHAR", 0, READS, 1, "between the fields of a CSV file: , ; tab or blank"},
    {"decimal", "CHAR", 0, READS, 1, "the decimal point of a CSV file: . or ,"},
    {"data", "DATA", 0, PLOT, 1, "draw these rows, too"},
    {"columns", "NAME,...", 0, PLOT, 1, "the columns to draw (the first five if not given)"},
    {"append", NULL, 0, LOGP | ANOMALY, 1, "repeat the rows of DATA, with the answers behind"},
    {"sorted", NULL, 0, ANOMALY, 1, "the oddest rows first"},
    {"mean", NULL, 0, IMPUTE, 1, "fill in the mean, and the likeliest level, not a draw"},
    {"se", NULL, 0, IMPUTE, 1, "add a column with the standard deviation of each filled value"},
    {"format", "NAME", 0, SAMPLE | GIVEN | IMPUTE | EXPORT, 1,
     "csv, npy, json; pictures: png, pnm; export: c, wasm"},
    {"digits", "N", 0, ROWS, 1, "significant digits of what is drawn or estimated (9)"},
    {"command", NULL, 0, INFO, 0, "print only the command that recreates the file"},
    {"threads", "N", 0, FIT | DRAWS | SELFTEST, 0, "use at most N; results do not depend on it"},
    {"json", NULL, 0, FIT | ROWS | INFO | SELFTEST | EXPLAIN, 0, "print JSON on standard output"},
    {"force", NULL, 'f', FIT | ROWS | PLOT | EXPORT, 0, "replace a file that is there"},
    {"quiet", NULL, 'q', 4095, 0, "say nothing but errors"},
    {"help", NULL, 'h', 4095, 0, "show this"}};

enum { N_OPTIONS = sizeof options / sizeof *options };

typedef struct command {
    const char *name;
    int bit, least, most; /* how many files */
    const char *usage, *about, *examples, *more;
} command;

static const command commands[] = {
    {"fit", FIT, 1, 1, "DATA -o MODEL.safetensors", "learn a table or a folder of pictures",
     "  sgm fit wine.csv -o wine.safetensors\n"
     "  sgm fit cells.csv -o cells.safetensors --kinds grade=category --drop id --quality best\n"
     "  sgm fit pictures/ -o pictures.safetensors --size 16x16 --gray\n"
     "  zcat big.csv.gz | sgm fit - -o big.safetensors\n",
     "DATA is a CSV file, NPY, IDX, a folder of pictures, or - for CSV through a pipe. An empty\n"
     "field, NA or NaN is a value that is not known. Ctrl-C ends the training and saves the best\n"
     "model so far (exit status 130); a second Ctrl-C saves nothing.\n"},
    {"sample", SAMPLE, 1, 1, "MODEL [-n N]", "draw new rows or pictures",
     "  sgm sample wine.safetensors -n 1000 >new.csv\n"
     "  sgm sample wine.safetensors -n 1000 --format npy -o new.npy --seed 7\n"
     "  sgm sample pictures.safetensors -n 64 -o grid.png\n",
     "Other rows need another --seed: the same seed gives the same rows.\n"},
    {"logp", LOGP, 2, 2, "MODEL DATA", "log density of each row, with its error",
     "  sgm logp wine.safetensors test.csv\n"
     "  sgm logp wine.safetensors test.csv --append -o test_logp.csv\n",
     "In nats and the data's own units: a density in numbers, a probability in integers and\n"
     "categories. Of a row with values missing it is that of those known.\n"},
    {"given", GIVEN, 1, MOST_WORDS, "MODEL [DATA] [NAME=VALUE ...]", "draw rows that agree",
     "  sgm given wine.safetensors -n 100 alcohol=13.2 colour=red\n"
     "  echo 'alcohol,colour\n13.2,red' | sgm given wine.safetensors - -n 100\n",
     "Draws from the conditional law. Rows of DATA may have empty fields, and lack columns; each\n"
     "gets N rows, with its number in a first column if there are more than one. How many of the\n"
     "particles count (the effective sample size) is said.\n"},
    {"impute", IMPUTE, 2, 2, "MODEL DATA", "fill in what is missing",
     "  sgm impute wine.safetensors holes.csv -o whole.csv\n"
     "  sgm impute wine.safetensors holes.csv --mean --se\n",
     "Each missing value is drawn from its law given what the row knows; other seeds are other\n"
     "imputations. What was known comes back as it was.\n"},
    {"anomaly", ANOMALY, 2, 2, "MODEL DATA", "how odd each row is",
     "  sgm anomaly wine.safetensors test.csv --append --sorted | head\n",
     "surprise is -log p in nats; quantile the share of the rows held out in training that are\n"
     "less surprising: .99 is odd.\n"},
    {"plot", PLOT, 1, 1, "MODEL -o FILE.png", "pair plot of data and samples",
     "  sgm plot wine.safetensors --data wine.csv -o wine.png\n"
     "  sgm plot wine.safetensors --columns alcohol,hue -o two.png\n",
     "Writes FILE.gp (a gnuplot script) and FILE.dat beside FILE.png, and runs gnuplot.\n"
     "With -o FILE.gp it does not run gnuplot.\n"},
    {"info", INFO, 1, 1, "FILE", "what a model, table or output holds, and how it was made",
     "  sgm info wine.safetensors\n"
     "  sgm info wine.csv\n"
     "  sh -c \"$(sgm info new.csv --command)\" >again.csv\n", ""},
    {"export", EXPORT, 1, 1, "MODEL -o FILE.c", "sampler and log density as one file of C",
     "  sgm export wine.safetensors -o wine.c\n",
     "The file needs nothing but a C compiler, and computes the same bits.\n"},
    {"selftest", SELFTEST, 0, 0, "", "check this build against known answers",
     "  sgm selftest\n", ""},
    {"explain", EXPLAIN, 1, MOST_WORDS, "ERROR", "what a status or message means, and its cure",
     "  sgm explain SGM_NOT_FINITE\n"
     "  sgm explain would be overwritten\n"
     "  sgm explain 4\n", "ERROR is a status, an exit status, or some words of a message.\n"},
    {"help", HELP, 0, 1, "[COMMAND]", "this, or the help of a command", "  sgm help fit\n", ""}};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* How many letters to change, add, drop or swap (Damerau 1964), up to a few. */
static int slips(const char *a, const char *b) {
    int row[3][40];
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n > 30 || m > 30) return 99;
    for (int j = 0; j <= m; j++) row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3];
        const int *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

/* A score for "did you mean": slips, or 1 if one begins the other. */
static int far_from(const char *typed, const char *name) {
    const size_t n = strlen(typed);
    if (n >= 2 && strncmp(typed, name, n) == 0) return 1;
    const int d = slips(typed, name);
    return d <= 1 + (int)n / 4 ? d : 99;
}

static const command *find_command(const char *name) {
    const command *nearest = NULL;
    int best = 99;
    for (const command *c = commands; c < commands + N_COMMANDS; c++) {
        const int d = far_from(name, c->name);
        if (!strcmp(name, c->name)) return c;
        if (d < best) best = d, nearest = c;
    }
    if (nearest)
        fail(END_USAGE, "there is no command '%.100s'; did you mean 'sgm %s'?", name,
             nearest->name);
    fail(END_USAGE, "there is no command '%.100s'; sgm help lists them", name);
    return NULL;
}

static const option *find_option(const char *name, size_t n, int sub) {
    char typed[64];
    const option *nearest = NULL;
    int best = 99;
    snprintf(typed, sizeof typed, "%.*s", (int)(n < 60 ? n : 60), name);
    for (const option *o = options; o < options + N_OPTIONS; o++) {
        if (!strcmp(typed, o->name)) {
            if (o->of & sub) return o;
            fail(END_USAGE, "--%s is no option of sgm %s", typed, subcommand);
        }
        const int d = o->of & sub ? far_from(typed, o->name) : 99;
        if (d < best) best = d, nearest = o;
    }
    if (nearest) fail(END_USAGE, "there is no option --%s; did you mean --%s?", typed,
                      nearest->name);
    fail(END_USAGE, "there is no option --%s", typed);
    return NULL;
}

static const option *find_letter(char letter, int sub) {
    for (const option *o = options; o < options + N_OPTIONS; o++)
        if (letter && o->letter == letter && o->of & sub) return o;
    fail(END_USAGE, "there is no option -%c", letter >= 32 && letter < 127 ? letter : '?');
    return NULL;
}

static long whole(const option *o, const char *value, long least, long most) {
    char *end;
    errno = 0;
    const double x = strtod(value, &end); /* 1e5 is a whole number, too */
    if (!*value || *end || !(x >= (double)least && x <= (double)most) || x != floor(x))
        fail(END_USAGE, "--%s %.60s: a whole number from %ld to %ld is needed", o->name, value,
             least, most);
    return (long)x;
}

static uint64_t whole_seed(const char *value) {
    char *end;
    errno = 0;
    const unsigned long long x = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || x > UINT64_MAX)
        fail(END_USAGE, "--seed %.60s: a whole number from 0 to 18446744073709551615 is needed",
             value);
    return (uint64_t)x;
}

/* Which of the words, as "fast|good|best", from 1 on. */
static int choice(const option *o, const char *value, const char *words) {
    int i = 1;
    for (const char *w = words; *w; i++) {
        const size_t n = strcspn(w, "|");
        if (strlen(value) == n && !strncmp(w, value, n)) return i;
        w += n, w += *w == '|';
    }
    fail(END_USAGE, "--%s %.60s: one of %s is needed", o->name, value, words);
    return 0;
}

/* Adds what commas separate to a list. The texts live as long as the program. */
static void list_add(const char ***list, int *n, const char *value) {
    char *copy = (char *)room(strlen(value) + 1, 1);
    strcpy(copy, value);
    for (char *next = copy; next;) {
        char *item = next;
        next = strchr(item, ',');
        if (next) *next++ = 0;
        if (!*item) continue;
        if (*n >= MOST_WORDS)
            fail(END_USAGE, "a list has more than %d entries", (int)MOST_WORDS);
        if (!*list) *list = (const char **)room(MOST_WORDS, sizeof **list);
        (*list)[(*n)++] = item;
    }
}

static char one_character(const option *o, const char *value) {
    if (!strcmp(value, "tab") || !strcmp(value, "\\t")) return '\t';
    if (!strcmp(value, "blank")) return ' ';
    if (strlen(value) != 1) fail(END_USAGE, "--%s %.60s: one character is needed", o->name, value);
    return *value;
}

static void set_size(request *r, const option *o, const char *value) {
    char more;
    if (sscanf(value, "%5dx%5d%c", &r->h, &r->w, &more) != 2 || r->h < 1 || r->w < 1 ||
        r->h > 4096 || r->w > 4096)
        fail(END_USAGE, "--%s %.60s: HxW is needed, as 16x16, each from 1 to 4096", o->name,
             value);
}

static void set_option(request *r, const option *o, const char *v) {
    const char *name = o->name;
    if (!strcmp(name, "output")) r->output = v;
    else if (!strcmp(name, "rows")) r->n = whole(o, v, 1, 1000000000);
    else if (!strcmp(name, "seed")) r->seed = whole_seed(v);
    else if (!strcmp(name, "for")) r->aim = (sgm_aim)choice(o, v, "density|samples");
    else if (!strcmp(name, "quality"))
        r->quality = (sgm_quality)choice(o, v, "fast|good|best");
    else if (!strcmp(name, "steps")) r->steps = whole(o, v, 1, 1000000000);
    else if (!strcmp(name, "kinds")) list_add(&r->kinds, &r->n_kinds, v);
    else if (!strcmp(name, "weight")) r->weight = v;
    else if (!strcmp(name, "drop")) list_add(&r->drop, &r->n_drop, v);
    else if (!strcmp(name, "size")) set_size(r, o, v);
    else if (!strcmp(name, "gray")) r->is_gray = 1;
    else if (!strcmp(name, "header"))
        r->csv.header = choice(o, v, "yes|no") == 1 ? SGM_HEADER_LINE : SGM_HEADER_NONE;
    else if (!strcmp(name, "separator")) r->csv.separator = one_character(o, v);
    else if (!strcmp(name, "decimal")) r->csv.decimal = one_character(o, v);
    else if (!strcmp(name, "data")) r->data = v;
    else if (!strcmp(name, "columns")) list_add(&r->columns, &r->n_columns, v);
    else if (!strcmp(name, "append")) r->is_append = 1;
    else if (!strcmp(name, "sorted")) r->is_sorted = 1;
    else if (!strcmp(name, "mean")) r->is_mean = 1;
    else if (!strcmp(name, "se")) r->with_se = 1;
    else if (!strcmp(name, "format"))
        r->format = r->sub == EXPORT ? (format)(FORMAT_C - 1 + choice(o, v, "c|wasm"))
                                     : (format)choice(o, v, "csv|npy|json|png|pnm");
    else if (!strcmp(name, "digits")) r->digits = (int)whole(o, v, 1, 17);
    else if (!strcmp(name, "command")) r->only_command = 1;
    else if (!strcmp(name, "threads")) r->threads = (int)whole(o, v, 1, 1024);
    else if (!strcmp(name, "json")) r->is_json = 1;
    else if (!strcmp(name, "force")) r->is_forced = 1;
    else if (!strcmp(name, "quiet")) is_quiet = 1;
    else r->is_help = 1;
}

/* Sets it, and notes it if an output depends on it. */
static void use_option(request *r, const option *o, const char *value) {
    set_option(r, o, value);
    if (!o->recreates || !strcmp(o->name, "seed")) return;
    if (r->n_words > MOST_WORDS - 3) fail(END_USAGE, "there are too many options");
    char *name = (char *)room(strlen(o->name) + 3, 1);
    sprintf(name, "--%s", o->name);
    r->word[r->n_words++] = name;
    if (o->value) r->word[r->n_words++] = value;
}

static const char *needed(const option *o, const char *next) {
    if (!next || (next[0] == '-' && next[1] == '-' && next[2]))
        fail(END_USAGE, "--%s needs a value: %s", o->name, o->value);
    return next;
}

/* `typed` begins with a dash; the answer is how many words it took, with what follows it. */
static int take_option(request *r, const char *typed, const char *next) {
    if (typed[1] == '-') {
        const size_t n = strcspn(typed + 2, "=");
        const option *o = find_option(typed + 2, n, r->sub);
        const char *value = typed[2 + n] ? typed + 3 + n : NULL;
        if (value && !o->value) fail(END_USAGE, "--%s takes no value", o->name);
        const int took = o->value && !value ? 2 : 1;
        use_option(r, o, took == 2 ? needed(o, next) : value);
        return took;
    }
    for (const char *p = typed + 1; *p; p++) { /* -qf is -q -f, and -n5 is -n 5 */
        const option *o = find_letter(*p, r->sub);
        if (!o->value) use_option(r, o, NULL);
        else if (p[1]) return use_option(r, o, p + 1 + (p[1] == '=')), 1;
        else return use_option(r, o, needed(o, next)), 2;
    }
    return 1;
}

static void read_line(request *r, const command *c, int argc, char **argv) {
    int open = 1;
    memset(r, 0, sizeof *r);
    r->sub = c->bit, r->seed = 1;
    r->file = (const char **)room(MOST_WORDS, sizeof *r->file);
    r->word = (const char **)room(MOST_WORDS, sizeof *r->word);
    for (int i = 0; i < argc;) {
        const char *at = argv[i];
        if (open && !strcmp(at, "--")) {
            open = 0, i++;
        } else if (open && at[0] == '-' && at[1]) {
            i += take_option(r, at, i + 1 < argc ? argv[i + 1] : NULL);
        } else {
            if (r->n_files >= MOST_WORDS) fail(END_USAGE, "there are too many arguments");
            r->file[r->n_files++] = at, i++;
        }
    }
    if (r->is_json) r->format = r->sub & ROWS ? FORMAT_JSON : r->format;
    if (r->format == FORMAT_JSON) r->is_json = 1;
}

static void help_of(const command *c, FILE *to) {
    fprintf(to, "sgm %s: %s\n\n  sgm %s %s [options]\n\nexamples\n%s\noptions\n", c->name,
            c->about, c->name, c->usage, c->examples);
    for (const option *o = options; o < options + N_OPTIONS; o++) {
        char name[64];
        if (!(o->of & c->bit)) continue;
        snprintf(name, sizeof name, "%s%c%s--%s%s%s", o->letter ? "-" : "  ",
                 o->letter ? o->letter : ' ', o->letter ? ", " : " ", o->name,
                 o->value ? " " : "", o->value ? o->value : "");
        fprintf(to, "  %-30s  %s\n", name, o->about);
    }
    if (*c->more) fprintf(to, "\n%s", c->more);
}

static void help_short(FILE *to) {
    fprintf(to, "sgm %s: one fitted model of a table or of pictures, every question\n\n"
                "  sgm fit wine.csv -o wine.safetensors      learn it\n"
                "  sgm sample wine.safetensors -n 5          new rows\n"
                "  sgm logp wine.safetensors test.csv        log densities\n"
                "  sgm given wine.safetensors alcohol=13.2   rows that agree\n"
                "  sgm impute wine.safetensors holes.csv     what is missing, filled in\n\n"
                "commands\n", SGM_VERSION);
    for (const command *c = commands; c < commands + N_COMMANDS; c++)
        fprintf(to, "  %-9s  %s\n", c->name, c->about);
    fprintf(to, "\nsgm COMMAND --help tells more; man sgm tells all.\n");
}
