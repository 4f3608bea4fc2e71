#include "measure/speedup.h"

#include <math.h>

static double over(double numerator, double denominator)
{
    return numerator > 0 && denominator > 0 ? numerator / denominator : NAN;
}

static double time_in(const st_layer_plan *plan, const char *name)
{
    const st_layer_time *layer = st_layers_find(plan, name);
    return layer ? layer->ms : NAN;
}

st_speedup st_speedup_of(const st_layer_plan *planned, int32_t index, const st_layer_plan *dense,
                         const st_layer_plan *direct)
{
    const st_layer_time *l = &planned->layers[index];
    double theoretical = over((double)l->dense_products, (double)l->products);
    double realized = over(time_in(dense, l->name), l->ms);
    return (st_speedup){.theoretical = theoretical,
                        .realized = realized,
                        .attained = realized / theoretical,
                        .mac_ratio = over((double)l->macs, (double)l->nonzero_macs),
                        .direct = over(time_in(direct, l->name), l->ms)};
}

int32_t st_speedup_means(const st_layer_plan *planned, const st_layer_plan *dense,
                         const st_layer_plan *direct, st_speedup *means)
{
    st_speedup sums = {0};
    int32_t count = 0;
    for (int32_t i = 0; i < planned->count; i++) {
        const st_layer_time *l = &planned->layers[i];
        if (l->op != CN_OP_CONV || l->nonzero_macs >= l->macs) continue;
        st_speedup s = st_speedup_of(planned, i, dense, direct);
        sums.theoretical += log(s.theoretical);
        sums.realized += log(s.realized);
        sums.attained += log(s.attained);
        sums.mac_ratio += log(s.mac_ratio);
        sums.direct += log(s.direct);
        count++;
    }
    *means = (st_speedup){exp(sums.theoretical / count), exp(sums.realized / count),
                          exp(sums.attained / count), exp(sums.mac_ratio / count),
                          exp(sums.direct / count)};
    return count;
}
