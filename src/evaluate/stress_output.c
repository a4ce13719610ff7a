/* stress.json and stress.csv. */
#include <math.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/number.h"
#include "base/text.h"
#include "evaluate/stress.h"
#include "evaluate/trust.h"

/* `cells`: with what only cells have. */
static void set_count(json_t *value, const stress_count *count, bool cells) {
  json_t *reasons = json_object();
  for (int k = 1; k < LEUKO_REASON_COUNT; k++)
    if (count->by_reason[k])
      json_object_set_new(reasons, leuko_reason_name((leuko_reason)k),
                          json_integer((json_int_t)count->by_reason[k]));
  json_object_set_new(value, "n", json_integer((json_int_t)count->n));
  json_object_set_new(value, "positive", json_integer((json_int_t)count->positive));
  json_object_set_new(value, "rejected", json_integer((json_int_t)count->rejected));
  json_object_set_new(value, "by_reason", reasons);
  if (!cells) return;
  json_object_set_new(value, "changed", json_integer((json_int_t)count->changed));
  json_object_set_new(value, "silent", json_integer((json_int_t)count->silent));
  json_object_set_new(value, "answered",
                      json_pack("[[I,I],[I,I]]", (json_int_t)count->kept[0][0],
                                (json_int_t)count->kept[0][1], (json_int_t)count->kept[1][0],
                                (json_int_t)count->kept[1][1]));
  json_object_set_new(value, "balanced_accuracy", number_json(stress_balanced_accuracy(count)));
}

static json_t *corruption_json(const stress *s, int which) {
  const image_corruption_kind *kind = image_corruption_of((image_corruption)which);
  json_t *steps = json_array();
  for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++) {
    if (!(kind->amounts[step] > 0)) continue;
    json_t *value = json_pack("{s:f}", "amount", kind->amounts[step]);
    set_count(value, &s->corrupted[which][step], true);
    json_array_append_new(steps, value);
  }
  return json_pack("{s:s,s:s,s:o}", "name", kind->name, "unit", kind->unit, "steps", steps);
}

static json_t *score_json(const stress *s, stress_score score) {
  json_t *groups = json_object();
  for (int g = 0; g < STRESS_GROUPS; g++)
    if (s->foreign[g].n > 0)
      json_object_set_new(groups, stress_group_name(g), number_json(s->share[score][g]));
  return json_pack("{s:s,s:o,s:o,s:o}", "name", stress_score_name(score), "auc",
                   number_json(s->auc[score]), "rejected", number_json(s->share_all[score]),
                   "by_group", groups);
}

json_t *stress_json(const stress *s) {
  json_t *corruptions = json_array(), *foreign = json_array(), *scores = json_array();
  json_t *clean = json_object();
  set_count(clean, &s->clean, true);
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++)
    json_array_append_new(corruptions, corruption_json(s, k));
  for (int g = 0; g < STRESS_GROUPS; g++) {
    if (s->foreign[g].n == 0) continue;
    json_t *value = json_pack("{s:s}", "name", stress_group_name(g));
    set_count(value, &s->foreign[g], false);
    json_array_append_new(foreign, value);
  }
  for (int k = 0; k < STRESS_SCORES; k++)
    if (s->scored[k]) json_array_append_new(scores, score_json(s, (stress_score)k));
  json_t *models = json_array();
  for (int m = 0; m < s->model_count * s->members; m++)
    json_array_append_new(models, json_string(s->weights[m]));
  return json_pack("{s:o,s:i,s:o,s:I,s:s,s:[o,o],s:o,s:o,s:o,s:o,s:o}", "models", models, "members",
                   s->members, "folder", text_json(s->folder), "persons", (json_int_t)s->persons,
                   "cells", stress_seen_name(s->seen), "classes",
                   text_json(s->classes[1 - s->positive]), text_json(s->classes[s->positive]),
                   "positive", text_json(s->classes[s->positive]), "clean", clean, "corruptions",
                   corruptions, "foreign", foreign, "scores", scores);
}

static void write_row(file_writer *writer, const char *part, const char *name, double amount,
                      const stress_count *count, bool cells) {
  file_printf(writer, "%s,", part);
  csv_write_field(writer, name, true);
  if (amount > 0) file_printf(writer, ",%g", amount);
  else file_printf(writer, ",");
  file_printf(writer, ",%zu,%zu,", count->n, count->positive);
  if (cells) file_printf(writer, "%zu,%zu", count->changed, count->silent);
  else file_printf(writer, ",");
  file_printf(writer, ",%zu,", count->rejected);
  const double balanced = stress_balanced_accuracy(count);
  if (cells && isfinite(balanced)) file_printf(writer, "%.6f", balanced);
  for (int k = 1; k < LEUKO_REASON_COUNT; k++) file_printf(writer, ",%zu", count->by_reason[k]);
  file_printf(writer, "\n");
}

static leuko_status write_csv(const char *path, const stress *s, leuko_error *error) {
  file_writer writer;
  leuko_status status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  file_printf(&writer, "part,name,amount,n,positive,changed,silent,rejected,balanced_accuracy");
  for (int k = 1; k < LEUKO_REASON_COUNT; k++)
    file_printf(&writer, ",%s", leuko_reason_name((leuko_reason)k));
  file_printf(&writer, "\n");
  write_row(&writer, "cells", "as they are", 0, &s->clean, true);
  for (int k = 0; k < IMAGE_CORRUPTIONS; k++) {
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    for (int step = 0; step < IMAGE_CORRUPT_STEPS; step++)
      if (kind->amounts[step] > 0)
        write_row(&writer, "cells", kind->name, kind->amounts[step], &s->corrupted[k][step], true);
  }
  for (int g = 0; g < STRESS_GROUPS; g++)
    if (s->foreign[g].n > 0)
      write_row(&writer, "foreign", stress_group_name(g), 0, &s->foreign[g], false);
  return file_writer_commit(&writer, error);
}

leuko_status stress_write(const char *folder, const stress *s, leuko_error *error) {
  char path[1024];
  leuko_status status = file_make_folders(folder, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "stress.csv", error);
  if (status == LEUKO_OK) status = write_csv(path, s, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, folder, "stress.json", error);
  return status == LEUKO_OK ? evaluate_write_json(path, stress_json(s), error) : status;
}
