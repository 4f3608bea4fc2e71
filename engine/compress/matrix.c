#include "compress/matrix.h"

#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include "condense/memory.h"
#include "cpu/kernels/kernels.h"

/* A block of the left factor stays in the second-level cache, a strip of it and of the right one in
 * the first; columns are eliminated by PANEL at a time. */
enum {
    DEPTH = 256,
    BLOCK_ROWS = 96,
    BLOCK_COLUMNS = 480,
    PANEL = 64,
    STRIP = 512,
    MOST_TILE = 256
};

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

/* Cholesky's algorithm on the `size` x `size` corner at `a`. */
static bool factor_corner(double *a, int64_t size, int64_t pitch)
{
    for (int64_t j = 0; j < size; j++) {
        double *row = a + j * pitch, pivot = row[j];
        for (int64_t k = 0; k < j; k++)
            pivot -= row[k] * row[k];
        if (!(pivot > 0)) return false;
        row[j] = sqrt(pivot);
        for (int64_t i = j + 1; i < size; i++) {
            double *below = a + i * pitch, sum = below[j];
            for (int64_t k = 0; k < j; k++)
                sum -= below[k] * row[k];
            below[j] = sum / row[j];
        }
    }
    return true;
}

/* Rows of x solve x corner^T = what they hold. */
static void solve_right(const double *corner, int64_t size, double *x, int64_t rows, int64_t pitch)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < size; j++) {
            double *row = x + i * pitch, sum = row[j];
            const double *triangle = corner + j * pitch;
#pragma omp simd reduction(- : sum)
            for (int64_t k = 0; k < j; k++)
                sum -= row[k] * triangle[k];
            row[j] = sum / triangle[j];
        }
}

cn_status matrix_cholesky(double *matrix, int64_t n, cn_error *error)
{
    for (int64_t at = 0; at < n; at += PANEL) {
        int64_t size = least(PANEL, n - at);
        factor below = {.wide = matrix + at * n, .row = n, .depth = 1};
        double *corner = matrix + at * n + at;
        cn_status status =
            matrix_add_product(n - at, size, at, -1, below, below, corner, n, true, error);
        if (status) return status;
        if (!factor_corner(corner, size, n))
            return cn_fail(error, CN_EDIVERGED, "a matrix of %lld rows is not positive definite",
                           (long long)n);
        solve_right(corner, size, corner + size * n, n - at - size, n);
    }
    return CN_OK;
}

/* Columns of x (`size` rows, of which `columns` are given) solve corner x = what they hold. */
static void solve_left(const double *corner, int64_t size, double *x, int64_t columns,
                       int64_t pitch)
{
    for (int64_t i = 0; i < size; i++) {
        double *row = x + i * pitch;
        for (int64_t k = 0; k < i; k++) {
            const double *above = x + k * pitch;
            double by = corner[i * pitch + k];
#pragma omp simd
            for (int64_t j = 0; j < columns; j++)
                row[j] -= by * above[j];
        }
        double by = 1 / corner[i * pitch + i];
#pragma omp simd
        for (int64_t j = 0; j < columns; j++)
            row[j] *= by;
    }
}

/* x = the inverse of the lower triangle `l`. Of a panel of rows, x = corner^-1 (1 - l x), in which
 * the rows of x above are known. */
static cn_status invert_triangle(const double *l, double *x, int64_t n, cn_error *error)
{
    for (int64_t at = 0; at < n; at += PANEL) {
        int64_t size = least(PANEL, n - at);
        for (int64_t column = 0; column < at; column += STRIP) {
            factor left = {.wide = l + at * n + column, .row = n, .depth = 1};
            factor right = {.wide = x + column * n + column, .row = 1, .depth = n};
            cn_status status =
                matrix_add_product(size, least(STRIP, at - column), at - column, -1, left, right,
                                   x + at * n + column, n, false, error);
            if (status) return status;
        }
        for (int64_t i = at; i < at + size; i++)
            x[i * n + i] = 1;
        solve_left(l + at * n + at, size, x + at * n, at + size, n);
    }
    return CN_OK;
}

void matrix_mirror(double *matrix, int64_t n)
{
    enum { SQUARE = 32 };
    for (int64_t row = 0; row < n; row += SQUARE)
        for (int64_t column = 0; column <= row; column += SQUARE)
            for (int64_t i = row; i < least(row + SQUARE, n); i++)
                for (int64_t j = column; j < least(column + SQUARE, i); j++)
                    matrix[j * n + i] = matrix[i * n + j];
}

/* With the inverse x of the triangle, the matrix's is x^T x; of its columns from `at` on only the
 * rows from there on are not zero. */
cn_status matrix_invert(double *matrix, int64_t n, cn_error *error)
{
    double *x = cn_calloc((size_t)n * (size_t)n, sizeof *x);
    if (!x) return cn_fail(error, CN_ENOMEM, "no memory for a matrix of %lld rows", (long long)n);
    cn_status status = matrix_cholesky(matrix, n, error);
    if (!status) status = invert_triangle(matrix, x, n, error);
    if (!status) memset(matrix, 0, (size_t)n * (size_t)n * sizeof *matrix);
    for (int64_t at = 0; at < n && !status; at += STRIP) {
        factor left = {.wide = x + at * n + at, .row = 1, .depth = n};
        factor right = {.wide = x + at * n, .row = 1, .depth = n};
        status = matrix_add_product(least(STRIP, n - at), at, n - at, 1, left, right,
                                    matrix + at * n, n, false, error);
        if (!status)
            status = matrix_add_product(least(STRIP, n - at), least(STRIP, n - at), n - at, 1, left,
                                        left, matrix + at * n + at, n, true, error);
    }
    if (!status) matrix_mirror(matrix, n);
    cn_free(x);
    return status;
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
