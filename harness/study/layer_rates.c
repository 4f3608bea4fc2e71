#include "study/layer_rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the layer's tensor called "weight", which is its first. */
static int64_t tensor_weights(const cn_graph *graph, int32_t layer)
{
    cn_weight_spec specs[4];
    cn_layer_weights(graph, layer, specs);
    int64_t count = 1;
    for (int32_t i = 0; i < specs[0].rank; i++)
        count *= specs[0].dims[i];
    return count;
}

/* The number after "name=" in the list "conv1=5,conv2=12.5,...", 0 where the name is not there and
 * -1 where it is no rate. */
static double rate_in(const char *list, const char *name)
{
    size_t length = strlen(name);
    char *end;
    while (list && (strncmp(list, name, length) != 0 || list[length] != '='))
        list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL;
    if (!list) return 0;
    double rate = strtod(list + length + 1, &end);
    return rate >= 1 && isfinite(rate) && (!*end || *end == ',') ? rate : -1;
}

cn_status st_layer_rates_parse(const cn_model *model, const char *list, double *keep, double *rate,
                               cn_error *error)
{
    const cn_graph *graph = &model->graph;
    int32_t targets = 0, entries = 1;
    double weights = 0, kept = 0;
    for (const char *at = list; (at = strchr(at, ',')); at++)
        entries++;
    for (int32_t i = 0; i < graph->count; i++) {
        const char *name = graph->layers[i].name;
        if (!cn_op_is_tensor(graph->layers[i].op)) continue;
        double of_layer = rate_in(list, name);
        if (of_layer == 0)
            return cn_fail(error, CN_EINVAL, "--layer-rates: layer '%s' is missing", name);
        if (of_layer < 1)
            return cn_fail(error, CN_EINVAL,
                           "--layer-rates: the rate of '%s' is not a number of at least 1", name);
        keep[targets++] = 1 / of_layer;
        weights += (double)tensor_weights(graph, i);
        kept += (double)tensor_weights(graph, i) / of_layer;
    }
    if (entries != targets)
        return cn_fail(error, CN_EINVAL,
                       "--layer-rates: %d entries for %d layers; give each of 'condense show %s' "
                       "that is convolution or fully connected once",
                       (int)entries, (int)targets, model->name);
    *rate = round(1e4 * weights / kept) / 1e4;
    return CN_OK;
}
