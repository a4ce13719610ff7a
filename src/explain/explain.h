/* Where in a picture a model's answer comes from: maps of what speaks for the answered class.
 *
 * Every map explains one logit before sigmoid or softmax, that of a class: with one output, whose
 * logit z speaks for the positive class, it is z or -z. All is computed in float32, with batch
 * normalization by its running statistics and without dropout, as an answer is. */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "model/model.h"

typedef enum {
  EXPLAIN_GRADCAM,
  EXPLAIN_GRADCAM_PLUS,
  EXPLAIN_OCCLUSION,
  EXPLAIN_GRADIENTS,
  EXPLAIN_METHODS
} explain_method;

/* "gradcam", "gradcam++", "occlusion", "gradients"; constants. */
const char *explain_method_name(explain_method method);
/* "Grad-CAM", ...; constants. */
const char *explain_method_title(explain_method method);
bool explain_method_find(const char *name, explain_method *out);
/* Whether a map of it has negative values, which speak against the class. */
bool explain_method_signed(explain_method method);

/* A map over the square picture that the network is given. Place (i, j) of it stands for the point
 * (first + j step, first + i step), with the picture from 0 to 1; between these it is interpolated.
 */
typedef struct {
  explain_method method;
  int side;
  double first, step;
  float *values; /* [side][side], owned: explain_map_free */
  double whole;  /* EXPLAIN_GRADIENTS: what the values should sum to, the class's logit less that
                    of a black picture; else NaN */
} explain_map;
void explain_map_free(explain_map *map);

typedef struct explainer explainer;

/* Gets ready to explain answers of `m`, which is borrowed until explain_close. `backend` as in
 * net_plan_options. Errors: NO_MEMORY, ARGUMENT. */
leuko_status explain_open(const model *m, int threads, const char *backend, explainer **out,
                          leuko_error *error);
void explain_close(explainer *e);

/* The layer that Grad-CAM and Grad-CAM++ look at: the last convolutional stage's output before any
 * pooling; cnn: conv4_relu, vgg16: block5_conv3_relu, resnet50: conv5_block3_out. */
const char *explain_layer(const explainer *e);

/* The logits [outputs] of prepared pixels [size][size][3] (see model_prepare). Errors: BACKEND,
 * NO_MEMORY. */
leuko_status explain_logits(explainer *e, const uint8_t *pixels, double *logits,
                            leuko_error *error);

/* The map of those pixels for class `label`; the caller ends with explain_map_free.
 *
 * EXPLAIN_GRADCAM: Selvaraju et al., "Grad-CAM: visual explanations from deep networks via
 * gradient-based localization", ICCV 2017, equations 1 and 2.
 * EXPLAIN_GRADCAM_PLUS: Chattopadhay et al., "Grad-CAM++: generalized gradient-based visual
 * explanations for deep convolutional networks", WACV 2018, equations 5, 6 and 19; of the score
 * exp(logit), whose own value, a factor of the whole map, is left out.
 * EXPLAIN_OCCLUSION: Zeiler and Fergus, "Visualizing and understanding convolutional networks",
 * ECCV 2014, section 4.2: by how much the logit falls when a black patch of an eighth of the
 * picture's side lies there; its steps are half a patch. Black, since so is the background.
 * EXPLAIN_GRADIENTS: integrated gradients of Sundararajan, Taly and Yan, "Axiomatic attribution for
 * deep networks", ICML 2017, equations 1 and 3, from a black picture on, EXPLAIN_STEPS steps, each
 * at its middle; the values of a pixel's three channels are added up.
 * Errors: BACKEND, NO_MEMORY. */
#define EXPLAIN_STEPS 64
leuko_status explain_run(explainer *e, explain_method method, const uint8_t *pixels, int label,
                         explain_map *out, leuko_error *error);

/* From now on the network's last layers, as many stages as `stages` counts from its output, have
 * random weights, by `seed`, as before a training; 0: the model's own again. Errors: BACKEND,
 * NO_MEMORY. */
leuko_status explain_randomise(explainer *e, int stages, uint64_t seed, leuko_error *error);
/* How many stages there are (cnn: layers), and the name of the one that is reached with `stages` of
 * them, from 1, into out [size]: "logits", "dense1", "block5", ... */
int explain_stages(const explainer *e);
void explain_stage(const explainer *e, int stages, char *out, size_t size);

#endif
