/* Runs of output pixels: where they lie in the input and in the output. */
#include <math.h>

#include "cpu/conv_methods.h"

/* Steps of a view that output pixels walk over: floats from image to image, row to row, pixel to
 * pixel. */
typedef struct steps {
    ptrdiff_t image, row, pixel;
} steps;

/* Cuts output pixels first .. first + count - 1 (of all images, row by row) into segments that are
 * evenly spaced in view `a` and in view `b`; returns how many. */
static int32_t cut(cn_shape out, size_t first, int32_t count, steps a, steps b,
                   cn_segment *segments)
{
    size_t area = (size_t)out.h * (size_t)out.w;
    ptrdiff_t image = (ptrdiff_t)(first / area);
    int32_t y = (int32_t)(first % area / (size_t)out.w), x = (int32_t)(first % (size_t)out.w),
            n = 0;
    for (int32_t done = 0; done < count;) {
        int32_t run = out.w - x < count - done ? out.w - x : count - done;
        ptrdiff_t at = image * a.image + y * a.row + x * a.pixel;
        ptrdiff_t also = image * b.image + y * b.row + x * b.pixel;
        cn_segment *last = n ? segments + n - 1 : NULL;
        if (last && at == last->at + last->count * a.pixel &&
            also == last->also + last->count * b.pixel)
            last->count += run;
        else
            segments[n++] = (cn_segment){.at = at, .also = also, .first = done, .count = run};
        done += run;
        x = 0;
        if (++y == out.h) {
            y = 0;
            image++;
        }
    }
    return n;
}

int32_t cn_conv_cut_input(const cn_conv *c, const cn_view *in, size_t first, int32_t count,
                          cn_segment *segments)
{
    const cn_window *w = &c->problem.window;
    steps from = {in->image, in->row * w->stride_h, w->stride_w};
    return cut(c->problem.out, first, count, from, from, segments);
}

int32_t cn_conv_cut_output(const cn_conv *c, const cn_view *out, const cn_view *residual,
                           size_t first, int32_t count, cn_segment *segments)
{
    const cn_view *other = residual ? residual : out;
    return cut(c->problem.out, first, count, (steps){out->image, out->row, 1},
               (steps){other->image, other->row, 1}, segments);
}

cn_pack cn_conv_pack(const cn_conv *c, const cn_view *in, size_t group)
{
    const cn_window *w = &c->problem.window;
    return (cn_pack){
        .data = in->data + (ptrdiff_t)group * c->group_in * in->plane - w->pad_top * in->row -
                w->pad_left,
        .plane = in->plane,
        .row = in->row * w->dilation_h,
        .column = w->dilation_w,
        .channels = c->group_in,
        .kernel_h = w->kernel_h,
        .kernel_w = w->kernel_w,
        .stride = w->stride_w,
    };
}

bool cn_conv_store(const cn_conv *c, int32_t pixels, const cn_segment *segments, int32_t count,
                   cn_store *store)
{
    int32_t lanes = c->kernels->lanes, vectors = (pixels + lanes - 1) / lanes, n = 0;
    int32_t width = 0;
    for (int32_t v = 0, s = 0; v < vectors; v++) {
        store->first[v] = n;
        while (s < count && segments[s].first < (v + 1) * lanes) {
            const cn_segment *g = &segments[s];
            int32_t from = g->first - v * lanes, to = from + g->count;
            store->pieces[n++] = (cn_piece){.at = g->at - from,
                                            .also = g->also - from,
                                            .from = from < 0 ? 0 : from,
                                            .to = to < lanes ? to : lanes};
            width += store->pieces[n - 1].to - store->pieces[n - 1].from;
            if (to > lanes) break; /* goes on in the next vector */
            s++;
        }
    }
    for (int32_t v = vectors; v <= CN_MAX_VECTORS; v++)
        store->first[v] = n;
    store->whole = n == vectors && width == n * lanes;
    cn_activation activation = c->problem.activation;
    store->low = activation == CN_ACT_NONE ? -INFINITY : 0;
    store->high = activation == CN_ACT_RELU6 ? 6 : INFINITY;
    return activation == CN_ACT_NONE || activation == CN_ACT_RELU || activation == CN_ACT_RELU6;
}

void cn_conv_expect(const cn_store *s)
{
    int32_t count = s->first[CN_MAX_VECTORS];
    for (int32_t i = 0; i < count; i++) {
        const cn_piece *p = &s->pieces[i];
        const float *out = s->out + p->at + p->from;
        for (int32_t r = 0; r < s->rows; r++)
            __builtin_prefetch(out + (s->plane ? s->plane[r] : r) * s->out_plane, 1);
        if (!s->residual) continue;
        const float *residual = s->residual + p->also + p->from;
        for (int32_t r = 0; r < s->rows; r++)
            __builtin_prefetch(residual + (s->plane ? s->plane[r] : r) * s->residual_plane);
    }
}
