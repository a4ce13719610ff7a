/* The matrix products under leuko's own kernels: float32 or bfloat16 with float32 sums, or bytes
 * with sums of 32-bit integers. */
#ifndef NET_PRODUCT_H
#define NET_PRODUCT_H

#include "net/element.h"

#define PRODUCT_ROWS 6 /* rows that are multiplied together */
#ifdef VECTOR_AVX512
#define PRODUCT_WIDTH 64 /* columns that are multiplied together */
#else
#define PRODUCT_WIDTH 16
#endif

#define product_rows LEVEL(product_rows)
#define product_taps LEVEL(product_taps)
#define product_taps_finished LEVEL(product_taps_finished)
#define product_windows_pack LEVEL(product_windows_pack)
#define product_windows_finished LEVEL(product_windows_finished)
#define product_windows_pooled LEVEL(product_windows_pooled)
#define product_bytes_room LEVEL(product_bytes_room)
#define product_bytes_pack LEVEL(product_bytes_pack)
#define product_bytes_scratch LEVEL(product_bytes_scratch)
#define product_bytes_ready LEVEL(product_bytes_ready)
#define product_bytes_finished LEVEL(product_bytes_finished)
#define product_words_pack LEVEL(product_words_pack)
#define product_words_rows LEVEL(product_words_rows)
#define product_words_ready LEVEL(product_words_ready)
#define product_words_finished LEVEL(product_words_finished)
#define product_words_windows_pack LEVEL(product_words_windows_pack)
#define product_words_windows_finished LEVEL(product_words_windows_finished)

/* m [rows][width] = v [rows][depth] u [depth][width]; rows of v are `v_stride` values apart, rows
 * of m `width`, a multiple of 16, PRODUCT_WIDTH at most. Every sum runs over the depth in order, so
 * a row's result does not depend on the other rows. With `bf16` v and u are bfloat16, u is [depth /
 * 2][width][2] and depth is even. */
void product_rows(const void *v, size_t v_stride, const void *u, float *m, size_t rows,
                  size_t depth, int width, bool bf16);

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
  const float *other_scale; /* [width]: what one of `other` counts; not for float32 alone */
  size_t first;             /* column of the rows at which the sums begin */
  const float *scale; /* [width]: what one of a column's sums counts; NULL: 1, not for bytes */
  const float *bias;  /* [width]; NULL: 0, only without `scale` */
  bool relu;
} product_finish;

/* The sums of product_taps, but with row r of tap t at from[t * stride + r], finished instead of
 * stored; width is a whole number of steps (net/element.h), with AVX-512 32 or 64. */
void product_taps_finished(const void *const *from, size_t stride, size_t taps, const void *u,
                           const product_finish *finish, size_t rows, size_t depth, int width,
                           element_type type);

/* Windows side by side on an image of few channels, in float32: value k of window r lies at
 * v[r * step + offsets[k]]. */
typedef struct {
  const float *v;
  size_t step, values;
  const uint32_t *offsets; /* [values] */
} product_windows;

/* Packs u = kernel [values][filters], HWIO, in chunks as in product_taps that follow each other. */
void product_windows_pack(const float *kernel, size_t values, size_t filters, float *u);

/* The sums of `count` windows times u, finished. */
void product_windows_finished(const product_windows *w, const float *u,
                              const product_finish *finish, size_t count, size_t filters);

/* The same, but each row that is finished is the largest sums of a square of four: of windows 2 r
 * and 2 r + 1, and of those that lie `below` floats behind them. `count`, which is even, is that of
 * the upper windows. */
void product_windows_pooled(const product_windows *w, size_t below, const float *u,
                            const product_finish *finish, size_t count, size_t filters);

/* The same of bytes, where there are kernels for them (product_bytes.c): v is unsigned, u signed
 * and from -127 on, depth a multiple of ELEMENT_BYTES_STEP and taps * depth at most 2^16, so that a
 * sum, which is exact, cannot overflow. */

/* Bytes that the factors [taps * depth][width] need when packed; they begin at a multiple of 64. */
size_t product_bytes_room(size_t taps, size_t depth, int width);
/* What a kernel's values are multiplied by before they are rounded to bytes. */
typedef struct {
  const float *rows;    /* [depth], the same for each tap */
  const float *columns; /* [width] */
  size_t depth;
} product_factors;

/* Packs u [values][width] = kernel [values][stride] times the factors of its row and column,
 * rounded. */
void product_bytes_pack(const float *kernel, size_t stride, const product_factors *by,
                        size_t values, int width, void *u);

/* Bytes that product_bytes_ready needs, from a multiple of 64 on. */
size_t product_bytes_scratch(size_t rows, size_t taps, size_t depth);
/* Readies rows for any number of products into `scratch`. */
void product_bytes_ready(const void *const *from, size_t rows, size_t taps, size_t depth,
                         void *scratch);
void product_bytes_finished(const void *const *from, const void *scratch, const void *u,
                            const product_finish *finish, size_t rows, size_t taps, size_t depth,
                            int width);

/* Windows side by side on an image of few channels, in 16 bits: pair k of row i of window r lies at
 * v[r * step + i * line + 2 k], and with `pooled` those of the lower windows of a square `below`
 * further. */
typedef struct {
  const uint16_t *v;
  size_t step, line, below;
  int rows, pairs;
  bool pooled;
} product_pairs;

#ifdef VECTOR_WORDS
/* The same of whole numbers of 16 bits (product_words.c; only where net_cpu_words). Sums of 128
 * values of the depth are exact; they are added up in float32. Widths are PRODUCT_WIDTH or, with
 * AVX-512, 32. */

/* What the magnitude of a row's value may be. */
#define PRODUCT_WORDS_LARGEST 32767
/* Packs u [depth][width] = kernel [depth][stride], each column brought to whole numbers that are as
 * large as they may be. units [width] become what a column's products count where one of a row's
 * values counts `counts`. */
void product_words_pack(const float *kernel, size_t stride, float counts, size_t depth,
                        size_t width, void *u, float *units);
/* v [rows][taps][depth], whole numbers (net/words.h), of rows of float32, tap t of row r at
 * from[t * rows + r]; units [rows] become what one of a row's counts. */
void product_words_ready(const void *const *from, size_t rows, size_t taps, size_t depth, void *v,
                         float *units);
/* m [rows][width] = v [rows][depth] u in those units; rows of v are `v_stride` values apart, the
 * depth is a number of steps. */
void product_words_rows(const void *v, size_t v_stride, const void *u, const float *units, float *m,
                        size_t rows, size_t depth, int width);

/* The same of rows that product_words_ready gave, whose units are `row_units`, finished: `finish`
 * has no scale. They go through m [rows][width]. */
void product_words_finished(const void *v, const float *row_units, const void *u,
                            const float *units, float *m, const product_finish *finish, size_t rows,
                            size_t depth, int width);

/* Packs u = kernel [rows][values][filters], HWIO, for windows, an odd number of values in a row
 * with a zero behind: [chunk][rows][(values + 1) / 2][width][2], the values of all rows
 * PRODUCT_WORDS_MOST at most. units [filters] as with product_words_pack. */
#define PRODUCT_WORDS_MOST 256
void product_words_windows_pack(const float *kernel, float counts, size_t rows, size_t values,
                                size_t filters, void *u, float *units);
/* As product_windows_finished, or with `pooled` as product_windows_pooled; `finish` has a scale. */
void product_words_windows_finished(const product_pairs *w, const void *u,
                                    const product_finish *finish, size_t count, size_t filters);
#endif

#ifdef VECTOR_HALF
/* The same in half precision (product_half.c; only where net_cpu_half). Both factors are brought to
 * what that holds by powers of two, whose inverses are the units that products are counted in: rows
 * by their largest value, below 16, columns by theirs. The sums of 128 values of the depth are in
 * half precision. Rows are even long, widths 32 or 64. */

/* The factors that bring the largest of each column of kernel [values][stride] to 2^-(below + 1) ..
 * 2^-below, and their inverses, units [width]. */
void product_half_units(const float *kernel, size_t stride, size_t values, size_t width, int below,
                        float *factors, float *units);
/* Packs u = kernel [values][stride] times the factors: pairs of values, of every 32 columns first
 * those of the even ones, then of the odd ones. */
void product_half_pack(const float *kernel, size_t stride, const float *factors, size_t values,
                       size_t width, void *u);
/* m [rows][width] = v [rows][depth] u, all in half precision, rows of v `v_stride` values apart;
 * with `more` it is added to m. PRODUCT_HALF_DEPTH of the depth at a time are summed before that is
 * done, so that what follows parts of so many is the same. */
#define PRODUCT_HALF_DEPTH 128
void product_half_rows(const void *v, size_t v_stride, const void *u, void *m, size_t rows,
                       size_t depth, int width, bool more);

/* Bytes that product_half_ready needs, from a multiple of 64 on. */
size_t product_half_scratch(size_t rows, size_t values);
/* Readies rows of float32 or half precision for any number of products into `scratch`; `depth` is a
 * number of steps. */
void product_half_ready(const void *const *from, size_t rows, size_t taps, size_t depth,
                        element_type type, void *scratch);
/* The products of what is ready, added up in float32, in numbers, finished: `finish` has a scale.
 * They go through m [rows][width]. */
void product_half_finished(void *scratch, const void *u, float *m, const product_finish *finish,
                           size_t rows, size_t values, int width);

/* As product_windows_finished, or with `pooled` as product_windows_pooled: u as product_half_pack
 * leaves it, chunk by chunk, and `finish` with a scale. All sums are in half precision: magnitudes
 * of v may be PRODUCT_HALF_LARGEST / (rows pairs) at most. */
#define PRODUCT_HALF_LARGEST 30000
void product_half_windows_finished(const product_pairs *w, const void *u,
                                   const product_finish *finish, size_t count, size_t filters);
#endif

#endif
