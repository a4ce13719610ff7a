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

static void print_scores(FILE *stream, const evaluation *e) {
  char baseline[96], answered[80], left[80];
  snprintf(baseline, sizeof baseline, "(always answering '%s': %.4f)", e->classes[e->majority],
           e->majority_accuracy);
  if (e->class_count > 2) {
    print_score(stream, "loss", e->multiclass.loss, "");
    print_score(stream, "accuracy", e->multiclass.accuracy, baseline);
    print_score(stream, "balanced accuracy", e->multiclass.balanced_accuracy, "");
    print_score(stream, "weighted F1", e->multiclass.weighted_f1, "");
    print_score(stream, "ROC AUC", e->multiclass.auc, "(mean of each class against the rest)");
    return;
  }
  snprintf(answered, sizeof answered, "(of '%s', share found)", e->classes[e->positive]);
  snprintf(left, sizeof left, "(of '%s', share left alone)", e->classes[1 - e->positive]);
  print_score(stream, "loss", e->binary.loss, "");
  print_score(stream, "accuracy", e->binary.accuracy, baseline);
  print_score(stream, "balanced accuracy", e->binary.balanced_accuracy, "");
  print_score(stream, "sensitivity", e->binary.sensitivity, answered);
  print_score(stream, "specificity", e->binary.specificity, left);
  print_score(stream, "weighted F1", e->binary.weighted_f1, "");
  print_score(stream, "ROC AUC", e->binary.auc, "");
  print_score(stream, "average precision", e->binary.average_precision, "");
  print_score(stream, "Brier score", e->binary.brier, "");
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

void evaluate_print(FILE *stream, const evaluation *e) {
  fprintf(stream, "%zu cells", e->n);
  if (e->subject_count > 0) fprintf(stream, " of %zu subjects", e->subject_count);
  if (e->unlabelled > 0) fprintf(stream, ", %zu more without a known class", e->unlabelled);
  if (e->refused > 0) fprintf(stream, ", %zu refused", e->refused);
  if (e->class_count == 2)
    fprintf(stream, "; answered '%s' from p = %.2f on", e->classes[e->positive], e->threshold);
  fprintf(stream, "\n\n");
  print_scores(stream, e);
  print_confusion(stream, e);
  if (e->subject_count > 0) print_subjects(stream, e);
}
