/* Tables through the Arrow C stream interface, as a receiver sees them. */
#include <evreplay/arrow.h>

#include "base/context.h"
#include "support/support.h"

/* As the specification has them. */
typedef struct schema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct schema **children, *dictionary;
    void (*release)(struct schema *);
    void *private_data;
} schema;
typedef struct array {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct array **children, *dictionary;
    void (*release)(struct array *);
    void *private_data;
} array;
typedef struct stream {
    int (*get_schema)(struct stream *, schema *);
    int (*get_next)(struct stream *, array *);
    const char *(*get_last_error)(struct stream *);
    void (*release)(struct stream *);
    void *private_data;
} stream;

static evr_status export_sample(evr_context *ctx, stream *out, evr_error **err)
{
    const int64_t numbers[] = {1, -2, 3}, ends[] = {0, 1, 3};
    const uint32_t places[] = {1, 0, 1};
    const uint8_t valid[] = {5};
    const evr_arrow_column words = {EVR_INIT(evr_arrow_column), .name = "", .format = "U", .values = "abc", .offsets = ends};
    const evr_arrow_column columns[] = {
        {EVR_INIT(evr_arrow_column), .name = "number", .format = "l", .values = numbers, .valid = valid, .nulls = 1},
        {EVR_INIT(evr_arrow_column), .name = "word", .format = "I", .values = places, .dictionary = &words, .dictionary_rows = 2},
    };
    return evr_arrow_export(ctx, columns, 2, 3, out, err);
}

static void test_arrow__a_table(void **state)
{
    (void)state;
    evr_context *ctx = NULL;
    stream s;
    schema head;
    array batch, end;
    assert_int_equal(evr_context_new(NULL, &ctx, NULL), EVR_OK);
    assert_int_equal(export_sample(ctx, &s, NULL), EVR_OK);
    evr_context_free(ctx); /* the stream keeps it */
    assert_int_equal(s.get_schema(&s, &head), 0);
    assert_string_equal(head.format, "+s");
    assert_int_equal(head.n_children, 2);
    assert_string_equal(head.children[0]->name, "number");
    assert_string_equal(head.children[0]->format, "l");
    assert_string_equal(head.children[1]->format, "I");
    assert_string_equal(head.children[1]->dictionary->format, "U");
    assert_int_equal(s.get_next(&s, &batch), 0);
    assert_int_equal(s.get_next(&s, &end), 0);
    assert_null(end.release);
    s.release(&s);
    assert_null(s.release);
    head.release(&head);
    assert_null(head.release);

    array word = *batch.children[1]; /* moved out: the batch may go, this one stays */
    batch.children[1]->release = NULL;
    assert_int_equal(batch.length, 3);
    assert_int_equal(batch.children[0]->null_count, 1);
    assert_int_equal(((const int64_t *)batch.children[0]->buffers[1])[2], 3);
    assert_int_equal(((const uint8_t *)batch.children[0]->buffers[0])[0], 5);
    batch.release(&batch);
    assert_int_equal(((const uint32_t *)word.buffers[1])[1], 0);
    assert_int_equal(word.dictionary->length, 2);
    assert_memory_equal(word.dictionary->buffers[2], "abc", 3);
    word.release(&word);
}

static void test_arrow__wrong_columns(void **state)
{
    (void)state;
    evr_context *ctx = NULL;
    const int64_t falling[] = {0, 2, 1};
    const evr_arrow_column bad[] = {
        {EVR_INIT(evr_arrow_column), .name = "x", .format = "z", .values = falling},
        {EVR_INIT(evr_arrow_column), .name = "x", .format = "U", .values = "ab", .offsets = falling},
        {EVR_INIT(evr_arrow_column), .name = "x", .format = "U", .values = "ab"},
        {EVR_INIT(evr_arrow_column), .name = "x", .format = "l"},
        {EVR_INIT(evr_arrow_column), .format = "l", .values = falling},
        {EVR_INIT(evr_arrow_column), .name = "x", .values = falling},
        {0, .name = "x", .format = "l", .values = falling},
    };
    assert_int_equal(evr_context_new(NULL, &ctx, NULL), EVR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        stream s = {.private_data = ctx};
        evr_error *err = NULL;
        assert_int_equal(evr_arrow_export(ctx, &bad[i], 1, 2, &s, &err), EVR_E_INVALID);
        assert_non_null(err);
        assert_null(s.release);
        evr_error_free(err);
    }
    assert_int_equal(evr_arrow_export(ctx, NULL, 0, UINT64_MAX, &(stream){0}, NULL), EVR_E_LIMIT);
    assert_int_equal(evr_arrow_export(ctx, NULL, 0, 0, NULL, NULL), EVR_E_INVALID);
    evr_context_free(ctx);
}

/* Every allocation fails once: nothing leaks, and what is reported is that memory ran out. */
static void test_arrow__without_memory(void **state)
{
    (void)state;
    test_memory m = {0};
    evr_context *ctx = test_context(&m);
    int done = 0;
    for (size_t n = 1; !done; n++) {
        stream s;
        schema head = {0};
        array batch = {0};
        evr_error *err = NULL;
        m.fail_once = 1;
        m.fail_after = m.calls + n;
        evr_status status = export_sample(ctx, &s, &err);
        int first = status == EVR_OK ? s.get_schema(&s, &head) : 0;
        int second = status == EVR_OK ? s.get_next(&s, &batch) : 0;
        m.fail_after = 0;
        done = status == EVR_OK && !first && !second;
        if (status != EVR_OK) {
            assert_int_equal(status, EVR_E_NOMEM);
            evr_error_free(err);
            continue;
        }
        if (first || second)
            assert_string_equal(s.get_last_error(&s), "out of memory");
        if (!first)
            head.release(&head);
        if (!second)
            batch.release(&batch);
        s.release(&s);
    }
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrow__a_table),
        cmocka_unit_test(test_arrow__wrong_columns),
        cmocka_unit_test(test_arrow__without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
