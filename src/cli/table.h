/* Tables of aligned columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

/* Cells in reading order, the header first. Start with {.columns = n}. */
typedef struct {
  char **cells;
  size_t count, capacity;
  size_t columns;
} table;

/* Adds the next cell. */
void table_add(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the rows, columns of numbers flush right, and an empty line; then empties the table. A
 * table with a header only is not printed. */
void table_print(table *t, FILE *out);

#endif
