/* The training kernels against the reference over random shapes, in all three directions, in both
 * precisions and at each level of instructions. */
#include "each_level.h"
#include "step_run.h"

static const net_backend *backend(void) {
  return net_backends_learn[net_cpu()];
}

/* With AVX-512 channels come by 32, elsewhere by 16. */
static int channels(rng *r) {
  static const int counts[] = {32, 64, 96, 128, 160, 16, 48, 80, 112};
  return counts[rng_below(r, net_cpu() >= NET_CPU_AVX512 ? 5 : 9)];
}

static void add_pooling(rng *r, net_step *step) {
  if (!coin(r) || step->out.h < 2 || step->out.w < 2) return;
  step->pool = true;
  step->out.h /= 2;
  step->out.w /= 2;
}

static net_step finish_step(rng *r, net_graph *g, net_precision precision) {
  net_step step = step_of(g, between(r, 1, 5), true);
  step.relu = coin(r);
  step.threads = between(r, 1, 3);
  step.winograd = true;
  step.precision = precision;
  step.in_layout = NET_NHWC;
  return step;
}

/* In bfloat16 the factors are rounded by 2^-9 of themselves. Winograd rounds the transformed ones,
 * whose products cancel out to a sum some times smaller. */
static step_tolerance allowed_winograd(net_precision precision) {
  return precision == NET_BF16 ? (step_tolerance){2e-1, 6e-2} : (step_tolerance){1e-4, 1e-3};
}

static void check_winograd(uint32_t which, net_precision precision) {
  for (uint32_t n = 0; n < 40; n++) {
    rng r = rng_open(12, RNG_TEST, which, n);
    net_graph *g = net_graph_new();
    int pad = between(&r, 0, 2), smallest = pad == 2 ? 1 : 3 - 2 * pad;
    net_conv2d(g, "conv",
               net_input(g, between(&r, smallest, 15), between(&r, smallest, 15), channels(&r)),
               channels(&r), 3, 1, pad, coin(&r));
    net_step step = finish_step(&r, g, precision);
    step.need_dx = between(&r, 0, 3) > 0;
    add_pooling(&r, &step);
    assert_true(step_agrees(backend(), &r, g, step, allowed_winograd(precision)));
  }
}

static void test_winograd_f32(void **state) {
  (void)state;
  check_winograd(0, NET_F32);
}

static void test_winograd_bf16(void **state) {
  (void)state;
  needs_avx512();
  check_winograd(1, NET_BF16);
}

/* Enough tiles for several turns and rounds of every thread. */
static void test_many_tiles(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 4; n++) {
    rng r = rng_open(12, RNG_TEST, 2, n);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 41, 38, n < 2 ? 32 : 128), 96, 3, 1, (int)n % 2, true);
    net_step step = finish_step(&r, g, n % 2 ? some_precision(&r, true) : NET_F32);
    step.batch = 3;
    step.threads = 2;
    add_pooling(&r, &step);
    assert_true(step_agrees(backend(), &r, g, step, allowed_winograd(step.precision)));
  }
}

/* On the matrix unit, activations in bfloat16 or float32; kernels of 1x1 with strides as well.
 * Inputs and kernel are rounded beforehand, so that only what is stored is rounded, and dy where it
 * is float32. */
static void test_matrix(void **state) {
  (void)state;
  if (!net_cpu_matrix()) skip();
  for (uint32_t n = 0; n < 80; n++) {
    rng r = rng_open(12, RNG_TEST, 7, n);
    net_graph *g = net_graph_new();
    const bool one = coin(&r), large = n % 16 == 0;
    const int pad = one ? 0 : between(&r, 0, 2), stride = one ? between(&r, 1, 2) : 1;
    const int least = one ? 1 : 3 - pad, most = large ? 70 : 15;
    net_conv2d(g, "conv",
               net_input(g, between(&r, least, most), between(&r, least, most), channels(&r)),
               channels(&r), one ? 1 : 3, stride, pad, coin(&r));
    net_step step = finish_step(&r, g, NET_BF16);
    step.winograd = coin(&r);
    step.need_dx = between(&r, 0, 3) > 0;
    if (coin(&r)) step.in_layout = NET_NHWC_BF16;
    if (stride == 1) add_pooling(&r, &step);
    assert_true(step_agrees(backend(), &r, g, step, (step_tolerance){1e-2, 1e-2}));
  }
}

/* Only the stored output and gradient are rounded: inputs and kernel are read in float32. */
static void test_first_layer(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(12, RNG_TEST, 3, n);
    net_graph *g = net_graph_new();
    int kernel = between(&r, 1, 7), pad = between(&r, 0, kernel / 2);
    net_conv2d(
        g, "conv",
        net_input(g, kernel + between(&r, 0, 12), between(&r, kernel, 17), between(&r, 1, 4)),
        channels(&r), kernel, between(&r, 1, 2), pad, coin(&r));
    net_step step = finish_step(&r, g, some_precision(&r, true));
    step.need_dx = false;
    add_pooling(&r, &step);
    assert_true(step_agrees(backend(), &r, g, step,
                            step.precision == NET_BF16 ? (step_tolerance){5e-3, 1e-3}
                                                       : (step_tolerance){1e-4, 1e-3}));
  }
}

/* Inputs and kernel are rounded beforehand, so the products differ by their order and the gradient
 * of the output by its rounding. */
static void test_dense(void **state) {
  (void)state;
  needs_avx512();
  for (uint32_t n = 0; n < 12; n++) {
    rng r = rng_open(12, RNG_TEST, 4, n);
    net_graph *g = net_graph_new();
    net_dense(g, "dense", net_input(g, 1, 1, 64 * between(&r, 32, 40)), 64 * between(&r, 2, 5));
    net_step step = finish_step(&r, g, NET_BF16);
    step.batch = n == 0 ? 70 : between(&r, 1, 35);
    step.need_dx = coin(&r);
    assert_true(step_agrees(backend(), &r, g, step, (step_tolerance){1e-3, 5e-3}));
  }
}

/* Any number of values, also fewer than threads. */
static void test_add(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 40; n++) {
    rng r = rng_open(12, RNG_TEST, 6, n);
    net_graph *g = net_graph_new();
    int input = net_input(g, between(&r, 1, 9), between(&r, 1, 9), between(&r, 1, 40));
    net_add(g, "add", input, net_relu(g, "relu", input));
    net_step step = finish_step(&r, g, NET_F32);
    step.need_dx = true;
    assert_true(step_agrees(backend(), &r, g, step, (step_tolerance){0, 0}));
  }
}

/* Of bfloat16 between convolutions on the matrix unit: batch normalization, and adding. */
static void test_between(void **state) {
  (void)state;
  if (!net_cpu_matrix()) skip();
  for (uint32_t n = 0; n < 60; n++) {
    rng r = rng_open(12, RNG_TEST, 8, n);
    net_graph *g = net_graph_new();
    int input = net_input(g, between(&r, 1, 15), between(&r, 1, 15), channels(&r));
    if (n % 3 == 0) net_add(g, "add", input, net_relu(g, "relu", input));
    else net_batchnorm(g, "norm", input, 1e-3f, 0.9f);
    net_step step = finish_step(&r, g, NET_BF16);
    if (n % 3 && step.batch == 1) step.batch = 2; /* of one pixel nothing is normalized */
    step.in_layout = NET_NHWC_BF16;
    step.need_dx = true;
    assert_true(step_agrees(backend(), &r, g, step, (step_tolerance){1e-2, 2e-2}));
  }
}

static void test_what_it_cannot_do_it_declines(void **state) {
  (void)state;
  static const struct {
    int c, filters, kernel, stride;
    bool winograd, need_dx, training;
  } cases[] = {
      {32, 32, 3, 2, true, true, true},  {32, 32, 1, 1, true, true, true},
      {3, 32, 3, 1, true, true, true},   {32, 40, 3, 1, true, true, true},
      {40, 32, 3, 1, true, true, true},  {32, 32, 3, 1, false, true, true},
      {32, 32, 3, 1, true, true, false}, {3, 24, 3, 1, true, false, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 9, 9, cases[i].c), cases[i].filters, cases[i].kernel,
               cases[i].stride, 0, true);
    net_step step = step_of(g, 2, cases[i].training);
    step.winograd = cases[i].winograd;
    step.need_dx = cases[i].need_dx;
    assert_false(backend()->choose(&step));
    net_graph_free(g);
  }
}

/* Threads take turns as they come, but nothing may depend on who was first. */
static void test_the_same_step_gives_the_same_bits(void **state) {
  (void)state;
  for (int c = 3; c <= 96; c += 93) {
    rng r = rng_open(12, RNG_TEST, 5, (uint32_t)c);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 29, 31, c), 64, 3, 1, 0, true);
    net_step step = step_of(g, 5, true);
    step.winograd = step.relu = true;
    step.need_dx = c > 4;
    step.precision = net_precision_trains(NET_BF16) ? NET_BF16 : NET_F32;
    step.threads = 3;
    step_repeats(backend(), &r, g, &step, 5);
    net_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_winograd_f32),
      cmocka_unit_test(test_winograd_bf16),
      cmocka_unit_test(test_many_tiles),
      cmocka_unit_test(test_matrix),
      cmocka_unit_test(test_first_layer),
      cmocka_unit_test(test_dense),
      cmocka_unit_test(test_add),
      cmocka_unit_test(test_between),
      cmocka_unit_test(test_what_it_cannot_do_it_declines),
      cmocka_unit_test(test_the_same_step_gives_the_same_bits),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, NET_CPU_GENERIC);
}
