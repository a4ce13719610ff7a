/* Student's t distribution. */
#ifndef STATS_STUDENT_H
#define STATS_STUDENT_H

#include <stddef.h>

/* P(T <= t) with `degrees` (at least 1) of freedom. */
double stats_student_cdf(size_t degrees, double t);
/* The t below which lies `share`, within (0.5, 1), of it. */
double stats_student_quantile(size_t degrees, double share);

#endif
