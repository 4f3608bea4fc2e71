#include "commands/recording.h"

#include "cli/home.h"
#include "condense/memory.h"

/* How long to wait for programs that open the database only for the moment of a write. */
static const double patience_s = 5;

cn_status st_recording_open(st_recording *r, const char *db, const char *command, int64_t seed,
                            cn_error *error)
{
    *r = (st_recording){.store = {.lock = -1}};
    r->recorder = (st_recorder){
        .store = &r->store, .facts = &r->environment, .command = command, .seed = seed};
    r->path = db ? cn_strdup(db) : st_home_path("results/study.db");
    if (!r->path) return cn_fail(error, CN_ENOMEM, "out of memory");
    cn_status status = st_store_open_within(&r->store, r->path, patience_s, error);
    return status ? status : st_environment_capture(&r->environment, "/", error);
}

void st_recording_finish(st_recording *r)
{
    if (r->store.path) st_store_close(&r->store);
    r->store = (st_store){.lock = -1};
}

void st_recording_close(st_recording *r)
{
    st_recording_finish(r);
    st_environment_clear(&r->environment);
    cn_free(r->path);
    *r = (st_recording){.store = {.lock = -1}};
}
