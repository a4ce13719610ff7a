/* What `leuko stress` has found, and of which models of a study. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "report/study_parts.h"
#include "report/words.h"

static bool holds(const char *folder, const char *name) {
  char path[1024];
  return file_join(path, sizeof path, folder, name, NULL) == LEUKO_OK && file_exists(path);
}

bool study_is_stress(const char *folder) {
  static const char *const of_runs[] = {"run.json", "best.safetensors", "folds.csv", "metrics.json",
                                        "predictions.csv"};
  for (size_t i = 0; i < sizeof of_runs / sizeof *of_runs; i++)
    if (holds(folder, of_runs[i])) return false;
  return holds(folder, "stress.json");
}

/* Whether that member's models are the run's, one by one. */
static bool is_member(const study_run *run, const stress *found, int member) {
  if (found->model_count != (run->folds > 0 ? run->folds : 1)) return false;
  for (int m = 0; m < found->model_count; m++) {
    const char *own = run->folds > 0 ? run->each[m].weights : run->weights;
    if (strcmp(found->weights[m * found->members + member], own) != 0) return false;
  }
  return true;
}

/* The run whose models that member's are, or NULL. */
static const study_run *find_member(const study *s, const stress *found, int member) {
  for (size_t r = 0; r < s->count; r++)
    if (is_member(&s->runs[r], found, member)) return &s->runs[r];
  return NULL;
}

void study_members(const study *s, const stress *found, char *out, size_t size) {
  int others = 0;
  out[0] = 0;
  for (int k = 0; k < found->members; k++) others += find_member(s, found, k) == NULL;
  const int named = found->members - others, parts = named + (others > 0);
  for (int k = 0, said = 0; k < found->members; k++) {
    const study_run *run = find_member(s, found, k);
    if (!run) continue;
    words_add(out, size, "%s%s", said == 0 ? "" : said + 1 == parts ? " and " : ", ", run->name);
    said++;
  }
  if (others == 0) return;
  words_add(out, size, "%s%d model%s that %s not on this page", named ? " and " : "", others,
            others == 1 ? "" : "s", others == 1 ? "is" : "are");
}

static leuko_status read_file(const char *path, stress *out, leuko_error *error) {
  leuko_status status = stress_read(path, out, error);
  if (status == LEUKO_OK) study_name_classes(out->classes, 2);
  return status;
}

static leuko_status add_other(study *s, const char *folder, stress *found, leuko_error *error) {
  if (s->other_count == STUDY_RUNS)
    return error_set(error, LEUKO_TOO_LARGE, folder, NULL, "%d of them are the most", STUDY_RUNS);
  study_stress *other = &s->others[s->other_count];
  snprintf(other->folder, sizeof other->folder, "%s", folder);
  study_set_name(s, folder, other->name, sizeof other->name);
  other->found = found;
  s->other_count++;
  return LEUKO_OK;
}

leuko_status study_read_stress(study *s, study_run *run, leuko_error *error) {
  char path[1024];
  leuko_status status = file_join(path, sizeof path, run->folder, "stress.json", error);
  if (status != LEUKO_OK || !file_exists(path)) return status;
  leuko_error failure = {0};
  stress *found = malloc(sizeof *found);
  if (!found) return error_set_memory(error, sizeof *found);
  const bool good = read_file(path, found, &failure) == LEUKO_OK;
  /* Answers without a model, as of several that were put together, tell nothing to compare with. */
  const bool answers_only = !run->has_model && run->folds == 0;
  if (good && (answers_only || (found->members == 1 && is_member(run, found, 0)))) {
    run->stressed = found;
    return LEUKO_OK;
  }
  if (good && found->members > 1) {
    status = add_other(s, run->folder, found, error);
    if (status != LEUKO_OK) free(found);
    return status;
  }
  free(found);
  snprintf(run->stress_remark, sizeof run->stress_remark, "stress.json is %.200s",
           good ? "of other models than those in the folder" : failure.message);
  return LEUKO_OK;
}

leuko_status study_add_stress(study *s, const char *folder, leuko_error *error) {
  char path[1024];
  if (s->count == 0)
    return error_set(error, LEUKO_NO_DATA, folder, "name the runs of its models as well",
                     "only what 'leuko stress' has written is in it, and no run is named");
  leuko_status status = file_join(path, sizeof path, folder, "stress.json", error);
  if (status != LEUKO_OK) return status;
  stress *found = malloc(sizeof *found);
  if (!found) return error_set_memory(error, sizeof *found);
  status = read_file(path, found, error);
  if (status == LEUKO_OK) {
    for (size_t r = 0; found->members == 1 && r < s->count; r++)
      if (!s->runs[r].stressed && is_member(&s->runs[r], found, 0)) {
        s->runs[r].stressed = found;
        return LEUKO_OK;
      }
    status = add_other(s, folder, found, error);
  }
  if (status != LEUKO_OK) free(found);
  return status;
}
