/* stress.json read back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "evaluate/stress.h"

static bool read_size(json_t *object, const char *key, size_t *out) {
  json_t *value = json_object_get(object, key);
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *out = (size_t)json_integer_value(value);
  return true;
}

static bool read_text(json_t *object, const char *key, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(object, key));
  if (!text || strlen(text) >= size) return false;
  strcpy(out, text);
  return true;
}

/* null is NaN. */
static bool read_number(json_t *value, double *out) {
  *out = json_is_number(value) ? json_number_value(value) : NAN;
  return json_is_number(value) || json_is_null(value);
}

static bool is(json_t *object, const char *key, const char *text) {
  const char *value = json_string_value(json_object_get(object, key));
  return value && strcmp(value, text) == 0;
}

static bool read_count(json_t *value, bool cells, stress_count *out) {
  if (!read_size(value, "n", &out->n) || !read_size(value, "positive", &out->positive) ||
      !read_size(value, "rejected", &out->rejected))
    return false;
  json_t *reasons = json_object_get(value, "by_reason");
  for (int k = 1; k < LEUKO_REASON_COUNT; k++)
    if (json_object_get(reasons, leuko_reason_name((leuko_reason)k)) &&
        !read_size(reasons, leuko_reason_name((leuko_reason)k), &out->by_reason[k]))
      return false;
  if (!cells) return true;
  json_t *rows = json_object_get(value, "answered");
  for (size_t truth = 0; truth < 2; truth++)
    for (size_t answer = 0; answer < 2; answer++) {
      json_t *one = json_array_get(json_array_get(rows, truth), answer);
      if (!json_is_integer(one) || json_integer_value(one) < 0) return false;
      out->kept[truth][answer] = (size_t)json_integer_value(one);
    }
  return read_size(value, "changed", &out->changed) && read_size(value, "silent", &out->silent);
}

/* Of the corruptions and amounts that this program has, and of no others. */
static bool read_corruptions(json_t *list, stress *out) {
  if (json_array_size(list) != IMAGE_CORRUPTIONS) return false;
  for (size_t k = 0; k < IMAGE_CORRUPTIONS; k++) {
    const image_corruption_kind *kind = image_corruption_of((image_corruption)k);
    json_t *one = json_array_get(list, k), *steps = json_object_get(one, "steps");
    if (!is(one, "name", kind->name)) return false;
    size_t step = 0;
    for (; step < IMAGE_CORRUPT_STEPS && kind->amounts[step] > 0; step++) {
      json_t *value = json_array_get(steps, step);
      const double amount = json_number_value(json_object_get(value, "amount"));
      if (fabs(amount - kind->amounts[step]) > 1e-9 ||
          !read_count(value, true, &out->corrupted[k][step]))
        return false;
    }
    if (json_array_size(steps) != step) return false;
  }
  return true;
}

static bool read_foreign(json_t *list, stress *out) {
  size_t i;
  json_t *one;
  json_array_foreach(list, i, one) {
    int group = 0;
    while (group < STRESS_GROUPS && !is(one, "name", stress_group_name(group))) group++;
    if (group == STRESS_GROUPS || !read_count(one, false, &out->foreign[group])) return false;
  }
  return json_is_array(list);
}

static bool read_scores(json_t *list, stress *out) {
  size_t i;
  json_t *one;
  json_array_foreach(list, i, one) {
    int score = 0;
    while (score < STRESS_SCORES && !is(one, "name", stress_score_name((stress_score)score)))
      score++;
    if (score == STRESS_SCORES) return false;
    out->scored[score] = true;
    if (!read_number(json_object_get(one, "auc"), &out->auc[score]) ||
        !read_number(json_object_get(one, "rejected"), &out->share_all[score]))
      return false;
    json_t *groups = json_object_get(one, "by_group");
    for (int g = 0; g < STRESS_GROUPS; g++) {
      json_t *share = json_object_get(groups, stress_group_name(g));
      out->share[score][g] = NAN;
      if (share && !read_number(share, &out->share[score][g])) return false;
    }
  }
  return json_is_array(list);
}

/* The files of the models; `members` of them belong together. */
static bool read_models(json_t *value, stress *out) {
  json_t *list = json_object_get(value, "models");
  const size_t files = json_array_size(list);
  size_t members = 1; /* as before there were more */
  if (json_object_get(value, "members") && !read_size(value, "members", &members)) return false;
  if (files < 1 || files > ENSEMBLE_MOST || members < 1 || files % members != 0) return false;
  out->members = (int)members;
  out->model_count = (int)(files / members);
  for (size_t m = 0; m < files; m++) {
    const char *hex = json_string_value(json_array_get(list, m));
    if (!hex || strlen(hex) != 64) return false;
    strcpy(out->weights[m], hex);
  }
  return true;
}

static bool read_all(json_t *value, stress *out) {
  json_t *classes = json_object_get(value, "classes");
  for (size_t c = 0; c < 2; c++) {
    const char *name = json_string_value(json_array_get(classes, c));
    if (!name || strlen(name) >= sizeof out->classes[c]) return false;
    strcpy(out->classes[c], name);
  }
  out->positive = 1;
  int seen = 0;
  while (seen < STRESS_SEEN && !is(value, "cells", stress_seen_name((stress_seen)seen))) seen++;
  out->seen = (stress_seen)seen;
  return seen < STRESS_SEEN && read_text(value, "folder", out->folder, sizeof out->folder) &&
         read_size(value, "persons", &out->persons) && read_models(value, out) &&
         read_count(json_object_get(value, "clean"), true, &out->clean) && out->clean.n > 0 &&
         read_corruptions(json_object_get(value, "corruptions"), out) &&
         read_foreign(json_object_get(value, "foreign"), out) &&
         read_scores(json_object_get(value, "scores"), out);
}

leuko_status stress_read(const char *path, stress *out, leuko_error *error) {
  char *text;
  size_t size;
  *out = (stress){0};
  leuko_status status = file_read(path, (size_t)16 << 20, &text, &size, error);
  if (status != LEUKO_OK) return status;
  json_t *value = json_loadb(text, size, 0, NULL);
  free(text);
  const bool good = json_is_object(value) && read_all(value, out);
  json_decref(value);
  return good ? LEUKO_OK
              : error_set(error, LEUKO_BAD_DATA, path, "make it again: 'leuko stress RUN DIR'",
                          "not what this version's 'leuko stress' writes");
}
