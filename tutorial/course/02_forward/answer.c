void forward_step(float *x, long n, int d, const sgm_sde *sde, double t, double h, sgm_key key) {
    double f = sgm_sde_f(sde, t), g = sqrt(sgm_sde_g2(sde, t));
    for (long i = 0; i < n * d; i++) {
        float z;
        sgm_normal(&z, 1, key, (uint64_t)i);
        x[i] = (float)(x[i] + f * x[i] * h + g * sqrt(h) * z);
    }
}

void forward_path(float *x, long n, int d, const sgm_sde *sde, double t0, double t1, int steps,
    sgm_key key) {
    double h = (t1 - t0) / steps;
    for (int k = 0; k < steps; k++)
        forward_step(x, n, d, sde, t0 + k * h, h, sgm_key_split(key, (uint64_t)k));
}

void forward_law(double *mean, double *variance, const sgm_sde *sde, double t0, double t1,
    int steps) {
    double h = (t1 - t0) / steps;
    for (int k = 0; k < steps; k++) {
        double f = sgm_sde_f(sde, t0 + k * h), g2 = sgm_sde_g2(sde, t0 + k * h), share = 1 + f * h;
        *mean *= share;
        *variance = share * share * *variance + g2 * h;
    }
}

const char lab_why[] = "Variances of independent steps add up and there are 1/h of them in a unit "
    "of time, so each may bring a variance like h, which is a standard deviation like the root of "
        "h.";
