#include <omp.h>
#include <string.h>

#include "net/learn/learn.h"
#include "net/learn/transpose.h"
#include "net/planes.h"

#ifdef VECTOR_MATRIX

/* dkernel_k = sum over pixels q of x(q + k) dy(q), of all places k of the window. A band of x with
 * its borders and one of dy lie in planes of equal rows; places that are no pixel of dy are zeros
 * there. So the pixels are what is summed over, 32 a step, and a place of the window is an offset
 * in x, whose channels are rows for that. All threads fill a band's planes, turn them, and share
 * out channels, filters and places: the sums run over the bands in order, whoever does it. */
#define BAND_BYTES ((size_t)12 << 20)
#define STEP 32
/* Steps of 32 channels and 32 filters that stay in the nearest cache for all places of the window.
 */
#define NEAR_STEPS 8
#define SUMS 1024 /* of 32 channels and 32 filters */

typedef struct {
  const learn_shape *s;
  const learn_source *x, *dy;
  const uint8_t *computed;
  int height; /* output rows before pooling that matter */
  matrix_cut cut;
  size_t places; /* of a band's planes at most, in whole steps, and what is read behind them */
  /* In scratch: */
  char *zeros;              /* a pixel */
  char *x_plane, *dy_plane; /* [c / 32][places][32] */
  char *x_rows;             /* [c][row_bytes] */
  char *dy_pairs;           /* [filters / 16][places / 2][16][2] */
  size_t row_bytes;
  uint8_t *active; /* [steps]: whether a pixel of dy is computed there */
  uint32_t *list;  /* of those steps */
  double *bias;    /* [filters] */
  float *sums;     /* of each thread: [places of the window][SUMS] */
} job;

static size_t up_to_line(size_t bytes) {
  return (bytes + LEARN_LINE - 1) / LEARN_LINE * LEARN_LINE;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* The next `bytes` of scratch; NULL where that is only measured. */
static void *take(char *scratch, size_t *used, size_t bytes) {
  char *here = scratch ? scratch + *used : NULL;
  *used += up_to_line(bytes);
  return here;
}

/* Adds up also how many bytes of scratch are used. */
static job job_of(const learn_shape *s, char *scratch, size_t *used) {
  const int side = s->pool ? 2 : 1, more = s->kernel - 1;
  const size_t channels = (size_t)s->in.c, filters = (size_t)s->plain.c;
  job j = {.s = s, .height = side * s->out.h};
  const matrix_cutting by = {.height = j.height,
                             .width = side * s->out.w,
                             .side = side,
                             .more = more,
                             .batch = s->batch,
                             .pixel = 2 * (channels + filters) * sizeof(uint16_t),
                             .bytes = BAND_BYTES};
  j.cut = matrix_cut_bands(&by);
  const size_t columns = (size_t)(by.width + more);
  j.places = (size_t)(j.cut.images * (j.cut.rows + more)) * columns;
  j.places =
      (j.places + STEP - 1) / STEP * STEP + ((size_t)more * (columns + 1) + 2 * STEP) / STEP * STEP;
  /* An odd number of lines, so that rows do not fall into few sets of the cache. */
  j.row_bytes = (j.places * sizeof(uint16_t) / LEARN_LINE | 1) * LEARN_LINE;
  j.zeros = take(scratch, used, (channels > filters ? channels : filters) * sizeof(float));
  j.x_plane = take(scratch, used, j.places * channels * sizeof(uint16_t));
  j.dy_plane = take(scratch, used, j.places * filters * sizeof(uint16_t));
  j.x_rows = take(scratch, used, j.row_bytes * channels);
  j.dy_pairs = take(scratch, used, j.places * filters * sizeof(uint16_t));
  j.active = take(scratch, used, j.places / STEP);
  j.list = take(scratch, used, j.places / STEP * sizeof *j.list);
  j.bias = take(scratch, used, filters * sizeof *j.bias);
  j.sums =
      take(scratch, used, (size_t)(s->threads * s->kernel * s->kernel) * SUMS * sizeof *j.sums);
  return j;
}

size_t learn_matrix_gradient_scratch(const learn_shape *s) {
  size_t used = 0;
  job_of(s, NULL, &used);
  return used;
}

static void clear_places(const job *j, size_t channels, size_t first, size_t count, char *plane) {
  for (size_t c = 0; c < channels; c += 32)
    memset(plane + (c / 32 * j->places + first) * MATRIX_BYTES, 0, count * MATRIX_BYTES);
}

/* A row of both planes, `line` of the band's; of dy those below the images' last are zeros. */
static void fill_line(const job *j, const matrix_band *b, int line) {
  const learn_shape *s = j->s;
  const int more = s->kernel - 1, columns = b->columns + more;
  const int image = b->image + line / (b->rows + more), y = line % (b->rows + more);
  const size_t first = (size_t)line * (size_t)columns, filters = (size_t)s->plain.c;
  const learn_matrix_row x = {.from = j->x,
                              .zeros = j->zeros,
                              .channels = (size_t)s->in.c,
                              .stride = s->stride,
                              .bf16 = s->in_bf16,
                              .unit_stride = j->places * MATRIX_BYTES};
  const learn_matrix_row dy = {.from = j->dy,
                               .zeros = j->zeros,
                               .channels = filters,
                               .stride = 1,
                               .bf16 = s->bf16,
                               .unit_stride = j->places * MATRIX_BYTES};
  learn_matrix_copy(&x, image, b->top + y - s->pad, b->left - s->pad, columns,
                    j->x_plane + first * MATRIX_BYTES);
  if (y >= b->rows) {
    clear_places(j, filters, first, (size_t)columns, j->dy_plane);
    return;
  }
  learn_matrix_copy(&dy, image, b->top + y, b->left, b->columns,
                    j->dy_plane + first * MATRIX_BYTES);
  clear_places(j, filters, first + (size_t)b->columns, (size_t)more, j->dy_plane);
}

/* Lists the steps in which a pixel of dy is computed; returns their number. */
static size_t list_steps(const job *j, const matrix_band *b) {
  const learn_shape *s = j->s;
  const int more = s->kernel - 1, shift = s->pool ? 1 : 0;
  size_t count = 0;
  memset(j->active, 0, j->places / STEP);
  for (int n = 0; n < b->images; n++)
    for (int y = 0; y < b->rows; y++) {
      const size_t first = (size_t)(n * (b->rows + more) + y) * (size_t)(b->columns + more);
      const size_t row =
          ((size_t)(b->image + n) * (size_t)s->out.h + (size_t)((b->top + y) >> shift)) *
          (size_t)s->out.w;
      for (int x = 0; x < b->columns; x++)
        if (!j->computed || j->computed[row + (size_t)((b->left + x) >> shift)])
          j->active[(first + (size_t)x) / STEP] = 1;
    }
  for (size_t k = 0; k < j->places / STEP; k++)
    if (j->active[k]) j->list[count++] = (uint32_t)k;
  return count;
}

/* 32 channels of 32 pixels as pairs of pixels, [2][16 pairs][16 channels]. */
VECTOR_INLINE void load_pairs(const char *from, __m512i pairs[2][16]) {
  const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8,
                                       39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (int q = 0; q < 16; q++, from += 2 * MATRIX_BYTES) {
    const __m512i even = _mm512_loadu_si512(from), odd = _mm512_loadu_si512(from + MATRIX_BYTES);
    pairs[0][q] = _mm512_permutex2var_epi16(even, low, odd);
    pairs[1][q] = _mm512_permutex2var_epi16(even, high, odd);
  }
}

/* A step's 32 places: x to rows of channels, dy to pairs. */
VECTOR static void turn_step(const job *j, size_t step) {
  const size_t first = step * STEP;
  __m512i pairs[2][16];
  for (size_t c = 0; c < (size_t)j->s->in.c; c += 32) {
    load_pairs(j->x_plane + (c / 32 * j->places + first) * MATRIX_BYTES, pairs);
    for (size_t half = 0; half < 2; half++) {
      transpose16(pairs[half]);
      char *to = j->x_rows + (c + 16 * half) * j->row_bytes + first * sizeof(uint16_t);
      for (size_t i = 0; i < 16; i++) _mm512_storeu_si512(to + i * j->row_bytes, pairs[half][i]);
    }
  }
  if (!j->active[step]) return;
  for (size_t f = 0; f < (size_t)j->s->plain.c; f += 32) {
    load_pairs(j->dy_plane + (f / 32 * j->places + first) * MATRIX_BYTES, pairs);
    for (size_t half = 0; half < 2; half++) {
      char *to = j->dy_pairs + ((f / 16 + half) * j->places + first) / 2 * MATRIX_BYTES;
      for (size_t q = 0; q < 16; q++) _mm512_storeu_si512(to + q * MATRIX_BYTES, pairs[half][q]);
    }
  }
}

/* Adds the band's sum of dy to the gradient of sixteen biases. */
VECTOR static void add_bias(const job *j, size_t f, size_t steps) {
  v16 even = v16_zero(), odd = v16_zero();
  for (size_t k = 0; k < steps; k++) {
    const char *from = j->dy_pairs + (f / 16 * j->places + j->list[k] * STEP) / 2 * MATRIX_BYTES;
    for (size_t q = 0; q < 16; q++) {
      const __m512i both = _mm512_loadu_si512(from + q * MATRIX_BYTES);
      even = v16_add(even, _mm512_castsi512_ps(_mm512_slli_epi32(both, 16)));
      odd = v16_add(
          odd, _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000))));
    }
  }
  float sums[16];
  v16_store(sums, v16_add(even, odd));
  for (size_t i = 0; i < 16; i++) j->bias[f + i] += (double)sums[i];
}

/* dkernel [32][32] of a place = or += its sums. */
VECTOR static void add_sums(const float *sums, float *dkernel, size_t stride, bool more) {
  for (size_t i = 0; i < 32; i++, dkernel += stride)
    for (size_t part = 0; part < 32; part += 16, sums += 16)
      v16_store(dkernel + part,
                more ? v16_add(v16_load(dkernel + part), v16_load(sums)) : v16_load(sums));
}

/* The band's products of 32 channels and 32 filters, at all places of the window. */
static void multiply(const job *j, const matrix_band *b, size_t task, size_t steps, float *dkernel,
                     bool more) {
  const size_t kernel = (size_t)j->s->kernel, places = kernel * kernel;
  const size_t channels = (size_t)j->s->in.c, filters = (size_t)j->s->plain.c;
  const size_t f = task % (filters / 32) * 32, c = task / (filters / 32) * 32;
  const size_t columns = (size_t)(b->columns + j->s->kernel - 1);
  const char *x = j->x_rows + c * j->row_bytes;
  const char *dy = j->dy_pairs + f / 16 * j->places / 2 * MATRIX_BYTES;
  const size_t near = places > 1 ? NEAR_STEPS : steps;
  float *sums = j->sums + (size_t)omp_get_thread_num() * places * SUMS;
  memset(sums, 0, places * SUMS * sizeof *sums);
  for (size_t first = 0; first < steps; first += near)
    for (size_t k = 0; k < places; k++)
      matrix_outer(x + (k / kernel * columns + k % kernel) * sizeof(uint16_t), j->row_bytes, dy,
                   j->places / 2 * MATRIX_BYTES, j->list + first, least(steps - first, near),
                   sums + k * SUMS);
  for (size_t k = 0; k < places; k++)
    add_sums(sums + k * SUMS, dkernel + (k * channels + c) * filters + f, filters, more);
}

/* All threads' part of one band. */
static void run_band(const job *j, const matrix_band *b, float *dkernel, bool more, size_t *steps) {
  const learn_shape *s = j->s;
  const int lines = b->images * (b->rows + s->kernel - 1);
  const size_t used = (size_t)lines * (size_t)(b->columns + s->kernel - 1);
  const size_t tasks = (size_t)(s->in.c / 32) * (size_t)(s->plain.c / 32);
  /* As far as a step with the last places reads. */
  const size_t behind = used + (size_t)(s->kernel - 1) * (size_t)(b->columns + s->kernel);
  const size_t end = least(j->places, (behind + 2 * STEP - 1) / STEP * STEP);
#pragma omp for schedule(static) nowait
  for (int line = 0; line < lines; line++) fill_line(j, b, line);
#pragma omp single
  {
    clear_places(j, (size_t)s->in.c, used, end - used, j->x_plane);
    clear_places(j, (size_t)s->plain.c, used, end - used, j->dy_plane);
    *steps = list_steps(j, b);
  }
#pragma omp for schedule(static)
  for (size_t step = 0; step < end / STEP; step++) turn_step(j, step);
#pragma omp for schedule(dynamic) nowait
  for (size_t task = 0; task < tasks; task++)
    if (dkernel) multiply(j, b, task, *steps, dkernel, more);
#pragma omp for schedule(static)
  for (size_t f = 0; f < (size_t)s->plain.c; f += 16) add_bias(j, f, *steps);
}

void learn_matrix_gradient(const learn_shape *s, const uint8_t *computed, const learn_source *x,
                           const learn_source *dy, float *dkernel, float *dbias, void *scratch) {
  size_t used = 0, steps = 0;
  job j = job_of(s, scratch, &used);
  const size_t filters = (size_t)s->plain.c, images = (size_t)j.cut.images;
  const size_t down = ((size_t)j.height + (size_t)j.cut.rows - 1) / (size_t)j.cut.rows;
  const size_t bands = ((size_t)s->batch + images - 1) / images * down;
  bool begun = false;
  j.x = x;
  j.dy = dy;
  j.computed = computed;
  memset(j.zeros, 0, (size_t)(s->in.c > s->plain.c ? s->in.c : s->plain.c) * sizeof(float));
  memset(j.bias, 0, filters * sizeof *j.bias);
#pragma omp parallel num_threads(s->threads)
  {
    bool more = false;
    matrix_begin();
    for (size_t i = 0; i < bands; i++) {
      matrix_band b = {.image = (int)(i / down * images),
                       .top = (int)(i % down * (size_t)j.cut.rows)};
      b.images = (int)least(images, (size_t)(s->batch - b.image));
      b.rows = (int)least((size_t)j.cut.rows, (size_t)(j.height - b.top));
      if (matrix_band_narrow(computed, s->out, s->pool ? 2 : 1, &b) == 0) continue;
      run_band(&j, &b, dkernel, more, &steps);
      more = true;
    }
    matrix_end();
#pragma omp single
    begun = more;
  }
  if (dkernel && !begun)
    memset(dkernel, 0,
           (size_t)(s->kernel * s->kernel) * (size_t)s->in.c * filters * sizeof *dkernel);
  for (size_t f = 0; dbias && f < filters; f++) dbias[f] = (float)j.bias[f];
}

#else

size_t learn_matrix_gradient_scratch(const learn_shape *s) {
  (void)s;
  return 0;
}

void learn_matrix_gradient(const learn_shape *s, const uint8_t *computed, const learn_source *x,
                           const learn_source *dy, float *dkernel, float *dbias, void *scratch) {
  (void)s;
  (void)computed;
  (void)x;
  (void)dy;
  (void)dkernel;
  (void)dbias;
  (void)scratch;
}

#endif
