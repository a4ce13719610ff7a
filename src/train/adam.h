/* Adam (Kingma and Ba 2015) in the form of Keras: epsilon is added after the bias correction has
 * been moved into the step size. */
#ifndef TRAIN_ADAM_H
#define TRAIN_ADAM_H

#include "net/graph.h"

#define ADAM_BETA1 0.9
#define ADAM_BETA2 0.999
#define ADAM_EPSILON 1e-7

/* Step number `step` (from 1) for all trainable parameters: params, grads and the two moments are
 * [graph->param_floats]. The rate of tensor i is lr scale[i]; scale [graph->param_count] may be
 * NULL.
 *   m += (1 - beta1) (g - m), v += (1 - beta2) (g^2 - v),
 *   p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)
 * Moments too small to move anything become 0. */
void adam_step(const net_graph *graph, uint64_t step, double lr, const double *scale,
               const float *grads, float *params, float *m, float *v, int threads);

/* After step number `step` (from 1): moves average [count] towards params by one minus `decay`, by
 * more in the first steps, when decay is taken as (1 + step) / (10 + step). */
void average_step(uint64_t step, double decay, const float *params, size_t count, float *average,
                  int threads);

#endif
