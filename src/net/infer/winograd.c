#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/half.h"
#include "net/infer/infer.h"
#include "net/product.h"
#include "net/winograd/transforms_half.h"
#include "net/winograd/winograd.h"

#define LINE 64 /* bytes of a cache line; keeps the 36 positions off each other's cache sets */

/* Tiles of a thread's turn are so many that their transformed input and products, as bytes, stay in
 * a core's second-level cache. */
#define TURN_BYTES ((size_t)512 << 10)
/* With so many channels the kernel does not fit there: threads share the tiles of a larger round,
 * and each goes through its own filters with a part of them at a time. */
#define SHARED_CHANNELS 256
#define ROUND_TILES 192
#define PART_TILES 54 /* the 49 of 28x28 pixels stay together */

struct infer_winograd {
  infer_shape s;
  size_t list_bytes;  /* of the tiles to compute */
  size_t turn, round; /* tiles */
  bool shared;
  void *u;      /* transformed kernel [filters / 64][36][channels][64 or the rest] */
  float *units; /* [filters], in half precision: what one of a filter's products counts */
};

/* Bytes of a transformed value, and of one of the kernel's. */
static size_t v_value(const infer_winograd *w) {
  return w->s.half ? sizeof(uint16_t) : element_bytes(w->s.in_type);
}

/* Bytes between two of the 36 positions of `tiles` transformed tiles. */
static size_t v_stride(const infer_winograd *w, size_t tiles) {
  return tiles * (size_t)w->s.in.c * v_value(w) + LINE;
}

static size_t product_bytes(const infer_winograd *w) {
  return w->s.half ? sizeof(uint16_t) : sizeof(float);
}

/* The same of products. */
static size_t m_stride(const infer_winograd *w) {
  return w->turn * PRODUCT_WIDTH * product_bytes(w) + LINE;
}

/* Side of a tile in output pixels. */
static int tile_side(const infer_winograd *w) {
  return w->s.pool ? WINOGRAD_TILE / 2 : WINOGRAD_TILE;
}

/* What one of each transformed tile's values counts, in half precision; it lies behind them. */
static size_t units_bytes(const infer_winograd *w) {
  const size_t tiles = w->shared ? w->round : w->turn;
  return w->s.half ? (tiles * sizeof(float) + LINE - 1) / LINE * LINE : 0;
}

static size_t v_bytes(const infer_winograd *w) {
  return WINOGRAD_POSITIONS * v_stride(w, w->shared ? w->round : w->turn) + units_bytes(w);
}

static float *units_of(const infer_winograd *w, char *v) {
  return (float *)(v + v_bytes(w) - units_bytes(w));
}

static size_t m_bytes(const infer_winograd *w) {
  return WINOGRAD_POSITIONS * m_stride(w);
}

static size_t up_to_rows(size_t tiles) {
  return (tiles + PRODUCT_ROWS - 1) / PRODUCT_ROWS * PRODUCT_ROWS;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t kernel_values(const infer_winograd *w) {
  return WINOGRAD_POSITIONS * (size_t)w->s.in.c * (size_t)w->s.plain.c;
}

void infer_winograd_free(infer_winograd *w) {
  if (!w) return;
  free(w->units);
  free(w->u);
  free(w);
}

leuko_status infer_winograd_new(const infer_shape *shape, int batch, infer_winograd **out,
                                size_t *scratch, leuko_error *error) {
  infer_winograd *w = calloc(1, sizeof *w);
  *out = NULL;
  if (!w) return error_set_memory(error, sizeof *w);
  w->s = *shape;
  w->list_bytes = infer_list_bytes(&w->s, batch, tile_side(w));
  const size_t most =
      (size_t)batch * (size_t)((shape->plain.h + 3) / 4) * (size_t)((shape->plain.w + 3) / 4);
  const size_t threads = (size_t)shape->threads;
  const size_t tile =
      WINOGRAD_POSITIONS * ((size_t)shape->in.c * v_value(w) + PRODUCT_WIDTH * product_bytes(w));
  const size_t share = up_to_rows((most + threads - 1) / threads);
  w->shared = shape->in.c >= SHARED_CHANNELS || share < PART_TILES;
  if (w->shared) {
    w->round = least(up_to_rows(most), ROUND_TILES);
    w->turn = least(w->round, PART_TILES);
  } else {
    w->turn = least(share, TURN_BYTES / tile / PRODUCT_ROWS * PRODUCT_ROWS);
    if (w->turn < PRODUCT_ROWS) w->turn = PRODUCT_ROWS;
  }
  size_t bytes = kernel_values(w) * v_value(w);
  w->u = aligned_alloc(LINE, bytes);
  if (w->s.half) w->units = malloc((size_t)shape->plain.c * sizeof *w->units);
  if (!w->u || (w->s.half && !w->units)) {
    infer_winograd_free(w);
    return error_set_memory(error, bytes);
  }
  *scratch = w->list_bytes + threads * m_bytes(w) + (w->shared ? 1 : threads) * v_bytes(w);
  *out = w;
  return LEUKO_OK;
}

#ifdef VECTOR_NARROW
/* Rows of float32 channels to bfloat16 pairs, channels in split order: [channels / 2][width][2]. */
VECTOR static void pack_bf16(const float *from, int channels, int width, char *to) {
  const __m512i interleave =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int group = 0; group < channels; group += ELEMENT_STEP)
    for (int pair = 0; pair < ELEMENT_STEP / 2; pair++) {
      /* Places 2 pair and 2 pair + 1 of the split order: the even channels come first. */
      int first = pair < 8 ? 4 * pair : 4 * (pair - 8) + 1;
      const float *row = from + (size_t)(group + first) * (size_t)width;
      for (int f = 0; f < width; f += 16, to += 64) {
        v16 low = v16_load(row + f);
        v16 high = v16_load(row + 2 * (size_t)width + f);
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_storeu_si512(to, _mm512_permutexvar_epi16(interleave, both));
      }
    }
}

/* How far below 1 the kernel has to be for products in half precision to stay within what that
 * holds. A tile is below 16; the transforms make that (1 + B^2 + A + B)^2 = 29.4 times as large,
 * and products (1 + 2 (A^3 + B^3))^2 = 69.6 times. */
static int bits_below(int channels) {
  return (int)ceil(log2(16 * 29.4 * 69.6 * channels / 65504));
}

static leuko_status bind_narrow(infer_winograd *w, const float *kernel, leuko_error *error) {
  const int channels = w->s.in.c, filters = w->s.plain.c;
  size_t bytes = kernel_values(w) * sizeof(float);
  float *u = aligned_alloc(LINE, bytes);
  if (!u) return error_set_memory(error, bytes);
  winograd_kernel(kernel, channels, filters, false, u, w->s.threads);
  const int chunks = (filters + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
#pragma omp parallel for num_threads(w->s.threads) schedule(static)
  for (int chunk = 0; chunk < chunks; chunk++) {
    const int first = chunk * PRODUCT_WIDTH, left = filters - first;
    const int width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
    const size_t at = (size_t)WINOGRAD_POSITIONS * (size_t)channels * (size_t)first;
    const size_t position = (size_t)channels * (size_t)width;
    float factors[PRODUCT_WIDTH];
    if (w->s.half)
      product_half_units(u + at, (size_t)width, WINOGRAD_POSITIONS * (size_t)channels,
                         (size_t)width, bits_below(channels), factors, w->units + first);
    for (size_t p = 0; p < WINOGRAD_POSITIONS; p++) {
      const float *from = u + at + p * position;
      char *to = (char *)w->u + (at + p * position) * 2;
      if (w->s.half)
        product_half_pack(from, (size_t)width, factors, (size_t)channels, (size_t)width, to);
      else pack_bf16(from, channels, width, to);
    }
  }
  free(u);
  return LEUKO_OK;
}
#endif

leuko_status infer_winograd_bind(infer_winograd *w, const float *kernel, leuko_error *error) {
#ifdef VECTOR_NARROW
  if (w->s.in_type == ELEMENT_BF16 || w->s.half) return bind_narrow(w, kernel, error);
#endif
  (void)error;
  winograd_kernel(kernel, w->s.in.c, w->s.plain.c, false, w->u, w->s.threads);
  return LEUKO_OK;
}

/* Where the pixels of a tile lie. */
static inline void point_at_tile(const infer_winograd *w, const net_call *call, infer_place at,
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

/* v [36][..][channels] of one tile. */
VECTOR_INLINE void transform_input(const infer_winograd *w, const net_call *call, infer_place at,
                                   char *v, size_t stride, bool bf16) {
  const size_t bytes = element_bytes(bf16), pixel = (size_t)w->s.in.c * bytes;
  const char *from[36];
  point_at_tile(w, call, at, from);
  for (size_t c = 0; c < pixel; c += ELEMENT_STEP * bytes) {
    v16 o[ELEMENT_VECTORS][6][6];
    for (int part = 0; part < ELEMENT_VECTORS; part++) {
      v16 d[6][6];
      for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) d[i][j] = element_load(from[i * 6 + j] + c, part, bf16);
      input_2d(d, o[part]);
    }
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++) {
        v16 value[ELEMENT_VECTORS];
        for (int part = 0; part < ELEMENT_VECTORS; part++) value[part] = o[part][i][j];
        element_store(v + (size_t)(i * 6 + j) * stride + c, value, bf16);
      }
  }
}

/* Sixteen filters of one tile: At m A + bias, relu. */
VECTOR_INLINE void transform_output(const infer_winograd *w, const float *m, size_t stride,
                                    const float *bias, v16 o[4][4]) {
  v16 p[6][6];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) p[i][j] = v16_load(m + (size_t)(i * 6 + j) * stride);
  output_2d(p, o);
  const v16 offset = bias ? v16_load(bias) : v16_zero();
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      o[i][j] = add(o[i][j], offset);
      if (w->s.relu) o[i][j] = v16_relu(o[i][j]);
    }
}

VECTOR_INLINE void store_tile(const infer_winograd *w, const net_call *call, infer_place at,
                              int filter, v16 o[ELEMENT_VECTORS][4][4], element_type type) {
  const infer_shape *s = &w->s;
  const int side = tile_side(w);
  const size_t bytes = element_bytes(type), pixel = (size_t)s->out.c * bytes;
  char *image = (char *)call->y + (size_t)at.image * (size_t)s->out.h * (size_t)s->out.w * pixel +
                (size_t)filter * bytes;
  for (int i = 0; i < side && at.y * side + i < s->out.h; i++)
    for (int j = 0; j < side && at.x * side + j < s->out.w; j++) {
      v16 value[ELEMENT_VECTORS];
      for (int part = 0; part < ELEMENT_VECTORS; part++) {
        v16(*t)[4] = o[part];
        value[part] = s->pool ? v16_max(v16_max(t[2 * i][2 * j], t[2 * i][2 * j + 1]),
                                        v16_max(t[2 * i + 1][2 * j], t[2 * i + 1][2 * j + 1]))
                              : t[i][j];
        if (type == ELEMENT_U8)
          value[part] = v16_mul(value[part], v16_load(s->out_units + filter + 16 * part));
      }
      size_t place = (size_t)(at.y * side + i) * (size_t)s->out.w + (size_t)(at.x * side + j);
      element_store(image + place * pixel, value, type);
    }
}

#ifdef VECTOR_NARROW
/* v of one tile in half precision; *unit becomes what one of it counts. */
HALF_INLINE void transform_input_half(const infer_winograd *w, const net_call *call, infer_place at,
                                      char *v, size_t stride, float *unit, element_type type) {
  const size_t step = 32 * element_bytes(type), pixel = (size_t)w->s.in.c * element_bytes(type);
  const char *from[36];
  point_at_tile(w, call, at, from);
  __m512i largest = _mm512_setzero_si512();
  for (size_t c = 0; c < pixel; c += step)
    for (int i = 0; i < 36; i++) largest = half_larger(largest, from[i] + c, type);
  const int bits = half_largest(largest, type);
  const v16 factor = v16_all(half_factor(bits, unit));
  for (size_t c = 0; c < pixel; c += step, v += 64) {
    __m512h d[6][6], o[6][6];
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++)
        d[i][j] = _mm512_castsi512_ph(half_load(from[i * 6 + j] + c, bits, factor, type));
    input_2d_half(d, o);
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++)
        _mm512_storeu_si512(v + (size_t)(i * 6 + j) * stride, _mm512_castph_si512(o[i][j]));
  }
}

HALF static void transform_tiles_half(const infer_winograd *w, const net_call *call,
                                      const infer_place *tiles, size_t count, char *v,
                                      size_t stride, float *units) {
  const size_t row = (size_t)w->s.in.c * v_value(w);
  for (size_t t = 0; t < count; t++) {
    char *to = v + t * row;
    if (w->s.in_type == ELEMENT_BF16)
      transform_input_half(w, call, tiles[t], to, stride, units + t, ELEMENT_BF16);
    else transform_input_half(w, call, tiles[t], to, stride, units + t, ELEMENT_F32);
  }
}

/* Thirty-two filters of a pixel in half precision, in numbers, + bias, relu, to where they go. */
HALF_INLINE void store_half(const infer_winograd *w, __m512h sums, const v16 one[2],
                            const v16 offset[2], int filter, char *to) {
  const infer_shape *s = &w->s;
  const __m512i all = _mm512_castph_si512(sums);
  const v16 parts[2] = {_mm512_cvtph_ps(_mm512_castsi512_si256(all)),
                        _mm512_cvtph_ps(_mm512_extracti64x4_epi64(all, 1))};
  v16 value[2];
  for (int part = 0; part < 2; part++) {
    value[part] = v16_fma(parts[part], one[part], offset[part]);
    if (s->relu) value[part] = v16_relu(value[part]);
    if (s->out_type == ELEMENT_U8)
      value[part] = v16_mul(value[part], v16_load(s->out_units + filter + 16 * part));
  }
  if (s->out_type == ELEMENT_U8) element_store(to, value, ELEMENT_U8);
  else if (s->out_type == ELEMENT_BF16) element_store(to, value, ELEMENT_BF16);
  else element_store(to, value, ELEMENT_F32);
}

/* Thirty-two filters of one tile: At m A, pooled where the step pools. A unit is positive and
 * rounding monotone, so that the largest may be taken first. */
HALF_INLINE void finish_tile_half(const infer_winograd *w, const net_call *call, infer_place at,
                                  const char *m, float unit, int filter) {
  const infer_shape *s = &w->s;
  __m512h p[6][6], o[4][4];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++)
      p[i][j] = _mm512_castsi512_ph(_mm512_loadu_si512(m + (size_t)(i * 6 + j) * m_stride(w)));
  output_2d_half(p, o);
  const float *bias = call->params[1] ? call->params[1] + filter : NULL;
  v16 one[2], offset[2];
  for (int part = 0; part < 2; part++) {
    one[part] = v16_mul(v16_load(w->units + filter + 16 * part), v16_all(unit));
    offset[part] = bias ? v16_load(bias + 16 * part) : v16_zero();
  }
  const int side = tile_side(w);
  const size_t bytes = element_bytes(s->out_type), pixel = (size_t)s->out.c * bytes;
  char *image = (char *)call->y + (size_t)at.image * (size_t)s->out.h * (size_t)s->out.w * pixel +
                (size_t)filter * bytes;
  for (int i = 0; i < side && at.y * side + i < s->out.h; i++)
    for (int j = 0; j < side && at.x * side + j < s->out.w; j++) {
      const size_t place = (size_t)(at.y * side + i) * (size_t)s->out.w + (size_t)(at.x * side + j);
      const __m512h sums =
          s->pool ? _mm512_max_ph(_mm512_max_ph(o[2 * i][2 * j], o[2 * i][2 * j + 1]),
                                  _mm512_max_ph(o[2 * i + 1][2 * j], o[2 * i + 1][2 * j + 1]))
                  : o[i][j];
      store_half(w, sums, one, offset, filter, image + place * pixel);
    }
}

/* One chunk of filters for `count` tiles, transformed in half precision. */
HALF static void multiply_half(const infer_winograd *w, const net_call *call,
                               const infer_place *tiles, size_t count, const char *v, size_t stride,
                               const float *units, int chunk, char *m) {
  const size_t depth = (size_t)w->s.in.c;
  const int left = w->s.plain.c - chunk, width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
  const char *u = (const char *)w->u + WINOGRAD_POSITIONS * depth * (size_t)chunk * 2;
  for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
    product_half_rows(v + p * stride, depth, u + p * depth * (size_t)width * 2, m + p * m_stride(w),
                      count, depth, width);
  for (size_t t = 0; t < count; t++)
    for (int f = 0; f < width; f += 32)
      finish_tile_half(w, call, tiles[t], m + (t * (size_t)width + (size_t)f) * 2, units[t],
                       chunk + f);
}
#endif

VECTOR static void transform_tiles(const infer_winograd *w, const net_call *call,
                                   const infer_place *tiles, size_t count, char *v, size_t stride,
                                   float *units) {
#ifdef VECTOR_NARROW
  if (w->s.half) {
    transform_tiles_half(w, call, tiles, count, v, stride, units);
    return;
  }
#endif
  const size_t row = (size_t)w->s.in.c * v_value(w);
  (void)units;
  for (size_t t = 0; t < count; t++) {
    if (w->s.in_type == ELEMENT_BF16) transform_input(w, call, tiles[t], v + t * row, stride, true);
    else transform_input(w, call, tiles[t], v + t * row, stride, false);
  }
}

/* One chunk of filters for `count` transformed tiles, what one of whose values counts is in
 * `units`. */
VECTOR static void multiply(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                            size_t count, const char *v, size_t stride, const float *units,
                            int chunk, void *products) {
#ifdef VECTOR_NARROW
  if (w->s.half) {
    multiply_half(w, call, tiles, count, v, stride, units, chunk, products);
    return;
  }
#endif
  (void)units;
  const infer_shape *s = &w->s;
  const size_t depth = (size_t)s->in.c, bytes = element_bytes(s->in_type);
  const int left = s->plain.c - chunk, width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
  const char *u = (const char *)w->u + WINOGRAD_POSITIONS * depth * (size_t)chunk * bytes;
  const size_t step = m_stride(w) / sizeof(float);
  float *m = products;
  for (size_t p = 0; p < WINOGRAD_POSITIONS; p++) {
    const void *from = v + p * stride, *weights = u + p * depth * (size_t)width * bytes;
    product_rows(from, depth, weights, m + p * step, count, depth, width, s->in_type);
  }
  const float *bias = call->params[1] ? call->params[1] + chunk : NULL;
  for (size_t t = 0; t < count; t++)
    for (int f = 0; f < width; f += ELEMENT_STEP) {
      const float *at = m + t * (size_t)width + f;
      v16 o[ELEMENT_VECTORS][4][4];
      for (int part = 0; part < ELEMENT_VECTORS; part++)
        transform_output(w, at + 16 * part, step, bias ? bias + f + 16 * part : NULL, o[part]);
      if (s->out_type == ELEMENT_U8) store_tile(w, call, tiles[t], chunk + f, o, ELEMENT_U8);
      else if (s->out_type == ELEMENT_BF16)
        store_tile(w, call, tiles[t], chunk + f, o, ELEMENT_BF16);
      else store_tile(w, call, tiles[t], chunk + f, o, ELEMENT_F32);
    }
}

/* Every thread takes turns of tiles and goes through all filters with them. */
static void run_turns(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                      size_t count, char *scratch) {
  const size_t turns = (count + w->turn - 1) / w->turn, own = v_bytes(w) + m_bytes(w);
#pragma omp parallel for num_threads(w->s.threads) schedule(dynamic)
  for (size_t turn = 0; turn < turns; turn++) {
    const size_t first = turn * w->turn, now = least(count - first, w->turn);
    char *v = scratch + (size_t)omp_get_thread_num() * own;
    void *m = v + v_bytes(w);
    float *units = units_of(w, v);
    transform_tiles(w, call, tiles + first, now, v, v_stride(w, w->turn), units);
    for (int chunk = 0; chunk < w->s.plain.c; chunk += PRODUCT_WIDTH)
      multiply(w, call, tiles + first, now, v, v_stride(w, w->turn), units, chunk, m);
  }
}

/* All threads transform a round of tiles, then share out filters and parts of the round. */
static void run_rounds(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                       size_t count, char *scratch) {
  char *v = scratch, *products = scratch + v_bytes(w);
  const size_t row = (size_t)w->s.in.c * v_value(w), stride = v_stride(w, w->round);
  const size_t chunks = ((size_t)w->s.plain.c + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
  float *units = units_of(w, v);
#pragma omp parallel num_threads(w->s.threads)
  for (size_t first = 0; first < count; first += w->round) {
    const size_t now = least(count - first, w->round), parts = (now + w->turn - 1) / w->turn;
    const size_t part = up_to_rows((now + parts - 1) / parts);
    void *m = products + (size_t)omp_get_thread_num() * m_bytes(w);
#pragma omp for schedule(dynamic, 4)
    for (size_t t = 0; t < now; t++)
      transform_tiles(w, call, tiles + first + t, 1, v + t * row, stride, units + t);
#pragma omp for schedule(dynamic)
    for (size_t task = 0; task < chunks * parts; task++) {
      const size_t from = task % parts * part, size = least(now - from, part);
      multiply(w, call, tiles + first + from, size, v + from * row, stride, units + from,
               (int)(task / parts) * PRODUCT_WIDTH, m);
    }
  }
}

void infer_winograd_run(const infer_winograd *w, const net_call *call) {
  infer_place *tiles = call->scratch;
  const size_t count = infer_list(&w->s, call, tile_side(w), tiles);
  char *scratch = (char *)call->scratch + w->list_bytes;
  if (w->shared) run_rounds(w, call, tiles, count, scratch);
  else run_turns(w, call, tiles, count, scratch);
}
