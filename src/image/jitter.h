/* The same cell stained, lit and photographed a little differently. */
#ifndef IMAGE_JITTER_H
#define IMAGE_JITTER_H

#include <stddef.h>
#include <stdint.h>

/* All 1: nothing changes. */
typedef struct {
  double density[3]; /* factor of red's, green's, blue's optical density -log(v / 255): how much of
                        the stain there is, and its hue */
  double light;      /* factor of all intensities */
  double saturation; /* factor of the distance from the grey of equal luma (Rec. 601) */
} image_jitter;

/* Changes pixels [count][3] in place: an intensity v becomes light * 255 * (v / 255)^density, then
 * its distance from grey grows by saturation; what leaves 0 .. 255 is cut. Black stays black: the
 * background of a cell that was cut out is left as it is. Factors 0.25 .. 4. */
void image_jitter_apply(const image_jitter *jitter, size_t count, uint8_t *pixels);

#endif
