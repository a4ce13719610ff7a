#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/infer/infer.h"
#include "net/layout.h"
#include "net/planes.h"

#ifdef VECTOR_MATRIX

#define LINE 64
/* Of windows that are copied one by one, what a thread takes at a time. */
#define BAND_BYTES ((size_t)512 << 10)
#define BAND_PIXELS 256

/* Windows that overlap are read from planes (net/planes.h); those of other convolutions are copied
 * one by one, pixels that nobody wants left out. */
struct infer_matrix {
  infer_shape s;
  bool overlaps;
  matrix_planes planes;  /* where they overlap; or else: */
  size_t pixels, groups; /* of a band at most; groups of sixteen */
  size_t room;           /* bytes of its windows */
  size_t list_bytes;     /* of the output pixels to compute */
  size_t pixel, steps;   /* bytes of an input's pixel; steps of 64 bytes in a window */
  char *u;               /* [filters / 16][steps][16][16][4 bytes] */
  infer_units units;
};

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t parts(size_t whole, size_t part) {
  return (whole + part - 1) / part;
}

static size_t thread_bytes(const infer_matrix *d) {
  return matrix_groups_bytes(d->room, d->steps, d->groups);
}

static void cut_windows(infer_matrix *d) {
  const size_t window = d->steps * MATRIX_BYTES;
  size_t pixels = BAND_BYTES / window / MATRIX_ROWS * MATRIX_ROWS;
  if (pixels < 2 * MATRIX_ROWS) pixels = 2 * MATRIX_ROWS;
  d->pixels = least(pixels, BAND_PIXELS);
  d->groups = d->pixels / MATRIX_ROWS;
  d->room = d->pixels * window;
}

void infer_matrix_free(infer_matrix *d) {
  if (!d) return;
  free(d->u);
  infer_units_free(&d->units);
  free(d);
}

leuko_status infer_matrix_new(const infer_shape *shape, int batch, infer_matrix **out,
                              size_t *scratch, leuko_error *error) {
  infer_matrix *d = calloc(1, sizeof *d);
  *out = NULL;
  if (!d) return error_set_memory(error, sizeof *d);
  d->s = *shape;
  d->overlaps = shape->kernel > 1 && shape->stride == 1;
  d->pixel = (size_t)shape->in.c * element_bytes(shape->in_type);
  if (d->overlaps) {
    d->planes = (matrix_planes){.in = shape->in,
                                .out = shape->out,
                                .kernel = shape->kernel,
                                .pad = shape->pad,
                                .batch = batch,
                                .threads = shape->threads,
                                .pool = shape->pool,
                                .pixel = d->pixel,
                                .filters = shape->plain.c};
    matrix_planes_ready(&d->planes);
    d->steps = d->planes.steps;
    *scratch = matrix_planes_scratch(&d->planes);
  } else {
    d->steps = (size_t)(shape->kernel * shape->kernel) * parts(d->pixel, MATRIX_BYTES);
    d->list_bytes = infer_list_bytes(shape, batch, 1);
    cut_windows(d);
    *scratch = d->list_bytes + (size_t)shape->threads * thread_bytes(d);
  }
  const size_t bytes = d->steps * MATRIX_BYTES * (size_t)shape->plain.c;
  d->u = aligned_alloc(LINE, bytes);
  leuko_status status = d->u ? LEUKO_OK : error_set_memory(error, bytes);
  if (status == LEUKO_OK) status = infer_units_new(shape->plain.c, &d->units, error);
  if (status != LEUKO_OK) {
    infer_matrix_free(d);
    return status;
  }
  *out = d;
  return LEUKO_OK;
}

/* Which byte of the window [kernel][kernel][pixel] byte `byte` of a step is. */
static size_t byte_at(const infer_matrix *d, size_t step, size_t byte) {
  if (d->overlaps) return matrix_planes_byte(&d->planes, step, byte);
  const size_t lines = parts(d->pixel, MATRIX_BYTES), at = step % lines * MATRIX_BYTES + byte;
  return at < d->pixel ? step / lines * d->pixel + at : MATRIX_NOTHING;
}

/* Sixteen filters' bytes. */
static void pack_bytes(const infer_matrix *d, const float *kernel, const float *factors, char *u) {
  const size_t filters = (size_t)d->s.plain.c, depth = (size_t)d->s.in.c;
  for (size_t step = 0; step < d->steps; step++, u += MATRIX_REGISTER)
    for (size_t byte = 0; byte < MATRIX_BYTES; byte++) {
      const size_t k = byte_at(d, step, byte);
      char *to = u + byte / 4 * MATRIX_BYTES + byte % 4;
      for (size_t f = 0; f < MATRIX_COLUMNS; f++)
        to[4 * f] =
            k == MATRIX_NOTHING
                ? 0
                : (char)lrintf(kernel[k * filters + f] * d->s.in_scales[k % depth] * factors[f]);
    }
}

/* The same in bfloat16. */
static void pack_bf16(const infer_matrix *d, const float *kernel, char *u) {
  const size_t filters = (size_t)d->s.plain.c;
  for (size_t step = 0; step < d->steps; step++, u += MATRIX_REGISTER)
    for (size_t byte = 0; byte < MATRIX_BYTES; byte += sizeof(uint16_t)) {
      const size_t k = byte_at(d, step, byte);
      char *to = u + byte / 4 * MATRIX_BYTES + byte % 4;
      for (size_t f = 0; f < MATRIX_COLUMNS; f++) {
        const size_t value = k / sizeof(uint16_t);
        const uint16_t narrow = k == MATRIX_NOTHING ? 0 : net_to_bf16(kernel[value * filters + f]);
        memcpy(to + 4 * f, &narrow, sizeof narrow);
      }
    }
}

void infer_matrix_bind(infer_matrix *d, const float *kernel, const float *bias) {
  const size_t filters = (size_t)d->s.plain.c;
#pragma omp parallel for num_threads(d->s.threads) schedule(static)
  for (size_t f = 0; f < filters; f += MATRIX_COLUMNS) {
    float factors[MATRIX_COLUMNS], counts[MATRIX_COLUMNS];
    char *u = d->u + f * d->steps * MATRIX_BYTES;
    if (d->s.in_type == ELEMENT_U8) {
      infer_byte_factors(&d->s, kernel + f, MATRIX_COLUMNS, factors, counts);
      pack_bytes(d, kernel + f, factors, u);
    } else {
      for (size_t i = 0; i < MATRIX_COLUMNS; i++) counts[i] = 1;
      pack_bf16(d, kernel + f, u);
    }
    infer_units_set(&d->units, &d->s, f, MATRIX_COLUMNS, counts, bias);
  }
}

/* One run of the convolution. */
typedef struct {
  const infer_matrix *d;
  const net_call *call;
} job;

/* What is added to output pixel `number`. */
static const void *added(const job *j, size_t number) {
  const infer_shape *s = &j->d->s;
  const size_t bytes = (size_t)s->out.c * element_bytes(s->add_type);
  const net_skip *skip = &j->call->skip[1];
  if (!skip->computed || skip->computed[number])
    return (const char *)(const void *)j->call->x[1] + number * bytes;
  return (const char *)skip->blank + number % ((size_t)s->out.h * (size_t)s->out.w) * bytes;
}

static void take_sums(const void *context, const float *m, const uint32_t *number, size_t rows,
                      size_t first, int width) {
  const job *j = context;
  const infer_shape *s = &j->d->s;
  const size_t pixel = (size_t)s->out.c * element_bytes(s->out_type);
  const product_finish finish = {.type = s->out_type,
                                 .other_type = s->add_type,
                                 .other_scale = j->d->units.other_scales + first,
                                 .first = first,
                                 .scale = j->d->units.scales + first,
                                 .bias = j->d->units.biases + first,
                                 .relu = s->relu};
  if (s->pool) {
    matrix_finish_pooled(m, &finish, number, MATRIX_ROWS / 2, j->call->y, pixel, width, s->in_type);
    return;
  }
  const void *other[2 * MATRIX_ROWS];
  for (size_t r = 0; s->add && r < rows; r++)
    other[r] = number[r] == MATRIX_NOBODY ? NULL : added(j, number[r]);
  matrix_finish(m, &finish, number, s->add ? other : NULL, rows, j->call->y, pixel, width,
                s->in_type);
}

/* `count` pixels, one behind the other, to a plane's units. */
VECTOR static void copy_pixels(const matrix_planes *p, const char *from, size_t count, char *to,
                               size_t unit_stride) {
  for (size_t u = 0; u < p->units; u++, from += p->unit, to += unit_stride)
    for (size_t i = 0; i < count; i++) {
      if (p->unit == MATRIX_BYTES)
        _mm512_storeu_si512(to + i * MATRIX_BYTES, _mm512_loadu_si512(from + i * p->pixel));
      else
        _mm256_storeu_si256((void *)(to + i * (MATRIX_BYTES / 2)),
                            _mm256_loadu_si256((const void *)(from + i * p->pixel)));
    }
}

static void clear_pixels(const matrix_planes *p, size_t count, char *to, size_t unit_stride) {
  for (size_t u = 0; u < p->units; u++) memset(to + u * unit_stride, 0, count * p->unit);
}

static void fill_row(const void *context, int image, int y, int left, int columns, char *to,
                     size_t unit_stride) {
  const job *j = context;
  const matrix_planes *p = &j->d->planes;
  const net_shape in = p->in;
  const net_skip *skip = &j->call->skip[0];
  if (y < 0 || y >= in.h) {
    clear_pixels(p, (size_t)columns, to, unit_stride);
    return;
  }
  const size_t inside = (size_t)y * (size_t)in.w;
  const size_t row = (size_t)image * (size_t)in.h * (size_t)in.w + inside;
  const char *x = (const char *)j->call->x[0] + row * p->pixel;
  const char *blank = skip->computed ? (const char *)skip->blank + inside * p->pixel : NULL;
  const uint8_t *computed = skip->computed ? skip->computed + row : NULL;
  const int most = left + columns < in.w ? left + columns : in.w;
  for (int c = left, end; c < left + columns; c = end) {
    char *place = to + (size_t)(c - left) * p->unit;
    end = c + 1;
    if (c < 0 || c >= in.w) {
      clear_pixels(p, 1, place, unit_stride);
      continue;
    }
    const bool here = !computed || computed[c];
    while (end < most && (!computed || (computed[end] != 0) == here)) end++;
    copy_pixels(p, (here ? x : blank) + (size_t)c * p->pixel, (size_t)(end - c), place,
                unit_stride);
  }
}

static void run_planes(const infer_matrix *d, const net_call *call) {
  const job own = {d, call};
  const matrix_planes_job j = {.count = call->count,
                               .wanted = call->wanted,
                               .u = d->u,
                               .type = d->s.in_type,
                               .fill = fill_row,
                               .context = &own,
                               .taker = {take_sums, &own}};
  const size_t wanted = matrix_planes_run(&d->planes, &j, call->scratch);
  const size_t all = (size_t)call->count * (size_t)d->s.out.h * (size_t)d->s.out.w;
  if (call->share) *call->share = (double)wanted / (double)all;
}

/* A pixel of the window to the steps that multiply it. */
VECTOR static void copy_window_pixel(const infer_matrix *d, const char *from, char *to) {
  for (size_t at = 0; at < d->pixel; at += MATRIX_BYTES, to += MATRIX_REGISTER) {
    const size_t left = d->pixel - at;
    if (left >= MATRIX_BYTES) _mm512_storeu_si512(to, _mm512_loadu_si512(from + at));
    else _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(((__mmask64)1 << left) - 1, from + at));
  }
}

/* The windows of some output pixels. */
static void fill_windows(const infer_matrix *d, const net_call *call, const infer_place *list,
                         size_t count, matrix_groups *g) {
  const infer_shape *s = &d->s;
  const size_t group_bytes = d->steps * MATRIX_REGISTER;
  const size_t pixel_bytes = parts(d->pixel, MATRIX_BYTES) * MATRIX_REGISTER;
  g->groups = parts(count, MATRIX_ROWS);
  g->stride = MATRIX_BYTES;
  for (size_t k = 0; k < d->steps; k++) g->offsets[k] = (uint32_t)(k * MATRIX_REGISTER);
  for (size_t r = 0; r < g->groups * MATRIX_ROWS; r++) {
    g->at[r / MATRIX_ROWS] = (uint32_t)(r / MATRIX_ROWS * group_bytes);
    g->number[r] = MATRIX_NOBODY;
    if (r >= count) continue;
    const infer_place at = list[r];
    char *to = g->rows + r / MATRIX_ROWS * group_bytes + r % MATRIX_ROWS * MATRIX_BYTES;
    for (int y = 0; y < s->kernel; y++)
      for (int x = 0; x < s->kernel; x++, to += pixel_bytes) {
        const char *from =
            infer_pixel(&call->skip[0], call->x[0], s->in, at.image, at.y * s->stride - s->pad + y,
                        at.x * s->stride - s->pad + x, d->pixel);
        copy_window_pixel(d, from ? from : s->zeros, to);
      }
    g->number[r] = (uint32_t)infer_number(s->out, at);
  }
}

static void run_windows(const infer_matrix *d, const net_call *call) {
  const infer_shape *s = &d->s;
  const infer_place *list = call->scratch;
  const size_t count = infer_list(s, call, 1, call->scratch);
  char *scratch = (char *)call->scratch + d->list_bytes;
  const size_t threads = (size_t)s->threads, chunks = parts((size_t)s->plain.c, PRODUCT_WIDTH);
  const size_t bands = parts(count, d->pixels);
  const size_t shares = bands < 4 * threads ? least(threads, chunks) : 1;
  /* All about equally large. */
  const size_t pixels = bands ? parts(parts(count, bands), MATRIX_ROWS) * MATRIX_ROWS : 0;
  const job own = {d, call};
  const matrix_taker taker = {take_sums, &own};
#pragma omp parallel num_threads(s->threads)
  {
    matrix_begin();
#pragma omp for schedule(dynamic)
    for (size_t task = 0; task < bands * shares; task++) {
      const size_t first = task / shares * pixels;
      if (first >= count) continue;
      matrix_groups g = matrix_groups_in(scratch + (size_t)omp_get_thread_num() * thread_bytes(d),
                                         d->room, d->steps, d->groups);
      fill_windows(d, call, list + first, least(count - first, pixels), &g);
      matrix_groups_multiply(&g, d->steps, d->u, (size_t)s->plain.c, task % shares, shares,
                             s->in_type, &taker);
    }
    matrix_end();
  }
}

void infer_matrix_run(const infer_matrix *d, const net_call *call) {
  if (d->overlaps) run_planes(d, call);
  else run_windows(d, call);
}

#else

leuko_status infer_matrix_new(const infer_shape *shape, int batch, infer_matrix **out,
                              size_t *scratch, leuko_error *error) {
  (void)shape;
  (void)batch;
  (void)scratch;
  *out = NULL;
  return error_set(error, LEUKO_BACKEND, NULL, NULL, "there is no matrix unit at this level");
}

void infer_matrix_free(infer_matrix *d) {
  (void)d;
}

void infer_matrix_bind(infer_matrix *d, const float *kernel, const float *bias) {
  (void)d;
  (void)kernel;
  (void)bias;
}

void infer_matrix_run(const infer_matrix *d, const net_call *call) {
  (void)d;
  (void)call;
}

#endif
