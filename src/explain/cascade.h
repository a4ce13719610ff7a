/* Whether maps depend on what the network has learnt: they should change when its weights are
 * random. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, section 3.1: cascading
 * randomization from the output down. */
#ifndef EXPLAIN_CASCADE_H
#define EXPLAIN_CASCADE_H

#include "base/progress.h"
#include "explain/explain.h"

/* A cell as the network sees it. */
typedef struct {
  uint8_t *pixels; /* [size][size][3] */
  uint8_t *mask;   /* [size][size], 1 on the cell */
  int label;       /* class that is explained */
} explain_subject;

/* The rank correlation (Spearman) of the maps with those of the network itself, mean of the draws
 * of random weights: over all that it sees, and over the cell alone, since outside every map of a
 * cell on black is alike. A map without two different values is taken as unlike any other: 0. */
typedef struct {
  double whole, cell;
} explain_likeness;

/* For 1, 2, ... stages with random weights into out [explain_stages(e)]; afterwards `e` has the
 * model's weights again. Each of `draws` has weights of its own, the same for all stages, and looks
 * at the next of the cells, in turn: one draw alone is as good as any other map by chance. Errors:
 * those of explain_run, INTERRUPTED. */
leuko_status explain_cascade(explainer *e, explain_method method, const explain_subject *subjects,
                             size_t count, size_t draws, uint64_t seed, const progress *p,
                             explain_likeness *out, leuko_error *error);

#endif
