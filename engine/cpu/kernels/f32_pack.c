/* A tile's input as a panel: see cn_pack. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

/* Copies `count` floats that lie `stride` apart. Writes whole vectors: what goes past `count` is
 * overwritten by the segment or the panel row after it. */
static inline void gather(float *to, const float *from, ptrdiff_t count, ptrdiff_t stride)
{
    if (stride == 1) {
        ptrdiff_t i = 0;
        for (; i + VL <= count; i += VL)
            STU(to + i, LDU(from + i));
        if (i < count) STU(to + i, LDN(from + i, count - i));
    } else if (stride == 2) {
        ptrdiff_t i = 0;
        for (; i + VL < count; i += VL) /* the next pixel lies beyond what is read */
            STU(to + i, EVEN(LDU(from + 2 * i), LDU(from + 2 * i + VL)));
        ptrdiff_t span = 2 * (count - i) - 1;
        if (i < count)
            STU(to + i, EVEN(LDN(from + 2 * i, span), LDN(from + 2 * i + VL, span - VL)));
    } else if (stride == 4) {
        ptrdiff_t i = 0;
        for (; i + VL < count; i += VL) {
            const float *p = from + 4 * i;
            V a = EVEN(LDU(p), LDU(p + VL)), b = EVEN(LDU(p + 2 * VL), LDU(p + 3 * VL));
            STU(to + i, EVEN(a, b));
        }
        for (; i < count; i++)
            to[i] = from[4 * i];
    } else {
        for (ptrdiff_t i = 0; i < count; i++)
            to[i] = from[i * stride];
    }
}

CN_INLINE void fill(const cn_pack *p, float *panel, int stride)
{
    for (int32_t c = 0; c < p->channels; c++)
        for (int32_t y = 0; y < p->kernel_h; y++)
            for (int32_t x = 0; x < p->kernel_w; x++) {
                const float *tap = p->data + c * p->plane + y * p->row + x * p->column;
                for (int32_t s = 0; s < p->segment_count; s++)
                    gather(panel + p->segments[s].first, tap + p->segments[s].at,
                           p->segments[s].count, stride);
                panel += p->pitch;
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
        fill(p, panel, p->stride);
}
