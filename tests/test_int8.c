/* Answers in 8 bits: plans, what the model file holds of it, how the ranges are found, and which
 * models may have them. */
#include "models.h"

#include "base/rng.h"
#include "dataset/synth.h"
#include "image/resize.h"
#include "net/cpu.h"
#include "predict/predictor.h"
#include "predict/quantize.h"

#define SIDE 48
#define CELLS 6
#define BYTES ((size_t)SIDE * SIDE * 3)

static bool no_bytes_here(void) {
  if (net_precision_supported(NET_INT8)) return false;
  print_message("this processor has no kernels for 8 bits\n");
  return true;
}

/* ResNet-50 to its third stage, with random parameters; a black image gives more than zeros. All
 * answers are far on one side. */
static model make(zoo_form form) {
  model narrow = models_make(SIDE, 2, 5), m = narrow;
  leuko_error error = {0};
  models_ok(zoo_defaults("resnet50", &m.net, &error), &error);
  m.net.size = SIDE;
  m.net.stages = 3;
  m.net.form = form;
  models_ok(model_build(&m, &error), &error);
  model_free(&narrow);
  net_init_params(m.graph, 5, m.params);
  rng r = rng_open(41, RNG_TEST, 0, 0);
  for (int i = 0; i < m.graph->param_count; i++) {
    const net_param *p = &m.graph->params[i];
    if (p->rank > 1) continue;
    for (size_t k = 0; k < p->count; k++) m.params[p->offset + k] += (float)(0.2 * rng_uniform(&r));
  }
  m.params[m.graph->params[net_find_param(m.graph, "logits/bias")].offset] += 3;
  return m;
}

static uint8_t *draw_cells(void) {
  uint8_t *pixels = malloc(CELLS * BYTES);
  assert_non_null(pixels);
  for (size_t i = 0; i < CELLS; i++) {
    image cell;
    leuko_error error = {0};
    models_ok(synth_cell(1, i, i % 2, i % 3, &cell, &error), &error);
    models_ok(image_prepare(&cell, 0, SIDE, pixels + i * BYTES, &error), &error);
    image_free(&cell);
  }
  return pixels;
}

typedef struct {
  const model *m;
  float **largest; /* [nodes][c] */
} widest;

static void look(void *context, int node, const float *values, size_t count) {
  const widest *w = context;
  const size_t channels = (size_t)w->m->graph->nodes[node].shape.c;
  for (size_t i = 0; i < count; i++)
    w->largest[node][i % channels] = fmaxf(w->largest[node][i % channels], values[i]);
}

/* Logits of all cells, `batch` at a time. */
static void answer(const model *m, net_plan_options how, const uint8_t *pixels, float *logits) {
  net_plan *plan = NULL;
  leuko_error error = {0};
  const float *out;
  models_ok(net_plan_new(m->graph, &how, &plan, &error), &error);
  models_ok(net_plan_bind(plan, m->params, &error), &error);
  for (int first = 0; first < CELLS; first += how.batch) {
    models_ok(net_plan_forward(plan, pixels + (size_t)first * BYTES, how.batch, 0, &out, &error),
              &error);
    memcpy(logits + first, out, (size_t)how.batch * sizeof *logits);
  }
  net_plan_free(plan);
}

static net_plan_options options_of(const model *m, net_precision precision, int batch) {
  net_plan_options how = model_plan_options(m, batch, 2, "onednn");
  how.precision = precision;
  return how;
}

/* Every node counts in the same units in all its channels. */
static void set_scales(model *m, float scale) {
  leuko_error error = {0};
  models_ok(model_int8_new(m, &error), &error);
  for (int i = 0; i < m->graph->node_count; i++) {
    const size_t channels = (size_t)m->graph->nodes[i].shape.c;
    m->int8.scales[i] = malloc(channels * sizeof(float));
    assert_non_null(m->int8.scales[i]);
    for (size_t c = 0; c < channels; c++) m->int8.scales[i][c] = scale;
  }
}

/* Scales for ranges as wide as what each channel is seen to have. */
static void see_scales(model *m, const uint8_t *pixels) {
  float logits[CELLS];
  set_scales(m, 1e-6f);
  widest w = {m, m->int8.scales};
  net_plan_options how = options_of(m, NET_F32, CELLS);
  how.skip = false;
  how.watch = (net_watch){look, &w};
  answer(m, how, pixels, logits);
  for (int i = 0; i < m->graph->node_count; i++)
    for (int c = 0; c < m->graph->nodes[i].shape.c; c++) m->int8.scales[i][c] /= UINT8_MAX;
}

static void the_same_bits_alone_in_a_batch_and_with_nothing_skipped(void **state) {
  (void)state;
  if (no_bytes_here()) skip();
  uint8_t *pixels = draw_cells();
  for (zoo_form form = ZOO_KERAS; form <= ZOO_TORCH; form++) {
    model m = make(form);
    float wide[CELLS], together[CELLS], alone[CELLS], all[CELLS];
    see_scales(&m, pixels);
    answer(&m, options_of(&m, NET_F32, CELLS), pixels, wide);
    net_plan_options how = options_of(&m, NET_INT8, CELLS);
    answer(&m, how, pixels, together);
    how.batch = 1;
    how.threads = 1;
    answer(&m, how, pixels, alone);
    assert_memory_equal(together, alone, sizeof alone);
    /* Direct kernels alone: a tile of Winograd's rounds otherwise with its neighbours skipped. */
    how.winograd = false;
    answer(&m, how, pixels, alone);
    how.skip = false;
    answer(&m, how, pixels, all);
    assert_memory_equal(all, alone, sizeof all);
    double largest = 0, error = 0;
    for (int i = 0; i < CELLS; i++) {
      largest = fmax(largest, fabs((double)wide[i]));
      error = fmax(error, fabs((double)together[i] - (double)wide[i]));
      error = fmax(error, fabs((double)all[i] - (double)wide[i]));
    }
    print_message("# form %d: error %.2g of %.3g\n", (int)form, error, largest);
    assert_true(error > 0 && error < 0.05 * largest);
    model_free(&m);
  }
  free(pixels);
}

/* 1x1 and strided convolutions read bytes, the mean does not, and 3x3 ones where no other type is
 * as fast as that. */
static void what_is_kept_in_bytes(void **state) {
  (void)state;
  if (no_bytes_here()) skip();
  const bool fast = net_cpu_fast_bytes() && (!net_cpu_fine() || net_cpu_matrix());
  const struct {
    zoo_form form;
    const char *node;
    bool bytes;
  } cases[] = {{ZOO_KERAS, "conv1_relu", true},          {ZOO_KERAS, "pool1_pool", true},
               {ZOO_KERAS, "conv2_block1_0_bn", false},  {ZOO_KERAS, "conv2_block1_1_relu", fast},
               {ZOO_KERAS, "conv2_block1_2_relu", true}, {ZOO_KERAS, "conv2_block1_out", true},
               {ZOO_KERAS, "conv3_block1_1_relu", fast}, {ZOO_KERAS, "conv3_block4_out", false},
               {ZOO_TORCH, "conv3_block1_1_relu", true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    model m = make(cases[i].form);
    set_scales(&m, 1);
    net_plan *plan = NULL;
    leuko_error error = {0};
    const net_plan_options how = options_of(&m, NET_INT8, 1);
    models_ok(net_plan_new(m.graph, &how, &plan, &error), &error);
    if (net_plan_in_bytes(plan, net_find_node(m.graph, cases[i].node)) != cases[i].bytes)
      fail_msg("%s", cases[i].node);
    net_plan_free(plan);
    model_free(&m);
  }
}

static void a_plan_in_bytes_needs_scales(void **state) {
  (void)state;
  model m = make(ZOO_KERAS);
  net_plan *plan = NULL;
  leuko_error error = {0};
  net_plan_options how = options_of(&m, NET_INT8, 1);
  assert_int_equal(net_plan_new(m.graph, &how, &plan, &error), LEUKO_ARGUMENT);
  assert_null(plan);
  model_free(&m);
}

static leuko_status precision_of(const char *path, const char *asked, const char **out,
                                 leuko_error *error) {
  leuko_predictor *predictor;
  const leuko_options how = {.precision = asked};
  leuko_status status = leuko_predictor_open(path, &how, &predictor, error);
  *out = status == LEUKO_OK ? leuko_predictor_precision(predictor) : "";
  leuko_predictor_close(predictor);
  return status;
}

static void the_file_keeps_scales_and_auto_follows(void **state) {
  (void)state;
  const bool here = net_precision_supported(NET_INT8);
  const char *own = net_cpu_bytes_name();
  const struct {
    double agreement, auc, speed;
    const char *processor, *expected;
  } cases[] = {{0.99, 0.003, 1.01, own, "int8"}, {0.99, -0.003, 1.01, own, "int8"},
               {0.989, 0, 2, own, "f32"},        {1, -0.0031, 2, own, "f32"},
               {1, 0, 2, "other", "f32"},        {1, 0, 0.99, own, "f32"}};
  char folder[PATH], path[PATH];
  const char *found;
  test_folder(folder);
  snprintf(path, PATH, "%.900s/model.safetensors", folder);
  leuko_error error = {0};
  model m = make(ZOO_KERAS);
  models_ok(model_save(path, &m, NULL, 0, &error), &error);
  assert_int_equal(precision_of(path, "int8", &found, &error), LEUKO_ARGUMENT);
  assert_non_null(strstr(error.remedy, "leuko quantize"));
  const int node = net_find_node(m.graph, "conv2_block1_out"), other = node + 1;
  set_scales(&m, 2.7182817f);
  m.int8.scales[node][1] = 1e-9f;
  m.int8.shifts[0] = -0.1f;
  free(m.int8.scales[other]);
  m.int8.scales[other] = NULL;
  strcpy(m.int8.method, "entropy");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    m.int8.answers = (model_agreement){1000, 0.1, 0.01, cases[i].agreement};
    m.int8.auc = cases[i].auc;
    m.int8.speed = cases[i].speed;
    strcpy(m.int8.processor, cases[i].processor);
    models_ok(model_save(path, &m, NULL, 0, &error), &error);
    models_ok(precision_of(path, NULL, &found, &error), &error);
    assert_string_equal(found, here ? cases[i].expected : "f32");
    models_ok(precision_of(path, "int8", &found, &error), &error);
    assert_string_equal(found, here ? "int8" : "f32");
  }
  model read;
  models_ok(model_load(path, &read, &error), &error);
  for (int i = 0; i < m.graph->node_count; i++) {
    if (i == other) assert_null(read.int8.scales[i]);
    else
      assert_memory_equal(read.int8.scales[i], m.int8.scales[i],
                          (size_t)m.graph->nodes[i].shape.c * sizeof(float));
  }
  assert_float_equal(read.int8.shifts[0], -0.1f, 0);
  assert_string_equal(read.int8.method, "entropy");
  assert_string_equal(read.int8.processor, own);
  assert_int_equal(read.int8.answers.cells, 1000);
  assert_float_equal(read.int8.speed, 0.99, 1e-12);
  model_free(&read);
  model_free(&m);
  test_remove(folder);
}

/* What is wrong with a file of which only conv1_relu is in bytes. */
typedef struct {
  const char *description; /* what its int8 is changed by */
  float scale;             /* of channel 3 */
  bool shorter;            /* the tensor */
} damage;

static void do_damage(json_t *description, safetensors_entry *entries, size_t *count,
                      const void *argument) {
  const damage *how = argument;
  json_t *change = json_loads(how->description, 0, NULL);
  json_object_update(json_object_get(description, "int8"), change);
  json_decref(change);
  for (size_t i = 0; i < *count; i++) {
    if (strcmp(entries[i].name, "int8/conv1_relu") != 0) continue;
    if (!how->shorter) continue;
    entries[i].dims[0]--;
    entries[i].bytes -= sizeof(float);
  }
}

static model with_one_in_bytes(float scale) {
  model m = make(ZOO_KERAS);
  set_scales(&m, 1);
  const int node = net_find_node(m.graph, "conv1_relu");
  for (int i = 0; i < m.graph->node_count; i++) {
    if (i == node) continue;
    free(m.int8.scales[i]);
    m.int8.scales[i] = NULL;
  }
  m.int8.scales[node][3] = scale;
  m.int8.answers = (model_agreement){10, 0, 0, 1};
  return m;
}

static void scales_that_make_no_sense_are_refused(void **state) {
  (void)state;
  static const damage wrong[] = {{"{\"layers\": [\"conv9\"]}", 1, false},
                                 {"{\"layers\": [\"conv2_block1_out\"]}", 1, false},
                                 {"{\"layers\": [\"conv1_relu\", \"conv1_relu\"]}", 1, false},
                                 {"{\"layers\": [1]}", 1, false},
                                 {"{\"layers\": {}}", 1, false},
                                 {"{\"shifts\": []}", 1, false},
                                 {"{\"shifts\": [\"1\"]}", 1, false},
                                 {"{}", 0, false},
                                 {"{}", -1, false},
                                 {"{}", NAN, false},
                                 {"{}", INFINITY, false},
                                 {"{}", 1, true}};
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, PATH, "%.900s/model.safetensors", folder);
  leuko_error error = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    model m = with_one_in_bytes(wrong[i].scale), read;
    models_ok(model_save(path, &m, NULL, 0, &error), &error);
    models_alter(path, do_damage, &wrong[i]);
    assert_int_equal(model_load(path, &read, &error), LEUKO_BAD_MODEL);
    assert_non_null(strstr(error.message, "int8"));
    model_free(&m);
  }
  test_remove(folder);
}

/* One range for all channels of a layer, as once. */
static void what_an_earlier_version_quantized_counts_as_not_quantized(void **state) {
  (void)state;
  const damage earlier = {"{\"ranges\": {\"conv1_relu\": 2}}", 1, false};
  char folder[PATH], path[PATH];
  test_folder(folder);
  snprintf(path, PATH, "%.900s/model.safetensors", folder);
  leuko_error error = {0};
  model m = with_one_in_bytes(1), read;
  models_ok(model_save(path, &m, NULL, 0, &error), &error);
  models_alter(path, do_damage, &earlier);
  models_ok(model_load(path, &read, &error), &error);
  assert_null(read.int8.scales);
  assert_false(model_allows_int8(&read));
  model_free(&read);
  model_free(&m);
  test_remove(folder);
}

static void quantizing_a_model(void **state) {
  (void)state;
  uint8_t *pixels = draw_cells();
  int labels[CELLS] = {1, 1, 1, 1, 1, 1};
  const quantize_cells first = {pixels, labels, 4}, rest = {pixels + 4 * BYTES, labels + 4, 2};
  leuko_error error = {0};
  quantize_result result;
  model m = make(ZOO_KERAS);
  if (!net_precision_supported(NET_INT8)) {
    assert_int_equal(predictor_quantize(&m, &first, &rest, 2, NULL, &result, &error),
                     LEUKO_BACKEND);
  } else {
    models_ok(predictor_quantize(&m, &first, &rest, 2, NULL, &result, &error), &error);
    assert_int_equal(m.int8.answers.cells, 2);
    assert_true(m.int8.answers.agreement == 1 && m.int8.auc == 0 && m.int8.speed > 0);
    assert_string_equal(m.int8.method, ranges_method_name(result.chosen));
    for (int k = 0; k < RANGES_METHODS; k++)
      assert_true(result.tried[k].variance >= result.tried[result.chosen].variance);
    /* All answers are far on one side: nothing has to stay wide. */
    assert_true(result.tried[result.chosen].expected > 0.999);
    assert_int_equal(result.layers_wide, 0);
    assert_null(result.wide);
    int in_bytes = 0;
    for (int i = 0; i < m.graph->node_count; i++) in_bytes += m.int8.scales[i] != NULL;
    assert_int_equal(in_bytes, result.layers);
    quantize_result_free(&result);
    /* Answers are those of the ranges that are kept. */
    double wide[2], narrow[2];
    model_agreement again;
    models_ok(predictor_answer(&m, NET_F32, 2, rest.pixels, 2, NULL, wide, &error), &error);
    models_ok(predictor_answer(&m, NET_INT8, 1, rest.pixels, 2, NULL, narrow, &error), &error);
    models_ok(predictor_differences(&m, wide, narrow, 2, &again, &error), &error);
    assert_float_equal(again.largest, m.int8.answers.largest, 1e-7);
    assert_true(again.largest > 0 && again.largest < 0.02);
    /* A threshold as close to a cell as can be, on its one side and its other: whichever way
     * rounding moves that cell, one of them sees its answer change. */
    leuko_answer closest;
    predictor_decide(&m, wide, &closest);
    const double thresholds[] = {closest.p, nextafter(closest.p, 1)};
    int refused = 0;
    for (int side = 0; side < 2; side++) {
      m.threshold = thresholds[side];
      const leuko_status status = predictor_quantize(&m, &rest, &rest, 2, NULL, &result, &error);
      /* Before that all layers but one were left wide. */
      in_bytes = 0;
      for (int i = 0; i < m.graph->node_count; i++) {
        in_bytes += m.int8.scales[i] != NULL;
        if (m.int8.scales[i]) assert_false(result.wide[i]);
      }
      assert_int_equal(in_bytes, result.layers - result.layers_wide);
      assert_int_equal(in_bytes, 1);
      assert_true(result.with_wide.error < result.tried[result.chosen].error);
      quantize_result_free(&result);
      if (status == LEUKO_OK) continue;
      assert_int_equal(status, LEUKO_UNSUPPORTED_MODEL);
      assert_non_null(strstr(error.message, "99 %"));
      refused++;
    }
    assert_int_equal(refused, 1);
    const quantize_cells none = {0};
    assert_int_equal(predictor_quantize(&m, &first, &none, 2, NULL, &result, &error),
                     LEUKO_NO_DATA);
    /* Nothing but 3x3 convolutions. */
    model cnn = models_make(SIDE, 2, 5);
    assert_int_equal(predictor_quantize(&cnn, &first, &rest, 2, NULL, &result, &error),
                     LEUKO_UNSUPPORTED_MODEL);
    assert_non_null(strstr(error.message, "cnn"));
    model_free(&cnn);
  }
  model_free(&m);
  free(pixels);
}

/* 100,000 values of an exponential distribution, and one far outside. */
static void ranges_from_a_histogram(void **state) {
  (void)state;
  static ranges_histogram h;
  float values[1000];
  h.largest = 40;
  for (int pass = 0; pass < 100; pass++) {
    for (int i = 0; i < 1000; i++) values[i] = (float)-log(1 - (pass * 1000 + i + 0.5) / 100000);
    ranges_count(&h, values, 1000);
  }
  values[0] = 40;
  values[1] = -3;
  values[2] = 0;
  ranges_count(&h, values, 3);
  const double bin = 40.0 / RANGES_BINS;
  assert_float_equal(ranges_choose(&h, RANGES_MAXIMUM), 40, 0);
  assert_float_equal(ranges_choose(&h, RANGES_PERCENTILE), log(10000), 0.2);
  assert_float_equal(ranges_choose(&h, RANGES_LOW), log(1000), 2 * bin);
  const float entropy = ranges_choose(&h, RANGES_ENTROPY);
  assert_true(entropy > 4 && entropy < 14);
  float raised[3] = {41, -1, 0.5f}, scales[3];
  h.channels = raised;
  ranges_raise(&h, values, 3, 3);
  assert_float_equal(h.largest, 41, 0);
  assert_float_equal(raised[1], -1, 0);
  /* Their own range above the whole one; nothing; half a unit. By hand: sqrt(own * 4) / 255. */
  ranges_scales(&h, 4, 3, scales);
  assert_float_equal(scales[0], 4.0f / 255, 1e-7);
  assert_float_equal(scales[1], 4 * sqrtf(0.001f) / 255, 1e-7);
  assert_float_equal(scales[2], sqrtf(2) / 255, 1e-7);
  static ranges_histogram nothing;
  ranges_count(&nothing, values, 3);
  for (int k = 0; k < RANGES_METHODS; k++)
    assert_float_equal(ranges_choose(&nothing, (ranges_method)k), 0, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_from_a_histogram),
      cmocka_unit_test(what_is_kept_in_bytes),
      cmocka_unit_test(the_same_bits_alone_in_a_batch_and_with_nothing_skipped),
      cmocka_unit_test(a_plan_in_bytes_needs_scales),
      cmocka_unit_test(the_file_keeps_scales_and_auto_follows),
      cmocka_unit_test(scales_that_make_no_sense_are_refused),
      cmocka_unit_test(what_an_earlier_version_quantized_counts_as_not_quantized),
      cmocka_unit_test(quantizing_a_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
