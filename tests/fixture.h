/* A safetensors file of tests/fixtures, whose metadata describe its cases as JSON. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "support.h"

#include <jansson.h>

#include "model/safetensors.h"

static safetensors fixture;
static json_t *cases;

static inline int fixture_open(const char *name) {
  char path[PATH], file[64];
  leuko_error error = {0};
  snprintf(file, sizeof file, "tests/fixtures/%s.safetensors", name);
  test_path(path, file);
  if (safetensors_open(path, &fixture, &error) != LEUKO_OK) fail_msg("%s: %s", path, error.message);
  cases = json_loads(safetensors_metadata(&fixture, "cases"), 0, NULL);
  assert_non_null(cases);
  return 0;
}

static inline int fixture_close(void **state) {
  (void)state;
  json_decref(cases);
  safetensors_close(&fixture);
  return 0;
}

#endif
