/* A tile's input as a panel: see cn_pack. */
#include "cpu/kernels/pack.h"

CN_INLINE void fill(const cn_pack *p, float *panel, int stride)
{
    packing planes;
    pack_begin(&planes, p, panel, stride);
    for (int32_t k = p->channels * p->kernel_h * p->kernel_w; k > 0; k--)
        pack_row(&planes, stride);
}

/* For strides that vectors have no words for. */
static void fill_singly(const cn_pack *p, float *panel)
{
    for (int32_t c = 0; c < p->channels; c++)
        for (int32_t y = 0; y < p->kernel_h; y++)
            for (int32_t x = 0; x < p->kernel_w; x++, panel += p->pitch)
                for (int32_t s = 0; s < p->segment_count; s++) {
                    const cn_segment *g = &p->segments[s];
                    const float *from = p->data + c * p->plane + y * p->row + x * p->column + g->at;
                    for (ptrdiff_t i = 0; i < g->count; i++)
                        panel[g->first + i] = from[i * p->stride];
                }
}

void CN_KERNEL_NAME(f32_pack)(const cn_pack *p, float *panel)
{
    if (p->stride == 1)
        fill(p, panel, 1);
    else if (p->stride == 2)
        fill(p, panel, 2);
    else if (p->stride == 4)
        fill(p, panel, 4);
    else
        fill_singly(p, panel);
}
