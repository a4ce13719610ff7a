/* What a result may depend on: seed and iteration; not the plan, the threads, the company of other
 * images. */
#include "plans.h"

static void dropout_follows_seed_and_iteration(void **state) {
  (void)state;
  net_graph *g = net_graph_new();
  net_dropout(g, "dropout", net_flatten(g, "flatten", net_input(g, 10, 10, 3)), 0.25f);
  plans_subject s = plans_finish(g);
  enum { BATCH = 4, COUNT = 4 * 300 };
  net_plan_options options = plans_how("onednn", BATCH, true);
  plans_results first = plans_run(&s, &options, 1), again = plans_run(&s, &options, 1),
                later = plans_run(&s, &options, 2);
  options.threads = 1;
  plans_results alone = plans_run(&s, &options, 1);
  options.seed = 6;
  plans_results other = plans_run(&s, &options, 1);
  options.training = false;
  plans_results none = plans_run(&s, &options, 1);
  plans_same_bits("the same iteration", first.logits, again.logits, COUNT);
  plans_same_bits("one thread", first.logits, alone.logits, COUNT);
  assert_memory_not_equal(first.logits, later.logits, COUNT * sizeof(float));
  assert_memory_not_equal(first.logits, other.logits, COUNT * sizeof(float));
  int dropped = 0;
  for (size_t i = 0; i < COUNT; i++) {
    if (first.logits[i] == 0) dropped++;
    else test_close("kept", (double)first.logits[i], (double)none.logits[i] / 0.75, 1e-6);
  }
  assert_in_range(dropped, COUNT / 4 - 60, COUNT / 4 + 60); /* 4 standard deviations */
  plans_results *all[] = {&first, &again, &later, &alone, &other, &none};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) plans_free_results(all[i]);
  plans_free_subject(&s);
}

static void equal_plans_give_equal_bits(void **state) {
  (void)state;
  for (int i = 0; i < PLANS_SUBJECTS; i++) {
    const char *name;
    plans_subject s = plans_make(i, &name);
    net_plan_options options = plans_how("onednn", 5, true);
    plans_results first = plans_run(&s, &options, 0), second = plans_run(&s, &options, 0);
    size_t outputs = 5 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    plans_same_bits(name, first.logits, second.logits, outputs);
    plans_same_bits(name, first.grads, second.grads, s.graph->param_floats);
    plans_same_bits(name, first.params, second.params, s.graph->param_floats);
    plans_free_results(&first);
    plans_free_results(&second);
    plans_free_subject(&s);
  }
}

/* In ref to the bit; oneDNN may add up in another order. */
static void threads_do_not_change_the_results(void **state) {
  (void)state;
  for (int i = 0; i < PLANS_SUBJECTS; i++)
    for (int training = 0; training < 2; training++) {
      const char *name;
      plans_subject s = plans_make(i, &name);
      size_t outputs = 5 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
      net_plan_options options = plans_how("ref", 5, training);
      plans_results two = plans_run(&s, &options, 0);
      options.threads = 1;
      plans_results one = plans_run(&s, &options, 0);
      plans_same_bits(name, one.logits, two.logits, outputs);
      if (training) plans_same_bits(name, one.grads, two.grads, s.graph->param_floats);
      if (training) plans_same_bits(name, one.params, two.params, s.graph->param_floats);
      plans_free_results(&one);
      plans_free_results(&two);
      options = plans_how("onednn", 5, training);
      two = plans_run(&s, &options, 0);
      options.threads = 1;
      one = plans_run(&s, &options, 0);
      plans_near(name, "logits", one.logits, two.logits, outputs, 1e-5);
      plans_free_results(&one);
      plans_free_results(&two);
      plans_free_subject(&s);
    }
}

/* An image's logits do not depend on the company it is computed in: to the bit, within one plan and
 * in plans of different batches. */
static void company_does_not_change_an_answer(void **state) {
  (void)state;
  static const struct {
    const char *backend;
    bool winograd;
  } ways[] = {{"ref", false}, {"onednn", false}, {"onednn", true}};
  enum { BATCH = 16 };
  for (int i = 0; i < PLANS_SUBJECTS; i++)
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
      const char *name;
      plans_subject s = plans_make(i, &name);
      leuko_error error = {0};
      net_plan *single, *many;
      net_plan_options options = plans_how(ways[w].backend, 1, false);
      options.winograd = ways[w].winograd;
      plans_ok(net_plan_new(s.graph, &options, &single, &error), &error);
      options.batch = BATCH;
      plans_ok(net_plan_new(s.graph, &options, &many, &error), &error);
      plans_ok(net_plan_bind(single, s.params, &error), &error);
      plans_ok(net_plan_bind(many, s.params, &error), &error);
      size_t image = plans_input_count(&s, 1), outputs = (size_t)net_plan_outputs(single);
      float *input = plans_floats(BATCH * image), *whole = plans_floats(BATCH * outputs);
      plans_fill(input, BATCH * image, 7);
      const float *logits;
      plans_ok(net_plan_forward_floats(many, input, BATCH, 0, &logits, &error), &error);
      memcpy(whole, logits, BATCH * outputs * sizeof *whole);
      static const int counts[] = {1, 5, 15};
      for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        plans_ok(net_plan_forward_floats(many, input, counts[c], 0, &logits, &error), &error);
        plans_same_bits(name, logits, whole, (size_t)counts[c] * outputs);
      }
      for (size_t k = 0; k < BATCH; k++) {
        plans_ok(net_plan_forward_floats(single, input + k * image, 1, 0, &logits, &error), &error);
        plans_same_bits(name, logits, whole + k * outputs, outputs);
      }
      free(input);
      free(whole);
      net_plan_free(single);
      net_plan_free(many);
      plans_free_subject(&s);
    }
}

/* Convolutions, normalization and pooling give the same bits in any batch, with any threads. */
static void company_does_not_change_features(void **state) {
  (void)state;
  enum { BATCH = 16 };
  for (int blocked = 0; blocked < 2; blocked++) {
    const int width = blocked ? 16 : 9;
    net_graph *g = net_graph_new();
    int x = net_relu(g, "r1", net_conv2d(g, "c1", net_input(g, 18, 18, 3), width, 3, 1, 0, true));
    x = net_conv2d(g, "c2", net_maxpool(g, "p1", x, 2, 2, 0), 2 * width, 3, 1, 1, false);
    x = net_relu(g, "r2", net_batchnorm(g, "n2", x, 1e-3f, 0.9f));
    net_avgpool(g, "average", net_conv2d(g, "c3", x, width, 1, 2, 0, true));
    plans_subject s = plans_finish(g);
    leuko_error error = {0};
    net_plan *single, *many;
    net_plan_options options = plans_how("onednn", 1, false);
    plans_ok(net_plan_new(s.graph, &options, &single, &error), &error);
    options.batch = BATCH;
    options.threads = 1;
    plans_ok(net_plan_new(s.graph, &options, &many, &error), &error);
    plans_ok(net_plan_bind(single, s.params, &error), &error);
    plans_ok(net_plan_bind(many, s.params, &error), &error);
    size_t image = plans_input_count(&s, 1), outputs = (size_t)net_plan_outputs(single);
    float *input = plans_floats(BATCH * image);
    plans_fill(input, BATCH * image, 7);
    const float *alone, *together;
    plans_ok(net_plan_forward_floats(many, input, BATCH, 0, &together, &error), &error);
    for (size_t k = 0; k < BATCH; k++) {
      plans_ok(net_plan_forward_floats(single, input + k * image, 1, 0, &alone, &error), &error);
      plans_same_bits("features", alone, together + k * outputs, outputs);
    }
    free(input);
    net_plan_free(single);
    net_plan_free(many);
    plans_free_subject(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dropout_follows_seed_and_iteration),
      cmocka_unit_test(equal_plans_give_equal_bits),
      cmocka_unit_test(threads_do_not_change_the_results),
      cmocka_unit_test(company_does_not_change_an_answer),
      cmocka_unit_test(company_does_not_change_features),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
