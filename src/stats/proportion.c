#include "stats/proportion.h"

#include <math.h>

static double log_factorial(double n) {
  int sign;
  return lgamma_r(n + 1, &sign);
}

/* P(X >= k) of n cases with the share p, within (0, 1). */
static double at_least(size_t k, size_t n, double p) {
  double sum = 0;
  for (size_t i = k; i <= n; i++) {
    const double a = (double)i, b = (double)(n - i);
    sum += exp(log_factorial((double)n) - log_factorial(a) - log_factorial(b) + a * log(p) +
               b * log1p(-p));
  }
  return sum;
}

/* The share at which k or more cases come up with the probability 0.025. */
static double lower(size_t k, size_t n) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; i++) {
    const double middle = (low + high) / 2;
    if (at_least(k, n, middle) < 0.025) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

stats_interval stats_proportion_interval(size_t k, size_t n) {
  if (n == 0) return (stats_interval){NAN, NAN};
  return (stats_interval){k == 0 ? 0 : lower(k, n), k == n ? 1 : 1 - lower(n - k, n)};
}
