/* Logits back from predictions.csv. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/number.h"
#include "evaluate/evaluate.h"

/* Index of the sample of that path, or input->count. */
static size_t find(const evaluate_input *input, const char *path) {
  size_t low = 0, high = input->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(input->samples[middle].path, path);
    if (order == 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return input->count;
}

/* The columns of the logits, one with two classes; -1 for one that is missing. */
static void find_columns(const csv *table, const evaluate_input *input, int *out) {
  if (input->class_count == 2) {
    out[0] = csv_column(table, "logit");
    return;
  }
  for (int c = 0; c < input->class_count; c++) {
    char name[64];
    snprintf(name, sizeof name, "logit_%.50s", input->classes[c]);
    out[c] = csv_column(table, name);
  }
}

leuko_status evaluate_read_logits(const char *path, const evaluate_input *input, double *logits,
                                  leuko_error *error) {
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  const size_t width = input->class_count == 2 ? 1 : (size_t)input->class_count;
  int columns[LEUKO_MAX_CLASSES];
  const int name = csv_column(&table, "path"), sha256 = csv_column(&table, "sha256");
  find_columns(&table, input, columns);
  bool complete = name >= 0 && sha256 >= 0;
  for (size_t c = 0; c < width; c++) complete &= columns[c] >= 0;
  if (!complete)
    status = error_set(error, LEUKO_BAD_CSV, path, NULL, "a column of the predictions is missing");
  for (size_t r = 0; status == LEUKO_OK && r < table.rows; r++) {
    const size_t at = find(input, csv_field(&table, r, name));
    if (at == input->count ||
        strcmp(input->samples[at].sha256, csv_field(&table, r, sha256)) != 0) {
      status = error_set(error, LEUKO_MISMATCH, path, "train that fold again",
                         "line %zu is of another cell than those at hand", r + 2);
      break;
    }
    for (size_t c = 0; c < width; c++) {
      char *end;
      const char *text = csv_field(&table, r, columns[c]);
      logits[at * width + c] = (double)(float)number_read(text, &end);
      if (end == text || *end || !isfinite(logits[at * width + c]))
        status = error_set(error, LEUKO_BAD_DATA, path, "train that fold again",
                           "line %zu: the logit is not a finite number", r + 2);
    }
  }
  csv_free(&table);
  return status;
}
