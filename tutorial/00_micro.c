/*
# 0. A whole diffusion model, without the library

**Question.** Eight points on a circle are all that a program is shown. How can
it draw new ones? It drowns them in noise, learns to guess the noise in a noisy
point, and then takes noise out of pure noise, a little at a time.

**Predict.** The mean of ‖noise − guess‖² is the loss. Does it fall to 0, if the
program learns for long enough? `make 00` runs it (two seconds) and draws what
comes out; without make, and without the figure, it is

    cc -O2 tutorial/00_micro.c -o micro -lm && ./micro
*/
#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
enum { POINTS = 8, STEPS = 8000, BATCH = 64, DRAWS = 100000, SAMPLES = 1000 };
static const double PI = 3.14159265358979323846, FIRST = .001, LAST = 1;

/* A point of the plane is one complex number: these add and scale as arrows. */
typedef double complex arrow;
static double square(arrow u) { return creal(u * conj(u)); } /* ‖u‖² */
static arrow point[POINTS]; /* the data */

/* 1. Chance: a number between 0 and 1; two of the bell curve N(0, 1). */
static uint64_t state; /* where it starts is the key of the run */
static double uniform(void) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return ((double)(state >> 12) + .5) / 4503599627370496; /* 2^52 */
}
static arrow normal(void) {
    double length = sqrt(-2 * log(uniform())); /* Box and Muller */
    return length * cexp(2 * PI * I * uniform());
}

/* 2. Noise. By the time t a point p is x = m p + s ε, ε a fresh normal(): all
data at t = 0; all noise at t = 1, where m = .007. (It is (1.6): an equation of
the book, Part II of sgm.h, chapter 1. You need none of these numbers now.) */
static double beta(double t) { return .1 + 19.9 * t; } /* how fast it comes */
static double m(double t) { return exp(-(.1 * t + 9.95 * t * t) / 2); } /* ∫β */
static double s(double t) { return sqrt(1 - m(t) * m(t)); }
static arrow blur(arrow noise, double t) {
    return m(t) * point[(int)(POINTS * uniform())] + s(t) * noise;
}

/* 3. A network guesses the noise in x. It has layers of numbers a; each is the
sum of all numbers of the layer before, times weights w, and bent by tanh. (Why
4 x? Small numbers it would hardly bend.) */
enum { LAYERS = 3, WIDE = 32 };
static const int size[LAYERS + 1] = {3, WIDE, WIDE, 2};
static double a[LAYERS + 1][WIDE + 1], da[LAYERS + 1][WIDE + 1];
static struct weight {double w, dw, mean, square;} net[LAYERS][WIDE + 1][WIDE];
static arrow guess(arrow x, double t) {
    a[0][0] = 4 * creal(x), a[0][1] = 4 * cimag(x), a[0][2] = t;
    for (int l = 0; l < LAYERS; l++) {
        a[l][size[l]] = 1; /* one more, always 1: its weight shifts the sum */
        for (int j = 0; j < size[l + 1]; j++) {
            double sum = 0;
            for (int i = 0; i <= size[l]; i++) sum += a[l][i] * net[l][i][j].w;
            a[l + 1][j] = l < LAYERS - 1 ? tanh(sum) : sum; /* not the last */
        }
    }
    return a[LAYERS][0] + I * a[LAYERS][1];
}

/* 4. Learning. dw = ∂loss/∂w and da = ∂loss/∂sum follow by the chain rule, from
the last layer to the first; the derivative of tanh is 1 − tanh². Then each w
goes against the running mean of its dw, over the root of that of dw². (The rule
is called Adam; the first rates make up for means that begin at 0.) */
static void backward(arrow dloss) {
    da[LAYERS][0] = creal(dloss), da[LAYERS][1] = cimag(dloss);
    for (int l = LAYERS - 1; l >= 0; l--)
        for (int i = 0; i <= size[l]; i++) {
            double sum = 0;
            for (int j = 0; j < size[l + 1]; j++) {
                net[l][i][j].dw += a[l][i] * da[l + 1][j];
                sum += net[l][i][j].w * da[l + 1][j];
            }
            da[l][i] = (1 - a[l][i] * a[l][i]) * sum;
        }
}
static void learn(struct weight *p, double rate) {
    p->mean += .1 * (p->dw - p->mean);
    p->square += .001 * (p->dw * p->dw - p->square);
    p->w -= rate * p->mean / (sqrt(p->square) + 1e-9), p->dw = 0;
}
static void train(FILE *dat) {
    double loss = 0;
    for (int l = 0; l < LAYERS - 1; l++) /* the last begin at 0 */
        for (int i = 0; i < size[l]; i++)
            for (int j = 0; j < WIDE; j++)
                net[l][i][j].w = creal(normal()) / sqrt(size[l]);
    for (int k = 1; k <= STEPS; k++) {
        double rate = .005 * (1 + cos(PI * k / STEPS)); /* down to 0 */
        rate *= sqrt(1 - pow(.999, k)) / (1 - pow(.9, k));
        for (int b = 0; b < BATCH; b++) { /* a t from each 64th of its range */
            double t = FIRST + (LAST - FIRST) * (b + uniform()) / BATCH;
            arrow noise = normal(), off = guess(blur(noise, t), t) - noise;
            backward(2 * off / BATCH); /* ∂/∂guess of the loss, as (2.7) */
            loss += square(off) / BATCH / 100;
        }
        for (int l = 0; l < LAYERS; l++)
            for (int i = 0; i <= size[l]; i++)
                for (int j = 0; j < size[l + 1]; j++)
                    learn(&net[l][i][j], rate);
        if (k % 1000 == 0) printf("step %d: loss %.3f\n", k, loss);
        if (k % 100 == 0) fprintf(dat, "%d %g\n", k, loss), loss = 0;
    }
}

/* 5. Back: pure noise, then small steps h in which time falls (5.4). Each
undoes the pull to 0, goes along −guess/s, to where noisy points lie denser, and
shakes. Why so, and why by β there and β/2 here, shows lesson 07; take it so. */
static arrow sample(FILE *path) {
    arrow x = normal();
    double h = (LAST - FIRST) / 200, t = LAST;
    for (int k = 0; k < 200; t = LAST - ++k * h) {
        x += beta(t) * (x / 2 - guess(x, t) / s(t)) * h;
        x += sqrt(beta(t) * h) * normal();
        if (path) fprintf(path, "%g %g\n", creal(x), cimag(x));
    }
    return (x - s(t) * guess(x, t)) / m(t); /* what is left goes at once */
}

/* That was the model, in 91 lines of C. The rest calls it, and judges it by
the best guess there is. If x comes from point k, its noise is (x − m p)/s, with
a chance proportional to exp(−½ noise²). The mean over k is best (2.6). */
static arrow best(arrow x, double t) {
    arrow sum = 0, mean = 0;
    for (int k = 0; k < POINTS; k++) {
        arrow noise = (x - m(t) * point[k]) / s(t);
        double chance = exp(-square(noise) / 2);
        sum += chance, mean += chance * noise;
    }
    return mean / sum;
}
static FILE *create(const char *folder, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) fprintf(stderr, "error: no folder for %s\n", path), exit(2);
    return f;
}
int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : ".", *mode = getenv("MODE");
    const char *key = getenv("SGM_SEED") ? getenv("SGM_SEED") : "1";
    FILE *dat = create(folder, "micro.dat");
    state = 0x9E3779B97F4A7C15 * strtoull(*key ? key : "1", NULL, 10);
    for (int k = 0; k < POINTS; k++) {
        double radius = 1, turn = (double)k / POINTS;
        point[k] = radius * cexp(2 * PI * I * turn);
        fprintf(dat, "%g %g\n", creal(point[k]), cimag(point[k]));
    }
    fprintf(dat, "\n\n"), train(dat);
    double loss = 0, floor = 0, excess = 0, near = 0, fewest = 1;
    double share[POINTS] = {0};
    for (int n = 0; n < DRAWS; n++) { /* how good is it, on fresh noise? */
        double t = FIRST + (LAST - FIRST) * (n + uniform()) / DRAWS;
        arrow noise = normal(), x = blur(noise, t);
        loss += square(guess(x, t) - noise) / DRAWS;
        floor += square(best(x, t) - noise) / DRAWS;
        excess += square(guess(x, t) - best(x, t)) / DRAWS;
    }
    fprintf(dat, "\n\n");
    for (int n = 0; n < SAMPLES; n++) {
        arrow x = sample(n < 8 ? dat : NULL);
        int k = 0; /* which point is nearest? */
        for (int i = 1; i < POINTS; i++)
            if (square(x - point[i]) < square(x - point[k])) k = i;
        share[k] += 1. / SAMPLES;
        if (square(x - point[k]) < .15 * .15) near += 1. / SAMPLES;
        fprintf(dat, "%g %g\n%s", creal(x), cimag(x), n < 8 ? "\n" : "");
    }
    for (int k = 0; k < POINTS; k++) fewest = fmin(fewest, share[k]);
    printf("\nThe loss is %.3f, by many fresh noises (above: by 100 steps).\n"
        "The best guess has %.3f, the floor: in the mean none has less. What\n"
        "is left to learn, the excess, is %.3f. Of %d samples %.1f %% are\n"
        "within .15 of a point. The one with fewest has %.1f %%, fair: %.1f\n",
        loss, floor, excess, SAMPLES, 100 * near, 100 * fewest, 100. / POINTS);

    /* The floor is by quadrature; it and fewest have 4.5 standard errors. The
    others have about twice the room that a dozen keys took. */
    const char *name[] = {"floor", "excess", "near", "fewest"};
    double got[] = {floor, excess, near, fewest};
    double truth[] = {.2765, 0, 1, .125}, by[] = {.009, .03, .08, .047};
    FILE *table = create(folder, "checks.tsv");
    fprintf(table, "name\tgot\ttruth\ttolerance\tresult\n");
    for (int i = 0; i < 4; i++)
        fprintf(table, "%s\t%.4f\t%.4f\t%.4f\t%s\n", name[i], got[i], truth[i],
            by[i], fabs(got[i] - truth[i]) <= by[i] ? "PASS" : "FAIL");
    fprintf(create(folder, "run.tsv"), "mode\t%s\nkey\t%s\n",
        mode && *mode ? mode : "study", *key ? key : "1");
    return 0;
}
/*
Change one line (`make try00.1` makes change 1 in a copy). Below each stands the
row of checks.tsv, in out/study/00_micro, that then comes out.

(1) Other data: a spiral of eight points. The floor is a property of the data.

    - double radius = 1,
    + double radius = (k + 1.) / POINTS,

> row "floor" = .201 ± .009

(2) No shake. Most samples still end at a point, as they should; but nearly all
at the same two. The step was that of a walk that shakes: section §5.1.

    - x += sqrt(beta(t) * h) * normal();
    + (void)0;

> row "fewest" = 0 ± .03

(3) Hide the time: the network must guess without being told how much noise it
looks at, and most samples end somewhere in between.

    - a[0][2] = t;
    + a[0][2] = 0 * t;

> row "excess" = .177 ± .02

Go on: lesson 01 takes the noise apart, 04 the loss and its floor, 07 the way
back; proof 14 does all of this with the library. By yourself: your own points.
*/
