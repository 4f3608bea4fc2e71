/* The ways to do a convolution on integers: by panels (int8_panel.c), straight from the planes
 * (int8_direct.c), by Winograd's filtering (int8_winograd.c), and depthwise (int8_depthwise.c)
 * where each channel is a group of its own; int8_conv.c chooses. */
#ifndef CN_CPU_INT8_METHODS_H
#define CN_CPU_INT8_METHODS_H

#include "cpu/conv_methods.h"
#include "cpu/int8_conv.h"

typedef struct cn_int8_method {
    const char *(*name)(const cn_int8_conv *conv);
    /* Allocates and fills weights and what goes with them. */
    cn_status (*pack)(cn_int8_conv *conv, const float *weight, const float *scales,
                      const float *bias, cn_error *error);
    size_t (*scratch)(const cn_int8_conv *conv, int32_t batch);
    size_t (*tasks)(const cn_int8_conv *conv, int32_t batch, int32_t threads);
    bool (*by_channels)(const cn_int8_conv *conv, int32_t batch, size_t tasks);
    void (*task)(const cn_int8_conv *conv, const cn_view *in, const cn_view *out,
                 const cn_view *residual, size_t index, size_t tasks, void *scratch);
} cn_int8_method;

struct cn_int8_conv {
    cn_int8_problem problem;
    const cn_int8_method *method;
    cn_conv slots;  /* what cuts pixels: the problem in quads of channels; it has no weights */
    bool gaps;      /* enough slots of weights are zero to be left out */
    int32_t groups; /* as they are done: 1 where the problem's do not begin and end with quads */
    int32_t group_in, group_out; /* channels of such a group */
    size_t depth;                /* slots in one output */
    size_t blocks;               /* of output channels, in one group */
    size_t weight_bytes;
    int8_t *weight;
    /* Of sparse weights, else NULL: which of its `depth` slots block b has, rows[first[b]] ..
     * rows[first[b + 1] - 1]. */
    int32_t *rows;
    size_t *first;
    /* One a packed output channel. The start of a sum makes up for the input's zero point and the
     * kernels' offset. */
    int32_t *start;
    float *factor, *bias;
    float unit;       /* of `to`, in 1: steps of the output but where these come after a curve */
    cn_requantize to; /* without factor and bias */
};

extern const cn_int8_method cn_int8_panel, cn_int8_direct, cn_int8_winograd, cn_int8_depthwise;

/* As cn_int8_conv_new, by the method given, without a list of gaps; NULL: by the cheapest.
 * CN_EUNSUPPORTED where it is not for this problem. */
cn_status cn_int8_conv_new_by(cn_int8_conv **out, const cn_int8_method *method,
                              const cn_int8_problem *problem, const float *weight,
                              const float *scales, const float *bias, cn_isa isa, cn_error *error);

/* For weights without gaps and where saturation is all of the activation: whether the way can do
 * it, and what one image costs, in dot products of bytes, with packing and storing. */
double cn_int8_panel_cost(const cn_int8_conv *conv);
bool cn_int8_direct_fits(const cn_int8_conv *conv);
double cn_int8_direct_cost(const cn_int8_conv *conv);
bool cn_int8_winograd_fits(const cn_int8_conv *conv, const float *weight, const float *scales);
double cn_int8_winograd_cost(const cn_int8_conv *conv);

/* The products that one image takes. */
int64_t cn_int8_winograd_products(const cn_int8_conv *conv);

/* Zeroed memory for `slots` slots of weights and `outputs` output channels. */
cn_status cn_int8_allocate(cn_int8_conv *conv, size_t slots, size_t outputs, cn_error *error);

/* The integer that `weight` is in units of `scale`, but for CN_INT8_NEAR; false where it is none.
 */
#define CN_INT8_NEAR 0.01f
bool cn_int8_level(float weight, float scale, int8_t *level);

/* CN_EFORMAT: a weight of the problem's output channel `output` is no multiple of its scale. */
cn_status cn_int8_no_level(const float *scales, size_t output, cn_error *error);

/* Where the weight of a group's output `o` for its input channel `i` and tap `t` is packed. */
typedef int8_t *cn_int8_place(const cn_int8_conv *conv, size_t group, size_t o, size_t i, size_t t);

/* Allocates and fills the weights of `blocks` blocks of `rows` output channels in each group, of
 * `depth` slots, and what goes with them. */
cn_status cn_int8_pack(cn_int8_conv *conv, size_t rows, cn_int8_place *place, const float *weight,
                       const float *scales, const float *bias, cn_error *error);

/* Fills start, factor and bias of packed output channel `packed`, which is the problem's `output`
 * and whose weights' sum is `sum`. */
void cn_int8_describe(cn_int8_conv *conv, size_t packed, int32_t sum, float scale, float bias);

/* The requantization of packed output channels from `first` on. */
cn_requantize cn_int8_to(const cn_int8_conv *conv, size_t first);

#endif
