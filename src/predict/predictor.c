#include "predict/predictor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/threads.h"
#include "image/decode.h"
#include "image/resize.h"
#include "stats/metrics.h"

#define DEFAULT_BATCH 16
#define MOST_THREADS 256

struct leuko_predictor {
  model m;
  int threads, batch;
  const char *backend;
  net_precision precision;
  bool skip, rejects;
  net_plan *single, *many; /* made when first needed: for one image and for `batch` */
  net_plan *wide;          /* and for one in float32 */
  uint8_t *pixels;         /* [batch][size][size][3] */
  double *measures;        /* [batch][IMAGE_MEASURES] of these; NULL: nothing is rejected */
  float *rows;             /* [batch][last width]; NULL: no distance is known */
  double *logits;          /* [batch][outputs] */
  /* The part before the head, made when features are first asked for. */
  net_graph *base;
  float *base_params;
  net_plan *base_plan; /* of `batch` images */
};

static size_t picture_bytes(const leuko_predictor *predictor) {
  return (size_t)predictor->m.net.size * (size_t)predictor->m.net.size * 3;
}

/* The options but for the model; defaults in place of zeros. */
static leuko_status set_options(leuko_predictor *predictor, const leuko_options *options,
                                leuko_error *error) {
  predictor->threads = threads_count(options->threads);
  predictor->batch = options->batch > 0 ? options->batch : DEFAULT_BATCH;
  predictor->backend = "onednn";
  if (options->backend && strcmp(options->backend, "ref") == 0) predictor->backend = "ref";
  else if (options->backend && strcmp(options->backend, "onednn") != 0)
    return error_set(error, LEUKO_ARGUMENT, options->backend, "take onednn or ref",
                     "there is no backend '%.40s'", options->backend);
  predictor->skip = !options->no_skip;
  predictor->rejects = !options->no_reject && predictor->m.rejection.cells > 0;
  leuko_status status =
      model_precision(&predictor->m, options->precision, &predictor->precision, error);
  if (status != LEUKO_OK) return status;
  if (strcmp(predictor->backend, "ref") == 0) predictor->precision = NET_F32;
  if (predictor->batch > 1024)
    return error_set(error, LEUKO_ARGUMENT, NULL, "take 1 to 1024", "a batch of %d is not possible",
                     predictor->batch);
  if (options->threads > MOST_THREADS)
    return error_set(error, LEUKO_ARGUMENT, NULL, "take 1 to 256", "%d threads are not possible",
                     predictor->threads);
  return LEUKO_OK;
}

static leuko_status allocate(leuko_predictor *predictor, leuko_error *error) {
  const size_t batch = (size_t)predictor->batch;
  const size_t row = model_last_width(&predictor->m) * sizeof *predictor->rows;
  const bool distance = predictor->m.rejection.distance.directions > 0;
  predictor->pixels = malloc(picture_bytes(predictor) * batch);
  predictor->logits = malloc((size_t)predictor->m.net.outputs * batch * sizeof *predictor->logits);
  if (predictor->rejects)
    predictor->measures = calloc(batch * IMAGE_MEASURES, sizeof *predictor->measures);
  if (distance) predictor->rows = malloc(row * batch);
  if (!predictor->pixels || !predictor->logits || (predictor->rejects && !predictor->measures) ||
      (distance && !predictor->rows))
    return error_set_memory(error, (picture_bytes(predictor) + row) * batch);
  return LEUKO_OK;
}

leuko_status predictor_open(model *m, const leuko_options *options, leuko_predictor **out,
                            leuko_error *error) {
  *out = NULL;
  leuko_options none = {0};
  leuko_predictor *predictor = calloc(1, sizeof *predictor);
  if (!predictor) {
    model_free(m);
    return error_set_memory(error, sizeof *predictor);
  }
  predictor->m = *m;
  *m = (model){0};
  leuko_status status = set_options(predictor, options ? options : &none, error);
  if (status == LEUKO_OK) status = allocate(predictor, error);
  if (status != LEUKO_OK) {
    leuko_predictor_close(predictor);
    return status;
  }
  *out = predictor;
  return LEUKO_OK;
}

leuko_status leuko_predictor_open(const char *path, const leuko_options *options,
                                  leuko_predictor **out, leuko_error *error) {
  *out = NULL;
  if (!path) return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "no model file is named");
  model m;
  leuko_status status = model_load(path, &m, error);
  return status == LEUKO_OK ? predictor_open(&m, options, out, error) : status;
}

void leuko_predictor_close(leuko_predictor *predictor) {
  if (!predictor) return;
  net_plan_free(predictor->single);
  net_plan_free(predictor->many);
  net_plan_free(predictor->wide);
  net_plan_free(predictor->base_plan);
  net_graph_free(predictor->base);
  free(predictor->base_params);
  model_free(&predictor->m);
  free(predictor->pixels);
  free(predictor->measures);
  free(predictor->rows);
  free(predictor->logits);
  free(predictor);
}

void predictor_give_back(leuko_predictor *predictor, model *out) {
  *out = predictor->m;
  predictor->m = (model){0};
  leuko_predictor_close(predictor);
}

const char *leuko_predictor_precision(const leuko_predictor *predictor) {
  return net_precision_name(predictor->precision);
}

const model *predictor_model(const leuko_predictor *predictor) {
  return &predictor->m;
}

int leuko_predictor_classes(const leuko_predictor *predictor) {
  return predictor->m.class_count;
}

const char *leuko_predictor_class(const leuko_predictor *predictor, int index) {
  return index >= 0 && index < predictor->m.class_count ? predictor->m.classes[index] : "";
}

const char *leuko_predictor_positive(const leuko_predictor *predictor) {
  return leuko_predictor_class(predictor, predictor->m.positive);
}

static net_plan_options plan_options(const leuko_predictor *predictor, int batch,
                                     net_precision precision) {
  net_plan_options options =
      model_plan_options(&predictor->m, batch, predictor->threads, predictor->backend);
  options.precision = precision;
  options.skip = predictor->skip;
  return options;
}

/* A plan of the predictor's, made if it is not there yet. */
static leuko_status ready(leuko_predictor *predictor, net_plan **plan, int batch,
                          net_precision precision, leuko_error *error) {
  if (*plan) return LEUKO_OK;
  const net_plan_options options = plan_options(predictor, batch, precision);
  leuko_status status = net_plan_new(predictor->m.graph, &options, plan, error);
  if (status == LEUKO_OK) status = net_plan_bind(*plan, predictor->m.params, error);
  if (status != LEUKO_OK) {
    net_plan_free(*plan);
    *plan = NULL;
  }
  return status;
}

/* Logits [count][outputs] of pictures that are no more than the plan's batch, and what the last
 * layer read, which may be NULL. */
static leuko_status run_plan(const leuko_predictor *predictor, net_plan *plan,
                             const uint8_t *pixels, size_t count, double *logits, float *rows,
                             leuko_error *error) {
  const float *answer;
  leuko_status status = net_plan_forward(plan, pixels, (int)count, 0, &answer, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < count * (size_t)predictor->m.net.outputs; i++)
    logits[i] = (double)answer[i];
  if (rows) net_plan_last_inputs(plan, (int)count, rows);
  return LEUKO_OK;
}

static bool is_finite(const leuko_predictor *predictor, const double *logits) {
  for (int k = 0; k < predictor->m.net.outputs; k++)
    if (!isfinite(logits[k])) return false;
  return true;
}

/* The same of at most a batch. 16 bits may be half precision, which ends at 65,504: a picture whose
 * activations go beyond is answered in float32. */
static leuko_status forward(leuko_predictor *predictor, const uint8_t *pixels, size_t count,
                            double *logits, float *rows, leuko_error *error) {
  net_plan **plan = count == 1 ? &predictor->single : &predictor->many;
  leuko_status status =
      ready(predictor, plan, count == 1 ? 1 : predictor->batch, predictor->precision, error);
  if (status == LEUKO_OK) status = run_plan(predictor, *plan, pixels, count, logits, rows, error);
  if (predictor->precision != NET_BF16) return status;
  for (size_t i = 0; i < count && status == LEUKO_OK; i++) {
    double *own = logits + i * (size_t)predictor->m.net.outputs;
    if (is_finite(predictor, own)) continue;
    status = ready(predictor, &predictor->wide, 1, NET_F32, error);
    if (status == LEUKO_OK)
      status = run_plan(predictor, predictor->wide, pixels + i * picture_bytes(predictor), 1, own,
                        rows ? rows + i * model_last_width(&predictor->m) : NULL, error);
  }
  return status;
}

leuko_status predictor_logits(leuko_predictor *predictor, const uint8_t *pixels, size_t count,
                              double *logits, float *rows, const progress *p, leuko_error *error) {
  const size_t outputs = (size_t)predictor->m.net.outputs;
  const size_t width = model_last_width(&predictor->m);
  for (size_t first = 0; first < count;) {
    size_t left = count - first;
    size_t now = left < (size_t)predictor->batch ? left : (size_t)predictor->batch;
    leuko_status status =
        forward(predictor, pixels + first * picture_bytes(predictor), now, logits + first * outputs,
                rows ? rows + first * width : NULL, error);
    if (status != LEUKO_OK) return status;
    first += now;
    if (progress_report(p, "answering", first, count, NULL))
      return error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  return LEUKO_OK;
}

/* An answer that is none. */
static void withhold(leuko_answer *answer, const char *label) {
  answer->p = answer->p_raw = answer->logit = NAN;
  answer->label_index = -1;
  snprintf(answer->label, sizeof answer->label, "%s", label);
  for (int k = 0; k < LEUKO_MAX_CLASSES; k++) answer->probabilities[k] = NAN;
}

static void refuse(leuko_answer *answer, leuko_status status, const char *message) {
  withhold(answer, "");
  answer->status = status;
  answer->reason = LEUKO_REASON_NONE;
  answer->distance = NAN;
  snprintf(answer->message, sizeof answer->message, "%s",
           message && message[0] ? message : leuko_status_message(status));
}

void predictor_decide(const model *m, const double *logits, leuko_answer *answer) {
  for (int k = 0; k < m->net.outputs; k++)
    if (!isfinite(logits[k])) {
      refuse(answer, LEUKO_BAD_MODEL, "the model's answer is not a finite number");
      return;
    }
  memset(answer->probabilities, 0, sizeof answer->probabilities);
  answer->status = LEUKO_OK;
  answer->reason = LEUKO_REASON_NONE;
  answer->distance = NAN;
  answer->message[0] = 0;
  double raw[LEUKO_MAX_CLASSES];
  stats_probabilities(logits, m->class_count, m->positive, 1, raw);
  stats_probabilities(logits, m->class_count, m->positive, m->temperature, answer->probabilities);
  int asked = m->positive; /* the class whose probability is given */
  if (m->net.outputs == 1) {
    answer->logit = logits[0];
    answer->label_index =
        answer->probabilities[asked] >= m->threshold ? m->positive : 1 - m->positive;
  } else {
    asked = answer->label_index = stats_argmax(logits, m->net.outputs);
    answer->logit = logits[asked];
  }
  answer->p = answer->probabilities[asked];
  answer->p_raw = raw[asked];
  snprintf(answer->label, sizeof answer->label, "%s", m->classes[answer->label_index]);
}

void predictor_reject(leuko_answer *answer, leuko_reason reason) {
  withhold(answer, "rejected");
  answer->reason = reason;
  snprintf(answer->message, sizeof answer->message, "%s", leuko_reason_message(reason));
}

/* Takes the answer for picture `i` of the batch back if it is no cell that the model knows. */
static void judge(const leuko_predictor *predictor, size_t i, leuko_answer *answer) {
  const model *m = &predictor->m;
  if (answer->status != LEUKO_OK) return;
  if (predictor->rows)
    answer->distance =
        stats_distance_of(&m->rejection.distance, predictor->rows + i * model_last_width(m));
  if (!predictor->rejects) return;
  const leuko_reason reason =
      model_judge(&m->rejection, predictor->measures + i * IMAGE_MEASURES, answer->distance);
  if (reason != LEUKO_REASON_NONE) predictor_reject(answer, reason);
}

/* Answers the `used` pictures that lie in predictor->pixels; answers[at[i]] and, if wanted,
 * logits[at[i]], also of rejected ones, receive the i-th. */
static leuko_status answer_pictures(leuko_predictor *predictor, size_t used, const size_t *at,
                                    leuko_answer *answers, double *logits, leuko_error *error) {
  if (used == 0) return LEUKO_OK;
  leuko_status status =
      forward(predictor, predictor->pixels, used, predictor->logits, predictor->rows, error);
  if (status != LEUKO_OK) return status;
  const size_t outputs = (size_t)predictor->m.net.outputs;
  for (size_t i = 0; i < used; i++) {
    const double *row = predictor->logits + i * outputs;
    predictor_decide(&predictor->m, row, &answers[at[i]]);
    judge(predictor, i, &answers[at[i]]);
    if (logits) memcpy(logits + at[i] * outputs, row, outputs * sizeof *row);
  }
  return LEUKO_OK;
}

/* Where the measures of the i-th picture of a batch go, or NULL. */
static double *measures_at(const leuko_predictor *predictor, size_t i) {
  return predictor->measures ? predictor->measures + i * IMAGE_MEASURES : NULL;
}

/* Moves the `count` pictures that lie in predictor->pixels, but for the refused ones, to the first
 * places; at[i] is the one of place i. Returns how many they are. */
static size_t close_gaps(leuko_predictor *predictor, size_t count, const leuko_answer *answers,
                         size_t *at) {
  const size_t bytes = picture_bytes(predictor);
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    if (answers[i].status != LEUKO_OK) continue;
    if (used != i) {
      memcpy(predictor->pixels + used * bytes, predictor->pixels + i * bytes, bytes);
      if (predictor->measures)
        memcpy(measures_at(predictor, used), measures_at(predictor, i),
               IMAGE_MEASURES * sizeof *predictor->measures);
    }
    at[used++] = i;
  }
  return used;
}

/* The first of the members that has prepared what members[k] needs; k if none before it has. */
static int prepared_by(leuko_predictor *const *members, int k) {
  for (int j = 0; j < k; j++)
    if (model_prepares_alike(&members[j]->m, &members[k]->m) &&
        (members[j]->measures || !members[k]->measures))
      return j;
  return k;
}

/* Copies what `from` has in place i to what `to` has there. */
static void copy_prepared(const leuko_predictor *from, const leuko_predictor *to, size_t i) {
  const size_t bytes = picture_bytes(to);
  memcpy(to->pixels + i * bytes, from->pixels + i * bytes, bytes);
  if (to->measures)
    memcpy(measures_at(to, i), measures_at(from, i), IMAGE_MEASURES * sizeof *to->measures);
}

/* Reads a file into place i of every member's pixels; answers[k * count] is that of the k-th. */
static void read_file(leuko_predictor *const *members, int member_count, const char *path, size_t i,
                      leuko_answer *answers, size_t count) {
  image picture;
  leuko_error error = {0};
  char sha256[sizeof answers->sha256];
  const leuko_status read = image_read(path, &picture, sha256, &error);
  for (int k = 0; k < member_count; k++) {
    const leuko_predictor *member = members[k];
    leuko_answer *answer = answers + (size_t)k * count;
    const int by = prepared_by(members, k);
    if (by < k && answers[(size_t)by * count].status == LEUKO_OK) {
      *answer = answers[(size_t)by * count];
      copy_prepared(members[by], member, i);
      continue;
    }
    memcpy(answer->sha256, sha256, sizeof sha256);
    answer->status = read;
    if (read == LEUKO_OK)
      answer->status =
          model_prepare(&member->m, &picture, member->pixels + i * picture_bytes(member),
                        measures_at(member, i), &error);
    if (answer->status != LEUKO_OK) refuse(answer, answer->status, error.message);
  }
  image_free(&picture);
}

/* Reads `now` files into the first places of the members' pixels; answers [members][count]. */
static void read_files(leuko_predictor *const *members, int member_count, const char *const *paths,
                       size_t now, leuko_answer *answers, size_t count) {
#pragma omp parallel for num_threads(members[0]->threads) schedule(dynamic) if (now > 1)
  for (size_t i = 0; i < now; i++)
    read_file(members, member_count, paths[i], i, answers + i, count);
}

leuko_status predictor_pictures(leuko_predictor *predictor, const image *pictures, size_t count,
                                leuko_answer *answers, double *logits, leuko_error *error) {
  const size_t batch = (size_t)predictor->batch, outputs = (size_t)predictor->m.net.outputs;
  size_t *at = malloc(batch * sizeof *at);
  if (!at) return error_set_memory(error, batch * sizeof *at);
  for (size_t i = 0; i < count * outputs; i++) logits[i] = NAN;
  leuko_status status = LEUKO_OK;
  for (size_t first = 0; first < count && status == LEUKO_OK; first += batch) {
    const size_t now = count - first < batch ? count - first : batch;
#pragma omp parallel for num_threads(predictor->threads) schedule(dynamic) if (now > 1)
    for (size_t i = 0; i < now; i++) {
      leuko_error why = {0};
      leuko_answer *answer = &answers[first + i];
      *answer = (leuko_answer){0};
      answer->status = model_prepare(&predictor->m, &pictures[first + i],
                                     predictor->pixels + i * picture_bytes(predictor),
                                     measures_at(predictor, i), &why);
      if (answer->status != LEUKO_OK) refuse(answer, answer->status, why.message);
    }
    const size_t used = close_gaps(predictor, now, answers + first, at);
    status = answer_pictures(predictor, used, at, answers + first, logits + first * outputs, error);
  }
  free(at);
  return status;
}

leuko_status predictor_files_each(leuko_predictor *const *members, int member_count,
                                  const char *const *paths, size_t count, leuko_answer *answers,
                                  double *logits, const progress *p, leuko_error *error) {
  if (count == 0) return error_set(error, LEUKO_NO_DATA, NULL, NULL, "no file is named");
  const size_t batch = (size_t)members[0]->batch, outputs = (size_t)members[0]->m.net.outputs;
  const size_t all = (size_t)member_count * count;
  for (size_t i = 0; logits && i < all * outputs; i++) logits[i] = NAN;
  for (size_t i = 0; i < all; i++) {
    answers[i] = (leuko_answer){0};
    refuse(&answers[i], LEUKO_INTERRUPTED, "not reached");
  }
  size_t *at = malloc(batch * sizeof *at);
  if (!at) return error_set_memory(error, batch * sizeof *at);
  leuko_status status = LEUKO_OK;
  for (size_t first = 0; first < count && status == LEUKO_OK; first += batch) {
    const size_t now = count - first < batch ? count - first : batch;
    read_files(members, member_count, paths + first, now, answers + first, count);
    for (int k = 0; k < member_count && status == LEUKO_OK; k++) {
      const size_t begin = (size_t)k * count + first;
      const size_t used = close_gaps(members[k], now, answers + begin, at);
      status = answer_pictures(members[k], used, at, answers + begin,
                               logits ? logits + begin * outputs : NULL, error);
    }
    if (status == LEUKO_OK && count > 1 &&
        progress_report(p, "answering", first + now, count, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  free(at);
  return status;
}

leuko_status predictor_refused(const char *const *paths, const leuko_answer *answers, size_t count,
                               leuko_error *error) {
  size_t refused = 0;
  for (size_t i = 0; i < count; i++) refused += answers[i].status != LEUKO_OK;
  if (refused == 0) return LEUKO_OK;
  if (refused < count)
    return error_set(error, LEUKO_PARTIAL, NULL, NULL, "%zu of %zu files were refused", refused,
                     count);
  return error_set(error, answers[0].status, paths[0], NULL, "%s", answers[0].message);
}

leuko_status predictor_files(leuko_predictor *predictor, const char *const *paths, size_t count,
                             leuko_answer *answers, double *logits, const progress *p,
                             leuko_error *error) {
  leuko_status status =
      predictor_files_each(&predictor, 1, paths, count, answers, logits, p, error);
  return status == LEUKO_OK ? predictor_refused(paths, answers, count, error) : status;
}

/* The plan of the part before the head. */
static leuko_status ready_base(leuko_predictor *predictor, leuko_error *error) {
  if (predictor->base_plan) return LEUKO_OK;
  const model *m = &predictor->m;
  leuko_status status = LEUKO_OK;
  if (!predictor->base) status = zoo_build_base(&m->net, &predictor->base, error);
  if (status == LEUKO_OK && !predictor->base_params) {
    size_t bytes = (predictor->base->param_floats * sizeof(float) + 63) / 64 * 64;
    predictor->base_params = aligned_alloc(64, bytes);
    if (!predictor->base_params) return error_set_memory(error, bytes);
    memset(predictor->base_params, 0, bytes);
    net_copy_params(m->graph, m->params, predictor->base, predictor->base_params);
  }
  const net_plan_options options = plan_options(predictor, predictor->batch, predictor->precision);
  if (status == LEUKO_OK)
    status = net_plan_new(predictor->base, &options, &predictor->base_plan, error);
  if (status == LEUKO_OK)
    status = net_plan_bind(predictor->base_plan, predictor->base_params, error);
  if (status != LEUKO_OK) {
    net_plan_free(predictor->base_plan);
    predictor->base_plan = NULL;
  }
  return status;
}

leuko_status predictor_feature_count(leuko_predictor *predictor, size_t *out, leuko_error *error) {
  leuko_status status = ready_base(predictor, error);
  if (status == LEUKO_OK)
    *out = net_shape_size(predictor->base->nodes[predictor->base->node_count - 1].shape);
  return status;
}

static bool all_finite(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

leuko_status predictor_features(leuko_predictor *predictor, const char *const *paths, size_t count,
                                leuko_answer *answers, float *rows, leuko_error *error) {
  size_t width = 0;
  leuko_status status = predictor_feature_count(predictor, &width, error);
  const size_t batch = (size_t)predictor->batch;
  size_t *at = malloc(batch * sizeof *at);
  if (!at) return error_set_memory(error, batch * sizeof *at);
  for (size_t first = 0; first < count && status == LEUKO_OK; first += batch) {
    size_t now = count - first < batch ? count - first : batch;
    memset(answers + first, 0, now * sizeof *answers);
    read_files(&predictor, 1, paths + first, now, answers + first, count);
    const size_t used = close_gaps(predictor, now, answers + first, at);
    const float *values;
    if (used > 0)
      status =
          net_plan_forward(predictor->base_plan, predictor->pixels, (int)used, 0, &values, error);
    for (size_t i = 0; i < used && status == LEUKO_OK; i++) {
      const float *row = values + i * width;
      if (all_finite(row, width)) memcpy(rows + (first + at[i]) * width, row, width * sizeof *rows);
      else
        refuse(&answers[first + at[i]], LEUKO_BAD_MODEL,
               "what the head would see are not finite numbers; take --precision f32");
    }
  }
  free(at);
  return status;
}

leuko_status leuko_predict_files(leuko_predictor *predictor, const char *const *paths, size_t count,
                                 leuko_answer *answers, leuko_error *error) {
  return predictor_files(predictor, paths, count, answers, NULL, NULL, error);
}

leuko_status leuko_predict_file(leuko_predictor *predictor, const char *path, leuko_answer *answer,
                                leuko_error *error) {
  return predictor_files(predictor, &path, 1, answer, NULL, NULL, error);
}

leuko_status leuko_predict_pixels(leuko_predictor *predictor, const uint8_t *rgb, int width,
                                  int height, leuko_answer *answer, leuko_error *error) {
  *answer = (leuko_answer){0};
  if (width < IMAGE_MIN_SIDE || height < IMAGE_MIN_SIDE) {
    refuse(answer, LEUKO_TOO_SMALL, NULL);
    return error_set(error, LEUKO_TOO_SMALL, NULL, "give the whole picture",
                     "%d x %d pixels, but a side has at least %d", width, height, IMAGE_MIN_SIDE);
  }
  image picture = {width, height, (uint8_t *)(uintptr_t)rgb};
  leuko_status status =
      model_prepare(&predictor->m, &picture, predictor->pixels, measures_at(predictor, 0), error);
  size_t at = 0;
  if (status == LEUKO_OK) status = answer_pictures(predictor, 1, &at, answer, NULL, error);
  if (status != LEUKO_OK) refuse(answer, status, error ? error->message : NULL);
  else if (answer->status != LEUKO_OK)
    status = error_set(error, answer->status, NULL, NULL, "%s", answer->message);
  return status;
}
