/* A graph made ready to run: steps with chosen implementations, and one arena for everything that
 * passes between them.
 *
 * What the plan does to the graph: batch normalization is folded into the convolution before it
 * (inference); relu is fused into the layer before it, or, in training, moved behind the max
 * pooling that follows (the largest of the clamped is the clamped largest, and the pooled tensor is
 * a quarter of the size), and 2x2 max pooling into the convolution before it; flatten and, in
 * inference, dropout cost nothing; layouts are changed only where two neighbours disagree. Buffers
 * lie in the arena by lifetime: a value that neither the way forward nor the way back needs any
 * more gives its place to the next. In inference the addition of a residual branch is fused into
 * the convolution before it. With `skip` a step computes only what can differ from a black image
 * (skip.h), in training the first convolutions behind the input. With INT8 an activation is kept in
 * bytes where all its readers take them: convolutions that Winograd's algorithm does not fit, what
 * is fused into them, and max pooling between.
 *
 * Nothing is allocated after net_plan_new. A plan belongs to one thread at a time. */
#ifndef NET_PLAN_H
#define NET_PLAN_H

#include "net/layout.h"
#include "net/step.h"

/* Is shown the output of a step that is NHWC in float32: `values` of the layer `node`, with all
 * that was fused into it, after each forward pass (where 2x2 pooling was, its maxima as those of
 * what it pools); with `skip`, what was not computed is anything. call NULL: nobody watches. */
typedef struct {
  void (*call)(void *context, int node, const float *values, size_t count);
  void *context;
} net_watch;

typedef struct {
  int batch;               /* images of one call, at most */
  bool training;           /* keep what backward needs; batch statistics, dropout */
  bool to_input;           /* training: the way back goes on to the network's input */
  int threads;             /* at least 1 */
  const char *backend;     /* "onednn" or "ref" */
  bool winograd;           /* convolutions may use Winograd's algorithm */
  net_precision precision; /* what activations, and gradients, are kept in where a backend can */
  bool skip;               /* compute only what differs from a black image */
  bool bfloat16;           /* in inference BF16 is multiplied in bfloat16 where a matrix unit is */
  /* [nodes][c]: what one of a byte counts in each channel of a node's output, which holds no more
   * than 255 of it; NULL: not kept in bytes. INT8 only, borrowed until net_plan_bind is done. */
  const float *const *scales;
  /* [outputs]: what is added to the network's output, against the shift that bytes cause in the
   * mean; NULL: nothing. INT8 only, borrowed until net_plan_free. */
  const float *shifts;
  net_watch watch;           /* sees what the steps give */
  net_row_watch row_watch;   /* training: sees which rows of a dense kernel are read */
  net_input_scaling scaling; /* from pixels to the network's input */
  uint64_t seed;             /* of dropout */
} net_plan_options;

typedef struct net_plan net_plan;

/* Plans `graph` (borrowed until net_plan_free). Errors: ARGUMENT (backend unknown, no
 * implementation for a layer), NO_MEMORY, BACKEND. */
leuko_status net_plan_new(const net_graph *graph, const net_plan_options *options, net_plan **out,
                          leuko_error *error);
void net_plan_free(net_plan *plan);

/* Tells the parameter values [graph->param_floats] (borrowed): packs and folds them. Needed once
 * before inference and before every step in training, where layers that are not trained keep what
 * they took from the same array the first time. In training, net_plan_forward updates the running
 * statistics inside. */
leuko_status net_plan_bind(net_plan *plan, float *params, leuko_error *error);

/* Forward pass of `count` images (1 .. batch, in training exactly batch), pixels
 * [count][h][w][3] uint8. *logits [count][outputs] is owned by the plan and valid until the next
 * call. `iteration` names the dropout masks. */
leuko_status net_plan_forward(net_plan *plan, const uint8_t *pixels, int count, uint32_t iteration,
                              const float **logits, leuko_error *error);

/* The same from float32 activations in the network's own scale, NHWC. */
leuko_status net_plan_forward_floats(net_plan *plan, const float *input, int count,
                                     uint32_t iteration, const float **logits, leuko_error *error);

/* Backward pass after a forward one in training: dlogits [batch][outputs] are the loss's gradients;
 * every trainable parameter's gradient in grads [graph->param_floats] is overwritten, the rest of
 * it is left alone; of kernels of which a row_watch was told only what it names. */
leuko_status net_plan_backward(net_plan *plan, const float *dlogits, float *grads,
                               leuko_error *error);

/* After net_plan_backward, with `to_input`: the loss's gradients by the network's input, in its own
 * scale, into out [batch][h][w][c]. */
void net_plan_input_gradient(net_plan *plan, float *out);

/* Logits of one image. */
int net_plan_outputs(const net_plan *plan);

/* Whether the output of the graph's node is kept in bytes. */
bool net_plan_in_bytes(const net_plan *plan, int node);

/* What the last layer reads of one image: how many values. */
size_t net_plan_last_width(const net_plan *plan);
/* What it read of the first `count` images in the last forward pass, as float32 into rows
 * [count][width]. */
void net_plan_last_inputs(const net_plan *plan, int count, float *rows);

/* Bytes of the arena. */
size_t net_plan_bytes(const net_plan *plan);

/* One row for each step, in order, for a table; valid while the plan lives. */
typedef struct {
  const char *name;           /* of the layer; a change of layout bears its consumer's name */
  const char *op;             /* "conv2d", ..., "reorder" */
  const char *implementation; /* "ref", "jit:avx512_core", ... */
  net_shape in, out;
  double flop;    /* multiplications and additions of the batch by direct convolution */
  double share;   /* of the output that was computed, mean of all forward runs */
  double seconds; /* of all forward runs so far */
  double back;    /* of all backward ones */
  size_t runs;
} net_plan_row;
int net_plan_rows(const net_plan *plan);
net_plan_row net_plan_row_at(const net_plan *plan, int index);

#endif
