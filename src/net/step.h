/* What the plan asks of a backend: one step = one node with what is fused into it.
 *
 * A backend is a table of functions. For each step the plan takes the first backend that supports
 * it, agrees on layouts, prepares it once and then runs it any number of times. Nothing is
 * allocated after `prepare`. A kernel keeps no activations: every pointer comes with the call. */
#ifndef NET_STEP_H
#define NET_STEP_H

#include "net/skip.h"

/* Order of an activation's values in memory, float32 but for the last three. NCHW16C: channels in
 * blocks of 16, [n][c/16][h][w][16]; only used where 16 divides the channels. F16: half precision.
 * U8: bytes that count units of its channel's scale; they are not negative, and nothing changes
 * their layout. */
typedef enum {
  NET_NHWC,
  NET_NCHW,
  NET_NCHW16C,
  NET_NHWC_BF16,
  NET_NHWC_F16,
  NET_NHWC_U8,
  NET_LAYOUTS
} net_layout;

/* Whether it is in 16 bits. */
static inline bool net_layout_narrow(net_layout layout) {
  return layout == NET_NHWC_BF16 || layout == NET_NHWC_F16;
}
static inline size_t net_layout_bytes(net_layout layout) {
  return layout == NET_NHWC_U8 ? 1 : net_layout_narrow(layout) ? 2 : sizeof(float);
}

/* What activations and the factors of products are kept in; sums are float32, or 32-bit integers
 * that are exact. BF16: in inference half precision or whole numbers of 16 bits where the processor
 * multiplies in them (net_cpu_fine), unless bfloat16 is asked for by itself. INT8: inference alone,
 * bytes where that is faster, and 16 bits or float32 elsewhere. */
typedef enum { NET_F32, NET_BF16, NET_INT8 } net_precision;
const char *net_precision_name(net_precision precision); /* "f32", "bf16", "int8" */
bool net_precision_find(const char *name, net_precision *out);
/* Whether this processor has kernels for it, in inference and in training. */
bool net_precision_supported(net_precision precision);
bool net_precision_trains(net_precision precision);

/* Is told, in training, which rows of a dense kernel `param` a forward pass is about to read: those
 * of inputs that are not zero in the whole batch, in ascending order. The others' gradients are
 * zero, and the gradients that the way back then gives are those of these rows, one behind the
 * other from the parameter's place on. It may still change the rows. For the kernels of which it is
 * told nothing all is as ever: told is only of large ones in a layer whose input needs no gradient,
 * such as a frozen base's features. call NULL: nobody is told. */
typedef struct {
  void (*call)(void *context, int param, const uint32_t *rows, size_t count);
  void *context;
} net_row_watch;

typedef struct {
  net_op op;
  const net_node *node;
  int batch;
  net_shape in;  /* of each input */
  net_shape out; /* of the output, after fused pooling */
  net_layout in_layout, out_layout;
  net_layout add_layout; /* of what is added: on entry to `choose` what its producer gives */
  /* [c]: what one of a byte counts in each channel; borrowed until the step is bound. On entry to
   * `choose` out_scales is NULL where the output is not wanted in bytes. */
  const float *in_scales, *out_scales, *add_scales;
  bool training;           /* keep what backward needs; batch statistics, dropout */
  bool relu;               /* conv2d, dense, batchnorm, add: relu follows */
  bool add;                /* conv2d (inference): the second input is added before relu */
  bool pool;               /* conv2d: 2x2 max pooling with stride 2 follows relu */
  bool need_dx;            /* backward must give the gradient of the input */
  bool winograd;           /* Winograd's algorithm may be used for convolutions */
  net_precision precision; /* in what a backend may compute, F32 or BF16 */
  bool half;               /* of float32, too, it may multiply in 16 bits (net_cpu_fine) */
  bool bfloat16;    /* BF16 is bfloat16 even where there is half precision (net_cpu_matrix) */
  float in_largest; /* magnitude that the input can have; 0: who knows */
  net_row_watch row_watch; /* dense, training */
  int threads;
} net_step;

/* Pointers of one call; what a step does not need is NULL. Activations are in the step's layouts,
 * whose element type the pointers do not tell. */
typedef struct {
  int count;                  /* images; a backend may compute the rest of the batch as well */
  net_skip skip[2];           /* of the inputs; for backends that skip */
  net_flat flat_in, flat_out; /* training, for backends that keep flat places apart */
  const uint8_t *wanted;      /* [count][h][w]: output pixels to compute; NULL: all */
  double *share;              /* receives the share of the output that was computed */
  const float *x[2];          /* inputs */
  float *y;                   /* output (forward: written; backward: read) */
  float *dy;                  /* gradient of the output; backward may overwrite it */
  float *dx[2];               /* gradients of the inputs, overwritten; NULL if not wanted */
  const float *params[NET_MAX_PARAMS];
  float *grads[NET_MAX_PARAMS]; /* gradients of the parameters, overwritten */
  float *running[2];            /* batchnorm in training: mean and variance to be updated */
  void *workspace;              /* kept from forward to backward */
  void *scratch;                /* free between calls */
  uint64_t seed;                /* dropout: rng_open(seed, RNG_DROPOUT, iteration, stream) */
  uint32_t iteration, stream;
} net_call;

/* A prepared step; each backend has its own. */
typedef struct net_kernel net_kernel;

typedef struct {
  const char *name;
  bool skips; /* reads inputs that are not complete, computes only what is wanted */
  bool flat;  /* its convolutions in training take flat_in and give flat_out (net/skip.h) */
  /* Whether the backend can do the step at all; if so, which layouts it wants. On entry
   * step->in_layout is what the producer gives. The function may change step->in_layout (the plan
   * then reorders) and sets step->out_layout. */
  bool (*choose)(net_step *step);
  /* Builds whatever makes the step fast. *workspace and *scratch receive bytes. */
  leuko_status (*prepare)(const net_step *step, net_kernel **out, size_t *workspace,
                          size_t *scratch, leuko_error *error);
  /* Tells new parameter values: packs them. Called once in inference, before every step in
   * training. `params` as in net_call. */
  leuko_status (*bind)(net_kernel *kernel, const float *const params[NET_MAX_PARAMS],
                       leuko_error *error);
  leuko_status (*forward)(net_kernel *kernel, const net_call *call, leuko_error *error);
  leuko_status (*backward)(net_kernel *kernel, const net_call *call, leuko_error *error);
  /* A short name of the chosen implementation, such as "jit_wino_4x3:avx512_core". */
  const char *(*implementation)(const net_kernel *kernel);
  void (*release)(net_kernel *kernel);
} net_backend;

/* Plain C with double sums, NHWC only: the truth that everything else is compared with. */
extern const net_backend net_backend_ref;
/* oneDNN through its C API, float32. */
extern const net_backend net_backend_onednn;
/* 3x3 convolutions of stride 1 by Winograd's algorithm, float32, AVX-512. */
extern const net_backend net_backend_winograd;

#endif
