/* Reading and writing CSV: what Python's csv module makes of the same bytes, and what is done with rows that are broken. */
#include "support/support.h"

#include "perfdb/csv.h"


/* The rows of a text as one line. */
static void put_rows(evr_csv *csv, evr_buf *to)
{
    for (;;) {
        evr_csv_result result = evr_csv_next(csv);
        assert_int_not_equal(result, EVR_CSV_NOMEM);
        if (result == EVR_CSV_END)
            return;
        if (result == EVR_CSV_MALFORMED) {
            evr_buf_printf(to, "%llu<%.*s>", (unsigned long long)csv->line, (int)csv->raw.len, csv->raw.data);
            continue;
        }
        evr_buf_printf(to, "%llu%s", (unsigned long long)csv->line, csv->canonical ? "=" : "");
        for (size_t i = 0; i < csv->count; i++)
            evr_buf_printf(to, "[%.*s]", (int)evr_csv_value(csv, i).len, evr_csv_value(csv, i).data);
    }
}

static void check(const char *text, size_t width, const char *expected)
{
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    evr_csv csv;
    evr_buf buf;
    evr_csv_init(&csv, ctx, evr_str_c(text));
    evr_buf_init(&buf, ctx);
    csv.width = width;
    put_rows(&csv, &buf);
    assert_string_equal(evr_buf_view(&buf).data, expected);
    evr_buf_free(&buf);
    evr_csv_free(&csv);
    test_context_done(ctx, &memory);
}

static void test_csv__fields(void **state)
{
    (void)state;
    check("", 0, "");
    check("a,b\r\n", 0, "1=[a][b]");
    check("a,b", 0, "1=[a][b]");
    check(",\n", 0, "1=[][]");
    check("a,,b,\r\nc\r\n", 0, "1=[a][][b][]2=[c]");
    check("\xef\xbb\xbfOP,b\r\n\xef\xbb\xbfx,y", 0, "1=[OP][b]2=[\xef\xbb\xbfx][y]");
}

static void test_csv__quotes(void **state)
{
    (void)state;
    check("\"a,b\",c\r\n", 0, "1=[a,b][c]");
    check("\"\"\"1,2;3\"\"\",x\r\n", 0, "1=[\"1,2;3\"][x]");
    check("\"a\",b\n", 0, "1[a][b]");                  /* quotes that are not needed */
    check("\"\",b\n", 0, "1[][b]");
    check("\"a\"b,c\n", 0, "1[ab][c]");                /* what stands behind the closing quote belongs to the field */
    check("a\"b,c\"\n", 0, "1[a\"b][c\"]");            /* inside a field a quote is a quote */
    check("\"a\"\"b\"\"\"\n", 0, "1=[a\"b\"]");
    check("\"\"\"\"\"\",\"\"\"\",\"\"\"a\"\"b\"\"\"", 0, "1=[\"\"][\"][\"a\"b\"]");
    check("\"\"\"a\"\"\"x,\"\"\"\"\"\"x", 0, "1[\"a\"x][\"\"x]");
}

static void test_csv__lines(void **state)
{
    (void)state;
    check("a\nb\rc\r\nd", 0, "1=[a]2=[b]3=[c]4=[d]");
    check("\n\r\n\ra\n\n\nb\n", 0, "4=[a]7=[b]");      /* empty lines are no rows */
    check("\"a\nb\",c\r\nd,e\r\n", 0, "1=[a\nb][c]3=[d][e]");
    check("\"a\r\nb\",c\r\n\"x\ry\",e\r\nf,g", 0, "1=[a\r\nb][c]3=[x\ry][e]5=[f][g]");
}

static void test_csv__malformed(void **state)
{
    (void)state;
    check("a,b\nc\nd,e,f\ng,h\n", 2, "1=[a][b]2<c>3<d,e,f>4=[g][h]");
    check("a,\"b\nc,d\ne,f", 2, "1<a,\"b>2=[c][d]3=[e][f]");          /* a quote that is never closed takes its own line only */
    check("a,\"b\nc,\"d\"\ne,f", 2, "1<a,\"b>2[c][d]3=[e][f]");       /* nor one that another row's quote closes */
    check("a,\"b\nc\",x,\"y\nz\"\ne,f", 2, "1<a,\"b>2<c\",x,\"y>3<z\">4=[e][f]");
    check("a,\"b\nc\"\nd,\"e", 2, "1=[a][b\nc]3<d,\"e>");
}

static void test_csv__malformed_in_linear_time(void **state)
{
    /* Every line leaves a quote open that the next one closes and opens again. */
    (void)state;
    enum { LINES = 200000 };
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    char *text = malloc(LINES * 5 + 1);
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + i * 5, "x\",\"\n", 6);
    evr_csv csv;
    evr_csv_init(&csv, ctx, (evr_str){text, LINES * 5});
    csv.width = 3;
    size_t rows = 0;
    while (evr_csv_next(&csv) == EVR_CSV_MALFORMED)
        assert_int_equal(csv.line, ++rows);
    assert_int_equal(rows, LINES);
    evr_csv_free(&csv);
    free(text);
    test_context_done(ctx, &memory);
}

static void test_csv__put(void **state)
{
    (void)state;
    static const struct {
        const char *value, *written;
    } cases[] = {{"", ""},          {"a b", "a b"},           {"a,b", "\"a,b\""},     {"a\"b", "\"a\"\"b\""},
                 {"\"", "\"\"\"\""}, {"a\nb", "\"a\nb\""}, {"a\rb", "\"a\rb\""}, {"\xc3\xbc", "\xc3\xbc"}};
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evr_buf buf;
        evr_buf_init(&buf, ctx);
        evr_csv_put(&buf, evr_str_c(cases[i].value), true);
        evr_csv_put(&buf, evr_str_c("x"), false);
        evr_csv_end_row(&buf);
        char expected[64];
        snprintf(expected, sizeof expected, "%s,x\r\n", cases[i].written);
        assert_str(evr_buf_view(&buf), expected);
        evr_buf_free(&buf);
    }
    test_context_done(ctx, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__fields),    cmocka_unit_test(test_csv__quotes),
        cmocka_unit_test(test_csv__lines),     cmocka_unit_test(test_csv__malformed),
        cmocka_unit_test(test_csv__malformed_in_linear_time), cmocka_unit_test(test_csv__put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
