#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "report/figures.h"
#include "report/findings.h"
#include "report/gap_figure.h"
#include "report/html.h"

/* A figure's name below OUT/figures, from which the paper's numbering can be told: those of its
 * own arrangement are figure1 to figure9. */
typedef struct {
  const char *model, *preprocess;
  int accuracy, loss, both; /* numbers */
} arrangement;

/* The paper shows accuracy and loss of each network, then both in one graph. */
static const arrangement arranged[] = {
    {"resnet50", "paper", 1, 2, 7},
    {"vgg16", "weights", 3, 4, 8},
    {"cnn", "paper", 5, 6, 9},
};
#define ARRANGED (sizeof arranged / sizeof *arranged)

static const char *const curve_names[] = {"accuracy", "loss", "loss_accuracy"};

static const arrangement *arrangement_of(const experiment_run *run) {
  for (size_t i = 0; i < ARRANGED; i++)
    if (strcmp(run->job->split, "image") == 0 && strcmp(run->job->model, arranged[i].model) == 0 &&
        strcmp(run->job->preprocess, arranged[i].preprocess) == 0)
      return &arranged[i];
  return NULL;
}

static const char *split_words(const experiment_run *run) {
  return strcmp(run->job->split, "image") == 0 ? "split by image" : "split by subject";
}

static leuko_status draw(const experiment *e, leuko_error *error) {
  char folder[1024];
  leuko_status status = file_join(folder, sizeof folder, e->folder, "figures", error);
  for (size_t i = 0; i < e->count && status == LEUKO_OK; i++) {
    const experiment_run *run = &e->runs[i];
    char from[1024], name[64], prefix[72], title[64], words[128];
    status = experiment_run_folder(e->folder, run->job, from, sizeof from, error);
    experiment_job_name(run->job, name, sizeof name);
    snprintf(prefix, sizeof prefix, "%s-", name);
    findings_title(run, title, sizeof title);
    snprintf(words, sizeof words, "%s, %s", title, split_words(run));
    if (status == LEUKO_OK) status = figures_curves(from, folder, prefix, words, error);
  }
  if (status == LEUKO_OK) status = gap_figure(e, error);
  return status == LEUKO_NO_DATA ? LEUKO_OK : status;
}

static json_int_t integer_of(const experiment *e, const char *key) {
  return json_integer_value(json_object_get(e->description, key));
}

/* What restricts all that follows. */
static void write_notes(const experiment *e, file_writer *w) {
  if (json_is_true(json_object_get(e->description, "synthetic")))
    file_printf(w, "<p class=\"note\"><b>These cells are drawn by leuko, not real.</b> The page "
                   "shows how everything works and says nothing about leukemia.</p>\n");
  if (json_is_true(json_object_get(e->description, "quick")))
    file_printf(w,
                "<p class=\"note\"><b>The quick form:</b> at most %lld of the cells, spread over "
                "classes and subjects, and fewer epochs of the CNN. It shows the way; the figures "
                "are coarse. The whole is the same command without <code>--quick</code>.</p>\n",
                (long long)integer_of(e, "limit"));
  size_t i;
  json_t *left;
  json_array_foreach(json_object_get(e->description, "left_out"), i, left) {
    file_printf(w, "<p class=\"note\"><b>");
    const char *model = json_string_value(json_object_get(left, "model"));
    const experiment_paper *paper = model ? experiment_paper_of(model) : NULL;
    html_text(w, paper ? paper->title : "");
    file_printf(w, " is missing,</b> since no file with its ImageNet weights was found. ");
    const char *remedy = json_string_value(json_object_get(left, "remedy"));
    html_text(w, remedy ? remedy : "");
    file_printf(w, "</p>\n");
  }
}

/* A measured figure with the paper's below it. */
static void beside(file_writer *w, const char *label, double value, double published) {
  if (!isfinite(value)) html_cell(w, label, "&ndash;");
  else if (isfinite(published))
    html_cell(w, label, "%.4f<span class=\"paper\">paper %.4f</span>", value, published);
  else html_cell(w, label, "%.4f", value);
}

static void write_table1(const experiment *e, file_writer *w) {
  file_printf(
      w, "<table>\n<caption>The last epoch of each training; below it what the paper gives, whose "
         "split is that by image. Training figures are those of the batches as they were trained "
         "on.</caption>\n<thead><tr><th>Network</th><th>Split</th>"
         "<th>Training accuracy<span class=\"unit\">share of cells</span></th>"
         "<th>Training loss<span class=\"unit\">nats a cell</span></th>"
         "<th>Validation accuracy<span class=\"unit\">share of cells</span></th>"
         "<th>Validation loss<span class=\"unit\">nats a cell</span></th>"
         "<th>Validation AUC<span class=\"unit\">0 to 1</span></th></tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const experiment_paper *paper = experiment_paper_of(run->job->model);
    const bool image = strcmp(run->job->split, "image") == 0;
    char title[64];
    findings_title(run, title, sizeof title);
    file_printf(w, "<tr%s>", image ? " class=\"first\"" : "");
    html_cell(w, "Network", "%s", title);
    html_cell(w, "Split", "%s", image ? "by image" : "by subject");
    beside(w, "Training accuracy (share of cells)", experiment_last(run, ACCURACY),
           image ? paper->accuracy : NAN);
    beside(w, "Training loss (nats a cell)", experiment_last(run, LOSS), image ? paper->loss : NAN);
    beside(w, "Validation accuracy (share of cells)", experiment_last(run, VAL_ACCURACY),
           image ? paper->val_accuracy : NAN);
    beside(w, "Validation loss (nats a cell)", experiment_last(run, VAL_LOSS),
           image ? paper->val_loss : NAN);
    beside(w, "Validation AUC (0 to 1)", experiment_last(run, VAL_AUC), NAN);
    file_printf(w, "</tr>\n");
  }
  file_printf(w, "</tbody></table>\n");
}

/* The same trainings, each at its best. */
static void write_best(const experiment *e, file_writer *w) {
  file_printf(
      w, "<table>\n<caption>Validation figures of the model that is kept, that of the epoch with "
         "the lowest validation loss, and the highest accuracy of any epoch.</caption>\n<thead><tr>"
         "<th>Network</th><th>Split</th><th>Epoch kept<span class=\"unit\">of all</span></th>"
         "<th>Loss<span class=\"unit\">nats a cell</span></th>"
         "<th>Accuracy<span class=\"unit\">share of cells</span></th>"
         "<th>Sensitivity<span class=\"unit\">share of the positive class</span></th>"
         "<th>Specificity<span class=\"unit\">share of the others</span></th>"
         "<th>AUC<span class=\"unit\">0 to 1</span></th>"
         "<th>Highest accuracy<span class=\"unit\">share of cells</span></th></tr></thead>\n"
         "<tbody>\n");
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const history *h = &run->curves;
    const bool image = strcmp(run->job->split, "image") == 0;
    char title[64];
    findings_title(run, title, sizeof title);
    file_printf(w, "<tr%s>", image ? " class=\"first\"" : "");
    html_cell(w, "Network", "%s", title);
    html_cell(w, "Split", "%s", image ? "by image" : "by subject");
    html_cell(w, "Epoch kept (of all)", "%g of %zu", h->epoch[h->lowest_loss], h->epochs);
    beside(w, "Loss (nats a cell)", experiment_metric(run, "loss"), NAN);
    beside(w, "Accuracy (share of cells)", experiment_metric(run, "accuracy"), NAN);
    beside(w, "Sensitivity (share of the positive class)", experiment_metric(run, "sensitivity"),
           NAN);
    beside(w, "Specificity (share of the others)", experiment_metric(run, "specificity"), NAN);
    beside(w, "AUC (0 to 1)", experiment_metric(run, "auc"), NAN);
    beside(w, "Highest accuracy (share of cells)", h->curves[VAL_ACCURACY][h->best_accuracy], NAN);
    file_printf(w, "</tr>\n");
  }
  file_printf(w, "</tbody></table>\n");
}

/* One figure with its caption; `number` 0: without one. */
static leuko_status write_figure(const experiment *e, const char *file, int number,
                                 const char *caption, file_writer *w, leuko_error *error) {
  char path[1024], below[128];
  snprintf(below, sizeof below, "figures/%s.svg", file);
  leuko_status status = file_join(path, sizeof path, e->folder, below, error);
  if (status != LEUKO_OK) return status;
  file_printf(w, "<figure>\n");
  status = html_svg(w, path, file, caption, error);
  file_printf(w, "\n<figcaption>");
  if (number) file_printf(w, "<b>Figure %d.</b> ", number);
  file_printf(w, "%s</figcaption>\n</figure>\n", caption);
  return status;
}

static leuko_status write_curve(const experiment *e, const experiment_run *run, int curve,
                                int number, file_writer *w, leuko_error *error) {
  static const char *const what[] = {"accuracy (share of cells)", "loss (nats a cell)",
                                     "loss and accuracy"};
  char name[64], file[96], title[64], caption[256];
  experiment_job_name(run->job, name, sizeof name);
  snprintf(file, sizeof file, "%s-%s", name, curve_names[curve]);
  findings_title(run, title, sizeof title);
  number_print(caption, sizeof caption,
               "%s: %s by epoch, %s, %.0f training and %.0f validation cells", title, what[curve],
               split_words(run), experiment_cells(run, "train"), experiment_cells(run, "test"));
  return write_figure(e, file, number, caption, w, error);
}

/* Figures 1 to 6, then 7 to 9. */
static leuko_status write_arranged(const experiment *e, file_writer *w, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  file_printf(w, "<div class=\"figures pairs\">\n");
  for (size_t i = 0; i < ARRANGED && status == LEUKO_OK; i++) {
    const arrangement *a = &arranged[i];
    const experiment_run *run = experiment_find(e, a->model, a->preprocess, "image");
    if (!run) continue;
    status = write_curve(e, run, 0, a->accuracy, w, error);
    if (status == LEUKO_OK) status = write_curve(e, run, 1, a->loss, w, error);
  }
  file_printf(w, "</div>\n<h3>Loss and accuracy in one graph</h3>\n<div class=\"figures\">\n");
  for (size_t i = 0; i < ARRANGED && status == LEUKO_OK; i++) {
    const arrangement *a = &arranged[i];
    const experiment_run *run = experiment_find(e, a->model, a->preprocess, "image");
    if (run) status = write_curve(e, run, 2, a->both, w, error);
  }
  file_printf(w, "</div>\n");
  return status;
}

/* The runs that the paper has no figures of. */
static leuko_status write_others(const experiment *e, file_writer *w, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  file_printf(w, "<h3>What the paper does not show</h3>\n<div class=\"figures\">\n");
  for (size_t i = 0; i < e->count && status == LEUKO_OK; i++)
    if (!arrangement_of(&e->runs[i])) status = write_curve(e, &e->runs[i], 2, 0, w, error);
  file_printf(w, "</div>\n");
  return status;
}

static double timing_of(const experiment_run *run, const char *key) {
  json_t *value = json_object_get(run->timings, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static void seconds_cell(file_writer *w, const char *label, double seconds) {
  if (!isfinite(seconds)) html_cell(w, label, "&ndash;");
  else html_cell(w, label, seconds < 10 ? "%.2f" : seconds < 100 ? "%.1f" : "%.0f", seconds);
}

static void write_timings(const experiment *e, file_writer *w) {
  file_printf(
      w, "<table>\n<caption>Features: what the frozen layers make of all cells, computed once and "
         "shared between the splits (&ndash;: taken from the cache, all or some, or a network "
         "without frozen layers). Epochs include their "
         "validation.</caption>\n<thead><tr><th>Network</th>"
         "<th>Split</th><th>Features<span class=\"unit\">s</span></th>"
         "<th>Features<span class=\"unit\">cells/s</span></th><th>Epochs</th>"
         "<th>One epoch<span class=\"unit\">s, mean</span></th>"
         "<th>All epochs<span class=\"unit\">s</span></th></tr></thead>\n<tbody>\n");
  double total = 0;
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *run = &e->runs[i];
    const history *h = &run->curves;
    double features = timing_of(run, "features_seconds"), epochs = 0;
    for (size_t k = 0; k < h->epochs; k++) epochs += h->curves[SECONDS][k];
    double cells = experiment_cells(run, "train") + experiment_cells(run, "test");
    if (isfinite(features)) total += features;
    if (isfinite(epochs)) total += epochs;
    char title[64];
    findings_title(run, title, sizeof title);
    file_printf(w, "<tr>");
    html_cell(w, "Network", "%s", title);
    html_cell(w, "Split", "%s", strcmp(run->job->split, "image") == 0 ? "by image" : "by subject");
    seconds_cell(w, "Features (s)", features);
    seconds_cell(w, "Features (cells/s)", cells / features);
    html_cell(w, "Epochs", "%zu", h->epochs);
    seconds_cell(w, "One epoch (s, mean)", epochs / (double)h->epochs);
    seconds_cell(w, "All epochs (s)", epochs);
    file_printf(w, "</tr>\n");
  }
  const char *processor =
      json_string_value(json_object_get(json_object_get(e->runs[0].run, "machine"), "processor"));
  file_printf(w, "</tbody></table>\n<p>Together %.1f minutes of features and epochs, on ",
              total / 60);
  html_text(w, processor ? processor : "an unknown processor");
  file_printf(w, " with %lld threads.</p>\n", (long long)integer_of(e, "threads"));
}

static void write_settings(const experiment *e, file_writer *w) {
  const experiment_run *image = NULL, *subject = NULL;
  for (size_t i = 0; i < e->count; i++) {
    if (strcmp(e->runs[i].job->split, "image") == 0) image = &e->runs[i];
    else subject = &e->runs[i];
  }
  file_printf(w, "<ul>\n<li>Cells: ");
  const char *folder = json_string_value(json_object_get(e->description, "data"));
  html_text(w, folder ? folder : "");
  if (image)
    file_printf(
        w,
        ". Split by image 60:40 within each class: %.0f training and %.0f validation cells; "
        "%.0f of %.0f subjects have cells on both sides",
        experiment_cells(image, "train"), experiment_cells(image, "test"),
        experiment_cells(image, "subjects_on_both_sides"), experiment_cells(image, "subjects"));
  if (subject)
    file_printf(
        w,
        ". Split by subject 60:40 as well as whole subjects allow: %.0f and %.0f cells, the "
        "latter of %zu subjects, none on both sides",
        experiment_cells(subject, "train"), experiment_cells(subject, "test"),
        experiment_subjects(subject));
  file_printf(w,
              ".</li>\n<li>Networks: the CNN of four convolutions (32, 64, 128, 128 filters) and a "
              "dense layer of 512 on 128&times;128 pixels, all of it trained; VGG16 with a dense "
              "layer of 256 and ResNet-50 with global average pooling on 224&times;224 pixels, "
              "trained on ImageNet, whose convolutions keep their weights while the head learns. "
              "The CNN's pixels are divided by 255.</li>\n"
              "<li>Training: Adam at a rate of 0.001, batches of 32 cells, cross-entropy, no "
              "augmentation, no class weights; seed %lld.</li>\n",
              (long long)integer_of(e, "seed"));
  const char *model;
  json_t *source;
  json_object_foreach(json_object_get(e->description, "weights"), model, source) {
    const experiment_paper *paper = experiment_paper_of(model);
    file_printf(w, "<li>Weights of %s: ", paper ? paper->title : "");
    html_text(w, json_string_value(json_object_get(source, "name")));
    file_printf(w, " (SHA-256 %.16s&hellip;).</li>\n",
                json_string_value(json_object_get(source, "sha256")));
  }
  file_printf(w,
              "<li>leuko %s. Beside this page: <code>table1.csv</code>, <code>table1.md</code>, "
              "the figures as SVG and PNG in <code>figures/</code>, and every training with its "
              "models, curves and answers in <code>runs/</code>.</li>\n</ul>\n",
              leuko_version());
}

static leuko_status write_page(const experiment *e, bool drawn, file_writer *w,
                               leuko_error *error) {
  leuko_status status = LEUKO_OK;
  html_begin(w, "Leukemic or healthy: three networks, two splits");
  file_printf(w, "<p class=\"lead\">The experiment of Hendrawan et al. (a CNN of their own, VGG16 "
                 "and ResNet-50 on single cells of C-NMC 2019), run again from the files to the "
                 "figures, with the question that it left open: which of its figures hold for the "
                 "next patient?</p>\n");
  write_notes(e, w);
  file_printf(w, "<h2>In short</h2>\n");
  findings_summary(e, w);
  file_printf(w, "<h2>Table I</h2>\n");
  write_table1(e, w);
  file_printf(w,
              "<h2>What the split does</h2>\n<p><b>By image</b>, as in the paper, cells are dealt "
              "out one by one. Cells of the same patient are then on both sides, and a network "
              "is rewarded for recognising the patient. <b>By subject</b> nobody is on both "
              "sides, as it will be with the next patient. Everything else is the same.</p>\n");
  findings_split(e, w);
  char gap[1024];
  if (drawn && file_join(gap, sizeof gap, e->folder, "figures/gap.svg", NULL) == LEUKO_OK &&
      file_exists(gap))
    status = write_figure(e, "gap", 0,
                          "Validation accuracy (share of cells) of the kept models on both splits; "
                          "the paper&rsquo;s is that of the last epoch",
                          w, error);
  file_printf(w, "<h2>Divided by 255, or as the weights want it</h2>\n");
  findings_preprocess(e, w);
  file_printf(w, "<h2>Which of the paper&rsquo;s conclusions hold</h2>\n");
  findings_conclusions(e, w);
  file_printf(w, "<h2>Figures</h2>\n");
  if (drawn) {
    file_printf(w, "<p>In the arrangement of the paper, split by image. Circles mark the highest "
                   "validation accuracy and the lowest validation loss.</p>\n");
    if (status == LEUKO_OK) status = write_arranged(e, w, error);
    if (status == LEUKO_OK) status = write_others(e, w, error);
  } else {
    file_printf(w, "<p class=\"note\">They are not drawn, since gnuplot is missing or has failed: "
                   "install it (gnuplot-nox in Debian) and start the same command again.</p>\n");
  }
  file_printf(w, "<h2>Each training at its best</h2>\n");
  write_best(e, w);
  file_printf(w, "<h2>How it was done, and how long it took</h2>\n");
  write_settings(e, w);
  write_timings(e, w);
  file_printf(w,
              "<h2>Sources</h2>\n<p class=\"small\">Networks and experiment: Hendrawan et al. "
              "Cells: A. Gupta, R. Gupta, ALL Challenge dataset of ISBI 2019 (C-NMC 2019), The "
              "Cancer Imaging Archive, 2019, doi 10.7937/tcia.2019.dc64i46r. VGG16: Simonyan and "
              "Zisserman 2014. ResNet-50: He et al. 2015.</p>\n<p class=\"small\"><b>Research use "
              "only.</b> leuko is not a medical device, and no answer of it is a "
              "diagnosis.</p>\n");
  html_end(w);
  return status;
}

leuko_status report_write(const experiment *e, leuko_error *undrawn, leuko_error *error) {
  leuko_error failure = {0};
  leuko_status status = draw(e, &failure);
  const bool drawn = status == LEUKO_OK;
  if (!drawn && status != LEUKO_NOT_FOUND && status != LEUKO_BACKEND) {
    if (error) *error = failure;
    return status;
  }
  if (undrawn) *undrawn = failure;
  char path[1024];
  file_writer writer;
  status = file_join(path, sizeof path, e->folder, "report.html", error);
  if (status == LEUKO_OK) status = file_writer_open(&writer, path, error);
  if (status != LEUKO_OK) return status;
  status = write_page(e, drawn, &writer, error);
  if (status == LEUKO_OK) return file_writer_commit(&writer, error);
  file_writer_abort(&writer);
  return status;
}
