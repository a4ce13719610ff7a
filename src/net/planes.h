/* Convolutions on the matrix unit, as far as inference and training share them: bands of images
 * whose windows are multiplied sixteen pixels at a time. Only where VECTOR_MATRIX is defined. */
#ifndef NET_PLANES_H
#define NET_PLANES_H

#include "net/product_matrix.h"
#include "net/step.h"

#ifdef VECTOR_MATRIX

/* What one thread works with on some pixels. */
typedef struct {
  char *rows;        /* what is multiplied: a plane, or windows one behind the other */
  float *m;          /* two groups' products */
  uint32_t *offsets; /* [steps]: where those of a window lie */
  uint32_t *at;      /* [groups]: where each group's first row begins */
  uint32_t *number;  /* [groups][16]: the output pixels that they become, or MATRIX_NOBODY */
  size_t stride;     /* bytes between the rows of a group */
  size_t groups;
} matrix_groups;

/* Bytes of all that, where rows take `room`; and its places in that much from `own` on, which is at
 * a cache line. */
size_t matrix_groups_bytes(size_t room, size_t steps, size_t groups);
matrix_groups matrix_groups_in(char *own, size_t room, size_t steps, size_t groups);

/* Who takes the sums of a group or two: m [rows][PRODUCT_WIDTH] of filters `first` and so on. */
typedef struct {
  void (*take)(const void *context, const float *m, const uint32_t *number, size_t rows,
               size_t first, int width);
  const void *context;
} matrix_taker;

/* Multiplies all groups by every `shares`-th chunk of PRODUCT_WIDTH filters, from chunk `share` on.
 * u [filters / 16][steps][16][16][4 bytes]. */
void matrix_groups_multiply(const matrix_groups *g, size_t steps, const char *u, size_t filters,
                            size_t share, size_t shares, element_type type,
                            const matrix_taker *taker);

/* Some rows of some images, and some columns of them. */
typedef struct {
  int image, images;
  int top, rows, left, columns;
} matrix_band;

/* How images are cut into bands of so many rows, or of so many images. */
typedef struct {
  int rows, images;
} matrix_cut;

/* Bands of at most `bytes`, if that may be, where a pixel takes `pixel`: of `height` rows, in whole
 * `side`s, which read `more` rows and columns beside their own `width`. With `least_bands` there
 * are as many, if that leaves 8 rows. */
typedef struct {
  int height, width, side, more, batch;
  size_t pixel, bytes, least_bands;
} matrix_cutting;
matrix_cut matrix_cut_bands(const matrix_cutting *by);

/* A convolution of stride 1 whose windows overlap. They are read from a plane: a copy of a band of
 * the images with its borders, [units of a pixel][images][rows][columns][unit]. Sixteen pixels that
 * follow each other there are a group; those among them that nobody wants are computed for nothing.
 */
typedef struct {
  net_shape in, out; /* out after pooling */
  int kernel, pad, batch, threads;
  bool pool;
  size_t pixel; /* bytes of an input's pixel, a multiple of 32 */
  int filters;
  /* and what follows from that: */
  size_t unit, units; /* bytes, and how many a pixel has */
  size_t steps;       /* of 64 bytes, in a window */
  int height;         /* output rows before pooling that matter */
  matrix_cut cut;
  size_t room, groups; /* of a band at most */
} matrix_planes;

/* Fills in what follows. */
void matrix_planes_ready(matrix_planes *p);
size_t matrix_planes_scratch(const matrix_planes *p);

/* Which byte of the window [kernel][kernel][pixel] byte `byte` of a step is; MATRIX_NOTHING for one
 * that is another window's. */
#define MATRIX_NOTHING SIZE_MAX
size_t matrix_planes_byte(const matrix_planes *p, size_t step, size_t byte);

typedef struct {
  int count;             /* images */
  const uint8_t *wanted; /* [count][out.h][out.w]; NULL: all */
  const char *u;         /* the kernel, as for matrix_groups_multiply */
  element_type type;
  /* Copies pixels `left` and so on of an input row to the plane, its units `unit_stride` bytes
   * apart; those outside the image are zeros. */
  void (*fill)(const void *context, int image, int y, int left, int columns, char *to,
               size_t unit_stride);
  const void *context;
  matrix_taker taker; /* of pooled convolutions rows r and r + 16 are above each other */
} matrix_planes_job;

/* Returns how many output pixels were computed. */
size_t matrix_planes_run(const matrix_planes *p, const matrix_planes_job *job, char *scratch);

/* Leaves of a band, before pooling, the columns in which something is wanted; returns how many
 * output pixels are. */
size_t matrix_band_narrow(const uint8_t *wanted, net_shape out, int side, matrix_band *b);

#endif

#endif
