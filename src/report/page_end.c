/* Limits in plain words, and where everything comes from. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "report/html.h"
#include "report/page.h"
#include "report/repeat.h"
#include "report/words.h"

static void item(page *p, const char *text) {
  file_printf(p->w, "<li>%s</li>\n", text);
}

static void write_limits(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  if (e->subject_count)
    file_printf(
        p->w,
        "<li>%zu persons were tested. The intervals say how far the scores may lie for other "
        "persons <i>of the same laboratory</i>; they say nothing about another stain, "
        "microscope, camera or way of cutting cells out.</li>\n",
        e->group_count);
  else
    item(p,
         "Whose cells these are is not known: the intervals are by cell and too narrow for other "
         "persons.");
  if (run->flow.both_sides)
    item(p, "<b>Subjects are on both sides of the split: the scores do not hold for other "
            "persons.</b>");
  if (run->folds > 0 && !study_keeps_last(run))
    item(p,
         "The epoch that is kept of each fold was chosen by its loss on the fold that is tested: "
         "the scores flatter a little. With <code>--keep last</code> nothing is chosen.");
  if (run->folds > 0)
    item(p,
         "The scores are those of as many models as there are folds, each trained on fewer cells "
         "than there are; they speak of the way to train, and of one model only as far as it "
         "resembles the others.");
  if (run->has_history && run->curves.validated && !study_keeps_last(run))
    item(p,
         "The epoch that is kept was chosen by its loss on the tested cells: the scores flatter a "
         "little. A cross-validation, or persons who took no part, would not.");
  if (e->fitted_here)
    item(p, "Threshold and temperature were chosen on the tested cells: accuracy, sensitivity, "
            "specificity and calibration flatter.");
  bool beaten = true;
  for (int b = 0; b < e->baseline_count; b++) beaten &= e->baselines[b].beaten;
  if (!beaten)
    item(p, "It is not shown that the network sees more than simple measures of the cell do.");
}

leuko_status page_limits(page *p, leuko_error *error) {
  (void)error;
  for (size_t r = 0; r < p->s->count; r++) {
    page_run_head(p, &p->s->runs[r]);
    file_printf(p->w, "<ul>\n");
    write_limits(p, &p->s->runs[r]);
    file_printf(p->w, "</ul>\n");
  }
  if (p->s->count > 1) file_printf(p->w, "<h3>All of them</h3>\n");
  file_printf(p->w, "<ul>\n");
  item(p, "The classes are taken as they were given; a wrong label counts as a wrong answer.");
  item(p, "What is asked is whether one cell that was cut out is a blast, not whether a person is "
          "ill. Marrow counts, immunophenotype and genetics decide that.");
  item(p,
       "The shares of the classes are those of the data set, and p is calibrated for them. Where "
       "blasts are rarer, more of the positive answers are wrong.");
  item(p, "Age, sex and origin of the persons are not known here: whether the model is worse for "
          "some of them cannot be seen.");
  item(p, "No test at another place was made for this report.");
  file_printf(p->w,
              "</ul>\n<p><b>Research use only.</b> leuko is not a medical device; no answer of "
              "it may decide about a person.</p>\n");
  return LEUKO_OK;
}

/* A fact about every run: a row, a cell for each. */
typedef struct {
  const char *name;
  void (*write)(page *p, const study_run *run);
} fact;

static void code(page *p, const char *text) {
  file_printf(p->w, "<code>");
  page_text(p, text && text[0] ? text : "–");
  file_printf(p->w, "</code>");
}

static void write_folder(page *p, const study_run *run) {
  code(p, run->folder);
}

static void write_version(page *p, const study_run *run) {
  file_printf(p->w, "leuko ");
  const char *version = json_string_value(json_object_get(run->description, "leuko"));
  page_text(p, version ? version : run->has_model ? run->m.version : "(not known)");
}

static void write_weights(page *p, const study_run *run) {
  if (run->folds == 0) code(p, run->weights);
  for (int f = 0; f < run->folds; f++) {
    file_printf(p->w, "%sfold %d: ", f ? "<br>" : "", f + 1);
    code(p, run->each[f].weights);
  }
}

static void write_data(page *p, const study_run *run) {
  if (run->folds > 0) {
    file_printf(p->w, "each fold&rsquo;s model holds its own");
    return;
  }
  code(p, run->has_model ? run->m.data : json_string_value(study_option(run, "data")));
}

static void write_tested(page *p, const study_run *run) {
  code(p, run->scores.fingerprint);
}

static void write_split(page *p, const study_run *run) {
  char path[1024], hex[HASH_HEX] = "";
  if (file_join(path, sizeof path, run->folder, run->folds > 0 ? "folds.csv" : "split.csv", NULL) ==
          LEUKO_OK &&
      file_exists(path) && hash_file(path, hex, NULL) != LEUKO_OK)
    hex[0] = 0;
  code(p, hex);
}

static void write_pretrained(page *p, const study_run *run) {
  code(p, json_string_value(study_option(run, "weights")));
}

static void write_answers(page *p, const study_run *run) {
  if (run->computed) file_printf(p->w, "made for this report, in %s", run->precision);
  else file_printf(p->w, "read from predictions.csv");
}

static void write_machine(page *p, const study_run *run) {
  const char *processor =
      json_string_value(json_object_get(json_object_get(run->description, "machine"), "processor"));
  page_text(p, processor ? processor : "not known");
}

static void write_repeat(page *p, const study_run *run) {
  char command[2048];
  if (repeat_command(run, command, sizeof command)) page_command(p, command);
  else file_printf(p->w, "not known: there is no run.json");
}

leuko_status page_provenance(page *p, leuko_error *error) {
  (void)error;
  static const fact facts[] = {{"Run folder", write_folder},
                               {"Trained with", write_version},
                               {"On", write_machine},
                               {"Training data (SHA-256)", write_data},
                               {"Split file (SHA-256)", write_split},
                               {"Tested cells (SHA-256)", write_tested},
                               {"ImageNet weights (SHA-256)", write_pretrained},
                               {"Model file (SHA-256)", write_weights},
                               {"Answers", write_answers},
                               {"To train it again", write_repeat}};
  for (size_t r = 0; r < p->s->count; r++) {
    const study_run *run = &p->s->runs[r];
    page_run_head(p, run);
    page_table(p, "words",
               "Where the figures come from. Training data: over path, hash, class and "
               "side of every cell; tested cells: over the hashes of their files.");
    static const char *const heads[] = {"What", "Value"};
    page_heads(p, heads, 2);
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++) {
      file_printf(p->w, "<tr>");
      page_text_cell(p, "What", facts[k].name);
      file_printf(p->w, "<td data-label=\"Value\"><span class=\"free\">");
      facts[k].write(p, run);
      file_printf(p->w, "</span></td></tr>\n");
    }
    page_end_table(p);
  }
  file_printf(p->w, "<p>This page was written by leuko %s with ", leuko_version());
  page_command(p, p->command);
  file_printf(p->w, ". Equal files give an equal page.</p>\n");
  return LEUKO_OK;
}
