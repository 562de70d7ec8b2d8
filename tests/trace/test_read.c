/* What the reader makes of a document: formats, spellings, odd and broken pieces. */
#include "support/support.h"

#include "trace/kineto.h"

static evr_trace *open_text(evr_context *ctx, const char *text, uint32_t flags)
{
    evr_trace_options o = {.struct_size = sizeof o, .flags = flags};
    evr_trace *trace = NULL;
    evr_error *e = NULL;
    if (evr_trace_open_memory(ctx, text, strlen(text), &o, &trace, &e) != EVR_OK)
        fail_msg("%s", evr_error_message(e));
    return trace;
}

static evr_event event_at(const evr_trace *trace, evr_uid uid)
{
    evr_event e = {.struct_size = sizeof e};
    assert_int_equal(evr_trace_event(trace, uid, &e, NULL), EVR_OK);
    return e;
}

static void test_read__every_field(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace *t = open_text(ctx,
        "{\"schemaVersion\": 1, \"distributedInfo\": {\"rank\": 3}, \"traceEvents\": [\n"
        "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::\\u0061dd\",\"pid\":7,\"tid\":\"main \\\"x\\\"\",\"ts\":1365627863588.761,\"dur\":57.843,"
        "\"args\":{\"External id\":2,\"Sequence number\":5,\"Fwd thread id\":1,\"Input Dims\":[[512],[]],\"Input type\":[\"float\",\"Scalar\"],"
        "\"Input Strides\":[[1],[]],\"Concrete Inputs\":[\"\",\"1\"],\"Ev Idx\":1}},\n"
        "{\"args\":{\"device\":1,\"stream\":\"108\",\"correlation\":18446744073709551615},\"dur\":\"2.5\",\"ts\":\"10\",\"name\":\"k\",\"cat\":\"kernel\",\"ph\":\"X\"}\n"
        "], \"traceName\": \"t\"}", 0);
    assert_int_equal(evr_trace_format(t), EVR_FORMAT_KINETO);
    assert_int_equal(evr_trace_event_count(t), 2);
    evr_event e = event_at(t, 0);
    assert_str(e.name, "aten::add");
    assert_str(e.category, "cpu_op");
    assert_str(e.pid, "7");
    assert_str(e.tid, "main \"x\"");
    assert_int_equal(e.start_ns, 1365627863588761);
    assert_int_equal(e.duration_ns, 57843);
    assert_int_equal(e.external_id, 2);
    assert_int_equal(e.sequence, 5);
    assert_int_equal(e.forward_thread, 1);
    assert_int_equal(e.phase, 'X');
    assert_str(evr_trace_arg(t, 0, EVR_ARG_DIMS), "[[512],[]]");
    assert_str(evr_trace_arg(t, 0, EVR_ARG_TYPES), "[\"float\",\"Scalar\"]");
    assert_str(evr_trace_arg(t, 0, EVR_ARG_STRIDES), "[[1],[]]");
    assert_str(evr_trace_arg(t, 0, EVR_ARG_VALUES), "[\"\",\"1\"]");
    assert_str(evr_trace_arg(t, 0, EVR_ARG_SCHEMA), "");
    assert_str(evr_trace_arg(t, 99, EVR_ARG_DIMS), "");
    e = event_at(t, 1); /* fields in any order, numbers quoted */
    assert_int_equal(e.kind, EVR_KIND_KERNEL);
    assert_int_equal(e.start_ns, 10000);
    assert_int_equal(e.duration_ns, 2500);
    assert_int_equal(e.device, 1);
    assert_int_equal(e.stream, 108);
    assert_true(e.correlation == UINT64_MAX);
    assert_str(evr_trace_metadata(t, evr_str_c("distributedInfo")), "{\"rank\": 3}");
    assert_str(evr_trace_metadata(t, evr_str_c("traceName")), "\"t\"");
    assert_str(evr_trace_metadata(t, evr_str_c("nothing")), "");
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_read__missing_and_odd_pieces(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace *t = open_text(ctx, "[null, 3, {}, {\"name\":\"a\",\"ph\":\"X\",\"cat\":\"cpu_op\"}, [1,{\"ts\":2}], \"text\","
                                  "{\"name\":\"b\",\"name\":\"c\",\"ts\":1,\"ts\":2,\"dur\":-5,\"cat\":\"cpu_op\",\"ph\":\"X\",\"unknown\":[{}]},"
                                  "{\"name\":7,\"args\":null,\"ph\":\"X\",\"ts\":\"soon\"}]", 0);
    assert_int_equal(evr_trace_event_count(t), 8); /* every entry keeps its place */
    assert_int_equal(event_at(t, 3).start_ns, EVR_NO_TIME);
    assert_int_equal(event_at(t, 3).kind, EVR_KIND_OP);
    assert_str(event_at(t, 6).name, "c"); /* of duplicates the last counts, as in Python */
    assert_int_equal(event_at(t, 6).start_ns, 2000);
    assert_int_equal(event_at(t, 6).duration_ns, 0);
    assert_str(event_at(t, 7).name, "7");
    assert_int_equal(event_at(t, 7).start_ns, EVR_NO_TIME);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_read__escaped_args_stay_json(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace *t = open_text(ctx, "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"record_param_comms\",\"ts\":1,\"dur\":1,"
                                  "\"args\":{\"Collective name\":\"all\\\"gather\",\"Concrete Inputs\":[\"a\\\\b\"]}}]", 0);
    assert_str(evr_trace_arg(t, 0, EVR_ARG_VALUES), "[\"a\\\\b\"]");
    assert_str(evr_trace_arg(t, 0, EVR_ARG_ALL), "{\"Collective name\":\"all\\\"gather\",\"Concrete Inputs\":[\"a\\\\b\"]}");
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_read__all_args(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const char *text = "[{\"cat\":\"kernel\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"name\":\"k\",\"args\":{\"grid\":[1,2,3]}}]";
    evr_trace *t = open_text(ctx, text, 0);
    assert_str(evr_trace_arg(t, 0, EVR_ARG_ALL), "");
    evr_trace_free(t);
    t = open_text(ctx, text, EVR_TRACE_ALL_ARGS);
    assert_str(evr_trace_arg(t, 0, EVR_ARG_ALL), "{\"grid\":[1,2,3]}");
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_read__any_window_gives_the_same(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    size_t size;
    char *text = test_read_file(test_data("small_kineto.json"), &size);
    assert_non_null(text);
    evr_trace *whole = NULL;
    assert_ok(evr_trace_open_memory(ctx, text, size, NULL, &whole, err));
    for (uint64_t window = 64; window < 3000; window += 37) {
        for (uint32_t threads = 1; threads <= 2; threads++) {
            evr_trace_options o = {.struct_size = sizeof o, .window_bytes = window, .threads = threads};
            evr_trace *t = NULL;
            assert_ok(evr_trace_open_memory(ctx, text, size, &o, &t, err));
            assert_int_equal(evr_trace_event_count(t), evr_trace_event_count(whole));
            assert_int_equal(evr_trace_metadata_count(t), evr_trace_metadata_count(whole));
            for (evr_uid uid = 0; uid < evr_trace_event_count(t); uid++) {
                evr_event a = event_at(t, uid), b = event_at(whole, uid);
                assert_true(a.start_ns == b.start_ns && a.duration_ns == b.duration_ns && a.parent == b.parent &&
                            a.kind == b.kind && a.correlation == b.correlation);
                assert_true(a.name.len == b.name.len && memcmp(a.name.data, b.name.data, a.name.len) == 0);
            }
            evr_trace_free(t);
        }
    }
    evr_trace_free(whole);
    free(text);
    test_context_done(ctx, &m);
}

static void test_read__value_longer_than_the_window(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    enum { LONG = 300000 };
    char *text = malloc(LONG + 200);
    int head = sprintf(text, "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"ts\":1,\"dur\":1,\"name\":\"");
    for (int i = 0; i < LONG; i++)
        text[head + i] = i % 97 == 96 ? '{' : (char)('a' + i % 26);
    sprintf(text + head + LONG, "\"},{\"ph\":\"X\",\"name\":\"after\"}]");
    evr_trace_options o = {.struct_size = sizeof o, .window_bytes = 512};
    evr_trace *t = NULL;
    assert_ok(evr_trace_open_memory(ctx, text, strlen(text), &o, &t, err));
    assert_int_equal(event_at(t, 0).name.len, LONG);
    assert_str(event_at(t, 1).name, "after");
    evr_trace_free(t);
    free(text);
    test_context_done(ctx, &m);
}

static void test_read__large_metadata_is_passed_over(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    enum { ITEMS = 400000 };
    char *text = malloc(ITEMS * 6 + 400), *p = text;
    p += sprintf(p, "{\"small\":[1],\"huge\":[[0]");
    for (int i = 0; i < ITEMS; i++)
        p += sprintf(p, ",[%d]", i % 10);
    sprintf(p, "],\"traceEvents\":[{\"name\":\"x\"}],\"last\":true}");
    evr_trace_options o = {.struct_size = sizeof o, .window_bytes = 4096};
    evr_trace *t = NULL;
    assert_ok(evr_trace_open_memory(ctx, text, strlen(text), &o, &t, err));
    assert_int_equal(evr_trace_event_count(t), 1);
    assert_str(evr_trace_metadata(t, evr_str_c("small")), "[1]");
    assert_str(evr_trace_metadata(t, evr_str_c("last")), "true");
    assert_str(evr_trace_metadata(t, evr_str_c("huge")), "");
    evr_trace_free(t);
    free(text);
    test_context_done(ctx, &m);
}

static const struct {
    const char *text;
    evr_status status;
    int64_t offset;
} refused[] = {
    {"", EVR_E_TRUNCATED, 0},
    {"  \n", EVR_E_TRUNCATED, 3},
    {"{", EVR_E_TRUNCATED, 1},
    {"{}", EVR_E_UNSUPPORTED, -1},
    {"{\"a\":1}", EVR_E_UNSUPPORTED, -1},
    {"3", EVR_E_FORMAT, 0},
    {"{\"traceEvents\":[{}", EVR_E_TRUNCATED, 18},
    {"{\"traceEvents\":[{\"name\":\"x", EVR_E_TRUNCATED, 26},
    {"{\"traceEvents\":[{]}", EVR_E_FORMAT, 17},
    {"{\"traceEvents\":[{} {}]}", EVR_E_FORMAT, 19},
    {"{\"traceEvents\":[{},]}", EVR_E_FORMAT, 19},
    {"{\"traceEvents\":[{}]} x", EVR_E_FORMAT, 21},
    {"{\"traceEvents\":[{\"name\" \"x\"}]}", EVR_E_FORMAT, 24},
    {"{traceEvents:[]}", EVR_E_FORMAT, 1},
    {"[{\"name\":\"a\xFF\"}]", EVR_E_FORMAT, 11},
    {"[{\"name\":\"a\nb\"}]", EVR_E_FORMAT, 11},
    {"\x1f\x8b\x07 no such method", EVR_E_FORMAT, 0},
};

static void test_read__refusals_say_where(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        evr_error *err = NULL;
        evr_trace *t = (evr_trace *)1;
        evr_status status = evr_trace_open_memory(ctx, refused[i].text, strlen(refused[i].text), NULL, &t, &err);
        if (status != refused[i].status || evr_error_offset(err) != refused[i].offset)
            fail_msg("%s: %s at %lld (%s)", refused[i].text, evr_status_name(status), (long long)evr_error_offset(err),
                     evr_error_message(err));
        assert_null(t);
        assert_int_equal(evr_error_code(err), status);
        evr_error_free(err);
    }
    test_context_done(ctx, &m);
}

static void test_read__recovery_keeps_whole_events(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace *t = open_text(ctx, "{\"traceEvents\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c", EVR_TRACE_RECOVER);
    assert_int_equal(evr_trace_event_count(t), 2);
    assert_int_equal(evr_error_code(evr_trace_damage(t)), EVR_E_TRUNCATED);
    evr_trace_free(t);
    t = open_text(ctx, "[{\"name\":\"a\"}]", EVR_TRACE_RECOVER);
    assert_null(evr_trace_damage(t));
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

static void test_read__limits_and_cancelling(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    const char *text = "[{},{},{}]";
    evr_trace_options o = {.struct_size = sizeof o, .max_events = 2};
    evr_trace *t = NULL;
    evr_error *err = NULL;
    assert_int_equal(evr_trace_open_memory(ctx, text, strlen(text), &o, &t, &err), EVR_E_LIMIT);
    assert_non_null(strstr(evr_error_hint(err), "max_events"));
    evr_error_free(err);
    o.struct_size = 3;
    assert_int_equal(evr_trace_open_memory(ctx, text, strlen(text), &o, &t, NULL), EVR_E_INVALID);
    assert_int_equal(evr_trace_open_memory(ctx, NULL, 5, NULL, &t, NULL), EVR_E_INVALID);
    assert_int_equal(evr_trace_open_file(ctx, "/no/such/file", NULL, &t, &err), EVR_E_IO);
    assert_non_null(strstr(evr_error_message(err), "/no/such/file"));
    evr_error_free(err);
    assert_int_equal(evr_trace_open_file(ctx, "/", NULL, &t, NULL), EVR_E_IO);
    test_context_done(ctx, &m);
}

static int32_t stop_at_once(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    ++*(int *)user;
    return 1;
}

static void test_read__progress_can_stop(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    int calls = 0;
    evr_trace_options o = {.struct_size = sizeof o, .progress = stop_at_once, .progress_user = &calls};
    evr_trace *t = NULL;
    assert_int_equal(evr_trace_open_memory(ctx, "[{}]", 4, &o, &t, NULL), EVR_E_CANCELLED);
    assert_null(t);
    assert_int_equal(calls, 1);
    test_context_done(ctx, &m);
}

static evr_status read_and_fail(void *user, void *buffer, size_t cap, size_t *got)
{
    (void)cap;
    int *calls = user;
    if ((*calls)++)
        return EVR_E_IO;
    memcpy(buffer, "[{},", 4);
    *got = 4;
    return EVR_OK;
}

static void test_read__source_failure_is_passed_on(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    int calls = 0;
    evr_source source = {.struct_size = sizeof source, .user = &calls, .read = read_and_fail};
    evr_trace *t = NULL;
    assert_int_equal(evr_trace_open_source(ctx, &source, NULL, &t, NULL), EVR_E_IO);
    assert_null(t);
    test_context_done(ctx, &m);
}

static void test_time__exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"0", 0}, {"1", 1000}, {"1.5", 1500}, {"1.001", 1001}, {"0.0004", 0}, {"0.0006", 1}, {"-2.25", -2250},
        {"1661203462598738", 1661203462598738000}, {"1365627863588.761", 1365627863588761}, {"1e3", 1000000},
        {"2.5e-1", 250}, {"\"12.5\"", 12500}, {"", EVR_NO_TIME}, {"null", EVR_NO_TIME}, {"NaN", EVR_NO_TIME},
        {"\"x\"", EVR_NO_TIME}, {"1e300", EVR_NO_TIME}, {"{}", EVR_NO_TIME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (evr_kineto_time(evr_str_c(cases[i].text)) != cases[i].ns)
            fail_msg("%s is %lld", cases[i].text, (long long)evr_kineto_time(evr_str_c(cases[i].text)));
}

/* The four generations of profilers write arguments differently; all of them are found. */
static void test_generations__arguments(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[{\"ph\":\"X\",\"cat\":\"Operator\",\"name\":\"aten::t\",\"pid\":1,\"tid\":1,\"ts\":5,\"dur\":2,"
        "\"args\":{\"Device\":1,\"External id\":1,\"Input Dims\":[[2]],\"Input type\":[\"GenericList\"]}}]",
        "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::t\",\"pid\":1,\"tid\":1,\"ts\":5,\"dur\":2,"
        "\"args\":{\"External id\":1,\"Input dims\":[[2]],\"Input type\":[\"Int\"]}}]",
        "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::t\",\"pid\":1,\"tid\":1,\"ts\":5.000,\"dur\":2.000,"
        "\"args\":{\"External id\":1,\"Input Dims\":[[2]],\"Input type\":[\"float\"],\"Concrete Inputs\":[\"\"]}}]",
        "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::t\",\"pid\":1,\"tid\":1,\"ts\":5.000,\"dur\":2.000,"
        "\"args\":{\"External id\":1,\"Input Dims\":[[2]],\"Input type\":[\"float\"],\"Input Strides\":[[1]],\"Concrete Inputs\":[\"\"]}}]",
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_trace *t = open_text(ctx, texts[i], 0);
        evr_event e = event_at(t, 0);
        assert_int_equal(e.kind, EVR_KIND_OP);
        assert_int_equal(e.start_ns, 5000);
        assert_int_equal(e.external_id, 1);
        assert_str(evr_trace_arg(t, 0, EVR_ARG_DIMS), "[[2]]");
        assert_int_equal(evr_trace_arg(t, 0, EVR_ARG_STRIDES).len > 0, i == 3);
        assert_int_equal(evr_trace_arg(t, 0, EVR_ARG_VALUES).len > 0, i >= 2);
        evr_trace_free(t);
    }
    test_context_done(ctx, &m);
}

static void test_execution__both_layouts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"schema\":\"1.0.1\",\"nodes\":["
        "{\"name\":\"[thread]\",\"id\":2,\"parent\":1,\"scope\":7,\"tid\":1,\"op_schema\":\"\",\"inputs\":[],\"input_shapes\":[],\"input_types\":[]},"
        "{\"name\":\"aten::mm\",\"id\":4,\"parent\":3,\"scope\":0,\"tid\":1,\"seq_id\":9,\"op_schema\":\"aten::mm(Tensor self, Tensor mat2) -> Tensor\","
        "\"inputs\":[[5,6,0,4,4,\"cuda:0\"],3],\"input_shapes\":[[2,2],[]],\"input_types\":[\"Tensor(float)\",\"Int\"],\"outputs\":[],\"output_shapes\":[[2]],\"output_types\":[\"Tensor(float)\"]},"
        "{\"name\":\"aten::linear\",\"id\":3,\"parent\":2,\"scope\":0,\"tid\":1,\"op_schema\":\"s\",\"inputs\":[],\"input_shapes\":[],\"input_types\":[]}]}",
        "{\"schema\":\"1.0.3\",\"nodes\":["
        "{\"id\":2,\"name\":\"[thread]\",\"ctrl_deps\":1,\"inputs\":{\"values\":[],\"shapes\":[],\"types\":[]},\"attrs\":[{\"name\":\"scope\",\"type\":\"uint64\",\"value\":7},{\"name\":\"op_schema\",\"type\":\"string\",\"value\":\"\"}]},"
        "{\"id\":4,\"name\":\"aten::mm\",\"ctrl_deps\":3,\"inputs\":{\"values\":[[15,16,0,4,4,\"cuda:0\"],3],\"shapes\":[[2,2],[]],\"types\":[\"Tensor(float)\",\"Int\"]},"
        "\"outputs\":{\"values\":[],\"shapes\":[[2]],\"types\":[\"Tensor(float)\"]},"
        "\"attrs\":[{\"name\":\"tid\",\"type\":\"uint64\",\"value\":1},{\"name\":\"seq_id\",\"type\":\"int64\",\"value\":9},{\"name\":\"op_schema\",\"type\":\"string\",\"value\":\"aten::mm(Tensor self, Tensor mat2) -> Tensor\"}]},"
        "{\"id\":3,\"name\":\"aten::linear\",\"ctrl_deps\":2,\"attrs\":[{\"name\":\"op_schema\",\"value\":\"s\"}]}]}",
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < 2; i++) {
        evr_trace *t = open_text(ctx, texts[i], 0);
        assert_int_equal(evr_trace_format(t), EVR_FORMAT_EXECUTION);
        assert_int_equal(evr_trace_event_count(t), 3);
        assert_int_equal(event_at(t, 0).kind, EVR_KIND_ANNOTATION);
        evr_event e = event_at(t, 1);
        assert_int_equal(e.kind, EVR_KIND_OP);
        assert_int_equal(e.parent, 2); /* children may come before their parents */
        assert_int_equal(e.sequence, 9);
        assert_int_equal(e.external_id, 4);
        assert_int_equal(event_at(t, 2).parent, EVR_NO_UID);
        assert_str(evr_trace_arg(t, 1, EVR_ARG_VALUES), "[[0,0,0,4,4,\"cuda:0\"],3]"); /* ids of this one run are dropped */
        assert_str(evr_trace_arg(t, 1, EVR_ARG_SCHEMA), "aten::mm(Tensor self, Tensor mat2) -> Tensor");
        assert_str(evr_trace_arg(t, 1, EVR_ARG_OUTPUTS), "[[[2]],[\"Tensor(float)\"]]");
        assert_int_equal(evr_trace_first_child(t, 2), 1);
        evr_trace_free(t);
    }
    test_context_done(ctx, &m);
}

static void test_execution__circles_end(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace *t = open_text(ctx, "{\"nodes\":[{\"name\":\"a\",\"id\":1,\"parent\":2,\"op_schema\":\"s\"},{\"name\":\"b\",\"id\":2,\"parent\":1,\"op_schema\":\"s\"},"
                                  "{\"name\":\"c\",\"id\":3,\"parent\":3,\"op_schema\":\"s\"}]}", 0);
    assert_int_equal(event_at(t, 0).parent, EVR_NO_UID);
    assert_int_equal(event_at(t, 1).parent, 0);
    assert_int_equal(event_at(t, 2).parent, EVR_NO_UID);
    evr_trace_free(t);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__every_field),
        cmocka_unit_test(test_read__missing_and_odd_pieces),
        cmocka_unit_test(test_read__escaped_args_stay_json),
        cmocka_unit_test(test_read__all_args),
        cmocka_unit_test(test_read__any_window_gives_the_same),
        cmocka_unit_test(test_read__value_longer_than_the_window),
        cmocka_unit_test(test_read__large_metadata_is_passed_over),
        cmocka_unit_test(test_read__refusals_say_where),
        cmocka_unit_test(test_read__recovery_keeps_whole_events),
        cmocka_unit_test(test_read__limits_and_cancelling),
        cmocka_unit_test(test_read__progress_can_stop),
        cmocka_unit_test(test_read__source_failure_is_passed_on),
        cmocka_unit_test(test_time__exact),
        cmocka_unit_test(test_generations__arguments),
        cmocka_unit_test(test_execution__both_layouts),
        cmocka_unit_test(test_execution__circles_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
