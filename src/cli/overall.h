/* One progress view for several trainings, by what each is expected to cost. */
#ifndef CLI_OVERALL_H
#define CLI_OVERALL_H

#include <stdbool.h>

#include "base/progress.h"

/* What a training is expected to cost, in seconds on some machine: only ratios count. */
typedef struct {
  double teacher, features, epoch, answers; /* epoch: training and validation */
  int epochs;
} overall_cost;

typedef struct {
  progress view;      /* where it is shown */
  const char *title;  /* of the whole */
  const char *name;   /* of the training now */
  overall_cost cost;  /* of it */
  double done, total; /* cost of those behind, of all */
  double reached;     /* of the training now */
  bool from_first;    /* its features are computed from the first on */
  /* Called when the frozen base's features are complete, if all of them had to be computed. */
  void (*on_features)(void *context);
  void *context;
} overall;

double overall_sum(const overall_cost *cost);
/* Of a training on `cells` cells, of the whole network or of the head behind a frozen base, whose
 * features are there already unless `features`. */
overall_cost overall_cost_of(const char *network, bool frozen, bool features, double cells,
                             int epochs);

/* What the network's answer for one cell costs. */
double overall_forward(const char *network);

/* The progress to be handed to one training after the other; borrows `o`. */
progress overall_progress(overall *o);
/* A training begins, or ends: then its cost counts as done. */
void overall_begin(overall *o, const char *name, const overall_cost *cost);
void overall_end(overall *o);

#endif
