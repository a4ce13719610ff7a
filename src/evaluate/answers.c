#include "evaluate/answers.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

static leuko_status read_classes(const char *folder, answers *out, leuko_error *error) {
  char path[1024], *text;
  size_t size;
  leuko_status status = file_join(path, sizeof path, folder, "metrics.json", error);
  if (status == LEUKO_OK) status = file_read(path, (size_t)64 << 20, &text, &size, error);
  if (status != LEUKO_OK) return status;
  json_t *metrics = json_loadb(text, size, 0, NULL), *classes = json_object_get(metrics, "classes");
  free(text);
  for (size_t c = 0; c < 2; c++) {
    const char *name = json_string_value(json_array_get(classes, c));
    if (json_array_size(classes) != 2 || !name || strlen(name) >= sizeof out->classes[c])
      status = error_set(error, LEUKO_BAD_DATA, path, "compare models of two classes",
                         "no two classes are named");
    else memcpy(out->classes[c], name, strlen(name) + 1);
  }
  json_decref(metrics);
  return status;
}

/* 1, 0, or -1 for a name that is none of the two. */
static int class_of(const answers *a, const char *name) {
  if (strcmp(name, a->classes[1]) == 0) return 1;
  return strcmp(name, a->classes[0]) == 0 ? 0 : -1;
}

static int compare_cells(const void *a, const void *b) {
  const answers_cell *x = a, *y = b;
  int order = strcmp(x->sha256, y->sha256);
  return order ? order : strcmp(x->path, y->path);
}

static leuko_status read_cells(const char *path, answers *out, leuko_error *error) {
  enum { PATH_OF, SHA256, SUBJECT, LABEL, P, PREDICTED, STATUS, NEEDED };
  static const char *const names[NEEDED] = {"path", "sha256",    "subject", "label",
                                            "p",    "predicted", "status"};
  const csv *t = &out->table;
  int columns[NEEDED], logit = csv_column(t, "logit"), person = csv_column(t, "person");
  for (int c = 0; c < NEEDED; c++)
    if ((columns[c] = csv_column(t, names[c])) < 0)
      return error_set(error, LEUKO_BAD_CSV, path, NULL, "the column '%s' is missing", names[c]);
  out->persons = person >= 0;
  out->cells = calloc(t->rows + 1, sizeof *out->cells);
  if (!out->cells) return error_set_memory(error, t->rows * sizeof *out->cells);
  for (size_t r = 0; r < t->rows; r++) {
    const char *label = csv_field(t, r, columns[LABEL]);
    if (strcmp(csv_field(t, r, columns[STATUS]), "OK") != 0 || !label[0]) continue;
    char *end;
    const char *number = csv_field(t, r, logit >= 0 ? logit : columns[P]);
    answers_cell cell = {.path = csv_field(t, r, columns[PATH_OF]),
                         .sha256 = csv_field(t, r, columns[SHA256]),
                         .person = csv_field(t, r, person >= 0 ? person : columns[SUBJECT]),
                         .label = class_of(out, label),
                         .answer = class_of(out, csv_field(t, r, columns[PREDICTED])),
                         .score = number_read(number, &end)};
    if (end == number || *end || !isfinite(cell.score) || cell.label < 0 || cell.answer < 0)
      return error_set(error, LEUKO_BAD_DATA, path, "evaluate the model again",
                       "the answer for '%.120s' is not as leuko writes it", cell.path);
    out->cells[out->count++] = cell;
  }
  answers_sort(out);
  return LEUKO_OK;
}

void answers_sort(answers *a) {
  qsort(a->cells, a->count, sizeof *a->cells, compare_cells);
}

leuko_status answers_open(const char *folder, answers *out, leuko_error *error) {
  *out = (answers){0};
  char path[1024];
  leuko_status status = read_classes(folder, out, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "predictions.csv", error);
  if (status == LEUKO_OK) status = csv_read(path, ',', &out->table, error);
  if (status == LEUKO_OK) status = read_cells(path, out, error);
  if (status != LEUKO_OK) answers_close(out);
  return status;
}

void answers_close(answers *a) {
  csv_free(&a->table);
  free(a->cells);
  *a = (answers){0};
}
