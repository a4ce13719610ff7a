/* Batch normalization folded into the convolution in front of it. */
#include "plans.h"

/* conv -> batchnorm -> relu in one step against the formula. */
static void folded_normalization_is_the_formula(void **state) {
  (void)state;
  static const char *const backends[] = {"ref", "onednn"};
  for (int bias = 0; bias < 2; bias++)
    for (int b = 0; b < 2; b++) {
      net_graph *whole = net_graph_new(), *bare = net_graph_new();
      int x = net_conv2d(whole, "conv", net_input(whole, 7, 7, 3), 16, 3, 1, 1, bias);
      net_relu(whole, "relu", net_batchnorm(whole, "norm", x, 1e-3f, 0.9f));
      net_conv2d(bare, "conv", net_input(bare, 7, 7, 3), 16, 3, 1, 1, bias);
      plans_subject folded = plans_finish(whole), plain = plans_finish(bare);
      memcpy(plain.params, folded.params, bare->param_floats * sizeof *plain.params);
      net_plan_options options = plans_how(backends[b], 2, false);
      plans_results got = plans_run(&folded, &options, 0), before = plans_run(&plain, &options, 0);
      const float *p[4];
      static const char *const names[] = {"norm/gamma", "norm/beta", "norm/mean", "norm/variance"};
      for (int i = 0; i < 4; i++)
        p[i] = folded.params + whole->params[net_find_param(whole, names[i])].offset;
      const size_t count = 2 * 7 * 7 * 16;
      for (size_t i = 0; i < count; i++) {
        size_t c = i % 16;
        double want = ((double)before.logits[i] - (double)p[2][c]) /
                          sqrt((double)p[3][c] + (double)1e-3f) * (double)p[0][c] +
                      (double)p[1][c];
        test_close(backends[b], (double)got.logits[i], fmax(want, 0), 1e-5);
      }
      plans_free_results(&got);
      plans_free_results(&before);
      plans_free_subject(&folded);
      plans_free_subject(&plain);
    }
}

static void folding_leaves_one_step_a_convolution(void **state) {
  (void)state;
  const char *name;
  plans_subject s = plans_make(6, &name);
  leuko_error error = {0};
  net_plan *plan;
  net_plan_options options = plans_how("ref", 1, false);
  plans_ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  for (int i = 0; i < net_plan_rows(plan); i++) {
    assert_string_not_equal(net_plan_row_at(plan, i).op, "batchnorm");
    assert_string_not_equal(net_plan_row_at(plan, i).op, "relu");
  }
  net_plan_free(plan);
  plans_free_subject(&s);
}

/* Normalization whose convolution has another reader cannot be folded into it. */
static void a_convolution_read_elsewhere_is_not_folded(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  int x = net_conv2d(g, "conv", net_input(g, 6, 6, 3), 4, 3, 1, 1, false);
  int y = net_batchnorm(g, "norm", x, 1e-3f, 0.9f);
  net_avgpool(g, "average", net_add(g, "add", x, y));
  plans_subject s = plans_finish(g);
  net_graph *bare = net_graph_new();
  net_conv2d(bare, "conv", net_input(bare, 6, 6, 3), 4, 3, 1, 1, false);
  plans_subject plain = plans_finish(bare);
  memcpy(plain.params, s.params, bare->param_floats * sizeof *plain.params);
  net_plan_options options = plans_how("ref", 1, false);
  plans_results got = plans_run(&s, &options, 0), before = plans_run(&plain, &options, 0);
  static const char *const names[] = {"norm/gamma", "norm/beta", "norm/mean", "norm/variance"};
  for (size_t c = 0; c < 4; c++) {
    double p[4], sum = 0;
    for (int i = 0; i < 4; i++)
      p[i] = (double)s.params[g->params[net_find_param(g, names[i])].offset + c];
    for (size_t i = 0; i < 36; i++) {
      double value = (double)before.logits[i * 4 + c];
      sum += value + (value - p[2]) / sqrt(p[3] + (double)1e-3f) * p[0] + p[1];
    }
    test_close("average", (double)got.logits[c], sum / 36, 1e-5);
  }
  plans_free_results(&got);
  plans_free_results(&before);
  plans_free_subject(&s);
  plans_free_subject(&plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(folded_normalization_is_the_formula),
      cmocka_unit_test(folding_leaves_one_step_a_convolution),
      cmocka_unit_test(a_convolution_read_elsewhere_is_not_folded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
