/* Pooling. Windows are reduced first down their columns into rows in the scratch memory, in whole
 * vectors, then along these rows. The rows carry their padding, so that the second step has no
 * edges. Several rows are done in the first step before the second one begins: a vector that is
 * loaded across two just stored would wait until both have reached the cache. */
#include <math.h>

#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"
#include "lr/operators.h"

/* Floats by which the input is asked for ahead: large planes come from far, and the processor's own
 * guesses stop at each page. */
enum { AHEAD = 1024 };

/* Reduces rows [first, end) of the plane at `x` into `row`. */
CN_INLINE void reduce_rows(const cn_view *in, const float *x, cn_span rows, float *row, bool max)
{
    for (ptrdiff_t i = 0; i < in->w; i += VL) {
        ptrdiff_t left = in->w - i;
        V v = LDN(x + rows.first * in->row + i, left);
        for (int32_t r = rows.first + 1; r < rows.end; r++) {
            const float *from = x + r * in->row + i;
            __builtin_prefetch(from + AHEAD);
            V other = LDN(from, left);
            v = max ? MAXNAN(v, other) : ADD(v, other);
        }
        STN(row + i, v, left);
    }
}

/* Lanes p[0], p[stride], p[2 * stride], ...; may read 2 * VL floats from p. */
CN_INLINE V load_strided(const float *p, int32_t stride, float *spare)
{
    if (stride == 1) return LDU(p);
    if (stride == 2) return EVEN(LDU(p), LDU(p + VL));
    for (int i = 0; i < VL; i++)
        spare[i] = p[i * stride];
    return LDU(spare);
}

/* One output row from the reduced row, whose first float is the first padded column. `weights`
 * (average only) holds what each output column's sum is multiplied with. */
CN_INLINE void reduce_columns(const cn_simple_args *a, const float *row, const float *weights,
                              float factor, float *y, int32_t stride, bool max)
{
    const cn_window *w = &a->op->window;
    float spare[VL];
    for (ptrdiff_t j = 0; j < a->out->w; j += VL) {
        const float *p = row + j * w->stride_w;
        V v = load_strided(p, stride, spare);
        for (int32_t k = 1; k < w->kernel_w; k++) {
            V other = load_strided(p + k, stride, spare);
            v = max ? MAXNAN(v, other) : ADD(v, other);
        }
        if (!max) v = MUL(v, MUL(LDU(weights + j), BCAST(factor)));
        STN(y + j, v, a->out->w - j);
    }
}

/* Scratch: CN_POOL_ROWS rows with room for every window and for reading whole vectors, then the
 * weights. This is one row. */
static size_t row_floats(const cn_simple_args *a)
{
    const cn_window *w = &a->op->window;
    size_t outputs = ((size_t)a->out->w + VL - 1) / VL * VL;
    size_t windows = outputs * (size_t)w->stride_w + (size_t)w->kernel_w + 2 * VL;
    size_t inputs = (size_t)w->pad_left + (size_t)a->in->w + VL;
    size_t floats = windows > inputs ? windows : inputs;
    return (floats + 15) / 16 * 16;
}

static float count_of(const cn_simple_args *a, cn_span span)
{
    return (float)(a->op->count_padding ? span.padded : span.end - span.first);
}

CN_INLINE void pool(const cn_simple_args *a, int32_t stride, bool max)
{
    const cn_window *w = &a->op->window;
    const cn_view *in = a->in, *out = a->out;
    size_t floats = row_floats(a);
    float *reduced = a->scratch, *weights = a->scratch + CN_POOL_ROWS * floats;
    for (size_t i = 0; i < CN_POOL_ROWS * floats; i++)
        reduced[i] = max ? -INFINITY : 0.0f;
    for (int32_t j = 0; j < out->w && !max; j++)
        weights[j] = 1.0f / count_of(a, cn_pool_span(w, true, j, in->w));
    for (size_t unit = a->first; unit < a->end; unit++) {
        const float *x = cn_unit_plane(in, unit);
        float *y = cn_unit_plane(out, unit);
        for (int32_t top = 0; top < out->h; top += CN_POOL_ROWS) {
            int32_t count = out->h - top < CN_POOL_ROWS ? out->h - top : CN_POOL_ROWS;
            for (int32_t i = 0; i < count; i++)
                reduce_rows(in, x, cn_pool_span(w, false, top + i, in->h),
                            reduced + (size_t)i * floats + w->pad_left, max);
            for (int32_t i = 0; i < count; i++) {
                float factor = 1.0f / count_of(a, cn_pool_span(w, false, top + i, in->h));
                reduce_columns(a, reduced + (size_t)i * floats, weights, factor,
                               y + (top + i) * out->row, stride, max);
            }
        }
    }
}

CN_INLINE void pool_by_stride(const cn_simple_args *a, bool max)
{
    if (a->op->window.stride_w == 1)
        pool(a, 1, max);
    else if (a->op->window.stride_w == 2)
        pool(a, 2, max);
    else
        pool(a, a->op->window.stride_w, max);
}

void CN_KERNEL_NAME(f32_max_pool)(const cn_simple_args *a)
{
    pool_by_stride(a, true);
}

void CN_KERNEL_NAME(f32_avg_pool)(const cn_simple_args *a)
{
    pool_by_stride(a, false);
}

void CN_KERNEL_NAME(f32_global_pool)(const cn_simple_args *a)
{
    const cn_view *in = a->in;
    bool whole = cn_rows_touch(in);
    ptrdiff_t width = whole ? (ptrdiff_t)in->h * in->w : in->w;
    int32_t height = whole ? 1 : in->h;
    for (size_t unit = a->first; unit < a->end; unit++) {
        const float *x = cn_unit_plane(in, unit);
        V sum = ZERO();
        for (int32_t i = 0; i < height; i++)
            for (ptrdiff_t j = 0; j < width; j += VL)
                sum = ADD(sum, LDN(x + i * in->row + j, width - j));
        *cn_unit_plane(a->out, unit) = HSUM(sum) / ((float)in->h * (float)in->w);
    }
}
