#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/infer/element.h"
#include "net/infer/infer.h"
#include "net/layout.h"
#include "net/product.h"

#define LINE 64
#define BLOCK_ROWS 96 /* output pixels before pooling that are multiplied together */

struct infer_direct {
  infer_shape s;
  /* Whether a row of the window is one stretch of memory (few channels, float32): then the input
   * is copied with its border, and a tap is a row of the window instead of a pixel. */
  bool rows;
  int taps;
  size_t depth; /* input values of a tap */
  size_t most;  /* output pixels of a batch */
  int batch;
  char *u; /* [filters / 64][taps][depth][64 or the rest], bfloat16 in pairs of depth */
};

static size_t padded_values(const infer_direct *d) {
  const net_shape in = d->s.in;
  return ((size_t)in.h + 2 * (size_t)d->s.pad) * ((size_t)in.w + 2 * (size_t)d->s.pad) *
         (size_t)in.c;
}

static bool copies(const infer_direct *d) {
  return d->rows && d->s.pad > 0;
}

static size_t up_to_line(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

static size_t copy_bytes(const infer_direct *d) {
  return copies(d) ? up_to_line((size_t)d->batch * padded_values(d) * sizeof(float)) : 0;
}

static size_t thread_bytes(const infer_direct *d) {
  return up_to_line((size_t)d->taps * BLOCK_ROWS * sizeof(void *)) +
         BLOCK_ROWS * PRODUCT_WIDTH * sizeof(float);
}

static size_t kernel_values(const infer_direct *d) {
  return (size_t)d->taps * d->depth * (size_t)d->s.plain.c;
}

void infer_direct_free(infer_direct *d) {
  if (!d) return;
  free(d->u);
  free(d);
}

leuko_status infer_direct_new(const infer_shape *shape, int batch, infer_direct **out,
                              size_t *scratch, leuko_error *error) {
  infer_direct *d = calloc(1, sizeof *d);
  *out = NULL;
  if (!d) return error_set_memory(error, sizeof *d);
  d->s = *shape;
  d->batch = batch;
  d->rows = shape->in.c % ELEMENT_STEP != 0;
  d->taps = d->rows ? shape->kernel : shape->kernel * shape->kernel;
  d->depth = (size_t)shape->in.c * (d->rows ? (size_t)shape->kernel : 1);
  d->most = (size_t)batch * (size_t)shape->out.h * (size_t)shape->out.w;
  size_t bytes = up_to_line(kernel_values(d) * element_bytes(shape->in_bf16));
  d->u = aligned_alloc(LINE, bytes);
  if (!d->u) {
    infer_direct_free(d);
    return error_set_memory(error, bytes);
  }
  *scratch = up_to_line(d->most * sizeof(uint32_t)) + copy_bytes(d) +
             (size_t)shape->threads * thread_bytes(d);
  *out = d;
  return LEUKO_OK;
}

void infer_direct_bind(infer_direct *d, const float *kernel) {
  const size_t filters = (size_t)d->s.plain.c, depth = d->depth;
  const int threads = d->s.threads;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t chunk = 0; chunk < filters; chunk += PRODUCT_WIDTH) {
    const size_t width = filters - chunk < PRODUCT_WIDTH ? filters - chunk : PRODUCT_WIDTH;
    const size_t first = (size_t)d->taps * depth * chunk;
    for (size_t k = 0; k < (size_t)d->taps * depth; k++)
      for (size_t f = 0; f < width; f++) {
        float value = kernel[k * filters + chunk + f];
        if (d->s.in_bf16)
          ((uint16_t *)d->u)[first + (k / 2 * width + f) * 2 + k % 2] = net_to_bf16(value);
        else ((float *)d->u)[first + k * width + f] = value;
      }
  }
}

/* Images with zeros around them. */
static void copy_padded(const infer_direct *d, const net_call *call, float *to) {
  const net_shape in = d->s.in;
  const size_t pad = (size_t)d->s.pad, row = (size_t)in.w * (size_t)in.c;
  const size_t wide = row + 2 * pad * (size_t)in.c, size = padded_values(d);
#pragma omp parallel for num_threads(d->s.threads) schedule(static)
  for (int n = 0; n < call->count; n++) {
    float *image = to + (size_t)n * size;
    memset(image, 0, size * sizeof *image);
    for (size_t y = 0; y < (size_t)in.h; y++)
      memcpy(image + (y + pad) * wide + pad * (size_t)in.c,
             call->x[0] + ((size_t)n * (size_t)in.h + y) * row, row * sizeof *image);
  }
}

/* Where the taps of an output pixel (before pooling) of image n lie: from[tap * rows]. */
static void point_at(const infer_direct *d, const net_call *call, const float *padded, int n, int y,
                     int x, const void **from, size_t rows) {
  const infer_shape *s = &d->s;
  const int top = y * s->stride - s->pad, left = x * s->stride - s->pad;
  if (d->rows) {
    const size_t wide = ((size_t)s->in.w + 2 * (size_t)s->pad) * (size_t)s->in.c;
    const float *image = padded + (size_t)n * padded_values(d);
    for (int ky = 0; ky < s->kernel; ky++)
      from[(size_t)ky * rows] =
          image + (size_t)(y * s->stride + ky) * wide + (size_t)(x * s->stride) * (size_t)s->in.c;
    return;
  }
  const size_t pixel = (size_t)s->in.c * element_bytes(s->in_bf16);
  for (int ky = 0; ky < s->kernel; ky++)
    for (int kx = 0; kx < s->kernel; kx++) {
      const char *at =
          infer_pixel(&call->skip[0], call->x[0], s->in, n, top + ky, left + kx, pixel);
      from[(size_t)(ky * s->kernel + kx) * rows] = at ? at : s->zeros;
    }
}

/* The pixels of one block: four rows for a pooled one, else one. */
static size_t point_rows(const infer_direct *d, const net_call *call, const float *padded,
                         const uint32_t *list, size_t count, const void **from) {
  const infer_shape *s = &d->s;
  const uint32_t across = (uint32_t)s->out.w, area = across * (uint32_t)s->out.h;
  const size_t each = s->pool ? 4 : 1, rows = count * each;
  for (size_t i = 0; i < count; i++) {
    const int n = (int)(list[i] / area), y = (int)(list[i] % area / across),
              x = (int)(list[i] % across);
    if (!s->pool) {
      point_at(d, call, padded, n, y, x, from + i, rows);
      continue;
    }
    for (int k = 0; k < 4; k++)
      point_at(d, call, padded, n, 2 * y + k / 2, 2 * x + k % 2, from + 4 * i + k, rows);
  }
  return rows;
}

/* Sixteen filters of an output pixel from its products: the largest of four where pooled, bias, the
 * other branch, relu. */
ELEMENT __m512 finish(const infer_shape *s, const float *m, size_t width, const float *bias,
                      const char *other) {
  __m512 value = _mm512_loadu_ps(m);
  if (s->pool)
    for (size_t k = 1; k < 4; k++) value = _mm512_max_ps(value, _mm512_loadu_ps(m + k * width));
  if (bias) value = _mm512_add_ps(value, _mm512_loadu_ps(bias));
  if (other) value = _mm512_add_ps(value, element_load16(other, s->out_bf16));
  if (s->relu) value = _mm512_max_ps(_mm512_setzero_ps(), value);
  return value;
}

ELEMENT void finish_rows(const infer_direct *d, const net_call *call, const uint32_t *list,
                         size_t count, int chunk, size_t width, const float *m, bool bf16) {
  const infer_shape *s = &d->s;
  const size_t bytes = element_bytes(bf16), pixel = (size_t)s->out.c * bytes;
  const uint32_t across = (uint32_t)s->out.w, area = across * (uint32_t)s->out.h;
  const float *bias = call->params[1] ? call->params[1] + chunk : NULL;
  for (size_t i = 0; i < count; i++) {
    const float *products = m + i * width * (s->pool ? 4 : 1);
    char *to = (char *)call->y + (size_t)list[i] * pixel + (size_t)chunk * bytes;
    const char *other = NULL;
    if (s->add)
      other = infer_pixel(&call->skip[1], call->x[1], s->out, (int)(list[i] / area),
                          (int)(list[i] % area / across), (int)(list[i] % across), pixel) +
              (size_t)chunk * bytes;
    for (size_t f = 0; f < width; f += ELEMENT_STEP) {
      __m512 value[2];
      for (size_t half = 0; half < 2; half++) {
        const size_t at = f + 16 * half;
        value[half] = finish(s, products + at, width, bias ? bias + at : NULL,
                             other ? other + at * bytes : NULL);
      }
      element_store(to + f * bytes, value[0], value[1], bf16);
    }
  }
}

AVX512 static void run_chunk(const infer_direct *d, const net_call *call, const uint32_t *list,
                             size_t count, const void *const *from, size_t rows, int chunk,
                             float *m) {
  const infer_shape *s = &d->s;
  const int left = s->plain.c - chunk, width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
  const char *u = d->u + (size_t)d->taps * d->depth * (size_t)chunk * element_bytes(s->in_bf16);
  product_taps(from, (size_t)d->taps, u, m, rows, d->depth, width, s->in_bf16);
  if (s->out_bf16) finish_rows(d, call, list, count, chunk, (size_t)width, m, true);
  else finish_rows(d, call, list, count, chunk, (size_t)width, m, false);
}

void infer_direct_run(const infer_direct *d, const net_call *call) {
  const infer_shape *s = &d->s;
  uint32_t *list = call->scratch;
  const size_t count = infer_wanted(s, call, list);
  char *copied = (char *)call->scratch + up_to_line(d->most * sizeof *list);
  char *scratch = copied + copy_bytes(d);
  if (copies(d)) copy_padded(d, call, (float *)copied);
  const float *input = copies(d) ? (const float *)copied : call->x[0];
  const size_t block = BLOCK_ROWS / (s->pool ? 4 : 1), blocks = (count + block - 1) / block;
  const size_t chunks = ((size_t)s->plain.c + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
  /* With few blocks the threads share out the filters as well. */
  const size_t groups = blocks >= 4 * (size_t)s->threads ? 1 : chunks;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic)
  for (size_t task = 0; task < blocks * groups; task++) {
    char *own = scratch + (size_t)omp_get_thread_num() * thread_bytes(d);
    const void **from = (const void **)own;
    float *m = (float *)(own + up_to_line((size_t)d->taps * BLOCK_ROWS * sizeof *from));
    const size_t first = task / groups * block;
    const size_t now = count - first < block ? count - first : block;
    const size_t rows = point_rows(d, call, input, list + first, now, from);
    for (size_t c = task % groups; c < chunks; c += groups)
      run_chunk(d, call, list + first, now, from, rows, (int)c * PRODUCT_WIDTH, m);
  }
  if (call->share)
    *call->share = d->most ? (double)count /
                                 (double)((size_t)call->count * (size_t)s->out.h * (size_t)s->out.w)
                           : 1;
}
