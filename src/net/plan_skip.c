#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/plan_internal.h"

static size_t plane_of(net_shape shape) {
  return (size_t)shape.h * (size_t)shape.w;
}

static size_t value_bytes(const plan_value *value) {
  return net_shape_size(value->shape) * net_layout_bytes(value->layout);
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

leuko_status plan_skip_allocate(net_plan *plan, size_t bytes, leuko_error *error) {
  size_t marks = 0, plane = 0, row = 0;
  for (int v = 0; v < plan->value_count; v++) {
    plan_value *value = &plan->values[v];
    if (!value->skips) continue;
    value->marks = marks;
    marks += (size_t)plan->options.batch * plane_of(value->shape);
    if (value->producer < 0) continue;
    /* The plane before pooling is at most as large as the step's input with its border. */
    const net_step *s = &plan->steps[value->producer].step;
    const net_attributes *a = &s->node->attributes;
    net_shape wide = {s->in.h + 2 * a->pad, s->in.w + 2 * a->pad, 1};
    plane = larger(plane, plane_of(wide));
    row = larger(row, (size_t)wide.w);
  }
  plan->marks = malloc(marks + 1);
  plan->blanks = aligned_alloc(64, (bytes + 127) / 64 * 64);
  plan->mark_bytes = plane + row + 1;
  plan->mark_planes = malloc(plan->mark_bytes * (size_t)plan->options.threads);
  if (!plan->marks || !plan->blanks || !plan->mark_planes)
    return error_set_memory(error, marks + bytes + plane);
  return LEUKO_OK;
}

/* A value is given marks if it is the input or comes from a backend that skips. */
leuko_status plan_skip_prepare(net_plan *plan, leuko_error *error) {
  if (!plan->options.skip || plan->options.training) return LEUKO_OK;
  size_t blanks = 0;
  for (int v = 0; v < plan->value_count; v++) {
    plan_value *value = &plan->values[v];
    const plan_step *producer = value->producer < 0 ? NULL : &plan->steps[value->producer];
    value->skips = !producer || (producer->backend && producer->backend->skips);
    if (!value->skips || !producer) continue;
    value->blank = blanks;
    blanks += (value_bytes(value) + 63) / 64 * 64;
  }
  return plan_skip_allocate(plan, blanks, error);
}

void plan_skip_none(net_plan *plan) {
  plan->values[plan->input].marked = false;
}

void plan_skip_input(net_plan *plan, const uint8_t *pixels, int count) {
  plan_value *input = &plan->values[plan->input];
  const size_t plane = plane_of(input->shape);
  size_t marked = 0;
#pragma omp parallel for num_threads(plan->options.threads) reduction(+ : marked) if (count > 1)
  for (int n = 0; n < count; n++)
    marked += skip_pixels(pixels + (size_t)n * plane * 3, input->shape.h, input->shape.w,
                          plan->marks + input->marks + (size_t)n * plane);
  input->marked = marked < (size_t)count * plane;
}

/* Copies the blank image's pixels to where nothing was computed. */
static void complete(net_plan *plan, plan_value *value, int count) {
  const size_t plane = plane_of(value->shape);
  const size_t bytes = (size_t)value->shape.c * net_layout_bytes(value->layout);
  const uint8_t *marks = plan->marks + value->marks, *blank = plan->blanks + value->blank;
  uint8_t *to = plan_buffer_at(plan, value->buffer);
#pragma omp parallel for num_threads(plan->options.threads) schedule(static)
  for (size_t i = 0; i < (size_t)count * plane; i++)
    if (!marks[i]) memcpy(to + i * bytes, blank + i % plane * bytes, bytes);
  value->partial = false;
}

size_t plan_skip_spread(net_plan *plan, const plan_step *step, int count, bool border) {
  const net_step *s = &step->step;
  const net_attributes *a = &s->node->attributes;
  const plan_value *in = &plan->values[step->inputs[0]], *out = &plan->values[step->output];
  const net_shape plain = {(s->in.h + 2 * a->pad - a->kernel) / a->stride + 1,
                           (s->in.w + 2 * a->pad - a->kernel) / a->stride + 1, 1};
  size_t marked = 0;
#pragma omp parallel for num_threads(plan->options.threads) reduction(+ : marked) if (count > 1)
  for (int n = 0; n < count; n++) {
    const uint8_t *from = plan->marks + in->marks + (size_t)n * plane_of(s->in);
    uint8_t *to = plan->marks + out->marks + (size_t)n * plane_of(s->out);
    uint8_t *row = plan->mark_planes + (size_t)omp_get_thread_num() * plan->mark_bytes;
    uint8_t *before = row + s->in.w + 2 * a->pad;
    size_t here =
        skip_spread(from, s->in, a->kernel, a->stride, a->pad, plain, s->pool ? before : to, row);
    if (border)
      here += skip_border(a->kernel, a->stride, a->pad, s->in, plain, s->pool ? before : to);
    if (s->pool) here = skip_spread(before, plain, 2, 2, 0, s->out, to, row);
    if (s->add) {
      const plan_value *other = &plan->values[step->inputs[1]];
      here = skip_join(plan->marks + other->marks + (size_t)n * plane_of(s->out), plane_of(s->out),
                       to);
    }
    marked += here;
  }
  return marked;
}

void plan_skip_step(net_plan *plan, const plan_step *step, net_call *call) {
  plan_value *out = &plan->values[step->output];
  const bool skips = step->backend && step->backend->skips;
  bool marked = skips && (step->step.op == NET_CONV2D || step->step.op == NET_MAXPOOL);
  for (int i = 0; i < 2; i++) {
    if (step->inputs[i] < 0) continue;
    plan_value *in = &plan->values[step->inputs[i]];
    marked = marked && in->marked;
    if (in->partial && !skips) complete(plan, in, call->count);
    if (!in->partial) continue;
    call->skip[i] =
        (net_skip){.computed = plan->marks + in->marks, .blank = plan->blanks + in->blank};
  }
  out->marked = marked && plan_skip_spread(plan, step, call->count, false) <
                              (size_t)call->count * plane_of(out->shape);
  out->partial = out->marked;
  if (out->partial) call->wanted = plan->marks + out->marks;
}

void plan_skip_keep(net_plan *plan, const plan_step *step) {
  const plan_value *value = &plan->values[step->output];
  if (value->skips)
    memcpy(plan->blanks + value->blank, plan_buffer_at(plan, value->buffer), value_bytes(value));
}
