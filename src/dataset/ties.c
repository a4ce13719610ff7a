#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "dataset/dataset.h"
#include "dataset/manifest.h"
#include "dataset/names.h"

/* Subjects of C-NMC 2019 that are one person, or at least share cells. The first seven pairs have
 * originals that are the same byte for byte, found as equal SHA-256 in the list of the official
 * files: 20 and 21 share 71 cells, 51 and 78 eleven, 51 and 75 ten, H2 and H4 three, H2 and H5 two,
 * H2 and H6 one, H10 and H3 one. The others have cells that were photographed or cut out twice,
 * found by 'leuko data audit' as near copies and looked at (docs/experiments.md). Held here so that
 * a re-encoded copy of the data is safe without that list and without an audit. */
static const char *const known_ties[][2] = {
    {"20", "21"},  {"51", "75"}, {"51", "78"},   {"H2", "H4"}, {"H2", "H5"}, {"H2", "H6"},
    {"H10", "H3"}, {"H2", "H7"}, {"H14", "H24"}, {"17", "20"}, {"1", "15"},  {"1", "17"}};
#define TIES (sizeof known_ties / sizeof *known_ties)

/* Whether tie `i` names the subject, or one that a tie in `of_person` names. */
static bool touches(size_t i, const char *subject, const bool *of_person) {
  for (int side = 0; side < 2; side++) {
    if (strcmp(known_ties[i][side], subject) == 0) return true;
    for (size_t k = 0; k < TIES; k++)
      if (of_person[k] && (strcmp(known_ties[i][side], known_ties[k][0]) == 0 ||
                           strcmp(known_ties[i][side], known_ties[k][1]) == 0))
        return true;
  }
  return false;
}

const char *dataset_person(const char *subject) {
  bool of_person[TIES] = {false}, grown = true;
  const char *first = subject;
  while (grown) {
    grown = false;
    for (size_t i = 0; i < TIES; i++) {
      if (of_person[i] || !touches(i, subject, of_person)) continue;
      of_person[i] = grown = true;
      for (int side = 0; side < 2; side++) {
        const char *name = known_ties[i][side];
        size_t length = strlen(name), shortest = strlen(first);
        if (length < shortest || (length == shortest && strcmp(name, first) < 0)) first = name;
      }
    }
  }
  return first;
}

bool dataset_find_manifest(const char *root, char *out, size_t size) {
  static const char *const places[] = {"cnmc2019-manifest.tsv", "../cnmc2019-manifest.tsv"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char path[PATH_MAX];
    if (file_join(path, sizeof path, root, places[i], NULL) != LEUKO_OK) continue;
    char *resolved = realpath(path, NULL);
    bool fits = resolved && strlen(resolved) < size;
    if (fits) strcpy(out, resolved);
    free(resolved);
    if (fits) return true;
  }
  return false;
}

/* Disjoint sets: every element points towards the first one of its set. */
static size_t find_set(size_t *parent, size_t element) {
  while (parent[element] != element) {
    parent[element] = parent[parent[element]];
    element = parent[element];
  }
  return element;
}

static void join_sets(size_t *parent, size_t a, size_t b) {
  a = find_set(parent, a);
  b = find_set(parent, b);
  if (a < b) parent[b] = a;
  else parent[a] = b;
}

typedef struct {
  const char *text;
  size_t index;
} keyed;

static int compare_keyed(const void *left, const void *right) {
  const keyed *a = left, *b = right;
  int order = strcmp(a->text, b->text);
  return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* Joins the elements whose keys are equal and not empty; sorts `keys`. */
static void join_equal(size_t *parent, keyed *keys, size_t count) {
  if (count) qsort(keys, count, sizeof *keys, compare_keyed);
  for (size_t i = 1; i < count; i++)
    if (keys[i].text[0] && strcmp(keys[i].text, keys[i - 1].text) == 0)
      join_sets(parent, keys[i].index, keys[i - 1].index);
}

typedef struct {
  const dataset *d;
  size_t *twin;    /* sets of samples: identical cells */
  size_t *group;   /* sets of samples: tied subjects, too */
  keyed *keys;     /* [count] workspace */
  keyed *subjects; /* one sample of each subject, sorted by name */
  size_t subject_count;
} tying;

static void find_subjects(tying *t) {
  const dataset *d = t->d;
  for (size_t i = 0; i < d->count; i++) t->subjects[i] = (keyed){d->samples[i].subject, i};
  qsort(t->subjects, d->count, sizeof *t->subjects, compare_keyed);
  for (size_t i = 0; i < d->count; i++) {
    keyed k = t->subjects[i];
    if (!k.text[0]) continue;
    size_t n = t->subject_count;
    if (n && strcmp(t->subjects[n - 1].text, k.text) == 0)
      join_sets(t->group, t->subjects[n - 1].index, k.index);
    else t->subjects[t->subject_count++] = k;
  }
}

static void tie_subjects(tying *t, const char *a, const char *b) {
  keyed wanted[2] = {{a, 0}, {b, 0}};
  size_t sample[2] = {0};
  for (int side = 0; side < 2; side++) {
    size_t low = 0, high = t->subject_count;
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      if (strcmp(t->subjects[middle].text, wanted[side].text) < 0) low = middle + 1;
      else high = middle;
    }
    if (low == t->subject_count || strcmp(t->subjects[low].text, wanted[side].text) != 0) return;
    sample[side] = t->subjects[low].index;
  }
  join_sets(t->group, sample[0], sample[1]);
}

/* What the manifest shows: which present cells come from equal originals, and which subjects share
 * originals, present or not. */
static leuko_status tie_by_manifest(tying *t, const char *path, size_t *matched,
                                    leuko_error *error) {
  const dataset *d = t->d;
  manifest m;
  leuko_status status = manifest_open(path, &m, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i];
    size_t entry = manifest_match(&m, d->root, s->path, s->sha256);
    t->keys[i] = (keyed){entry == MANIFEST_NONE ? "" : m.entries[entry].sha256, i};
    *matched += entry != MANIFEST_NONE;
  }
  join_equal(t->twin, t->keys, d->count);
  for (size_t i = 1; d->official && i < m.count; i++) {
    const manifest_entry *a = &m.entries[m.by_sha256[i - 1]], *b = &m.entries[m.by_sha256[i]];
    cell_name left, right;
    if (strcmp(a->sha256, b->sha256) == 0 && names_parse_cell(a->path, &left) &&
        names_parse_cell(b->path, &right))
      tie_subjects(t, left.subject, right.subject);
  }
  manifest_close(&m);
  return LEUKO_OK;
}

/* Numbers the sets in the order of their first samples. */
static void number_sets(dataset *d, const tying *t) {
  int groups = 0, twins = 0;
  for (size_t i = 0; i < d->count; i++) {
    size_t group = find_set(t->group, i), twin = find_set(t->twin, i);
    d->samples[i].group = group == i ? groups++ : d->samples[group].group;
    d->samples[i].twin = twin == i ? twins++ : d->samples[twin].twin;
  }
}

/* Counts from the numbered sets; t->keys[..].index serves as counters. */
static void count_ties(const dataset *d, const tying *t, dataset_ties *out) {
  out->subjects = t->subject_count;
  for (size_t i = 0; i < d->count; i++) t->keys[i].index = 0;
  for (size_t i = 0; i < t->subject_count; i++)
    out->persons += t->keys[d->samples[t->subjects[i].index].group].index++ == 0;
  for (size_t i = 0; i < t->subject_count; i++)
    out->tied_subjects += t->keys[d->samples[t->subjects[i].index].group].index > 1;
  for (size_t i = 0; i < d->count; i++) t->keys[i].index = 0;
  for (size_t i = 0; i < d->count; i++) t->keys[d->samples[i].twin].index++;
  for (size_t i = 0; i < d->count; i++) {
    const dataset_sample *s = &d->samples[i], *first = &d->samples[find_set(t->twin, i)];
    out->twins += t->keys[s->twin].index > 1;
    out->contradicting += s->label >= 0 && first->label >= 0 && s->label != first->label;
  }
}

leuko_status dataset_tie(dataset *d, const char *manifest_path, dataset_ties *ties,
                         leuko_error *error) {
  dataset_ties found = {0};
  if (d->count > INT_MAX)
    return error_set(error, LEUKO_TOO_LARGE, d->root, NULL, "%zu files are too many", d->count);
  tying t = {.d = d,
             .twin = malloc((d->count + 1) * sizeof(size_t)),
             .group = malloc((d->count + 1) * sizeof(size_t)),
             .keys = malloc((d->count + 1) * sizeof(keyed)),
             .subjects = malloc((d->count + 1) * sizeof(keyed))};
  leuko_status status = LEUKO_OK;
  if (!t.twin || !t.group || !t.keys || !t.subjects)
    status = error_set_memory(error, (d->count + 1) * (2 * sizeof(size_t) + 2 * sizeof(keyed)));
  if (status == LEUKO_OK) {
    for (size_t i = 0; i < d->count; i++) t.twin[i] = t.group[i] = i;
    for (size_t i = 0; i < d->count; i++) t.keys[i] = (keyed){d->samples[i].sha256, i};
    join_equal(t.twin, t.keys, d->count);
    for (size_t i = 0; i < d->count; i++) t.keys[i] = (keyed){d->samples[i].pixels, i};
    join_equal(t.twin, t.keys, d->count);
    find_subjects(&t);
    for (size_t i = 0; d->official && i < TIES; i++)
      tie_subjects(&t, known_ties[i][0], known_ties[i][1]);
    if (manifest_path && !d->synthetic)
      status = tie_by_manifest(&t, manifest_path, &found.matched, error);
  }
  if (status == LEUKO_OK) {
    for (size_t i = 0; i < d->count; i++) join_sets(t.group, i, find_set(t.twin, i));
    number_sets(d, &t);
    count_ties(d, &t, &found);
    if (ties) *ties = found;
  }
  free(t.twin);
  free(t.group);
  free(t.keys);
  free(t.subjects);
  return status;
}
