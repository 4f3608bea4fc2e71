#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/home.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "condense/model.h"
#include "condense/train.h"
#include "condense/weights.h"
#include "data/catalog.h"
#include "data/examples.h"
#include "data/recipe.h"
#include "data/train_log.h"

static const char about[] =
    "Trains a network of the catalogue on its data set and writes the weights, with a log beside\n"
    "them. The recipe (epochs, learning rate, augmentation and so on) is data, in\n"
    "experiments/recipes.json; options given here override it. One seed and one number of threads\n"
    "give the same weights bit for bit on one kind of processor. The test set is looked at after\n"
    "each epoch for the log and decides nothing: what is kept is the last epoch.\n\n"
    "A checkpoint is written after every epoch and on Ctrl-C; --resume goes on from it.\n\n"
    "  condense train --model lenet5 --scale fashion\n"
    "  condense train --model resnet18 --scale fashion --epochs 20 --resume";

typedef struct train_run {
    const char *model_name, *scale, *recipe_name, *dataset, *weights_path, *output, *log_path,
        *checkpoint;
    int64_t threads;
    bool resume;
    st_recipe recipe;
    cn_fit_options fit;
    cn_model model;
    cn_weights initial;
    cn_examples train, test;
    char train_hash[65], test_hash[65];
    char *command, *recipe_text, *owned[4]; /* made-up paths and numbers */
    cn_trainer *trainer;
    st_train_log log;
    st_progress progress;
    cn_status log_status;
    cn_error error;
} train_run;

/* The command as it was given, in one line, but for --resume, which changes no result. */
static char *join_words(int argc, char **argv)
{
    char *text = cn_strdup("condense");
    for (int i = 0; i < argc && text; i++) {
        if (!strcmp(argv[i], "--resume")) continue;
        char *longer = cn_sprintf("%s %s", text, argv[i]);
        cn_free(text);
        text = longer;
    }
    return text;
}

static int parse(train_run *r, int argc, char **argv)
{
    const st_option own[] = {
        {"model", ST_TEXT, &r->model_name, "NAME", "network ('condense models' lists them)", 0, 0},
        {"scale", ST_TEXT, &r->scale, "NAME", "preset of the network's sizes: fashion", 0, 0},
        {"recipe", ST_TEXT, &r->recipe_name, "NAME", "another recipe of the file", 0, 0},
        {"weights", ST_TEXT, &r->weights_path, "FILE", "start from these instead of random ones", 0,
         0},
        {"dataset", ST_TEXT, &r->dataset, "NAME", "instead of the scale's own", 0, 0},
        {"output", ST_TEXT, &r->output, "FILE",
         "weights; experiments/weights/MODEL-SCALE.safetensors", 0, 0},
        {"log", ST_TEXT, &r->log_path, "FILE", "CSV log; the output's name with .csv", 0, 0},
        {"checkpoint", ST_TEXT, &r->checkpoint, "FILE", "the output's name with .checkpoint.tmp", 0,
         0},
        {"resume", ST_FLAG, &r->resume, NULL, "go on from the checkpoint, if there is one", 0, 0},
        {"threads", ST_INT, &r->threads, "N", "processors to use; 1", 1, 1024},
    };
    enum { OWN = sizeof own / sizeof *own };
    st_option options[OWN + ST_RECIPE_TRAIN_FIELDS + 1];
    memcpy(options, own, sizeof own);
    st_recipe_options(&r->recipe, options + OWN, ST_RECIPE_TRAIN_FIELDS);
    options[OWN + ST_RECIPE_TRAIN_FIELDS] = (st_option){0};
    const st_usage usage = {
        "train", "condense train --model NAME [--scale fashion] [OPTIONS]", about, options, 0, 0};
    return st_options_parse(&usage, argc, argv, NULL);
}

/* The output's name with its ending replaced. */
static char *beside(const char *output, const char *ending)
{
    const char *dot = strrchr(output, '.'), *slash = strrchr(output, '/');
    int length = (int)(dot && dot > slash ? (size_t)(dot - output) : strlen(output));
    return cn_sprintf("%.*s%s", length, output, ending);
}

static cn_status name_files(train_run *r)
{
    if (!r->output) {
        char *name =
            cn_sprintf("experiments/weights/%s-%s.safetensors", r->model.name, r->model.scale);
        r->output = r->owned[0] = name ? st_home_path(name) : NULL;
        cn_free(name);
    }
    if (r->output && !r->log_path) r->log_path = r->owned[1] = beside(r->output, ".csv");
    if (r->output && !r->checkpoint)
        r->checkpoint = r->owned[2] = beside(r->output, ".checkpoint.tmp");
    if (!r->output || !r->log_path || !r->checkpoint)
        return cn_fail(&r->error, CN_ENOMEM, "out of memory");
    return CN_OK;
}

static cn_status load(train_run *r)
{
    cn_error *error = &r->error;
    cn_status status = name_files(r);
    const char *dataset = r->dataset ? r->dataset : r->model.dataset;
    if (status == CN_OK && r->weights_path)
        status = cn_weights_read(r->weights_path, &r->initial, NULL, error);
    else if (status == CN_OK)
        status = cn_weights_random(&r->initial, &r->model.graph, (uint64_t)r->recipe.seed, error);
    if (status == CN_OK)
        status =
            st_examples_load(&r->model, dataset, ST_SPLIT_TRAIN, &r->train, r->train_hash, error);
    if (status == CN_OK)
        status = st_examples_load(&r->model, dataset, ST_SPLIT_TEST, &r->test, r->test_hash, error);
    if (status == CN_OK)
        status = cn_trainer_new(&r->trainer, &r->model.graph, &r->initial, (int32_t)r->recipe.batch,
                                (uint64_t)r->recipe.seed, error);
    return status;
}

static cn_status start_log(train_run *r)
{
    r->log.path = r->log_path;
    r->recipe_text = st_recipe_text(&r->recipe, ST_RECIPE_TRAIN_FIELDS);
    r->owned[3] = cn_sprintf("%" PRId64, r->threads);
    if (!r->recipe_text || !r->owned[3]) return cn_fail(&r->error, CN_ENOMEM, "out of memory");
    st_train_log_head(&r->log, "model", r->model.name);
    st_train_log_head(&r->log, "scale", r->model.scale);
    st_train_log_head(&r->log, "dataset", r->dataset ? r->dataset : r->model.dataset);
    st_train_log_head(&r->log, "train set SHA-256", r->train_hash);
    st_train_log_head(&r->log, "test set SHA-256", r->test_hash);
    st_train_log_head(&r->log, "recipe", r->recipe_text);
    st_train_log_head(&r->log, "threads", r->owned[3]);
    st_train_log_head(&r->log, "command", r->command);
    cn_status status = r->resume ? st_train_log_read(&r->log, &r->error) : CN_OK;
    return status == CN_OK ? st_train_log_write(&r->log, &r->error) : status;
}

static void on_epoch(void *context, const cn_epoch *epoch)
{
    train_run *r = context;
    st_progress_end(&r->progress);
    fprintf(stderr, "epoch %d of %" PRId64 ": loss %.4f, train %.2f %%, test %.2f %%, %.0f s\n",
            epoch->epoch, r->recipe.epochs, epoch->loss, 100 * epoch->train_accuracy,
            100 * epoch->test_accuracy, epoch->seconds);
    if (r->log_status == CN_OK) r->log_status = st_train_log_add(&r->log, epoch, &r->error);
}

static void on_step(void *context, int64_t step, int64_t total, double loss)
{
    train_run *r = context;
    char detail[64];
    snprintf(detail, sizeof detail, "loss %.3f", loss);
    st_progress_update(&r->progress, (double)step, (double)total, detail);
}

static cn_status fit(train_run *r)
{
    r->fit.checkpoint = r->checkpoint;
    r->fit.resume = r->resume;
    r->fit.stop = &st_interrupted;
    r->fit.on_epoch = on_epoch;
    r->fit.on_step = on_step;
    r->fit.context = r;
    r->progress = st_progress_start("training");
    cn_status status = cn_fit(r->trainer, &r->train, &r->test, &r->fit, &r->error);
    st_progress_end(&r->progress);
    return status == CN_OK ? r->log_status : status;
}

/* What the weight file says about itself: everything that decided it, no times. */
static char *metadata(const train_run *r, double accuracy)
{
    char text[32];
    snprintf(text, sizeof text, "%.4f", accuracy);
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; object && i < r->log.head_count; i++)
        cJSON_AddStringToObject(object, r->log.keys[i], r->log.values[i]);
    if (object) cJSON_AddStringToObject(object, "test accuracy", text);
    char *json = object ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    return json;
}

static cn_status finish(train_run *r)
{
    double loss, accuracy;
    cn_status status = cn_evaluate(r->trainer, &r->test, &loss, &accuracy, &r->error);
    if (status != CN_OK) return status;
    char *json = metadata(r, accuracy);
    if (!json) return cn_fail(&r->error, CN_ENOMEM, "out of memory");
    status = cn_safetensors_write(r->output, cn_trainer_weights(r->trainer), json, &r->error);
    cJSON_free(json);
    if (status != CN_OK) return status;
    remove(r->checkpoint);
    printf("model,scale,test_accuracy,test_images,seconds,weights\n%s,%s,%.4f,%d,%.1f,%s\n",
           r->model.name, r->model.scale, accuracy, r->test.count, st_train_log_seconds(&r->log),
           r->output);
    return CN_OK;
}

static void clear(train_run *r)
{
    cn_trainer_free(r->trainer);
    st_train_log_clear(&r->log);
    st_examples_clear(&r->train);
    st_examples_clear(&r->test);
    cn_weights_clear(&r->initial);
    cn_model_clear(&r->model);
    cn_free(r->command);
    cn_free(r->recipe_text);
    for (size_t i = 0; i < sizeof r->owned / sizeof *r->owned; i++)
        cn_free(r->owned[i]);
}

int st_command_train(int argc, char **argv)
{
    train_run r = {.scale = "fashion", .threads = 1};
    r.command = join_words(argc, argv);
    int exit_status = parse(&r, argc, argv);
    if (exit_status < 0 && !r.model_name)
        exit_status = st_complain("train", ST_EXIT_USAGE,
                                  "--model is missing; 'condense models' "
                                  "lists what there is");
    if (exit_status >= 0) {
        clear(&r);
        return exit_status;
    }
    cn_status status = st_catalog_load(r.model_name, r.scale, NULL, 0, &r.model, &r.error);
    if (status == CN_OK)
        status =
            st_recipe_load(r.model.name, r.model.scale, false, r.recipe_name, &r.recipe, &r.error);
    if (status == CN_OK) parse(&r, argc, argv); /* again: the command line overrides the recipe */
    if (status == CN_OK) status = st_recipe_fit(&r.recipe, false, &r.fit, &r.error);
    /* Ctrl-C ends the step under way; a second one ends the program. */
    st_interrupt_watch();
    cn_train_threads((int)r.threads);
    if (status == CN_OK) status = load(&r);
    if (status == CN_OK) status = start_log(&r);
    if (status == CN_OK) status = fit(&r);
    if (status == CN_OK) status = finish(&r);
    if (status != CN_OK) st_complain("train", ST_EXIT_FAILED, "%s", r.error.message);
    clear(&r);
    return st_exit_status(status);
}
