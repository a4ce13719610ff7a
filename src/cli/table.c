#include "cli/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void table_add(table *t, const char *format, ...) {
  if (t->count == t->capacity) {
    size_t capacity = t->capacity ? 2 * t->capacity : 64;
    char **grown = realloc(t->cells, capacity * sizeof *grown);
    if (!grown) return;
    t->cells = grown;
    t->capacity = capacity;
  }
  va_list arguments;
  va_start(arguments, format);
  char *text;
  if (vasprintf(&text, format, arguments) < 0) text = NULL;
  va_end(arguments);
  t->cells[t->count++] = text;
}

static const char *cell(const table *t, size_t row, size_t column) {
  const char *text = t->cells[row * t->columns + column];
  return text ? text : "?";
}

void table_print(table *t, FILE *out) {
  size_t rows = t->count / t->columns;
  for (size_t row = 0; row < rows && rows > 1; row++) {
    for (size_t column = 0; column < t->columns; column++) {
      size_t width = 0;
      bool numbers = true;
      for (size_t other = 0; other < rows; other++) {
        size_t length = strlen(cell(t, other, column));
        if (length > width) width = length;
        if (other > 0 && cell(t, other, column)[strspn(cell(t, other, column), "0123456789.")])
          numbers = false;
      }
      bool last = column + 1 == t->columns;
      if (last && !cell(t, row, column)[0]) continue;
      fprintf(out, "%s%*s", column ? "  " : "",
              (numbers ? 1
               : last  ? 0
                       : -1) *
                  (int)width,
              cell(t, row, column));
    }
    fputc('\n', out);
  }
  if (rows > 1) fputc('\n', out);
  for (size_t i = 0; i < t->count; i++) free(t->cells[i]);
  free(t->cells);
  *t = (table){.columns = t->columns};
}
