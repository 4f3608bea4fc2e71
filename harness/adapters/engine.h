/* A network under test, whoever runs it: our session or a reference library. The harness opens a
 * network, binds input and output, runs, reads the output and closes; it knows nothing else. */
#ifndef HARNESS_ADAPTERS_ENGINE_H
#define HARNESS_ADAPTERS_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

typedef struct st_engine st_engine; /* an open network */

typedef struct st_engine_options {
    int32_t threads, batch;
} st_engine_options;

/* One kind of engine. Static tables; open allocates what close frees. */
typedef struct st_engine_kind {
    const char *name; /* "condense", "onednn" */
    bool integers; /* runs quantized networks, of weights with scales, on integers and no others */
    const char *(*version)(void); /* where it is not missing */
    /* Why it cannot be used here ("not built in", "library not found at ..."), or NULL. */
    const char *(*missing)(void);
    /* CN_EUNSUPPORTED, with the operator, where it cannot run the network; CN_ENOTFOUND where it
     * runs integers and the weights have no scales. */
    cn_status (*open)(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                      const st_engine_options *options, cn_error *error);
    /* Binds the caller's buffers, batch images of dense NCHW float32, for the runs to come. Not
     * part of what is timed: an engine whose users hold their pictures in another layout converts
     * here. */
    cn_status (*bind)(st_engine *engine, const float *input, float *output, cn_error *error);
    /* One forward pass. */
    cn_status (*run)(st_engine *engine, cn_error *error);
    /* Puts the last run's output into the bound buffer; NULL where run does. Not timed either. */
    cn_status (*read)(st_engine *engine, cn_error *error);
    void (*close)(st_engine *engine);
} st_engine_kind;

/* floats: our own session again, with quantized weights as the floats that they are. */
extern const st_engine_kind st_engine_condense, st_engine_floats, st_engine_onednn,
    st_engine_onednn_int8, st_engine_onnxruntime, st_engine_onnxruntime_int8, st_engine_openvino,
    st_engine_openvino_int8, st_engine_xnnpack;

/* Kind by name; NULL where there is none. st_engine_kinds: all, NULL at the end. */
const st_engine_kind *st_engine_find(const char *name);
extern const st_engine_kind *const st_engine_kinds[];

#endif
