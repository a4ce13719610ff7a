#include "evaluate/answers.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static leuko_status read_classes(const char *folder, answers *out, leuko_error *error) {
  char path[1024], *text;
  size_t size;
  leuko_status status = file_join(path, sizeof path, folder, "metrics.json", error);
  if (status == LEUKO_OK && !file_exists(path))
    return error_set(error, LEUKO_NOT_FOUND, folder,
                     "name a run folder, or one that 'leuko evaluate --out' has written",
                     "there are no scores (metrics.json) in it");
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

static int compare_cells(const void *a, const void *b) {
  const answers_cell *x = a, *y = b;
  int order = strcmp(x->sha256, y->sha256);
  return order ? order : strcmp(x->path, y->path);
}

/* The labelled cells that were answered. */
static leuko_status take_cells(answers *out, leuko_error *error) {
  const predictions *said = &out->said;
  out->persons = said->has_persons;
  out->cells = calloc(said->count + 1, sizeof *out->cells);
  if (!out->cells) return error_set_memory(error, said->count * sizeof *out->cells);
  for (size_t r = 0; r < said->count; r++) {
    const prediction *row = &said->rows[r];
    if (row->status == LEUKO_OK && row->label >= 0)
      out->cells[out->count++] = (answers_cell){.path = row->path,
                                                .sha256 = row->sha256,
                                                .person = row->person,
                                                .label = row->label,
                                                .answer = row->answer,
                                                .score = row->logits[0]};
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
  const char *const classes[] = {out->classes[0], out->classes[1]};
  if (status == LEUKO_OK) status = predictions_open(path, classes, 2, &out->said, error);
  if (status == LEUKO_OK) status = take_cells(out, error);
  if (status != LEUKO_OK) answers_close(out);
  return status;
}

void answers_close(answers *a) {
  predictions_close(&a->said);
  free(a->cells);
  *a = (answers){0};
}
