/* Products by the processor's matrix unit (AMX), whose registers hold sixteen rows of 64 bytes: of
 * unsigned bytes times signed ones, with sums of 32-bit integers, or of bfloat16 with float32 sums.
 * Only where VECTOR_MATRIX is defined, and net_cpu_matrix() says so. */
#ifndef NET_PRODUCT_MATRIX_H
#define NET_PRODUCT_MATRIX_H

#include "net/product.h"

#ifdef VECTOR_MATRIX

#define MATRIX_ROWS 16    /* of a register: pixels, or of the factors groups of 4 bytes */
#define MATRIX_BYTES 64   /* of a row: what is multiplied in one step */
#define MATRIX_COLUMNS 16 /* filters of a register of factors */
#define MATRIX_REGISTER (MATRIX_ROWS * MATRIX_BYTES)

#define matrix_begin LEVEL(matrix_begin)
#define matrix_end LEVEL(matrix_end)
#define matrix_multiply LEVEL(matrix_multiply)
#define matrix_outer LEVEL(matrix_outer)
#define matrix_finish LEVEL(matrix_finish)
#define matrix_finish_pooled LEVEL(matrix_finish_pooled)

/* What one thread does before its first product, and behind its last. */
void matrix_begin(void);
void matrix_end(void);

/* Rows of pixels: those of a group lie `stride` bytes apart, and what step k multiplies offsets[k]
 * bytes further. */
typedef struct {
  size_t stride, steps;
  const uint32_t *offsets; /* [steps] */
} matrix_rows;

/* m [groups * 16][PRODUCT_WIDTH] = the sums of one or two groups of sixteen rows, which begin at
 * a[0] and a[1], and `width` filters, 32 or 64. u: the factors of sixteen filters after those of
 * the sixteen before, of each step a register: [16][16 filters][4 bytes]. */
void matrix_multiply(const char *const *a, int groups, const matrix_rows *rows, const char *u,
                     void *m, int width, element_type type);

/* sums [2][16][2][16], of 32 rows of channels and 32 filters, += the sum over steps of 32 pixels of
 * x times dy, in bfloat16. x: the channels, `x_stride` bytes apart, a pixel behind the other, at
 * any address; dy: pairs of pixels, of 16 filters a register for each step, `dy_stride` bytes
 * before those of the next 16. Only the `count` steps of the list are summed. */
void matrix_outer(const char *x, size_t x_stride, const char *dy, size_t dy_stride,
                  const uint32_t *list, size_t count, float *sums);

#define MATRIX_NOBODY UINT32_MAX

/* Finishes `count` rows of m. Row r becomes pixel number[r] of y, `pixel` bytes each;
 * MATRIX_NOBODY: nobody asks for it. other [count]: what is added, NULL: nothing. `finish` without
 * `to` and `other`. */
void matrix_finish(const void *m, const product_finish *finish, const uint32_t *number,
                   const void *const *other, size_t count, void *y, size_t pixel, int width,
                   element_type type);
/* The same of the largest of squares: of rows 2 r and 2 r + 1 and of those sixteen rows further;
 * eight at most. */
void matrix_finish_pooled(const void *m, const product_finish *finish, const uint32_t *number,
                          size_t count, void *y, size_t pixel, int width, element_type type);

#endif

#endif
