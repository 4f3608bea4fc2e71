#include "measure/own.h"

#include "condense/passes.h"

const char *st_own_name(st_own own)
{
    static const char *const names[] = {"condense", "condense-unordered", "condense-dense",
                                        "condense-direct"};
    return names[own];
}

cn_session_options st_own_options(st_own own, const cn_session_options *planned,
                                  const cn_wisdom *direct)
{
    cn_session_options options = *planned;
    if (own == ST_OWN_UNORDERED) options.reorder = false;
    if (own == ST_OWN_DENSE || own == ST_OWN_DIRECT) {
        options.sparse = false;
        options.passes &= ~(unsigned)CN_PASS_SHRINK;
    }
    if (own == ST_OWN_DIRECT) options.wisdom = direct;
    return options;
}

/* A layer that cannot go this way keeps the static choice. */
static cn_status add_layers(const cn_session *session, const cn_session_options *options,
                            cn_wisdom *direct, cn_error *error)
{
    int32_t count;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    cn_status status = CN_OK;
    for (int32_t i = 0; i < count && !status; i++) {
        if (!profile[i].signature) continue;
        cn_wisdom_key key = {cn_session_isa(session), options->threads, options->batch,
                             profile[i].signature};
        status = cn_wisdom_add(direct, &key, "panel", 0, error);
    }
    return status;
}

cn_status st_own_direct(const cn_graph *graph, const cn_weights *weights,
                        const cn_session_options *planned, cn_wisdom **direct, cn_error *error)
{
    cn_session_options options = st_own_options(ST_OWN_DENSE, planned, NULL);
    cn_session *session = NULL;
    *direct = NULL;
    options.wisdom = NULL;
    cn_status status = cn_session_new(&session, graph, weights, &options, error);
    if (!status) status = cn_wisdom_new(direct, "this", error);
    if (!status) status = add_layers(session, &options, *direct, error);
    cn_session_free(session);
    if (!status) return CN_OK;
    cn_wisdom_free(*direct);
    *direct = NULL;
    return status;
}
