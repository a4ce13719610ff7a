/* The container of models: what is written is read back, and nothing broken is taken for a model.
 */
#include "support.h"

#include "base/rng.h"
#include "model/safetensors.h"

static const float weights[6] = {1, -2, 3.5f, 0, 1e-20f, 6};
static const uint8_t pixels[3] = {0, 127, 255};

/* Writes a file with two tensors and metadata to folder/m.safetensors. */
static void write_small(char path[PATH], const char *folder) {
  const safetensors_entry entries[] = {{"conv/kernel", "F32", 2, {2, 3}, weights, sizeof weights},
                                       {"scalar", "U8", 1, {3}, pixels, sizeof pixels},
                                       {"none", "F32", 2, {0, 4}, NULL, 0}};
  json_t *metadata = json_pack("{s:s,s:s}", "leuko", "{\"a\":1}", "note", "\xc3\xa4");
  snprintf(path, PATH, "%.900s/m.safetensors", folder);
  assert_int_equal(safetensors_write(path, entries, 3, metadata, NULL), LEUKO_OK);
  json_decref(metadata);
}

static void what_is_written_is_read_back(void **state) {
  char path[PATH];
  write_small(path, *state);
  safetensors file;
  assert_int_equal(safetensors_open(path, &file, NULL), LEUKO_OK);
  assert_int_equal(file.count, 3);
  size_t count;
  const float *values = safetensors_f32(&file, "conv/kernel", &count);
  assert_non_null(values);
  assert_int_equal(count, 6);
  assert_memory_equal(values, weights, sizeof weights);
  const safetensors_tensor *kernel = safetensors_find(&file, "conv/kernel");
  assert_int_equal(kernel->rank, 2);
  assert_int_equal(kernel->dims[0], 2);
  assert_int_equal(kernel->dims[1], 3);
  assert_int_equal((uintptr_t)kernel->data % 64, 0);
  const safetensors_tensor *scalar = safetensors_find(&file, "scalar");
  assert_string_equal(scalar->dtype, "U8");
  assert_memory_equal(scalar->data, pixels, sizeof pixels);
  assert_null(safetensors_f32(&file, "scalar", NULL));
  assert_null(safetensors_f32(&file, "missing", NULL));
  assert_null(safetensors_find(&file, "__metadata__"));
  assert_int_equal(safetensors_find(&file, "none")->bytes, 0);
  assert_string_equal(safetensors_metadata(&file, "leuko"), "{\"a\":1}");
  assert_string_equal(safetensors_metadata(&file, "note"), "\xc3\xa4");
  assert_null(safetensors_metadata(&file, "other"));
  safetensors_close(&file);
}

static void the_same_input_gives_the_same_bytes(void **state) {
  char path[PATH], *first, *second;
  size_t sizes[2];
  write_small(path, *state);
  assert_int_equal(file_read(path, 0, &first, &sizes[0], NULL), LEUKO_OK);
  write_small(path, *state);
  assert_int_equal(file_read(path, 0, &second, &sizes[1], NULL), LEUKO_OK);
  assert_int_equal(sizes[0], sizes[1]);
  assert_memory_equal(first, second, sizes[0]);
  assert_int_equal(test_count(*state), 1);
  free(first);
  free(second);
}

/* Writes a header and `data` bytes of zeros behind it; `length` is what the file claims. */
static leuko_status open_with(const char *folder, const char *header, uint64_t length, size_t data,
                              leuko_error *error) {
  uint8_t bytes[4096] = {0};
  size_t size = strlen(header);
  assert_true(8 + size + data <= sizeof bytes);
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(length >> (8 * i));
  memcpy(bytes + 8, header, size);
  char path[PATH];
  test_write(path, folder, "broken", bytes, 8 + size + data);
  safetensors file;
  leuko_status status = safetensors_open(path, &file, error);
  if (status != LEUKO_OK) {
    assert_null(file.header);
    assert_null(file.tensors);
    assert_null(file.map.data);
    assert_string_equal(error->file, path);
    assert_true(strlen(error->message) > 0);
  } else {
    safetensors_close(&file);
  }
  return status;
}

/* `data` bytes behind a header that claims its own length. */
static leuko_status open_header(const char *folder, const char *header, size_t data,
                                leuko_error *error) {
  return open_with(folder, header, strlen(header), data, error);
}

static void broken_headers_are_refused(void **state) {
  static const struct {
    const char *header;
    size_t data;
  } broken[] = {
      {"", 0},
      {"{", 0},
      {"[]", 0},
      {"null", 0},
      {"{} x", 0},
      {"\xff{}", 0},
      {"{\"a\":1}", 0},
      {"{\"a\":{}}", 0},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
       "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
       4},
      {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4},
      {"{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"a very long type\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775808],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775803,"
       "9223372036854775807]}}",
       4},
  };
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    leuko_error error = {0};
    if (open_header(*state, broken[i].header, broken[i].data, &error) != LEUKO_BAD_MODEL)
      fail_msg("taken: %s", broken[i].header);
  }
}

static void overlaps_and_gaps_are_refused(void **state) {
  leuko_error error = {0};
  static const char two[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]},"
                            "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%d,%d]}}";
  static const struct {
    int a, b;
    size_t data;
    leuko_status status;
  } cases[] = {
      {0, 4, 8, LEUKO_OK},         {4, 0, 8, LEUKO_OK},         {0, 0, 4, LEUKO_BAD_MODEL},
      {0, 2, 8, LEUKO_BAD_MODEL},  {0, 2, 6, LEUKO_BAD_MODEL},  {0, 8, 12, LEUKO_BAD_MODEL},
      {4, 8, 12, LEUKO_BAD_MODEL}, {0, 4, 12, LEUKO_BAD_MODEL}, {0, 0, 8, LEUKO_BAD_MODEL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char header[512];
    snprintf(header, sizeof header, two, cases[i].a, cases[i].a + 4, cases[i].b, cases[i].b + 4);
    assert_int_equal(open_header(*state, header, cases[i].data, &error), cases[i].status);
  }
  assert_int_equal(open_header(*state, "{}", 0, &error), LEUKO_OK);
  assert_int_equal(open_header(*state, "{}", 1, &error), LEUKO_BAD_MODEL);
}

static void impossible_lengths_are_refused(void **state) {
  static const uint64_t lengths[] = {3,          100,        1u << 31,      UINT64_MAX,
                                     1ull << 63, 1ull << 32, UINT64_MAX - 7};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    leuko_error error = {0};
    assert_int_equal(open_with(*state, "{}", lengths[i], 0, &error), LEUKO_BAD_MODEL);
  }
}

static void every_truncation_is_refused(void **state) {
  char path[PATH], *bytes;
  size_t size;
  write_small(path, *state);
  assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
  for (size_t kept = 0; kept < size; kept++) {
    safetensors file;
    test_write(path, *state, "cut", bytes, kept);
    leuko_status status = safetensors_open(path, &file, NULL);
    assert_int_equal(status, kept == 0 ? LEUKO_EMPTY : LEUKO_BAD_MODEL);
  }
  free(bytes);
}

static void flipped_bits_never_do_harm(void **state) {
  char path[PATH], *bytes;
  size_t size;
  write_small(path, *state);
  assert_int_equal(file_read(path, 0, &bytes, &size, NULL), LEUKO_OK);
  rng r = rng_open(4, RNG_TEST, 0, 0);
  for (int round = 0; round < 2000; round++) {
    size_t at = rng_below(&r, (uint32_t)size);
    char kept = bytes[at];
    bytes[at] = (char)(bytes[at] ^ (1 << rng_below(&r, 8)));
    test_write(path, *state, "flipped", bytes, size);
    bytes[at] = kept;
    safetensors file;
    if (safetensors_open(path, &file, NULL) != LEUKO_OK) continue;
    /* Whatever it is now, what it points at can be read. */
    unsigned sum = 0;
    for (size_t i = 0; i < file.count; i++)
      for (size_t b = 0; b < file.tensors[i].bytes; b++) sum += file.tensors[i].data[b];
    assert_true(sum < 256u * 64);
    safetensors_metadata(&file, "leuko");
    safetensors_close(&file);
  }
  free(bytes);
}

static void what_is_no_file_is_named(void **state) {
  safetensors file;
  leuko_error error;
  char path[PATH];
  assert_int_equal(safetensors_open(*state, &file, &error), LEUKO_UNREADABLE);
  snprintf(path, sizeof path, "%s/none", (char *)*state);
  assert_int_equal(safetensors_open(path, &file, &error), LEUKO_NOT_FOUND);
  snprintf(path, sizeof path, "%s/none/m", (char *)*state);
  assert_int_equal(safetensors_write(path, NULL, 0, NULL, &error), LEUKO_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_IN_FOLDER(what_is_written_is_read_back),
      TEST_IN_FOLDER(the_same_input_gives_the_same_bytes),
      TEST_IN_FOLDER(broken_headers_are_refused),
      TEST_IN_FOLDER(overlaps_and_gaps_are_refused),
      TEST_IN_FOLDER(impossible_lengths_are_refused),
      TEST_IN_FOLDER(every_truncation_is_refused),
      TEST_IN_FOLDER(flipped_bits_never_do_harm),
      TEST_IN_FOLDER(what_is_no_file_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
