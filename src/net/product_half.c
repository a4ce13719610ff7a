#include <math.h>
#include <string.h>

#include "net/half.h"
#include "net/product_finish.h"

#ifdef VECTOR_HALF

/* Pairs of products that a lane sums before its sum joins the others: of no more than so many the
 * rounding stays below that of what is multiplied. */
#define PAIRS (PRODUCT_HALF_DEPTH / 2)

/* The sums of 32 columns, in their order: of the even ones, whose pairs are in `a`, and of the odd
 * ones in `b`. */
HALF_INLINE __m512h joined(__m512h a, __m512h b) {
  const __mmask32 odd = 0xaaaaaaaa;
  const __m512i x = _mm512_castph_si512(a), y = _mm512_castph_si512(b);
  const __m512i one = _mm512_mask_blend_epi16(odd, x, y),
                other = _mm512_mask_blend_epi16(odd, y, x);
  return _mm512_add_ph(_mm512_castsi512_ph(one), _mm512_castsi512_ph(_mm512_rol_epi32(other, 16)));
}

/* Where products go: in half precision or in float32. */
HALF_INLINE void keep(void *m, size_t place, __m512h sums, bool narrow, bool more) {
  if (narrow) {
    char *to = (char *)m + place * 2;
    if (more) sums = _mm512_add_ph(_mm512_castsi512_ph(_mm512_loadu_si512(to)), sums);
    _mm512_storeu_si512(to, _mm512_castph_si512(sums));
    return;
  }
  float *to = (float *)m + place;
  v16 low, high;
  half_widen(sums, &low, &high);
  if (more) {
    low = v16_add(v16_load(to), low);
    high = v16_add(v16_load(to + 16), high);
  }
  v16_store(to, low);
  v16_store(to + 16, high);
}

/* m [count][16 vectors] = or += rows times u over `pairs` pairs of the depth. Meanwhile a line a
 * pair is fetched from `ahead` on. */
HALF_INLINE void multiply_pairs(const char *const *rows, const char *u, void *m, size_t row,
                                size_t pairs, const char *ahead, int lines, int count, int vectors,
                                bool narrow, bool more) {
  __m512h sum[PRODUCT_ROWS][VECTORS];
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_setzero_ph();
  for (size_t d = 0; d < pairs; d++) {
    for (int k = 0; k < lines; k++)
      _mm_prefetch(ahead + (d * (size_t)lines + (size_t)k) * 64, _MM_HINT_T0);
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
    for (int k = 0; k < vectors; k += 2)
      keep(m, ((row + (size_t)r) * (size_t)vectors + (size_t)k) * 16,
           joined(sum[r][k], sum[r][k + 1]), narrow, more);
}

#define ROWS_CASE(count)                                                                           \
  case count:                                                                                      \
    multiply_pairs(from, weights, m, r, pairs, ahead, lines, count, vectors, narrow, more);        \
    break
/* All rows go through one stretch of the depth, whose weights stay in the nearest cache meanwhile.
 * The first groups of rows fetch the weights of the next stretch there, a part each: from a cache
 * that is far they would come too slowly for the first group that needs them. */
HALF_INLINE void multiply_stretch(const char *v, size_t row, const char *weights, void *m,
                                  size_t rows, size_t pairs, int lines, int vectors, bool narrow,
                                  bool more) {
  const size_t stretch = (size_t)vectors * pairs * 64;
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS) {
    const char *from[PRODUCT_ROWS];
    const size_t left = rows - r, count = left < PRODUCT_ROWS ? left : PRODUCT_ROWS;
    for (size_t i = 0; i < count; i++) from[i] = v + (r + i) * row;
    const size_t group = r / PRODUCT_ROWS;
    const char *ahead = weights + stretch + group % (size_t)vectors * pairs * 64;
    switch (count) {
      ROWS_CASE(1);
      ROWS_CASE(2);
      ROWS_CASE(3);
      ROWS_CASE(4);
      ROWS_CASE(5);
    default:
      multiply_pairs(from, weights, m, r, pairs, ahead, lines, PRODUCT_ROWS, vectors, narrow, more);
      break;
    }
  }
}

HALF_INLINE void multiply_with(const char *v, size_t row, const char *u, void *m, size_t rows,
                               size_t depth, int lines, int vectors, bool narrow, bool more) {
  for (size_t first = 0; first < depth / 2; first += PAIRS) {
    const size_t left = depth / 2 - first, pairs = left < PAIRS ? left : PAIRS;
    const char *from = v + first * 4, *weights = u + first * (size_t)vectors * 64;
    if (first || more)
      multiply_stretch(from, row, weights, m, rows, pairs, lines, vectors, narrow, true);
    else multiply_stretch(from, row, weights, m, rows, pairs, lines, vectors, narrow, false);
  }
}

/* A single group of rows fetches as many lines as it uses. */
HALF_INLINE void multiply_all(const char *v, size_t row, const char *u, void *m, size_t rows,
                              size_t depth, int vectors, bool narrow, bool more) {
  if (rows > PRODUCT_ROWS) multiply_with(v, row, u, m, rows, depth, 1, vectors, narrow, more);
  else multiply_with(v, row, u, m, rows, depth, vectors, vectors, narrow, more);
}

HALF void product_half_rows(const void *v, size_t v_stride, const void *u, void *m, size_t rows,
                            size_t depth, int width, bool more) {
  if (width == 64) multiply_all(v, 2 * v_stride, u, m, rows, depth, 4, true, more);
  else multiply_all(v, 2 * v_stride, u, m, rows, depth, 2, true, more);
}

VECTOR void product_half_units(const float *kernel, size_t stride, size_t values, size_t width,
                               int below, float *factors, float *units) {
  for (size_t first = 0; first < width; first += 16) {
    v16 largest = v16_zero();
    float magnitudes[16];
    for (size_t k = 0; k < values; k++) {
      const v16 value = v16_load(kernel + k * stride + first);
      largest = v16_max(largest, v16_max(value, v16_sub(v16_zero(), value)));
    }
    v16_store(magnitudes, largest);
    for (size_t f = 0; f < 16; f++) {
      int exponent = 0;
      if (magnitudes[f] > 0 && isfinite(magnitudes[f])) frexpf(magnitudes[f], &exponent);
      exponent += below;
      if (exponent < -100) exponent = -100; /* both powers are numbers */
      factors[first + f] = ldexpf(1, -exponent);
      units[first + f] = ldexpf(1, exponent);
    }
  }
}

VECTOR void product_half_pack(const float *kernel, size_t stride, const float *factors,
                              size_t values, size_t width, void *u) {
  char *to = u;
  for (size_t k = 0; k < values; k += 2)
    for (size_t f = 0; f < width; f += 32, to += 128) {
      v16 parts[2][2]; /* of two neighbouring values, those of even and of odd columns */
      for (size_t i = 0; i < 2; i++) {
        const float *at = kernel + (k + i) * stride + f;
        const v16 low = v16_mul(v16_load(at), v16_load(factors + f));
        const v16 high = v16_mul(v16_load(at + 16), v16_load(factors + f + 16));
        half_parted(low, high, &parts[i][0], &parts[i][1]);
      }
      _mm512_storeu_si512(to, half_pairs(parts[0][0], parts[1][0]));
      _mm512_storeu_si512(to + 64, half_pairs(parts[0][1], parts[1][1]));
    }
}

/* Rows in half precision [rows][values], and what one of each counts. */
typedef struct {
  char *rows;
  float *units;
} ready;

static size_t up_to_line(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

static ready ready_in(void *scratch, size_t rows, size_t values) {
  void *units = (char *)scratch + up_to_line(rows * values * 2);
  return (ready){.rows = scratch, .units = units};
}

size_t product_half_scratch(size_t rows, size_t values) {
  return up_to_line(rows * values * 2) + up_to_line(rows * sizeof(float));
}

HALF_INLINE void ready_rows(const void *const *from, size_t rows, size_t taps, size_t depth,
                            element_type type, const ready *to) {
  const size_t bytes = depth * element_bytes(type), step = 32 * element_bytes(type);
  char *place = to->rows;
  for (size_t r = 0; r < rows; r++) {
    __m512i largest = _mm512_setzero_si512();
    for (size_t t = 0; t < taps; t++)
      for (size_t d = 0; d < bytes; d += step)
        largest = half_larger(largest, (const char *)from[t * rows + r] + d, type);
    const half_scale by = half_scale_of(half_exponent(largest, type), to->units + r);
    for (size_t t = 0; t < taps; t++)
      for (size_t d = 0; d < bytes; d += step, place += 64)
        _mm512_storeu_si512(place, half_load((const char *)from[t * rows + r] + d, &by, type));
  }
}

HALF void product_half_ready(const void *const *from, size_t rows, size_t taps, size_t depth,
                             element_type type, void *scratch) {
  const ready to = ready_in(scratch, rows, taps * depth);
  if (type == ELEMENT_F16) ready_rows(from, rows, taps, depth, ELEMENT_F16, &to);
  else ready_rows(from, rows, taps, depth, ELEMENT_F32, &to);
}

HALF_INLINE void finish_block(const float *units, const float *m, const product_finish *finish,
                              size_t row, int count, int vectors) {
  v16 sums[PRODUCT_ROWS][VECTORS];
  const product_finish f = *finish;
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) {
      const float *from = m + ((row + (size_t)r) * (size_t)vectors + (size_t)k) * 16;
      sums[r][k] = v16_mul(v16_load(from), v16_all(units[row + (size_t)r]));
    }
  finish_rows(&f, row, sums, count, vectors, ELEMENT_F16);
}

HALF_INLINE void finish_all(const float *units, const float *m, const product_finish *finish,
                            size_t rows, int vectors) {
  size_t row = 0;
  for (; row + PRODUCT_ROWS <= rows; row += PRODUCT_ROWS)
    finish_block(units, m, finish, row, PRODUCT_ROWS, vectors);
  for (; row < rows; row++) finish_block(units, m, finish, row, 1, vectors);
}

HALF void product_half_finished(void *scratch, const void *u, float *m,
                                const product_finish *finish, size_t rows, size_t values,
                                int width) {
  const ready from = ready_in(scratch, rows, values);
  if (width == 64) {
    multiply_all(from.rows, 2 * values, u, m, rows, values, 4, false, false);
    finish_all(from.units, m, finish, rows, 4);
  } else {
    multiply_all(from.rows, 2 * values, u, m, rows, values, 2, false, false);
    finish_all(from.units, m, finish, rows, 2);
  }
}

/* The sums of `count` windows, a constant, from v on, of each 32 columns in their order. */
HALF_INLINE void window_sums(const product_pairs *w, const uint16_t *v, const char *u,
                             __m512h joint[PRODUCT_ROWS][VECTORS / 2], int count, int vectors) {
  __m512h sum[PRODUCT_ROWS][VECTORS];
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_setzero_ph();
  for (int i = 0; i < w->rows; i++, v += w->line)
    for (int d = 0; d < w->pairs; d++, u += vectors * 64) {
      __m512h factors[VECTORS];
      for (int k = 0; k < vectors; k++)
        factors[k] = _mm512_castsi512_ph(_mm512_loadu_si512(u + k * 64));
      for (int r = 0; r < count; r++) {
        int32_t two;
        memcpy(&two, v + (size_t)r * w->step + 2 * d, sizeof two);
        const __m512h value = _mm512_castsi512_ph(_mm512_set1_epi32(two));
        for (int k = 0; k < vectors; k++) sum[r][k] = _mm512_fmadd_ph(value, factors[k], sum[r][k]);
      }
    }
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k += 2) joint[r][k / 2] = joined(sum[r][k], sum[r][k + 1]);
}

/* A chunk of the filters of `count` windows, or of half as many squares. */
HALF_INLINE void window_block(const product_pairs *w, const uint16_t *v, const char *u,
                              const product_finish *finish, size_t row, int count, int vectors,
                              bool pooled) {
  __m512h joint[PRODUCT_ROWS][VECTORS / 2], lower[PRODUCT_ROWS][VECTORS / 2];
  window_sums(w, v, u, joint, count, vectors);
  if (pooled) window_sums(w, v + w->below, u, lower, count, vectors);
  const int rows = pooled ? count / 2 : count;
  v16 sums[PRODUCT_ROWS][VECTORS];
  for (int r = 0; r < rows; r++)
    for (int k = 0; k < vectors / 2; k++) {
      __m512h sum = joint[r][k];
      if (pooled) {
        const __m512h above = _mm512_max_ph(joint[2 * r][k], joint[2 * r + 1][k]);
        sum = _mm512_max_ph(above, _mm512_max_ph(lower[2 * r][k], lower[2 * r + 1][k]));
      }
      half_widen(sum, &sums[r][2 * k], &sums[r][2 * k + 1]);
    }
  finish_rows(finish, row, sums, rows, vectors, ELEMENT_F16);
}

#define PAIRS_INLINE HALF_INLINE
#include "net/product_pairs.h"

HALF void product_half_windows_finished(const product_pairs *w, const void *u,
                                        const product_finish *finish, size_t count,
                                        size_t filters) {
  if (w->pooled) window_groups(w, u, finish, count, filters, true);
  else window_groups(w, u, finish, count, filters, false);
}

#endif
