/* Activations of any element type as vectors of float32. The type is a constant wherever these are
 * inlined; where there are only the first two of them, it is told by whether it is bfloat16. Types
 * other than float32 are there only where VECTOR_NARROW is defined, or bytes alone VECTOR_BYTES.
 *
 * Where there is bfloat16, thirty-two channels are one step: two vectors in float32, one in
 * bfloat16. Taking a vector of bfloat16 apart by shift and mask gives the even and the odd
 * channels, which costs no shuffle; "split" order is that: sixteen even channels, then sixteen odd
 * ones. In the other types it is the natural order. */
#ifndef NET_ELEMENT_H
#define NET_ELEMENT_H

#include <stdbool.h>

#include "net/cpu.h"
#include "net/step.h"
#include "net/vector.h"

#ifdef VECTOR_NARROW
#define ELEMENT_VECTORS 2
#else
#define ELEMENT_VECTORS 1
#endif
#define ELEMENT_STEP (16 * ELEMENT_VECTORS) /* channels */
#define ELEMENT_BYTES_STEP 32               /* the same of what is read in bytes, at every level */

/* U8: an unsigned byte that counts units, whose size belongs to the tensor. F16: half precision. */
typedef enum { ELEMENT_F32 = false, ELEMENT_BF16 = true, ELEMENT_F16, ELEMENT_U8 } element_type;

static inline size_t element_bytes(element_type type) {
  return type == ELEMENT_U8 ? 1 : type == ELEMENT_F32 ? 4 : 2;
}

/* What activations in a layout of the vector kernels are kept in. */
static inline element_type element_of(net_layout layout) {
  switch (layout) {
  case NET_NHWC_U8:
    return ELEMENT_U8;
  case NET_NHWC_BF16:
    return ELEMENT_BF16;
  case NET_NHWC_F16:
    return ELEMENT_F16;
  default:
    return ELEMENT_F32;
  }
}

/* Whether this level's kernels, on this processor, have bfloat16. */
static inline bool element_narrow(void) {
#ifdef VECTOR_NARROW
  return net_cpu() >= NET_CPU_AVX512_BF16;
#else
  return false;
#endif
}

/* Whether inference in 16 bits keeps and multiplies half precision, not bfloat16. */
static inline bool element_half(void) {
#ifdef VECTOR_HALF
  return net_cpu_half();
#else
  return false;
#endif
}

/* Whether it multiplies whole numbers of 16 bits, and keeps float32. */
static inline bool element_words(void) {
#ifdef VECTOR_WORDS
  return net_cpu_words();
#else
  return false;
#endif
}

/* Whether they have the matrix unit. */
static inline bool element_matrix(void) {
#ifdef VECTOR_MATRIX
  return net_cpu_matrix();
#else
  return false;
#endif
}

/* Whether they have bytes. */
static inline bool element_has_bytes(void) {
#if defined VECTOR_NARROW
  return net_cpu() >= NET_CPU_AVX512_VNNI;
#elif defined VECTOR_BYTES
  return true;
#else
  return false;
#endif
}

#ifdef VECTOR_NARROW
/* Sixteen bytes as numbers. */
VECTOR_INLINE v16 element_from_u8(const void *from) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from)));
}

/* Up to 64 values, rounded to the nearest byte; what is too small or too large becomes the smallest
 * or the largest. The order is the natural one. */
VECTOR_INLINE __m512i element_to_u8(v16 a, v16 b, v16 c, v16 d) {
  const __m512i quarters = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
  __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
  return _mm512_permutexvar_epi32(quarters, _mm512_packus_epi16(low, high));
}

/* Sixteen values of half precision. */
VECTOR_INLINE v16 element_from_f16(const void *from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(from));
}
VECTOR_INLINE __m256i element_to_f16(v16 x) {
  return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* Vector `part` of the step, of bfloat16 in split order, at `from`. */
VECTOR_INLINE v16 element_load(const void *from, int part, element_type type) {
  if (type == ELEMENT_U8) return element_from_u8((const char *)from + 16 * part);
  if (type == ELEMENT_F32) return v16_load((const float *)from + 16 * part);
  if (type == ELEMENT_F16) return element_from_f16((const char *)from + 32 * part);
  __m512i both = _mm512_loadu_si512(from);
  return _mm512_castsi512_ps(part ? _mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000))
                                  : _mm512_slli_epi32(both, 16));
}

/* Stores a step, one vector behind the other, rounded. */
VECTOR_INLINE void element_store(void *to, const v16 value[ELEMENT_VECTORS], element_type type) {
  if (type == ELEMENT_U8) {
    __m512i bytes = element_to_u8(value[0], value[1], value[0], value[1]);
    _mm256_storeu_si256(to, _mm512_castsi512_si256(bytes));
  } else if (type == ELEMENT_BF16) {
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(value[1], value[0]));
  } else if (type == ELEMENT_F16) {
    _mm256_storeu_si256(to, element_to_f16(value[0]));
    _mm256_storeu_si256((__m256i *)to + 1, element_to_f16(value[1]));
  } else {
    v16_store((float *)to, value[0]);
    v16_store((float *)to + 16, value[1]);
  }
}

/* Sixteen channels in their natural order. */
VECTOR_INLINE v16 element_load16(const void *from, element_type type) {
  if (type == ELEMENT_U8) return element_from_u8(from);
  if (type == ELEMENT_F32) return v16_load(from);
  if (type == ELEMENT_F16) return element_from_f16(from);
  __m256i narrow = _mm256_loadu_si256(from);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

#else
VECTOR_INLINE v16 element_load16(const void *from, element_type type) {
#ifdef VECTOR_BYTES
  if (type == ELEMENT_U8) {
    const __m128i bytes = _mm_loadu_si128(from);
    return (v16){_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                 _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))};
  }
#endif
  (void)type;
  return v16_load(from);
}
VECTOR_INLINE v16 element_load(const void *from, int part, element_type type) {
  return element_load16((const char *)from + 16 * (size_t)part * element_bytes(type), type);
}
VECTOR_INLINE void element_store(void *to, const v16 value[ELEMENT_VECTORS], element_type type) {
#ifdef VECTOR_BYTES
  if (type == ELEMENT_U8) {
    v16_store_bytes(to, value[0]);
    return;
  }
#endif
  (void)type;
  v16_store(to, value[0]);
}
#endif

#endif
