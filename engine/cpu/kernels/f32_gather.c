/* The rows of a panel that sparse weights use: see cn_gather. */
#include "cpu/kernels/pack.h"

CN_INLINE void fill(const cn_gather *g, float *panel, int stride)
{
    pieces k;
    pack_cut(&k, g->segments, g->segment_count, stride);
    const float *data = g->data;
    const int32_t *tap = g->tap;
    size_t pitch = g->pitch, taps = g->taps;
    for (size_t i = 0; i < taps; i++, panel += pitch)
        pack_pieces(&k, data + tap[i], panel, stride);
}

/* The same for strides that vectors have no words for. */
static void fill_singly(const cn_gather *g, float *panel)
{
    for (size_t i = 0; i < g->taps; i++, panel += g->pitch)
        for (int32_t s = 0; s < g->segment_count; s++) {
            const cn_segment *segment = &g->segments[s];
            const float *from = g->data + g->tap[i] + segment->at;
            for (ptrdiff_t x = 0; x < segment->count; x++)
                panel[segment->first + x] = from[x * g->stride];
        }
}

void CN_KERNEL_NAME(f32_gather)(const cn_gather *g, float *panel)
{
    if (g->stride == 1)
        fill(g, panel, 1);
    else if (g->stride == 2)
        fill(g, panel, 2);
    else if (g->stride == 4)
        fill(g, panel, 4);
    else
        fill_singly(g, panel);
}
