/* condense run: measures cells and records them. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/home.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "env/device.h"
#include "env/generator.h"
#include "env/wisdom.h"
#include "report/cells_table.h"
#include "report/claims.h"
#include "study/cell.h"
#include "study/runner.h"

typedef struct run_options {
    const char *axes[ST_AXIS_COUNT];
    const char *study, *db, *energy, *rail;
    bool resume, dry_run, json, fuse, scalar, require_energy, wisdom, generate;
    double min_time, max_time;
    int64_t images, seed;
} run_options;

/* Cells from the study file or from the flags; flags for settings come before the file's. */
static cn_status make_plan(const run_options *o, st_plan *plan, cn_error *error)
{
    const char *axes[ST_AXIS_COUNT];
    memcpy(axes, o->axes, sizeof axes);
    if (!o->fuse) axes[ST_AXIS_FUSE] = "no";
    if (o->scalar) axes[ST_AXIS_ISA] = "scalar";
    cn_status status = CN_OK;
    *plan = st_plan_new();
    if (o->study) {
        for (int i = 0; i < ST_AXIS_COUNT; i++)
            if (axes[i])
                return cn_fail(error, CN_EINVAL, "--%s and --study: the study file names the cells",
                               st_axis_names[i]);
        status = st_plan_read(plan, o->study, error);
    } else {
        status = st_plan_add_matrix(plan, axes, "", error);
    }
    st_settings *settings = &plan->settings;
    if (o->min_time >= 0) settings->rule.min_seconds = o->min_time;
    if (o->max_time >= 0) settings->rule.max_seconds = o->max_time;
    if (o->images >= 0) settings->images = o->images;
    if (o->seed >= 0) settings->seed = (uint64_t)o->seed;
    settings->require_energy = o->require_energy;
    if ((o->energy && strlen(o->energy) >= sizeof settings->energy) ||
        (o->rail && strlen(o->rail) >= sizeof settings->rail))
        return cn_fail(error, CN_EINVAL, "--energy or --rail: the name is too long");
    if (o->energy) strcpy(settings->energy, o->energy);
    if (o->rail) strcpy(settings->rail, o->rail);
    return status;
}

static void print_plan(const st_plan *plan, const double *seconds, bool json)
{
    double total = 0;
    if (json) puts("[");
    for (int32_t i = 0; i < plan->count; i++) {
        const st_request *r = &plan->requests[i];
        const char *isa = cn_isa_name(cn_isa_of_floats(cn_isa_available(r->isa)));
        total += seconds[i];
        if (json)
            printf("  {\"model\": \"%s\", \"scale\": \"%s\", \"variant\": \"%s\", \"backend\": "
                   "\"%s\", "
                   "\"device\": \"%s\", \"isa\": \"%s\", \"threads\": %d, \"batch\": %d, "
                   "\"seconds\": %.1f}%s\n",
                   r->model, r->scale, r->variant, r->backend, r->device, isa, (int)r->threads,
                   (int)r->batch, seconds[i], i + 1 < plan->count ? "," : "");
        else
            printf("%-16s %-9s %-8s %-4s %-8s %-7s threads %-3d batch %-4d about %.0f s\n",
                   r->model, r->scale, r->variant, r->backend, r->device, isa, (int)r->threads,
                   (int)r->batch, seconds[i]);
    }
    if (json) puts("]");
    fprintf(stderr, "%d cells, about %.0f min and the time for accuracy; nothing was run\n",
            plan->count, ceil(total / 60));
}

/* The sensor asked for; `auto` takes the one that the device's record names. */
static cn_status open_energy(const st_plan *plan, st_energy **energy, cn_error *error)
{
    const st_settings *settings = &plan->settings;
    st_energy_options options = st_energy_defaults();
    st_device *device = NULL;
    cn_status status = st_device_load(&device, plan->requests[0].device, error);
    if (status) return status;
    bool automatic = !strcmp(settings->energy, "auto");
    options.source = automatic && device->energy_source ? device->energy_source : settings->energy;
    options.rail = *settings->rail ? settings->rail : automatic ? device->energy_rail : NULL;
    status = st_energy_open(energy, &options, error);
    st_device_free(device);
    if (status) return status;
    if (st_energy_source(*energy)) {
        st_energy_calibrate(*energy, 2);
    } else if (settings->require_energy) {
        st_energy_reading reading = st_energy_window(*energy, 0, 1);
        status = cn_fail(error, CN_ENOTFOUND, "energy is required: %s", reading.reason);
        st_energy_close(*energy);
    }
    return status;
}

/* 0, 1 or 3 by the verdicts of the plan's cells. */
static int verdict_status(sqlite3 *db, const st_runner *runner)
{
    int status = runner->broken ? ST_EXIT_FAILED : ST_EXIT_OK;
    sqlite3_stmt *row = NULL;
    sqlite3_prepare_v2(db, "SELECT verdict FROM v_cell WHERE cell = ?", -1, &row, NULL);
    for (int32_t i = 0; i < runner->reached; i++) {
        sqlite3_bind_text(row, 1, runner->ids[i], -1, SQLITE_STATIC);
        const char *verdict =
            sqlite3_step(row) == SQLITE_ROW ? (const char *)sqlite3_column_text(row, 0) : "failed";
        if (!strcmp(verdict, "failed") || !strcmp(verdict, "invalid-output"))
            status = ST_EXIT_FAILED;
        else if (strcmp(verdict, "valid") != 0 && status == ST_EXIT_OK)
            status = ST_EXIT_INCONCLUSIVE;
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return status;
}

/* Measures with everything open; *code is the exit status where nothing failed. */
static cn_status measure(st_runner *runner, const run_options *o, int *code, cn_error *error)
{
    st_store *store = runner->recorder.store;
    cn_status status = st_record_claims(store, error);
    if (!status) status = st_runner_run(runner, error);
    cn_status stopped = status == CN_EINTERRUPTED ? status : CN_OK;
    if (!status || stopped) status = st_claims_refresh(store->db, error);
    if (!status)
        status = (o->json ? st_cells_print_json : st_cells_print)(
            store->db, (const char(*)[65])runner->ids, runner->reached, error);
    *code = verdict_status(store->db, runner);
    fprintf(stderr, "database: %s\n", store->path);
    if (stopped && !status)
        return cn_fail(error, stopped, "stopped on request; go on with --resume");
    return status;
}

static cn_status open_and_measure(const run_options *o, const st_plan *plan, const char *command,
                                  int *code, cn_error *error)
{
    st_store store = {.lock = -1};
    st_environment environment = {0};
    st_energy *energy = NULL;
    cn_wisdom *wisdom = NULL;
    cn_generator *generator = NULL;
    char *settings = st_settings_json(&plan->settings);
    char *path = o->db ? cn_strdup(o->db) : st_home_path("results/study.db");
    cn_status status = settings && path ? st_store_open(&store, path, error)
                                        : cn_fail(error, CN_ENOMEM, "out of memory");
    if (!status && o->wisdom) status = st_wisdom_load(&wisdom, error);
    if (!status && o->wisdom && o->generate) status = st_generator_new(&generator, error);
    if (!status) status = st_environment_capture(&environment, "/", error);
    if (!status) st_wisdom_fact(&environment, wisdom);
    if (!status) status = open_energy(plan, &energy, error);
    if (!status) {
        st_runner runner = {.plan = plan,
                            .recorder = {.store = &store,
                                         .facts = &environment,
                                         .command = command,
                                         .settings = settings,
                                         .seed = (int64_t)plan->settings.seed},
                            .environment = &environment,
                            .wisdom = wisdom,
                            .generator = generator,
                            .energy = energy,
                            .resume = o->resume,
                            .stop = &st_interrupted};
        st_environment_hash(&environment, runner.recorder.environment_hash);
        st_interrupt_watch();
        status = measure(&runner, o, code, error);
        st_runner_clear(&runner);
        st_energy_close(energy);
    }
    st_generator_close(generator);
    cn_wisdom_free(wisdom);
    st_environment_clear(&environment);
    if (store.path) st_store_close(&store);
    cn_free(settings);
    cn_free(path);
    return status;
}

static int run(const run_options *o, const char *command)
{
    st_plan plan;
    cn_error error = {0};
    int code = ST_EXIT_OK;
    cn_status status = make_plan(o, &plan, &error);
    double *seconds = cn_calloc((size_t)plan.count, sizeof *seconds);
    if (!status && !seconds) status = cn_fail(&error, CN_ENOMEM, "out of memory");
    if (!status) status = st_plan_check(&plan, seconds, &error);
    if (!status && o->dry_run)
        print_plan(&plan, seconds, o->json);
    else if (!status)
        status = open_and_measure(o, &plan, command, &code, &error);
    if (!status && !o->dry_run)
        fprintf(stderr, "figures: 'condense plot' draws them, 'condense report' writes PAPER.md\n");
    cn_free(seconds);
    st_plan_clear(&plan);
    if (!status) return code;
    st_complain("run", 0, "%s", error.message);
    return st_exit_status(status);
}

static const char about[] =
    "Measures networks and records every sample, with its verdict, in a database. Each "
    "combination\n"
    "of the values given is a cell; values are comma lists, and 'all' stands for every value.\n\n"
    "  condense run                                     lenet5 on Fashion-MNIST\n"
    "  condense run --model resnet18,resnet50 --scale imagenet --threads 1,2\n"
    "  condense run --model all --scale imagenet --resume\n"
    "  condense run --model all --scale imagenet --variant "
    "dense,pruned,quantized,pruned+quantized\n"
    "  condense run --study experiments/studies/smoke.json --db /tmp/s.db\n\n"
    "Compressed variants at scales that are not trained here (imagenet) are made when they are "
    "run:\n"
    "pruned by magnitude, in integers by a few pictures, as their weights' label says.\n\n"
    "The table goes to stdout. Exit status: 0 all valid, 1 a cell failed, 2 usage, 3 a cell was\n"
    "noisy, throttled or drifted, 130 interrupted (what was finished is recorded).";

int st_command_run(int argc, char **argv)
{
    run_options o = {.fuse = true,
                     .wisdom = true,
                     .generate = true,
                     .min_time = -1,
                     .max_time = -1,
                     .images = -1,
                     .seed = -1};
    const char **a = o.axes;
    const st_option options[] = {
        {"model", ST_TEXT, &a[ST_AXIS_MODEL], "LIST", "networks; 'condense models' lists them"},
        {"scale", ST_TEXT, &a[ST_AXIS_SCALE], "LIST",
         "presets of a network: fashion (default), imagenet, ..."},
        {"variant", ST_TEXT, &a[ST_AXIS_VARIANT], "LIST",
         "dense, pruned, quantized, pruned+quantized"},
        {"scheme", ST_TEXT, &a[ST_AXIS_SCHEME], "LIST",
         "of a pruned variant; default: the file's, or block8 (with integers block8x4)"},
        {"rate", ST_TEXT, &a[ST_AXIS_RATE], "LIST",
         "of a pruned variant; default: the file's, or 8"},
        {"backend", ST_TEXT, &a[ST_AXIS_BACKEND], "LIST", "cpu (the one so far)"},
        {"device", ST_TEXT, &a[ST_AXIS_DEVICE], "LIST",
         "record in experiments/devices that this machine must match; default host"},
        {"threads", ST_TEXT, &a[ST_AXIS_THREADS], "LIST", "default 1; all: every processor"},
        {"batch", ST_TEXT, &a[ST_AXIS_BATCH], "LIST", "pictures an inference; default 1"},
        {"dataset", ST_TEXT, &a[ST_AXIS_DATASET], "LIST", "default: the scale's own"},
        {"weights", ST_TEXT, &a[ST_AXIS_WEIGHTS], "LIST",
         "weight file (safetensors or .cnz), or random; default: the trained ones where there are "
         "some"},
        {"isa", ST_TEXT, &a[ST_AXIS_ISA], "LIST", "highest instruction set: scalar, avx2, ..."},
        {"scalar", ST_FLAG, &o.scalar, NULL, "the same as --isa scalar"},
        {"fuse", ST_FLAG, &o.fuse, NULL, "passes that fuse layers (--no-fuse: none)"},
        {"wisdom", ST_FLAG, &o.wisdom, NULL,
         "what 'condense tune' found (--no-wisdom: the static plan)"},
        {"generate", ST_FLAG, &o.generate, NULL,
         "kernels generated for a layer's zeros, where wisdom says so (--no-generate: none)"},
        {"study", ST_TEXT, &o.study, "FILE", "cells and settings from a study file"},
        {"db", ST_TEXT, &o.db, "FILE", "database; default results/study.db"},
        {"resume", ST_FLAG, &o.resume, NULL, "leave cells that are valid already"},
        {"dry-run", ST_FLAG, &o.dry_run, NULL, "print the plan and a guess of its time"},
        {"json", ST_FLAG, &o.json, NULL, "print JSON instead of a table"},
        {"min-time", ST_REAL, &o.min_time, "S", "sample each cell at least so long; default 1", 0,
         3600},
        {"max-time", ST_REAL, &o.max_time, "S", "give a noisy cell up after so long; default 60",
         0.01, 86400},
        {"images", ST_INT, &o.images, "N", "pictures for accuracy at most; 0, the default: all", 0,
         1e9},
        {"seed", ST_INT, &o.seed, "N", "of order and inputs; default 1", 0, 1e15},
        {"energy", ST_TEXT, &o.energy, "SOURCE", "auto (default), none, rapl, ina3221, nvml"},
        {"rail", ST_TEXT, &o.rail, "NAME", "rail or zone of the energy source"},
        {"require-energy", ST_FLAG, &o.require_energy, NULL, "fail where energy is not measured"},
        {0}};
    const st_usage usage = {
        "run", "condense run [--model LIST] [--scale LIST] [...]", about, options, 0, 0};
    char *command = st_command_line("run", argc, argv);
    int code = st_options_parse(&usage, argc, argv, NULL);
    if (code < 0)
        code = command ? run(&o, command) : st_complain("run", ST_EXIT_FAILED, "out of memory");
    cn_free(command);
    return code;
}
