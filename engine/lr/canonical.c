/* The canonical text: the network written out in the model language itself, one layer a line, every
 * attribute given, padding in numbers. Parsing it gives the same text again.
 *
 *     model any
 *     scale any(dataset="any")
 *     preprocess(resize=256, squash=false, crop=224, order="rgb", mean=[...], std=[...])
 *     "conv1": conv(out=64, kernel=[7, 7], stride=[2, 2], pad=[3, 3, 3, 3], ...) from "input"
 */
#include <stdio.h>

#include "condense/memory.h"
#include "lr/attributes.h"

static void write_wholes(FILE *out, const int32_t *values, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        fprintf(out, "%s%d", i ? ", " : "[", values[i]);
    fputc(']', out);
}

static void write_value(FILE *out, const cn_attribute *row, const void *source)
{
    const void *field = (const char *)source + row->offset;
    const float *real = field;
    switch (row->kind) {
    case CN_ATTRIBUTE_WHOLE:
        fprintf(out, "%d", *(const int32_t *)field);
        break;
    case CN_ATTRIBUTE_PAIR:
        write_wholes(out, field, 2);
        break;
    case CN_ATTRIBUTE_PADDING:
        write_wholes(out, field, 4);
        break;
    case CN_ATTRIBUTE_REAL:
        fprintf(out, "%.9g", (double)*real);
        break;
    case CN_ATTRIBUTE_TRIPLE:
        fprintf(out, "[%.9g, %.9g, %.9g]", (double)real[0], (double)real[1], (double)real[2]);
        break;
    case CN_ATTRIBUTE_BOOL:
        fputs(*(const bool *)field ? "true" : "false", out);
        break;
    case CN_ATTRIBUTE_ORDER:
        fputs(*(const bool *)field ? "\"bgr\"" : "\"rgb\"", out);
        break;
    case CN_ATTRIBUTE_RESIZE:
        fputs(*(const cn_resize *)field == CN_RESIZE_NEAREST ? "\"nearest\"" : "\"bilinear\"", out);
        break;
    }
}

static void write_attributes(FILE *out, cn_attributes table, const void *source)
{
    fputc('(', out);
    for (int32_t i = 0; i < table.count; i++) {
        fprintf(out, "%s%s=", i ? ", " : "", table.rows[i].name);
        write_value(out, &table.rows[i], source);
    }
    fputc(')', out);
}

static void write_layer(FILE *out, const cn_graph *graph, const cn_layer *layer)
{
    fprintf(out, "\"%s\": %s", layer->name, cn_op_name(layer->op));
    write_attributes(out, cn_operator_attributes(layer->op), layer);
    for (int32_t i = 0; i < layer->input_count; i++)
        fprintf(out, "%s\"%s\"", i ? ", " : " from ", graph->layers[layer->inputs[i]].name);
    fputc('\n', out);
}

cn_status cn_model_canonical(const cn_model *model, char **text, cn_error *error)
{
    size_t size;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    if (!out) return cn_fail(error, CN_ENOMEM, "out of memory");
    fputs("model any\nscale any(dataset=\"any\")\npreprocess", out);
    write_attributes(out, cn_preprocess_attributes(), &model->preprocess);
    fputc('\n', out);
    for (int32_t i = 0; i < model->graph.count; i++)
        write_layer(out, &model->graph, &model->graph.layers[i]);
    if (fclose(out) == 0) return CN_OK;
    cn_free(*text);
    *text = NULL;
    return cn_fail(error, CN_ENOMEM, "out of memory");
}
