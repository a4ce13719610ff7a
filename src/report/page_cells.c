/* The cells that were answered worst and best, as pictures. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dataset/labels.h"
#include "dataset/names.h"
#include "report/cell_map.h"
#include "report/html.h"
#include "report/page.h"
#include "report/thumb.h"
#include "report/words.h"
#include "stats/metrics.h"

#define SHOWN 6          /* cells of each kind */
#define OF_EACH_PERSON 2 /* of them */

/* A scored cell by how certainly it was answered. */
typedef struct {
  size_t scored; /* index within the evaluation */
  double p;
} ranked;

static int compare_ranked(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  int by_p = (x->p > y->p) - (x->p < y->p);
  return by_p ? by_p : (x->scored > y->scored) - (x->scored < y->scored);
}

static const evaluate_sample *sample_of(const study_run *run, size_t scored) {
  return &run->samples[run->counted[scored]];
}

/* Writes one cell; nothing where its file can no longer be read. */
static leuko_status write_cell(page *p, const study_run *run, cell_maps *maps, const ranked *one,
                               leuko_error *error) {
  const evaluation *e = &run->scores;
  const evaluate_sample *sample = sample_of(run, one->scored);
  const size_t at = labels_find_path(run->set, sample->path);
  char file[4096];
  if (at == run->set->count) return LEUKO_OK;
  leuko_status status = dataset_sample_file(run->set, at, file, sizeof file, error);
  if (status != LEUKO_OK) return status;
  image picture;
  if (image_read(file, &picture, NULL, NULL) != LEUKO_OK) return LEUKO_OK;
  image_cell cell = {0};
  uint8_t *mask = malloc((size_t)picture.width * (size_t)picture.height);
  if (!mask) status = error_set_memory(error, (size_t)picture.width * (size_t)picture.height);
  if (status == LEUKO_OK) status = image_mask(&picture, mask, &cell, error);
  free(mask);
  if (status == LEUKO_OK) {
    file_printf(p->w, "<figure>");
    status = thumb_write(p->w, &picture, &cell, 0, names_base(sample->path), error);
    if (status == LEUKO_OK && maps)
      status = cell_map_write(p, maps, run->counted[one->scored], &picture, &cell,
                              e->answers[one->scored], error);
    file_printf(p->w, "<figcaption>p(");
    page_text(p, e->classes[e->positive]);
    file_printf(p->w, ") = %.3f", one->p);
    if (sample->subject && sample->subject[0]) {
      file_printf(p->w, ", subject ");
      page_text(p, sample->subject);
    }
    file_printf(p->w, "<br>");
    page_text(p, names_base(sample->path));
    file_printf(p->w, "</figcaption></figure>\n");
  }
  image_free(&picture);
  return status;
}

static bool of_one_person(const study_run *run, size_t a, size_t b) {
  const char *x = sample_of(run, a)->subject, *y = sample_of(run, b)->subject;
  if (!x || !x[0] || !y || !y[0]) return false;
  if (run->groups) return run->groups[run->counted[a]] == run->groups[run->counted[b]];
  return strcmp(x, y) == 0;
}

/* The first of `list` [count], at most OF_EACH_PERSON of a person and none that is there already
 * under another name, into out [SHOWN]. */
static size_t choose(const study_run *run, const ranked *list, size_t count, bool from_end,
                     ranked *out) {
  size_t chosen = 0;
  for (size_t i = 0; i < count && chosen < SHOWN; i++) {
    const ranked *one = &list[from_end ? count - 1 - i : i];
    size_t before = 0;
    bool twin = false;
    for (size_t k = 0; k < chosen; k++) {
      before += of_one_person(run, out[k].scored, one->scored);
      twin |=
          strcmp(sample_of(run, out[k].scored)->sha256, sample_of(run, one->scored)->sha256) == 0;
    }
    if (before < OF_EACH_PERSON && !twin) out[chosen++] = *one;
  }
  return chosen;
}

/* Cells of true class `label` (1 = positive) that were answered right or wrong, the most certain
 * answers first. */
static leuko_status write_kind(page *p, const study_run *run, cell_maps *maps, const ranked *sorted,
                               int label, bool right, leuko_error *error) {
  const evaluation *e = &run->scores;
  const int answer = right ? label : 1 - label;
  ranked *list = malloc((e->n + 1) * sizeof *list), chosen[SHOWN];
  char number[WORDS_NUMBER];
  if (!list) return error_set_memory(error, e->n * sizeof *list);
  size_t count = 0;
  for (size_t i = 0; i < e->n; i++)
    if (e->labels[sorted[i].scored] == label && e->answers[sorted[i].scored] == answer)
      list[count++] = sorted[i];
  const size_t shown = choose(run, list, count, answer == 1, chosen);
  free(list);
  if (shown == 0) return LEUKO_OK;
  leuko_status status = LEUKO_OK;
  file_printf(p->w, "<figure class=\"group\">\n<div class=\"%sthumbs\">\n", maps ? "pairs " : "");
  for (size_t i = 0; i < shown && status == LEUKO_OK; i++)
    status = write_cell(p, run, maps, &chosen[i], error);
  file_printf(p->w, "</div>\n<figcaption><b>Figure %d.</b> Cells of ", ++p->shown);
  page_text(p, e->classes[label ? e->positive : 1 - e->positive]);
  file_printf(p->w, " that were answered ");
  page_text(p, e->classes[answer ? e->positive : 1 - e->positive]);
  file_printf(p->w, " (%s) with the most certainty, %zu of %s, at most %d of a person.",
              right ? "right" : "wrong", shown, words_count(count, number), OF_EACH_PERSON);
  file_printf(p->w, "</figcaption>\n</figure>\n");
  return status;
}

static leuko_status write_run(page *p, const study_run *run, leuko_error *error) {
  const evaluation *e = &run->scores;
  ranked *sorted = malloc((e->n + 1) * sizeof *sorted);
  if (!sorted) return error_set_memory(error, e->n * sizeof *sorted);
  for (size_t i = 0; i < e->n; i++) sorted[i] = (ranked){i, stats_sigmoid(e->logits[i])};
  qsort(sorted, e->n, sizeof *sorted, compare_ranked);
  cell_maps *maps = NULL;
  leuko_status status = cell_maps_open(run, &maps, error);
  if (status == LEUKO_OK && maps)
    file_printf(p->w,
                "<p>Beside each cell the Grad-CAM map of its answer%s (Selvaraju et al. 2017, "
                "layer %s): yellow to red, each map by itself, is what speaks for the class that "
                "was answered. <code>leuko explain</code> checks whether such maps can be "
                "trusted.</p>\n",
                run->folds > 0 ? ", by the model of the fold that had held it out" : "",
                cell_maps_layer(maps));
  for (int kind = 0; kind < 4 && status == LEUKO_OK; kind++)
    status = write_kind(p, run, maps, sorted, kind % 2 == 0, kind >= 2, error);
  cell_maps_close(maps);
  free(sorted);
  return status;
}

leuko_status page_cells(page *p, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  for (size_t r = 0; r < p->s->count && status == LEUKO_OK; r++) {
    const study_run *run = &p->s->runs[r];
    page_run_head(p, run);
    if (run->scores.class_count > 2)
      file_printf(p->w, "<p>Cells are shown for two classes only.</p>\n");
    else if (!run->set) {
      file_printf(p->w, "<p>The cells are not shown: ");
      page_text(p, run->remark);
      file_printf(p->w, " (name it with <code>--data</code>).</p>\n");
    } else status = write_run(p, run, error);
  }
  return status;
}
