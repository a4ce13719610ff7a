#include "evaluate/stress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sort.h"
#include "stats/metrics.h"

#define BLOCK 16 /* pictures in memory at once, twice */
#define SIDE 450 /* of drawn pictures, as the data set's cells */
#define KEPT 0.95

/* Scores of cells or of foreign pictures as they come. */
typedef struct {
  double *values[STRESS_SCORES]; /* [capacity] each */
  int *groups;                   /* [capacity]; -1: a cell */
  size_t count;
} score_list;

typedef struct {
  leuko_predictor *predictor;
  const stress_input *input;
  const progress *p;
  stress *out;
  image pictures[BLOCK], changed[BLOCK];
  leuko_answer answers[BLOCK];
  double logits[BLOCK];
  int labels[BLOCK]; /* of the cells, 1 = positive */
  int before[BLOCK]; /* what they were answered as they are */
  score_list scores;
  size_t done, total;
} session;

static const char *const score_names[STRESS_SCORES] = {"Mahalanobis distance",
                                                       "maximum probability", "energy"};

const char *stress_score_name(stress_score score) {
  return score_names[score];
}

const char *stress_group_name(int group) {
  static const char *const drawn[] = {
#define STRESS_GROUP_NAME(name, text) "drawn " text,
      IMAGE_FOREIGN_MAP(STRESS_GROUP_NAME)
#undef STRESS_GROUP_NAME
  };
  return group < IMAGE_FOREIGN_KINDS ? drawn[group] : "foreign files";
}

double stress_balanced_accuracy(const stress_count *count) {
  double sum = 0;
  for (int c = 0; c < 2; c++)
    sum += (double)count->kept[c][c] / (double)(count->kept[c][0] + count->kept[c][1]);
  return sum / 2;
}

/* Class that the model gives without rejecting: 1 = positive. */
static int class_of(const session *s, double logit) {
  leuko_answer answer;
  const model *m = predictor_model(s->predictor);
  predictor_decide(m, &logit, &answer);
  return answer.label_index == m->positive;
}

static void note_scores(session *s, size_t i, int group) {
  score_list *list = &s->scores;
  const double logit = s->logits[i], p = stats_sigmoid(logit);
  list->values[STRESS_DISTANCE][list->count] = s->answers[i].distance;
  list->values[STRESS_PROBABILITY][list->count] = -fmax(p, 1 - p);
  /* Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, equation 4, with the
   * logits 0 and `logit`. */
  list->values[STRESS_ENERGY][list->count] = -stats_binary_loss(logit, 0);
  list->groups[list->count++] = group;
}

/* Counts the answer of picture i; label -1: no cell. */
static void count_answer(const session *s, size_t i, int label, bool changed, stress_count *count) {
  const leuko_answer *answer = &s->answers[i];
  if (answer->status != LEUKO_OK) return;
  const bool positive = answer->label_index == predictor_model(s->predictor)->positive;
  count->n++;
  count->changed += changed;
  if (answer->reason) {
    count->rejected++;
    count->by_reason[answer->reason]++;
    return;
  }
  count->positive += positive;
  if (label >= 0) count->kept[label][positive]++;
}

static leuko_status report(session *s, size_t pictures, leuko_error *error) {
  s->done += pictures;
  if (progress_report(s->p, "answering", s->done < s->total ? s->done : s->total, s->total, NULL))
    return error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  return LEUKO_OK;
}

static void drop(image *pictures) {
  for (size_t i = 0; i < BLOCK; i++) image_free(&pictures[i]);
}

/* Reads files into s->pictures; those that cannot be read are left out. Returns how many there are;
 * at[i] is the file of the i-th. */
static size_t read_block(session *s, const char *const *files, size_t count, size_t *at) {
  bool good[BLOCK] = {false};
  image read[BLOCK];
#pragma omp parallel for num_threads(s->input->threads) schedule(dynamic)
  for (size_t i = 0; i < count; i++)
    good[i] = image_read(files[i], &read[i], NULL, NULL) == LEUKO_OK;
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    if (!good[i]) continue;
    s->pictures[used] = read[i];
    at[used++] = i;
  }
  return used;
}

static leuko_status answer(session *s, const image *pictures, size_t count, leuko_error *error) {
  return predictor_pictures(s->predictor, pictures, count, s->answers, s->logits, error);
}

/* The block's cells under one corruption. */
static leuko_status corrupt_block(session *s, size_t first, size_t count, image_corruption which,
                                  int step, leuko_error *error) {
  const double amount = image_corruption_of(which)->amounts[step];
  leuko_status status = LEUKO_OK;
#pragma omp parallel for num_threads(s->input->threads) schedule(dynamic)
  for (size_t i = 0; i < count; i++) {
    leuko_status here = image_corrupt(&s->pictures[i], which, amount, s->input->seed,
                                      (uint32_t)(first + i), &s->changed[i], NULL);
#pragma omp critical
    if (here != LEUKO_OK) status = here;
  }
  if (status != LEUKO_OK)
    error_set(error, status, NULL, NULL, "%s while changing cells", leuko_status_message(status));
  else status = answer(s, s->changed, count, error);
  for (size_t i = 0; i < count && status == LEUKO_OK; i++)
    if (s->answers[i].status == LEUKO_OK)
      count_answer(s, i, s->labels[i], class_of(s, s->logits[i]) != s->before[i],
                   &s->out->corrupted[which][step]);
  drop(s->changed);
  return status;
}

static leuko_status stress_block(session *s, size_t first, size_t count, leuko_error *error) {
  size_t at[BLOCK];
  const size_t used = read_block(s, s->input->files + first, count, at);
  leuko_status status = used > 0 ? answer(s, s->pictures, used, error) : LEUKO_OK;
  for (size_t i = 0; i < used && status == LEUKO_OK; i++) {
    s->labels[i] = s->input->labels[first + at[i]] == predictor_model(s->predictor)->positive;
    s->before[i] = class_of(s, s->logits[i]);
    count_answer(s, i, s->labels[i], false, &s->out->clean);
    if (s->answers[i].status == LEUKO_OK) note_scores(s, i, -1);
  }
  if (status == LEUKO_OK) status = report(s, count, error);
  for (int k = 0; k < IMAGE_CORRUPTIONS && used > 0; k++)
    for (int step = 0; step < IMAGE_CORRUPT_STEPS && status == LEUKO_OK; step++)
      if (image_corruption_of((image_corruption)k)->amounts[step] > 0) {
        status = corrupt_block(s, first, used, (image_corruption)k, step, error);
        if (status == LEUKO_OK) status = report(s, count, error);
      }
  drop(s->pictures);
  return status;
}

static leuko_status answer_foreign(session *s, size_t count, int group, leuko_error *error) {
  leuko_status status = count > 0 ? answer(s, s->pictures, count, error) : LEUKO_OK;
  for (size_t i = 0; i < count && status == LEUKO_OK; i++) {
    count_answer(s, i, -1, false, &s->out->foreign[group]);
    if (s->answers[i].status == LEUKO_OK) note_scores(s, i, group);
  }
  drop(s->pictures);
  return status;
}

static leuko_status draw_block(session *s, int kind, size_t first, size_t count,
                               leuko_error *error) {
  leuko_status status = LEUKO_OK;
#pragma omp parallel for num_threads(s->input->threads) schedule(dynamic)
  for (size_t i = 0; i < count; i++) {
    leuko_status here = image_foreign_draw((image_foreign)kind, s->input->seed,
                                           (uint32_t)(first + i), SIDE, &s->pictures[i], NULL);
#pragma omp critical
    if (here != LEUKO_OK) status = here;
  }
  if (status == LEUKO_OK) return answer_foreign(s, count, kind, error);
  drop(s->pictures);
  return error_set_memory(error, (size_t)3 * SIDE * SIDE);
}

static leuko_status show_foreign(session *s, leuko_error *error) {
  const stress_input *in = s->input;
  leuko_status status = LEUKO_OK;
  const size_t drawn = in->drawn > 0 ? (size_t)in->drawn : 0;
  for (int kind = 0; kind < IMAGE_FOREIGN_KINDS; kind++)
    for (size_t first = 0; first < drawn && status == LEUKO_OK; first += BLOCK) {
      const size_t now = drawn - first < BLOCK ? drawn - first : BLOCK;
      status = draw_block(s, kind, first, now, error);
      if (status == LEUKO_OK) status = report(s, now, error);
    }
  for (size_t first = 0; first < in->foreign_count && status == LEUKO_OK; first += BLOCK) {
    const size_t now = in->foreign_count - first < BLOCK ? in->foreign_count - first : BLOCK;
    size_t at[BLOCK];
    status =
        answer_foreign(s, read_block(s, in->foreign + first, now, at), IMAGE_FOREIGN_KINDS, error);
    if (status == LEUKO_OK) status = report(s, now, error);
  }
  return status;
}

/* What one score does: its area, and what it rejects with 95 % of the cells kept. */
static leuko_status judge_score(const score_list *list, stress_score score, stress *out,
                                leuko_error *error) {
  const double *values = list->values[score];
  double *cells = malloc((list->count + 1) * sizeof *cells);
  int *labels = malloc((list->count + 1) * sizeof *labels);
  leuko_status status = LEUKO_OK;
  if (!cells || !labels) status = error_set_memory(error, list->count * sizeof *cells);
  size_t known = 0, n[STRESS_GROUPS] = {0}, beyond[STRESS_GROUPS] = {0}, all = 0, all_beyond = 0;
  out->scored[score] = status == LEUKO_OK;
  for (size_t i = 0; i < list->count && status == LEUKO_OK; i++) {
    labels[i] = list->groups[i] >= 0;
    if (!labels[i]) cells[known++] = values[i];
    if (!isfinite(values[i])) out->scored[score] = false;
  }
  if (status == LEUKO_OK && out->scored[score] && known > 0) {
    sort_doubles(cells, known);
    const double threshold = cells[(size_t)ceil(KEPT * (double)known) - 1];
    for (size_t i = 0; i < list->count; i++) {
      if (!labels[i]) continue;
      n[list->groups[i]]++;
      beyond[list->groups[i]] += values[i] > threshold;
    }
    status = stats_auc(values, labels, list->count, &out->auc[score], error);
  }
  for (int g = 0; g < STRESS_GROUPS; g++) {
    out->share[score][g] = (double)beyond[g] / (double)n[g];
    all += n[g];
    all_beyond += beyond[g];
  }
  out->share_all[score] = (double)all_beyond / (double)all;
  free(cells);
  free(labels);
  return status;
}

static leuko_status run(session *s, leuko_error *error) {
  const stress_input *in = s->input;
  const size_t most = in->count + in->foreign_count + IMAGE_FOREIGN_KINDS * (size_t)in->drawn;
  for (int k = 0; k < STRESS_SCORES; k++) {
    s->scores.values[k] = malloc((most + 1) * sizeof(double));
    if (!s->scores.values[k]) return error_set_memory(error, most * sizeof(double));
  }
  s->scores.groups = malloc((most + 1) * sizeof *s->scores.groups);
  if (!s->scores.groups) return error_set_memory(error, most * sizeof *s->scores.groups);
  leuko_status status = LEUKO_OK;
  for (size_t first = 0; first < in->count && status == LEUKO_OK; first += BLOCK)
    status = stress_block(s, first, in->count - first < BLOCK ? in->count - first : BLOCK, error);
  if (status == LEUKO_OK && s->out->clean.n == 0)
    status = error_set(error, LEUKO_NO_DATA, NULL, NULL, "no cell can be read");
  if (status == LEUKO_OK) status = show_foreign(s, error);
  for (int k = 0; k < STRESS_SCORES && status == LEUKO_OK; k++)
    status = judge_score(&s->scores, (stress_score)k, s->out, error);
  return status;
}

leuko_status stress_run(leuko_predictor *predictor, const stress_input *input, const progress *p,
                        stress *out, leuko_error *error) {
  const model *m = predictor_model(predictor);
  *out = (stress){.positive = m->positive};
  if (m->class_count != 2)
    return error_set(error, LEUKO_ARGUMENT, NULL, "take a model of two classes",
                     "the model has %d classes", m->class_count);
  for (int c = 0; c < 2; c++)
    snprintf(out->classes[c], sizeof out->classes[c], "%s", m->classes[c]);
  session *s = calloc(1, sizeof *s);
  if (!s) return error_set_memory(error, sizeof *s);
  size_t steps = 1;
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++)
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++)
      steps += image_corruption_of((image_corruption)k)->amounts[step] > 0;
  *s = (session){.predictor = predictor, .input = input, .p = p, .out = out};
  s->total =
      input->count * steps + input->foreign_count + IMAGE_FOREIGN_KINDS * (size_t)input->drawn;
  leuko_status status = run(s, error);
  for (int k = 0; k < STRESS_SCORES; k++) free(s->scores.values[k]);
  free(s->scores.groups);
  free(s);
  return status;
}
