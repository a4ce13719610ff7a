#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "net/learn/learn.h"
#include "net/product.h"

/* A dense kernel so large that reading it takes the time. Smaller ones, such as those of the last
 * layers, stay in float32, and all of their rows are read. */
#define LARGE_KERNEL ((size_t)1 << 18)

struct net_kernel {
  net_step step;
  learn_shape s;
  learn_winograd *forward, *to_data;
  learn_matrix *matrix, *matrix_to_data; /* in these two's place */
  learn_first *first;
  uint32_t *list; /* of tiles that are computed: room for all */
  char implementation[48];
};

static bool is_first(const net_step *step) {
  return step->in.c <= 4 && !step->need_dx;
}

/* Whether the matrix unit computes it. */
static bool on_matrix(const net_step *step) {
  const net_attributes *a = &step->node->attributes;
  if (step->op != NET_CONV2D || is_first(step) || step->precision != NET_BF16) return false;
  if (!element_matrix() || step->in.c % ELEMENT_STEP || step->out.c % ELEMENT_STEP) return false;
  if (a->kernel == 3) return a->stride == 1 && a->pad <= 2;
  return a->kernel == 1 && a->pad == 0 && (a->stride == 1 || !step->pool);
}

static bool choose_conv2d(net_step *step, bool bf16) {
  const net_attributes *a = &step->node->attributes;
  if (step->add || step->out.c % ELEMENT_STEP) return false;
  if (on_matrix(step)) {
    /* Reading float32 saves the way there and back. */
    if (step->in_layout != NET_NHWC_BF16) step->in_layout = NET_NHWC;
    step->out_layout = NET_NHWC_BF16;
    return true;
  }
  step->in_layout = step->out_layout = bf16 ? NET_NHWC_BF16 : NET_NHWC;
  if (is_first(step)) {
    step->in_layout = NET_NHWC;
    return true;
  }
  return step->winograd && a->kernel == 3 && a->stride == 1 && a->pad <= 2 &&
         step->in.c % ELEMENT_STEP == 0;
}

static bool is_large(const net_step *step) {
  return (size_t)step->in.c * (size_t)step->out.c >= LARGE_KERNEL;
}

/* Whether only those rows of a dense kernel are read that the batch needs. In float32 whatever the
 * precision: it is reading the kernel that takes the time. */
static bool by_rows(const net_step *step) {
  return step->op == NET_DENSE && step->row_watch.call && !step->need_dx && step->out.c % 16 == 0 &&
         is_large(step);
}

static bool choose_dense(net_step *step, bool bf16) {
  step->in_layout = step->out_layout = NET_NHWC;
  if (by_rows(step)) return true;
  step->in_layout = NET_NHWC_BF16;
  return bf16 && step->in.c % PRODUCT_WIDTH == 0 && step->out.c % PRODUCT_WIDTH == 0 &&
         is_large(step);
}

/* Whether what lies between convolutions on the matrix unit is in bfloat16: memory sets its pace.
 */
static bool stays_narrow(const net_step *step) {
  return element_matrix() && step->in_layout == NET_NHWC_BF16 && step->in.c % ELEMENT_STEP == 0;
}

static bool learn_choose(net_step *step) {
  const bool bf16 = step->precision == NET_BF16;
  if (!step->training || (bf16 && !element_narrow())) return false;
  switch (step->op) {
  case NET_CONV2D:
    return choose_conv2d(step, bf16);
  case NET_DENSE:
    return choose_dense(step, bf16);
  case NET_BATCHNORM:
    step->out_layout = NET_NHWC_BF16;
    return bf16 && stays_narrow(step);
  case NET_ADD:
    if (net_layout_bytes(step->in_layout) != sizeof(float) && !stays_narrow(step))
      step->in_layout = NET_NHWC;
    step->out_layout = step->in_layout;
    return true;
  default:
    return false;
  }
}

static void learn_release(net_kernel *k) {
  if (!k) return;
  learn_winograd_free(k->forward);
  learn_winograd_free(k->to_data);
  learn_matrix_free(k->matrix);
  learn_matrix_free(k->matrix_to_data);
  learn_first_free(k->first);
  free(k->list);
  free(k);
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static leuko_status new_list(net_kernel *k, leuko_error *error) {
  const learn_shape *t = &k->s;
  const int side = learn_winograd_side(t->pool), back = learn_winograd_side(false);
  const size_t count = larger(learn_tiles_listed(t->out, side, t->batch, NULL, NULL).count,
                              learn_tiles_listed(t->in, back, t->batch, NULL, NULL).count);
  k->list = malloc(count * sizeof *k->list);
  return k->list ? LEUKO_OK : error_set_memory(error, count * sizeof *k->list);
}

static leuko_status prepare_matrix(net_kernel *k, size_t *scratch, leuko_error *error) {
  size_t more = learn_flat_scratch(&k->s);
  leuko_status status = learn_matrix_new(&k->s, false, &k->matrix, scratch, error);
  *scratch = larger(*scratch, larger(more, learn_matrix_gradient_scratch(&k->s)));
  if (status != LEUKO_OK || !k->step.need_dx) return status;
  status = learn_matrix_new(&k->s, true, &k->matrix_to_data, &more, error);
  if (status == LEUKO_OK) *scratch = larger(*scratch, more);
  return status;
}

static leuko_status prepare_conv2d(net_kernel *k, size_t *scratch, leuko_error *error) {
  const net_step *step = &k->step;
  const net_attributes *a = &step->node->attributes;
  k->s = (learn_shape){.batch = step->batch,
                       .threads = step->threads,
                       .in = step->in,
                       .plain = step->node->shape,
                       .out = step->out,
                       .kernel = a->kernel,
                       .stride = a->stride,
                       .pad = a->pad,
                       .relu = step->relu,
                       .pool = step->pool,
                       .bf16 = step->out_layout == NET_NHWC_BF16,
                       .in_bf16 = step->in_layout == NET_NHWC_BF16};
  size_t more = learn_flat_scratch(&k->s);
  leuko_status status;
  if (is_first(step)) {
    status = learn_first_new(&k->s, &k->first, scratch, error);
    *scratch = larger(*scratch, more);
    return status;
  }
  if (on_matrix(step)) return prepare_matrix(k, scratch, error);
  status = learn_winograd_new(&k->s, false, &k->forward, scratch, error);
  *scratch = larger(*scratch, larger(more, learn_winograd_gradient_scratch(&k->s)));
  if (status == LEUKO_OK) status = new_list(k, error);
  if (status != LEUKO_OK || !step->need_dx) return status;
  status = learn_winograd_new(&k->s, true, &k->to_data, &more, error);
  if (status == LEUKO_OK) *scratch = larger(*scratch, more);
  return status;
}

/* Whether a step in bfloat16 is none. */
static bool keeps_wide(const net_step *step) {
  return by_rows(step) || (step->op == NET_ADD && step->out_layout != NET_NHWC_BF16);
}

static leuko_status learn_prepare(const net_step *step, net_kernel **out, size_t *workspace,
                                  size_t *scratch, leuko_error *error) {
  *out = NULL;
  net_kernel *k = calloc(1, sizeof *k);
  if (!k) return error_set_memory(error, sizeof *k);
  k->step = *step;
  *workspace = 0;
  leuko_status status = LEUKO_OK;
  const char *kind = "dense";
  if (step->op == NET_ADD) {
    kind = "add";
    *scratch = 0;
  } else if (step->op == NET_BATCHNORM) {
    kind = "norm";
    *workspace = learn_norm_workspace(step);
    *scratch = learn_norm_scratch(step);
  } else if (step->op == NET_CONV2D) {
    status = prepare_conv2d(k, scratch, error);
    if (step->pool) *workspace = (size_t)step->batch * net_shape_size(step->out);
    kind = k->first || k->matrix ? "direct" : "winograd_4x4";
  } else if (by_rows(step)) {
    kind = "dense_rows";
    *workspace = learn_rows_workspace(step);
    *scratch = learn_rows_scratch(step);
  } else {
    *scratch = learn_dense_scratch(step);
  }
  if (status != LEUKO_OK) {
    learn_release(k);
    return status;
  }
  snprintf(k->implementation, sizeof k->implementation, "%s%s:%s%s", kind,
           step->pool ? "+pool" : "", k->matrix ? "amx" : LEVEL_NAME,
           step->precision == NET_BF16 && !keeps_wide(step) ? "_bf16" : "");
  *out = k;
  return LEUKO_OK;
}

static leuko_status learn_bind(net_kernel *k, const float *const params[NET_MAX_PARAMS],
                               leuko_error *error) {
  (void)error;
  if (k->forward) learn_winograd_bind(k->forward, params[0]);
  if (k->to_data) learn_winograd_bind(k->to_data, params[0]);
  if (k->matrix) learn_matrix_bind(k->matrix, params[0]);
  if (k->matrix_to_data) learn_matrix_bind(k->matrix_to_data, params[0]);
  if (k->first) learn_first_bind(k->first, params[0]);
  return LEUKO_OK;
}

static learn_source input_source(const net_kernel *k, const net_call *call) {
  return (learn_source){.values = (const char *)call->x[0],
                        .stored = k->s.in,
                        .computed = call->flat_in.computed,
                        .flat = call->flat_in.pixel};
}

/* The tiles of the output in which something is computed. */
static learn_tiles output_tiles(const net_kernel *k, const net_call *call) {
  return learn_tiles_listed(k->s.out, learn_winograd_side(k->s.pool), k->s.batch,
                            call->flat_out.computed, k->list);
}

/* Whether the convolution's input is in bfloat16. */
static bool narrow_input(const net_kernel *k) {
  return k->step.in_layout == NET_NHWC_BF16;
}

static leuko_status learn_forward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)error;
  const learn_source x = input_source(k, call);
  if (k->forward) {
    const learn_tiles computed = output_tiles(k, call);
    learn_winograd_run(k->forward, &computed, &x, call->params[1], call->y, call->workspace,
                       call->scratch);
  } else if (k->matrix) {
    learn_matrix_run(k->matrix, call->flat_out.computed, &x, call->params[1], call->y,
                     call->workspace, call->scratch);
  } else if (k->first) {
    learn_first_forward(k->first, call);
  } else if (k->step.op == NET_ADD) {
    learn_add_forward(&k->step, call);
  } else if (k->step.op == NET_BATCHNORM) {
    learn_norm_forward(&k->step, call);
  } else if (by_rows(&k->step)) {
    learn_rows_forward(&k->step, call);
  } else {
    learn_dense_forward(&k->step, call);
  }
  if (k->step.op == NET_CONV2D) learn_flat_forward(&k->s, call, narrow_input(k));
  return LEUKO_OK;
}

static leuko_status learn_backward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)error;
  if (k->step.op == NET_ADD || k->step.op == NET_BATCHNORM) {
    if (k->step.op == NET_ADD) learn_add_backward(&k->step, call);
    else learn_norm_backward(&k->step, call);
    return LEUKO_OK;
  }
  if (k->step.op == NET_DENSE) {
    if (by_rows(&k->step)) learn_rows_backward(&k->step, call);
    else learn_dense_backward(&k->step, call);
    return LEUKO_OK;
  }
  learn_flat_gather(&k->s, call);
  const bool wanted = call->grads[0] || call->grads[1];
  if (k->first) {
    if (wanted) learn_first_backward(k->first, call);
    learn_flat_backward(&k->s, call, narrow_input(k));
    return LEUKO_OK;
  }
  const learn_source x = input_source(k, call), dy = learn_gradient_source(&k->s, call);
  if (k->matrix) {
    if (wanted)
      learn_matrix_gradient(&k->s, call->flat_out.computed, &x, &dy, call->grads[0], call->grads[1],
                            call->scratch);
    if (call->dx[0] && k->matrix_to_data)
      learn_matrix_run(k->matrix_to_data, call->flat_in.computed, &dy, NULL, call->dx[0], NULL,
                       call->scratch);
    learn_flat_backward(&k->s, call, narrow_input(k));
    return LEUKO_OK;
  }
  if (wanted) {
    const learn_tiles computed = output_tiles(k, call);
    learn_winograd_gradient(&k->s, &computed, &x, &dy, call->grads[0], call->grads[1],
                            call->scratch);
  }
  if (call->dx[0] && k->to_data) {
    const learn_tiles computed = learn_tiles_listed(k->s.in, learn_winograd_side(false), k->s.batch,
                                                    call->flat_in.computed, k->list);
    learn_winograd_run(k->to_data, &computed, &dy, NULL, call->dx[0], NULL, call->scratch);
  }
  learn_flat_backward(&k->s, call, narrow_input(k));
  return LEUKO_OK;
}

static const char *learn_implementation(const net_kernel *k) {
  return k->implementation;
}

extern const net_backend LEVEL(net_backend_learn); /* net/levels.c */
const net_backend LEVEL(net_backend_learn) = {
    .name = "learn",
    .flat = true,
    .choose = learn_choose,
    .prepare = learn_prepare,
    .bind = learn_bind,
    .forward = learn_forward,
    .backward = learn_backward,
    .implementation = learn_implementation,
    .release = learn_release,
};
