#include "cpu/int8_move.h"

#include <string.h>

enum { SLOT = 4 };

/* The byte of channel c at row y, column 0. */
static uint8_t *bytes(const cn_view *v, int32_t n, int32_t c, int32_t y)
{
    float *slot = v->data + n * v->image + c / SLOT * v->plane + y * v->row;
    return (uint8_t *)(void *)slot + c % SLOT;
}

void cn_int8_copy(const cn_view *in, const cn_view *out, int32_t n, int32_t c, int32_t to)
{
    for (int32_t y = 0; y < in->h; y++) {
        const uint8_t *from = bytes(in, n, c, y);
        uint8_t *at = bytes(out, n, to, y);
        for (ptrdiff_t x = 0; x < in->w; x++)
            at[x * SLOT] = from[x * SLOT];
    }
}

void cn_int8_flatten(const cn_view *in, const cn_view *out, int32_t n, int32_t c)
{
    int32_t to = c * in->h * in->w;
    for (int32_t y = 0; y < in->h; y++) {
        const uint8_t *from = bytes(in, n, c, y);
        for (ptrdiff_t x = 0; x < in->w; x++)
            *bytes(out, n, to++, 0) = from[x * SLOT];
    }
}

void cn_int8_shuffle(const cn_view *in, const cn_view *out, int32_t n, int32_t c, int32_t factor)
{
    int32_t square = factor * factor, row = c % square / factor, column = c % factor;
    for (int32_t y = 0; y < in->h; y++) {
        const uint8_t *from = bytes(in, n, c, y);
        uint8_t *at = bytes(out, n, c / square, y * factor + row) + column * SLOT;
        for (ptrdiff_t x = 0; x < in->w; x++)
            at[x * factor * SLOT] = from[x * SLOT];
    }
}

void cn_int8_pad(const cn_view *in, const cn_view *out, int32_t n, int32_t plane, int32_t top,
                 int32_t left, uint8_t zero)
{
    for (int32_t y = 0; y < out->h; y++)
        memset(bytes(out, n, plane * SLOT, y), zero, (size_t)out->w * SLOT);
    for (int32_t y = 0; y < in->h; y++)
        memcpy(bytes(out, n, plane * SLOT, top + y) + left * SLOT, bytes(in, n, plane * SLOT, y),
               (size_t)in->w * SLOT);
}
