/* gnuplot as a child process, without a shell. */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include "base/file.h"
#include "leuko.h"

/* Runs `gnuplot NAME.gp` inside `folder`. On failure NAME.svg and NAME.png are removed.
 * Errors: NOT_FOUND (gnuplot is not installed), BACKEND (it failed; the message holds what it
 * said), TOO_LARGE (path), IO. */
leuko_status gnuplot_run(const char *folder, const char *name, leuko_error *error);

/* Writes `text` (NULL: "") as a single-quoted gnuplot string; control characters become spaces. */
void gnuplot_write_string(file_writer *writer, const char *text);

#endif
