#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/cpu.h"
#include "net/outer.h"
#include "net/product.h"
#include "net/ref/ref.h"
#include "net/step.h"
#include "net/winograd/winograd.h"

/* Bytes of transformed input that a thread works on at once: with its products they stay in L2. */
#define BLOCK_BYTES ((size_t)448 << 10)
#define LINE 16 /* floats of a cache line; keeps the 36 positions off each other's cache sets */

struct net_kernel {
  net_step step;
  winograd_shape forward, to_data;
  float *u, *u_data;                        /* transformed kernels */
  size_t block, data_block, gradient_block; /* tiles of a thread's turn */
};

static bool winograd_choose(net_step *step) {
  if (step->op != NET_CONV2D || !step->winograd || step->add || step->pool) return false;
  if (net_cpu() < NET_CPU_AVX512) return false;
  const net_attributes *a = &step->node->attributes;
  if (a->kernel != 3 || a->stride != 1 || step->in.c % 16 || step->out.c % 16) return false;
  step->in_layout = step->out_layout = NET_NCHW16C;
  return true;
}

static winograd_shape shape_of(int batch, net_shape in, net_shape out, int pad) {
  return (winograd_shape){.batch = batch,
                          .channels = in.c,
                          .filters = out.c,
                          .in_h = in.h,
                          .in_w = in.w,
                          .out_h = out.h,
                          .out_w = out.w,
                          .pad = pad,
                          .tiles_y = (out.h + 3) / 4,
                          .tiles_x = (out.w + 3) / 4};
}

/* Tiles of a turn when a tile takes `floats` at each position: whole groups of rows, and no more
 * than leaves a share for every thread. */
static size_t block_size(const winograd_shape *s, size_t floats, int threads) {
  size_t most = BLOCK_BYTES / (WINOGRAD_POSITIONS * floats * sizeof(float));
  size_t share = (winograd_tiles(s) + (size_t)threads - 1) / (size_t)threads;
  size_t block = (most < share ? most : share) / PRODUCT_ROWS * PRODUCT_ROWS;
  return block > 0 ? block : PRODUCT_ROWS;
}

static size_t position_stride(size_t block, size_t floats) {
  return block * floats + LINE;
}

static int chunk_width(const winograd_shape *s) {
  return s->filters < PRODUCT_WIDTH ? s->filters : PRODUCT_WIDTH;
}

/* Floats that a thread needs for multiplying: transformed input and one chunk's products. */
static size_t product_floats(const winograd_shape *s, size_t block) {
  return WINOGRAD_POSITIONS * (position_stride(block, (size_t)s->channels) +
                               position_stride(block, (size_t)chunk_width(s)));
}

static size_t kernel_floats(const winograd_shape *s) {
  return WINOGRAD_POSITIONS * (size_t)s->channels * (size_t)s->filters;
}

/* And for the kernel's gradient: both transformed sides and the sums. */
static size_t gradient_floats(const winograd_shape *s, size_t block) {
  return WINOGRAD_POSITIONS * (position_stride(block, (size_t)s->channels) +
                               position_stride(block, (size_t)s->filters)) +
         kernel_floats(s);
}

static void winograd_release(net_kernel *k) {
  if (!k) return;
  free(k->u);
  free(k->u_data);
  free(k);
}

static float *allocate(size_t floats) {
  return aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64);
}

static leuko_status winograd_prepare(const net_step *step, net_kernel **out, size_t *workspace,
                                     size_t *scratch, leuko_error *error) {
  net_kernel *k = calloc(1, sizeof *k);
  *out = NULL;
  if (!k) return error_set_memory(error, sizeof *k);
  k->step = *step;
  const int pad = step->node->attributes.pad, threads = step->threads;
  net_shape plain = {step->in.h + 2 * pad - 2, step->in.w + 2 * pad - 2, step->out.c};
  k->forward = shape_of(step->batch, step->in, plain, pad);
  k->forward.relu = step->relu;
  k->block = block_size(&k->forward, (size_t)step->in.c, threads);
  size_t floats = product_floats(&k->forward, k->block);
  k->u = allocate(kernel_floats(&k->forward));
  bool failed = !k->u;
  if (step->training) {
    k->gradient_block = block_size(&k->forward, (size_t)(step->in.c + step->out.c), threads);
    size_t more = gradient_floats(&k->forward, k->gradient_block);
    if (more > floats) floats = more;
  }
  if (step->training && step->need_dx) {
    k->to_data = shape_of(step->batch, plain, step->in, 2 - pad);
    k->data_block = block_size(&k->to_data, (size_t)step->out.c, threads);
    size_t more = product_floats(&k->to_data, k->data_block);
    if (more > floats) floats = more;
    k->u_data = allocate(kernel_floats(&k->to_data));
    failed = failed || !k->u_data;
  }
  if (failed) {
    size_t bytes = 2 * kernel_floats(&k->forward) * sizeof(float);
    winograd_release(k);
    return error_set_memory(error, bytes);
  }
  *workspace = 0;
  *scratch = (size_t)threads * floats * sizeof(float);
  *out = k;
  return LEUKO_OK;
}

static leuko_status winograd_bind(net_kernel *k, const float *const params[NET_MAX_PARAMS],
                                  leuko_error *error) {
  (void)error;
  winograd_kernel(params[0], k->forward.channels, k->forward.filters, false, k->u, k->step.threads);
  if (k->u_data)
    winograd_kernel(params[0], k->to_data.channels, k->to_data.filters, true, k->u_data,
                    k->step.threads);
  return LEUKO_OK;
}

/* One turn: `count` tiles from `first` on, with all filters. */
static void multiply_block(const winograd_shape *s, const float *x, const float *u,
                           const float *bias, float *y, size_t block, size_t first, size_t count,
                           float *own) {
  const size_t depth = (size_t)s->channels, v_stride = position_stride(block, depth);
  const size_t m_stride = position_stride(block, (size_t)chunk_width(s));
  float *v = own, *m = own + WINOGRAD_POSITIONS * v_stride;
  winograd_input(s, x, first, count, v, v_stride);
  for (int chunk = 0; chunk < s->filters; chunk += PRODUCT_WIDTH) {
    int width = s->filters - chunk < PRODUCT_WIDTH ? s->filters - chunk : PRODUCT_WIDTH;
    const float *weights = u + WINOGRAD_POSITIONS * depth * (size_t)chunk;
    for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
      product_rows(v + p * v_stride, depth, weights + p * depth * (size_t)width, m + p * m_stride,
                   count, depth, width, false);
    winograd_output(s, m, m_stride, first, count, chunk, width, bias, y);
  }
}

static void multiply(const winograd_shape *s, const float *x, const float *u, const float *bias,
                     float *y, size_t block, float *scratch, int threads) {
  const size_t tiles = winograd_tiles(s), turns = (tiles + block - 1) / block;
  const size_t floats = product_floats(s, block);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (size_t turn = 0; turn < turns; turn++) {
    size_t first = turn * block, count = tiles - first < block ? tiles - first : block;
    multiply_block(s, x, u, bias, y, block, first, count,
                   scratch + (size_t)omp_get_thread_num() * floats);
  }
}

static leuko_status winograd_forward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)error;
  multiply(&k->forward, call->x[0], k->u, call->params[1], call->y, k->block, call->scratch,
           k->step.threads);
  return LEUKO_OK;
}

/* Each thread sums up its own share of the turns; the shares are added in their order. */
static void kernel_gradient(const net_kernel *k, const net_call *call) {
  const winograd_shape *s = &k->forward;
  const size_t block = k->gradient_block, tiles = winograd_tiles(s);
  const size_t channels = (size_t)s->channels, filters = (size_t)s->filters;
  const size_t v_stride = position_stride(block, channels);
  const size_t z_stride = position_stride(block, filters);
  const size_t floats = gradient_floats(s, block), turns = (tiles + block - 1) / block;
  float *scratch = call->scratch;
  const int threads = k->step.threads;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int part = 0; part < threads; part++) {
    float *du = scratch + (size_t)part * floats, *v = du + kernel_floats(s);
    float *z = v + WINOGRAD_POSITIONS * v_stride;
    memset(du, 0, kernel_floats(s) * sizeof *du);
    size_t end = turns * (size_t)(part + 1) / (size_t)threads;
    for (size_t turn = turns * (size_t)part / (size_t)threads; turn < end; turn++) {
      size_t first = turn * block, count = tiles - first < block ? tiles - first : block;
      winograd_input(s, call->x[0], first, count, v, v_stride);
      winograd_output_gradient(s, call->dy, first, count, z, z_stride);
      for (size_t p = 0; p < WINOGRAD_POSITIONS; p++)
        for (size_t f = 0; f < filters; f += PRODUCT_WIDTH)
          outer_rows(v + p * v_stride, channels, z + p * z_stride + f, filters,
                     du + p * channels * filters + f, filters, count, channels,
                     (int)(filters - f < PRODUCT_WIDTH ? filters - f : PRODUCT_WIDTH), true);
    }
  }
  winograd_kernel_gradient(scratch, threads, floats, s->channels, s->filters, call->grads[0],
                           threads);
}

/* Sums of dy [n][filters/16][pixels][16] over images and pixels: rows in float, their sums in
 * double. */
static void bias_gradient(const net_kernel *k, const net_call *call) {
  const winograd_shape *s = &k->forward;
  const int blocks = s->filters / 16;
  const size_t width = (size_t)s->out_w * 16, plane = (size_t)s->out_h * width;
#pragma omp parallel for num_threads(k->step.threads) schedule(static)
  for (int b = 0; b < blocks; b++) {
    double sums[16] = {0};
    for (int n = 0; n < s->batch; n++)
      for (int y = 0; y < s->out_h; y++) {
        const float *row =
            call->dy + ((size_t)n * (size_t)blocks + (size_t)b) * plane + (size_t)y * width;
        float part[16] = {0};
        for (size_t x = 0; x < width; x += 16)
          for (int c = 0; c < 16; c++) part[c] += row[x + (size_t)c];
        for (int c = 0; c < 16; c++) sums[c] += (double)part[c];
      }
    for (int c = 0; c < 16; c++) call->grads[1][b * 16 + c] = (float)sums[c];
  }
}

static leuko_status winograd_backward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)error;
  const net_step *step = &k->step;
  if (step->relu)
    ref_mask(call->dy, call->y, (size_t)step->batch * net_shape_size(step->out), step->threads);
  if (call->grads[1]) bias_gradient(k, call);
  if (call->grads[0]) kernel_gradient(k, call);
  if (call->dx[0] && k->u_data)
    multiply(&k->to_data, call->dy, k->u_data, NULL, call->dx[0], k->data_block, call->scratch,
             step->threads);
  return LEUKO_OK;
}

static const char *winograd_implementation(const net_kernel *k) {
  (void)k;
  return "winograd_4x4:avx512";
}

const net_backend net_backend_winograd = {
    .name = "winograd",
    .choose = winograd_choose,
    .prepare = winograd_prepare,
    .bind = winograd_bind,
    .forward = winograd_forward,
    .backward = winograd_backward,
    .implementation = winograd_implementation,
    .release = winograd_release,
};
