/* PNG pictures, by libpng: eight bits a channel, transparency dropped, palettes resolved. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "condense/memory.h"
#include "data/decode.h"

typedef struct decoder {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t size, at;
    char why[128];
} decoder;

static void on_error(png_structp png, png_const_charp message)
{
    decoder *self = png_get_error_ptr(png);
    snprintf(self->why, sizeof self->why, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep to, size_t count)
{
    decoder *self = png_get_io_ptr(png);
    if (count > self->size - self->at) png_error(png, "the file is cut off");
    memcpy(to, self->bytes + self->at, count);
    self->at += count;
}

static cn_status decode(decoder *self, st_image *image, cn_error *error)
{
    if (setjmp(png_jmpbuf(self->png)))
        return cn_fail(error, CN_EFORMAT, "not a whole PNG: %s", self->why);
    png_set_user_limits(self->png, ST_IMAGE_SIDE_MAX, ST_IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(self->png, 8 << 20);
    png_set_read_fn(self->png, self, on_read);
    png_read_info(self->png, self->info);
    png_set_expand(self->png);
    png_set_scale_16(self->png);
    png_set_strip_alpha(self->png);
    int passes = png_set_interlace_handling(self->png);
    png_read_update_info(self->png, self->info);
    cn_status status = st_image_new(image, (int32_t)png_get_image_width(self->png, self->info),
                                    (int32_t)png_get_image_height(self->png, self->info),
                                    png_get_channels(self->png, self->info), error);
    if (status) return status;
    size_t row = (size_t)image->width * (size_t)image->channels;
    for (int pass = 0; pass < passes; pass++)
        for (int32_t y = 0; y < image->height; y++)
            png_read_row(self->png, image->pixels + (size_t)y * row, NULL);
    png_read_end(self->png, NULL);
    return CN_OK;
}

cn_status st_png_decode(const uint8_t *bytes, size_t size, st_image *image, cn_error *error)
{
    decoder self = {.bytes = bytes, .size = size};
    *image = (st_image){0};
    self.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &self, on_error, on_warning);
    self.info = self.png ? png_create_info_struct(self.png) : NULL;
    cn_status status =
        self.info ? decode(&self, image, error) : cn_fail(error, CN_ENOMEM, "out of memory");
    png_destroy_read_struct(&self.png, &self.info, NULL);
    if (status) st_image_clear(image);
    return status;
}
