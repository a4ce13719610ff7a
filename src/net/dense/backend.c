/* Dense layers in inference. What an image gets does not depend on how many are computed with it,
 * which a library's matrix product, blocked by the size of the whole, does not give. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/element.h"
#include "net/layout.h"
#include "net/product.h"
#include "net/step.h"

/* Sums run over so many inputs in registers before they are added to the rest: less error than in
 * one long sum. */
#define DEPTH 512

/* In bfloat16 only where the kernel is so large that reading it takes the time; the last layers
 * stay in float32. */
#define LARGE_KERNEL ((size_t)1 << 18)

struct net_kernel {
  net_step step;
  element_type type; /* of the input, and of the kernel but in half precision */
  bool half;         /* products in half precision (net/product.h) */
  bool words;        /* or in whole numbers of 16 bits */
  /* The kernel, [chunk of columns][in][width], columns padded with zeros to a multiple of 16; in
   * 16 bits in pairs of inputs. */
  void *u;
  float *units, *bias; /* [columns], in these two: what a product counts, what is added */
};

/* Whether products may be in half precision or whole numbers. */
static bool may_be_scaled(const net_step *step) {
  const bool kernels = element_words() || (element_half() && !step->bfloat16);
  return kernels && step->in.c % ELEMENT_STEP == 0 && step->out.c % ELEMENT_STEP == 0;
}

static bool dense_choose(net_step *step) {
  if (step->op != NET_DENSE || step->training) return false;
  const bool large = (size_t)step->in.c * (size_t)step->out.c >= LARGE_KERNEL;
  const bool narrow = step->precision == NET_BF16 && element_narrow() && large;
  step->half = (step->half || step->precision == NET_BF16) && large && may_be_scaled(step);
  step->in_layout = NET_NHWC;
  if (narrow && step->half) step->in_layout = NET_NHWC_F16;
  else if (narrow && (!element_half() || step->bfloat16) && step->in.c % 2 == 0)
    step->in_layout = NET_NHWC_BF16;
  step->out_layout = NET_NHWC;
  return true;
}

static int padded(int columns) {
  return (columns + 15) / 16 * 16;
}

static int chunks(const net_step *step) {
  return (padded(step->out.c) + PRODUCT_WIDTH - 1) / PRODUCT_WIDTH;
}

static int chunk_width(const net_step *step, int chunk) {
  int left = padded(step->out.c) - chunk * PRODUCT_WIDTH;
  return left < PRODUCT_WIDTH ? left : PRODUCT_WIDTH;
}

/* Of each chunk one part's products and the sums so far. */
static size_t chunk_bytes(const net_step *step) {
  return 2 * (size_t)step->batch * PRODUCT_WIDTH * sizeof(float);
}

#ifdef VECTOR_HALF
/* Where each image's input and output lie. */
static size_t pointer_bytes(const net_step *step) {
  return (2 * (size_t)step->batch * sizeof(void *) + 63) / 64 * 64;
}

static size_t half_bytes(const net_step *step) {
  return pointer_bytes(step) + product_half_scratch((size_t)step->batch, (size_t)step->in.c);
}
#endif

/* Each image's input in whole numbers, and what one of it counts. */
static size_t words_bytes(const net_step *step) {
  return (size_t)step->batch * ((size_t)step->in.c * sizeof(uint16_t) + sizeof(float));
}

static void dense_release(net_kernel *k) {
  if (!k) return;
  free(k->units);
  free(k->bias);
  free(k->u);
  free(k);
}

static leuko_status dense_prepare(const net_step *step, net_kernel **out, size_t *workspace,
                                  size_t *scratch, leuko_error *error) {
  *out = NULL;
  net_kernel *k = calloc(1, sizeof *k);
  if (!k) return error_set_memory(error, sizeof *k);
  k->step = *step;
  k->type = element_of(step->in_layout);
  k->words = step->half && element_words();
  k->half = step->half && !k->words;
  const size_t value = k->half || k->words ? sizeof(uint16_t) : net_layout_bytes(step->in_layout);
  size_t bytes = (size_t)step->in.c * (size_t)padded(step->out.c) * value;
  bytes = (bytes + 63) / 64 * 64;
  k->u = aligned_alloc(64, bytes);
  k->units = calloc((size_t)padded(step->out.c), sizeof *k->units);
  k->bias = calloc((size_t)padded(step->out.c), sizeof *k->bias);
  if (!k->u || !k->units || !k->bias) {
    dense_release(k);
    return error_set_memory(error, bytes);
  }
  *workspace = 0;
  *scratch = chunk_bytes(step) * (size_t)chunks(step);
#ifdef VECTOR_HALF
  if (k->half) *scratch += half_bytes(step);
#endif
  if (k->words) *scratch += words_bytes(step);
  *out = k;
  return LEUKO_OK;
}

#ifdef VECTOR_HALF
static void bind_half(net_kernel *k, const float *const params[NET_MAX_PARAMS]) {
  const size_t in = (size_t)k->step.in.c, out = (size_t)k->step.out.c;
#pragma omp parallel for num_threads(k->step.threads) schedule(static)
  for (int chunk = 0; chunk < chunks(&k->step); chunk++) {
    const size_t first = (size_t)chunk * PRODUCT_WIDTH;
    const size_t width = (size_t)chunk_width(&k->step, chunk);
    float factors[PRODUCT_WIDTH];
    const float *kernel = params[0] + first;
    product_half_units(kernel, out, in, width, 0, factors, k->units + first);
    product_half_pack(kernel, out, factors, in, width, (char *)k->u + 2 * first * in);
  }
  if (params[1]) memcpy(k->bias, params[1], out * sizeof *k->bias);
}

/* All images and all columns: what is ready lies behind the chunks' products. */
static void forward_half(const net_kernel *k, const net_call *call) {
  const net_step *step = &k->step;
  const size_t batch = (size_t)call->count, in = (size_t)step->in.c, out = (size_t)step->out.c;
  char *scratch = (char *)call->scratch + chunk_bytes(step) * (size_t)chunks(step);
  const void **from = (void *)scratch;
  void **to = (void **)scratch + batch, *ready = scratch + pointer_bytes(step);
  for (size_t n = 0; n < batch; n++) {
    from[n] = (const char *)call->x[0] + n * in * element_bytes(k->type);
    to[n] = call->y + n * out;
  }
  product_half_ready(from, batch, 1, in, k->type, ready);
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (int chunk = 0; chunk < chunks(step); chunk++) {
    const size_t first = (size_t)chunk * PRODUCT_WIDTH;
    const product_finish finish = {.to = to,
                                   .type = ELEMENT_F32,
                                   .first = first,
                                   .scale = k->units + first,
                                   .bias = k->bias + first,
                                   .relu = step->relu};
    void *m = (char *)call->scratch + chunk_bytes(step) * (size_t)chunk;
    product_half_finished(ready, (const char *)k->u + 2 * first * in, m, &finish, batch, in,
                          chunk_width(step, chunk));
  }
}
#endif

#ifdef VECTOR_WORDS
static void bind_words(net_kernel *k, const float *const params[NET_MAX_PARAMS]) {
  const size_t in = (size_t)k->step.in.c, out = (size_t)k->step.out.c;
#pragma omp parallel for num_threads(k->step.threads) schedule(static)
  for (int chunk = 0; chunk < chunks(&k->step); chunk++) {
    const size_t first = (size_t)chunk * PRODUCT_WIDTH;
    product_words_pack(params[0] + first, out, 1, in, (size_t)chunk_width(&k->step, chunk),
                       (char *)k->u + 2 * first * in, k->units + first);
  }
  if (params[1]) memcpy(k->bias, params[1], out * sizeof *k->bias);
}

static void forward_words(const net_kernel *k, const net_call *call) {
  const net_step *step = &k->step;
  const size_t batch = (size_t)call->count, in = (size_t)step->in.c, out = (size_t)step->out.c;
  char *rows = (char *)call->scratch + chunk_bytes(step) * (size_t)chunks(step);
  float *units = (void *)(rows + (size_t)step->batch * in * sizeof(uint16_t));
#pragma omp parallel num_threads(step->threads)
  {
#pragma omp for schedule(static)
    for (size_t n = 0; n < batch; n++) {
      const void *from = call->x[0] + n * in;
      product_words_ready(&from, 1, 1, in, rows + n * in * sizeof(uint16_t), units + n);
    }
#pragma omp for schedule(static)
    for (int chunk = 0; chunk < chunks(step); chunk++) {
      const size_t first = (size_t)chunk * PRODUCT_WIDTH;
      const size_t width = (size_t)chunk_width(step, chunk);
      float *m = (void *)((char *)call->scratch + chunk_bytes(step) * (size_t)chunk);
      product_words_rows(rows, in, (const char *)k->u + 2 * first * in, k->units + first, m, batch,
                         in, (int)width);
      for (size_t n = 0; n < batch; n++)
        for (size_t o = 0; o < width; o++) {
          const float value = m[n * width + o] * units[n] + k->bias[first + o];
          call->y[n * out + first + o] = step->relu && value < 0 ? 0 : value;
        }
    }
  }
}
#endif

static void pack(const float *row, size_t used, size_t width, float *to) {
  memcpy(to, row, used * sizeof *to);
  memset(to + used, 0, (width - used) * sizeof *to);
}

/* Every second place. */
static void pack_bf16(const float *row, size_t used, size_t width, uint16_t *to) {
  for (size_t o = 0; o < width; o++) to[2 * o] = o < used ? net_to_bf16(row[o]) : 0;
}

static leuko_status dense_bind(net_kernel *k, const float *const params[NET_MAX_PARAMS],
                               leuko_error *error) {
  (void)error;
#ifdef VECTOR_HALF
  if (k->half) {
    bind_half(k, params);
    return LEUKO_OK;
  }
#endif
#ifdef VECTOR_WORDS
  if (k->words) {
    bind_words(k, params);
    return LEUKO_OK;
  }
#endif
  const size_t in = (size_t)k->step.in.c, out = (size_t)k->step.out.c;
#pragma omp parallel for num_threads(k->step.threads) schedule(static)
  for (int chunk = 0; chunk < chunks(&k->step); chunk++) {
    const size_t first = (size_t)chunk * PRODUCT_WIDTH;
    const size_t width = (size_t)chunk_width(&k->step, chunk);
    const size_t used = out - first < width ? out - first : width;
    for (size_t i = 0; i < in; i++) {
      const float *row = params[0] + i * out + first;
      if (k->type == ELEMENT_BF16)
        pack_bf16(row, used, width, (uint16_t *)k->u + first * in + i / 2 * 2 * width + i % 2);
      else pack(row, used, width, (float *)k->u + first * in + i * width);
    }
  }
  return LEUKO_OK;
}

/* The columns of one chunk for all images. */
static void multiply_chunk(const net_kernel *k, const net_call *call, int chunk) {
  const net_step *step = &k->step;
  const size_t batch = (size_t)call->count, in = (size_t)step->in.c, out = (size_t)step->out.c;
  const size_t first = (size_t)chunk * PRODUCT_WIDTH, width = (size_t)chunk_width(step, chunk);
  const size_t bytes = element_bytes(k->type);
  const char *input = (const char *)call->x[0];
  float *part = (void *)((char *)call->scratch + chunk_bytes(step) * (size_t)chunk);
  float *sum = part + batch * PRODUCT_WIDTH;
  for (size_t n = 0; n < batch; n++)
    for (size_t o = 0; o < width; o++)
      sum[n * width + o] = call->params[1] && first + o < out ? call->params[1][first + o] : 0;
  for (size_t d = 0; d < in; d += DEPTH) {
    size_t depth = in - d < DEPTH ? in - d : DEPTH;
    product_rows(input + d * bytes, in, (const char *)k->u + (first * in + d * width) * bytes, part,
                 batch, depth, (int)width, k->type == ELEMENT_BF16);
    for (size_t i = 0; i < batch * width; i++) sum[i] += part[i];
  }
  for (size_t n = 0; n < batch; n++)
    for (size_t o = 0; o < width && first + o < out; o++) {
      float value = sum[n * width + o];
      call->y[n * out + first + o] = step->relu && value < 0 ? 0 : value;
    }
}

static leuko_status dense_forward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)error;
#ifdef VECTOR_HALF
  if (k->half) {
    forward_half(k, call);
    return LEUKO_OK;
  }
#endif
#ifdef VECTOR_WORDS
  if (k->words) {
    forward_words(k, call);
    return LEUKO_OK;
  }
#endif
#pragma omp parallel for num_threads(k->step.threads) schedule(static)
  for (int chunk = 0; chunk < chunks(&k->step); chunk++) multiply_chunk(k, call, chunk);
  return LEUKO_OK;
}

static leuko_status dense_backward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)call;
  return error_set(error, LEUKO_ARGUMENT, k->step.node->name, NULL, "an inference step only");
}

static const char *dense_implementation(const net_kernel *k) {
  if (k->half) return "dense:" LEVEL_NAME "_fp16";
  if (k->words) return "dense:" LEVEL_NAME "_int16";
  return k->type == ELEMENT_BF16 ? "dense:" LEVEL_NAME "_bf16" : "dense:" LEVEL_NAME;
}

extern const net_backend LEVEL(net_backend_dense); /* net/levels.c */
const net_backend LEVEL(net_backend_dense) = {
    .name = "dense",
    .choose = dense_choose,
    .prepare = dense_prepare,
    .bind = dense_bind,
    .forward = dense_forward,
    .backward = dense_backward,
    .implementation = dense_implementation,
    .release = dense_release,
};
