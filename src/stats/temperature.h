/* Temperature scaling (Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML
 * 2017): logits are divided by one number, so that probabilities change and no order does. */
#ifndef STATS_TEMPERATURE_H
#define STATS_TEMPERATURE_H

#include <stddef.h>

#include "leuko.h"

/* Where the best one lies beyond, as it does if no answer is wrong or they are worse than chance,
 * the bound is taken. */
#define STATS_COLDEST 0.01
#define STATS_HOTTEST 100.0

/* The temperature that gives the lowest cross-entropy of logits / temperature, with two classes
 * logits [n] of class 1, else [n][classes], for labels [n]. Errors: NO_DATA (n is 0), ARGUMENT
 * (classes), BAD_DATA (a logit that is not finite, a label out of range). */
leuko_status stats_fit_temperature(const double *logits, const int *labels, size_t n, int classes,
                                   double *out, leuko_error *error);

#endif
