#include "dataset/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "dataset/names.h"

static int compare_stem(const manifest_entry *e, const char *stem, size_t length) {
  size_t shorter = e->stem_length < length ? e->stem_length : length;
  int order = strncasecmp(e->stem, stem, shorter);
  return order ? order : (e->stem_length > length) - (e->stem_length < length);
}

static int compare_entries(const void *left, const void *right) {
  const manifest_entry *a = left, *b = right;
  int order = compare_stem(a, b->stem, b->stem_length);
  return order ? order : strcmp(a->path, b->path);
}

static int compare_sha256(const void *left, const void *right, void *context) {
  const manifest *m = context;
  size_t a, b;
  memcpy(&a, left, sizeof a);
  memcpy(&b, right, sizeof b);
  int order = strcmp(m->entries[a].sha256, m->entries[b].sha256);
  return order ? order : (a > b) - (a < b);
}

static leuko_status read_entries(manifest *m, const char *path, leuko_error *error) {
  const csv *t = &m->table;
  int file = csv_column(t, "path"), bytes = csv_column(t, "bytes");
  int sha256 = csv_column(t, "sha256");
  if (file < 0 || bytes < 0 || sha256 < 0)
    return error_set(
        error, LEUKO_BAD_CSV, path, "see docs/formats.md",
        "line 1: not a manifest, the columns path, bytes and sha256 are not all there");
  m->entries = calloc(t->rows + 1, sizeof *m->entries);
  m->by_sha256 = calloc(t->rows + 1, sizeof *m->by_sha256);
  if (!m->entries || !m->by_sha256)
    return error_set_memory(error, (t->rows + 1) * sizeof *m->entries);
  for (size_t i = 0; i < t->rows; i++) {
    manifest_entry *e = &m->entries[i];
    const char *size = csv_field(t, i, bytes);
    char *end;
    errno = 0;
    e->path = csv_field(t, i, file);
    e->stem = names_base(e->path);
    e->stem_length = names_stem_length(e->stem);
    e->sha256 = csv_field(t, i, sha256);
    e->bytes = strtoull(size, &end, 10);
    if (errno || end == size || *end || size[0] == '-' || !e->path[0] ||
        strlen(e->sha256) != HASH_HEX - 1 || strspn(e->sha256, "0123456789abcdef") != HASH_HEX - 1)
      return error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                       "line %zu is not a path, a number of bytes and a SHA-256", i + 2);
  }
  m->count = t->rows;
  for (size_t i = 0; i < m->count; i++) m->by_sha256[i] = i;
  if (m->count) {
    qsort(m->entries, m->count, sizeof *m->entries, compare_entries);
    qsort_r(m->by_sha256, m->count, sizeof *m->by_sha256, compare_sha256, m);
  }
  for (size_t i = 1; i < m->count; i++)
    if (strcmp(m->entries[i - 1].path, m->entries[i].path) == 0)
      return error_set(error, LEUKO_BAD_CSV, path, NULL, "two lines name '%s'", m->entries[i].path);
  return LEUKO_OK;
}

leuko_status manifest_open(const char *path, manifest *out, leuko_error *error) {
  *out = (manifest){0};
  leuko_status status = csv_read(path, '\t', &out->table, error);
  if (status == LEUKO_OK && out->table.columns < 2) {
    csv_free(&out->table);
    status = csv_read(path, ',', &out->table, error);
  }
  if (status == LEUKO_OK) status = read_entries(out, path, error);
  if (status != LEUKO_OK) manifest_close(out);
  return status;
}

void manifest_close(manifest *m) {
  free(m->entries);
  free(m->by_sha256);
  csv_free(&m->table);
  *m = (manifest){0};
}

/* How many folders, from the innermost on, root/path and the entry have in common. */
static size_t common_folders(const char *root, const char *path, const char *entry) {
  for (size_t up = 0, in_root = 0;; up++) {
    size_t length, wanted_length;
    const char *wanted = names_folder(entry, up, &wanted_length);
    const char *folder = names_folder(path, up, &length);
    if (!folder) { /* above the root: its own last parts */
      size_t end = strlen(root);
      for (size_t skip = 0; skip < in_root && end > 0; skip++)
        while (end > 0 && root[--end] != '/') continue;
      size_t start = end;
      while (start > 0 && root[start - 1] != '/') start--;
      folder = root + start;
      length = end - start;
      in_root++;
    }
    if (!wanted || length == 0 || length != wanted_length ||
        strncasecmp(folder, wanted, length) != 0)
      return up;
  }
}

static size_t match_sha256(const manifest *m, const char *sha256) {
  size_t low = 0, high = m->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(m->entries[m->by_sha256[middle]].sha256, sha256) < 0) low = middle + 1;
    else high = middle;
  }
  if (low == m->count || strcmp(m->entries[m->by_sha256[low]].sha256, sha256) != 0)
    return MANIFEST_NONE;
  return m->by_sha256[low];
}

size_t manifest_match(const manifest *m, const char *root, const char *path, const char *sha256) {
  const char *base = names_base(path);
  size_t stem = names_stem_length(base);
  size_t low = 0, high = m->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_stem(&m->entries[middle], base, stem) < 0) low = middle + 1;
    else high = middle;
  }
  cell_name cell;
  bool telling = names_parse_cell(path, &cell), ambiguous = false;
  size_t best = MANIFEST_NONE, best_common = 0;
  for (; low < m->count && compare_stem(&m->entries[low], base, stem) == 0; low++) {
    size_t common = common_folders(root, path, m->entries[low].path);
    if (common == 0 && !telling) continue;
    if (best != MANIFEST_NONE && common == best_common) ambiguous = true;
    if (best != MANIFEST_NONE && common <= best_common) continue;
    best = low;
    best_common = common;
    ambiguous = false;
  }
  if (best != MANIFEST_NONE && !ambiguous) return best;
  return sha256[0] ? match_sha256(m, sha256) : MANIFEST_NONE;
}
