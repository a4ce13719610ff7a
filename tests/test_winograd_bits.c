/* What Winograd's algorithm promises to the bit: fused pooling, and an answer that does not depend
 * on company. Its accuracy is tested in test_winograd_ops.c. */
#include "each_level.h"
#include "step_run.h"

#include "base/rng.h"

static void fill(rng *r, float *values, size_t count, double scale) {
  for (size_t i = 0; i < count; i++) values[i] = (float)(scale * rng_normal(r));
}

/* The fused relu and pooling give the very bits of doing one after the other. */
static void test_fused_pooling(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 12; n++) {
    rng r = rng_open(1, RNG_TEST, 101, n);
    int h = between(&r, 4, 21), w = between(&r, 4, 21), c = 32 * between(&r, 1, 3);
    net_graph *g = net_graph_new();
    int conv = net_conv2d(g, "conv", net_input(g, h, w, c), 96, 3, 1, between(&r, 0, 1), true);
    net_step plain = step_of(g, 3, false);
    int pool = net_maxpool(g, "pool", conv, 2, 2, 0);
    plain.node = &g->nodes[conv];
    plain.winograd = plain.relu = true;
    plain.in_layout = plain.out_layout = NET_NHWC;
    net_step pooled = plain, pooling = step_of(g, 3, false);
    pooled.pool = true;
    pooled.out = g->nodes[pool].shape;
    step_values a = step_values_new(g, &plain), b = step_values_new(g, &pooled),
                p = step_values_new(g, &pooling);
    fill(&r, a.x[0], a.x_count[0], 1);
    for (int i = 0; i < 2; i++) fill(&r, a.params[i], a.param_count[i], 0.5);
    memcpy(b.x[0], a.x[0], a.x_count[0] * sizeof(float));
    for (int i = 0; i < 2; i++) memcpy(b.params[i], a.params[i], a.param_count[i] * sizeof(float));
    assert_true(step_run(net_backends_infer[net_cpu()], &plain, false, &a));
    assert_true(step_run(net_backends_infer[net_cpu()], &pooled, false, &b));
    memcpy(p.x[0], a.y, a.y_count * sizeof(float));
    assert_true(step_run(&net_backend_ref, &pooling, false, &p));
    assert_memory_equal(b.y, p.y, p.y_count * sizeof(float));
    step_values_free(&a);
    step_values_free(&b);
    step_values_free(&p);
    net_graph_free(g);
  }
}

static void test_an_image_alone_and_in_a_batch(void **state) {
  (void)state;
  if (net_cpu() < NET_CPU_AVX512) skip();
  rng r = rng_open(1, RNG_TEST, 102, 0);
  net_graph *g = net_graph_new();
  net_conv2d(g, "conv", net_input(g, 17, 14, 32), 80, 3, 1, 1, true);
  net_step many = step_of(g, 7, false), one = step_of(g, 1, false);
  many.winograd = one.winograd = true;
  many.in_layout = many.out_layout = one.in_layout = one.out_layout = NET_NCHW16C;
  one.threads = 1;
  step_values a = step_values_new(g, &many), b = step_values_new(g, &one);
  fill(&r, a.x[0], a.x_count[0], 1);
  for (int i = 0; i < 2; i++) fill(&r, a.params[i], a.param_count[i], 0.5);
  for (int i = 0; i < 2; i++) memcpy(b.params[i], a.params[i], a.param_count[i] * sizeof(float));
  assert_true(step_run(&net_backend_winograd, &many, false, &a));
  for (size_t n = 0; n < 7; n++) {
    memcpy(b.x[0], a.x[0] + n * b.x_count[0], b.x_count[0] * sizeof(float));
    assert_true(step_run(&net_backend_winograd, &one, false, &b));
    assert_memory_equal(b.y, a.y + n * b.y_count, b.y_count * sizeof(float));
  }
  step_values_free(&a);
  step_values_free(&b);
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fused_pooling),
      cmocka_unit_test(test_an_image_alone_and_in_a_batch),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, NET_CPU_GENERIC);
}
