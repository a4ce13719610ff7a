#include "train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

static json_t *epoch_json(const train_epoch *e) {
  return json_pack("[o,o,o,o,o]", number_json(e->loss), number_json(e->accuracy),
                   number_json(e->val_loss), number_json(e->val_accuracy), number_json(e->val_auc));
}

static leuko_status save(const char *out, const char *name, target *t, json_t *training,
                         const safetensors_entry *extra, size_t extra_count, leuko_error *error) {
  if (!training) return error_set_memory(error, 0);
  model *m = &t->m;
  target_store(t);
  json_decref(m->training);
  m->training = training;
  char path[1024];
  leuko_status status = file_join(path, sizeof path, out, name, error);
  return status == LEUKO_OK ? model_save(path, m, extra, extra_count, error) : status;
}

leuko_status checkpoint_save_best(const char *out, target *t, float *params, const checkpoint *c,
                                  leuko_error *error) {
  const train_epoch *e = &c->history[c->best];
  json_t *training = json_pack("{s:i,s:f,s:f,s:o}", "epoch", c->best + 1, "val_loss", e->val_loss,
                               "val_accuracy", e->val_accuracy, "val_auc", number_json(e->val_auc));
  target before = *t;
  t->params = params;
  if (!t->frozen) t->m.params = params;
  leuko_status status = save(out, "best.safetensors", t, training, NULL, 0, error);
  t->params = before.params;
  t->m.params = before.m.params;
  return status;
}

/* What is kept beside each parameter. */
typedef struct {
  const char *prefix; /* of the tensor's name */
  float *values;      /* [param_floats]; NULL: not kept */
} beside;

static int list_beside(const checkpoint *c, beside out[3]) {
  out[0] = (beside){"adam/m", c->m};
  out[1] = (beside){"adam/v", c->v};
  out[2] = (beside){"average", c->average};
  return c->average ? 3 : 2;
}

static void entry_name(char *out, size_t size, const beside *what, const net_param *param) {
  snprintf(out, size, "%s/%s", what->prefix, param->name);
}

leuko_status checkpoint_save_last(const char *out, target *t, const checkpoint *c,
                                  leuko_error *error) {
  beside kept[3];
  const size_t kinds = (size_t)list_beside(c, kept), count = kinds * (size_t)t->graph->param_count;
  safetensors_entry *entries = calloc(count, sizeof *entries);
  char(*names)[96] = calloc(count, sizeof *names);
  json_t *history = json_array();
  leuko_status status = LEUKO_OK;
  if (!entries || !names || !history) status = error_set_memory(error, count * sizeof *entries);
  for (size_t i = 0; status == LEUKO_OK && i < count; i++) {
    const net_param *param = &t->graph->params[i / kinds];
    entry_name(names[i], sizeof names[i], &kept[i % kinds], param);
    entries[i] = (safetensors_entry){.name = names[i],
                                     .dtype = "F32",
                                     .rank = 1,
                                     .dims = {param->count},
                                     .data = kept[i % kinds].values + param->offset,
                                     .bytes = param->count * sizeof(float)};
  }
  for (int i = 0; status == LEUKO_OK && i < c->epochs; i++)
    json_array_append_new(history, epoch_json(&c->history[i]));
  if (status == LEUKO_OK)
    status = save(out, "last.safetensors", t,
                  json_pack("{s:i,s:I,s:i,s:O}", "epoch", c->epochs, "step", (json_int_t)c->step,
                            "best", c->best, "history", history),
                  entries, count, error);
  json_decref(history);
  free(entries);
  free(names);
  return status;
}

static bool read_epoch(json_t *row, train_epoch *out) {
  double *fields[] = {&out->loss, &out->accuracy, &out->val_loss, &out->val_accuracy,
                      &out->val_auc};
  if (json_array_size(row) != 5) return false;
  for (size_t i = 0; i < 5; i++) {
    json_t *value = json_array_get(row, i);
    if (!json_is_number(value) && !json_is_null(value)) return false;
    *fields[i] = json_is_null(value) ? (double)NAN : json_number_value(value);
  }
  return true;
}

static bool read_state(const model *m, checkpoint *c) {
  json_t *training = m->training, *history = json_object_get(training, "history");
  json_int_t step = json_integer_value(json_object_get(training, "step"));
  json_int_t best = json_integer_value(json_object_get(training, "best"));
  size_t epochs = json_array_size(history);
  if (step < 0 || epochs < 1 || best < 0 || (size_t)best >= epochs || epochs > (size_t)c->capacity)
    return false;
  c->step = (uint64_t)step;
  c->best = (int)best;
  c->epochs = (int)epochs;
  for (size_t i = 0; i < epochs; i++)
    if (!read_epoch(json_array_get(history, i), &c->history[i])) return false;
  return true;
}

static bool read_beside(const safetensors *file, const net_graph *graph, checkpoint *c) {
  beside kept[3];
  const int kinds = list_beside(c, kept);
  for (int i = 0; i < kinds * graph->param_count; i++) {
    const net_param *param = &graph->params[i / kinds];
    char name[96];
    entry_name(name, sizeof name, &kept[i % kinds], param);
    size_t count = 0;
    const float *values = safetensors_f32(file, name, &count);
    if (!values || count != param->count) return false;
    memcpy(kept[i % kinds].values + param->offset, values, count * sizeof *values);
  }
  return true;
}

leuko_status checkpoint_load(const char *out, target *t, checkpoint *c, leuko_error *error) {
  char path[1024];
  model stored;
  safetensors file;
  leuko_status status = file_join(path, sizeof path, out, "last.safetensors", error);
  if (status == LEUKO_OK) status = model_load(path, &stored, error);
  if (status != LEUKO_OK) return status;
  status = safetensors_open(path, &file, error);
  if (status == LEUKO_OK) {
    const net_graph *whole = t->m.graph;
    if (stored.graph->param_floats != whole->param_floats ||
        stored.graph->param_count != whole->param_count || !read_state(&stored, c) ||
        !read_beside(&file, t->graph, c))
      status = error_set(error, LEUKO_BAD_MODEL, path, "remove the run folder and train again",
                         "the checkpoint's optimizer state is not as documented");
    else memcpy(t->m.params, stored.params, whole->param_floats * sizeof *stored.params);
    target_fetch(t);
    safetensors_close(&file);
  }
  model_free(&stored);
  return status;
}
