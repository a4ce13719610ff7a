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
      words_pairs factors[VECTORS];
      for (int k = 0; k < vectors; k++) factors[k] = words_load(u + k * 64);
      for (int r = 0; r < count; r++) {
        int32_t two;
        memcpy(&two, v + (size_t)r * w->step + 2 * d, sizeof two);
        const words_two value = words_all(two);
        for (int k = 0; k < vectors; k++) sum[r][k] = words_summed(sum[r][k], value, factors[k]);
      }
    }
}

/* A chunk of the filters of `count` windows, or of half as many squares. */
INLINE void window_block(const product_pairs *w, const uint16_t *v, const char *u,
                         const product_finish *finish, size_t row, int count, int vectors,
                         bool pooled) {
  v16 sum[PRODUCT_ROWS][VECTORS], lower[PRODUCT_ROWS][VECTORS];
  window_sums(w, v, u, sum, count, vectors);
  if (pooled) {
    for (int r = 0; r < count / 2; r++)
      for (int k = 0; k < vectors; k++)
        sum[r][k] = words_larger_sums(sum[2 * r][k], sum[2 * r + 1][k]);
    window_sums(w, v + w->below, u, lower, count, vectors);
    for (int r = 0; r < count / 2; r++)
      for (int k = 0; k < vectors; k++)
        sum[r][k] =
            words_larger_sums(sum[r][k], words_larger_sums(lower[2 * r][k], lower[2 * r + 1][k]));
  }
  finish_rows(finish, row, sum, pooled ? count / 2 : count, vectors, ELEMENT_U8);
}

#define PAIRS_INLINE INLINE
#include "net/product_pairs.h"

PRODUCT void product_words_windows_finished(const product_pairs *w, const void *u,
                                            const product_finish *finish, size_t count,
                                            size_t filters) {
  if (w->pooled) window_groups(w, u, finish, count, filters, true);
  else window_groups(w, u, finish, count, filters, false);
}

#endif
