/* experiments/claims.csv into the table of claims. */
#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/home.h"
#include "condense/memory.h"
#include "store/record.h"

enum { COLUMNS = 10, FIELD = 512 };

static const char *const header[COLUMNS] = {"id",     "source", "where", "model", "variant",
                                            "device", "metric", "value", "unit",  "note"};

typedef struct reader {
    st_store *store;
    const char *path;
    char fields[COLUMNS][FIELD];
    int column;
    int64_t row;
    cn_status status;
    cn_error *error;
} reader;

static void on_field(void *text, size_t size, void *context)
{
    reader *r = context;
    if (r->status) return;
    if (r->column >= COLUMNS || size >= FIELD) {
        r->status =
            cn_fail(r->error, CN_EFORMAT, "%s: row %lld: %s", r->path, (long long)r->row + 1,
                    size >= FIELD ? "a field is too long" : "there are too many columns");
        return;
    }
    if (size) memcpy(r->fields[r->column], text, size);
    r->fields[r->column++][size] = '\0';
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    reader *r = context;
    if (r->status) return;
    if (r->column != COLUMNS) {
        r->status = cn_fail(r->error, CN_EFORMAT, "%s: row %lld has %d columns, not %d", r->path,
                            (long long)r->row + 1, r->column, COLUMNS);
        return;
    }
    char(*f)[FIELD] = r->fields;
    if (r->row == 0) {
        for (int i = 0; i < COLUMNS && !r->status; i++)
            if (strcmp(f[i], header[i]) != 0)
                r->status = cn_fail(r->error, CN_EFORMAT, "%s: column %d is '%.40s', not '%s'",
                                    r->path, i + 1, f[i], header[i]);
    } else {
        r->status = st_store_write(
            r->store, r->error, "INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            "tittttttttt", f[0], r->row, f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9]);
    }
    r->row++;
    r->column = 0;
}

static cn_status read_rows(reader *r, FILE *file)
{
    struct csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
        return cn_fail(r->error, CN_ENOMEM, "out of memory");
    char block[4096];
    size_t size;
    while (!r->status && (size = fread(block, 1, sizeof block, file)) > 0)
        if (csv_parse(&parser, block, size, on_field, on_row, r) != size)
            r->status = cn_fail(r->error, CN_EFORMAT, "%s: row %lld: %s", r->path,
                                (long long)r->row + 1, csv_strerror(csv_error(&parser)));
    if (!r->status && csv_fini(&parser, on_field, on_row, r))
        r->status = cn_fail(r->error, CN_EFORMAT, "%s: the last row does not end", r->path);
    csv_free(&parser);
    return r->status;
}

cn_status st_record_claims(st_store *store, cn_error *error)
{
    char *path = st_home_path("experiments/claims.csv");
    if (!path) return cn_fail(error, CN_ENOMEM, "out of memory");
    FILE *file = fopen(path, "r");
    cn_status status = file ? st_store_begin(store, error)
                            : cn_fail(error, CN_ENOTFOUND, "%s: %s", path, strerror(errno));
    if (!status) {
        reader r = {.store = store, .path = path, .error = error};
        status = st_store_write(store, error, "DELETE FROM claim_result", "");
        if (!status) status = st_store_write(store, error, "DELETE FROM claim", "");
        if (!status) status = read_rows(&r, file);
        if (!status) status = st_store_commit(store, error);
        if (status) st_store_rollback(store);
    }
    if (file) fclose(file);
    cn_free(path);
    return status;
}
