#include "net/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/fold.h"

static int consumers(const net_graph *graph, int node) {
  int count = 0;
  for (int i = node + 1; i < graph->node_count; i++)
    for (int k = 0; k < net_op_inputs(graph->nodes[i].op); k++)
      count += graph->nodes[i].inputs[k] == node;
  return count;
}

/* The batch normalization that alone reads convolution `node`, no further than `to`; or -1. */
static int norm_behind(const net_graph *graph, int node, int to) {
  for (int i = node + 1; i <= to; i++)
    if (graph->nodes[i].op == NET_BATCHNORM && graph->nodes[i].inputs[0] == node)
      return consumers(graph, node) == 1 ? i : -1;
  return -1;
}

/* The batch normalization of features whose values reach dense layer `node`, or -1. */
static int norm_before(const net_graph *graph, int node) {
  int before = graph->nodes[node].inputs[0];
  while (graph->nodes[before].op == NET_DROPOUT) before = graph->nodes[before].inputs[0];
  if (graph->nodes[before].op != NET_BATCHNORM) return -1;
  return graph->nodes[graph->nodes[before].inputs[0]].op == NET_CONV2D ? -1 : before;
}

/* The dense layer that alone reads normalization `node`, no further than `to`; or -1. */
static int dense_behind(const net_graph *graph, int node, int to) {
  for (int i = node + 1; i <= to; i++)
    if (graph->nodes[i].op == NET_DENSE && norm_before(graph, i) == node)
      return consumers(graph, node) == 1 ? i : -1;
  return -1;
}

static leuko_status refuse(const net_node *node, leuko_error *error) {
  return error_set(error, LEUKO_ARGUMENT, node->name, NULL,
                   "layer '%s' cannot be taken out of its network", node->name);
}

/* Adds node `index` of the whole behind its inputs a and b; at[index] receives its place. */
static leuko_status add_node(net_part *part, int index, int a, int b, int first, int to, int *at,
                             leuko_error *error) {
  const net_node *node = &part->whole->nodes[index];
  const net_attributes *t = &node->attributes;
  net_graph *graph = part->graph;
  int norm = -1;
  switch (node->op) {
  case NET_CONV2D:
    norm = norm_behind(part->whole, index, to);
    at[index] = net_conv2d(graph, node->name, a, t->filters, t->kernel, t->stride, t->pad,
                           t->bias || norm >= 0);
    break;
  case NET_BATCHNORM:
    if (part->norm[a] != index && dense_behind(part->whole, index, to) < 0)
      return refuse(node, error);
    at[index] = a;
    return LEUKO_OK;
  case NET_DROPOUT:
    at[index] = a;
    return LEUKO_OK;
  case NET_RELU:
    at[index] = net_relu(graph, node->name, a);
    break;
  case NET_MAXPOOL:
    at[index] = net_maxpool(graph, node->name, a, t->kernel, t->stride, t->pad);
    break;
  case NET_AVGPOOL:
    at[index] = net_avgpool(graph, node->name, a);
    break;
  case NET_DENSE:
    norm = norm_before(part->whole, index);
    if (norm <= first) norm = -1; /* its values are what the part is given */
    at[index] = net_dense(graph, node->name, a, t->filters);
    break;
  case NET_ADD:
    at[index] = net_add(graph, node->name, a, b);
    break;
  case NET_FLATTEN:
    at[index] = net_flatten(graph, node->name, a);
    break;
  default:
    return refuse(node, error);
  }
  part->from[at[index]] = index;
  part->norm[at[index]] = norm;
  return LEUKO_OK;
}

static leuko_status add_nodes(net_part *part, int from, int to, int *at, leuko_error *error) {
  const net_graph *whole = part->whole;
  for (int i = 0; i < whole->node_count; i++) at[i] = part->from[i] = part->norm[i] = -1;
  const net_shape in = whole->nodes[from].shape;
  at[from] = net_input(part->graph, in.h, in.w, in.c);
  for (int i = from + 1; i <= to; i++) {
    int inputs[2] = {0, 0};
    for (int k = 0; k < net_op_inputs(whole->nodes[i].op); k++) {
      inputs[k] = at[whole->nodes[i].inputs[k]];
      if (inputs[k] < 0) return refuse(&whole->nodes[i], error);
    }
    leuko_status status = add_node(part, i, inputs[0], inputs[1], from, to, at, error);
    if (status != LEUKO_OK) return status;
  }
  return net_graph_finish(part->graph, error);
}

leuko_status net_part_open(const net_graph *whole, int from, int to, net_part *out,
                           leuko_error *error) {
  const size_t nodes = (size_t)whole->node_count;
  int *at = calloc(nodes, sizeof *at);
  *out = (net_part){.whole = whole,
                    .graph = net_graph_new(),
                    .from = calloc(nodes, sizeof *out->from),
                    .norm = calloc(nodes, sizeof *out->norm)};
  leuko_status status = LEUKO_OK;
  if (!at || !out->graph || !out->from || !out->norm)
    status = error_set_memory(error, 3 * nodes * sizeof *at);
  if (status == LEUKO_OK) status = add_nodes(out, from, to, at, error);
  free(at);
  if (status == LEUKO_OK) {
    net_freeze(out->graph, out->graph->node_count);
    const size_t bytes = (out->graph->param_floats * sizeof(float) + 63) / 64 * 64;
    out->params = aligned_alloc(64, bytes > 0 ? bytes : 64);
    if (out->params) memset(out->params, 0, bytes);
    else status = error_set_memory(error, bytes);
  }
  if (status != LEUKO_OK) net_part_close(out);
  return status;
}

void net_part_fill(net_part *part, const float *values) {
  const net_graph *graph = part->graph, *whole = part->whole;
  for (int n = 0; n < graph->node_count; n++) {
    const int *params = graph->nodes[n].params;
    if (part->from[n] < 0 || params[0] < 0) continue;
    if (part->norm[n] >= 0) {
      float *kernel = part->params + graph->params[params[0]].offset;
      float *bias = part->params + graph->params[params[1]].offset;
      if (graph->nodes[n].op == NET_DENSE)
        net_fold_ahead(whole, part->norm[n], part->from[n], values, kernel, bias);
      else net_fold(whole, part->from[n], part->norm[n], values, kernel, bias);
      continue;
    }
    for (int i = 0; i < NET_MAX_PARAMS && params[i] >= 0; i++)
      memcpy(part->params + graph->params[params[i]].offset,
             values + whole->params[whole->nodes[part->from[n]].params[i]].offset,
             graph->params[params[i]].count * sizeof *values);
  }
}

void net_part_close(net_part *part) {
  net_graph_free(part->graph);
  free(part->params);
  free(part->from);
  free(part->norm);
  *part = (net_part){0};
}
