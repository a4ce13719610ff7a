/* Comma-separated values (RFC 4180): a header and rows of as many fields, quotes allowed. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include "base/file.h"
#include "leuko.h"

/* A whole CSV file in memory. */
typedef struct {
  char *text;    /* owns the bytes that the fields point into */
  char **fields; /* [(rows + 1) * columns], the header first */
  size_t rows;   /* without the header */
  size_t columns;
} csv;

/* Reads a file of at most 256 MB; `separator` is ',' or '\t'. The caller ends with csv_free.
 * Errors: those of reading, EMPTY, BAD_CSV (with the line). */
leuko_status csv_read(const char *path, char separator, csv *out, leuko_error *error);
void csv_free(csv *table);

/* Index of the column of that name, or -1. */
int csv_column(const csv *table, const char *name);
/* The field, a string owned by the table. `row` counts from 0 behind the header. */
const char *csv_field(const csv *table, size_t row, int column);

/* Writes one field with quotes where they are needed, preceded by a comma unless it is the first.
 */
void csv_write_field(file_writer *writer, const char *text, bool first);

#endif
