#include "net/infer/winograd_parts.h"
#include "net/winograd/transforms.h"
#include "net/words.h"

#ifdef VECTOR_WORDS

/* How many times as large as the tile's largest value the rows of the transform may make it. */
#define AT_0 (1 + SQUARE_A + SQUARE_B + 1)
#define AT_A ((1 + SQUARE_B) * (1 + POINT_A))
#define AT_B ((1 + SQUARE_A) * (1 + POINT_B))
static const float enlarged[6] = {AT_0, AT_A, AT_A, AT_B, AT_B, AT_0};
static const float reduced[6] = {1 / AT_0, 1 / AT_A, 1 / AT_A, 1 / AT_B, 1 / AT_B, 1 / AT_0};

#define STEP_BYTES (ELEMENT_STEP * sizeof(float))

/* The magnitudes among which is a tile's largest. */
VECTOR_INLINE words_bits largest_of(const char *const from[36], size_t pixel) {
  words_bits each[2] = {words_none(), words_none()};
  for (size_t c = 0; c < pixel; c += STEP_BYTES)
    for (int i = 0; i < 36; i++) each[i % 2] = words_larger(each[i % 2], from[i] + c);
  return words_largest(each[0], each[1]);
}

/* v of one tile; *unit becomes what one of it counts, but for `enlarged`. */
VECTOR_INLINE void transform_input_words(const infer_winograd *w, const net_call *call,
                                         infer_place at, char *v, size_t stride, float *unit) {
  const size_t pixel = (size_t)w->s.in.c * sizeof(float);
  const char *from[36];
  winograd_point_at(w, call, at, from);
  const float factor = words_factor(largest_of(from, pixel), unit);
  float factors[6][6];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) factors[i][j] = factor * reduced[i] * reduced[j];
  for (size_t c = 0; c < pixel; c += STEP_BYTES, v += STEP_BYTES / 2) {
    v16 o[ELEMENT_VECTORS][6][6];
    for (int part = 0; part < ELEMENT_VECTORS; part++) {
      v16 d[6][6];
      for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) d[i][j] = element_load(from[i * 6 + j] + c, part, ELEMENT_F32);
      input_2d(d, o[part]);
    }
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++) {
        v16 value[ELEMENT_VECTORS];
        for (int part = 0; part < ELEMENT_VECTORS; part++) value[part] = o[part][i][j];
        words_store(v + (size_t)(i * 6 + j) * stride, value, v16_all(factors[i][j]));
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
    product_words_pack(u + p * position, width, enlarged[p / 6] * enlarged[p % 6], channels, width,
                       to + p * position * 2, units + p * width);
}

#endif
