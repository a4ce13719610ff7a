#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/cpu.h"
#include "net/onednn/dnn.h"
#include "net/ref/ref.h"

/* A copy of the kernel in the layout that a primitive chose, or none where it reads the parameters
 * as they lie. */
typedef struct {
  dnn_op reorder;
  void *data;
} packed_kernel;

struct net_kernel {
  net_step step;
  dnn_context context;
  dnn_op forward, back_data, back_weights;
  packed_kernel for_forward, for_back_data, gradient;
  float *no_bias; /* zeros, where the primitive wants a bias and there is none */
};

static bool blockable(int channels) {
  return channels % 16 == 0 && net_cpu() >= NET_CPU_AVX512;
}

static bool onednn_choose(net_step *step) {
  switch (step->op) {
  case NET_CONV2D:
    if (step->add || step->pool) return false;
    step->in_layout = step->out_layout = NET_NHWC;
    if (!blockable(step->out.c)) return true;
    if (blockable(step->in.c)) step->in_layout = step->out_layout = NET_NCHW16C;
    /* Three channels in and blocks out have a kernel of their own, which reads planes. It has no
     * way back to them: plain loops that take 500 times as long. */
    if ((step->in.c == 1 || step->in.c == 3) && !(step->training && step->need_dx)) {
      step->in_layout = NET_NCHW;
      step->out_layout = NET_NCHW16C;
    }
    return true;
  case NET_DENSE:
    step->in_layout = step->out_layout = NET_NHWC;
    return true;
  case NET_MAXPOOL:
  case NET_AVGPOOL:
  case NET_BATCHNORM:
    if (step->in_layout == NET_NCHW || net_layout_narrow(step->in_layout))
      step->in_layout = NET_NHWC;
    step->out_layout = step->in_layout;
    return true;
  default:
    return false;
  }
}

static void release_packed(packed_kernel *p) {
  dnn_release(&p->reorder);
  free(p->data);
  *p = (packed_kernel){0};
}

static void onednn_release(net_kernel *k) {
  if (!k) return;
  release_packed(&k->for_forward);
  release_packed(&k->for_back_data);
  release_packed(&k->gradient);
  dnn_release(&k->forward);
  dnn_release(&k->back_data);
  dnn_release(&k->back_weights);
  dnn_close(&k->context);
  free(k->no_bias);
  free(k);
}

/* Prepares the way between HWIO and what `op` wants for `arg`; nothing if it wants HWIO. */
static leuko_status prepare_packed(net_kernel *k, dnn_op *op, int arg, bool into,
                                   packed_kernel *out, leuko_error *error) {
  dnnl_memory_desc_t plain = dnn_kernel(&k->step);
  const dnnl_memory_desc_t *wanted = dnn_format(op, arg);
  if (dnnl_memory_desc_equal(&plain, wanted)) return LEUKO_OK;
  size_t bytes = dnn_bytes(wanted);
  out->data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!out->data) return error_set_memory(error, bytes);
  memset(out->data, 0, bytes);
  leuko_status status = into ? dnn_reorder(&k->context, &plain, wanted, &out->reorder, error)
                             : dnn_reorder(&k->context, wanted, &plain, &out->reorder, error);
  if (status != LEUKO_OK) return status;
  dnn_set(&out->reorder, into ? DNNL_ARG_TO : DNNL_ARG_FROM, out->data);
  dnn_set(op, arg, out->data);
  return LEUKO_OK;
}

static leuko_status prepare_conv2d(net_kernel *k, leuko_error *error) {
  const net_step *step = &k->step;
  leuko_status status = dnn_convolution(&k->context, step, &k->forward, error);
  if (status == LEUKO_OK)
    status = prepare_packed(k, &k->forward, DNNL_ARG_WEIGHTS, true, &k->for_forward, error);
  if (status == LEUKO_OK && !step->node->attributes.bias) {
    k->no_bias = calloc((size_t)step->out.c, sizeof *k->no_bias);
    if (!k->no_bias) status = error_set_memory(error, (size_t)step->out.c * sizeof(float));
  }
  if (status != LEUKO_OK || !step->training) return status;
  status = dnn_convolution_weights(&k->context, step, &k->forward, &k->back_weights, error);
  if (status == LEUKO_OK)
    status = prepare_packed(k, &k->back_weights, DNNL_ARG_DIFF_WEIGHTS, false, &k->gradient, error);
  if (status != LEUKO_OK || !step->need_dx) return status;
  status = dnn_convolution_data(&k->context, step, &k->forward, &k->back_data, error);
  if (status == LEUKO_OK)
    status = prepare_packed(k, &k->back_data, DNNL_ARG_WEIGHTS, true, &k->for_back_data, error);
  return status;
}

static leuko_status prepare_dense(net_kernel *k, leuko_error *error) {
  leuko_status status = dnn_dense(&k->context, &k->step, &k->forward, error);
  if (status != LEUKO_OK || !k->step.training) return status;
  status = dnn_dense_weights(&k->context, &k->step, &k->forward, &k->back_weights, error);
  if (status != LEUKO_OK || !k->step.need_dx) return status;
  return dnn_dense_data(&k->context, &k->step, &k->forward, &k->back_data, error);
}

static leuko_status prepare_pooling(net_kernel *k, leuko_error *error) {
  leuko_status status = dnn_pooling(&k->context, &k->step, &k->forward, error);
  if (status != LEUKO_OK || !k->step.training || !k->step.need_dx) return status;
  return dnn_pooling_data(&k->context, &k->step, &k->forward, &k->back_data, error);
}

static leuko_status prepare_batchnorm(net_kernel *k, leuko_error *error) {
  leuko_status status = dnn_batchnorm(&k->context, &k->step, &k->forward, error);
  if (status != LEUKO_OK || !k->step.training) return status;
  return dnn_batchnorm_back(&k->context, &k->step, &k->forward, &k->back_data, error);
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static leuko_status onednn_prepare(const net_step *step, net_kernel **out, size_t *workspace,
                                   size_t *scratch, leuko_error *error) {
  *out = NULL;
  net_kernel *k = calloc(1, sizeof *k);
  if (!k) return error_set_memory(error, sizeof *k);
  k->step = *step;
  leuko_status status = dnn_open(&k->context, error);
  if (status == LEUKO_OK)
    status = step->op == NET_CONV2D      ? prepare_conv2d(k, error)
             : step->op == NET_DENSE     ? prepare_dense(k, error)
             : step->op == NET_BATCHNORM ? prepare_batchnorm(k, error)
                                         : prepare_pooling(k, error);
  if (status != LEUKO_OK) {
    onednn_release(k);
    return status;
  }
  *workspace = dnn_workspace(&k->forward);
  /* The batch's mean and variance. */
  if (step->op == NET_BATCHNORM && step->training)
    *workspace = 2 * (size_t)step->in.c * sizeof(float);
  *scratch = larger(dnn_scratch(&k->forward),
                    larger(dnn_scratch(&k->back_data), dnn_scratch(&k->back_weights)));
  *out = k;
  return LEUKO_OK;
}

/* Makes the packed copy of `kernel`, or points `op` at the parameters themselves. */
static leuko_status bind_packed(net_kernel *k, dnn_op *op, packed_kernel *packed,
                                const float *kernel, leuko_error *error) {
  if (!op->primitive) return LEUKO_OK;
  if (!packed->data) {
    dnn_set(op, DNNL_ARG_WEIGHTS, kernel);
    return LEUKO_OK;
  }
  dnn_set(&packed->reorder, DNNL_ARG_FROM, kernel);
  return dnn_run(&k->context, &packed->reorder, error);
}

static leuko_status onednn_bind(net_kernel *k, const float *const params[NET_MAX_PARAMS],
                                leuko_error *error) {
  if (k->step.op == NET_BATCHNORM) {
    dnn_op *ops[] = {&k->forward, &k->back_data};
    for (int i = 0; i < 2; i++) {
      dnn_set(ops[i], DNNL_ARG_SCALE, params[0]);
      dnn_set(ops[i], DNNL_ARG_SHIFT, params[1]);
      if (k->step.training) continue;
      dnn_set(ops[i], DNNL_ARG_MEAN, params[2]);
      dnn_set(ops[i], DNNL_ARG_VARIANCE, params[3]);
    }
    return LEUKO_OK;
  }
  if (k->step.op != NET_CONV2D && k->step.op != NET_DENSE) return LEUKO_OK;
  dnn_set(&k->forward, DNNL_ARG_BIAS, params[1] ? params[1] : k->no_bias);
  leuko_status status = bind_packed(k, &k->forward, &k->for_forward, params[0], error);
  if (status == LEUKO_OK)
    status = bind_packed(k, &k->back_data, &k->for_back_data, params[0], error);
  return status;
}

static size_t output_count(const net_step *step) {
  return (size_t)step->batch * net_shape_size(step->out);
}

static void set_common(dnn_op *op, const net_call *call) {
  dnn_set(op, DNNL_ARG_SRC, call->x[0]);
  dnn_set(op, DNNL_ARG_SCRATCHPAD, call->scratch);
}

/* Where the batch's statistics are kept: workspace, [2][C]. */
static void set_statistics(net_kernel *k, dnn_op *op, const net_call *call) {
  if (!k->step.training) return;
  float *kept = call->workspace;
  dnn_set(op, DNNL_ARG_MEAN, kept);
  dnn_set(op, DNNL_ARG_VARIANCE, kept + k->step.in.c);
}

static void move_running(const net_step *step, const net_call *call) {
  const float *kept = call->workspace, keep = step->node->attributes.momentum;
  for (int i = 0; i < 2; i++)
    for (int c = 0; c < step->in.c; c++)
      call->running[i][c] = keep * call->running[i][c] + (1 - keep) * kept[i * step->in.c + c];
}

static leuko_status onednn_forward(net_kernel *k, const net_call *call, leuko_error *error) {
  const net_step *step = &k->step;
  set_common(&k->forward, call);
  dnn_set(&k->forward, DNNL_ARG_DST, call->y);
  if (step->op == NET_BATCHNORM) set_statistics(k, &k->forward, call);
  else dnn_set(&k->forward, DNNL_ARG_WORKSPACE, call->workspace);
  leuko_status status = dnn_run(&k->context, &k->forward, error);
  if (status != LEUKO_OK) return status;
  if (step->op == NET_BATCHNORM && step->training) move_running(step, call);
  bool fused = step->op == NET_CONV2D || step->op == NET_DENSE;
  if (step->relu && !fused) ref_clamp(call->y, output_count(step), step->threads);
  return LEUKO_OK;
}

static leuko_status weights_gradient(net_kernel *k, const net_call *call, leuko_error *error) {
  dnn_op *op = &k->back_weights;
  set_common(op, call);
  dnn_set(op, DNNL_ARG_DIFF_DST, call->dy);
  dnn_set(op, DNNL_ARG_DIFF_BIAS, call->grads[1]);
  if (!k->gradient.data) dnn_set(op, DNNL_ARG_DIFF_WEIGHTS, call->grads[0]);
  leuko_status status = dnn_run(&k->context, op, error);
  if (status != LEUKO_OK || !k->gradient.data) return status;
  dnn_set(&k->gradient.reorder, DNNL_ARG_TO, call->grads[0]);
  return dnn_run(&k->context, &k->gradient.reorder, error);
}

static leuko_status onednn_backward(net_kernel *k, const net_call *call, leuko_error *error) {
  const net_step *step = &k->step;
  if (step->relu) ref_mask(call->dy, call->y, output_count(step), step->threads);
  leuko_status status = LEUKO_OK;
  if (k->back_weights.primitive && call->grads[0]) status = weights_gradient(k, call, error);
  if (status != LEUKO_OK || !k->back_data.primitive) return status;
  if (!call->dx[0] && step->op != NET_BATCHNORM) return LEUKO_OK;
  dnn_op *op = &k->back_data;
  set_common(op, call);
  dnn_set(op, DNNL_ARG_DIFF_DST, call->dy);
  /* Batch normalization gives all gradients at once: where nobody wants dx, dy takes it. */
  dnn_set(op, DNNL_ARG_DIFF_SRC, call->dx[0] ? call->dx[0] : call->dy);
  if (step->op == NET_BATCHNORM) {
    set_statistics(k, op, call);
    dnn_set(op, DNNL_ARG_DIFF_SCALE, call->grads[0]);
    dnn_set(op, DNNL_ARG_DIFF_SHIFT, call->grads[1]);
  } else {
    dnn_set(op, DNNL_ARG_WORKSPACE, call->workspace);
  }
  return dnn_run(&k->context, op, error);
}

static const char *onednn_implementation(const net_kernel *k) {
  return k->forward.implementation;
}

const net_backend net_backend_onednn = {
    .name = "onednn",
    .choose = onednn_choose,
    .prepare = onednn_prepare,
    .bind = onednn_bind,
    .forward = onednn_forward,
    .backward = onednn_backward,
    .implementation = onednn_implementation,
    .release = onednn_release,
};
