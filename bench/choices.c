/* What a plan could gain if it timed its candidates instead of going by a fixed order: every
 * convolution of a network by itself, by each implementation that can compute it.
 *
 *     build/bench/choices cnn|vgg16|resnet50 [BATCH] [train]
 *
 * Random values and kernels, float32, with the relu behind it but nothing else fused, which favours
 * oneDNN; candidates take turns, and the median of ROUNDS counts. With `train` the way there and
 * back. The first candidate of a row is what the plan takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/sort.h"
#include "base/threads.h"
#include "net/levels.h"
#include "zoo/zoo.h"

#define CANDIDATES 3
#define ROUNDS 5
#define SECONDS 0.05 /* of one candidate in one round */

typedef struct {
  const net_backend *backend; /* NULL: there is none */
  bool winograd;
  net_step step;
  net_kernel *kernel;
  char name[64];
  double seconds[ROUNDS], median; /* of one call */
} candidate;

/* Arrays that are long enough for every candidate; activations hold whatever their layouts make of
 * random numbers. */
typedef struct {
  float *x, *y, *dy, *dx, *params[NET_MAX_PARAMS], *grads[NET_MAX_PARAMS];
  void *workspace, *scratch;
} arrays;

static void *bytes_of(size_t bytes) {
  void *made = NULL;
  if (posix_memalign(&made, 64, (bytes + 63) / 64 * 64 + 64) != 0) abort();
  memset(made, 0, bytes);
  return made;
}

static float *numbers(rng *r, size_t count, float width) {
  float *made = bytes_of(count * sizeof *made);
  for (size_t i = 0; i < count; i++) made[i] = (float)rng_between(r, -width, width);
  return made;
}

static arrays arrays_new(const net_graph *graph, const net_node *node, int batch) {
  rng r = rng_open(1, RNG_TEST, 0, 0);
  const size_t in = (size_t)batch * net_shape_size(graph->nodes[node->inputs[0]].shape);
  const size_t out = (size_t)batch * net_shape_size(node->shape);
  arrays a = {.x = numbers(&r, in, 1),
              .y = numbers(&r, out, 1),
              .dy = numbers(&r, out, 1),
              .dx = numbers(&r, in, 1)};
  for (int i = 0; i < NET_MAX_PARAMS; i++) {
    if (node->params[i] < 0) continue;
    a.params[i] = numbers(&r, graph->params[node->params[i]].count, 0.05f);
    a.grads[i] = numbers(&r, graph->params[node->params[i]].count, 0);
  }
  return a;
}

static void arrays_free(arrays *a) {
  free(a->x);
  free(a->y);
  free(a->dy);
  free(a->dx);
  free(a->workspace);
  free(a->scratch);
  for (int i = 0; i < NET_MAX_PARAMS; i++) {
    free(a->params[i]);
    free(a->grads[i]);
  }
}

static _Noreturn void fail(const leuko_error *error) {
  fprintf(stderr, "choices: %s\n", error->message);
  exit(1);
}

/* Prepares the candidate, or leaves it without a backend where it cannot compute the step or would
 * do the same as the one before it. */
static void prepare(candidate *c, const candidate *before, const net_step *wish, arrays *a,
                    size_t *workspace, size_t *scratch) {
  leuko_error error = {0};
  size_t kept = 0, free_bytes = 0;
  c->step = *wish;
  c->step.winograd = c->winograd;
  if (!c->backend->choose(&c->step)) {
    c->backend = NULL;
    return;
  }
  if (c->backend->prepare(&c->step, &c->kernel, &kept, &free_bytes, &error) != LEUKO_OK ||
      c->backend->bind(c->kernel, (const float *const *)a->params, &error) != LEUKO_OK)
    fail(&error);
  snprintf(c->name, sizeof c->name, "%s", c->backend->implementation(c->kernel));
  if (before && before->backend && strcmp(c->name, before->name) == 0) {
    c->backend->release(c->kernel);
    c->backend = NULL;
  }
  if (kept > *workspace) *workspace = kept;
  if (free_bytes > *scratch) *scratch = free_bytes;
}

static double time_of(candidate *c, const arrays *a) {
  net_call call = {.count = c->step.batch,
                   .x = {a->x},
                   .y = a->y,
                   .dy = a->dy,
                   .dx = {a->dx},
                   .workspace = a->workspace,
                   .scratch = a->scratch};
  leuko_error error = {0};
  for (int i = 0; i < NET_MAX_PARAMS; i++) {
    call.params[i] = a->params[i];
    call.grads[i] = a->grads[i];
  }
  int calls = 0;
  const double start = clock_seconds();
  do {
    leuko_status status = c->backend->forward(c->kernel, &call, &error);
    if (status == LEUKO_OK && c->step.training)
      status = c->backend->backward(c->kernel, &call, &error);
    if (status != LEUKO_OK) fail(&error);
    calls++;
  } while (clock_seconds() - start < SECONDS);
  return (clock_seconds() - start) / calls;
}

static void time_all(candidate *all, const arrays *a) {
  for (int round = -1; round < ROUNDS; round++) /* the first does not count */
    for (int i = 0; i < CANDIDATES; i++)
      if (all[i].backend) {
        const double seconds = time_of(&all[i], a);
        if (round >= 0) all[i].seconds[round] = seconds;
      }
  for (int i = 0; i < CANDIDATES; i++) {
    sort_doubles(all[i].seconds, ROUNDS);
    all[i].median = all[i].seconds[ROUNDS / 2];
  }
}

/* How often convolutions of this size stand before `node` and, itself included, behind it. */
static void count_equal(const net_graph *graph, int node, int *before, int *behind) {
  const net_node *wanted = &graph->nodes[node];
  const net_shape in = graph->nodes[wanted->inputs[0]].shape;
  *before = *behind = 0;
  for (int i = 0; i < graph->node_count; i++) {
    const net_node *n = &graph->nodes[i];
    if (n->op != NET_CONV2D || n->attributes.kernel != wanted->attributes.kernel ||
        n->attributes.stride != wanted->attributes.stride ||
        n->attributes.pad != wanted->attributes.pad ||
        memcmp(&n->shape, &wanted->shape, sizeof n->shape) != 0 ||
        memcmp(&graph->nodes[n->inputs[0]].shape, &in, sizeof in) != 0)
      continue;
    ++*(i < node ? before : behind);
  }
}

/* Times one convolution; adds to the sums what the plan's choice and the fastest take. */
static void time_layer(const net_graph *graph, int index, int batch, bool training,
                       double sums[2]) {
  int before, equal;
  count_equal(graph, index, &before, &equal);
  if (before) return;
  const net_node *node = &graph->nodes[index];
  const net_shape in = graph->nodes[node->inputs[0]].shape;
  const net_step wish = {.op = NET_CONV2D,
                         .node = node,
                         .batch = batch,
                         .in = in,
                         .out = node->shape,
                         .training = training,
                         .need_dx = training && in.c > 3,
                         .relu = true,
                         .threads = threads_count(0)};
  candidate all[CANDIDATES] = {
      {.backend = training ? net_backends_learn[net_cpu()] : net_backends_infer[net_cpu()],
       .winograd = true},
      {.backend = training ? &net_backend_winograd : net_backends_infer[net_cpu()],
       .winograd = training},
      {.backend = &net_backend_onednn}};
  arrays a = arrays_new(graph, node, batch);
  size_t workspace = 0, scratch = 0;
  for (int i = 0; i < CANDIDATES; i++)
    prepare(&all[i], i ? &all[i - 1] : NULL, &wish, &a, &workspace, &scratch);
  a.workspace = bytes_of(workspace);
  a.scratch = bytes_of(scratch);
  time_all(all, &a);
  int first = -1, fastest = -1;
  for (int i = 0; i < CANDIDATES; i++) {
    if (!all[i].backend) continue;
    if (first < 0) first = i;
    if (fastest < 0 || all[i].median < all[fastest].median) fastest = i;
  }
  printf("%2d x %dx%dx%d, %dx%d by %d to %d:", equal, in.h, in.w, in.c, node->attributes.kernel,
         node->attributes.kernel, node->attributes.stride, node->shape.c);
  for (int i = 0; i < CANDIDATES; i++)
    if (all[i].backend) printf("  %s %.3f ms", all[i].name, all[i].median * 1e3);
  printf("%s\n", fastest == first ? "" : "  <- another is faster");
  sums[0] += equal * all[first].median;
  sums[1] += equal * all[fastest].median;
  for (int i = 0; i < CANDIDATES; i++)
    if (all[i].backend) all[i].backend->release(all[i].kernel);
  arrays_free(&a);
}

int main(int argc, char **argv) {
  const bool training = argc > 1 && strcmp(argv[argc - 1], "train") == 0;
  const int batch = argc - training > 2 ? atoi(argv[2]) : 16;
  leuko_error error = {0};
  zoo_options options;
  net_graph *graph = NULL;
  if (argc < 2 || argc - training > 3 || batch < 1) {
    fprintf(stderr, "usage: choices cnn|vgg16|resnet50 [BATCH] [train]\n");
    return 2;
  }
  leuko_status status = zoo_defaults(argv[1], &options, &error);
  if (status == LEUKO_OK) status = zoo_build(&options, &graph, &error);
  if (status != LEUKO_OK) fail(&error);
  double sums[2] = {0};
  for (int i = 0; i < graph->node_count; i++)
    if (graph->nodes[i].op == NET_CONV2D) time_layer(graph, i, batch, training, sums);
  printf("%s: all convolutions %.1f ms as the plan chooses, %.1f ms if each were the fastest: "
         "%.1f %% less\n",
         argv[1], sums[0] * 1e3, sums[1] * 1e3, 100 * (1 - sums[1] / sums[0]));
  net_graph_free(graph);
  return 0;
}
