#include <math.h>
#include <string.h>
#include <unistd.h>

#include "compress/run.h"
#include "condense/memory.h"

static const char *const method_names[CN_METHOD_COUNT] = {"admm", "magnitude", "random"};

const char *cn_method_name(cn_method method)
{
    return (unsigned)method < CN_METHOD_COUNT ? method_names[method] : NULL;
}

bool cn_method_find(const char *name, cn_method *method)
{
    for (int i = 0; i < CN_METHOD_COUNT; i++)
        if (!strcmp(name, method_names[i])) {
            *method = (cn_method)i;
            return true;
        }
    return false;
}

static const char *layer_name(const compress_run *run, int32_t i)
{
    return run->graph->layers[run->compression->targets[i].layer].name;
}

cn_tensor *run_weights(const compress_run *run, int32_t i)
{
    return cn_weights_of(cn_trainer_weights(run->trainer), layer_name(run, i), "weight");
}

cn_tensor *run_gradient(const compress_run *run, int32_t i)
{
    return cn_weights_of(cn_trainer_gradients(run->trainer), layer_name(run, i), "weight");
}

cn_status run_add_state(const compress_run *run, cn_weights *set, int32_t i, const char *suffix,
                        cn_tensor **out, cn_error *error)
{
    const cn_tensor *like = run_weights(run, i);
    char *name = cn_sprintf("%s.%s", layer_name(run, i), suffix);
    if (!name) return cn_fail(error, CN_ENOMEM, "out of memory for the compression");
    cn_status status = cn_weights_add(set, name, like->rank, like->dims, out, error);
    cn_free(name);
    return status;
}

cn_tensor *run_state(const compress_run *run, const cn_weights *set, int32_t i, const char *suffix)
{
    return cn_weights_of(set, layer_name(run, i), suffix);
}

static void copy_all(compress_run *run, bool back)
{
    for (int32_t i = 0; i < run->compression->count; i++) {
        cn_tensor *w = run_weights(run, i), *kept = &run->saved.tensors[i];
        size_t bytes = (size_t)cn_tensor_count(w) * sizeof *w->data;
        memcpy(back ? w->data : kept->data, back ? kept->data : w->data, bytes);
    }
}

void run_save(compress_run *run)
{
    copy_all(run, false);
}

void run_restore(compress_run *run)
{
    copy_all(run, true);
}

cn_status run_accuracy(const compress_run *run, double *accuracy, cn_error *error)
{
    double loss;
    *accuracy = NAN;
    const cn_examples *watch = run->options->watch;
    if (!watch || !watch->count) return CN_OK;
    return cn_evaluate(run->trainer, watch, &loss, accuracy, error);
}

char *run_recipe(const compress_run *run)
{
    const cn_compress_options *o = run->options;
    char *text =
        cn_sprintf("compression %s iterations %d rho %.17g %.17g %d :", cn_method_name(o->method),
                   o->iterations, o->rho_first, o->rho_last, o->rho_stages);
    for (int32_t i = 0; i < run->compression->count && text; i++) {
        const cn_constraint *c = &run->compression->targets[i].constraint;
        char *longer = cn_sprintf("%s %d/%.17g/%d/%d/%d", text, c->scheme, c->keep, c->levels,
                                  c->bits, c->per_channel);
        cn_free(text);
        text = longer;
    }
    return text;
}

/* What is zero now stays zero in every step of both phases: masks start from here. */
static cn_status prepare(compress_run *run, cn_error *error)
{
    cn_tensor *copy;
    for (int32_t i = 0; i < run->compression->count; i++)
        TRY(run_add_state(run, &run->saved, i, "weight", &copy, error));
    return CN_OK;
}

static bool has_checkpoint(const cn_compress_options *o)
{
    return o->resume && o->retrain_checkpoint && access(o->retrain_checkpoint, F_OK) == 0;
}

cn_status cn_compress(cn_trainer *trainer, const cn_graph *graph, const cn_compression *compression,
                      const cn_examples *train, const cn_compress_options *options, cn_error *error)
{
    compress_run run = {.trainer = trainer,
                        .graph = graph,
                        .compression = compression,
                        .train = train,
                        .options = options};
    cn_status status = prepare(&run, error);
    if (status == CN_OK && options->method == CN_METHOD_ADMM && !has_checkpoint(options))
        status = run_admm(&run, error);
    if (status == CN_OK) status = run_retraining(&run, error);
    cn_weights_clear(&run.saved);
    return status;
}
