#include "stats/uncertainty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

typedef struct {
  const stats_weighted *a, *b;
} pair;

static void difference(const void *context, const uint32_t *weights, double *values) {
  const pair *p = context;
  double other[STATS_SCORES];
  stats_weighted_scores(p->a, weights, values);
  stats_weighted_scores(p->b, weights, other);
  for (int s = 0; s < STATS_SCORES; s++) values[s] -= other[s];
}

/* How many groups of equal size would weigh as much as these: of n groups whose sizes differ, some
 * decide more than others (Kish: Survey Sampling, 1965). At least 2 where there are two. */
static double effective(const size_t *sizes, size_t count) {
  double sum = 0, squares = 0;
  size_t present = 0;
  for (size_t g = 0; g < count; g++) {
    sum += (double)sizes[g];
    squares += (double)sizes[g] * (double)sizes[g];
    present += sizes[g] > 0;
  }
  return present < 2 ? (double)present : fmax(2, sum * sum / squares);
}

/* Of a mean of one value for each class: Satterthwaite's degrees of freedom, if the classes' groups
 * vary alike. */
static double of_all_classes(const double *groups, int classes) {
  double sum = 0, squares = 0;
  for (int c = 0; c < classes; c++) {
    if (groups[c] < 2) return 0;
    sum += 1 / groups[c];
    squares += 1 / (groups[c] * groups[c] * (groups[c] - 1));
  }
  return 1 + sum * sum / squares;
}

/* On how many groups each score rests, into out [STATS_SCORES]. */
static leuko_status rests_on(const stats_weighted *w, const stats_resampling *how, double *out,
                             leuko_error *error) {
  const size_t count = how->groups ? how->group_count : w->n;
  size_t *sizes = malloc(count * sizeof *sizes);
  if (!sizes) return error_set_memory(error, count * sizeof *sizes);
  double of_class[LEUKO_MAX_CLASSES + 1] = {0}; /* and of all */
  for (int c = 0; c <= w->classes; c++) {
    memset(sizes, 0, count * sizeof *sizes);
    for (size_t i = 0; i < w->n; i++)
      if (c == w->classes || w->labels[i] == c) sizes[how->groups ? how->groups[i] : i]++;
    of_class[c] = effective(sizes, count);
  }
  free(sizes);
  out[STATS_ACCURACY] = out[STATS_WEIGHTED_F1] = of_class[w->classes];
  out[STATS_BALANCED_ACCURACY] = out[STATS_AUC] = of_all_classes(of_class, w->classes);
  out[STATS_SPECIFICITY] = of_class[0];
  out[STATS_SENSITIVITY] = of_class[1];
  return LEUKO_OK;
}

/* Draws of all scores into *draws [STATS_SCORES][repetitions], which the caller frees. */
static leuko_status draw(const stats_resampling *how, stats_statistic statistic,
                         const void *context, double **draws, leuko_error *error) {
  const size_t most = SIZE_MAX / (STATS_SCORES * sizeof **draws);
  *draws =
      how->repetitions <= most ? malloc(STATS_SCORES * how->repetitions * sizeof **draws) : NULL;
  if (!*draws) return error_set_memory(error, STATS_SCORES * how->repetitions * sizeof **draws);
  return stats_bootstrap(how, statistic, context, STATS_SCORES, *draws, error);
}

static leuko_status check_count(const stats_weighted *w, const stats_resampling *how,
                                leuko_error *error) {
  if (w->n == how->n) return LEUKO_OK;
  return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%zu samples are scored, %zu are drawn", w->n,
                   how->n);
}

/* The scores themselves: every sample counts once. */
static leuko_status own_scores(const stats_weighted *w, double *values, leuko_error *error) {
  uint32_t *once = malloc(w->n * sizeof *once);
  if (!once) return error_set_memory(error, w->n * sizeof *once);
  for (size_t i = 0; i < w->n; i++) once[i] = 1;
  stats_weighted_scores(w, once, values);
  free(once);
  return LEUKO_OK;
}

leuko_status stats_score_intervals(const stats_weighted *w, const stats_resampling *how,
                                   stats_interval *out, leuko_error *error) {
  double values[STATS_SCORES], groups[STATS_SCORES], *draws = NULL;
  leuko_status status = check_count(w, how, error);
  if (status == LEUKO_OK) status = draw(how, stats_weighted_scores, w, &draws, error);
  if (status == LEUKO_OK) status = rests_on(w, how, groups, error);
  if (status == LEUKO_OK) status = own_scores(w, values, error);
  for (size_t s = 0; status == LEUKO_OK && s < STATS_SCORES; s++)
    out[s] =
        stats_score_interval(values[s], draws + s * how->repetitions, how->repetitions, groups[s]);
  free(draws);
  return status;
}

leuko_status stats_difference_intervals(const stats_weighted *a, const stats_weighted *b,
                                        const stats_resampling *how, stats_interval *out,
                                        leuko_error *error) {
  double groups[STATS_SCORES], *draws = NULL;
  leuko_status status = check_count(a, how, error);
  if (status == LEUKO_OK && (a->n != b->n || a->classes != b->classes ||
                             memcmp(a->labels, b->labels, a->n * sizeof *a->labels) != 0))
    status = error_set(error, LEUKO_ARGUMENT, NULL, NULL,
                       "two classifiers are compared on different samples");
  pair both = {a, b};
  if (status == LEUKO_OK) status = draw(how, difference, &both, &draws, error);
  if (status == LEUKO_OK) status = rests_on(a, how, groups, error);
  for (size_t s = 0; status == LEUKO_OK && s < STATS_SCORES; s++)
    out[s] = stats_difference_interval(draws + s * how->repetitions, how->repetitions, groups[s]);
  free(draws);
  return status;
}
