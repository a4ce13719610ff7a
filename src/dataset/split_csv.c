#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "dataset/labels.h"
#include "dataset/split.h"

enum { PATH, SHA256, SUBJECT, LABEL, PART, COLUMNS };

static const char *const column_names[COLUMNS] = {"path", "sha256", "subject", "label", "part"};

leuko_status dataset_write_split(const dataset *d, const char *path, leuko_error *error) {
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  for (int i = 0; i < COLUMNS; i++) csv_write_field(&writer, column_names[i], i == 0);
  file_write(&writer, "\n", 1);
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    if (s->part == DATASET_NONE) continue;
    csv_write_field(&writer, s->path, true);
    csv_write_field(&writer, s->sha256, false);
    csv_write_field(&writer, s->subject, false);
    csv_write_field(&writer, d->classes[s->label], false);
    csv_write_field(&writer, s->part == DATASET_TRAIN ? "train" : "test", false);
    file_write(&writer, "\n", 1);
  }
  return file_writer_commit(&writer, error);
}

static leuko_status check_header(const csv *table, const char *path, leuko_error *error) {
  bool good = table->columns == COLUMNS;
  for (int i = 0; good && i < COLUMNS; i++) good = strcmp(table->fields[i], column_names[i]) == 0;
  if (good) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_CSV, path, "make one with 'leuko data split'",
                   "line 1: the header of a split is path,sha256,subject,label,part");
}

/* Reads row `row` into the part of its sample. */
static leuko_status read_row(dataset *d, const csv *table, size_t row, const char *path,
                             leuko_error *error) {
  static const char other_data[] = "give the folder that the split was made for, or split it anew";
  const char *name = csv_field(table, row, PATH), *part = csv_field(table, row, PART);
  const char *label = csv_field(table, row, LABEL), *subject = csv_field(table, row, SUBJECT);
  size_t line = row + 2, index = labels_find_path(d, name);
  bool train = strcmp(part, "train") == 0;
  if (!train && strcmp(part, "test") != 0)
    return error_set(error, LEUKO_BAD_CSV, path, NULL,
                     "line %zu: the part is '%s', not train or test", line, part);
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
  if (s->part != DATASET_NONE)
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
  s->part = train ? DATASET_TRAIN : DATASET_TEST;
  return LEUKO_OK;
}

leuko_status dataset_read_split(dataset *d, const char *path, leuko_error *error) {
  for (size_t i = 0; i < d->count; i++) d->samples[i].part = DATASET_NONE;
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  status = check_header(&table, path, error);
  for (size_t i = 0; status == LEUKO_OK && i < table.rows; i++)
    status = read_row(d, &table, i, path, error);
  csv_free(&table);
  if (status != LEUKO_OK)
    for (size_t i = 0; i < d->count; i++) d->samples[i].part = DATASET_NONE;
  return status;
}
