#include "audit/encoding.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The sum of the luminance table of Annex K, which libjpeg's quality scales. */
#define ANNEX_K_SUM 3688.0

typedef struct {
  const uint8_t *bytes;
  size_t size;
} span;

static unsigned read_16(const uint8_t *at) {
  return (unsigned)at[0] << 8 | at[1];
}

static unsigned little_16(const uint8_t *at) {
  return (unsigned)at[1] << 8 | at[0];
}

/* libjpeg's quality whose luminance table has that sum, nearly. */
static int jpeg_quality(double sum) {
  const double percent = 100 * sum / ANNEX_K_SUM;
  const double quality = percent <= 100 ? (200 - percent) / 2 : 5000 / percent;
  return (int)lround(quality < 1 ? 1 : quality > 100 ? 100 : quality);
}

/* The sum of quantisation table 0 in a DQT segment; -1 if it is not there. */
static double table_sum(span segment) {
  while (segment.size >= 65) {
    const bool wide = segment.bytes[0] >> 4;
    const size_t length = wide ? 129 : 65;
    if (segment.size < length) return -1;
    if ((segment.bytes[0] & 15) == 0) {
      double sum = 0;
      for (size_t i = 0; i < 64; i++)
        sum += wide ? read_16(segment.bytes + 1 + 2 * i) : segment.bytes[1 + i];
      return sum;
    }
    segment.bytes += length;
    segment.size -= length;
  }
  return -1;
}

static void describe_jpeg(span file, char out[ENCODING_LENGTH]) {
  double sum = -1;
  char sampling[24] = "";
  bool progressive = false;
  for (size_t at = 2; at + 4 <= file.size && file.bytes[at] == 0xFF;) {
    const unsigned marker = file.bytes[at + 1], length = read_16(file.bytes + at + 2);
    if (marker == 0xDA || length < 2 || at + 2 + length > file.size) break;
    const span segment = {file.bytes + at + 4, length - 2};
    if (marker == 0xDB && sum < 0) sum = table_sum(segment);
    if (marker >= 0xC0 && marker <= 0xC2 && segment.size >= 9) {
      progressive = marker == 0xC2;
      const unsigned factors = segment.bytes[7];
      if (segment.bytes[5] == 1) snprintf(sampling, sizeof sampling, ", grey");
      else snprintf(sampling, sizeof sampling, ", luma %ux%u", factors >> 4, factors & 15);
    }
    at += 2 + length;
  }
  if (sum < 0) snprintf(out, ENCODING_LENGTH, "jpeg%s", sampling);
  else
    snprintf(out, ENCODING_LENGTH, "jpeg, quality %d%s%s", jpeg_quality(sum), sampling,
             progressive ? ", progressive" : "");
}

void encoding_describe(const uint8_t *bytes, size_t size, const char *format,
                       char out[ENCODING_LENGTH]) {
  const span file = {bytes, size};
  if (strcmp(format, "jpeg") == 0) describe_jpeg(file, out);
  else if (strcmp(format, "png") == 0 && size >= 29)
    snprintf(out, ENCODING_LENGTH, "png, %u bits, colour type %u%s", bytes[24], bytes[25],
             bytes[28] ? ", interlaced" : "");
  else if (strcmp(format, "bmp") == 0 && size >= 30)
    snprintf(out, ENCODING_LENGTH, "bmp, %u bits, header %u", little_16(bytes + 28),
             little_16(bytes + 14));
  else snprintf(out, ENCODING_LENGTH, "%.16s", format);
}
