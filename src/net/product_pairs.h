/* How windows of pairs are gone through, for one kind of sums: with PAIRS_INLINE, for functions,
 * and window_block(w, v, u, finish, row, count, vectors, pooled), a chunk of the filters of `count`
 * windows or of half as many squares, defined. Included once for each, so without a guard. */

/* All filters of them, so that what is stored is one stretch. */
PAIRS_INLINE void window_group(const product_pairs *w, size_t first, const char *u,
                               const product_finish *finish, size_t filters, int count,
                               bool pooled) {
  if (pooled && count % 2) return;
  product_finish f = *finish;
  const size_t row = first / (pooled ? 2 : 1), pairs = (size_t)(w->rows * w->pairs);
  const uint16_t *v = w->v + first * w->step;
  for (size_t left = filters; left;) {
    const size_t width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
#if PRODUCT_WIDTH > 16
    if (width < PRODUCT_WIDTH) window_block(w, v, u, &f, row, count, VECTORS / 2, pooled);
    else
#endif
      window_block(w, v, u, &f, row, count, VECTORS, pooled);
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
PAIRS_INLINE void window_groups(const product_pairs *w, const char *u, const product_finish *finish,
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

#undef WINDOW_CASE
#undef PAIRS_INLINE
