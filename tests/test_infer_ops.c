/* The inference kernels against the reference over random shapes, in both precisions, at every
 * level of instructions. */
#include "each_level.h"
#include "step_run.h"

static int channels(rng *r) {
  static const int counts[] = {32, 64, 96, 128, 160};
  const int count = counts[rng_below(r, sizeof counts / sizeof *counts)];
  return net_cpu() < NET_CPU_AVX512 && coin(r) ? count - 16 : count; /* the steps are shorter */
}

/* A convolution; with `wide`, of so many channels that it goes pixel by pixel. */
static net_step convolution(rng *r, net_graph *g, int kernel, int stride, bool wide,
                            bool winograd) {
  const int c = wide ? channels(r) : between(r, 1, 4), pad = between(r, 0, kernel / 2);
  const int side = kernel + between(r, 0, 12);
  net_conv2d(g, "conv", net_input(g, side, between(r, kernel, wide ? 17 : 40), c), channels(r),
             kernel, stride, pad, coin(r));
  net_step step = step_of(g, between(r, 1, 5), false);
  step.relu = coin(r);
  step.threads = between(r, 1, 3);
  step.winograd = winograd;
  step.precision = some_precision(r, false);
  step.half = net_cpu_fine() && coin(r);
  step.bfloat16 = net_cpu_matrix() && step.precision == NET_BF16 && coin(r);
  if (!wide) step.in_largest = coin(r) ? 8 : 0; /* inputs are normal values */
  step.in_layout = NET_NHWC;
  return step;
}

static void add_pooling(rng *r, net_step *step) {
  if (!coin(r) || step->out.h < 2 || step->out.w < 2) return;
  step->pool = true;
  step->out.h /= 2;
  step->out.w /= 2;
}

static bool is_in_half(const net_step *step) {
  if (step->bfloat16 && step->in.c > 4) return false;
  return net_cpu_half() && (step->precision == NET_BF16 || step->half);
}

static bool is_in_words(const net_step *step) {
  return net_cpu_words() && (step->precision == NET_BF16 || step->half);
}

/* Inputs and kernel are rounded beforehand, so bfloat16 differs by the rounding of the output; in
 * half precision the sums are rounded as well. */
static step_tolerance allowed_direct(const net_step *step) {
  if (is_in_half(step)) return (step_tolerance){2e-2, 0};
  if (is_in_words(step)) return (step_tolerance){1e-2, 0};
  return step->precision == NET_BF16 ? (step_tolerance){5e-3, 0} : (step_tolerance){1e-4, 0};
}

static void test_pixel_by_pixel(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(11, RNG_TEST, 0, n);
    net_graph *g = net_graph_new();
    net_step step = convolution(&r, g, between(&r, 1, 4), between(&r, 1, 2), true, false);
    /* In half precision nothing is pooled at once. */
    if (coin(&r)) step.add = true;
    else if (step.precision == NET_F32 || !net_cpu_half() || step.bfloat16) add_pooling(&r, &step);
    assert_true(step_agrees(net_backends_infer[net_cpu()], &r, g, step, allowed_direct(&step)));
  }
}

static step_tolerance allowed_first(const net_step *step) {
  if (is_in_words(step)) return (step_tolerance){5e-3, 0};
  const bool narrow = step->precision == NET_BF16 || is_in_half(step);
  return narrow ? (step_tolerance){2e-2, 0} : (step_tolerance){1e-4, 0};
}

static void test_row_by_row(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(11, RNG_TEST, 1, n);
    net_graph *g = net_graph_new();
    net_step step = convolution(&r, g, between(&r, 1, 7), between(&r, 1, 3), false, false);
    if (between(&r, 0, 3) == 0) step.add = true;
    else add_pooling(&r, &step);
    assert_true(step_agrees(net_backends_infer[net_cpu()], &r, g, step, allowed_first(&step)));
  }
}

/* Only some pixels are wanted: they get the bits that they get among all, and no other is
 * touched. */
static void test_wanted_pixels(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(11, RNG_TEST, 6, n);
    net_graph *g = net_graph_new();
    net_step step = convolution(&r, g, between(&r, 1, 7), between(&r, 1, 3), n % 3 == 0, false);
    add_pooling(&r, &step);
    step.precision = NET_F32; /* so that the output is float32; in half precision as well */
    const net_backend *backend = net_backends_infer[net_cpu()];
    step_values v = step_values_new(g, &step);
    step_fill(&r, &step, &v);
    leuko_error error = {0};
    net_kernel *kernel = NULL;
    size_t workspace, scratch;
    assert_true(backend->choose(&step));
    step_ok(backend->prepare(&step, &kernel, &workspace, &scratch, &error), &error);
    step_ok(backend->bind(kernel, (const float *const *)v.params, &error), &error);
    const size_t pixels = v.y_count / (size_t)step.out.c, bytes = (size_t)step.out.c * sizeof *v.y;
    const uint32_t rare = 1 + rng_below(&r, 9);
    uint8_t *wanted = calloc(pixels, 1);
    float *some = step_array(v.y_count);
    size_t count = 0;
    for (size_t i = 0; i < pixels; i++)
      count += wanted[i] = i && rng_below(&r, 4) ? wanted[i - 1] : rng_below(&r, 10) < rare;
    double share = 0;
    net_call call = {.count = step.batch,
                     .share = &share,
                     .x = {v.x[0]},
                     .y = v.y,
                     .params = {v.params[0], v.params[1]},
                     .scratch = step_array((scratch + 3) / 4)};
    step_ok(backend->forward(kernel, &call, &error), &error);
    assert_true(share == 1);
    call.wanted = wanted;
    call.y = some;
    step_ok(backend->forward(kernel, &call, &error), &error);
    assert_true(share == (double)count / (double)pixels);
    for (size_t i = 0; i < pixels; i++) {
      const float *at = some + i * (size_t)step.out.c;
      if (wanted[i]) assert_memory_equal(at, v.y + i * (size_t)step.out.c, bytes);
      else assert_true(isnan(at[0]) && isnan(at[step.out.c - 1]));
    }
    backend->release(kernel);
    free(call.scratch);
    free(wanted);
    free(some);
    step_values_free(&v);
    net_graph_free(g);
  }
}

/* The transformed tiles are rounded as well, and the transforms enlarge that; in half precision
 * less, but its sums are rounded, too. In whole numbers of 16 bits only tiles and kernel are. */
static step_tolerance allowed_winograd(const net_step *step) {
  if (is_in_words(step)) return (step_tolerance){0.05, 0};
  if (is_in_half(step)) return (step_tolerance){0.15, 0};
  return step->precision == NET_BF16 ? (step_tolerance){0.2, 0} : (step_tolerance){1e-4, 0};
}

static void test_winograd(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(11, RNG_TEST, 2, n);
    net_graph *g = net_graph_new();
    net_step step = convolution(&r, g, 3, 1, true, true);
    add_pooling(&r, &step);
    assert_true(step_agrees(net_backends_infer[net_cpu()], &r, g, step, allowed_winograd(&step)));
  }
}

/* Several rounds of tiles that the threads share, and several turns of their own. */
static void test_winograd_of_many_tiles(void **state) {
  (void)state;
  static const int channels_of[] = {64, 256};
  for (uint32_t n = 0; n < 4; n++) {
    rng r = rng_open(11, RNG_TEST, 3, n);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 41, 38, channels_of[n / 2]), 96, 3, 1, 1, true);
    net_step step = step_of(g, 3, false);
    step.winograd = true;
    step.precision = n % 2 && net_precision_supported(NET_BF16) ? NET_BF16 : NET_F32;
    assert_true(step_agrees(net_backends_infer[net_cpu()], &r, g, step, allowed_winograd(&step)));
  }
}

/* How large inputs and kernel are does not matter: in half precision, too, they are brought to what
 * it holds by powers of two, which come out again to the bit. */
static void test_winograd_of_any_size(void **state) {
  (void)state;
  /* The last three within what half precision holds, in which inputs and outputs may be. */
  static const int powers[][2] = {{13, 0},    {0, 20}, {-30, 5}, {40, -35},
                                  {-60, -20}, {6, -6}, {5, 2},   {3, 0}};
  for (uint32_t n = 0; n < 8; n++) {
    rng r = rng_open(11, RNG_TEST, 7, n);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 11, 9, 160), 96, 3, 1, 1, false);
    net_step step = step_of(g, 2, false);
    step.winograd = true;
    step.relu = coin(&r);
    step.half = net_cpu_fine();
    step.precision =
        net_precision_supported(NET_BF16) && (!step.half || n >= 5) ? NET_BF16 : NET_F32;
    step_values a = step_values_new(g, &step), b = step_values_new(g, &step);
    step_fill(&r, &step, &a);
    for (size_t i = 0; i < a.x_count[0]; i++) b.x[0][i] = ldexpf(a.x[0][i], powers[n][0]);
    for (size_t i = 0; i < a.param_count[0]; i++)
      b.params[0][i] = ldexpf(a.params[0][i], powers[n][1]);
    assert_true(step_run(net_backends_infer[net_cpu()], &step, false, &a));
    assert_true(step_run(net_backends_infer[net_cpu()], &step, false, &b));
    for (size_t i = 0; i < a.y_count; i++)
      assert_true(b.y[i] == ldexpf(a.y[i], powers[n][0] + powers[n][1]));
    step_values_free(&a);
    step_values_free(&b);
    net_graph_free(g);
  }
}

/* Tiles that the transform enlarges as far as it can at each of the 36 positions, and all channels
 * alike: nothing that is summed in a narrow type may exceed it. */
static void test_winograd_of_the_largest_sums(void **state) {
  (void)state;
  static const float signs[6][6] = {{1, 1, -1, 1, 1, 1},  {1, -1, -1, 1, 1, 1},
                                    {1, 1, -1, -1, 1, 1}, {1, -1, -1, 1, 1, 1},
                                    {1, 1, -1, -1, 1, 1}, {1, 1, 1, -1, 1, 1}};
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 6, 6, 288), 64, 3, 1, 0, false);
  net_step step = step_of(g, 36, false);
  step.winograd = true;
  step.precision = net_precision_supported(NET_BF16) ? NET_BF16 : NET_F32;
  step_values want = step_values_new(g, &step), got = step_values_new(g, &step);
  for (size_t i = 0; i < want.x_count[0]; i++) {
    const size_t pixel = i / 288, p = pixel / 36, at = pixel % 36;
    want.x[0][i] = got.x[0][i] = signs[p / 6][at / 6] * signs[p % 6][at % 6];
  }
  for (size_t i = 0; i < want.param_count[0]; i++)
    want.params[0][i] = got.params[0][i] = i % 2 ? 1 : -1;
  assert_true(step_run(net_backends_infer[net_cpu()], &step, false, &got));
  step_run_ref(g, &step, &want);
  const step_tolerance allowed = allowed_winograd(&step);
  step_compare("the largest sums", "y", got.y, want.y, want.y_count, allowed.forward,
               allowed.forward / 10);
  step_values_free(&want);
  step_values_free(&got);
  net_graph_free(g);
}

/* An image of few tiles, whose kernel may be kept and transformed in another way, gets the bits
 * that it gets among others. */
static void test_winograd_alone(void **state) {
  (void)state;
  static const int channels_of[] = {96, 160, 288};
  for (uint32_t n = 0; n < 3; n++) {
    rng r = rng_open(11, RNG_TEST, 8, n);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 14, 13, channels_of[n]), 96, 3, 1, 1, true);
    net_step step = step_of(g, 5, false);
    step.winograd = true;
    step.precision = net_precision_supported(NET_BF16) ? NET_BF16 : NET_F32;
    step_values all = step_values_new(g, &step);
    step_fill(&r, &step, &all);
    assert_true(step_run(net_backends_infer[net_cpu()], &step, false, &all));
    step.batch = 1;
    step_values one = step_values_new(g, &step);
    for (int i = 0; i < 2; i++)
      memcpy(one.params[i], all.params[i], all.param_count[i] * sizeof(float));
    memcpy(one.x[0], all.x[0] + 3 * one.x_count[0], one.x_count[0] * sizeof(float));
    assert_true(step_run(net_backends_infer[net_cpu()], &step, false, &one));
    assert_memory_equal(one.y, all.y + 3 * one.y_count, one.y_count * sizeof(float));
    step_values_free(&all);
    step_values_free(&one);
    net_graph_free(g);
  }
}

static void test_pooling(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 40; n++) {
    rng r = rng_open(11, RNG_TEST, 4, n);
    net_graph *g = net_graph_new();
    int input = net_input(g, between(&r, 3, 15), between(&r, 3, 15), channels(&r));
    int kernel = between(&r, 2, 3);
    if (coin(&r)) net_maxpool(g, "pool", input, kernel, 2, between(&r, 0, kernel / 2));
    else net_avgpool(g, "pool", input);
    net_step step = step_of(g, between(&r, 1, 5), false);
    step.precision = some_precision(&r, false);
    assert_true(step_agrees(net_backends_infer[net_cpu()], &r, g, step, (step_tolerance){1e-5, 0}));
  }
}

/* Inputs are rounded beforehand to what a float of 16 bits holds; whole numbers round again. */
static step_tolerance allowed_dense(const net_step *step) {
  if (is_in_half(step)) return (step_tolerance){2e-2, 0};
  return (step_tolerance){is_in_words(step) ? 4e-3 : 1e-4, 0};
}

/* Dense layers: in 16 bits from a certain size on. */
static void test_dense(void **state) {
  (void)state;
  static const int sizes[][2] = {{7, 1},      {300, 33},   {4608, 100},
                                 {2050, 129}, {2051, 129}, {4608, 96}};
  for (uint32_t n = 0; n < 12; n++) {
    rng r = rng_open(11, RNG_TEST, 5, n);
    net_graph *g = net_graph_new();
    net_dense(g, "dense", net_input(g, 1, 1, sizes[n / 2][0]), sizes[n / 2][1]);
    net_step step = step_of(g, between(&r, 1, 9), false);
    step.relu = coin(&r);
    step.threads = between(&r, 1, 3);
    step.precision = n % 2 && net_precision_supported(NET_BF16) ? NET_BF16 : NET_F32;
    step.half = net_cpu_fine() && coin(&r);
    step.bfloat16 = net_cpu_matrix() && step.precision == NET_BF16 && coin(&r);
    assert_true(step_agrees(net_backends_dense[net_cpu()], &r, g, step, allowed_dense(&step)));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pixel_by_pixel),
      cmocka_unit_test(test_row_by_row),
      cmocka_unit_test(test_wanted_pixels),
      cmocka_unit_test(test_winograd),
      cmocka_unit_test(test_winograd_of_many_tiles),
      cmocka_unit_test(test_winograd_of_any_size),
      cmocka_unit_test(test_winograd_of_the_largest_sums),
      cmocka_unit_test(test_winograd_alone),
      cmocka_unit_test(test_pooling),
      cmocka_unit_test(test_dense),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, NET_CPU_GENERIC);
}
