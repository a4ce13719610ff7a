#include "weights/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ResNet-50's pickle is 40 kB long and makes 4,000 values. */
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_VALUES ((size_t)1 << 18)
#define BLOCK 256

static const char remedy[] =
    "take weights from their publisher, as .safetensors or as a plain state dict";

/* Values are made in blocks that live as long as the pickle. */
struct pickle_block {
  struct pickle_block *next;
  size_t used;
  pickle_value values[BLOCK];
};

typedef struct {
  const uint8_t *data;
  size_t size, at;
  const char *path;
  leuko_error *error;
  leuko_status status;
  struct pickle_block *blocks;
  pickle_value **stack, **memo;
  size_t depth, stack_room, memo_room, value_count;
  size_t *marks;
  size_t mark_count, mark_room;
} reader;

/* All that a pickle may name. */
typedef enum {
  ORDERED_DICT,
  REBUILD_TENSOR,
  REBUILD_TENSOR_2,
  REBUILD_PARAMETER,
  PARAMETER,
  STORAGE
} known;

static const struct {
  const char *module, *name;
  known what;
} allowed[] = {
    {"collections", "OrderedDict", ORDERED_DICT},
    {"torch._utils", "_rebuild_tensor", REBUILD_TENSOR},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR_2},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER},
    {"torch.nn.parameter", "Parameter", PARAMETER},
    {"torch", "FloatStorage", STORAGE},
    {"torch", "DoubleStorage", STORAGE},
    {"torch", "HalfStorage", STORAGE},
    {"torch", "BFloat16Storage", STORAGE},
    {"torch", "LongStorage", STORAGE},
    {"torch", "IntStorage", STORAGE},
    {"torch", "ShortStorage", STORAGE},
    {"torch", "CharStorage", STORAGE},
    {"torch", "ByteStorage", STORAGE},
    {"torch", "BoolStorage", STORAGE},
};

static bool fail(reader *r, const char *what) {
  if (r->status == LEUKO_OK)
    r->status = error_set(r->error, LEUKO_BAD_DATA, r->path, remedy,
                          "the pickle %s (at byte %zu); nothing of it was run", what, r->at);
  return false;
}

static bool fail_memory(reader *r, size_t bytes) {
  if (r->status == LEUKO_OK) r->status = error_set_memory(r->error, bytes);
  return false;
}

/* Makes room for one more item. */
static bool grow(reader *r, void *array, size_t count, size_t *room, size_t size) {
  if (count < *room) return true;
  size_t more = *room ? 2 * *room : 16;
  void *old, *grown;
  memcpy(&old, array, sizeof old);
  grown = realloc(old, more * size);
  if (!grown) return fail_memory(r, more * size);
  memcpy(array, &grown, sizeof grown);
  *room = more;
  return true;
}

static pickle_value *make(reader *r, pickle_kind kind) {
  if (++r->value_count > MAX_VALUES) {
    fail(r, "makes more values than a state dict has");
    return NULL;
  }
  if (!r->blocks || r->blocks->used == BLOCK) {
    struct pickle_block *block = calloc(1, sizeof *block);
    if (!block) {
      fail_memory(r, sizeof *block);
      return NULL;
    }
    block->next = r->blocks;
    r->blocks = block;
  }
  pickle_value *value = &r->blocks->values[r->blocks->used++];
  value->kind = kind;
  return value;
}

static bool push(reader *r, pickle_value *value) {
  if (!value || !grow(r, &r->stack, r->depth, &r->stack_room, sizeof *r->stack)) return false;
  r->stack[r->depth++] = value;
  return true;
}

/* The lowest place of the stack that the current mark leaves free to take from. */
static size_t floor_of(const reader *r) {
  return r->mark_count ? r->marks[r->mark_count - 1] : 0;
}

static pickle_value *pop(reader *r) {
  if (r->depth > floor_of(r)) return r->stack[--r->depth];
  fail(r, "takes from an empty stack");
  return NULL;
}

static pickle_value *top(reader *r, pickle_kind kind, const char *wrong) {
  if (r->depth > floor_of(r) && r->stack[r->depth - 1]->kind == kind) return r->stack[r->depth - 1];
  fail(r, wrong);
  return NULL;
}

/* `size` bytes of the pickle, or NULL after noting that it ends there. */
static const uint8_t *take(reader *r, size_t size) {
  if (size > r->size - r->at) {
    fail(r, "ends in the middle");
    return NULL;
  }
  r->at += size;
  return r->data + r->at - size;
}

/* An unsigned number, little endian. */
static bool take_number(reader *r, size_t bytes, uint64_t *out) {
  const uint8_t *p = take(r, bytes);
  *out = 0;
  for (size_t i = bytes; p && i-- > 0;) *out = *out << 8 | p[i];
  return p != NULL;
}

static bool push_integer(reader *r, pickle_kind kind, int64_t integer) {
  pickle_value *value = make(r, kind);
  if (value) value->integer = integer;
  return push(r, value);
}

/* A number of up to 8 bytes in two's complement. Longer ones (there is one, the mark of PyTorch's
 * stream) keep their lowest 8 bytes. */
static bool push_long(reader *r) {
  uint64_t length, bits = 0;
  const uint8_t *p = NULL;
  if (take_number(r, 1, &length)) p = take(r, (size_t)length);
  if (!p) return false;
  for (size_t i = 0; i < 8; i++) {
    uint64_t byte = i < length ? p[i] : length && p[length - 1] & 0x80 ? 0xff : 0;
    bits |= byte << (8 * i);
  }
  return push_integer(r, PICKLE_INTEGER, (int64_t)bits);
}

static bool push_text(reader *r, size_t length_bytes) {
  uint64_t length;
  const uint8_t *p = NULL;
  if (take_number(r, length_bytes, &length)) p = take(r, (size_t)length);
  pickle_value *value = p ? make(r, PICKLE_TEXT) : NULL;
  if (!value) return false;
  value->text = (const char *)p;
  value->length = (size_t)length;
  return push(r, value);
}

static bool append(reader *r, pickle_value *to, pickle_value *item) {
  if (!item || !grow(r, &to->items, to->count, &to->capacity, sizeof(pickle_value *))) return false;
  to->items[to->count++] = item;
  return true;
}

/* The last `count` values become a tuple. */
static bool push_tuple(reader *r, size_t count) {
  if (r->depth - floor_of(r) < count) return fail(r, "takes from an empty stack");
  pickle_value *tuple = make(r, PICKLE_TUPLE);
  r->depth -= count;
  for (size_t i = 0; tuple && i < count; i++)
    if (!append(r, tuple, r->stack[r->depth + i])) return false;
  return push(r, tuple);
}

/* Removes the last mark; the values above it are left on the stack and counted. */
static bool pop_mark(reader *r, size_t *count) {
  if (r->mark_count == 0) return fail(r, "lacks a mark");
  *count = r->depth - r->marks[--r->mark_count];
  return true;
}

/* Moves the last `count` values into the list or dict below them. */
static bool extend(reader *r, pickle_kind kind, size_t count) {
  if (r->depth - floor_of(r) < count) return fail(r, "takes from an empty stack");
  if (kind == PICKLE_DICT && count % 2) return fail(r, "has a key without a value");
  r->depth -= count;
  pickle_value **first = r->stack + r->depth;
  pickle_value *to = top(r, kind, "fills something that is no list or dict");
  for (size_t i = 0; to && i < count; i++)
    if (!append(r, to, first[i])) return false;
  return to != NULL;
}

static const uint8_t *take_line(reader *r, size_t *length) {
  const uint8_t *line = r->data + r->at;
  const uint8_t *end = memchr(line, '\n', r->size - r->at);
  if (!end) {
    fail(r, "ends in the middle");
    return NULL;
  }
  *length = (size_t)(end - line);
  r->at += *length + 1;
  return line;
}

static bool same(const uint8_t *text, size_t length, const char *with) {
  return strlen(with) == length && memcmp(text, with, length) == 0;
}

/* A class or function by name: one of the list, or the end of the reading. */
static bool push_name(reader *r) {
  size_t module_length, name_length;
  const uint8_t *module = take_line(r, &module_length);
  const uint8_t *name = module ? take_line(r, &name_length) : NULL;
  if (!name) return false;
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (same(module, module_length, allowed[i].module) &&
        same(name, name_length, allowed[i].name)) {
      pickle_value *value = make(r, PICKLE_NAME);
      if (value) {
        value->integer = (int64_t)allowed[i].what;
        value->type = allowed[i].name;
      }
      return push(r, value);
    }
  char asked[96];
  int length =
      snprintf(asked, sizeof asked, "%.*s.%.*s", module_length > 40 ? 40 : (int)module_length,
               (const char *)module, name_length > 40 ? 40 : (int)name_length, (const char *)name);
  for (int i = 0; i < length && asked[i]; i++)
    if ((unsigned char)asked[i] < ' ' || asked[i] == 127) asked[i] = '?';
  char what[160];
  snprintf(what, sizeof what, "asks for '%s', which no state dict needs", asked);
  return fail(r, what);
}

static bool is_kind(const pickle_value *value, pickle_kind kind) {
  return value && value->kind == kind;
}

/* A tuple of whole numbers that are not negative into out; gives how many, or -1. */
static int read_numbers(const pickle_value *tuple, int64_t out[PICKLE_MAX_RANK]) {
  if (!is_kind(tuple, PICKLE_TUPLE) || tuple->count > PICKLE_MAX_RANK) return -1;
  for (size_t i = 0; i < tuple->count; i++) {
    if (tuple->items[i]->kind != PICKLE_INTEGER || tuple->items[i]->integer < 0) return -1;
    out[i] = tuple->items[i]->integer;
  }
  return (int)tuple->count;
}

/* (storage, offset, shape, strides, ...) */
static bool push_tensor(reader *r, const pickle_value *arguments) {
  pickle_value *tensor = make(r, PICKLE_TENSOR);
  if (!tensor) return false;
  if (arguments->count < 4 || arguments->items[0]->kind != PICKLE_STORAGE ||
      arguments->items[1]->kind != PICKLE_INTEGER || arguments->items[1]->integer < 0)
    return fail(r, "makes a tensor of something else than a storage");
  tensor->storage = arguments->items[0];
  tensor->integer = arguments->items[1]->integer;
  tensor->rank = read_numbers(arguments->items[2], tensor->dims);
  if (tensor->rank < 0 || read_numbers(arguments->items[3], tensor->strides) != tensor->rank)
    return fail(r, "makes a tensor of an impossible shape");
  return push(r, tensor);
}

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
static bool push_ordered(reader *r, const pickle_value *arguments) {
  pickle_value *dict = make(r, PICKLE_DICT);
  if (!dict) return false;
  const pickle_value *pairs = arguments->count ? arguments->items[0] : NULL;
  if (arguments->count > 1 || (pairs && pairs->kind != PICKLE_LIST))
    return fail(r, "fills an OrderedDict in an unknown way");
  for (size_t i = 0; pairs && i < pairs->count; i++) {
    const pickle_value *pair = pairs->items[i];
    if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->count != 2)
      return fail(r, "fills an OrderedDict in an unknown way");
    if (!append(r, dict, pair->items[0]) || !append(r, dict, pair->items[1])) return false;
  }
  return push(r, dict);
}

/* What stands for the call of a name with arguments. */
static bool reduce(reader *r) {
  const pickle_value *arguments = pop(r), *name = arguments ? pop(r) : NULL;
  if (!name) return false;
  if (name->kind != PICKLE_NAME || arguments->kind != PICKLE_TUPLE)
    return fail(r, "calls something that is no function");
  switch ((known)name->integer) {
  case ORDERED_DICT:
    return push_ordered(r, arguments);
  case REBUILD_TENSOR:
  case REBUILD_TENSOR_2:
    return push_tensor(r, arguments);
  case REBUILD_PARAMETER:
  case PARAMETER:
    if (arguments->count < 1 || arguments->items[0]->kind != PICKLE_TENSOR)
      return fail(r, "makes a parameter of something else than a tensor");
    return push(r, arguments->items[0]);
  case STORAGE:
    break;
  }
  return fail(r, "calls a storage's class");
}

/* ("storage", class, key, device, number of values[, None]): values that lie outside the pickle. */
static bool push_storage(reader *r) {
  const pickle_value *id = pop(r);
  if (!id) return false;
  pickle_value **items = id->items;
  if (id->kind != PICKLE_TUPLE || id->count < 5 || !pickle_is_text(items[0], "storage") ||
      items[1]->kind != PICKLE_NAME || items[1]->integer != STORAGE ||
      items[2]->kind != PICKLE_TEXT || items[4]->kind != PICKLE_INTEGER || items[4]->integer < 0)
    return fail(r, "refers to something else than a storage");
  if (id->count > 6 || (id->count == 6 && items[5]->kind != PICKLE_NONE))
    return fail(r, "refers to a part of a storage");
  pickle_value *storage = make(r, PICKLE_STORAGE);
  if (!storage) return false;
  storage->type = items[1]->type;
  storage->text = items[2]->text;
  storage->length = items[2]->length;
  storage->integer = items[4]->integer;
  return push(r, storage);
}

/* Attributes of an OrderedDict (its "_metadata") and of a parameter matter to nobody. */
static bool build(reader *r) {
  if (!pop(r)) return false;
  pickle_value *of = r->depth > floor_of(r) ? r->stack[r->depth - 1] : NULL;
  return is_kind(of, PICKLE_DICT) || is_kind(of, PICKLE_TENSOR) ||
         fail(r, "sets the attributes of something that has none");
}

static bool remember(reader *r, size_t bytes) {
  uint64_t index;
  if (!take_number(r, bytes, &index)) return false;
  if (r->depth <= floor_of(r)) return fail(r, "takes from an empty stack");
  if (index >= MAX_VALUES) return fail(r, "remembers too much");
  if (index >= r->memo_room) {
    size_t room = r->memo_room ? r->memo_room : 64;
    while (room <= index) room *= 2;
    pickle_value **memo = realloc(r->memo, room * sizeof *memo);
    if (!memo) return fail_memory(r, room * sizeof *memo);
    memset(memo + r->memo_room, 0, (room - r->memo_room) * sizeof *memo);
    r->memo = memo;
    r->memo_room = room;
  }
  r->memo[index] = r->stack[r->depth - 1];
  return true;
}

static bool recall(reader *r, size_t bytes) {
  uint64_t index;
  if (!take_number(r, bytes, &index)) return false;
  if (index >= r->memo_room || !r->memo[index]) return fail(r, "recalls what it never had");
  return push(r, r->memo[index]);
}

static bool push_mark(reader *r) {
  if (!grow(r, &r->marks, r->mark_count, &r->mark_room, sizeof *r->marks)) return false;
  r->marks[r->mark_count++] = r->depth;
  return true;
}

/* One operation; the names are those of Python's pickletools. */
static bool operate(reader *r, uint8_t operation) {
  uint64_t number;
  size_t count;
  switch (operation) {
  case 0x80: /* PROTO */
    return take_number(r, 1, &number) && (number == 2 || fail(r, "is of another protocol than 2"));
  case '(': /* MARK */
    return push_mark(r);
  case 'N': /* NONE */
    return push_integer(r, PICKLE_NONE, 0);
  case 0x88: /* NEWTRUE */
  case 0x89: /* NEWFALSE */
    return push_integer(r, PICKLE_BOOL, operation == 0x88);
  case 'J': /* BININT */
    return take_number(r, 4, &number) && push_integer(r, PICKLE_INTEGER, (int32_t)number);
  case 'K': /* BININT1 */
    return take_number(r, 1, &number) && push_integer(r, PICKLE_INTEGER, (int64_t)number);
  case 'M': /* BININT2 */
    return take_number(r, 2, &number) && push_integer(r, PICKLE_INTEGER, (int64_t)number);
  case 0x8a: /* LONG1 */
    return push_long(r);
  case 'G': /* BINFLOAT */
    return take(r, 8) && push_integer(r, PICKLE_REAL, 0);
  case 'X': /* BINUNICODE */
  case 'T': /* BINSTRING */
    return push_text(r, 4);
  case 'U': /* SHORT_BINSTRING */
    return push_text(r, 1);
  case ')': /* EMPTY_TUPLE */
    return push_tuple(r, 0);
  case 0x85: /* TUPLE1 to TUPLE3 */
  case 0x86:
  case 0x87:
    return push_tuple(r, operation - 0x84u);
  case 't': /* TUPLE */
    return pop_mark(r, &count) && push_tuple(r, count);
  case ']': /* EMPTY_LIST */
    return push(r, make(r, PICKLE_LIST));
  case 'a': /* APPEND */
    return extend(r, PICKLE_LIST, 1);
  case 'e': /* APPENDS */
    return pop_mark(r, &count) && extend(r, PICKLE_LIST, count);
  case '}': /* EMPTY_DICT */
    return push(r, make(r, PICKLE_DICT));
  case 's': /* SETITEM */
    return extend(r, PICKLE_DICT, 2);
  case 'u': /* SETITEMS */
    return pop_mark(r, &count) && extend(r, PICKLE_DICT, count);
  case 'c': /* GLOBAL */
    return push_name(r);
  case 'R':  /* REDUCE */
  case 0x81: /* NEWOBJ */
    return reduce(r);
  case 'b': /* BUILD */
    return build(r);
  case 'Q': /* BINPERSID */
    return push_storage(r);
  case 'q': /* BINPUT */
    return remember(r, 1);
  case 'r': /* LONG_BINPUT */
    return remember(r, 4);
  case 'h': /* BINGET */
    return recall(r, 1);
  case 'j': /* LONG_BINGET */
    return recall(r, 4);
  default:
    break;
  }
  char what[80];
  snprintf(what, sizeof what, "holds the operation 0x%02x, which no state dict needs", operation);
  return fail(r, what);
}

leuko_status pickle_read(const uint8_t *data, size_t size, const char *path, pickle *out,
                         leuko_error *error) {
  *out = (pickle){0};
  reader r = {.data = data, .size = size < MAX_BYTES ? size : MAX_BYTES, .path = path};
  r.error = error;
  const uint8_t *operation;
  while ((operation = take(&r, 1)) && *operation != '.' && operate(&r, *operation)) {
  }
  if (r.status == LEUKO_OK && (r.depth != 1 || r.mark_count)) fail(&r, "ends with an untidy stack");
  *out = (pickle){r.status == LEUKO_OK ? r.stack[0] : NULL, r.at, r.blocks};
  free(r.stack);
  free(r.memo);
  free(r.marks);
  if (r.status != LEUKO_OK) pickle_free(out);
  return r.status;
}

void pickle_free(pickle *p) {
  while (p->blocks) {
    struct pickle_block *next = p->blocks->next;
    for (size_t i = 0; i < p->blocks->used; i++) free(p->blocks->values[i].items);
    free(p->blocks);
    p->blocks = next;
  }
  *p = (pickle){0};
}

bool pickle_is_text(const pickle_value *value, const char *text) {
  return value->kind == PICKLE_TEXT && same((const uint8_t *)value->text, value->length, text);
}
