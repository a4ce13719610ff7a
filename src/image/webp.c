/* WebP through leptonica, lossy and lossless. */
#include "image/leptonica.h"

leuko_status image_decode_webp(const image_source *source, image *out, leuko_error *error) {
  image_silence_leptonica();
  l_int32 width, height, samples;
  if (readHeaderMemWebP(source->bytes, source->size, &width, &height, &samples) != 0)
    return image_damaged(source, "the WebP header is damaged or cut off", error);
  leuko_status status = image_check_sides(source, width, height, error);
  if (status != LEUKO_OK) return status;
  return image_from_pix(source, pixReadMemWebP(source->bytes, source->size), true, out, error);
}
