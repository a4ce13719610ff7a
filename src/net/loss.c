#include "net/loss.h"

#include <math.h>

#include "stats/metrics.h"

static double binary(float logit, int label, double share, float *dlogit, size_t *correct) {
  *correct += (logit >= 0) == (label == 1);
  if (dlogit) *dlogit = (float)((stats_sigmoid((double)logit) - label) * share);
  return stats_binary_loss((double)logit, label);
}

static double softmax(const float *logits, int label, int outputs, double share, float *dlogits,
                      size_t *correct) {
  int largest = 0;
  for (int k = 1; k < outputs; k++)
    if (logits[k] > logits[largest]) largest = k;
  double sum = 0;
  for (int k = 0; k < outputs; k++) sum += exp((double)logits[k] - (double)logits[largest]);
  *correct += largest == label;
  for (int k = 0; dlogits && k < outputs; k++) {
    double p = exp((double)logits[k] - (double)logits[largest]) / sum;
    dlogits[k] = (float)((p - (k == label)) * share);
  }
  return log(sum) + (double)logits[largest] - (double)logits[label];
}

net_loss_sum net_loss(const float *logits, const int *labels, int count, int outputs,
                      const double *weights, float *dlogits) {
  net_loss_sum out = {0};
  for (int i = 0; i < count; i++) {
    double weight = weights ? weights[labels[i]] : 1;
    float *gradient = dlogits ? dlogits + (size_t)i * (size_t)outputs : NULL;
    const float *row = logits + (size_t)i * (size_t)outputs;
    double loss = outputs == 1
                      ? binary(*row, labels[i], weight / count, gradient, &out.correct)
                      : softmax(row, labels[i], outputs, weight / count, gradient, &out.correct);
    out.loss += weight * loss;
  }
  return out;
}
