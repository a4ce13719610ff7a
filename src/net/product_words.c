#include <string.h>

#include "net/product_finish.h"
#include "net/words.h"

#ifdef VECTOR_WORDS

/* Pairs of products that are summed as whole numbers before their sum joins the others. */
#define PAIRS 64
/* What the magnitudes of a column's factors may add up to where they are summed as whole numbers:
 * with values of PRODUCT_WORDS_LARGEST it stays below 2^31, also where each is rounded up. */
#define MOST_FACTORS ((float)INT32_MAX / PRODUCT_WORDS_LARGEST - PRODUCT_WORDS_MOST * 0.5f)

/* What brings sixteen columns of the kernel to whole numbers, so many of which are summed. */
VECTOR static v16 factors_of(const float *kernel, size_t stride, size_t depth, size_t summed) {
  v16 largest = v16_zero(), most = v16_zero();
  for (size_t first = 0; first < depth; first += summed) {
    v16 sum = v16_zero();
    for (size_t d = first; d < depth && d < first + summed; d++) {
      const v16 value = words_magnitude(v16_load(kernel + d * stride));
      largest = v16_max(value, largest);
      sum = v16_add(sum, value);
    }
    most = v16_max(sum, most);
  }
  const v16 least = v16_all(WORDS_LEAST);
  const v16 by_sum = v16_div(v16_all(MOST_FACTORS), v16_max(most, least));
  const v16 by_value = v16_div(v16_all(PRODUCT_WORDS_LARGEST), v16_max(largest, least));
  return v16_select(v16_over(by_sum, by_value), by_value, by_sum);
}

VECTOR void product_words_pack(const float *kernel, size_t stride, float counts, size_t depth,
                               size_t width, void *u, float *units) {
  for (size_t f = 0; f < width; f += 16) {
    const v16 factors = factors_of(kernel + f, stride, depth, 2 * PAIRS);
    v16_store(units + f, v16_div(v16_all(counts), factors));
    for (size_t pair = 0; pair < depth / 2; pair++) {
      const float *at = kernel + words_pair_at(pair) * stride + f;
      words_store_pairs((char *)u + (pair * width + f) * 4, v16_mul(v16_load(at), factors),
                        v16_mul(v16_load(at + stride), factors));
    }
  }
}

VECTOR void product_words_windows_pack(const float *kernel, float counts, size_t rows,
                                       size_t values, size_t filters, void *u, float *units) {
  const size_t pairs = (values + 1) / 2;
  for (size_t f = 0; f < filters; f += 16) {
    const size_t chunk = f / PRODUCT_WIDTH * PRODUCT_WIDTH, left = filters - chunk;
    const size_t width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
    char *to = (char *)u + (chunk * rows * pairs + f - chunk) * 4;
    const v16 factors = factors_of(kernel + f, filters, rows * values, rows * values);
    v16_store(units + f, v16_div(v16_all(counts), factors));
    for (size_t row = 0; row < rows; row++)
      for (size_t k = 0; k < values; k += 2, to += width * 4) {
        const float *at = kernel + (row * values + k) * filters + f;
        const v16 next = k + 1 < values ? v16_load(at + filters) : v16_zero();
        words_store_pairs(to, v16_mul(v16_load(at), factors), v16_mul(next, factors));
      }
  }
}

VECTOR void product_words_ready(const void *const *from, size_t rows, size_t taps, size_t depth,
                                void *v, float *units) {
  char *to = v;
  for (size_t r = 0; r < rows; r++) {
    words_bits largest = words_none();
    for (size_t t = 0; t < taps; t++)
      for (size_t d = 0; d < depth; d += ELEMENT_STEP)
        largest = words_larger(largest, (const float *)from[t * rows + r] + d);
    const v16 factor = v16_all(words_factor(largest, units + r));
    for (size_t t = 0; t < taps; t++)
      for (size_t d = 0; d < depth; d += ELEMENT_STEP, to += 2 * ELEMENT_STEP) {
        const float *at = (const float *)from[t * rows + r] + d;
        v16 value[ELEMENT_VECTORS];
        for (int k = 0; k < ELEMENT_VECTORS; k++) value[k] = v16_load(at + 16 * k);
        words_store(to, value, factor);
      }
  }
}

/* A column's sum in numbers but for what the row counts, with those before it in m. */
INLINE v16 counted(v16 sum, const float *units, const float *m, bool more) {
  const v16 value = numbers(sum, ELEMENT_U8), unit = v16_load(units);
  return more ? v16_fma(value, unit, v16_load(m)) : v16_mul(value, unit);
}

/* What rows become at the end of the depth: each times what it counts, finished. */
typedef struct {
  const float *row_units;
  product_finish finish;
} ending;

/* m [count][16 vectors] = or += rows times u over `pairs` pairs of the depth, or with `end`, rows
 * `row` and so on finished. Meanwhile a line a pair is fetched from `ahead` on. */
INLINE void multiply_pairs(const char *const *rows, const char *u, const float *units, float *m,
                           size_t pairs, const char *ahead, int lines, int count, int vectors,
                           bool more, const ending *end, size_t row) {
  v16 sum[PRODUCT_ROWS][VECTORS]; /* whole numbers */
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = v16_zero();
  for (size_t d = 0; d < pairs; d++) {
    for (int k = 0; k < lines; k++)
      _mm_prefetch(ahead + (d * (size_t)lines + (size_t)k) * 64, _MM_HINT_T0);
    words_pairs w[VECTORS];
    for (int k = 0; k < vectors; k++) w[k] = words_load(u + (d * (size_t)vectors + (size_t)k) * 64);
    for (int r = 0; r < count; r++) {
      int32_t two;
      memcpy(&two, rows[r] + d * sizeof two, sizeof two);
      const words_two value = words_all(two);
      for (int k = 0; k < vectors; k++) sum[r][k] = words_summed(sum[r][k], value, w[k]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) {
      float *to = m + ((size_t)r * (size_t)vectors + (size_t)k) * 16;
      const v16 value = counted(sum[r][k], units + 16 * k, to, more);
      if (end) sum[r][k] = v16_mul(value, v16_all(end->row_units[row + (size_t)r]));
      else v16_store(to, value);
    }
  if (end) finish_rows(&end->finish, row, sum, count, vectors, ELEMENT_F32);
}

/* A row of m. */
INLINE void finish_m(const float *m, const ending *end, size_t row, int vectors) {
  v16 sums[PRODUCT_ROWS][VECTORS];
  for (int k = 0; k < vectors; k++)
    sums[0][k] = v16_mul(v16_load(m + 16 * k), v16_all(end->row_units[row]));
  finish_rows(&end->finish, row, sums, 1, vectors, ELEMENT_F32);
}

#define ROWS_CASE(count)                                                                           \
  case count:                                                                                      \
    multiply_pairs(from, u, units, to, pairs, ahead, lines, count, vectors, more, NULL, 0);        \
    break
#define ROWS_ALL(lines)                                                                            \
  multiply_pairs(from, u, units, to, pairs, ahead, lines, PRODUCT_ROWS, vectors, more, end, r)
/* All rows go through one stretch of the depth, whose factors stay in the nearest cache meanwhile.
 * The first groups of rows fetch those of the next stretch there, a part each; a single group as
 * many lines as it uses. Whole groups are finished in registers. */
INLINE void multiply_stretch(const char *v, size_t row_bytes, const char *u, const float *units,
                             float *m, size_t rows, size_t pairs, int lines, int vectors, bool more,
                             const ending *end) {
  for (size_t r = 0; r < rows; r += PRODUCT_ROWS) {
    const char *from[PRODUCT_ROWS];
    const size_t left = rows - r, count = left < PRODUCT_ROWS ? left : PRODUCT_ROWS;
    for (size_t i = 0; i < count; i++) from[i] = v + (r + i) * row_bytes;
    const size_t part = r / PRODUCT_ROWS % (size_t)vectors, columns = (size_t)vectors * 16;
    const char *ahead = u + ((size_t)vectors + part) * pairs * 64;
    float *to = m + r * columns;
    switch (count) {
      ROWS_CASE(1);
      ROWS_CASE(2);
      ROWS_CASE(3);
      ROWS_CASE(4);
      ROWS_CASE(5);
    default:
      if (vectors == 1 && r > 0) ROWS_ALL(0);
      else ROWS_ALL(lines);
      continue;
    }
    for (size_t i = 0; end && i < count; i++) finish_m(to + i * columns, end, r + i, vectors);
  }
}

#define STRETCH(more, end)                                                                         \
  multiply_stretch(from, row_bytes, factors, units, m, rows, pairs, lines, vectors, more, end)
INLINE void multiply_all(const char *v, size_t row_bytes, const char *u, const float *units,
                         float *m, size_t rows, size_t depth, int lines, int vectors,
                         const ending *end) {
  for (size_t first = 0; first < depth / 2; first += PAIRS) {
    const size_t left = depth / 2 - first, pairs = left < PAIRS ? left : PAIRS;
    const char *from = v + first * 4, *factors = u + first * (size_t)vectors * 64;
    if (end && left <= PAIRS) {
      if (first) STRETCH(true, end);
      else STRETCH(false, end);
    } else if (first) STRETCH(true, NULL);
    else STRETCH(false, NULL);
  }
}

INLINE void multiply_width(const char *v, size_t row_bytes, const char *u, const float *units,
                           float *m, size_t rows, size_t depth, int width, const ending *end) {
#if PRODUCT_WIDTH == 16
  (void)width;
  multiply_all(v, row_bytes, u, units, m, rows, depth, 1, 1, end);
#else
  const bool single = rows <= PRODUCT_ROWS;
  if (width == 64 && single) multiply_all(v, row_bytes, u, units, m, rows, depth, 4, 4, end);
  else if (width == 64) multiply_all(v, row_bytes, u, units, m, rows, depth, 1, 4, end);
  else if (single) multiply_all(v, row_bytes, u, units, m, rows, depth, 2, 2, end);
  else multiply_all(v, row_bytes, u, units, m, rows, depth, 1, 2, end);
#endif
}

PRODUCT void product_words_rows(const void *v, size_t v_stride, const void *u, const float *units,
                                float *m, size_t rows, size_t depth, int width) {
  multiply_width(v, 2 * v_stride, u, units, m, rows, depth, width, NULL);
}

PRODUCT void product_words_finished(const void *v, const float *row_units, const void *u,
                                    const float *units, float *m, const product_finish *finish,
                                    size_t rows, size_t depth, int width) {
  const ending end = {row_units, *finish};
  multiply_width(v, 2 * depth, u, units, m, rows, depth, width, &end);
}

#endif
