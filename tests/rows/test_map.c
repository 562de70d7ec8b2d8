/* The language of row maps: errors name file and line, and hostile texts and rows end. */
#include "rows/made.h"

typedef struct mapped {
    test_memory memory;
    evr_context *ctx;
    evr_row_map *map;
} mapped;

static void open_map(mapped *m)
{
    *m = (mapped){.ctx = NULL};
    m->ctx = test_context(&m->memory);
    assert_ok(evr_row_map_new(m->ctx, &m->map, err));
}

static void close_map(mapped *m)
{
    evr_row_map_free(m->map);
    test_context_done(m->ctx, &m->memory);
}

static const struct {
    const char *text, *message;
} errors[] = {
    {"rows A\n", "my.rows:1: there is no \"rows\" in a row map"},
    {"# fine\n\n  call aten::neg(in0)\n", "my.rows:3: \"call\" belongs behind a \"row\""},
    {"in0 [a]\n", "my.rows:1: \"in0\" belongs behind a \"row\""},
    {"row\n", "my.rows:1: \"row\" takes names of operators"},
    {"row A\n", "my.rows:1: what begins on line 1 says no \"call\", \"skip\" or \"ranks\""},
    {"row A\n call aten::neg(in0)\nelse\nrow B\n call aten::neg(in0)\n", "my.rows:4: what begins on line 3 says no \"call\", \"skip\" or \"ranks\""},
    {"row A\n call aten::neg(in0)\nelse more\n", "my.rows:3: \"else\" stands by itself"},
    {"row A\n call aten::neg(in0)\nrow B A\n call aten::neg(in0)\n", "my.rows:3: \"A\" has a \"row\" in this file already"},
    {"row A\n call aten::neg(in0)\n call aten::neg(in0)\n", "my.rows:3: what begins on line 1 has several calls and no \"composite\" with a name for them"},
    {"row A\n inx [a]\n", "my.rows:2: \"inx\" is no slot: in0 to in63 and out0 to out63 are"},
    {"row A\n in64 [a]\n", "my.rows:2: \"in64\" is no slot: in0 to in63 and out0 to out63 are"},
    {"row A\n in0 a\n", "my.rows:2: a shape such as [m, k] was expected, not \"a\""},
    {"row A\n in0 [a, b-c]\n", "my.rows:2: \"b-c\" is no place of a shape: a name, *name, *name? or a size was expected"},
    {"row A\n in0 [a, b] or [a, c]\n", "my.rows:2: the layouts of \"in0\" do not have the same places"},
    {"row A\n in0 [a] and [a]\n", "my.rows:2: \"or\" or the end of the line was expected behind a shape"},
    {"row A\n in0 [a]\n in0 [b]\n", "my.rows:3: \"in0\" has a shape already; others follow behind \"or\""},
    {"row A\n in0 [a] or [a] or [a] or [a] or [a]\n", "my.rows:2: a slot has at most 4 layouts"},
    {"row A\n in0 [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n", "my.rows:2: a shape has at most 16 places"},
    {"row A\n inputs 2-1\n", "my.rows:2: \"inputs\" takes a number such as 2, or 2-4, not \"2-1\""},
    {"row A\n inputs many\n", "my.rows:2: \"inputs\" takes a number such as 2, or 2-4, not \"many\""},
    {"row A\n skip\n", "my.rows:2: \"skip\" takes the reason"},
    {"row A\n ranks 2\n", "my.rows:2: \"ranks\" stands by itself"},
    {"row A\n composite\n", "my.rows:2: \"composite\" takes a name for what its calls do together"},
    {"row A\n call neg(in0)\n", "my.rows:2: \"neg\" is no operator such as aten::mm"},
    {"row A\n call aten::neg\n", "my.rows:2: \"call\" takes an operator and its arguments, such as aten::mm(in0, in1), not \"aten::neg\""},
    {"row A\n call aten::neg(in0 in1)\n", "my.rows:2: \",\" or the end of the arguments was expected"},
    {"row A\n call aten::neg(in0.size)\n", "my.rows:2: a slot has .shape, .dtype and .rank and nothing else"},
    {"row A\n call aten::neg(reverse(in0))\n", "my.rows:2: there is no such function: there are tensor, flat, transposed, window, pads and rank"},
    {"row A\n call aten::neg(flat(in0, in1))\n", "my.rows:2: a function has too many arguments"},
    {"row A\n call aten::neg(pads(in0))\n", "my.rows:2: a function has too few arguments"},
    {"row A\n call aten::neg(rank(a))\n", "my.rows:2: rank() takes a name of the shapes above"},
    {"row A\n call aten::neg([1, 2)\n", "my.rows:2: \",\" or \"]\" was expected in a list"},
    {"row A\n call aten::neg(\"text)\n", "my.rows:2: a text has no end"},
    {"row A\n call aten::neg(1.2.3)\n", "my.rows:2: that is no number"},
    {"row A\n call aten::neg([[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]])\n", "my.rows:2: values lie too deep inside of each other"},
    {"types F8\n", "my.rows:1: \"types\" takes names, \"=\" and what they mean"},
    {"types F8 = float9\n", "my.rows:1: \"float9\" is none that is known"},
    {"types = float32\n", "my.rows:1: there is no name before \"=\""},
    {"formats X = round\n", "my.rows:1: \"round\" is none that is known"},
    {"namespace npu\n", "my.rows:1: \"namespace\" takes a namespace and the module that has it"},
    {"schema aten::x(Tensor\n", "my.rows:1: no schema: "},
};

static void test_map__errors(void **state)
{
    (void)state;
    mapped m;
    open_map(&m);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        evr_error *e = NULL;
        assert_int_equal(evr_row_map_add(m.map, errors[i].text, strlen(errors[i].text), "my.rows", &e), EVR_E_FORMAT);
        if (strncmp(evr_error_message(e), errors[i].message, strlen(errors[i].message)) != 0)
            fail_msg("%s\nsays  %s\nnot   %s", errors[i].text, evr_error_message(e), errors[i].message);
        assert_non_null(strstr(evr_error_hint(e), "docs/perfdb.md"));
        evr_error_free(e);
    }
    close_map(&m);
}

static void test_map__a_damaged_file_changes_nothing(void **state)
{
    (void)state;
    static const char text[] = "types ODD = int8\nrow Add\n call aten::neg(in0)\nrow New\n call aten::neg(in0)\nrow Broken\n";
    mapped m;
    evr_row_maker maker;
    open_map(&m);
    assert_int_equal(evr_row_map_add(m.map, text, sizeof text - 1, "my.rows", NULL), EVR_E_FORMAT);
    assert_false(evr_row_map_has(m.map, evr_str_c("New")));
    assert_ok(evr_row_maker_open(&maker, m.ctx, m.map, NULL, NULL, err));
    assert_string_equal(row_words(m.ctx, &maker, "Add", "2;2 FLOAT;FLOAT ND;ND -> 2 FLOAT ND"), "aten::add.Tensor(float32[2], float32[2], alpha=1)");
    assert_non_null(strstr(row_words(m.ctx, &maker, "Add", "2;2 ODD;ODD ND;ND -> 2 ODD ND"), "unknown-type"));
    evr_row_maker_close(&maker);
    close_map(&m);
}

static void test_map__later_files_count_more(void **state)
{
    (void)state;
    static const char first[] = "\xef\xbb\xbftypes FLOAT = float64\r\nrow Add Own\r\n call aten::neg(in0)\r\n", second[] = "row Own\n skip because: of me\n";
    mapped m;
    evr_row_maker maker;
    open_map(&m);
    assert_ok(evr_row_map_add(m.map, first, sizeof first - 1, "first", err));
    assert_ok(evr_row_map_add(m.map, second, sizeof second - 1, "second", err));
    assert_true(evr_row_map_has(m.map, evr_str_c("Own")));
    assert_ok(evr_row_maker_open(&maker, m.ctx, m.map, NULL, NULL, err));
    assert_string_equal(row_words(m.ctx, &maker, "Add", "2;2 DT_FLOAT;FLOAT ND;ND -> 2 FLOAT ND"), "aten::neg(float64[2])");
    assert_string_equal(row_words(m.ctx, &maker, "Own", "2;2 FLOAT;FLOAT ND;ND -> 2 FLOAT ND"), "because: of me");
    evr_row_maker_close(&maker);
    close_map(&m);
}

/* What was found is what PyTorch takes, or a reason. */
static const struct {
    const char *map, *row, *words;
} values[] = {
    {"call aten::neg(in7)", "2 FLOAT ND -> 2 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, a tensor that the call takes is not there"},
    {"call aten::neg(in0, in0)", "2 FLOAT ND -> 2 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, aten::neg does not take these arguments"},
    {"call aten::neg(other=in0)", "2 FLOAT ND -> 2 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, aten::neg does not take these arguments"},
    {"call aten::neg.None(in0)", "2 FLOAT ND -> 2 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, there is no schema of aten::neg.None"},
    {"call aten::nag(in0)", "2 FLOAT ND -> 2 FLOAT ND", "no-such-op: the torch in use has no aten::nag"},
    {"call mine::neg(in0)", "2 FLOAT ND -> 2 FLOAT ND", "needs-namespace: mine::neg; register where its operators are with --import mine=MODULE-OR-LIBRARY"},
    {"in0 [a, b]\n call aten::reshape(in0, [b * 2, a / 2])", "4,3 FLOAT ND -> 2 FLOAT ND", "aten::reshape(float32[4,3], [6, 2])"},
    {"in0 [*a, 3, *b]\n call aten::reshape(in0, [*b, *a, rank(a)])", "3,3,5 FLOAT ND -> 2 FLOAT ND", "aten::reshape(float32[3,3,5], [5, 3, 1])"},
    {"in0 [*a?, 3, *b]\n call aten::reshape(in0, [*b, *a, rank(a)])", "3,3,5 FLOAT ND -> 2 FLOAT ND", "aten::reshape(float32[3,3,5], [3, 5, 0])"},
    {"in0 [a]\n call aten::reshape(in0, [a / 0])", "3 FLOAT ND -> 2 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, \"*\" and \"/\" stand between sizes, and what they give must be one"},
    {"in0 [a]\n call aten::reshape(in0, [a * 9223372036854775807])", "3 FLOAT ND -> 2 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, \"*\" and \"/\" stand between sizes, and what they give must be one"},
    {"in0 [n, c, h, w]\n call aten::relu(in0)", "2,4,8,8,16 FLOAT16 NC1HWC0 -> 2 FLOAT ND", "aten::relu(float16[2,64,8,8])"},
    {"in0 [m, n]\n call aten::relu(in0)", "3,5,16,16 FLOAT16 FRACTAL_NZ -> 2 FLOAT ND", "aten::relu(float16[80,48])"},
    {"in0 [m, n]\n out0 [m, n]\n call aten::relu(in0)", "3,5,16,16 FLOAT16 FRACTAL_NZ -> 65,40 FLOAT ND", "aten::relu(float16[65,40])"},
    {"in0 [m, n]\n out0 [m, n]\n call aten::relu(in0)", "3,5,16,16 FLOAT16 FRACTAL_NZ -> 64,40 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, the shape of in0 does not fit"},
    {"call aten::relu(transposed(in0, out0))", "2,3 FLOAT ND -> 3,4 FLOAT ND", "shapes-do-not-fit: of my.rows:1 nothing fits; at the last, the output has not the dimensions of the input in another order"},
    {"call aten::zeros(in0.shape, dtype=in0.dtype)", "2,3 INT8 ND -> 3,4 FLOAT ND", "aten::zeros([2, 3], dtype=int8, layout=None, device=None, pin_memory=None)"},
};

static void test_map__values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        mapped m;
        evr_row_maker maker;
        char text[400];
        int n = snprintf(text, sizeof text, "row It\n %s\n", values[i].map);
        open_map(&m);
        assert_ok(evr_row_map_add(m.map, text, (size_t)n, "my.rows", err));
        assert_ok(evr_row_maker_open(&maker, m.ctx, m.map, NULL, NULL, err));
        assert_string_equal(row_words(m.ctx, &maker, "It", values[i].row), values[i].words);
        evr_row_maker_close(&maker);
        close_map(&m);
    }
}

static void test_map__hostile_patterns_end(void **state)
{
    (void)state;
    static const char text[] = "row It\n in0 [*a, *b, *c, *d, *e, *f, *g, *h, *i, *j, *k, *l, *m, *n, *o, 7]\n call aten::neg(in0)\n";
    mapped m;
    evr_row_maker maker;
    open_map(&m);
    assert_ok(evr_row_map_add(m.map, text, sizeof text - 1, "my.rows", err));
    assert_ok(evr_row_maker_open(&maker, m.ctx, m.map, NULL, NULL, err));
    assert_non_null(strstr(row_words(m.ctx, &maker, "It", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8 FLOAT ND -> 2 FLOAT ND"), "shapes-do-not-fit"));
    assert_non_null(strstr(row_words(m.ctx, &maker, "It", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,7 FLOAT ND -> 2 FLOAT ND"), "bad-shape"));
    assert_non_null(strstr(row_words(m.ctx, &maker, "Cast", "9223372036854775807,9223372036854775807 FLOAT ND -> 9223372036854775807,9223372036854775807 FLOAT ND"), "aten::_to_copy"));
    evr_row_maker_close(&maker);
    close_map(&m);
}

/* Whichever allocation fails, the call says so and nothing leaks. */
static void test_map__no_memory(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"MatMulV2", "100,64;2,4,16,16 FLOAT16;FLOAT16 ND;FRACTAL_NZ -> 100,30 FLOAT16 ND"},
        {"MoeTokenUnpermute", "32,64;32;16,2 DT_BF16;INT32;DT_BF16 ND;ND;ND -> 16,64 DT_BF16 ND"},
        {"Slice", "64,128;2;2 FLOAT;INT64;INT64 ND;ND;ND -> 64,32 FLOAT ND"},
    };
    static const char more[] = "schema a::b(Tensor x) -> Tensor\nnamespace a b\ntypes X = int8\nformats X = nz\nrow A B C\n in0 [a] or [a]\n call a::b(in0)\n call a::b(in0)\n composite c\n";
    mapped m = {.ctx = NULL};
    size_t failures = 0;
    m.ctx = test_context(&m.memory);
    for (size_t after = 1, done = 0; !done; after += 1 + after / 24) {
        evr_row_maker maker = {.ctx = NULL};
        m.memory.calls = 0;
        m.memory.fail_after = after;
        evr_status status = evr_row_map_new(m.ctx, &m.map, NULL);
        if (status == EVR_OK)
            status = evr_row_map_add(m.map, more, sizeof more - 1, "more", NULL);
        bool opened = status == EVR_OK;
        if (opened)
            status = evr_row_maker_open(&maker, m.ctx, m.map, NULL, NULL, NULL);
        for (size_t i = 0; status == EVR_OK && i < 3; i++) {
            row_text text;
            evr_made_row made;
            evr_call_cells cells = row_cells(&text, rows[i][1]);
            status = evr_row_make(&maker, evr_str_c(rows[i][0]), &cells, &made, NULL);
            while (made.count)
                evr_ir_free(made.records[--made.count]);
        }
        m.memory.fail_after = 0;
        if (opened)
            evr_row_maker_close(&maker);
        evr_row_map_free(m.map);
        m.map = NULL;
        assert_true(status == EVR_OK || status == EVR_E_NOMEM);
        failures += status == EVR_E_NOMEM;
        done = status == EVR_OK;
    }
    assert_true(failures > 20);
    test_context_done(m.ctx, &m.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__errors),          cmocka_unit_test(test_map__a_damaged_file_changes_nothing),
        cmocka_unit_test(test_map__later_files_count_more), cmocka_unit_test(test_map__values),
        cmocka_unit_test(test_map__hostile_patterns_end), cmocka_unit_test(test_map__no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
