void flow_velocity(float *velocity, const float *x, float *times, long n, double t,
                   const sgm_score *score) {
    double f = sgm_sde_f(&score->sde, t), half = 0.5 * sgm_sde_g2(&score->sde, t);
    for (long i = 0; i < n; i++) times[i] = (float)t;
    if (sgm_score_eval(score, velocity, x, times, n) != SGM_OK)
        for (long k = 0; k < n * score->d; k++) velocity[k] = NAN;
    for (long k = 0; k < n * score->d; k++) velocity[k] = (float)(f * x[k] - half * velocity[k]);
}

void heun_flow(float *x, float *room, long n, const sgm_score *score, const double *t, int steps) {
    long size = n * score->d;
    float *first = room, *second = first + size, *moved = second + size, *times = moved + size;
    for (int i = 0; i < steps; i++) {
        double h = t[i + 1] - t[i];
        flow_velocity(first, x, times, n, t[i], score);
        for (long k = 0; k < size; k++) moved[k] = (float)(x[k] + h * first[k]);
        flow_velocity(second, moved, times, n, t[i + 1], score);
        for (long k = 0; k < size; k++) x[k] = (float)(x[k] + 0.5 * h * (first[k] + second[k]));
    }
}

const char lab_why[] = "The mean of the velocities at both ends is the mean over the step, up to "
                       "h²; asked at the old time or place, the second misses how it changes.";
