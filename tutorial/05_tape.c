/*
# 5. The tape: derivatives of everything

**Question.** Learning needs the derivative of one number, the loss L, with
respect to each parameter. How is it computed, and how do you know it is right?
Here a linear layer takes two points, the rows of x; its parameters are weights
W and a bias b (3.4). Three passes compute all that is needed:

$$y = x W + b, \qquad \dot y = \dot x W, \qquad \bar x = \bar y W^T, \quad
\bar W = x^T \bar y, \quad \bar b = \sum_{rows} \bar y$$

The first gives values. The second asks: if x moves with the velocity ẋ (a
*tangent*), how does y? The third goes back: if L has the derivative ȳ by y (its
*adjoint*; here it is given, as if L were Σ ȳ y), what has it by x, W and b? If
a number moves L in several ways, as b does in each row, *shares add up*. A
network is many operations, written one by one on a *tape*: read forward it
gives values and tangents, backward adjoints (§3.1). Both say how fast L moves
with x: ȳ · ẏ = x̄ · ẋ, if u · v is Σ u_i v_i. A difference quotient tests both.
*/
#include "tutorial.h"
static float x[] = {1, 2, 3, -1}, W[] = {.5f, -1, 1, .25f, 0, .5f}, *b = W + 4;
static float tx[] = {1, 1, 0, 2}, ay[] = {1, -1, 2, .5f}; /* ẋ, ȳ, by rows */
static void show(const char *names, float *p, float *q, float *r, float *s) {
    puts(names);
    for (int i = 0; i < 4; i += 2)
        printf("%7.3f%7.3f%11.3f%7.3f%11.3f%7.3f%11.3f%7.3f\n", p[i], p[i + 1],
               q[i], q[i + 1], r[i], r[i + 1], s[i], s[i + 1]);
}
/* The part of L = Σ ȳ silu(y) that depends on the first weight, w. silu(y) is a
smooth bend, c y with c = 1/(1 + e⁻ʸ); its slope is c (1 + y(1 - c)) (3.6). */
static double loss(double w) {
    double y = x[0] * w + x[1] * W[2] + b[0], z = x[2] * w + x[3] * W[2] + b[0];
    return ay[0] * y / (1 + exp(-y)) + ay[2] * z / (1 + exp(-z));
}
int main(int argc, char **argv) {
    tut_start("05_tape", argc, argv);
    float y[4], ty[4] = {0}, ax[4] = {0}, aW[6] = {0}, *ab = aW + 4, g[3][6];
    tut_ask("In the first column the adjoints ȳ of the two rows are 1 and 2. "
        "What is dL/db, b being its bias?", 3, .01, (tut_guess[]){
        {1.5, "their mean; but L moves with b in each row: shares add up"},
        {2, "the last row's; a share is added, overwrites none"}, {0, NULL}});
    for (int i = 0; i < 4; i += 2) /* rows, then columns */
        for (int j = 0; j < 2; j++) {
            y[i + j] = b[j];
            ab[j] += ay[i + j];                        /* b̄ = Σ ȳ     */
            for (int k = 0; k < 2; k++) {
                y[i + j] += x[i + k] * W[2 * k + j];   /* y = x W + b */
                ty[i + j] += tx[i + k] * W[2 * k + j]; /* ẏ = ẋ W     */
                ax[i + k] += ay[i + j] * W[2 * k + j]; /* x̄ = ȳ Wᵀ    */
                aW[2 * k + j] += x[i + k] * ay[i + j]; /* W̄ = xᵀ ȳ    */
            }
        }
    show("      x                W            tangent ẋ         adjoint ȳ",
         x, W, tx, ay);
    show("  y = x W + b        ẏ = ẋ W          x̄ = ȳ Wᵀ          W̄ = xᵀ ȳ",
         y, ty, ax, aW);
    /* By the tape: values v, tangents j, adjoints d. Then silu(y), and y². */
    double off = 0, left = 0, right = 0, slope = 0;
    sgm_tape *tape = sgm_tape_new();
    for (int part = 0; part < 3; part++) {
        sgm_tape_reset(tape, W, g[part], 6, tut_key(), 0);
        sgm_tensor *in = sgm_tape_input(tape, x, 2, 2), *out;
        sgm_tape_watch(tape, in); /* its adjoint is wanted, too */
        memcpy(sgm_tape_tangent_of(tape, in), tx, sizeof tx);
        out = sgm_linear(tape, in, 2);
        if (part > 0)
            out = part < 2 ? sgm_silu(tape, out) : sgm_mul(tape, out, out);
        memcpy(sgm_tape_gradient_of(tape, out), ay, sizeof ay);
        tut_must(sgm_tape_tangent(tape));
        tut_must(sgm_tape_backward(tape));
        for (int i = 0; i < 4 && part == 0; i++)
            off += fabs(y[i] - out->v[i]) + fabs(ty[i] - out->j[i])
                 + fabs(ax[i] - in->d[i]) + fabs(aW[i] - g[0][i]);
    }
    tut_see("hand and tape, apart", off, 0, 0, "The tape has these numbers.");
    tut_see("gradient by the first bias", ab[0], g[0][4], 0,
        "b = 0, .5 has the adjoint %g, %g: sums over the rows.", ab[0], ab[1]);
    for (int i = 0; i < 4; i++) left += ay[i] * ty[i], right += ax[i] * tx[i];
    tut_see("the two directions", right, left, 0,
        "ȳ · (ẋ W) = %.3f, and (ȳ Wᵀ) · ẋ = %.3f.", left, right);
    tut_see("y, used twice", g[2][4], 7, 0, "In y² = y y both give a "
        "share: b has Σ 2 y ȳ = %g. If one overwrote the other, 3.5.", g[2][4]);
    /* Through silu by hand; quotients of the loss for h = 1 to 1e-14. */
    for (int i = 0; i < 4; i += 2) {
        double c = 1 / (1 + exp(-y[i]));
        slope += x[i] * ay[i] * c * (1 + y[i] * (1 - c));
    }
    static float rows[57][4];
    for (int k = 0; k < 57; k++) {
        double h = pow(10, -k / 4.), w = W[0], up = loss(w + h), at = loss(w);
        double q[] = {(up - at) / h, (up - loss(w - h)) / (2 * h), g[1][0]};
        rows[k][0] = (float)h;
        for (int i = 0; i < 3; i++) rows[k][i + 1] = (float)fabs(q[i] - slope);
    }
    tut_dat("quotients.dat", "h one_sided two_sided tape", rows[0], 57, 4);
    tut_see("silu: gradient by a weight", g[1][0], slope, 2e-6, "Through silu "
        "the first weight has %.6f, by hand %.6f.", g[1][0], slope);
    tut_see("quotient: error at .1 over .01", rows[4][2] / rows[8][2], 100, 5,
        "(L(w+h) - L(w-h))/2h is off by %.4f at h = .1, %.6f at .01: as h².",
        rows[4][2], rows[8][2]);
    tut_exercise(1, "gradient by the first bias", 1.5, 0);
    tut_exercise(2, "hand and tape, apart", 9, 0);
    tut_exercise(2, "the two directions", -5.5, 0);
    return sgm_tape_free(tape), tut_done();
}
/*
Change one line (`make try05.1`). Two usual mistakes: which check finds which?

(1) The mean over the rows where the sum belongs.

    - ab[j] += ay[i + j];
    + ab[j] += ay[i + j] / 2;

(2) W for its transpose: the two directions see it, and need no truth for it.

    - ay[i + j] * W[2 * k + j];
    + ay[i + j] * W[2 * j + k];

Go on: §3.1 to §3.4, examples/own_operation.c. By yourself: = for += in W̄.
*/
