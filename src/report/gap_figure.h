/* What the split makes of the same training, as a figure. */
#ifndef REPORT_GAP_FIGURE_H
#define REPORT_GAP_FIGURE_H

#include "report/experiment.h"

/* Draws OUT/figures/gap from the kept models' validation accuracies: one line for each network and
 * preprocessing that both splits are done of, the paper's value beside them. Errors: those of
 * figures_training; NO_DATA where there is no such pair. */
leuko_status gap_figure(const experiment *e, leuko_error *error);

#endif
