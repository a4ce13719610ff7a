/* Sixteen rows of sixteen values of 32 bits, turned. */
#ifndef NET_LEARN_TRANSPOSE_H
#define NET_LEARN_TRANSPOSE_H

#include "net/vector.h"

#ifdef VECTOR_MATRIX

VECTOR_INLINE void transpose16(__m512i rows[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  /* Quarter q of row 4 g + j is now column 4 q + j of rows 4 g to 4 g + 3. */
  for (int j = 0; j < 4; j++) {
    const __m512i a = _mm512_shuffle_i32x4(rows[j], rows[4 + j], 0x88);
    const __m512i b = _mm512_shuffle_i32x4(rows[j], rows[4 + j], 0xdd);
    const __m512i c = _mm512_shuffle_i32x4(rows[8 + j], rows[12 + j], 0x88);
    const __m512i d = _mm512_shuffle_i32x4(rows[8 + j], rows[12 + j], 0xdd);
    t[j] = _mm512_shuffle_i32x4(a, c, 0x88);
    t[4 + j] = _mm512_shuffle_i32x4(b, d, 0x88);
    t[8 + j] = _mm512_shuffle_i32x4(a, c, 0xdd);
    t[12 + j] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
  for (int i = 0; i < 16; i++) rows[i] = t[i];
}

#endif

#endif
