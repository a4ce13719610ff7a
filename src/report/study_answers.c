/* Answers that a run's folder does not hold, made by its model. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "predict/predictor.h"
#include "report/study_parts.h"

/* What is answered, file by file. */
typedef struct {
  char (*paths)[PATH_MAX];
  const char **files;
  leuko_answer *answers;
} questions;

/* The model's index of a class of the data, by name; -1 where it has none. */
static int class_of(const study_run *run, const char *name) {
  for (int c = 0; c < run->input.class_count; c++)
    if (strcasecmp(run->class_names[c], name) == 0) return c;
  return -1;
}

/* Strings of a set change when another run's split is read: the run keeps its own. */
static const char *keep(study_run *run, const char *text) {
  return run->texts[run->text_count++] = strdup(text);
}

static leuko_status list_cells(study_run *run, questions *q, leuko_error *error) {
  const dataset *set = run->set;
  const size_t outputs = (size_t)run->m.net.outputs;
  q->paths = calloc(set->count, sizeof *q->paths);
  q->files = calloc(set->count, sizeof *q->files);
  q->answers = calloc(set->count, sizeof *q->answers);
  run->samples = calloc(set->count, sizeof *run->samples);
  run->groups = calloc(set->count, sizeof *run->groups);
  run->logits = calloc(set->count * outputs, sizeof *run->logits);
  run->texts = calloc(set->count * 3, sizeof *run->texts);
  if (!q->paths || !q->files || !q->answers || !run->samples || !run->groups || !run->logits ||
      !run->texts)
    return error_set_memory(error, set->count * sizeof *q->paths);
  size_t n = 0;
  for (size_t i = 0; i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    if (run->flow.split_known ? s->part != DATASET_TEST : s->label < 0) continue;
    const int class = s->label < 0 ? -1 : class_of(run, set->classes[s->label]);
    if (s->label >= 0 && class < 0)
      return error_set(error, LEUKO_BAD_DATA, set->root, "give cells of the model's classes",
                       "the model does not know the class '%s'", set->classes[s->label]);
    leuko_status status = dataset_sample_file(set, i, q->paths[n], sizeof *q->paths, error);
    if (status != LEUKO_OK) return status;
    q->files[n] = q->paths[n];
    run->groups[n] = s->group;
    run->samples[n] = (evaluate_sample){.path = keep(run, s->path),
                                        .sha256 = keep(run, s->sha256),
                                        .subject = keep(run, s->subject),
                                        .label = class,
                                        .logits = run->logits + n * outputs,
                                        .status = s->status};
    if (!run->samples[n].path || !run->samples[n].sha256 || !run->samples[n].subject)
      return error_set_memory(error, strlen(s->path));
    n++;
  }
  run->input.samples = run->samples;
  run->input.groups = run->groups;
  run->input.count = n;
  if (n == 0)
    return error_set(error, LEUKO_NO_DATA, set->root, NULL,
                     "none of the run's tested cells is there");
  return LEUKO_OK;
}

static leuko_status answer_cells(study_run *run, questions *q, const leuko_options *how,
                                 const progress *p, leuko_error *error) {
  leuko_predictor *predictor;
  leuko_status status = leuko_predictor_open(run->folder, how, &predictor, error);
  if (status != LEUKO_OK) return status;
  snprintf(run->precision, sizeof run->precision, "%s", leuko_predictor_precision(predictor));
  status =
      predictor_files(predictor, q->files, run->input.count, q->answers, run->logits, p, error);
  leuko_predictor_close(predictor);
  /* Refused files are counted by the evaluation; only what stopped the whole is an error. */
  if (status != LEUKO_OK && status != LEUKO_PARTIAL && q->answers[0].status != status)
    return status;
  for (size_t i = 0; i < run->input.count; i++) {
    if (run->samples[i].status == LEUKO_OK) run->samples[i].status = q->answers[i].status;
    run->samples[i].reason = q->answers[i].reason;
  }
  run->input.rejects = run->m.rejection.cells > 0;
  run->computed = true;
  return LEUKO_OK;
}

leuko_status study_make_answers(study_run *run, const leuko_options *how, const progress *p,
                                leuko_error *error) {
  questions q = {0};
  leuko_status status = list_cells(run, &q, error);
  if (status == LEUKO_OK) status = answer_cells(run, &q, how, p, error);
  free(q.paths);
  free(q.files);
  free(q.answers);
  return status;
}
