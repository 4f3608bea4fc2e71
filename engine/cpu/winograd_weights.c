#include "cpu/winograd_weights.h"

#include <math.h>

/* A row of G is scale x (1, point, point^2, ...): the scales let the transforms of input and output
 * do with few and simple factors. The last, of infinity, picks the last tap. */
cn_winograd_transform cn_winograd_transform_of(int32_t points, int32_t taps)
{
    static const struct row {
        double point, scale;
    } of4[] = {{0, 1}, {1, .5}, {-1, .5}},
      of6[] = {{0, 1. / 4}, {1, -1. / 6}, {-1, -1. / 6}, {2, 1. / 24}, {-2, 1. / 24}},
      of7[] = {{0, -1. / 2}, {1, -1. / 3},   {-1, 1. / 9},
               {2, 1. / 36}, {-2, -1. / 60}, {1. / 2, 32. / 45}},
      of8[] = {{0, 1},        {1, -2. / 9},      {-1, -2. / 9},     {2, 1. / 90},
               {-2, 1. / 90}, {1. / 2, 1. / 45}, {-1. / 2, 1. / 45}};
    const struct row *rows = points == 4 ? of4 : points == 6 ? of6 : points == 7 ? of7 : of8;
    cn_winograd_transform t = {.points = points, .taps = taps};
    for (int32_t i = 0; i < points; i++)
        for (int32_t x = 0; x < taps; x++)
            t.g[i][x] = i == points - 1 ? x == taps - 1 : rows[i].scale * pow(rows[i].point, x);
    return t;
}

static inline void transform(const cn_winograd_transform *t, int32_t taps, const double *w,
                             double *to)
{
    int32_t points = t->points;
    for (int32_t i = 0; i < points; i++) {
        double row[CN_WINOGRAD_TAPS] = {0};
        for (int32_t y = 0; y < taps; y++)
            for (int32_t x = 0; x < taps; x++)
                row[x] += t->g[i][y] * w[y * taps + x];
        for (int32_t j = 0; j < points; j++) {
            double sum = 0;
            for (int32_t x = 0; x < taps; x++)
                sum += row[x] * t->g[j][x];
            to[i * points + j] = sum;
        }
    }
}

void cn_winograd_weight(const cn_winograd_transform *t, const cn_window *window,
                        const float *kernel, int32_t phase,
                        double to[CN_WINOGRAD_POINTS * CN_WINOGRAD_POINTS])
{
    int32_t taps = t->taps, k = window->kernel_w, s = window->stride_w;
    double w[CN_WINOGRAD_TAPS * CN_WINOGRAD_TAPS];
    for (int32_t y = 0; y < taps; y++)
        for (int32_t x = 0; x < taps; x++) {
            int32_t ky = y * s + phase / s, kx = x * s + phase % s;
            w[y * taps + x] = ky < k && kx < k ? (double)kernel[ky * k + kx] : 0;
        }
    if (taps == 3) /* told apart for the sake of the compiler */
        transform(t, 3, w, to);
    else
        transform(t, 4, w, to);
}
