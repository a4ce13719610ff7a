#include "net/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define ALIGN_FLOATS 16 /* parameters start on cache lines */

static const struct {
  const char *name;
  int inputs, params;
} ops[NET_OP_COUNT] = {
#define NET_OP(name, text, inputs, params) {text, inputs, params},
#include "net/ops.def"
#undef NET_OP
};

const char *net_op_name(net_op op) {
  return ops[op].name;
}

int net_op_inputs(net_op op) {
  return ops[op].inputs;
}

net_graph *net_graph_new(void) {
  return calloc(1, sizeof(net_graph));
}

void net_graph_free(net_graph *graph) {
  if (!graph) return;
  free(graph->nodes);
  free(graph->params);
  free(graph);
}

static void *grow(net_graph *graph, void *array, int count, int *capacity, size_t size) {
  if (count < *capacity) return array;
  int more = *capacity ? 2 * *capacity : 32;
  void *grown = realloc(array, (size_t)more * size);
  if (!grown) {
    graph->failed = error_set_memory(&graph->error, (size_t)more * size);
    return array;
  }
  *capacity = more;
  return grown;
}

static net_node *add_node(net_graph *graph, net_op op, const char *name, int a, int b) {
  if (graph->failed) return NULL;
  if (strlen(name) >= NET_NAME || net_find_node(graph, name) >= 0) {
    graph->failed = error_set(&graph->error, LEUKO_ARGUMENT, name, NULL,
                              "a layer's name is too long or used twice");
    return NULL;
  }
  int inputs[2] = {a, b};
  for (int i = 0; i < ops[op].inputs; i++)
    if (inputs[i] < 0 || inputs[i] >= graph->node_count) {
      graph->failed =
          error_set(&graph->error, LEUKO_ARGUMENT, name, NULL, "the layer's input does not exist");
      return NULL;
    }
  graph->nodes =
      grow(graph, graph->nodes, graph->node_count, &graph->node_capacity, sizeof *graph->nodes);
  if (graph->failed) return NULL;
  net_node *node = &graph->nodes[graph->node_count];
  *node = (net_node){.op = op, .inputs = {a, b}, .params = {-1, -1, -1, -1}};
  strcpy(node->name, name);
  return node;
}

/* Infers the shape and makes the node part of the graph. */
static int finish_node(net_graph *graph, net_node *node) {
  net_shape inputs[2] = {{0}};
  for (int i = 0; i < ops[node->op].inputs; i++) inputs[i] = graph->nodes[node->inputs[i]].shape;
  graph->failed = net_infer_shape(node, inputs, &node->shape, &graph->error);
  return graph->failed ? 0 : graph->node_count++;
}

/* Appends a parameter of the last finished node. A dimension of 0 ends the list. */
static void add_param(net_graph *graph, int node, int slot, const char *name, const int dims[4],
                      bool trainable, net_init_kind init) {
  if (graph->failed) return;
  graph->params =
      grow(graph, graph->params, graph->param_count, &graph->param_capacity, sizeof *graph->params);
  if (graph->failed) return;
  net_param *param = &graph->params[graph->param_count];
  *param =
      (net_param){.offset = graph->param_floats, .count = 1, .trainable = trainable, .init = init};
  snprintf(param->name, sizeof param->name, "%s/%s", graph->nodes[node].name, name);
  while (param->rank < 4 && dims[param->rank] > 0) {
    param->dims[param->rank] = dims[param->rank];
    param->count *= (size_t)dims[param->rank++];
  }
  graph->param_floats += (param->count + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
  graph->nodes[node].params[slot] = graph->param_count++;
}

int net_input(net_graph *graph, int height, int width, int channels) {
  net_node *node = add_node(graph, NET_INPUT, "input", -1, -1);
  if (!node) return 0;
  node->shape = (net_shape){height, width, channels};
  return finish_node(graph, node);
}

int net_conv2d(net_graph *graph, const char *name, int input, int filters, int kernel, int stride,
               int pad, bool bias) {
  net_node *node = add_node(graph, NET_CONV2D, name, input, -1);
  if (!node) return 0;
  node->attributes = (net_attributes){
      .kernel = kernel, .stride = stride, .pad = pad, .filters = filters, .bias = bias};
  int index = finish_node(graph, node);
  if (graph->failed) return 0;
  int channels = graph->nodes[input].shape.c;
  add_param(graph, index, 0, "kernel", (int[4]){kernel, kernel, channels, filters}, true,
            NET_INIT_GLOROT);
  if (bias) add_param(graph, index, 1, "bias", (int[4]){filters}, true, NET_INIT_ZERO);
  return index;
}

int net_batchnorm(net_graph *graph, const char *name, int input, float epsilon, float momentum) {
  net_node *node = add_node(graph, NET_BATCHNORM, name, input, -1);
  if (!node) return 0;
  node->attributes = (net_attributes){.epsilon = epsilon, .momentum = momentum};
  int index = finish_node(graph, node);
  if (graph->failed) return 0;
  int dims[4] = {graph->nodes[input].shape.c};
  add_param(graph, index, 0, "gamma", dims, true, NET_INIT_ONE);
  add_param(graph, index, 1, "beta", dims, true, NET_INIT_ZERO);
  add_param(graph, index, 2, "mean", dims, false, NET_INIT_ZERO);
  add_param(graph, index, 3, "variance", dims, false, NET_INIT_ONE);
  return index;
}

int net_maxpool(net_graph *graph, const char *name, int input, int kernel, int stride, int pad) {
  net_node *node = add_node(graph, NET_MAXPOOL, name, input, -1);
  if (!node) return 0;
  node->attributes = (net_attributes){.kernel = kernel, .stride = stride, .pad = pad};
  return finish_node(graph, node);
}

int net_dense(net_graph *graph, const char *name, int input, int units) {
  net_node *node = add_node(graph, NET_DENSE, name, input, -1);
  if (!node) return 0;
  node->attributes = (net_attributes){.filters = units, .bias = true};
  int index = finish_node(graph, node);
  if (graph->failed) return 0;
  add_param(graph, index, 0, "kernel", (int[4]){graph->nodes[input].shape.c, units}, true,
            NET_INIT_GLOROT);
  add_param(graph, index, 1, "bias", (int[4]){units}, true, NET_INIT_ZERO);
  return index;
}

static int plain_node(net_graph *graph, net_op op, const char *name, int a, int b) {
  net_node *node = add_node(graph, op, name, a, b);
  return node ? finish_node(graph, node) : 0;
}

int net_relu(net_graph *graph, const char *name, int input) {
  return plain_node(graph, NET_RELU, name, input, -1);
}

int net_avgpool(net_graph *graph, const char *name, int input) {
  return plain_node(graph, NET_AVGPOOL, name, input, -1);
}

int net_add(net_graph *graph, const char *name, int a, int b) {
  return plain_node(graph, NET_ADD, name, a, b);
}

int net_flatten(net_graph *graph, const char *name, int input) {
  return plain_node(graph, NET_FLATTEN, name, input, -1);
}

int net_dropout(net_graph *graph, const char *name, int input, float rate) {
  net_node *node = add_node(graph, NET_DROPOUT, name, input, -1);
  if (!node) return 0;
  node->attributes = (net_attributes){.rate = rate};
  return finish_node(graph, node);
}

/* The first node but the last that no other reads, or -1. */
static int dead_end(const net_graph *graph) {
  for (int i = 0; i + 1 < graph->node_count; i++) {
    bool read = false;
    for (int k = i + 1; k < graph->node_count && !read; k++)
      for (int input = 0; input < ops[graph->nodes[k].op].inputs; input++)
        read |= graph->nodes[k].inputs[input] == i;
    if (!read) return i;
  }
  return -1;
}

leuko_status net_graph_finish(net_graph *graph, leuko_error *error) {
  if (!graph) return error_set_memory(error, sizeof(net_graph));
  if (!graph->failed && graph->node_count < 2)
    graph->failed = error_set(&graph->error, LEUKO_ARGUMENT, NULL, NULL, "the network is empty");
  int unread = graph->failed ? -1 : dead_end(graph);
  if (unread >= 0)
    graph->failed = error_set(&graph->error, LEUKO_ARGUMENT, graph->nodes[unread].name, NULL,
                              "nothing reads the output of layer '%s'", graph->nodes[unread].name);
  if (graph->failed && error) *error = graph->error;
  return graph->failed;
}

void net_freeze(net_graph *graph, int node) {
  for (int n = 0; n < node && n < graph->node_count; n++)
    for (int p = 0; p < NET_MAX_PARAMS; p++)
      if (graph->nodes[n].params[p] >= 0)
        graph->params[graph->nodes[n].params[p]].trainable = false;
}

int net_first_trained(const net_graph *graph) {
  if (graph->param_count == 0) return 0;
  for (int n = 0; n < graph->node_count; n++)
    for (int p = 0; p < NET_MAX_PARAMS; p++)
      if (graph->nodes[n].params[p] >= 0 && graph->params[graph->nodes[n].params[p]].trainable)
        return n;
  return graph->node_count;
}

int net_find_node(const net_graph *graph, const char *name) {
  for (int i = 0; i < graph->node_count; i++)
    if (strcmp(graph->nodes[i].name, name) == 0) return i;
  return -1;
}

int net_find_param(const net_graph *graph, const char *name) {
  for (int i = 0; i < graph->param_count; i++)
    if (strcmp(graph->params[i].name, name) == 0) return i;
  return -1;
}

double net_node_flop(const net_graph *graph, int node) {
  const net_node *n = &graph->nodes[node];
  if (n->op != NET_CONV2D && n->op != NET_DENSE) return 0;
  return 2.0 * (double)graph->params[n->params[0]].count * n->shape.h * n->shape.w;
}

double net_flop(const net_graph *graph) {
  double sum = 0;
  for (int i = 0; i < graph->node_count; i++) sum += net_node_flop(graph, i);
  return sum;
}
