/* Whole networks in both backends: what folding, fusing, laying out and sharing of buffers do to a
 * graph must not show in its results. */
#include "plans.h"

static void onednn_agrees_with_ref_in_inference(void **state) {
  (void)state;
  for (int i = 0; i < PLANS_SUBJECTS; i++) {
    const char *name;
    plans_subject s = plans_make(i, &name);
    net_plan_options ref = plans_how("ref", 3, false), fast = plans_how("onednn", 3, false);
    plans_results a = plans_run(&s, &ref, 0), b = plans_run(&s, &fast, 0);
    size_t outputs = 3 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    plans_near(name, "logits", b.logits, a.logits, outputs, 1e-4);
    fast.winograd = true;
    plans_results c = plans_run(&s, &fast, 0);
    plans_near(name, "logits with Winograd", c.logits, a.logits, outputs, 1e-3);
    plans_free_results(&a);
    plans_free_results(&b);
    plans_free_results(&c);
    plans_free_subject(&s);
  }
}

static void onednn_agrees_with_ref_in_training(void **state) {
  (void)state;
  for (int i = 0; i < PLANS_SUBJECTS; i++) {
    const char *name;
    plans_subject s = plans_make(i, &name);
    net_plan_options ref = plans_how("ref", 4, true), fast = plans_how("onednn", 4, true);
    plans_results a = plans_run(&s, &ref, 0), b = plans_run(&s, &fast, 0);
    size_t outputs = 4 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    plans_near(name, "logits", b.logits, a.logits, outputs, 1e-4);
    for (int p = 0; p < s.graph->param_count; p++) {
      const net_param *param = &s.graph->params[p];
      if (param->trainable)
        plans_near(name, param->name, b.grads + param->offset, a.grads + param->offset,
                   param->count, 1e-3);
      else
        plans_near(name, param->name, b.params + param->offset, a.params + param->offset,
                   param->count, 1e-4);
    }
    plans_free_results(&a);
    plans_free_results(&b);
    plans_free_subject(&s);
  }
}

/* Layers that compute in bfloat16 beside others that do not, in any order; and one value of it with
 * two readers that do. */
static plans_subject mixed_subject(int index) {
  static const int widths[] = {32, 48, 64};
  if (index < 2) return plans_chain(21, 3, widths, 3, index == 1, 1);
  if (index == 2) return plans_residual(14, 32, true);
  net_graph *g = net_graph_new();
  int x = net_conv2d(g, "conv", net_input(g, 13, 13, 3), 32, 3, 1, 1, true);
  x = net_relu(g, "conv_relu", x);
  int y = net_conv2d(g, "a", x, 32, 3, 1, 1, true);
  int z = net_conv2d(g, "b", x, 32, 3, 1, 1, true);
  y = net_add(g, "add", y, z);
  y = net_add(g, "again", x, y);
  net_dense(g, "logits", net_avgpool(g, "average", y), 2);
  return plans_finish(g);
}

static double cosine(const float *a, const float *b, size_t count) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    ab += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : aa == bb;
}

/* Rounding moves every value, and some across a relu; what is exchanged, left out or read as
 * another type would turn a gradient round. */
static void bf16_agrees_with_f32(void **state) {
  (void)state;
  if (!net_precision_supported(NET_BF16)) {
    print_message("this processor has no 16 bits: skipped\n");
    skip();
  }
  for (int i = 0; i < 8; i++) {
    const bool training = i % 2;
    if (training && !net_precision_trains(NET_BF16)) continue;
    char name[32];
    snprintf(name, sizeof name, "mixed %d", i / 2);
    plans_subject s = mixed_subject(i / 2);
    net_plan_options wide = plans_how("onednn", 4, training);
    wide.winograd = true;
    net_plan_options narrow = wide;
    narrow.precision = NET_BF16;
    plans_results a = plans_run(&s, &wide, 0), b = plans_run(&s, &narrow, 0);
    size_t outputs = 4 * net_shape_size(s.graph->nodes[s.graph->node_count - 1].shape);
    plans_near(name, "logits", b.logits, a.logits, outputs, 0.05);
    for (int p = 0; training && p < s.graph->param_count; p++) {
      const net_param *param = &s.graph->params[p];
      double along = cosine(b.grads + param->offset, a.grads + param->offset, param->count);
      if (param->trainable && along < 0.97)
        fail_msg("%s: the gradient of %s has a cosine of %.4f with float32's", name, param->name,
                 along);
    }
    plans_free_results(&a);
    plans_free_results(&b);
    plans_free_subject(&s);
  }
}

/* Sum of logits times fixed weights, in training mode. */
static double loss(const plans_subject *s, float *params, net_plan *plan, const float *input,
                   const float *weights, size_t outputs, int batch) {
  leuko_error error = {0};
  const float *logits;
  float *used = plans_floats(s->graph->param_floats); /* forward moves the running statistics */
  memcpy(used, params, s->graph->param_floats * sizeof *used);
  plans_ok(net_plan_bind(plan, used, &error), &error);
  plans_ok(net_plan_forward_floats(plan, input, batch, 0, &logits, &error), &error);
  double sum = 0;
  for (size_t i = 0; i < outputs; i++) sum += (double)logits[i] * (double)weights[i];
  free(used);
  return sum;
}

/* Every reader's part of a gradient counts: each tensor's gradient against the slope of the loss in
 * a random direction. */
static void gradients_add_up_where_a_value_has_several_readers(void **state) {
  (void)state;
  enum { BATCH = 3 };
  static const char *const backends[] = {"ref", "onednn"};
  for (int i = 5; i < PLANS_SUBJECTS; i++)
    for (int b = 0; b < 2; b++) {
      const char *name;
      plans_subject s = plans_make(i, &name);
      net_plan_options options = plans_how(backends[b], BATCH, true);
      plans_results r = plans_run(&s, &options, 0);
      leuko_error error = {0};
      net_plan *plan;
      plans_ok(net_plan_new(s.graph, &options, &plan, &error), &error);
      size_t outputs = BATCH * (size_t)net_plan_outputs(plan),
             inputs = plans_input_count(&s, BATCH);
      float *input = plans_floats(inputs), *weights = plans_floats(outputs);
      plans_fill(input, inputs, 1000);
      plans_fill(weights, outputs, 2000);
      for (int p = 0; p < s.graph->param_count; p++) {
        const net_param *param = &s.graph->params[p];
        if (!param->trainable) continue;
        float *direction = plans_floats(param->count), *moved = plans_floats(s.graph->param_floats);
        plans_fill(direction, param->count, 3000 + (uint32_t)p);
        double slope = 0, length = 0, at[2];
        for (size_t k = 0; k < param->count; k++) {
          slope += (double)r.grads[param->offset + k] * (double)direction[k];
          length += (double)direction[k] * (double)direction[k];
        }
        const double step = 1e-3 / sqrt(length);
        for (int side = 0; side < 2; side++) {
          memcpy(moved, s.params, s.graph->param_floats * sizeof *moved);
          for (size_t k = 0; k < param->count; k++)
            moved[param->offset + k] += (float)((side ? step : -step) * (double)direction[k]);
          at[side] = loss(&s, moved, plan, input, weights, outputs, BATCH);
        }
        double measured = (at[1] - at[0]) / (2 * step), most = 0;
        for (size_t k = 0; k < param->count; k++)
          most += fabs((double)r.grads[param->offset + k] * (double)direction[k]);
        if (!(fabs(measured - slope) <= 0.02 * most + 2e-6 / step))
          fail_msg("%s with %s: the gradient of %s says %.6g, the loss %.6g", name, backends[b],
                   param->name, slope, measured);
        free(direction);
        free(moved);
      }
      free(input);
      free(weights);
      net_plan_free(plan);
      plans_free_results(&r);
      plans_free_subject(&s);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(onednn_agrees_with_ref_in_inference),
      cmocka_unit_test(onednn_agrees_with_ref_in_training),
      cmocka_unit_test(bf16_agrees_with_f32),
      cmocka_unit_test(gradients_add_up_where_a_value_has_several_readers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
