#include "stats/student.h"

#include <math.h>

#define NORMAL 100000 /* from so many degrees of freedom on the normal distribution is as good */

/* The finite sums for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
double stats_student_cdf(size_t degrees, double t) {
  if (degrees >= NORMAL) return 0.5 * erfc(-t / sqrt(2));
  double n = (double)degrees, angle = atan(t / sqrt(n));
  double cosine = cos(angle), square = cosine * cosine, term, sum = 0;
  if (degrees % 2) {
    term = cosine;
    for (size_t k = 1; k + 1 < degrees; k += 2) {
      sum += term;
      term *= square * (double)(k + 1) / (double)(k + 2);
    }
    return 0.5 + (angle + sin(angle) * sum) / M_PI;
  }
  term = 1;
  for (size_t k = 0; k + 1 < degrees; k += 2) {
    sum += term;
    term *= square * (double)(k + 1) / (double)(k + 2);
  }
  return 0.5 + sin(angle) * sum / 2;
}

double stats_student_quantile(size_t degrees, double share) {
  double low = 0, high = 1;
  while (stats_student_cdf(degrees, high) < share && high < 1e12) high *= 2;
  for (int i = 0; i < 100; i++) {
    double middle = low + (high - low) / 2;
    if (stats_student_cdf(degrees, middle) < share) low = middle;
    else high = middle;
  }
  return high;
}
