/* The Winograd backend against the reference over random shapes, small and ragged ones included. */
#include "step_run.h"

static const step_tolerance allowed = {1e-4, 1e-3};

static int channels(rng *r) {
  static const int blocks[] = {16, 32, 48, 64, 80, 96, 128, 144};
  return blocks[rng_below(r, sizeof blocks / sizeof *blocks)];
}

static bool supported(void) {
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 8, 8, 16), 16, 3, 1, 0, true);
  net_step step = step_of(g, 1, false);
  step.winograd = true;
  bool taken = net_backend_winograd.choose(&step);
  net_graph_free(g);
  return taken;
}

static void needs_support(void) {
  if (supported()) return;
  print_message("this processor has no AVX-512: skipped\n");
  skip();
}

static net_step random_step(rng *r, net_graph *g, bool training) {
  int pad = between(r, 0, 2), c = channels(r), filters = channels(r);
  int smallest = pad == 2 ? 1 : 3 - 2 * pad;
  net_conv2d(g, "conv", net_input(g, between(r, smallest, 15), between(r, smallest, 15), c),
             filters, 3, 1, pad, coin(r));
  net_step step = step_of(g, between(r, 1, 5), training);
  step.winograd = true;
  step.relu = coin(r);
  step.threads = between(r, 1, 3);
  step.in_layout = step.out_layout = step_some_layout(r, c);
  return step;
}

static void test_inference(void **state) {
  (void)state;
  needs_support();
  for (uint32_t n = 0; n < 40; n++) {
    rng r = rng_open(4, RNG_TEST, 0, n);
    net_graph *g = net_graph_new();
    net_step step = random_step(&r, g, false);
    assert_true(step_agrees(&net_backend_winograd, &r, g, step, allowed));
  }
}

static void test_training(void **state) {
  (void)state;
  needs_support();
  for (uint32_t n = 0; n < 40; n++) {
    rng r = rng_open(4, RNG_TEST, 1, n);
    net_graph *g = net_graph_new();
    net_step step = random_step(&r, g, true);
    step.need_dx = between(&r, 0, 3) > 0;
    assert_true(step_agrees(&net_backend_winograd, &r, g, step, allowed));
  }
}

/* Enough tiles for every thread to take several turns. */
static void test_many_tiles(void **state) {
  (void)state;
  needs_support();
  for (uint32_t n = 0; n < 2; n++) {
    rng r = rng_open(4, RNG_TEST, 2, n);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 41, 38, 64), 96, 3, 1, (int)n, true);
    net_step step = step_of(g, 3, true);
    step.winograd = true;
    step.in_layout = step.out_layout = NET_NCHW16C;
    assert_true(step_agrees(&net_backend_winograd, &r, g, step, allowed));
  }
}

static void test_what_it_cannot_do_it_declines(void **state) {
  (void)state;
  needs_support();
  static const struct {
    int c, filters, kernel, stride;
    bool winograd, pool, add, training;
  } cases[] = {
      {16, 16, 3, 2, true, false, false, false}, {16, 16, 1, 1, true, false, false, false},
      {3, 16, 3, 1, true, false, false, false},  {16, 24, 3, 1, true, false, false, false},
      {16, 16, 3, 1, false, false, false, true}, {16, 16, 3, 1, true, true, false, true},
      {16, 16, 3, 1, true, false, true, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 9, 9, cases[i].c), cases[i].filters, cases[i].kernel,
               cases[i].stride, 0, true);
    net_step step = step_of(g, 2, cases[i].training);
    step.winograd = cases[i].winograd;
    step.pool = cases[i].pool;
    step.add = cases[i].add;
    assert_false(net_backend_winograd.choose(&step));
    net_graph_free(g);
  }
}

/* Threads take turns as they come, but nothing may depend on who was first. */
static void test_the_same_step_gives_the_same_bits(void **state) {
  (void)state;
  needs_support();
  rng r = rng_open(4, RNG_TEST, 3, 0);
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 29, 31, 32), 64, 3, 1, 0, true);
  net_step step = step_of(g, 5, true);
  step.winograd = true;
  step.threads = 3;
  step_repeats(&net_backend_winograd, &r, g, &step, 5);
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inference),
      cmocka_unit_test(test_training),
      cmocka_unit_test(test_many_tiles),
      cmocka_unit_test(test_what_it_cannot_do_it_declines),
      cmocka_unit_test(test_the_same_step_gives_the_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
