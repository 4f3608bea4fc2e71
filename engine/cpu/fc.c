/* Fully connected. The input is copied into scratch as one dense, zero-filled row an image; a task
 * takes a range of output blocks and streams their weights once for all the images.
 *
 * Packed weights: for each block of ROWS outputs, depth/VL x ROWS x VL floats, where depth is the
 * number of inputs rounded up to a whole vector; what is missing is zero. Biases: one a packed
 * output. */
#include "cpu/fc.h"

#include <string.h>

#include "condense/memory.h"
#include "cpu/kernels/kernels.h"

enum { MAX_ROWS = 8, IMAGES = 16 }; /* rows of any kernel; images finished at a time */

struct cn_fc {
    cn_fc_problem problem;
    const cn_kernels *kernels;
    size_t inputs, depth, blocks, weight_bytes;
    float *weight, *bias;
};

static void pack_weights(cn_fc *f, const float *weight, const float *bias)
{
    size_t rows = (size_t)f->kernels->f32_fc.rows, lanes = (size_t)f->kernels->lanes;
    for (size_t o = 0; o < (size_t)f->problem.out_c; o++) {
        float *to = f->weight + o / rows * rows * f->depth + o % rows * lanes;
        for (size_t k = 0; k < f->inputs; k++)
            to[k / lanes * rows * lanes + k % lanes] = weight[o * f->inputs + k];
        if (bias) f->bias[o] = bias[o];
    }
}

cn_status cn_fc_new(cn_fc **out, const cn_fc_problem *problem, const float *weight,
                    const float *bias, cn_isa isa, cn_error *error)
{
    size_t inputs, weights;
    if (problem->in.c < 1 || problem->in.h < 1 || problem->in.w < 1 || problem->out_c < 1 ||
        !cn_mul_size((size_t)problem->in.h, (size_t)problem->in.w, &inputs) ||
        !cn_mul_size(inputs, (size_t)problem->in.c, &inputs) || inputs > INT32_MAX)
        return cn_fail(error, CN_EINVAL, "fully connected layer from %d x %d x %d to %d values",
                       problem->in.c, problem->in.h, problem->in.w, problem->out_c);
    cn_fc *f = cn_calloc(1, sizeof *f);
    if (!f) return cn_fail(error, CN_ENOMEM, "no memory for a fully connected layer");
    f->problem = *problem;
    f->kernels = cn_kernels_for(isa);
    size_t rows = (size_t)f->kernels->f32_fc.rows, lanes = (size_t)f->kernels->lanes;
    f->inputs = inputs;
    f->depth = (inputs + lanes - 1) / lanes * lanes;
    f->blocks = ((size_t)problem->out_c + rows - 1) / rows;
    if (!cn_mul_size(f->blocks * rows, f->depth, &weights) ||
        !(f->weight = cn_calloc(weights, sizeof(float))) ||
        !(f->bias = cn_calloc(f->blocks * rows, sizeof(float)))) {
        cn_fc_free(f);
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a fully connected layer");
    }
    f->weight_bytes = (weights + f->blocks * rows) * sizeof(float);
    pack_weights(f, weight, bias);
    *out = f;
    return CN_OK;
}

const char *cn_fc_kernel(const cn_fc *f)
{
    return f->kernels->f32_fc.name;
}

static size_t pitch(const cn_fc *f)
{
    return (f->depth + 15) / 16 * 16;
}

size_t cn_fc_scratch(const cn_fc *f, int32_t batch)
{
    return (size_t)batch * pitch(f) * sizeof(float);
}

size_t cn_fc_weight_bytes(const cn_fc *f)
{
    return f->weight_bytes;
}

size_t cn_fc_tasks(const cn_fc *f, int32_t batch, int32_t threads)
{
    (void)batch;
    size_t wanted = threads > 1 ? 4 * (size_t)threads : 1;
    return wanted < f->blocks ? wanted : f->blocks;
}

/* Image `image` in C, H, W order. */
static void flatten(const cn_fc *f, const cn_view *in, int32_t image, float *to)
{
    cn_shape s = f->problem.in;
    float *end = to + pitch(f);
    for (int32_t c = 0; c < s.c; c++)
        for (int32_t y = 0; y < s.h; y++, to += s.w) {
            const float *row = in->data + image * in->image + c * in->plane + y * in->row;
            if (s.w == 1)
                *to = *row;
            else
                memcpy(to, row, (size_t)s.w * sizeof *to);
        }
    memset(to, 0, (size_t)(end - to) * sizeof *to);
}

void cn_fc_task(const cn_fc *f, const cn_view *in, const cn_view *out, const cn_view *residual,
                size_t index, size_t tasks, void *scratch)
{
    float *rows_of_images = scratch;
    for (int32_t i = 0; i < in->n; i++)
        flatten(f, in, i, rows_of_images + (size_t)i * pitch(f));
    size_t rows = (size_t)f->kernels->f32_fc.rows, outputs = (size_t)f->problem.out_c;
    for (size_t b = f->blocks * index / tasks; b < f->blocks * (index + 1) / tasks; b++)
        for (int32_t first = 0; first < in->n; first += IMAGES) {
            float tile[MAX_ROWS * IMAGES + CN_PANEL_SLACK];
            cn_segment segments[IMAGES];
            int32_t images = in->n - first < IMAGES ? in->n - first : IMAGES;
            f->kernels->f32_fc.run(f->depth, images, f->weight + b * rows * f->depth,
                                   rows_of_images + (size_t)first * pitch(f), pitch(f),
                                   f->bias + b * rows, tile, IMAGES);
            for (int32_t i = 0; i < images; i++)
                segments[i] = (cn_segment){.at = (first + i) * out->image,
                                           .also = residual ? (first + i) * residual->image : 0,
                                           .first = i,
                                           .count = 1};
            ptrdiff_t channel = (ptrdiff_t)(b * rows);
            cn_finish finish = {
                .tile = tile,
                .pitch = IMAGES,
                .rows = (int32_t)(outputs - b * rows < rows ? outputs - b * rows : rows),
                .out = out->data + channel * out->plane,
                .residual = residual ? residual->data + channel * residual->plane : NULL,
                .out_plane = out->plane,
                .residual_plane = residual ? residual->plane : 0,
                .segments = segments,
                .segment_count = images,
                .activation = f->problem.activation,
            };
            f->kernels->f32_finish.run(&finish);
        }
}

void cn_fc_free(cn_fc *f)
{
    if (!f) return;
    cn_free(f->weight);
    cn_free(f->bias);
    cn_free(f);
}
