/* leuko's own kernels for training: AVX-512, activations and their gradients NHWC in float32 or
 * bfloat16 with one source for both, sums and parameters' gradients in float32.
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

#define LEARN __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define LEARN_INLINE static inline __attribute__((always_inline)) LEARN

#define LEARN_LINE 64 /* bytes of a cache line */

/* Of a pooled value: which of its four pixels it was, or that none passes a gradient on (relu). */
#define LEARN_NO_PIXEL 4

/* A convolution. Filters are a multiple of 32. */
typedef struct {
  int batch, threads;
  net_shape in, plain, out; /* plain: the output before pooling */
  int kernel, stride, pad;
  bool relu, pool, bf16;
} learn_shape;

/* Activations or gradients as a convolution reads them. */
typedef struct {
  const char *values;
  const char *relu;   /* where this activation is not positive, the value counts as zero; or NULL */
  const uint8_t *won; /* the values are pooled: pixel k of a square has its value where won is k */
  net_shape stored;   /* of the values in memory */
} learn_source;

static inline learn_source learn_gradient_source(const learn_shape *s, const net_call *call) {
  return (learn_source){.values = (const char *)call->dy,
                        .relu = s->relu && !s->pool ? (const char *)call->y : NULL,
                        .won = s->pool ? call->workspace : NULL,
                        .stored = s->out};
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

/* The 32 channels from `c` on, in split order (element.h). */
LEARN_INLINE void learn_load(const learn_pixel *at, size_t c, learn_kind kind, __m512 out[2],
                             bool bf16) {
  const size_t bytes = element_bytes(bf16);
  if (bf16) {
    __m512i both = _mm512_loadu_si512(at->value + c * bytes);
    if (kind == LEARN_RELU) {
      /* As integers, positive numbers are positive. */
      __m512i y = _mm512_loadu_si512((const char *)at->other + c * bytes);
      both = _mm512_maskz_mov_epi16(_mm512_cmpgt_epi16_mask(y, _mm512_setzero_si512()), both);
    } else if (kind == LEARN_POOLED) {
      __m256i won = _mm256_loadu_si256((const void *)((const char *)at->other + c));
      both = _mm512_maskz_mov_epi16(_mm256_cmpeq_epi8_mask(won, _mm256_set1_epi8((char)at->pixel)),
                                    both);
    }
    out[0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    out[1] = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
    return;
  }
  for (int half = 0; half < 2; half++) {
    const size_t first = c + 16 * (size_t)half;
    out[half] = _mm512_loadu_ps(at->value + first * bytes);
    if (kind == LEARN_RELU) {
      __m512 y = _mm512_loadu_ps((const char *)at->other + first * bytes);
      out[half] =
          _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), out[half]);
    } else if (kind == LEARN_POOLED) {
      __m128i won = _mm_loadu_si128((const void *)((const char *)at->other + first));
      out[half] =
          _mm512_maskz_mov_ps(_mm_cmpeq_epi8_mask(won, _mm_set1_epi8((char)at->pixel)), out[half]);
    }
  }
}

/* The largest of a square of four, with relu if wanted, and which it was: the first of equal ones;
 * a NaN always wins. */
LEARN_INLINE __m512 learn_pool(const __m512 square[4], bool relu, uint8_t *won) {
  __m512 best = square[0];
  __m512i pixel = _mm512_setzero_si512();
  for (int k = 1; k < 4; k++) {
    __mmask16 better = _mm512_cmp_ps_mask(square[k], best, _CMP_GT_OQ) |
                       _mm512_cmp_ps_mask(square[k], square[k], _CMP_UNORD_Q);
    best = _mm512_mask_mov_ps(best, better, square[k]);
    pixel = _mm512_mask_mov_epi32(pixel, better, _mm512_set1_epi32(k));
  }
  if (relu) {
    __mmask16 dead = _mm512_cmp_ps_mask(best, _mm512_setzero_ps(), _CMP_LE_OQ);
    best = _mm512_mask_mov_ps(best, dead, _mm512_setzero_ps());
    pixel = _mm512_mask_mov_epi32(pixel, dead, _mm512_set1_epi32(LEARN_NO_PIXEL));
  }
  _mm_storeu_si128((__m128i *)(void *)won, _mm512_cvtepi32_epi8(pixel));
  return best;
}

/* Place of channel c in split order. */
static inline size_t learn_split(size_t c, bool bf16) {
  return bf16 ? c / 32 * 32 + c % 2 * 16 + c % 32 / 2 : c;
}

/* Two vectors as pairs of bfloat16: (first, second) of every lane. */
LEARN_INLINE __m512i learn_pairs(__m512 first, __m512 second) {
  const __m512i interleave =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/* winograd.c: 3x3, stride 1, channels in multiples of 32: forward, and with `turned` the way to the
 * data, whose channels are the filters. */
typedef struct learn_winograd learn_winograd;
leuko_status learn_winograd_new(const learn_shape *shape, bool turned, learn_winograd **out,
                                size_t *scratch, leuko_error *error);
void learn_winograd_free(learn_winograd *w);
/* kernel [3][3][channels][filters] float32, of the forward convolution. */
void learn_winograd_bind(learn_winograd *w, const float *kernel);
/* y [n][h][w][filters], or pooled with `won` [n][h/2][w/2][filters]. */
void learn_winograd_run(const learn_winograd *w, const learn_source *from, const float *bias,
                        void *y, uint8_t *won, void *scratch);

/* gradient.c: the same convolutions' gradients of kernel [3][3][channels][filters] and bias
 * (NULL: not wanted) from input and output gradient. */
size_t learn_winograd_gradient_scratch(const learn_shape *s);
void learn_winograd_gradient(const learn_shape *s, const learn_source *x, const learn_source *dy,
                             float *dkernel, float *dbias, void *scratch);

/* first.c: convolutions of few channels of float32, the network's input, whose own gradient nobody
 * wants. */
typedef struct learn_first learn_first;
leuko_status learn_first_new(const learn_shape *shape, learn_first **out, size_t *scratch,
                             leuko_error *error);
void learn_first_free(learn_first *d);
void learn_first_bind(learn_first *d, const float *kernel);
void learn_first_forward(const learn_first *d, const net_call *call);
void learn_first_backward(const learn_first *d, const net_call *call);

/* dense.c: input in bfloat16, output in float32; both in multiples of 64. */
size_t learn_dense_scratch(const net_step *step);
void learn_dense_forward(const net_step *step, const net_call *call);
void learn_dense_backward(const net_step *step, const net_call *call);

#endif
