/* What the files of this room share. */
#ifndef EXPLAIN_STEPS_H
#define EXPLAIN_STEPS_H

#include "explain/explain.h"
#include "net/part.h"

/* A part of the network with its plan, made when first needed. */
typedef struct {
  net_part part;
  net_plan *plan;
} explain_side;

struct explainer {
  const model *m;
  int threads;
  const char *backend;
  int layer;     /* node that Grad-CAM looks at */
  float *params; /* [m->graph->param_floats]: of the model, or partly random */
  int stages;
  int *stage_of;             /* of each node with parameters: its stage from 1, from the output on;
                                else 0 [node_count] */
  explain_side below, above; /* of the layer: one picture */
  explain_side whole;        /* several inputs at once, with the way back */
  net_plan *answers;         /* of several pictures, forward only */
  uint8_t *pixels;           /* [EXPLAIN_BATCH][size][size][3] */
};

/* Pictures of one call where there are many. */
#define EXPLAIN_BATCH 16

static inline size_t explain_picture_bytes(const explainer *e) {
  return (size_t)e->m->net.size * (size_t)e->m->net.size * 3;
}

/* The class's logit out of those of a picture [outputs], and the gradient of the former by the
 * latter into out [outputs]. */
double explain_score(const model *m, const float *logits, int label);
void explain_score_gradient(const model *m, int label, float *out);

/* A side's plan, with its parameters told. `batch` and `training` as in net_plan_options; layers
 * `from` to `to` of the network. */
leuko_status explain_ready(explainer *e, explain_side *side, int from, int to, int batch,
                           bool training, leuko_error *error);

/* Of `count` pictures (1 .. EXPLAIN_BATCH) that lie in e->pixels: the class's logits [count]. */
leuko_status explain_scores(explainer *e, int count, int label, double *scores, leuko_error *error);

/* A map of side x side zeros. Errors: NO_MEMORY. */
leuko_status explain_map_new(explain_method method, int side, double first, double step,
                             explain_map *out, leuko_error *error);

/* The methods. */
leuko_status explain_cam(explainer *e, explain_method method, const uint8_t *pixels, int label,
                         explain_map *out, leuko_error *error);
leuko_status explain_occlusion(explainer *e, const uint8_t *pixels, int label, explain_map *out,
                               leuko_error *error);
leuko_status explain_gradients(explainer *e, const uint8_t *pixels, int label, explain_map *out,
                               leuko_error *error);

#endif
