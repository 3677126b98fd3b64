/* The integral of β: a line's is the area of a trapezium. */
static double beta_integral(const sgm_sde *sde, double t) {
    if (sde->family == SGM_FAMILY_USER_BETA) return sde->curve(t, sde->user);
    return t * sde->a + 0.5 * t * t * (sde->b - sde->a);
}

/* The cosine's angle c(t). */
static double angle(double t) {
    return 1.57079632679489661923 * (t + 0.008) / 1.008;
}

double sgm_sde_m(const sgm_sde *sde, double t) {
    if (!sde) return NAN;
    switch (sde->family) {
    case SGM_FAMILY_VP:
    case SGM_FAMILY_SUBVP:
    case SGM_FAMILY_USER_BETA: return exp(-0.5 * beta_integral(sde, t));
    case SGM_FAMILY_COSINE: return cos(angle(t)) / cos(angle(0));
    case SGM_FAMILY_RECTIFIED: return 1 - t;
    default: return 1;
    }
}

double sgm_sde_s(const sgm_sde *sde, double t) {
    if (!sde) return NAN;
    switch (sde->family) {
    case SGM_FAMILY_VP:
    case SGM_FAMILY_USER_BETA: return sqrt(-expm1(-beta_integral(sde, t)));
    case SGM_FAMILY_SUBVP: return -expm1(-beta_integral(sde, t));
    case SGM_FAMILY_COSINE: return sqrt(1 - pow(cos(angle(t)) / cos(angle(0)), 2));
    case SGM_FAMILY_VE: return sde->a * sqrt(expm1(2 * t * log(sde->b / sde->a)));
    case SGM_FAMILY_EDM:
    case SGM_FAMILY_RECTIFIED: return t;
    case SGM_FAMILY_USER_SIGMA2: return sqrt(sde->curve(t, sde->user) - sde->curve(0, sde->user));
    default: return NAN;
    }
}

/* sin² u = (1 - cos 2u)/2, so β = (a + b)/2 - (b - a)/2 cos(πτ), and its integral: */
double swell_integral(double t, void *user) {
    const double pi = 3.14159265358979323846, *beta = user;
    return 0.5 * (beta[0] + beta[1]) * t - (beta[1] - beta[0]) * sin(pi * t) / (2 * pi);
}

const char lab_why[] = "Noise that came early is pulled towards 0 by the drift ever after, as x0 "
    "is, so a piece of it from the time u counts only (m(t)/m(u))^2 of what it was.";
