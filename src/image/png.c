/* PNG through libpng itself: leptonica's reader leaves libpng's messages on
 * stderr and shows some transparent files as black. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "base/error.h"
#include "image/formats.h"

typedef struct {
  const image_source *source;
  size_t at; /* bytes taken */
  char message[160];
} png_input;

static void take_bytes(png_structp png, png_bytep to, size_t count) {
  png_input *input = png_get_io_ptr(png);
  if (count > input->source->size - input->at) png_error(png, "the file is cut off");
  memcpy(to, input->source->bytes + input->at, count);
  input->at += count;
}

_Noreturn static void on_error(png_structp png, png_const_charp message) {
  png_input *input = png_get_error_ptr(png);
  snprintf(input->message, sizeof input->message, "PNG: %s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static leuko_status decode(png_structp png, png_infop info, const image_source *source, image *out,
                           leuko_error *error) {
  png_read_info(png, info);
  leuko_status status = image_allocate(source, png_get_image_width(png, info),
                                       png_get_image_height(png, info), out, error);
  if (status != LEUKO_OK) return status;
  /* Together these give 8 bits in three channels, whatever is stored. */
  const png_color_16 black = {0};
  png_set_strip_16(png);
  png_set_expand(png);
  png_set_gray_to_rgb(png);
  if (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA ||
      png_get_valid(png, info, PNG_INFO_tRNS))
    png_set_background_fixed(png, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, PNG_FP_1);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t stride = (size_t)out->width * 3;
  if (png_get_rowbytes(png, info) != stride)
    return image_unsupported(source, "a PNG file of an unusual kind", error);
  for (int pass = 0; pass < passes; pass++)
    for (size_t y = 0; y < (size_t)out->height; y++) png_read_row(png, out->rgb + y * stride, NULL);
  png_read_end(png, NULL);
  return LEUKO_OK;
}

leuko_status image_decode_png(const image_source *source, image *out, leuko_error *error) {
  png_input input = {.source = source};
  png_infop info = NULL;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &input, on_error, on_warning);
  if (png) info = png_create_info_struct(png);
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    return error_set_memory(error, sizeof input);
  }
  leuko_status status;
  if (setjmp(png_jmpbuf(png))) {
    status = image_damaged(source, input.message, error);
  } else {
    png_set_read_fn(png, &input, take_bytes);
    /* Color profiles, texts and the like are of no use here and a way in for
     * damage. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    status = decode(png, info, source, out, error);
  }
  png_destroy_read_struct(&png, &info, NULL);
  return status;
}
