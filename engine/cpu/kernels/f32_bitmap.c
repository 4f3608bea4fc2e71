/* Products of rows of weights without their zeros, whose places are bits, with one vector of
 * inputs: see cn_bitmap. Weights are spread over the lanes whose bits are set, so that all else is
 * a dense product. */
#include "cpu/vector/vector.h"

#include "cpu/vector/expand.h"

#include "cpu/kernels/kernels.h"

enum { WORD = 64 }; /* bits */

/* `rows` rows from row `row` on, each `apart` from the one before it, which share the loads of
 * inputs. */
CN_INLINE void multiply(const cn_bitmap *b, int32_t row, int32_t apart, int rows)
{
    V sum[f32_bitmap_ROWS];
    const float *weight[f32_bitmap_ROWS];
    const uint64_t *bits[f32_bitmap_ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        sum[r] = ZERO();
        weight[r] = b->weight + (b->first[row + r * apart] - b->first[0]);
        bits[r] = b->bits + (size_t)(row + r * apart) * b->words;
    }
    const float *in = b->in;
    for (size_t i = 0; i < b->words; i++, in += WORD) {
        uint64_t word[f32_bitmap_ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++)
            word[r] = bits[r][i];
        for (int k = 0; k < WORD; k += VL) {
            V x = LD(in + k);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                uint32_t lanes = (uint32_t)word[r] & (((uint32_t)1 << VL) - 1);
                sum[r] = FMA(EXPAND(lanes, &weight[r]), x, sum[r]);
                word[r] >>= VL;
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        b->sum[row + r * apart] = b->bias[row + r * apart] + HSUM(sum[r]);
}

/* Rows that are done together lie far apart, so that each reads on where the one before it ended:
 * the processor sees a few long runs, where side by side there would be many short ones. */
void CN_KERNEL_NAME(f32_bitmap)(const cn_bitmap *b)
{
    int32_t apart = b->rows / f32_bitmap_ROWS;
    for (int32_t row = 0; row < apart; row++)
        multiply(b, row, apart, f32_bitmap_ROWS);
    for (int32_t row = apart * f32_bitmap_ROWS; row < b->rows; row++)
        multiply(b, row, 0, 1);
}
