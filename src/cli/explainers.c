#include "cli/explainers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Whether two models are given the same pixels of a picture, so that their maps lie alike. */
static bool see_alike(const model *a, const model *b) {
  bool alike =
      a->net.size == b->net.size && a->crop == b->crop && a->stain.method == b->stain.method;
  for (int i = 0; alike && a->stain.method != STAIN_AS_IS && i < 3; i++)
    alike = fabs(a->stain.target.mean[i] - b->stain.target.mean[i]) < 1e-9 &&
            fabs(a->stain.target.deviation[i] - b->stain.target.deviation[i]) < 1e-9;
  return alike;
}

static leuko_status add(explainers *e, const ensemble *models, int k, int threads,
                        leuko_error *error) {
  const model *first = ensemble_model(models), *m = predictor_model(models->members[k]);
  leuko_status status = LEUKO_OK;
  const bool pixels = see_alike(first, m);
  if (pixels) status = explain_open(m, threads, "onednn", &e->members[k], error);
  if (status != LEUKO_OK) return status;
  e->count = k + pixels;
  if (!pixels || strcmp(explain_layer(e->members[k]), explain_layer(e->members[0])) != 0 ||
      explain_stages(e->members[k]) != explain_stages(e->members[0]))
    return error_set(error, LEUKO_MISMATCH, models->paths[k], "explain them one by one",
                     "its %s those of '%.200s': there is no map of both",
                     pixels ? "layers are not" : "size, crop or stain of pictures is not as",
                     models->paths[0]);
  e->temperatures[k] = models->count > 1 && m->temperature > 0 ? m->temperature : 1;
  return LEUKO_OK;
}

leuko_status explainers_open(const ensemble *models, int threads, explainers *out,
                             leuko_error *error) {
  *out = (explainers){.as_one = *ensemble_model(models)};
  out->as_one.threshold = models->threshold;
  out->as_one.temperature = models->temperature;
  leuko_status status = LEUKO_OK;
  for (int k = 0; k < models->count && status == LEUKO_OK; k++)
    status = add(out, models, k, threads, error);
  if (status != LEUKO_OK) explainers_close(out);
  return status;
}

void explainers_close(explainers *e) {
  for (int k = 0; k < e->count; k++) explain_close(e->members[k]);
  *e = (explainers){0};
}

leuko_status explainers_answer(explainers *e, const uint8_t *pixels, leuko_answer *answer,
                               leuko_error *error) {
  double logits[LEUKO_MAX_CLASSES], mean[LEUKO_MAX_CLASSES] = {0};
  leuko_status status = LEUKO_OK;
  for (int k = 0; k < e->count && status == LEUKO_OK; k++) {
    status = explain_logits(e->members[k], pixels, logits, error);
    for (int c = 0; c < e->as_one.net.outputs && status == LEUKO_OK; c++)
      mean[c] += logits[c] / e->temperatures[k] / e->count;
  }
  if (status == LEUKO_OK) predictor_decide(&e->as_one, mean, answer);
  return status;
}

/* out += map / divisor; the first map is taken over. */
static void add_map(explain_map *out, explain_map *map, double divisor) {
  const size_t places = (size_t)map->side * (size_t)map->side;
  for (size_t i = 0; i < places; i++) map->values[i] = (float)(map->values[i] / divisor);
  map->whole /= divisor;
  if (!out->values) {
    *out = *map;
    *map = (explain_map){0};
    return;
  }
  for (size_t i = 0; i < places; i++) out->values[i] += map->values[i];
  out->whole += map->whole;
}

leuko_status explainers_run(explainers *e, explain_method method, const uint8_t *pixels, int label,
                            const progress *p, size_t *done, size_t total, explain_map *out,
                            leuko_error *error) {
  *out = (explain_map){0};
  leuko_status status = LEUKO_OK;
  for (int k = 0; k < e->count && status == LEUKO_OK; k++) {
    explain_map map = {0};
    status = explain_run(e->members[k], method, pixels, label, &map, error);
    if (status == LEUKO_OK && e->count == 1) {
      *out = map;
      map = (explain_map){0};
    } else if (status == LEUKO_OK) {
      add_map(out, &map, e->temperatures[k] * e->count);
    }
    explain_map_free(&map);
    if (status == LEUKO_OK && progress_report(p, "explaining", ++*done, total, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  if (status != LEUKO_OK) explain_map_free(out);
  return status;
}

leuko_status explainers_check(explainers *e, explain_method method, const explain_subject *subjects,
                              size_t count, size_t *draws, uint64_t seed, const progress *p,
                              explain_likeness *out, leuko_error *error) {
  const size_t members = (size_t)e->count, each = (*draws + members - 1) / members;
  const int stages = explain_stages(e->members[0]);
  explain_likeness *one = calloc((size_t)stages, sizeof *one);
  if (!one) return error_set_memory(error, (size_t)stages * sizeof *one);
  *draws = each * members;
  leuko_status status = LEUKO_OK;
  for (int k = 0; k < e->count && status == LEUKO_OK; k++) {
    status = explain_cascade(e->members[k], method, subjects, count, each, seed, p, one, error);
    for (int s = 0; s < stages && status == LEUKO_OK; s++) {
      out[s].whole += one[s].whole / e->count;
      out[s].cell += one[s].cell / e->count;
    }
  }
  free(one);
  return status;
}
