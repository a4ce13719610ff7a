/* Half precision (IEEE 754 binary16): 11 bits of precision, 6.1e-5 to 65,504. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdint.h>

/* To the nearest, ties to even; infinite beyond 65,504, and a NaN stays one. */
uint16_t half_from_float(float value);
/* Exact. */
float half_to_float(uint16_t half);

#endif
