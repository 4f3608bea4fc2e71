/* Where the project's data lives. */
#ifndef HARNESS_CLI_HOME_H
#define HARNESS_CLI_HOME_H

/* Path of `relative` ("experiments/models/lenet5.lr") under the project's root, which is
 * $CONDENSE_HOME, else the nearest folder at or above the working directory that holds
 * experiments/models, else the one above the program, else /usr/local/share/condense. A new string
 * for cn_free; NULL when out of memory. The file need not exist. */
char *st_home_path(const char *relative);

/* Path of `relative` under the data folder: $CONDENSE_DATA, else "data" under the root. */
char *st_data_path(const char *relative);

#endif
