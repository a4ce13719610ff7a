/* A plan and its callers: pixels in, wrong calls refused. */
#include "plans.h"

static void pixels_are_scaled_on_the_way_in(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_flatten(g, "flatten", net_input(g, 2, 2, 3));
  plans_subject s = plans_finish(g);
  net_plan_options options = plans_how("onednn", 2, false);
  options.scaling = (net_input_scaling){
      .scale = 1.0f / 255, .mean = {0.1f, 0.2f, 0.3f}, .deviation = {0.5f, 2, 4}, .reverse = true};
  leuko_error error = {0};
  net_plan *plan;
  plans_ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  plans_ok(net_plan_bind(plan, s.params, &error), &error);
  uint8_t pixels[24];
  for (int i = 0; i < 24; i++) pixels[i] = (uint8_t)(i * 11);
  const float *out;
  plans_ok(net_plan_forward(plan, pixels, 2, 0, &out, &error), &error);
  for (int i = 0; i < 24; i++) {
    int c = i % 3;
    double x = pixels[i - c + 2 - c] / 255.0;
    test_close("pixel", (double)out[i],
               (x - (double)options.scaling.mean[c]) / (double)options.scaling.deviation[c], 1e-6);
  }
  net_plan_free(plan);
  plans_free_subject(&s);
}

static void wrong_calls_are_refused(void **state) {
  (void)state;
  const char *name;
  plans_subject s = plans_make(0, &name);
  leuko_error error = {0};
  net_plan *plan;
  net_plan_options options = plans_how("abacus", 2, false);
  assert_int_equal(net_plan_new(s.graph, &options, &plan, &error), LEUKO_ARGUMENT);
  assert_null(plan);
  assert_non_null(strstr(error.message, "abacus"));
  options = plans_how("ref", 0, false);
  assert_int_equal(net_plan_new(s.graph, &options, &plan, &error), LEUKO_ARGUMENT);
  options = plans_how("ref", 2, false);
  plans_ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  float *input = plans_floats(plans_input_count(&s, 3));
  const float *logits;
  float dlogits[4] = {0};
  assert_int_equal(net_plan_forward_floats(plan, input, 1, 0, &logits, &error), LEUKO_ARGUMENT);
  plans_ok(net_plan_bind(plan, s.params, &error), &error);
  assert_int_equal(net_plan_forward_floats(plan, input, 3, 0, &logits, &error), LEUKO_ARGUMENT);
  assert_int_equal(net_plan_forward_floats(plan, input, 0, 0, &logits, &error), LEUKO_ARGUMENT);
  assert_int_equal(net_plan_backward(plan, dlogits, s.params, &error), LEUKO_ARGUMENT);
  net_plan_free(plan);
  free(input);
  plans_free_subject(&s);
}

typedef struct {
  int node, calls;
  size_t count;
} seen;

static void see(void *context, int node, const float *values, size_t count) {
  (void)values;
  *(seen *)context = (seen){node, ((seen *)context)->calls + 1, count};
}

/* Pooling that is computed with what it reads hides that: its maxima are shown in its name. */
static void a_watcher_sees_what_is_pooled(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  const int conv = net_conv2d(g, "conv", net_input(g, 8, 8, 3), 32, 3, 1, 1, true);
  const int relu = net_relu(g, "relu", conv);
  net_maxpool(g, "pool", relu, 2, 2, 0);
  plans_subject s = plans_finish(g);
  seen last = {0};
  net_plan_options options = plans_how("onednn", 1, false);
  options.watch = (net_watch){see, &last};
  leuko_error error = {0};
  net_plan *plan;
  plans_ok(net_plan_new(s.graph, &options, &plan, &error), &error);
  plans_ok(net_plan_bind(plan, s.params, &error), &error);
  float *input = plans_floats(plans_input_count(&s, 1));
  const float *out;
  plans_ok(net_plan_forward_floats(plan, input, 1, 0, &out, &error), &error);
  assert_int_equal(last.calls, 1);
  assert_int_equal(last.node, relu);
  assert_int_equal(last.count, 4 * 4 * 32);
  net_plan_free(plan);
  free(input);
  plans_free_subject(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pixels_are_scaled_on_the_way_in),
      cmocka_unit_test(wrong_calls_are_refused),
      cmocka_unit_test(a_watcher_sees_what_is_pooled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
