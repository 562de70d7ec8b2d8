#include "trace/json.h"

#include "base/error.h"

size_t evr_utf8_put(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* Four hex digits at `i`, or -1. */
static int32_t hex4(evr_str s, size_t i)
{
    if (i + 4 > s.len)
        return -1;
    int32_t value = 0;
    for (size_t k = i; k < i + 4; k++) {
        char c = s.data[k];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* Decodes "\uXXXX" (and a second half) whose 'u' stands at *i; leaves *i at the last byte used. */
static uint32_t unicode_escape(evr_str raw, size_t *i)
{
    int32_t unit = hex4(raw, *i + 1);
    if (unit < 0)
        return 0xFFFD;
    *i += 4;
    if (unit < 0xD800 || unit > 0xDFFF)
        return (uint32_t)unit;
    if (unit < 0xDC00 && *i + 2 < raw.len && raw.data[*i + 1] == '\\' && raw.data[*i + 2] == 'u') {
        int32_t low = hex4(raw, *i + 3);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *i += 6;
            return 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
        }
    }
    return 0xFFFD;
}

size_t evr_json_unescape(evr_str raw, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.data[i];
        if (c != '\\' || i + 1 == raw.len) {
            out[n++] = c;
            continue;
        }
        c = raw.data[++i];
        if (c == 'u') {
            /* never longer than its escape, but U+FFFD of a broken one: 3 bytes for at least "\u" and what follows */
            uint32_t code = unicode_escape(raw, &i);
            char utf8[4];
            size_t len = evr_utf8_put(code, utf8);
            if (n + len > i + 1)
                len = 1, utf8[0] = '?';
            memcpy(out + n, utf8, len);
            n += len;
            continue;
        }
        const char *known = c ? strchr(from, c) : NULL;
        out[n++] = known ? to[known - from] : c;
    }
    return n;
}

bool evr_json_to_i64(evr_str raw, int64_t *out)
{
    return raw.len && raw.data[0] != '+' && evr_str_to_i64(raw, out);
}

bool evr_json_to_f64(evr_str raw, double *out)
{
    if (!raw.len || !memchr("-0123456789NI", raw.data[0], 13))
        return false;
    return evr_str_to_f64(raw, out);
}

const char evr_json_no_memory[] = "out of memory";

const char *evr_json_problem_text(evr_json_problem problem)
{
    static const char *const texts[] = {
        [EVR_JSON_GOOD] = "no problem",
        [EVR_JSON_EMPTY] = "there is no JSON, only white space",
        [EVR_JSON_OPEN_STRING] = "the text ends inside a string",
        [EVR_JSON_BAD_UTF8] = "bytes that are not UTF-8",
        [EVR_JSON_BAD_CONTROL] = "a control character inside a string",
        [EVR_JSON_TOO_LONG] = "one value is larger than 4 GiB",
        [EVR_JSON_NO_MEMORY] = evr_json_no_memory,
        [EVR_JSON_DEFECT] = "the JSON indexer failed",
    };
    return texts[problem];
}

size_t evr_utf8_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n > left)
        return 0;
    for (size_t k = 1; k < n; k++)
        if ((p[k] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

size_t evr_json_locate(evr_str text, evr_json_problem problem)
{
    bool in_string = false;
    size_t opened = 0;
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.data[i];
        if (problem == EVR_JSON_BAD_UTF8 && c >= 0x80) {
            size_t n = evr_utf8_length((const unsigned char *)text.data + i, text.len - i);
            if (!n)
                return i;
            i += n;
            continue;
        }
        if (in_string && c == '\\') {
            i += 2;
            continue;
        }
        if (c == '"') {
            in_string = !in_string;
            opened = i;
        } else if (problem == EVR_JSON_BAD_CONTROL && in_string && c < 0x20) {
            return i;
        }
        i++;
    }
    return problem == EVR_JSON_OPEN_STRING && in_string ? opened : text.len;
}

size_t evr_json_before_string(evr_str text, size_t at)
{
    bool in_string = false;
    size_t opened = 0;
    for (size_t i = 0; i < at; i++) {
        if (in_string && text.data[i] == '\\') {
            i++;
        } else if (text.data[i] == '"') {
            in_string = !in_string;
            opened = i;
        }
    }
    return in_string ? opened : at;
}

evr_status evr_json_doc_open(evr_context *ctx, evr_json_doc *doc, evr_str text, evr_error **err)
{
    if (!doc->indexer && !(doc->indexer = evr_json_indexer_new()))
        return evr_fail_nomem(err);
    const uint32_t *index;
    size_t count;
    evr_json_problem problem = evr_json_indexer_run(doc->indexer, text.data, text.len, &index, &count);
    if (problem == EVR_JSON_NO_MEMORY)
        return evr_fail_nomem(err);
    if (problem != EVR_JSON_GOOD) {
        evr_fail(ctx, err, problem == EVR_JSON_OPEN_STRING ? EVR_E_TRUNCATED : EVR_E_FORMAT, "not valid JSON: %s",
                 evr_json_problem_text(problem));
        return evr_at_offset(err, (int64_t)evr_json_locate(text, problem)), problem == EVR_JSON_OPEN_STRING ? EVR_E_TRUNCATED : EVR_E_FORMAT;
    }
    doc->cursor = evr_json_at(text.data, index, count);
    return EVR_OK;
}

void evr_json_doc_close(evr_json_doc *doc)
{
    evr_json_indexer_free(doc->indexer);
    *doc = (evr_json_doc){0};
}

evr_status evr_json_check(evr_context *ctx, const evr_json *j, const char *what, evr_error **err)
{
    if (!j->problem)
        return EVR_OK;
    if (j->problem == evr_json_no_memory)
        return evr_fail_nomem(err);
    evr_status code = j->problem_at >= j->index[j->count] ? EVR_E_TRUNCATED : EVR_E_FORMAT;
    evr_fail(ctx, err, code, "%s: %s at byte %zu", what, j->problem, j->problem_at);
    evr_at_offset(err, (int64_t)j->problem_at);
    return code;
}
