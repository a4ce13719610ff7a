/* A report being written: numbered tables and figures, and what its parts share. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/file.h"
#include "report/study.h"

typedef struct {
  const study *s;
  file_writer *w;
  const char *figures; /* folder of what study_draw has drawn */
  bool drawn;          /* it has; else the page says why not */
  int tables, shown;   /* numbers given so far */
  const char *command; /* that made the report */
} page;

/* Starts a table: its caption (HTML) behind its number, which is returned. The head's cells and
 * rows follow; ends with page_end_table. On narrow screens a row becomes a list of its cells; with
 * the class "short" two of them stand side by side below the first, "words" is for sentences, and
 * "grid" stays a table. */
int page_table(page *p, const char *class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The head: a cell for each of the names, which are text. */
void page_heads(page *p, const char *const *names, size_t count);
void page_end_table(page *p);

/* A figure of study_draw with its caption (HTML) behind its number; nothing where it is not drawn.
 * `run` NULL: one that all share. `class` is that of the figure ("", "wide"). Errors: those of
 * html_svg. */
leuko_status page_figure(page *p, const study_run *run, const char *figure, const char *class,
                         leuko_error *error, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* A cell of text that came from outside. */
void page_text_cell(page *p, const char *label, const char *text);
/* A score: "0.881" or a dash; its interval: "0.719 to 0.955" or a dash; the one with the other
 * below it; and a difference likewise, with signs. An interval may be NaN. */
void page_value_cell(page *p, const char *label, double value);
void page_interval_cell(page *p, const char *label, stats_interval i);
void page_both_cell(page *p, const char *label, double value, stats_interval i);
void page_difference_cell(page *p, const char *label, double value, stats_interval i);
/* Text that came from outside, within a sentence. */
void page_text(page *p, const char *text);
/* A command line as code; it breaks between its words only. */
void page_command(page *p, const char *command);

/* "<h3>NAME</h3>" before what is told of each of several runs; nothing where there is but one. */
void page_run_head(page *p, const study_run *run);
/* The network's title: "CNN, 128 x 128 pixels", into out [size]. Text, no HTML. */
void page_network(const study_run *run, char *out, size_t size);

/* What stands before the sections. */
void page_notes(page *p);
/* The sections, in their order, without their headings. */
leuko_status page_summary(page *p, leuko_error *error);
leuko_status page_setup(page *p, leuko_error *error);
leuko_status page_flow(page *p, leuko_error *error);
leuko_status page_scores(page *p, leuko_error *error);
leuko_status page_differences(page *p, leuko_error *error);
leuko_status page_baselines(page *p, leuko_error *error);
leuko_status page_point(page *p, leuko_error *error);
leuko_status page_calibration(page *p, leuko_error *error);
leuko_status page_persons(page *p, leuko_error *error);
leuko_status page_rejected(page *p, leuko_error *error);
leuko_status page_stress(page *p, leuko_error *error);
leuko_status page_training(page *p, leuko_error *error);
leuko_status page_cells(page *p, leuko_error *error);
leuko_status page_limits(page *p, leuko_error *error);
leuko_status page_provenance(page *p, leuko_error *error);

/* page_folds.c: of cross-validations the scores of each fold, those with the folds' thresholds and
 * temperatures, and their trainings. */
void page_folds(page *p);
void page_cross_fitted(page *p, const study_run *run);
void page_fold_trainings(page *p, const study_run *run);

#endif
