#include <math.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/train.h"

struct cn_optimizer {
    cn_optimizer_options options;
    cn_weights state; /* for gradient i: first moment at 2 i, second at 2 i + 1 (Adam); sgd: at i */
    int64_t steps;
};

cn_optimizer_options cn_optimizer_defaults(void)
{
    return (cn_optimizer_options){.kind = CN_OPTIMIZER_SGD,
                                  .momentum = 0.9f,
                                  .nesterov = true,
                                  .beta1 = 0.9f,
                                  .beta2 = 0.999f,
                                  .epsilon = 1e-8f};
}

static cn_status add_moment(cn_optimizer *optimizer, const cn_tensor *like, const char *suffix,
                            cn_error *error)
{
    char *name = cn_sprintf("%s.%s", like->name, suffix);
    if (!name) return cn_fail(error, CN_ENOMEM, "out of memory for the optimizer");
    cn_tensor *tensor;
    cn_status status =
        cn_weights_add(&optimizer->state, name, like->rank, like->dims, &tensor, error);
    cn_free(name);
    return status;
}

cn_status cn_optimizer_new(cn_optimizer **out, const cn_optimizer_options *options,
                           const cn_weights *gradients, cn_error *error)
{
    *out = NULL;
    cn_optimizer *optimizer = cn_calloc(1, sizeof *optimizer);
    if (!optimizer) return cn_fail(error, CN_ENOMEM, "out of memory for the optimizer");
    optimizer->options = *options;
    cn_status status = CN_OK;
    for (int32_t i = 0; i < gradients->count && status == CN_OK; i++) {
        status = add_moment(optimizer, &gradients->tensors[i], "first", error);
        if (status == CN_OK && options->kind != CN_OPTIMIZER_SGD)
            status = add_moment(optimizer, &gradients->tensors[i], "second", error);
    }
    if (status != CN_OK) {
        cn_optimizer_free(optimizer);
        return status;
    }
    *out = optimizer;
    return CN_OK;
}

void cn_optimizer_free(cn_optimizer *optimizer)
{
    if (!optimizer) return;
    cn_weights_clear(&optimizer->state);
    cn_free(optimizer);
}

cn_weights *cn_optimizer_state(cn_optimizer *optimizer)
{
    return &optimizer->state;
}

int64_t *cn_optimizer_steps(cn_optimizer *optimizer)
{
    return &optimizer->steps;
}

/* v = m v + g; w -= rate (g + m v), or rate v without Nesterov. */
static void sgd(const cn_optimizer_options *o, float *w, const float *g, float *v, int64_t count,
                float rate, float decay)
{
    float m = o->momentum, own = o->nesterov ? 1 : 0, carried = o->nesterov ? m : 1;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float gradient = g[i] + decay * w[i];
        v[i] = m * v[i] + gradient;
        w[i] -= rate * (own * gradient + carried * v[i]);
    }
}

static void adam(const cn_optimizer *optimizer, float *w, const float *g, float *first,
                 float *second, int64_t count, float rate, float decay)
{
    const cn_optimizer_options *o = &optimizer->options;
    double steps = (double)optimizer->steps;
    float unbias1 = (float)(1 / (1 - pow((double)o->beta1, steps)));
    float unbias2 = (float)(1 / (1 - pow((double)o->beta2, steps)));
    float b1 = o->beta1, b2 = o->beta2, epsilon = o->epsilon;
    float in_gradient = o->kind == CN_OPTIMIZER_ADAM ? decay : 0;
    float apart = o->kind == CN_OPTIMIZER_ADAMW ? 1 - rate * decay : 1;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float gradient = g[i] + in_gradient * w[i];
        first[i] = b1 * first[i] + (1 - b1) * gradient;
        second[i] = b2 * second[i] + (1 - b2) * gradient * gradient;
        w[i] = apart * w[i] - rate * first[i] * unbias1 / (sqrtf(second[i] * unbias2) + epsilon);
    }
}

void cn_optimizer_step(cn_optimizer *optimizer, cn_weights *weights, const cn_weights *gradients,
                       double rate)
{
    const cn_optimizer_options *o = &optimizer->options;
    cn_tensor *state = optimizer->state.tensors;
    optimizer->steps++;
    cn_tensor *w = weights->tensors;
    for (int32_t i = 0; i < gradients->count; i++, w++) {
        const cn_tensor *g = &gradients->tensors[i];
        while (strcmp(w->name, g->name))
            w++;
        int64_t count = cn_tensor_count(g);
        float decay = g->rank > 1 ? o->weight_decay : 0;
        if (o->kind == CN_OPTIMIZER_SGD)
            sgd(o, w->data, g->data, state[i].data, count, (float)rate, decay);
        else
            adam(optimizer, w->data, g->data, state[2 * i].data, state[2 * i + 1].data, count,
                 (float)rate, decay);
    }
}
