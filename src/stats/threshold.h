/* The operating point: from which score on an answer is positive. */
#ifndef STATS_THRESHOLD_H
#define STATS_THRESHOLD_H

#include <stddef.h>

#include "leuko.h"

/* The threshold with the highest sensitivity + specificity - 1 (Youden's index), of equal ones the
 * highest. It lies halfway between the lowest score that is to be answered positive and the next
 * one below (0 below the lowest), so that no sample lies on it. scores [n] are probabilities,
 * labels [n] are 0 or 1. Errors: NO_DATA (n is 0, a class is missing), BAD_DATA (a score that is
 * not finite, another label), NO_MEMORY. */
leuko_status stats_youden_threshold(const double *scores, const int *labels, size_t n, double *out,
                                    leuko_error *error);

/* The highest threshold that finds at least the share `sensitivity` of the positives. Errors: as
 * above, ARGUMENT (a share that is not within (0, 1]). */
leuko_status stats_sensitivity_threshold(const double *scores, const int *labels, size_t n,
                                         double sensitivity, double *out, leuko_error *error);

#endif
