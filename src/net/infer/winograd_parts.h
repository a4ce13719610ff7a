/* What a convolution by Winograd's algorithm is made of: its driver, and its kernels in float32 and
 * bfloat16 (winograd.c), in half precision (winograd_half.c) and in whole numbers of 16 bits
 * (winograd_words.c). */
#ifndef NET_INFER_WINOGRAD_PARTS_H
#define NET_INFER_WINOGRAD_PARTS_H

#include "net/infer/infer.h"
#include "net/product.h"
#include "net/winograd/winograd.h"

#define WINOGRAD_LINE 64 /* bytes of a cache line; keeps the 36 positions off each other's sets */

struct infer_winograd {
  infer_shape s;
  size_t list_bytes;  /* of the tiles to compute */
  size_t turn, round; /* tiles */
  bool shared;
  bool compact; /* in half precision: the kernel is transformed as it is used */
  void *u;      /* [filters / 64][36, or 9 if compact][channels][64 or the rest]: the kernel */
  /* What one of a filter's products counts: [filters] in half precision, in whole numbers
   * [filters / 64][36][64 or the rest]. */
  float *units;
};

/* Whether each transformed tile and each filter has a unit of its own. */
static inline bool winograd_scaled(const infer_winograd *w) {
  return w->s.half || w->s.words;
}

/* Bytes of a transformed value, and of one of the kernel's. */
static inline size_t winograd_v_value(const infer_winograd *w) {
  return winograd_scaled(w) ? sizeof(uint16_t) : element_bytes(w->s.in_type);
}

/* Bytes between two of the 36 positions of `tiles` transformed tiles. */
static inline size_t winograd_v_stride(const infer_winograd *w, size_t tiles) {
  return tiles * (size_t)w->s.in.c * winograd_v_value(w) + WINOGRAD_LINE;
}

static inline size_t winograd_product_bytes(const infer_winograd *w) {
  return w->s.half ? sizeof(uint16_t) : sizeof(float);
}

/* The same of products. */
static inline size_t winograd_m_stride(const infer_winograd *w) {
  return w->turn * PRODUCT_WIDTH * winograd_product_bytes(w) + WINOGRAD_LINE;
}

/* The same of a part of a compact kernel that a thread has transformed, of all its channels or
 * fewer, and bytes of the largest part. */
static inline size_t winograd_part_stride(size_t channels, size_t width) {
  return channels * width * sizeof(uint16_t) + WINOGRAD_LINE;
}
static inline size_t winograd_part_bytes(const infer_winograd *w) {
#ifdef VECTOR_HALF
  if (w->compact)
    return WINOGRAD_POSITIONS * winograd_part_stride(PRODUCT_HALF_DEPTH, PRODUCT_WIDTH);
#endif
  (void)w;
  return 0;
}

/* Side of a tile in output pixels. */
static inline int winograd_tile_side(const infer_winograd *w) {
  return w->s.pool ? WINOGRAD_TILE / 2 : WINOGRAD_TILE;
}

/* Where the pixels of a tile lie. */
static inline void winograd_point_at(const infer_winograd *w, const net_call *call, infer_place at,
                                     const char *from[36]) {
  const infer_shape *s = &w->s;
  const size_t pixel = (size_t)s->in.c * element_bytes(s->in_type);
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) {
      const char *p = infer_pixel(&call->skip[0], call->x[0], s->in, at.image,
                                  at.y * 4 - s->pad + i, at.x * 4 - s->pad + j, pixel);
      from[i * 6 + j] = p ? p : s->zeros;
    }
}

#ifdef VECTOR_WORDS
/* Packs the chunk of `width` filters from filter `first` on to its place, and the units of its
 * filters: u [36][channels][width] is that chunk transformed in float32. */
void winograd_words_pack(infer_winograd *w, int first, size_t width, const float *u);
/* v of `count` tiles in whole numbers, positions `stride` bytes apart; units [count] become what
 * one of each tile's values counts. */
void winograd_words_input(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                          size_t count, char *v, size_t stride, float *units);
#endif

#ifdef VECTOR_HALF
/* Packs the chunk from filter `first` on of a kernel [3][3][channels][filters] to its place, and
 * the units of its filters. u [36][channels][width]: that chunk transformed in float32; lost. */
void winograd_half_pack(infer_winograd *w, const float *kernel, int first, float *u);
/* v of `count` tiles in half precision, positions `stride` bytes apart; units [count] become what
 * one of each tile's values counts. */
void winograd_half_input(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                         size_t count, char *v, size_t stride, float *units);
/* One chunk of filters for them, finished; m is followed by winograd_part_bytes. */
void winograd_half_multiply(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                            size_t count, const char *v, size_t stride, const float *units,
                            int chunk, char *m);
#endif

#endif
