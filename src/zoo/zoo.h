/* The networks by name. */
#ifndef ZOO_ZOO_H
#define ZOO_ZOO_H

#include <jansson.h>

#include "net/graph.h"

#define ZOO_MAX_BLOCKS 8
#define ZOO_STAGES 5 /* of VGG16 and ResNet-50: layers between which the picture is halved */

/* ResNet-50 exists in two forms. Keras's has convolution biases and the stride on the first 1x1
 * convolution of a block; torchvision's has no biases and the stride on the 3x3. */
typedef enum { ZOO_KERAS, ZOO_TORCH } zoo_form;

/* Everything that decides a network's graph; stored in the model file. A network reads only the
 * fields that are named with it. */
typedef struct {
  char name[16];              /* "cnn", "vgg16", "resnet50" */
  int size;                   /* side of the square input, pixels */
  int outputs;                /* logits: 1 for two classes, else one a class */
  int blocks;                 /* cnn: number of convolutions */
  int widths[ZOO_MAX_BLOCKS]; /* cnn: filters of each */
  int dense;                  /* units of the hidden dense layer; resnet50: 0 for none */
  bool average;               /* cnn, vgg16: the mean of each map goes into it, not the whole map */
  bool normalize;             /* vgg16, resnet50: batch normalization of what the head reads */
  int stages;                 /* vgg16, resnet50: the base ends behind this one, of ZOO_STAGES */
  double dropout;             /* before each dense layer: rate, 0 for none */
  zoo_form form;              /* resnet50 */
  double epsilon;             /* resnet50: of batch normalization */
} zoo_options;

/* The paper's choice for the network of that name. Errors: ARGUMENT (no such network). */
leuko_status zoo_defaults(const char *name, zoo_options *out, leuko_error *error);

/* Whether the network has a base that is trained on ImageNet, and a head of its own behind it. */
bool zoo_has_base(const zoo_options *options);

/* The first node of the base's last stage (of a whole base VGG16's block5, ResNet-50's conv5), in
 * the graph of a whole network that has such a base. */
int zoo_last_stage(const zoo_options *options, const net_graph *graph);
/* The head's first node in the graph of the whole network; 0 in that of the head alone. */
int zoo_head(const zoo_options *options, const net_graph *graph);
/* The layer whose output is the last picture of the input, in the graph of a whole network: behind
 * the last convolution and its relu (cnn: of its last block, vgg16: of its last stage; resnet50:
 * the last residual block), before any pooling. */
int zoo_last_maps(const net_graph *graph);

/* Builds the graph; the caller ends with net_graph_free. Errors: ARGUMENT (sizes that do not fit,
 * naming the layer), NO_MEMORY. */
leuko_status zoo_build(const zoo_options *options, net_graph **out, leuko_error *error);
/* The same in two parts, whose layers and parameters bear the same names: from pixels to features
 * (cnn: what its last layer reads), and from `features` values to logits. */
leuko_status zoo_build_base(const zoo_options *options, net_graph **out, leuko_error *error);
leuko_status zoo_build_head(const zoo_options *options, int features, net_graph **out,
                            leuko_error *error);

/* The options as a JSON object (new reference), and back. Errors: UNSUPPORTED_MODEL (naming what is
 * missing or unknown). */
json_t *zoo_to_json(const zoo_options *options);
leuko_status zoo_from_json(json_t *value, zoo_options *out, leuko_error *error);

/* One file a network: layers are added behind node `x`; the last one's index is returned. */
int zoo_cnn_base(net_graph *graph, const zoo_options *options); /* pixels to features */
int zoo_cnn_head(net_graph *graph, const zoo_options *options, int x);
int zoo_vgg16_base(net_graph *graph, const zoo_options *options);
int zoo_resnet50_base(net_graph *graph, const zoo_options *options);
int zoo_dense_head(net_graph *graph, const zoo_options *options, int x); /* of these two */

#endif
