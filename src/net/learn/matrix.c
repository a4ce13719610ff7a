#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/learn/learn.h"
#include "net/learn/transpose.h"
#include "net/planes.h"

#ifdef VECTOR_MATRIX

struct learn_matrix {
  learn_shape s; /* of this convolution; to the data, input is the output's gradient */
  bool turned;   /* to the data */
  net_shape to;  /* of what is written: with a stride, to the data, larger than planes.out */
  matrix_planes planes;
  char *u;     /* the kernel, as for matrix_groups_multiply */
  char *zeros; /* a pixel */
};

void learn_matrix_free(learn_matrix *w) {
  if (!w) return;
  free(w->u);
  free(w->zeros);
  free(w);
}

leuko_status learn_matrix_new(const learn_shape *shape, bool turned, learn_matrix **out,
                              size_t *scratch, leuko_error *error) {
  learn_matrix *w = calloc(1, sizeof *w);
  *out = NULL;
  if (!w) return error_set_memory(error, sizeof *w);
  w->s = turned ? learn_to_data(shape) : *shape;
  w->turned = turned;
  w->to = turned ? shape->in : shape->out;
  w->planes = (matrix_planes){.in = w->s.in,
                              .out = w->s.out,
                              .kernel = w->s.kernel,
                              .pad = w->s.pad,
                              .batch = w->s.batch,
                              .threads = w->s.threads,
                              .pool = w->s.pool,
                              .pixel = (size_t)w->s.in.c * sizeof(uint16_t),
                              .filters = w->s.plain.c};
  matrix_planes_ready(&w->planes);
  const size_t bytes = w->planes.steps * MATRIX_BYTES * (size_t)w->s.plain.c;
  w->u = aligned_alloc(LEARN_LINE, bytes);
  w->zeros = calloc((size_t)w->s.in.c, sizeof(float));
  if (!w->u || !w->zeros) {
    learn_matrix_free(w);
    return error_set_memory(error, bytes);
  }
  *scratch = matrix_planes_scratch(&w->planes);
  *out = w;
  return LEUKO_OK;
}

/* Sixteen filters from `f` on of 32 channels at place `tap` of the window, as pairs of channels. */
VECTOR static void pack_step(const learn_matrix *w, const float *kernel, size_t tap, size_t channel,
                             size_t f, char *u) {
  const size_t channels = (size_t)w->s.in.c, filters = (size_t)w->s.plain.c;
  const size_t places = (size_t)(w->s.kernel * w->s.kernel);
  for (size_t half = 0; half < 32; half += 16) {
    __m512i rows[16]; /* of channels */
    for (size_t i = 0; i < 16; i++) {
      const float *from =
          w->turned ? kernel + ((places - 1 - tap) * filters + f + i) * channels + channel + half
                    : kernel + (tap * channels + channel + half + i) * filters + f;
      rows[i] = _mm512_loadu_si512(from);
    }
    /* Turned, channels of this convolution are the forward one's filters, which lie side by side.
     */
    if (w->turned) transpose16(rows);
    for (size_t i = 0; i < 16; i += 2, u += MATRIX_BYTES)
      _mm512_storeu_si512(
          u, learn_pairs(_mm512_castsi512_ps(rows[i]), _mm512_castsi512_ps(rows[i + 1])));
  }
}

void learn_matrix_bind(learn_matrix *w, const float *kernel) {
  const size_t steps = w->planes.steps, window = (size_t)w->s.in.c;
#pragma omp parallel for num_threads(w->s.threads) schedule(static)
  for (size_t f = 0; f < (size_t)w->s.plain.c; f += MATRIX_COLUMNS)
    for (size_t step = 0; step < steps; step++) {
      const size_t first = matrix_planes_byte(&w->planes, step, 0) / sizeof(uint16_t);
      pack_step(w, kernel, first / window, first % window, f,
                w->u + (f * steps + step * MATRIX_COLUMNS) * MATRIX_BYTES);
    }
}

VECTOR_INLINE void copy_pixels(const learn_matrix_row *row, int image, int y, int left, int columns,
                               char *to, learn_kind kind, bool bf16) {
  for (int x = left; x < left + columns; x++, to += MATRIX_BYTES) {
    const learn_pixel at = learn_pixel_at(row->from, image, y * row->stride, x * row->stride,
                                          element_bytes(bf16), row->zeros);
    char *place = to;
    for (size_t c = 0; c < row->channels; c += 32, place += row->unit_stride)
      _mm512_storeu_si512(place, learn_load_rounded(&at, c, kind, bf16));
  }
}

VECTOR_INLINE void copy_kind(const learn_matrix_row *row, int image, int y, int left, int columns,
                             char *to, learn_kind kind) {
  if (row->bf16) copy_pixels(row, image, y, left, columns, to, kind, true);
  else copy_pixels(row, image, y, left, columns, to, kind, false);
}

VECTOR void learn_matrix_copy(const learn_matrix_row *row, int image, int y, int left, int columns,
                              char *to) {
  const learn_kind kind = learn_kind_of(row->from);
  if (kind == LEARN_PLAIN) copy_kind(row, image, y, left, columns, to, LEARN_PLAIN);
  else if (kind == LEARN_RELU) copy_kind(row, image, y, left, columns, to, LEARN_RELU);
  else copy_kind(row, image, y, left, columns, to, LEARN_POOLED);
}

/* One run; of 1x1 convolutions with a stride every `reads`-th pixel is read, or every `writes`-th
 * written. */
typedef struct {
  const learn_matrix *w;
  const learn_source *from;
  const float *bias;
  char *y;
  uint8_t *won;
  int reads, writes;
} job;

static void fill_row(const void *context, int image, int y, int left, int columns, char *to,
                     size_t unit_stride) {
  const job *j = context;
  const learn_matrix_row row = {.from = j->from,
                                .zeros = j->w->zeros,
                                .channels = (size_t)j->w->s.in.c,
                                .stride = j->reads,
                                .bf16 = j->w->s.in_bf16,
                                .unit_stride = unit_stride};
  learn_matrix_copy(&row, image, y, left, columns, to);
}

/* A step of filters of one pixel, or of a square. */
VECTOR_INLINE void store_sums(const job *j, const float *m, size_t place, size_t f,
                              const v16 bias[2]) {
  const learn_shape *s = &j->w->s;
  v16 value[2];
  for (size_t part = 0; part < 2; part++) {
    const float *from = m + 16 * part;
    if (s->pool) {
      v16 square[4];
      for (size_t k = 0; k < 4; k++)
        square[k] =
            v16_add(v16_load(from + (k / 2 * MATRIX_ROWS + k % 2) * PRODUCT_WIDTH), bias[part]);
      value[part] = learn_pool(square, s->relu, j->won + place + f + 16 * part);
    } else {
      value[part] = v16_add(v16_load(from), bias[part]);
      if (s->relu) value[part] = v16_relu(value[part]);
    }
  }
  if (s->bf16) element_store(j->y + (place + f) * sizeof(uint16_t), value, ELEMENT_BF16);
  else element_store(j->y + (place + f) * sizeof(float), value, ELEMENT_F32);
}

/* Where output pixel `number` of the planes is written. */
static size_t place_of(const job *j, size_t number) {
  const net_shape out = j->w->planes.out, to = j->w->to;
  if (j->writes == 1) return number;
  const size_t x = number % (size_t)out.w, line = number / (size_t)out.w;
  const size_t y = line % (size_t)out.h, image = line / (size_t)out.h, step = (size_t)j->writes;
  return (image * (size_t)to.h + y * step) * (size_t)to.w + x * step;
}

VECTOR static void take_sums(const void *context, const float *m, const uint32_t *number,
                             size_t rows, size_t first, int width) {
  const job *j = context;
  const size_t side = j->w->s.pool ? 2 : 1, count = side == 2 ? MATRIX_ROWS / 2 : rows;
  for (size_t f = 0; f < (size_t)width; f += ELEMENT_STEP) {
    v16 bias[2];
    for (size_t part = 0; part < 2; part++)
      bias[part] = j->bias ? v16_load(j->bias + first + f + 16 * part) : v16_zero();
    for (size_t r = 0; r < count; r++)
      if (number[r] != MATRIX_NOBODY)
        store_sums(j, m + r * side * PRODUCT_WIDTH + f,
                   place_of(j, number[r]) * (size_t)j->w->s.plain.c, first + f, bias);
  }
}

/* What no window reads has no gradient. */
static void clear(const learn_matrix *w, char *y) {
  const size_t image = net_shape_size(w->to) * element_bytes(w->s.bf16);
#pragma omp parallel for num_threads(w->s.threads) schedule(static)
  for (int n = 0; n < w->s.batch; n++) memset(y + (size_t)n * image, 0, image);
}

void learn_matrix_run(const learn_matrix *w, const uint8_t *computed, const learn_source *from,
                      const float *bias, void *y, uint8_t *won, void *scratch) {
  const bool spreads = w->turned && w->s.stride > 1;
  const job own = {.w = w,
                   .from = from,
                   .bias = bias,
                   .y = y,
                   .won = won,
                   .reads = w->turned ? 1 : w->s.stride,
                   .writes = w->turned ? w->s.stride : 1};
  const matrix_planes_job j = {.count = w->s.batch,
                               .wanted = spreads ? NULL : computed,
                               .u = w->u,
                               .type = ELEMENT_BF16,
                               .fill = fill_row,
                               .context = &own,
                               .taker = {take_sums, &own}};
  if (spreads) clear(w, y);
  matrix_planes_run(&w->planes, &j, scratch);
}

#else

leuko_status learn_matrix_new(const learn_shape *shape, bool turned, learn_matrix **out,
                              size_t *scratch, leuko_error *error) {
  (void)shape;
  (void)turned;
  (void)scratch;
  *out = NULL;
  return error_set(error, LEUKO_BACKEND, NULL, NULL, "the matrix unit was not compiled for");
}

void learn_matrix_free(learn_matrix *w) {
  (void)w;
}

void learn_matrix_bind(learn_matrix *w, const float *kernel) {
  (void)w;
  (void)kernel;
}

void learn_matrix_run(const learn_matrix *w, const uint8_t *computed, const learn_source *from,
                      const float *bias, void *y, uint8_t *won, void *scratch) {
  (void)w;
  (void)computed;
  (void)from;
  (void)bias;
  (void)y;
  (void)won;
  (void)scratch;
}

#endif
