/* Comma lists to cells. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/memory.h"
#include "condense/nearest.h"
#include "condense/scheme.h"
#include "data/catalog.h"
#include "data/store_weights.h"
#include "study/request.h"

const char *const st_axis_names[ST_AXIS_COUNT + 1] = {
    "model",   "scale", "variant", "scheme",  "rate", "backend", "device",
    "threads", "batch", "dataset", "weights", "isa",  "fuse",    NULL};

static const char *const defaults[ST_AXIS_COUNT] = {
    "lenet5", "fashion", "dense", "", "", "cpu", "host", "1", "1", "", "", "best", "yes"};

/* What `all` stands for where it is a fixed list. */
static const char *const everything[ST_AXIS_COUNT] = {[ST_AXIS_VARIANT] =
                                                          "dense,pruned,quantized,pruned+quantized",
                                                      [ST_AXIS_BACKEND] = "cpu",
                                                      [ST_AXIS_FUSE] = "yes,no"};

st_plan st_plan_new(void)
{
    return (st_plan){.settings = {.rule = st_rule_defaults(), .seed = 1, .energy = "auto"}};
}

void st_plan_clear(st_plan *plan)
{
    cn_free(plan->requests);
    plan->requests = NULL;
    plan->count = plan->capacity = 0;
}

/* One value of an axis into the request; CN_EINVAL with what is allowed. */
static cn_status set_text(char *field, size_t size, const char *value, const char *axis,
                          cn_error *error)
{
    if (strlen(value) >= size)
        return cn_fail(error, CN_EINVAL, "%s '%.40s...' is longer than %zu characters", axis, value,
                       size - 1);
    strcpy(field, value);
    return CN_OK;
}

static cn_status set_whole(int64_t *field, const char *value, int64_t most, const char *axis,
                           cn_error *error)
{
    char *end;
    errno = 0;
    long long whole = strtoll(value, &end, 10);
    if (end == value || *end || errno || whole < 1 || whole > most)
        return cn_fail(error, CN_EINVAL, "%s takes whole numbers from 1 to %lld, not '%.40s'", axis,
                       (long long)most, value);
    *field = whole;
    return CN_OK;
}

/* `all` is one thread per processor, and may stand in a list: 1,all. */
static cn_status set_threads(st_request *request, const char *value, cn_error *error)
{
    if (strcmp(value, "all") != 0)
        return set_whole(&request->threads, value, 1024, "threads", error);
    request->threads = sysconf(_SC_NPROCESSORS_ONLN);
    return CN_OK;
}

/* The kinds of cell that are designed but not built: said plainly, never run as something else. */
static cn_status set_variant(st_request *request, const char *value, cn_error *error)
{
    static const char *const known[] = {"dense", "pruned", "quantized", "pruned+quantized"};
    if (!strcmp(value, "dense") || st_variant_is_compressed(value))
        return set_text(request->variant, 32, value, "variant", error);
    if (strstr(value, "slimmed"))
        return cn_fail(error, CN_EINVAL, "variant '%.40s' is not in this version yet", value);
    const char *near = cn_nearest(value, known, 4);
    return cn_fail(error, CN_EINVAL,
                   "there is no variant '%.40s'%s%s%s; dense, pruned, quantized and "
                   "pruned+quantized are",
                   value, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static cn_status set_backend(st_request *request, const char *value, cn_error *error)
{
    if (!strcmp(value, "cpu")) return set_text(request->backend, 8, value, "backend", error);
    if (!strcmp(value, "gpu"))
        return cn_fail(error, CN_EINVAL, "backend 'gpu' is not in this version yet; 'cpu' is");
    return cn_fail(error, CN_EINVAL, "there is no backend '%.40s'; 'cpu' is the one so far", value);
}

static cn_status set_rate(st_request *request, const char *value, cn_error *error)
{
    char *end;
    request->rate = NAN;
    if (!*value) return CN_OK;
    if (!strcmp(request->variant, "dense"))
        return cn_fail(error, CN_EINVAL,
                       "a rate belongs to a compressed variant; 'dense' has none");
    double rate = strtod(value, &end);
    if (*end || !(rate >= 1) || !isfinite(rate))
        return cn_fail(error, CN_EINVAL, "rate takes numbers of at least 1, not '%.40s'", value);
    request->rate = rate;
    return CN_OK;
}

static cn_status set_scheme(st_request *request, const char *value, cn_error *error)
{
    cn_scheme scheme;
    request->scheme[0] = '\0';
    if (!*value) return CN_OK;
    if (!strcmp(request->variant, "dense"))
        return cn_fail(error, CN_EINVAL,
                       "a scheme belongs to a compressed variant; 'dense' has none");
    if (!cn_scheme_find(value, &scheme))
        return cn_fail(error, CN_EINVAL, "there is no scheme '%.40s'", value);
    return set_text(request->scheme, sizeof request->scheme, value, "scheme", error);
}

static cn_status set_isa(st_request *request, const char *value, cn_error *error)
{
    int isa = cn_isa_parse(value);
    if (isa < 0)
        return cn_fail(error, CN_EINVAL,
                       "there is no instruction set '%.40s'; scalar, neon, neon_dot, avx2, avx512, "
                       "avx512_vnni "
                       "and best are",
                       value);
    request->isa = (cn_isa)isa;
    return CN_OK;
}

static cn_status set_value(st_request *request, int axis, const char *value, cn_error *error)
{
    const char *name = st_axis_names[axis];
    switch (axis) {
    case ST_AXIS_MODEL:
        return set_text(request->model, sizeof request->model, value, name, error);
    case ST_AXIS_SCALE:
        return set_text(request->scale, sizeof request->scale, value, name, error);
    case ST_AXIS_VARIANT:
        return set_variant(request, value, error);
    case ST_AXIS_SCHEME:
        return set_scheme(request, value, error);
    case ST_AXIS_RATE:
        return set_rate(request, value, error);
    case ST_AXIS_BACKEND:
        return set_backend(request, value, error);
    case ST_AXIS_DEVICE:
        return set_text(request->device, sizeof request->device, value, name, error);
    case ST_AXIS_THREADS:
        return set_threads(request, value, error);
    case ST_AXIS_BATCH:
        return set_whole(&request->batch, value, 4096, name, error);
    case ST_AXIS_DATASET:
        return set_text(request->dataset, sizeof request->dataset, value, name, error);
    case ST_AXIS_WEIGHTS:
        return set_text(request->weights, sizeof request->weights, value, name, error);
    case ST_AXIS_ISA:
        return set_isa(request, value, error);
    default:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return cn_fail(error, CN_EINVAL, "%s takes yes or no, not '%.40s'", name, value);
        request->fuse = *value == 'y';
        return CN_OK;
    }
}

/* The comma list that an axis stands for; a new string. The scales depend on the model. */
static cn_status list_of(int axis, const char *given, const st_request *request, char **list,
                         cn_error *error)
{
    const char *text = given ? given : defaults[axis];
    *list = NULL;
    if (axis == ST_AXIS_SCALE && !strcmp(text, "all"))
        return st_catalog_scales(request->model, list, error);
    if (!strcmp(text, "all") && axis == ST_AXIS_MODEL) {
        char *joined = cn_strdup(st_catalog_models[0]);
        for (int i = 1; joined && st_catalog_models[i]; i++) {
            char *longer = cn_sprintf("%s,%s", joined, st_catalog_models[i]);
            cn_free(joined);
            joined = longer;
        }
        *list = joined;
    } else if (!strcmp(text, "all") && everything[axis]) {
        *list = cn_strdup(everything[axis]);
    } else {
        *list = cn_strdup(text);
    }
    return *list ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
}

static bool same_text(const char *a, const char *b)
{
    return !strcmp(a, b);
}

static bool same_request(const st_request *a, const st_request *b)
{
    return same_text(a->model, b->model) && same_text(a->scale, b->scale) &&
           same_text(a->variant, b->variant) && same_text(a->scheme, b->scheme) &&
           same_text(a->backend, b->backend) && same_text(a->device, b->device) &&
           same_text(a->dataset, b->dataset) && same_text(a->weights, b->weights) &&
           (a->rate == b->rate || (isnan(a->rate) && isnan(b->rate))) && a->threads == b->threads &&
           a->batch == b->batch && a->isa == b->isa && a->fuse == b->fuse;
}

static cn_status append(st_plan *plan, const st_request *request, cn_error *error)
{
    enum { MOST = 100000 };
    for (int32_t i = 0; i < plan->count; i++)
        if (same_request(&plan->requests[i], request)) return CN_OK;
    if (plan->count == MOST) return cn_fail(error, CN_EINVAL, "more than %d cells", MOST);
    if (plan->count == plan->capacity) {
        int32_t capacity = plan->capacity ? 2 * plan->capacity : 16;
        st_request *larger =
            cn_recalloc(plan->requests, (size_t)plan->capacity, (size_t)capacity, sizeof *larger);
        if (!larger) return cn_fail(error, CN_ENOMEM, "out of memory");
        plan->requests = larger;
        plan->capacity = capacity;
    }
    plan->requests[plan->count++] = *request;
    return CN_OK;
}

/* Sets axis by axis, each to every value of its list. */
static cn_status expand(st_plan *plan, const char *const values[], int axis, st_request *request,
                        cn_error *error)
{
    if (axis == ST_AXIS_COUNT) return append(plan, request, error);
    char *list;
    cn_status status = list_of(axis, values[axis], request, &list, error);
    if (status) return status;
    char *rest = list;
    for (char *value; !status && (value = strsep(&rest, ","));) {
        status = set_value(request, axis, value, error);
        if (!status && !*value && values[axis] && *values[axis])
            status = cn_fail(error, CN_EINVAL, "%s: there is an empty value in '%.100s'",
                             st_axis_names[axis], values[axis]);
        if (!status) status = expand(plan, values, axis + 1, request, error);
    }
    cn_free(list);
    return status;
}

cn_status st_plan_add_matrix(st_plan *plan, const char *const values[ST_AXIS_COUNT],
                             const char *where, cn_error *error)
{
    st_request request = {.rate = NAN};
    int32_t before = plan->count;
    cn_error problem;
    cn_status status = expand(plan, values, 0, &request, &problem);
    if (!status) return CN_OK;
    plan->count = before;
    return cn_fail(error, status, "%s%s%s", where, *where ? ": " : "", problem.message);
}
