#include "condense/wisdom.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"

enum {
    MOST_ENTRIES = 1 << 15,
    MOST_NUMBER = 1 << 20, /* threads or images */
    KEY_FIELDS = 5,        /* of a line's: the rest is the choice and its time */
    FIELDS = 7
};
static const char first_line[] = "condense wisdom 1";
static const char comment[] = "# written by 'condense tune'; fields: processor, isa, threads, "
                              "batch, layer, choice, microseconds";

typedef struct entry {
    char *key; /* the first five fields, with the tabs between them */
    char *choice;
    double microseconds;
} entry;

/* Entries are in the order of their keys. */
struct cn_wisdom {
    char *processor;
    entry *entries;
    int32_t count, capacity;
};

/* A word of the text, of which `size` bytes count. */
typedef struct field {
    const char *text;
    size_t size;
} field;

cn_status cn_wisdom_new(cn_wisdom **out, const char *processor, cn_error *error)
{
    cn_wisdom *wisdom = cn_calloc(1, sizeof *wisdom);
    if (wisdom) wisdom->processor = cn_strdup(*processor ? processor : "unknown");
    if (!wisdom || !wisdom->processor) {
        cn_wisdom_free(wisdom);
        return cn_fail(error, CN_ENOMEM, "no memory for wisdom");
    }
    for (char *c = wisdom->processor; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    *out = wisdom;
    return CN_OK;
}

/* Position of the first entry that is not before `key`. */
static int32_t position(const cn_wisdom *wisdom, const char *key)
{
    int32_t low = 0, high = wisdom->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (strcmp(wisdom->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const cn_wisdom *wisdom, int32_t at, const char *key)
{
    return at < wisdom->count && !strcmp(wisdom->entries[at].key, key);
}

static bool make_room(cn_wisdom *wisdom)
{
    if (wisdom->count < wisdom->capacity) return true;
    int32_t capacity = wisdom->capacity ? 2 * wisdom->capacity : 64;
    entry *entries =
        cn_recalloc(wisdom->entries, (size_t)wisdom->capacity, (size_t)capacity, sizeof *entries);
    if (!entries) return false;
    wisdom->entries = entries;
    wisdom->capacity = capacity;
    return true;
}

static void clear(entry *e)
{
    cn_free(e->key);
    cn_free(e->choice);
}

/* Takes over what `new` holds, also on failure. */
static cn_status put(cn_wisdom *wisdom, entry new, cn_error *error)
{
    bool whole = new.key &&new.choice;
    int32_t at = whole ? position(wisdom, new.key) : 0;
    cn_status status = CN_OK;
    if (whole && is_at(wisdom, at, new.key)) {
        clear(&wisdom->entries[at]);
        wisdom->entries[at] = new;
    } else if (!whole || !make_room(wisdom)) {
        status = cn_fail(error, CN_ENOMEM, "no memory for wisdom");
    } else if (wisdom->count == MOST_ENTRIES) {
        status = cn_fail(error, CN_EFORMAT, "wisdom has more than %d entries", MOST_ENTRIES);
    } else {
        entry *place = wisdom->entries + at;
        memmove(place + 1, place, (size_t)(wisdom->count++ - at) * sizeof *place);
        *place = new;
    }
    if (status) clear(&new);
    return status;
}

static char *key_text(const cn_wisdom *wisdom, const cn_wisdom_key *key)
{
    return cn_sprintf("%s\t%s\t%d\t%d\t%s", wisdom->processor, cn_isa_name(key->isa), key->threads,
                      key->batch, key->signature);
}

cn_status cn_wisdom_add(cn_wisdom *wisdom, const cn_wisdom_key *key, const char *choice,
                        double microseconds, cn_error *error)
{
    return put(wisdom, (entry){key_text(wisdom, key), cn_strdup(choice), microseconds}, error);
}

const char *cn_wisdom_find(const cn_wisdom *wisdom, const cn_wisdom_key *key)
{
    char *text = key_text(wisdom, key);
    int32_t at = text ? position(wisdom, text) : 0;
    const char *choice = text && is_at(wisdom, at, text) ? wisdom->entries[at].choice : NULL;
    cn_free(text);
    return choice;
}

int32_t cn_wisdom_count(const cn_wisdom *wisdom)
{
    return wisdom->count;
}

static char *copy(field f)
{
    return cn_sprintf("%.*s", (int)f.size, f.text);
}

/* Whether the field is printable and not longer than `most`; spaces are as asked. */
static bool is_word(field f, size_t most, bool spaces)
{
    for (size_t i = 0; i < f.size; i++) {
        unsigned char c = (unsigned char)f.text[i];
        if (c < ' ' || c == 0x7f || (c == ' ' && !spaces)) return false;
    }
    return f.size > 0 && f.size <= most;
}

static bool is_isa(field f)
{
    char name[16];
    if (!is_word(f, sizeof name - 1, false)) return false;
    snprintf(name, sizeof name, "%.*s", (int)f.size, f.text);
    int isa = cn_isa_parse(name);
    return isa >= 0 && isa != CN_ISA_BEST;
}

/* A number from 1 on, without leading zeros: the same key is always written in the same way. */
static bool is_count(field f)
{
    int32_t value = 0;
    if (!f.size || *f.text == '0') return false;
    for (size_t i = 0; i < f.size; i++) {
        if (f.text[i] < '0' || f.text[i] > '9') return false;
        value = 10 * value + (f.text[i] - '0');
        if (value > MOST_NUMBER) return false;
    }
    return true;
}

static bool is_time(field f, double *value)
{
    char text[32], *end;
    if (!is_word(f, sizeof text - 1, false)) return false;
    snprintf(text, sizeof text, "%.*s", (int)f.size, f.text);
    *value = strtod(text, &end);
    return !*end && isfinite(*value) && *value >= 0;
}

/* What is wrong with the fields, or NULL. */
static const char *complaint(const field f[FIELDS], double *microseconds)
{
    if (!is_word(f[0], 255, true)) return "the processor is no printable name";
    if (!is_isa(f[1])) return "there is no such instruction-set level";
    if (!is_count(f[2])) return "the number of threads is not one";
    if (!is_count(f[3])) return "the batch is not a number of images";
    if (!is_word(f[4], 255, false)) return "the layer's signature is not a word";
    if (!is_word(f[5], 63, false)) return "the choice is not a word";
    if (!is_time(f[6], microseconds)) return "the time is not a number of microseconds";
    return NULL;
}

/* The line's fields; their number, or FIELDS + 1 where there are more. */
static int split(field line, field fields[FIELDS])
{
    int count = 0;
    for (;;) {
        const char *tab = line.size ? memchr(line.text, '\t', line.size) : NULL;
        size_t size = tab ? (size_t)(tab - line.text) : line.size;
        if (count == FIELDS) return FIELDS + 1;
        fields[count++] = (field){line.text, size};
        if (!tab) return count;
        line = (field){tab + 1, line.size - size - 1};
    }
}

static cn_status parse_line(cn_wisdom *wisdom, field line, const char *name, int32_t number,
                            cn_error *error)
{
    field f[FIELDS];
    double microseconds = 0;
    int count = split(line, f);
    const char *wrong = count == FIELDS  ? complaint(f, &microseconds)
                        : count < FIELDS ? "fields are missing"
                                         : "there are too many fields";
    if (wrong)
        return cn_fail(error, CN_EFORMAT, "%s:%d: %s; correct or delete the line", name, number,
                       wrong);
    field key = {line.text, (size_t)(f[KEY_FIELDS].text - line.text - 1)};
    cn_status status = put(wisdom, (entry){copy(key), copy(f[KEY_FIELDS]), microseconds}, error);
    return status ? cn_fail_in(error, status, "%s:%d", name, number) : CN_OK;
}

/* Takes the next line off the text. */
static field next_line(field *text)
{
    const char *end = text->size ? memchr(text->text, '\n', text->size) : NULL;
    field line = {text->text, end ? (size_t)(end - text->text) : text->size};
    size_t used = end ? line.size + 1 : line.size;
    text->text += used;
    text->size -= used;
    return line;
}

static cn_status check_version(field line, const char *name, cn_error *error)
{
    size_t length = strlen(first_line), stem = length - 1;
    if (line.size == length && !memcmp(line.text, first_line, length)) return CN_OK;
    if (line.size > stem && !memcmp(line.text, first_line, stem))
        return cn_fail(error, CN_EUNSUPPORTED,
                       "%s: is wisdom of another version; this program reads version 1", name);
    return cn_fail(error, CN_EFORMAT, "%s:1: is no wisdom: it should begin with \"%s\"", name,
                   first_line);
}

cn_status cn_wisdom_parse(cn_wisdom *wisdom, const char *text, size_t size, const char *name,
                          cn_error *error)
{
    field rest = {text, size};
    cn_status status = check_version(next_line(&rest), name, error);
    for (int32_t number = 2; rest.size && !status; number++) {
        field line = next_line(&rest);
        if (line.size && *line.text != '#') status = parse_line(wisdom, line, name, number, error);
    }
    return status;
}

char *cn_wisdom_text(const cn_wisdom *wisdom)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "%s\n%s\n", first_line, comment);
    for (int32_t i = 0; i < wisdom->count; i++) {
        const entry *e = &wisdom->entries[i];
        fprintf(out, "%s\t%s\t%.4g\n", e->key, e->choice, e->microseconds);
    }
    bool whole = !ferror(out);
    whole = !fclose(out) && whole;
    char *result = whole ? cn_strdup(text) : NULL;
    free(text);
    return result;
}

void cn_wisdom_free(cn_wisdom *wisdom)
{
    if (!wisdom) return;
    for (int32_t i = 0; i < wisdom->count; i++)
        clear(&wisdom->entries[i]);
    cn_free(wisdom->entries);
    cn_free(wisdom->processor);
    cn_free(wisdom);
}
