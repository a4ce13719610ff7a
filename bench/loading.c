/* How fast images are read: decoding and resizing on one thread, over the files given or found in
 * the folders given (not deeper).
 *
 *     build/bench/loading [SIZE] FOLDER|FILE...
 *
 * Every file is read once before the clock runs, so that the disk is not measured. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "image/resize.h"

typedef struct {
  char **items;
  size_t count;
} path_list;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add(path_list *list, const char *path) {
  list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
  if (!list->items || !(list->items[list->count++] = strdup(path))) exit(1);
}

static void add_folder(path_list *list, const char *folder) {
  DIR *stream = opendir(folder);
  for (struct dirent *entry; stream && (entry = readdir(stream));) {
    char path[1024];
    if (entry->d_name[0] != '.' &&
        file_join(path, sizeof path, folder, entry->d_name, NULL) == LEUKO_OK &&
        !file_is_folder(path))
      add(list, path);
  }
  if (stream) closedir(stream);
}

int main(int argc, char **argv) {
  int first = 1, size = 128;
  if (argc > 1 && atoi(argv[1]) > 0) size = atoi(argv[first++]);
  path_list list = {0};
  for (int i = first; i < argc; i++) {
    if (file_is_folder(argv[i])) add_folder(&list, argv[i]);
    else add(&list, argv[i]);
  }
  uint8_t *small = malloc((size_t)size * (size_t)size * 3);
  if (!list.count || !small) {
    fprintf(stderr, "usage: loading [SIZE] FOLDER|FILE...\n");
    return 2;
  }
  double decoding = 0, resizing = 0, pixels = 0;
  size_t done = 0;
  for (size_t i = 0; i < list.count; i++) {
    char sha256[65];
    image picture;
    if (image_read(list.items[i], &picture, sha256, NULL) != LEUKO_OK) continue;
    image_free(&picture);
    double start = now();
    if (image_read(list.items[i], &picture, sha256, NULL) != LEUKO_OK) continue;
    double decoded = now();
    if (image_prepare(&picture, 0, size, small, NULL) != LEUKO_OK) return 1;
    resizing += now() - decoded;
    decoding += decoded - start;
    pixels += (double)picture.width * picture.height;
    image_free(&picture);
    done++;
  }
  printf("%zu of %zu files read, %.0f pixels each on average, to %d x %d\n", done, list.count,
         done ? pixels / (double)done : 0, size, size);
  if (done)
    printf("read, hash and decode %7.0f images/s (%.2f ms)\nresize                %7.0f images/s "
           "(%.2f ms)\ntogether              %7.0f images/s (%.2f ms)\n",
           (double)done / decoding, decoding / (double)done * 1e3, (double)done / resizing,
           resizing / (double)done * 1e3, (double)done / (decoding + resizing),
           (decoding + resizing) / (double)done * 1e3);
  for (size_t i = 0; i < list.count; i++) free(list.items[i]);
  free(list.items);
  free(small);
}
