#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/infer/infer.h"
#include "net/product_matrix.h"

#ifdef VECTOR_MATRIX

#define LINE 64
/* What a thread takes at a time is so much that it stays in a core's second-level cache. */
#define BAND_BYTES ((size_t)512 << 10)
#define BAND_PIXELS 256 /* where pixels are taken one by one */
/* A kernel that is larger is read so slowly that it should be for as many pixels as possible:
 * threads rather share out the filters. */
#define LARGE_KERNEL ((size_t)256 << 10)
/* Groups at the end of a band reach over it. */
#define OVERHANG (2 * MATRIX_ROWS * MATRIX_BYTES)
#define NOTHING SIZE_MAX

/* Windows that overlap are read from a plane: a copy of a band of the image with its borders,
 * [units of a pixel][images][rows][columns][unit]. Sixteen pixels that follow each other there are
 * a group; those among them that nobody wants are computed for nothing. The windows of other
 * convolutions are copied one by one, pixels that nobody wants left out. */
struct infer_matrix {
  infer_shape s;
  bool overlaps;
  size_t pixel;          /* bytes of an input's pixel */
  size_t unit, units;    /* bytes, and how many a pixel has */
  size_t steps;          /* of 64 bytes, in a window */
  int height;            /* output rows before pooling that matter */
  int rows, images;      /* of a band at most: those rows, images */
  size_t pixels, groups; /* likewise; groups of sixteen */
  size_t room;           /* bytes of a band's plane or windows */
  size_t list_bytes;     /* of the output pixels to compute, where they are taken one by one */
  char *u;               /* [filters / 16][steps][16][16][4 bytes] */
  infer_units counts;
};

static size_t up_to_line(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t parts(size_t whole, size_t part) {
  return (whole + part - 1) / part;
}

static size_t kernel_bytes(const infer_matrix *d) {
  return d->steps * MATRIX_BYTES * (size_t)d->s.plain.c;
}

/* What one thread works with on a band. */
typedef struct {
  char *rows;         /* the plane, or the windows */
  float *m;           /* two groups' products */
  uint32_t *offsets;  /* [steps] */
  uint32_t *at;       /* [groups]: where they begin in `rows` */
  uint32_t *number;   /* [groups][16]: the pixels that they become */
  const void **other; /* likewise: what is added */
} workplace;

static size_t thread_bytes(const infer_matrix *d) {
  return d->room + 2 * MATRIX_ROWS * PRODUCT_WIDTH * sizeof(float) +
         up_to_line(d->steps * sizeof(uint32_t)) + up_to_line(d->groups * sizeof(uint32_t)) +
         d->groups * MATRIX_ROWS * (sizeof(uint32_t) + (d->s.add ? sizeof(void *) : 0));
}

static workplace workplace_of(const infer_matrix *d, char *scratch) {
  char *own = scratch + (size_t)omp_get_thread_num() * thread_bytes(d);
  workplace w = {.rows = own};
  own += d->room;
  w.m = (void *)own;
  own += 2 * MATRIX_ROWS * PRODUCT_WIDTH * sizeof(float);
  w.offsets = (void *)own;
  own += up_to_line(d->steps * sizeof(uint32_t));
  w.at = (void *)own;
  own += up_to_line(d->groups * sizeof(uint32_t));
  w.number = (void *)own;
  w.other = (void *)(own + d->groups * MATRIX_ROWS * sizeof(uint32_t));
  return w;
}

/* How bands of planes are cut. */
static void cut_planes(infer_matrix *d, int batch) {
  const infer_shape *s = &d->s;
  const int side = s->pool ? 2 : 1, more = s->kernel - 1;
  const size_t height = (size_t)d->height, threads = (size_t)s->threads;
  const size_t columns = (size_t)(s->plain.w + more), row = columns * d->pixel;
  size_t rows = BAND_BYTES / row, images = 1;
  rows = rows > (size_t)(more + side) ? rows - (size_t)more : (size_t)side;
  if (kernel_bytes(d) <= LARGE_KERNEL) {
    const size_t equal = height * (size_t)batch / (8 * threads);
    rows = least(rows, equal < 8 ? 8 : equal);
  }
  const size_t bands = parts(height, rows);
  rows = parts(parts(height, bands), (size_t)side) * (size_t)side;
  if (rows >= height) {
    images = least(BAND_BYTES / ((height + (size_t)more) * row), (size_t)batch / (2 * threads));
    if (images == 0) images = 1;
  }
  d->rows = (int)rows;
  d->images = (int)images;
  const size_t lines = images * (rows + (size_t)more);
  d->groups = lines * (columns / MATRIX_ROWS + 2);
  d->room = up_to_line(lines * row) + OVERHANG;
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
  infer_units_free(&d->counts);
  free(d);
}

leuko_status infer_matrix_new(const infer_shape *shape, int batch, infer_matrix **out,
                              size_t *scratch, leuko_error *error) {
  infer_matrix *d = calloc(1, sizeof *d);
  *out = NULL;
  if (!d) return error_set_memory(error, sizeof *d);
  const size_t kernel = (size_t)shape->kernel;
  d->s = *shape;
  d->overlaps = shape->kernel > 1 && shape->stride == 1;
  d->pixel = (size_t)shape->in.c * element_bytes(shape->in_type);
  d->height = shape->pool ? 2 * shape->out.h : shape->plain.h;
  if (d->overlaps) {
    d->unit = d->pixel % MATRIX_BYTES ? MATRIX_BYTES / 2 : MATRIX_BYTES;
    d->units = d->pixel / d->unit;
    d->steps = d->units * kernel * parts(kernel * d->unit, MATRIX_BYTES);
    cut_planes(d, batch);
  } else {
    d->steps = kernel * kernel * parts(d->pixel, MATRIX_BYTES);
    d->list_bytes = infer_list_bytes(shape, batch, 1);
    cut_windows(d);
  }
  const size_t bytes = kernel_bytes(d);
  d->u = aligned_alloc(LINE, bytes);
  leuko_status status = d->u ? LEUKO_OK : error_set_memory(error, bytes);
  if (status == LEUKO_OK) status = infer_units_new(shape->plain.c, &d->counts, error);
  if (status != LEUKO_OK) {
    infer_matrix_free(d);
    return status;
  }
  *scratch = d->list_bytes + (size_t)shape->threads * thread_bytes(d);
  *out = d;
  return LEUKO_OK;
}

/* Which value of the kernel [kernel][kernel][channels] a window's byte `byte` is multiplied by in a
 * step; NOTHING where it is a neighbour's, or none. */
static size_t value_at(const infer_matrix *d, size_t step, size_t byte) {
  const size_t kernel = (size_t)d->s.kernel, channels = (size_t)d->s.in.c;
  const size_t bytes = element_bytes(d->s.in_type);
  if (!d->overlaps) {
    const size_t lines = parts(d->pixel, MATRIX_BYTES), at = step % lines * MATRIX_BYTES + byte;
    return at < d->pixel ? step / lines * channels + at / bytes : NOTHING;
  }
  const size_t in_row = parts(kernel * d->unit, MATRIX_BYTES);
  const size_t y = step / in_row % kernel, unit = step / in_row / kernel;
  const size_t at = step % in_row * MATRIX_BYTES + byte, x = at / d->unit;
  if (x >= kernel) return NOTHING;
  return (y * kernel + x) * channels + (unit * d->unit + at % d->unit) / bytes;
}

/* Sixteen filters' bytes. */
static void pack_bytes(const infer_matrix *d, const float *kernel, const float *factors, char *u) {
  const size_t filters = (size_t)d->s.plain.c, depth = (size_t)d->s.in.c;
  for (size_t step = 0; step < d->steps; step++, u += MATRIX_REGISTER)
    for (size_t byte = 0; byte < MATRIX_BYTES; byte++) {
      const size_t k = value_at(d, step, byte);
      char *to = u + byte / 4 * MATRIX_BYTES + byte % 4;
      for (size_t f = 0; f < MATRIX_COLUMNS; f++)
        to[4 * f] =
            k == NOTHING
                ? 0
                : (char)lrintf(kernel[k * filters + f] * d->s.in_scales[k % depth] * factors[f]);
    }
}

void infer_matrix_bind(infer_matrix *d, const float *kernel, const float *bias) {
  const size_t filters = (size_t)d->s.plain.c, threads = (size_t)d->s.threads;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t f = 0; f < filters; f += MATRIX_COLUMNS) {
    float factors[MATRIX_COLUMNS], counts[MATRIX_COLUMNS];
    infer_byte_factors(&d->s, kernel + f, MATRIX_COLUMNS, factors, counts);
    pack_bytes(d, kernel + f, factors, d->u + f * d->steps * MATRIX_BYTES);
    infer_units_set(&d->counts, &d->s, f, MATRIX_COLUMNS, counts, bias);
  }
}

/* Groups of rows times the filters of every `shares`-th chunk, finished. */
static void multiply_groups(const infer_matrix *d, const net_call *call, const workplace *w,
                            size_t stride, size_t groups, size_t share, size_t shares) {
  const infer_shape *s = &d->s;
  const size_t filters = (size_t)s->plain.c;
  const size_t pixel = (size_t)s->out.c * element_bytes(s->out_type);
  const matrix_rows rows = {.stride = stride, .steps = d->steps, .offsets = w->offsets};
  for (size_t f = share * PRODUCT_WIDTH; f < filters; f += shares * PRODUCT_WIDTH) {
    const int width = (int)least(filters - f, PRODUCT_WIDTH);
    const product_finish finish = {.type = s->out_type,
                                   .other_type = s->add_type,
                                   .other_scale = d->counts.other_scales + f,
                                   .first = f,
                                   .scale = d->counts.scales + f,
                                   .bias = d->counts.biases + f,
                                   .relu = s->relu};
    for (size_t g = 0; g < groups; g += 2) {
      const int now = groups - g > 1 ? 2 : 1;
      const char *from[2] = {w->rows + w->at[g], now > 1 ? w->rows + w->at[g + 1] : NULL};
      const uint32_t *number = w->number + g * MATRIX_ROWS;
      matrix_multiply(from, now, &rows, d->u + f * d->steps * MATRIX_BYTES, w->m, width,
                      s->in_type);
      if (s->pool)
        matrix_finish_pooled(w->m, &finish, number, MATRIX_ROWS / 2, call->y, pixel, width,
                             s->in_type);
      else
        matrix_finish(w->m, &finish, number, s->add ? w->other + g * MATRIX_ROWS : NULL,
                      (size_t)now * MATRIX_ROWS, call->y, pixel, width, s->in_type);
    }
  }
}

/* Some rows of some images, and the columns of them that are wanted; before pooling. */
typedef struct {
  int image, images;
  int top, rows, left, columns;
} band;

/* Whether an output pixel is wanted. */
static bool is_wanted(const net_call *call, size_t number) {
  return !call->wanted || call->wanted[number];
}

/* Leaves the columns that are wanted; returns how many pixels are. */
static size_t narrow_band(const infer_matrix *d, const net_call *call, band *b) {
  const infer_shape *s = &d->s;
  const int side = s->pool ? 2 : 1;
  int first = s->out.w, last = -1;
  size_t count = 0;
  for (int n = b->image; n < b->image + b->images; n++)
    for (int y = b->top / side; y < (b->top + b->rows) / side; y++) {
      const size_t row = ((size_t)n * (size_t)s->out.h + (size_t)y) * (size_t)s->out.w;
      for (int x = 0; x < s->out.w; x++) {
        if (!is_wanted(call, row + (size_t)x)) continue;
        count++;
        if (x < first) first = x;
        if (x > last) last = x;
      }
    }
  b->left = first * side;
  b->columns = (last + 1) * side - b->left;
  return count;
}

/* `count` pixels, one behind the other, to the plane's units. */
VECTOR static void copy_pixels(const infer_matrix *d, const char *from, size_t count, char *to,
                               size_t unit_stride) {
  for (size_t u = 0; u < d->units; u++, from += d->unit, to += unit_stride)
    for (size_t i = 0; i < count; i++) {
      if (d->unit == MATRIX_BYTES)
        _mm512_storeu_si512(to + i * MATRIX_BYTES, _mm512_loadu_si512(from + i * d->pixel));
      else
        _mm256_storeu_si256((void *)(to + i * (MATRIX_BYTES / 2)),
                            _mm256_loadu_si256((const void *)(from + i * d->pixel)));
    }
}

static void clear_pixels(const infer_matrix *d, size_t count, char *to, size_t unit_stride) {
  for (size_t u = 0; u < d->units; u++) memset(to + u * unit_stride, 0, count * d->unit);
}

/* Columns `left` and so on of an input row, of which some may lie outside. */
static void copy_row(const infer_matrix *d, const net_call *call, int image, int y, int left,
                     int columns, char *to, size_t unit_stride) {
  const net_shape in = d->s.in;
  const net_skip *skip = &call->skip[0];
  if (y < 0 || y >= in.h) {
    clear_pixels(d, (size_t)columns, to, unit_stride);
    return;
  }
  const size_t inside = (size_t)y * (size_t)in.w;
  const size_t row = (size_t)image * (size_t)in.h * (size_t)in.w + inside;
  const char *x = (const char *)call->x[0] + row * d->pixel;
  const char *blank = skip->computed ? (const char *)skip->blank + inside * d->pixel : NULL;
  const uint8_t *computed = skip->computed ? skip->computed + row : NULL;
  for (int c = left; c < left + columns;) {
    int end = c + 1;
    char *place = to + (size_t)(c - left) * d->unit;
    if (c < 0 || c >= in.w) {
      clear_pixels(d, 1, place, unit_stride);
    } else {
      const int most = left + columns < in.w ? left + columns : in.w;
      const bool here = !computed || computed[c];
      while (end < most && (!computed || (computed[end] != 0) == here)) end++;
      copy_pixels(d, (here ? x : blank) + (size_t)c * d->pixel, (size_t)(end - c), place,
                  unit_stride);
    }
    c = end;
  }
}

/* Copies the band and its borders; gives the bytes of a row and of a unit of it all. */
static void fill_plane(const infer_matrix *d, const net_call *call, const band *b, char *to,
                       size_t *row_stride, size_t *unit_stride) {
  const int more = d->s.kernel - 1, columns = b->columns + more, rows = b->rows + more;
  *row_stride = (size_t)columns * d->unit;
  *unit_stride = (size_t)(b->images * rows) * *row_stride;
  for (int n = 0; n < b->images; n++)
    for (int y = 0; y < rows; y++, to += *row_stride)
      copy_row(d, call, b->image + n, b->top - d->s.pad + y, b->left - d->s.pad, columns, to,
               *unit_stride);
}

/* Begins a group at a place of the plane. */
static void begin_group(const workplace *w, size_t group, size_t at) {
  w->at[group] = (uint32_t)at;
  for (size_t r = 0; r < MATRIX_ROWS; r++) w->number[group * MATRIX_ROWS + r] = MATRIX_NOBODY;
}

/* What is added to output pixel `number`. */
static const void *added(const infer_matrix *d, const net_call *call, size_t number) {
  const size_t bytes = (size_t)d->s.out.c * element_bytes(d->s.add_type);
  const net_skip *skip = &call->skip[1];
  if (!skip->computed || skip->computed[number])
    return (const char *)(const void *)call->x[1] + number * bytes;
  return (const char *)skip->blank + number % ((size_t)d->s.out.h * (size_t)d->s.out.w) * bytes;
}

/* The groups of a band's wanted pixels, each as far to the right as one is wanted; where they are
 * pooled, those of a row and of the row below it in turn. Returns their number. */
static size_t group_plane(const infer_matrix *d, const net_call *call, const band *b,
                          size_t row_stride, const workplace *w) {
  const infer_shape *s = &d->s;
  const int side = s->pool ? 2 : 1, rows = b->rows + s->kernel - 1;
  const size_t reach = MATRIX_ROWS * d->unit;
  size_t groups = 0, begun = 0, end = 0; /* of the last group */
  for (int n = 0; n < b->images; n++)
    for (int y = 0; y < b->rows; y += side) {
      const size_t row =
          ((size_t)(b->image + n) * (size_t)s->out.h + (size_t)((b->top + y) / side)) *
          (size_t)s->out.w;
      const size_t place = (size_t)(n * rows + y) * row_stride;
      if (s->pool) end = 0; /* the pairs of rows are not neighbours */
      for (int x = 0; x < b->columns; x += side) {
        const size_t number = row + (size_t)((b->left + x) / side);
        if (!is_wanted(call, number)) continue;
        const size_t at = place + (size_t)x * d->unit;
        if (at >= end) {
          begun = at;
          end = at + reach;
          begin_group(w, groups++, at);
          if (s->pool) begin_group(w, groups++, at + row_stride);
        }
        const size_t r =
            (groups - (size_t)side) * MATRIX_ROWS + (at - begun) / d->unit / (size_t)side;
        w->number[r] = (uint32_t)number;
        if (s->add) w->other[r] = added(d, call, number);
      }
    }
  return groups;
}

/* Where the steps of a window lie in a plane. */
static void plane_offsets(const infer_matrix *d, size_t row_stride, size_t unit_stride,
                          uint32_t *offsets) {
  const size_t kernel = (size_t)d->s.kernel, in_row = parts(kernel * d->unit, MATRIX_BYTES);
  for (size_t k = 0; k < d->steps; k++)
    offsets[k] = (uint32_t)(k / in_row / kernel * unit_stride + k / in_row % kernel * row_stride +
                            k % in_row * MATRIX_BYTES);
}

static void run_planes(const infer_matrix *d, const net_call *call, char *scratch) {
  const infer_shape *s = &d->s;
  const size_t across = parts((size_t)call->count, (size_t)d->images);
  const size_t down = parts((size_t)d->height, (size_t)d->rows), bands = across * down;
  const size_t threads = (size_t)s->threads, chunks = parts((size_t)s->plain.c, PRODUCT_WIDTH);
  const size_t shares = bands < 4 * threads ? least(threads, chunks) : 1;
  size_t wanted = 0;
#pragma omp parallel num_threads(threads) reduction(+ : wanted)
  {
    matrix_begin();
#pragma omp for schedule(dynamic)
    for (size_t task = 0; task < bands * shares; task++) {
      const workplace w = workplace_of(d, scratch);
      const size_t i = task / shares;
      band b = {.image = (int)(i / down) * d->images, .top = (int)(i % down) * d->rows};
      b.images = (int)least((size_t)d->images, (size_t)(call->count - b.image));
      b.rows = (int)least((size_t)d->rows, (size_t)(d->height - b.top));
      const size_t pixels = narrow_band(d, call, &b);
      if (task % shares == 0) wanted += pixels;
      if (pixels == 0) continue;
      size_t row_stride, unit_stride;
      fill_plane(d, call, &b, w.rows, &row_stride, &unit_stride);
      plane_offsets(d, row_stride, unit_stride, w.offsets);
      const size_t groups = group_plane(d, call, &b, row_stride, &w);
      multiply_groups(d, call, &w, d->unit, groups, task % shares, shares);
    }
    matrix_end();
  }
  if (call->share)
    *call->share =
        (double)wanted / (double)((size_t)call->count * (size_t)s->out.h * (size_t)s->out.w);
}

/* A pixel of the window to the steps that multiply it, as row `row` of a group. */
VECTOR static void copy_window_pixel(const infer_matrix *d, const char *from, char *to) {
  for (size_t at = 0; at < d->pixel; at += MATRIX_BYTES, to += MATRIX_REGISTER) {
    const size_t left = d->pixel - at;
    if (left >= MATRIX_BYTES) _mm512_storeu_si512(to, _mm512_loadu_si512(from + at));
    else _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(((__mmask64)1 << left) - 1, from + at));
  }
}

/* The windows of some output pixels. */
static void fill_windows(const infer_matrix *d, const net_call *call, const infer_place *list,
                         size_t count, const workplace *w) {
  const infer_shape *s = &d->s;
  const size_t group_bytes = d->steps * MATRIX_REGISTER;
  const size_t pixel_bytes = parts(d->pixel, MATRIX_BYTES) * MATRIX_REGISTER;
  for (size_t r = 0; r < parts(count, MATRIX_ROWS) * MATRIX_ROWS; r++) {
    w->at[r / MATRIX_ROWS] = (uint32_t)(r / MATRIX_ROWS * group_bytes);
    w->number[r] = MATRIX_NOBODY;
    if (r >= count) continue;
    const infer_place at = list[r];
    char *to = w->rows + r / MATRIX_ROWS * group_bytes + r % MATRIX_ROWS * MATRIX_BYTES;
    for (int y = 0; y < s->kernel; y++)
      for (int x = 0; x < s->kernel; x++, to += pixel_bytes) {
        const char *from =
            infer_pixel(&call->skip[0], call->x[0], s->in, at.image, at.y * s->stride - s->pad + y,
                        at.x * s->stride - s->pad + x, d->pixel);
        copy_window_pixel(d, from ? from : s->zeros, to);
      }
    const size_t number = infer_number(s->out, at);
    w->number[r] = (uint32_t)number;
    if (s->add) w->other[r] = added(d, call, number);
  }
}

static void run_windows(const infer_matrix *d, const net_call *call, char *scratch) {
  const infer_shape *s = &d->s;
  const infer_place *list = call->scratch;
  const size_t count = infer_list(s, call, 1, call->scratch);
  const size_t threads = (size_t)s->threads, chunks = parts((size_t)s->plain.c, PRODUCT_WIDTH);
  const size_t bands = parts(count, d->pixels);
  const size_t shares = bands < 4 * threads ? least(threads, chunks) : 1;
  /* All about equally large. */
  const size_t pixels = bands ? parts(parts(count, bands), MATRIX_ROWS) * MATRIX_ROWS : 0;
#pragma omp parallel num_threads(threads)
  {
    matrix_begin();
#pragma omp for schedule(dynamic)
    for (size_t task = 0; task < bands * shares; task++) {
      const workplace w = workplace_of(d, scratch);
      const size_t first = task / shares * pixels;
      if (first >= count) continue;
      const size_t now = least(count - first, pixels);
      for (size_t k = 0; k < d->steps; k++) w.offsets[k] = (uint32_t)(k * MATRIX_REGISTER);
      fill_windows(d, call, list + first, now, &w);
      multiply_groups(d, call, &w, MATRIX_BYTES, parts(now, MATRIX_ROWS), task % shares, shares);
    }
    matrix_end();
  }
}

void infer_matrix_run(const infer_matrix *d, const net_call *call) {
  char *scratch = (char *)call->scratch + d->list_bytes;
  if (d->overlaps) run_planes(d, call, scratch);
  else run_windows(d, call, scratch);
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
