#include "train/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/threads.h"

/* Cells that lost their part to the limit are held out in no fold. */
static leuko_status limit_folds(const train_data_options *o, dataset *set, leuko_error *error) {
  dataset_take_fold(set, -1);
  leuko_status status = train_limit(set, o->limit, o->seed, error);
  for (size_t i = 0; i < set->count; i++)
    if (set->samples[i].part == DATASET_NONE) set->samples[i].held_out = -1;
  return status;
}

static leuko_status set_folds(const train_data_options *o, train_data *data, leuko_error *error) {
  leuko_status status = o->split ? dataset_read_folds(&data->set, o->split, &data->folds, error)
                                 : dataset_deal(&data->set, o->by, o->folds, o->seed, error);
  if (status != LEUKO_OK) return status;
  if (!o->split) data->folds = o->folds;
  if (o->folds && o->folds != data->folds)
    return error_set(error, LEUKO_ARGUMENT, o->split, "leave the number away",
                     "it holds %d folds, not %d", data->folds, o->folds);
  status = limit_folds(o, &data->set, error);
  dataset_take_fold(&data->set, 0);
  return status;
}

static leuko_status set_parts(const train_data_options *o, train_data *data, leuko_error *error) {
  if (o->split ? dataset_holds_folds(o->split) || o->folds : o->folds)
    return set_folds(o, data, error);
  if (o->split) return dataset_read_split(&data->set, o->split, error);
  double share = o->train_share > 0 ? o->train_share : SPLIT_TRAIN_SHARE;
  return dataset_split(&data->set, o->by, share, o->seed, &data->split, error);
}

static leuko_status check_leaks(const train_data_options *o, train_data *data, leuko_error *error) {
  size_t found = dataset_leaks(&data->set, &data->leaks);
  if (o->allow_leak) return LEUKO_OK;
  if (data->leaks.unknown > 0)
    return error_set(
        error, LEUKO_LEAK, o->split ? o->split : o->folder,
        "name the subjects with --subjects CSV, or pass --allow-leak",
        "the subject of %zu cells is not known, so it may be on both sides of the split",
        data->leaks.unknown);
  if (found == 0) return LEUKO_OK;
  return error_set(error, LEUKO_LEAK, o->split ? o->split : o->folder,
                   "split by subject, or pass --allow-leak to do it all the same",
                   "%zu of %zu subjects have cells on both sides of the split%s: the scores would "
                   "not hold for the next patient",
                   data->leaks.leaking, data->leaks.subjects,
                   data->leaks.twins ? ", and identical cells too" : "");
}

/* Lists the samples that take part and hashes what they are. */
static leuko_status list_samples(train_data *data, leuko_error *error) {
  const dataset *set = &data->set;
  if (!data->samples) data->samples = calloc(set->count, sizeof *data->samples);
  hash *h;
  if (!data->samples) return error_set_memory(error, set->count * sizeof *data->samples);
  data->count = 0;
  leuko_status status = hash_open(&h, error);
  if (status != LEUKO_OK) return status;
  for (size_t i = 0; i < set->count; i++) {
    const dataset_sample *s = &set->samples[i];
    if (s->part == DATASET_NONE || s->status != LEUKO_OK || s->label < 0) continue;
    data->samples[data->count++] = s;
    char line[64];
    int length = snprintf(line, sizeof line, "\t%d\t%d\n", s->label, (int)s->part);
    hash_add(h, s->path, strlen(s->path));
    hash_add(h, s->sha256, strlen(s->sha256));
    hash_add(h, line, (size_t)length);
  }
  return hash_close(h, data->fingerprint, error);
}

static leuko_status prepare(const train_data_options *o, const train_data *data, stain wanted,
                            const progress *p, prepared *out, leuko_error *error) {
  if (data->count == 0)
    return error_set(error, LEUKO_NO_DATA, o->folder, "check the folder and the split",
                     "no labelled cell takes part");
  const char **paths = calloc(data->count, sizeof *paths);
  const char **hashes = calloc(data->count, sizeof *hashes);
  leuko_status status = LEUKO_OK;
  if (!paths || !hashes) status = error_set_memory(error, data->count * sizeof *paths);
  for (size_t i = 0; status == LEUKO_OK && i < data->count; i++) {
    paths[i] = data->samples[i]->path;
    hashes[i] = data->samples[i]->sha256;
  }
  if (status == LEUKO_OK) {
    prepared_request request = {.root = data->set.root,
                                .paths = paths,
                                .sha256 = hashes,
                                .count = data->count,
                                .crop = o->crop,
                                .size = o->size,
                                .stain = wanted,
                                .threads = o->threads};
    status = prepared_open(&request, p, out, error);
  }
  free(paths);
  free(hashes);
  return status;
}

/* Sorts the samples into the two sides; every class must be trained on. */
static leuko_status divide(const train_data_options *o, train_data *data, leuko_error *error) {
  if (!data->train) data->train = calloc(data->count, sizeof *data->train);
  if (!data->test) data->test = calloc(data->count, sizeof *data->test);
  if (!data->labels) data->labels = calloc(data->count, sizeof *data->labels);
  data->train_count = data->test_count = 0;
  if (!data->train || !data->test || !data->labels)
    return error_set_memory(error, data->count * sizeof *data->train);
  size_t of_class[LEUKO_MAX_CLASSES] = {0};
  for (size_t i = 0; i < data->count; i++) {
    const dataset_sample *s = data->samples[i];
    data->labels[i] = s->label;
    if (data->pixels.status[i] != LEUKO_OK) continue;
    if (s->part == DATASET_TRAIN) {
      data->train[data->train_count++] = i;
      of_class[s->label]++;
    }
    if (s->part != DATASET_TRAIN || data->fold == TRAIN_DATA_ALL)
      data->test[data->test_count++] = i;
  }
  for (int c = 0; c < data->set.class_count; c++)
    if (of_class[c] == 0)
      return error_set(error, LEUKO_NO_DATA, o->folder, "check the folder and the split",
                       "there is no cell of class '%s' to train on", data->set.classes[c]);
  if (data->test_count == 0)
    return error_set(error, LEUKO_NO_DATA, o->folder, "check the folder and the split",
                     "there is no cell to test on");
  return LEUKO_OK;
}

static leuko_status prepare_with(const train_data_options *o, train_data *data, stain wanted,
                                 const progress *p, leuko_error *error) {
  data->stain = wanted;
  prepared_close(&data->pixels);
  return prepare(o, data, wanted, p, &data->pixels, error);
}

/* Brings all cells to the look of those to train on, which is taken from their pixels as they are.
 */
static leuko_status change_stain(const train_data_options *o, train_data *data, const progress *p,
                                 leuko_error *error) {
  if (o->stain == STAIN_AS_IS) return LEUKO_OK;
  leuko_status status = LEUKO_OK;
  if (data->stain.method != STAIN_AS_IS) status = prepare_with(o, data, (stain){0}, p, error);
  stain wanted = {.method = o->stain};
  if (status == LEUKO_OK)
    status = prepared_look(&data->pixels, data->train, data->train_count, o->threads, p,
                           &wanted.target, error);
  return status == LEUKO_OK ? prepare_with(o, data, wanted, p, error) : status;
}

leuko_status train_data_open(const train_data_options *o, const progress *p, train_data *out,
                             leuko_error *error) {
  *out = (train_data){0};
  dataset_options scan = {.positive = o->positive, .subjects = o->subjects, .threads = o->threads};
  leuko_status status = dataset_scan(o->folder, &scan, p, &out->set, error);
  if (status != LEUKO_OK) return status;
  if (o->manifest) snprintf(out->manifest, sizeof out->manifest, "%s", o->manifest);
  else if (!dataset_find_manifest(out->set.root, out->manifest, sizeof out->manifest))
    out->manifest[0] = 0;
  if (out->set.class_count < 2)
    status =
        error_set(error, LEUKO_NO_DATA, o->folder, "give a folder with a subfolder a class",
                  "the cells have no classes%s%s", out->set.remark[0] ? ": " : "", out->set.remark);
  if (status == LEUKO_OK)
    status = dataset_tie(&out->set, out->manifest[0] ? out->manifest : NULL, &out->ties, error);
  if (status == LEUKO_OK) status = set_parts(o, out, error);
  if (status == LEUKO_OK) status = check_leaks(o, out, error);
  if (status == LEUKO_OK && !out->folds) status = train_limit(&out->set, o->limit, o->seed, error);
  if (status == LEUKO_OK) status = list_samples(out, error);
  if (status == LEUKO_OK) status = prepare(o, out, (stain){0}, p, &out->pixels, error);
  if (status == LEUKO_OK) status = divide(o, out, error);
  if (status == LEUKO_OK && !out->folds) status = change_stain(o, out, p, error);
  if (status != LEUKO_OK) train_data_free(out);
  return status;
}

leuko_status train_data_take_fold(train_data *data, const train_data_options *o, int fold,
                                  const progress *p, leuko_error *error) {
  data->fold = fold;
  dataset_take_fold(&data->set, fold);
  leuko_status status = check_leaks(o, data, error);
  if (status == LEUKO_OK) status = list_samples(data, error);
  if (status == LEUKO_OK) status = divide(o, data, error);
  return status == LEUKO_OK ? change_stain(o, data, p, error) : status;
}

leuko_status train_data_measure(const train_data *data, const train_data_options *options,
                                const size_t *samples, size_t count, const progress *p, double *out,
                                leuko_error *error) {
  prepared unstained = {0};
  const prepared *pixels = &data->pixels;
  leuko_status status = LEUKO_OK;
  if (data->stain.method != STAIN_AS_IS) {
    status = prepare(options, data, (stain){0}, p, &unstained, error);
    pixels = &unstained;
  }
  const bool ready = status == LEUKO_OK;
#pragma omp parallel for num_threads(threads_count(options->threads)) schedule(dynamic, 16)
  for (size_t i = 0; i < (ready ? count : 0); i++) {
    leuko_status here = image_measure(prepared_sample(pixels, samples[i]), pixels->size,
                                      out + i * IMAGE_MEASURES, NULL);
#pragma omp critical
    if (here != LEUKO_OK) status = here;
  }
  if (ready && status != LEUKO_OK)
    error_set_memory(error, (size_t)pixels->size * (size_t)pixels->size);
  prepared_close(&unstained);
  return status;
}

void train_data_free(train_data *data) {
  prepared_close(&data->pixels);
  dataset_free(&data->set);
  free(data->samples);
  free(data->labels);
  free(data->train);
  free(data->test);
  *data = (train_data){0};
}
