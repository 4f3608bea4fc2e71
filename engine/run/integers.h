/* A quantized network in a session: what is held as 8-bit integers, and how. */
#ifndef CONDENSE_RUN_INTEGERS_H
#define CONDENSE_RUN_INTEGERS_H

#include <stdbool.h>

#include "condense/quantize.h"
#include "cpu/int8.h"

/* `quantization` has no outputs where the network is one of floats. `stored` is the graph as memory
 * has it: shapes of integers have quads for channels, and a concat that cannot be written in place
 * by its inputs has another operator. It shares names and inputs with the planned graph. */
typedef struct cn_integers {
    cn_quantization quantization;
    cn_graph stored;
} cn_integers;

/* Looks for scales of the planned `graph` in `weights`, which are those before passes. Without, the
 * network is one of floats. */
cn_status cn_integers_load(cn_integers *integers, const cn_graph *graph, const cn_weights *weights,
                           cn_error *error);

/* Whether any layer is of integers. */
bool cn_integers_any(const cn_integers *integers);

/* Of a layer's output. */
cn_int8_scale cn_integers_levels(const cn_integers *integers, int32_t layer);

/* Whether layer `index` writes integers or reads some. */
bool cn_integers_touch(const cn_integers *integers, const cn_graph *graph, int32_t index);

void cn_integers_clear(cn_integers *integers);

#endif
