/* Operator schemas from any text: what parses prints, and the print parses to the same print. The first byte is the number of the
 * allocation that fails, 0 = none; the second tells a whole schema from a single type. */
#include "fuzz/support.h"

#include "schema/schema.h"

static void check_offset(evr_status status, evr_error *err, size_t size)
{
    if (status == EVR_E_FORMAT && evr_error_code(err) == EVR_E_FORMAT) /* not lost for want of memory */
        FUZZ_NEED(evr_error_offset(err) >= 0 && evr_error_offset(err) <= (int64_t)size);
}

/* Parses `text` and prints what was understood; the view is empty when it is no schema. */
static evr_str again(evr_arena *arena, evr_buf *buf, evr_str text, bool whole)
{
    const evr_schema *schema = NULL;
    const evr_type *type = NULL;
    evr_error *err = NULL;
    evr_status status = whole ? evr_schema_parse(arena, text, &schema, &err) : evr_type_parse(arena, text, &type, &err);
    FUZZ_NEED(status == EVR_OK || err);
    check_offset(status, err, text.len);
    evr_error_free(err);
    if (status != EVR_OK)
        return (evr_str){"", 0};
    if (whole)
        evr_schema_print(buf, schema);
    else
        evr_type_print(buf, type);
    return buf->failed ? (evr_str){"", 0} : evr_buf_view(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    fuzz_memory memory = {.fail_at = fuzz_u8(&in), .most = (size_t)1 << 28};
    bool whole = fuzz_u8(&in) & 1;
    evr_context *ctx = fuzz_context(&memory);
    evr_arena arena;
    evr_buf first, second;
    evr_arena_init(&arena, ctx);
    evr_buf_init(&first, ctx);
    evr_buf_init(&second, ctx);
    evr_str once = again(&arena, &first, (evr_str){(const char *)in.data, in.size}, whole);
    memory.fail_at = 0;
    if (once.len) {
        evr_str twice = again(&arena, &second, once, whole);
        FUZZ_NEED(evr_str_eq(once, twice));
    }
    evr_buf_free(&first);
    evr_buf_free(&second);
    evr_arena_free(&arena);
    fuzz_context_done(ctx, &memory);
    return 0;
}
