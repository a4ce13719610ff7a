/* VGG16 and both forms of ResNet-50, whole, against PyTorch in float64: answers in inference, and
 * five steps of training. Parameters and pixels come from a formula; tests/oracle/torch_finetune.py
 * says which, and why the networks are not chaotic with it. */
#include "networks.h"

#include "net/loss.h"
#include "net/plan.h"
#include "train/adam.h"

enum { SAMPLES = 8, STEPS = 5 };

static int open_fixture(void **state) {
  (void)state;
  return fixture_open("finetune");
}

static net_plan *plan_of(const network *n, const net_graph *graph, const char *backend,
                         bool winograd, bool training) {
  net_plan_options options = {.batch = n->batch,
                              .training = training,
                              .threads = 2,
                              .backend = backend,
                              .winograd = winograd,
                              .scaling = n->scaling,
                              .seed = 1};
  leuko_error error = {0};
  net_plan *plan;
  network_ok(net_plan_new(graph, &options, &plan, &error), &error);
  return plan;
}

/* Ways of computing in inference; `allowed` is relative to the largest feature, or logit. */
static const struct {
  const char *name, *backend;
  bool winograd;
  double allowed;
} ways[] = {
    {"ref", "ref", false, 1e-5},
    {"onednn", "onednn", false, 1e-4},
    {"onednn with Winograd", "onednn", true, 1e-3},
};

/* The base by itself gives the features, the whole the logits. */
static void check_inference(network *n, size_t first_way) {
  const size_t batch = (size_t)n->batch;
  leuko_error error = {0};
  net_graph *base;
  network_ok(zoo_build_base(&n->options, &base, &error), &error);
  float *params = aligned_alloc(64, base->param_floats * sizeof *params);
  assert_non_null(params);
  net_copy_params(n->graph, n->params, base, params);
  formula_pixels(n->batch, n->options.size, 1000, n->pixels);
  const float *features = network_stored(n, "features", batch * SAMPLES);
  const double largest = (double)*network_stored(n, "largest", 1);
  const float *logits = network_stored(n, "logits", batch);
  const double largest_logit = fmax(fabs((double)logits[0]), fabs((double)logits[1]));
  for (size_t w = first_way; w < sizeof ways / sizeof *ways; w++) {
    const float *got;
    net_plan *plan = plan_of(n, base, ways[w].backend, ways[w].winograd, false);
    const uint32_t width = (uint32_t)net_plan_outputs(plan);
    network_ok(net_plan_bind(plan, params, &error), &error);
    network_ok(net_plan_forward(plan, n->pixels, n->batch, 0, &got, &error), &error);
    for (uint32_t i = 0; i < batch * SAMPLES; i++) {
      uint32_t image = i / SAMPLES, at = formula_hashed(i % SAMPLES, 3000 + image) % width;
      network_compare(n, ways[w].name, "a feature", (double)got[image * width + at],
                      (double)features[i], ways[w].allowed * largest);
    }
    net_plan_free(plan);
    plan = plan_of(n, n->graph, ways[w].backend, ways[w].winograd, false);
    network_ok(net_plan_bind(plan, n->params, &error), &error);
    network_ok(net_plan_forward(plan, n->pixels, n->batch, 0, &got, &error), &error);
    for (size_t i = 0; i < batch; i++)
      network_compare(n, ways[w].name, "a logit", (double)got[i], (double)logits[i],
                      ways[w].allowed * largest_logit);
    net_plan_free(plan);
  }
  free(params);
  net_graph_free(base);
}

/* Runs `check` on the cases of that kind whose name has `prefix`. */
static void each_case(const char *kind, const char *prefix, void (*check)(network *n)) {
  json_t *description;
  size_t i, found = 0;
  json_array_foreach(cases, i, description) {
    const char *name = json_string_value(json_object_get(description, "name"));
    if (strcmp(json_string_value(json_object_get(description, "kind")), kind) != 0 ||
        strncmp(name, prefix, strlen(prefix)) != 0)
      continue;
    network n = network_load(description);
    check(&n);
    network_release(&n);
    found++;
  }
  assert_true(found > 0);
}

static void check_fast(network *n) {
  check_inference(n, 1);
}

static void check_all(network *n) {
  check_inference(n, 0);
}

static void answers_are_those_of_pytorch(void **state) {
  (void)state;
  each_case("inference", "vgg16", check_fast);
  each_case("inference", "resnet50_keras_64", check_all);
  each_case("inference", "resnet50_keras_97", check_fast);
  each_case("inference", "resnet50_torch", check_fast);
}

static void check_gradients(const network *n, const char *how, const float *grads, double allowed) {
  size_t trainable = 0, at = 0;
  for (int p = 0; p < n->graph->param_count; p++) trainable += n->graph->params[p].trainable;
  const float *want = network_stored(n, "gradients", trainable * SAMPLES);
  const float *largest = network_stored(n, "gradient_largest", trainable);
  for (int p = 0; p < n->graph->param_count; p++) {
    const net_param *param = &n->graph->params[p];
    if (!param->trainable) continue;
    double scale = (double)largest[at];
    /* A bias before a batch normalization has no effect: its gradient, a sum like its kernel's just
     * before it, is 0 but for rounding. */
    if (strstr(param->name, "_conv/bias")) scale = fmax(scale, 0.01 * (double)largest[at - 1]);
    for (uint32_t i = 0; i < SAMPLES; i++) {
      size_t place = param->offset + formula_hashed(i, 2000 + (uint32_t)p) % param->count;
      network_compare(n, how, param->name, (double)grads[place], (double)want[at * SAMPLES + i],
                      allowed * scale);
    }
    at++;
  }
}

static void check_running(const network *n, const char *how, const float *params) {
  size_t count = 0, at = 0;
  for (int p = 0; p < n->graph->param_count; p++) count += !n->graph->params[p].trainable;
  if (count == 0) return;
  const float *want = network_stored(n, "running", count * SAMPLES);
  const float *largest = network_stored(n, "running_largest", count);
  for (int p = 0; p < n->graph->param_count; p++) {
    const net_param *param = &n->graph->params[p];
    if (param->trainable) continue;
    for (uint32_t i = 0; i < SAMPLES; i++) {
      size_t place = param->offset + formula_hashed(i, 2000 + (uint32_t)p) % param->count;
      network_compare(n, how, param->name, (double)params[place], (double)want[at * SAMPLES + i],
                      1e-4 * (double)largest[at]);
    }
    at++;
  }
}

/* Among millions of values some lie so near to a relu's zero that another order of summing puts
 * them on its other side; in the last stage, where a channel has 32 values, one of them moves a
 * gradient by some per cent. */
#define GRADIENTS 0.05

/* Five steps of Adam from the initial parameters, each on pixels of its own. */
static void follow(network *n, const char *how, bool winograd) {
  const double lr = network_real(n->description, "lr");
  const float *losses = network_stored(n, "losses", STEPS);
  const size_t floats = n->graph->param_floats;
  leuko_error error = {0};
  net_plan *plan = plan_of(n, n->graph, "onednn", winograd, true);
  float *grads = calloc(floats, sizeof *grads), *m = calloc(floats, sizeof *m);
  float *v = calloc(floats, sizeof *v), *dlogits = calloc((size_t)n->batch, sizeof *dlogits);
  int *labels = calloc((size_t)n->batch, sizeof *labels);
  assert_true(grads && m && v && dlogits && labels);
  for (int i = 0; i < n->batch; i++) labels[i] = i % 2;
  network_fill(n->graph, n->params);
  for (uint32_t t = 1; t <= STEPS; t++) {
    const float *logits;
    formula_pixels(n->batch, n->options.size, 1000 + t - 1, n->pixels);
    network_ok(net_plan_bind(plan, n->params, &error), &error);
    network_ok(net_plan_forward(plan, n->pixels, n->batch, t - 1, &logits, &error), &error);
    double loss = net_loss(logits, labels, n->batch, 1, NULL, dlogits).loss / n->batch;
    network_compare(n, how, "the loss", loss, (double)losses[t - 1], 1e-3 * (double)losses[t - 1]);
    network_ok(net_plan_backward(plan, dlogits, grads, &error), &error);
    if (t == 1) check_gradients(n, how, grads, GRADIENTS);
    adam_step(n->graph, t, lr, grads, n->params, m, v, 2);
  }
  check_running(n, how, n->params);
  free(grads);
  free(m);
  free(v);
  free(dlogits);
  free(labels);
  net_plan_free(plan);
}

static void follow_with_winograd(network *n) {
  follow(n, "onednn with Winograd", true);
}

static void follow_both_ways(network *n) {
  follow(n, "onednn", false);
  follow_with_winograd(n);
}

static void resnet50_of_keras_learns_as_in_pytorch(void **state) {
  (void)state;
  each_case("training", "resnet50_keras", follow_both_ways);
}

static void resnet50_of_torch_learns_as_in_pytorch(void **state) {
  (void)state;
  each_case("training", "resnet50_torch", follow_with_winograd);
}

static void vgg16_learns_as_in_pytorch(void **state) {
  (void)state;
  each_case("training", "vgg16", follow_with_winograd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_those_of_pytorch),
      cmocka_unit_test(resnet50_of_keras_learns_as_in_pytorch),
      cmocka_unit_test(resnet50_of_torch_learns_as_in_pytorch),
      cmocka_unit_test(vgg16_learns_as_in_pytorch),
  };
  return cmocka_run_group_tests(tests, open_fixture, fixture_close);
}
