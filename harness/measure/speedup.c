#include "measure/speedup.h"

#include <math.h>
#include <stdbool.h>

static double over(double numerator, double denominator)
{
    return numerator > 0 && denominator > 0 ? numerator / denominator : NAN;
}

static double time_of(const st_layer_time *layer)
{
    return layer ? layer->least_ms : NAN;
}

st_speedup st_speedup_of(const st_layer_plan *planned, int32_t index, const st_layer_plan *dense,
                         const st_layer_plan *direct)
{
    const st_layer_time *l = &planned->layers[index], *d = st_layers_find(dense, l->name);
    double products = d ? (double)d->products : NAN, nonzero = (double)l->nonzero_macs;
    double theoretical = over(products, fmin(products, nonzero));
    double realized = over(time_of(d), l->least_ms);
    return (st_speedup){.theoretical = theoretical,
                        .realized = realized,
                        .attained = realized / theoretical,
                        .product_ratio = over(products, (double)l->products),
                        .mac_ratio = d ? over((double)d->macs, nonzero) : NAN,
                        .direct = over(time_of(st_layers_find(direct, l->name)), l->least_ms)};
}

/* Whether the layer is a convolution with zeros, but not with nothing else. */
static bool counts(const st_layer_time *layer, const st_speedup *s)
{
    return layer->op == CN_OP_CONV && s->mac_ratio > 1 && isfinite(s->attained);
}

int32_t st_speedup_means(const st_layer_plan *planned, const st_layer_plan *dense,
                         const st_layer_plan *direct, st_speedup *means)
{
    st_speedup sums = {0};
    int32_t count = 0;
    for (int32_t i = 0; i < planned->count; i++) {
        st_speedup s = st_speedup_of(planned, i, dense, direct);
        if (!counts(&planned->layers[i], &s)) continue;
        sums.theoretical += log(s.theoretical);
        sums.realized += log(s.realized);
        sums.attained += log(s.attained);
        sums.product_ratio += log(s.product_ratio);
        sums.mac_ratio += log(s.mac_ratio);
        sums.direct += log(s.direct);
        count++;
    }
    *means = (st_speedup){exp(sums.theoretical / count), exp(sums.realized / count),
                          exp(sums.attained / count),    exp(sums.product_ratio / count),
                          exp(sums.mac_ratio / count),   exp(sums.direct / count)};
    return count;
}
