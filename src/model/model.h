/* A model: the network, its parameters, and all that is needed to answer the same everywhere. The
 * file is described in docs/formats.md. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <jansson.h>

#include "image/decode.h"
#include "image/envelope.h"
#include "image/stain.h"
#include "model/safetensors.h"
#include "net/plan.h"
#include "stats/distance.h"
#include "zoo/zoo.h"

#define MODEL_FORMAT 1
#define MODEL_CLASS_NAME 32
/* The most bytes that a layer may read and write for one image, in float32: ten times what VGG16's
 * largest does at 224 pixels. It keeps a hostile file from asking for all memory. */
#define MODEL_MAX_LAYER ((size_t)256 << 20)

/* How the answers in a narrower type differ from those in float32, on cells that the model was not
 * trained on. */
typedef struct {
  size_t cells;           /* 0: not measured */
  double largest, median; /* of the differences between probabilities */
  double agreement;       /* share of cells with the same answer */
} model_agreement;

/* What computing in 8 bits needs, and what came of it. */
typedef struct {
  float **scales; /* [graph->node_count][c], owned: what one of a byte counts in each
                     channel of a node's output, which holds up to 255 of it; NULL: not in
                     bytes, or no node at all, where the model is not quantized */
  float shifts[LEUKO_MAX_CLASSES]; /* what is added to the logits */
  char method[16];                 /* how the scales were chosen */
  model_agreement answers;         /* on cells apart from those that the ranges come from */
  double auc;         /* of these answers minus that of float32; 0 where there is none */
  double speed;       /* images a second, those of the next faster type being 1 */
  char processor[16]; /* where that was measured, as net_cpu_bytes_name; "" as if nowhere */
} model_int8;

/* When the model does not answer. */
typedef struct {
  size_t cells;            /* that it was fitted to; 0: the model answers for everything */
  double kept;             /* share of the validation cells that are answered */
  image_envelope envelope; /* of the cells as the network is given them, before the stain */
  stats_distance distance; /* of what the last layer reads; owned; directions 0: not used */
  double threshold;        /* a larger distance is rejected */
} model_rejection;

typedef struct {
  zoo_options net;
  int crop;                  /* central square cut out first, pixels; 0: the whole image */
  stain stain;               /* that cells are brought to, as prepared pixels */
  net_input_scaling scaling; /* from pixels to input */
  int class_count;           /* at least 2 */
  char classes[LEUKO_MAX_CLASSES][MODEL_CLASS_NAME];
  int positive;            /* index of the positive class (two classes), else -1 */
  double threshold;        /* p(positive) >= threshold is answered positive */
  double temperature;      /* logits are divided by it; 0: 1 */
  json_t *operating_point; /* how both were chosen: an object, owned; may be NULL */
  model_agreement bf16;    /* whether it may be computed in 16 bits */
  bool bf16_half;          /* that was measured in what is finer than bfloat16 */
  model_int8 int8;         /* the same of 8 bits */
  model_rejection rejection;
  bool half;                              /* the file holds kernels in half precision */
  char data[65];                          /* fingerprint of the training data, or "" */
  char version[16];                       /* of the program that wrote it */
  json_t *training;                       /* how it was trained: an object, owned; may be NULL */
  double check_logits[LEUKO_MAX_CLASSES]; /* self-check: what its picture must give */
  net_graph *graph;                       /* owned */
  float *params;                          /* [graph->param_floats], owned, 64-byte aligned */
} model;

/* Builds the graph of model->net and allocates zeroed parameters. On failure nothing is owned.
 * Errors: ARGUMENT, NO_MEMORY, TOO_LARGE (a layer beyond MODEL_MAX_LAYER). */
leuko_status model_build(model *m, leuko_error *error);
/* The two halves of it: the graph, and the parameters for a graph that stands already. */
leuko_status model_build_graph(model *m, leuko_error *error);
leuko_status model_allocate(model *m, leuko_error *error);
void model_free(model *m);

/* Reads a model file, or best.safetensors of a run folder. Tensors that are missing, of another
 * shape or not finite are refused. Errors: those of reading, BAD_MODEL, UNSUPPORTED_MODEL,
 * TOO_LARGE. */
leuko_status model_load(const char *path, model *out, leuko_error *error);

/* Computes the self-check's logits and writes the file, atomically, with `extra_count` further
 * tensors (an optimizer's state). The same model gives the same bytes. Errors: those of writing,
 * NO_MEMORY, BACKEND. */
leuko_status model_save(const char *path, model *m, const safetensors_entry *extra,
                        size_t extra_count, leuko_error *error);

/* Rounds the kernels (parameters of two or more dimensions) to half precision, in which model_save
 * writes them from then on: half the bytes. Errors: UNSUPPORTED_MODEL, if one is beyond 65,504. */
leuko_status model_halve(model *m, leuko_error *error);

/* Writes it as best.safetensors of a run folder, where model_load finds it. */
leuko_status model_save_best(const char *run, model *m, leuko_error *error);

/* Runs the network on the self-check's picture, drawn from a formula, into logits [outputs].
 * Errors: NO_MEMORY, BACKEND. */
leuko_status model_check_logits(const model *m, double *logits, leuko_error *error);
/* Compares with what is recorded: relative 1e-3, since kernels differ from machine to machine.
 * Errors: SELF_CHECK, those above. */
leuko_status model_self_check(const model *m, leuko_error *error);

/* Whether answers in 16 bits are within the bounds: no probability off by more than 0.02, half of
 * them by no more than 0.002, and 99.5 % of the answers the same. False if that was not measured.
 */
bool model_stands_16_bits(const model_agreement *measured);
/* Whether this model's are. False also if that was measured in half precision or whole numbers of
 * 16 bits and this processor takes bfloat16, which is coarser. */
bool model_allows_bf16(const model *m);
/* The same of 8 bits, for a model that is quantized: 99 % of the answers the same, and an AUC off
 * by no more than 0.003. */
bool model_allows_int8(const model *m);
/* int8.c: forgets what was there of 8 bits, and makes room for scales of any node: all NULL.
 * Errors: NO_MEMORY. */
leuko_status model_int8_new(model *m, leuko_error *error);
void model_int8_free(model *m);
/* Its part of a model file. The description: a new reference, NULL without memory. */
json_t *model_int8_json(const model *m);
/* Its tensors, "int8/" and the node's name: adds an entry for each node in bytes, at most as many
 * as the graph has nodes, borrowing; returns how many. `names` [nodes][MODEL_INT8_NAME] is room. */
#define MODEL_INT8_NAME 80
size_t model_int8_entries(const model *m, char (*names)[MODEL_INT8_NAME],
                          safetensors_entry *entries);
/* Fills m->int8 from the description (NULL: it stays zero) and the file's tensors; m's graph
 * stands. Scales of an earlier version, one for all channels of a node, are left out: the model
 * counts as not quantized. False if it is not understood. */
bool model_int8_read(json_t *description, const safetensors *file, model *m);
/* What both parts of a file hold of answers in a narrower type. */
json_t *model_agreement_json(const model_agreement *a);
bool model_agreement_read(json_t *object, model_agreement *out);
/* The precision of that name; "auto" or NULL: the fastest of those that the model allows. float32
 * where this processor has no kernels for what is asked. Errors: ARGUMENT (no such precision, 8
 * bits of a model that is not quantized). */
leuko_status model_precision(const model *m, const char *name, net_precision *out,
                             leuko_error *error);

/* Options for a plan of this model, in float32, with the black background skipped. */
net_plan_options model_plan_options(const model *m, int batch, int threads, const char *backend);

/* The pixels [size][size][3] that the network is given of a picture: cropped, resized, brought to
 * the model's stain. `measures` [IMAGE_MEASURES] (may be NULL) receives what the pixels are before
 * the stain. Errors: NO_MEMORY, TOO_LARGE, ARGUMENT. */
leuko_status model_prepare(const model *m, const image *picture, uint8_t *pixels, double *measures,
                           leuko_error *error);
/* Whether both models are given the same pixels, and so the same measures, of every picture. */
bool model_prepares_alike(const model *a, const model *b);

/* How many values the last layer reads of an image. */
size_t model_last_width(const model *m);
/* Why measures [IMAGE_MEASURES] and distance are not those of a cell that the model knows. */
leuko_reason model_judge(const model_rejection *r, const double *measures, double distance);

/* rejection.c: its part of a model file. The description: a new reference, NULL without memory. */
json_t *model_rejection_json(const model_rejection *r);
/* Its tensors: adds up to MODEL_REJECTION_TENSORS entries, borrowing; returns how many. */
#define MODEL_REJECTION_TENSORS 2
size_t model_rejection_entries(const model_rejection *r, safetensors_entry *entries);
/* Fills m->rejection from the description (NULL: it stays zero) and the file's tensors; m's graph
 * stands. False if it is not understood. */
bool model_rejection_read(json_t *description, const safetensors *file, model *m);

/* Number of trainable values. */
size_t model_parameter_count(const model *m);

#endif
