/* A cross-validation as it stands on disk: folds, their models and curves, who lies in which. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "dataset/folds.h"
#include "report/study_parts.h"

leuko_status study_find_folds(study_run *run, leuko_error *error) {
  char folds[1024], finished[1024];
  leuko_status status = file_join(folds, sizeof folds, run->folder, "folds.csv", error);
  if (status == LEUKO_OK)
    status = file_join(finished, sizeof finished, run->folder, "evaluation.json", error);
  if (status != LEUKO_OK || !file_exists(folds)) return status;
  if (!file_exists(finished))
    return error_set(error, LEUKO_NOT_FOUND, run->folder, "finish it with 'leuko train --resume'",
                     "the cross-validation is not finished");
  for (run->folds = 0; run->folds < FOLDS_MOST; run->folds++) {
    char name[32], path[1024];
    snprintf(name, sizeof name, "fold-%d", run->folds + 1);
    status = file_join(path, sizeof path, run->folder, name, error);
    if (status != LEUKO_OK || !file_exists(path)) break;
  }
  if (status == LEUKO_OK && run->folds < 2)
    status = error_set(error, LEUKO_NOT_FOUND, run->folder, "name the folder that holds them",
                       "the folders of its folds are not there");
  return status;
}

static leuko_status read_fold(study_run *run, int fold, leuko_error *error) {
  study_fold *out = &run->each[fold];
  char name[64], path[1024];
  snprintf(name, sizeof name, "fold-%d/best.safetensors", fold + 1);
  leuko_status status = file_join(path, sizeof path, run->folder, name, error);
  if (status == LEUKO_OK && file_exists(path)) status = hash_file(path, out->weights, error);
  snprintf(name, sizeof name, "fold-%d/history.csv", fold + 1);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, run->folder, name, error);
  if (status != LEUKO_OK || !file_exists(path)) return status;
  status = history_read(path, &out->curves, error);
  out->has_history = status == LEUKO_OK;
  return status == LEUKO_NO_DATA ? LEUKO_OK : status;
}

static leuko_status read_flow(study_run *run, leuko_error *error) {
  char path[1024];
  csv table;
  leuko_status status = file_join(path, sizeof path, run->folder, "folds.csv", error);
  if (status == LEUKO_OK) status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  const int subject = csv_column(&table, "subject"), label = csv_column(&table, "label"),
            fold = csv_column(&table, "fold");
  study_place *places = calloc(table.rows + 1, sizeof *places);
  size_t count = 0;
  if (!places) status = error_set_memory(error, table.rows * sizeof *places);
  else if (subject < 0 || label < 0 || fold < 0)
    status = error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                       "the columns subject, label and fold are needed");
  study_flow *flow = &run->flow;
  for (size_t r = 0; status == LEUKO_OK && r < table.rows; r++) {
    const int class = study_class(run, csv_field(&table, r, label));
    const char *name = csv_field(&table, r, subject);
    flow->test.cells++;
    if (class >= 0) flow->test.classes[class]++;
    if (name[0])
      places[count++] = (study_place){name, (int)strtol(csv_field(&table, r, fold), NULL, 10)};
  }
  if (status == LEUKO_OK) {
    study_count_subjects(places, count, flow);
    flow->split_known = true;
  }
  free(places);
  csv_free(&table);
  return status;
}

leuko_status study_read_folds(study_run *run, leuko_error *error) {
  run->each = calloc((size_t)run->folds, sizeof *run->each);
  leuko_status status = LEUKO_OK;
  if (!run->each) status = error_set_memory(error, (size_t)run->folds * sizeof *run->each);
  for (int f = 0; status == LEUKO_OK && f < run->folds; f++) status = read_fold(run, f, error);
  return status == LEUKO_OK ? read_flow(run, error) : status;
}

leuko_status study_parted_subjects(const dataset *set, size_t *subjects, leuko_error *error) {
  /* A group is numbered by one of its cells: the fold in which it was first seen, from 1. */
  int *first = calloc(set->count + 1, sizeof *first);
  bool *parted = calloc(set->count + 1, sizeof *parted);
  study_place *places = calloc(set->count + 1, sizeof *places);
  leuko_status status = LEUKO_OK;
  size_t count = 0;
  if (!first || !parted || !places) status = error_set_memory(error, set->count * sizeof *places);
  for (size_t i = 0; status == LEUKO_OK && i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    if (s->held_out < 0 || !s->subject[0]) continue;
    if (first[s->group] == 0) first[s->group] = s->held_out + 1;
    else parted[s->group] |= first[s->group] != s->held_out + 1;
  }
  for (size_t i = 0; status == LEUKO_OK && i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    if (s->held_out >= 0 && s->subject[0] && parted[s->group])
      places[count++] = (study_place){s->subject, 0};
  }
  study_flow counted = {0};
  if (count > 0) study_count_subjects(places, count, &counted);
  *subjects = counted.subjects;
  free(first);
  free(parted);
  free(places);
  return status;
}

leuko_status study_score_folds(study_run *run, leuko_error *error) {
  json_t *whole = NULL;
  leuko_status status = study_read_json(run->folder, "evaluation.json", &whole, error);
  json_t *list = json_object_get(whole, "per_fold");
  pooled_model *models = calloc((size_t)run->folds, sizeof *models);
  if (status == LEUKO_OK && !models)
    status = error_set_memory(error, (size_t)run->folds * sizeof *models);
  if (status == LEUKO_OK && json_array_size(list) != (size_t)run->folds)
    status = error_set(error, LEUKO_BAD_DATA, run->folder, "go on with 'leuko train --resume'",
                       "evaluation.json does not tell of the %d folds that are there", run->folds);
  for (int f = 0; status == LEUKO_OK && f < run->folds; f++) {
    json_t *one = json_array_get(list, (size_t)f),
           *temperature = json_object_get(one, "temperature"),
           *threshold = json_object_get(one, "threshold");
    models[f] = (pooled_model){
        .epoch = (int)json_integer_value(json_object_get(one, "epoch")),
        .temperature = json_number_value(temperature) > 0 ? json_number_value(temperature) : 1,
        .threshold = json_is_number(threshold) ? json_number_value(threshold) : 0.5};
  }
  if (status == LEUKO_OK)
    status =
        evaluate_pooled(&run->input, &run->scores, models, run->folds, &run->fold_scores, error);
  free(models);
  json_decref(whole);
  return status;
}
