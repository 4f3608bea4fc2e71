/* The range coder is Martin's (1979) with the carries of LZMA's: the interval is [low, low + width)
 * below the bytes given out; bytes whose value a carry can still change wait. A bit 1 takes the
 * lower part, so that what integer division cuts off goes to the bit 0, the usual one of a sparse
 * mask. */
#include "format/compact_bits.h"

#include <string.h>

#include "condense/memory.h"

enum { LEAST_WIDTH = 1 << 24, PROBABILITY_BITS = 16, SEEN_LIMIT = 255, LEAST_PROBABILITY = 16 };

void cn_bytes_add(cn_bytes *bytes, const void *data, size_t size)
{
    if (bytes->failed || !size) return;
    if (size > bytes->capacity - bytes->size) {
        size_t capacity = bytes->capacity * 2 + size + 64;
        uint8_t *larger = cn_recalloc(bytes->data, bytes->size, capacity, 1);
        if (!larger) {
            bytes->failed = true;
            return;
        }
        bytes->data = larger;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void cn_bytes_add_number(cn_bytes *bytes, uint64_t number)
{
    uint8_t encoded[10];
    size_t size = 0;
    for (; number > 127; number >>= 7)
        encoded[size++] = (uint8_t)(number | 128);
    encoded[size++] = (uint8_t)number;
    cn_bytes_add(bytes, encoded, size);
}

void cn_bytes_add_u32(cn_bytes *bytes, uint32_t number)
{
    const uint8_t encoded[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                                (uint8_t)(number >> 24)};
    cn_bytes_add(bytes, encoded, sizeof encoded);
}

int cn_bits_of(uint32_t count)
{
    int bits = 0;
    while (bits < 32 && count > UINT32_C(1) << bits)
        bits++;
    return bits;
}

static uint32_t probability(const cn_context *context)
{
    return (uint32_t)(context->lean + 32768);
}

/* Moves the probability towards the bit by a step that shrinks as bits are seen. */
static void learn(cn_context *context, unsigned bit)
{
    int32_t p = (int32_t)probability(context), target = bit ? 65536 : 0;
    p += (target - p) * 2 / (2 * context->seen + 3);
    if (p < LEAST_PROBABILITY) p = LEAST_PROBABILITY;
    if (p > 65536 - LEAST_PROBABILITY) p = 65536 - LEAST_PROBABILITY;
    context->lean = (int16_t)(p - 32768);
    if (context->seen < SEEN_LIMIT) context->seen++;
}

cn_sink cn_sink_begin(cn_bytes *out, bool range)
{
    return (cn_sink){.out = out, .range = range, .width = UINT32_MAX};
}

static void give(cn_sink *sink, uint8_t byte)
{
    sink->size++;
    if (sink->out) cn_bytes_add(sink->out, &byte, 1);
}

static void shift_low(cn_sink *sink)
{
    unsigned carry = (unsigned)(sink->low >> 32);
    if (carry || sink->low < 0xff000000) {
        if (sink->started) give(sink, (uint8_t)(sink->cache + carry));
        sink->started = true;
        for (; sink->pending; sink->pending--)
            give(sink, (uint8_t)(0xff + carry));
        sink->cache = (uint8_t)(sink->low >> 24);
    } else {
        sink->pending++;
    }
    sink->low = (sink->low & 0xffffff) << 8;
}

static void narrow(cn_sink *sink, uint32_t ones, unsigned bit)
{
    if (bit) {
        sink->width = ones;
    } else {
        sink->low += ones;
        sink->width -= ones;
    }
    for (; sink->width < LEAST_WIDTH; sink->width <<= 8)
        shift_low(sink);
}

static void pack(cn_sink *sink, int width, uint32_t number)
{
    if (!sink->out) { /* counting */
        sink->filled += width;
        sink->size += (size_t)sink->filled / 8;
        sink->filled %= 8;
        return;
    }
    sink->packed |= (uint64_t)number << sink->filled;
    for (sink->filled += width; sink->filled >= 8; sink->filled -= 8) {
        give(sink, (uint8_t)sink->packed);
        sink->packed >>= 8;
    }
}

/* Range coder: gives out as few bytes as name a number in the interval, zeros following. */
void cn_sink_end(cn_sink *sink)
{
    if (!sink->range) {
        if (sink->filled) give(sink, (uint8_t)sink->packed);
        sink->filled = 0;
        return;
    }
    uint64_t end = sink->low + sink->width, number = 0;
    int zeros = 33; /* bits at the end of the number */
    do {
        zeros--;
        uint64_t step = UINT64_C(1) << zeros;
        number = (sink->low + step - 1) & ~(step - 1);
    } while (number >= end);
    sink->low = number;
    shift_low(sink);
    for (int left = 32 - zeros; left > 0; left -= 8)
        shift_low(sink);
}

void cn_put(cn_sink *sink, cn_context *context, unsigned bit)
{
    if (!sink->range) {
        pack(sink, 1, bit);
        return;
    }
    narrow(sink, (sink->width >> PROBABILITY_BITS) * probability(context), bit);
    learn(context, bit);
}

void cn_put_raw(cn_sink *sink, int width, uint32_t number)
{
    if (!sink->range) {
        pack(sink, width, number);
        return;
    }
    for (int i = width - 1; i >= 0; i--)
        narrow(sink, sink->width >> 1, number >> i & 1);
}

void cn_put_tree(cn_sink *sink, cn_context *tree, int width, uint32_t number)
{
    if (!sink->range) {
        pack(sink, width, number);
        return;
    }
    uint32_t prefix = 1;
    for (int i = width - 1; i >= 0; i--) {
        unsigned bit = number >> i & 1;
        cn_put(sink, &tree[prefix], bit);
        prefix = prefix << 1 | bit;
    }
}

static uint8_t take(cn_source *source)
{
    size_t at = source->at++;
    return at < source->size ? source->data[at] : 0;
}

cn_source cn_source_begin(const uint8_t *data, size_t size, bool range)
{
    cn_source source = {.data = data, .size = size, .range = range, .width = UINT32_MAX};
    for (int i = 0; i < 4 && range; i++)
        source.code = source.code << 8 | take(&source);
    return source;
}

/* `code` is the number read, less the interval's low end. */
static unsigned widen(cn_source *source, uint32_t ones)
{
    unsigned bit = source->code < ones;
    if (bit) {
        source->width = ones;
    } else {
        source->code -= ones;
        source->width -= ones;
    }
    for (; source->width < LEAST_WIDTH; source->width <<= 8)
        source->code = source->code << 8 | take(source);
    return bit;
}

static uint32_t unpack(cn_source *source, int width)
{
    for (; source->filled < width; source->filled += 8)
        source->packed |= (uint64_t)take(source) << source->filled;
    uint32_t number = (uint32_t)(source->packed & ((UINT64_C(1) << width) - 1));
    source->packed >>= width;
    source->filled -= width;
    return number;
}

unsigned cn_get(cn_source *source, cn_context *context)
{
    if (!source->range) return unpack(source, 1);
    unsigned bit = widen(source, (source->width >> PROBABILITY_BITS) * probability(context));
    learn(context, bit);
    return bit;
}

uint32_t cn_get_raw(cn_source *source, int width)
{
    if (!source->range) return unpack(source, width);
    uint32_t number = 0;
    for (int i = 0; i < width; i++)
        number = number << 1 | widen(source, source->width >> 1);
    return number;
}

uint32_t cn_get_tree(cn_source *source, cn_context *tree, int width)
{
    if (!source->range) return unpack(source, width);
    uint32_t prefix = 1;
    for (int i = 0; i < width; i++)
        prefix = prefix << 1 | cn_get(source, &tree[prefix]);
    return prefix - (UINT32_C(1) << width);
}

bool cn_source_overrun(const cn_source *source)
{
    return source->at > source->size + (source->range ? 4 : 0);
}

bool cn_source_ended(const cn_source *source)
{
    return source->at >= source->size && !cn_source_overrun(source) &&
           (source->range || source->packed == 0);
}
