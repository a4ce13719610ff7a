/* How long things take. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/* Seconds since some moment in the past; never goes back. */
double clock_seconds(void);

#endif
