/* Which channels hold one number in every pixel, and which. NAN stands for "not known": arithmetic
 * carries it along by itself. */
#include <math.h>

#include "lr/channels.h"
#include "lr/operators.h"

/* What one input channel adds to a filter: zero, a constant, or NAN where it depends on the pixel.
 * Near the edges a padded window covers fewer pixels of the channel. */
static double contribution(const cn_filters *filters, const float *taps, double value)
{
    double sum = 0.0;
    if (value == 0.0) return 0.0;
    bool varies = isnan(value) || filters->padded;
    for (int64_t t = 0; t < filters->taps; t++) {
        if (taps[t] != 0.0f && varies) return NAN;
        sum += (double)taps[t];
    }
    return varies ? 0.0 : sum * value;
}

static double filter_value(const cn_filters *filters, int64_t output, const double *inputs)
{
    double sum = 0.0;
    for (int32_t i = 0; i < filters->inputs && !isnan(sum); i++)
        sum += contribution(filters, cn_filters_taps(filters, output, i), inputs[i]);
    return sum;
}

static void evaluate_filters(const cn_channels *channels, int32_t index, const cn_weights *weights,
                             double *out)
{
    const cn_layer *layer = &channels->graph->layers[index];
    cn_filters filters = cn_filters_of(channels->graph, index, weights);
    const double *in = channels->value + channels->first[layer->inputs[0]];
    const float *bias = layer->bias ? cn_weights_of(weights, layer->name, "bias")->data : NULL;
    for (int32_t o = 0; o < layer->units; o++) {
        out[o] = filter_value(&filters, o, in + o / filters.outputs * filters.inputs);
        if (bias) out[o] += (double)bias[o];
        if (layer->residual >= 0)
            out[o] += channels->value[channels->first[layer->inputs[layer->residual]] + o];
    }
}

static void evaluate_norm(const cn_layer *layer, const cn_weights *weights, double *out)
{
    const float *scale = cn_weights_of(weights, layer->name, "weight")->data;
    const float *shift = cn_weights_of(weights, layer->name, "bias")->data;
    const float *mean = cn_weights_of(weights, layer->name, "running_mean")->data;
    const float *variance = cn_weights_of(weights, layer->name, "running_var")->data;
    for (int32_t c = 0; c < layer->shape.c; c++)
        out[c] = (out[c] - (double)mean[c]) * (double)scale[c] /
                     sqrt((double)variance[c] + (double)layer->epsilon) +
                 (double)shift[c];
}

/* Operators whose output is their input wherever that is the same everywhere: all that work channel
 * by channel and know no zeros of their own. */
static double passed_on(const cn_layer *layer, double value)
{
    const cn_window *w = &layer->window;
    bool padded = w->pad_top || w->pad_bottom || w->pad_left || w->pad_right;
    switch (layer->op) {
    case CN_OP_SOFTMAX:
        return NAN;
    case CN_OP_LRN:
        return value == 0.0 ? 0.0 : NAN;
    case CN_OP_PAD:
        return value == 0.0 || !padded ? value : NAN;
    case CN_OP_AVG_POOL:
        return value == 0.0 || !padded || !layer->count_padding ? value : NAN;
    default:
        return value;
    }
}

static void evaluate_others(const cn_channels *channels, int32_t index, const cn_weights *weights,
                            double *out)
{
    const cn_graph *graph = channels->graph;
    const cn_layer *layer = &graph->layers[index];
    int64_t each = 1; /* of the output's channels an input channel */
    if (layer->op == CN_OP_FLATTEN) each = layer->shape.c / graph->layers[layer->inputs[0]].shape.c;
    bool mixes = layer->op == CN_OP_PIXEL_SHUFFLE; /* channels, and they all stay */
    for (int32_t c = 0; c < layer->shape.c; c++)
        out[c] = mixes ? NAN : 0.0;
    for (int32_t k = 0, at = 0; k < layer->input_count && !mixes; k++) {
        int32_t count = graph->layers[layer->inputs[k]].shape.c;
        const double *in = channels->value + channels->first[layer->inputs[k]];
        for (int64_t c = 0; c < count * each; c++)
            out[at + c] += passed_on(layer, in[c / each]);
        if (layer->op == CN_OP_CONCAT) at += count;
    }
    if (layer->op == CN_OP_BATCH_NORM) evaluate_norm(layer, weights, out);
}

void cn_channels_evaluate(cn_channels *channels, const cn_weights *weights)
{
    const cn_graph *graph = channels->graph;
    for (int32_t i = 0; i < graph->count; i++) {
        const cn_layer *layer = &graph->layers[i];
        double *out = channels->value + channels->first[i];
        if (cn_op_is_tensor(layer->op))
            evaluate_filters(channels, i, weights, out);
        else
            evaluate_others(channels, i, weights, out);
        cn_activation own = cn_op_activation(layer->op);
        cn_activation activation = own != CN_ACT_NONE ? own : layer->activation;
        for (int32_t c = 0; c < layer->shape.c; c++)
            out[c] = layer->op == CN_OP_INPUT ? NAN : cn_activate(activation, out[c]);
    }
}
