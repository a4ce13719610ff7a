#include "cli/trained_on.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "cli/models.h"

static int compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool among(const char *text, const char **sorted, size_t count) {
  return text[0] && bsearch(&text, sorted, count, sizeof *sorted, compare);
}

/* The person of a subject: ties are known among real cells of C-NMC only. */
static const char *person_of(const dataset *set, const char *subject) {
  return set->official ? dataset_person(subject) : subject;
}

/* Marks in known [set->count] what the split's training side knows. */
static leuko_status mark(const char *path, const dataset *set, bool *known, leuko_error *error) {
  csv table;
  leuko_status status = csv_read(path, ',', &table, error);
  if (status != LEUKO_OK) return status;
  const int sha = csv_column(&table, "sha256"), subject = csv_column(&table, "subject"),
            part = csv_column(&table, "part");
  const char **hashes = calloc(table.rows + 1, sizeof *hashes);
  const char **persons = calloc(table.rows + 1, sizeof *persons);
  bool *groups = calloc(set->count + 1, sizeof *groups);
  size_t count = 0;
  if (!hashes || !persons || !groups) status = error_set_memory(error, table.rows * sizeof *hashes);
  else if (sha < 0 || subject < 0 || part < 0)
    status = error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                       "the columns sha256, subject and part are needed");
  for (size_t r = 0; status == LEUKO_OK && r < table.rows; r++) {
    if (strcmp(csv_field(&table, r, part), "train") != 0) continue;
    hashes[count] = csv_field(&table, r, sha);
    persons[count++] = person_of(set, csv_field(&table, r, subject));
  }
  if (status == LEUKO_OK) {
    qsort(hashes, count, sizeof *hashes, compare);
    qsort(persons, count, sizeof *persons, compare);
    /* A group is numbered by one of its cells. */
    for (size_t i = 0; i < set->count; i++)
      if (among(set->samples[i].sha256, hashes, count) ||
          among(person_of(set, set->samples[i].subject), persons, count))
        groups[set->samples[i].group] = true;
    for (size_t i = 0; i < set->count; i++) known[i] |= groups[set->samples[i].group];
  }
  free(hashes);
  free(persons);
  free(groups);
  csv_free(&table);
  return status;
}

leuko_status trained_on_mark(const char *from, const dataset *set, bool *known, bool *told,
                             leuko_error *error) {
  char path[2048];
  *told = models_beside(from, "split.csv", path, sizeof path);
  return *told ? mark(path, set, known, error) : LEUKO_OK;
}

leuko_status trained_on(const ensemble *models, const dataset *set, dataset_part part,
                        size_t *cells, bool *told, leuko_error *error) {
  *cells = 0;
  if (told) *told = true;
  bool *known = calloc(set->count + 1, sizeof *known);
  leuko_status status = known ? LEUKO_OK : error_set_memory(error, set->count);
  for (int k = 0; status == LEUKO_OK && k < models->count; k++) {
    bool here;
    status = trained_on_mark(models->paths[k], set, known, &here, error);
    if (told) *told &= here;
  }
  for (size_t i = 0; status == LEUKO_OK && i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    *cells += known[i] && s->label >= 0 && (part == DATASET_NONE || s->part == part);
  }
  free(known);
  return status;
}
