/* Person by person, epoch by epoch, and the cells that were answered worst and best. */
#include <math.h>
#include <stdlib.h>

#include "report/figures.h"
#include "report/html.h"
#include "report/page.h"
#include "report/words.h"

#define MOST_ROWS 80 /* of a table of subjects */

static void write_subjects(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const char *heads[4 + LEUKO_MAX_CLASSES] = {"Subject"};
  size_t count = 1;
  for (int c = 0; c < e->class_count; c++) heads[count++] = e->classes[c];
  char answered[64];
  snprintf(answered, sizeof answered, "Answered %s",
           e->class_count == 2 ? e->classes[e->positive] : "");
  heads[count++] = "Right";
  if (e->class_count == 2) heads[count++] = answered;
  heads[count++] = e->class_count == 2 ? "Mean p" : "Mean p of the true class";
  const size_t rows = e->subject_count < MOST_ROWS ? e->subject_count : MOST_ROWS;
  page_table(p, "grid long", "Subject by subject, the worst first%s: cells of each class, %s.",
             rows < e->subject_count ? " (80 of them)" : "",
             e->class_count == 2 ? "shares of them answered right and answered with the positive "
                                   "class, mean of its p"
                                 : "share of them answered right, mean p of the true class");
  page_heads(p, heads, count);
  for (size_t i = 0; i < rows; i++) {
    const evaluate_subject *one = &e->subjects[i];
    file_printf(p->w, "<tr>");
    page_text_cell(p, "Subject", one->subject);
    for (int c = 0; c < e->class_count; c++) html_cell(p->w, e->classes[c], "%zu", one->counts[c]);
    html_cell(p->w, "Right", "%.3f", one->accuracy);
    if (e->class_count == 2) html_cell(p->w, answered, "%.3f", one->positive_share);
    html_cell(p->w, heads[count - 1], "%.3f", one->mean_p);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

/* The share below which `part` of the subjects' accuracies lie; they are sorted. */
static double quantile(const evaluation *e, double part) {
  const double at = part * (double)(e->subject_count - 1);
  const size_t below = (size_t)at, above = below + 1 < e->subject_count ? below + 1 : below;
  const double weight = at - (double)below;
  return e->subjects[below].accuracy * (1 - weight) + e->subjects[above].accuracy * weight;
}

static void spread_sentence(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  file_printf(p->w,
              "<p>Of the %zu subjects, half have between %.0f&nbsp;%% and %.0f&nbsp;%% of their "
              "cells answered "
              "right (median %.0f&nbsp;%%); the extremes are %.0f&nbsp;%% and %.0f&nbsp;%%. A new "
              "person of the "
              "same laboratory may lie anywhere in that range.",
              e->subject_count, 100 * quantile(e, 0.25), 100 * quantile(e, 0.75),
              100 * quantile(e, 0.5), 100 * e->subjects[0].accuracy,
              100 * e->subjects[e->subject_count - 1].accuracy);
  if (e->group_count < e->subject_count)
    file_printf(p->w, " Names that are one person are listed singly here; they are %zu persons.",
                e->group_count);
  file_printf(p->w, "</p>\n");
}

/* Persons told apart by all their cells. */
static void write_person_scores(page *p, const study_run *run) {
  static const char *const heads[] = {"Persons told apart by", "AUC", "Missed", "False alarms",
                                      "Share wrong"};
  const evaluation *e = &run->scores;
  if (e->person_count == 0) return;
  page_table(
      p, "grid",
      "%zu persons instead of cells, %zu of them with a positive cell. By the share, a "
      "person is answered positive from one half on, by the mean logit (log odds of p) from the "
      "threshold&rsquo;s on. Missed are persons with a positive cell, false alarms the "
      "others. The interval of the share answered wrong is exact (Clopper and "
      "Pearson): one person more moves it by %.3f.",
      e->person_count, e->person_positives, 1 / (double)e->person_count);
  page_heads(p, heads, 5);
  for (int row = 0; row < 2; row++) {
    const evaluate_person_scores *s = row ? &e->by_logit : &e->by_share;
    file_printf(p->w, "<tr>");
    page_text_cell(p, heads[0],
                   row ? "mean logit of the cells" : "share of cells answered positive");
    page_both_cell(p, heads[1], s->auc, s->auc_interval);
    html_cell(p->w, heads[2], "%zu of %zu", s->missed, e->person_positives);
    html_cell(p->w, heads[3], "%zu of %zu", s->alarmed, e->person_count - e->person_positives);
    page_both_cell(p, heads[4], s->error, s->error_interval);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

leuko_status page_persons(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++) {
    const study_run *run = &p->s->runs[r];
    page_run_head(p, run);
    if (run->scores.subject_count == 0) {
      file_printf(p->w,
                  "<p>No cell names its subject, so that nothing can be said about persons and "
                  "no interval holds for the next one.</p>\n");
      continue;
    }
    spread_sentence(p, run);
    status =
        page_figure(p, run, "persons", "wide", error,
                    "p of every tested cell, in a line for each subject; of subjects with many "
                    "cells %d are drawn, evenly over their p. Blue dots belong left of the "
                    "dashed threshold, orange ones right of it.",
                    FIGURES_STRIP_CELLS);
    write_person_scores(p, run);
    write_subjects(p, run);
  }
  return status;
}

leuko_status page_training(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++) {
    const study_run *run = &p->s->runs[r];
    const history *h = &run->curves;
    page_run_head(p, run);
    if (run->folds > 0) {
      page_fold_trainings(p, run);
      continue;
    }
    if (!run->has_history) {
      file_printf(p->w, "<p>There is no history.csv in the folder.</p>\n");
      continue;
    }
    const size_t last = h->epochs - 1;
    file_printf(p->w, "<p>In the last of %zu epochs the training accuracy was %.3f", h->epochs,
                h->curves[ACCURACY][last]);
    if (h->validated)
      file_printf(p->w,
                  " and that on the tested cells %.3f. The loss on the tested cells was lowest, "
                  "%.3f, in epoch %.0f%s; in the last it was %.3f%s",
                  h->curves[VAL_ACCURACY][last], h->curves[VAL_LOSS][h->lowest_loss],
                  h->epoch[h->lowest_loss], study_keeps_last(run) ? "" : ", whose model is kept",
                  h->curves[VAL_LOSS][last], study_keeps_last(run) ? ", whose model is kept" : "");
    file_printf(p->w, ".</p>\n<div class=\"figures\">\n");
    status = page_figure(p, run, "loss", "", error,
                         "Loss by epoch, of the batches as they were trained on and of the tested "
                         "cells.");
    if (status == LEUKO_OK)
      status = page_figure(p, run, "accuracy", "", error, "Accuracy by epoch, likewise.");
    file_printf(p->w, "</div>\n");
  }
  return status;
}
