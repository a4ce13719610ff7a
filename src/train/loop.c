#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/number.h"
#include "base/rng.h"
#include "net/loss.h"
#include "stats/metrics.h"
#include "train/checkpoint.h"
#include "train/distill.h"
#include "train/feed.h"
#include "train/optimizer.h"
#include "train/run_folder.h"

#define MOST_EPOCHS 10000 /* that a checkpoint may hold */
#define SAVE_SECONDS 15   /* between two checkpoints behind a frozen base */

typedef struct {
  const train_data *data;
  const train_options *options;
  const progress *p;
  target goal;
  checkpoint state;
  float *best; /* [params] of the best epoch, with a frozen base: it may not be saved yet */
  bool best_unsaved;
  int saved; /* epochs in the checkpoint */
  double saved_at;
  float *grads;
  double *rates; /* of each parameter, relative to options->lr */
  optimizer *optimizer;
  net_plan *whole, *rest; /* training plans of a full batch and of an epoch's last one */
  net_plan *validation;
  size_t *order;   /* [train_count] */
  float *dlogits;  /* [batch][outputs] */
  double *logits;  /* of the tested cells [test_count][outputs] */
  int *labels;     /* of a batch, or of the tested cells */
  double *taught;  /* [data->count]: the targets of the training cells; NULL: the labels, or the
                      teacher was not asked yet */
  double *targets; /* those of a batch */
  double class_weights[LEUKO_MAX_CLASSES];
  double seconds_per_epoch; /* running estimate, 0 at first */
  train_result *result;
} trainer;

static void set_class_weights(trainer *t) {
  const train_data *data = t->data;
  double counts[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < data->train_count; i++) counts[data->labels[data->train[i]]]++;
  for (int c = 0; c < data->set.class_count; c++)
    t->class_weights[c] = t->options->class_weights
                              ? (double)data->train_count / (data->set.class_count * counts[c])
                              : 1;
}

static void rows_read(void *context, int param, const uint32_t *rows, size_t count) {
  const trainer *t = context;
  optimizer_read(t->optimizer, param, rows, count);
}

static leuko_status make_plan(trainer *t, size_t batch, bool training, net_plan **out,
                              leuko_error *error) {
  net_plan_options options =
      model_plan_options(&t->goal.m, (int)batch, t->options->threads, t->options->backend);
  options.training = training;
  if (training) options.precision = t->options->precision;
  if (training) options.row_watch = (net_row_watch){rows_read, t};
  options.seed = t->options->seed;
  return net_plan_new(t->goal.graph, &options, out, error);
}

/* The base's layers learn at a rate of their own. */
static void set_rates(trainer *t) {
  const net_graph *graph = t->goal.graph;
  const int head = zoo_has_base(&t->goal.m.net) ? zoo_head(&t->goal.m.net, graph) : 0;
  for (int n = 0; n < graph->node_count; n++)
    for (int p = 0; p < NET_MAX_PARAMS; p++)
      if (graph->nodes[n].params[p] >= 0)
        t->rates[graph->nodes[n].params[p]] = n < head ? t->options->base_lr / t->options->lr : 1;
}

static leuko_status set_up(trainer *t, leuko_error *error) {
  const train_data *data = t->data;
  const size_t batch = (size_t)t->options->batch;
  const size_t floats = t->goal.graph->param_floats, outputs = (size_t)t->goal.m.net.outputs;
  /* A run that has gone further than asked now is still read. */
  t->state.capacity = t->options->epochs > MOST_EPOCHS ? t->options->epochs : MOST_EPOCHS;
  t->grads = calloc(floats, sizeof *t->grads);
  t->state.m = calloc(floats, sizeof *t->state.m);
  t->state.v = calloc(floats, sizeof *t->state.v);
  if (t->options->average > 0) t->state.average = calloc(floats, sizeof *t->state.average);
  t->state.history = calloc((size_t)t->state.capacity, sizeof *t->state.history);
  t->rates = calloc((size_t)t->goal.graph->param_count, sizeof *t->rates);
  if (t->goal.frozen) t->best = calloc(floats, sizeof *t->best);
  t->order = calloc(data->train_count, sizeof *t->order);
  t->dlogits = calloc(batch * outputs, sizeof *t->dlogits);
  t->logits = calloc(data->test_count * outputs, sizeof *t->logits);
  t->labels = calloc(batch + data->test_count, sizeof *t->labels);
  if (!t->grads || !t->state.m || !t->state.v || !t->state.history || !t->order || !t->dlogits ||
      !t->logits || !t->labels || !t->rates || (t->goal.frozen && !t->best) ||
      (t->options->average > 0 && !t->state.average))
    return error_set_memory(error, 3 * floats * sizeof(float));
  if (t->state.average) memcpy(t->state.average, t->goal.params, floats * sizeof(float));
  set_rates(t);
  size_t whole = batch < data->train_count ? batch : data->train_count;
  leuko_status status = make_plan(t, whole, true, &t->whole, error);
  if (status == LEUKO_OK && data->train_count % whole)
    status = make_plan(t, data->train_count % whole, true, &t->rest, error);
  if (status == LEUKO_OK) status = make_plan(t, batch, false, &t->validation, error);
  return status;
}

static void tear_down(trainer *t) {
  net_plan_free(t->whole);
  net_plan_free(t->rest);
  net_plan_free(t->validation);
  optimizer_free(t->optimizer);
  target_close(&t->goal);
  free(t->best);
  free(t->rates);
  free(t->grads);
  free(t->state.m);
  free(t->state.v);
  free(t->state.average);
  free(t->state.history);
  free(t->order);
  free(t->dlogits);
  free(t->logits);
  free(t->labels);
  free(t->taught);
  free(t->targets);
}

static leuko_status forward(net_plan *plan, const feed_batch *batch, uint32_t iteration,
                            const float **logits, leuko_error *error) {
  if (batch->rows)
    return net_plan_forward_floats(plan, batch->rows, (int)batch->count, iteration, logits, error);
  return net_plan_forward(plan, batch->pixels, (int)batch->count, iteration, logits, error);
}

/* Of the step that t->state.step counts, from 1: rises from 0 over the first ones, where asked, and
 * falls as half a cosine (Loshchilov and Hutter 2017, equation 5, without restarts). */
static double learning_rate(const trainer *t) {
  const train_options *o = t->options;
  const double step = (double)t->state.step;
  double rise = o->warmup > 0 ? fmin(1, step / o->warmup) : 1;
  if (!o->cosine) return o->lr * rise;
  const size_t batch = (size_t)o->batch;
  const size_t steps = (t->data->train_count + batch - 1) / batch * (size_t)o->epochs;
  return o->lr * rise * 0.5 * (1 + cos(acos(-1.0) * fmin(1, (step - 1) / (double)steps)));
}

/* What is tested and kept. */
static float *answering(const trainer *t) {
  return t->state.average ? t->state.average : t->goal.params;
}

/* The loss of a batch, to the labels or to what a teacher makes of them, with its gradient. */
static net_loss_sum batch_loss(trainer *t, const feed_batch *batch, const float *logits) {
  const int count = (int)batch->count;
  for (size_t i = 0; i < batch->count; i++) t->labels[i] = t->data->labels[batch->samples[i]];
  if (!t->taught)
    return net_loss(logits, t->labels, count, t->goal.m.net.outputs, t->class_weights, t->dlogits);
  for (size_t i = 0; i < batch->count; i++) t->targets[i] = t->taught[batch->samples[i]];
  return distill_loss(logits, t->labels, t->targets, count, t->class_weights, t->dlogits);
}

static leuko_status diverged(const trainer *t, leuko_error *error) {
  return error_set(error, LEUKO_DIVERGED, t->options->out, "take a lower --lr",
                   "the loss is no longer a finite number in epoch %d", t->state.epochs + 1);
}

static leuko_status train_batch(trainer *t, const feed_batch *batch, net_loss_sum *sum,
                                leuko_error *error) {
  size_t whole = (size_t)t->options->batch < t->data->train_count ? (size_t)t->options->batch
                                                                  : t->data->train_count;
  net_plan *plan = batch->count == whole ? t->whole : t->rest;
  const float *logits;
  leuko_status status = net_plan_bind(plan, t->goal.params, error);
  if (status == LEUKO_OK) status = forward(plan, batch, (uint32_t)t->state.step, &logits, error);
  if (status != LEUKO_OK) return status;
  net_loss_sum part = batch_loss(t, batch, logits);
  if (!isfinite(part.loss)) return diverged(t, error);
  status = net_plan_backward(plan, t->dlogits, t->grads, error);
  if (status != LEUKO_OK) return status;
  t->state.step++;
  optimizer_step(t->optimizer, learning_rate(t));
  sum->loss += part.loss;
  sum->correct += part.correct;
  return LEUKO_OK;
}

static leuko_status interrupted(const trainer *t, leuko_error *error) {
  return error_set(error, LEUKO_INTERRUPTED, t->options->out, "go on with --resume",
                   "stopped in epoch %d; %d complete ones are saved", t->state.epochs + 1,
                   t->saved);
}

static leuko_status report(trainer *t, const char *phase, size_t done, size_t total,
                           const net_loss_sum *sum, leuko_error *error) {
  char note[96];
  int length = number_print(note, sizeof note, "loss %.4f  accuracy %.3f", sum->loss / (double)done,
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
                         .jitter = t->options->jitter,
                         .seed = t->options->seed,
                         .epoch = epoch};
  feed *f;
  leuko_status status = feed_open(&load, t->goal.frozen ? &t->goal.rows : NULL, &f, error);
  if (status != LEUKO_OK) return status;
  char phase[64];
  snprintf(phase, sizeof phase, "epoch %d/%d", t->state.epochs + 1, t->options->epochs);
  net_loss_sum sum = {0};
  size_t done = 0;
  double waited = 0, started = clock_seconds();
  for (;;) {
    feed_batch batch;
    double asked = clock_seconds();
    bool more = feed_next(f, &batch);
    waited += clock_seconds() - asked;
    if (!more) break;
    status = train_batch(t, &batch, &sum, error);
    if (status != LEUKO_OK) break;
    done += batch.count;
    status = report(t, phase, done, data->train_count, &sum, error);
    if (status != LEUKO_OK) break;
  }
  feed_close(f);
  optimizer_settle(t->optimizer);
  if (t->state.epochs > t->result->first || t->options->epochs == 1) {
    t->result->train_seconds += clock_seconds() - started;
    t->result->loader_share += waited; /* seconds until the end of train_run */
    t->result->images += done;
  }
  out->loss = sum.loss / (double)data->train_count;
  out->accuracy = (double)sum.correct / (double)data->train_count;
  return status;
}

static leuko_status validate(trainer *t, train_epoch *out, leuko_error *error) {
  const train_data *data = t->data;
  const size_t outputs = (size_t)t->goal.m.net.outputs;
  leuko_status status = net_plan_bind(t->validation, answering(t), error);
  if (status != LEUKO_OK) return status;
  loader_options load = {.pixels = data->pixels.pixels,
                         .size = data->pixels.size,
                         .samples = data->test,
                         .count = data->test_count,
                         .batch = (size_t)t->options->batch};
  feed *f;
  status = feed_open(&load, t->goal.frozen ? &t->goal.rows : NULL, &f, error);
  if (status != LEUKO_OK) return status;
  feed_batch batch;
  size_t done = 0;
  while (status == LEUKO_OK && feed_next(f, &batch)) {
    const float *logits;
    status = forward(t->validation, &batch, 0, &logits, error);
    if (status != LEUKO_OK) break;
    for (size_t i = 0; i < batch.count * outputs; i++)
      t->logits[done * outputs + i] = (double)logits[i];
    for (size_t i = 0; i < batch.count; i++) t->labels[done + i] = data->labels[batch.samples[i]];
    done += batch.count;
    if (done < data->test_count &&
        progress_report(t->p, "  validation", done, data->test_count, NULL))
      status = interrupted(t, error);
  }
  feed_close(f);
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
  number_print(note, sizeof note, "loss %.4f  accuracy %.3f  AUC %.3f", out->val_loss,
               out->val_accuracy, out->val_auc);
  if (status == LEUKO_OK && progress_report(t->p, "  validation", done, done, note))
    status = interrupted(t, error);
  return status;
}

/* The best model first: should the checkpoint not follow, its epochs come again, and with them the
 * same best. */
static leuko_status save(trainer *t, leuko_error *error) {
  const char *out = t->options->out;
  leuko_status status = LEUKO_OK;
  if (t->best_unsaved)
    status =
        checkpoint_save_best(out, &t->goal, t->best ? t->best : answering(t), &t->state, error);
  if (status == LEUKO_OK) status = checkpoint_save_last(out, &t->goal, &t->state, error);
  if (status == LEUKO_OK) status = run_write_history(out, t->state.history, t->state.epochs, error);
  if (status != LEUKO_OK) return status;
  t->best_unsaved = false;
  t->saved = t->state.epochs;
  t->saved_at = clock_seconds();
  return LEUKO_OK;
}

/* One epoch: train, validate, save. A crash before last.safetensors is in place repeats it whole,
 * with the same bits. */
static leuko_status one_epoch(trainer *t, leuko_error *error) {
  double started = clock_seconds();
  checkpoint *state = &t->state;
  train_epoch *e = &state->history[state->epochs];
  leuko_status status = train_epoch_once(t, e, error);
  if (status == LEUKO_OK) status = validate(t, e, error);
  if (status != LEUKO_OK) return status;
  e->seconds = clock_seconds() - started;
  t->seconds_per_epoch = e->seconds;
  bool better = state->epochs == 0 || t->options->keep_last ||
                e->val_loss < state->history[state->best].val_loss;
  if (better) state->best = state->epochs;
  state->epochs++;
  if (better && t->best)
    memcpy(t->best, answering(t), t->goal.graph->param_floats * sizeof *t->best);
  t->best_unsaved |= better;
  bool due = !t->goal.frozen || clock_seconds() - t->saved_at >= SAVE_SECONDS;
  return due ? save(t, error) : LEUKO_OK;
}

static leuko_status load(trainer *t, leuko_error *error) {
  const char *out = t->options->out;
  leuko_status status = checkpoint_load(out, &t->goal, &t->state, error);
  if (status != LEUKO_OK) return status;
  t->saved = t->state.epochs;
  run_read_seconds(out, t->state.history, t->state.epochs);
  /* A run killed right behind a checkpoint has not written that epoch's line. */
  return run_write_history(out, t->state.history, t->state.epochs, error);
}

static leuko_status start(trainer *t, const train_data_options *data_options, bool resumes,
                          leuko_error *error) {
  leuko_status status = run_write_description(t->data, data_options, t->options, t->whole, error);
  if (status == LEUKO_OK && resumes) status = load(t, error);
  if (status != LEUKO_OK) return status;
  const optimizer_options options = {.graph = t->goal.graph,
                                     .rates = t->rates,
                                     .grads = t->grads,
                                     .params = t->goal.params,
                                     .m = t->state.m,
                                     .v = t->state.v,
                                     .average = t->state.average,
                                     .decay = t->options->average,
                                     .threads = t->options->threads};
  return optimizer_new(&options, t->state.step, &t->optimizer, error);
}

/* Has the training cells answered by the teacher, and makes targets of that. */
static leuko_status ask_teacher(trainer *t, leuko_error *error) {
  const train_data *data = t->data;
  const train_teacher *teacher = t->options->teacher;
  double *p = malloc(data->train_count * sizeof *p);
  t->taught = calloc(data->count, sizeof *t->taught);
  t->targets = calloc((size_t)t->options->batch, sizeof *t->targets);
  leuko_status status = LEUKO_OK;
  if (!p || !t->taught || !t->targets)
    status = error_set_memory(error, 2 * data->count * sizeof *p);
  if (status == LEUKO_OK) status = teacher->answer(teacher->context, data, p, t->p, error);
  for (size_t i = 0; status == LEUKO_OK && i < data->train_count; i++)
    t->taught[data->train[i]] = distill_target(data->labels[data->train[i]], p[i]);
  free(p);
  return status == LEUKO_INTERRUPTED ? interrupted(t, error) : status;
}

static leuko_status check_precision(const train_options *o, leuko_error *error) {
  static const char remedy[] = "take --precision f32";
  const char *name = net_precision_name(o->precision);
  if (o->precision != NET_F32 && strcmp(o->backend, "onednn") != 0)
    return error_set(error, LEUKO_ARGUMENT, NULL, remedy, "the backend '%s' does not train in %s",
                     o->backend, name);
  const bool frozen = train_has_features(o) && net_precision_supported(o->precision);
  if (!net_precision_trains(o->precision) && !frozen)
    return error_set(error, LEUKO_ARGUMENT, NULL, remedy,
                     "this processor has no instructions for training in %s", name);
  return LEUKO_OK;
}

leuko_status train_run(const train_data *data, const train_data_options *data_options,
                       const train_options *options, const progress *p, train_result *out,
                       leuko_error *error) {
  *out = (train_result){0};
  if (options->jitter > 0 && train_has_features(options))
    return error_set(error, LEUKO_ARGUMENT, NULL,
                     "leave out --jitter, or let the base learn with --fine-tune",
                     "the colours of cells cannot change from epoch to epoch behind a frozen base, "
                     "whose features are computed once");
  trainer t = {
      .data = data, .options = options, .p = p, .result = out, .saved_at = clock_seconds()};
  bool resumes;
  leuko_status status = check_precision(options, error);
  if (status == LEUKO_OK) status = run_folder_open(data, data_options, options, &resumes, error);
  if (status != LEUKO_OK) return status;
  set_class_weights(&t);
  status = target_open(data, data_options->crop, options, p, &t.goal, error);
  if (status == LEUKO_OK) status = set_up(&t, error);
  if (status == LEUKO_OK) status = start(&t, data_options, resumes, error);
  out->first = t.state.epochs;
  while (status == LEUKO_OK && t.state.epochs < options->epochs) {
    if (options->patience > 0 && t.state.epochs > 0 &&
        t.state.epochs - 1 - t.state.best >= options->patience) {
      out->stopped_early = true;
      break;
    }
    if (options->teacher && !t.taught) status = ask_teacher(&t, error);
    if (status == LEUKO_OK) status = one_epoch(&t, error);
  }
  if (status == LEUKO_OK && t.saved < t.state.epochs) status = save(&t, error);
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
