/* Where the values of a tensor are that the compact container stores; the others are +0.
 *
 * A tensor is seen as rows (output channels) x channels x kernel positions. Rows that are zero may
 * be dropped. The rows that stay take their mask from a line: each its own, eight neighbours one
 * together, or all the same one. A line is a row of units - single weights, whole kernels, or
 * kernels with one of at most 64 patterns - and the units that are there are told by a position
 * code. So a mask may take in zeros (those that a neighbour has a value for); they are stored as
 * values. */
#ifndef ENGINE_FORMAT_COMPACT_MASK_H
#define ENGINE_FORMAT_COMPACT_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "condense/weights.h"
#include "format/compact_bits.h"

typedef enum cn_sharing { CN_SHARE_NONE, CN_SHARE_EIGHT, CN_SHARE_ALL, CN_SHARINGS } cn_sharing;
typedef enum cn_unit { CN_UNIT_WEIGHT, CN_UNIT_KERNEL, CN_UNIT_PATTERN, CN_UNITS } cn_unit;
typedef enum cn_positions { CN_FULL, CN_BITMAP, CN_GAPS, CN_POSITIONS } cn_positions;

typedef struct cn_layout {
    cn_sharing sharing;
    cn_unit unit;
    cn_positions positions;
    bool dropped; /* rows (where eight share: groups of eight) without values are left out */
} cn_layout;

enum { CN_PATTERNS = 64 };

typedef struct cn_mask {
    int64_t rows, channels, kernel;
    cn_layout layout;
    int64_t lines;
    int32_t *line;    /* of each row; -1: dropped */
    uint8_t *used;    /* lines x channels x kernel: 1 where a row of the line is not zero */
    uint8_t *stored;  /* the same shape: 1 where values are stored */
    uint8_t *kept;    /* lines x channels: 1 for kernels that are there */
    uint8_t *pattern; /* and which pattern they have */
    uint8_t *hits;    /* a number for each unit of a line, for the coder */
    uint64_t patterns[CN_PATTERNS]; /* bit i: kernel position i */
    int32_t pattern_count;
} cn_mask;

/* The shape of a tensor as rows, channels and kernel positions; everything else empty. */
cn_mask cn_mask_of_shape(int32_t rank, const int32_t *dims);
void cn_mask_clear(cn_mask *mask);

/* Whether the layout makes sense for the shape; each mask has one way only to be written. */
bool cn_layout_fits(const cn_mask *mask, cn_layout layout);

/* Writing: the lines of `values` under this sharing (layout.sharing and layout.dropped are set),
 * then the units of the lines for the rest of the layout. False from cn_mask_units where the
 * kernels have too many patterns. */
cn_status cn_mask_lines(cn_mask *mask, const float *values, cn_sharing sharing, bool dropped);
bool cn_mask_units(cn_mask *mask, cn_unit unit, cn_positions positions);
void cn_mask_write(const cn_mask *mask, cn_sink *sink);

/* Reading, for mask->layout. CN_EFORMAT where the section is malformed, CN_ENOMEM. */
cn_status cn_mask_read(cn_mask *mask, cn_source *source);

/* Where the values of a row are: channels x kernel bytes of 0 or 1; NULL: it has none. */
const uint8_t *cn_mask_row(const cn_mask *mask, int64_t row);

const char *cn_sharing_name(cn_sharing sharing);
const char *cn_unit_name(cn_unit unit);
const char *cn_positions_name(cn_positions positions);

#endif
