/* Products over tiles, rows or images that give a kernel's gradient: float32 sums of float32 or
 * bfloat16. */
#ifndef NET_OUTER_H
#define NET_OUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "net/product.h"

#define outer_pairs LEVEL(outer_pairs)
#define outer_rows LEVEL(outer_rows)

/* du [channels][width] (rows `stride` floats apart) = sum over pairs of v z, or += it with `more`.
 * v [pairs][channels][2] and z [pairs][width][2] are bfloat16, rows of z `z_stride` values of
 * 32 bits apart, those of v `v_stride`. channels is a multiple of 4, width of 16, at most
 * PRODUCT_WIDTH. Only where VECTOR_NARROW is defined. */
void outer_pairs(const void *v, size_t v_stride, const void *z, size_t z_stride, float *du,
                 size_t stride, size_t pairs, size_t channels, int width, bool more);

/* The same in float32: v [rows][channels], z [rows][width], rows `v_stride` and `z_stride` floats
 * apart; any number of channels. */
void outer_rows(const float *v, size_t v_stride, const float *z, size_t z_stride, float *du,
                size_t stride, size_t rows, size_t channels, int width, bool more);

#endif
