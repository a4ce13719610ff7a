/* What a cross-validation tells beside its pooled scores: fold by fold. */
#include <math.h>

#include "report/html.h"
#include "report/page.h"
#include "report/words.h"

static const struct {
  int score;
  const char *name;
} columns[] = {{STATS_AUC, "AUC"},
               {STATS_BALANCED_ACCURACY, "Balanced accuracy"},
               {STATS_SENSITIVITY, "Sensitivity"},
               {STATS_SPECIFICITY, "Specificity"}};
#define COLUMNS (sizeof columns / sizeof *columns)

static void summary_row(page *p, const study_run *run, bool spread) {
  const pooled *folds = &run->fold_scores;
  file_printf(p->w, "<tr>");
  page_text_cell(p, "", spread ? "standard deviation" : "mean");
  for (int k = 0; k < 3; k++) file_printf(p->w, "<td class=\"none\"></td>");
  for (size_t k = 0; k < COLUMNS; k++) {
    const pooled_summary *s = &folds->scores[columns[k].score];
    page_value_cell(p, columns[k].name, spread ? s->spread : s->mean);
  }
  page_value_cell(p, "Log loss", spread ? folds->loss.spread : folds->loss.mean);
  file_printf(p->w, "</tr>\n");
}

static void write_folds(page *p, const study_run *run) {
  static const char *const heads[] = {"Fold",        "Cells",       "Positives",
                                      "Persons",     "AUC",         "Balanced accuracy",
                                      "Sensitivity", "Specificity", "Log loss"};
  page_run_head(p, run);
  page_table(p, "short",
             "Fold by fold, from p = 0.5 on. The pooled scores above are not the mean: an area "
             "within a fold compares cells that one model answered, the pooled one all of them. "
             "How far folds lie apart tells how much who is tested matters.");
  page_heads(p, heads, 9);
  for (int f = 0; f < run->folds; f++) {
    const pooled_fold *fold = &run->fold_scores.per_fold[f];
    char number[WORDS_NUMBER];
    file_printf(p->w, "<tr>");
    html_cell(p->w, "Fold", "%d", f + 1);
    html_cell(p->w, "Cells", "%s", words_count(fold->n, number));
    html_cell(p->w, "Positives", "%s", words_count(fold->positives, number));
    html_cell(p->w, "Persons", "%zu", fold->persons);
    for (size_t k = 0; k < COLUMNS; k++)
      page_value_cell(p, columns[k].name, fold->scores[columns[k].score]);
    page_value_cell(p, "Log loss", fold->loss);
    file_printf(p->w, "</tr>\n");
  }
  summary_row(p, run, false);
  summary_row(p, run, true);
  page_end_table(p);
}

void page_folds(page *p) {
  for (size_t r = 0; r < p->s->count; r++)
    if (p->s->runs[r].folds > 0) write_folds(p, &p->s->runs[r]);
}

void page_cross_fitted(page *p, const study_run *run) {
  static const char *const heads[] = {"Score", "From p = 0.5", "Cross-fitted", "95 % by person"};
  const pooled *folds = &run->fold_scores;
  const evaluation *e = &run->scores;
  if (run->folds == 0) return;
  if (!folds->cross_fitted) {
    file_printf(p->w, "<p>No thresholds were chosen for the folds&rsquo; models.</p>\n");
    return;
  }
  file_printf(p->w, "<p>Each fold&rsquo;s model has the threshold and the temperature that the "
                    "held-out answers of the other folds gave: nothing is fitted to the cells that "
                    "it is scored on. Thresholds");
  for (int f = 0; f < run->folds; f++)
    file_printf(p->w, "%s %.3f", f ? "," : "", folds->models[f].threshold);
  file_printf(p->w, "; temperatures");
  for (int f = 0; f < run->folds; f++)
    file_printf(p->w, "%s %.2f", f ? "," : "", folds->models[f].temperature);
  file_printf(p->w, ".</p>\n");
  page_table(p, "grid", "All held-out cells with the threshold and temperature of their fold.");
  page_heads(p, heads, 4);
  for (size_t k = 0; k < COLUMNS; k++) {
    file_printf(p->w, "<tr>");
    page_text_cell(p, heads[0], columns[k].name);
    page_value_cell(p, heads[1], words_score(e, columns[k].score));
    page_value_cell(p, heads[2], folds->fitted.scores[columns[k].score]);
    page_interval_cell(p, heads[3], folds->fitted.by_subject[columns[k].score]);
    file_printf(p->w, "</tr>\n");
  }
  const struct {
    const char *name;
    double plain, fitted;
  } others[] = {
      {"Log loss (nats)", e->binary.loss, folds->fitted.loss},
      {"Brier score", e->binary.brier, folds->fitted.brier},
      {"Calibration error (15 bins)", e->reliability.error, folds->fitted.calibration_error}};
  for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
    file_printf(p->w, "<tr>");
    page_text_cell(p, heads[0], others[k].name);
    page_value_cell(p, heads[1], others[k].plain);
    page_value_cell(p, heads[2], others[k].fitted);
    file_printf(p->w, "<td class=\"none\"></td></tr>\n");
  }
  page_end_table(p);
}

void page_fold_trainings(page *p, const study_run *run) {
  static const char *const heads[] = {"Fold",
                                      "Epochs",
                                      "Epoch kept",
                                      "Loss, trained on",
                                      "Loss, tested",
                                      "Accuracy, trained on",
                                      "Accuracy, tested"};
  page_table(p, "short",
             "The folds&rsquo; trainings: loss and accuracy of the epoch that is kept, on the "
             "batches as they were trained on and on the fold that is tested. Each fold&rsquo;s "
             "folder holds its curves.");
  page_heads(p, heads, 7);
  for (int f = 0; f < run->folds; f++) {
    const history *h = &run->each[f].curves;
    const int epoch = run->fold_scores.models[f].epoch;
    size_t at = 0;
    file_printf(p->w, "<tr>");
    html_cell(p->w, heads[0], "%d", f + 1);
    if (run->each[f].has_history) html_cell(p->w, heads[1], "%zu", h->epochs);
    else html_cell(p->w, heads[1], "&ndash;");
    html_cell(p->w, heads[2], "%d", epoch);
    while (run->each[f].has_history && at < h->epochs && h->epoch[at] < epoch) at++;
    const bool known = run->each[f].has_history && at < h->epochs;
    static const int curves[] = {LOSS, VAL_LOSS, ACCURACY, VAL_ACCURACY};
    for (size_t k = 0; k < 4; k++)
      page_value_cell(p, heads[3 + k], known ? h->curves[curves[k]][at] : NAN);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}
