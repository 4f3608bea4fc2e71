/* Second moments of a layer's inputs, and errors by them. */
#include <string.h>

#include "compress/matrix.h"
#include "condense/memory.h"
#include "condense/random.h"
#include "condense/reconstruct.h"

enum {
    CHUNK = 1024,        /* columns at a time */
    SMALL = 32,          /* inputs up to which straight loops do */
    ENOUGH = 32768,      /* columns at least */
    ENOUGH_FOR_EACH = 16 /* and for each input */
};

/* The columns of one group. */
typedef struct source {
    const cn_layer *layer;
    cn_shape in;
    int64_t channels, group; /* of the group */
    const float *inputs;
} source;

/* What output pixel (y, x) of image `image` sees; zero beyond the edges. */
static void take_column(const source *s, int64_t image, int64_t y, int64_t x, float *to)
{
    const cn_window *w = &s->layer->window;
    int64_t plane = (int64_t)s->in.h * s->in.w;
    const float *from = s->inputs + (image * s->in.c + s->group * s->channels) * plane;
    if (s->layer->op == CN_OP_FC) {
        memcpy(to, from, (size_t)(s->channels * plane) * sizeof *to);
        return;
    }
    int64_t top = y * w->stride_h - w->pad_top, left = x * w->stride_w - w->pad_left;
    for (int64_t c = 0; c < s->channels; c++, from += plane)
        for (int64_t i = 0; i < w->kernel_h; i++)
            for (int64_t j = 0; j < w->kernel_w; j++) {
                int64_t row = top + i * w->dilation_h, column = left + j * w->dilation_w;
                bool inside = row >= 0 && row < s->in.h && column >= 0 && column < s->in.w;
                *to++ = inside ? from[row * s->in.w + column] : 0;
            }
}

static cn_status add_columns(const float *columns, int64_t count, int64_t inputs, double *sums,
                             cn_error *error)
{
    factor x = {.narrow = columns, .row = 1, .depth = inputs};
    if (inputs > SMALL)
        return matrix_add_product(inputs, inputs, count, 1, x, x, sums, inputs, true, error);
    for (int64_t k = 0; k < count; k++, columns += inputs)
        for (int64_t i = 0; i < inputs; i++)
            for (int64_t j = 0; j <= i; j++)
                sums[i * inputs + j] += (double)columns[i] * (double)columns[j];
    return CN_OK;
}

/* Sums over the drawn output pixels, which are counted through all images. */
static cn_status add_group(const source *s, const int64_t *pixels, cn_moments *m, double *sums,
                           float *chunk, cn_error *error)
{
    int64_t width = s->layer->shape.w, plane = width * s->layer->shape.h;
    cn_status status = CN_OK;
    for (int64_t at = 0; at < m->columns && !status; at += CHUNK) {
        int64_t count = m->columns - at < CHUNK ? m->columns - at : CHUNK;
        for (int64_t k = 0; k < count; k++) {
            int64_t pixel = pixels[at + k] % plane;
            take_column(s, pixels[at + k] / plane, pixel / width, pixel % width,
                        chunk + k * m->inputs);
        }
        status = add_columns(chunk, count, m->inputs, sums, error);
    }
    for (int64_t i = 0; i < m->inputs * m->inputs; i++)
        sums[i] /= (double)m->columns;
    matrix_mirror(sums, m->inputs);
    return status;
}

/* One of each of `count` equal stretches of 0 .. total - 1. */
static void draw(int64_t total, int64_t count, int64_t *drawn)
{
    cn_random random = cn_random_named(1, "columns");
    for (int64_t i = 0; i < count; i++) {
        int64_t first = total * i / count, end = total * (i + 1) / count;
        drawn[i] = first + (int64_t)(cn_random_uniform(&random) * (double)(end - first));
    }
}

static int64_t input_count(const cn_graph *graph, int32_t index)
{
    cn_weight_spec specs[4];
    cn_layer_weights(graph, index, specs);
    int64_t inputs = 1;
    for (int32_t k = 1; k < specs[0].rank; k++)
        inputs *= specs[0].dims[k];
    return inputs;
}

int64_t cn_moments_enough(const cn_graph *graph, int32_t index)
{
    int64_t wanted = ENOUGH_FOR_EACH * input_count(graph, index);
    return wanted > ENOUGH ? wanted : ENOUGH;
}

cn_status cn_moments_take(cn_moments *m, const cn_graph *graph, int32_t index, int64_t images,
                          const float *inputs, int64_t most, cn_error *error)
{
    const cn_layer *layer = &graph->layers[index];
    int64_t pixels = (int64_t)layer->shape.h * layer->shape.w * images;
    *m = (cn_moments){.groups = layer->op == CN_OP_FC ? 1 : layer->groups,
                      .inputs = input_count(graph, index),
                      .columns = pixels < most ? pixels : most};
    size_t square = (size_t)(m->inputs * m->inputs);
    source s = {.layer = layer, .in = graph->layers[layer->inputs[0]].shape, .inputs = inputs};
    s.channels = s.in.c / m->groups;
    m->values = cn_calloc((size_t)m->groups * square, sizeof *m->values);
    int64_t *drawn = cn_calloc((size_t)m->columns, sizeof *drawn);
    float *chunk = cn_calloc((size_t)m->inputs * CHUNK, sizeof *chunk);
    cn_status status = CN_OK;
    if (!m->values || !drawn || !chunk)
        status = cn_fail(error, CN_ENOMEM, "layer '%s': no memory for %lld moments of %lld inputs",
                         layer->name, (long long)m->groups, (long long)m->inputs);
    else
        draw(pixels, m->columns, drawn);
    for (s.group = 0; s.group < m->groups && !status; s.group++)
        status = add_group(&s, drawn, m, m->values + (size_t)s.group * square, chunk, error);
    cn_free(drawn);
    cn_free(chunk);
    if (status) cn_moments_clear(m);
    return status;
}

void cn_moments_clear(cn_moments *moments)
{
    cn_free(moments->values);
    *moments = (cn_moments){0};
}

/* tr D H D^T for `rows` rows of differences d. */
static cn_status add_error(const double *d, int64_t rows, int64_t inputs, const double *moments,
                           double *sum, cn_error *error)
{
    double *product = cn_calloc((size_t)(rows * inputs), sizeof *product);
    if (!product) return cn_fail(error, CN_ENOMEM, "no memory for an error");
    factor left = {.wide = d, .row = inputs, .depth = 1};
    factor right = {.wide = moments, .row = inputs, .depth = 1};
    cn_status status =
        matrix_add_product(rows, inputs, inputs, 1, left, right, product, inputs, false, error);
    for (int64_t i = 0; i < rows * inputs; i++)
        *sum += product[i] * d[i];
    cn_free(product);
    return status;
}

cn_status cn_moments_error(const cn_moments *m, const cn_tensor *weight, const float *to,
                           double *mean, cn_error *error)
{
    int64_t count = cn_tensor_count(weight), rows = weight->dims[0] / m->groups;
    double *difference = cn_calloc((size_t)count, sizeof *difference);
    if (!difference) return cn_fail(error, CN_ENOMEM, "no memory for an error");
    for (int64_t i = 0; i < count; i++)
        difference[i] = (double)weight->data[i] - (to ? (double)to[i] : 0);
    cn_status status = CN_OK;
    *mean = 0;
    for (int64_t g = 0; g < m->groups && !status; g++)
        status = add_error(difference + g * rows * m->inputs, rows, m->inputs,
                           m->values + g * m->inputs * m->inputs, mean, error);
    cn_free(difference);
    return status;
}
