#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "dataset/folds.h"
#include "dataset/labels.h"

/* The last column holds the part, or the fold. */
enum { PATH, SHA256, SUBJECT, LABEL, PART, COLUMNS };

static const char *const column_names[COLUMNS] = {"path", "sha256", "subject", "label", "part"};
static const char fold_name[] = "fold";

static leuko_status write_rows(const dataset *d, bool folds, const char *path, leuko_error *error) {
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  for (int i = 0; i < COLUMNS; i++)
    csv_write_field(&writer, folds && i == PART ? fold_name : column_names[i], i == 0);
  file_write(&writer, "\n", 1);
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    if (folds ? s->held_out < 0 : s->part == DATASET_NONE) continue;
    csv_write_field(&writer, s->path, true);
    csv_write_field(&writer, s->sha256, false);
    csv_write_field(&writer, s->subject, false);
    csv_write_field(&writer, d->classes[s->label], false);
    if (folds) file_printf(&writer, ",%d", s->held_out + 1);
    else csv_write_field(&writer, s->part == DATASET_TRAIN ? "train" : "test", false);
    file_write(&writer, "\n", 1);
  }
  return file_writer_commit(&writer, error);
}

leuko_status dataset_write_split(const dataset *d, const char *path, leuko_error *error) {
  return write_rows(d, false, path, error);
}

leuko_status dataset_write_folds(const dataset *d, const char *path, leuko_error *error) {
  return write_rows(d, true, path, error);
}

/* Whether these are the columns of a split, or of folds. */
static bool has_columns(const csv *table, bool folds) {
  bool good = table->columns == COLUMNS;
  for (int i = 0; good && i < COLUMNS; i++)
    good = strcmp(table->fields[i], folds && i == PART ? fold_name : column_names[i]) == 0;
  return good;
}

static leuko_status check_header(const csv *table, bool folds, const char *path,
                                 leuko_error *error) {
  if (has_columns(table, folds)) return LEUKO_OK;
  if (has_columns(table, !folds))
    return error_set(error, LEUKO_BAD_CSV, path,
                     folds ? "make folds with 'leuko data split --folds'"
                           : "take the split.csv of one fold's run, or split without --folds",
                     folds ? "it holds one split, not folds" : "it holds folds, not one split");
  return error_set(error, LEUKO_BAD_CSV, path, "make one with 'leuko data split'",
                   "line 1: the header of %s is path,sha256,subject,label,%s",
                   folds ? "folds" : "a split", folds ? fold_name : column_names[PART]);
}

/* Reads the part, or the fold, of a row into its sample. */
static bool read_place(dataset_sample *s, bool folds, const char *text) {
  char *end;
  if (!folds) {
    s->part = strcmp(text, "train") == 0  ? DATASET_TRAIN
              : strcmp(text, "test") == 0 ? DATASET_TEST
                                          : DATASET_NONE;
    return s->part != DATASET_NONE;
  }
  long number = strtol(text, &end, 10);
  if (end == text || *end || number < 1 || number > FOLDS_MOST) return false;
  s->held_out = (int)number - 1;
  return true;
}

/* Reads row `row` into its sample. */
static leuko_status read_row(dataset *d, const csv *table, size_t row, bool folds, const char *path,
                             leuko_error *error) {
  static const char other_data[] = "give the folder that the split was made for, or split it anew";
  const char *name = csv_field(table, row, PATH), *part = csv_field(table, row, PART);
  const char *label = csv_field(table, row, LABEL), *subject = csv_field(table, row, SUBJECT);
  size_t line = row + 2, index = labels_find_path(d, name);
  int class = -1;
  for (int c = 0; c < d->class_count; c++)
    if (strcmp(d->classes[c], label) == 0) class = c;
  if (class < 0)
    return error_set(error, LEUKO_BAD_CSV, path, other_data, "line %zu: there is no class '%s'",
                     line, label);
  if (index == d->count)
    return error_set(error, LEUKO_MISMATCH, path, other_data, "line %zu: '%s' is not in %s", line,
                     name, d->root);
  dataset_sample *s = &d->samples[index];
  if (folds ? s->held_out >= 0 : s->part != DATASET_NONE)
    return error_set(error, LEUKO_BAD_CSV, path, NULL, "line %zu names '%s' again", line, name);
  if (s->status != LEUKO_OK)
    return error_set(error, LEUKO_MISMATCH, path, other_data, "line %zu: '%s' was refused: %s",
                     line, name, leuko_status_message(s->status));
  if (strcmp(s->sha256, csv_field(table, row, SHA256)) != 0)
    return error_set(error, LEUKO_MISMATCH, path, other_data,
                     "line %zu: '%s' is another file than the one that was split", line, name);
  if (s->label != class)
    return error_set(error, LEUKO_MISMATCH, path, other_data,
                     "line %zu: '%s' is labelled '%s' here, not '%s'", line, name,
                     s->label < 0 ? "" : d->classes[s->label], label);
  if (s->subject[0] && strcmp(s->subject, subject) != 0)
    return error_set(error, LEUKO_MISMATCH, path, other_data,
                     "line %zu: '%s' is of subject '%s' here, not '%s'", line, name, s->subject,
                     subject);
  if (!s->subject[0] && subject[0]) {
    char *copy = strdup(subject);
    if (!copy) return error_set_memory(error, strlen(subject) + 1);
    free(s->subject);
    s->subject = copy;
  }
  if (read_place(s, folds, part)) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_CSV, path, NULL, "line %zu: the %s is '%s', not %s", line,
                   folds ? fold_name : column_names[PART], part,
                   folds ? "a number from 1" : "train or test");
}

static void clear(dataset *d, bool folds) {
  for (size_t i = 0; i < d->count; i++)
    if (folds) d->samples[i].held_out = -1;
    else d->samples[i].part = DATASET_NONE;
}

static leuko_status read_rows(dataset *d, bool folds, const char *path, leuko_error *error) {
  clear(d, folds);
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  status = check_header(&table, folds, path, error);
  for (size_t i = 0; status == LEUKO_OK && i < table.rows; i++)
    status = read_row(d, &table, i, folds, path, error);
  csv_free(&table);
  if (status != LEUKO_OK) clear(d, folds);
  return status;
}

leuko_status dataset_read_split(dataset *d, const char *path, leuko_error *error) {
  return read_rows(d, false, path, error);
}

leuko_status dataset_read_folds(dataset *d, const char *path, int *folds, leuko_error *error) {
  leuko_status status = read_rows(d, true, path, error);
  if (status != LEUKO_OK) return status;
  bool there[FOLDS_MOST] = {false};
  *folds = 0;
  for (size_t i = 0; i < d->count; i++) {
    const int fold = d->samples[i].held_out;
    if (fold < 0) continue;
    there[fold] = true;
    if (fold >= *folds) *folds = fold + 1;
  }
  for (int f = 0; f < *folds || f < 2; f++)
    if (!there[f]) {
      clear(d, true);
      return error_set(error, LEUKO_BAD_CSV, path, "number the folds from 1 without gaps",
                       "no cell lies in fold %d", f + 1);
    }
  return LEUKO_OK;
}

leuko_status dataset_same_folds(dataset *d, const char *path, bool *same, leuko_error *error) {
  int folds;
  int *before = malloc((d->count + 1) * sizeof *before);
  if (!before) return error_set_memory(error, d->count * sizeof *before);
  for (size_t i = 0; i < d->count; i++) before[i] = d->samples[i].held_out;
  leuko_status status = dataset_read_folds(d, path, &folds, error);
  *same = status == LEUKO_OK;
  for (size_t i = 0; status == LEUKO_OK && i < d->count; i++) {
    *same &= d->samples[i].held_out == before[i];
    d->samples[i].held_out = before[i];
  }
  free(before);
  return status;
}

bool dataset_holds_folds(const char *path) {
  csv table;
  if (csv_read(path, ',', &table, NULL) != LEUKO_OK) return false;
  bool folds = has_columns(&table, true);
  csv_free(&table);
  return folds;
}
