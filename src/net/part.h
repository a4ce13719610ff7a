/* Some layers of a network as a network of their own, for derivatives by what it is given: as in
 * prediction, dropout is left out and batch normalization folded into the convolution before it or
 * the dense layer behind it. */
#ifndef NET_PART_H
#define NET_PART_H

#include "net/graph.h"

typedef struct {
  const net_graph *whole; /* borrowed */
  net_graph *graph;       /* owned; none of its parameters is trained */
  float *params;          /* [graph->param_floats], owned, 64-byte aligned; see net_part_fill */
  int *from, *norm;       /* of each of the graph's nodes: the node of the whole that has its
                             parameters and the normalization folded into it, or -1; owned */
} net_part;

/* The layers behind node `from`, whose output is the input (0: the network's own), up to node `to`,
 * whose output is what it gives. The caller ends with net_part_close. Errors: ARGUMENT (a layer
 * between them reads one before `from` or is read by none of them; batch normalization elsewhere
 * than alone behind a convolution or alone before a dense layer), NO_MEMORY. */
leuko_status net_part_open(const net_graph *whole, int from, int to, net_part *out,
                           leuko_error *error);
/* Takes over parameter values [whole->param_floats]. */
void net_part_fill(net_part *part, const float *values);
/* Frees; a zeroed one is fine. */
void net_part_close(net_part *part);

#endif
