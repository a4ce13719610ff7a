#include "report/study.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "dataset/folds.h"
#include "dataset/labels.h"
#include "dataset/split.h"
#include "evaluate/answers.h"
#include "evaluate/subjects.h"
#include "evaluate/trust.h"
#include "report/study_parts.h"

json_t *study_option(const study_run *run, const char *key) {
  return json_object_get(json_object_get(run->description, "options"), key);
}

bool study_keeps_last(const study_run *run) {
  return study_option(run, "keep") != NULL;
}

int study_positive(const study_run *run) {
  for (int c = 0; run->set && c < run->set->class_count; c++)
    if (run->scores.class_count == 2 &&
        strcasecmp(run->set->classes[c], run->scores.classes[run->scores.positive]) == 0)
      return c;
  return -1;
}

bool study_wants_baselines(const study_run *run) {
  return run->set && run->flow.split_known && run->folds == 0 && run->scores.class_count == 2 &&
         run->scores.baseline_count == 0;
}

static bool is_taken(const study *s, const char *name) {
  for (size_t i = 0; i < s->count; i++)
    if (strcmp(s->runs[i].name, name) == 0) return true;
  for (size_t i = 0; i < s->other_count; i++)
    if (strcmp(s->others[i].name, name) == 0) return true;
  return false;
}

void study_set_name(const study *s, const char *folder, char *out, size_t size) {
  char whole[PATH_MAX];
  const char *path = realpath(folder, whole) ? whole : folder, *slash = strrchr(path, '/');
  snprintf(out, size - 8, "%.80s", slash && slash[1] ? slash + 1 : path);
  const size_t length = strlen(out);
  for (size_t number = 2; is_taken(s, out); number++)
    snprintf(out + length, size - length, "-%zu", number);
}

/* The set of that folder, scanned now or before. */
static leuko_status open_set(study *s, const char *folder, const progress *p, dataset **out,
                             leuko_error *error) {
  char whole[PATH_MAX];
  if (realpath(folder, whole))
    for (size_t i = 0; i < s->set_count; i++)
      if (strcmp(s->sets[i]->root, whole) == 0) {
        *out = s->sets[i];
        return LEUKO_OK;
      }
  dataset *set = calloc(1, sizeof *set);
  if (!set) return error_set_memory(error, sizeof *set);
  leuko_status status = dataset_scan(folder, NULL, p, set, error);
  if (status != LEUKO_OK) {
    free(set);
    return status;
  }
  s->sets[s->set_count++] = *out = set;
  return LEUKO_OK;
}

static void count_scan(study_run *run, const dataset_ties *ties) {
  study_flow *flow = &run->flow;
  const dataset *set = run->set;
  flow->scanned = true;
  flow->files = set->count;
  flow->refused = set->refused;
  flow->identical = ties->twins;
  flow->persons = ties->persons;
  for (size_t i = 0; i < set->count; i++) {
    const dataset_sample *sample = &set->samples[i];
    if (sample->status != LEUKO_OK) continue;
    flow->unlabelled += sample->label < 0;
    flow->aside += sample->label >= 0 &&
                   (run->folds > 0 ? sample->held_out < 0 : sample->part == DATASET_NONE);
  }
  if (run->folds > 0) return;
  split_leaks leaks;
  dataset_leaks(set, &leaks);
  if (!flow->split_known) return;
  flow->both_sides = leaks.leaking;
  flow->parted = leaks.twins;
}

/* Finds the run's cells, sets their sides and says which subjects are one person. */
static leuko_status find_cells(study *s, study_run *run, const study_options *options,
                               const progress *p, leuko_error *error) {
  const char *folder = options->data;
  if (!folder)
    folder =
        json_string_value(json_object_get(json_object_get(run->description, "cells"), "folder"));
  if (!folder || !file_is_folder(folder)) {
    snprintf(run->remark, sizeof run->remark, "%s",
             folder ? "the folder of cells that the run was made from is not there"
                    : "no folder of cells is known");
    if (!options->data) return LEUKO_OK;
    return error_set(error, LEUKO_NOT_FOUND, folder, NULL, "no such folder of cells");
  }
  char split[1024], beside[1024];
  dataset_ties ties;
  leuko_error failure = {0};
  leuko_status status = open_set(s, folder, p, &run->set, &failure);
  if (status == LEUKO_OK)
    status = file_join(split, sizeof split, run->folder, run->folds > 0 ? "folds.csv" : "split.csv",
                       &failure);
  int folds;
  if (status == LEUKO_OK && run->folds > 0)
    status = dataset_read_folds(run->set, split, &folds, &failure);
  else if (status == LEUKO_OK && run->flow.split_known)
    status = dataset_read_split(run->set, split, &failure);
  const char *manifest = options->manifest;
  if (status == LEUKO_OK && !manifest &&
      dataset_find_manifest(run->set->root, beside, sizeof beside))
    manifest = beside;
  if (status == LEUKO_OK) status = dataset_tie(run->set, manifest, &ties, &failure);
  if (status == LEUKO_OK && run->folds > 0)
    status = study_parted_subjects(run->set, &run->flow.both_sides, &failure);
  if (status == LEUKO_OK) {
    count_scan(run, &ties);
    return LEUKO_OK;
  }
  run->set = NULL;
  /* A folder that the caller named has to fit; the one of long ago may have changed since. */
  if (options->data || status == LEUKO_NO_MEMORY || status == LEUKO_INTERRUPTED) {
    if (error) *error = failure;
    return status;
  }
  snprintf(run->remark, sizeof run->remark, "the folder of cells no longer fits the run: %.200s",
           failure.message);
  return LEUKO_OK;
}

/* Where the file does not tell which subjects are one person, the folder of cells does. */
static leuko_status take_groups(study_run *run, leuko_error *error) {
  if (run->groups || !run->set) return LEUKO_OK;
  run->groups = malloc((run->input.count + 1) * sizeof *run->groups);
  if (!run->groups) return error_set_memory(error, run->input.count * sizeof *run->groups);
  for (size_t i = 0; i < run->input.count; i++) {
    size_t at = labels_find_path(run->set, run->samples[i].path);
    if (at == run->set->count) {
      free(run->groups);
      run->groups = NULL;
      return LEUKO_OK;
    }
    run->groups[i] = run->set->samples[at].group;
  }
  run->input.groups = run->groups;
  return LEUKO_OK;
}

static leuko_status list_counted(study_run *run, leuko_error *error) {
  run->counted = malloc((run->scores.n + 1) * sizeof *run->counted);
  if (!run->counted) return error_set_memory(error, run->scores.n * sizeof *run->counted);
  size_t n = 0;
  for (size_t i = 0; i < run->input.count; i++)
    if (evaluate_counts(&run->samples[i])) run->counted[n++] = i;
  return LEUKO_OK;
}

void study_name_classes(char (*classes)[32], int count) {
  for (int c = 0; c < count; c++) {
    if (strcasecmp(classes[c], "all") == 0) strcpy(classes[c], "ALL");
    if (strcasecmp(classes[c], "hem") == 0) strcpy(classes[c], "HEM");
  }
}

static leuko_status answer(study_run *run, const study_options *options, const progress *p,
                           leuko_error *error) {
  bool found = false;
  leuko_status status = study_read_answers(run, &found, error);
  if (status != LEUKO_OK || found) return status;
  if (run->folds > 0)
    return error_set(error, LEUKO_NO_DATA, run->folder, "name its folds one by one",
                     run->input.class_count > 2
                         ? "a cross-validation of more than two classes has no report"
                         : "the cross-validation holds no answers (predictions.csv)");
  if (!run->has_model)
    return error_set(error, LEUKO_NO_DATA, run->folder,
                     "name a run folder, or one that 'leuko evaluate --out' has written",
                     "there are neither answers (predictions.csv) nor a model "
                     "(best.safetensors) in it");
  if (run->flow.split_known && run->flow.test.cells == 0)
    return error_set(error, LEUKO_NO_DATA, run->folder,
                     "name the folder of its cross-validation, or what 'leuko evaluate --out' has "
                     "written of cells of other persons",
                     "the model was trained on all cells, so there is none to score it by");
  if (!run->set)
    return error_set(error, LEUKO_NO_DATA, run->folder, "name the folder of cells with --data DIR",
                     "the run's answers are not in its folder, and %s", run->remark);
  return study_make_answers(run, &options->how, p, error);
}

leuko_status study_add(study *s, const char *folder, const study_options *options,
                       const progress *p, leuko_error *error) {
  if (s->count == STUDY_RUNS)
    return error_set(error, LEUKO_TOO_LARGE, folder, NULL, "%d runs are the most", STUDY_RUNS);
  study_run *run = &s->runs[s->count];
  if (!file_is_folder(folder))
    return error_set(error, LEUKO_NOT_FOUND, folder, "name a run folder", "no such folder");
  *run = (study_run){0};
  snprintf(run->folder, sizeof run->folder, "%s", folder);
  study_set_name(s, folder, run->name, sizeof run->name);
  s->count++;
  leuko_status status = study_read_files(run, error);
  if (status == LEUKO_OK) status = study_read_stress(s, run, error);
  if (status == LEUKO_OK) status = find_cells(s, run, options, p, error);
  if (status == LEUKO_OK) status = answer(run, options, p, error);
  if (status == LEUKO_OK) status = take_groups(run, error);
  if (status == LEUKO_OK) status = evaluate_samples(&run->input, &run->scores, error);
  if (status == LEUKO_OK && run->folds > 0) status = study_score_folds(run, error);
  if (status == LEUKO_OK) status = list_counted(run, error);
  if (status != LEUKO_OK) return status;
  study_read_baselines(run);
  study_name_classes(run->scores.classes, run->scores.class_count);
  return LEUKO_OK;
}

/* The run's answers as `leuko compare` takes them. Strings stay the run's. */
static leuko_status to_answers(const study_run *run, answers *out, leuko_error *error) {
  const evaluation *e = &run->scores;
  const char **persons = calloc(run->input.count + 1, sizeof *persons);
  *out = (answers){.cells = calloc(e->n + 1, sizeof *out->cells),
                   .persons = run->input.groups != NULL};
  leuko_status status = LEUKO_OK;
  if (!persons || !out->cells) status = error_set_memory(error, e->n * sizeof *out->cells);
  if (status == LEUKO_OK) status = evaluate_person_names(&run->input, persons, error);
  if (status != LEUKO_OK) {
    free(persons);
    return status;
  }
  memcpy(out->classes[0], e->classes[1 - e->positive], sizeof out->classes[0]);
  memcpy(out->classes[1], e->classes[e->positive], sizeof out->classes[1]);
  for (size_t i = 0; i < e->n; i++) {
    const evaluate_sample *sample = &run->samples[run->counted[i]];
    out->cells[out->count++] = (answers_cell){.path = sample->path,
                                              .sha256 = sample->sha256,
                                              .person = persons[run->counted[i]],
                                              .label = e->labels[i],
                                              .answer = e->answers[i],
                                              .score = e->logits[i]};
  }
  answers_sort(out);
  free(persons);
  return LEUKO_OK;
}

void study_compare(study *s) {
  if (s->count < 2) return;
  leuko_error error = {0};
  leuko_status status = LEUKO_OK;
  answers *runs = calloc(s->count, sizeof *runs);
  const char *names[STUDY_RUNS];
  if (!runs) status = error_set_memory(&error, s->count * sizeof *runs);
  for (size_t r = 0; status == LEUKO_OK && r < s->count; r++) {
    names[r] = s->runs[r].name;
    if (s->runs[r].scores.class_count != 2)
      status = error_set(&error, LEUKO_BAD_DATA, s->runs[r].folder, NULL,
                         "only models of two classes can be compared");
    else status = to_answers(&s->runs[r], &runs[r], &error);
  }
  if (status == LEUKO_OK) status = compare_answers(runs, names, s->count, &s->differences, &error);
  else
    for (size_t r = 0; runs && r < s->count; r++) answers_close(&runs[r]);
  free(runs);
  s->compared = status == LEUKO_OK;
  if (!s->compared) snprintf(s->uncompared, sizeof s->uncompared, "%s", error.message);
}

static void close_run(study_run *run) {
  json_decref(run->description);
  json_decref(run->metrics);
  if (run->has_model) model_free(&run->m);
  if (run->has_history) history_free(&run->curves);
  evaluate_free(&run->scores);
  pooled_free(&run->fold_scores);
  for (int f = 0; run->each && f < run->folds; f++)
    if (run->each[f].has_history) history_free(&run->each[f].curves);
  free(run->each);
  free(run->held_out);
  free(run->stressed);
  predictions_close(&run->said);
  for (size_t i = 0; i < run->text_count; i++) free(run->texts[i]);
  free(run->texts);
  free(run->samples);
  free(run->groups);
  free(run->logits);
  free(run->counted);
}

void study_close(study *s) {
  for (size_t i = 0; i < s->count; i++) close_run(&s->runs[i]);
  for (size_t i = 0; i < s->other_count; i++) free(s->others[i].found);
  for (size_t i = 0; i < s->set_count; i++) {
    dataset_free(s->sets[i]);
    free(s->sets[i]);
  }
  if (s->compared) compare_free(&s->differences);
  *s = (study){0};
}
