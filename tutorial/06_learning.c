/*
# 6. Learning: what a loss tells

**Question.** You train a network: its loss falls, stays near .29 and jumps
about. Has it learnt? And with which of its parameters should one sample?

**A step.** The data are eight points on a circle. One step draws a batch of B =
256 of them, hides noise in each, and asks the network for it. The tape (lesson
05) gives the gradient, and Adam's rule (4.7) moves each parameter against it by
about η, the *learning rate*. With σ₁ for the standard deviation of one draw's
loss, the loss of a step scatters by $σ_1/\sqrt{B}$ around floor + excess (2.9).
The gradient scatters too, so the parameters θ never rest; their average over
the last 1/(1-γ) steps or so, here 1000, does. It is called the *exponential
moving average*, or EMA. Step k moves it, e, by

$$e ← e + \frac{1-γ}{1-γ^k} (θ - e), \qquad γ = .999 \qquad(4.10)$$

The loss begins near .42, not at 1: what the network says is added to lesson
04's straight line (§2.3). Lessons 07 to 09 read a copy; `make 06` and then
`cp out/study/06_learning/circle.safetensors tutorial/weights` make it anew.
*/
#include "tutorial.h"
enum { DRAWS = 200000, MOST = 10000 };
int main(int argc, char **argv) {
    tut_start("06_learning", argc, argv);
    const float r = (float)sqrt(.5);
    const float at[] = {1, 0, r, r, 0, 1, -r, r, -1, 0, -r, -r, 0, -1, r, -r};
    sgm_mlp_options layers = {.width = 48, .depth = 3};
    sgm_model_options net = {.net = sgm_mlp, .user = &layers, .d = 2,
                             .sde = sgm_sde_vp(.1f, 20), .n_ema = 1};
    sgm_loss loss = {.weight = SGM_WEIGHT_SIGMA2, .times = SGM_TIMES_UNIFORM};
    sgm_train_options how = {.steps = tut_pick(1200, MOST, MOST), .batch = 256,
                             .lr = 4e-3, .ema = {.999}, .loss = loss};
    sgm_key key[3];
    for (int i = 0; i < 3; i++) key[i] = sgm_key_split(tut_key(), (uint64_t)i);
    sgm_mixture law;
    sgm_model model;
    sgm_trainer run;
    tut_must(sgm_mixture_from_data(&law, at, 8, 2, &net.sde));
    tut_must(sgm_model_init(&model, &net, key[0]));
    tut_must(sgm_trainer_init(&run, &model, at, 8, &how, key[1]));
    sgm_score exact = sgm_mixture_score(&law);
    sgm_score mean = sgm_model_score(&model, 0);       /* with e */
    sgm_score last = sgm_model_score(&model, SGM_RAW); /* with θ */
    sgm_dsm_result a, b;
    tut_must(sgm_dsm(&a, NULL, &exact, at, 8, &loss, DRAWS, key[2]));
    double low = a.floor, one = a.floor_se * sqrt(DRAWS), B = how.batch;
    tut_say("The exact score has the loss %.3f: the floor. One draw's loss "
        "scatters around it by %.2f.", low, one);
    tut_ask("By how much does a step's loss scatter, a mean of 256 draws?",
        one / 16, .1, (tut_guess[]){{one, "one draw's; in a mean much cancels"},
        {one / 256, "a mean of n scatters by 1/√n, not 1/n"}, {0, NULL}});
    tut_ask("Take the mean loss of each 100 steps. In the second half, what "
        "share of these means is above the one before?", .5, .25, (tut_guess[])
        {{0, "in 100 steps it learns less than they scatter"}, {0, NULL}});
    static float hundred[MOST / 100][4], looks[64][3];
    double *e = tut_memory(model.n_params * sizeof *e), off = 0, up = 0;
    double sum[5] = {0}, half = how.steps / 2, began = tut_processor();
    int n = 0, smoke = tut_mode() == TUT_TEST;
    puts("   step   loss of 100   excess: of the last   of the average");
    while (!sgm_trainer_done(&run)) {
        tut_must(sgm_trainer_step(&run));
        long k = run.step, h = (k - 1) / 100;
        double share = (1 - .999) / (1 - pow(.999, (double)k));
        for (size_t i = 0; i < model.n_params; i++)
            e[i] += share * (model.params[i] - e[i]); /* (4.10) */
        float *now = hundred[h], L = (float)run.loss;
        now[0] = (float)k, now[1] += L / 100, now[2] = L, now[3] = (float)low;
        if (k > half) sum[0] += L / half, sum[1] += L * L / half;
        if (k % 100 == 0 && h > half / 100) up += now[1] > hundred[h - 1][1];
        if (k % 500 && (k > 300 || k & (k - 1))) continue; /* 1 2 4 .. 500 .. */
        tut_must(sgm_dsm(&a, &last, &exact, at, 8, &loss, 4000, key[2]));
        tut_must(sgm_dsm(&b, &mean, &exact, at, 8, &loss, 4000, key[2]));
        looks[n][0] = (float)k, looks[n][1] = (float)a.excess;
        looks[n++][2] = (float)b.excess;
        if (k > half) sum[2]++, sum[3] += a.excess, sum[4] += b.excess;
        if (k == 500 || k % 2000 == 0)
            printf("%7ld%14.3f%22.4f%17.4f\n", k, now[1], a.excess, b.excess);
    }
    for (size_t i = 0; i < model.n_params; i++)
        off = fmax(off, fabs(e[i] - model.ema[0][i]));
    tut_say("A step is 6 operations for each of %zu parameters times %.0f "
        "points: %.2f ms.", model.n_params, B, 500 * (tut_processor() - began)
        / half);
    double sd = sqrt(sum[1] - sum[0] * sum[0]), ups = up / (half / 100 - 1);
    double tail = sum[3] / sum[2], kept = sum[4] / sum[2];
    /* The deviation of 5000 numbers is known to 1 %, as σ₁: 10 % is ample. Of
    50 numbers in any order 24.5 ± 2 are above the one before: .5 ± .2 too. */
    tut_see("scatter of a step's loss", sd, one / sqrt(B), .1 * one / sqrt(B),
        "A step's loss scatters by %.4f; σ₁/√B is %.4f.", sd, one / sqrt(B));
    tut_see("share of hundreds that rise", ups, .5, smoke ? .45 : .2, "Of the "
        "means of 100 steps %.0f %% are above the one before.", 100 * ups);
    tut_see("loss of the second half", sum[0], low + tail, .012, "Second half: "
        "loss %.3f, floor %.3f + excess %.3f.", sum[0], low, tail);
    tut_see("excess: last over average", tail / kept, 2.5, smoke ? 2.2 : 1.3,
        "The average of the parameters has the excess %.3f.", kept);
    tut_see("average by hand", off, 0, 1e-4, "By hand it is the same.");
    tut_must(sgm_model_save(&model, tut_path("circle.safetensors")));
    tut_dat("hundreds.dat", "k mean L floor", hundred[0], how.steps / 100, 4);
    tut_dat("looks.dat", "step excess_of_last of_average", looks[0], n, 3);
    tut_exercise(1, "scatter of a step's loss", one / 8, .1 * one / 8);
    tut_exercise(2, "excess: last over average", 1.3, .25);
    sgm_trainer_free(&run), sgm_model_free(&model), sgm_mixture_free(&law);
    return free(e), tut_done();
}
/*
Change one line. (`make try06.1` makes change 1 in a copy.)

(1) A quarter of the batch: a step costs a quarter and scatters twice as much.

    - .batch = 256,
    + .batch = 64,

(2) A rate that falls to 0 (4.5): θ comes to rest. Is the average still better?

    - .lr = 4e-3,
    + .lr = 4e-3, .cosine = 1,

Go on: §4.1 to §4.8, proof 14. By yourself: .lr = 4e-2 breaks the network.
*/
