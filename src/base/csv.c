#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define CSV_MAX_BYTES ((size_t)256 << 20)

typedef struct {
  csv *table;
  size_t capacity;
  size_t count;
} field_list;

static leuko_status add_field(field_list *list, char *field, leuko_error *error) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 256;
    char **grown = realloc(list->table->fields, capacity * sizeof *grown);
    if (!grown) return error_set_memory(error, capacity * sizeof *grown);
    list->table->fields = grown;
    list->capacity = capacity;
  }
  list->table->fields[list->count++] = field;
  return LEUKO_OK;
}

/* Cuts one field out of `*at`, unquoting it in place; *end receives the character behind it. */
static char *cut_field(char **at, char separator, char *end) {
  char *in = *at, *start = in, *out = in;
  if (*in == '"') {
    in++;
    while (*in && !(*in == '"' && in[1] != '"')) {
      if (*in == '"') in++;
      *out++ = *in++;
    }
    if (*in == '"') in++;
  }
  while (*in && *in != separator && *in != '\n' && *in != '\r') *out++ = *in++;
  if (*in == '\r' && in[1] == '\n') in++;
  *end = *in;
  *at = *in ? in + 1 : in;
  *out = 0;
  return start;
}

leuko_status csv_read(const char *path, char separator, csv *out, leuko_error *error) {
  *out = (csv){0};
  size_t size;
  leuko_status status = file_read(path, CSV_MAX_BYTES, &out->text, &size, error);
  if (status != LEUKO_OK) return status;
  if (memchr(out->text, 0, size)) {
    csv_free(out);
    return error_set(error, LEUKO_BAD_CSV, path, NULL, "the file holds zero bytes: not a text");
  }
  char *at = out->text;
  if (strncmp(at, "\xef\xbb\xbf", 3) == 0) at += 3; /* the mark that spreadsheets put first */
  if (!*at) {
    csv_free(out);
    return error_set(error, LEUKO_EMPTY, path, NULL, "the file is empty");
  }
  field_list list = {.table = out};
  size_t line = 0;
  while (*at) {
    line++;
    size_t first = list.count;
    char end;
    do {
      status = add_field(&list, cut_field(&at, separator, &end), error);
    } while (status == LEUKO_OK && end == separator);
    size_t width = list.count - first;
    if (status == LEUKO_OK && line == 1) out->columns = width;
    bool blank = width == 1 && list.count > 0 && out->fields[first][0] == 0;
    if (status == LEUKO_OK && blank && line > 1) list.count = first;
    else if (status == LEUKO_OK && width != out->columns)
      status = error_set(error, LEUKO_BAD_CSV, path, "see docs/formats.md",
                         "line %zu has %zu fields, the header has %zu", line, width, out->columns);
    if (status != LEUKO_OK) {
      csv_free(out);
      return status;
    }
  }
  out->rows = list.count / out->columns - 1;
  return LEUKO_OK;
}

void csv_free(csv *table) {
  free(table->text);
  free(table->fields);
  *table = (csv){0};
}

int csv_column(const csv *table, const char *name) {
  for (size_t i = 0; i < table->columns; i++)
    if (strcmp(table->fields[i], name) == 0) return (int)i;
  return -1;
}

const char *csv_field(const csv *table, size_t row, int column) {
  return table->fields[(row + 1) * table->columns + (size_t)column];
}

void csv_write_field(file_writer *writer, const char *text, bool first) {
  if (!first) file_write(writer, ",", 1);
  if (!strpbrk(text, ",\"\r\n")) {
    file_write(writer, text, strlen(text));
    return;
  }
  file_write(writer, "\"", 1);
  for (const char *c = text; *c; c++) {
    if (*c == '"') file_write(writer, "\"", 1);
    file_write(writer, c, 1);
  }
  file_write(writer, "\"", 1);
}
