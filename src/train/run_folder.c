#include "train/run_folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/number.h"
#include "base/text.h"
#include "train/distill.h"

static json_t *teacher_json(const train_teacher *teacher) {
  json_t *models = json_array();
  for (int k = 0; k < teacher->count; k++)
    json_array_append_new(models, json_string(teacher->models[k].sha256));
  return json_pack("{s:f,s:o}", "label_weight", DISTILL_LABEL_WEIGHT, "models", models);
}

json_t *run_options_json(const train_data *data, const train_data_options *d,
                         const train_options *o) {
  json_t *split = json_pack("{s:s}", "by", d->split ? "csv" : split_kind_name(d->by));
  if (data->folds) {
    json_object_set_new(split, "folds", json_integer(data->folds));
    json_object_set_new(split, "fold", json_integer(data->fold + 1));
  } else if (!d->split) {
    json_object_set_new(split, "train_share",
                        json_real(d->train_share > 0 ? d->train_share : SPLIT_TRAIN_SHARE));
  }
  json_t *out =
      json_pack("{s:o,s:i,s:f,s:i,s:b,s:b,s:i,s:I,s:i,s:s,s:o,s:I,s:s}", "network",
                zoo_to_json(&o->net), "batch", o->batch, "lr", o->lr, "crop", d->crop, "augment",
                o->augment, "class_weights", o->class_weights, "patience", o->patience, "seed",
                (json_int_t)o->seed, "threads", o->threads, "backend", o->backend, "split", split,
                "limit", (json_int_t)d->limit, "data", data->fingerprint);
  static const char *const fine_tune[] = {
      [TRAIN_HEAD] = "none", [TRAIN_LAST] = "last", [TRAIN_ALL] = "all"};
  /* Runs that were started before there were these can still be resumed. */
  if (out && o->cosine) json_object_set_new(out, "cosine_epochs", json_integer(o->epochs));
  if (out && o->average > 0) json_object_set_new(out, "average", json_real(o->average));
  if (out && o->keep_last) json_object_set_new(out, "keep", json_string("last"));
  if (out && d->stain != STAIN_AS_IS)
    json_object_set_new(out, "stain", json_string(stain_name(d->stain)));
  if (out && o->precision != NET_F32)
    json_object_set_new(out, "precision", json_string(net_precision_name(o->precision)));
  if (out && o->jitter > 0) json_object_set_new(out, "jitter", json_real(o->jitter));
  if (out && o->teacher) json_object_set_new(out, "teacher", teacher_json(o->teacher));
  if (out && zoo_has_base(&o->net)) {
    json_object_set_new(out, "weights", json_string(o->weights_sha256));
    json_object_set_new(out, "preprocess",
                        json_string(o->preprocess == TRAIN_AS_PAPER ? "paper" : "weights"));
    json_object_set_new(out, "fine_tune", json_string(fine_tune[o->fine_tune]));
    if (o->fine_tune != TRAIN_HEAD) {
      json_object_set_new(out, "base_lr", json_real(o->base_lr));
      json_object_set_new(out, "warmup", json_integer(o->warmup));
    }
    json_object_set_new(out, "features", json_string(o->features_bf16 ? "bf16" : "f32"));
  }
  return out;
}

static void processor(char *out, size_t size) {
  snprintf(out, size, "unknown");
  FILE *info = fopen("/proc/cpuinfo", "re");
  char line[256];
  while (info && fgets(line, sizeof line, info)) {
    char *value = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !value) continue;
    value[strcspn(value, "\n")] = 0;
    snprintf(out, size, "%s", value + 1 + strspn(value + 1, " "));
    break;
  }
  if (info) fclose(info);
}

static json_t *describe_run(const train_data *data, const train_data_options *d,
                            const train_options *o, const net_plan *plan) {
  char cpu[128];
  processor(cpu, sizeof cpu);
  json_t *steps = json_array();
  for (int i = 0; i < net_plan_rows(plan); i++) {
    net_plan_row row = net_plan_row_at(plan, i);
    json_array_append_new(steps, json_pack("[s,s,s]", row.name, row.op, row.implementation));
  }
  json_t *out = json_pack(
      "{s:s,s:o,s:i,s:{s:o,s:I,s:I,s:I,s:I,s:I},s:{s:s,s:o}}", "leuko", LEUKO_VERSION, "options",
      run_options_json(data, d, o), "epochs", o->epochs, "cells", "folder", text_json(d->folder),
      "train", (json_int_t)data->train_count, "test", (json_int_t)data->test_count, "subjects",
      (json_int_t)data->leaks.subjects, "subjects_on_both_sides", (json_int_t)data->leaks.leaking,
      "refused", (json_int_t)(data->set.refused + data->pixels.refused), "machine", "processor",
      cpu, "implementations", steps);
  json_t *teachers = out && o->teacher ? json_array() : NULL;
  for (int k = 0; teachers && k < o->teacher->count; k++)
    json_array_append_new(teachers, text_json(o->teacher->models[k].path));
  if (teachers) json_object_set_new(out, "teacher", teachers);
  return out;
}

/* Names the first key in which two objects differ, or NULL. */
static const char *difference(json_t *a, json_t *b) {
  const char *key;
  json_t *value;
  json_object_foreach(a, key, value) if (!json_equal(value, json_object_get(b, key))) return key;
  json_object_foreach(b, key, value) if (!json_object_get(a, key)) return key;
  return NULL;
}

static leuko_status check_same(const char *path, const train_data *data,
                               const train_data_options *d, const train_options *o,
                               leuko_error *error) {
  char *text;
  size_t size;
  leuko_status status = file_read(path, (size_t)64 << 20, &text, &size, error);
  if (status != LEUKO_OK) return status;
  json_t *stored = json_loads(text, 0, NULL), *wanted = run_options_json(data, d, o);
  free(text);
  json_t *options = json_object_get(stored, "options");
  if (!json_is_object(options))
    status = error_set(error, LEUKO_MISMATCH, path, "choose another --out", "not a run of leuko");
  else {
    const char *key = difference(wanted, options);
    if (key)
      status = error_set(error, LEUKO_MISMATCH, path,
                         "repeat the run's own options, or choose another --out",
                         "the run was started with another '%s'", key);
  }
  json_decref(stored);
  json_decref(wanted);
  return status;
}

leuko_status run_write_description(const train_data *data, const train_data_options *d,
                                   const train_options *o, const net_plan *plan,
                                   leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, o->out, "run.json", error);
  if (status != LEUKO_OK) return status;
  json_t *run = describe_run(data, d, o, plan);
  char *text = run ? json_dumps(run, JSON_INDENT(2)) : NULL;
  json_decref(run);
  if (!text) return error_set_memory(error, 0);
  status = file_write_all(path, text, strlen(text), error);
  free(text);
  return status;
}

leuko_status run_folder_open(const train_data *data, const train_data_options *d,
                             const train_options *o, bool *resumes, leuko_error *error) {
  char run[1024], last[1024], split[1024], folds[1024];
  leuko_status status = file_make_folders(o->out, error);
  if (status == LEUKO_OK) status = file_join(run, sizeof run, o->out, "run.json", error);
  if (status == LEUKO_OK) status = file_join(last, sizeof last, o->out, "last.safetensors", error);
  if (status == LEUKO_OK) status = file_join(split, sizeof split, o->out, "split.csv", error);
  if (status == LEUKO_OK) status = file_join(folds, sizeof folds, o->out, "folds.csv", error);
  if (status != LEUKO_OK) return status;
  *resumes = false;
  if (file_exists(folds))
    return error_set(error, LEUKO_ARGUMENT, o->out, "pass --folds, or choose another --out",
                     "the folder holds a cross-validation");
  if (file_exists(run)) {
    if (!o->resume)
      return error_set(error, LEUKO_ARGUMENT, o->out, "pass --resume, or choose another --out",
                       "the folder already holds a run");
    status = check_same(run, data, d, o, error);
    if (status == LEUKO_OK) file_remove_leftovers(o->out);
    *resumes = file_exists(last);
  }
  if (status == LEUKO_OK) status = dataset_write_split(&data->set, split, error);
  return status;
}

leuko_status train_finished(const train_data *data, const train_data_options *d,
                            const train_options *o, bool *out, leuko_error *error) {
  char run[1024], path[1024];
  *out = false;
  leuko_status status = file_join(run, sizeof run, o->out, "run.json", error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, o->out, "history.csv", error);
  if (status != LEUKO_OK || !file_exists(run)) return status;
  status = check_same(run, data, d, o, error);
  csv table;
  if (status != LEUKO_OK || csv_read(path, ',', &table, NULL) != LEUKO_OK) return status;
  const int column = csv_column(&table, "val_loss");
  double lowest = INFINITY;
  size_t best = 0;
  for (size_t i = 0; column >= 0 && i < table.rows; i++) {
    double loss = number_read(csv_field(&table, i, column), NULL);
    if (!(loss < lowest)) continue;
    lowest = loss;
    best = i;
  }
  *out = table.rows >= (size_t)o->epochs ||
         (o->patience > 0 && table.rows > best + (size_t)o->patience);
  csv_free(&table);
  return LEUKO_OK;
}

leuko_status run_write_history(const char *out, const train_epoch *history, int epochs,
                               leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, out, "history.csv", error);
  file_writer writer;
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer, "epoch,loss,accuracy,val_loss,val_accuracy,val_auc,seconds\n");
  for (int i = 0; i < epochs; i++) {
    const train_epoch *e = &history[i];
    file_printf(&writer, "%d,%.6f,%.6f,%.6f,%.6f,", i + 1, e->loss, e->accuracy, e->val_loss,
                e->val_accuracy);
    if (isfinite(e->val_auc)) file_printf(&writer, "%.6f", e->val_auc);
    if (isfinite(e->seconds)) file_printf(&writer, ",%.2f\n", e->seconds);
    else file_printf(&writer, ",\n");
  }
  return file_writer_commit(&writer, error);
}

void run_read_seconds(const char *out, train_epoch *history, int epochs) {
  char path[1024];
  csv table;
  for (int i = 0; i < epochs; i++) history[i].seconds = NAN;
  if (file_join(path, sizeof path, out, "history.csv", NULL) != LEUKO_OK ||
      csv_read(path, ',', &table, NULL) != LEUKO_OK)
    return;
  int column = csv_column(&table, "seconds");
  for (size_t i = 0; column >= 0 && i < table.rows && i < (size_t)epochs; i++) {
    const char *text = csv_field(&table, i, column);
    if (*text) history[i].seconds = number_read(text, NULL);
  }
  csv_free(&table);
}
