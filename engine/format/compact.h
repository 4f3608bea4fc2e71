/* What the writer and the reader of the compact container share. */
#ifndef ENGINE_FORMAT_COMPACT_H
#define ENGINE_FORMAT_COMPACT_H

#include <stdint.h>

static const uint8_t cn_compact_magic[4] = {0x89, 'C', 'N', 'Z'};

enum {
    CN_COMPACT_VERSION = 1,
    CN_COMPACT_NUMBERS = 1 << 29, /* of a whole set: a small file may stand for many zeros */
    CN_COMPACT_NAME = 4095        /* the longest name */
};

/* The layout byte. */
enum { CN_LAYOUT_DROPPED = 1 << 6, CN_LAYOUT_RANGE = 1 << 7 };
/* The coding byte. */
enum { CN_CODING_PER_ROW = 1 << 2, CN_CODING_RANGE = 1 << 3 };

#endif
