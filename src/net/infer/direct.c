#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/element.h"
#include "net/infer/infer.h"
#include "net/layout.h"
#include "net/product.h"

#define LINE 64
#define BLOCK_ROWS 96 /* output pixels before pooling that a thread takes at a time */
/* Where more is stored than read, those that are multiplied by all filters in turn: the nearest
 * cache then holds what is stored until it is whole. */
#define TURN_ROWS 24

struct infer_direct {
  infer_shape s;
  int taps;
  size_t depth;      /* input values of a tap */
  size_t list_bytes; /* of the output pixels to compute */
  /* [filters / PRODUCT_WIDTH][taps][depth][PRODUCT_WIDTH or the rest]; bfloat16 in pairs of depth;
   * bytes as product_bytes_pack leaves them */
  void *u;
  bool scaled; /* in 16 bits with units, or bytes come in or go out */
  infer_units units;
};

static size_t up_to_line(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

/* Whether products are in 16 bits, of rows that are brought to them. */
static bool in_16_bits(const infer_direct *d) {
  return d->s.half || d->s.words;
}

static size_t pointer_bytes(const infer_direct *d) {
  return up_to_line((size_t)d->taps * BLOCK_ROWS * sizeof(void *));
}

/* Products that are pooled or in 16 bits. */
static size_t product_bytes(const infer_direct *d) {
  return d->s.pool || in_16_bits(d) ? BLOCK_ROWS * PRODUCT_WIDTH * sizeof(float) : 0;
}

/* Where the rows go and what is added to them. */
#define TARGET_BYTES (2 * BLOCK_ROWS * sizeof(void *))

/* Rows that are readied. */
static size_t ready_bytes(const infer_direct *d) {
#ifdef VECTOR_HALF
  if (d->s.half) return product_half_scratch(BLOCK_ROWS, (size_t)d->taps * d->depth);
#endif
  if (d->s.words) return BLOCK_ROWS * ((size_t)d->taps * d->depth * 2 + sizeof(float));
  if (d->s.in_type != ELEMENT_U8) return 0;
  return up_to_line(product_bytes_scratch(BLOCK_ROWS, (size_t)d->taps, d->depth));
}

static size_t thread_bytes(const infer_direct *d) {
  return pointer_bytes(d) + TARGET_BYTES + product_bytes(d) + ready_bytes(d);
}

/* Of the factors of filters `chunk` and so on. */
static size_t chunk_bytes(const infer_direct *d, int chunk) {
  const int left = d->s.plain.c - chunk, width = left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
  if (d->s.in_type == ELEMENT_U8) return product_bytes_room((size_t)d->taps, d->depth, width);
  const size_t value = in_16_bits(d) ? sizeof(uint16_t) : element_bytes(d->s.in_type);
  return (size_t)d->taps * d->depth * (size_t)width * value;
}

/* Where they lie. */
static void *chunk_at(const infer_direct *d, int chunk) {
  return (char *)d->u + (size_t)(chunk / PRODUCT_WIDTH) * chunk_bytes(d, 0);
}

void infer_direct_free(infer_direct *d) {
  if (!d) return;
  free(d->u);
  infer_units_free(&d->units);
  free(d);
}

leuko_status infer_direct_new(const infer_shape *shape, int batch, infer_direct **out,
                              size_t *scratch, leuko_error *error) {
  infer_direct *d = calloc(1, sizeof *d);
  *out = NULL;
  if (!d) return error_set_memory(error, sizeof *d);
  d->s = *shape;
  d->taps = shape->kernel * shape->kernel;
  d->depth = (size_t)shape->in.c;
  d->list_bytes = infer_list_bytes(shape, batch, 1);
  d->scaled = in_16_bits(d) || shape->in_type == ELEMENT_U8 || shape->out_type == ELEMENT_U8;
  const int last = (shape->plain.c - 1) / PRODUCT_WIDTH * PRODUCT_WIDTH;
  const size_t bytes =
      up_to_line((size_t)(last / PRODUCT_WIDTH) * chunk_bytes(d, 0) + chunk_bytes(d, last));
  d->u = aligned_alloc(LINE, bytes);
  leuko_status status = d->u ? LEUKO_OK : error_set_memory(error, bytes);
  if (status == LEUKO_OK) status = infer_units_new(shape->plain.c, &d->units, error);
  if (status != LEUKO_OK) {
    infer_direct_free(d);
    return status;
  }
  *scratch = d->list_bytes + (size_t)shape->threads * thread_bytes(d);
  *out = d;
  return LEUKO_OK;
}

void infer_direct_bind(infer_direct *d, const float *kernel, const float *bias) {
  const infer_shape *s = &d->s;
  const size_t filters = (size_t)s->plain.c, values = (size_t)d->taps * d->depth;
  const int threads = s->threads;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t chunk = 0; chunk < filters; chunk += PRODUCT_WIDTH) {
    const size_t width = filters - chunk < PRODUCT_WIDTH ? filters - chunk : PRODUCT_WIDTH;
    float factors[PRODUCT_WIDTH], counts[PRODUCT_WIDTH]; /* what one of a filter's sums counts */
    void *u = chunk_at(d, (int)chunk);
    float *wide = u;
    uint16_t *narrow = u;
    for (size_t f = 0; f < width; f++) counts[f] = 1;
    if (s->in_type == ELEMENT_U8) {
      infer_byte_factors(s, kernel + chunk, width, factors, counts);
      const product_factors by = {s->in_scales, factors, d->depth};
      product_bytes_pack(kernel + chunk, filters, &by, values, (int)width, u);
    } else if (d->s.half) {
#ifdef VECTOR_HALF
      product_half_units(kernel + chunk, filters, values, width, 0, factors, counts);
      product_half_pack(kernel + chunk, filters, factors, values, width, u);
#endif
    } else if (d->s.words) {
#ifdef VECTOR_WORDS
      product_words_pack(kernel + chunk, filters, 1, values, width, u, counts);
#endif
    } else {
      for (size_t k = 0; k < values; k++)
        for (size_t f = 0; f < width; f++) {
          float value = kernel[k * filters + chunk + f];
          if (s->in_type == ELEMENT_BF16)
            narrow[(k / 2 * width + f) * 2 + k % 2] = net_to_bf16(value);
          else wide[k * width + f] = value;
        }
    }
    infer_units_set(&d->units, s, chunk, width, counts, bias);
  }
}

/* What one thread works with on a block of pixels. */
typedef struct {
  const void **from;  /* [taps][rows] */
  void **to;          /* [rows]: outputs, if they are not pooled */
  const void **other; /* and what is added to them */
  float *m;           /* products [rows][width] */
  void *ready;
} workplace;

static workplace workplace_of(const infer_direct *d, char *scratch, int thread) {
  char *own = scratch + (size_t)thread * thread_bytes(d);
  char *to = own + pointer_bytes(d), *m = to + TARGET_BYTES;
  return (workplace){.from = (void *)own,
                     .to = (void *)to,
                     .other = (const void **)(void *)to + BLOCK_ROWS,
                     .m = (void *)m,
                     .ready = m + product_bytes(d)};
}

/* Pixels of the window at (top, left) of image n. */
static void point_at_pixels(const infer_direct *d, const net_call *call, int n, int top, int left,
                            const workplace *w, size_t row, size_t rows) {
  const infer_shape *s = &d->s;
  const size_t bytes = (size_t)s->in.c * element_bytes(s->in_type);
  for (int y = 0; y < s->kernel; y++)
    for (int x = 0; x < s->kernel; x++) {
      const char *at = infer_pixel(&call->skip[0], call->x[0], s->in, n, top + y, left + x, bytes);
      w->from[(size_t)(y * s->kernel + x) * rows + row] = at ? at : s->zeros;
    }
}

/* Points at the inputs of a block: four rows for a pooled pixel, else one. Returns their number. */
VECTOR static size_t point_at(const infer_direct *d, const net_call *call, const infer_place *list,
                              size_t count, const workplace *w) {
  const infer_shape *s = &d->s;
  const int side = s->pool ? 2 : 1;
  const size_t rows = count * (size_t)(side * side);
  size_t row = 0;
  for (size_t i = 0; i < count; i++)
    for (int y = list[i].y * side; y < (list[i].y + 1) * side; y++)
      for (int x = list[i].x * side; x < (list[i].x + 1) * side; x++)
        point_at_pixels(d, call, list[i].image, y * s->stride - s->pad, x * s->stride - s->pad, w,
                        row++, rows);
  return rows;
}

/* Sixteen filters of a pooled pixel from the products of its four. */
VECTOR_INLINE v16 pool(const infer_shape *s, const float *m, size_t width, const float *bias) {
  v16 value = v16_load(m);
  for (size_t k = 1; k < 4; k++) value = v16_max(value, v16_load(m + k * width));
  if (bias) value = v16_add(value, v16_load(bias));
  return s->relu ? v16_relu(value) : value;
}

VECTOR_INLINE void pool_rows(const infer_direct *d, const net_call *call, const infer_place *list,
                             size_t count, int chunk, size_t width, const float *m, bool bf16) {
  const infer_shape *s = &d->s;
  const size_t bytes = element_bytes(bf16), pixel = (size_t)s->out.c * bytes;
  const float *bias = call->params[1] ? call->params[1] + chunk : NULL;
  for (size_t i = 0; i < count; i++) {
    char *to = (char *)call->y + infer_number(s->out, list[i]) * pixel + (size_t)chunk * bytes;
    for (size_t f = 0; f < width; f += ELEMENT_STEP) {
      const float *products = m + 4 * i * width + f;
      v16 value[ELEMENT_VECTORS];
      for (size_t part = 0; part < ELEMENT_VECTORS; part++)
        value[part] = pool(s, products + 16 * part, width, bias ? bias + f + 16 * part : NULL);
      element_store(to + f * bytes, value, bf16);
    }
  }
}

/* Where the pixels of a block go, and the branch's pixels that are added. */
static void point_to(const infer_direct *d, const net_call *call, const infer_place *list,
                     size_t count, const workplace *w) {
  const infer_shape *s = &d->s;
  const size_t pixel = (size_t)s->out.c * element_bytes(s->out_type);
  const size_t added = (size_t)s->out.c * element_bytes(s->add_type);
  for (size_t i = 0; i < count; i++) {
    w->to[i] = (char *)call->y + infer_number(s->out, list[i]) * pixel;
    if (s->add)
      w->other[i] = infer_pixel(&call->skip[1], call->x[1], s->out, list[i].image, list[i].y,
                                list[i].x, added);
  }
}

/* Of the filters of a chunk. */
static int width_of(const infer_direct *d, int chunk) {
  const int left = d->s.plain.c - chunk;
  return left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
}

VECTOR static void pool_chunk(const infer_direct *d, const net_call *call, const infer_place *list,
                              size_t count, const workplace *w, size_t rows, int chunk) {
  const infer_shape *s = &d->s;
  const int width = width_of(d, chunk);
  product_taps(w->from, (size_t)d->taps, chunk_at(d, chunk), w->m, rows, d->depth, width,
               s->in_type);
  if (s->out_type == ELEMENT_BF16)
    pool_rows(d, call, list, count, chunk, (size_t)width, w->m, true);
  else pool_rows(d, call, list, count, chunk, (size_t)width, w->m, false);
}

#ifdef VECTOR_WORDS
/* [rows]: what one of a row's values counts; it lies behind the rows. */
static float *word_units(const infer_direct *d, const workplace *w) {
  void *units = (char *)w->ready + BLOCK_ROWS * (size_t)d->taps * d->depth * 2;
  return units;
}
#endif

/* `count` rows of the block from `row` on. */
VECTOR static void finish_chunk(const infer_direct *d, const net_call *call, const workplace *w,
                                size_t rows, size_t row, size_t count, int chunk) {
  const infer_shape *s = &d->s;
  const float *bias = d->scaled ? d->units.biases : call->params[1];
  const product_finish finish = {.to = w->to + row,
                                 .other = s->add ? w->other + row : NULL,
                                 .type = s->out_type,
                                 .other_type = s->add_type,
                                 .other_scale = d->units.other_scales + chunk,
                                 .first = (size_t)chunk,
                                 .scale = d->scaled ? d->units.scales + chunk : NULL,
                                 .bias = bias ? bias + chunk : NULL,
                                 .relu = s->relu};
  const size_t taps = (size_t)d->taps;
  const void *u = chunk_at(d, chunk);
  const int width = width_of(d, chunk);
#ifdef VECTOR_HALF
  if (d->s.half) {
    product_half_finished(w->ready, u, w->m, &finish, count, taps * d->depth, width);
    return;
  }
#endif
#ifdef VECTOR_WORDS
  if (d->s.words) {
    const float *units = word_units(d, w);
    product_finish in_units = finish;
    in_units.scale = NULL;
    product_words_finished(w->ready, units, u, finish.scale, w->m, &in_units, count,
                           taps * d->depth, width);
    return;
  }
#endif
  if (s->in_type == ELEMENT_U8)
    product_bytes_finished(w->from, w->ready, u, &finish, count, taps, d->depth, width);
  else
    product_taps_finished(w->from + row, rows, taps, u, &finish, count, d->depth, width,
                          s->in_type);
}

static bool is_readied(const infer_direct *d) {
  return in_16_bits(d) || d->s.in_type == ELEMENT_U8;
}

static void ready_rows(const infer_direct *d, const workplace *w, size_t rows) {
#ifdef VECTOR_HALF
  if (d->s.half) {
    product_half_ready(w->from, rows, (size_t)d->taps, d->depth, d->s.in_type, w->ready);
    return;
  }
#endif
#ifdef VECTOR_WORDS
  if (d->s.words) {
    product_words_ready(w->from, rows, (size_t)d->taps, d->depth, w->ready, word_units(d, w));
    return;
  }
#endif
  product_bytes_ready(w->from, rows, (size_t)d->taps, d->depth, w->ready);
}

void infer_direct_run(const infer_direct *d, const net_call *call) {
  const infer_shape *s = &d->s;
  infer_place *list = call->scratch;
  const size_t count = infer_list(s, call, 1, list);
  char *scratch = (char *)call->scratch + d->list_bytes;
  const size_t block = BLOCK_ROWS / (s->pool ? 4 : 1), blocks = (count + block - 1) / block;
  const size_t chunks = ((size_t)s->plain.c + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
  /* With few blocks the threads share out the filters as well. */
  const size_t tasks = 4 * (size_t)s->threads, shares = blocks ? (tasks + blocks - 1) / blocks : 1;
  const size_t groups = shares < chunks ? shares : chunks;
  const bool turns = !s->pool && !is_readied(d) && s->plain.c > s->in.c;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic)
  for (size_t task = 0; task < blocks * groups; task++) {
    const workplace w = workplace_of(d, scratch, omp_get_thread_num());
    const size_t first = task / groups * block;
    const size_t now = count - first < block ? count - first : block;
    const size_t rows = point_at(d, call, list + first, now, &w);
    if (!s->pool) point_to(d, call, list + first, now, &w);
    if (is_readied(d)) ready_rows(d, &w, rows);
    const size_t turn = turns ? TURN_ROWS : rows;
    for (size_t row = 0; row < rows; row += turn)
      for (size_t c = task % groups; c < chunks; c += groups) {
        const int chunk = (int)c * PRODUCT_WIDTH;
        if (s->pool) pool_chunk(d, call, list + first, now, &w, rows, chunk);
        else finish_chunk(d, call, &w, rows, row, rows - row < turn ? rows - row : turn, chunk);
      }
  }
}
