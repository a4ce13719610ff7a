#include "predict/ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "stats/metrics.h"

static leuko_status add_member(ensemble *e, const char *path, const leuko_options *options,
                               leuko_error *error) {
  if (e->count == ENSEMBLE_MOST)
    return error_set(error, LEUKO_ARGUMENT, path, NULL, "more than %d models are named",
                     ENSEMBLE_MOST);
  char *copy = strdup(path);
  if (!copy) return error_set_memory(error, strlen(path) + 1);
  leuko_status status = leuko_predictor_open(path, options, &e->members[e->count], error);
  if (status != LEUKO_OK) {
    free(copy);
    return status;
  }
  e->paths[e->count++] = copy;
  const model *first = ensemble_model(e), *m = predictor_model(e->members[e->count - 1]);
  bool same = m->class_count == first->class_count && m->positive == first->positive;
  for (int c = 0; same && c < m->class_count; c++)
    same = strcmp(m->classes[c], first->classes[c]) == 0;
  return same ? LEUKO_OK
              : error_set(error, LEUKO_MISMATCH, path, "name models of the same classes",
                          "its classes are not those of '%.200s'", e->paths[0]);
}

/* The models of a cross-validation's folds, as many as there are. */
static leuko_status add_folds(ensemble *e, const char *folder, const leuko_options *options,
                              leuko_error *error) {
  for (int f = 1;; f++) {
    char name[32], path[1024];
    snprintf(name, sizeof name, "fold-%d", f);
    leuko_status status = file_join(path, sizeof path, folder, name, error);
    if (status != LEUKO_OK) return status;
    if (!file_exists(path)) {
      if (f > 1) return LEUKO_OK;
      return error_set(error, LEUKO_NOT_FOUND, folder, "go on with it: 'leuko train --resume'",
                       "the cross-validation holds no fold yet");
    }
    status = add_member(e, path, options, error);
    if (status != LEUKO_OK) return status;
  }
}

static leuko_status add_path(ensemble *e, const char *path, const leuko_options *options,
                             leuko_error *error) {
  char folds[1024], finished[1024];
  leuko_status status = file_join(folds, sizeof folds, path, "folds.csv", error);
  if (status == LEUKO_OK)
    status = file_join(finished, sizeof finished, path, "evaluation.json", error);
  if (status != LEUKO_OK || !file_exists(folds)) return add_member(e, path, options, error);
  if (!file_exists(finished))
    return error_set(error, LEUKO_NOT_FOUND, path,
                     "finish it with 'leuko train --resume', or name one of its folds",
                     "the cross-validation is not finished");
  return add_folds(e, path, options, error);
}

/* The threshold in the middle of the members', on the scale on which they are averaged. */
static double middle_threshold(const ensemble *e) {
  double sum = 0;
  for (int k = 0; k < e->count; k++) {
    double t = predictor_model(e->members[k])->threshold;
    sum += log(t) - log1p(-t);
  }
  return stats_sigmoid(sum / e->count);
}

leuko_status ensemble_open(const char *const *paths, int count, const leuko_options *options,
                           ensemble *out, leuko_error *error) {
  *out = (ensemble){0};
  leuko_status status = LEUKO_OK;
  for (int i = 0; i < count && status == LEUKO_OK; i++)
    status = add_path(out, paths[i], options, error);
  if (status != LEUKO_OK) {
    ensemble_close(out);
    return status;
  }
  out->threshold = out->count == 1 ? ensemble_model(out)->threshold : middle_threshold(out);
  out->temperature = out->count == 1 ? ensemble_model(out)->temperature : 1;
  return LEUKO_OK;
}

void ensemble_close(ensemble *e) {
  for (int k = 0; k < e->count; k++) {
    leuko_predictor_close(e->members[k]);
    free(e->paths[k]);
  }
  *e = (ensemble){0};
}

const model *ensemble_model(const ensemble *e) {
  return predictor_model(e->members[0]);
}

const char *ensemble_fitted_on(const ensemble *e) {
  const char *first = NULL;
  for (int k = 0; k < e->count; k++) {
    const char *data =
        json_string_value(json_object_get(predictor_model(e->members[k])->operating_point, "data"));
    if (!data || (first && strcmp(first, data) != 0)) return NULL;
    first = data;
  }
  return first;
}

const char *ensemble_precision(const ensemble *e) {
  const char *first = leuko_predictor_precision(e->members[0]);
  for (int k = 1; k < e->count; k++)
    if (strcmp(leuko_predictor_precision(e->members[k]), first) != 0) return "mixed";
  return first;
}

/* A block of files within all. */
typedef struct {
  const progress *whole;
  size_t before, total;
} block;

static int report(void *context, const char *phase, size_t done, size_t total, const char *note) {
  (void)total;
  const block *b = context;
  return progress_report(b->whole, phase, b->before + done, b->total, note);
}

/* What the members said of some files: [members][count], logits with [outputs] in each. */
typedef struct {
  leuko_answer *answers;
  double *logits;
} sayings;

/* Takes the answer back where more than half of the members reject, for the reason that most of
 * them give. */
static void reject(const ensemble *e, const sayings *said, size_t count, size_t i,
                   leuko_answer *answer) {
  int reasons[LEUKO_REASON_COUNT] = {0}, rejecting = 0, most = LEUKO_REASON_NONE;
  double distance = 0;
  for (int k = 0; k < e->count; k++) {
    const leuko_answer *one = &said->answers[(size_t)k * count + i];
    distance += one->distance / e->count;
    if (one->reason == LEUKO_REASON_NONE) continue;
    rejecting++;
    reasons[one->reason]++;
  }
  for (int r = 1; r < LEUKO_REASON_COUNT; r++)
    if (reasons[r] > reasons[most]) most = r;
  answer->distance = distance;
  if (2 * rejecting > e->count) predictor_reject(answer, (leuko_reason)most);
}

static void combine(const ensemble *e, const sayings *said, size_t count, size_t i,
                    leuko_answer *answer, ensemble_spread *spread, double *mean) {
  model as_one = *ensemble_model(e); /* borrowed for its classes */
  const size_t outputs = (size_t)as_one.net.outputs;
  *answer = said->answers[i];
  for (size_t c = 0; c < outputs; c++) mean[c] = 0;
  for (int k = 0; k < e->count; k++) {
    const size_t at = (size_t)k * count + i;
    if (said->answers[at].status != LEUKO_OK) *answer = said->answers[at];
    double temperature = predictor_model(e->members[k])->temperature;
    if (!(temperature > 0)) temperature = 1;
    for (size_t c = 0; c < outputs; c++)
      mean[c] += said->logits[at * outputs + c] / temperature / e->count;
  }
  *spread = (ensemble_spread){.spread = NAN};
  for (int k = 0; k < e->count; k++) spread->p[k] = NAN;
  if (answer->status != LEUKO_OK) {
    for (size_t c = 0; c < outputs; c++) mean[c] = NAN;
    return;
  }
  as_one.temperature = e->temperature;
  as_one.threshold = e->threshold;
  predictor_decide(&as_one, mean, answer);
  const int asked = outputs == 1 ? as_one.positive : answer->label_index;
  double sum = 0, squares = 0;
  for (int k = 0; k < e->count; k++) {
    double p[LEUKO_MAX_CLASSES];
    stats_probabilities(said->logits + ((size_t)k * count + i) * outputs, as_one.class_count,
                        as_one.positive, predictor_model(e->members[k])->temperature, p);
    spread->p[k] = p[asked];
    sum += spread->p[k];
  }
  for (int k = 0; k < e->count; k++)
    squares += (spread->p[k] - sum / e->count) * (spread->p[k] - sum / e->count);
  spread->spread = sqrt(squares / (e->count - 1));
  reject(e, said, count, i, answer);
}

leuko_status ensemble_files(ensemble *e, const char *const *paths, size_t count,
                            leuko_answer *answers, ensemble_spread *spreads, double *logits,
                            const progress *p, leuko_error *error) {
  if (e->count == 1) {
    leuko_status status = predictor_files(e->members[0], paths, count, answers, logits, p, error);
    for (size_t i = 0; spreads && i < count; i++)
      spreads[i] = (ensemble_spread){.spread = 0, .p = {answers[i].p}};
    return status;
  }
  if (count == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no file is named");
  enum { BLOCK = 256 };
  const size_t members = (size_t)e->count, outputs = (size_t)ensemble_model(e)->net.outputs;
  sayings said = {calloc(members * BLOCK, sizeof *said.answers),
                  calloc(members * BLOCK * outputs, sizeof *said.logits)};
  block b = {p, 0, count};
  const progress part = {report, &b};
  leuko_status status = LEUKO_OK;
  if (!said.answers || !said.logits)
    status = error_set_memory(error, members * BLOCK * sizeof *said.answers);
  for (size_t first = 0; status == LEUKO_OK && first < count; first += BLOCK) {
    const size_t now = count - first < BLOCK ? count - first : BLOCK;
    b.before = first;
    status = predictor_files_each(e->members, e->count, paths + first, now, said.answers,
                                  said.logits, &part, error);
    for (size_t i = 0; status == LEUKO_OK && i < now; i++) {
      double mean[LEUKO_MAX_CLASSES];
      ensemble_spread spread;
      combine(e, &said, now, i, &answers[first + i], &spread, mean);
      if (spreads) spreads[first + i] = spread;
      if (logits) memcpy(logits + (first + i) * outputs, mean, outputs * sizeof *mean);
    }
  }
  free(said.answers);
  free(said.logits);
  return status == LEUKO_OK ? predictor_refused(paths, answers, count, error) : status;
}
