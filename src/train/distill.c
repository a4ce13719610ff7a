#include "train/distill.h"

#include "stats/metrics.h"

double distill_target(int label, double p) {
  return DISTILL_LABEL_WEIGHT * label + (1 - DISTILL_LABEL_WEIGHT) * p;
}

net_loss_sum distill_loss(const float *logits, const int *labels, const double *targets, int count,
                          const double *weights, float *dlogits) {
  net_loss_sum out = {0};
  for (int i = 0; i < count; i++) {
    const double logit = (double)logits[i], weight = weights[labels[i]];
    out.loss += weight * (targets[i] * stats_binary_loss(logit, 1) +
                          (1 - targets[i]) * stats_binary_loss(logit, 0));
    out.correct += (logit >= 0) == (labels[i] == 1);
    dlogits[i] = (float)((stats_sigmoid(logit) - targets[i]) * (weight / count));
  }
  return out;
}
