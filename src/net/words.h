/* Values of float32 as whole numbers of 16 bits, which count a unit that their largest magnitude
 * makes (product_words.c). */
#ifndef NET_WORDS_H
#define NET_WORDS_H

#include <string.h>

#include "net/product.h"

#ifdef VECTOR_WORDS

/* No magnitude below this is told from zero, so that its inverse is a number. */
#define WORDS_LEAST 1e-30f

/* The larger of each of some magnitudes and of 32 values at `from`. A NaN is the largest. */
VECTOR_INLINE __m512i words_larger(__m512i largest, const void *from) {
  const __m512i magnitude = _mm512_set1_epi32(INT32_MAX);
  const __m512i low = _mm512_and_si512(_mm512_loadu_si512(from), magnitude);
  const __m512i high = _mm512_and_si512(_mm512_loadu_si512((const char *)from + 64), magnitude);
  return _mm512_max_epi32(largest, _mm512_max_epi32(low, high));
}

/* What brings the largest of them to PRODUCT_WORDS_LARGEST, but for what rounding may add; *unit
 * becomes its inverse. Where it is not finite, `unit` is not, either. */
VECTOR_INLINE float words_factor(__m512i largest, float *unit) {
  const float span = PRODUCT_WORDS_LARGEST - 7;
  const int bits = _mm512_reduce_max_epi32(largest);
  float value;
  memcpy(&value, &bits, sizeof value);
  if (value < WORDS_LEAST) value = WORDS_LEAST;
  *unit = value / span;
  return span / value;
}

/* Thirty-two values, each sixteen times their factor, in the order of rows that are multiplied. */
VECTOR_INLINE __m512i words_of(v16 low, v16 high, v16 factor) {
  return _mm512_packs_epi32(_mm512_cvtps_epi32(v16_mul(low, factor)),
                            _mm512_cvtps_epi32(v16_mul(high, factor)));
}

/* `count` values times `factor`; up to 15 places behind them are written as well. */
VECTOR_INLINE void words_copy(const float *from, size_t count, float factor, uint16_t *to) {
  for (size_t i = 0; i < count; i += 16) {
    const unsigned inside = count - i < 16 ? (1U << (count - i)) - 1 : 0xffff;
    const v16 value = _mm512_maskz_loadu_ps((__mmask16)inside, from + i);
    const __m512i words = _mm512_cvtps_epi32(v16_mul(value, v16_all(factor)));
    _mm256_storeu_si256((void *)(to + i), _mm512_cvtsepi32_epi16(words));
  }
}

/* Sixteen whole numbers of 32 bits plus the products of two of 16 bits each. They are in the place
 * of floats, in a register: gcc copies vectors of integers to and fro. */
static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512bf16,avx512vnni"))) v16
words_summed(v16 sum, __m512i values, __m512i factors) {
  const __m512i before = _mm512_castps_si512(sum);
  return v16_kept(_mm512_castsi512_ps(_mm512_dpwssd_epi32(before, values, factors)));
}

#endif
#endif
