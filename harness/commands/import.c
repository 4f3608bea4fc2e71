/* condense import: trained weights of other projects become ours. */
#include <stdio.h>

#include "cli/options.h"
#include "commands/commands.h"
#include "condense/memory.h"
#include "data/import.h"

int st_command_import(int argc, char **argv)
{
    st_import_job job = {.scale = "imagenet"};
    const st_option options[] = {
        {"weights", ST_TEXT, &job.weights, "FILE", "the foreign weights, a weight file"},
        {"map", ST_TEXT, &job.map, "MAP",
         "rules from foreign names to ours, one of experiments/maps or your own"},
        {"model", ST_TEXT, &job.model, "M", "the model they are for"},
        {"scale", ST_TEXT, &job.scale, "S", "its scale (default: imagenet)"},
        {"output", ST_TEXT, &job.output, "F",
         "the file to write (default: weights/MODEL-SCALE.safetensors in the data folder, where "
         "every command finds it)"},
        {0}};
    const st_usage usage = {
        "import",
        "condense import --weights FILE --map MAP --model M [--scale S] [--output F]",
        "Turns trained weights of another project into ours: names, layouts, folded batch norm and "
        "background classes follow a map, which is data (docs/formats.md tells how to write one). "
        "Nothing is guessed: a tensor that no rule uses or a layer that no rule fills is an error. "
        "Prints the file it wrote. Example:\n\n"
        "  condense import --model resnet18 --weights resnet18.safetensors \\\n"
        "      --map experiments/maps/torchvision-resnet.json",
        options,
        0,
        0};
    int status = st_options_parse(&usage, argc, argv, NULL);
    if (status >= 0) return status;
    if (!job.weights || !job.model || !job.map)
        return st_complain("import", ST_EXIT_USAGE, "--weights, --map and --model are needed");
    char *written;
    cn_error error;
    cn_status result = st_import_file(&job, &written, &error);
    if (result) return st_complain("import", st_exit_status(result), "%s", error.message);
    puts(written);
    cn_free(written);
    return ST_EXIT_OK;
}
