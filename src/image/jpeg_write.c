#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/error.h"
#include "image/write.h"

typedef struct {
  struct jpeg_error_mgr manager; /* first: libjpeg hands out a pointer to it */
  jmp_buf leave;
} jpeg_trouble;

_Noreturn static void leave(j_common_ptr info) {
  longjmp(((jpeg_trouble *)info->err)->leave, 1);
}

static void be_silent(j_common_ptr info) {
  (void)info;
}

leuko_status image_encode_jpeg(const image *picture, int quality, uint8_t **bytes, size_t *size,
                               leuko_error *error) {
  struct jpeg_compress_struct info = {0};
  jpeg_trouble trouble;
  /* What libjpeg fills must be where longjmp does not lose it. */
  unsigned char **buffer = calloc(1, sizeof *buffer);
  unsigned long *length = calloc(1, sizeof *length);
  *bytes = NULL;
  *size = 0;
  if (!buffer || !length) {
    free(buffer);
    free(length);
    return error_set_memory(error, sizeof *buffer);
  }
  info.err = jpeg_std_error(&trouble.manager);
  trouble.manager.error_exit = leave;
  trouble.manager.output_message = be_silent;
  leuko_status status = LEUKO_OK;
  if (setjmp(trouble.leave)) {
    status = error_set(error, LEUKO_BACKEND, NULL, NULL, "the picture cannot be written as JPEG");
  } else {
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, buffer, length);
    info.image_width = (JDIMENSION)picture->width;
    info.image_height = (JDIMENSION)picture->height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
      JSAMPROW row = picture->rgb + (size_t)info.next_scanline * info.image_width * 3;
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
  }
  jpeg_destroy_compress(&info);
  if (status == LEUKO_OK) {
    *bytes = *buffer;
    *size = *length;
  } else {
    free(*buffer);
  }
  free(buffer);
  free(length);
  return status;
}
