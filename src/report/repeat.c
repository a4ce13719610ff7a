#include "report/repeat.h"

#include <string.h>

#include "report/words.h"

typedef struct {
  char *out;
  size_t size;
} text;

/* A word of a command line; quoted where a shell would take it apart. */
static void add_word(const text *t, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-_./=:,+@%";
  if (word[0] && strspn(word, plain) == strlen(word)) {
    words_add(t->out, t->size, " %s", word);
    return;
  }
  words_add(t->out, t->size, " '");
  for (const char *c = word; *c; c++)
    if (*c == '\'') words_add(t->out, t->size, "'\\''");
    else words_add(t->out, t->size, "%c", *c);
  words_add(t->out, t->size, "'");
}

static void add_network(const text *t, json_t *net) {
  const char *name = json_string_value(json_object_get(net, "name"));
  words_add(t->out, t->size, " --model %s --size %lld", name ? name : "?",
            (long long)json_integer_value(json_object_get(net, "size")));
  size_t i;
  json_t *width, *widths = json_object_get(net, "widths");
  if (widths) words_add(t->out, t->size, " --widths ");
  json_array_foreach(widths, i, width) {
    words_add(t->out, t->size, "%s%lld", i ? "," : "", (long long)json_integer_value(width));
  }
  json_t *dense = json_object_get(net, "dense"), *dropout = json_object_get(net, "dropout");
  if (dense) words_add(t->out, t->size, " --dense %lld", (long long)json_integer_value(dense));
  const char *pooling = json_string_value(json_object_get(net, "pooling"));
  if (pooling) words_add(t->out, t->size, " --pooling %s", pooling);
  if (json_is_true(json_object_get(net, "normalize"))) words_add(t->out, t->size, " --normalize");
  json_t *stages = json_object_get(net, "stages");
  if (stages) words_add(t->out, t->size, " --stages %lld", (long long)json_integer_value(stages));
  if (json_number_value(dropout) > 0)
    words_add(t->out, t->size, " --dropout %g", json_number_value(dropout));
}

/* Options whose name and value stand in run.json as on the command line. */
static void add_same(const text *t, const study_run *run) {
  static const char *const same[][2] = {{"batch", "batch"},
                                        {"lr", "lr"},
                                        {"seed", "seed"},
                                        {"threads", "threads"},
                                        {"backend", "backend"},
                                        {"crop", "crop"},
                                        {"patience", "patience"},
                                        {"limit", "limit"},
                                        {"preprocess", "preprocess"},
                                        {"fine_tune", "fine-tune"},
                                        {"base_lr", "base-lr"},
                                        {"warmup", "warmup"},
                                        {"features", "features-dtype"},
                                        {"average", "average"},
                                        {"precision", "precision"},
                                        {"keep", "keep"},
                                        {"jitter", "jitter"},
                                        {"stain", "stain"}};
  static const char *const unset[] = {"crop", "patience", "limit"}; /* where they are 0 */
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    json_t *value = study_option(run, same[i][0]);
    bool left_out = !value;
    for (size_t k = 0; k < sizeof unset / sizeof *unset; k++)
      left_out |= strcmp(same[i][0], unset[k]) == 0 && json_integer_value(value) == 0;
    if (left_out) continue;
    if (json_is_string(value))
      words_add(t->out, t->size, " --%s=%s", same[i][1], json_string_value(value));
    else if (json_is_integer(value))
      words_add(t->out, t->size, " --%s=%lld", same[i][1], (long long)json_integer_value(value));
    else if (json_is_real(value))
      words_add(t->out, t->size, " --%s=%.9g", same[i][1], json_real_value(value));
  }
}

/* The networks that taught: of a cross-validation run.json names those of its first fold. */
static void add_teachers(const text *t, const study_run *run) {
  static const char fold[] = "/fold-1";
  size_t i;
  json_t *teacher;
  json_array_foreach(json_object_get(run->description, "teacher"), i, teacher) {
    char path[1024];
    snprintf(path, sizeof path, "%s", json_is_string(teacher) ? json_string_value(teacher) : "");
    const size_t length = strlen(path), end = strlen(fold);
    if (run->folds > 0 && length > end && strcmp(path + length - end, fold) == 0)
      path[length - end] = 0;
    words_add(t->out, t->size, " --teacher");
    add_word(t, path);
  }
}

bool repeat_command(const study_run *run, char *out, size_t size) {
  const text t = {out, size};
  json_t *options = json_object_get(run->description, "options");
  if (!options) return false;
  const char *folder =
      json_string_value(json_object_get(json_object_get(run->description, "cells"), "folder"));
  snprintf(out, size, "leuko train");
  add_word(&t, folder ? folder : "DIR");
  add_network(&t, json_object_get(options, "network"));
  words_add(out, size, " --split");
  char split[1100];
  snprintf(split, sizeof split, "%s/%s.csv", run->folder, run->folds > 0 ? "folds" : "split");
  add_word(&t, split);
  if (run->flow.both_sides) words_add(out, size, " --allow-leak");
  words_add(out, size, " --epochs %lld",
            (long long)json_integer_value(json_object_get(run->description, "epochs")));
  add_same(&t, run);
  if (json_object_get(options, "cosine_epochs")) words_add(out, size, " --schedule cosine");
  if (json_is_true(json_object_get(options, "augment"))) words_add(out, size, " --augment");
  if (json_is_true(json_object_get(options, "class_weights")))
    words_add(out, size, " --class-weights");
  add_teachers(&t, run);
  words_add(out, size, " --out RUN");
  return true;
}
