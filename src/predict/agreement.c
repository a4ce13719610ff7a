#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/sort.h"
#include "net/cpu.h"
#include "predict/predictor.h"

#define BATCH 16

static leuko_status answer(const model *m, net_plan_options options, const uint8_t *pixels,
                           size_t count, const progress *p, double *logits, leuko_error *error) {
  const size_t outputs = (size_t)m->net.outputs;
  const size_t bytes = (size_t)m->net.size * (size_t)m->net.size * 3;
  net_plan *plan = NULL;
  leuko_status status = net_plan_new(m->graph, &options, &plan, error);
  if (status == LEUKO_OK) status = net_plan_bind(plan, m->params, error);
  for (size_t first = 0; status == LEUKO_OK && first < count; first += BATCH) {
    const size_t now = count - first < BATCH ? count - first : BATCH;
    const float *here;
    status = net_plan_forward(plan, pixels + first * bytes, (int)now, 0, &here, error);
    for (size_t i = 0; status == LEUKO_OK && i < now * outputs; i++)
      logits[first * outputs + i] = (double)here[i];
    if (status == LEUKO_OK && progress_report(p, "answering", first + now, count, NULL))
      status = error_set(error, LEUKO_INTERRUPTED, NULL, NULL, "stopped");
  }
  net_plan_free(plan);
  return status;
}

leuko_status predictor_answer(const model *m, net_precision precision, int threads,
                              const uint8_t *pixels, size_t count, const progress *p,
                              double *logits, leuko_error *error) {
  net_plan_options options = model_plan_options(m, BATCH, threads, "onednn");
  options.precision = precision;
  return answer(m, options, pixels, count, p, logits, error);
}

leuko_status predictor_differences(const model *m, const double *logits, const double *others,
                                   size_t count, model_agreement *out, leuko_error *error) {
  const size_t outputs = (size_t)m->net.outputs;
  double *differences = malloc(count * sizeof *differences);
  if (!differences) return error_set_memory(error, count * sizeof *differences);
  size_t same = 0;
  for (size_t i = 0; i < count; i++) {
    leuko_answer a, b;
    predictor_decide(m, logits + i * outputs, &a);
    predictor_decide(m, others + i * outputs, &b);
    same += a.label_index == b.label_index;
    differences[i] = fabs(a.p_raw - b.p_raw);
    if (!isfinite(differences[i])) differences[i] = 1;
  }
  sort_doubles(differences, count);
  *out = (model_agreement){.cells = count,
                           .largest = differences[count - 1],
                           .median = (differences[(count - 1) / 2] + differences[count / 2]) / 2,
                           .agreement = (double)same / (double)count};
  free(differences);
  return LEUKO_OK;
}

leuko_status predictor_agreement(const model *m, int threads, const uint8_t *pixels, size_t count,
                                 const progress *p, model_agreement *out, bool *half,
                                 leuko_error *error) {
  *out = (model_agreement){0};
  *half = false;
  if (count == 0 || !net_precision_supported(NET_BF16)) return LEUKO_OK;
  const size_t values = count * (size_t)m->net.outputs;
  double *logits = calloc(2 * values, sizeof *logits);
  if (!logits) return error_set_memory(error, 2 * values * sizeof *logits);
  leuko_status status = predictor_answer(m, NET_F32, threads, pixels, count, p, logits, error);
  net_plan_options options = model_plan_options(m, BATCH, threads, "onednn");
  options.precision = NET_BF16;
  /* The matrix unit is twice as fast in bfloat16, where that is fine enough. */
  for (int way = net_cpu_matrix() ? 0 : 1; status == LEUKO_OK && way < 2; way++) {
    if (model_stands_16_bits(out)) break;
    options.bfloat16 = way == 0;
    *half = net_cpu_fine() && !options.bfloat16;
    status = answer(m, options, pixels, count, p, logits + values, error);
    if (status == LEUKO_OK)
      status = predictor_differences(m, logits, logits + values, count, out, error);
  }
  free(logits);
  return status;
}
