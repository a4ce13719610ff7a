/* The scores that are resampled, of samples that count several times or not at all. */
#ifndef STATS_WEIGHTED_H
#define STATS_WEIGHTED_H

#include <stdint.h>

#include "stats/metrics.h"

enum {
  STATS_ACCURACY,
  STATS_BALANCED_ACCURACY,
  STATS_WEIGHTED_F1,
  STATS_AUC,
  STATS_SENSITIVITY, /* from here on with two classes only; else NaN */
  STATS_SPECIFICITY,
  STATS_SCORES
};

/* These scores [STATS_SCORES], out of metrics that stand already. */
void stats_binary_scores(const stats_binary *from, double *scores);
void stats_multiclass_scores(const stats_multiclass *from, double *scores);

/* One place of the order of a class's scores. */
typedef struct {
  uint32_t sample;
  uint8_t is_class; /* the sample is of the class */
  uint8_t last;     /* the next score is lower */
} stats_place;

/* Labels and answers of a classifier, its scores in order. Made by stats_weighted_open. */
typedef struct {
  int classes, orders; /* orders: 1 with two classes (of class 1), else one a class */
  size_t n;
  const int *labels, *answers; /* borrowed */
  stats_place *places;         /* [orders][n], owned */
} stats_weighted;

/* labels and answers [n] are classes 0 .. classes-1 (two: 1 is the positive one); scores are [n] of
 * class 1 with two classes, else [n][classes]; any monotone function of the probabilities will do.
 * labels and answers are borrowed. The caller ends with stats_weighted_close. Errors: NO_DATA,
 * ARGUMENT (classes), BAD_DATA (a score that is not finite, a label or answer out of range),
 * NO_MEMORY. */
leuko_status stats_weighted_open(const double *scores, const int *labels, const int *answers,
                                 size_t n, int classes, stats_weighted *out, leuko_error *error);
void stats_weighted_close(stats_weighted *w);

/* The scores, as in stats_binary and stats_multiclass, into values [STATS_SCORES], sample i
 * counting weights[i] times. NaN where a class is missing. `context` is a stats_weighted: this is a
 * stats_statistic. */
void stats_weighted_scores(const void *context, const uint32_t *weights, double *values);

#endif
