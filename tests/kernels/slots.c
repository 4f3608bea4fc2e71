#include "slots.h"

#include <math.h>
#include <string.h>

planes slots_new(int32_t n, cn_shape shape, const int32_t halo[4], int32_t extra, guard side,
                 planes_kind kind, int32_t zero, cn_random *random)
{
    cn_shape stored = {cn_quads(shape.c), shape.h, shape.w};
    planes p = planes_new(n, stored, halo, extra, side, 0, PLANES_OUTPUT, random);
    const cn_view *v = &p.view;
    for (int32_t i = 0; i < n * stored.c && kind == PLANES_INPUT; i++) {
        float *plane = v->data + i / stored.c * v->image + i % stored.c * v->plane;
        for (int32_t y = -halo[0]; y < shape.h + halo[1]; y++)
            memset(plane + y * v->row - halo[2], zero,
                   (size_t)(halo[2] + shape.w + halo[3]) * sizeof *plane);
        for (int32_t y = 0; y < shape.h; y++)
            for (int32_t x = 0; x < 4 * shape.w; x++)
                ((uint8_t *)(void *)(plane + y * v->row))[x] =
                    (uint8_t)cn_random_below(random, 256);
    }
    return p;
}

uint8_t *slots_byte(const planes *p, int32_t n, int32_t c, int32_t y, int32_t x)
{
    const cn_view *v = &p->view;
    float *slot = v->data + n * v->image + c / 4 * v->plane + y * v->row + x;
    return (uint8_t *)(void *)slot + c % 4;
}

cn_int8_scale slots_scale(cn_random *random)
{
    float scale = (float)(0.001 + cn_random_uniform(random) * 0.2);
    return (cn_int8_scale){scale, between(random, 0, 3) ? between(random, 0, 255)
                                                        : 255 * between(random, 0, 1)};
}

int32_t slots_level(float x, cn_int8_scale scale)
{
    float steps = x * (1 / scale.scale);
    double level = rint((double)steps) + scale.zero;
    if (isnan(x)) return 0;
    return (int32_t)fmin(255, fmax(0, level));
}
