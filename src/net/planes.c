#include "net/planes.h"

#include <omp.h>
#include <string.h>

#ifdef VECTOR_MATRIX

#define LINE 64
/* What a thread takes at a time is so much that it stays in a core's second-level cache. */
#define BAND_BYTES ((size_t)512 << 10)
/* A kernel that is larger is read so slowly that it should be for as many pixels as possible:
 * threads rather share out the filters. */
#define LARGE_KERNEL ((size_t)256 << 10)
#define LEAST_ROWS 8
/* Groups at the end of a band reach over it. */
#define OVERHANG (2 * MATRIX_ROWS * MATRIX_BYTES)
#define SUMS_BYTES (2 * MATRIX_ROWS * PRODUCT_WIDTH * sizeof(float))

static size_t up_to_line(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t parts(size_t whole, size_t part) {
  return (whole + part - 1) / part;
}

size_t matrix_groups_bytes(size_t room, size_t steps, size_t groups) {
  return up_to_line(room) + SUMS_BYTES + up_to_line(steps * sizeof(uint32_t)) +
         up_to_line(groups * sizeof(uint32_t)) + groups * MATRIX_ROWS * sizeof(uint32_t);
}

matrix_groups matrix_groups_in(char *own, size_t room, size_t steps, size_t groups) {
  char *m = own + up_to_line(room), *offsets = m + SUMS_BYTES;
  char *at = offsets + up_to_line(steps * sizeof(uint32_t));
  return (matrix_groups){.rows = own,
                         .m = (void *)m,
                         .offsets = (void *)offsets,
                         .at = (void *)at,
                         .number = (void *)(at + up_to_line(groups * sizeof(uint32_t)))};
}

void matrix_groups_multiply(const matrix_groups *g, size_t steps, const char *u, size_t filters,
                            size_t share, size_t shares, element_type type,
                            const matrix_taker *taker) {
  const matrix_rows rows = {.stride = g->stride, .steps = steps, .offsets = g->offsets};
  for (size_t f = share * PRODUCT_WIDTH; f < filters; f += shares * PRODUCT_WIDTH) {
    const int width = (int)least(filters - f, PRODUCT_WIDTH);
    for (size_t i = 0; i < g->groups; i += 2) {
      const int now = g->groups - i > 1 ? 2 : 1;
      const char *from[2] = {g->rows + g->at[i], now > 1 ? g->rows + g->at[i + 1] : NULL};
      matrix_multiply(from, now, &rows, u + f * steps * MATRIX_BYTES, g->m, width, type);
      taker->take(taker->context, g->m, g->number + i * MATRIX_ROWS, (size_t)now * MATRIX_ROWS, f,
                  width);
    }
  }
}

matrix_cut matrix_cut_bands(const matrix_cutting *by) {
  const size_t height = (size_t)by->height, more = (size_t)by->more, side = (size_t)by->side;
  const size_t row = (size_t)(by->width + by->more) * by->pixel;
  size_t rows = by->bytes / row, images = 1;
  rows = rows > more + side ? rows - more : side;
  if (by->least_bands) {
    const size_t equal = height * (size_t)by->batch / by->least_bands;
    rows = least(rows, equal < LEAST_ROWS ? LEAST_ROWS : equal);
  }
  rows = parts(parts(height, parts(height, rows)), side) * side;
  if (rows >= height) {
    const size_t fit = by->bytes / ((height + more) * row);
    images = least(fit ? fit : 1, (size_t)by->batch);
  }
  return (matrix_cut){(int)rows, (int)images};
}

static size_t steps_in_row(const matrix_planes *p) {
  return parts((size_t)p->kernel * p->unit, MATRIX_BYTES);
}

void matrix_planes_ready(matrix_planes *p) {
  const int more = p->kernel - 1, side = p->pool ? 2 : 1;
  p->unit = p->pixel % MATRIX_BYTES ? MATRIX_BYTES / 2 : MATRIX_BYTES;
  p->units = p->pixel / p->unit;
  p->steps = p->units * (size_t)p->kernel * steps_in_row(p);
  p->height = side * p->out.h;
  const bool large = p->steps * MATRIX_BYTES * (size_t)p->filters > LARGE_KERNEL;
  const size_t threads = (size_t)p->threads;
  const matrix_cutting by = {.height = p->height,
                             .width = side * p->out.w,
                             .side = side,
                             .more = more,
                             .batch = p->batch,
                             .pixel = p->pixel,
                             .bytes = BAND_BYTES,
                             .least_bands = large ? 0 : 8 * threads};
  p->cut = matrix_cut_bands(&by);
  /* Each thread should have one or two. */
  const int most = p->batch / (2 * p->threads);
  if (p->cut.images > most) p->cut.images = most > 1 ? most : 1;
  const size_t columns = (size_t)(by.width + more);
  const size_t lines = (size_t)(p->cut.images * (p->cut.rows + more));
  p->groups = lines * (columns / MATRIX_ROWS + 2);
  p->room = lines * columns * p->pixel + OVERHANG;
}

static size_t thread_bytes(const matrix_planes *p) {
  return matrix_groups_bytes(p->room, p->steps, p->groups);
}

size_t matrix_planes_scratch(const matrix_planes *p) {
  return (size_t)p->threads * thread_bytes(p);
}

size_t matrix_planes_byte(const matrix_planes *p, size_t step, size_t byte) {
  const size_t kernel = (size_t)p->kernel, in_row = steps_in_row(p);
  const size_t y = step / in_row % kernel, unit = step / in_row / kernel;
  const size_t at = step % in_row * MATRIX_BYTES + byte, x = at / p->unit;
  if (x >= kernel) return MATRIX_NOTHING;
  return (y * kernel + x) * p->pixel + unit * p->unit + at % p->unit;
}

size_t matrix_band_narrow(const uint8_t *wanted, net_shape out, int side, matrix_band *b) {
  int first = out.w, last = -1;
  size_t count = 0;
  if (!wanted) {
    b->left = 0;
    b->columns = out.w * side;
    return (size_t)(b->images * (b->rows / side) * out.w);
  }
  for (int n = b->image; n < b->image + b->images; n++)
    for (int y = b->top / side; y < (b->top + b->rows) / side; y++) {
      const uint8_t *row = wanted + ((size_t)n * (size_t)out.h + (size_t)y) * (size_t)out.w;
      for (int x = 0; x < out.w; x++) {
        if (!row[x]) continue;
        count++;
        if (x < first) first = x;
        if (x > last) last = x;
      }
    }
  b->left = first * side;
  b->columns = count ? (last + 1) * side - b->left : 0;
  return count;
}

/* Where the band's plane lies, in bytes. */
typedef struct {
  size_t row, unit; /* from one to the next */
} strides;

/* Copies the band and its borders. */
static strides fill_plane(const matrix_planes *p, const matrix_planes_job *job,
                          const matrix_band *b, char *to) {
  const int more = p->kernel - 1, columns = b->columns + more, rows = b->rows + more;
  const strides by = {(size_t)columns * p->unit,
                      (size_t)(b->images * rows) * (size_t)columns * p->unit};
  for (int n = 0; n < b->images; n++)
    for (int y = 0; y < rows; y++, to += by.row)
      job->fill(job->context, b->image + n, b->top - p->pad + y, b->left - p->pad, columns, to,
                by.unit);
  return by;
}

static void begin_group(matrix_groups *g, size_t at) {
  for (size_t r = 0; r < MATRIX_ROWS; r++) g->number[g->groups * MATRIX_ROWS + r] = MATRIX_NOBODY;
  g->at[g->groups++] = (uint32_t)at;
}

/* The groups of a band's wanted pixels, each as far to the right as one is wanted; where they are
 * pooled, those of a row and of the row below it in turn. */
static void group_pixels(const matrix_planes *p, const matrix_planes_job *job, const matrix_band *b,
                         const strides *by, matrix_groups *g) {
  const int side = p->pool ? 2 : 1, rows = b->rows + p->kernel - 1;
  const size_t reach = MATRIX_ROWS * p->unit;
  size_t begun = 0, end = 0; /* of the last group */
  g->groups = 0;
  for (int n = 0; n < b->images; n++)
    for (int y = 0; y < b->rows; y += side) {
      const size_t row =
          ((size_t)(b->image + n) * (size_t)p->out.h + (size_t)((b->top + y) / side)) *
          (size_t)p->out.w;
      const size_t place = (size_t)(n * rows + y) * by->row;
      if (p->pool) end = 0; /* what is below a pair of rows is no pair with it */
      for (int x = 0; x < b->columns; x += side) {
        const size_t number = row + (size_t)((b->left + x) / side);
        if (job->wanted && !job->wanted[number]) continue;
        const size_t at = place + (size_t)x * p->unit;
        if (at >= end) {
          begun = at;
          end = at + reach;
          begin_group(g, at);
          if (p->pool) begin_group(g, at + by->row);
        }
        const size_t first = (g->groups - (size_t)side) * MATRIX_ROWS;
        g->number[first + (at - begun) / p->unit / (size_t)side] = (uint32_t)number;
      }
    }
}

/* Where the steps of a window lie in a plane. */
static void set_offsets(const matrix_planes *p, const strides *by, uint32_t *offsets) {
  const size_t kernel = (size_t)p->kernel, in_row = steps_in_row(p);
  for (size_t k = 0; k < p->steps; k++)
    offsets[k] = (uint32_t)(k / in_row / kernel * by->unit + k / in_row % kernel * by->row +
                            k % in_row * MATRIX_BYTES);
}

size_t matrix_planes_run(const matrix_planes *p, const matrix_planes_job *job, char *scratch) {
  const size_t images = (size_t)p->cut.images, rows = (size_t)p->cut.rows;
  const size_t down = parts((size_t)p->height, rows);
  const size_t bands = parts((size_t)job->count, images) * down;
  const size_t threads = (size_t)p->threads, filters = (size_t)p->filters;
  const size_t shares = bands < 4 * threads ? least(threads, parts(filters, PRODUCT_WIDTH)) : 1;
  size_t wanted = 0;
#pragma omp parallel num_threads(p->threads) reduction(+ : wanted)
  {
    matrix_begin();
#pragma omp for schedule(dynamic)
    for (size_t task = 0; task < bands * shares; task++) {
      const size_t i = task / shares, share = task % shares;
      matrix_groups g = matrix_groups_in(scratch + (size_t)omp_get_thread_num() * thread_bytes(p),
                                         p->room, p->steps, p->groups);
      matrix_band b = {.image = (int)(i / down * images), .top = (int)(i % down * rows)};
      b.images = (int)least(images, (size_t)(job->count - b.image));
      b.rows = (int)least(rows, (size_t)(p->height - b.top));
      const size_t pixels = matrix_band_narrow(job->wanted, p->out, p->pool ? 2 : 1, &b);
      if (share == 0) wanted += pixels;
      if (pixels == 0) continue;
      const strides by = fill_plane(p, job, &b, g.rows);
      set_offsets(p, &by, g.offsets);
      group_pixels(p, job, &b, &by, &g);
      g.stride = p->unit;
      matrix_groups_multiply(&g, p->steps, job->u, filters, share, shares, job->type, &job->taker);
    }
    matrix_end();
  }
  return wanted;
}

#endif
