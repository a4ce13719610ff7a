/* What the readers and writers that use leptonica share. */
#ifndef IMAGE_LEPTONICA_H
#define IMAGE_LEPTONICA_H

#include <stdbool.h>

#include <leptonica/allheaders.h>

#include "image/formats.h"

/* Switches leptonica's messages off; to be called before anything else of it. */
void image_silence_leptonica(void);

/* Moves `pix` (consumed; NULL where decoding failed, which is reported as damage) into `out`; if
 * `blend`, its alpha channel, if any, is applied. */
leuko_status image_from_pix(const image_source *source, PIX *pix, bool blend, image *out,
                            leuko_error *error);

#endif
