/* Figures of a run, drawn by gnuplot as a child process. Each figure is three files side by side:
 * NAME.gp, the script (edit it and run `gnuplot NAME.gp` in that folder to restyle), NAME.svg and
 * NAME.png. Colours are those of Okabe and Ito, "Color universal design" (2008).
 *
 * Errors of every function: NOT_FOUND where gnuplot is not installed (the remedy names the package;
 * a caller can warn and go on), BACKEND where gnuplot fails, those of writing the files. After an
 * error neither SVG nor PNG of that figure stays behind. */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include <stddef.h>

#include "leuko.h"

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

/* ROC curve into folder/roc: x [n] = false positive rate, y [n] = true positive rate, in 0..1 and
 * rising; auc is written beside the curve. `title` may be NULL. Errors besides those above: NO_DATA
 * (n below 2), BAD_DATA (a value that is not finite). */
leuko_status figures_roc(const char *folder, const char *title, const double *x, const double *y,
                         size_t n, double auc, leuko_error *error);

/* Confusion matrix into folder/confusion: counts [true][predicted] with the share of each row,
 * names in the same order. `title` may be NULL. Errors besides those above: NO_DATA (all zero). */
leuko_status figures_confusion(const char *folder, const char *title, const char *const names[2],
                               const size_t counts[2][2], leuko_error *error);

#endif
