/* Wisdom: which way of doing each layer was the fastest on a processor, as 'condense tune' found it
 * (docs/tuning.md). A session that is given wisdom follows it; the library reads no file by itself.
 *
 * The text: a first line "condense wisdom 1", then one line an entry of seven fields with a tab
 * between them:
 *
 *     processor   its model name, as the operating system tells it
 *     isa         instruction-set level of the kernels: scalar, neon, avx2, avx512
 *     threads     1 ...
 *     batch       images a run, 1 ...
 *     signature   of the layer: "conv:64x56x56:64x56x56:k3x3:s1x1:d1x1:p1,1,1,1:g1:r0" is input and
 *                 output (channels x height x width), window, stride, dilation, padding (top,
 *                 bottom, left, right), groups, residual addition (0 or 1)
 *     choice      "panel", "depthwise", "winograd6/2_vectors", ... (docs/tuning.md)
 *     time        of the layer that way, microseconds
 *
 * Entries are in the order of their bytes. Empty lines and lines that begin with # mean nothing. */
#ifndef CONDENSE_WISDOM_H
#define CONDENSE_WISDOM_H

#include <stddef.h>
#include <stdint.h>

#include "condense/isa.h"
#include "condense/status.h"

typedef struct cn_wisdom cn_wisdom;

/* What an entry is for, on the wisdom's processor. */
typedef struct cn_wisdom_key {
    cn_isa isa;
    int32_t threads, batch;
    const char *signature;
} cn_wisdom_key;

/* Wisdom without entries. It keeps those of every processor and uses those of `processor`. */
cn_status cn_wisdom_new(cn_wisdom **out, const char *processor, cn_error *error);

/* Adds the entries of a text; `name` (of the file) begins the messages. An entry takes the place of
 * one for the same. CN_EUNSUPPORTED: a text of another version; CN_EFORMAT: a malformed line, with
 * its number; the entries before it were added. */
cn_status cn_wisdom_parse(cn_wisdom *wisdom, const char *text, size_t size, const char *name,
                          cn_error *error);

cn_status cn_wisdom_add(cn_wisdom *wisdom, const cn_wisdom_key *key, const char *choice,
                        double microseconds, cn_error *error);

/* The choice, or NULL. Lives as long as the entry. */
const char *cn_wisdom_find(const cn_wisdom *wisdom, const cn_wisdom_key *key);

/* Entries of all processors. */
int32_t cn_wisdom_count(const cn_wisdom *wisdom);

/* The text with all entries, for cn_free; NULL when out of memory. */
char *cn_wisdom_text(const cn_wisdom *wisdom);

void cn_wisdom_free(cn_wisdom *wisdom);

#endif
