/* The vector instructions that leuko's kernels use, in GNU C: `make EMULATE=1` finds this header
 * before the compiler's, so that the kernels for AVX-512 can be tested, slowly, on a processor that
 * has AVX2 and FMA alone. What each function does is said in Intel's Intrinsics Guide under its
 * name; bfloat16's products are rounded one by one, and denormal numbers are kept, which the
 * processor does not. */
#ifndef EMULATE_IMMINTRIN_H
#define EMULATE_IMMINTRIN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Functions for a particular processor become ones for any. */
#define target(features) unused

typedef float __m512 __attribute__((vector_size(64), may_alias));
typedef int32_t __m512i __attribute__((vector_size(64), may_alias));
typedef int16_t __m512bh __attribute__((vector_size(64), may_alias));
typedef int32_t __m256i __attribute__((vector_size(32), may_alias));
typedef int8_t __m128i __attribute__((vector_size(16), may_alias));
typedef uint16_t __mmask16;
typedef uint32_t __mmask32;
typedef uint64_t __mmask64;

typedef uint32_t emulate_u32 __attribute__((vector_size(64)));
typedef int16_t emulate_i16 __attribute__((vector_size(64)));
typedef uint16_t emulate_u16 __attribute__((vector_size(64)));
typedef uint8_t emulate_u8 __attribute__((vector_size(64)));
typedef uint8_t emulate_b32 __attribute__((vector_size(32)));

#define EMULATE static inline __attribute__((always_inline, unused))

/* Halves, for which the processor has instructions where the compiler finds none for the whole. */
typedef float emulate_f8 __attribute__((vector_size(32)));
typedef int32_t emulate_i8 __attribute__((vector_size(32)));
typedef int16_t emulate_i16h __attribute__((vector_size(32)));
#define EMULATE_HALVES(name, half, whole, f)                                                       \
  EMULATE whole name(whole a, whole b, whole c) {                                                  \
    half x[2], y[2], z[2];                                                                         \
    memcpy(x, &a, sizeof a);                                                                       \
    memcpy(y, &b, sizeof b);                                                                       \
    memcpy(z, &c, sizeof c);                                                                       \
    for (int i = 0; i < 2; i++) z[i] = f(x[i], y[i], z[i]);                                        \
    memcpy(&c, z, sizeof c);                                                                       \
    return c;                                                                                      \
  }

#define EMULATE_LOAD(name, type)                                                                   \
  EMULATE type name(const void *from) {                                                            \
    type v;                                                                                        \
    memcpy(&v, from, sizeof v);                                                                    \
    return v;                                                                                      \
  }
EMULATE_LOAD(_mm512_loadu_ps, __m512)
EMULATE_LOAD(_mm512_loadu_si512, __m512i)
EMULATE_LOAD(_mm256_loadu_si256, __m256i)
EMULATE_LOAD(_mm_loadu_si128, __m128i)

#define EMULATE_STORE(name, type)                                                                  \
  EMULATE void name(void *to, type v) {                                                            \
    memcpy(to, &v, sizeof v);                                                                      \
  }
EMULATE_STORE(_mm512_storeu_ps, __m512)
EMULATE_STORE(_mm512_storeu_si512, __m512i)
EMULATE_STORE(_mm256_storeu_si256, __m256i)
EMULATE_STORE(_mm_storeu_si128, __m128i)

#define EMULATE_SET(name, type, value)                                                             \
  EMULATE type name(value x) {                                                                     \
    type v;                                                                                        \
    for (size_t i = 0; i < sizeof v / sizeof x; i++)                                               \
      memcpy((char *)&v + i * sizeof x, &x, sizeof x);                                             \
    return v;                                                                                      \
  }
EMULATE_SET(_mm512_set1_ps, __m512, float)
EMULATE_SET(_mm512_set1_epi32, __m512i, int32_t)
EMULATE_SET(_mm512_set1_epi16, __m512i, int16_t)

EMULATE __m512 _mm512_setzero_ps(void) {
  return (__m512){0};
}
EMULATE __m512i _mm512_setzero_si512(void) {
  return (__m512i){0};
}

/* The last argument is the first element. */
#define _mm512_set_epi32(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a)                           \
  ((__m512i){a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p})
#define _mm512_set_epi16(f1, e1, d1, c1, b1, a1, z0, y0, x0, w0, v0, u0, t0, s0, r0, q0, p0, o0,   \
                         n0, m0, l0, k0, j0, i0, h0, g0, f0, e0, d0, c0, b0, a0)                   \
  ((__m512i)(emulate_i16){a0, b0, c0, d0, e0, f0, g0, h0, i0, j0, k0, l0, m0, n0, o0, p0,          \
                          q0, r0, s0, t0, u0, v0, w0, x0, y0, z0, a1, b1, c1, d1, e1, f1})

EMULATE __m512i _mm512_castps_si512(__m512 a) {
  return (__m512i)a;
}
EMULATE __m512 _mm512_castsi512_ps(__m512i a) {
  return (__m512)a;
}

EMULATE __m256i _mm512_castsi512_si256(__m512i a) {
  return _mm256_loadu_si256(&a);
}

EMULATE __m512 _mm512_add_ps(__m512 a, __m512 b) {
  return a + b;
}
EMULATE __m512 _mm512_sub_ps(__m512 a, __m512 b) {
  return a - b;
}
EMULATE __m512 _mm512_mul_ps(__m512 a, __m512 b) {
  return a * b;
}
EMULATE __m512 _mm512_div_ps(__m512 a, __m512 b) {
  return a / b;
}
/* The second operand where one of them is a NaN, or both are zero. */
EMULATE emulate_f8 emulate_max(emulate_f8 a, emulate_f8 b, emulate_f8 none) {
  (void)none;
  return __builtin_ia32_maxps256(a, b);
}
EMULATE_HALVES(emulate_max_ps, emulate_f8, __m512, emulate_max)
#define _mm512_max_ps(a, b) emulate_max_ps(a, b, (__m512){0})
EMULATE_HALVES(_mm512_fmadd_ps, emulate_f8, __m512, __builtin_ia32_vfmaddps256)

EMULATE __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  return (__m512i)((emulate_u32)a + (emulate_u32)b);
}
EMULATE __m512i _mm512_mullo_epi32(__m512i a, __m512i b) {
  return (__m512i)((emulate_u32)a * (emulate_u32)b);
}
EMULATE __m512i _mm512_and_si512(__m512i a, __m512i b) {
  return a & b;
}
EMULATE __m512i _mm512_or_si512(__m512i a, __m512i b) {
  return a | b;
}
EMULATE __m512i _mm512_slli_epi32(__m512i a, unsigned bits) {
  return (__m512i)((emulate_u32)a << bits);
}
EMULATE __m512i _mm512_srli_epi32(__m512i a, unsigned bits) {
  return (__m512i)((emulate_u32)a >> bits);
}
EMULATE __m256i _mm256_max_epu8(__m256i a, __m256i b) {
  emulate_b32 x = (emulate_b32)a, y = (emulate_b32)b, larger = (emulate_b32)(x > y);
  return (__m256i)((x & larger) | (y & ~larger));
}

EMULATE __m512i _mm512_permutexvar_epi32(__m512i at, __m512i a) {
  return (__m512i)__builtin_shuffle(a, at);
}
EMULATE __m512i _mm512_permutexvar_epi16(__m512i at, __m512i a) {
  return (__m512i)__builtin_shuffle((emulate_i16)a, (emulate_i16)at);
}
EMULATE __m512 _mm512_permutex2var_ps(__m512 a, __m512i at, __m512 b) {
  return __builtin_shuffle(a, b, at);
}

/* Of the four parts of 16 bytes each for itself. */
EMULATE __m512i _mm512_packs_epi32(__m512i a, __m512i b) {
  emulate_i16 out;
  for (int i = 0; i < 32; i++) {
    int value = (i % 8 < 4 ? a : b)[i / 8 * 4 + i % 4];
    out[i] = (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
  }
  return (__m512i)out;
}
EMULATE __m256i _mm512_cvtsepi32_epi16(__m512i a) {
  int16_t out[16];
  for (int i = 0; i < 16; i++)
    out[i] = (int16_t)(a[i] < INT16_MIN ? INT16_MIN : a[i] > INT16_MAX ? INT16_MAX : a[i]);
  __m256i narrow;
  memcpy(&narrow, out, sizeof narrow);
  return narrow;
}
EMULATE __m512i _mm512_packus_epi16(__m512i a, __m512i b) {
  emulate_u8 out;
  for (int i = 0; i < 64; i++) {
    int value = (i % 16 < 8 ? (emulate_i16)a : (emulate_i16)b)[i / 16 * 8 + i % 8];
    out[i] = (uint8_t)(value < 0 ? 0 : value > UINT8_MAX ? UINT8_MAX : value);
  }
  return (__m512i)out;
}

EMULATE __m512 _mm512_cvtepi32_ps(__m512i a) {
  return __builtin_convertvector(a, __m512);
}
EMULATE __m512i _mm512_cvtps_epi32(__m512 a) {
  emulate_f8 x[2];
  __m512i out = {0};
  memcpy(x, &a, sizeof a);
  for (int i = 0; i < 2; i++) {
    emulate_i8 rounded = __builtin_ia32_cvtps2dq256(x[i]);
    memcpy((char *)&out + i * sizeof rounded, &rounded, sizeof rounded);
  }
  return out;
}
EMULATE __m512i _mm512_cvtepu16_epi32(__m256i a) {
  uint16_t from[16];
  __m512i out;
  memcpy(from, &a, sizeof from);
  for (int i = 0; i < 16; i++) out[i] = from[i];
  return out;
}
EMULATE __m512i _mm512_cvtepu8_epi16(__m256i a) {
  emulate_u16 v;
  for (int i = 0; i < 32; i++) v[i] = ((const uint8_t *)&a)[i];
  return (__m512i)v;
}
EMULATE __m512i _mm512_cvtepu8_epi32(__m128i a) {
  __m512i out;
  for (int i = 0; i < 16; i++) out[i] = (uint8_t)a[i];
  return out;
}
EMULATE __m128i _mm512_cvtepi32_epi8(__m512i a) {
  __m128i out;
  for (int i = 0; i < 16; i++) out[i] = (int8_t)a[i];
  return out;
}
EMULATE emulate_u32 emulate_to_bf16(__m512 a) {
  emulate_u32 bits = (emulate_u32)a;
  emulate_u32 rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  emulate_u32 number = (emulate_u32)(a == a);
  return (rounded & number) | ((bits >> 16 | 0x40) & ~number);
}
/* The low half is made of b. */
EMULATE __m512bh _mm512_cvtne2ps_pbh(__m512 a, __m512 b) {
  emulate_u32 high = emulate_to_bf16(a), low = emulate_to_bf16(b);
  __m512bh out;
  for (int i = 0; i < 16; i++) {
    out[i] = (int16_t)low[i];
    out[i + 16] = (int16_t)high[i];
  }
  return out;
}
EMULATE __m512 _mm512_dpbf16_ps(__m512 sum, __m512bh a, __m512bh b) {
  const __m512i high = (__m512i){0} + (int32_t)0xffff0000;
  sum = _mm512_fmadd_ps((__m512)((__m512i)a & high), (__m512)((__m512i)b & high), sum);
  return _mm512_fmadd_ps((__m512)_mm512_slli_epi32((__m512i)a, 16),
                         (__m512)_mm512_slli_epi32((__m512i)b, 16), sum);
}
/* Four products each of unsigned bytes of a with signed ones of b: as pairs of 16 bits, whose sums
 * are exact. */
EMULATE emulate_i8 emulate_dpbusd(emulate_i8 a, emulate_i8 b, emulate_i8 sum) {
  typedef uint16_t bits __attribute__((vector_size(32)));
  const emulate_i16h x = (emulate_i16h)a, y = (emulate_i16h)b;
  sum += __builtin_ia32_pmaddwd256(x & 0xff, (emulate_i16h)((bits)y << 8) >> 8);
  return sum + __builtin_ia32_pmaddwd256((emulate_i16h)((bits)x >> 8), y >> 8);
}
EMULATE_HALVES(emulate_dpbusd_512, emulate_i8, __m512i, emulate_dpbusd)
#define _mm512_dpbusd_epi32(sum, a, b) emulate_dpbusd_512(a, b, sum)

/* Two products each of 16 bits. */
EMULATE emulate_i8 emulate_dpwssd(emulate_i8 a, emulate_i8 b, emulate_i8 sum) {
  return sum + __builtin_ia32_pmaddwd256((emulate_i16h)a, (emulate_i16h)b);
}
EMULATE_HALVES(emulate_dpwssd_512, emulate_i8, __m512i, emulate_dpwssd)
#define _mm512_dpwssd_epi32(sum, a, b) emulate_dpwssd_512(a, b, sum)

#define _CMP_GT_OQ 30
#define _CMP_LE_OQ 18
#define _CMP_UNORD_Q 3
EMULATE __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int how) {
  unsigned mask = 0;
  for (int i = 0; i < 16; i++) {
    int holds = how == _CMP_GT_OQ   ? a[i] > b[i]
                : how == _CMP_LE_OQ ? a[i] <= b[i]
                                    : isnan(a[i]) || isnan(b[i]);
    mask |= (unsigned)holds << i;
  }
  return (__mmask16)mask;
}
EMULATE __mmask32 _mm512_cmpgt_epi16_mask(__m512i a, __m512i b) {
  uint32_t mask = 0;
  for (int i = 0; i < 32; i++) mask |= (uint32_t)(((emulate_i16)a)[i] > ((emulate_i16)b)[i]) << i;
  return mask;
}
EMULATE __mmask32 _mm512_cmpeq_epi16_mask(__m512i a, __m512i b) {
  uint32_t mask = 0;
  for (int i = 0; i < 32; i++) mask |= (uint32_t)(((emulate_i16)a)[i] == ((emulate_i16)b)[i]) << i;
  return mask;
}
EMULATE __mmask16 _mm512_cmpeq_epi32_mask(__m512i a, __m512i b) {
  unsigned mask = 0;
  for (int i = 0; i < 16; i++) mask |= (unsigned)(a[i] == b[i]) << i;
  return (__mmask16)mask;
}
EMULATE __m512 _mm512_mask_mov_ps(__m512 a, __mmask16 mask, __m512 b) {
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) a[i] = b[i];
  return a;
}
EMULATE __m512i _mm512_maskz_mov_epi16(__mmask32 mask, __m512i a) {
  emulate_i16 v = (emulate_i16)a;
  for (int i = 0; i < 32; i++)
    if (!(mask >> i & 1)) v[i] = 0;
  return (__m512i)v;
}
EMULATE __m512 _mm512_i32gather_ps(__m512i at, const void *from, int scale) {
  __m512 out;
  for (int i = 0; i < 16; i++)
    memcpy(&out[i], (const char *)from + (ptrdiff_t)at[i] * scale, sizeof(float));
  return out;
}

/* Half precision. */
typedef _Float16 __m512h __attribute__((vector_size(64), may_alias));

#define _MM_FROUND_TO_NEAREST_INT 0
#define _MM_FROUND_NO_EXC 0
#define _MM_HINT_T0 3
#define _mm_prefetch(at, hint) __builtin_prefetch(at)

#define EMULATE_HALF(name, value)                                                                  \
  EMULATE __m512h name(__m512h a, __m512h b) {                                                     \
    __m512h out;                                                                                   \
    for (int i = 0; i < 32; i++) {                                                                 \
      const float x = (float)a[i], y = (float)b[i];                                                \
      out[i] = (_Float16)(value);                                                                  \
    }                                                                                              \
    return out;                                                                                    \
  }
EMULATE_HALF(_mm512_add_ph, x + y)
EMULATE_HALF(_mm512_sub_ph, x - y)
EMULATE_HALF(_mm512_mul_ph, x *y)
EMULATE_HALF(_mm512_max_ph, x > y ? x : y)
EMULATE_SET(_mm512_set1_ph, __m512h, _Float16)
EMULATE_SET(_mm256_set1_epi16, __m256i, int16_t)

EMULATE __m512h _mm512_scalef_ph(__m512h a, __m512h b) {
  for (int i = 0; i < 32; i++) a[i] = (_Float16)ldexpf((float)a[i], (int)floorf((float)b[i]));
  return a;
}
EMULATE __m512h _mm512_setzero_ph(void) {
  return (__m512h){0};
}
/* A product of two halves is exact in float32. */
EMULATE __m512h _mm512_fmadd_ph(__m512h a, __m512h b, __m512h c) {
  for (int i = 0; i < 32; i++) c[i] = (_Float16)((float)a[i] * (float)b[i] + (float)c[i]);
  return c;
}
EMULATE __m512i _mm512_castph_si512(__m512h a) {
  return (__m512i)a;
}
EMULATE __m512h _mm512_castsi512_ph(__m512i a) {
  return (__m512h)a;
}
EMULATE __m256i _mm512_cvtps_ph(__m512 a, int rounding) {
  _Float16 halves[16];
  (void)rounding;
  for (int i = 0; i < 16; i++) halves[i] = (_Float16)a[i];
  return _mm256_loadu_si256(halves);
}
EMULATE __m512 _mm512_cvtph_ps(__m256i a) {
  _Float16 halves[16];
  __m512 out;
  memcpy(halves, &a, sizeof halves);
  for (int i = 0; i < 16; i++) out[i] = (float)halves[i];
  return out;
}

EMULATE __m512i _mm512_castsi256_si512(__m256i a) {
  __m512i out = {0};
  memcpy(&out, &a, sizeof a);
  return out;
}
EMULATE __m512i _mm512_inserti64x4(__m512i a, __m256i b, int half) {
  memcpy((char *)&a + half * (int)sizeof b, &b, sizeof b);
  return a;
}
EMULATE __m256i _mm512_extracti64x4_epi64(__m512i a, int half) {
  return _mm256_loadu_si256((const char *)&a + half * (int)sizeof(__m256i));
}
EMULATE __m512i _mm512_andnot_si512(__m512i a, __m512i b) {
  return ~a & b;
}
EMULATE __m512i _mm512_slli_epi16(__m512i a, unsigned bits) {
  return (__m512i)((emulate_u16)a << bits);
}
EMULATE __m512i _mm512_rol_epi32(__m512i a, int bits) {
  return (__m512i)((emulate_u32)a << bits | (emulate_u32)a >> (32 - bits));
}
EMULATE __m512i _mm512_mask_blend_epi16(__mmask32 mask, __m512i a, __m512i b) {
  emulate_i16 x = (emulate_i16)a, y = (emulate_i16)b;
  for (int i = 0; i < 32; i++)
    if (mask >> i & 1) x[i] = y[i];
  return (__m512i)x;
}
EMULATE __m512i _mm512_max_epu16(__m512i a, __m512i b) {
  emulate_u16 x = (emulate_u16)a, y = (emulate_u16)b;
  for (int i = 0; i < 32; i++) x[i] = x[i] > y[i] ? x[i] : y[i];
  return (__m512i)x;
}
EMULATE __m512i _mm512_subs_epu16(__m512i a, __m512i b) {
  emulate_u16 x = (emulate_u16)a, y = (emulate_u16)b;
  for (int i = 0; i < 32; i++) x[i] = (uint16_t)(x[i] > y[i] ? x[i] - y[i] : 0);
  return (__m512i)x;
}
EMULATE __m512i _mm512_max_epi32(__m512i a, __m512i b) {
  for (int i = 0; i < 16; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
  return a;
}
EMULATE int _mm512_reduce_max_epi32(__m512i a) {
  int largest = a[0];
  for (int i = 1; i < 16; i++) largest = a[i] > largest ? a[i] : largest;
  return largest;
}

EMULATE __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float *from) {
  __m512 out = {0};
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) out[i] = from[i];
  return out;
}

EMULATE __m512i _mm512_maskz_loadu_epi8(uint64_t mask, const void *from) {
  emulate_u8 out = {0};
  for (int i = 0; i < 64; i++)
    if (mask >> i & 1) out[i] = ((const uint8_t *)from)[i];
  return (__m512i)out;
}

/* In each quarter, units of a and of b in turn, from the first or the second half of theirs. */
#define EMULATE_UNPACK(name, unit, first)                                                          \
  EMULATE __m512i name(__m512i a, __m512i b) {                                                     \
    __m512i out;                                                                                   \
    for (int i = 0; i < 16; i++) {                                                                 \
      const int in = i % 4, from = i / 4 * 4 + (first) + in / (2 * (unit)) * (unit) + in % (unit); \
      out[i] = in / (unit) % 2 ? b[from] : a[from];                                                \
    }                                                                                              \
    return out;                                                                                    \
  }
EMULATE_UNPACK(_mm512_unpacklo_epi32, 1, 0)
EMULATE_UNPACK(_mm512_unpackhi_epi32, 1, 2)
EMULATE_UNPACK(_mm512_unpacklo_epi64, 2, 0)
EMULATE_UNPACK(_mm512_unpackhi_epi64, 2, 2)

EMULATE __m512i _mm512_shuffle_i32x4(__m512i a, __m512i b, int which) {
  __m512i out;
  for (int i = 0; i < 16; i++) {
    const int quarter = which >> i / 4 * 2 & 3;
    out[i] = i < 8 ? a[quarter * 4 + i % 4] : b[quarter * 4 + i % 4];
  }
  return out;
}
EMULATE __m512i _mm512_permutex2var_epi16(__m512i a, __m512i at, __m512i b) {
  emulate_i16 x = (emulate_i16)a, y = (emulate_i16)b, where = (emulate_i16)at, out;
  for (int i = 0; i < 32; i++) out[i] = where[i] & 32 ? y[where[i] & 31] : x[where[i] & 31];
  return (__m512i)out;
}
EMULATE __m512i _mm512_add_epi16(__m512i a, __m512i b) {
  return (__m512i)((emulate_u16)a + (emulate_u16)b);
}

/* The matrix unit: eight registers of sixteen rows of 64 bytes, for each thread. */
typedef union {
  uint8_t bytes[16][64];
  int8_t signs[16][64];
  int32_t sums[16][16];
  float floats[16][16];
  uint16_t halves[16][32];
} emulate_tile;
static __thread emulate_tile emulate_tiles[8] __attribute__((unused));

EMULATE void _tile_loadconfig(const void *shapes) {
  (void)shapes;
}
EMULATE void _tile_release(void) {}
EMULATE void _tile_zero(int tile) {
  memset(&emulate_tiles[tile], 0, sizeof *emulate_tiles);
}
EMULATE void _tile_loadd(int tile, const void *from, size_t stride) {
  for (size_t row = 0; row < 16; row++)
    memcpy(emulate_tiles[tile].bytes[row], (const char *)from + row * stride, 64);
}
EMULATE void _tile_stored(int tile, void *to, size_t stride) {
  for (size_t row = 0; row < 16; row++)
    memcpy((char *)to + row * stride, emulate_tiles[tile].bytes[row], 64);
}
static inline __attribute__((unused)) void _tile_dpbusd(int to, int a, int b) {
  for (int m = 0; m < 16; m++)
    for (int k = 0; k < 64; k++)
      for (int n = 0; n < 16; n++)
        emulate_tiles[to].sums[m][n] +=
            emulate_tiles[a].bytes[m][k] * emulate_tiles[b].signs[k / 4][4 * n + k % 4];
}
static inline __attribute__((unused)) void _tile_dpbf16ps(int to, int a, int b) {
  for (int m = 0; m < 16; m++)
    for (int k = 0; k < 32; k++)
      for (int n = 0; n < 16; n++) {
        const uint32_t bits[2] = {(uint32_t)emulate_tiles[a].halves[m][k] << 16,
                                  (uint32_t)emulate_tiles[b].halves[k / 2][2 * n + k % 2] << 16};
        float values[2];
        memcpy(values, bits, sizeof values);
        emulate_tiles[to].floats[m][n] += values[0] * values[1];
      }
}

#endif
