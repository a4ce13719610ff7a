/* Whether 95 % intervals hold the truth 95 times of 100: subjects are drawn whose cells share what
 * is particular to the subject, so that the true scores are known; image by image the intervals
 * are shown to be too narrow. */
#include "support.h"

#include "base/rng.h"
#include "stats/uncertainty.h"

#define PATIENTS 24
#define HEALTHY 16
#define SUBJECTS (PATIENTS + HEALTHY)
#define MOST_CELLS 30 /* of a subject */
#define TRIALS 1000
#define REPETITIONS 300

/* A cell's score: its class's mean, its subject's own shift, noise. The second model sees the same
 * subjects and blurs more. */
static const double mean = 1, shift = 0.6, blur = 0.8;

typedef struct {
  double scores[2][SUBJECTS * MOST_CELLS];
  int answers[2][SUBJECTS * MOST_CELLS];
  int labels[SUBJECTS * MOST_CELLS];
  size_t groups[SUBJECTS * MOST_CELLS];
  size_t n;
} study;

static void draw_study(study *s, uint32_t trial) {
  rng r = rng_open(7, RNG_TEST, 0, trial);
  s->n = 0;
  for (size_t subject = 0; subject < SUBJECTS; subject++) {
    int label = subject < PATIENTS;
    double own = shift * rng_normal(&r);
    size_t cells = 5 + rng_below(&r, MOST_CELLS - 4);
    for (size_t c = 0; c < cells; c++, s->n++) {
      double score = (label ? mean : -mean) + own + rng_normal(&r);
      s->scores[0][s->n] = score;
      s->scores[1][s->n] = score + blur * rng_normal(&r);
      for (int m = 0; m < 2; m++) s->answers[m][s->n] = s->scores[m][s->n] >= 0;
      s->labels[s->n] = label;
      s->groups[s->n] = subject;
    }
  }
}

static double normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2));
}

/* The scores of endlessly many subjects, of a model whose scores vary by `variance` about the
 * class's mean. */
static void true_scores(double variance, double *out) {
  for (int s = 0; s < STATS_SCORES; s++) out[s] = normal_cdf(mean / sqrt(variance));
  out[STATS_AUC] = normal_cdf(2 * mean / sqrt(2 * variance));
}

static bool holds(stats_interval i, double value) {
  return i.low <= value && value <= i.high;
}

static void check_coverage(const char *what, int hits) {
  double share = (double)hits / TRIALS;
  if (share < 0.93 || share > 0.97) fail_msg("%s: %.3f of the intervals hold", what, share);
}

static const char *const names[STATS_SCORES] = {
    [STATS_ACCURACY] = "accuracy",       [STATS_BALANCED_ACCURACY] = "balanced accuracy",
    [STATS_WEIGHTED_F1] = "weighted F1", [STATS_AUC] = "AUC",
    [STATS_SENSITIVITY] = "sensitivity", [STATS_SPECIFICITY] = "specificity"};

static void intervals_over_subjects_hold(void **state) {
  (void)state;
  double first[STATS_SCORES], second[STATS_SCORES];
  true_scores(1 + shift * shift, first);
  true_scores(1 + shift * shift + blur * blur, second);
  int hits[STATS_SCORES] = {0}, paired[STATS_SCORES] = {0}, by_image[STATS_SCORES] = {0};
  study *s = malloc(sizeof *s);
  assert_non_null(s);
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    draw_study(s, trial);
    stats_weighted a, b;
    assert_int_equal(stats_weighted_open(s->scores[0], s->labels, s->answers[0], s->n, 2, &a, NULL),
                     LEUKO_OK);
    assert_int_equal(stats_weighted_open(s->scores[1], s->labels, s->answers[1], s->n, 2, &b, NULL),
                     LEUKO_OK);
    stats_resampling how = {s->groups, s->n, SUBJECTS, REPETITIONS, trial};
    stats_interval got[STATS_SCORES];
    assert_int_equal(stats_score_intervals(&a, &how, got, NULL), LEUKO_OK);
    for (int k = 0; k < STATS_SCORES; k++) hits[k] += holds(got[k], first[k]);
    assert_int_equal(stats_difference_intervals(&a, &b, &how, got, NULL), LEUKO_OK);
    for (int k = 0; k < STATS_SCORES; k++) paired[k] += holds(got[k], first[k] - second[k]);
    if (trial < TRIALS / 4) {
      how.groups = NULL;
      assert_int_equal(stats_score_intervals(&a, &how, got, NULL), LEUKO_OK);
      for (int k = 0; k < STATS_SCORES; k++) by_image[k] += holds(got[k], first[k]);
    }
    stats_weighted_close(&a);
    stats_weighted_close(&b);
  }
  free(s);
  for (int k = 0; k < STATS_SCORES; k++) {
    char what[64];
    printf("# %s: %.3f; difference %.3f; by image %.3f\n", names[k], (double)hits[k] / TRIALS,
           (double)paired[k] / TRIALS, (double)by_image[k] / (TRIALS / 4));
    check_coverage(names[k], hits[k]);
    snprintf(what, sizeof what, "difference of %s", names[k]);
    check_coverage(what, paired[k]);
    assert_true((double)by_image[k] / (TRIALS / 4) < 0.8);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(intervals_over_subjects_hold)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
