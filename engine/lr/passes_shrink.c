/* Channels that the network can do without vanish, with the filters that make them and the weights
 * that read them: what is left of a network pruned by filters or input channels is a smaller dense
 * one.
 *
 * A class of channels (channels.h) goes where every convolution or fully connected layer that reads
 * one of its channels either has only zeros for it, or can take what the channel adds:
 *
 * - a channel that is zero adds nothing;
 * - a constant one, read without padding, adds the same to every pixel: it goes into the bias;
 * - read with padding it adds less near the edges. Another constant channel of the same tensor, not
 *   zero, does the same to a factor: it stays and takes the weights, times that factor.
 *
 * Every tensor keeps at least one channel. What went may leave filters without weights and channels
 * without readers, so all is repeated until nothing goes any more. */
#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "lr/channels.h"
#include "lr/rewrite.h"

/* Convolutions and fully connected layers that read any set of channels. */
static bool reads_freely(const cn_graph *graph, int32_t index)
{
    const cn_layer *layer = &graph->layers[index];
    return layer->op == CN_OP_FC || (layer->op == CN_OP_CONV && layer->groups == 1);
}

static bool uses(const cn_filters *filters, int32_t input)
{
    for (int32_t o = 0; o < filters->outputs; o++) {
        const float *taps = cn_filters_taps(filters, o, input);
        for (int64_t t = 0; t < filters->taps; t++)
            if (taps[t] != 0.0f) return true;
    }
    return false;
}

/* Keeps what the reader `index` cannot do without. Returns whether it relies on a constant channel
 * that stays. */
static bool keep_for_reader(cn_channels *channels, int32_t index, const cn_weights *weights)
{
    const cn_layer *layer = &channels->graph->layers[index];
    cn_filters filters = cn_filters_of(channels->graph, index, weights);
    int64_t first = channels->first[layer->inputs[0]];
    bool relies = false;
    for (int32_t c = 0; c < filters.inputs; c++) {
        double value = channels->value[first + c];
        if (value == 0.0 || cn_channels_kept(channels, first + c) || !uses(&filters, c)) continue;
        if (isnan(value))
            cn_channels_keep(channels, first + c);
        else
            relies |= filters.padded;
    }
    return relies;
}

/* The constant channel of largest magnitude among those that stay, or else among all; -1 where
 * there is none but zeros. */
static int64_t constant_channel(cn_channels *channels, int32_t layer)
{
    int64_t best = -1;
    bool best_kept = false;
    for (int64_t s = channels->first[layer]; s < channels->first[layer + 1]; s++) {
        double size = fabs(channels->value[s]);
        bool kept = cn_channels_kept(channels, s);
        if (!(size > 0.0) || kept < best_kept) continue;
        if (best < 0 || kept > best_kept || size > fabs(channels->value[best])) {
            best = s;
            best_kept = kept;
        }
    }
    return best;
}

/* Marks every class that has to stay; returns whether any may go. */
static bool decide(cn_channels *channels, const cn_weights *weights)
{
    const cn_graph *graph = channels->graph;
    bool goes = false;
    for (int32_t i = 1; i < graph->count; i++) {
        if (!reads_freely(graph, i) || !keep_for_reader(channels, i, weights)) continue;
        cn_channels_keep(channels, constant_channel(channels, graph->layers[i].inputs[0]));
    }
    for (int32_t i = 0; i < graph->count; i++)
        if (!cn_channels_count(channels, i)) cn_channels_keep(channels, channels->first[i]);
    for (int32_t i = 0; i < graph->count; i++)
        goes |= cn_channels_count(channels, i) < graph->layers[i].shape.c;
    return goes;
}

/* The constant inputs of a reader that it has weights for and that go: their positions in
 * `taken`; returns how many there are. */
static int32_t list_constants(cn_channels *channels, const cn_filters *filters, int64_t first,
                              int32_t *taken)
{
    int32_t count = 0;
    for (int32_t c = 0; c < filters->inputs; c++) {
        double value = channels->value[first + c];
        if (value == 0.0 || isnan(value) || cn_channels_kept(channels, first + c)) continue;
        if (uses(filters, c)) taken[count++] = c;
    }
    return count;
}

/* Adds what the inputs `taken`, of the values value[taken[k]], give to the filters to their bias,
 * or where that is NULL to the weights of input `heir`. */
static void hand_over(const cn_filters *filters, const double *value, const int32_t *taken,
                      int32_t count, int32_t heir, float *bias)
{
    for (int32_t o = 0; o < filters->outputs; o++)
        for (int64_t t = 0; t < filters->taps; t++) {
            double sum = 0.0;
            for (int32_t k = 0; k < count; k++)
                sum += (double)cn_filters_taps(filters, o, taken[k])[t] * value[taken[k]];
            float *to = bias ? &bias[o] : &cn_filters_taps(filters, o, heir)[t];
            *to = (float)((double)*to + (bias ? sum : sum / value[heir]));
        }
}

/* Constants that go leave what they add to the reader `index` behind. */
static cn_status take_constants(cn_channels *channels, cn_rewrite *rewrite, int32_t index,
                                cn_error *error)
{
    cn_layer *layer = &rewrite->graph->layers[index];
    cn_filters filters = cn_filters_of(rewrite->graph, index, rewrite->weights);
    int64_t first = channels->first[layer->inputs[0]];
    int32_t *taken = cn_calloc((size_t)filters.inputs, sizeof *taken);
    if (!taken) return cn_fail(error, CN_ENOMEM, "no memory for %d channels", filters.inputs);
    int32_t count = list_constants(channels, &filters, first, taken), heir = -1;
    cn_tensor *bias = NULL;
    cn_status status = CN_OK;
    if (count && filters.padded)
        heir = (int32_t)(constant_channel(channels, layer->inputs[0]) - first);
    else if (count)
        status = cn_rewrite_bias(rewrite, layer, &bias, error);
    if (count && !status)
        hand_over(&filters, channels->value + first, taken, count, heir, bias ? bias->data : NULL);
    cn_free(taken);
    return status;
}

/* Closes the gaps that channels leave in a dimension of `tensor`: `outer` times, the `inner` values
 * of each channel from slot `first` on. Returns how many channels stay. */
static int32_t close_gaps(cn_channels *channels, cn_tensor *tensor, int32_t layer, int64_t outer,
                          int64_t inner)
{
    int64_t first = channels->first[layer], end = channels->first[layer + 1];
    const float *from = tensor->data;
    float *to = tensor->data;
    for (int64_t i = 0; i < outer; i++)
        for (int64_t s = first; s < end; s++, from += inner) {
            if (!cn_channels_kept(channels, s)) continue;
            memmove(to, from, (size_t)inner * sizeof *to);
            to += inner;
        }
    return cn_channels_count(channels, layer);
}

/* Drops the filters of channels that go, and in what is left the weights of inputs that go. */
static void cut_filters(cn_channels *channels, cn_rewrite *rewrite, int32_t index)
{
    cn_layer *layer = &rewrite->graph->layers[index];
    cn_filters filters = cn_filters_of(rewrite->graph, index, rewrite->weights);
    cn_tensor *weight = cn_weights_of(rewrite->weights, layer->name, "weight");
    bool depthwise = cn_layer_is_depthwise(rewrite->graph, index);
    int32_t from = layer->inputs[0];
    layer->units = weight->dims[0] =
        close_gaps(channels, weight, index, 1, filters.inputs * filters.taps);
    if (depthwise) layer->groups = cn_channels_count(channels, from);
    if (reads_freely(rewrite->graph, index) && !depthwise) {
        int32_t inputs = close_gaps(channels, weight, from, layer->units, filters.taps);
        weight->dims[1] = layer->op == CN_OP_FC ? (int32_t)(inputs * filters.taps) : inputs;
    }
    if (!layer->bias) return;
    cn_tensor *bias = cn_weights_of(rewrite->weights, layer->name, "bias");
    bias->dims[0] = close_gaps(channels, bias, index, 1, 1);
}

static void cut_norm(cn_channels *channels, cn_rewrite *rewrite, int32_t index)
{
    cn_weight_spec specs[4];
    int32_t count = cn_layer_weights(rewrite->graph, index, specs);
    for (int32_t k = 0; k < count; k++) {
        const char *name = rewrite->graph->layers[index].name;
        cn_tensor *tensor = cn_weights_of(rewrite->weights, name, specs[k].suffix);
        tensor->dims[0] = close_gaps(channels, tensor, index, 1, 1);
    }
}

/* Shapes are those of before until every layer is done. */
static cn_status cut(cn_channels *channels, cn_rewrite *rewrite, cn_error *error)
{
    cn_graph *graph = rewrite->graph;
    for (int32_t i = 1; i < graph->count; i++) {
        cn_status status = CN_OK;
        if (reads_freely(graph, i)) status = take_constants(channels, rewrite, i, error);
        if (status) return status;
        if (cn_op_is_tensor(graph->layers[i].op))
            cut_filters(channels, rewrite, i);
        else if (graph->layers[i].op == CN_OP_BATCH_NORM)
            cut_norm(channels, rewrite, i);
    }
    return cn_graph_infer_shapes(graph, error);
}

cn_status cn_pass_shrink(cn_rewrite *rewrite, cn_error *error)
{
    for (bool goes = true; goes;) {
        cn_channels channels;
        cn_status status = cn_channels_new(&channels, rewrite->graph, error);
        if (status) return status;
        cn_channels_evaluate(&channels, rewrite->weights);
        goes = decide(&channels, rewrite->weights);
        if (goes) status = cut(&channels, rewrite, error);
        cn_channels_clear(&channels);
        if (status) return status;
    }
    return CN_OK;
}
