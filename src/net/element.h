/* Activations of either element type, float32 or bfloat16, as vectors of float32. `bf16` is a
 * constant wherever these are inlined.
 *
 * Thirty-two channels are one step: two vectors in float32, one in bfloat16. Taking a vector of
 * bfloat16 apart by shift and mask gives the even and the odd channels, which costs no shuffle;
 * "split" order is that: sixteen even channels, then sixteen odd ones. In float32 it is the natural
 * order. */
#ifndef NET_ELEMENT_H
#define NET_ELEMENT_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#define ELEMENT_STEP 32 /* channels */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define ELEMENT static inline __attribute__((always_inline)) AVX512

static inline size_t element_bytes(bool bf16) {
  return bf16 ? 2 : 4;
}

/* Half 0 or 1, in split order, of the 32 channels at `from`. */
ELEMENT __m512 element_load(const void *from, int half, bool bf16) {
  if (!bf16) return _mm512_loadu_ps((const float *)from + 16 * half);
  __m512i both = _mm512_loadu_si512(from);
  return _mm512_castsi512_ps(half ? _mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000))
                                  : _mm512_slli_epi32(both, 16));
}

/* Stores 32 values one half behind the other, rounded. */
ELEMENT void element_store(void *to, __m512 first, __m512 second, bool bf16) {
  if (bf16) {
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(second, first));
  } else {
    _mm512_storeu_ps((float *)to, first);
    _mm512_storeu_ps((float *)to + 16, second);
  }
}

/* Sixteen channels in their natural order. */
ELEMENT __m512 element_load16(const void *from, bool bf16) {
  if (!bf16) return _mm512_loadu_ps(from);
  __m256i narrow = _mm256_loadu_si256(from);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

#endif
