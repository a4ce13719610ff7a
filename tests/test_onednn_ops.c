/* The oneDNN backend against the reference over random shapes, odd ones and tails included. */
#include "step_run.h"

static int channels(rng *r) {
  static const int odd[] = {1, 3, 4, 7, 16, 17, 32, 33, 48, 64, 65};
  return odd[rng_below(r, sizeof odd / sizeof *odd)];
}

static const step_tolerance direct = {1e-4, 1e-3}, winograd = {1e-3, 1e-2};

static bool compare_backends(rng *r, net_graph *g, net_step step, step_tolerance allowed) {
  return step_agrees(&net_backend_onednn, r, g, step, allowed);
}

static void test_convolutions_of_any_shape(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 110; n++) {
    rng r = rng_open(1, RNG_TEST, NET_CONV2D, n);
    static const int kernels[] = {1, 2, 3, 3, 3, 5, 7};
    int kernel = kernels[rng_below(&r, 7)], stride = between(&r, 1, 3),
        pad = between(&r, 0, kernel / 2);
    int c = channels(&r), filters = channels(&r);
    int h = between(&r, kernel, kernel + 9), w = between(&r, kernel, kernel + 9);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, h, w, c), filters, kernel, stride, pad, coin(&r));
    net_step step = step_of(g, between(&r, 1, 4), coin(&r));
    step.relu = coin(&r);
    step.add = !step.training && coin(&r);
    step.need_dx = step.training && between(&r, 0, 3) > 0;
    step.in_layout = step.out_layout = step_some_layout(&r, c);
    bool add = step.add;
    bool taken = compare_backends(&r, g, step, direct);
    if (!add) assert_true(taken);
  }
}

static void check_winograd(rng *r, int batch, int side, int c, int filters, bool training) {
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, side, between(r, side - 2, side + 2), c), filters, 3, 1,
             between(r, 0, 1), true);
  net_step step = step_of(g, batch, training);
  step.relu = coin(r);
  step.winograd = true;
  step.in_layout = step.out_layout = step_some_layout(r, c);
  assert_true(compare_backends(r, g, step, winograd));
}

/* oneDNN takes Winograd's algorithm from a batch of 4 on, in training from one of 16 or 32. */
static void test_winograd_convolutions(void **state) {
  (void)state;
  static const int wide[] = {16, 32, 48, 64, 65};
  for (uint32_t n = 0; n < 24; n++) {
    rng r = rng_open(2, RNG_TEST, NET_CONV2D, n);
    int c = n < 4 ? 3 : wide[rng_below(&r, 5)], filters = wide[rng_below(&r, 5)];
    check_winograd(&r, between(&r, 1, 6), between(&r, 7, 20), c, filters, n % 4 == 3);
  }
  rng r = rng_open(3, RNG_TEST, NET_CONV2D, 0);
  check_winograd(&r, 16, 16, 64, 64, true);
  check_winograd(&r, 32, 12, 64, 64, true);
  check_winograd(&r, 32, 9, 128, 64, true);
}

static void test_dense_layers(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 24; n++) {
    rng r = rng_open(1, RNG_TEST, NET_DENSE, n);
    static const int units[] = {1, 2, 3, 10, 64, 129};
    net_graph *g = net_graph_new();
    net_dense(g, "dense", net_input(g, 1, 1, between(&r, 1, 600)), units[rng_below(&r, 6)]);
    net_step step = step_of(g, between(&r, 1, 33), coin(&r));
    step.relu = coin(&r);
    step.need_dx = step.training && between(&r, 0, 3) > 0;
    assert_true(compare_backends(&r, g, step, direct));
  }
}

static void test_pooling_layers(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 30; n++) {
    rng r = rng_open(1, RNG_TEST, NET_MAXPOOL, n);
    int c = channels(&r), kernel = between(&r, 2, 3), stride = between(&r, 1, 3);
    net_graph *g = net_graph_new();
    int x = net_input(g, between(&r, 3, 20), between(&r, 3, 20), c);
    if (n % 5 == 4) net_avgpool(g, "pool", x);
    else net_maxpool(g, "pool", x, kernel, stride, between(&r, 0, kernel / 2));
    net_step step = step_of(g, between(&r, 1, 4), coin(&r));
    step.relu = step.op == NET_MAXPOOL && step.training && coin(&r);
    step.in_layout = step.out_layout = step_some_layout(&r, c);
    compare_backends(&r, g, step, direct);
  }
}

static void test_batch_normalization(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 24; n++) {
    rng r = rng_open(1, RNG_TEST, NET_BATCHNORM, n);
    int c = channels(&r);
    net_graph *g = net_graph_new();
    net_batchnorm(g, "batchnorm", net_input(g, between(&r, 2, 12), between(&r, 2, 12), c),
                  coin(&r) ? 1e-3f : 1.001e-5f, coin(&r) ? 0.99f : 0.9f);
    net_step step = step_of(g, between(&r, 2, 8), coin(&r));
    step.relu = coin(&r);
    step.in_layout = step.out_layout = step_some_layout(&r, c);
    compare_backends(&r, g, step, direct);
  }
}

static void test_value_by_value_layers(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 24; n++) {
    rng r = rng_open(1, RNG_TEST, NET_ADD, n);
    int c = channels(&r);
    net_graph *g = net_graph_new();
    int x = net_input(g, between(&r, 1, 9), between(&r, 1, 9), c);
    if (n % 4 == 0) net_relu(g, "relu", x);
    else if (n % 4 == 1) net_dropout(g, "dropout", x, 0.25f);
    else net_add(g, "add", x, x);
    net_step step = step_of(g, between(&r, 1, 4), coin(&r));
    step.relu = step.op == NET_ADD && coin(&r);
    step.in_layout = step.out_layout = step_some_layout(&r, c);
    compare_backends(&r, g, step, direct);
  }
}

/* A run must be repeatable to the bit, or resuming would not be. */
static void test_the_same_step_gives_the_same_bits(void **state) {
  (void)state;
  for (int wino = 0; wino < 2; wino++) {
    rng r = rng_open(3, RNG_TEST, 0, 0);
    net_graph *g = net_graph_new();
    net_conv2d(g, "conv", net_input(g, 29, 31, 32), 64, 3, 1, 0, true);
    net_step step = step_of(g, 5, true);
    step.winograd = wino == 1;
    step_repeats(&net_backend_onednn, &r, g, &step, 1);
    net_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_convolutions_of_any_shape),
      cmocka_unit_test(test_winograd_convolutions),
      cmocka_unit_test(test_dense_layers),
      cmocka_unit_test(test_pooling_layers),
      cmocka_unit_test(test_batch_normalization),
      cmocka_unit_test(test_value_by_value_layers),
      cmocka_unit_test(test_the_same_step_gives_the_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
