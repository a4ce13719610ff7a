#include "base/error.h"
#include "net/plan_internal.h"

/* Whether a step keeps its flat places apart once those of its input are. */
static bool flattens(const plan_step *step) {
  return step->backend && step->backend->flat && step->step.op == NET_CONV2D && step->step.training;
}

static int readers(const net_plan *plan, int value) {
  int count = value == plan->output;
  for (int s = 0; s < plan->step_count; s++)
    for (int i = 0; i < 2; i++) count += plan->steps[s].inputs[i] == value;
  return count;
}

/* Whether the step takes its input's flat places apart. The gradients of a value with several
 * readers are added up place by place; nobody wants those of the network's input. */
static bool takes_flat(const net_plan *plan, const plan_step *step) {
  const int in = step->inputs[0];
  return flattens(step) && plan->values[in].skips && (in == plan->input || readers(plan, in) == 1);
}

static size_t pixel_bytes(const plan_value *value) {
  return ((size_t)value->shape.c * sizeof(float) + 63) / 64 * 64;
}

leuko_status plan_flat_prepare(net_plan *plan, leuko_error *error) {
  if (!plan->options.skip || !plan->options.training || plan->options.to_input) return LEUKO_OK;
  size_t bytes = 0, steps = 0;
  plan->values[plan->input].skips = true;
  for (int v = 0; v < plan->value_count; v++) {
    plan_value *value = &plan->values[v];
    if (v != plan->input)
      value->skips = value->producer >= 0 && takes_flat(plan, &plan->steps[value->producer]);
    if (!value->skips) continue;
    steps += v != plan->input;
    value->blank = bytes;
    bytes += pixel_bytes(value) + ((size_t)value->shape.c * sizeof(double) + 63) / 64 * 64;
  }
  return steps ? plan_skip_allocate(plan, bytes, error) : LEUKO_OK;
}

void plan_flat_input(net_plan *plan) {
  const plan_value *input = &plan->values[plan->input];
  const uint8_t black[3] = {0};
  void *pixel = plan->blanks + input->blank;
  net_input_convert(black, &plan->options.scaling, pixel, NET_NHWC, 1, (net_shape){1, 1, 3}, 1);
}

/* Of a value as the last forward pass left it. */
static net_flat flat_of(const net_plan *plan, const plan_value *value) {
  if (!value->marked) return (net_flat){0};
  void *pixel = plan->blanks + value->blank,
       *gradient = plan->blanks + value->blank + pixel_bytes(value);
  return (net_flat){.computed = plan->marks + value->marks, .pixel = pixel, .gradient = gradient};
}

void plan_flat_mark(net_plan *plan, const plan_step *step, net_call *call) {
  plan_value *out = &plan->values[step->output];
  out->marked = false;
  if (!takes_flat(plan, step) || !plan->values[step->inputs[0]].marked) return;
  const size_t all = (size_t)call->count * (size_t)out->shape.h * (size_t)out->shape.w;
  const size_t marked = plan_skip_spread(plan, step, call->count, true);
  out->marked = marked < all;
  *call->share = (double)marked / (double)all;
}

void plan_flat_call(const net_plan *plan, const plan_step *step, net_call *call) {
  if (!takes_flat(plan, step)) return;
  call->flat_in = flat_of(plan, &plan->values[step->inputs[0]]);
  call->flat_out = flat_of(plan, &plan->values[step->output]);
  call->flat_out.complete = true;
  for (int s = 0; s < plan->step_count; s++)
    if (plan->steps[s].inputs[0] == step->output && takes_flat(plan, &plan->steps[s]))
      call->flat_out.complete = false;
}
