/* Lists the datasets of an HDF5 file as Keras writes it ("HDF5 File Format Specification", version
 * 3.0, sections II, III.A, III.D, III.E, IV.A): superblock 0 to 3, groups with symbol tables,
 * object headers of version 1, contiguous or compact float32. That is what h5py has written by
 * default for all these years. The rest of the format is not understood, on purpose: every byte
 * that is followed here is checked to lie in the file, and a file cannot make this code allocate
 * more than a list of names. */
#include <string.h>

#include "base/error.h"
#include "weights/tensors.h"

#define MAX_DEPTH 8          /* of groups */
#define MAX_BLOCKS 64        /* continuations of one object header */
#define MAX_STEPS 1000000    /* links, nodes and messages followed, so that cycles end */
#define MAX_NAME 512         /* of a whole path */
#define UNDEFINED UINT64_MAX /* the format's "no address" */

enum { SPACE = 1, TYPE = 3, EXTERNAL = 7, LAYOUT = 8, FILTERS = 11, CONTINUATION = 16, TABLE = 17 };

typedef struct {
  const uint8_t *data;
  size_t size;
  tensor_list *out;
  const char *wrong; /* the first thing found wrong; a constant */
  leuko_status status;
  int steps;
} reader;

/* A piece of the file. */
typedef struct {
  const uint8_t *data;
  size_t size;
} piece;

/* `size` bytes at `address`, or an empty piece after noting what is wrong. */
static piece at(reader *r, uint64_t address, uint64_t size) {
  if (address <= r->size && size <= r->size - address)
    return (piece){r->data + address, (size_t)size};
  if (!r->wrong) r->wrong = "points outside itself";
  return (piece){0};
}

/* An unsigned number of `bytes` bytes, little endian; 0 beyond the piece's end. */
static uint64_t number(piece p, size_t offset, size_t bytes) {
  uint64_t value = 0;
  if (offset > p.size || bytes > p.size - offset) return 0;
  for (size_t i = bytes; i-- > 0;) value = value << 8 | p.data[offset + i];
  return value;
}

static bool has_signature(piece p, const char *signature) {
  return p.size >= 4 && memcmp(p.data, signature, 4) == 0;
}

static bool fail(reader *r, const char *wrong) {
  if (!r->wrong) r->wrong = wrong;
  return false;
}

/* Counts what is followed: a weight file has some thousands of links, a cycle no end of them. */
static bool step(reader *r) {
  return ++r->steps <= MAX_STEPS || fail(r, "leads in circles");
}

/* What one object header says. */
typedef struct {
  bool has_table;
  uint64_t tree, heap;
  piece space, type, layout;
  bool filtered, external, shared;
} object;

static void read_message(unsigned kind, unsigned flags, piece body, object *out) {
  /* A shared message lies elsewhere; only types are ever shared, and never by Keras. */
  if (flags & 2 && (kind == SPACE || kind == TYPE || kind == LAYOUT)) out->shared = true;
  if (kind == SPACE) out->space = body;
  if (kind == TYPE) out->type = body;
  if (kind == LAYOUT) out->layout = body;
  if (kind == FILTERS) out->filtered = true;
  if (kind == EXTERNAL) out->external = true;
  if (kind == TABLE && body.size >= 16) {
    out->has_table = true;
    out->tree = number(body, 0, 8);
    out->heap = number(body, 8, 8);
  }
}

/* An object header of version 1 with its continuations. */
static bool read_object(reader *r, uint64_t address, object *out) {
  *out = (object){0};
  piece head = at(r, address, 16);
  if (r->wrong) return false;
  if (has_signature(head, "OHDR"))
    return fail(r, "is in the format's later form, which leuko does not read");
  if (head.data[0] != 1) return fail(r, "has an object header of an unknown version");
  struct {
    uint64_t address, size;
  } blocks[MAX_BLOCKS] = {{address + 16, number(head, 8, 4)}};
  int count = 1;
  for (int b = 0; b < count; b++) {
    piece block = at(r, blocks[b].address, blocks[b].size);
    if (r->wrong) return false;
    for (size_t offset = 0; block.size - offset >= 8;) {
      if (!step(r)) return false;
      unsigned kind = (unsigned)number(block, offset, 2);
      size_t size = (size_t)number(block, offset + 2, 2);
      unsigned flags = block.data[offset + 4];
      offset += 8;
      if (size > block.size - offset) return fail(r, "has a message longer than its header");
      piece body = {block.data + offset, size};
      offset += size;
      if (kind != CONTINUATION) {
        read_message(kind, flags, body, out);
        continue;
      }
      if (size < 16 || count == MAX_BLOCKS) return fail(r, "has an endless object header");
      blocks[count].address = number(body, 0, 8);
      blocks[count++].size = number(body, 8, 8);
    }
  }
  return true;
}

static bool read_space(piece p, tensor *t) {
  uint64_t version = number(p, 0, 1);
  size_t first = version == 1 ? 8 : 4;
  if ((version != 1 && version != 2) || p.size < first) return false;
  t->rank = (int)number(p, 1, 1);
  if (t->rank > TENSORS_MAX_RANK) return true;
  if (p.size - first < 8 * (size_t)t->rank) return false;
  for (int d = 0; d < t->rank; d++) t->dims[d] = (size_t)number(p, first + 8 * (size_t)d, 8);
  return true;
}

/* IEEE 754 single precision, little endian. */
static bool is_float32(piece p) {
  static const uint8_t properties[12] = {0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0};
  return p.size >= 20 && (p.data[0] & 15) == 1 && (p.data[1] & 0x4f) == 0 && p.data[2] == 31 &&
         number(p, 4, 4) == 4 && memcmp(p.data + 8, properties, sizeof properties) == 0;
}

/* Where the values lie; says why they cannot be taken. */
static const char *read_layout(reader *r, const object *o, tensor *t) {
  piece p = o->layout;
  uint64_t version = number(p, 0, 1), kind = number(p, 1, 1);
  if (o->shared) return "uses a shared description";
  if (t->rank > TENSORS_MAX_RANK) return "has too many dimensions";
  if (!is_float32(o->type)) return "is not float32";
  if (o->external) return "keeps its values in another file";
  if (o->filtered) return "is compressed";
  if (version != 3 && version != 4) return "has a layout of another version";
  if (kind == 2) return "is stored in chunks";
  if (!tensor_set_contiguous(t)) return "declares an impossible size";
  if (kind == 1 && p.size >= 18) {
    uint64_t address = number(p, 2, 8), size = number(p, 10, 8);
    if (address == UNDEFINED) return "has no values";
    if (address > r->size || size > r->size - address) return "lies outside the file";
    t->data = r->data + address;
    t->bytes = (size_t)size;
    return NULL;
  }
  if (kind == 0 && p.size >= 4) {
    size_t size = (size_t)number(p, 2, 2);
    if (size > p.size - 4) return "lies outside the file";
    t->data = p.data + 4;
    t->bytes = size;
    return NULL;
  }
  return "has an unknown layout";
}

static bool add_dataset(reader *r, const object *o, const char *name) {
  /* A whole model saved by Keras keeps its weights one group further down. */
  static const char whole[] = "model_weights/";
  if (strncmp(name, whole, sizeof whole - 1) == 0) name += sizeof whole - 1;
  /* TensorFlow's names end in the number of an output, which Keras has left out since version 3. */
  size_t length = strlen(name);
  if (length > 2 && strcmp(name + length - 2, ":0") == 0) length -= 2;
  tensor *t = tensor_list_add(r->out, name, length);
  if (!t) {
    r->status = LEUKO_NO_MEMORY;
    return false;
  }
  if (!read_space(o->space, t)) t->unreadable = "has a shape that is not understood";
  else t->unreadable = read_layout(r, o, t);
  return true;
}

static bool read_group(reader *r, const object *o, char *path, size_t length, int depth);

/* An object under its name, which begins at path [length]. */
static bool read_link(reader *r, uint64_t address, char *path, size_t length, int depth) {
  object o;
  if (!read_object(r, address, &o)) return false;
  if (!o.has_table) return o.layout.size ? add_dataset(r, &o, path) : true;
  if (depth == MAX_DEPTH) return fail(r, "has groups nested too deep");
  return read_group(r, &o, path, length, depth + 1);
}

/* A leaf of a group's tree: up to some dozens of names with their addresses. */
static bool read_names(reader *r, uint64_t address, piece heap, char *path, size_t length,
                       int depth) {
  piece head = at(r, address, 8);
  if (r->wrong) return false;
  if (!has_signature(head, "SNOD")) return fail(r, "has a damaged group");
  size_t count = (size_t)number(head, 6, 2);
  piece entries = at(r, address + 8, 40 * (uint64_t)count);
  for (size_t i = 0; !r->wrong && i < count; i++) {
    if (!step(r)) return false;
    uint64_t name = number(entries, 40 * i, 8);
    if (number(entries, 40 * i + 16, 4) == 2) continue; /* a symbolic link: not followed */
    if (name >= heap.size) return fail(r, "has a name outside its heap");
    size_t room = MAX_NAME - length - 2;
    size_t most = heap.size - (size_t)name < room ? heap.size - (size_t)name : room;
    size_t size = strnlen((const char *)heap.data + name, most);
    if (size == 0 || size == most) return fail(r, "has an empty or endless name");
    size_t joined = length;
    if (length) path[joined++] = '/';
    memcpy(path + joined, heap.data + name, size);
    path[joined + size] = 0;
    if (!read_link(r, number(entries, 40 * i + 8, 8), path, joined + size, depth)) return false;
    path[length] = 0;
  }
  return !r->wrong;
}

/* A node of a group's tree (a version 1 B-tree). Levels must fall, so that cycles end. */
static bool read_tree(reader *r, uint64_t address, unsigned level_above, piece heap, char *path,
                      size_t length, int depth) {
  if (!step(r)) return false;
  piece head = at(r, address, 24);
  if (r->wrong) return false;
  if (!has_signature(head, "TREE") || head.data[4] != 0) return fail(r, "has a damaged group");
  unsigned level = head.data[5];
  if (level >= level_above) return fail(r, "leads in circles");
  size_t count = (size_t)number(head, 6, 2);
  piece body = at(r, address + 24, 16 * (uint64_t)count + 8);
  for (size_t i = 0; !r->wrong && i < count; i++) {
    uint64_t child = number(body, 16 * i + 8, 8);
    if (level > 0 ? !read_tree(r, child, level, heap, path, length, depth)
                  : !read_names(r, child, heap, path, length, depth))
      return false;
  }
  return !r->wrong;
}

static bool read_group(reader *r, const object *o, char *path, size_t length, int depth) {
  if (o->tree == UNDEFINED) return true;
  piece head = at(r, o->heap, 32);
  if (r->wrong) return false;
  if (!has_signature(head, "HEAP")) return fail(r, "has a damaged group");
  piece heap = at(r, number(head, 24, 8), number(head, 8, 8));
  return !r->wrong && read_tree(r, o->tree, 32, heap, path, length, depth);
}

/* The address of the root group's object header. */
static uint64_t read_superblock(reader *r) {
  piece head = at(r, 0, 96);
  if (r->wrong) return 0;
  unsigned version = head.data[8];
  bool old = version < 2;
  if (version > 3) r->wrong = "has a superblock of an unknown version";
  else if (number(head, old ? 13 : 9, 1) != 8 || number(head, old ? 14 : 10, 1) != 8)
    r->wrong = "has addresses that are not 64 bits wide";
  /* Version 1 has four bytes more; base address, free space, end, driver; then the root's entry. */
  size_t base = version == 1 ? 28 : old ? 24 : 12;
  if (number(head, base, 8) != 0) fail(r, "does not begin at its beginning");
  if (number(head, base + 16, 8) > r->size) fail(r, "is shorter than it says: truncated");
  return old ? number(head, base + 40, 8) : number(head, base + 24, 8);
}

leuko_status hdf5_read_list(const file_map *map, const char *path, tensor_list *out,
                            leuko_error *error) {
  reader r = {.data = map->data, .size = map->size, .out = out};
  uint64_t root = read_superblock(&r);
  object o;
  char name[MAX_NAME] = "";
  if (!r.wrong && read_object(&r, root, &o)) {
    if (o.has_table) read_group(&r, &o, name, 0, 0);
    else fail(&r, "has groups of the format's later form, which leuko does not read");
  }
  if (r.status != LEUKO_OK) return error_set_memory(error, sizeof(tensor));
  if (!r.wrong) return LEUKO_OK;
  return error_set(error, LEUKO_BAD_DATA, path,
                   "fetch the file again, or write it anew with h5py's default settings",
                   "the HDF5 file %s", r.wrong);
}
