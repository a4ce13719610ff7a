#include <omp.h>
#include <string.h>

#include "net/layout.h"
#include "net/learn/learn.h"
#include "net/outer.h"
#include "net/product.h"

/* The kernel is so large that reading it takes the time, so each of the three products reads or
 * writes the float32 one once and rounds it block by block on the way. Blocks are 64 outputs
 * (forward) or 64 inputs (to the data) wide. */
#define DEPTH 512 /* inputs of a block */
#define WIDTH ((size_t)PRODUCT_WIDTH)

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Images, up to whole pairs and to whole vectors. */
static size_t pairs(const net_step *step) {
  return ((size_t)step->batch + 1) / 2;
}

static size_t padded(const net_step *step) {
  return ((size_t)step->batch + 15) / 16 * 16;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Forward: a thread's block of the kernel, its products and sums. */
static size_t forward_bytes(const net_step *step) {
  return WIDTH * DEPTH * 2 + 2 * (size_t)step->batch * WIDTH * sizeof(float);
}

/* Backward: the input and the gradient of the output as pairs of images, the latter as pairs of
 * outputs, too; then each thread's block of rows and products. */
static size_t shared_bytes(const net_step *step) {
  return pairs(step) * (size_t)(step->in.c + step->out.c) * 4 +
         (size_t)step->out.c * padded(step) * 2;
}

static size_t backward_bytes(const net_step *step) {
  return WIDTH * (size_t)step->out.c * 2 + WIDTH * padded(step) * sizeof(float);
}

size_t learn_dense_scratch(const net_step *step) {
  const size_t threads = (size_t)step->threads;
  return larger(threads * forward_bytes(step), shared_bytes(step) + threads * backward_bytes(step));
}

/* `depth` rows of 64 values, `stride` apart, as pairs of rows. */
VECTOR static void round_pairs(const float *from, size_t stride, size_t depth, char *to) {
  for (size_t d = 0; d < depth; d += 2)
    for (size_t o = 0; o < WIDTH; o += 16, to += 64)
      _mm512_storeu_si512(to, learn_pairs(_mm512_loadu_ps(from + d * stride + o),
                                          _mm512_loadu_ps(from + (d + 1) * stride + o)));
}

/* 64 outputs of all images: sums over DEPTH inputs in registers are added to the rest. */
static void forward_chunk(const net_step *step, const net_call *call, size_t chunk, char *own) {
  const size_t batch = (size_t)step->batch, in = (size_t)step->in.c, out = (size_t)step->out.c;
  const uint16_t *x = (const void *)call->x[0];
  void *products = own + WIDTH * DEPTH * 2;
  float *part = products, *sum = part + batch * WIDTH;
  for (size_t n = 0; n < batch; n++)
    for (size_t o = 0; o < WIDTH; o++)
      sum[n * WIDTH + o] = call->params[1] ? call->params[1][chunk + o] : 0;
  for (size_t d = 0; d < in; d += DEPTH) {
    const size_t depth = least(in - d, DEPTH);
    round_pairs(call->params[0] + d * out + chunk, out, depth, own);
    product_rows(x + d, in, own, part, batch, depth, PRODUCT_WIDTH, true);
    for (size_t i = 0; i < batch * WIDTH; i++) sum[i] += part[i];
  }
  for (size_t n = 0; n < batch; n++)
    for (size_t o = 0; o < WIDTH; o++) {
      const float value = sum[n * WIDTH + o];
      call->y[n * out + chunk + o] = step->relu && value < 0 ? 0 : value;
    }
}

void learn_dense_forward(const net_step *step, const net_call *call) {
  const size_t own = forward_bytes(step);
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t chunk = 0; chunk < (size_t)step->out.c; chunk += WIDTH)
    forward_chunk(step, call, chunk, (char *)call->scratch + (size_t)omp_get_thread_num() * own);
}

/* What the threads share on the way back. */
typedef struct {
  uint16_t *x;       /* [pairs][in][2 images] */
  uint16_t *dy;      /* [pairs][out][2 images] */
  uint16_t *outputs; /* [padded batch / 64][out / 2][64 or the rest][2 outputs] */
  char *threads;
} operands;

static operands prepare(const net_step *step, const net_call *call) {
  const size_t batch = (size_t)step->batch, in = (size_t)step->in.c, out = (size_t)step->out.c;
  operands o = {.x = call->scratch};
  o.dy = o.x + pairs(step) * in * 2;
  o.outputs = o.dy + pairs(step) * out * 2;
  o.threads = (char *)(o.outputs + out * padded(step));
  const uint16_t *x = (const void *)call->x[0];
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t p = 0; p < pairs(step); p++)
    for (size_t k = 0; k < 2; k++) {
      const size_t n = 2 * p + k;
      for (size_t i = 0; i < in; i++) o.x[(p * in + i) * 2 + k] = n < batch ? x[n * in + i] : 0;
      for (size_t i = 0; i < out; i++)
        o.dy[(p * out + i) * 2 + k] = n < batch ? net_to_bf16(call->dy[n * out + i]) : 0;
    }
  memset(o.outputs, 0, out * padded(step) * sizeof *o.outputs);
  for (size_t n = 0; n < batch; n++) {
    const size_t block = n / WIDTH * WIDTH, width = least(padded(step) - block, WIDTH);
    uint16_t *to = o.outputs + block * out + (n - block) * 2;
    for (size_t i = 0; i < out; i++)
      to[i / 2 * width * 2 + i % 2] = net_to_bf16(call->dy[n * out + i]);
  }
  return o;
}

/* Rows of the kernel to bfloat16 as they lie. */
VECTOR static void round_rows(const float *from, size_t count, char *to) {
  for (size_t i = 0; i < count; i += ELEMENT_STEP)
    element_store(to + 2 * i, (v16[]){v16_load(from + i), v16_load(from + i + 16)}, true);
}

/* The gradient of 64 inputs: rows of the kernel times the gradient of the outputs. */
static void input_gradient(const net_step *step, const net_call *call, const operands *o,
                           size_t first, char *own) {
  const size_t batch = (size_t)step->batch, in = (size_t)step->in.c, out = (size_t)step->out.c;
  void *products = own + WIDTH * out * 2;
  float *m = products;
  uint16_t *dx = (void *)call->dx[0];
  round_rows(call->params[0] + first * out, WIDTH * out, own);
  for (size_t n = 0; n < padded(step); n += WIDTH) {
    const size_t width = least(padded(step) - n, WIDTH);
    product_rows(own, out, o->outputs + n * out, m, WIDTH, out, (int)width, true);
    for (size_t k = n; k < n + width && k < batch; k++)
      for (size_t i = 0; i < WIDTH; i++) dx[k * in + first + i] = net_to_bf16(m[i * width + k - n]);
  }
}

/* And of their rows of the kernel. */
static void kernel_gradient(const net_step *step, const net_call *call, const operands *o,
                            size_t first) {
  const size_t in = (size_t)step->in.c, out = (size_t)step->out.c;
  for (size_t f = 0; f < out; f += WIDTH)
    outer_pairs(o->x + 2 * first, in, o->dy + 2 * f, out, call->grads[0] + first * out + f, out,
                pairs(step), WIDTH, PRODUCT_WIDTH, false);
}

void learn_dense_backward(const net_step *step, const net_call *call) {
  learn_dense_gradient(step, call);
  const operands o = prepare(step, call);
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t first = 0; first < (size_t)step->in.c; first += WIDTH) {
    if (call->dx[0])
      input_gradient(step, call, &o, first,
                     o.threads + (size_t)omp_get_thread_num() * backward_bytes(step));
    if (call->grads[0]) kernel_gradient(step, call, &o, first);
  }
}
