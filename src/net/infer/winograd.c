#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/infer/winograd_parts.h"
#include "net/winograd/transforms.h"

/* Tiles of a thread's turn are so many that their transformed input and products, as bytes, stay in
 * a core's second-level cache. */
#define TURN_BYTES ((size_t)512 << 10)
/* With so many channels the kernel does not fit there: threads share the tiles of a larger round,
 * and each goes through its own filters with a part of them at a time. */
#define SHARED_CHANNELS 256
#define ROUND_TILES 192
#define PART_TILES 54 /* the 49 of 28x28 pixels stay together */
/* For so few, those of one image of 14x14, reading the transformed kernel from a far cache takes
 * longer than reading the kernel, a quarter as large, and transforming it. */
#define FEW_TILES 24

/* What one of each transformed tile's values counts, where that has units; it lies behind them. */
static size_t units_bytes(const infer_winograd *w) {
  const size_t tiles = w->shared ? w->round : w->turn;
  return winograd_scaled(w)
             ? (tiles * sizeof(float) + WINOGRAD_LINE - 1) / WINOGRAD_LINE * WINOGRAD_LINE
             : 0;
}

static size_t v_bytes(const infer_winograd *w) {
  return WINOGRAD_POSITIONS * winograd_v_stride(w, w->shared ? w->round : w->turn) + units_bytes(w);
}

static float *units_of(const infer_winograd *w, char *v) {
  void *units = v + v_bytes(w) - units_bytes(w);
  return units;
}

static size_t m_bytes(const infer_winograd *w) {
  return WINOGRAD_POSITIONS * winograd_m_stride(w) + winograd_part_bytes(w);
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
  w->list_bytes = infer_list_bytes(&w->s, batch, winograd_tile_side(w));
  const size_t most =
      (size_t)batch * (size_t)((shape->plain.h + 3) / 4) * (size_t)((shape->plain.w + 3) / 4);
  const size_t threads = (size_t)shape->threads;
  const size_t tile = WINOGRAD_POSITIONS * ((size_t)shape->in.c * winograd_v_value(w) +
                                            PRODUCT_WIDTH * winograd_product_bytes(w));
  const size_t share = up_to_rows((most + threads - 1) / threads);
  w->shared = shape->in.c >= SHARED_CHANNELS || share < PART_TILES;
  if (w->shared) {
    w->round = least(up_to_rows(most), ROUND_TILES);
    w->turn = least(w->round, PART_TILES);
  } else {
    w->turn = least(share, TURN_BYTES / tile / PRODUCT_ROWS * PRODUCT_ROWS);
    if (w->turn < PRODUCT_ROWS) w->turn = PRODUCT_ROWS;
  }
  w->compact = w->s.half && most <= FEW_TILES;
  size_t bytes = kernel_values(w) * winograd_v_value(w) / (w->compact ? 4 : 1);
  w->u = aligned_alloc(WINOGRAD_LINE, bytes);
  const size_t units = (size_t)shape->plain.c * (w->s.words ? WINOGRAD_POSITIONS : 1);
  if (winograd_scaled(w)) w->units = malloc(units * sizeof *w->units);
  if (!w->u || (winograd_scaled(w) && !w->units)) {
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
#endif

#ifdef VECTOR_WORDS
static leuko_status bind_narrow(infer_winograd *w, const float *kernel, leuko_error *error) {
  const int channels = w->s.in.c, filters = w->s.plain.c;
  size_t bytes = kernel_values(w) * sizeof(float);
  float *u = aligned_alloc(WINOGRAD_LINE, bytes);
  if (!u) return error_set_memory(error, bytes);
  winograd_kernel(kernel, channels, filters, false, u, w->s.threads);
  const int chunks = (filters + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
#pragma omp parallel for num_threads(w->s.threads) schedule(static)
  for (int chunk = 0; chunk < chunks; chunk++) {
    const int first = chunk * PRODUCT_WIDTH, left = filters - first;
    const int width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
    const size_t at = (size_t)WINOGRAD_POSITIONS * (size_t)channels * (size_t)first;
#ifdef VECTOR_HALF
    if (w->s.half) {
      winograd_half_pack(w, kernel, first, u + at);
      continue;
    }
#endif
    if (w->s.words) {
      winograd_words_pack(w, first, (size_t)width, u + at);
      continue;
    }
#ifdef VECTOR_NARROW
    const size_t position = (size_t)channels * (size_t)width;
    for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
      pack_bf16(u + at + p * position, channels, width, (char *)w->u + (at + p * position) * 2);
#endif
  }
  free(u);
  return LEUKO_OK;
}
#endif

leuko_status infer_winograd_bind(infer_winograd *w, const float *kernel, leuko_error *error) {
#ifdef VECTOR_WORDS
  if (w->s.in_type == ELEMENT_BF16 || winograd_scaled(w)) return bind_narrow(w, kernel, error);
#endif
  (void)error;
  winograd_kernel(kernel, w->s.in.c, w->s.plain.c, false, w->u, w->s.threads);
  return LEUKO_OK;
}

/* v [36][..][channels] of one tile. */
VECTOR_INLINE void transform_input(const infer_winograd *w, const net_call *call, infer_place at,
                                   char *v, size_t stride, bool bf16) {
  const size_t bytes = element_bytes(bf16), pixel = (size_t)w->s.in.c * bytes;
  const char *from[36];
  winograd_point_at(w, call, at, from);
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

/* Sixteen filters of one tile: At m A times `unit` + bias, relu. */
VECTOR_INLINE void transform_output(const infer_winograd *w, const float *m, size_t stride,
                                    float unit, const float *bias, v16 o[4][4]) {
  v16 p[6][6];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) p[i][j] = v16_load(m + (size_t)(i * 6 + j) * stride);
  output_2d(p, o);
  const v16 offset = bias ? v16_load(bias) : v16_zero();
  const bool scaled = winograd_scaled(w);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      o[i][j] = scaled ? plus(offset, unit, o[i][j]) : add(o[i][j], offset);
      if (w->s.relu) o[i][j] = v16_relu(o[i][j]);
    }
}

VECTOR_INLINE void store_tile(const infer_winograd *w, const net_call *call, infer_place at,
                              int filter, v16 o[ELEMENT_VECTORS][4][4], element_type type) {
  const infer_shape *s = &w->s;
  const int side = winograd_tile_side(w);
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

VECTOR static void transform_tiles(const infer_winograd *w, const net_call *call,
                                   const infer_place *tiles, size_t count, char *v, size_t stride,
                                   float *units) {
#ifdef VECTOR_HALF
  if (w->s.half) {
    winograd_half_input(w, call, tiles, count, v, stride, units);
    return;
  }
#endif
#ifdef VECTOR_WORDS
  if (w->s.words) {
    winograd_words_input(w, call, tiles, count, v, stride, units);
    return;
  }
#endif
  const size_t row = (size_t)w->s.in.c * winograd_v_value(w);
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
#ifdef VECTOR_HALF
  if (w->s.half) {
    winograd_half_multiply(w, call, tiles, count, v, stride, units, chunk, products);
    return;
  }
#endif
  const infer_shape *s = &w->s;
  const size_t depth = (size_t)s->in.c, bytes = winograd_v_value(w);
  const int left = s->plain.c - chunk, width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
  const char *u = (const char *)w->u + WINOGRAD_POSITIONS * depth * (size_t)chunk * bytes;
  const size_t step = winograd_m_stride(w) / sizeof(float);
  float *m = products;
  for (size_t p = 0; p < WINOGRAD_POSITIONS; p++) {
    const void *from = v + p * stride, *weights = u + p * depth * (size_t)width * bytes;
#ifdef VECTOR_WORDS
    if (s->words) {
      const float *counts = w->units + WINOGRAD_POSITIONS * (size_t)chunk + p * (size_t)width;
      product_words_rows(from, depth, weights, counts, m + p * step, count, depth, width);
      continue;
    }
#endif
    product_rows(from, depth, weights, m + p * step, count, depth, width, s->in_type);
  }
  const float *bias = call->params[1] ? call->params[1] + chunk : NULL;
  for (size_t t = 0; t < count; t++)
    for (int f = 0; f < width; f += ELEMENT_STEP) {
      const float *at = m + t * (size_t)width + f;
      v16 o[ELEMENT_VECTORS][4][4];
      for (int part = 0; part < ELEMENT_VECTORS; part++)
        transform_output(w, at + 16 * part, step, s->words ? units[t] : 1,
                         bias ? bias + f + 16 * part : NULL, o[part]);
      if (s->out_type == ELEMENT_U8) store_tile(w, call, tiles[t], chunk + f, o, ELEMENT_U8);
      else if (s->out_type == ELEMENT_BF16)
        store_tile(w, call, tiles[t], chunk + f, o, ELEMENT_BF16);
      else store_tile(w, call, tiles[t], chunk + f, o, ELEMENT_F32);
    }
}

/* Every thread takes turns of tiles and goes through all filters with them. */
static void run_turns(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                      size_t count, char *scratch) {
  const size_t threads = (size_t)w->s.threads, own = v_bytes(w) + m_bytes(w);
  /* As many for each thread, and all equally large. */
  const size_t wanted = ((count + w->turn - 1) / w->turn + threads - 1) / threads * threads;
  const size_t size = wanted ? up_to_rows((count + wanted - 1) / wanted) : 1;
  const size_t turns = (count + size - 1) / size;
#pragma omp parallel for num_threads(w->s.threads) schedule(dynamic)
  for (size_t turn = 0; turn < turns; turn++) {
    const size_t first = turn * size, now = least(count - first, size);
    char *v = scratch + (size_t)omp_get_thread_num() * own;
    void *m = v + v_bytes(w);
    float *units = units_of(w, v);
    transform_tiles(w, call, tiles + first, now, v, winograd_v_stride(w, w->turn), units);
    for (int chunk = 0; chunk < w->s.plain.c; chunk += PRODUCT_WIDTH)
      multiply(w, call, tiles + first, now, v, winograd_v_stride(w, w->turn), units, chunk, m);
  }
}

/* All threads transform a round of tiles, then share out filters and parts of the round. */
static void run_rounds(const infer_winograd *w, const net_call *call, const infer_place *tiles,
                       size_t count, char *scratch) {
  char *v = scratch, *products = scratch + v_bytes(w);
  const size_t row = (size_t)w->s.in.c * winograd_v_value(w),
               stride = winograd_v_stride(w, w->round);
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
  const size_t count = infer_list(&w->s, call, winograd_tile_side(w), tiles);
  char *scratch = (char *)call->scratch + w->list_bytes;
  if (w->shared) run_rounds(w, call, tiles, count, scratch);
  else run_turns(w, call, tiles, count, scratch);
}
