/* What `leuko stress` has found of a run: corrupted cells, and pictures that are no cells. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "report/html.h"
#include "report/page.h"
#include "report/words.h"
#include "stats/proportion.h"

/* The balanced accuracy of fewer answered cells of a class is not told. */
#define FEWEST 10

static void write_missing(page *p, const study_run *run) {
  if (run->stress_remark[0]) {
    file_printf(p->w, "<p>Not shown: ");
    page_text(p, run->stress_remark);
    file_printf(p->w, ".");
  } else {
    file_printf(p->w, "<p>Not measured%s.", p->s->other_count > 0 ? " of it alone" : "");
  }
  file_printf(p->w, " <code>leuko stress ");
  page_text(p, run->folder);
  file_printf(p->w, " DIR</code> shows the model the cells of DIR under corruptions of growing "
                    "strength, and pictures that are no cells; this page, written again, has what "
                    "it finds.</p>\n");
}

/* The corruption under which most cells were answered with another class than before. */
static const stress_count *find_worst(const stress *s, int *which, double *amount) {
  const stress_count *worst = NULL;
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++)
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++) {
      const stress_count *count = &s->corrupted[k][step];
      if (count->n == 0 || (worst && count->silent <= worst->silent)) continue;
      worst = count;
      *which = k;
      *amount = image_corruption_of((image_corruption)k)->amounts[step];
    }
  return worst;
}

/* Who answered, and whether they knew the cells. */
static void write_models(page *p, const stress *s) {
  const bool several = s->members > 1;
  if (several) {
    char names[1024];
    study_members(p->s, s, names, sizeof names);
    file_printf(p->w, ". The models of ");
    page_text(p, names);
    file_printf(p->w, " answered as one, by the mean of their logits");
  }
  if (s->seen == STRESS_HELD_OUT && s->model_count > 1)
    file_printf(p->w, ", each cell by %s of the fold that had held it out",
                several ? "those" : "the model");
  else if (s->seen == STRESS_HELD_OUT)
    file_printf(p->w, "; %s not trained on them or on their persons",
                several ? "they were" : "the model was");
}

static void write_sentence(page *p, const stress *s) {
  char number[WORDS_NUMBER];
  file_printf(p->w, "<p>%s cells", words_count(s->clean.n, number));
  if (s->persons) file_printf(p->w, " of %zu persons", s->persons);
  file_printf(p->w,
              " were shown as they are and under %d corruptions, most of them at %d strengths",
              IMAGE_CORRUPTIONS, IMAGE_CORRUPT_STEPS);
  write_models(p, s);
  file_printf(p->w, ". As they are, %.1f&nbsp;%% of them were rejected",
              stress_percent(s->clean.rejected, s->clean.n));
  const double balanced = stress_balanced_accuracy(&s->clean);
  if (isfinite(balanced))
    file_printf(p->w, " and the others answered with a balanced accuracy of %.3f", balanced);
  file_printf(p->w, ".");
  if (s->seen == STRESS_TRAINED_ON)
    file_printf(p->w, " <b>The model was trained on these cells or their persons:</b> those of "
                      "other persons are answered worse, also where nothing has happened to them.");
  if (s->seen == STRESS_UNKNOWN)
    file_printf(p->w, " Whether the model was trained on them is not known.");
  int which;
  double amount;
  const stress_count *worst = find_worst(s, &which, &amount);
  if (worst && worst->silent > 0) {
    const image_corruption_kind *kind = image_corruption_of((image_corruption)which);
    const stats_interval i = stats_proportion_interval(worst->silent, worst->n);
    file_printf(p->w,
                " A corruption does harm where the class changes and the cell is answered all the "
                "same. The worst was &lsquo;%s&rsquo; (%g %s): %.1f&nbsp;%% of the cells (%.1f to "
                "%.1f&nbsp;%%, if cells were independent)",
                kind->name, amount, kind->unit, stress_percent(worst->silent, worst->n),
                100 * i.low, 100 * i.high);
    file_printf(p->w, ".");
  }
  file_printf(p->w, "</p>\n");
}

static void share_cell(page *p, const char *label, size_t part, size_t n) {
  html_cell(p->w, label, "%.1f", stress_percent(part, n));
}

static size_t answered(const stress_count *count, int truth) {
  return count->kept[truth][0] + count->kept[truth][1];
}

static void write_count(page *p, const char *const *heads, const char *amount,
                        const stress_count *count) {
  const bool enough = answered(count, 0) >= FEWEST && answered(count, 1) >= FEWEST;
  file_printf(p->w, "<tr>");
  html_cell(p->w, heads[0], "%s", amount);
  share_cell(p, heads[1], count->positive, count->n);
  share_cell(p, heads[2], count->changed, count->n);
  share_cell(p, heads[3], count->silent, count->n);
  share_cell(p, heads[4], count->rejected, count->n);
  page_value_cell(p, heads[5], enough ? stress_balanced_accuracy(count) : NAN);
  file_printf(p->w, "</tr>\n");
}

static void write_corruptions(page *p, const stress *s) {
  char positive[64], amount[32];
  snprintf(positive, sizeof positive, "Answered %.40s", s->classes[s->positive]);
  const char *heads[] = {"Amount", positive, "Changed", "Silent", "Rejected", "Balanced acc."};
  const stats_interval fifth = stats_proportion_interval(s->clean.n / 5, s->clean.n);
  page_table(
      p, "grid long",
      "Corrupted cells, in per cent of all of them: answered with the positive class, with "
      "another class than the same cell as it was (rejected or not), the same and answered "
      "(silent), rejected; balanced accuracy of what is answered, where at least %d cells of "
      "either class are. Were cells independent, 20.0 would have a 95&nbsp;%% interval from %.1f "
      "to %.1f; cells of a person are alike, so that it is wider.",
      FEWEST, 100 * fifth.low, 100 * fifth.high);
  page_heads(p, heads, 6);
  write_count(p, heads, "as they are", &s->clean);
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    const bool steps = kind->amounts[1] > 0;
    if (steps)
      file_printf(p->w, "<tr class=\"head\"><td colspan=\"6\">%s, %s</td></tr>\n", kind->name,
                  kind->unit);
    for (int step = 0; step < IMAGE_CORRUPT_STEPS && kind->amounts[step] > 0; step++) {
      number_print(amount, sizeof amount, "%g", kind->amounts[step]);
      write_count(p, heads, steps ? amount : kind->name, &s->corrupted[k][step]);
    }
  }
  page_end_table(p);
}

static void write_foreign(page *p, const stress *s) {
  char positive[64], reasons[160], number[WORDS_NUMBER];
  snprintf(positive, sizeof positive, "Answered %.40s", s->classes[s->positive]);
  const char *heads[] = {"Pictures", "Number", positive, "Rejected", "Reasons"};
  page_table(p, "grid",
             "Pictures that are no cells of this kind, in per cent of each group; of the reasons "
             "the three most frequent. Drawn ones come from leuko, files were given with "
             "<code>--foreign</code>.");
  page_heads(p, heads, 5);
  for (int g = 0; g < STRESS_GROUPS; g++) {
    const stress_count *count = &s->foreign[g];
    if (count->n == 0) continue;
    stress_reasons(count, reasons, sizeof reasons);
    file_printf(p->w, "<tr>");
    page_text_cell(p, heads[0], stress_group_name(g));
    html_cell(p->w, heads[1], "%s", words_count(count->n, number));
    share_cell(p, heads[2], count->positive, count->n);
    share_cell(p, heads[3], count->rejected, count->n);
    page_text_cell(p, heads[4], reasons);
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

static void score_cells(page *p, const stress *s, const double *values, size_t step,
                        const char *format, double unit) {
  for (int k = 0; k < STRESS_SCORES; k++) {
    if (!s->scored[k]) continue;
    const double value = values[(size_t)k * step];
    if (isfinite(value)) html_cell(p->w, stress_score_name((stress_score)k), format, unit * value);
    else html_cell(p->w, stress_score_name((stress_score)k), "&ndash;");
  }
  file_printf(p->w, "</tr>\n");
}

static void write_scores(page *p, const stress *s) {
  const char *heads[1 + STRESS_SCORES] = {"By one score alone"};
  size_t count = 1;
  for (int k = 0; k < STRESS_SCORES; k++)
    if (s->scored[k]) heads[count++] = stress_score_name((stress_score)k);
  page_table(p, "grid",
             "What three scores would reject by themselves: area under the ROC curve of the cells "
             "as they are against all these pictures, and per cent rejected by the threshold that "
             "keeps 95&nbsp;%% of the cells. The model rejects by measures of the picture and the "
             "distance together.%s",
             s->model_count > 1 ? " Areas are means over the folds&rsquo; models, whose thresholds "
                                  "are their own."
                                : "");
  page_heads(p, heads, count);
  file_printf(p->w, "<tr>");
  page_text_cell(p, heads[0], "area under the curve");
  score_cells(p, s, s->auc, 1, "%.3f", 1);
  file_printf(p->w, "<tr>");
  page_text_cell(p, heads[0], "all pictures");
  score_cells(p, s, s->share_all, 1, "%.1f", 100);
  for (int g = 0; g < STRESS_GROUPS; g++) {
    if (s->foreign[g].n == 0) continue;
    file_printf(p->w, "<tr>");
    page_text_cell(p, heads[0], stress_group_name(g));
    score_cells(p, s, &s->share[0][g], STRESS_GROUPS, "%.1f", 100);
  }
  page_end_table(p);
}

/* `figure` is the name of its figure below the page's. */
static leuko_status write_all(page *p, const stress *s, const char *figure, leuko_error *error) {
  size_t foreign = 0;
  for (int g = 0; g < STRESS_GROUPS; g++) foreign += s->foreign[g].n;
  write_sentence(p, s);
  leuko_status status =
      page_figure(p, NULL, figure, "full", error,
                  "Shares of the cells by the amount of each corruption; its first point is the "
                  "cells as they are. Orange is what does harm: another class than before, and "
                  "answered all the same.");
  write_corruptions(p, s);
  if (foreign == 0) {
    file_printf(p->w, "<p>No pictures that are no cells were shown.</p>\n");
    return status;
  }
  write_foreign(p, s);
  write_scores(p, s);
  return status;
}

static void write_head(page *p, const char *text) {
  file_printf(p->w, "<h3>");
  page_text(p, text);
  file_printf(p->w, "</h3>\n");
}

static void write_other_head(page *p, const study_stress *other) {
  char text[1024];
  study_members(p->s, other->found, text, sizeof text - 9);
  if (other->found->members > 1) strcat(text, ", as one");
  write_head(p, text);
  file_printf(p->w, "<p>From <code>");
  page_text(p, other->folder);
  file_printf(p->w, "</code>.</p>\n");
}

leuko_status page_stress(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  char figure[128];
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++) {
    const study_run *run = &p->s->runs[r];
    if (p->s->other_count > 0) write_head(p, run->name);
    else page_run_head(p, run);
    if (!run->stressed) {
      write_missing(p, run);
      continue;
    }
    snprintf(figure, sizeof figure, "%s/stress", run->name);
    status = write_all(p, run->stressed, figure, error);
  }
  for (size_t i = 0; i < p->s->other_count && status == LEUKO_OK; i++) {
    const study_stress *other = &p->s->others[i];
    write_other_head(p, other);
    snprintf(figure, sizeof figure, "%s/stress", other->name);
    status = write_all(p, other->found, figure, error);
  }
  return status;
}
