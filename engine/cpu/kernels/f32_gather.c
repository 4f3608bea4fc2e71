/* The rows of a panel that sparse weights use: see cn_gather. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/strided.h"

/* Taps that are done piece after piece, while their rows are near. */
enum { NEAR_TAPS = 64 };

CN_INLINE void copy(const cn_gather *g, size_t first, size_t end, const float *at, float *to,
                    ptrdiff_t n, int stride)
{
    to += first * g->pitch;
    for (size_t i = first; i < end; i++, to += g->pitch)
        if (n == VL)
            STU(to, load_strided(at + g->tap[i], VL, stride));
        else
            STN(to, load_strided(at + g->tap[i], n, stride), n);
}

/* The same for strides that vectors have no words for. */
static void copy_singly(const cn_gather *g, size_t first, size_t end, const float *at, float *to,
                        ptrdiff_t n)
{
    for (size_t i = first; i < end; i++)
        for (ptrdiff_t x = 0; x < n; x++)
            to[i * g->pitch + (size_t)x] = at[g->tap[i] + x * g->stride];
}

CN_INLINE void fill(const cn_gather *g, float *panel, int stride)
{
    for (size_t first = 0; first < g->taps; first += NEAR_TAPS) {
        size_t end = first + NEAR_TAPS < g->taps ? first + NEAR_TAPS : g->taps;
        for (int32_t s = 0; s < g->segment_count; s++) {
            const cn_segment *segment = &g->segments[s];
            for (ptrdiff_t i = 0; i < segment->count; i += VL) {
                ptrdiff_t left = segment->count - i;
                const float *at = g->data + segment->at + i * g->stride;
                float *to = panel + segment->first + i;
                if (!stride)
                    copy_singly(g, first, end, at, to, left < VL ? left : VL);
                else if (left >= VL)
                    copy(g, first, end, at, to, VL, stride);
                else
                    copy(g, first, end, at, to, left, stride);
            }
        }
    }
}

void CN_KERNEL_NAME(f32_gather)(const cn_gather *g, float *panel)
{
    if (g->stride == 1)
        fill(g, panel, 1);
    else if (g->stride == 2)
        fill(g, panel, 2);
    else
        fill(g, panel, 0);
}
