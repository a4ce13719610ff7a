#include "stats/logistic.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "stats/metrics.h"

#define MOST (STATS_MAX_MEASURES + 1) /* the bias comes last */

static leuko_status check(const double *x, const int *labels, size_t n, size_t measures,
                          leuko_error *error) {
  if (measures == 0 || measures > STATS_MAX_MEASURES)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%zu measures, but 1 to %d are possible",
                     measures, STATS_MAX_MEASURES);
  if (n == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no sample to fit to");
  for (size_t i = 0; i < n; i++) {
    if (labels[i] < 0 || labels[i] > 1)
      return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                       "sample %zu has label %d, but 0 or 1 is expected", i, labels[i]);
    for (size_t d = 0; d < measures; d++)
      if (!isfinite(x[i * measures + d]))
        return error_set(error, LEUKO_BAD_DATA, NULL, NULL,
                         "sample %zu has a measure that is not a finite number", i);
  }
  return LEUKO_OK;
}

static void standardise(const double *x, size_t n, stats_logistic *l) {
  for (size_t d = 0; d < l->measures; d++) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i * l->measures + d];
    l->mean[d] = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
      double off = x[i * l->measures + d] - l->mean[d];
      squares += off * off;
    }
    double deviation = sqrt(squares / (double)n);
    /* Rounding alone must not be blown up to a measure. */
    l->deviation[d] = deviation > 1e-12 * fabs(l->mean[d]) ? deviation : 1;
  }
}

static void standardised(const stats_logistic *l, const double *x, double *z) {
  for (size_t d = 0; d < l->measures; d++) z[d] = (x[d] - l->mean[d]) / l->deviation[d];
  z[l->measures] = 1;
}

double stats_logistic_logit(const stats_logistic *l, const double *x) {
  double z[MOST], sum = l->bias;
  standardised(l, x, z);
  for (size_t d = 0; d < l->measures; d++) sum += l->weights[d] * z[d];
  return sum;
}

/* What is minimised, with its gradient and Hessian in weights and bias. */
static double objective(const stats_logistic *l, const double *x, const int *labels, size_t n,
                        double gradient[MOST], double hessian[MOST][MOST]) {
  const size_t k = l->measures + 1;
  double value = 0;
  memset(gradient, 0, MOST * sizeof *gradient);
  memset(hessian, 0, MOST * sizeof *hessian);
  for (size_t i = 0; i < n; i++) {
    const double *row = x + i * l->measures;
    double z[MOST], logit = stats_logistic_logit(l, row), p = stats_sigmoid(logit);
    standardised(l, row, z);
    value += stats_binary_loss(logit, labels[i]);
    for (size_t a = 0; a < k; a++) {
      gradient[a] += (p - labels[i]) * z[a];
      for (size_t b = 0; b <= a; b++) hessian[a][b] += p * (1 - p) * z[a] * z[b];
    }
  }
  for (size_t d = 0; d < l->measures; d++) {
    value += l->weights[d] * l->weights[d] / 2;
    gradient[d] += l->weights[d];
    hessian[d][d] += 1;
  }
  return value;
}

/* Solves the symmetric positive system, of which the lower half is given, by Cholesky's
 * factorisation; `right` becomes the solution. */
static void solve(double a[MOST][MOST], size_t k, double *right) {
  for (size_t i = 0; i < k; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = a[i][j];
      for (size_t m = 0; m < j; m++) sum -= a[i][m] * a[j][m];
      a[i][j] = i == j ? sqrt(sum > 1e-12 ? sum : 1e-12) : sum / a[j][j];
    }
    for (size_t m = 0; m < i; m++) right[i] -= a[i][m] * right[m];
    right[i] /= a[i][i];
  }
  for (size_t i = k; i-- > 0;) {
    for (size_t m = i + 1; m < k; m++) right[i] -= a[m][i] * right[m];
    right[i] /= a[i][i];
  }
}

leuko_status stats_logistic_fit(const double *x, const int *labels, size_t n, size_t measures,
                                stats_logistic *out, leuko_error *error) {
  *out = (stats_logistic){.measures = measures};
  leuko_status status = check(x, labels, n, measures, error);
  if (status != LEUKO_OK) return status;
  standardise(x, n, out);
  double gradient[MOST], hessian[MOST][MOST], step[MOST], there[MOST][MOST];
  double value = objective(out, x, labels, n, gradient, hessian);
  for (int i = 0; i < 50; i++) {
    memcpy(step, gradient, sizeof step);
    solve(hessian, measures + 1, step);
    double largest = 0, tried = INFINITY, scale = 1;
    stats_logistic next = *out;
    /* Far from the minimum a whole step may lead uphill. */
    for (int halved = 0; halved < 30 && !(tried <= value); halved++) {
      for (size_t d = 0; d < measures; d++) next.weights[d] = out->weights[d] - scale * step[d];
      next.bias = out->bias - scale * step[measures];
      tried = objective(&next, x, labels, n, gradient, there);
      scale /= 2;
    }
    if (!(tried <= value)) break;
    for (size_t d = 0; d <= measures; d++) largest = fmax(largest, fabs(step[d]));
    *out = next;
    value = tried;
    memcpy(hessian, there, sizeof hessian);
    if (largest < 1e-12) break;
  }
  return LEUKO_OK;
}
