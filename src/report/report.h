/* report.html: the whole experiment on one page. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/experiment.h"

/* Draws the figures into OUT/figures and writes OUT/report.html, which holds them all and needs
 * nothing else. Without a working gnuplot the page goes without figures and says so; *undrawn (may
 * be NULL) is then what gnuplot's failure was, else its status is OK. Errors: those of writing and
 * of reading the runs. */
leuko_status report_write(const experiment *e, leuko_error *undrawn, leuko_error *error);

#endif
