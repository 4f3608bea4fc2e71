/* A model: a text in the model language, at one scale (docs/model-language.md). */
#ifndef CONDENSE_MODEL_H
#define CONDENSE_MODEL_H

#include "condense/graph.h"
#include "condense/status.h"

/* How a picture becomes the network's input. It belongs to the model: accuracy depends on it. */
typedef struct cn_preprocess {
    int32_t resize;    /* shorter side becomes this many pixels; 0: no resize */
    bool squash;       /* resize to resize x resize instead, whatever the picture's shape */
    int32_t crop;      /* centre crop to the network's input: its side; 0: no crop */
    bool bgr;          /* channel order blue, green, red */
    float mean[3];     /* in the order of the channels, on the 0..255 scale */
    float std[3];      /* value = (pixel - mean) / std, on the 0..255 scale */
} cn_preprocess;

typedef struct cn_model {
    char *name;        /* "resnet50" */
    char *scale;       /* "imagenet", "fashion", ... */
    char *dataset;     /* the scale's data set, a key of experiments/datasets.json */
    int32_t classes;
    cn_preprocess preprocess;
    cn_graph graph;    /* as written, before any pass */
} cn_model;

/* A parameter given on the command line, overriding the scale's: name and value as in the text. */
typedef struct cn_parameter {
    const char *name;
    double value;
} cn_parameter;

/* Parses the model text at `path` at `scale` (NULL: the first scale of the text). Messages have the
 * form "file:line:column: what is wrong; what to do". */
cn_status cn_model_load(cn_model *model, const char *path, const char *scale,
                        const cn_parameter *parameters, int32_t parameter_count, cn_error *error);

/* The same from memory; `name` stands for the file in messages. */
cn_status cn_model_parse(cn_model *model, const char *text, size_t size, const char *name,
                         const char *scale, const cn_parameter *parameters,
                         int32_t parameter_count, cn_error *error);

/* The scales that a model text offers, as a comma list (free with cn_free). */
cn_status cn_model_scales(const char *path, char **scales, cn_error *error);

/* A canonical text of everything that decides the outputs apart from the weights: graph,
 * attributes, preprocessing. Two models are the same exactly when it is. Free with cn_free. */
cn_status cn_model_canonical(const cn_model *model, char **text, cn_error *error);

void cn_model_clear(cn_model *model);

#endif
