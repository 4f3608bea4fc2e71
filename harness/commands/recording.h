/* The database of a command's --record. */
#ifndef HARNESS_COMMANDS_RECORDING_H
#define HARNESS_COMMANDS_RECORDING_H

#include "env/environment.h"
#include "store/record.h"
#include "store/store.h"

typedef struct st_recording {
    st_store store;
    st_environment environment;
    st_recorder recorder;
    char *path; /* of the database */
} st_recording;

/* Opens the database at `db` (NULL: the project's own) and captures the environment. The caller may
 * add facts to it and hashes it into recorder.environment_hash. `command` must outlive the
 * recording. Close it whatever the status. */
cn_status st_recording_open(st_recording *recording, const char *db, const char *command,
                            int64_t seed, cn_error *error);

/* Closes the database; `path` stays. */
void st_recording_finish(st_recording *recording);

/* The same where that was not done yet, and frees the rest. */
void st_recording_close(st_recording *recording);

#endif
