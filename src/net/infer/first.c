#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/infer/infer.h"
#include "net/product.h"

#define LINE 64

struct infer_first {
  infer_shape s;
  int side;           /* output pixels before pooling across one after it */
  size_t values;      /* of a window */
  size_t lines;       /* rows of the input under a row of the output */
  size_t copy_floats; /* of a copied row of the input */
  float *u;           /* as product_windows_pack leaves it */
  /* [values]: where those of a window lie in the input, and in a copy of a part of it */
  uint32_t *inside, *copied;
  /* [filters], in the output's units where it is in bytes: what is added, and what one of the
   * branch counts. */
  float *biases, *other_scales;
};

/* Output pixels that lie side by side. */
typedef struct {
  int image, y, x, count;
  int top, left; /* of the first one's window */
} stretch;

static size_t up_to_line(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

/* Columns of the input under `count` output pixels side by side. */
static int columns_of(const infer_first *d, int count) {
  return (count * d->side - 1) * d->s.stride + d->s.kernel;
}

/* Where the pixels go and what is added to them. */
static size_t pointer_bytes(const infer_first *d) {
  return up_to_line(2 * (size_t)d->s.out.w * sizeof(void *));
}

static size_t thread_bytes(const infer_first *d) {
  return pointer_bytes(d) + up_to_line(d->lines * d->copy_floats * sizeof(float));
}

void infer_first_free(infer_first *d) {
  if (!d) return;
  free(d->u);
  free(d->inside);
  free(d->copied);
  free(d->biases);
  free(d->other_scales);
  free(d);
}

leuko_status infer_first_new(const infer_shape *shape, infer_first **out, size_t *scratch,
                             leuko_error *error) {
  infer_first *d = calloc(1, sizeof *d);
  *out = NULL;
  if (!d) return error_set_memory(error, sizeof *d);
  const size_t filters = (size_t)shape->plain.c, depth = (size_t)(shape->kernel * shape->in.c);
  const size_t line = (size_t)(shape->in.w * shape->in.c);
  d->s = *shape;
  d->side = shape->pool ? 2 : 1;
  d->values = (size_t)shape->kernel * depth;
  d->lines = (size_t)((d->side - 1) * shape->stride + shape->kernel);
  d->copy_floats = (size_t)(columns_of(d, shape->out.w) * shape->in.c);
  const size_t bytes = up_to_line(d->values * filters * sizeof(float));
  d->u = aligned_alloc(LINE, bytes);
  d->inside = calloc(d->values, sizeof *d->inside);
  d->copied = calloc(d->values, sizeof *d->copied);
  d->biases = calloc(filters, sizeof *d->biases);
  d->other_scales = calloc(filters, sizeof *d->other_scales);
  if (!d->u || !d->inside || !d->copied || !d->biases || !d->other_scales) {
    infer_first_free(d);
    return error_set_memory(error, bytes);
  }
  for (size_t k = 0; k < d->values; k++) {
    d->inside[k] = (uint32_t)(k / depth * line + k % depth);
    d->copied[k] = (uint32_t)(k / depth * d->copy_floats + k % depth);
  }
  *scratch = (size_t)shape->threads * thread_bytes(d);
  *out = d;
  return LEUKO_OK;
}

void infer_first_bind(infer_first *d, const float *kernel, const float *bias) {
  const size_t filters = (size_t)d->s.plain.c;
  product_windows_pack(kernel, d->values, filters, d->u);
  for (size_t f = 0; f < filters; f++) {
    const float unit = d->s.out_units ? d->s.out_units[f] : 1;
    d->biases[f] = bias ? bias[f] * unit : 0;
    d->other_scales[f] = (d->s.add_scales ? d->s.add_scales[f] : 1) * unit;
  }
}

/* The input under a stretch, zeros beyond the border. */
static void copy_input(const infer_first *d, const float *x, const stretch *at, float *copies) {
  const infer_shape *s = &d->s;
  const size_t c = (size_t)s->in.c;
  const int end = at->left + columns_of(d, at->count);
  const int from = at->left < 0 ? 0 : at->left, to = end > s->in.w ? s->in.w : end;
  for (int k = 0; k < (int)d->lines; k++, copies += d->copy_floats) {
    const int row = at->top + k;
    const bool inside = row >= 0 && row < s->in.h && from < to;
    const size_t before = inside ? (size_t)(from - at->left) * c : 0;
    const size_t kept = inside ? (size_t)(to - from) * c : 0;
    const size_t behind = (size_t)(end - at->left) * c - before - kept;
    memset(copies, 0, before * sizeof *copies);
    if (inside)
      memcpy(copies + before,
             x + (((size_t)at->image * (size_t)s->in.h + (size_t)row) * (size_t)s->in.w +
                  (size_t)from) *
                     c,
             kept * sizeof *copies);
    memset(copies + before + kept, 0, behind * sizeof *copies);
  }
}

static bool reaches_out(const infer_first *d, const stretch *at) {
  return at->top < 0 || at->top + (int)d->lines > d->s.in.h || at->left < 0 ||
         at->left + columns_of(d, at->count) > d->s.in.w;
}

static void run_stretch(const infer_first *d, const net_call *call, const stretch *at, char *own) {
  const infer_shape *s = &d->s;
  const size_t filters = (size_t)s->plain.c;
  void *pointers = own, *copies = own + pointer_bytes(d);
  void **to = pointers;
  const void **other = (const void **)to + s->out.w;
  const infer_place place = {(uint16_t)at->image, (uint16_t)at->y, (uint16_t)at->x};
  char *first =
      (char *)call->y + infer_number(s->out, place) * filters * element_bytes(s->out_type);
  for (int i = 0; i < at->count; i++)
    to[i] = first + (size_t)i * filters * element_bytes(s->out_type);
  for (int i = 0; s->add && i < at->count; i++)
    other[i] = infer_pixel(&call->skip[1], call->x[1], s->out, at->image, at->y, at->x + i,
                           filters * element_bytes(s->add_type));
  const product_finish finish = {.to = to,
                                 .other = s->add ? other : NULL,
                                 .type = s->out_type,
                                 .other_type = s->add_type,
                                 .other_scale = d->other_scales,
                                 .scale = s->out_units,
                                 .bias = d->biases,
                                 .relu = s->relu};
  product_windows w = {.step = (size_t)(s->stride * s->in.c), .values = d->values};
  size_t line = (size_t)(s->in.w * s->in.c);
  if (reaches_out(d, at)) {
    copy_input(d, call->x[0], at, copies);
    line = d->copy_floats;
    w.v = copies;
    w.offsets = d->copied;
  } else {
    w.v = call->x[0] + ((size_t)at->image * (size_t)s->in.h + (size_t)at->top) * line +
          (size_t)(at->left * s->in.c);
    w.offsets = d->inside;
  }
  const size_t windows = (size_t)(at->count * d->side);
  if (s->pool)
    product_windows_pooled(&w, (size_t)s->stride * line, d->u, &finish, windows, filters);
  else product_windows_finished(&w, d->u, &finish, windows, filters);
}

/* How many pixels of a stretch to take at once, so that little is copied: those at the left border,
 * those inside, those at the right one, in whole groups of windows. */
static int part_of(const infer_first *d, const stretch *at) {
  const int group = PRODUCT_ROWS / d->side, step = d->s.stride * d->side;
  const int room = d->s.in.w - at->left - columns_of(d, 1);
  const int inside = room < 0 ? 0 : room / step + 1;
  if (at->left < 0) return at->count < group ? at->count : group;
  return inside < at->count && inside >= group ? inside / group * group : at->count;
}

/* The stretches of an output row; returns the number of pixels. */
static size_t run_row(const infer_first *d, const net_call *call, size_t row, char *own) {
  const infer_shape *s = &d->s;
  const uint8_t *wanted = call->wanted ? call->wanted + row * (size_t)s->out.w : NULL;
  const int y = (int)(row % (size_t)s->out.h), step = s->stride * d->side;
  stretch at = {.image = (int)(row / (size_t)s->out.h), .y = y, .top = y * step - s->pad};
  size_t pixels = 0;
  for (int end = 0; at.x < s->out.w; at.x += at.count) {
    while (at.x < s->out.w && wanted && !wanted[at.x]) at.x++;
    if (end < at.x) end = at.x;
    while (end < s->out.w && (!wanted || wanted[end])) end++;
    if (at.x == end) break;
    at.left = at.x * step - s->pad;
    at.count = end - at.x;
    at.count = part_of(d, &at);
    run_stretch(d, call, &at, own);
    pixels += (size_t)at.count;
  }
  return pixels;
}

void infer_first_run(const infer_first *d, const net_call *call) {
  const size_t rows = (size_t)call->count * (size_t)d->s.out.h;
  size_t pixels = 0;
#pragma omp parallel for num_threads(d->s.threads) schedule(dynamic) reduction(+ : pixels)
  for (size_t row = 0; row < rows; row++) {
    char *own = (char *)call->scratch + (size_t)omp_get_thread_num() * thread_bytes(d);
    pixels += run_row(d, call, row, own);
  }
  if (call->share) *call->share = (double)pixels / (double)(rows * (size_t)d->s.out.w);
}
