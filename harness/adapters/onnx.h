/* A network as ONNX, for engines that read that and for whoever wants the file. */
#ifndef HARNESS_ADAPTERS_ONNX_H
#define HARNESS_ADAPTERS_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/engine.h"
#include "condense/graph.h"
#include "condense/status.h"
#include "condense/weights.h"

/* What is to be written. `integers`: the quantized network that weights with scales stand for
 * (CN_ENOTFOUND where they have none); else one of floats, whatever scales there are. */
typedef struct st_onnx {
    const char *name;
    const cn_graph *graph;
    const cn_weights *weights;
    int32_t batch; /* 0: open */
    bool integers;
} st_onnx;

/* To memory; *bytes is for cn_free. */
cn_status st_onnx_pack(const st_onnx *network, unsigned char **bytes, size_t *size,
                       cn_error *error);

/* An engine that reads ONNX: what its adapter has of its own. */
typedef struct st_onnx_reader {
    const char *name;             /* for messages */
    const char *(*missing)(void); /* as st_engine_kind's */
    /* Fills the zeroed engine; `bytes` are the caller's and end with the call. On failure `close`
     * follows. */
    cn_status (*load)(st_engine *engine, const void *bytes, size_t size, int32_t threads,
                      cn_error *error);
    void (*close)(st_engine *engine);
    size_t engine_size;
} st_onnx_reader;

/* Opens a network there: see st_engine_kind. */
cn_status st_onnx_open(st_engine **out, const st_onnx_reader *reader, const cn_graph *graph,
                       const cn_weights *weights, bool integers, const st_engine_options *options,
                       cn_error *error);

cn_status st_onnx_write(const st_onnx *network, const char *path, cn_error *error);

#endif
