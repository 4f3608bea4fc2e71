#include "plan/choice.h"

#include <stdio.h>
#include <string.h>

#include "cpu/cache.h"

typedef struct candidate {
    cn_conv_algorithm algorithm;
    double cost;
} candidate;

/* An algorithm whose estimate is more than this multiple of the least is not worth timing.
 * When the layers of the sixteen networks were once timed in every way, none was fastest in a way
 * that this leaves out. */
static const double worth_timing = 1.8;

/* All algorithms by their cost for the batch, ascending. */
static int32_t rank(const cn_conv_problem *problem, cn_isa isa, int32_t batch, candidate *ranked)
{
    int32_t count = 0;
    for (int i = CN_CONV_AUTO + 1; i < CN_CONV_ALGORITHMS; i++) {
        cn_conv_algorithm algorithm = (cn_conv_algorithm)i;
        if (!cn_conv_can(problem, (cn_conv_way){algorithm})) continue;
        double cost = cn_conv_cost(problem, algorithm, isa, batch);
        int32_t at = count++;
        for (; at > 0 && ranked[at - 1].cost > cost; at--)
            ranked[at] = ranked[at - 1];
        ranked[at] = (candidate){algorithm, cost};
    }
    return count;
}

/* The list while it grows. */
typedef struct candidates {
    const cn_conv_problem *problem;
    cn_plan_setting setting;
    cn_conv_way *ways;
    int32_t count;
} candidates;

static void add(candidates *c, cn_conv_way way)
{
    if (c->count < CN_MOST_WAYS && cn_conv_can(c->problem, way) &&
        cn_conv_spares(c->problem, way, c->setting.isa))
        c->ways[c->count++] = way;
}

static cn_conv_traffic traffic(const candidates *c, cn_conv_way way)
{
    return cn_conv_traffic_of(c->problem, way, c->setting.isa, c->setting.batch,
                              c->setting.threads);
}

/* Whether stacks of pixel blocks may gain from having the weights outside: either the weights are
 * more than half the second-level cache, so that each block gets all of them from further away; or
 * a block lies in the first-level cache, so that the product takes no longer than what surrounds
 * it: the stack is one task, and its blocks' outputs, neighbours in each plane, are stored in turn.
 */
static bool worth_stacking(cn_conv_traffic t)
{
    return t.blocks > 1 && (t.weights > cn_cache_size(2) / 2 || t.held <= cn_cache_size(1));
}

/* What an algorithm leaves open, one step away from its own rules:
 *
 * - the other split, where there are threads and it shares the work out in another way;
 * - narrower blocks, where those of the kernel's width take more than half the second-level cache
 *   from the weights that pass through it; else they only leave registers idle;
 * - weights outside, where that is worth it and several blocks fit half the second-level cache. */
static void add_variants(candidates *c, cn_conv_algorithm algorithm)
{
    const cn_conv_way own = {algorithm}, narrower = {algorithm, .vectors = 2},
                      outer = {algorithm, .weights_outer = true};
    cn_conv_traffic t = traffic(c, own);
    for (int split = CN_SPLIT_PIXELS; split <= CN_SPLIT_CHANNELS && c->setting.threads > 1;
         split++) {
        cn_conv_way other = {algorithm, .split = (cn_conv_split)split};
        cn_conv_traffic o = traffic(c, other);
        if (o.tasks != t.tasks || o.by_channels != t.by_channels) add(c, other);
    }
    if (t.held > cn_cache_size(2) / 2 && cn_conv_can(c->problem, narrower) &&
        traffic(c, narrower).held < t.held)
        add(c, narrower);
    if (worth_stacking(t) && cn_conv_can(c->problem, outer) && traffic(c, outer).blocks < t.blocks)
        add(c, outer);
}

static bool is_sparse(cn_conv_algorithm algorithm)
{
    return algorithm >= CN_CONV_SPARSE1;
}

/* The input read where it lies, or packed: what the algorithm's own rule does not do. */
static void add_input(candidates *c, cn_conv_algorithm algorithm)
{
    bool packed = traffic(c, (cn_conv_way){algorithm}).packed;
    add(c, (cn_conv_way){algorithm, .input = packed ? CN_INPUT_DIRECT : CN_INPUT_PACKED});
}

/* Kernels for the mask, where blocks of eight outputs would be filled up with zeros: without these
 * the program's own kernels lose little to loops and offsets. */
static void add_generated(candidates *c)
{
    const cn_mask *mask = c->problem->mask;
    if (!mask || !c->setting.generate) return;
    size_t filled_up = CN_MASK_MOST_ROWS * cn_mask_steps(mask, CN_MASK_MOST_ROWS);
    if (4 * filled_up >= 5 * (size_t)mask->nonzero)
        add(c, (cn_conv_way){CN_CONV_SPARSE1, .generated = true});
}

int32_t cn_plan_candidates(const cn_conv_problem *problem, cn_plan_setting setting,
                           cn_conv_way ways[CN_MOST_WAYS])
{
    candidate ranked[CN_CONV_ALGORITHMS];
    candidates c = {problem, setting, ways, 0};
    rank(problem, setting.isa, 1, ranked);
    cn_conv_algorithm usual = ranked->algorithm;
    add(&c, (cn_conv_way){usual});
    if (is_sparse(usual)) add_input(&c, usual);
    int32_t ranks = rank(problem, setting.isa, setting.batch, ranked);
    int32_t dense = 0;
    while (is_sparse(ranked[dense].algorithm)) /* panels or depthwise are always there */
        dense++;
    if (dense > 0 && ranked[dense].algorithm != usual)
        add(&c, (cn_conv_way){ranked[dense].algorithm});
    add_generated(&c);
    for (int32_t i = 0; i < ranks; i++)
        if (ranked[i].algorithm != usual && (!dense || i != dense) &&
            ranked[i].cost <= worth_timing * ranked->cost)
            add(&c, (cn_conv_way){ranked[i].algorithm});
    add_variants(&c, usual);
    if (ranked->algorithm != usual) add_variants(&c, ranked->algorithm);
    return c.count;
}

void cn_plan_signature(const cn_conv_problem *p, char signature[CN_SIGNATURE_SIZE])
{
    const cn_window *w = &p->window;
    snprintf(signature, CN_SIGNATURE_SIZE,
             "conv:%dx%dx%d:%dx%dx%d:k%dx%d:s%dx%d:d%dx%d:p%d,%d,%d,%d:g%d:r%d", p->in.c, p->in.h,
             p->in.w, p->out.c, p->out.h, p->out.w, w->kernel_h, w->kernel_w, w->stride_h,
             w->stride_w, w->dilation_h, w->dilation_w, w->pad_top, w->pad_bottom, w->pad_left,
             w->pad_right, p->groups, p->residual);
    if (!p->mask) return;
    double weights = (double)p->out_c * (double)p->mask->depth;
    for (int32_t rows = 1; rows <= CN_MASK_MOST_ROWS; rows *= 2) {
        size_t used = strlen(signature);
        double share = (double)cn_mask_steps(p->mask, rows) * rows / weights;
        snprintf(signature + used, CN_SIGNATURE_SIZE - used, "%s%.0f", rows == 1 ? ":z" : ",",
                 100 * share);
    }
}

cn_conv_way cn_plan_choose(const cn_conv_problem *problem, const cn_wisdom *wisdom,
                           cn_wisdom_key key)
{
    const cn_conv_way usual = {CN_CONV_AUTO};
    char signature[CN_SIGNATURE_SIZE];
    cn_conv_way way;
    if (!wisdom) return usual;
    cn_plan_signature(problem, signature);
    key.signature = signature;
    const char *name = cn_wisdom_find(wisdom, &key);
    bool can = name && cn_conv_way_parse(name, &way) && cn_conv_can(problem, way) &&
               cn_conv_spares(problem, way, key.isa);
    return can ? way : usual;
}
