#include "lab.h"

/*
m(t) of (1.4): the share of x0 that is left in the mean of x at the time t. No unit: 1 at t = 0.

    m = exp of the integral of f from 0 to t

The page's table says f and g² of each sde->family; a and b are sde->a and sde->b, and ∫β of
SGM_FAMILY_USER_BETA is sde->curve(t, sde->user). NAN for sde NULL, as m of nothing is unknown; 1
for a family that is not in the table.
*/
double sgm_sde_m(const sgm_sde *sde, double t) {
    (void)sde, (void)t;
    return 0;
}

/*
s(t) of (1.4): the standard deviation of x at t around m x0, in the data's unit. 0 at t = 0.

    s² = m² · integral of g²/m² from 0 to t

Also right to eight digits at t = 1e-12, where s² is 1e-13: do not take 1 - exp(-small).
NAN for sde NULL, or a family that is not in the table. σ²(t) of SGM_FAMILY_USER_SIGMA2 is
sde->curve(t, sde->user), and it need not be 0 at t = 0.
*/
double sgm_sde_s(const sgm_sde *sde, double t) {
    (void)sde, (void)t;
    return 0;
}

/*
A schedule of your own: β(τ) = a + (b - a) sin²(πτ/2) swells from a at 0 to b at 1, without a kink.
user points to two doubles, a and b, per unit of time. Returns the integral of β from 0 to t: a
plain number, 0 at t = 0.
*/
double swell_integral(double t, void *user) {
    (void)t, (void)user;
    return 0;
}

/* Why does noise that came early count less in s than noise that came late? Six words or more. */
const char lab_why[] = "";
