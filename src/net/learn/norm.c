#include <math.h>
#include <omp.h>
#include <string.h>

#include "net/layout.h"
#include "net/learn/learn.h"

#ifdef VECTOR_NARROW

/* Of a channel with mean m, inverse deviation i and R rows:
 *
 *   y = (x - m) i gamma + beta
 *   dbeta = sum of dy,  dgamma = i sum of dy (x - m)
 *   dx = i gamma (dy - dbeta / R - (x - m) i dgamma / R)
 *
 * Memory sets the pace: x is read twice forward, x and dy twice on the way back, where the relu is
 * found again from x. Sums of squares are those of what x differs by from its first row, so that a
 * large mean costs no digits. */
#define BLOCK 64 /* rows that are summed in float32 before they join a sum in double */

static size_t channels_of(const net_step *step) {
  return (size_t)step->in.c;
}

static size_t rows_of(const net_step *step) {
  return (size_t)step->batch * (size_t)step->in.h * (size_t)step->in.w;
}

/* [c] of each. */
typedef struct {
  float *pivot;               /* what x is taken less before it is summed */
  float *scale, *offset;      /* y = x scale + offset */
  float *by_dy, *by_x, *rest; /* dx = dy by_dy + x by_x + rest */
} factors;
#define FACTORS 6

/* Of a thread: the sums of some rows, and of all of its. */
typedef struct {
  float *block[2];
  double *all[2];
} sums;

size_t learn_norm_workspace(const net_step *step) {
  return 2 * channels_of(step) * sizeof(float); /* mean, inverse deviation */
}

static size_t thread_bytes(const net_step *step) {
  return 2 * channels_of(step) * (sizeof(float) + sizeof(double));
}

size_t learn_norm_scratch(const net_step *step) {
  return FACTORS * channels_of(step) * sizeof(float) + (size_t)step->threads * thread_bytes(step);
}

static factors factors_in(const net_step *step, const net_call *call) {
  const size_t c = channels_of(step);
  float *at = call->scratch;
  return (factors){at, at + c, at + 2 * c, at + 3 * c, at + 4 * c, at + 5 * c};
}

/* Channels are a multiple of 32: all of it lies at cache lines. */
static sums sums_of(const net_step *step, const net_call *call, size_t thread) {
  const size_t c = channels_of(step);
  char *own = (char *)call->scratch + FACTORS * c * sizeof(float) + thread * thread_bytes(step);
  double *all = (void *)own;
  float *block = (void *)(own + 2 * c * sizeof(double));
  return (sums){{block, block + c}, {all, all + c}};
}

/* Adds a row to the sums of x - pivot and its square. */
VECTOR static void add_row(const factors *f, const uint16_t *x, size_t channels, const sums *to) {
  for (size_t c = 0; c < channels; c += 16) {
    const v16 off = v16_sub(element_load16(x + c, ELEMENT_BF16), v16_load(f->pivot + c));
    v16_store(to->block[0] + c, v16_add(v16_load(to->block[0] + c), off));
    v16_store(to->block[1] + c, v16_fma(off, off, v16_load(to->block[1] + c)));
  }
}

/* dy where the relu let it through. */
VECTOR_INLINE v16 gradient16(const factors *f, v16 x, const uint16_t *dy, size_t c, bool relu) {
  const v16 value = element_load16(dy + c, ELEMENT_BF16);
  if (!relu) return value;
  const v16 y = v16_fma(x, v16_load(f->scale + c), v16_load(f->offset + c));
  return v16_select(v16_over(y, v16_zero()), value, v16_zero());
}

/* Adds a row to the sums of dy and of dy (x - pivot). */
VECTOR_INLINE void add_gradient(const factors *f, const uint16_t *x, const uint16_t *dy,
                                size_t channels, const sums *to, bool relu) {
  for (size_t c = 0; c < channels; c += 16) {
    const v16 value = element_load16(x + c, ELEMENT_BF16);
    const v16 passed = gradient16(f, value, dy, c, relu);
    const v16 off = v16_sub(value, v16_load(f->pivot + c));
    v16_store(to->block[0] + c, v16_add(v16_load(to->block[0] + c), passed));
    v16_store(to->block[1] + c, v16_fma(passed, off, v16_load(to->block[1] + c)));
  }
}

VECTOR static void add_rows(const net_step *step, const net_call *call, const factors *f,
                            size_t first, size_t count, bool back, const sums *to) {
  const size_t channels = channels_of(step);
  for (size_t r = first; r < first + count; r++) {
    const uint16_t *x = (const uint16_t *)(const void *)call->x[0] + r * channels;
    const uint16_t *dy = back ? (const uint16_t *)(const void *)call->dy + r * channels : NULL;
    if (!back) add_row(f, x, channels, to);
    else if (step->relu) add_gradient(f, x, dy, channels, to, true);
    else add_gradient(f, x, dy, channels, to, false);
  }
}

/* The sums of all rows, in those of thread 0. */
static void sum_up(const net_step *step, const net_call *call, const factors *f, bool back) {
  const size_t channels = channels_of(step), rows = rows_of(step), threads = (size_t)step->threads;
#pragma omp parallel for num_threads(step->threads) schedule(static, 1)
  for (size_t t = 0; t < threads; t++) {
    const sums own = sums_of(step, call, t);
    const size_t end = rows * (t + 1) / threads;
    memset(own.all[0], 0, 2 * channels * sizeof(double));
    for (size_t r = rows * t / threads; r < end; r += BLOCK) {
      memset(own.block[0], 0, 2 * channels * sizeof(float));
      add_rows(step, call, f, r, end - r < BLOCK ? end - r : BLOCK, back, &own);
      for (size_t c = 0; c < 2 * channels; c++) own.all[0][c] += (double)own.block[0][c];
    }
  }
  const sums all = sums_of(step, call, 0);
  for (size_t t = 1; t < threads; t++) {
    const sums more = sums_of(step, call, t);
    for (size_t c = 0; c < 2 * channels; c++) all.all[0][c] += more.all[0][c];
  }
}

/* y from x. */
static void set_factors(const net_step *step, const net_call *call, const factors *f) {
  const float *mean = call->workspace, *inverse = mean + channels_of(step);
  for (size_t c = 0; c < channels_of(step); c++) {
    f->scale[c] = call->params[0][c] * inverse[c];
    f->offset[c] = call->params[1][c] - mean[c] * f->scale[c];
  }
}

VECTOR static void normalize_row(const factors *f, const uint16_t *x, size_t channels, bool relu,
                                 uint16_t *y) {
  const v16 least = v16_all(relu ? 0 : -INFINITY);
  for (size_t c = 0; c < channels; c += 32) {
    v16 value[2];
    for (size_t part = 0; part < 2; part++) {
      const size_t at = c + 16 * part;
      value[part] = v16_fma(element_load16(x + at, ELEMENT_BF16), v16_load(f->scale + at),
                            v16_load(f->offset + at));
      value[part] = v16_max(least, value[part]);
    }
    element_store(y + c, value, ELEMENT_BF16);
  }
}

void learn_norm_forward(const net_step *step, const net_call *call) {
  const net_attributes *a = &step->node->attributes;
  const size_t channels = channels_of(step), rows = rows_of(step);
  const factors f = factors_in(step, call);
  const uint16_t *x = (const void *)call->x[0];
  uint16_t *y = (void *)call->y;
  const double keep = (double)a->momentum;
  for (size_t c = 0; c < channels; c++) f.pivot[c] = net_widened(x[c], NET_NHWC_BF16);
  sum_up(step, call, &f, false);
  const sums all = sums_of(step, call, 0);
  float *mean = call->workspace, *inverse = mean + channels;
  for (size_t c = 0; c < channels; c++) {
    const double off = all.all[0][c] / (double)rows;
    const double variance = fmax(all.all[1][c] / (double)rows - off * off, 0);
    const double middle = (double)f.pivot[c] + off;
    mean[c] = (float)middle;
    inverse[c] = (float)(1 / sqrt(variance + (double)a->epsilon));
    call->running[0][c] = (float)(keep * (double)call->running[0][c] + (1 - keep) * middle);
    call->running[1][c] = (float)(keep * (double)call->running[1][c] + (1 - keep) * variance);
  }
  set_factors(step, call, &f);
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t r = 0; r < rows; r++)
    normalize_row(&f, x + r * channels, channels, step->relu, y + r * channels);
}

VECTOR_INLINE void gradient_row(const factors *f, const uint16_t *x, const uint16_t *dy,
                                size_t channels, uint16_t *dx, bool relu) {
  for (size_t c = 0; c < channels; c += 32) {
    v16 out[2];
    for (size_t part = 0; part < 2; part++) {
      const size_t at = c + 16 * part;
      const v16 value = element_load16(x + at, ELEMENT_BF16);
      const v16 through = v16_fma(value, v16_load(f->by_x + at), v16_load(f->rest + at));
      out[part] = v16_fma(gradient16(f, value, dy, at, relu), v16_load(f->by_dy + at), through);
    }
    element_store(dx + c, out, ELEMENT_BF16);
  }
}

VECTOR static void give_gradient(const net_step *step, const net_call *call, const factors *f,
                                 size_t row) {
  const size_t channels = channels_of(step), at = row * channels;
  const uint16_t *x = (const uint16_t *)(const void *)call->x[0] + at;
  const uint16_t *dy = (const uint16_t *)(const void *)call->dy + at;
  uint16_t *dx = (uint16_t *)(void *)call->dx[0] + at;
  if (step->relu) gradient_row(f, x, dy, channels, dx, true);
  else gradient_row(f, x, dy, channels, dx, false);
}

void learn_norm_backward(const net_step *step, const net_call *call) {
  const size_t channels = channels_of(step), rows = rows_of(step);
  const factors f = factors_in(step, call);
  const float *mean = call->workspace, *inverse = mean + channels;
  set_factors(step, call, &f);
  memcpy(f.pivot, mean, channels * sizeof *mean);
  sum_up(step, call, &f, true);
  const sums all = sums_of(step, call, 0);
  for (size_t c = 0; c < channels; c++) {
    const double i = (double)inverse[c], scale = (double)f.scale[c];
    const double dbeta = all.all[0][c], dgamma = all.all[1][c] * i;
    f.by_dy[c] = f.scale[c];
    f.by_x[c] = (float)(-scale * i * dgamma / (double)rows);
    f.rest[c] = (float)(scale * ((double)mean[c] * i * dgamma - dbeta) / (double)rows);
    if (call->grads[0]) call->grads[0][c] = (float)dgamma;
    if (call->grads[1]) call->grads[1][c] = (float)dbeta;
  }
  if (!call->dx[0]) return;
#pragma omp parallel for num_threads(step->threads) schedule(static)
  for (size_t r = 0; r < rows; r++) give_gradient(step, call, &f, r);
}

#endif
