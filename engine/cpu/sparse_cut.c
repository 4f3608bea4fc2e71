/* How the sparse convolution cuts its pixels, and what that is expected to cost. */
#include "cpu/sparse_cut.h"

cn_sparse_kernel cn_sparse_kernel_of(const cn_conv *c)
{
    const cn_kernels *k = c->kernels;
#define KERNEL(n)                                                                                  \
    case n:                                                                                        \
        return (cn_sparse_kernel){k->f32_sparse##n.run, k->f32_sparse##n.name, n,                  \
                                  k->f32_sparse##n.pixels};
    switch (c->method->rows) {
        KERNEL(1)
        KERNEL(2)
        KERNEL(4)
    default:
        KERNEL(8)
    }
#undef KERNEL
}

static bool is_one_pixel(const cn_conv_problem *p)
{
    return p->out.h == 1 && p->out.w == 1;
}

static cn_cutting cut_run(const cn_conv *c, size_t runs, size_t pixels)
{
    size_t lanes = (size_t)c->kernels->lanes, most = (size_t)cn_sparse_kernel_of(c).pixels / lanes;
    cn_cutting cut = {.runs = runs, .pixels = pixels, .left = pixels % lanes};
    if (pixels > lanes && (cut.left > CN_NARROW_PIXELS || c->method->rows < 8)) cut.left = 0;
    if (pixels < lanes) cut.left = pixels;
    cut.vectors = (pixels - cut.left + lanes - 1) / lanes;
    cut.tiles = (cut.vectors + most - 1) / most;
    if (cut.tiles > 1) cut.tiles += cut.tiles % 2; /* two threads have the same work */
    if (!cut.tiles) cut.tiles = 1;
    return cut;
}

cn_cutting cn_cut_packed(const cn_conv *c, int32_t batch)
{
    const cn_shape *out = &c->problem.out;
    return cut_run(c, 1, (size_t)batch * (size_t)out->h * (size_t)out->w);
}

cn_cutting cn_cut_direct(const cn_conv *c, int32_t batch, ptrdiff_t row)
{
    const cn_shape *out = &c->problem.out;
    return cut_run(c, (size_t)batch, (size_t)((out->h - 1) * row + out->w));
}

/* Without the view: rows lie as far apart as the padding demands. */
static cn_cutting expect_direct(const cn_conv *c, int32_t batch)
{
    int32_t halo[4];
    cn_conv_halo(&c->problem, halo);
    return cn_cut_direct(c, batch, c->problem.in.w + (halo[2] > halo[3] ? halo[2] : halo[3]));
}

const cn_mask_blocks *cn_sparse_blocks(const cn_conv *c)
{
    return c->sparse ? &c->sparse->own : cn_mask_blocks_of(c->problem.mask, c->method->rows);
}

size_t cn_sparse_steps(const cn_conv *c)
{
    const cn_mask_blocks *b = cn_sparse_blocks(c);
    return b->first[(size_t)c->problem.groups * b->blocks];
}

/* What a step takes for a vector of pixels: a product for each row, or the loads that it waits for
 * where few rows share them, from planes far apart longer than from a panel. */
static double step_cost(int32_t rows, bool packed)
{
    return rows == 8 ? 8 : rows == 4 ? 5.2 : packed ? 3.8 : 4.6;
}

bool cn_cut_takes_left(const cn_conv *c, cn_cutting cut)
{
    size_t most = (size_t)(cn_sparse_kernel_of(c).pixels / c->kernels->lanes);
    return c->method->rows == 8 && cut.left && cut.left <= CN_NARROW_PIXELS && cut.vectors >= most;
}

/* Operations of a cut; copying a vector into the panel costs six. Up to four pixels left over on
 * their own cost a step as long as a sum waits for the one before it, some sums side by side or
 * not. */
static double cost_of(const cn_conv *c, cn_cutting cut, bool packed)
{
    double steps = (double)cn_sparse_steps(c),
           blocks = (double)c->problem.groups * cn_sparse_blocks(c)->blocks;
    double taps = packed ? (double)c->problem.mask->taps : 0;
    double vector =
        steps * step_cost(c->method->rows, packed) + 2 * blocks * c->method->rows + 6 * taps;
    double few = steps * (c->method->rows == 1 && cut.left == 1 ? 4 : 7) + taps;
    double left = (double)((cut.left + CN_NARROW_PIXELS - 1) / CN_NARROW_PIXELS);
    if (cn_cut_takes_left(c, cut)) few = steps * (double)(1 + cut.left);
    return (double)cut.runs * ((double)cut.vectors * vector + left * few);
}

double cn_sparse_cost(const cn_conv *c, int32_t batch)
{
    bool packed = cn_sparse_is_packed(c);
    return cost_of(c, packed ? cn_cut_packed(c, batch) : expect_direct(c, batch), packed);
}

/* Decided for one image, so that the sums do not depend on the batch. A picture of one pixel has no
 * stride, and nothing to gain. */
bool cn_sparse_is_packed(const cn_conv *c)
{
    if (c->sparse) return c->sparse->tap;
    if (is_one_pixel(&c->problem)) return false;
    if (cn_conv_is_strided(&c->problem)) return true;
    if (c->way.input != CN_INPUT_AUTO) return c->way.input == CN_INPUT_PACKED;
    return cost_of(c, cn_cut_packed(c, 1), true) < cost_of(c, expect_direct(c, 1), false);
}

cn_cutting cn_cut_up(const cn_conv *c, int32_t batch)
{
    return cn_sparse_is_packed(c) ? cn_cut_packed(c, batch) : expect_direct(c, batch);
}

size_t cn_sparse_taps(const cn_conv *c)
{
    return c->sparse && c->sparse->tap ? c->sparse->taps[c->problem.groups]
           : c->problem.mask           ? c->problem.mask->taps
                                       : c->depth;
}

size_t cn_sparse_pitch(const cn_conv *c)
{
    cn_cutting one = cn_cut_packed(c, 1);
    size_t beside = cn_cut_takes_left(c, one) ? (size_t)c->kernels->lanes : 0;
    return (size_t)cn_sparse_kernel_of(c).pixels + beside;
}
