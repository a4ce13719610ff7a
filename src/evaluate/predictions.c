#include "evaluate/predictions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

enum { PATH_OF, SHA256, SUBJECT, LABEL, P, PREDICTED, STATUS, NEEDED };
static const char *const needed[NEEDED] = {"path", "sha256",    "subject", "label",
                                           "p",    "predicted", "status"};

typedef struct {
  int needed[NEEDED];
  int logits[LEUKO_MAX_CLASSES]; /* with two classes the first may be -1: of p */
  int person, reason, fold;      /* -1: not there */
} columns;

static leuko_status find_columns(const csv *t, const char *path, const char *const *classes,
                                 int class_count, columns *out, leuko_error *error) {
  const char *missing = NULL;
  char name[64];
  for (int c = 0; c < NEEDED; c++)
    if ((out->needed[c] = csv_column(t, needed[c])) < 0) missing = needed[c];
  out->logits[0] = csv_column(t, "logit");
  for (int c = 0; class_count > 2 && c < class_count && !missing; c++) {
    snprintf(name, sizeof name, "logit_%.50s", classes[c]);
    if ((out->logits[c] = csv_column(t, name)) < 0) missing = name;
  }
  out->person = csv_column(t, "person");
  out->reason = csv_column(t, "reason");
  out->fold = csv_column(t, "fold");
  if (!missing) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_CSV, path, "make the answers again",
                   "the column '%s' is missing", missing);
}

/* The status of that name; of none, that it is no good. */
static leuko_status status_of(const char *name) {
  for (int s = 0; s < LEUKO_STATUS_COUNT; s++)
    if (strcmp(leuko_status_name((leuko_status)s), name) == 0) return (leuko_status)s;
  return LEUKO_BAD_DATA;
}

/* False for a name that is none. */
static bool read_reason(const char *name, leuko_reason *out) {
  for (int k = 1; k < LEUKO_REASON_COUNT; k++)
    if (strcmp(leuko_reason_name((leuko_reason)k), name) == 0) *out = (leuko_reason)k;
  return !name[0] || *out != LEUKO_REASON_NONE;
}

static int class_of(const char *const *classes, int class_count, const char *name) {
  for (int c = 0; c < class_count; c++)
    if (strcmp(classes[c], name) == 0) return c;
  return -1;
}

static bool read_finite(const char *text, double *out) {
  char *end;
  *out = number_read(text, &end);
  return end != text && !*end && isfinite(*out);
}

/* The logit of a probability that was written with nine digits. */
static double logit_of(double p) {
  const double least = 1e-10;
  p = fmin(fmax(p, least), 1 - least);
  return log(p / (1 - p));
}

/* False where the row is not as leuko writes it. */
static bool read_row(const csv *t, size_t r, const columns *at, const char *const *classes,
                     int class_count, double *logits, prediction *out) {
  const char *label = csv_field(t, r, at->needed[LABEL]);
  const char *answer = csv_field(t, r, at->needed[PREDICTED]);
  const size_t width = class_count == 2 ? 1 : (size_t)class_count;
  *out = (prediction){.path = csv_field(t, r, at->needed[PATH_OF]),
                      .sha256 = csv_field(t, r, at->needed[SHA256]),
                      .subject = csv_field(t, r, at->needed[SUBJECT]),
                      .label = class_of(classes, class_count, label),
                      .answer = class_of(classes, class_count, answer),
                      .logits = logits,
                      .status = status_of(csv_field(t, r, at->needed[STATUS]))};
  out->person = at->person >= 0 ? csv_field(t, r, at->person) : out->subject;
  if (at->fold >= 0) out->fold = (int)strtol(csv_field(t, r, at->fold), NULL, 10);
  for (size_t c = 0; c < width; c++) logits[c] = NAN;
  if (label[0] && out->label < 0) return false;
  if (out->status != LEUKO_OK) return true;
  if (at->reason >= 0 && !read_reason(csv_field(t, r, at->reason), &out->reason)) return false;
  if (out->answer < 0) return false;
  if (class_count == 2 && at->logits[0] < 0) {
    if (!read_finite(csv_field(t, r, at->needed[P]), logits)) return false;
    *logits = logit_of(*logits);
    return true;
  }
  for (size_t c = 0; c < width; c++)
    if (!read_finite(csv_field(t, r, at->logits[c]), &logits[c])) return false;
  return true;
}

leuko_status predictions_open(const char *path, const char *const *classes, int class_count,
                              predictions *out, leuko_error *error) {
  *out = (predictions){0};
  columns at;
  leuko_status status = csv_read(path, ',', &out->table, error);
  if (status == LEUKO_OK)
    status = find_columns(&out->table, path, classes, class_count, &at, error);
  if (status != LEUKO_OK) return status;
  const size_t rows = out->table.rows, width = class_count == 2 ? 1 : (size_t)class_count;
  out->rows = calloc(rows + 1, sizeof *out->rows);
  out->logits = calloc((rows + 1) * width, sizeof *out->logits);
  if (!out->rows || !out->logits) return error_set_memory(error, rows * sizeof *out->rows);
  out->has_persons = at.person >= 0;
  out->has_reasons = at.reason >= 0;
  for (; out->count < rows; out->count++)
    if (!read_row(&out->table, out->count, &at, classes, class_count,
                  out->logits + out->count * width, &out->rows[out->count]))
      return error_set(error, LEUKO_BAD_DATA, path, "make the answers again",
                       "line %zu, '%.120s', is not as leuko writes it", out->count + 2,
                       out->rows[out->count].path);
  return LEUKO_OK;
}

void predictions_close(predictions *p) {
  csv_free(&p->table);
  free(p->rows);
  free(p->logits);
  *p = (predictions){0};
}

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

leuko_status predictions_take(const char *path, const evaluate_input *input,
                              evaluate_sample *samples, double *logits, bool *rejects,
                              leuko_error *error) {
  predictions said;
  const size_t width = input->class_count == 2 ? 1 : (size_t)input->class_count;
  leuko_status status = predictions_open(path, input->classes, input->class_count, &said, error);
  if (status == LEUKO_OK) *rejects &= said.has_reasons;
  for (size_t r = 0; status == LEUKO_OK && r < said.count; r++) {
    const prediction *row = &said.rows[r];
    const size_t at = find(input, row->path);
    if (at == input->count || strcmp(samples[at].sha256, row->sha256) != 0) {
      status = error_set(error, LEUKO_MISMATCH, path, "make the answers again",
                         "line %zu is of another cell than those at hand", r + 2);
      break;
    }
    samples[at].reason = row->reason;
    for (size_t c = 0; c < width; c++) logits[at * width + c] = (double)(float)row->logits[c];
  }
  predictions_close(&said);
  return status;
}
