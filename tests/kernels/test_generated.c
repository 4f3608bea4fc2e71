/* Generated kernels at one level: compiled, loaded, and compared by cn_generate with the program's
 * own, to the bit. In place of the folder of plan/generate_cache.c and its names, whose libraries
 * an emulated processor does not have, each source is compiled into a file that is gone at once. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "condense/memory.h"
#include "plan/generate.h"

static const char *compiler(void)
{
    const char *own = getenv("CONDENSE_CC");
    return own && *own ? own : "cc";
}

static bool write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    bool written = f && fputs(text, f) >= 0;
    return f && !fclose(f) && written;
}

void cn_generate_key(const cn_conv *conv, size_t blocks, char key[CN_GENERATE_KEY])
{
    (void)conv, (void)blocks;
    key[0] = '\0';
}

cn_status cn_code_cache_open(cn_code_cache *cache, const cn_code *code, void **library,
                             bool *compiled, cn_error *error)
{
    char folder[] = "/tmp/condense-kernel-XXXXXX"; /* mkdtemp's letters */
    if (!mkdtemp(folder)) return cn_fail(error, CN_EIO, "no folder in /tmp");
    char *c = cn_sprintf("%s/kernel.c", folder), *so = cn_sprintf("%s/kernel.so", folder);
    char *command = cn_sprintf("%s -O1 -fPIC -shared -o %s %s", cache->compiler, so, c);
    char *source = code->write(code->context);
    for (const char *const *flags = code->flags; *flags; flags++) {
        char *longer = cn_sprintf("%s %s", command, *flags);
        cn_free(command);
        command = longer;
    }
    *library = NULL;
    if (source && write_file(c, source) && system(command) == 0)
        *library = dlopen(so, RTLD_NOW | RTLD_LOCAL);
    const char *why = *library ? NULL : dlerror();
    cn_status status = *library ? CN_OK : cn_fail(error, CN_EIO, "%s: %s", command, why ? why : "");
    *compiled = true;
    unlink(c);
    unlink(so);
    rmdir(folder);
    cn_free(c);
    cn_free(so);
    cn_free(command);
    cn_free(source);
    return status;
}

typedef struct layer {
    int32_t in_c, out_c, groups, h, w, kernel, stride;
    bool residual;
    double density;
} layer;

static const layer layers[] = {
    {8, 16, 1, 9, 7, 3, 1, false, 0.2},    {16, 64, 1, 14, 14, 1, 1, true, 0.1},
    {6, 33, 3, 8, 8, 3, 1, false, 0.5},    {12, 20, 1, 16, 33, 5, 1, true, 0.03},
    {64, 40, 1, 12, 12, 3, 1, false, 0.7}, /* several parts, of one strip */
    {40, 20, 1, 20, 17, 3, 1, false, 0.3}, /* and of two */
    {3, 31, 1, 130, 100, 1, 1, false, 1},  /* steps of more than 4 KiB */
    {7, 30, 1, 4, 4, 3, 1, false, 0},      {8, 40, 1, 14, 14, 3, 2, true, 0.3},
    {5, 17, 1, 40, 45, 3, 2, false, 0.2}, /* several strips */
    {16, 30, 2, 15, 13, 1, 2, true, 0.4},  {4, 9, 1, 34, 31, 7, 2, false, 0.1},
    {3, 21, 1, 31, 90, 5, 3, false, 0.2},  {6, 11, 1, 47, 45, 11, 4, true, 0.05},
};

static float *some_weights(const layer *l, int32_t depth, cn_random *random)
{
    size_t count = (size_t)l->out_c * (size_t)depth;
    float *weight = cn_calloc(count, sizeof *weight);
    for (size_t i = 0; i < count; i++)
        if (cn_random_uniform(random) < l->density) weight[i] = (float)cn_random_normal(random);
    return weight;
}

static void check_layer(cn_generator *generator, const layer *l, cn_isa isa, cn_random *random)
{
    int32_t pad = l->kernel / 2, depth = l->in_c / l->groups * l->kernel * l->kernel;
    int32_t stride = l->stride, around = 2 * pad - l->kernel;
    const int32_t halo[4] = {pad, pad, pad, pad};
    cn_conv_problem p = {
        .window = {l->kernel, l->kernel, stride, stride, 1, 1, pad, pad, pad, pad},
        .in_c = l->in_c,
        .out_c = l->out_c,
        .groups = l->groups,
        .in = {l->in_c, l->h, l->w},
        .out = {l->out_c, (l->h + around) / stride + 1, (l->w + around) / stride + 1},
        .residual = l->residual};
    float *weight = some_weights(l, depth, random);
    cn_mask *mask;
    cn_conv *conv;
    cn_error error = {0};
    bool made = cn_mask_new(&mask, weight, l->groups, l->out_c / l->groups, (size_t)depth, true,
                            &error) == CN_OK;
    p.mask = mask;
    made = made && cn_conv_new(&conv, &p, (cn_conv_way){CN_CONV_SPARSE1, .generated = true}, weight,
                               NULL, isa, &error) == CN_OK;
    report(made, "a convolution of blocks of one output: %s", error.message);
    if (!made) return;
    planes in = planes_new(1, p.in, halo, 0, GUARD_AFTER, 0, PLANES_INPUT, random);
    cn_conv_bind(conv, &in.view);
    bool generated = cn_generate(generator, conv, &in.view);
    const char *problem = cn_generator_problem(generator);
    report(
        generated, "generated for %d to %d channels, %d x %d, window %d, stride %d, density %g: %s",
        l->in_c, l->out_c, l->h, l->w, l->kernel, stride, l->density, problem ? problem : "unfit");
    cn_conv_free(conv);
    cn_mask_free(mask);
    planes_free(&in);
    cn_free(weight);
}

void test_generated(cn_isa isa)
{
    cn_generator *generator;
    cn_random random = cn_random_seed(5);
    char *command = cn_sprintf("%s --version >/dev/null 2>&1", compiler());
    bool there = system(command) == 0;
    cn_free(command);
    if (!cn_generated_rows(isa)) return;
    if (!there) {
        report_skip("generated kernels: there is no C compiler '%s'", compiler());
        return;
    }
    report(cn_generator_new(&generator, compiler(), "", NULL) == CN_OK, "a generator");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        check_layer(generator, &layers[i], isa, &random);
    cn_generator_free(generator);
}
