/* What happens to a picture of a cell on its way: turned, at another scale, out of focus, noisy,
 * crushed, in other colours. */
#ifndef IMAGE_CORRUPT_H
#define IMAGE_CORRUPT_H

#include "image/decode.h"

#define IMAGE_CORRUPT_STEPS 5

/* Name, unit of the amount, amounts from the weakest to the strongest (0: no more steps). */
#define IMAGE_CORRUPTION_MAP(X)                                                                    \
  X(ROTATED, "rotated", "degrees", 15, 30, 45, 60, 90)                                             \
  X(SMALLER, "smaller", "times the size", 0.9, 0.8, 0.7, 0.6, 0.5)                                 \
  X(LARGER, "larger", "times the size", 1.1, 1.2, 1.35, 1.5, 2)                                    \
  X(BLURRED, "blurred", "pixels", 1, 2, 4, 8, 16)                                                  \
  X(NOISY, "noisy", "of 255", 4, 8, 16, 32, 64)                                                    \
  X(CRUSHED, "crushed", "JPEG quality", 80, 50, 25, 10, 3)                                         \
  X(HUE, "hue", "degrees", 10, 20, 45, 90, 180)                                                    \
  X(DARKER, "darker", "times the light", 0.9, 0.8, 0.65, 0.5, 0.3)                                 \
  X(BRIGHTER, "brighter", "times the light", 1.1, 1.25, 1.5, 2, 3)                                 \
  X(PALER, "paler", "times the stain", 0.9, 0.8, 0.65, 0.5, 0.3)                                   \
  X(DENSER, "denser", "times the stain", 1.1, 1.25, 1.5, 2, 3)                                     \
  X(INVERTED, "inverted", "", 1, 0, 0, 0, 0)

typedef enum {
#define IMAGE_CORRUPTION_ENUM(name, ...) IMAGE_##name,
  IMAGE_CORRUPTION_MAP(IMAGE_CORRUPTION_ENUM)
#undef IMAGE_CORRUPTION_ENUM
      IMAGE_CORRUPTIONS
} image_corruption;

typedef struct {
  const char *name, *unit;
  double amounts[IMAGE_CORRUPT_STEPS];
} image_corruption_kind;

const image_corruption_kind *image_corruption_of(image_corruption which);

/* `in` with one corruption of that amount, in a picture of the same size that the caller frees
 * (image_free). Turning (clockwise) and scaling are about the centre, bilinear, with black beyond
 * the picture; blur is a Gaussian of that standard deviation over all of the picture; noise is
 * normal in each channel of the cell, named by seed, amount and sample, and leaves the black around
 * a cell that was cut out alone; hue turns a* and b*; light and stain are factors as
 * image_jitter's. Errors: NO_MEMORY, BACKEND (JPEG). */
leuko_status image_corrupt(const image *in, image_corruption which, double amount, uint64_t seed,
                           uint32_t sample, image *out, leuko_error *error);

#endif
