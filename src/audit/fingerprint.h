/* What a cell looks like, small: a perceptual hash and a thumbnail by which copies of one cell are
 * recognised, turned, mirrored, shifted, rescaled or re-encoded. */
#ifndef AUDIT_FINGERPRINT_H
#define AUDIT_FINGERPRINT_H

#include "image/mask.h"
#include "image/symmetry.h"

#define FINGERPRINT_SIDE 32 /* of the thumbnail */
#define FINGERPRINT_PIXELS (FINGERPRINT_SIDE * FINGERPRINT_SIDE)
#define FINGERPRINT_GRID 16 /* of the hash */
#define FINGERPRINT_WORDS (FINGERPRINT_GRID * FINGERPRINT_GRID / 64)
#define FINGERPRINT_ORBITS 36 /* sets of grid places that the symmetries exchange */

typedef struct {
  bool usable;                        /* false without a cell, or one too small to be told apart */
  uint8_t grey[FINGERPRINT_PIXELS];   /* the square around the cell's centre, scaled by its area */
  uint8_t inside[FINGERPRINT_PIXELS]; /* 1 within the cell */
  /* One bit a grid place, set where it lies within the cell and is brighter than the median, under
   * each of the eight symmetries (image_symmetry's numbers). */
  uint64_t hash[IMAGE_SYMMETRIES][FINGERPRINT_WORDS];
  /* Bits in each orbit: the same under all symmetries, and the sum of the differences is at most
   * the Hamming distance of the hashes under any of them. */
  uint8_t orbits[FINGERPRINT_ORBITS];
} fingerprint;

/* Where each place of a square comes from under each symmetry: fingerprint_open fills it. */
typedef struct {
  uint16_t thumbnail[IMAGE_SYMMETRIES][FINGERPRINT_PIXELS];
  uint16_t grid[IMAGE_SYMMETRIES][FINGERPRINT_GRID * FINGERPRINT_GRID];
  uint8_t orbit[FINGERPRINT_GRID * FINGERPRINT_GRID];
} fingerprint_tables;

void fingerprint_open(fingerprint_tables *tables);

/* Fingerprint of the cell that image_mask found in `in`. Errors: NO_MEMORY. */
leuko_status fingerprint_make(const fingerprint_tables *tables, const image *in,
                              const uint8_t *mask, const image_cell *cell, fingerprint *out,
                              leuko_error *error);

/* Correlation of the thumbnails where both are within the cell, `b` shown under symmetry `which`;
 * -1 where the outlines differ by more than a seventh. */
double fingerprint_correlation(const fingerprint_tables *tables, const fingerprint *a,
                               const fingerprint *b, int which);

/* Two cells that look the same. */
typedef struct {
  size_t a, b;  /* indices, a < b */
  int symmetry; /* by which b turns into a */
  double correlation;
} fingerprint_pair;

/* Finds the pairs among prints [count] whose hashes differ in few bits under some symmetry and
 * whose thumbnails then correlate by at least `correlation`; sorted by indices. Of one cell at most
 * 64 pairs with later ones are kept, the nearest. The caller frees *pairs. Errors: NO_MEMORY. */
leuko_status fingerprint_search(const fingerprint_tables *tables, const fingerprint *prints,
                                size_t count, double correlation, int threads,
                                fingerprint_pair **pairs, size_t *pair_count, leuko_error *error);

#endif
