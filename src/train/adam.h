/* Adam (Kingma and Ba 2015) in the form of Keras: epsilon is added after the bias correction has
 * been moved into the step size. And a running average of what it moves. */
#ifndef TRAIN_ADAM_H
#define TRAIN_ADAM_H

#include "net/graph.h"

#define ADAM_BETA1 0.9
#define ADAM_BETA2 0.999
#define ADAM_EPSILON 1e-7

/* The step size of step number `step` (from 1): lr sqrt(1 - beta2^t) / (1 - beta1^t). */
float adam_alpha(uint64_t step, double lr);

/* One step for parameters [count]:
 *   m += (1 - beta1) (g - m), v += (1 - beta2) (g^2 - v), p -= alpha m / (sqrt(v) + epsilon)
 * Moments too small to move anything become 0. */
void adam_move(float alpha, size_t count, const float *grads, float *params, float *m, float *v,
               int threads);

/* So many steps at once, alphas [steps], without gradients, for a few parameters, and behind each
 * step average_move with takes [steps] where `average` is not NULL: the same bits as one by one. */
void adam_move_on(const float *alphas, const float *takes, size_t steps, size_t count,
                  float *params, float *m, float *v, float *average);

/* Step number `step` (from 1) for all trainable parameters at one learning rate: params, grads and
 * the two moments are [graph->param_floats]. */
void adam_step(const net_graph *graph, uint64_t step, double lr, const float *grads, float *params,
               float *m, float *v, int threads);

/* How far step number `step` (from 1) moves the average: one minus `decay`, or more in the first
 * steps, when decay is taken as (1 + step) / (10 + step). */
float average_take(uint64_t step, double decay);
/* Moves average [count] towards params by that share. */
void average_move(float take, size_t count, const float *params, float *average, int threads);

#endif
