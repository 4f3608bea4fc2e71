/* Generated kernels: the same bits as the program's own, and what happens where none can be made.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "condense/memory.h"
#include "condense/random.h"
#include "condense/session.h"
#include "condense/wisdom.h"
#include "data/catalog.h"
#include "generating.h"
#include "nets.h"
#include "plan/generate.h"

/* The only file of the folder, which the caller frees. */
static char *only_file(const char *folder)
{
    char *path = NULL;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) {
        if (*e->d_name == '.') continue;
        cr_assert_null(path, "another file: %s", e->d_name);
        path = cn_sprintf("%s/%s", folder, e->d_name);
    }
    closedir(d);
    cr_assert_not_null(path, "there is no file");
    return path;
}

typedef enum mask_kind { EMPTY_ROWS, FULL, ONE, NONE, SCATTERED, KERNELS, MASK_KINDS } mask_kind;

typedef struct layer {
    int32_t in_c, out_c, groups, h, w, kernel, pad, stride, batch;
    cn_activation activation;
    bool residual;
    mask_kind mask;
    double density;
} layer;

/* A layer with everything that it is given. */
typedef struct given {
    cn_conv_problem problem;
    cn_view in, other;
    float *weight, *bias, *memory, *residual;
    cn_mask *mask;
} given;

static bool is_kept(const layer *l, int32_t o, int32_t k, cn_random *random)
{
    cn_random kernel = cn_random_seed((uint64_t)(o * 1000 + k / (l->kernel * l->kernel)));
    switch (l->mask) {
    case EMPTY_ROWS:
        return o % 3 == 1 && cn_random_uniform(random) < l->density;
    case FULL:
        return true;
    case ONE:
        return o == l->out_c / 2 && k == 1;
    case NONE:
        return false;
    case KERNELS:
        return cn_random_uniform(&kernel) < l->density;
    default:
        return cn_random_uniform(random) < l->density;
    }
}

/* Input with zeros around the planes and NaN where nothing may be read. */
static void make_input(given *g, const layer *l, cn_random *random)
{
    ptrdiff_t row = l->w + l->pad + l->batch % 2, rows = l->h + l->pad;
    ptrdiff_t plane = (rows * row + 15) / 16 * 16, image = plane * l->in_c;
    ptrdiff_t lead = (l->pad * row + l->pad + 15) / 16 * 16;
    size_t count = (size_t)(image * l->batch + 2 * lead + row);
    g->memory = cn_calloc(count, sizeof *g->memory);
    float *data = g->memory + lead;
    for (int32_t n = 0; n < l->batch; n++)
        for (int32_t c = 0; c < l->in_c; c++)
            for (int32_t y = 0; y < l->h; y++)
                for (int32_t x = 0; x < l->w; x++)
                    data[n * image + c * plane + y * row + x] = (float)cn_random_normal(random);
    for (ptrdiff_t i = 0; i < lead - l->pad * row - l->pad; i++)
        g->memory[i] = NAN;
    g->in = (cn_view){data,  l->batch, l->in_c, l->h,   l->w,   row,
                      plane, image,    l->pad,  l->pad, l->pad, l->pad};
}

static cn_view dense(float *data, cn_shape s, int32_t batch)
{
    ptrdiff_t plane = (ptrdiff_t)s.h * s.w;
    return (cn_view){.data = data,
                     .n = batch,
                     .c = s.c,
                     .h = s.h,
                     .w = s.w,
                     .row = s.w,
                     .plane = plane,
                     .image = plane * s.c};
}

static given given_new(const layer *l, uint64_t seed)
{
    cn_random random = cn_random_seed(seed);
    int32_t around = 2 * l->pad - l->kernel, stride = l->stride;
    int32_t h = (l->h + around) / stride + 1, w = (l->w + around) / stride + 1;
    given g = {.problem = {.window = {l->kernel, l->kernel, stride, stride, 1, 1, l->pad, l->pad,
                                      l->pad, l->pad},
                           .in_c = l->in_c,
                           .out_c = l->out_c,
                           .groups = l->groups,
                           .in = {l->in_c, l->h, l->w},
                           .out = {l->out_c, h, w},
                           .activation = l->activation,
                           .residual = l->residual}};
    int32_t depth = l->in_c / l->groups * l->kernel * l->kernel;
    g.weight = test_values((int64_t)l->out_c * depth, seed + 1);
    for (int32_t o = 0; o < l->out_c; o++)
        for (int32_t k = 0; k < depth; k++)
            if (!is_kept(l, o, k, &random)) g.weight[o * depth + k] = 0;
    g.bias = test_values(l->out_c, seed + 2);
    g.residual = test_values(cn_shape_count(g.problem.out) * l->batch, seed + 3);
    g.other = dense(g.residual, g.problem.out, l->batch);
    make_input(&g, l, &random);
    cr_assert_eq(
        cn_mask_new(&g.mask, g.weight, l->groups, l->out_c / l->groups, (size_t)depth, true, NULL),
        CN_OK);
    g.problem.mask = g.mask;
    return g;
}

static void given_free(given *g)
{
    cn_free(g->weight);
    cn_free(g->bias);
    cn_free(g->memory);
    cn_free(g->residual);
    cn_mask_free(g->mask);
}

static cn_conv *conv_of(const given *g, cn_isa isa, cn_conv_way way)
{
    cn_conv *conv;
    cn_error error = {0};
    cr_assert_eq(cn_conv_new(&conv, &g->problem, way, g->weight, g->bias, isa, &error), CN_OK, "%s",
                 error.message);
    cn_conv_bind(conv, &g->in);
    return conv;
}

/* All tasks of a run for `threads`, into a new array. */
static float *run(const cn_conv *conv, const given *g, int32_t threads)
{
    int64_t count = cn_shape_count(g->problem.out) * g->in.n;
    float *output = cn_calloc((size_t)count, sizeof *output);
    memset(output, 0xff, (size_t)count * sizeof *output);
    cn_view out = dense(output, g->problem.out, g->in.n);
    void *scratch = cn_calloc(cn_conv_scratch(conv, g->in.n), 1);
    size_t tasks = cn_conv_tasks(conv, g->in.n, threads);
    for (size_t i = 0; i < tasks; i++)
        cn_conv_task(conv, &g->in, &out, g->problem.residual ? &g->other : NULL, i, tasks, scratch);
    cn_free(scratch);
    return output;
}

static const cn_conv_way own = {CN_CONV_SPARSE1, .input = CN_INPUT_DIRECT},
                         strided = {CN_CONV_SPARSE1}, made = {CN_CONV_SPARSE1, .generated = true};

static const layer layers[] = {
    {8, 16, 1, 9, 7, 3, 1, 1, 1, CN_ACT_RELU, false, SCATTERED, 0.2},
    {16, 64, 1, 14, 14, 1, 0, 1, 2, CN_ACT_NONE, true, SCATTERED, 0.1},
    {5, 31, 1, 20, 19, 3, 1, 1, 1, CN_ACT_RELU6, true, KERNELS, 0.4},
    {6, 33, 3, 8, 8, 3, 1, 1, 3, CN_ACT_SIGMOID, false, SCATTERED, 0.5},
    {12, 20, 1, 16, 33, 5, 2, 1, 1, CN_ACT_RELU, false, EMPTY_ROWS, 0.3},
    {4, 9, 1, 17, 16, 3, 0, 1, 1, CN_ACT_TANH, true, FULL, 1},
    {7, 30, 1, 4, 4, 3, 1, 1, 1, CN_ACT_NONE, false, ONE, 1},
    {3, 61, 1, 10, 5, 3, 1, 1, 2, CN_ACT_RELU, true, NONE, 0},
    {64, 40, 1, 12, 12, 3, 1, 1, 1, CN_ACT_RELU, false, SCATTERED,
     0.7}, /* several parts, of one strip */
    {40, 20, 1, 20, 17, 3, 1, 1, 1, CN_ACT_RELU, false, SCATTERED, 0.3}, /* and of two */
    {8, 40, 1, 15, 14, 3, 1, 2, 2, CN_ACT_RELU, true, SCATTERED, 0.3},
    {6, 21, 3, 41, 45, 3, 1, 2, 1, CN_ACT_NONE, false, SCATTERED, 0.4},
    {16, 30, 1, 16, 13, 1, 0, 2, 3, CN_ACT_RELU6, true, SCATTERED, 0.2},
    {3, 9, 1, 35, 37, 7, 3, 2, 1, CN_ACT_SIGMOID, false, EMPTY_ROWS, 0.2},
    {4, 13, 1, 34, 33, 5, 2, 3, 2, CN_ACT_RELU, true, SCATTERED, 0.2},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static bool has_code(cn_isa isa)
{
    return cn_isa_available(isa) == isa && cn_generated_rows(isa) > 0;
}

static void check_layer(cn_generator *generator, const layer *l, cn_isa isa, uint64_t seed)
{
    given g = given_new(l, seed);
    cn_conv *plain = conv_of(&g, isa, l->stride > 1 ? strided : own);
    cn_conv *code = conv_of(&g, isa, made);
    cr_assert_not(cn_conv_way_of(code).generated);
    cr_assert(cn_generate(generator, code, &g.in), "seed %d: %s", (int)seed,
              cn_generator_problem(generator));
    cr_assert(cn_conv_way_of(code).generated);
    cr_assert(strstr(cn_conv_kernel(code), "f32_generated_"), "%s", cn_conv_kernel(code));
    size_t bytes = (size_t)(cn_shape_count(g.problem.out) * g.in.n) * sizeof(float);
    float *right = run(plain, &g, 1);
    for (int32_t threads = 1; threads <= 3; threads++) {
        float *got = run(code, &g, threads);
        cr_assert_arr_eq(got, right, bytes, "seed %d, %d threads", (int)seed, threads);
        cr_assert_geq(cn_conv_imbalance(code, g.in.n, threads), 1);
        cr_assert_leq(cn_conv_loads(code), cn_conv_loads(plain));
        cn_free(got);
    }
    cn_free(right);
    cn_conv_free(plain);
    cn_conv_free(code);
    given_free(&g);
}

Test(generate, kernels_give_the_same_bits)
{
    if (!test_has_compiler()) cr_skip("there is no C compiler");
    char *folder = test_new_folder();
    cn_generator *generator;
    cr_assert_eq(cn_generator_new(&generator, test_compiler, folder, NULL), CN_OK);
    int32_t expected = 0;
    for (int isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++)
        for (int i = 0; i < LAYERS && has_code((cn_isa)isa); i++, expected++)
            check_layer(generator, &layers[i], (cn_isa)isa, (uint64_t)(100 * isa + i));
    /* Levels that differ for integers alone share code where the masks are the same. */
    cn_generator_counts counts = cn_generator_report(generator);
    cr_assert_eq(counts.compiled + counts.found, expected);
    cr_assert_geq(counts.compiled, LAYERS);
    cr_assert_null(cn_generator_problem(generator));
    cn_generator_free(generator);
    test_drop_folder(folder);
}

/* One layer with a new generator: what that says afterwards. */
static cn_generator_counts generate_once(const char *command, const char *folder, char *problem)
{
    cn_generator *generator;
    cr_assert_eq(cn_generator_new(&generator, command, folder, NULL), CN_OK);
    given g = given_new(&layers[0], 3);
    cn_conv *plain = conv_of(&g, CN_ISA_BEST, own), *code = conv_of(&g, CN_ISA_BEST, made);
    cn_generate(generator, code, &g.in);
    float *right = run(plain, &g, 1), *got = run(code, &g, 1);
    cr_assert_arr_eq(got, right, (size_t)cn_shape_count(g.problem.out) * sizeof *got,
                     "the layer works in any case");
    const char *said = cn_generator_problem(generator);
    snprintf(problem, 512, "%s", said ? said : "");
    cn_generator_counts counts = cn_generator_report(generator);
    cn_free(right);
    cn_free(got);
    cn_conv_free(plain);
    cn_conv_free(code);
    given_free(&g);
    cn_generator_free(generator);
    return counts;
}

Test(generate, no_compiler_means_the_programs_own_kernels)
{
    if (!has_code(cn_isa_available(CN_ISA_BEST))) cr_skip("nothing is generated at this level");
    char *folder = test_new_folder(), problem[512];
    cr_assert_eq(generate_once("/nonexistent/cc", folder, problem).failed, 1);
    cr_assert(strstr(problem, "/nonexistent/cc"), "%s", problem);
    cr_assert_eq(generate_once("false", folder, problem).failed, 1);
    /* No shell looks at the name. */
    cr_assert_eq(generate_once("cc; touch /tmp/condense-injected", folder, problem).failed, 1);
    cr_assert_neq(access("/tmp/condense-injected", F_OK), 0);
    test_drop_folder(folder);
}

Test(generate, kernels_are_found_again_and_damaged_ones_made_again)
{
    if (!test_has_compiler()) cr_skip("there is no C compiler");
    if (!has_code(cn_isa_available(CN_ISA_BEST))) cr_skip("nothing is generated at this level");
    char *folder = test_new_folder(), problem[512];
    cr_assert_eq(generate_once(test_compiler, folder, problem).compiled, 1);
    cr_assert_eq(generate_once(test_compiler, folder, problem).found, 1, "%s", problem);
    char *path = only_file(folder);
    struct stat s;
    stat(path, &s);
    cr_assert_eq(truncate(path, s.st_size / 2), 0);
    cr_assert_eq(generate_once(test_compiler, folder, problem).compiled, 1, "%s", problem);
    cr_assert_eq(generate_once(test_compiler, folder, problem).found, 1);
    FILE *file = fopen(path, "r+b");
    fseek(file, s.st_size / 3, SEEK_SET);
    fputc(fgetc(file) ^ 1, file);
    fclose(file);
    cr_assert_eq(generate_once(test_compiler, folder, problem).compiled, 1, "%s", problem);
    cn_free(path);
    path = only_file(folder);
    cn_free(path);
    test_drop_folder(folder);
}

Test(generate, a_folder_that_others_write_to_is_not_trusted)
{
    if (!has_code(cn_isa_available(CN_ISA_BEST))) cr_skip("nothing is generated at this level");
    char *folder = test_new_folder(), problem[512];
    chmod(folder, 0777);
    cr_assert_eq(generate_once(test_compiler, folder, problem).failed, 1);
    cr_assert(strstr(problem, folder), "%s", problem);
    test_drop_folder(folder);
}

Test(generate, processes_may_share_a_folder)
{
    if (!test_has_compiler()) cr_skip("there is no C compiler");
    if (!has_code(cn_isa_available(CN_ISA_BEST))) cr_skip("nothing is generated at this level");
    char *folder = test_new_folder(), problem[512];
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = fork();
        if (children[i]) continue;
        cn_generator_counts counts = generate_once(test_compiler, folder, problem);
        _exit(counts.compiled + counts.found == 1 ? 0 : 1);
    }
    for (int i = 0; i < 3; i++) {
        int status;
        waitpid(children[i], &status, 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d", i);
    }
    cr_assert_eq(generate_once(test_compiler, folder, problem).found, 1);
    cn_free(only_file(folder));
    test_drop_folder(folder);
}

Test(generate, what_does_not_fit_stays_as_it_is)
{
    char *folder = test_new_folder();
    cn_generator *generator;
    cr_assert_eq(cn_generator_new(&generator, test_compiler, folder, NULL), CN_OK);
    const layer tiny = {4, 8, 1, 2, 2, 1, 0, 1, 1, CN_ACT_NONE, false, SCATTERED, 0.5};
    given g = given_new(&tiny, 1), scattered = given_new(&layers[0], 1);
    const cn_conv_way packed = {CN_CONV_SPARSE1, .input = CN_INPUT_PACKED};
    cn_conv *convs[] = {conv_of(&g, CN_ISA_BEST, made), conv_of(&scattered, CN_ISA_BEST, packed),
                        conv_of(&scattered, CN_ISA_BEST, (cn_conv_way){CN_CONV_SPARSE8}),
                        conv_of(&scattered, CN_ISA_SCALAR, made)};
    for (int i = 0; i < 4; i++) {
        cr_assert_not(cn_generate(generator, convs[i], i ? &scattered.in : &g.in), "%d", i);
        cn_conv_free(convs[i]);
    }
    cr_assert_eq(cn_generator_report(generator).unfit, 4);
    cr_assert_null(cn_generator_problem(generator));
    given_free(&g);
    given_free(&scattered);
    cn_generator_free(generator);
    test_drop_folder(folder);
}

static int32_t count_generated(const cn_session *session)
{
    int32_t count, generated = 0;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++)
        generated += profile[i].choice && !strcmp(profile[i].choice, "sparse1/generated");
    return generated;
}

typedef struct network {
    cn_model model;
    cn_weights weights;
    float *input, *output;
    double *right;
    int64_t outputs;
} network;

static void check_session(const network *n, const cn_session *session, const char *what)
{
    cr_assert_eq(cn_session_run((cn_session *)(uintptr_t)session, n->input, n->output, NULL),
                 CN_OK);
    double error = test_error(n->output, n->right, n->outputs);
    cr_assert_lt(error, 1e-4, "%s: error %g", what, error);
}

/* ResNet-18 with four of five weights zero. */
static network pruned_network(void)
{
    network n = {0};
    cn_error error = {0};
    cn_random random = cn_random_seed(4);
    cr_assert_eq(st_catalog_load("resnet18", "fashion", NULL, 0, &n.model, &error), CN_OK, "%s",
                 error.message);
    const cn_graph *graph = &n.model.graph;
    n.weights = test_weights(graph, 5);
    for (int32_t t = 0; t < n.weights.count; t++)
        for (int64_t i = 0; i < cn_tensor_count(&n.weights.tensors[t]); i++)
            if (n.weights.tensors[t].rank == 4 && cn_random_below(&random, 5))
                n.weights.tensors[t].data[i] = 0;
    n.outputs = cn_shape_count(graph->layers[graph->count - 1].shape);
    n.input = test_values(cn_shape_count(graph->layers[0].shape), 6);
    n.output = test_values(n.outputs, 7);
    n.right = cn_calloc((size_t)n.outputs, sizeof *n.right);
    cr_assert_eq(cn_reference_run(graph, &n.weights, 1, n.input, n.right, NULL, &error), CN_OK);
    return n;
}

Test(generate, a_network_follows_wisdom_where_it_has_a_generator)
{
    if (!test_has_compiler()) cr_skip("there is no C compiler");
    if (!has_code(cn_isa_available(CN_ISA_BEST))) cr_skip("nothing is generated at this level");
    char *folder = test_new_folder();
    network n = pruned_network();
    cn_session_options options = cn_session_defaults();
    cn_session *session;
    options.threads = 2;
    cr_assert_null(options.generator, "off unless asked for");
    cr_assert_eq(cn_generator_new(&options.generator, test_compiler, folder, NULL), CN_OK);
    cr_assert_eq(cn_session_new(&session, &n.model.graph, &n.weights, &options, NULL), CN_OK);
    cr_assert_eq(count_generated(session), 0, "the static choice is none of them");
    cn_wisdom *wisdom = test_all_generated(session, 2, 1);
    cn_session_free(session);
    options.wisdom = wisdom;
    cr_assert_eq(cn_session_new(&session, &n.model.graph, &n.weights, &options, NULL), CN_OK);
    cr_assert_null(cn_generator_problem(options.generator));
    cr_assert_geq(count_generated(session), 10);
    check_session(&n, session, "generated");
    cn_generator_free(options.generator); /* the session keeps what it runs on */
    check_session(&n, session, "without its generator");
    cn_session_free(session);
    options.generator = NULL;
    cr_assert_eq(cn_session_new(&session, &n.model.graph, &n.weights, &options, NULL), CN_OK);
    cr_assert_eq(count_generated(session), 0);
    check_session(&n, session, "no generator");
    cn_session_free(session);
    cn_wisdom_free(wisdom);
    cn_free(n.input);
    cn_free(n.output);
    cn_free(n.right);
    cn_weights_clear(&n.weights);
    cn_model_clear(&n.model);
    test_drop_folder(folder);
}
