#include "base/half.h"

#include <math.h>
#include <string.h>

#define SIGN 0x8000U
#define INFINITE 0x7c00U
#define QUIET_NAN 0x7e00U

uint16_t half_from_float(float value) {
  const uint16_t sign = signbit(value) ? SIGN : 0;
  if (isnan(value)) return sign | QUIET_NAN;
  const float size = fabsf(value);
  if (size >= 65520) return sign | INFINITE;
  /* Below 2^-14 halves are multiples of 2^-24: adding 1/2 leaves a float that many bits. */
  if (size < 0x1p-14f) {
    const float shifted = size + 0.5f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return sign | (uint16_t)(bits - 0x3f000000);
  }
  uint32_t bits;
  memcpy(&bits, &size, sizeof bits);
  bits -= (uint32_t)(127 - 15) << 23;
  bits += 0xfff + (bits >> 13 & 1);
  return sign | (uint16_t)(bits >> 13);
}

float half_to_float(uint16_t half) {
  const uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  float size = ldexpf((float)fraction, -24);
  if (exponent == 0x1f) size = fraction ? NAN : INFINITY;
  else if (exponent > 0) size = ldexpf((float)(fraction | 0x400), (int)exponent - 25);
  return half & SIGN ? -size : size;
}
