/* The figures of a study's report. */
#ifndef REPORT_STUDY_FIGURES_H
#define REPORT_STUDY_FIGURES_H

#include "report/study.h"

/* Draws into `folder` the figures that all runs share (roc, precision_recall and intervals, of two
 * classes), and into folder/NAME those of each run: flow, accuracy and loss where there is a
 * history, with two classes also calibration, confusion and persons. Errors: those of figures.h. */
leuko_status study_draw(const study *s, const char *folder, leuko_error *error);

/* "NAME/FIGURE" or, for `run` NULL, "FIGURE" below `folder` as an SVG file, into out [size]. False
 * where there is no such figure. */
bool study_figure(const char *folder, const study_run *run, const char *figure, char *out,
                  size_t size);

#endif
