/* Images decoded, cropped and resized once, then mapped from a cache file by every later run. */
#ifndef DATASET_PREPARED_H
#define DATASET_PREPARED_H

#include <stdbool.h>

#include "base/cache.h"
#include "base/progress.h"
#include "image/stain.h"
#include "leuko.h"

/* What is to be prepared. The arrays stay the caller's and are read during the call only. */
typedef struct {
  const char *root;          /* folder of the paths; NULL or "": they stand alone */
  const char *const *paths;  /* [count], relative to root */
  const char *const *sha256; /* [count], hash of each file in hexadecimal; "" where unknown (it is
                                computed then); NULL: all unknown */
  size_t count;
  int crop; /* as image_prepare's */
  int size;
  stain stain; /* then applied to each */
  int threads; /* 0: all processors */
} prepared_request;

typedef struct {
  const uint8_t *pixels;      /* [count][size][size][3], read-only; a refused file's are 0 */
  const leuko_status *status; /* [count]: LEUKO_OK or why the file was refused */
  size_t count;
  size_t refused; /* how many are not LEUKO_OK */
  int size;
  cache_file cache; /* owns everything above; ready: nothing was decoded. It is not kept on disk if
                       a file changed while it was read */
} prepared;

/* Prepares the images, or maps what an earlier call with the same files (by hash, in order), crop,
 * size and stain has left under file_cache_folder()/prepared. A damaged cache file is made anew. A
 * file that cannot be used gets its status and stops nothing, one whose hash is not the expected
 * one is refused as BAD_DATA. The caller ends with prepared_close. Errors: NO_DATA (count 0),
 * ARGUMENT, TOO_LARGE, NO_MEMORY, INTERRUPTED (asked by `report`, which is called by the calling
 * thread only), BACKEND. */
leuko_status prepared_open(const prepared_request *request, const progress *report, prepared *out,
                           leuko_error *error);
void prepared_close(prepared *p);

/* The look of the cells `samples` [count]: the averages of their means and of their deviations.
 * Pictures that were refused, or in which no cell is found, are left out. Errors: NO_MEMORY,
 * INTERRUPTED, NO_DATA (no cell is found in any). */
leuko_status prepared_look(const prepared *p, const size_t *samples, size_t count, int threads,
                           const progress *report, stain_look *out, leuko_error *error);

/* The pixels [size][size][3] of one sample. */
static inline const uint8_t *prepared_sample(const prepared *p, size_t index) {
  return p->pixels + index * (size_t)p->size * (size_t)p->size * 3;
}

#endif
