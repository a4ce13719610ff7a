/* Scores, differences between runs, what needs no network, operating point, calibration. */
#include <math.h>

#include "base/number.h"
#include "report/html.h"
#include "report/page.h"
#include "report/words.h"

static const int kinds[] = {STATS_AUC,         STATS_BALANCED_ACCURACY, STATS_ACCURACY,
                            STATS_SENSITIVITY, STATS_SPECIFICITY,       STATS_WEIGHTED_F1};
#define KINDS (sizeof kinds / sizeof *kinds)

static const stats_interval *intervals_of(const evaluation *e) {
  return e->subject_count ? e->by_subject : e->by_image;
}

/* Of one run: a score a row, both intervals. */
static void write_one(page *p, const study_run *run) {
  static const char *const heads[] = {"Score", "Value", "95 % by person", "95 % by cell"};
  const evaluation *e = &run->scores;
  char number[WORDS_NUMBER];
  page_table(p, "grid",
             "Scores on the %s tested cells. Intervals by person draw persons, as many as there "
             "are, with all their cells: they hold for other persons. Those by cell, which most "
             "publications give, take cells of one person for independent and are too narrow. "
             "Where there is none, "
             "none was computed.",
             words_count(e->n, number));
  page_heads(p, heads, 4);
  for (size_t k = 0; k < KINDS; k++) {
    const int score = kinds[k];
    if (e->class_count > 2 && (score == STATS_SENSITIVITY || score == STATS_SPECIFICITY)) continue;
    file_printf(p->w, "<tr>");
    html_cell(p->w, "Score", "%s", words_score_name(score));
    page_value_cell(p, "Value", words_score(e, score));
    page_interval_cell(p, "95 % by person", e->by_subject[score]);
    page_interval_cell(p, "95 % by cell", e->by_image[score]);
    file_printf(p->w, "</tr>\n");
  }
  struct {
    const char *name;
    double value;
  } others[] = {{"Average precision", e->class_count == 2 ? e->binary.average_precision : NAN},
                {"Log loss (nats)", e->class_count == 2 ? e->binary.loss : e->multiclass.loss},
                {"Brier score", e->class_count == 2 ? e->binary.brier : NAN},
                {"Calibration error (15 bins)", e->reliability.error},
                {"Always the most frequent class: accuracy", e->majority_accuracy}};
  for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
    if (!isfinite(others[k].value)) continue;
    file_printf(p->w, "<tr>");
    html_cell(p->w, "Score", "%s", others[k].name);
    page_value_cell(p, "Value", others[k].value);
    file_printf(p->w, "<td class=\"none\"></td><td class=\"none\"></td>");
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

/* Of several: a run a row. */
static void write_several(page *p) {
  static const char *const heads[] = {"Run",      "Network",           "Cells",       "Persons",
                                      "AUC",      "Balanced accuracy", "Sensitivity", "Specificity",
                                      "Log loss", "Calibration error"};
  page_table(
      p, "",
      "Scores of the runs, each on its own tested cells, with 95&nbsp;%% intervals by person "
      "below them (by cell where no subject is known). Runs with other splits were asked "
      "other questions; what they answered in common stands under Differences.");
  page_heads(p, heads, 10);
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    const evaluation *e = &run->scores;
    const stats_interval *i = intervals_of(e);
    char number[WORDS_NUMBER];
    file_printf(p->w, "<tr>");
    page_text_cell(p, "Run", run->name);
    page_text_cell(p, "Network", run->has_model ? words_network(run->m.net.name) : "not known");
    html_cell(p->w, "Cells", "%s", words_count(e->n, number));
    if (e->subject_count) html_cell(p->w, "Persons", "%zu", e->group_count);
    else html_cell(p->w, "Persons", "&ndash;");
    page_both_cell(p, "AUC", words_score(e, STATS_AUC), i[STATS_AUC]);
    page_both_cell(p, "Balanced accuracy", words_score(e, STATS_BALANCED_ACCURACY),
                   i[STATS_BALANCED_ACCURACY]);
    page_both_cell(p, "Sensitivity", words_score(e, STATS_SENSITIVITY), i[STATS_SENSITIVITY]);
    page_both_cell(p, "Specificity", words_score(e, STATS_SPECIFICITY), i[STATS_SPECIFICITY]);
    page_value_cell(p, "Log loss", e->class_count == 2 ? e->binary.loss : e->multiclass.loss);
    page_value_cell(p, "Calibration error", e->reliability.error);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

static void write_sentence(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  char auc[WORDS_INTERVAL], accuracy[WORDS_INTERVAL];
  file_printf(p->w, "<p>The area under the ROC curve (AUC) was %s",
              words_interval(words_score(e, STATS_AUC), intervals_of(e)[STATS_AUC], auc));
  if (e->subject_count)
    file_printf(p->w,
                ", with the interval over %zu persons in brackets; by cell it would seem to "
                "be known to within %.3f to %.3f",
                e->group_count, e->by_image[STATS_AUC].low, e->by_image[STATS_AUC].high);
  file_printf(
      p->w, ". Of the cells %s were answered right; always answering ",
      words_interval(words_score(e, STATS_ACCURACY), intervals_of(e)[STATS_ACCURACY], accuracy));
  page_text(p, e->classes[e->majority]);
  file_printf(p->w, " would have been right for %.3f.</p>\n", e->majority_accuracy);
}

/* What the scores are, for those who do not meet them every day. */
static void write_meanings(page *p) {
  file_printf(p->w,
              "<p class=\"small\">AUC: area under the ROC curve, the chance that a positive cell "
              "has a higher p than a negative one. Sensitivity: share of the positive cells that "
              "are found; specificity: share of the negative ones that are left alone; balanced "
              "accuracy: mean of the two. Weighted F1: of each class the harmonic mean of "
              "precision and sensitivity, weighted by its cells. Average precision: area under "
              "the precision-recall curve. Log loss: mean of &minus;ln of the p given to the true "
              "class; Brier score: mean squared distance of p from 0 or 1; calibration error: how "
              "far p is on average from the share of positives.</p>\n");
}

leuko_status page_scores(page *p, leuko_error *error) {
  if (p->s->count == 1) {
    write_sentence(p, &p->s->runs[0]);
    write_one(p, &p->s->runs[0]);
  } else {
    write_several(p);
  }
  if (p->s->runs[0].scores.class_count == 2) write_meanings(p);
  page_folds(p);
  leuko_status status =
      page_figure(p, NULL, "intervals", "wide", error,
                  "Scores with their intervals over persons (blue) and over cells (grey).");
  file_printf(p->w, "<div class=\"figures\">\n");
  if (status == LEUKO_OK)
    status = page_figure(p, NULL, "roc", "", error,
                         "ROC curve: the share of positives found against the share of negatives "
                         "taken for positive, over all thresholds.");
  if (status == LEUKO_OK)
    status = page_figure(p, NULL, "precision_recall", "", error,
                         "Precision against recall over all thresholds, at the share of positives "
                         "among the tested cells; elsewhere precision differs.");
  file_printf(p->w, "</div>\n");
  return status;
}

leuko_status page_differences(page *p, leuko_error *error) {
  (void)error;
  if (!p->s->compared) {
    file_printf(p->w, "<p>The runs cannot be compared cell by cell: ");
    page_text(p, p->s->uncompared);
    file_printf(p->w, ".</p>\n");
    return LEUKO_OK;
  }
  static const char *const heads[] = {
      "First",       "Second",    "AUC, first minus second", "Balanced accuracy", "Sensitivity",
      "Specificity", "DeLong's p"};
  const comparison *c = &p->s->differences;
  char number[WORDS_NUMBER], persons[64] = "";
  size_t shown = 0;
  if (c->persons) snprintf(persons, sizeof persons, ", of %zu persons", c->persons);
  for (size_t k = 0; k < c->pair_count; k++) {
    const stats_interval i = c->pairs[k].by_subject[STATS_AUC];
    shown += i.low > 0 || i.high < 0;
  }
  file_printf(p->w,
              "<p>All runs answered %s cells in common%s. Of %zu %s, %zu %s in AUC by an "
              "interval that does not hold 0%s.</p>\n",
              words_count(c->n, number), persons, c->pair_count,
              c->pair_count == 1 ? "pair" : "pairs", shown, shown == 1 ? "differs" : "differ",
              shown < c->pair_count ? "; the others are not shown to differ, which is not the same "
                                      "as being equal"
                                    : "");
  page_table(
      p, "",
      "Differences on the common cells, with 95&nbsp;%% intervals by drawing the same %s for both "
      "runs. DeLong&rsquo;s test takes cells for independent, which those of one person are "
      "not.",
      c->persons ? "persons" : "cells");
  page_heads(p, heads, 7);
  for (size_t k = 0; k < c->pair_count; k++) {
    const compare_pair *pair = &c->pairs[k];
    static const int scores[] = {STATS_AUC, STATS_BALANCED_ACCURACY, STATS_SENSITIVITY,
                                 STATS_SPECIFICITY};
    file_printf(p->w, "<tr>");
    page_text_cell(p, "First", c->runs[pair->first].folder);
    page_text_cell(p, "Second", c->runs[pair->second].folder);
    for (int i = 0; i < 4; i++)
      page_difference_cell(p, heads[2 + i], pair->differences[scores[i]],
                           pair->by_subject[scores[i]]);
    if (pair->delong.p < 0.001) html_cell(p->w, "DeLong's p", "&lt;&nbsp;0.001");
    else html_cell(p->w, "DeLong's p", "%.3f", pair->delong.p);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
  return LEUKO_OK;
}

static void baseline_verdict(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  file_printf(p->w, "<p>");
  int beaten = 0;
  for (int b = 0; b < e->baseline_count; b++) beaten += e->baselines[b].beaten;
  if (beaten == e->baseline_count) {
    file_printf(p->w, "The network beats all of them: every interval of the difference lies above "
                      "0.");
  } else {
    file_printf(p->w, "<b>The network is not shown to beat ");
    for (int b = 0, said = 0, left = e->baseline_count - beaten; b < e->baseline_count; b++) {
      if (e->baselines[b].beaten) continue;
      file_printf(p->w, "%s%s",
                  said == 0          ? ""
                  : said + 1 == left ? " and "
                                     : ", ",
                  e->baselines[b].name);
      said++;
    }
    file_printf(p->w, ":</b> the interval of the difference holds 0.");
  }
  if (e->binary.accuracy <= e->majority_accuracy) {
    file_printf(p->w, " <b>In accuracy it does not beat always answering ");
    page_text(p, e->classes[e->majority]);
    file_printf(p->w, ".</b>");
  }
  file_printf(p->w, "</p>\n");
}

leuko_status page_baselines(page *p, leuko_error *error) {
  (void)error;
  static const char *const heads[] = {"Without a network", "Accuracy", "Balanced accuracy", "AUC",
                                      "The network's AUC minus it"};
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    const evaluation *e = &run->scores;
    page_run_head(p, run);
    if (e->baseline_count == 0) {
      file_printf(p->w, "<p>Not known: %s.</p>\n",
                  e->class_count > 2 ? "simple measures are fitted with two classes only"
                  : run->set         ? "some of the tested cells were refused, or the split is not "
                                       "in the folder"
                                     : "the measures need the cells (<code>--data</code>)");
      continue;
    }
    baseline_verdict(p, run);
    page_table(p, "grid",
               "Logistic regressions on simple measures of the cell, fitted to the same training "
               "cells and asked about the same tested ones; 95&nbsp;%% intervals by person. Always "
               "answering the most frequent class is right for %.3f.",
               e->majority_accuracy);
    page_heads(p, heads, 5);
    for (int b = 0; b < e->baseline_count; b++) {
      const evaluate_baseline *one = &e->baselines[b];
      file_printf(p->w, "<tr>");
      html_cell(p->w, heads[0], "%s", one->name);
      page_value_cell(p, heads[1], one->scores.accuracy);
      page_value_cell(p, heads[2], one->scores.balanced_accuracy);
      page_both_cell(p, heads[3], one->scores.auc, one->auc);
      page_difference_cell(p, heads[4], one->difference, one->by_subject);
      file_printf(p->w, "</tr>\n");
    }
    page_end_table(p);
  }
  return LEUKO_OK;
}

static void write_answers(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const bool half = e->threshold >= 0.5 && e->threshold <= 0.5;
  const char *heads[] = {"From p",      "Accuracy",    "Balanced accuracy",
                         "Sensitivity", "Specificity", "Weighted F1"};
  page_table(p, "short", "Answers at the %s.",
             half ? "threshold of one half" : "model&rsquo;s threshold and at one half");
  page_heads(p, heads, 6);
  for (int row = 0; row < (half ? 1 : 2); row++) {
    const stats_binary *b = row ? &e->at_half : &e->binary;
    file_printf(p->w, "<tr>");
    html_cell(p->w, heads[0], "%.3f%s", row ? 0.5 : e->threshold, row || half ? "" : " (model)");
    page_value_cell(p, heads[1], b->accuracy);
    page_value_cell(p, heads[2], b->balanced_accuracy);
    page_value_cell(p, heads[3], b->sensitivity);
    page_value_cell(p, heads[4], b->specificity);
    page_value_cell(p, heads[5], b->weighted_f1);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

static void write_predictive(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const char *positive = e->classes[e->positive], *negative = e->classes[1 - e->positive];
  char first[64], right[2][64];
  snprintf(first, sizeof first, "Share of %s", positive);
  snprintf(right[0], sizeof right[0], "Answers %s that are right", positive);
  snprintf(right[1], sizeof right[1], "Answers %s that are right", negative);
  const char *heads[] = {first, right[0], right[1]};
  page_table(p, "grid",
             "How often an answer is right depends on how many of the cells asked about are "
             "positive: by Bayes&rsquo;s rule from the sensitivity and specificity above.");
  page_heads(p, heads, 3);
  for (int i = 0; i < e->prevalence_count; i++) {
    file_printf(p->w, "<tr>");
    html_cell(p->w, first, "%.4g&nbsp;%%", 100 * e->predictive[i].prevalence);
    page_value_cell(p, right[0], e->predictive[i].positive);
    page_value_cell(p, right[1], e->predictive[i].negative);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

static void point_sentence(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  const size_t(*m)[2] = e->binary.confusion;
  char a[WORDS_NUMBER], b[WORDS_NUMBER], c[WORDS_NUMBER], d[WORDS_NUMBER];
  const char *positive = e->classes[e->positive], *negative = e->classes[1 - e->positive];
  file_printf(p->w, "<p>A cell is answered ");
  page_text(p, positive);
  file_printf(p->w, " from p = %.3f on", e->threshold);
  file_printf(p->w, ". Of %s cells of ", words_count(m[1][0] + m[1][1], a));
  page_text(p, positive);
  file_printf(p->w, " %s were missed; of %s of ", words_count(m[1][0], b),
              words_count(m[0][0] + m[0][1], c));
  page_text(p, negative);
  file_printf(p->w, " %s were taken for ", words_count(m[0][1], d));
  page_text(p, positive);
  file_printf(p->w, ".");
  if (e->fitted_here)
    file_printf(p->w, " Threshold and temperature were chosen on these very cells, so that what "
                      "depends on them flatters; the area does not depend on them.");
  file_printf(p->w, "</p>\n");
}

leuko_status page_point(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++) {
    const study_run *run = &p->s->runs[r];
    page_run_head(p, run);
    if (run->scores.class_count > 2) {
      file_printf(p->w,
                  "<p>With more than two classes the one of the highest p is answered.</p>\n");
      continue;
    }
    point_sentence(p, run);
    status = page_figure(p, run, "confusion", "", error,
                         "Answers against the true class: cells, and their share of the true "
                         "class.");
    write_answers(p, run);
    page_cross_fitted(p, run);
    write_predictive(p, run);
  }
  return status;
}

static void write_bins(page *p, const study_run *run) {
  static const char *const heads[] = {
      "Bin", "Cells", "p from", "to", "Mean p", "Share that is positive", "Difference"};
  const stats_reliability *r = &run->scores.reliability;
  page_table(
      p, "grid",
      "Calibration, bin by bin: what p promised and what was; the difference is the share less "
      "the mean p.");
  page_heads(p, heads, 7);
  for (size_t b = 0; b < r->bins; b++) {
    const stats_bin *bin = &r->bin[b];
    file_printf(p->w, "<tr>");
    html_cell(p->w, heads[0], "%zu", b + 1);
    html_cell(p->w, heads[1], "%zu", bin->n);
    page_value_cell(p, heads[2], bin->low);
    page_value_cell(p, heads[3], bin->high);
    page_value_cell(p, heads[4], bin->mean_p);
    page_value_cell(p, heads[5], bin->share);
    page_difference_cell(p, heads[6], bin->share - bin->mean_p, (stats_interval){NAN, NAN});
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

leuko_status page_calibration(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++) {
    const study_run *run = &p->s->runs[r];
    const evaluation *e = &run->scores;
    page_run_head(p, run);
    file_printf(p->w,
                "<p>On average p is off by %.3f (expected calibration error over %zu bins of "
                "equally many cells)",
                e->reliability.error, e->reliability.bins);
    if (e->temperature < 1 || e->temperature > 1)
      file_printf(p->w, "; before logits were divided by the temperature of %.3f it was %.3f",
                  e->temperature, e->raw.calibration_error);
    if (e->class_count == 2) file_printf(p->w, ". The Brier score is %.3f", e->binary.brier);
    file_printf(p->w,
                ".%s A p is calibrated for a share of positives as among these cells, not for "
                "another.</p>\n",
                e->fitted_here ? " The temperature was fitted on these very cells." : "");
    status = page_figure(p, run, "calibration", "", error,
                         "Reliability: each point is a bin of equally many cells; on the dashed "
                         "line p means what it says.");
    if (e->class_count == 2) write_bins(p, run);
  }
  return status;
}
