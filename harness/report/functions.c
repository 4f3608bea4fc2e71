#include "report/functions.h"

#include <math.h>
#include <stdio.h>

enum { DECIMALS_MAX = 12 };

static void print_number(sqlite3_context *context, double value, int decimals)
{
    char text[400]; /* the largest double has 309 digits before the point */
    if (!isfinite(value)) return;
    if (decimals < 0) decimals = 0;
    if (decimals > DECIMALS_MAX) decimals = DECIMALS_MAX;
    int length = snprintf(text, sizeof text, "%.*f", decimals, value);
    sqlite3_result_text(context, text, length, SQLITE_TRANSIENT);
}

static void fixed(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    print_number(context, sqlite3_value_double(values[0]), sqlite3_value_int(values[1]));
}

static void brief(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    double value = sqlite3_value_double(values[0]);
    int before = value == 0 || !isfinite(value) ? 1 : (int)floor(log10(fabs(value))) + 1;
    print_number(context, value, sqlite3_value_int(values[1]) - before);
}

int st_functions_add(sqlite3 *db)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int code = sqlite3_create_function(db, "fixed", 2, flags, NULL, fixed, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function(db, "brief", 2, flags, NULL, brief, NULL, NULL);
    return code;
}
