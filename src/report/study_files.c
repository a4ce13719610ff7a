/* What a run's folder holds: descriptions, model, curves, split, answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "evaluate/trust.h"
#include "report/study_parts.h"

leuko_status study_read_json(const char *folder, const char *name, json_t **out,
                             leuko_error *error) {
  char path[1024], *text;
  size_t size;
  leuko_status status = file_join(path, sizeof path, folder, name, error);
  if (status != LEUKO_OK || !file_exists(path)) return status;
  status = file_read(path, (size_t)64 << 20, &text, &size, error);
  if (status != LEUKO_OK) return status;
  json_t *value = json_loadb(text, size, 0, NULL);
  free(text);
  if (!json_is_object(value)) {
    json_decref(value);
    return error_set(error, LEUKO_BAD_DATA, path, "remove the file",
                     "not the JSON object that leuko writes");
  }
  *out = value;
  return LEUKO_OK;
}

static leuko_status read_model(study_run *run, const char *folder, leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, folder, "best.safetensors", error);
  if (status != LEUKO_OK || !file_exists(path)) return status;
  status = model_load(path, &run->m, error);
  run->has_model = status == LEUKO_OK;
  return status == LEUKO_OK ? hash_file(path, run->weights, error) : status;
}

/* Names, threshold and temperature: of the model, or of metrics.json, whose positive class is the
 * last. */
static leuko_status set_classes(study_run *run, leuko_error *error) {
  evaluate_input *in = &run->input;
  json_t *names = json_object_get(run->metrics, "classes");
  if (run->has_model) {
    in->class_count = run->m.class_count;
    in->positive = run->m.positive;
    in->threshold = run->m.threshold;
    in->temperature = run->m.temperature;
    in->fitted_on = json_string_value(json_object_get(run->m.operating_point, "data"));
  } else {
    json_t *threshold = json_object_get(run->metrics, "threshold");
    json_t *temperature =
        json_object_get(json_object_get(run->metrics, "calibration"), "temperature");
    in->class_count = (int)json_array_size(names);
    in->positive = in->class_count == 2 ? 1 : -1;
    in->threshold = json_is_number(threshold) ? json_number_value(threshold) : 0.5;
    in->temperature = json_is_number(temperature) ? json_number_value(temperature) : 1;
  }
  if (run->folds > 0) { /* pooled answers are those without a chosen operating point */
    in->threshold = 0.5;
    in->temperature = 1;
    in->fitted_on = NULL;
  }
  if (in->class_count < 2 || in->class_count > LEUKO_MAX_CLASSES)
    return error_set(error, LEUKO_NO_DATA, run->folder,
                     "name a run folder, or one that 'leuko evaluate --out' has written",
                     "neither a model (best.safetensors) nor scores (metrics.json) are in it");
  for (int c = 0; c < in->class_count; c++) {
    const char *name =
        run->has_model ? run->m.classes[c] : json_string_value(json_array_get(names, (size_t)c));
    snprintf(run->class_names[c], sizeof run->class_names[c], "%s", name ? name : "?");
    run->classes[c] = run->class_names[c];
  }
  in->classes = run->classes;
  return LEUKO_OK;
}

int study_class(const study_run *run, const char *name) {
  for (int c = 0; c < run->input.class_count; c++)
    if (strcmp(run->class_names[c], name) == 0) return c;
  return -1;
}

static int compare_places(const void *a, const void *b) {
  const study_place *x = a, *y = b;
  int by_name = strcmp(x->subject, y->subject);
  return by_name ? by_name : (x->part > y->part) - (x->part < y->part);
}

void study_count_subjects(study_place *places, size_t count, study_flow *flow) {
  qsort(places, count, sizeof *places, compare_places);
  for (size_t first = 0, end; first < count; first = end) {
    for (end = first + 1; end < count && strcmp(places[end].subject, places[first].subject) == 0;)
      end++;
    flow->subjects++;
    flow->train.subjects += places[first].part == 0;
    flow->test.subjects += places[end - 1].part > 0;
    flow->both_sides += places[first].part != places[end - 1].part;
  }
}

static leuko_status read_split(study_run *run, leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, run->folder, "split.csv", error);
  if (status != LEUKO_OK || !file_exists(path)) return status;
  csv table;
  status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  int subject = csv_column(&table, "subject"), label = csv_column(&table, "label"),
      part = csv_column(&table, "part");
  study_place *places = calloc(table.rows + 1, sizeof *places);
  size_t count = 0;
  if (!places) status = error_set_memory(error, table.rows * sizeof *places);
  else if (subject < 0 || label < 0 || part < 0)
    status = error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                       "the columns subject, label and part are needed");
  for (size_t r = 0; status == LEUKO_OK && r < table.rows; r++) {
    const bool test = strcmp(csv_field(&table, r, part), "test") == 0;
    study_side *side = test ? &run->flow.test : &run->flow.train;
    const int class = study_class(run, csv_field(&table, r, label));
    side->cells++;
    if (class >= 0) side->classes[class]++;
    const char *name = csv_field(&table, r, subject);
    if (name[0]) places[count++] = (study_place){name, test};
  }
  if (status == LEUKO_OK) {
    study_count_subjects(places, count, &run->flow);
    run->flow.split_known = true;
  }
  free(places);
  csv_free(&table);
  return status;
}

leuko_status study_read_files(study_run *run, leuko_error *error) {
  char path[1024], first[1024];
  leuko_status status = study_find_folds(run, error);
  /* What the folds have in common, the first one tells. */
  if (status == LEUKO_OK)
    status = file_join(first, sizeof first, run->folder, run->folds > 0 ? "fold-1" : ".", error);
  if (status == LEUKO_OK) status = study_read_json(first, "run.json", &run->description, error);
  if (status == LEUKO_OK)
    status = study_read_json(run->folder, "metrics.json", &run->metrics, error);
  if (status == LEUKO_OK) status = read_model(run, first, error);
  if (status == LEUKO_OK) status = set_classes(run, error);
  if (status == LEUKO_OK && run->folds > 0) return study_read_folds(run, error);
  if (status == LEUKO_OK) status = read_split(run, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, run->folder, "history.csv", error);
  if (status != LEUKO_OK || !file_exists(path)) return status;
  status = history_read(path, &run->curves, error);
  run->has_history = status == LEUKO_OK;
  return status == LEUKO_NO_DATA ? LEUKO_OK : status;
}

static void take_rows(study_run *run) {
  for (size_t r = 0; r < run->input.count; r++) {
    const prediction *row = &run->said.rows[r];
    run->samples[r] = (evaluate_sample){.path = row->path,
                                        .sha256 = row->sha256,
                                        .subject = row->subject,
                                        .label = row->label,
                                        .logits = row->logits,
                                        .status = row->status,
                                        .reason = row->reason};
  }
  run->input.samples = run->samples;
  run->input.rejects = run->said.has_reasons;
}

/* The column `person`, as numbers. */
static leuko_status take_persons(study_run *run, leuko_error *error) {
  const size_t count = run->input.count;
  if (!run->said.has_persons) return LEUKO_OK;
  const char **names = malloc((count + 1) * sizeof *names);
  size_t *numbers = malloc((count + 1) * sizeof *numbers), persons;
  run->groups = malloc((count + 1) * sizeof *run->groups);
  leuko_status status = LEUKO_OK;
  if (!names || !numbers || !run->groups) status = error_set_memory(error, count * sizeof *names);
  for (size_t i = 0; status == LEUKO_OK && i < count; i++) names[i] = run->said.rows[i].person;
  if (status == LEUKO_OK) status = evaluate_number_persons(names, count, numbers, &persons, error);
  for (size_t i = 0; status == LEUKO_OK && i < count; i++) run->groups[i] = (int)numbers[i];
  run->input.groups = run->groups;
  free(names);
  free(numbers);
  return status;
}

/* The column `fold`, from 1. */
static leuko_status take_folds(study_run *run, const char *path, leuko_error *error) {
  if (run->folds == 0) return LEUKO_OK;
  run->held_out = malloc((run->input.count + 1) * sizeof *run->held_out);
  if (!run->held_out) return error_set_memory(error, run->input.count * sizeof *run->held_out);
  for (size_t r = 0; r < run->input.count; r++) {
    run->held_out[r] = run->said.rows[r].fold - 1;
    if (run->held_out[r] < 0 || run->held_out[r] >= run->folds)
      return error_set(error, LEUKO_BAD_CSV, path, NULL, "'%.120s' is of none of the %d folds",
                       run->samples[r].path, run->folds);
  }
  run->input.folds = run->held_out;
  return LEUKO_OK;
}

leuko_status study_read_answers(study_run *run, bool *found, leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, run->folder, "predictions.csv", error);
  *found = status == LEUKO_OK && run->input.class_count == 2 && file_exists(path);
  if (!*found) return status;
  status = predictions_open(path, run->classes, 2, &run->said, error);
  if (status != LEUKO_OK) return status;
  run->input.count = run->said.count;
  run->samples = calloc(run->input.count + 1, sizeof *run->samples);
  if (!run->samples) return error_set_memory(error, run->input.count * sizeof *run->samples);
  take_rows(run);
  status = take_folds(run, path, error);
  return status == LEUKO_OK ? take_persons(run, error) : status;
}

static double number_of(json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static stats_interval interval_of(json_t *object, const char *key) {
  json_t *pair = json_object_get(object, key);
  if (json_array_size(pair) != 2) return (stats_interval){NAN, NAN};
  return (stats_interval){json_number_value(json_array_get(pair, 0)),
                          json_number_value(json_array_get(pair, 1))};
}

void study_read_baselines(study_run *run) {
  static const char *const names[EVALUATE_BASELINES] = {"cell area", "mean colour",
                                                        "ten simple measures"};
  evaluation *e = &run->scores;
  json_t *list = json_object_get(run->metrics, "baselines"), *one;
  size_t i;
  json_array_foreach(list, i, one) {
    const char *name = json_string_value(json_object_get(one, "name"));
    for (int b = 0; name && b < EVALUATE_BASELINES && e->baseline_count < EVALUATE_BASELINES; b++) {
      if (strcmp(name, names[b]) != 0) continue;
      e->baselines[e->baseline_count++] =
          (evaluate_baseline){.name = names[b],
                              .scores = {.n = e->n,
                                         .accuracy = number_of(one, "accuracy"),
                                         .balanced_accuracy = number_of(one, "balanced_accuracy"),
                                         .sensitivity = number_of(one, "sensitivity"),
                                         .specificity = number_of(one, "specificity"),
                                         .auc = number_of(one, "auc")},
                              .auc = interval_of(one, "auc_by_subject"),
                              .difference = number_of(one, "auc_difference"),
                              .by_subject = interval_of(one, "auc_difference_by_subject"),
                              .beaten = json_is_true(json_object_get(one, "beaten"))};
    }
  }
}
