#include "audit/audit.h"

#include <stdlib.h>
#include <string.h>

#include "audit/steps.h"
#include "base/error.h"

static int compare_names(const void *left, const void *right) {
  const char *a, *b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  return strverscmp(a, b);
}

/* Which subjects of the split have themselves or another name of their person, near-duplicates
 * counted, on the other side. */
static leuko_status find_person_leaks(audit *a, leuko_error *error) {
  const dataset *d = a->d;
  uint8_t *sides = calloc(d->count + 1, 1); /* of each person: 1 train, 2 test */
  a->leaking = malloc((d->count + 1) * sizeof *a->leaking);
  if (!sides || !a->leaking) {
    free(sides);
    return error_set_memory(error, (d->count + 1) * sizeof *a->leaking);
  }
  for (size_t i = 0; i < d->count; i++) {
    const dataset_part part = d->samples[i].part;
    if (part == DATASET_NONE) continue;
    a->split_cells[part == DATASET_TEST]++;
    sides[a->person[i]] |= part == DATASET_TRAIN ? 1 : 2;
  }
  size_t cells = 0;
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    if (s->part != DATASET_NONE && s->subject[0] && sides[a->person[i]] == 3)
      a->leaking[cells++] = s->subject;
  }
  if (cells) qsort(a->leaking, cells, sizeof *a->leaking, compare_names);
  for (size_t i = 0; i < cells; i++)
    if (i == 0 || strcmp(a->leaking[i], a->leaking[a->person_leaks - 1]) != 0)
      a->leaking[a->person_leaks++] = a->leaking[i];
  free(sides);
  return LEUKO_OK;
}

leuko_status audit_find_leaks(audit *a, leuko_error *error) {
  if (!a->split) return LEUKO_OK;
  dataset_leaks(a->d, &a->leaks);
  return find_person_leaks(a, error);
}

static leuko_status copy_text(const char *text, char **out, leuko_error *error) {
  *out = text ? strdup(text) : NULL;
  return !text || *out ? LEUKO_OK : error_set_memory(error, strlen(text) + 1);
}

leuko_status audit_run(dataset *d, const audit_options *options, const progress *p, audit *out,
                       leuko_error *error) {
  *out = (audit){.d = d,
                 .cells = calloc(d->count + 1, sizeof *out->cells),
                 .person = calloc(d->count + 1, sizeof *out->person)};
  fingerprint *prints = calloc(d->count + 1, sizeof *prints);
  fingerprint_tables *tables = malloc(sizeof *tables);
  leuko_status status = LEUKO_OK;
  if (!out->cells || !out->person || !prints || !tables)
    status = error_set_memory(error, (d->count + 1) * sizeof *prints);
  if (status == LEUKO_OK) status = copy_text(options->manifest, &out->manifest, error);
  if (status == LEUKO_OK) status = copy_text(options->split, &out->split, error);
  if (status == LEUKO_OK && options->split) status = dataset_read_split(d, options->split, error);
  if (status == LEUKO_OK) status = dataset_tie(d, options->manifest, &out->ties, error);
  if (status == LEUKO_OK) {
    fingerprint_open(tables);
    status = audit_read_cells(out, prints, tables, options->threads, p, error);
  }
  if (status == LEUKO_OK) status = audit_mark_cells(out, error);
  if (status == LEUKO_OK) status = audit_find_pairs(out, prints, tables, options->threads, error);
  if (status == LEUKO_OK) status = audit_find_ties(out, error);
  if (status == LEUKO_OK) status = audit_find_clues(out, error);
  if (status == LEUKO_OK) status = audit_find_leaks(out, error);
  if (status == LEUKO_OK) status = audit_find_words(out, error);
  free(prints);
  free(tables);
  if (status != LEUKO_OK) audit_free(out);
  return status;
}

void audit_free(audit *a) {
  free(a->manifest);
  free(a->split);
  free(a->cells);
  free(a->pairs);
  free(a->tied);
  free(a->person);
  free(a->leaking);
  for (size_t i = 0; i < a->finding_count; i++) free(a->findings[i]);
  free(a->findings);
  *a = (audit){0};
}
