/* Adam's step: by hand, against doubles, and where gradients end. */
#include "support.h"

#include <math.h>

#include "base/rng.h"
#include "train/adam.h"

#define COUNT 16 /* values of the kernel, the first of the parameters */
#define ROOM 64

static net_graph *small_layer(void) {
  net_graph *g = net_graph_new();
  assert_non_null(g);
  net_dense(g, "dense", net_input(g, 1, 1, COUNT), 1);
  assert_int_equal(g->params[0].offset, 0);
  assert_true(g->param_floats <= ROOM);
  return g;
}

/* p = 1, g = 2, lr = 0.1: m = 0.2, v = 0.004, the rate is 0.1 sqrt(0.001) / 0.1, and so nearly all
 * of 0.1 is taken off. */
static void the_first_step_by_hand(void **state) {
  (void)state;
  net_graph *g = small_layer();
  float p[ROOM] = {0}, grads[ROOM] = {0}, m[ROOM] = {0}, v[ROOM] = {0};
  for (int i = 0; i < COUNT; i++) {
    p[i] = 1;
    grads[i] = 2;
  }
  adam_step(g, 1, 0.1, grads, p, m, v, 1);
  for (int i = 0; i < COUNT; i++) {
    test_close("m", (double)m[i], 0.2, 1e-7);
    test_close("v", (double)v[i], 0.004, 1e-9);
    test_close("p", (double)p[i], 0.9, 1e-6);
  }
  net_graph_free(g);
}

static void many_steps_against_doubles(void **state) {
  (void)state;
  net_graph *g = small_layer();
  rng r = rng_open(3, RNG_TEST, 0, 0);
  float p[ROOM] = {0}, grads[ROOM] = {0}, m[ROOM] = {0}, v[ROOM] = {0};
  double q[COUNT] = {0}, dm[COUNT] = {0}, dv[COUNT] = {0};
  for (uint64_t t = 1; t <= 300; t++) {
    for (int i = 0; i < COUNT; i++) {
      grads[i] = (float)rng_normal(&r);
      dm[i] = 0.9 * dm[i] + 0.1 * (double)grads[i];
      dv[i] = 0.999 * dv[i] + 0.001 * (double)grads[i] * (double)grads[i];
      const double rate = 0.01 * sqrt(1 - pow(0.999, (double)t)) / (1 - pow(0.9, (double)t));
      q[i] -= rate * dm[i] / (sqrt(dv[i]) + 1e-7);
    }
    adam_step(g, t, 0.01, grads, p, m, v, 2);
  }
  for (int i = 0; i < COUNT; i++) test_close("p", (double)p[i], q[i], 1e-5);
  net_graph_free(g);
}

/* Without gradients the moments end at 0, not at numbers that are slow to compute with, and nothing
 * moves any more. */
static void moments_without_gradients_end(void **state) {
  (void)state;
  net_graph *g = small_layer();
  float p[ROOM] = {0}, before[ROOM], grads[ROOM] = {0}, m[ROOM] = {0}, v[ROOM] = {0};
  for (int i = 0; i < COUNT; i++) {
    p[i] = 0.5F;
    grads[i] = ldexpf(1, -4 * i); /* from 1 to 2^-60 */
  }
  adam_step(g, 1, 1e-3, grads, p, m, v, 1);
  memset(grads, 0, sizeof grads);
  for (uint64_t t = 2; t <= 1500; t++) {
    memcpy(before, p, sizeof p);
    adam_step(g, t, 1e-3, grads, p, m, v, 1);
    for (int i = 0; i < COUNT; i++) {
      assert_true(m[i] == 0 || fpclassify(m[i]) == FP_NORMAL);
      assert_true(v[i] == 0 || fpclassify(v[i]) == FP_NORMAL);
    }
  }
  assert_memory_equal(before, p, sizeof p);
  for (int i = 0; i < COUNT; i++) assert_true(m[i] == 0);
  net_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_step_by_hand),
      cmocka_unit_test(many_steps_against_doubles),
      cmocka_unit_test(moments_without_gradients_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
