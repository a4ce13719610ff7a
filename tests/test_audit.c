/* What an audit finds in planted trees of drawn cells, and what it does not find in a clean one. */
#include "cells.h"

#include "audit/audit.h"
#include "audit/fingerprint.h"
#include "dataset/synth.h"
#include "image/symmetry.h"
#include "report/audit_page.h"

/* Cells of one subject; the class follows from the subject's number. */
#define SUBJECTS 18
#define EACH 2

static image drawn[SUBJECTS * EACH];

static bool is_blast(int cell) {
  return cell / EACH % 2 == 1;
}

static int draw_all(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS * EACH; i++)
    if (synth_cell(7, (size_t)i, is_blast(i), (size_t)(i / EACH), &drawn[i], NULL) != LEUKO_OK)
      return -1;
  return 0;
}

static int free_all(void **state) {
  (void)state;
  for (int i = 0; i < SUBJECTS * EACH; i++) image_free(&drawn[i]);
  return 0;
}

static void put_jpeg(const char *root, const char *name, const image *in, int quality) {
  char path[PATH];
  uint8_t *bytes;
  size_t size;
  cells_place(path, root, name);
  assert_int_equal(image_encode_jpeg(in, quality, &bytes, &size, NULL), LEUKO_OK);
  assert_int_equal(file_write_all(path, bytes, size, NULL), LEUKO_OK);
  free(bytes);
}

static void put_png(const char *root, const char *name, const image *in) {
  char path[PATH];
  cells_place(path, root, name);
  assert_int_equal(image_write(path, in, IMAGE_PNG, NULL), LEUKO_OK);
}

/* The picture under a symmetry. Freed with image_free. */
static image turned(const image *in, int which) {
  image out = {in->width, in->height, malloc((size_t)in->width * (size_t)in->height * 3)};
  assert_non_null(out.rgb);
  image_symmetry(in->rgb, in->width, which, out.rgb);
  return out;
}

static void cell_path(char out[PATH], int cell, const char *extension) {
  const char *class = is_blast(cell) ? "all" : "hem";
  snprintf(out, PATH, "fold_%d/%s/UID_%s%d_%d_1_%s%s", cell / EACH % 3, class,
           is_blast(cell) ? "" : "H", cell / EACH + 100, cell % EACH + 1, class, extension);
}

/* All drawn cells; the blasts as JPEG of `blast_quality`, the others of `quality` (0: PNG). */
static void put_tree(const char *root, int quality, int blast_quality) {
  for (int i = 0; i < SUBJECTS * EACH; i++) {
    char name[PATH];
    const int q = is_blast(i) ? blast_quality : quality;
    cell_path(name, i, q ? ".jpg" : ".png");
    if (q) put_jpeg(root, name, &drawn[i], q);
    else put_png(root, name, &drawn[i]);
  }
  cells_text(root, "SYNTHETIC.txt", "drawn");
}

typedef struct {
  dataset d;
  audit a;
} audited;

static void look(audited *all, const char *root, const char *manifest, const char *split) {
  leuko_error error = {0};
  if (dataset_scan(root, NULL, NULL, &all->d, &error) != LEUKO_OK) fail_msg("%s", error.message);
  const audit_options options = {.manifest = manifest, .split = split};
  if (audit_run(&all->d, &options, NULL, &all->a, &error) != LEUKO_OK)
    fail_msg("%s", error.message);
}

static void look_away(audited *all) {
  audit_free(&all->a);
  dataset_free(&all->d);
}

static const audit_clue *clue_of(const audit *a, const char *name) {
  for (int i = 0; i < a->clue_count; i++)
    if (strcmp(a->clues[i].name, name) == 0) return &a->clues[i];
  fail_msg("no clue %s", name);
  return NULL;
}

static void check_named(const audit *a, const char *name) {
  const audit_clue *clue = clue_of(a, name);
  if (clue->verdict != AUDIT_NAMED)
    fail_msg("%s: %s, balanced %.3f, p %.4f", name, audit_verdict_name(clue->verdict),
             clue->score.balanced, clue->score.p);
}

static void check_nothing_named(const audit *a) {
  for (int i = 0; i < a->clue_count; i++)
    if (a->clues[i].verdict == AUDIT_NAMED)
      fail_msg("%s is named: balanced %.3f, p %.4f", a->clues[i].name, a->clues[i].score.balanced,
               a->clues[i].score.p);
}

/* The mask */

static image_cell mask_of(const image *in, size_t *marked) {
  uint8_t *mask = malloc((size_t)in->width * (size_t)in->height);
  image_cell cell;
  assert_non_null(mask);
  assert_int_equal(image_mask(in, mask, &cell, NULL), LEUKO_OK);
  size_t count = 0;
  for (size_t i = 0; i < (size_t)in->width * (size_t)in->height; i++) count += mask[i];
  if (marked) *marked = count;
  free(mask);
  return cell;
}

/* A square picture of one colour. Freed with image_free. */
static image plain(int side, uint8_t red, uint8_t green, uint8_t blue) {
  image out = {side, side, malloc((size_t)side * (size_t)side * 3)};
  assert_non_null(out.rgb);
  for (int i = 0; i < side * side; i++) {
    out.rgb[3 * i] = red;
    out.rgb[3 * i + 1] = green;
    out.rgb[3 * i + 2] = blue;
  }
  return out;
}

static void paint_box(image *in, int left, int top, int width, int height, uint8_t red,
                      uint8_t green, uint8_t blue) {
  for (int y = top; y < top + height; y++)
    for (int x = left; x < left + width; x++) {
      uint8_t *rgb = in->rgb + ((size_t)y * (size_t)in->width + (size_t)x) * 3;
      rgb[0] = red;
      rgb[1] = green;
      rgb[2] = blue;
    }
}

static void a_cell_on_black_is_measured(void **state) {
  (void)state;
  image in = plain(64, 0, 0, 0);
  paint_box(&in, 10, 20, 30, 20, 120, 40, 160);
  paint_box(&in, 20, 25, 4, 4, 0, 0, 0); /* a hole */
  size_t marked;
  image_cell cell = mask_of(&in, &marked);
  assert_true(cell.cut_out);
  assert_int_equal(marked, 600);
  assert_int_equal(cell.area, 600);
  assert_int_equal(cell.parts, 1);
  assert_int_equal(cell.left, 10);
  assert_int_equal(cell.top, 20);
  assert_int_equal(cell.width, 30);
  assert_int_equal(cell.height, 20);
  assert_int_equal(cell.on_border, 0);
  test_close("x", cell.x, 24.5, 1e-9);
  test_close("y", cell.y, 29.5, 1e-9);
  test_close("red", cell.mean[0], 120.0 * 584 / 600, 1e-9);
  paint_box(&in, 50, 20, 14, 14, 120, 40, 160);
  paint_box(&in, 2, 2, 2, 2, 120, 40, 160); /* too small to count */
  cell = mask_of(&in, NULL);
  assert_int_equal(cell.area, 600);
  assert_int_equal(cell.parts, 2);
  paint_box(&in, 0, 20, 10, 5, 255, 40, 160);
  cell = mask_of(&in, NULL);
  assert_int_equal(cell.on_border, 5);
  test_close("clipped", cell.clipped, 50.0 / 650, 1e-9);
  image_free(&in);
}

static void a_stained_cell_is_found_and_a_blank_has_none(void **state) {
  (void)state;
  image in = plain(64, 230, 225, 228);
  image_cell cell = mask_of(&in, NULL);
  assert_false(cell.cut_out);
  assert_int_equal(cell.area, 0);
  paint_box(&in, 30, 30, 20, 10, 110, 60, 170);
  cell = mask_of(&in, NULL);
  assert_int_equal(cell.area, 200);
  assert_int_equal(cell.left, 30);
  image_free(&in);
  in = plain(64, 0, 0, 0);
  cell = mask_of(&in, NULL);
  assert_true(cell.cut_out);
  assert_int_equal(cell.area, 0);
  assert_int_equal(cell.parts, 0);
  image_free(&in);
  /* Noise is thousands of pieces. */
  in = cells_draw(64, 5);
  mask_of(&in, NULL);
  image_free(&in);
}

static void blur_lowers_the_sharpness(void **state) {
  (void)state;
  image blurred = turned(&drawn[0], 0);
  const int side = blurred.width;
  for (int y = 1; y < side - 1; y++)
    for (int x = 1; x < side - 1; x++)
      for (int c = 0; c < 3; c++) {
        int sum = 0;
        for (int dy = -1; dy <= 1; dy++)
          for (int dx = -1; dx <= 1; dx++) sum += drawn[0].rgb[((y + dy) * side + x + dx) * 3 + c];
        blurred.rgb[(y * side + x) * 3 + c] = (uint8_t)(sum / 9);
      }
  assert_true(mask_of(&blurred, NULL).sharpness < 0.3 * mask_of(&drawn[0], NULL).sharpness);
  image_free(&blurred);
}

/* Fingerprints */

static fingerprint print_of(const fingerprint_tables *tables, const image *in) {
  uint8_t *mask = malloc((size_t)in->width * (size_t)in->height);
  image_cell cell;
  fingerprint f;
  assert_non_null(mask);
  assert_int_equal(image_mask(in, mask, &cell, NULL), LEUKO_OK);
  assert_int_equal(fingerprint_make(tables, in, mask, &cell, &f, NULL), LEUKO_OK);
  free(mask);
  return f;
}

static void every_symmetry_is_recognised(void **state) {
  (void)state;
  static fingerprint_tables tables;
  fingerprint_open(&tables);
  for (int which = 0; which < IMAGE_SYMMETRIES; which++) {
    fingerprint prints[3];
    image copy = turned(&drawn[3], which);
    prints[0] = print_of(&tables, &copy); /* so that prints[1] under `which` looks like it */
    prints[1] = print_of(&tables, &drawn[3]);
    prints[2] = print_of(&tables, &drawn[5]);
    fingerprint_pair *pairs;
    size_t count;
    assert_int_equal(fingerprint_search(&tables, prints, 3, 0.92, 2, &pairs, &count, NULL),
                     LEUKO_OK);
    assert_int_equal(count, 1);
    assert_int_equal(pairs[0].a, 0);
    assert_int_equal(pairs[0].b, 1);
    assert_int_equal(pairs[0].symmetry, which);
    assert_true(pairs[0].correlation > 0.98);
    free(pairs);
    image_free(&copy);
  }
}

static void near_duplicates_are_found(void **state) {
  char root[PATH], name[PATH];
  cells_root(root, state);
  put_tree(root, 0, 0);
  image copy = turned(&drawn[2], 5); /* a quarter turn */
  put_png(root, "fold_1/all/UID_90_1_1_all.png", &copy);
  image_free(&copy);
  put_jpeg(root, "fold_1/hem/UID_H91_1_1_hem.jpg", &drawn[4], 60);
  put_png(root, "fold_2/hem/UID_H92_1_1_hem.png", &drawn[8]);
  audited all;
  look(&all, root, NULL, NULL);
  const audit *a = &all.a;
  assert_int_equal(a->pairs_of[AUDIT_NEAR], 2);
  assert_int_equal(a->pairs_of[AUDIT_SAME_BYTES], 1);
  assert_int_equal(a->pairs_of[AUDIT_SAME_PIXELS], 0);
  assert_int_equal(a->across[AUDIT_NEAR][0], 2);
  int found = 0;
  for (size_t i = 0; i < a->pair_count; i++) {
    const char *x = all.d.samples[a->pairs[i].a].path, *y = all.d.samples[a->pairs[i].b].path;
    static const int cells[] = {2, 4, 8};
    static const char *const copies[] = {"UID_90_1_1", "UID_H91_1_1", "UID_H92_1_1"};
    for (int k = 0; k < 3; k++) {
      cell_path(name, cells[k], ".png");
      found += (strcmp(x, name) == 0 && strstr(y, copies[k])) ||
               (strcmp(y, name) == 0 && strstr(x, copies[k]));
    }
  }
  assert_int_equal(found, 3);
  /* Near ones do not tie subjects for a split; identical ones do. */
  assert_int_equal(a->tied_count, 3);
  assert_int_equal(a->persons, a->ties.subjects - 3);
  size_t known = 0;
  for (size_t i = 0; i < a->tied_count; i++) known += a->tied[i].known;
  assert_int_equal(known, 1);
  char folder[PATH], *page;
  assert_int_equal(file_join(folder, sizeof folder, *state, "out", NULL), LEUKO_OK);
  assert_int_equal(audit_write(a, folder, NULL), LEUKO_OK);
  snprintf(name, sizeof name, "%.900s/audit.html", folder);
  assert_int_equal(audit_page_write(a, name, NULL), LEUKO_OK);
  page = test_read(folder, "audit.html");
  assert_non_null(strstr(page, "UID_H91_1_1_hem.jpg"));
  assert_non_null(strstr(page, "data:image/png;base64,iVBORw0KGgo"));
  assert_null(strstr(page, "src=\"http"));
  free(page);
  look_away(&all);
}

static void labels_that_contradict_are_told(void **state) {
  char root[PATH];
  cells_root(root, state);
  put_tree(root, 0, 0);
  put_png(root, "fold_0/all/UID_93_1_1_all.png", &drawn[0]);
  audited all;
  look(&all, root, NULL, NULL);
  assert_int_equal(all.a.across[AUDIT_SAME_BYTES][2], 1);
  look_away(&all);
}

/* Clues */

static void a_clean_tree_names_nothing(void **state) {
  char root[PATH];
  cells_root(root, state);
  put_tree(root, 0, 0);
  audited all;
  look(&all, root, NULL, NULL);
  check_nothing_named(&all.a);
  assert_int_equal(clue_of(&all.a, "class in the name")->verdict, AUDIT_CONVENTION);
  assert_true(clue_of(&all.a, "class in the name")->by_subject);
  assert_int_equal(all.a.pair_count, 0);
  look_away(&all);
}

static void a_clean_tree_of_jpegs_names_nothing(void **state) {
  char root[PATH];
  cells_root(root, state);
  put_tree(root, 85, 85);
  audited all;
  look(&all, root, NULL, NULL);
  check_nothing_named(&all.a);
  look_away(&all);
}

static void a_reencoded_class_is_named(void **state) {
  char root[PATH];
  cells_root(root, state);
  put_tree(root, 0, 90);
  audited all;
  look(&all, root, NULL, NULL);
  check_named(&all.a, "file format");
  check_named(&all.a, "encoding");
  check_named(&all.a, "background");
  look_away(&all);
}

static void another_quality_is_named(void **state) {
  char root[PATH];
  cells_root(root, state);
  put_tree(root, 90, 70);
  audited all;
  look(&all, root, NULL, NULL);
  check_named(&all.a, "encoding");
  assert_int_equal(clue_of(&all.a, "file format")->verdict, AUDIT_CONSTANT);
  look_away(&all);
}

/* Decoded again, only the pixels remember. */
static void a_reencoded_past_is_named(void **state) {
  char root[PATH], name[PATH];
  cells_root(root, state);
  put_tree(root, 0, 0);
  for (int i = 0; i < SUBJECTS * EACH; i++) {
    if (!is_blast(i)) continue;
    uint8_t *bytes;
    size_t size;
    image copy;
    assert_int_equal(image_encode_jpeg(&drawn[i], 80, &bytes, &size, NULL), LEUKO_OK);
    assert_int_equal(image_decode(bytes, size, NULL, &copy, NULL), LEUKO_OK);
    cell_path(name, i, ".png");
    put_png(root, name, &copy);
    image_free(&copy);
    free(bytes);
  }
  audited all;
  look(&all, root, NULL, NULL);
  check_named(&all.a, "background");
  assert_int_equal(clue_of(&all.a, "encoding")->verdict, AUDIT_CONSTANT);
  look_away(&all);
}

static void names_and_places_that_tell_are_named(void **state) {
  char root[PATH], name[PATH];
  cells_root(root, state);
  for (int i = 0; i < SUBJECTS * EACH; i++) {
    image in = turned(&drawn[i], 0);
    if (is_blast(i)) /* 6 pixels to the left */
      for (int y = 0; y < in.height; y++) {
        uint8_t *row = in.rgb + (size_t)y * (size_t)in.width * 3;
        memmove(row, row + 18, ((size_t)in.width - 6) * 3);
      }
    snprintf(name, sizeof name, "%s/%s_%03d.png", is_blast(i) ? "ill" : "well",
             is_blast(i) ? "scanner_b" : "scanner_a", 7 * i % 100);
    put_png(root, name, &in);
    image_free(&in);
  }
  audited all;
  look(&all, root, NULL, NULL);
  check_named(&all.a, "horizontal position");
  check_named(&all.a, "rest of the name");
  assert_int_equal(clue_of(&all.a, "vertical position")->verdict, AUDIT_SILENT);
  assert_int_equal(clue_of(&all.a, "class in the name")->verdict, AUDIT_CONSTANT);
  assert_false(clue_of(&all.a, "rest of the name")->by_subject);
  look_away(&all);
}

static void guesses_are_those_of_other_units(void **state) {
  (void)state;
  enum { N = 400 };
  int value[N], label[N];
  size_t unit[N];
  guess_score score;
  guess_problem p = {.count = N,
                     .value = value,
                     .values = 2,
                     .label = label,
                     .classes = 2,
                     .unit = unit,
                     .units = 40};
  for (int i = 0; i < N; i++) {
    unit[i] = (size_t)i / 10;
    label[i] = (int)unit[i] % 2;
    value[i] = label[i];
  }
  assert_int_equal(guess_class(&p, 999, 1, &score, NULL), LEUKO_OK);
  test_close("accuracy", score.accuracy, 1, 1e-12);
  test_close("balanced", score.balanced, 1, 1e-12);
  test_close("p", score.p, 0.001, 1e-12);
  /* Every unit has a value of its own: nothing carries over, though every value tells the class. */
  p.values = 40;
  for (int i = 0; i < N; i++) value[i] = (int)unit[i];
  assert_int_equal(guess_class(&p, 999, 1, &score, NULL), LEUKO_OK);
  assert_true(score.balanced < 0.55);
  assert_true(score.p > 0.05);
  /* Three quarters of one class: always answering it is no feat. */
  p.values = 1;
  for (int i = 0; i < N; i++) {
    value[i] = 0;
    label[i] = unit[i] % 4 != 0;
  }
  assert_int_equal(guess_class(&p, 99, 1, &score, NULL), LEUKO_OK);
  assert_true(score.balanced <= 0.5 + 1e-9);
}

static void bins_hold_equally_many(void **state) {
  (void)state;
  double numbers[1003];
  int bin[1003], count[12] = {0};
  for (int i = 0; i < 1003; i++) numbers[i] = 7 * i % 1003;
  numbers[5] = NAN;
  assert_int_equal(guess_bins(numbers, 1003, 10, bin), 11);
  for (int i = 0; i < 1003; i++) count[bin[i]]++;
  for (int b = 0; b < 10; b++) assert_in_range(count[b], 99, 101);
  assert_int_equal(count[10], 1);
  for (int i = 0; i < 1003; i++) numbers[i] = i % 2;
  assert_int_equal(guess_bins(numbers, 1003, 10, bin), 2);
}

static void encodings_are_described(void **state) {
  (void)state;
  char text[ENCODING_LENGTH];
  uint8_t *bytes;
  size_t size;
  for (int quality = 30; quality <= 95; quality += 13) {
    char expected[64];
    assert_int_equal(image_encode_jpeg(&drawn[0], quality, &bytes, &size, NULL), LEUKO_OK);
    encoding_describe(bytes, size, "jpeg", text);
    snprintf(expected, sizeof expected, "jpeg, quality %d, luma 2x2", quality);
    assert_string_equal(text, expected);
    for (size_t cut = 0; cut < 700; cut++) encoding_describe(bytes, cut, "jpeg", text);
    free(bytes);
  }
  assert_int_equal(image_encode(&drawn[0], IMAGE_BMP, &bytes, &size, NULL), LEUKO_OK);
  encoding_describe(bytes, size, "bmp", text);
  assert_non_null(strstr(text, "header 40"));
  free(bytes);
}

/* Manifest and split */

static void shared_originals_are_listed(void **state) {
  char root[PATH], manifest[PATH];
  cells_root(root, state);
  put_png(root, "fold_0/all/UID_20_1_1_all.png", &drawn[1]);
  put_png(root, "fold_0/all/UID_20_2_1_all.png", &drawn[2]);
  put_png(root, "fold_1/all/UID_21_1_1_all.png", &drawn[3]);
  put_png(root, "fold_1/hem/UID_H1_1_1_hem.png", &drawn[4]);
  char text[1024];
  snprintf(text, sizeof text,
           "path\tbytes\tsha256\n"
           "fold_0/all/UID_20_1_1_all.bmp\t1\t%064d\nfold_1/all/UID_21_1_1_all.bmp\t1\t%064d\n"
           "fold_0/all/UID_20_2_1_all.bmp\t1\t%064d\nfold_1/all/UID_21_9_1_all.bmp\t1\t%064d\n"
           "fold_1/hem/UID_H1_1_1_hem.bmp\t1\t%064d\nfold_1/hem/UID_H2_1_1_hem.bmp\t1\t%064d\n",
           1, 1, 2, 2, 3, 3);
  cells_text(*state, "list.tsv", text);
  assert_int_equal(file_join(manifest, sizeof manifest, *state, "list.tsv", NULL), LEUKO_OK);
  audited all;
  look(&all, root, manifest, NULL);
  assert_int_equal(all.a.tied_count, 1);
  assert_string_equal(all.a.tied[0].a, "20");
  assert_string_equal(all.a.tied[0].b, "21");
  assert_int_equal(all.a.tied[0].originals, 2);
  assert_int_equal(all.a.tied[0].originals_here, 1);
  assert_true(all.a.tied[0].known);
  assert_int_equal(all.a.pairs_of[AUDIT_SAME_ORIGINAL], 1);
  look_away(&all);
}

static void a_split_that_leaks_is_told(void **state) {
  char root[PATH], split[PATH];
  cells_root(root, state);
  put_tree(root, 0, 0);
  image copy = turned(&drawn[2], 3);
  put_png(root, "fold_0/all/UID_90_1_1_all.png", &copy);
  image_free(&copy);
  dataset d;
  assert_int_equal(dataset_scan(root, NULL, NULL, &d, NULL), LEUKO_OK);
  for (size_t i = 0; i < d.count; i++) {
    const bool train = strstr(d.samples[i].path, "UID_90_") != NULL || d.samples[i].fold == 0;
    d.samples[i].part = train ? DATASET_TRAIN : DATASET_TEST;
  }
  assert_int_equal(file_join(split, sizeof split, *state, "split.csv", NULL), LEUKO_OK);
  assert_int_equal(dataset_write_split(&d, split, NULL), LEUKO_OK);
  dataset_free(&d);
  audited all;
  look(&all, root, NULL, split);
  assert_int_equal(all.a.leaks.leaking, 0);
  assert_int_equal(all.a.across[AUDIT_NEAR][3], 1);
  assert_int_equal(all.a.person_leaks, 2);
  assert_string_equal(all.a.leaking[0], "90");
  assert_non_null(strstr(all.a.findings[0], "leaks"));
  look_away(&all);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, cells_setup, cells_teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cell_on_black_is_measured),
      cmocka_unit_test(a_stained_cell_is_found_and_a_blank_has_none),
      cmocka_unit_test(blur_lowers_the_sharpness),
      cmocka_unit_test(every_symmetry_is_recognised),
      IN_FOLDER(near_duplicates_are_found),
      IN_FOLDER(labels_that_contradict_are_told),
      IN_FOLDER(a_clean_tree_names_nothing),
      IN_FOLDER(a_clean_tree_of_jpegs_names_nothing),
      IN_FOLDER(a_reencoded_class_is_named),
      IN_FOLDER(another_quality_is_named),
      IN_FOLDER(a_reencoded_past_is_named),
      IN_FOLDER(names_and_places_that_tell_are_named),
      cmocka_unit_test(guesses_are_those_of_other_units),
      cmocka_unit_test(bins_hold_equally_many),
      cmocka_unit_test(encodings_are_described),
      IN_FOLDER(shared_originals_are_listed),
      IN_FOLDER(a_split_that_leaks_is_told),
  };
  return cmocka_run_group_tests(tests, draw_all, free_all);
}
