#include "train/adam.h"

#include <math.h>

/* Moments of a parameter that gets no gradient any more (behind a relu that never opens) decay into
 * numbers so small that Intel's processors compute with them a hundred times as slowly: from the
 * sixth epoch on a head of VGG16 trained five times as slowly. What is below these moves no
 * parameter, since epsilon is that much larger. */
#define LEAST_M 1e-30f
#define LEAST_V 1e-36f

static inline float zero_below(float least, float value) {
  return fabsf(value) < least ? 0 : value;
}

void adam_step(const net_graph *graph, uint64_t step, double lr, const double *scale,
               const float *grads, float *params, float *m, float *v, int threads) {
  const double t = (double)step;
  const double correction = sqrt(1 - pow(ADAM_BETA2, t)) / (1 - pow(ADAM_BETA1, t));
  const float keep1 = (float)(1 - ADAM_BETA1), keep2 = (float)(1 - ADAM_BETA2);
  const float epsilon = (float)ADAM_EPSILON;
  for (int i = 0; i < graph->param_count; i++) {
    const net_param *param = &graph->params[i];
    if (!param->trainable) continue;
    const float alpha = (float)(lr * (scale ? scale[i] : 1) * correction);
    const size_t first = param->offset, end = param->offset + param->count;
#pragma omp parallel for simd num_threads(threads) schedule(static) if (param->count > 4096)
    for (size_t k = first; k < end; k++) {
      m[k] = zero_below(LEAST_M, m[k] + keep1 * (grads[k] - m[k]));
      v[k] = zero_below(LEAST_V, v[k] + keep2 * (grads[k] * grads[k] - v[k]));
      params[k] -= alpha * m[k] / (sqrtf(v[k]) + epsilon);
    }
  }
}

void average_step(uint64_t step, double decay, const float *params, size_t count, float *average,
                  int threads) {
  const double early = (1 + (double)step) / (10 + (double)step);
  const float take = (float)(1 - (decay < early ? decay : early));
#pragma omp parallel for simd num_threads(threads) schedule(static)
  for (size_t i = 0; i < count; i++) average[i] += take * (params[i] - average[i]);
}
