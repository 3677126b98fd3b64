#ifndef SGM_FAMILIES_H
#define SGM_FAMILIES_H

/*
Every family of processes, to be included after sgm.h and check.h. Within [0, end] nothing is
singular. The slopes of the users' curves are differences with h = 10⁻³ T, so f and g² have the
relative error h⁴c⁽⁵⁾/(30c') there: (10⁻³·2 log 5000)⁴/30 = 2.8·10⁻⁹ for σ², none for the quadratic
∫β; and from rounding 1.5·10⁻¹⁶ c/(hc'), at most 10⁻¹² for ∫β ≤ 10 and β ≥ 2, less for σ².
*/

typedef struct check_family {
    const char *name;
    sgm_sde sde;
    double end, slope_error;
} check_family;

enum { CHECK_FAMILIES = 10 };

static CHECK_UNUSED double check_beta_curve(double t, void *user) {
    (void)user;
    return 0.1 * t + 0.5 * 19.9 * t * t;
}

static CHECK_UNUSED double check_sigma2_curve(double t, void *user) {
    (void)user;
    return 1e-4 * exp(2 * t * log(5000.0));
}

static CHECK_UNUSED void check_families(check_family f[CHECK_FAMILIES]) {
    const char *names[CHECK_FAMILIES] = {
        "VP", "slow VP", "cosine",    "sub-VP",      "constant sub-VP",
        "VE", "EDM",     "rectified", "user's beta", "user's sigma2"};
    f[0].sde = sgm_sde_vp(0.1, 20);
    f[1].sde = sgm_sde_vp(0.001, 3);
    f[2].sde = sgm_sde_cosine();
    f[3].sde = sgm_sde_subvp(0.1, 20);
    f[4].sde = sgm_sde_subvp(1, 1);
    f[5].sde = sgm_sde_ve(0.01, 50);
    f[6].sde = sgm_sde_edm(0.002, 80);
    f[7].sde = sgm_sde_rectified();
    f[8].sde = sgm_sde_user_beta(check_beta_curve, NULL);
    f[9].sde = sgm_sde_user_sigma2(check_sigma2_curve, NULL);
    for (int i = 0; i < CHECK_FAMILIES; i++) {
        f[i].name = names[i], f[i].slope_error = i == 9 ? 3e-9 : i == 8 ? 1e-12 : 0;
        f[i].end = i == 2 || i == 7 ? 0.9 : f[i].sde.T;
    }
}

#endif
