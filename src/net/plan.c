#include "net/plan.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/element.h"
#include "net/levels.h"
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
  const net_backend *backends[6];
  int backend_count;
} builder;

static const char *const precisions[] = {
    [NET_F32] = "f32", [NET_BF16] = "bf16", [NET_INT8] = "int8"};

const char *net_precision_name(net_precision precision) {
  return precisions[precision];
}

bool net_precision_find(const char *name, net_precision *out) {
  for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++) {
    if (strcmp(name, precisions[i]) != 0) continue;
    *out = (net_precision)i;
    return true;
  }
  return false;
}

bool net_precision_supported(net_precision precision) {
  const net_cpu_level level = net_cpu();
  return precision == NET_F32 || level == NET_CPU_AVX2 || level >= NET_CPU_AVX512_VNNI;
}

bool net_precision_trains(net_precision precision) {
  return precision == NET_F32 || (precision == NET_BF16 && net_cpu() >= NET_CPU_AVX512_BF16);
}

/* What is kept in 16 bits where a plan is asked for `precision`. Between bytes only where that is
 * faster: in bfloat16 where products are, in half precision where bytes are so fast that storing
 * float32 between them would take most of the time; elsewhere float32, whose rounding is finer. */
static net_precision wide_type(net_precision precision) {
  const bool faster = net_cpu_fine() ? net_cpu_matrix() : net_cpu_fast_bf16();
  const bool between = precision == NET_INT8 && faster;
  return precision == NET_BF16 || between ? NET_BF16 : NET_F32;
}

/* In training, nodes before the first trained parameter run as in inference. */
static bool is_trained(const net_plan *plan, int node) {
  return plan->options.training && node >= plan->first_trained;
}

static int add_value(net_plan *plan, net_shape shape, net_layout layout, int producer) {
  plan_value *value = &plan->values[plan->value_count];
  *value = (plan_value){.shape = shape, .layout = layout, .producer = producer, .buffer = -1};
  for (int l = 0; l < NET_LAYOUTS; l++) value->twins[l] = -1;
  value->twins[layout] = plan->value_count;
  return plan->value_count++;
}

static plan_step *add_step(net_plan *plan, int node) {
  plan_step *step = &plan->steps[plan->step_count++];
  *step = (plan_step){.node = node,
                      .last = node,
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
  const bool vector = v->shape.h == 1 && v->shape.w == 1;
  const bool wide = net_layout_bytes(v->layout) == 4 && net_layout_bytes(layout) == 4;
  if (v->layout == layout || (vector && wide)) return value;
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

/* What one step computes beside its own node. */
typedef struct {
  int fold;     /* batch normalization behind a convolution, or -1 */
  int add;      /* addition of a branch behind a convolution, or -1 */
  int branch;   /* node whose output is added */
  int relu;     /* relu, or -1 */
  bool pending; /* the relu is left to the max pooling behind it */
  int pool;     /* max pooling, or -1 */
  int last;     /* node whose output the step gives */
} fusion;

/* The addition behind `node`, if its other input is there already; *branch is that. */
static int addition_behind(const builder *b, int node, int *branch) {
  int next = sole_consumer(b, node, NET_ADD);
  if (next < 0) return -1;
  const int *inputs = b->plan->graph->nodes[next].inputs;
  *branch = inputs[inputs[0] == node];
  return *branch != node && b->nodes[*branch].value >= 0 ? next : -1;
}

/* The max pooling of 2x2 that alone reads `node`, or -1. */
static int pooling_behind(const builder *b, int node) {
  int next = sole_consumer(b, node, NET_MAXPOOL);
  if (next < 0) return -1;
  const net_attributes *a = &b->plan->graph->nodes[next].attributes;
  return a->kernel == 2 && a->stride == 2 && a->pad == 0 ? next : -1;
}

/* What can be computed with `node`; `more`: what only some backends do as well, the addition of a
 * branch or else pooling. */
static fusion fuse(const builder *b, int node, bool more) {
  const net_op op = b->plan->graph->nodes[node].op;
  const bool training = is_trained(b->plan, node);
  fusion f = {.fold = -1, .add = -1, .relu = -1, .pool = -1, .last = node};
  int next;
  if (op == NET_CONV2D && !training && (next = sole_consumer(b, f.last, NET_BATCHNORM)) >= 0 &&
      !is_trained(b->plan, next))
    f.fold = f.last = next;
  more = more && op == NET_CONV2D;
  if (more && !training && (next = addition_behind(b, f.last, &f.branch)) >= 0)
    f.add = f.last = next;
  bool can = op == NET_CONV2D || op == NET_DENSE || op == NET_BATCHNORM || op == NET_ADD;
  if (can && (next = sole_consumer(b, f.last, NET_RELU)) >= 0) {
    f.relu = f.last = next;
    f.pending = training && sole_consumer(b, next, NET_MAXPOOL) >= 0;
  }
  if (more && f.add < 0 && (next = pooling_behind(b, f.last)) >= 0) {
    f.pool = f.last = next;
    f.pending = false;
  }
  return f;
}

static bool reads_bytes(const builder *b, int node);

/* Whether all that read the output of `node` take bytes. */
static bool wanted_in_bytes(const builder *b, int node) {
  const net_graph *graph = b->plan->graph;
  if (b->nodes[node].consumers == 0) return false;
  for (int i = node + 1; i < graph->node_count; i++)
    for (int k = 0; k < net_op_inputs(graph->nodes[i].op); k++)
      if (graph->nodes[i].inputs[k] == node && !reads_bytes(b, i)) return false;
  return true;
}

/* Whether the addition `node` takes a branch as bytes: if it is fused into a convolution that is
 * computed after that branch. */
static bool adds_bytes(const builder *b, int node) {
  const net_graph *graph = b->plan->graph;
  const int *inputs = graph->nodes[node].inputs;
  const int branch = inputs[0] < inputs[1] ? inputs[0] : inputs[1];
  int conv = inputs[0] + inputs[1] - branch;
  if (b->nodes[conv].consumers == 1 && graph->nodes[conv].op == NET_BATCHNORM)
    conv = graph->nodes[conv].inputs[0];
  const net_node *n = &graph->nodes[conv];
  return n->op == NET_CONV2D && b->nodes[conv].consumers == 1 && branch < conv &&
         n->shape.c % ELEMENT_BYTES_STEP == 0 &&
         graph->nodes[n->inputs[0]].shape.c % ELEMENT_BYTES_STEP == 0;
}

/* Winograd's kernel is eight times as large in 16 bits as one in bytes. Where it is too
 * large for a core's cache it has to be read again for each image's few pixels. */
#define MANY_PIXELS (28 * 28)
#define LARGE_KERNEL (128 * 128) /* channels times filters */

/* Whether a convolution is computed by Winograd's algorithm, with a quarter of the products, which
 * is faster in the wide type than all of them in bytes. */
static bool winograd_is_faster(const builder *b, const net_node *n) {
  const net_attributes *a = &n->attributes;
  if (!b->plan->options.winograd || a->kernel != 3 || a->stride != 1) return false;
  if (net_cpu_matrix()) return false;
  if (!net_cpu_fast_bytes()) return true;
  const int channels = b->plan->graph->nodes[n->inputs[0]].shape.c;
  const bool few = n->shape.h * n->shape.w < MANY_PIXELS;
  return net_cpu_fine() && !(few && channels * n->shape.c > LARGE_KERNEL);
}

static bool reads_bytes(const builder *b, int node) {
  const net_node *n = &b->plan->graph->nodes[node];
  const net_attributes *a = &n->attributes;
  const int channels = b->plan->graph->nodes[n->inputs[0]].shape.c;
  if (channels % ELEMENT_BYTES_STEP) return false;
  switch (n->op) {
  case NET_CONV2D:
    return n->shape.c % ELEMENT_BYTES_STEP == 0 && pooling_behind(b, node) < 0 &&
           !winograd_is_faster(b, n);
  case NET_MAXPOOL:
    return a->kernel <= 8 && wanted_in_bytes(b, node);
  case NET_ADD:
    return adds_bytes(b, node);
  default:
    return false;
  }
}

/* What one of a byte counts in the output of a step; NULL where that is not to be in bytes. */
static const float *byte_scales(const builder *b, const fusion *f) {
  const net_plan_options *options = &b->plan->options;
  if (options->precision != NET_INT8 || !wanted_in_bytes(b, f->last)) return NULL;
  return options->scales[plan_scaled_node(b->plan->graph, f->last, f->pool >= 0)];
}

static bool choose_backend(const builder *b, plan_step *step, const net_step *wish) {
  for (int i = 0; i < b->backend_count; i++) {
    /* The reference would do it, but slowly: others do better without the fusion. */
    if ((wish->add || wish->pool) && b->backends[i] == &net_backend_ref) continue;
    step->step = *wish;
    if (!b->backends[i]->choose(&step->step)) continue;
    step->backend = b->backends[i];
    return true;
  }
  return false;
}

/* Finds who computes the step, with as much as possible fused into it. */
static leuko_status choose(builder *b, plan_step *step, fusion *f, leuko_error *error) {
  const net_graph *graph = b->plan->graph;
  const net_node *node = &graph->nodes[step->node];
  const net_step wish = step->step;
  for (int more = 1; more >= 0; more--) {
    net_step fused = wish;
    *f = fuse(b, step->node, more == 1);
    fused.relu = f->relu >= 0 && !f->pending;
    fused.add = f->add >= 0;
    fused.pool = f->pool >= 0;
    fused.out = graph->nodes[f->last].shape;
    fused.out_scales = byte_scales(b, f);
    if (f->add >= 0) {
      const plan_value *branch = &b->plan->values[b->nodes[f->branch].value];
      fused.add_layout = branch->layout;
      fused.add_scales = branch->scales;
    }
    if (node->op == NET_MAXPOOL) fused.relu = b->nodes[node->inputs[0]].relu_pending;
    if (choose_backend(b, step, &fused)) return LEUKO_OK;
  }
  return error_set(error, LEUKO_ARGUMENT, node->name, "choose another backend",
                   "no implementation of layer '%s' (%s)", node->name, net_op_name(node->op));
}

/* The nodes that a step computes give the step's output. */
static void absorb(builder *b, const plan_step *step, const fusion *f) {
  const int nodes[] = {f->fold, f->add, f->relu, f->pool};
  b->nodes[step->node].value = step->output;
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
    if (nodes[i] < 0) continue;
    b->nodes[nodes[i]].absorbed = true;
    b->nodes[nodes[i]].value = step->output;
  }
  if (f->pending) b->nodes[f->relu].relu_pending = true;
}

static leuko_status add_layer(builder *b, int index, leuko_error *error) {
  net_plan *plan = b->plan;
  const net_node *node = &plan->graph->nodes[index];
  const int inputs = net_op_inputs(node->op);
  plan_step draft = {
      .node = index, .fold = -1, .inputs = {-1, -1}, .gradients = {-1, -1}, .workspace = -1};
  const int value = b->nodes[node->inputs[0]].value;
  draft.step = (net_step){.op = node->op,
                          .node = node,
                          .batch = plan->options.batch,
                          .in = plan->graph->nodes[node->inputs[0]].shape,
                          .in_layout = plan->values[value].layout,
                          .out_layout = plan->values[value].layout,
                          .add_layout = plan->values[value].layout,
                          .in_scales = plan->values[value].scales,
                          .training = is_trained(plan, index),
                          .need_dx = plan->values[value].gradient,
                          .winograd = plan->options.winograd,
                          .precision = wide_type(plan->options.precision),
                          .half = plan->options.precision == NET_INT8 && net_cpu_fine(),
                          .bfloat16 = plan->options.precision == NET_BF16 &&
                                      plan->options.bfloat16 && net_cpu_matrix(),
                          .row_watch = plan->options.row_watch,
                          .threads = plan->options.threads};
  if (value == plan->input) draft.step.in_largest = net_input_largest(&plan->options.scaling);
  fusion f;
  leuko_status status = choose(b, &draft, &f, error);
  if (status != LEUKO_OK) return status;
  draft.fold = f.fold;
  draft.last = f.last;
  /* The pixels are written in the layout that their first reader wants. */
  plan_value *first = &plan->values[value];
  const net_layout wanted = draft.step.in_layout;
  if (first->producer < 0 && plan->step_count == 0 && (wanted == NET_NHWC || wanted == NET_NCHW)) {
    first->twins[first->layout] = -1;
    first->layout = wanted;
    first->twins[first->layout] = value;
  }
  for (int i = 0; i < inputs; i++)
    draft.inputs[i] = in_layout(plan, b->nodes[node->inputs[i]].value, wanted, index);
  if (f.add >= 0)
    draft.inputs[1] = in_layout(plan, b->nodes[f.branch].value, draft.step.add_layout, index);
  plan_step *step = add_step(plan, index);
  *step = draft;
  size_t *workspace = &b->workspaces[plan->step_count - 1];
  status = step->backend->prepare(&step->step, &step->kernel, workspace, &step->scratch, error);
  if (status != LEUKO_OK) return status;
  step->output = add_value(plan, step->step.out, step->step.out_layout, plan->step_count - 1);
  plan->values[step->output].gradient = step->step.training;
  if (step->step.out_layout == NET_NHWC_U8)
    plan->values[step->output].scales =
        node->op == NET_MAXPOOL ? step->step.in_scales : step->step.out_scales;
  absorb(b, step, &f);
  return LEUKO_OK;
}

static leuko_status add_layers(builder *b, leuko_error *error) {
  net_plan *plan = b->plan;
  const net_graph *graph = plan->graph;
  plan->input = b->nodes[0].value = add_value(plan, graph->nodes[0].shape, NET_NHWC, -1);
  plan->values[plan->input].gradient = plan->options.training && plan->options.to_input;
  leuko_status status = LEUKO_OK;
  for (int i = 1; i < graph->node_count && status == LEUKO_OK; i++) {
    const net_node *node = &graph->nodes[i];
    if (b->nodes[i].absorbed) continue;
    int value = b->nodes[node->inputs[0]].value;
    const net_layout layout = plan->values[value].layout;
    if (node->op == NET_FLATTEN)
      b->nodes[i].value = net_layout_narrow(layout) ? value : in_layout(plan, value, NET_NHWC, i);
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
  leuko_status known = net_cpu_check(error);
  if (known != LEUKO_OK) return known;
  if (strcmp(options->backend, "onednn") == 0 && net_cpu() > NET_CPU_GENERIC) {
    b.backends[b.backend_count++] = net_backends_infer[net_cpu()];
    b.backends[b.backend_count++] = net_backends_learn[net_cpu()];
    if (options->winograd) b.backends[b.backend_count++] = &net_backend_winograd;
    b.backends[b.backend_count++] = net_backends_dense[net_cpu()];
    b.backends[b.backend_count++] = &net_backend_onednn;
    b.backends[b.backend_count++] = &net_backend_ref;
  } else if (strcmp(options->backend, "onednn") == 0) {
    b.backends[b.backend_count++] = net_backends_infer[net_cpu()];
    b.backends[b.backend_count++] = net_backends_learn[net_cpu()];
    b.backends[b.backend_count++] = net_backends_dense[net_cpu()];
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
  if (options->precision == NET_INT8 && (options->training || !options->scales))
    return error_set(error, LEUKO_ARGUMENT, NULL, "quantize the model first",
                     "8 bits are for answering, and need the scales of the activations");
  /* At most: one step and two reorderings a node; a value a step and the input; a buffer for each
   * value, two gradients and a workspace a step. */
  size_t most = 4 * (size_t)graph->node_count + 4;
  net_plan *plan = calloc(1, sizeof *plan);
  if (!plan) return error_set_memory(error, sizeof *plan);
  plan->graph = graph;
  plan->options = *options;
  plan->output_gradient = -1;
  plan->first_trained = options->to_input ? 0 : net_first_trained(graph);
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
  if (status == LEUKO_OK) status = plan_skip_prepare(plan, error);
  if (status == LEUKO_OK) status = plan_flat_prepare(plan, error);
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
  free(plan->marks);
  free(plan->blanks);
  free(plan->mark_planes);
  free(plan->arena);
  free(plan);
}

int net_plan_outputs(const net_plan *plan) {
  return (int)net_shape_size(plan->values[plan->output].shape);
}

bool net_plan_in_bytes(const net_plan *plan, int node) {
  for (int s = 0; s < plan->step_count; s++) {
    const plan_step *step = &plan->steps[s];
    const int scaled = plan_scaled_node(plan->graph, step->last, step->step.pool);
    if (step->backend && (step->last == node || scaled == node))
      return step->step.out_layout == NET_NHWC_U8;
  }
  return false;
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
                      .share = step->runs ? step->share / (double)step->runs : 1,
                      .seconds = step->seconds,
                      .back = step->back,
                      .runs = step->runs};
  if (!step->backend) return row;
  row.op = net_op_name(node->op);
  row.implementation = step->backend->implementation(step->kernel);
  row.flop = net_node_flop(plan->graph, step->node) * plan->options.batch;
  return row;
}
