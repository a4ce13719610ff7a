#include "predict/rounding.h"

#include <math.h>

#include "stats/metrics.h"

/* The logit at which a model of one output changes its answer. */
static double cut_of(const model *m) {
  const double temperature = m->temperature > 0 ? m->temperature : 1;
  return temperature * log(m->threshold / (1 - m->threshold));
}

static int second_of(const double *logits, int outputs, int best) {
  int second = best == 0 ? 1 : 0;
  for (int k = 0; k < outputs; k++)
    if (k != best && logits[k] > logits[second]) second = k;
  return second;
}

void rounding_margins(const model *m, const double *logits, const double *others, size_t count,
                      double *margins, double *moved) {
  const int outputs = m->net.outputs;
  for (size_t i = 0; i < count; i++) {
    const double *a = logits + i * (size_t)outputs, *b = others + i * (size_t)outputs;
    if (outputs == 1) {
      margins[i] = fabs(a[0] - cut_of(m));
      moved[i] = a[0] < cut_of(m) ? a[0] - b[0] : b[0] - a[0];
    } else {
      const int best = stats_argmax(a, outputs), second = second_of(a, outputs, best);
      margins[i] = a[best] - a[second];
      moved[i] = b[best] - b[second] - margins[i];
    }
  }
}

double rounding_variance(const double *moved, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += moved[i] * moved[i];
  return isfinite(sum) ? sum / (double)count : INFINITY;
}

double rounding_agreement(const double *margins, size_t count, double variance) {
  if (!(variance > 0)) return 1;
  double changed = 0;
  for (size_t i = 0; i < count; i++) changed += 0.5 * erfc(margins[i] / sqrt(2 * variance));
  return 1 - changed / (double)count;
}

static rounding_layer *most_harmful(rounding_layer *layers, size_t count) {
  rounding_layer *most = NULL;
  for (rounding_layer *l = layers; l < layers + count; l++)
    if (!l->wide && (!most || l->variance * most->flop > most->variance * l->flop)) most = l;
  return most;
}

void rounding_leave_wide(rounding_layer *layers, size_t count, double variance,
                         const double *margins, size_t cells, double wanted) {
  double sum = 0, left = 0;
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    sum += layers[i].variance;
    if (layers[i].wide) continue;
    left += layers[i].variance;
    bytes++;
  }
  for (; bytes > 1; bytes--) {
    if (rounding_agreement(margins, cells, variance * left / sum) >= wanted) return;
    rounding_layer *most = most_harmful(layers, count);
    most->wide = true;
    left = left > most->variance ? left - most->variance : 0;
  }
}
