#include "plan/generate.h"

#include <dlfcn.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/random.h"

/* More code than this is read more slowly than weights and offsets: docs/generated.md. */
enum { MOST_CODE = 1 << 22 };

struct cn_generator {
    cn_code_cache cache;
    cn_generator_counts counts;
    cn_error problem; /* of the first that failed */
};

cn_status cn_generator_new(cn_generator **out, const char *compiler, const char *folder,
                           cn_error *error)
{
    *out = NULL;
    cn_generator *g = cn_calloc(1, sizeof *g);
    if (g) g->cache = (cn_code_cache){cn_strdup(compiler), cn_strdup(folder), NULL};
    if (!g || !g->cache.compiler || !g->cache.folder) {
        cn_generator_free(g);
        return cn_fail(error, CN_ENOMEM, "out of memory");
    }
    *out = g;
    return CN_OK;
}

cn_generator_counts cn_generator_report(const cn_generator *g)
{
    return g->counts;
}

const char *cn_generator_problem(const cn_generator *g)
{
    return g->counts.failed ? g->problem.message : NULL;
}

void cn_generator_free(cn_generator *g)
{
    if (!g) return;
    cn_free(g->cache.compiler);
    cn_free(g->cache.folder);
    cn_free(g->cache.version);
    cn_free(g);
}

static void close_library(void *library)
{
    dlclose(library);
}

/* A tensor for the trial, laid out as a session's, filled with random numbers around it as well. */
typedef struct tensor {
    float *memory;
    cn_view view;
} tensor;

/* `halo`: floats before the first pixel and after the last plane. */
static bool make_tensor(tensor *t, cn_shape shape, ptrdiff_t row, ptrdiff_t plane, size_t halo,
                        cn_random *random)
{
    size_t count = (size_t)shape.c * (size_t)plane + 2 * halo;
    t->memory = cn_calloc(count, sizeof *t->memory);
    if (!t->memory) return false;
    for (size_t i = 0; i < count; i++)
        t->memory[i] = (float)(cn_random_uniform(random) - 0.5);
    t->view = (cn_view){.data = t->memory + halo,
                        .n = 1,
                        .c = shape.c,
                        .h = shape.h,
                        .w = shape.w,
                        .row = row,
                        .plane = plane,
                        .image = plane * shape.c};
    return true;
}

/* One image through the convolution. */
static bool run(const cn_conv *conv, const tensor *in, const tensor *residual, const tensor *out)
{
    void *scratch = cn_calloc(cn_conv_scratch(conv, 1), 1);
    size_t tasks = cn_conv_tasks(conv, 1, 1);
    for (size_t i = 0; i < tasks && scratch; i++)
        cn_conv_task(conv, &in->view, &out->view, residual->memory ? &residual->view : NULL, i,
                     tasks, scratch);
    cn_free(scratch);
    return scratch != NULL;
}

static bool same(const tensor *a, const tensor *b)
{
    size_t count = (size_t)a->view.c * (size_t)a->view.plane;
    for (size_t i = 0; i < count; i++)
        if (!(a->view.data[i] == b->view.data[i])) return false;
    return true;
}

/* What the convolution gives on `in`, by its own kernels and by `code`; it keeps the code where
 * both are the same to the bit. */
static cn_status try_on(cn_conv *conv, const cn_generated *code, const tensor *in,
                        const tensor *residual, const tensor *right, const tensor *got,
                        cn_error *error)
{
    bool ran = run(conv, in, residual, right);
    cn_status status = cn_generated_use(conv, code, error);
    if (status) return status;
    ran = ran && run(conv, in, residual, got);
    if (ran && same(right, got)) {
        cn_generated_settle(conv);
        return CN_OK;
    }
    cn_generated_undo(conv);
    if (!ran) return cn_fail(error, CN_ENOMEM, "no memory to try a generated kernel");
    return cn_fail(error, CN_EIO, "a compiled kernel gives other numbers than the program's own");
}

static cn_status use(cn_conv *conv, const cn_view *in, const cn_generated *code, cn_error *error)
{
    const cn_conv_problem *p = &conv->problem;
    const cn_window *w = &p->window;
    ptrdiff_t plane = (ptrdiff_t)p->out.h * p->out.w;
    size_t halo =
        (size_t)(w->pad_top + w->pad_bottom + 1) * (size_t)in->row + (size_t)(w->pad_left + 64);
    cn_random random = cn_random_seed(1);
    tensor input = {0}, residual = {0}, right = {0}, got = {0};
    bool made = make_tensor(&input, p->in, in->row, in->plane, halo, &random) &&
                make_tensor(&right, p->out, p->out.w, plane, 0, &random) &&
                make_tensor(&got, p->out, p->out.w, plane, 0, &random);
    if (made && p->residual) made = make_tensor(&residual, p->out, p->out.w, plane, 0, &random);
    cn_status status = CN_ENOMEM;
    if (made) {
        status = try_on(conv, code, &input, &residual, &right, &got, error);
    } else {
        code->close(code->library);
        cn_fail(error, CN_ENOMEM, "no memory to try a generated kernel");
    }
    cn_free(input.memory);
    cn_free(residual.memory);
    cn_free(right.memory);
    cn_free(got.memory);
    return status;
}

/* A convolution to write the source for. */
typedef struct writing {
    const cn_conv *conv;
    size_t blocks;
} writing;

static char *write_source(const void *context)
{
    const writing *w = context;
    return cn_generate_source(w->conv, w->blocks);
}

static cn_status generate(cn_generator *g, cn_conv *conv, const cn_view *in, size_t blocks,
                          size_t code_bytes, cn_error *error)
{
    bool compiled;
    cn_generated code = {.blocks = blocks, .close = close_library, .code_bytes = code_bytes};
    char key[CN_GENERATE_KEY];
    cn_generate_key(conv, blocks, key);
    cn_code source = {key, cn_generate_flags(conv->kernels->isa), write_source,
                      &(writing){conv, blocks}};
    cn_status status = cn_code_cache_open(&g->cache, &source, &code.library, &compiled, error);
    if (status) return status;
    code.run = (cn_generated_block *const *)dlsym(code.library, "condense_blocks");
    if (!code.run) {
        dlclose(code.library);
        return cn_fail(error, CN_EIO, "a compiled kernel has no table of blocks");
    }
    status = use(conv, in, &code, error);
    if (!status) *(compiled ? &g->counts.compiled : &g->counts.found) += 1;
    return status;
}

bool cn_generate(cn_generator *g, cn_conv *conv, const cn_view *in)
{
    cn_error error = {0};
    bool can = cn_generated_can(conv);
    size_t blocks = can ? cn_generate_blocks(conv) : 0;
    size_t code_bytes = can ? cn_generate_code_bytes(conv, blocks) : 0;
    if (!can || code_bytes > MOST_CODE) {
        g->counts.unfit++;
        return false;
    }
    if (!generate(g, conv, in, blocks, code_bytes, &error)) return true;
    if (!g->counts.failed++) g->problem = error;
    return false;
}
