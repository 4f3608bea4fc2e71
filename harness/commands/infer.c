/* condense infer: one forward pass on raw numbers, for comparing with anything. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "condense/passes.h"
#include "condense/session.h"
#include "data/catalog.h"
#include "data/npy.h"
#include "data/store_weights.h"

typedef struct request {
    const char *model, *scale, *variant, *backend, *weights, *input, *output, *isa;
    int64_t threads, batch;
    bool fuse, shrink, scalar;
} request;

typedef struct job {
    cn_model model;
    cn_weights weights;
    st_npy input;
    cn_session *session;
    float *output, *part; /* all images' outputs; one batch's inputs and outputs */
    int64_t images;
} job;

/* The array's images, if it holds such of the model's input shape. */
static cn_status count_images(job *j, const char *path, cn_error *error)
{
    cn_shape s = j->model.graph.layers[0].shape;
    const st_npy *a = &j->input;
    int64_t want[] = {s.c, s.h, s.w};
    if ((a->rank != 3 && a->rank != 4) || memcmp(a->dims + (a->rank - 3), want, sizeof want) != 0)
        return cn_fail(error, CN_EFORMAT,
                       "%s: %s at scale %s reads arrays of shape (N, %d, %d, %d)", path,
                       j->model.name, j->model.scale, s.c, s.h, s.w);
    j->images = a->rank == 4 ? a->dims[0] : 1;
    return CN_OK;
}

/* Runs all images, `batch` at a time. A last part that is not full is filled with zeros: images do
 * not touch each other. */
static cn_status run_images(job *j, int64_t batch, cn_error *error)
{
    int64_t in = cn_shape_count(cn_session_input_shape(j->session));
    int64_t out = cn_shape_count(cn_session_output_shape(j->session));
    j->output = cn_calloc((size_t)(j->images * out), sizeof *j->output);
    j->part = cn_calloc((size_t)(batch * (in + out)), sizeof *j->part);
    if (!j->output || !j->part) return cn_fail(error, CN_ENOMEM, "out of memory");
    float *results = j->part + batch * in;
    cn_status status = CN_OK;
    for (int64_t i = 0; i < j->images && !status; i += batch) {
        int64_t count = j->images - i < batch ? j->images - i : batch;
        memset(j->part, 0, (size_t)(batch * in) * sizeof *j->part);
        memcpy(j->part, j->input.data + i * in, (size_t)(count * in) * sizeof *j->part);
        status = cn_session_run(j->session, j->part, results, error);
        memcpy(j->output + i * out, results, (size_t)(count * out) * sizeof *results);
    }
    return status;
}

static cn_status infer(const request *r, job *j, cn_isa isa, cn_error *error)
{
    cn_status status = st_catalog_load(r->model, r->scale, NULL, 0, &j->model, error);
    if (!status) status = st_npy_read(r->input, &j->input, error);
    if (!status) status = count_images(j, r->input, error);
    st_compressed found;
    if (!status && st_variant_is_compressed(r->variant))
        status = st_weights_load_compressed(&j->model, r->variant, "", NAN, r->weights, &j->weights,
                                            &found, error);
    else if (!status)
        status = st_weights_load(&j->model, r->weights, &j->weights, error);
    if (status) return status;
    cn_session_options options = cn_session_defaults();
    options.threads = (int32_t)r->threads;
    options.batch = (int32_t)(r->batch ? r->batch : j->images < 64 ? j->images : 64);
    options.passes = r->fuse ? CN_PASS_ALL : 0;
    if (!r->shrink) options.passes &= ~(unsigned)CN_PASS_SHRINK;
    options.isa = isa;
    options.integers = st_variant_is_compressed(r->variant);
    status = cn_session_new(&j->session, &j->model.graph, &j->weights, &options, error);
    if (!status) status = run_images(j, options.batch, error);
    if (status) return status;
    cn_shape s = cn_session_output_shape(j->session);
    int64_t dims[] = {j->images, s.c, s.h, s.w};
    return st_npy_write(r->output, s.h == 1 && s.w == 1 ? 2 : 4, dims, j->output, error);
}

static void finish(job *j)
{
    cn_session_free(j->session);
    cn_weights_clear(&j->weights);
    cn_model_clear(&j->model);
    cn_free(j->input.data);
    cn_free(j->output);
    cn_free(j->part);
}

int st_command_infer(int argc, char **argv)
{
    request r = {.variant = "dense",
                 .backend = "cpu",
                 .isa = "best",
                 .threads = 1,
                 .fuse = true,
                 .shrink = true};
    const st_option options[] = {
        {"model", ST_TEXT, &r.model, "NAME", "the network ('condense models' lists them)", 0, 0},
        {"scale", ST_TEXT, &r.scale, "NAME", "its scale; default: the first of its text", 0, 0},
        {"variant", ST_TEXT, &r.variant, "NAME",
         "dense (the default), pruned, quantized or pruned+quantized", 0, 0},
        {"backend", ST_TEXT, &r.backend, "NAME", "cpu (the default)", 0, 0},
        {"weights", ST_TEXT, &r.weights, "FILE",
         "weight file (safetensors or .cnz), or 'random'; default: the committed or imported ones",
         0, 0},
        {"input", ST_TEXT, &r.input, "X.npy", "float32 array (N, C, H, W), preprocessed", 0, 0},
        {"output", ST_TEXT, &r.output, "Y.npy", "where the float32 outputs go", 0, 0},
        {"threads", ST_INT, &r.threads, "N", "threads; 0: all processors; default 1", 0, 1024},
        {"batch", ST_INT, &r.batch, "N", "images a run; default: all, at most 64", 0, 4096},
        {"isa", ST_TEXT, &r.isa, "LEVEL",
         "highest instruction set: scalar, neon, neon_dot, avx2, avx512, avx512_vnni", 0, 0},
        {"scalar", ST_FLAG, &r.scalar, NULL, "the same as --isa scalar", 0, 0},
        {"fuse", ST_FLAG, &r.fuse, NULL, "graph passes; --no-fuse switches all of them off", 0, 0},
        {"shrink", ST_FLAG, &r.shrink, NULL,
         "the pass that removes channels; --no-shrink switches it off", 0, 0},
        {0}};
    static const char about[] =
        "One forward pass on raw numbers, for comparing with anything.\n\n"
        "example: condense infer --model lenet5 --scale fashion --input x.npy --output y.npy";
    const st_usage usage = {"infer", "condense infer --model M --input X.npy --output Y.npy [...]",
                            about,   options,
                            0,       0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    if (!r.model || !r.input || !r.output)
        return st_complain("infer", ST_EXIT_USAGE, "--model, --input and --output are needed");
    if (strcmp(r.variant, "dense") != 0 && !st_variant_is_compressed(r.variant))
        return st_complain("infer", ST_EXIT_USAGE,
                           "there is no variant '%s'; dense, pruned, quantized and "
                           "pruned+quantized are",
                           r.variant);
    if (strcmp(r.backend, "cpu") != 0)
        return st_complain("infer", ST_EXIT_USAGE, "backend '%s' is not there; cpu is", r.backend);
    int isa = r.scalar ? CN_ISA_SCALAR : cn_isa_parse(r.isa);
    if (isa < 0)
        return st_complain("infer", ST_EXIT_USAGE,
                           "--isa %s: choose scalar, neon, neon_dot, avx2, avx512, avx512_vnni or "
                           "best",
                           r.isa);
    job j = {0};
    cn_error error = {0};
    cn_status done = infer(&r, &j, (cn_isa)isa, &error);
    if (!done)
        fprintf(stderr, "%lld images through %s (%s), weights %s, %s\n", (long long)j.images,
                j.model.name, j.model.scale, j.weights.label ? j.weights.label : "unknown",
                cn_isa_name(cn_session_isa(j.session)));
    finish(&j);
    return done ? st_complain("infer", st_exit_status(done), "%s", error.message) : ST_EXIT_OK;
}
