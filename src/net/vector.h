/* Sixteen float32 values at a time, by the instructions of one level (net/cpu.h).
 *
 * Sources with vectors are compiled once for each level (KERNEL_SRC in the Makefile), with
 * VECTOR_GENERIC or VECTOR_AVX2 defined, or for AVX-512 with neither. Only functions marked VECTOR
 * or VECTOR_INLINE use a level's instructions. LEVEL makes the names different that such a source
 * exports; which are called is decided when the program runs (net/levels.h). */
#ifndef NET_VECTOR_H
#define NET_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#if defined VECTOR_GENERIC

#define LEVEL(name) name##_generic
#define LEVEL_NAME "generic"
#define VECTOR
#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR

typedef struct {
  float lane[16];
} v16;

#define LANES(value)                                                                               \
  v16 result;                                                                                      \
  for (int i = 0; i < 16; i++) result.lane[i] = value;                                             \
  return result

VECTOR_INLINE v16 v16_load(const float *from) {
  LANES(from[i]);
}
VECTOR_INLINE void v16_store(float *to, v16 x) {
  for (int i = 0; i < 16; i++) to[i] = x.lane[i];
}
VECTOR_INLINE v16 v16_all(float value) {
  LANES(value);
}
VECTOR_INLINE v16 v16_add(v16 x, v16 y) {
  LANES(x.lane[i] + y.lane[i]);
}
VECTOR_INLINE v16 v16_sub(v16 x, v16 y) {
  LANES(x.lane[i] - y.lane[i]);
}
VECTOR_INLINE v16 v16_mul(v16 x, v16 y) {
  LANES(x.lane[i] * y.lane[i]);
}
VECTOR_INLINE v16 v16_div(v16 x, v16 y) {
  LANES(x.lane[i] / y.lane[i]);
}
VECTOR_INLINE v16 v16_fma(v16 x, v16 y, v16 z) {
  LANES(x.lane[i] * y.lane[i] + z.lane[i]);
}
VECTOR_INLINE v16 v16_max(v16 x, v16 y) {
  LANES(x.lane[i] > y.lane[i] ? x.lane[i] : y.lane[i]);
}

typedef struct {
  int32_t lane[16];
} v16_mask;

#define MASK(value)                                                                                \
  v16_mask result;                                                                                 \
  for (int i = 0; i < 16; i++) result.lane[i] = value;                                             \
  return result

VECTOR_INLINE v16_mask v16_over(v16 x, v16 y) {
  MASK(x.lane[i] > y.lane[i]);
}
VECTOR_INLINE v16_mask v16_at_most(v16 x, v16 y) {
  MASK(x.lane[i] <= y.lane[i]);
}
VECTOR_INLINE v16_mask v16_is_nan(v16 x) {
  MASK(x.lane[i] != x.lane[i]);
}
VECTOR_INLINE v16_mask v16_either(v16_mask x, v16_mask y) {
  MASK(x.lane[i] | y.lane[i]);
}
VECTOR_INLINE v16_mask v16_bytes_are(const uint8_t *from, int value) {
  MASK(from[i] == value);
}
VECTOR_INLINE v16 v16_select(v16_mask mask, v16 x, v16 y) {
  LANES(mask.lane[i] ? x.lane[i] : y.lane[i]);
}
VECTOR_INLINE void v16_store_bytes(uint8_t *to, v16 x) {
  for (int i = 0; i < 16; i++) to[i] = (uint8_t)x.lane[i];
}
#undef MASK
#undef LANES

#elif defined VECTOR_AVX2

#include <immintrin.h>

#define VECTOR_BYTES /* there are also kernels in bytes */
#define VECTOR_WORDS /* and in 16-bit whole numbers */
#define LEVEL(name) name##_avx2
#define LEVEL_NAME "avx2"
#define VECTOR __attribute__((target("avx2,fma")))
#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR

typedef struct {
  __m256 low, high;
} v16;

VECTOR_INLINE v16 v16_load(const float *from) {
  return (v16){_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}
VECTOR_INLINE void v16_store(float *to, v16 x) {
  _mm256_storeu_ps(to, x.low);
  _mm256_storeu_ps(to + 8, x.high);
}
VECTOR_INLINE v16 v16_all(float value) {
  const __m256 half = _mm256_set1_ps(value);
  return (v16){half, half};
}
VECTOR_INLINE v16 v16_add(v16 x, v16 y) {
  return (v16){_mm256_add_ps(x.low, y.low), _mm256_add_ps(x.high, y.high)};
}
VECTOR_INLINE v16 v16_sub(v16 x, v16 y) {
  return (v16){_mm256_sub_ps(x.low, y.low), _mm256_sub_ps(x.high, y.high)};
}
VECTOR_INLINE v16 v16_mul(v16 x, v16 y) {
  return (v16){_mm256_mul_ps(x.low, y.low), _mm256_mul_ps(x.high, y.high)};
}
VECTOR_INLINE v16 v16_div(v16 x, v16 y) {
  return (v16){_mm256_div_ps(x.low, y.low), _mm256_div_ps(x.high, y.high)};
}
VECTOR_INLINE v16 v16_fma(v16 x, v16 y, v16 z) {
  return (v16){_mm256_fmadd_ps(x.low, y.low, z.low), _mm256_fmadd_ps(x.high, y.high, z.high)};
}
VECTOR_INLINE v16 v16_max(v16 x, v16 y) {
  return (v16){_mm256_max_ps(x.low, y.low), _mm256_max_ps(x.high, y.high)};
}

typedef v16 v16_mask; /* all bits of a lane, or none */

VECTOR_INLINE v16_mask v16_over(v16 x, v16 y) {
  return (v16){_mm256_cmp_ps(x.low, y.low, _CMP_GT_OQ), _mm256_cmp_ps(x.high, y.high, _CMP_GT_OQ)};
}
VECTOR_INLINE v16_mask v16_at_most(v16 x, v16 y) {
  return (v16){_mm256_cmp_ps(x.low, y.low, _CMP_LE_OQ), _mm256_cmp_ps(x.high, y.high, _CMP_LE_OQ)};
}
VECTOR_INLINE v16_mask v16_is_nan(v16 x) {
  return (v16){_mm256_cmp_ps(x.low, x.low, _CMP_UNORD_Q),
               _mm256_cmp_ps(x.high, x.high, _CMP_UNORD_Q)};
}
VECTOR_INLINE v16_mask v16_either(v16_mask x, v16_mask y) {
  return (v16){_mm256_or_ps(x.low, y.low), _mm256_or_ps(x.high, y.high)};
}
VECTOR_INLINE v16_mask v16_bytes_are(const uint8_t *from, int value) {
  const __m128i bytes = _mm_loadu_si128((const void *)from);
  const __m128i equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)value));
  return (v16){_mm256_castsi256_ps(_mm256_cvtepi8_epi32(equal)),
               _mm256_castsi256_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(equal, 8)))};
}
VECTOR_INLINE v16 v16_select(v16_mask mask, v16 x, v16 y) {
  return (v16){_mm256_blendv_ps(y.low, x.low, mask.low),
               _mm256_blendv_ps(y.high, x.high, mask.high)};
}
/* Here any numbers will do: they are rounded, and limited to what a byte holds. */
VECTOR_INLINE void v16_store_bytes(uint8_t *to, v16 x) {
  const __m256i quarters =
      _mm256_packs_epi32(_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high));
  const __m256i words = _mm256_permute4x64_epi64(quarters, 0xd8); /* 0, 2, 1, 3 */
  _mm_storeu_si128((void *)to, _mm_packus_epi16(_mm256_castsi256_si128(words),
                                                _mm256_extracti128_si256(words, 1)));
}

#else

#include <immintrin.h>

#define VECTOR_AVX512
#define VECTOR_BYTES
#define VECTOR_WORDS
#define VECTOR_NARROW /* and in bfloat16; not every processor of the level runs these three */
/* And in half precision, which clang's headers offer only to what is compiled for such processors
 * alone. */
#if defined __AVX512FP16__ || (!defined __clang__ && __GNUC__ >= 12)
#define VECTOR_HALF
#define VECTOR_MATRIX /* and on the matrix unit, of processors that have half precision as well */
#endif
#define LEVEL(name) name##_avx512
#define LEVEL_NAME "avx512"
#define VECTOR __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define VECTOR_INLINE static inline __attribute__((always_inline)) VECTOR

typedef __m512 v16;

VECTOR_INLINE v16 v16_load(const float *from) {
  return _mm512_loadu_ps(from);
}
VECTOR_INLINE void v16_store(float *to, v16 x) {
  _mm512_storeu_ps(to, x);
}
VECTOR_INLINE v16 v16_all(float value) {
  return _mm512_set1_ps(value);
}
VECTOR_INLINE v16 v16_add(v16 x, v16 y) {
  return _mm512_add_ps(x, y);
}
VECTOR_INLINE v16 v16_sub(v16 x, v16 y) {
  return _mm512_sub_ps(x, y);
}
VECTOR_INLINE v16 v16_mul(v16 x, v16 y) {
  return _mm512_mul_ps(x, y);
}
VECTOR_INLINE v16 v16_div(v16 x, v16 y) {
  return _mm512_div_ps(x, y);
}
/* x y + z; rounded once, but twice in plain C. */
VECTOR_INLINE v16 v16_fma(v16 x, v16 y, v16 z) {
  return _mm512_fmadd_ps(x, y, z);
}
/* As x > y ? x : y: y where one is a NaN. */
VECTOR_INLINE v16 v16_max(v16 x, v16 y) {
  return _mm512_max_ps(x, y);
}

/* For each lane whether something holds. */
typedef __mmask16 v16_mask;

VECTOR_INLINE v16_mask v16_over(v16 x, v16 y) {
  return _mm512_cmp_ps_mask(x, y, _CMP_GT_OQ);
}
/* Neither this nor v16_over holds where one is a NaN. */
VECTOR_INLINE v16_mask v16_at_most(v16 x, v16 y) {
  return _mm512_cmp_ps_mask(x, y, _CMP_LE_OQ);
}
VECTOR_INLINE v16_mask v16_is_nan(v16 x) {
  return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}
VECTOR_INLINE v16_mask v16_either(v16_mask x, v16_mask y) {
  return x | y;
}
/* Which of sixteen bytes are `value`. */
VECTOR_INLINE v16_mask v16_bytes_are(const uint8_t *from, int value) {
  const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)from));
  return _mm512_cmpeq_epi32_mask(bytes, _mm512_set1_epi32(value));
}
/* x where the mask holds, else y. */
VECTOR_INLINE v16 v16_select(v16_mask mask, v16 x, v16 y) {
  return _mm512_mask_mov_ps(y, mask, x);
}
/* Whole numbers from 0 to 255 as bytes. */
VECTOR_INLINE void v16_store_bytes(uint8_t *to, v16 x) {
  _mm_storeu_si128((void *)to, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}

#endif

/* The same value, in a register. Compilers take a load that is used several times into each of the
 * instructions that use it, which costs more than it saves where these are multiplications: there
 * are two loads a cycle, and as many of them. */
VECTOR_INLINE v16 v16_kept(v16 x) {
#if defined VECTOR_AVX2
  __asm__("" : "+x"(x.low), "+x"(x.high));
#elif !defined VECTOR_GENERIC && !defined EMULATE_IMMINTRIN_H
  __asm__("" : "+v"(x));
#endif
  return x;
}

VECTOR_INLINE v16 v16_zero(void) {
  return v16_all(0);
}

/* max(x, 0), and a NaN stays one. */
VECTOR_INLINE v16 v16_relu(v16 x) {
  return v16_max(v16_zero(), x);
}

#endif
