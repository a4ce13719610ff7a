/* Values in half precision, brought to what it holds by powers of two (product_half.c). */
#ifndef NET_HALF_H
#define NET_HALF_H

#include <string.h>

#include "net/element.h"

#ifdef VECTOR_AVX512

#define HALF_ROUNDING (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

VECTOR_INLINE __m256i half_narrow(v16 x) {
  return _mm512_cvtps_ph(x, HALF_ROUNDING);
}

/* Of sixteen places the value in `even`, then that in `odd`. */
VECTOR_INLINE __m512i half_pairs(v16 even, v16 odd) {
  const __m512i interleave =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both =
      _mm512_inserti64x4(_mm512_castsi256_si512(half_narrow(even)), half_narrow(odd), 1);
  return _mm512_permutexvar_epi16(interleave, both);
}

/* The larger of each of 32 magnitudes, as bits of bfloat16, and of those at `from`. */
VECTOR_INLINE __m512i half_larger(__m512i largest, const void *from) {
  const __m512i magnitude = _mm512_set1_epi16(0x7fff);
  return _mm512_max_epu16(largest, _mm512_and_si512(_mm512_loadu_si512(from), magnitude));
}

/* The largest of them. */
VECTOR_INLINE int half_largest(__m512i largest) {
  const __m512i high = _mm512_srli_epi32(largest, 16);
  const __m512i low = _mm512_and_si512(largest, _mm512_set1_epi32(0xffff));
  return _mm512_reduce_max_epi32(_mm512_max_epi32(high, low));
}

/* The power of two that brings a magnitude, as bits of bfloat16, to 8 .. 16, and its inverse. */
VECTOR_INLINE float half_factor(int bits, float *inverse) {
  const int exponent = bits >> 7;                                       /* of 2, and 127 more */
  const int kept = exponent < 4 ? 4 : exponent == 255 ? 130 : exponent; /* 255: not finite */
  const uint32_t up = (uint32_t)(257 - kept) << 23, down = (uint32_t)(kept - 3) << 23;
  float factor;
  memcpy(&factor, &up, sizeof factor);
  memcpy(inverse, &down, sizeof *inverse);
  return factor;
}

#endif
#endif
