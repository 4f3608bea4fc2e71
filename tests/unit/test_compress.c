/* Compression with training: constraints hold at the end, runs repeat and resume bit by bit, plans
 * reach their rates. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "condense/compress.h"
#include "train_fixture.h"

static cn_compress_options options_for(cn_method method)
{
    cn_fit_options fit = cn_fit_defaults();
    fit.epochs = 4;
    fit.epoch_steps = 3;
    fit.schedule.rate = 0.02;
    return (cn_compress_options){.method = method,
                                 .iterations = 3,
                                 .rho_first = 0.01,
                                 .rho_last = 0.1,
                                 .rho_stages = 2,
                                 .admm = fit,
                                 .retrain = fit};
}

static cn_compression plan(const fixture *f, cn_trainer *trainer,
                           const cn_compression_request *request)
{
    cn_compression compression;
    cn_error error = {0};
    cr_assert_eq(
        cn_compression_plan(&compression, trainer, &f->graph, request, &f->examples, &error), CN_OK,
        "%s", error.message);
    return compression;
}

static const cn_tensor *weights_of(const fixture *f, cn_trainer *trainer, const cn_target *t)
{
    return cn_weights_of(cn_trainer_weights(trainer), f->graph.layers[t->layer].name, "weight");
}

static int distinct(const float *values, int64_t count)
{
    int found = 0;
    for (int64_t i = 0; i < count; i++) {
        bool seen = values[i] == 0;
        for (int64_t k = 0; k < i && !seen; k++)
            seen = values[k] == values[i];
        found += !seen;
    }
    return found;
}

/* Projecting changes nothing, and there are no more values than levels. */
static void expect_feasible(const fixture *f, cn_trainer *trainer, const cn_compression *c)
{
    for (int32_t i = 0; i < c->count; i++) {
        const cn_target *t = &c->targets[i];
        const cn_tensor *w = weights_of(f, trainer, t);
        float to[400];
        cn_error error;
        cr_assert_eq(cn_project_scheme(w, &t->constraint, w->data, to, &error), CN_OK);
        cr_expect_eq(memcmp(to, w->data, (size_t)t->weights * sizeof *to), 0, "target %d", i);
        int64_t groups = cn_levels_groups(w, &t->constraint);
        for (int64_t g = 0; g < groups; g++)
            cr_expect_leq(distinct(w->data + g * (t->weights / groups), t->weights / groups),
                          1 << t->constraint.bits, "target %d", i);
    }
}

static void compress(const fixture *f, cn_trainer *trainer, const cn_compression *c,
                     const cn_compress_options *options)
{
    cn_error error = {0};
    cr_assert_eq(cn_compress(trainer, &f->graph, c, &f->examples, options, &error), CN_OK, "%s",
                 error.message);
}

Test(compress, constraints_hold_at_the_end)
{
    static const cn_compression_request requests[] = {
        {.scheme = CN_SCHEME_UNSTRUCTURED, .rate = 3, .patterns = 4},
        {.scheme = CN_SCHEME_BLOCK8, .rate = 2, .patterns = 4},
        {.scheme = CN_SCHEME_PATTERN8, .rate = 2.5, .patterns = 4},
        {.scheme = CN_SCHEME_NONE, .rate = 1, .patterns = 4, .levels = CN_LEVELS_LINEAR, .bits = 3},
        {.scheme = CN_SCHEME_UNSTRUCTURED,
         .rate = 3,
         .patterns = 4,
         .levels = CN_LEVELS_CODEBOOK,
         .bits = 2},
        {.scheme = CN_SCHEME_FILTER,
         .rate = 1.2,
         .patterns = 4,
         .levels = CN_LEVELS_POWERS,
         .bits = 3,
         .per_channel = true},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        for (int method = 0; method < CN_METHOD_COUNT; method++) {
            fixture f;
            fixture_make(&f);
            cn_trainer *trainer = fixture_trainer(&f);
            cn_compression c = plan(&f, trainer, &requests[i]);
            cn_compress_options options = options_for((cn_method)method);
            compress(&f, trainer, &c, &options);
            expect_feasible(&f, trainer, &c);
            cn_compression_clear(&c);
            cn_trainer_free(trainer);
            fixture_clear(&f);
        }
}

Test(compress, plans_reach_their_rate)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    for (double rate = 1; rate < 12; rate *= 1.7) {
        const cn_compression_request request = {
            .scheme = CN_SCHEME_UNSTRUCTURED, .rate = rate, .patterns = 4};
        cn_compression c = plan(&f, trainer, &request);
        int64_t weights = 0, kept = 0;
        for (int32_t i = 0; i < c.count; i++) {
            weights += c.targets[i].weights;
            kept += c.targets[i].kept;
        }
        cr_expect_leq((double)kept, (double)weights / rate + 1e-9);
        cr_expect_geq((double)kept, (double)weights / rate - 1);
        cn_compression_clear(&c);
    }
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

Test(compress, impossible_requests_are_refused)
{
    static const struct {
        cn_compression_request request;
        const char *words;
    } rows[] = {
        {{.scheme = CN_SCHEME_UNSTRUCTURED, .rate = 0.5, .patterns = 4}, "at least 1"},
        {{.scheme = CN_SCHEME_UNSTRUCTURED, .rate = NAN, .patterns = 4}, "at least 1"},
        {{.scheme = CN_SCHEME_FILTER, .rate = 100, .patterns = 4}, "layer 'fc'"},
        {{.scheme = CN_SCHEME_NONE, .rate = 2, .patterns = 4}, "scheme"},
        {{.scheme = CN_SCHEME_NONE, .rate = 1, .levels = CN_LEVELS_LINEAR, .bits = 9}, "bits"},
    };
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cn_compression c;
        cn_error error = {0};
        cr_expect_eq(
            cn_compression_plan(&c, trainer, &f.graph, &rows[i].request, &f.examples, &error),
            CN_EINVAL, "row %zu", i);
        cr_expect(strstr(error.message, rows[i].words), "row %zu: %s", i, error.message);
    }
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

Test(compress, planning_leaves_the_network_alone)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    const cn_compression_request request = {
        .scheme = CN_SCHEME_UNSTRUCTURED, .rate = 3, .patterns = 4};
    cn_compression c = plan(&f, trainer, &request);
    const cn_weights *after = cn_trainer_weights(trainer);
    for (int32_t i = 0; i < after->count; i++) {
        const cn_tensor *t = &after->tensors[i];
        const cn_tensor *before = cn_weights_find(&f.weights, t->name);
        cr_expect_eq(memcmp(before->data, t->data, (size_t)cn_tensor_count(t) * sizeof(float)), 0,
                     "%s", t->name);
    }
    cn_compression_clear(&c);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

/* Zeros that were there stay through both phases. */
Test(compress, rounds_go_on_from_one_another)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    uint8_t zero[400] = {0};
    for (int round = 0; round < 3; round++) {
        const cn_compression_request request = {
            .scheme = CN_SCHEME_UNSTRUCTURED, .rate = 2 << round, .patterns = 4};
        cn_compression c = plan(&f, trainer, &request);
        cn_compress_options options = options_for(CN_METHOD_ADMM);
        compress(&f, trainer, &c, &options);
        const cn_tensor *w = cn_weights_of(cn_trainer_weights(trainer), "fc", "weight");
        for (int64_t k = 0; k < cn_tensor_count(w); k++) {
            cr_expect(!zero[k] || w->data[k] == 0);
            zero[k] = w->data[k] == 0;
        }
        cn_compression_clear(&c);
    }
    cn_trainer_free(trainer);
    fixture_clear(&f);
}

typedef struct stopper {
    volatile sig_atomic_t stop;
    int64_t steps, at;
} stopper;

static void stop_at(void *context, int64_t step, int64_t total, double loss)
{
    (void)step;
    (void)total;
    (void)loss;
    stopper *s = context;
    s->stop = ++s->steps == s->at;
}

/* Broken off at every step in turn: the weights at the end are the same to the bit. */
Test(compress, resumes_to_the_same_bits)
{
    char folder[] = "/tmp/compress-XXXXXX", admm[64], retrain[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(admm, sizeof admm, "%s/admm", folder);
    snprintf(retrain, sizeof retrain, "%s/retrain", folder);
    const cn_compression_request request = {.scheme = CN_SCHEME_UNSTRUCTURED,
                                            .rate = 3,
                                            .patterns = 4,
                                            .levels = CN_LEVELS_LINEAR,
                                            .bits = 3};
    float whole[100] = {0};
    int64_t steps = 3 * 3 + 4 * 3;
    for (int64_t at = 0; at <= steps; at += at ? 4 : 1) { /* 0: not broken off */
        fixture f;
        fixture_make(&f);
        bool broken = at > 0;
        for (int call = broken ? 0 : 1; call < 2; call++) {
            cn_trainer *trainer = fixture_trainer(&f);
            cn_compression c = plan(&f, trainer, &request);
            stopper s = {.at = call == 0 ? at : -1};
            cn_compress_options options = options_for(CN_METHOD_ADMM);
            options.admm_checkpoint = admm;
            options.retrain_checkpoint = retrain;
            options.resume = call == 1;
            options.admm.stop = options.retrain.stop = &s.stop;
            options.admm.on_step = options.retrain.on_step = stop_at;
            options.admm.context = options.retrain.context = &s;
            cn_error error = {0};
            cn_status status = cn_compress(trainer, &f.graph, &c, &f.examples, &options, &error);
            if (call == 0 && at < steps)
                cr_expect_eq(status, CN_EINTERRUPTED, "at %d: %s", (int)at, error.message);
            else
                cr_expect_eq(status, CN_OK, "at %d: %s", (int)at, error.message);
            const cn_tensor *w = cn_weights_of(cn_trainer_weights(trainer), "conv", "weight");
            if (!broken) memcpy(whole, w->data, 72 * sizeof(float));
            if (call == 1)
                cr_expect_eq(memcmp(whole, w->data, 72 * sizeof(float)), 0, "at %d", (int)at);
            cn_compression_clear(&c);
            cn_trainer_free(trainer);
        }
        unlink(admm);
        unlink(retrain);
        fixture_clear(&f);
    }
    rmdir(folder);
}

static int32_t iterations, epochs;
static double last_residual;

static void watch(void *context, const cn_compress_step *step)
{
    const int32_t *targets = context;
    if (step->retraining) {
        cr_expect_eq(step->number, ++epochs);
        cr_expect_eq(step->before, step->after);
    } else {
        cr_expect_eq(step->number, ++iterations);
        last_residual = 0;
        for (int32_t i = 0; i < *targets; i++)
            last_residual = fmax(last_residual, step->residuals[i]);
    }
    cr_expect(step->before >= 0 && step->before <= 1);
}

/* With a rho that grows to a strong pull, W ends close to Z. */
Test(compress, admm_brings_weights_to_their_projection)
{
    fixture f;
    fixture_make(&f);
    cn_trainer *trainer = fixture_trainer(&f);
    const cn_compression_request request = {
        .scheme = CN_SCHEME_UNSTRUCTURED, .rate = 3, .patterns = 4};
    cn_compression c = plan(&f, trainer, &request);
    cn_compress_options options = options_for(CN_METHOD_ADMM);
    options.iterations = 20;
    options.rho_last = 1;
    options.rho_stages = 4;
    options.admm.epoch_steps = 6;
    options.admm.schedule = (cn_schedule){CN_SCHEDULE_CONSTANT, 0.05, 0};
    options.watch = &f.examples;
    options.on_step = watch;
    options.context = &c.count;
    compress(&f, trainer, &c, &options);
    cr_expect_eq(iterations, 20);
    cr_expect_eq(epochs, 4);
    cr_expect_lt(last_residual, 0.1);
    cn_compression_clear(&c);
    cn_trainer_free(trainer);
    fixture_clear(&f);
}
