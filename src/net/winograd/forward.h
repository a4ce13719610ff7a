/* The transforms of the way forward, for one kind of vector: FORWARD_VECTOR, with FORWARD(add),
 * FORWARD(subtract), FORWARD(times) and FORWARD(plus) defined, in functions that are
 * FORWARD_INLINE. Included once for each, so without a guard. */

/* o = Bt d: the rows are the coefficients of M(x) / (x - p), the last of M(x) itself, with
 * M(x) = x (x^2 - A^2) (x^2 - B^2) and A B = 1. */
FORWARD_INLINE void FORWARD(input_1d)(const FORWARD_VECTOR d[6], FORWARD_VECTOR o[6]) {
  FORWARD_VECTOR even_a = FORWARD(plus)(d[4], -SQUARE_B, d[2]),
                 odd_a = FORWARD(times)(POINT_A, FORWARD(plus)(d[3], -SQUARE_B, d[1]));
  FORWARD_VECTOR even_b = FORWARD(plus)(d[4], -SQUARE_A, d[2]),
                 odd_b = FORWARD(times)(POINT_B, FORWARD(plus)(d[3], -SQUARE_A, d[1]));
  o[0] = FORWARD(plus)(FORWARD(add)(d[0], d[4]), -(SQUARE_A + SQUARE_B), d[2]);
  o[1] = FORWARD(add)(even_a, odd_a);
  o[2] = FORWARD(subtract)(even_a, odd_a);
  o[3] = FORWARD(add)(even_b, odd_b);
  o[4] = FORWARD(subtract)(even_b, odd_b);
  o[5] = FORWARD(plus)(FORWARD(add)(d[1], d[5]), -(SQUARE_A + SQUARE_B), d[3]);
}

/* o = At m: powers 0 .. 3 of the points. */
FORWARD_INLINE void FORWARD(output_1d)(const FORWARD_VECTOR m[6], FORWARD_VECTOR o[4]) {
  FORWARD_VECTOR sum_a = FORWARD(add)(m[1], m[2]), difference_a = FORWARD(subtract)(m[1], m[2]);
  FORWARD_VECTOR sum_b = FORWARD(add)(m[3], m[4]), difference_b = FORWARD(subtract)(m[3], m[4]);
  o[0] = FORWARD(add)(m[0], FORWARD(add)(sum_a, sum_b));
  o[1] = FORWARD(plus)(FORWARD(times)(POINT_A, difference_a), POINT_B, difference_b);
  o[2] = FORWARD(plus)(FORWARD(times)(SQUARE_A, sum_a), SQUARE_B, sum_b);
  o[3] = FORWARD(add)(m[5], FORWARD(plus)(FORWARD(times)(SQUARE_A * POINT_A, difference_a),
                                          SQUARE_B * POINT_B, difference_b));
}

/* o = G g */
FORWARD_INLINE void FORWARD(kernel_1d)(const FORWARD_VECTOR g[3], FORWARD_VECTOR o[6]) {
  FORWARD_VECTOR even_a = FORWARD(times)(FACTOR_A, FORWARD(plus)(g[0], SQUARE_A, g[2])),
                 odd_a = FORWARD(times)(FACTOR_A * POINT_A, g[1]);
  FORWARD_VECTOR even_b = FORWARD(times)(FACTOR_B, FORWARD(plus)(g[0], SQUARE_B, g[2])),
                 odd_b = FORWARD(times)(FACTOR_B * POINT_B, g[1]);
  o[0] = FORWARD(times)(FACTOR_0, g[0]);
  o[1] = FORWARD(add)(even_a, odd_a);
  o[2] = FORWARD(subtract)(even_a, odd_a);
  o[3] = FORWARD(add)(even_b, odd_b);
  o[4] = FORWARD(subtract)(even_b, odd_b);
  o[5] = g[2];
}

/* o = G g Gt. */
FORWARD_INLINE void FORWARD(kernel_2d)(FORWARD_VECTOR g[3][3], FORWARD_VECTOR o[6][6]) {
  FORWARD_VECTOR half[6][3];
  for (int j = 0; j < 3; j++) {
    FORWARD_VECTOR column[3] = {g[0][j], g[1][j], g[2][j]}, r[6];
    FORWARD(kernel_1d)(column, r);
    for (int i = 0; i < 6; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 6; i++) FORWARD(kernel_1d)(half[i], o[i]);
}

/* o = Bt d B, a 6x6 patch. */
FORWARD_INLINE void FORWARD(input_2d)(FORWARD_VECTOR d[6][6], FORWARD_VECTOR o[6][6]) {
  FORWARD_VECTOR half[6][6];
  for (int j = 0; j < 6; j++) {
    FORWARD_VECTOR column[6] = {d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j]}, r[6];
    FORWARD(input_1d)(column, r);
    for (int i = 0; i < 6; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 6; i++) FORWARD(input_1d)(half[i], o[i]);
}

/* o = At m A, a tile of 4x4. */
FORWARD_INLINE void FORWARD(output_2d)(FORWARD_VECTOR m[6][6], FORWARD_VECTOR o[4][4]) {
  FORWARD_VECTOR half[4][6];
  for (int j = 0; j < 6; j++) {
    FORWARD_VECTOR column[6] = {m[0][j], m[1][j], m[2][j], m[3][j], m[4][j], m[5][j]}, r[4];
    FORWARD(output_1d)(column, r);
    for (int i = 0; i < 4; i++) half[i][j] = r[i];
  }
  for (int i = 0; i < 4; i++) FORWARD(output_1d)(half[i], o[i]);
}

#undef FORWARD
#undef FORWARD_VECTOR
#undef FORWARD_INLINE
