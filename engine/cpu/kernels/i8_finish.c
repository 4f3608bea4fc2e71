/* Requantizes a tile of sums and stores it into planes: see cn_i8_finish. For any activation, and
 * for outputs that are floats. */
#include "cpu/kernels/i8_requantize.h"

/* Four rows of one segment, as slots. */
CN_INLINE void store_slots(const cn_i8_finish *f, int32_t row, const cn_segment *g,
                           cn_activation activation)
{
    const cn_requantize *to = f->to;
    const int32_t *tile = f->tile + (size_t)row * f->pitch + g->first;
    float *out = f->out + row / 4 * f->out_plane + g->at;
    const float *residual =
        f->residual ? f->residual + row / 4 * f->residual_plane + g->also : NULL;
    for (ptrdiff_t i = 0; i < g->count; i += VL) {
        I other = residual ? AS_I(LDN(residual + i, g->count - i)) : IBCAST(0);
        V x[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            x[k] = i8_activate(to,
                               i8_linear(to, row + k, ILDU(tile + (size_t)k * f->pitch + i),
                                         residual ? &other : NULL, k),
                               activation);
        STN(out + i, AS_V(i8_slots(x, ZEROS(to->zero), false)), g->count - i);
    }
}

/* The rows that there are of four, as floats. */
CN_INLINE void store_floats(const cn_i8_finish *f, int32_t row, const cn_segment *g,
                            cn_activation activation)
{
    const float *residual =
        f->residual ? f->residual + row / 4 * f->residual_plane + g->also : NULL;
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        if (row + k >= f->rows) return;
        const int32_t *tile = f->tile + (size_t)(row + k) * f->pitch + g->first;
        float *out = f->out + (row + k) * f->out_plane + g->at;
        for (ptrdiff_t i = 0; i < g->count; i += VL) {
            I other = residual ? AS_I(LDN(residual + i, g->count - i)) : IBCAST(0);
            V x = i8_linear(f->to, row + k, ILDU(tile + i), residual ? &other : NULL, k);
            STN(out + i, i8_activate(f->to, x, activation), g->count - i);
        }
    }
}

CN_INLINE void finish(const cn_i8_finish *f, cn_activation activation)
{
    for (int32_t row = 0; row < f->rows; row += 4)
        for (int32_t s = 0; s < f->segment_count; s++)
            if (f->to->floats)
                store_floats(f, row, &f->segments[s], activation);
            else
                store_slots(f, row, &f->segments[s], activation);
}

void CN_KERNEL_NAME(i8_finish)(const cn_i8_finish *f)
{
    switch (f->to->activation) {
    case CN_ACT_NONE:
        finish(f, CN_ACT_NONE);
        break;
    case CN_ACT_RELU:
        finish(f, CN_ACT_RELU);
        break;
    case CN_ACT_RELU6:
        finish(f, CN_ACT_RELU6);
        break;
    case CN_ACT_SIGMOID:
        finish(f, CN_ACT_SIGMOID);
        break;
    case CN_ACT_TANH:
        finish(f, CN_ACT_TANH);
        break;
    }
}
