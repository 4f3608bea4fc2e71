/* Writes the C source of kernels for one mask.
 *
 * What differs between instruction sets is in a few macros at its start; then a block of outputs is
 * a list of LOAD(offset) and FMA(output, weight), in the order of the offsets. It is written as
 * inline assembly, of which the compiler sees one statement: thousands of vector expressions in C
 * take it thirty times as long, and it may keep neither their order nor the sums in registers.
 * A long list is cut: a part's code stays in the cache of decoded instructions while it goes over
 * the pixels, and the sums lie in memory in between.
 *
 * Where the pixels are one strip, a layer's code is gone through once in a run of the network, and
 * then mostly comes from the third-level cache, which processors ask for instructions a line or two
 * at a time: that is as slow as three passes over the pixels. So a part first reads its own code as
 * data, of which many lines are on their way at once. (Asking for it ahead helps less: x86 drops
 * such requests where there are many.) */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "plan/generate.h"

/* Products of a part: of code that several strips of pixels go through, and of code that only one
 * does. */
enum { PART = 1000, PART_OF_ONE_STRIP = 6000 };

const uint64_t cn_generate_edition = 2;

/* A text that grows; after a failure to grow it is NULL and stays so. */
typedef struct text {
    char *data;
    size_t used, size;
} text;

__attribute__((format(printf, 2, 3))) static void print(text *t, const char *format, ...)
{
    for (int try = 0; try < 2 && t->data; try++) {
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(t->data + t->used, t->size - t->used, format, arguments);
        va_end(arguments);
        if (length >= 0 && t->used + (size_t)length < t->size) {
            t->used += (size_t)length;
            return;
        }
        size_t size = 2 * t->size + (length > 0 ? (size_t)length : 0);
        char *larger = length < 0 ? NULL : cn_recalloc(t->data, t->size, size, 1);
        if (!larger) cn_free(t->data);
        t->data = larger;
        t->size = size;
    }
}

/* The instructions of a level. Registers 0 ... are sums. READ reads the code. LOAD is given a tap's
 * offset and how far that is from the one before; WEIGHTS stands before each `window` products,
 * which count from it: as far as an instruction reaches with a constant of one byte, in place of
 * four. */
typedef struct level {
    cn_isa isa;
    const char *macros, *common;
    const char *flags[4];
    size_t instruction; /* bytes that a product takes, about */
    size_t window;
} level;

/* rax is the middle of the window. */
static const char x86[] =
    "#define READ \"lea 1f(%%rip),%%rax\\n\\tlea 2f(%%rip),%%rcx\\n\" \\\n"
    "    \"3:\\tcmpb $0,(%%rax)\\n\\tadd $64,%%rax\\n\\tcmp %%rcx,%%rax\\n\\tjb 3b\\n\\t\"\n"
    "#define START \"lea -2*%c[window](%[weight]),%%rax\\n\\t\"\n"
    "#define WEIGHTS \"add $4*%c[window],%%rax\\n\\t\"\n"
    "#define BIAS(output) \"vbroadcastss 4*\" #output \"(%[bias]),%%\" REGISTER #output "
    "\"\\n\\t\"\n"
    "#define AT(output) \"4*%c[pitch]*\" #output \"(%[sums])\"\n"
    "#define SUM(output) \"vmovups \" AT(output) \",%%\" REGISTER #output \"\\n\\t\"\n"
    "#define KEEP(output) \"vmovups %%\" REGISTER #output \",\" AT(output) \"\\n\\t\"\n"
    "#define NEXT \"cmp %[last],%[in]\\n\\tjae 2f\\n\\tadd $4*%c[lanes],%[sums]\\n\\t\" \\\n"
    "    \"add $4*%c[lanes],%[in]\\n\\tcmp %[last],%[in]\\n\\tcmova %[last],%[in]\\n\\t\" \\\n"
    "    \"jmp 1b\\n2:\\tvzeroupper\"\n"
    "#define CHANGED \\\n"
    "    \"xmm0\", \"xmm1\", \"xmm2\", \"xmm3\", \"xmm4\", \"xmm5\", \"xmm6\", \"xmm7\", "
    "\"xmm8\", \\\n"
    "      \"xmm9\", \"xmm10\", \"xmm11\", \"xmm12\", \"xmm13\", \"xmm14\", \"xmm15\", ABOVE "
    "\"rax\", \"rcx\",\n";

/* x9 goes from tap to tap, x10 along the weights. */
static const char neon[] =
    "#define LANES 4\n"
    "#define READ\n"
    "#define START \"mov x9,%[in]\\n\\tmov x10,%[weight]\\n\\t\"\n"
    "#define STEP(instruction, sign, step) \\\n"
    "    \".if (\" sign \"4*\" step \")>>12\\n\\t\" \\\n"
    "    instruction \" x9,x9,#((\" sign \"4*\" step \")>>12),lsl #12\\n\\t.endif\\n\\t\" \\\n"
    "    instruction \" x9,x9,#((\" sign \"4*\" step \")&4095)\\n\\t\"\n"
    "#define LOAD(offset, step) \\\n"
    "    \".if \" #step \"<0\\n\\t\" STEP(\"sub\", \"-\", #step) \".else\\n\\t\" \\\n"
    "    STEP(\"add\", \"\", #step) \".endif\\n\\tldr q31,[x9]\\n\\t\"\n"
    "#define WEIGHTS \"ldr q30,[x10],#16\\n\\t\"\n"
    "#define FMA(output, weight) \\\n"
    "    \"fmla v\" #output \".4s,v31.4s,v30.s[\" #weight \"]\\n\\t\"\n"
    "#define BIAS(output) \\\n"
    "    \"ldr s\" #output \",[%[bias],#4*\" #output \"]\\n\\t\" \\\n"
    "    \"dup v\" #output \".4s,v\" #output \".s[0]\\n\\t\"\n"
    "#define AT(output) \",[%[sums],#4*%c[pitch]*\" #output \"]\\n\\t\"\n"
    "#define SUM(output) \"ldr q\" #output AT(output)\n"
    "#define KEEP(output) \"str q\" #output AT(output)\n"
    "#define NEXT \"cmp %[in],%[last]\\n\\tb.hs 2f\\n\\tadd %[sums],%[sums],#16\\n\\t\" \\\n"
    "    \"add %[in],%[in],#16\\n\\tcmp %[in],%[last]\\n\\tcsel %[in],%[last],%[in],hi\\n\\t\" \\\n"
    "    \"b 1b\\n2:\"\n"
    "#define CHANGED \\\n"
    "    \"v0\", \"v1\", \"v2\", \"v3\", \"v4\", \"v5\", \"v6\", \"v7\", \"v8\", \"v9\", "
    "\"v10\", \\\n"
    "      \"v11\", \"v12\", \"v13\", \"v14\", \"v15\", \"v16\", \"v17\", \"v18\", \"v19\", "
    "\"v20\", \\\n"
    "      \"v21\", \"v22\", \"v23\", \"v24\", \"v25\", \"v26\", \"v27\", \"v30\", \"v31\", "
    "\"x9\", \\\n"
    "      \"x10\",\n";

static const level levels[] = {
    {CN_ISA_AVX512,
     "#define LANES 16\n"
     "#define REGISTER \"zmm\"\n"
     "#define LOAD(offset, step) \"vmovups 4*\" #offset \"(%[in]),%%zmm31\\n\\t\"\n"
     "#define FMA(output, weight) \\\n"
     "    \"vfmadd231ps 4*\" #weight \"-2*%c[window](%%rax)%{1to16%},%%zmm31,%%zmm\" #output "
     "\"\\n\\t\"\n"
     "#define ABOVE \"xmm16\", \"xmm17\", \"xmm18\", \"xmm19\", \"xmm20\", \"xmm21\", \"xmm22\", "
     "\"xmm23\", \\\n"
     "    \"xmm24\", \"xmm25\", \"xmm26\", \"xmm27\", \"xmm28\", \"xmm29\", \"xmm30\", "
     "\"xmm31\",\n",
     x86,
     {"-mavx512f", NULL},
     7,
     256},
    {CN_ISA_AVX2,
     "#define LANES 8\n"
     "#define REGISTER \"ymm\"\n"
     "#define LOAD(offset, step) \"vmovups 4*\" #offset \"(%[in]),%%ymm15\\n\\t\"\n"
     "#define FMA(output, weight) \\\n"
     "    \"vbroadcastss 4*\" #weight \"-2*%c[window](%%rax),%%ymm14\\n\\t\" \\\n"
     "    \"vfmadd231ps %%ymm14,%%ymm15,%%ymm\" #output \"\\n\\t\"\n"
     "#define ABOVE\n",
     x86,
     {"-mavx2", "-mfma", NULL},
     11,
     64},
    {CN_ISA_NEON, "", neon, {NULL}, 6, 4},
};

static const char common[] =
    "#define OPERANDS \\\n"
    "    : [in] \"+r\"(in), [sums] \"+r\"(sums) \\\n"
    "    : [weight] \"r\"(weight), [bias] \"r\"(bias), [last] \"r\"(in + pixels - LANES), \\\n"
    "      [lanes] \"i\"(LANES), [pitch] \"i\"(PITCH), [window] \"i\"(WINDOW) \\\n"
    "    : CHANGED \"memory\", \"cc\"\n"
    "#define ARGUMENTS const float *in, const float *weight, const float *bias, float *sums, \\\n"
    "    size_t pixels\n";

static const level *level_of(cn_isa isa)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (levels[i].isa == cn_isa_of_floats(isa)) return &levels[i];
    return NULL;
}

const char *const *cn_generate_flags(cn_isa isa)
{
    return level_of(isa)->flags;
}

size_t cn_generate_blocks(const cn_conv *c)
{
    size_t most = (size_t)cn_generated_rows(c->kernels->isa);
    return ((size_t)c->group_out + most - 1) / most;
}

/* Loads take about as much as products, and are at most as many. */
size_t cn_generate_code_bytes(const cn_conv *c, size_t blocks)
{
    size_t instructions = c->sparse->own.first[c->problem.out_c];
    int32_t offset;
    uint32_t outputs;
    for (size_t b = 0; b < blocks * (size_t)c->problem.groups; b++) {
        cn_generated_walk walk = cn_generated_start(c, b / blocks, b % blocks, blocks);
        while (cn_generated_next(&walk, &offset, &outputs))
            instructions++;
    }
    return instructions * level_of(c->kernels->isa)->instruction;
}

static void print_outputs(text *t, const char *macro, int32_t outputs)
{
    print(t, "       ");
    for (int32_t o = 0; o < outputs; o++)
        print(t, " %s(%d)", macro, o);
    print(t, "\n");
}

/* One function, of some products; returns how many it has. */
static size_t print_part(text *t, cn_generated_walk *walk, size_t block, size_t part, bool *more)
{
    size_t window = level_of(walk->conv->kernels->isa)->window;
    bool one_strip = cn_generated_strips(walk->conv) == 1;
    size_t most = one_strip ? PART_OF_ONE_STRIP : PART;
    size_t products = 0;
    print(t, "static void part%zu_%zu(ARGUMENTS)\n{\n", block, part);
    print(t, "    __asm__ volatile(%s\"1:\\n\\t\" START\n", one_strip ? "READ " : "");
    print_outputs(t, part ? "SUM" : "BIAS", walk->outputs);
    int32_t offset, before = 0;
    uint32_t outputs;
    *more = false;
    while (products < most && (*more = cn_generated_next(walk, &offset, &outputs))) {
        print(t, "        LOAD(%" PRId32 ", %" PRId32 ")", offset, offset - before);
        before = offset;
        for (int32_t o = 0; o < walk->outputs; o++) {
            if (!(outputs >> o & 1)) continue;
            print(t, "%s FMA(%d, %zu)", products % window ? "" : " WEIGHTS", o, products % window);
            products++;
        }
        print(t, "\n");
    }
    print_outputs(t, "KEEP", walk->outputs);
    print(t, "        NEXT OPERANDS);\n}\n");
    return products;
}

static void print_block(text *t, const cn_conv *c, size_t block, size_t blocks)
{
    cn_generated_walk walk = cn_generated_start(c, block / blocks, block % blocks, blocks);
    text body = {cn_calloc(256, 1), 0, 256};
    size_t first = 0, part = 0;
    for (bool more = true; more && t->data; part++) {
        size_t products = print_part(t, &walk, block, part, &more);
        print(&body, "    part%zu_%zu(in, weight + %zu, bias, sums, pixels);\n", block, part,
              first);
        first += products;
    }
    print(t, "static void block%zu(ARGUMENTS)\n{\n%s}\n", block, body.data ? body.data : "");
    if (!body.data) {
        cn_free(t->data);
        t->data = NULL;
    }
    cn_free(body.data);
}

char *cn_generate_source(const cn_conv *c, size_t blocks)
{
    size_t all = blocks * (size_t)c->problem.groups;
    const level *of = level_of(c->kernels->isa);
    text t = {cn_calloc(1 << 16, 1), 0, 1 << 16};
    print(&t,
          "/* Kernels for one convolution, made by Condense. */\n#include <stddef.h>\n\n#define "
          "PITCH %d\n#define WINDOW %zu\n%s%s%s\n",
          CN_GENERATED_PITCH, of->window, of->macros, of->common, common);
    for (size_t b = 0; b < all && t.data; b++)
        print_block(&t, c, b, blocks);
    print(&t, "\nvoid (*const condense_blocks[%zu])(ARGUMENTS) = {\n", all);
    for (size_t b = 0; b < all; b++)
        print(&t, "    block%zu,\n", b);
    print(&t, "};\n");
    return t.data;
}
