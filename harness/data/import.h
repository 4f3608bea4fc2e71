/* Weights of other projects, brought into our names and layouts by a map (docs/formats.md). */
#ifndef HARNESS_DATA_IMPORT_H
#define HARNESS_DATA_IMPORT_H

#include "condense/model.h"
#include "condense/weights.h"

/* Makes `weights` for `model` from `source` by the rules of the map at `path`. Every tensor of the
 * source is used or listed as ignored, every tensor of the model is filled exactly once: otherwise
 * CN_EFORMAT, and the message names the tensor. */
cn_status st_import(const cn_model *model, const cn_weights *source, const char *path,
                    cn_weights *weights, cn_error *error);

/* A file to import: all paths but `output` are needed; NULL for that is
 * weights/MODEL-SCALE.safetensors in the first data folder that can be written. */
typedef struct st_import_job {
    const char *weights, *map, *model, *scale, *output;
} st_import_job;

/* Reads, imports and writes; *written is the new file's path, for cn_free. */
cn_status st_import_file(const st_import_job *job, char **written, cn_error *error);

#endif
