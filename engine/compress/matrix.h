/* Dense matrices, row-major: products and the inverse of a symmetric positive definite matrix in
 * double precision, blocked for the kernel f64_product, and products in single precision
 * (oneDNN). One thread. */
#ifndef COMPRESS_MATRIX_H
#define COMPRESS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

/* Element (i, k) of a factor is at i * row + k * depth of `wide` or `narrow`, whichever is not
 * NULL. */
typedef struct factor {
    const double *wide;
    const float *narrow;
    ptrdiff_t row, depth;
} factor;

/* to[i * pitch + j] += scale * sum over k < depth of a(i, k) b(j, k), for i < rows and j < columns.
 * With `lower`, elements above the diagonal (i < j) may or may not be done. */
cn_status matrix_add_product(int64_t rows, int64_t columns, int64_t depth, double scale, factor a,
                             factor b, double *to, ptrdiff_t pitch, bool lower, cn_error *error);

/* The symmetric positive definite n x n matrix becomes its inverse. CN_EDIVERGED where it is not
 * positive definite. */
cn_status matrix_invert(double *matrix, int64_t n, cn_error *error);

/* Element (j, i) = element (i, j) for i > j. */
void matrix_mirror(double *matrix, int64_t n);

/* to (rows x columns) = a (rows x depth) b (depth x columns), in single precision: relative to the
 * sum of the products' magnitudes each result is off by some 1e-7 times the root of depth. */
cn_status matrix_product_single(int64_t rows, int64_t columns, int64_t depth, const float *a,
                                const float *b, float *to, cn_error *error);

#endif
