/* SQL functions for the queries of figures and the paper. */
#ifndef HARNESS_REPORT_FUNCTIONS_H
#define HARNESS_REPORT_FUNCTIONS_H

#include <sqlite3.h>

/* Adds, for this connection:
 *   fixed(x, digits)   x as text with that many decimals
 *   brief(x, digits)   x as text with that many significant digits and no exponent
 * Both give NULL for NULL, where printf() would print a zero, and for what is no finite number.
 * Returns SQLite's code. */
int st_functions_add(sqlite3 *db);

#endif
