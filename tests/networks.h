/* The networks of the fixtures that PyTorch has made (tests/oracle/torch_finetune.py): their
 * parameters and pixels come from a formula. */
#ifndef TESTS_NETWORKS_H
#define TESTS_NETWORKS_H

#include "fixture.h"
#include "formula.h"

#include "net/layout.h"
#include "zoo/zoo.h"

static inline void network_ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
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

static inline double network_part(const net_param *param, double h) {
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

static inline void network_fill(const net_graph *graph, float *params) {
  for (int p = 0; p < graph->param_count; p++)
    for (uint32_t i = 0; i < graph->params[p].count; i++)
      params[graph->params[p].offset + i] =
          (float)network_part(&graph->params[p], formula_uniform(i, (uint32_t)p));
}

static inline double network_real(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

static inline net_input_scaling network_scaling(const json_t *s) {
  net_input_scaling out = {.scale = (float)network_real(s, "scale"),
                           .reverse = json_is_true(json_object_get(s, "reverse"))};
  for (size_t c = 0; c < 3; c++) {
    out.mean[c] = (float)json_number_value(json_array_get(json_object_get(s, "mean"), c));
    out.deviation[c] = (float)json_number_value(json_array_get(json_object_get(s, "deviation"), c));
  }
  return out;
}

static inline network network_load(json_t *description) {
  network n = {.name = json_string_value(json_object_get(description, "name")),
               .description = description,
               .scaling = network_scaling(json_object_get(description, "scaling")),
               .batch = (int)network_real(description, "batch")};
  leuko_error error = {0};
  const char *form = json_string_value(json_object_get(description, "form"));
  network_ok(
      zoo_defaults(json_string_value(json_object_get(description, "network")), &n.options, &error),
      &error);
  n.options.size = (int)network_real(description, "size");
  if (form && strcmp(form, "torch") == 0) {
    n.options.form = ZOO_TORCH;
    n.options.epsilon = 1e-5;
  }
  network_ok(zoo_build(&n.options, &n.graph, &error), &error);
  n.params = aligned_alloc(64, n.graph->param_floats * sizeof *n.params);
  n.pixels = malloc((size_t)(n.batch * n.options.size * n.options.size * 3));
  assert_true(n.params && n.pixels);
  memset(n.params, 0, n.graph->param_floats * sizeof *n.params);
  network_fill(n.graph, n.params);
  return n;
}

static inline void network_release(network *n) {
  net_graph_free(n->graph);
  free(n->params);
  free(n->pixels);
}

static inline const float *network_stored(const network *n, const char *what, size_t count) {
  char full[128];
  size_t found = 0;
  snprintf(full, sizeof full, "%s/%s", n->name, what);
  const float *values = safetensors_f32(&fixture, full, &found);
  if (!values || found != count) fail_msg("%s: %zu values, not %zu", full, found, count);
  return values;
}

static inline void network_compare(const network *n, const char *how, const char *what, double got,
                                   double want, double allowed) {
  if (!(fabs(got - want) <= allowed))
    fail_msg("%s, %s: %s is %.9g, not %.9g (within %.2g)", n->name, how, what, got, want, allowed);
}

#endif
