#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/rng.h"
#include "dataset/loader.h"
#include "net/loss.h"
#include "stats/metrics.h"
#include "train/adam.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"

#define MOST_EPOCHS 10000 /* that a checkpoint may hold */

typedef struct {
  const train_data *data;
  const train_options *options;
  const progress *p;
  model m;
  checkpoint state;
  float *grads;
  net_plan *whole, *rest; /* training plans of a full batch and of an epoch's last one */
  net_plan *validation;
  size_t *order;  /* [train_count] */
  float *dlogits; /* [batch][outputs] */
  double *logits; /* of the tested cells [test_count][outputs] */
  int *labels;    /* of a batch, or of the tested cells */
  double class_weights[LEUKO_MAX_CLASSES];
  double seconds_per_epoch; /* running estimate, 0 at first */
  train_result *result;
} trainer;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void set_class_weights(trainer *t) {
  const train_data *data = t->data;
  double counts[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < data->train_count; i++) counts[data->labels[data->train[i]]]++;
  for (int c = 0; c < data->set.class_count; c++)
    t->class_weights[c] = t->options->class_weights
                              ? (double)data->train_count / (data->set.class_count * counts[c])
                              : 1;
}

static leuko_status make_plan(trainer *t, size_t batch, bool training, net_plan **out,
                              leuko_error *error) {
  net_plan_options options =
      model_plan_options(&t->m, (int)batch, t->options->threads, t->options->backend);
  options.training = training;
  options.seed = t->options->seed;
  return net_plan_new(t->m.graph, &options, out, error);
}

static void describe_model(trainer *t) {
  const dataset *set = &t->data->set;
  t->m = (model){.net = t->options->net,
                 .crop = 0,
                 .scaling = {.scale = 1.0f / 255, .deviation = {1, 1, 1}},
                 .class_count = set->class_count,
                 .positive = set->positive,
                 .threshold = 0.5};
  for (int c = 0; c < set->class_count; c++)
    snprintf(t->m.classes[c], MODEL_CLASS_NAME, "%s", set->classes[c]);
  snprintf(t->m.data, sizeof t->m.data, "%s", t->data->fingerprint);
}

static leuko_status set_up(trainer *t, leuko_error *error) {
  const train_data *data = t->data;
  const size_t batch = (size_t)t->options->batch;
  for (int c = 0; c < data->set.class_count; c++)
    if (strlen(data->set.classes[c]) >= MODEL_CLASS_NAME)
      return error_set(error, LEUKO_BAD_DATA, data->set.root, "rename the class's folder",
                       "the class name '%s' is longer than %d bytes", data->set.classes[c],
                       MODEL_CLASS_NAME - 1);
  leuko_status status = model_build(&t->m, error);
  if (status != LEUKO_OK) return status;
  const size_t floats = t->m.graph->param_floats, outputs = (size_t)t->m.net.outputs;
  /* A run that has gone further than asked now is still read. */
  t->state.capacity = t->options->epochs > MOST_EPOCHS ? t->options->epochs : MOST_EPOCHS;
  t->grads = calloc(floats, sizeof *t->grads);
  t->state.m = calloc(floats, sizeof *t->state.m);
  t->state.v = calloc(floats, sizeof *t->state.v);
  t->state.history = calloc((size_t)t->state.capacity, sizeof *t->state.history);
  t->order = calloc(data->train_count, sizeof *t->order);
  t->dlogits = calloc(batch * outputs, sizeof *t->dlogits);
  t->logits = calloc(data->test_count * outputs, sizeof *t->logits);
  t->labels = calloc(batch + data->test_count, sizeof *t->labels);
  if (!t->grads || !t->state.m || !t->state.v || !t->state.history || !t->order || !t->dlogits ||
      !t->logits || !t->labels)
    return error_set_memory(error, 3 * floats * sizeof(float));
  size_t whole = batch < data->train_count ? batch : data->train_count;
  status = make_plan(t, whole, true, &t->whole, error);
  if (status == LEUKO_OK && data->train_count % whole)
    status = make_plan(t, data->train_count % whole, true, &t->rest, error);
  if (status == LEUKO_OK) status = make_plan(t, batch, false, &t->validation, error);
  return status;
}

static void tear_down(trainer *t) {
  net_plan_free(t->whole);
  net_plan_free(t->rest);
  net_plan_free(t->validation);
  model_free(&t->m);
  free(t->grads);
  free(t->state.m);
  free(t->state.v);
  free(t->state.history);
  free(t->order);
  free(t->dlogits);
  free(t->logits);
  free(t->labels);
}

static leuko_status diverged(const trainer *t, leuko_error *error) {
  return error_set(error, LEUKO_DIVERGED, t->options->out, "take a lower --lr",
                   "the loss is no longer a finite number in epoch %d", t->state.epochs + 1);
}

static leuko_status train_batch(trainer *t, const loader_batch *batch, net_loss_sum *sum,
                                leuko_error *error) {
  size_t whole = (size_t)t->options->batch < t->data->train_count ? (size_t)t->options->batch
                                                                  : t->data->train_count;
  net_plan *plan = batch->count == whole ? t->whole : t->rest;
  const float *logits;
  leuko_status status = net_plan_bind(plan, t->m.params, error);
  if (status == LEUKO_OK)
    status = net_plan_forward(plan, batch->pixels, (int)batch->count, (uint32_t)t->state.step,
                              &logits, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < batch->count; i++) t->labels[i] = t->data->labels[batch->samples[i]];
  net_loss_sum part = net_loss(logits, t->labels, (int)batch->count, t->m.net.outputs,
                               t->class_weights, t->dlogits);
  if (!isfinite(part.loss)) return diverged(t, error);
  status = net_plan_backward(plan, t->dlogits, t->grads, error);
  if (status != LEUKO_OK) return status;
  adam_step(t->m.graph, ++t->state.step, t->options->lr, t->grads, t->m.params, t->state.m,
            t->state.v, t->options->threads);
  sum->loss += part.loss;
  sum->correct += part.correct;
  return LEUKO_OK;
}

static leuko_status interrupted(const trainer *t, leuko_error *error) {
  return error_set(error, LEUKO_INTERRUPTED, t->options->out, "go on with --resume",
                   "stopped in epoch %d; %d complete ones are saved", t->state.epochs + 1,
                   t->state.epochs);
}

static leuko_status report(trainer *t, const char *phase, size_t done, size_t total,
                           const net_loss_sum *sum, leuko_error *error) {
  char note[96];
  int length = snprintf(note, sizeof note, "loss %.4f  accuracy %.3f", sum->loss / (double)done,
                        (double)sum->correct / (double)done);
  int epochs_left = t->options->epochs - t->state.epochs - 1;
  if (t->seconds_per_epoch > 0 && epochs_left > 0) {
    long seconds = (long)(t->seconds_per_epoch * epochs_left);
    snprintf(note + length, sizeof note - (size_t)length, "  then %ld:%02ld for %d more",
             seconds / 60, seconds % 60, epochs_left);
  }
  if (!progress_report(t->p, phase, done, total, note)) return LEUKO_OK;
  return interrupted(t, error);
}

static leuko_status train_epoch_once(trainer *t, train_epoch *out, leuko_error *error) {
  const train_data *data = t->data;
  const uint32_t epoch = (uint32_t)t->state.epochs;
  memcpy(t->order, data->train, data->train_count * sizeof *t->order);
  rng r = rng_open(t->options->seed, RNG_SHUFFLE, epoch, 0);
  rng_shuffle(&r, t->order, data->train_count);
  loader_options load = {.pixels = data->pixels.pixels,
                         .size = data->pixels.size,
                         .samples = t->order,
                         .count = data->train_count,
                         .batch = (size_t)t->options->batch,
                         .augment = t->options->augment,
                         .seed = t->options->seed,
                         .epoch = epoch};
  loader *l;
  leuko_status status = loader_open(&load, &l, error);
  if (status != LEUKO_OK) return status;
  char phase[64];
  snprintf(phase, sizeof phase, "epoch %d/%d", t->state.epochs + 1, t->options->epochs);
  net_loss_sum sum = {0};
  size_t done = 0;
  double waited = 0, started = now();
  for (;;) {
    loader_batch batch;
    double asked = now();
    bool more = loader_next(l, &batch);
    waited += now() - asked;
    if (!more) break;
    status = train_batch(t, &batch, &sum, error);
    if (status != LEUKO_OK) break;
    done += batch.count;
    status = report(t, phase, done, data->train_count, &sum, error);
    if (status != LEUKO_OK) break;
  }
  loader_close(l);
  if (t->state.epochs > t->result->first || t->options->epochs == 1) {
    t->result->train_seconds += now() - started;
    t->result->loader_share += waited; /* seconds until the end of train_run */
    t->result->images += done;
  }
  out->loss = sum.loss / (double)data->train_count;
  out->accuracy = (double)sum.correct / (double)data->train_count;
  return status;
}

static leuko_status validate(trainer *t, train_epoch *out, leuko_error *error) {
  const train_data *data = t->data;
  const size_t outputs = (size_t)t->m.net.outputs;
  leuko_status status = net_plan_bind(t->validation, t->m.params, error);
  if (status != LEUKO_OK) return status;
  loader_options load = {.pixels = data->pixels.pixels,
                         .size = data->pixels.size,
                         .samples = data->test,
                         .count = data->test_count,
                         .batch = (size_t)t->options->batch};
  loader *l;
  status = loader_open(&load, &l, error);
  if (status != LEUKO_OK) return status;
  loader_batch batch;
  size_t done = 0;
  while (status == LEUKO_OK && loader_next(l, &batch)) {
    const float *logits;
    status = net_plan_forward(t->validation, batch.pixels, (int)batch.count, 0, &logits, error);
    if (status != LEUKO_OK) break;
    for (size_t i = 0; i < batch.count * outputs; i++)
      t->logits[done * outputs + i] = (double)logits[i];
    for (size_t i = 0; i < batch.count; i++) t->labels[done + i] = data->labels[batch.samples[i]];
    done += batch.count;
    if (done < data->test_count &&
        progress_report(t->p, "  validation", done, data->test_count, NULL))
      status = interrupted(t, error);
  }
  loader_close(l);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < done * outputs; i++)
    if (!isfinite(t->logits[i])) return diverged(t, error);
  if (outputs > 1) {
    stats_multiclass scores;
    status = stats_multiclass_metrics(t->logits, t->labels, done, (int)outputs, &scores, error);
    out->val_loss = scores.loss, out->val_accuracy = scores.accuracy, out->val_auc = scores.auc;
  } else {
    stats_binary scores;
    status = stats_binary_metrics(t->logits, t->labels, done, 0.5, &scores, error);
    out->val_loss = scores.loss, out->val_accuracy = scores.accuracy, out->val_auc = scores.auc;
  }
  char note[96];
  snprintf(note, sizeof note, "loss %.4f  accuracy %.3f  AUC %.3f", out->val_loss,
           out->val_accuracy, out->val_auc);
  if (status == LEUKO_OK && progress_report(t->p, "  validation", done, done, note))
    status = interrupted(t, error);
  return status;
}

/* One epoch: train, validate, save. A crash before last.safetensors is in place repeats it whole,
 * with the same bits. */
static leuko_status one_epoch(trainer *t, leuko_error *error) {
  double started = now();
  checkpoint *state = &t->state;
  train_epoch *e = &state->history[state->epochs];
  leuko_status status = train_epoch_once(t, e, error);
  if (status == LEUKO_OK) status = validate(t, e, error);
  if (status != LEUKO_OK) return status;
  e->seconds = now() - started;
  t->seconds_per_epoch = e->seconds;
  bool better = state->epochs == 0 || e->val_loss < state->history[state->best].val_loss;
  if (better) state->best = state->epochs;
  state->epochs++;
  if (better) status = checkpoint_save_best(t->options->out, &t->m, state, error);
  if (status == LEUKO_OK) status = checkpoint_save_last(t->options->out, &t->m, state, error);
  if (status == LEUKO_OK)
    status = run_write_history(t->options->out, state->history, state->epochs, error);
  return status;
}

static leuko_status start(trainer *t, const train_data_options *data_options, leuko_error *error) {
  bool resumes;
  leuko_status status =
      run_folder_open(t->data, data_options, t->options, t->whole, &resumes, error);
  if (status != LEUKO_OK) return status;
  if (!resumes) {
    net_init_params(t->m.graph, t->options->seed, t->m.params);
    return LEUKO_OK;
  }
  status = checkpoint_load(t->options->out, &t->m, &t->state, error);
  if (status != LEUKO_OK) return status;
  run_read_seconds(t->options->out, t->state.history, t->state.epochs);
  /* A run killed right behind a checkpoint has not written that epoch's line. */
  return run_write_history(t->options->out, t->state.history, t->state.epochs, error);
}

leuko_status train_run(const train_data *data, const train_data_options *data_options,
                       const train_options *options, const progress *p, train_result *out,
                       leuko_error *error) {
  *out = (train_result){0};
  trainer t = {.data = data, .options = options, .p = p, .result = out};
  describe_model(&t);
  t.m.crop = data_options->crop;
  set_class_weights(&t);
  leuko_status status = set_up(&t, error);
  if (status == LEUKO_OK) status = start(&t, data_options, error);
  out->first = t.state.epochs;
  while (status == LEUKO_OK && t.state.epochs < options->epochs) {
    if (options->patience > 0 && t.state.epochs > 0 &&
        t.state.epochs - 1 - t.state.best >= options->patience) {
      out->stopped_early = true;
      break;
    }
    status = one_epoch(&t, error);
  }
  if (out->train_seconds > 0) out->loader_share /= out->train_seconds;
  if (status == LEUKO_OK) {
    out->history = t.state.history;
    out->epochs = t.state.epochs;
    out->best = t.state.best;
    t.state.history = NULL;
  }
  tear_down(&t);
  return status;
}

void train_result_free(train_result *result) {
  free(result->history);
  *result = (train_result){0};
}
