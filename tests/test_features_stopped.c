/* The features of a frozen base whose computation is stopped, killed, or made by two at once: the
 * next process goes on where it ended, to the same bytes. */
#include "frozen.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/rng.h"

enum { ROWS = FROZEN_CELLS * 8 };

/* One row a batch and one thread: a child that is forked can compute, too. */
static void open_rows(void **state, frozen_subject *s) {
  frozen_open(state, "ref", s);
  s->request.symmetries = true;
  s->request.batch = 1;
  s->request.threads = 1;
}

/* Where a computation began, and where it is to stop (0: at its end). */
typedef struct {
  size_t first, stop;
  bool begun;
} watch;

static int watch_report(void *context, const char *phase, size_t done, size_t total,
                        const char *note) {
  (void)note;
  watch *w = context;
  assert_string_equal(phase, "features");
  assert_int_equal(total, ROWS);
  if (!w->begun) w->first = done;
  w->begun = true;
  return w->stop > 0 && done >= w->stop;
}

static leuko_status compute(const frozen_subject *s, watch *w) {
  progress p = {.report = watch_report, .context = w};
  features f;
  leuko_error error = {0};
  leuko_status status = features_open(&s->request, &p, &f, &error);
  if (status == LEUKO_OK) features_close(&f);
  return status;
}

/* The file that a whole computation leaves. */
typedef struct {
  char path[PATH], draft[PATH], folder[PATH];
  char *bytes;
  size_t size;
} kept;

static void read_file(const char *path, char **bytes, size_t *size) {
  leuko_error error = {0};
  frozen_ok(file_read(path, 0, bytes, size, &error), &error);
}

/* Computes once without being disturbed, keeps the bytes and removes the file. */
static kept undisturbed(const frozen_subject *s) {
  kept k;
  features f = frozen_features(&s->request);
  assert_true(f.cache.on_disk);
  memcpy(k.path, f.cache.path, PATH);
  snprintf(k.draft, PATH, "%.1000s.tmp", k.path);
  snprintf(k.folder, PATH, "%.*s", (int)(strrchr(k.path, '/') - k.path), k.path);
  features_close(&f);
  read_file(k.path, &k.bytes, &k.size);
  assert_int_equal(remove(k.path), 0);
  return k;
}

/* The file is there, alone, with the same bytes. Removes it. */
static void assert_kept(const kept *k) {
  char *bytes;
  size_t size;
  assert_int_equal(test_count(k->folder), 1);
  read_file(k->path, &bytes, &size);
  assert_int_equal(size, k->size);
  assert_memory_equal(bytes, k->bytes, size);
  free(bytes);
  assert_int_equal(remove(k->path), 0);
}

static void what_is_stopped_goes_on(void **state) {
  frozen_subject s;
  open_rows(state, &s);
  kept k = undisturbed(&s);
  static const size_t stops[] = {1, 2, 4, 5, 30, ROWS - 1, ROWS};
  for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
    watch first = {.stop = stops[i]}, second = {0};
    assert_int_equal(compute(&s, &first), LEUKO_INTERRUPTED);
    assert_int_equal(first.first, 0);
    assert_false(file_exists(k.path));
    assert_true(file_exists(k.draft));
    assert_int_equal(compute(&s, &second), LEUKO_OK);
    assert_int_equal(second.first, stops[i]);
    assert_kept(&k);
  }
  /* Stopped again and again, each time two rows later; in larger batches at the end. */
  for (size_t stop = 2; stop <= 20; stop += 2) {
    watch w = {.stop = stop};
    assert_int_equal(compute(&s, &w), LEUKO_INTERRUPTED);
    assert_int_equal(w.first, stop - 2);
  }
  watch last = {0};
  s.request.batch = 7;
  assert_int_equal(compute(&s, &last), LEUKO_OK);
  assert_int_equal(last.first, 20);
  assert_kept(&k);
  free(k.bytes);
  frozen_close(&s);
}

static int stop_at_once(void *context, const char *phase, size_t done, size_t total,
                        const char *note) {
  (void)context, (void)phase, (void)done, (void)total, (void)note;
  return 1;
}

static void what_never_began_leaves_nothing(void **state) {
  frozen_subject s;
  open_rows(state, &s);
  kept k = undisturbed(&s);
  progress p = {.report = stop_at_once};
  features f;
  leuko_error error = {0};
  assert_int_equal(features_open(&s.request, &p, &f, &error), LEUKO_INTERRUPTED);
  assert_int_equal(test_count(k.folder), 0);
  free(k.bytes);
  frozen_close(&s);
}

static void overwrite(const char *path, long at, const void *bytes, size_t size) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void strange_drafts_are_replaced(void **state) {
  frozen_subject s;
  open_rows(state, &s);
  kept k = undisturbed(&s);
  for (int kind = 0; kind < 7; kind++) {
    watch first = {.stop = 30}, second = {0};
    if (kind == 0) { /* of other features: another weight, which gives another key */
      float *weight = &s.params[s.base->params[1].offset];
      *weight += 1e-3f;
      assert_int_equal(compute(&s, &first), LEUKO_INTERRUPTED);
      *weight -= 1e-3f;
      DIR *stream = opendir(k.folder);
      char other[PATH] = "";
      for (struct dirent *entry; (entry = readdir(stream));)
        if (entry->d_name[0] != '.')
          snprintf(other, PATH, "%.500s/%.255s", k.folder, entry->d_name);
      closedir(stream);
      assert_string_not_equal(other, k.draft);
      assert_int_equal(rename(other, k.draft), 0);
    } else {
      assert_int_equal(compute(&s, &first), LEUKO_INTERRUPTED);
    }
    static const uint8_t ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    if (kind == 1) assert_int_equal(truncate(k.draft, (off_t)k.size - 1), 0);
    if (kind == 2) assert_int_equal(truncate(k.draft, 100), 0);
    if (kind == 3) assert_int_equal(truncate(k.draft, 0), 0);
    if (kind == 4) overwrite(k.draft, 0, "LEUKO", 5);
    if (kind == 5) overwrite(k.draft, 168, ones, 8); /* more than there can be */
    if (kind == 6) test_write(NULL, k.folder, strrchr(k.draft, '/') + 1, "words", 5);
    assert_int_equal(compute(&s, &second), LEUKO_OK);
    assert_int_equal(second.first, 0);
    assert_kept(&k);
  }
  free(k.bytes);
  frozen_close(&s);
}

static int killed_at(void *context, const char *phase, size_t done, size_t total,
                     const char *note) {
  (void)phase, (void)total, (void)note;
  if (done == *(const size_t *)context) raise(SIGKILL);
  return 0;
}

/* Computes in a child, which kills itself at that row (ROWS + 1: not at all). */
static pid_t start(const frozen_subject *s, size_t row) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child > 0) return child;
  progress p = {.report = killed_at, .context = &row};
  features f;
  leuko_error error = {0};
  _exit(features_open(&s->request, &p, &f, &error) == LEUKO_OK ? 0 : 1);
}

static bool was_killed(pid_t child) {
  int code;
  assert_int_equal(waitpid(child, &code, 0), child);
  assert_true(WIFSIGNALED(code) || (WIFEXITED(code) && WEXITSTATUS(code) == 0));
  return WIFSIGNALED(code);
}

static void what_is_killed_goes_on_behind_the_last_mark(void **state) {
  frozen_subject s;
  open_rows(state, &s);
  kept k = undisturbed(&s);
  for (size_t row = 0; row <= ROWS; row += 7) {
    assert_true(was_killed(start(&s, row)));
    assert_false(file_exists(k.path));
    watch w = {0};
    assert_int_equal(compute(&s, &w), LEUKO_OK);
    assert_int_equal(w.first, row ? (row - 1) / 4 * 4 : 0);
    assert_kept(&k);
  }
  free(k.bytes);
  frozen_close(&s);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void killed_at_any_moment_the_bytes_are_the_same(void **state) {
  frozen_subject s;
  open_rows(state, &s);
  double started = now();
  kept k = undisturbed(&s);
  const double took = now() - started;
  rng r = rng_open(17, RNG_TEST, 0, 0);
  for (int turn = 0; turn < 8; turn++) {
    for (bool killed = true; killed;) {
      pid_t child = start(&s, ROWS + 1);
      usleep((useconds_t)(1e6 * took * 0.6 * rng_uniform(&r)));
      kill(child, SIGKILL);
      killed = was_killed(child);
      assert_false(file_exists(k.path) && file_exists(k.draft));
      if (rng_uniform(&r) < 0.2) break;
    }
    assert_int_equal(compute(&s, &(watch){0}), LEUKO_OK);
    assert_kept(&k);
  }
  free(k.bytes);
  frozen_close(&s);
}

/* The second one finds the draft locked and computes in memory. */
static void two_at_once_do_not_disturb_each_other(void **state) {
  frozen_subject s;
  open_rows(state, &s);
  kept k = undisturbed(&s);
  for (int turn = 0; turn < 4; turn++) {
    pid_t one = start(&s, turn % 2 ? 30 : ROWS + 1), two = start(&s, ROWS + 1);
    assert_int_equal(was_killed(one), turn % 2);
    assert_false(was_killed(two));
    assert_int_equal(compute(&s, &(watch){0}), LEUKO_OK);
    assert_kept(&k);
  }
  free(k.bytes);
  frozen_close(&s);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, cells_setup, cells_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(what_is_stopped_goes_on),
      IN_FOLDER(what_never_began_leaves_nothing),
      IN_FOLDER(strange_drafts_are_replaced),
      IN_FOLDER(what_is_killed_goes_on_behind_the_last_mark),
      IN_FOLDER(killed_at_any_moment_the_bytes_are_the_same),
      IN_FOLDER(two_at_once_do_not_disturb_each_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
