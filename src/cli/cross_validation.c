#include "cli/cross_validation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/overall.h"
#include "cli/simple.h"
#include "evaluate/predictions.h"

typedef struct {
  training *run;
  train_data *data;
  const char *out;
  overall view;
  /* All cells that take part, in the order of the data. */
  evaluate_input input;
  const char *classes[LEUKO_MAX_CLASSES];
  evaluate_sample *samples;
  int *groups, *folds;
  double *logits;
  pooled_model *models; /* [data->folds] */
} validation;

static leuko_status fold_folder(const validation *v, int fold, char *out, size_t size,
                                leuko_error *error) {
  char name[32] = "all";
  if (fold != TRAIN_DATA_ALL) snprintf(name, sizeof name, "fold-%d", fold + 1);
  return file_join(out, size, v->out, name, error);
}

/* Writes OUT/folds.csv, or compares with the one that is there. */
static leuko_status keep_folds(const validation *v, bool resume, leuko_error *error) {
  dataset *set = &v->data->set;
  char path[1024], run[1024];
  leuko_status status = file_make_folders(v->out, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, v->out, "folds.csv", error);
  if (status == LEUKO_OK) status = file_join(run, sizeof run, v->out, "run.json", error);
  if (status != LEUKO_OK) return status;
  if (file_exists(run))
    return error_set(error, LEUKO_ARGUMENT, v->out, "choose another --out",
                     "the folder already holds a run");
  if (!file_exists(path)) return dataset_write_folds(set, path, error);
  if (!resume)
    return error_set(error, LEUKO_ARGUMENT, v->out, "pass --resume, or choose another --out",
                     "the folder already holds a cross-validation");
  file_remove_leftovers(v->out);
  bool same;
  status = dataset_same_folds(set, path, &same, error);
  if (status == LEUKO_OK && !same)
    status =
        error_set(error, LEUKO_MISMATCH, path, "repeat its own options, or choose another --out",
                  "the cross-validation was begun with other folds");
  return status;
}

static overall_cost expected_cost(const validation *v, bool features) {
  const training *t = v->run;
  const double cells = (double)v->data->count;
  overall_cost cost = overall_cost_of(t->train.net.name, train_has_features(&t->train), features,
                                      cells, t->train.epochs);
  if (t->taught_by) cost.teacher = cells * t->taught_by->cost;
  return cost;
}

/* Trains one fold, unless that is done. */
static leuko_status train_fold(validation *v, int fold, leuko_error *error) {
  training *t = v->run;
  char title[32], metrics[1024];
  bool finished = false;
  snprintf(title, sizeof title, "fold %d of %d", fold + 1, v->data->folds);
  overall_cost cost = expected_cost(v, fold == 0);
  training_take_teacher(t, fold);
  leuko_status status = train_data_take_fold(v->data, &t->data, fold, &v->view.view, error);
  if (status == LEUKO_OK)
    status = file_join(metrics, sizeof metrics, t->train.out, "metrics.json", error);
  if (status == LEUKO_OK) status = train_finished(v->data, &t->data, &t->train, &finished, error);
  if (status != LEUKO_OK) return status;
  overall_begin(&v->view, title, &cost);
  if (finished && file_exists(metrics)) {
    cli_progress_line("%s: done before", title);
    overall_end(&v->view);
    return LEUKO_OK;
  }
  /* It is the last file to be written: one of fewer epochs would hide that others are missing. */
  unlink(metrics);
  progress p = overall_progress(&v->view);
  train_result result;
  evaluation scores;
  double started = clock_seconds();
  status = training_run(t, v->data, &p, &result, &scores, error);
  if (status != LEUKO_OK) return status;
  double auc = scores.class_count == 2 ? scores.binary.auc : scores.multiclass.auc;
  cli_progress_line("%s: %zu cells, epoch %d of %d is kept, AUC %.4f; %.0f s", title, scores.n,
                    result.best + 1, result.epochs, auc, clock_seconds() - started);
  train_result_free(&result);
  evaluate_free(&scores);
  overall_end(&v->view);
  return LEUKO_OK;
}

static leuko_status train_folds(validation *v, leuko_error *error) {
  training *t = v->run;
  const train_options asked = t->train;
  leuko_status status = LEUKO_OK;
  /* Nothing is fitted to the cells that are scored, and each folder may hold a beginning. */
  t->train.point = TRAIN_POINT_NONE;
  t->train.resume = true;
  if (v->data->set.class_count > 2) t->train.net.outputs = v->data->set.class_count;
  for (int f = 0; status == LEUKO_OK && f < v->data->folds; f++) {
    char folder[1024];
    status = fold_folder(v, f, folder, sizeof folder, error);
    t->train.out = folder;
    if (status == LEUKO_OK) status = train_fold(v, f, error);
    if (status == LEUKO_INTERRUPTED)
      error_set(error, LEUKO_INTERRUPTED, v->out, "go on with --resume", "stopped in fold %d of %d",
                f + 1, v->data->folds);
  }
  t->train = asked;
  return status;
}

/* Lists the cells and reads the answers of the folds' models. What a fold's model rejects was
 * chosen on the very cells that it held out: their share is the wanted one by construction. */
static leuko_status gather(validation *v, leuko_error *error) {
  const train_data *data = v->data;
  const dataset *set = &data->set;
  const size_t width = set->class_count == 2 ? 1 : (size_t)set->class_count;
  v->samples = calloc(data->count, sizeof *v->samples);
  v->groups = calloc(data->count, sizeof *v->groups);
  v->folds = calloc(data->count, sizeof *v->folds);
  v->logits = calloc(data->count * width, sizeof *v->logits);
  v->models = calloc((size_t)data->folds, sizeof *v->models);
  if (!v->samples || !v->groups || !v->folds || !v->logits || !v->models)
    return error_set_memory(error, data->count * width * sizeof *v->logits);
  size_t count = 0;
  for (size_t i = 0; i < data->count; i++) {
    const dataset_sample *s = data->samples[i];
    if (data->pixels.status[i] != LEUKO_OK) continue;
    v->samples[count] = (evaluate_sample){.path = s->path,
                                          .sha256 = s->sha256,
                                          .subject = s->subject,
                                          .label = s->label,
                                          .logits = v->logits + count * width};
    v->groups[count] = s->group;
    v->folds[count] = s->held_out;
    count++;
  }
  for (size_t i = 0; i < count * width; i++) v->logits[i] = NAN;
  for (int c = 0; c < set->class_count; c++) v->classes[c] = set->classes[c];
  v->input = (evaluate_input){.classes = v->classes,
                              .class_count = set->class_count,
                              .positive = set->positive,
                              .threshold = 0.5,
                              .samples = v->samples,
                              .groups = v->groups,
                              .folds = v->folds,
                              .count = count,
                              .rejects = true};
  leuko_status status = LEUKO_OK;
  for (int f = 0; status == LEUKO_OK && f < data->folds; f++) {
    char folder[1024], path[1024];
    status = fold_folder(v, f, folder, sizeof folder, error);
    if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "predictions.csv", error);
    if (status == LEUKO_OK)
      status = predictions_take(path, &v->input, v->samples, v->logits, &v->input.rejects, error);
  }
  return status;
}

/* What the folds' models have learnt of when not to answer, into the model trained on all cells,
 * which loses its scores: they are of cells that it was trained on. */
static leuko_status adopt_rejection(const validation *v, model *all, leuko_error *error) {
  const size_t count = (size_t)v->data->folds;
  model *models = calloc(count, sizeof *models);
  const model_rejection **parts = calloc(count, sizeof *parts);
  char path[1024];
  leuko_status status = LEUKO_OK;
  if (!models || !parts) status = error_set_memory(error, count * sizeof *models);
  for (size_t f = 0; status == LEUKO_OK && f < count; f++) {
    status = fold_folder(v, (int)f, path, sizeof path, error);
    if (status == LEUKO_OK) status = model_load(path, &models[f], error);
    parts[f] = &models[f].rejection;
  }
  if (status == LEUKO_OK) {
    train_rejection_adopt(parts, count, &all->rejection);
    json_t *kept = json_pack("{s:O}", "epoch", json_object_get(all->training, "epoch"));
    json_decref(all->training);
    all->training = kept;
  }
  for (size_t f = 0; models && f < count; f++) model_free(&models[f]);
  free(models);
  free(parts);
  return status;
}

/* Threshold and temperature of a fold's model, from the cells of the other folds. The model trained
 * on all cells takes them from those of all folds, and from their models when not to answer. */
static leuko_status fit_point(validation *v, int fold, leuko_error *error) {
  const size_t width = v->input.class_count == 2 ? 1 : (size_t)v->input.class_count;
  evaluate_sample *others = malloc(v->input.count * sizeof *others);
  double *logits = malloc(v->input.count * width * sizeof *logits);
  int *labels = malloc(v->input.count * sizeof *labels);
  leuko_status status = LEUKO_OK;
  if (!others || !logits || !labels)
    status = error_set_memory(error, v->input.count * sizeof *others);
  evaluate_input input = v->input;
  input.samples = others;
  input.count = 0;
  for (size_t i = 0; status == LEUKO_OK && i < v->input.count; i++) {
    if (v->folds[i] == fold) continue;
    memcpy(logits + input.count * width, v->logits + i * width, width * sizeof *logits);
    labels[input.count] = v->samples[i].label;
    others[input.count++] = v->samples[i];
  }
  char folder[1024], fingerprint[65];
  if (status == LEUKO_OK) status = evaluate_fingerprint(&input, fingerprint, error);
  if (status == LEUKO_OK) status = fold_folder(v, fold, folder, sizeof folder, error);
  if (status == LEUKO_OK) {
    model m;
    status = model_load(folder, &m, error);
    if (status == LEUKO_OK)
      status = train_operating_point(&v->run->train, logits, labels, input.count, fingerprint, &m,
                                     error);
    if (status == LEUKO_OK && fold == TRAIN_DATA_ALL) status = adopt_rejection(v, &m, error);
    if (status == LEUKO_OK) status = model_save_best(folder, &m, error);
    if (status == LEUKO_OK && fold != TRAIN_DATA_ALL)
      v->models[fold] =
          (pooled_model){.epoch = (int)json_integer_value(json_object_get(m.training, "epoch")),
                         .temperature = m.temperature > 0 ? m.temperature : 1,
                         .threshold = m.threshold};
    model_free(&m);
  }
  free(others);
  free(logits);
  free(labels);
  return status;
}

static leuko_status write_files(const validation *v, const evaluation *e, const pooled *p,
                                leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, v->out, "predictions.csv", error);
  if (status == LEUKO_OK) status = evaluate_write_predictions(path, &v->input, error);
  if (status == LEUKO_OK) status = evaluate_write_curves(v->out, e, error);
  if (status == LEUKO_OK) status = outputs_draw(v->out, false, e, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, v->out, "metrics.json", error);
  if (status == LEUKO_OK) status = evaluate_write_metrics(path, e, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, v->out, "evaluation.json", error);
  return status == LEUKO_OK ? pooled_write(path, p, e, error) : status;
}

static leuko_status pool(validation *v, evaluation *scores, pooled *folds, leuko_error *error) {
  const dataset *set = &v->data->set;
  leuko_status status = gather(v, error);
  for (int f = 0; status == LEUKO_OK && f < v->data->folds; f++) status = fit_point(v, f, error);
  if (status == LEUKO_OK) status = evaluate_samples(&v->input, scores, error);
  if (status != LEUKO_OK) return status;
  status = simple_baselines(set, v->data->folds, DATASET_TEST, set->positive, v->run->train.threads,
                            &v->view.view, scores, error);
  if (status == LEUKO_OK)
    status = evaluate_pooled(&v->input, scores, v->models, v->data->folds, folds, error);
  if (status == LEUKO_OK) {
    status = write_files(v, scores, folds, error);
    if (status != LEUKO_OK) pooled_free(folds);
  }
  if (status != LEUKO_OK) evaluate_free(scores);
  return status;
}

/* One more training, on all cells. What else is fitted to cells is fitted to the folds' held-out
 * answers, since of this model there are none. */
static leuko_status train_all(validation *v, leuko_error *error) {
  training *t = v->run;
  const train_options asked = t->train;
  char folder[1024];
  leuko_status status = fold_folder(v, TRAIN_DATA_ALL, folder, sizeof folder, error);
  if (status == LEUKO_OK)
    status = train_data_take_fold(v->data, &t->data, TRAIN_DATA_ALL, &v->view.view, error);
  if (status != LEUKO_OK) return status;
  t->train.out = folder;
  t->train.resume = true;
  training_take_teacher(t, TRAIN_DATA_ALL);
  overall_cost cost = expected_cost(v, false);
  overall_begin(&v->view, "all cells", &cost);
  progress p = overall_progress(&v->view);
  train_result result;
  status = train_run(v->data, &t->data, &t->train, &p, &result, error);
  if (status == LEUKO_OK) {
    train_result_free(&result);
    status = outputs_fit(v->data, &t->data, &t->train, &p, error);
  }
  overall_end(&v->view);
  t->train = asked;
  return status == LEUKO_OK ? fit_point(v, TRAIN_DATA_ALL, error) : status;
}

leuko_status cross_validate(training *t, train_data *data, bool refit, evaluation *scores,
                            pooled *folds, leuko_error *error) {
  validation v = {.run = t,
                  .data = data,
                  .out = t->train.out,
                  .view = {.view = cli_progress(), .title = "the folds"}};
  for (int f = 0; f < data->folds + (int)refit; f++) {
    overall_cost cost = expected_cost(&v, f == 0);
    v.view.total += overall_sum(&cost);
  }
  leuko_status status = keep_folds(&v, t->train.resume, error);
  if (status == LEUKO_OK) status = train_folds(&v, error);
  cli_progress_end();
  if (status == LEUKO_OK) status = pool(&v, scores, folds, error);
  if (status == LEUKO_OK && refit) {
    status = train_all(&v, error);
    cli_progress_end();
    if (status != LEUKO_OK) {
      evaluate_free(scores);
      pooled_free(folds);
    }
  }
  free(v.samples);
  free(v.groups);
  free(v.folds);
  free(v.logits);
  free(v.models);
  return status;
}
