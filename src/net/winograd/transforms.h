/* The one-dimensional transforms of F(4x4, 3x3) on sixteen channels (see winograd.h). */
#ifndef NET_WINOGRAD_TRANSFORMS_H
#define NET_WINOGRAD_TRANSFORMS_H

#include "net/vector.h" /* sixteen channels */

/* The points are 0, +-A, +-B, infinity. */
#define POINT_A (2.0f / 3)
#define POINT_B (3.0f / 2)
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/* 1 / N(p) for the points: N(x) = M(x) / (x - p). */
#define FACTOR_0 1.0f
#define FACTOR_A (1.0f / (2 * SQUARE_A * (SQUARE_A - SQUARE_B)))
#define FACTOR_B (1.0f / (2 * SQUARE_B * (SQUARE_B - SQUARE_A)))

VECTOR_INLINE v16 times(float s, v16 x) {
  return v16_mul(v16_all(s), x);
}

/* x + s y */
VECTOR_INLINE v16 plus(v16 x, float s, v16 y) {
  return v16_fma(v16_all(s), y, x);
}

VECTOR_INLINE v16 add(v16 x, v16 y) {
  return v16_add(x, y);
}

VECTOR_INLINE v16 subtract(v16 x, v16 y) {
  return v16_sub(x, y);
}

#define FORWARD(name) name
#define FORWARD_VECTOR v16
#define FORWARD_INLINE VECTOR_INLINE
#include "net/winograd/forward.h"

/* o = A y, the transpose of output_1d. */
VECTOR_INLINE void output_gradient_1d(const v16 y[4], v16 o[6]) {
  v16 even_a = plus(y[0], SQUARE_A, y[2]),
      odd_a = plus(times(POINT_A, y[1]), SQUARE_A * POINT_A, y[3]);
  v16 even_b = plus(y[0], SQUARE_B, y[2]),
      odd_b = plus(times(POINT_B, y[1]), SQUARE_B * POINT_B, y[3]);
  o[0] = y[0];
  o[1] = add(even_a, odd_a);
  o[2] = subtract(even_a, odd_a);
  o[3] = add(even_b, odd_b);
  o[4] = subtract(even_b, odd_b);
  o[5] = y[3];
}

/* o = Gt u, the transpose of kernel_1d. */
VECTOR_INLINE void kernel_gradient_1d(const v16 u[6], v16 o[3]) {
  v16 sum_a = times(FACTOR_A, add(u[1], u[2])),
      difference_a = times(FACTOR_A * POINT_A, subtract(u[1], u[2]));
  v16 sum_b = times(FACTOR_B, add(u[3], u[4])),
      difference_b = times(FACTOR_B * POINT_B, subtract(u[3], u[4]));
  o[0] = plus(add(sum_a, sum_b), FACTOR_0, u[0]);
  o[1] = add(difference_a, difference_b);
  o[2] = add(u[5], plus(times(SQUARE_A, sum_a), SQUARE_B, sum_b));
}

/* o = A y At, of a tile of 4x4. */
VECTOR_INLINE void output_gradient_2d(v16 y[4][4], v16 o[6][6]) {
  v16 half[6][4];
  for (int j = 0; j < 4; j++) {
    v16 column[4] = {y[0][j], y[1][j], y[2][j], y[3][j]}, r[6];
    output_gradient_1d(column, r);
    for (int i = 0; i < 6; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 6; i++) output_gradient_1d(half[i], o[i]);
}

/* o = Gt u G, of a kernel of 3x3. */
VECTOR_INLINE void kernel_gradient_2d(v16 u[6][6], v16 o[3][3]) {
  v16 half[3][6];
  for (int j = 0; j < 6; j++) {
    v16 column[6] = {u[0][j], u[1][j], u[2][j], u[3][j], u[4][j], u[5][j]}, r[3];
    kernel_gradient_1d(column, r);
    for (int i = 0; i < 3; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 3; i++) kernel_gradient_1d(half[i], o[i]);
}

#endif
