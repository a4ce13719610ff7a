#include "image/corrupt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "image/jitter.h"
#include "image/lab.h"
#include "image/mask.h"
#include "image/write.h"

static const image_corruption_kind kinds[IMAGE_CORRUPTIONS] = {
#define IMAGE_CORRUPTION_KIND(name, text, unit, ...) {text, unit, {__VA_ARGS__}},
    IMAGE_CORRUPTION_MAP(IMAGE_CORRUPTION_KIND)
#undef IMAGE_CORRUPTION_KIND
};

const image_corruption_kind *image_corruption_of(image_corruption which) {
  return &kinds[which];
}

static uint8_t to_byte(double value) {
  return (uint8_t)(value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5);
}

/* Channel c at a pixel, black outside. */
static double pixel_at(const image *in, int x, int y, int c) {
  if (x < 0 || y < 0 || x >= in->width || y >= in->height) return 0;
  return in->rgb[((size_t)y * (size_t)in->width + (size_t)x) * 3 + (size_t)c];
}

/* Turned by an angle and scaled about the centre. */
static void turn(const image *in, double degrees, double scale, uint8_t *out) {
  const double c = cos(degrees * M_PI / 180) / scale, s = sin(degrees * M_PI / 180) / scale;
  const double middle_x = (in->width - 1) / 2.0, middle_y = (in->height - 1) / 2.0;
  for (int y = 0; y < in->height; y++)
    for (int x = 0; x < in->width; x++) {
      const double dx = x - middle_x, dy = y - middle_y;
      const double fx = middle_x + c * dx + s * dy, fy = middle_y - s * dx + c * dy;
      const int x0 = (int)floor(fx), y0 = (int)floor(fy);
      const double u = fx - x0, v = fy - y0;
      for (int k = 0; k < 3; k++)
        *out++ = to_byte(
            (1 - v) * ((1 - u) * pixel_at(in, x0, y0, k) + u * pixel_at(in, x0 + 1, y0, k)) +
            v * ((1 - u) * pixel_at(in, x0, y0 + 1, k) + u * pixel_at(in, x0 + 1, y0 + 1, k)));
    }
}

/* Sums along one axis: `length` pixels, `step` values apart; the border's pixel goes on beyond it.
 */
static void blur_line(const float *in, float *out, int length, size_t step, const float *weights,
                      int radius) {
  for (int i = 0; i < length; i++) {
    float sum = 0;
    for (int k = -radius; k <= radius; k++) {
      const int at = i + k < 0 ? 0 : i + k >= length ? length - 1 : i + k;
      sum += weights[k + radius] * in[(size_t)at * step];
    }
    out[(size_t)i * step] = sum;
  }
}

static leuko_status blur(const image *in, double sigma, uint8_t *out, leuko_error *error) {
  const size_t width = (size_t)in->width, height = (size_t)in->height, all = 3 * width * height;
  const int radius = (int)ceil(3 * sigma);
  float *first = malloc(all * sizeof *first), *second = malloc(all * sizeof *second);
  float *weights = malloc((2 * (size_t)radius + 1) * sizeof *weights);
  leuko_status status = LEUKO_OK;
  if (!first || !second || !weights) status = error_set_memory(error, 2 * all * sizeof *first);
  if (status == LEUKO_OK) {
    float sum = 0;
    for (int k = -radius; k <= radius; k++)
      sum += weights[k + radius] = k == 0 ? 1 : (float)exp(-k * k / (2 * sigma * sigma));
    for (int k = 0; k <= 2 * radius; k++) weights[k] /= sum;
    for (size_t i = 0; i < all; i++) first[i] = in->rgb[i];
    for (size_t y = 0; y < height; y++)
      for (size_t c = 0; c < 3; c++)
        blur_line(first + 3 * y * width + c, second + 3 * y * width + c, in->width, 3, weights,
                  radius);
    for (size_t x = 0; x < 3 * width; x++)
      blur_line(second + x, first + x, in->height, 3 * width, weights, radius);
    for (size_t i = 0; i < all; i++) out[i] = to_byte((double)first[i]);
  }
  free(first);
  free(second);
  free(weights);
  return status;
}

static void turn_hue(const image *in, double degrees, uint8_t *out) {
  const double c = cos(degrees * M_PI / 180), s = sin(degrees * M_PI / 180);
  double linear[256];
  lab_linear(linear);
  for (size_t i = 0; i < (size_t)in->width * (size_t)in->height; i++) {
    double lab[3];
    lab_from_rgb(linear, in->rgb + 3 * i, lab);
    lab_to_rgb((double[]){lab[0], c * lab[1] - s * lab[2], s * lab[1] + c * lab[2]}, out + 3 * i);
  }
}

/* A camera's noise is gone where the surround was painted black: there is none of it there. */
static leuko_status add_noise(const image *in, double deviation, rng random, uint8_t *out,
                              leuko_error *error) {
  const size_t pixels = (size_t)in->width * (size_t)in->height;
  uint8_t *mask = malloc(pixels);
  image_cell cell;
  leuko_status status = mask ? image_mask(in, mask, &cell, error) : error_set_memory(error, pixels);
  const bool whole = status == LEUKO_OK && !(cell.cut_out && cell.area > 0);
  for (size_t i = 0; i < pixels && status == LEUKO_OK; i++)
    for (size_t k = 3 * i; k < 3 * i + 3; k++) {
      const double noise = deviation * rng_normal(&random);
      out[k] = whole || mask[i] ? to_byte(in->rgb[k] + noise) : in->rgb[k];
    }
  free(mask);
  return status;
}

/* Written as JPEG and read again. */
static leuko_status crush(const image *in, double quality, image *out, leuko_error *error) {
  uint8_t *bytes;
  size_t size;
  leuko_status status = image_encode_jpeg(in, (int)quality, &bytes, &size, error);
  if (status != LEUKO_OK) return status;
  status = image_decode(bytes, size, NULL, out, error);
  free(bytes);
  return status;
}

leuko_status image_corrupt(const image *in, image_corruption which, double amount, uint64_t seed,
                           uint32_t sample, image *out, leuko_error *error) {
  *out = (image){0};
  if (which == IMAGE_CRUSHED) return crush(in, amount, out, error);
  const size_t bytes = 3 * (size_t)in->width * (size_t)in->height;
  uint8_t *rgb = malloc(bytes);
  if (!rgb) return error_set_memory(error, bytes);
  image_jitter jitter = {.density = {1, 1, 1}, .light = 1, .saturation = 1};
  leuko_status status = LEUKO_OK;
  switch (which) {
  case IMAGE_ROTATED:
    turn(in, amount, 1, rgb);
    break;
  case IMAGE_SMALLER:
  case IMAGE_LARGER:
    turn(in, 0, amount, rgb);
    break;
  case IMAGE_BLURRED:
    status = blur(in, amount, rgb, error);
    break;
  case IMAGE_NOISY:
    status = add_noise(in, amount, rng_open(seed, RNG_CORRUPT, (uint32_t)(amount * 1000), sample),
                       rgb, error);
    break;
  case IMAGE_HUE:
    turn_hue(in, amount, rgb);
    break;
  case IMAGE_INVERTED:
    for (size_t i = 0; i < bytes; i++) rgb[i] = (uint8_t)(255 - in->rgb[i]);
    break;
  default:
    if (which == IMAGE_DARKER || which == IMAGE_BRIGHTER) jitter.light = amount;
    else
      for (int c = 0; c < 3; c++) jitter.density[c] = amount;
    memcpy(rgb, in->rgb, bytes);
    image_jitter_apply(&jitter, bytes / 3, rgb);
    break;
  }
  if (status != LEUKO_OK) free(rgb);
  else *out = (image){in->width, in->height, rgb};
  return status;
}
