#include <math.h>

#include "net/ref/ref.h"

#define CHANNELS 16 /* of one task: a cache line of floats */

static size_t rows_of(const net_step *step) {
  return (size_t)step->batch * (size_t)step->in.h * (size_t)step->in.w;
}

size_t ref_batchnorm_workspace(const net_step *step) {
  return step->training ? 2 * (size_t)step->in.c * sizeof(double) : 0;
}

/* mean and inverse deviation of the batch for `count` channels from `first` on; moves the running
 * statistics. Two passes, since a difference of squares would lose the variance of channels with a
 * large mean. */
static void batch_statistics(const net_step *step, const net_call *call, int first, int count,
                             double *mean, double *inverse) {
  const net_attributes *a = &step->node->attributes;
  const size_t rows = rows_of(step), channels = (size_t)step->in.c;
  const double keep = (double)a->momentum;
  double sum[CHANNELS] = {0}, square[CHANNELS] = {0};
  const float *x = call->x[0] + first;
  for (size_t r = 0; r < rows; r++)
    for (int c = 0; c < count; c++) sum[c] += (double)x[r * channels + (size_t)c];
  for (int c = 0; c < count; c++) mean[c] = sum[c] / (double)rows;
  for (size_t r = 0; r < rows; r++)
    for (int c = 0; c < count; c++) {
      double off = (double)x[r * channels + (size_t)c] - mean[c];
      square[c] += off * off;
    }
  for (int c = 0; c < count; c++) {
    double variance = square[c] / (double)rows;
    float *running_mean = call->running[0] + first, *running_variance = call->running[1] + first;
    inverse[c] = 1 / sqrt(variance + (double)a->epsilon);
    running_mean[c] = (float)(keep * (double)running_mean[c] + (1 - keep) * mean[c]);
    running_variance[c] = (float)(keep * (double)running_variance[c] + (1 - keep) * variance);
  }
}

/* The same from the running statistics. */
static void fixed_statistics(const net_step *step, const net_call *call, int first, int count,
                             double *mean, double *inverse) {
  for (int c = 0; c < count; c++) {
    mean[c] = (double)call->params[2][first + c];
    inverse[c] =
        1 / sqrt((double)call->params[3][first + c] + (double)step->node->attributes.epsilon);
  }
}

void ref_batchnorm_forward(const net_step *step, const net_call *call) {
  const size_t rows = rows_of(step);
  const int channels = step->in.c;
#pragma omp parallel for num_threads(step->threads)
  for (int first = 0; first < channels; first += CHANNELS) {
    int count = channels - first < CHANNELS ? channels - first : CHANNELS;
    double mean[CHANNELS], inverse[CHANNELS];
    if (step->training) {
      batch_statistics(step, call, first, count, mean, inverse);
      double *kept = call->workspace; /* [2][C] */
      for (int c = 0; c < count; c++) {
        kept[first + c] = mean[c];
        kept[channels + first + c] = inverse[c];
      }
    } else {
      fixed_statistics(step, call, first, count, mean, inverse);
    }
    for (size_t r = 0; r < rows; r++)
      for (int c = 0; c < count; c++) {
        size_t at = r * (size_t)channels + (size_t)(first + c);
        double normal = ((double)call->x[0][at] - mean[c]) * inverse[c];
        call->y[at] = (float)(normal * (double)call->params[0][first + c] +
                              (double)call->params[1][first + c]);
      }
  }
}

/* With normal = (x - mean) inverse and M rows: dbeta = sum dy, dgamma = sum dy normal,
 * dx = gamma inverse (dy - dbeta / M - normal dgamma / M); with fixed statistics
 * dx = gamma inverse dy. */
void ref_batchnorm_backward(const net_step *step, const net_call *call) {
  const size_t rows = rows_of(step);
  const int channels = step->in.c;
#pragma omp parallel for num_threads(step->threads)
  for (int first = 0; first < channels; first += CHANNELS) {
    int count = channels - first < CHANNELS ? channels - first : CHANNELS;
    double mean[CHANNELS], inverse[CHANNELS], dgamma[CHANNELS] = {0}, dbeta[CHANNELS] = {0};
    const double *kept = call->workspace;
    if (step->training)
      for (int c = 0; c < count; c++) {
        mean[c] = kept[first + c];
        inverse[c] = kept[channels + first + c];
      }
    else fixed_statistics(step, call, first, count, mean, inverse);
    for (size_t r = 0; r < rows; r++)
      for (int c = 0; c < count; c++) {
        size_t at = r * (size_t)channels + (size_t)(first + c);
        dbeta[c] += (double)call->dy[at];
        dgamma[c] += (double)call->dy[at] * ((double)call->x[0][at] - mean[c]) * inverse[c];
      }
    for (size_t r = 0; call->dx[0] && r < rows; r++)
      for (int c = 0; c < count; c++) {
        size_t at = r * (size_t)channels + (size_t)(first + c);
        double normal = ((double)call->x[0][at] - mean[c]) * inverse[c];
        double through =
            step->training ? (dbeta[c] + normal * dgamma[c]) / (double)rows : 0; /* statistics */
        call->dx[0][at] = (float)((double)call->params[0][first + c] * inverse[c] *
                                  ((double)call->dy[at] - through));
      }
    for (int c = 0; c < count; c++) {
      if (call->grads[0]) call->grads[0][first + c] = (float)dgamma[c];
      if (call->grads[1]) call->grads[1][first + c] = (float)dbeta[c];
    }
  }
}
