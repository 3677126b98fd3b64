void sgm__reverse_step(double c[3], sgm_method method, const sgm_sde *sde, double t, double to) {
    double g2 = sgm_sde_g2(sde, t), step = t - to;
    (void)method;
    c[0] = 1 - sgm_sde_f(sde, t) * step;
    c[1] = g2 * step;
    c[2] = sqrt(g2 * step);
}

void clean_step(double c[3], const sgm_sde *sde, double t, double to, double eta) {
    double m = sgm_sde_m(sde, t), s = sgm_sde_s(sde, t);
    double m2 = sgm_sde_m(sde, to), s2 = sgm_sde_s(sde, to), q = s2 * m / (s * m2);
    double kept = pow(q, eta * eta); /* of the old noise, beyond what the flow leaves */
    c[0] = m2 / m;
    c[1] = s * s * m2 / m - s * s2 * kept;
    c[2] = s2 * sqrt(1 - kept * kept);
}

const char lab_why[] = "Half of g² undoes the spreading, as the flow does, and the other half "
                       "makes up for the noise that the way back adds.";
