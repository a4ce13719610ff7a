/* The transforms of the way forward on 32 channels in half precision (see winograd.h). */
#ifndef NET_WINOGRAD_TRANSFORMS_HALF_H
#define NET_WINOGRAD_TRANSFORMS_HALF_H

#include "net/half.h"
#include "net/winograd/transforms.h"

#ifdef VECTOR_HALF

HALF_INLINE __m512h times_half(float s, __m512h x) {
  return _mm512_mul_ph(_mm512_set1_ph((_Float16)s), x);
}

HALF_INLINE __m512h plus_half(__m512h x, float s, __m512h y) {
  return _mm512_fmadd_ph(_mm512_set1_ph((_Float16)s), y, x);
}

HALF_INLINE __m512h add_half(__m512h x, __m512h y) {
  return _mm512_add_ph(x, y);
}

HALF_INLINE __m512h subtract_half(__m512h x, __m512h y) {
  return _mm512_sub_ph(x, y);
}

#define FORWARD(name) name##_half
#define FORWARD_VECTOR __m512h
#define FORWARD_INLINE HALF_INLINE
#include "net/winograd/forward.h"

#endif
#endif
