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

/* Whether a path is the folder of a cross-validation, which then has to be finished. */
static leuko_status find_folds(const char *path, bool *folds, leuko_error *error) {
  char list[1024], finished[1024];
  leuko_status status = file_join(list, sizeof list, path, "folds.csv", error);
  if (status == LEUKO_OK)
    status = file_join(finished, sizeof finished, path, "evaluation.json", error);
  *folds = status == LEUKO_OK && file_exists(list);
  if (*folds && !file_exists(finished))
    return error_set(error, LEUKO_NOT_FOUND, path,
                     "finish it with 'leuko train --resume', or name one of its folds",
                     "the cross-validation is not finished");
  return status;
}

/* The folder of a cross-validation's fold, from 1; *there: it has so many. */
static leuko_status fold_folder(const char *folder, int fold, char *out, size_t size, bool *there,
                                leuko_error *error) {
  char name[32];
  snprintf(name, sizeof name, "fold-%d", fold);
  leuko_status status = file_join(out, size, folder, name, error);
  *there = status == LEUKO_OK && file_exists(out);
  return status;
}

static leuko_status add_path(ensemble *e, const char *path, const leuko_options *options,
                             leuko_error *error) {
  bool folds;
  leuko_status status = find_folds(path, &folds, error);
  if (status != LEUKO_OK || !folds)
    return status == LEUKO_OK ? add_member(e, path, options, error) : status;
  char fold[1024];
  bool there = true;
  for (int f = 1; there && status == LEUKO_OK; f++) {
    status = fold_folder(path, f, fold, sizeof fold, &there, error);
    if (there) status = add_member(e, fold, options, error);
  }
  return status;
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

/* What answers for all members, once they are there. */
static void set_operating_point(ensemble *e) {
  e->threshold = e->count == 1 ? ensemble_model(e)->threshold : middle_threshold(e);
  e->temperature = e->count == 1 ? ensemble_model(e)->temperature : 1;
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
  set_operating_point(out);
  return LEUKO_OK;
}

/* One fold of all cross-validations; *there: they have so many. */
static leuko_status open_fold(const char *const *folders, int count, int fold,
                              const leuko_options *options, ensemble *out, bool *there,
                              leuko_error *error) {
  char path[1024];
  leuko_status status = LEUKO_OK;
  *out = (ensemble){0};
  for (int i = 0; i < count && status == LEUKO_OK; i++) {
    bool here;
    status = fold_folder(folders[i], fold, path, sizeof path, &here, error);
    if (status == LEUKO_OK && i > 0 && here != *there)
      status = error_set(error, LEUKO_MISMATCH, folders[i], "name cross-validations of equal folds",
                         "it has not as many folds as '%.200s'", folders[0]);
    *there = here;
    if (status == LEUKO_OK && here) status = add_member(out, path, options, error);
  }
  if (status != LEUKO_OK) ensemble_close(out);
  else if (*there) set_operating_point(out);
  return status;
}

leuko_status ensemble_open_folds(const char *const *paths, int count, const leuko_options *options,
                                 ensemble *out, int *out_count, leuko_error *error) {
  int with = 0;
  leuko_status status = LEUKO_OK;
  *out_count = 0;
  for (int i = 0; i < count && status == LEUKO_OK; i++) {
    bool folds;
    status = find_folds(paths[i], &folds, error);
    with += folds;
  }
  if (status == LEUKO_OK && with > 0 && with < count)
    status = error_set(error, LEUKO_ARGUMENT, NULL, "name models, or cross-validations",
                       "some of them are cross-validations and some are not");
  if (status != LEUKO_OK) return status;
  if (with == 0) {
    status = ensemble_open(paths, count, options, out, error);
    *out_count = status == LEUKO_OK;
    return status;
  }
  bool there = true;
  while (there && status == LEUKO_OK) {
    if ((*out_count + 1) * count > ENSEMBLE_MOST)
      return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "more than %d models are named",
                       ENSEMBLE_MOST);
    status = open_fold(paths, count, *out_count + 1, options, &out[*out_count], &there, error);
    *out_count += status == LEUKO_OK && there;
  }
  return status;
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

void ensemble_decide(const ensemble *e, const double *logits, leuko_answer *answer) {
  model as_one = *ensemble_model(e); /* borrowed for its classes */
  as_one.temperature = e->temperature;
  as_one.threshold = e->threshold;
  predictor_decide(&as_one, logits, answer);
}

static void combine(const ensemble *e, const sayings *said, size_t count, size_t i,
                    leuko_answer *answer, ensemble_spread *spread, double *mean) {
  const model as_one = *ensemble_model(e); /* borrowed for its classes */
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
  ensemble_decide(e, mean, answer);
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

leuko_status ensemble_pictures(ensemble *e, const image *pictures, size_t count,
                               leuko_answer *answers, double *logits, leuko_error *error) {
  if (e->count == 1)
    return predictor_pictures(e->members[0], pictures, count, answers, logits, error);
  const size_t members = (size_t)e->count, outputs = (size_t)ensemble_model(e)->net.outputs;
  sayings said = {calloc(members * count + 1, sizeof *said.answers),
                  calloc(members * count * outputs + 1, sizeof *said.logits)};
  leuko_status status = LEUKO_OK;
  if (!said.answers || !said.logits)
    status = error_set_memory(error, members * count * sizeof *said.answers);
  for (size_t k = 0; k < members && status == LEUKO_OK; k++)
    status = predictor_pictures(e->members[k], pictures, count, said.answers + k * count,
                                said.logits + k * count * outputs, error);
  for (size_t i = 0; status == LEUKO_OK && i < count; i++) {
    ensemble_spread spread;
    combine(e, &said, count, i, &answers[i], &spread, logits + i * outputs);
  }
  free(said.answers);
  free(said.logits);
  return status;
}
