#include "evaluate/stress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/sort.h"
#include "stats/metrics.h"

#define BLOCK 16 /* pictures in memory at once, twice */
#define SIDE 450 /* of drawn pictures, as the data set's cells */
#define KEPT 0.95

/* Scores of cells or of foreign pictures as they come. */
typedef struct {
  double *values[STRESS_SCORES]; /* [capacity] each */
  int *groups;                   /* [capacity]; -1: a cell */
  int *models;                   /* [capacity]: whose scores they are */
  size_t count;
} score_list;

typedef struct {
  ensemble *each;   /* [models] */
  int models, turn; /* whose turn it is */
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

const char *stress_seen_name(stress_seen seen) {
  static const char *const names[STRESS_SEEN] = {"unknown", "held_out", "trained_on"};
  return names[seen];
}

double stress_balanced_accuracy(const stress_count *count) {
  double sum = 0;
  for (int c = 0; c < 2; c++)
    sum += (double)count->kept[c][c] / (double)(count->kept[c][0] + count->kept[c][1]);
  return sum / 2;
}

double stress_percent(size_t part, size_t n) {
  return n > 0 ? 100 * (double)part / (double)n : 0;
}

void stress_reasons(const stress_count *count, char *out, size_t size) {
  bool told[LEUKO_REASON_COUNT] = {false};
  size_t length = 0;
  out[0] = 0;
  for (int row = 0; row < 3 && length < size; row++) {
    int most = 0;
    for (int k = 1; k < LEUKO_REASON_COUNT; k++)
      if (!told[k] && count->by_reason[k] > (most ? count->by_reason[most] : 0)) most = k;
    if (!most) break;
    told[most] = true;
    length += (size_t)number_print(out + length, size - length, "%s%s %.0f", row ? ", " : "",
                                   leuko_reason_name((leuko_reason)most),
                                   stress_percent(count->by_reason[most], count->n));
  }
}

static const model *asked(const session *s) {
  return ensemble_model(&s->each[s->turn]);
}

/* Class that the model gives without rejecting: 1 = positive. */
static int class_of(const session *s, double logit) {
  leuko_answer answer;
  ensemble_decide(&s->each[s->turn], &logit, &answer);
  return answer.label_index == asked(s)->positive;
}

static void note_scores(session *s, size_t i, int group) {
  score_list *list = &s->scores;
  const double logit = s->logits[i], p = stats_sigmoid(logit);
  list->values[STRESS_DISTANCE][list->count] = s->answers[i].distance;
  list->values[STRESS_PROBABILITY][list->count] = -fmax(p, 1 - p);
  /* Liu et al., "Energy-based out-of-distribution detection", NeurIPS 2020, equation 4, with the
   * logits 0 and `logit`. */
  list->values[STRESS_ENERGY][list->count] = -stats_binary_loss(logit, 0);
  list->models[list->count] = s->turn;
  list->groups[list->count++] = group;
}

/* Counts the answer of picture i; label -1: no cell. */
static void count_answer(const session *s, size_t i, int label, bool changed, stress_count *count) {
  const leuko_answer *answer = &s->answers[i];
  if (answer->status != LEUKO_OK) return;
  const bool positive = answer->label_index == asked(s)->positive;
  count->n++;
  count->changed += changed;
  count->silent += changed && !answer->reason;
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
  return ensemble_pictures(&s->each[s->turn], pictures, count, s->answers, s->logits, error);
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
    s->labels[i] = s->input->labels[first + at[i]] == asked(s)->positive;
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

/* How many of `count` pictures are dealt to the model whose turn it is: those whose number leaves
 * it as a remainder. */
static size_t share_of(const session *s, size_t count) {
  const size_t models = (size_t)s->models, turn = (size_t)s->turn;
  return (count + models - 1 - turn) / models;
}

static leuko_status draw_block(session *s, int kind, size_t first, size_t count,
                               leuko_error *error) {
  leuko_status status = LEUKO_OK;
#pragma omp parallel for num_threads(s->input->threads) schedule(dynamic)
  for (size_t i = 0; i < count; i++) {
    const size_t number = (first + i) * (size_t)s->models + (size_t)s->turn;
    leuko_status here = image_foreign_draw((image_foreign)kind, s->input->seed, (uint32_t)number,
                                           SIDE, &s->pictures[i], NULL);
#pragma omp critical
    if (here != LEUKO_OK) status = here;
  }
  if (status == LEUKO_OK) return answer_foreign(s, count, kind, error);
  drop(s->pictures);
  return error_set_memory(error, (size_t)3 * SIDE * SIDE);
}

static leuko_status foreign_block(session *s, size_t first, size_t count, leuko_error *error) {
  const char *files[BLOCK];
  size_t at[BLOCK];
  for (size_t i = 0; i < count; i++)
    files[i] = s->input->foreign[(first + i) * (size_t)s->models + (size_t)s->turn];
  return answer_foreign(s, read_block(s, files, count, at), IMAGE_FOREIGN_KINDS, error);
}

/* What is foreign, as far as it is the turn's model's. */
static leuko_status show_foreign(session *s, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  const size_t drawn = share_of(s, s->input->drawn > 0 ? (size_t)s->input->drawn : 0);
  const size_t files = share_of(s, s->input->foreign_count);
  for (int kind = 0; kind <= IMAGE_FOREIGN_KINDS; kind++) {
    const size_t count = kind < IMAGE_FOREIGN_KINDS ? drawn : files;
    for (size_t first = 0; first < count && status == LEUKO_OK; first += BLOCK) {
      const size_t now = count - first < BLOCK ? count - first : BLOCK;
      status = kind < IMAGE_FOREIGN_KINDS ? draw_block(s, kind, first, now, error)
                                          : foreign_block(s, first, now, error);
      if (status == LEUKO_OK) status = report(s, now, error);
    }
  }
  return status;
}

/* What one score does with one model's pictures: its area, and what it rejects with 95 % of the
 * cells kept. */
typedef struct {
  double *values; /* [capacity of the list] */
  int *labels, *groups;
  double auc_sum;
  size_t areas, n[STRESS_GROUPS], beyond[STRESS_GROUPS];
} judgement;

static leuko_status judge_model(const score_list *list, stress_score score, int turn, judgement *j,
                                leuko_error *error) {
  size_t count = 0, cells = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (list->models[i] != turn) continue;
    j->values[count] = list->values[score][i];
    j->groups[count] = list->groups[i];
    j->labels[count++] = list->groups[i] >= 0;
    cells += list->groups[i] < 0;
  }
  if (cells == 0) return LEUKO_OK;
  double area;
  leuko_status status = stats_auc(j->values, j->labels, count, &area, error);
  if (status != LEUKO_OK) return status;
  if (isfinite(area)) {
    j->auc_sum += area;
    j->areas++;
  }
  double *known = malloc(cells * sizeof *known);
  if (!known) return error_set_memory(error, cells * sizeof *known);
  for (size_t i = 0, k = 0; i < count; i++)
    if (!j->labels[i]) known[k++] = j->values[i];
  sort_doubles(known, cells);
  const double threshold = known[(size_t)ceil(KEPT * (double)cells) - 1];
  free(known);
  for (size_t i = 0; i < count; i++) {
    if (!j->labels[i]) continue;
    j->n[j->groups[i]]++;
    j->beyond[j->groups[i]] += j->values[i] > threshold;
  }
  return LEUKO_OK;
}

static leuko_status judge_score(const session *s, stress_score score, leuko_error *error) {
  const score_list *list = &s->scores;
  stress *out = s->out;
  out->scored[score] = true;
  for (size_t i = 0; i < list->count; i++)
    if (!isfinite(list->values[score][i])) out->scored[score] = false;
  judgement j = {.values = malloc((list->count + 1) * sizeof *j.values),
                 .labels = malloc((list->count + 1) * sizeof *j.labels),
                 .groups = malloc((list->count + 1) * sizeof *j.groups)};
  leuko_status status = LEUKO_OK;
  if (!j.values || !j.labels || !j.groups)
    status = error_set_memory(error, list->count * sizeof *j.values);
  for (int m = 0; m < s->models && status == LEUKO_OK && out->scored[score]; m++)
    status = judge_model(list, score, m, &j, error);
  size_t all = 0, beyond = 0;
  for (int g = 0; g < STRESS_GROUPS; g++) {
    out->share[score][g] = (double)j.beyond[g] / (double)j.n[g];
    all += j.n[g];
    beyond += j.beyond[g];
  }
  out->share_all[score] = (double)beyond / (double)all;
  out->auc[score] = j.auc_sum / (double)j.areas;
  free(j.values);
  free(j.labels);
  free(j.groups);
  return status;
}

/* The cells of the model whose turn it is: they stand together from `first` on. */
static leuko_status show_cells(session *s, size_t first, leuko_error *error) {
  const stress_input *in = s->input;
  leuko_status status = LEUKO_OK;
  for (size_t end = first; end < in->count && in->models[end] == s->turn && status == LEUKO_OK;
       first = end) {
    while (end < in->count && end - first < BLOCK && in->models[end] == s->turn) end++;
    status = stress_block(s, first, end - first, error);
  }
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
  s->scores.models = malloc((most + 1) * sizeof *s->scores.models);
  if (!s->scores.groups || !s->scores.models)
    return error_set_memory(error, most * sizeof *s->scores.groups);
  leuko_status status = LEUKO_OK;
  for (size_t first = 0; first < in->count && status == LEUKO_OK;) {
    s->turn = in->models[first];
    status = show_cells(s, first, error);
    while (first < in->count && in->models[first] == s->turn) first++;
  }
  if (status == LEUKO_OK && s->out->clean.n == 0)
    status = error_set(error, LEUKO_NO_DATA, NULL, NULL, "no cell can be read");
  for (s->turn = 0; s->turn < s->models && status == LEUKO_OK; s->turn++)
    status = show_foreign(s, error);
  for (int k = 0; k < STRESS_SCORES && status == LEUKO_OK; k++)
    status = judge_score(s, (stress_score)k, error);
  return status;
}

leuko_status stress_run(ensemble *each, int model_count, const stress_input *input,
                        const progress *p, stress *out, leuko_error *error) {
  const model *m = ensemble_model(&each[0]);
  *out = (stress){.model_count = model_count, .members = each[0].count, .positive = m->positive};
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
  *s = (session){.each = each, .models = model_count, .input = input, .p = p, .out = out};
  s->total =
      input->count * steps + input->foreign_count + IMAGE_FOREIGN_KINDS * (size_t)input->drawn;
  leuko_status status = run(s, error);
  for (int k = 0; k < STRESS_SCORES; k++) free(s->scores.values[k]);
  free(s->scores.groups);
  free(s->scores.models);
  free(s);
  return status;
}
