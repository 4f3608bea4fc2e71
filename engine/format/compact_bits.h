/* Bits of the compact container's sections (compact.c), written and read in one of two ways behind
 * the same calls: packed as they are, or by an adaptive binary range coder, which spends
 * -log2(probability) bits on each and learns the probabilities as it goes. */
#ifndef ENGINE_FORMAT_COMPACT_BITS_H
#define ENGINE_FORMAT_COMPACT_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow. `failed` when memory ran out; what is added after that is lost. */
typedef struct cn_bytes {
    uint8_t *data; /* for cn_free */
    size_t size, capacity;
    bool failed;
} cn_bytes;

void cn_bytes_add(cn_bytes *bytes, const void *data, size_t size);
/* LEB128: seven bits a byte, lowest first, the top bit set on all but the last. */
void cn_bytes_add_number(cn_bytes *bytes, uint64_t number);
void cn_bytes_add_u32(cn_bytes *bytes, uint32_t number); /* lowest byte first */

/* What the bits before tell of one kind of bit; all zero is a good start. */
typedef struct cn_context {
    int16_t lean;  /* probability that the bit is 1, less one half, in 1/65536 */
    uint16_t seen; /* bits, up to a limit */
} cn_context;

typedef struct cn_sink {
    cn_bytes *out; /* NULL: bits are only counted */
    size_t size;   /* bytes given out; after cn_sink_end of the whole section */
    bool range;
    uint64_t low; /* range coder: what is not given out yet, with the carry in bit 32 */
    uint32_t width;
    uint32_t pending; /* bytes 0xff that a carry may still change */
    uint8_t cache;    /* and the byte before them */
    bool started;     /* the first byte is always zero and left out */
    uint64_t packed;  /* packed bits: those of the byte that is not full */
    int filled;
} cn_sink;

cn_sink cn_sink_begin(cn_bytes *out, bool range);
void cn_sink_end(cn_sink *sink);

/* One bit; a number of `width` bits (0 to 32) without context; a number of `width` bits (0 to 8)
 * whose bits, from the top, have a context for each prefix: tree[1 << width]. */
void cn_put(cn_sink *sink, cn_context *context, unsigned bit);
void cn_put_raw(cn_sink *sink, int width, uint32_t number);
void cn_put_tree(cn_sink *sink, cn_context *tree, int width, uint32_t number);

typedef struct cn_source {
    const uint8_t *data;
    size_t size, at; /* `at` may pass `size`: then zeros are read */
    bool range;
    uint32_t code, width;
    uint64_t packed;
    int filled;
} cn_source;

cn_source cn_source_begin(const uint8_t *data, size_t size, bool range);
unsigned cn_get(cn_source *source, cn_context *context);
uint32_t cn_get_raw(cn_source *source, int width);
uint32_t cn_get_tree(cn_source *source, cn_context *tree, int width);

/* Whether more was read than the section holds: stop then. */
bool cn_source_overrun(const cn_source *source);
/* Whether the section was used up, no more and no less. */
bool cn_source_ended(const cn_source *source);

/* Bits that a number below `count` needs. */
int cn_bits_of(uint32_t count);

#endif
