/*
# 9. Guidance: more than Bayes, and what it draws

**Question.** You have a model of p(x) and want draws from p(x|y). And if the pull towards y is made
γ times as strong, what do you draw from then?

**Equation.** $∇\log p_t(x|y) = ∇\log p_t(x) + ∇\log p_t(y|x)$ (8.1), and with γ on the last term
(8.5), (8.6): classifier guidance and classifier-free guidance.

**Plan.** After *Score-Based Generative Models: Masterclass Notes* (lecture by A. Shysheya), section
10, on four Gaussians in two classes, whose every score is known:

1. Bayes' rule (8.1) with exact parts holds to rounding.
2. Both ways learned: a network that is told y, and one that is not beside a classifier of noisy
   points. Their errors by t, and what they cost in nats.
3. γ = 0, 1, 2, 4: the guided score is the formula, to the last bit, and inside an interval only.
4. One Gaussian, in closed form: what guided runs draw, and what p(x) p(y|x)^γ is. Not the same.
5. Four Gaussians: the same with samples, exact and learned scores, with noise and without.

**What you should see.** Many texts say that guidance draws from p(x) p(y|x)^γ. At γ = 2, c = ½ the
variances are 7/24 with noise, 1/4 without, and 1/3 of that density. The guided score is the score
of $p_t(x) p_t(y|x)^γ$ at each t by itself, but noising p(x) p(y|x)^γ gives another family, so the
reverse SDE is the reverse of nothing. A Langevin walk at one t has no such claim: it gets 1/3.

**Figures.** `19_guidance_law.png`, `19_guidance_samples.png`, `19_guidance_error.png`.

    cc -O2 -fopenmp tutorial/19_guidance.c -o 19_guidance -lm

**Try this.**
(1) In `learn` set .cond_dropout = 0: the told network gets a little better, and its other branch,
which was never trained, ruins every γ but 1.
(2) Set Y to 0: other blobs, the same order of the four laws.
(3) In `closed_forms` set c to 0.9, a y that says little: the three curves nearly meet. They part
with (1 − c)².
*/

#include "tutorial.h"

enum { K = 4, D = 2, Y = 1, GAMMAS = 4, CELLS = 141, PAIRS = 12, NODES = 14 };
enum { WAYS = 7 }; /* of drawing, in step 5 */

static const double gammas[GAMMAS] = {0, 1, 2, 4};
static const double weight[K] = {0.4, 0.2, 0.2, 0.2}; /* classes 0, 1, 0, 1 */
static const double mean[K][D] = {{-0.5, 0.4}, {0.9, 0.9}, {0.7, -0.4}, {-0.8, -0.8}};
static const double cov[K][D][D] = {{{0.9, 0.2}, {0.2, 0.7}},
                                    {{0.3, -0.1}, {-0.1, 0.25}},
                                    {{0.7, 0.1}, {0.1, 0.9}},
                                    {{0.2, 0.05}, {0.05, 0.35}}};

static sgm_sde sde;
static sgm_mixture all, own;     /* p(x) and p(x|Y)                               */
static sgm_score p_x, p_xy;      /* their exact scores                            */
static sgm_score classifier;     /* the exact ∇log p(Y|x,t)                       */
static sgm_model told, sorter;   /* what is learned: p(x|y) with p(x), and p(y|x) */
static sgm_condition condition;
static sgm_classifier sorting;

/* w_k N(x; m μ_k, m²C_k + s²I) and its score −(m²C_k + s²I)⁻¹(x − m μ_k). */

static double component(int k, double m, double s, const float *x, double score_k[D]) {
    double a = m * m * cov[k][0][0] + s * s, b = m * m * cov[k][0][1];
    double c = m * m * cov[k][1][1] + s * s, det = a * c - b * b;
    double u = x[0] - m * mean[k][0], v = x[1] - m * mean[k][1];
    score_k[0] = -(c * u - b * v) / det, score_k[1] = -(a * v - b * u) / det;
    return weight[k] * exp(0.5 * (u * score_k[0] + v * score_k[1])) / sqrt(det) / (2 * 3.141592653589793);
}

/* p(Y|x,t), its log's gradient, and p_t(x): nothing but sums over the components. */

static double classify(double m, double s, const float *x, double gradient[D], double *density) {
    double score_k[K][D], p[K], sum = 0, mine = 0;
    for (int k = 0; k < K; k++) {
        p[k] = component(k, m, s, x, score_k[k]);
        sum += p[k], mine += k % 2 == Y ? p[k] : 0;
    }
    gradient[0] = gradient[1] = 0;
    for (int k = 0; k < K && mine > 0; k++)
        for (int j = 0; j < D; j++)
            gradient[j] += ((k % 2 == Y ? p[k] / mine : 0) - p[k] / sum) * score_k[k][j];
    *density = sum;
    return sum > 0 ? mine / sum : 0;
}

static sgm_status classifier_eval(const sgm_score *self, float *s, const float *x, const float *t,
                                  long n) {
    (void)self;
    for (long i = 0; i < n; i++) {
        double g[D], p;
        classify(sgm_sde_m(&sde, t[i]), sgm_sde_s(&sde, t[i]), x + D * i, g, &p);
        for (int j = 0; j < D; j++) s[D * i + j] = (float)g[j];
    }
    return SGM_OK;
}

static void exact_scores(void) {
    double w[2], m[2][D], C[2][D][D];
    for (int i = 0; i < 2; i++) {
        w[i] = weight[Y + 2 * i];
        memcpy(m[i], mean[Y + 2 * i], sizeof m[i]), memcpy(C[i], cov[Y + 2 * i], sizeof C[i]);
    }
    sde = sgm_sde_vp(0.1, 20);
    tut_must(sgm_mixture_init(&all, K, D, weight, mean[0], cov[0][0], SGM_COV_FULL, &sde));
    tut_must(sgm_mixture_init(&own, 2, D, w, m[0], C[0][0], SGM_COV_FULL, &sde));
    p_x = sgm_mixture_score(&all), p_xy = sgm_mixture_score(&own);
    memset(&classifier, 0, sizeof classifier);
    classifier.d = D, classifier.sde = sde, classifier.eval = classifier_eval;
}

/* Step 1. Each of the three scores is rounded to float once, and so is the sum. */

static void bayes(sgm_key key) {
    enum { N = 2000 };
    static float x[N * D], t[N], u[N * D], y[N * D], s[N * D];
    double worst = 0;
    sgm_guided g;
    tut_must(sgm_guided_init(&g, &p_x, &classifier, 1, 1));
    sgm_score sum = sgm_guided_score(&g);
    for (int i = 0; i < N; i++) {
        t[i] = (float)(0.02 + 0.97 * i / N);
        tut_must(sgm_mixture_sample(&own, x + D * i, NULL, 1, t[i], sgm_key_split(key, (uint64_t)i)));
    }
    tut_must(sgm_score_eval(&p_x, u, x, t, N));
    tut_must(sgm_score_eval(&p_xy, y, x, t, N));
    tut_must(sgm_score_eval(&sum, s, x, t, N));
    for (int i = 0; i < N * D; i++)
        worst = fmax(worst, fabs(s[i] - y[i]) / (fabs(u[i]) + fabs(y[i]) + 1e-6));
    printf("1. (8.1) with exact parts, at %d points and times: off by %.1e of the parts\n", N, worst);
    tut_check("1. Bayes' rule (8.1), relative", worst, 0, 3 * 5.97e-8); /* three times 2⁻²⁴ */
}

/* Step 2. One data set, two trainings. The classifier's loss is the cross-entropy (8.3). */

static void learn(sgm_key key) {
    const long n = 100000;
    static sgm_mlp_options mlp = {.width = 96, .depth = 3, .activation = SGM_ACTIVATION_SILU,
                                  .embedding = SGM_EMBEDDING_LEARNED};
    static sgm_mlp_options small = {.width = 64, .depth = 3, .activation = SGM_ACTIVATION_SILU,
                                    .embedding = SGM_EMBEDDING_LEARNED};
    static float hot[2];
    static const int label = Y;
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x);
    float *cond = (float *)tut_memory((size_t)n * 2 * sizeof *cond);
    int *labels = (int *)tut_memory((size_t)n * sizeof *labels);
    sgm_model_options net = {.net = sgm_mlp, .user = &mlp, .d = D, .sde = sde, .n_ema = 1,
                             .output = SGM_OUTPUT_SCORE, .cond = 2};
    sgm_model_options sort = {.net = sgm_mlp, .user = &small, .d = D, .sde = sde, .n_ema = 1,
                              .classes = 2};
    sgm_train_options run = {.held_out = -1,
                             .steps = tut_quick() ? 1200 : 10000, .batch = tut_quick() ? 128 : 256,
                             .lr = 3e-3,
                             .cosine = 1, .warmup = 100, .ema = {tut_quick() ? 0.99 : 0.998},
                             .loss = {.times = SGM_TIMES_STRATIFIED}, .progress = "told network"};
    tut_must(sgm_mixture_sample(&all, x, labels, n, 0, sgm_key_split(key, 0)));
    for (long i = 0; i < n; i++) labels[i] %= 2;
    tut_must(sgm_one_hot(cond, labels, n, 2));
    tut_must(sgm_one_hot(hot, &label, 1, 2));
    tut_must(sgm_model_init(&told, &net, sgm_key_split(key, 1)));
    tut_must(sgm_model_init(&sorter, &sort, sgm_key_split(key, 2)));
    double start = sgm_seconds();
    run.cond = cond, run.cond_dropout = 0.25;
    tut_must(sgm_train(&told, x, n, &run, sgm_key_split(key, 3)));
    run.cond = NULL, run.cond_dropout = 0, run.labels = labels, run.progress = "classifier";
    tut_must(sgm_train(&sorter, x, n, &run, sgm_key_split(key, 4)));
    printf("2. learned from %ld points: %zu parameters that are told y, %zu that guess it; %.1f s\n",
           n, told.n_params, sorter.n_params, sgm_seconds() - start);
    tut_must(sgm_condition_init(&condition, &told, 0, hot, 1));
    tut_must(sgm_classifier_init(&sorting, &sorter, 0, &label, 1));
    free(x), free(cond), free(labels);
}

/*
What an error of the score costs: of samples by the reverse SDE, with F(t) the Fisher divergence
(9.6), Song, Durkan, Murray and Ermon (2021) show

$$KL \left( p(x|y) \,\|\, p_θ \right) ≤ KL(p_T \,\|\, prior) + \tfrac12 ∫ g² F(t)\, dt \qquad(T19.1)$$

whose second term is summed here by the trapezoid rule in log t.
*/

static void errors(sgm_key key) {
    const long n = tut_quick() ? 1000 : 4000;
    float *x = (float *)tut_memory((size_t)n * D * sizeof *x), table[NODES * 4];
    sgm_score silent = {.d = D, .eval = classifier_eval}, hidden = sgm_model_score(&told, 0);
    sgm_score way[3] = {sgm_condition_score(&condition), silent, silent}, zero;
    sgm_score guess = sgm_classifier_score(&sorting);
    double nats[3] = {0, 0, 0}, last[3] = {0, 0, 0};
    double step = log(sde.T / sde.t_min) / (NODES - 1);
    sgm_guided g[3];
    tut_must(sgm_guided_init(&g[0], &p_xy, &p_xy, 1, -1)); /* s - s: a score of zero */
    tut_must(sgm_guided_init(&g[1], &hidden, &guess, 1, 1));
    tut_must(sgm_guided_init(&g[2], &p_x, &guess, 1, 1));
    zero = sgm_guided_score(&g[0]), way[1] = sgm_guided_score(&g[1]), way[2] = sgm_guided_score(&g[2]);
    printf("   E|s - exact|² / E|exact|²:  %8s %12s %18s %18s\n", "t", "told", "p(x) + classifier",
           "exact + classifier");
    for (int i = 0; i < NODES; i++) {
        double t = sde.t_min * exp(step * i), size, f, se;
        float *row = table + 4 * i;
        tut_must(sgm_mixture_sample(&own, x, NULL, n, t, sgm_key_split(key, (uint64_t)i)));
        tut_must(sgm_fisher(&size, &se, &zero, &p_xy, x, t, n));
        row[0] = (float)t;
        for (int w = 0; w < 3; w++) {
            tut_must(sgm_fisher(&f, &se, &way[w], &p_xy, x, t, n));
            double now = 0.5 * sgm_sde_g2(&sde, t) * f * t;
            nats[w] += i ? 0.5 * step * (now + last[w]) : 0, last[w] = now;
            row[1 + w] = (float)(f / size);
        }
        if (i % 3 == 1) printf("%37.4f %12.1e %18.1e %18.1e\n", t, row[1], row[2], row[3]);
    }
    printf("   (T19.1), nats: %36.4f %18.4f %18.4f\n", nats[0], nats[1], nats[2]);
    tut_dat("fisher.dat", "t; relative Fisher divergence: told; p(x) + classifier; exact + classifier",
            table, NODES, 4);
    for (int w = 0; w < 2; w++) /* the aim: an error that 1/(2·.05) = 10 draws could hardly show */
        tut_check(w ? "2. p(x) + classifier costs at most, nats (T19.1)"
                    : "2. the told network costs at most, nats (T19.1)", nats[w], 0,
                  tut_quick() ? 0.5 : 0.05);
    free(x);
}

/* Step 3. (8.5) and (8.6) in double, rounded once; outside of the interval, γ is 1. */

static void formulas(sgm_key key) {
    enum { N = 300 };
    static float x[N * D], t[N], a[N * D], b[N * D], s[N * D];
    sgm_score hidden = sgm_model_score(&told, 0), given = sgm_condition_score(&condition);
    sgm_score guess = sgm_classifier_score(&sorting);
    const sgm_score *part[4][2] = {{&p_x, &p_xy}, {&p_x, &classifier}, {&hidden, &given},
                                   {&hidden, &guess}};
    long wrong = 0;
    sgm_normal(x, N * D, key, 0);
    for (int i = 0; i < N; i++) t[i] = (float)(0.01 + 0.98 * i / N);
    for (int pair = 0; pair < 4; pair++)
        for (int q = 0; q < 2 * GAMMAS; q++) {
            sgm_guided g;
            tut_must(sgm_guided_init(&g, part[pair][0], part[pair][1], pair % 2, gammas[q / 2]));
            if (q % 2) g.t_low = 0.2, g.t_high = 0.6;
            sgm_score guided = sgm_guided_score(&g);
            tut_must(sgm_score_eval(part[pair][0], a, x, t, N));
            tut_must(sgm_score_eval(part[pair][1], b, x, t, N));
            tut_must(sgm_score_eval(&guided, s, x, t, N));
            for (int i = 0; i < N * D; i++) {
                int outside = q % 2 && (t[i / D] < 0.2 || t[i / D] > 0.6);
                double gamma = outside ? 1 : gammas[q / 2], keep = pair % 2 ? 1 : 1 - gamma;
                wrong += s[i] != (float)(keep * a[i] + gamma * b[i]);
            }
        }
    printf("3. (8.5), (8.6), exact and learned, whole and limited: %ld numbers differ\n", wrong);
    tut_check("3. guided scores that are not their formula", (double)wrong, 0, 0);
}

/*
Step 4. Data N(0,1), a y that leaves N(0,c), the noise's variance v as the clock. With
w = (c + v)/(1 + v), (8.8) integrates for every γ, and of the flow inside v_1 … v_2 too:

$$P_{SDE} = \frac{c\,(1 − c^{2γ−1})}{(1 − c)(2γ − 1)}, \qquad P_{flow} = c^γ, \qquad
P_{p(x)p(y|x)^γ} = \frac{c}{c + γ(1 − c)} \qquad(T19.2)$$
$$P_{flow}(v_1 … v_2) = c \left( w_1 / w_2 \right)^{γ−1} \qquad(T19.3)$$
*/

static double variance(const float *x, long n) {
    double sum = 0;
    for (long i = 0; i < n; i++) sum += (double)x[i] * x[i] / (double)n;
    return sum;
}

/* The ancestral steps (5.8) of a VE process on a linear score −A x: a recursion of the variance. */

static double recursion(const sgm_sde *ve, double c, double gamma, int steps) {
    double *t = (double *)tut_memory((size_t)(steps + 1) * sizeof *t), P;
    tut_must(sgm_time_grid(t, steps, SGM_GRID_LOGSNR, ve, ve->T, ve->t_min));
    P = t[0] * t[0];
    for (int i = 0; i < steps; i++) {
        double v = t[i] * t[i], to = t[i + 1] * t[i + 1], A = (1 - gamma) / (1 + v) + gamma / (c + v);
        P = (1 - (v - to) * A) * (1 - (v - to) * A) * P + to * (v - to) / v;
    }
    free(t);
    return P;
}

static void closed_forms(sgm_key key) {
    enum { TRIED = 8 };
    const double c = 0.5, one = 1, zero = 0, low = 0.3, high = 2;
    const long n = tut_quick() ? 4000 : 20000, steps = tut_quick() ? 300 : 800;
    float *x = (float *)tut_memory((size_t)n * sizeof *x), table[TRIED * 8];
    double w1 = (c + low * low) / (1 + low * low), w2 = (c + high * high) / (1 + high * high);
    sgm_sde ve = sgm_sde_edm(0.01, 100);
    sgm_mixture wide, narrow;
    tut_must(sgm_mixture_init(&wide, 1, 1, NULL, &zero, &one, SGM_COV_ISOTROPIC, &ve));
    tut_must(sgm_mixture_init(&narrow, 1, 1, NULL, &zero, &c, SGM_COV_ISOTROPIC, &ve));
    sgm_score u = sgm_mixture_score(&wide), y = sgm_mixture_score(&narrow);
    printf("4. %5s %10s %8s %10s %8s %12s %10s %8s\n", "gamma", "SDE", "(T19.2)", "flow", "(T19.2)",
           "p p(y|x)^g", "interval", "(T19.3)");
    for (int q = 0; q < TRIED; q++) {
        double gamma = q < 7 ? (q + 0.0) / 2 : 4, odd = 2 * gamma - 1;
        double law[4] = {fabs(odd) < 1e-9 ? c * log(1 / c) / (1 - c) : c * (1 - pow(c, odd)) / (1 - c) / odd,
                         pow(c, gamma), c * pow(w1 / w2, gamma - 1), c / (c + gamma * (1 - c))}, got[3];
        sgm_sample_options noisy = {.method = SGM_METHOD_ANCESTRAL, .grid = SGM_GRID_LOGSNR,
                                    .steps = (int)steps, .plain_end = 1, .t_end = ve.t_min};
        sgm_sample_options flow = {.method = SGM_METHOD_DPMPP_2M, .grid = SGM_GRID_LOGSNR,
                                   .steps = (int)steps, .plain_end = 1, .t_end = ve.t_min};
        static const char *const name[3] = {"SDE", "flow", "flow in an interval"};
        for (int way = 0; way < 3; way++) {
            sgm_guided g;
            char label[64];
            tut_must(sgm_guided_init(&g, &u, &y, 0, gamma));
            if (way == 2) g.t_low = low, g.t_high = high;
            sgm_score guided = sgm_guided_score(&g);
            tut_must(sgm_sample(x, n, &guided, way ? &flow : &noisy,
                                sgm_key_split(key, (uint64_t)(3 * q + way))));
            got[way] = variance(x, n);
            /* five standard errors √(2/n) of a variance. The SDE's steps are of first order: what
               twice as many change is the error left. The flow runs from v = 10⁴ to 10⁻⁴, not ∞
               to 0: γ 10⁻⁴/c. It meets the interval's ends in mid-step: of log σ, 9.2/K, at each */
            double coarse = recursion(&ve, c, gamma, (int)steps), fine = recursion(&ve, c, gamma, 2 * (int)steps);
            double bias = way == 0 ? 2 * fabs(coarse - fine) : 1e-3 * law[way];
            if (way == 2) bias += 2 * fabs(gamma - 1) * 9.2 / (double)steps * law[way];
            snprintf(label, sizeof label, "4. gamma %g: variance of the %s", gamma, name[way]);
            if (q == 2 || q == 4 || q == 7) tut_check(label, got[way], law[way], 5 * law[way] * sqrt(2.0 / (double)n) + bias);
        }
        float *row = table + 8 * q;
        row[0] = (float)gamma, row[1] = (float)got[0], row[2] = (float)got[1], row[3] = (float)got[2];
        for (int i = 0; i < 4; i++) row[4 + i] = (float)law[i];
        printf("   %5g %10.4f %8.4f %10.4f %8.4f %12.4f %10.4f %8.4f\n", gamma, got[0], law[0],
               got[1], law[1], law[3], got[2], law[2]);
    }
    tut_dat("law.dat", "gamma; variance: SDE, flow, interval; the same known; p(x)p(y|x)^gamma",
            table, TRIED, 8);
    /* a walk that stays at t_min: ULA with step h on slope −A rests at 1/(A(1 − hA/2)) (6.4) */
    sgm_guided g;
    tut_must(sgm_guided_init(&g, &u, &y, 0, 2));
    sgm_score guided = sgm_guided_score(&g);
    sgm_langevin_options walk = {.step = 0.02, .steps = 300, .t = ve.t_min};
    tut_must(sgm_langevin_run(x, n, &guided, &walk, NULL, sgm_key_split(key, 99)));
    double A = 2 / c - 1, P = 1 / (A * (1 - 0.02 * A / 2));
    printf("   a Langevin walk at t_min, same score, gamma 2: %.4f; (6.4) says %.4f, 1/3 but for its step\n",
           variance(x, n), P);
    tut_check("4. Langevin at one t does rest at p p(y|x)^2", variance(x, n), P, 5 * P * sqrt(2.0 / (double)n));
    sgm_mixture_free(&wide), sgm_mixture_free(&narrow), free(x);
}

/*
Step 5. Exact draws from p(x) p(y|x)^γ: a draw from p(x) stays with probability p(y|x)^γ ≤ 1. The
density and its moments, for the picture and as a check of that, on a grid over [-5,5]².
*/

static void exact_draws(float *x, long n, double gamma, sgm_key key) {
    for (long got = 0, i = 0; got < n; i++) {
        sgm_key one = sgm_key_split(key, (uint64_t)i);
        float at[D], u;
        double g[D], p;
        tut_must(sgm_mixture_sample(&all, at, NULL, 1, 0, sgm_key_split(one, 0)));
        sgm_uniform(&u, 1, sgm_key_split(one, 1), 0);
        if (u < pow(classify(1, 0, at, g, &p), gamma)) memcpy(x + D * got++, at, sizeof at);
    }
}

/* E p(y|x) and its square's under p(x) p(y|x)^γ: the trapezoid rule, whose walls are 5 σ away. */

static void by_quadrature(int q, double *sure, double *square) {
    static float table[CELLS * CELLS * 3];
    double Z = 0, h = 10.0 / (CELLS - 1), g[D], p;
    char name[64];
    *sure = *square = 0;
    for (int i = 0; i < CELLS * CELLS; i++) {
        float *row = table + 3 * i;
        row[0] = (float)(i / CELLS * h - 5), row[1] = (float)(i % CELLS * h - 5);
        double mine = classify(1, 0, row, g, &p);
        row[2] = (float)(p * pow(mine, gammas[q]) * h * h);
        Z += row[2], *sure += row[2] * mine, *square += row[2] * mine * mine;
    }
    for (int i = 2; i < CELLS * CELLS * 3; i += 3) table[i] /= (float)(Z * h * h);
    *sure /= Z, *square /= Z;
    snprintf(name, sizeof name, "density_%g.dat", gammas[q]);
    tut_dat(name, "x y p(x)p(y|x)^gamma/Z", table, CELLS * CELLS, 3);
}

static const char *const way_name[WAYS] = {
    "exact, SDE", "exact, flow", "told, SDE", "told, flow", "classifier, SDE", "classifier, flow",
    "exact, SDE, t in [.1,.6]"};

static void draw(float *x, long n, int way, double gamma, sgm_key key) {
    sgm_score hidden = sgm_model_score(&told, 0), given = sgm_condition_score(&condition);
    sgm_score guess = sgm_classifier_score(&sorting);
    int learned = way >= 2 && way < 6, classes = way == 4 || way == 5;
    sgm_sample_options noisy = {.method = SGM_METHOD_DPM_SDE, .grid = SGM_GRID_LOGSNR,
                                .steps = tut_quick() ? 60 : learned ? 100 : 200};
    sgm_sample_options flow = {.method = SGM_METHOD_RK45, .rtol = learned ? 1e-3 : 0, .atol = learned ? 1e-3 : 0};
    sgm_guided g;
    tut_must(sgm_guided_init(&g, learned ? &hidden : &p_x,
                             classes ? &guess : learned ? &given : &p_xy, classes, gamma));
    if (way == 6) g.t_low = 0.1, g.t_high = 0.6;
    sgm_score guided = sgm_guided_score(&g);
    tut_must(sgm_sample(x, n, &guided, way < 6 && way % 2 ? &flow : &noisy, key));
}

/* The energy distance (9.4) of two exact sets scatters around 0; PAIRS of them tell how far. */

static double floor_of(double gamma, long n, sgm_key key) {
    float *a = (float *)tut_memory((size_t)n * 4 * sizeof *a), *b = a + 2 * n;
    double square = 0;
    for (uint64_t i = 0; i < PAIRS; i++) {
        exact_draws(a, n, gamma, sgm_key_split(key, 2 * i));
        exact_draws(b, n, gamma, sgm_key_split(key, 2 * i + 1));
        double e = sgm_energy_distance(a, n, b, n, D);
        square += e * e / PAIRS;
    }
    free(a);
    return sqrt(square);
}

/* How sure an ideal observer is of y: the mean of p(y|x) over a set, and its standard error. */

static double sureness(const float *x, long n, double *se) {
    double sum = 0, square = 0, g[D], p;
    for (long i = 0; i < n; i++) {
        double mine = classify(1, 0, x + D * i, g, &p);
        sum += mine / (double)n, square += mine * mine / (double)n;
    }
    *se = sqrt((square - sum * sum) / (double)n);
    return sum;
}

static void by_samples(sgm_key key) {
    const long n = tut_quick() ? 500 : 2000, many = tut_quick() ? 4000 : 40000;
    float *exact = (float *)tut_memory((size_t)many * D * 2 * sizeof *exact), *x = exact + many * D;
    float table[GAMMAS * (2 * WAYS + 3)];
    double e[GAMMAS][WAYS], sure[GAMMAS][WAYS + 1], se[GAMMAS][WAYS + 1], spread[GAMMAS];
    char name[64];
    for (int q = 0; q < GAMMAS; q++) {
        sgm_key mine = sgm_key_split(key, (uint64_t)q);
        float *row = table + q * (2 * WAYS + 3);
        float *shown = (float *)tut_memory((size_t)n * 2 * WAYS * sizeof *shown);
        double square;
        by_quadrature(q, &sure[q][WAYS], &square);
        exact_draws(exact, many, gammas[q], sgm_key_split(mine, 100));
        snprintf(name, sizeof name, "5. gamma %g, exact draws: E p(y|x)", gammas[q]);
        tut_check(name, sureness(exact, many, &se[q][WAYS]), sure[q][WAYS],
                  5 * sqrt((square - sure[q][WAYS] * sure[q][WAYS]) / (double)many));
        spread[q] = floor_of(gammas[q], n, sgm_key_split(mine, 101));
        row[0] = (float)gammas[q], row[1] = (float)spread[q], row[2 + WAYS] = (float)sure[q][WAYS];
        for (int w = 0; w < WAYS; w++) {
            long m = w < 2 ? many : n;
            draw(x, m, w, gammas[q], sgm_key_split(mine, (uint64_t)w));
            e[q][w] = sgm_energy_distance(x, n, exact, n, D), row[2 + w] = (float)e[q][w];
            sure[q][w] = sureness(x, m, &se[q][w]), row[3 + WAYS + w] = (float)sure[q][w];
            for (long i = 0; i < n; i++)
                memcpy(shown + 2 * WAYS * i + 2 * w, x + D * i, D * sizeof *x);
        }
        snprintf(name, sizeof name, "samples_%g.dat", gammas[q]);
        tut_dat(name, "x y of each of the ways, as in energy.dat", shown, n, 2 * WAYS);
        free(shown);
    }
    tut_dat("energy.dat", "gamma; std between exact sets; energy distance of each way to "
            "p(x)p(y|x)^gamma; E p(y|x) of that, and of each way", table, GAMMAS, 2 * WAYS + 3);
    printf("5. left: energy distance to p(x) p(y|x)^gamma, in units of that of two exact sets of "
           "%ld;\n   right: E p(y|x), ± %.3f by the chance of %ld draws\n   %-26s", n, se[1][0] * sqrt((double)many / (double)n), n, "gamma");
    for (int q = 0; q < 2 * GAMMAS; q++) printf("%s%7g", q == GAMMAS ? "    " : " ", gammas[q % GAMMAS]);
    for (int w = 0; w <= WAYS; w++) {
        printf("\n   %-26s", w < WAYS ? way_name[w] : "p(x) p(y|x)^gamma");
        for (int q = 0; q < GAMMAS; q++) w < WAYS ? printf(" %7.1f", e[q][w] / spread[q]) : printf(" %7s", "");
        for (int q = 0; q < GAMMAS; q++) printf("%s%7.4f", q ? " " : "    ", sure[q][w]);
    }
    puts("");
    /* E p(y|x), with 5 standard errors. At γ = 0 and 1 200 steps of second order, each of .1
       in log SNR, leave .1² of a part of it; at 2 and 4 the laws are others: farther than 5 */
    for (int w = 0; w < 2; w++)
        for (int q = 0; q < GAMMAS; q++) {
            int same = q < 2;
            snprintf(name, sizeof name, same ? "5. gamma %g, %s: E p(y|x)" : "5. gamma %g, %s: another E p(y|x)",
                     gammas[q], way_name[w]);
            if (same) tut_check(name, sure[q][w], sure[q][WAYS], 5 * se[q][w]);
            else tut_check(name, fabs(sure[q][w] - sure[q][WAYS]) > 5 * se[q][w], 1, 0);
        }
    free(exact);
}

int main(int argc, char **argv) {
    sgm_key key = tut_key();
    tut_start("19_guidance", argc, argv);
    exact_scores();
    bayes(sgm_key_split(key, 1));
    learn(sgm_key_split(key, 2));
    errors(sgm_key_split(key, 3));
    formulas(sgm_key_split(key, 4));
    closed_forms(sgm_key_split(key, 5));
    by_samples(sgm_key_split(key, 6));
    sgm_model_free(&told), sgm_model_free(&sorter);
    sgm_mixture_free(&all), sgm_mixture_free(&own);
    return tut_done();
}
