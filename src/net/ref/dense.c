#include <omp.h>

#include "net/ref/ref.h"

/* Scratch: sums [threads][REF_PIXELS][OC] double. */
static size_t thread_sums(const net_step *step) {
  return REF_PIXELS * (size_t)step->out.c;
}

size_t ref_dense_scratch(const net_step *step) {
  return (size_t)step->threads * thread_sums(step) * sizeof(double);
}

static double *own_sums(const net_step *step, const net_call *call) {
  return (double *)call->scratch + (size_t)omp_get_thread_num() * thread_sums(step);
}

/* y[n][o] = bias[o] + sum over i of x[n][i] kernel[i][o]. */
void ref_dense_forward(const net_step *step, const net_call *call) {
  const int in = step->in.c, out = step->out.c;
  const float *bias = call->params[1];
#pragma omp parallel for num_threads(step->threads)
  for (int first = 0; first < step->batch; first += REF_PIXELS) {
    int images = step->batch - first < REF_PIXELS ? step->batch - first : REF_PIXELS;
    double *sums = own_sums(step, call);
    const float *source[REF_PIXELS];
    double *sum[REF_PIXELS];
    for (int p = 0; p < images; p++) {
      source[p] = call->x[0] + (size_t)(first + p) * (size_t)in;
      sum[p] = sums + (size_t)p * (size_t)out;
      for (int o = 0; o < out; o++) sum[p][o] = bias ? (double)bias[o] : 0;
    }
    ref_add_products(images, source, sum, in, out, call->params[0]);
    float *y = call->y + (size_t)first * (size_t)out;
    for (size_t i = 0; i < (size_t)images * (size_t)out; i++) y[i] = (float)sums[i];
  }
}

/* dx[n][i] = sum over o of dy[n][o] kernel[i][o]. */
static void input_gradient(const net_step *step, const net_call *call) {
  const int in = step->in.c, out = step->out.c;
#pragma omp parallel for num_threads(step->threads)
  for (int i = 0; i < in; i++) {
    const float *row = call->params[0] + (size_t)i * (size_t)out;
    for (int n = 0; n < step->batch; n++) {
      const float *dy = call->dy + (size_t)n * (size_t)out;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int o = 0; o < out; o++) sum += (double)dy[o] * (double)row[o];
      call->dx[0][(size_t)n * (size_t)in + (size_t)i] = (float)sum;
    }
  }
}

/* dkernel[i][o] = sum over n of x[n][i] dy[n][o]. */
static void kernel_gradient(const net_step *step, const net_call *call) {
  const int in = step->in.c, out = step->out.c;
#pragma omp parallel for num_threads(step->threads)
  for (int i = 0; i < in; i++) {
    double *restrict sums = own_sums(step, call);
    for (int o = 0; o < out; o++) sums[o] = 0;
    for (int n = 0; n < step->batch; n++) {
      double value = (double)call->x[0][(size_t)n * (size_t)in + (size_t)i];
      const float *restrict dy = call->dy + (size_t)n * (size_t)out;
      for (int o = 0; o < out; o++) sums[o] += value * (double)dy[o];
    }
    float *dkernel = call->grads[0] + (size_t)i * (size_t)out;
    for (int o = 0; o < out; o++) dkernel[o] = (float)sums[o];
  }
}

void ref_dense_backward(const net_step *step, const net_call *call) {
  if (step->need_dx && call->dx[0]) input_gradient(step, call);
  if (call->grads[0]) kernel_gradient(step, call);
  if (call->grads[1])
    ref_sum_channels(call->dy, (size_t)step->batch, step->out.c, call->grads[1], step->threads);
}
