/* A frozen base: its features in the cache, the views of a cell, and training behind it. */
#include "formula.h"
#include "frozen.h"

#include "image/symmetry.h"
#include "net/loss.h"
#include "train/adam.h"
#include "train/feed.h"

/* What the base says to pixels [count][SIZE][SIZE][3], into out [count][width]. */
static void run_base(const frozen_subject *s, const uint8_t *pixels, int count, float *out) {
  net_plan_options options = {.batch = count,
                              .threads = 1,
                              .backend = s->request.backend,
                              .winograd = true,
                              .scaling = s->request.scaling};
  net_plan *plan;
  const float *values;
  leuko_error error = {0};
  frozen_ok(net_plan_new(s->base, &options, &plan, &error), &error);
  frozen_ok(net_plan_bind(plan, s->params, &error), &error);
  frozen_ok(net_plan_forward(plan, pixels, count, 0, &values, &error), &error);
  memcpy(out, values, (size_t)count * (size_t)net_plan_outputs(plan) * sizeof *out);
  net_plan_free(plan);
}

/* Within `tolerance` of the largest entry; 0: the same bits. */
static void near(const char *what, const float *got, const float *want, size_t count,
                 double tolerance) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)want[i]));
  for (size_t i = 0; i < count; i++)
    if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * largest))
      fail_msg("%s: value %zu is %.9g, not %.9g (largest %.3g)", what, i, (double)got[i],
               (double)want[i], largest);
}

static double tolerance_of(const char *backend) {
  return strcmp(backend, "ref") == 0 ? 0 : 1e-5;
}

static void a_view_is_the_turned_cell(void **state) {
  static const char *const backends[] = {"ref", "onednn"};
  for (int b = 0; b < 2; b++) {
    frozen_subject s;
    frozen_open(state, backends[b], &s);
    s.request.symmetries = true;
    features f = frozen_features(&s.request);
    assert_int_equal(f.count, FROZEN_CELLS);
    assert_int_equal(f.views, IMAGE_SYMMETRIES);
    assert_int_equal(f.width, 11);
    uint8_t turned[FROZEN_SIZE * FROZEN_SIZE * 3];
    float want[11], got[11], upright[11];
    for (size_t cell = 0; cell < FROZEN_CELLS; cell++)
      for (int view = 0; view < IMAGE_SYMMETRIES; view++) {
        image_symmetry(prepared_sample(&s.pixels, cell), FROZEN_SIZE, view, turned);
        run_base(&s, turned, 1, want);
        features_read(&f, cell, view, got);
        near(backends[b], got, want, 11, tolerance_of(backends[b]));
        if (view == 0) memcpy(upright, got, sizeof got);
        else assert_memory_not_equal(got, upright, sizeof got);
      }
    features_close(&f);
    /* Without the other views, each is the cell as it is. */
    s.request.symmetries = false;
    f = frozen_features(&s.request);
    assert_int_equal(f.views, 1);
    features_read(&f, FROZEN_CELLS - 1, 5, got);
    run_base(&s, prepared_sample(&s.pixels, FROZEN_CELLS - 1), 1, want);
    near("a view that is not kept", got, want, 11, tolerance_of(backends[b]));
    features_close(&f);
    frozen_close(&s);
  }
}

/* Features of an epoch are those of the pictures that training without a frozen base would see. */
static void epochs_show_the_views_that_pictures_would_have(void **state) {
  enum { BATCH = 3 };
  frozen_subject s;
  frozen_open(state, "ref", &s);
  s.request.symmetries = true;
  features f = frozen_features(&s.request);
  static const size_t order[] = {4, 0, 6, 2, 2, 5, 1};
  const size_t count = sizeof order / sizeof *order;
  leuko_error error = {0};
  for (uint32_t epoch = 0; epoch < 3; epoch++)
    for (int augment = 0; augment < 2; augment++) {
      loader_options options = {.pixels = s.pixels.pixels,
                                .size = FROZEN_SIZE,
                                .samples = order,
                                .count = count,
                                .batch = BATCH,
                                .augment = augment,
                                .seed = 9,
                                .epoch = epoch};
      feed *pictures, *rows;
      frozen_ok(feed_open(&options, NULL, &pictures, &error), &error);
      frozen_ok(feed_open(&options, &f, &rows, &error), &error);
      feed_batch a, b;
      size_t done = 0;
      while (feed_next(pictures, &a)) {
        float want[BATCH * 11];
        assert_true(feed_next(rows, &b));
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.samples, b.samples, a.count * sizeof *a.samples);
        assert_memory_equal(a.samples, order + done, a.count * sizeof *a.samples);
        assert_true(a.pixels && !a.rows && b.rows && !b.pixels);
        run_base(&s, a.pixels, (int)a.count, want);
        near("a row", b.rows, want, a.count * 11, 0);
        done += a.count;
      }
      assert_int_equal(done, count);
      assert_false(feed_next(rows, &b));
      feed_close(pictures);
      feed_close(rows);
    }
  features_close(&f);
  frozen_close(&s);
}

/* Opens twice: the first time anew, the second from the cache, with the same values. */
static void check_new_then_kept(const features_request *request, const char *what) {
  features f = frozen_features(request);
  if (f.cache.ready) fail_msg("%s: the features of another request are taken", what);
  assert_true(f.cache.on_disk);
  const size_t bytes = f.cache.bytes;
  uint8_t *first = malloc(bytes);
  assert_non_null(first);
  memcpy(first, f.cache.data, bytes);
  features_close(&f);
  f = frozen_features(request);
  if (!f.cache.ready) fail_msg("%s: the features are computed again", what);
  assert_int_equal(f.cache.bytes, bytes);
  assert_memory_equal(f.cache.data, first, bytes);
  features_close(&f);
  free(first);
}

static void features_are_kept_by_all_that_they_depend_on(void **state) {
  frozen_subject s;
  frozen_open(state, "ref", &s);
  features_request r = s.request;
  check_new_then_kept(&r, "the first request");
  s.params[s.base->params[1].offset] += 1e-3f;
  check_new_then_kept(&r, "another weight");
  s.params[s.base->params[1].offset] -= 1e-3f;
  r.scaling.scale *= 2;
  check_new_then_kept(&r, "another scale");
  r = s.request;
  r.scaling.mean[2] += 0.5f;
  check_new_then_kept(&r, "another mean");
  r = s.request;
  r.scaling.deviation[0] = 3;
  check_new_then_kept(&r, "another deviation");
  r = s.request;
  r.scaling.reverse = true;
  check_new_then_kept(&r, "channels turned round");
  r = s.request;
  r.description = "another base";
  check_new_then_kept(&r, "another graph");
  r = s.request;
  r.backend = "onednn";
  check_new_then_kept(&r, "another backend");
  r = s.request;
  r.bf16 = true;
  check_new_then_kept(&r, "another type");
  r = s.request;
  r.symmetries = true;
  check_new_then_kept(&r, "more views");
  /* Batch and threads are no part of it: another machine's batch finds them. */
  r = s.request;
  r.batch = 1;
  r.threads = 1;
  features f = frozen_features(&r);
  assert_true(f.cache.ready);
  features_close(&f);
  /* Another cell on the same path. */
  prepared_close(&s.pixels);
  char root[PATH], path[PATH];
  cells_root(root, state);
  cells_place(path, root, "3.png");
  const char *name = "3.png";
  prepared_request request = {
      .root = root, .paths = &name, .count = 1, .size = FROZEN_SIZE, .threads = 1};
  leuko_error error = {0};
  frozen_ok(prepared_open(&request, NULL, &s.pixels, &error), &error);
  check_new_then_kept(&s.request, "fewer cells");
  prepared_close(&s.pixels);
  cells_write(root, "3.png", 99);
  frozen_ok(prepared_open(&request, NULL, &s.pixels, &error), &error);
  check_new_then_kept(&s.request, "another picture");
  frozen_close(&s);
}

static void another_size_is_another_request(void **state) {
  frozen_subject s;
  frozen_open(state, "ref", &s);
  net_graph *base = net_graph_new();
  net_avgpool(base, "pool", net_input(base, FROZEN_SIZE, FROZEN_SIZE, 3));
  leuko_error error = {0};
  frozen_ok(net_graph_finish(base, &error), &error);
  s.request.base = base;
  check_new_then_kept(&s.request, "the first size");
  net_graph_free(base);
  base = net_graph_new();
  net_avgpool(base, "pool", net_input(base, FROZEN_SIZE / 2, FROZEN_SIZE / 2, 3));
  frozen_ok(net_graph_finish(base, &error), &error);
  s.request.base = base;
  prepared_close(&s.pixels);
  frozen_prepare(state, FROZEN_SIZE / 2, &s.pixels);
  check_new_then_kept(&s.request, "another size");
  net_graph_free(base);
  frozen_close(&s);
}

static void bf16_is_the_nearest(void **state) {
  frozen_subject s;
  frozen_open(state, "ref", &s);
  features whole = frozen_features(&s.request);
  s.request.bf16 = true;
  features half = frozen_features(&s.request);
  assert_int_equal(2 * half.cache.bytes, whole.cache.bytes);
  float exact[11], rounded[11];
  int moved = 0;
  for (size_t cell = 0; cell < FROZEN_CELLS; cell++) {
    features_read(&whole, cell, 0, exact);
    features_read(&half, cell, 0, rounded);
    for (int i = 0; i < 11; i++) {
      uint32_t bits;
      memcpy(&bits, &rounded[i], sizeof bits);
      assert_int_equal(bits & 0xffff, 0);
      /* 8 bits of mantissa: at most half a unit of the last of them is lost. */
      int exponent;
      frexp((double)exact[i], &exponent);
      assert_true(fabs((double)rounded[i] - (double)exact[i]) <= ldexp(1, exponent - 9));
      moved += exact[i] != rounded[i];
    }
  }
  assert_true(moved > 0);
  features_close(&half);
  features_close(&whole);
  frozen_close(&s);
}

/* A base of one global average over pixels of one colour gives exactly the values wanted. */
static void bf16_rounds_ties_to_even(void **state) {
  (void)state;
  static const struct {
    float exact, rounded;
  } rows[] = {{1.0f, 1.0f},       {257.0f, 256.0f}, {259.0f, 260.0f}, {258.0f, 258.0f},
              {-259.0f, -260.0f}, {0.0f, 0.0f},     {257.5f, 258.0f}, {511.0f, 512.0f}};
  net_graph *base = net_graph_new();
  net_dense(base, "dense", net_avgpool(base, "pool", net_input(base, FROZEN_SIZE, FROZEN_SIZE, 3)),
            8);
  leuko_error error = {0};
  frozen_ok(net_graph_finish(base, &error), &error);
  float *params = frozen_floats(base->param_floats);
  for (int i = 0; i < 8; i++)
    params[base->params[net_find_param(base, "dense/bias")].offset + (size_t)i] = rows[i].exact;
  frozen_subject s;
  frozen_open(state, "ref", &s);
  s.request.base = base;
  s.request.params = params;
  s.request.bf16 = true;
  features f = frozen_features(&s.request);
  float got[8];
  features_read(&f, 2, 0, got);
  for (int i = 0; i < 8; i++)
    if (got[i] != rows[i].rounded)
      fail_msg("%g is rounded to %g", (double)rows[i].exact, (double)got[i]);
  features_close(&f);
  frozen_close(&s);
  net_graph_free(base);
  free(params);
}

/* Parts of a network as networks of their own: the nodes up to `at`, and those from it on, which
 * read nothing else of the first part than its last value. */
static int copy_node(net_graph *to, const net_node *n, const int *at) {
  const net_attributes *a = &n->attributes;
  const int x = n->op == NET_INPUT ? 0 : at[n->inputs[0]];
  switch (n->op) {
  case NET_INPUT:
    return net_input(to, n->shape.h, n->shape.w, n->shape.c);
  case NET_CONV2D:
    return net_conv2d(to, n->name, x, a->filters, a->kernel, a->stride, a->pad, a->bias);
  case NET_BATCHNORM:
    return net_batchnorm(to, n->name, x, a->epsilon, a->momentum);
  case NET_RELU:
    return net_relu(to, n->name, x);
  case NET_MAXPOOL:
    return net_maxpool(to, n->name, x, a->kernel, a->stride, a->pad);
  case NET_AVGPOOL:
    return net_avgpool(to, n->name, x);
  case NET_DENSE:
    return net_dense(to, n->name, x, a->filters);
  case NET_ADD:
    return net_add(to, n->name, x, at[n->inputs[1]]);
  case NET_FLATTEN:
    return net_flatten(to, n->name, x);
  default:
    fail_msg("no copy of %s", net_op_name(n->op));
    return 0;
  }
}

static void cut(const net_graph *graph, int at, net_graph **before, net_graph **behind) {
  int *places = calloc((size_t)graph->node_count, sizeof *places);
  assert_non_null(places);
  leuko_error error = {0};
  *before = net_graph_new();
  *behind = net_graph_new();
  for (int i = 0; i < at; i++) places[i] = copy_node(*before, &graph->nodes[i], places);
  const net_shape shape = graph->nodes[at - 1].shape;
  places[at - 1] = net_input(*behind, shape.h, shape.w, shape.c);
  for (int i = at; i < graph->node_count; i++) {
    for (int k = 0; k < net_op_inputs(graph->nodes[i].op); k++)
      assert_true(graph->nodes[i].inputs[k] >= at - 1);
    places[i] = copy_node(*behind, &graph->nodes[i], places);
  }
  frozen_ok(net_graph_finish(*before, &error), &error);
  frozen_ok(net_graph_finish(*behind, &error), &error);
  free(places);
}

static net_plan *plan_of(const net_graph *graph, float *params, const char *backend, int batch,
                         bool training) {
  net_plan_options options = {
      .batch = batch,
      .training = training,
      .threads = 2,
      .backend = backend,
      .winograd = true,
      .scaling = {.scale = 1.0f / 64, .mean = {2, 2, 2}, .deviation = {1, 1, 1}},
      .seed = 1};
  net_plan *plan;
  leuko_error error = {0};
  frozen_ok(net_plan_new(graph, &options, &plan, &error), &error);
  frozen_ok(net_plan_bind(plan, params, &error), &error);
  return plan;
}

/* Running statistics and biases that are not the initial ones, so that each of them counts. */
static void vary(const net_graph *graph, float *params) {
  net_init_params(graph, 7, params);
  for (int p = 0; p < graph->param_count; p++) {
    const net_param *param = &graph->params[p];
    for (uint32_t i = 0; param->rank == 1 && i < param->count; i++)
      params[param->offset + i] += 0.1f * (float)formula_uniform(i, (uint32_t)p);
  }
}

#define UNTOUCHED 12345.0f

/* Two steps with the nodes before `layer` frozen; then the same by two networks. */
static void check_frozen(const zoo_options *options, const char *layer, const char *backend,
                         int batch) {
  const double lr = 1e-3, tolerance = tolerance_of(backend);
  leuko_error error = {0};
  net_graph *whole, *before, *behind;
  frozen_ok(zoo_build(options, &whole, &error), &error);
  const int at = net_find_node(whole, layer);
  assert_true(at > 0);
  cut(whole, at, &before, &behind);
  net_freeze(whole, at);
  const size_t count = whole->param_floats, part = behind->param_floats;
  float *params = frozen_floats(count), *initial = frozen_floats(count),
        *grads = frozen_floats(count);
  float *m = frozen_floats(count), *v = frozen_floats(count),
        *before_params = frozen_floats(before->param_floats);
  float *behind_params = frozen_floats(part), *behind_grads = frozen_floats(part);
  float *behind_m = frozen_floats(part), *behind_v = frozen_floats(part);
  vary(whole, initial);
  memcpy(params, initial, count * sizeof *params);
  net_copy_params(whole, initial, before, before_params);
  net_copy_params(whole, initial, behind, behind_params);
  const size_t bytes = (size_t)options->size * (size_t)options->size * 3 * (size_t)batch;
  uint8_t *pixels = malloc(bytes);
  int labels[16];
  float dlogits[16];
  assert_non_null(pixels);
  assert_true(batch <= 16);
  for (int i = 0; i < batch; i++) labels[i] = i % 2;
  net_plan *whole_plan = plan_of(whole, params, backend, batch, true);
  net_plan *before_plan = plan_of(before, before_params, backend, batch, false);
  net_plan *behind_plan = plan_of(behind, behind_params, backend, batch, true);
  for (uint32_t t = 1; t <= 2; t++) {
    const float *logits, *values, *want;
    formula_pixels(batch, options->size, t, pixels);
    for (size_t i = 0; i < count; i++) grads[i] = UNTOUCHED;
    frozen_ok(net_plan_bind(whole_plan, params, &error), &error);
    frozen_ok(net_plan_forward(whole_plan, pixels, batch, t, &logits, &error), &error);
    frozen_ok(net_plan_forward(before_plan, pixels, batch, t, &values, &error), &error);
    frozen_ok(net_plan_bind(behind_plan, behind_params, &error), &error);
    frozen_ok(net_plan_forward_floats(behind_plan, values, batch, t, &want, &error), &error);
    near(layer, logits, want, (size_t)batch, tolerance);
    net_loss(logits, labels, batch, 1, NULL, dlogits);
    frozen_ok(net_plan_backward(whole_plan, dlogits, grads, &error), &error);
    frozen_ok(net_plan_backward(behind_plan, dlogits, behind_grads, &error), &error);
    adam_step(whole, t, lr, grads, params, m, v, 2);
    adam_step(behind, t, lr, behind_grads, behind_params, behind_m, behind_v, 2);
  }
  for (int p = 0; p < whole->param_count; p++) {
    const net_param *param = &whole->params[p];
    const size_t offset = param->offset;
    const int other = net_find_param(behind, param->name);
    if (other < 0) {
      /* In front of it nothing changes: no gradient, no weight, no running statistics. */
      assert_memory_equal(params + offset, initial + offset, param->count * sizeof *params);
      for (size_t i = 0; i < param->count; i++) assert_true(grads[offset + i] == UNTOUCHED);
      continue;
    }
    const size_t there = behind->params[other].offset;
    near(param->name, params + offset, behind_params + there, param->count, tolerance);
    assert_memory_not_equal(params + offset, initial + offset, param->count * sizeof *params);
    if (param->trainable)
      near(param->name, grads + offset, behind_grads + there, param->count, tolerance);
    else assert_true(grads[offset] == UNTOUCHED);
  }
  net_plan_free(whole_plan);
  net_plan_free(before_plan);
  net_plan_free(behind_plan);
  net_graph_free(whole);
  net_graph_free(before);
  net_graph_free(behind);
  float *all[] = {params,        initial,       grads,        m,        v,
                  before_params, behind_params, behind_grads, behind_m, behind_v};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  free(pixels);
}

static void what_is_frozen_runs_as_in_inference(void **state) {
  (void)state;
  leuko_error error = {0};
  zoo_options cnn, vgg16, resnet50;
  frozen_ok(zoo_defaults("cnn", &cnn, &error), &error);
  frozen_ok(zoo_defaults("vgg16", &vgg16, &error), &error);
  frozen_ok(zoo_defaults("resnet50", &resnet50, &error), &error);
  cnn.size = 62;
  vgg16.size = resnet50.size = 32;
  check_frozen(&cnn, "conv3", "ref", 3);
  check_frozen(&cnn, "conv3", "onednn", 3);
  check_frozen(&cnn, "logits", "onednn", 3);
  check_frozen(&vgg16, "block5_conv1", "onednn", 4);
  check_frozen(&vgg16, "flatten", "onednn", 4);
  check_frozen(&resnet50, "conv5_block1_0_conv", "onednn", 8);
  resnet50.form = ZOO_TORCH;
  check_frozen(&resnet50, "conv5_block1_0_conv", "onednn", 8);
}

static void nothing_to_learn_is_no_training(void **state) {
  (void)state;
  leuko_error error = {0};
  zoo_options cnn;
  net_graph *graph;
  frozen_ok(zoo_defaults("cnn", &cnn, &error), &error);
  cnn.size = 62;
  frozen_ok(zoo_build(&cnn, &graph, &error), &error);
  net_freeze(graph, graph->node_count);
  float *params = frozen_floats(graph->param_floats), dlogits[2] = {1, 1};
  net_plan *plan = plan_of(graph, params, "onednn", 2, true);
  assert_int_equal(net_plan_backward(plan, dlogits, params, &error), LEUKO_ARGUMENT);
  net_plan_free(plan);
  net_graph_free(graph);
  free(params);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, cells_setup, cells_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(a_view_is_the_turned_cell),
      IN_FOLDER(epochs_show_the_views_that_pictures_would_have),
      IN_FOLDER(features_are_kept_by_all_that_they_depend_on),
      IN_FOLDER(another_size_is_another_request),
      IN_FOLDER(bf16_is_the_nearest),
      IN_FOLDER(bf16_rounds_ties_to_even),
      cmocka_unit_test(what_is_frozen_runs_as_in_inference),
      cmocka_unit_test(nothing_to_learn_is_no_training),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
