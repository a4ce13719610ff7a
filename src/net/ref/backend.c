#include <stdlib.h>

#include "base/error.h"
#include "net/ref/ref.h"

struct net_kernel {
  net_step step;
};

static const struct {
  void (*forward)(const net_step *step, const net_call *call);
  void (*backward)(const net_step *step, const net_call *call);
  size_t (*workspace)(const net_step *step); /* bytes; NULL for none */
  size_t (*scratch)(const net_step *step);
} ops[NET_OP_COUNT] = {
    [NET_CONV2D] = {ref_conv2d_forward, ref_conv2d_backward, NULL, ref_conv2d_scratch},
    [NET_BATCHNORM] = {ref_batchnorm_forward, ref_batchnorm_backward, ref_batchnorm_workspace,
                       NULL},
    [NET_RELU] = {ref_relu_forward, ref_relu_backward, NULL, NULL},
    [NET_MAXPOOL] = {ref_maxpool_forward, ref_maxpool_backward, ref_maxpool_workspace, NULL},
    [NET_AVGPOOL] = {ref_avgpool_forward, ref_avgpool_backward, NULL, NULL},
    [NET_DENSE] = {ref_dense_forward, ref_dense_backward, NULL, ref_dense_scratch},
    [NET_ADD] = {ref_add_forward, ref_add_backward, NULL, NULL},
    [NET_FLATTEN] = {ref_flatten_forward, ref_flatten_backward, NULL, NULL},
    [NET_DROPOUT] = {ref_dropout_forward, ref_dropout_backward, NULL, NULL},
};

static size_t output_count(const net_step *step) {
  return (size_t)step->batch * net_shape_size(step->out);
}

static bool ref_choose(net_step *step) {
  if (step->op >= NET_OP_COUNT || !ops[step->op].forward) return false;
  if (step->relu && step->op != NET_CONV2D && step->op != NET_DENSE && step->op != NET_BATCHNORM &&
      step->op != NET_ADD && step->op != NET_MAXPOOL)
    return false;
  if (step->add && (step->op != NET_CONV2D || step->training)) return false;
  if (step->pool) return false;
  /* Value by value, any layout of float32 will do. */
  if ((step->op == NET_RELU || step->op == NET_ADD) && !net_layout_narrow(step->in_layout))
    step->out_layout = step->in_layout;
  else step->in_layout = step->out_layout = NET_NHWC;
  return true;
}

static leuko_status ref_prepare(const net_step *step, net_kernel **out, size_t *workspace,
                                size_t *scratch, leuko_error *error) {
  net_kernel *kernel = malloc(sizeof *kernel);
  if (!kernel) return error_set_memory(error, sizeof *kernel);
  kernel->step = *step;
  if (kernel->step.threads < 1) kernel->step.threads = 1;
  *workspace = ops[step->op].workspace ? ops[step->op].workspace(&kernel->step) : 0;
  *scratch = ops[step->op].scratch ? ops[step->op].scratch(&kernel->step) : 0;
  *out = kernel;
  return LEUKO_OK;
}

/* Parameters are read in place: they come with every call. */
static leuko_status ref_bind(net_kernel *kernel, const float *const params[NET_MAX_PARAMS],
                             leuko_error *error) {
  (void)kernel, (void)params, (void)error;
  return LEUKO_OK;
}

static leuko_status ref_forward(net_kernel *kernel, const net_call *call, leuko_error *error) {
  (void)error;
  const net_step *step = &kernel->step;
  ops[step->op].forward(step, call);
  if (step->relu) ref_clamp(call->y, output_count(step), step->threads);
  return LEUKO_OK;
}

static leuko_status ref_backward(net_kernel *kernel, const net_call *call, leuko_error *error) {
  (void)error;
  const net_step *step = &kernel->step;
  if (step->relu) ref_mask(call->dy, call->y, output_count(step), step->threads);
  ops[step->op].backward(step, call);
  return LEUKO_OK;
}

static const char *ref_implementation(const net_kernel *kernel) {
  (void)kernel;
  return "ref";
}

static void ref_release(net_kernel *kernel) {
  free(kernel);
}

const net_backend net_backend_ref = {
    .name = "ref",
    .choose = ref_choose,
    .prepare = ref_prepare,
    .bind = ref_bind,
    .forward = ref_forward,
    .backward = ref_backward,
    .implementation = ref_implementation,
    .release = ref_release,
};
