#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/plan_internal.h"

#define ALIGN ((size_t)64)

bool plan_keeps_input(const net_step *step) {
  return step->op == NET_CONV2D || step->op == NET_DENSE || step->op == NET_BATCHNORM;
}

bool plan_keeps_output(const net_step *step) {
  return (step->relu && !step->pool) || step->op == NET_RELU;
}

int plan_add_buffer(net_plan *plan, size_t bytes, int first, int last) {
  plan->buffers[plan->buffer_count] =
      (plan_buffer){.bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN, .first = first, .last = last};
  return plan->buffer_count++;
}

static void extend(plan_buffer *buffer, int time) {
  if (time > buffer->last) buffer->last = time;
}

static int backward_time(const net_plan *plan, int step) {
  return 2 * plan->step_count - 1 - step;
}

int plan_last_input(const net_plan *plan) {
  int value = plan->output;
  while (plan->values[value].producer >= 0) {
    const plan_step *step = &plan->steps[plan->values[value].producer];
    value = step->inputs[0];
    if (step->backend) break;
  }
  return value;
}

static void add_value_buffers(net_plan *plan) {
  for (int v = 0; v < plan->value_count; v++) {
    plan_value *value = &plan->values[v];
    int born = value->producer < 0 ? 0 : value->producer;
    value->buffer = plan_add_buffer(
        plan, plan_value_floats(plan, value) * net_layout_bytes(value->layout), born, born);
  }
  for (int s = 0; s < plan->step_count; s++) {
    plan_step *step = &plan->steps[s];
    bool back = step->backend && step->step.training;
    for (int i = 0; i < 2; i++) {
      if (step->inputs[i] < 0) continue;
      plan_buffer *buffer = &plan->buffers[plan->values[step->inputs[i]].buffer];
      extend(buffer, back && plan_keeps_input(&step->step) ? backward_time(plan, s) : s);
    }
    if (back && plan_keeps_output(&step->step))
      extend(&plan->buffers[plan->values[step->output].buffer], backward_time(plan, s));
  }
  extend(&plan->buffers[plan->values[plan->output].buffer], plan->step_count);
  extend(&plan->buffers[plan->values[plan_last_input(plan)].buffer], plan->step_count);
}

/* Every use of a value gives a gradient of its own; run.c adds them up before the producer's turn.
 */
static void add_gradient_buffers(net_plan *plan) {
  const plan_value *last = &plan->values[plan->output];
  plan->output_gradient = plan_add_buffer(plan, plan_value_floats(plan, last) * sizeof(float),
                                          plan->step_count, backward_time(plan, last->producer));
  for (int s = 0; s < plan->step_count; s++) {
    plan_step *step = &plan->steps[s];
    for (int i = 0; i < 2; i++) {
      if (step->inputs[i] < 0) continue;
      const plan_value *value = &plan->values[step->inputs[i]];
      if (!value->gradient) continue;
      step->gradients[i] =
          plan_add_buffer(plan, plan_value_floats(plan, value) * net_layout_bytes(value->layout),
                          backward_time(plan, s), backward_time(plan, value->producer));
    }
  }
}

static int compare_bytes(const void *a, const void *b) {
  const plan_buffer *x = *(plan_buffer *const *)a, *y = *(plan_buffer *const *)b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return (x > y) - (x < y);
}

/* Largest first, each at the lowest place that no buffer of the same time holds. */
static leuko_status place(net_plan *plan, leuko_error *error) {
  int count = plan->buffer_count;
  plan_buffer **order = malloc((size_t)count * sizeof *order);
  if (!order) return error_set_memory(error, (size_t)count * sizeof *order);
  for (int i = 0; i < count; i++) order[i] = &plan->buffers[i];
  qsort(order, (size_t)count, sizeof *order, compare_bytes);
  plan->arena_bytes = 0;
  for (int i = 0; i < count; i++) {
    size_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int j = 0; j < i; j++) {
        const plan_buffer *other = order[j];
        bool together = other->first <= order[i]->last && order[i]->first <= other->last;
        if (together && other->offset < offset + order[i]->bytes &&
            offset < other->offset + other->bytes) {
          offset = other->offset + other->bytes;
          moved = true;
        }
      }
    }
    order[i]->offset = offset;
    if (offset + order[i]->bytes > plan->arena_bytes) plan->arena_bytes = offset + order[i]->bytes;
  }
  free(order);
  return LEUKO_OK;
}

leuko_status plan_lay_out(net_plan *plan, const size_t *workspaces, leuko_error *error) {
  add_value_buffers(plan);
  if (plan->values[plan->output].gradient) add_gradient_buffers(plan);
  size_t scratch = 0;
  for (int s = 0; s < plan->step_count; s++) {
    plan_step *step = &plan->steps[s];
    if (workspaces[s])
      step->workspace =
          plan_add_buffer(plan, workspaces[s], s, step->step.training ? backward_time(plan, s) : s);
    if (step->scratch > scratch) scratch = step->scratch;
  }
  leuko_status status = place(plan, error);
  if (status != LEUKO_OK) return status;
  plan->scratch_offset = plan->arena_bytes;
  plan->arena_bytes += (scratch + ALIGN - 1) / ALIGN * ALIGN;
  if (plan->arena_bytes == 0) plan->arena_bytes = ALIGN;
  plan->arena = aligned_alloc(ALIGN, plan->arena_bytes);
  if (!plan->arena) return error_set_memory(error, plan->arena_bytes);
  /* Images that a smaller batch leaves out are still computed: on something finite. */
  memset(plan->arena, 0, plan->arena_bytes);
  return LEUKO_OK;
}
