#include "lab.h"

/* The velocity of the probability flow (7.1), F = f x − ½ g² ∇log p_t, of all n points x at the one
time t, into velocity. Both are arrays of n·d numbers, d = score->d, point after point. times is
room for n floats: sgm_score_eval wants a time for each point. NaN everywhere if that call fails. */
void flow_velocity(float *velocity, const float *x, float *times, long n, double t,
                   const sgm_score *score) {
    (void)velocity, (void)x, (void)times, (void)n, (void)t, (void)score; /* your lines instead */
}

/* Carries the n points x along the flow by Heun's steps from t[0] to t[1], … to t[steps], in place.
The times rise or fall, and are not evenly spaced. room is yours: 3·n·d + n floats. */
void heun_flow(float *x, float *room, long n, const sgm_score *score, const double *t, int steps) {
    (void)x, (void)room, (void)n, (void)score, (void)t, (void)steps; /* your lines instead */
}

/* One sentence: why must the second velocity be asked at the new time, and at the moved points? */
const char lab_why[] = "";
