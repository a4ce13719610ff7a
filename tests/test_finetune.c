/* VGG16 and both forms of ResNet-50, whole, against PyTorch in float64: answers in inference, and
 * five steps of training. Parameters and pixels come from a formula; tests/oracle/torch_finetune.py
 * says which, and why the networks are not chaotic with it. */
#include "fixture.h"
#include "formula.h"

#include "net/loss.h"
#include "net/plan.h"
#include "train/adam.h"
#include "zoo/zoo.h"

enum { SAMPLES = 8, STEPS = 5 };

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static int open_fixture(void **state) {
  (void)state;
  return fixture_open("finetune");
}

/* A case of the fixture as leuko sees it. */
typedef struct {
  const char *name;
  json_t *description; /* borrowed */
  zoo_options options;
  net_input_scaling scaling;
  net_graph *graph;
  int batch;
  uint8_t *pixels; /* [batch][size][size][3] */
  float *params;
} network;

static double part_of(const net_param *param, double h) {
  const char *part = strrchr(param->name, '/') + 1;
  if (strcmp(part, "kernel") == 0) {
    double inputs = 1;
    for (int d = 0; d < param->rank - 1; d++) inputs *= param->dims[d];
    return h * sqrt(6 / inputs);
  }
  if (strcmp(part, "gamma") == 0) return (strstr(param->name, "_3_bn/") ? 0.25 : 1) * (1 + 0.3 * h);
  if (strcmp(part, "bias") == 0) return 0.1 * h;
  if (strcmp(part, "beta") == 0) return 0.2 * h;
  if (strcmp(part, "mean") == 0) return 0.3 * h;
  return 1 + 0.5 * h; /* variance */
}

static void fill_params(const net_graph *graph, float *params) {
  for (int p = 0; p < graph->param_count; p++)
    for (uint32_t i = 0; i < graph->params[p].count; i++)
      params[graph->params[p].offset + i] =
          (float)part_of(&graph->params[p], formula_uniform(i, (uint32_t)p));
}

static double real(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

static net_input_scaling scaling_of(const json_t *s) {
  net_input_scaling out = {.scale = (float)real(s, "scale"),
                           .reverse = json_is_true(json_object_get(s, "reverse"))};
  for (size_t c = 0; c < 3; c++) {
    out.mean[c] = (float)json_number_value(json_array_get(json_object_get(s, "mean"), c));
    out.deviation[c] = (float)json_number_value(json_array_get(json_object_get(s, "deviation"), c));
  }
  return out;
}

static network load(json_t *description) {
  network n = {.name = json_string_value(json_object_get(description, "name")),
               .description = description,
               .scaling = scaling_of(json_object_get(description, "scaling")),
               .batch = (int)real(description, "batch")};
  leuko_error error = {0};
  const char *form = json_string_value(json_object_get(description, "form"));
  ok(zoo_defaults(json_string_value(json_object_get(description, "network")), &n.options, &error),
     &error);
  n.options.size = (int)real(description, "size");
  if (form && strcmp(form, "torch") == 0) {
    n.options.form = ZOO_TORCH;
    n.options.epsilon = 1e-5;
  }
  ok(zoo_build(&n.options, &n.graph, &error), &error);
  n.params = aligned_alloc(64, n.graph->param_floats * sizeof *n.params);
  n.pixels = malloc((size_t)(n.batch * n.options.size * n.options.size * 3));
  assert_true(n.params && n.pixels);
  memset(n.params, 0, n.graph->param_floats * sizeof *n.params);
  fill_params(n.graph, n.params);
  return n;
}

static void release(network *n) {
  net_graph_free(n->graph);
  free(n->params);
  free(n->pixels);
}

static const float *stored(const network *n, const char *what, size_t count) {
  char full[128];
  size_t found = 0;
  snprintf(full, sizeof full, "%s/%s", n->name, what);
  const float *values = safetensors_f32(&fixture, full, &found);
  if (!values || found != count) fail_msg("%s: %zu values, not %zu", full, found, count);
  return values;
}

static void compare(const network *n, const char *how, const char *what, double got, double want,
                    double allowed) {
  if (!(fabs(got - want) <= allowed))
    fail_msg("%s, %s: %s is %.9g, not %.9g (within %.2g)", n->name, how, what, got, want, allowed);
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
  ok(net_plan_new(graph, &options, &plan, &error), &error);
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
  ok(zoo_build_base(&n->options, &base, &error), &error);
  float *params = aligned_alloc(64, base->param_floats * sizeof *params);
  assert_non_null(params);
  net_copy_params(n->graph, n->params, base, params);
  formula_pixels(n->batch, n->options.size, 1000, n->pixels);
  const float *features = stored(n, "features", batch * SAMPLES);
  const double largest = (double)*stored(n, "largest", 1);
  const float *logits = stored(n, "logits", batch);
  const double largest_logit = fmax(fabs((double)logits[0]), fabs((double)logits[1]));
  for (size_t w = first_way; w < sizeof ways / sizeof *ways; w++) {
    const float *got;
    net_plan *plan = plan_of(n, base, ways[w].backend, ways[w].winograd, false);
    const uint32_t width = (uint32_t)net_plan_outputs(plan);
    ok(net_plan_bind(plan, params, &error), &error);
    ok(net_plan_forward(plan, n->pixels, n->batch, 0, &got, &error), &error);
    for (uint32_t i = 0; i < batch * SAMPLES; i++) {
      uint32_t image = i / SAMPLES, at = formula_hashed(i % SAMPLES, 3000 + image) % width;
      compare(n, ways[w].name, "a feature", (double)got[image * width + at], (double)features[i],
              ways[w].allowed * largest);
    }
    net_plan_free(plan);
    plan = plan_of(n, n->graph, ways[w].backend, ways[w].winograd, false);
    ok(net_plan_bind(plan, n->params, &error), &error);
    ok(net_plan_forward(plan, n->pixels, n->batch, 0, &got, &error), &error);
    for (size_t i = 0; i < batch; i++)
      compare(n, ways[w].name, "a logit", (double)got[i], (double)logits[i],
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
    network n = load(description);
    check(&n);
    release(&n);
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
  const float *want = stored(n, "gradients", trainable * SAMPLES);
  const float *largest = stored(n, "gradient_largest", trainable);
  for (int p = 0; p < n->graph->param_count; p++) {
    const net_param *param = &n->graph->params[p];
    if (!param->trainable) continue;
    double scale = (double)largest[at];
    /* A bias before a batch normalization has no effect: its gradient, a sum like its kernel's just
     * before it, is 0 but for rounding. */
    if (strstr(param->name, "_conv/bias")) scale = fmax(scale, 0.01 * (double)largest[at - 1]);
    for (uint32_t i = 0; i < SAMPLES; i++) {
      size_t place = param->offset + formula_hashed(i, 2000 + (uint32_t)p) % param->count;
      compare(n, how, param->name, (double)grads[place], (double)want[at * SAMPLES + i],
              allowed * scale);
    }
    at++;
  }
}

static void check_running(const network *n, const char *how, const float *params) {
  size_t count = 0, at = 0;
  for (int p = 0; p < n->graph->param_count; p++) count += !n->graph->params[p].trainable;
  if (count == 0) return;
  const float *want = stored(n, "running", count * SAMPLES);
  const float *largest = stored(n, "running_largest", count);
  for (int p = 0; p < n->graph->param_count; p++) {
    const net_param *param = &n->graph->params[p];
    if (param->trainable) continue;
    for (uint32_t i = 0; i < SAMPLES; i++) {
      size_t place = param->offset + formula_hashed(i, 2000 + (uint32_t)p) % param->count;
      compare(n, how, param->name, (double)params[place], (double)want[at * SAMPLES + i],
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
  const double lr = real(n->description, "lr");
  const float *losses = stored(n, "losses", STEPS);
  const size_t floats = n->graph->param_floats;
  leuko_error error = {0};
  net_plan *plan = plan_of(n, n->graph, "onednn", winograd, true);
  float *grads = calloc(floats, sizeof *grads), *m = calloc(floats, sizeof *m);
  float *v = calloc(floats, sizeof *v), *dlogits = calloc((size_t)n->batch, sizeof *dlogits);
  int *labels = calloc((size_t)n->batch, sizeof *labels);
  assert_true(grads && m && v && dlogits && labels);
  for (int i = 0; i < n->batch; i++) labels[i] = i % 2;
  fill_params(n->graph, n->params);
  for (uint32_t t = 1; t <= STEPS; t++) {
    const float *logits;
    formula_pixels(n->batch, n->options.size, 1000 + t - 1, n->pixels);
    ok(net_plan_bind(plan, n->params, &error), &error);
    ok(net_plan_forward(plan, n->pixels, n->batch, t - 1, &logits, &error), &error);
    double loss = net_loss(logits, labels, n->batch, 1, NULL, dlogits).loss / n->batch;
    compare(n, how, "the loss", loss, (double)losses[t - 1], 1e-3 * (double)losses[t - 1]);
    ok(net_plan_backward(plan, dlogits, grads, &error), &error);
    if (t == 1) check_gradients(n, how, grads, GRADIENTS);
    adam_step(n->graph, t, lr, NULL, grads, n->params, m, v, 2);
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
