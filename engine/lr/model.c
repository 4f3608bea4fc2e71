#include "condense/model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "condense/memory.h"
#include "lr/build.h"

void cn_model_clear(cn_model *model)
{
    cn_free(model->name);
    cn_free(model->scale);
    cn_free(model->dataset);
    cn_graph_clear(&model->graph);
    *model = (cn_model){0};
}

/* The definition called `name`; NULL where there is none. */
static const cn_definition *find_definition(const cn_definitions *table, const char *name)
{
    for (int32_t i = 0; i < table->count; i++)
        if (!strcmp(table->items[i].name, name)) return &table->items[i];
    return NULL;
}

static int32_t definition_names(const cn_definitions *table, const char *names[])
{
    for (int32_t i = 0; i < table->count; i++)
        names[i] = table->items[i].name;
    return table->count;
}

/* "a, b, c" into `out`, cut where it is full. */
static const char *join(const cn_definitions *table, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (int32_t i = 0; i < table->count && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", table->items[i].name);
    return out;
}

static const cn_definition *find_scale(cn_text *text, const cn_program *program, const char *name)
{
    if (!program->scales.count) {
        cn_text_fail(text, CN_EFORMAT, program->end,
                     "the text has no scale; add one: scale NAME(dataset=\"...\")");
        return NULL;
    }
    if (!name) return &program->scales.items[0];
    const cn_definition *scale = find_definition(&program->scales, name);
    char list[200];
    if (!scale)
        cn_text_fail(text, CN_EINVAL, program->at, "%s has no scale '%s'; there are: %s",
                     program->model, name, join(&program->scales, list, sizeof list));
    return scale;
}

/* Every value that a scale or the caller sets must be a parameter. */
static bool check_settings(cn_text *text, const cn_program *program, const cn_definition *scale,
                           const cn_parameter *parameters, int32_t parameter_count)
{
    const char *names[CN_TEXT_MAX_ITEMS];
    char buffer[192], list[200], there_are[216];
    int32_t count = definition_names(&program->parameters, names);
    join(&program->parameters, list, sizeof list);
    snprintf(there_are, sizeof there_are, "there are: %s", list);
    for (int32_t i = 0; i < scale->argument_count; i++) {
        const cn_argument *a = &scale->arguments[i];
        if (!a->name)
            return cn_text_fail(text, CN_EFORMAT, a->at, "a scale's values have names: NAME=VALUE");
        if (strcmp(a->name, "dataset") != 0 && !find_definition(&program->parameters, a->name))
            return cn_text_fail(text, CN_EFORMAT, a->at, "there is no parameter '%s'; %s", a->name,
                                cn_suggest(a->name, names, count, there_are, buffer));
    }
    for (int32_t i = 0; i < parameter_count; i++)
        if (!find_definition(&program->parameters, parameters[i].name))
            return cn_text_fail(text, CN_EINVAL, program->at,
                                "%s has no parameter '%s'; there are: %s", program->model,
                                parameters[i].name, list);
    return true;
}

static const cn_argument *find_setting(const cn_definition *scale, const char *name)
{
    for (int32_t i = 0; i < scale->argument_count; i++)
        if (scale->arguments[i].name && !strcmp(scale->arguments[i].name, name))
            return &scale->arguments[i];
    return NULL;
}

/* A parameter's value: the caller's, else the scale's, else its default, of the default's kind. */
static bool set_parameter(cn_builder *builder, const cn_scope *scope, const cn_definition *d,
                          const cn_argument *setting, const cn_parameter *given)
{
    cn_value value, chosen;
    if (!cn_value_of(builder, scope, d->arguments[0].value, &value)) return false;
    if (setting) {
        if (!cn_value_as(builder, scope, setting->value, value.kind, &chosen)) return false;
        value = chosen;
    }
    if (given) {
        if (value.kind != CN_VALUE_NUMBER && value.kind != CN_VALUE_BOOL)
            return cn_text_fail(builder->text, CN_EINVAL, d->at,
                                "'%s' is %s and cannot be given as a number", d->name,
                                cn_value_kind_name(value.kind));
        if (value.kind == CN_VALUE_BOOL && given->value != 0 && given->value != 1)
            return cn_text_fail(builder->text, CN_EINVAL, d->at,
                                "'%s' is true or false; give 1 or 0, not %g", d->name,
                                given->value);
        value.number = given->value;
    }
    return cn_frame_set(builder, &builder->globals, d->name, value, d->at);
}

static bool set_parameters(cn_builder *builder, const cn_scope *scope, const cn_definition *scale,
                           const cn_parameter *parameters, int32_t parameter_count)
{
    const cn_definitions *table = &builder->program->parameters;
    for (int32_t i = 0; i < table->count; i++) {
        const cn_definition *d = &table->items[i];
        const cn_parameter *given = NULL;
        for (int32_t k = 0; k < parameter_count; k++)
            if (!strcmp(parameters[k].name, d->name)) given = &parameters[k];
        if (!set_parameter(builder, scope, d, find_setting(scale, d->name), given)) return false;
    }
    return true;
}

static bool set_preprocess(cn_builder *builder, const cn_scope *scope, const char *scale,
                           cn_preprocess *preprocess)
{
    const cn_definitions *table = &builder->program->preprocess;
    for (int32_t i = 0; i < table->count; i++)
        if (table->items[i].name[0] &&
            !find_definition(&builder->program->scales, table->items[i].name))
            return cn_text_fail(builder->text, CN_EFORMAT, table->items[i].at,
                                "there is no scale '%s'", table->items[i].name);
    const cn_definition *own = find_definition(table, scale);
    if (!own) own = find_definition(table, "");
    *preprocess = (cn_preprocess){.std = {1, 1, 1}};
    return !own || cn_preprocess_set(builder, scope, own, preprocess);
}

/* Every layer but the last must be read by one after it. */
static bool check_use(cn_builder *builder)
{
    const cn_graph *graph = builder->graph;
    cn_place end = builder->program->end;
    if (graph->count < 2)
        return cn_text_fail(builder->text, CN_EFORMAT, end,
                            "the network has no layer after its input");
    bool *used = cn_text_alloc(builder->text, (size_t)graph->count, sizeof *used, end);
    if (!used) return false;
    for (int32_t i = 0; i < graph->count; i++)
        for (int32_t k = 0; k < graph->layers[i].input_count; k++)
            used[graph->layers[i].inputs[k]] = true;
    for (int32_t i = 0; i + 1 < graph->count; i++)
        if (!used[i])
            return cn_text_fail(builder->text, CN_EFORMAT,
                                (cn_place){graph->layers[i].line, graph->layers[i].column},
                                "nothing reads layer '%s'; read it with 'from' or remove it",
                                graph->layers[i].name);
    return true;
}

static bool fill_names(cn_builder *builder, const cn_scope *scope, const cn_definition *scale,
                       cn_model *model)
{
    const cn_argument *dataset = find_setting(scale, "dataset");
    cn_value value;
    if (!dataset)
        return cn_text_fail(builder->text, CN_EFORMAT, scale->at,
                            "scale %s names no data set; add dataset=\"...\"", scale->name);
    if (!cn_value_as(builder, scope, dataset->value, CN_VALUE_STRING, &value)) return false;
    model->name = cn_strdup(builder->program->model);
    model->scale = cn_strdup(scale->name);
    model->dataset = cn_strdup(value.text);
    if (model->name && model->scale && model->dataset) return true;
    return cn_text_fail(builder->text, CN_ENOMEM, scale->at, "out of memory");
}

static bool build_model(cn_text *text, const cn_program *program, const char *scale_name,
                        const cn_parameter *parameters, int32_t parameter_count, cn_model *model)
{
    const cn_definition *scale = find_scale(text, program, scale_name);
    if (!scale || !check_settings(text, program, scale, parameters, parameter_count)) return false;
    cn_builder builder = {.text = text, .program = program, .graph = &model->graph};
    cn_naming naming = {.prefix = ""};
    cn_scope scope = {.frame = &builder.globals, .naming = &naming, .cursor = -1};
    builder.globals.outermost = &naming;
    if (!set_parameters(&builder, &scope, scale, parameters, parameter_count) ||
        !fill_names(&builder, &scope, scale, model) ||
        !set_preprocess(&builder, &scope, scale->name, &model->preprocess) ||
        !cn_build_statements(&builder, &scope, &program->body) || !check_use(&builder))
        return false;
    model->classes = model->graph.layers[model->graph.count - 1].shape.c;
    return true;
}

cn_status cn_model_parse(cn_model *model, const char *text, size_t size, const char *name,
                         const char *scale, const cn_parameter *parameters, int32_t parameter_count,
                         cn_error *error)
{
    *model = (cn_model){0};
    cn_text source = {.name = name, .bytes = text, .size = size, .error = error};
    cn_program *program = cn_text_alloc(&source, 1, sizeof *program, (cn_place){1, 1});
    if (!program || !cn_parse_program(&source, program) ||
        !build_model(&source, program, scale, parameters, parameter_count, model))
        cn_model_clear(model);
    cn_text_clear(&source);
    return source.status;
}

/* The whole file; free *bytes with cn_free. */
static cn_status read_text(const char *path, char **bytes, size_t *size, cn_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return cn_fail(error, errno == ENOENT ? CN_ENOTFOUND : CN_EIO,
                       "%s: %s; give the path of a model text", path, strerror(errno));
    *bytes = cn_calloc(CN_TEXT_MAX_BYTES + 1, 1);
    *size = *bytes ? fread(*bytes, 1, CN_TEXT_MAX_BYTES + 1, file) : 0;
    bool failed = ferror(file) != 0;
    fclose(file);
    if (!*bytes) return cn_fail(error, CN_ENOMEM, "%s: out of memory", path);
    if (!failed) return CN_OK;
    cn_free(*bytes);
    return cn_fail(error, CN_EIO, "%s: cannot be read; is it a file?", path);
}

cn_status cn_model_load(cn_model *model, const char *path, const char *scale,
                        const cn_parameter *parameters, int32_t parameter_count, cn_error *error)
{
    char *bytes;
    size_t size;
    *model = (cn_model){0};
    cn_status status = read_text(path, &bytes, &size, error);
    if (status) return status;
    status = cn_model_parse(model, bytes, size, path, scale, parameters, parameter_count, error);
    cn_free(bytes);
    return status;
}

cn_status cn_model_scales(const char *path, char **scales, cn_error *error)
{
    char *bytes;
    size_t size;
    *scales = NULL;
    cn_status status = read_text(path, &bytes, &size, error);
    if (status) return status;
    cn_text source = {.name = path, .bytes = bytes, .size = size, .error = error};
    cn_program *program = cn_text_alloc(&source, 1, sizeof *program, (cn_place){1, 1});
    if (program && cn_parse_program(&source, program)) {
        char list[4096];
        *scales = cn_strdup(join(&program->scales, list, sizeof list));
        if (!*scales) cn_text_fail(&source, CN_ENOMEM, program->end, "out of memory");
        for (char *comma = *scales; comma && (comma = strstr(comma, ", "));)
            memmove(comma + 1, comma + 2, strlen(comma + 1));
    }
    cn_text_clear(&source);
    cn_free(bytes);
    return source.status;
}
