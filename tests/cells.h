/* Small pictures on disk for the tests of scan, split and verify. */
#ifndef TESTS_CELLS_H
#define TESTS_CELLS_H

#include "support.h"

#include "base/rng.h"
#include "image/write.h"

/* A noisy picture of side x side pixels, equal for equal `number`. Freed with image_free. */
static inline image cells_draw(int side, uint32_t number) {
  image picture = {side, side, malloc((size_t)side * (size_t)side * 3)};
  assert_non_null(picture.rgb);
  rng random = rng_open(number, RNG_TEST, 0, 0);
  for (int i = 0; i < side * side * 3; i++) picture.rgb[i] = (uint8_t)rng_below(&random, 256);
  return picture;
}

/* folder/name, whose folders are made. */
static inline void cells_place(char out[PATH], const char *folder, const char *name) {
  assert_int_equal(file_join(out, PATH, folder, name, NULL), LEUKO_OK);
  char parent[PATH];
  memcpy(parent, out, PATH);
  *strrchr(parent, '/') = 0;
  assert_int_equal(file_make_folders(parent, NULL), LEUKO_OK);
}

/* Writes picture `number` of 10 x 10 pixels to folder/name in the format of its extension. */
static inline void cells_write(const char *folder, const char *name, uint32_t number) {
  char path[PATH];
  cells_place(path, folder, name);
  const char *extension = strrchr(name, '.');
  image_format format = strcmp(extension, ".png") == 0    ? IMAGE_PNG
                        : strcmp(extension, ".tif") == 0  ? IMAGE_TIFF
                        : strcmp(extension, ".webp") == 0 ? IMAGE_WEBP
                                                          : IMAGE_BMP;
  image picture = cells_draw(10, number);
  assert_int_equal(image_write(path, &picture, format, NULL), LEUKO_OK);
  image_free(&picture);
}

/* Writes a text to folder/name. */
static inline void cells_text(const char *folder, const char *name, const char *text) {
  char path[PATH];
  cells_place(path, folder, name);
  assert_int_equal(file_write_all(path, text, strlen(text), NULL), LEUKO_OK);
}

/* A fresh folder with a cache folder of its own, for cmocka's setup and teardown. */
static inline int cells_setup(void **state) {
  if (test_enter_folder(state) != 0) return -1;
  const char *folder = *state;
  char cache[PATH];
  assert_int_equal(file_join(cache, sizeof cache, folder, "cache", NULL), LEUKO_OK);
  setenv("XDG_CACHE_HOME", cache, 1);
  assert_int_equal(file_join(cache, sizeof cache, folder, "data", NULL), LEUKO_OK);
  assert_int_equal(file_make_folders(cache, NULL), LEUKO_OK);
  return 0;
}

static inline int cells_teardown(void **state) {
  return test_leave_folder(state);
}

/* The folder for the data below that of cells_setup. */
static inline void cells_root(char out[PATH], void **state) {
  assert_int_equal(file_join(out, PATH, *state, "data", NULL), LEUKO_OK);
}

#endif
