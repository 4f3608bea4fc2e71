#include <string.h>

#include "data/image.h"

cn_status st_prepare_init(st_prepare *prepare, const cn_preprocess *how, cn_shape input,
                          bool prepared, cn_error *error)
{
    *prepare = (st_prepare){.how = *how, .input = input, .prepared = prepared};
    if (input.c != 1 && input.c != 3)
        return cn_fail(error, CN_EINVAL, "a network with %d input channels takes no pictures",
                       input.c);
    int32_t sides[] = {how->resize, how->crop, input.h - 1, input.w - 1};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        if (sides[i] < 0 || sides[i] >= ST_IMAGE_SIDE_MAX)
            return cn_fail(error, CN_EINVAL, "preprocessing: a side of %d pixels; at most %d",
                           sides[i], ST_IMAGE_SIDE_MAX);
    for (int32_t c = 0; c < input.c; c++) {
        if (!(how->std[c] > 0))
            return cn_fail(error, CN_EINVAL,
                           "preprocessing: the deviation (std) of channel %d is "
                           "%g; it divides, so it must be positive",
                           c, (double)how->std[c]);
        for (int32_t byte = 0; byte < 256; byte++)
            prepare->value[c][byte] = ((float)byte - how->mean[c]) / how->std[c];
    }
    return CN_OK;
}

/* Resizes where the preprocessing says so; *made tells whether `resized` was made. */
static cn_status resize_first(const st_prepare *prepare, const st_image *image, st_image *resized,
                              bool *made, cn_error *error)
{
    const cn_preprocess *how = &prepare->how;
    int32_t width = image->width, height = image->height;
    if (prepare->prepared) {
        /* The set's pictures are squares already. A model that squashes, too, gets the whole of
         * them; others a crop, where there is enough of it. */
        if (how->squash || width < prepare->input.w || height < prepare->input.h) {
            width = prepare->input.w;
            height = prepare->input.h;
        }
    } else if (how->resize && how->squash) {
        width = height = how->resize;
    } else if (how->resize) {
        int64_t shorter = width < height ? width : height;
        width = (int32_t)(width * (int64_t)how->resize / shorter);
        height = (int32_t)(height * (int64_t)how->resize / shorter);
    }
    *made = width != image->width || height != image->height;
    return *made ? st_image_resize(image, width, height, resized, error) : CN_OK;
}

/* Where a crop begins that leaves `rest` pixels of a side: half of them, an odd half rounded to the
 * even number as torchvision does, whose published accuracies are the most compared with. */
static int32_t crop_start(int32_t rest)
{
    return rest / 2 + (rest % 4 == 3);
}

/* Centre crop to width x height; what lies outside the picture is black. */
static cn_status crop_centre(const st_image *image, int32_t width, int32_t height, st_image *crop,
                             cn_error *error)
{
    cn_status status = st_image_new(crop, width, height, image->channels, error);
    if (status) return status;
    int32_t left = crop_start(image->width - width), top = crop_start(image->height - height);
    int32_t skip = left < 0 ? -left : 0, from = left > 0 ? left : 0;
    int32_t pixels = image->width < width ? image->width : width;
    for (int32_t y = 0; y < height; y++) {
        int32_t source = y + top;
        if (source < 0 || source >= image->height) continue;
        memcpy(crop->pixels + ((size_t)y * (size_t)width + (size_t)skip) * (size_t)crop->channels,
               image->pixels +
                   ((size_t)source * (size_t)image->width + (size_t)from) * (size_t)image->channels,
               (size_t)pixels * (size_t)image->channels);
    }
    return CN_OK;
}

/* Channel `c` (red, green, blue) of a pixel, or its luma where the network takes grey. */
static uint8_t channel_of(const uint8_t *pixel, int32_t channels, int32_t wanted, int32_t c)
{
    if (channels == 1) return pixel[0];
    if (wanted == 3) return pixel[c];
    return (uint8_t)((pixel[0] * 299 + pixel[1] * 587 + pixel[2] * 114 + 500) / 1000);
}

static void to_planes(const st_prepare *prepare, const st_image *image, float *input)
{
    size_t plane = (size_t)image->width * (size_t)image->height;
    int32_t wanted = prepare->input.c, channels = image->channels;
    for (int32_t c = 0; c < wanted; c++) {
        int32_t colour = prepare->how.bgr && wanted == 3 ? 2 - c : c;
        const float *value = prepare->value[c];
        for (size_t i = 0; i < plane; i++)
            input[(size_t)c * plane + i] =
                value[channel_of(image->pixels + i * (size_t)channels, channels, wanted, colour)];
    }
}

/* Crops `image` where it is to be cropped, fits it to the input where that differs still, and
 * converts. */
static cn_status crop_and_convert(const st_prepare *prepare, const st_image *image, float *input,
                                  cn_error *error)
{
    int32_t width = prepare->input.w, height = prepare->input.h;
    st_image crop = {0}, fitted = {0};
    const st_image *last = image;
    cn_status status = CN_OK;
    int32_t side = prepare->how.crop;
    if (prepare->prepared || side) {
        bool own = side && !prepare->prepared;
        status = crop_centre(last, own ? side : width, own ? side : height, &crop, error);
        last = &crop;
    }
    if (!status && (last->width != width || last->height != height)) {
        status = st_image_resize(last, width, height, &fitted, error);
        last = &fitted;
    }
    if (!status) to_planes(prepare, last, input);
    st_image_clear(&crop);
    st_image_clear(&fitted);
    return status;
}

cn_status st_prepare_run(const st_prepare *prepare, const st_image *image, float *input,
                         cn_error *error)
{
    st_image resized = {0};
    bool made;
    cn_status status = resize_first(prepare, image, &resized, &made, error);
    if (!status) status = crop_and_convert(prepare, made ? &resized : image, input, error);
    st_image_clear(&resized);
    return status;
}
