#include <omp.h>
#include <string.h>

#include "net/learn/learn.h"
#include "net/outer.h"

/* Behind a relu most features are zero, many of them in a whole batch: seven tenths of VGG16's in
 * one of 32. Neither their rows of the kernel nor the gradients of these are ever touched. */
#define GROUP 512    /* rows whose products are summed up by themselves, the same for any threads */
#define BLOCK 128    /* of these, so many stay in a core's cache */
#define GRADIENTS 48 /* rows whose gradients a thread computes at a time */
#define WIDTH ((size_t)PRODUCT_WIDTH)

/* Kept from forward to backward, followed by the rows' numbers and by the inputs that belong to
 * them, [batch][in], of which the first `count` of each image are used. */
typedef struct {
  size_t count;
} kept;

static uint32_t *numbers(kept *k) {
  return (uint32_t *)(k + 1);
}

static float *inputs(kept *k, const net_step *step) {
  void *behind = numbers(k) + step->in.c;
  return behind;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t sums_floats(const net_step *step) {
  return (size_t)step->batch * (size_t)step->out.c;
}

static size_t own_floats(const net_step *step) {
  return (BLOCK + (size_t)step->batch) * WIDTH;
}

size_t learn_rows_workspace(const net_step *step) {
  const size_t in = (size_t)step->in.c;
  return sizeof(kept) + in * sizeof(uint32_t) + (size_t)step->batch * in * sizeof(float);
}

/* The sums of each group, and each thread's block of the kernel and its products. */
size_t learn_rows_scratch(const net_step *step) {
  const size_t groups = ((size_t)step->in.c + GROUP - 1) / GROUP;
  return (groups * sums_floats(step) + (size_t)step->threads * own_floats(step)) * sizeof(float);
}

/* Inputs first .. first + count - 1 that are not zero in the whole batch; -0 is, NaN is not. */
static size_t list_range(const net_step *step, const float *x, size_t first, size_t count,
                         uint32_t *list) {
  uint8_t read[GROUP] = {0};
  for (size_t n = 0; n < (size_t)step->batch; n++) {
    const float *row = x + n * (size_t)step->in.c + first;
    for (size_t i = 0; i < count; i++) read[i] |= row[i] != 0;
  }
  size_t listed = 0;
  for (size_t i = 0; i < count; i++) {
    list[listed] = (uint32_t)(first + i);
    listed += read[i];
  }
  return listed;
}

/* Lists the rows and gathers their inputs. */
static void read_inputs(const net_step *step, const net_call *call, kept *k) {
  const size_t in = (size_t)step->in.c;
  uint32_t *rows = numbers(k);
  k->count = 0;
  for (size_t first = 0; first < in; first += GROUP)
    k->count += list_range(step, call->x[0], first, least(in - first, GROUP), rows + k->count);
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t n = 0; n < (size_t)step->batch; n++) {
    const float *from = call->x[0] + n * in;
    float *to = inputs(k, step) + n * in;
    for (size_t i = 0; i < k->count; i++) to[i] = from[rows[i]];
  }
}

/* sums [batch][out] += the inputs of rows first .. first + depth - 1 times these, `own` for what is
 * multiplied. */
static void add_block(const net_step *step, const net_call *call, kept *k, size_t first,
                      size_t depth, float *own, float *sums) {
  const size_t out = (size_t)step->out.c, batch = (size_t)step->batch;
  const uint32_t *rows = numbers(k) + first;
  float *products = own + BLOCK * WIDTH;
  for (size_t chunk = 0; chunk < out; chunk += WIDTH) {
    const size_t width = least(out - chunk, WIDTH);
    for (size_t i = 0; i < depth; i++)
      memcpy(own + i * width, call->params[0] + rows[i] * out + chunk, width * sizeof *own);
    product_rows(inputs(k, step) + first, (size_t)step->in.c, own, products, batch, depth,
                 (int)width, false);
    for (size_t n = 0; n < batch; n++)
      for (size_t o = 0; o < width; o++) sums[n * out + chunk + o] += products[n * width + o];
  }
}

void learn_rows_forward(const net_step *step, const net_call *call) {
  kept *k = call->workspace;
  read_inputs(step, call, k);
  step->row_watch.call(step->row_watch.context, step->node->params[0], numbers(k), k->count);
  const size_t out = (size_t)step->out.c, floats = sums_floats(step);
  const size_t groups = (k->count + GROUP - 1) / GROUP;
  float *sums = call->scratch;
  float *threads = sums + groups * floats;
#pragma omp parallel for num_threads(step->threads) schedule(dynamic)
  for (size_t g = 0; g < groups; g++) {
    float *own = threads + (size_t)omp_get_thread_num() * own_floats(step);
    const size_t end = least(k->count, (g + 1) * GROUP);
    memset(sums + g * floats, 0, floats * sizeof *sums);
    for (size_t first = g * GROUP; first < end; first += BLOCK)
      add_block(step, call, k, first, least(end - first, BLOCK), own, sums + g * floats);
  }
  for (size_t i = 0; i < floats; i++) {
    float value = call->params[1] ? call->params[1][i % out] : 0;
    for (size_t g = 0; g < groups; g++) value += sums[g * floats + i];
    call->y[i] = step->relu && value < 0 ? 0 : value;
  }
}

void learn_rows_backward(const net_step *step, const net_call *call) {
  kept *k = call->workspace;
  const size_t in = (size_t)step->in.c, out = (size_t)step->out.c;
  learn_dense_gradient(step, call);
  if (!call->grads[0]) return;
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t first = 0; first < k->count; first += GRADIENTS)
    for (size_t f = 0; f < out; f += WIDTH)
      outer_rows(inputs(k, step) + first, in, call->dy + f, out, call->grads[0] + first * out + f,
                 out, (size_t)step->batch, least(k->count - first, GRADIENTS),
                 (int)least(out - f, WIDTH), false);
}
