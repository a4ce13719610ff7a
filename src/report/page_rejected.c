/* The tested cells that the model did not answer, and what the others score. */
#include <math.h>

#include "report/html.h"
#include "report/page.h"
#include "report/words.h"

static const int rows[] = {STATS_AUC, STATS_BALANCED_ACCURACY, STATS_ACCURACY, STATS_SENSITIVITY,
                           STATS_SPECIFICITY};
#define ROWS (sizeof rows / sizeof *rows)

/* Why nothing is known of rejections. */
static void write_unknown(page *p, const study_run *run) {
  if (run->has_model && run->m.rejection.cells == 0)
    file_printf(p->w, "<p>The model holds nothing to reject by: it answers for every picture that "
                      "can be read.</p>\n");
  else
    file_printf(p->w,
                "<p>Not known: predictions.csv does not tell what the model rejects. %s</p>\n",
                run->folds > 0 ? "<code>leuko train --folds</code> with <code>--resume</code> "
                                 "writes it again and trains nothing anew."
                               : "<code>leuko evaluate --out</code> makes one that does.");
}

static void write_sentence(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const evaluate_rejection *r = &e->rejection;
  char rejected[WORDS_NUMBER], all[WORDS_NUMBER];
  file_printf(p->w, "<p>%s of %s tested cells (%.1f&nbsp;%%) were rejected",
              words_count(r->rejected, rejected), words_count(e->n, all),
              100 * (double)r->rejected / (double)e->n);
  for (int c = 0; c < e->class_count && r->rejected > 0; c++) {
    file_printf(p->w, "%s%s of ", c ? ", " : ": ", words_count(r->by_class[c], all));
    page_text(p, e->classes[c]);
  }
  file_printf(p->w, ".");
  if (run->has_model && run->m.rejection.cells > 0)
    file_printf(
        p->w,
        " The bounds %s chosen on these very cells, so that 95&nbsp;%% of them are answered: how "
        "many are rejected is no finding, but which they are and how the others are "
        "answered.",
        run->folds > 0 ? "of each fold&rsquo;s model were" : "were");
  file_printf(p->w, " All other scores of this page count rejected cells like the others, by the "
                    "answer that they would have got.</p>\n");
}

static void write_reasons(page *p, const study_run *run) {
  static const char *const heads[] = {"Reason", "Cells", "Share of all"};
  const evaluate_rejection *r = &run->scores.rejection;
  char number[WORDS_NUMBER];
  page_table(p, "grid",
             "Why cells were rejected. The first reason that holds is the one that counts.");
  page_heads(p, heads, 3);
  for (int k = 1; k < LEUKO_REASON_COUNT; k++) {
    if (r->by_reason[k] == 0) continue;
    file_printf(p->w, "<tr>");
    html_cell(p->w, heads[0], "<b>%s</b>: <span class=\"free\">%s</span>",
              leuko_reason_name((leuko_reason)k), leuko_reason_message((leuko_reason)k));
    html_cell(p->w, heads[1], "%s", words_count(r->by_reason[k], number));
    html_cell(p->w, heads[2], "%.1f&nbsp;%%",
              100 * (double)r->by_reason[k] / (double)run->scores.n);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

/* Of the rejected cells: the share that would have been answered right. */
static double right_among_rejected(const evaluation *e) {
  const evaluate_rejection *r = &e->rejection;
  size_t right = 0;
  for (int c = 0; c < e->class_count; c++)
    right += e->class_count == 2 ? e->binary.confusion[c][c] - r->binary.confusion[c][c]
                                 : e->multiclass.confusion[c][c] - r->multiclass.confusion[c][c];
  return (double)right / (double)r->rejected;
}

static void write_scores(page *p, const study_run *run) {
  static const char *const heads[] = {"Score", "All cells", "Answered cells", "Difference"};
  const evaluation *e = &run->scores;
  const evaluate_rejection *r = &e->rejection;
  double all[STATS_SCORES], kept[STATS_SCORES];
  if (e->class_count == 2) {
    stats_binary_scores(&e->binary, all);
    stats_binary_scores(&r->binary, kept);
  } else {
    stats_multiclass_scores(&e->multiclass, all);
    stats_multiclass_scores(&r->multiclass, kept);
  }
  page_table(p, "grid",
             "Scores with the rejected cells and without them. Of the rejected cells alone %.3f "
             "would have been answered right.",
             right_among_rejected(e));
  page_heads(p, heads, 4);
  for (size_t k = 0; k < ROWS; k++) {
    const int score = rows[k];
    if (e->class_count > 2 && (score == STATS_SENSITIVITY || score == STATS_SPECIFICITY)) continue;
    file_printf(p->w, "<tr>");
    page_text_cell(p, heads[0], words_score_name(score));
    page_value_cell(p, heads[1], all[score]);
    page_value_cell(p, heads[2], kept[score]);
    page_difference_cell(p, heads[3], kept[score] - all[score], (stats_interval){NAN, NAN});
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

leuko_status page_rejected(page *p, leuko_error *error) {
  (void)error;
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    const evaluate_rejection *rejection = &run->scores.rejection;
    page_run_head(p, run);
    if (!rejection->possible) {
      write_unknown(p, run);
      continue;
    }
    write_sentence(p, run);
    if (rejection->rejected == 0) continue;
    write_reasons(p, run);
    if (rejection->rejected < run->scores.n) write_scores(p, run);
  }
  return LEUKO_OK;
}
