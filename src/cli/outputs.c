#include "cli/outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "report/figures.h"
#include "stats/curves.h"

void outputs_free(scored *s) {
  free(s->samples);
  free(s->logits);
  *s = (scored){0};
}

static leuko_status answer(leuko_predictor *predictor, const train_data *data, const size_t *chosen,
                           size_t count, const progress *p, double *logits, leuko_error *error) {
  enum { BLOCK = 64 };
  const model *m = predictor_model(predictor);
  size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  uint8_t *block = malloc(BLOCK * bytes);
  if (!block) return error_set_memory(error, BLOCK * bytes);
  leuko_status status = LEUKO_OK;
  for (size_t first = 0; first < count && status == LEUKO_OK; first += BLOCK) {
    size_t now = count - first < BLOCK ? count - first : BLOCK;
    for (size_t i = 0; i < now; i++)
      memcpy(block + i * bytes, prepared_sample(&data->pixels, chosen[first + i]), bytes);
    status = predictor_logits(predictor, block, now, logits + first * (size_t)m->net.outputs, NULL,
                              error);
    if (status == LEUKO_OK && progress_report(p, "answering", first + now, count, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  free(block);
  return status;
}

leuko_status outputs_score(leuko_predictor *predictor, const train_data *data, const size_t *chosen,
                           size_t count, const progress *p, scored *out, leuko_error *error) {
  const model *m = predictor_model(predictor);
  *out = (scored){0};
  const size_t outputs = (size_t)m->net.outputs;
  if (m->net.size != data->pixels.size)
    return error_set(error, LEUKO_MISMATCH, NULL, NULL, "the cells were prepared for another size");
  out->samples = calloc(count, sizeof *out->samples);
  out->logits = calloc(count * outputs, sizeof *out->logits);
  leuko_status status = LEUKO_OK;
  if (!out->samples || !out->logits) status = error_set_memory(error, count * sizeof(double));
  if (status == LEUKO_OK) status = answer(predictor, data, chosen, count, p, out->logits, error);
  if (status != LEUKO_OK) {
    outputs_free(out);
    return status;
  }
  for (size_t i = 0; i < count; i++) {
    const dataset_sample *s = data->samples[chosen[i]];
    out->samples[i] = (evaluate_sample){.path = s->path,
                                        .sha256 = s->sha256,
                                        .subject = s->subject,
                                        .label = s->label,
                                        .logits = out->logits + i * outputs,
                                        .status = data->pixels.status[chosen[i]]};
  }
  for (int c = 0; c < m->class_count; c++) out->classes[c] = m->classes[c];
  out->input = (evaluate_input){.classes = out->classes,
                                .class_count = m->class_count,
                                .positive = m->positive,
                                .threshold = m->threshold,
                                .samples = out->samples,
                                .count = count};
  return LEUKO_OK;
}

static leuko_status draw_figures(const char *run, const evaluation *e, leuko_error *error) {
  char folder[1024];
  leuko_status status = file_join(folder, sizeof folder, run, "figures", error);
  if (status == LEUKO_OK) status = figures_training(run, NULL, error);
  if (status != LEUKO_OK || e->class_count != 2) return status;
  stats_curve roc;
  status = stats_roc(e->logits, e->labels, e->n, &roc, error);
  if (status != LEUKO_OK) return status;
  if (e->binary.positives > 0 && e->binary.positives < e->n)
    status = figures_roc(folder, NULL, roc.x, roc.y, roc.n, e->binary.auc, error);
  stats_curve_free(&roc);
  const char *names[2] = {e->classes[1 - e->positive], e->classes[e->positive]};
  if (status == LEUKO_OK)
    status = figures_confusion(folder, NULL, names, e->binary.confusion, error);
  return status;
}

leuko_status outputs_write(const char *run, const train_data *data, int threads,
                           const char *backend, const progress *p, evaluation *result,
                           leuko_error *error) {
  *result = (evaluation){0};
  leuko_options options = {.threads = threads, .backend = backend};
  leuko_predictor *predictor;
  scored s = {0};
  char path[1024];
  leuko_status status = leuko_predictor_open(run, &options, &predictor, error);
  if (status != LEUKO_OK) return status;
  status = outputs_score(predictor, data, data->test, data->test_count, p, &s, error);
  if (status == LEUKO_OK) status = evaluate_samples(&s.input, result, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, run, "predictions.csv", error);
  if (status == LEUKO_OK) status = evaluate_write_predictions(path, &s.input, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, run, "metrics.json", error);
  if (status == LEUKO_OK) status = evaluate_write_metrics(path, result, error);
  outputs_free(&s);
  leuko_predictor_close(predictor);
  if (status != LEUKO_OK) {
    evaluate_free(result);
    return status;
  }
  leuko_error warning = {0};
  status = draw_figures(run, result, &warning);
  if (status != LEUKO_OK && status != LEUKO_NOT_FOUND && status != LEUKO_BACKEND) {
    evaluate_free(result);
    if (error) *error = warning;
    return status;
  }
  if (status != LEUKO_OK) {
    fprintf(stderr, "leuko: the figures are not drawn\n");
    cli_fail(&warning);
  }
  return LEUKO_OK;
}
