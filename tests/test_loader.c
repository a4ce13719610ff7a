/* The cache of prepared images, the batch loader, the drawn cells. */
#include "support.h"

#include <sys/stat.h>

#include "base/hash.h"
#include "dataset/loader.h"
#include "dataset/prepared.h"
#include "dataset/synth.h"
#include "image/resize.h"
#include "image/symmetry.h"
#include "image/write.h"

#define CELLS 7
#define SIZE 24

/* Seven small drawn cells, one of them in a broken file, and a cache folder of its own. */
static char folder[PATH], cache[PATH];
static const char *const names[CELLS] = {"0.png", "1.bmp", "2.tif", "3.webp",
                                         "4.png", "5.png", "6.png"};
#define BROKEN 5
static char hashes[CELLS][HASH_HEX];
static const char *sha256[CELLS];
static uint8_t expected[CELLS][SIZE * SIZE * 3];

static void cell_path(char out[PATH], size_t i) {
  snprintf(out, PATH, "%.900s/%s", folder, names[i]);
}

static int open_cells(void **state) {
  (void)state;
  test_folder(folder);
  test_folder(cache);
  setenv("XDG_CACHE_HOME", cache, 1);
  for (size_t i = 0; i < CELLS; i++) {
    image large, small = {90, 80, malloc(90 * 80 * 3)};
    char path[PATH];
    cell_path(path, i);
    assert_int_equal(synth_cell(3, i, i % 2, i, &large, NULL), LEUKO_OK);
    assert_int_equal(image_resize(&large, 90, 80, small.rgb, NULL), LEUKO_OK);
    image_format format = i == 1   ? IMAGE_BMP
                          : i == 2 ? IMAGE_TIFF
                          : i == 3 ? IMAGE_WEBP
                                   : IMAGE_PNG;
    assert_int_equal(image_write(path, &small, format, NULL), LEUKO_OK);
    if (i == BROKEN) assert_int_equal(truncate(path, 100), 0);
    else assert_int_equal(image_prepare(&small, 60, SIZE, expected[i], NULL), LEUKO_OK);
    assert_int_equal(hash_file(path, hashes[i], NULL), LEUKO_OK);
    sha256[i] = hashes[i];
    image_free(&large);
    image_free(&small);
  }
  return 0;
}

static int remove_cells(void **state) {
  (void)state;
  test_remove(folder);
  test_remove(cache);
  return 0;
}

/* Every test begins with an empty cache. */
static int empty_cache(void **state) {
  (void)state;
  test_remove(cache);
  assert_int_equal(mkdir(cache, 0777), 0);
  return 0;
}

static prepared_request request(void) {
  return (prepared_request){.root = folder,
                            .paths = names,
                            .sha256 = sha256,
                            .count = CELLS,
                            .crop = 60,
                            .size = SIZE,
                            .threads = 2};
}

static void open_prepared(const prepared_request *r, prepared *p) {
  leuko_error error = {0};
  if (prepared_open(r, NULL, p, &error) != LEUKO_OK) fail_msg("%s", error.message);
}

static void assert_prepared(const prepared *p) {
  assert_int_equal(p->count, CELLS);
  assert_int_equal(p->refused, 1);
  for (size_t i = 0; i < CELLS; i++) {
    assert_int_equal(p->status[i], i == BROKEN ? LEUKO_CORRUPT_IMAGE : LEUKO_OK);
    assert_memory_equal(prepared_sample(p, i), expected[i], sizeof expected[i]);
  }
}

static void the_second_opening_maps_the_same(void **state) {
  (void)state;
  prepared_request r = request();
  prepared p;
  open_prepared(&r, &p);
  assert_prepared(&p);
  assert_true(p.cache.on_disk);
  assert_false(p.cache.ready);
  char path[PATH];
  strcpy(path, p.cache.path);
  prepared_close(&p);
  assert_null(p.pixels);
  /* Even where the files are gone: their hashes name what is wanted. */
  r.root = "/nonexistent";
  open_prepared(&r, &p);
  assert_prepared(&p);
  assert_true(p.cache.ready);
  assert_string_equal(p.cache.path, path);
  prepared_close(&p);
  /* Hashes that are not known are computed. */
  r = request();
  r.sha256 = NULL;
  open_prepared(&r, &p);
  assert_prepared(&p);
  assert_true(p.cache.ready);
  prepared_close(&p);
}

static void everything_that_matters_is_in_the_key(void **state) {
  (void)state;
  char paths[5][PATH];
  const char *turned_names[CELLS], *turned_hashes[CELLS];
  for (size_t i = 0; i < CELLS; i++) {
    turned_names[i] = names[CELLS - 1 - i];
    turned_hashes[i] = sha256[CELLS - 1 - i];
  }
  for (int i = 0; i < 5; i++) {
    prepared_request r = request();
    if (i == 1) r.crop = 0;
    if (i == 2) r.size = SIZE + 1;
    if (i == 3) r.count--;
    if (i == 4) {
      r.paths = turned_names;
      r.sha256 = turned_hashes;
    }
    prepared p;
    open_prepared(&r, &p);
    assert_false(p.cache.ready);
    strcpy(paths[i], p.cache.path);
    if (i == 4) assert_memory_equal(prepared_sample(&p, 0), expected[CELLS - 1], SIZE * SIZE * 3);
    prepared_close(&p);
    for (int k = 0; k < i; k++) assert_string_not_equal(paths[i], paths[k]);
  }
}

static void a_damaged_cache_file_is_made_anew(void **state) {
  (void)state;
  prepared_request r = request();
  prepared p;
  open_prepared(&r, &p);
  char path[PATH];
  strcpy(path, p.cache.path);
  const size_t bytes = 4096 + p.cache.bytes;
  prepared_close(&p);
  for (int damage = 0; damage < 5; damage++) {
    if (damage == 0) assert_int_equal(truncate(path, (off_t)bytes - 1), 0);
    if (damage == 1) assert_int_equal(truncate(path, 10), 0);
    if (damage >= 2) { /* header, status, pixel */
      const long at[] = {3, 4096, (long)bytes - 7};
      FILE *file = fopen(path, "r+b");
      assert_non_null(file);
      fseek(file, at[damage - 2], SEEK_SET);
      fputc(0x5a, file);
      fclose(file);
    }
    open_prepared(&r, &p);
    assert_false(p.cache.ready);
    assert_true(p.cache.on_disk);
    assert_prepared(&p);
    prepared_close(&p);
    open_prepared(&r, &p);
    assert_true(p.cache.ready);
    prepared_close(&p);
  }
  /* What a killed process left is used up, and nothing but the file stays. */
  char draft[PATH + 8], inside[PATH];
  snprintf(draft, sizeof draft, "%s.tmp", path);
  assert_int_equal(rename(path, draft), 0);
  open_prepared(&r, &p);
  assert_true(p.cache.on_disk);
  assert_prepared(&p);
  prepared_close(&p);
  snprintf(inside, sizeof inside, "%.900s/leuko/prepared", cache);
  assert_int_equal(test_count(inside), 1);
}

static void without_a_cache_folder_memory_serves(void **state) {
  (void)state;
  char file[PATH];
  test_write(file, cache, "file", "", 0);
  setenv("XDG_CACHE_HOME", file, 1); /* a file: no folder can be made in it, not even by root */
  prepared_request r = request();
  prepared p;
  open_prepared(&r, &p);
  setenv("XDG_CACHE_HOME", cache, 1);
  assert_prepared(&p);
  assert_false(p.cache.on_disk);
  assert_string_equal(p.cache.path, "");
  prepared_close(&p);
}

static void files_that_changed_are_refused_and_not_kept(void **state) {
  (void)state;
  const char *other[CELLS];
  memcpy(other, sha256, sizeof other);
  other[2] = sha256[3];
  const char *gone[CELLS];
  memcpy(gone, names, sizeof gone);
  gone[4] = "gone.png";
  prepared_request r = request();
  r.sha256 = other;
  r.paths = gone;
  prepared p;
  open_prepared(&r, &p);
  assert_int_equal(p.status[2], LEUKO_BAD_DATA);
  assert_int_equal(p.status[4], LEUKO_NOT_FOUND);
  assert_int_equal(p.refused, 3);
  assert_false(p.cache.on_disk);
  static const uint8_t black[SIZE * SIZE * 3];
  assert_memory_equal(prepared_sample(&p, 2), black, sizeof black);
  assert_memory_equal(prepared_sample(&p, 3), expected[3], sizeof black);
  prepared_close(&p);
  char inside[PATH];
  snprintf(inside, sizeof inside, "%.900s/leuko/prepared", cache);
  assert_int_equal(test_count(inside), 0);
}

static int stop_at(void *context, const char *phase, size_t done, size_t total, const char *note) {
  (void)phase;
  (void)note;
  assert_true(done <= total);
  return done >= *(size_t *)context;
}

static void preparing_can_be_interrupted(void **state) {
  (void)state;
  size_t limit = 2;
  const progress report = {stop_at, &limit};
  prepared_request r = request();
  r.threads = 1;
  prepared p;
  leuko_error error = {0};
  assert_int_equal(prepared_open(&r, &report, &p, &error), LEUKO_INTERRUPTED);
  assert_null(p.pixels);
  char inside[PATH];
  snprintf(inside, sizeof inside, "%.900s/leuko/prepared", cache);
  assert_int_equal(test_count(inside), 0);
  r.count = 0;
  assert_int_equal(prepared_open(&r, NULL, &p, &error), LEUKO_NO_DATA);
  r = request();
  r.size = 0;
  assert_int_equal(prepared_open(&r, NULL, &p, &error), LEUKO_ARGUMENT);
  r.size = 65536;
  r.count = SIZE_MAX / 4;
  assert_int_equal(prepared_open(&r, NULL, &p, &error), LEUKO_TOO_LARGE);
}

#define ORDER 23
#define BATCH 4

/* Pixels that tell sample and place apart. */
static uint8_t *make_pixels(void) {
  uint8_t *pixels = malloc(ORDER * SIZE * SIZE * 3);
  assert_non_null(pixels);
  for (size_t i = 0; i < ORDER * SIZE * SIZE * 3; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 13);
  return pixels;
}

static loader_options options(const uint8_t *pixels, const size_t *order, bool augment) {
  return (loader_options){.pixels = pixels,
                          .size = SIZE,
                          .samples = order,
                          .count = ORDER,
                          .batch = BATCH,
                          .augment = augment,
                          .seed = 77,
                          .epoch = 5};
}

static void batches_are_what_direct_computation_gives(void **state) {
  (void)state;
  uint8_t *pixels = make_pixels(), wanted[SIZE * SIZE * 3];
  size_t order[ORDER], kept[ORDER];
  for (size_t i = 0; i < ORDER; i++) kept[i] = order[i] = i * 5 % ORDER;
  for (int run = 0; run < 8; run++) {
    const bool augment = run % 2;
    loader_options o = options(pixels, order, augment);
    o.jitter = run > 5 ? 0.3 : 0;
    loader *l;
    loader_batch batch;
    assert_int_equal(loader_open(&o, &l, NULL), LEUKO_OK);
    memset(order, 0xff, sizeof order); /* it has its own copy */
    size_t seen = 0;
    while (loader_next(l, &batch)) {
      assert_int_equal(batch.count, ORDER - seen < BATCH ? ORDER - seen : BATCH);
      if (run > 3) usleep(2000); /* a slow consumer's batch is not written over */
      for (size_t i = 0; i < batch.count; i++, seen++) {
        const size_t sample = kept[seen];
        assert_int_equal(batch.samples[i], sample);
        int which = augment ? loader_symmetry(77, 5, sample) : 0;
        image_symmetry(pixels + sample * sizeof wanted, SIZE, which, wanted);
        image_jitter jitter = loader_jitter(77, 5, sample, o.jitter);
        image_jitter_apply(&jitter, SIZE * SIZE, wanted);
        assert_memory_equal(batch.pixels + i * sizeof wanted, wanted, sizeof wanted);
      }
    }
    assert_int_equal(seen, ORDER);
    assert_false(loader_next(l, &batch));
    loader_close(l);
    memcpy(order, kept, sizeof order);
  }
  free(pixels);
}

static void symmetries_vary_with_epoch_and_sample(void **state) {
  (void)state;
  int hits[IMAGE_SYMMETRIES] = {0};
  int same = 0;
  for (size_t i = 0; i < 8000; i++) {
    int which = loader_symmetry(1, 0, i);
    assert_in_range(which, 0, IMAGE_SYMMETRIES - 1);
    assert_int_equal(which, loader_symmetry(1, 0, i));
    hits[which]++;
    same += which == loader_symmetry(1, 1, i);
  }
  for (int i = 0; i < IMAGE_SYMMETRIES; i++) assert_in_range(hits[i], 850, 1150);
  assert_in_range(same, 850, 1150);
}

static void an_epoch_can_be_left_at_any_point(void **state) {
  (void)state;
  uint8_t *pixels = make_pixels();
  size_t order[ORDER];
  for (size_t i = 0; i < ORDER; i++) order[i] = i;
  for (int taken = 0; taken <= ORDER / BATCH + 1; taken++) {
    loader_options o = options(pixels, order, true);
    loader *l;
    loader_batch batch;
    assert_int_equal(loader_open(&o, &l, NULL), LEUKO_OK);
    for (int i = 0; i < taken; i++) assert_true(loader_next(l, &batch));
    loader_close(l);
  }
  loader_options o = options(pixels, order, true);
  o.count = 0;
  loader *l;
  loader_batch batch;
  assert_int_equal(loader_open(&o, &l, NULL), LEUKO_OK);
  assert_false(loader_next(l, &batch));
  loader_close(l);
  loader_close(NULL);
  o.batch = 0;
  assert_int_equal(loader_open(&o, &l, NULL), LEUKO_ARGUMENT);
  o = options(pixels, order, true);
  o.jitter = 0.6;
  assert_int_equal(loader_open(&o, &l, NULL), LEUKO_ARGUMENT);
  o.jitter = 0;
  o.batch = SIZE_MAX / 2;
  assert_int_equal(loader_open(&o, &l, NULL), LEUKO_TOO_LARGE);
  free(pixels);
}

static size_t count_cells(const char *tree, char seen[2][3][PATH]) {
  size_t total = 0;
  for (int fold = 0; fold < 3; fold++)
    for (int blast = 0; blast < 2; blast++) {
      char path[PATH];
      const char *label = blast ? "all" : "hem";
      snprintf(path, sizeof path, "%.900s/training_data/fold_%d/%s", tree, fold, label);
      DIR *stream = opendir(path);
      assert_non_null(stream);
      seen[blast][fold][0] = 0;
      for (struct dirent *entry; (entry = readdir(stream));) {
        if (entry->d_name[0] == '.') continue;
        int subject, picture, number, end = 0;
        const char *form = blast ? "UID_%d_%d_%d_all.png%n" : "UID_H%d_%d_%d_hem.png%n";
        assert_int_equal(sscanf(entry->d_name, form, &subject, &picture, &number, &end), 3);
        assert_int_equal((size_t)end, strlen(entry->d_name));
        char mark[16];
        snprintf(mark, sizeof mark, "<%d>", subject);
        if (!strstr(seen[blast][fold], mark)) strcat(seen[blast][fold], mark);
        total++;
      }
      closedir(stream);
    }
  return total;
}

static void drawn_cells_make_a_tree(void **state) {
  (void)state;
  char tree[PATH], path[PATH];
  static char seen[2][3][PATH];
  snprintf(tree, sizeof tree, "%.900s/drawn", folder);
  leuko_error error = {0};
  assert_int_equal(dataset_synth(tree, 60, 9, NULL, &error), LEUKO_OK);
  assert_int_equal(count_cells(tree, seen), 60);
  int subjects = 0;
  for (int blast = 0; blast < 2; blast++)
    for (int fold = 0; fold < 3; fold++)
      for (char *mark = seen[blast][fold]; *mark; mark = strchr(mark, '>') + 1) {
        char one[16];
        snprintf(one, sizeof one, "%.*s", (int)(strchr(mark, '>') - mark + 1), mark);
        for (int other = 0; other < 3; other++)
          if (other != fold) assert_null(strstr(seen[blast][other], one));
        subjects++;
      }
  assert_true(subjects >= 12);
  char *text = test_read(tree, "SYNTHETIC.txt");
  assert_non_null(strstr(text, "DRAWN, NOT REAL"));
  free(text);
  /* Cells are black outside and the same each time. */
  image first, again;
  snprintf(path, sizeof path, "%.900s/training_data/fold_0/all/UID_1_1_1_all.png", tree);
  assert_int_equal(image_read(path, &first, NULL, NULL), LEUKO_OK);
  assert_int_equal(first.width, SYNTH_SIDE);
  assert_int_equal(first.rgb[0] + first.rgb[1] + first.rgb[2], 0);
  assert_int_equal(synth_cell(9, 24, 1, 9, &again, NULL), LEUKO_OK);
  assert_memory_equal(first.rgb, again.rgb, SYNTH_SIDE * SYNTH_SIDE * 3);
  image_free(&first);
  image_free(&again);

  assert_int_equal(dataset_synth(tree, 60, 9, NULL, &error), LEUKO_ARGUMENT);
  snprintf(tree, sizeof tree, "%.900s/other", folder);
  assert_int_equal(dataset_synth(tree, 1, 9, NULL, &error), LEUKO_ARGUMENT);
  size_t limit = 3;
  const progress report = {stop_at, &limit};
  assert_int_equal(dataset_synth(tree, 60, 9, &report, &error), LEUKO_INTERRUPTED);
  assert_int_equal(test_count(tree), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_second_opening_maps_the_same, empty_cache),
      cmocka_unit_test_setup(everything_that_matters_is_in_the_key, empty_cache),
      cmocka_unit_test_setup(a_damaged_cache_file_is_made_anew, empty_cache),
      cmocka_unit_test_setup(without_a_cache_folder_memory_serves, empty_cache),
      cmocka_unit_test_setup(files_that_changed_are_refused_and_not_kept, empty_cache),
      cmocka_unit_test_setup(preparing_can_be_interrupted, empty_cache),
      cmocka_unit_test(batches_are_what_direct_computation_gives),
      cmocka_unit_test(symmetries_vary_with_epoch_and_sample),
      cmocka_unit_test(an_epoch_can_be_left_at_any_point),
      cmocka_unit_test(drawn_cells_make_a_tree),
  };
  return cmocka_run_group_tests(tests, open_cells, remove_cells);
}
