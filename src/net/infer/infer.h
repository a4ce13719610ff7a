/* leuko's own kernels for inference: activations NHWC in any element type, and work only
 * where an image can differ from the blank one (net/skip.h).
 *
 * A kernel reads an input pixel from the activations where it was computed and from the blank
 * image's elsewhere, and writes the pixels that are wanted; others it may leave as they are. */
#ifndef NET_INFER_INFER_H
#define NET_INFER_INFER_H

#include <stdint.h>

#include "net/element.h"
#include "net/step.h"

#define infer_list_bytes LEVEL(infer_list_bytes)
#define infer_list LEVEL(infer_list)
#define infer_first_new LEVEL(infer_first_new)
#define infer_first_half LEVEL(infer_first_half)
#define infer_first_words LEVEL(infer_first_words)
#define infer_first_free LEVEL(infer_first_free)
#define infer_first_bind LEVEL(infer_first_bind)
#define infer_first_run LEVEL(infer_first_run)
#define infer_winograd_new LEVEL(infer_winograd_new)
#define infer_winograd_free LEVEL(infer_winograd_free)
#define infer_winograd_bind LEVEL(infer_winograd_bind)
#define infer_winograd_run LEVEL(infer_winograd_run)
#define winograd_words_pack LEVEL(winograd_words_pack)
#define winograd_words_input LEVEL(winograd_words_input)
#define infer_direct_new LEVEL(infer_direct_new)
#define infer_direct_free LEVEL(infer_direct_free)
#define infer_direct_bind LEVEL(infer_direct_bind)
#define infer_direct_run LEVEL(infer_direct_run)
#define infer_matrix_new LEVEL(infer_matrix_new)
#define infer_matrix_free LEVEL(infer_matrix_free)
#define infer_matrix_bind LEVEL(infer_matrix_bind)
#define infer_matrix_run LEVEL(infer_matrix_run)
#define infer_units_new LEVEL(infer_units_new)
#define infer_units_free LEVEL(infer_units_free)
#define infer_units_set LEVEL(infer_units_set)
#define infer_byte_factors LEVEL(infer_byte_factors)
#define infer_maxpool LEVEL(infer_maxpool)
#define infer_avgpool LEVEL(infer_avgpool)

/* A convolution or pooling. Convolutions have filters in multiples of ELEMENT_STEP. */
typedef struct {
  net_shape in, out; /* out after pooling */
  net_shape plain;   /* of the output before pooling */
  int kernel, stride, pad;
  bool relu, pool, add;
  element_type in_type, out_type, add_type;
  bool half;        /* a convolution's products are in half precision */
  bool words;       /* or in whole numbers of 16 bits */
  float in_largest; /* of few channels, in whole numbers: magnitude that the input can have */
  /* [c]: what one of a byte counts; of the output, how many one is; NULL: no bytes. The output's
   * last as long as the kernel, the others until it is bound. */
  const float *in_scales, *add_scales, *out_units;
  int threads;
  const char *zeros; /* as many as a row of the window has values, in the input's type */
} infer_shape;

/* A pixel of the output, or a square of pixels: where it lies, in its own size. */
typedef struct {
  uint16_t image, y, x;
} infer_place;

/* list.c: the squares of side x side output pixels of which one is wanted, in order. `list` has
 * room for those of the whole batch and is followed by what the making needs: infer_list_bytes. */
size_t infer_list_bytes(const infer_shape *s, int batch, int side);
size_t infer_list(const infer_shape *s, const net_call *call, int side, infer_place *list);

/* Number of a pixel of `shape` in the whole batch. */
static inline size_t infer_number(net_shape shape, infer_place at) {
  return ((size_t)at.image * (size_t)shape.h + at.y) * (size_t)shape.w + at.x;
}

/* Where pixel (y, x) of image n lies, in activations or blank. NULL outside the image. */
static inline const char *infer_pixel(const net_skip *skip, const void *x, net_shape shape, int n,
                                      int row, int column, size_t bytes) {
  if ((unsigned)row >= (unsigned)shape.h || (unsigned)column >= (unsigned)shape.w) return NULL;
  size_t inside = (size_t)row * (size_t)shape.w + (size_t)column;
  size_t at = (size_t)n * (size_t)shape.h * (size_t)shape.w + inside;
  if (skip->computed && !skip->computed[at]) return (const char *)skip->blank + inside * bytes;
  return (const char *)x + at * bytes;
}

/* winograd.c: 3x3, stride 1, channels in multiples of ELEMENT_STEP; no bytes come in, but they may
 * go out. */
typedef struct infer_winograd infer_winograd;
leuko_status infer_winograd_new(const infer_shape *shape, int batch, infer_winograd **out,
                                size_t *scratch, leuko_error *error);
void infer_winograd_free(infer_winograd *w);
/* kernel [3][3][channels][filters] float32. */
leuko_status infer_winograd_bind(infer_winograd *w, const float *kernel, leuko_error *error);
void infer_winograd_run(const infer_winograd *w, const net_call *call);

/* first.c: any convolution whose channels are too few for a vector, so that a row of the window is
 * the unit. The input is float32 and complete. */
typedef struct infer_first infer_first;
leuko_status infer_first_new(const infer_shape *shape, infer_first **out, size_t *scratch,
                             leuko_error *error);
/* Whether half precision holds the sums where no input is larger than that; 0: who knows. Whether
 * whole numbers of 16 bits hold inputs and sums. */
bool infer_first_half(const infer_shape *shape, float largest);
bool infer_first_words(const infer_shape *shape, float largest);
void infer_first_free(infer_first *d);
/* kernel HWIO float32; bias [filters] or NULL. */
void infer_first_bind(infer_first *d, const float *kernel, const float *bias);
void infer_first_run(const infer_first *d, const net_call *call);

/* units.c: what a convolution's sums are worth in the output's units. */
typedef struct {
  /* [filters]: what a sum counts, what is added to it, what one of the branch counts */
  float *scales, *biases, *other_scales;
} infer_units;
leuko_status infer_units_new(int filters, infer_units *out, leuko_error *error);
void infer_units_free(infer_units *units);
/* Those of filters `first` and so on, each of whose sums counts counts[f - first] before that.
 * bias [all filters] or NULL. */
void infer_units_set(infer_units *units, const infer_shape *shape, size_t first, size_t width,
                     const float *counts, const float *bias);
/* What brings the columns of a kernel [values][filters], each value times what its channel's byte
 * counts, to signed bytes, the largest value of each to 127, into factors [width]; 0 for a filter
 * of zeros. counts [width]: what one of a filter's sums counts then. */
void infer_byte_factors(const infer_shape *shape, const float *kernel, size_t width, float *factors,
                        float *counts);

/* matrix.c: convolutions of bytes or bfloat16 by the matrix unit, where there is one; channels and
 * filters in multiples of ELEMENT_BYTES_STEP. */
typedef struct infer_matrix infer_matrix;
/* Whether it is for these; only such are pooled whose windows overlap. */
static inline bool infer_matrix_takes(int kernel, int stride, bool pool) {
  return element_matrix() && (!pool || (kernel > 1 && stride == 1));
}
leuko_status infer_matrix_new(const infer_shape *shape, int batch, infer_matrix **out,
                              size_t *scratch, leuko_error *error);
void infer_matrix_free(infer_matrix *d);
/* As infer_direct_bind. */
void infer_matrix_bind(infer_matrix *d, const float *kernel, const float *bias);
void infer_matrix_run(const infer_matrix *d, const net_call *call);

/* direct.c: every other convolution, as sums of products over the window's pixels. Bytes are
 * multiplied with bytes into integers that are exact. */
typedef struct infer_direct infer_direct;
leuko_status infer_direct_new(const infer_shape *shape, int batch, infer_direct **out,
                              size_t *scratch, leuko_error *error);
void infer_direct_free(infer_direct *d);
/* kernel HWIO float32; bias [filters] or NULL. For bytes the kernel becomes signed bytes, each
 * filter in its own units, so that its largest value is 127. */
void infer_direct_bind(infer_direct *d, const float *kernel, const float *bias);
void infer_direct_run(const infer_direct *d, const net_call *call);

/* pool.c: channels in multiples of ELEMENT_STEP. The mean is always float32; bytes are only
 * maximised. */
void infer_maxpool(const infer_shape *s, const net_call *call);
void infer_avgpool(const infer_shape *s, const net_call *call);

#endif
