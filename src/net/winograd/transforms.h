/* The one-dimensional transforms of F(4x4, 3x3) on sixteen channels (see winograd.h). */
#ifndef NET_WINOGRAD_TRANSFORMS_H
#define NET_WINOGRAD_TRANSFORMS_H

#include "net/vector.h" /* sixteen channels */

/* The points are 0, +-A, +-B, infinity. */
#define POINT_A (2.0f / 3)
#define POINT_B (3.0f / 2)
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

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

/* o = Bt d: the rows are the coefficients of M(x) / (x - p), the last of M(x) itself, with
 * M(x) = x (x^2 - A^2) (x^2 - B^2) and A B = 1. */
VECTOR_INLINE void input_1d(const v16 d[6], v16 o[6]) {
  v16 even_a = plus(d[4], -SQUARE_B, d[2]), odd_a = times(POINT_A, plus(d[3], -SQUARE_B, d[1]));
  v16 even_b = plus(d[4], -SQUARE_A, d[2]), odd_b = times(POINT_B, plus(d[3], -SQUARE_A, d[1]));
  o[0] = plus(add(d[0], d[4]), -(SQUARE_A + SQUARE_B), d[2]);
  o[1] = add(even_a, odd_a);
  o[2] = subtract(even_a, odd_a);
  o[3] = add(even_b, odd_b);
  o[4] = subtract(even_b, odd_b);
  o[5] = plus(add(d[1], d[5]), -(SQUARE_A + SQUARE_B), d[3]);
}

/* o = At m: powers 0 .. 3 of the points. */
VECTOR_INLINE void output_1d(const v16 m[6], v16 o[4]) {
  v16 sum_a = add(m[1], m[2]), difference_a = subtract(m[1], m[2]);
  v16 sum_b = add(m[3], m[4]), difference_b = subtract(m[3], m[4]);
  o[0] = add(m[0], add(sum_a, sum_b));
  o[1] = plus(times(POINT_A, difference_a), POINT_B, difference_b);
  o[2] = plus(times(SQUARE_A, sum_a), SQUARE_B, sum_b);
  o[3] = add(m[5], plus(times(SQUARE_A * POINT_A, difference_a), SQUARE_B * POINT_B, difference_b));
}

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

/* 1 / N(p) for the points: N(x) = M(x) / (x - p). */
#define FACTOR_0 1.0f
#define FACTOR_A (1.0f / (2 * SQUARE_A * (SQUARE_A - SQUARE_B)))
#define FACTOR_B (1.0f / (2 * SQUARE_B * (SQUARE_B - SQUARE_A)))

/* o = G g */
VECTOR_INLINE void kernel_1d(const v16 g[3], v16 o[6]) {
  v16 even_a = times(FACTOR_A, plus(g[0], SQUARE_A, g[2])), odd_a = times(FACTOR_A * POINT_A, g[1]);
  v16 even_b = times(FACTOR_B, plus(g[0], SQUARE_B, g[2])), odd_b = times(FACTOR_B * POINT_B, g[1]);
  o[0] = times(FACTOR_0, g[0]);
  o[1] = add(even_a, odd_a);
  o[2] = subtract(even_a, odd_a);
  o[3] = add(even_b, odd_b);
  o[4] = subtract(even_b, odd_b);
  o[5] = g[2];
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

/* o = Bt d B, a 6x6 patch. */
VECTOR_INLINE void input_2d(v16 d[6][6], v16 o[6][6]) {
  v16 half[6][6];
  for (int j = 0; j < 6; j++) {
    v16 column[6] = {d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j]}, r[6];
    input_1d(column, r);
    for (int i = 0; i < 6; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 6; i++) input_1d(half[i], o[i]);
}

/* o = G g Gt. */
VECTOR_INLINE void kernel_2d(v16 g[3][3], v16 o[6][6]) {
  v16 half[6][3];
  for (int j = 0; j < 3; j++) {
    v16 column[3] = {g[0][j], g[1][j], g[2][j]}, r[6];
    kernel_1d(column, r);
    for (int i = 0; i < 6; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 6; i++) kernel_1d(half[i], o[i]);
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

/* o = At m A, a tile of 4x4. */
VECTOR_INLINE void output_2d(v16 m[6][6], v16 o[4][4]) {
  v16 half[4][6];
  for (int j = 0; j < 6; j++) {
    v16 column[6] = {m[0][j], m[1][j], m[2][j], m[3][j], m[4][j], m[5][j]}, r[4];
    output_1d(column, r);
    for (int i = 0; i < 4; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 4; i++) output_1d(half[i], o[i]);
}

#endif
