#include "cli/outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/simple.h"
#include "report/figures.h"
#include "stats/curves.h"

/* A run's model, and its tested cells with their answers, ready to be scored. */
typedef struct {
  model m;
  evaluate_input input;
  evaluate_sample *samples;
  int *groups;
  double *logits; /* of `cells`: [tested + fitted][outputs] */
  float *rows;    /* [tested + fitted][model_last_width] */
  train_rejection_cells cells;
  const char *classes[LEUKO_MAX_CLASSES];
} scored;

static void free_scored(scored *s) {
  free(s->samples);
  free(s->groups);
  free(s->logits);
  free(s->rows);
  train_rejection_cells_free(&s->cells);
  model_free(&s->m);
  *s = (scored){0};
}

/* Logits of cells by the whole network, and what its last layer reads of them. */
static leuko_status answer(leuko_predictor *predictor, const train_data *data,
                           const size_t *samples, size_t count, const progress *p, double *logits,
                           float *rows, leuko_error *error) {
  enum { BLOCK = 64 };
  const model *m = predictor_model(predictor);
  const size_t width = model_last_width(m);
  size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  uint8_t *block = malloc(BLOCK * bytes);
  if (!block) return error_set_memory(error, BLOCK * bytes);
  leuko_status status = LEUKO_OK;
  for (size_t first = 0; first < count && status == LEUKO_OK; first += BLOCK) {
    size_t now = count - first < BLOCK ? count - first : BLOCK;
    for (size_t i = 0; i < now; i++)
      memcpy(block + i * bytes, prepared_sample(&data->pixels, samples[first + i]), bytes);
    status = predictor_logits(predictor, block, now, logits + first * (size_t)m->net.outputs,
                              rows + first * width, NULL, error);
    if (status == LEUKO_OK && progress_report(p, "answering", first + now, count, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  free(block);
  return status;
}

/* The same, opened for the model and closed again. Scores are those of float32, whatever the model
 * may be asked in later. */
static leuko_status answer_whole(model *m, const train_data *data, const train_options *options,
                                 const size_t *samples, size_t count, const progress *p,
                                 double *logits, float *rows, leuko_error *error) {
  leuko_options how = {
      .threads = options->threads, .backend = options->backend, .precision = "f32"};
  leuko_predictor *predictor;
  leuko_status status = predictor_open(m, &how, &predictor, error);
  if (status != LEUKO_OK) return status;
  status = answer(predictor, data, samples, count, p, logits, rows, error);
  predictor_give_back(predictor, m);
  return status;
}

/* Loads the run's model and answers the tested cells. */
static leuko_status score(const train_data *data, const train_data_options *data_options,
                          const train_options *options, const progress *p, scored *out,
                          leuko_error *error) {
  model *m = &out->m;
  leuko_status status = model_load(options->out, m, error);
  if (status == LEUKO_OK) status = train_rejection_list(data, &out->cells, error);
  if (status != LEUKO_OK) return status;
  const size_t outputs = (size_t)m->net.outputs, count = data->test_count;
  const size_t all = out->cells.tested + out->cells.fitted, width = model_last_width(m);
  out->samples = calloc(count, sizeof *out->samples);
  out->groups = calloc(count, sizeof *out->groups);
  out->logits = calloc(all * outputs, sizeof *out->logits);
  out->rows = calloc(all * width, sizeof *out->rows);
  if (!out->samples || !out->groups || !out->logits || !out->rows)
    return error_set_memory(error, all * width * sizeof *out->rows);
  status = train_has_features(options)
               ? train_answers(data, data_options, options, m, out->cells.samples, all, p,
                               out->logits, out->rows, error)
               : answer_whole(m, data, options, out->cells.samples, all, p, out->logits, out->rows,
                              error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < count; i++) {
    const dataset_sample *s = data->samples[data->test[i]];
    out->samples[i] = (evaluate_sample){.path = s->path,
                                        .sha256 = s->sha256,
                                        .subject = s->subject,
                                        .label = s->label,
                                        .logits = out->logits + i * outputs};
    out->groups[i] = s->group;
  }
  for (int c = 0; c < m->class_count; c++) out->classes[c] = m->classes[c];
  out->input = (evaluate_input){.classes = out->classes,
                                .class_count = m->class_count,
                                .positive = m->positive,
                                .threshold = m->threshold,
                                .samples = out->samples,
                                .groups = out->groups,
                                .count = count};
  return LEUKO_OK;
}

static leuko_status draw_figures(const char *run, bool history, const evaluation *e,
                                 leuko_error *error) {
  char folder[1024];
  leuko_status status = file_join(folder, sizeof folder, run, "figures", error);
  if (status == LEUKO_OK && history) status = figures_training(run, NULL, error);
  if (status != LEUKO_OK || e->class_count != 2) return status;
  stats_curve roc;
  status = stats_roc(e->logits, e->labels, e->n, &roc, error);
  if (status != LEUKO_OK) return status;
  const figure_curve curve = {"model", roc.x, roc.y, roc.n, e->binary.auc};
  if (e->binary.positives > 0 && e->binary.positives < e->n)
    status = figures_roc(folder, NULL, &curve, 1, error);
  stats_curve_free(&roc);
  const char *names[2] = {e->classes[1 - e->positive], e->classes[e->positive]};
  if (status == LEUKO_OK)
    status = figures_confusion(folder, NULL, names, e->binary.confusion, error);
  return status;
}

leuko_status outputs_drawn(leuko_status status, const leuko_error *trouble, leuko_error *error) {
  if (status == LEUKO_OK) return LEUKO_OK;
  if (status != LEUKO_NOT_FOUND && status != LEUKO_BACKEND) {
    if (error) *error = *trouble;
    return status;
  }
  cli_progress_line("leuko: the figures are not drawn: %s (%s)\n  -> %s", trouble->message,
                    leuko_status_name(status), trouble->remedy);
  return LEUKO_OK;
}

leuko_status outputs_draw(const char *run, bool history, const evaluation *e, leuko_error *error) {
  leuko_error trouble = {0};
  return outputs_drawn(draw_figures(run, history, e, &trouble), &trouble, error);
}

/* Threshold and temperature from the tested cells, into the model and the scores. `fitted_on` [65]
 * receives their fingerprint. */
static leuko_status choose_point(const train_data *data, const train_options *options, scored *s,
                                 char *fitted_on, leuko_error *error) {
  if (options->point == TRAIN_POINT_NONE) return LEUKO_OK;
  leuko_status status = evaluate_fingerprint(&s->input, fitted_on, error);
  int *labels = malloc(data->test_count * sizeof *labels);
  if (!labels) return error_set_memory(error, data->test_count * sizeof *labels);
  for (size_t i = 0; i < data->test_count; i++) labels[i] = s->samples[i].label;
  if (status == LEUKO_OK)
    status = train_operating_point(options, s->logits, labels, data->test_count, fitted_on, &s->m,
                                   error);
  free(labels);
  if (status != LEUKO_OK) return status;
  s->input.threshold = s->m.threshold;
  s->input.temperature = s->m.temperature;
  if (s->m.operating_point) s->input.fitted_on = fitted_on;
  return LEUKO_OK;
}

/* When the model is not to answer, into it and the scores. */
static leuko_status fit_rejection(const train_data *data, const train_data_options *data_options,
                                  const progress *p, scored *s, leuko_error *error) {
  leuko_reason *reasons = calloc(data->test_count, sizeof *reasons);
  if (!reasons) return error_set_memory(error, data->test_count * sizeof *reasons);
  leuko_status status =
      train_rejection(data, data_options, &s->cells, s->rows, p, &s->m, reasons, error);
  for (size_t i = 0; i < data->test_count; i++) s->samples[i].reason = reasons[i];
  s->input.rejects = true;
  free(reasons);
  return status;
}

/* Whether the model may answer in 16 bits: tried on some tested cells, evenly over them. */
static leuko_status try_bf16(const train_data *data, const train_options *options,
                             const progress *p, model *m, leuko_error *error) {
  enum { CELLS = 128 };
  const size_t count = data->test_count < CELLS ? data->test_count : CELLS;
  const size_t bytes = (size_t)options->net.size * (size_t)options->net.size * 3;
  uint8_t *pixels = malloc(count * bytes + 1);
  if (!pixels) return error_set_memory(error, count * bytes);
  for (size_t i = 0; i < count; i++)
    memcpy(pixels + i * bytes,
           prepared_sample(&data->pixels, data->test[i * data->test_count / count]), bytes);
  const leuko_status status =
      predictor_agreement(m, options->threads, pixels, count, p, &m->bf16, &m->bf16_half, error);
  free(pixels);
  return status;
}

leuko_status outputs_fit(const train_data *data, const train_data_options *data_options,
                         const train_options *options, const progress *p, leuko_error *error) {
  scored s = {0};
  leuko_status status = score(data, data_options, options, p, &s, error);
  if (status == LEUKO_OK) status = fit_rejection(data, data_options, p, &s, error);
  if (status == LEUKO_OK) status = try_bf16(data, options, p, &s.m, error);
  if (status == LEUKO_OK) status = model_save_best(options->out, &s.m, error);
  free_scored(&s);
  return status;
}

leuko_status outputs_write(const train_data *data, const train_data_options *data_options,
                           const train_options *options, const progress *p, evaluation *result,
                           leuko_error *error) {
  *result = (evaluation){0};
  const char *run = options->out;
  scored s = {0};
  char path[1024], fitted_on[65];
  leuko_status status = score(data, data_options, options, p, &s, error);
  if (status == LEUKO_OK) status = choose_point(data, options, &s, fitted_on, error);
  if (status == LEUKO_OK) status = fit_rejection(data, data_options, p, &s, error);
  if (status == LEUKO_OK) status = try_bf16(data, options, p, &s.m, error);
  if (status == LEUKO_OK) status = model_save_best(run, &s.m, error);
  if (status == LEUKO_OK) status = evaluate_samples(&s.input, result, error);
  if (status == LEUKO_OK)
    status = simple_baselines(&data->set, 0, DATASET_TEST, data->set.positive, options->threads, p,
                              result, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, run, "predictions.csv", error);
  if (status == LEUKO_OK) status = evaluate_write_predictions(path, &s.input, error);
  if (status == LEUKO_OK) status = evaluate_write_curves(run, result, error);
  if (status == LEUKO_OK) status = outputs_draw(run, true, result, error);
  if (status == LEUKO_OK) status = file_join(path, sizeof path, run, "metrics.json", error);
  if (status == LEUKO_OK) status = evaluate_write_metrics(path, result, error);
  free_scored(&s);
  if (status != LEUKO_OK) evaluate_free(result);
  return status;
}
