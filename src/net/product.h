/* The matrix products under leuko's own kernels: AVX-512, float32 or bfloat16 with float32 sums, or
 * bytes with sums of 32-bit integers. */
#ifndef NET_PRODUCT_H
#define NET_PRODUCT_H

#include "net/cpu.h"
#include "net/element.h"

#define PRODUCT_WIDTH 64 /* columns that are multiplied together */
#define PRODUCT_ROWS 6   /* rows that are multiplied together */

/* Whether what follows can run here, in float32 and in bfloat16 or bytes. */
static inline bool product_supported(void) {
  return net_cpu() >= NET_CPU_AVX512;
}
static inline bool product_supported_bf16(void) {
  return net_cpu() >= NET_CPU_AVX512_BF16;
}

/* m [rows][width] = v [rows][depth] u [depth][width]; rows of v are `v_stride` apart, rows of m
 * `width`; width is 16, 32, 48 or 64. Every sum runs over the depth in order, so a row's result
 * does not depend on the other rows. */
void product_rows(const float *v, size_t v_stride, const float *u, float *m, size_t rows,
                  size_t depth, int width);

/* The same in bfloat16. u is [depth / 2][width][2], depth is even. */
void product_rows_bf16(const void *v, size_t v_stride, const void *u, float *m, size_t rows,
                       size_t depth, int width);

/* m [rows][width] = sum over taps of v_t [rows][depth] u_t [depth][width], where row r of tap t
 * lies at from[t * rows + r], and u_t follow each other. float32 or bfloat16. */
void product_taps(const void *const *from, size_t taps, const void *u, float *m, size_t rows,
                  size_t depth, int width, bool bf16);

/* What becomes of a row of sums before it is stored: scale, bias, another branch, relu, rounding.
 * Where something is in bytes, `scale`, `bias` and `other_scale` bring everything to the output's
 * units. */
typedef struct {
  void *const *to;          /* [rows]: where each row goes */
  const void *const *other; /* [rows]: what is added; NULL: nothing */
  element_type type, other_type;
  float other_scale;  /* what one of `other` counts */
  size_t first;       /* column of the rows at which the sums begin */
  const float *scale; /* [width]: what one of a column's sums counts; NULL: 1 */
  const float *bias;  /* [width]; NULL: 0 */
  bool relu;
} product_finish;

/* The sums of product_taps, finished instead of stored; width is 32 or 64. Of bytes: v is unsigned,
 * u [depth / 4][width][4] signed, depth a multiple of 4 and at most 2^16, so that a sum, which is
 * exact, cannot overflow. */
void product_taps_finished(const void *const *from, size_t taps, const void *u,
                           const product_finish *finish, size_t rows, size_t depth, int width,
                           element_type type);

#endif
