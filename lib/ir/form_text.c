#include "ir/form.h"

evr_str evr_form_text(evr_ir *ir, evr_json *j)
{
    evr_str raw = evr_json_peek(j) == '"' ? evr_json_raw_value(j) : (evr_str){"", 0};
    if (raw.len < 2) {
        evr_json_fail(j, "a string was expected");
        return raw;
    }
    raw = (evr_str){raw.data + 1, raw.len - 2};
    char *text = evr_arena_alloc(&ir->arena, raw.len + 1);
    if (!text) {
        evr_json_fail(j, evr_json_no_memory);
        return (evr_str){"", 0};
    }
    size_t len = memchr(raw.data, '\\', raw.len) ? evr_json_unescape(raw, text) : raw.len;
    if (len == raw.len)
        memcpy(text, raw.data, len);
    text[len] = 0;
    return (evr_str){text, len};
}

int64_t evr_form_whole(evr_json *j)
{
    int64_t value = 0;
    evr_json at = *j;
    if (!evr_json_to_i64(evr_json_raw_value(j), &value)) {
        evr_json_fail_at(j, &at, "a whole number was expected");
    }
    return value;
}

uint64_t evr_form_count(evr_json *j)
{
    evr_json at = *j;
    int64_t value = evr_form_whole(j);
    if (value < 0) {
        evr_json_fail_at(j, &at, "a number that is not negative was expected");
    }
    return value < 0 ? 0 : (uint64_t)value;
}

const int64_t *evr_form_sizes(evr_ir *ir, evr_json *j, uint32_t *rank)
{
    int64_t sizes[64];
    size_t n = 0;
    bool first = true;
    *rank = 0;
    if (!evr_json_enter(j, '['))
        return NULL;
    while (evr_json_next_item(j, &first)) {
        if (n == 64) {
            evr_json_fail(j, "at most 64 dimensions were expected");
            return NULL;
        }
        sizes[n++] = evr_form_whole(j);
    }
    int64_t *kept = evr_arena_alloc(&ir->arena, n * sizeof *kept);
    if (!kept)
        evr_json_fail(j, evr_json_no_memory);
    else if (n)
        memcpy(kept, sizes, n * sizeof *kept);
    *rank = (uint32_t)n;
    return kept;
}

evr_value *evr_form_items(evr_ir *ir, evr_json *j, size_t *count)
{
    evr_json ahead = *j;
    size_t n = 0;
    bool first = true;
    evr_json_enter(&ahead, '[');
    for (; evr_json_next_item(&ahead, &first); n++)
        evr_json_skip(&ahead);
    evr_value *items = ahead.problem ? NULL : evr_ir_add_items(ir, n);
    *count = items ? n : 0;
    if (!items)
        evr_json_fail(j, ahead.problem ? ahead.problem : evr_json_no_memory);
    else
        evr_json_enter(j, '[');
    return items;
}
