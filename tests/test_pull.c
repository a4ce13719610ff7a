/* Downloads of weights: whatever the server does, the file under its final name is whole and right,
 * or is not there. */
#include "https_server.h"

#include "base/hash.h"
#include "base/rng.h"
#include "weights/pull.h"

#define SIZE 300000

typedef struct {
  server server;
  uint8_t data[SIZE];
  char sha256[HASH_HEX];
  weights_entry entry;
  weights_pull_options options;
  char folder[PATH], path[PATH], part[PATH];
} setting;

static int start(void **state) {
  setting *s = calloc(1, sizeof *s);
  if (!s) return -1;
  rng r = rng_open(1, RNG_TEST, 0, 0);
  for (size_t i = 0; i < SIZE; i++) s->data[i] = (uint8_t)rng_u32(&r);
  if (hash_bytes(s->data, SIZE, s->sha256, NULL) != LEUKO_OK) return -1;
  s->server.data = s->data;
  s->server.size = SIZE;
  server_start(&s->server);
  test_folder(s->folder);
  s->entry = (weights_entry){.name = "some-weights",
                             .network = "vgg16",
                             .file = "some.h5",
                             .bytes = SIZE,
                             .sha256 = s->sha256};
  s->options = (weights_pull_options){
      .folder = s->folder, .mirror = s->server.url, .certificates = s->server.certificate};
  snprintf(s->path, PATH, "%.900s/some.h5", s->folder);
  snprintf(s->part, PATH, "%.900s/some.h5.part", s->folder);
  *state = s;
  return 0;
}

static int stop(void **state) {
  setting *s = *state;
  server_stop(&s->server);
  test_remove(s->folder);
  free(s);
  return 0;
}

static leuko_status pull(setting *s, leuko_error *error) {
  char path[PATH] = "";
  *error = (leuko_error){0};
  leuko_status status = pull_entry(&s->entry, &s->options, NULL, path, sizeof path, error);
  assert_string_equal(path, s->path);
  if (status != LEUKO_OK) assert_string_not_equal(error->remedy, "");
  return status;
}

static void assert_whole(const setting *s) {
  char *text;
  size_t size;
  assert_int_equal(file_read(s->path, 0, &text, &size, NULL), LEUKO_OK);
  assert_int_equal(size, SIZE);
  assert_memory_equal(text, s->data, SIZE);
  free(text);
  assert_false(file_exists(s->part));
}

static void assert_nothing(const setting *s) {
  assert_int_equal(test_count(s->folder), 0);
}

static void a_good_server_gives_the_file(void **state) {
  setting *s = *state;
  leuko_error error;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
  assert_int_equal(s->server.requests, 1);
  assert_int_equal(test_count(s->folder), 1);
  /* What is there is not fetched again. */
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_int_equal(s->server.requests, 1);
}

static void a_damaged_file_is_replaced(void **state) {
  setting *s = *state;
  leuko_error error;
  test_write(NULL, s->folder, "some.h5", s->data, SIZE / 2);
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void a_broken_download_is_gone_on_with(void **state) {
  setting *s = *state;
  leuko_error error;
  s->server.break_after = 70000;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
  assert_int_equal(s->server.requests, 5);
  assert_int_equal(s->server.range_requests, 4);
}

static void what_an_earlier_call_left_is_used(void **state) {
  setting *s = *state;
  leuko_error error;
  test_write(NULL, s->folder, "some.h5.part", s->data, 200000);
  s->server.break_after = 100001;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
  assert_int_equal(s->server.requests, 1);
}

static void a_wrong_beginning_is_found_out(void **state) {
  setting *s = *state;
  leuko_error error;
  uint8_t zeros[1000] = {0};
  test_write(NULL, s->folder, "some.h5.part", zeros, sizeof zeros);
  assert_int_equal(pull(s, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "SHA-256"));
  assert_nothing(s);
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void too_long_a_beginning_is_dropped(void **state) {
  setting *s = *state;
  leuko_error error;
  uint8_t *more = calloc(1, SIZE + 1);
  assert_non_null(more);
  test_write(NULL, s->folder, "some.h5.part", more, SIZE + 1);
  free(more);
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
  assert_int_equal(s->server.range_requests, 0);
}

static void a_server_without_ranges_begins_anew(void **state) {
  setting *s = *state;
  leuko_error error;
  test_write(NULL, s->folder, "some.h5.part", s->data, 1000);
  s->server.no_ranges = true;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void a_refused_range_begins_anew(void **state) {
  setting *s = *state;
  leuko_error error;
  test_write(NULL, s->folder, "some.h5.part", s->data, 1000);
  s->server.no_such_range = true;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
  assert_int_equal(s->server.requests, 2);
}

static void another_range_than_asked_for_is_refused(void **state) {
  setting *s = *state;
  leuko_error error;
  test_write(NULL, s->folder, "some.h5.part", s->data, 1000);
  s->server.wrong_range = true;
  assert_int_equal(pull(s, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "another part"));
  assert_false(file_exists(s->path));
}

static void a_false_length_is_refused(void **state) {
  setting *s = *state;
  leuko_error error;
  const long lies[] = {-1, 1, 1000000};
  for (int i = 0; i < 3; i++) {
    s->server.lie = lies[i];
    assert_int_equal(pull(s, &error), LEUKO_BAD_DATA);
    assert_non_null(strstr(error.message, "announces"));
    assert_nothing(s);
  }
}

static void more_bytes_than_there_should_be_are_refused(void **state) {
  setting *s = *state;
  leuko_error error;
  s->server.no_length = true;
  s->server.surplus = 100;
  assert_int_equal(pull(s, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "more bytes"));
  assert_false(file_exists(s->path));
}

static void altered_bytes_are_refused(void **state) {
  setting *s = *state;
  leuko_error error;
  s->data[123456] ^= 1;
  assert_int_equal(pull(s, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "SHA-256"));
  assert_nothing(s);
  s->data[123456] ^= 1;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void md5_is_checked_where_there_is_nothing_better(void **state) {
  setting *s = *state;
  leuko_error error;
  s->entry.sha256 = NULL;
  s->entry.md5 = "00000000000000000000000000000000";
  assert_int_equal(pull(s, &error), LEUKO_BAD_DATA);
  assert_non_null(strstr(error.message, "MD5"));
  assert_nothing(s);
}

static void a_file_of_unknown_size_is_checked_by_digest(void **state) {
  setting *s = *state;
  leuko_error error;
  s->entry.bytes = 0;
  s->server.no_length = true;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void what_came_before_the_end_stays_for_the_next_call(void **state) {
  setting *s = *state;
  leuko_error error;
  s->server.no_length = true;
  s->server.size = 100000; /* ends too early each time, and then brings nothing more */
  assert_int_equal(pull(s, &error), LEUKO_IO);
  assert_false(file_exists(s->path));
  assert_true(file_exists(s->part));
  s->server.size = SIZE;
  s->server.no_length = false;
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void what_a_server_says_is_told(void **state) {
  setting *s = *state;
  leuko_error error;
  s->server.code = 404;
  assert_int_equal(pull(s, &error), LEUKO_IO);
  assert_non_null(strstr(error.message, "404"));
  assert_int_equal(s->server.requests, 1);
  assert_nothing(s);
}

static void redirections_leave_https_never(void **state) {
  setting *s = *state;
  leuko_error error;
  s->server.redirect = "http://127.0.0.1:9/some.h5";
  assert_int_equal(pull(s, &error), LEUKO_IO);
  assert_nothing(s);
  s->server.redirect = "file:///etc/hostname";
  assert_int_equal(pull(s, &error), LEUKO_IO);
  assert_nothing(s);
}

static void an_unknown_authority_is_refused(void **state) {
  setting *s = *state;
  leuko_error error;
  s->options.certificates = NULL;
  assert_int_equal(pull(s, &error), LEUKO_IO);
  assert_non_null(strstr(error.message, "certificate"));
  assert_non_null(strstr(error.remedy, "ca-certificates"));
  assert_int_equal(s->server.requests, 0);
  assert_nothing(s);
}

static void a_mirror_without_https_is_a_wrong_call(void **state) {
  setting *s = *state;
  s->options.mirror = "http://127.0.0.1:9";
  leuko_error error = {0};
  assert_int_equal(pull_entry(&s->entry, &s->options, NULL, NULL, 0, &error), LEUKO_ARGUMENT);
  assert_nothing(s);
}

static int stop_asked(void *context, const char *phase, size_t done, size_t total,
                      const char *note) {
  (void)phase, (void)done, (void)total, (void)note;
  return ++*(int *)context > 1;
}

static void an_interrupted_download_goes_on_later(void **state) {
  setting *s = *state;
  leuko_error error = {0};
  int calls = 0;
  progress watcher = {stop_asked, &calls};
  assert_int_equal(pull_entry(&s->entry, &s->options, &watcher, NULL, 0, &error),
                   LEUKO_INTERRUPTED);
  assert_false(file_exists(s->path));
  assert_int_equal(pull(s, &error), LEUKO_OK);
  assert_whole(s);
}

static void an_unknown_name_is_a_wrong_call(void **state) {
  (void)state;
  leuko_error error = {0};
  assert_int_equal(weights_pull("vgg17", NULL, NULL, NULL, 0, &error), LEUKO_ARGUMENT);
  assert_string_equal(error.remedy, "leuko weights list");
}

int main(void) {
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)
  const struct CMUnitTest tests[] = {
      WITH_SERVER(a_good_server_gives_the_file),
      WITH_SERVER(a_damaged_file_is_replaced),
      WITH_SERVER(a_broken_download_is_gone_on_with),
      WITH_SERVER(what_an_earlier_call_left_is_used),
      WITH_SERVER(a_wrong_beginning_is_found_out),
      WITH_SERVER(too_long_a_beginning_is_dropped),
      WITH_SERVER(a_server_without_ranges_begins_anew),
      WITH_SERVER(a_refused_range_begins_anew),
      WITH_SERVER(another_range_than_asked_for_is_refused),
      WITH_SERVER(a_false_length_is_refused),
      WITH_SERVER(more_bytes_than_there_should_be_are_refused),
      WITH_SERVER(altered_bytes_are_refused),
      WITH_SERVER(md5_is_checked_where_there_is_nothing_better),
      WITH_SERVER(a_file_of_unknown_size_is_checked_by_digest),
      WITH_SERVER(what_came_before_the_end_stays_for_the_next_call),
      WITH_SERVER(what_a_server_says_is_told),
      WITH_SERVER(redirections_leave_https_never),
      WITH_SERVER(an_unknown_authority_is_refused),
      WITH_SERVER(a_mirror_without_https_is_a_wrong_call),
      WITH_SERVER(an_interrupted_download_goes_on_later),
      cmocka_unit_test(an_unknown_name_is_a_wrong_call),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
