#include <stdint.h>
#include <string.h>

#include "net/product_finish.h"

INLINE void multiply_f32(const void *const *rows, const void *u, v16 sum[PRODUCT_ROWS][VECTORS],
                         size_t depth, int count, int vectors) {
  const float *weights = u;
  for (size_t d = 0; d < depth; d++) {
    v16 w[VECTORS];
    for (int k = 0; k < vectors; k++)
      w[k] = v16_load(weights + (d * (size_t)vectors + (size_t)k) * 16);
    for (int r = 0; r < count; r++) {
      v16 value = v16_all(((const float *)rows[r])[d]);
      for (int k = 0; k < vectors; k++) sum[r][k] = v16_fma(value, w[k], sum[r][k]);
    }
  }
}

#ifdef VECTOR_NARROW
/* Two neighbouring values of a row at a time. */
INLINE void multiply_bf16(const void *const *rows, const void *u, v16 sum[PRODUCT_ROWS][VECTORS],
                          size_t depth, int count, int vectors) {
  const char *weights = u;
  for (size_t d = 0; d < depth / 2; d++) {
    __m512bh w[VECTORS];
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

#define BYTES_AHEAD 4096

/* Four neighbouring values of a row at a time. The sums are integers. */
INLINE void multiply_u8(const void *const *rows, const void *u, v16 sum[PRODUCT_ROWS][VECTORS],
                        size_t depth, int count, int vectors) {
  const char *weights = u;
  for (size_t d = 0; d < depth / 4; d++) {
    __m512i w[VECTORS];
    for (int k = 0; k < vectors; k++) {
      const char *at = weights + (d * (size_t)vectors + (size_t)k) * 64;
      w[k] = _mm512_loadu_si512(at);
      /* They are read once for PRODUCT_ROWS rows, from the second cache. */
      _mm_prefetch(at + BYTES_AHEAD, _MM_HINT_T0);
    }
    for (int r = 0; r < count; r++) {
      int32_t four;
      memcpy(&four, (const char *)rows[r] + d * sizeof four, sizeof four);
      __m512i value = _mm512_set1_epi32(four);
      for (int k = 0; k < vectors; k++) {
        __m512i before = _mm512_castps_si512(sum[r][k]);
        sum[r][k] = _mm512_castsi512_ps(_mm512_dpbusd_epi32(before, value, w[k]));
      }
    }
  }
}
#endif

INLINE void multiply(const void *const *rows, const void *u, v16 sum[PRODUCT_ROWS][VECTORS],
                     size_t depth, int count, int vectors, element_type type) {
#ifdef VECTOR_NARROW
  if (type == ELEMENT_U8) multiply_u8(rows, u, sum, depth, count, vectors);
  else if (type == ELEMENT_BF16) multiply_bf16(rows, u, sum, depth, count, vectors);
  else multiply_f32(rows, u, sum, depth, count, vectors);
#else
  (void)type;
  multiply_f32(rows, u, sum, depth, count, vectors);
#endif
}

/* `count` x `vectors` sums in registers. With AVX-512 6 x 4 of the 32, four loads and six
 * broadcasts for 24 multiply-adds; with AVX2 12 of the 16, two loads and six broadcasts for 12.
 * Both are constants wherever this is inlined, as is `finishes`: whether the sums, of rows `row`
 * and so on, are finished or stored in m. */
INLINE void product_block(const void *const *from, size_t tap_stride, size_t taps, const void *u,
                          float *m, const product_finish *finish, size_t row, size_t depth,
                          int count, int vectors, element_type type, bool finishes) {
  v16 sum[PRODUCT_ROWS][VECTORS];
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = v16_zero();
  const size_t tap_bytes = depth * (size_t)vectors * 16 * element_bytes(type);
  for (size_t t = 0; t < taps; t++) {
    const void *rows[PRODUCT_ROWS];
    for (int r = 0; r < count; r++) rows[r] = from[t * tap_stride + (size_t)r];
    multiply(rows, (const char *)u + t * tap_bytes, sum, depth, count, vectors, type);
  }
  if (finishes) {
    const product_finish f = *finish;
    finish_rows(&f, row, sum, count, vectors, type);
    return;
  }
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++)
      v16_store(m + ((size_t)r * (size_t)vectors + (size_t)k) * 16, sum[r][k]);
}

/* The same with a count that is not a constant. */
#define PRODUCT_CASE(count)                                                                        \
  product_block(from, tap_stride, taps, u, m, finish, row, depth, count, vectors, type, finishes)
INLINE void product_group(const void *const *from, size_t tap_stride, size_t taps, const void *u,
                          float *m, const product_finish *finish, size_t row, size_t depth,
                          size_t count, int vectors, element_type type, bool finishes) {
  switch (count) {
  case 6:
    PRODUCT_CASE(6);
    break;
  case 5:
    PRODUCT_CASE(5);
    break;
  case 4:
    PRODUCT_CASE(4);
    break;
  case 3:
    PRODUCT_CASE(3);
    break;
  case 2:
    PRODUCT_CASE(2);
    break;
  default:
    PRODUCT_CASE(1);
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

INLINE void finished(const void *const *from, size_t stride, size_t taps, const void *u,
                     const product_finish *finish, size_t rows, size_t depth, int vectors,
                     element_type type) {
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS)
    product_group(from + r, stride, taps, u, NULL, finish, r, depth, group_size(rows, r), vectors,
                  type, true);
}

/* Calls f(..., vectors, type) with both as constants; FOR_STEPS where the width is a number of
 * steps. */
#if PRODUCT_WIDTH == 16
#define FOR_WIDTH(f, type, ...)                                                                    \
  do {                                                                                             \
    (void)width;                                                                                   \
    f(__VA_ARGS__, 1, type);                                                                       \
  } while (0)
#define FOR_STEPS FOR_WIDTH
#else
#define FOR_WIDTH(f, type, ...)                                                                    \
  switch (width) {                                                                                 \
  case 64:                                                                                         \
    f(__VA_ARGS__, 4, type);                                                                       \
    break;                                                                                         \
  case 48:                                                                                         \
    f(__VA_ARGS__, 3, type);                                                                       \
    break;                                                                                         \
  case 32:                                                                                         \
    f(__VA_ARGS__, 2, type);                                                                       \
    break;                                                                                         \
  default:                                                                                         \
    f(__VA_ARGS__, 1, type);                                                                       \
    break;                                                                                         \
  }
#define FOR_STEPS(f, type, ...)                                                                    \
  do {                                                                                             \
    if (width == 64) f(__VA_ARGS__, 4, type);                                                      \
    else f(__VA_ARGS__, 2, type);                                                                  \
  } while (0)
#endif

PRODUCT void product_rows(const void *v, size_t v_stride, const void *u, float *m, size_t rows,
                          size_t depth, int width, bool bf16) {
#ifdef VECTOR_NARROW
  if (bf16) {
    FOR_WIDTH(strided, true, v, v_stride, u, m, rows, depth);
    return;
  }
#endif
  (void)bf16;
  FOR_WIDTH(strided, false, v, v_stride, u, m, rows, depth);
}

PRODUCT void product_taps(const void *const *from, size_t taps, const void *u, float *m,
                          size_t rows, size_t depth, int width, bool bf16) {
#ifdef VECTOR_NARROW
  if (bf16) {
    FOR_WIDTH(tapped, true, from, taps, u, m, rows, depth);
    return;
  }
#endif
  (void)bf16;
  FOR_WIDTH(tapped, false, from, taps, u, m, rows, depth);
}

PRODUCT void product_taps_finished(const void *const *from, size_t stride, size_t taps,
                                   const void *u, const product_finish *finish, size_t rows,
                                   size_t depth, int width, element_type type) {
#ifdef VECTOR_NARROW
  if (type == ELEMENT_U8) {
    FOR_STEPS(finished, ELEMENT_U8, from, stride, taps, u, finish, rows, depth);
    return;
  }
  if (type == ELEMENT_BF16) {
    FOR_STEPS(finished, ELEMENT_BF16, from, stride, taps, u, finish, rows, depth);
    return;
  }
#endif
  (void)type;
  FOR_STEPS(finished, ELEMENT_F32, from, stride, taps, u, finish, rows, depth);
}

void product_windows_pack(const float *kernel, size_t values, size_t filters, float *u) {
  for (size_t first = 0; first < filters; first += PRODUCT_WIDTH) {
    const size_t width = filters - first < PRODUCT_WIDTH ? filters - first : PRODUCT_WIDTH;
    for (size_t k = 0; k < values; k++)
      memcpy(u + values * first + k * width, kernel + k * filters + first, width * sizeof *u);
  }
}

/* The sums of `count` windows, a constant, from v on. */
INLINE void window_sums(const product_windows *w, const float *v, const float *u,
                        v16 sum[PRODUCT_ROWS][VECTORS], int count, int vectors) {
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = v16_zero();
  const size_t values = w->values;
  const uint32_t *offsets = w->offsets;
  const float *rows[PRODUCT_ROWS];
  for (int r = 0; r < count; r++) rows[r] = v + (size_t)r * w->step;
  for (size_t d = 0; d < values; d++) {
    const size_t at = offsets[d];
    v16 factors[VECTORS];
    for (int k = 0; k < vectors; k++)
      factors[k] = v16_load(u + (d * (size_t)vectors + (size_t)k) * 16);
    for (int r = 0; r < count; r++) {
      const v16 value = v16_all(rows[r][at]);
      for (int k = 0; k < vectors; k++) sum[r][k] = v16_fma(value, factors[k], sum[r][k]);
    }
  }
}

/* The larger of each two windows beside each other. */
INLINE void window_pairs(v16 sum[PRODUCT_ROWS][VECTORS], v16 larger[PRODUCT_ROWS][VECTORS],
                         int count, int vectors) {
  for (int r = 0; r < count / 2; r++)
    for (int k = 0; k < vectors; k++) larger[r][k] = v16_max(sum[2 * r][k], sum[2 * r + 1][k]);
}

/* A chunk of the filters of `count` windows, or of half as many squares where `pooled`. */
INLINE void window_block(const product_windows *w, const float *v, size_t below, const float *u,
                         const product_finish *finish, size_t row, int count, int vectors,
                         bool pooled) {
  v16 sum[PRODUCT_ROWS][VECTORS];
  window_sums(w, v, u, sum, count, vectors);
  if (pooled) {
    v16 above[PRODUCT_ROWS][VECTORS];
    window_pairs(sum, above, count, vectors);
    window_sums(w, v + below, u, sum, count, vectors);
    window_pairs(sum, sum, count, vectors);
    for (int r = 0; r < count / 2; r++)
      for (int k = 0; k < vectors; k++) sum[r][k] = v16_max(above[r][k], sum[r][k]);
  }
  finish_rows(finish, row, sum, pooled ? count / 2 : count, vectors, ELEMENT_F32);
}

/* All filters of them, so that what is stored is one stretch. */
INLINE void window_group(const product_windows *w, const float *v, size_t below, const float *u,
                         const product_finish *finish, size_t row, size_t filters, int count,
                         bool pooled) {
  if (pooled && count % 2) return;
  product_finish f = *finish;
  for (size_t left = filters; left;) {
    const size_t width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
#if PRODUCT_WIDTH > 16
    if (width < PRODUCT_WIDTH) window_block(w, v, below, u, &f, row, count, VECTORS / 2, pooled);
    else
#endif
      window_block(w, v, below, u, &f, row, count, VECTORS, pooled);
    u += width * w->values;
    f.first += width;
    if (f.scale) f.scale += width;
    if (f.other_scale) f.other_scale += width;
    if (f.bias) f.bias += width;
    left -= width;
  }
}

/* The same with a count that is not a constant. */
#define WINDOW_CASE(count)                                                                         \
  case count:                                                                                      \
    window_group(w, v, below, u, finish, row / (pooled ? 2 : 1), filters, count, pooled);          \
    break
INLINE void windows(const product_windows *w, size_t below, const float *u,
                    const product_finish *finish, size_t count, size_t filters, bool pooled) {
  for (size_t row = 0; row < count; row += PRODUCT_ROWS) {
    const float *v = w->v + row * w->step;
    switch (group_size(count, row)) {
      WINDOW_CASE(6);
      WINDOW_CASE(5);
      WINDOW_CASE(4);
      WINDOW_CASE(3);
      WINDOW_CASE(2);
      WINDOW_CASE(1);
    default:
      break;
    }
  }
}

PRODUCT void product_windows_finished(const product_windows *w, const float *u,
                                      const product_finish *finish, size_t count, size_t filters) {
  windows(w, 0, u, finish, count, filters, false);
}

PRODUCT void product_windows_pooled(const product_windows *w, size_t below, const float *u,
                                    const product_finish *finish, size_t count, size_t filters) {
  windows(w, below, u, finish, count, filters, true);
}
