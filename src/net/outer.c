#include "net/outer.h"

#include <stdint.h>

#include "net/element.h"

/* 4 channels x `vectors` of filters in registers: four loads and four broadcasts for 16
 * multiply-adds. */
VECTOR_INLINE void outer_block(const int32_t *v, size_t v_stride, const int32_t *z, size_t z_stride,
                               float *du, size_t stride, size_t pairs, int vectors, bool more) {
  __m512 sum[4][4];
  for (int c = 0; c < 4; c++)
    for (int k = 0; k < vectors; k++)
      sum[c][k] = more ? _mm512_loadu_ps(du + (size_t)c * stride + 16 * k) : _mm512_setzero_ps();
  for (size_t t = 0; t < pairs; t++) {
    __m512bh gradient[4];
    for (int k = 0; k < vectors; k++)
      gradient[k] = (__m512bh)_mm512_loadu_si512(z + t * z_stride + 16 * k);
    for (int c = 0; c < 4; c++) {
      __m512bh value = (__m512bh)_mm512_set1_epi32(v[t * v_stride + (size_t)c]);
      for (int k = 0; k < vectors; k++) sum[c][k] = _mm512_dpbf16_ps(sum[c][k], value, gradient[k]);
    }
  }
  for (int c = 0; c < 4; c++)
    for (int k = 0; k < vectors; k++) _mm512_storeu_ps(du + (size_t)c * stride + 16 * k, sum[c][k]);
}

VECTOR void outer_pairs(const void *v, size_t v_stride, const void *z, size_t z_stride, float *du,
                        size_t stride, size_t pairs, size_t channels, int width, bool more) {
  const int32_t *values = v;
  for (size_t c = 0; c < channels; c += 4) {
    float *to = du + c * stride;
    switch (width) {
    case 64:
      outer_block(values + c, v_stride, z, z_stride, to, stride, pairs, 4, more);
      break;
    case 48:
      outer_block(values + c, v_stride, z, z_stride, to, stride, pairs, 3, more);
      break;
    case 32:
      outer_block(values + c, v_stride, z, z_stride, to, stride, pairs, 2, more);
      break;
    default:
      outer_block(values + c, v_stride, z, z_stride, to, stride, pairs, 1, more);
      break;
    }
  }
}

/* The same in float32. */
VECTOR_INLINE void row_block(const float *v, size_t v_stride, const float *z, size_t z_stride,
                             float *du, size_t stride, size_t rows, size_t channels, int vectors,
                             bool more) {
  __m512 sum[4][4];
  for (size_t c = 0; c < channels; c++)
    for (int k = 0; k < vectors; k++)
      sum[c][k] = more ? _mm512_loadu_ps(du + c * stride + 16 * k) : _mm512_setzero_ps();
  for (size_t t = 0; t < rows; t++) {
    __m512 gradient[4];
    for (int k = 0; k < vectors; k++) gradient[k] = _mm512_loadu_ps(z + t * z_stride + 16 * k);
    for (size_t c = 0; c < channels; c++) {
      __m512 value = _mm512_set1_ps(v[t * v_stride + c]);
      for (int k = 0; k < vectors; k++) sum[c][k] = _mm512_fmadd_ps(value, gradient[k], sum[c][k]);
    }
  }
  for (size_t c = 0; c < channels; c++)
    for (int k = 0; k < vectors; k++) _mm512_storeu_ps(du + c * stride + 16 * k, sum[c][k]);
}

VECTOR_INLINE void row_group(const float *v, size_t v_stride, const float *z, size_t z_stride,
                             float *du, size_t stride, size_t rows, size_t channels, int vectors,
                             bool more) {
  switch (channels) {
  case 1:
    row_block(v, v_stride, z, z_stride, du, stride, rows, 1, vectors, more);
    break;
  case 2:
    row_block(v, v_stride, z, z_stride, du, stride, rows, 2, vectors, more);
    break;
  case 3:
    row_block(v, v_stride, z, z_stride, du, stride, rows, 3, vectors, more);
    break;
  default:
    row_block(v, v_stride, z, z_stride, du, stride, rows, 4, vectors, more);
    break;
  }
}

VECTOR void outer_rows(const float *v, size_t v_stride, const float *z, size_t z_stride, float *du,
                       size_t stride, size_t rows, size_t channels, int width, bool more) {
  for (size_t c = 0; c < channels; c += 4) {
    const size_t count = channels - c < 4 ? channels - c : 4;
    float *to = du + c * stride;
    switch (width) {
    case 64:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 4, more);
      break;
    case 48:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 3, more);
      break;
    case 32:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 2, more);
      break;
    default:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 1, more);
      break;
    }
  }
}
