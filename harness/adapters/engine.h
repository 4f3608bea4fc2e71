/* A network under test, whoever runs it: our session or a reference library. The harness opens a
 * network, binds input and output, runs, reads output and closes; it knows nothing else. */
#ifndef HARNESS_ADAPTERS_ENGINE_H
#define HARNESS_ADAPTERS_ENGINE_H

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
    const char *(*version)(void); /* where it is not missing */
    /* Why it cannot be used here ("not built in", "library not found at ..."), or NULL. */
    const char *(*missing)(void);
    /* CN_EUNSUPPORTED, with the operator, where it cannot run the network. */
    cn_status (*open)(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                      const st_engine_options *options, cn_error *error);
    /* One forward pass, batch images, dense NCHW float32. */
    cn_status (*run)(st_engine *engine, const float *input, float *output, cn_error *error);
    void (*close)(st_engine *engine);
} st_engine_kind;

extern const st_engine_kind st_engine_condense, st_engine_onednn, st_engine_onnxruntime;

/* Kind by name; NULL where there is none. st_engine_kinds: all, NULL at the end. */
const st_engine_kind *st_engine_find(const char *name);
extern const st_engine_kind *const st_engine_kinds[];

#endif
