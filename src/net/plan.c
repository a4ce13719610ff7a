#include "net/plan.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/plan_internal.h"

/* While the plan is built: what is known of each node. */
typedef struct {
  int consumers, consumer; /* how many, and the last of them */
  int value;               /* that holds the node's output, or -1 */
  bool absorbed;           /* computed by an earlier node's step */
  bool relu_pending;       /* the value still lacks the relu; max pooling will apply it */
} node_state;

typedef struct {
  net_plan *plan;
  node_state *nodes;
  size_t *workspaces; /* of each step, bytes */
  const net_backend *backends[4];
  int backend_count;
} builder;

/* In training, nodes before the first trained parameter run as in inference. */
static bool is_trained(const net_plan *plan, int node) {
  return plan->options.training && node >= plan->first_trained;
}

static int add_value(net_plan *plan, net_shape shape, net_layout layout, int producer) {
  plan_value *value = &plan->values[plan->value_count];
  *value = (plan_value){
      .shape = shape, .layout = layout, .producer = producer, .buffer = -1, .twins = {-1, -1, -1}};
  value->twins[layout] = plan->value_count;
  return plan->value_count++;
}

static plan_step *add_step(net_plan *plan, int node) {
  plan_step *step = &plan->steps[plan->step_count++];
  *step = (plan_step){.node = node,
                      .fold = -1,
                      .inputs = {-1, -1},
                      .output = -1,
                      .gradients = {-1, -1},
                      .workspace = -1};
  return step;
}

/* The value in `layout`: itself, an earlier reordering, or a new one. */
static int in_layout(net_plan *plan, int value, net_layout layout, int node) {
  plan_value *v = &plan->values[value];
  if (v->layout == layout || (v->shape.h == 1 && v->shape.w == 1)) return value;
  if (v->twins[layout] >= 0) return v->twins[layout];
  plan_step *step = add_step(plan, node);
  step->inputs[0] = value;
  step->step = (net_step){.batch = plan->options.batch,
                          .in = v->shape,
                          .out = v->shape,
                          .in_layout = v->layout,
                          .out_layout = layout,
                          .threads = plan->options.threads};
  step->output = add_value(plan, v->shape, layout, plan->step_count - 1);
  plan->values[step->output].gradient = v->gradient;
  v->twins[layout] = step->output;
  return step->output;
}

/* The only consumer of a node if it is of that kind, else -1. */
static int sole_consumer(const builder *b, int node, net_op op) {
  const node_state *state = &b->nodes[node];
  if (state->consumers != 1 || b->plan->graph->nodes[state->consumer].op != op) return -1;
  return state->consumer;
}

/* Decides what is fused into the step of `node`; returns the last node that it computes. */
static int fuse(builder *b, int node, plan_step *step) {
  const net_op op = b->plan->graph->nodes[node].op;
  const bool training = is_trained(b->plan, node);
  int last = node, next;
  if (op == NET_CONV2D && !training && (next = sole_consumer(b, last, NET_BATCHNORM)) >= 0 &&
      !is_trained(b->plan, next)) {
    step->fold = last = next;
    b->nodes[next].absorbed = true;
  }
  bool can = op == NET_CONV2D || op == NET_DENSE || op == NET_BATCHNORM || op == NET_ADD;
  if (!can || (next = sole_consumer(b, last, NET_RELU)) < 0) return last;
  b->nodes[next].absorbed = true;
  if (training && sole_consumer(b, next, NET_MAXPOOL) >= 0) b->nodes[next].relu_pending = true;
  else step->step.relu = true;
  return next;
}

static bool choose_backend(const builder *b, plan_step *step, const net_step *wish) {
  for (int i = 0; i < b->backend_count; i++) {
    step->step = *wish;
    if (!b->backends[i]->choose(&step->step)) continue;
    step->backend = b->backends[i];
    return true;
  }
  return false;
}

/* The max pooling of 2x2 that alone reads `node`, or -1. */
static int pooling_behind(const builder *b, int node) {
  int next = sole_consumer(b, node, NET_MAXPOOL);
  if (next < 0) return -1;
  const net_attributes *a = &b->plan->graph->nodes[next].attributes;
  return a->kernel == 2 && a->stride == 2 && a->pad == 0 ? next : -1;
}

/* Finds who computes the step, with the pooling behind it if somebody can. *last becomes the last
 * node that it computes. */
static leuko_status choose(builder *b, plan_step *step, int *last, leuko_error *error) {
  const net_node *node = &b->plan->graph->nodes[step->node];
  const net_step wish = step->step;
  int pooling = wish.training || wish.op != NET_CONV2D ? -1 : pooling_behind(b, *last);
  if (pooling >= 0) {
    net_step pooled = wish;
    pooled.pool = true;
    pooled.out = b->plan->graph->nodes[pooling].shape;
    if (choose_backend(b, step, &pooled)) {
      b->nodes[pooling].absorbed = true;
      *last = pooling;
      return LEUKO_OK;
    }
  }
  if (choose_backend(b, step, &wish)) return LEUKO_OK;
  return error_set(error, LEUKO_ARGUMENT, node->name, "choose another backend",
                   "no implementation of layer '%s' (%s)", node->name, net_op_name(node->op));
}

static leuko_status add_layer(builder *b, int index, leuko_error *error) {
  net_plan *plan = b->plan;
  const net_node *node = &plan->graph->nodes[index];
  const int inputs = net_op_inputs(node->op);
  plan_step draft = {
      .node = index, .fold = -1, .inputs = {-1, -1}, .gradients = {-1, -1}, .workspace = -1};
  int value = b->nodes[node->inputs[0]].value;
  int last = fuse(b, index, &draft);
  draft.step.op = node->op;
  draft.step.node = node;
  draft.step.batch = plan->options.batch;
  draft.step.in = plan->graph->nodes[node->inputs[0]].shape;
  draft.step.out = plan->graph->nodes[last].shape;
  draft.step.in_layout = draft.step.out_layout = plan->values[value].layout;
  draft.step.training = is_trained(plan, index);
  draft.step.need_dx = plan->values[value].gradient;
  draft.step.winograd = plan->options.winograd;
  draft.step.threads = plan->options.threads;
  if (node->op == NET_MAXPOOL && b->nodes[node->inputs[0]].relu_pending) draft.step.relu = true;
  leuko_status status = choose(b, &draft, &last, error);
  if (status != LEUKO_OK) return status;
  /* The pixels are written in the layout that their first reader wants. */
  plan_value *first = &plan->values[value];
  if (first->producer < 0 && plan->step_count == 0 && draft.step.in_layout != NET_NCHW16C) {
    first->twins[first->layout] = -1;
    first->layout = draft.step.in_layout;
    first->twins[first->layout] = value;
  }
  for (int i = 0; i < inputs; i++)
    draft.inputs[i] = in_layout(plan, b->nodes[node->inputs[i]].value, draft.step.in_layout, index);
  plan_step *step = add_step(plan, index);
  *step = draft;
  size_t *workspace = &b->workspaces[plan->step_count - 1];
  status = step->backend->prepare(&step->step, &step->kernel, workspace, &step->scratch, error);
  if (status != LEUKO_OK) return status;
  step->output = add_value(plan, step->step.out, step->step.out_layout, plan->step_count - 1);
  plan->values[step->output].gradient = step->step.training;
  b->nodes[index].value = b->nodes[last].value = step->output;
  if (step->fold >= 0) b->nodes[step->fold].value = step->output;
  for (int n = index; n <= last; n++)
    if (b->nodes[n].absorbed && b->nodes[n].value < 0) b->nodes[n].value = step->output;
  return LEUKO_OK;
}

static leuko_status add_layers(builder *b, leuko_error *error) {
  net_plan *plan = b->plan;
  const net_graph *graph = plan->graph;
  plan->input = b->nodes[0].value = add_value(plan, graph->nodes[0].shape, NET_NHWC, -1);
  leuko_status status = LEUKO_OK;
  for (int i = 1; i < graph->node_count && status == LEUKO_OK; i++) {
    const net_node *node = &graph->nodes[i];
    if (b->nodes[i].absorbed) continue;
    int value = b->nodes[node->inputs[0]].value;
    if (node->op == NET_FLATTEN) b->nodes[i].value = in_layout(plan, value, NET_NHWC, i);
    else if (node->op == NET_DROPOUT && !is_trained(plan, i)) b->nodes[i].value = value;
    else status = add_layer(b, i, error);
  }
  if (status == LEUKO_OK)
    plan->output =
        in_layout(plan, b->nodes[graph->node_count - 1].value, NET_NHWC, graph->node_count - 1);
  return status;
}

static void count_consumers(builder *b) {
  const net_graph *graph = b->plan->graph;
  for (int i = 0; i < graph->node_count; i++) b->nodes[i].value = -1;
  for (int i = 1; i < graph->node_count; i++)
    for (int k = 0; k < net_op_inputs(graph->nodes[i].op); k++) {
      node_state *input = &b->nodes[graph->nodes[i].inputs[k]];
      input->consumers++;
      input->consumer = i;
    }
}

/* Room for the folded kernels and biases. */
static leuko_status reserve_folded(net_plan *plan, leuko_error *error) {
  size_t floats = 0;
  for (int s = 0; s < plan->step_count; s++) {
    plan_step *step = &plan->steps[s];
    if (step->fold < 0) continue;
    step->folded = floats;
    const net_node *node = &plan->graph->nodes[step->node];
    floats += plan->graph->params[node->params[0]].count + (size_t)node->shape.c;
  }
  if (!floats) return LEUKO_OK;
  plan->folded = malloc(floats * sizeof *plan->folded);
  return plan->folded ? LEUKO_OK : error_set_memory(error, floats * sizeof *plan->folded);
}

leuko_status net_plan_new(const net_graph *graph, const net_plan_options *options, net_plan **out,
                          leuko_error *error) {
  *out = NULL;
  builder b = {0};
  if (strcmp(options->backend, "onednn") == 0) {
    if (options->winograd) b.backends[b.backend_count++] = &net_backend_winograd;
    b.backends[b.backend_count++] = &net_backend_dense;
    b.backends[b.backend_count++] = &net_backend_onednn;
    b.backends[b.backend_count++] = &net_backend_ref;
  } else if (strcmp(options->backend, "ref") == 0) {
    b.backends[b.backend_count++] = &net_backend_ref;
  } else {
    return error_set(error, LEUKO_ARGUMENT, options->backend, "take onednn or ref",
                     "there is no backend '%s'", options->backend);
  }
  if (options->batch < 1 || options->batch > 4096 || options->threads < 1)
    return error_set(error, LEUKO_ARGUMENT, NULL, "take 1 to 4096", "a batch of %d is not possible",
                     options->batch);
  /* At most: one step and two reorderings a node; a value a step and the input; a buffer for each
   * value, two gradients and a workspace a step. */
  size_t most = 4 * (size_t)graph->node_count + 4;
  net_plan *plan = calloc(1, sizeof *plan);
  if (!plan) return error_set_memory(error, sizeof *plan);
  plan->graph = graph;
  plan->options = *options;
  plan->output_gradient = -1;
  plan->first_trained = net_first_trained(graph);
  plan->steps = calloc(most, sizeof *plan->steps);
  plan->values = calloc(most, sizeof *plan->values);
  plan->buffers = calloc(4 * most, sizeof *plan->buffers);
  b.plan = plan;
  b.nodes = calloc((size_t)graph->node_count, sizeof *b.nodes);
  b.workspaces = calloc(most, sizeof *b.workspaces);
  leuko_status status = LEUKO_OK;
  if (!plan->steps || !plan->values || !plan->buffers || !b.nodes || !b.workspaces)
    status = error_set_memory(error, most * sizeof *plan->steps);
  int threads = omp_get_max_threads();
  omp_set_num_threads(options->threads);
  if (status == LEUKO_OK) {
    count_consumers(&b);
    status = add_layers(&b, error);
  }
  omp_set_num_threads(threads);
  if (status == LEUKO_OK) status = reserve_folded(plan, error);
  if (status == LEUKO_OK) status = plan_lay_out(plan, b.workspaces, error);
  free(b.nodes);
  free(b.workspaces);
  if (status != LEUKO_OK) {
    net_plan_free(plan);
    return status;
  }
  *out = plan;
  return LEUKO_OK;
}

void net_plan_free(net_plan *plan) {
  if (!plan) return;
  for (int s = 0; s < plan->step_count; s++)
    if (plan->steps[s].kernel) plan->steps[s].backend->release(plan->steps[s].kernel);
  free(plan->steps);
  free(plan->values);
  free(plan->buffers);
  free(plan->folded);
  free(plan->arena);
  free(plan);
}

int net_plan_outputs(const net_plan *plan) {
  return (int)net_shape_size(plan->values[plan->output].shape);
}

size_t net_plan_bytes(const net_plan *plan) {
  return plan->arena_bytes;
}

int net_plan_rows(const net_plan *plan) {
  return plan->step_count;
}

net_plan_row net_plan_row_at(const net_plan *plan, int index) {
  const plan_step *step = &plan->steps[index];
  const net_node *node = &plan->graph->nodes[step->node];
  net_plan_row row = {.name = node->name,
                      .op = "reorder",
                      .implementation = "copy",
                      .in = step->step.in,
                      .out = step->step.out,
                      .seconds = step->seconds,
                      .runs = step->runs};
  if (!step->backend) return row;
  row.op = net_op_name(node->op);
  row.implementation = step->backend->implementation(step->kernel);
  if (node->op == NET_CONV2D || node->op == NET_DENSE)
    row.flop = 2.0 * (double)plan->graph->params[node->params[0]].count * node->shape.h *
               node->shape.w * plan->options.batch;
  return row;
}
