#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "report/html.h"
#include "report/study_figures.h"
#include "report/words.h"

/* Prints HTML with points in numbers, whatever the locale. */
static void print(page *p, const char *format, va_list arguments) {
  char *text;
  locale_t before = number_point();
  if (vasprintf(&text, format, arguments) < 0) text = NULL;
  number_restore(before);
  file_printf(p->w, "%s", text ? text : "");
  free(text);
}

int page_table(page *p, const char *class, const char *format, ...) {
  file_printf(p->w, "<table%s%s%s>\n<caption><b>Table %d.</b> ", class[0] ? " class=\"" : "", class,
              class[0] ? "\"" : "", ++p->tables);
  va_list arguments;
  va_start(arguments, format);
  print(p, format, arguments);
  va_end(arguments);
  file_printf(p->w, "</caption>\n");
  return p->tables;
}

void page_heads(page *p, const char *const *names, size_t count) {
  file_printf(p->w, "<thead><tr>");
  for (size_t i = 0; i < count; i++) {
    file_printf(p->w, "<th>");
    html_text(p->w, names[i]);
    file_printf(p->w, "</th>");
  }
  file_printf(p->w, "</tr></thead>\n<tbody>\n");
}

void page_end_table(page *p) {
  file_printf(p->w, "</tbody>\n</table>\n");
}

leuko_status page_figure(page *p, const study_run *run, const char *figure, const char *class,
                         leuko_error *error, const char *format, ...) {
  char path[1024], name[64];
  if (!p->drawn || !study_figure(p->figures, run, figure, path, sizeof path)) return LEUKO_OK;
  char *caption;
  va_list arguments;
  va_start(arguments, format);
  locale_t before = number_point();
  if (vasprintf(&caption, format, arguments) < 0) caption = NULL;
  number_restore(before);
  va_end(arguments);
  file_printf(p->w, "<figure%s%s%s>\n", class[0] ? " class=\"" : "", class, class[0] ? "\"" : "");
  snprintf(name, sizeof name, "f%d", ++p->shown);
  leuko_status status = html_svg(p->w, path, name, figure, error);
  file_printf(p->w, "\n<figcaption><b>Figure %d.</b> %s</figcaption>\n</figure>\n", p->shown,
              caption ? caption : "");
  free(caption);
  return status;
}

void page_text_cell(page *p, const char *label, const char *text) {
  file_printf(p->w, "<td data-label=\"");
  html_text(p->w, label);
  file_printf(p->w, "\"><span class=\"free\">");
  html_text(p->w, text);
  file_printf(p->w, "</span></td>");
}

void page_text(page *p, const char *text) {
  html_text(p->w, text);
}

void page_command(page *p, const char *command) {
  file_printf(p->w, "<code>");
  for (const char *at = command; *at;) {
    const size_t length = strcspn(at, " "), gap = strspn(at + length, " ");
    char *word = strndup(at, length);
    file_printf(p->w, "<span>");
    html_text(p->w, word ? word : "");
    file_printf(p->w, "</span>%s", gap ? " " : "");
    free(word);
    at += length + gap;
  }
  file_printf(p->w, "</code>");
}

void page_run_head(page *p, const study_run *run) {
  if (p->s->count < 2) return;
  file_printf(p->w, "<h3>");
  html_text(p->w, run->name);
  file_printf(p->w, "</h3>\n");
}

void page_network(const study_run *run, char *out, size_t size) {
  if (!run->has_model) {
    snprintf(out, size, "A model that is not in the folder");
    return;
  }
  snprintf(out, size, "%s, %d × %d pixels", words_network(run->m.net.name), run->m.net.size,
           run->m.net.size);
}

void page_value_cell(page *p, const char *label, double value) {
  if (isfinite(value)) html_cell(p->w, label, "%.3f", value);
  else html_cell(p->w, label, "&ndash;");
}

void page_interval_cell(page *p, const char *label, stats_interval i) {
  if (isfinite(i.low)) html_cell(p->w, label, "%.3f to %.3f", i.low, i.high);
  else html_cell(p->w, label, "&ndash;");
}

void page_both_cell(page *p, const char *label, double value, stats_interval i) {
  if (!isfinite(value)) html_cell(p->w, label, "&ndash;");
  else if (!isfinite(i.low)) html_cell(p->w, label, "%.3f", value);
  else
    html_cell(p->w, label, "%.3f<span class=\"paper\">%.3f to %.3f</span>", value, i.low, i.high);
}

void page_difference_cell(page *p, const char *label, double value, stats_interval i) {
  char a[WORDS_NUMBER], b[WORDS_NUMBER], c[WORDS_NUMBER];
  if (!isfinite(value)) html_cell(p->w, label, "&ndash;");
  else if (!isfinite(i.low)) html_cell(p->w, label, "%s", words_signed(value, a));
  else
    html_cell(p->w, label, "%s<span class=\"paper\">%s to %s</span>", words_signed(value, a),
              words_signed(i.low, b), words_signed(i.high, c));
}
