#include <math.h>
#include <string.h>

#include "net/element.h"
#include "net/infer/infer.h"

#define MOST_WINDOW 64 /* pixels of a pooling window */

/* The even and odd channels of bfloat16 values back in their places: nothing is lost, since a
 * maximum is one of the values. */
VECTOR_INLINE void store_split(char *to, const v16 value[ELEMENT_VECTORS], element_type type) {
#ifdef VECTOR_NARROW
  if (type == ELEMENT_BF16) {
    __m512i even = _mm512_srli_epi32(_mm512_castps_si512(value[0]), 16);
    _mm512_storeu_si512(to, _mm512_or_si512(even, _mm512_castps_si512(value[1])));
    return;
  }
#endif
  element_store(to, value, type);
}

VECTOR_INLINE void largest(const char *const *from, int count, size_t bytes, char *to,
                           element_type type) {
  const size_t step = ELEMENT_STEP * element_bytes(type);
  for (size_t c = 0; c < bytes; c += step) {
    v16 value[ELEMENT_VECTORS];
    for (int part = 0; part < ELEMENT_VECTORS; part++) {
      value[part] = element_load(from[0] + c, part, type);
      for (int k = 1; k < count; k++)
        value[part] = v16_max(value[part], element_load(from[k] + c, part, type));
    }
    store_split(to + c, value, type);
  }
}

#ifdef VECTOR_BYTES
/* Of bytes, a step at a time: as integers. */
VECTOR_INLINE void largest_bytes(const char *const *from, int count, size_t bytes, char *to) {
  for (size_t c = 0; c < bytes; c += ELEMENT_BYTES_STEP) {
    __m256i value = _mm256_loadu_si256((const void *)(from[0] + c));
    for (int k = 1; k < count; k++)
      value = _mm256_max_epu8(value, _mm256_loadu_si256((const void *)(from[k] + c)));
    _mm256_storeu_si256((void *)(to + c), value);
  }
}
#endif

VECTOR_INLINE void largest_of(const char *const *from, int count, size_t bytes, char *to,
                              element_type type) {
#ifdef VECTOR_BYTES
  if (type == ELEMENT_U8) {
    largest_bytes(from, count, bytes, to);
    return;
  }
#endif
  if (type == ELEMENT_F16) largest(from, count, bytes, to, ELEMENT_F16);
  else if (type == ELEMENT_BF16) largest(from, count, bytes, to, ELEMENT_BF16);
  else largest(from, count, bytes, to, ELEMENT_F32);
}

VECTOR static void pool_pixel(const infer_shape *s, const net_call *call, infer_place at) {
  const size_t bytes = (size_t)s->in.c * element_bytes(s->in_type);
  const int top = at.y * s->stride - s->pad, left = at.x * s->stride - s->pad;
  const char *from[MOST_WINDOW];
  int count = 0;
  for (int k = 0; k < s->kernel * s->kernel; k++) {
    const char *pixel = infer_pixel(&call->skip[0], call->x[0], s->in, at.image,
                                    top + k / s->kernel, left + k % s->kernel, bytes);
    if (pixel) from[count++] = pixel;
  }
  char *to = (char *)call->y + infer_number(s->out, at) * bytes;
  largest_of(from, count, bytes, to, s->in_type);
}

void infer_maxpool(const infer_shape *s, const net_call *call) {
  infer_place *list = call->scratch;
  const size_t count = infer_list(s, call, 1, list);
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t i = 0; i < count; i++) pool_pixel(s, call, list[i]);
}

/* The mean of an image's pixels, one step of channels. */
VECTOR_INLINE void mean_step(const infer_shape *s, const net_call *call, int n, size_t channel,
                             element_type type) {
  const size_t bytes = element_bytes(type), pixel = (size_t)s->in.c * bytes;
  const int pixels = s->in.h * s->in.w;
  v16 sum[ELEMENT_VECTORS];
  for (int part = 0; part < ELEMENT_VECTORS; part++) sum[part] = v16_zero();
  for (int p = 0; p < pixels; p++) {
    const char *at =
        infer_pixel(&call->skip[0], call->x[0], s->in, n, p / s->in.w, p % s->in.w, pixel) +
        channel * bytes;
    for (int part = 0; part < ELEMENT_VECTORS; part++)
      sum[part] = v16_add(sum[part], element_load(at, part, type));
  }
  float values[ELEMENT_VECTORS][16];
  for (int part = 0; part < ELEMENT_VECTORS; part++)
    v16_store(values[part], v16_div(sum[part], v16_all((float)pixels)));
  float *to = call->y + (size_t)n * (size_t)s->in.c + channel;
  for (int c = 0; c < ELEMENT_STEP; c++)
    to[c] = type == ELEMENT_BF16 ? values[c % ELEMENT_VECTORS][c / ELEMENT_VECTORS]
                                 : values[c / 16][c % 16];
}

VECTOR static void mean_image(const infer_shape *s, const net_call *call, int n) {
  for (size_t c = 0; c < (size_t)s->in.c; c += ELEMENT_STEP) {
    if (s->in_type == ELEMENT_F16) mean_step(s, call, n, c, ELEMENT_F16);
    else if (s->in_type == ELEMENT_BF16) mean_step(s, call, n, c, ELEMENT_BF16);
    else mean_step(s, call, n, c, ELEMENT_F32);
  }
}

void infer_avgpool(const infer_shape *s, const net_call *call) {
#pragma omp parallel for num_threads(s->threads) schedule(static) if (call->count > 1)
  for (int n = 0; n < call->count; n++) mean_image(s, call, n);
}
