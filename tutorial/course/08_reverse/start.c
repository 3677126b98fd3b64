#include "lab.h"

/* The reverse step, Euler's and Maruyama's (5.4): x ← c[0] x + c[1] score + c[2] z. Write the three
numbers for a step from the time t down to the earlier time `to`, with f and g² at t. c[0] has no
unit, c[1] the data's squared, c[2] the data's. The method is Euler and Maruyama's, whatever
`method` says. */
void sgm__reverse_step(double c[3], sgm_method method, const sgm_sde *sde, double t, double to) {
    (void)c, (void)method, (void)sde, (void)t, (void)to; /* your lines in place of this one */
}

/* The same three numbers for the diffusion (5.2), whose noise is η times g, from t down to `to`,
when the guess at the clean point is held still and all else is solved exactly. 0 <= eta <= 1. `to`
may be 0, where s is 0. */
void clean_step(double c[3], const sgm_sde *sde, double t, double to, double eta) {
    (void)c, (void)sde, (void)t, (void)to, (void)eta; /* your lines in place of this one */
}

/* One sentence: why does the reverse SDE take all of g² where its flow takes half? */
const char lab_why[] = "";
