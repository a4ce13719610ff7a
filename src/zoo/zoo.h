/* The networks by name. */
#ifndef ZOO_ZOO_H
#define ZOO_ZOO_H

#include <jansson.h>

#include "net/graph.h"

#define ZOO_MAX_BLOCKS 8

/* Everything that decides a network's graph; stored in the model file. */
typedef struct {
  char name[16];              /* "cnn" */
  int size;                   /* side of the square input, pixels */
  int outputs;                /* logits: 1 for two classes, else one a class */
  int blocks;                 /* cnn: number of convolutions */
  int widths[ZOO_MAX_BLOCKS]; /* cnn: filters of each */
  int dense;                  /* cnn: units of the hidden dense layer */
  double dropout;             /* before each dense layer: rate, 0 for none */
} zoo_options;

/* The paper's choice for the network of that name. Errors: ARGUMENT (no such network). */
leuko_status zoo_defaults(const char *name, zoo_options *out, leuko_error *error);

/* Builds the graph; the caller ends with net_graph_free. Errors: ARGUMENT (sizes that do not fit,
 * naming the layer), NO_MEMORY. */
leuko_status zoo_build(const zoo_options *options, net_graph **out, leuko_error *error);

/* The options as a JSON object (new reference), and back. Errors: UNSUPPORTED_MODEL (naming what is
 * missing or unknown). */
json_t *zoo_to_json(const zoo_options *options);
leuko_status zoo_from_json(json_t *value, zoo_options *out, leuko_error *error);

/* cnn.c: the paper's own network, section III. */
void zoo_cnn(net_graph *graph, const zoo_options *options);

#endif
