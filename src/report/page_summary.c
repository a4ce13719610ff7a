/* What restricts the page, and its answer in short. */
#include <math.h>

#include "report/html.h"
#include "report/page.h"
#include "report/words.h"

void page_notes(page *p) {
  file_printf(p->w,
              "<p class=\"lead\">What leuko %s found on %s: study set-up, results with their "
              "uncertainty, and limits.</p>\n"
              "<p class=\"note\"><b>Research use only.</b> leuko is not a medical device, and "
              "no answer of it is a diagnosis.</p>\n",
              leuko_version(),
              p->s->count > 1           ? "several trained models"
              : p->s->runs[0].folds > 0 ? "a network in cross-validation"
                                        : "one trained model");
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    if (run->set && run->set->synthetic) {
      file_printf(p->w,
                  "<p class=\"note\"><b>These cells are drawn by leuko, not real.</b> The page "
                  "shows how everything works and says nothing about leukemia.</p>\n");
      break;
    }
  }
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    if (run->flow.both_sides == 0) continue;
    file_printf(p->w, "<p class=\"note\"><b>The split leaks.</b> ");
    if (p->s->count > 1) {
      file_printf(p->w, "In ");
      page_text(p, run->name);
      file_printf(p->w, " ");
    }
    file_printf(p->w,
                "%zu of %zu subjects have cells, they or another name of the same person, %s. A "
                "network gains from recognising a person: what "
                "stands here flatters, and the intervals do not hold for the next one.</p>\n",
                run->flow.both_sides, run->flow.subjects,
                run->folds > 0 ? "in several folds"
                               : "both among those trained on and among those tested");
  }
}

/* Who learnt from what and was asked what. */
static void write_tested(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const study_flow *f = &run->flow;
  char network[128], number[WORDS_NUMBER];
  page_network(run, network, sizeof network);
  file_printf(p->w, "<li>");
  page_text(p, network);
  if (run->folds > 0) {
    file_printf(p->w, " was trained %d times, each time without one fold, and tested on",
                run->folds);
  } else if (f->split_known) {
    file_printf(p->w, " learnt from %s cells", words_count(f->train.cells, number));
    if (f->train.subjects) file_printf(p->w, " of %zu subjects", f->train.subjects);
    file_printf(p->w, " and was tested on");
  } else {
    file_printf(p->w, " was tested on");
  }
  file_printf(p->w, " %s cells", words_count(e->n, number));
  if (e->subject_count) {
    file_printf(p->w, " of %zu subjects", e->subject_count);
    if (e->group_count < e->subject_count)
      file_printf(p->w, " (%zu persons: some names share identical cells)", e->group_count);
    if (f->split_known && f->subjects && f->both_sides == 0)
      file_printf(p->w, run->folds > 0 ? ", each answered by the model that had not learnt from "
                                         "that person"
                                       : ", none of whom it had learnt from");
  }
  file_printf(p->w, ".</li>\n");
}

static void write_found(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  char auc[WORDS_INTERVAL], balanced[WORDS_INTERVAL];
  const bool persons = isfinite(e->by_subject[STATS_ACCURACY].low) != 0;
  const stats_interval *intervals = persons ? e->by_subject : e->by_image;
  file_printf(p->w, "<li>");
  file_printf(p->w,
              "The area under the ROC curve is <b>%s</b> and the balanced accuracy %s; in brackets "
              "95&nbsp;%% intervals %s.",
              words_interval(words_score(e, STATS_AUC), intervals[STATS_AUC], auc),
              words_interval(words_score(e, STATS_BALANCED_ACCURACY),
                             intervals[STATS_BALANCED_ACCURACY], balanced),
              persons ? "for other persons" : "for other cells of unknown persons");
  if (e->class_count == 2) {
    file_printf(p->w, " Of 100 cells of ");
    page_text(p, e->classes[e->positive]);
    file_printf(p->w, " it finds %.0f, of 100 of ", 100 * e->binary.sensitivity);
    page_text(p, e->classes[1 - e->positive]);
    file_printf(p->w, " it leaves %.0f alone.", 100 * e->binary.specificity);
  }
  file_printf(p->w, "</li>\n");
}

/* Persons instead of cells. */
static void write_by_person(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  if (e->person_count == 0 || !isfinite(e->by_share.auc)) return;
  char auc[WORDS_INTERVAL];
  file_printf(p->w, "<li>");
  file_printf(p->w, "By the share of their cells answered ");
  page_text(p, e->classes[e->positive]);
  file_printf(p->w,
              ", %zu persons are told apart with an area of %s; %zu of them would be answered "
              "wrong. These are few persons.</li>\n",
              e->person_count, words_interval(e->by_share.auc, e->by_share.auc_interval, auc),
              e->by_share.missed + e->by_share.alarmed);
}

/* Whether it beats what needs no network. */
static void write_verdict(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const evaluate_baseline *best = NULL;
  for (int b = 0; b < e->baseline_count; b++)
    if (!best || e->baselines[b].scores.auc > best->scores.auc) best = &e->baselines[b];
  if (!best) return;
  char difference[WORDS_INTERVAL];
  file_printf(p->w, "<li>");
  file_printf(p->w,
              "Without a network, a logistic regression on %s reaches an area of %.3f on the same "
              "cells. The network %s: the difference is %s.</li>\n",
              best->name, best->scores.auc,
              best->beaten           ? "is better"
              : best->difference > 0 ? "is <b>not shown to be better</b>"
                                     : "is <b>not better</b>",
              words_difference(best->difference, best->by_subject, difference));
}

/* How far persons lie apart. */
static void write_spread(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  if (e->subject_count < 2) return;
  const evaluate_subject *worst = &e->subjects[0], *best = &e->subjects[e->subject_count - 1];
  size_t failed = 0;
  for (size_t i = 0; i < e->subject_count; i++) failed += e->subjects[i].accuracy < 0.5;
  file_printf(p->w, "<li>");
  file_printf(p->w, "Persons differ: from %.0f&nbsp;%% of the cells answered right (subject ",
              100 * worst->accuracy);
  page_text(p, worst->subject);
  file_printf(p->w, ", %zu %s) to %.0f&nbsp;%%", worst->n, worst->n == 1 ? "cell" : "cells",
              100 * best->accuracy);
  if (failed)
    file_printf(p->w, "; of %zu of %zu subjects fewer than half of the cells are", failed,
                e->subject_count);
  file_printf(p->w, ".</li>\n");
}

leuko_status page_summary(page *p, leuko_error *error) {
  (void)error;
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    page_run_head(p, run);
    file_printf(p->w, "<ul>\n");
    write_tested(p, run);
    write_found(p, run);
    write_by_person(p, run);
    write_verdict(p, run);
    write_spread(p, run);
    file_printf(p->w, "</ul>\n");
  }
  return LEUKO_OK;
}
