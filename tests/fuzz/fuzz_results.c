/* Results from any text, written in every form, compared with those after the first NUL byte; what was written as JSON reads back to the same bytes.
 * The first byte is the number of the allocation that fails, 0 = none. */
#include "fuzz/support.h"

static char *write_all(evr_context *ctx, const evr_results *results, size_t *json_size)
{
    char *json = NULL;
    for (int32_t format = EVR_REPORT_JSON; format <= EVR_REPORT_TEXT; format++) {
        char *text = NULL;
        size_t size = 0;
        evr_status status = evr_results_write(results, format, &text, &size, NULL);
        FUZZ_NEED((status == EVR_OK) == (text != NULL) && (status == EVR_OK || status == EVR_E_NOMEM));
        FUZZ_NEED(!text || strlen(text) == size);
        if (format == EVR_REPORT_JSON) {
            json = text;
            *json_size = size;
        } else {
            evr_text_free(ctx, text);
        }
    }
    return json;
}

static void compare(evr_context *ctx, const evr_results *base, const evr_results *newer)
{
    evr_comparison *comparison = NULL;
    evr_error *err = NULL;
    evr_status status = evr_compare(ctx, base, newer, NULL, &comparison, &err);
    fuzz_check_outcome(status, comparison, err);
    for (int32_t format = EVR_REPORT_JSON; comparison && format <= EVR_REPORT_TEXT; format++) {
        char *text = NULL;
        size_t size = 0;
        if (evr_comparison_write(comparison, format, &text, &size, NULL) == EVR_OK)
            FUZZ_NEED(strlen(text) == size);
        evr_text_free(ctx, text);
    }
    evr_comparison_free(comparison);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    fuzz_memory memory = {.fail_at = fuzz_u8(&in), .most = (size_t)1 << 28};
    evr_context *ctx = fuzz_context(&memory);
    evr_results *results = NULL, *other = NULL, *again = NULL;
    evr_error *err = NULL;
    const uint8_t *end = in.size ? memchr(in.data, 0, in.size) : NULL;
    size_t first = end ? (size_t)(end - in.data) : in.size, once_size = 0, twice_size = 0;
    evr_status status = evr_results_read(ctx, in.data, first, &results, &err);
    fuzz_check_outcome(status, results, err);
    if (results && end && evr_results_read(ctx, end + 1, in.size - first - 1, &other, NULL) == EVR_OK)
        compare(ctx, results, other);
    if (results)
        compare(ctx, results, results);
    memory.fail_at = 0;
    if (results) {
        char *once = write_all(ctx, results, &once_size);
        if (once && evr_results_read(ctx, once, once_size, &again, NULL) == EVR_OK) {
            char *twice = write_all(ctx, again, &twice_size);
            FUZZ_NEED(twice && once_size == twice_size && memcmp(once, twice, once_size) == 0);
            evr_text_free(ctx, twice);
        }
        evr_text_free(ctx, once);
    }
    evr_results_free(again);
    evr_results_free(other);
    evr_results_free(results);
    fuzz_context_done(ctx, &memory);
    return 0;
}
