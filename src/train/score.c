#include <stdlib.h>

#include "base/error.h"
#include "train/feed.h"
#include "train/target.h"

/* The head's logits and last inputs, batch by batch. */
static leuko_status answer(const train_options *o, target *t, const size_t *samples, size_t count,
                           double *logits, float *rows, leuko_error *error) {
  net_plan_options options = model_plan_options(&t->m, o->batch, o->threads, o->backend);
  net_plan *plan;
  leuko_status status = net_plan_new(t->graph, &options, &plan, error);
  if (status != LEUKO_OK) return status;
  loader_options load = {.samples = samples, .count = count, .batch = (size_t)o->batch};
  feed *f = NULL;
  status = net_plan_bind(plan, t->params, error);
  if (status == LEUKO_OK) status = feed_open(&load, &t->rows, &f, error);
  feed_batch batch;
  const size_t outputs = (size_t)t->m.net.outputs, width = net_plan_last_width(plan);
  for (size_t done = 0; status == LEUKO_OK && feed_next(f, &batch); done += batch.count) {
    const float *computed;
    status = net_plan_forward_floats(plan, batch.rows, (int)batch.count, 0, &computed, error);
    for (size_t i = 0; status == LEUKO_OK && i < batch.count * outputs; i++)
      logits[done * outputs + i] = (double)computed[i];
    if (status == LEUKO_OK) net_plan_last_inputs(plan, (int)batch.count, rows + done * width);
  }
  feed_close(f);
  net_plan_free(plan);
  return status;
}

bool train_has_features(const train_options *options) {
  return zoo_has_base(&options->net) && options->fine_tune == TRAIN_HEAD;
}

leuko_status train_answers(const train_data *data, const train_data_options *data_options,
                           const train_options *options, const model *best, const size_t *samples,
                           size_t count, const progress *p, double *logits, float *rows,
                           leuko_error *error) {
  target t;
  leuko_status status = target_open(data, data_options->crop, options, p, &t, error);
  if (status != LEUKO_OK) return status;
  net_copy_params(best->graph, best->params, t.graph, t.params);
  status = answer(options, &t, samples, count, logits, rows, error);
  target_close(&t);
  return status;
}
