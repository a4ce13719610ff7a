/* Models side by side, from the files of their evaluations. */
#include "support.h"

#include "evaluate/compare.h"
#include "evaluate/evaluate.h"

#define CELLS 48 /* of eight subjects, the first half positive */

static const char *const names[] = {"hem", "all"};

/* An evaluation's folder: cells from `first` on with scores that overlap by `blur`. */
static void write_run(const char *parent, const char *name, char out[PATH], size_t first,
                      double blur, const int *groups) {
  static char hashes[CELLS][8], subjects[CELLS][8], paths[CELLS][16];
  evaluate_sample list[CELLS];
  double logits[CELLS];
  size_t n = 0;
  for (size_t i = first; i < CELLS; i++, n++) {
    bool positive = i < CELLS / 2;
    snprintf(paths[n], sizeof paths[n], "%02zu.png", i);
    snprintf(hashes[n], sizeof hashes[n], "%02zx", (i * 7) % CELLS);
    snprintf(subjects[n], sizeof subjects[n], "%c%zu", positive ? 'P' : 'H', i / 6);
    logits[n] = (positive ? 1 : -1) + blur * ((double)((i * 5) % 12) - 5.5);
    list[n] =
        (evaluate_sample){paths[n], hashes[n], subjects[n], positive, logits + n, LEUKO_OK, 0};
  }
  evaluate_input input = {.classes = names,
                          .class_count = 2,
                          .positive = 1,
                          .threshold = 0.5,
                          .samples = list,
                          .groups = groups,
                          .count = n};
  evaluation e;
  char path[PATH];
  snprintf(out, PATH, "%.900s/%.60s", parent, name);
  assert_int_equal(file_make_folders(out, NULL), LEUKO_OK);
  assert_int_equal(evaluate_samples(&input, &e, NULL), LEUKO_OK);
  snprintf(path, sizeof path, "%.900s/predictions.csv", out);
  assert_int_equal(evaluate_write_predictions(path, &input, NULL), LEUKO_OK);
  snprintf(path, sizeof path, "%.900s/metrics.json", out);
  assert_int_equal(evaluate_write_metrics(path, &e, NULL), LEUKO_OK);
  evaluate_free(&e);
}

static void runs_meet_on_their_common_cells(void **state) {
  (void)state;
  char folder[PATH], a[PATH], b[PATH];
  test_folder(folder);
  write_run(folder, "a", a, 0, 0.3, NULL);
  write_run(folder, "b", b, 6, 0.6, NULL);
  const char *runs[] = {a, b};
  comparison c;
  assert_int_equal(compare_runs(runs, 2, &c, NULL), LEUKO_OK);
  assert_int_equal(c.n, CELLS - 6);
  assert_int_equal(c.persons, 7);
  assert_int_equal(c.runs[0].own, CELLS);
  assert_int_equal(c.runs[1].own, CELLS - 6);
  assert_int_equal(c.pair_count, 1);
  for (int s = 0; s < STATS_SCORES; s++) {
    test_close("difference", c.pairs[0].differences[s], c.runs[0].scores[s] - c.runs[1].scores[s],
               0);
    assert_true(c.pairs[0].by_subject[s].low <= c.pairs[0].differences[s] &&
                c.pairs[0].by_subject[s].high >= c.pairs[0].differences[s]);
  }
  assert_true(c.runs[0].scores[STATS_AUC] > c.runs[1].scores[STATS_AUC]);
  test_close("area", c.pairs[0].delong.areas[0], c.runs[0].scores[STATS_AUC], 1e-12);
  test_close("area", c.pairs[0].delong.areas[1], c.runs[1].scores[STATS_AUC], 1e-12);
  json_t *json = compare_json(&c);
  assert_int_equal(json_integer_value(json_object_get(json, "n")), CELLS - 6);
  assert_int_equal(json_array_size(json_object_get(json, "runs")), 2);
  const json_t *pair = json_array_get(json_object_get(json, "pairs"), 0);
  assert_true(json_is_real(json_object_get(json_object_get(pair, "delong"), "p")));
  const json_t *auc = json_object_get(json_object_get(pair, "differences"), "auc");
  assert_int_equal(json_array_size(json_object_get(auc, "by_subject")), 2);
  json_decref(json);
  compare_free(&c);
  test_remove(folder);
}

/* The same scores and intervals as the evaluation of those cells has. */
static void a_run_against_itself(void **state) {
  (void)state;
  char folder[PATH], a[PATH];
  test_folder(folder);
  write_run(folder, "a", a, 0, 0.37, NULL);
  const char *runs[] = {a, a, a};
  comparison c;
  assert_int_equal(compare_runs(runs, 3, &c, NULL), LEUKO_OK);
  assert_int_equal(c.n, CELLS);
  assert_int_equal(c.pair_count, 3);
  assert_int_equal(c.pairs[2].first, 1);
  assert_int_equal(c.pairs[2].second, 2);
  for (int s = 0; s < STATS_SCORES; s++)
    assert_true(c.pairs[0].by_subject[s].low == 0 && c.pairs[0].by_subject[s].high == 0);
  test_close("p", c.pairs[0].delong.p, 1, 0);
  char *text = test_read(a, "metrics.json");
  json_t *metrics = json_loads(text, 0, NULL);
  free(text);
  const json_t *intervals = json_object_get(metrics, "intervals");
  const json_t *auc = json_object_get(json_object_get(intervals, "by_subject"), "auc");
  test_close("low", c.runs[0].by_subject[STATS_AUC].low, json_number_value(json_array_get(auc, 0)),
             1e-9);
  test_close("AUC", c.runs[0].scores[STATS_AUC], json_number_value(json_object_get(metrics, "auc")),
             1e-9);
  json_decref(metrics);
  compare_free(&c);
  test_remove(folder);
}

static void tied_subjects_are_one_person(void **state) {
  (void)state;
  char folder[PATH], a[PATH], b[PATH];
  int groups[CELLS];
  for (size_t i = 0; i < CELLS; i++) groups[i] = i < 18 ? 1 : (int)(i / 6) + 2;
  test_folder(folder);
  write_run(folder, "a", a, 0, 0.3, groups);
  write_run(folder, "b", b, 0, 0.5, groups);
  const char *runs[] = {a, b};
  comparison c;
  assert_int_equal(compare_runs(runs, 2, &c, NULL), LEUKO_OK);
  assert_int_equal(c.persons, 6);
  compare_free(&c);
  test_remove(folder);
}

static void older_files_are_read(void **state) {
  (void)state;
  char folder[PATH];
  test_folder(folder);
  static const char said[] =
      "path,sha256,subject,label,p,predicted,status\n"
      "1,aa,7,all,0.9,all,OK\n2,ab,8,all,0.4,hem,OK\n3,ac,H1,hem,0.2,hem,OK\n"
      "4,ad,H2,hem,0.6,all,OK\n5,ae,,,0.6,all,OK\n6,,,hem,,,CORRUPT_IMAGE\n";
  static const char metrics[] = "{\"classes\": [\"hem\", \"all\"], \"positive\": \"all\"}";
  test_write(NULL, folder, "predictions.csv", said, sizeof said - 1);
  test_write(NULL, folder, "metrics.json", metrics, sizeof metrics - 1);
  const char *runs[] = {folder, folder};
  comparison c;
  assert_int_equal(compare_runs(runs, 2, &c, NULL), LEUKO_OK);
  assert_int_equal(c.n, 4);
  assert_int_equal(c.persons, 4);
  test_close("accuracy", c.runs[0].scores[STATS_ACCURACY], 0.5, 0);
  test_close("AUC", c.runs[0].scores[STATS_AUC], 0.75, 0);
  compare_free(&c);
  test_remove(folder);
}

/* What compare_runs says to a run beside a broken one. */
static leuko_status against(const char *run, const char *folder, const char *said,
                            const char *metrics) {
  static const comparison zero;
  test_write(NULL, folder, "predictions.csv", said, strlen(said));
  test_write(NULL, folder, "metrics.json", metrics, strlen(metrics));
  const char *runs[] = {run, folder};
  comparison c;
  leuko_status status = compare_runs(runs, 2, &c, NULL);
  assert_memory_equal(&c, &zero, sizeof c);
  return status;
}

static void wrong_files_are_refused(void **state) {
  (void)state;
  char folder[PATH], a[PATH], b[PATH];
  test_folder(folder);
  write_run(folder, "a", a, 0, 0.3, NULL);
  snprintf(b, sizeof b, "%.900s/b", folder);
  assert_int_equal(file_make_folders(b, NULL), LEUKO_OK);
  const char *runs[] = {a, b};
  comparison c;
  assert_int_equal(compare_runs(runs, 1, &c, NULL), LEUKO_ARGUMENT);
  assert_int_equal(compare_runs(runs, 2, &c, NULL), LEUKO_NOT_FOUND);
#define HEAD "path,sha256,subject,label,p,predicted,status\n"
  static const char good[] = "{\"classes\": [\"hem\", \"all\"]}";
  assert_int_equal(against(a, b, HEAD "1,zz,7,all,0.9,all,OK\n", good), LEUKO_NO_DATA);
  assert_int_equal(against(a, b, HEAD "1,00,7,hem,0.9,all,OK\n", good), LEUKO_BAD_DATA);
  assert_int_equal(against(a, b, HEAD "1,00,7,all,x,all,OK\n", good), LEUKO_BAD_DATA);
  assert_int_equal(against(a, b, HEAD "1,00,7,all,0.9,other,OK\n", good), LEUKO_BAD_DATA);
  assert_int_equal(against(a, b, "path,sha256\n1,00\n", good), LEUKO_BAD_CSV);
  assert_int_equal(against(a, b, HEAD, "{}"), LEUKO_BAD_DATA);
  assert_int_equal(against(a, b, HEAD, "{\"classes\": [\"x\", \"y\", \"z\"]}"), LEUKO_BAD_DATA);
  assert_int_equal(against(a, b, HEAD "1,00,7,x,0.9,x,OK\n", "{\"classes\": [\"y\", \"x\"]}"),
                   LEUKO_BAD_DATA);
  test_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_meet_on_their_common_cells), cmocka_unit_test(a_run_against_itself),
      cmocka_unit_test(tied_subjects_are_one_person),    cmocka_unit_test(older_files_are_read),
      cmocka_unit_test(wrong_files_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
