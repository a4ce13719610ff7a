#include <omp.h>
#include <string.h>

#include "net/learn/learn.h"
#include "net/outer.h"
#include "net/product.h"
#include "net/winograd/transforms.h"
#include "net/winograd/winograd.h"

/* dg = Gt [ sum over tiles of (Bt d B) . (A dY At) ] G: at each of the 36 positions a product of
 * two matrices over the tiles, float32 or pairs of tiles in bfloat16.
 *
 * A small kernel's sums stay in a core's second-level cache: each thread goes through its own tiles
 * with sums of its own, which are added in the threads' order. For a larger one the threads
 * transform a round of tiles together and share out positions and filters. */
/* Bytes: of sums up to which each thread has its own; of transformed tiles of a round, since sums
 * are read and written once for each, and of a thread's turn. */
#ifdef VECTOR_AVX512
#define OWN_SUMS ((size_t)640 << 10)
#define ROUND_BYTES ((size_t)16 << 20)
#else
#define OWN_SUMS ((size_t)400 << 10)
#define ROUND_BYTES ((size_t)4 << 20)
#endif
#define TURN_BYTES ((size_t)384 << 10)

typedef struct {
  const learn_shape *s;
  const learn_tiles *list;
  const learn_source *x, *dy;
  size_t tiles_y, tiles_x;   /* of an image */
  size_t tiles;              /* that are computed */
  size_t block;              /* tiles of a turn or round, even */
  bool own;                  /* each thread has its own sums */
  size_t v_row, z_row;       /* values between tiles */
  size_t v_stride, z_stride; /* bytes between positions */
  size_t sums;               /* values of du */
  char *scratch;
} job;

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* The products go down columns of the tiles' rows: a cache line between rows keeps a column from
 * falling into few sets of the cache. */
static size_t row_values(size_t channels) {
  return channels % 128 == 0 ? channels + LEARN_LINE / sizeof(float) : channels;
}

/* `tiles` NULL: for all of them. */
static job job_of(const learn_shape *s, const learn_tiles *tiles) {
  job j = {.s = s, .list = tiles};
  const int side = learn_winograd_side(s->pool);
  j.tiles_y = (size_t)((s->out.h + side - 1) / side);
  j.tiles_x = (size_t)((s->out.w + side - 1) / side);
  j.tiles = tiles ? tiles->count : (size_t)s->batch * j.tiles_y * j.tiles_x;
  j.sums = WINOGRAD_POSITIONS * (size_t)s->in.c * (size_t)s->plain.c;
  j.own = j.sums * sizeof(float) <= OWN_SUMS;
  const size_t bytes = element_bytes(s->bf16);
  j.v_row = row_values((size_t)s->in.c);
  j.z_row = row_values((size_t)s->plain.c);
  const size_t tile = WINOGRAD_POSITIONS * (j.v_row + j.z_row) * bytes;
  const size_t share = j.own ? (j.tiles + (size_t)s->threads - 1) / (size_t)s->threads : j.tiles;
  j.block = least((j.own ? TURN_BYTES : ROUND_BYTES) / tile, share);
  j.block = (j.block + 1) / 2 * 2;
  if (j.block < 2) j.block = 2;
  j.v_stride = j.block * j.v_row * bytes + LEARN_LINE;
  j.z_stride = j.block * j.z_row * bytes + LEARN_LINE;
  return j;
}

static size_t block_bytes(const job *j) {
  return WINOGRAD_POSITIONS * (j->v_stride + j->z_stride);
}

/* Of a thread: sums of the bias's gradient, float32 for a block and double for all. */
static size_t bias_bytes(const job *j) {
  return (size_t)j->s->plain.c * (sizeof(float) + sizeof(double));
}

static size_t thread_bytes(const job *j) {
  return bias_bytes(j) + (j->own ? block_bytes(j) + j->sums * sizeof(float) : 0);
}

static size_t shared_bytes(const job *j) {
  return LEARN_LINE + (j->own ? 0 : block_bytes(j) + j->sums * sizeof(float));
}

size_t learn_winograd_gradient_scratch(const learn_shape *s) {
  const job j = job_of(s, NULL);
  return shared_bytes(&j) + (size_t)s->threads * (thread_bytes(&j) + LEARN_LINE) + LEARN_LINE +
         2 * (size_t)(s->in.c + s->plain.c) * sizeof(float);
}

/* What a thread works with. */
typedef struct {
  char *v, *z;
  float *du;
  float *bias;       /* sums of this block, split order */
  double *bias_sums; /* of all */
} workplace;

static char *aligned(char *at) {
  return (char *)(((uintptr_t)at + LEARN_LINE - 1) / LEARN_LINE * LEARN_LINE);
}

/* Zeros for what lies outside: a pixel's channels of the input or the output. */
static size_t zero_bytes(const job *j) {
  return (size_t)(j->s->in.c > j->s->plain.c ? j->s->in.c : j->s->plain.c) * sizeof(float);
}

static workplace workplace_of(const job *j, int thread) {
  char *shared = aligned(j->scratch + zero_bytes(j));
  char *own = aligned(shared + shared_bytes(j) - LEARN_LINE) +
              (size_t)thread * ((thread_bytes(j) + LEARN_LINE - 1) / LEARN_LINE * LEARN_LINE);
  char *block = j->own ? own : shared;
  char *sums = block + block_bytes(j);
  char *bias = j->own ? sums + j->sums * sizeof(float) : own;
  void *du = sums, *doubles = bias, *floats = bias + (size_t)j->s->plain.c * sizeof(double);
  return (workplace){.v = block,
                     .z = block + WINOGRAD_POSITIONS * j->v_stride,
                     .du = du,
                     .bias = floats,
                     .bias_sums = doubles};
}

typedef struct {
  int image, y, x; /* in tiles */
} tile_place;

static tile_place locate(const job *j, size_t t) {
  const size_t in_image = j->tiles_y * j->tiles_x;
  return (tile_place){(int)(t / in_image), (int)(t % in_image / j->tiles_x), (int)(t % j->tiles_x)};
}

/* Stores the transforms of one tile (float32: `second` is not read) or of two as pairs. */
VECTOR_INLINE void store_transformed(v16 first[6][6], v16 second[6][6], char *to, size_t stride,
                                     bool bf16) {
#ifdef VECTOR_NARROW
  if (bf16) {
    for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
      _mm512_storeu_si512(to + p * stride, learn_pairs(first[p / 6][p % 6], second[p / 6][p % 6]));
    return;
  }
#endif
  (void)bf16;
  (void)second;
  for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
    v16_store((float *)(void *)(to + p * stride), first[p / 6][p % 6]);
}

/* Tiles `t` and, in bfloat16, `t` + 1 of the block that begins with tile `first`. */
VECTOR_INLINE void transform_input(const job *j, size_t first, size_t t, size_t count, char *v,
                                   bool bf16) {
  const learn_shape *s = j->s;
  const size_t bytes = element_bytes(bf16), channels = (size_t)s->in.c;
  const int tiles = bf16 ? 2 : 1;
  learn_pixel pixels[2][6][6];
  for (int k = 0; k < tiles; k++) {
    const bool there = t + (size_t)k < count;
    const tile_place at = locate(j, learn_tile(j->list, first + t + (there ? (size_t)k : 0)));
    for (int i = 0; i < 6; i++)
      for (int l = 0; l < 6; l++)
        pixels[k][i][l] = learn_pixel_at(j->x, at.image, there ? at.y * 4 - s->pad + i : -1,
                                         at.x * 4 - s->pad + l, bytes, j->scratch);
  }
  for (size_t c = 0; c < channels; c += ELEMENT_STEP) {
    v16 d[ELEMENT_VECTORS][2][6][6], o[ELEMENT_VECTORS][2][6][6]; /* [part][tile] */
    for (int k = 0; k < tiles; k++) {
      for (int i = 0; i < 6; i++)
        for (int l = 0; l < 6; l++) {
          v16 value[ELEMENT_VECTORS];
          learn_load(&pixels[k][i][l], c, LEARN_PLAIN, value, bf16);
          for (int part = 0; part < ELEMENT_VECTORS; part++) d[part][k][i][l] = value[part];
        }
      for (int part = 0; part < ELEMENT_VECTORS; part++) input_2d(d[part][k], o[part][k]);
    }
    char *to = v + (t * j->v_row + c * (size_t)tiles) * bytes;
    for (int part = 0; part < ELEMENT_VECTORS; part++)
      store_transformed(o[part][0], o[part][1], to + 64 * part, j->v_stride, bf16);
  }
}

VECTOR_INLINE void transform_gradient(const job *j, size_t first, size_t t, size_t count, char *z,
                                      float *bias, learn_kind kind, bool bf16) {
  const size_t bytes = element_bytes(bf16), filters = (size_t)j->s->plain.c;
  const int tiles = bf16 ? 2 : 1;
  learn_pixel pixels[2][4][4];
  for (int k = 0; k < tiles; k++) {
    const bool there = t + (size_t)k < count;
    const tile_place at = locate(j, learn_tile(j->list, first + t + (there ? (size_t)k : 0)));
    for (int i = 0; i < 4; i++)
      for (int l = 0; l < 4; l++)
        pixels[k][i][l] = learn_pixel_at(j->dy, at.image, there ? at.y * 4 + i : -1, at.x * 4 + l,
                                         bytes, j->scratch);
  }
  for (size_t f = 0; f < filters; f += ELEMENT_STEP) {
    v16 y[ELEMENT_VECTORS][2][4][4], o[ELEMENT_VECTORS][2][6][6]; /* [part][tile] */
    for (int k = 0; k < tiles; k++)
      for (int i = 0; i < 4; i++)
        for (int l = 0; l < 4; l++) {
          v16 value[ELEMENT_VECTORS];
          learn_load(&pixels[k][i][l], f, kind, value, bf16);
          for (int part = 0; part < ELEMENT_VECTORS; part++) y[part][k][i][l] = value[part];
        }
    char *to = z + (t * j->z_row + f * (size_t)tiles) * bytes;
    for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
      v16 sum = v16_load(bias + f + 16 * part);
      for (int k = 0; k < tiles; k++) {
        for (int i = 0; i < 16; i++) sum = add(sum, y[part][k][i / 4][i % 4]);
        output_gradient_2d(y[part][k], o[part][k]);
      }
      v16_store(bias + f + 16 * part, sum);
      store_transformed(o[part][0], o[part][1], to + 64 * part, j->z_stride, bf16);
    }
  }
}

VECTOR static void transform(const job *j, size_t first, size_t t, size_t count,
                             const workplace *w) {
  const learn_kind kind = learn_kind_of(j->dy);
  if (learn_bf16(j->s)) {
    transform_input(j, first, t, count, w->v, true);
    if (kind == LEARN_PLAIN)
      transform_gradient(j, first, t, count, w->z, w->bias, LEARN_PLAIN, true);
    else if (kind == LEARN_RELU)
      transform_gradient(j, first, t, count, w->z, w->bias, LEARN_RELU, true);
    else transform_gradient(j, first, t, count, w->z, w->bias, LEARN_POOLED, true);
    return;
  }
  transform_input(j, first, t, count, w->v, false);
  if (kind == LEARN_PLAIN)
    transform_gradient(j, first, t, count, w->z, w->bias, LEARN_PLAIN, false);
  else if (kind == LEARN_RELU)
    transform_gradient(j, first, t, count, w->z, w->bias, LEARN_RELU, false);
  else transform_gradient(j, first, t, count, w->z, w->bias, LEARN_POOLED, false);
}

/* Filters f .. f+width-1 of du at one position, over the `count` tiles of a block. */
static void multiply(const job *j, const workplace *w, size_t p, size_t f, size_t count,
                     bool more) {
  const size_t channels = (size_t)j->s->in.c, filters = (size_t)j->s->plain.c;
  const size_t width = least(filters - f, PRODUCT_WIDTH);
  const char *v = w->v + p * j->v_stride, *z = w->z + p * j->z_stride;
  float *du = w->du + p * channels * filters + f;
#ifdef VECTOR_NARROW
  if (j->s->bf16) {
    outer_pairs(v, j->v_row, z + f * 4, j->z_row, du, filters, (count + 1) / 2, channels,
                (int)width, more);
    return;
  }
#endif
  outer_rows((const void *)v, j->v_row, (const void *)(z + f * 4), j->z_row, du, filters, count,
             channels, (int)width, more);
}

static void add_bias(const job *j, const workplace *w) {
  for (int f = 0; f < j->s->plain.c; f++) {
    w->bias_sums[f] += (double)w->bias[f];
    w->bias[f] = 0;
  }
}

static void clear_bias(const job *j) {
  for (int thread = 0; thread < j->s->threads; thread++) {
    const workplace w = workplace_of(j, thread);
    memset(w.bias, 0, (size_t)j->s->plain.c * sizeof *w.bias);
    memset(w.bias_sums, 0, (size_t)j->s->plain.c * sizeof *w.bias_sums);
  }
}

/* Each thread goes through its share of the tiles. */
static void run_own(const job *j) {
  const size_t threads = (size_t)j->s->threads, blocks = (j->tiles + j->block - 1) / j->block;
#pragma omp parallel for num_threads(j->s->threads) schedule(static, 1)
  for (size_t thread = 0; thread < threads; thread++) {
    const workplace w = workplace_of(j, (int)thread);
    const size_t from = blocks * thread / threads, end = blocks * (thread + 1) / threads;
    if (from == end) memset(w.du, 0, j->sums * sizeof *w.du);
    for (size_t b = from; b < end; b++) {
      const size_t first = b * j->block, count = least(j->tiles - first, j->block);
      for (size_t t = 0; t < count; t += j->s->bf16 ? 2 : 1) transform(j, first, t, count, &w);
      for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
        for (size_t f = 0; f < (size_t)j->s->plain.c; f += PRODUCT_WIDTH)
          multiply(j, &w, p, f, count, b > from);
      add_bias(j, &w);
    }
  }
}

/* All threads work on one round after the other. */
static void run_shared(const job *j) {
  const size_t chunks = ((size_t)j->s->plain.c + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
  const size_t step = j->s->bf16 ? 2 : 1;
  if (!j->tiles) memset(workplace_of(j, 0).du, 0, j->sums * sizeof(float));
#pragma omp parallel num_threads(j->s->threads)
  {
    const workplace w = workplace_of(j, omp_get_thread_num());
    for (size_t first = 0; first < j->tiles; first += j->block) {
      const size_t count = least(j->tiles - first, j->block);
#pragma omp for schedule(static)
      for (size_t t = 0; t < (count + step - 1) / step; t++)
        transform(j, first, t * step, count, &w);
      add_bias(j, &w);
#pragma omp for schedule(dynamic)
      for (size_t task = 0; task < WINOGRAD_POSITIONS * chunks; task++)
        multiply(j, &w, task / chunks, task % chunks * PRODUCT_WIDTH, count, first > 0);
    }
  }
}

/* A step of filters in split order, to their natural one. */
VECTOR_INLINE void store_filters(const v16 parts[ELEMENT_VECTORS], float *to, bool bf16) {
#ifdef VECTOR_NARROW
  if (bf16) {
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    v16_store(to, _mm512_permutex2var_ps(parts[0], low, parts[1]));
    v16_store(to + 16, _mm512_permutex2var_ps(parts[0], high, parts[1]));
    return;
  }
#endif
  (void)bf16;
  for (int part = 0; part < ELEMENT_VECTORS; part++) v16_store(to + 16 * part, parts[part]);
}

/* dkernel of channel c, from the sums of all threads. */
VECTOR_INLINE void finish_channel(const job *j, size_t c, int threads, float *dkernel, bool bf16) {
  const size_t channels = (size_t)j->s->in.c, filters = (size_t)j->s->plain.c;
  const size_t row = learn_split(c, bf16) * filters;
  for (size_t f = 0; f < filters; f += ELEMENT_STEP) {
    v16 dg[ELEMENT_VECTORS][3][3];
    for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
      v16 u[6][6];
      for (size_t p = 0; p < WINOGRAD_POSITIONS; p++) {
        const size_t at = p * channels * filters + row + f + 16 * part;
        u[p / 6][p % 6] = v16_load(workplace_of(j, 0).du + at);
        for (int thread = 1; thread < threads; thread++)
          u[p / 6][p % 6] = add(u[p / 6][p % 6], v16_load(workplace_of(j, thread).du + at));
      }
      kernel_gradient_2d(u, dg[part]);
    }
    for (size_t k = 0; k < 9; k++) {
      v16 value[ELEMENT_VECTORS];
      for (int part = 0; part < ELEMENT_VECTORS; part++) value[part] = dg[part][k / 3][k % 3];
      store_filters(value, dkernel + (k * channels + c) * filters + f, bf16);
    }
  }
}

VECTOR static void finish(const job *j, size_t c, int threads, float *dkernel) {
  if (learn_bf16(j->s)) finish_channel(j, c, threads, dkernel, true);
  else finish_channel(j, c, threads, dkernel, false);
}

void learn_winograd_gradient(const learn_shape *s, const learn_tiles *tiles, const learn_source *x,
                             const learn_source *dy, float *dkernel, float *dbias, void *scratch) {
  job j = job_of(s, tiles);
  j.x = x;
  j.dy = dy;
  j.scratch = scratch;
  memset(scratch, 0, zero_bytes(&j));
  clear_bias(&j);
  if (j.own) run_own(&j);
  else run_shared(&j);
  const int summing = j.own ? s->threads : 1;
  if (dkernel) {
#pragma omp parallel for num_threads(s->threads) schedule(static)
    for (size_t c = 0; c < (size_t)s->in.c; c++) finish(&j, c, summing, dkernel);
  }
  for (size_t f = 0; dbias && f < (size_t)s->plain.c; f++) {
    double sum = 0;
    for (int thread = 0; thread < s->threads; thread++)
      sum += workplace_of(&j, thread).bias_sums[learn_split(f, s->bf16)];
    dbias[f] = (float)sum;
  }
}
