/* JPEG pictures, by libjpeg. Grey stays grey; CMYK becomes red, green and blue. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "condense/memory.h"
#include "data/decode.h"

/* More scans than any picture has; each costs a pass over all of it. */
enum { SCANS_MAX = 200 };

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    char why[JMSG_LENGTH_MAX];
    JSAMPLE *row; /* of CMYK, four bytes a pixel */
} decoder;

static void on_error(j_common_ptr jpeg)
{
    decoder *self = jpeg->client_data;
    jpeg->err->format_message(jpeg, self->why);
    longjmp(self->escape, 1);
}

/* Warnings about the data being cut off are errors here: half a picture is no picture. */
static void on_message(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg)
{
    decoder *self = jpeg->client_data;
    if (((j_decompress_ptr)jpeg)->input_scan_number <= SCANS_MAX) return;
    snprintf(self->why, sizeof self->why, "more than %d scans", SCANS_MAX);
    longjmp(self->escape, 1);
}

/* Adobe's CMYK is stored inverted, and is what there is in practice. */
static void from_cmyk(const JSAMPLE *row, uint8_t *pixels, int32_t width, bool inverted)
{
    for (int32_t x = 0; x < width; x++, row += 4, pixels += 3)
        for (int c = 0; c < 3; c++) {
            int ink = inverted ? row[c] : 255 - row[c], black = inverted ? row[3] : 255 - row[3];
            pixels[c] = (uint8_t)((ink * black + 127) / 255);
        }
}

static cn_status decode(decoder *self, const uint8_t *bytes, size_t size, st_image *image,
                        cn_error *error)
{
    j_decompress_ptr jpeg = &self->jpeg;
    if (setjmp(self->escape)) return cn_fail(error, CN_EFORMAT, "not a whole JPEG: %s", self->why);
    jpeg_create_decompress(jpeg);
    jpeg->progress = &self->progress;
    jpeg_mem_src(jpeg, bytes, (unsigned long)size);
    jpeg_read_header(jpeg, TRUE);
    bool cmyk = jpeg->num_components == 4, grey = jpeg->num_components == 1;
    jpeg->out_color_space = cmyk ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
    if (jpeg->image_width > ST_IMAGE_SIDE_MAX || jpeg->image_height > ST_IMAGE_SIDE_MAX)
        return cn_fail(error, CN_EFORMAT, "a picture of %u x %u is beyond the limit of %d",
                       jpeg->image_width, jpeg->image_height, ST_IMAGE_SIDE_MAX);
    cn_status status = st_image_new(image, (int32_t)jpeg->image_width, (int32_t)jpeg->image_height,
                                    grey ? 1 : 3, error);
    if (status) return status;
    self->row = cn_calloc((size_t)image->width, 4);
    if (!self->row) return cn_fail(error, CN_ENOMEM, "out of memory");

    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *pixels = image->pixels + (size_t)jpeg->output_scanline * (size_t)image->width *
                                              (size_t)image->channels;
        JSAMPROW target = cmyk ? self->row : pixels;
        jpeg_read_scanlines(jpeg, &target, 1);
        if (cmyk) from_cmyk(self->row, pixels, image->width, jpeg->saw_Adobe_marker);
    }
    jpeg_finish_decompress(jpeg);
    return CN_OK;
}

cn_status st_jpeg_decode(const uint8_t *bytes, size_t size, st_image *image, cn_error *error)
{
    decoder self = {0};
    *image = (st_image){0};
    self.jpeg.err = jpeg_std_error(&self.errors);
    self.jpeg.client_data = &self;
    self.errors.error_exit = on_error;
    self.errors.emit_message = on_message;
    self.progress.progress_monitor = on_progress;
    cn_status status = decode(&self, bytes, size, image, error);
    jpeg_destroy_decompress(&self.jpeg);
    cn_free(self.row);
    if (status) st_image_clear(image);
    return status;
}
