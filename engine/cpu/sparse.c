/* Packed weights: for each block, steps x rows floats, and an offset for each step; the rows of a
 * short block are filled up with zeros. Biases: one a packed row. */
#include "cpu/sparse.h"

#include <string.h>

#include "cpu/generated.h"

/* Copies the mask's blocks: the mask is not needed once the convolution is made. */
static bool copy_blocks(cn_mask_blocks *to, const cn_mask *mask, int32_t rows)
{
    const cn_mask_blocks *from = cn_mask_blocks_of(mask, rows);
    size_t blocks = (size_t)mask->groups * from->blocks, places = blocks * (size_t)rows;
    *to = (cn_mask_blocks){rows, from->blocks, NULL, NULL};
    to->outputs = cn_calloc(places, sizeof *to->outputs);
    to->first = cn_calloc(blocks + 1, sizeof *to->first);
    if (!to->outputs || !to->first) return false;
    memcpy(to->outputs, from->outputs, places * sizeof *to->outputs);
    memcpy(to->first, from->first, (blocks + 1) * sizeof *to->first);
    return true;
}

/* The weights of step `step`, which is tap `k`, of a block. */
static void pack_step(const cn_conv *c, const float *weight, size_t block, size_t step, size_t k)
{
    size_t rows = (size_t)c->sparse->own.rows;
    const int32_t *outputs = c->sparse->own.outputs + block * rows;
    for (size_t r = 0; r < rows; r++)
        if (outputs[r] >= 0) c->weight[step * rows + r] = weight[(size_t)outputs[r] * c->depth + k];
}

/* The group's taps that are used, and for each tap its place among them. */
static void list_taps(const cn_conv *c, size_t group, uint64_t *bits, int32_t *place)
{
    cn_sparse *s = c->sparse;
    cn_mask_group_taps(c->problem.mask, (int32_t)group, bits);
    size_t count = 0;
    for (size_t k = 0; k < c->depth; k++) {
        place[k] = (int32_t)count;
        if (bits[k / 64] >> (k % 64) & 1) s->tap[s->taps[group] + count++] = (int32_t)k;
    }
    s->taps[group + 1] = s->taps[group] + count;
}

static void pack_group(const cn_conv *c, size_t group, const float *weight, uint64_t *bits,
                       int32_t *place, size_t pitch)
{
    cn_sparse *s = c->sparse;
    if (s->tap) list_taps(c, group, bits, place);
    for (size_t b = group * s->own.blocks; b < (group + 1) * s->own.blocks; b++) {
        size_t step = s->own.first[b];
        cn_mask_block_taps(c->problem.mask, &s->own, b, bits);
        for (size_t k = 0; k < c->depth; k++) {
            if (!(bits[k / 64] >> (k % 64) & 1)) continue;
            s->offset[step] = s->tap ? place[k] * (int32_t)pitch : (int32_t)k;
            pack_step(c, weight, b, step++, k);
        }
    }
}

static cn_status allocate(cn_conv *c, bool packed, cn_error *error)
{
    const cn_mask *mask = c->problem.mask;
    size_t rows = (size_t)c->method->rows, steps = cn_mask_steps(mask, c->method->rows), weights;
    size_t outputs = (size_t)mask->groups * cn_mask_blocks_of(mask, c->method->rows)->blocks * rows;
    if (!cn_mul_size(steps, rows, &weights))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    cn_status status = cn_conv_allocate(c, weights, outputs, error);
    if (status) return status;
    cn_sparse *s = c->sparse = cn_calloc(1, sizeof *s);
    if (s) {
        s->offset = cn_calloc(steps, sizeof *s->offset);
        s->taps = cn_calloc((size_t)mask->groups + 1, sizeof *s->taps);
        if (packed) s->tap = cn_calloc(mask->taps, sizeof *s->tap);
        s->nonzero = mask->nonzero;
        s->even = mask->reordered;
    }
    if (!s || !s->offset || !s->taps || (packed && !s->tap) ||
        !copy_blocks(&s->own, mask, c->method->rows))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    c->weight_bytes +=
        (steps + (packed ? mask->taps : 0)) * sizeof *s->offset + outputs * sizeof(int32_t);
    return CN_OK;
}

cn_status cn_sparse_pack(cn_conv *c, const float *weight, const float *bias, bool packed,
                         size_t pitch, cn_error *error)
{
    cn_status status = allocate(c, packed, error);
    if (status) return status;
    cn_sparse *s = c->sparse;
    size_t groups = (size_t)c->problem.groups, places = groups * s->own.blocks;
    uint64_t *bits = cn_calloc(c->problem.mask->words, sizeof *bits);
    int32_t *place = cn_calloc(c->depth, sizeof *place);
    for (size_t g = 0; g < groups && bits && place; g++)
        pack_group(c, g, weight, bits, place, pitch);
    for (size_t i = 0; i < places * (size_t)s->own.rows && bias; i++)
        if (s->own.outputs[i] >= 0) c->bias[i] = bias[s->own.outputs[i]];
    if (!bits || !place)
        status = cn_fail(error, CN_ENOMEM, "no memory to pack the weights of a convolution");
    cn_free(bits);
    cn_free(place);
    return status;
}

cn_status cn_sparse_pack_bits(cn_conv *c, const float *weight, const float *bias, cn_error *error)
{
    const cn_mask *mask = c->problem.mask;
    size_t outputs = (size_t)c->problem.out_c, to = 0;
    cn_status status = cn_conv_allocate(c, (size_t)mask->nonzero, outputs, error);
    if (status) return status;
    cn_sparse *s = c->sparse = cn_calloc(1, sizeof *s);
    if (s) s->bits = cn_calloc(outputs * mask->words, sizeof *s->bits);
    if (!s || !s->bits || !copy_blocks(&s->own, mask, 1))
        return cn_fail(error, CN_ENOMEM, "no memory for the weights of a convolution");
    s->nonzero = mask->nonzero;
    memcpy(s->bits, mask->bits, outputs * mask->words * sizeof *s->bits);
    for (size_t i = 0; i < outputs * mask->words; i++) {
        const float *from = weight + i / mask->words * c->depth + i % mask->words * 64;
        for (uint64_t left = s->bits[i]; left; left &= left - 1)
            c->weight[to++] = from[__builtin_ctzll(left)];
    }
    if (bias) memcpy(c->bias, bias, outputs * sizeof *bias);
    return CN_OK;
}

void cn_sparse_bind(cn_conv *c, const cn_view *in)
{
    cn_sparse *s = c->sparse;
    const cn_window *w = &c->problem.window;
    if (!s || s->bound || s->bits) return;
    int32_t area = w->kernel_h * w->kernel_w, *taps = s->tap ? s->tap : s->offset;
    size_t groups = (size_t)c->problem.groups;
    size_t count = s->tap ? s->taps[groups] : s->own.first[groups * s->own.blocks];
    for (size_t i = 0; i < count; i++) {
        int32_t channel = taps[i] / area, y = taps[i] % area / w->kernel_w,
                x = taps[i] % w->kernel_w;
        taps[i] = (int32_t)(channel * in->plane + y * w->dilation_h * in->row + x * w->dilation_w);
    }
    s->row = in->row;
    s->plane = in->plane;
    s->bound = true;
}

void cn_sparse_free(cn_sparse *s)
{
    if (!s) return;
    cn_generated_free(s->generated);
    cn_free(s->own.outputs);
    cn_free(s->own.first);
    cn_free(s->offset);
    cn_free(s->bits);
    cn_free(s->tap);
    cn_free(s->taps);
    cn_free(s);
}
