/* An ONNX model around its graph, to a file or to memory. */
#include "condense/onnx.h"

#include "condense/file.h"
#include "condense/memory.h"
#include "format/onnx_graph.h"

enum { IR_VERSION = 8, OPERATOR_SET = 13 };

/* Protocol buffers end at 2 GiB. */
static cn_status check_size(int64_t bytes, const char *name, cn_error *error)
{
    if (bytes <= INT32_MAX) return CN_OK;
    return cn_fail(error, CN_EUNSUPPORTED,
                   "%s: %.2f GiB as ONNX, which ends at 2 GiB; choose a smaller network or scale",
                   name, (double)bytes / (1 << 30));
}

static cn_status check(const cn_graph *graph, const cn_weights *weights, const char *name,
                       int32_t batch, cn_error *error)
{
    if (batch < 0) return cn_fail(error, CN_EINVAL, "batch %d: give at least 0", batch);
    if (graph->count < 1) return cn_fail(error, CN_EINVAL, "the network has no layers");
    int64_t bytes = 0;
    for (int32_t i = 0; i < weights->count; i++)
        bytes += cn_tensor_count(&weights->tensors[i]) * (int64_t)sizeof(float);
    cn_status status = check_size(bytes, name, error);
    return status ? status : cn_weights_check(weights, graph, error);
}

/* Where the packer's bytes go. */
typedef struct sink {
    ProtobufCBuffer base;
    FILE *file;
} sink;

static void append_to_file(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes)
{
    fwrite(bytes, 1, size, ((sink *)buffer)->file); /* cn_new_file_end sees errors */
}

static cn_status deliver(const Onnx__ModelProto *model, const char *name, FILE *file,
                         unsigned char **bytes, size_t *size, cn_error *error)
{
    size_t packed = onnx__model_proto__get_packed_size(model);
    cn_status status = check_size((int64_t)packed, name, error);
    if (status) return status;
    if (file) {
        sink to = {.base = {append_to_file}, .file = file};
        onnx__model_proto__pack_to_buffer(model, &to.base);
        return CN_OK;
    }
    *bytes = cn_calloc(packed, 1);
    if (!*bytes)
        return cn_fail(error, CN_ENOMEM, "%s: no memory for %zu bytes of ONNX", name, packed);
    *size = onnx__model_proto__pack(model, *bytes);
    return CN_OK;
}

/* To `file` or, where that is NULL, to *bytes. */
static cn_status pack(const cn_graph *graph, const cn_weights *weights, const cn_weights *scales,
                      const char *name, int32_t batch, FILE *file, unsigned char **bytes,
                      size_t *size, cn_error *error)
{
    cn_status status = check(graph, weights, name, batch, error);
    if (status) return status;
    cn_onnx onnx = {.batch = batch};
    onnx__graph_proto__init(&onnx.graph);
    Onnx__OperatorSetIdProto set = ONNX__OPERATOR_SET_ID_PROTO__INIT, *sets[] = {&set};
    set.domain = (char *)(uintptr_t) "";
    set.has_version = true;
    set.version = OPERATOR_SET;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    model.has_ir_version = true;
    model.ir_version = IR_VERSION;
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.producer_name = (char *)(uintptr_t) "condense";
    model.graph = &onnx.graph;
    onnx.graph.name = (char *)(uintptr_t)name;
    status = cn_onnx_fill(&onnx, graph, weights, scales, error);
    if (!status) status = deliver(&model, name, file, bytes, size, error);
    cn_onnx_clear(&onnx);
    return status;
}

cn_status cn_onnx_pack(const cn_graph *graph, const cn_weights *weights, const cn_weights *scales,
                       const char *name, int32_t batch, unsigned char **bytes, size_t *size,
                       cn_error *error)
{
    return pack(graph, weights, scales, name, batch, NULL, bytes, size, error);
}

cn_status cn_onnx_write(const char *path, const cn_graph *graph, const cn_weights *weights,
                        const cn_weights *scales, const char *name, int32_t batch, cn_error *error)
{
    cn_new_file file;
    cn_status status = cn_new_file_begin(&file, path, error);
    if (status) return status;
    status = pack(graph, weights, scales, name, batch, file.stream, NULL, NULL, error);
    return cn_new_file_end(&file, status, error);
}
