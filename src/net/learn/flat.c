#include <omp.h>
#include <string.h>

#include "net/layout.h"
#include "net/learn/learn.h"

/* Flat places of the output, B, read flat places of the input alone, A; the others are computed, C.
 * With x the flat pixel of the input, y that of the output, S the sum of the gradients at B before
 * relu, and k the places of the window:
 *
 *   y = relu(bias + sum_k W_k x)          dbias += S          dW_k += x S
 *   sum of dx over A = sum_k W_k^T (S + R_k),   R_k = sum of dy over the q in C with q + k in A */

/* Places of the window; R is wanted of convolutions of 3x3 and 1x1 alone. */
#define MOST_PLACES 9

typedef struct {
  float *pixel, *gradient; /* [in.c] of the input; [filters]: S */
  float *beyond;           /* [places][filters]: S + R */
  float *rows;             /* of each thread: [places][filters], of an image, in split order */
  double *sums;            /* and of all its images */
} workplace;

static size_t up_to_line(size_t bytes) {
  return (bytes + LEARN_LINE - 1) / LEARN_LINE * LEARN_LINE;
}

static size_t places(const learn_shape *s) {
  return (size_t)(s->kernel * s->kernel);
}

static size_t beyond_values(const learn_shape *s) {
  return places(s) <= MOST_PLACES ? places(s) * (size_t)s->plain.c : 0;
}

size_t learn_flat_scratch(const learn_shape *s) {
  const size_t values = beyond_values(s), threads = (size_t)s->threads;
  return up_to_line((size_t)s->in.c * sizeof(float)) +
         up_to_line((size_t)s->plain.c * sizeof(float)) + up_to_line(values * sizeof(float)) +
         threads * (up_to_line(values * sizeof(float)) + up_to_line(values * sizeof(double)));
}

static workplace workplace_of(const learn_shape *s, const net_call *call) {
  const size_t values = beyond_values(s), threads = (size_t)s->threads;
  char *pixel = call->scratch;
  char *gradient = pixel + up_to_line((size_t)s->in.c * sizeof(float));
  char *beyond = gradient + up_to_line((size_t)s->plain.c * sizeof(float));
  char *rows = beyond + up_to_line(values * sizeof(float));
  char *sums = rows + threads * up_to_line(values * sizeof(float));
  return (workplace){.pixel = (void *)pixel,
                     .gradient = (void *)gradient,
                     .beyond = (void *)beyond,
                     .rows = (void *)rows,
                     .sums = (void *)sums};
}

static float value_at(const void *pixel, size_t i, bool narrow) {
  if (!narrow) return ((const float *)pixel)[i];
  return net_widened(((const uint16_t *)pixel)[i], NET_NHWC_BF16);
}

static void widen(const void *pixel, size_t count, bool narrow, float *to) {
  for (size_t i = 0; i < count; i++) to[i] = value_at(pixel, i, narrow);
}

/* to [filters] += x times the rows of the kernel, filters in vectors. */
VECTOR static void add_rows(const float *kernel, const float *x, size_t rows, size_t channels,
                            size_t filters, float *to) {
  for (size_t i = 0; i < rows; i++) {
    if (x[i % channels] == 0) continue;
    const v16 value = v16_all(x[i % channels]);
    for (size_t f = 0; f < filters; f += 16)
      v16_store(to + f, v16_fma(value, v16_load(kernel + i * filters + f), v16_load(to + f)));
  }
}

static void fill(const learn_shape *s, const net_call *call) {
  const size_t bytes = (size_t)s->out.c * element_bytes(learn_bf16(s));
  const size_t count = (size_t)s->batch * (size_t)s->out.h * (size_t)s->out.w;
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t i = 0; i < count; i++)
    if (!call->flat_out.computed[i])
      memcpy((char *)call->y + i * bytes, call->flat_out.pixel, bytes);
}

void learn_flat_forward(const learn_shape *s, const net_call *call, bool narrow) {
  if (!call->flat_out.computed) return;
  const size_t channels = (size_t)s->in.c, filters = (size_t)s->plain.c;
  const workplace w = workplace_of(s, call);
  float *y = w.gradient;
  widen(call->flat_in.pixel, channels, narrow, w.pixel);
  for (size_t f = 0; f < filters; f++) y[f] = call->params[1] ? call->params[1][f] : 0;
  add_rows(call->params[0], w.pixel, places(s) * channels, channels, filters, y);
  for (size_t f = 0; f < filters; f++) {
    if (s->relu && y[f] <= 0) y[f] = 0;
    if (learn_bf16(s)) ((uint16_t *)call->flat_out.pixel)[f] = net_to_bf16(y[f]);
    else ((float *)call->flat_out.pixel)[f] = y[f];
  }
  if (call->flat_out.complete) fill(s, call);
}

void learn_flat_gather(const learn_shape *s, const net_call *call) {
  if (!call->flat_out.computed || !call->flat_out.complete) return;
  const size_t filters = (size_t)s->out.c, area = (size_t)s->out.h * (size_t)s->out.w;
  const workplace w = workplace_of(s, call);
  memset(call->flat_out.gradient, 0, filters * sizeof(double));
  for (size_t n = 0; n < (size_t)s->batch; n++) {
    memset(w.gradient, 0, filters * sizeof(float));
    for (size_t i = n * area; i < (n + 1) * area; i++) {
      if (call->flat_out.computed[i]) continue;
      const char *dy = (const char *)call->dy + i * filters * element_bytes(learn_bf16(s));
      for (size_t f = 0; f < filters; f++) w.gradient[f] += value_at(dy, f, learn_bf16(s));
    }
    for (size_t f = 0; f < filters; f++) call->flat_out.gradient[f] += (double)w.gradient[f];
  }
}

/* S: where relu has closed, nothing comes through; of a pooled square one place gets it. */
static void take_gradient(const learn_shape *s, const net_call *call, float *gradient) {
  for (size_t f = 0; f < (size_t)s->plain.c; f++) {
    const bool open = call->flat_out.computed &&
                      (!s->relu || !(value_at(call->flat_out.pixel, f, learn_bf16(s)) <= 0));
    gradient[f] = open ? (float)call->flat_out.gradient[f] : 0;
  }
}

/* Which of the window's places at output pixel (y, x) before pooling are flat, as bits. */
static unsigned flat_places(const learn_shape *s, const uint8_t *marks, int y, int x) {
  unsigned flat = 0;
  for (int k = 0; k < s->kernel * s->kernel; k++) {
    const int row = y * s->stride - s->pad + k / s->kernel;
    const int column = x * s->stride - s->pad + k % s->kernel;
    if (row < 0 || column < 0 || row >= s->in.h || column >= s->in.w) continue;
    flat |= (unsigned)!marks[row * s->in.w + column] << k;
  }
  return flat;
}

VECTOR_INLINE void add_pixel(const learn_pixel *pixel, unsigned flat, size_t filters, float *rows,
                             learn_kind kind, bool bf16) {
  for (size_t f = 0; f < filters; f += ELEMENT_STEP) {
    v16 value[ELEMENT_VECTORS];
    learn_load(pixel, f, kind, value, bf16);
    for (size_t k = 0; k < MOST_PLACES; k++) {
      if (!(flat >> k & 1)) continue;
      for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
        float *to = rows + k * filters + f + 16 * part;
        v16_store(to, v16_add(v16_load(to), value[part]));
      }
    }
  }
}

VECTOR static void add_gradient(const learn_pixel *pixel, unsigned flat, size_t filters,
                                float *rows, learn_kind kind, bool bf16) {
#ifdef VECTOR_NARROW
  if (bf16) {
    if (kind == LEARN_PLAIN) add_pixel(pixel, flat, filters, rows, LEARN_PLAIN, true);
    else if (kind == LEARN_RELU) add_pixel(pixel, flat, filters, rows, LEARN_RELU, true);
    else add_pixel(pixel, flat, filters, rows, LEARN_POOLED, true);
    return;
  }
#endif
  (void)bf16;
  if (kind == LEARN_PLAIN) add_pixel(pixel, flat, filters, rows, LEARN_PLAIN, false);
  else if (kind == LEARN_RELU) add_pixel(pixel, flat, filters, rows, LEARN_RELU, false);
  else add_pixel(pixel, flat, filters, rows, LEARN_POOLED, false);
}

/* Adds an image's part of R to rows. */
static void add_image(const learn_shape *s, const net_call *call, int image, float *rows) {
  const learn_source dy = learn_gradient_source(s, call);
  const learn_kind kind = learn_kind_of(&dy);
  const int shift = s->pool ? 1 : 0;
  const uint8_t *in = call->flat_in.computed + (size_t)image * (size_t)(s->in.h * s->in.w);
  const size_t bytes = element_bytes(learn_bf16(s));
  for (int y = 0; y < s->out.h << shift; y++)
    for (int x = 0; x < s->out.w << shift; x++) {
      const size_t stored =
          ((size_t)image * (size_t)s->out.h + (size_t)(y >> shift)) * (size_t)s->out.w +
          (size_t)(x >> shift);
      if (dy.computed && !dy.computed[stored]) continue;
      const unsigned flat = flat_places(s, in, y, x);
      if (!flat) continue;
      const learn_pixel pixel = learn_pixel_at(&dy, image, y, x, bytes, NULL);
      add_gradient(&pixel, flat, (size_t)s->plain.c, rows, kind, learn_bf16(s));
    }
}

/* w->beyond: S + R. Each thread sums up its own share of the images. */
static void sum_beyond(const learn_shape *s, const net_call *call, const workplace *w) {
  const size_t values = beyond_values(s), filters = (size_t)s->plain.c;
  const size_t rows_line = up_to_line(values * sizeof(float)) / sizeof(float);
  const size_t sums_line = up_to_line(values * sizeof(double)) / sizeof(double);
  const size_t threads = (size_t)s->threads, images = (size_t)s->batch;
#pragma omp parallel for num_threads(s->threads) schedule(static, 1)
  for (size_t thread = 0; thread < threads; thread++) {
    float *rows = w->rows + thread * rows_line;
    double *sums = w->sums + thread * sums_line;
    memset(sums, 0, values * sizeof *sums);
    for (size_t n = images * thread / threads; n < images * (thread + 1) / threads; n++) {
      memset(rows, 0, values * sizeof *rows);
      add_image(s, call, (int)n, rows);
      for (size_t i = 0; i < values; i++) sums[i] += (double)rows[i];
    }
  }
  for (size_t i = 0; i < values; i++) {
    double sum = (double)w->gradient[i % filters];
    for (size_t thread = 0; thread < threads; thread++)
      sum += w->sums[thread * sums_line + i / filters * filters +
                     learn_split(i % filters, learn_bf16(s))];
    w->beyond[i] = (float)sum;
  }
}

/* The sum of dx over the input's flat places, of one channel. */
VECTOR static double gradient_of(const learn_shape *s, const float *kernel, const float *beyond,
                                 size_t c) {
  const size_t channels = (size_t)s->in.c, filters = (size_t)s->plain.c;
  v16 sum = v16_zero();
  for (size_t k = 0; k < places(s); k++)
    for (size_t f = 0; f < filters; f += 16)
      sum = v16_fma(v16_load(kernel + (k * channels + c) * filters + f),
                    v16_load(beyond + k * filters + f), sum);
  float lanes[16];
  v16_store(lanes, sum);
  double all = 0;
  for (int i = 0; i < 16; i++) all += (double)lanes[i];
  return all;
}

VECTOR static void add_scaled(const float *from, float factor, size_t count, float *to) {
  const v16 value = v16_all(factor);
  for (size_t i = 0; i < count; i += 16)
    v16_store(to + i, v16_fma(value, v16_load(from + i), v16_load(to + i)));
}

void learn_flat_backward(const learn_shape *s, const net_call *call, bool narrow) {
  if (!call->flat_in.computed) return;
  const size_t channels = (size_t)s->in.c, filters = (size_t)s->plain.c;
  const workplace w = workplace_of(s, call);
  widen(call->flat_in.pixel, channels, narrow, w.pixel);
  take_gradient(s, call, w.gradient);
  if (call->flat_out.computed && call->grads[1]) add_scaled(w.gradient, 1, filters, call->grads[1]);
  if (call->flat_out.computed && call->grads[0]) {
#pragma omp parallel for num_threads(s->threads) schedule(static)
    for (size_t row = 0; row < places(s) * channels; row++)
      if (w.pixel[row % channels] != 0)
        add_scaled(w.gradient, w.pixel[row % channels], filters, call->grads[0] + row * filters);
  }
  if (!call->dx[0]) return;
  sum_beyond(s, call, &w);
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t c = 0; c < channels; c++)
    call->flat_in.gradient[c] = gradient_of(s, call->params[0], w.beyond, c);
}
