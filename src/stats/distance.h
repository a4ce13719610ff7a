/* How far a row of features lies from those of known classes: the Mahalanobis distance to the
 * nearest class's mean, with one covariance for all classes (Lee, Lee, Lee, Shin: "A simple unified
 * framework for detecting out-of-distribution samples and adversarial attacks", NeurIPS 2018,
 * equations 1 and 2), which is shrunk. */
#ifndef STATS_DISTANCE_H
#define STATS_DISTANCE_H

#include <stddef.h>

#include "leuko.h"

/* Wider features are reduced to so many directions. */
#define STATS_DISTANCE_DIRECTIONS 64

/* Zero: nothing is fitted. */
typedef struct {
  size_t width;      /* of a row */
  size_t directions; /* at most STATS_DISTANCE_DIRECTIONS */
  int classes;
  float *whiten;    /* [directions][width], owned: a row's coordinates are whiten * row */
  float *means;     /* [classes][directions], owned, in these coordinates */
  double shrinkage; /* 0 .. 1: how much of the covariance is a multiple of the identity */
} stats_distance;

/* The covariance X'X / n of rows x [n][width] around 0, shrunk towards a multiple of the identity
 * by what is best for normal rows, into out [width][width]; returns the shrinkage (Ledoit, Wolf: "A
 * well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate
 * Analysis 2004, as scikit-learn computes it). n and width are at least 1. */
double stats_ledoit_wolf(const double *x, size_t n, size_t width, double *out);

/* Fits rows [n][width] of labels [n] (0 .. classes-1). Rows wider than STATS_DISTANCE_DIRECTIONS
 * are reduced to the directions in which they vary most around their classes' means (principal
 * components of the pooled scatter within classes, by subspace iteration). On success *out is owned
 * by the caller (stats_distance_free), otherwise zero. Errors: NO_DATA (a class with fewer than two
 * rows, no scatter at all), BAD_DATA (a value that is not finite, another label), ARGUMENT (width
 * or classes), NO_MEMORY. */
leuko_status stats_distance_fit(const float *rows, const int *labels, size_t n, size_t width,
                                int classes, stats_distance *out, leuko_error *error);
void stats_distance_free(stats_distance *d);

/* The distance of row [width] to the nearest mean, in standard deviations. Not finite if the row is
 * not. */
double stats_distance_of(const stats_distance *d, const float *row);

#endif
