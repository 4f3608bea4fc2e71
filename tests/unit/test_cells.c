/* What makes two cells the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "study/cell.h"

static st_fact facts[3] = {
    {"machine.model", "a", NULL}, {"cpu.model", "b", NULL}, {"machine.emulated", "no", NULL}};
static const st_environment environment = {facts, 3, 3};

static st_request request_of(const char *model)
{
    st_plan plan = st_plan_new();
    const char *values[ST_AXIS_COUNT] = {[ST_AXIS_MODEL] = model, [ST_AXIS_WEIGHTS] = "random"};
    cr_assert_eq(st_plan_add_matrix(&plan, values, "", NULL), CN_OK);
    st_request request = plan.requests[0];
    st_plan_clear(&plan);
    return request;
}

static void identify(const st_request *request, char id[ST_HASH_SIZE])
{
    st_cell cell;
    cn_error error;
    cr_assert_eq(st_cell_open(&cell, request, &environment, &error), CN_OK, "%s", error.message);
    memcpy(id, cell.identity.id, ST_HASH_SIZE);
    st_cell_close(&cell);
}

Test(cells, identity_follows_what_is_measured)
{
    st_request base = request_of("lenet5");
    char id[ST_HASH_SIZE], other[ST_HASH_SIZE];
    identify(&base, id);
    cr_expect_eq(strlen(id), 64);
    identify(&base, other);
    cr_expect_str_eq(id, other, "the same request");

    st_request changed[6];
    for (int i = 0; i < 6; i++)
        changed[i] = base;
    changed[0].threads = 2;
    changed[1].batch = 4;
    changed[2].isa = CN_ISA_SCALAR;
    changed[3].fuse = false;
    strcpy(changed[4].scale, "imagenet");
    strcpy(changed[5].device, "generic");
    for (int i = 0; i < 6; i++) {
        identify(&changed[i], other);
        cr_expect_str_neq(id, other, "change %d", i);
    }
}

Test(cells, another_machine_is_another_cell)
{
    st_request request = request_of("lenet5");
    char id[ST_HASH_SIZE], other[ST_HASH_SIZE];
    identify(&request, id);
    facts[1].value = "c";
    identify(&request, other);
    cr_expect_str_neq(id, other);
}

Test(cells, configuration_is_canonical)
{
    st_request request = request_of("lenet5");
    st_cell cell;
    cr_assert_eq(st_cell_open(&cell, &request, &environment, NULL), CN_OK);
    const char *config = cell.identity.config;
    cr_expect_null(strchr(config, ' '));
    cr_expect_null(strchr(config, '\n'));
    const char *keys[] = {"backend", "batch",   "dataset", "device",  "emulated",
                          "isa",     "machine", "model",   "passes",  "rate",
                          "scale",   "scheme",  "threads", "variant", "weights"};
    const char *last = config;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char word[32];
        snprintf(word, sizeof word, "\"%s\":", keys[i]);
        const char *at = strstr(config, word);
        cr_assert(at && at >= last, "%s is missing or out of order: %s", keys[i], config);
        last = at;
    }
    st_cell_close(&cell);
}

Test(cells, sizes_count_zeros)
{
    st_request request = request_of("lenet5");
    st_cell cell;
    cr_assert_eq(st_cell_open(&cell, &request, &environment, NULL), CN_OK);
    st_sizes full = st_sizes_of(&cell.model.graph, &cell.weights);
    cr_expect_eq(full.dense_bytes, 4 * full.parameters);
    cr_expect_eq(full.effective_macs, full.macs);
    cr_expect_eq(full.compact_bytes, -1);
    cr_expect_gt(strlen(full.compact_reason), 0);
    st_sizes_compact(&full, &cell.weights);
    cr_expect_gt(full.compact_bytes, full.compact_value_bytes); /* names and shapes */
    cr_expect_lt(full.compact_bytes, full.stored_bytes + 1000);
    cr_expect_str_eq(full.compact_reason, "");
    cn_tensor *weight = NULL;
    for (int32_t i = 0; i < cell.weights.count && !weight; i++)
        if (cell.weights.tensors[i].rank == 2) weight = &cell.weights.tensors[i];
    cr_assert(weight);
    int64_t zeroed = cn_tensor_count(weight);
    memset(weight->data, 0, (size_t)zeroed * sizeof(float));
    st_sizes pruned = st_sizes_of(&cell.model.graph, &cell.weights);
    cr_expect_eq(pruned.nonzero, full.nonzero - zeroed);
    cr_expect_eq(pruned.effective_macs, full.macs - zeroed, "a fully connected weight is one MAC");
    cr_expect_eq(pruned.csr_bytes, full.csr_bytes - 8 * zeroed);
    cr_expect_eq(pruned.macs, full.macs);
    st_sizes_compact(&pruned, &cell.weights);
    cr_expect_leq(pruned.compact_bytes, full.compact_bytes - 4 * zeroed + 8);
    cr_expect_eq(pruned.compact_value_bytes, full.compact_value_bytes - 4 * zeroed);
    st_cell_close(&cell);
}
