#include "report/cells_table.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static const char query[] =
    "SELECT cell, v_cell.model, v_cell.scale, variant, weights, backend, isa, device, emulated, "
    "threads, batch, v_cell.dataset, verdict, v_cell.reason AS reason, samples, mean_ms, ci95_rel, "
    "median_ms, stop_reason, images, top1, top5, precision_macro, recall_macro, f1_macro, "
    "v_accuracy.reason AS accuracy_reason, parameters, macs, stored_bytes, peak_memory_bytes, "
    "millijoule_per_inference, v_energy.reason AS energy_reason "
    "FROM v_cell LEFT JOIN v_latency USING (cell) LEFT JOIN v_accuracy USING (cell) "
    "LEFT JOIN v_size USING (cell) LEFT JOIN v_energy USING (cell) WHERE cell = ?";

typedef struct column {
    const char *name, *title, *format; /* NULL format: text */
    int width;                         /* negative: to the left */
    double factor;
} column;

static const column columns[] = {
    {"model", "model", NULL, -15, 0},     {"scale", "scale", NULL, -9, 0},
    {"threads", "thr", NULL, 3, 0},       {"batch", "batch", NULL, 5, 0},
    {"verdict", "verdict", NULL, -14, 0}, {"samples", "n", NULL, 5, 0},
    {"mean_ms", "mean ms", "%.4g", 9, 1}, {"ci95_rel", "+-%", "%.1f", 5, 100},
    {"top1", "top-1 %", "%.1f", 7, 100},  {"top5", "top-5 %", "%.1f", 7, 100},
    {"f1_macro", "F1 %", "%.1f", 6, 100}, {"stored_bytes", "MB", "%.1f", 7, 1e-6},
    {"weights", "weights", NULL, -1, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static int find(sqlite3_stmt *row, const char *name)
{
    int i = 0;
    while (strcmp(sqlite3_column_name(row, i), name) != 0)
        i++;
    return i;
}

static void print_row(sqlite3_stmt *row)
{
    for (int c = 0; c < COLUMNS; c++) {
        const column *about = &columns[c];
        char text[64];
        int i = find(row, about->name);
        if (sqlite3_column_type(row, i) == SQLITE_NULL)
            snprintf(text, sizeof text, "-");
        else if (about->format)
            snprintf(text, sizeof text, about->format,
                     about->factor * sqlite3_column_double(row, i));
        else
            snprintf(text, sizeof text, "%.63s", (const char *)sqlite3_column_text(row, i));
        printf("%*s%s", about->width, text, c + 1 < COLUMNS ? " " : "\n");
    }
}

static void add_row(cJSON *array, sqlite3_stmt *row)
{
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *name = sqlite3_column_name(row, i);
        switch (sqlite3_column_type(row, i)) {
        case SQLITE_NULL:
            cJSON_AddNullToObject(object, name);
            break;
        case SQLITE_TEXT:
            cJSON_AddStringToObject(object, name, (const char *)sqlite3_column_text(row, i));
            break;
        default:
            cJSON_AddNumberToObject(object, name, sqlite3_column_double(row, i));
        }
    }
    cJSON_AddItemToArray(array, object);
}

/* Calls for each cell's row: prints it, or adds it to `array` where that is not NULL. */
static cn_status each_row(sqlite3 *db, const char (*ids)[65], int32_t count, cJSON *array,
                          cn_error *error)
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(db, query, -1, &row, NULL) != SQLITE_OK)
        return cn_fail(error, CN_EIO, "%s", sqlite3_errmsg(db));
    for (int32_t i = 0; i < count; i++) {
        sqlite3_bind_text(row, 1, ids[i], -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW) {
            if (array)
                add_row(array, row);
            else
                print_row(row);
        }
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return CN_OK;
}

cn_status st_cells_print(sqlite3 *db, const char (*ids)[65], int32_t count, cn_error *error)
{
    for (int c = 0; c < COLUMNS; c++)
        printf("%*s%s", columns[c].width, columns[c].title, c + 1 < COLUMNS ? " " : "\n");
    return each_row(db, ids, count, NULL, error);
}

cn_status st_cells_print_json(sqlite3 *db, const char (*ids)[65], int32_t count, cn_error *error)
{
    cJSON *array = cJSON_CreateArray();
    cn_status status = each_row(db, ids, count, array, error);
    char *text = status ? NULL : cJSON_Print(array);
    if (text) puts(text);
    if (!status && !text) status = cn_fail(error, CN_ENOMEM, "out of memory");
    cJSON_free(text);
    cJSON_Delete(array);
    return status;
}
