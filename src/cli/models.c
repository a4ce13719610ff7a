#include "cli/models.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "dataset/names.h"

static bool holds(const char *folder, const char *name) {
  char path[2048];
  return file_join(path, sizeof path, folder, name, NULL) == LEUKO_OK && file_exists(path);
}

bool models_is_input(const char *argument) {
  if (strcmp(argument, "-") == 0) return true;
  if (!file_is_folder(argument)) return names_is_image(argument);
  return !holds(argument, "best.safetensors") && !holds(argument, "run.json") &&
         !holds(argument, "folds.csv");
}

/* The networks in the box, which answer as one: the first must be there. */
static const char *const box_names[] = {"leuko.safetensors", "leuko-cnn.safetensors"};
#define BOX_MOST (sizeof box_names / sizeof *box_names)

typedef struct {
  char paths[BOX_MOST][PATH_MAX + 32];
  int count;
} box;

/* Finds the box, at most so many of it: share/leuko where the program is installed, models in its
 * source tree. stderr is told of it. Errors: NOT_FOUND, TOO_LARGE. */
static leuko_status find_box(size_t most, box *out, leuko_error *error) {
  /* As seen from the folder that the program lies in; the last for build/sanitize. */
  static const char *const places[] = {"../share/leuko", "../models", "../../models"};
  char program[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  *out = (box){0};
  if (length > 0) {
    program[length] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && out->count == 0; i++) {
      char path[PATH_MAX], folder[PATH_MAX];
      leuko_status status = file_join(path, sizeof path, program, places[i], error);
      if (status != LEUKO_OK) return status;
      if (!realpath(path, folder) || !holds(folder, box_names[0])) continue;
      for (size_t k = 0; k < most; k++)
        if (holds(folder, box_names[k]))
          snprintf(out->paths[out->count++], sizeof *out->paths, "%s/%s", folder, box_names[k]);
    }
  }
  if (out->count == 0)
    return error_set(error, LEUKO_NOT_FOUND, NULL,
                     "name a run folder or a *.safetensors file before the images; 'leuko train' "
                     "makes them",
                     "no model is named, and none came with the program");
  fprintf(stderr, "answered by %s that came along: ", out->count > 1 ? "the models" : "the model");
  for (int k = 0; k < out->count; k++) fprintf(stderr, "%s%s", k ? " and " : "", out->paths[k]);
  fputc('\n', stderr);
  return LEUKO_OK;
}

void models_add(model_list *list, const char *path, struct argp_state *state) {
  if (list->count == ENSEMBLE_MOST)
    argp_error(state, "no more than %d models answer as one", ENSEMBLE_MOST);
  list->paths[list->count++] = path;
}

/* The paths of a list, or of the box, whose strings `own` holds. */
static leuko_status find_paths(const model_list *list, box *own, const char *paths[ENSEMBLE_MOST],
                               int *count, leuko_error *error) {
  *count = list->count;
  for (int k = 0; k < list->count; k++) paths[k] = list->paths[k];
  if (list->count > 0) return LEUKO_OK;
  leuko_status status = find_box(list->one_of_box ? 1 : BOX_MOST, own, error);
  *count = own->count;
  for (int k = 0; k < own->count; k++) paths[k] = own->paths[k];
  return status;
}

leuko_status models_open(const model_list *list, const leuko_options *how, ensemble *out,
                         leuko_error *error) {
  box own;
  int count;
  const char *paths[ENSEMBLE_MOST];
  leuko_status status = find_paths(list, &own, paths, &count, error);
  return status == LEUKO_OK ? ensemble_open(paths, count, how, out, error) : status;
}

leuko_status models_open_folds(const model_list *list, const leuko_options *how, ensemble *out,
                               int *count, leuko_error *error) {
  box own;
  int files;
  const char *paths[ENSEMBLE_MOST];
  *count = 0;
  leuko_status status = find_paths(list, &own, paths, &files, error);
  return status == LEUKO_OK ? ensemble_open_folds(paths, files, how, out, count, error) : status;
}

bool models_beside(const char *from, const char *name, char *out, size_t size) {
  const int folder = file_is_folder(from) ? (int)strlen(from) : (int)(names_base(from) - from);
  int length = snprintf(out, size, "%.*s%s%s", folder, from,
                        folder == 0 || from[folder - 1] == '/' ? "" : "/", name);
  return length > 0 && (size_t)length < size && file_exists(out);
}
