/* Computing only what can differ from a black image: the same answers as computing everything. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discs.h"
#include "each_level.h"
#include "net/cpu.h"
#include "net/plan.h"
#include "zoo/zoo.h"

/* Whole networks in plain C, every lane watched, take a quarter of an hour; test_infer_ops has the
 * same kernels checked at all levels. */
#ifdef __SANITIZE_ADDRESS__
#define FIRST_LEVEL NET_CPU_AVX2
#else
#define FIRST_LEVEL NET_CPU_GENERIC
#endif

#define SIDE 48
#define IMAGES 5
#define PIXELS ((size_t)SIDE * SIDE * 3)

static void ok(leuko_status status, const leuko_error *error) {
  if (status != LEUKO_OK) fail_msg("%s", error->message);
}

typedef struct {
  net_graph *graph;
  float *params;
} subject;

/* A network with parameters of which none is zero, so that a black image is not all zeros inside.
 */
static subject make(const char *name, zoo_form form) {
  zoo_options options;
  subject s = {0};
  leuko_error error = {0};
  ok(zoo_defaults(name, &options, &error), &error);
  options.size = SIDE;
  options.form = form;
  if (options.dense) options.dense = 32;
  ok(zoo_build(&options, &s.graph, &error), &error);
  s.params = aligned_alloc(64, (s.graph->param_floats * sizeof *s.params + 63) / 64 * 64);
  assert_non_null(s.params);
  net_init_params(s.graph, 3, s.params);
  rng r = rng_open(21, RNG_TEST, 0, 0);
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

/* A cell in the middle, one that touches the border, nothing, everything, a single pixel. */
static uint8_t *draw(uint32_t number) {
  uint8_t *pixels = calloc(IMAGES, PIXELS);
  assert_non_null(pixels);
  rng r = rng_open(22, RNG_TEST, 0, number);
  discs_draw(&r, pixels, SIDE, 22, 26, 9);
  discs_draw(&r, pixels + PIXELS, SIDE, 3, 45, 13);
  for (size_t i = 0; i < PIXELS; i++) pixels[3 * PIXELS + i] = (uint8_t)rng_below(&r, 256);
  pixels[4 * PIXELS + 3 * (20 * SIDE + 31) + 1] = 200;
  return pixels;
}

/* Logits of IMAGES images, as many at a time as the plan's batch holds. */
static void answer(const subject *s, net_plan_options how, const uint8_t *pixels, float *logits) {
  net_plan *plan = NULL;
  leuko_error error = {0};
  const float *out;
  how.threads = 2;
  how.scaling = (net_input_scaling){.scale = 1, .mean = {100, 110, 120}, .deviation = {50, 50, 50}};
  ok(net_plan_new(s->graph, &how, &plan, &error), &error);
  ok(net_plan_bind(plan, s->params, &error), &error);
  for (int first = 0; first < IMAGES; first += how.batch) {
    ok(net_plan_forward(plan, pixels + (size_t)first * PIXELS, how.batch, 0, &out, &error), &error);
    memcpy(logits + first, out, (size_t)how.batch * sizeof *logits);
  }
  net_plan_free(plan);
}

static const struct {
  const char *name;
  zoo_form form;
} networks[] = {
    {"cnn", ZOO_KERAS}, {"vgg16", ZOO_KERAS}, {"resnet50", ZOO_KERAS}, {"resnet50", ZOO_TORCH}};
#define NETWORKS (sizeof networks / sizeof *networks)

static net_plan_options options_of(net_precision precision, bool winograd, bool skips) {
  return (net_plan_options){.batch = IMAGES,
                            .backend = "onednn",
                            .winograd = winograd,
                            .precision = precision,
                            .skip = skips};
}

/* Direct kernels: to the bit. */
static void direct_kernels_give_the_same_bits(void **state) {
  (void)state;
  uint8_t *pixels = draw(0);
  for (size_t n = 0; n < NETWORKS; n++) {
    subject s = make(networks[n].name, networks[n].form);
    for (net_precision p = NET_F32; p <= NET_BF16 && net_precision_supported(p); p++) {
      float all[IMAGES], skipped[IMAGES];
      answer(&s, options_of(p, false, false), pixels, all);
      answer(&s, options_of(p, false, true), pixels, skipped);
      for (int i = 0; i < IMAGES; i++) assert_true(isfinite(all[i]));
      assert_memory_equal(all, skipped, sizeof all);
    }
    free_subject(&s);
  }
  free(pixels);
}

/* What the reference answers for the pictures of the first draw: at every level the same. */
static const float *reference(size_t network, const subject *s) {
  static float known[NETWORKS][IMAGES];
  static bool is_known[NETWORKS];
  if (!is_known[network]) {
    net_plan_options ref = options_of(NET_F32, false, false);
    ref.backend = "ref";
    uint8_t *pixels = draw(0);
    answer(s, ref, pixels, known[network]);
    free(pixels);
  }
  is_known[network] = true;
  return known[network];
}

/* What both ways, everything computed and the background skipped, differ by from the truth. */
typedef struct {
  double squares[2], worst; /* sums; of the second way */
  double largest;           /* of the answers */
} errors;

static void add_errors(const subject *s, net_precision p, uint32_t number, const float *truth,
                       errors *e) {
  uint8_t *pixels = draw(number);
  float expected[IMAGES], got[IMAGES];
  if (truth) memcpy(expected, truth, sizeof expected);
  else answer(s, options_of(NET_F32, false, false), pixels, expected);
  for (int skips = 0; skips < 2; skips++) {
    answer(s, options_of(p, true, skips), pixels, got);
    for (int i = 0; i < IMAGES; i++) {
      const double off = fabs((double)got[i] - (double)expected[i]);
      e->squares[skips] += off * off;
      if (skips) e->worst = fmax(e->worst, off);
      e->largest = fmax(e->largest, fabs((double)expected[i]));
    }
  }
  free(pixels);
}

/* Winograd: another rounding, and no larger an error; in float32 beside the reference, in bfloat16
 * beside float32 and over several draws, since the error of one answer is chance. */
static void winograd_errs_no_more(void **state) {
  (void)state;
  for (size_t n = 0; n < NETWORKS; n++) {
    subject s = make(networks[n].name, networks[n].form);
    for (net_precision p = NET_F32; p <= NET_BF16 && net_precision_supported(p); p++) {
      const uint32_t draws = p == NET_F32 ? 1 : 3;
      errors e = {0};
      for (uint32_t k = 0; k < draws; k++)
        add_errors(&s, p, k, p == NET_F32 ? reference(n, &s) : NULL, &e);
      const double error = sqrt(e.squares[0] / (draws * IMAGES)),
                   skip_error = sqrt(e.squares[1] / (draws * IMAGES));
      print_message("# %s %s: error %.2g, with skipping %.2g, at most %.2g of %.3g\n",
                    networks[n].name, net_precision_name(p), error, skip_error, e.worst, e.largest);
      assert_true(skip_error <= 2 * error + 1e-5 * e.largest);
      assert_true(e.worst <= (p == NET_BF16 ? 0.05 : 1e-4) * e.largest);
    }
    free_subject(&s);
  }
}

static void an_image_alone_and_in_a_batch(void **state) {
  (void)state;
  uint8_t *pixels = draw(0);
  for (size_t n = 0; n < NETWORKS; n++) {
    subject s = make(networks[n].name, networks[n].form);
    for (net_precision p = NET_F32; p <= NET_BF16 && net_precision_supported(p); p++) {
      float together[IMAGES], alone[IMAGES];
      net_plan_options how = options_of(p, true, true);
      answer(&s, how, pixels, together);
      how.batch = 1;
      answer(&s, how, pixels, alone);
      assert_memory_equal(alone, together, sizeof alone);
    }
    free_subject(&s);
  }
  free(pixels);
}

/* Marks are what the definition says: a window holds a pixel that differs. */
static void marks_spread_as_windows_reach(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 200; n++) {
    rng r = rng_open(23, RNG_TEST, 0, n);
    const int kernel = 1 + (int)rng_below(&r, 7), stride = 1 + (int)rng_below(&r, 3);
    const int pad = (int)rng_below(&r, (uint32_t)kernel);
    const net_shape in = {kernel + (int)rng_below(&r, 14), kernel + (int)rng_below(&r, 14), 1};
    const net_shape out = {(in.h + 2 * pad - kernel) / stride + 1,
                           (in.w + 2 * pad - kernel) / stride + 1, 1};
    uint8_t marks[21 * 21], got[35 * 35], row[32];
    for (int i = 0; i < in.h * in.w; i++) marks[i] = rng_below(&r, 12) == 0;
    size_t count = skip_spread(marks, in, kernel, stride, pad, out, got, row), expected = 0;
    for (int y = 0; y < out.h; y++)
      for (int x = 0; x < out.w; x++) {
        bool any = false;
        for (int k = 0; k < kernel * kernel; k++) {
          int iy = y * stride - pad + k / kernel, ix = x * stride - pad + k % kernel;
          if (iy >= 0 && iy < in.h && ix >= 0 && ix < in.w) any = any || marks[iy * in.w + ix];
        }
        expected += any;
        assert_int_equal(got[y * out.w + x], any);
      }
    assert_int_equal(count, expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(marks_spread_as_windows_reach),
      cmocka_unit_test(direct_kernels_give_the_same_bits),
      cmocka_unit_test(winograd_errs_no_more),
      cmocka_unit_test(an_image_alone_and_in_a_batch),
  };
  return each_level_run(tests, sizeof tests / sizeof *tests, FIRST_LEVEL);
}
