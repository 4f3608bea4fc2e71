/* Studies of compression (experiments/studies/compression/NAME.json):
 *   {"about": "what it is for",
 *    "runs": [{"model": ["lenet5", "resnet18"], "scheme": "block8", "rate": "2,4,8",
 *              "method": ["admm", "magnitude"]}, ...]}
 * Each entry of "runs" is a matrix: every combination of its lists, in the order of the keys, the
 * last changing fastest. Keys are the options of 'condense compress' with '_' for '-', values
 * texts, numbers or true. */
#ifndef HARNESS_STUDY_COMPRESSION_STUDY_H
#define HARNESS_STUDY_COMPRESSION_STUDY_H

#include "condense/status.h"

/* Calls `run` for each combination, with the words of its command line (argv[0] is the file's
 * name). Stops at the first failure; messages name the file and the entry. */
cn_status st_compression_study(const char *path,
                               cn_status (*run)(void *context, int argc, char **argv,
                                                cn_error *error),
                               void *context, cn_error *error);

#endif
