/* Convolutions of bytes against plain integers, to the bit: over random shapes, with bytes or wide
 * values (16 bits or float32) going out, and a branch in either added. */
#include "each_level.h"
#include "step_run.h"

#define MOST_CHANNELS 320

static bool no_bytes_here(void) {
  return !net_precision_supported(NET_INT8);
}

/* What is not in bytes. */
static net_layout wide(const net_step *s) {
  if (s->precision == NET_F32) return NET_NHWC;
  return net_cpu_words() ? NET_NHWC : net_cpu_half() ? NET_NHWC_F16 : NET_NHWC_BF16;
}

static int channels(rng *r) {
  static const int counts[] = {32, 64, 96, 128, 160, MOST_CHANNELS};
  return counts[rng_below(r, sizeof counts / sizeof *counts)];
}

/* [3][MOST_CHANNELS]: of what comes in, what goes out and what is added. */
static float *draw_scales(rng *r) {
  float *scales = malloc(3 * MOST_CHANNELS * sizeof *scales);
  assert_non_null(scales);
  for (size_t i = 0; i < 3 * MOST_CHANNELS; i++) scales[i] = 0.03f * (float)(1 + rng_uniform(r));
  return scales;
}

/* The matrix unit alone pools, where windows overlap. */
static bool may_pool(const net_step *s) {
  const net_attributes *a = &s->node->attributes;
  return net_cpu_matrix() && a->kernel > 1 && a->stride == 1 && s->out.h > 1 && s->out.w > 1;
}

/* A step from bytes; the branch that is added, if any, in bytes or wide. */
static net_step convolution(rng *r, net_graph *g, const float *scales) {
  const int kernel = between(r, 1, 3), c = channels(r);
  net_conv2d(g, "conv", net_input(g, kernel + between(r, 0, 9), between(r, kernel, 13), c),
             channels(r), kernel, between(r, 1, 2), between(r, 0, kernel / 2), coin(r));
  net_step step = step_of(g, between(r, 1, 5), false);
  step.precision = net_precision_supported(NET_BF16) && coin(r) ? NET_BF16 : NET_F32;
  step.threads = between(r, 1, 3);
  step.relu = coin(r);
  if (may_pool(&step) && coin(r)) {
    step.pool = true;
    step.out.h /= 2;
    step.out.w /= 2;
  } else {
    step.add = coin(r);
  }
  step.in_layout = NET_NHWC_U8;
  step.in_scales = scales;
  step.add_layout = coin(r) ? NET_NHWC_U8 : wide(&step);
  step.add_scales = scales + 2 * MOST_CHANNELS;
  step.out_scales = coin(r) ? scales + MOST_CHANNELS : NULL;
  return step;
}

typedef struct {
  uint8_t *x;  /* [batch][in] */
  void *other; /* [batch][out] bytes or wide */
  float *params[2];
  void *y;
} arrays;

static size_t out_count(const net_step *s) {
  return (size_t)s->batch * net_shape_size(s->out);
}

/* A value of an activation that is no bytes, and putting one there. */
static float wide_at(const net_step *s, const void *values, size_t at) {
  return wide(s) == NET_NHWC ? ((const float *)values)[at]
                             : net_widened(((const uint16_t *)values)[at], wide(s));
}

static void put_wide(const net_step *s, void *values, size_t at, float value) {
  if (wide(s) == NET_NHWC) ((float *)values)[at] = value;
  else ((uint16_t *)values)[at] = net_narrowed(value, wide(s));
}

/* Bytes as relu leaves them: many zeros, and either few or many large ones. */
static void draw_bytes(rng *r, uint8_t *x, size_t count) {
  const uint32_t rare = coin(r) ? 2 : 50;
  for (size_t i = 0; i < count; i++)
    x[i] = (uint8_t)(coin(r) ? 0 : rng_below(r, rng_below(r, rare) ? 128 : 256));
}

static arrays make_arrays(rng *r, const net_graph *g, const net_step *s) {
  const size_t in = (size_t)s->batch * net_shape_size(s->in), out = out_count(s);
  arrays a = {.x = malloc(in), .other = malloc(4 * out), .y = malloc(4 * out)};
  assert_true(a.x && a.other && a.y);
  draw_bytes(r, a.x, in);
  for (size_t i = 0; i < out; i++) {
    if (s->add_layout == NET_NHWC_U8) ((uint8_t *)a.other)[i] = (uint8_t)rng_below(r, 256);
    else put_wide(s, a.other, i, (float)(20 * rng_uniform(r) - 10));
  }
  for (int i = 0; i < 2; i++) {
    if (s->node->params[i] < 0) continue;
    const size_t count = g->params[s->node->params[i]].count;
    a.params[i] = step_array(count);
    for (size_t k = 0; k < count; k++) a.params[i][k] = (float)(2 * rng_uniform(r) - 1) * 0.1f;
  }
  /* A filter of zeros, one with an odd largest value. */
  const size_t filters = (size_t)s->out.c, values = g->params[s->node->params[0]].count / filters;
  for (size_t k = 0; k < values; k++) a.params[0][k * filters + 5] = 0;
  a.params[0][7] = -3.7f;
  return a;
}

/* What pooling needs of it. */
static arrays make_pool(rng *r, const net_step *s) {
  const size_t in = (size_t)s->batch * net_shape_size(s->in);
  arrays a = {.x = malloc(in), .y = malloc(out_count(s))};
  assert_true(a.x && a.y);
  for (size_t i = 0; i < in; i++) a.x[i] = (uint8_t)rng_below(r, 256);
  return a;
}

static void free_arrays(arrays *a) {
  free(a->x);
  free(a->other);
  free(a->y);
  free(a->params[0]);
  free(a->params[1]);
}

/* The sum at (n, y, x, f) of the output before pooling. */
static int32_t sum_at(const net_step *s, const arrays *a, const int8_t *u, size_t n, int y, int x,
                      size_t f) {
  const net_attributes *window = &s->node->attributes;
  const int kernel = window->kernel, top = y * window->stride - window->pad;
  const int left = x * window->stride - window->pad;
  const size_t c = (size_t)s->in.c;
  int32_t sum = 0;
  for (int k = 0; k < kernel * kernel; k++) {
    const int row = top + k / kernel, column = left + k % kernel;
    if (row < 0 || row >= s->in.h || column < 0 || column >= s->in.w) continue;
    const uint8_t *values =
        a->x + ((n * (size_t)s->in.h + (size_t)row) * (size_t)s->in.w + (size_t)column) * c;
    for (size_t i = 0; i < c; i++) sum += values[i] * u[((size_t)k * c + i) * (size_t)s->out.c + f];
  }
  return sum;
}

/* Output value `at`, as it is stored: to be compared with what is there. */
static double expected(const net_step *s, const arrays *a, const int8_t *u, const float *scales,
                       size_t at) {
  const size_t f = at % (size_t)s->out.c, pixel = at / (size_t)s->out.c;
  const int y = (int)(pixel / (size_t)s->out.w % (size_t)s->out.h);
  const int x = (int)(pixel % (size_t)s->out.w), side = s->pool ? 2 : 1;
  const size_t n = pixel / ((size_t)s->out.h * (size_t)s->out.w);
  int32_t sum = INT32_MIN;
  for (int k = 0; k < side * side; k++) {
    const int32_t one = sum_at(s, a, u, n, y * side + k / side, x * side + k % side, f);
    sum = one > sum ? one : sum;
  }
  const float unit = s->out_layout == NET_NHWC_U8 ? 1 / s->out_scales[f] : 1;
  float value = fmaf((float)sum, scales[f] * unit, a->params[1] ? a->params[1][f] * unit : 0);
  if (s->add) {
    const bool bytes = s->add_layout == NET_NHWC_U8;
    const float other = bytes ? (float)((uint8_t *)a->other)[at] : wide_at(s, a->other, at);
    value = fmaf(other, (bytes ? s->add_scales[f] : 1) * unit, value);
  }
  if (s->relu) value = fmaxf(value, 0);
  if (s->out_layout == NET_NHWC) return (double)value;
  if (net_layout_narrow(s->out_layout))
    return (double)net_widened(net_narrowed(value, s->out_layout), s->out_layout);
  return fmin(rint((double)value), 255);
}

/* Value k of the kernel, times what its channel counts. */
static float counted(const net_step *s, const arrays *a, size_t k) {
  return a->params[0][k] * s->in_scales[k / (size_t)s->out.c % (size_t)s->in.c];
}

static void check(const net_graph *g, const net_step *s, const arrays *a) {
  const size_t filters = (size_t)s->out.c, values = g->params[s->node->params[0]].count;
  int8_t *u = malloc(values);
  float *scales = calloc(filters, sizeof *scales);
  assert_true(u && scales);
  for (size_t f = 0; f < filters; f++) {
    float largest = 0;
    for (size_t k = f; k < values; k += filters) largest = fmaxf(largest, fabsf(counted(s, a, k)));
    const float factor = largest > 0 ? 127 / largest : 0;
    scales[f] = largest > 0 ? 1 / factor : 0;
    for (size_t k = f; k < values; k += filters) u[k] = (int8_t)lrintf(counted(s, a, k) * factor);
  }
  for (size_t i = 0; i < out_count(s); i++) {
    const double got =
        s->out_layout == NET_NHWC_U8 ? ((uint8_t *)a->y)[i] : (double)wide_at(s, a->y, i);
    const double want = expected(s, a, u, scales, i);
    if (got != want)
      fail_msg("%dx%dx%d to %dx%dx%d, kernel %d, value %zu is %.9g, not %.9g", s->in.h, s->in.w,
               s->in.c, s->out.h, s->out.w, s->out.c, s->node->attributes.kernel, i, got, want);
  }
  free(u);
  free(scales);
}

static void bytes_are_multiplied_exactly(void **state) {
  (void)state;
  if (no_bytes_here()) skip();
  for (uint32_t n = 0; n < 80; n++) {
    rng r = rng_open(31, RNG_TEST, 0, n);
    net_graph *g = net_graph_new();
    float *scales = draw_scales(&r);
    net_step step = convolution(&r, g, scales);
    const bool bytes_wanted = step.out_scales != NULL;
    leuko_error error = {0};
    net_kernel *kernel;
    size_t workspace, scratch;
    assert_true(net_backends_infer[net_cpu()]->choose(&step));
    assert_int_equal(step.in_layout, NET_NHWC_U8);
    /* What is negative is not kept in bytes. */
    assert_int_equal(step.out_layout, bytes_wanted && step.relu ? NET_NHWC_U8 : wide(&step));
    step_ok(net_backends_infer[net_cpu()]->prepare(&step, &kernel, &workspace, &scratch, &error),
            &error);
    assert_string_equal(net_backends_infer[net_cpu()]->implementation(kernel),
                        step.pool                   ? "direct+pool:amx_int8"
                        : net_cpu_matrix()          ? "direct:amx_int8"
                        : net_cpu() == NET_CPU_AVX2 ? "direct:avx2_int8"
                                                    : "direct:avx512_int8");
    arrays a = make_arrays(&r, g, &step);
    void *room = step_array(scratch / sizeof(float) + 1);
    const net_call call = {.count = step.batch,
                           .x = {(const float *)(const void *)a.x, a.other},
                           .y = a.y,
                           .params = {a.params[0], a.params[1]},
                           .scratch = room};
    step_ok(net_backends_infer[net_cpu()]->bind(kernel, call.params, &error), &error);
    step_ok(net_backends_infer[net_cpu()]->forward(kernel, &call, &error), &error);
    check(g, &step, &a);
    net_backends_infer[net_cpu()]->release(kernel);
    free_arrays(&a);
    free(room);
    free(scales);
    net_graph_free(g);
  }
}

/* Where a pixel of the blank image stands for each that is not computed, and only some are wanted:
 * these get the bits that they get from the whole image, and no other is touched. */
static void blank_bytes_are_skipped(void **state) {
  (void)state;
  if (no_bytes_here()) skip();
  const net_backend *backend = net_backends_infer[net_cpu()];
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(31, RNG_TEST, 3, n);
    net_graph *g = net_graph_new();
    float *scales = draw_scales(&r);
    net_step step = convolution(&r, g, scales);
    leuko_error error = {0};
    net_kernel *kernel;
    size_t workspace, scratch;
    assert_true(backend->choose(&step));
    step_ok(backend->prepare(&step, &kernel, &workspace, &scratch, &error), &error);
    arrays a = make_arrays(&r, g, &step);
    const size_t area = (size_t)step.in.h * (size_t)step.in.w, c = (size_t)step.in.c;
    const size_t batch = (size_t)step.batch, pixels = out_count(&step) / (size_t)step.out.c;
    const size_t pixel = (size_t)step.out.c * net_layout_bytes(step.out_layout);
    uint8_t *computed = malloc(batch * area), *blank = malloc(area * c),
            *some = malloc(batch * area * c);
    uint8_t *wanted = malloc(pixels), *y = malloc(pixels * pixel);
    assert_true(computed && blank && some && wanted && y);
    draw_bytes(&r, blank, area * c);
    draw_bytes(&r, some, batch * area * c);
    for (size_t i = 0; i < batch * area; i++) {
      computed[i] = i && rng_below(&r, 6) ? computed[i - 1] : coin(&r);
      if (computed[i]) memcpy(some + i * c, a.x + i * c, c);
      else memcpy(a.x + i * c, blank + i % area * c, c);
    }
    const uint32_t rare = 1 + rng_below(&r, 9);
    size_t count = 0;
    for (size_t i = 0; i < pixels; i++)
      count += wanted[i] = i && rng_below(&r, 4) ? wanted[i - 1] : rng_below(&r, 10) < rare;
    memset(y, 0xaa, pixels * pixel);
    double share = 0;
    net_call call = {.count = step.batch,
                     .share = &share,
                     .x = {(const float *)(const void *)a.x, a.other},
                     .y = a.y,
                     .params = {a.params[0], a.params[1]},
                     .scratch = step_array(scratch / sizeof(float) + 1)};
    step_ok(backend->bind(kernel, call.params, &error), &error);
    step_ok(backend->forward(kernel, &call, &error), &error);
    assert_true(share == 1);
    call.x[0] = (const float *)(const void *)some;
    call.y = (float *)(void *)y;
    call.skip[0] = (net_skip){.computed = computed, .blank = blank};
    call.wanted = wanted;
    step_ok(backend->forward(kernel, &call, &error), &error);
    assert_true(share == (double)count / (double)pixels);
    for (size_t i = 0; i < pixels; i++) {
      if (wanted[i]) assert_memory_equal(y + i * pixel, (char *)a.y + i * pixel, pixel);
      else
        for (size_t k = 0; k < pixel; k++) assert_int_equal(y[i * pixel + k], 0xaa);
    }
    backend->release(kernel);
    free_arrays(&a);
    free(call.scratch);
    free(computed);
    free(blank);
    free(some);
    free(wanted);
    free(y);
    free(scales);
    net_graph_free(g);
  }
}

/* Max pooling of bytes. */
static void the_largest_byte(void **state) {
  (void)state;
  if (no_bytes_here()) skip();
  for (uint32_t n = 0; n < 20; n++) {
    rng r = rng_open(31, RNG_TEST, 1, n);
    net_graph *g = net_graph_new();
    const int kernel = between(&r, 2, 3), pad = between(&r, 0, kernel / 2);
    net_maxpool(g, "pool", net_input(g, between(&r, 3, 9), between(&r, 3, 9), channels(&r)), kernel,
                2, pad);
    net_step step = step_of(g, between(&r, 1, 4), false);
    step.precision = NET_BF16;
    step.in_layout = NET_NHWC_U8;
    assert_true(net_backends_infer[net_cpu()]->choose(&step));
    assert_int_equal(step.out_layout, NET_NHWC_U8);
    leuko_error error = {0};
    net_kernel *k;
    size_t workspace, scratch;
    step_ok(net_backends_infer[net_cpu()]->prepare(&step, &k, &workspace, &scratch, &error),
            &error);
    arrays a = make_pool(&r, &step);
    void *room = step_array(scratch / sizeof(float) + 1);
    const net_call call = {
        .count = step.batch, .x = {(const float *)(const void *)a.x}, .y = a.y, .scratch = room};
    step_ok(net_backends_infer[net_cpu()]->forward(k, &call, &error), &error);
    const size_t c = (size_t)step.in.c;
    for (size_t i = 0; i < out_count(&step); i++) {
      const size_t pixel = i / c;
      const int top = (int)(pixel / (size_t)step.out.w % (size_t)step.out.h) * 2 - pad;
      const int left = (int)(pixel % (size_t)step.out.w) * 2 - pad;
      const size_t image = pixel / ((size_t)step.out.h * (size_t)step.out.w);
      uint8_t want = 0;
      for (int p = 0; p < kernel * kernel; p++) {
        const int y = top + p / kernel, x = left + p % kernel;
        if (y < 0 || y >= step.in.h || x < 0 || x >= step.in.w) continue;
        const uint8_t value =
            a.x[((image * (size_t)step.in.h + (size_t)y) * (size_t)step.in.w + (size_t)x) * c +
                i % c];
        want = value > want ? value : want;
      }
      assert_int_equal(((uint8_t *)a.y)[i], want);
    }
    net_backends_infer[net_cpu()]->release(k);
    free_arrays(&a);
    free(room);
    net_graph_free(g);
  }
}

/* Runs a first layer, y [out_count], from floats. */
static net_layout run_first(net_step step, const float *x, float *const params[2], void *y) {
  leuko_error error = {0};
  net_kernel *k;
  size_t workspace, scratch;
  assert_true(net_backends_infer[net_cpu()]->choose(&step));
  step_ok(net_backends_infer[net_cpu()]->prepare(&step, &k, &workspace, &scratch, &error), &error);
  void *room = step_array(scratch / sizeof(float) + 1);
  const net_call call = {
      .count = step.batch, .x = {x}, .y = y, .params = {params[0], params[1]}, .scratch = room};
  step_ok(net_backends_infer[net_cpu()]->bind(k, call.params, &error), &error);
  step_ok(net_backends_infer[net_cpu()]->forward(k, &call, &error), &error);
  net_backends_infer[net_cpu()]->release(k);
  free(room);
  return step.out_layout;
}

/* The first layer, pooled or not, into bytes: what it gives in float32, rounded to its units. */
static void the_first_layer_into_bytes(void **state) {
  (void)state;
  if (no_bytes_here()) skip();
  for (uint32_t n = 0; n < 20; n++) {
    rng r = rng_open(31, RNG_TEST, 2, n);
    net_graph *g = net_graph_new();
    const int side = between(&r, 8, 17);
    net_conv2d(g, "conv", net_input(g, side, side + 3, 3), 32 * between(&r, 1, 3), 3, 1, 1, true);
    net_step step = step_of(g, between(&r, 1, 3), false);
    step.relu = true;
    if (coin(&r)) {
      step.pool = true;
      step.out.h /= 2;
      step.out.w /= 2;
    }
    float *scales = draw_scales(&r), *x = step_array((size_t)step.batch * net_shape_size(step.in));
    float *params[2], *wide = step_array(out_count(&step));
    uint8_t *bytes = malloc(out_count(&step));
    for (size_t i = 0; i < (size_t)step.batch * net_shape_size(step.in); i++)
      x[i] = (float)rng_uniform(&r);
    for (int i = 0; i < 2; i++) {
      const size_t count = g->params[step.node->params[i]].count;
      params[i] = step_array(count);
      for (size_t k = 0; k < count; k++) params[i][k] = (float)(2 * rng_uniform(&r) - 1);
    }
    assert_int_equal(run_first(step, x, params, wide), NET_NHWC);
    step.out_scales = scales;
    assert_int_equal(run_first(step, x, params, bytes), NET_NHWC_U8);
    const size_t c = (size_t)step.out.c;
    for (size_t i = 0; i < out_count(&step); i++) {
      const double units = fmin((double)(wide[i] / scales[i % c]), UINT8_MAX);
      assert_true(fabs(units - bytes[i]) <= 0.501);
    }
    for (int i = 0; i < 2; i++) free(params[i]);
    free(scales);
    free(x);
    free(wide);
    free(bytes);
    net_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_layer_into_bytes),
      cmocka_unit_test(bytes_are_multiplied_exactly),
      cmocka_unit_test(blank_bytes_are_skipped),
      cmocka_unit_test(the_largest_byte),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, NET_CPU_AVX2);
}
