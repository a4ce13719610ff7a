#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/learn/learn.h"
#include "net/product.h"
#include "net/winograd/transforms.h"
#include "net/winograd/winograd.h"

/* As in net/infer: tiles of a thread's turn are so many that what is made of them stays in a core's
 * second-level cache; with more channels threads share a round of tiles and its filters. */
#define TURN_BYTES ((size_t)512 << 10)
#define SHARED_CHANNELS 256
#define ROUND_TILES 192
#define PART_TILES 48

struct learn_winograd {
  learn_shape s;           /* of this convolution; to the data, input is the output's gradient */
  bool turned;             /* to the data */
  size_t tiles_y, tiles_x; /* of an image */
  size_t tiles, turn, round;
  bool shared;
  void *
      u; /* transformed kernel [filters / PRODUCT_WIDTH][36][channels][PRODUCT_WIDTH or the rest] */
  char *zeros; /* a pixel */
};

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t v_stride(const learn_winograd *w, size_t tiles) {
  return tiles * (size_t)w->s.in.c * element_bytes(w->s.bf16) + LEARN_LINE;
}

/* In floats. */
static size_t m_stride(size_t tiles) {
  return tiles * PRODUCT_WIDTH + LEARN_LINE / sizeof(float);
}

static size_t v_bytes(const learn_winograd *w) {
  return WINOGRAD_POSITIONS * v_stride(w, w->shared ? w->round : w->turn);
}

static size_t m_bytes(const learn_winograd *w) {
  return WINOGRAD_POSITIONS * m_stride(w->turn) * sizeof(float);
}

static size_t up_to_rows(size_t tiles) {
  return (tiles + PRODUCT_ROWS - 1) / PRODUCT_ROWS * PRODUCT_ROWS;
}

static size_t kernel_values(const learn_winograd *w) {
  return WINOGRAD_POSITIONS * (size_t)w->s.in.c * (size_t)w->s.plain.c;
}

void learn_winograd_free(learn_winograd *w) {
  if (!w) return;
  free(w->u);
  free(w->zeros);
  free(w);
}

static void choose_turns(learn_winograd *w) {
  const size_t threads = (size_t)w->s.threads;
  const size_t tile = WINOGRAD_POSITIONS * ((size_t)w->s.in.c * element_bytes(w->s.bf16) +
                                            PRODUCT_WIDTH * sizeof(float));
  const size_t share = up_to_rows((w->tiles + threads - 1) / threads);
  w->shared = w->s.in.c >= SHARED_CHANNELS || share < PART_TILES;
  if (w->shared) {
    w->round = least(up_to_rows(w->tiles), ROUND_TILES);
    w->turn = least(w->round, PART_TILES);
  } else {
    w->turn = least(share, TURN_BYTES / tile / PRODUCT_ROWS * PRODUCT_ROWS);
    if (w->turn < PRODUCT_ROWS) w->turn = PRODUCT_ROWS;
  }
}

leuko_status learn_winograd_new(const learn_shape *shape, bool turned, learn_winograd **out,
                                size_t *scratch, leuko_error *error) {
  learn_winograd *w = calloc(1, sizeof *w);
  *out = NULL;
  if (!w) return error_set_memory(error, sizeof *w);
  w->s = turned ? learn_to_data(shape) : *shape;
  w->turned = turned;
  const int side = learn_winograd_side(w->s.pool);
  w->tiles_y = (size_t)((w->s.out.h + side - 1) / side);
  w->tiles_x = (size_t)((w->s.out.w + side - 1) / side);
  w->tiles = (size_t)w->s.batch * w->tiles_y * w->tiles_x;
  choose_turns(w);
  const size_t bytes = kernel_values(w) * element_bytes(w->s.bf16);
  w->u = aligned_alloc(LEARN_LINE, bytes);
  w->zeros = calloc((size_t)w->s.in.c, sizeof(float));
  if (!w->u || !w->zeros) {
    learn_winograd_free(w);
    return error_set_memory(error, bytes);
  }
  *scratch =
      (size_t)w->s.threads * m_bytes(w) + (w->shared ? 1 : (size_t)w->s.threads) * v_bytes(w);
  *out = w;
  return LEUKO_OK;
}

#ifdef VECTOR_NARROW
/* The 3x3 weights of input channel c and filters f .. f+15. Turned, input channels are the forward
 * convolution's filters, which lie side by side. */
VECTOR_INLINE void load_kernel(const learn_winograd *w, const float *kernel, size_t c, size_t f,
                               v16 g[3][3]) {
  const size_t channels = (size_t)w->s.in.c, filters = (size_t)w->s.plain.c;
  const __m512i apart =
      _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                         _mm512_set1_epi32((int)channels));
  for (size_t k = 0; k < 9; k++) {
    if (w->turned)
      g[k / 3][k % 3] = _mm512_i32gather_ps(apart, kernel + ((8 - k) * filters + f) * channels + c,
                                            sizeof(float));
    else g[k / 3][k % 3] = _mm512_loadu_ps(kernel + (k * channels + c) * filters + f);
  }
}

/* Places `place` and `place` + 1 of the split order of 32 channels at `group`. */
VECTOR static void bind_pair(learn_winograd *w, const float *kernel, size_t group, size_t place) {
  const size_t channels = (size_t)w->s.in.c, filters = (size_t)w->s.plain.c;
  const size_t first = group + (place < 16 ? 2 * place : 2 * (place - 16) + 1);
  for (size_t f = 0; f < filters; f += 16) {
    const size_t chunk = f / PRODUCT_WIDTH * PRODUCT_WIDTH;
    const size_t width = least(filters - chunk, PRODUCT_WIDTH);
    v16 g[2][3][3], u[2][6][6];
    for (size_t i = 0; i < 2; i++) {
      load_kernel(w, kernel, first + 2 * i, f, g[i]);
      kernel_2d(g[i], u[i]);
    }
    char *to = (char *)w->u + WINOGRAD_POSITIONS * channels * chunk * 2 +
               ((group + place) * width + (f - chunk) * 2) * 2;
    for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
      _mm512_storeu_si512(to + p * channels * width * 2,
                          learn_pairs(u[0][p / 6][p % 6], u[1][p / 6][p % 6]));
  }
}

static void bind_bf16(learn_winograd *w, const float *kernel) {
#pragma omp parallel for num_threads(w->s.threads) schedule(static)
  for (size_t pair = 0; pair < (size_t)w->s.in.c / 2; pair++)
    bind_pair(w, kernel, pair / 16 * 32, pair % 16 * 2);
}
#endif

void learn_winograd_bind(learn_winograd *w, const float *kernel) {
#ifdef VECTOR_NARROW
  if (w->s.bf16) {
    bind_bf16(w, kernel);
    return;
  }
#endif
  winograd_kernel(kernel, w->s.in.c, w->s.plain.c, w->turned, w->u, w->s.threads);
}

typedef struct {
  int image, y, x; /* in tiles */
} tile_place;

static tile_place locate(const learn_winograd *w, size_t t) {
  const size_t in_image = w->tiles_y * w->tiles_x;
  return (tile_place){(int)(t / in_image), (int)(t % in_image / w->tiles_x), (int)(t % w->tiles_x)};
}

/* v [36][..][channels] of one tile. */
VECTOR_INLINE void transform_input(const learn_winograd *w, const learn_source *from, size_t tile,
                                   char *v, size_t stride, learn_kind kind, bool bf16) {
  const size_t bytes = element_bytes(bf16), channels = (size_t)w->s.in.c;
  const tile_place at = locate(w, tile);
  learn_pixel pixels[6][6];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++)
      pixels[i][j] = learn_pixel_at(from, at.image, at.y * 4 - w->s.pad + i,
                                    at.x * 4 - w->s.pad + j, bytes, w->zeros);
  for (size_t c = 0; c < channels; c += ELEMENT_STEP) {
    v16 d[ELEMENT_VECTORS][6][6], o[ELEMENT_VECTORS][6][6];
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++) {
        v16 value[ELEMENT_VECTORS];
        learn_load(&pixels[i][j], c, kind, value, bf16);
        for (int part = 0; part < ELEMENT_VECTORS; part++) d[part][i][j] = value[part];
      }
    for (int part = 0; part < ELEMENT_VECTORS; part++) input_2d(d[part], o[part]);
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++) {
        v16 value[ELEMENT_VECTORS];
        for (int part = 0; part < ELEMENT_VECTORS; part++) value[part] = o[part][i][j];
        element_store(v + (size_t)(i * 6 + j) * stride + c * bytes, value, bf16);
      }
  }
}

VECTOR static void transform_tile(const learn_winograd *w, const learn_source *from, size_t tile,
                                  char *v, size_t stride) {
  const learn_kind kind = learn_kind_of(from);
  if (learn_bf16(&w->s)) {
    if (kind == LEARN_PLAIN) transform_input(w, from, tile, v, stride, LEARN_PLAIN, true);
    else if (kind == LEARN_RELU) transform_input(w, from, tile, v, stride, LEARN_RELU, true);
    else transform_input(w, from, tile, v, stride, LEARN_POOLED, true);
  } else {
    if (kind == LEARN_PLAIN) transform_input(w, from, tile, v, stride, LEARN_PLAIN, false);
    else if (kind == LEARN_RELU) transform_input(w, from, tile, v, stride, LEARN_RELU, false);
    else transform_input(w, from, tile, v, stride, LEARN_POOLED, false);
  }
}

/* Which tiles are computed, and where their results go. */
typedef struct {
  const learn_tiles *tiles;
  const float *bias;
  char *y;
  uint8_t *won;
} target;

/* A step of filters of a tile before bias, relu and pooling. */
VECTOR_INLINE void store_tile(const learn_winograd *w, const target *to, size_t tile, size_t filter,
                              v16 o[ELEMENT_VECTORS][4][4], bool bf16) {
  const learn_shape *s = &w->s;
  const tile_place at = locate(w, tile);
  const int side = learn_winograd_side(s->pool);
  const size_t bytes = element_bytes(bf16);
  for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
    const v16 offset = to->bias ? v16_load(to->bias + filter + 16 * part) : v16_zero();
    for (int k = 0; k < 16; k++) {
      const v16 value = add(o[part][k / 4][k % 4], offset);
      o[part][k / 4][k % 4] = s->relu && !s->pool ? v16_relu(value) : value;
    }
  }
  for (int i = 0; i < side && at.y * side + i < s->out.h; i++)
    for (int j = 0; j < side && at.x * side + j < s->out.w; j++) {
      const size_t place =
          (((size_t)at.image * (size_t)s->out.h + (size_t)(at.y * side + i)) * (size_t)s->out.w +
           (size_t)(at.x * side + j)) *
              (size_t)s->out.c +
          filter;
      v16 value[ELEMENT_VECTORS];
      for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
        v16(*t)[4] = o[part];
        if (s->pool) {
          const v16 square[4] = {t[2 * i][2 * j], t[2 * i][2 * j + 1], t[2 * i + 1][2 * j],
                                 t[2 * i + 1][2 * j + 1]};
          value[part] = learn_pool(square, s->relu, to->won + place + 16 * part);
        } else {
          value[part] = t[i][j];
        }
      }
      element_store(to->y + place * bytes, value, bf16);
    }
}

/* One chunk of filters for `count` transformed tiles from the `first` listed on. */
VECTOR static void multiply(const learn_winograd *w, const target *to, size_t first, size_t count,
                            const char *v, size_t stride, size_t chunk, float *m) {
  const learn_shape *s = &w->s;
  const size_t depth = (size_t)s->in.c, bytes = element_bytes(learn_bf16(s));
  const size_t width = least((size_t)s->plain.c - chunk, PRODUCT_WIDTH);
  const char *u = (const char *)w->u + WINOGRAD_POSITIONS * depth * chunk * bytes;
  const size_t step = m_stride(w->turn);
  for (size_t p = 0; p < WINOGRAD_POSITIONS; p++) {
    const void *from = v + p * stride, *weights = u + p * depth * width * bytes;
    product_rows(from, depth, weights, m + p * step, count, depth, (int)width, s->bf16);
  }
  for (size_t t = 0; t < count; t++)
    for (size_t f = 0; f < width; f += ELEMENT_STEP) {
      v16 o[ELEMENT_VECTORS][4][4];
      for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
        v16 p[6][6];
        for (size_t k = 0; k < WINOGRAD_POSITIONS; k++)
          p[k / 6][k % 6] = v16_load(m + k * step + t * width + f + 16 * part);
        output_2d(p, o[part]);
      }
      const size_t tile = learn_tile(to->tiles, first + t);
      if (learn_bf16(s)) store_tile(w, to, tile, chunk + f, o, true);
      else store_tile(w, to, tile, chunk + f, o, false);
    }
}

/* Every thread takes turns of tiles and goes through all filters with them. */
static void run_turns(const learn_winograd *w, const learn_source *from, const target *to,
                      char *scratch) {
  const size_t tiles = to->tiles->count, threads = (size_t)w->s.threads;
  const size_t size = least(w->turn, up_to_rows((tiles + threads - 1) / threads));
  const size_t turns = tiles ? (tiles + size - 1) / size : 0, own = v_bytes(w) + m_bytes(w);
  const size_t row = (size_t)w->s.in.c * element_bytes(w->s.bf16), stride = v_stride(w, w->turn);
#pragma omp parallel for num_threads(w->s.threads) schedule(dynamic)
  for (size_t turn = 0; turn < turns; turn++) {
    const size_t first = turn * size, now = least(tiles - first, size);
    char *v = scratch + (size_t)omp_get_thread_num() * own;
    void *m = v + v_bytes(w);
    for (size_t t = 0; t < now; t++)
      transform_tile(w, from, learn_tile(to->tiles, first + t), v + t * row, stride);
    for (size_t chunk = 0; chunk < (size_t)w->s.plain.c; chunk += PRODUCT_WIDTH)
      multiply(w, to, first, now, v, stride, chunk, m);
  }
}

/* All threads transform a round of tiles, then share out filters and parts of the round. */
static void run_rounds(const learn_winograd *w, const learn_source *from, const target *to,
                       char *scratch) {
  char *v = scratch, *products = scratch + v_bytes(w);
  const size_t row = (size_t)w->s.in.c * element_bytes(w->s.bf16), stride = v_stride(w, w->round);
  const size_t chunks = ((size_t)w->s.plain.c + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
#pragma omp parallel num_threads(w->s.threads)
  for (size_t first = 0; first < to->tiles->count; first += w->round) {
    const size_t now = least(to->tiles->count - first, w->round),
                 parts = (now + w->turn - 1) / w->turn;
    void *m = products + (size_t)omp_get_thread_num() * m_bytes(w);
#pragma omp for schedule(dynamic, 4)
    for (size_t t = 0; t < now; t++)
      transform_tile(w, from, learn_tile(to->tiles, first + t), v + t * row, stride);
#pragma omp for schedule(dynamic)
    for (size_t task = 0; task < chunks * parts; task++) {
      const size_t part = task % parts * w->turn, size = least(now - part, w->turn);
      multiply(w, to, first + part, size, v + part * row, stride, task / parts * PRODUCT_WIDTH, m);
    }
  }
}

void learn_winograd_run(const learn_winograd *w, const learn_tiles *tiles, const learn_source *from,
                        const float *bias, void *y, uint8_t *won, void *scratch) {
  const target to = {.tiles = tiles, .bias = bias, .y = y, .won = won};
  if (w->shared) run_rounds(w, from, &to, scratch);
  else run_turns(w, from, &to, scratch);
}
