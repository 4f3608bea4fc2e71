/* Weights made integers on noise, without pictures: networks to time. Speed does not depend on what
 * the integers stand for. */
#ifndef HARNESS_DATA_INTEGER_WEIGHTS_H
#define HARNESS_DATA_INTEGER_WEIGHTS_H

#include "condense/graph.h"
#include "condense/weights.h"

/* Gives the weights of `graph` scales (condense/quantize.h): ranges of activations are those of
 * some images of normal noise, weights go to the nearest level. Of random weights those of the last
 * layer are made smaller by a power of two, so that a softmax behind it does not hide what comes
 * before. The label goes on with ", 8 bits on noise". Weights that have scales already stay as they
 * are. */
cn_status st_weights_quantize(const cn_graph *graph, cn_weights *weights, int32_t threads,
                              cn_error *error);

#endif
