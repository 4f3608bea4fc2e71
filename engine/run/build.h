/* What a session is made of, and how it is made. */
#ifndef CONDENSE_RUN_BUILD_H
#define CONDENSE_RUN_BUILD_H

#include "condense/session.h"
#include "plan/choice.h"
#include "plan/memory.h"
#include "run/integers.h"
#include "run/step.h"

struct cn_session {
    cn_session_options options;
    cn_graph graph; /* as planned: after the passes */
    cn_integers integers;
    cn_memory_plan plan;
    void *arena;
    cn_pool *pool;
    /* Steps in order: the first reads the caller's input, the last writes the caller's output. */
    cn_step *steps;
    int32_t step_count;
    char *scratch;
    size_t scratch_pitch;               /* bytes from thread to thread */
    cn_layer_profile *profile;          /* one a layer of `graph` */
    char (*choices)[CN_CONV_NAME_SIZE]; /* of the profile's layers */
    cn_session_memory memory;
};

/* Fills a zeroed session whose options are set. On failure what was built is left for
 * cn_session_free. */
cn_status cn_session_build(cn_session *session, const cn_graph *graph, const cn_weights *weights,
                           cn_error *error);

#endif
