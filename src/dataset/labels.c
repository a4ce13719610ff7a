#include "dataset/labels.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/error.h"
#include "dataset/names.h"

#define PRELIMINARY_CSV NAMES_PRELIMINARY "_labels.csv"

size_t labels_find_path(const dataset *d, const char *path) {
  size_t low = 0, high = d->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(d->samples[middle].path, path);
    if (order == 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return d->count;
}

static leuko_status set_subject(dataset_sample *sample, const char *subject, leuko_error *error) {
  char *copy = strdup(subject);
  if (!copy) return error_set_memory(error, strlen(subject) + 1);
  free(sample->subject);
  sample->subject = copy;
  return LEUKO_OK;
}

/* The label CSV of the preliminary phase -------------------------------------------------------*/

typedef struct {
  const char *file; /* the number that the cell was given, "17.bmp" */
  size_t stem;      /* its length without extension */
  cell_name cell;
  int label;
} numbered;

static int compare_stems(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t shorter = a_length < b_length ? a_length : b_length;
  int order = strncasecmp(a, b, shorter);
  return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_numbered(const void *left, const void *right) {
  const numbered *a = left, *b = right;
  return compare_stems(a->file, a->stem, b->file, b->stem);
}

/* Checks the rows of the table into rows [table->rows], sorted. */
static leuko_status read_numbered(const csv *table, const char *path, numbered *rows,
                                  leuko_error *error) {
  static const char remedy[] = "its header is Patient_ID,new_names,labels; see docs/formats.md";
  int id = csv_column(table, "Patient_ID"), name = csv_column(table, "new_names");
  int label = csv_column(table, "labels");
  if (id < 0 || name < 0 || label < 0)
    return error_set(error, LEUKO_BAD_CSV, path, remedy,
                     "line 1: not the header of the preliminary phase's label file");
  for (size_t i = 0; i < table->rows; i++) {
    numbered *row = &rows[i];
    const char *text = csv_field(table, i, label);
    row->file = csv_field(table, i, name);
    row->stem = names_stem_length(row->file);
    if (!names_parse_cell(csv_field(table, i, id), &row->cell))
      return error_set(error, LEUKO_BAD_CSV, path, remedy, "line %zu: '%s' is no C-NMC name", i + 2,
                       csv_field(table, i, id));
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
      return error_set(error, LEUKO_BAD_CSV, path, remedy,
                       "line %zu: the label is '%s', not 1 (all) or 0 (hem)", i + 2, text);
    row->label = text[0] == '1';
    if (row->label != row->cell.blast)
      return error_set(error, LEUKO_BAD_CSV, path, NULL, "line %zu: label %d contradicts '%s'",
                       i + 2, row->label, csv_field(table, i, id));
  }
  if (table->rows) qsort(rows, table->rows, sizeof *rows, compare_numbered);
  for (size_t i = 1; i < table->rows; i++)
    if (compare_numbered(&rows[i - 1], &rows[i]) == 0)
      return error_set(error, LEUKO_BAD_CSV, path, NULL, "two lines name '%s'", rows[i].file);
  return LEUKO_OK;
}

/* The label file of the folder that holds `sample`: beside that folder, or in it. */
static bool find_label_file(const dataset *d, const dataset_sample *sample, char *out,
                            size_t size) {
  char folder[1024], full[1024];
  if (file_join(folder, sizeof folder, d->root, sample->path, NULL) != LEUKO_OK) return false;
  for (int up = 0; up < 2; up++) {
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder) return false;
    *slash = 0;
    if (file_join(full, sizeof full, folder, PRELIMINARY_CSV, NULL) != LEUKO_OK ||
        !file_exists(full))
      continue;
    snprintf(out, size, "%s", full);
    return true;
  }
  return false;
}

/* Labels the samples first .. end-1, all in one folder of the preliminary phase. */
static leuko_status label_preliminary(dataset *d, size_t first, size_t end, leuko_error *error) {
  char path[1024];
  if (!find_label_file(d, &d->samples[first], path, sizeof path)) return LEUKO_OK;
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  numbered *rows = malloc((table.rows + 1) * sizeof *rows);
  if (!rows) status = error_set_memory(error, (table.rows + 1) * sizeof *rows);
  else status = read_numbered(&table, path, rows, error);
  for (size_t i = first; status == LEUKO_OK && i < end; i++) {
    dataset_sample *s = &d->samples[i];
    numbered key = {.file = names_base(s->path)};
    key.stem = names_stem_length(key.file);
    const numbered *row =
        table.rows ? bsearch(&key, rows, table.rows, sizeof *rows, compare_numbered) : NULL;
    if (!row) continue;
    s->label = row->label;
    status = set_subject(s, row->cell.subject, error);
  }
  free(rows);
  csv_free(&table);
  return status;
}

static leuko_status label_all_preliminary(dataset *d, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t i = 0, end; status == LEUKO_OK && i < d->count; i = end) {
    end = i + 1;
    if (!d->samples[i].preliminary) continue;
    size_t length = (size_t)(names_base(d->samples[i].path) - d->samples[i].path);
    while (end < d->count && d->samples[end].preliminary &&
           (size_t)(names_base(d->samples[end].path) - d->samples[end].path) == length &&
           strncmp(d->samples[end].path, d->samples[i].path, length) == 0)
      end++;
    status = label_preliminary(d, i, end, error);
  }
  return status;
}

/* Classes --------------------------------------------------------------------------------------*/

static leuko_status add_class(dataset *d, const char *name, size_t length, leuko_error *error) {
  char *copy = strndup(name, length);
  if (!copy) return error_set_memory(error, length + 1);
  int at = d->class_count++;
  for (; at > 0 && strcmp(d->classes[at - 1], copy) > 0; at--) d->classes[at] = d->classes[at - 1];
  d->classes[at] = copy;
  return LEUKO_OK;
}

static int find_class(const dataset *d, const char *name, size_t length) {
  for (int i = 0; i < d->class_count; i++)
    if (strlen(d->classes[i]) == length && strncmp(d->classes[i], name, length) == 0) return i;
  return -1;
}

static void clear_classes(dataset *d) {
  for (int i = 0; i < d->class_count; i++) free(d->classes[i]);
  d->class_count = 0;
}

/* Collects the names of the folders `up` above the files. More than the limit: *too_many. */
static leuko_status collect_folders(dataset *d, const bool *apart, size_t up, bool *deeper,
                                    bool *too_many, leuko_error *error) {
  clear_classes(d);
  *deeper = *too_many = false;
  for (size_t i = 0; i < d->count; i++) {
    size_t length;
    const char *folder = apart[i] ? NULL : names_folder(d->samples[i].path, up, &length);
    if (!folder) continue;
    *deeper = true;
    if (find_class(d, folder, length) >= 0) continue;
    if (d->class_count == LEUKO_MAX_CLASSES) {
      *too_many = true;
      return LEUKO_OK;
    }
    leuko_status status = add_class(d, folder, length, error);
    if (status != LEUKO_OK) return status;
  }
  return LEUKO_OK;
}

/* Any folder-per-class tree: the class is the last folder name that is not the same for all.
 * *found tells whether there is one; if not, labels stay as they are. */
static leuko_status classes_from_folders(dataset *d, const bool *apart, bool *found,
                                         leuko_error *error) {
  bool deeper = true, too_many = false;
  size_t up = 0;
  for (; deeper; up++) {
    leuko_status status = collect_folders(d, apart, up, &deeper, &too_many, error);
    if (status != LEUKO_OK) return status;
    if (too_many || d->class_count >= 2) break;
  }
  *found = d->class_count >= 2 && !too_many;
  if (!*found) {
    clear_classes(d);
    snprintf(d->remark, sizeof d->remark, "nothing is labelled: %s",
             too_many ? "the files lie in more folders of different names than there can be classes"
                      : "no folder names that tell classes apart");
    return LEUKO_OK;
  }
  for (size_t i = 0; i < d->count; i++) {
    size_t length;
    const char *folder = apart[i] ? NULL : names_folder(d->samples[i].path, up, &length);
    d->samples[i].label = folder ? find_class(d, folder, length) : -1;
  }
  return LEUKO_OK;
}

/* C-NMC: hem and all; the labels are set already, 1 for all. */
static leuko_status classes_of_cnmc(dataset *d, leuko_error *error) {
  leuko_status status = add_class(d, "all", 3, error);
  if (status == LEUKO_OK) status = add_class(d, "hem", 3, error);
  /* add_class sorts: all is 0 now. */
  for (size_t i = 0; i < d->count; i++)
    if (d->samples[i].label >= 0) d->samples[i].label = 1 - d->samples[i].label;
  return status;
}

/* Puts the positive class of two last. */
static leuko_status choose_positive(dataset *d, const char *wanted, leuko_error *error) {
  d->positive = -1;
  if (wanted && d->class_count != 2)
    return error_set(error, LEUKO_ARGUMENT, d->root, "leave --positive out",
                     "a positive class needs two classes, here are %d", d->class_count);
  if (d->class_count != 2) return LEUKO_OK;
  int positive = 1;
  for (int i = 0; i < 2; i++)
    if (strcasecmp(d->classes[i], wanted ? wanted : "all") == 0) positive = i;
  if (wanted && strcasecmp(d->classes[positive], wanted) != 0)
    return error_set(error, LEUKO_ARGUMENT, d->root, "name one of the two",
                     "there is no class '%s' but '%s' and '%s'", wanted, d->classes[0],
                     d->classes[1]);
  d->positive = 1;
  if (positive == 1) return LEUKO_OK;
  char *first = d->classes[0];
  d->classes[0] = d->classes[1];
  d->classes[1] = first;
  for (size_t i = 0; i < d->count; i++)
    if (d->samples[i].label >= 0) d->samples[i].label = 1 - d->samples[i].label;
  return LEUKO_OK;
}

/* Subjects -------------------------------------------------------------------------------------*/

static leuko_status read_subjects(dataset *d, const char *path, leuko_error *error) {
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  int file = csv_column(&table, "path"), subject = csv_column(&table, "subject");
  bool *named = calloc(d->count, sizeof *named);
  if (!named) status = error_set_memory(error, d->count);
  else if (file < 0 || subject < 0)
    status = error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                       "line 1: the header lacks the columns path and subject");
  for (size_t i = 0; status == LEUKO_OK && i < table.rows; i++) {
    const char *text = csv_field(&table, i, file);
    size_t found = labels_find_path(d, text);
    if (found == d->count)
      status = error_set(error, LEUKO_BAD_CSV, path, "give paths relative to the folder of cells",
                         "line %zu: there is no image '%s'", i + 2, text);
    else if (named[found])
      status =
          error_set(error, LEUKO_BAD_CSV, path, NULL, "line %zu names '%s' again", i + 2, text);
    else if (!csv_field(&table, i, subject)[0])
      status = error_set(error, LEUKO_BAD_CSV, path, "leave the line out if it is not known",
                         "line %zu: the subject is empty", i + 2);
    else {
      named[found] = true;
      status = set_subject(&d->samples[found], csv_field(&table, i, subject), error);
    }
  }
  free(named);
  csv_free(&table);
  return status;
}

leuko_status labels_set(dataset *d, const dataset_options *options, leuko_error *error) {
  bool *apart = calloc(d->count, sizeof *apart); /* of the two test phases */
  if (!apart) return error_set_memory(error, d->count);
  leuko_status status = LEUKO_OK;
  size_t parsed = 0, plain = 0;
  for (size_t i = 0; status == LEUKO_OK && i < d->count; i++) {
    dataset_sample *s = &d->samples[i];
    s->fold = names_fold(s->path);
    s->preliminary = names_lies_in(d->root, s->path, NAMES_PRELIMINARY);
    apart[i] = s->preliminary || names_lies_in(d->root, s->path, NAMES_FINAL);
    cell_name cell;
    bool named = names_parse_cell(s->path, &cell);
    int folder = names_class_folder(s->path);
    s->label = named ? cell.blast : folder;
    if (apart[i]) {
      s->label = -1;
      parsed += s->preliminary;
    } else if (named) {
      parsed++;
      if (folder >= 0 && folder != s->label && s->status == LEUKO_OK) s->status = LEUKO_BAD_DATA;
    } else if (folder < 0) {
      plain++;
    }
    status = set_subject(s, named ? cell.subject : "", error);
  }
  if (status == LEUKO_OK) status = label_all_preliminary(d, error);
  bool folders = false;
  if (status == LEUKO_OK && plain > 0) status = classes_from_folders(d, apart, &folders, error);
  size_t labelled = 0;
  for (size_t i = 0; i < d->count; i++) labelled += d->samples[i].label >= 0;
  if (status == LEUKO_OK && !folders && labelled) {
    d->remark[0] = 0;
    status = classes_of_cnmc(d, error);
  } else if (status == LEUKO_OK && !labelled && plain == 0) {
    snprintf(d->remark, sizeof d->remark,
             "nothing is labelled: cells of a test phase without their label file");
  }
  d->official = !folders && parsed > 0 && !d->synthetic;
  if (status == LEUKO_OK && options->subjects) status = read_subjects(d, options->subjects, error);
  if (status == LEUKO_OK) status = choose_positive(d, options->positive, error);
  free(apart);
  return status;
}
