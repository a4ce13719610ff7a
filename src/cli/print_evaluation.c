#include "cli/print_evaluation.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define MAX_ROWS 60 /* of the subject table */

/* A value with four digits, or a dash where it is not defined. */
static void print_value(FILE *stream, int width, double value) {
  if (isfinite(value)) fprintf(stream, "%*.4f", width, value);
  else fprintf(stream, "%*s", width, "-");
}

static void print_score(FILE *stream, const char *name, double value, const char *note) {
  fprintf(stream, "%-18s", name);
  print_value(stream, 8, value);
  fprintf(stream, "%s%s\n", note[0] ? "  " : "", note);
}

/* A score with its two intervals. */
static void print_with_intervals(FILE *stream, const evaluation *e, const char *name, int score,
                                 double value, const char *note) {
  const stats_interval *intervals[] = {&e->by_subject[score], &e->by_image[score]};
  fprintf(stream, "%-18s", name);
  print_value(stream, 8, value);
  for (int i = e->subject_count ? 0 : 1; i < 2; i++)
    if (isfinite(intervals[i]->low))
      fprintf(stream, "   %.4f to %.4f", intervals[i]->low, intervals[i]->high);
    else fprintf(stream, "   %-16s", "-");
  fprintf(stream, "%s%s\n", note[0] ? "  " : "", note);
}

static void print_heads(FILE *stream, const evaluation *e) {
  char persons[40];
  snprintf(persons, sizeof persons, "%zu persons", e->group_count);
  fprintf(stream, "%26s   95 %% interval by\n%26s   ", "", "");
  if (e->subject_count) fprintf(stream, "%-16s   ", persons);
  fprintf(stream, "image\n");
}

static void print_scores(FILE *stream, const evaluation *e) {
  char baseline[96], answered[80], left[80];
  snprintf(baseline, sizeof baseline, "(always answering '%s': %.4f)", e->classes[e->majority],
           e->majority_accuracy);
  print_heads(stream, e);
  if (e->class_count > 2) {
    const stats_multiclass *m = &e->multiclass;
    print_with_intervals(stream, e, "accuracy", STATS_ACCURACY, m->accuracy, baseline);
    print_with_intervals(stream, e, "balanced accuracy", STATS_BALANCED_ACCURACY,
                         m->balanced_accuracy, "");
    print_with_intervals(stream, e, "weighted F1", STATS_WEIGHTED_F1, m->weighted_f1, "");
    print_with_intervals(stream, e, "ROC AUC", STATS_AUC, m->auc,
                         "(mean of each class against the rest)");
    print_score(stream, "loss", m->loss, "");
    print_score(stream, "calibration error", e->reliability.error, "");
    return;
  }
  const stats_binary *b = &e->binary;
  snprintf(answered, sizeof answered, "(of '%s', share found)", e->classes[e->positive]);
  snprintf(left, sizeof left, "(of '%s', share left alone)", e->classes[1 - e->positive]);
  print_with_intervals(stream, e, "accuracy", STATS_ACCURACY, b->accuracy, baseline);
  print_with_intervals(stream, e, "balanced accuracy", STATS_BALANCED_ACCURACY,
                       b->balanced_accuracy, "");
  print_with_intervals(stream, e, "sensitivity", STATS_SENSITIVITY, b->sensitivity, answered);
  print_with_intervals(stream, e, "specificity", STATS_SPECIFICITY, b->specificity, left);
  print_with_intervals(stream, e, "weighted F1", STATS_WEIGHTED_F1, b->weighted_f1, "");
  print_with_intervals(stream, e, "ROC AUC", STATS_AUC, b->auc, "");
  print_score(stream, "average precision", b->average_precision, "");
  print_score(stream, "loss", b->loss, "");
  print_score(stream, "Brier score", b->brier, "");
  print_score(stream, "calibration error", e->reliability.error, "(15 bins of equal size)");
  if (e->temperature < 1 || e->temperature > 1)
    fprintf(stream,
            "Before the temperature of %.3f: loss %.4f, Brier score %.4f, calibration error "
            "%.4f.\n",
            e->temperature, e->raw.loss, e->raw.brier, e->raw.calibration_error);
  if (e->fitted_here)
    fprintf(stream,
            "Threshold and temperature were chosen on these very cells: what depends on them "
            "flatters. The AUC does not depend on them.\n");
  if (e->threshold < 0.5 || e->threshold > 0.5)
    fprintf(stream,
            "From p = 0.5 on: accuracy %.4f, balanced accuracy %.4f, sensitivity %.4f, specificity "
            "%.4f.\n",
            e->at_half.accuracy, e->at_half.balanced_accuracy, e->at_half.sensitivity,
            e->at_half.specificity);
}

static void print_predictive(FILE *stream, const evaluation *e) {
  fprintf(stream, "\nof cells asked about, '%s'", e->classes[e->positive]);
  for (int i = 0; i < e->prevalence_count; i++)
    fprintf(stream, " %7.4g %%", 100 * e->predictive[i].prevalence);
  for (int positive = 1; positive >= 0; positive--) {
    char name[80];
    snprintf(name, sizeof name, "right of answers '%s'",
             e->classes[positive ? e->positive : 1 - e->positive]);
    fprintf(stream, "\n%-*s", 24 + (int)strlen(e->classes[e->positive]), name);
    for (int i = 0; i < e->prevalence_count; i++)
      print_value(stream, 10, positive ? e->predictive[i].positive : e->predictive[i].negative);
  }
  fputc('\n', stream);
}

static void print_baselines(FILE *stream, const evaluation *e) {
  if (e->baseline_count == 0) return;
  fprintf(stream, "\nwithout a network     accuracy  balanced       AUC   the network's AUC minus "
                  "it, 95 %% by person\n");
  for (int b = 0; b < e->baseline_count; b++) {
    const evaluate_baseline *one = &e->baselines[b];
    fprintf(stream, "%-20s", one->name);
    print_value(stream, 10, one->scores.accuracy);
    print_value(stream, 10, one->scores.balanced_accuracy);
    print_value(stream, 10, one->scores.auc);
    fprintf(stream, "   %+.4f", one->difference);
    if (isfinite(one->by_subject.low))
      fprintf(stream, " (%+.4f to %+.4f)", one->by_subject.low, one->by_subject.high);
    fputc('\n', stream);
  }
  for (int b = 0; b < e->baseline_count; b++)
    if (!e->baselines[b].beaten)
      fprintf(stream, "THE NETWORK %s '%s'.\n",
              e->baselines[b].difference > 0 ? "IS NOT SHOWN TO BEAT" : "DOES NOT BEAT",
              e->baselines[b].name);
  if (e->class_count == 2 && e->binary.accuracy <= e->majority_accuracy)
    fprintf(stream, "THE NETWORK DOES NOT BEAT always answering '%s' in accuracy.\n",
            e->classes[e->majority]);
}

/* Width of the widest class name, at least that of a count. */
static int name_width(const evaluation *e) {
  size_t widest = 8;
  for (int c = 0; c < e->class_count; c++) {
    size_t length = strlen(e->classes[c]);
    if (length > widest) widest = length;
  }
  return (int)widest;
}

static void print_rejected(FILE *stream, const evaluation *e) {
  const evaluate_rejection *r = &e->rejection;
  if (!r->possible) return;
  fprintf(stream, "\nrejected  %zu of %zu cells (%.1f %%)", r->rejected, e->n,
          100 * (double)r->rejected / (double)e->n);
  const char *between = ": ";
  for (int k = 1; k < LEUKO_REASON_COUNT; k++) {
    if (!r->by_reason[k]) continue;
    fprintf(stream, "%s%s %zu", between, leuko_reason_name((leuko_reason)k), r->by_reason[k]);
    between = ", ";
  }
  between = "; ";
  for (int c = 0; r->rejected > 0 && c < e->class_count; c++) {
    fprintf(stream, "%sof '%s' %zu", between, e->classes[c], r->by_class[c]);
    between = ", ";
  }
  fputc('\n', stream);
  if (r->rejected == 0 || r->rejected == e->n) return;
  const bool binary = e->class_count == 2;
  const struct {
    const char *name;
    double all, answered;
  } rows[] = {{"accuracy", binary ? e->binary.accuracy : e->multiclass.accuracy,
               binary ? r->binary.accuracy : r->multiclass.accuracy},
              {"balanced accuracy",
               binary ? e->binary.balanced_accuracy : e->multiclass.balanced_accuracy,
               binary ? r->binary.balanced_accuracy : r->multiclass.balanced_accuracy},
              {"ROC AUC", binary ? e->binary.auc : e->multiclass.auc,
               binary ? r->binary.auc : r->multiclass.auc},
              {"sensitivity", e->binary.sensitivity, r->binary.sensitivity},
              {"specificity", e->binary.specificity, r->binary.specificity}};
  fprintf(stream, "%-18s     all  answered\n", "");
  for (size_t i = 0; i < (binary ? 5 : 3); i++) {
    fprintf(stream, "%-18s", rows[i].name);
    print_value(stream, 8, rows[i].all);
    print_value(stream, 10, rows[i].answered);
    fputc('\n', stream);
  }
}

static void print_confusion(FILE *stream, const evaluation *e) {
  int width = name_width(e);
  bool binary = e->class_count == 2;
  const char *names[LEUKO_MAX_CLASSES];
  for (int c = 0; c < e->class_count; c++) names[c] = e->classes[c];
  if (binary) {
    names[0] = e->classes[1 - e->positive];
    names[1] = e->classes[e->positive];
  }
  fprintf(stream, "\n%-*s", width + 6, "true\\answered");
  for (int c = 0; c < e->class_count; c++) fprintf(stream, " %*s", width, names[c]);
  for (int truth = 0; truth < e->class_count; truth++) {
    fprintf(stream, "\n%-*s", width + 6, names[truth]);
    for (int answer = 0; answer < e->class_count; answer++)
      fprintf(stream, " %*zu", width,
              binary ? e->binary.confusion[truth][answer] : e->multiclass.confusion[truth][answer]);
  }
  fputc('\n', stream);
}

static void print_subjects(FILE *stream, const evaluation *e) {
  int widest = 7, width = name_width(e);
  size_t rows = e->subject_count < MAX_ROWS ? e->subject_count : MAX_ROWS;
  for (size_t i = 0; i < rows; i++) {
    size_t length = strlen(e->subjects[i].subject);
    if ((int)length > widest) widest = length < 40 ? (int)length : 40;
  }
  fprintf(stream, "\n%-*s", widest, "subject");
  for (int c = 0; c < e->class_count; c++) fprintf(stream, " %*s", width, e->classes[c]);
  fprintf(stream, "  accuracy");
  if (e->class_count == 2) fprintf(stream, "  answered '%s'", e->classes[e->positive]);
  fprintf(stream, "  mean p%s\n", e->class_count == 2 ? "" : "(true class)");
  for (size_t i = 0; i < rows; i++) {
    const evaluate_subject *subject = &e->subjects[i];
    fprintf(stream, "%-*.*s", widest, widest, subject->subject);
    for (int c = 0; c < e->class_count; c++) fprintf(stream, " %*zu", width, subject->counts[c]);
    print_value(stream, 10, subject->accuracy);
    if (e->class_count == 2)
      print_value(stream, 13 + (int)strlen(e->classes[e->positive]), subject->positive_share);
    print_value(stream, e->class_count == 2 ? 8 : 20, subject->mean_p);
    fputc('\n', stream);
  }
  if (rows < e->subject_count)
    fprintf(stream, "... and %zu more subjects\n", e->subject_count - rows);
}

static void print_person_scores(FILE *stream, const evaluation *e, const char *name,
                                const evaluate_person_scores *s) {
  fprintf(stream, "%-26s", name);
  print_value(stream, 8, s->auc);
  if (isfinite(s->auc_interval.low))
    fprintf(stream, "   %.4f to %.4f", s->auc_interval.low, s->auc_interval.high);
  else fprintf(stream, "   %-16s", "-");
  fprintf(stream, "   %zu of %zu (%.3f to %.3f)\n", s->missed + s->alarmed, e->person_count,
          s->error_interval.low, s->error_interval.high);
}

static void print_persons(FILE *stream, const evaluation *e) {
  if (e->person_count == 0) return;
  char share[80];
  snprintf(share, sizeof share, "share answered '%.32s'", e->classes[e->positive]);
  fprintf(stream, "\n%-26s%8s   %-16s   wrong at the threshold\n", "told apart by person", "AUC",
          "95 % interval");
  print_person_scores(stream, e, share, &e->by_share);
  print_person_scores(stream, e, "mean logit", &e->by_logit);
  fprintf(stream,
          "These are %zu persons, %zu of them with '%s': one more answered wrong moves the error "
          "by %.3f.\n",
          e->person_count, e->person_positives, e->classes[e->positive],
          1 / (double)e->person_count);
}

void evaluate_print(FILE *stream, const evaluation *e) {
  fprintf(stream, "%zu cells", e->n);
  if (e->subject_count > 0) fprintf(stream, " of %zu subjects", e->subject_count);
  if (e->unlabelled > 0) fprintf(stream, ", %zu more without a known class", e->unlabelled);
  if (e->refused > 0) fprintf(stream, ", %zu refused", e->refused);
  if (e->class_count == 2)
    fprintf(stream, "; answered '%s' from p = %.4g on", e->classes[e->positive], e->threshold);
  fprintf(stream, "\n\n");
  print_scores(stream, e);
  print_rejected(stream, e);
  print_confusion(stream, e);
  if (e->class_count == 2) print_predictive(stream, e);
  print_baselines(stream, e);
  if (e->subject_count > 0) print_subjects(stream, e);
  print_persons(stream, e);
}
