#include "dataset/index.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Raised whenever the meaning of a column changes; stands in the name of the file. */
#define INDEX_FORMAT "leuko-index-1"
#define RACY_NS INT64_C(2000000000)

enum { PATH, SIZE, MTIME, CTIME, INODE, SHA256, PIXELS, FORMAT, WIDTH, HEIGHT, STATUS, COLUMNS };

static const char *const column_names[COLUMNS] = {"path",  "size",   "mtime_ns", "ctime_ns",
                                                  "inode", "sha256", "pixels",   "format",
                                                  "width", "height", "status"};

/* Only what lies in the bytes themselves may be remembered: a missing permission may be given. */
static const leuko_status kept[] = {LEUKO_OK,        LEUKO_EMPTY,     LEUKO_NOT_AN_IMAGE,
                                    LEUKO_TOO_LARGE, LEUKO_TOO_SMALL, LEUKO_CORRUPT_IMAGE};

static bool status_from_name(const char *name, leuko_status *out) {
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (strcmp(name, leuko_status_name(kept[i])) != 0) continue;
    *out = kept[i];
    return true;
  }
  return false;
}

static bool status_is_kept(leuko_status status) {
  leuko_status same;
  return status_from_name(leuko_status_name(status), &same);
}

void index_open(const char *root, scan_index *out) {
  *out = (scan_index){0};
  char folder[900], subfolder[960], key[HASH_HEX], name[HASH_HEX + 4];
  hash *h;
  if (file_cache_folder(folder, sizeof folder, NULL) != LEUKO_OK ||
      file_join(subfolder, sizeof subfolder, folder, "index", NULL) != LEUKO_OK ||
      file_make_folders(subfolder, NULL) != LEUKO_OK || hash_open(&h, NULL) != LEUKO_OK)
    return;
  /* Another version may decode otherwise, so it has an index of its own. */
  hash_add(h, INDEX_FORMAT " " LEUKO_VERSION " ", sizeof INDEX_FORMAT " " LEUKO_VERSION " ");
  hash_add(h, root, strlen(root));
  if (hash_close(h, key, NULL) != LEUKO_OK) return;
  snprintf(name, sizeof name, "%s.csv", key);
  if (file_join(out->path, sizeof out->path, subfolder, name, NULL) != LEUKO_OK) {
    out->path[0] = 0;
    return;
  }
  if (csv_read(out->path, ',', &out->table, NULL) != LEUKO_OK) return;
  bool good = out->table.columns == COLUMNS;
  for (int i = 0; good && i < COLUMNS; i++)
    good = strcmp(out->table.fields[i], column_names[i]) == 0;
  if (!good) csv_free(&out->table);
}

void index_close(scan_index *x) {
  csv_free(&x->table);
}

size_t index_count(const scan_index *x) {
  return x->table.rows;
}

static bool parse_number(const char *text, int64_t *out) {
  char *end;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return !errno && end != text && !*end;
}

static bool is_hash(const char *text) {
  return strlen(text) == HASH_HEX - 1 && strspn(text, "0123456789abcdef") == HASH_HEX - 1;
}

bool index_find(const scan_index *x, const walk_file *file, dataset_sample *sample) {
  size_t low = 0, high = x->table.rows;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(csv_field(&x->table, middle, PATH), file->path) < 0) low = middle + 1;
    else high = middle;
  }
  if (low == x->table.rows || strcmp(csv_field(&x->table, low, PATH), file->path) != 0)
    return false;
  int64_t number[COLUMNS];
  static const int numeric[] = {SIZE, MTIME, CTIME, INODE, WIDTH, HEIGHT};
  for (size_t i = 0; i < sizeof numeric / sizeof *numeric; i++)
    if (!parse_number(csv_field(&x->table, low, numeric[i]), &number[numeric[i]])) return false;
  if (number[SIZE] != (int64_t)file->size || number[MTIME] != file->mtime_ns ||
      number[CTIME] != file->ctime_ns || number[INODE] != (int64_t)file->inode)
    return false;
  const char *sha256 = csv_field(&x->table, low, SHA256);
  const char *pixels = csv_field(&x->table, low, PIXELS);
  const char *format = csv_field(&x->table, low, FORMAT);
  leuko_status status;
  if (!status_from_name(csv_field(&x->table, low, STATUS), &status)) return false;
  bool usable = status == LEUKO_OK;
  if (usable ? !is_hash(sha256) || !is_hash(pixels) : pixels[0] != 0) return false;
  if (sha256[0] && !is_hash(sha256)) return false;
  if (strlen(format) >= sizeof sample->format || number[WIDTH] < 0 || number[HEIGHT] < 0 ||
      number[WIDTH] > INT32_MAX || number[HEIGHT] > INT32_MAX)
    return false;
  strcpy(sample->sha256, sha256);
  strcpy(sample->pixels, pixels);
  strcpy(sample->format, format);
  sample->width = (int)number[WIDTH];
  sample->height = (int)number[HEIGHT];
  sample->status = status;
  return true;
}

void index_write(const scan_index *x, const walk_file *files, const dataset_sample *samples,
                 const bool *known, size_t count, int64_t now_ns) {
  file_writer writer;
  if (!x->path[0] || file_writer_open(&writer, x->path, NULL) != LEUKO_OK) return;
  for (int i = 0; i < COLUMNS; i++) csv_write_field(&writer, column_names[i], i == 0);
  file_write(&writer, "\n", 1);
  for (size_t i = 0; i < count; i++) {
    const walk_file *f = &files[i];
    const dataset_sample *s = &samples[i];
    if (!known[i] || !status_is_kept(s->status)) continue;
    if (f->mtime_ns > now_ns - RACY_NS) continue;
    csv_write_field(&writer, f->path, true);
    file_printf(&writer, ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRIu64 ",%s,%s,%s,%d,%d,%s\n",
                f->size, f->mtime_ns, f->ctime_ns, f->inode, s->sha256, s->pixels, s->format,
                s->width, s->height, leuko_status_name(s->status));
  }
  file_writer_commit(&writer, NULL);
}
