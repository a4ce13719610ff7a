#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "model/model.h"

typedef struct {
  const char *path;
  bool json;
} arguments;

static const struct argp_option options[] = {{"json", 'j', 0, 0, "print as JSON", 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case 'j':
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (a->path) argp_error(state, "one model is enough");
    a->path = arg;
    return 0;
  case ARGP_KEY_END:
    if (!a->path) argp_error(state, "the run folder or model file is missing");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static json_t *info_json(const model *m, const char *check) {
  json_t *classes = json_array();
  for (int c = 0; c < m->class_count; c++)
    json_array_append_new(classes, json_string(m->classes[c]));
  json_t *out =
      json_pack("{s:o,s:I,s:f,s:i,s:o,s:f,s:s,s:s,s:s}", "network", zoo_to_json(&m->net),
                "parameters", (json_int_t)model_parameter_count(m), "gflop_per_image",
                net_flop(m->graph) / 1e9, "crop", m->crop, "classes", classes, "threshold",
                m->threshold, "data", m->data, "version", m->version, "self_check", check);
  if (out && m->positive >= 0)
    json_object_set_new(out, "positive", json_string(m->classes[m->positive]));
  if (out) json_object_set_new(out, "temperature", json_real(m->temperature));
  if (out) json_object_set_new(out, "stain", json_string(stain_name(m->stain.method)));
  if (out && m->operating_point) json_object_set(out, "operating_point", m->operating_point);
  if (out && m->bf16.cells > 0)
    json_object_set_new(out, "bf16",
                        json_pack("{s:b,s:I,s:f,s:f,s:f,s:b}", "allowed", model_allows_bf16(m),
                                  "cells", (json_int_t)m->bf16.cells, "largest", m->bf16.largest,
                                  "median", m->bf16.median, "agreement", m->bf16.agreement, "half",
                                  m->bf16_half));
  if (out && m->int8.scales)
    json_object_set_new(
        out, "int8",
        json_pack("{s:b,s:I,s:f,s:f,s:f,s:f,s:f,s:s}", "allowed", model_allows_int8(m), "cells",
                  (json_int_t)m->int8.answers.cells, "largest", m->int8.answers.largest, "median",
                  m->int8.answers.median, "agreement", m->int8.answers.agreement, "auc",
                  m->int8.auc, "speed", m->int8.speed, "processor", m->int8.processor));
  /* The epochs' history belongs to history.csv. */
  json_t *training = m->training ? json_copy(m->training) : json_object();
  json_object_del(training, "history");
  if (out) json_object_set_new(out, "training", training);
  return out;
}

static void print_agreement(const char *type, bool allowed, const model_agreement *a) {
  printf(
      "\n%-12s %s: on %zu cells p differs by %.4f at most, by %.4f in the middle; %.1f %% of the "
      "answers are the same",
      type, allowed ? "allowed" : "only if asked for", a->cells, a->largest, a->median,
      100 * a->agreement);
}

static void print_info(const model *m, const char *check) {
  printf("network      %s, %d x %d pixels", m->net.name, m->net.size, m->net.size);
  if (m->crop) printf(" from the central %d", m->crop);
  if (m->stain.method != STAIN_AS_IS) printf(", colours by %s", stain_name(m->stain.method));
  printf("\nparameters   %zu, %.3f GFLOP an image\nclasses     ", model_parameter_count(m),
         net_flop(m->graph) / 1e9);
  for (int c = 0; c < m->class_count; c++)
    printf(" %s%s", m->classes[c], c == m->positive ? " (positive)" : "");
  if (m->positive >= 0) printf("\nthreshold    p(%s) >= %g", m->classes[m->positive], m->threshold);
  const char *chosen = json_string_value(json_object_get(m->operating_point, "chosen"));
  if (chosen) printf(", chosen by %s on the validation cells", chosen);
  printf("\ntemperature  %g", m->temperature);
  if (m->bf16.cells > 0)
    print_agreement(m->bf16_half ? "16 bits" : "bfloat16", model_allows_bf16(m), &m->bf16);
  if (m->int8.scales) {
    print_agreement("8 bits", model_allows_int8(m), &m->int8.answers);
    printf(", AUC %+.4f; %.2f times as fast (%s)", m->int8.auc, m->int8.speed, m->int8.processor);
  }
  json_t *epoch = json_object_get(m->training, "epoch");
  json_t *loss = json_object_get(m->training, "val_loss");
  if (epoch) printf("\ntrained      to epoch %lld", (long long)json_integer_value(epoch));
  if (loss) printf(", validation loss %.4f", json_number_value(loss));
  printf("\ndata         %s\nwritten by   leuko %s\nself-check   %s\n\n", m->data, m->version,
         check);
  int name_width = 14;
  for (int i = 0; i < m->graph->node_count; i++) {
    const int length = (int)strlen(m->graph->nodes[i].name);
    name_width = length > name_width ? length : name_width;
  }
  printf("%-*s %-15s %16s %12s\n", name_width, "layer", "operation", "output", "parameters");
  for (int i = 0; i < m->graph->node_count; i++) {
    const net_node *node = &m->graph->nodes[i];
    char shape[48];
    snprintf(shape, sizeof shape, "%d x %d x %d", node->shape.h, node->shape.w, node->shape.c);
    size_t count = 0;
    for (int p = 0; p < NET_MAX_PARAMS; p++)
      if (node->params[p] >= 0) count += m->graph->params[node->params[p]].count;
    printf("%-*s %-15s %16s", name_width, node->name, net_op_name(node->op), shape);
    if (count) printf(" %12zu", count);
    printf("\n");
  }
}

int command_info(int argc, char **argv) {
  arguments a = {0};
  static const struct argp parser = {options,
                                     parse,
                                     "RUN|MODEL.safetensors",
                                     "Tells what a model file holds and runs its self-check.",
                                     0,
                                     0,
                                     0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  leuko_error error = {0};
  model m;
  if (model_load(a.path, &m, &error) != LEUKO_OK) return cli_fail(&error);
  leuko_status checked = model_self_check(&m, &error);
  const char *check = checked == LEUKO_OK ? "passed" : "FAILED";
  int code = 0;
  if (a.json) code = cli_print_json(info_json(&m, check));
  else print_info(&m, check);
  if (checked != LEUKO_OK) {
    if (!error.file[0]) snprintf(error.file, sizeof error.file, "%s", a.path);
    code = cli_fail(&error);
  }
  model_free(&m);
  return code;
}
