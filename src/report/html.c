#include "report/html.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

/* For a screen of any width and for A4. */
static const char style[] =
    ":root{color-scheme:light}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;padding:1.5rem 1.25rem 3rem;max-width:66rem;background:#fff;color:#1a1a1a;"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0}\n"
    "h2{font-size:1.25rem;margin:2.4rem 0 .6rem;padding-top:.6rem;border-top:1px solid #ddd}\n"
    "h3{font-size:1.02rem;margin:1.4rem 0 .3rem}\n"
    "p,li{max-width:46rem}\n"
    ".lead{font-size:1.06rem;color:#444}\n"
    ".note{border-left:4px solid #D55E00;background:#fdf3ec;padding:.6rem .9rem;margin:1rem 0;"
    "max-width:48rem}\n"
    ".small{font-size:.86rem;color:#555}\n"
    "nav ul{columns:3 14rem;padding:0;margin:1rem 0;list-style:none;font-size:.92rem}\n"
    "a{color:#00588a}\n"
    "code{overflow-wrap:anywhere}\n"
    /* Words of a command break at spaces, not at their hyphens. */
    "code span{display:inline-block;max-width:100%}\n"
    "table{border-collapse:collapse;width:100%;margin:.9rem 0;font-size:.92rem;"
    "font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;font-size:.93em;color:#555;padding-bottom:.35rem}\n"
    "th,td{padding:.36rem .55rem;text-align:right;border-bottom:1px solid #e3e3e3;"
    "vertical-align:top}\n"
    "th{font-weight:600;vertical-align:bottom;border-bottom:2px solid #999}\n"
    "th:first-child,td:first-child,.words th,.words td{text-align:left}\n"
    ".unit{display:block;font-weight:400;font-size:.85em;color:#666}\n"
    ".paper{display:block;color:#666;font-size:.88em;white-space:nowrap}\n"
    "tr.first td{border-top:1px solid #bbb}\n"
    "td{white-space:nowrap}\n"
    ".free{white-space:normal;overflow-wrap:break-word}\n"
    ".words .free{overflow-wrap:anywhere}\n"
    ".words td{white-space:normal}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));"
    "gap:1.2rem 1.4rem;align-items:start}\n"
    ".pairs{grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}\n"
    "figure{margin:0 0 1.2rem;min-width:0}\n"
    "figure svg{display:block;width:100%;height:auto;max-width:25rem}\n"
    ".pairs svg{max-width:30rem}\n"
    ".wide svg{max-width:32rem}\n"
    ".wide figcaption{max-width:38rem}\n"
    ".full svg{max-width:50rem}\n"
    ".full figcaption{max-width:46rem}\n"
    ".grid{width:auto;min-width:min(100%,40rem)}\n"
    ".grid td{padding-top:.14rem;padding-bottom:.14rem}\n"
    ".grid .head td{padding-top:.5rem;font-weight:600}\n"
    ".figures figure,.thumbs figure{margin:0}\n"
    "figcaption{font-size:.86rem;color:#444;margin-top:.3rem;max-width:30rem}\n"
    ".group{margin:1rem 0 1.6rem}\n"
    ".group>figcaption{max-width:46rem;margin-top:.7rem}\n"
    ".thumbs{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1rem}\n"
    ".pairs.thumbs{grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}\n"
    ".thumbs img{width:6.5rem;height:6.5rem;object-fit:contain;background:#000;margin-right:3px}\n"
    ".thumbs figcaption{font-size:.78rem;line-height:1.35;overflow-wrap:anywhere}\n"
    "@media screen and (max-width:60rem){\n"
    "table{font-size:.8rem}\n"
    "th,td{padding:.3rem .28rem}\n"
    "}\n"
    "@media screen and (max-width:48rem){\n"
    "table:not(.words){font-size:.7rem}\n"
    "th,td{padding:.3rem .2rem}\n"
    "}\n"
    "@media screen and (max-width:40rem){\n"
    "table:not(.grid){font-size:.92rem}\n"
    "body{padding:1rem .8rem 2rem}\n"
    "h1{font-size:1.4rem}\n"
    "table,tbody,tr,td,caption{display:block;width:100%}\n"
    "thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
    "tr{border-bottom:1px solid #bbb;padding:.45rem 0}\n"
    "tr.first td{border-top:0}\n"
    "td,.words td{white-space:normal;border:0;padding:.1rem "
    "0;display:flex;justify-content:space-between;gap:1rem;"
    "text-align:right}\n"
    "td::before{content:attr(data-label);color:#666;text-align:left;flex:0 1 auto}\n"
    "td>span{flex:0 1 auto}\n"
    "td.none{display:none}\n"
    "td:first-child{font-weight:600;display:block;text-align:left}\n"
    "td:first-child::before{content:none}\n"
    ".words td{display:block;text-align:left}\n"
    ".words td:nth-child(n+3){display:inline-block;width:auto;margin-right:1.2rem}\n"
    ".words td:nth-child(n+3)::before{content:attr(data-label) ' '}\n"
    ".words td:nth-child(2)::before{content:none}\n"
    ".short tr{display:grid;grid-template-columns:1fr 1fr;column-gap:1.6rem}\n"
    ".short td:first-child{grid-column:1/-1}\n"
    ".short td:first-child::before{content:attr(data-label) ' '}\n"
    ".grid{display:table;font-size:.72rem;min-width:0;width:100%}\n"
    ".grid thead{display:table-header-group;position:static;clip-path:none}\n"
    ".grid tbody{display:table-row-group}\n"
    ".grid tr{display:table-row}\n"
    ".grid caption{display:table-caption;font-size:.86rem}\n"
    ".grid th{font-size:.94em}\n"
    ".grid th,.grid td,.grid td:first-child{display:table-cell;width:auto;font-weight:inherit;"
    "padding:.16rem .22rem;text-align:right;border-bottom:1px solid #e3e3e3}\n"
    ".grid td:not(:first-child){white-space:nowrap}\n"
    ".grid th:first-child,.grid td:first-child{text-align:left}\n"
    ".grid td.none{display:table-cell}\n"
    ".grid td::before{content:none}\n"
    ".grid .head td:first-child{font-weight:600}\n"
    ".full{overflow-x:auto}\n"
    ".full svg{min-width:44rem}\n"
    ".pairs.thumbs{grid-template-columns:1fr 1fr;gap:.8rem}\n"
    ".pairs.thumbs img{width:calc(50% - 3px);height:auto;aspect-ratio:1}\n"
    "}\n"
    "@media print{\n"
    "@page{size:A4;margin:16mm 14mm}\n"
    "html{font-size:9.5pt}\n"
    "body{max-width:none;padding:0;font-size:1rem}\n"
    "nav{display:none}\n"
    "h2,h3,caption{break-after:avoid}\n"
    "h3+.small{break-after:avoid}\n"
    "p{orphans:3;widows:3}\n"
    "table,figure,tr,.note,li{break-inside:avoid}\n"
    ".words,.long{break-inside:auto}\n"
    ".long tr:nth-child(-n+4){break-after:avoid}\n"
    "figure svg{max-height:220mm}\n"
    ".pairs.thumbs{grid-template-columns:repeat(3,1fr)}\n"
    ".pairs.thumbs img{width:26mm;height:26mm}\n"
    ".figures{display:block;orphans:1;widows:1}\n"
    ".figures figure{display:inline-block;width:48%;margin:0 1.5% 5mm 0;vertical-align:top}\n"
    ".grid .head{break-after:avoid}\n"
    "table{font-size:.9rem}\n"
    "th,td{padding:.25rem .35rem}\n"
    ".note{-webkit-print-color-adjust:exact;print-color-adjust:exact}\n"
    "}\n";

void html_begin(file_writer *writer, const char *title) {
  file_printf(writer, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<title>");
  html_text(writer, title);
  file_printf(writer, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
  html_text(writer, title);
  file_printf(writer, "</h1>\n");
}

void html_end(file_writer *writer) {
  file_printf(writer, "</body>\n</html>\n");
}

void html_text(file_writer *writer, const char *text) {
  for (const char *c = text; *c; c++) {
    if (*c == '<') file_printf(writer, "&lt;");
    else if (*c == '>') file_printf(writer, "&gt;");
    else if (*c == '&') file_printf(writer, "&amp;");
    else if (*c == '"') file_printf(writer, "&quot;");
    else if (*c == '\'') file_printf(writer, "&#39;");
    else file_write(writer, c, 1);
  }
}

void html_cell(file_writer *writer, const char *label, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text;
  locale_t before = number_point();
  if (vasprintf(&text, format, arguments) < 0) text = NULL;
  number_restore(before);
  va_end(arguments);
  file_printf(writer, "<td data-label=\"");
  html_text(writer, label);
  const bool minus = text && text[0] == '-' && text[1] >= '0' && text[1] <= '9';
  file_printf(writer, "\"><span>%s%s</span></td>", minus ? "&minus;" : "",
              text ? text + minus : "?");
  free(text);
}

void html_png(file_writer *writer, const uint8_t *bytes, size_t size, const char *about) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  file_printf(writer, "<img alt=\"");
  html_text(writer, about);
  file_printf(writer, "\" src=\"data:image/png;base64,");
  for (size_t i = 0; i < size; i += 3) {
    const unsigned left = size - i < 3 ? (unsigned)(size - i) : 3;
    unsigned bits = 0;
    for (unsigned k = 0; k < 3; k++) bits = bits << 8 | (k < left ? bytes[i + k] : 0);
    char text[4];
    for (unsigned k = 0; k < 4; k++) text[k] = k <= left ? digits[bits >> (18 - 6 * k) & 63] : '=';
    file_write(writer, text, sizeof text);
  }
  file_printf(writer, "\">");
}

/* Passes over an element such as <title>...</title>; `at` stays where it is if it is none. */
static const char *skip_element(const char *at, const char *open, const char *close) {
  if (strncmp(at, open, strlen(open)) != 0) return at;
  const char *end = strstr(at, close);
  return end ? end + strlen(close) : at;
}

/* The length of what stands before an identifier at `at`: id=" or href="# or url(#, or 0. */
static size_t before_identifier(const char *at) {
  static const char *const openings[] = {" id='",    " id=\"", "href='#",
                                         "href=\"#", "url('#", "url(#"};
  for (size_t i = 0; i < sizeof openings / sizeof *openings; i++)
    if (strncmp(at, openings[i], strlen(openings[i])) == 0) return strlen(openings[i]);
  return 0;
}

leuko_status html_svg(file_writer *writer, const char *path, const char *name, const char *about,
                      leuko_error *error) {
  char *text;
  size_t size;
  leuko_status status = file_read(path, (size_t)16 << 20, &text, &size, error);
  if (status != LEUKO_OK) return status;
  const char *at = strstr(text, "<svg"), *head = at ? strchr(at, '>') : NULL;
  if (!head) {
    free(text);
    return error_set(error, LEUKO_BAD_DATA, path, "draw the figure again", "not an SVG file");
  }
  file_printf(writer, "<svg role=\"img\" aria-label=\"");
  html_text(writer, about);
  file_write(writer, "\"", 1);
  at += 4;
  /* Names of XML's namespaces are of no use within HTML; the figure's own title is gnuplot's. */
  while (*at) {
    if (at < head && strncmp(at, "xmlns", 5) == 0) {
      const char *value = strchr(at, '"'), *end = value ? strchr(value + 1, '"') : NULL;
      if (end) at = end + 1;
    }
    const char *next = skip_element(at, "<title>Gnuplot", "</title>");
    next = skip_element(next, "<desc>", "</desc>");
    if (next != at) {
      at = next;
      continue;
    }
    size_t opening = before_identifier(at);
    if (opening > 0) {
      file_write(writer, at, opening);
      file_printf(writer, "%s-", name);
      at += opening;
      continue;
    }
    file_write(writer, at++, 1);
  }
  free(text);
  return LEUKO_OK;
}
