/* The study's set-up, item by item, and the flow of its cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"
#include "report/words.h"

/* A row: what is asked, the answer's beginning, where the guidelines ask it. */
static void begin_row(page *p, const char *item) {
  file_printf(p->w, "<tr>");
  page_text_cell(p, "Item", item);
  file_printf(p->w, "<td data-label=\"Here\"><span class=\"free\">");
}

static void end_row(page *p, const char *claim, const char *tripod) {
  file_printf(p->w, "</span></td>");
  html_cell(p->w, "CLAIM", "%s", claim);
  html_cell(p->w, "TRIPOD+AI", "%s", tripod);
  file_printf(p->w, "</tr>\n");
}

static void plain_row(page *p, const char *item, const char *text, const char *claim,
                      const char *tripod) {
  begin_row(p, item);
  page_text(p, text);
  end_row(p, claim, tripod);
}

/* "<b>RUN</b>: " where runs have to be told apart. */
static void name_run(page *p, const study_run *run, size_t index) {
  if (p->s->count < 2) return;
  file_printf(p->w, "%s<b>", index ? "<br>" : "");
  page_text(p, run->name);
  file_printf(p->w, ":</b> ");
}

/* What is written of a run, freed by the caller; NULL without memory. */
static char *text_of(page *p, const study_run *run, void (*write)(page *p, const study_run *run)) {
  char *text = NULL;
  size_t size;
  file_writer memory = {.stream = open_memstream(&text, &size)};
  if (!memory.stream) return NULL;
  page within = *p;
  within.w = &memory;
  write(&within, run);
  fclose(memory.stream);
  return text;
}

/* A row that tells something of each run; once, where it is the same of all. */
static void run_row(page *p, const char *item, void (*write)(page *p, const study_run *run),
                    const char *claim, const char *tripod) {
  char *texts[STUDY_RUNS] = {0};
  bool same = true;
  for (size_t r = 0; r < p->s->count; r++) {
    texts[r] = text_of(p, &p->s->runs[r], write);
    same &= texts[r] && texts[0] && strcmp(texts[r], texts[0]) == 0;
  }
  begin_row(p, item);
  for (size_t r = 0; r < (same ? 1 : p->s->count); r++) {
    if (!same) name_run(p, &p->s->runs[r], r);
    file_printf(p->w, "%s", texts[r] ? texts[r] : "?");
  }
  end_row(p, claim, tripod);
  for (size_t r = 0; r < p->s->count; r++) free(texts[r]);
}

static bool is_true(const study_run *run, const char *key) {
  return json_is_true(study_option(run, key));
}

static double number_of(const study_run *run, const char *key) {
  json_t *value = study_option(run, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static void write_source(page *p, const study_run *run) {
  if (run->set && run->set->synthetic) {
    file_printf(p->w, "drawn by leuko; nothing about them is real");
  } else if (run->set && run->set->official) {
    file_printf(p->w, "by their names cells of C-NMC 2019 (A. Gupta, R. Gupta, The Cancer "
                      "Imaging Archive, 2019, "
                      "doi 10.7937/tcia.2019.dc64i46r): single cells of marrow smears, cut out "
                      "on black, of one laboratory");
  } else {
    file_printf(p->w, "to be stated by the authors: it is not in the files");
  }
}

static void write_preparation(page *p, const study_run *run) {
  if (!run->has_model) {
    file_printf(p->w, "not known: the model is not in the folder");
    return;
  }
  const model *m = &run->m;
  if (m->crop) file_printf(p->w, "the central %d pixels, ", m->crop);
  else file_printf(p->w, "the whole picture, ");
  file_printf(p->w, "resized to %d &times; %d (bilinear); ", m->net.size, m->net.size);
  json_t *preprocess = study_option(run, "preprocess");
  if (json_is_string(preprocess) && strcmp(json_string_value(preprocess), "weights") == 0)
    file_printf(p->w, "values as the ImageNet weights want them");
  else file_printf(p->w, "values divided by 255");
  const char *method = json_string_value(study_option(run, "stain"));
  if (method) file_printf(p->w, "; brought to one stain (%s)", method);
}

static void write_partition(page *p, const study_run *run) {
  if (!run->flow.split_known) {
    file_printf(p->w, "not known: there is no split.csv");
    return;
  }
  if (run->folds > 0) file_printf(p->w, "%d folds, each tested once; ", run->folds);
  json_t *by = json_object_get(study_option(run, "split"), "by");
  if (json_is_string(by) && strcmp(json_string_value(by), "csv") != 0)
    file_printf(p->w, "by %s; ", json_string_value(by));
  else file_printf(p->w, "as a file says; ");
  if (run->flow.subjects == 0) file_printf(p->w, "subjects are not known, so that it may leak");
  else if (run->flow.both_sides)
    file_printf(p->w, "<b>%zu of %zu subjects are %s</b>", run->flow.both_sides, run->flow.subjects,
                run->folds > 0 ? "in several folds" : "on both sides");
  else
    file_printf(p->w, "none of the %zu subjects is %s%s", run->flow.subjects,
                run->folds > 0 ? "in two folds" : "on both sides",
                run->flow.scanned ? ", names that share identical cells taken as one" : "");
}

static void write_model(page *p, const study_run *run) {
  if (!run->has_model) {
    file_printf(p->w, "not known: the model is not in the folder");
    return;
  }
  char number[WORDS_NUMBER];
  const zoo_options *net = &run->m.net;
  page_text(p, words_network(net->name));
  file_printf(p->w, ", %s parameters", words_count(model_parameter_count(&run->m), number));
  if (strcmp(net->name, "cnn") == 0) {
    file_printf(p->w, ": convolutions of ");
    for (int b = 0; b < net->blocks; b++) file_printf(p->w, "%s%d", b ? ", " : "", net->widths[b]);
    file_printf(p->w, " filters and a dense layer of %d, all trained from random values",
                net->dense);
  } else {
    json_t *learns = study_option(run, "fine_tune");
    const char *what = json_is_string(learns) ? json_string_value(learns) : "none";
    if (net->stages < ZOO_STAGES) file_printf(p->w, ", up to stage %d", net->stages);
    if (net->dense) file_printf(p->w, ", and a dense layer of %d", net->dense);
    if (net->normalize) file_printf(p->w, " behind batch normalization");
    file_printf(p->w, "; trained on ImageNet, here %s",
                strcmp(what, "all") == 0    ? "all layers learnt on"
                : strcmp(what, "last") == 0 ? "the head and the last stage learnt"
                                            : "only the head learnt");
  }
  file_printf(p->w, "; p of ");
  page_text(p, run->scores.class_count == 2 ? run->scores.classes[run->scores.positive]
                                            : "each class");
  file_printf(p->w, " comes out");
}

static void write_training(page *p, const study_run *run) {
  if (!run->description) {
    file_printf(p->w, "not known: there is no run.json");
    return;
  }
  file_printf(p->w, "Adam, rate %g, %.0f cells a step, %lld epochs, seed %.0f; %s; %s",
              number_of(run, "lr"), number_of(run, "batch"),
              (long long)json_integer_value(json_object_get(run->description, "epochs")),
              number_of(run, "seed"),
              is_true(run, "augment") ? "turned and mirrored at random" : "no augmentation",
              is_true(run, "class_weights") ? "classes weighted to count alike"
                                            : "classes weighted as they are");
  if (study_option(run, "cosine_epochs")) file_printf(p->w, "; the rate falls to 0");
  if (study_option(run, "average")) file_printf(p->w, "; a running average of the weights is kept");
  if (study_option(run, "precision")) file_printf(p->w, "; activations and gradients in bfloat16");
  if (study_option(run, "jitter"))
    file_printf(p->w, "; stain and light changed at random (%g)", number_of(run, "jitter"));
  const size_t teachers = json_array_size(json_object_get(study_option(run, "teacher"), "models"));
  if (teachers > 0)
    file_printf(
        p->w,
        "; the target of a training cell is the mean of its label and of p that %zu trained "
        "network%s %s it%s (Hinton, Vinyals and Dean, 2015)",
        teachers, teachers > 1 ? "s" : "", teachers > 1 ? "give" : "gives",
        run->folds > 0 ? ", in each fold others, which had not seen its persons either" : "");
}

static void write_selection(page *p, const study_run *run) {
  if (study_keeps_last(run))
    file_printf(p->w, "that of the last epoch, of %lld: none was chosen",
                (long long)json_integer_value(json_object_get(run->description, "epochs")));
  else if (run->folds > 0)
    file_printf(p->w, "in each fold the epoch of the lowest loss on the fold that is tested: this "
                      "flatters a little");
  else if (run->has_history && run->curves.validated)
    file_printf(p->w,
                "epoch %.0f of %zu, that of the lowest loss on the tested cells themselves: this "
                "flatters a little",
                run->curves.epoch[run->curves.lowest_loss], run->curves.epochs);
  else file_printf(p->w, "not known: there is no history.csv with validation");
}

static void write_threshold(page *p, const study_run *run) {
  const evaluation *e = &run->scores;
  if (e->class_count > 2) {
    file_printf(p->w, "the class of the highest p");
    return;
  }
  page_text(p, e->classes[e->positive]);
  file_printf(p->w, " from p = %.3f on", e->threshold);
  if (run->folds > 0) {
    file_printf(p->w, ", not chosen on any cells; beside it, each fold with a threshold and a "
                      "temperature that the other folds&rsquo; held-out answers gave");
    return;
  }
  json_t *how = run->has_model ? json_object_get(run->m.operating_point, "chosen") : NULL;
  if (json_is_string(how))
    file_printf(p->w, " (%s), logits divided by a temperature of %.3f; chosen on %s",
                strcmp(json_string_value(how), "youden") == 0 ? "highest sensitivity + specificity"
                                                              : "for a wanted sensitivity",
                e->temperature,
                e->fitted_here ? "these very cells, which flatters" : "other cells");
  else file_printf(p->w, ", not chosen on any cells");
}

static void write_items(page *p) {
  static const char *const heads[] = {"Item", "Here", "CLAIM", "TRIPOD+AI"};
  page_table(p, "words",
             "The study&rsquo;s set-up, by those items of CLAIM (Mongan, Moy and Kahn, 2020, 42 "
             "items) and TRIPOD+AI (Collins et al., 2024, 27 items) that apply, in leuko&rsquo;s "
             "words; the numbers are the items&rsquo;.");
  page_heads(p, heads, 4);
  const evaluation *e = &p->s->runs[0].scores;
  begin_row(p, "Question");
  file_printf(p->w, "can a network tell ");
  if (e->class_count == 2) {
    page_text(p, e->classes[e->positive]);
    file_printf(p->w, " from ");
    page_text(p, e->classes[1 - e->positive]);
  } else {
    file_printf(p->w, "%d kinds of cells", e->class_count);
  }
  file_printf(p->w, " in pictures of single cells, of persons whom it has not seen?");
  end_row(p, "3, 4, 6", "3a, 4");
  plain_row(
      p, "Design",
      p->s->runs[0].folds > 0
          ? "retrospective: a cross-validation; every cell is tested once, by a model developed "
            "on the other folds, of the same source (internal test); whether persons were kept "
            "apart stands under Division; no test at another place"
          : "retrospective: a model is developed on a part of the cells and tested on the rest, of "
            "the same source (internal test); whether persons were kept apart stands under "
            "Division; no test at another place",
      "5, 32", "4, 12a");
  run_row(p, "Source of the cells", write_source, "7", "5a, 6a");
  plain_row(p, "Cells taken",
            "every image file in the folder that can be read and whose class is known, by folder "
            "or file name",
            "8, 10, 33", "6b, 20a");
  plain_row(p, "What counts as true",
            "the class given with each file, taken as it is: how it was found, by whom, and how "
            "far observers agree is not in the files",
            "14–18", "8a–8c");
  plain_row(p, "What the network sees", "the pixels, nothing else: no age, sex, counts or history",
            "11", "9a, 9b");
  run_row(p, "Preparation", write_preparation, "9", "7, 12b");
  plain_row(p, "Missing data",
            "files that cannot be read are left out and counted; nothing is filled "
            "in",
            "13", "11");
  plain_row(p, "Size",
            "all there is; it was not planned. What limits precision is the number of "
            "persons, not of cells",
            "19", "10");
  run_row(p, "Division", write_partition, "20, 21", "12a, 16");
  run_row(p, "Network", write_model, "22, 24", "12c, 15, 22");
  run_row(p, "Training", write_training, "25", "12c, 13");
  run_row(p, "Choice of the model", write_selection, "26", "12c");
  run_row(p, "From p to an answer", write_threshold, "22", "12g, 15");
  plain_row(p, "Scores and uncertainty",
            "area under the ROC curve, balanced accuracy, sensitivity, specificity, calibration; "
            "95 % intervals by drawing persons 2,000 times with all their cells (Student’s on the "
            "scale of the log odds), beside them those by cell",
            "28, 29", "12d, 12e");
  plain_row(p, "Against what",
            "the most frequent class, and logistic regressions on simple measures "
            "of the cell, fitted to the same training cells",
            "28", "12e, 23a");
  plain_row(p, "Fairness",
            "age, sex and origin are not in the files, so that nothing can be said about groups; "
            "every person is listed instead",
            "34", "3c, 14, 20b, 23a");
  begin_row(p, "Software");
  file_printf(p->w, "leuko %s for this report", leuko_version());
  for (size_t r = 0; r < p->s->count; r++)
    if (p->s->runs[r].has_model && strcmp(p->s->runs[r].m.version, leuko_version()) != 0) {
      file_printf(p->w, "; ");
      if (p->s->count > 1) {
        page_text(p, p->s->runs[r].name);
        file_printf(p->w, ": ");
      }
      file_printf(p->w, "trained with leuko ");
      page_text(p, p->s->runs[r].m.version);
    }
  end_row(p, "23", "18f");
  plain_row(p, "To be added by the authors",
            "ethics approval, funding, interests, protocol, registration, when and whom the cells "
            "were taken from, who may have the data",
            "12, 34, 40–42", "5b, 17, 18a–18e, 19, 20b");
  page_end_table(p);
}

static void write_sides(page *p, const study_run *run) {
  const study_flow *f = &run->flow;
  const evaluation *e = &run->scores;
  const char *heads[3 + LEUKO_MAX_CLASSES] = {"Side", "Cells", "Subjects"};
  for (int c = 0; c < e->class_count; c++) heads[3 + c] = e->classes[c];
  page_table(p, "grid", "Cells and subjects on the two sides%s.",
             f->subjects ? "" : "; subjects are not known");
  page_heads(p, heads, 3 + (size_t)e->class_count);
  for (int test = 0; test < 2; test++) {
    const study_side *side = test ? &f->test : &f->train;
    char number[WORDS_NUMBER];
    file_printf(p->w, "<tr>");
    html_cell(p->w, "Side", "%s", test ? "test" : "training");
    html_cell(p->w, "Cells", "%s", words_count(side->cells, number));
    html_cell(p->w, "Subjects", "%zu", side->subjects);
    for (int c = 0; c < e->class_count; c++)
      html_cell(p->w, e->classes[c], "%s", words_count(side->classes[c], number));
    file_printf(p->w, "</tr>\n");
  }
  page_end_table(p);
}

static leuko_status write_flow(page *p, const study_run *run, leuko_error *error) {
  const study_flow *f = &run->flow;
  char a[WORDS_NUMBER], b[WORDS_NUMBER], c[WORDS_NUMBER];
  page_run_head(p, run);
  file_printf(p->w, "<p>");
  if (f->scanned) {
    file_printf(p->w, "%s image files were found; %s could not be read and %s have no known class.",
                words_count(f->files, a), words_count(f->refused, b),
                words_count(f->unlabelled, c));
    if (f->identical) {
      file_printf(p->w, " %s cells have an identical one among the files",
                  words_count(f->identical, a));
      if (f->parted)
        file_printf(p->w, "; <b>%s tested cells have it among those trained on</b>.",
                    words_count(f->parted, b));
      else file_printf(p->w, run->folds > 0 ? "." : ", always on the same side.");
    } else file_printf(p->w, " No cell is there twice.");
    if (f->persons && f->persons < f->subjects)
      file_printf(p->w, " %zu subject names are %zu persons, as far as identical cells tell.",
                  f->subjects, f->persons);
  } else {
    file_printf(p->w, "What was found and left out before the split is not known here: ");
    page_text(p, run->remark);
    file_printf(p->w, " (name it with <code>--data</code>).");
  }
  file_printf(p->w, " %s of the tested cells were answered", words_count(run->scores.n, a));
  if (run->scores.refused) file_printf(p->w, ", %s refused", words_count(run->scores.refused, b));
  file_printf(p->w, ".</p>\n");
  leuko_status status =
      page_figure(p, run, "flow", "", error, "Flow of the cells from the files to the answers%s.",
                  f->split_known ? "" : ", as far as it is known");
  if (status == LEUKO_OK && f->split_known && run->folds == 0) write_sides(p, run);
  return status;
}

leuko_status page_setup(page *p, leuko_error *error) {
  (void)error;
  write_items(p);
  return LEUKO_OK;
}

leuko_status page_flow(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++)
    status = write_flow(p, &p->s->runs[r], error);
  return status;
}
