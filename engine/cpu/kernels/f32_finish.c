/* Stores a tile into planes with residual addition and activation: see cn_finish. */
#include "cpu/vector/math.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

CN_INLINE void store(const cn_finish *f, cn_activation activation)
{
    for (int32_t r = 0; r < f->rows; r++) {
        const float *tile = f->tile + (size_t)r * f->pitch;
        float *out = f->out + r * f->out_plane;
        const float *residual = f->residual ? f->residual + r * f->residual_plane : NULL;
        for (int32_t s = 0; s < f->segment_count; s++) {
            const cn_segment *g = f->segments + s;
            for (ptrdiff_t i = 0; i < g->count; i += VL) {
                ptrdiff_t left = g->count - i;
                V v = LDU(tile + g->first + i);
                if (residual) v = ADD(v, LDN(residual + g->also + i, left));
                STN(out + g->at + i, ACTIVATE(v, activation), left);
            }
        }
    }
}

void CN_KERNEL_NAME(f32_finish)(const cn_finish *f)
{
    switch (f->activation) {
    case CN_ACT_NONE:
        store(f, CN_ACT_NONE);
        break;
    case CN_ACT_RELU:
        store(f, CN_ACT_RELU);
        break;
    case CN_ACT_RELU6:
        store(f, CN_ACT_RELU6);
        break;
    case CN_ACT_SIGMOID:
        store(f, CN_ACT_SIGMOID);
        break;
    case CN_ACT_TANH:
        store(f, CN_ACT_TANH);
        break;
    }
}
