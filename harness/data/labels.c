#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "condense/memory.h"
#include "data/pictures.h"

/* The longest name of a picture, and the most pictures of one table. */
enum { FILE_NAME_MAX = 1024, PICTURES_MAX = 20000000 };

typedef struct table {
    st_pictures *pictures;
    int32_t capacity;
    const char *name, *folder;
    int32_t classes;
    int32_t row, column;               /* of the cell being read, from 1 */
    bool titled;                       /* the header row is behind */
    int32_t file_column, class_column; /* from 1; 0: not seen in the header */
    char *file;                        /* of the row being read */
    int32_t class;                     /* of the row being read; -1: none yet */
    cn_status status;                  /* the first failure; everything after it is skipped */
    cn_error *error;
} table;

static void fail_cell(table *in, const char *what, const char *cell, size_t length)
{
    in->status = cn_fail(in->error, CN_EFORMAT, "%s: row %d, column %d: '%.*s' %s", in->name,
                         in->row, in->column, (int)(length < 80 ? length : 80), cell, what);
}

static void read_title(table *in, const char *cell, size_t length)
{
    if (length == 4 && !memcmp(cell, "file", 4)) in->file_column = in->column;
    if (length == 5 && !memcmp(cell, "class", 5)) in->class_column = in->column;
}

static void read_class(table *in, const char *cell, size_t length)
{
    char text[16], *end = text;
    if (length < sizeof text) {
        memcpy(text, cell, length);
        text[length] = '\0';
        errno = 0;
        long value = strtol(text, &end, 10);
        if (length && *end == '\0' && !errno && text[0] >= '0' && text[0] <= '9' &&
            value < in->classes) {
            in->class = (int32_t)value;
            return;
        }
    }
    fail_cell(in, "is not a class of this data set", cell, length);
}

/* Whether a path stays inside its folder. */
static bool stays_inside(const char *path)
{
    if (path[0] == '/') return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (!strncmp(part, "..", 2) && (part[2] == '/' || part[2] == '\0')) return false;
    }
    return true;
}

static void read_file(table *in, const char *cell, size_t length)
{
    char text[FILE_NAME_MAX];
    bool fits = length > 0 && length < sizeof text && !memchr(cell, '\0', length);
    if (fits) {
        memcpy(text, cell, length);
        text[length] = '\0';
    }
    if (!fits || !stays_inside(text)) {
        fail_cell(in, "is not the name of a file inside the folder", cell, length);
        return;
    }
    cn_free(in->file);
    in->file = cn_sprintf("%s/%s", in->folder, text);
    if (!in->file) in->status = cn_fail(in->error, CN_ENOMEM, "%s: out of memory", in->name);
}

static void on_cell(void *cell, size_t length, void *context)
{
    table *in = context;
    in->column++;
    if (in->status) return;
    if (!in->titled)
        read_title(in, cell, length);
    else if (in->column == in->class_column)
        read_class(in, cell, length);
    else if (in->column == in->file_column)
        read_file(in, cell, length);
}

static cn_status grow(table *in)
{
    st_pictures *all = in->pictures;
    size_t old = (size_t)in->capacity, wanted = old ? old * 2 : 256;
    char **files = cn_recalloc(all->files, old, wanted, sizeof *files);
    if (files) all->files = files;
    int32_t *labels = cn_recalloc(all->labels, old, wanted, sizeof *labels);
    if (labels) all->labels = labels;
    if (!files || !labels || wanted > PICTURES_MAX)
        return cn_fail(in->error, CN_ENOMEM, "%s: too many pictures for the memory", in->name);
    in->capacity = (int32_t)wanted;
    return CN_OK;
}

static void end_header(table *in)
{
    in->titled = true;
    if (!in->file_column || !in->class_column)
        in->status = cn_fail(in->error, CN_EFORMAT,
                             "%s: row %d: the header must have the columns 'file' and 'class'",
                             in->name, in->row);
}

static void end_row(table *in)
{
    st_pictures *all = in->pictures;
    if (!in->file || in->class < 0) {
        in->status =
            cn_fail(in->error, CN_EFORMAT, "%s: row %d: %d columns; column %d (%s) is missing",
                    in->name, in->row, in->column, in->file ? in->class_column : in->file_column,
                    in->file ? "class" : "file");
        return;
    }
    if (all->count == in->capacity && (in->status = grow(in))) return;
    all->files[all->count] = in->file;
    all->labels[all->count++] = in->class;
    in->file = NULL;
    in->class = -1;
}

/* Also called for each end of an empty line and for both bytes of "\r\n": only "\n" counts rows. */
static void on_row(int terminator, void *context)
{
    table *in = context;
    if (!in->status && in->column) (in->titled ? end_row : end_header)(in);
    in->row += terminator == '\n';
    in->column = 0;
}

cn_status st_labels_parse(st_pictures *pictures, const uint8_t *bytes, size_t size,
                          const char *name, const char *folder, int32_t classes, cn_error *error)
{
    *pictures = (st_pictures){0};
    table in = {.pictures = pictures,
                .name = name,
                .folder = folder,
                .classes = classes,
                .row = 1,
                .class = -1,
                .error = error};
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* spreadsheets put it in front of UTF-8 */
    size_t skip = size >= sizeof mark && !memcmp(bytes, mark, sizeof mark) ? sizeof mark : 0;
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL))
        return cn_fail(error, CN_ENOMEM, "out of memory");
    if (csv_parse(&parser, bytes + skip, size - skip, on_cell, on_row, &in) != size - skip ||
        csv_fini(&parser, on_cell, on_row, &in)) {
        if (!in.status)
            in.status = cn_fail(error, CN_EFORMAT, "%s: row %d, column %d: %s", name, in.row,
                                in.column + 1, csv_strerror(csv_error(&parser)));
    }
    csv_free(&parser);
    cn_free(in.file);
    if (!in.status && pictures->count == 0)
        in.status = cn_fail(error, CN_EFORMAT, "%s: row %d: there are no pictures", name, in.row);
    if (in.status) st_pictures_clear(pictures);
    return in.status;
}
