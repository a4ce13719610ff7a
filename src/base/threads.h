/* How many threads, and loops over them. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

/* `wanted` if positive, else the number of processors this process may run on (at least 1). */
int threads_count(int wanted);

#endif
