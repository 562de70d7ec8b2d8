/* Which argument of a record a parameter takes. */
#include "support/support.h"

#include "replay/overload.h"

static void test_overload__by_place_and_by_name(void **state)
{
    (void)state;
    static const char log[] = "Operator: mine.resize.fast\ncnt: 1, ((T([4], f32), [2, 2]), {'mode': 'cubic', 'scale': 2.0})\n"
                              "cnt: 1, ((), {'x': T([4], f32), 'sizes': [2, 2]})\n";
    static const char text[] = "mine::resize.fast(Tensor x, int[] sizes, float? scale=None, *, bool corners=False, str mode=\"linear\") -> Tensor";
    static const size_t wanted[2][5] = {{0, 1, 3, SIZE_MAX, 2}, {0, 1, SIZE_MAX, SIZE_MAX, SIZE_MAX}};
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_arena arena;
    evr_ir_set *set = NULL;
    const evr_schema *schema = NULL;
    evr_arena_init(&arena, ctx);
    assert_ok(evr_schema_parse(&arena, evr_str_c(text), &schema, err));
    assert_ok(evr_ir_read(ctx, log, strlen(log), &set, err));
    for (size_t r = 0; r < 2; r++)
        for (size_t p = 0; p < schema->param_count; p++)
            assert_int_equal(evr_overload_argument(evr_ir_set_at(set, r), schema, p), wanted[r][p]);
    evr_ir_set_free(set);
    evr_arena_free(&arena);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_overload__by_place_and_by_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
