#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "predict/predictor.h"

/* Answers in one precision. */
static leuko_status answer(const char *path, int threads, const char *precision,
                           const uint8_t *pixels, size_t count, const progress *p,
                           leuko_answer *answers, leuko_error *error) {
  const leuko_options how = {.threads = threads, .precision = precision};
  leuko_predictor *predictor;
  leuko_status status = leuko_predictor_open(path, &how, &predictor, error);
  if (status != LEUKO_OK) return status;
  const model *m = predictor_model(predictor);
  const size_t outputs = (size_t)m->net.outputs;
  double *logits = malloc(count * outputs * sizeof *logits);
  if (!logits) status = error_set_memory(error, count * outputs * sizeof *logits);
  if (status == LEUKO_OK) status = predictor_logits(predictor, pixels, count, logits, p, error);
  for (size_t i = 0; status == LEUKO_OK && i < count; i++)
    predictor_decide(m, logits + i * outputs, &answers[i]);
  free(logits);
  leuko_predictor_close(predictor);
  return status;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void compare(const leuko_answer *a, const leuko_answer *b, size_t count, double *differences,
                    model_agreement *out) {
  size_t same = 0;
  for (size_t i = 0; i < count; i++) {
    same += a[i].label_index == b[i].label_index;
    differences[i] = fabs(a[i].p_raw - b[i].p_raw);
    if (!isfinite(differences[i])) differences[i] = 1;
  }
  qsort(differences, count, sizeof *differences, ascending);
  *out = (model_agreement){.cells = count,
                           .largest = differences[count - 1],
                           .median = (differences[(count - 1) / 2] + differences[count / 2]) / 2,
                           .agreement = (double)same / (double)count};
}

leuko_status predictor_agreement(const char *path, int threads, const uint8_t *pixels, size_t count,
                                 const progress *p, model_agreement *out, leuko_error *error) {
  *out = (model_agreement){0};
  if (count == 0 || !net_precision_supported(NET_BF16)) return LEUKO_OK;
  leuko_answer *answers = calloc(2 * count, sizeof *answers);
  double *differences = malloc(count * sizeof *differences);
  leuko_status status = LEUKO_OK;
  if (!answers || !differences) status = error_set_memory(error, 2 * count * sizeof *answers);
  if (status == LEUKO_OK) status = answer(path, threads, "f32", pixels, count, p, answers, error);
  if (status == LEUKO_OK)
    status = answer(path, threads, "bf16", pixels, count, p, answers + count, error);
  if (status == LEUKO_OK) compare(answers, answers + count, count, differences, out);
  free(answers);
  free(differences);
  return status;
}
