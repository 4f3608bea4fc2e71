#include "data/made_weights.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "data/masked_weights.h"
#include "data/quantized_weights.h"

static const double usual_rate = 8;

bool st_variants_are_made(const char *scale)
{
    char *name = cn_sprintf("experiments/weights/*-%s.safetensors", scale);
    char *pattern = name ? st_home_path(name) : NULL;
    glob_t files;
    int found = pattern ? glob(pattern, GLOB_NOSORT, NULL, &files) : GLOB_NOSPACE;
    if (!found) globfree(&files);
    cn_free(pattern);
    cn_free(name);
    return found == GLOB_NOMATCH;
}

static cn_status prune(const cn_model *model, const char *scheme, double rate, cn_weights *weights,
                       st_compressed *made, cn_error *error)
{
    st_mask mask;
    cn_scheme found;
    if (!cn_scheme_find(scheme, &found))
        return cn_fail(error, CN_EINVAL, "there is no scheme '%.40s'", scheme);
    made->rate = isfinite(rate) ? rate : usual_rate;
    snprintf(made->scheme, sizeof made->scheme, "%s", scheme);
    return st_weights_mask(&model->graph, weights, found, made->rate, &mask, error);
}

cn_status st_weights_make(const cn_model *model, const char *variant, const char *scheme,
                          double rate, const char *dataset, cn_weights *weights,
                          st_compressed *made, cn_error *error)
{
    bool pruned = strstr(variant, "pruned"), quantized = strstr(variant, "quantized");
    *made = (st_compressed){.rate = NAN};
    if (!pruned && (*scheme || isfinite(rate)))
        return cn_fail(error, CN_EINVAL, "'%s' removes nothing: it takes no scheme and no rate",
                       variant);
    if (!*scheme) scheme = quantized ? "block8x4" : "block8";
    cn_status status = st_weights_load(model, NULL, weights, error);
    if (!status) cn_quantization_drop(weights);
    if (!status && pruned) status = prune(model, scheme, rate, weights, made, error);
    if (!status && quantized) status = st_weights_quantize(model, dataset, weights, error);
    if (status) cn_weights_clear(weights);
    return status;
}
