#include "zoo/zoo.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* The networks: what they are, and the two parts that they are made of. */
static const struct {
  const char *name;
  int size, dense;
  bool pretrained;      /* the base is, on ImageNet */
  int first_stage;      /* a pretrained base ends behind one of these to ZOO_STAGES */
  const char *stage[2]; /* name of a stage's first node, before and behind its number */
  int (*base)(net_graph *graph, const zoo_options *options);
  int (*head)(net_graph *graph, const zoo_options *options, int x);
} networks[] = {
    {"cnn", 128, 512, false, ZOO_STAGES, {NULL, NULL}, zoo_cnn_base, zoo_cnn_head},
    {"vgg16", 224, 256, true, 1, {"block", "_conv1"}, zoo_vgg16_base, zoo_dense_head},
    {"resnet50", 224, 0, true, 2, {"conv", "_block1_0_conv"}, zoo_resnet50_base, zoo_dense_head},
};

static int find(const char *name) {
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
    if (strcmp(networks[i].name, name) == 0) return (int)i;
  return -1;
}

leuko_status zoo_defaults(const char *name, zoo_options *out, leuko_error *error) {
  int index = find(name);
  *out = (zoo_options){.outputs = 1,
                       .blocks = 4,
                       .widths = {32, 64, 128, 128},
                       .stages = ZOO_STAGES,
                       .form = ZOO_KERAS,
                       .epsilon = 1.001e-5};
  if (index < 0)
    return error_set(error, LEUKO_ARGUMENT, name, "take cnn, vgg16 or resnet50",
                     "there is no network '%.40s'", name);
  out->size = networks[index].size;
  out->dense = networks[index].dense;
  snprintf(out->name, sizeof out->name, "%s", name);
  return LEUKO_OK;
}

bool zoo_has_base(const zoo_options *options) {
  int index = find(options->name);
  return index >= 0 && networks[index].pretrained;
}

int zoo_last_stage(const zoo_options *options, const net_graph *graph) {
  char name[NET_NAME];
  const char *const *stage = networks[find(options->name)].stage;
  snprintf(name, sizeof name, "%s%d%s", stage[0], options->stages, stage[1]);
  return net_find_node(graph, name);
}

/* The layer that makes features of maps. */
static int maps_end(const net_graph *graph) {
  int average = net_find_node(graph, "avg_pool");
  return average >= 0 ? average : net_find_node(graph, "flatten");
}

int zoo_head(const zoo_options *options, const net_graph *graph) {
  return (zoo_has_base(options) ? maps_end(graph) : net_find_node(graph, "dense1_relu")) + 1;
}

int zoo_last_maps(const net_graph *graph) {
  int node = graph->nodes[maps_end(graph)].inputs[0];
  if (graph->nodes[node].op == NET_MAXPOOL) node = graph->nodes[node].inputs[0];
  return node;
}

typedef enum { WHOLE, BASE, HEAD } part;

static leuko_status build(const zoo_options *options, part which, int features, net_graph **out,
                          leuko_error *error) {
  *out = NULL;
  zoo_options known;
  leuko_status status = zoo_defaults(options->name, &known, error);
  if (status != LEUKO_OK) return status;
  const int index = find(options->name);
  if (!networks[index].pretrained && options->stages != ZOO_STAGES)
    return error_set(error, LEUKO_ARGUMENT, options->name, "leave out the stages",
                     "it has no base that could end at an earlier one");
  if (options->stages < networks[index].first_stage || options->stages > ZOO_STAGES)
    return error_set(error, LEUKO_ARGUMENT, options->name, "name one of these",
                     "its base ends behind one of the stages %d to %d", networks[index].first_stage,
                     ZOO_STAGES);
  if (!networks[index].pretrained && options->normalize)
    return error_set(error, LEUKO_ARGUMENT, options->name, "leave out the normalization",
                     "it has no base behind which features could be normalized");
  net_graph *graph = net_graph_new();
  if (!graph) return error_set_memory(error, sizeof *graph);
  if (which == HEAD) networks[index].head(graph, options, net_input(graph, 1, 1, features));
  else {
    int x = networks[index].base(graph, options);
    if (which == WHOLE) networks[index].head(graph, options, x);
  }
  status = net_graph_finish(graph, error);
  if (status != LEUKO_OK) {
    net_graph_free(graph);
    return status;
  }
  *out = graph;
  return LEUKO_OK;
}

leuko_status zoo_build(const zoo_options *options, net_graph **out, leuko_error *error) {
  return build(options, WHOLE, 0, out, error);
}

leuko_status zoo_build_base(const zoo_options *options, net_graph **out, leuko_error *error) {
  return build(options, BASE, 0, out, error);
}

leuko_status zoo_build_head(const zoo_options *options, int features, net_graph **out,
                            leuko_error *error) {
  return build(options, HEAD, features, out, error);
}

static const char *const forms[] = {[ZOO_KERAS] = "keras", [ZOO_TORCH] = "torch"};

json_t *zoo_to_json(const zoo_options *options) {
  json_t *out = json_pack("{s:s,s:i,s:i,s:f}", "name", options->name, "size", options->size,
                          "outputs", options->outputs, "dropout", options->dropout);
  if (strcmp(options->name, "cnn") == 0) {
    json_t *widths = json_array();
    for (int i = 0; i < options->blocks; i++)
      json_array_append_new(widths, json_integer(options->widths[i]));
    json_object_set_new(out, "widths", widths);
  }
  if (options->average) json_object_set_new(out, "pooling", json_string("average"));
  if (options->normalize) json_object_set_new(out, "normalize", json_true());
  if (options->stages != ZOO_STAGES)
    json_object_set_new(out, "stages", json_integer(options->stages));
  if (options->dense) json_object_set_new(out, "dense", json_integer(options->dense));
  if (strcmp(options->name, "resnet50") == 0) {
    json_object_set_new(out, "form", json_string(forms[options->form]));
    json_object_set_new(out, "epsilon", json_real(options->epsilon));
  }
  return out;
}

static bool read_int(json_t *object, const char *key, int low, int high, int *out) {
  json_t *value = json_object_get(object, key);
  if (!json_is_integer(value) || json_integer_value(value) < low ||
      json_integer_value(value) > high)
    return false;
  *out = (int)json_integer_value(value);
  return true;
}

static bool read_real(json_t *object, const char *key, double low, double high, double *out) {
  json_t *value = json_object_get(object, key);
  *out = json_number_value(value);
  return json_is_number(value) && *out >= low && *out <= high;
}

static bool read_widths(json_t *widths, zoo_options *out) {
  size_t blocks = json_array_size(widths);
  if (blocks < 1 || blocks > ZOO_MAX_BLOCKS) return false;
  for (size_t i = 0; i < blocks; i++) {
    json_t *width = json_array_get(widths, i);
    if (!json_is_integer(width) || json_integer_value(width) < 1 ||
        json_integer_value(width) > 1 << 14)
      return false;
    out->widths[i] = (int)json_integer_value(width);
  }
  out->blocks = (int)blocks;
  return true;
}

/* Named only where they are not the paper's. */
static bool read_pooling(json_t *value, zoo_options *out) {
  json_t *pooling = json_object_get(value, "pooling");
  const char *text = json_string_value(pooling);
  out->average = text && strcmp(text, "average") == 0;
  return !pooling || out->average;
}

static bool read_stages(json_t *value, zoo_options *out) {
  return !json_object_get(value, "stages") ||
         read_int(value, "stages", networks[find(out->name)].first_stage, ZOO_STAGES, &out->stages);
}

static bool read_normalize(json_t *value, zoo_options *out) {
  json_t *normalize = json_object_get(value, "normalize");
  out->normalize = json_is_true(normalize);
  return !normalize || json_is_boolean(normalize);
}

static bool read_form(json_t *value, zoo_options *out) {
  const char *text = json_string_value(json_object_get(value, "form"));
  for (int f = ZOO_KERAS; text && f <= ZOO_TORCH; f++)
    if (strcmp(text, forms[f]) == 0) {
      out->form = (zoo_form)f;
      return read_real(value, "epsilon", 1e-12, 1, &out->epsilon);
    }
  return false;
}

leuko_status zoo_from_json(json_t *value, zoo_options *out, leuko_error *error) {
  static const char newer[] = "use the version that wrote the model";
  const char *name = json_string_value(json_object_get(value, "name"));
  leuko_status status = zoo_defaults(name ? name : "", out, NULL);
  if (status != LEUKO_OK)
    return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, newer,
                     "the network '%.40s' is not known", name ? name : "");
  bool good = read_int(value, "size", 8, 4096, &out->size) &&
              read_int(value, "outputs", 1, LEUKO_MAX_CLASSES, &out->outputs) &&
              read_real(value, "dropout", 0, 0.999, &out->dropout);
  if (good && (out->dense || json_object_get(value, "dense")))
    good = read_int(value, "dense", 1, 1 << 16, &out->dense);
  if (good && strcmp(name, "cnn") == 0) good = read_widths(json_object_get(value, "widths"), out);
  good = good && read_pooling(value, out) && read_stages(value, out) && read_normalize(value, out);
  if (good && strcmp(name, "resnet50") == 0) good = read_form(value, out);
  if (good) return LEUKO_OK;
  return error_set(error, LEUKO_UNSUPPORTED_MODEL, NULL, newer,
                   "the description of the network is not understood");
}
