/* Operators that work pixel by pixel: activation, batch norm (affine), addition. Inputs and output
 * may be the same memory. */
#include "cpu/vector/math.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

typedef enum pointwise { ACTIVATION, AFFINE, ADDITION } pointwise;

/* What varies from unit to unit. */
typedef struct plane {
    float *y;
    V mean, scale, shift;
} plane;

/* `count` pixels from offset `at` of the unit's planes. */
CN_INLINE void run(const cn_simple_args *a, const plane *p, size_t unit, ptrdiff_t in_at,
                   ptrdiff_t out_at, ptrdiff_t count, pointwise what, cn_activation activation)
{
    const float *x = cn_unit_plane(a->in, unit) + in_at;
    float *y = p->y + out_at;
    for (ptrdiff_t i = 0; i < count; i += VL) {
        ptrdiff_t left = count - i;
        V v = LDN(x + i, left);
        if (what == AFFINE) v = FMA(SUB(v, p->mean), p->scale, p->shift);
        STN(y + i, ACTIVATE(v, activation), left);
    }
}

/* Inputs may differ in their strides: each row of each is found anew. */
CN_INLINE void add_run(const cn_simple_args *a, size_t unit, int32_t line, float *y,
                       ptrdiff_t count, cn_activation activation)
{
    int32_t inputs = a->op->input_count;
    const float *first = cn_unit_plane(&a->in[0], unit) + line * a->in[0].row;
    for (ptrdiff_t i = 0; i < count; i += VL) {
        ptrdiff_t left = count - i;
        V v = LDN(first + i, left);
        for (int32_t k = 1; k < inputs; k++)
            v = ADD(v, LDN(cn_unit_plane(&a->in[k], unit) + line * a->in[k].row + i, left));
        STN(y + i, ACTIVATE(v, activation), left);
    }
}

CN_INLINE void each_unit(const cn_simple_args *a, pointwise what, cn_activation activation)
{
    const cn_view *out = a->out;
    bool whole = cn_rows_touch(out);
    for (int32_t k = 0; k < a->op->input_count; k++)
        whole = whole && cn_rows_touch(&a->in[k]);
    int32_t lines = whole ? 1 : out->h;
    ptrdiff_t count = whole ? (ptrdiff_t)out->h * out->w : out->w;
    for (size_t unit = a->first; unit < a->end; unit++) {
        plane p = {.y = cn_unit_plane(out, unit)};
        if (what == AFFINE) {
            size_t c = unit % (size_t)out->c;
            p.mean = BCAST(a->op->mean[c]);
            p.scale = BCAST(a->op->scale[c]);
            p.shift = BCAST(a->op->shift[c]);
        }
        for (int32_t line = 0; line < lines; line++)
            if (what == ADDITION)
                add_run(a, unit, line, p.y + line * out->row, count, activation);
            else
                run(a, &p, unit, line * a->in->row, line * out->row, count, what, activation);
    }
}

CN_INLINE void by_activation(const cn_simple_args *a, pointwise what)
{
    switch (a->op->activation) {
    case CN_ACT_NONE:
        each_unit(a, what, CN_ACT_NONE);
        break;
    case CN_ACT_RELU:
        each_unit(a, what, CN_ACT_RELU);
        break;
    case CN_ACT_RELU6:
        each_unit(a, what, CN_ACT_RELU6);
        break;
    case CN_ACT_SIGMOID:
        each_unit(a, what, CN_ACT_SIGMOID);
        break;
    case CN_ACT_TANH:
        each_unit(a, what, CN_ACT_TANH);
        break;
    }
}

void CN_KERNEL_NAME(f32_activate)(const cn_simple_args *a)
{
    by_activation(a, ACTIVATION);
}

void CN_KERNEL_NAME(f32_affine)(const cn_simple_args *a)
{
    by_activation(a, AFFINE);
}

void CN_KERNEL_NAME(f32_add)(const cn_simple_args *a)
{
    by_activation(a, ADDITION);
}
