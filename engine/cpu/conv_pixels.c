/* Runs of output pixels: where they lie in the input and in the output. */
#include "cpu/conv_ways.h"

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

void cn_conv_expect(const cn_finish *f)
{
    for (int32_t r = 0; r < f->rows; r++)
        for (int32_t s = 0; s < f->segment_count; s++)
            for (ptrdiff_t i = 0; i < f->segments[s].count; i += CN_LINE) {
                __builtin_prefetch(f->out + r * f->out_plane + f->segments[s].at + i, 1);
                if (f->residual)
                    __builtin_prefetch(f->residual + r * f->residual_plane + f->segments[s].also +
                                       i);
            }
}
