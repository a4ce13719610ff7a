/* What the test programs share: cmocka with its headers, paths, folders that vanish, text files. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "leuko.h"

#define PATH 1024

/* Path of a file of the repository, whatever folder the test runs in. */
static inline void test_path(char out[PATH], const char *name) {
  const char *root = getenv("ROOT");
  snprintf(out, PATH, "%s/%s", root && root[0] ? root : ".", name);
}

/* A fresh folder under $TMPDIR or /tmp; ends with test_remove. */
static inline void test_folder(char out[PATH]) {
  const char *base = getenv("TMPDIR");
  snprintf(out, PATH, "%s/leuko-test-XXXXXX", base && base[0] ? base : "/tmp");
  assert_non_null(mkdtemp(out));
}

static inline int test_remove_one(const char *path, const struct stat *info, int kind,
                                  struct FTW *walk) {
  (void)info;
  (void)kind;
  (void)walk;
  return remove(path);
}

/* Removes a folder with all in it. */
static inline void test_remove(const char *folder) {
  assert_int_equal(nftw(folder, test_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Set-up and teardown of a test whose *state is the path of a fresh folder. */
static inline int test_enter_folder(void **state) {
  char *folder = malloc(PATH);
  if (!folder) return -1;
  test_folder(folder);
  *state = folder;
  return 0;
}

static inline int test_leave_folder(void **state) {
  test_remove(*state);
  free(*state);
  return 0;
}

#define TEST_IN_FOLDER(test)                                                                       \
  cmocka_unit_test_setup_teardown(test, test_enter_folder, test_leave_folder)

/* How many entries a folder holds. */
static inline int test_count(const char *folder) {
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(stream));)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(stream);
  return count;
}

/* Writes `size` bytes to folder/name; the path goes into `out` (may be NULL). */
static inline void test_write(char out[PATH], const char *folder, const char *name,
                              const void *data, size_t size) {
  char path[PATH];
  snprintf(path, sizeof path, "%.900s/%.100s", folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  if (out) memcpy(out, path, strlen(path) + 1);
}

/* Reads a whole text file; the caller frees it. */
static inline char *test_read(const char *folder, const char *name) {
  char path[PATH], *text;
  size_t size;
  snprintf(path, sizeof path, "%.900s/%.100s", folder, name);
  assert_int_equal(file_read(path, 0, &text, &size, NULL), LEUKO_OK);
  return text;
}

/* Within `tolerance`, relative to the larger of 1 and |expected|; NaN equals NaN. */
static inline void test_close(const char *what, double got, double expected, double tolerance) {
  if (isnan(got) && isnan(expected)) return;
  if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected))) && got != expected)
    fail_msg("%s: %.17g instead of %.17g", what, got, expected);
}

#endif
