/* The networks: sizes, shapes, descriptions, and the two parts that they are made of. */
#include "support.h"

#include "net/plan.h"
#include "zoo/zoo.h"

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s: %s", leuko_status_name(status), error->message);
}

static zoo_options sized(const char *name, int size) {
  zoo_options options;
  leuko_error error = {0};
  ok(zoo_defaults(name, &options, &error), &error);
  if (size) options.size = size;
  return options;
}

static zoo_options torch_form(int size) {
  zoo_options options = sized("resnet50", size);
  options.form = ZOO_TORCH;
  options.epsilon = 1e-5;
  return options;
}

static zoo_options behind_stage(const char *name, int stage) {
  zoo_options options = sized(name, 224);
  options.stages = stage;
  options.average = strcmp(name, "vgg16") == 0;
  return options;
}

static zoo_options averaging(void) {
  zoo_options options = sized("cnn", 128);
  options.average = true;
  return options;
}

static zoo_options normalized(void) {
  zoo_options options = behind_stage("resnet50", 3);
  options.dense = 24;
  options.normalize = true;
  return options;
}

static net_graph *whole(const zoo_options *options) {
  net_graph *graph;
  leuko_error error = {0};
  ok(zoo_build(options, &graph, &error), &error);
  return graph;
}

static net_graph *base_of(const zoo_options *options) {
  net_graph *graph;
  leuko_error error = {0};
  ok(zoo_build_base(options, &graph, &error), &error);
  return graph;
}

static size_t values(const net_graph *graph, bool trainable_only) {
  size_t sum = 0;
  for (int p = 0; p < graph->param_count; p++)
    if (graph->params[p].trainable || !trainable_only) sum += graph->params[p].count;
  return sum;
}

/* As Keras's summary() and torchvision's documentation give them. */
static void parameters_are_as_many_as_published(void **state) {
  (void)state;
  const struct {
    zoo_options options;
    bool base;
    size_t all, trainable;
  } rows[] = {
      {sized("cnn", 128), false, 2601153, 2601153},
      {averaging(), false, 240832 + 128 * 512 + 512 + 513, 307393},
      {sized("vgg16", 224), true, 14714688, 14714688},
      {behind_stage("vgg16", 3), true, 1735488, 1735488},
      {behind_stage("resnet50", 3), true, 1460096, 1449984},
      {normalized(), false, 1460096 + 4 * 512 + 513 * 24 + 25, 1449984 + 2 * 512 + 513 * 24 + 25},
      {sized("vgg16", 224), false, 14714688 + 25088 * 256 + 256 + 257, 21137729},
      {sized("resnet50", 224), true, 23587712, 23534592},
      {sized("resnet50", 224), false, 23587712 + 2049, 23534592 + 2049},
      {torch_form(224), true, 23508032 + 53120, 23508032},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    net_graph *graph = rows[i].base ? base_of(&rows[i].options) : whole(&rows[i].options);
    assert_int_equal(values(graph, false), rows[i].all);
    assert_int_equal(values(graph, true), rows[i].trainable);
    net_graph_free(graph);
  }
}

static void shapes_follow_the_size(void **state) {
  (void)state;
  const struct {
    zoo_options options;
    const char *layer;
    int h, w, c;
  } rows[] = {
      {sized("cnn", 128), "pool4", 6, 6, 128},
      {sized("cnn", 128), "dense1", 1, 1, 512},
      {sized("vgg16", 224), "block1_conv2_relu", 224, 224, 64},
      {sized("vgg16", 224), "block5_pool", 7, 7, 512},
      {sized("vgg16", 97), "block5_pool", 3, 3, 512},
      {sized("vgg16", 32), "flatten", 1, 1, 512},
      {sized("resnet50", 224), "conv1_relu", 112, 112, 64},
      {sized("resnet50", 224), "pool1_pool", 56, 56, 64},
      {sized("resnet50", 224), "conv3_block1_1_relu", 28, 28, 128},
      {torch_form(224), "conv3_block1_1_relu", 56, 56, 128},
      {torch_form(224), "conv3_block1_2_relu", 28, 28, 128},
      {sized("resnet50", 224), "conv5_block3_out", 7, 7, 2048},
      {sized("resnet50", 97), "conv5_block3_out", 4, 4, 2048},
      {torch_form(97), "conv5_block3_out", 4, 4, 2048},
      {sized("resnet50", 8), "conv5_block3_out", 1, 1, 2048},
      {sized("resnet50", 224), "avg_pool", 1, 1, 2048},
      {sized("resnet50", 224), "logits", 1, 1, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    net_graph *graph = whole(&rows[i].options);
    int node = net_find_node(graph, rows[i].layer);
    if (node < 0) fail_msg("%s has no layer %s", rows[i].options.name, rows[i].layer);
    net_shape shape = graph->nodes[node].shape;
    if (shape.h != rows[i].h || shape.w != rows[i].w || shape.c != rows[i].c)
      fail_msg("%s at %d: %s is %dx%dx%d", rows[i].options.name, rows[i].options.size,
               rows[i].layer, shape.h, shape.w, shape.c);
    net_graph_free(graph);
  }
}

static void one_image_costs_what_is_published(void **state) {
  (void)state;
  const struct {
    zoo_options options;
    double flop;
  } rows[] = {
      {sized("vgg16", 224), 30.7e9}, {torch_form(224), 8.2e9}, {sized("cnn", 128), 0.327e9}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    net_graph *graph = whole(&rows[i].options);
    test_close(rows[i].options.name, net_flop(graph) / rows[i].flop, 1, 0.01);
    net_graph_free(graph);
  }
}

static void sizes_that_do_not_fit_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *network, *layer;
    int size;
  } rows[] = {{"cnn", "pool4", 45}, {"vgg16", "block5_pool", 31}, {"vgg16", "flatten", 2000}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    zoo_options options = sized(rows[i].network, rows[i].size);
    leuko_error error = {0};
    net_graph *graph;
    assert_int_equal(zoo_build(&options, &graph, &error), LEUKO_ARGUMENT);
    assert_null(graph);
    assert_non_null(strstr(error.message, rows[i].layer));
    assert_true(error.remedy[0]);
    assert_int_equal(zoo_build_base(&options, &graph, NULL), LEUKO_ARGUMENT);
    assert_null(graph);
  }
  zoo_options options = sized("vgg16", 0);
  net_graph *graph;
  leuko_error error = {0};
  assert_int_equal(zoo_build_head(&options, 0, &graph, &error), LEUKO_ARGUMENT);
  assert_null(graph);
  assert_int_equal(zoo_defaults("vgg19", &options, &error), LEUKO_ARGUMENT);
  assert_non_null(strstr(error.message, "vgg19"));
  assert_int_equal(zoo_build(&options, &graph, &error), LEUKO_ARGUMENT);
}

static void check_described(const zoo_options *options) {
  json_t *json = zoo_to_json(options), *again;
  zoo_options back;
  leuko_error error = {0};
  assert_non_null(json);
  ok(zoo_from_json(json, &back, &error), &error);
  again = zoo_to_json(&back);
  assert_true(json_equal(json, again));
  assert_string_equal(back.name, options->name);
  assert_int_equal(back.size, options->size);
  assert_int_equal(back.outputs, options->outputs);
  assert_int_equal(back.blocks, options->blocks);
  for (int i = 0; i < options->blocks; i++) assert_int_equal(back.widths[i], options->widths[i]);
  assert_int_equal(back.dense, options->dense);
  assert_true(back.dropout == options->dropout && back.epsilon == options->epsilon);
  assert_int_equal(back.form, options->form);
  assert_int_equal(back.average, options->average);
  assert_int_equal(back.stages, options->stages);
  assert_int_equal(back.normalize, options->normalize);
  json_decref(json);
  json_decref(again);
}

static void descriptions_give_the_options_back(void **state) {
  (void)state;
  zoo_options options = sized("cnn", 61);
  options.blocks = 3;
  options.widths[0] = 7;
  options.dropout = 0.1 + 0.2;
  check_described(&options);
  options.average = true;
  check_described(&options);
  options = behind_stage("vgg16", 2);
  check_described(&options);
  options = sized("vgg16", 96);
  options.dense = 33;
  options.outputs = 5;
  check_described(&options);
  options = sized("resnet50", 97);
  check_described(&options);
  options.epsilon = 1e-3;
  check_described(&options);
  options = normalized();
  check_described(&options);
  options = torch_form(0);
  options.dropout = 0.5;
  options.outputs = 16;
  check_described(&options);
}

static void incomplete_descriptions_are_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "{\"form\": \"caffe\"}", "{\"form\": null}",        "{\"form\": 1}",
      "{\"epsilon\": 0}",      "{\"epsilon\": \"tiny\"}", "{\"epsilon\": 2}",
      "{\"name\": \"vgg\"}",   "{\"name\": null}",        "{\"size\": 7}",
      "{\"size\": 64.5}",      "{\"outputs\": 0}",        "{\"outputs\": 17}",
      "{\"dropout\": 1}",      "{\"dropout\": null}",     "{\"dense\": 0}",
      "{\"normalize\": 1}"};
  zoo_options options = sized("resnet50", 64);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    json_t *json = zoo_to_json(&options), *change = json_loads(wrong[i], 0, NULL);
    zoo_options back;
    leuko_error error = {0};
    json_object_update(json, change);
    if (zoo_from_json(json, &back, &error) != LEUKO_UNSUPPORTED_MODEL)
      fail_msg("%s is taken", wrong[i]);
    assert_true(error.message[0] && error.remedy[0]);
    json_decref(json);
    json_decref(change);
  }
  options = sized("vgg16", 64);
  json_t *json = zoo_to_json(&options);
  json_object_del(json, "dense");
  assert_int_equal(zoo_from_json(json, &options, NULL), LEUKO_UNSUPPORTED_MODEL);
  json_decref(json);
}

static float *params_of(const net_graph *graph) {
  float *params = aligned_alloc(64, (graph->param_floats * sizeof *params + 63) / 64 * 64);
  assert_non_null(params);
  memset(params, 0, graph->param_floats * sizeof *params);
  return params;
}

static net_plan *plan_of(const net_graph *graph, float *params, const char *backend) {
  net_plan_options options = {
      .batch = 2,
      .threads = 2,
      .backend = backend,
      .scaling = {.scale = 1.0f / 128, .mean = {1, 1, 1}, .deviation = {1, 1, 1}}};
  net_plan *plan;
  leuko_error error = {0};
  ok(net_plan_new(graph, &options, &plan, &error), &error);
  ok(net_plan_bind(plan, params, &error), &error);
  return plan;
}

/* Copies the whole's parameters into a part's, all of which it must have. */
static float *part_params(const net_graph *from, const float *params, const net_graph *part) {
  for (int p = 0; p < part->param_count; p++) {
    int other = net_find_param(from, part->params[p].name);
    if (other < 0) fail_msg("the whole has no %s", part->params[p].name);
    assert_int_equal(from->params[other].count, part->params[p].count);
    assert_int_equal(from->params[other].rank, part->params[p].rank);
    assert_int_equal(from->params[other].trainable, part->params[p].trainable);
  }
  float *out = params_of(part);
  net_copy_params(from, params, part, out);
  return out;
}

static void check_parts(const zoo_options *options, const char *backend, double allowed) {
  enum { BATCH = 2 };
  net_graph *all = whole(options), *base = base_of(options), *head;
  const int width = (int)net_shape_size(base->nodes[base->node_count - 1].shape);
  leuko_error error = {0};
  ok(zoo_build_head(options, width, &head, &error), &error);
  assert_int_equal(base->param_count + head->param_count, all->param_count);
  assert_int_equal(values(base, false) + values(head, false), values(all, false));
  float *params = params_of(all);
  net_init_params(all, 5, params);
  float *base_params = part_params(all, params, base),
        *head_params = part_params(all, params, head);
  net_plan *whole_plan = plan_of(all, params, backend);
  net_plan *base_plan = plan_of(base, base_params, backend);
  net_plan *head_plan = plan_of(head, head_params, backend);
  const size_t bytes = (size_t)BATCH * (size_t)options->size * (size_t)options->size * 3;
  uint8_t *pixels = malloc(bytes);
  assert_non_null(pixels);
  for (size_t i = 0; i < bytes; i++) pixels[i] = (uint8_t)(i * i % 251);
  const float *features, *want, *got;
  ok(net_plan_forward(whole_plan, pixels, BATCH, 0, &want, &error), &error);
  ok(net_plan_forward(base_plan, pixels, BATCH, 0, &features, &error), &error);
  assert_int_equal(net_plan_outputs(base_plan), width);
  ok(net_plan_forward_floats(head_plan, features, BATCH, 0, &got, &error), &error);
  double largest = 0;
  for (int i = 0; i < BATCH * options->outputs; i++) largest = fmax(largest, fabs((double)want[i]));
  assert_true(largest > 0);
  for (int i = 0; i < BATCH * options->outputs; i++)
    if (!(fabs((double)got[i] - (double)want[i]) <= allowed * largest))
      fail_msg("%s with %s: logit %d is %.9g, not %.9g", options->name, backend, i, (double)got[i],
               (double)want[i]);
  net_plan_free(whole_plan);
  net_plan_free(base_plan);
  net_plan_free(head_plan);
  net_graph_free(all);
  net_graph_free(base);
  net_graph_free(head);
  free(params);
  free(base_params);
  free(head_params);
  free(pixels);
}

static void base_and_head_are_the_whole(void **state) {
  (void)state;
  zoo_options options[] = {sized("cnn", 62), sized("vgg16", 32), sized("resnet50", 32),
                           torch_form(32)};
  options[0].outputs = options[1].outputs = options[2].outputs = 3;
  options[0].dropout = options[1].dropout = 0.3;
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    check_parts(&options[i], "ref", 0);
    check_parts(&options[i], "onednn", 1e-5);
  }
}

static void the_last_stage_is_found(void **state) {
  (void)state;
  const struct {
    zoo_options options;
    const char *layer;
    size_t learning; /* values of the last stage and the head */
  } rows[] = {
      {sized("vgg16", 32), "block5_conv1", 3 * (9 * 512 * 512 + 512) + 513 * 256 + 257},
      {sized("resnet50", 32), "conv5_block1_0_conv", 14964736 + 11264 + 2049},
      {torch_form(32), "conv5_block1_0_conv", 14964736 + 2049},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    net_graph *graph = whole(&rows[i].options);
    assert_true(zoo_has_base(&rows[i].options));
    assert_int_equal(net_first_trained(graph), 1);
    int last = zoo_last_stage(&rows[i].options, graph);
    assert_true(last > 0);
    assert_string_equal(graph->nodes[last].name, rows[i].layer);
    net_freeze(graph, last);
    assert_int_equal(net_first_trained(graph), last);
    assert_int_equal(values(graph, true), rows[i].learning);
    net_freeze(graph, graph->node_count);
    assert_int_equal(net_first_trained(graph), graph->node_count);
    net_graph_free(graph);
  }
  zoo_options cnn = sized("cnn", 0);
  assert_false(zoo_has_base(&cnn));
}

/* It begins where the features end, with or without dropout in front of its first layer. */
static void the_head_is_found(void **state) {
  (void)state;
  zoo_options rows[] = {sized("cnn", 64), sized("vgg16", 32), sized("resnet50", 32)};
  static const char *const first[] = {"logits", "dense1", "logits"};
  for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
    zoo_options *options = &rows[i / 2];
    options->dropout = i % 2 ? 0.3 : 0;
    net_graph *graph = whole(options), *head;
    int at = zoo_head(options, graph);
    assert_int_equal(graph->nodes[at].op, i % 2 ? NET_DROPOUT : NET_DENSE);
    assert_string_equal(graph->nodes[at + (int)(i % 2)].name, first[i / 2]);
    leuko_error error = {0};
    int features = (int)net_shape_size(graph->nodes[at - 1].shape);
    assert_int_equal(zoo_build_head(options, features, &head, &error), LEUKO_OK);
    assert_int_equal(zoo_head(options, head), 0);
    net_graph_free(head);
    net_graph_free(graph);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parameters_are_as_many_as_published),
      cmocka_unit_test(shapes_follow_the_size),
      cmocka_unit_test(one_image_costs_what_is_published),
      cmocka_unit_test(sizes_that_do_not_fit_are_refused),
      cmocka_unit_test(descriptions_give_the_options_back),
      cmocka_unit_test(incomplete_descriptions_are_refused),
      cmocka_unit_test(base_and_head_are_the_whole),
      cmocka_unit_test(the_last_stage_is_found),
      cmocka_unit_test(the_head_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
