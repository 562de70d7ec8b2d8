/* Documents of records from any text: what is read is written in all formats, and what was written reads back to the same
 * bytes; what a log leaves out is completed once. The first byte is the number of the allocation that fails, 0 = none. */
#include "fuzz/support.h"

static char *write_set(evr_context *ctx, const evr_ir_set *set, int32_t format, size_t *size)
{
    char *text = NULL;
    const evr_ir *records[64];
    size_t n = evr_ir_set_count(set) < 64 ? evr_ir_set_count(set) : 64;
    for (size_t i = 0; i < n; i++)
        records[i] = evr_ir_set_at(set, i);
    evr_status status = evr_ir_write(ctx, records, n, format, &text, size, NULL);
    FUZZ_NEED((status == EVR_OK) == (text != NULL));
    return text;
}

static void write_and_read(evr_context *ctx, const evr_ir_set *set, int32_t format)
{
    size_t once_size, twice_size;
    evr_ir_set *again = NULL;
    char *once = write_set(ctx, set, format, &once_size);
    if (once && once_size && evr_ir_read(ctx, once, once_size, &again, NULL) == EVR_OK) {
        char *twice = write_set(ctx, again, format, &twice_size);
        FUZZ_NEED(twice && once_size == twice_size && memcmp(once, twice, once_size) == 0);
        evr_text_free(ctx, twice);
    }
    evr_text_free(ctx, once);
    evr_ir_set_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    fuzz_memory memory = {.fail_at = fuzz_u8(&in), .most = (size_t)1 << 28};
    evr_context *ctx = fuzz_context(&memory);
    evr_ir_set *set = NULL;
    evr_error *err = NULL;
    evr_status status = evr_ir_read(ctx, in.data, in.size, &set, &err);
    FUZZ_NEED((status == EVR_OK) == (set != NULL) && (status == EVR_OK || err));
    evr_error_free(err);
    memory.fail_at = 0;
    if (set) {
        size_t size_of_other;
        write_and_read(ctx, set, EVR_IR_FORMAT_EVREPLAY);
        evr_text_free(ctx, write_set(ctx, set, EVR_IR_FORMAT_TRACELENS, &size_of_other));
        char *log = write_set(ctx, set, EVR_IR_FORMAT_LOG, &size_of_other);
        evr_ir_set *completed = NULL;
        if (log && size_of_other && evr_ir_read(ctx, log, size_of_other, &completed, NULL) == EVR_OK)
            write_and_read(ctx, completed, EVR_IR_FORMAT_LOG);
        evr_text_free(ctx, log);
        evr_ir_set_free(completed);
    }
    evr_ir_set_free(set);
    fuzz_context_done(ctx, &memory);
    return 0;
}
