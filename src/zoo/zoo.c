#include "zoo/zoo.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

leuko_status zoo_defaults(const char *name, zoo_options *out, leuko_error *error) {
  *out = (zoo_options){.size = 128,
                       .outputs = 1,
                       .blocks = 4,
                       .widths = {32, 64, 128, 128},
                       .dense = 512,
                       .dropout = 0};
  if (strcmp(name, "cnn") != 0)
    return error_set(error, LEUKO_ARGUMENT, name, "take cnn", "there is no network '%.40s'", name);
  snprintf(out->name, sizeof out->name, "%s", name);
  return LEUKO_OK;
}

leuko_status zoo_build(const zoo_options *options, net_graph **out, leuko_error *error) {
  *out = NULL;
  zoo_options known;
  leuko_status status = zoo_defaults(options->name, &known, error);
  if (status != LEUKO_OK) return status;
  net_graph *graph = net_graph_new();
  if (!graph) return error_set_memory(error, sizeof *graph);
  zoo_cnn(graph, options);
  status = net_graph_finish(graph, error);
  if (status != LEUKO_OK) {
    net_graph_free(graph);
    return status;
  }
  *out = graph;
  return LEUKO_OK;
}

json_t *zoo_to_json(const zoo_options *options) {
  json_t *widths = json_array();
  for (int i = 0; i < options->blocks; i++)
    json_array_append_new(widths, json_integer(options->widths[i]));
  return json_pack("{s:s,s:i,s:i,s:o,s:i,s:f}", "name", options->name, "size", options->size,
                   "outputs", options->outputs, "widths", widths, "dense", options->dense,
                   "dropout", options->dropout);
}

static bool read_int(json_t *object, const char *key, int low, int high, int *out) {
  json_t *value = json_object_get(object, key);
  if (!json_is_integer(value) || json_integer_value(value) < low ||
      json_integer_value(value) > high)
    return false;
  *out = (int)json_integer_value(value);
  return true;
}

leuko_status zoo_from_json(json_t *value, zoo_options *out, leuko_error *error) {
  const char *name = json_string_value(json_object_get(value, "name"));
  leuko_status status = zoo_defaults(name ? name : "", out, NULL);
  if (status != LEUKO_OK)
    return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "use the version that wrote the model",
                     "the network '%.40s' is not known", name ? name : "");
  json_t *widths = json_object_get(value, "widths");
  json_t *dropout = json_object_get(value, "dropout");
  size_t blocks = json_array_size(widths);
  bool good = read_int(value, "size", 8, 4096, &out->size) &&
              read_int(value, "outputs", 1, LEUKO_MAX_CLASSES, &out->outputs) &&
              read_int(value, "dense", 1, 1 << 16, &out->dense) && json_is_number(dropout) &&
              blocks >= 1 && blocks <= ZOO_MAX_BLOCKS;
  for (size_t i = 0; good && i < blocks; i++) {
    json_t *width = json_array_get(widths, i);
    good = json_is_integer(width) && json_integer_value(width) >= 1 &&
           json_integer_value(width) <= 1 << 14;
    if (good) out->widths[i] = (int)json_integer_value(width);
  }
  if (!good)
    return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, "use the version that wrote the model",
                     "the description of the network is not understood");
  out->blocks = (int)blocks;
  out->dropout = json_number_value(dropout);
  return LEUKO_OK;
}
