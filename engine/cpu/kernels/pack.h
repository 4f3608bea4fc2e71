/* Rows of a panel from planes, one at a time: see cn_pack. A row is made of pieces. Whole vectors
 * are stored: what is too much of one piece the next overwrites, and of a row's last piece the next
 * row. */
#ifndef CN_CPU_KERNELS_PACK_H
#define CN_CPU_KERNELS_PACK_H

#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"
/* Strides that vectors have words for: 1, 2 and 4. */
enum { PACK_MOST_STRIDE = 4 };

/* What of each segment fills a vector. */
typedef struct pieces {
    int count;
    struct {
        ptrdiff_t at, to;          /* from the tap; from the panel row's begin */
        M lanes[PACK_MOST_STRIDE]; /* of the vectors that it is loaded from */
    } piece[CN_MAX_PIXELS];
} pieces;

CN_INLINE void pack_cut(pieces *k, const cn_segment *segments, int32_t segment_count, int stride)
{
    k->count = 0;
    for (int32_t s = 0; s < segment_count; s++) {
        const cn_segment *g = &segments[s];
        for (ptrdiff_t i = 0; i < g->count; i += VL) {
            ptrdiff_t left = g->count - i, count = left < VL ? left : VL;
            int n = k->count++;
            k->piece[n].at = g->at + i * stride;
            k->piece[n].to = g->first + i;
            for (int v = 0; v < stride; v++)
                k->piece[n].lanes[v] = LANES(0, (count - 1) * stride + 1 - v * VL);
        }
    }
}

/* One row: the pixels under a tap. */
CN_INLINE void pack_pieces(const pieces *k, const float *tap, float *to, int stride)
{
    int n = k->count;
    for (int i = 0; i < n; i++) {
        const float *from = tap + k->piece[i].at;
        const M *lanes = k->piece[i].lanes;
        V x = LDW(from, lanes[0]);
        if (stride == 2) x = EVEN(x, LDW(from + VL, lanes[1]));
        if (stride == 4)
            x = EVEN(EVEN(x, LDW(from + VL, lanes[1])),
                     EVEN(LDW(from + 2 * VL, lanes[2]), LDW(from + 3 * VL, lanes[3])));
        STU(to + k->piece[i].to, x);
    }
}

/* The rows of a cn_pack, one after the other. */
typedef struct packing {
    const cn_pack *pack;
    const float *plane, *line, *tap; /* of the next row: its channel's first tap, its line's, its */
    float *to;
    int32_t x, y;
    pieces pieces;
} packing;

CN_INLINE void pack_begin(packing *k, const cn_pack *p, float *panel, int stride)
{
    k->pack = p;
    k->plane = k->line = k->tap = p->data;
    k->to = panel;
    k->x = k->y = 0;
    pack_cut(&k->pieces, p->segments, p->segment_count, stride);
}

/* Packs the next row. Local copies: stores of vectors may change all that is in memory. */
CN_INLINE void pack_row(packing *k, int stride)
{
    const cn_pack *p = k->pack;
    const float *tap = k->tap;
    float *to = k->to;
    pack_pieces(&k->pieces, tap, to, stride);
    k->to = to + p->pitch;
    k->tap = tap + p->column;
    if (++k->x < p->kernel_w) return;
    k->x = 0;
    k->tap = k->line += p->row;
    if (++k->y < p->kernel_h) return;
    k->y = 0;
    k->tap = k->line = k->plane += p->plane;
}

/* Packing while products are summed is for free, but a row that is read soon after its stores is
 * not: the kernels stay so many rows ahead. */
enum { PACK_AHEAD = 2 };

CN_INLINE void pack_ahead(packing *k, const cn_pack *p, float *panel, size_t depth, int stride)
{
    pack_begin(k, p, panel, stride);
    for (size_t i = 0; i < PACK_AHEAD && i < depth; i++)
        pack_row(k, stride);
}

#endif
