#include "measure/bounds.h"

#include <string.h>

const char *st_bound_name(st_bound bound)
{
    static const char *const names[] = {"compute", "cache", "memory", "overhead"};
    return names[bound];
}

double st_peak_of(const st_layer_time *layer, const st_peak *peak)
{
    return strncmp(layer->kernel, "i8_", 3) ? peak->gflops : peak->gops;
}

st_bound st_bound_of(const st_layer_plan *plan, int32_t layer, const st_peak *peak, double *ms)
{
    const st_layer_time *l = &plan->layers[layer];
    double all_packed = 0, packed = (double)l->packed_bytes, values = (double)l->activation_bytes;
    for (int32_t i = 0; i < plan->count; i++)
        all_packed += (double)plan->layers[i].packed_bytes;
    double far = (all_packed > peak->cached ? packed : 0) + (values > peak->cached ? values : 0);
    const double least[] = {2e-6 * (double)l->products / st_peak_of(l, peak),
                            1e-6 * (packed + values) / peak->cache, 1e-6 * far / peak->gbytes};
    st_bound bound = ST_BOUND_COMPUTE;
    for (st_bound b = ST_BOUND_CACHE; b <= ST_BOUND_MEMORY; b++)
        if (least[b] > least[bound]) bound = b;
    *ms = least[bound];
    return l->least_ms > 2 * *ms ? ST_BOUND_OVERHEAD : bound;
}
