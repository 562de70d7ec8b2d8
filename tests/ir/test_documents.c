/* Documents of records from strangers: where each fault is found, every cut, every failing allocation, TraceLens files byte for byte. */
#include "support/support.h"

#include <stdbool.h>

static evr_status read_text(evr_context *ctx, const char *text, size_t size, evr_ir_set **set, int64_t *offset)
{
    evr_error *err = NULL;
    evr_status status = evr_ir_read(ctx, text, size, set, &err);
    *offset = evr_error_offset(err);
    evr_error_free(err);
    return status;
}

static char *write_text(evr_context *ctx, const evr_ir_set *set, int32_t format, size_t *size)
{
    const evr_ir *records[16];
    char *text = NULL;
    size_t n = evr_ir_set_count(set);
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++)
        records[i] = evr_ir_set_at(set, i);
    assert_ok(evr_ir_write(ctx, records, n, format, &text, size, err));
    return text;
}

#define OWN "{\"evreplay_ir\":1,\"records\":["

/* The fault begins at the mark, which is taken out. */
static const struct {
    const char *text;
    evr_status status;
} faults[] = {
    {OWN "{\"op\":\"a::b\"}]@", EVR_E_TRUNCATED},
    {OWN "{\"op\":\"a::b\"}@", EVR_E_TRUNCATED},
    {OWN "]} @x", EVR_E_FORMAT},
    {OWN "]}@]", EVR_E_FORMAT},
    {"[{\"op_name\":\"a::b\"}] @{}", EVR_E_FORMAT},
    {"[{\"op_name\":\"a::b\"},@{}]", EVR_E_FORMAT},
    {"{\"evreplay_ir\":@\"1\",\"records\":[]}", EVR_E_FORMAT},
    {"{\"evreplay_ir\":1,\"records\":@{}}", EVR_E_FORMAT},
    {OWN "@{\"overload\":\"x\"}]}", EVR_E_FORMAT},
    {OWN "{\"op\":@7}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"uid\":@-1}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"count\":@-1}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"kernels\":[{\"count\":@-1}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"args\":[{\"from\":@\"magic\"}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"args\":[{\"value\":{\"complex\":@[1]}}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"args\":[{\"value\":{\"complex\":@[1,2,3]}}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"args\":[{\"value\":{\"dtype\":@\"float3\"}}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"args\":[{\"value\":@{\"strange\":1}}]}]}", EVR_E_FORMAT},
    {OWN "{\"op\":\"a::b\",\"args\":[{\"value\":{\"tensor\":@{\"shape\":[1,2],\"strides\":[1],\"dtype\":\"int8\"}}}]}]}", EVR_E_FORMAT},
    {"[{\"op_name\":\"a::b\",\"count\":@-1}]", EVR_E_FORMAT},
    {"[{\"op_name\":\"a::b\",\"replay_ir\":{\"list_pos_args\":[{\"value\":@{\"dtype\":\"int\"}}]}}]", EVR_E_FORMAT},
};

static void test_documents__faults_and_where(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char text[512];
        const char *mark = strchr(faults[i].text, '@');
        size_t at = (size_t)(mark - faults[i].text);
        int n = snprintf(text, sizeof text, "%.*s%s", (int)at, faults[i].text, mark + 1);
        evr_ir_set *set = NULL;
        int64_t offset;
        evr_status status = read_text(ctx, text, (size_t)n, &set, &offset);
        if (status != faults[i].status || offset != (int64_t)at || set)
            fail_msg("%s: %s at %lld", faults[i].text, evr_status_name(status), (long long)offset);
    }
    test_context_done(ctx, &m);
}

static void test_documents__later_version(void **state)
{
    (void)state;
    static const char text[] = "{\"evreplay_ir\":2,\"records\":[{\"something\":\"else\"}]}";
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = NULL;
    evr_error *err = NULL;
    assert_int_equal(evr_ir_read(ctx, text, strlen(text), &set, &err), EVR_E_UNSUPPORTED);
    assert_non_null(strstr(evr_error_message(err), "version 2"));
    assert_non_null(strstr(evr_error_hint(err), "update"));
    evr_error_free(err);
    test_context_done(ctx, &m);
}

/* What a later minor version may add is passed over; an element type that is not known keeps its name. */
static void test_documents__unknown_fields(void **state)
{
    (void)state;
    static const char text[] = "{\"made_by\":{\"x\":[1,{}]},\"evreplay_ir\":1,\"records\":[{\"op\":\"a::b\",\"mood\":[[]],\"args\":[{\"name\":\"x\",\"more\":1,"
                               "\"value\":{\"tensor\":{\"shape\":[2],\"strides\":[1],\"dtype\":\"float3\",\"colour\":\"red\"},\"new\":2}}]}],\"end\":null}";
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = NULL;
    assert_ok(evr_ir_read(ctx, text, strlen(text), &set, err));
    const evr_tensor *t = evr_ir_argument(evr_ir_set_at(set, 0), 0)->value.u.tensor;
    assert_int_equal(t->dtype, EVR_DTYPE_UNKNOWN);
    assert_str(t->dtype_text, "float3");
    evr_ir_set_free(set);
    test_context_done(ctx, &m);
}

static const char *const files[] = {"ir/kinds.tracelens.json", "ir/kinds.evreplay.json"};

static void test_documents__files_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        size_t size, again_size;
        evr_ir_set *set = NULL;
        char *text = test_read_file(test_data(files[i]), &size);
        assert_non_null(text);
        assert_ok(evr_ir_read(ctx, text, size, &set, err));
        char *again = write_text(ctx, set, strstr(files[i], "tracelens") ? EVR_IR_FORMAT_TRACELENS : EVR_IR_FORMAT_EVREPLAY, &again_size);
        assert_string_equal(again, text);
        assert_int_equal(again_size, size);
        evr_text_free(ctx, again);
        evr_ir_set_free(set);
        free(text);
        test_context_done(ctx, &m);
    }
}

/* A cut document is refused; the only bytes that may go are the white space at the end. */
static void test_documents__every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        size_t size;
        char *text = test_read_file(test_data(files[i]), &size);
        assert_non_null(text);
        for (size_t cut = 0; cut + 1 < size; cut++) {
            char *part = malloc(cut + 1); /* so that sanitizers see a byte read too many */
            memcpy(part, text, cut);
            evr_ir_set *set = NULL;
            int64_t offset;
            if (read_text(ctx, part, cut, &set, &offset) == EVR_OK || set)
                fail_msg("%s cut to %zu bytes was read", files[i], cut);
            free(part);
        }
        free(text);
        test_context_done(ctx, &m);
    }
}

static void test_documents__no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size, out_size;
        char *text = test_read_file(test_data(files[i]), &size);
        assert_non_null(text);
        bool done = false;
        for (size_t fail = 1; !done; fail++) {
            test_memory m;
            evr_context *ctx = test_context(&m);
            evr_ir_set *set = NULL;
            int64_t offset;
            m.fail_after = m.calls + fail;
            evr_status status = read_text(ctx, text, size, &set, &offset);
            char *out = NULL;
            const evr_ir *one = set ? evr_ir_set_at(set, 0) : NULL;
            if (status == EVR_OK)
                status = evr_ir_write(ctx, &one, 1, (int32_t)(fail & 1), &out, &out_size, NULL);
            m.fail_after = 0;
            done = status == EVR_OK;
            if (!done && (status != EVR_E_NOMEM || fail >= 2000))
                fail_msg("%s, failing at allocation %zu: %s", files[i], fail, evr_status_name(status));
            evr_text_free(ctx, out);
            evr_ir_set_free(set);
            test_context_done(ctx, &m);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents__faults_and_where),
        cmocka_unit_test(test_documents__later_version),
        cmocka_unit_test(test_documents__unknown_fields),
        cmocka_unit_test(test_documents__files_byte_for_byte),
        cmocka_unit_test(test_documents__every_cut),
        cmocka_unit_test(test_documents__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
