#include "cli/overall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 1000
#define VALIDATION 0.1 /* of an epoch */

double overall_sum(const overall_cost *cost) {
  return cost->teacher + cost->features + cost->epoch * cost->epochs + cost->answers;
}

/* Seconds on a machine that was once at hand: images a second forward, and of a training. */
static const struct {
  const char *network;
  double forward, head, whole; /* seconds a cell; head and whole: of an epoch */
} costs[] = {
    {"cnn", 0.002, 0.006, 0.006}, {"vgg16", 0.08, 0.0015, 0.25}, {"resnet50", 0.05, 0.00002, 0.15}};

overall_cost overall_cost_of(const char *network, bool frozen, bool features, double cells,
                             int epochs) {
  overall_cost out = {.epochs = epochs};
  for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
    if (strcmp(costs[i].network, network) != 0) continue;
    out.epoch = cells * (frozen ? costs[i].head : costs[i].whole);
    if (frozen && features) out.features = costs[i].forward * cells;
    out.answers = frozen ? 1 : 0.4 * cells * costs[i].forward;
  }
  return out;
}

double overall_forward(const char *network) {
  for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
    if (strcmp(costs[i].network, network) == 0) return costs[i].forward;
  return 0;
}

/* How far the training has come, by the phases that train_run and outputs_write report. */
static double reached(const overall *o, const char *phase, double share) {
  const overall_cost *c = &o->cost;
  static const char epoch[] = "epoch ";
  if (strcmp(phase, "features") == 0) return share * c->features;
  if (strcmp(phase, "teacher") == 0) return c->features + share * c->teacher;
  if (strncmp(phase, epoch, sizeof epoch - 1) == 0) {
    long number = strtol(phase + sizeof epoch - 1, NULL, 10);
    return c->features + c->teacher + c->epoch * ((double)number - 1 + share * (1 - VALIDATION));
  }
  if (strcmp(phase, "answering") == 0) return overall_sum(c) - c->answers * (1 - share);
  return o->reached;
}

static int show(const overall *o, const char *note) {
  double share = o->total > 0 ? (o->done + o->reached) / o->total : 0;
  size_t steps = (size_t)(share * STEPS);
  return progress_report(&o->view, o->title, steps < STEPS ? steps : STEPS - 1, STEPS, note);
}

static int report(void *context, const char *phase, size_t done, size_t total, const char *note) {
  overall *o = context;
  double at = reached(o, phase, total ? (double)done / (double)total : 0);
  if (at > o->reached) o->reached = at;
  if (strcmp(phase, "features") == 0) {
    if (done == 0) o->from_first = true;
    if (done == total && o->from_first && o->on_features) o->on_features(o->context);
  }
  char text[160];
  phase += strspn(phase, " ");
  snprintf(text, sizeof text, "%s: %s%s%s", o->name, phase, note ? "  " : "", note ? note : "");
  return show(o, text);
}

progress overall_progress(overall *o) {
  return (progress){.report = report, .context = o};
}

void overall_begin(overall *o, const char *name, const overall_cost *cost) {
  o->name = name;
  o->cost = *cost;
  o->reached = 0;
  o->from_first = false;
}

void overall_end(overall *o) {
  o->done += overall_sum(&o->cost);
  o->reached = 0;
}
