#include "report/explain_page.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/number.h"
#include "dataset/names.h"
#include "report/html.h"
#include "report/words.h"

/* Maps whose rank correlation with those of random weights is above this show the picture rather
 * than what the network has learnt. */
#define ALIKE 0.5

explain_share explain_mean_share(const explanation *x, size_t index) {
  explain_share sum = {0, 0};
  size_t counted = 0;
  for (size_t i = 0; i < x->count; i++) {
    const explain_share *share = &x->pictures[i].share[index];
    if (x->pictures[i].answer.status != LEUKO_OK || !isfinite(share->inside)) continue;
    sum.inside += share->inside;
    sum.area += share->area;
    counted++;
  }
  if (counted == 0) return (explain_share){NAN, NAN};
  return (explain_share){sum.inside / (double)counted, sum.area / (double)counted};
}

void explain_words_random(const explanation *x, size_t index, char *out, size_t size) {
  const char *title = explain_method_title(x->methods[index]);
  if (!x->likeness[index]) {
    snprintf(out, size, "%s: not compared with random weights.", title);
    return;
  }
  const explain_likeness *head = &x->likeness[index][0], *all = head + x->stage_count - 1;
  number_print(out, size,
               "%s: with random weights throughout (%zu draws), maps have a rank correlation of "
               "%.2f over the picture and %.2f on the cell with the network's own (%.2f and %.2f "
               "where only its "
               "last layer is random; 1: the same map): %s.",
               title, x->draws[index], all->whole, all->cell, head->whole, head->cell,
               fabs(all->cell) <= ALIKE
                   ? "on the cell they show what the network has learnt"
                   : "they depend little on what the network has learnt, and must not be read as "
                     "its reasons");
}

void explain_words_cell(const explanation *x, size_t index, char *out, size_t size) {
  const char *title = explain_method_title(x->methods[index]);
  const explain_share mean = explain_mean_share(x, index);
  if (!isfinite(mean.inside)) {
    snprintf(out, size, "%s: no map has anything that speaks for the answer.", title);
    return;
  }
  number_print(
      out, size,
      "%s: %.0f %% of what speaks for the answers lies on the cell, which covers %.0f %% of "
      "what the network sees%s.",
      title, 100 * mean.inside, 100 * mean.area,
      mean.inside > mean.area ? "" : ": no more than if it were spread evenly");
}

static void write_checks(const explanation *x, file_writer *w) {
  char text[512];
  file_printf(w, "<h2>Can the maps be trusted?</h2>\n<ul>\n");
  for (size_t k = 0; k < x->method_count; k++) {
    explain_words_random(x, k, text, sizeof text);
    file_printf(w, "<li>");
    html_text(w, text);
    explain_words_cell(x, k, text, sizeof text);
    file_printf(w, "</li>\n<li>");
    html_text(w, text);
    file_printf(w, "</li>\n");
  }
  file_printf(w, "</ul>\n");
}

static void write_cascade(const explanation *x, size_t k, int number, file_writer *w) {
  if (!x->likeness[k]) return;
  file_printf(
      w,
      "<table>\n<caption><b>Table %d.</b> %s: rank correlation (Spearman) of maps with "
      "those of the network itself while its layers get random weights, from the output on "
      "(Adebayo et al. 2018); mean of %zu draws of them.</caption>\n<thead><tr><th>random up to"
      "</th><th>whole picture</th><th>on the cell</th></tr></thead>\n<tbody>\n",
      number, explain_method_title(x->methods[k]), x->draws[k]);
  for (size_t s = 0; s < x->stage_count; s++) {
    file_printf(w, "<tr>");
    html_cell(w, "random up to", "%s", x->stages[s]);
    html_cell(w, "whole picture", "%.2f", x->likeness[k][s].whole);
    html_cell(w, "on the cell", "%.2f", x->likeness[k][s].cell);
    file_printf(w, "</tr>\n");
  }
  file_printf(w, "</tbody>\n</table>\n");
}

static void write_picture(const explanation *x, const explained *one, file_writer *w) {
  const leuko_answer *a = &one->answer;
  if (a->status != LEUKO_OK) {
    file_printf(w, "<p class=\"note\">");
    html_text(w, one->path);
    file_printf(w, ": ");
    html_text(w, a->message);
    file_printf(w, " (%s)</p>\n", leuko_status_name(a->status));
    return;
  }
  const int asked = x->m->positive >= 0 ? x->m->positive : a->label_index;
  char number[32];
  number_print(number, sizeof number, "%.3f", a->p);
  file_printf(w,
              "<figure class=\"group\">\n<a href=\"%s\"><img loading=\"lazy\" "
              "style=\"max-width:100%%;height:auto\" src=\"%s\" alt=\"",
              one->overlay, one->overlay);
  html_text(w, names_base(one->path));
  file_printf(w, "\"></a>\n<figcaption>Answered <b>");
  html_text(w, a->label);
  file_printf(w, "</b>, p(");
  html_text(w, x->m->classes[asked]);
  file_printf(w, ") = %s: ", number);
  html_text(w, one->path);
  file_printf(w, "</figcaption>\n</figure>\n");
}

leuko_status explain_page_write(const explanation *x, const char *path, leuko_error *error) {
  file_writer w;
  leuko_status status = file_writer_open(&w, path, error);
  if (status != LEUKO_OK) return status;
  html_begin(&w, "What the answers come from");
  file_printf(&w,
              "<p class=\"lead\">%s, %d × %d pixels%s; Grad-CAM looks at layer %s. Yellow to red "
              "speaks for the answered class, blue against it; the scale is each map's own. "
              "Research use only: no answer of leuko is a diagnosis, and no map is a "
              "reason.</p>\n",
              words_network(x->m->net.name), x->m->net.size, x->m->net.size,
              x->models > 1 ? "; models that answer as one, each map the mean of theirs" : "",
              x->layer);
  write_checks(x, &w);
  for (size_t k = 0; k < x->method_count; k++) write_cascade(x, k, (int)k + 1, &w);
  file_printf(&w, "<h2>Pictures</h2>\n");
  for (size_t i = 0; i < x->count; i++) write_picture(x, &x->pictures[i], &w);
  html_end(&w);
  return file_writer_commit(&w, error);
}
