/* Activations of any element type as vectors of float32. The type is a constant wherever these are
 * inlined; where there are only the first two of them, it is told by whether it is bfloat16.
 *
 * Thirty-two channels are one step: two vectors in float32, one in bfloat16. Taking a vector of
 * bfloat16 apart by shift and mask gives the even and the odd channels, which costs no shuffle;
 * "split" order is that: sixteen even channels, then sixteen odd ones. In the other types it is the
 * natural order. */
#ifndef NET_ELEMENT_H
#define NET_ELEMENT_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#define ELEMENT_STEP 32 /* channels */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define ELEMENT static inline __attribute__((always_inline)) AVX512

/* U8: an unsigned byte that counts units, whose size belongs to the tensor. */
typedef enum { ELEMENT_F32 = false, ELEMENT_BF16 = true, ELEMENT_U8 } element_type;

static inline size_t element_bytes(element_type type) {
  return type == ELEMENT_U8 ? 1 : type == ELEMENT_BF16 ? 2 : 4;
}

/* Sixteen bytes as numbers. */
ELEMENT __m512 element_from_u8(const void *from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from)));
}

/* Half 0 or 1, in split order, of the 32 channels at `from`. */
ELEMENT __m512 element_load(const void *from, int half, element_type type) {
  if (type == ELEMENT_U8) return element_from_u8((const char *)from + 16 * half);
  if (type == ELEMENT_F32) return _mm512_loadu_ps((const float *)from + 16 * half);
  __m512i both = _mm512_loadu_si512(from);
  return _mm512_castsi512_ps(half ? _mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000))
                                  : _mm512_slli_epi32(both, 16));
}

/* Up to 64 values, rounded to the nearest byte; what is too small or too large becomes the smallest
 * or the largest. The order is the natural one. */
ELEMENT __m512i element_to_u8(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512i quarters = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
  __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
  return _mm512_permutexvar_epi32(quarters, _mm512_packus_epi16(low, high));
}

/* Stores 32 values one half behind the other, rounded. */
ELEMENT void element_store(void *to, __m512 first, __m512 second, element_type type) {
  if (type == ELEMENT_U8) {
    __m512i bytes = element_to_u8(first, second, first, second);
    _mm256_storeu_si256(to, _mm512_castsi512_si256(bytes));
  } else if (type == ELEMENT_BF16) {
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(second, first));
  } else {
    _mm512_storeu_ps((float *)to, first);
    _mm512_storeu_ps((float *)to + 16, second);
  }
}

/* Sixteen channels in their natural order. */
ELEMENT __m512 element_load16(const void *from, element_type type) {
  if (type == ELEMENT_U8) return element_from_u8(from);
  if (type == ELEMENT_F32) return _mm512_loadu_ps(from);
  __m256i narrow = _mm256_loadu_si256(from);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

#endif
