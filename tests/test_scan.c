/* What a scan makes of the folders that people have. */
#include "cells.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "dataset/dataset.h"
#include "dataset/names.h"

static const dataset_sample *find(const dataset *d, const char *path) {
  for (size_t i = 0; i < d->count; i++)
    if (strcmp(d->samples[i].path, path) == 0) return &d->samples[i];
  fail_msg("%s is not listed", path);
  return NULL;
}

static dataset scan(const char *root, const dataset_options *options) {
  dataset d;
  leuko_error error = {0};
  if (dataset_scan(root, options, NULL, &d, &error) != LEUKO_OK)
    fail_msg("%s: %s", error.file, error.message);
  return d;
}

static leuko_error scan_fails(const char *root, const dataset_options *options) {
  dataset d;
  leuko_error error = {0};
  leuko_status status = dataset_scan(root, options, NULL, &d, &error);
  assert_int_not_equal(status, LEUKO_OK);
  assert_int_equal(status, error.status);
  assert_null(d.samples);
  assert_true(error.message[0] != 0);
  return error;
}

static void check_label(const dataset *d, const char *path, const char *class) {
  const dataset_sample *s = find(d, path);
  if (!class) {
    assert_int_equal(s->label, -1);
    return;
  }
  assert_true(s->label >= 0 && s->label < d->class_count);
  assert_string_equal(d->classes[s->label], class);
}

static const char numbered[] = "Patient_ID,new_names,labels\n"
                               "UID_57_29_1_all.bmp,1.bmp,1\n"
                               "UID_H49_35_1_hem.bmp,4.bmp,0\n";

static void the_official_tree_in_mixed_formats(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "training_data/fold_0/all/UID_17_1_1_all.bmp", 1);
  cells_write(root, "training_data/fold_0/hem/UID_H7_1_2_hem.png", 2);
  cells_write(root, "training_data/fold_2/hem/UID_h3_4_1_hem.tif", 3);
  cells_write(root, "training_data/fold_1/all/UID_2_1_1_all.webp", 4);
  cells_write(root, "validation_data/C-NMC_test_prelim_phase_data/1.bmp", 5);
  cells_write(root, "validation_data/C-NMC_test_prelim_phase_data/4.png", 6);
  cells_write(root, "validation_data/C-NMC_test_prelim_phase_data/9.bmp", 7);
  cells_text(root, "validation_data/C-NMC_test_prelim_phase_data_labels.csv", numbered);
  cells_write(root, "testing_data/C-NMC_test_final_phase_data/1.bmp", 8);
  cells_text(root, "README.md", "words");
  cells_text(root, ".hidden.bmp", "BM");
  cells_write(root, ".git/UID_1_1_1_all.bmp", 1);
  dataset d = scan(root, NULL);
  assert_int_equal(d.count, 8);
  assert_int_equal(d.refused, 0);
  assert_int_equal(d.ignored, 2);
  assert_true(d.official);
  assert_false(d.synthetic);
  assert_int_equal(d.class_count, 2);
  assert_string_equal(d.classes[0], "hem");
  assert_string_equal(d.classes[1], "all");
  assert_int_equal(d.positive, 1);
  check_label(&d, "training_data/fold_0/all/UID_17_1_1_all.bmp", "all");
  check_label(&d, "training_data/fold_2/hem/UID_h3_4_1_hem.tif", "hem");
  check_label(&d, "validation_data/C-NMC_test_prelim_phase_data/1.bmp", "all");
  check_label(&d, "validation_data/C-NMC_test_prelim_phase_data/4.png", "hem");
  check_label(&d, "validation_data/C-NMC_test_prelim_phase_data/9.bmp", NULL);
  check_label(&d, "testing_data/C-NMC_test_final_phase_data/1.bmp", NULL);
  const dataset_sample *small = find(&d, "training_data/fold_2/hem/UID_h3_4_1_hem.tif");
  assert_string_equal(small->subject, "H3");
  assert_int_equal(small->fold, 2);
  assert_string_equal(small->format, "tiff");
  assert_int_equal(small->width, 10);
  assert_int_equal(small->height, 10);
  assert_int_equal(strlen(small->sha256), 64);
  assert_int_equal(strlen(small->pixels), 64);
  const dataset_sample *preliminary =
      find(&d, "validation_data/C-NMC_test_prelim_phase_data/4.png");
  assert_string_equal(preliminary->subject, "H49");
  assert_true(preliminary->preliminary);
  assert_int_equal(preliminary->fold, -1);
  assert_string_equal(find(&d, "testing_data/C-NMC_test_final_phase_data/1.bmp")->subject, "");
  for (size_t i = 1; i < d.count; i++)
    assert_true(strcmp(d.samples[i - 1].path, d.samples[i].path) < 0);
  dataset_free(&d);

  /* Parts of it serve, too: the folder of the phase itself, and one folder of a class. */
  char part[PATH];
  cells_place(part, root, "validation_data/C-NMC_test_prelim_phase_data");
  d = scan(part, NULL);
  check_label(&d, "1.bmp", "all");
  assert_string_equal(find(&d, "1.bmp")->subject, "57");
  dataset_free(&d);
  cells_place(part, root, "training_data/fold_2/hem");
  d = scan(part, NULL);
  assert_int_equal(d.class_count, 2);
  check_label(&d, "UID_h3_4_1_hem.tif", "hem");
  dataset_free(&d);
}

static void equal_pixels_have_equal_hashes_in_every_format(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "a/1.bmp", 1);
  cells_write(root, "a/1.png", 1);
  cells_write(root, "a/1.tif", 1);
  cells_write(root, "a/1.webp", 1);
  cells_write(root, "a/2.png", 2);
  dataset d = scan(root, NULL);
  assert_int_equal(d.count, 5);
  for (int i = 1; i < 4; i++) {
    assert_string_equal(d.samples[0].pixels, d.samples[i].pixels);
    assert_string_not_equal(d.samples[0].sha256, d.samples[i].sha256);
  }
  assert_string_not_equal(d.samples[0].pixels, d.samples[4].pixels);
  dataset_free(&d);
}

static void any_two_folders_are_two_classes(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "train/benign/1.png", 1);
  cells_write(root, "train/malignant/2.png", 2);
  cells_write(root, "test/benign/3.png", 3);
  cells_write(root, "test/malignant/4.png", 4);
  dataset d = scan(root, NULL);
  assert_false(d.official);
  assert_int_equal(d.class_count, 2);
  assert_string_equal(d.classes[0], "benign");
  assert_string_equal(d.classes[1], "malignant");
  check_label(&d, "test/benign/3.png", "benign");
  check_label(&d, "train/malignant/2.png", "malignant");
  assert_string_equal(d.samples[0].subject, "");
  dataset_free(&d);

  d = scan(root, &(dataset_options){.positive = "benign"});
  assert_string_equal(d.classes[0], "malignant");
  assert_string_equal(d.classes[1], "benign");
  assert_int_equal(d.positive, 1);
  check_label(&d, "test/benign/3.png", "benign");
  dataset_free(&d);

  leuko_error error = scan_fails(root, &(dataset_options){.positive = "none"});
  assert_int_equal(error.status, LEUKO_ARGUMENT);
  assert_non_null(strstr(error.message, "malignant"));
}

static void all_is_positive_where_there_is_such_a_class(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "all/patient 1/1.png", 1);
  cells_write(root, "all/patient 2/1.png", 2);
  cells_write(root, "hem/patient 3/1.png", 3);
  dataset d = scan(root, NULL);
  assert_int_equal(d.class_count, 2);
  assert_string_equal(d.classes[1], "all");
  check_label(&d, "all/patient 2/1.png", "all");
  check_label(&d, "hem/patient 3/1.png", "hem");
  dataset_free(&d);
}

static void the_class_is_the_last_folder_that_differs(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "x/early/images/1.png", 1);
  cells_write(root, "x/pre/images/2.png", 2);
  cells_write(root, "x/pro/images/3.png", 3);
  cells_write(root, "4.png", 4); /* in no class folder */
  dataset d = scan(root, NULL);
  assert_int_equal(d.class_count, 3);
  assert_int_equal(d.positive, -1);
  assert_string_equal(d.classes[0], "early");
  assert_string_equal(d.classes[2], "pro");
  check_label(&d, "x/pre/images/2.png", "pre");
  check_label(&d, "4.png", NULL);
  dataset_free(&d);
  assert_int_equal(scan_fails(root, &(dataset_options){.positive = "pre"}).status, LEUKO_ARGUMENT);
}

static void a_flat_folder_is_unlabelled(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "1.png", 1);
  cells_write(root, "2.png", 2);
  dataset d = scan(root, NULL);
  assert_int_equal(d.count, 2);
  assert_int_equal(d.class_count, 0);
  check_label(&d, "1.png", NULL);
  assert_true(d.remark[0] != 0);
  dataset_free(&d);
}

static void too_many_folders_are_no_classes(void **state) {
  char root[PATH], name[32];
  cells_root(root, state);
  for (uint32_t i = 0; i <= LEUKO_MAX_CLASSES; i++) {
    snprintf(name, sizeof name, "%02u/1.png", i);
    cells_write(root, name, i);
  }
  dataset d = scan(root, NULL);
  assert_int_equal(d.count, LEUKO_MAX_CLASSES + 1);
  assert_int_equal(d.class_count, 0);
  assert_true(d.remark[0] != 0);
  dataset_free(&d);
}

static void refused_files_stay_listed_with_their_reasons(void **state) {
  char root[PATH], path[PATH];
  cells_root(root, state);
  cells_write(root, "all/UID_1_1_1_all.bmp", 1);
  cells_write(root, "hem/UID_H1_1_1_hem.bmp", 2);
  cells_text(root, "all/empty.bmp", "");
  cells_text(root, "all/garbage.png", "this is no picture");
  cells_text(root, "all/animation.gif", "GIF89a");
  cells_write(root, "all/UID_H1_1_2_hem.bmp", 3); /* contradicts its folder */
  cells_write(root, "all/short.bmp", 4);
  cells_place(path, root, "all/short.bmp");
  assert_int_equal(truncate(path, 100), 0);
  image tiny = cells_draw(4, 5);
  cells_place(path, root, "all/tiny.png");
  assert_int_equal(image_write(path, &tiny, IMAGE_PNG, NULL), LEUKO_OK);
  image_free(&tiny);
  cells_place(path, root, "hem/dangling.png");
  assert_int_equal(symlink("nowhere.png", path), 0);
  cells_place(path, root, "hem/pipe.png");
  assert_int_equal(mkfifo(path, 0600), 0);
  cells_write(root, "hem/no_extension.dat", 6); /* a picture by its first bytes */
  cells_text(root, "hem/labels.csv", "a,b\n");
  dataset d = scan(root, NULL);
  assert_int_equal(d.count, 11);
  assert_int_equal(d.refused, 8);
  assert_int_equal(d.ignored, 1);
  assert_int_equal(find(&d, "all/UID_1_1_1_all.bmp")->status, LEUKO_OK);
  assert_int_equal(find(&d, "hem/no_extension.dat")->status, LEUKO_OK);
  assert_int_equal(find(&d, "all/empty.bmp")->status, LEUKO_EMPTY);
  assert_int_equal(find(&d, "all/garbage.png")->status, LEUKO_NOT_AN_IMAGE);
  assert_int_equal(find(&d, "all/animation.gif")->status, LEUKO_NOT_AN_IMAGE);
  assert_int_equal(find(&d, "all/UID_H1_1_2_hem.bmp")->status, LEUKO_BAD_DATA);
  assert_int_equal(find(&d, "all/short.bmp")->status, LEUKO_CORRUPT_IMAGE);
  assert_int_equal(find(&d, "all/tiny.png")->status, LEUKO_TOO_SMALL);
  assert_int_equal(find(&d, "hem/dangling.png")->status, LEUKO_NOT_FOUND);
  assert_int_equal(find(&d, "hem/pipe.png")->status, LEUKO_UNREADABLE);
  assert_int_equal(strlen(find(&d, "all/garbage.png")->sha256), 64);
  assert_string_equal(find(&d, "hem/pipe.png")->sha256, "");
  dataset_free(&d);
}

static void links_are_followed_but_no_folder_is_read_twice(void **state) {
  char root[PATH], path[PATH];
  cells_root(root, state);
  cells_write(root, "b/1.png", 1);
  cells_write(root, "c/2.png", 2);
  cells_place(path, root, "b/loop");
  assert_int_equal(symlink("..", path), 0);
  cells_place(path, root, "a"); /* sorts before b, yet b keeps its own name */
  assert_int_equal(symlink("b", path), 0);
  cells_write(*state, "elsewhere/3.png", 3);
  cells_place(path, root, "d");
  assert_int_equal(symlink("../elsewhere", path), 0);
  dataset d = scan(root, NULL);
  assert_int_equal(d.count, 3);
  check_label(&d, "b/1.png", "b");
  check_label(&d, "d/3.png", "d");
  assert_int_equal(d.folder_count, 2);
  assert_string_equal(d.folders[0].path, "a");
  assert_string_equal(d.folders[1].path, "b/loop");
  assert_int_equal(d.folders[0].status, LEUKO_OK);
  dataset_free(&d);
}

static void unreadable_folders_and_files_are_named_and_the_rest_goes_on(void **state) {
  char root[PATH], folder[PATH], file[PATH];
  cells_root(root, state);
  cells_write(root, "a/1.png", 1);
  cells_write(root, "a/2.png", 1);
  cells_write(root, "b/3.png", 2);
  cells_place(folder, root, "b");
  cells_place(file, root, "a/2.png");
  assert_int_equal(chmod(*state, 0755), 0);
  assert_int_equal(chmod(folder, 0), 0);
  assert_int_equal(chmod(file, 0), 0);
  bool super = geteuid() == 0; /* who may read everything, and so becomes nobody for a moment */
  if (super) assert_int_equal(seteuid(65534), 0);
  dataset d = scan(root, NULL);
  if (super) assert_int_equal(seteuid(0), 0);
  assert_int_equal(chmod(folder, 0700), 0);
  assert_int_equal(d.count, 2);
  assert_int_equal(d.refused, 1);
  assert_int_equal(find(&d, "a/2.png")->status, LEUKO_UNREADABLE);
  assert_int_equal(d.folder_count, 1);
  assert_string_equal(d.folders[0].path, "b");
  assert_int_equal(d.folders[0].status, LEUKO_UNREADABLE);
  dataset_free(&d);
}

static void a_folder_without_images_is_no_data(void **state) {
  char root[PATH], path[PATH];
  cells_root(root, state);
  assert_int_equal(scan_fails(root, NULL).status, LEUKO_NO_DATA);
  cells_text(root, "notes.txt", "words");
  assert_int_equal(scan_fails(root, NULL).status, LEUKO_NO_DATA);
  cells_place(path, root, "missing");
  assert_int_equal(scan_fails(path, NULL).status, LEUKO_NOT_FOUND);
  cells_place(path, root, "notes.txt");
  assert_int_equal(scan_fails(path, NULL).status, LEUKO_NOT_FOUND);
}

static void a_bad_label_file_is_named_with_its_line(void **state) {
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"name,label\n1.bmp,1\n", "line 1"},
      {"Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp,0\n", "line 2"},
      {"Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp,1\nnobody,2.bmp,1\n", "line 3"},
      {"Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp,yes\n", "line 2"},
      {"Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp\n", "line 2"},
      {"Patient_ID,new_names,labels\nUID_1_1_1_all.bmp,1.bmp,1\nUID_1_1_2_all.bmp,1.bmp,1\n",
       "1.bmp"},
  };
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "C-NMC_test_prelim_phase_data/1.bmp", 1);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cells_text(root, "C-NMC_test_prelim_phase_data_labels.csv", cases[i].text);
    leuko_error error = scan_fails(root, NULL);
    assert_int_equal(error.status, LEUKO_BAD_CSV);
    assert_non_null(strstr(error.message, cases[i].says));
  }
}

static void subjects_come_from_a_file(void **state) {
  char root[PATH], path[PATH];
  cells_root(root, state);
  cells_write(root, "a/1.png", 1);
  cells_write(root, "b/2.png", 2);
  cells_write(root, "b/3.png", 3);
  cells_text(*state, "subjects.csv", "subject,path,age\nAnna,a/1.png,3\n\"B, B.\",b/2.png,4\n");
  cells_place(path, *state, "subjects.csv");
  dataset_options options = {.subjects = path};
  dataset d = scan(root, &options);
  assert_string_equal(find(&d, "a/1.png")->subject, "Anna");
  assert_string_equal(find(&d, "b/2.png")->subject, "B, B.");
  assert_string_equal(find(&d, "b/3.png")->subject, "");
  dataset_free(&d);

  static const char *const bad[] = {"path,who\na/1.png,A\n", "path,subject\nc/1.png,A\n",
                                    "path,subject\na/1.png,A\na/1.png,B\n",
                                    "path,subject\na/1.png,\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cells_text(*state, "subjects.csv", bad[i]);
    leuko_error error = scan_fails(root, &options);
    assert_int_equal(error.status, LEUKO_BAD_CSV);
    assert_non_null(strstr(error.message, "line "));
  }
}

/* Sets a file's time back, so that the index may trust it. */
static void age(const char *root, const char *name, long seconds) {
  char path[PATH];
  cells_place(path, root, name);
  struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* The only file in the folder of indices. */
static void index_file(char out[PATH], void **state) {
  char folder[PATH];
  cells_place(folder, *state, "cache/leuko/index");
  assert_int_equal(test_count(folder), 1);
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  for (struct dirent *entry; (entry = readdir(stream));)
    if (entry->d_name[0] != '.')
      assert_int_equal(file_join(out, PATH, folder, entry->d_name, NULL), LEUKO_OK);
  closedir(stream);
}

static void a_second_scan_reads_changed_files_only(void **state) {
  char root[PATH], path[PATH];
  cells_root(root, state);
  cells_write(root, "a/1,\"x\".png", 1);
  cells_write(root, "b/2.png", 2);
  cells_text(root, "b/garbage.png", "words");
  age(root, "a/1,\"x\".png", 1000);
  age(root, "b/2.png", 1000);
  age(root, "b/garbage.png", 1000);
  dataset first = scan(root, NULL), second = scan(root, NULL);
  assert_int_equal(first.indexed, 0);
  assert_int_equal(second.indexed, 3);
  for (size_t i = 0; i < first.count; i++) {
    const dataset_sample *a = &first.samples[i], *b = &second.samples[i];
    assert_string_equal(a->path, b->path);
    assert_string_equal(a->sha256, b->sha256);
    assert_string_equal(a->pixels, b->pixels);
    assert_string_equal(a->format, b->format);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->label, b->label);
  }
  dataset_free(&second);

  cells_write(root, "b/2.png", 7); /* another picture under the old name */
  second = scan(root, NULL);
  assert_int_equal(second.indexed, 2);
  assert_string_not_equal(find(&second, "b/2.png")->pixels, find(&first, "b/2.png")->pixels);
  dataset_free(&second);
  dataset_free(&first);

  index_file(path, state); /* spoilt in several ways: ignored, and made anew */
  static const char *const spoilt[] = {"", "words", "path,size\na,1\n", "\x01\x02"};
  age(root, "b/2.png", 2000);
  for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
    assert_int_equal(file_write_all(path, spoilt[i], strlen(spoilt[i]), NULL), LEUKO_OK);
    second = scan(root, NULL);
    assert_int_equal(second.indexed, 0);
    assert_int_equal(second.refused, 1);
    dataset_free(&second);
    second = scan(root, NULL);
    assert_int_equal(second.indexed, 3);
    dataset_free(&second);
  }
}

static void files_just_written_are_not_trusted(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "a/1.png", 1);
  dataset d = scan(root, NULL);
  dataset_free(&d);
  d = scan(root, NULL);
  assert_int_equal(d.indexed, 0);
  dataset_free(&d);
}

static void no_place_for_an_index_is_no_error(void **state) {
  char root[PATH], path[PATH];
  cells_root(root, state);
  cells_write(root, "a/1.png", 1);
  age(root, "a/1.png", 1000);
  cells_text(*state, "cache", "a file where the folder should be");
  dataset d = scan(root, NULL);
  assert_int_equal(d.refused, 0);
  dataset_free(&d);
  cells_place(path, *state, "cache");
  assert_int_equal(remove(path), 0);
}

static void without_pixels_nothing_is_decoded(void **state) {
  char root[PATH];
  cells_root(root, state);
  cells_write(root, "a/1.png", 1);
  cells_text(root, "a/garbage.png", "words");
  dataset d = scan(root, &(dataset_options){.skip_pixels = true});
  assert_int_equal(d.refused, 0);
  assert_int_equal(strlen(find(&d, "a/1.png")->sha256), 64);
  assert_string_equal(find(&d, "a/1.png")->pixels, "");
  dataset_free(&d);
}

static void threads_change_nothing(void **state) {
  char root[PATH], name[64];
  cells_root(root, state);
  for (uint32_t i = 0; i < 40; i++) {
    snprintf(name, sizeof name, "%s/%u.png", i % 3 ? "a" : "b", i);
    cells_write(root, name, i);
  }
  dataset one = scan(root, &(dataset_options){.threads = 1});
  dataset four = scan(root, &(dataset_options){.threads = 4});
  assert_int_equal(one.count, four.count);
  for (size_t i = 0; i < one.count; i++) {
    assert_string_equal(one.samples[i].path, four.samples[i].path);
    assert_string_equal(one.samples[i].pixels, four.samples[i].pixels);
  }
  dataset_free(&one);
  dataset_free(&four);
}

static int stop_at_once(void *context, const char *phase, size_t done, size_t total,
                        const char *note) {
  (void)context, (void)phase, (void)done, (void)total, (void)note;
  return 1;
}

static void a_scan_can_be_stopped(void **state) {
  char root[PATH];
  cells_root(root, state);
  for (uint32_t i = 0; i < 20; i++) {
    char name[32];
    snprintf(name, sizeof name, "a/%u.png", i);
    cells_write(root, name, i);
  }
  progress p = {.report = stop_at_once};
  dataset d;
  leuko_error error = {0};
  assert_int_equal(dataset_scan(root, NULL, &p, &d, &error), LEUKO_INTERRUPTED);
  assert_null(d.samples);
}

static void drawn_cells_are_marked(void **state) {
  char root[PATH], part[PATH];
  cells_root(root, state);
  cells_write(root, "training_data/fold_0/all/UID_20_1_1_all.png", 1);
  cells_write(root, "training_data/fold_0/hem/UID_H1_1_1_hem.png", 2);
  cells_text(root, "SYNTHETIC.txt", "drawn");
  dataset d = scan(root, NULL);
  assert_true(d.synthetic);
  assert_false(d.official);
  assert_string_equal(find(&d, "training_data/fold_0/all/UID_20_1_1_all.png")->subject, "20");
  dataset_free(&d);
  cells_place(part, root, "training_data");
  d = scan(part, NULL);
  assert_true(d.synthetic);
  dataset_free(&d);
}

static void cell_names_are_read_whatever_their_case(void **state) {
  (void)state;
  static const struct {
    const char *path, *subject;
    bool blast;
  } good[] = {
      {"UID_1_2_3_all.bmp", "1", true},           {"a/b/uid_h12_10_4_HEM.PNG", "H12", false},
      {"UID_H3_1_1_hem_copy.jpg", "H3", false},   {"UID_75_1_1_all (1).bmp", "75", true},
      {"UID_123456_999_999_all", "123456", true},
  };
  cell_name name;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(names_parse_cell(good[i].path, &name));
    assert_string_equal(name.subject, good[i].subject);
    assert_int_equal(name.blast, good[i].blast);
  }
  static const char *const bad[] = {"",
                                    "UID_",
                                    "UID_1_1_all.bmp",
                                    "UID_H_1_1_hem.bmp",
                                    "1.bmp",
                                    "UID_1_1_1_.bmp",
                                    "UID_1_1_1_allx.bmp",
                                    "UID_1_1_1_hemoglobin.bmp",
                                    "UID_1_1_1",
                                    "UID_x1_1_1_all",
                                    "UID__1_1_all",
                                    "UID_1_1_1_all/x.bmp",
                                    "xUID_1_1_1_all.bmp",
                                    "UID_11111111111111111111_1_1_all.bmp"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(names_parse_cell(bad[i], &name));
  assert_int_equal(names_fold("training_data/fold_2/all/x.bmp"), 2);
  assert_int_equal(names_fold("fold_1/FOLD_12/x.bmp"), 12);
  assert_int_equal(names_fold("fold_x/fold_/fold_1234/fold_3"), -1);
}

static void the_real_sample_holds_what_its_list_says(void **state) {
  (void)state;
  const char *shared = getenv("LEUKO_SHARED");
  if (!shared || !shared[0]) {
    print_message("LEUKO_SHARED is not set: no real cells\n");
    skip();
  }
  char root[PATH];
  snprintf(root, sizeof root, "%s/data/cnmc-sample", shared);
  dataset d = scan(root, NULL);
  size_t formats[2] = {0}, labelled = 0;
  for (size_t i = 0; i < d.count; i++) {
    formats[strcmp(d.samples[i].format, "jpeg") == 0]++;
    labelled += d.samples[i].label >= 0;
  }
  assert_int_equal(d.count, 360);
  assert_int_equal(d.refused, 0);
  assert_int_equal(formats[0], 96);
  assert_int_equal(formats[1], 264);
  assert_int_equal(labelled, 356);
  assert_true(d.official);
  check_label(&d, "validation_data/C-NMC_test_prelim_phase_data/1843.bmp", "all");
  dataset_free(&d);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, cells_setup, cells_teardown)
  const struct CMUnitTest tests[] = {
      IN_FOLDER(the_official_tree_in_mixed_formats),
      IN_FOLDER(equal_pixels_have_equal_hashes_in_every_format),
      IN_FOLDER(any_two_folders_are_two_classes),
      IN_FOLDER(all_is_positive_where_there_is_such_a_class),
      IN_FOLDER(the_class_is_the_last_folder_that_differs),
      IN_FOLDER(a_flat_folder_is_unlabelled),
      IN_FOLDER(too_many_folders_are_no_classes),
      IN_FOLDER(refused_files_stay_listed_with_their_reasons),
      IN_FOLDER(links_are_followed_but_no_folder_is_read_twice),
      IN_FOLDER(unreadable_folders_and_files_are_named_and_the_rest_goes_on),
      IN_FOLDER(a_folder_without_images_is_no_data),
      IN_FOLDER(a_bad_label_file_is_named_with_its_line),
      IN_FOLDER(subjects_come_from_a_file),
      IN_FOLDER(a_second_scan_reads_changed_files_only),
      IN_FOLDER(files_just_written_are_not_trusted),
      IN_FOLDER(no_place_for_an_index_is_no_error),
      IN_FOLDER(without_pixels_nothing_is_decoded),
      IN_FOLDER(threads_change_nothing),
      IN_FOLDER(a_scan_can_be_stopped),
      IN_FOLDER(drawn_cells_are_marked),
      IN_FOLDER(the_real_sample_holds_what_its_list_says),
      cmocka_unit_test(cell_names_are_read_whatever_their_case),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
