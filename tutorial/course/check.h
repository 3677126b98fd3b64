/*
What every checker of the course shares. An assignment's check.c includes this file, declares what
the student defines, and says in lab_checks what must come out:

    #include "check.h"
    void forward_step(float *x, const float *z, long n, double f, double g2, double step);
    static void lab_checks(void) { ... lab_unit("m at t = .3", got, truth, 1e-9, guesses); ... }

A row compares a number, or several, with the truth, and where that fails with what *known mistakes*
give on the same input: the mistake is named by its number. The program prints its rows for a
person; started by lab.c it writes them to a pipe, each line beginning with a word that the
student's code cannot know.
*/
#ifndef LAB_CHECK_H
#define LAB_CHECK_H

#include "lab.h"
#include "own.h"
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#define dup _dup
#define dup2 _dup2
#define write _write
#define read _read
#define lab__exit _exit
#else
/* declared here, for <unistd.h> hides them from a strict C99 compiler */
int dup(int), dup2(int, int);
void _exit(int);
#define lab__exit _exit
#include <sys/types.h>
ssize_t write(int, const void *, size_t);
ssize_t read(int, void *, size_t);
#endif

static void lab_checks(void);

enum { LAB_UNIT, LAB_LAW };
enum { LAB_ESSENTIAL, LAB_ACTIONABLE, LAB_INFORMATIVE, LAB_CELEBRATORY };

/* What a mistake gives: its name, the values, and a sentence. A name that begins with '=':
different, but valid. */
typedef struct lab_guess {
    const char *id;
    const double *value;
    const char *cause;
} lab_guess;

static struct {
    const char *word; /* before each line, in LAB_MANY; NULL: for a person */
    uint64_t secret[2], at; /* of the words before the protocol's lines; the next one's number */
    int out;          /* the descriptor that was stdout */
    FILE *picture;
    sgm_key key;              /* of this student's numbers */
    int hidden, right, wrong; /* rows */
} lab__;

/* Many answers in one program (selftest.pl): copy lab_copy is under test. The first lab_full of
them show their rows; of the others, which are mutants, nothing is asked but whether a row is wrong.
*/
#ifdef LAB_MANY
extern int lab_copy;
extern const int lab_copies, lab_full;
extern const char *const lab_whys[];
static int lab__hasty; /* 1: a wrong answer ends with the first row that names its mistake */
#define lab_why lab_whys[lab_copy]
#define LAB__HASTY (lab__hasty && lab_copy >= 3)
#define LAB__MUTANT (lab_copy >= lab_full)
#else
#define LAB__MUTANT 0
#define LAB__HASTY 0
#endif

static void lab__put(const char *text) {
    size_t n = strlen(text);
    while (n > 0) {
        long done = (long)write(lab__.out, text, (unsigned)n);
        if (done <= 0) lab__exit(3); /* the pipe was closed: nobody is told, and nothing counts */
        text += done, n -= (size_t)done;
    }
}

/* Each line of the protocol begins with a word that follows from a secret and the line's number, so
that who has seen one cannot make the next; lab.c has the same. The secret stands nowhere as it is. */
static uint64_t lab__word_of(uint64_t i) {
    uint64_t x = (lab__.secret[0] ^ lab__.secret[1]) + i * 0x9E3779B97F4A7C15u, y = x;
    y = (y ^ y >> 30) * 0xBF58476D1CE4E5B9u;
    y = (y ^ y >> 27) * 0x94D049BB133111EBu;
    return (y ^ y >> 31) ^ x;
}

/* Nothing of it is left in the memory that the student's functions find under their feet: neither
by a line, nor by the start of the program, which leaves more. */
static void lab__sweep(size_t n) {
    volatile char under[1 << 18];
    for (size_t i = sizeof under - n; i < sizeof under; i++) under[i] = 0;
}
static void (*volatile lab__wipe)(size_t) = lab__sweep;

/* One line of the protocol: a tab between fields, and none within one. */
static void lab__line(int fields, ...) {
    char line[2048], hex[17];
    size_t at = 0;
    va_list list;
    uint64_t word = 0;
#ifndef LAB_MANY
    word = lab__word_of(lab__.at++);
#endif
    for (int i = 0; i < 16; i++) hex[i] = "0123456789abcdef"[word >> (60 - 4 * i) & 15];
    hex[16] = 0;
    va_start(list, fields);
    for (int i = 0; i < fields; i++) {
        const char *s = va_arg(list, const char *);
        if (i == 0 && lab__.at) s = hex;
        for (; *s && at < sizeof line - 3; s++) line[at++] = *s == '\t' || *s == '\n' ? ' ' : *s;
        line[at++] = i + 1 < fields ? '\t' : '\n';
    }
    va_end(list);
    line[at] = 0;
    lab__put(line);
    if (lab__.at) {
        for (volatile char *s = line; at > 0;) s[--at] = 0;
        for (volatile char *s = hex; *s;) *s++ = 0;
        lab__wipe(1 << 14);
    }
}

static void lab__row(const char *kind, const char *status, double got, double truth, double tol,
    const char *id, const char *name, const char *text) {
    char g[40], w[40], e[40];
    if (strcmp(status, "wrong")) lab__.right++;
    else lab__.wrong++;
    if (LAB__MUTANT) {
        if (!strcmp(status, "wrong")) lab__exit(1);
        return;
    }
    snprintf(g, sizeof g, "%.9g", got), snprintf(w, sizeof w, "%.9g", truth),
        snprintf(e, sizeof e, "%.3g", tol);
    if (lab__.word) {
        lab__line(10, lab__.word, "row", kind, status, g, w, e, id, name, text);
        if (LAB__HASTY && !strcmp(status, "wrong") && strcmp(id, "-")) lab__exit(1);
        return;
    }
    char line[2048];
    snprintf(line, sizeof line, "%-6s %-5s %-40s got %-14s truth %-14s tol %s  %s\n", status, kind,
        name, g, w, e, id);
    lab__put(line);
    if (strcmp(text, "-")) snprintf(line, sizeof line, "             %s\n", text), lab__put(line);
}

/* A comment on the row before. */
static void lab_say(int what, const char *format, ...) {
    static const char *const name[] = {"essential", "actionable", "informative", "celebratory"};
    char text[1024];
    va_list list;
    if (LAB__MUTANT) return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (lab__.word) {
        lab__line(4, lab__.word, "say", name[what], text);
    } else {
        char line[1200];
        snprintf(line, sizeof line, "             %s: %s\n", name[what], text), lab__put(line);
    }
}

/* The largest difference of n numbers, and where; of a NaN or an infinity that is not in both:
infinite. */
static double lab__off(const double *a, const double *b, long n, long *where) {
    double most = 0;
    *where = 0;
    for (long i = 0; i < n; i++) {
        double off = fabs(a[i] - b[i]);
        if (a[i] == b[i] || (a[i] != a[i] && b[i] != b[i])) off = 0;
        if (off != off) off = HUGE_VAL;
        if (off > most) most = off, *where = i;
    }
    return most;
}

static double lab__largest(const double *a, long n) {
    double most = 0;
    for (long i = 0; i < n; i++)
        if (fabs(a[i]) > most && fabs(a[i]) < HUGE_VAL) most = fabs(a[i]);
    return most;
}

/* What can be said of wrong numbers that no guess fits. */
static const char *lab__plain_cause(
    const double *got, const double *truth, long n, double unit, char text[200]) {
    double top = lab__largest(got, n), ratio = 0, best = 0, most = 0;
    for (long i = 0; i < n; i++) {
        if (got[i] != got[i] || fabs(got[i]) == HUGE_VAL) {
            snprintf(text, 200, "It is %s: look for %s, or what was never set.",
                got[i] != got[i] ? "not a number" : "infinite",
                got[i] != got[i] ? "0/0, a logarithm or a root of a negative number" :
                                   "a division by 0, the exponential of a large number");
            return "nan";
        }
        if (fabs(truth[i]) > best) best = fabs(truth[i]), ratio = got[i] / truth[i];
        if (fabs(got[i] - truth[i]) > most) most = fabs(got[i] - truth[i]);
    }
    if (top == 0) {
        snprintf(text, 200, "It is 0: nothing was written.");
        return "zeros";
    }
    if (best > 0 && fabs(ratio - 1) < 1e-5 && most <= 1e-5 * unit) {
        snprintf(text, 200, "It is right to the digits of a float: compute in double.");
        return "float";
    }
    if (n == 1 && fabs(ratio + 1) < 1e-5) {
        snprintf(text, 200, "Its sign is the other way round.");
        return "sign";
    }
    if (n < 2 || best == 0) return "-";
    if (most < 1e-4 * unit) {
        snprintf(text, 200, "It is right to %d digits, and more are asked for: a formula that is "
            "nearly right, a quadrature with few pieces, or a sum of floats.",
            (int)floor(-log10(most / unit)));
        return "few-digits";
    }
    for (long i = 0; i < n; i++)
        if (fabs(got[i] - ratio * truth[i]) > 1e-4 * fabs(ratio) * unit) return "-";
    if (fabs(ratio + 1) < 1e-4) snprintf(text, 200, "Its sign is the other way round, everywhere.");
    else snprintf(text, 200, "All %ld numbers are %.6g times what they should be.", n, ratio);
    return fabs(ratio + 1) < 1e-4 ? "sign" : "factor";
}

static int lab__compare(int kind, const char *name, const double *got, const double *truth, long n,
    double tol, double unit, const lab_guess *guesses) {
    const char *row = kind == LAB_UNIT ? "unit" : "law";
    long at, unused;
    double off = lab__off(got, truth, n, &at), nearest = HUGE_VAL;
    if (off <= tol * unit) {
        lab__row(row, "right", got[at], truth[at], tol, "-", name, "-");
        return 1;
    }
    const lab_guess *found = NULL;
    for (const lab_guess *g = guesses; g && g->id; g++) {
        double scale = kind == LAB_LAW && unit == 1 ? 1 : lab__largest(g->value, n),
               here = lab__off(got, g->value, n, &unused);
        double within = unit == 1 && kind == LAB_LAW ? tol : tol > 1e-6 ? tol : 1e-6;
        if (here <= within * scale && (here < nearest || !found)) found = g, nearest = here;
    }
    char text[200] = "-";
    const char *id = found ? found->id : lab__plain_cause(got, truth, n, unit, text);
    int valid = found && id[0] == '=';
    lab__row(row, valid ? "valid" : "wrong", got[at], truth[at], tol, id, name,
        found ? found->cause : text);
    return valid;
}

/* n numbers; right if none is off by more than tol times the largest of the truth. */
static int lab_compare(int kind, const char *name, const double *got, const double *truth, long n,
    double tol, const lab_guess *guesses) {
    double unit = lab__largest(truth, n);
    return lab__compare(kind, name, got, truth, n, tol, unit > 0 ? unit : 1, guesses);
}

/* One number against the exact one, relatively. */
static int lab_unit(
    const char *name, double got, double truth, double tol, const lab_guess *guesses) {
    return lab_compare(LAB_UNIT, name, &got, &truth, 1, tol, guesses);
}

/* One number of a law, to within tol. */
static int lab_law(
    const char *name, double got, double truth, double tol, const lab_guess *guesses) {
    return lab__compare(LAB_LAW, name, &got, &truth, 1, tol, 1, guesses);
}

/* A statement that is true or is not. */
static int lab_true(int kind, const char *name, int condition, const char *id, const char *cause) {
    lab__row(kind == LAB_UNIT ? "unit" : "law", condition ? "right" : "wrong", condition != 0, 1, 0,
        condition ? "-" : id, name, condition ? "-" : cause);
    return condition != 0;
}

/* This student's numbers: the i-th key, a real number and a whole one, both ends included. */
static sgm_key lab_key(int i) { return sgm_key_split(lab__.key, (uint64_t)i); }
static double lab_real(int i, double low, double high) {
    float u;
    sgm_uniform(&u, 1, sgm_key_split(lab__.key, 1000), (uint64_t)i);
    return low + (high - low) * u;
}
static long lab_whole(int i, long low, long high) {
    return low +
        (long)sgm_below(sgm_key_split(lab__.key, 1001), (uint64_t)i, (uint64_t)(high - low + 1));
}

/* One line of the data that the picture is drawn from. */
static void lab_point(const char *format, ...) {
    va_list list;
    if (!lab__.picture) return;
    va_start(list, format);
    vfprintf(lab__.picture, format, list);
    va_end(list);
    fputc('\n', lab__.picture);
}

/* The sandbox. Where the system offers it, the program can from now on compute, print and end, and
no more. */
#if defined(__linux__) && defined(__has_include)
#if __has_include( \
    <linux/seccomp.h>) && __has_include(<linux/filter.h>) && __has_include(<linux/audit.h>) && \
    __has_include(<asm/types.h>)
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#define LAB__SEAL
#endif
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LAB__SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define LAB__SANITIZED
#endif
#endif
#ifdef LAB__SANITIZED /* a sanitizer asks the system for more than the filter lets through */
#undef LAB__SEAL
#endif
#if defined(__TINYC__) && defined(__linux__) && !defined(LAB__SEAL)
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
/* tcc has no __has_include; where there is its <stdio.h>, there are these headers */
#define LAB__SEAL
#endif
#endif
#ifdef LAB__SEAL
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
int getpid(void);
static void lab__seal(void) {
#if defined(__x86_64__)
    const unsigned arch = AUDIT_ARCH_X86_64;
#elif defined(__i386__)
    const unsigned arch = AUDIT_ARCH_I386;
#else
    const unsigned arch = AUDIT_ARCH_AARCH64;
#endif
    static const int may[] = {
        SYS_read,
        SYS_write,
        SYS_writev,
        SYS_brk,
        SYS_munmap,
        SYS_mremap,
        SYS_madvise,
        SYS_exit,
        SYS_exit_group,
        SYS_rt_sigreturn,
        SYS_rt_sigprocmask,
        SYS_futex,
        SYS_clock_gettime,
        SYS_gettimeofday,
        SYS_getpid,
        SYS_gettid,
        SYS_fstat,
        SYS_lseek,
        SYS_close,
        SYS_sched_yield,
        SYS_getrandom,
        SYS_restart_syscall,
#ifdef SYS_newfstatat
        SYS_newfstatat,
#endif
#ifdef SYS_statx
        SYS_statx, /* how printing asks for its buffer's size where time has 64 bits and words 32 */
#endif
#ifdef SYS_mmap2
        SYS_fstat64,
        SYS__llseek,
        SYS_fstatat64,
#endif
#ifdef SYS_clock_gettime64
        SYS_clock_gettime64,
#endif
#ifdef SYS_time
        SYS_time,
#endif
    };
    enum { N = sizeof may / sizeof *may };
    struct sock_filter code[N + 64];
    unsigned at = 0;
#define LAB__OP(c, v, yes, no) \
    do { \
        code[at].code = (unsigned short)(c), code[at].k = (unsigned)(v); \
        code[at].jt = (unsigned char)(yes), code[at].jf = (unsigned char)(no), at++; \
    } while (0)
    LAB__OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
    LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    LAB__OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
/* the name of the one file that a checker may open and remove, known by its address */
#ifdef LAB_FILE
    static const int opens[][2] = {
        {SYS_openat, 1},
        {SYS_unlinkat, 1},
#ifdef SYS_open
        {SYS_open, 0},
        {SYS_unlink, 0},
#endif
    };
    for (unsigned i = 0; i < sizeof opens / sizeof *opens; i++) {
        const unsigned arg =
            (unsigned)offsetof(struct seccomp_data, args) + 8 * (unsigned)opens[i][1];
        LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, opens[i][0], 0, 6);
        LAB__OP(BPF_LD | BPF_W | BPF_ABS, arg, 0, 0);
        LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(uintptr_t)LAB_FILE, 0, 3);
        LAB__OP(BPF_LD | BPF_W | BPF_ABS, arg + 4, 0, 0);
        LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)((uint64_t)(uintptr_t)LAB_FILE >> 32), 0, 1);
        LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
        LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    }
#endif
    static const int maps[] = {SYS_mmap, SYS_mprotect,
#ifdef SYS_mmap2
        SYS_mmap2,
#endif
    };
    for (unsigned i = 0; i < sizeof maps / sizeof *maps; i++) { /* memory, but no code in it */
        LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, maps[i], 0, 4);
        LAB__OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 16, 0, 0);
        LAB__OP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1);
        LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
        LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    }
    for (int i = 0; i < N; i++) LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, may[i], N - i + 3, 0);
    LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 2); /* abort: a signal to itself */
    LAB__OP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args), 0, 0);
    LAB__OP(BPF_JMP | BPF_JEQ | BPF_K, getpid(), 1, 0);
    LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    LAB__OP(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
#undef LAB__OP
    struct sock_fprog program;
    program.len = (unsigned short)at, program.filter = code;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void lab__seal(void) {}
#endif

static int lab__words(const char *s) {
    int words = 0;
    for (; *s; s++) words += *s != ' ' && (s[1] == ' ' || !s[1]);
    return words;
}

/* checker WORD NAME HIDDEN PICTURE, each "-" for none; a pipe's WORD is "=". */
static void lab__begin(int argc, char **argv) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    const char *name = argc > 2 ? argv[2] : "-";
    const volatile char *hidden = argc > 3 ? argv[3] : "-";
    /* "=" for WORD: it comes from a pipe, with HIDDEN behind it. What is in argv the start of the
    program copies to where it can be found. No function of strings is to see it, either. */
    volatile char input[512] = {0};
    const int piped = argc > 1 && argv[1][0] == '=';
    if (piped) {
        for (size_t i = 0; i + 1 < sizeof input && read(0, (char *)input + i, 1) == 1;) i++;
        hidden = input[16] ? input + 16 : "-";
    }
    for (const char *s = name; strcmp(name, "-") && *s; s++)
        hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
    lab__.hidden = hidden[0] != '-' || hidden[1];
    for (const volatile char *s = hidden; lab__.hidden && *s; s++)
        hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
    lab__.key = sgm_key_init(hash);
    if (argc > 1 && argv[1][0] && argv[1][0] != '-') {
        lab__.secret[1] = (hash ^ (uint64_t)(uintptr_t)&hash ^ (uint64_t)clock()) * 0x100000001b3u;
        for (volatile char *s = piped ? input : argv[1]; *s && s != input + 16; s++)
            lab__.secret[0] =
                lab__.secret[0] << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
        lab__.secret[0] ^= lab__.secret[1], lab__.word = "";
    }
    for (size_t i = 0; i < sizeof input; i++) input[i] = 0;
    if (argc > 4 && strcmp(argv[4], "-")) lab__.picture = fopen(argv[4], "w");
    for (int i = 1; i < argc; i++) /* neither the secret nor the key */
        for (volatile char *s = argv[i]; *s;) *s++ = 0;
    lab__wipe(1 << 18);
    fflush(stdout);
    lab__.out = dup(1);
    dup2(2, 1); /* what the student prints */
    sgm_set_threads(1);
#ifdef _WIN32
    _setmode(lab__.out, _O_BINARY);
#endif
}

static void lab__run(void) {
    int words;
    lab__seal();
    lab_checks();
    fflush(stdout);
    if (lab__.picture) fclose(lab__.picture);
    words = lab__words(lab_why);
    lab__row("why", words >= 6 ? "right" : "wrong", words, 6, 0, "-", "one sentence: why",
        words ? lab_why : "-");
    if (lab__.word) lab__line(2, lab__.word, "done");
    lab__exit(lab__.wrong > 0);
    /* not reached; so every checker may use what it likes of these */
    (void)lab_say, (void)lab_compare, (void)lab_unit, (void)lab_law, (void)lab_true;
    (void)lab_key, (void)lab_real, (void)lab_whole, (void)lab_point;
}

#ifdef LAB_MANY
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
/* Of each copy its rows, or "survives", or "killed"; each line begins with its number. A mutant
that takes four times the processor time of the slower right answer will never end. */
int main(int argc, char **argv) {
    int first = argc > 1 ? atoi(argv[1]) : 0, last = argc > 2 ? atoi(argv[2]) : lab_copies - 1;
    if (argc > 1) argv[1][0] = '-', argv[1][1] = 0;
    if (argc > 2) argv[2] = argc > 3 ? argv[3] : argv[1];
    double before = 0, slowest = 0;
    lab__hasty = getenv("LAB_HASTY") != NULL;
    lab__begin(argc > 3 ? 3 : argc > 2 ? 2 : argc, argv);
    for (int copy = first; copy <= last; copy++) {
        char word[32], line[64];
        int status = 1;
        snprintf(word, sizeof word, "%d", copy);
        pid_t child = fork();
        if (child == 0) {
            struct rlimit time = {lab_full > copy ? 20 : 2, 21}, memory = {1u << 30, 1u << 30};
            double least = .05 + 4 * slowest;
            struct itimerval alarm = {{0, 0}, {(long)least, (long)(1e6 * (least - floor(least)))}};
            setrlimit(RLIMIT_CPU, &time), setrlimit(RLIMIT_AS, &memory);
            if (copy >= lab_full && slowest > 0) setitimer(ITIMER_VIRTUAL, &alarm, NULL);
            close(1), close(2);
            lab_copy = copy, lab__.word = word;
            lab__run();
        }
        waitpid(child, &status, 0);
        struct rusage used;
        getrusage(RUSAGE_CHILDREN, &used);
        double sum = (double)used.ru_utime.tv_sec + 1e-6 * (double)used.ru_utime.tv_usec;
        if (copy < 3 && sum - before > slowest) slowest = sum - before;
        before = sum;
        if (copy < lab_full) continue;
        snprintf(line, sizeof line, "%d\t%s\n", copy,
            WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "survives" : "killed");
        lab__put(line);
    }
    return 0;
}
#else
int main(int argc, char **argv) {
    lab__begin(argc, argv);
    lab__run();
    return 0;
}
#endif
#endif
