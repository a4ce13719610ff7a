#include "cli/by_subject.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "dataset/dataset.h"
#include "dataset/names.h"

#define SENTENCE 400

/* Whether the cells of that file's folder, or of one above it, say that they are drawn. */
static bool is_drawn(const char *path) {
  for (size_t up = 0;; up++) {
    char mark[PATH_MAX];
    size_t length;
    const char *folder = names_folder(path, up, &length);
    snprintf(mark, sizeof mark, "%.*s%sSYNTHETIC.txt", folder ? (int)(folder + length - path) : 0,
             path, folder ? "/" : "");
    if (file_exists(mark)) return true;
    if (!folder) return false;
  }
}

/* The name of whom a file's cell is, into out [size]; "" where nothing tells. */
static void name_of(const char *path, bool by_folder, char *out, size_t size) {
  cell_name name;
  size_t length;
  out[0] = 0;
  if (by_folder) {
    const char *folder = names_folder(path, 0, &length);
    if (folder) snprintf(out, size, "%.*s", (int)(folder + length - path), path);
  } else if (names_parse_cell(path, &name)) {
    snprintf(out, size, "%s", is_drawn(path) ? name.subject : dataset_person(name.subject));
  }
}

typedef struct {
  char *name;
  const leuko_answer *answer;
} owned;

static int compare(const void *a, const void *b) {
  const owned *x = a, *y = b;
  if (!x->name[0] != !y->name[0]) return x->name[0] ? -1 : 1;
  return strverscmp(x->name, y->name);
}

static subject_answers gather(const owned *first, size_t count, const model *m) {
  subject_answers s = {0};
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    const leuko_answer *answer = first[i].answer;
    if (answer->status != LEUKO_OK) {
      s.refused++;
      continue;
    }
    if (answer->reason != LEUKO_REASON_NONE) {
      s.rejected++;
      s.reasons[answer->reason]++;
      continue;
    }
    s.cells++;
    s.positive += answer->label_index == m->positive;
    sum += answer->p;
  }
  s.share = s.cells ? (double)s.positive / (double)s.cells : NAN;
  s.mean_p = s.cells ? sum / (double)s.cells : NAN;
  s.interval = stats_proportion_interval(s.positive, s.cells);
  return s;
}

leuko_status by_subject(const input_list *list, const leuko_answer *answers, const model *m,
                        bool by_folder, subject_list *out, leuko_error *error) {
  *out = (subject_list){0};
  if (m->positive < 0)
    return error_set(error, LEUKO_ARGUMENT, NULL, "name a model of two classes",
                     "a share is given of two classes only");
  snprintf(out->positive, sizeof out->positive, "%s", m->classes[m->positive]);
  owned *cells = calloc(list->count, sizeof *cells);
  out->items = calloc(list->count, sizeof *out->items);
  leuko_status status = LEUKO_OK;
  if (!cells || !out->items) status = error_set_memory(error, list->count * sizeof *out->items);
  for (size_t i = 0; status == LEUKO_OK && i < list->count; i++) {
    char name[PATH_MAX];
    name_of(list->items[i].path, by_folder, name, sizeof name);
    cells[i] = (owned){strdup(name), &answers[i]};
    if (!cells[i].name) status = error_set_memory(error, strlen(name) + 1);
  }
  if (status == LEUKO_OK) qsort(cells, list->count, sizeof *cells, compare);
  for (size_t first = 0, end; status == LEUKO_OK && first < list->count; first = end) {
    for (end = first + 1; end < list->count && strcmp(cells[end].name, cells[first].name) == 0;)
      end++;
    subject_answers *s = &out->items[out->count++];
    *s = gather(cells + first, end - first, m);
    s->name = cells[first].name;
    cells[first].name = NULL;
  }
  for (size_t i = 0; cells && i < list->count; i++) free(cells[i].name);
  free(cells);
  if (status != LEUKO_OK) by_subject_free(out);
  return status;
}

void by_subject_free(subject_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i].name);
  free(list->items);
  *list = (subject_list){0};
}

/* "2 blurred, 1 small" into out [size]; "" where nothing was rejected. */
static void list_reasons(const subject_answers *s, char *out, size_t size) {
  size_t used = 0;
  out[0] = 0;
  for (int r = 0; r < LEUKO_REASON_COUNT; r++)
    if (s->reasons[r] > 0 && used < size)
      used += (size_t)snprintf(out + used, size - used, "%s%zu %s", used ? ", " : "", s->reasons[r],
                               leuko_reason_name((leuko_reason)r));
}

static void sentence(const subject_list *list, const subject_answers *s, char *out, size_t size) {
  char what[64];
  if (strcasecmp(list->positive, "all") == 0) snprintf(what, sizeof what, "look leukemic");
  else snprintf(what, sizeof what, "are answered '%.32s'", list->positive);
  int used;
  if (s->cells == 0) used = snprintf(out, size, "no cell is answered");
  else
    used = snprintf(out, size, "%zu of %zu cells %s (%.0f %%, 95 %% interval %.0f to %.0f %%)",
                    s->positive, s->cells, what, 100 * s->share, 100 * s->interval.low,
                    100 * s->interval.high);
  if (s->rejected > 0) {
    char reasons[160];
    list_reasons(s, reasons, sizeof reasons);
    used += snprintf(out + used, size - (size_t)used, "; %zu rejected (%s)", s->rejected, reasons);
  }
  snprintf(out + used, size - (size_t)used, "; research use only, no diagnosis");
}

void by_subject_print(const subject_list *list) {
  table t = {.columns = 9};
  static const char *const heads[] = {"subject", "cells",  NULL,      "share",   "low",
                                      "high",    "mean p", "refused", "rejected"};
  for (size_t c = 0; c < t.columns; c++) table_add(&t, "%s", heads[c] ? heads[c] : list->positive);
  for (size_t i = 0; i < list->count; i++) {
    const subject_answers *s = &list->items[i];
    table_add(&t, "%s", s->name[0] ? s->name : "(not known)");
    table_add(&t, "%zu", s->cells);
    table_add(&t, "%zu", s->positive);
    const double values[] = {s->share, s->interval.low, s->interval.high, s->mean_p};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
      if (s->cells > 0) table_add(&t, "%.4f", values[v]);
      else table_add(&t, "-");
    table_add(&t, "%zu", s->refused);
    table_add(&t, "%zu", s->rejected);
  }
  table_print(&t, stdout);
  for (size_t i = 0; i < list->count; i++) {
    char text[SENTENCE];
    sentence(list, &list->items[i], text, sizeof text);
    printf("%s: %s.\n",
           list->items[i].name[0] ? list->items[i].name : "Cells that no name tells the subject of",
           text);
  }
  printf("The interval speaks of more cells of the same kind from the same person. That "
         "the model errs more in some persons than in others is not in it.\n");
}

void by_subject_print_csv(const subject_list *list) {
  printf("subject,cells,positive,share,low,high,mean_p,refused,rejected,reasons\n");
  for (size_t i = 0; i < list->count; i++) {
    const subject_answers *s = &list->items[i];
    cli_print_csv_field(s->name);
    printf(",%zu,%zu", s->cells, s->positive);
    if (s->cells > 0)
      printf(",%.6f,%.6f,%.6f,%.6f", s->share, s->interval.low, s->interval.high, s->mean_p);
    else printf(",,,,");
    char reasons[160];
    list_reasons(s, reasons, sizeof reasons);
    printf(",%zu,%zu,", s->refused, s->rejected);
    cli_print_csv_field(reasons);
    putchar('\n');
  }
}

json_t *by_subject_json(const subject_list *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    const subject_answers *s = &list->items[i];
    char text[SENTENCE];
    sentence(list, s, text, sizeof text);
    json_t *row = json_object();
    json_object_set_new(row, "subject", s->name[0] ? text_json(s->name) : json_null());
    json_object_set_new(row, "cells", json_integer((json_int_t)s->cells));
    json_object_set_new(row, "positive", json_integer((json_int_t)s->positive));
    json_object_set_new(row, "share", s->cells ? json_real(s->share) : json_null());
    json_object_set_new(row, "interval",
                        s->cells ? json_pack("[f,f]", s->interval.low, s->interval.high)
                                 : json_null());
    json_object_set_new(row, "mean_p", s->cells ? json_real(s->mean_p) : json_null());
    json_object_set_new(row, "refused", json_integer((json_int_t)s->refused));
    json_t *reasons = json_object();
    for (int r = 0; r < LEUKO_REASON_COUNT; r++)
      if (s->reasons[r] > 0)
        json_object_set_new(reasons, leuko_reason_name((leuko_reason)r),
                            json_integer((json_int_t)s->reasons[r]));
    json_object_set_new(row, "rejected", json_integer((json_int_t)s->rejected));
    json_object_set_new(row, "reasons", reasons);
    json_object_set_new(row, "sentence", json_string(text));
    json_array_append_new(array, row);
  }
  return array;
}
