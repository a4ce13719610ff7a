#include "dataset/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "dataset/names.h"

typedef struct {
  dev_t device;
  ino_t inode;
} folder_id;

typedef struct {
  char **paths;
  size_t count, capacity;
} path_list;

typedef struct {
  const char *root;
  walk *out;
  size_t file_capacity, folder_capacity;
  folder_id *entered;
  size_t entered_count, entered_capacity;
  path_list pending; /* folders */
  path_list links;   /* links to folders: entered last, so that a folder's own name is preferred */
} walker;

/* Makes room for one more item in the array *items, whose items have `size` bytes. */
static leuko_status make_room(void *items, size_t size, size_t count, size_t *capacity,
                              leuko_error *error) {
  if (count < *capacity) return LEUKO_OK;
  size_t wanted = *capacity ? 2 * *capacity : 64;
  void *old, *grown;
  memcpy(&old, items, sizeof old);
  grown = realloc(old, wanted * size);
  if (!grown) return error_set_memory(error, wanted * size);
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return LEUKO_OK;
}

static char *copy_text(const char *text, leuko_error *error) {
  char *copy = strdup(text);
  if (!copy) error_set_memory(error, strlen(text) + 1);
  return copy;
}

static leuko_status push_path(path_list *list, const char *path, leuko_error *error) {
  leuko_status status =
      make_room(&list->paths, sizeof *list->paths, list->count, &list->capacity, error);
  if (status != LEUKO_OK) return status;
  char *copy = copy_text(path, error);
  if (!copy) return LEUKO_NO_MEMORY;
  list->paths[list->count++] = copy;
  return LEUKO_OK;
}

static void free_paths(path_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
  free(list->paths);
}

static leuko_status refuse_folder(walker *w, const char *path, leuko_status why,
                                  leuko_error *error) {
  leuko_status status = make_room(&w->out->folders, sizeof *w->out->folders, w->out->folder_count,
                                  &w->folder_capacity, error);
  if (status != LEUKO_OK) return status;
  char *copy = copy_text(path, error);
  if (!copy) return LEUKO_NO_MEMORY;
  w->out->folders[w->out->folder_count++] = (dataset_folder){copy, why};
  return LEUKO_OK;
}

/* True the first time that a folder is seen. */
static leuko_status enter_once(walker *w, const struct stat *info, bool *first,
                               leuko_error *error) {
  *first = false;
  for (size_t i = 0; i < w->entered_count; i++)
    if (w->entered[i].inode == info->st_ino && w->entered[i].device == info->st_dev)
      return LEUKO_OK;
  leuko_status status =
      make_room(&w->entered, sizeof *w->entered, w->entered_count, &w->entered_capacity, error);
  if (status != LEUKO_OK) return status;
  w->entered[w->entered_count++] = (folder_id){info->st_dev, info->st_ino};
  *first = true;
  return LEUKO_OK;
}

const char *walk_format(const uint8_t *bytes, size_t size) {
  if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
    return "webp";
  if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return "png";
  if (size >= 4 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0))
    return "tiff";
  if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) return "jpeg";
  /* Two letters are not much: a BMP's four reserved bytes are zero, too. */
  if (size >= 10 && memcmp(bytes, "BM", 2) == 0 && memcmp(bytes + 6, "\0\0\0\0", 4) == 0)
    return "bmp";
  return "";
}

static bool begins_like_image(int folder, const char *name) {
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  uint8_t head[16];
  ssize_t got = read(fd, head, sizeof head);
  close(fd);
  return got > 0 && walk_format(head, (size_t)got)[0] != 0;
}

static leuko_status add_file(walker *w, const char *path, const struct stat *info, leuko_status why,
                             leuko_error *error) {
  leuko_status status =
      make_room(&w->out->files, sizeof *w->out->files, w->out->count, &w->file_capacity, error);
  if (status != LEUKO_OK) return status;
  char *copy = copy_text(path, error);
  if (!copy) return LEUKO_NO_MEMORY;
  walk_file file = {.path = copy, .status = why};
  if (why == LEUKO_OK) {
    file.size = (uint64_t)info->st_size;
    file.inode = info->st_ino;
    file.mtime_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    file.ctime_ns = (int64_t)info->st_ctim.tv_sec * 1000000000 + info->st_ctim.tv_nsec;
  }
  w->out->files[w->out->count++] = file;
  return LEUKO_OK;
}

static leuko_status add_entry(walker *w, int folder, const char *path, const char *name,
                              leuko_error *error) {
  struct stat info;
  if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (!names_is_image(name)) return LEUKO_OK; /* gone since the folder was read */
    return add_file(w, path, NULL, error_from_errno(errno), error);
  }
  bool link = S_ISLNK(info.st_mode);
  if (link && fstatat(folder, name, &info, 0) != 0) {
    if (names_is_image(name)) return add_file(w, path, NULL, error_from_errno(errno), error);
    w->out->ignored++;
    return LEUKO_OK;
  }
  if (S_ISDIR(info.st_mode)) return push_path(link ? &w->links : &w->pending, path, error);
  if (names_is_image(name) || (S_ISREG(info.st_mode) && begins_like_image(folder, name)))
    return add_file(w, path, &info, LEUKO_OK, error);
  w->out->ignored++;
  return LEUKO_OK;
}

/* Lists one folder; `path` is relative to the root, "" for the root itself. */
static leuko_status enter(walker *w, const char *path, leuko_error *error) {
  char full[PATH_MAX], child[PATH_MAX];
  if (snprintf(full, sizeof full, "%s/%s", w->root, path) >= (int)sizeof full)
    return refuse_folder(w, path, LEUKO_TOO_LARGE, error);
  int fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat info;
  DIR *folder = NULL;
  if (fd >= 0 && fstat(fd, &info) == 0) folder = fdopendir(fd);
  if (!folder) {
    leuko_status why = error_from_errno(errno);
    if (fd >= 0) close(fd);
    if (!path[0]) return error_set_errno(error, w->root, "open the folder");
    return refuse_folder(w, path, why, error);
  }
  bool first;
  leuko_status status = enter_once(w, &info, &first, error);
  if (status == LEUKO_OK && !first) status = refuse_folder(w, path, LEUKO_OK, error);
  while (status == LEUKO_OK && first) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    if (!entry) {
      if (errno) status = refuse_folder(w, path, error_from_errno(errno), error);
      break;
    }
    if (entry->d_name[0] == '.') continue;
    const char *slash = path[0] ? "/" : "";
    if (snprintf(child, sizeof child, "%s%s%s", path, slash, entry->d_name) >= (int)sizeof child)
      status = refuse_folder(w, path, LEUKO_TOO_LARGE, error);
    else status = add_entry(w, dirfd(folder), child, entry->d_name, error);
  }
  closedir(folder);
  return status;
}

static int compare_paths(const void *a, const void *b) {
  const char *left, *right; /* both walk_file and dataset_folder begin with their path */
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return strcmp(left, right);
}

/* Takes the next folder: an own one if there is any, else the first link by name. */
static char *next_folder(walker *w) {
  if (w->pending.count) return w->pending.paths[--w->pending.count];
  if (!w->links.count) return NULL;
  size_t first = 0;
  for (size_t i = 1; i < w->links.count; i++)
    if (strcmp(w->links.paths[i], w->links.paths[first]) < 0) first = i;
  char *path = w->links.paths[first];
  w->links.paths[first] = w->links.paths[--w->links.count];
  return path;
}

leuko_status walk_open(const char *root, walk *out, leuko_error *error) {
  *out = (walk){0};
  walker w = {.root = root, .out = out};
  leuko_status status = enter(&w, "", error);
  while (status == LEUKO_OK) {
    char *path = next_folder(&w);
    if (!path) break;
    status = enter(&w, path, error);
    free(path);
  }
  free_paths(&w.pending);
  free_paths(&w.links);
  free(w.entered);
  if (status == LEUKO_OK && out->count)
    qsort(out->files, out->count, sizeof *out->files, compare_paths);
  if (status == LEUKO_OK && out->folder_count)
    qsort(out->folders, out->folder_count, sizeof *out->folders, compare_paths);
  return status;
}

void walk_free(walk *w) {
  for (size_t i = 0; i < w->count; i++) free(w->files[i].path);
  for (size_t i = 0; i < w->folder_count; i++) free(w->folders[i].path);
  free(w->files);
  free(w->folders);
  *w = (walk){0};
}
