#include "cli/print_pooled.h"

#include <math.h>

static void print_value(FILE *stream, double value) {
  if (isfinite(value)) fprintf(stream, "%12.4f", value);
  else fprintf(stream, "%12s", "-");
}

static const struct {
  int score;
  const char *name;
} columns[] = {{STATS_AUC, "AUC"},
               {STATS_ACCURACY, "accuracy"},
               {STATS_BALANCED_ACCURACY, "balanced"},
               {STATS_SENSITIVITY, "sensitivity"},
               {STATS_SPECIFICITY, "specificity"}};

/* How many of them this evaluation has. */
static size_t column_count(const evaluation *e) {
  return e->class_count == 2 ? sizeof columns / sizeof *columns : 3;
}

static void print_summary(FILE *stream, const evaluation *e, const pooled *p, bool spread) {
  fprintf(stream, "%-25s", spread ? "standard deviation" : "mean");
  for (size_t k = 0; k < column_count(e); k++) {
    const pooled_summary *s = &p->scores[columns[k].score];
    print_value(stream, spread ? s->spread : s->mean);
  }
  print_value(stream, spread ? p->loss.spread : p->loss.mean);
  fputc('\n', stream);
}

static void print_folds(FILE *stream, const evaluation *e, const pooled *p) {
  fprintf(stream, "\nfold  cells persons  epoch");
  for (size_t k = 0; k < column_count(e); k++) fprintf(stream, "%12s", columns[k].name);
  fprintf(stream, "%12s\n", "loss");
  for (int f = 0; f < p->folds; f++) {
    const pooled_fold *fold = &p->per_fold[f];
    fprintf(stream, "%4d %6zu %7zu %6d", f + 1, fold->n, fold->persons, p->models[f].epoch);
    for (size_t k = 0; k < column_count(e); k++)
      print_value(stream, fold->scores[columns[k].score]);
    print_value(stream, fold->loss);
    fputc('\n', stream);
  }
  print_summary(stream, e, p, false);
  print_summary(stream, e, p, true);
}

static void print_fitted(FILE *stream, const evaluation *e, const pooled *p) {
  if (!p->cross_fitted) return;
  fprintf(stream,
          "\nWith the threshold and temperature of each fold's model, chosen on the other folds' "
          "cells (thresholds");
  for (int f = 0; f < p->folds && e->class_count == 2; f++)
    fprintf(stream, " %.3f", p->models[f].threshold);
  fprintf(stream, "%stemperatures", e->class_count == 2 ? "; " : "");
  for (int f = 0; f < p->folds; f++) fprintf(stream, " %.2f", p->models[f].temperature);
  fprintf(stream, "):\n");
  for (size_t k = 0; k < column_count(e); k++) {
    const stats_interval i = p->fitted.by_subject[columns[k].score];
    fprintf(stream, "%-18s", columns[k].name);
    print_value(stream, p->fitted.scores[columns[k].score]);
    if (isfinite(i.low)) fprintf(stream, "   %.4f to %.4f", i.low, i.high);
    fputc('\n', stream);
  }
  fprintf(stream, "loss %.4f", p->fitted.loss);
  if (e->class_count == 2) fprintf(stream, ", Brier score %.4f", p->fitted.brier);
  fprintf(stream, ", calibration error %.4f\n", p->fitted.calibration_error);
}

void print_pooled(FILE *stream, bool keep_last, const evaluation *e, const pooled *p) {
  print_folds(stream, e, p);
  print_fitted(stream, e, p);
  if (!keep_last)
    fprintf(
        stream,
        "\nThe epoch of each fold was chosen on the cells that it is tested on, which flatters; "
        "with --keep last nothing is.\n");
}
