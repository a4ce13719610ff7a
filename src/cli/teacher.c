#include "cli/teacher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/classes.h"
#include "cli/overall.h"
#include "cli/trained_on.h"
#include "stats/metrics.h"

/* Which of the model's two classes is the data's positive one. */
static leuko_status find_positive(const model *m, const dataset *set, const char *path, int *out,
                                  leuko_error *error) {
  int classes[LEUKO_MAX_CLASSES];
  if (m->net.outputs != 1 || set->class_count != 2)
    return error_set(error, LEUKO_BAD_DATA, path, "leave --teacher away",
                     "a teacher answers for two classes");
  leuko_status status = classes_match(m, set, classes, error);
  if (status == LEUKO_OK) *out = classes[set->positive];
  return status;
}

/* Keeps the paths and hashes of models for the next training. */
static leuko_status keep(teacher *t, const ensemble *models, const dataset *set,
                         leuko_error *error) {
  teacher_models *out = &t->each[t->trainings++];
  int positive;
  leuko_status status =
      find_positive(ensemble_model(models), set, models->paths[0], &positive, error);
  t->cost = 0;
  for (int k = 0; k < models->count && status == LEUKO_OK; k++) {
    const char *from = models->paths[k];
    char file[2048];
    train_teacher_model *m = &out->models[out->count];
    snprintf(file, sizeof file, "%s%s", from, file_is_folder(from) ? "/best.safetensors" : "");
    status = hash_file(file, m->sha256, error);
    if (status != LEUKO_OK) return status;
    m->path = strdup(from);
    if (!m->path) return error_set_memory(error, strlen(from) + 1);
    out->count++;
    t->cost += overall_forward(predictor_model(models->members[k])->net.name);
  }
  return status;
}

/* That the models were trained on nobody who is tested. */
static leuko_status check_unseen(const ensemble *models, const dataset *set, leuko_error *error) {
  static const char remedy[] =
      "name a run that was trained by the same split, or give its split.csv to --split";
  size_t seen;
  bool told;
  leuko_status status = trained_on(models, set, DATASET_TEST, &seen, &told, error);
  if (status == LEUKO_OK && seen > 0)
    return error_set(error, LEUKO_LEAK, models->paths[0], remedy,
                     "%zu of the cells to test on are of persons that the teacher was trained on: "
                     "the scores would not hold for the next patient",
                     seen);
  if (status == LEUKO_OK && !told)
    return error_set(error, LEUKO_LEAK, models->paths[0], remedy,
                     "whom the teacher was trained on is not known: there is no split.csv");
  return status;
}

/* That no epoch of the models was chosen on cells that are tested, as far as run.json tells. */
static leuko_status check_last(const ensemble *models, leuko_error *error) {
  for (int k = 0; k < models->count; k++) {
    char path[2048], *text;
    size_t size;
    if (!models_beside(models->paths[k], "run.json", path, sizeof path)) continue;
    leuko_status status = file_read(path, (size_t)64 << 20, &text, &size, error);
    if (status != LEUKO_OK) return status;
    json_t *run = json_loads(text, 0, NULL);
    free(text);
    const char *kept = json_string_value(json_object_get(json_object_get(run, "options"), "keep"));
    const bool last = kept && strcmp(kept, "last") == 0;
    json_decref(run);
    if (!last)
      return error_set(error, LEUKO_LEAK, models->paths[k],
                       "train the teacher with --keep last, too, or leave --keep away here",
                       "the teacher's epoch was chosen on cells that are tested");
  }
  return LEUKO_OK;
}

static leuko_status check(const ensemble *models, const train_data *data,
                          const train_options *options, leuko_error *error) {
  /* Where persons are on both sides of the split itself, there is nothing left to keep. */
  if (data->leaks.leaking || data->leaks.twins || data->leaks.unknown) return LEUKO_OK;
  leuko_status status = check_unseen(models, &data->set, error);
  return status == LEUKO_OK && options->keep_last ? check_last(models, error) : status;
}

/* That a cross-validation was made over the folds of the data. */
static leuko_status check_folds(const char *named, dataset *set, leuko_error *error) {
  char path[1024];
  bool same = false;
  leuko_status status = file_join(path, sizeof path, named, "folds.csv", error);
  if (status == LEUKO_OK) status = dataset_same_folds(set, path, &same, error);
  if (status == LEUKO_OK && !same)
    status = error_set(error, LEUKO_MISMATCH, path, "give this file to --split",
                       "the teacher's folds are others");
  return status;
}

/* The models that the cross-validations have trained on all cells. */
static leuko_status keep_all(teacher *t, const model_list *named, const dataset *set,
                             leuko_error *error) {
  char folders[ENSEMBLE_MOST][1024];
  const char *paths[ENSEMBLE_MOST];
  for (int i = 0; i < named->count; i++) {
    leuko_status status = file_join(folders[i], sizeof folders[i], named->paths[i], "all", error);
    if (status != LEUKO_OK) return status;
    if (!file_exists(folders[i]))
      return error_set(error, LEUKO_NOT_FOUND, folders[i],
                       "train the teacher with --refit, too, or leave --refit away here",
                       "the teacher has no model of all cells, to teach that of --refit");
    paths[i] = folders[i];
  }
  ensemble all;
  leuko_status status = ensemble_open(paths, named->count, &t->how, &all, error);
  if (status != LEUKO_OK) return status;
  status = keep(t, &all, set, error);
  ensemble_close(&all);
  return status;
}

static leuko_status keep_folds(teacher *t, const model_list *named, train_data *data,
                               const train_options *options, leuko_error *error) {
  ensemble each[ENSEMBLE_MOST];
  int count;
  leuko_status status = models_open_folds(named, &t->how, each, &count, error);
  if (status == LEUKO_OK && count == 1)
    status = error_set(error, LEUKO_ARGUMENT, named->paths[0],
                       "name the folder of a cross-validation over the same folds",
                       "of a single model some folds' persons are known to it");
  for (int i = 0; i < named->count && status == LEUKO_OK; i++)
    status = check_folds(named->paths[i], &data->set, error);
  if (status == LEUKO_OK && count != data->folds)
    status = error_set(error, LEUKO_MISMATCH, named->paths[0], "train it again",
                       "it holds models of %d folds, not of %d", count, data->folds);
  for (int f = 0; f < count && status == LEUKO_OK; f++) {
    dataset_take_fold(&data->set, f);
    status = check(&each[f], data, options, error);
    if (status == LEUKO_OK) status = keep(t, &each[f], &data->set, error);
  }
  dataset_take_fold(&data->set, data->fold);
  for (int f = 0; f < count; f++) ensemble_close(&each[f]);
  return status;
}

/* Files of the cells to train on, all in `paths` [train_count]. */
static leuko_status list_files(const train_data *data, char (*paths)[2048], const char **files,
                               leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t i = 0; i < data->train_count && status == LEUKO_OK; i++) {
    const size_t sample = (size_t)(data->samples[data->train[i]] - data->set.samples);
    status = dataset_sample_file(&data->set, sample, paths[i], sizeof *paths, error);
    files[i] = paths[i];
  }
  return status;
}

/* The mean of the members' logits [members][count], as the probability of the positive class. */
static leuko_status combine(const ensemble *models, const train_data *data, const char **files,
                            const leuko_answer *answers, const double *logits, double *p,
                            leuko_error *error) {
  const size_t count = data->train_count;
  const model *m = ensemble_model(models);
  int positive = 0;
  leuko_status status = find_positive(m, &data->set, models->paths[0], &positive, error);
  for (size_t i = 0; i < count && status == LEUKO_OK; i++) {
    double sum = 0;
    for (size_t k = 0; k < (size_t)models->count; k++) {
      const leuko_answer *a = &answers[k * count + i];
      if (a->status != LEUKO_OK)
        return error_set(error, a->status, files[i], "leave this file out",
                         "the teacher has no answer: %s", a->message);
      sum += logits[k * count + i];
    }
    const double mean = sum / models->count;
    p[i] = stats_sigmoid(positive == m->positive ? mean : -mean);
  }
  return status;
}

/* In a training, what its teacher does is a phase of its own. */
static int report_teacher(void *context, const char *phase, size_t done, size_t total,
                          const char *note) {
  (void)phase;
  return progress_report(context, "teacher", done, total, note);
}

static leuko_status answer(void *context, const train_data *data, double *p, const progress *report,
                           leuko_error *error) {
  const teacher *t = context;
  const char *models[ENSEMBLE_MOST];
  for (int k = 0; k < t->now->count; k++) models[k] = t->now->models[k].path;
  ensemble e;
  leuko_status status = ensemble_open(models, t->now->count, &t->how, &e, error);
  if (status != LEUKO_OK) return status;
  const size_t count = data->train_count, all = (size_t)e.count * count;
  char(*paths)[2048] = calloc(count, sizeof *paths);
  const char **files = calloc(count, sizeof *files);
  leuko_answer *answers = calloc(all, sizeof *answers);
  double *logits = calloc(all, sizeof *logits);
  const progress renamed = {report_teacher, (void *)(uintptr_t)report};
  if (!paths || !files || !answers || !logits)
    status = error_set_memory(error, all * sizeof *answers + count * sizeof *paths);
  if (status == LEUKO_OK) status = list_files(data, paths, files, error);
  if (status == LEUKO_OK)
    status =
        predictor_files_each(e.members, e.count, files, count, answers, logits, &renamed, error);
  if (status == LEUKO_OK) status = combine(&e, data, files, answers, logits, p, error);
  free(paths);
  free(files);
  free(answers);
  free(logits);
  ensemble_close(&e);
  return status;
}

leuko_status teacher_open(const model_list *named, train_data *data, const train_options *options,
                          bool refit, teacher *out, leuko_error *error) {
  *out = (teacher){.how = {.threads = options->threads,
                           .backend = options->backend,
                           .precision = "f32",
                           .no_reject = 1},
                   .each = calloc((size_t)data->folds + 2, sizeof *out->each)};
  if (!out->each) return error_set_memory(error, ((size_t)data->folds + 2) * sizeof *out->each);
  if (data->folds) {
    leuko_status status = keep_folds(out, named, data, options, error);
    return status == LEUKO_OK && refit ? keep_all(out, named, &data->set, error) : status;
  }
  ensemble models;
  leuko_status status = models_open(named, &out->how, &models, error);
  if (status != LEUKO_OK) return status;
  status = check(&models, data, options, error);
  if (status == LEUKO_OK) status = keep(out, &models, &data->set, error);
  ensemble_close(&models);
  return status;
}

void teacher_close(teacher *t) {
  for (int i = 0; i < t->trainings; i++)
    for (int k = 0; k < t->each[i].count; k++) free(t->each[i].models[k].path);
  free(t->each);
  *t = (teacher){0};
}

const train_teacher *teacher_of(teacher *t, int fold) {
  t->now = &t->each[fold == TRAIN_DATA_ALL ? t->trainings - 1 : fold];
  t->lent = (train_teacher){
      .models = t->now->models, .count = t->now->count, .answer = answer, .context = t};
  return &t->lent;
}
