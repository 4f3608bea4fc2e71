#include "data/transform.h"

#include <stdio.h>
#include <string.h>

#include "data/json.h"

cn_status st_transform_read(st_transform *transform, const cJSON *rule, cn_error *error)
{
    static const char order[] = "OIHW";
    const char *layout = st_json_text(rule, "layout");
    *transform = (st_transform){
        .drop_class = (int32_t)st_json_whole(rule, "drop_class", -1),
        .swap_channels = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rule, "swap_channels"))};
    if (!layout) layout = order;
    for (int i = 0; i < 4; i++) {
        const char *at = strlen(layout) == 4 ? strchr(layout, order[i]) : NULL;
        if (!at)
            return cn_fail(error, CN_EFORMAT,
                           "layout '%s' is not an order of the letters O, I, H, W", layout);
        transform->axis[i] = (int32_t)(at - layout);
    }
    return CN_OK;
}

/* A tensor seen as output x input x height x width. */
typedef struct filter_view {
    const float *data;
    int64_t size[4], stride[4];
} filter_view;

/* Filters by the layout; matrices as 1 x 1 filters, vectors as 1 x 1 filters of one input. */
static filter_view view_of(const st_transform *transform, const cn_tensor *tensor)
{
    filter_view view = {.data = tensor->data, .size = {1, 1, 1, 1}};
    int64_t stride = 1, strides[4] = {0};
    for (int32_t i = tensor->rank; i-- > 0;) {
        strides[i] = stride;
        stride *= tensor->dims[i];
    }
    for (int32_t i = 0; i < tensor->rank; i++) {
        int32_t axis = tensor->rank == 4 ? transform->axis[i] : i;
        view.size[i] = tensor->dims[axis];
        view.stride[i] = strides[axis];
    }
    return view;
}

static void shape_text(char text[64], const cn_tensor *tensor)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(text + used, 64 - used, "%s%d", i ? " x " : "", tensor->dims[i]);
}

static cn_status misfit(const cn_tensor *from, const cn_tensor *to, cn_error *error)
{
    char have[64], want[64];
    shape_text(have, from);
    shape_text(want, to);
    return cn_fail(error, CN_EFORMAT, "the source's '%s' is %s and does not fit '%s', which is %s",
                   from->name, have, to->name, want);
}

cn_status st_transform_apply(const st_transform *transform, const cn_tensor *from, cn_tensor *to,
                             cn_error *error)
{
    filter_view in = view_of(transform, from);
    int64_t dropped = transform->drop_class, size[4] = {1, 1, 1, 1};
    if (dropped >= in.size[0]) return misfit(from, to, error);
    in.size[0] -= dropped >= 0;
    for (int32_t i = 0; i < to->rank; i++)
        size[i] = to->dims[i];
    if (memcmp(size, in.size, sizeof size) != 0) return misfit(from, to, error);
    if (transform->swap_channels && to->rank == 4 && size[1] != 3) return misfit(from, to, error);

    float *out = to->data;
    for (int64_t o = 0; o < size[0]; o++)
        for (int64_t i = 0; i < size[1]; i++)
            for (int64_t h = 0; h < size[2]; h++)
                for (int64_t w = 0; w < size[3]; w++) {
                    int64_t row = dropped >= 0 && o >= dropped ? o + 1 : o;
                    int64_t input = transform->swap_channels && to->rank == 4 ? 2 - i : i;
                    *out++ = in.data[row * in.stride[0] + input * in.stride[1] + h * in.stride[2] +
                                     w * in.stride[3]];
                }
    return CN_OK;
}
