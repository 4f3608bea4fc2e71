/* The passes that change a convolution itself: its weights, its padding, its operator. */
#include <math.h>

#include "condense/memory.h"
#include "lr/rewrite.h"

/* y = (W x + b - mean) * s + shift with s = scale / sqrt(variance + epsilon) is a convolution with
 * weights W s and bias (b - mean) s + shift. In double: one rounding per weight. */
static cn_status fold(cn_rewrite *rewrite, int32_t conv, int32_t norm, cn_error *error)
{
    cn_layer *layer = &rewrite->graph->layers[conv];
    const cn_layer *from = &rewrite->graph->layers[norm];
    cn_tensor *bias;
    cn_status status = cn_rewrite_bias(rewrite, layer, &bias, error);
    if (status) return status; /* adding a tensor moves the others: look them up afterwards */
    cn_tensor *weight = cn_weights_of(rewrite->weights, layer->name, "weight");
    const float *scale = cn_weights_of(rewrite->weights, from->name, "weight")->data;
    const float *shift = cn_weights_of(rewrite->weights, from->name, "bias")->data;
    const float *mean = cn_weights_of(rewrite->weights, from->name, "running_mean")->data;
    const float *variance = cn_weights_of(rewrite->weights, from->name, "running_var")->data;
    int64_t row = cn_tensor_count(weight) / layer->units;
    for (int32_t c = 0; c < layer->units; c++) {
        double factor = scale[c] / sqrt((double)variance[c] + (double)from->epsilon);
        for (int64_t i = c * row; i < (c + 1) * row; i++)
            weight->data[i] = (float)(weight->data[i] * factor);
        bias->data[c] = (float)(((double)bias->data[c] - mean[c]) * factor + shift[c]);
    }
    return CN_OK;
}

cn_status cn_pass_fold_batch_norm(cn_rewrite *rewrite, cn_error *error)
{
    cn_graph *graph = rewrite->graph;
    for (int32_t i = graph->count - 1; i > 0; i--) {
        const cn_layer *norm = &graph->layers[i];
        if (norm->op != CN_OP_BATCH_NORM || norm->activation != CN_ACT_NONE) continue;
        int32_t conv = norm->inputs[0];
        if (!cn_rewrite_can_absorb(graph, conv, i)) continue;
        cn_status status = fold(rewrite, conv, i, error);
        if (status) return status;
        cn_rewrite_bypass(graph, i, conv);
    }
    return CN_OK;
}

/* A convolution that reads a pad reads the pad's input instead, with wider padding of its own. */
static void take_pad(cn_graph *graph, int32_t conv, int32_t pad)
{
    cn_layer *layer = &graph->layers[conv];
    const cn_layer *from = &graph->layers[pad];
    layer->window.pad_top += from->window.pad_top;
    layer->window.pad_bottom += from->window.pad_bottom;
    layer->window.pad_left += from->window.pad_left;
    layer->window.pad_right += from->window.pad_right;
    layer->same = false; /* it was worked out for the padded input and is now written down */
    layer->inputs[0] = from->inputs[0];
}

cn_status cn_pass_fuse_pad(cn_rewrite *rewrite, cn_error *error)
{
    (void)error;
    cn_graph *graph = rewrite->graph;
    for (int32_t pad = graph->count - 2; pad > 0; pad--) {
        if (graph->layers[pad].op != CN_OP_PAD) continue;
        for (int32_t i = pad + 1; i < graph->count; i++)
            if (graph->layers[i].op == CN_OP_CONV && graph->layers[i].inputs[0] == pad)
                take_pad(graph, i, pad);
        if (cn_rewrite_consumers(graph, pad) == 0)
            cn_rewrite_bypass(graph, pad, graph->layers[pad].inputs[0]);
    }
    return CN_OK;
}

/* A convolution whose window covers its whole input once: every weight meets one value, and weights
 * and values lie in the same C, H, W order, as in a fully connected layer. */
static bool covers_input(const cn_graph *graph, const cn_layer *layer)
{
    if (layer->op != CN_OP_CONV || layer->groups != 1) return false;
    const cn_window *win = &layer->window;
    cn_shape in = graph->layers[layer->inputs[0]].shape;
    return win->kernel_h == in.h && win->kernel_w == in.w && layer->shape.h == 1 &&
           layer->shape.w == 1 && win->dilation_h == 1 && win->dilation_w == 1 &&
           win->pad_top == 0 && win->pad_bottom == 0 && win->pad_left == 0 && win->pad_right == 0;
}

cn_status cn_pass_fc_as_conv(cn_rewrite *rewrite, cn_error *error)
{
    (void)error;
    cn_graph *graph = rewrite->graph;
    for (int32_t i = 1; i < graph->count; i++) {
        cn_layer *layer = &graph->layers[i];
        if (!covers_input(graph, layer)) continue;
        cn_tensor *weight = cn_weights_of(rewrite->weights, layer->name, "weight");
        weight->dims[1] *= weight->dims[2] * weight->dims[3];
        weight->dims[2] = weight->dims[3] = 0;
        weight->rank = 2;
        layer->op = CN_OP_FC;
        layer->window = (cn_window){0};
        layer->groups = 0;
        layer->same = false;
    }
    return CN_OK;
}
