#include "plan/choice.h"

#include <stdio.h>
#include <string.h>

typedef struct candidate {
    cn_conv_algorithm way;
    double cost;
} candidate;

/* A candidate whose estimate is more than this multiple of the least is not worth timing.
 * When the layers of the sixteen networks were once timed in every way, none was fastest in a way
 * that this leaves out. */
static const double worth_timing = 1.8;

/* All ways by their cost for the batch, ascending. */
static int32_t rank(const cn_conv_problem *problem, cn_isa isa, int32_t batch, candidate *ranked)
{
    int32_t count = 0;
    for (int i = CN_CONV_AUTO + 1; i < CN_CONV_ALGORITHMS; i++) {
        cn_conv_algorithm way = (cn_conv_algorithm)i;
        if (!cn_conv_can(problem, way)) continue;
        double cost = cn_conv_cost(problem, way, isa, batch);
        int32_t at = count++;
        for (; at > 0 && ranked[at - 1].cost > cost; at--)
            ranked[at] = ranked[at - 1];
        ranked[at] = (candidate){way, cost};
    }
    return count;
}

int32_t cn_plan_candidates(const cn_conv_problem *problem, cn_isa isa, int32_t batch,
                           cn_conv_algorithm *ways)
{
    candidate ranked[CN_CONV_ALGORITHMS];
    rank(problem, isa, 1, ranked);
    ways[0] = ranked->way;
    int32_t ranks = rank(problem, isa, batch, ranked), count = 1;
    for (int32_t i = 0; i < ranks; i++)
        if (ranked[i].way != ways[0] && ranked[i].cost <= worth_timing * ranked->cost)
            ways[count++] = ranked[i].way;
    return count;
}

void cn_plan_signature(const cn_conv_problem *p, char signature[CN_SIGNATURE_SIZE])
{
    const cn_window *w = &p->window;
    snprintf(signature, CN_SIGNATURE_SIZE,
             "conv:%dx%dx%d:%dx%dx%d:k%dx%d:s%dx%d:d%dx%d:p%d,%d,%d,%d:g%d:r%d", p->in.c, p->in.h,
             p->in.w, p->out.c, p->out.h, p->out.w, w->kernel_h, w->kernel_w, w->stride_h,
             w->stride_w, w->dilation_h, w->dilation_w, w->pad_top, w->pad_bottom, w->pad_left,
             w->pad_right, p->groups, p->residual);
}

cn_conv_algorithm cn_plan_choose(const cn_conv_problem *problem, const cn_wisdom *wisdom,
                                 cn_wisdom_key key)
{
    char signature[CN_SIGNATURE_SIZE];
    if (!wisdom) return CN_CONV_AUTO;
    cn_plan_signature(problem, signature);
    key.signature = signature;
    const char *name = cn_wisdom_find(wisdom, &key);
    for (int way = CN_CONV_AUTO + 1; name && way < CN_CONV_ALGORITHMS; way++)
        if (!strcmp(cn_conv_algorithm_name((cn_conv_algorithm)way), name) &&
            cn_conv_can(problem, (cn_conv_algorithm)way))
            return (cn_conv_algorithm)way;
    return CN_CONV_AUTO;
}
