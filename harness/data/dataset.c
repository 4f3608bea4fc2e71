#include "data/dataset.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "condense/random.h"
#include "data/decode.h"
#include "data/image.h"
#include "data/load.h"

/* The seed of every calibration draw; a set's own draw differs by its name. */
enum { SPLIT_SEED = 1 };

struct st_dataset {
    char *name; /* of the manifest's entry that gave the files */
    st_pictures pictures;
    uint32_t *chosen; /* index into pictures, ascending */
    int32_t count, classes;
    st_prepare prepare;
    char hash[ST_DIGEST_SIZE];
};

const char *st_split_name(st_split split)
{
    static const char *const names[ST_SPLIT_COUNT] = {"train", "calibration", "test"};
    return names[split];
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Picks the pictures of the split: of `total` training pictures, a seeded draw of
 * source->calibration is the calibration split and the rest is for training. */
static cn_status choose(st_dataset *dataset, const st_source *source, st_split split, bool cut,
                        cn_error *error)
{
    uint32_t total = (uint32_t)dataset->pictures.count, drawn = (uint32_t)source->calibration;
    dataset->chosen = cn_calloc(total, sizeof *dataset->chosen);
    if (!dataset->chosen) return cn_fail(error, CN_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < total; i++)
        dataset->chosen[i] = i;
    dataset->count = (int32_t)total;
    if (!cut) return CN_OK;
    if (drawn >= total)
        return cn_fail(error, CN_EFORMAT, "data set '%s': %u pictures are too few to draw %u from",
                       source->name, total, drawn);
    cn_random random = cn_random_named(SPLIT_SEED, source->name);
    cn_random_shuffle(&random, dataset->chosen, total);
    uint32_t first = split == ST_SPLIT_TRAIN ? drawn : 0;
    uint32_t end = split == ST_SPLIT_TRAIN ? total : drawn;
    memmove(dataset->chosen, dataset->chosen + first, (end - first) * sizeof *dataset->chosen);
    qsort(dataset->chosen, end - first, sizeof *dataset->chosen, ascending);
    dataset->count = (int32_t)(end - first);
    return CN_OK;
}

/* Over the digest of the files and the chosen indices as four bytes each, lowest first. */
static void hash_split(st_dataset *dataset, const char *files)
{
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)files, strlen(files));
    for (int32_t i = 0; i < dataset->count; i++) {
        uint32_t at = dataset->chosen[i];
        uint8_t bytes[4] = {(uint8_t)at, (uint8_t)(at >> 8), (uint8_t)(at >> 16),
                            (uint8_t)(at >> 24)};
        SHA256Update(&context, bytes, sizeof bytes);
    }
    SHA256End(&context, dataset->hash);
}

/* Replaces a choice by the first of its data sets that is at hand. */
static cn_status resolve(st_source *source, st_split split, cn_error *error)
{
    if (source->format != ST_FORMAT_CHOICE) return CN_OK;
    const st_source_split *choices = &source->splits[split];
    cn_status status = cn_fail(error, CN_ENOTFOUND, "data set '%s' has no %s split", source->name,
                               st_split_name(split));
    for (int32_t i = 0; i < choices->count; i++) {
        st_source candidate;
        status = st_source_read(&candidate, choices->files[i].name, error);
        if (status) return status;
        char *path = st_source_find(&candidate, candidate.splits[split].files[0].name);
        cn_free(path);
        if (path) {
            st_source_clear(source);
            *source = candidate;
            return CN_OK;
        }
        char advice[512];
        st_source_advice(&candidate, advice, sizeof advice);
        status =
            cn_fail(error, CN_ENOTFOUND, "data set '%s' is not here; %s", source->name, advice);
        st_source_clear(&candidate);
    }
    return status;
}

static cn_status open_source(st_dataset *dataset, st_source *source, st_split split,
                             const cn_preprocess *preprocess, cn_shape input, cn_error *error)
{
    cn_status status = resolve(source, split, error);
    if (status) return status;
    bool cut = split != ST_SPLIT_TEST && source->calibration > 0;
    st_split files = cut ? ST_SPLIT_TRAIN : split;
    if (!source->splits[files].count)
        return cn_fail(error, CN_ENOTFOUND, "data set '%s' has no %s split", source->name,
                       st_split_name(split));
    status = st_prepare_init(&dataset->prepare, preprocess, input, source->prepared > 0, error);
    char digest[ST_DIGEST_SIZE];
    if (!status) status = st_source_load(source, files, &dataset->pictures, digest, error);
    if (!status) status = choose(dataset, source, split, cut, error);
    if (status) return status;
    dataset->classes = source->classes;
    hash_split(dataset, digest);
    dataset->name = cn_strdup(source->name);
    return dataset->name ? CN_OK : cn_fail(error, CN_ENOMEM, "out of memory");
}

cn_status st_dataset_open(st_dataset **out, const char *name, st_split split,
                          const cn_preprocess *preprocess, cn_shape input, cn_error *error)
{
    *out = NULL;
    st_source source;
    cn_status status = st_source_read(&source, name, error);
    if (status) return status;
    st_dataset *dataset = cn_calloc(1, sizeof *dataset);
    status = dataset ? open_source(dataset, &source, split, preprocess, input, error)
                     : cn_fail(error, CN_ENOMEM, "out of memory");
    st_source_clear(&source);
    if (status) {
        st_dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return CN_OK;
}

int32_t st_dataset_count(const st_dataset *dataset)
{
    return dataset->count;
}

int32_t st_dataset_classes(const st_dataset *dataset)
{
    return dataset->classes;
}

const char *st_dataset_name(const st_dataset *dataset)
{
    return dataset->name;
}

const char *st_dataset_hash(const st_dataset *dataset)
{
    return dataset->hash;
}

/* A picture on disk is decoded each time it is asked for. */
static cn_status get_file(const st_dataset *dataset, size_t at, float *image, int32_t *label,
                          cn_error *error)
{
    st_image picture;
    cn_status status = st_image_read(dataset->pictures.files[at], &picture, error);
    if (!status) status = st_prepare_run(&dataset->prepare, &picture, image, error);
    *label = dataset->pictures.labels[at];
    st_image_clear(&picture);
    return status;
}

cn_status st_dataset_get(const st_dataset *dataset, int32_t index, float *image, int32_t *label,
                         cn_error *error)
{
    if (index < 0 || index >= dataset->count)
        return cn_fail(error, CN_EINVAL, "data set '%s': picture %d of %d", dataset->name, index,
                       dataset->count);
    const st_pictures *all = &dataset->pictures;
    size_t at = dataset->chosen[index];
    if (all->files) return get_file(dataset, at, image, label, error);
    size_t bytes = (size_t)all->height * (size_t)all->width * (size_t)all->channels;
    *label = all->labels[at];
    st_image picture = {.width = all->width,
                        .height = all->height,
                        .channels = all->channels,
                        .pixels = all->pixels + at * bytes};
    return st_prepare_run(&dataset->prepare, &picture, image, error);
}

void st_dataset_free(st_dataset *dataset)
{
    if (!dataset) return;
    st_pictures_clear(&dataset->pictures);
    cn_free(dataset->chosen);
    cn_free(dataset->name);
    cn_free(dataset);
}
