#include "stats/predictive.h"

#include <math.h>

static double share(double right, double wrong) {
  return right + wrong > 0 ? right / (right + wrong) : NAN;
}

double stats_positive_predictive(double sensitivity, double specificity, double prevalence) {
  return share(sensitivity * prevalence, (1 - specificity) * (1 - prevalence));
}

double stats_negative_predictive(double sensitivity, double specificity, double prevalence) {
  return share(specificity * (1 - prevalence), (1 - sensitivity) * prevalence);
}
