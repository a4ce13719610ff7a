#include <math.h>
#include <stdint.h>
#include <string.h>

#include "net/product_finish.h"

static size_t up_to_line(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

/* Factors of four neighbouring values, [values / 4][width][4]. */
static void pack_fours(const float *kernel, size_t stride, const product_factors *by, size_t values,
                       int width, int8_t *to) {
  for (size_t k = 0; k < values; k++)
    for (size_t f = 0; f < (size_t)width; f++)
      to[(k / 4 * (size_t)width + f) * 4 + k % 4] =
          (int8_t)lrintf(kernel[k * stride + f] * by->rows[k % by->depth] * by->columns[f]);
}

#ifndef VECTOR_AVX2

/* vpdpbusd does all of it; plain C has no kernels in bytes. */
size_t product_bytes_room(size_t taps, size_t depth, int width) {
  return up_to_line(taps * depth * (size_t)width);
}

void product_bytes_pack(const float *kernel, size_t stride, const product_factors *by,
                        size_t values, int width, void *u) {
  pack_fours(kernel, stride, by, values, width, u);
}

size_t product_bytes_scratch(size_t rows, size_t taps, size_t depth) {
  (void)rows;
  (void)taps;
  (void)depth;
  return 0;
}

void product_bytes_ready(const void *const *from, size_t rows, size_t taps, size_t depth,
                         void *scratch) {
  (void)from;
  (void)rows;
  (void)taps;
  (void)depth;
  (void)scratch;
}

void product_bytes_finished(const void *const *from, const void *scratch, const void *u,
                            const product_finish *finish, size_t rows, size_t taps, size_t depth,
                            int width) {
  (void)scratch;
  product_taps_finished(from, rows, taps, u, finish, rows, depth, width, ELEMENT_U8);
}

#else

/* vpmaddubsw adds two products in 16 bits and saturates. So it is given no value above MOST: two
 * products with any factors are exact then, and four whose factors' magnitudes add up to no more
 * than MOST_FACTORS. Fours of values are therefore multiplied two by two, in couples that packing
 * finds, each of the couple's four sums of 16 bits within that bound; a four for which there is no
 * partner is coupled with zeros. What a value has above MOST is rare and multiplied apart. */
#define MOST 127
#define MOST_FACTORS (INT16_MAX / MOST)
#define ROWS 3    /* that are multiplied together: 6 sums and 4 vectors of factors in registers */
#define WINDOW 32 /* fours among which a partner is looked for */
#define FOUR 64   /* bytes of sixteen columns' factors of four values */

/* Packed factors: their couples, [couples][2][16][4] bytes, lie behind the tables. */
typedef struct {
  size_t fours, couples;
  /* [couples][2]: a couple's first values; then [fours]: where the factors of each four lie. */
  uint32_t at[];
} packed;

/* Rows of values up to MOST, [rows][values], and the fours that have more, row by row. */
typedef struct {
  const uint8_t *values;
  uint32_t *first; /* [rows + 1] */
  uint32_t *fours;
} ready;

static size_t table_bytes(size_t fours) {
  return up_to_line(sizeof(packed) + 3 * fours * sizeof(uint32_t));
}

size_t product_bytes_room(size_t taps, size_t depth, int width) {
  (void)width;
  return table_bytes(taps * depth / 4) + 2 * taps * depth / 4 * FOUR;
}

/* Whether all sums of 16 bits are exact where fours with these factors are added up. */
static bool are_partners(const int8_t *a, const int8_t *b) {
  bool exact = true;
  for (int k = 0; k < FOUR; k += 2) {
    const int sum = abs(a[k]) + abs(a[k + 1]) + abs(b[k]) + abs(b[k + 1]);
    exact &= sum <= MOST_FACTORS;
  }
  return exact;
}

void product_bytes_pack(const float *kernel, size_t stride, const product_factors *by,
                        size_t values, int width, void *u) {
  packed *p = u;
  const size_t fours = values / 4;
  int8_t *couples = (int8_t *)u + table_bytes(fours), *plain = couples + fours * FOUR;
  uint32_t *places = p->at + 2 * fours;
  uint32_t window[WINDOW];
  size_t waiting = 0, next = 0;
  /* In the room's second half, where couples come only after what lies there was packed. */
  pack_fours(kernel, stride, by, values, width, plain);
  *p = (packed){.fours = fours};
  for (; waiting > 0 || next < fours; p->couples++) {
    while (waiting < WINDOW && next < fours) window[waiting++] = (uint32_t)next++;
    const int8_t *first = plain + (size_t)window[0] * FOUR;
    size_t partner = 1;
    while (partner < waiting && !are_partners(first, plain + (size_t)window[partner] * FOUR))
      partner++;
    int8_t both[2][FOUR] = {{0}};
    uint32_t *at = p->at + 2 * p->couples;
    memcpy(both[0], first, FOUR);
    at[0] = at[1] = 4 * window[0];
    places[window[0]] = (uint32_t)(2 * p->couples);
    if (partner < waiting) {
      memcpy(both[1], plain + (size_t)window[partner] * FOUR, FOUR);
      at[1] = 4 * window[partner];
      places[window[partner]] = (uint32_t)(2 * p->couples + 1);
      memmove(window + partner, window + partner + 1, (--waiting - partner) * sizeof *window);
    }
    memmove(window, window + 1, --waiting * sizeof *window);
    memcpy(couples + 2 * p->couples * FOUR, both, sizeof both);
  }
}

static ready ready_in(void *scratch, size_t rows, size_t values) {
  char *room = scratch;
  void *first = room + up_to_line(rows * values), *fours = (uint32_t *)first + rows + 1;
  return (ready){.values = scratch, .first = first, .fours = fours};
}

size_t product_bytes_scratch(size_t rows, size_t taps, size_t depth) {
  const size_t values = taps * depth;
  return up_to_line(rows * values) + up_to_line((rows + 1 + rows * values / 4) * sizeof(uint32_t));
}

/* Copies a step of values up to MOST; gives the fours that have more, one bit each. */
VECTOR_INLINE unsigned limit(const uint8_t *from, uint8_t *to) {
  const __m256i values = _mm256_loadu_si256((const void *)from);
  const __m256i limited = _mm256_min_epu8(values, _mm256_set1_epi8(MOST));
  _mm256_storeu_si256((void *)to, limited);
  const __m256i same = _mm256_cmpeq_epi32(values, limited);
  return 0xffU ^ (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(same));
}

VECTOR void product_bytes_ready(const void *const *from, size_t rows, size_t taps, size_t depth,
                                void *scratch) {
  const ready r = ready_in(scratch, rows, taps * depth);
  uint8_t *to = scratch;
  uint32_t count = 0;
  for (size_t row = 0; row < rows; row++) {
    r.first[row] = count;
    for (size_t t = 0; t < taps; t++) {
      const uint8_t *values = from[t * rows + row];
      for (size_t d = 0; d < depth; d += ELEMENT_BYTES_STEP, to += ELEMENT_BYTES_STEP) {
        const unsigned more = limit(values + d, to);
        for (unsigned four = 0; more >> four; four++)
          if (more >> four & 1) r.fours[count++] = (uint32_t)((t * depth + d) / 4 + four);
      }
    }
  }
  r.first[rows] = count;
}

/* Four values in each of eight places. */
VECTOR_INLINE __m256i four_of(const uint8_t *values) {
  int32_t four;
  memcpy(&four, values, sizeof four);
  return _mm256_set1_epi32(four);
}

VECTOR_INLINE __m256i factors_at(const int8_t *factors, int half) {
  return _mm256_loadu_si256((const void *)(factors + half * (FOUR / 2)));
}

/* Sums of eight columns from those of 16 bits. */
VECTOR_INLINE __m256i add_pairs(__m256i sum, __m256i pairs) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

VECTOR_INLINE void multiply_couples(const uint8_t *values, size_t stride, const packed *p,
                                    const int8_t *couples, __m256i sum[ROWS][2], int count) {
  for (size_t k = 0; k < p->couples; k++, couples += 2 * FOUR) {
    const uint8_t *first = values + p->at[2 * k], *second = values + p->at[2 * k + 1];
    for (int r = 0; r < count; r++) {
      const __m256i a = four_of(first + (size_t)r * stride);
      const __m256i b = four_of(second + (size_t)r * stride);
      for (int half = 0; half < 2; half++) {
        const __m256i x = _mm256_maddubs_epi16(a, factors_at(couples, half));
        const __m256i y = _mm256_maddubs_epi16(b, factors_at(couples + FOUR, half));
        sum[r][half] = add_pairs(sum[r][half], _mm256_add_epi16(x, y));
      }
    }
  }
}

/* What the values of row `row` have above MOST. */
VECTOR_INLINE void multiply_rest(const void *const *from, const ready *v, size_t row, size_t rows,
                                 size_t depth, const packed *p, const int8_t *couples,
                                 __m256i sum[2]) {
  const uint32_t *places = p->at + 2 * p->fours;
  for (uint32_t k = v->first[row]; k < v->first[row + 1]; k++) {
    const uint32_t four = v->fours[k];
    const size_t tap = 4 * (size_t)four / depth, at = 4 * (size_t)four % depth;
    const uint8_t *values = (const uint8_t *)from[tap * rows + row] + at;
    const __m256i rest = _mm256_subs_epu8(four_of(values), _mm256_set1_epi8(MOST));
    const int8_t *factors = couples + (size_t)places[four] * FOUR;
    for (int half = 0; half < 2; half++)
      sum[half] = add_pairs(sum[half], _mm256_maddubs_epi16(rest, factors_at(factors, half)));
  }
}

VECTOR_INLINE void bytes_block(const void *const *from, const ready *v, const packed *p,
                               const product_finish *finish, size_t row, size_t rows, size_t taps,
                               size_t depth, int count) {
  const int8_t *couples = (const int8_t *)p + table_bytes(p->fours);
  __m256i sum[ROWS][2];
  for (int r = 0; r < count; r++) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
  multiply_couples(v->values + row * taps * depth, taps * depth, p, couples, sum, count);
  const bool rest = v->first[row] < v->first[row + (size_t)count];
  for (int r = 0; r < count; r++) {
    if (rest) multiply_rest(from, v, row + (size_t)r, rows, depth, p, couples, sum[r]);
    const v16 sums = {_mm256_castsi256_ps(sum[r][0]), _mm256_castsi256_ps(sum[r][1])};
    finish_row(finish, row + (size_t)r, &sums, 1, ELEMENT_U8);
  }
}

VECTOR void product_bytes_finished(const void *const *from, const void *scratch, const void *u,
                                   const product_finish *finish, size_t rows, size_t taps,
                                   size_t depth, int width) {
  const ready r = ready_in((void *)(uintptr_t)scratch, rows, taps * depth);
  /* A copy, which what is stored cannot change. */
  const product_finish own = *finish;
  size_t row = 0;
  (void)width;
  for (; row + ROWS <= rows; row += ROWS)
    bytes_block(from, &r, u, &own, row, rows, taps, depth, ROWS);
  if (rows - row == 2) bytes_block(from, &r, u, &own, row, rows, taps, depth, 2);
  if (rows - row == 1) bytes_block(from, &r, u, &own, row, rows, taps, depth, 1);
}

#endif
