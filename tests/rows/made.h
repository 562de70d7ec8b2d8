/* Records of single rows, for the tests of the map. */
#ifndef EVR_TESTS_ROWS_MADE_H
#define EVR_TESTS_ROWS_MADE_H

#include "support/support.h"

#include "rows/make.h"

/* Names and module paths of namespaces that a test pretends to have, with schemas by the map. */
static inline void have_namespace(evr_context *ctx, const char *name)
{
    const evr_str source = {"/nowhere/lib.so", 15};
    assert_ok(evr_register_namespace(ctx, (evr_str){name, strlen(name)}, &source, 1, err));
}

static inline void lose_namespace(evr_context *ctx, const char *name) { assert_ok(evr_register_namespace(ctx, (evr_str){name, strlen(name)}, NULL, 0, err)); }

/* "2,3;3,4 FLOAT;FLOAT ND;ND -> 2,4 FLOAT ND" as cells; the EP size may follow. */
typedef struct row_text {
    char cells[7][400];
} row_text;

static inline evr_call_cells row_cells(row_text *r, const char *text)
{
    evr_call_cells cells = {.ep_size = {"", 0}};
    static const int places[] = {EVR_COL_INPUT_SHAPES, EVR_COL_INPUT_TYPES, EVR_COL_INPUT_FORMATS, EVR_COL_OUTPUT_SHAPES, EVR_COL_OUTPUT_TYPES, EVR_COL_OUTPUT_FORMATS};
    for (size_t i = 0; i < EVR_BASE_COLUMNS; i++)
        cells.base[i] = (evr_str){"", 0};
    memset(r, 0, sizeof *r);
    int n = sscanf(text, "%399s %399s %399s -> %399s %399s %399s %399s", r->cells[0], r->cells[1], r->cells[2], r->cells[3], r->cells[4], r->cells[5], r->cells[6]);
    assert_true(n >= 6);
    for (int i = 0; i < 6; i++)
        cells.base[places[i]] = evr_str_c(r->cells[i]);
    cells.ep_size = evr_str_c(r->cells[6]);
    return cells;
}

/* Appends " {1, 3}+5" for a tensor that is not contiguous or does not begin where its memory does. */
static inline void layout_words(char *words, size_t size, const evr_value *v)
{
    int64_t plain[EVR_ROW_DIMS];
    if (v->kind != EVR_VALUE_TENSOR)
        return;
    const evr_tensor *t = v->u.tensor;
    evr_contiguous_strides(t->shape, t->rank, plain);
    if (!t->storage_offset && !t->storage_elements && memcmp(plain, t->strides, t->rank * sizeof *plain) == 0)
        return;
    size_t at = strlen(words);
    at += (size_t)snprintf(words + at, size - at, " {");
    for (uint32_t i = 0; i < t->rank; i++)
        at += (size_t)snprintf(words + at, size - at, "%s%lld", i ? "," : "", (long long)t->strides[i]);
    at += (size_t)snprintf(words + at, size - at, "}");
    if (t->storage_elements)
        snprintf(words + at, size - at, "+%lld of %lld", (long long)t->storage_offset, (long long)t->storage_elements);
}

/* What a row becomes, in words: "aten::mm(float32[2,3], float32[3,4]) {1,3}", calls joined by " + ", or the reason. */
static inline char *row_words(evr_context *ctx, evr_row_maker *m, const char *op, const char *text)
{
    static char words[4000];
    row_text r;
    evr_made_row made;
    evr_call_cells cells = row_cells(&r, text);
    assert_ok(evr_row_make(m, evr_str_c(op), &cells, &made, err));
    if (!made.count)
        return snprintf(words, sizeof words, "%s", made.why), words;
    words[0] = 0;
    for (size_t i = 0; i < made.count; i++) {
        const evr_ir *ir = made.records[i];
        char *args;
        if (evr_ir_status(ir) != EVR_STATUS_OK)
            fail_msg("%s %s: %.*s: %.*s", op, text, EVR_STR_ARG(evr_ir_op(ir)), EVR_STR_ARG(evr_ir_detail(ir)));
        assert_true(evr_ir_schema(ir).len > 0);
        assert_ok(evr_ir_arguments(ir, &args, err));
        size_t at = strlen(words);
        snprintf(words + at, sizeof words - at, "%s%.*s%s%.*s(%s)", i ? " + " : "", EVR_STR_ARG(evr_ir_op(ir)), evr_ir_overload(ir).len ? "." : "", EVR_STR_ARG(evr_ir_overload(ir)),
                 args);
        for (size_t a = 0; a < evr_ir_argument_count(ir); a++)
            layout_words(words, sizeof words, &evr_ir_argument(ir, a)->value);
        evr_text_free(ctx, args);
        evr_ir_free(made.records[i]);
    }
    return words;
}

#endif
