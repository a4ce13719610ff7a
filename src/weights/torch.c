/* PyTorch's two ways of storing a state dict (torch/serialization.py):
 *
 * - an archive (since 2020): a zip file whose entries are stored uncompressed: NAME/data.pkl is the
 *   pickle, NAME/data/KEY the values of each storage;
 * - a stream (2017 to 2020, among them torchvision's vgg16-397923af.pth): five pickles, which are a
 *   magic number, a version, facts about the machine, the state dict, and the storages' keys; then
 *   for each key a count of 8 bytes and the values.
 *
 * Still older files are tar archives; those are refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/error.h"
#include "weights/pickle.h"
#include "weights/tensors.h"

#define MAX_PICKLE ((size_t)4 << 20)
#define MAX_ENTRIES 4000                /* ResNet-50 has 320 tensors */
#define MAGIC_NUMBER 0xa86a20f9469cfc6c /* its lowest 8 of 10 bytes */

static const char fetch_again[] = "fetch the file again: leuko weights pull NAME";

/* One value's bytes in a storage of that class, or 0. */
static size_t value_size(const char *type) {
  static const struct {
    const char *type;
    size_t size;
  } sizes[] = {{"FloatStorage", 4}, {"DoubleStorage", 8},   {"LongStorage", 8}, {"IntStorage", 4},
               {"HalfStorage", 2},  {"BFloat16Storage", 2}, {"ShortStorage", 2}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (strcmp(type, sizes[i].type) == 0) return sizes[i].size;
  return 1; /* bytes and booleans */
}

/* Shape, strides and offset of a tensor of the pickle. */
static void describe(const pickle_value *from, tensor *to) {
  to->rank = from->rank;
  to->offset = (size_t)from->integer;
  for (int d = 0; d < from->rank && d < TENSORS_MAX_RANK; d++) {
    to->dims[d] = (size_t)from->dims[d];
    to->strides[d] = (size_t)from->strides[d];
  }
  if (from->rank > TENSORS_MAX_RANK) to->unreadable = "has too many dimensions";
  else if (strcmp(from->storage->type, "FloatStorage") != 0) to->unreadable = "is not float32";
}

/* Adds the tensors of a state dict; `place` says where the storage of each lies. */
static leuko_status list_dict(const pickle_value *dict, const char *path, tensor_list *out,
                              bool (*place)(void *context, const pickle_value *storage, tensor *to),
                              void *context, leuko_error *error) {
  if (dict->kind != PICKLE_DICT)
    return error_set(error, LEUKO_BAD_DATA, path,
                     "save it with torch.save(model.state_dict(), FILE)", "not a state dict");
  if (dict->count > 2 * MAX_ENTRIES)
    return error_set(error, LEUKO_BAD_DATA, path, fetch_again, "holds %zu entries: no state dict",
                     dict->count / 2);
  for (size_t i = 0; i + 1 < dict->count; i += 2) {
    const pickle_value *key = dict->items[i], *value = dict->items[i + 1];
    if (key->kind == PICKLE_TEXT && value->kind == PICKLE_DICT)
      return error_set(error, LEUKO_BAD_DATA, path,
                       "save the state dict by itself: torch.save(model.state_dict(), FILE)",
                       "a checkpoint whose '%.*s' holds further entries, not a plain state dict",
                       key->length > 40 ? 40 : (int)key->length, key->text);
    if (key->kind != PICKLE_TEXT || value->kind != PICKLE_TENSOR) continue;
    tensor *t = tensor_list_add(out, key->text, key->length);
    if (!t) return error_set_memory(error, sizeof *t);
    describe(value, t);
    if (!place(context, value->storage, t))
      return error_set(error, LEUKO_BAD_DATA, path, fetch_again,
                       "the values of tensor '%.80s' are not in the file", t->name);
  }
  return LEUKO_OK;
}

/* The archive behind a map; NULL and a filled error if it is none. */
static zip_t *open_archive(const file_map *map, const char *path, leuko_error *error) {
  zip_error_t why;
  zip_error_init(&why);
  zip_source_t *source = zip_source_buffer_create(map->data, map->size, 0, &why);
  zip_t *archive = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
  if (!archive) {
    error_set(error, LEUKO_BAD_DATA, path, fetch_again, "the archive is damaged: %s",
              zip_error_strerror(&why));
    zip_source_free(source);
  }
  zip_error_fini(&why);
  return archive;
}

/* Reads a stored entry whole into out [bytes]; NULL, or what is wrong. */
static const char *read_entry(zip_t *archive, const char *name, void *out, size_t bytes) {
  zip_stat_t about;
  if (zip_stat(archive, name, ZIP_FL_ENC_RAW, &about) != 0) return "is missing";
  if (!(about.valid & ZIP_STAT_SIZE) || !(about.valid & ZIP_STAT_COMP_METHOD) ||
      about.comp_method != ZIP_CM_STORE)
    return "is compressed";
  if (about.size != bytes) return "has another size than it should";
  zip_file_t *file = zip_fopen_index(archive, about.index, 0);
  zip_int64_t got = file ? zip_fread(file, out, bytes) : -1;
  /* Reading to the end makes libzip compare the CRC. */
  char beyond;
  bool good = got == (zip_int64_t)bytes && zip_fread(file, &beyond, 1) == 0;
  if (file) zip_fclose(file);
  return good ? NULL : "is damaged";
}

leuko_status torch_read_entry(const file_map *map, const char *path, const char *entry, void *out,
                              size_t bytes, leuko_error *error) {
  zip_t *archive = open_archive(map, path, error);
  if (!archive) return LEUKO_BAD_DATA;
  const char *wrong = read_entry(archive, entry, out, bytes);
  zip_discard(archive);
  if (!wrong) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_DATA, path, fetch_again, "the archive's entry '%.80s' %s",
                   entry, wrong);
}

/* Archives. */
typedef struct {
  zip_t *archive;
  char folder[64]; /* "archive/" */
} archive_place;

static bool place_in_archive(void *context, const pickle_value *storage, tensor *to) {
  archive_place *in = context;
  zip_stat_t about;
  if (storage->length > 20 || memchr(storage->text, 0, storage->length)) return false;
  snprintf(to->entry, sizeof to->entry, "%sdata/%.*s", in->folder, (int)storage->length,
           storage->text);
  if (zip_stat(in->archive, to->entry, ZIP_FL_ENC_RAW, &about) != 0 ||
      !(about.valid & ZIP_STAT_SIZE))
    return false;
  to->bytes = (size_t)about.size;
  return (uint64_t)storage->integer <= about.size &&
         (uint64_t)storage->integer * value_size(storage->type) == about.size;
}

/* The name of the entry that ends in "/data.pkl" and its size. */
static const char *find_pickle(zip_t *archive, archive_place *in, size_t *size) {
  static const char tail[] = "/data.pkl";
  zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count && i < MAX_ENTRIES; i++) {
    const char *name = zip_get_name(archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
    size_t length = name ? strlen(name) : 0;
    if (length < sizeof tail || strcmp(name + length - (sizeof tail - 1), tail) != 0) continue;
    zip_stat_t about;
    size_t folder = length - (sizeof tail - 2);
    if (folder >= sizeof in->folder || zip_stat_index(archive, (zip_uint64_t)i, 0, &about) != 0 ||
        !(about.valid & ZIP_STAT_SIZE) || about.size == 0 || about.size > MAX_PICKLE)
      return NULL;
    memcpy(in->folder, name, folder);
    in->folder[folder] = 0;
    *size = (size_t)about.size;
    return name;
  }
  return NULL;
}

/* The file's own mark, written since 2022, must say that it is ours. */
static bool is_little_endian(const archive_place *in) {
  char name[96], order[6];
  zip_stat_t about;
  snprintf(name, sizeof name, "%sbyteorder", in->folder);
  if (zip_stat(in->archive, name, ZIP_FL_ENC_RAW, &about) != 0) return true;
  return !read_entry(in->archive, name, order, sizeof order) && memcmp(order, "little", 6) == 0;
}

static leuko_status list_archive(const file_map *map, const char *path, tensor_list *out,
                                 leuko_error *error) {
  archive_place in = {.archive = open_archive(map, path, error)};
  if (!in.archive) return LEUKO_BAD_DATA;
  size_t size = 0;
  const char *name = find_pickle(in.archive, &in, &size);
  uint8_t *data = name ? malloc(size) : NULL;
  const char *wrong = data ? read_entry(in.archive, name, data, size) : NULL;
  leuko_status status = LEUKO_OK;
  if (!name)
    status = error_set(error, LEUKO_BAD_DATA, path, "give a state dict as torch.save writes it",
                       "the archive holds no data.pkl of a usable size");
  else if (!data) status = error_set_memory(error, size);
  else if (wrong)
    status = error_set(error, LEUKO_BAD_DATA, path, fetch_again, "the archive's entry '%.80s' %s",
                       name, wrong);
  else if (!is_little_endian(&in))
    status = error_set(error, LEUKO_BAD_DATA, path, "save it on another machine",
                       "written in another byte order");
  pickle p = {0};
  if (status == LEUKO_OK) status = pickle_read(data, size, path, &p, error);
  if (status == LEUKO_OK) status = list_dict(p.value, path, out, place_in_archive, &in, error);
  pickle_free(&p);
  free(data);
  zip_discard(in.archive);
  return status;
}

/* Streams: where each storage lies. */
typedef struct {
  const pickle_value *key;
  const uint8_t *data;
  size_t bytes;
} stream_storage;

typedef struct {
  stream_storage *storages;
  size_t count;
} stream_place;

static bool place_in_stream(void *context, const pickle_value *storage, tensor *to) {
  const stream_place *in = context;
  for (size_t i = 0; i < in->count; i++) {
    const stream_storage *s = &in->storages[i];
    if (s->key->length != storage->length ||
        memcmp(s->key->text, storage->text, storage->length) != 0)
      continue;
    to->data = s->data;
    to->bytes = s->bytes;
    return true;
  }
  return false;
}

/* The class of the storage of that key, by which its values' size is known; NULL if none. */
static const char *type_of(const pickle_value *dict, const pickle_value *key) {
  for (size_t i = 0; dict->kind == PICKLE_DICT && i + 1 < dict->count; i += 2) {
    const pickle_value *value = dict->items[i + 1];
    if (value->kind == PICKLE_TENSOR && value->storage->length == key->length &&
        memcmp(value->storage->text, key->text, key->length) == 0)
      return value->storage->type;
  }
  return NULL;
}

/* Walks over the storages behind the pickles. Says what is wrong, or NULL. */
static const char *find_storages(const file_map *map, size_t at, const pickle_value *keys,
                                 const pickle_value *dict, stream_place *out) {
  for (size_t i = 0; i < keys->count; i++) {
    const pickle_value *key = keys->items[i];
    const char *type = key->kind == PICKLE_TEXT ? type_of(dict, key) : NULL;
    if (!type) return "lists values that no tensor has";
    if (map->size - at < 8) return "is truncated";
    uint64_t count = 0;
    for (size_t b = 8; b-- > 0;) count = count << 8 | map->data[at + b];
    at += 8;
    if (count > (map->size - at) / value_size(type)) return "is truncated, or declares too much";
    size_t bytes = (size_t)count * value_size(type);
    out->storages[out->count++] = (stream_storage){key, map->data + at, bytes};
    at += bytes;
  }
  return at == map->size ? NULL : "has bytes behind its end";
}

static leuko_status list_stream(const file_map *map, const char *path, tensor_list *out,
                                leuko_error *error) {
  enum { MAGIC, VERSION, MACHINE, DICT, KEYS, PICKLES };
  pickle p[PICKLES] = {{0}};
  leuko_status status = LEUKO_OK;
  size_t at = 0;
  for (int i = 0; status == LEUKO_OK && i < PICKLES; i++) {
    status = pickle_read(map->data + at, map->size - at, path, &p[i], error);
    at += p[i].used;
  }
  stream_place in = {0};
  if (status == LEUKO_OK &&
      (p[MAGIC].value->kind != PICKLE_INTEGER ||
       (uint64_t)p[MAGIC].value->integer != MAGIC_NUMBER ||
       p[VERSION].value->kind != PICKLE_INTEGER || p[VERSION].value->integer != 1001 ||
       p[KEYS].value->kind != PICKLE_LIST || p[KEYS].value->count > MAX_ENTRIES ||
       p[DICT].value->count > 2 * MAX_ENTRIES))
    status = error_set(error, LEUKO_BAD_DATA, path, fetch_again,
                       "not a state dict as PyTorch's torch.save writes it");
  if (status == LEUKO_OK) {
    in.storages = calloc(p[KEYS].value->count + 1, sizeof *in.storages);
    if (!in.storages) status = error_set_memory(error, p[KEYS].value->count * sizeof *in.storages);
  }
  if (status == LEUKO_OK) {
    const char *wrong = find_storages(map, at, p[KEYS].value, p[DICT].value, &in);
    if (wrong) status = error_set(error, LEUKO_BAD_DATA, path, fetch_again, "the file %s", wrong);
  }
  if (status == LEUKO_OK) status = list_dict(p[DICT].value, path, out, place_in_stream, &in, error);
  free(in.storages);
  for (int i = 0; i < PICKLES; i++) pickle_free(&p[i]);
  return status;
}

leuko_status torch_read_list(const file_map *map, const char *path, tensor_list *out,
                             leuko_error *error) {
  if (map->data[0] == 'P') return list_archive(map, path, out, error);
  if (map->data[0] == 0x80) return list_stream(map, path, out, error);
  return error_set(
      error, LEUKO_BAD_DATA, path,
      "leuko weights pull torchvision-resnet50, or save it anew with torch.save",
      "a .pth file of PyTorch's first form (a tar archive of 2016), which is not read");
}
