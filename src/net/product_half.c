#include <string.h>

#include "net/product.h"

#define HALF __attribute__((target("avx512f,avx512bw,avx512bf16,avx512fp16")))
#define HALF_INLINE static inline __attribute__((always_inline)) HALF

#define VECTORS (PRODUCT_WIDTH / 16)
/* Pairs of products that are summed in half precision before the sum joins the others in float32:
 * a lane then holds no more than so many, whose rounding stays below that of what is multiplied. */
#define PAIRS 64

/* The two halves of each pair, added in half precision, as float32. */
HALF_INLINE __m512 both(__m512h sum) {
  const __m512i turned = _mm512_rol_epi32(_mm512_castph_si512(sum), 16);
  const __m512h whole = _mm512_add_ph(sum, _mm512_castsi512_ph(turned));
  return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_castph_si512(whole)));
}

/* m [count][16 vectors] = or += rows times u over `pairs` pairs of the depth. Meanwhile a line a
 * pair is fetched from `ahead` on. */
HALF_INLINE void multiply_pairs(const char *const *rows, const char *u, float *m, size_t pairs,
                                const char *ahead, int count, int vectors, bool more) {
  __m512h sum[PRODUCT_ROWS][VECTORS];
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_setzero_ph();
  for (size_t d = 0; d < pairs; d++) {
    _mm_prefetch(ahead + d * 64, _MM_HINT_T0);
    __m512h w[VECTORS];
    for (int k = 0; k < vectors; k++)
      w[k] = _mm512_castsi512_ph(_mm512_loadu_si512(u + (d * (size_t)vectors + (size_t)k) * 64));
    for (int r = 0; r < count; r++) {
      int32_t two;
      memcpy(&two, rows[r] + d * sizeof two, sizeof two);
      const __m512h value = _mm512_castsi512_ph(_mm512_set1_epi32(two));
      for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_fmadd_ph(value, w[k], sum[r][k]);
    }
  }
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) {
      float *to = m + (r * vectors + k) * 16;
      const __m512 here = both(sum[r][k]);
      _mm512_storeu_ps(to, more ? _mm512_add_ps(_mm512_loadu_ps(to), here) : here);
    }
}

#define ROWS_CASE(count)                                                                           \
  case count:                                                                                      \
    multiply_pairs(from, weights, to, pairs, ahead, count, vectors, more);                         \
    break
/* All rows go through one stretch of the depth, whose weights stay in the nearest cache meanwhile.
 * The first groups of rows fetch the weights of the next stretch there, a part each: from a cache
 * that is far they would come too slowly for the first group that needs them. */
HALF_INLINE void multiply_stretch(const char *v, size_t row, const char *weights, float *m,
                                  size_t rows, size_t pairs, int vectors, bool more) {
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS) {
    const char *from[PRODUCT_ROWS];
    const size_t left = rows - r, count = left < PRODUCT_ROWS ? left : PRODUCT_ROWS;
    for (size_t i = 0; i < count; i++) from[i] = v + (r + i) * row;
    float *to = m + r * (size_t)vectors * 16;
    const char *ahead =
        weights + ((size_t)vectors + r / PRODUCT_ROWS % (size_t)vectors) * pairs * 64;
    switch (count) {
      ROWS_CASE(1);
      ROWS_CASE(2);
      ROWS_CASE(3);
      ROWS_CASE(4);
      ROWS_CASE(5);
    default:
      multiply_pairs(from, weights, to, pairs, ahead, PRODUCT_ROWS, vectors, more);
      break;
    }
  }
}

HALF_INLINE void multiply_all(const char *v, size_t row, const char *u, float *m, size_t rows,
                              size_t depth, int vectors) {
  for (size_t first = 0; first < depth / 2; first += PAIRS) {
    const size_t left = depth / 2 - first, pairs = left < PAIRS ? left : PAIRS;
    const char *from = v + first * 4, *weights = u + first * (size_t)vectors * 64;
    if (first) multiply_stretch(from, row, weights, m, rows, pairs, vectors, true);
    else multiply_stretch(from, row, weights, m, rows, pairs, vectors, false);
  }
}

HALF void product_half_rows(const void *v, size_t v_stride, const void *u, float *m, size_t rows,
                            size_t depth, int width) {
  if (width == 64) multiply_all(v, 2 * v_stride, u, m, rows, depth, 4);
  else multiply_all(v, 2 * v_stride, u, m, rows, depth, 2);
}
