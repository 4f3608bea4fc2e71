#include "compress/matrix.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/kernels/kernels.h"

/* A block of the left factor stays in the second-level cache, a strip of it and of the right one in
 * the first. */
enum { DEPTH = 256, BLOCK_ROWS = 96, BLOCK_COLUMNS = 1920, MOST_TILE = 256, SMALL = 48 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Rows first .. first + count - 1 of `f`, `tile` of them side by side at each depth; rows that do
 * not exist are zero. */
static void pack(const factor *f, int64_t first, int64_t count, int64_t depth_first, int64_t depth,
                 int64_t tile, double *to)
{
    for (int64_t row = 0; row < count; row += tile, to += depth * tile) {
        int64_t rows = least(tile, count - row);
        if (rows < tile) memset(to, 0, (size_t)(depth * tile) * sizeof *to);
        ptrdiff_t at = (first + row) * f->row + depth_first * f->depth;
        if (f->narrow)
            for (int64_t k = 0; k < depth; k++)
                for (int64_t i = 0; i < rows; i++)
                    to[k * tile + i] = (double)f->narrow[at + k * f->depth + i * f->row];
        else if (f->row == 1)
            for (int64_t k = 0; k < depth; k++)
                for (int64_t i = 0; i < rows; i++)
                    to[k * tile + i] = f->wide[at + k * f->depth + i];
        else
            for (int64_t i = 0; i < rows; i++)
                for (int64_t k = 0; k < depth; k++)
                    to[k * tile + i] = f->wide[at + k * f->depth + i * f->row];
    }
}

typedef struct product {
    const cn_kernels *kernels;
    int64_t rows, columns, depth; /* of the block */
    double scale;
    double *left, *right; /* packed */
    double *to;           /* the block's corner */
    ptrdiff_t pitch;
} product;

static void add_tile(const product *p, int64_t row, int64_t column, const double *tile)
{
    int64_t width = p->kernels->f64_product.pixels;
    int64_t rows = least(p->kernels->f64_product.rows, p->rows - row);
    int64_t columns = least(width, p->columns - column);
    for (int64_t i = 0; i < rows; i++) {
        double *to = p->to + (row + i) * p->pitch + column;
        for (int64_t j = 0; j < columns; j++)
            to[j] += p->scale * tile[i * width + j];
    }
}

/* `below`: how far the block's first row is below its first column; tiles that lie above the
 * diagonal are left out. */
static void add_block(const product *p, bool lower, int64_t below)
{
    int64_t height = p->kernels->f64_product.rows, width = p->kernels->f64_product.pixels;
    double tile[MOST_TILE];
    for (int64_t column = 0; column < p->columns; column += width)
        for (int64_t row = 0; row < p->rows; row += height) {
            if (lower && row + height - 1 + below < column) continue;
            p->kernels->f64_product.run((size_t)p->depth, p->left + row * p->depth,
                                        p->right + column * p->depth, tile);
            add_tile(p, row, column, tile);
        }
}

cn_status matrix_add_product(int64_t rows, int64_t columns, int64_t depth, double scale, factor a,
                             factor b, double *to, ptrdiff_t pitch, bool lower, cn_error *error)
{
    product p = {.kernels = cn_kernels_for(CN_ISA_BEST), .scale = scale, .pitch = pitch};
    int64_t height = p.kernels->f64_product.rows, width = p.kernels->f64_product.pixels;
    int64_t most = least(DEPTH, depth);
    if (rows < 1 || columns < 1 || depth < 1) return CN_OK;
    p.left = cn_calloc((size_t)((least(BLOCK_ROWS, rows) + height) * most), sizeof *p.left);
    p.right = cn_calloc((size_t)((least(BLOCK_COLUMNS, columns) + width) * most), sizeof *p.right);
    if (p.left && p.right)
        for (int64_t column = 0; column < columns; column += BLOCK_COLUMNS)
            for (int64_t k = 0; k < depth; k += DEPTH) {
                p.columns = least(BLOCK_COLUMNS, columns - column);
                p.depth = least(DEPTH, depth - k);
                pack(&b, column, p.columns, k, p.depth, width, p.right);
                for (int64_t row = 0; row < rows; row += BLOCK_ROWS) {
                    p.rows = least(BLOCK_ROWS, rows - row);
                    if (lower && row + p.rows - 1 < column) continue;
                    pack(&a, row, p.rows, k, p.depth, height, p.left);
                    p.to = to + row * pitch + column;
                    add_block(&p, lower, row - column);
                }
            }
    bool done = p.left && p.right;
    cn_free(p.left);
    cn_free(p.right);
    return done ? CN_OK : cn_fail(error, CN_ENOMEM, "no memory for a product of matrices");
}

/* Element (j, i) = element (i, j) for i > j. */
static void mirror(double *matrix, int64_t n, int64_t pitch)
{
    enum { SQUARE = 32 };
    for (int64_t row = 0; row < n; row += SQUARE)
        for (int64_t column = 0; column <= row; column += SQUARE)
            for (int64_t i = row; i < least(row + SQUARE, n); i++)
                for (int64_t j = column; j < least(column + SQUARE, i); j++)
                    matrix[j * pitch + i] = matrix[i * pitch + j];
}

/* Gauss and Jordan's elimination of a small matrix, all of it. */
static bool invert_small(double *a, int64_t n, int64_t pitch)
{
    for (int64_t k = 0; k < n; k++) {
        double *pivot = a + k * pitch, by = 1 / pivot[k];
        if (!(pivot[k] > 0)) return false;
        pivot[k] = 1;
        for (int64_t j = 0; j < n; j++)
            pivot[j] *= by;
        for (int64_t i = 0; i < n; i++) {
            double *row = a + i * pitch, times = row[k];
            if (i == k) continue;
            row[k] = 0;
            for (int64_t j = 0; j < n; j++)
                row[j] -= times * pivot[j];
        }
    }
    return true;
}

/* The matrix in four: A and its inverse, C below it, D. With P = C A^-1 the inverse of the Schur
 * complement S = D - P C^T goes where D is, -S^-1 P where C is, and A^-1 + P^T S^-1 P where A is:
 * n^3 operations altogether, as by Cholesky's factor, and nearly all in large products. */
static cn_status invert(double *a, int64_t n, int64_t pitch, cn_error *error)
{
    int64_t half = n / 2, rest = n - half;
    double *c = a + half * pitch, *d = c + half;
    if (n <= SMALL)
        return invert_small(a, n, pitch)
                   ? CN_OK
                   : cn_fail(error, CN_EDIVERGED, "a matrix is not positive definite");
    double *p = cn_calloc((size_t)(rest * half), sizeof *p);
    if (!p) return cn_fail(error, CN_ENOMEM, "no memory for a matrix of %lld rows", (long long)n);
    factor lower = {.wide = c, .row = pitch, .depth = 1}, corner = {a, NULL, pitch, 1};
    factor rows = {.wide = p, .row = half, .depth = 1}, columns = {p, NULL, 1, half};
    cn_status status = invert(a, half, pitch, error);
    if (!status)
        status = matrix_add_product(rest, half, half, 1, lower, corner, p, half, false, error);
    if (!status)
        status = matrix_add_product(rest, rest, half, -1, rows, lower, d, pitch, true, error);
    if (!status) {
        mirror(d, rest, pitch);
        status = invert(d, rest, pitch, error);
    }
    for (int64_t i = 0; i < rest; i++)
        memset(c + i * pitch, 0, (size_t)half * sizeof *c);
    factor schur = {.wide = d, .row = pitch, .depth = 1}, below = {c, NULL, 1, pitch};
    if (!status)
        status = matrix_add_product(rest, half, rest, -1, schur, columns, c, pitch, false, error);
    if (!status)
        status = matrix_add_product(half, half, rest, -1, columns, below, a, pitch, true, error);
    if (!status) mirror(a, half, pitch);
    for (int64_t i = 0; i < rest && !status; i++)
        for (int64_t j = 0; j < half; j++)
            a[j * pitch + half + i] = c[i * pitch + j];
    cn_free(p);
    return status;
}

cn_status matrix_invert(double *matrix, int64_t n, cn_error *error)
{
    return invert(matrix, n, n, error);
}

void matrix_mirror(double *matrix, int64_t n)
{
    mirror(matrix, n, n);
}

cn_status matrix_product_single(int64_t rows, int64_t columns, int64_t depth, const float *a,
                                const float *b, float *to, cn_error *error)
{
    dnnl_status_t status =
        dnnl_sgemm('N', 'N', rows, columns, depth, 1, a, depth, b, columns, 0, to, columns);
    return status == dnnl_success
               ? CN_OK
               : cn_fail(error, CN_EUNSUPPORTED, "oneDNN cannot multiply matrices (%d)", status);
}
