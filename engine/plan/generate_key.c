#include <sha256.h>

#include "cpu/sparse_cut.h"
#include "plan/generate.h"

static void add(SHA2_CTX *context, const void *bytes, size_t size)
{
    SHA256Update(context, bytes, size);
}

static void add_number(SHA2_CTX *context, uint64_t number)
{
    add(context, &number, sizeof number);
}

/* With a stride: what the offsets stand for, and what that becomes. */
static void add_split(SHA2_CTX *context, const cn_conv *c)
{
    const cn_sparse *s = c->sparse;
    if (!s->tap) return;
    add(context, &c->problem.window, sizeof c->problem.window);
    add_number(context, (uint64_t)c->problem.out.h);
    add_number(context, (uint64_t)c->problem.out.w);
    add_number(context, (uint64_t)s->row);
    add_number(context, (uint64_t)s->plane);
    add_number(context, cn_sparse_pitch(c));
    add(context, s->tap, s->taps[c->problem.groups] * sizeof *s->tap);
}

void cn_generate_key(const cn_conv *c, size_t blocks, char key[CN_GENERATE_KEY])
{
    const int32_t *offset = c->sparse->offset;
    SHA2_CTX context;
    SHA256Init(&context);
    add_number(&context, cn_generate_edition);
    add_number(&context, (uint64_t)cn_isa_of_floats(c->kernels->isa));
    add_number(&context, CN_GENERATED_PITCH);
    add_number(&context, cn_generated_strips(c) == 1);
    add_split(&context, c);
    for (size_t b = 0; b < blocks * (size_t)c->problem.groups; b++) {
        cn_generated_walk walk = cn_generated_start(c, b / blocks, b % blocks, blocks);
        add_number(&context, (uint64_t)walk.outputs);
        for (int32_t o = 0; o < walk.outputs; o++) {
            add_number(&context, walk.end[o] - walk.at[o]);
            add(&context, offset + walk.at[o], (walk.end[o] - walk.at[o]) * sizeof *offset);
        }
    }
    SHA256End(&context, key);
}
