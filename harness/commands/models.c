/* condense models: the catalogue. */
#include <inttypes.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "data/catalog.h"

static int fail(const cn_error *error)
{
    return st_complain("models", st_exit_status(error->code), "%s", error->message);
}

static void print_row(const cn_model *model, const char *scales)
{
    cn_shape in = model->graph.layers[0].shape;
    char shape[48];
    snprintf(shape, sizeof shape, "%dx%dx%d", in.c, in.h, in.w);
    printf("%-16s %-10s %-11s %7d %12" PRId64 " %14" PRId64 "  %s\n", model->name, model->scale,
           shape, model->classes, cn_graph_parameters(&model->graph), cn_graph_macs(&model->graph),
           scales);
}

static void append_row(cJSON *rows, const cn_model *model, const char *scales)
{
    cn_shape in = model->graph.layers[0].shape;
    int sides[] = {in.c, in.h, in.w};
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "model", model->name);
    cJSON_AddStringToObject(row, "scale", model->scale);
    cJSON_AddStringToObject(row, "scales", scales);
    cJSON_AddStringToObject(row, "dataset", model->dataset);
    cJSON_AddItemToObject(row, "input", cJSON_CreateIntArray(sides, 3));
    cJSON_AddNumberToObject(row, "classes", model->classes);
    cJSON_AddNumberToObject(row, "layers", model->graph.count);
    cJSON_AddNumberToObject(row, "parameters", (double)cn_graph_parameters(&model->graph));
    cJSON_AddNumberToObject(row, "macs", (double)cn_graph_macs(&model->graph));
    cJSON_AddItemToArray(rows, row);
}

/* One model at `scale`, or at its first where it has none of that name. */
static cn_status show_model(const char *name, const char *scale, cJSON *rows, cn_error *error)
{
    char *scales;
    cn_model model;
    cn_status status = st_catalog_scales(name, &scales, error);
    if (status) return status;
    status = st_catalog_load(name, scale, NULL, 0, &model, error);
    if (status == CN_EINVAL) status = st_catalog_load(name, NULL, NULL, 0, &model, error);
    if (!status && rows) append_row(rows, &model, scales);
    if (!status && !rows) print_row(&model, scales);
    cn_model_clear(&model);
    cn_free(scales);
    return status;
}

int st_command_models(int argc, char **argv)
{
    const char *scale = "imagenet";
    bool json = false;
    const st_option options[] = {
        {"scale", ST_TEXT, &scale, "S", "the scale to count at, where a model has it (imagenet)"},
        {"json", ST_FLAG, &json, NULL, "print an array of objects"},
        {0}};
    const st_usage usage = {
        "models",
        "condense models [--scale S] [--json]",
        "Lists the networks of the study with their input, parameters and multiply-accumulates "
        "per\n"
        "picture. A model without the asked scale is counted at its first one.\n"
        "Examples: condense models --scale fashion; condense show resnet50",
        options,
        0,
        0};
    int exit_status = st_options_parse(&usage, argc, argv, NULL);
    if (exit_status >= 0) return exit_status;

    cJSON *rows = json ? cJSON_CreateArray() : NULL;
    cn_error error = {0};
    if (!rows)
        printf("%-16s %-10s %-11s %7s %12s %14s  %s\n", "model", "scale", "input", "classes",
               "parameters", "macs", "scales");
    for (int i = 0; st_catalog_models[i]; i++)
        if (show_model(st_catalog_models[i], scale, rows, &error)) {
            cJSON_Delete(rows);
            return fail(&error);
        }
    if (!rows) return ST_EXIT_OK;
    char *text = cJSON_Print(rows);
    if (text) puts(text);
    cJSON_free(text);
    cJSON_Delete(rows);
    return text ? ST_EXIT_OK : st_complain("models", ST_EXIT_FAILED, "out of memory");
}
