#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/cross_validation.h"
#include "cli/print_evaluation.h"
#include "cli/print_pooled.h"
#include "dataset/loader.h"

typedef struct {
  training run;
  const char *model, *weights; /* names of the network and of its weight file or folder */
  zoo_options net; /* where it differs from the network's own: 0, and -1 for dropout, if not */
  model_list teachers;
  bool refit, json;
} arguments;

enum {
  KEY_MODEL = 256,
  KEY_SPLIT,
  KEY_BY,
  KEY_FOLDS,
  KEY_REFIT,
  KEY_RATIO,
  KEY_MANIFEST,
  KEY_SUBJECTS,
  KEY_POSITIVE,
  KEY_ALLOW_LEAK,
  KEY_LIMIT,
  KEY_EPOCHS,
  KEY_BATCH,
  KEY_LR,
  KEY_SIZE,
  KEY_CROP,
  KEY_STAIN,
  KEY_AUGMENT,
  KEY_JITTER,
  KEY_CLASS_WEIGHTS,
  KEY_TEACHER,
  KEY_WEIGHTS,
  KEY_PREPROCESS,
  KEY_FINE_TUNE,
  KEY_FEATURES,
  KEY_BASE_LR,
  KEY_WARMUP,
  KEY_SCHEDULE,
  KEY_AVERAGE,
  KEY_POOLING,
  KEY_STAGES,
  KEY_NORMALIZE,
  KEY_PATIENCE,
  KEY_KEEP,
  KEY_POINT,
  KEY_DROPOUT,
  KEY_WIDTHS,
  KEY_DENSE,
  KEY_SEED,
  KEY_THREADS,
  KEY_BACKEND,
  KEY_PRECISION,
  KEY_RESUME,
  KEY_OUT,
  KEY_JSON
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "Which cells:", 1},
    {"by", KEY_BY, "KIND", 0, "split by subject (default), fold or image", 1},
    {"ratio", KEY_RATIO, "A:B", 0, "shares to train and to test on (60:40)", 1},
    {"folds", KEY_FOLDS, "K", 0,
     "cross-validate: K trainings into RUN/fold-1 ..., each tested on another of K folds, all "
     "scored together",
     1},
    {"refit", KEY_REFIT, 0, 0,
     "with folds: then train once more, on all cells, into RUN/all, with the threshold, the "
     "temperature and the rejection that the held-out cells of the folds give",
     1},
    {"split", KEY_SPLIT, "CSV", 0, "the split or the folds that 'leuko data split' has written", 1},
    {"manifest", KEY_MANIFEST, "FILE", 0,
     "names identical originals; by default "
     "cnmc2019-manifest.tsv in DIR or beside it",
     1},
    {"subjects", KEY_SUBJECTS, "CSV", 0, "path,subject for trees without C-NMC names", 1},
    {"positive", KEY_POSITIVE, "CLASS", 0, "the class whose probability is given (all)", 1},
    {"allow-leak", KEY_ALLOW_LEAK, 0, 0, "train although patients are on both sides", 1},
    {"limit", KEY_LIMIT, "N", 0, "take N cells only, spread over classes and subjects", 1},
    {0, 0, 0, 0, "The network:", 2},
    {"model", KEY_MODEL, "NAME", 0, "cnn (default), vgg16 or resnet50", 2},
    {"size", KEY_SIZE, "PIXELS", 0, "side of the network's input (cnn 128, else 224)", 2},
    {"crop", KEY_CROP, "PIXELS", 0, "cut out the central square first (whole image)", 2},
    {"stain", KEY_STAIN, "METHOD", 0,
     "bring all cells to the colours of those trained on: reinhard, or none (default)", 2},
    {"widths", KEY_WIDTHS, "A,B,...", 0, "filters of each convolution (32,64,128,128)", 2},
    {"dense", KEY_DENSE, "UNITS", 0,
     "of the hidden dense layer (cnn 512, vgg16 256, resnet50 none)", 2},
    {"pooling", KEY_POOLING, "KIND", 0,
     "cnn, vgg16: flatten (default), or average: the dense layer reads each filter's mean, not its "
     "whole map",
     2},
    {"dropout", KEY_DROPOUT, "RATE", 0, "before each dense layer (0)", 2},
    {0, 0, 0, 0, "Networks with a base trained on ImageNet (vgg16, resnet50):", 3},
    {"weights", KEY_WEIGHTS, "FILE|DIR", 0,
     "the base's weights; by default looked for in $LEUKO_WEIGHTS and the cache", 3},
    {"preprocess", KEY_PREPROCESS, "KIND", 0,
     "weights (default): as they were trained; paper: divided by 255", 3},
    {"fine-tune", KEY_FINE_TUNE, "WHAT", 0,
     "none (default): the head alone learns; last: and the base's last stage; all", 3},
    {"base-lr", KEY_BASE_LR, "RATE", 0, "of the base's layers, where they learn (0.0001)", 3},
    {"warmup", KEY_WARMUP, "STEPS", 0,
     "in which the learning rates rise from 0 (100 with "
     "--fine-tune, else 0)",
     3},
    {"stages", KEY_STAGES, "N", 0, "end the base behind stage N of 5 (5)", 3},
    {"normalize", KEY_NORMALIZE, 0, 0,
     "batch normalization of what the head reads: a base that ends early wants it", 3},
    {"features-dtype", KEY_FEATURES, "TYPE", 0, "f32 (default) or bf16, half the space", 3},
    {0, 0, 0, 0, "Training:", 4},
    {"epochs", KEY_EPOCHS, "N", 0, "35 by default", 4},
    {"batch", KEY_BATCH, "N", 0, "images of a step (32)", 4},
    {"lr", KEY_LR, "RATE", 0, "Adam's learning rate (0.001)", 4},
    {"augment", KEY_AUGMENT, 0, 0, "turn and mirror: the eight symmetries of the square", 4},
    {"jitter", KEY_JITTER, "STRENGTH", 0,
     "change stain and light of each training cell at random, such as 0.1 (0)", 4},
    {"class-weights", KEY_CLASS_WEIGHTS, 0, 0, "let rare classes count as much as frequent ones",
     4},
    {"teacher", KEY_TEACHER, "RUN", 0,
     "learn from a trained network, too: the target of a training cell is the mean of its label "
     "and of p that the network gives it. A run folder or a model file that was not trained on the "
     "persons tested; with folds a cross-validation over the same folds, whose fold k teaches fold "
     "k alone. Given several times, they teach as one",
     4},
    {"schedule", KEY_SCHEDULE, "KIND", 0,
     "of the learning rate: constant (default), or cosine, which falls to 0 until the last epoch",
     4},
    {"average", KEY_AVERAGE, "DECAY", OPTION_ARG_OPTIONAL,
     "test and keep a running average of the weights (0.998)", 4},
    {"patience", KEY_PATIENCE, "N", 0, "stop after N epochs without a lower validation loss", 4},
    {"keep", KEY_KEEP, "EPOCH", 0,
     "best (default): the model of the epoch with the lowest validation loss; last: that of the "
     "last epoch, so that nothing is chosen on the tested cells",
     4},
    {"operating-point", KEY_POINT, "HOW", 0,
     "threshold, with a temperature, from the tested cells: youden (default), a wanted sensitivity "
     "such as 0.95, or none (0.5)",
     4},
    {"seed", KEY_SEED, "N", 0, "of split, weights, order, augmentation, dropout (1)", 4},
    {0, 0, 0, 0, "Running:", 5},
    {"out", KEY_OUT, "RUN", 0, "the run folder to write (required)", 5},
    {"resume", KEY_RESUME, 0, 0, "go on with the run in that folder", 5},
    {"threads", KEY_THREADS, "N", 0, "all processors by default", 5},
    {"precision", KEY_PRECISION, "f32|bf16", 0,
     "of activations and gradients (f32); bf16 is faster where the processor has AMX, or is AMD's "
     "with AVX512-BF16; in a frozen base also with AVX512-VNNI, and on AMD's from Zen 3 on",
     5},
    {"backend", KEY_BACKEND, "NAME", 0, "onednn (default) or ref (slow and exact)", 5},
    {"json", KEY_JSON, 0, 0, "print the result as JSON", 5},
    {0}};

static bool read_widths(const char *text, zoo_options *net) {
  net->blocks = 0;
  for (;;) {
    char *end;
    long width = strtol(text, &end, 10);
    if (end == text || width < 1 || width > 4096 || net->blocks == ZOO_MAX_BLOCKS) return false;
    net->widths[net->blocks++] = (int)width;
    if (*end == 0) return true;
    if (*end != ',') return false;
    text = end + 1;
  }
}

/* True if `text` is `second`, false if it is `first`. */
static bool choose(struct argp_state *state, const char *option, const char *text,
                   const char *first, const char *second) {
  if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
    argp_error(state, "%s takes %s or %s", option, first, second);
  return strcmp(text, second) == 0;
}

static error_t parse_data(int key, char *arg, struct argp_state *state, arguments *a) {
  train_data_options *d = &a->run.data;
  switch (key) {
  case KEY_SPLIT:
    d->split = arg;
    return 0;
  case KEY_BY:
    if (!split_kind_parse(arg, &d->by)) argp_error(state, "--by takes subject, fold or image");
    return 0;
  case KEY_FOLDS:
    d->folds = (int)cli_number(state, "--folds", arg, 2, FOLDS_MOST);
    return 0;
  case KEY_REFIT:
    a->refit = true;
    return 0;
  case KEY_RATIO:
    if (!split_parse_ratio(arg, &d->train_share))
      argp_error(state, "--ratio takes two numbers, such as 60:40");
    return 0;
  case KEY_MANIFEST:
    d->manifest = arg;
    return 0;
  case KEY_SUBJECTS:
    d->subjects = arg;
    return 0;
  case KEY_POSITIVE:
    d->positive = arg;
    return 0;
  case KEY_ALLOW_LEAK:
    d->allow_leak = true;
    return 0;
  case KEY_LIMIT:
    d->limit = (size_t)cli_number(state, "--limit", arg, 4, 100000000);
    return 0;
  case KEY_CROP:
    d->crop = (int)cli_number(state, "--crop", arg, 0, 10000);
    return 0;
  case KEY_STAIN:
    if (!stain_parse(arg, &d->stain)) argp_error(state, "--stain takes reinhard or none");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_training(int key, char *arg, struct argp_state *state, arguments *a) {
  train_options *t = &a->run.train;
  switch (key) {
  case KEY_SIZE:
    a->net.size = (int)cli_number(state, "--size", arg, 8, 1024);
    return 0;
  case KEY_WIDTHS:
    if (!read_widths(arg, &a->net))
      argp_error(state, "--widths takes 1 to %d numbers, such as 32,64,128,128", ZOO_MAX_BLOCKS);
    return 0;
  case KEY_DENSE:
    a->net.dense = (int)cli_number(state, "--dense", arg, 1, 65536);
    return 0;
  case KEY_POOLING:
    a->net.average = choose(state, "--pooling", arg, "flatten", "average");
    return 0;
  case KEY_DROPOUT:
    a->net.dropout = cli_real(state, "--dropout", arg, 0, 0.95);
    return 0;
  case KEY_EPOCHS:
    t->epochs = (int)cli_number(state, "--epochs", arg, 1, 10000);
    return 0;
  case KEY_BATCH:
    t->batch = (int)cli_number(state, "--batch", arg, 1, 1024);
    return 0;
  case KEY_LR:
    t->lr = cli_real(state, "--lr", arg, 1e-9, 10);
    return 0;
  case KEY_AUGMENT:
    t->augment = true;
    return 0;
  case KEY_SCHEDULE:
    t->cosine = choose(state, "--schedule", arg, "constant", "cosine");
    return 0;
  case KEY_AVERAGE:
    t->average = arg ? cli_real(state, "--average", arg, 0.5, 0.999999) : TRAIN_AVERAGE;
    return 0;
  case KEY_JITTER:
    t->jitter = cli_real(state, "--jitter", arg, 0, LOADER_MOST_JITTER);
    return 0;
  case KEY_CLASS_WEIGHTS:
    t->class_weights = true;
    return 0;
  case KEY_TEACHER:
    models_add(&a->teachers, arg, state);
    return 0;
  case KEY_POINT:
    if (strcmp(arg, "none") == 0) t->point = TRAIN_POINT_NONE;
    else if (strcmp(arg, "youden") == 0) t->point = TRAIN_POINT_YOUDEN;
    else {
      t->point = TRAIN_POINT_SENSITIVITY;
      t->sensitivity = cli_real(state, "--operating-point", arg, 0.01, 1);
    }
    return 0;
  case KEY_KEEP:
    t->keep_last = choose(state, "--keep", arg, "best", "last");
    return 0;
  case KEY_PATIENCE:
    t->patience = (int)cli_number(state, "--patience", arg, 0, 10000);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_base(int key, char *arg, struct argp_state *state, arguments *a) {
  train_options *t = &a->run.train;
  switch (key) {
  case KEY_WEIGHTS:
    a->weights = arg;
    return 0;
  case KEY_PREPROCESS:
    t->preprocess =
        choose(state, "--preprocess", arg, "weights", "paper") ? TRAIN_AS_PAPER : TRAIN_AS_WEIGHTS;
    return 0;
  case KEY_FINE_TUNE:
    if (strcmp(arg, "none") == 0) t->fine_tune = TRAIN_HEAD;
    else if (strcmp(arg, "last") == 0) t->fine_tune = TRAIN_LAST;
    else if (strcmp(arg, "all") == 0) t->fine_tune = TRAIN_ALL;
    else argp_error(state, "--fine-tune takes none, last or all");
    return 0;
  case KEY_STAGES:
    a->net.stages = (int)cli_number(state, "--stages", arg, 1, ZOO_STAGES);
    return 0;
  case KEY_NORMALIZE:
    a->net.normalize = true;
    return 0;
  case KEY_BASE_LR:
    t->base_lr = cli_real(state, "--base-lr", arg, 1e-9, 10);
    return 0;
  case KEY_WARMUP:
    t->warmup = (int)cli_number(state, "--warmup", arg, 0, 1000000);
    return 0;
  case KEY_FEATURES:
    t->features_bf16 = choose(state, "--features-dtype", arg, "f32", "bf16");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  if (parse_data(key, arg, state, a) == 0 || parse_training(key, arg, state, a) == 0 ||
      parse_base(key, arg, state, a) == 0)
    return 0;
  switch (key) {
  case KEY_MODEL:
    a->model = arg;
    return 0;
  case KEY_SEED:
    a->run.train.seed = (uint64_t)cli_number(state, "--seed", arg, 0, 2147483647);
    return 0;
  case KEY_THREADS:
    a->run.train.threads = (int)cli_number(state, "--threads", arg, 1, 256);
    return 0;
  case KEY_PRECISION:
    if (!net_precision_find(arg, &a->run.train.precision) || a->run.train.precision == NET_INT8)
      argp_error(state, "--precision takes f32 or bf16");
    return 0;
  case KEY_BACKEND:
    if (strcmp(arg, "onednn") != 0 && strcmp(arg, "ref") != 0)
      argp_error(state, "--backend takes onednn or ref");
    a->run.train.backend = arg;
    return 0;
  case KEY_RESUME:
    a->run.train.resume = true;
    return 0;
  case KEY_OUT:
    a->run.train.out = arg;
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (a->run.data.folder) argp_error(state, "one folder of cells is enough");
    a->run.data.folder = arg;
    return 0;
  case ARGP_KEY_END:
    if (!a->run.data.folder) argp_error(state, "the folder of cells is missing");
    if (!a->run.train.out) argp_error(state, "--out RUN is missing");
    if (a->run.train.keep_last && a->run.train.patience)
      argp_error(state, "--patience chooses an epoch on the tested cells, --keep last does not");
    if (a->refit && !a->run.train.keep_last)
      argp_error(state, "--refit wants --keep last: it has no tested cells to choose an epoch by");
    if (a->run.data.folds && a->run.data.by == SPLIT_BY_FOLD)
      argp_error(state, "--folds deals by subject or by image");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void print_cells(const train_data *data, const train_data_options *o) {
  if (data->folds)
    fprintf(stderr, "%zu cells in %d folds, %zu subjects", data->train_count + data->test_count,
            data->folds, data->leaks.subjects);
  else
    fprintf(stderr, "%zu cells to train on, %zu to test on, %zu subjects", data->train_count,
            data->test_count, data->leaks.subjects);
  if (data->ties.tied_subjects)
    fprintf(stderr, " (%zu names tied by shared cells)", data->ties.tied_subjects);
  fprintf(stderr, "\n");
  if (data->leaks.leaking || data->leaks.twins)
    fprintf(stderr,
            "THIS SPLIT LEAKS: %zu of %zu subjects are on both sides%s, so the scores say nothing "
            "about the next patient\n",
            data->leaks.leaking, data->leaks.subjects, o->split ? "" : " (--allow-leak)");
  else if (data->leaks.unknown)
    fprintf(stderr,
            "the subject of %zu cells is not known: they may be on both sides, then the scores say "
            "nothing about the next patient\n",
            data->leaks.unknown);
  if (data->set.refused + data->pixels.refused)
    fprintf(stderr, "%zu files were refused; 'leuko data scan' names them\n",
            data->set.refused + data->pixels.refused);
}

static json_t *result_json(const train_data *data, const train_result *r, const evaluation *e) {
  json_t *out = evaluate_json(e);
  const train_epoch *best = &r->history[r->best], *last = &r->history[r->epochs - 1];
  double highest = 0;
  for (int i = 0; i < r->epochs; i++) highest = fmax(highest, r->history[i].val_accuracy);
  json_object_set_new(out, "training",
                      json_pack("{s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I}", "epochs", r->epochs,
                                "best_epoch", r->best + 1, "last_loss", last->loss, "last_accuracy",
                                last->accuracy, "last_val_loss", last->val_loss,
                                "last_val_accuracy", last->val_accuracy, "lowest_val_loss",
                                best->val_loss, "highest_val_accuracy", highest, "train_cells",
                                (json_int_t)data->train_count, "subjects_on_both_sides",
                                (json_int_t)data->leaks.leaking));
  if (r->images > 0) {
    json_object_set_new(out, "train_images_per_second",
                        json_real((double)r->images / r->train_seconds));
    json_object_set_new(out, "loader_share", json_real(r->loader_share));
    json_object_set_new(out, "peak_memory_mb", json_real(cli_peak_megabytes()));
  }
  return out;
}

static int print_result(const arguments *a, const train_data *data, const train_result *r,
                        const evaluation *e) {
  int code = data->set.refused + data->pixels.refused ? 4 : 0;
  const train_epoch *best = &r->history[r->best];
  if (r->images > 0)
    fprintf(stderr, "%.0f images a second; %.1f %% of the time waiting for them; %.0f MB at most\n",
            (double)r->images / r->train_seconds, 100 * r->loader_share, cli_peak_megabytes());
  if (r->stopped_early)
    fprintf(stderr, "stopped early: no lower validation loss in %d epochs\n",
            a->run.train.patience);
  if (a->json) return cli_print_json(result_json(data, r, e)) ? 1 : code;
  printf("The model of epoch %d of %d (%s validation loss, %.4f) on the tested cells:\n\n",
         r->best + 1, r->epochs, a->run.train.keep_last ? "the last;" : "lowest", best->val_loss);
  evaluate_print(stdout, e);
  printf("\nIn %s: best.safetensors, last.safetensors, history.csv, predictions.csv, "
         "metrics.json, roc.csv, pr.csv, calibration.csv, figures/\n",
         a->run.train.out);
  return code;
}

/* The network's own sizes but for those that were asked for. */
static leuko_status choose_network(arguments *a, leuko_error *error) {
  zoo_options *net = &a->run.train.net;
  leuko_status status = zoo_defaults(a->model, net, error);
  if (status != LEUKO_OK) return status;
  if (a->net.size) net->size = a->net.size;
  if (a->net.dense) net->dense = a->net.dense;
  if (a->net.dropout >= 0) net->dropout = a->net.dropout;
  net->average = a->net.average;
  net->normalize = a->net.normalize;
  if (a->net.stages) net->stages = a->net.stages;
  if (a->net.blocks) {
    net->blocks = a->net.blocks;
    memcpy(net->widths, a->net.widths, sizeof net->widths);
  }
  return training_find_weights(&a->run, a->weights, error);
}

static int train_once(arguments *a, const train_data *data, const progress *p) {
  leuko_error error = {0};
  if (a->refit) {
    error_set(&error, LEUKO_ARGUMENT, NULL, "ask for --folds K as well",
              "--refit follows a cross-validation");
    return cli_fail(&error);
  }
  training_take_teacher(&a->run, 0);
  train_result result;
  evaluation scores;
  if (training_run(&a->run, data, p, &result, &scores, &error) != LEUKO_OK) return cli_fail(&error);
  int code = print_result(a, data, &result, &scores);
  train_result_free(&result);
  evaluate_free(&scores);
  return code;
}

static int train_folds(arguments *a, train_data *data) {
  leuko_error error = {0};
  evaluation scores;
  pooled folds;
  if (cross_validate(&a->run, data, a->refit, &scores, &folds, &error) != LEUKO_OK)
    return cli_fail(&error);
  int code = data->set.refused + data->pixels.refused ? 4 : 0;
  if (a->json) {
    if (cli_print_json(pooled_json(&folds, &scores))) code = 1;
  } else {
    printf("%d folds, every cell answered by the model that was not trained on it:\n\n",
           folds.folds);
    evaluate_print(stdout, &scores);
    print_pooled(stdout, a->run.train.keep_last, &scores, &folds);
    printf("\nIn %s: fold-1 to fold-%d%s, predictions.csv, evaluation.json, metrics.json, roc.csv, "
           "pr.csv, calibration.csv, figures/\n",
           a->run.train.out, folds.folds, a->refit ? ", all" : "");
  }
  pooled_free(&folds);
  evaluate_free(&scores);
  return code;
}

int command_train(int argc, char **argv) {
  arguments a = {.model = "cnn",
                 .net = {.dropout = -1},
                 .run = {.data = {.by = SPLIT_BY_SUBJECT, .train_share = SPLIT_TRAIN_SHARE},
                         .train = {.epochs = 35,
                                   .batch = 32,
                                   .lr = 0.001,
                                   .base_lr = 0.0001,
                                   .warmup = -1,
                                   .seed = 1,
                                   .point = TRAIN_POINT_YOUDEN,
                                   .backend = "onednn"}}};
  leuko_error error = {0};
  static const struct argp parser = {
      options,
      parse,
      "DIR --out RUN",
      "Trains a network on a folder of cells.\vThe model of the epoch with the lowest validation "
      "loss is kept in RUN/best.safetensors. With --folds RUN holds a run for each fold, and the "
      "scores of all cells, each answered by the model that was not trained on it. A run that was "
      "stopped, or killed, goes on with "
      "--resume and ends with the same bits.",
      0,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  if (choose_network(&a, &error) != LEUKO_OK) return cli_fail(&error);
  training *run = &a.run;
  if (run->train.warmup < 0) run->train.warmup = run->train.fine_tune == TRAIN_HEAD ? 0 : 100;
  run->data.threads = run->train.threads = threads_count(run->train.threads);
  run->data.seed = run->train.seed;
  run->data.size = run->train.net.size;
  cli_catch_signals();
  progress p = cli_progress();
  train_data data;
  if (train_data_open(&run->data, &p, &data, &error) != LEUKO_OK) return cli_fail(&error);
  print_cells(&data, &run->data);
  teacher taught_by = {0};
  leuko_status status = LEUKO_OK;
  if (a.teachers.count > 0) {
    status = teacher_open(&a.teachers, &data, &run->train, a.refit, &taught_by, &error);
    run->taught_by = &taught_by;
  }
  int code = status != LEUKO_OK ? cli_fail(&error)
             : data.folds       ? train_folds(&a, &data)
                                : train_once(&a, &data, &p);
  teacher_close(&taught_by);
  train_data_free(&data);
  return code;
}
