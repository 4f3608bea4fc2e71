/* The layers of a network in training: one node a layer, one pair of functions an operator. */
#ifndef TRAIN_NETWORK_H
#define TRAIN_NETWORK_H

#include "condense/train.h"
#include "train/tape.h"

typedef struct node {
    cn_trainer *trainer;
    const cn_layer *layer;
    int32_t index;
    value out;           /* N x C x H x W */
    bool activates;      /* also computes the activation that follows, its only reader */
    struct node *source; /* an activation: the node that computes it, or NULL */

    dnnl_primitive_desc_t forward; /* hint for the backward primitives */
    dnnl_memory_t workspace;
    value weight;                 /* convolution, fully connected: plain layout */
    dnnl_memory_t mean, variance; /* batch norm: of the batch */
    void *extra;                  /* dropout's mask, a linear operator's taps; cn_free */
    int64_t extra_count;
    dnnl_memory_t from, to; /* what a plain function reads and writes forward */
    dnnl_memory_t from_back, to_back;
} node;

struct cn_trainer {
    cn_graph graph;
    cn_weights weights, gradients;
    int32_t batch, classes;
    uint64_t seed, step; /* together they decide dropout */
    float momentum;      /* of batch norm's running statistics */
    tape tape;
    node *nodes;
    dnnl_memory_t logits, loss_gradient; /* batch x classes, plain */
};

/* What an operator records. forward sets n->out; backward hands every input that wants one a
 * gradient (value_add_gradient) and fills the gradients of its own weights. */
typedef struct train_op {
    cn_status (*forward)(tape *t, node *n);
    cn_status (*backward)(tape *t, node *n, dnnl_memory_t gradient);
} train_op;

extern const train_op train_dense, train_pool, train_batch_norm, train_lrn, train_activation,
    train_softmax, train_dropout, train_add, train_concat, train_flatten, train_linear;

/* Output of the layer that is input `i` of n. */
value *node_input(const node *n, int32_t i);

/* N x C x H x W in plain layout, for a shape. */
cn_status node_plain(tape *t, const node *n, cn_shape shape, dnnl_memory_desc_t *out);

/* Data of "<layer>.<suffix>" among the weights or the gradients; NULL where there is none. */
float *node_weight(const node *n, const char *suffix);
float *node_weight_gradient(const node *n, const char *suffix);

/* One-dimensional memory over a channel vector. */
cn_status node_vector(tape *t, float *data, int64_t count, dnnl_memory_t *out);

/* Puts the activation of the layer after n into `attr` (made where there is one). */
cn_status activation_attribute(tape *t, const node *n, dnnl_primitive_attr_t *attr);

/* Whether `op` is an activation, and whether the layer before it can compute it. */
bool activation_is(cn_op op);
bool activation_fits(cn_op op, const cn_layer *source);

/* Whether an average pool divides by something oneDNN does not: then train_linear does it. */
bool pool_is_odd(const cn_graph *graph, const cn_layer *layer);

/* The padding at the far end that makes the window give exactly `out` pixels, at least `pad`. */
int64_t pad_far(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                int64_t pad_near, int64_t pad);

#endif
