#include "net/onednn/dnn.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "net/cpu.h"

static leuko_status failed(dnnl_status_t status, const char *what, leuko_error *error) {
  return error_set(error, status == dnnl_out_of_memory ? LEUKO_NO_MEMORY : LEUKO_BACKEND, NULL,
                   "run with --backend ref", "oneDNN: %s failed (%d)", what, (int)status);
}

leuko_status dnn_open(dnn_context *context, leuko_error *error) {
  *context = (dnn_context){0};
  /* Refused once the library has begun with another level, which is then that of the process. */
  if (net_cpu() == NET_CPU_AVX2) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  dnnl_status_t status = dnnl_engine_create(&context->engine, dnnl_cpu, 0);
  if (status == dnnl_success)
    status = dnnl_stream_create(&context->stream, context->engine, dnnl_stream_default_flags);
  return status == dnnl_success ? LEUKO_OK : failed(status, "starting", error);
}

void dnn_close(dnn_context *context) {
  if (context->stream) dnnl_stream_destroy(context->stream);
  if (context->engine) dnnl_engine_destroy(context->engine);
  *context = (dnn_context){0};
}

static dnnl_memory_desc_t format(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t out;
  memset(&out, 0, sizeof out);
  dnnl_memory_desc_init_by_tag(&out, rank, dims, dnnl_f32, tag);
  return out;
}

dnnl_memory_desc_t dnn_activation(int batch, net_shape shape, net_layout layout) {
  static const dnnl_format_tag_t tags[] = {
      [NET_NHWC] = dnnl_nhwc, [NET_NCHW] = dnnl_nchw, [NET_NCHW16C] = dnnl_nChw16c};
  return format(4, (dnnl_dims_t){batch, shape.c, shape.h, shape.w}, tags[layout]);
}

dnnl_memory_desc_t dnn_vector(int count) {
  return format(1, (dnnl_dims_t){count}, dnnl_x);
}

static dnnl_memory_desc_t kernel_format(const net_step *step, dnnl_format_tag_t tag) {
  int side = step->node->attributes.kernel;
  return format(4, (dnnl_dims_t){step->out.c, step->in.c, side, side}, tag);
}

dnnl_memory_desc_t dnn_kernel(const net_step *step) {
  return kernel_format(step, dnnl_hwio);
}

size_t dnn_bytes(const dnnl_memory_desc_t *description) {
  return dnnl_memory_desc_get_size(description);
}

const dnnl_memory_desc_t *dnn_format(const dnn_op *op, int arg) {
  return dnnl_primitive_desc_query_md(op->desc, dnnl_query_exec_arg_md, arg);
}

size_t dnn_scratch(const dnn_op *op) {
  return op->desc ? dnn_bytes(dnnl_primitive_desc_query_md(op->desc, dnnl_query_scratchpad_md, 0))
                  : 0;
}

size_t dnn_workspace(const dnn_op *op) {
  return dnn_bytes(dnnl_primitive_desc_query_md(op->desc, dnnl_query_workspace_md, 0));
}

/* Makes the primitive and memory objects for those of `args` (ends with 0) that it has, and for
 * scratch and workspace. */
static leuko_status finish(const dnn_context *context, dnnl_primitive_desc_t desc, const int *args,
                           dnn_op *op, const char *what, leuko_error *error) {
  *op = (dnn_op){0};
  const char *name = "";
  dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, (void *)&name);
  snprintf(op->implementation, sizeof op->implementation, "%s", name);
  dnnl_status_t status = dnnl_primitive_create(&op->primitive, desc);
  dnnl_primitive_desc_destroy(desc);
  if (status == dnnl_success) status = dnnl_primitive_get_primitive_desc(op->primitive, &op->desc);
  static const int internal[] = {DNNL_ARG_SCRATCHPAD, DNNL_ARG_WORKSPACE, 0};
  for (int pass = 0; pass < 2; pass++)
    for (const int *arg = pass ? internal : args; *arg && status == dnnl_success; arg++) {
      const dnnl_memory_desc_t *format_of = dnn_format(op, *arg);
      if (!format_of || dnn_bytes(format_of) == 0) continue;
      if (op->arg_count == DNN_MAX_ARGS) {
        status = dnnl_runtime_error;
        break;
      }
      dnnl_exec_arg_t *slot = &op->args[op->arg_count];
      slot->arg = *arg;
      status = dnnl_memory_create(&slot->memory, format_of, context->engine, DNNL_MEMORY_NONE);
      if (status == dnnl_success) op->arg_count++;
    }
  if (status == dnnl_success) return LEUKO_OK;
  dnn_release(op);
  return failed(status, what, error);
}

static leuko_status build(const dnn_context *context, const void *description,
                          const dnn_op *forward, bool relu, const int *args, dnn_op *op,
                          const char *what, leuko_error *error) {
  dnnl_primitive_attr_t attributes;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status != dnnl_success) return failed(status, what, error);
  status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  dnnl_post_ops_t after = NULL;
  if (status == dnnl_success && relu) {
    status = dnnl_post_ops_create(&after);
    if (status == dnnl_success)
      status = dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, after);
  }
  dnnl_primitive_desc_t desc = NULL;
  if (status == dnnl_success)
    status = dnnl_primitive_desc_create(&desc, description, attributes, context->engine,
                                        forward ? forward->desc : NULL);
  if (after) dnnl_post_ops_destroy(after);
  dnnl_primitive_attr_destroy(attributes);
  if (status != dnnl_success) return failed(status, what, error);
  return finish(context, desc, args, op, what, error);
}

typedef struct {
  dnnl_memory_desc_t in, out, kernel, bias;
  dnnl_dims_t strides, pads, window;
} shapes;

static shapes shapes_of(const net_step *step, dnnl_format_tag_t kernel) {
  const net_attributes *a = &step->node->attributes;
  shapes s = {.in = dnn_activation(step->batch, step->in, step->in_layout),
              .out = dnn_activation(step->batch, step->out, step->out_layout),
              .bias = dnn_vector(step->out.c),
              .strides = {a->stride, a->stride},
              .pads = {a->pad, a->pad},
              .window = {a->kernel, a->kernel}};
  if (step->op == NET_CONV2D) s.kernel = kernel_format(step, kernel);
  return s;
}

static dnnl_alg_kind_t algorithm(const net_step *step) {
  return step->winograd ? dnnl_convolution_auto : dnnl_convolution_direct;
}

/* The padding behind: what is left over so that the window lands on the output's last value. */
static void pads_behind(const net_step *step, dnnl_dims_t out) {
  const net_attributes *a = &step->node->attributes;
  out[0] = (step->out.h - 1) * a->stride + a->kernel - a->pad - step->in.h;
  out[1] = (step->out.w - 1) * a->stride + a->kernel - a->pad - step->in.w;
}

leuko_status dnn_convolution(const dnn_context *context, const net_step *step, dnn_op *op,
                             leuko_error *error) {
  shapes s = shapes_of(step, dnnl_format_tag_any);
  dnnl_dims_t behind;
  pads_behind(step, behind);
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_convolution_forward_desc_init(
      &d, step->training ? dnnl_forward_training : dnnl_forward_inference, algorithm(step), &s.in,
      &s.kernel, step->node->attributes.bias || !step->training ? &s.bias : NULL, &s.out, s.strides,
      s.pads, behind);
  if (status != dnnl_success) return failed(status, "describing a convolution", error);
  static const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, 0};
  return build(context, &d, NULL, step->relu, args, op, "a convolution", error);
}

leuko_status dnn_convolution_data(const dnn_context *context, const net_step *step,
                                  const dnn_op *forward, dnn_op *op, leuko_error *error) {
  shapes s = shapes_of(step, dnnl_format_tag_any);
  dnnl_dims_t behind;
  pads_behind(step, behind);
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_convolution_backward_data_desc_init(
      &d, algorithm(step), &s.in, &s.kernel, &s.out, s.strides, s.pads, behind);
  if (status != dnnl_success) return failed(status, "describing a convolution", error);
  static const int args[] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, 0};
  return build(context, &d, forward, false, args, op, "a convolution's way back", error);
}

leuko_status dnn_convolution_weights(const dnn_context *context, const net_step *step,
                                     const dnn_op *forward, dnn_op *op, leuko_error *error) {
  shapes s = shapes_of(step, dnnl_format_tag_any);
  dnnl_dims_t behind;
  pads_behind(step, behind);
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_convolution_backward_weights_desc_init(
      &d, algorithm(step), &s.in, &s.kernel, step->node->attributes.bias ? &s.bias : NULL, &s.out,
      s.strides, s.pads, behind);
  if (status != dnnl_success) return failed(status, "describing a convolution", error);
  static const int args[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                             DNNL_ARG_DIFF_BIAS, 0};
  return build(context, &d, forward, false, args, op, "a convolution's weights' gradient", error);
}

typedef struct {
  dnnl_memory_desc_t in, out, kernel, bias;
} dense_shapes;

static dense_shapes dense_shapes_of(const net_step *step) {
  return (dense_shapes){
      .in = format(2, (dnnl_dims_t){step->batch, step->in.c}, dnnl_nc),
      .out = format(2, (dnnl_dims_t){step->batch, step->out.c}, dnnl_nc),
      .kernel = format(2, (dnnl_dims_t){step->out.c, step->in.c}, dnnl_io),
      .bias = dnn_vector(step->out.c),
  };
}

leuko_status dnn_dense(const dnn_context *context, const net_step *step, dnn_op *op,
                       leuko_error *error) {
  dense_shapes s = dense_shapes_of(step);
  dnnl_inner_product_desc_t d;
  dnnl_status_t status = dnnl_inner_product_forward_desc_init(
      &d, step->training ? dnnl_forward_training : dnnl_forward_inference, &s.in, &s.kernel,
      &s.bias, &s.out);
  if (status != dnnl_success) return failed(status, "describing a dense layer", error);
  static const int args[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, 0};
  return build(context, &d, NULL, step->relu, args, op, "a dense layer", error);
}

leuko_status dnn_dense_data(const dnn_context *context, const net_step *step, const dnn_op *forward,
                            dnn_op *op, leuko_error *error) {
  dense_shapes s = dense_shapes_of(step);
  dnnl_inner_product_desc_t d;
  dnnl_status_t status = dnnl_inner_product_backward_data_desc_init(&d, &s.in, &s.kernel, &s.out);
  if (status != dnnl_success) return failed(status, "describing a dense layer", error);
  static const int args[] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, 0};
  return build(context, &d, forward, false, args, op, "a dense layer's way back", error);
}

leuko_status dnn_dense_weights(const dnn_context *context, const net_step *step,
                               const dnn_op *forward, dnn_op *op, leuko_error *error) {
  dense_shapes s = dense_shapes_of(step);
  dnnl_inner_product_desc_t d;
  dnnl_status_t status =
      dnnl_inner_product_backward_weights_desc_init(&d, &s.in, &s.kernel, &s.bias, &s.out);
  if (status != dnnl_success) return failed(status, "describing a dense layer", error);
  static const int args[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                             DNNL_ARG_DIFF_BIAS, 0};
  return build(context, &d, forward, false, args, op, "a dense layer's weights' gradient", error);
}

static dnnl_alg_kind_t pooling_kind(const net_step *step, shapes *s, dnnl_dims_t behind) {
  if (step->op == NET_MAXPOOL) {
    pads_behind(step, behind);
    /* What the last window does not reach is not padding. */
    for (int i = 0; i < 2; i++)
      if (behind[i] < 0) behind[i] = 0;
    return dnnl_pooling_max;
  }
  for (int i = 0; i < 2; i++) {
    s->strides[i] = 1;
    s->pads[i] = behind[i] = 0;
    s->window[i] = i ? step->in.w : step->in.h;
  }
  return dnnl_pooling_avg_exclude_padding;
}

leuko_status dnn_pooling(const dnn_context *context, const net_step *step, dnn_op *op,
                         leuko_error *error) {
  shapes s = shapes_of(step, dnnl_format_tag_any);
  dnnl_dims_t behind;
  dnnl_alg_kind_t kind = pooling_kind(step, &s, behind);
  dnnl_pooling_desc_t d;
  dnnl_status_t status = dnnl_pooling_forward_desc_init(
      &d, step->training ? dnnl_forward_training : dnnl_forward_inference, kind, &s.in, &s.out,
      s.strides, s.window, s.pads, behind);
  if (status != dnnl_success) return failed(status, "describing a pooling", error);
  static const int args[] = {DNNL_ARG_SRC, DNNL_ARG_DST, 0};
  return build(context, &d, NULL, false, args, op, "a pooling", error);
}

leuko_status dnn_pooling_data(const dnn_context *context, const net_step *step,
                              const dnn_op *forward, dnn_op *op, leuko_error *error) {
  shapes s = shapes_of(step, dnnl_format_tag_any);
  dnnl_dims_t behind;
  dnnl_alg_kind_t kind = pooling_kind(step, &s, behind);
  dnnl_pooling_desc_t d;
  dnnl_status_t status =
      dnnl_pooling_backward_desc_init(&d, kind, &s.in, &s.out, s.strides, s.window, s.pads, behind);
  if (status != dnnl_success) return failed(status, "describing a pooling", error);
  static const int args[] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST, 0};
  return build(context, &d, forward, false, args, op, "a pooling's way back", error);
}

static unsigned norm_flags(const net_step *step) {
  unsigned flags = dnnl_use_scale | dnnl_use_shift;
  return step->training ? flags : flags | dnnl_use_global_stats;
}

leuko_status dnn_batchnorm(const dnn_context *context, const net_step *step, dnn_op *op,
                           leuko_error *error) {
  dnnl_memory_desc_t in = dnn_activation(step->batch, step->in, step->in_layout);
  dnnl_batch_normalization_desc_t d;
  dnnl_status_t status = dnnl_batch_normalization_forward_desc_init(
      &d, step->training ? dnnl_forward_training : dnnl_forward_inference, &in,
      step->node->attributes.epsilon, norm_flags(step));
  if (status != dnnl_success) return failed(status, "describing a batch normalization", error);
  static const int args[] = {DNNL_ARG_SRC,
                             DNNL_ARG_DST,
                             DNNL_ARG_MEAN,
                             DNNL_ARG_VARIANCE,
                             DNNL_ARG_SCALE,
                             DNNL_ARG_SHIFT,
                             0};
  return build(context, &d, NULL, false, args, op, "a batch normalization", error);
}

leuko_status dnn_batchnorm_back(const dnn_context *context, const net_step *step,
                                const dnn_op *forward, dnn_op *op, leuko_error *error) {
  dnnl_memory_desc_t in = dnn_activation(step->batch, step->in, step->in_layout);
  dnnl_batch_normalization_desc_t d;
  dnnl_status_t status = dnnl_batch_normalization_backward_desc_init(
      &d, dnnl_backward, &in, &in, step->node->attributes.epsilon, norm_flags(step));
  if (status != dnnl_success) return failed(status, "describing a batch normalization", error);
  /* The shift is not needed here, but version 2 counts it among the arguments. */
  static const int args[] = {DNNL_ARG_SRC,        DNNL_ARG_DIFF_SRC,
                             DNNL_ARG_DIFF_DST,   DNNL_ARG_MEAN,
                             DNNL_ARG_VARIANCE,   DNNL_ARG_SCALE,
                             DNNL_ARG_SHIFT,      DNNL_ARG_DIFF_SCALE,
                             DNNL_ARG_DIFF_SHIFT, 0};
  return build(context, &d, forward, false, args, op, "a batch normalization's way back", error);
}

leuko_status dnn_reorder(const dnn_context *context, const dnnl_memory_desc_t *from,
                         const dnnl_memory_desc_t *to, dnn_op *op, leuko_error *error) {
  /* Some reorders need scratch, too (into Winograd's kernel format); it is the library's own. */
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status =
      dnnl_reorder_primitive_desc_create(&desc, from, context->engine, to, context->engine, NULL);
  if (status != dnnl_success) return failed(status, "describing a reorder", error);
  static const int args[] = {DNNL_ARG_FROM, DNNL_ARG_TO, 0};
  return finish(context, desc, args, op, "a reorder", error);
}

void dnn_set(dnn_op *op, int arg, const void *data) {
  for (int i = 0; i < op->arg_count; i++)
    if (op->args[i].arg == arg)
      dnnl_memory_set_data_handle(op->args[i].memory, (void *)(uintptr_t)data);
}

leuko_status dnn_run(const dnn_context *context, const dnn_op *op, leuko_error *error) {
  dnnl_status_t status =
      dnnl_primitive_execute(op->primitive, context->stream, op->arg_count, op->args);
  if (status == dnnl_success) status = dnnl_stream_wait(context->stream);
  return status == dnnl_success ? LEUKO_OK : failed(status, op->implementation, error);
}

void dnn_release(dnn_op *op) {
  for (int i = 0; i < op->arg_count; i++) dnnl_memory_destroy(op->args[i].memory);
  if (op->primitive) dnnl_primitive_destroy(op->primitive);
  *op = (dnn_op){0};
}
