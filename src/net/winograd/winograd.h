/* Winograd's minimal filtering F(4x4, 3x3) for 3x3 convolutions of stride 1 (Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", CVPR 2016): an output tile of 4x4 costs 36
 * multiplications a channel pair in place of 144. Float32, activations NCHW16C.
 *
 *   forward   Y = At [ (G g Gt) . (Bt d B) ] A       tile d 6x6 -> Y 4x4
 *   to data   the same with the kernel turned by 180 degrees and its channels exchanged
 *   to kernel dg = Gt [ sum over tiles of (Bt d B) . (A dY At) ] G
 *
 * "." is taken channel by channel at each of the 36 positions, which makes 36 matrix products.
 * Interpolation points are 0, +-2/3, +-3/2 and infinity: with a b = 1 the constants stay small,
 * and so does the rounding error. */
#ifndef NET_WINOGRAD_WINOGRAD_H
#define NET_WINOGRAD_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "net/vector.h"

#define winograd_input LEVEL(winograd_input)
#define winograd_output LEVEL(winograd_output)
#define winograd_output_gradient LEVEL(winograd_output_gradient)
#define winograd_kernel LEVEL(winograd_kernel)
#define winograd_kernel_gradient LEVEL(winograd_kernel_gradient)

#define WINOGRAD_POSITIONS 36
#define WINOGRAD_TILE 4  /* side of an output tile */
#define WINOGRAD_PATCH 6 /* side of the input that it sees */

/* One convolution as tiles. */
typedef struct {
  int batch, channels, filters; /* channels and filters are multiples of 16 */
  int in_h, in_w, out_h, out_w;
  int pad;
  int tiles_y, tiles_x;
  bool relu; /* after the output transform */
} winograd_shape;

static inline size_t winograd_tiles(const winograd_shape *s) {
  return (size_t)s->batch * (size_t)s->tiles_y * (size_t)s->tiles_x;
}

/* Where tile number `t` lies. */
typedef struct {
  int image, y, x; /* y, x in tiles */
} winograd_place;

static inline winograd_place winograd_locate(const winograd_shape *s, size_t t) {
  size_t across = (size_t)s->tiles_x, in_image = across * (size_t)s->tiles_y;
  return (winograd_place){(int)(t / in_image), (int)(t % in_image / across), (int)(t % across)};
}

/* transform.c. `stride` is the distance between two of the 36 positions, in floats. */

/* v [36][count][channels] = Bt d B of tiles first .. first+count-1 of x [n][c/16][h][w][16]. */
void winograd_input(const winograd_shape *s, const float *x, size_t first, size_t count, float *v,
                    size_t stride);
/* y = At m A + bias, then relu, from m [36][count][width] for the filters
 * chunk .. chunk+width-1, into y [n][filters/16][h][w][16]. */
void winograd_output(const winograd_shape *s, const float *m, size_t stride, size_t first,
                     size_t count, int chunk, int width, const float *bias, float *y);
/* z [36][count][filters] = A dY At of tiles of dy [n][filters/16][h][w][16]; outside it is zero. */
void winograd_output_gradient(const winograd_shape *s, const float *dy, size_t first, size_t count,
                              float *z, size_t stride);
/* u = G g Gt of kernel [3][3][channels][filters], both multiples of 16, as
 * [filters / PRODUCT_WIDTH][36][channels][PRODUCT_WIDTH or the rest].
 * With `turned` for the way to the data: the kernel turned, its channels exchanged, so that
 * `channels` are the rows of u and the kernel is [3][3][filters][channels]. */
void winograd_kernel(const float *kernel, int channels, int filters, bool turned, float *u,
                     int threads);
/* dkernel [3][3][channels][filters] = Gt du G of the sum over `parts` of du
 * [36][channels][filters], `part_stride` floats apart, added up in order. */
void winograd_kernel_gradient(const float *du, int parts, size_t part_stride, int channels,
                              int filters, float *dkernel, int threads);

#endif
