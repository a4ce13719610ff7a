/* Decoding of all formats, broken files of all kinds, Pillow's resize, the symmetries. */
#include "support.h"

#include <jansson.h>

#include "image/resize.h"
#include "image/symmetry.h"
#include "image/write.h"

typedef struct {
  const char *name;
  image_format format;
} format_case;

static const format_case formats[] = {
    {"x.bmp", IMAGE_BMP}, {"x.png", IMAGE_PNG}, {"x.tif", IMAGE_TIFF}, {"x.webp", IMAGE_WEBP}};
#define FORMATS (sizeof formats / sizeof *formats)

static char folder[PATH];

static int open_folder(void **state) {
  (void)state;
  test_folder(folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  test_remove(folder);
  return 0;
}

/* Stderr goes to a file while this holds; the libraries may not write to it. */
static int kept_stderr = -1;

static void catch_stderr(void) {
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/stderr", folder);
  fflush(stderr);
  kept_stderr = dup(2);
  assert_non_null(freopen(path, "w", stderr));
}

static void release_stderr(void) {
  fflush(stderr);
  dup2(kept_stderr, 2);
  close(kept_stderr);
  char *text = test_read(folder, "stderr");
  if (text[0]) fail_msg("a library wrote to stderr: %.200s", text);
  free(text);
}

static void read_fixture(const char *name, image *out) {
  char path[PATH];
  test_path(path, name);
  leuko_error error = {0};
  if (image_read(path, out, NULL, &error) != LEUKO_OK) fail_msg("%s: %s", path, error.message);
}

static void assert_equal_images(const image *a, const image *b) {
  assert_int_equal(a->width, b->width);
  assert_int_equal(a->height, b->height);
  assert_memory_equal(a->rgb, b->rgb, (size_t)a->width * (size_t)a->height * 3);
}

/* Writes the input fixture in one format and gives the file's bytes. */
static char *encoded(const format_case *format, size_t *size) {
  image cell;
  char path[PATH], *bytes;
  read_fixture("tests/fixtures/resize_input.png", &cell);
  snprintf(path, sizeof path, "%.900s/%s", folder, format->name);
  assert_int_equal(image_write(path, &cell, format->format, NULL), LEUKO_OK);
  image_free(&cell);
  assert_int_equal(file_read(path, 0, &bytes, size, NULL), LEUKO_OK);
  return bytes;
}

static leuko_status decode(const void *bytes, size_t size) {
  /* A copy of the exact size, so that reading beyond it is seen. */
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  image out;
  leuko_error error = {0};
  leuko_status status = image_decode(copy, size, "name", &out, &error);
  if (status == LEUKO_OK) {
    assert_non_null(out.rgb);
  } else {
    assert_null(out.rgb);
    assert_int_equal(error.status, status);
    assert_true(error.message[0]);
    assert_string_equal(error.file, "name");
  }
  image_free(&out);
  free(copy);
  return status;
}

static void every_format_keeps_the_pixels(void **state) {
  (void)state;
  image cell;
  char expected[65], hash[65], sha256[65];
  read_fixture("tests/fixtures/resize_input.png", &cell);
  assert_int_equal(image_pixel_hash(&cell, expected, NULL), LEUKO_OK);
  catch_stderr();
  for (size_t i = 0; i < FORMATS; i++) {
    image again;
    size_t size;
    char path[PATH];
    free(encoded(&formats[i], &size));
    snprintf(path, sizeof path, "%.900s/%s", folder, formats[i].name);
    assert_int_equal(image_read(path, &again, sha256, NULL), LEUKO_OK);
    assert_equal_images(&cell, &again);
    assert_int_equal(image_pixel_hash(&again, hash, NULL), LEUKO_OK);
    assert_string_equal(hash, expected);
    assert_int_equal(strlen(sha256), 64);
    image_free(&again);
  }
  release_stderr();
  image_free(&cell);
}

static void names_do_not_matter(void **state) {
  (void)state;
  size_t size;
  char path[PATH], *bytes = encoded(&formats[1], &size);
  test_write(path, folder, "looks_like.bmp", bytes, size);
  image out;
  assert_int_equal(image_read(path, &out, NULL, NULL), LEUKO_OK);
  assert_int_equal(out.width, 90);
  image_free(&out);
  free(bytes);
}

static void truncated_files_are_refused(void **state) {
  (void)state;
  for (size_t f = 0; f < FORMATS + 1; f++) {
    size_t size;
    char *bytes;
    if (f < FORMATS) {
      bytes = encoded(&formats[f], &size);
    } else {
      char path[PATH];
      test_path(path, "tests/fixtures/resize_input.jpg");
      assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
    }
    catch_stderr();
    assert_int_equal(decode(bytes, size), LEUKO_OK);
    for (size_t i = 0; i < 60; i++) {
      /* Every length of the header, then evenly spread, then one byte short. */
      size_t length = i < 20 ? i : i == 59 ? size - 1 : size * (i - 19) / 41;
      leuko_status status = decode(bytes, length);
      if (length == 0) assert_int_equal(status, LEUKO_EMPTY);
      else if (length >= 20) assert_int_equal(status, LEUKO_CORRUPT_IMAGE);
      else assert_true(status == LEUKO_NOT_AN_IMAGE || status == LEUKO_CORRUPT_IMAGE);
    }
    release_stderr();
    free(bytes);
  }
}

/* Numbers of the xorshift kind: any will do, as long as they are the same each time. */
static uint32_t next_number(uint32_t *x) {
  *x ^= *x << 13;
  *x ^= *x >> 17;
  *x ^= *x << 5;
  return *x;
}

static void damaged_bytes_do_no_harm(void **state) {
  (void)state;
  uint32_t x = 2463534242u;
  for (size_t f = 0; f < FORMATS + 1; f++) {
    size_t size;
    char *bytes;
    if (f < FORMATS) {
      bytes = encoded(&formats[f], &size);
    } else {
      char path[PATH];
      test_path(path, "tests/fixtures/resize_input.jpg");
      assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
    }
    catch_stderr();
    for (int i = 0; i < 300; i++) {
      /* Half of them in the header, where lengths and sizes are; TIFF's stands at the end. */
      size_t at = next_number(&x) % size;
      if (i % 2) at %= 64;
      if (i % 4 == 1) at = size - 1 - at;
      char kept = bytes[at];
      bytes[at] = (char)next_number(&x);
      decode(bytes, size);
      bytes[at] = kept;
    }
    release_stderr();
    free(bytes);
  }
}

static void garbage_is_no_image(void **state) {
  (void)state;
  uint8_t garbage[4096];
  uint32_t x = 88172645u;
  for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (uint8_t)next_number(&x);
  static const char *const starts[] = {"",      "BM",          "\xff\xd8\xff", "\x89PNG\r\n\x1a\n",
                                       "II*\0", "RIFF....WEBP"};
  static const size_t lengths[] = {0, 2, 3, 8, 4, 12};
  catch_stderr();
  for (size_t i = 0; i < 6; i++) {
    memcpy(garbage, starts[i], lengths[i]);
    leuko_status status = decode(garbage, sizeof garbage);
    if (i == 0) assert_int_equal(status, LEUKO_NOT_AN_IMAGE);
    else assert_true(status == LEUKO_CORRUPT_IMAGE || status == LEUKO_NOT_AN_IMAGE);
  }
  assert_int_equal(decode("", 0), LEUKO_EMPTY);
  assert_int_equal(decode("path,label\n", 11), LEUKO_NOT_AN_IMAGE);
  release_stderr();
}

static void put32(char *at, uint32_t value, bool big) {
  for (int i = 0; i < 4; i++) at[i] = (char)(value >> (big ? 24 - 8 * i : 8 * i));
}

static uint32_t png_check_sum(const char *bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < size; i++) {
    crc ^= (uint8_t)bytes[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/* Changes the sides that a file's header declares. */
static void declare(char *bytes, size_t size, size_t format, uint32_t width, uint32_t height) {
  if (format == 0) {
    put32(bytes + 18, width, false);
    put32(bytes + 22, height, false);
  } else if (format == 1) {
    put32(bytes + 16, width, true);
    put32(bytes + 20, height, true);
    put32(bytes + 29, png_check_sum(bytes + 12, 17), true);
  } else { /* JPEG: the frame header is FF C0, length, precision, height, width */
    for (size_t i = 2; i + 9 < size; i++)
      if ((uint8_t)bytes[i] == 0xff && (uint8_t)bytes[i + 1] == 0xc0) {
        bytes[i + 5] = (char)(height >> 8);
        bytes[i + 6] = (char)height;
        bytes[i + 7] = (char)(width >> 8);
        bytes[i + 8] = (char)width;
        return;
      }
    fail_msg("no frame header");
  }
}

static void declared_sizes_are_checked_first(void **state) {
  (void)state;
  for (size_t f = 0; f < 3; f++) {
    size_t size;
    char *bytes, path[PATH];
    if (f < 2) {
      bytes = encoded(&formats[f], &size);
    } else {
      test_path(path, "tests/fixtures/resize_input.jpg");
      assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
    }
    catch_stderr();
    declare(bytes, size, f, 60000, 60000);
    assert_int_equal(decode(bytes, size), LEUKO_TOO_LARGE);
    declare(bytes, size, f, 90, 7);
    assert_int_equal(decode(bytes, size), LEUKO_TOO_SMALL);
    declare(bytes, size, f, 0, 90);
    assert_int_equal(decode(bytes, size), LEUKO_CORRUPT_IMAGE);
    /* More than there is. */
    declare(bytes, size, f, 90, 900);
    assert_int_equal(decode(bytes, size), LEUKO_CORRUPT_IMAGE);
    release_stderr();
    free(bytes);
  }
}

static void files_that_cannot_be_read_are_named(void **state) {
  (void)state;
  image out;
  char path[PATH], sha256[65] = "x";
  leuko_error error = {0};
  snprintf(path, sizeof path, "%.900s/nothing", folder);
  assert_int_equal(image_read(path, &out, sha256, &error), LEUKO_NOT_FOUND);
  assert_string_equal(sha256, "");
  assert_string_equal(error.file, path);
  assert_int_equal(image_read(folder, &out, sha256, &error), LEUKO_UNREADABLE);
  test_write(path, folder, "empty.bmp", "", 0);
  assert_int_equal(image_read(path, &out, sha256, &error), LEUKO_EMPTY);
  test_write(path, folder, "text.png", "abc", 3);
  assert_int_equal(image_read(path, &out, sha256, &error), LEUKO_NOT_AN_IMAGE);
  assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* The rarer kinds of pixels; tests/oracle/image_kinds.py made the files. */
static void every_kind_of_pixels_becomes_rgb(void **state) {
  (void)state;
  static const char *const names[] = {
      "rgba.png",        "grey_alpha.png", "holes.png", "grey_alpha.tif", "grey.png",
      "grey16.png",      "palette.png",    "bits.png",  "laced.png",      "grey.jpg",
      "progressive.jpg", "rgba.tif",       "lzw.tif",   "grey.tif",       "rgba.webp",
      "palette.bmp",     "rgba.bmp",       "bits.bmp",  "top_down.bmp"};
  char path[PATH], hash[65];
  test_path(path, "tests/fixtures/kinds/kinds.json");
  json_t *kinds = json_load_file(path, 0, NULL);
  assert_non_null(kinds);
  assert_int_equal(json_object_size(kinds), sizeof names / sizeof *names);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    image out;
    snprintf(path, sizeof path, "tests/fixtures/kinds/%s", names[i]);
    catch_stderr();
    read_fixture(path, &out);
    release_stderr();
    assert_int_equal(image_pixel_hash(&out, hash, NULL), LEUKO_OK);
    const char *expected = json_string_value(json_object_get(kinds, names[i]));
    if (!expected || strcmp(hash, expected) != 0)
      fail_msg("%s: other pixels than Pillow's", names[i]);
    image_free(&out);
  }
  json_decref(kinds);
}

static void resizing_is_within_one_grey_level_of_pillow(void **state) {
  (void)state;
  image cell, expected;
  read_fixture("tests/fixtures/resize_input.png", &cell);
  static const int sizes[] = {32, 41, 128};
  for (size_t i = 0; i < 3; i++) {
    char name[64];
    snprintf(name, sizeof name, "tests/fixtures/resize_%d.png", sizes[i]);
    read_fixture(name, &expected);
    size_t bytes = (size_t)sizes[i] * (size_t)sizes[i] * 3;
    uint8_t *got = malloc(bytes);
    assert_int_equal(image_prepare(&cell, 0, sizes[i], got, NULL), LEUKO_OK);
    for (size_t k = 0; k < bytes; k++)
      if (abs(got[k] - expected.rgb[k]) > 1)
        fail_msg("size %d, byte %zu: %d instead of %d", sizes[i], k, got[k], expected.rgb[k]);
    free(got);
    image_free(&expected);
  }
  image_free(&cell);
}

static void assert_hash(const char *what, const uint8_t *rgb, int width, int height,
                        const json_t *expected) {
  char hash[65];
  image picture = {width, height, (uint8_t *)(uintptr_t)rgb};
  assert_int_equal(image_pixel_hash(&picture, hash, NULL), LEUKO_OK);
  if (!expected || strcmp(hash, json_string_value(expected)) != 0)
    fail_msg("%s at %d x %d: other pixels than Pillow's", what, width, height);
}

static int number(const json_t *object, const char *key) {
  return (int)json_integer_value(json_object_get(object, key));
}

static json_t *load_hashes(void) {
  char path[PATH];
  test_path(path, "tests/fixtures/resize.json");
  json_t *all = json_load_file(path, 0, NULL);
  assert_non_null(all);
  return all;
}

static void resizing_equals_pillow(void **state) {
  (void)state;
  json_t *all = load_hashes(), *item;
  size_t i;
  image cell;
  uint8_t *out = malloc(200 * 200 * 3);
  read_fixture("tests/fixtures/resize_input.png", &cell);
  json_array_foreach(json_object_get(all, "drawn"), i, item) {
    int width = number(item, "width"), height = number(item, "height");
    assert_int_equal(image_resize(&cell, width, height, out, NULL), LEUKO_OK);
    assert_hash("cell", out, width, height, json_object_get(item, "sha256"));
  }
  json_array_foreach(json_object_get(all, "crops"), i, item) {
    int size = number(item, "size");
    assert_int_equal(image_prepare(&cell, number(item, "crop"), size, out, NULL), LEUKO_OK);
    assert_hash("crop", out, size, size, json_object_get(item, "sha256"));
  }
  assert_int_equal(image_prepare(&cell, -1, 32, out, NULL), LEUKO_ARGUMENT);
  assert_int_equal(image_prepare(&cell, 0, 0, out, NULL), LEUKO_ARGUMENT);
  assert_int_equal(image_prepare(&cell, 1 << 30, 32, out, NULL), LEUKO_TOO_LARGE);
  image_free(&cell);
  free(out);
  json_decref(all);
}

static void real_cells_equal_pillow(void **state) {
  (void)state;
  const char *shared = getenv("LEUKO_SHARED");
  if (!shared || !shared[0]) {
    print_message("# skipped: needs real cells, LEUKO_SHARED is not set\n");
    skip();
  }
  json_t *all = load_hashes(), *item;
  size_t i;
  uint8_t *out = malloc(224 * 224 * 3);
  json_array_foreach(json_object_get(all, "real"), i, item) {
    const char *name = json_string_value(json_object_get(item, "path")), *size;
    char path[PATH];
    image cell;
    snprintf(path, sizeof path, "%s/data/%s", shared, name);
    assert_int_equal(image_read(path, &cell, NULL, NULL), LEUKO_OK);
    assert_hash(name, cell.rgb, cell.width, cell.height, json_object_get(item, "decoded"));
    json_t *expected;
    json_object_foreach(json_object_get(item, "resized"), size, expected) {
      assert_int_equal(image_prepare(&cell, 0, atoi(size), out, NULL), LEUKO_OK);
      assert_hash(name, out, atoi(size), atoi(size), expected);
    }
    assert_int_equal(image_prepare(&cell, 300, 128, out, NULL), LEUKO_OK);
    assert_hash(name, out, 128, 128, json_object_get(item, "cropped"));
    image_free(&cell);
  }
  free(out);
  json_decref(all);
}

#define SIDE 5

static void the_symmetries_form_a_group(void **state) {
  (void)state;
  uint8_t in[SIDE * SIDE * 3], turned[IMAGE_SYMMETRIES][sizeof in], twice[sizeof in];
  for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)i;
  for (int a = 0; a < IMAGE_SYMMETRIES; a++) image_symmetry(in, SIDE, a, turned[a]);
  assert_memory_equal(turned[0], in, sizeof in);
  /* Mirrored left-right, top-bottom, swapped. */
  assert_memory_equal(turned[1], in + (SIDE - 1) * 3, 3);
  assert_memory_equal(turned[2], in + (SIDE - 1) * SIDE * 3, 3);
  assert_memory_equal(turned[4] + 3, in + SIDE * 3, 3);
  for (int a = 0; a < IMAGE_SYMMETRIES; a++) {
    bool hit[IMAGE_SYMMETRIES] = {false};
    for (int b = 0; b < IMAGE_SYMMETRIES; b++) {
      image_symmetry(turned[a], SIDE, b, twice);
      int found = -1;
      for (int c = 0; c < IMAGE_SYMMETRIES; c++)
        if (memcmp(twice, turned[c], sizeof in) == 0) found = c;
      assert_in_range(found, 0, IMAGE_SYMMETRIES - 1);
      assert_false(hit[found]); /* all eight occur, so there is an inverse */
      hit[found] = true;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format_keeps_the_pixels),
      cmocka_unit_test(names_do_not_matter),
      cmocka_unit_test(truncated_files_are_refused),
      cmocka_unit_test(damaged_bytes_do_no_harm),
      cmocka_unit_test(garbage_is_no_image),
      cmocka_unit_test(declared_sizes_are_checked_first),
      cmocka_unit_test(files_that_cannot_be_read_are_named),
      cmocka_unit_test(every_kind_of_pixels_becomes_rgb),
      cmocka_unit_test(resizing_is_within_one_grey_level_of_pillow),
      cmocka_unit_test(resizing_equals_pillow),
      cmocka_unit_test(real_cells_equal_pillow),
      cmocka_unit_test(the_symmetries_form_a_group),
  };
  return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
