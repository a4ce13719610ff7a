/* Values of float32 as whole numbers of 16 bits, which count a unit that their largest magnitude
 * makes (product_words.c). */
#ifndef NET_WORDS_H
#define NET_WORDS_H

#include <string.h>

#include "net/product.h"

#ifdef VECTOR_WORDS

/* No magnitude below this is told from zero, so that its inverse is a number. */
#define WORDS_LEAST 1e-30f

/* words_bits: magnitudes of floats, as whole numbers. words_two: a pair of values in every place.
 * words_pairs: pairs of sixteen columns' factors. Sums, whole numbers of 32 bits, are in the place
 * of floats: gcc copies vectors of integers to and fro. */
#ifdef VECTOR_AVX2

typedef __m256i words_bits, words_two;
typedef struct {
  __m256i low, high;
} words_pairs;

VECTOR_INLINE words_bits words_none(void) {
  return _mm256_setzero_si256();
}

VECTOR_INLINE words_bits words_largest(words_bits x, words_bits y) {
  return _mm256_max_epi32(x, y);
}

/* The largest of all. */
VECTOR_INLINE int32_t words_single(words_bits x) {
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

VECTOR_INLINE words_bits words_magnitudes(const void *from) {
  return _mm256_and_si256(_mm256_loadu_si256(from), _mm256_set1_epi32(INT32_MAX));
}

VECTOR_INLINE v16 words_magnitude(v16 x) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(INT32_MAX));
  return (v16){_mm256_and_ps(x.low, magnitude), _mm256_and_ps(x.high, magnitude)};
}

/* A step of values times their factor, in the order of rows that are multiplied. */
VECTOR_INLINE void words_store(void *to, const v16 value[ELEMENT_VECTORS], v16 factor) {
  const v16 x = v16_mul(value[0], factor);
  _mm256_storeu_si256(to,
                      _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high)));
}

/* Up to sixteen values at `from` times `factor`, in their order, zeros behind them. */
VECTOR_INLINE void words_store_part(void *to, const float *from, size_t count, v16 factor) {
  const __m256i low = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i high = _mm256_add_epi32(low, _mm256_set1_epi32(8));
  const __m256i all = _mm256_set1_epi32((int)(count < 16 ? count : 16));
  const v16 value = {_mm256_maskload_ps(from, _mm256_cmpgt_epi32(all, low)),
                     _mm256_maskload_ps(from + 8, _mm256_cmpgt_epi32(all, high))};
  const v16 x = v16_mul(value, factor);
  const __m256i quarters =
      _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high));
  _mm256_storeu_si256(to, _mm256_permute4x64_epi64(quarters, 0xd8)); /* 0, 2, 1, 3 */
}

VECTOR_INLINE __m256i words_pair8(__m256 value, __m256 next) {
  return _mm256_blend_epi16(_mm256_cvtps_epi32(value),
                            _mm256_slli_epi32(_mm256_cvtps_epi32(next), 16), 0xaa);
}

/* Of sixteen columns the pairs of a value and the next. */
VECTOR_INLINE void words_store_pairs(void *to, v16 value, v16 next) {
  _mm256_storeu_si256(to, words_pair8(value.low, next.low));
  _mm256_storeu_si256((__m256i *)to + 1, words_pair8(value.high, next.high));
}

VECTOR_INLINE words_pairs words_load(const char *from) {
  return (words_pairs){_mm256_loadu_si256((const void *)from),
                       _mm256_loadu_si256((const void *)(from + 32))};
}

VECTOR_INLINE words_two words_all(int32_t two) {
  return _mm256_set1_epi32(two);
}

VECTOR_INLINE __m256 words_summed8(__m256 sum, __m256i values, __m256i factors) {
  const __m256i products = _mm256_madd_epi16(values, factors);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), products));
}

/* Sixteen sums plus the products of two values each. */
VECTOR_INLINE v16 words_summed(v16 sum, words_two values, words_pairs factors) {
  return v16_kept((v16){words_summed8(sum.low, values, factors.low),
                        words_summed8(sum.high, values, factors.high)});
}

VECTOR_INLINE __m256 words_larger8(__m256 x, __m256 y) {
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(x), _mm256_castps_si256(y)));
}

VECTOR_INLINE v16 words_larger_sums(v16 x, v16 y) {
  return (v16){words_larger8(x.low, y.low), words_larger8(x.high, y.high)};
}

#else

typedef __m512i words_bits, words_two, words_pairs;

VECTOR_INLINE words_bits words_none(void) {
  return _mm512_setzero_si512();
}

VECTOR_INLINE words_bits words_largest(words_bits x, words_bits y) {
  return _mm512_max_epi32(x, y);
}

VECTOR_INLINE int32_t words_single(words_bits x) {
  return _mm512_reduce_max_epi32(x);
}

VECTOR_INLINE words_bits words_magnitudes(const void *from) {
  return _mm512_and_si512(_mm512_loadu_si512(from), _mm512_set1_epi32(INT32_MAX));
}

VECTOR_INLINE v16 words_magnitude(v16 x) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MAX)));
}

VECTOR_INLINE void words_store(void *to, const v16 value[ELEMENT_VECTORS], v16 factor) {
  const __m512i low = _mm512_cvtps_epi32(v16_mul(value[0], factor));
  const __m512i high = _mm512_cvtps_epi32(v16_mul(value[1], factor));
  _mm512_storeu_si512(to, _mm512_packs_epi32(low, high));
}

VECTOR_INLINE void words_store_part(void *to, const float *from, size_t count, v16 factor) {
  const unsigned inside = count < 16 ? (1U << count) - 1 : 0xffff;
  const v16 value = _mm512_maskz_loadu_ps((__mmask16)inside, from);
  _mm256_storeu_si256(to, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v16_mul(value, factor))));
}

VECTOR_INLINE void words_store_pairs(void *to, v16 value, v16 next) {
  const __m512i low = _mm512_cvtps_epi32(value);
  const __m512i high = _mm512_slli_epi32(_mm512_cvtps_epi32(next), 16);
  _mm512_storeu_si512(to, _mm512_mask_blend_epi16(0xaaaaaaaa, low, high));
}

VECTOR_INLINE words_pairs words_load(const char *from) {
  return _mm512_loadu_si512(from);
}

VECTOR_INLINE words_two words_all(int32_t two) {
  return _mm512_set1_epi32(two);
}

static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512bf16,avx512vnni"))) v16
words_summed(v16 sum, words_two values, words_pairs factors) {
  const __m512i before = _mm512_castps_si512(sum);
  return v16_kept(_mm512_castsi512_ps(_mm512_dpwssd_epi32(before, values, factors)));
}

VECTOR_INLINE v16 words_larger_sums(v16 x, v16 y) {
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(x), _mm512_castps_si512(y)));
}

#endif

/* The larger of each of some magnitudes and of a step of values at `from`. A NaN is the largest. */
VECTOR_INLINE words_bits words_larger(words_bits largest, const void *from) {
  const char *next = (const char *)from + sizeof largest;
  return words_largest(largest, words_largest(words_magnitudes(from), words_magnitudes(next)));
}

/* What brings the largest of them to PRODUCT_WORDS_LARGEST, but for what rounding may add; *unit
 * becomes its inverse. Where it is not finite, `unit` is not, either. */
VECTOR_INLINE float words_factor(words_bits largest, float *unit) {
  const float span = PRODUCT_WORDS_LARGEST - 7;
  const int32_t bits = words_single(largest);
  float value;
  memcpy(&value, &bits, sizeof value);
  if (value < WORDS_LEAST) value = WORDS_LEAST;
  *unit = value / span;
  return span / value;
}

/* The first of the two neighbouring values of a pair, as words_store leaves them. */
static inline size_t words_pair_at(size_t pair) {
  const size_t pairs = ELEMENT_STEP / 2, in_step = pair % pairs, in_lane = in_step % 4;
  return pair / pairs * ELEMENT_STEP + in_lane / 2 * pairs + in_step / 4 * 4 + in_lane % 2 * 2;
}

/* `count` values times `factor`; up to 15 places behind them are written as well. */
VECTOR_INLINE void words_copy(const float *from, size_t count, float factor, uint16_t *to) {
  for (size_t i = 0; i < count; i += 16)
    words_store_part(to + i, from + i, count - i, v16_all(factor));
}

#endif
#endif
