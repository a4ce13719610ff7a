#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/half.h"
#include "net/infer/infer.h"
#include "net/product.h"
#include "net/words.h"

#define LINE 64

struct infer_first {
  infer_shape s;
  int side;           /* output pixels before pooling across one after it */
  size_t values;      /* of a window */
  size_t lines;       /* rows of the input under a row of the output */
  size_t copy_values; /* of a copied row of the input */
  void *u;            /* as product_windows_pack leaves it, or that of the 16 bits in use */
  /* [values]: where those of a window lie in the input, and in a copy of a part of it */
  uint32_t *inside, *copied;
  /* [filters], in the output's units where it is in bytes: what is added, what one of the branch
   * counts, and in 16 bits what one of a filter's sums does. */
  float *biases, *other_scales, *scales;
};

/* Output pixels that lie side by side. */
typedef struct {
  int image, y, x, count;
  int top, left; /* of the first one's window */
} stretch;

/* Whether products are in 16 bits. */
static bool in_16_bits(const infer_shape *s) {
  return s->half || s->words;
}

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
  const size_t value = in_16_bits(&d->s) ? sizeof(uint16_t) : sizeof(float);
  return pointer_bytes(d) + up_to_line((d->lines * d->copy_values + 16) * value);
}

/* Pairs of values in a row of the window; an odd one is paired with the next, which counts 0. */
static int pairs_of(const infer_shape *s) {
  return (s->kernel * s->in.c + 1) / 2;
}

bool infer_first_half(const infer_shape *shape, float largest) {
#ifdef VECTOR_HALF
  const int pairs = shape->kernel * pairs_of(shape);
  return largest > 0 && largest * (float)pairs <= PRODUCT_HALF_LARGEST;
#else
  (void)shape;
  (void)largest;
  return false;
#endif
}

bool infer_first_words(const infer_shape *shape, float largest) {
#ifdef VECTOR_WORDS
  return largest > 0 && shape->kernel * shape->kernel * shape->in.c <= PRODUCT_WORDS_MOST;
#else
  (void)shape;
  (void)largest;
  return false;
#endif
}

void infer_first_free(infer_first *d) {
  if (!d) return;
  free(d->u);
  free(d->inside);
  free(d->copied);
  free(d->biases);
  free(d->other_scales);
  free(d->scales);
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
  d->copy_values = (size_t)(columns_of(d, shape->out.w) * shape->in.c);
  const size_t halves = 2 * (size_t)(shape->kernel * pairs_of(shape)) * sizeof(uint16_t);
  const size_t bytes =
      up_to_line((in_16_bits(shape) ? halves : d->values * sizeof(float)) * filters);
  d->u = aligned_alloc(LINE, bytes);
  d->inside = calloc(d->values, sizeof *d->inside);
  d->copied = calloc(d->values, sizeof *d->copied);
  d->biases = calloc(filters, sizeof *d->biases);
  d->other_scales = calloc(filters, sizeof *d->other_scales);
  d->scales = calloc(filters, sizeof *d->scales);
  if (!d->u || !d->inside || !d->copied || !d->biases || !d->other_scales || !d->scales) {
    infer_first_free(d);
    return error_set_memory(error, bytes);
  }
  for (size_t k = 0; k < d->values; k++) {
    d->inside[k] = (uint32_t)(k / depth * line + k % depth);
    d->copied[k] = (uint32_t)(k / depth * d->copy_values + k % depth);
  }
  *scratch = (size_t)shape->threads * thread_bytes(d);
  *out = d;
  return LEUKO_OK;
}

#ifdef VECTOR_HALF
static void bind_half(infer_first *d, const float *kernel) {
  const infer_shape *s = &d->s;
  const size_t filters = (size_t)s->plain.c, depth = (size_t)(s->kernel * s->in.c);
  const size_t pairs = (size_t)pairs_of(s);
  char *u = d->u;
  for (size_t first = 0; first < filters; first += PRODUCT_WIDTH) {
    const size_t width = filters - first < PRODUCT_WIDTH ? filters - first : PRODUCT_WIDTH;
    float factors[PRODUCT_WIDTH], pair[2][PRODUCT_WIDTH];
    product_half_units(kernel + first, filters, d->values, width, 0, factors, d->scales + first);
    for (size_t k = 0; k < (size_t)s->kernel * pairs; k++, u += 4 * width) {
      const size_t row = k / pairs * depth, at = 2 * (k % pairs);
      memset(pair, 0, sizeof pair);
      for (size_t i = 0; i < 2 && at + i < depth; i++)
        memcpy(pair[i], kernel + (row + at + i) * filters + first, width * sizeof(float));
      product_half_pack(pair[0], PRODUCT_WIDTH, factors, 2, width, u);
    }
  }
}
#endif

static void pack(infer_first *d, const float *kernel) {
#ifdef VECTOR_HALF
  if (d->s.half) {
    bind_half(d, kernel);
    return;
  }
#endif
#ifdef VECTOR_WORDS
  if (d->s.words) {
    product_words_windows_pack(kernel, d->s.in_largest / PRODUCT_WORDS_LARGEST, (size_t)d->s.kernel,
                               (size_t)(d->s.kernel * d->s.in.c), (size_t)d->s.plain.c, d->u,
                               d->scales);
    return;
  }
#endif
  product_windows_pack(kernel, d->values, (size_t)d->s.plain.c, d->u);
}

void infer_first_bind(infer_first *d, const float *kernel, const float *bias) {
  const size_t filters = (size_t)d->s.plain.c;
  pack(d, kernel);
  for (size_t f = 0; f < filters; f++) {
    const float unit = d->s.out_units ? d->s.out_units[f] : 1;
    d->biases[f] = bias ? bias[f] * unit : 0;
    d->scales[f] *= unit;
    d->other_scales[f] = (d->s.add_scales ? d->s.add_scales[f] : 1) * unit;
  }
}

/* Where a row of the input under a stretch lies, NULL beyond the border, and how many of its values
 * there are `before` that, `kept` and `behind`. */
typedef struct {
  const float *from;
  size_t before, kept, behind;
} input_row;

static input_row row_under(const infer_first *d, const float *x, const stretch *at, int k) {
  const infer_shape *s = &d->s;
  const size_t c = (size_t)s->in.c;
  const int end = at->left + columns_of(d, at->count), row = at->top + k;
  const int from = at->left < 0 ? 0 : at->left, to = end > s->in.w ? s->in.w : end;
  input_row r = {.behind = (size_t)(end - at->left) * c};
  if (row < 0 || row >= s->in.h || from >= to) return r;
  const size_t line = ((size_t)at->image * (size_t)s->in.h + (size_t)row) * (size_t)s->in.w;
  r.from = x + (line + (size_t)from) * c;
  r.before = (size_t)(from - at->left) * c;
  r.kept = (size_t)(to - from) * c;
  r.behind -= r.before + r.kept;
  return r;
}

static void copy_input(const infer_first *d, const float *x, const stretch *at, float *copies) {
  for (int k = 0; k < (int)d->lines; k++, copies += d->copy_values) {
    const input_row r = row_under(d, x, at, k);
    memset(copies, 0, r.before * sizeof *copies);
    if (r.kept) memcpy(copies + r.before, r.from, r.kept * sizeof *copies);
    memset(copies + r.before + r.kept, 0, r.behind * sizeof *copies);
  }
}

static bool reaches_out(const infer_first *d, const stretch *at) {
  return at->top < 0 || at->top + (int)d->lines > d->s.in.h || at->left < 0 ||
         at->left + columns_of(d, at->count) > d->s.in.w;
}

#ifdef VECTOR_WORDS
/* The rows under a stretch in 16 bits, side by side. */
VECTOR_INLINE void copy_narrow(const infer_first *d, const float *x, const stretch *at,
                               uint16_t *to, bool words) {
  for (int k = 0; k < (int)d->lines; k++, to += d->copy_values) {
    const input_row r = row_under(d, x, at, k);
    memset(to, 0, r.before * sizeof *to);
    if (words) words_copy(r.from, r.kept, PRODUCT_WORDS_LARGEST / d->s.in_largest, to + r.before);
#ifdef VECTOR_HALF
    else half_copy(r.from, r.kept, to + r.before);
#endif
    /* And one more, with which an odd value at the end is paired. */
    memset(to + r.before + r.kept, 0, (r.behind + 1) * sizeof *to);
  }
}

VECTOR static void run_narrow(const infer_first *d, const net_call *call, const stretch *at,
                              const product_finish *finish, uint16_t *copies) {
  const infer_shape *s = &d->s;
  const product_pairs w = {.v = copies,
                           .step = (size_t)(s->stride * s->in.c),
                           .line = d->copy_values,
                           .below = (size_t)s->stride * d->copy_values,
                           .rows = s->kernel,
                           .pairs = pairs_of(s),
                           .pooled = s->pool};
  const size_t windows = (size_t)(at->count * d->side), filters = (size_t)s->plain.c;
  if (s->words) {
    copy_narrow(d, call->x[0], at, copies, true);
    product_words_windows_finished(&w, d->u, finish, windows, filters);
    return;
  }
#ifdef VECTOR_HALF
  copy_narrow(d, call->x[0], at, copies, false);
  product_half_windows_finished(&w, d->u, finish, windows, filters);
#endif
}
#endif

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
                                 .scale = in_16_bits(s) ? d->scales : s->out_units,
                                 .bias = d->biases,
                                 .relu = s->relu};
#ifdef VECTOR_WORDS
  if (in_16_bits(s)) {
    run_narrow(d, call, at, &finish, copies);
    return;
  }
#endif
  product_windows w = {.step = (size_t)(s->stride * s->in.c), .values = d->values};
  size_t line = (size_t)(s->in.w * s->in.c);
  if (reaches_out(d, at)) {
    copy_input(d, call->x[0], at, copies);
    line = d->copy_values;
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
