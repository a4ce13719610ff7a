#include <immintrin.h>

#include "net/product.h"

#define AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline, target("avx512f")))

/* `rows` x `vectors` sums in registers: 6 x 4 of the 32, four loads and six broadcasts for 24
 * multiply-adds. Both counts are constants wherever this is inlined. */
INLINE void product_block(const float *v, size_t stride, const float *u, float *m, size_t depth,
                          int rows, int vectors) {
  const size_t width = (size_t)vectors * 16;
  __m512 sum[PRODUCT_ROWS][4];
  for (int r = 0; r < rows; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_setzero_ps();
  for (size_t d = 0; d < depth; d++) {
    __m512 weights[4];
    for (int k = 0; k < vectors; k++) weights[k] = _mm512_loadu_ps(u + d * width + 16 * k);
    for (int r = 0; r < rows; r++) {
      __m512 value = _mm512_set1_ps(v[(size_t)r * stride + d]);
      for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_fmadd_ps(value, weights[k], sum[r][k]);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int k = 0; k < vectors; k++) _mm512_storeu_ps(m + (size_t)r * width + 16 * k, sum[r][k]);
}

INLINE void product_width(const float *v, size_t stride, const float *u, float *m, size_t rows,
                          size_t depth, int vectors) {
  const size_t width = (size_t)vectors * 16;
  size_t r = 0;
  for (; r + 6 <= rows; r += 6)
    product_block(v + r * stride, stride, u, m + r * width, depth, 6, vectors);
  v += r * stride;
  m += r * width;
  switch (rows - r) {
  case 5:
    product_block(v, stride, u, m, depth, 5, vectors);
    break;
  case 4:
    product_block(v, stride, u, m, depth, 4, vectors);
    break;
  case 3:
    product_block(v, stride, u, m, depth, 3, vectors);
    break;
  case 2:
    product_block(v, stride, u, m, depth, 2, vectors);
    break;
  case 1:
    product_block(v, stride, u, m, depth, 1, vectors);
    break;
  default:
    break;
  }
}

AVX512 void product_rows(const float *v, size_t v_stride, const float *u, float *m, size_t rows,
                         size_t depth, int width) {
  switch (width) {
  case 64:
    product_width(v, v_stride, u, m, rows, depth, 4);
    break;
  case 48:
    product_width(v, v_stride, u, m, rows, depth, 3);
    break;
  case 32:
    product_width(v, v_stride, u, m, rows, depth, 2);
    break;
  default:
    product_width(v, v_stride, u, m, rows, depth, 1);
    break;
  }
}

/* du of 4 channels and 16 x vectors filters. */
INLINE void outer_block(const float *v, const float *z, float *du, size_t tiles, size_t channels,
                        size_t filters, int vectors) {
  __m512 sum[4][4];
  for (int c = 0; c < 4; c++)
    for (int k = 0; k < vectors; k++)
      sum[c][k] = _mm512_loadu_ps(du + (size_t)c * filters + 16 * k);
  for (size_t t = 0; t < tiles; t++) {
    __m512 gradient[4];
    for (int k = 0; k < vectors; k++) gradient[k] = _mm512_loadu_ps(z + t * filters + 16 * k);
    for (int c = 0; c < 4; c++) {
      __m512 value = _mm512_set1_ps(v[t * channels + (size_t)c]);
      for (int k = 0; k < vectors; k++) sum[c][k] = _mm512_fmadd_ps(value, gradient[k], sum[c][k]);
    }
  }
  for (int c = 0; c < 4; c++)
    for (int k = 0; k < vectors; k++)
      _mm512_storeu_ps(du + (size_t)c * filters + 16 * k, sum[c][k]);
}

AVX512 void product_outer(const float *v, const float *z, float *du, size_t tiles, size_t channels,
                          size_t filters) {
  for (size_t f = 0; f < filters;) {
    size_t left = filters - f;
    for (size_t c = 0; c < channels; c += 4) {
      float *to = du + c * filters + f;
      if (left >= 64) outer_block(v + c, z + f, to, tiles, channels, filters, 4);
      else if (left >= 32) outer_block(v + c, z + f, to, tiles, channels, filters, 2);
      else outer_block(v + c, z + f, to, tiles, channels, filters, 1);
    }
    f += left >= 64 ? 64 : left >= 32 ? 32 : 16;
  }
}
