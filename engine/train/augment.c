#include <math.h>
#include <string.h>

#include "condense/train.h"

/* Erases a rectangle of 2 to 20 % of the area whose sides' ratio is from 0.3 to 3.3. */
static void erase(cn_random *random, cn_shape shape, float *image)
{
    double area = (0.02 + 0.18 * cn_random_uniform(random)) * shape.h * shape.w;
    double ratio = exp((2 * cn_random_uniform(random) - 1) * log(3.3));
    int32_t h = (int32_t)lround(sqrt(area * ratio)), w = (int32_t)lround(sqrt(area / ratio));
    if (h < 1 || w < 1 || h > shape.h || w > shape.w) return;
    int32_t top = (int32_t)cn_random_below(random, (uint32_t)(shape.h - h + 1));
    int32_t left = (int32_t)cn_random_below(random, (uint32_t)(shape.w - w + 1));
    for (int32_t c = 0; c < shape.c; c++)
        for (int32_t y = top; y < top + h; y++)
            memset(image + ((int64_t)c * shape.h + y) * shape.w + left, 0,
                   (size_t)w * sizeof *image);
}

/* Row `y` of the shifted, perhaps mirrored picture from row `from`. */
static void copy_row(const float *from, float *to, int32_t width, int32_t shift, bool flip)
{
    for (int32_t x = 0; x < width; x++) {
        int32_t source = (flip ? width - 1 - x : x) + shift;
        to[x] = source >= 0 && source < width ? from[source] : 0;
    }
}

void cn_augment_image(const cn_augment *augment, cn_random *random, cn_shape shape,
                      const float *from, float *to)
{
    int32_t dy = 0, dx = 0;
    if (augment->crop > 0) {
        uint32_t range = 2 * (uint32_t)augment->crop + 1;
        dy = (int32_t)cn_random_below(random, range) - augment->crop;
        dx = (int32_t)cn_random_below(random, range) - augment->crop;
    }
    bool flip = augment->flip && cn_random_below(random, 2);
    for (int32_t c = 0; c < shape.c; c++)
        for (int32_t y = 0; y < shape.h; y++) {
            const float *plane = from + (int64_t)c * shape.h * shape.w;
            float *row = to + ((int64_t)c * shape.h + y) * shape.w;
            if (y + dy < 0 || y + dy >= shape.h)
                memset(row, 0, (size_t)shape.w * sizeof *row);
            else
                copy_row(plane + (int64_t)(y + dy) * shape.w, row, shape.w, dx, flip);
        }
    if (augment->erase > 0 && cn_random_uniform(random) < (double)augment->erase)
        erase(random, shape, to);
}
