/* What explains an answer, against PyTorch in float64 (tests/oracle/torch_explain.py): the cnn,
 * VGG16 and both forms of ResNet-50. */
#include "networks.h"

#include "explain/explain.h"

enum { SAMPLES = 64 };

static int open_fixture(void **state) {
  (void)state;
  return fixture_open("explain");
}

/* Ways of computing. Relative to a map's largest value PyTorch's own float32 is off by up to 3e-6
 * in Grad-CAM, 1e-5 in occlusion (where answers may come from Winograd's algorithm, ten times as
 * coarse), and 2e-3 in integrated gradients, where a relu near 0 chooses another side. */
static const struct { const char *name, *backend; } ways[] = {{"ref", "ref"}, {"onednn", "onednn"}};

/* Looks at the maps of the image of that number, one for each class. */
typedef void checker(const network *n, const char *way, int number, const explain_map maps[2]);

static void explain_case(const network *n, const char *way, const char *backend,
                         explain_method method, checker *check) {
  leuko_error error = {0};
  const model m = {.net = n->options,
                   .scaling = n->scaling,
                   .class_count = 2,
                   .positive = 1,
                   .graph = n->graph,
                   .params = n->params};
  explainer *e;
  network_ok(explain_open(&m, 2, backend, &e, &error), &error);
  const size_t bytes = (size_t)(n->options.size * n->options.size * 3);
  for (int number = 0; number < n->batch; number++) {
    explain_map maps[2];
    for (int label = 0; label < 2; label++)
      network_ok(
          explain_run(e, method, n->pixels + (size_t)number * bytes, label, &maps[label], &error),
          &error);
    check(n, way, number, maps);
    for (int label = 0; label < 2; label++) explain_map_free(&maps[label]);
  }
  explain_close(e);
}

/* Runs the method on the cases that have it; the reference is too slow for all but the cnn. */
static void each_case(explain_method method, const char *tensor, checker *check) {
  json_t *description;
  size_t i, found = 0;
  json_array_foreach(cases, i, description) {
    char name[96];
    snprintf(name, sizeof name, "%s/%s", json_string_value(json_object_get(description, "name")),
             tensor);
    if (!safetensors_f32(&fixture, name, &(size_t){0})) continue;
    network n = network_load(description);
    formula_pixels(n.batch, n.options.size, 1000, n.pixels);
    const bool small = strcmp(n.options.name, "cnn") == 0 && method != EXPLAIN_GRADIENTS;
    for (size_t w = small ? 0 : 1; w < sizeof ways / sizeof *ways; w++)
      explain_case(&n, ways[w].name, ways[w].backend, method, check);
    network_release(&n);
    found++;
  }
  assert_true(found > 0);
}

/* Maps of `count` classes from `label` on that the fixture holds whole, `allowed` relative to their
 * largest value. */
static void check_whole(const network *n, const char *way, int number, const explain_map *maps,
                        int label, int count, const char *tensor, double allowed) {
  const size_t places = (size_t)maps->side * (size_t)maps->side, values = (size_t)count * places;
  const float *want = network_stored(n, tensor, (size_t)n->batch * values);
  want += (size_t)number * values;
  double largest = 0;
  for (size_t i = 0; i < values; i++) largest = fmax(largest, fabs((double)want[i]));
  assert_true(largest > 0);
  for (size_t i = 0; i < values; i++)
    network_compare(n, way, tensor, (double)maps[(size_t)label + i / places].values[i % places],
                    (double)want[i], allowed * largest);
}

static void check_gradcam(const network *n, const char *way, int number,
                          const explain_map maps[2]) {
  check_whole(n, way, number, maps, 0, 2, "gradcam", 1e-4);
}

static void gradcam_is_that_of_pytorch(void **state) {
  (void)state;
  each_case(EXPLAIN_GRADCAM, "gradcam", check_gradcam);
}

static void check_plus(const network *n, const char *way, int number, const explain_map maps[2]) {
  check_whole(n, way, number, maps, 0, 2, "plus", 1e-4);
}

static void gradcam_plus_is_that_of_pytorch(void **state) {
  (void)state;
  each_case(EXPLAIN_GRADCAM_PLUS, "plus", check_plus);
}

static void check_occlusion(const network *n, const char *way, int number,
                            const explain_map maps[2]) {
  check_whole(n, way, number, maps, number % 2, 1, "occlusion", 1e-3);
}

static void occlusion_is_that_of_pytorch(void **state) {
  (void)state;
  each_case(EXPLAIN_OCCLUSION, "occlusion", check_occlusion);
}

static void check_gradients(const network *n, const char *way, int number,
                            const explain_map maps[2]) {
  const explain_map *map = &maps[number % 2];
  const uint32_t pixels = (uint32_t)(map->side * map->side), first = (uint32_t)number * SAMPLES;
  const float *want = network_stored(n, "gradients", (size_t)n->batch * SAMPLES) + first;
  const double largest = (double)network_stored(n, "largest", (size_t)n->batch)[number];
  double sum = 0;
  for (uint32_t i = 0; i < SAMPLES; i++) {
    const uint32_t at = formula_hashed(i, 3000 + (uint32_t)number) % pixels;
    network_compare(n, way, "an integrated gradient", (double)map->values[at], (double)want[i],
                    1e-2 * largest);
  }
  for (uint32_t i = 0; i < pixels; i++) sum += (double)map->values[i];
  const double whole = (double)network_stored(n, "sum", (size_t)n->batch)[number];
  network_compare(n, way, "their sum", sum, whole, 1e-2 * fabs(whole));
  /* Completeness: Sundararajan, Taly and Yan 2017, proposition 1. */
  network_compare(n, way, "the logit's change", map->whole, sum, 0.05 * fabs(whole));
}

static void integrated_gradients_are_those_of_pytorch(void **state) {
  (void)state;
  each_case(EXPLAIN_GRADIENTS, "gradients", check_gradients);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradcam_is_that_of_pytorch),
      cmocka_unit_test(gradcam_plus_is_that_of_pytorch),
      cmocka_unit_test(occlusion_is_that_of_pytorch),
      cmocka_unit_test(integrated_gradients_are_those_of_pytorch),
  };
  return cmocka_run_group_tests(tests, open_fixture, fixture_close);
}
