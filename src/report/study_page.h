/* The report on one run or several: a page that reads like the result section of a paper. */
#ifndef REPORT_STUDY_PAGE_H
#define REPORT_STUDY_PAGE_H

#include "report/study.h"

/* Draws the figures into the folder STEM-figures beside `path` (STEM: the file's name without its
 * ending) and writes the page to `path`; it holds them all and loads nothing. The model card goes
 * beside it, as MODELCARD.md (STEM-MODELCARD.md where STEM is not "report"). `command` is what
 * repeats it. Without a working gnuplot the page goes without figures and says so; *undrawn (may be
 * NULL) is then what gnuplot's failure was, else its status is OK. Errors: those of writing and of
 * reading the runs. */
leuko_status study_page_write(const study *s, const char *path, const char *command,
                              leuko_error *undrawn, leuko_error *error);

#endif
