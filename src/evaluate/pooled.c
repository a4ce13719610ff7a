#include "evaluate/pooled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "evaluate/subjects.h"
#include "evaluate/trust.h"

/* The counted samples of one fold, out of an evaluation. */
typedef struct {
  double *logits;
  int *labels;
  uint8_t *seen; /* [persons] */
} excerpt;

static size_t width_of(const evaluation *e) {
  return e->class_count == 2 ? 1 : (size_t)e->class_count;
}

static leuko_status excerpt_open(const evaluation *e, excerpt *out, leuko_error *error) {
  *out = (excerpt){.logits = malloc(e->n * width_of(e) * sizeof *out->logits),
                   .labels = malloc(e->n * sizeof *out->labels),
                   .seen = malloc(e->group_count + 1)};
  if (out->logits && out->labels && out->seen) return LEUKO_OK;
  return error_set_memory(error, e->n * width_of(e) * sizeof *out->logits);
}

static void excerpt_close(excerpt *x) {
  free(x->logits);
  free(x->labels);
  free(x->seen);
}

static leuko_status score_fold(const evaluation *e, const int *fold_of, int fold, excerpt *x,
                               pooled_fold *out, leuko_error *error) {
  const size_t width = width_of(e);
  *out = (pooled_fold){0};
  memset(x->seen, 0, e->group_count + 1);
  for (size_t i = 0; i < e->n; i++) {
    if (fold_of[i] != fold) continue;
    memcpy(x->logits + out->n * width, e->logits + i * width, width * sizeof *x->logits);
    x->labels[out->n++] = e->labels[i];
    out->persons += !x->seen[e->groups[i]];
    x->seen[e->groups[i]] = 1;
  }
  if (out->n == 0)
    return error_set(error, LEUKO_BAD_DATA, NULL, NULL, "fold %d has no answered cell", fold + 1);
  if (e->class_count == 2) {
    stats_binary b;
    leuko_status status = stats_binary_metrics(x->logits, x->labels, out->n, 0.5, &b, error);
    if (status != LEUKO_OK) return status;
    out->positives = b.positives;
    out->loss = b.loss;
    stats_binary_scores(&b, out->scores);
    return LEUKO_OK;
  }
  stats_multiclass m;
  leuko_status status =
      stats_multiclass_metrics(x->logits, x->labels, out->n, e->class_count, &m, error);
  if (status != LEUKO_OK) return status;
  out->loss = m.loss;
  stats_multiclass_scores(&m, out->scores);
  return LEUKO_OK;
}

/* Mean and standard deviation of those of values [n] that are defined. */
static pooled_summary summarise(const double *values, int n) {
  pooled_summary out = {NAN, NAN, 0};
  double sum = 0, squares = 0;
  for (int i = 0; i < n; i++) {
    if (!isfinite(values[i])) continue;
    sum += values[i];
    out.folds++;
  }
  if (out.folds > 0) out.mean = sum / out.folds;
  for (int i = 0; i < n; i++)
    if (isfinite(values[i])) squares += (values[i] - out.mean) * (values[i] - out.mean);
  if (out.folds > 1) out.spread = sqrt(squares / (out.folds - 1));
  return out;
}

static leuko_status summarise_folds(pooled *p, leuko_error *error) {
  double *values = malloc((size_t)p->folds * sizeof *values);
  if (!values) return error_set_memory(error, (size_t)p->folds * sizeof *values);
  for (int f = 0; f < p->folds; f++) values[f] = p->per_fold[f].loss;
  p->loss = summarise(values, p->folds);
  for (int s = 0; s < STATS_SCORES; s++) {
    for (int f = 0; f < p->folds; f++) values[f] = p->per_fold[f].scores[s];
    p->scores[s] = summarise(values, p->folds);
  }
  free(values);
  return LEUKO_OK;
}

/* Values and intervals of the scores of calibrated logits and their answers. */
static leuko_status score_fitted(const evaluation *e, const double *logits, const int *answers,
                                 pooled *out, leuko_error *error) {
  stats_weighted w;
  leuko_status status =
      stats_weighted_open(logits, e->labels, answers, e->n, e->class_count, &w, error);
  if (status != LEUKO_OK) return status;
  uint32_t *once = malloc(e->n * sizeof *once);
  if (!once) status = error_set_memory(error, e->n * sizeof *once);
  for (size_t i = 0; status == LEUKO_OK && i < e->n; i++) once[i] = 1;
  if (status == LEUKO_OK) stats_weighted_scores(&w, once, out->fitted.scores);
  free(once);
  for (int s = 0; s < STATS_SCORES; s++) out->fitted.by_subject[s] = (stats_interval){NAN, NAN};
  stats_resampling how = evaluate_resampling(e, true);
  if (status == LEUKO_OK && e->subject_count > 0)
    status = stats_score_intervals(&w, &how, out->fitted.by_subject, error);
  stats_weighted_close(&w);
  return status;
}

static leuko_status calibrate_fitted(const evaluation *e, const double *logits, const int *answers,
                                     pooled *out, leuko_error *error) {
  double *p = malloc(e->n * sizeof *p);
  int *hits = malloc(e->n * sizeof *hits);
  leuko_status status = LEUKO_OK;
  if (!p || !hits) status = error_set_memory(error, e->n * (sizeof *p + sizeof *hits));
  for (size_t i = 0; status == LEUKO_OK && i < e->n; i++) {
    if (e->class_count == 2) {
      p[i] = stats_sigmoid(logits[i]);
      hits[i] = e->labels[i];
      continue;
    }
    double all[LEUKO_MAX_CLASSES];
    stats_softmax(logits + i * width_of(e), e->class_count, all);
    p[i] = all[answers[i]];
    hits[i] = answers[i] == e->labels[i];
  }
  stats_reliability r;
  if (status == LEUKO_OK) status = stats_reliability_of(p, hits, e->n, &r, error);
  if (status == LEUKO_OK) out->fitted.calibration_error = r.error;
  free(p);
  free(hits);
  out->fitted.brier = NAN;
  if (status == LEUKO_OK && e->class_count == 2) {
    stats_binary b;
    status = stats_binary_metrics(logits, e->labels, e->n, 0.5, &b, error);
    out->fitted.loss = b.loss;
    out->fitted.brier = b.brier;
  } else if (status == LEUKO_OK) {
    stats_multiclass m;
    status = stats_multiclass_metrics(logits, e->labels, e->n, e->class_count, &m, error);
    out->fitted.loss = m.loss;
  }
  return status;
}

/* All cells with the temperature and threshold of their fold. */
static leuko_status cross_fit(const evaluation *e, const int *fold_of, pooled *out,
                              leuko_error *error) {
  const size_t width = width_of(e);
  double *logits = malloc(e->n * width * sizeof *logits);
  int *answers = malloc(e->n * sizeof *answers);
  leuko_status status = LEUKO_OK;
  if (!logits || !answers) status = error_set_memory(error, e->n * (width + 1) * sizeof *logits);
  for (size_t i = 0; status == LEUKO_OK && i < e->n; i++) {
    const pooled_model *m = &out->models[fold_of[i]];
    for (size_t c = 0; c < width; c++)
      logits[i * width + c] = e->logits[i * width + c] / m->temperature;
    answers[i] = e->class_count == 2 ? stats_sigmoid(logits[i]) >= m->threshold
                                     : stats_argmax(logits + i * width, e->class_count);
  }
  if (status == LEUKO_OK) status = score_fitted(e, logits, answers, out, error);
  if (status == LEUKO_OK) status = calibrate_fitted(e, logits, answers, out, error);
  free(logits);
  free(answers);
  return status;
}

leuko_status evaluate_pooled(const evaluate_input *input, const evaluation *e,
                             const pooled_model *models, int folds, pooled *out,
                             leuko_error *error) {
  *out = (pooled){.folds = folds};
  out->models = malloc((size_t)folds * sizeof *out->models);
  out->per_fold = calloc((size_t)folds, sizeof *out->per_fold);
  int *fold_of = malloc(e->n * sizeof *fold_of); /* of the samples that count */
  excerpt x = {0};
  leuko_status status = excerpt_open(e, &x, error);
  if (status == LEUKO_OK && (!out->models || !out->per_fold || !fold_of))
    status = error_set_memory(error, e->n * sizeof *fold_of);
  if (status == LEUKO_OK) {
    memcpy(out->models, models, (size_t)folds * sizeof *models);
    size_t n = 0;
    for (size_t i = 0; i < input->count; i++)
      if (evaluate_counts(&input->samples[i])) fold_of[n++] = input->folds[i];
  }
  for (int f = 0; status == LEUKO_OK && f < folds; f++) {
    status = score_fold(e, fold_of, f, &x, &out->per_fold[f], error);
    const pooled_model *m = &models[f];
    out->cross_fitted |= fabs(m->temperature - 1) > 0 || fabs(m->threshold - 0.5) > 0;
  }
  if (status == LEUKO_OK) status = summarise_folds(out, error);
  if (status == LEUKO_OK && out->cross_fitted) status = cross_fit(e, fold_of, out, error);
  free(fold_of);
  excerpt_close(&x);
  if (status != LEUKO_OK) pooled_free(out);
  return status;
}

void pooled_free(pooled *p) {
  free(p->models);
  free(p->per_fold);
  *p = (pooled){0};
}

static json_t *fold_json(const pooled *p, int fold, int scores) {
  const pooled_fold *f = &p->per_fold[fold];
  const pooled_model *m = &p->models[fold];
  json_t *out = json_pack("{s:i,s:I,s:I,s:I}", "fold", fold + 1, "n", (json_int_t)f->n, "positives",
                          (json_int_t)f->positives, "persons", (json_int_t)f->persons);
  json_object_set_new(out, "epoch", m->epoch > 0 ? json_integer(m->epoch) : json_null());
  json_object_set_new(out, "loss", number_json(f->loss));
  for (int s = 0; s < scores; s++)
    json_object_set_new(out, evaluate_score_name(s), number_json(f->scores[s]));
  if (p->cross_fitted) {
    json_object_set_new(out, "temperature", number_json(m->temperature));
    json_object_set_new(out, "threshold", number_json(m->threshold));
  }
  return out;
}

static json_t *fitted_json(const pooled *p, int scores) {
  if (!p->cross_fitted) return json_null();
  json_t *out = json_object(), *intervals = json_object();
  json_object_set_new(out, "loss", number_json(p->fitted.loss));
  json_object_set_new(out, "brier", number_json(p->fitted.brier));
  json_object_set_new(out, "ece", number_json(p->fitted.calibration_error));
  for (int s = 0; s < scores; s++) {
    json_object_set_new(out, evaluate_score_name(s), number_json(p->fitted.scores[s]));
    json_object_set_new(intervals, evaluate_score_name(s),
                        evaluate_interval_json(p->fitted.by_subject[s]));
  }
  json_object_set_new(out, "by_subject", intervals);
  return out;
}

json_t *pooled_json(const pooled *p, const evaluation *e) {
  const int scores = e->class_count == 2 ? STATS_SCORES : STATS_SENSITIVITY;
  json_t *out = json_object(), *folds = json_array(), *mean = json_object(),
         *spread = json_object();
  json_object_set_new(out, "folds", json_integer(p->folds));
  json_object_set_new(out, "pooled", evaluate_json(e));
  for (int f = 0; f < p->folds; f++) json_array_append_new(folds, fold_json(p, f, scores));
  json_object_set_new(mean, "loss", number_json(p->loss.mean));
  json_object_set_new(spread, "loss", number_json(p->loss.spread));
  for (int s = 0; s < scores; s++) {
    json_object_set_new(mean, evaluate_score_name(s), number_json(p->scores[s].mean));
    json_object_set_new(spread, evaluate_score_name(s), number_json(p->scores[s].spread));
  }
  json_object_set_new(out, "per_fold", folds);
  json_object_set_new(out, "mean", mean);
  json_object_set_new(out, "spread", spread);
  json_object_set_new(out, "cross_fitted", fitted_json(p, scores));
  return out;
}

leuko_status pooled_write(const char *path, const pooled *p, const evaluation *e,
                          leuko_error *error) {
  return evaluate_write_json(path, pooled_json(p, e), error);
}
