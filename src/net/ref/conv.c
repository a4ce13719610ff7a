#include <omp.h>

#include "net/ref/ref.h"

#define IN_CHANNELS 16 /* input channels whose weights' gradients are summed up together */

/* Doubles that a thread needs. */
static size_t thread_sums(const net_step *step) {
  size_t in = (size_t)step->in.c, out = (size_t)step->out.c;
  size_t widest = in > out ? in : out;
  size_t pixels = REF_PIXELS * widest, kernel = IN_CHANNELS * out;
  return pixels > kernel ? pixels : kernel;
}

static size_t kernel_size(const net_step *step) {
  size_t side = (size_t)step->node->attributes.kernel;
  return side * side * (size_t)step->in.c * (size_t)step->out.c;
}

/* Scratch: sums [threads][thread_sums] double, then the transposed kernel [K][K][OC][C] float. */
size_t ref_conv2d_scratch(const net_step *step) {
  return (size_t)step->threads * thread_sums(step) * sizeof(double) +
         (step->need_dx ? kernel_size(step) * sizeof(float) : 0);
}

static double *own_sums(const net_step *step, const net_call *call) {
  return (double *)call->scratch + (size_t)omp_get_thread_num() * thread_sums(step);
}

/* Pixel (n, h, w) of x [N][H][W][C]. */
static size_t pixel(net_shape s, int n, int h, int w) {
  return (((size_t)n * (size_t)s.h + (size_t)h) * (size_t)s.w + (size_t)w) * (size_t)s.c;
}

/* y[n][oh][ow][o] = bias[o] + sum over kh, kw, i of x[n][oh S - P + kh][ow S - P + kw][i]
 * kernel[kh][kw][i][o]; terms in the padding are zero. */
void ref_conv2d_forward(const net_step *step, const net_call *call) {
  const net_attributes *a = &step->node->attributes;
  const net_shape in = step->in, out = step->out;
  const float *x = call->x[0], *kernel = call->params[0], *bias = call->params[1];
  const size_t row_size = (size_t)in.c * (size_t)out.c;
#pragma omp parallel for collapse(2) num_threads(step->threads)
  for (int n = 0; n < step->batch; n++)
    for (int oh = 0; oh < out.h; oh++) {
      double *sums = own_sums(step, call);
      for (int first = 0; first < out.w; first += REF_PIXELS) {
        int pixels = out.w - first < REF_PIXELS ? out.w - first : REF_PIXELS;
        for (int p = 0; p < pixels; p++)
          for (int o = 0; o < out.c; o++) sums[p * out.c + o] = bias ? (double)bias[o] : 0;
        for (int kh = 0; kh < a->kernel; kh++) {
          int ih = oh * a->stride - a->pad + kh;
          if (ih < 0 || ih >= in.h) continue;
          for (int kw = 0; kw < a->kernel; kw++) {
            const float *source[REF_PIXELS];
            double *sum[REF_PIXELS];
            int count = 0;
            for (int p = 0; p < pixels; p++) {
              int iw = (first + p) * a->stride - a->pad + kw;
              if (iw < 0 || iw >= in.w) continue;
              source[count] = x + pixel(in, n, ih, iw);
              sum[count++] = sums + p * out.c;
            }
            ref_add_products(count, source, sum, in.c, out.c,
                             kernel + (size_t)(kh * a->kernel + kw) * row_size);
          }
        }
        size_t at = pixel(out, n, oh, first);
        for (int i = 0; i < pixels * out.c; i++) {
          double other = step->add ? (double)call->x[1][at + (size_t)i] : 0;
          call->y[at + (size_t)i] = (float)(sums[i] + other);
        }
      }
    }
}

/* to [K][K][OC][C] = from [K][K][C][OC]. */
static void transpose(const float *from, float *to, int windows, int in, int out) {
  for (int k = 0; k < windows; k++) {
    size_t base = (size_t)k * (size_t)in * (size_t)out;
    for (int i = 0; i < in; i++)
      for (int o = 0; o < out; o++)
        to[base + (size_t)o * (size_t)in + (size_t)i] =
            from[base + (size_t)i * (size_t)out + (size_t)o];
  }
}

/* The output position whose window has input position `i` at `k`, or -1. */
static int output_position(int i, int k, const net_attributes *a, int side) {
  int scaled = i + a->pad - k;
  if (scaled < 0 || scaled % a->stride != 0) return -1;
  return scaled / a->stride < side ? scaled / a->stride : -1;
}

/* dx[n][ih][iw][i] = sum over kh, kw, o of dy[n][oh][ow][o] kernel[kh][kw][i][o], where oh, ow are
 * the outputs that see (ih, iw) through (kh, kw). */
static void input_gradient(const net_step *step, const net_call *call) {
  const net_attributes *a = &step->node->attributes;
  const net_shape in = step->in, out = step->out;
  const size_t row_size = (size_t)in.c * (size_t)out.c;
  float *transposed =
      (float *)((double *)call->scratch + (size_t)step->threads * thread_sums(step));
  transpose(call->params[0], transposed, a->kernel * a->kernel, in.c, out.c);
#pragma omp parallel for collapse(2) num_threads(step->threads)
  for (int n = 0; n < step->batch; n++)
    for (int ih = 0; ih < in.h; ih++) {
      double *sums = own_sums(step, call);
      for (int first = 0; first < in.w; first += REF_PIXELS) {
        int pixels = in.w - first < REF_PIXELS ? in.w - first : REF_PIXELS;
        for (int i = 0; i < pixels * in.c; i++) sums[i] = 0;
        for (int kh = 0; kh < a->kernel; kh++) {
          int oh = output_position(ih, kh, a, out.h);
          if (oh < 0) continue;
          for (int kw = 0; kw < a->kernel; kw++) {
            const float *source[REF_PIXELS];
            double *sum[REF_PIXELS];
            int count = 0;
            for (int p = 0; p < pixels; p++) {
              int ow = output_position(first + p, kw, a, out.w);
              if (ow < 0) continue;
              source[count] = call->dy + pixel(out, n, oh, ow);
              sum[count++] = sums + p * in.c;
            }
            ref_add_products(count, source, sum, out.c, in.c,
                             transposed + (size_t)(kh * a->kernel + kw) * row_size);
          }
        }
        float *dx = call->dx[0] + pixel(in, n, ih, first);
        for (int i = 0; i < pixels * in.c; i++) dx[i] = (float)sums[i];
      }
    }
}

/* dkernel[kh][kw][i][o] = sum over n, oh, ow of x[n][oh S - P + kh][ow S - P + kw][i]
 * dy[n][oh][ow][o]. */
static void kernel_gradient(const net_step *step, const net_call *call) {
  const net_attributes *a = &step->node->attributes;
  const net_shape in = step->in, out = step->out;
#pragma omp parallel for collapse(2) num_threads(step->threads)
  for (int k = 0; k < a->kernel * a->kernel; k++)
    for (int first = 0; first < in.c; first += IN_CHANNELS) {
      int kh = k / a->kernel, kw = k % a->kernel;
      int channels = in.c - first < IN_CHANNELS ? in.c - first : IN_CHANNELS;
      double *sums = own_sums(step, call); /* [channels][OC] */
      for (int i = 0; i < channels * out.c; i++) sums[i] = 0;
      for (int n = 0; n < step->batch; n++)
        for (int oh = 0; oh < out.h; oh++) {
          int ih = oh * a->stride - a->pad + kh;
          if (ih < 0 || ih >= in.h) continue;
          for (int ow = 0; ow < out.w; ow++) {
            int iw = ow * a->stride - a->pad + kw;
            if (iw < 0 || iw >= in.w) continue;
            const float *x = call->x[0] + pixel(in, n, ih, iw) + first;
            const float *restrict dy = call->dy + pixel(out, n, oh, ow);
            for (int i = 0; i < channels; i++) {
              double value = (double)x[i];
              double *restrict to = sums + i * out.c;
              for (int o = 0; o < out.c; o++) to[o] += value * (double)dy[o];
            }
          }
        }
      float *dkernel = call->grads[0] + ((size_t)k * (size_t)in.c + (size_t)first) * (size_t)out.c;
      for (int i = 0; i < channels * out.c; i++) dkernel[i] = (float)sums[i];
    }
}

void ref_conv2d_backward(const net_step *step, const net_call *call) {
  if (step->need_dx && call->dx[0]) input_gradient(step, call);
  if (call->grads[0]) kernel_gradient(step, call);
  if (call->grads[1])
    ref_sum_channels(call->dy, (size_t)step->batch * (size_t)step->out.h * (size_t)step->out.w,
                     step->out.c, call->grads[1], step->threads);
}
