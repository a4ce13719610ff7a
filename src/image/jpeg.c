/* JPEG through libjpeg: the slow integer transform and smooth chroma, as Pillow has them. */
#include <setjmp.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

#include "image/formats.h"

/* A progressive file of a few kilobytes can order thousands of passes over a huge image. */
#define MAX_SCANS 200

typedef struct {
  struct jpeg_error_mgr manager; /* first: libjpeg hands out a pointer to it */
  jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
} jpeg_trouble;

_Noreturn static void leave_with_message(j_common_ptr info) {
  jpeg_trouble *trouble = (jpeg_trouble *)info->err;
  info->err->format_message(info, trouble->message);
  longjmp(trouble->leave, 1);
}

/* libjpeg goes on with invented pixels after a warning; the ones that mean this end the decoding,
 * the harmless ones (spare bytes, unknown markers) and traces are ignored. */
static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
  case JWRN_JPEG_EOF:
  case JWRN_HIT_MARKER:
  case JWRN_HUFF_BAD_CODE:
  case JWRN_MUST_RESYNC:
    leave_with_message(info);
  default:
    return;
  }
}

static void be_silent(j_common_ptr info) {
  (void)info;
}

static void limit_scans(j_common_ptr info) {
  if (((j_decompress_ptr)info)->input_scan_number <= MAX_SCANS) return;
  jpeg_trouble *trouble = (jpeg_trouble *)info->err;
  snprintf(trouble->message, sizeof trouble->message, "more than %d passes over one image",
           MAX_SCANS);
  longjmp(trouble->leave, 1);
}

/* `out` is kept by image_decode when longjmp comes by. */
static leuko_status decode(j_decompress_ptr info, const image_source *source, image *out,
                           leuko_error *error) {
  jpeg_mem_src(info, source->bytes, source->size);
  jpeg_read_header(info, TRUE);
  if (info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK)
    return image_unsupported(source, "a JPEG file in CMYK colors", error);
  leuko_status status = image_allocate(source, info->image_width, info->image_height, out, error);
  if (status != LEUKO_OK) return status;
  info->out_color_space = JCS_RGB;
  info->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(info);
  while (info->output_scanline < info->output_height) {
    JSAMPROW rows[4];
    for (JDIMENSION i = 0; i < 4; i++)
      rows[i] = out->rgb + ((size_t)info->output_scanline + i) * info->output_width * 3;
    JDIMENSION left = info->output_height - info->output_scanline;
    jpeg_read_scanlines(info, rows, left < 4 ? left : 4);
  }
  jpeg_finish_decompress(info);
  return LEUKO_OK;
}

leuko_status image_decode_jpeg(const image_source *source, image *out, leuko_error *error) {
  struct jpeg_decompress_struct info = {0};
  struct jpeg_progress_mgr monitor = {.progress_monitor = limit_scans};
  jpeg_trouble trouble;
  info.err = jpeg_std_error(&trouble.manager);
  trouble.manager.error_exit = leave_with_message;
  trouble.manager.emit_message = on_message;
  trouble.manager.output_message = be_silent;
  leuko_status status;
  if (setjmp(trouble.leave)) {
    status = image_damaged(source, trouble.message, error);
  } else {
    jpeg_create_decompress(&info);
    info.progress = &monitor;
    status = decode(&info, source, out, error);
  }
  jpeg_destroy_decompress(&info);
  return status;
}
