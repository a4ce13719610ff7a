/* Training that computes only what differs from a black image: the same loss and the same gradients
 * as computing everything. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discs.h"
#include "each_level.h"
#include "net/plan.h"

/* Whole steps in plain C, every lane watched, take minutes; test_learn_ops has the same kernels
 * checked at all levels. */
#ifdef __SANITIZE_ADDRESS__
#define FIRST_LEVEL NET_CPU_AVX2
#else
#define FIRST_LEVEL NET_CPU_GENERIC
#endif

#define SIDE 37
#define IMAGES 5
#define PIXELS ((size_t)SIDE * SIDE * 3)

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s", error->message);
}

/* Convolutions without padding, pooled, as in the own CNN. */
static void build_valid(net_graph *g) {
  int x = net_input(g, SIDE, SIDE, 3);
  x = net_maxpool(g, "pool1", net_relu(g, "relu1", net_conv2d(g, "conv1", x, 32, 3, 1, 0, true)), 2,
                  2, 0);
  x = net_maxpool(g, "pool2", net_relu(g, "relu2", net_conv2d(g, "conv2", x, 64, 3, 1, 0, true)), 2,
                  2, 0);
  x = net_relu(g, "relu3", net_conv2d(g, "conv3", x, 96, 3, 1, 0, true));
  net_dense(g, "logits", net_flatten(g, "flatten", x), 1);
}

/* Padded ones, as in VGG16; one without relu, one without bias. */
static void build_padded(net_graph *g) {
  int x = net_input(g, SIDE, SIDE, 3);
  x = net_relu(g, "relu1", net_conv2d(g, "conv1", x, 32, 3, 1, 1, true));
  x = net_conv2d(g, "conv2", x, 64, 3, 1, 1, false);
  x = net_maxpool(g, "pool3", net_relu(g, "relu3", net_conv2d(g, "conv3", x, 32, 3, 1, 1, true)), 2,
                  2, 0);
  x = net_relu(g, "relu4", net_conv2d(g, "conv4", x, 32, 3, 1, 2, true));
  net_dense(g, "logits", net_flatten(g, "flatten", x), 1);
}

/* What a convolution gives has two readers. */
static void build_branch(net_graph *g) {
  int x = net_input(g, SIDE, SIDE, 3);
  x = net_relu(g, "relu1", net_conv2d(g, "conv1", x, 32, 3, 1, 1, true));
  x = net_relu(g, "relu2", net_conv2d(g, "conv2", x, 32, 3, 1, 1, true));
  int y = net_conv2d(g, "conv3", x, 32, 3, 1, 1, true);
  x = net_relu(g, "relu", net_add(g, "add", x, y));
  net_dense(g, "logits", net_avgpool(g, "average", x), 1);
}

/* The first convolution of ResNet-50. */
static void build_stem(net_graph *g) {
  int x = net_input(g, SIDE, SIDE, 3);
  x = net_batchnorm(g, "norm", net_conv2d(g, "conv1", x, 32, 7, 2, 3, false), 1e-3f, 0.9f);
  x = net_maxpool(g, "pool", net_relu(g, "relu", x), 3, 2, 1);
  net_dense(g, "logits", net_avgpool(g, "average", x), 1);
}

/* Some of 1x1, one of them with a stride. */
static void build_points(net_graph *g) {
  int x = net_input(g, SIDE, SIDE, 3);
  x = net_relu(g, "relu1", net_conv2d(g, "conv1", x, 32, 3, 1, 1, true));
  x = net_relu(g, "relu2", net_conv2d(g, "conv2", x, 64, 1, 1, 0, true));
  x = net_relu(g, "relu3", net_conv2d(g, "conv3", x, 32, 1, 2, 0, true));
  x = net_relu(g, "relu4", net_conv2d(g, "conv4", x, 32, 3, 1, 0, true));
  net_dense(g, "logits", net_flatten(g, "flatten", x), 1);
}

static void (*const builders[])(net_graph *) = {build_valid, build_padded, build_branch, build_stem,
                                                build_points};
#define SUBJECTS (sizeof builders / sizeof *builders)

/* The last is for the matrix unit: others leave it to kernels that are not leuko's, and slow. */
static size_t subjects(void) {
  return net_cpu_matrix() ? SUBJECTS : SUBJECTS - 1;
}

typedef struct {
  net_graph *graph;
  float *params;
} subject;

static float *floats(size_t count) {
  float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
  assert_non_null(values);
  return values;
}

static subject make(size_t index) {
  subject s = {.graph = net_graph_new()};
  leuko_error error = {0};
  builders[index](s.graph);
  ok(net_graph_finish(s.graph, &error), &error);
  s.params = floats(s.graph->param_floats);
  net_init_params(s.graph, 3, s.params);
  rng r = rng_open(21, RNG_TEST, 1, 0);
  for (int i = 0; i < s.graph->param_count; i++) {
    const net_param *p = &s.graph->params[i];
    if (p->rank > 1) continue;
    for (size_t k = 0; k < p->count; k++) s.params[p->offset + k] += (float)(0.2 * rng_uniform(&r));
  }
  return s;
}

static void free_subject(subject *s) {
  net_graph_free(s->graph);
  free(s->params);
}

typedef enum { CELLS, BLACK, NOTHING_BLACK, ONE_CELL } scene;

/* Cells: in the middle, at the border, none, everywhere, a single pixel. */
static void draw(scene what, uint8_t *pixels) {
  rng r = rng_open(22, RNG_TEST, 1, (uint32_t)what);
  memset(pixels, 0, IMAGES * PIXELS);
  if (what == NOTHING_BLACK)
    for (size_t i = 0; i < IMAGES * PIXELS; i++) pixels[i] = (uint8_t)(1 + rng_below(&r, 255));
  if (what == ONE_CELL) discs_draw(&r, pixels + 2 * PIXELS, SIDE, 17, 20, 5);
  if (what != CELLS) return;
  discs_draw(&r, pixels, SIDE, 18, 20, 7);
  discs_draw(&r, pixels + PIXELS, SIDE, 3, 34, 11);
  for (size_t i = 0; i < PIXELS; i++) pixels[3 * PIXELS + i] = (uint8_t)rng_below(&r, 256);
  pixels[4 * PIXELS + 3 * (20 * SIDE + 31) + 1] = 200;
}

/* What a step of training makes: [IMAGES] logits, then the gradients of all parameters. */
static float *train(const subject *s, net_plan_options how, scene what) {
  net_plan *plan = NULL;
  leuko_error error = {0};
  const float *logits;
  how.batch = IMAGES;
  how.training = true;
  how.scaling = (net_input_scaling){.scale = 1, .mean = {100, 110, 120}, .deviation = {50, 50, 50}};
  float *params = floats(s->graph->param_floats);
  memcpy(params, s->params, s->graph->param_floats * sizeof *params);
  uint8_t *pixels = malloc(IMAGES * PIXELS);
  assert_non_null(pixels);
  float *out = floats(16 + s->graph->param_floats), dlogits[IMAGES];
  memset(out, 0, (16 + s->graph->param_floats) * sizeof *out);
  for (int i = 0; i < IMAGES; i++) dlogits[i] = 0.3f * (float)(i + 1) * (i % 2 ? -1 : 1);
  ok(net_plan_new(s->graph, &how, &plan, &error), &error);
  /* What the first step left must not show in the second. */
  const scene scenes[] = {what == CELLS ? ONE_CELL : CELLS, what};
  for (int step = 0; step < 2; step++) {
    draw(scenes[step], pixels);
    memcpy(params, s->params, s->graph->param_floats * sizeof *params);
    ok(net_plan_bind(plan, params, &error), &error);
    ok(net_plan_forward(plan, pixels, IMAGES, 0, &logits, &error), &error);
    memcpy(out, logits, IMAGES * sizeof *out);
    ok(net_plan_backward(plan, dlogits, out + 16, &error), &error);
  }
  net_plan_free(plan);
  free(params);
  free(pixels);
  return out;
}

static net_plan_options options_of(const char *backend, net_precision precision, bool skips,
                                   int threads) {
  return (net_plan_options){.backend = backend,
                            .winograd = true,
                            .precision = precision,
                            .skip = skips,
                            .threads = threads};
}

/* Root of the mean square of a - b, and the largest of b. */
static double difference(const float *a, const float *b, size_t count, double *largest) {
  double sum = 0;
  *largest = 0;
  for (size_t i = 0; i < count; i++) {
    sum += pow((double)a[i] - (double)b[i], 2);
    *largest = fmax(*largest, fabs((double)b[i]));
  }
  return sqrt(sum / (double)count);
}

/* In bfloat16 the flat pixel is rounded, by up to 2^-9 of itself, and counts at all its places
 * alike. */
static void compare(size_t index, const subject *s, net_precision p, const float *truth,
                    const float *all, const float *skipped) {
  const double close = p == NET_BF16 ? 4.0 / 512 : 1e-5;
  double largest;
  for (int i = -1; i < s->graph->param_count; i++) {
    const net_param *param = i < 0 ? NULL : &s->graph->params[i];
    if (param && !param->trainable) continue;
    const size_t from = param ? 16 + param->offset : 0, count = param ? param->count : IMAGES;
    const double error = difference(all + from, truth + from, count, &largest);
    const double skip_error = difference(skipped + from, truth + from, count, &largest);
    if (!(skip_error <= 2 * error + close * largest))
      fail_msg("network %zu %s, %s: error %.3g, with skipping %.3g, largest %.3g", index,
               net_precision_name(p), param ? param->name : "logits", error, skip_error, largest);
  }
}

/* What the reference makes: at every level the same. */
static const float *reference(size_t index, const subject *s, scene what) {
  static float *known[SUBJECTS][ONE_CELL + 1];
  if (!known[index][what])
    known[index][what] = train(s, options_of("ref", NET_F32, false, 2), what);
  return known[index][what];
}

static void gradients_are_the_same(void **state) {
  (void)state;
  for (size_t n = 0; n < subjects(); n++) {
    subject s = make(n);
    for (scene what = CELLS; what <= ONE_CELL; what++) {
      const float *truth = reference(n, &s, what);
      for (net_precision p = NET_F32; p <= NET_BF16 && net_precision_trains(p); p++) {
        float *all = train(&s, options_of("onednn", p, false, 2), what);
        float *skipped = train(&s, options_of("onednn", p, true, 2), what);
        compare(n, &s, p, truth, all, skipped);
        free(all);
        free(skipped);
      }
    }
    free_subject(&s);
  }
}

/* Where nothing is black, nothing is different: the same bits. And the same from run to run, with
 * any number of threads as long as it is the same. */
static void bits_are_the_same(void **state) {
  (void)state;
  for (size_t n = 0; n < subjects(); n++) {
    subject s = make(n);
    const size_t bytes = (16 + s.graph->param_floats) * sizeof(float);
    for (net_precision p = NET_F32; p <= NET_BF16 && net_precision_trains(p); p++)
      for (int threads = 1; threads <= 3; threads += 2) {
        float *all = train(&s, options_of("onednn", p, false, threads), NOTHING_BLACK);
        float *skipped = train(&s, options_of("onednn", p, true, threads), NOTHING_BLACK);
        assert_memory_equal(all, skipped, bytes);
        free(all);
        free(skipped);
        float *once = train(&s, options_of("onednn", p, true, threads), CELLS);
        float *again = train(&s, options_of("onednn", p, true, threads), CELLS);
        assert_memory_equal(once, again, bytes);
        free(once);
        free(again);
      }
    free_subject(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_are_the_same),
      cmocka_unit_test(bits_are_the_same),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, FIRST_LEVEL);
}
