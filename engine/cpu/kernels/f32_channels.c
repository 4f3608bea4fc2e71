/* Operators that work across the channels: their unit is one row of pixels of one image. */
#include <math.h>

#include "cpu/vector/math.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

/* base^-beta for positive bases. AlexNet's 0.75 and plain 0.5 and 1 are square roots and a
 * division; other exponents go through the C library, lane by lane. */
CN_INLINE V power(V base, float beta)
{
    if (beta == 0.75f) {
        V root = SQRT(base);
        return DIV(BCAST(1), MUL(root, SQRT(root)));
    }
    if (beta == 0.5f) return DIV(BCAST(1), SQRT(base));
    if (beta == 1.0f) return DIV(BCAST(1), base);
    float lanes[VL];
    STU(lanes, base);
    for (int i = 0; i < VL; i++)
        lanes[i] = powf(lanes[i], -beta);
    return LDU(lanes);
}

static const float *unit_row(const cn_view *view, size_t unit)
{
    size_t rows = (size_t)view->h;
    return view->data + (ptrdiff_t)(unit / rows) * view->image +
           (ptrdiff_t)(unit % rows) * view->row;
}

CN_INLINE void normalize_row(const cn_simple_args *a, const float *x, float *y, float beta)
{
    const cn_view *in = a->in, *out = a->out;
    int32_t half = (a->op->lrn_size - 1) / 2;
    for (int32_t c = 0; c < in->c; c++) {
        int32_t first = c > half ? c - half : 0;
        int32_t end = c - half + a->op->lrn_size < in->c ? c - half + a->op->lrn_size : in->c;
        for (ptrdiff_t i = 0; i < in->w; i += VL) {
            ptrdiff_t left = in->w - i;
            V sum = ZERO();
            for (int32_t k = first; k < end; k++) {
                V v = LDN(x + k * in->plane + i, left);
                sum = FMA(v, v, sum);
            }
            V base = FMA(sum, BCAST(a->op->lrn_scale), BCAST(a->op->lrn_k));
            STN(y + c * out->plane + i, MUL(LDN(x + c * in->plane + i, left), power(base, beta)),
                left);
        }
    }
}

void CN_KERNEL_NAME(f32_lrn)(const cn_simple_args *a)
{
    for (size_t unit = a->first; unit < a->end; unit++) {
        const float *x = unit_row(a->in, unit);
        float *y = a->out->data + (unit_row(a->out, unit) - a->out->data);
        if (a->op->lrn_beta == 0.75f)
            normalize_row(a, x, y, 0.75f);
        else
            normalize_row(a, x, y, a->op->lrn_beta);
    }
}

/* Softmax of one pixel: its channels are gathered into the scratch memory first. What fills the
 * last vector has an exponential of 7e-46, which no sum of at least 1 notices. */
static void softmax_pixel(const float *x, ptrdiff_t in_plane, float *y, ptrdiff_t out_plane,
                          int32_t channels, float *scratch)
{
    float largest = -INFINITY;
    for (int32_t c = 0; c < channels; c++) {
        scratch[c] = x[c * in_plane];
        if (scratch[c] > largest) largest = scratch[c];
    }
    for (int32_t c = channels; c % VL; c++)
        scratch[c] = -INFINITY;
    V sum = ZERO();
    for (int32_t c = 0; c < channels; c += VL) {
        V v = EXP(SUB(LDU(scratch + c), BCAST(largest)));
        STU(scratch + c, v);
        sum = ADD(sum, v);
    }
    float inverse = 1.0f / HSUM(sum);
    for (int32_t c = 0; c < channels; c++)
        y[c * out_plane] = scratch[c] * inverse;
}

void CN_KERNEL_NAME(f32_softmax)(const cn_simple_args *a)
{
    for (size_t unit = a->first; unit < a->end; unit++) {
        const float *x = unit_row(a->in, unit);
        float *y = a->out->data + (unit_row(a->out, unit) - a->out->data);
        for (int32_t i = 0; i < a->in->w; i++)
            softmax_pixel(x + i, a->in->plane, y + i, a->out->plane, a->in->c, a->scratch);
    }
}
