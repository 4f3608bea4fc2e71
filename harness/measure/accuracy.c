#include "measure/accuracy.h"

#include "cli/progress.h"
#include "condense/memory.h"
#include "condense/random.h"

/* What classifies: a session, or the emulation of a quantized network. */
typedef struct classifier {
    cn_session *session; /* or NULL */
    const cn_quantization *quantization;
    cn_walk *walk;
    cn_shape input, output; /* of one picture */
} classifier;

typedef struct work {
    const classifier *classifier;
    const st_dataset *dataset;
    uint32_t *order; /* the pictures, in the order they are taken */
    float *input, *output;
    int32_t *labels;
    int32_t batch;
    size_t input_size, classes; /* of one picture */
} work;

static cn_status run(const work *w, int32_t count, cn_error *error)
{
    const classifier *c = w->classifier;
    if (c->session) return cn_session_run(c->session, w->input, w->output, error);
    return cn_quantization_run(c->quantization, c->walk, count, w->input, w->output, error);
}

/* Pictures first .. first + count of the order; the rest of the batch stays as it was. */
static cn_status classify(const work *w, int64_t first, int32_t count, st_confusion *confusion,
                          cn_error *error)
{
    cn_status status = CN_OK;
    for (int32_t i = 0; i < count && !status; i++)
        status = st_dataset_get(w->dataset, (int32_t)w->order[first + i],
                                w->input + (size_t)i * w->input_size, &w->labels[i], error);
    if (!status) status = run(w, count, error);
    for (int32_t i = 0; i < count && !status; i++)
        st_confusion_add(confusion, w->output + (size_t)i * w->classes, w->labels[i]);
    return status;
}

static cn_status classify_all(const work *w, int64_t images, const st_accuracy_options *options,
                              st_confusion *confusion, cn_error *error)
{
    st_progress progress = st_progress_start("accuracy");
    cn_status status = CN_OK;
    for (int64_t done = 0; done < images && !status; done += w->batch) {
        int64_t count = images - done < w->batch ? images - done : w->batch;
        status = options->stop && *options->stop
                     ? cn_fail(error, CN_EINTERRUPTED, "stopped on request")
                     : classify(w, done, (int32_t)count, confusion, error);
        st_progress_update(&progress, (double)(done + count), (double)images, options->name);
    }
    st_progress_end(&progress);
    return status;
}

static cn_status measure(const classifier *by, int32_t batch, const st_dataset *dataset,
                         const st_accuracy_options *options, st_confusion *confusion,
                         cn_error *error)
{
    uint32_t total = (uint32_t)st_dataset_count(dataset);
    int64_t images = options->images && options->images < total ? options->images : total;
    work w = {.classifier = by,
              .dataset = dataset,
              .batch = batch,
              .input_size = (size_t)cn_shape_count(by->input),
              .classes = (size_t)cn_shape_count(by->output)};
    if (w.classes != (size_t)st_dataset_classes(dataset))
        return cn_fail(error, CN_EINVAL, "the network has %zu outputs, the data set %d classes",
                       w.classes, st_dataset_classes(dataset));
    cn_status status = st_confusion_new(confusion, (int32_t)w.classes, error);
    if (status) return status;
    w.order = cn_calloc(total, sizeof *w.order);
    w.input = cn_calloc((size_t)batch * w.input_size, sizeof *w.input);
    w.output = cn_calloc((size_t)batch * w.classes, sizeof *w.output);
    w.labels = cn_calloc((size_t)batch, sizeof *w.labels);
    if (w.order && w.input && w.output && w.labels) {
        for (uint32_t i = 0; i < total; i++)
            w.order[i] = i;
        cn_random random = cn_random_named(options->seed, "pictures");
        if (images < total) cn_random_shuffle(&random, w.order, total);
        status = classify_all(&w, images, options, confusion, error);
    } else {
        status = cn_fail(error, CN_ENOMEM, "no memory for a batch of %d pictures", batch);
    }
    cn_free(w.order);
    cn_free(w.input);
    cn_free(w.output);
    cn_free(w.labels);
    if (status) st_confusion_clear(confusion);
    return status;
}

cn_status st_accuracy_measure(cn_session *session, int32_t batch, const st_dataset *dataset,
                              const st_accuracy_options *options, st_confusion *confusion,
                              cn_error *error)
{
    classifier c = {.session = session,
                    .input = cn_session_input_shape(session),
                    .output = cn_session_output_shape(session)};
    return measure(&c, batch, dataset, options, confusion, error);
}

cn_status st_accuracy_measure_quantized(const cn_quantization *quantization, cn_walk *walk,
                                        int32_t batch, const st_dataset *dataset,
                                        const st_accuracy_options *options, st_confusion *confusion,
                                        cn_error *error)
{
    const cn_graph *graph = cn_walk_graph(walk);
    classifier c = {.quantization = quantization,
                    .walk = walk,
                    .input = graph->layers[0].shape,
                    .output = graph->layers[graph->count - 1].shape};
    return measure(&c, batch, dataset, options, confusion, error);
}
