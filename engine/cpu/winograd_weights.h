/* Weights as Winograd's minimal filtering multiplies them: G w G' (conv_winograd.c). */
#ifndef CN_CPU_WINOGRAD_WEIGHTS_H
#define CN_CPU_WINOGRAD_WEIGHTS_H

#include "condense/graph.h"

enum { CN_WINOGRAD_TAPS = 4, CN_WINOGRAD_POINTS = 8 }; /* at most */

/* G of F(m x m, taps x taps), with points = m + taps - 1: 4, 6 or 8 points with 3 taps, 7 with 4.
 */
typedef struct cn_winograd_transform {
    int32_t points, taps;
    double g[CN_WINOGRAD_POINTS][CN_WINOGRAD_TAPS];
} cn_winograd_transform;

cn_winograd_transform cn_winograd_transform_of(int32_t points, int32_t taps);

/* to[row * points + column] = G w G' of phase `phase` (row * stride + column) of a kernel of the
 * window's size. Taps beyond the window are zero. */
void cn_winograd_weight(const cn_winograd_transform *transform, const cn_window *window,
                        const float *kernel, int32_t phase,
                        double to[CN_WINOGRAD_POINTS * CN_WINOGRAD_POINTS]);

#endif
