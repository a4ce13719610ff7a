/* leuko's own kernels for training: activations and their gradients NHWC in float32 or, with
 * AVX-512, bfloat16, with one source for both, sums and parameters' gradients in float32.
 *
 * A convolution in training takes relu and 2x2 max pooling with it: what is stored is the pooled
 * output, with one byte a value for where it came from, and the way back spreads the pooled
 * gradient while it reads it. Neither the output before the pooling nor its gradient, four times
 * the size, ever lies in memory. */
#ifndef NET_LEARN_LEARN_H
#define NET_LEARN_LEARN_H

#include <stdint.h>

#include "net/element.h"
#include "net/step.h"

#define learn_winograd_new LEVEL(learn_winograd_new)
#define learn_winograd_free LEVEL(learn_winograd_free)
#define learn_winograd_bind LEVEL(learn_winograd_bind)
#define learn_winograd_run LEVEL(learn_winograd_run)
#define learn_winograd_gradient_scratch LEVEL(learn_winograd_gradient_scratch)
#define learn_winograd_gradient LEVEL(learn_winograd_gradient)
#define learn_first_new LEVEL(learn_first_new)
#define learn_first_free LEVEL(learn_first_free)
#define learn_first_bind LEVEL(learn_first_bind)
#define learn_first_forward LEVEL(learn_first_forward)
#define learn_first_backward LEVEL(learn_first_backward)
#define learn_flat_scratch LEVEL(learn_flat_scratch)
#define learn_flat_forward LEVEL(learn_flat_forward)
#define learn_flat_gather LEVEL(learn_flat_gather)
#define learn_flat_backward LEVEL(learn_flat_backward)
#define learn_tiles_listed LEVEL(learn_tiles_listed)
#define learn_rows_workspace LEVEL(learn_rows_workspace)
#define learn_rows_scratch LEVEL(learn_rows_scratch)
#define learn_rows_forward LEVEL(learn_rows_forward)
#define learn_rows_backward LEVEL(learn_rows_backward)
#define learn_add_forward LEVEL(learn_add_forward)
#define learn_add_backward LEVEL(learn_add_backward)

#define LEARN_LINE 64 /* bytes of a cache line */

/* Of a pooled value: which of its four pixels it was, or that none passes a gradient on (relu). */
#define LEARN_NO_PIXEL 4

/* A convolution. Filters are a multiple of ELEMENT_STEP. */
typedef struct {
  int batch, threads;
  net_shape in, plain, out; /* plain: the output before pooling */
  int kernel, stride, pad;
  bool relu, pool;
  bool bf16;    /* the output is in bfloat16 */
  bool in_bf16; /* the input is; the same unless the matrix unit computes it, or it is the first */
} learn_shape;

/* The convolution that takes the gradient of the output to that of the input; of 1x1 with a stride
 * only at the places that were read. */
static inline learn_shape learn_to_data(const learn_shape *forward) {
  learn_shape s = *forward;
  s.in = forward->plain;
  s.plain = s.out = forward->in;
  if (forward->stride > 1) {
    s.out.h = s.plain.h = forward->plain.h;
    s.out.w = s.plain.w = forward->plain.w;
  }
  s.pad = forward->kernel - 1 - forward->pad;
  s.bf16 = forward->in_bf16;
  s.in_bf16 = forward->bf16;
  s.relu = s.pool = false;
  return s;
}

/* A constant where there is no bfloat16, so that its kernels are not compiled. */
static inline bool learn_bf16(const learn_shape *s) {
#ifdef VECTOR_NARROW
  return s->bf16;
#else
  (void)s;
  return false;
#endif
}

/* Activations or gradients as a convolution reads them. */
typedef struct {
  const char *values;
  const char *relu;   /* where this activation is not positive, the value counts as zero; or NULL */
  const uint8_t *won; /* the values are pooled: pixel k of a square has its value where won is k */
  net_shape stored;   /* of the values in memory */
  /* [n][h][w] of what is stored: 0 where the pixel is `flat`; NULL: nowhere (net_flat). */
  const uint8_t *computed;
  const char *flat; /* NULL: zeros, since the sum of these gradients is counted by itself */
} learn_source;

static inline learn_source learn_gradient_source(const learn_shape *s, const net_call *call) {
  return (learn_source){.values = (const char *)call->dy,
                        .relu = s->relu && !s->pool ? (const char *)call->y : NULL,
                        .won = s->pool ? call->workspace : NULL,
                        .stored = s->out,
                        .computed = call->flat_out.computed};
}

/* Where one pixel of a source lies. */
typedef struct {
  const char *value;
  const void *other; /* the activation or the bytes that decide on it, or NULL */
  int pixel;         /* with bytes: its number in the square */
} learn_pixel;

/* `zeros` stands for what lies outside. */
static inline learn_pixel learn_pixel_at(const learn_source *from, int image, int row, int column,
                                         size_t bytes, const char *zeros) {
  learn_pixel at = {.pixel = from->won ? (row & 1) * 2 + (column & 1) : 0};
  const int shift = from->won != NULL;
  if (row < 0 || column < 0 || row >> shift >= from->stored.h ||
      column >> shift >= from->stored.w) {
    at.value = zeros;
    at.other = zeros;
    return at;
  }
  const size_t number =
      ((size_t)image * (size_t)from->stored.h + (size_t)(row >> shift)) * (size_t)from->stored.w +
      (size_t)(column >> shift);
  if (from->computed && !from->computed[number]) {
    at.value = from->flat ? from->flat : zeros;
    at.other = zeros;
    return at;
  }
  const size_t channels = (size_t)from->stored.c;
  at.value = from->values + number * channels * bytes;
  if (from->won) at.other = from->won + number * channels;
  else if (from->relu) at.other = from->relu + number * channels * bytes;
  return at;
}

typedef enum { LEARN_PLAIN, LEARN_RELU, LEARN_POOLED } learn_kind;

static inline learn_kind learn_kind_of(const learn_source *from) {
  return from->won ? LEARN_POOLED : from->relu ? LEARN_RELU : LEARN_PLAIN;
}

#ifdef VECTOR_NARROW
/* The 32 channels from `c` on, in bfloat16. */
VECTOR_INLINE __m512i learn_load_narrow(const learn_pixel *at, size_t c, learn_kind kind) {
  const __m512i all = _mm512_loadu_si512(at->value + 2 * c);
  if (kind == LEARN_RELU) {
    /* As integers, positive numbers are positive. */
    const __m512i y = _mm512_loadu_si512((const char *)at->other + 2 * c);
    return _mm512_maskz_mov_epi16(_mm512_cmpgt_epi16_mask(y, _mm512_setzero_si512()), all);
  }
  if (kind == LEARN_POOLED) {
    const __m256i won = _mm256_loadu_si256((const void *)((const char *)at->other + c));
    return _mm512_maskz_mov_epi16(
        _mm512_cmpeq_epi16_mask(_mm512_cvtepu8_epi16(won), _mm512_set1_epi16((short)at->pixel)),
        all);
  }
  return all;
}
#endif

/* The step of channels from `c` on, in split order (element.h). */
VECTOR_INLINE void learn_load(const learn_pixel *at, size_t c, learn_kind kind,
                              v16 out[ELEMENT_VECTORS], bool bf16) {
#ifdef VECTOR_NARROW
  if (bf16) {
    const __m512i both = learn_load_narrow(at, c, kind);
    out[0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    out[1] = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
    return;
  }
#endif
  (void)bf16;
  for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
    const size_t first = c + 16 * part;
    out[part] = v16_load((const float *)(const void *)at->value + first);
    if (kind == LEARN_RELU) {
      const v16 y = v16_load((const float *)at->other + first);
      out[part] = v16_select(v16_over(y, v16_zero()), out[part], v16_zero());
    } else if (kind == LEARN_POOLED) {
      const uint8_t *won = (const uint8_t *)at->other + first;
      out[part] = v16_select(v16_bytes_are(won, at->pixel), out[part], v16_zero());
    }
  }
}

/* The largest of a square of four, with relu if wanted, and which it was: the first of equal ones;
 * a NaN always wins. */
VECTOR_INLINE v16 learn_pool(const v16 square[4], bool relu, uint8_t *won) {
  v16 best = square[0], pixel = v16_zero();
  for (int k = 1; k < 4; k++) {
    const v16_mask better = v16_either(v16_over(square[k], best), v16_is_nan(square[k]));
    best = v16_select(better, square[k], best);
    pixel = v16_select(better, v16_all((float)k), pixel);
  }
  if (relu) {
    const v16_mask dead = v16_at_most(best, v16_zero());
    best = v16_select(dead, v16_zero(), best);
    pixel = v16_select(dead, v16_all(LEARN_NO_PIXEL), pixel);
  }
  v16_store_bytes(won, pixel);
  return best;
}

#ifdef VECTOR_NARROW
/* The 32 channels from `c` on as bfloat16, whatever they are kept in. */
VECTOR_INLINE __m512i learn_load_rounded(const learn_pixel *at, size_t c, learn_kind kind,
                                         bool bf16) {
  if (bf16) return learn_load_narrow(at, c, kind);
  v16 wide[2];
  learn_load(at, c, kind, wide, false);
  return (__m512i)_mm512_cvtne2ps_pbh(wide[1], wide[0]);
}
#endif

/* Place of channel c in split order. */
static inline size_t learn_split(size_t c, bool bf16) {
  return bf16 ? c / 32 * 32 + c % 2 * 16 + c % 32 / 2 : c;
}

#ifdef VECTOR_NARROW
/* Two vectors as pairs of bfloat16: (first, second) of every lane. */
VECTOR_INLINE __m512i learn_pairs(v16 first, v16 second) {
  const __m512i interleave =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}
#endif

/* The squares of a convolution's stored output that are computed, in order. */
typedef struct {
  const uint32_t *list; /* their numbers; NULL: all */
  size_t count;
} learn_tiles;

static inline size_t learn_tile(const learn_tiles *tiles, size_t i) {
  return tiles->list ? tiles->list[i] : i;
}

/* tiles.c: those of side x side pixels in which one is marked in `computed` [batch][h][w] (NULL:
 * all). `list` has room for all of them. */
learn_tiles learn_tiles_listed(net_shape stored, int side, int batch, const uint8_t *computed,
                               uint32_t *list);

/* winograd.c: 3x3, stride 1, channels in multiples of ELEMENT_STEP: forward, and with `turned` the
 * way to the data, whose channels are the filters. */
typedef struct learn_winograd learn_winograd;
leuko_status learn_winograd_new(const learn_shape *shape, bool turned, learn_winograd **out,
                                size_t *scratch, leuko_error *error);
void learn_winograd_free(learn_winograd *w);
/* kernel [3][3][channels][filters] float32, of the forward convolution. */
void learn_winograd_bind(learn_winograd *w, const float *kernel);
/* y [n][h][w][filters], or pooled with `won` [n][h/2][w/2][filters], where `tiles` are. */
void learn_winograd_run(const learn_winograd *w, const learn_tiles *tiles, const learn_source *from,
                        const float *bias, void *y, uint8_t *won, void *scratch);
/* Side of its tiles in the stored output. */
static inline int learn_winograd_side(bool pool) {
  return pool ? 2 : 4;
}

/* gradient.c: the same convolutions' gradients of kernel [3][3][channels][filters] and bias
 * (NULL: not wanted) from input and output gradient. */
size_t learn_winograd_gradient_scratch(const learn_shape *s);
void learn_winograd_gradient(const learn_shape *s, const learn_tiles *tiles, const learn_source *x,
                             const learn_source *dy, float *dkernel, float *dbias, void *scratch);

/* matrix.c, matrix_gradient.c: convolutions of 3x3 and stride 1, and of 1x1 without padding,
 * multiplied directly in bfloat16 on the matrix unit, where there is one (element_matrix);
 * activations may be in float32. Channels and filters in multiples of 32; with a stride nothing is
 * pooled. `computed` [n][h][w] of what is stored: the pixels to
 * compute; NULL: all.
 */
typedef struct learn_matrix learn_matrix;
leuko_status learn_matrix_new(const learn_shape *shape, bool turned, learn_matrix **out,
                              size_t *scratch, leuko_error *error);
void learn_matrix_free(learn_matrix *w);
void learn_matrix_bind(learn_matrix *w, const float *kernel);
void learn_matrix_run(const learn_matrix *w, const uint8_t *computed, const learn_source *from,
                      const float *bias, void *y, uint8_t *won, void *scratch);
/* How both read a source: its channels, 32 of a pixel in a unit, rounded to bfloat16; of 1x1
 * convolutions with a stride every `stride`-th pixel. */
typedef struct {
  const learn_source *from;
  const char *zeros; /* a pixel, for what lies outside */
  size_t channels;
  int stride;
  bool bf16;          /* the source is */
  size_t unit_stride; /* bytes from one unit of a plane to the next */
} learn_matrix_row;
/* Pixels `left` and so on of row y to a plane, a unit of each behind the other. */
void learn_matrix_copy(const learn_matrix_row *row, int image, int y, int left, int columns,
                       char *to);
size_t learn_matrix_gradient_scratch(const learn_shape *s);
void learn_matrix_gradient(const learn_shape *s, const uint8_t *computed, const learn_source *x,
                           const learn_source *dy, float *dkernel, float *dbias, void *scratch);

/* first.c: convolutions of few channels of float32, the network's input, whose own gradient nobody
 * wants. */
typedef struct learn_first learn_first;
leuko_status learn_first_new(const learn_shape *shape, learn_first **out, size_t *scratch,
                             leuko_error *error);
void learn_first_free(learn_first *d);
void learn_first_bind(learn_first *d, const float *kernel);
void learn_first_forward(const learn_first *d, const net_call *call);
void learn_first_backward(const learn_first *d, const net_call *call);

/* flat.c: what flat places ask of a convolution beside its kernels; nothing where there are none.
 * `narrow`: the input is in bfloat16. Scratch in bytes. */
size_t learn_flat_scratch(const learn_shape *s);
/* Gives the output's flat pixel, and where the output is wanted complete, puts it everywhere. */
void learn_flat_forward(const learn_shape *s, const net_call *call, bool narrow);
/* Where the output's gradient is complete, sums up that of its flat places. */
void learn_flat_gather(const learn_shape *s, const net_call *call);
/* Adds the flat places' share to the gradients of kernel and bias, and sums up the gradient of the
 * input's flat places, where dx is wanted. After the kernels that write these gradients. */
void learn_flat_backward(const learn_shape *s, const net_call *call, bool narrow);

/* norm.c: batch normalization of activations in bfloat16, with relu if wanted; channels in
 * multiples of 32. AVX-512 alone. Workspace and scratch in bytes. */
size_t learn_norm_workspace(const net_step *step);
size_t learn_norm_scratch(const net_step *step);
void learn_norm_forward(const net_step *step, const net_call *call);
void learn_norm_backward(const net_step *step, const net_call *call);

/* add.c: float32 in any layout, or where there is bfloat16 that, in whole steps; the same for both
 * inputs. */
void learn_add_forward(const net_step *step, const net_call *call);
void learn_add_backward(const net_step *step, const net_call *call);

/* What the way back of a dense layer begins with: dy becomes the gradient before the relu, and its
 * sum that of the bias. */
static inline void learn_dense_gradient(const net_step *step, const net_call *call) {
  const size_t batch = (size_t)step->batch, out = (size_t)step->out.c;
  for (size_t i = 0; step->relu && i < batch * out; i++)
    if (!(call->y[i] > 0)) call->dy[i] = 0;
  for (size_t f = 0; call->grads[1] && f < out; f++) {
    double sum = 0;
    for (size_t n = 0; n < batch; n++) sum += (double)call->dy[n * out + f];
    call->grads[1][f] = (float)sum;
  }
}

/* rows.c: a dense layer in float32 whose input nobody wants the gradient of, by those rows of its
 * kernel that are read (net_row_watch); outputs in multiples of 16. Workspace and scratch in bytes.
 */
size_t learn_rows_workspace(const net_step *step);
size_t learn_rows_scratch(const net_step *step);
void learn_rows_forward(const net_step *step, const net_call *call);
void learn_rows_backward(const net_step *step, const net_call *call);

/* dense.c: input in bfloat16, output in float32; both in multiples of 64. AVX-512 alone. */
size_t learn_dense_scratch(const net_step *step);
void learn_dense_forward(const net_step *step, const net_call *call);
void learn_dense_backward(const net_step *step, const net_call *call);

#endif
