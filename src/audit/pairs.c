/* Files that show the same cell, and subjects who share cells. */
#include <stdlib.h>
#include <string.h>

#include "audit/steps.h"
#include "base/error.h"
#include "dataset/manifest.h"
#include "dataset/names.h"

const char *audit_pair_name(audit_pair_kind kind) {
  static const char *const names[AUDIT_PAIR_KINDS] = {"same bytes", "same pixels", "same original",
                                                      "near"};
  return names[kind];
}

unsigned audit_across(const dataset *d, const audit_pair *pair) {
  const dataset_sample *a = &d->samples[pair->a], *b = &d->samples[pair->b];
  unsigned across = 0;
  if (strcmp(a->subject, b->subject) != 0) across |= ACROSS_SUBJECTS;
  if (a->fold >= 0 && b->fold >= 0 && a->fold != b->fold) across |= ACROSS_FOLDS;
  if (a->label >= 0 && b->label >= 0 && a->label != b->label) across |= ACROSS_CLASSES;
  if (a->part != DATASET_NONE && b->part != DATASET_NONE && a->part != b->part)
    across |= ACROSS_SIDES;
  return across;
}

static int compare_pairs(const void *left, const void *right) {
  const audit_pair *a = left, *b = right;
  if ((a->kind == AUDIT_NEAR) != (b->kind == AUDIT_NEAR)) return a->kind == AUDIT_NEAR ? 1 : -1;
  if (a->correlation != b->correlation) return a->correlation > b->correlation ? -1 : 1;
  if (a->a != b->a) return a->a < b->a ? -1 : 1;
  return (a->b > b->b) - (a->b < b->b);
}

static audit_pair_kind kind_of(const dataset_sample *a, const dataset_sample *b) {
  if (strcmp(a->sha256, b->sha256) == 0) return AUDIT_SAME_BYTES;
  if (strcmp(a->pixels, b->pixels) == 0) return AUDIT_SAME_PIXELS;
  return AUDIT_SAME_ORIGINAL;
}

/* Every further cell of a set of identical ones with the first; takes the further ones' prints out
 * of the search. `first` [count] is room, filled with `count`. */
static size_t pair_twins(const audit *a, fingerprint *prints, size_t *first, audit_pair *out) {
  const dataset *d = a->d;
  size_t n = 0;
  for (size_t i = 0; i < d->count; i++) {
    if (!a->cells[i].usable) continue;
    size_t *set = &first[d->samples[i].twin];
    if (*set == d->count) {
      *set = i;
      continue;
    }
    out[n++] = (audit_pair){
        .a = *set, .b = i, .kind = kind_of(&d->samples[*set], &d->samples[i]), .correlation = 1};
    prints[i].usable = false;
  }
  return n;
}

static size_t find_root(size_t *parent, size_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/* Persons: the groups of dataset_tie, joined where near-duplicates lie in two of them. */
static leuko_status count_persons(audit *a, leuko_error *error) {
  const dataset *d = a->d;
  size_t *parent = malloc((d->count + 1) * sizeof *parent);
  bool *seen = calloc(d->count + 1, sizeof *seen);
  if (!parent || !seen) {
    free(parent);
    free(seen);
    return error_set_memory(error, (d->count + 1) * sizeof *parent);
  }
  for (size_t i = 0; i < d->count; i++) parent[i] = i;
  for (size_t i = 0; i < a->pair_count; i++) {
    const dataset_sample *s = &d->samples[a->pairs[i].a], *t = &d->samples[a->pairs[i].b];
    const size_t x = find_root(parent, (size_t)s->group), y = find_root(parent, (size_t)t->group);
    parent[x > y ? x : y] = x < y ? x : y;
  }
  for (size_t i = 0; i < d->count; i++) {
    const size_t person = find_root(parent, (size_t)d->samples[i].group);
    a->person[i] = (int)person;
    if (d->samples[i].subject[0] && !seen[person]) a->persons++;
    if (d->samples[i].subject[0]) seen[person] = true;
  }
  free(parent);
  free(seen);
  return LEUKO_OK;
}

leuko_status audit_find_pairs(audit *a, fingerprint *prints, const fingerprint_tables *tables,
                              int threads, leuko_error *error) {
  const size_t count = a->d->count;
  size_t *first = malloc((count + 1) * sizeof *first);
  audit_pair *twins = malloc((count + 1) * sizeof *twins);
  fingerprint_pair *near = NULL;
  size_t near_count = 0, twin_count = 0;
  leuko_status status = LEUKO_OK;
  if (!first || !twins) {
    status = error_set_memory(error, (count + 1) * sizeof *twins);
  } else {
    for (size_t i = 0; i <= count; i++) first[i] = count;
    twin_count = pair_twins(a, prints, first, twins);
    status = fingerprint_search(tables, prints, count, AUDIT_CORRELATION, threads, &near,
                                &near_count, error);
  }
  if (status == LEUKO_OK) {
    a->pairs = realloc(twins, (twin_count + near_count + 1) * sizeof *twins);
    if (a->pairs) twins = NULL;
    else status = error_set_memory(error, (twin_count + near_count) * sizeof *twins);
  }
  if (status == LEUKO_OK) {
    for (size_t i = 0; i < near_count; i++)
      a->pairs[twin_count + i] = (audit_pair){.a = near[i].a,
                                              .b = near[i].b,
                                              .kind = AUDIT_NEAR,
                                              .symmetry = near[i].symmetry,
                                              .correlation = near[i].correlation};
    a->pair_count = twin_count + near_count;
    if (a->pair_count) qsort(a->pairs, a->pair_count, sizeof *a->pairs, compare_pairs);
    for (size_t i = 0; i < a->pair_count; i++) {
      const audit_pair *pair = &a->pairs[i];
      const unsigned across = audit_across(a->d, pair);
      a->pairs_of[pair->kind]++;
      for (int k = 0; k < 4; k++) a->across[pair->kind][k] += across >> k & 1;
    }
    status = count_persons(a, error);
  }
  free(first);
  free(twins);
  free(near);
  return status;
}

/* One reason to tie two subjects. */
typedef struct {
  const char *a, *b;
  int kind; /* audit_pair_kind, or one of these */
} reason;
enum { REASON_ORIGINAL = AUDIT_PAIR_KINDS, REASON_ORIGINAL_HERE };

typedef struct {
  reason *items;
  size_t count, capacity;
} reasons;

static int compare_reasons(const void *left, const void *right) {
  const reason *x = left, *y = right;
  const int a = strverscmp(x->a, y->a), b = strverscmp(x->b, y->b);
  return a ? a : b;
}

static leuko_status add_reason(reasons *r, const char *a, const char *b, int kind,
                               leuko_error *error) {
  const int order = strverscmp(a, b);
  if (order == 0 || !a[0] || !b[0]) return LEUKO_OK;
  if (r->count == r->capacity) {
    const size_t capacity = r->capacity ? 2 * r->capacity : 256;
    reason *items = realloc(r->items, capacity * sizeof *items);
    if (!items) return error_set_memory(error, capacity * sizeof *items);
    r->items = items;
    r->capacity = capacity;
  }
  r->items[r->count++] = (reason){order < 0 ? a : b, order < 0 ? b : a, kind};
  return LEUKO_OK;
}

typedef struct {
  const char *name; /* of a subject that is here */
  int group;
} subject;

static int compare_subjects(const void *left, const void *right) {
  const subject *a = left, *b = right;
  return strcmp(a->name, b->name);
}

typedef struct {
  subject *items;
  size_t count;
} subjects;

static leuko_status list_subjects(const dataset *d, subjects *s, leuko_error *error) {
  s->items = malloc((d->count + 1) * sizeof *s->items);
  if (!s->items) return error_set_memory(error, (d->count + 1) * sizeof *s->items);
  size_t n = 0;
  for (size_t i = 0; i < d->count; i++)
    if (d->samples[i].subject[0])
      s->items[n++] = (subject){d->samples[i].subject, d->samples[i].group};
  if (n) qsort(s->items, n, sizeof *s->items, compare_subjects);
  s->count = 0;
  for (size_t i = 0; i < n; i++)
    if (s->count == 0 || compare_subjects(&s->items[s->count - 1], &s->items[i]) != 0)
      s->items[s->count++] = s->items[i];
  return LEUKO_OK;
}

static const subject *find_subject(const subjects *s, const char *name) {
  const subject wanted = {.name = name};
  return s->count ? bsearch(&wanted, s->items, s->count, sizeof wanted, compare_subjects) : NULL;
}

/* Two entries of one original, under names of different subjects who are both here. `here`
 * [m.count] tells which entries have a file. */
static leuko_status compare_originals(const manifest *m, const bool *here, const subjects *s,
                                      size_t i, size_t j, reasons *r, leuko_error *error) {
  const size_t x = m->by_sha256[i], y = m->by_sha256[j];
  cell_name left, right;
  if (!names_parse_cell(m->entries[x].path, &left) || !names_parse_cell(m->entries[y].path, &right))
    return LEUKO_OK;
  const subject *a = find_subject(s, left.subject), *b = find_subject(s, right.subject);
  if (!a || !b) return LEUKO_OK;
  leuko_status status = add_reason(r, a->name, b->name, REASON_ORIGINAL, error);
  if (status == LEUKO_OK && here[x] && here[y])
    status = add_reason(r, a->name, b->name, REASON_ORIGINAL_HERE, error);
  return status;
}

static leuko_status compare_manifest(const audit *a, const subjects *s, reasons *r,
                                     leuko_error *error) {
  manifest m;
  leuko_status status = manifest_open(a->manifest, &m, error);
  if (status != LEUKO_OK) return status;
  bool *here = calloc(m.count + 1, sizeof *here);
  if (!here) status = error_set_memory(error, m.count + 1);
  for (size_t i = 0; status == LEUKO_OK && i < a->d->count; i++) {
    const dataset_sample *t = &a->d->samples[i];
    const size_t entry = manifest_match(&m, a->d->root, t->path, t->sha256);
    if (entry != MANIFEST_NONE) here[entry] = true;
  }
  for (size_t i = 0; status == LEUKO_OK && i < m.count; i++)
    for (size_t j = i + 1;
         status == LEUKO_OK && j < m.count &&
         strcmp(m.entries[m.by_sha256[i]].sha256, m.entries[m.by_sha256[j]].sha256) == 0;
         j++)
      status = compare_originals(&m, here, s, i, j, r, error);
  free(here);
  manifest_close(&m);
  return status;
}

static leuko_status sum_reasons(audit *a, const reasons *r, const subjects *s, leuko_error *error) {
  a->tied = calloc(r->count + 1, sizeof *a->tied);
  if (!a->tied) return error_set_memory(error, (r->count + 1) * sizeof *a->tied);
  for (size_t i = 0; i < r->count; i++) {
    const reason *why = &r->items[i];
    if (i == 0 || compare_reasons(why, &r->items[i - 1]) != 0) {
      audit_tie *tie = &a->tied[a->tied_count++];
      *tie = (audit_tie){.a = why->a, .b = why->b};
      tie->known = find_subject(s, why->a)->group == find_subject(s, why->b)->group;
    }
    audit_tie *tie = &a->tied[a->tied_count - 1];
    if (why->kind == REASON_ORIGINAL) tie->originals++;
    else if (why->kind == REASON_ORIGINAL_HERE) tie->originals_here++;
    else tie->pairs[why->kind]++;
  }
  return LEUKO_OK;
}

leuko_status audit_find_ties(audit *a, leuko_error *error) {
  reasons r = {0};
  subjects s = {0};
  leuko_status status = list_subjects(a->d, &s, error);
  for (size_t i = 0; status == LEUKO_OK && i < a->pair_count; i++)
    status = add_reason(&r, a->d->samples[a->pairs[i].a].subject,
                        a->d->samples[a->pairs[i].b].subject, (int)a->pairs[i].kind, error);
  if (status == LEUKO_OK && a->manifest && !a->d->synthetic)
    status = compare_manifest(a, &s, &r, error);
  if (status == LEUKO_OK) {
    if (r.count) qsort(r.items, r.count, sizeof *r.items, compare_reasons);
    status = sum_reasons(a, &r, &s, error);
  }
  free(r.items);
  free(s.items);
  return status;
}
