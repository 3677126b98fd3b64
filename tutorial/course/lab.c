/* lab.c builds, checks, draws and grades the assignments of the course. It is a C99 program without
   dependencies, for anything that has a C compiler and either POSIX or Windows:

       cc -O1 tutorial/course/lab.c -o lab
       ./lab ready                   compiles the library once, and says whether all works
       ./lab                         what there is, and how far you are
       ./lab 08 [FILE]               begin assignment 8, or check what you have
       ./lab watch 08                check again whenever the file is saved
       ./lab hint 08                 the next of three hints
       ./lab grade DIR [-f FORMAT] [-o FILE] [--name NAME] [--hidden KEY] [LAB ...]

   An assignment is checked in four steps: the text is searched for what an answer has no need of
   (scan), it is compiled and linked with the library and the checker (build), the program runs as a
   child with limits on time and memory and reports one row per quantity (check), and the table of
   rows is written in one of four formats (text_, tap_, gradescope_, exercism_). A row counts only
   if it begins with the number that is next in a secret sequence, drawn for this run, and nothing
   counts unless the checker reaches its end: a crash, an endless loop or a forged report score 0,
   and say why. Whatever happens, the result is written by the parent.

   Strings are allocated and never freed, for a run is short; watch grows by some kilobytes per
   save. */
#ifndef _WIN32
#define _XOPEN_SOURCE 700
#endif
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LABS = 64, ROWS = 256, NOTES = 256, COLUMNS = 80, LINES = 24, CAPTURE = 1 << 20 };

typedef struct lab {
    const char *id, *title, *sections, *lesson;
    int number, minutes;
    double cpu;
} lab;
typedef struct row {
    const char *kind, *status, *got, *truth, *tol, *id, *name, *text;
} row;
typedef struct note {
    int row;
    const char *what, *text;
} note;
typedef struct result { /* trouble is NULL if the checker reached its end */
    const lab *lab;
    const char *trouble, *detail, *printed;
    row rows[ROWS];
    int n_rows;
    note notes[NOTES];
    int n_notes;
    int right[3], total[3], score;
    double seconds;
} result;
static const double points[3] = {50, 40, 10};

static struct { /* what the command line and the environment say; folders are absolute */
    const char *course, *build, *labs, *cc, *flags, *name, *hidden, *run, *nothing;
    int sanitize, grading; /* grading: the files are others' */
} set;

/* ---- text ---- */

typedef struct buffer {
    char *at;
    size_t n, room;
} buffer;

static void fail(const char *why, ...) {
    va_list list;
    va_start(list, why);
    fputs("lab: ", stderr);
    vfprintf(stderr, why, list);
    va_end(list);
    fputc('\n', stderr);
    exit(2);
}

static void add_bytes(buffer *b, const char *s, size_t n) {
    if (b->n + n + 1 > b->room) {
        b->room = 2 * (b->n + n) + 256;
        if (!(b->at = realloc(b->at, b->room))) fail("out of memory");
    }
    memcpy(b->at + b->n, s, n);
    b->n += n;
    b->at[b->n] = 0;
}

static void add(buffer *b, const char *format, ...) {
    char small[512], *s = small;
    va_list list;
    va_start(list, format);
    int n = vsnprintf(small, sizeof small, format, list);
    va_end(list);
    if (n >= (int)sizeof small) {
        if (!(s = malloc((size_t)n + 1))) fail("out of memory");
        va_start(list, format);
        vsnprintf(s, (size_t)n + 1, format, list);
        va_end(list);
    }
    add_bytes(b, s, (size_t)n);
    if (s != small) free(s);
}

static char *text(const char *format, ...) {
    char *s = NULL;
    va_list list;
    va_start(list, format);
    int n = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (n < 0 || !(s = malloc((size_t)n + 1))) fail("out of memory");
    va_start(list, format);
    vsnprintf(s, (size_t)n + 1, format, list);
    va_end(list);
    return s;
}

/* The length of the UTF-8 character at s, 0 if its bytes are none. */
static int character(const unsigned char *s) {
    int n = s[0] < 0x80 ? 1
        : s[0] < 0xC2   ? 0
        : s[0] < 0xE0   ? 2
        : s[0] < 0xF0   ? 3
        : s[0] < 0xF5   ? 4
                        : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))
        return 0; /* too long; surrogates */
    if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
    return n;
}

/* Text from outside, made fit for a terminal and for JSON: controls become "?", bytes that are no
 * UTF-8 U+FFFD. */
static char *clean(const char *s, size_t n) {
    buffer b = {0};
    add(&b, "");
    for (size_t i = 0; i < n;) {
        const unsigned char *c = (const unsigned char *)s + i;
        unsigned char four[5] = {0};
        memcpy(four, c, n - i < 4 ? n - i : 4);
        int k = character(four);
        if (k == 1 && ((*c < 32 && *c != '\n' && *c != '\t') || *c == 127)) {
            if (*c != '\r') add(&b, "?");
        } else if (k == 2 && c[0] == 0xC2 && c[1] < 0xA0) add(&b, "?");
        else if (k) add_bytes(&b, s + i, (size_t)k);
        else add(&b, "\xEF\xBF\xBD");
        i += k ? (size_t)k : 1;
    }
    return b.at;
}

static uint64_t hash(uint64_t h, const char *s, size_t n) /* FNV-1a */
{
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
    return h;
}
#define HASH 0xCBF29CE484222325u

/* A file's bytes and a 0, at most max of them; NULL if there is no such file. */
static char *slurp(const char *path, size_t max, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    buffer b = {0};
    char part[65536];
    size_t k;
    add(&b, "");
    while (b.n < max && (k = fread(part, 1, sizeof part, f)) > 0)
        add_bytes(&b, part, b.n + k > max ? max - b.n : k);
    fclose(f);
    if (n) *n = b.n;
    return b.at;
}

static int write_file(const char *path, const char *s, size_t n) {
    FILE *f = fopen(path, "wb");
    if (!f) return 0;
    int ok = fwrite(s, 1, n, f) == n;
    return fclose(f) == 0 && ok;
}

static int exists(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f) fclose(f);
    return f != NULL;
}

/* A line cut off at *at (which moves on), NULL at the end. */
static char *line(char **at) {
    char *s = *at, *end;
    if (!s || !*s) return NULL;
    end = strchr(s, '\n');
    *at = end ? end + 1 : s + strlen(s);
    if (end) *end = 0;
    if ((end = strchr(s, '\r'))) *end = 0;
    return s;
}

static int fields(char *s, char **at, int max) {
    int n = 0;
    for (; n < max && s; n++) {
        at[n] = s;
        if ((s = strchr(s, '\t'))) *s++ = 0;
    }
    return n;
}

static int width(const char *s) {
    int n = 0;
    for (; *s; s++) n += (*s & 0xC0) != 0x80;
    return n;
}

/* Words of s, broken at COLUMNS; the first line begins with head, the others with as many blanks as
 * indent. */
static void wrap(buffer *b, int indent, const char *head, const char *s) {
    int at = width(head), first = 1;
    add(b, "%s", head);
    while (*s) {
        size_t n = strcspn(s, " \n\t");
        int wide = 0;
        for (size_t i = 0; i < n; i++) wide += (s[i] & 0xC0) != 0x80;
        if (!first && at + 1 + wide > COLUMNS) {
            add(b, "\n%*s", indent, "");
            at = indent;
            first = 1;
        }
        if (!first && n) {
            add(b, " ");
            at++;
        }
        add_bytes(b, s, n);
        if (n) first = 0;
        at += wide;
        s += n;
        s += strspn(s, " \n\t");
    }
    add(b, "\n");
}

static char *first_lines(const char *s, int most) {
    buffer b = {0};
    int n = 0;
    add(&b, "");
    while (*s && n < most) {
        size_t k = strcspn(s, "\n");
        add_bytes(&b, s, k);
        add(&b, "\n");
        s += k + (s[k] == '\n');
        n++;
    }
    if (*s) add(&b, "...\n");
    return b.at;
}

/* ---- the system: all that differs between POSIX and Windows ---- */

typedef struct process { /* run() fills what stands below folder's line */
    const char *command, *folder, *input; /* input: for its standard input; POSIX only */
    double cpu, wall;
    int memory, file, alone; /* limits: seconds, MiB, no child of its own; 0: none */
    char *out, *err;
    size_t n_out, n_err;
    int code, signal, late, flood;
    double seconds;
} process;

#ifdef _WIN32
#include <direct.h>
#include <windows.h>
#define SIGNALS 0
static double now(void) { return GetTickCount64() * 1e-3; }
static void rest(int ms) { Sleep((DWORD)ms); }
static int make_folder(const char *path) { return _mkdir(path) == 0 || errno == EEXIST; }
static char *absolute(const char *path) { return _fullpath(NULL, path, 0); }
static int plain_file(const char *path, int links) {
    DWORD a = GetFileAttributesA(path);
    errno = a == INVALID_FILE_ATTRIBUTES ? ENOENT : EINVAL;
    return !(a & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) &&
        (links || !(a & FILE_ATTRIBUTE_REPARSE_POINT));
}
static int replace(const char *from, const char *to) {
    return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) != 0;
}
static char *quote(const char *s) { return text("\"%s\"", s); }
static uint64_t chance(void) {
    LARGE_INTEGER t;
    QueryPerformanceCounter(&t);
    uint64_t seed[3] = {(uint64_t)t.QuadPart, GetCurrentProcessId(), (uint64_t)(uintptr_t)&t};
    return hash(HASH, (const char *)seed, sizeof seed);
}

static void drain(HANDLE from, char **to, size_t *n, int *flood) {
    buffer b = {*to, *n, *n};
    char part[65536];
    DWORD k = 0;
    while (PeekNamedPipe(from, NULL, 0, NULL, &k, NULL) && k &&
        ReadFile(from, part, sizeof part, &k, NULL) && k) {
        if (b.n < CAPTURE) add_bytes(&b, part, k);
        else *flood = 1;
    }
    *to = b.at;
    *n = b.n;
}

static void run(process *p) {
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    STARTUPINFOA start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION child;
    HANDLE out, err, job = CreateJobObjectA(NULL, NULL);
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limit = {0};
    FILETIME t[4];
    DWORD code = 0;
    p->out = text("");
    p->err = text("");
    p->n_out = p->n_err = 0;
    p->late = p->flood = p->signal = 0;
    limit.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (p->memory) limit.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_PROCESS_MEMORY;
    limit.ProcessMemoryLimit = (size_t)p->memory << 20;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limit, sizeof limit);
    CreatePipe(&out, &start.hStdOutput, &inherit, 1 << 16);
    CreatePipe(&err, &start.hStdError, &inherit, 1 << 16);
    SetHandleInformation(out, HANDLE_FLAG_INHERIT, 0);
    SetHandleInformation(err, HANDLE_FLAG_INHERIT, 0);
    start.hStdInput =
        CreateFileA("NUL", GENERIC_READ, FILE_SHARE_READ, &inherit, OPEN_EXISTING, 0, NULL);
    char *command = text("%s", p->command + strspn(p->command, " ")); /* a blank ends a name */
    int ok = CreateProcessA(NULL, command, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL,
        p->folder, &start, &child);
    CloseHandle(start.hStdOutput);
    CloseHandle(start.hStdError);
    CloseHandle(start.hStdInput);
    p->code = 127;
    if (ok) {
        double begun = now();
        AssignProcessToJobObject(job, child.hProcess);
        ResumeThread(child.hThread);
        for (int over = 0; !over;) {
            over = WaitForSingleObject(child.hProcess, 5) != WAIT_TIMEOUT;
            drain(out, &p->out, &p->n_out, &p->flood);
            drain(err, &p->err, &p->n_err, &p->flood);
            if (!over && (p->flood || (p->late = p->wall > 0 && now() - begun > p->wall))) {
                TerminateJobObject(job, 1);
                TerminateProcess(child.hProcess, 1);
            }
        }
        GetExitCodeProcess(child.hProcess, &code);
        p->code = (int)code;
        if (GetProcessTimes(child.hProcess, t, t + 1, t + 2, t + 3))
            p->seconds = ((double)t[2].dwLowDateTime + t[3].dwLowDateTime) * 1e-7;
        CloseHandle(child.hProcess);
        CloseHandle(child.hThread);
    }
    CloseHandle(job);
    CloseHandle(out);
    CloseHandle(err);
}

static const char *crash(const process *p) {
    switch ((unsigned)p->code) {
    case 0xC0000005u: return "segmentation fault";
    case 0xC00000FDu: return "stack overflow";
    case 0xC0000094u: return "division by zero";
    case 3: return "abort";
    default: return NULL;
    }
}
static void remove_folder(const char *path) {
    WIN32_FIND_DATAA f;
    HANDLE h = FindFirstFileA(text("%s/*", path), &f);
    for (int more = h != INVALID_HANDLE_VALUE; more; more = FindNextFileA(h, &f) != 0) {
        char *s = text("%s/%s", path, f.cFileName);
        if (!strcmp(f.cFileName, ".") || !strcmp(f.cFileName, "..")) continue;
        if (f.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) remove_folder(s);
        else DeleteFileA(s);
    }
    if (h != INVALID_HANDLE_VALUE) FindClose(h);
    RemoveDirectoryA(path);
}
#else
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define SIGNALS 1
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static void rest(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }
static int make_folder(const char *path) { return mkdir(path, 0777) == 0 || errno == EEXIST; }
static char *absolute(const char *path) {
    char here[4096];
    return *path == '/' ? text("%s", path)
                        : text("%s/%s", getcwd(here, sizeof here) ? here : ".", path);
}
/* Neither a folder nor a device nor a pipe, which would be waited for; nor a link, unless links. */
static int plain_file(const char *path, int links) {
    struct stat s;
    if ((links ? stat : lstat)(path, &s)) return 0;
    errno = EINVAL;
    return S_ISREG(s.st_mode);
}
static int replace(const char *from, const char *to) { return rename(from, to) == 0; }
static char *quote(const char *s) {
    buffer b = {0};
    for (add(&b, "'"); *s; s++)
        if (*s == '\'') add(&b, "'\\''");
        else add_bytes(&b, s, 1);
    add(&b, "'");
    return b.at;
}
static uint64_t chance(void) {
    uint64_t n = 0, seed[3] = {(uint64_t)time(NULL), (uint64_t)getpid(), (uint64_t)(uintptr_t)&n};
    FILE *f = fopen("/dev/urandom", "rb");
    if (!f || fread(&n, sizeof n, 1, f) != 1) n = hash(HASH, (const char *)seed, sizeof seed);
    if (f) fclose(f);
    return n;
}

static void limit(int what, double soft, double hard) {
    struct rlimit r;
    if (getrlimit(what, &r)) return;
    if (r.rlim_max == RLIM_INFINITY || hard < (double)r.rlim_max) r.rlim_max = (rlim_t)hard;
    r.rlim_cur =
        soft < (double)r.rlim_max || r.rlim_max == RLIM_INFINITY ? (rlim_t)soft : r.rlim_max;
    setrlimit(what, &r);
}

/* On Linux, a program that cannot start others, whichever compiler made it and whoever runs it
   (RLIMIT_NPROC does not bind root). The checker's own filter, in check.h, is narrower; it comes
   later, and not with every compiler. */
#if defined(__linux__) && (defined(__x86_64__) || defined(__i386__) || defined(__aarch64__))
#include <stddef.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
static void no_children(void) {
#if defined(__x86_64__)
    enum { FORK = SYS_fork, VFORK = SYS_vfork };
    const unsigned arch = AUDIT_ARCH_X86_64;
#elif defined(__i386__)
    enum { FORK = SYS_fork, VFORK = SYS_vfork };
    const unsigned arch = AUDIT_ARCH_I386;
#else
    enum { FORK = SYS_clone, VFORK = SYS_clone };
    const unsigned arch = AUDIT_ARCH_AARCH64;
#endif
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FORK, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VFORK, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 435 /* clone3 */, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL)};
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void no_children(void) { limit(RLIMIT_NPROC, 0, 0); }
#endif

static void child(const process *p, int in, int out, int err) {
    if (!p->input) in = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    for (int fd = 3; fd < 256; fd++) close(fd);
    if (p->folder && chdir(p->folder)) _exit(127);
    limit(RLIMIT_CORE, 0, 0);
    if (p->cpu > 0) limit(RLIMIT_CPU, (int)(p->cpu + .99), (int)(p->cpu + 1.99));
    if (p->file) limit(RLIMIT_FSIZE, 1048576.0 * p->file, 1048576.0 * p->file);
    if (p->memory)
        limit(RLIMIT_AS, 1048576.0 * p->memory, 1048576.0 * p->memory),
            limit(RLIMIT_STACK, 8388608, 8388608);
    if (p->alone) no_children();
    execl("/bin/sh", "sh", "-c", p->command, (char *)NULL);
    _exit(127);
}

static double children(void) {
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
        1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* The child leads a process group, which is killed when the child has ended or is late. */
static void run(process *p) {
    int pipes[2], in[2], status = 0, open_ = 1, over = 0;
    FILE *err = tmpfile();
    buffer b = {0};
    char part[65536];
    double begun = now(), used = children();
    p->late = p->flood = p->signal = 0;
    p->code = 127;
    if (!err || pipe(pipes) || pipe(in)) fail("no pipe: %s", strerror(errno));
    if (p->input && write(in[1], p->input, strlen(p->input)) < 0)
        fail("no pipe: %s", strerror(errno));
    close(in[1]);
    fflush(NULL);
    pid_t pid;
    for (int tries = 0; (pid = fork()) < 0 && tries < 100; tries++) rest(100);
    if (pid < 0) fail("no process: %s", strerror(errno));
    if (pid == 0) child(p, in[0], pipes[1], fileno(err));
    setpgid(pid, pid);
    close(in[0]);
    close(pipes[1]);
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    for (add(&b, ""); !over || open_;) {
        struct pollfd wait = {pipes[0], POLLIN, 0};
        if (open_ && !over) poll(&wait, 1, 10);
        else if (!over) rest(2);
        ssize_t k = open_ ? read(pipes[0], part, sizeof part) : 0;
        if (k > 0 && b.n < CAPTURE) add_bytes(&b, part, (size_t)k);
        else if (k > 0) p->flood = 1;
        if (k == 0 || (k < 0 && over)) open_ = 0;
        if (over) continue;
        p->late = p->wall > 0 && now() - begun > p->wall;
        if (p->late || p->flood) kill(-pid, SIGKILL);
        over = waitpid(pid, &status, p->late || p->flood ? 0 : WNOHANG) == pid;
        if (over) kill(-pid, SIGKILL);
    }
    close(pipes[0]);
    p->seconds = children() - used;
    if (WIFEXITED(status)) p->code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) p->signal = WTERMSIG(status);
    p->out = b.at;
    p->n_out = b.n;
    rewind(err);
    p->err = malloc(65537);
    p->n_err = p->err ? fread(p->err, 1, 65536, err) : 0;
    p->err[p->n_err] = 0;
    fclose(err);
}

static const char *crash(const process *p) {
    switch (p->signal) {
    case 0: return NULL;
    case SIGSEGV:
    case SIGBUS: return "segmentation fault";
    case SIGFPE: return "division by zero";
    case SIGABRT: return "abort";
    case SIGILL: return "illegal instruction";
    case SIGXFSZ: return "flood";
    case SIGXCPU: return "cpu";
#ifdef SIGSYS
    case SIGSYS: return "system";
#endif
    default: return "killed";
    }
}
static void remove_folder(const char *path) {
    process p = {.command = text("exec rm -rf -- %s", quote(path)), .wall = 10};
    run(&p);
}
#endif

/* ---- the course ---- */

static lab course[LABS];
static int n_course;

static char *path_of(const lab *l, const char *file) {
    return text("%s/%s/%s", set.course, l->id, file);
}
static char *kept(const lab *l, const char *file) {
    return text("%s/%s/%s", set.build, l->id, file);
}
static char *answer_of(const lab *l) { return text("%s/%s.c", set.labs, l->id); }

/* A path for people: from here, where it lies below. */
static const char *from_here(const char *path) {
    const char *here = absolute(".");
    size_t n = strlen(here) - (SIGNALS ? 2 : 0); /* POSIX: HERE/. */
    return !strncmp(path, here, n) && path[n] && strchr("/\\", path[n]) ? path + n + 1 : path;
}

static void read_course(void) {
    char *s = slurp(text("%s/course.tsv", set.course), CAPTURE, NULL), *l, *f[8];
    while ((l = line(&s))) {
        if (!isdigit((unsigned char)*l) || n_course == LABS) continue;
        int n = fields(l, f, 8);
        if (n < 5) fail("course.tsv: a line of %d fields: %s", n, f[0]);
        course[n_course++] =
            (lab){f[0], f[1], f[2], f[3], atoi(f[0]), atoi(f[4]), n > 6 ? atof(f[6]) : 0};
    }
}

static const lab *find_lab(const char *name) {
    for (int i = 0; i < n_course; i++) {
        char *end;
        if (!strcmp(course[i].id, name)) return course + i;
        if (strtol(name, &end, 10) == course[i].number && end != name && !*end) return course + i;
    }
    fail("there is no assignment \"%s\"; lab alone lists them", name);
    return NULL;
}

/* The state of an assignment, for the list. */
static const char *state(const lab *l) {
    if (!exists(answer_of(l))) return "not begun";
    char *s = slurp(kept(l, "score"), 64, NULL);
    if (!s) return "begun";
    return atoi(s) == 100 ? "done" : text("%d of 100", atoi(s));
}

static void list(void) {
    printf("  No  Title%*sMinutes  State\n", 46, "");
    for (int i = 0; i < n_course; i++) {
        int blank = 50 - width(course[i].title);
        printf("  %02d  %s%*s %7d  %s\n", course[i].number, course[i].title,
            blank > 0 ? blank : 0, "", course[i].minutes, state(course + i));
    }
    if (exists("Makefile"))
        printf("\nmake labNN begins an assignment or checks it, make watchlabNN checks at every "
               "save,\nmake hintNN helps.\n");
    else
        printf("\n./lab NN begins an assignment or checks it, ./lab watch NN checks at every "
               "save,\n./lab hint NN helps.\n");
}

/* ---- scan: what an answer has no need of ---- */

static int is_word(int c) { return isalnum(c) || c == '_'; }

/* As a compiler reads it first: no byte order mark, lines that end in \n alone (to some, \r ends
   one, too), and those that a backslash continues, blanks behind it or none, as one. */
static char *spliced(const char *s) {
    buffer b = {0};
    add(&b, "");
    if (!strncmp(s, "\xEF\xBB\xBF", 3)) s += 3;
    for (; *s; s++) {
        const char *end = s + 1 + (*s == '\\' ? strspn(s + 1, " \t\f\v") : 0);
        if (*s == '\\' && *end && strchr("\r\n", *end))
            s = *end == '\r' && end[1] == '\n' ? end + 1 : end;
        else if (*s != '\r') add_bytes(&b, s, 1);
        else if (s[1] != '\n') add(&b, "\n");
    }
    return b.at;
}

/* Whether a quote at s, behind the text in b, is one: in 1'000 it is none. */
static int quotes(const buffer *b, const char *s) {
    size_t i = b->n;
    while (i > 0 && (is_word((unsigned char)b->at[i - 1]) || strchr(".'", b->at[i - 1]))) i--;
    if (i < b->n && b->at[i] == '.') i++;
    return *s == '"' || i == b->n || !isdigit((unsigned char)b->at[i]);
}

/* Comments become a blank; the insides of strings go if they are not wanted. */
static char *bare(const char *s, int strings) {
    buffer b = {0};
    add(&b, "");
    for (; *s; s++) {
        if (*s == '/' && s[1] == '*') {
            for (s += 2; *s && !(*s == '*' && s[1] == '/'); s++)
                if (*s == '\n') add(&b, "\n");
            if (!*s) break;
            s++;
            add(&b, " ");
        } else if (*s == '/' && s[1] == '/') {
            while (s[1] && s[1] != '\n') s++;
        } else if ((*s == '"' || *s == '\'') && quotes(&b, s)) {
            char end = *s;
            add_bytes(&b, s, 1);
            for (s++; *s && *s != end && *s != '\n'; s++) {
                if (strings) add_bytes(&b, s, 1);
                if (*s == '\\' && s[1]) s++;
            }
            if (!*s) break;
            add_bytes(&b, s, 1);
        } else if (*s) add_bytes(&b, s, 1);
        else break;
    }
    return b.at;
}

static const char *refuse_directive(char *l) {
    static const char *const may[] = {"lab.h", "sgm.h", "math.h", "stdio.h", "stdlib.h", "string.h",
        "stdint.h", "stddef.h", "float.h", "limits.h", "stdbool.h", "assert.h", "complex.h"};
    l += strspn(l, " \t\f\v");
    if (*l == '#') l++;
    else if (*l == '%' && l[1] == ':') l += 2;
    else return NULL;
    l += strspn(l, " \t\f\v");
    size_t n = 0;
    while (is_word((unsigned char)l[n])) n++;
    char *word = text("%.*s", (int)n, l);
    l += n;
    l += strspn(l, " \t\f\v");
    if (!strcmp(word, "line") || isdigit((unsigned char)*word))
        return "it has a #line; an answer needs none";
    if (!strcmp(word, "pragma") && strncmp(l, "omp", 3) && strncmp(l, "STDC", 4))
        return "it has a #pragma; an answer needs none";
    if (!strcmp(word, "include_next") || !strcmp(word, "import") || !strcmp(word, "embed"))
        return text("it has an #%s; #include is all there is", word);
    if (strcmp(word, "include")) return NULL;
    char close = *l == '"' ? '"' : '>', *end = *l == '"' || *l == '<' ? strchr(l + 1, close) : NULL;
    if (!end) return "an #include names no file";
    for (size_t i = 0; i < sizeof may / sizeof *may; i++)
        if (strlen(may[i]) == (size_t)(end - l - 1) &&
            !strncmp(may[i], l + 1, (size_t)(end - l - 1)))
            return NULL;
    return text("it includes %.*s; lab.h, sgm.h and math.h, stdio.h, stdlib.h, string.h, stdint.h, "
                "stddef.h, float.h,"
                " limits.h, stdbool.h, assert.h, complex.h are allowed",
        (int)(end - l + 1), l);
}

static const char *scan_words(const char *c) {
    static const char *const not_needed[] = {"asm", "__asm", "__asm__", "__attribute",
        "__attribute__", "_Pragma", "__pragma", "__declspec", "constructor", "ifunc",
        "SGM_IMPLEMENTATION"};
    while (*c) {
        size_t k = 0;
        while (is_word((unsigned char)c[k])) k++;
        if (k && c[k - 1] == 'R' && c[k] == '"')
            return "it contains a raw string, R\"...; an answer needs none";
        if (c[0] == '[' && c[1 + strspn(c + 1, " \t\n")] == '[')
            return "it contains an attribute, [[...]]; an answer needs none";
        if (!k) {
            c++;
            continue;
        }
        char *word = text("%.*s", (int)k, c);
        if (strstr(word, "__own"))
            return text("it names %s, the library's own: that is what you are to write", word);
        for (size_t i = 0; i < sizeof not_needed / sizeof *not_needed; i++)
            if (!strcmp(word, not_needed[i]))
                return text("it contains the word %s, which an answer does not need", word);
        c += k;
    }
    return NULL;
}

static const char *scan(const char *s, size_t n) {
    if (n >= CAPTURE) return "it is longer than a megabyte";
    if (strlen(s) != n) return "it contains a zero byte: is it a C file?";
    for (const char *c = s; (c = strstr(c, "?\?")); c++)
        if (c[2] && strchr("=/'()!<>-", c[2]))
            return "it contains a trigraph (two question marks and a sign)";
    s = spliced(s);
    char *all = bare(s, 1), *l;
    while ((l = line(&all))) {
        const char *why = refuse_directive(l);
        if (why) return why;
    }
    return scan_words(bare(s, 0));
}

/* The same in the object: a name pasted together, a function that would run before the checker. */
static const char *scan_object(const char *path) {
    static const char *const not_needed[] = {"__own", ".init_array", ".preinit_array",
        ".fini_array", ".ctors", ".dtors", "mod_init_func"};
    size_t n;
    const char *s = slurp(path, (size_t)64 << 20, &n);
    for (size_t k = 0; s && k < sizeof not_needed / sizeof *not_needed; k++)
        for (size_t i = 0, m = strlen(not_needed[k]); !(set.sanitize && k) && i + m <= n; i++)
            if (s[i] == not_needed[k][0] && !memcmp(s + i, not_needed[k], m))
                return k ? "it has a function that runs before or after the checker"
                         : "it calls the library's own: that is what you are to write";
    return NULL;
}

/* And in the object's names, where there is an nm: a function of the answer that the checker, the
   library or the start of a program would call in place of the system's. */
static const char *scan_names(const char *folder, const char *start, const char *others) {
    process have = {.command = text("nm -P -g %s/answer.o", quote(folder)), .wall = 10},
            want = {.command = text("nm -P -u %s", others), .wall = 10};
    char *l, *f[3];
    run(&have);
    run(&want);
    for (char *all = have.out; have.code == 0 && want.code == 0 && (l = line(&all));) {
        for (char *c = l; *c; c++)
            if (*c == ' ') *c = '\t';
        if (fields(l, f, 3) < 2 || strchr("Uvw", *f[1]) || strchr(f[0], '.') || strstr(start, f[0]))
            continue;
        if (*f[0] == '_' || strstr(want.out, text("\n%s ", f[0])))
            return text("it defines %s, which the checker takes from elsewhere: write \"static\" "
                        "before it, or rename it",
                f[0]);
    }
    return NULL;
}

/* ---- build ---- */

static const char *sanitizers(void) {
    return set.sanitize ? "-fsanitize=address,undefined -fno-sanitize-recover=undefined "
                          "-fno-omit-frame-pointer"
                        : "";
}

/* One compiler's or linker's run in a folder; NULL if it succeeds, else what it says. */
static const char *compiler(
    const char *folder, const char *arguments, double cpu, const char **says) {
    process p = {.command = text("%s%s %s", SIGNALS ? "exec " : "", set.cc, arguments),
        .folder = folder,
        .cpu = cpu,
        .wall = 2 * cpu,
        .memory = sizeof(void *) > 4 ? 4096 : 2047,
        .file = 256};
    run(&p);
    char *s = clean(p.err, p.n_err);
    if (p.n_out) s = text("%s%s", clean(p.out, p.n_out), s);
    if (says) *says = s;
    if (!p.code && !p.signal && !p.late) return NULL;
    if (p.late || (crash(&p) && !*s))
        return "the compiler did not end by itself: is a macro or an array too large?\n";
    return *s ? s
              : text("\"%s\" does not run: is a C compiler there? (CC=... names one)\n", set.cc);
}

/* Words that the preprocessor pastes together from pieces: the lines that are the answer's own, as
   they stand after it. */
static const char *scan_pasted(const char *folder, const char *name, const char *source) {
    buffer own = {0};
    const char *s = spliced(source);
    char *all, *l;
    int mine = 1;
    if (!strstr(s, "##") && !strstr(s, "%:%:")) return NULL;
    if (compiler(folder,
            text("-E %s -I%s %s -o answer.i", set.flags, quote(set.build), name), 30, NULL))
        return NULL; /* nor will it be compiled */
    add(&own, "");
    all = slurp(text("%s/answer.i", folder), (size_t)64 << 20, NULL);
    while ((l = line(&all)))
        if (*l == '#') mine = strstr(l, name) != NULL;
        else if (mine) add(&own, "%s\n", l);
    return scan_words(bare(own.at, 0));
}

/* An object that changes with the files it is made from, the compiler and its flags only: made
 * once. */
static char *object(
    result *r, const char *name, const char *source, const char *flags, const char *const *inputs) {
    uint64_t h = HASH;
    for (size_t n; *inputs; inputs++) {
        char *s = slurp(*inputs, (size_t)16 << 20, &n);
        if (s) h = hash(h, s, n);
        free(s);
    }
    const char *level = strcmp(name, "library") ? "-O1" : "-O2";
    char *how = text("%s %s %s -I%s -I%s -c %s -o", level, flags, set.flags, quote(set.build),
        quote(set.course), quote(source));
    h = hash(hash(h, set.cc, strlen(set.cc)), how, strlen(how));
    char *path = text("%s/objects/%s-%016llx.o", set.build, name, (unsigned long long)h), *fresh;
    if (exists(path)) return path;
    fresh = text("%s.%016llx", path, (unsigned long long)chance());
    const char *why = compiler(NULL, text("%s %s", how, quote(fresh)), 600, NULL);
    if (!why && !replace(fresh, path)) why = text("%s: %s\n", path, strerror(errno));
    if (!why) return path;
    if (!r->trouble)
        r->trouble = "The grader itself is not built, which is no fault of the answer's.",
        r->detail = first_lines(why, 12);
    return NULL;
}

/* The names that a linker misses, or has twice, in a sentence for the student. */
static char *link_error(const lab *l, const char *said, const char *start) {
    static const struct {
        const char *head;
        int twice;
    } heads[] = {{"undefined reference to ", 0}, {"undefined symbol", 0},
        {"multiple definition of ", 1}, {"duplicate symbol: ", 1}, {"\"_", 0}};
    buffer b = {0}, seen = {0};
    add(&b, "");
    add(&seen, " ");
    for (int k = 0; k < 5; k++)
        for (const char *c = said; (c = strstr(c, heads[k].head));) {
            size_t n = 0;
            c += strlen(heads[k].head);
            while (*c && *c != '\n' && !is_word((unsigned char)*c)) c++;
            while (is_word((unsigned char)c[n])) n++;
            char *name = text("%.*s", (int)n, c), *mark = text(" %s ", name);
            if (!n || strstr(seen.at, mark)) continue;
            add(&seen, "%s", mark);
            if (heads[k].twice)
                add(&b,
                    "%s.c defines %s, which stands elsewhere too: write \"static\" before it, or "
                    "rename it.\n",
                    l->id, name);
            else if (strstr(start, name)) add(&b, "%s.c does not define %s.\n", l->id, name);
            else add(&b, "%s.c calls %s, which nothing defines.\n", l->id, name);
        }
    return b.n ? b.at : NULL;
}

/* Compiles the answer in folder, which holds nothing else, and links it there to checker.exe. */
static int build(result *r, const char *folder, const char *source, size_t n) {
    const lab *l = r->lab;
    char *in[5], *start = slurp(path_of(l, "start.c"), CAPTURE, NULL), *name = text("%s.c", l->id);
    const char *files[] = {"sgm.h", "lab.h", "own.h", "own.inc", NULL}, *says, *why;
    for (int i = 0; i < 5; i++) in[i] = files[i] ? text("%s/%s", set.build, files[i]) : NULL;
    char *library = text("%s/library.c", set.build), *forward = text("%s/forward.c", set.build),
         *check = path_of(l, "check.c");
    const char *const for_library[] = {in[0], in[2], in[3], library, NULL},
                      *const for_forward[] = {in[1], in[2], forward, NULL};
    const char *const for_check[] = {
        in[0], in[1], in[2], check, text("%s/check.h", set.course), NULL};
    make_folder(text("%s/objects", set.build));
    char *one = object(r, "library", library, "", for_library);
    char *two = object(
        r, text("forward_%02d", l->number), forward, text("-DLAB_%02d", l->number), for_forward);
    char *three = object(r, text("check_%02d", l->number), check, sanitizers(), for_check);
    if (r->trouble) return 0;
    size_t mark = strncmp(source, "\xEF\xBB\xBF", 3) ? 0 : 3; /* not every compiler knows it */
    if (!write_file(text("%s/%s", folder, name), source + mark, n - mark))
        fail("%s: %s", folder, strerror(errno));
    if ((why = scan_pasted(folder, name, source))) {
        r->trouble = text("Refused: %s.", why);
        return 0;
    }
    why = compiler(folder,
        text("-O1 -g -Wall %s %s -I%s -c %s -o answer.o", set.flags, sanitizers(), quote(set.build),
            name),
        30, &says);
    if (why) {
        r->trouble = "The compiler does not take it.";
        r->detail = first_lines(why, 12);
        return 0;
    }
    if (strstr(says, "warning:") && r->n_notes < NOTES) {
        const char *w = strstr(says, "warning:");
        while (w > says && w[-1] != '\n') w--;
        r->notes[r->n_notes++] =
            (note){-1, "actionable", text("The compiler warns: %.*s", (int)strcspn(w, "\n"), w)};
    }
    if ((why = scan_object(text("%s/answer.o", folder))) ||
        (why = scan_names(folder, start, text("%s %s %s", quote(one), quote(two), quote(three))))) {
        r->trouble = text("Refused: %s.", why);
        return 0;
    }
    why = compiler(folder,
        text("%s %s -o checker.exe answer.o %s %s %s -lm", set.flags, sanitizers(), quote(three),
            quote(two), quote(one)),
        60, NULL);
    if (!why) return 1;
    char *sentence = link_error(l, why, start ? start : "");
    r->trouble = sentence ? first_lines(sentence, 4) : "It does not link.";
    if (!sentence) r->detail = first_lines(why, 12);
    return 0;
}

/* ---- check ---- */

static double limit_of(const char *name, double usual) {
    const char *s = getenv(name);
    return s && atof(s) > 0 ? atof(s) : usual;
}

/* A sanitizer's report in plain words, NULL if there is none. */
static const char *sanitizer_says(const lab *l, const char *err) {
    static const char *const words[][2] = {
        {"heap-buffer-overflow", "it reads or writes beyond the end of allocated memory"},
        {"stack-buffer-overflow", "it reads or writes beyond the end of a local array"},
        {"global-buffer-overflow", "it reads or writes beyond the end of a global array"},
        {"heap-use-after-free", "it uses memory after free"},
        {"stack-use-after", "it uses a local variable that is no longer there"},
        {"attempting double-free", "it frees the same memory twice"},
        {"stack-overflow", "a function calls itself without end"},
        {"SEGV", "it reads or writes where there is no memory"},
        {"allocation-size-too-big", "it asks for more memory than there is"},
        {"requested allocation size", "it asks for more memory than there is"},
        {"out-of-memory", "it asks for more memory than there is"}};
    const char *what = NULL, *error = strstr(err, "runtime error: "), *at;
    if (error) what = text("%.*s", (int)strcspn(error + 15, "\n"), error + 15);
    for (size_t i = 0; !what && strstr(err, "Sanitizer") && i < sizeof words / sizeof *words; i++)
        if (strstr(err, words[i][0])) what = words[i][1];
    if (!what) return NULL;
    at = strstr(err, text("%s.c:", l->id));
    return at ? text("In %.*s: %s.",
                    (int)strcspn(at, ": \n") + 1 + (int)strspn(strchr(at, ':') + 1, "0123456789"),
                    at, what)
              : text("In the sanitizer's words: %s.", what);
}

static const char *what_happened(const process *p, const lab *l, double cpu, int done) {
    const char *c = crash(p), *said = set.sanitize ? sanitizer_says(l, p->err) : NULL;
    if (said) return said;
    if (p->late) return text("Stopped after %g s: it waits, or computes far too long.", p->wall);
    if (p->flood || (c && !strcmp(c, "flood")))
        return "Stopped: it printed more than anybody reads.";
    if (c && (!strcmp(c, "cpu") || (!strcmp(c, "killed") && p->seconds >= cpu)))
        return text("Stopped after %g s of processor time; look at the loops' ends.", cpu);
    if (c && !strcmp(c, "system"))
        return "Stopped: it asked the system for something an assignment does not need (a file, a "
               "program, a signal).";
    if (c && !strcmp(c, "segmentation fault"))
        return "It crashed (segmentation fault): a pointer that is NULL, an index outside of an "
               "array, a recursion without end, or memory that was refused. With SANITIZE=1 "
               "before the command it says where.";
    if (c) return text("It crashed (%s).", c);
    if (!done && p->code == 3)
        return "The pipe to the grader was closed; an answer closes nothing that it has not "
               "opened.";
    if (!done)
        return text(
            "It ended (exit status %d) before the checker was done: does it call exit?", p->code);
    return NULL;
}

/* The word before line i of the protocol; check.h has the same. Who has seen one does not know the
   next. */
static uint64_t word_of(uint64_t secret, uint64_t i) {
    uint64_t x = secret + i * 0x9E3779B97F4A7C15u, y = x;
    y = (y ^ y >> 30) * 0xBF58476D1CE4E5B9u;
    y = (y ^ y >> 27) * 0x94D049BB133111EBu;
    return (y ^ y >> 31) ^ x;
}

/* The protocol's lines into rows and notes; 1 if the checker reached its end. */
static int read_rows(result *r, char *s, uint64_t secret) {
    int done = 0;
    char *l, *f[10], *word = text("%016llx", (unsigned long long)word_of(secret, 0));
    for (uint64_t at = 1; (l = line(&s)) && !done;) {
        int n = fields(l, f, 10);
        if (n < 2 || strcmp(f[0], word)) continue;
        word = text("%016llx", (unsigned long long)word_of(secret, at++));
        if (!strcmp(f[1], "done")) done = 1;
        if (!strcmp(f[1], "say") && n == 4 && r->n_notes < NOTES)
            r->notes[r->n_notes++] = (note){r->n_rows - 1, f[2], f[3]};
        if (!strcmp(f[1], "row") && n == 10 && r->n_rows < ROWS)
            r->rows[r->n_rows++] = (row){f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9]};
    }
    return done;
}

static int is_right(const row *w) { return strcmp(w->status, "wrong") != 0; }
static int kind_of(const row *w) {
    return !strcmp(w->kind, "unit") ? 0 : !strcmp(w->kind, "law") ? 1 : 2;
}

/* Whole points, rounded down; 100 only if no row is wrong. */
static void count(result *r) {
    double sum = 0;
    for (int i = 0; i < r->n_rows; i++) {
        r->total[kind_of(r->rows + i)]++;
        r->right[kind_of(r->rows + i)] += is_right(r->rows + i);
    }
    for (int k = 0; k < 3; k++)
        if (r->total[k]) sum += points[k] * r->right[k] / r->total[k];
    r->score = r->trouble ? 0 : (int)(sum + 1e-9);
}

static void check(result *r, const char *folder, const char *picture) {
    const lab *l = r->lab;
    char *program = quote(text("%s/checker.exe", folder));
    uint64_t secret = chance();
    double cpu = limit_of("LAB_CPU", l->cpu > 0 ? l->cpu : 10);
    char *clear = SIGNALS ? *set.run ? "exec"
                                     : "exec env -i ASAN_OPTIONS=detect_leaks=0 "
                                       "UBSAN_OPTIONS=print_stacktrace=0"
                          : "";
    int key = strcmp(set.hidden, "-") != 0;
    char *word = text(
        "%016llx%.400s", (unsigned long long)secret, SIGNALS && key ? set.hidden : "");
    process p = {.command = text("%s %s %s %s %s %s %s", clear, set.run, program,
                     SIGNALS ? "=" : word, quote(set.name), SIGNALS ? "-" : quote(set.hidden),
                     quote(picture)),
        .input = word,
        .folder = text("%s/empty", folder),
        .cpu = cpu,
        .wall = limit_of("LAB_WALL", l->cpu > 0 ? 2 * l->cpu : 20),
        .memory = set.sanitize || *set.run ? 0 : 1024,
        .file = 16,
        .alone = !*set.run};
    make_folder(p.folder);
    run(&p);
    char *s = clean(p.out, p.n_out), *said = clean(p.err, p.n_err);
    int done = read_rows(r, s, secret);
    r->trouble = what_happened(&p, l, cpu, done);
    r->seconds = p.seconds;
    if (*said && !(set.sanitize && r->trouble)) {
        r->printed = first_lines(said, 10);
        if (r->n_notes < NOTES)
            r->notes[r->n_notes++] = (note){-1, "informative",
                "What your file prints goes to you, not to the grader; take it out when you are "
                "done."};
    }
    if (r->total[0] + r->total[1] == 0 && !r->trouble && r->n_rows < 2)
        r->trouble = "The checker reported nothing.";
}

/* All of one answer. picture is "-" where none is wanted. */
static result *examine(const lab *l, const char *file, const char *picture) {
    result *r = calloc(1, sizeof *r);
    size_t n = 0;
    const char *why, *base = strrchr(file, '/');
    if (!r) fail("out of memory");
    r->lab = l;
    base = base ? base + 1 : file;
    int plain = plain_file(file, !set.grading), why_not = plain ? 0 : errno;
    char *s = plain ? slurp(file, CAPTURE, &n) : NULL,
         *folder = text("%s/work-%016llx", set.build, (unsigned long long)chance());
    if (!s) {
        r->trouble = why_not == EINVAL
            ? text("%s is no plain file: hand in itself, not a link, a folder or a pipe.", base)
            : why_not == ENOENT || why_not == ENOTDIR
            ? text("There is no file %s.", base)
            : text("%s cannot be read: %s.", base, strerror(errno));
        return r;
    }
    if ((why = scan(s, n))) {
        r->trouble = text("Refused: %s.", why);
        return r;
    }
    if (!make_folder(folder)) fail("%s: %s", folder, strerror(errno));
    if (build(r, folder, s, n)) check(r, folder, picture);
    remove_folder(folder);
    count(r);
    return r;
}

/* ---- the four formats, from one table ---- */

static char *number_of(const char *s) /* as JSON and YAML have it, or a string where it is none */
{
    char *end;
    double x = strtod(s, &end);
    return end != s && !*end && isfinite(x) ? text("%.9g", x) : text("\"%s\"", s);
}

static char *json(const char *s) /* a string, quoted; YAML's double quotes are the same */
{
    buffer b = {0};
    for (add(&b, "\""); *s; s++)
        if (*s == '"' || *s == '\\') add(&b, "\\%c", *s);
        else if (*s == '\n') add(&b, "\\n");
        else if (*s == '\t') add(&b, "\\t");
        else add_bytes(&b, s, 1);
    add(&b, "\"");
    return b.at;
}

/* What is said of one row: numbers, likely cause, comments. */
static char *account(const result *r, int i) {
    const row *w = r->rows + i;
    buffer b = {0};
    double got = strtod(w->got, NULL), truth = strtod(w->truth, NULL);
    add(&b, "");
    if (kind_of(w) == 2)
        add(&b, "%s words, at least %s; a person reads it: %s\n", w->got, w->truth, w->text);
    else {
        if (!strcmp(w->tol, "0")) add(&b, "%s\n", is_right(w) ? "yes" : "no, and it must be so");
        else add(&b, "yours %s, truth %s", w->got, w->truth);
        if (strcmp(w->tol, "0") && !is_right(w) && truth != 0 && isfinite(got)) add(&b, ", ratio %.4g", got / truth);
        if (strcmp(w->tol, "0")) add(&b, " (tolerance %s)\n", w->tol);
        if (strcmp(w->text, "-")) add(&b, "%s%s\n", is_right(w) ? "Valid: " : "Likely: ", w->text);
    }
    for (int k = 0; k < r->n_notes; k++)
        if (r->notes[k].row == i) add(&b, "%s\n", r->notes[k].text);
    return b.at;
}

static void indent(buffer *b, int by, char *s) {
    for (char *l; (l = line(&s));) wrap(b, by, text("%*s", by, ""), l);
}

static int lines_of(const char *s) {
    int n = 0;
    for (; *s; s++) n += *s == '\n';
    return n;
}

/* At most LINES lines of COLUMNS: what went wrong, the first row to mend in full, the others in
 * short. */
static void text_result(buffer *out, const result *r, const char *last) {
    buffer b = {0};
    int first = -1, others = 0;
    add(&b, "Assignment %d, %s: %d of 100%s\n", r->lab->number, r->lab->title, r->score,
        r->score == 100 ? ", done" : "");
    if (strcmp(set.hidden, "-"))
        add(&b, "A hidden test: other numbers and sizes than the open one has, the same rows.\n");
    if (r->trouble) {
        wrap(&b, 0, "", r->trouble);
        if (r->n_rows)
            wrap(&b, 0, "",
                text("That was after the row \"%s\". Nothing counts until it ends by itself.",
                    r->rows[r->n_rows - 1].name));
    }
    if (r->detail) add(&b, "%s", r->detail);
    if (r->n_rows)
        add(&b, "  exact answers %d of %d (50), laws %d of %d (40), a sentence %d of %d (10)\n",
            r->right[0], r->total[0], r->right[1], r->total[1], r->right[2], r->total[2]);
    for (int i = 0; i < r->n_rows; i++) {
        const row *w = r->rows + i;
        if (is_right(w)) continue;
        if (first < 0) {
            first = i;
            wrap(&b, 0, "\nFirst to mend: ", w->name);
            indent(&b, 2, account(r, i));
        } else if (others++ < 5)
            add(&b, "%s%s%*s %12.6g %12.6g\n",
                others == 1 ? "Then, yours and the truth:\n  " : "  ", w->name,
                40 - (width(w->name) < 40 ? width(w->name) : 40), "", strtod(w->got, NULL),
                strtod(w->truth, NULL));
    }
    if (others > 5) add(&b, "... and %d more\n", others - 5);
    for (int i = 0, n = 0; i < r->n_rows; i++)
        if (is_right(r->rows + i) && !r->trouble) {
            buffer names = {0};
            if (n++) continue;
            for (int k = i; k < r->n_rows; k++)
                if (is_right(r->rows + k))
                    add(&names, "%s%s", names.n ? "; " : "", r->rows[k].name);
            wrap(&b, 2, "\nRight: ", names.at);
        }
    for (int i = 0; i < r->n_rows; i++) { /* other than the library, and as right: once each */
        int told = strcmp(r->rows[i].status, "valid") != 0;
        for (int k = 0; k < i; k++)
            told |= !strcmp(r->rows[k].status, "valid") && !strcmp(r->rows[k].text, r->rows[i].text);
        if (!told) wrap(&b, 2, text("Valid (%s): ", r->rows[i].name), r->rows[i].text);
    }
    for (int k = 0; k < r->n_notes; k++) {
        int at = r->notes[k].row;
        if (lines_of(b.at) < LINES - 4 && (at < 0 || (at != first && (is_right(r->rows + at)))))
            wrap(&b, 2, "Note: ", r->notes[k].text);
    }
    int left = LINES - lines_of(b.at) - lines_of(last) - 1;
    if (r->printed && left > 0)
        add(&b, "Your file prints:\n%s", first_lines(r->printed, left < 10 ? left : 10));
    add(out, "%s%s", first_lines(b.at, LINES), last);
}

static void tap_result(buffer *b, const result *r, int *at) {
    if (r->trouble)
        add(b, "not ok %d - %d runs to its end\n  ---\n  message: %s\n  severity: fail\n  ...\n",
            ++*at, r->lab->number,
            json(text("%s%s%s", r->trouble, r->detail ? "\n" : "", r->detail ? r->detail : "")));
    for (int i = 0; i < r->n_rows; i++) {
        const row *w = r->rows + i;
        buffer name = {0};
        for (const char *c = w->name; *c; c++)
            add(&name, *c == '#' || *c == '\\' ? "\\%c" : "%c", *c);
        add(b,
            "%sok %d - %d %s: %s\n  ---\n  message: %s\n  severity: %s\n  data:\n    kind: %s\n    "
            "got: %s\n    expect: %s\n"
            "    tolerance: %s\n    diagnosis: %s\n  ...\n",
            is_right(w) ? "" : "not ", ++*at, r->lab->number, w->kind, name.at, json(account(r, i)),
            is_right(w) ? "comment" : "fail", json(w->kind), number_of(w->got), number_of(w->truth),
            number_of(w->tol), json(w->id));
    }
    for (int k = 0; k < r->n_notes; k++)
        if (r->notes[k].row < 0) add(b, "# %s\n", r->notes[k].text);
    add(b, "# assignment %d: %d of 100 points\n", r->lab->number, r->score);
}

/* max_score is 0 for rows that were seen before a crash: the points are in the row that says so. */
static void gradescope_result(buffer *b, const result *r, const char *visible) {
    const char *comma = "";
    if (r->trouble) {
        add(b,
            "    {\"number\": \"%d.0\", \"name\": \"%s runs to its end\", \"score\": 0, "
            "\"max_score\": 100, \"status\": \"failed\",\n"
            "     \"output\": %s, \"visibility\": \"%s\"}",
            r->lab->number, r->lab->id,
            json(text("%s%s%s", r->trouble, r->detail ? "\n" : "", r->detail ? r->detail : "")),
            visible);
        comma = ",\n";
    }
    for (int i = 0; i < r->n_rows; i++) {
        const row *w = r->rows + i;
        double most = r->trouble ? 0 : points[kind_of(w)] / r->total[kind_of(w)];
        add(b,
            "%s    {\"number\": \"%d.%d\", \"name\": %s, \"score\": %.6g, \"max_score\": %.6g, "
            "\"status\": \"%s\",\n"
            "     \"output\": %s, \"visibility\": \"%s\"}",
            comma, r->lab->number, i + 1, json(text("%s: %s", w->kind, w->name)),
            is_right(w) ? most : 0.0, most, is_right(w) ? "passed" : "failed", json(account(r, i)),
            visible);
        comma = ",\n";
    }
}

static void exercism_result(buffer *b, const result *r) {
    char *printed = NULL;
    if (r->printed) {
        size_t n = strlen(r->printed);
        if (n > 400)
            for (n = 400; (r->printed[n] & 0xC0) == 0x80;) n--;
        printed = text("%.*s%s", (int)n, r->printed,
            r->printed[n] ? "\nOutput was truncated. Please limit to 500 chars." : "");
    }
    if (r->trouble)
        add(b,
            "    {\"name\": \"%s runs to its end\", \"test_code\": \"lab %02d\", \"status\": "
            "\"error\", \"message\": %s%s%s, \"task_id\": %d}%s",
            r->lab->id, r->lab->number,
            json(text("%s%s%s", r->trouble, r->detail ? "\n" : "", r->detail ? r->detail : "")),
            printed ? ", \"output\": " : "", printed ? json(printed) : "", r->lab->number,
            r->n_rows ? ",\n" : "");
    for (int i = 0; i < r->n_rows; i++) {
        const row *w = r->rows + i;
        char *test = kind_of(w) == 2 ? text("words in lab_why >= %s", w->truth)
                                     : text("%s: %s within %s", w->name, w->truth, w->tol);
        add(b, "    {\"name\": %s, \"test_code\": %s, \"status\": \"%s\"", json(w->name),
            json(test), is_right(w) ? "pass" : "fail");
        if (!is_right(w)) add(b, ", \"message\": %s", json(account(r, i)));
        if (printed && !i && !r->trouble) add(b, ", \"output\": %s", json(printed));
        add(b, ", \"task_id\": %d}%s", r->lab->number, i + 1 < r->n_rows ? ",\n" : "");
    }
}

/* All answers of one hand-in as one document. */
static char *document(result *const *all, int n, const char *format) {
    buffer b = {0}, inner = {0};
    int sum = 0, at = 0, ran = 0;
    double seconds = 0;
    add(&inner, "");
    for (int i = 0; i < n; i++)
        sum += all[i]->score, seconds += all[i]->seconds, ran += !all[i]->trouble;
    int score = n ? sum / n : 0;
    for (int i = 0; i < n; i++) {
        const char *comma = i + 1 < n ? ",\n" : "\n";
        if (!strcmp(format, "text")) {
            text_result(&inner, all[i], "");
            add(&inner, "%s", i + 1 < n ? "\n" : "");
        }
        if (!strcmp(format, "tap")) tap_result(&inner, all[i], &at);
        if (!strcmp(format, "gradescope")) {
            gradescope_result(
                &inner, all[i], strcmp(set.hidden, "-") ? "after_published" : "visible");
            add(&inner, "%s", comma);
        }
        if (!strcmp(format, "exercism")) {
            exercism_result(&inner, all[i]);
            add(&inner, "%s", comma);
        }
    }
    char *summary = text("%d of 100 points, %d of %d assignments ran to their end.%s", score, ran,
        n, strcmp(set.hidden, "-") ? " Hidden test: other numbers and sizes, the same rows." : "");
    if (!strcmp(format, "text"))
        add(&b, "%s%s", inner.at,
            n > 1   ? text("\nAll: %s\n", summary)
                : n ? ""
                    : text("%s\n", set.nothing));
    if (!strcmp(format, "tap")) add(&b, "TAP version 13\n1..%d\n%s# %s\n", at, inner.at, summary);
    if (!strcmp(format, "gradescope"))
        add(&b,
            "{\"score\": %d, \"execution_time\": %.3f, \"output\": %s, \"visibility\": "
            "\"visible\", \"stdout_visibility\": \"hidden\",\n"
            "  \"tests\": [\n%s  ]}\n",
            score, seconds, json(summary), inner.at);
    if (!strcmp(format, "exercism")) {
        buffer why = {0};
        for (int i = 0; i < n; i++)
            if (all[i]->trouble)
                add(&why, "%s: %s\n%s", all[i]->lab->id, all[i]->trouble,
                    all[i]->detail ? all[i]->detail : "");
        add(&b, "{\"version\": 3, \"status\": \"%s\", \"message\": %s,\n  \"tests\": [\n%s  ]}\n",
            !ran               ? "error"
                : score == 100 ? "pass"
                               : "fail",
            !ran ? json(n ? why.at : set.nothing) : "null", inner.at);
    }
    return b.at;
}

/* ---- commands ---- */

static void say(const char *s) {
    if (fputs(s, stdout) < 0 || fflush(stdout)) fail("the report: %s", strerror(errno));
}

static char *plotted(const char *s) /* a string of gnuplot's, in which '' is a quote */
{
    buffer b = {0};
    for (add(&b, "'"); *s; s++) add(&b, *s == '\'' ? "''" : "%c", *s);
    add(&b, "'");
    return b.at;
}

static void draw(const lab *l, buffer *last) {
    char *dat = kept(l, "picture.dat"), *png = text("%s/%s/%s.png", set.build, l->id, l->id),
         *script = path_of(l, "picture.gp");
    char *root = text("%s/../..", set.course);
    char *points_ = slurp(dat, 16, NULL);
    if (!points_ || !*points_ || !exists(script)) return;
    if (!exists(text("%s/plots/style.gp", root))) root = text("%s/..", set.course);
    remove(png);
    process p = {.command = text("%sgnuplot -e %s %s", SIGNALS ? "exec " : "",
                     quote(text("dat=%s; png=%s", plotted(dat), plotted(png))), quote(script)),
        .folder = root,
        .cpu = 20,
        .wall = 30};
    run(&p);
    if (exists(png)) add(last, "Figure: %s\n", from_here(png));
    else
        add(last, "No figure: %s",
            p.code == 127 ? "there is no gnuplot\n"
                : p.n_err ? first_lines(clean(p.err, p.n_err), 1)
                          : "the script draws none\n");
}

static int one(const lab *l, const char *file) {
    char *answer = file ? absolute(file) : answer_of(l),
         *start = slurp(path_of(l, "start.c"), CAPTURE, NULL);
    make_folder(text("%s/%s", set.build, l->id));
    if (!file && !exists(answer)) {
        if (!start) fail("%s is not there", path_of(l, "start.c"));
        make_folder(set.labs);
        if (!write_file(answer, start, strlen(start))) fail("%s: %s", answer, strerror(errno));
        printf("Assignment %d, %s: your file is %s.\nWrite what its comments ask for (the page: "
               "%s), then call this again.\n\n",
            l->number, l->title, from_here(answer), from_here(path_of(l, "task.md")));
    }
    remove(kept(l, "picture.dat"));
    result *r = examine(l, answer, kept(l, "picture.dat"));
    buffer out = {0}, last = {0};
    char *score = text("%d\n", r->score), *shown = slurp(kept(l, "hints"), 8, NULL);
    add(&last, "");
    if (!file) write_file(kept(l, "score"), score, strlen(score));
    if (r->score < 100 && (!shown || atoi(shown) < 3))
        add(&last, "Stuck? %s%02d shows the next of three hints.\n",
            exists("Makefile") ? "make hint" : "./lab hint ", l->number);
    if (!r->trouble) draw(l, &last);
    text_result(&out, r, last.at);
    say(out.at);
    return r->score != 100;
}

/* Whether compiler, library and checker work together: an answer that is right is checked. */
static int ready(void) {
    static const lab first = {.id = "ready", .title = "is all in order?"};
    result *r = examine(&first, path_of(&first, "start.c"), "-");
    buffer out = {0};
    text_result(&out, r,
        r->score != 100       ? ""
            : exists("Makefile") ? "All is in order. Begin with: make lab01\n"
                                 : "All is in order. Begin with: ./lab 01\n");
    fputs(out.at, stdout);
    return r->score != 100;
}

static void watch(const lab *l) {
    uint64_t before = 0;
    for (;;) {
        size_t n = 0;
        char *s = slurp(answer_of(l), CAPTURE, &n);
        uint64_t h = s ? hash(HASH, s, n) : 1;
        free(s);
        if (h != before && (s || !before)) {
            double begun = now();
            one(l, NULL);
            printf("-- %.1f s; waiting for you to save %s (Ctrl-C ends)\n\n", now() - begun,
                from_here(answer_of(l)));
            fflush(stdout);
            s = slurp(answer_of(l), CAPTURE, &n);
            if (!before && s) h = hash(HASH, s, n);
            before = h;
        }
        rest(300);
    }
}

static int hint(const lab *l) {
    char *page = slurp(path_of(l, "task.md"), CAPTURE, NULL), *s = kept(l, "hints"), *at, *line_,
         *shown;
    buffer b = {0};
    make_folder(text("%s/%s", set.build, l->id));
    shown = slurp(s, 8, NULL);
    int most = shown ? atoi(shown) + 1 : 1, n = 0;
    if (most > 3) most = 3;
    at = page ? strstr(page, "\n## Hints") : NULL;
    if (!at) fail("%s has no hints", path_of(l, "task.md"));
    for (at++, line(&at); (line_ = line(&at)) && strncmp(line_, "## ", 3);) {
        const char *c = line_ + strspn(line_, " (");
        if (isdigit((unsigned char)*c) && c[1] && strchr(".)", c[1])) n++;
        if (n == most) add(&b, "%s\n", line_);
    }
    printf(
        "Hint %d of 3 for assignment %d, %s:\n\n%s\n", most, l->number, l->title, b.n ? b.at : "");
    if (most < 3) printf("Try it before you ask for the next one.\n");
    else printf("That was the last one.\n");
    char *now_ = text("%d\n", most);
    write_file(s, now_, strlen(now_));
    return 0;
}

static int grade(
    const char *folder, const char *format, const char *to, char **wanted, int n_wanted) {
    result *all[LABS];
    int n = 0, bad = 0;
    set.grading = 1;
    for (int i = 0; i < n_course; i++) {
        char *file = text("%s/%s.c", folder, course[i].id);
        int want = n_wanted == 0 && (plain_file(file, 0) || errno == EINVAL);
        if (n_wanted == 0 && !want && errno != ENOENT)
            set.nothing = text("No answer was found: %s: %s.", folder, strerror(errno));
        for (int k = 0; k < n_wanted; k++) want |= find_lab(wanted[k]) == course + i;
        if (want) all[n++] = examine(course + i, file, "-");
    }
    for (int i = 0; i < n; i++) bad |= all[i]->score < 100;
    for (char *list = text("%s", format), *next; list;
         list = next) { /* one file, or FILE.FORMAT for each of several */
        if ((next = strchr(list, ','))) *next++ = 0;
        char *s = document(all, n, list),
             *file = to ? strchr(format, ',') ? text("%s.%s", to, list) : text("%s", to) : NULL;
        if (!file) {
            say(s);
            continue;
        }
        int whole = plain_file(file, 0) || errno == ENOENT; /* a device is not replaced */
        char *fresh = whole ? text("%s.%016llx", file, (unsigned long long)chance()) : file;
        if (write_file(fresh, s, strlen(s)) && (!whole || replace(fresh, file))) continue;
        int why = errno;
        if (whole) remove(fresh);
        fail("%s: %s", file, strerror(why));
    }
    return bad || !n;
}

static const char usage[] =
    "usage: lab [OPTION ...]                 lists the assignments\n"
    "       lab [OPTION ...] ready           compiles the library, and says whether all works\n"
    "       lab [OPTION ...] NN [FILE]       begins assignment NN, or checks your file\n"
    "       lab [OPTION ...] watch NN        checks it again whenever you save it\n"
    "       lab [OPTION ...] hint NN         the next of three hints\n"
    "       lab [OPTION ...] grade DIR [-f text|tap|gradescope|exercism] [-o FILE] [--hidden KEY] "
    "[NN ...]\n"
    "options: -c DIR  the course (start.c, check.c, ...)    -b DIR  where objects and figures go\n"
    "         -d DIR  your files (labs)                     --name NAME  a student's own numbers\n"
    "environment: CC, CFLAGS; SANITIZE=1 looks for errors of memory; LAB_NAME as --name; LAB_CPU, "
    "LAB_WALL\n"
    "limits in seconds; LAB_RUN a program that runs the checker (qemu-aarch64)\n";

static const char *first_with(const char *file, const char *const *folders) {
    for (; *folders; folders++)
        if (exists(text("%s/%s", *folders, file))) return *folders;
    return NULL;
}

static void find_folders(const char *me) {
    const char *slash = strrchr(me, '/'), *back = SIGNALS ? NULL : strrchr(me, '\\');
    if (back && (!slash || back > slash)) slash = back;
    char *here = slash ? text("%.*s", (int)(slash - me), me) : text(".");
    const char *courses[] = {"tutorial/course", "course", text("%s/tutorial/course", here),
        text("%s/course", here), here, text("%s/../tutorial/course", here),
        text("%s/../../tutorial/course", here), NULL};
    if (!set.course) set.course = first_with("course.tsv", courses);
    if (!set.course) fail("where is the course? Start this in its folder, or say -c DIR");
    const char *builds[] = {"out/labs", "build", text("%s/../../out/labs", set.course),
        text("%s/../build", set.course), text("%s/build", here), NULL};
    if (!set.build) set.build = first_with("library.c", builds);
    if (!set.build)
        fail("there is no library.c in out/labs or build: \"make labs\" makes it, or say -b DIR");
    set.course = absolute(set.course);
    set.build = absolute(set.build);
    set.labs = absolute(set.labs);
}

int main(int argc, char **argv) {
    const char *format = "text", *to = NULL;
    char *rest_[LABS + 4];
    int n = 0;
    set.cc = getenv("CC");
    set.flags = getenv("CFLAGS");
    set.run = getenv("LAB_RUN");
    set.name = getenv("LAB_NAME");
    if (!set.cc || !*set.cc) set.cc = SIGNALS ? "cc" : "gcc";
    if (!set.flags) set.flags = "";
    if (!set.run) set.run = "";
    if (!set.name || !*set.name) set.name = "-";
    set.hidden = "-";
    set.nothing = "No answer was found.";
    set.labs = "labs";
    const char *s = getenv("SANITIZE");
    set.sanitize = s && *s && strcmp(s, "0");
    for (int i = 1; i < argc; i++) {
        const struct {
            const char *name, **to;
        } options[] = {{"-c", &set.course}, {"-b", &set.build}, {"-d", &set.labs},
            {"--name", &set.name}, {"--hidden", &set.hidden}, {"-f", &format}, {"-o", &to}};
        size_t k = 0, m = sizeof options / sizeof *options;
        while (k < m && strcmp(options[k].name, argv[i])) k++;
        if (k < m && i + 1 < argc) *options[k].to = argv[++i];
        else if (argv[i][0] == '-' || n == LABS + 3) {
            fputs(usage, argv[i][1] == 'h' || !strcmp(argv[i], "--help") ? stdout : stderr);
            return 2;
        } else rest_[n++] = argv[i];
    }
    for (const char *f = format; f; f = strchr(f, ',') ? strchr(f, ',') + 1 : NULL) {
        char *one_ = text("%.*s", (int)strcspn(f, ","), f);
        if (strcmp(one_, "text") && strcmp(one_, "tap") && strcmp(one_, "gradescope") &&
            strcmp(one_, "exercism"))
            fail("-f %s: a format is text, tap, gradescope or exercism, or several with commas",
                one_);
    }
    if (!*set.hidden) fail("--hidden \"\": an empty key hides nothing; is the secret set?");
    if (!*set.name) set.name = "-";
    find_folders(argv[0]);
    read_course();
    if (n == 1 && !strcmp(rest_[0], "ready")) return ready();
    if (n == 0) {
        list();
        return 0;
    }
    if (!strcmp(rest_[0], "watch") && n == 2) watch(find_lab(rest_[1]));
    if (!strcmp(rest_[0], "hint") && n == 2) return hint(find_lab(rest_[1]));
    if (!strcmp(rest_[0], "grade") && n >= 2) return grade(rest_[1], format, to, rest_ + 2, n - 2);
    if (n <= 2 && isdigit((unsigned char)*rest_[0]))
        return one(find_lab(rest_[0]), n == 2 ? rest_[1] : NULL);
    fputs(usage, stderr);
    return 2;
}
