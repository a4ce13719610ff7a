/* What the gnuplot scripts of all figures share: style, and the two files that each draws. */
#ifndef REPORT_SCRIPT_H
#define REPORT_SCRIPT_H

#include "base/file.h"
#include "leuko.h"

/* Line styles that script_open defines, with colours of Okabe and Ito. */
enum { SCRIPT_BLUE = 1, SCRIPT_VERMILION, SCRIPT_GREY };

/* A script being written; what it plots goes to `writer`. */
typedef struct {
  file_writer writer;
  const char *folder, *name; /* borrowed */
  int width, height;         /* of the figure on paper, in units of 1/96 inch */
} figure_script;

/* Opens folder/NAME.gp (the folder is made if missing) for a figure of that size and writes fonts,
 * colours and title (may be NULL). Ends with script_draw. Errors: those of writing. */
leuko_status script_open(figure_script *script, const char *folder, const char *name,
                         const char *title, int width, int height, leuko_error *error);

/* Both axes from 0 to 1, and room for a legend of `rows` rows below: the last `below` units of the
 * figure's height are the legend's and the axis's. */
void script_unit_square(figure_script *script, const char *title, int below, size_t rows);

/* Ends the script, whose last command has to be its plot, and runs gnuplot on it: NAME.svg and
 * NAME.png, with four dots to the unit. Errors: those of writing and of gnuplot_run. */
leuko_status script_draw(figure_script *script, leuko_error *error);

#endif
