/* Values in half precision, brought to what it holds by powers of two (product_half.c). */
#ifndef NET_HALF_H
#define NET_HALF_H

#include <string.h>

#include "net/element.h"

#ifdef VECTOR_HALF

/* Functions that compute in it. */
#define HALF __attribute__((target("avx512f,avx512bw,avx512bf16,avx512vnni,avx512fp16")))
#define HALF_INLINE static inline __attribute__((always_inline)) HALF

#define HALF_ROUNDING (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

VECTOR_INLINE __m256i half_narrow(v16 x) {
  return _mm512_cvtps_ph(x, HALF_ROUNDING);
}

/* Thirty-two values as float32, in their order. */
HALF_INLINE void half_widen(__m512h values, v16 *low, v16 *high) {
  const __m512i all = _mm512_castph_si512(values);
  *low = _mm512_cvtph_ps(_mm512_castsi512_si256(all));
  *high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(all, 1));
}

/* `count` values of float32 to half precision; up to 15 places behind them are written as well. */
VECTOR_INLINE void half_copy(const float *from, size_t count, uint16_t *to) {
  for (size_t i = 0; i < count; i += 16) {
    const unsigned inside = count - i < 16 ? (1U << (count - i)) - 1 : 0xffff;
    const v16 value = _mm512_maskz_loadu_ps((__mmask16)inside, from + i);
    _mm256_storeu_si256((void *)(to + i), half_narrow(value));
  }
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

/* The larger of each of some magnitudes and of 32 values at `from`, float32 or bfloat16. */
VECTOR_INLINE __m512i half_larger(__m512i largest, const char *from, element_type type) {
  if (type == ELEMENT_BF16) {
    const __m512i magnitude = _mm512_set1_epi16(0x7fff);
    return _mm512_max_epu16(largest, _mm512_and_si512(_mm512_loadu_si512(from), magnitude));
  }
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  for (int i = 0; i < 2; i++)
    largest =
        _mm512_max_epi32(largest, _mm512_and_si512(_mm512_loadu_si512(from + 64 * i), magnitude));
  return largest;
}

/* The largest of them, as bits of bfloat16. */
VECTOR_INLINE int half_largest(__m512i largest, element_type type) {
  if (type == ELEMENT_F32) return _mm512_reduce_max_epi32(largest) >> 16;
  const __m512i high = _mm512_srli_epi32(largest, 16);
  const __m512i low = _mm512_and_si512(largest, _mm512_set1_epi32(0xffff));
  return _mm512_reduce_max_epi32(_mm512_max_epi32(high, low));
}

/* The exponent of a magnitude as bits of bfloat16, 127 more, if it is not too small. */
VECTOR_INLINE int half_exponent(int bits) {
  const int exponent = bits >> 7;
  return exponent < 18 ? 18 : exponent;
}

/* The power of two that brings a magnitude to 8 .. 16, and its inverse; a NaN, which makes one of
 * all products, where the magnitude is not finite. */
VECTOR_INLINE float half_factor(int bits, float *inverse) {
  const uint32_t kept = (uint32_t)half_exponent(bits), up = (257 - kept) << 23;
  const uint32_t down = kept == 255 ? 0x7fc00000 : (kept - 3) << 23;
  float factor;
  memcpy(&factor, &up, sizeof factor);
  memcpy(inverse, &down, sizeof *inverse);
  return factor;
}

/* Thirty-two values, float32 or bfloat16, times the factor of the largest of all, `bits`. Of
 * bfloat16 what is below 2^-18 of that becomes zero. */
VECTOR_INLINE __m512i half_load(const void *from, int bits, v16 factor, element_type type) {
  if (type == ELEMENT_F32) {
    const __m256i low = half_narrow(v16_mul(v16_load((const float *)from), factor));
    const __m256i high = half_narrow(v16_mul(v16_load((const float *)from + 16), factor));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  /* Exponents of bfloat16 count from 127, of half precision from 15. */
  const __m512i all = _mm512_loadu_si512(from), sign = _mm512_set1_epi16((int16_t)0x8000);
  const __m512i down = _mm512_set1_epi16((int16_t)((half_exponent(bits) - 18) * 128));
  const __m512i moved = _mm512_subs_epu16(_mm512_andnot_si512(sign, all), down);
  return _mm512_or_si512(_mm512_slli_epi16(moved, 3), _mm512_and_si512(all, sign));
}

/* Of each kind of 32 values the sixteen at even and at odd places. */
VECTOR_INLINE void half_parted(v16 low, v16 high, v16 *even, v16 *odd) {
  const __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
  *even = _mm512_permutex2var_ps(low, evens, high);
  *odd = _mm512_permutex2var_ps(low, odds, high);
}

#endif
#endif
