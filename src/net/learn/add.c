#include "net/learn/learn.h"

/* What memory gives sets the pace here: each value is read and written once, with the relu. */

static size_t values(const net_step *step) {
  return (size_t)step->batch * net_shape_size(step->out);
}

VECTOR static void add(const net_step *step, const net_call *call, size_t first, size_t count) {
  const float *a = call->x[0] + first, *b = call->x[1] + first;
  float *y = call->y + first;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const v16 sum = v16_add(v16_load(a + i), v16_load(b + i));
    v16_store(y + i, step->relu ? v16_relu(sum) : sum);
  }
  for (; i < count; i++) {
    const float sum = a[i] + b[i];
    y[i] = step->relu && sum < 0 ? 0 : sum;
  }
}

/* The gradient of both inputs, each of which may be dy itself. */
VECTOR_INLINE v16 passed16(const float *dy, const float *y) {
  return v16_select(v16_over(v16_load(y), v16_zero()), v16_load(dy), v16_zero());
}

VECTOR static void pass(const net_step *step, const net_call *call, size_t first, size_t count) {
  const float *dy = call->dy + first, *y = step->relu ? call->y + first : NULL;
  float *const dx[2] = {call->dx[0] ? call->dx[0] + first : NULL,
                        call->dx[1] ? call->dx[1] + first : NULL};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const v16 passed = y ? passed16(dy + i, y + i) : v16_load(dy + i);
    for (int k = 0; k < 2; k++)
      if (dx[k]) v16_store(dx[k] + i, passed);
  }
  for (; i < count; i++) {
    const float passed = !y || y[i] > 0 ? dy[i] : 0;
    for (int k = 0; k < 2; k++)
      if (dx[k]) dx[k][i] = passed;
  }
}

#ifdef VECTOR_NARROW
/* The same of 32 values of bfloat16 at a time. */
VECTOR static void add_narrow(const net_step *step, const net_call *call, size_t first,
                              size_t count) {
  const uint16_t *a = (const void *)call->x[0], *b = (const void *)call->x[1];
  uint16_t *y = (void *)call->y;
  for (size_t i = first; i < first + count; i += 32) {
    v16 sum[2];
    for (int part = 0; part < 2; part++) {
      sum[part] = v16_add(element_load16(a + i + 16 * part, ELEMENT_BF16),
                          element_load16(b + i + 16 * part, ELEMENT_BF16));
      if (step->relu) sum[part] = v16_relu(sum[part]);
    }
    element_store(y + i, sum, ELEMENT_BF16);
  }
}

VECTOR static void pass_narrow(const net_step *step, const net_call *call, size_t first,
                               size_t count) {
  const learn_kind kind = step->relu ? LEARN_RELU : LEARN_PLAIN;
  for (size_t i = first; i < first + count; i += 32) {
    const learn_pixel at = {.value = (const char *)call->dy + 2 * i,
                            .other = (const char *)call->y + 2 * i};
    const __m512i passed = kind == LEARN_RELU ? learn_load_narrow(&at, 0, LEARN_RELU)
                                              : learn_load_narrow(&at, 0, LEARN_PLAIN);
    for (int k = 0; k < 2; k++)
      if (call->dx[k]) _mm512_storeu_si512((char *)call->dx[k] + 2 * i, passed);
  }
}
#endif

/* Calls `each` for the values of every thread. */
static void share_out(const net_step *step, const net_call *call,
                      void (*each)(const net_step *, const net_call *, size_t, size_t)) {
  const size_t all = values(step), threads = (size_t)step->threads;
  const size_t share = (all / threads + 31) / 32 * 32;
#pragma omp parallel for num_threads(step->threads) schedule(static, 1)
  for (size_t t = 0; t < threads; t++) {
    const size_t first = t * share < all ? t * share : all;
    const size_t count = t + 1 == threads || all - first < share ? all - first : share;
    each(step, call, first, count);
  }
}

#ifdef VECTOR_NARROW
static bool is_narrow(const net_step *step) {
  return step->out_layout == NET_NHWC_BF16;
}
#endif

void learn_add_forward(const net_step *step, const net_call *call) {
#ifdef VECTOR_NARROW
  if (is_narrow(step)) {
    share_out(step, call, add_narrow);
    return;
  }
#endif
  share_out(step, call, add);
}

void learn_add_backward(const net_step *step, const net_call *call) {
#ifdef VECTOR_NARROW
  if (is_narrow(step)) {
    share_out(step, call, pass_narrow);
    return;
  }
#endif
  share_out(step, call, pass);
}
