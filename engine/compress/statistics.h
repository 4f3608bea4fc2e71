/* Means and deviations of what each tensor layer's operator gives, and repairing them. */
#ifndef COMPRESS_STATISTICS_H
#define COMPRESS_STATISTICS_H

#include "condense/post.h"
#include "condense/walk.h"

/* Of one layer's output channels; both NULL for layers without weights. */
typedef struct channel_statistics {
    double *mean, *deviation;
} channel_statistics;

/* Of `images` outputs of `shape`. */
cn_status statistics_take(channel_statistics *s, cn_shape shape, int64_t images,
                          const float *output, cn_error *error);

/* The layer's operator gave `output` with the weights as they are: changes its bias, with
 * CN_CORRECT_NORM its weights' scale, and the output, so that its statistics become `wanted`.
 * `scale` (may be NULL) receives what the weights of each channel were multiplied by. A layer
 * without bias is left alone. */
cn_status statistics_correct(const cn_graph *graph, int32_t index, cn_weights *weights,
                             cn_correction correction, const channel_statistics *wanted,
                             int64_t images, float *output, float *scale, cn_error *error);

/* Those of all layers, of the network as it is: graph->count of them. */
cn_status statistics_of_all(const cn_graph *graph, const cn_weights *weights,
                            const cn_calibration *calibration, channel_statistics **all,
                            cn_error *error);
void statistics_free(channel_statistics *all, int32_t count);

/* A share of the work was done at `layer`; CN_EINTERRUPTED where a stop was asked for. */
cn_status calibration_tell(const cn_calibration *calibration, double done, const cn_graph *graph,
                           int32_t layer, cn_error *error);

#endif
