#include <stdint.h>
#include <string.h>

#include "net/element.h"
#include "net/product.h"

/* One source for both element types: bfloat16's own instructions appear only where `bf16` is a
 * constant true, so the float32 functions run without them. */
#define INLINE ELEMENT

INLINE void multiply_f32(const void *const *rows, const void *u, __m512 sum[PRODUCT_ROWS][4],
                         size_t depth, int count, int vectors) {
  const float *weights = u;
  for (size_t d = 0; d < depth; d++) {
    __m512 w[4];
    for (int k = 0; k < vectors; k++)
      w[k] = _mm512_loadu_ps(weights + (d * (size_t)vectors + (size_t)k) * 16);
    for (int r = 0; r < count; r++) {
      __m512 value = _mm512_set1_ps(((const float *)rows[r])[d]);
      for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_fmadd_ps(value, w[k], sum[r][k]);
    }
  }
}

/* Two neighbouring values of a row at a time. */
INLINE void multiply_bf16(const void *const *rows, const void *u, __m512 sum[PRODUCT_ROWS][4],
                          size_t depth, int count, int vectors) {
  const char *weights = u;
  for (size_t d = 0; d < depth / 2; d++) {
    __m512bh w[4];
    for (int k = 0; k < vectors; k++)
      w[k] = (__m512bh)_mm512_loadu_si512(weights + (d * (size_t)vectors + (size_t)k) * 64);
    for (int r = 0; r < count; r++) {
      int32_t two;
      memcpy(&two, (const char *)rows[r] + d * sizeof two, sizeof two);
      __m512bh value = (__m512bh)_mm512_set1_epi32(two);
      for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_dpbf16_ps(sum[r][k], value, w[k]);
    }
  }
}

/* Thirty-two sums of row `row`. */
INLINE void finish_step(const product_finish *f, size_t row, size_t column, __m512 first,
                        __m512 second) {
  __m512 value[2] = {first, second};
  const size_t bytes = element_bytes(f->bf16), at = f->first + column;
  for (size_t half = 0; half < 2; half++) {
    if (f->bias)
      value[half] = _mm512_add_ps(value[half], _mm512_loadu_ps(f->bias + column + 16 * half));
    if (f->other) {
      const char *other = (const char *)f->other[row] + (at + 16 * half) * bytes;
      value[half] = _mm512_add_ps(value[half], element_load16(other, f->bf16));
    }
    /* As max(x, 0): the second operand is what a NaN gives, so it comes first. */
    if (f->relu) value[half] = _mm512_max_ps(_mm512_setzero_ps(), value[half]);
  }
  element_store((char *)f->to[row] + at * bytes, value[0], value[1], f->bf16);
}

/* `count` x `vectors` sums in registers: 6 x 4 of the 32, four loads and six broadcasts for 24
 * multiply-adds. Both are constants wherever this is inlined, as is `finishes`: whether the sums,
 * of rows `row` and so on, are finished or stored in m. */
INLINE void product_block(const void *const *from, size_t tap_stride, size_t taps, const void *u,
                          float *m, const product_finish *finish, size_t row, size_t depth,
                          int count, int vectors, bool bf16, bool finishes) {
  __m512 sum[PRODUCT_ROWS][4];
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_setzero_ps();
  const size_t tap_bytes = depth * (size_t)vectors * 16 * (bf16 ? 2 : sizeof(float));
  for (size_t t = 0; t < taps; t++) {
    const void *rows[PRODUCT_ROWS];
    for (int r = 0; r < count; r++) rows[r] = from[t * tap_stride + (size_t)r];
    const void *weights = (const char *)u + t * tap_bytes;
    if (bf16) multiply_bf16(rows, weights, sum, depth, count, vectors);
    else multiply_f32(rows, weights, sum, depth, count, vectors);
  }
  for (int r = 0; r < count; r++) {
    if (finishes)
      for (int k = 0; k + 1 < vectors; k += 2)
        finish_step(finish, row + (size_t)r, 16 * (size_t)k, sum[r][k], sum[r][k + 1]);
    else
      for (int k = 0; k < vectors; k++)
        _mm512_storeu_ps(m + ((size_t)r * (size_t)vectors + (size_t)k) * 16, sum[r][k]);
  }
}

/* The same with a count that is not a constant. */
INLINE void product_group(const void *const *from, size_t tap_stride, size_t taps, const void *u,
                          float *m, const product_finish *finish, size_t row, size_t depth,
                          size_t count, int vectors, bool bf16, bool finishes) {
  switch (count) {
  case 6:
    product_block(from, tap_stride, taps, u, m, finish, row, depth, 6, vectors, bf16, finishes);
    break;
  case 5:
    product_block(from, tap_stride, taps, u, m, finish, row, depth, 5, vectors, bf16, finishes);
    break;
  case 4:
    product_block(from, tap_stride, taps, u, m, finish, row, depth, 4, vectors, bf16, finishes);
    break;
  case 3:
    product_block(from, tap_stride, taps, u, m, finish, row, depth, 3, vectors, bf16, finishes);
    break;
  case 2:
    product_block(from, tap_stride, taps, u, m, finish, row, depth, 2, vectors, bf16, finishes);
    break;
  default:
    product_block(from, tap_stride, taps, u, m, finish, row, depth, 1, vectors, bf16, finishes);
    break;
  }
}

INLINE size_t group_size(size_t rows, size_t r) {
  return rows - r < PRODUCT_ROWS ? rows - r : PRODUCT_ROWS;
}

INLINE void strided(const void *v, size_t v_stride, const void *u, float *m, size_t rows,
                    size_t depth, int vectors, bool bf16) {
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS) {
    const void *from[PRODUCT_ROWS];
    size_t count = group_size(rows, r);
    for (size_t i = 0; i < count; i++)
      from[i] = (const char *)v + (r + i) * v_stride * (bf16 ? 2 : sizeof(float));
    product_group(from, 0, 1, u, m + r * (size_t)vectors * 16, NULL, 0, depth, count, vectors, bf16,
                  false);
  }
}

INLINE void tapped(const void *const *from, size_t taps, const void *u, float *m, size_t rows,
                   size_t depth, int vectors, bool bf16) {
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS)
    product_group(from + r, rows, taps, u, m + r * (size_t)vectors * 16, NULL, 0, depth,
                  group_size(rows, r), vectors, bf16, false);
}

INLINE void finished(const void *const *from, size_t taps, const void *u,
                     const product_finish *finish, size_t rows, size_t depth, int vectors,
                     bool bf16) {
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS)
    product_group(from + r, rows, taps, u, NULL, finish, r, depth, group_size(rows, r), vectors,
                  bf16, true);
}

/* Calls f(..., vectors, bf16) with both as constants. */
#define FOR_WIDTH(f, bf16, ...)                                                                    \
  switch (width) {                                                                                 \
  case 64:                                                                                         \
    f(__VA_ARGS__, 4, bf16);                                                                       \
    break;                                                                                         \
  case 48:                                                                                         \
    f(__VA_ARGS__, 3, bf16);                                                                       \
    break;                                                                                         \
  case 32:                                                                                         \
    f(__VA_ARGS__, 2, bf16);                                                                       \
    break;                                                                                         \
  default:                                                                                         \
    f(__VA_ARGS__, 1, bf16);                                                                       \
    break;                                                                                         \
  }

AVX512 void product_rows(const float *v, size_t v_stride, const float *u, float *m, size_t rows,
                         size_t depth,
                         int width){FOR_WIDTH(strided, false, v, v_stride, u, m, rows, depth)}

AVX512 void product_rows_bf16(const void *v, size_t v_stride, const void *u, float *m, size_t rows,
                              size_t depth,
                              int width){FOR_WIDTH(strided, true, v, v_stride, u, m, rows, depth)}

AVX512 void product_taps(const void *const *from, size_t taps, const void *u, float *m, size_t rows,
                         size_t depth, int width, bool bf16) {
  if (bf16) {
    FOR_WIDTH(tapped, true, from, taps, u, m, rows, depth)
  } else {
    FOR_WIDTH(tapped, false, from, taps, u, m, rows, depth)
  }
}

AVX512 void product_taps_finished(const void *const *from, size_t taps, const void *u,
                                  const product_finish *finish, size_t rows, size_t depth,
                                  int width, bool bf16) {
  if (width == 64 && bf16) finished(from, taps, u, finish, rows, depth, 4, true);
  else if (width == 64) finished(from, taps, u, finish, rows, depth, 4, false);
  else if (bf16) finished(from, taps, u, finish, rows, depth, 2, true);
  else finished(from, taps, u, finish, rows, depth, 2, false);
}
