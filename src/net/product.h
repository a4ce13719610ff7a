/* The matrix product under leuko's own kernels, float32, AVX-512. */
#ifndef NET_PRODUCT_H
#define NET_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#define PRODUCT_WIDTH 64 /* columns that are multiplied together */
#define PRODUCT_ROWS 6   /* rows that are multiplied together */

/* Whether this processor can run what follows. */
static inline bool product_supported(void) {
  return __builtin_cpu_supports("avx512f");
}

/* m [rows][width] = v [rows][depth] u [depth][width]; rows of v are `v_stride` apart, rows of m
 * `width`; width is 16, 32, 48 or 64. Every sum runs over the depth in order, so a row's result
 * does not depend on the other rows. */
void product_rows(const float *v, size_t v_stride, const float *u, float *m, size_t rows,
                  size_t depth, int width);

/* du [channels][filters] += sum over tiles of v [tiles][channels] z [tiles][filters]; channels is
 * a multiple of 4, filters of 16. */
void product_outer(const float *v, const float *z, float *du, size_t tiles, size_t channels,
                   size_t filters);

#endif
