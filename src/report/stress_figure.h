/* What corruptions of growing strength do to a model's answers. */
#ifndef REPORT_STRESS_FIGURE_H
#define REPORT_STRESS_FIGURE_H

#include "evaluate/stress.h"

/* A panel for each corruption of more than one step, into folder/stress (.gp, .svg, .png): shares
 * of the cells that are answered positive, whose class is another, that are answered with it, that
 * are rejected. Errors: those of figures.h. */
leuko_status stress_figure(const char *folder, const stress *s, leuko_error *error);

#endif
