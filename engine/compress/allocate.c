/* Which layer keeps how much: layer-adaptive magnitudes (Lee et al., "Layer-adaptive Sparsity for
 * the Magnitude-based Pruning", 2021), weighted by measured sensitivities. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "condense/compress.h"
#include "condense/memory.h"

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cn_status try_status = (call);                                                             \
        if (try_status != CN_OK) return try_status;                                                \
    } while (0)

enum { MOST_SPARED = 10, BISECTIONS = 100 };

/* The units of one target: what removing one costs, for each of its weights. */
typedef struct ranked {
    double *costs;
    int64_t units, size, least, kept; /* least: so many units stay whatever they cost */
} ranked;

static const cn_tensor *tensor_of(cn_trainer *trainer, const cn_graph *graph, const cn_target *t)
{
    return cn_weights_of(cn_trainer_weights(trainer), graph->layers[t->layer].name, "weight");
}

static cn_status add_targets(cn_compression *c, cn_trainer *trainer, const cn_graph *graph,
                             const cn_compression_request *request, cn_error *error)
{
    cn_patterns patterns;
    if (request->given)
        patterns = *request->given;
    else
        cn_patterns_learn(graph, cn_trainer_weights(trainer), request->patterns, &patterns);
    c->targets = cn_calloc((size_t)graph->count, sizeof *c->targets);
    if (!c->targets) return cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    for (int32_t i = 0; i < graph->count; i++) {
        if (!cn_op_is_tensor(graph->layers[i].op)) continue;
        cn_target *t = &c->targets[c->count];
        t->layer = i;
        t->constraint =
            (cn_constraint){.scheme = cn_scheme_for(graph, i, request->scheme, &t->rule),
                            .keep = 1,
                            .patterns = patterns,
                            .levels = request->levels,
                            .bits = request->bits,
                            .per_channel = request->per_channel};
        t->weights = cn_tensor_count(tensor_of(trainer, graph, t));
        if (request->layer_keep) t->constraint.keep = request->layer_keep[c->count];
        c->count++;
    }
    return CN_OK;
}

/* Adds the mean squared gradient of each target's weights that are not zero. */
static void add_squares(cn_compression *c, cn_trainer *trainer, const cn_graph *graph)
{
    const cn_weights *gradients = cn_trainer_gradients(trainer);
    for (int32_t i = 0; i < c->count; i++) {
        cn_target *t = &c->targets[i];
        const cn_tensor *w = tensor_of(trainer, graph, t);
        const cn_tensor *g = cn_weights_of(gradients, graph->layers[t->layer].name, "weight");
        double sum = 0;
        int64_t count = 0;
        for (int64_t k = 0; k < t->weights; k++) {
            if (w->data[k] == 0) continue;
            sum += (double)g->data[k] * (double)g->data[k];
            count++;
        }
        t->sensitivity += count ? sum / (double)count : 0;
    }
}

/* Backward passes move batch norm's running statistics: they are put back. */
static cn_status measure_sensitivity(cn_compression *c, cn_trainer *trainer, const cn_graph *graph,
                                     const cn_examples *examples, cn_error *error)
{
    int32_t batch = cn_trainer_batch(trainer), batches = examples->count / batch;
    int64_t size = cn_shape_count(cn_trainer_input(trainer));
    cn_weights *weights = cn_trainer_weights(trainer), before = {0};
    cn_status status = cn_weights_copy(weights, &before, error);
    for (int32_t i = 0; i < batches && status == CN_OK; i++) {
        double loss;
        int32_t correct;
        cn_trainer_set_step(trainer, (uint64_t)i);
        status =
            cn_trainer_backward(trainer, examples->images + (int64_t)i * batch * size,
                                examples->labels + (int64_t)i * batch, 0, &loss, &correct, error);
        if (status == CN_OK && !isfinite(loss))
            status =
                cn_fail(error, CN_EDIVERGED, "the network's loss is %g before compression", loss);
        if (status == CN_OK) add_squares(c, trainer, graph);
    }
    for (int32_t i = 0; i < before.count; i++)
        memcpy(weights->tensors[i].data, before.tensors[i].data,
               (size_t)cn_tensor_count(&before.tensors[i]) * sizeof(float));
    cn_weights_clear(&before);
    for (int32_t i = 0; i < c->count; i++)
        c->targets[i].sensitivity /= batches > 0 ? batches : 1;
    return status;
}

/* A unit's squared norm and its place in the tensor, to sort. */
typedef struct entry {
    double norm;
    int64_t unit;
} entry;

static int larger_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return x->norm != y->norm ? (x->norm < y->norm) - (x->norm > y->norm)
                              : (x->unit > y->unit) - (x->unit < y->unit);
}

/* From squared norms to costs: the share of what is left of the layer when its smaller units are
 * gone, times the root of the layer's sensitivity to losing itself, for each weight. */
static cn_status price(const cn_target *t, ranked *r, cn_error *error)
{
    entry *order = cn_calloc((size_t)r->units, sizeof *order);
    if (!order) return cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    double all = 0, left = 0;
    for (int64_t i = 0; i < r->units; i++) {
        order[i] = (entry){r->costs[i], i};
        all += r->costs[i];
    }
    double scale = sqrt(t->sensitivity * all) / (double)r->size;
    qsort(order, (size_t)r->units, sizeof *order, larger_first);
    for (int64_t i = 0; i < r->units; i++) {
        left += order[i].norm;
        r->costs[order[i].unit] = left > 0 ? order[i].norm / left * scale : 0;
    }
    cn_free(order);
    return CN_OK;
}

static cn_status rank(const cn_target *t, const cn_tensor *w, double rate, ranked *r,
                      cn_error *error)
{
    r->units = cn_scheme_units(w, &t->constraint);
    r->size = cn_scheme_unit_size(w, &t->constraint);
    bool fixed =
        t->constraint.scheme == CN_SCHEME_NONE || t->constraint.scheme == CN_SCHEME_PATTERN;
    r->least = (int64_t)ceil((double)t->weights / rate / MOST_SPARED / (double)r->size);
    if (r->least < 1) r->least = 1;
    if (r->least > r->units || fixed) r->least = r->units;
    r->costs = cn_calloc((size_t)r->units, sizeof *r->costs);
    if (!r->costs) return cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    cn_scheme_scores(w, &t->constraint, w->data, r->costs);
    return price(t, r, error);
}

/* Weights that stay where units that cost less than `threshold` go. */
static double keep_above(ranked *list, int32_t count, double threshold)
{
    double kept = 0;
    for (int32_t i = 0; i < count; i++) {
        ranked *r = &list[i];
        r->kept = 0;
        for (int64_t k = 0; k < r->units; k++)
            r->kept += r->costs[k] >= threshold && r->costs[k] > 0;
        if (r->kept < r->least) r->kept = r->least;
        kept += (double)r->kept * (double)r->size;
    }
    return kept;
}

static cn_status unreachable(const cn_compression *c, const cn_graph *graph, const ranked *list,
                             double rate, double total, cn_error *error)
{
    const char *largest = "";
    double most = 0, least = 0;
    for (int32_t i = 0; i < c->count; i++) {
        double kept = (double)list[i].least * (double)list[i].size;
        least += kept;
        if (kept > most) {
            most = kept;
            largest = graph->layers[c->targets[i].layer].name;
        }
    }
    return cn_fail(error, CN_EINVAL,
                   "a rate of %g cannot be reached with this scheme: %.0f of %.0f weights have to "
                   "stay, most of them in layer '%s'; the highest rate is %.4g",
                   rate, least, total, largest, total / least);
}

/* The lowest threshold that keeps no more weights than the rate allows, by bisection of its
 * logarithm. */
static cn_status choose(cn_compression *c, const cn_graph *graph, ranked *list, double rate,
                        cn_error *error)
{
    double total = 0, low = INFINITY, high = 0;
    for (int32_t i = 0; i < c->count; i++) {
        total += (double)c->targets[i].weights;
        for (int64_t k = 0; k < list[i].units; k++) {
            double cost = list[i].costs[k];
            if (cost > 0 && cost < low) low = cost;
            if (cost > high) high = cost;
        }
    }
    high *= 2;
    if (keep_above(list, c->count, high) > total / rate)
        return unreachable(c, graph, list, rate, total, error);
    for (int i = 0; i < BISECTIONS && low < high; i++) {
        double middle = sqrt(low) * sqrt(high);
        if (keep_above(list, c->count, middle) > total / rate)
            low = middle;
        else
            high = middle;
    }
    keep_above(list, c->count, high);
    return CN_OK;
}

static cn_status allocate(cn_compression *c, cn_trainer *trainer, const cn_graph *graph,
                          double rate, cn_error *error)
{
    ranked *list = cn_calloc((size_t)c->count, sizeof *list);
    cn_status status =
        list ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    for (int32_t i = 0; i < c->count && status == CN_OK; i++)
        status =
            rank(&c->targets[i], tensor_of(trainer, graph, &c->targets[i]), rate, &list[i], error);
    if (status == CN_OK) status = choose(c, graph, list, rate, error);
    for (int32_t i = 0; i < c->count && status == CN_OK; i++) {
        const cn_tensor *w = tensor_of(trainer, graph, &c->targets[i]);
        cn_scheme_keep_units(w, &c->targets[i].constraint, list[i].kept);
    }
    for (int32_t i = 0; list && i < c->count; i++)
        cn_free(list[i].costs);
    cn_free(list);
    return status;
}

static cn_status check_request(const cn_compression_request *r, cn_error *error)
{
    if (!(r->rate >= 1) || !isfinite(r->rate))
        return cn_fail(error, CN_EINVAL,
                       "a rate of %g; it is weights before over weights after, "
                       "at least 1",
                       r->rate);
    if (r->levels != CN_LEVELS_NONE && (r->bits < 1 || r->bits > 8))
        return cn_fail(error, CN_EINVAL, "%d bits; levels have 1 to 8", r->bits);
    if (r->scheme == CN_SCHEME_NONE && r->rate > 1)
        return cn_fail(error, CN_EINVAL, "a rate of %g needs a pruning scheme", r->rate);
    return CN_OK;
}

cn_status cn_compression_plan(cn_compression *compression, cn_trainer *trainer,
                              const cn_graph *graph, const cn_compression_request *request,
                              const cn_examples *examples, cn_error *error)
{
    *compression = (cn_compression){0};
    TRY(check_request(request, error));
    cn_status status = add_targets(compression, trainer, graph, request, error);
    if (status == CN_OK && request->rate > 1 && !request->layer_keep) {
        status = measure_sensitivity(compression, trainer, graph, examples, error);
        if (status == CN_OK) status = allocate(compression, trainer, graph, request->rate, error);
    }
    for (int32_t i = 0; i < compression->count && status == CN_OK; i++) {
        cn_target *t = &compression->targets[i];
        const cn_tensor *w = tensor_of(trainer, graph, t);
        int64_t kept =
            cn_scheme_units_kept(w, &t->constraint) * cn_scheme_unit_size(w, &t->constraint);
        t->kept = kept < t->weights ? kept : t->weights;
    }
    if (status != CN_OK) cn_compression_clear(compression);
    return status;
}

void cn_compression_clear(cn_compression *compression)
{
    cn_free(compression->targets);
    *compression = (cn_compression){0};
}
