#include "report/study_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "evaluate/trust.h"
#include "report/figures.h"
#include "report/stress_figure.h"
#include "report/words.h"
#include "stats/curves.h"

#define MOST_PERSONS 60 /* lines of the strip plot */

static bool has_both_classes(const study_run *run) {
  const evaluation *e = &run->scores;
  return e->class_count == 2 && e->binary.positives > 0 && e->binary.positives < e->n;
}

static leuko_status draw_curves(const study *s, const char *folder, leuko_error *error) {
  stats_curve roc[STUDY_RUNS] = {0}, pr[STUDY_RUNS] = {0};
  figure_curve rocs[STUDY_RUNS], prs[STUDY_RUNS];
  size_t count = 0;
  double share = 0;
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < s->count && status == LEUKO_OK; r++) {
    const study_run *run = &s->runs[r];
    const evaluation *e = &run->scores;
    if (!has_both_classes(run)) continue;
    status = stats_roc(e->logits, e->labels, e->n, &roc[count], error);
    if (status == LEUKO_OK)
      status = stats_precision_recall(e->logits, e->labels, e->n, &pr[count], error);
    const char *name = s->count == 1 ? "model" : run->name;
    rocs[count] = (figure_curve){name, roc[count].x, roc[count].y, roc[count].n, e->binary.auc};
    prs[count] =
        (figure_curve){name, pr[count].x, pr[count].y, pr[count].n, e->binary.average_precision};
    share = (double)e->binary.positives / (double)e->n;
    count++;
  }
  if (status == LEUKO_OK && count > 0) status = figures_roc(folder, NULL, rocs, count, error);
  if (status == LEUKO_OK && count > 0)
    status = figures_precision_recall(folder, NULL, prs, count, share, error);
  for (size_t c = 0; c < STUDY_RUNS; c++) {
    stats_curve_free(&roc[c]);
    stats_curve_free(&pr[c]);
  }
  return status;
}

/* Of one run its scores; of several the area and the balanced accuracy of each. */
static leuko_status draw_intervals(const study *s, const char *folder, leuko_error *error) {
  static const struct {
    int score;
    const char *name;
  } kinds[] = {{STATS_AUC, "AUC"},
               {STATS_BALANCED_ACCURACY, "balanced accuracy"},
               {STATS_ACCURACY, "accuracy"},
               {STATS_SENSITIVITY, "sensitivity"},
               {STATS_SPECIFICITY, "specificity"}};
  const size_t of_each = s->count == 1 ? 5 : 2;
  figure_interval rows[STUDY_RUNS * 2 + 5];
  char names[STUDY_RUNS * 2 + 5][128];
  size_t count = 0;
  for (size_t k = 0; k < of_each; k++)
    for (size_t r = 0; r < s->count; r++) {
      const study_run *run = &s->runs[r];
      if (!has_both_classes(run)) continue;
      if (s->count == 1) snprintf(names[count], sizeof names[count], "%s", kinds[k].name);
      else snprintf(names[count], sizeof names[count], "%.60s, %s", run->name, kinds[k].name);
      rows[count] = (figure_interval){names[count], words_score(&run->scores, kinds[k].score),
                                      run->scores.by_subject[kinds[k].score],
                                      run->scores.by_image[kinds[k].score]};
      count++;
    }
  return count ? figures_intervals(folder, NULL, "Value, with 95 % intervals", rows, count, error)
               : LEUKO_OK;
}

static leuko_status draw_calibration(const study_run *run, const char *folder, leuko_error *error) {
  const evaluation *e = &run->scores;
  const bool scaled = e->temperature < 1 || e->temperature > 1;
  stats_reliability before = {0};
  leuko_status status = LEUKO_OK;
  if (scaled) {
    double *p = malloc(e->n * sizeof *p);
    if (!p) return error_set_memory(error, e->n * sizeof *p);
    for (size_t i = 0; i < e->n; i++) p[i] = stats_sigmoid(e->logits[i] * e->temperature);
    status = stats_reliability_of(p, e->labels, e->n, &before, error);
    free(p);
  }
  if (status != LEUKO_OK) return status;
  return figures_calibration(folder, NULL, e->classes[e->positive], &e->reliability,
                             scaled ? &before : NULL, error);
}

/* A scored cell and whose it is. */
typedef struct {
  const char *subject;
  double p;
  int label;
} owned;

static int compare_owned(const void *a, const void *b) {
  const owned *x = a, *y = b;
  int by_name = strcmp(x->subject, y->subject);
  return by_name ? by_name : (x->p > y->p) - (x->p < y->p);
}

static int compare_sizes(const void *a, const void *b) {
  const figure_person *x = a, *y = b;
  if (x->n != y->n) return x->n > y->n ? -1 : 1;
  return strcmp(x->name, y->name);
}

/* The negative class first, then by mean. */
static int compare_means(const void *a, const void *b) {
  const figure_person *x = a, *y = b;
  if (x->positive != y->positive) return x->positive ? 1 : -1;
  int by_mean = (x->mean > y->mean) - (x->mean < y->mean);
  return by_mean ? by_mean : strcmp(x->name, y->name);
}

/* Cuts sorted cells into persons. */
static size_t cut_persons(const owned *cells, size_t n, double *p, int *labels,
                          figure_person *out) {
  size_t count = 0;
  for (size_t first = 0, end; first < n; first = end) {
    double sum = 0;
    size_t positives = 0;
    for (end = first; end < n && strcmp(cells[end].subject, cells[first].subject) == 0; end++) {
      p[end] = cells[end].p;
      labels[end] = cells[end].label;
      sum += p[end];
      positives += labels[end] == 1;
    }
    const size_t own = end - first;
    out[count++] =
        (figure_person){cells[first].subject, 2 * positives > own, p + first, labels + first, own,
                        sum / (double)own};
  }
  return count;
}

static leuko_status draw_persons(const study_run *run, const char *folder, leuko_error *error) {
  const evaluation *e = &run->scores;
  owned *cells = malloc((e->n + 1) * sizeof *cells);
  double *p = malloc((e->n + 1) * sizeof *p);
  int *labels = malloc((e->n + 1) * sizeof *labels);
  figure_person *persons = malloc((e->n + 1) * sizeof *persons);
  leuko_status status = LEUKO_OK;
  size_t n = 0;
  if (!cells || !p || !labels || !persons) status = error_set_memory(error, e->n * sizeof *persons);
  for (size_t i = 0; status == LEUKO_OK && i < e->n; i++) {
    const char *subject = run->samples[run->counted[i]].subject;
    if (subject && subject[0])
      cells[n++] = (owned){subject, stats_sigmoid(e->logits[i]), e->labels[i]};
  }
  if (status == LEUKO_OK && n > 0) {
    qsort(cells, n, sizeof *cells, compare_owned);
    size_t count = cut_persons(cells, n, p, labels, persons);
    if (count > MOST_PERSONS) {
      qsort(persons, count, sizeof *persons, compare_sizes);
      count = MOST_PERSONS;
    }
    qsort(persons, count, sizeof *persons, compare_means);
    const char *names[2] = {e->classes[1 - e->positive], e->classes[e->positive]};
    status = figures_persons(folder, NULL, names, e->threshold, persons, count, error);
  }
  free(cells);
  free(p);
  free(labels);
  free(persons);
  return status;
}

static void add_classes(char *text, size_t size, const study_run *run, const size_t *counts) {
  for (int c = 0, said = 0; c < run->scores.class_count; c++) {
    char number[WORDS_NUMBER];
    words_add(text, size, "%s%s %s", said++ ? ", " : "", words_count(counts[c], number),
              run->scores.classes[c]);
  }
}

static void side_text(char *text, size_t size, const char *head, const study_run *run,
                      const study_side *side) {
  char number[WORDS_NUMBER];
  snprintf(text, size, "%s\n%s cells", head, words_count(side->cells, number));
  if (side->subjects) words_add(text, size, " of %zu subjects", side->subjects);
  words_add(text, size, "\n");
  add_classes(text, size, run, side->classes);
}

static leuko_status draw_flow(const study_run *run, const char *folder, leuko_error *error) {
  enum { TEXT = 400 };
  const study_flow *f = &run->flow;
  const evaluation *e = &run->scores;
  char found[TEXT], left_out[TEXT], usable[TEXT], train[TEXT], kept[TEXT], test[TEXT],
      answered[TEXT], outcomes[2][TEXT], number[WORDS_NUMBER];
  figure_flow flow = {.answered = answered};
  if (f->scanned) {
    snprintf(found, TEXT, "Found\n%s image files", words_count(f->files, number));
    snprintf(left_out, TEXT, "Left out\n%s could not be read", words_count(f->refused, number));
    words_add(left_out, TEXT, "\n%s of unknown class", words_count(f->unlabelled, number));
    if (f->split_known)
      words_add(left_out, TEXT, run->folds > 0 ? "\n%s in no fold" : "\n%s on neither side",
                words_count(f->aside, number));
    flow.found = found;
    flow.left_out = left_out;
  }
  if (f->split_known) {
    snprintf(usable, TEXT, "Divided\n%s cells",
             words_count(f->train.cells + f->test.cells, number));
    if (f->subjects) words_add(usable, TEXT, " of %zu subjects", f->subjects);
    if (f->scanned && f->identical)
      words_add(usable, TEXT,
                f->parted || run->folds > 0 ? "\n%s have a twin" : "\n%s have a twin, same side",
                words_count(f->identical, number));
    if (f->subjects)
      words_add(usable, TEXT,
                run->folds > 0 ? "\n%zu subjects in several folds" : "\n%zu subjects on both sides",
                f->both_sides);
    if (run->folds > 0) {
      char head[64];
      snprintf(head, sizeof head, "Held out once, in %d folds", run->folds);
      side_text(test, TEXT, head, run, &f->test);
    } else {
      side_text(train, TEXT, "Training", run, &f->train);
      side_text(test, TEXT, "Test", run, &f->test);
      flow.train = train;
    }
    flow.usable = usable;
    flow.test = test;
    if (run->has_history) {
      const size_t at = study_keeps_last(run) ? run->curves.epochs - 1 : run->curves.lowest_loss;
      snprintf(kept, TEXT, "Model kept\nepoch %g of %zu%s", run->curves.epoch[at],
               run->curves.epochs, study_keeps_last(run) ? "" : " (lowest loss)");
      flow.kept = run->curves.validated ? kept : NULL;
    }
  }
  snprintf(answered, TEXT, "Answered\n%s cells", words_count(e->n, number));
  if (e->refused) words_add(answered, TEXT, ", %s refused", words_count(e->refused, number));
  if (!f->split_known) {
    flow.test = answered;
    flow.answered = NULL;
  }
  for (int answer = 1; e->class_count == 2 && answer >= 0; answer--) {
    char *text = outcomes[1 - answer], right[WORDS_NUMBER], wrong[WORDS_NUMBER];
    const size_t(*m)[2] = e->binary.confusion;
    const char *name = e->classes[answer ? e->positive : 1 - e->positive];
    const char *other = e->classes[answer ? 1 - e->positive : e->positive];
    snprintf(text, TEXT, "Answered %s: %s\n%s are %s (right)\n%s are %s (wrong)", name,
             words_count(m[0][answer] + m[1][answer], number),
             words_count(m[answer][answer], right), name, words_count(m[1 - answer][answer], wrong),
             other);
    flow.outcomes[1 - answer] = text;
  }
  return figures_flow(folder, NULL, &flow, error);
}

static leuko_status draw_run(const study_run *run, const char *folder, leuko_error *error) {
  const evaluation *e = &run->scores;
  leuko_status status = draw_flow(run, folder, error);
  if (status == LEUKO_OK && run->has_history)
    status = figures_curves(run->folder, folder, "", NULL, error);
  if (status == LEUKO_OK && run->stressed) status = stress_figure(folder, run->stressed, error);
  if (status != LEUKO_OK || e->class_count != 2) return status;
  const char *names[2] = {e->classes[1 - e->positive], e->classes[e->positive]};
  status = draw_calibration(run, folder, error);
  if (status == LEUKO_OK)
    status = figures_confusion(folder, NULL, names, e->binary.confusion, error);
  if (status == LEUKO_OK) status = draw_persons(run, folder, error);
  return status;
}

leuko_status study_draw(const study *s, const char *folder, leuko_error *error) {
  leuko_status status = draw_curves(s, folder, error);
  if (status == LEUKO_OK) status = draw_intervals(s, folder, error);
  for (size_t r = 0; r < s->count && status == LEUKO_OK; r++) {
    char own[1024];
    status = file_join(own, sizeof own, folder, s->runs[r].name, error);
    if (status == LEUKO_OK) status = draw_run(&s->runs[r], own, error);
  }
  for (size_t i = 0; i < s->other_count && status == LEUKO_OK; i++) {
    char own[1024];
    status = file_join(own, sizeof own, folder, s->others[i].name, error);
    if (status == LEUKO_OK) status = stress_figure(own, s->others[i].found, error);
  }
  return status;
}

bool study_figure(const char *folder, const study_run *run, const char *figure, char *out,
                  size_t size) {
  char file[192];
  if (run) snprintf(file, sizeof file, "%s/%s.svg", run->name, figure);
  else snprintf(file, sizeof file, "%s.svg", figure);
  return file_join(out, size, folder, file, NULL) == LEUKO_OK && file_exists(out);
}
