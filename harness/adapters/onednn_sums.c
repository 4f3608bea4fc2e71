/* Convolution and fully connected layers of integers on oneDNN: what its float attributes must be
 * so that levels come out. The library gives, per channel, scale * (sum of weight * (source - zero)
 * + bias), then its post-operations, then the target's zero. Activations that are no straight lines
 * are of floats, the others, and the addition, of the target's levels. */
#include <math.h>

#include "adapters/onednn.h"
#include "condense/memory.h"

/* Whether each window lies inside the input, so that the source's zero takes the same from every
 * sum of a channel. */
static bool inside(const cn_layer *layer)
{
    const cn_window *w = &layer->window;
    return layer->op == CN_OP_FC || !(w->pad_top || w->pad_left || w->pad_bottom || w->pad_right);
}

static void fill(st_dnnl_sums *sums, const cn_layer *layer, const cn_tensor *weight,
                 const float *weight_scales, const float *bias)
{
    int64_t row = cn_tensor_count(weight) / layer->units;
    for (int32_t c = 0; c < layer->units; c++) {
        float product = sums->source.scale * weight_scales[c];
        int64_t total = 0;
        for (int64_t i = c * row; i < (c + 1) * row; i++) {
            sums->weight[i] = (int8_t)rintf(weight->data[i] / weight_scales[c]);
            total += sums->weight[i];
        }
        sums->scales[c] = product / sums->unit;
        sums->bias[c] = bias ? bias[c] / product : 0;
        if (!sums->source_zero) sums->bias[c] -= (float)(sums->source.zero * total);
    }
}

cn_status st_dnnl_sums_new(st_dnnl_sums *sums, const st_dnnl_net *net, const cn_graph *graph,
                           const cn_weights *weights, int32_t index, cn_error *error)
{
    const cn_layer *layer = &graph->layers[index];
    const cn_tensor *weight = cn_weights_of(weights, layer->name, "weight");
    size_t units = (size_t)layer->units;
    *sums = (st_dnnl_sums){.source = st_dnnl_levels(net, layer->inputs[0]),
                           .target = st_dnnl_levels(net, index)};
    if (layer->residual >= 0) sums->residual = st_dnnl_levels(net, layer->inputs[layer->residual]);
    bool levels = sums->target.scale > 0 && layer->activation != CN_ACT_SIGMOID &&
                  layer->activation != CN_ACT_TANH;
    sums->unit = levels ? sums->target.scale : 1;
    sums->source_zero = sums->source.zero && !inside(layer);
    sums->scales = cn_calloc(units, sizeof *sums->scales);
    sums->bias = cn_calloc(units, sizeof *sums->bias);
    sums->weight = cn_calloc((size_t)cn_tensor_count(weight), 1);
    if (!sums->scales || !sums->bias || !sums->weight)
        return cn_fail(error, CN_ENOMEM, "oneDNN: out of memory");
    fill(sums, layer, weight, net->quantization->weight_scales[index],
         layer->bias ? cn_weights_of(weights, layer->name, "bias")->data : NULL);
    return CN_OK;
}

void st_dnnl_sums_clear(st_dnnl_sums *sums)
{
    cn_free(sums->scales);
    cn_free(sums->bias);
    cn_free(sums->weight);
    *sums = (st_dnnl_sums){0};
}

/* Whether levels end where the activation does. */
static bool bounded(cn_scale levels, cn_activation activation)
{
    if (!(levels.scale > 0) || levels.zero) return false;
    return activation == CN_ACT_RELU ||
           (activation == CN_ACT_RELU6 && rintf(6.0f / levels.scale) >= 255);
}

static dnnl_status_t append_activation(dnnl_post_ops_t chain, const st_dnnl_sums *sums,
                                       cn_activation activation)
{
    float alpha;
    dnnl_alg_kind_t algorithm = st_dnnl_activation(activation, &alpha);
    if (algorithm == dnnl_alg_kind_undef || bounded(sums->target, activation)) return dnnl_success;
    float after = sums->target.scale > 0 ? sums->unit / sums->target.scale : 1;
    return dnnl_post_ops_append_eltwise(chain, after, algorithm, alpha / sums->unit, 0.0f);
}

static dnnl_status_t fill_chain(const st_dnnl_sums *sums, const cn_layer *layer,
                                dnnl_post_ops_t chain)
{
    dnnl_status_t status = dnnl_success;
    if (layer->residual >= 0)
        status = dnnl_post_ops_append_sum_v3(chain, sums->residual.scale / sums->unit,
                                             sums->residual.zero, dnnl_u8);
    if (status == dnnl_success) status = append_activation(chain, sums, layer->activation);
    /* Fully connected layers have no zeros of their own. */
    if (status == dnnl_success && layer->op == CN_OP_FC && sums->target.zero)
        status = dnnl_post_ops_append_eltwise(chain, 1.0f, dnnl_eltwise_linear, 1.0f,
                                              (float)sums->target.zero);
    return status;
}

static dnnl_status_t set_zeros(const st_dnnl_sums *sums, const cn_layer *layer,
                               dnnl_primitive_attr_t attribute)
{
    dnnl_status_t status = dnnl_success;
    if (sums->source_zero)
        status =
            dnnl_primitive_attr_set_zero_points(attribute, DNNL_ARG_SRC, 1, 0, &sums->source.zero);
    if (status == dnnl_success && layer->op == CN_OP_CONV && sums->target.zero)
        status =
            dnnl_primitive_attr_set_zero_points(attribute, DNNL_ARG_DST, 1, 0, &sums->target.zero);
    return status;
}

cn_status st_dnnl_sums_attribute(const st_dnnl_sums *sums, const st_dnnl_net *net,
                                 const cn_layer *layer, dnnl_primitive_attr_t *attribute,
                                 cn_error *error)
{
    if (layer->residual >= 0 && !(sums->residual.scale > 0 && sums->target.scale > 0))
        return cn_fail(error, CN_EUNSUPPORTED, "oneDNN, layer '%s': it adds levels to floats",
                       layer->name);
    dnnl_post_ops_t chain = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attribute);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attribute, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status =
            dnnl_primitive_attr_set_output_scales(*attribute, layer->units, 1 << 1, sums->scales);
    if (status == dnnl_success) status = set_zeros(sums, layer, *attribute);
    if (status == dnnl_success) status = dnnl_post_ops_create(&chain);
    if (status == dnnl_success) status = fill_chain(sums, layer, chain);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attribute, chain);
    dnnl_post_ops_destroy(chain);
    return st_dnnl_check(net, status, "attributes", error);
}
