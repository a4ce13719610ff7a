#include <math.h>
#include <stdint.h>

#include "net/ref/ref.h"

static size_t pixel(net_shape s, int n, int h, int w) {
  return (((size_t)n * (size_t)s.h + (size_t)h) * (size_t)s.w + (size_t)w) * (size_t)s.c;
}

size_t ref_maxpool_workspace(const net_step *step) {
  return step->training ? (size_t)step->batch * net_shape_size(step->out) * sizeof(int32_t) : 0;
}

/* y[n][oh][ow][c] = largest x[n][ih][iw][c] of the window at (oh S - P, ow S - P). */
void ref_maxpool_forward(const net_step *step, const net_call *call) {
  const net_attributes *a = &step->node->attributes;
  const net_shape in = step->in, out = step->out;
  int32_t *winners = step->training ? call->workspace : NULL;
#pragma omp parallel for collapse(2) num_threads(step->threads)
  for (int n = 0; n < step->batch; n++)
    for (int oh = 0; oh < out.h; oh++)
      for (int ow = 0; ow < out.w; ow++) {
        int top = oh * a->stride - a->pad, left = ow * a->stride - a->pad;
        int h0 = top < 0 ? 0 : top, h1 = top + a->kernel < in.h ? top + a->kernel : in.h;
        int w0 = left < 0 ? 0 : left, w1 = left + a->kernel < in.w ? left + a->kernel : in.w;
        size_t at = pixel(out, n, oh, ow);
        for (int c = 0; c < out.c; c++) {
          float best = call->x[0][pixel(in, n, h0, w0) + (size_t)c];
          int32_t winner = h0 * in.w + w0;
          for (int ih = h0; ih < h1; ih++)
            for (int iw = w0; iw < w1; iw++) {
              float value = call->x[0][pixel(in, n, ih, iw) + (size_t)c];
              if (!(value > best || isnan(value))) continue;
              best = value;
              winner = ih * in.w + iw;
            }
          call->y[at + (size_t)c] = best;
          if (winners) winners[at + (size_t)c] = winner;
        }
      }
}

/* The first output position whose window reaches input position i. */
static int first_window(int i, const net_attributes *a) {
  int past = i + a->pad - a->kernel; /* the last start that ends before i */
  return past < 0 ? 0 : past / a->stride + 1;
}

/* dx[n][ih][iw][c] = sum of dy over the windows that (ih, iw) won. */
void ref_maxpool_backward(const net_step *step, const net_call *call) {
  const net_attributes *a = &step->node->attributes;
  const net_shape in = step->in, out = step->out;
  const int32_t *winners = call->workspace;
  if (!call->dx[0]) return;
#pragma omp parallel for collapse(2) num_threads(step->threads)
  for (int n = 0; n < step->batch; n++)
    for (int ih = 0; ih < in.h; ih++)
      for (int iw = 0; iw < in.w; iw++) {
        int h0 = first_window(ih, a), h1 = (ih + a->pad) / a->stride;
        int w0 = first_window(iw, a), w1 = (iw + a->pad) / a->stride;
        float *dx = call->dx[0] + pixel(in, n, ih, iw);
        for (int c = 0; c < in.c; c++) {
          double sum = 0;
          for (int oh = h0; oh <= h1 && oh < out.h; oh++)
            for (int ow = w0; ow <= w1 && ow < out.w; ow++) {
              size_t at = pixel(out, n, oh, ow) + (size_t)c;
              if (winners[at] == ih * in.w + iw) sum += (double)call->dy[at];
            }
          dx[c] = (float)sum;
        }
      }
}

void ref_avgpool_forward(const net_step *step, const net_call *call) {
  const size_t pixels = (size_t)step->in.h * (size_t)step->in.w, channels = (size_t)step->in.c;
#pragma omp parallel for collapse(2) num_threads(step->threads)
  for (int n = 0; n < step->batch; n++)
    for (size_t c = 0; c < channels; c++) {
      const float *x = call->x[0] + (size_t)n * pixels * channels + c;
      double sum = 0;
      for (size_t i = 0; i < pixels; i++) sum += (double)x[i * channels];
      call->y[(size_t)n * channels + c] = (float)(sum / (double)pixels);
    }
}

void ref_avgpool_backward(const net_step *step, const net_call *call) {
  const size_t pixels = (size_t)step->in.h * (size_t)step->in.w, channels = (size_t)step->in.c;
  if (!call->dx[0]) return;
#pragma omp parallel for num_threads(step->threads)
  for (int n = 0; n < step->batch; n++) {
    const float *dy = call->dy + (size_t)n * channels;
    float *dx = call->dx[0] + (size_t)n * pixels * channels;
    for (size_t i = 0; i < pixels; i++)
      for (size_t c = 0; c < channels; c++)
        dx[i * channels + c] = (float)((double)dy[c] / (double)pixels);
  }
}
