#include "study/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "condense/clock.h"
#include "condense/memory.h"
#include "data/store_weights.h"
#include "measure/accuracy.h"
#include "measure/own.h"

enum { INPUTS = 4, CHECK_ONE_IN = 8 };

static const double layer_seconds = 1;       /* for each of the two profiled plans */
static const double output_tolerance = 1e-4; /* of the largest output: the engine promises equality,
                                                other backends round otherwise */

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The session that accuracy and expected outputs come from. */
typedef struct checker {
    cn_session *session;
    int32_t batch;
    size_t input, output; /* floats of one picture */
} checker;

static cn_status open_checker(const st_cell *cell, checker *c, cn_error *error)
{
    cn_session_options options = st_cell_session_options(cell);
    cn_shape shape = cell->model.graph.layers[0].shape;
    options.threads = 0;
    options.batch = c->batch = shape.h * shape.w > 64 * 64 ? 4 : 32; /* bounds the memory */
    cn_status status =
        cn_session_new(&c->session, &cell->model.graph, &cell->weights, &options, error);
    if (status) return status;
    c->input = (size_t)cn_shape_count(cn_session_input_shape(c->session));
    c->output = (size_t)cn_shape_count(cn_session_output_shape(c->session));
    return CN_OK;
}

/* Pictures of the test split, drawn by the seed; without a data set normal noise. */
static cn_status fill_inputs(st_trial *trial, size_t pictures, size_t size, uint64_t seed,
                             cn_error *error)
{
    const st_dataset *dataset = trial->cell.dataset;
    cn_random random = cn_random_named(seed, "inputs");
    cn_status status = CN_OK;
    for (size_t i = 0; i < pictures && !status; i++) {
        float *image = trial->inputs + i * size;
        int32_t label;
        if (dataset) {
            uint32_t index = cn_random_below(&random, (uint32_t)st_dataset_count(dataset));
            status = st_dataset_get(dataset, (int32_t)index, image, &label, error);
        } else {
            for (size_t j = 0; j < size; j++)
                image[j] = (float)cn_random_normal(&random);
        }
    }
    return status;
}

/* Runs `pictures` through the checker, a batch at a time, the last one filled up with repeats. */
static cn_status run_expected(st_trial *trial, const checker *c, size_t pictures, cn_error *error)
{
    size_t batch = (size_t)c->batch;
    float *in = cn_calloc(batch * c->input, sizeof *in);
    float *out = cn_calloc(batch * c->output, sizeof *out);
    cn_status status = in && out ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
    for (size_t first = 0; first < pictures && !status; first += batch) {
        size_t count = pictures - first < batch ? pictures - first : batch;
        for (size_t i = 0; i < batch; i++)
            memcpy(in + i * c->input, trial->inputs + (first + i % count) * c->input,
                   c->input * sizeof *in);
        status = cn_session_run(c->session, in, out, error);
        memcpy(trial->expected + first * c->output, out, count * c->output * sizeof *out);
        bool finite = true;
        for (size_t i = 0; i < count * c->output; i++)
            finite = finite && isfinite(out[i]);
        const char *layer = NULL;
        if (!status && !finite) {
            status = cn_session_find_nonfinite(c->session, in, &layer, error);
            if (!status)
                status = cn_fail(error, CN_EDIVERGED, "outputs are not finite, first of layer %s",
                                 layer ? layer : "(none when looked at again)");
        }
    }
    cn_free(in);
    cn_free(out);
    return status;
}

static cn_status expect_outputs(st_trial *trial, const checker *c, uint64_t seed, cn_error *error)
{
    size_t batch = (size_t)trial->cell.request.batch;
    trial->input_count = INPUTS;
    trial->input_size = batch * c->input;
    trial->output_size = batch * c->output;
    trial->inputs = cn_calloc(INPUTS * trial->input_size, sizeof(float));
    trial->expected = cn_calloc(INPUTS * trial->output_size, sizeof(float));
    trial->output = cn_calloc(trial->output_size, sizeof(float));
    if (!trial->inputs || !trial->expected || !trial->output)
        return cn_fail(error, CN_ENOMEM, "no memory for batches of %zu pictures", batch);
    cn_status status = fill_inputs(trial, INPUTS * batch, c->input, seed, error);
    return status ? status : run_expected(trial, c, INPUTS * batch, error);
}

static cn_status measure_accuracy(st_trial *trial, const checker *c, const st_settings *settings,
                                  const volatile int *stop, cn_error *error)
{
    st_cell *cell = &trial->cell;
    st_findings *findings = &cell->findings;
    const char *reason = NULL;
    if (st_weights_are_random(cell->identity.weights_label))
        reason = "random weights";
    else if (!cell->dataset)
        reason = cell->dataset_reason;
    if (reason) {
        snprintf(findings->accuracy_reason, sizeof findings->accuracy_reason, "%s", reason);
        return CN_OK;
    }
    st_accuracy_options options = {.images = settings->images,
                                   .seed = settings->seed,
                                   .stop = stop,
                                   .name = cell->identity.name};
    cn_status status = st_accuracy_measure(c->session, c->batch, cell->dataset, &options,
                                           &findings->confusion, error);
    findings->has_accuracy = status == CN_OK;
    return status;
}

/* The layers of the cell's plan and, where weights are zero, of a plan that does not skip them. */
static cn_status profile_plan(st_trial *trial, int fusion, cn_error *error)
{
    st_cell *cell = &trial->cell;
    st_findings *findings = &cell->findings;
    cn_session_options options[2] = {st_cell_session_options(cell)};
    options[0].passes = fusion ? CN_PASS_ALL : ST_PASSES_UNFUSED;
    options[1] = st_own_options(ST_OWN_DENSE, &options[0], NULL);
    int32_t count = findings->sizes.effective_macs < findings->sizes.macs ? 2 : 1;
    st_layer_plan plans[2] = {0};
    cn_status status = st_layers_measure(&cell->model.graph, &cell->weights, options, count,
                                         trial->inputs, layer_seconds, plans, error);
    findings->plans[fusion] = plans[0];
    findings->dense[fusion] = plans[1];
    return status;
}

/* The plan without fusion always, the one with fusion where the cell uses it. */
static cn_status profile(st_trial *trial, cn_error *error)
{
    cn_status status = CN_OK;
    for (int fusion = 0; fusion < 2 && !status; fusion++)
        if (!fusion || trial->cell.request.fuse) status = profile_plan(trial, fusion, error);
    return status;
}

static cn_status check_and_profile(st_trial *trial, const st_settings *settings,
                                   const volatile int *stop, cn_error *error)
{
    checker c = {0};
    cn_status status = open_checker(&trial->cell, &c, error);
    if (!status) status = expect_outputs(trial, &c, settings->seed, error);
    if (!status) status = measure_accuracy(trial, &c, settings, stop, error);
    cn_session_free(c.session);
    return status ? status : profile(trial, error);
}

cn_status st_trial_prepare(st_trial *trial, const st_settings *settings, st_energy *energy,
                           const volatile int *stop, cn_error *error)
{
    st_cell *cell = &trial->cell;
    st_findings *findings = &cell->findings;
    cn_session_options options = st_cell_session_options(cell);
    trial->energy = energy;
    const char *source = st_energy_source(energy);
    snprintf(findings->energy_source, sizeof findings->energy_source, "%s", source ? source : "");
    trial->random = cn_random_named(settings->seed, "checks");
    trial->begin_ns = cn_clock_ns();
    trial->begin_wall_ns = wall_ns();
    findings->sizes = st_sizes_of(&cell->model.graph, &cell->weights);
    findings->peak_memory =
        st_peak_memory(&cell->model.graph, &cell->weights, &options, findings->peak_memory_reason);
    st_sizes_compact(&findings->sizes, &cell->weights); /* afterwards: it leaves memory behind */
    cn_error problem;
    cn_status status = check_and_profile(trial, settings, stop, &problem);
    if (!status)
        status =
            cn_session_new(&trial->session, &cell->model.graph, &cell->weights, &options, &problem);
    if (!status) findings->memory = cn_session_memory_use(trial->session);
    cn_weights_clear(&cell->weights);
    if (status == CN_EINTERRUPTED) return cn_fail(error, status, "%s", problem.message);
    if (status) {
        trial->verdict = status == CN_EDIVERGED ? ST_INVALID_OUTPUT : ST_FAILED;
        snprintf(trial->reason, sizeof trial->reason, "%.255s", problem.message);
    }
    return CN_OK;
}

size_t st_trial_bytes(const st_trial *trial)
{
    cn_session_memory memory = trial->cell.findings.memory;
    return memory.weights + memory.arena + memory.scratch;
}

static cn_status run_once(void *context, int64_t index, cn_error *error)
{
    st_trial *trial = context;
    size_t input = (size_t)(index % trial->input_count);
    return cn_session_run(trial->session, trial->inputs + input * trial->input_size, trial->output,
                          error);
}

/* Every input's first output and one in CHECK_ONE_IN after that must be what the accuracy run's
 * session gave. */
static cn_status check_output(void *context, int64_t index, cn_error *error)
{
    st_trial *trial = context;
    if (index >= trial->input_count && cn_random_below(&trial->random, CHECK_ONE_IN)) return CN_OK;
    size_t input = (size_t)(index % trial->input_count);
    const float *expected = trial->expected + input * trial->output_size;
    double largest = 0, difference = 0;
    for (size_t i = 0; i < trial->output_size; i++) {
        double d = fabs((double)trial->output[i] - expected[i]);
        largest = fmax(largest, fabs((double)expected[i]));
        if (!(d <= difference) && !isnan(difference)) difference = d;
    }
    trial->cell.findings.outputs_checked++;
    if (difference <= output_tolerance * largest) return CN_OK;
    return cn_fail(error, CN_EDIVERGED,
                   "timed run %lld gave another output than the accuracy run (apart by %g of %g)",
                   (long long)index, difference, largest);
}

/* One bad block among many must not read as if it were the whole cell. */
static void add_energy_reason(st_trial *trial, const char *reason)
{
    st_energy_reading *sum = &trial->cell.findings.energy;
    trial->energy_blocks++;
    if (!reason[0]) return;
    trial->energy_flawed++;
    size_t room = sizeof sum->reason;
    if (trial->energy_flawed == trial->energy_blocks)
        snprintf(sum->reason, room, "%s", reason);
    else
        snprintf(sum->reason, room, "in %d of the first %d blocks: %.200s", trial->energy_flawed,
                 trial->energy_blocks, reason);
}

static void add_energy(void *context, const st_block *block, int32_t inferences)
{
    st_trial *trial = context;
    st_findings *findings = &trial->cell.findings;
    st_energy_reading *sum = &findings->energy;
    st_energy_reading reading = st_energy_window(trial->energy, block->begin_ns, block->end_ns);
    double seconds = (double)(block->end_ns - block->begin_ns) * 1e-9;
    double total = trial->energy_seconds + seconds;
    if (total <= 0) return;
    double old = trial->energy_seconds / total, new = seconds / total;
    sum->coverage = sum->coverage * old + reading.coverage * new;
    sum->rate_got_hz = sum->rate_got_hz * old + reading.rate_got_hz * new;
    sum->rate_asked_hz = reading.rate_asked_hz;
    sum->idle_milliwatt = reading.idle_milliwatt;
    sum->distinct_readings += reading.distinct_readings;
    trial->energy_seconds = total;
    add_energy_reason(trial, reading.reason);
    if (!isfinite(reading.millijoule)) return;
    sum->millijoule += reading.millijoule;
    findings->energy_inferences += inferences;
}

st_subject st_trial_subject(st_trial *trial)
{
    return (st_subject){.name = trial->cell.identity.name,
                        .context = trial,
                        .run = run_once,
                        .check = check_output,
                        .block_done = add_energy};
}

void st_trial_close(st_trial *trial)
{
    cn_session_free(trial->session);
    cn_free(trial->inputs);
    cn_free(trial->expected);
    cn_free(trial->output);
    st_cell_close(&trial->cell);
    *trial = (st_trial){0};
}
