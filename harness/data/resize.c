#include <math.h>
#include <stdbool.h>

#include "condense/memory.h"
#include "data/image.h"

void st_image_clear(st_image *image)
{
    cn_free(image->pixels);
    *image = (st_image){0};
}

cn_status st_image_new(st_image *image, int32_t width, int32_t height, int32_t channels,
                       cn_error *error)
{
    *image = (st_image){0};
    if (width < 1 || height < 1 || width > ST_IMAGE_SIDE_MAX || height > ST_IMAGE_SIDE_MAX ||
        (int64_t)width * height > ST_IMAGE_PIXELS_MAX)
        return cn_fail(error, CN_EFORMAT,
                       "a picture of %d x %d is beyond the limits (side %d, %d pixels)", width,
                       height, ST_IMAGE_SIDE_MAX, ST_IMAGE_PIXELS_MAX);
    uint8_t *pixels = cn_calloc((size_t)width * (size_t)height, (size_t)channels);
    if (!pixels)
        return cn_fail(error, CN_ENOMEM, "out of memory for a picture of %d x %d", width, height);
    *image = (st_image){.width = width, .height = height, .channels = channels, .pixels = pixels};
    return CN_OK;
}

/* Which input pixels make one output pixel and how much each counts, in 1/2^22. */
enum { WEIGHT_BITS = 22 };
typedef struct filter {
    int32_t length;                   /* of the output line */
    int32_t most;                     /* taps that any output pixel has at most */
    int32_t *first, *count, *weights; /* weights: length x most */
} filter;

static void filter_clear(filter *taps)
{
    cn_free(taps->first);
    cn_free(taps->count);
    cn_free(taps->weights);
}

/* The triangle filter at one output pixel: as wide as an input pixel, or as an output pixel where
 * that is wider. */
static void fill_tap(filter *taps, int32_t at, int32_t from, double scale, double *share)
{
    double width = scale > 1 ? scale : 1, centre = (at + 0.5) * scale, sum = 0;
    int32_t first = (int32_t)fmax(centre - width + 0.5, 0);
    int32_t count = (int32_t)fmin(centre + width + 0.5, from) - first;
    for (int32_t i = 0; i < count; i++) {
        double distance = fabs((first + i - centre + 0.5) / width);
        share[i] = distance < 1 ? 1 - distance : 0;
        sum += share[i];
    }
    taps->first[at] = first;
    taps->count[at] = count;
    for (int32_t i = 0; i < count; i++)
        taps->weights[(size_t)at * (size_t)taps->most + (size_t)i] =
            (int32_t)(share[i] / sum * (1 << WEIGHT_BITS) + 0.5);
}

static cn_status filter_make(filter *taps, int32_t from, int32_t to, cn_error *error)
{
    double scale = (double)from / to;
    int32_t most = 2 * (int32_t)ceil(scale > 1 ? scale : 1) + 1;
    *taps = (filter){.length = to, .most = most};
    taps->first = cn_calloc((size_t)to, sizeof *taps->first);
    taps->count = cn_calloc((size_t)to, sizeof *taps->count);
    taps->weights = cn_calloc((size_t)to * (size_t)most, sizeof *taps->weights);
    double *share = cn_calloc((size_t)most, sizeof *share);
    bool made = taps->first && taps->count && taps->weights && share;
    for (int32_t i = 0; made && i < to; i++)
        fill_tap(taps, i, from, scale, share);
    cn_free(share);
    return made ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory for resizing a picture");
}

/* Filters one line of pixels `step` bytes apart into one `to_step` bytes apart, one channel. */
static void filter_line(const filter *taps, const uint8_t *from, size_t step, uint8_t *to,
                        size_t to_step)
{
    for (int32_t i = 0; i < taps->length; i++) {
        const int32_t *weights = taps->weights + (size_t)i * (size_t)taps->most;
        const uint8_t *pixel = from + (size_t)taps->first[i] * step;
        int32_t sum = 1 << (WEIGHT_BITS - 1);
        for (int32_t k = 0; k < taps->count[i]; k++, pixel += step)
            sum += *pixel * weights[k];
        sum >>= WEIGHT_BITS;
        to[(size_t)i * to_step] = (uint8_t)(sum > 255 ? 255 : sum);
    }
}

cn_status st_image_resize(const st_image *image, int32_t width, int32_t height, st_image *resized,
                          cn_error *error)
{
    filter rows = {0}, columns = {0};
    st_image narrow = {0};
    *resized = (st_image){0};
    size_t channels = (size_t)image->channels;
    size_t wide_row = (size_t)image->width * channels, row = (size_t)width * channels;
    cn_status status = st_image_new(&narrow, width, image->height, image->channels, error);
    if (!status) status = st_image_new(resized, width, height, image->channels, error);
    if (!status) status = filter_make(&rows, image->width, width, error);
    if (!status) status = filter_make(&columns, image->height, height, error);
    for (size_t y = 0; !status && y < (size_t)image->height; y++)
        for (size_t c = 0; c < channels; c++)
            filter_line(&rows, image->pixels + y * wide_row + c, channels,
                        narrow.pixels + y * row + c, channels);
    for (size_t i = 0; !status && i < row; i++)
        filter_line(&columns, narrow.pixels + i, row, resized->pixels + i, row);
    filter_clear(&rows);
    filter_clear(&columns);
    st_image_clear(&narrow);
    if (status) st_image_clear(resized);
    return status;
}
