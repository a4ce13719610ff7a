#include "report/audit_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "dataset/names.h"
#include "dataset/subjects.h"
#include "report/audit_thumbs.h"
#include "report/html.h"

static void head_cell(file_writer *w, const char *text) {
  file_printf(w, "<th>");
  html_text(w, text);
  file_printf(w, "</th>");
}

/* `class` is that of the page's style: "" becomes a list on narrow screens, "grid" stays a table.
 */
static void begin_table(file_writer *w, const char *class, const char *caption,
                        const char *const *heads, size_t count) {
  file_printf(w, "<table class=\"%s\">\n", class);
  if (caption[0]) {
    file_printf(w, "<caption>");
    html_text(w, caption);
    file_printf(w, "</caption>\n");
  }
  file_printf(w, "<thead><tr>");
  for (size_t i = 0; i < count; i++) head_cell(w, heads[i]);
}

static void end_head(file_writer *w) {
  file_printf(w, "</tr></thead>\n<tbody>\n");
}

static void end_table(file_writer *w) {
  file_printf(w, "</tbody>\n</table>\n");
}

/* A cell of text that came from outside. */
static void text_cell(file_writer *w, const char *label, const char *text) {
  file_printf(w, "<td data-label=\"");
  html_text(w, label);
  file_printf(w, "\"><span style=\"white-space:normal\">");
  html_text(w, text);
  file_printf(w, "</span></td>");
}

static void count_cell(file_writer *w, const char *label, size_t count) {
  html_cell(w, label, "%zu", count);
}

static void class_heads(file_writer *w, const dataset *d) {
  for (int k = 0; k < d->class_count; k++) head_cell(w, d->classes[k]);
}

static void class_cells(file_writer *w, const dataset *d, const size_t *cells) {
  for (int k = 0; k < d->class_count; k++) count_cell(w, d->classes[k], cells[k]);
}

static void write_findings(file_writer *w, const audit *a) {
  if (a->finding_count == 0) {
    file_printf(w, "<p>Nothing was found that would spoil an experiment.</p>\n");
    return;
  }
  file_printf(w, "<ul>\n");
  for (size_t i = 0; i < a->finding_count; i++) {
    file_printf(w, "<li>");
    html_text(w, a->findings[i]);
    file_printf(w, "</li>\n");
  }
  file_printf(w, "</ul>\n");
}

static const char *verdict_words(audit_verdict verdict) {
  switch (verdict) {
  case AUDIT_NAMED:
    return "<b>gives the class away</b>";
  case AUDIT_CONVENTION:
    return "holds the class by convention";
  case AUDIT_CONSTANT:
    return "the same everywhere";
  case AUDIT_UNTESTED:
    return "not tested";
  default:
    return "no more than chance, or hardly";
  }
}

static void write_clue(file_writer *w, const audit_clue *c) {
  file_printf(w, "<tr><td>");
  html_text(w, c->name);
  file_printf(w, "<span class=\"paper\" style=\"white-space:normal;font-weight:400\">");
  html_text(w, c->about);
  file_printf(w, "</span></td>");
  html_cell(w, "verdict", "%s", verdict_words(c->verdict));
  html_cell(w, "values", "%d", c->values);
  if (c->verdict == AUDIT_CONSTANT || c->verdict == AUDIT_UNTESTED) {
    html_cell(w, "accuracy", "&ndash;");
    html_cell(w, "balanced", "&ndash;");
    html_cell(w, "p", "&ndash;");
  } else {
    html_cell(w, "accuracy", "%.3f", c->score.accuracy);
    html_cell(w, "balanced", "%.3f", c->score.balanced);
    html_cell(w, "p", "%.4f", c->score.p);
  }
  file_printf(w, "</tr>\n");
}

static void write_clue_values(file_writer *w, const audit *a, const audit_clue *c) {
  char caption[160];
  snprintf(caption, sizeof caption, "Cells by %s%s", c->name,
           c->values > c->listed_count ? ", the most frequent values" : "");
  begin_table(w, "grid", caption, &c->name, 1);
  class_heads(w, a->d);
  end_head(w);
  for (int v = 0; v < c->listed_count; v++) {
    file_printf(w, "<tr>");
    text_cell(w, c->name, c->listed[v].text[0] ? c->listed[v].text : "(nothing)");
    class_cells(w, a->d, c->listed[v].cells);
    file_printf(w, "</tr>\n");
  }
  end_table(w);
}

static void write_clues(file_writer *w, const audit *a) {
  static const char *const heads[] = {"guessed from", "verdict",           "values",
                                      "accuracy",     "balanced accuracy", "p"};
  file_printf(w, "<h2>What gives the class away</h2>\n");
  if (a->labelled == 0) {
    file_printf(w, "<p>No cell is labelled.</p>\n");
    return;
  }
  const bool by_subject = a->clue_count > 0 && a->clues[0].by_subject;
  file_printf(w,
              "<p>How well the class is guessed from one thing alone, without a look at the cell. "
              "Every cell is guessed from the cells of other %s. Always answering the most "
              "frequent class is right for %.3f; its balanced accuracy is %.3f. p: how often "
              "shuffled labels do as well. What is guessed with a balanced accuracy of %.2f or "
              "more (%.2f where what the cell explains was subtracted), and with p under %.2f, "
              "shared among all that were tested, is named.%s</p>\n",
              by_subject ? "subjects" : "cells", (double)a->majority_cells / (double)a->labelled,
              1.0 / a->d->class_count, audit_sure(a->d->class_count, false),
              audit_sure(a->d->class_count, true), AUDIT_LEVEL,
              by_subject ? ""
                         : " Subjects are unknown or too few to be told from classes: what differs "
                           "between them may be named, too.");
  begin_table(w, "", "", heads, sizeof heads / sizeof *heads);
  end_head(w);
  for (int i = 0; i < a->clue_count; i++) write_clue(w, &a->clues[i]);
  end_table(w);
  for (int i = 0; i < a->clue_count; i++)
    if (a->clues[i].verdict == AUDIT_NAMED) write_clue_values(w, a, &a->clues[i]);
}

static leuko_status write_pairs(file_writer *w, const audit *a, leuko_error *error) {
  static const char *const heads[] = {"files of one cell", "pairs",          "across subjects",
                                      "across folds",      "across classes", "across the split"};
  static const char *const kinds[AUDIT_PAIR_KINDS] = {
      "byte for byte the same", "pixel for pixel the same", "of the same original, by the manifest",
      "nearly the same"};
  file_printf(w,
              "<h2>Copies of one cell</h2>\n"
              "<p>Of several identical files each further one is paired with the first. Near "
              "copies have thumbnails of 32 x 32 pixels that correlate by at least %.2f within "
              "the cell, turned and mirrored as need be.</p>\n",
              AUDIT_CORRELATION);
  const size_t columns = a->split ? 6 : 5;
  begin_table(w, "grid", "", heads, columns);
  end_head(w);
  for (int k = 0; k < AUDIT_PAIR_KINDS; k++) {
    file_printf(w, "<tr>");
    text_cell(w, heads[0], kinds[k]);
    count_cell(w, heads[1], a->pairs_of[k]);
    for (size_t across = 0; across + 2 < columns; across++)
      count_cell(w, heads[across + 2], a->across[k][across]);
    file_printf(w, "</tr>\n");
  }
  end_table(w);
  if (a->pair_count == 0) return LEUKO_OK;
  file_printf(w, "<p class=\"small\">Those across classes, sides and subjects first; all are in "
                 "pairs.csv. The second picture is turned as the first.</p>\n");
  return audit_thumbs_pairs(w, a, error);
}

static void write_ties(file_writer *w, const audit *a) {
  static const char *const heads[] = {"subjects",       "identical originals in the manifest",
                                      "of them here",   "identical files",
                                      "near-identical", "kept together by a split"};
  if (a->tied_count == 0) return;
  file_printf(w,
              "<h2>Subjects who share cells</h2>\n"
              "<p>%zu names, at most %zu persons. A split by subject keeps those together who "
              "share identical cells or originals; near-identical pictures alone do not tie "
              "subjects there.</p>\n",
              a->ties.subjects, a->persons);
  begin_table(w, "", "", heads, sizeof heads / sizeof *heads);
  end_head(w);
  for (size_t i = 0; i < a->tied_count; i++) {
    const audit_tie *t = &a->tied[i];
    char names[128];
    snprintf(names, sizeof names, "%.60s and %.60s", t->a, t->b);
    file_printf(w, "<tr>");
    text_cell(w, heads[0], names);
    if (a->manifest) count_cell(w, heads[1], t->originals);
    else html_cell(w, heads[1], "&ndash;");
    if (a->manifest) count_cell(w, heads[2], t->originals_here);
    else html_cell(w, heads[2], "&ndash;");
    count_cell(w, heads[3], t->pairs[AUDIT_SAME_BYTES] + t->pairs[AUDIT_SAME_PIXELS]);
    count_cell(w, heads[4], t->pairs[AUDIT_NEAR]);
    html_cell(w, heads[5], t->known ? "yes" : "<b>no</b>");
    file_printf(w, "</tr>\n");
  }
  end_table(w);
}

static void write_split(file_writer *w, const audit *a) {
  if (!a->split) return;
  file_printf(w, "<h2>The split</h2>\n<p>");
  html_text(w, a->split);
  file_printf(w, ": %zu cells to train on, %zu to test on, of %zu subjects.</p>\n<ul>\n",
              a->split_cells[0], a->split_cells[1], a->leaks.subjects);
  size_t identical = 0;
  for (int k = 0; k < AUDIT_NEAR; k++) identical += a->across[k][3];
  file_printf(w,
              "<li>%zu subjects have cells on both sides, under their own name or one tied to "
              "it by identical cells;</li>\n",
              a->leaks.leaking);
  file_printf(w, "<li>%zu, if near-identical pictures tie subjects, too", a->person_leaks);
  for (size_t i = 0; i < a->person_leaks; i++) {
    file_printf(w, i ? ", " : ": ");
    html_text(w, a->leaking[i]);
  }
  file_printf(w, ";</li>\n");
  file_printf(w,
              "<li>%zu tested cells have an identical one that is trained on; %zu pairs of "
              "identical and %zu of near-identical pictures lie across;</li>\n",
              a->leaks.twins, identical, a->across[AUDIT_NEAR][3]);
  file_printf(w, "<li>%zu cells are of unknown subjects.</li>\n</ul>\n", a->leaks.unknown);
}

static leuko_status write_subjects(file_writer *w, const audit *a, leuko_error *error) {
  size_t count, largest = 0;
  dataset_subject *subjects = dataset_subjects(a->d, DATASET_NONE, &count);
  if (!subjects) return error_set_memory(error, a->d->count * sizeof *subjects);
  size_t cells[LEUKO_MAX_CLASSES] = {0}, persons[LEUKO_MAX_CLASSES] = {0}, all = 0;
  for (size_t i = 0; i < a->d->count; i++) {
    const dataset_sample *s = &a->d->samples[i];
    if (s->status == LEUKO_OK && s->label >= 0) cells[s->label]++;
    all += s->status == LEUKO_OK;
  }
  for (size_t i = 0; i < count; i++) {
    for (int k = 0; k < a->d->class_count; k++) persons[k] += subjects[i].cells[k] > 0;
    if (subjects[i].all > subjects[largest].all) largest = i;
  }
  static const char *const heads[] = {"class", "cells", "share", "subjects"};
  file_printf(w, "<h2>Classes and subjects</h2>\n");
  begin_table(w, "grid", "", heads, 4);
  end_head(w);
  for (int k = 0; k < a->d->class_count; k++) {
    file_printf(w, "<tr>");
    text_cell(w, "class", a->d->classes[k]);
    count_cell(w, "cells", cells[k]);
    html_cell(w, "share", "%.3f", all ? (double)cells[k] / (double)all : 0);
    count_cell(w, "subjects", persons[k]);
    file_printf(w, "</tr>\n");
  }
  end_table(w);
  if (count > 0) {
    static const char *const subject_heads[] = {"subject", "fold"};
    file_printf(w, "<p>The largest subject, ");
    html_text(w, subjects[largest].name);
    file_printf(w,
                ", has %zu cells, %.1f %% of all.</p>\n<details><summary>All %zu "
                "subjects</summary>\n",
                subjects[largest].all, 100.0 * (double)subjects[largest].all / (double)all, count);
    begin_table(w, "grid long", "", subject_heads, 2);
    class_heads(w, a->d);
    end_head(w);
    for (size_t i = 0; i < count; i++) {
      file_printf(w, "<tr>");
      text_cell(w, "subject", subjects[i].name);
      if (subjects[i].fold >= 0) html_cell(w, "fold", "%d", subjects[i].fold);
      else html_cell(w, "fold", subjects[i].fold == -1 ? "&ndash;" : "several");
      class_cells(w, a->d, subjects[i].cells);
      file_printf(w, "</tr>\n");
    }
    end_table(w);
    file_printf(w, "</details>\n");
  }
  free(subjects);
  return LEUKO_OK;
}

static void write_files(file_writer *w, const audit *a) {
  file_printf(w, "<h2>Files</h2>\n");
  for (int i = 0; i < a->clue_count; i++) {
    const audit_clue *c = &a->clues[i];
    if (strcmp(c->name, "encoding") == 0 || strcmp(c->name, "picture size") == 0)
      write_clue_values(w, a, c);
  }
  if (a->d->refused == 0) return;
  file_printf(w, "<p>%zu files could not be read:</p>\n<ul class=\"small\">\n", a->d->refused);
  for (size_t i = 0, said = 0; i < a->d->count && said < 50; i++) {
    const dataset_sample *s = &a->d->samples[i];
    if (s->status == LEUKO_OK) continue;
    said++;
    file_printf(w, "<li>");
    html_text(w, s->path);
    file_printf(w, ": %s</li>\n", leuko_status_message(s->status));
  }
  file_printf(w, "</ul>\n");
}

static leuko_status write_odd_cells(file_writer *w, const audit *a, leuko_error *error) {
  static const char *const meaning[AUDIT_FLAGS] = {
      "neither a cell on black nor anything stained was found",
      "other pieces beside the largest, of at least a twentieth of its area",
      "pixels of the cell lie on the picture's border: it may be cut off",
      "the area's logarithm lies more than 3.5 robust deviations from the median",
      "the variance of the Laplacian lies more than 3.5 robust deviations below the median",
      "more than 1 % of the cell's pixels have a channel at 255",
      "mean red, green, blue or saturation lies more than 3.5 robust deviations from the median",
      "the background is not black, as that of most cells is"};
  file_printf(w, "<h2>Odd cells</h2>\n");
  size_t marked = 0;
  leuko_status status = LEUKO_OK;
  for (int f = 0; f < AUDIT_FLAGS && status == LEUKO_OK; f++) {
    if (a->flagged[f] == 0) continue;
    marked++;
    file_printf(w, "<h3>%s: %zu</h3>\n<p class=\"small\">%s</p>\n", audit_flag_name(f),
                a->flagged[f], meaning[f]);
    status = audit_thumbs_flagged(w, a, f, error);
  }
  if (marked == 0) file_printf(w, "<p>None.</p>\n");
  return status;
}

leuko_status audit_page_write(const audit *a, const char *path, leuko_error *error) {
  file_writer w;
  leuko_status status = file_writer_open(&w, path, error);
  if (status != LEUKO_OK) return status;
  char title[300];
  snprintf(title, sizeof title, "Audit of %.250s", names_base(a->d->root));
  html_begin(&w, title);
  file_printf(&w, "<p class=\"lead\">%zu images", a->d->count);
  if (a->ties.subjects) file_printf(&w, " of %zu subjects by name", a->ties.subjects);
  if (a->persons < a->ties.subjects) file_printf(&w, ", at most %zu persons", a->persons);
  file_printf(&w, ".%s</p>\n", a->d->synthetic ? " The cells are drawn, not real." : "");
  write_findings(&w, a);
  write_split(&w, a);
  write_clues(&w, a);
  status = write_pairs(&w, a, error);
  write_ties(&w, a);
  if (status == LEUKO_OK) status = write_subjects(&w, a, error);
  write_files(&w, a);
  if (status == LEUKO_OK) status = write_odd_cells(&w, a, error);
  file_printf(&w, "<p class=\"small\">leuko %s, folder ", leuko_version());
  html_text(&w, a->d->root);
  if (a->manifest) {
    file_printf(&w, ", manifest ");
    html_text(&w, a->manifest);
  }
  file_printf(&w, ". Every cell's measures are in cells.csv.</p>\n");
  html_end(&w);
  if (status == LEUKO_OK) return file_writer_commit(&w, error);
  file_writer_abort(&w);
  return status;
}
