#include "report/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "condense/file.h"
#include "condense/memory.h"

enum { FILE_LIMIT = 1 << 30 };

cn_status st_bytes_read(const char *path, char **out, size_t *length, cn_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        cn_status code = errno == ENOENT ? CN_ENOTFOUND : CN_EIO;
        return cn_fail(error, code, "%s: %s", path, strerror(errno));
    }
    struct stat about;
    cn_status status = CN_OK;
    char *bytes = NULL;
    size_t size = 0;
    if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode))
        status = cn_fail(error, CN_EIO, "%s: not a regular file", path);
    else if (about.st_size > FILE_LIMIT)
        status = cn_fail(error, CN_EFORMAT, "%s: larger than 1 GiB", path);
    else if (!(bytes = cn_calloc((size_t)about.st_size + 1, 1)))
        status = cn_fail(error, CN_ENOMEM, "%s: out of memory", path);
    else if ((size = fread(bytes, 1, (size_t)about.st_size, file)) != (size_t)about.st_size)
        status = cn_fail(error, CN_EIO, "%s: could be read only to byte %zu", path, size);
    fclose(file);
    if (status != CN_OK) {
        cn_free(bytes);
        return status;
    }
    *out = bytes;
    *length = size;
    return CN_OK;
}

cn_status st_text_read(const char *path, char **text, cn_error *error)
{
    size_t length = 0;
    cn_status status = st_bytes_read(path, text, &length, error);
    if (status != CN_OK || strlen(*text) == length) return status;
    status =
        cn_fail(error, CN_EFORMAT, "%s: byte %zu: a NUL, so this is not text", path, strlen(*text));
    cn_free(*text);
    *text = NULL;
    return status;
}

cn_status st_bytes_write(const char *path, const char *bytes, size_t length, cn_error *error)
{
    cn_new_file file;
    cn_status status = cn_new_file_begin(&file, path, error);
    if (status) return status;
    fwrite(bytes, 1, length, file.stream);
    return cn_new_file_end(&file, CN_OK, error);
}

/* Length of the well-formed UTF-8 character at `at`, or 0. Overlong forms, surrogates and values
 * past U+10FFFF are not well formed. */
static size_t character_length(const unsigned char *at)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high) continue;
        if (forms[i].length == 1) return 1;
        if (at[1] < forms[i].second_low || at[1] > forms[i].second_high) return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if ((at[k] & 0xc0) != 0x80) return 0;
        return forms[i].length;
    }
    return 0;
}

static bool is_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* One ASCII character; `before` and `after` are its neighbours: an underscore inside a word, as in
 * inception_v1, means nothing to Markdown and stays readable. */
static void markdown_character(FILE *out, unsigned char before, unsigned char c,
                               unsigned char after)
{
    if (c < 0x20 || c == 0x7f)
        fputc(' ', out);
    else if (c == '&')
        fputs("&amp;", out);
    else if (c == '<')
        fputs("&lt;", out);
    else if (c == '>')
        fputs("&gt;", out);
    else {
        bool inside = c == '_' && is_word(before) && is_word(after);
        if (strchr("\\`*_{}[]|~$#!", c) && !inside) fputc('\\', out);
        fputc(c, out);
    }
}

void st_text_markdown(FILE *out, const char *text)
{
    unsigned char before = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = character_length(at);
        if (length == 0)
            fputs("\xef\xbf\xbd", out);
        else if (length > 1)
            fwrite(at, 1, length, out);
        else
            markdown_character(out, before, *at, at[1]);
        before = *at;
        at += length ? length : 1;
    }
}

void st_text_field(FILE *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = character_length(at);
        if (length == 0)
            fputs("\xef\xbf\xbd", out);
        else if (length > 1)
            fwrite(at, 1, length, out);
        else if (*at < 0x20 || *at == 0x7f)
            fputc(' ', out);
        else if (*at == '"')
            fputs("''", out);
        else if (*at == '\\')
            fputs("\xe2\x88\x96", out);
        else
            fputc(*at, out);
        at += length ? length : 1;
    }
}

void st_text_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = character_length(at);
        if (length == 0)
            fputs("\xef\xbf\xbd", out);
        else if (*at < 0x20 || *at == 0x7f)
            fputc(' ', out);
        else
            fwrite(at, 1, length, out);
        if (*at == '\'') fputc('\'', out);
        at += length ? length : 1;
    }
    fputc('\'', out);
}
