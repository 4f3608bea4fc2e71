/* The tile of a double-precision product against straight loops, over odd depths. */
#include <math.h>

#include "check.h"
#include "condense/memory.h"
#include "cpu/kernels/kernels.h"

void test_product(cn_isa isa)
{
    const cn_kernels *k = cn_kernels_for(isa);
    int32_t rows = k->f64_product.rows, columns = k->f64_product.pixels;
    cn_random random = cn_random_seed(5);
    for (int32_t depth = 0; depth < 40; depth += 13) {
        double *a = cn_calloc((size_t)(depth * rows), sizeof *a);
        double *b = cn_calloc((size_t)(depth * columns), sizeof *b);
        double *tile = cn_calloc((size_t)(rows * columns), sizeof *tile);
        int32_t wrong = 0;
        for (int32_t i = 0; i < depth * rows; i++)
            a[i] = cn_random_normal(&random);
        for (int32_t i = 0; i < depth * columns; i++)
            b[i] = cn_random_normal(&random);
        for (int32_t i = 0; i < rows * columns; i++)
            tile[i] = NAN;
        k->f64_product.run((size_t)depth, a, b, tile);
        for (int32_t i = 0; i < rows; i++)
            for (int32_t j = 0; j < columns; j++) {
                double want = 0, got = tile[i * columns + j];
                for (int32_t d = 0; d < depth; d++)
                    want += a[d * rows + i] * b[d * columns + j];
                wrong += !(fabs(got - want) <= 1e-13);
            }
        report(!wrong, "%s: depth %d: %d wrong", k->f64_product.name, depth, wrong);
        cn_free(a);
        cn_free(b);
        cn_free(tile);
    }
}
