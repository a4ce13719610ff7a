/* What plan.c, plan_memory.c and run.c share. */
#ifndef NET_PLAN_INTERNAL_H
#define NET_PLAN_INTERNAL_H

#include "net/plan.h"

/* A piece of the arena and the time during which it is needed. Step i runs forward at time i and
 * backward at time 2 * steps - 1 - i. */
typedef struct {
  size_t bytes;
  int first, last;
  size_t offset;
} plan_buffer;

/* An activation in one layout. */
typedef struct {
  net_shape shape;
  net_layout layout;
  const float *scales; /* [c]: what one counts, of bytes; borrowed */
  int producer;        /* step, or -1 for the network's input */
  int buffer;
  int twins[NET_LAYOUTS]; /* the same activation in another layout: value or -1 */
  bool gradient;          /* in training: it depends on a trained parameter */
  /* With skipping: where net_plan.marks and net_plan.blanks hold, for every image of the batch,
   * the pixels that can differ from the blank image's, and the blank image's activation. */
  bool skips;
  size_t marks, blank; /* in training: the flat pixel, and behind it its gradient */
  /* Of the last forward pass: whether the marks tell something, and whether the activation lacks
   * the pixels that are not marked. */
  bool marked, partial;
} plan_value;

typedef struct {
  const net_backend *backend; /* NULL: a change of layout */
  net_kernel *kernel;
  net_step step;
  int node, last;              /* of the graph: the first and the last that it computes */
  int fold;                    /* batch normalization folded into the convolution, or -1 */
  int inputs[2];               /* values or -1 */
  int output;                  /* value */
  int gradients[2];            /* buffers for the inputs' gradients or -1 */
  int workspace;               /* buffer or -1 */
  size_t scratch;              /* bytes */
  size_t folded;               /* folded kernel and bias: offset into net_plan.folded */
  double seconds, share, back; /* sums over all runs; back: seconds of the way back */
  size_t runs;
} plan_step;

struct net_plan {
  const net_graph *graph;
  net_plan_options options;
  plan_step *steps;
  int step_count;
  plan_value *values;
  int value_count;
  plan_buffer *buffers;
  int buffer_count;
  int input, output;   /* values */
  int output_gradient; /* buffer or -1 */
  int first_trained;   /* node; those before it run as in inference */
  bool bound;          /* parameters have been told once */
  uint8_t *arena;
  size_t arena_bytes, scratch_offset;
  uint8_t *marks, *blanks; /* NULL without skipping */
  uint8_t *mark_planes;    /* scratch of each thread: the largest plane of marks and a row */
  size_t mark_bytes;       /* of one thread's */
  bool blank_known;        /* for the parameters that were told last */
  float *folded;
  float *params;
  uint32_t iteration; /* of the last forward pass */
};

/* Whether the backward pass of a step reads its input, and its output. */
bool plan_keeps_input(const net_step *step);
bool plan_keeps_output(const net_step *step);

/* The value that the last layer reads. */
int plan_last_input(const net_plan *plan);

/* Adds a buffer; returns its index. The array has room for all (see plan.c). */
int plan_add_buffer(net_plan *plan, size_t bytes, int first, int last);

/* Gives every value, gradient and workspace its buffer, lays the buffers out and allocates the
 * arena. `workspaces` [step_count] in bytes. */
leuko_status plan_lay_out(net_plan *plan, const size_t *workspaces, leuko_error *error);

/* The node whose scales a step's output has: of pooling that is computed with what it reads, that.
 */
static inline int plan_scaled_node(const net_graph *graph, int last, bool pooled) {
  return pooled ? graph->nodes[last].inputs[0] : last;
}

static inline size_t plan_value_floats(const net_plan *plan, const plan_value *value) {
  return (size_t)plan->options.batch * net_shape_size(value->shape);
}

static inline void *plan_buffer_at(const net_plan *plan, int buffer) {
  return buffer < 0 ? NULL : plan->arena + plan->buffers[buffer].offset;
}

static inline void *plan_value_at(const net_plan *plan, int value) {
  return value < 0 ? NULL : plan_buffer_at(plan, plan->values[value].buffer);
}

/* plan_skip.c: skipping in inference, where options.skip asks for it. */

/* Finds the values whose blank activation is kept, and allocates for them. */
leuko_status plan_skip_prepare(net_plan *plan, leuko_error *error);
/* Marks the input's pixels that are not black. */
void plan_skip_input(net_plan *plan, const uint8_t *pixels, int count);
/* Nothing is known of the input: everything is computed. */
void plan_skip_none(net_plan *plan);
/* Before a step runs: what it has to compute; inputs that its backend could not read are completed.
 */
void plan_skip_step(net_plan *plan, const plan_step *step, net_call *call);
/* Keeps the output of a step, computed for a black image, as the blank one. */
void plan_skip_keep(net_plan *plan, const plan_step *step);
/* Marks of the output from those of the inputs, `border`: and from padding; returns how many pixels
 * are marked. */
size_t plan_skip_spread(net_plan *plan, const plan_step *step, int count, bool border);
/* Marks of the `skips` values and room for the scratch of spreading them; `bytes` for what is kept
 * of the blank image. */
leuko_status plan_skip_allocate(net_plan *plan, size_t bytes, leuko_error *error);

/* plan_flat.c: the same in training. */

/* Finds the values of which flat places are kept apart, and allocates for them. */
leuko_status plan_flat_prepare(net_plan *plan, leuko_error *error);
/* Converts a black pixel, for the input's flat places, which plan_skip_input marks. */
void plan_flat_input(net_plan *plan);
/* Before a step runs forward: marks of its output, and the share of it to compute. */
void plan_flat_mark(net_plan *plan, const plan_step *step, net_call *call);
/* Before it runs, forward and backward: flat_in and flat_out. */
void plan_flat_call(const net_plan *plan, const plan_step *step, net_call *call);

#endif
