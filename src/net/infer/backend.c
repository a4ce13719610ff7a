#include <stdlib.h>

#include "base/error.h"
#include "net/element.h"
#include "net/infer/infer.h"

struct net_kernel {
  infer_shape s;
  net_op op;
  char *zeros;
  float *units;             /* of an output in bytes */
  infer_winograd *winograd; /* one of the four, for a convolution */
  infer_first *first;
  infer_matrix *matrix;
  infer_direct *direct;
};

static bool few_channels(const net_step *step) {
  return step->in.c <= 4;
}

/* Whether the channels that come in are a whole number of steps. */
static bool whole_steps(const net_step *step) {
  return step->in.c % (step->in_layout == NET_NHWC_U8 ? ELEMENT_BYTES_STEP : ELEMENT_STEP) == 0;
}

/* Whether the matrix unit computes it: from bytes, or where 16 bits are to be bfloat16. */
static bool is_matrix(const net_step *step) {
  const net_attributes *a = &step->node->attributes;
  const bool bfloat16 = step->bfloat16 && step->precision == NET_BF16 && !few_channels(step);
  return (step->in_layout == NET_NHWC_U8 || bfloat16) && whole_steps(step) &&
         infer_matrix_takes(a->kernel, a->stride, step->pool);
}

static bool is_winograd(const net_step *step) {
  const net_attributes *a = &step->node->attributes;
  return !is_matrix(step) && a->kernel == 3 && a->stride == 1 && step->in.c % ELEMENT_STEP == 0 &&
         step->winograd && !step->add && step->in_layout != NET_NHWC_U8;
}

/* Bytes are read where the producer gives them, and given where the plan has a scale for them. */
static bool choose_convolution(net_step *step, net_layout layout) {
  const bool vectors = whole_steps(step);
  if (step->out.c % ELEMENT_STEP || (!vectors && !few_channels(step))) return false;
  if (step->add && step->pool) return false;
  /* Products that are pooled one by one are not in half precision. */
  if (layout == NET_NHWC_F16 && step->pool && !few_channels(step) && !is_winograd(step) &&
      !is_matrix(step))
    return false;
  if (few_channels(step)) step->in_layout = NET_NHWC;
  else if (step->in_layout != NET_NHWC_U8) step->in_layout = layout;
  if (step->add_layout != NET_NHWC_U8) step->add_layout = layout;
  /* Bytes are pooled by the matrix unit alone, and into bytes also by the first layer's kernel. */
  const bool whole = !step->pool || few_channels(step) || is_matrix(step);
  const bool bytes = step->out_scales && step->relu && whole && element_has_bytes();
  step->out_layout = bytes ? NET_NHWC_U8 : layout;
  return step->in_layout != NET_NHWC_U8 || !step->pool || is_matrix(step);
}

static bool infer_choose(net_step *step) {
  if (step->training) return false;
  const bool narrow = step->precision == NET_BF16 && element_narrow();
  const bool half = element_half() && !step->bfloat16;
  const net_layout layout = !narrow ? NET_NHWC : half ? NET_NHWC_F16 : NET_NHWC_BF16;
  const bool vectors = whole_steps(step);
  switch (step->op) {
  case NET_CONV2D:
    return choose_convolution(step, layout);
  case NET_MAXPOOL:
    if (step->in_layout != NET_NHWC_U8) step->in_layout = layout;
    step->out_layout = step->in_layout;
    return vectors && step->node->attributes.kernel <= 8;
  case NET_AVGPOOL:
    step->in_layout = layout;
    step->out_layout = NET_NHWC;
    return vectors;
  default:
    return false;
  }
}

/* Whether the products of a convolution are in half precision. */
static bool in_half(const infer_shape *s, const net_step *step, bool winograd) {
  if (!element_half()) return false;
  if (few_channels(step))
    return (step->half || step->precision == NET_BF16) && infer_first_half(s, step->in_largest);
  const bool may = s->in_type == ELEMENT_F16 || (s->in_type == ELEMENT_F32 && step->half);
  return may && (winograd || !s->pool);
}

/* Whether they are in whole numbers of 16 bits. */
static bool in_words(const infer_shape *s, const net_step *step, bool winograd) {
  if (!element_words() || !(step->half || step->precision == NET_BF16)) return false;
  if (few_channels(step)) return infer_first_words(s, step->in_largest);
  return winograd || (s->in_type == ELEMENT_F32 && !s->pool);
}

static const float *scales_of(net_layout layout, const float *scales) {
  return layout == NET_NHWC_U8 ? scales : NULL;
}

/* How many of its bytes' units one is, in each channel of an output in bytes. */
static leuko_status take_units(net_kernel *k, const net_step *step, leuko_error *error) {
  if (step->out_layout != NET_NHWC_U8 || step->op != NET_CONV2D) return LEUKO_OK;
  const size_t channels = (size_t)step->out.c;
  k->units = malloc(channels * sizeof *k->units);
  if (!k->units) return error_set_memory(error, channels * sizeof *k->units);
  for (size_t c = 0; c < channels; c++) k->units[c] = 1 / step->out_scales[c];
  k->s.out_units = k->units;
  return LEUKO_OK;
}

static void infer_release(net_kernel *k) {
  if (!k) return;
  infer_winograd_free(k->winograd);
  infer_first_free(k->first);
  infer_matrix_free(k->matrix);
  infer_direct_free(k->direct);
  free(k->zeros);
  free(k->units);
  free(k);
}

static leuko_status infer_prepare(const net_step *step, net_kernel **out, size_t *workspace,
                                  size_t *scratch, leuko_error *error) {
  const net_attributes *a = &step->node->attributes;
  net_kernel *k = calloc(1, sizeof *k);
  *out = NULL;
  if (!k) return error_set_memory(error, sizeof *k);
  k->op = step->op;
  k->zeros = calloc((size_t)step->in.c * (size_t)(a->kernel > 0 ? a->kernel : 1), sizeof(float));
  k->s = (infer_shape){.in = step->in,
                       .out = step->out,
                       .plain = step->out,
                       .kernel = a->kernel,
                       .stride = a->stride,
                       .pad = a->pad,
                       .relu = step->relu,
                       .pool = step->pool,
                       .add = step->add,
                       .in_type = element_of(step->in_layout),
                       .out_type = element_of(step->out_layout),
                       .add_type = element_of(step->add_layout),
                       .in_scales = scales_of(step->in_layout, step->in_scales),
                       .add_scales = scales_of(step->add_layout, step->add_scales),
                       .threads = step->threads,
                       .zeros = k->zeros};
  *workspace = 0;
  *scratch = infer_list_bytes(&k->s, step->batch, 1);
  leuko_status status = k->zeros ? LEUKO_OK : error_set_memory(error, sizeof *k);
  if (status == LEUKO_OK) status = take_units(k, step, error);
  if (status == LEUKO_OK && step->op == NET_CONV2D) {
    k->s.plain.h = (step->in.h + 2 * a->pad - a->kernel) / a->stride + 1;
    k->s.plain.w = (step->in.w + 2 * a->pad - a->kernel) / a->stride + 1;
    const bool winograd = is_winograd(step);
    k->s.half = in_half(&k->s, step, winograd);
    k->s.words = in_words(&k->s, step, winograd);
    k->s.in_largest = step->in_largest;
    if (winograd) status = infer_winograd_new(&k->s, step->batch, &k->winograd, scratch, error);
    else if (few_channels(step)) status = infer_first_new(&k->s, &k->first, scratch, error);
    else if (is_matrix(step))
      status = infer_matrix_new(&k->s, step->batch, &k->matrix, scratch, error);
    else status = infer_direct_new(&k->s, step->batch, &k->direct, scratch, error);
  }
  if (status == LEUKO_OK) *out = k;
  else infer_release(k);
  return status;
}

static leuko_status infer_bind(net_kernel *k, const float *const params[NET_MAX_PARAMS],
                               leuko_error *error) {
  if (k->winograd) return infer_winograd_bind(k->winograd, params[0], error);
  if (k->first) infer_first_bind(k->first, params[0], params[1]);
  if (k->matrix) infer_matrix_bind(k->matrix, params[0], params[1]);
  if (k->direct) infer_direct_bind(k->direct, params[0], params[1]);
  return LEUKO_OK;
}

static leuko_status infer_forward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)error;
  if (k->winograd) infer_winograd_run(k->winograd, call);
  else if (k->first) infer_first_run(k->first, call);
  else if (k->matrix) infer_matrix_run(k->matrix, call);
  else if (k->direct) infer_direct_run(k->direct, call);
  else if (k->op == NET_MAXPOOL) infer_maxpool(&k->s, call);
  else infer_avgpool(&k->s, call);
  return LEUKO_OK;
}

static leuko_status infer_backward(net_kernel *k, const net_call *call, leuko_error *error) {
  (void)k;
  (void)call;
  return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "an inference step only");
}

static const char *infer_implementation(const net_kernel *k) {
  static const char *const names[2][3][2] = {
      {{"direct:" LEVEL_NAME, "direct+pool:" LEVEL_NAME},
       {"direct:" LEVEL_NAME "_bf16", "direct+pool:" LEVEL_NAME "_bf16"},
       {"direct:" LEVEL_NAME "_fp16", "direct+pool:" LEVEL_NAME "_fp16"}},
      {{"winograd_4x4:" LEVEL_NAME, "winograd_4x4+pool:" LEVEL_NAME},
       {"winograd_4x4:" LEVEL_NAME "_bf16", "winograd_4x4+pool:" LEVEL_NAME "_bf16"},
       {"winograd_4x4:" LEVEL_NAME "_fp16", "winograd_4x4+pool:" LEVEL_NAME "_fp16"}}};
  static const char *const in_words_names[2][2] = {
      {"direct:" LEVEL_NAME "_int16", "direct+pool:" LEVEL_NAME "_int16"},
      {"winograd_4x4:" LEVEL_NAME "_int16", "winograd_4x4+pool:" LEVEL_NAME "_int16"}};
  static const char *const pools[] = {[ELEMENT_F32] = "pool:" LEVEL_NAME,
                                      [ELEMENT_BF16] = "pool:" LEVEL_NAME "_bf16",
                                      [ELEMENT_F16] = "pool:" LEVEL_NAME "_fp16",
                                      [ELEMENT_U8] = "pool:" LEVEL_NAME "_int8"};
  if (k->op != NET_CONV2D) return pools[k->s.in_type];
  if (k->matrix && k->s.in_type == ELEMENT_BF16)
    return k->s.pool ? "direct+pool:amx_bf16" : "direct:amx_bf16";
  if (k->matrix) return k->s.pool ? "direct+pool:amx_int8" : "direct:amx_int8";
  if (k->s.in_type == ELEMENT_U8) return "direct:" LEVEL_NAME "_int8";
  if (k->s.words) return in_words_names[k->winograd != NULL][k->s.pool];
  return names[k->winograd != NULL][k->s.half ? 2 : k->s.in_type][k->s.pool];
}

extern const net_backend LEVEL(net_backend_infer); /* net/levels.c */
const net_backend LEVEL(net_backend_infer) = {
    .name = "infer",
    .skips = true,
    .choose = infer_choose,
    .prepare = infer_prepare,
    .bind = infer_bind,
    .forward = infer_forward,
    .backward = infer_backward,
    .implementation = infer_implementation,
    .release = infer_release,
};
