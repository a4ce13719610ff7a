#include "report/model_card.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/repeat.h"
#include "report/words.h"

/* A text that came from outside, on one line and without a meaning in Markdown. */
static void text(file_writer *w, const char *from) {
  for (const char *c = from; *c; c++) {
    if (strchr("\\`*_[]<>|~", *c)) file_write(w, "\\", 1);
    file_write(w, (unsigned char)*c < 0x20 ? " " : c, 1);
  }
}

static void write_use(file_writer *w) {
  file_printf(w,
              "## Intended use\n\n"
              "Research on how far a network tells leukemic blasts from healthy cells in "
              "pictures of single cells, and on how such networks should be measured.\n\n"
              "**Not for diagnosis.** leuko is not a medical device. No answer of this model may "
              "decide about a person, be it alone or beside other findings: marrow counts, "
              "immunophenotype and genetics do. It is not for screening either, nor for cells of "
              "another stain, microscope or laboratory, for pictures with several cells, or for "
              "cells that were not cut out as those that it was trained on.\n\n");
}

static void write_model(file_writer *w, const study_run *run) {
  const evaluation *e = &run->scores;
  char number[WORDS_NUMBER];
  file_printf(w, "## The model\n\n");
  if (!run->has_model) {
    file_printf(w, "The model is not in the folder.\n\n");
    return;
  }
  const model *m = &run->m;
  file_printf(w, "- %s with %s parameters; ", words_network(m->net.name),
              words_count(model_parameter_count(m), number));
  if (m->crop) file_printf(w, "the central %d pixels", m->crop);
  else file_printf(w, "the whole picture");
  file_printf(w, ", resized to %d × %d\n- Classes: ", m->net.size, m->net.size);
  for (int c = 0; c < e->class_count; c++) {
    file_printf(w, "%s", c ? ", " : "");
    text(w, e->classes[c]);
  }
  file_printf(w, "\n");
  if (run->folds > 0)
    file_printf(w,
                "- This is a cross-validation: %d models, each trained without one fold. The "
                "scores below speak of them, not of a single model.\n",
                run->folds);
  else if (e->class_count == 2) {
    file_printf(w, "- Answers ");
    text(w, e->classes[e->positive]);
    file_printf(w, " from p = %.3f on; logits are divided by a temperature of %.3f\n", e->threshold,
                e->temperature);
  }
  file_printf(w, "- Trained with leuko ");
  text(w, m->version);
  file_printf(w, "\n\n");
}

static void write_classes(file_writer *w, const study_run *run, const study_side *side) {
  char number[WORDS_NUMBER];
  file_printf(w, "%s cells", words_count(side->cells, number));
  if (side->subjects) file_printf(w, " of %zu subjects", side->subjects);
  file_printf(w, " (");
  for (int c = 0; c < run->scores.class_count; c++) {
    file_printf(w, "%s%s ", c ? ", " : "", words_count(side->classes[c], number));
    text(w, run->scores.classes[c]);
  }
  file_printf(w, ")");
}

static void write_data(file_writer *w, const study_run *run) {
  const study_flow *f = &run->flow;
  file_printf(w, "## Training data\n\n");
  if (run->set && run->set->synthetic)
    file_printf(w, "The cells are **drawn by leuko, not real**: this model is good for nothing but "
                   "to try things.\n\n");
  else if (run->set && run->set->official)
    file_printf(w,
                "By their names cells of C-NMC 2019: A. Gupta, R. Gupta, ALL Challenge dataset of "
                "ISBI 2019, The Cancer Imaging Archive, 2019, doi 10.7937/tcia.2019.dc64i46r, "
                "licence CC BY 3.0 as secondary sources state it (the archive's page decides). "
                "Cite it with whatever is made from it. Single cells of marrow smears of one "
                "laboratory, cut out on black.\n\n");
  else file_printf(w, "Where the cells come from, and their licence, is not in the files.\n\n");
  if (!f->split_known) {
    file_printf(w, "How they were divided is not known: there is no split.csv.\n\n");
    return;
  }
  if (run->folds > 0) {
    file_printf(w, "- %d folds, each cell held out once: ", run->folds);
    write_classes(w, run, &f->test);
  } else {
    file_printf(w, "- Trained on ");
    write_classes(w, run, &f->train);
    file_printf(w, "\n- Tested on ");
    write_classes(w, run, &f->test);
  }
  file_printf(w, "\n");
  if (f->subjects == 0)
    file_printf(w, "- Whose cells these are is not known: the division may leak\n");
  else if (f->both_sides)
    file_printf(w, "- **%zu of %zu subjects are %s: the scores flatter**\n", f->both_sides,
                f->subjects, run->folds > 0 ? "in several folds" : "on both sides");
  else
    file_printf(w, "- No subject is %s%s\n", run->folds > 0 ? "in two folds" : "on both sides",
                f->scanned ? "; names that share cells count as one person" : "");
  if (f->scanned)
    file_printf(w, "- %zu of %zu files could not be read, %zu have no known class\n", f->refused,
                f->files, f->unlabelled);
  file_printf(w, "\n");
}

static void write_scores(file_writer *w, const study_run *run) {
  static const int kinds[] = {STATS_AUC, STATS_BALANCED_ACCURACY, STATS_ACCURACY, STATS_SENSITIVITY,
                              STATS_SPECIFICITY};
  const evaluation *e = &run->scores;
  char number[WORDS_NUMBER], words[WORDS_INTERVAL];
  file_printf(w, "## Scores\n\nOn %s tested cells", words_count(e->n, number));
  if (e->subject_count) file_printf(w, " of %zu persons", e->group_count);
  file_printf(w, "; in brackets 95 %% intervals %s.\n\n| score | value%s |\n|---|---%s|\n",
              e->subject_count ? "for other persons of the same laboratory"
                               : "by cell, too narrow for other persons",
              run->fold_scores.cross_fitted ? " | with each fold's threshold and temperature" : "",
              run->fold_scores.cross_fitted ? "|---" : "");
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const int score = kinds[k];
    if (!isfinite(words_score(e, score))) continue;
    file_printf(w, "| %s | %s |", words_score_name(score),
                words_interval(words_score(e, score),
                               e->subject_count ? e->by_subject[score] : e->by_image[score],
                               words));
    if (run->fold_scores.cross_fitted)
      file_printf(w, " %s |",
                  words_interval(run->fold_scores.fitted.scores[score],
                                 run->fold_scores.fitted.by_subject[score], words));
    file_printf(w, "\n");
  }
  file_printf(w, "\nAlways answering ");
  text(w, e->classes[e->majority]);
  file_printf(w, " would be right for %.3f of the cells.", e->majority_accuracy);
  for (int b = 0; b < e->baseline_count; b++) {
    const evaluate_baseline *one = &e->baselines[b];
    file_printf(w, " A logistic regression on %s reaches an area of %.3f; the model is %s.",
                one->name, one->scores.auc,
                one->beaten           ? "better"
                : one->difference > 0 ? "not shown to be better"
                                      : "not better");
  }
  file_printf(w, "\n\n## Calibration\n\nThe expected calibration error is %.3f over %zu bins",
              e->reliability.error, e->reliability.bins);
  if (run->fold_scores.cross_fitted)
    file_printf(w, ", %.3f with each fold's temperature",
                run->fold_scores.fitted.calibration_error);
  file_printf(w, ". p holds for a share of the classes as among the tested cells%s.\n\n",
              e->fitted_here ? ", on which the temperature was fitted, so that this flatters" : "");
}

static void write_persons(file_writer *w, const study_run *run) {
  const evaluation *e = &run->scores;
  char words[WORDS_INTERVAL];
  file_printf(w, "## Person by person\n\n");
  if (e->subject_count == 0) {
    file_printf(w, "No cell names its subject: nothing can be said about persons.\n\n");
    return;
  }
  const evaluate_subject *all = e->subjects;
  const size_t n = e->subject_count;
  file_printf(
      w,
      "From subject to subject, the share of cells answered right runs from %.2f to %.2f; a "
      "quarter of them reaches %.2f at most, half %.2f at most, a quarter %.2f or more. A new "
      "person "
      "may lie anywhere in that range.\n\n",
      all[0].accuracy, all[n - 1].accuracy, all[(n - 1) / 4].accuracy, all[(n - 1) / 2].accuracy,
      all[3 * (n - 1) / 4].accuracy);
  if (e->person_count > 0)
    file_printf(
        w,
        "Told apart by the share of their cells answered positive, %zu persons (%zu of them "
        "with a positive cell) give an area of %s; %zu would be missed and %zu taken for "
        "positive, an error of %.3f (exact 95 %% interval %.3f to %.3f). These are few "
        "persons.\n\n",
        e->person_count, e->person_positives,
        words_interval(e->by_share.auc, e->by_share.auc_interval, words), e->by_share.missed,
        e->by_share.alarmed, e->by_share.error, e->by_share.error_interval.low,
        e->by_share.error_interval.high);
  file_printf(w, "Those answered worst:\n\n| subject | cells | answered right |\n|---|---|---|\n");
  for (size_t i = 0; i < n && i < 10; i++) {
    file_printf(w, "| ");
    text(w, all[i].subject);
    file_printf(w, " | %zu | %.2f |\n", all[i].n, all[i].accuracy);
  }
  file_printf(w, "\n");
}

/* Of each corruption the strength that does most harm. */
static void write_stress(file_writer *w, const stress *s) {
  file_printf(w,
              "%zu cells%s. Of each corruption the strength at which most "
              "cells get another class than before and are answered all the same, in per cent of "
              "the cells:\n\n| corruption | amount | another class, answered | rejected |\n"
              "|---|---|---|---|\n",
              s->clean.n,
              s->seen == STRESS_HELD_OUT     ? ", none of whose persons the model was trained on"
              : s->seen == STRESS_TRAINED_ON ? " that the model was trained on, or whose persons"
                                             : "");
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    int worst = 0;
    for (int step = 1; step < IMAGE_CORRUPT_STEPS; step++)
      if (s->corrupted[k][step].silent > s->corrupted[k][worst].silent) worst = step;
    const stress_count *count = &s->corrupted[k][worst];
    if (count->n == 0) continue;
    file_printf(w, "| %s | ", kind->name);
    if (kind->unit[0]) file_printf(w, "%g %s", kind->amounts[worst], kind->unit);
    file_printf(w, " | %.1f | %.1f |\n", 100 * (double)count->silent / (double)count->n,
                100 * (double)count->rejected / (double)count->n);
  }
  file_printf(w, "\nAs they are, %.1f %% of them are rejected.\n\n",
              100 * (double)s->clean.rejected / (double)s->clean.n);
}

static void write_limits(file_writer *w, const study_run *run) {
  file_printf(w, "## Limits\n\n"
                 "- One laboratory, one stain, one way of cutting cells out. No other place was "
                 "tested.\n"
                 "- Classes are taken as they were given with the files.\n"
                 "- Age, sex and origin of the persons are not known here: whether the model is "
                 "worse for some of them cannot be seen.\n");
  if (!study_keeps_last(run) && (run->folds > 0 || (run->has_history && run->curves.validated)))
    file_printf(w,
                "- The epoch that is kept was chosen by its loss on the tested cells: the scores "
                "flatter a little.\n");
  if (run->scores.fitted_here)
    file_printf(w, "- Threshold and temperature were chosen on the tested cells: what depends on "
                   "them flatters.\n");
  if (run->has_model && run->m.rejection.cells > 0)
    file_printf(
        w,
        "- Pictures unlike the %zu cells that this was fitted to are rejected with a reason "
        "instead of answered; %.1f %% of the validation cells are kept. What is rejected is "
        "not shown to be harmless, and what is not rejected need not be a cell.\n\n",
        run->m.rejection.cells, 100 * run->m.rejection.kept);
  else
    file_printf(w, "- The model answers for every picture that can be read, also for what is no "
                   "cell.\n\n");
}

static void hash_row(file_writer *w, const char *name, const char *hex) {
  if (hex && hex[0]) file_printf(w, "| %s | `%s` |\n", name, hex);
}

static void write_provenance(file_writer *w, const study_run *run) {
  char command[2048];
  file_printf(w, "## Provenance\n\n| what | SHA-256 |\n|---|---|\n");
  if (run->folds == 0) {
    hash_row(w, "model file", run->weights);
    hash_row(w, "training data (path, hash, class and side of every cell)",
             run->has_model ? run->m.data : NULL);
  }
  for (int f = 0; f < run->folds; f++) {
    char name[32];
    snprintf(name, sizeof name, "model file, fold %d", f + 1);
    hash_row(w, name, run->each[f].weights);
  }
  hash_row(w, "tested cells", run->scores.fingerprint);
  hash_row(w, "ImageNet weights", json_string_value(study_option(run, "weights")));
  if (repeat_command(run, command, sizeof command))
    file_printf(w, "\nTo train it again:\n\n    %s\n", command);
  file_printf(w, "\n");
}

leuko_status model_card_write(const study *s, const char *path, leuko_error *error) {
  file_writer w;
  leuko_status status = file_writer_open(&w, path, error);
  if (status != LEUKO_OK) return status;
  for (size_t r = 0; r < s->count; r++) {
    const study_run *run = &s->runs[r];
    file_printf(&w, "# Model card: ");
    text(&w, run->name);
    file_printf(&w, "\n\n");
    write_model(&w, run);
    write_use(&w);
    write_data(&w, run);
    write_scores(&w, run);
    write_persons(&w, run);
    if (run->stressed) {
      file_printf(&w, "## Corrupted cells\n\n");
      write_stress(&w, run->stressed);
    }
    write_limits(&w, run);
    write_provenance(&w, run);
  }
  for (size_t i = 0; i < s->other_count; i++) {
    char names[1024];
    study_members(s, s->others[i].found, names, sizeof names);
    file_printf(&w, "# Corrupted cells: ");
    text(&w, names);
    file_printf(&w, "%s\n\n", s->others[i].found->members > 1 ? ", as one" : "");
    write_stress(&w, s->others[i].found);
  }
  file_printf(&w, "Written by leuko %s; equal files give an equal card.\n", leuko_version());
  return file_writer_commit(&w, error);
}
