/* The layer-wise representation: a network as a list of layers in execution order.
 *
 * Every layer has one output. A layer reads layers before it in the list; the last layer is the
 * network's output, the first is its input. Shapes are of one image; the batch belongs to whoever
 * runs the network. A graph holds no weights: a layer's weights are the tensors "<name>.weight",
 * "<name>.bias" and so on of a cn_weights (see cn_layer_weights).
 *
 * A graph is built by the parser (model.h) or by hand with cn_graph_add, and rewritten by passes
 * (passes.h). */
#ifndef CONDENSE_GRAPH_H
#define CONDENSE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "condense/status.h"

typedef enum cn_op {
    CN_OP_INPUT,
    CN_OP_CONV,           /* any groups; depthwise is groups == input channels */
    CN_OP_FC,             /* flattens its input in C, H, W order */
    CN_OP_MAX_POOL,
    CN_OP_AVG_POOL,
    CN_OP_GLOBAL_AVG_POOL, /* to C x 1 x 1 */
    CN_OP_BATCH_NORM,
    CN_OP_LRN,            /* across channels, x / (k + alpha / size * sum x^2)^beta (AlexNet) */
    CN_OP_RELU,
    CN_OP_RELU6,
    CN_OP_SIGMOID,
    CN_OP_TANH,
    CN_OP_ADD,            /* element by element, two or more inputs of one shape */
    CN_OP_CONCAT,         /* along channels */
    CN_OP_SOFTMAX,        /* over C for each pixel */
    CN_OP_DROPOUT,        /* identity in inference */
    CN_OP_FLATTEN,        /* to (C*H*W) x 1 x 1 */
    CN_OP_PAD,            /* zeros around the plane, by window.pad_* */
    CN_OP_RESIZE,         /* to resize_h x resize_w, half-pixel centres */
    CN_OP_PIXEL_SHUFFLE,  /* C*f*f x H x W to C x H*f x W*f (depth to space, channel-major) */
    CN_OP_COUNT
} cn_op;

typedef enum cn_activation {
    CN_ACT_NONE,
    CN_ACT_RELU,
    CN_ACT_RELU6,
    CN_ACT_SIGMOID,
    CN_ACT_TANH
} cn_activation;

typedef enum cn_resize { CN_RESIZE_NEAREST, CN_RESIZE_BILINEAR } cn_resize;

typedef struct cn_shape {
    int32_t c, h, w;
} cn_shape;

/* The sliding window of convolution, pooling and padding. */
typedef struct cn_window {
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_bottom, pad_left, pad_right;
} cn_window;

typedef struct cn_layer {
    char *name; /* unique in the graph, hierarchical, for example "layer1.0.conv2" */
    cn_op op;
    int32_t *inputs; /* indices of earlier layers */
    int32_t input_count;
    cn_shape shape; /* of the output */

    /* By operator; fields of other operators are zero. */
    cn_window window;      /* conv, max and avg pool, pad */
    int32_t units;         /* conv: output channels; fc: outputs */
    int32_t groups;        /* conv */
    bool bias;             /* conv, fc: has "<name>.bias" */
    bool same;             /* conv, pools: TensorFlow's "same": pads follow from the input's shape */
    bool ceil_mode;        /* pools: the last window may end beyond the padding (Caffe), where it
                            * starts before the far padding; the pads stay as written */
    bool count_padding;    /* avg pool: padded zeros count in the divisor, what lies beyond not */
    int32_t lrn_size;
    float lrn_alpha, lrn_beta, lrn_k;
    float epsilon;         /* batch norm */
    float rate;            /* dropout: the share that training drops */
    cn_resize resize;
    int32_t resize_h, resize_w;
    int32_t factor;        /* pixel shuffle */

    /* Written by passes. A fused layer computes activation(op(inputs[0]) + inputs[residual]). */
    cn_activation activation;
    int32_t residual; /* position in `inputs` of the fused addition's other operand; -1: none */

    int32_t line, column; /* in the model text; 0 where built by hand */
} cn_layer;

typedef struct cn_graph {
    cn_layer *layers;
    int32_t count, capacity;
} cn_graph;

/* Largest side, channel count or unit count that a layer may have, and most layers. With at most
 * 2^30 values in one output or weight tensor (checked by cn_graph_add), sums over the whole graph
 * fit int64_t. */
enum { CN_MAX_EXTENT = 1 << 20, CN_MAX_LAYERS = 4096 };

/* A layer of `op` with the operator's defaults: stride, dilation and groups 1, epsilon 1e-5,
 * LRN 5, 1e-4, 0.75, 1, residual -1. Owns nothing. */
cn_layer cn_layer_defaults(cn_op op);

/* Appends a copy of `layer` named `name` that reads `inputs` (none for CN_OP_INPUT, whose shape is
 * given in layer->shape), works out its shape and padding, and returns its index in *index (may be
 * NULL). Refuses (CN_EINVAL, graph unchanged) a duplicate name, inputs that do not fit the operator,
 * a second input layer and windows that leave no output pixel; the message names the layer. */
cn_status cn_graph_add(cn_graph *graph, const cn_layer *layer, const char *name,
                       const int32_t *inputs, int32_t input_count, int32_t *index, cn_error *error);

/* Works out every shape again from the input's, for passes that changed a layer. */
cn_status cn_graph_infer_shapes(cn_graph *graph, cn_error *error);

cn_status cn_graph_copy(const cn_graph *graph, cn_graph *copy, cn_error *error);

/* Index of the layer called `name`, or -1. */
int32_t cn_graph_find(const cn_graph *graph, const char *name);

/* Frees the layers and zeroes the struct. */
void cn_graph_clear(cn_graph *graph);

/* The weights a layer reads, in a fixed order. */
typedef struct cn_weight_spec {
    const char *suffix;  /* "weight", "bias", "running_mean", "running_var" */
    int32_t rank;
    int32_t dims[4];     /* conv: out, in/groups, kh, kw; fc: out, in; others: channels */
    bool trainable;
} cn_weight_spec;

/* Fills specs[0..4) and returns how many tensors the layer of `graph` at `index` has (0 to 4). */
int32_t cn_layer_weights(const cn_graph *graph, int32_t index, cn_weight_spec specs[4]);

/* Learned parameters: weights, biases and batch norm's scale and shift, not its statistics. */
int64_t cn_layer_parameters(const cn_graph *graph, int32_t index);
int64_t cn_graph_parameters(const cn_graph *graph);

/* Multiply-accumulates of one image; convolution and fully connected count, nothing else does. */
int64_t cn_layer_macs(const cn_graph *graph, int32_t index);
int64_t cn_graph_macs(const cn_graph *graph);

/* Convolution and fully connected: DeepRebirth's "tensor layers". */
bool cn_op_is_tensor(cn_op op);

/* The operator's word in the model language, for example "conv" or "max_pool". */
const char *cn_op_name(cn_op op);
const char *cn_activation_name(cn_activation activation);

int64_t cn_shape_count(cn_shape shape);

#endif
