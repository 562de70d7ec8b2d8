/* Operator-input logs, written: what is read back, times, what is left out, and every failing allocation. */
#include "support/support.h"
#include "support/sweep.h"

#include "ir/record.h"

#include <evreplay/report.h>

#include <math.h>

/* The records of a text, which must be good. */
static evr_ir_set *read_log(evr_context *ctx, const char *text)
{
    evr_ir_set *set = NULL;
    assert_ok(evr_ir_read(ctx, text, strlen(text), &set, err));
    return set;
}

/* Reads, writes and reads again: the same records, by their keys, and the same text. */
static void round_trip(evr_context *ctx, const char *text, size_t least)
{
    evr_ir_set *set = read_log(ctx, text), *again = NULL;
    const evr_ir **records = calloc(evr_ir_set_count(set) + 1, sizeof *records);
    double *times = calloc(evr_ir_set_count(set) + 1, sizeof *times);
    char *log = NULL, *twice = NULL;
    size_t size, written, count = evr_ir_set_count(set), n = 0;
    assert_non_null(records);
    assert_non_null(times);
    for (size_t i = 0; i < count; i++) {
        records[i] = evr_ir_set_at(set, i);
        times[i] = evr_ir_set_runtime(set, i);
    }
    assert_ok(evr_ir_write_log(ctx, records, count, times, &log, &size, &written, err));
    assert_int_equal(size, strlen(log));
    assert_true(written >= least && written <= count);
    again = read_log(ctx, log);
    assert_int_equal(evr_ir_set_count(again), written);
    for (size_t i = 0; i < count && n < written; i++) { /* operators of the samples stand together, so that the order stays */
        char before[33], after[33];
        assert_ok(evr_ir_key(records[i], before, err));
        assert_ok(evr_ir_key(evr_ir_set_at(again, n), after, err));
        if (strcmp(before, after) != 0) /* left out */
            continue;
        assert_int_equal(evr_ir_count(records[i]), evr_ir_count(evr_ir_set_at(again, n)));
        assert_true(evr_ir_set_runtime(again, n) == times[i]);
        n++;
    }
    assert_int_equal(n, written);
    for (size_t i = 0; i < written; i++)
        records[i] = evr_ir_set_at(again, i);
    for (size_t i = 0; i < written; i++)
        times[i] = evr_ir_set_runtime(again, i);
    assert_ok(evr_ir_write_log(ctx, records, written, times, &twice, NULL, NULL, err));
    assert_string_equal(log, twice);
    evr_text_free(ctx, log);
    evr_text_free(ctx, twice);
    free(records);
    free(times);
    evr_ir_set_free(set);
    evr_ir_set_free(again);
}

static void test_oplog__written_and_read(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    size_t size;
    char *file = test_read_file(test_data("small_oplog.txt"), &size);
    assert_non_null(file);
    round_trip(ctx, file, 10);
    free(file);
    round_trip(ctx, "Operator: my.own.default\n"
                    "cnt: 3, ((T([2, 3], bf16, stride=(1, 2)), T([], i64), [T([4], b8), None], [1, -2], 1.5, inf, -inf, nan, (1+2j), (0.5-infj), True, 'it\\'s\\n\\\\'), "
                    "{'a': torch.channels_last, 'b': torch.sparse_coo, 'c': f8e4m3fn, 'd': []})  # 12.5 us\n"
                    "cnt: 1, ((T([7], torch.float8_e5m2),), {})\n", 2);
    test_context_done(ctx, &m);
}

/* Times behind calls in any unit; other comments are none. */
static void test_oplog__times(void **state)
{
    (void)state;
    static const struct {
        const char *comment;
        double ns;
    } all[] = {{"", -1}, {" # 12 us", 12e3}, {"#5.25 us on some GPU", 5250}, {" # 1e3 ns", 1000}, {" # 2 ms", 2e6}, {" # .5 s", 5e8}, {" # 3 \xC2\xB5s", 3000}, {" # 12", -1},
               {" # fast", -1}, {" # -3 us", -1}, {" # 1e400 us", -1}, {" #", -1}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[200];
        snprintf(text, sizeof text, "Operator: aten.abs.default\ncnt: 2, ((T([4], f32),), {})%s\n", all[i].comment);
        evr_ir_set *set = read_log(ctx, text);
        if (fabs(evr_ir_set_runtime(set, 0) - all[i].ns) > 1e-6)
            fail_msg("\"%s\" is %g ns, not %g", all[i].comment, evr_ir_set_runtime(set, 0), all[i].ns);
        assert_true(evr_ir_set_runtime(set, 1) < 0);
        evr_ir_set_free(set);
    }
    test_context_done(ctx, &m);
}

/* What a log has no notation for is left out, and an operator with it when nothing of it is left. */
static void test_oplog__left_out(void **state)
{
    (void)state;
    static const char records[] =
        "{\"evreplay_ir\":1,\"records\":["
        "{\"op\":\"aten::relu\",\"args\":[{\"name\":\"self\",\"value\":{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"float32\"}}}]},"
        "{\"op\":\"a b::c\",\"args\":[]},"
        "{\"op\":\"a::b\\nOperator: x\",\"args\":[]},"
        "{\"op\":\"aten::neg\",\"args\":[{\"name\":\"self\",\"from\":\"nowhere\"}]},"
        "{\"op\":\"aten::relu\",\"args\":[{\"name\":\"self\",\"value\":{\"tensor\":{\"shape\":[3],\"strides\":[1],\"dtype\":\"torch.x\\n\"}}}]},"
        "{\"op\":\"my::last\",\"count\":4,\"args\":[{\"name\":\"o'clock\",\"kwarg\":true,\"value\":1}]}]}";
    static const char log[] = "Operator: aten.relu.default\ncnt: 1, ((T([2], f32),), {})\nOperator: my.last.default\ncnt: 4, ((), {'o\\'clock': 1})\n";
    test_memory m;
    evr_context *ctx = test_context(&m);
    const evr_ir *all[6];
    evr_ir_set *set = read_log(ctx, records);
    char *out = NULL;
    size_t written = 0;
    assert_int_equal(evr_ir_set_count(set), 6);
    for (size_t i = 0; i < 6; i++)
        all[i] = evr_ir_set_at(set, i);
    assert_ok(evr_ir_write_log(ctx, all, 6, NULL, &out, NULL, &written, err));
    assert_string_equal(out, log);
    assert_int_equal(written, 2);
    evr_text_free(ctx, out);
    assert_ok(evr_ir_write(ctx, all, 6, EVR_IR_FORMAT_LOG, &out, NULL, err));
    assert_string_equal(out, log);
    evr_text_free(ctx, out);
    assert_ok(evr_ir_write_log(ctx, NULL, 0, NULL, &out, NULL, NULL, err));
    assert_string_equal(out, "");
    evr_text_free(ctx, out);
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

static evr_status write_all(evr_context *ctx, void *user, evr_error **err)
{
    const evr_ir_set *set = user;
    const evr_ir *records[32];
    char *out = NULL;
    size_t n = 0;
    for (; n < 32 && n < evr_ir_set_count(set); n++)
        records[n] = evr_ir_set_at(set, n);
    evr_status status = evr_ir_write_log(ctx, records, n, NULL, &out, NULL, NULL, err);
    evr_text_free(ctx, out);
    return status;
}

static void test_oplog__writing_without_memory(void **state)
{
    (void)state;
    static const char text[] = "Operator: aten.add.Tensor\ncnt: 3, ((T([2, 3], bf16, stride=(1, 2)), 1.5), {'alpha': 2})\ncnt: 1, ((T([3], f32), 1), {})\n"
                               "Operator: aten.cat.default\ncnt: 1, (([T([3], f32), T([3], f32)], 0), {})\n";
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = read_log(ctx, text);
    test_sweep_both("writing a log", write_all, set);
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oplog__written_and_read),
        cmocka_unit_test(test_oplog__times),
        cmocka_unit_test(test_oplog__left_out),
        cmocka_unit_test(test_oplog__writing_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
