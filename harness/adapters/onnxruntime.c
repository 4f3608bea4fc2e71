/* ONNX Runtime as its users run it: the network as an ONNX model, all graph optimizations, one
 * thread pool of the threads asked for, nodes one after another (its defaults but for the number of
 * threads). Input and output are bound to the caller's memory.
 *
 * Its C interface is a table of functions whose order never changes; version 1 of the table ends at
 * place 101, and every release since 1.0 serves it. Only the places used here are declared. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapters/engine.h"
#include "adapters/library.h"
#include "adapters/onnx.h"
#include "condense/memory.h"

enum { API_VERSION = 1 };
enum { LOG_FATAL = 4, OPTIMIZE_ALL = 99, SEQUENTIAL = 0, ARENA_ALLOCATOR = 1, DEFAULT_MEMORY = 0 };
enum { FLOAT_TENSOR = 1 };

/* Places in the table. */
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION_FROM_ARRAY = 8,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_EXECUTION_MODE = 13,
    SET_OPTIMIZATION_LEVEL = 23,
    SET_INTRA_OP_THREADS = 24,
    GET_INPUT_TYPE = 33,
    GET_OUTPUT_TYPE = 34,
    GET_INPUT_NAME = 36,
    GET_OUTPUT_NAME = 37,
    CREATE_TENSOR = 49,
    CAST_TO_TENSOR_INFO = 55,
    GET_RANK = 61,
    GET_DIMENSIONS = 62,
    CREATE_CPU_MEMORY_INFO = 69,
    ALLOCATOR_FREE = 76,
    DEFAULT_ALLOCATOR = 78,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY_INFO = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_TYPE = 98,
    RELEASE_SESSION_OPTIONS = 100
};

typedef void function(void);
typedef struct base {
    function *const *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} base;
typedef struct ort_status ort_status; /* NULL: success */

static struct library {
    const base *(*get_base)(void);
    const base *base;
    function *const *api;
    void *environment; /* one a process */
} library;

/* Calls the function at a place with a type that its declaration in ONNX Runtime has. */
#define CALL(place, type, ...) (((type)library.api[place])(__VA_ARGS__))
#define RELEASE(place, object) CALL(place, void (*)(void *), object)

/* The network's input or output, bound to the caller's memory. */
typedef struct binding {
    char *name;
    int64_t dims[4];
    size_t rank;
    void *value; /* a tensor over the caller's memory */
} binding;

struct st_engine {
    void *session, *memory;
    binding input, output;
};

static cn_status check(ort_status *status, const char *what, cn_error *error)
{
    if (!status) return CN_OK;
    const char *message = CALL(GET_ERROR_MESSAGE, const char *(*)(ort_status *), status);
    cn_status code = cn_fail(error, CN_EUNSUPPORTED, "ONNX Runtime, %s: %.600s", what, message);
    RELEASE(RELEASE_STATUS, status);
    return code;
}

static const char *load(void)
{
    const st_symbol symbols[] = {{&library.get_base, "OrtGetApiBase"}};
    const char *problem = st_library_load(
        "CONDENSE_ONNXRUNTIME", "baselines/onnxruntime/capi/libonnxruntime.so.*", symbols, 1);
    if (problem) return problem;
    const base *found = library.get_base();
    library.api = found ? found->get_api(API_VERSION) : NULL;
    if (!library.api) return "the library does not serve version 1 of its interface";
    ort_status *status = CALL(CREATE_ENV, ort_status * (*)(int, const char *, void **), LOG_FATAL,
                              "condense", &library.environment);
    if (status) {
        RELEASE(RELEASE_STATUS, status);
        return "the library could not start";
    }
    library.base = found;
    return NULL;
}

static const char *missing(void)
{
    static const char *problem;
    if (!library.base) problem = load();
    return library.base ? NULL : problem;
}

static const char *version(void)
{
    return missing() ? NULL : library.base->get_version();
}

static cn_status name_of(const st_engine *engine, int place, binding *b, cn_error *error)
{
    void *allocator = NULL;
    char *theirs = NULL;
    cn_status status =
        check(CALL(DEFAULT_ALLOCATOR, ort_status * (*)(void **), &allocator), "allocator", error);
    if (!status)
        status = check(CALL(place, ort_status * (*)(void *, size_t, void *, char **),
                            engine->session, 0, allocator, &theirs),
                       "name", error);
    if (status) return status;
    b->name = cn_strdup(theirs);
    status = check(CALL(ALLOCATOR_FREE, ort_status * (*)(void *, void *), allocator, theirs),
                   "name", error);
    return !status && !b->name ? cn_fail(error, CN_ENOMEM, "out of memory") : status;
}

static cn_status shape_of(const st_engine *engine, int place, binding *b, cn_error *error)
{
    void *type = NULL;
    const void *info = NULL;
    cn_status status =
        check(CALL(place, ort_status * (*)(void *, size_t, void **), engine->session, 0, &type),
              "type", error);
    if (status) return status;
    status = check(CALL(CAST_TO_TENSOR_INFO, ort_status * (*)(void *, const void **), type, &info),
                   "type", error);
    if (!status)
        status = check(CALL(GET_RANK, ort_status * (*)(const void *, size_t *), info, &b->rank),
                       "rank", error);
    if (!status && b->rank > 4)
        status = cn_fail(error, CN_EUNSUPPORTED, "ONNX Runtime: a tensor of rank %zu", b->rank);
    if (!status)
        status = check(CALL(GET_DIMENSIONS, ort_status * (*)(const void *, int64_t *, size_t), info,
                            b->dims, b->rank),
                       "shape", error);
    RELEASE(RELEASE_TYPE, type);
    return status;
}

static cn_status set_options(void *options, int threads, cn_error *error)
{
    typedef ort_status *setter(void *options, int value);
    cn_status status =
        check(CALL(SET_INTRA_OP_THREADS, setter *, options, threads), "threads", error);
    if (!status)
        status = check(CALL(SET_OPTIMIZATION_LEVEL, setter *, options, OPTIMIZE_ALL),
                       "optimization level", error);
    if (!status)
        status =
            check(CALL(SET_EXECUTION_MODE, setter *, options, SEQUENTIAL), "execution mode", error);
    return status;
}

static cn_status load_model(st_engine *engine, const void *bytes, size_t size, int threads,
                            cn_error *error)
{
    void *options = NULL;
    cn_status status =
        check(CALL(CREATE_SESSION_OPTIONS, ort_status * (*)(void **), &options), "options", error);
    if (!status) status = set_options(options, threads, error);
    if (!status)
        status = check(CALL(CREATE_SESSION_FROM_ARRAY,
                            ort_status * (*)(void *, const void *, size_t, void *, void **),
                            library.environment, bytes, size, options, &engine->session),
                       "loading the model", error);
    if (options) RELEASE(RELEASE_SESSION_OPTIONS, options);
    if (!status)
        status = check(CALL(CREATE_CPU_MEMORY_INFO, ort_status * (*)(int, int, void **),
                            ARENA_ALLOCATOR, DEFAULT_MEMORY, &engine->memory),
                       "memory", error);
    if (!status) status = name_of(engine, GET_INPUT_NAME, &engine->input, error);
    if (!status) status = name_of(engine, GET_OUTPUT_NAME, &engine->output, error);
    if (!status) status = shape_of(engine, GET_INPUT_TYPE, &engine->input, error);
    if (!status) status = shape_of(engine, GET_OUTPUT_TYPE, &engine->output, error);
    return status;
}

static void close_net(st_engine *engine)
{
    if (engine->input.value) RELEASE(RELEASE_VALUE, engine->input.value);
    if (engine->output.value) RELEASE(RELEASE_VALUE, engine->output.value);
    if (engine->memory) RELEASE(RELEASE_MEMORY_INFO, engine->memory);
    if (engine->session) RELEASE(RELEASE_SESSION, engine->session);
    cn_free(engine->input.name);
    cn_free(engine->output.name);
    cn_free(engine);
}

static const st_onnx_reader reader = {.name = "onnxruntime",
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

/* Lets the binding's tensor lie over `data`, of the caller's. */
static cn_status bind_one(const st_engine *engine, binding *b, const float *data, cn_error *error)
{
    if (b->value) RELEASE(RELEASE_VALUE, b->value);
    b->value = NULL;
    size_t bytes = sizeof *data;
    for (size_t i = 0; i < b->rank; i++)
        bytes *= (size_t)b->dims[i];
    typedef ort_status *creator(void *memory, void *data, size_t bytes, const int64_t *dims,
                                size_t rank, int type, void **value);
    /* an input is only read */
    return check(CALL(CREATE_TENSOR, creator *, engine->memory, (void *)(uintptr_t)data, bytes,
                      b->dims, b->rank, FLOAT_TENSOR, &b->value),
                 "binding", error);
}

static cn_status bind_net(st_engine *engine, const float *input, float *output, cn_error *error)
{
    cn_status status = bind_one(engine, &engine->input, input, error);
    return status ? status : bind_one(engine, &engine->output, output, error);
}

static cn_status run_net(st_engine *engine, cn_error *error)
{
    typedef ort_status *runner(
        void *session, const void *options, const char *const *input_names, void *const *inputs,
        size_t input_count, const char *const *output_names, size_t output_count, void **outputs);
    return check(CALL(RUN, runner *, engine->session, NULL,
                      (const char *const *)&engine->input.name, &engine->input.value, 1,
                      (const char *const *)&engine->output.name, 1, &engine->output.value),
                 "running", error);
}

const st_engine_kind st_engine_onnxruntime = {.name = "onnxruntime",
                                              .version = version,
                                              .missing = missing,
                                              .open = open_net,
                                              .bind = bind_net,
                                              .run = run_net,
                                              .close = close_net};
const st_engine_kind st_engine_onnxruntime_int8 = {.name = "onnxruntime-int8",
                                                   .integers = true,
                                                   .version = version,
                                                   .missing = missing,
                                                   .open = open_integers,
                                                   .bind = bind_net,
                                                   .run = run_net,
                                                   .close = close_net};
