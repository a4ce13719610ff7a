#include "cli/inputs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "dataset/walk.h"

static leuko_status add_input(input_list *list, const char *path, leuko_status state,
                              leuko_error *error) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    input *grown = realloc(list->items, capacity * sizeof *grown);
    if (!grown) return error_set_memory(error, capacity * sizeof *grown);
    list->items = grown;
    list->capacity = capacity;
  }
  char *copy = strdup(path);
  if (!copy) return error_set_memory(error, strlen(path));
  list->items[list->count++] = (input){copy, state};
  return LEUKO_OK;
}

static leuko_status add_below(input_list *list, const char *folder, const char *name,
                              leuko_status state, leuko_error *error) {
  char path[2048];
  leuko_status status = file_join(path, sizeof path, folder, name, error);
  return status == LEUKO_OK ? add_input(list, path, state, error) : status;
}

static leuko_status add_folder(input_list *list, const char *folder, leuko_error *error) {
  walk w;
  leuko_status status, listed = walk_open(folder, &w, error);
  if (listed != LEUKO_OK) status = add_input(list, folder, listed, error);
  else if (w.count + w.folder_count == 0) status = add_input(list, folder, LEUKO_NO_DATA, error);
  else status = LEUKO_OK;
  for (size_t i = 0; status == LEUKO_OK && i < w.count; i++)
    status = add_below(list, folder, w.files[i].path, LEUKO_OK, error);
  for (size_t i = 0; status == LEUKO_OK && i < w.folder_count; i++)
    if (w.folders[i].status != LEUKO_OK)
      status = add_below(list, folder, w.folders[i].path, w.folders[i].status, error);
  walk_free(&w);
  return status;
}

/* One path a line from stdin. */
static leuko_status add_stdin(input_list *list, leuko_error *error) {
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  leuko_status status = LEUKO_OK;
  while (status == LEUKO_OK && (length = getline(&line, &size, stdin)) > 0) {
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
    if (length > 0) status = add_input(list, line, LEUKO_OK, error);
  }
  if (status == LEUKO_OK && ferror(stdin)) status = error_set_errno(error, "-", "read");
  free(line);
  return status;
}

leuko_status inputs_collect(char **arguments, int count, input_list *list, leuko_error *error) {
  *list = (input_list){0};
  leuko_status status = LEUKO_OK;
  for (int i = 0; i < count && status == LEUKO_OK; i++) {
    if (strcmp(arguments[i], "-") == 0) status = add_stdin(list, error);
    else if (file_is_folder(arguments[i])) status = add_folder(list, arguments[i], error);
    else status = add_input(list, arguments[i], LEUKO_OK, error);
  }
  if (status == LEUKO_OK && list->count == 0)
    status = error_set(error, LEUKO_NO_DATA, NULL, "name image files", "there is no input");
  return status;
}

void inputs_free(input_list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i].path);
  free(list->items);
  *list = (input_list){0};
}

leuko_answer inputs_refusal(leuko_status status) {
  leuko_answer answer = {.status = status, .p = NAN, .p_raw = NAN, .logit = NAN, .label_index = -1};
  snprintf(answer.message, sizeof answer.message, "%s",
           status == LEUKO_NO_DATA ? "the folder holds no image" : leuko_status_message(status));
  return answer;
}

int inputs_report_refused(const input_list *list, const leuko_answer *answers) {
  size_t refused = 0;
  for (size_t i = 0; i < list->count; i++) {
    if (answers[i].status == LEUKO_OK) continue;
    refused++;
    fprintf(stderr, "leuko: %s: %s (%s)\n", list->items[i].path, answers[i].message,
            leuko_status_name(answers[i].status));
  }
  if (refused == 0) return 0;
  if (list->count > 1)
    fprintf(stderr, "leuko: %zu of %zu inputs were refused\n", refused, list->count);
  return leuko_status_exit_code(refused < list->count ? LEUKO_PARTIAL : answers[0].status);
}
