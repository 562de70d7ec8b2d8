/* Keys of records: the bytes are fixed for good, and only what docs/ir-format.md names goes into them. */
#include "support/support.h"

#include "base/sha256.h"

static void key_of(evr_context *ctx, const char *record, char key[33])
{
    char text[4096];
    evr_ir_set *set = NULL;
    int n = snprintf(text, sizeof text, "{\"evreplay_ir\":1,\"records\":[%s]}", record);
    assert_true(n > 0 && (size_t)n < sizeof text);
    assert_ok(evr_ir_read(ctx, text, (size_t)n, &set, err));
    assert_ok(evr_ir_key(evr_ir_set_at(set, 0), key, err));
    evr_ir_set_free(set);
}

static void test_key__sha256(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t times;
        unsigned char starts[4];
    } known[] = { /* of FIPS 180-4's examples */
        {"", 0, {0xe3, 0xb0, 0xc4, 0x42}},
        {"abc", 1, {0xba, 0x78, 0x16, 0xbf}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, {0x24, 0x8d, 0x6a, 0x61}},
        {"a", 1000000, {0xcd, 0xc7, 0x6e, 0x5c}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        evr_sha256 h;
        unsigned char digest[32];
        evr_sha256_init(&h);
        for (size_t k = 0; k < known[i].times; k++)
            evr_sha256_add(&h, known[i].text, strlen(known[i].text));
        evr_sha256_end(&h, digest);
        assert_memory_equal(digest, known[i].starts, 4);
    }
}

/* Computed by another implementation, in Python with hashlib, from the description. */
static void test_key__golden(void **state)
{
    (void)state;
    static const char *const golden[] = {
        "e836eb6a11e6d60ddf975cd1eaf0e484",
        "0961c0fc44c79d938dd7f78908a732c1",
        "17f5e5470eb612e2ac72fca426697522",
        "8db54630fd1a5a21c3034b10ccd94ea0",
        "bc6a747d7c6264df4549db510b4601d8",
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ir_set *set = NULL;
    size_t size;
    char *text = test_read_file(test_data("ir/kinds.evreplay.json"), &size), key[33];
    assert_ok(evr_ir_read(ctx, text, size, &set, err));
    assert_int_equal(evr_ir_set_count(set), sizeof golden / sizeof *golden);
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        assert_ok(evr_ir_key(evr_ir_set_at(set, i), key, err));
        assert_string_equal(key, golden[i]);
    }
    evr_ir_set_free(set);
    free(text);
    test_context_done(ctx, &m);
}

#define TENSOR(more) "{\"tensor\":{\"shape\":[2,3],\"strides\":[3,1],\"dtype\":\"float32\"" more "}}"
#define RECORD(more, value) "{\"op\":\"aten::f\"" more ",\"args\":[{\"name\":\"x\",\"value\":" value "}]}"

static void test_key__left_out(void **state)
{
    (void)state;
    static const char *const same[] = {
        RECORD(",\"uid\":7,\"count\":9,\"device\":\"cuda:3\"", TENSOR("")),
        RECORD(",\"kernels\":[{\"name\":\"k\",\"count\":1,\"total_ns\":5}]", TENSOR("")),
        RECORD(",\"status\":\"failed\",\"reason\":\"timeout\",\"detail\":\"slow\"", TENSOR("")),
        RECORD(",\"schema\":\"aten::f(Tensor x) -> Tensor\"", TENSOR("")),
        RECORD("", TENSOR(",\"device\":\"cuda:1\"")),
        RECORD("", TENSOR(",\"dtype_text\":\"float\",\"strides_assumed\":true,\"dtype_inferred\":true")),
        RECORD("", TENSOR(",\"init\":\"zeros\"")),
        RECORD("", TENSOR(",\"storage_recorded\":true,\"storage_elements\":6")),
        "{\"op\":\"aten::f\",\"args\":[{\"name\":\"self\",\"type\":\"Tensor\",\"kwarg\":true,\"from\":\"rule\",\"note\":\"n\",\"value\":" TENSOR("") "}]}",
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    char want[33], key[33];
    key_of(ctx, RECORD("", TENSOR("")), want);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        key_of(ctx, same[i], key);
        assert_string_equal(key, want);
    }
    key_of(ctx, RECORD("", "{\"device\":\"cuda:1\"}"), want);
    key_of(ctx, RECORD("", "{\"device\":\"cuda\"}"), key);
    assert_string_equal(key, want);
    key_of(ctx, RECORD("", "{\"generator\":1}"), want);
    key_of(ctx, RECORD("", "{\"generator\":2}"), key);
    assert_string_equal(key, want);
    test_context_done(ctx, &m);
}

static void test_key__told_apart(void **state)
{
    (void)state;
    static const char *const different[] = {
        RECORD("", TENSOR("")), "{\"op\":\"aten::g\",\"args\":[{\"value\":" TENSOR("") "}]}", RECORD(",\"overload\":\"out\"", TENSOR("")),
        "{\"op\":\"aten::f\"}", "{\"op\":\"aten::f\",\"args\":[{\"value\":" TENSOR("") "},{\"value\":null}]}",
        RECORD("", "{\"tensor\":{\"shape\":[3,2],\"strides\":[2,1],\"dtype\":\"float32\"}}"),
        RECORD("", "{\"tensor\":{\"shape\":[2,3],\"strides\":[1,2],\"dtype\":\"float32\"}}"),
        RECORD("", "{\"tensor\":{\"shape\":[2,3],\"strides\":[3,1],\"dtype\":\"float64\"}}"),
        RECORD("", "{\"tensor\":{\"shape\":[6],\"strides\":[1],\"dtype\":\"float32\"}}"),
        RECORD("", "{\"tensor\":{\"shape\":[1],\"strides\":[1],\"dtype\":\"\",\"dtype_text\":\"odd\"}}"),
        RECORD("", "{\"tensor\":{\"shape\":[1],\"strides\":[1],\"dtype\":\"\",\"dtype_text\":\"even\"}}"),
        RECORD("", TENSOR(",\"storage_offset\":4")), RECORD("", TENSOR(",\"storage_elements\":7")),
        RECORD("", "null"), RECORD("", "{\"missing\":true}"), RECORD("", "true"), RECORD("", "false"), RECORD("", "1"), RECORD("", "1.0"),
        RECORD("", "0"), RECORD("", "0.0"), RECORD("", "-0.0"), RECORD("", "{\"float\":\"nan\"}"), RECORD("", "{\"complex\":[1.0,0.0]}"),
        RECORD("", "\"\""), RECORD("", "\"1\""), RECORD("", "[]"), RECORD("", "[1]"), RECORD("", "[[1]]"), RECORD("", "[1,1]"), RECORD("", "[[1],1]"),
        RECORD("", "{\"dtype\":\"int8\"}"), RECORD("", "{\"dtype\":\"int16\"}"), RECORD("", "{\"layout\":0}"), RECORD("", "{\"layout\":1}"),
        RECORD("", "{\"memory_format\":0}"), RECORD("", "{\"device\":\"cpu\"}"), RECORD("", "{\"device\":\"cuda\"}"), RECORD("", "{\"device\":\"\"}"),
        RECORD("", "{\"generator\":0}"),
    };
    enum { N = sizeof different / sizeof *different };
    test_memory m;
    evr_context *ctx = test_context(&m);
    char keys[N][33];
    for (size_t i = 0; i < N; i++) {
        key_of(ctx, different[i], keys[i]);
        assert_int_equal(strspn(keys[i], "0123456789abcdef"), 32);
        for (size_t k = 0; k < i; k++)
            if (strcmp(keys[i], keys[k]) == 0)
                fail_msg("the same key for %s and %s", different[i], different[k]);
    }
    test_context_done(ctx, &m);
}

static void test_key__nothing_given(void **state)
{
    (void)state;
    char key[33];
    evr_error *err = NULL;
    assert_int_equal(evr_ir_key(NULL, key, &err), EVR_E_INVALID);
    assert_true(evr_error_message(err)[0]);
    evr_error_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key__sha256),    cmocka_unit_test(test_key__golden),         cmocka_unit_test(test_key__left_out),
        cmocka_unit_test(test_key__told_apart), cmocka_unit_test(test_key__nothing_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
