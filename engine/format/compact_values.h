/* How the compact container stores a tensor's values: as float32, or, where there are few different
 * ones, as codes of up to eight bits. Always exact, to the bit. */
#ifndef ENGINE_FORMAT_COMPACT_VALUES_H
#define ENGINE_FORMAT_COMPACT_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/status.h"
#include "format/compact_bits.h"

/* The values of a tensor in the order of its rows; row r has those from begin[r] to begin[r + 1].
 */
typedef struct cn_values {
    float *data;
    int64_t rows, *begin;
} cn_values;

typedef enum cn_value_code {
    CN_VALUE_FLOAT,
    CN_VALUE_CODEBOOK, /* a list of the values and numbers of it */
    CN_VALUE_LEVELS,   /* whole numbers times a scale */
    CN_VALUE_POWERS,   /* a base times powers of two */
    CN_VALUE_CODES
} cn_value_code;

/* Which levels have codes: all, all but 0, or each second from the lowest on. */
typedef enum cn_steps { CN_STEPS_ALL, CN_STEPS_NO_ZERO, CN_STEPS_SECOND, CN_STEPS } cn_steps;

/* The different values of a part, as bits, in rising order. */
typedef struct cn_palette {
    uint32_t bits[256];
    int32_t count;
} cn_palette;

/* A code fitted to values. Its parts are the whole tensor or each row, and have a codebook, scale
 * or base of their own. */
typedef struct cn_coding {
    cn_value_code code;
    bool per_row;
    const cn_palette *palettes; /* of the parts; not owned */
    double *scales;             /* of the parts */
    int32_t first;              /* levels: the lowest */
    int width;                  /* levels, powers: bits of a code */
    cn_steps steps;             /* levels: those that have codes */
    bool wide;                  /* levels: scales are doubles, not floats */
    bool signs;                 /* powers: codes have a sign */
} cn_coding;

int64_t cn_values_parts(const cn_values *values, bool per_row);

/* The palettes of the values' parts, for cn_free; *palettes stays NULL where a part has more than
 * 256 different values. */
cn_status cn_palettes_make(const cn_values *values, bool per_row, cn_palette **palettes);

/* Fits a code other than CN_VALUE_FLOAT to the values that have these palettes; *fits tells whether
 * it can be. */
cn_status cn_coding_fit(cn_coding *coding, const cn_values *values, bool *fits);
void cn_coding_clear(cn_coding *coding);

void cn_values_write(const cn_values *values, const cn_coding *coding, cn_sink *sink);

/* Fills values->data; CN_EFORMAT where the section is malformed, CN_ENOMEM. */
cn_status cn_values_read(cn_values *values, cn_value_code code, bool per_row, cn_source *source);

const char *cn_value_code_name(cn_value_code code);

#endif
