/* Bringing cells to one stain (Reinhard, Ashikhmin, Gooch, Shirley: "Color transfer between
 * images", IEEE Computer Graphics and Applications 2001, in CIE L*a*b*): each channel's mean and
 * spread over a cell become those of a target. */
#ifndef IMAGE_STAIN_H
#define IMAGE_STAIN_H

#include <stdbool.h>

#include "leuko.h"

typedef enum { STAIN_AS_IS, STAIN_REINHARD } stain_method;

/* Mean and standard deviation of L*, a*, b* over a cell. */
typedef struct {
  double mean[3], deviation[3];
} stain_look;

typedef struct {
  stain_method method;
  stain_look target; /* with STAIN_REINHARD */
} stain;

/* "none", "reinhard". */
const char *stain_name(stain_method method);
/* The method of that name; false if there is none. */
bool stain_parse(const char *name, stain_method *out);
/* Whether both do the same to every picture. */
bool stain_same(const stain *a, const stain *b);

/* Measures the cell of a square picture [size][size][3], which image_mask finds; *found is false,
 * and *out zero, without one. Errors: NO_MEMORY. */
leuko_status stain_measure(const uint8_t *pixels, int size, stain_look *out, bool *found,
                           leuko_error *error);

/* Changes pixels [size][size][3] in place. Of a cell on black the cell is changed and nothing
 * around it, else all of the picture, by what the cell's colours ask for. A channel without spread
 * (under 0.01) is only shifted. Without a cell, and with STAIN_AS_IS, nothing is changed.
 * Errors: NO_MEMORY. */
leuko_status stain_apply(const stain *s, int size, uint8_t *pixels, leuko_error *error);

#endif
