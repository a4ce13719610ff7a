#include "report/study_page.h"

#include <string.h>

#include "report/html.h"
#include "report/model_card.h"
#include "report/page.h"
#include "report/study_figures.h"
#include "report/words.h"

static void title_of(const study *s, char *out, size_t size) {
  const evaluation *e = &s->runs[0].scores;
  char number[WORDS_NUMBER], what[96];
  if (e->class_count == 2)
    snprintf(what, sizeof what, "%s or %s", e->classes[e->positive], e->classes[1 - e->positive]);
  else snprintf(what, sizeof what, "%d kinds of cells", e->class_count);
  if (s->count > 1) snprintf(out, size, "%s: %zu models compared", what, s->count);
  else
    snprintf(out, size, "%s: %s %s on %s cells", what,
             s->runs[0].has_model ? words_network(s->runs[0].m.net.name) : "a model",
             s->runs[0].folds > 0 ? "cross-validated" : "tested", words_count(e->n, number));
}

static const struct {
  const char *title;
  leuko_status (*write)(page *p, leuko_error *error);
  bool of_several; /* nothing of one run */
} sections[] = {{"In short", page_summary, false},
                {"Study set-up", page_setup, false},
                {"Flow of the cells", page_flow, false},
                {"Scores", page_scores, false},
                {"Differences between the runs", page_differences, true},
                {"What can be had without a network", page_baselines, false},
                {"Operating point", page_point, false},
                {"Calibration", page_calibration, false},
                {"Person by person", page_persons, false},
                {"Cells that were not answered", page_rejected, false},
                {"Corrupted cells and foreign pictures", page_stress, false},
                {"Training", page_training, false},
                {"Cells answered worst and best", page_cells, false},
                {"Limits", page_limits, false},
                {"Provenance", page_provenance, false}};
#define SECTIONS (sizeof sections / sizeof *sections)

static void write_contents(page *p) {
  file_printf(p->w, "<nav aria-label=\"Contents\"><ul>\n");
  for (size_t k = 0; k < SECTIONS; k++)
    if (p->s->count > 1 || !sections[k].of_several)
      file_printf(p->w, "<li><a href=\"#s%zu\">%s</a></li>\n", k + 1, sections[k].title);
  file_printf(p->w, "</ul></nav>\n");
}

static leuko_status write_body(page *p, const leuko_error *undrawn, leuko_error *error) {
  char title[256];
  leuko_status status = LEUKO_OK;
  title_of(p->s, title, sizeof title);
  html_begin(p->w, title);
  page_notes(p);
  if (!p->drawn) {
    file_printf(p->w, "<p class=\"note\"><b>The figures are not drawn:</b> ");
    page_text(p, undrawn->message);
    file_printf(p->w,
                ". Install gnuplot (gnuplot-nox in Debian) and write the report again.</p>\n");
  }
  write_contents(p);
  for (size_t k = 0; k < SECTIONS && status == LEUKO_OK; k++) {
    if (p->s->count < 2 && sections[k].of_several) continue;
    file_printf(p->w, "<h2 id=\"s%zu\">%s</h2>\n", k + 1, sections[k].title);
    status = sections[k].write(p, error);
  }
  html_end(p->w);
  return status;
}

/* "out/report-figures" of "out/report.html", into out [size]. */
static void figure_folder(const char *path, char *out, size_t size) {
  const char *slash = strrchr(path, '/'), *point = strrchr(path, '.');
  const size_t stem =
      point && (!slash || point > slash + 1) ? (size_t)(point - path) : strlen(path);
  snprintf(out, size, "%.*s-figures", (int)stem, path);
}

/* "out/MODELCARD.md" of "out/report.html", "out/x-MODELCARD.md" of "out/x.html", into out [size].
 */
static void card_path(const char *path, char *out, size_t size) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *point = strrchr(name, '.');
  const int folder = (int)(name - path),
            stem = (int)(point && point > name ? (size_t)(point - name) : strlen(name));
  const bool usual = stem == 6 && strncmp(name, "report", 6) == 0;
  snprintf(out, size, "%.*s%.*s%sMODELCARD.md", folder, path, usual ? 0 : stem, name,
           usual ? "" : "-");
}

leuko_status study_page_write(const study *s, const char *path, const char *command,
                              leuko_error *undrawn, leuko_error *error) {
  char figures[1024];
  leuko_error failure = {0};
  figure_folder(path, figures, sizeof figures);
  leuko_status status = study_draw(s, figures, &failure);
  if (status != LEUKO_OK && status != LEUKO_NOT_FOUND && status != LEUKO_BACKEND) {
    if (error) *error = failure;
    return status;
  }
  if (undrawn) *undrawn = failure;
  file_writer writer;
  page p = {
      .s = s, .w = &writer, .figures = figures, .drawn = status == LEUKO_OK, .command = command};
  status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  status = write_body(&p, &failure, error);
  if (status == LEUKO_OK) {
    char card[1024];
    card_path(path, card, sizeof card);
    status = model_card_write(s, card, error);
  }
  if (status == LEUKO_OK) return file_writer_commit(&writer, error);
  file_writer_abort(&writer);
  return status;
}
