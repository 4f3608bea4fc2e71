/* A cell whose network computes nonsense gets a verdict, and the layer is named. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "study/trial.h"

static st_fact facts[1] = {{"cpu.model", "a", NULL}};
static const st_environment environment = {facts, 1, 1};

/* lenet5 with random weights, ready but for st_trial_prepare. */
static void open_trial(st_trial *trial, st_plan *plan, st_energy **energy)
{
    st_energy_options options = st_energy_defaults();
    options.source = "none";
    cn_error error;
    const char *values[ST_AXIS_COUNT] = {[ST_AXIS_MODEL] = "lenet5", [ST_AXIS_WEIGHTS] = "random"};
    *plan = st_plan_new();
    *trial = (st_trial){0};
    cr_assert_eq(st_energy_open(energy, &options, &error), CN_OK, "%s", error.message);
    cr_assert_eq(st_plan_add_matrix(plan, values, "", &error), CN_OK, "%s", error.message);
    cr_assert_eq(st_cell_open(&trial->cell, &plan->requests[0], &environment, &error), CN_OK, "%s",
                 error.message);
}

static void close_trial(st_trial *trial, st_plan *plan, st_energy *energy)
{
    st_trial_close(trial);
    st_plan_clear(plan);
    st_energy_close(energy);
}

Test(trial, outputs_that_are_not_finite_name_the_first_layer)
{
    st_trial trial;
    st_plan plan;
    st_energy *energy;
    open_trial(&trial, &plan, &energy);
    cn_tensor *weight = cn_weights_find(&trial.cell.weights, "conv2.weight");
    cr_assert(weight);
    for (int64_t i = 0; i < cn_tensor_count(weight); i++)
        weight->data[i] = 3e38F;
    cr_assert_eq(st_trial_prepare(&trial, &plan.settings, energy, NULL, NULL), CN_OK);
    cr_expect_eq(trial.verdict, ST_INVALID_OUTPUT, "%s", st_verdict_name(trial.verdict));
    cr_expect(strstr(trial.reason, "conv2"), "%s", trial.reason);
    close_trial(&trial, &plan, energy);
}

Test(trial, a_run_that_gives_another_output_is_caught)
{
    st_trial trial;
    st_plan plan;
    st_energy *energy;
    cn_error error;
    open_trial(&trial, &plan, &energy);
    cr_assert_eq(st_trial_prepare(&trial, &plan.settings, energy, NULL, &error), CN_OK);
    cr_assert_eq(trial.verdict, ST_VALID, "%s", trial.reason);
    st_subject subject = st_trial_subject(&trial);
    cr_assert_eq(subject.run(&trial, 0, &error), CN_OK);
    cr_expect_eq(subject.check(&trial, 0, &error), CN_OK);
    trial.output[3] += 0.5F;
    cr_expect_eq(subject.check(&trial, 0, &error), CN_EDIVERGED);
    trial.output[3] = NAN;
    cr_expect_eq(subject.check(&trial, 0, &error), CN_EDIVERGED, "not a number");
    cr_expect_eq(trial.cell.findings.outputs_checked, 3);
    cr_expect_str_eq(trial.cell.findings.accuracy_reason, "random weights");
    cr_expect_gt(trial.cell.findings.plans[0].count, trial.cell.findings.plans[1].count - 1);
    cr_expect_eq(trial.cell.findings.dense[0].count, 0, "no weight is zero");
    close_trial(&trial, &plan, energy);
}

Test(trial, layers_with_zeros_are_timed_beside_dense_ones)
{
    st_trial trial;
    st_plan plan;
    st_energy *energy;
    open_trial(&trial, &plan, &energy);
    cn_tensor *weight = cn_weights_find(&trial.cell.weights, "conv2.weight");
    for (int64_t i = 0; i < cn_tensor_count(weight); i += 2)
        weight->data[i] = 0;
    cr_assert_eq(st_trial_prepare(&trial, &plan.settings, energy, NULL, NULL), CN_OK);
    for (int fusion = 0; fusion < 2; fusion++) {
        const st_layer_plan *own = &trial.cell.findings.plans[fusion],
                            *dense = &trial.cell.findings.dense[fusion];
        cr_assert_eq(own->count, dense->count);
        const st_layer_time *conv2 = st_layers_find(own, "conv2");
        cr_expect_eq(2 * conv2->nonzero_macs, conv2->macs);
        cr_expect_gt(st_layers_find(dense, "conv2")->ms, 0);
    }
    close_trial(&trial, &plan, energy);
}

Test(trial, stops_on_request)
{
    st_trial trial;
    st_plan plan;
    st_energy *energy;
    open_trial(&trial, &plan, &energy);
    const volatile int stop = 1;
    strcpy(trial.cell.identity.weights_label, "trained"); /* so that accuracy is measured */
    cn_status status = st_trial_prepare(&trial, &plan.settings, energy, &stop, NULL);
    cr_expect_eq(status, trial.cell.dataset ? CN_EINTERRUPTED : CN_OK);
    close_trial(&trial, &plan, energy);
}
