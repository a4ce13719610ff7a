#include "stats/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "stats/student.h"

#define TAIL 0.025 /* outside of a 95 % interval, on either side */

static leuko_status check(const stats_resampling *how, size_t drawn, leuko_error *error) {
  if (how->n == 0 || drawn == 0 || how->repetitions == 0)
    return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no sample to draw");
  if (how->n >= UINT32_MAX || drawn >= UINT32_MAX || how->repetitions >= UINT32_MAX)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%zu samples are too many", how->n);
  for (size_t i = 0; how->groups && i < how->n; i++)
    if (how->groups[i] >= drawn)
      return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "sample %zu is of group %zu of %zu", i,
                       how->groups[i], drawn);
  return LEUKO_OK;
}

leuko_status stats_bootstrap(const stats_resampling *how, stats_statistic statistic,
                             const void *context, size_t count, double *draws, leuko_error *error) {
  const size_t drawn = how->groups ? how->group_count : how->n;
  leuko_status status = check(how, drawn, error);
  if (status != LEUKO_OK) return status;
  uint32_t *times = calloc(drawn, sizeof *times); /* that each group was drawn */
  uint32_t *weights = how->groups ? malloc(how->n * sizeof *weights) : times;
  double *values = malloc((count ? count : 1) * sizeof *values);
  if (!times || !weights || !values) {
    status = error_set_memory(error, (drawn + how->n) * sizeof *times);
  } else {
    for (size_t r = 0; r < how->repetitions; r++) {
      rng stream = rng_open(how->seed, RNG_BOOTSTRAP, 0, (uint32_t)r);
      memset(times, 0, drawn * sizeof *times);
      for (size_t k = 0; k < drawn; k++) times[rng_below(&stream, (uint32_t)drawn)]++;
      for (size_t i = 0; how->groups && i < how->n; i++) weights[i] = times[how->groups[i]];
      statistic(context, weights, values);
      for (size_t v = 0; v < count; v++) draws[v * how->repetitions + r] = values[v];
    }
  }
  free(values);
  if (weights != times) free(weights);
  free(times);
  return status;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The share-quantile of sorted values, between two of them in proportion. */
static double quantile(const double *sorted, size_t n, double share) {
  double at = share * (double)(n - 1);
  size_t below = (size_t)at;
  if (below + 1 >= n) return sorted[n - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* The standard error: the draws' deviation, which with n groups is that of a sum over n and not
 * over n - 1. NaN for fewer than two draws. */
static double standard_error(const double *draws, size_t repetitions, double groups) {
  double sum = 0, squares = 0, n = 0;
  for (size_t r = 0; r < repetitions; r++)
    if (!isnan(draws[r])) sum += draws[r], n++;
  for (size_t r = 0; r < repetitions; r++)
    if (!isnan(draws[r])) squares += (draws[r] - sum / n) * (draws[r] - sum / n);
  return n < 2 ? NAN : sqrt(squares / (n - 1) * groups / (groups - 1));
}

/* Student's quantile for so many groups. */
static double quantile_for(double groups) {
  double degrees = groups - 1 > 1 ? groups - 1 : 1;
  return stats_student_quantile((size_t)(degrees + 0.5), 1 - TAIL);
}

stats_interval stats_score_interval(double value, const double *draws, size_t repetitions,
                                    double groups) {
  if (!(groups >= 2) || isnan(value)) return (stats_interval){NAN, NAN};
  if (!(value > 0)) return (stats_interval){0, 1 - pow(TAIL, 1 / groups)};
  if (!(value < 1)) return (stats_interval){pow(TAIL, 1 / groups), 1};
  double reach =
      quantile_for(groups) * standard_error(draws, repetitions, groups) / (value * (1 - value));
  double odds = value / (1 - value), low = odds * exp(-reach), high = odds * exp(reach);
  return (stats_interval){low / (1 + low), isinf(high) ? 1 : high / (1 + high)};
}

stats_interval stats_difference_interval(double *draws, size_t repetitions, double groups) {
  size_t n = 0;
  for (size_t r = 0; r < repetitions; r++)
    if (!isnan(draws[r])) draws[n++] = draws[r];
  if (!(groups >= 2) || n < 2) return (stats_interval){NAN, NAN};
  qsort(draws, n, sizeof *draws, compare);
  double deviations = sqrt(groups / (groups - 1)) * quantile_for(groups);
  double tail = 0.5 * erfc(deviations / sqrt(2));
  return (stats_interval){quantile(draws, n, tail), quantile(draws, n, 1 - tail)};
}
