#include <math.h>
#include <string.h>

#include "net/element.h"
#include "net/infer/infer.h"

#define MOST_WINDOW 64 /* pixels of a pooling window */

/* The even and odd channels of bfloat16 values back in their places: nothing is lost, since a
 * maximum is one of the values. */
ELEMENT void store_split(char *to, __m512 first, __m512 second, bool bf16) {
  if (!bf16) {
    element_store(to, first, second, false);
    return;
  }
  __m512i even = _mm512_srli_epi32(_mm512_castps_si512(first), 16);
  _mm512_storeu_si512(to, _mm512_or_si512(even, _mm512_castps_si512(second)));
}

ELEMENT void largest(const char *const *from, int count, size_t bytes, char *to, bool bf16) {
  const size_t step = ELEMENT_STEP * element_bytes(bf16);
  for (size_t c = 0; c < bytes; c += step) {
    __m512 value[2];
    for (int half = 0; half < 2; half++) {
      value[half] = element_load(from[0] + c, half, bf16);
      for (int k = 1; k < count; k++)
        value[half] = _mm512_max_ps(value[half], element_load(from[k] + c, half, bf16));
    }
    store_split(to + c, value[0], value[1], bf16);
  }
}

/* Of bytes, 32 channels at a time: as integers. */
ELEMENT void largest_bytes(const char *const *from, int count, size_t bytes, char *to) {
  for (size_t c = 0; c < bytes; c += ELEMENT_STEP) {
    __m256i value = _mm256_loadu_si256((const void *)(from[0] + c));
    for (int k = 1; k < count; k++)
      value = _mm256_max_epu8(value, _mm256_loadu_si256((const void *)(from[k] + c)));
    _mm256_storeu_si256((void *)(to + c), value);
  }
}

AVX512 static void pool_pixel(const infer_shape *s, const net_call *call, infer_place at) {
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
  if (s->in_type == ELEMENT_U8) largest_bytes(from, count, bytes, to);
  else if (s->in_type == ELEMENT_BF16) largest(from, count, bytes, to, true);
  else largest(from, count, bytes, to, false);
}

void infer_maxpool(const infer_shape *s, const net_call *call) {
  infer_place *list = call->scratch;
  const size_t count = infer_list(s, call, 1, list);
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (size_t i = 0; i < count; i++) pool_pixel(s, call, list[i]);
}

/* The mean of an image's pixels, 32 channels. */
ELEMENT void mean_step(const infer_shape *s, const net_call *call, int n, size_t channel,
                       bool bf16) {
  const size_t bytes = element_bytes(bf16), pixel = (size_t)s->in.c * bytes;
  const int pixels = s->in.h * s->in.w;
  __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  for (int p = 0; p < pixels; p++) {
    const char *at =
        infer_pixel(&call->skip[0], call->x[0], s->in, n, p / s->in.w, p % s->in.w, pixel) +
        channel * bytes;
    for (int half = 0; half < 2; half++)
      sum[half] = _mm512_add_ps(sum[half], element_load(at, half, bf16));
  }
  float values[2][16];
  for (int half = 0; half < 2; half++)
    _mm512_storeu_ps(values[half], _mm512_div_ps(sum[half], _mm512_set1_ps((float)pixels)));
  float *to = call->y + (size_t)n * (size_t)s->in.c + channel;
  for (int c = 0; c < ELEMENT_STEP; c++)
    to[c] = bf16 ? values[c % 2][c / 2] : values[c / 16][c % 16];
}

AVX512 static void mean_image(const infer_shape *s, const net_call *call, int n) {
  for (size_t c = 0; c < (size_t)s->in.c; c += ELEMENT_STEP) {
    if (s->in_type == ELEMENT_BF16) mean_step(s, call, n, c, true);
    else mean_step(s, call, n, c, false);
  }
}

void infer_avgpool(const infer_shape *s, const net_call *call) {
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (int n = 0; n < call->count; n++) mean_image(s, call, n);
}
