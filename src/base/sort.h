/* Sorting. */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>

/* Puts numbers [count] in ascending order; there is no NaN among them. */
void sort_doubles(double *numbers, size_t count);

#endif
