#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/number.h"
#include "base/text.h"

static json_int_t whole(size_t number) {
  return (json_int_t)number;
}

/* Class names may be any bytes; a member's name has to be UTF-8. */
static void set_cells(json_t *object, const audit *a, const size_t *cells) {
  for (int k = 0; k < a->d->class_count; k++) {
    json_t *key = text_json(a->d->classes[k]);
    json_object_set_new(object, json_string_value(key), json_integer(whole(cells[k])));
    json_decref(key);
  }
}

static json_t *clues_json(const audit *a) {
  json_t *list = json_array();
  for (int i = 0; i < a->clue_count; i++) {
    const audit_clue *c = &a->clues[i];
    const bool tested = c->verdict != AUDIT_CONSTANT && c->verdict != AUDIT_UNTESTED;
    json_t *values = json_array();
    for (int v = 0; v < c->listed_count; v++) {
      json_t *cells = json_object();
      set_cells(cells, a, c->listed[v].cells);
      json_array_append_new(
          values, json_pack("{so so}", "value", text_json(c->listed[v].text), "cells", cells));
    }
    json_array_append_new(
        list,
        json_pack("{ss ss ss ss so so so si so}", "name", c->name, "about", c->about, "verdict",
                  audit_verdict_name(c->verdict), "judged_by", c->by_subject ? "subject" : "cell",
                  "accuracy", number_json(tested ? c->score.accuracy : NAN), "balanced_accuracy",
                  number_json(tested ? c->score.balanced : NAN), "p",
                  number_json(tested ? c->score.p : NAN), "values", c->values, "listed", values));
  }
  return list;
}

static json_t *pairs_json(const audit *a) {
  json_t *kinds = json_object();
  for (int k = 0; k < AUDIT_PAIR_KINDS; k++)
    json_object_set_new(kinds, audit_pair_name((audit_pair_kind)k),
                        json_pack("{sI sI sI sI sI}", "pairs", whole(a->pairs_of[k]),
                                  "across_subjects", whole(a->across[k][0]), "across_folds",
                                  whole(a->across[k][1]), "across_classes", whole(a->across[k][2]),
                                  "across_sides", whole(a->across[k][3])));
  return kinds;
}

static json_t *ties_json(const audit *a) {
  json_t *list = json_array();
  for (size_t i = 0; i < a->tied_count; i++) {
    const audit_tie *t = &a->tied[i];
    json_array_append_new(
        list, json_pack("{s[oo] sI sI sI sI sI sb}", "subjects", text_json(t->a), text_json(t->b),
                        "originals_in_manifest", whole(t->originals), "originals_here",
                        whole(t->originals_here), "same_bytes", whole(t->pairs[AUDIT_SAME_BYTES]),
                        "same_pixels", whole(t->pairs[AUDIT_SAME_PIXELS]), "near",
                        whole(t->pairs[AUDIT_NEAR]), "kept_together", t->known));
  }
  return list;
}

static json_t *split_json(const audit *a) {
  if (!a->split) return json_null();
  size_t across = 0, near = a->across[AUDIT_NEAR][3];
  for (int k = 0; k < AUDIT_NEAR; k++) across += a->across[k][3];
  json_t *names = json_array();
  for (size_t i = 0; i < a->person_leaks; i++)
    json_array_append_new(names, text_json(a->leaking[i]));
  return json_pack("{so sI sI sI sI so sI sI sI}", "file", text_json(a->split), "train",
                   whole(a->split_cells[0]), "test", whole(a->split_cells[1]), "subjects",
                   whole(a->leaks.subjects), "on_both_sides", whole(a->leaks.leaking),
                   "on_both_sides_with_near", names, "cells_of_unknown_subject",
                   whole(a->leaks.unknown), "identical_pairs", whole(across), "near_pairs",
                   whole(near));
}

json_t *audit_json(const audit *a) {
  json_t *flags = json_object(), *measures = json_object(), *findings = json_array();
  for (int f = 0; f < AUDIT_FLAGS; f++)
    json_object_set_new(flags, audit_flag_name(f), json_integer(whole(a->flagged[f])));
  for (int m = 0; m < AUDIT_MEASURES; m++)
    json_object_set_new(measures, audit_measure_name((audit_measure)m),
                        json_pack("{so so}", "median", number_json(a->median[m]), "spread",
                                  number_json(a->spread[m])));
  for (size_t i = 0; i < a->finding_count; i++)
    json_array_append_new(findings, text_json(a->findings[i]));
  return json_pack("{so so sI sI sI sI sI so so so so so so so so}", "root", text_json(a->d->root),
                   "manifest", text_json(a->manifest), "images", whole(a->d->count), "refused",
                   whole(a->d->refused), "labelled", whole(a->labelled), "subjects",
                   whole(a->ties.subjects), "persons", whole(a->persons), "majority_accuracy",
                   number_json(a->labelled ? (double)a->majority_cells / (double)a->labelled : NAN),
                   "findings", findings, "clues", clues_json(a), "pairs", pairs_json(a), "ties",
                   ties_json(a), "split", split_json(a), "flags", flags, "measures", measures);
}

static void write_number(file_writer *w, double number) {
  if (isfinite(number)) file_printf(w, ",%.6g", number);
  else file_printf(w, ",");
}

static const char *part_name(dataset_part part) {
  return part == DATASET_TRAIN ? "train" : part == DATASET_TEST ? "test" : "";
}

static void write_flags(file_writer *w, unsigned flags) {
  char text[160] = "";
  size_t length = 0;
  for (int f = 0; f < AUDIT_FLAGS; f++)
    if (flags >> f & 1)
      length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length ? "; " : "",
                                 audit_flag_name(f));
  csv_write_field(w, text, false);
}

static void write_cell(file_writer *w, const audit *a, size_t i) {
  const dataset_sample *s = &a->d->samples[i];
  const audit_cell *c = &a->cells[i];
  csv_write_field(w, s->path, true);
  csv_write_field(w, s->subject, false);
  csv_write_field(w, s->label < 0 ? "" : a->d->classes[s->label], false);
  if (s->fold < 0) file_printf(w, ",");
  else file_printf(w, ",%d", s->fold);
  csv_write_field(w, part_name(s->part), false);
  csv_write_field(w, leuko_status_name(s->status), false);
  csv_write_field(w, s->format, false);
  csv_write_field(w, c->encoding, false);
  file_printf(w, ",%d,%d,%llu,%zu,%zu,%d,%d,%d,%d,%zu", c->width, c->height,
              (unsigned long long)c->bytes, c->cell.area, c->cell.parts, c->cell.left, c->cell.top,
              c->cell.width, c->cell.height, c->cell.on_border);
  for (int k = 0; k < 3; k++) write_number(w, c->cell.area ? c->cell.mean[k] : NAN);
  write_number(w, c->cell.area ? c->cell.saturation : NAN);
  write_number(w, c->cell.area ? c->cell.clipped : NAN);
  write_number(w, c->cell.area ? c->cell.sharpness : NAN);
  for (int m = 0; m < AUDIT_MEASURES; m++) write_number(w, c->usable ? c->z[m] : NAN);
  write_flags(w, c->flags);
  file_printf(w, "\n");
}

static leuko_status write_cells(const audit *a, const char *path, leuko_error *error) {
  file_writer w;
  leuko_status status = file_writer_open(&w, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&w, "path,subject,label,fold,part,status,format,encoding,width,height,bytes,area,"
                  "parts,left,top,box_width,box_height,on_border,red,green,blue,saturation,clipped,"
                  "sharpness");
  for (int m = 0; m < AUDIT_MEASURES; m++)
    file_printf(&w, ",z_%s", audit_measure_name((audit_measure)m));
  file_printf(&w, ",marks\n");
  for (size_t i = 0; i < a->d->count; i++) write_cell(&w, a, i);
  return file_writer_commit(&w, error);
}

static leuko_status write_pairs(const audit *a, const char *path, leuko_error *error) {
  static const char *const across_names[] = {"subjects", "folds", "classes", "sides"};
  file_writer w;
  leuko_status status = file_writer_open(&w, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&w, "kind,path,other,subject,other_subject,symmetry,correlation,across\n");
  for (size_t i = 0; i < a->pair_count; i++) {
    const audit_pair *p = &a->pairs[i];
    const dataset_sample *s = &a->d->samples[p->a], *t = &a->d->samples[p->b];
    const unsigned across = audit_across(a->d, p);
    csv_write_field(&w, audit_pair_name(p->kind), true);
    csv_write_field(&w, s->path, false);
    csv_write_field(&w, t->path, false);
    csv_write_field(&w, s->subject, false);
    csv_write_field(&w, t->subject, false);
    file_printf(&w, ",%d,%.4f,", p->symmetry, p->correlation);
    bool first = true;
    for (int k = 0; k < 4; k++) {
      if (!(across >> k & 1)) continue;
      file_printf(&w, "%s%s", first ? "" : "; ", across_names[k]);
      first = false;
    }
    file_printf(&w, "\n");
  }
  return file_writer_commit(&w, error);
}

leuko_status audit_write(const audit *a, const char *folder, leuko_error *error) {
  char path[1024];
  leuko_status status = file_make_folders(folder, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "cells.csv", error);
  if (status == LEUKO_OK) status = write_cells(a, path, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "pairs.csv", error);
  if (status == LEUKO_OK) status = write_pairs(a, path, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "audit.json", error);
  if (status != LEUKO_OK) return status;
  json_t *all = audit_json(a);
  char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
  json_decref(all);
  if (!text) return error_set_memory(error, 4096);
  status = file_write_all(path, text, strlen(text), error);
  free(text);
  return status;
}
