#include "adapters/onnx.h"

#include "condense/memory.h"
#include "condense/onnx.h"
#include "condense/quantize.h"

/* To `path` or, where that is NULL, to memory. */
static cn_status deliver(const st_onnx *n, const cn_graph *graph, const cn_weights *weights,
                         const cn_weights *scales, const char *path, unsigned char **bytes,
                         size_t *size, cn_error *error)
{
    if (path) return cn_onnx_write(path, graph, weights, scales, n->name, n->batch, error);
    return cn_onnx_pack(graph, weights, scales, n->name, n->batch, bytes, size, error);
}

static cn_status make(const st_onnx *n, const char *path, unsigned char **bytes, size_t *size,
                      cn_error *error)
{
    if (!n->integers) return deliver(n, n->graph, n->weights, NULL, path, bytes, size, error);
    cn_graph folded;
    cn_weights weights;
    cn_quantization quantization;
    cn_status status =
        cn_quantization_fold(n->graph, n->weights, &folded, &weights, &quantization, error);
    if (status) return status;
    cn_quantization_clear(&quantization); /* whole: the writer reads the scales themselves */
    status = deliver(n, &folded, &weights, n->weights, path, bytes, size, error);
    cn_graph_clear(&folded);
    cn_weights_clear(&weights);
    return status;
}

cn_status st_onnx_pack(const st_onnx *network, unsigned char **bytes, size_t *size, cn_error *error)
{
    return make(network, NULL, bytes, size, error);
}

cn_status st_onnx_write(const st_onnx *network, const char *path, cn_error *error)
{
    return make(network, path, NULL, NULL, error);
}

cn_status st_onnx_open(st_engine **out, const st_onnx_reader *reader, const cn_graph *graph,
                       const cn_weights *weights, bool integers, const st_engine_options *options,
                       cn_error *error)
{
    const char *problem = reader->missing();
    if (problem) return cn_fail(error, CN_ENOTFOUND, "%s: %s", reader->name, problem);
    const st_onnx network = {"network", graph, weights, options->batch, integers};
    unsigned char *bytes = NULL;
    size_t size;
    cn_status status = st_onnx_pack(&network, &bytes, &size, error);
    st_engine *engine = status ? NULL : cn_calloc(1, reader->engine_size);
    if (!status && !engine) status = cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status) status = reader->load(engine, bytes, size, options->threads, error);
    cn_free(bytes);
    if (status && engine) reader->close(engine);
    if (!status) *out = engine;
    return status;
}
