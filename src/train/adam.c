#include "train/adam.h"

#include <math.h>

/* Moments of a parameter that gets no gradient any more (behind a relu that never opens) decay into
 * numbers so small that Intel's processors compute with them a hundred times as slowly: from the
 * sixth epoch on a head of VGG16 trained five times as slowly. What is below these moves no
 * parameter, since epsilon is that much larger. */
#define LEAST_M 1e-30f
#define LEAST_V 1e-36f

#define NEAR 64     /* values that are moved through several steps while they are in the cache */
#define SHARE 16384 /* values that a thread moves at a time */

static inline float zero_below(float least, float value) {
  return fabsf(value) < least ? 0 : value;
}

static inline void move(float alpha, float gradient, float *p, float *m, float *v) {
  const float keep1 = (float)(1 - ADAM_BETA1), keep2 = (float)(1 - ADAM_BETA2);
  const float epsilon = (float)ADAM_EPSILON;
  *m = zero_below(LEAST_M, *m + keep1 * (gradient - *m));
  *v = zero_below(LEAST_V, *v + keep2 * (gradient * gradient - *v));
  *p -= alpha * *m / (sqrtf(*v) + epsilon);
}

float adam_alpha(uint64_t step, double lr) {
  const double t = (double)step;
  const double correction = sqrt(1 - pow(ADAM_BETA2, t)) / (1 - pow(ADAM_BETA1, t));
  return (float)(lr * correction);
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Loops of their own, which the compiler turns into vectors. */
static void move_share(float alpha, size_t count, const float *grads, float *restrict params,
                       float *restrict m, float *restrict v) {
#pragma omp simd
  for (size_t k = 0; k < count; k++) move(alpha, grads[k], params + k, m + k, v + k);
}

static void rest_share(float alpha, size_t count, float *restrict params, float *restrict m,
                       float *restrict v) {
#pragma omp simd
  for (size_t k = 0; k < count; k++) move(alpha, 0, params + k, m + k, v + k);
}

static void average_share(float take, size_t count, const float *params, float *restrict average) {
#pragma omp simd
  for (size_t k = 0; k < count; k++) average[k] += take * (params[k] - average[k]);
}

void adam_move(float alpha, size_t count, const float *grads, float *params, float *m, float *v,
               int threads) {
  if (threads == 1 || count <= SHARE) {
    move_share(alpha, count, grads, params, m, v);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t k = 0; k < count; k += SHARE)
    move_share(alpha, least(count - k, SHARE), grads + k, params + k, m + k, v + k);
}

void adam_move_on(const float *alphas, const float *takes, size_t steps, size_t count,
                  float *params, float *m, float *v, float *average) {
  for (size_t k = 0; k < count; k += NEAR) {
    const size_t now = least(count - k, NEAR);
    for (size_t s = 0; s < steps; s++) {
      rest_share(alphas[s], now, params + k, m + k, v + k);
      if (average) average_share(takes[s], now, params + k, average + k);
    }
  }
}

void adam_step(const net_graph *graph, uint64_t step, double lr, const float *grads, float *params,
               float *m, float *v, int threads) {
  const float alpha = adam_alpha(step, lr);
  for (int i = 0; i < graph->param_count; i++) {
    const net_param *param = &graph->params[i];
    const size_t at = param->offset;
    if (param->trainable)
      adam_move(alpha, param->count, grads + at, params + at, m + at, v + at, threads);
  }
}

float average_take(uint64_t step, double decay) {
  const double early = (1 + (double)step) / (10 + (double)step);
  return (float)(1 - (decay < early ? decay : early));
}

void average_move(float take, size_t count, const float *params, float *average, int threads) {
  if (threads == 1 || count <= SHARE) {
    average_share(take, count, params, average);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t k = 0; k < count; k += SHARE)
    average_share(take, least(count - k, SHARE), params + k, average + k);
}
