#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "cli/reproduction.h"
#include "report/findings.h"
#include "report/report.h"
#include "report/table1.h"

typedef struct {
  reproduction_options what;
  bool json;
} arguments;

enum {
  KEY_OUT = 256,
  KEY_MODELS,
  KEY_WEIGHTS,
  KEY_EPOCHS,
  KEY_QUICK,
  KEY_MANIFEST,
  KEY_SUBJECTS,
  KEY_POSITIVE,
  KEY_SEED,
  KEY_THREADS,
  KEY_PRECISION,
  KEY_JSON
};

static const struct argp_option options[] = {
    {"out", KEY_OUT, "OUT", 0, "the folder for everything that comes of it (required)", 1},
    {"models", KEY_MODELS, "A,B,...", 0,
     "of cnn, vgg16, resnet50; by default all whose weights are found", 1},
    {"weights", KEY_WEIGHTS, "FILE|DIR", 0,
     "ImageNet weights; by default looked for in $LEUKO_WEIGHTS and the cache", 1},
    {"epochs", KEY_EPOCHS, "N", 0, "35 by default, as in the paper", 1},
    {"quick", KEY_QUICK, 0, 0, "700 cells and 10 epochs of the CNN: minutes, and coarse figures",
     1},
    {"manifest", KEY_MANIFEST, "FILE", 0,
     "names identical originals; by default cnmc2019-manifest.tsv in DIR or beside it", 2},
    {"subjects", KEY_SUBJECTS, "CSV", 0, "path,subject for trees without C-NMC names", 2},
    {"positive", KEY_POSITIVE, "CLASS", 0, "the class whose probability is given (all)", 2},
    {"seed", KEY_SEED, "N", 0, "of splits, weights and order (1)", 3},
    {"threads", KEY_THREADS, "N", 0, "all processors by default", 3},
    {"precision", KEY_PRECISION, "f32|bf16", 0,
     "of trainings and frozen bases (f32); bf16 is faster where the processor has AMX, or is "
     "AMD's with AVX512-BF16; in the bases also with AVX512-VNNI, and on AMD's from Zen 3 on",
     3},
    {"json", KEY_JSON, 0, 0, "print the result as JSON", 3},
    {0}};

static bool read_models(char *list, bool *networks) {
  bool any = false;
  for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
    int i = 0;
    while (i < REPRODUCTION_NETWORKS && strcmp(name, reproduction_networks[i]) != 0) i++;
    if (i == REPRODUCTION_NETWORKS) return false;
    any = networks[i] = true;
  }
  return any;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
  arguments *a = state->input;
  reproduction_options *o = &a->what;
  switch (key) {
  case KEY_OUT:
    o->out = arg;
    return 0;
  case KEY_MODELS:
    if (!read_models(arg, o->networks))
      argp_error(state, "--models takes names out of cnn,vgg16,resnet50");
    o->named = true;
    return 0;
  case KEY_WEIGHTS:
    o->weights = arg;
    return 0;
  case KEY_EPOCHS:
    o->epochs = (int)cli_number(state, "--epochs", arg, 1, 10000);
    return 0;
  case KEY_QUICK:
    o->quick = true;
    return 0;
  case KEY_MANIFEST:
    o->manifest = arg;
    return 0;
  case KEY_SUBJECTS:
    o->subjects = arg;
    return 0;
  case KEY_POSITIVE:
    o->positive = arg;
    return 0;
  case KEY_SEED:
    o->seed = (uint64_t)cli_number(state, "--seed", arg, 0, 2147483647);
    return 0;
  case KEY_THREADS:
    o->threads = (int)cli_number(state, "--threads", arg, 1, 256);
    return 0;
  case KEY_PRECISION:
    if (!net_precision_find(arg, &o->precision) || o->precision == NET_INT8)
      argp_error(state, "--precision takes f32 or bf16");
    return 0;
  case KEY_JSON:
    a->json = true;
    return 0;
  case ARGP_KEY_ARG:
    if (o->folder) argp_error(state, "one folder of cells is enough");
    o->folder = arg;
    return 0;
  case ARGP_KEY_END:
    if (!o->folder) argp_error(state, "the folder of cells is missing");
    if (!o->out) argp_error(state, "--out OUT is missing");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static json_t *result_json(const experiment *e) {
  json_t *rows = json_array();
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const experiment_paper *paper = experiment_paper_of(run->job->model);
    json_t *row = json_pack("{s:s,s:s,s:s}", "model", run->job->model, "preprocess",
                            run->job->preprocess, "split", run->job->split);
    json_object_set_new(row, "acc", number_json(experiment_last(run, ACCURACY)));
    json_object_set_new(row, "loss", number_json(experiment_last(run, LOSS)));
    json_object_set_new(row, "val_acc", number_json(experiment_last(run, VAL_ACCURACY)));
    json_object_set_new(row, "val_loss", number_json(experiment_last(run, VAL_LOSS)));
    json_object_set_new(row, "val_auc", number_json(experiment_last(run, VAL_AUC)));
    json_object_set_new(row, "paper_acc", json_real(paper->accuracy));
    json_object_set_new(row, "paper_loss", json_real(paper->loss));
    json_object_set_new(row, "paper_val_acc", json_real(paper->val_accuracy));
    json_object_set_new(row, "paper_val_loss", json_real(paper->val_loss));
    json_object_set_new(row, "epochs", json_integer((json_int_t)run->curves.epochs));
    json_object_set(row, "best", run->metrics);
    json_array_append_new(rows, row);
  }
  return json_pack("{s:o,s:O,s:o}", "out", text_json(e->folder), "experiment", e->description,
                   "rows", rows);
}

static void print_table(const experiment *e) {
  printf("%-26s %-8s  %9s %9s  %9s %9s  %7s\n", "The last epoch", "split", "train acc", "loss",
         "val acc", "loss", "val AUC");
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const experiment_paper *paper = experiment_paper_of(run->job->model);
    char title[64];
    findings_title(run, title, sizeof title);
    if (i == 0 || strcmp(run->job->model, e->runs[i - 1].job->model) != 0)
      printf("%-26s %-8s  %9.4f %9.4f  %9.4f %9.4f\n", paper->title, "(paper)", paper->accuracy,
             paper->loss, paper->val_accuracy, paper->val_loss);
    printf("  %-24s %-8s  %9.4f %9.4f  %9.4f %9.4f  %7.4f\n", title, run->job->split,
           experiment_last(run, ACCURACY), experiment_last(run, LOSS),
           experiment_last(run, VAL_ACCURACY), experiment_last(run, VAL_LOSS),
           experiment_last(run, VAL_AUC));
  }
  printf("\nAccuracies are shares of cells, losses nats a cell. Only the split by subject says\n"
         "something about the next patient. The whole: %s/report.html\n",
         e->folder);
}

/* Table, figures and page out of what stands in the folder. */
static int report(const arguments *a, leuko_error *error) {
  experiment e;
  leuko_error undrawn = {0};
  leuko_status status = experiment_open(a->what.out, &e, error);
  if (status != LEUKO_OK) return cli_fail(error);
  status = table1_write(&e, error);
  if (status == LEUKO_OK) status = report_write(&e, &undrawn, error);
  int code = 0;
  if (undrawn.status != LEUKO_OK) cli_fail(&undrawn);
  if (status != LEUKO_OK) code = cli_fail(error);
  else if (a->json) code = cli_print_json(result_json(&e));
  else print_table(&e);
  experiment_close(&e);
  return code;
}

int command_reproduce(int argc, char **argv) {
  arguments a = {.what = {.seed = 1}};
  leuko_error error = {0};
  static const struct argp parser = {
      options,
      parse,
      "DIR --out OUT",
      "Runs the paper's experiment on a folder of cells: ResNet-50 (with two preprocessings), "
      "VGG16 "
      "and the CNN, each split by image as in the paper and by subject.\vLeaves OUT/report.html, "
      "table1.csv, table1.md, figures and a run folder of each training. Stopped or killed, the "
      "same command goes on; what is done is not done again.",
      0,
      0,
      0};
  argp_parse(&parser, argc, argv, 0, 0, &a);
  if (!a.what.named)
    for (int i = 0; i < REPRODUCTION_NETWORKS; i++) a.what.networks[i] = true;
  a.what.threads = threads_count(a.what.threads);
  cli_catch_signals();
  size_t refused;
  if (reproduction_run(&a.what, &refused, &error) != LEUKO_OK) return cli_fail(&error);
  int code = report(&a, &error);
  if (refused) fprintf(stderr, "%zu files were refused; 'leuko data scan' names them\n", refused);
  return code == 0 && refused ? 4 : code;
}
