/* OpenVINO as its users run it on a CPU: the network as an ONNX model, the latency hint, the
 * threads asked for, and float32 arithmetic (it would otherwise round to bfloat16 where the
 * processor has that). Input and output are bound to the caller's memory. Through its C interface;
 * only the functions used here are declared. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapters/engine.h"
#include "adapters/library.h"
#include "adapters/onnx.h"
#include "condense/memory.h"

typedef struct shape {
    int64_t rank, *dims;
} shape;
typedef struct version_text {
    const char *number, *description;
} version_text;

static struct library {
    int (*get_version)(version_text *version);
    void (*free_version)(version_text *version);
    const char *(*last_message)(void);
    void (*free_text)(const char *text);
    int (*new_core)(void **core);
    int (*read_model)(const void *core, const char *bytes, size_t size, const void *weights,
                      void **model);
    /* Then pairs of texts: names and values, `words` of them. */
    int (*compile)(const void *core, const void *model, const char *device, size_t words,
                   void **compiled, ...);
    int (*new_request)(const void *compiled, void **request);
    int (*get_input)(const void *request, void **tensor);
    int (*get_output)(const void *request, void **tensor);
    int (*set_input)(void *request, const void *tensor);
    int (*set_output)(void *request, const void *tensor);
    int (*infer)(void *request);
    int (*tensor_type)(const void *tensor, int *type);
    int (*tensor_shape)(const void *tensor, shape *shape);
    int (*new_tensor)(int type, shape shape, void *memory, void **tensor);
    int (*free_shape)(shape *shape);
    void (*free_model)(void *model);
    void (*free_compiled)(void *compiled);
    void (*free_request)(void *request);
    void (*free_tensor)(void *tensor);
    void *core; /* one a process */
} library;

/* The network's input or output, bound to the caller's memory. */
typedef struct binding {
    int type;
    shape shape;
    void *tensor; /* over the caller's memory */
} binding;

struct st_engine {
    void *compiled, *request;
    binding input, output;
};

static const char *load(void)
{
#ifdef __SANITIZE_ADDRESS__
    return "the address sanitizer cannot stand how it loads its threads' library";
#endif
    const st_symbol symbols[] = {
        {&library.get_version, "ov_get_openvino_version"},
        {&library.free_version, "ov_version_free"},
        {&library.last_message, "ov_get_last_err_msg"},
        {&library.free_text, "ov_free"},
        {&library.new_core, "ov_core_create"},
        {&library.read_model, "ov_core_read_model_from_memory_buffer"},
        {&library.compile, "ov_core_compile_model"},
        {&library.new_request, "ov_compiled_model_create_infer_request"},
        {&library.get_input, "ov_infer_request_get_input_tensor"},
        {&library.get_output, "ov_infer_request_get_output_tensor"},
        {&library.set_input, "ov_infer_request_set_input_tensor"},
        {&library.set_output, "ov_infer_request_set_output_tensor"},
        {&library.infer, "ov_infer_request_infer"},
        {&library.tensor_type, "ov_tensor_get_element_type"},
        {&library.tensor_shape, "ov_tensor_get_shape"},
        {&library.new_tensor, "ov_tensor_create_from_host_ptr"},
        {&library.free_shape, "ov_shape_free"},
        {&library.free_model, "ov_model_free"},
        {&library.free_compiled, "ov_compiled_model_free"},
        {&library.free_request, "ov_infer_request_free"},
        {&library.free_tensor, "ov_tensor_free"},
    };
    const char *problem =
        st_library_load("CONDENSE_OPENVINO", "baselines/openvino/libs/libopenvino_c.so.*", symbols,
                        sizeof symbols / sizeof *symbols);
    if (problem) return problem;
    return library.new_core(&library.core) ? "the library could not start" : NULL;
}

static const char *missing(void)
{
    static const char *problem;
    if (!library.core) problem = load();
    return library.core ? NULL : problem;
}

static const char *version(void)
{
    static char text[64];
    version_text found;
    if (missing() || *text) return *text ? text : NULL;
    if (library.get_version(&found)) return "unknown";
    snprintf(text, sizeof text, "%s", found.number);
    library.free_version(&found);
    return text;
}

static cn_status check(int status, const char *what, cn_error *error)
{
    if (!status) return CN_OK;
    const char *message = library.last_message();
    cn_status code = cn_fail(error, CN_EUNSUPPORTED, "OpenVINO, %s: %.600s", what,
                             message ? message : "no reason given");
    if (message) library.free_text(message);
    return code;
}

/* What the request's own tensor is, so that ours is the same. */
static cn_status describe(int status, void *tensor, binding *b, cn_error *error)
{
    if (!status) status = library.tensor_type(tensor, &b->type);
    if (!status) status = library.tensor_shape(tensor, &b->shape);
    if (tensor) library.free_tensor(tensor);
    return check(status, "tensors", error);
}

static cn_status load_model(st_engine *engine, const void *bytes, size_t size, int32_t threads,
                            cn_error *error)
{
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    void *model = NULL, *tensor = NULL;
    cn_status status =
        check(library.read_model(library.core, bytes, size, NULL, &model), "reading", error);
    if (!status)
        status = check(library.compile(library.core, model, "CPU", 6, &engine->compiled,
                                       "PERFORMANCE_HINT", "LATENCY", "INFERENCE_NUM_THREADS",
                                       count, "INFERENCE_PRECISION_HINT", "f32"),
                       "compiling", error);
    if (model) library.free_model(model);
    if (!status)
        status = check(library.new_request(engine->compiled, &engine->request), "request", error);
    if (status) return status;
    int found = library.get_input(engine->request, &tensor);
    status = describe(found, tensor, &engine->input, error);
    if (status) return status;
    tensor = NULL;
    found = library.get_output(engine->request, &tensor);
    return describe(found, tensor, &engine->output, error);
}

static void clear_binding(binding *b)
{
    if (b->tensor) library.free_tensor(b->tensor);
    if (b->shape.dims) library.free_shape(&b->shape);
}

static void close_net(st_engine *engine)
{
    clear_binding(&engine->input);
    clear_binding(&engine->output);
    if (engine->request) library.free_request(engine->request);
    if (engine->compiled) library.free_compiled(engine->compiled);
    cn_free(engine);
}

static const st_onnx_reader reader = {.name = "openvino",
                                      .missing = missing,
                                      .load = load_model,
                                      .close = close_net,
                                      .engine_size = sizeof(st_engine)};

static cn_status open_net(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                          const st_engine_options *options, cn_error *error)
{
    return st_onnx_open(out, &reader, graph, weights, false, options, error);
}

static cn_status open_integers(st_engine **out, const cn_graph *graph, const cn_weights *weights,
                               const st_engine_options *options, cn_error *error)
{
    return st_onnx_open(out, &reader, graph, weights, true, options, error);
}

/* Lets a tensor lie over `data`, of the caller's, and gives it to the request. */
static cn_status bind_one(const st_engine *engine, binding *b, const float *data,
                          int (*set)(void *request, const void *tensor), cn_error *error)
{
    if (b->tensor) library.free_tensor(b->tensor);
    b->tensor = NULL;
    /* an input is only read */
    int status = library.new_tensor(b->type, b->shape, (void *)(uintptr_t)data, &b->tensor);
    return check(status ? status : set(engine->request, b->tensor), "binding", error);
}

static cn_status bind_net(st_engine *engine, const float *input, float *output, cn_error *error)
{
    cn_status status = bind_one(engine, &engine->input, input, library.set_input, error);
    return status ? status : bind_one(engine, &engine->output, output, library.set_output, error);
}

static cn_status run_net(st_engine *engine, cn_error *error)
{
    return check(library.infer(engine->request), "running", error);
}

const st_engine_kind st_engine_openvino = {.name = "openvino",
                                           .version = version,
                                           .missing = missing,
                                           .open = open_net,
                                           .bind = bind_net,
                                           .run = run_net,
                                           .close = close_net};
const st_engine_kind st_engine_openvino_int8 = {.name = "openvino-int8",
                                                .integers = true,
                                                .version = version,
                                                .missing = missing,
                                                .open = open_integers,
                                                .bind = bind_net,
                                                .run = run_net,
                                                .close = close_net};
