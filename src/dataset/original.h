/* The bytes of the original files of C-NMC 2019, rebuilt from pixels.
 *
 * The originals are uncompressed BMP files of 24 bits, written by three programs: one for the
 * training part, one for the preliminary and one for the final phase. A file that was re-encoded
 * without loss still has all that such a file says, so it can be turned back into it and compared
 * by hash. */
#ifndef DATASET_ORIGINAL_H
#define DATASET_ORIGINAL_H

#include <stdbool.h>

#include "image/decode.h"

/* Tells whether `picture`, written as one of the originals' kinds of BMP with `bytes` bytes, has
 * that SHA-256. Errors: NO_MEMORY, BACKEND. */
leuko_status original_has_hash(const image *picture, uint64_t bytes, const char *sha256,
                               bool *equal, leuko_error *error);

#endif
