#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/data.h"
#include "cli/table.h"
#include "dataset/folds.h"

typedef struct {
  data_arguments cells;
  const char *output, *ratio;
  bool chosen;
  split_kind by;
  double share;
  int folds; /* 0: one split */
  uint64_t seed;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state) {
  arguments *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->cells;
    return 0;
  case 'b':
    if (!split_kind_parse(text, &a->by))
      argp_error(state, "--by takes subject, fold or image, not '%s'", text);
    a->chosen = true;
    return 0;
  case 'r':
    if (!split_parse_ratio(text, &a->share))
      argp_error(state, "--ratio takes two positive numbers such as 60:40, not '%s'", text);
    a->ratio = text;
    return 0;
  case 'k':
    a->folds = (int)cli_number(state, "--folds", text, 2, FOLDS_MOST);
    return 0;
  case 's':
    a->seed = (uint64_t)cli_number(state, "--seed", text, 0, 0x7fffffffffffffff);
    return 0;
  case 'o':
    a->output = text;
    return 0;
  case ARGP_KEY_END:
    if (!a->chosen) argp_error(state, "no --by is given: subject, fold or image");
    if (a->folds && (a->by == SPLIT_BY_FOLD || a->ratio))
      argp_error(state, "--folds goes with --by subject or image, and without --ratio");
    if (!a->ratio) a->ratio = "60:40";
    if (!a->output) argp_error(state, "no -o is given: the CSV file to write");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static size_t count_part(const dataset *d, dataset_part part, int label) {
  size_t count = 0;
  for (size_t i = 0; i < d->count; i++)
    count += d->samples[i].part == part && d->samples[i].label == label;
  return count;
}

static size_t count_part_subjects(const dataset *d, dataset_part part) {
  size_t count;
  free(dataset_subjects(d, part, &count));
  return count;
}

/* Which side leaks, and where the file is. */
static void print_end(const arguments *a, const split_leaks *leaks) {
  if (leaks->leaking)
    printf("THIS SPLIT LEAKS: %zu of %zu subjects have cells on both sides. What is measured on "
           "its test\ncells does not hold for new patients, and 'leuko train' asks for "
           "--allow-leak before it uses it.\n",
           leaks->leaking, leaks->subjects);
  else if (leaks->unknown)
    printf("%zu cells are of unknown subjects: whether the split leaks cannot be told. Name them "
           "with --subjects.\n",
           leaks->unknown);
  else
    printf("none of the %zu subjects is %s\n", leaks->subjects,
           a->folds ? "in several folds" : "on both sides");
  printf("written: %s\n", a->output);
}

static void print_text(const dataset *d, const arguments *a, const split_report *r,
                       const split_leaks *leaks, const char *manifest) {
  table t = {.columns = (size_t)d->class_count + 3};
  table_add(&t, "part");
  for (int c = 0; c < d->class_count; c++) table_add(&t, "%s", d->classes[c]);
  table_add(&t, "cells");
  table_add(&t, "subjects");
  for (int part = DATASET_TRAIN; part <= DATASET_TEST; part++) {
    table_add(&t, "%s", part == DATASET_TRAIN ? "train" : "test");
    for (int c = 0; c < d->class_count; c++)
      table_add(&t, "%zu", count_part(d, (dataset_part)part, c));
    table_add(&t, "%zu", part == DATASET_TRAIN ? r->train : r->test);
    table_add(&t, "%zu", count_part_subjects(d, (dataset_part)part));
  }
  table_print(&t, stdout);
  if (manifest) printf("identical originals are kept together by the manifest %s\n", manifest);
  if (a->by == SPLIT_BY_FOLD) printf("fold_%d is tested on\n", r->test_fold);
  if (r->moved)
    printf("%zu of its cells went to training, since their subjects are tied to subjects there\n",
           r->moved);
  if (r->aside)
    printf("%zu labelled cells are left aside: %s\n", r->aside,
           a->by == SPLIT_BY_FOLD ? "they lie in no fold"
                                  : "they are the preliminary phase, the challenge's own test");
  print_end(a, leaks);
}

static void print_folds(dataset *d, const arguments *a, const split_leaks *leaks,
                        const char *manifest) {
  table t = {.columns = (size_t)d->class_count + 3};
  table_add(&t, "fold");
  for (int c = 0; c < d->class_count; c++) table_add(&t, "%s", d->classes[c]);
  table_add(&t, "cells");
  table_add(&t, "subjects");
  for (int f = 0; f < a->folds; f++) {
    size_t cells = 0;
    dataset_take_fold(d, f);
    table_add(&t, "%d", f + 1);
    for (int c = 0; c < d->class_count; c++) {
      size_t of_class = count_part(d, DATASET_TEST, c);
      cells += of_class;
      table_add(&t, "%zu", of_class);
    }
    table_add(&t, "%zu", cells);
    table_add(&t, "%zu", count_part_subjects(d, DATASET_TEST));
  }
  table_print(&t, stdout);
  if (manifest) printf("identical originals are kept together by the manifest %s\n", manifest);
  print_end(a, leaks);
}

static json_t *json_part(const dataset *d, dataset_part part, size_t cells) {
  json_t *classes = json_object();
  for (int c = 0; c < d->class_count; c++)
    data_set_json(classes, d->classes[c], json_integer((json_int_t)count_part(d, part, c)));
  return json_pack("{sI so sI}", "cells", (json_int_t)cells, "classes", classes, "subjects",
                   (json_int_t)count_part_subjects(d, part));
}

static json_t *leaks_json(const split_leaks *leaks) {
  return json_pack("{sI sI sI sI}", "subjects", (json_int_t)leaks->subjects, "on_both_sides",
                   (json_int_t)leaks->leaking, "cells_of_unknown_subject",
                   (json_int_t)leaks->unknown, "identical_cells", (json_int_t)leaks->twins);
}

static int print_folds_json(dataset *d, const arguments *a, const split_leaks *leaks,
                            const char *manifest) {
  json_t *all =
      json_pack("{so so ss si sI}", "output", text_json(a->output), "manifest", text_json(manifest),
                "by", split_kind_name(a->by), "folds", a->folds, "seed", (json_int_t)a->seed);
  json_t *parts = json_array();
  for (int f = 0; f < a->folds; f++) {
    size_t cells = 0;
    dataset_take_fold(d, f);
    for (int c = 0; c < d->class_count; c++) cells += count_part(d, DATASET_TEST, c);
    json_array_append_new(parts, json_part(d, DATASET_TEST, cells));
  }
  json_object_set_new(all, "parts", parts);
  json_object_set_new(all, "leaks", leaks_json(leaks));
  json_object_set_new(all, "refused_files", data_refused_json(d));
  return cli_print_json(all);
}

static int print_json(const dataset *d, const arguments *a, const split_report *r,
                      const split_leaks *leaks, const char *manifest) {
  json_t *all = json_pack("{so so ss so sI}", "output", text_json(a->output), "manifest",
                          text_json(manifest), "by", split_kind_name(a->by), "ratio",
                          text_json(a->ratio), "seed", (json_int_t)a->seed);
  json_object_set_new(all, "train", json_part(d, DATASET_TRAIN, r->train));
  json_object_set_new(all, "test", json_part(d, DATASET_TEST, r->test));
  json_object_set_new(all, "left_aside", json_integer((json_int_t)r->aside));
  json_object_set_new(all, "test_fold",
                      r->test_fold < 0 ? json_null() : json_integer(r->test_fold));
  json_object_set_new(all, "moved_to_train", json_integer((json_int_t)r->moved));
  json_object_set_new(all, "leaks", leaks_json(leaks));
  json_object_set_new(all, "refused_files", data_refused_json(d));
  return cli_print_json(all);
}

/* From the scanned data to the written file. */
static leuko_status split(dataset *d, const arguments *a, const char *manifest, dataset_ties *ties,
                          split_report *r, split_leaks *leaks, leuko_error *error) {
  leuko_status status = dataset_tie(d, manifest, ties, error);
  if (status == LEUKO_OK && a->folds) {
    status = dataset_deal(d, a->by, a->folds, a->seed, error);
    if (status != LEUKO_OK) return status;
    /* What leaks between any two folds leaks from the others to one of them. */
    for (int f = a->folds; f-- > 0;) {
      split_leaks here;
      dataset_take_fold(d, f);
      dataset_leaks(d, &here);
      if (f == a->folds - 1 || here.leaking > leaks->leaking) *leaks = here;
    }
    return dataset_write_folds(d, a->output, error);
  }
  if (status == LEUKO_OK) status = dataset_split(d, a->by, a->share, a->seed, r, error);
  if (status != LEUKO_OK) return status;
  dataset_leaks(d, leaks);
  return dataset_write_split(d, a->output, error);
}

int data_split(int argc, char **argv) {
  static const struct argp_option options[] = {
      {"by", 'b', "HOW", 0,
       "subject: no subject on both sides; fold: one official fold is tested on; image: cell by "
       "cell, which leaks",
       0},
      {"ratio", 'r', "TRAIN:TEST", 0,
       "cells of every class (default 60:40); by fold, the fold that comes nearest is tested on",
       0},
      {"folds", 'k', "K", 0, "K folds for a cross-validation instead of two sides", 0},
      {"seed", 's', "N", 0, "equal seeds give equal splits (default 1)", 0},
      {"output", 'o', "FILE", 0, "the CSV file to write", 0},
      {0}};
  static const struct argp parser = {
      options,
      parse,
      "DIR --by subject|fold|image -o split.csv",
      "Divides the labelled cells below DIR into training and test cells.\v"
      "Identical cells are never divided; by subject and by fold, nor are subjects tied by such "
      "cells.",
      data_shared,
      NULL,
      NULL};
  arguments a = {.share = SPLIT_TRAIN_SHARE, .seed = SPLIT_SEED};
  argp_parse(&parser, argc, argv, 0, NULL, &a);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0};
  dataset d;
  if (dataset_scan(a.cells.folder, &a.cells.options, &p, &d, &error) != LEUKO_OK)
    return cli_fail(&error);
  cli_progress_end();
  char found[1024];
  const char *manifest = data_manifest(&d, a.cells.manifest, found, sizeof found);
  dataset_ties ties;
  split_report report;
  split_leaks leaks;
  int code = data_report_refused(&d);
  if (split(&d, &a, manifest, &ties, &report, &leaks, &error) != LEUKO_OK) code = cli_fail(&error);
  else if (a.folds && !a.cells.json) print_folds(&d, &a, &leaks, ties.matched ? manifest : NULL);
  else if (a.folds) code = print_folds_json(&d, &a, &leaks, manifest) ? 1 : code;
  else if (!a.cells.json) print_text(&d, &a, &report, &leaks, ties.matched ? manifest : NULL);
  else if (print_json(&d, &a, &report, &leaks, manifest)) code = 1;
  dataset_free(&d);
  return code;
}
