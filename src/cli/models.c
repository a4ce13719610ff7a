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

leuko_status models_box(char *out, size_t size, leuko_error *error) {
  /* As seen from the folder that the program lies in; the last for build/sanitize. */
  static const char *const places[] = {"../share/leuko/leuko.safetensors",
                                       "../models/leuko.safetensors",
                                       "../../models/leuko.safetensors"};
  char program[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length > 0) {
    program[length] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      char path[PATH_MAX], resolved[PATH_MAX];
      leuko_status status = file_join(path, sizeof path, program, places[i], error);
      if (status != LEUKO_OK) return status;
      if (!realpath(path, resolved)) continue;
      if (strlen(resolved) >= size)
        return error_set(error, LEUKO_TOO_LARGE, NULL, NULL, "the model's path is too long");
      strcpy(out, resolved);
      fprintf(stderr, "answered by the model that came along: %s\n", out);
      return LEUKO_OK;
    }
  }
  return error_set(error, LEUKO_NOT_FOUND, NULL,
                   "name a run folder or a *.safetensors file before the images; 'leuko train' "
                   "makes them",
                   "no model is named, and none came with the program");
}

void models_add(model_list *list, const char *path, struct argp_state *state) {
  if (list->count == ENSEMBLE_MOST)
    argp_error(state, "no more than %d models answer as one", ENSEMBLE_MOST);
  list->paths[list->count++] = path;
}

leuko_status models_open(const model_list *list, const leuko_options *how, ensemble *out,
                         leuko_error *error) {
  if (list->count > 0) return ensemble_open(list->paths, list->count, how, out, error);
  char path[1024];
  leuko_status status = models_box(path, sizeof path, error);
  if (status != LEUKO_OK) return status;
  const char *paths[] = {path};
  return ensemble_open(paths, 1, how, out, error);
}
