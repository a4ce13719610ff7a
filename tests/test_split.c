/* Splits: what must stay together, how near the ratio is met, and the CSV file. */
#include "listed.h"

static split_report split(dataset *d, split_kind by, double share, uint64_t seed) {
  split_report report;
  leuko_error error = {0};
  if (dataset_split(d, by, share, seed, &report, &error) != LEUKO_OK) fail_msg("%s", error.message);
  return report;
}

static size_t count(const dataset *d, dataset_part part, int label) {
  size_t cells = 0;
  for (size_t i = 0; i < d->count; i++)
    cells += d->samples[i].part == part && d->samples[i].label == label;
  return cells;
}

static dataset_part part_of_subject(const dataset *d, const char *subject) {
  dataset_part part = DATASET_NONE;
  for (size_t i = 0; i < d->count; i++)
    if (strcmp(d->samples[i].subject, subject) == 0) part |= d->samples[i].part;
  return part; /* 3: on both sides */
}

static void by_image_every_class_is_in_the_ratio(void **state) {
  (void)state;
  dataset d = empty();
  add_many(&d, "1", 1, 0, 4802);
  add_many(&d, "H1", 0, 0, 2277);
  tie(&d, NULL);
  split_report r = split(&d, SPLIT_BY_IMAGE, 0.6, 1);
  assert_int_equal(count(&d, DATASET_TRAIN, 1), 2881);
  assert_int_equal(count(&d, DATASET_TRAIN, 0), 1366);
  assert_int_equal(r.train, 4247);
  assert_int_equal(r.test, 2832);
  split_leaks leaks;
  assert_int_equal(dataset_leaks(&d, &leaks), 2);
  assert_int_equal(leaks.leaking, 2);
  assert_int_equal(leaks.subjects, 2);
  dataset_free(&d);
}

static void equal_seeds_give_equal_splits(void **state) {
  (void)state;
  dataset d = typical();
  dataset_part *first = malloc(d.count * sizeof *first);
  assert_non_null(first);
  for (int by = SPLIT_BY_SUBJECT; by <= SPLIT_BY_IMAGE; by++) {
    split(&d, (split_kind)by, 0.6, 5);
    for (size_t i = 0; i < d.count; i++) first[i] = d.samples[i].part;
    split(&d, (split_kind)by, 0.6, 5);
    for (size_t i = 0; i < d.count; i++) assert_int_equal(d.samples[i].part, first[i]);
    split(&d, (split_kind)by, 0.6, 6);
    size_t different = 0;
    for (size_t i = 0; i < d.count; i++) different += d.samples[i].part != first[i];
    assert_int_equal(different > 0, by != SPLIT_BY_FOLD);
  }
  free(first);
  dataset_free(&d);
}

static void by_subject_no_subject_is_on_both_sides(void **state) {
  (void)state;
  dataset d = typical();
  static const double shares[] = {0.5, 0.6, 0.8, 0.9};
  for (int s = 0; s < 4; s++) {
    split_report r = split(&d, SPLIT_BY_SUBJECT, shares[s], 1);
    assert_true(r.worst_excess < 0.01);
    split_leaks leaks;
    assert_int_equal(dataset_leaks(&d, &leaks), 0);
    assert_int_equal(leaks.subjects, 47);
    assert_int_equal(leaks.unknown, 0);
    for (int label = 0; label < 2; label++) {
      assert_true(count(&d, DATASET_TRAIN, label) > 0);
      assert_true(count(&d, DATASET_TEST, label) > 0);
    }
  }
  dataset_free(&d);
}

static void few_subjects_are_divided_as_well_as_they_can_be(void **state) {
  (void)state;
  dataset d = empty();
  add_many(&d, "1", 1, 0, 99); /* one large subject of each class, and one small one */
  add_many(&d, "2", 1, 0, 1);
  add_many(&d, "H1", 0, 0, 99);
  add_many(&d, "H7", 0, 0, 1);
  tie(&d, NULL);
  split(&d, SPLIT_BY_SUBJECT, 0.6, 1);
  for (int label = 0; label < 2; label++) {
    assert_true(count(&d, DATASET_TRAIN, label) > 0);
    assert_true(count(&d, DATASET_TEST, label) > 0);
  }
  dataset_free(&d);
  d = empty(); /* one subject of each class: one of the two must be tested on */
  add_many(&d, "1", 1, 0, 10);
  add_many(&d, "H1", 0, 0, 10);
  tie(&d, NULL);
  split_report r = split(&d, SPLIT_BY_SUBJECT, 0.6, 1);
  assert_int_equal(r.train, 10);
  assert_int_equal(r.test, 10);
  dataset_free(&d);
}

static void known_subjects_are_tied_without_a_manifest(void **state) {
  (void)state;
  static const char *const tied[][5] = {
      {"20", "21"}, {"51", "75", "78"}, {"H2", "H4", "H5", "H6"}, {"H3", "H10"}};
  dataset d = empty();
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 5 && tied[i][j]; j++) add_many(&d, tied[i][j], i < 2, j % 3, 10);
  add_many(&d, "1", 1, 0, 30);
  add_many(&d, "H1", 0, 0, 30);
  dataset_ties ties = tie(&d, NULL);
  assert_int_equal(ties.subjects, 13);
  assert_int_equal(ties.tied_subjects, 11);
  assert_int_equal(ties.persons, 6);
  assert_int_equal(ties.twins, 0);
  for (uint64_t seed = 0; seed < 5; seed++) {
    split(&d, SPLIT_BY_SUBJECT, 0.6, seed);
    assert_int_equal(dataset_leaks(&d, NULL), 0);
    for (int i = 0; i < 4; i++)
      for (int j = 1; j < 5 && tied[i][j]; j++)
        assert_int_equal(part_of_subject(&d, tied[i][0]), part_of_subject(&d, tied[i][j]));
  }
  d.official = false; /* such numbers mean nothing in other data */
  ties = tie(&d, NULL);
  assert_int_equal(ties.tied_subjects, 0);
  dataset_free(&d);
}

static void identical_cells_stay_together_and_tie_their_subjects(void **state) {
  (void)state;
  dataset d = empty();
  for (int i = 0; i < 20; i++) { /* subjects 1 and 2 share all cells, 3 and 4 one by its pixels */
    add(&d, "1", 1, 0, (size_t)i);
    add(&d, "2", 1, 1, (size_t)i);
  }
  add_many(&d, "3", 1, 0, 20);
  add_many(&d, "4", 1, 2, 20);
  memcpy(d.samples[45].pixels, d.samples[65].pixels, HASH_HEX);
  add_many(&d, "H1", 0, 0, 25);
  add_many(&d, "H7", 0, 0, 25);
  dataset_ties ties = tie(&d, NULL);
  assert_int_equal(ties.tied_subjects, 4);
  assert_int_equal(ties.persons, 4);
  assert_int_equal(ties.twins, 42);
  assert_int_equal(ties.contradicting, 0);
  split(&d, SPLIT_BY_SUBJECT, 0.6, 1);
  assert_int_equal(part_of_subject(&d, "1"), part_of_subject(&d, "2"));
  assert_int_equal(part_of_subject(&d, "3"), part_of_subject(&d, "4"));
  for (uint64_t seed = 0; seed < 5; seed++) {
    split(&d, SPLIT_BY_IMAGE, 0.6, seed);
    assert_int_equal(count(&d, DATASET_TRAIN, 1), 48);
    assert_int_equal(count(&d, DATASET_TRAIN, 0), 30);
    split_leaks leaks;
    dataset_leaks(&d, &leaks);
    assert_int_equal(leaks.twins, 0);
    for (size_t i = 0; i < d.count; i++)
      for (size_t j = 0; j < i; j++)
        if (d.samples[i].twin == d.samples[j].twin)
          assert_int_equal(d.samples[i].part, d.samples[j].part);
  }
  /* A subject tied to one on the other side leaks, though its own cells are on one side only. */
  for (size_t i = 0; i < d.count; i++)
    d.samples[i].part = strcmp(d.samples[i].subject, "1") == 0 ? DATASET_TRAIN : DATASET_TEST;
  split_leaks leaks;
  assert_int_equal(dataset_leaks(&d, &leaks), 2 + 20);
  assert_int_equal(leaks.leaking, 2);
  assert_int_equal(leaks.twins, 20);
  dataset_free(&d);
}

static void identical_cells_of_two_classes_are_counted(void **state) {
  (void)state;
  dataset d = empty();
  add_many(&d, "1", 1, 0, 10);
  add_many(&d, "H1", 0, 0, 10);
  add(&d, "1", 1, 0, 7);
  add(&d, "H1", 0, 0, 7);
  assert_int_equal(tie(&d, NULL).contradicting, 1);
  split(&d, SPLIT_BY_IMAGE, 0.5, 1);
  dataset_leaks(&d, NULL);
  dataset_free(&d);
}

static void the_manifest_ties_what_was_reencoded(void **state) {
  dataset d = empty();
  char manifest[PATH], line[256];
  snprintf(manifest, sizeof manifest, "%s/m.tsv", (char *)*state);
  add_many(&d, "1", 1, 0, 20);
  add_many(&d, "2", 1, 1, 20);
  add_many(&d, "3", 1, 1, 20);
  add_many(&d, "4", 1, 1, 20);
  add_many(&d, "H1", 0, 0, 20);
  add_many(&d, "H7", 0, 1, 20);
  qsort(d.samples, d.count, sizeof *d.samples, by_path);
  file_writer writer;
  assert_int_equal(file_writer_open(&writer, manifest, NULL), LEUKO_OK);
  file_printf(&writer, "path\tbytes\tsha256\n");
  for (size_t i = 0; i < d.count; i++) {
    /* The originals: the first cells of subjects 1 and 2 are one. */
    const char *subject = d.samples[i].subject;
    bool first = i == 0 || strcmp(d.samples[i - 1].subject, subject) != 0;
    size_t content = first && (subject[0] == '1' || subject[0] == '2') ? 7 : 5000 + i;
    file_printf(&writer, "training_data/%.*s.png\t600\t%064zx\n",
                (int)(strlen(d.samples[i].path) - 4), d.samples[i].path, content);
  }
  /* Subjects 3 and 4 share an original of which no copy is here. */
  file_printf(&writer, "training_data/fold_1/all/UID_3_999_1_all.png\t600\t%064d\n", 9);
  file_printf(&writer, "training_data/fold_2/all/UID_4_999_1_all.png\t600\t%064d\n", 9);
  assert_int_equal(file_writer_commit(&writer, NULL), LEUKO_OK);
  assert_int_equal(tie(&d, NULL).tied_subjects, 0);
  dataset_ties ties = tie(&d, manifest);
  assert_int_equal(ties.matched, d.count);
  assert_int_equal(ties.twins, 2);
  assert_int_equal(ties.tied_subjects, 4);
  split(&d, SPLIT_BY_SUBJECT, 0.6, 1);
  assert_int_equal(part_of_subject(&d, "1"), part_of_subject(&d, "2"));
  assert_int_equal(part_of_subject(&d, "3"), part_of_subject(&d, "4"));

  static const char *const bad[] = {"path\tsha256\nx\ty\n", "path\tbytes\tsha256\nx\t1\tzz\n",
                                    "path\tbytes\tsha256\nx\tmany\t%s\n", "words\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    snprintf(line, sizeof line, "%.200s", bad[i]);
    assert_int_equal(file_write_all(manifest, line, strlen(line), NULL), LEUKO_OK);
    leuko_error error = {0};
    assert_int_equal(dataset_tie(&d, manifest, NULL, &error), LEUKO_BAD_CSV);
    assert_non_null(strstr(error.message, "line "));
  }
  dataset_free(&d);
}

static void by_fold_one_fold_is_tested_on(void **state) {
  (void)state;
  dataset d = empty();
  for (int fold = 0; fold < 3; fold++) {
    char name[16];
    snprintf(name, sizeof name, "%d", 1 + fold);
    add_many(&d, name, 1, fold, 20);
    snprintf(name, sizeof name, "H%d", 20 + fold);
    add_many(&d, name, 0, fold, 10);
  }
  tie(&d, NULL);
  split_report r = split(&d, SPLIT_BY_FOLD, 0.6, 1);
  assert_int_equal(r.test_fold, 2);
  assert_int_equal(r.train, 60);
  assert_int_equal(r.test, 30);
  assert_int_equal(r.moved, 0);
  add_many(&d, "20", 1, 1, 5); /* tied across the folds */
  add_many(&d, "21", 1, 2, 8);
  tie(&d, NULL);
  r = split(&d, SPLIT_BY_FOLD, 0.6, 1);
  assert_int_equal(r.test_fold, 2);
  assert_int_equal(r.moved, 8);
  assert_int_equal(r.test, 30);
  assert_int_equal(part_of_subject(&d, "21"), DATASET_TRAIN);
  assert_int_equal(dataset_leaks(&d, NULL), 0);
  dataset_free(&d);
}

static void cells_of_the_preliminary_phase_are_left_aside(void **state) {
  (void)state;
  dataset d = empty();
  add_many(&d, "1", 1, 0, 10);
  add_many(&d, "H1", 0, 0, 10);
  for (size_t i = 0; i < 10; i++) add(&d, i % 2 ? "53" : "H53", i % 2, -1, i)->preliminary = true;
  tie(&d, NULL);
  split_report r = split(&d, SPLIT_BY_IMAGE, 0.5, 1);
  assert_int_equal(r.aside, 10);
  assert_int_equal(r.train + r.test, 20);
  assert_int_equal(part_of_subject(&d, "53"), DATASET_NONE);
  /* Alone they are cells like others. */
  for (size_t i = 0; i < d.count; i++)
    if (!d.samples[i].preliminary) d.samples[i].status = LEUKO_CORRUPT_IMAGE;
  r = split(&d, SPLIT_BY_IMAGE, 0.5, 1);
  assert_int_equal(r.aside, 0);
  assert_int_equal(r.train + r.test, 10);
  dataset_free(&d);
}

static void what_cannot_be_split_is_said(void **state) {
  (void)state;
  dataset d = empty();
  leuko_error error = {0};
  assert_int_equal(dataset_split(&d, SPLIT_BY_IMAGE, 0.6, 1, NULL, &error), LEUKO_NO_DATA);
  add_many(&d, "1", 1, 0, 10);
  assert_int_equal(dataset_split(&d, SPLIT_BY_IMAGE, 0.6, 1, NULL, &error), LEUKO_ARGUMENT);
  tie(&d, NULL);
  assert_int_equal(dataset_split(&d, SPLIT_BY_IMAGE, 1, 1, NULL, &error), LEUKO_ARGUMENT);
  assert_int_equal(dataset_split(&d, SPLIT_BY_IMAGE, NAN, 1, NULL, &error), LEUKO_ARGUMENT);
  assert_int_equal(dataset_split(&d, SPLIT_BY_SUBJECT, 0.6, 1, NULL, &error), LEUKO_BAD_DATA);
  assert_int_equal(dataset_split(&d, SPLIT_BY_FOLD, 0.6, 1, NULL, &error), LEUKO_BAD_DATA);
  add(&d, "", 0, 0, 77);
  tie(&d, NULL);
  assert_int_equal(dataset_split(&d, SPLIT_BY_SUBJECT, 0.6, 1, NULL, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.remedy, "--subjects"));
  split(&d, SPLIT_BY_IMAGE, 0.6, 1);
  split_leaks leaks;
  dataset_leaks(&d, &leaks);
  assert_int_equal(leaks.unknown, 1);
  for (size_t i = 1; i < d.count; i++) d.samples[i].status = LEUKO_EMPTY;
  assert_int_equal(dataset_split(&d, SPLIT_BY_IMAGE, 0.6, 1, NULL, &error), LEUKO_NO_DATA);
  for (size_t i = 0; i < d.count; i++) assert_int_equal(d.samples[i].part, DATASET_NONE);
  dataset_free(&d);
}

static void many_subjects_take_no_long_search(void **state) {
  (void)state;
  dataset d = empty();
  char name[16];
  for (int i = 0; i < 8000; i++) {
    snprintf(name, sizeof name, "%d", 1000 + i / 2);
    add_many(&d, name, i / 2 % 3 > 0, 0, 1);
  }
  tie(&d, NULL);
  split_report r = split(&d, SPLIT_BY_SUBJECT, 0.7, 1);
  assert_true(r.worst_excess < 0.01);
  dataset_free(&d);
}

static void ratios_and_kinds_are_parsed(void **state) {
  (void)state;
  double share;
  assert_true(split_parse_ratio("60:40", &share));
  test_close("60:40", share, 0.6, 1e-12);
  assert_true(split_parse_ratio("2:1", &share));
  test_close("2:1", share, 2.0 / 3, 1e-12);
  static const char *const bad[] = {"",     "60",    "60:",   ":40", "60:40:0", "0:1",   "1:0",
                                    "-1:2", "nan:1", "inf:1", "a:b", "60/40",   "60:40 "};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(split_parse_ratio(bad[i], &share));
  split_kind by;
  for (int i = 0; i < 3; i++) {
    assert_true(split_kind_parse(split_kind_name((split_kind)i), &by));
    assert_int_equal(by, i);
  }
  assert_false(split_kind_parse("patient", &by));
}

/* The CSV file --------------------------------------------------------------------------------*/

static void a_written_split_is_read_back(void **state) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/split.csv", (char *)*state);
  dataset d = typical();
  dataset_part *parts = malloc(d.count * sizeof *parts);
  assert_non_null(parts);
  split(&d, SPLIT_BY_SUBJECT, 0.6, 1);
  d.samples[3].part = DATASET_NONE; /* left out of the file */
  for (size_t i = 0; i < d.count; i++) parts[i] = d.samples[i].part;
  assert_int_equal(dataset_write_split(&d, path, NULL), LEUKO_OK);
  split(&d, SPLIT_BY_IMAGE, 0.5, 9);
  assert_int_equal(dataset_read_split(&d, path, NULL), LEUKO_OK);
  for (size_t i = 0; i < d.count; i++) assert_int_equal(d.samples[i].part, parts[i]);
  char *text = test_read(*state, "split.csv");
  assert_int_equal(strncmp(text, "path,sha256,subject,label,part\n", 31), 0);
  free(text);
  free(parts);
  dataset_free(&d);
}

static void subjects_unknown_here_are_taken_from_the_split(void **state) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/split.csv", (char *)*state);
  dataset d = typical();
  split(&d, SPLIT_BY_SUBJECT, 0.6, 1);
  assert_int_equal(dataset_write_split(&d, path, NULL), LEUKO_OK);
  for (size_t i = 0; i < d.count; i++) d.samples[i].subject[0] = 0;
  assert_int_equal(dataset_read_split(&d, path, NULL), LEUKO_OK);
  tie(&d, NULL);
  split_leaks leaks;
  assert_int_equal(dataset_leaks(&d, &leaks), 0);
  assert_int_equal(leaks.subjects, 47);
  assert_int_equal(leaks.unknown, 0);
  dataset_free(&d);
}

static void rows_that_do_not_fit_are_named_with_their_lines(void **state) {
  char path[PATH], sha[HASH_HEX];
  dataset d = empty();
  add(&d, "1", 1, 0, 1);
  add(&d, "H1", 0, 0, 2);
  add(&d, "H9", 0, 0, 3)->status = LEUKO_CORRUPT_IMAGE;
  tie(&d, NULL);
  snprintf(sha, sizeof sha, "%064x", 2);
#define HEADER "path,sha256,subject,label,part\n"
#define FIRST "fold_0/all/UID_1_00000_1_all.bmp"
#define GOOD FIRST ",%s,1,all,train\n"
  static const struct {
    const char *text;
    leuko_status status;
    const char *says;
  } cases[] = {
      {HEADER GOOD, LEUKO_OK, ""},
      {HEADER, LEUKO_OK, ""},
      {"path,sha256,subject,part,label\n" GOOD, LEUKO_BAD_CSV, "line 1"},
      {"path,sha256\n", LEUKO_BAD_CSV, "line 1"},
      {HEADER FIRST ",%s,1,all\n", LEUKO_BAD_CSV, "line 2"},
      {HEADER FIRST ",%s,1,all,both\n", LEUKO_BAD_CSV, "line 2"},
      {HEADER FIRST ",%s,1,blast,train\n", LEUKO_BAD_CSV, "line 2"},
      {HEADER GOOD GOOD, LEUKO_BAD_CSV, "line 3"},
      {HEADER "fold_0/all/x.bmp,%s,1,all,train\n", LEUKO_MISMATCH, "line 2"},
      {HEADER FIRST ",%.63s0,1,all,train\n", LEUKO_MISMATCH, "line 2"},
      {HEADER FIRST ",%s,1,hem,train\n", LEUKO_MISMATCH, "line 2"},
      {HEADER FIRST ",%s,2,all,train\n", LEUKO_MISMATCH, "line 2"},
      {HEADER "fold_0/hem/UID_H9_00002_1_hem.bmp,%s,H9,hem,train\n", LEUKO_MISMATCH, "line 2"},
      {"", LEUKO_EMPTY, ""},
  };
  snprintf(path, sizeof path, "%s/split.csv", (char *)*state);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[1024], *out = text;
    for (const char *in = cases[i].text; *in;) { /* the hash in place of %s and %.63s */
      int width = strncmp(in, "%s", 2) == 0 ? 64 : strncmp(in, "%.63s", 5) == 0 ? 63 : 0;
      if (width) {
        memcpy(out, sha, (size_t)width);
        out += width;
        in = strchr(in, 's') + 1;
      } else {
        *out++ = *in++;
      }
    }
    *out = 0;
    assert_int_equal(file_write_all(path, text, strlen(text), NULL), LEUKO_OK);
    leuko_error error = {0};
    assert_int_equal(dataset_read_split(&d, path, &error), cases[i].status);
    if (cases[i].status == LEUKO_OK) continue;
    assert_non_null(strstr(error.message, cases[i].says));
    for (size_t j = 0; j < d.count; j++) assert_int_equal(d.samples[j].part, DATASET_NONE);
  }
  leuko_error error = {0};
  snprintf(path, sizeof path, "%s/no.csv", (char *)*state);
  assert_int_equal(dataset_read_split(&d, path, &error), LEUKO_NOT_FOUND);
  snprintf(path, sizeof path, "%s/no/split.csv", (char *)*state);
  assert_int_equal(dataset_write_split(&d, path, &error), LEUKO_NOT_FOUND);
  dataset_free(&d);
}

/* Real cells ----------------------------------------------------------------------------------*/

static void the_real_cells_are_split_without_a_leak(void **state) {
  const char *shared = getenv("LEUKO_SHARED");
  if (!shared || !shared[0]) {
    print_message("LEUKO_SHARED is not set: no real cells\n");
    skip();
  }
  char root[PATH], manifest[PATH];
  snprintf(root, sizeof root, "%s/data/cnmc-sample", shared);
  dataset d;
  assert_int_equal(dataset_scan(root, NULL, NULL, &d, NULL), LEUKO_OK);
  assert_true(dataset_find_manifest(d.root, manifest, sizeof manifest));
  dataset_ties ties;
  assert_int_equal(dataset_tie(&d, manifest, &ties, NULL), LEUKO_OK);
  assert_int_equal(ties.matched, 360);
  assert_int_equal(ties.tied_subjects, 7); /* H2 H4 H5 H6 H7, H3 H10 */
  for (int by = SPLIT_BY_SUBJECT; by <= SPLIT_BY_FOLD; by++) {
    split_report r = split(&d, (split_kind)by, 0.6, 1);
    assert_int_equal(r.train + r.test, 352);
    assert_int_equal(r.aside, 4);
    assert_int_equal(dataset_leaks(&d, NULL), 0);
  }
  split(&d, SPLIT_BY_IMAGE, 0.6, 1);
  assert_true(dataset_leaks(&d, NULL) > 10);
  dataset_free(&d);
  (void)state;
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, cells_setup, cells_teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_image_every_class_is_in_the_ratio),
      cmocka_unit_test(equal_seeds_give_equal_splits),
      cmocka_unit_test(by_subject_no_subject_is_on_both_sides),
      cmocka_unit_test(few_subjects_are_divided_as_well_as_they_can_be),
      cmocka_unit_test(known_subjects_are_tied_without_a_manifest),
      cmocka_unit_test(identical_cells_stay_together_and_tie_their_subjects),
      cmocka_unit_test(identical_cells_of_two_classes_are_counted),
      IN_FOLDER(the_manifest_ties_what_was_reencoded),
      cmocka_unit_test(by_fold_one_fold_is_tested_on),
      cmocka_unit_test(cells_of_the_preliminary_phase_are_left_aside),
      cmocka_unit_test(what_cannot_be_split_is_said),
      cmocka_unit_test(many_subjects_take_no_long_search),
      cmocka_unit_test(ratios_and_kinds_are_parsed),
      IN_FOLDER(a_written_split_is_read_back),
      IN_FOLDER(subjects_unknown_here_are_taken_from_the_split),
      IN_FOLDER(rows_that_do_not_fit_are_named_with_their_lines),
      IN_FOLDER(the_real_cells_are_split_without_a_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
