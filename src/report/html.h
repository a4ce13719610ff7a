/* Pieces of a web page that stands alone: no script, nothing loaded from elsewhere. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "base/file.h"
#include "leuko.h"

/* The head with the page's style, and the heading. */
void html_begin(file_writer *writer, const char *title);
void html_end(file_writer *writer);

/* Text with <, >, & and quotes made harmless. */
void html_text(file_writer *writer, const char *text);

/* A cell of a table. On narrow screens a row becomes a block in which `label` stands before the
 * cell. `format` is HTML. */
void html_cell(file_writer *writer, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A PNG file of `size` bytes as a picture within the page; `about` is read to those who cannot see
 * it. */
void html_png(file_writer *writer, const uint8_t *bytes, size_t size, const char *about);

/* Copies an SVG file that gnuplot has written into the page. `name` makes its identifiers differ
 * from those of other figures; `about` is read to those who cannot see it. Errors: those of
 * reading, BAD_DATA. */
leuko_status html_svg(file_writer *writer, const char *path, const char *name, const char *about,
                      leuko_error *error);

#endif
