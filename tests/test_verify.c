/* Files compared with the official list. */
#include "cells.h"

#include "base/hash.h"
#include "dataset/verify.h"

/* An original's bytes: BMP of 24 bits with this resolution (pixels a metre). */
static size_t original(const image *picture, uint32_t resolution, uint8_t *out) {
  size_t width = (size_t)picture->width, height = (size_t)picture->height;
  size_t stride = (width * 3 + 3) & ~(size_t)3, size = 54 + stride * height;
  const uint32_t fields[] = {(uint32_t)size,
                             0,
                             54,
                             40,
                             (uint32_t)width,
                             (uint32_t)height,
                             1 | (24u << 16),
                             0,
                             (uint32_t)(stride * height),
                             resolution,
                             resolution,
                             0,
                             0};
  memset(out, 0, size);
  memcpy(out, "BM", 2);
  memcpy(out + 2, fields, sizeof fields); /* little endian, as this machine */
  for (size_t y = 0; y < height; y++)
    for (size_t x = 0; x < width; x++)
      for (size_t c = 0; c < 3; c++)
        out[54 + (height - 1 - y) * stride + x * 3 + c] = picture->rgb[(y * width + x) * 3 + 2 - c];
  return size;
}

/* Writes original number `number` (9 x 9, so that rows are padded) to root/name if `name` is given,
 * and its line, under the path `entry`, to the manifest. */
static void put(file_writer *manifest, const char *entry, const char *root, const char *name,
                uint32_t number) {
  uint8_t bytes[400];
  char hex[HASH_HEX];
  image picture = cells_draw(9, number);
  size_t size = original(&picture, number % 2 ? 3779 : 0, bytes);
  image_free(&picture);
  assert_int_equal(hash_bytes(bytes, size, hex, NULL), LEUKO_OK);
  file_printf(manifest, "%s\t%zu\t%s\n", entry, size, hex);
  if (!name) return;
  char path[PATH];
  cells_place(path, root, name);
  assert_int_equal(file_write_all(path, bytes, size, NULL), LEUKO_OK);
}

/* Writes picture `number` to root/name in another format. */
static void convert(const char *root, const char *name, uint32_t number, image_format format,
                    bool change) {
  char path[PATH];
  image picture = cells_draw(9, number);
  if (change) picture.rgb[40] ^= 1;
  cells_place(path, root, name);
  assert_int_equal(image_write(path, &picture, format, NULL), LEUKO_OK);
  image_free(&picture);
}

static verification verify(const char *root, const char *manifest) {
  dataset d;
  verification v = {0};
  leuko_error error = {0};
  if (dataset_scan(root, &(dataset_options){.skip_pixels = true}, NULL, &d, &error) != LEUKO_OK ||
      dataset_verify(&d, manifest, 0, NULL, &v, &error) != LEUKO_OK)
    fail_msg("%s: %s", error.file, error.message);
  dataset_free(&d);
  return v;
}

static const verify_file *find(const verification *v, const char *path) {
  for (size_t i = 0; i < v->file_count; i++)
    if (strcmp(v->files[i].path, path) == 0) return &v->files[i];
  fail_msg("%s is not listed", path);
  return NULL;
}

#define ALL "training_data/fold_0/all/"

static void every_kind_of_file_is_recognised(void **state) {
  char root[PATH], manifest[PATH], fixture[PATH], *jpeg;
  size_t jpeg_size;
  cells_root(root, state);
  snprintf(manifest, sizeof manifest, "%s/m.tsv", (char *)*state);
  file_writer w;
  assert_int_equal(file_writer_open(&w, manifest, NULL), LEUKO_OK);
  file_printf(&w, "path\tbytes\tsha256\n");
  put(&w, ALL "UID_1_1_1_all.bmp", root, ALL "UID_1_1_1_all.bmp", 1);
  put(&w, ALL "UID_1_1_2_all.bmp", root, "elsewhere/uid_1_1_2_ALL.BMP", 2);
  put(&w, ALL "UID_1_1_3_all.bmp", root, ALL "renamed.bmp", 3);
  put(&w, ALL "UID_1_2_1_all.bmp", NULL, NULL, 4);
  convert(root, ALL "UID_1_2_1_all.png", 4, IMAGE_PNG, false);
  put(&w, ALL "UID_1_2_2_all.bmp", NULL, NULL, 5);
  convert(root, ALL "UID_1_2_2_all.tiff", 5, IMAGE_TIFF, false);
  put(&w, ALL "UID_1_2_3_all.bmp", NULL, NULL, 6);
  convert(root, ALL "UID_1_2_3_all.webp", 6, IMAGE_WEBP, false);
  put(&w, ALL "UID_1_2_4_all.bmp", NULL, NULL, 7); /* written anew with other header fields */
  convert(root, ALL "UID_1_2_4_all.bmp", 7, IMAGE_BMP, false);
  put(&w, ALL "UID_1_3_1_all.bmp", NULL, NULL, 8);
  convert(root, ALL "UID_1_3_1_all.png", 8, IMAGE_PNG, true);
  put(&w, ALL "UID_1_3_2_all.bmp", NULL, NULL, 9);
  test_path(fixture, "tests/fixtures/resize_input.jpg");
  assert_int_equal(file_read(fixture, 0, &jpeg, &jpeg_size, NULL), LEUKO_OK);
  cells_place(fixture, root, ALL "UID_1_3_2_all.jpg");
  assert_int_equal(file_write_all(fixture, jpeg, jpeg_size, NULL), LEUKO_OK);
  free(jpeg);
  put(&w, ALL "UID_1_4_1_all.bmp", NULL, NULL, 10);
  convert(root, ALL "UID_1_4_1_all.bmp", 10, IMAGE_BMP, true);
  put(&w, ALL "UID_1_4_2_all.bmp", root, ALL "UID_1_4_2_all.bmp", 11);
  cells_place(fixture, root, ALL "UID_1_4_2_all.bmp");
  assert_int_equal(truncate(fixture, 100), 0);
  put(&w, ALL "UID_1_5_1_all.bmp", NULL, NULL, 12);              /* missing */
  convert(root, ALL "UID_99_1_1_all.png", 13, IMAGE_PNG, false); /* extra */
  cells_text(root, "validation_data/labels.csv", "a,b\n");
  char hex[HASH_HEX];
  assert_int_equal(hash_bytes("a,b\n", 4, hex, NULL), LEUKO_OK);
  file_printf(&w, "validation_data/labels.csv\t4\t%s\n", hex);
  assert_int_equal(file_writer_commit(&w, NULL), LEUKO_OK);

  verification v = verify(root, manifest);
  static const struct {
    const char *path;
    verify_kind kind;
  } expected[] = {
      {ALL "UID_1_1_1_all.bmp", VERIFY_ORIGINAL},
      {"elsewhere/uid_1_1_2_ALL.BMP", VERIFY_ORIGINAL},
      {ALL "renamed.bmp", VERIFY_ORIGINAL},
      {"validation_data/labels.csv", VERIFY_ORIGINAL},
      {ALL "UID_1_2_1_all.png", VERIFY_PIXEL_IDENTICAL},
      {ALL "UID_1_2_2_all.tiff", VERIFY_PIXEL_IDENTICAL},
      {ALL "UID_1_2_3_all.webp", VERIFY_PIXEL_IDENTICAL},
      {ALL "UID_1_2_4_all.bmp", VERIFY_PIXEL_IDENTICAL},
      {ALL "UID_1_3_1_all.png", VERIFY_REENCODED},
      {ALL "UID_1_3_2_all.jpg", VERIFY_REENCODED},
      {ALL "UID_1_4_1_all.bmp", VERIFY_ALTERED},
      {ALL "UID_1_4_2_all.bmp", VERIFY_ALTERED},
      {ALL "UID_99_1_1_all.png", VERIFY_EXTRA},
  };
  size_t count = sizeof expected / sizeof *expected, counts[VERIFY_KINDS] = {0};
  assert_int_equal(v.file_count, count);
  for (size_t i = 0; i < count; i++) {
    const verify_file *f = find(&v, expected[i].path);
    if (f->kind != expected[i].kind)
      fail_msg("%s: %s instead of %s", f->path, verify_kind_name(f->kind),
               verify_kind_name(expected[i].kind));
    counts[expected[i].kind]++;
  }
  for (int k = 0; k < VERIFY_KINDS; k++) assert_int_equal(v.counts[k], counts[k]);
  assert_int_equal(v.missing_count, 1);
  assert_string_equal(v.missing[0], ALL "UID_1_5_1_all.bmp");
  assert_int_equal(v.entries, 13);
  assert_int_equal(find(&v, ALL "UID_1_4_2_all.bmp")->status, LEUKO_CORRUPT_IMAGE);
  assert_int_equal(find(&v, ALL "UID_1_4_1_all.bmp")->status, LEUKO_OK);
  assert_string_equal(find(&v, ALL "renamed.bmp")->original, ALL "UID_1_1_3_all.bmp");
  for (size_t i = 1; i < v.file_count; i++)
    assert_true(strcmp(v.files[i - 1].path, v.files[i].path) < 0);
  verify_free(&v);
}

static void numbered_files_are_told_apart_by_their_folder(void **state) {
  char root[PATH], part[PATH], manifest[PATH];
  cells_root(root, state);
  snprintf(manifest, sizeof manifest, "%s/m.tsv", (char *)*state);
  file_writer w;
  assert_int_equal(file_writer_open(&w, manifest, NULL), LEUKO_OK);
  file_printf(&w, "path\tbytes\tsha256\n");
  put(&w, "testing_data/final/1.bmp", NULL, NULL, 1);
  put(&w, "validation_data/prelim/1.bmp", NULL, NULL, 2);
  assert_int_equal(file_writer_commit(&w, NULL), LEUKO_OK);
  convert(root, "validation_data/prelim/1.png", 2, IMAGE_PNG, false);
  convert(root, "mine/1.png", 3, IMAGE_PNG, false); /* not the challenge's number 1 */
  verification v = verify(root, manifest);
  assert_int_equal(find(&v, "validation_data/prelim/1.png")->kind, VERIFY_PIXEL_IDENTICAL);
  assert_int_equal(find(&v, "mine/1.png")->kind, VERIFY_EXTRA);
  assert_int_equal(v.missing_count, 1);
  verify_free(&v);
  cells_place(part, root, "validation_data/prelim"); /* the folder's own name counts */
  v = verify(part, manifest);
  assert_int_equal(find(&v, "1.png")->kind, VERIFY_PIXEL_IDENTICAL);
  verify_free(&v);
}

static void a_broken_manifest_is_refused(void **state) {
  char root[PATH], manifest[PATH];
  cells_root(root, state);
  snprintf(manifest, sizeof manifest, "%s/m.tsv", (char *)*state);
  cells_write(root, "1.png", 1);
  dataset d;
  verification v;
  assert_int_equal(dataset_scan(root, NULL, NULL, &d, NULL), LEUKO_OK);
  leuko_error error = {0};
  assert_int_equal(dataset_verify(&d, manifest, 0, NULL, &v, &error), LEUKO_NOT_FOUND);
#define SHA "0000000000000000000000000000000000000000000000000000000000000000"
  static const char *const bad[] = {
      "words\n",
      "path\tbytes\n1.bmp\t7\n",
      "path\tbytes\tsha256\n1.bmp\t-7\t" SHA "\n",
      "path\tbytes\tsha256\n1.bmp\t7\tabc\n",
      "path\tbytes\tsha256\n1.bmp\t7\n",
      "path\tbytes\tsha256\n1.bmp\t7\t" SHA "\n1.bmp\t7\t" SHA "\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(file_write_all(manifest, bad[i], strlen(bad[i]), NULL), LEUKO_OK);
    assert_int_equal(dataset_verify(&d, manifest, 0, NULL, &v, &error), LEUKO_BAD_CSV);
    assert_non_null(strstr(error.message, "line"));
    assert_null(v.files);
  }
  static const char commas[] = "sha256,bytes,path\n" SHA ",7,1.bmp\n";
  assert_int_equal(file_write_all(manifest, commas, strlen(commas), NULL), LEUKO_OK);
  assert_int_equal(dataset_verify(&d, manifest, 0, NULL, &v, &error), LEUKO_OK);
  assert_int_equal(v.entries, 1);
  verify_free(&v);
  dataset_free(&d);
}

static int stop_at_once(void *context, const char *phase, size_t done, size_t total,
                        const char *note) {
  (void)context, (void)phase, (void)done, (void)total, (void)note;
  return 1;
}

static void a_comparison_can_be_stopped(void **state) {
  char root[PATH], manifest[PATH];
  cells_root(root, state);
  snprintf(manifest, sizeof manifest, "%s/m.tsv", (char *)*state);
  cells_text(*state, "m.tsv", "path\tbytes\tsha256\n");
  cells_write(root, "1.png", 1);
  dataset d;
  verification v;
  assert_int_equal(dataset_scan(root, NULL, NULL, &d, NULL), LEUKO_OK);
  progress p = {.report = stop_at_once};
  assert_int_equal(dataset_verify(&d, manifest, 0, &p, &v, NULL), LEUKO_INTERRUPTED);
  assert_null(v.files);
  dataset_free(&d);
}

/* Real cells ----------------------------------------------------------------------------------*/

static const char *shared_folder(void) {
  const char *shared = getenv("LEUKO_SHARED");
  if (shared && shared[0]) return shared;
  print_message("LEUKO_SHARED is not set: no real cells\n");
  skip();
  return NULL;
}

static void real_originals_and_jpegs_are_told_apart(void **state) {
  (void)state;
  const char *shared = shared_folder();
  char root[PATH], manifest[PATH];
  snprintf(root, sizeof root, "%s/data/cnmc-sample", shared);
  snprintf(manifest, sizeof manifest, "%s/data/cnmc2019-manifest.tsv", shared);
  verification v = verify(root, manifest);
  /* 88 + 4 + 4 images, and the label file of the preliminary phase. */
  assert_int_equal(v.counts[VERIFY_ORIGINAL], 97);
  assert_int_equal(v.counts[VERIFY_PIXEL_IDENTICAL], 0);
  assert_int_equal(v.counts[VERIFY_REENCODED], 264);
  assert_int_equal(v.counts[VERIFY_ALTERED], 0);
  assert_int_equal(v.counts[VERIFY_EXTRA], 0);
  assert_int_equal(v.missing_count, 15115 - 97 - 264);
  verify_free(&v);
}

/* Every original of all three phases, turned in turn into PNG, TIFF and lossless WebP. */
static void real_originals_turned_into_other_formats_are_recognised(void **state) {
  const char *shared = shared_folder();
  static const struct {
    image_format format;
    const char *extension;
  } formats[] = {{IMAGE_PNG, "png"}, {IMAGE_TIFF, "tif"}, {IMAGE_WEBP, "webp"}};
  char sample[PATH], root[PATH], manifest[PATH], from[PATH], to[PATH], name[PATH];
  snprintf(sample, sizeof sample, "%s/data/cnmc-sample", shared);
  snprintf(manifest, sizeof manifest, "%s/data/cnmc2019-manifest.tsv", shared);
  cells_root(root, state);
  dataset d;
  assert_int_equal(dataset_scan(sample, NULL, NULL, &d, NULL), LEUKO_OK);
  size_t made = 0;
  for (size_t i = 0; i < d.count; i++) {
    const dataset_sample *s = &d.samples[i];
    if (strcmp(s->format, "bmp") != 0) continue;
    image picture;
    assert_int_equal(dataset_sample_file(&d, i, from, sizeof from, NULL), LEUKO_OK);
    assert_int_equal(image_read(from, &picture, NULL, NULL), LEUKO_OK);
    snprintf(name, sizeof name, "%.*s.%s", (int)strlen(s->path) - 4, s->path,
             formats[made % 3].extension);
    cells_place(to, root, name);
    assert_int_equal(image_write(to, &picture, formats[made % 3].format, NULL), LEUKO_OK);
    image_free(&picture);
    made++;
  }
  dataset_free(&d);
  verification v = verify(root, manifest);
  assert_int_equal(made, 96);
  assert_int_equal(v.file_count, made);
  assert_int_equal(v.counts[VERIFY_PIXEL_IDENTICAL], made);
  verify_free(&v);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, cells_setup, cells_teardown)
  const struct CMUnitTest tests[] = {
      IN_FOLDER(every_kind_of_file_is_recognised),
      IN_FOLDER(numbered_files_are_told_apart_by_their_folder),
      IN_FOLDER(a_broken_manifest_is_refused),
      IN_FOLDER(a_comparison_can_be_stopped),
      IN_FOLDER(real_originals_and_jpegs_are_told_apart),
      IN_FOLDER(real_originals_turned_into_other_formats_are_recognised),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
