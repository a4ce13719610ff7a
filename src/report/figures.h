/* Figures of a run, drawn by gnuplot as a child process. Each figure is three files side by side:
 * NAME.gp, the script (edit it and run `gnuplot NAME.gp` in that folder to restyle), NAME.svg and
 * NAME.png. Colours are those of Okabe and Ito, "Color universal design" (2008).
 *
 * Errors of every function: NOT_FOUND where gnuplot is not installed (the remedy names the package;
 * a caller can warn and go on), BACKEND where gnuplot fails, those of writing the files. After an
 * error neither SVG nor PNG of that figure stays behind. */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/bootstrap.h"
#include "stats/calibration.h"

/* Training curves from run_folder/history.csv
 * (epoch,loss,accuracy,val_loss,val_accuracy,val_auc,seconds) into run_folder/figures/: accuracy,
 * loss, and loss_accuracy with both on two axes. The epoch of the highest validation accuracy and
 * that of the lowest validation loss are marked. Empty validation columns leave their curves out.
 * `title` may be NULL. Errors besides those above: those of reading the history, BAD_CSV, NO_DATA
 * (no epoch in it). */
leuko_status figures_training(const char *run_folder, const char *title, leuko_error *error);
/* The same into `folder`, with `prefix` before the three names. */
leuko_status figures_curves(const char *run_folder, const char *folder, const char *prefix,
                            const char *title, leuko_error *error);

/* A curve with its name in the legend and its area: x, y [n]. All pointers are borrowed. */
typedef struct {
  const char *name;
  const double *x, *y;
  size_t n;
  double area;
} figure_curve;

/* ROC curves into folder/roc: x = false positive rate, y = true positive rate, in 0..1 and rising.
 * `title` may be NULL. Errors besides those above: NO_DATA (no curve, one of fewer than two
 * points), BAD_DATA (a value that is not finite). */
leuko_status figures_roc(const char *folder, const char *title, const figure_curve *curves,
                         size_t count, leuko_error *error);
/* Precision-recall curves into folder/precision_recall: x = recall, y = precision; `share` of the
 * positives is what chance reaches. Errors: likewise. */
leuko_status figures_precision_recall(const char *folder, const char *title,
                                      const figure_curve *curves, size_t count, double share,
                                      leuko_error *error);

/* Confusion matrix into folder/confusion: counts [true][predicted] with the share of each row,
 * names in the same order. `title` may be NULL. Errors besides those above: NO_DATA (all zero). */
leuko_status figures_confusion(const char *folder, const char *title, const char *const names[2],
                               const size_t counts[2][2], leuko_error *error);

/* Reliability diagram into folder/calibration: a point for each bin; those of `before` (the
 * temperature; may be NULL) in grey. `positive` names the class whose probability it is. */
leuko_status figures_calibration(const char *folder, const char *title, const char *positive,
                                 const stats_reliability *bins, const stats_reliability *before,
                                 leuko_error *error);

/* A score with its intervals, that by image may be NaN. */
typedef struct {
  const char *name;
  double value;
  stats_interval by_subject, by_image;
} figure_interval;

/* One line for each score into folder/intervals. `by_subject` and `by_image` name the two kinds of
 * interval in the legend. */
leuko_status figures_intervals(const char *folder, const char *title, const char *axis,
                               const figure_interval *rows, size_t count, leuko_error *error);

/* The cells of one person, in one line of the strip plot. */
typedef struct {
  const char *name;
  bool positive;     /* most of the cells are of the positive class */
  const double *p;   /* [n] */
  const int *labels; /* [n], 1 = positive */
  size_t n;
  double mean; /* of p */
} figure_person;

/* p of every cell, person by person from the top down, into folder/persons. Of a person with more
 * than FIGURES_STRIP_CELLS cells so many are drawn, evenly over its p, which rise. `names` are
 * those of the negative and the positive class. */
#define FIGURES_STRIP_CELLS 120
leuko_status figures_persons(const char *folder, const char *title, const char *const names[2],
                             double threshold, const figure_person *persons, size_t count,
                             leuko_error *error);

/* The boxes of a flow diagram; lines within a text end with \n. NULL: no such box. */
typedef struct {
  const char *found, *left_out; /* files, and those that went no further */
  const char *usable;
  const char *train, *kept; /* the training side, and what came of it */
  const char *test, *answered;
  const char *outcomes[2]; /* answered positive and negative */
} figure_flow;

/* Into folder/flow. */
leuko_status figures_flow(const char *folder, const char *title, const figure_flow *flow,
                          leuko_error *error);

#endif
