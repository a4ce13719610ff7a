/* The ground floor: statuses, CSV, random numbers, hashes, files that are never half-written. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/threads.h"

/* Statuses */

static void every_status_has_a_name_a_message_and_an_exit_code(void **state) {
  (void)state;
  for (int s = 0; s < LEUKO_STATUS_COUNT; s++) {
    leuko_status status = (leuko_status)s;
    assert_true(strlen(leuko_status_name(status)) > 1);
    assert_true(strlen(leuko_status_message(status)) > 3);
    int code = leuko_status_exit_code(status);
    assert_true(code >= 0 && code <= 4);
    assert_int_equal(code == 0, status == LEUKO_OK);
    for (int other = 0; other < s; other++)
      assert_string_not_equal(leuko_status_name(status), leuko_status_name((leuko_status)other));
  }
  assert_string_equal(leuko_status_name(LEUKO_CORRUPT_IMAGE), "CORRUPT_IMAGE");
  assert_int_equal(leuko_status_exit_code(LEUKO_ARGUMENT), 2);
  assert_int_equal(leuko_status_exit_code(LEUKO_PARTIAL), 4);
  assert_non_null(leuko_status_name((leuko_status)9999));
  assert_non_null(leuko_status_message((leuko_status)-1));
}

static void errors_hold_what_where_and_remedy(void **state) {
  (void)state;
  leuko_error error = {0};
  char long_text[5000];
  memset(long_text, 'x', sizeof long_text);
  long_text[sizeof long_text - 1] = 0;
  assert_int_equal(error_set(&error, LEUKO_IO, long_text, long_text, "%s", long_text), LEUKO_IO);
  assert_int_equal(strlen(error.file), sizeof error.file - 1);
  assert_int_equal(strlen(error.message), sizeof error.message - 1);
  assert_int_equal(error_set(NULL, LEUKO_LEAK, "f", NULL, "text"), LEUKO_LEAK);
  static const struct {
    int number;
    leuko_status status;
  } known[] = {{ENOENT, LEUKO_NOT_FOUND}, {EACCES, LEUKO_UNREADABLE}, {ENOSPC, LEUKO_DISK_FULL},
               {ENOMEM, LEUKO_NO_MEMORY}, {EISDIR, LEUKO_UNREADABLE}, {EIO, LEUKO_IO}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    errno = known[i].number;
    assert_int_equal(error_set_errno(&error, "f", "open"), known[i].status);
    assert_string_equal(error.file, "f");
  }
}

/* CSV */

static leuko_status read_csv(const char *folder, const char *text, size_t size, csv *table,
                             leuko_error *error) {
  char path[PATH];
  test_write(path, folder, "t.csv", text, size);
  return csv_read(path, ',', table, error);
}

static void csv_is_read_as_spreadsheets_write_it(void **state) {
  static const char text[] = "\xef\xbb\xbfpath,label\r\n"
                             "a.bmp,\"all\"\r\n"
                             "\r\n"
                             "\"b, \"\"c\"\".bmp\",hem\r\n"
                             "\"two\nlines\",\r\n"
                             ",x";
  csv table;
  assert_int_equal(read_csv(*state, text, sizeof text - 1, &table, NULL), LEUKO_OK);
  assert_int_equal(table.columns, 2);
  assert_int_equal(table.rows, 4);
  assert_int_equal(csv_column(&table, "path"), 0);
  assert_int_equal(csv_column(&table, "label"), 1);
  assert_int_equal(csv_column(&table, "Label"), -1);
  assert_string_equal(csv_field(&table, 0, 1), "all");
  assert_string_equal(csv_field(&table, 1, 0), "b, \"c\".bmp");
  assert_string_equal(csv_field(&table, 2, 0), "two\nlines");
  assert_string_equal(csv_field(&table, 2, 1), "");
  assert_string_equal(csv_field(&table, 3, 0), "");
  assert_string_equal(csv_field(&table, 3, 1), "x");
  csv_free(&table);
}

static void tabs_separate_where_asked(void **state) {
  char path[PATH];
  test_write(path, *state, "t.tsv", "a\tb,c\n1\t2\n", 10);
  csv table;
  assert_int_equal(csv_read(path, '\t', &table, NULL), LEUKO_OK);
  assert_string_equal(csv_field(&table, 0, 1), "2");
  assert_int_equal(csv_column(&table, "b,c"), 1);
  csv_free(&table);
}

static void a_wrong_csv_is_named(void **state) {
  csv table;
  leuko_error error;
  char path[PATH];
  assert_int_equal(read_csv(*state, "", 0, &table, &error), LEUKO_EMPTY);
  assert_int_equal(read_csv(*state, "\xef\xbb\xbf", 3, &table, &error), LEUKO_EMPTY);
  assert_int_equal(read_csv(*state, "a,b\n1,2\n3\n", 10, &table, &error), LEUKO_BAD_CSV);
  assert_non_null(strstr(error.message, "line 3"));
  assert_int_equal(read_csv(*state, "a,b\n1,2,3\n", 10, &table, &error), LEUKO_BAD_CSV);
  assert_int_equal(read_csv(*state, "a,b\n1,\0\n", 8, &table, &error), LEUKO_BAD_CSV);
  assert_null(table.text);
  assert_null(table.fields);
  assert_int_equal(csv_read(*state, ',', &table, &error), LEUKO_UNREADABLE);
  snprintf(path, sizeof path, "%s/none.csv", (char *)*state);
  assert_int_equal(csv_read(path, ',', &table, &error), LEUKO_NOT_FOUND);
  assert_string_equal(error.file, path);
}

static void hostile_csv_is_refused_or_read_never_worse(void **state) {
  static const char letters[] = ",,\n\"\"\r\t ax\xef\xbb\xbf\xff";
  rng r = rng_open(1, RNG_TEST, 0, 0);
  for (int round = 0; round < 3000; round++) {
    char text[64];
    size_t size = rng_below(&r, sizeof text);
    for (size_t i = 0; i < size; i++) text[i] = letters[rng_below(&r, sizeof letters - 1)];
    csv table;
    leuko_status status = read_csv(*state, text, size, &table, NULL);
    if (status == LEUKO_OK) {
      size_t total = 0;
      for (size_t row = 0; row < table.rows; row++)
        for (size_t c = 0; c < table.columns; c++) total += strlen(csv_field(&table, row, (int)c));
      assert_true(total <= size);
      csv_free(&table);
    } else {
      assert_true(status == LEUKO_BAD_CSV || status == LEUKO_EMPTY);
    }
  }
}

static void written_fields_are_read_back(void **state) {
  static const char *const fields[] = {"plain", "with,comma", "\"quoted\"", "line\nbreak",
                                       "cr\r",  "",           " space ",    "\xc3\xa4"};
  char path[PATH];
  snprintf(path, sizeof path, "%s/t.csv", (char *)*state);
  file_writer writer;
  assert_int_equal(file_writer_open(&writer, path, NULL), LEUKO_OK);
  for (int row = 0; row < 2; row++) {
    for (size_t i = 0; i < 8; i++) csv_write_field(&writer, fields[i], i == 0);
    file_write(&writer, "\n", 1);
  }
  assert_int_equal(file_writer_commit(&writer, NULL), LEUKO_OK);
  csv table;
  assert_int_equal(csv_read(path, ',', &table, NULL), LEUKO_OK);
  assert_int_equal(table.columns, 8);
  assert_int_equal(table.rows, 1);
  for (int i = 0; i < 8; i++) assert_string_equal(csv_field(&table, 0, i), fields[i]);
  csv_free(&table);
}

/* Random numbers */

static void philox_gives_the_vectors_of_random123(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } vectors[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < 3; i++) {
    uint32_t out[4];
    rng_philox(vectors[i].counter, vectors[i].key, out);
    assert_memory_equal(out, vectors[i].out, sizeof out);
  }
}

static void streams_are_named_and_apart(void **state) {
  (void)state;
  rng a = rng_open(5, RNG_AUGMENT, 3, 9), b = rng_open(5, RNG_AUGMENT, 3, 9);
  uint32_t first[16];
  for (int i = 0; i < 16; i++) {
    first[i] = rng_u32(&a);
    assert_int_equal(rng_u32(&b), first[i]);
  }
  rng others[] = {rng_open(6, RNG_AUGMENT, 3, 9), rng_open(5, RNG_DROPOUT, 3, 9),
                  rng_open(5, RNG_AUGMENT, 4, 9), rng_open(5, RNG_AUGMENT, 3, 8),
                  rng_open(5 | 1ull << 32, RNG_AUGMENT, 3, 9)};
  for (size_t k = 0; k < 5; k++) {
    int same = 0;
    for (int i = 0; i < 16; i++) same += rng_u32(&others[k]) == first[i];
    assert_int_equal(same, 0);
  }
}

static void distributions_have_their_moments(void **state) {
  (void)state;
  enum { N = 200000 };
  rng r = rng_open(11, RNG_TEST, 0, 0);
  double sum = 0, squares = 0, normal = 0, normal_squares = 0;
  int counts[7] = {0};
  for (int i = 0; i < N; i++) {
    double u = rng_uniform(&r), z = rng_normal(&r);
    assert_true(u >= 0 && u < 1);
    assert_true(isfinite(z));
    sum += u;
    squares += u * u;
    normal += z;
    normal_squares += z * z;
    counts[rng_below(&r, 7)]++;
  }
  /* Within five standard errors. */
  assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
  assert_true(fabs(squares / N - 1.0 / 3) < 5 * sqrt(4.0 / 45 / N));
  assert_true(fabs(normal / N) < 5 * sqrt(1.0 / N));
  assert_true(fabs(normal_squares / N - 1) < 5 * sqrt(2.0 / N));
  for (int i = 0; i < 7; i++) assert_true(fabs(counts[i] - N / 7.0) < 5 * sqrt(N * 6.0 / 49));
  assert_int_equal(rng_below(&r, 1), 0);
}

static void shuffles_are_permutations(void **state) {
  (void)state;
  int first_place[5] = {0};
  for (uint32_t round = 0; round < 2000; round++) {
    size_t items[5] = {0, 1, 2, 3, 4};
    rng r = rng_open(3, RNG_SHUFFLE, round, 0);
    rng_shuffle(&r, items, 5);
    int seen = 0;
    for (int i = 0; i < 5; i++) seen |= 1 << items[i];
    assert_int_equal(seen, 31);
    first_place[items[0]]++;
  }
  for (int i = 0; i < 5; i++) assert_true(first_place[i] > 300 && first_place[i] < 500);
  rng r = rng_open(3, RNG_SHUFFLE, 0, 0);
  rng_shuffle(&r, NULL, 0);
}

/* Hashes */

static void sha256_gives_the_standards_vectors(void **state) {
  char hex[HASH_HEX], path[PATH];
  leuko_error error;
  assert_int_equal(hash_bytes("abc", 3, hex, NULL), LEUKO_OK);
  static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert_string_equal(hex, abc);
  assert_int_equal(hash_bytes("", 0, hex, NULL), LEUKO_OK);
  assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hash *h;
  assert_int_equal(hash_open(&h, NULL), LEUKO_OK);
  hash_add(h, "a", 1);
  hash_add(h, "", 0);
  hash_add(h, "bc", 2);
  assert_int_equal(hash_close(h, hex, NULL), LEUKO_OK);
  assert_string_equal(hex, abc);
  test_write(path, *state, "abc", "abc", 3);
  assert_int_equal(hash_file(path, hex, NULL), LEUKO_OK);
  assert_string_equal(hex, abc);
  assert_int_equal(hash_file(*state, hex, &error), LEUKO_UNREADABLE);
  assert_string_equal(hex, "");
  strcat(path, ".none");
  assert_int_equal(hash_file(path, hex, &error), LEUKO_NOT_FOUND);
}

/* Files */

static void files_are_read_whole_or_refused(void **state) {
  char path[PATH], *text;
  size_t size;
  file_map map;
  leuko_error error;
  test_write(path, *state, "f", "hello", 5);
  assert_int_equal(file_read(path, 0, &text, &size, NULL), LEUKO_OK);
  assert_int_equal(size, 5);
  assert_string_equal(text, "hello");
  free(text);
  assert_int_equal(file_read(path, 4, &text, &size, &error), LEUKO_TOO_LARGE);
  assert_int_equal(file_map_open(path, 5, &map, NULL), LEUKO_OK);
  assert_memory_equal(map.data, "hello", 5);
  file_unmap(&map);
  file_unmap(&map);
  assert_int_equal(file_map_open(path, 4, &map, &error), LEUKO_TOO_LARGE);
  test_write(path, *state, "empty", "", 0);
  assert_int_equal(file_map_open(path, 0, &map, &error), LEUKO_EMPTY);
  assert_int_equal(file_map_open(*state, 0, &map, &error), LEUKO_UNREADABLE);
  /* A named pipe without a writer: refused at once, not waited for. */
  snprintf(path, sizeof path, "%s/pipe", (char *)*state);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(file_map_open(path, 0, &map, &error), LEUKO_UNREADABLE);
  assert_int_equal(file_read(path, 0, &text, &size, &error), LEUKO_UNREADABLE);
  char hex[HASH_HEX];
  assert_int_equal(hash_file(path, hex, &error), LEUKO_UNREADABLE);
}

static void a_file_changes_at_commit_only(void **state) {
  char path[PATH];
  test_write(path, *state, "f", "old", 3);
  file_writer writer;
  assert_int_equal(file_writer_open(&writer, path, NULL), LEUKO_OK);
  file_printf(&writer, "%s %d", "new", 7);
  char *text = test_read(*state, "f");
  assert_string_equal(text, "old");
  free(text);
  assert_int_equal(file_writer_commit(&writer, NULL), LEUKO_OK);
  text = test_read(*state, "f");
  assert_string_equal(text, "new 7");
  free(text);
  assert_int_equal(file_writer_open(&writer, path, NULL), LEUKO_OK);
  file_write(&writer, "lost", 4);
  file_writer_abort(&writer);
  file_writer_abort(&writer);
  file_write(&writer, "ignored", 7);
  assert_int_equal(file_writer_commit(&writer, NULL), LEUKO_ARGUMENT);
  text = test_read(*state, "f");
  assert_string_equal(text, "new 7");
  free(text);
  assert_int_equal(test_count(*state), 1);
}

static void a_file_that_cannot_be_written_is_named(void **state) {
  char path[PATH], long_path[2000];
  file_writer writer;
  leuko_error error;
  snprintf(path, sizeof path, "%s/none/f", (char *)*state);
  assert_int_equal(file_writer_open(&writer, path, &error), LEUKO_NOT_FOUND);
  assert_string_equal(error.file, path);
  memset(long_path, 'x', sizeof long_path);
  long_path[sizeof long_path - 1] = 0;
  assert_int_equal(file_writer_open(&writer, long_path, &error), LEUKO_TOO_LARGE);
  /* A folder stands where the file should go. */
  snprintf(path, sizeof path, "%s/folder", (char *)*state);
  assert_int_equal(file_make_folders(path, NULL), LEUKO_OK);
  assert_int_equal(file_write_all(path, "x", 1, &error), LEUKO_UNREADABLE);
  assert_int_equal(test_count(*state), 1);
}

/* Writes a megabyte where "f" holds "old"; that has to fail and to leave "old" alone. */
static leuko_status write_too_much(const char *folder, leuko_error *error) {
  char path[PATH];
  static char block[1 << 20];
  snprintf(path, sizeof path, "%.900s/f", folder);
  leuko_status status = file_write_all(path, block, sizeof block, error);
  char *text = test_read(folder, "f");
  assert_string_equal(text, "old");
  free(text);
  assert_int_equal(test_count(folder), 1);
  return status;
}

static void a_full_device_is_named(void **state) {
  char link[PATH + 64];
  leuko_error error;
  test_write(NULL, *state, "f", "old", 3);
  snprintf(link, sizeof link, "%s/f.%ld.tmp", (char *)*state, (long)getpid());
  assert_int_equal(symlink("/dev/full", link), 0);
  assert_int_equal(write_too_much(*state, &error), LEUKO_DISK_FULL);
  assert_true(strlen(error.remedy) > 0);
}

static void a_full_disk_is_named(void **state) {
  leuko_error error;
  if (mount("leuko-test", *state, "tmpfs", 0, "size=64k") != 0) {
    print_message("skipped: mounting a small tmpfs takes root\n");
    skip();
  }
  test_write(NULL, *state, "f", "old", 3);
  leuko_status status = write_too_much(*state, &error);
  umount(*state);
  assert_int_equal(status, LEUKO_DISK_FULL);
}

static void a_file_size_limit_is_named(void **state) {
  leuko_error error;
  struct rlimit old, small;
  test_write(NULL, *state, "f", "old", 3);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  small = (struct rlimit){1000, old.rlim_max};
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  leuko_status status = write_too_much(*state, &error);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, handler);
  assert_int_equal(leuko_status_exit_code(status), 1);
}

static void folders_are_made_with_their_parents(void **state) {
  char path[PATH], file[PATH];
  leuko_error error;
  snprintf(path, sizeof path, "%s/a/b//c/", (char *)*state);
  assert_int_equal(file_make_folders(path, NULL), LEUKO_OK);
  assert_int_equal(file_make_folders(path, NULL), LEUKO_OK);
  assert_true(file_is_folder(path));
  test_write(file, *state, "file", "x", 1);
  assert_true(file_exists(file));
  assert_false(file_is_folder(file));
  snprintf(path, sizeof path, "%s/file/below", (char *)*state);
  assert_int_equal(file_make_folders(path, &error), LEUKO_NOT_FOUND);
  assert_int_equal(file_make_folders("", &error), LEUKO_ARGUMENT);
  char joined[16];
  assert_int_equal(file_join(joined, sizeof joined, "a", "b", NULL), LEUKO_OK);
  assert_string_equal(joined, "a/b");
  assert_int_equal(file_join(joined, sizeof joined, "/", "b", NULL), LEUKO_OK);
  assert_string_equal(joined, "/b");
  assert_int_equal(file_join(joined, sizeof joined, "12345678", "1234567", &error),
                   LEUKO_TOO_LARGE);
}

static void the_cache_folder_follows_xdg(void **state) {
  char out[PATH], expected[PATH + 16];
  const char *kept = getenv("XDG_CACHE_HOME");
  char *before = kept ? strdup(kept) : NULL;
  setenv("XDG_CACHE_HOME", *state, 1);
  assert_int_equal(file_cache_folder(out, sizeof out, NULL), LEUKO_OK);
  snprintf(expected, sizeof expected, "%s/leuko", (char *)*state);
  assert_string_equal(out, expected);
  assert_true(file_is_folder(out));
  if (before) setenv("XDG_CACHE_HOME", before, 1);
  else unsetenv("XDG_CACHE_HOME");
  free(before);
}

/* Text and threads */

static void any_name_becomes_json(void **state) {
  (void)state;
  json_t *value = text_json("z\xc3\xa4hler");
  assert_string_equal(json_string_value(value), "z\xc3\xa4hler");
  json_decref(value);
  value = text_json("z\xe4hler\xff");
  assert_string_equal(json_string_value(value), "z\xc3\xa4hler\xc3\xbf");
  json_decref(value);
  value = text_json(NULL);
  assert_true(json_is_null(value));
  json_decref(value);
}

static void there_is_at_least_one_thread(void **state) {
  (void)state;
  assert_true(threads_count(0) >= 1);
  assert_true(threads_count(-3) >= 1);
  assert_int_equal(threads_count(5), 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_a_name_a_message_and_an_exit_code),
      cmocka_unit_test(errors_hold_what_where_and_remedy),
      TEST_IN_FOLDER(csv_is_read_as_spreadsheets_write_it),
      TEST_IN_FOLDER(tabs_separate_where_asked),
      TEST_IN_FOLDER(a_wrong_csv_is_named),
      TEST_IN_FOLDER(hostile_csv_is_refused_or_read_never_worse),
      TEST_IN_FOLDER(written_fields_are_read_back),
      cmocka_unit_test(philox_gives_the_vectors_of_random123),
      cmocka_unit_test(streams_are_named_and_apart),
      cmocka_unit_test(distributions_have_their_moments),
      cmocka_unit_test(shuffles_are_permutations),
      TEST_IN_FOLDER(sha256_gives_the_standards_vectors),
      TEST_IN_FOLDER(files_are_read_whole_or_refused),
      TEST_IN_FOLDER(a_file_changes_at_commit_only),
      TEST_IN_FOLDER(a_file_that_cannot_be_written_is_named),
      TEST_IN_FOLDER(a_full_device_is_named),
      TEST_IN_FOLDER(a_full_disk_is_named),
      TEST_IN_FOLDER(a_file_size_limit_is_named),
      TEST_IN_FOLDER(folders_are_made_with_their_parents),
      TEST_IN_FOLDER(the_cache_folder_follows_xdg),
      cmocka_unit_test(any_name_becomes_json),
      cmocka_unit_test(there_is_at_least_one_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
