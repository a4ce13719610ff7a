#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/data.h"
#include "cli/table.h"

#define LISTED 20 /* sizes that are printed; --json has all */

static const char *class_name(const dataset *d, int label) {
  return label < 0 ? "unlabelled" : d->classes[label];
}

/* Usable cells of one class (-1: unlabelled) in one fold (-1: without a fold; -2: anywhere). */
static size_t count_cells(const dataset *d, int label, int fold) {
  size_t count = 0;
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    count += s->status == LEUKO_OK && s->label == label && (fold == -2 || s->fold == fold);
  }
  return count;
}

/* A subject's cells of one class (-1: unlabelled). */
static size_t subject_cells(const dataset_subject *s, int label) {
  if (label >= 0) return s->cells[label];
  size_t unlabelled = s->all;
  for (int c = 0; c < LEUKO_MAX_CLASSES; c++) unlabelled -= s->cells[c];
  return unlabelled;
}

static size_t count_subjects(const dataset_subject *subjects, size_t count, int label) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += subject_cells(&subjects[i], label) > 0;
  return found;
}

static int last_fold(const dataset *d) {
  int last = -1;
  for (size_t i = 0; i < d->count; i++)
    if (d->samples[i].fold > last) last = d->samples[i].fold;
  return last;
}

static int compare_formats(const void *left, const void *right) {
  const dataset_sample *a, *b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return strcmp(a->format, b->format);
}

static int compare_sizes(const void *left, const void *right) {
  const dataset_sample *a, *b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  int order = (a->width > b->width) - (a->width < b->width);
  return order ? order : (a->height > b->height) - (a->height < b->height);
}

/* How many usable files there are of each format, or each size, as an object. */
static json_t *count_values(const dataset *d, bool sizes) {
  json_t *counts = json_object();
  const dataset_sample **sorted = malloc((d->count + 1) * sizeof *sorted);
  size_t count = 0;
  for (size_t i = 0; sorted && i < d->count; i++)
    if (d->samples[i].status == LEUKO_OK) sorted[count++] = &d->samples[i];
  int (*compare)(const void *, const void *) = sizes ? compare_sizes : compare_formats;
  if (count) qsort(sorted, count, sizeof *sorted, compare);
  for (size_t i = 0, end; i < count; i = end) {
    for (end = i + 1; end < count && compare(&sorted[i], &sorted[end]) == 0;) end++;
    char size[32];
    snprintf(size, sizeof size, "%dx%d", sorted[i]->width, sorted[i]->height);
    json_object_set_new(counts, sizes ? size : sorted[i]->format,
                        json_integer((json_int_t)(end - i)));
  }
  free(sorted);
  return counts;
}

static void print_values(const dataset *d, bool sizes) {
  json_t *counts = count_values(d, sizes), *files;
  const char *value;
  size_t rows = 0, all = json_object_size(counts);
  table t = {.columns = 2};
  table_add(&t, "%s", sizes ? "size" : "format");
  table_add(&t, "files");
  json_object_foreach(counts, value, files) {
    if (rows++ == LISTED) break;
    table_add(&t, "%s", value);
    table_add(&t, "%" JSON_INTEGER_FORMAT, json_integer_value(files));
  }
  table_print(&t, stdout);
  if (all > LISTED) printf("and %zu more (all with --json)\n\n", all - LISTED);
  json_decref(counts);
}

static void print_classes(const dataset *d, const dataset_subject *subjects, size_t subject_count) {
  table t = {.columns = 3};
  table_add(&t, "class");
  table_add(&t, "cells");
  table_add(&t, "subjects");
  for (int c = 0; c <= d->class_count; c++) {
    int label = c < d->class_count ? c : -1;
    size_t cells = count_cells(d, label, -2);
    if (label < 0 && cells == 0) continue;
    table_add(&t, "%s%s", class_name(d, label), c == d->positive ? " (positive)" : "");
    table_add(&t, "%zu", cells);
    table_add(&t, "%zu", count_subjects(subjects, subject_count, label));
  }
  table_print(&t, stdout);
}

/* Tables have a column for each class, before them one for unlabelled cells where there are any. */
static int first_label(const dataset *d) {
  return count_cells(d, -1, -2) ? -1 : 0;
}

static size_t class_columns(const dataset *d) {
  return (size_t)(d->class_count - first_label(d));
}

static void add_class_heads(table *t, const dataset *d) {
  for (int c = first_label(d); c < d->class_count; c++) table_add(t, "%s", class_name(d, c));
}

static void print_folds(const dataset *d) {
  int last = last_fold(d);
  if (last < 0) return;
  table t = {.columns = class_columns(d) + 1};
  table_add(&t, "fold");
  add_class_heads(&t, d);
  for (int f = 0; f <= last + 1; f++) {
    int fold = f <= last ? f : -1;
    size_t cells = 0;
    for (int c = -1; c < d->class_count; c++) cells += count_cells(d, c, fold);
    if (cells == 0) continue;
    if (fold < 0) table_add(&t, "none");
    else table_add(&t, "%d", fold);
    for (int c = first_label(d); c < d->class_count; c++)
      table_add(&t, "%zu", count_cells(d, c, fold));
  }
  table_print(&t, stdout);
}

static void print_subjects(const dataset *d, const dataset_subject *subjects, size_t count) {
  table t = {.columns = class_columns(d) + 3};
  table_add(&t, "subject");
  table_add(&t, "fold");
  add_class_heads(&t, d);
  table_add(&t, "tied with");
  for (size_t i = 0; i < count; i++) {
    const dataset_subject *s = &subjects[i];
    table_add(&t, "%s", s->name);
    if (s->fold >= 0) table_add(&t, "%d", s->fold);
    else table_add(&t, "%s", s->fold == -1 ? "-" : "several");
    for (int c = first_label(d); c < d->class_count; c++) table_add(&t, "%zu", subject_cells(s, c));
    char tied[256] = "";
    for (size_t j = 0; s->tied && j < count; j++) {
      if (j == i || subjects[j].group != s->group) continue;
      size_t length = strlen(tied);
      snprintf(tied + length, sizeof tied - length, "%s%s", length ? " " : "", subjects[j].name);
    }
    table_add(&t, "%s", tied);
  }
  table_print(&t, stdout);
}

static void print_text(const dataset *d, const dataset_ties *ties, const dataset_subject *subjects,
                       size_t count, const char *manifest) {
  printf("%s: %zu images%s", d->root, d->count,
         d->official    ? " of C-NMC 2019 by their names"
         : d->synthetic ? ", drawn, not real"
                        : "");
  if (d->refused) printf(", %zu of them refused", d->refused);
  printf("\n%s%s", d->remark, d->remark[0] ? "\n" : "");
  if (d->ignored) printf("%zu other files passed over\n", d->ignored);
  if (ties->matched) printf("%zu of the images are in the manifest %s\n", ties->matched, manifest);
  putchar('\n');
  print_classes(d, subjects, count);
  print_folds(d);
  print_values(d, false);
  print_values(d, true);
  print_subjects(d, subjects, count);
  printf("%zu subjects by name, %zu persons: %zu names are tied by shared cells\n", ties->subjects,
         ties->persons, ties->tied_subjects);
  printf("%zu cells have an identical one beside them", ties->twins);
  if (ties->contradicting) printf(", %zu of them with another label", ties->contradicting);
  putchar('\n');
}

static json_t *json_subjects(const dataset *d, const dataset_subject *subjects, size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    const dataset_subject *s = &subjects[i];
    json_t *classes = json_object(), *tied = json_array();
    for (int c = 0; c < d->class_count; c++)
      data_set_json(classes, d->classes[c], json_integer((json_int_t)s->cells[c]));
    for (size_t j = 0; s->tied && j < count; j++)
      if (j != i && subjects[j].group == s->group)
        json_array_append_new(tied, text_json(subjects[j].name));
    json_array_append_new(list,
                          json_pack("{so so sI so so}", "subject", text_json(s->name), "fold",
                                    s->fold >= 0 ? json_integer(s->fold) : json_null(), "cells",
                                    (json_int_t)s->all, "classes", classes, "tied", tied));
  }
  return list;
}

static json_t *json_folds(const dataset *d) {
  json_t *list = json_array();
  int last = last_fold(d);
  for (int f = 0; f <= last + 1; f++) {
    int fold = f <= last ? f : -1;
    json_t *classes = json_object();
    size_t unlabelled = count_cells(d, -1, fold), cells = unlabelled;
    for (int c = 0; c < d->class_count; c++) {
      size_t n = count_cells(d, c, fold);
      data_set_json(classes, d->classes[c], json_integer((json_int_t)n));
      cells += n;
    }
    json_t *row =
        json_pack("{so sI so sI}", "fold", fold < 0 ? json_null() : json_integer(fold), "cells",
                  (json_int_t)cells, "classes", classes, "unlabelled", (json_int_t)unlabelled);
    if (cells) json_array_append_new(list, row);
    else json_decref(row);
  }
  return list;
}

static json_t *json_classes(const dataset *d, const dataset_subject *subjects, size_t count) {
  json_t *list = json_array();
  for (int c = 0; c < d->class_count; c++)
    json_array_append_new(list, json_pack("{so sI sI}", "class", text_json(d->classes[c]), "cells",
                                          (json_int_t)count_cells(d, c, -2), "subjects",
                                          (json_int_t)count_subjects(subjects, count, c)));
  return list;
}

static int print_json(const dataset *d, const dataset_ties *ties, const dataset_subject *subjects,
                      size_t count, const char *manifest) {
  json_t *all = json_pack("{so sb sb sI sI sI so}", "root", text_json(d->root), "official",
                          d->official, "synthetic", d->synthetic, "images", (json_int_t)d->count,
                          "refused", (json_int_t)d->refused, "unlabelled",
                          (json_int_t)count_cells(d, -1, -2), "manifest", text_json(manifest));
  json_object_set_new(all, "positive",
                      d->positive < 0 ? json_null() : text_json(d->classes[d->positive]));
  json_object_set_new(all, "remark", text_json(d->remark));
  json_object_set_new(all, "classes", json_classes(d, subjects, count));
  json_object_set_new(all, "folds", json_folds(d));
  json_object_set_new(all, "formats", count_values(d, false));
  json_object_set_new(all, "sizes", count_values(d, true));
  json_object_set_new(all, "ties",
                      json_pack("{sI sI sI sI sI}", "subjects", (json_int_t)ties->subjects,
                                "persons", (json_int_t)ties->persons, "tied_subjects",
                                (json_int_t)ties->tied_subjects, "identical_cells",
                                (json_int_t)ties->twins, "contradicting_labels",
                                (json_int_t)ties->contradicting));
  json_object_set_new(all, "subjects", json_subjects(d, subjects, count));
  json_object_set_new(all, "other_files", json_integer((json_int_t)d->ignored));
  json_object_set_new(all, "refused_files", data_refused_json(d));
  json_object_set_new(all, "folders_left_out", data_folders_json(d));
  return cli_print_json(all);
}

int data_scan(int argc, char **argv) {
  static const struct argp parser = {
      NULL,
      NULL,
      "DIR",
      "Counts the cells below DIR by class, fold, subject, format and size.\v"
      "Every file is decoded; one that cannot be is named on stderr with the reason, and the exit "
      "code is then 4. A second scan reads changed files only.",
      data_shared,
      NULL,
      NULL};
  data_arguments a = {0};
  argp_parse(&parser, argc, argv, 0, NULL, &a);
  cli_catch_signals();
  progress p = cli_progress();
  leuko_error error = {0};
  dataset d;
  if (dataset_scan(a.folder, &a.options, &p, &d, &error) != LEUKO_OK) return cli_fail(&error);
  cli_progress_end();
  char found[1024];
  const char *manifest = data_manifest(&d, a.manifest, found, sizeof found);
  dataset_ties ties;
  size_t count;
  dataset_subject *subjects = NULL;
  int code;
  if (dataset_tie(&d, manifest, &ties, &error) != LEUKO_OK) {
    code = cli_fail(&error);
  } else if (!(subjects = dataset_subjects(&d, DATASET_NONE, &count))) {
    error = (leuko_error){.status = LEUKO_NO_MEMORY};
    code = cli_fail(&error);
  } else {
    code = data_report_refused(&d);
    if (!a.json) print_text(&d, &ties, subjects, count, manifest);
    else if (print_json(&d, &ties, subjects, count, manifest)) code = 1;
  }
  free(subjects);
  dataset_free(&d);
  return code;
}
