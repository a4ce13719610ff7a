#include <string.h>

#include "net/product_finish.h"
#include "net/words.h"

#ifdef VECTOR_WORDS

/* The sums, whole numbers, of `count` windows, a constant, from v on. */
INLINE void window_sums(const product_pairs *w, const uint16_t *v, const char *u,
                        v16 sum[PRODUCT_ROWS][VECTORS], int count, int vectors) {
  for (int r = 0; r < count; r++)
    for (int k = 0; k < vectors; k++) sum[r][k] = v16_zero();
  for (int i = 0; i < w->rows; i++, v += w->line)
    for (int d = 0; d < w->pairs; d++, u += vectors * 64) {
      __m512i factors[VECTORS];
      for (int k = 0; k < vectors; k++) factors[k] = _mm512_loadu_si512(u + k * 64);
      for (int r = 0; r < count; r++) {
        int32_t two;
        memcpy(&two, v + (size_t)r * w->step + 2 * d, sizeof two);
        const __m512i value = _mm512_set1_epi32(two);
        for (int k = 0; k < vectors; k++) sum[r][k] = words_summed(sum[r][k], value, factors[k]);
      }
    }
}

INLINE v16 larger_sums(v16 x, v16 y) {
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(x), _mm512_castps_si512(y)));
}

/* A chunk of the filters of `count` windows, or of half as many squares. */
INLINE void window_block(const product_pairs *w, const uint16_t *v, const char *u,
                         const product_finish *finish, size_t row, int count, int vectors,
                         bool pooled) {
  v16 sum[PRODUCT_ROWS][VECTORS], lower[PRODUCT_ROWS][VECTORS];
  window_sums(w, v, u, sum, count, vectors);
  if (pooled) {
    for (int r = 0; r < count / 2; r++)
      for (int k = 0; k < vectors; k++) sum[r][k] = larger_sums(sum[2 * r][k], sum[2 * r + 1][k]);
    window_sums(w, v + w->below, u, lower, count, vectors);
    for (int r = 0; r < count / 2; r++)
      for (int k = 0; k < vectors; k++)
        sum[r][k] = larger_sums(sum[r][k], larger_sums(lower[2 * r][k], lower[2 * r + 1][k]));
  }
  finish_rows(finish, row, sum, pooled ? count / 2 : count, vectors, ELEMENT_U8);
}

/* All filters of them, so that what is stored is one stretch. */
INLINE void window_group(const product_pairs *w, size_t first, const char *u,
                         const product_finish *finish, size_t filters, int count, bool pooled) {
  if (pooled && count % 2) return;
  product_finish f = *finish;
  const size_t row = first / (pooled ? 2 : 1), pairs = (size_t)(w->rows * w->pairs);
  const uint16_t *v = w->v + first * w->step;
  for (size_t left = filters; left;) {
    const size_t width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
    if (width < PRODUCT_WIDTH) window_block(w, v, u, &f, row, count, VECTORS / 2, pooled);
    else window_block(w, v, u, &f, row, count, VECTORS, pooled);
    u += width * pairs * 4;
    f.first += width;
    f.scale += width;
    f.bias += width;
    if (f.other_scale) f.other_scale += width;
    left -= width;
  }
}

#define WINDOW_CASE(count)                                                                         \
  case count:                                                                                      \
    window_group(w, first, u, finish, filters, count, pooled);                                     \
    break
INLINE void window_groups(const product_pairs *w, const char *u, const product_finish *finish,
                          size_t count, size_t filters, bool pooled) {
  for (size_t first = 0; first < count; first += PRODUCT_ROWS) {
    switch (count - first) {
      WINDOW_CASE(1);
      WINDOW_CASE(2);
      WINDOW_CASE(3);
      WINDOW_CASE(4);
      WINDOW_CASE(5);
    default:
      window_group(w, first, u, finish, filters, PRODUCT_ROWS, pooled);
      break;
    }
  }
}

PRODUCT void product_words_windows_finished(const product_pairs *w, const void *u,
                                            const product_finish *finish, size_t count,
                                            size_t filters) {
  if (w->pooled) window_groups(w, u, finish, count, filters, true);
  else window_groups(w, u, finish, count, filters, false);
}

#endif
