#include "report/findings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "report/html.h"

#define NEAR 0.02 /* of the paper's accuracy: as far as another draw of the split may move it */

void findings_title(const experiment_run *run, char *out, size_t size) {
  const experiment_job *job = run->job;
  bool choice = strcmp(job->model, "resnet50") == 0;
  snprintf(out, size, "%s%s", experiment_paper_of(job->model)->title,
           !choice                                 ? ""
           : strcmp(job->preprocess, "paper") == 0 ? ", divided by 255"
                                                   : ", as its weights");
}

static double accuracy_of(const experiment_run *run) {
  return run ? experiment_metric(run, "accuracy") : NAN;
}

/* By how much two accuracies on about `n` cells must differ to be told from chance (two standard
 * errors of the difference of independent shares; the same cells need less, cells of one patient,
 * which resemble each other, need more). */
static double chance(double a, double b, double n) {
  return 2 * sqrt((a * (1 - a) + b * (1 - b)) / n);
}

/* -1, 0 or 1: the first is lower, cannot be told from the second, is higher. */
static int compare(const experiment_run *a, const experiment_run *b) {
  double x = accuracy_of(a), y = accuracy_of(b);
  double n = fmin(experiment_metric(a, "n"), experiment_metric(b, "n"));
  if (fabs(x - y) <= chance(x, y, n)) return 0;
  return x < y ? -1 : 1;
}

/* Means over the trainings that are done on both splits. */
typedef struct {
  int pairs;
  double image, subject;         /* accuracy */
  double image_auc, subject_auc; /* NaN where a pair has none */
  double chance;                 /* of one pair */
} gap;

static gap measure_gap(const experiment *e) {
  gap g = {0};
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *image = &e->runs[i];
    if (strcmp(image->job->split, "image") != 0) continue;
    const experiment_run *subject =
        experiment_find(e, image->job->model, image->job->preprocess, "subject");
    if (!subject) continue;
    g.pairs++;
    g.image += accuracy_of(image);
    g.subject += accuracy_of(subject);
    g.image_auc += experiment_metric(image, "auc");
    g.subject_auc += experiment_metric(subject, "auc");
    g.chance = chance(accuracy_of(image), accuracy_of(subject),
                      fmin(experiment_metric(image, "n"), experiment_metric(subject, "n")));
  }
  if (g.pairs == 0) return g;
  g.image /= g.pairs, g.subject /= g.pairs;
  g.image_auc /= g.pairs, g.subject_auc /= g.pairs;
  return g;
}

/* The training with the highest accuracy of a split, or NULL. */
static const experiment_run *best_of(const experiment *e, const char *split) {
  const experiment_run *best = NULL;
  for (size_t i = 0; i < e->count; i++)
    if (strcmp(e->runs[i].job->split, split) == 0 &&
        (!best || accuracy_of(&e->runs[i]) > accuracy_of(best)))
      best = &e->runs[i];
  return best;
}

static void write_gap(const gap *g, file_writer *w) {
  double difference = 100 * (g->image - g->subject), by_chance = 100 * g->chance;
  file_printf(w,
              "%.1f&nbsp;%% of the validation cells are answered right with the split by image, "
              "%.1f&nbsp;%% with patients kept apart: ",
              100 * g->image, 100 * g->subject);
  if (difference > by_chance)
    file_printf(w, "the paper's split flatters by %.1f points", difference);
  else if (difference < -by_chance)
    file_printf(w, "on these cells the paper's split does not flatter, it is %.1f points lower",
                -difference);
  else
    file_printf(w, "%.1f points apart, no further than chance makes with so few cells (about %.1f)",
                fabs(difference), by_chance);
  if (isfinite(g->image_auc) && isfinite(g->subject_auc))
    file_printf(w, ". The area under the ROC curve is %.3f and %.3f", g->image_auc, g->subject_auc);
  file_printf(w, ".");
}

/* ResNet-50 both ways by image, with the last epoch's accuracies as in Table I. */
typedef struct {
  bool tried;
  double paper, weights; /* accuracy */
  double chance;
  bool near;        /* divided by 255 it gives the paper's figure */
  size_t last;      /* the last epochs, ten at most, in which, divided by 255, */
  double low, high; /* the accuracy moves between these */
} scaling;

static scaling measure_scaling(const experiment *e, const char *split) {
  const experiment_run *paper = experiment_find(e, "resnet50", "paper", split);
  const experiment_run *weights = experiment_find(e, "resnet50", "weights", split);
  if (!paper || !weights) return (scaling){0};
  scaling s = {.tried = true,
               .paper = experiment_last(paper, VAL_ACCURACY),
               .weights = experiment_last(weights, VAL_ACCURACY)};
  s.chance = chance(s.paper, s.weights, experiment_metric(paper, "n"));
  s.near = fabs(s.paper - experiment_paper_of("resnet50")->val_accuracy) <= NEAR;
  const history *h = &paper->curves;
  s.last = h->epochs < 10 ? h->epochs : 10;
  s.low = s.high = s.paper;
  for (size_t i = h->epochs - s.last; i < h->epochs; i++) {
    s.low = fmin(s.low, h->curves[VAL_ACCURACY][i]);
    s.high = fmax(s.high, h->curves[VAL_ACCURACY][i]);
  }
  return s;
}

static void write_scaling(const scaling *s, file_writer *w) {
  double published = experiment_paper_of("resnet50")->val_accuracy;
  file_printf(
      w,
      "ResNet-50 with pixels divided by 255 ends at a validation accuracy of %.1f&nbsp;%% (the "
      "paper: %.1f&nbsp;%%), with pixels scaled as its weights were trained at "
      "%.1f&nbsp;%%. ",
      100 * s->paper, 100 * published, 100 * s->weights);
  if (s->weights - s->paper <= s->chance)
    file_printf(w,
                "The difference of %.1f points is no larger than chance makes with so few cells "
                "(about %.1f), so that this run does not explain the paper's figure.",
                100 * (s->weights - s->paper), 100 * s->chance);
  else if (s->near)
    file_printf(w,
                "The first is the paper's figure to within %.1f points, the second is %.1f points "
                "better: the paper's poor ResNet-50 is what a slip in the input's scaling looks "
                "like, not what the network can do.",
                fmax(0.1, 100 * fabs(s->paper - published)), 100 * (s->weights - s->paper));
  else if (published >= s->low - NEAR && published <= s->high + NEAR)
    file_printf(w,
                "The first jumps from epoch to epoch, in the last %zu between %.1f&nbsp;%% and "
                "%.1f&nbsp;%%, and comes as near to the paper's as %.1f points; the second is %.1f "
                "points above the highest of them: the paper's poor ResNet-50 is what a slip in "
                "the input's scaling looks like, not what the network can do.",
                s->last, 100 * s->low, 100 * s->high,
                100 * fmax(0, fmax(published - s->high, s->low - published)),
                100 * (s->weights - s->high));
  else
    file_printf(w,
                "The scaling alone is worth %.1f points; but the first figure is %.1f points from "
                "the paper's, so that this run does not settle what the paper did.",
                100 * (s->weights - s->paper), 100 * fabs(s->paper - published));
}

void findings_summary(const experiment *e, file_writer *w) {
  file_printf(w, "<ul>\n");
  gap g = measure_gap(e);
  if (g.pairs > 0) {
    file_printf(w, "<li><b>The split.</b> ");
    if (g.pairs > 1) file_printf(w, "On average over %d trainings, ", g.pairs);
    write_gap(&g, w);
    file_printf(w, "</li>\n");
  }
  scaling s = measure_scaling(e, "image");
  if (s.tried) {
    file_printf(w, "<li><b>ResNet-50's input.</b> Split by image, ");
    write_scaling(&s, w);
    file_printf(w, "</li>\n");
  }
  const experiment_run *best = best_of(e, "subject");
  if (best) {
    char title[64];
    findings_title(best, title, sizeof title);
    file_printf(w,
                "<li><b>For the next patient.</b> The best of these networks with patients kept "
                "apart is %s: %.1f&nbsp;%% of %.0f cells of %zu subjects right, where always "
                "answering &lsquo;",
                title, 100 * accuracy_of(best), experiment_metric(best, "n"),
                experiment_subjects(best));
    const char *majority = json_string_value(json_object_get(best->metrics, "majority_class"));
    html_text(w, majority ? majority : "");
    file_printf(w, "&rsquo; gives %.1f&nbsp;%%.</li>\n",
                100 * experiment_metric(best, "majority_accuracy"));
  }
  file_printf(w, "</ul>\n");
}

static void split_row(const experiment_run *image, const experiment_run *subject, file_writer *w) {
  char title[64];
  findings_title(image, title, sizeof title);
  double a = accuracy_of(image), b = accuracy_of(subject);
  double x = experiment_metric(image, "auc"), y = experiment_metric(subject, "auc");
  file_printf(w, "<tr>");
  html_cell(w, "Network", "%s", title);
  html_cell(w, "Accuracy by image (share of cells)", "%.4f", a);
  html_cell(w, "Accuracy by subject (share of cells)", "%.4f", b);
  html_cell(w, "Difference (points)", "%+.1f", 100 * (b - a));
  html_cell(w, "Balanced accuracy by subject (share)", "%.4f",
            experiment_metric(subject, "balanced_accuracy"));
  html_cell(w, "AUC by image", "%.3f", x);
  html_cell(w, "AUC by subject", "%.3f", y);
  html_cell(w, "Difference (AUC)", "%+.3f", y - x);
  file_printf(w, "</tr>\n");
}

static void baseline_row(const experiment_run *image, const experiment_run *subject,
                         file_writer *w) {
  double a = experiment_metric(image, "majority_accuracy");
  double b = experiment_metric(subject, "majority_accuracy");
  file_printf(w, "<tr class=\"first\">");
  html_cell(w, "Network", "Most frequent class always");
  html_cell(w, "Accuracy by image (share of cells)", "%.4f", a);
  html_cell(w, "Accuracy by subject (share of cells)", "%.4f", b);
  html_cell(w, "Difference (points)", "%+.1f", 100 * (b - a));
  json_t *classes = json_object_get(image->metrics, "classes");
  html_cell(w, "Balanced accuracy by subject (share)", "%.4f",
            1.0 / (double)json_array_size(classes));
  html_cell(w, "AUC by image", "0.500");
  html_cell(w, "AUC by subject", "0.500");
  html_cell(w, "Difference (AUC)", "0.000");
  file_printf(w, "</tr>\n");
}

void findings_split(const experiment *e, file_writer *w) {
  gap g = measure_gap(e);
  if (g.pairs == 0) {
    file_printf(w, "<p>No network has been trained on both splits.</p>\n");
    return;
  }
  file_printf(
      w, "<table>\n<caption>Validation cells, the model of the epoch with the lowest validation "
         "loss. AUC is the area under the ROC curve: 0.5 is chance, 1 without a fault."
         "</caption>\n<thead><tr><th>Network</th>"
         "<th>Accuracy, by image<span class=\"unit\">share of cells</span></th>"
         "<th>Accuracy, by subject<span class=\"unit\">share of cells</span></th>"
         "<th>Difference<span class=\"unit\">points</span></th>"
         "<th>Balanced accuracy, by subject<span class=\"unit\">share</span></th>"
         "<th>AUC, by image<span class=\"unit\">0 to 1</span></th>"
         "<th>AUC, by subject<span class=\"unit\">0 to 1</span></th>"
         "<th>Difference<span class=\"unit\">AUC</span></th></tr></thead>\n<tbody>\n");
  const experiment_run *last[2] = {NULL, NULL};
  for (size_t i = 0; i < e->count; i++) {
    const experiment_run *image = &e->runs[i];
    if (strcmp(image->job->split, "image") != 0) continue;
    const experiment_run *subject =
        experiment_find(e, image->job->model, image->job->preprocess, "subject");
    if (!subject) continue;
    split_row(image, subject, w);
    last[0] = image, last[1] = subject;
  }
  baseline_row(last[0], last[1], w);
  file_printf(w, "</tbody></table>\n<p>%s", g.pairs > 1 ? "On average " : "Here ");
  write_gap(&g, w);
  file_printf(
      w,
      " With %.0f validation cells chance alone moves a difference by some %.1f points, and "
      "more than that across subjects, since the cells of one patient resemble each other "
      "and %zu subjects are few.</p>\n",
      experiment_metric(last[1], "n"), 100 * g.chance, experiment_subjects(last[1]));
}

void findings_preprocess(const experiment *e, file_writer *w) {
  scaling image = measure_scaling(e, "image"), subject = measure_scaling(e, "subject");
  if (!image.tried && !subject.tried) {
    file_printf(w, "<p>ResNet-50 has not been trained with both preprocessings.</p>\n");
    return;
  }
  file_printf(
      w, "<p>Weights expect pixels as in their own training: Keras's blue, green and red, each "
         "minus its mean over ImageNet; torchvision's red, green and blue, normalised. Dividing by "
         "255 instead, as the paper's code most likely did, gives the frozen layers numbers that "
         "they have never been trained on. Nothing else differs between the two rows of ResNet-50 "
         "in Table&nbsp;I.</p>\n");
  if (experiment_find(e, "vgg16", "weights", "image"))
    file_printf(w, "<p>VGG16 is run only as its weights want it.</p>\n");
  if (image.tried) {
    file_printf(w, "<p>Split by image, ");
    write_scaling(&image, w);
    file_printf(w, "</p>\n");
  }
  if (subject.tried) {
    double difference = subject.weights - subject.paper;
    file_printf(w,
                "<p>With patients kept apart the two ways end at %.1f&nbsp;%% and %.1f&nbsp;%%: ",
                100 * subject.paper, 100 * subject.weights);
    if (fabs(difference) <= subject.chance)
      file_printf(
          w,
          "%.1f points, no more than chance makes (about %.1f). What is gained by the right "
          "scaling within known patients need not be gained for the next one.",
          100 * fabs(difference), 100 * subject.chance);
    else
      file_printf(w, "the right scaling %s %.1f points there%s.",
                  difference > 0 ? "gains" : "costs", 100 * fabs(difference),
                  difference > 0 ? ", too" : "");
    file_printf(w, "</p>\n");
  }
}

/* One line: what the paper's table says, what was measured by image and by subject, the verdict. */
static void conclusion(file_writer *w, const char *claim, const char *published,
                       const char *by_image, const char *by_subject, const char *verdict) {
  file_printf(w, "<tr>");
  html_cell(w, "The paper's table says", "%s", claim);
  html_cell(w, "Its figures", "%s", published);
  html_cell(w, "Here, by image", "%s", by_image);
  html_cell(w, "Here, patients kept apart", "%s", by_subject);
  html_cell(w, "Does it hold", "<b>%s</b>", verdict);
  file_printf(w, "</tr>\n");
}

/* The three networks on one split; ResNet-50 both ways. */
typedef struct {
  const experiment_run *paper, *weights, *vgg16, *cnn;
} networks;

static networks networks_of(const experiment *e, const char *split) {
  return (networks){experiment_find(e, "resnet50", "paper", split),
                    experiment_find(e, "resnet50", "weights", split),
                    experiment_find(e, "vgg16", NULL, split),
                    experiment_find(e, "cnn", NULL, split)};
}

static void describe(const networks *n, char *out, size_t size) {
  snprintf(out, size,
           "ResNet-50 %.1f&nbsp;%% divided by 255, %.1f&nbsp;%% as its weights; VGG16 "
           "%.1f&nbsp;%%; CNN %.1f&nbsp;%%",
           100 * accuracy_of(n->paper), 100 * accuracy_of(n->weights), 100 * accuracy_of(n->vgg16),
           100 * accuracy_of(n->cnn));
}

static bool behind(const experiment_run *resnet, const networks *n) {
  return compare(resnet, n->vgg16) < 0 && compare(resnet, n->cnn) < 0;
}

static const char *resnet_verdict(const networks *image, const networks *subject) {
  bool slip = behind(image->paper, image), right = behind(image->weights, image);
  if (slip && right)
    return behind(subject->weights, subject) ? "yes" : "by image only, not for the next patient";
  if (slip) return "only with pixels divided by 255";
  return "no";
}

static const char *vgg16_verdict(const networks *image, const networks *subject) {
  bool first = compare(image->vgg16, image->cnn) > 0 && compare(image->vgg16, image->weights) > 0;
  bool ahead =
      compare(subject->vgg16, subject->cnn) > 0 && compare(subject->vgg16, subject->weights) > 0;
  if (first) return ahead ? "yes" : "by image only, not for the next patient";
  bool last = compare(image->vgg16, image->cnn) < 0 || compare(image->vgg16, image->weights) < 0;
  return last ? "no" : "cannot be told from chance";
}

static void compare_networks(const experiment *e, file_writer *w) {
  networks image = networks_of(e, "image"), subject = networks_of(e, "subject");
  if (!image.paper || !image.weights || !image.vgg16 || !image.cnn || !subject.paper ||
      !subject.weights || !subject.vgg16 || !subject.cnn)
    return;
  char by_image[160], by_subject[160];
  describe(&image, by_image, sizeof by_image);
  describe(&subject, by_subject, sizeof by_subject);
  conclusion(w, "ResNet-50 is behind VGG16 and the CNN",
             "ResNet-50 79.3&nbsp;%; VGG16 89.7&nbsp;%; CNN 88.2&nbsp;%", by_image, by_subject,
             resnet_verdict(&image, &subject));
  conclusion(w, "VGG16 is the best of the three", "as above", "as above", "as above",
             vgg16_verdict(&image, &subject));
}

static void overfitting(const experiment *e, file_writer *w) {
  const experiment_run *image = experiment_find(e, "cnn", NULL, "image");
  const experiment_run *subject = experiment_find(e, "cnn", NULL, "subject");
  if (!image) return;
  char text[2][96] = {"", "not tried"};
  const experiment_run *runs[] = {image, subject};
  for (int i = 0; i < 2; i++)
    if (runs[i])
      snprintf(text[i], sizeof text[i],
               "training %.1f&nbsp;%%, validation %.1f&nbsp;%% after %zu epochs",
               100 * experiment_last(runs[i], ACCURACY),
               100 * experiment_last(runs[i], VAL_ACCURACY), runs[i]->curves.epochs);
  bool alike = experiment_last(image, ACCURACY) - experiment_last(image, VAL_ACCURACY) < 0.03;
  conclusion(w, "The CNN does not overfit", "training 88.2&nbsp;%, validation 88.2&nbsp;%", text[0],
             text[1],
             !alike                      ? "no: it learns the training cells by heart"
             : image->curves.epochs < 35 ? "not to be told after so few epochs"
                                         : "yes");
}

void findings_conclusions(const experiment *e, file_writer *w) {
  file_printf(w,
              "<table class=\"words\">\n<caption>Accuracies of validation cells; of the last "
              "epoch where training stands beside them, else of the epoch with the lowest "
              "validation loss. One accuracy counts as higher than another where chance does "
              "not explain the difference.</caption>\n<thead><tr>"
              "<th>The paper&rsquo;s table says</th><th>Its figures</th><th>Here, by image</th>"
              "<th>Here, patients kept apart</th><th>Does it hold?</th></tr></thead>\n<tbody>\n");
  compare_networks(e, w);
  overfitting(e, w);
  gap g = measure_gap(e);
  if (g.pairs > 0) {
    char by_image[64], by_subject[64];
    number_print(by_image, sizeof by_image, "%.1f&nbsp;%% on average", 100 * g.image);
    number_print(by_subject, sizeof by_subject, "%.1f&nbsp;%% on average", 100 * g.subject);
    conclusion(w, "So many cells are answered right", "79.3 to 89.7&nbsp;%", by_image, by_subject,
               g.image - g.subject > g.chance ? "not for the next patient"
                                              : "here the splits do not differ so");
  }
  file_printf(w, "</tbody></table>\n");
}
