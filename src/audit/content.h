/* What the cell itself explains of a number that says something about its file. */
#ifndef AUDIT_CONTENT_H
#define AUDIT_CONTENT_H

#include "audit/audit.h"

/* Replaces numbers [count] by what a linear regression on the cells' measures (area, sharpness,
 * detail, colours and their spread, all in logarithms or squares where that is the natural scale)
 * leaves of them. `cells` [count] are those cells; those whose number is not finite, or in which no
 * cell was found, get NaN. Errors: NO_MEMORY. */
leuko_status content_remove(double *numbers, const audit_cell *const *cells, size_t count,
                            leuko_error *error);

#endif
