/* CIE L*a*b* (white point D65) from and to sRGB, with the constants of scikit-image. */
#ifndef IMAGE_LAB_H
#define IMAGE_LAB_H

#include <stdint.h>

/* [256]: the linear intensity, 0 .. 1, of each byte. */
void lab_linear(double linear[256]);
/* L* 0 .. 100, a*, b* of a pixel; `linear` is lab_linear's table. */
void lab_from_rgb(const double linear[256], const uint8_t rgb[3], double lab[3]);
/* The nearest pixel; colours that sRGB does not have are cut to 0 .. 255 in each channel. */
void lab_to_rgb(const double lab[3], uint8_t rgb[3]);

#endif
