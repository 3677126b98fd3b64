/*
course_exam: the numbers of the exam's answers in tutorial/course/teacher.md, each computed here.

One line for each question: its name, a tab, and the numbers that its answer must contain, as they
are printed there. tests/course_book.pl holds the page to them. Recursions are run, integrals are
taken by small steps, and what has a closed form is asked for it, so that an answer does not rest
on the formula that it teaches.
*/
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static void row(const char *id, int n, ...) { /* pairs: how many digits after the point, value */
    va_list a;
    int k;
    printf("%s", id);
    va_start(a, n);
    for (k = 0; k < n; k++) {
        int digits = va_arg(a, int);
        char text[64], *s = text;
        snprintf(text, sizeof text, "%.*f", digits, va_arg(a, double));
        if (s[0] == '0' && s[1] == '.') s++; /* .5, as the book writes it */
        if (s[0] == '-' && s[1] == '0' && s[2] == '.') s[1] = '-', s++;
        printf("\t%s%s", *s == '-' ? "\xE2\x88\x92" : "", *s == '-' ? s + 1 : s);
    }
    va_end(a);
    printf("\n");
}

static double beta(double t) { return .1 + 19.9 * t; }

/* ---- 1: kernels ---- */

static void kernels(void) {
    double integral = 0, m, t, v = 0;
    int i, n = 100000;
    for (i = 0; i < n; i++) integral += beta((i + .5) / n * .5) * .5 / n;
    m = exp(-integral / 2);
    row("1a", 4, 4, integral, 4, m, 4, sqrt(1 - m * m), 4, exp(-integral));
    for (t = 0; v < .5; t += 1e-6) v += (-4 * v + 4) * 1e-6; /* dV/dt = 2 f V + g², β = 4 */
    row("1b", 2, 3, t, 4, exp(-4.) / (1 - exp(-4.)));
}

/* ---- 2: Euler–Maruyama's variance, x ← (1 − h) x + c z ---- */

static double settles(double h, double c) {
    double v = 0;
    long i;
    for (i = 0; i < (long)(60 / h); i++) v = (1 - h) * (1 - h) * v + c * c;
    return v;
}
static void forwards(void) {
    row("2a", 2, 4, settles(.1, sqrt(2 * .1)), 4, settles(.05, sqrt(2 * .05)));
    row("2b", 2, 4, settles(1e-3, sqrt(2.) * 1e-3), 4, settles(5e-4, sqrt(2.) * 5e-4));
}

/* ---- 3: the score of a mixture of N(−2, 1) and N(2, 1), w the weight of the left one ---- */

static double log_p(double x, double w) {
    return log(w * exp(-(x + 2) * (x + 2) / 2) + (1 - w) * exp(-(x - 2) * (x - 2) / 2));
}
static double slope(double x, double w) {
    return (log_p(x + 1e-5, w) - log_p(x - 1e-5, w)) / 2e-5;
}
static void mixtures(void) {
    double x = 2, y = 2;
    row("3a", 2, 3, slope(1, .9), 3, slope(1, .5));
    while (exp(-(x - 2) * (x - 2) / 2) > 0) x += 1e-3;
    while (expf((float)(-(y - 2) * (y - 2) / 2)) > 0) y += 1e-3;
    row("3b", 2, 1, x, 1, y);
}

/* ---- 4: Langevin on N(0, 1) ---- */

static void walks(void) {
    double g = .2, up, back;
    row("4a", 3, 3, settles(g, sqrt(2 * g)), 3, settles(g, sqrt(g)), 3, settles(g, 2 * g));
    up = -(1. - (1 - g) * 0) * (1. - (1 - g) * 0) / (4 * g); /* log q(1 | 0) */
    back = -(0. - (1 - g) * 1) * (0. - (1 - g) * 1) / (4 * g);
    row("4b", 4, 2, up, 2, back, 3, exp(-.5 + back - up), 3, exp(-.5));
}

/* ---- 5: denoising, x₀ ∼ N(0, 1), m = .8, s = .6 ---- */

static void denoising(void) {
    double m = .8, s = .6, floor_ = 0, one = 0, x, e, p, h = .01, a[2];
    int i;
    for (x = -8; x < 8; x += h) for (e = -8; e < 8; e += h) { /* over x and ε */
        double x0 = (x - s * e) / m;
        p = exp(-(x0 * x0 + e * e) / 2) / (2 * pi * m) * h * h;
        floor_ += p * (e - s * x) * (e - s * x);
        one += p * e * e;
    }
    row("5a", 3, 2, floor_, 2, one, 2, one - floor_);
    for (i = 0; i < 2; i++) a[i] = (i + 1) * .01 / ((i + 1) * .01 + 1e-8);
    row("5b", 1, 1, (a[1] - a[0]) * 1e7);
}

/* ---- 6: backward passes ---- */

static double silu(double x) { return x / (1 + exp(-x)); }
static void backward(void) {
    double X[3][2] = {{1, 2}, {3, 4}, {5, 6}}, W[2] = {0, 0}, b = 0;
    int i;
    row("6a", 2, 4, (silu(1 + 1e-5) - silu(1 - 1e-5)) / 2e-5,
        4, (silu(-1 + 1e-5) - silu(-1 - 1e-5)) / 2e-5);
    for (i = 0; i < 3; i++) W[0] += X[i][0], W[1] += X[i][1], b += 1;
    row("6b", 3, 0, W[0], 0, W[1], 0, b);
}

/* ---- 7: Adam and averages ---- */

static void adam(void) {
    double m = 0, v = 0, first = 0, second = 0, w = 1;
    int k;
    for (k = 1; k <= 2; k++) {
        m = .9 * m + .1;
        v = .999 * v + .001;
        if (k == 1) first = m / sqrt(v); else second = m / sqrt(v);
    }
    row("7a", 2, 3, first, 3, second);
    for (k = 0; w > .5; k++) w *= .999;
    row("7b", 2, 0, (double)k, 1, acos((3 + 4) / (5 * sqrt(2.))) * 180 / pi);
}

/* ---- 8: the reverse step where data are N(0, 1), so that the score is −x at all t ---- */

/* variance after n steps; half: of g² in the drift; noise: a factor; power: of h beside g */
static double reverse(int n, double half, double noise, double power) {
    double v = 1, h = 1. / n;
    int k;
    for (k = 0; k < n; k++) {
        double b = beta(1 - k * h), a = 1 - (-b / 2 + half * b) * h, c = noise * pow(h, power);
        v = a * a * v + b * c * c;
    }
    return v;
}
static void backwards(void) {
    double e4 = reverse(400, 1, 1, .5) - 1, e8 = reverse(800, 1, 1, .5) - 1;
    row("8a", 3, 5, e4, 5, e8, 2, log(e4 / e8) / log(2.));
    row("8b", 3, 2, reverse(800, .5, 1, .5), 3, reverse(800, 1, sqrt(2.), .5),
        5, reverse(800, 1, 1, 1));
}

/* ---- 9: the flow ---- */

static double heun(int n, int second) { /* x' = x over [0, 1]; Euler's error or Heun's */
    double x = 1, h = 1. / n;
    int k;
    for (k = 0; k < n; k++) {
        double slope_ = x, next = x + h * slope_;
        x = second ? x + h * (slope_ + next) / 2 : next;
    }
    return exp(1.) - x;
}
static void flows(void) {
    double x = 1;
    int k, n = 1000000;
    row("9a", 4, 5, heun(10, 0), 5, heun(10, 1), 2, log(heun(10, 0) / heun(20, 0)) / log(2.),
        2, log(heun(10, 1) / heun(20, 1)) / log(2.));
    for (k = 0; k < n; k++) x -= beta(1 - (k + .5) / n) / 2 * x / n; /* f x − g² s = β x/2 */
    row("9b", 1, 5, x);
}

/* ---- 10: likelihood of N(0, 4), brought to N(0, 1) by halving ---- */

static void likelihood(void) {
    double A[2][2] = {{1, 2}, {2, 3}}, mean = 0, square = 0, entropy = 0, x, p, gauss = 0;
    int i, j;
    double prior = -.5 * log(2 * pi) - .125;
    for (x = -30; x < 30; x += 1e-3) {
        p = exp(-x * x / 8) / sqrt(8 * pi);
        entropy -= p * log(p) * 1e-3;
    }
    row("10a", 4, 4, prior - log(2.), 4, prior + log(2.), 4, entropy, 4, entropy / log(2.));
    for (i = -1; i <= 1; i += 2) for (j = -1; j <= 1; j += 2) {
        double q = A[0][0] + (A[0][1] + A[1][0]) * i * j + A[1][1];
        mean += q / 4;
        square += q * q / 4;
    }
    for (i = 0; i < 2; i++) for (j = 0; j < 2; j++) gauss += 2 * A[i][j] * A[i][j];
    row("10b", 4, 0, mean, 0, square - mean * mean, 0, gauss, 0, gauss / (.1 * .1));
}

/* ---- 11: guidance: prior N(0, 1), y = x + noise of variance 1; a guided variance at t = 0 ---- */

static double guided(double gamma, int flow) { /* in u = m² from 0 to 1, where dt = −du/(β u) */
    double v = 1, u0 = 1e-9;
    int k, n = 1000000;
    for (k = 0; k < n; k++) { /* equal steps of log u */
        double l = -log(u0) / n, u = u0 * exp(l * (k + .5));
        double s = -(1 - gamma) - gamma / (1 - u / 2); /* the score is s x + const */
        /* backwards in time: dV = (V + (flow ? ½ : 1) 2 s V + (flow ? 0 : 1)) β dt */
        v += (v + (flow ? 1 : 2) * s * v + (flow ? 0 : 1)) * l;
    }
    return v;
}
static void guidance(void) {
    row("11a", 4, 3, guided(1, 0), 3, 1. / 3, 3, guided(2, 0), 3, guided(2, 1));
    row("11b", 4, 3, 8. / 17, 3, 1. / 17, 3, 32. / 65, 3, 1. / 65);
}

/* ---- 12: counting evaluations ---- */

static void capstone(void) {
    double d = 12, n = 1000;
    row("12a", 2, 0, 100 * sqrt(.01 / .0025), 0, 100 * .08 / .0025);
    row("12b", 2, 3, 2 * d / n, 3, 1.5 * 2 * d / n);
}

int main(void) {
    kernels();
    forwards();
    mixtures();
    walks();
    denoising();
    backward();
    adam();
    backwards();
    flows();
    likelihood();
    guidance();
    capstone();
    return 0;
}
