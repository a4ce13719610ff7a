#include "net/ref/ref.h"

#define CHANNELS 16 /* of one task: a cache line of floats */

void ref_add_products(int count, const float *const source[], double *const sum[], int in, int out,
                      const float *rows) {
  for (int i = 0; i < in; i++) {
    const float *restrict row = rows + (size_t)i * (size_t)out;
    for (int p = 0; p < count; p++) {
      double value = (double)source[p][i];
      double *restrict to = sum[p];
      for (int o = 0; o < out; o++) to[o] += value * (double)row[o];
    }
  }
}

void ref_sum_channels(const float *x, size_t rows, int channels, float *sums, int threads) {
#pragma omp parallel for num_threads(threads)
  for (int first = 0; first < channels; first += CHANNELS) {
    int count = channels - first < CHANNELS ? channels - first : CHANNELS;
    double sum[CHANNELS] = {0};
    for (size_t row = 0; row < rows; row++)
      for (int c = 0; c < count; c++)
        sum[c] += (double)x[row * (size_t)channels + (size_t)(first + c)];
    for (int c = 0; c < count; c++) sums[first + c] = (float)sum[c];
  }
}

void ref_clamp(float *y, size_t count, int threads) {
#pragma omp parallel for num_threads(threads)
  for (size_t i = 0; i < count; i++) y[i] = y[i] < 0 ? 0 : y[i];
}

void ref_mask(float *dy, const float *y, size_t count, int threads) {
#pragma omp parallel for num_threads(threads)
  for (size_t i = 0; i < count; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
}
