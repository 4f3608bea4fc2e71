/* Wisdom: its text, its file, the candidates, and sessions that follow it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "condense/memory.h"
#include "condense/session.h"
#include "condense/wisdom.h"
#include "env/wisdom.h"
#include "nets.h"
#include "plan/choice.h"

static cn_wisdom *make(const char *processor)
{
    cn_wisdom *wisdom;
    cr_assert_eq(cn_wisdom_new(&wisdom, processor, NULL), CN_OK);
    return wisdom;
}

static cn_wisdom_key key(int32_t threads, const char *signature)
{
    return (cn_wisdom_key){CN_ISA_SCALAR, threads, 1, signature};
}

static void add(cn_wisdom *wisdom, int32_t threads, const char *signature, const char *choice)
{
    cn_wisdom_key k = key(threads, signature);
    cr_assert_eq(cn_wisdom_add(wisdom, &k, choice, 12.5, NULL), CN_OK);
}

static void expect_choice(const cn_wisdom *wisdom, int32_t threads, const char *signature,
                          const char *choice)
{
    cn_wisdom_key k = key(threads, signature);
    const char *found = cn_wisdom_find(wisdom, &k);
    if (choice)
        cr_expect(found && !strcmp(found, choice), "%s: %s", signature, found ? found : "nothing");
    else
        cr_expect_null(found, "%s: %s", signature, found);
}

static cn_status parse(cn_wisdom *wisdom, const char *text, cn_error *error)
{
    return cn_wisdom_parse(wisdom, text, strlen(text), "file", error);
}

Test(wisdom, text_is_read_back_as_itself)
{
    cn_wisdom *wisdom = make("a\tprocessor\n"), *again = make("a processor ");
    add(wisdom, 2, "conv:b", "panel");
    add(wisdom, 1, "conv:c", "winograd4");
    add(wisdom, 1, "conv:a", "panel");
    add(wisdom, 1, "conv:a", "panel2"); /* takes the other's place */
    cr_expect_eq(cn_wisdom_count(wisdom), 3);
    char *text = cn_wisdom_text(wisdom);
    cn_error error = {0};
    cr_assert_eq(parse(again, text, &error), CN_OK, "%s", error.message);
    char *second = cn_wisdom_text(again);
    cr_expect_str_eq(text, second);
    expect_choice(again, 1, "conv:a", "panel2");
    expect_choice(again, 2, "conv:b", "panel");
    expect_choice(again, 1, "conv:b", NULL);
    cn_free(text);
    cn_free(second);
    cn_wisdom_free(wisdom);
    cn_wisdom_free(again);
}

Test(wisdom, other_processors_entries_are_kept_and_not_used)
{
    cn_wisdom *mine = make("mine"), *theirs = make("theirs");
    add(theirs, 1, "conv:a", "panel");
    char *text = cn_wisdom_text(theirs);
    cr_assert_eq(parse(mine, text, NULL), CN_OK);
    expect_choice(mine, 1, "conv:a", NULL);
    add(mine, 1, "conv:a", "panel2");
    expect_choice(mine, 1, "conv:a", "panel2");
    cr_expect_eq(cn_wisdom_count(mine), 2);
    cn_free(text);
    cn_wisdom_free(mine);
    cn_wisdom_free(theirs);
}

#define HEAD "condense wisdom 1\n"

Test(wisdom, malformed_texts_are_refused_with_their_line)
{
    static const struct {
        const char *text, *words;
        cn_status status;
    } cases[] = {
        {"", "file:1: is no wisdom", CN_EFORMAT},
        {"condense\n", "file:1: is no wisdom", CN_EFORMAT},
        {"condense wisdom 2\nwhatever\n", "another version", CN_EUNSUPPORTED},
        {"condense wisdom 10\n", "another version", CN_EUNSUPPORTED},
        {HEAD "\n# a comment\ncpu\tscalar\t1\t1\tconv:a\tpanel\n", "file:4: fields are missing",
         CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t1\tconv:a\tpanel\t1\t2\n", "file:2: there are too many", CN_EFORMAT},
        {HEAD "\tscalar\t1\t1\tconv:a\tpanel\t1\n", "file:2: the processor", CN_EFORMAT},
        {HEAD "cpu\tbest\t1\t1\tconv:a\tpanel\t1\n", "instruction-set level", CN_EFORMAT},
        {HEAD "cpu\tavx1024\t1\t1\tconv:a\tpanel\t1\n", "instruction-set level", CN_EFORMAT},
        {HEAD "cpu\tscalar\t0\t1\tconv:a\tpanel\t1\n", "threads", CN_EFORMAT},
        {HEAD "cpu\tscalar\t01\t1\tconv:a\tpanel\t1\n", "threads", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t99999999999999999999\tconv:a\tpanel\t1\n", "batch", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t-1\tconv:a\tpanel\t1\n", "batch", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t1\tconv a\tpanel\t1\n", "signature", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t1\tconv:a\t\t1\n", "choice", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t1\tconv:a\tpanel\tnan\n", "time", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t1\tconv:a\tpanel\t-1\n", "time", CN_EFORMAT},
        {HEAD "cpu\tscalar\t1\t1\tconv:a\tpanel\t1x\n", "time", CN_EFORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_wisdom *wisdom = make("cpu");
        cn_error error = {0};
        cr_expect_eq(parse(wisdom, cases[i].text, &error), cases[i].status, "%s", cases[i].text);
        cr_expect(strstr(error.message, cases[i].words), "%s: %s", cases[i].words, error.message);
        cr_expect_eq(cn_wisdom_count(wisdom), 0);
        cn_wisdom_free(wisdom);
    }
}

Test(wisdom, a_text_has_an_end)
{
    enum { LINES = 40000 };
    cn_wisdom *wisdom = make("cpu");
    char *text = cn_calloc(LINES, 64);
    size_t at = (size_t)sprintf(text, HEAD);
    for (int i = 0; i < LINES; i++)
        at += (size_t)sprintf(text + at, "cpu\tscalar\t1\t1\tconv:%06d\tpanel\t1\n", i);
    cn_error error = {0};
    cr_expect_eq(parse(wisdom, text, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, "more than"), "%s", error.message);
    cn_free(text);
    cn_wisdom_free(wisdom);
}

/* A file of its own, in a folder that is not there yet. */
static char folder[] = "/tmp/condense-wisdom-XXXXXX";
static char *file;

static void set_up(void)
{
    cr_assert(mkdtemp(folder));
    file = cn_sprintf("%s/deep/wisdom", folder);
    setenv("CONDENSE_WISDOM", file, 1);
}

static void tear_down(void)
{
    char *command = cn_sprintf("rm -r '%s'", folder);
    cr_expect_eq(system(command), 0);
    cn_free(command);
    cn_free(file);
}

/* Saves one entry as a process does that knows nothing of others. */
static void save(const char *signature, const char *choice)
{
    cn_wisdom *wisdom;
    cn_error error = {0};
    cr_assert_eq(st_wisdom_new(&wisdom, NULL), CN_OK);
    add(wisdom, 1, signature, choice);
    cr_assert_eq(st_wisdom_save(wisdom, &error), CN_OK, "%s", error.message);
    cn_wisdom_free(wisdom);
}

Test(wisdom, saving_adds_to_what_others_saved, .init = set_up, .fini = tear_down)
{
    cn_wisdom *wisdom;
    cr_assert_eq(st_wisdom_load(&wisdom, NULL), CN_OK);
    cr_expect_null(wisdom, "there is wisdom without a file");
    save("conv:a", "panel");
    save("conv:b", "panel");
    save("conv:a", "panel2");
    cr_assert_eq(st_wisdom_load(&wisdom, NULL), CN_OK);
    cr_assert_eq(cn_wisdom_count(wisdom), 2);
    expect_choice(wisdom, 1, "conv:a", "panel2");
    cn_wisdom_free(wisdom);
}

Test(wisdom, processes_do_not_lose_each_others_entries, .init = set_up, .fini = tear_down)
{
    enum { PROCESSES = 8, ENTRIES = 8 };
    for (int p = 0; p < PROCESSES; p++) {
        if (fork()) continue;
        for (int i = 0; i < ENTRIES; i++) {
            char signature[32];
            snprintf(signature, sizeof signature, "conv:%d:%d", p, i);
            save(signature, "panel");
        }
        _exit(0);
    }
    for (int p = 0, code; p < PROCESSES; p++)
        cr_assert(wait(&code) > 0 && code == 0);
    cn_wisdom *wisdom;
    cr_assert_eq(st_wisdom_load(&wisdom, NULL), CN_OK);
    cr_expect_eq(cn_wisdom_count(wisdom), PROCESSES * ENTRIES);
    cn_wisdom_free(wisdom);
}

static void write_file(const char *text)
{
    save("conv:a", "panel"); /* makes the folder */
    FILE *stream = fopen(file, "w");
    cr_assert(stream && fputs(text, stream) >= 0 && !fclose(stream));
}

Test(wisdom, a_damaged_file_is_named_and_never_overwritten, .init = set_up, .fini = tear_down)
{
    cn_wisdom *wisdom = NULL;
    cn_error error = {0};
    write_file(HEAD "nonsense\n");
    cr_expect_eq(st_wisdom_load(&wisdom, &error), CN_EFORMAT);
    cr_expect(strstr(error.message, "/deep/wisdom:2: "), "%s", error.message);
    cr_expect_null(wisdom);
    cr_assert_eq(st_wisdom_new(&wisdom, NULL), CN_OK);
    add(wisdom, 1, "conv:a", "panel");
    cr_expect_eq(st_wisdom_save(wisdom, &error), CN_EFORMAT);
    cn_wisdom_free(wisdom);
}

Test(wisdom, another_version_is_left_alone, .init = set_up, .fini = tear_down)
{
    cn_wisdom *wisdom = NULL;
    cn_error error = {0};
    write_file("condense wisdom 7\n");
    cr_expect_eq(st_wisdom_load(&wisdom, &error), CN_OK);
    cr_expect_null(wisdom);
    cr_expect_eq(st_wisdom_open(&wisdom, &error), CN_EUNSUPPORTED);
    cr_assert_eq(st_wisdom_new(&wisdom, NULL), CN_OK);
    add(wisdom, 1, "conv:a", "panel");
    cr_expect_eq(st_wisdom_save(wisdom, &error), CN_EUNSUPPORTED);
    cn_wisdom_free(wisdom);
}

static cn_conv_problem problem(int32_t channels, int32_t edge, int32_t kernel, int32_t groups)
{
    cn_shape shape = {channels, edge, edge};
    int32_t pad = kernel / 2;
    return (cn_conv_problem){.window = {.kernel_h = kernel,
                                        .kernel_w = kernel,
                                        .stride_h = 1,
                                        .stride_w = 1,
                                        .dilation_h = 1,
                                        .dilation_w = 1,
                                        .pad_top = pad,
                                        .pad_bottom = pad,
                                        .pad_left = pad,
                                        .pad_right = pad},
                             .in_c = channels,
                             .out_c = channels,
                             .groups = groups,
                             .in = shape,
                             .out = shape};
}

static cn_conv_way static_choice(const cn_conv_problem *p, cn_isa isa)
{
    const cn_window *w = &p->window;
    float *weight =
        test_values((int64_t)p->out_c * p->in_c / p->groups * w->kernel_h * w->kernel_w, 1);
    cn_conv *conv;
    cr_assert_eq(cn_conv_new(&conv, p, (cn_conv_way){CN_CONV_AUTO}, weight, NULL, isa, NULL),
                 CN_OK);
    cn_conv_way way = cn_conv_way_of(conv);
    cn_conv_free(conv);
    cn_free(weight);
    return way;
}

static bool same_way(cn_conv_way a, cn_conv_way b)
{
    return a.algorithm == b.algorithm && a.vectors == b.vectors &&
           a.weights_outer == b.weights_outer && a.split == b.split && a.input == b.input;
}

static void check_candidates(const cn_conv_problem *p, cn_plan_setting setting)
{
    cn_conv_way ways[CN_MOST_WAYS];
    int32_t count = cn_plan_candidates(p, setting, ways);
    double least = INFINITY;
    cr_assert(count >= 1 && count <= CN_MOST_WAYS);
    cr_expect(same_way(ways[0], static_choice(p, setting.isa)),
              "the first is not the static choice");
    for (int32_t k = 0; k < count; k++) {
        cr_assert(cn_conv_can(p, ways[k]));
        for (int32_t i = 0; i < k; i++)
            cr_expect_not(same_way(ways[i], ways[k]));
        if (setting.threads == 1) cr_expect_eq(ways[k].split, CN_SPLIT_AUTO);
        least = fmin(least, cn_conv_cost(p, ways[k].algorithm, setting.isa, setting.batch));
    }
    for (int i = CN_CONV_AUTO + 1; i < CN_CONV_ALGORITHMS; i++) {
        cn_conv_algorithm algorithm = (cn_conv_algorithm)i;
        if (cn_conv_can(p, (cn_conv_way){algorithm}))
            cr_expect_geq(cn_conv_cost(p, algorithm, setting.isa, setting.batch), least);
    }
    for (int32_t k = 1; k < count; k++)
        if (ways[k].algorithm != ways[0].algorithm)
            cr_expect_leq(cn_conv_cost(p, ways[k].algorithm, setting.isa, setting.batch),
                          2 * least);
}

Test(choice, candidates_begin_with_the_static_choice_and_none_is_hopeless)
{
    const cn_conv_problem problems[] = {problem(64, 56, 3, 1),  problem(512, 7, 3, 1),
                                        problem(64, 56, 1, 1),  problem(32, 17, 5, 1),
                                        problem(96, 28, 3, 96), problem(8, 1, 1, 2)};
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        for (int isa = CN_ISA_SCALAR; isa < CN_ISA_BEST; isa++)
            for (int32_t batch = 1; batch <= 64; batch *= 64)
                for (int32_t threads = 1; threads <= 3; threads++)
                    if (cn_isa_available((cn_isa)isa) == (cn_isa)isa)
                        check_candidates(&problems[i],
                                         (cn_plan_setting){(cn_isa)isa, batch, threads});
}

static bool is_candidate(const cn_conv_problem *p, cn_plan_setting setting, cn_conv_way way)
{
    cn_conv_way ways[CN_MOST_WAYS];
    int32_t count = cn_plan_candidates(p, setting, ways);
    for (int32_t i = 0; i < count; i++)
        if (same_way(ways[i], way)) return true;
    return false;
}

Test(choice, what_an_algorithm_leaves_open_is_tried_where_its_rule_says)
{
    const cn_plan_setting one = {CN_ISA_BEST, 1, 1}, two = {CN_ISA_BEST, 1, 2};
    const cn_conv_way by_rows = {CN_CONV_DEPTHWISE, .split = CN_SPLIT_PIXELS},
                      by_planes = {CN_CONV_DEPTHWISE, .split = CN_SPLIT_CHANNELS},
                      shared = {CN_CONV_PANEL, .split = CN_SPLIT_CHANNELS},
                      outer = {CN_CONV_PANEL, .weights_outer = true},
                      narrower = {CN_CONV_PANEL, .vectors = 2};
    const cn_conv_problem wide = problem(32, 56, 3, 32), small = problem(512, 1, 3, 512);
    cr_expect_not(is_candidate(&wide, one, by_planes), "there is one thread");
    cr_expect(is_candidate(&wide, two, by_planes));
    cr_expect_not(is_candidate(&wide, two, by_rows), "that is its own rule");
    cr_expect_not(is_candidate(&small, two, by_rows), "there is one row");
    const cn_conv_problem first = problem(3, 64, 1, 1), middle = problem(64, 56, 1, 1),
                          last = problem(4096, 8, 1, 1), deep = problem(12000, 8, 1, 1);
    cr_expect(is_candidate(&middle, two, shared));
    cr_expect(is_candidate(&first, one, outer), "its panels are small");
    cr_expect_not(is_candidate(&first, one, narrower), "its panels are small");
    cr_expect_not(is_candidate(&last, (cn_plan_setting){CN_ISA_SCALAR, 1, 1}, narrower),
                  "a scalar panel is narrow");
    cr_expect_not(is_candidate(&deep, one, outer), "two panels do not fit");
}

Test(choice, names_of_ways_are_read_back_and_others_refused)
{
    char name[CN_CONV_NAME_SIZE];
    cn_conv_way back;
    for (int a = CN_CONV_AUTO + 1; a < CN_CONV_ALGORITHMS; a++)
        for (int32_t i = 0; i < 3 * 2 * 3 * 3; i++) {
            cn_conv_way way = {(cn_conv_algorithm)a, i % 3, i / 3 % 2, (cn_conv_split)(i / 6 % 3),
                               (cn_conv_input)(i / 18)};
            cn_conv_way_name(way, name);
            cr_assert(cn_conv_way_parse(name, &back), "%s", name);
            cr_expect(same_way(way, back), "%s", name);
        }
    cn_conv_way_name((cn_conv_way){CN_CONV_PANEL, .vectors = 2, .weights_outer = true,
                                   .split = CN_SPLIT_CHANNELS},
                     name);
    cr_expect_str_eq(name, "panel/2_vectors/weights_outer/by_channels");
    static const char *const refused[] = {"",
                                          "auto",
                                          "panel/",
                                          "panel//by_pixels",
                                          "panel2",
                                          "/panel",
                                          "panel/3_vectors",
                                          "by_pixels",
                                          "panel/by_pixels/2_vectors",
                                          "panel ",
                                          "panel/by_pixel",
                                          "panel/by_pixelss",
                                          "panel/by_pixels/by_pixels"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(cn_conv_way_parse(refused[i], &back), "'%s'", refused[i]);
}

Test(choice, signatures_tell_layers_apart)
{
    char a[CN_SIGNATURE_SIZE], b[CN_SIGNATURE_SIZE];
    cn_conv_problem p = problem(64, 56, 3, 1), q = p;
    cn_plan_signature(&p, a);
    cr_expect_str_eq(a, "conv:64x56x56:64x56x56:k3x3:s1x1:d1x1:p1,1,1,1:g1:r0");
    q.activation = CN_ACT_RELU;
    cn_plan_signature(&q, b);
    cr_expect_str_eq(a, b);
    q.residual = true;
    cn_plan_signature(&q, b);
    cr_expect_str_neq(a, b);
    memset(&q, 0x7f, sizeof q); /* the longest numbers fit */
    q.residual = true;
    q.mask = NULL;
    cn_plan_signature(&q, b);
    cr_expect_lt(strlen(b), CN_SIGNATURE_SIZE - 1);
    cr_expect_str_eq(b + strlen(b) - 3, ":r1");
}

/* What wisdom of "sparse1" comes to for a layer in which of every ten weights `kept` are not zero.
 */
static cn_conv_algorithm chosen_of_sparse1(cn_isa isa, int64_t kept)
{
    cn_conv_problem p = problem(64, 14, 1, 1);
    const int64_t count = (int64_t)p.out_c * p.in_c;
    float *weight = test_values(count, 1);
    for (int64_t i = 0; i < count; i++)
        weight[i] = i % 10 < kept ? weight[i] : 0;
    cn_mask *mask;
    cr_assert_eq(cn_mask_new(&mask, weight, 1, p.out_c, (size_t)p.in_c, true, NULL), CN_OK);
    p.mask = mask;
    char signature[CN_SIGNATURE_SIZE];
    cn_plan_signature(&p, signature);
    cn_wisdom *wisdom = make("this");
    cn_wisdom_key k = {isa, 1, 1, signature};
    cr_assert_eq(cn_wisdom_add(wisdom, &k, "sparse1", 1, NULL), CN_OK);
    cn_conv_way way = cn_plan_choose(&p, wisdom, k);
    cn_wisdom_free(wisdom);
    cn_mask_free(mask);
    cn_free(weight);
    return way.algorithm;
}

Test(choice, wisdom_may_not_make_a_network_larger)
{
    const cn_isa isa = cn_isa_available(CN_ISA_BEST);
    cr_expect_eq(chosen_of_sparse1(isa, 2), CN_CONV_SPARSE1);
    cr_expect_eq(chosen_of_sparse1(isa, 9), CN_CONV_AUTO);
}

/* Wisdom in which every convolution of the session goes by `way`, if it can. */
static cn_wisdom *force(const cn_session *session, const char *way, int32_t batch, int32_t *forced)
{
    cn_wisdom *wisdom = make("this");
    int32_t count;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    *forced = 0;
    for (int32_t i = 0; i < count; i++) {
        if (!profile[i].signature) continue;
        cn_wisdom_key k = {cn_session_isa(session), 1, batch, profile[i].signature};
        cr_assert_eq(cn_wisdom_add(wisdom, &k, way, 1, NULL), CN_OK);
        ++*forced;
    }
    return wisdom;
}

/* The network by `way` against the static plan's double-precision reference. Returns the number of
 * layers that went that way. */
static int32_t check_forced(const test_net *net, const char *way)
{
    enum { BATCH = 2 };
    cn_graph graph = net->make();
    cn_weights weights = test_weights(&graph, 7);
    int64_t in = BATCH * cn_shape_count(graph.layers[0].shape);
    int64_t out = BATCH * cn_shape_count(graph.layers[graph.count - 1].shape);
    float *input = test_values(in, 3), *output = test_values(out, 4);
    double *right = cn_calloc((size_t)out, sizeof *right);
    cr_assert_eq(cn_reference_run(&graph, &weights, BATCH, input, right, NULL, NULL), CN_OK);
    cn_session_options options = cn_session_defaults();
    options.batch = BATCH;
    cn_session *session;
    int32_t convolutions, went = 0, depthwise = 0, count;
    cr_assert_eq(cn_session_new(&session, &graph, &weights, &options, NULL), CN_OK);
    cn_wisdom *wisdom = force(session, way, BATCH, &convolutions);
    cn_session_free(session);
    options.wisdom = wisdom;
    cr_assert_eq(cn_session_new(&session, &graph, &weights, &options, NULL), CN_OK);
    cn_wisdom_free(wisdom); /* the session has no more need of it */
    cr_assert_eq(cn_session_run(session, input, output, NULL), CN_OK);
    cr_expect_lt(test_error(output, right, out), 1e-4, "%s by %s", net->name, way);
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++) {
        const char *choice = profile[i].choice ? profile[i].choice : "";
        depthwise += !strcmp(choice, "depthwise");
        if (strcmp(choice, way) != 0) continue;
        went++;
        if (!strncmp(way, "winograd", 8))
            cr_expect(strstr(profile[i].kernel, way), "%s goes by %s", way, profile[i].kernel);
    }
    if (!strcmp(way, "panel")) /* which takes all but what has only one way */
        cr_expect_eq(went + depthwise, convolutions, "%s", net->name);
    cn_session_free(session);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
    cn_free(input);
    cn_free(output);
    cn_free(right);
    return went;
}

Test(choice, sessions_go_the_way_that_wisdom_says)
{
    for (int a = CN_CONV_AUTO + 1; a < CN_CONV_SPARSE1;
         a++) { /* these have no weight that is zero */
        char name[CN_CONV_NAME_SIZE];
        int32_t went = 0;
        cn_conv_way_name((cn_conv_way){(cn_conv_algorithm)a}, name);
        for (const test_net *net = test_nets; net->name; net++)
            went += check_forced(net, name);
        cr_expect_gt(went, 0, "no layer went by %s", name);
    }
    for (const test_net *net = test_nets; net->name; net++)
        cr_expect_eq(check_forced(net, "a_way_of_another_version"), 0);
}

/* Wisdom in which the session's convolutions go as they do, but for the rest of the name. */
static cn_wisdom *vary(const cn_session *session, cn_session_options o, const char *rest)
{
    cn_wisdom *wisdom = make("this");
    int32_t count;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++) {
        if (!profile[i].signature) continue;
        cn_wisdom_key k = {cn_session_isa(session), o.threads, o.batch, profile[i].signature};
        char *way = cn_sprintf("%s%s", profile[i].choice, rest);
        cr_assert_eq(cn_wisdom_add(wisdom, &k, way, 1, NULL), CN_OK);
        cn_free(way);
    }
    return wisdom;
}

/* How many layers went the way with the name's rest. The outputs are the static plan's. */
static int32_t check_varied(const test_net *net, int32_t threads, const char *rest)
{
    cn_graph graph = net->make();
    cn_weights weights = test_weights(&graph, 7);
    cn_session_options options = cn_session_defaults();
    options.batch = 3;
    int64_t in = options.batch * cn_shape_count(graph.layers[0].shape);
    int64_t out = options.batch * cn_shape_count(graph.layers[graph.count - 1].shape);
    float *input = test_values(in, 3), *usual = test_values(out, 4), *output = test_values(out, 5);
    cn_session *session;
    cr_assert_eq(cn_session_new(&session, &graph, &weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_run(session, input, usual, NULL), CN_OK);
    options.threads = threads;
    cn_wisdom *wisdom = vary(session, options, rest);
    cn_session_free(session);
    options.wisdom = wisdom;
    cr_assert_eq(cn_session_new(&session, &graph, &weights, &options, NULL), CN_OK);
    cr_assert_eq(cn_session_run(session, input, output, NULL), CN_OK);
    cr_expect_arr_eq(output, usual, (size_t)out * sizeof *usual, "%s, %d threads, %s", net->name,
                     threads, rest);
    int32_t went = 0, count;
    const cn_layer_profile *profile = cn_session_profile(session, &count);
    for (int32_t i = 0; i < count; i++)
        went += profile[i].choice && strstr(profile[i].choice, rest);
    cn_session_free(session);
    cn_wisdom_free(wisdom);
    cn_graph_clear(&graph);
    cn_weights_clear(&weights);
    cn_free(input);
    cn_free(usual);
    cn_free(output);
    return went;
}

Test(choice, what_an_algorithm_leaves_open_changes_no_bit)
{
    static const char *const rests[] = {"/1_vector",      "/2_vectors",
                                        "/weights_outer", "/by_pixels",
                                        "/by_channels",   "/2_vectors/weights_outer/by_channels"};
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        int32_t went = 0;
        for (const test_net *net = test_nets; net->name; net++)
            for (int32_t threads = 1; threads <= 3; threads++)
                went += check_varied(net, threads, rests[i]);
        cr_expect_gt(went, 0, "no layer went by %s", rests[i]);
    }
}
