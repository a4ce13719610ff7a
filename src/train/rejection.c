#include "train/rejection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sort.h"
#include "base/threads.h"

#define ENVELOPE_KEPT 0.99
#define FIRST_MARGIN 0.1 /* of each measure's range */
#define LAST_MARGIN 4

leuko_status train_rejection_list(const train_data *data, train_rejection_cells *out,
                                  leuko_error *error) {
  const size_t most = TRAIN_REJECTION_CELLS;
  *out = (train_rejection_cells){.tested = data->test_count};
  out->fitted = data->train_count < most ? data->train_count : most;
  const size_t count = out->tested + out->fitted;
  out->samples = malloc(count * sizeof *out->samples);
  if (!out->samples) return error_set_memory(error, count * sizeof *out->samples);
  memcpy(out->samples, data->test, out->tested * sizeof *out->samples);
  for (size_t i = 0; i < out->fitted; i++)
    out->samples[out->tested + i] = data->train[i * data->train_count / out->fitted];
  return LEUKO_OK;
}

void train_rejection_cells_free(train_rejection_cells *cells) {
  free(cells->samples);
  *cells = (train_rejection_cells){0};
}

static size_t inside(const image_envelope *envelope, const double *measures, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    kept += image_envelope_check(envelope, measures + i * IMAGE_MEASURES) == LEUKO_REASON_NONE;
  return kept;
}

/* The narrowest of some envelopes around the fitted cells that is wide enough for the tested ones.
 */
static leuko_status fit_envelope(const train_rejection_cells *cells, const double *measures,
                                 image_envelope *out, leuko_error *error) {
  leuko_status status = LEUKO_OK;
  size_t kept = 0;
  double margin = FIRST_MARGIN;
  while (status == LEUKO_OK && (double)kept < ENVELOPE_KEPT * (double)cells->tested &&
         margin <= LAST_MARGIN) {
    status = image_envelope_fit(measures + cells->tested * IMAGE_MEASURES, cells->fitted, margin,
                                out, error);
    if (status == LEUKO_OK) kept = inside(out, measures, cells->tested);
    margin *= 1.5;
  }
  return status;
}

/* The threshold that keeps as many of the tested cells as wanted, and what is kept with it. */
static leuko_status choose_threshold(const train_rejection_cells *cells, const double *measures,
                                     const float *rows, model_rejection *out, leuko_error *error) {
  const size_t n = cells->tested, wanted = (size_t)ceil(TRAIN_KEPT * (double)n);
  double *distances = malloc((n + 1) * sizeof *distances);
  if (!distances) return error_set_memory(error, (n + 1) * sizeof *distances);
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    if (image_envelope_check(&out->envelope, measures + i * IMAGE_MEASURES) == LEUKO_REASON_NONE)
      distances[count++] = out->distance.directions > 0
                               ? stats_distance_of(&out->distance, rows + i * out->distance.width)
                               : 0;
  sort_doubles(distances, count);
  size_t kept = count;
  if (out->distance.directions > 0 && count > 0) {
    if (wanted < count) kept = wanted;
    /* Halfway to the next, so that another machine's last digits do not matter. */
    const double last = distances[kept - 1];
    out->threshold = kept < count ? last + (distances[kept] - last) / 2 : last * 1.001;
    while (kept < count && distances[kept] <= out->threshold) kept++;
  }
  out->kept = n > 0 ? (double)kept / (double)n : 1;
  free(distances);
  return LEUKO_OK;
}

static leuko_status fit(const train_data *data, const train_rejection_cells *cells,
                        const double *measures, const float *rows, model *m, leuko_error *error) {
  model_rejection *r = &m->rejection;
  const size_t width = model_last_width(m);
  stats_distance_free(&r->distance);
  *r = (model_rejection){0};
  leuko_status status = fit_envelope(cells, measures, &r->envelope, error);
  if (status == LEUKO_NO_DATA) return LEUKO_OK;
  int *labels = malloc((cells->fitted + 1) * sizeof *labels);
  if (!labels) return error_set_memory(error, cells->fitted * sizeof *labels);
  for (size_t i = 0; i < cells->fitted; i++)
    labels[i] = data->labels[cells->samples[cells->tested + i]];
  if (status == LEUKO_OK) {
    status = stats_distance_fit(rows + cells->tested * width, labels, cells->fitted, width,
                                m->class_count, &r->distance, error);
    if (status == LEUKO_NO_DATA) status = LEUKO_OK;
  }
  free(labels);
  if (status == LEUKO_OK) status = choose_threshold(cells, measures, rows, r, error);
  r->cells = cells->fitted;
  return status;
}

leuko_status train_rejection(const train_data *data, const train_data_options *data_options,
                             const train_rejection_cells *cells, const float *rows,
                             const progress *p, model *m, leuko_reason *reasons,
                             leuko_error *error) {
  const size_t count = cells->tested + cells->fitted, width = model_last_width(m);
  double *measures = malloc(count * IMAGE_MEASURES * sizeof *measures);
  if (!measures) return error_set_memory(error, count * IMAGE_MEASURES * sizeof *measures);
  leuko_status status =
      train_data_measure(data, data_options, cells->samples, count, p, measures, error);
  if (status == LEUKO_OK) status = fit(data, cells, measures, rows, m, error);
  for (size_t i = 0; status == LEUKO_OK && i < cells->tested; i++) {
    const bool far = m->rejection.distance.directions > 0;
    reasons[i] = model_judge(&m->rejection, measures + i * IMAGE_MEASURES,
                             far ? stats_distance_of(&m->rejection.distance, rows + i * width)
                                 : (double)NAN);
  }
  free(measures);
  return status;
}

void train_rejection_adopt(const model_rejection *const *folds, size_t count,
                           model_rejection *out) {
  double threshold = 0, kept = 0;
  for (size_t f = 0; f < count; f++) {
    if (folds[f]->cells == 0 || out->cells == 0) return;
    threshold += folds[f]->threshold / (double)count;
    kept += folds[f]->kept / (double)count;
  }
  for (size_t f = 0; f < count; f++)
    for (int i = 0; i < IMAGE_MEASURES; i++) {
      out->envelope.low[i] = fmin(out->envelope.low[i], folds[f]->envelope.low[i]);
      out->envelope.high[i] = fmax(out->envelope.high[i], folds[f]->envelope.high[i]);
    }
  out->threshold = threshold;
  out->kept = kept;
}
