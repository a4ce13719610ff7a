#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/fold.h"
#include "net/plan_internal.h"

/* The parameters that a step's kernel sees. */
static void step_params(const net_plan *plan, const plan_step *step,
                        const float *out[NET_MAX_PARAMS]) {
  const net_graph *graph = plan->graph;
  const net_node *node = &graph->nodes[step->node];
  for (int i = 0; i < NET_MAX_PARAMS; i++)
    out[i] = node->params[i] < 0 ? NULL : plan->params + graph->params[node->params[i]].offset;
  if (step->fold < 0) return;
  out[0] = plan->folded + step->folded;
  out[1] = out[0] + graph->params[node->params[0]].count;
}

leuko_status net_plan_bind(net_plan *plan, float *params, leuko_error *error) {
  /* What is not trained does not change. */
  const bool trained_only = plan->options.training && plan->bound && plan->params == params;
  plan->params = params;
  int threads = omp_get_max_threads();
  omp_set_num_threads(plan->options.threads);
  leuko_status status = LEUKO_OK;
  for (int s = 0; s < plan->step_count && status == LEUKO_OK; s++) {
    plan_step *step = &plan->steps[s];
    if (!step->backend || (trained_only && !step->step.training)) continue;
    const float *own[NET_MAX_PARAMS];
    if (step->fold >= 0) {
      float *kernel = plan->folded + step->folded;
      const net_node *node = &plan->graph->nodes[step->node];
      net_fold(plan->graph, step->node, step->fold, params, kernel,
               kernel + plan->graph->params[node->params[0]].count);
    }
    step_params(plan, step, own);
    status = step->backend->bind(step->kernel, own, error);
  }
  plan->bound = status == LEUKO_OK;
  plan->blank_known = false;
  omp_set_num_threads(threads);
  return status;
}

size_t net_plan_last_width(const net_plan *plan) {
  return net_shape_size(plan->values[plan_last_input(plan)].shape);
}

void net_plan_last_inputs(const net_plan *plan, int count, float *rows) {
  const int last = plan_last_input(plan);
  const plan_value *value = &plan->values[last];
  net_relayout(plan_value_at(plan, last), value->layout, rows, NET_NHWC, count, value->shape,
               plan->options.threads);
}

static net_call call_of(const net_plan *plan, const plan_step *step, int count,
                        uint32_t iteration) {
  net_call call = {
      .count = count,
      .x = {plan_value_at(plan, step->inputs[0]), plan_value_at(plan, step->inputs[1])},
      .y = plan_value_at(plan, step->output),
      .workspace = plan_buffer_at(plan, step->workspace),
      .scratch = plan->arena + plan->scratch_offset,
      .seed = plan->options.seed,
      .iteration = iteration,
      .stream = (uint32_t)step->node};
  step_params(plan, step, call.params);
  return call;
}

/* One step forward. `skip`: what is marked as equal to the blank image is not computed. */
static leuko_status run_step(net_plan *plan, plan_step *step, int count, uint32_t iteration,
                             bool skip, leuko_error *error) {
  const double started = clock_seconds();
  double share = 1;
  leuko_status status = LEUKO_OK;
  net_call call = call_of(plan, step, count, iteration);
  call.share = &share;
  if (skip && plan->options.training) {
    plan_flat_mark(plan, step, &call);
    plan_flat_call(plan, step, &call);
  } else if (skip) {
    plan_skip_step(plan, step, &call);
  }
  if (step->backend) {
    const net_node *node = &plan->graph->nodes[step->node];
    if (node->op == NET_BATCHNORM && step->step.training)
      for (int i = 0; i < 2; i++)
        call.running[i] = plan->params + plan->graph->params[node->params[2 + i]].offset;
    status = step->backend->forward(step->kernel, &call, error);
  } else {
    net_relayout(call.x[0], step->step.in_layout, call.y, step->step.out_layout,
                 plan->options.batch, step->step.in, plan->options.threads);
  }
  step->seconds += clock_seconds() - started;
  step->share += share;
  step->runs++;
  const net_watch *watch = &plan->options.watch;
  if (status == LEUKO_OK && watch->call && step->backend && step->step.out_layout == NET_NHWC)
    watch->call(watch->context, plan_scaled_node(plan->graph, step->last, step->step.pool), call.y,
                (size_t)count * net_shape_size(step->step.out));
  return status;
}

static void shift_output(const net_plan *plan, int count) {
  const size_t outputs = (size_t)net_plan_outputs(plan);
  float *values = plan_value_at(plan, plan->output);
  for (size_t i = 0; i < (size_t)count * outputs; i++)
    values[i] += plan->options.shifts[i % outputs];
}

static leuko_status run_forward(net_plan *plan, int count, uint32_t iteration, const float **logits,
                                leuko_error *error) {
  leuko_status status = LEUKO_OK;
  int threads = omp_get_max_threads();
  omp_set_num_threads(plan->options.threads);
  plan->iteration = iteration;
  for (int s = 0; s < plan->step_count && status == LEUKO_OK; s++)
    status = run_step(plan, &plan->steps[s], count, iteration, plan->marks != NULL, error);
  omp_set_num_threads(threads);
  if (status == LEUKO_OK && plan->options.precision == NET_INT8 && plan->options.shifts)
    shift_output(plan, count);
  *logits = plan_value_at(plan, plan->output);
  return status;
}

static void convert_input(net_plan *plan, const uint8_t *pixels, int count) {
  const plan_value *input = &plan->values[plan->input];
  net_input_convert(pixels, &plan->options.scaling, plan_value_at(plan, plan->input), input->layout,
                    count, input->shape, plan->options.threads);
}

/* Runs a black image and keeps its activations. */
static leuko_status learn_blank(net_plan *plan, leuko_error *error) {
  const net_shape shape = plan->values[plan->input].shape;
  uint8_t *black = calloc(net_shape_size(shape), 1);
  if (!black) return error_set_memory(error, net_shape_size(shape));
  convert_input(plan, black, 1);
  free(black);
  leuko_status status = LEUKO_OK;
  int threads = omp_get_max_threads();
  omp_set_num_threads(plan->options.threads);
  for (int s = 0; s < plan->step_count && status == LEUKO_OK; s++) {
    plan_step *step = &plan->steps[s];
    const double seconds = step->seconds, share = step->share;
    status = run_step(plan, step, 1, 0, false, error);
    plan_skip_keep(plan, step);
    step->seconds = seconds;
    step->share = share;
    step->runs--;
  }
  omp_set_num_threads(threads);
  plan->blank_known = status == LEUKO_OK;
  return status;
}

static leuko_status check_call(const net_plan *plan, int count, leuko_error *error) {
  if (plan->params && count >= 1 && count <= plan->options.batch &&
      (!plan->options.training || count == plan->options.batch))
    return LEUKO_OK;
  return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "%d images for a plan of %d%s", count,
                   plan->options.batch, plan->params ? "" : " without parameters");
}

leuko_status net_plan_forward(net_plan *plan, const uint8_t *pixels, int count, uint32_t iteration,
                              const float **logits, leuko_error *error) {
  leuko_status status = check_call(plan, count, error);
  const bool training = plan->options.training;
  if (status == LEUKO_OK && plan->marks && !training && !plan->blank_known)
    status = learn_blank(plan, error);
  if (status != LEUKO_OK) return status;
  if (plan->marks) plan_skip_input(plan, pixels, count);
  if (plan->marks && training) plan_flat_input(plan);
  convert_input(plan, pixels, count);
  return run_forward(plan, count, iteration, logits, error);
}

leuko_status net_plan_forward_floats(net_plan *plan, const float *input, int count,
                                     uint32_t iteration, const float **logits, leuko_error *error) {
  leuko_status status = check_call(plan, count, error);
  if (status != LEUKO_OK) return status;
  const plan_value *value = &plan->values[plan->input];
  if (plan->marks) plan_skip_none(plan);
  net_relayout(input, NET_NHWC, plan_value_at(plan, plan->input), value->layout, count,
               value->shape, plan->options.threads);
  return run_forward(plan, count, iteration, logits, error);
}

/* Adds the gradients that later steps left for `value` into the first of them and gives it. */
static float *gather_gradient(net_plan *plan, int value) {
  float *sum = value == plan->output ? plan_buffer_at(plan, plan->output_gradient) : NULL;
  size_t count = plan_value_floats(plan, &plan->values[value]);
  for (int s = plan->step_count - 1; s >= 0; s--)
    for (int i = 0; i < 2; i++) {
      const plan_step *user = &plan->steps[s];
      if (user->inputs[i] != value || user->gradients[i] < 0) continue;
      float *part = plan_buffer_at(plan, user->gradients[i]);
      if (!sum) {
        sum = part;
        continue;
      }
      net_accumulate(sum, part, plan->values[value].layout, count, plan->options.threads);
    }
  return sum;
}

/* One step backward. */
static leuko_status run_step_back(net_plan *plan, plan_step *step, float *grads,
                                  leuko_error *error) {
  const double started = clock_seconds();
  leuko_status status = LEUKO_OK;
  float *dy = gather_gradient(plan, step->output);
  if (step->backend) {
    net_call call = call_of(plan, step, plan->options.batch, plan->iteration);
    call.dy = dy;
    if (plan->marks) plan_flat_call(plan, step, &call);
    const net_node *node = &plan->graph->nodes[step->node];
    for (int i = 0; i < 2; i++) call.dx[i] = plan_buffer_at(plan, step->gradients[i]);
    for (int i = 0; i < NET_MAX_PARAMS; i++)
      if (node->params[i] >= 0 && plan->graph->params[node->params[i]].trainable)
        call.grads[i] = grads + plan->graph->params[node->params[i]].offset;
    status = step->backend->backward(step->kernel, &call, error);
  } else if (step->gradients[0] >= 0) {
    net_relayout(dy, step->step.out_layout, plan_buffer_at(plan, step->gradients[0]),
                 step->step.in_layout, plan->options.batch, step->step.in, plan->options.threads);
  }
  step->back += clock_seconds() - started;
  return status;
}

leuko_status net_plan_backward(net_plan *plan, const float *dlogits, float *grads,
                               leuko_error *error) {
  if (!plan->values[plan->output].gradient)
    return error_set(error, LEUKO_ARGUMENT, NULL, NULL, "the plan was not made for training");
  size_t outputs = plan_value_floats(plan, &plan->values[plan->output]);
  memcpy(plan_buffer_at(plan, plan->output_gradient), dlogits, outputs * sizeof *dlogits);
  leuko_status status = LEUKO_OK;
  int threads = omp_get_max_threads();
  omp_set_num_threads(plan->options.threads);
  for (int s = plan->step_count - 1; s >= 0 && status == LEUKO_OK; s--) {
    plan_step *step = &plan->steps[s];
    if (plan->values[step->output].gradient) status = run_step_back(plan, step, grads, error);
  }
  omp_set_num_threads(threads);
  return status;
}

void net_plan_input_gradient(net_plan *plan, float *out) {
  const plan_value *input = &plan->values[plan->input];
  net_relayout(gather_gradient(plan, plan->input), input->layout, out, NET_NHWC,
               plan->options.batch, input->shape, plan->options.threads);
}
