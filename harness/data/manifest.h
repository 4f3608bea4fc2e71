/* experiments/datasets.json: what each data set is and where it is found (docs/datasets.md). */
#ifndef HARNESS_DATA_MANIFEST_H
#define HARNESS_DATA_MANIFEST_H

#include <stdint.h>

#include "condense/status.h"
#include "data/dataset.h"

struct cJSON;

typedef enum st_format {
    ST_FORMAT_IDX,
    ST_FORMAT_CIFAR,
    ST_FORMAT_FOLDER,
    ST_FORMAT_CHOICE
} st_format;

/* One file. `bytes` and `sha256` are of its contents, gunzipped where the name ends in .gz; of the
 * archive itself for an archive. */
typedef struct st_source_file {
    const char *name;
    int64_t bytes;      /* 0: not known */
    const char *sha256; /* NULL: not known */
    const char *url;    /* NULL: cannot be fetched alone */
} st_source_file;

enum { ST_SPLIT_FILES_MAX = 16 };

/* The files of one split, or for ST_FORMAT_CHOICE the names of data sets, best first. */
typedef struct st_source_split {
    st_source_file files[ST_SPLIT_FILES_MAX];
    int32_t count;
} st_source_split;

/* A data set as the manifest tells it. All texts belong to `json`. */
typedef struct st_source {
    struct cJSON *json; /* the whole manifest */
    const char *name, *about, *homepage, *licence;
    const char *package; /* the Debian package that brings it, or NULL */
    st_format format;
    int32_t classes;
    int32_t calibration; /* pictures cut from the training files for calibration; 0: none */
    int32_t prepared;    /* pictures are squares of this side already; 0: as photographed */
    const char *folders[ST_SPLIT_FILES_MAX]; /* best first; relative to the data folders */
    int32_t folder_count;
    st_source_split splits[ST_SPLIT_COUNT]; /* as the files divide it: calibration may be empty */
    st_source_file archive;                 /* name NULL: no archive */
    const char *archive_into;               /* folder that the archive is unpacked in */
} st_source;

/* Reads the entry `name`. An unknown name is CN_EINVAL and the message lists the known ones. */
cn_status st_source_read(st_source *source, const char *name, cn_error *error);
void st_source_clear(st_source *source);

/* The names in the manifest, in its order: an array that ends with NULL, to be freed with cn_free
 * together with its texts (one block). */
cn_status st_source_names(char ***names, cn_error *error);

/* Finds `file` of `source` in its folders, under its own name or without ".gz": a path for cn_free,
 * NULL where it is nowhere. */
char *st_source_find(const st_source *source, const char *file);

/* What to do where the set's files are missing, into `text`. */
void st_source_advice(const st_source *source, char *text, size_t size);

#endif
