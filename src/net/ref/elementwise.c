#include <string.h>

#include "base/rng.h"
#include "net/ref/ref.h"

static size_t values(const net_step *step) {
  return (size_t)step->batch * net_shape_size(step->out);
}

/* Source and target may be the same buffer. */
static void copy(float *to, const float *from, size_t count) {
  if (to) memmove(to, from, count * sizeof *to);
}

void ref_relu_forward(const net_step *step, const net_call *call) {
  copy(call->y, call->x[0], values(step));
  ref_clamp(call->y, values(step), step->threads);
}

void ref_relu_backward(const net_step *step, const net_call *call) {
  if (!call->dx[0]) return;
  copy(call->dx[0], call->dy, values(step));
  ref_mask(call->dx[0], call->y, values(step), step->threads);
}

void ref_add_forward(const net_step *step, const net_call *call) {
  const size_t count = values(step);
#pragma omp parallel for num_threads(step->threads)
  for (size_t i = 0; i < count; i++) call->y[i] = call->x[0][i] + call->x[1][i];
}

void ref_add_backward(const net_step *step, const net_call *call) {
  copy(call->dx[0], call->dy, values(step));
  copy(call->dx[1], call->dy, values(step));
}

void ref_flatten_forward(const net_step *step, const net_call *call) {
  copy(call->y, call->x[0], values(step));
}

void ref_flatten_backward(const net_step *step, const net_call *call) {
  copy(call->dx[0], call->dy, values(step));
}

/* to [count] = from [count] through this call's mask. */
static void drop(const net_step *step, const net_call *call, const float *from, float *to) {
  const double rate = (double)step->node->attributes.rate;
  const size_t count = values(step);
  if (!step->training) {
    copy(to, from, count);
    return;
  }
  rng stream = rng_open(call->seed, RNG_DROPOUT, call->iteration, call->stream);
  for (size_t i = 0; i < count; i++)
    to[i] = rng_uniform(&stream) < rate ? 0 : (float)((double)from[i] / (1 - rate));
}

void ref_dropout_forward(const net_step *step, const net_call *call) {
  drop(step, call, call->x[0], call->y);
}

void ref_dropout_backward(const net_step *step, const net_call *call) {
  if (call->dx[0]) drop(step, call, call->dy, call->dx[0]);
}
