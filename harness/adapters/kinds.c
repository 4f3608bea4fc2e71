#include <string.h>

#include "adapters/engine.h"

const st_engine_kind *const st_engine_kinds[] = {
    &st_engine_condense,    &st_engine_floats,
    &st_engine_onednn,      &st_engine_onednn_int8,
    &st_engine_onnxruntime, &st_engine_onnxruntime_int8,
    &st_engine_openvino,    &st_engine_openvino_int8,
    &st_engine_xnnpack,     NULL};

const st_engine_kind *st_engine_find(const char *name)
{
    for (int i = 0; st_engine_kinds[i]; i++)
        if (!strcmp(st_engine_kinds[i]->name, name)) return st_engine_kinds[i];
    return NULL;
}
