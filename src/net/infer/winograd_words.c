#include <string.h>

#include "net/infer/winograd_parts.h"
#include "net/winograd/transforms.h"

#ifdef VECTOR_WORDS

/* A tile's values are brought to SPAN below, less what rounding may add. */
#define SPAN (PRODUCT_WORDS_LARGEST - 7)
/* No magnitude below this is told from zero, so that its inverse is a number. */
#define LEAST 1e-30f

/* How many times as large as the tile's largest value the rows of the transform may make it. */
#define AT_0 (1 + SQUARE_A + SQUARE_B + 1)
#define AT_A ((1 + SQUARE_B) * (1 + POINT_A))
#define AT_B ((1 + SQUARE_A) * (1 + POINT_B))
static const float enlarged[6] = {AT_0, AT_A, AT_A, AT_B, AT_B, AT_0};

/* Of 16 values each the larger magnitude. A NaN is the largest. */
VECTOR_INLINE __m512i larger(__m512i largest, const char *from) {
  const __m512i magnitude = _mm512_set1_epi32(INT32_MAX);
  return _mm512_max_epi32(largest, _mm512_and_si512(_mm512_loadu_si512(from), magnitude));
}

/* The largest magnitude of a tile. */
VECTOR_INLINE float largest_of(const char *const from[36], size_t pixel) {
  __m512i each[4];
  for (int i = 0; i < 4; i++) each[i] = _mm512_setzero_si512();
  for (size_t c = 0; c < pixel; c += 64)
    for (int i = 0; i < 36; i++) each[i % 4] = larger(each[i % 4], from[i] + c);
  const __m512i both = _mm512_max_epi32(each[0], each[1]);
  const __m512i others = _mm512_max_epi32(each[2], each[3]);
  const int bits = _mm512_reduce_max_epi32(_mm512_max_epi32(both, others));
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* v of one tile; *unit becomes what one of it counts, but for `enlarged`. */
VECTOR_INLINE void transform_input_words(const infer_winograd *w, const net_call *call,
                                         infer_place at, char *v, size_t stride, float *unit) {
  const size_t pixel = (size_t)w->s.in.c * sizeof(float);
  const char *from[36];
  winograd_point_at(w, call, at, from);
  const float largest = largest_of(from, pixel);
  const float scale = SPAN / (largest < LEAST ? LEAST : largest);
  float factors[6][6];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) factors[i][j] = scale / (enlarged[i] * enlarged[j]);
  *unit = (largest < LEAST ? LEAST : largest) / SPAN;
  for (size_t c = 0; c < pixel; c += 128, v += 64) {
    v16 o[2][6][6];
    for (int part = 0; part < 2; part++) {
      v16 d[6][6];
      for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) d[i][j] = element_load(from[i * 6 + j] + c, part, ELEMENT_F32);
      input_2d(d, o[part]);
    }
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++) {
        const v16 factor = v16_all(factors[i][j]);
        const __m512i first = _mm512_cvtps_epi32(v16_mul(o[0][i][j], factor));
        const __m512i second = _mm512_cvtps_epi32(v16_mul(o[1][i][j], factor));
        _mm512_storeu_si512(v + (size_t)(i * 6 + j) * stride, product_words_values(first, second));
      }
  }
}

VECTOR void winograd_words_input(const infer_winograd *w, const net_call *call,
                                 const infer_place *tiles, size_t count, char *v, size_t stride,
                                 float *units) {
  const size_t row = (size_t)w->s.in.c * winograd_v_value(w);
  for (size_t t = 0; t < count; t++)
    transform_input_words(w, call, tiles[t], v + t * row, stride, units + t);
}

VECTOR void winograd_words_pack(infer_winograd *w, int first, size_t width, const float *u) {
  const size_t channels = (size_t)w->s.in.c, position = channels * width;
  char *to = (char *)w->u + WINOGRAD_POSITIONS * channels * (size_t)first * 2;
  float *units = w->units + WINOGRAD_POSITIONS * (size_t)first;
  for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
    product_words_pack(u + p * position, enlarged[p / 6] * enlarged[p % 6], channels, width,
                       to + p * position * 2, units + p * width);
}

#endif
