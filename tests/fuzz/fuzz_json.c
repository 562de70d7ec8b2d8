/* The JSON cursor over any bytes: stays inside the text, ends, and skipping a value lands where reading it does. */
#include "fuzz/support.h"

#include "trace/json.h"

#include <stdlib.h>

enum { DEPTH = 200 };

static void check_inside(const evr_json *j, evr_str s)
{
    if (!s.len)
        return;
    const char *end = j->text + j->index[j->count];
    FUZZ_NEED(s.data >= j->text && s.data <= end && s.len <= (size_t)(end - s.data));
}

static void check_string(const evr_json *j, evr_str raw)
{
    check_inside(j, raw);
    char *plain = malloc(raw.len + 1);
    FUZZ_NEED(plain && evr_json_unescape(raw, plain) <= raw.len);
    free(plain);
}

/* Reads one value field by field. */
static void read_value(evr_json *j, int depth)
{
    char c = evr_json_peek(j);
    bool first = true;
    if (depth > DEPTH) {
        evr_json_skip(j);
    } else if (c == '{') {
        evr_str key;
        evr_json_enter(j, '{');
        while (evr_json_next_field(j, &first, &key)) {
            check_string(j, key);
            read_value(j, depth + 1);
        }
    } else if (c == '[') {
        evr_json_enter(j, '[');
        while (evr_json_next_item(j, &first))
            read_value(j, depth + 1);
    } else if (c == '"') {
        check_string(j, evr_json_string_at(j, j->pos));
        evr_json_skip(j);
    } else {
        int64_t i;
        double f;
        evr_str raw = evr_json_raw_value(j);
        check_inside(j, raw);
        if (evr_json_to_i64(raw, &i))
            FUZZ_NEED(evr_json_to_f64(raw, &f));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_memory memory = {0};
    evr_context *ctx = fuzz_context(&memory);
    evr_json_doc doc = {0};
    evr_error *err = NULL;
    evr_str text = {(const char *)data, size};
    if (evr_json_doc_open(ctx, &doc, text, &err) == EVR_OK) {
        evr_json read = doc.cursor, skip = doc.cursor;
        while (evr_json_peek(&read) && !read.problem) {
            size_t before = read.pos;
            read_value(&read, 0);
            FUZZ_NEED(read.problem || read.pos > before);
            if (read.problem)
                break;
            FUZZ_NEED(evr_json_skip(&skip) && skip.pos == read.pos);
        }
        evr_status status = evr_json_check(ctx, &read, "input", &err);
        FUZZ_NEED((status == EVR_OK) == !read.problem);
    }
    if (err)
        FUZZ_NEED(evr_error_offset(err) >= 0 && evr_error_offset(err) <= (int64_t)size);
    evr_error_free(err);
    evr_json_doc_close(&doc);
    fuzz_context_done(ctx, &memory);
    return 0;
}
