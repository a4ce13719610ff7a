/* The network as a list of nodes. zoo/ builds it, plan.h turns it into steps.
 *
 * Shapes are NHWC and given for one image; the batch comes with the plan. A dense layer's output
 * has height and width 1. Nodes are added in the order of computation, so an input always has a
 * lower index than its consumer. The builder functions keep the first error (graph->failed) and
 * then do nothing more, so that a network reads as its list of layers; net_graph_finish reports it.
 */
#ifndef NET_GRAPH_H
#define NET_GRAPH_H

#include <stdbool.h>

#include "leuko.h"

#define NET_NAME 48
#define NET_MAX_PARAMS 4 /* of one node */

typedef enum {
#define NET_OP(name, text, inputs, params) NET_##name,
#include "net/ops.def"
#undef NET_OP
  NET_OP_COUNT
} net_op;

typedef struct {
  int h, w, c;
} net_shape;

static inline size_t net_shape_size(net_shape s) {
  return (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* What an operation needs to know beside its inputs; unused fields are zero. */
typedef struct {
  int kernel;    /* side of the window (conv2d, maxpool) */
  int stride;    /* in both directions */
  int pad;       /* rows and columns added on every side; zeros for conv2d, nothing for maxpool */
  int filters;   /* output channels (conv2d, dense) */
  bool bias;     /* conv2d, dense */
  float epsilon; /* batchnorm: added to the variance */
  float
      momentum; /* batchnorm: running = momentum * running + (1 - momentum) * batch (Keras's way) */
  float rate;   /* dropout: share of values set to zero in training; the rest is scaled up */
} net_attributes;

typedef struct {
  net_op op;
  char name[NET_NAME];
  int inputs[2]; /* node indices */
  net_attributes attributes;
  net_shape shape;            /* of the output */
  int params[NET_MAX_PARAMS]; /* parameter indices or -1 */
} net_node;

typedef enum { NET_INIT_GLOROT, NET_INIT_HE, NET_INIT_ZERO, NET_INIT_ONE } net_init_kind;

/* One named tensor inside the contiguous float32 parameter array. */
typedef struct {
  char name[NET_NAME + 16]; /* "conv1/kernel" */
  int dims[4];
  int rank;
  size_t offset, count; /* in floats */
  bool trainable;       /* false for batch normalization's running statistics */
  net_init_kind init;
} net_param;

typedef struct {
  net_node *nodes;
  int node_count, node_capacity;
  net_param *params;
  int param_count, param_capacity;
  size_t param_floats; /* length of the parameter array, paddings between tensors included */
  leuko_status failed;
  leuko_error error;
} net_graph;

/* An empty graph; ends with net_graph_free. */
net_graph *net_graph_new(void);
void net_graph_free(net_graph *graph);

/* Builders: each adds a node and returns its index (0 after a failure). `name` is unique. */
int net_input(net_graph *graph, int height, int width, int channels);
int net_conv2d(net_graph *graph, const char *name, int input, int filters, int kernel, int stride,
               int pad, bool bias);
int net_batchnorm(net_graph *graph, const char *name, int input, float epsilon, float momentum);
int net_relu(net_graph *graph, const char *name, int input);
int net_maxpool(net_graph *graph, const char *name, int input, int kernel, int stride, int pad);
int net_avgpool(net_graph *graph, const char *name, int input);
int net_dense(net_graph *graph, const char *name, int input, int units);
int net_add(net_graph *graph, const char *name, int a, int b);
int net_flatten(net_graph *graph, const char *name, int input);
int net_dropout(net_graph *graph, const char *name, int input, float rate);

/* Ends building: the last node is the output. Errors: the first one met while building
 * (ARGUMENT with the node's name, NO_MEMORY), a node whose output nobody reads (ARGUMENT). */
leuko_status net_graph_finish(net_graph *graph, leuko_error *error);

/* Output shape of a node from its input shapes. Errors: ARGUMENT, naming the node. */
leuko_status net_infer_shape(const net_node *node, const net_shape inputs[2], net_shape *out,
                             leuko_error *error);

/* Keeps the parameters of all nodes before `node` as they are: they are no longer trainable, and a
 * plan for training computes those nodes as in inference, without a way back. */
void net_freeze(net_graph *graph, int node);
/* The first node with a trainable parameter; the number of nodes if all are frozen, 0 if the graph
 * has no parameters. */
int net_first_trained(const net_graph *graph);

const char *net_op_name(net_op op);
int net_op_inputs(net_op op);
/* Index of the node or parameter of that name, or -1. */
int net_find_node(const net_graph *graph, const char *name);
int net_find_param(const net_graph *graph, const char *name);
/* Multiplications and additions of one image's forward pass by direct convolution: of a node, 0
 * where it is neither convolution nor dense, and of all. */
double net_node_flop(const net_graph *graph, int node);
double net_flop(const net_graph *graph);

/* Fills `params` [graph->param_floats]: Glorot uniform (Glorot and Bengio 2010) for kernels, He
 * normal where asked, zeros and ones for the rest; by seed and parameter index. */
void net_init_params(const net_graph *graph, uint64_t seed, float *params);

/* Copies the parameters that both graphs have by name, from values [from->param_floats] to out
 * [to->param_floats]. Those of equal name must be of equal size. */
void net_copy_params(const net_graph *from, const float *values, const net_graph *to, float *out);

#endif
