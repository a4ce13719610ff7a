#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/learn/learn.h"
#include "net/outer.h"
#include "net/product.h"

/* A row of the window is one stretch of memory: a product of `depth` values for each of its rows
 * ("taps"). Turns are rows of the output. */
struct learn_first {
  learn_shape s;
  size_t taps, depth;  /* of a filter: rows of the window, values of such a row */
  size_t plain_rows;   /* output rows before pooling in a turn */
  size_t input_rows;   /* that these need */
  size_t input_floats; /* of a padded input row */
  float *u;            /* as product_windows_pack leaves it */
};

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t up_to_line(size_t bytes) {
  return (bytes + LEARN_LINE - 1) / LEARN_LINE * LEARN_LINE;
}

static size_t kernel_values(const learn_first *d) {
  return d->taps * d->depth * (size_t)d->s.plain.c;
}

static size_t pixels(const learn_first *d) {
  return d->plain_rows * (size_t)d->s.plain.w;
}

/* Padded input rows. */
static size_t copy_bytes(const learn_first *d) {
  return d->s.pad ? up_to_line(d->input_rows * d->input_floats * sizeof(float)) : 0;
}

static size_t pointer_bytes(const learn_first *d) {
  return up_to_line(d->taps * pixels(d) * sizeof(void *));
}

static size_t forward_bytes(const learn_first *d) {
  return copy_bytes(d) + pointer_bytes(d) + up_to_line(pixels(d) * PRODUCT_WIDTH * sizeof(float));
}

/* The output's gradient before pooling, sums of the kernel's gradient, of the bias's in a turn and
 * in all, zeros. */
static size_t backward_bytes(const learn_first *d) {
  const size_t filters = (size_t)d->s.plain.c;
  return copy_bytes(d) +
         up_to_line((pixels(d) * filters + kernel_values(d) + 2 * filters) * sizeof(float) +
                    filters * sizeof(double));
}

void learn_first_free(learn_first *d) {
  if (!d) return;
  free(d->u);
  free(d);
}

leuko_status learn_first_new(const learn_shape *shape, learn_first **out, size_t *scratch,
                             leuko_error *error) {
  learn_first *d = calloc(1, sizeof *d);
  *out = NULL;
  if (!d) return error_set_memory(error, sizeof *d);
  d->s = *shape;
  d->taps = (size_t)shape->kernel;
  d->depth = (size_t)(shape->kernel * shape->in.c);
  d->plain_rows = shape->pool ? 2 : 1;
  d->input_rows = (d->plain_rows - 1) * (size_t)shape->stride + d->taps;
  d->input_floats = (size_t)((shape->in.w + 2 * shape->pad) * shape->in.c);
  const size_t bytes = up_to_line(kernel_values(d) * sizeof(float));
  d->u = aligned_alloc(LEARN_LINE, bytes);
  if (!d->u) {
    learn_first_free(d);
    return error_set_memory(error, bytes);
  }
  const size_t forward = forward_bytes(d), backward = backward_bytes(d);
  *scratch = (size_t)shape->threads * (forward > backward ? forward : backward);
  *out = d;
  return LEUKO_OK;
}

void learn_first_bind(learn_first *d, const float *kernel) {
  product_windows_pack(kernel, d->taps * d->depth, (size_t)d->s.plain.c, d->u);
}

/* The input rows of the window at output row `y` before pooling, padded in `copies`, or where they
 * lie. They are `input_floats` apart. */
static const float *input_rows(const learn_first *d, const float *x, int image, int y,
                               float *copies) {
  const learn_shape *s = &d->s;
  const size_t row_floats = (size_t)(s->in.w * s->in.c);
  const float *from = x + (size_t)image * (size_t)s->in.h * row_floats;
  const int top = y * s->stride - s->pad;
  if (!s->pad) return from + (size_t)top * row_floats;
  for (size_t r = 0; r < d->input_rows; r++) {
    float *to = copies + r * d->input_floats;
    const int row = top + (int)r;
    memset(to, 0, d->input_floats * sizeof *to);
    if (row >= 0 && row < s->in.h)
      memcpy(to + s->pad * s->in.c, from + (size_t)row * row_floats, row_floats * sizeof *to);
  }
  return copies;
}

/* Which output row a turn is, and the stretch of it that is computed. */
typedef struct {
  int image, y;
  size_t from, count;  /* stored pixels of the row */
  size_t left, across; /* the same before pooling */
  size_t first;        /* number of the stretch's first pixel in the batch */
} row_place;

static row_place locate(const learn_shape *s, const net_call *call, size_t turn) {
  const size_t width = (size_t)s->out.w, side = s->pool ? 2 : 1;
  const uint8_t *computed = call->flat_out.computed;
  size_t from = 0, end = width;
  if (computed) {
    computed += turn * width;
    while (from < end && !computed[from]) from++;
    while (end > from && !computed[end - 1]) end--;
  }
  return (row_place){.image = (int)(turn / (size_t)s->out.h),
                     .y = (int)(turn % (size_t)s->out.h),
                     .from = from,
                     .count = end - from,
                     .left = side * from,
                     .across = side * (end - from),
                     .first = turn * width + from};
}

/* A step of filters of the pixels of a stretch. */
VECTOR_INLINE void store_row(const learn_shape *s, const net_call *call, row_place at, size_t f,
                             const float *m, size_t width, bool bf16) {
  const size_t bytes = element_bytes(bf16), across = at.across;
  for (size_t x = 0; x < at.count; x++) {
    const size_t place = (at.first + x) * (size_t)s->out.c + f;
    v16 value[ELEMENT_VECTORS];
    for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
      const v16 bias = call->params[1] ? v16_load(call->params[1] + f + 16 * part) : v16_zero();
      const float *from = m + 16 * part;
      if (s->pool) {
        v16 square[4];
        for (size_t k = 0; k < 4; k++)
          square[k] = v16_add(v16_load(from + (k / 2 * across + 2 * x + k % 2) * width), bias);
        value[part] = learn_pool(square, s->relu, (uint8_t *)call->workspace + place + 16 * part);
      } else {
        value[part] = v16_add(v16_load(from + x * width), bias);
        if (s->relu) value[part] = v16_relu(value[part]);
      }
    }
    element_store((char *)call->y + place * bytes, value, bf16);
  }
}

VECTOR static void forward_row(const learn_first *d, const net_call *call, size_t turn, char *own) {
  const learn_shape *s = &d->s;
  const row_place at = locate(s, call, turn);
  if (at.count == 0) return;
  void *copies = own, *pointers = own + copy_bytes(d),
       *products = own + copy_bytes(d) + pointer_bytes(d);
  const void **from = pointers;
  float *m = products;
  const float *input = input_rows(d, call->x[0], at.image, at.y * (int)d->plain_rows, copies);
  const size_t across = at.across, count = d->plain_rows * across;
  for (size_t k = 0; k < d->taps; k++)
    for (size_t i = 0; i < count; i++)
      from[k * count + i] = input + (i / across * (size_t)s->stride + k) * d->input_floats +
                            (at.left + i % across) * (size_t)(s->stride * s->in.c);
  for (size_t chunk = 0; chunk < (size_t)s->plain.c; chunk += PRODUCT_WIDTH) {
    const size_t width = least((size_t)s->plain.c - chunk, PRODUCT_WIDTH);
    product_taps(from, d->taps, d->u + d->taps * d->depth * chunk, m, count, d->depth, (int)width,
                 false);
    for (size_t f = 0; f < width; f += ELEMENT_STEP) {
      if (learn_bf16(s)) store_row(s, call, at, chunk + f, m + f, width, true);
      else store_row(s, call, at, chunk + f, m + f, width, false);
    }
  }
}

void learn_first_forward(const learn_first *d, const net_call *call) {
  const size_t turns = (size_t)d->s.batch * (size_t)d->s.out.h, own = forward_bytes(d);
#pragma omp parallel for num_threads(d->s.threads) schedule(dynamic)
  for (size_t turn = 0; turn < turns; turn++)
    forward_row(d, call, turn, (char *)call->scratch + (size_t)omp_get_thread_num() * own);
}

/* What a thread works with on the way back; columns of z, du and bias are in split order. */
typedef struct {
  float *copies, *z, *du, *bias;
  double *bias_sums;
  char *zeros;
} workplace;

static workplace workplace_of(const learn_first *d, const net_call *call, int thread) {
  const size_t filters = (size_t)d->s.plain.c;
  char *own = (char *)call->scratch + (size_t)thread * backward_bytes(d);
  void *copies = own, *z = own + copy_bytes(d);
  float *du = (float *)z + pixels(d) * filters;
  void *zeros = du + kernel_values(d) + filters, *sums = du + kernel_values(d) + 2 * filters;
  return (workplace){.copies = copies,
                     .z = z,
                     .du = du,
                     .bias = du + kernel_values(d),
                     .bias_sums = sums,
                     .zeros = zeros};
}

/* The gradient of the output rows before pooling, float32, and its sum to the bias's. */
VECTOR_INLINE void spread_row(const learn_first *d, const learn_source *dy, row_place at,
                              const workplace *w, learn_kind kind, bool bf16) {
  const learn_shape *s = &d->s;
  const size_t filters = (size_t)s->plain.c, across = at.across;
  for (size_t i = 0; i < d->plain_rows * across; i++) {
    const learn_pixel pixel =
        learn_pixel_at(dy, at.image, at.y * (int)d->plain_rows + (int)(i / across),
                       (int)(at.left + i % across), element_bytes(bf16), w->zeros);
    for (size_t f = 0; f < filters; f += ELEMENT_STEP) {
      v16 value[ELEMENT_VECTORS];
      learn_load(&pixel, f, kind, value, bf16);
      for (size_t part = 0; part < ELEMENT_VECTORS; part++) {
        float *sum = w->bias + f + 16 * part;
        v16_store(w->z + i * filters + f + 16 * part, value[part]);
        v16_store(sum, v16_add(v16_load(sum), value[part]));
      }
    }
  }
}

#ifdef VECTOR_AVX512
/* du [depth][32 filters] += x z over the pixels of a row; depth is a constant. */
VECTOR_INLINE void add_products(const float *x, size_t step, const float *z, size_t filters,
                                float *du, size_t count, int depth) {
  v16 sum[9][2];
  for (int i = 0; i < depth; i++)
    for (size_t k = 0; k < 2; k++) sum[i][k] = v16_load(du + (size_t)i * filters + 16 * k);
  for (size_t p = 0; p < count; p++) {
    const v16 first = v16_load(z + p * filters), second = v16_load(z + p * filters + 16);
    for (int i = 0; i < depth; i++) {
      const v16 value = v16_all(x[p * step + (size_t)i]);
      sum[i][0] = v16_fma(value, first, sum[i][0]);
      sum[i][1] = v16_fma(value, second, sum[i][1]);
    }
  }
  for (int i = 0; i < depth; i++)
    for (size_t k = 0; k < 2; k++) v16_store(du + (size_t)i * filters + 16 * k, sum[i][k]);
}

/* All values of a row of the window: nine of a 3x3 window of three channels at a time, seven of a
 * 7x7 one. */
VECTOR static void add_row(const learn_first *d, const float *x, const float *z, float *du,
                           size_t count) {
  const size_t filters = (size_t)d->s.plain.c, step = (size_t)(d->s.stride * d->s.in.c);
  const size_t group = d->depth % 9 == 0 ? 9 : d->depth % 7 == 0 ? 7 : 4;
  for (size_t i = 0; i < d->depth; i += group)
    for (size_t f = 0; f < filters; f += ELEMENT_STEP) {
      float *to = du + i * filters + f;
      if (group == 9) add_products(x + i, step, z + f, filters, to, count, 9);
      else if (group == 7) add_products(x + i, step, z + f, filters, to, count, 7);
      else
        outer_rows(x + i, step, z + f, filters, to, filters, count, least(d->depth - i, group),
                   ELEMENT_STEP, true);
    }
}
#else
/* All values of a row of the window. */
static void add_row(const learn_first *d, const float *x, const float *z, float *du, size_t count) {
  const size_t filters = (size_t)d->s.plain.c, step = (size_t)(d->s.stride * d->s.in.c);
  for (size_t f = 0; f < filters; f += PRODUCT_WIDTH)
    outer_rows(x, step, z + f, filters, du + f, filters, count, d->depth, PRODUCT_WIDTH, true);
}
#endif

VECTOR static void backward_row(const learn_first *d, const net_call *call, size_t turn,
                                const workplace *w) {
  const learn_shape *s = &d->s;
  const row_place at = locate(s, call, turn);
  if (at.count == 0) return;
  const learn_source dy = learn_gradient_source(s, call);
  const learn_kind kind = learn_kind_of(&dy);
  const size_t filters = (size_t)s->plain.c;
  memset(w->bias, 0, filters * sizeof *w->bias);
  if (learn_bf16(s)) {
    if (kind == LEARN_PLAIN) spread_row(d, &dy, at, w, LEARN_PLAIN, true);
    else if (kind == LEARN_RELU) spread_row(d, &dy, at, w, LEARN_RELU, true);
    else spread_row(d, &dy, at, w, LEARN_POOLED, true);
  } else {
    if (kind == LEARN_PLAIN) spread_row(d, &dy, at, w, LEARN_PLAIN, false);
    else if (kind == LEARN_RELU) spread_row(d, &dy, at, w, LEARN_RELU, false);
    else spread_row(d, &dy, at, w, LEARN_POOLED, false);
  }
  for (size_t f = 0; f < filters; f++) w->bias_sums[f] += (double)w->bias[f];
  const float *input = input_rows(d, call->x[0], at.image, at.y * (int)d->plain_rows, w->copies);
  for (size_t r = 0; r < d->plain_rows; r++)
    for (size_t k = 0; k < d->taps; k++)
      add_row(d,
              input + (r * (size_t)s->stride + k) * d->input_floats +
                  at.left * (size_t)(s->stride * s->in.c),
              w->z + r * at.across * filters, w->du + k * d->depth * filters, at.across);
}

/* Each thread sums up its own share of the rows; the shares are added in their order. */
void learn_first_backward(const learn_first *d, const net_call *call) {
  const learn_shape *s = &d->s;
  const size_t turns = (size_t)s->batch * (size_t)s->out.h, threads = (size_t)s->threads;
  const size_t filters = (size_t)s->plain.c;
#pragma omp parallel for num_threads(s->threads) schedule(static, 1)
  for (size_t thread = 0; thread < threads; thread++) {
    const workplace w = workplace_of(d, call, (int)thread);
    memset(w.du, 0, kernel_values(d) * sizeof *w.du);
    memset(w.zeros, 0, filters * sizeof(float));
    memset(w.bias_sums, 0, filters * sizeof *w.bias_sums);
    const size_t end = turns * (thread + 1) / threads;
    for (size_t turn = turns * thread / threads; turn < end; turn++)
      backward_row(d, call, turn, &w);
  }
  for (size_t i = 0; call->grads[0] && i < kernel_values(d); i++) {
    const size_t at = i / filters * filters + learn_split(i % filters, s->bf16);
    float sum = 0;
    for (int thread = 0; thread < s->threads; thread++) sum += workplace_of(d, call, thread).du[at];
    call->grads[0][i] = sum;
  }
  for (size_t f = 0; call->grads[1] && f < filters; f++) {
    double sum = 0;
    for (int thread = 0; thread < s->threads; thread++)
      sum += workplace_of(d, call, thread).bias_sums[learn_split(f, s->bf16)];
    call->grads[1][f] = (float)sum;
  }
}
