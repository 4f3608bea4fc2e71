/* Compressions into the database (schema_compression.sql). */
#ifndef HARNESS_STORE_RECORD_COMPRESSION_H
#define HARNESS_STORE_RECORD_COMPRESSION_H

#include "condense/compress.h"
#include "store/record.h"

/* What is known before a rate is worked on. */
typedef struct st_compression_facts {
    const char *hash, *config, *model, *scale, *dataset, *start, *start_digest;
    const cn_graph *graph;
    const cn_compression *compression;
    const cn_compression_request *request;
    cn_method method;
    int64_t threads, images;
    double top1_dense;
} st_compression_facts;

/* What came of it. */
typedef struct st_compression_result {
    double seconds; /* since the last step was recorded; once this is, too: of all of it */
    double top1;
    int64_t weights, kept, dense_bytes, csr_bytes, compact_bytes, value_bytes, file_bytes;
    const int64_t *layer_kept; /* of each target */
    const char *output, *output_digest;
} st_compression_result;

/* The row that an interrupted call with this hash left, else a new one, in one transaction. */
cn_status st_record_compression(st_recorder *recorder, const st_compression_facts *facts,
                                int64_t *row, cn_error *error);

/* One iteration or epoch, in one transaction; one that is there already is replaced. `images`: how
 * many pictures its accuracies are of; `seconds`: of work since the last one was recorded. */
cn_status st_record_compression_step(st_recorder *recorder, int64_t row, int32_t targets,
                                     int64_t images, double seconds, const cn_compress_step *step,
                                     cn_error *error);

cn_status st_record_compression_result(st_recorder *recorder, int64_t row, int32_t targets,
                                       st_compression_result *result, cn_error *error);

/* Whether a finished compression with this hash is there; then the digest of its result. */
cn_status st_compression_recorded(const st_store *store, const char *hash, bool *done,
                                  char output_digest[65], cn_error *error);

#endif
