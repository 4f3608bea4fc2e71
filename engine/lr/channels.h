/* The channels of a network, taken one by one: which stand or fall together, and which hold the
 * same number in every pixel whatever the input is.
 *
 * A slot is one channel of one layer's output. Operators that work channel by channel, additions,
 * concats and depthwise convolutions tie slots into classes: where one of a class goes, all of it
 * goes. Convolutions and fully connected layers read whatever channels there are and tie nothing.
 */
#ifndef CONDENSE_LR_CHANNELS_H
#define CONDENSE_LR_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

typedef struct cn_channels {
    const cn_graph *graph;
    int64_t *first;  /* slot of channel 0 of each layer; one more entry is the number of slots */
    int64_t *parent; /* towards the slot that stands for the class; see cn_channels_class */
    bool *keep;      /* by that slot: the class has to stay */
    double *value;   /* what every pixel of the slot is; NAN where pixels differ or may change */
} cn_channels;

/* Every slot of `graph` with its class. Kept at first: channels of the network's input and output,
 * and those whose operator depends on how many there are (local response normalization, softmax,
 * pixel shuffle, grouped convolution that is not depthwise). */
cn_status cn_channels_new(cn_channels *channels, const cn_graph *graph, cn_error *error);

/* Works out `value` of every slot. */
void cn_channels_evaluate(cn_channels *channels, const cn_weights *weights);

int64_t cn_channels_class(cn_channels *channels, int64_t slot);
bool cn_channels_kept(cn_channels *channels, int64_t slot);
void cn_channels_keep(cn_channels *channels, int64_t slot);
int32_t cn_channels_count(cn_channels *channels, int32_t layer); /* that are kept */

void cn_channels_clear(cn_channels *channels);

/* The weights of a convolution or fully connected layer: groups * outputs filters of inputs * taps,
 * where a tap is a place of the window, or of the whole input. */
typedef struct cn_filters {
    float *data;
    int32_t groups, outputs, inputs; /* outputs and inputs of one group */
    int64_t taps;
    bool padded; /* the window may reach past the input */
} cn_filters;

cn_filters cn_filters_of(const cn_graph *graph, int32_t layer, const cn_weights *weights);

static inline float *cn_filters_taps(const cn_filters *filters, int64_t output, int64_t input)
{
    return filters->data + (output * filters->inputs + input) * filters->taps;
}

/* One group for each input channel, and several of them. */
bool cn_layer_is_depthwise(const cn_graph *graph, int32_t layer);

#endif
