/* Values in half precision, brought to what it holds by powers of two (product_half.c). */
#ifndef NET_HALF_H
#define NET_HALF_H

#include <string.h>

#include "net/element.h"

#ifdef VECTOR_HALF

/* Functions that compute in it. */
#define HALF __attribute__((target("avx512f,avx512bw,avx512bf16,avx512vnni,avx512fp16")))
#define HALF_INLINE static inline __attribute__((always_inline)) HALF

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
    _mm256_storeu_si256((void *)(to + i), element_to_f16(value));
  }
}

/* Of sixteen places the value in `even`, then that in `odd`. */
VECTOR_INLINE __m512i half_pairs(v16 even, v16 odd) {
  const __m512i interleave =
      _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                       21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i both =
      _mm512_inserti64x4(_mm512_castsi256_si512(element_to_f16(even)), element_to_f16(odd), 1);
  return _mm512_permutexvar_epi16(interleave, both);
}

/* The larger of each of some magnitudes and of 32 values at `from`, float32 or half precision. */
VECTOR_INLINE __m512i half_larger(__m512i largest, const char *from, element_type type) {
  if (type == ELEMENT_F16) {
    const __m512i magnitude = _mm512_set1_epi16(0x7fff);
    return _mm512_max_epu16(largest, _mm512_and_si512(_mm512_loadu_si512(from), magnitude));
  }
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  for (int i = 0; i < 2; i++)
    largest =
        _mm512_max_epi32(largest, _mm512_and_si512(_mm512_loadu_si512(from + 64 * i), magnitude));
  return largest;
}

/* The exponent of the largest of them, 127 more, if that is not too small. */
VECTOR_INLINE int half_exponent(__m512i largest, element_type type) {
  int bits = 0; /* of float32 */
  if (type == ELEMENT_F16) {
    const __m512i high = _mm512_srli_epi32(largest, 16);
    const __m512i low = _mm512_and_si512(largest, _mm512_set1_epi32(0xffff));
    const int half = _mm512_reduce_max_epi32(_mm512_max_epi32(high, low));
    const v16 wide = _mm512_cvtph_ps(_mm256_set1_epi16((int16_t)half));
    bits = _mm512_reduce_max_epi32(_mm512_castps_si512(wide));
  } else {
    bits = _mm512_reduce_max_epi32(largest);
  }
  return bits >> 23 < 18 ? 18 : bits >> 23;
}

/* The power of two that brings a magnitude of that exponent to 8 .. 16, and its inverse; a NaN,
 * which makes one of all products, where the magnitude is not finite. */
VECTOR_INLINE float half_factor(int exponent, float *inverse) {
  const uint32_t up = (uint32_t)(257 - exponent) << 23;
  const uint32_t down = exponent == 255 ? 0x7fc00000 : (uint32_t)(exponent - 3) << 23;
  float factor;
  memcpy(&factor, &up, sizeof factor);
  memcpy(inverse, &down, sizeof *inverse);
  return factor;
}

/* What half_load multiplies by, of each type. */
typedef struct {
  v16 factor;
  __m512h power;
} half_scale;

HALF_INLINE half_scale half_scale_of(int exponent, float *inverse) {
  return (half_scale){.factor = v16_all(half_factor(exponent, inverse)),
                      .power = _mm512_set1_ph((_Float16)(130 - exponent))};
}

/* Thirty-two values, float32 or half precision, times the factor. */
HALF_INLINE __m512i half_load(const void *from, const half_scale *by, element_type type) {
  if (type == ELEMENT_F16)
    return _mm512_castph_si512(
        _mm512_scalef_ph(_mm512_castsi512_ph(_mm512_loadu_si512(from)), by->power));
  const __m256i low = element_to_f16(v16_mul(v16_load((const float *)from), by->factor));
  const __m256i high = element_to_f16(v16_mul(v16_load((const float *)from + 16), by->factor));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
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
