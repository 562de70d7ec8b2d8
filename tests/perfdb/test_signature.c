/* Which rows are the same call. */
#include "support/support.h"

#include "perfdb/signature.h"

/* Cells as "inputs|types|formats|outputs|output types|ep size". */
typedef struct cells_text {
    char copy[512];
    evr_call_cells cells;
} cells_text;

static void split(cells_text *to, const char *text)
{
    static const int order[] = {EVR_COL_INPUT_SHAPES, EVR_COL_INPUT_TYPES, EVR_COL_INPUT_FORMATS, EVR_COL_OUTPUT_SHAPES, EVR_COL_OUTPUT_TYPES};
    *to = (cells_text){0};
    snprintf(to->copy, sizeof to->copy, "%s", text);
    char *at = to->copy;
    for (int i = 0; i < 6; i++) {
        size_t len = strcspn(at, "|");
        evr_str cell = {at, len};
        if (i < 5)
            to->cells.base[order[i]] = cell;
        else
            to->cells.ep_size = cell;
        at += at[len] ? len + 1 : len;
    }
}

static bool same(const char *op, const char *a, const char *b)
{
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    evr_buf x, y;
    cells_text first, second;
    evr_buf_init(&x, ctx);
    evr_buf_init(&y, ctx);
    split(&first, a);
    split(&second, b);
    evr_signature(&x, evr_signature_rule_of(evr_str_c(op)), &first.cells);
    evr_signature(&y, evr_signature_rule_of(evr_str_c(op)), &second.cells);
    bool equal = evr_str_eq(evr_buf_view(&x), evr_buf_view(&y));
    evr_buf_free(&x);
    evr_buf_free(&y);
    test_context_done(ctx, &memory);
    return equal;
}

typedef struct signature_case {
    const char *op, *a, *b;
    bool same;
} signature_case;

static void check(const signature_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same(cases[i].op, cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("%s: %s and %s should %sbe the same call", cases[i].op, cases[i].a, cases[i].b, cases[i].same ? "" : "not ");
}

#define CHECK(...)                                                                                                   \
    do {                                                                                                             \
        static const signature_case cases_[] = {__VA_ARGS__};                                                        \
        check(cases_, sizeof cases_ / sizeof *cases_);                                                               \
    } while (0)

static void test_signature__slots(void **state)
{
    (void)state;
    CHECK({"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", "\"2,3;3\"|FLOAT;FLOAT|ND;ND|\"2,3\"|FLOAT", true},
          {"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", " \"(2, 3);( 3 )\" | FLOAT ;FLOAT|ND; ND|(2 3)|FLOAT", true},
          {"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", "2,3;4|FLOAT;FLOAT|ND;ND|2,3|FLOAT", false},
          {"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", "2,3;3|FLOAT;INT8|ND;ND|2,3|FLOAT", false},
          {"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", "2,3;3|FLOAT;FLOAT|ND;NCHW|2,3|FLOAT", false},
          {"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", "2,3;3|FLOAT;FLOAT|ND;ND|3,2|FLOAT", false},
          {"Add", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|FLOAT", "2,3;3|FLOAT;FLOAT|ND;ND|2,3|INT8", false},
          {"Add", "23|FLOAT|ND|2|FLOAT", "2,3|FLOAT|ND|2|FLOAT", false},
          {"Add", "2;;3|A;B;C|ND|2|A", "2;3|A;C|ND|2|A", false});
}

static void test_signature__empty_slots(void **state)
{
    (void)state;
    CHECK({"F", "2,3;;4;()|A;DT_UNDEFINED;B;DT_UNDEFINED|ND;NULL;ND;NULL|2|A", "2,3;;4|A;;B|ND;;ND|2|A", true},
          {"F", "2;N/A;NULL;NA;None|A;B;C;D;E|ND;ND;ND;ND;ND|2|A", "2|A|ND|2|A", true},
          {"F", "2;();4|A;X;B|ND;ND;ND|2;|A;FLOAT", "2;N/A;4|A;Y;B|ND;NZ;ND|2|A", true},
          {"F", "||||", "()|FLOAT|ND|N/A|FLOAT", true},
          {"F", "2|A|ND|2|A", "2||ND|2|A", false},
          {"F", ";2|A;A|ND;ND|2|A", "2;|A;A|ND;ND|2|A", false});
}

static void test_signature__many_slots(void **state)
{
    /* Beyond 64 slots the rules are the same. */
    (void)state;
    char shapes[300] = "", types[300] = "", a[512], b[512], c[512];
    for (int i = 0; i < 70; i++) {
        strcat(shapes, i == 66 ? ";" : "1;");
        strcat(types, i == 66 ? "X;" : "F;");
    }
    char *other = strdup(types);
    other[2 * 66] = 'Y'; /* of the empty shape */
    snprintf(a, sizeof a, "%s|%s|||", shapes, types);
    snprintf(b, sizeof b, "%s|%s|||", shapes, other);
    other[2 * 67] = 'Y';
    snprintf(c, sizeof c, "%s|%s|||", shapes, other);
    assert_true(same("F", a, b));
    assert_false(same("F", a, c));
    free(other);
}

static void test_signature__types(void **state)
{
    (void)state;
    CHECK({"Add", "2|FLOAT16|ND|2|DT_BF16", "2|DT_FLOAT16|ND|2|bfloat16", true},
          {"Add", "2|FLOAT|ND|2|DOUBLE", "2|float32|ND|2|FP64", true},
          {"Add", "2|FLOAT16|ND|2|FLOAT", "2|DT_BF16|ND|2|FLOAT", false},
          {"Add", "2|INT8|ND|2|FLOAT", "2|UINT8|ND|2|FLOAT", false});
}

static void test_signature__matmul(void **state)
{
    (void)state;
    CHECK({"MatMulV2", "16,7168;7168,512|A;A|ND;ND|16,512|A", "16,7168;512,7168|A;A|ND;ND|16,512|A", true},
          {"MatMulV3", "16,7168;7168,512|A;A|ND;ND|16,512|A", "7168,16;512,7168|A;A|ND;ND|16,512|A", true},
          {"MatMulCommon", "16,8;8,4;4|A;A;A|ND;ND;ND|16,4|A", "16,8;8,4|A;A|ND;ND|16,4|A", true}, /* the bias */
          {"MatMulV2", "16,8;8,4|A;A|ND;ND|16,4|A", "16,8;8,4|A;A|ND;FRACTAL_NZ|16,4|A", false},
          {"MatMulV2", "16,8;8,4|A;A|ND;ND|16,4|A", "16,8;8,4|A;B|ND;ND|16,4|A", false},
          {"MatMulV2", "16,8;8,4|A;A|ND;ND|16,4|A", "16,9;9,4|A;A|ND;ND|16,4|A", false},
          {"MatMulV2", "16,8;8,16|A;A|ND;ND|16,16|A", "16,8;16,8|A;A|ND;ND|16,16|A", true},
          {"MatMulV2", "4,4;4,4|A;A|ND;ND|4,4|A", "4,4;4,4|A;A|ND;ND|4,4|A", true},
          {"MatMulV2", "2,3;9,9|A;A|ND;ND|4,4|A", "2,3;9,9|A;A|ND;ND|4,4|A", true}, /* no product: as any operator */
          {"MatMulV2", "2,3;9,9|A;A|ND;ND|4,4|A", "3,2;9,9|A;A|ND;ND|4,4|A", false},
          {"MatMulV2", "1,16,8;1,8,4|A;A|ND;ND|1,16,4|A", "1,16,8;1,4,8|A;A|ND;ND|1,16,4|A", false},
          {"Add", "16,7168;7168,512|A;A|ND;ND|16,512|A", "16,7168;512,7168|A;A|ND;ND|16,512|A", false});
}

static void test_signature__reductions(void **state)
{
    (void)state;
    CHECK({"Index", "64,8;2;2;17|A;I;I;I|ND;ND;ND;ND|17,8|A", "64,8;17|A;I|ND;ND|17,8|A", true},
          {"Index", "64,8;2;2;17|A;I;I;I|ND;ND;ND;ND|17,8|A", "64,8;3;3;17|A;X;X;I|ND;ND;ND;ND|17,8|A", true},
          {"Index", "64,8;2;2;17|A;I;I;I|ND;ND;ND;ND|17,8|A", "64,8;2;2;18|A;I;I;I|ND;ND;ND;ND|18,8|A", false},
          {"Index", "64,8;2;2;17|A;I;I;I|ND;ND;ND;ND|17,8|A", "64,8;2;2;17|A;I;I;J|ND;ND;ND;ND|17,8|A", false},
          {"Index", "64,8;2;2;17|A;I;I;I|ND;ND;ND;ND||", "64,8;3;2;17|A;I;I;I|ND;ND;ND;ND||", false}, /* no result to go by */
          {"Slice", "64,8;2;2|A;I;I|NCHW;ND;ND|4,8|A", "64,8|A|ND|4,8|A", true},
          {"SliceAiCore", "64,8;2;2|A;I;I|ND;ND;ND|4,8|A", "64,8;9|A;J|ND|4,8|A", true},
          {"Transpose", "64,8;2|A;I|NCHW;ND|8,64|A", "64,8;2|A;I|ND;ND|8,64|A", true},
          {"TransposeAiCore", "64,8;2|A;I|NCHW;ND|8,64|A", "64,8|A|NHWC|8,64|A", true},
          {"Transpose", "64,8;2|A;I|ND;ND|8,64|A", "64,8;2|B;I|ND;ND|8,64|A", false},
          {"Transpose", "64,8;2|A;I|ND;ND|8,64|A", "64,8;2|A;I|ND;ND|64,8|A", false},
          {"Add", "64,8;2|A;I|NCHW;ND|8,64|A", "64,8;2|A;I|ND;ND|8,64|A", false});
}

static void test_signature__ep_size(void **state)
{
    (void)state;
    CHECK({"DispatchFFNCombine", "64,8|A|ND|64,8|A|16", "64,8|A|ND|64,8|A| 16 ", true},
          {"DispatchFFNCombine", "64,8|A|ND|64,8|A|16", "64,8|A|ND|64,8|A|8", false},
          {"DispatchFFNCombine", "64,8|A|ND|64,8|A|16", "64,8|A|ND|64,8|A|", false},
          {"Add", "64,8|A|ND|64,8|A|16", "64,8|A|ND|64,8|A|8", true});
}

static void test_signature__aliases(void **state)
{
    (void)state;
    static const struct {
        const char *op, *names;
    } cases[] = {{"MatMulV3", "MatMulV2 MatMulCommon MatMulV3AiCore "},
                 {"BatchMatMulNd", "BatchMatMulV2 BatchMatMulNdAiCore "},
                 {"CastAiCore", "Cast "},
                 {"Cast", "CastAiCore "},
                 {"AiCore", "AiCoreAiCore "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        evr_alias aliases[EVR_MOST_ALIASES];
        char text[256] = "";
        size_t n = evr_op_aliases(evr_str_c(cases[i].op), aliases), at = 0;
        for (size_t k = 0; k < n; k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%.*s%s ", (int)aliases[k].name.len, aliases[k].name.data, aliases[k].suffix);
        assert_string_equal(text, cases[i].names);
    }
}

static void test_signature__label(void **state)
{
    (void)state;
    test_memory memory;
    evr_context *ctx = test_context(&memory);
    evr_buf buf;
    cells_text text;
    evr_buf_init(&buf, ctx);
    split(&text, "\"2;3\"|A|ND||A");
    evr_signature_label(&buf, &text.cells);
    assert_str(evr_buf_view(&buf), "\"2;3\" -> N/A");
    evr_buf_free(&buf);
    test_context_done(ctx, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature__slots),      cmocka_unit_test(test_signature__empty_slots),
        cmocka_unit_test(test_signature__many_slots), cmocka_unit_test(test_signature__types),      cmocka_unit_test(test_signature__matmul),
        cmocka_unit_test(test_signature__reductions), cmocka_unit_test(test_signature__ep_size),
        cmocka_unit_test(test_signature__aliases),    cmocka_unit_test(test_signature__label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
