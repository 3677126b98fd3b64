/* An assignment for the tests of the grader: its points can be counted by hand. */
#include "check.h"
double half(double x), twice(double x);

static void lab_checks(void) {
    double x = lab_real(0, 1, 2), wrong = 3 * x, valid = -3;
    lab_guess triple[] = {{"triple", &wrong, "It is \"three times\" \\ x: two belongs there."}, {NULL, NULL, NULL}};
    lab_guess minus[] = {{"=minus", &valid, "Twice the other way: valid."}, {NULL, NULL, NULL}};
    lab_unit("half of 3", half(3), 1.5, 1e-9, NULL);
    lab_unit("\"half\" of -1 \\ # TODO \xC3\xA9", half(-1), -.5, 1e-9, NULL);
    lab_say(LAB_INFORMATIVE, "A comment on \"half\".");
    lab_unit("twice x", twice(x), 2 * x, 1e-9, triple);
    lab_law("half undoes twice", half(twice(x)), x, 1e-9, NULL);
    lab_law("twice of -1", twice(-1), -2, 1e-9, minus);
    lab_point("%g %g", x, twice(x));
}
