#include "cli/reproduction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/overall.h"

#define EPOCHS 35 /* of the paper */
#define QUICK_CELLS 700
#define QUICK_CNN_EPOCHS 10

const char *const reproduction_networks[REPRODUCTION_NETWORKS] = {"resnet50", "vgg16", "cnn"};

/* A training that is wanted. */
typedef struct {
  const experiment_job *job;
  training run;
  char name[64], folder[1024];
  bool done;
  overall_cost cost;
} task;

typedef struct {
  const reproduction_options *options;
  reproduction_cells cells;
  task *tasks; /* [count] */
  size_t count;
  json_t *left_out; /* networks whose weights are missing, and what to do */
  json_t *weights;  /* of each network, where it has any */
  overall view;
  /* Of the training now. */
  const task *now;
  double started;
} reproduction;

static bool wanted(const reproduction_options *o, const char *network) {
  for (int i = 0; i < REPRODUCTION_NETWORKS; i++)
    if (strcmp(network, reproduction_networks[i]) == 0) return o->networks[i];
  return false;
}

static int epochs_of(const reproduction_options *o, const char *network) {
  if (o->epochs) return o->epochs;
  return o->quick && strcmp(network, "cnn") == 0 ? QUICK_CNN_EPOCHS : EPOCHS;
}

/* A training is done once its last file is there, behind all of its epochs. */
static bool is_done(const task *t) {
  char path[1024];
  history h;
  if (file_join(path, sizeof path, t->folder, "metrics.json", NULL) != LEUKO_OK ||
      !file_exists(path) ||
      file_join(path, sizeof path, t->folder, "history.csv", NULL) != LEUKO_OK ||
      history_read(path, &h, NULL) != LEUKO_OK)
    return false;
  bool whole = h.epochs == (size_t)t->run.train.epochs;
  history_free(&h);
  return whole;
}

/* What the training of a job is. It is filled in place, since it borrows from itself. */
static leuko_status fill_task(reproduction *r, const experiment_job *job, task *t,
                              leuko_error *error) {
  const reproduction_options *o = r->options;
  t->job = job;
  experiment_job_name(job, t->name, sizeof t->name);
  leuko_status status = experiment_run_folder(o->out, job, t->folder, sizeof t->folder, error);
  const bool by_image = strcmp(job->split, "image") == 0;
  t->run.data = (train_data_options){.folder = o->folder,
                                     .split = by_image ? r->cells.image : r->cells.subject,
                                     .seed = o->seed,
                                     .manifest = o->manifest,
                                     .subjects = o->subjects,
                                     .positive = o->positive,
                                     .allow_leak = by_image,
                                     .threads = o->threads};
  t->run.train = (train_options){
      .preprocess = strcmp(job->preprocess, "paper") == 0 ? TRAIN_AS_PAPER : TRAIN_AS_WEIGHTS,
      .epochs = epochs_of(o, job->model),
      .batch = 32,
      .lr = 0.001,
      .seed = o->seed,
      .threads = o->threads,
      .backend = "onednn",
      .precision = o->precision,
      .resume = true,
      .out = t->folder};
  if (status == LEUKO_OK) status = zoo_defaults(job->model, &t->run.train.net, error);
  t->run.data.size = t->run.train.net.size;
  /* Some processors have 16 bits for frozen bases alone. */
  if (!train_has_features(&t->run.train) && !net_precision_trains(o->precision))
    t->run.train.precision = NET_F32;
  return status;
}

/* A network whose weights are missing is left out, unless it was asked for by name. */
static leuko_status leave_out(reproduction *r, const char *network, leuko_error *error) {
  if (r->options->named) return LEUKO_NOT_FOUND;
  json_array_append_new(
      r->left_out, json_pack("{s:s,s:o}", "model", network, "remedy", text_json(error->remedy)));
  cli_progress_line("%s is left out: %s\n  -> %s", experiment_paper_of(network)->title,
                    error->message, error->remedy);
  return LEUKO_OK;
}

/* Lists what is to be trained, with the weights that it needs. */
static leuko_status list_tasks(reproduction *r, leuko_error *error) {
  size_t jobs;
  const experiment_job *all = experiment_jobs(&jobs);
  r->tasks = calloc(jobs, sizeof *r->tasks);
  if (!r->tasks) return error_set_memory(error, jobs * sizeof *r->tasks);
  const char *missing = "";
  for (size_t i = 0; i < jobs; i++) {
    const char *network = all[i].model;
    if (!wanted(r->options, network) || strcmp(network, missing) == 0) continue;
    task *t = &r->tasks[r->count];
    leuko_status status = fill_task(r, &all[i], t, error);
    if (status == LEUKO_OK) status = training_find_weights(&t->run, r->options->weights, error);
    if (status == LEUKO_NOT_FOUND) {
      missing = network;
      status = leave_out(r, network, error);
      if (status == LEUKO_OK) continue;
    }
    if (status != LEUKO_OK) return status;
    if (t->run.train.weights && !json_object_get(r->weights, network))
      json_object_set_new(
          r->weights, network,
          json_pack("{s:s,s:s}", "name", t->run.source.name, "sha256", t->run.source.sha256));
    t->done = is_done(t);
    /* The other split finds its features in the cache. */
    t->cost = overall_cost_of(network, train_has_features(&t->run.train),
                              strcmp(all[i].split, "image") == 0, (double)r->cells.cells,
                              t->run.train.epochs);
    if (!t->done) r->view.total += overall_sum(&t->cost);
    r->count++;
  }
  return LEUKO_OK;
}

static json_t *describe(const reproduction *r) {
  const reproduction_options *o = r->options;
  json_t *out = json_pack(
      "{s:s,s:I,s:i,s:b,s:I,s:{s:i,s:i,s:i},s:o,s:b,s:O,s:O}", "leuko", LEUKO_VERSION, "seed",
      (json_int_t)o->seed, "threads", o->threads, "quick", o->quick, "limit",
      (json_int_t)(o->quick ? QUICK_CELLS : 0), "epochs", "resnet50", epochs_of(o, "resnet50"),
      "vgg16", epochs_of(o, "vgg16"), "cnn", epochs_of(o, "cnn"), "data", text_json(r->cells.root),
      "synthetic", r->cells.synthetic, "weights", r->weights, "left_out", r->left_out);
  /* Experiments that were begun before there was a choice can still go on. */
  if (out && o->precision != NET_F32)
    json_object_set_new(out, "precision", json_string(net_precision_name(o->precision)));
  return out;
}

/* The file's JSON, or NULL where there is none yet. */
static leuko_status read_description(const char *path, json_t **out, leuko_error *error) {
  *out = NULL;
  char *text;
  size_t size;
  leuko_status status = file_read(path, (size_t)1 << 20, &text, &size, error);
  if (status == LEUKO_NOT_FOUND) return LEUKO_OK;
  if (status != LEUKO_OK) return status;
  *out = json_loadb(text, size, 0, NULL);
  free(text);
  if (json_is_object(*out)) return LEUKO_OK;
  json_decref(*out);
  *out = NULL;
  return error_set(error, LEUKO_MISMATCH, path, "choose another --out",
                   "not the description of an experiment");
}

static leuko_status check_same(const char *path, json_t *stored, json_t *asked,
                               leuko_error *error) {
  static const char *const keys[] = {"seed", "threads", "quick", "epochs", "precision"};
  const char *differing = NULL;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    json_t *before = json_object_get(stored, keys[i]), *now = json_object_get(asked, keys[i]);
    if (!differing && (before || now) && !json_equal(before, now)) differing = keys[i];
  }
  const char *network;
  json_t *source;
  json_object_foreach(json_object_get(asked, "weights"), network, source) {
    json_t *before = json_object_get(json_object_get(stored, "weights"), network);
    if (before && !json_equal(before, source)) differing = "weights";
  }
  if (!differing) return LEUKO_OK;
  return error_set(error, LEUKO_MISMATCH, path,
                   "repeat the options that it was begun with, or choose another --out",
                   "the experiment was begun with another '%s'", differing);
}

/* Compares with the reproduce.json of an earlier start and, if `write`, writes it anew. */
static leuko_status keep_description(reproduction *r, bool write, leuko_error *error) {
  char path[1024];
  json_t *stored = NULL, *asked = describe(r);
  leuko_status status = asked ? LEUKO_OK : error_set_memory(error, 0);
  if (status == LEUKO_OK)
    status = file_join(path, sizeof path, r->options->out, "reproduce.json", error);
  if (status == LEUKO_OK) status = read_description(path, &stored, error);
  if (status == LEUKO_OK && stored) {
    status = check_same(path, stored, asked, error);
    json_object_update_missing(json_object_get(asked, "weights"),
                               json_object_get(stored, "weights"));
  }
  if (status == LEUKO_OK && write) {
    char *text = json_dumps(asked, JSON_INDENT(2));
    status = text ? file_write_all(path, text, strlen(text), error) : error_set_memory(error, 0);
    free(text);
  }
  json_decref(stored);
  json_decref(asked);
  return status;
}

/* Keeps how long the features took, at once, since a later start would find them in the cache. A
 * failure costs the figure only. */
static void note_features(void *context) {
  const reproduction *r = context;
  char path[1024], text[80];
  int length =
      snprintf(text, sizeof text, "{\"features_seconds\": %.2f}\n", clock_seconds() - r->started);
  if (file_join(path, sizeof path, r->now->folder, "timings.json", NULL) == LEUKO_OK)
    file_write_all(path, text, (size_t)length, NULL);
}

static leuko_status train_task(reproduction *r, task *t, leuko_error *error) {
  progress p = overall_progress(&r->view);
  char title[96];
  snprintf(title, sizeof title, "%zu of %zu, %s", (size_t)(t - r->tasks) + 1, r->count, t->name);
  overall_begin(&r->view, title, &t->cost);
  train_data data;
  leuko_status status = train_data_open(&t->run.data, &p, &data, error);
  if (status != LEUKO_OK) return status;
  train_result result;
  evaluation scores;
  r->now = t;
  r->started = clock_seconds();
  status = training_run(&t->run, &data, &p, &result, &scores, error);
  if (status == LEUKO_OK) {
    const train_epoch *last = &result.history[result.epochs - 1];
    cli_progress_line("%s: validation accuracy %.4f, loss %.4f nats after %d epochs; %.0f s", title,
                      last->val_accuracy, last->val_loss, result.epochs,
                      clock_seconds() - r->started);
    train_result_free(&result);
    evaluate_free(&scores);
  }
  train_data_free(&data);
  overall_end(&r->view);
  return status;
}

static leuko_status train_all(reproduction *r, leuko_error *error) {
  for (size_t i = 0; i < r->count; i++) {
    task *t = &r->tasks[i];
    if (t->done) {
      cli_progress_line("%zu of %zu, %s: done before", i + 1, r->count, t->name);
      continue;
    }
    leuko_status status = train_task(r, t, error);
    if (status == LEUKO_INTERRUPTED)
      return error_set(error, LEUKO_INTERRUPTED, r->options->out,
                       "start the same command again to go on", "stopped in %s", t->name);
    if (status != LEUKO_OK) return status;
  }
  return LEUKO_OK;
}

leuko_status reproduction_run(const reproduction_options *options, size_t *refused,
                              leuko_error *error) {
  reproduction r = {
      .options = options,
      .left_out = json_array(),
      .weights = json_object(),
      .view = {.view = cli_progress(), .title = "the experiment", .on_features = note_features}};
  r.view.context = &r;
  leuko_status status = keep_description(&r, false, error);
  if (status == LEUKO_OK)
    status = reproduction_split(options, options->quick ? QUICK_CELLS : 0, &r.view.view, &r.cells,
                                error);
  *refused = r.cells.refused;
  if (status == LEUKO_OK) status = list_tasks(&r, error);
  if (status == LEUKO_OK && r.count == 0)
    status = error_set(error, LEUKO_NOT_FOUND, NULL, "name --weights, or --models cnn",
                       "there are weights of none of the networks");
  if (status == LEUKO_OK) status = keep_description(&r, true, error);
  if (status == LEUKO_OK) {
    cli_progress_line("%zu cells. The split by image leaks on purpose, as the paper's: %zu of %zu "
                      "subjects are on both sides",
                      r.cells.cells, r.cells.leaking, r.cells.subjects);
    status = train_all(&r, error);
  }
  cli_progress_end();
  free(r.tasks);
  json_decref(r.left_out);
  json_decref(r.weights);
  return status;
}
