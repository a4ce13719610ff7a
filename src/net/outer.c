#include "net/outer.h"

#include <stdint.h>

#include "net/element.h"

#define VECTORS (PRODUCT_WIDTH / 16)

/* CHANNELS x VECTORS sums in registers: with AVX-512 6 x 4 of the 32, four loads and six broadcasts
 * for 24 multiply-adds; with AVX2 6 x 2 of the 16, two loads and six broadcasts for 12. */
#define CHANNELS 6

#ifdef VECTOR_NARROW
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
#endif

VECTOR_INLINE void row_block(const float *v, size_t v_stride, const float *z, size_t z_stride,
                             float *du, size_t stride, size_t rows, size_t channels, int vectors,
                             bool more) {
  v16 sum[CHANNELS][VECTORS];
  for (size_t c = 0; c < channels; c++)
    for (int k = 0; k < vectors; k++)
      sum[c][k] = more ? v16_load(du + c * stride + 16 * k) : v16_zero();
  for (size_t t = 0; t < rows; t++) {
    v16 gradient[VECTORS];
    for (int k = 0; k < vectors; k++) gradient[k] = v16_kept(v16_load(z + t * z_stride + 16 * k));
    for (size_t c = 0; c < channels; c++) {
      v16 value = v16_all(v[t * v_stride + c]);
      for (int k = 0; k < vectors; k++) sum[c][k] = v16_fma(value, gradient[k], sum[c][k]);
    }
  }
  for (size_t c = 0; c < channels; c++)
    for (int k = 0; k < vectors; k++) v16_store(du + c * stride + 16 * k, sum[c][k]);
}

/* The same with a number of channels that is not a constant. */
#define ROW_CASE(channels)                                                                         \
  case channels:                                                                                   \
    row_block(v, v_stride, z, z_stride, du, stride, rows, channels, vectors, more);                \
    break
VECTOR_INLINE void row_group(const float *v, size_t v_stride, const float *z, size_t z_stride,
                             float *du, size_t stride, size_t rows, size_t channels, int vectors,
                             bool more) {
  switch (channels) {
    ROW_CASE(1);
    ROW_CASE(2);
    ROW_CASE(3);
    ROW_CASE(4);
    ROW_CASE(5);
    ROW_CASE(6);
  default:
    break;
  }
}

VECTOR void outer_rows(const float *v, size_t v_stride, const float *z, size_t z_stride, float *du,
                       size_t stride, size_t rows, size_t channels, int width, bool more) {
  size_t count;
  for (size_t c = 0; c < channels; c += count) {
    /* Groups as even as can be: few sums leave the multipliers waiting for each other. */
    const size_t left = channels - c, groups = 1 + (left - 1) / CHANNELS;
    count = (left + groups - 1) / groups;
    float *to = du + c * stride;
    switch (width) {
#if PRODUCT_WIDTH > 16
    case 64:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 4, more);
      break;
    case 48:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 3, more);
      break;
    case 32:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 2, more);
      break;
#endif
    default:
      row_group(v + c, v_stride, z, z_stride, to, stride, rows, count, 1, more);
      break;
    }
  }
}
