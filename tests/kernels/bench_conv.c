/* Speed of convolution and fully connected layers on one thread, as a share of the FMA peak that is
 * measured right before each.
 *
 * usage: kernel-bench [ISA [NAME [DENSITY [ROWS]]]]    only that level; only layers whose name
 * contains NAME; with that share of the weights, which ROWS (8) successive outputs have at the same
 * places: then the speed is that of dense weights at the same time, which shows what the zeros are
 * worth */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "condense/random.h"
#include "cpu/conv.h"
#include "cpu/kernels/kernels.h"

typedef struct layer {
    const char *name;
    int32_t in_c, out_c, groups, size, kernel, stride, pad; /* kernel 0: fully connected */
} layer;

static const layer layers[] = {
    {"resnet50 conv1", 3, 64, 1, 224, 7, 2, 3},
    {"resnet50 2 reduce", 256, 64, 1, 56, 1, 1, 0},
    {"resnet50 2 3x3", 64, 64, 1, 56, 3, 1, 1},
    {"resnet50 2 expand", 64, 256, 1, 56, 1, 1, 0},
    {"resnet50 3 3x3 s2", 128, 128, 1, 56, 3, 2, 1},
    {"resnet50 3 project", 256, 512, 1, 56, 1, 2, 0},
    {"resnet50 3 3x3", 128, 128, 1, 28, 3, 1, 1},
    {"resnet50 3 expand", 128, 512, 1, 28, 1, 1, 0},
    {"resnet50 4 reduce", 1024, 256, 1, 14, 1, 1, 0},
    {"resnet50 4 3x3", 256, 256, 1, 14, 3, 1, 1},
    {"resnet50 4 expand", 256, 1024, 1, 14, 1, 1, 0},
    {"resnet50 5 reduce", 2048, 512, 1, 7, 1, 1, 0},
    {"resnet50 5 3x3", 512, 512, 1, 7, 3, 1, 1},
    {"resnet50 5 expand", 512, 2048, 1, 7, 1, 1, 0},
    {"resnet50 fc", 2048, 1000, 1, 1, 0, 1, 0},
    {"vgg16 conv1_1", 3, 64, 1, 224, 3, 1, 1},
    {"vgg16 conv1_2", 64, 64, 1, 224, 3, 1, 1},
    {"vgg16 conv4_2", 512, 512, 1, 28, 3, 1, 1},
    {"vgg16 fc6", 512, 4096, 1, 7, 0, 1, 0},
    {"alexnet conv1", 3, 96, 1, 227, 11, 4, 0},
    {"mobilenet 1", 3, 32, 1, 224, 3, 2, 1},
    {"mobilenet 1 dw", 32, 32, 32, 112, 3, 1, 1},
    {"mobilenet 1 pw", 32, 64, 1, 112, 1, 1, 0},
    {"mobilenet 2 dw s2", 64, 64, 64, 112, 3, 2, 1},
    {"mobilenet 3 dw", 128, 128, 128, 56, 3, 1, 1},
    {"mobilenet 6 pw", 512, 512, 1, 14, 1, 1, 0},
    {"mobilenet 6 dw", 512, 512, 512, 14, 3, 1, 1},
    {"mobilenet 13 dw", 1024, 1024, 1024, 7, 3, 1, 1},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static void *checked(void *block)
{
    if (block) return block;
    fputs("out of memory\n", stderr);
    exit(1);
}

/* GFLOP/s of multiply-adds in registers: the best of short pieces, which other processes spare. */
static double peak(const cn_kernels *k)
{
    enum { ROUNDS = 1 << 14, PIECES = 200 };
    double flops = 2.0 * ROUNDS * k->f32_peak.rows * k->f32_peak.pixels, best = 0;
    volatile float sink;
    for (int i = 0; i < PIECES; i++) {
        int64_t start = cn_clock_ns();
        sink = k->f32_peak.run(ROUNDS, 0.5f, 1);
        double speed = flops / (double)(cn_clock_ns() - start);
        best = speed > best ? speed : best;
    }
    (void)sink;
    return best;
}

static cn_view view_new(cn_shape s, const int32_t halo[4])
{
    cn_view v = {.n = 1, .c = s.c, .h = s.h, .w = s.w};
    v.row = halo[2] + s.w + halo[3];
    v.plane = ((halo[0] + s.h + halo[1]) * v.row + 15) / 16 * 16;
    v.image = s.c * v.plane;
    float *block = checked(cn_calloc((size_t)v.image, sizeof *block));
    for (ptrdiff_t i = 0; i < v.image; i++)
        block[i] = (float)(i % 7) - 3;
    v.data = block + halo[0] * v.row + halo[2];
    return v;
}

typedef struct job {
    cn_conv *conv;
    cn_view in, out;
    void *scratch;
} job;

static void run(job *j)
{
    size_t tasks = cn_conv_tasks(j->conv, 1, 1);
    for (size_t i = 0; i < tasks; i++)
        cn_conv_task(j->conv, &j->in, &j->out, NULL, i, tasks, j->scratch);
}

/* The best of runs over about 100 ms, in nanoseconds. */
static double best_ns(job *j)
{
    int64_t best = INT64_MAX, until = cn_clock_ns() + 100000000;
    do {
        int64_t start = cn_clock_ns();
        run(j);
        int64_t took = cn_clock_ns() - start;
        best = took < best ? took : best;
    } while (cn_clock_ns() < until);
    return (double)best;
}

/* Random places for a share of the weights. */
typedef struct sparsity {
    double density;
    int32_t rows;
} sparsity;

static void fill(float *weight, int32_t outputs, size_t depth, sparsity s)
{
    cn_random r = cn_random_seed(1);
    for (int32_t o = 0; o < outputs; o += s.rows)
        for (size_t k = 0; k < depth; k++)
            if (cn_random_uniform(&r) < s.density)
                for (int32_t i = o; i < o + s.rows && i < outputs; i++)
                    weight[(size_t)i * depth + k] = 1;
}

static void measure(const layer *l, cn_conv_way way, cn_isa isa, sparsity zeros)
{
    int32_t halo[4] = {0}, none[4] = {0}, kernel = l->kernel ? l->kernel : l->size;
    int32_t size = (l->size + 2 * l->pad - kernel) / l->stride + 1;
    cn_shape in = {l->in_c, l->size, l->size}, out = {l->out_c, size, size};
    size_t depth = (size_t)(l->in_c / l->groups) * (size_t)(kernel * kernel);
    job j = {0};
    cn_conv_problem p = {
        .window = {kernel, kernel, l->stride, l->stride, 1, 1, l->pad, l->pad, l->pad, l->pad},
        .in_c = l->in_c,
        .out_c = l->out_c,
        .groups = l->groups,
        .in = in,
        .out = out,
        .activation = CN_ACT_RELU};
    cn_conv_halo(&p, halo);
    float *weight = checked(cn_calloc((size_t)l->out_c * depth, sizeof *weight));
    fill(weight, l->out_c, depth, zeros);
    cn_mask *mask = NULL;
    if (zeros.density < 1 &&
        cn_mask_new(&mask, weight, l->groups, l->out_c / l->groups, depth, true, NULL) != CN_OK)
        checked(NULL);
    p.mask = mask;
    if (!cn_conv_can(&p, way)) {
        cn_free(weight);
        cn_mask_free(mask);
        return;
    }
    if (cn_conv_new(&j.conv, &p, way, weight, NULL, isa, NULL) != CN_OK) checked(NULL);
    j.scratch = checked(cn_calloc(1, cn_conv_scratch(j.conv, 1)));
    cn_free(weight);
    cn_mask_free(mask);
    j.in = view_new(in, halo);
    cn_conv_bind(j.conv, &j.in);
    j.out = view_new(out, none);
    const cn_kernels *k = cn_kernels_for(isa);
    double ceiling = peak(k), ns = best_ns(&j);
    double flops = 2.0 * (double)depth * out.c * out.h * out.w;
    char named[CN_CONV_NAME_SIZE];
    cn_conv_way_name(way, named);
    printf("%-20s %-16s %-27s %9.3f ms %7.1f GFLOP/s %5.1f %% of %.0f\n", l->name, named,
           cn_conv_kernel(j.conv), ns * 1e-6, flops / ns, 100 * flops / ns / ceiling, ceiling);
    cn_free(j.in.data - halo[0] * j.in.row - halo[2]);
    cn_free(j.out.data);
    cn_free(j.scratch);
    cn_conv_free(j.conv);
}

int main(int argc, char **argv)
{
    int isa = argc > 1 ? cn_isa_parse(argv[1]) : CN_ISA_BEST;
    if (isa < 0) {
        fprintf(stderr, "%s: no such level: scalar, neon, avx2, avx512 or best\n", argv[1]);
        return 2;
    }
    sparsity s = {argc > 3 ? strtod(argv[3], NULL) : 1, argc > 4 ? atoi(argv[4]) : 8};
    if (!(s.density > 0 && s.density <= 1) || s.rows < 1) {
        fputs("a density is above 0 and at most 1, rows are at least 1\n", stderr);
        return 2;
    }
    for (int i = 0; i < LAYERS; i++) {
        if (argc > 2 && !strstr(layers[i].name, argv[2])) continue;
        for (int a = CN_CONV_AUTO + 1; a < CN_CONV_ALGORITHMS; a++)
            for (int in = 0; in <= CN_INPUT_PACKED; in++)
                if ((a >= CN_CONV_SPARSE1) == (in > 0))
                    measure(&layers[i],
                            (cn_conv_way){.algorithm = (cn_conv_algorithm)a,
                                          .input = (cn_conv_input)in},
                            (cn_isa)isa, s);
    }
    return 0;
}
