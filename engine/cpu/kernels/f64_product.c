/* One tile of a matrix product in double precision, for what is not inference: second moments and
 * their factors (condense/post.h). The tile stays in registers. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f64_product_ROWS, COLUMNS = f64_product_PIXELS, VECTORS = COLUMNS / DL };

void CN_KERNEL_NAME(f64_product)(size_t depth, const double *a, const double *b, double *tile)
{
    D sum[ROWS][VECTORS], right[VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            sum[i][v] = DBCAST(0);
    for (size_t k = 0; k < depth; k++, a += ROWS, b += COLUMNS) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            right[v] = DLDU(b + v * DL);
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            D left = DBCAST(a[i]);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[i][v] = DFMA(left, right[v], sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            DSTU(tile + i * COLUMNS + v * DL, sum[i][v]);
}
