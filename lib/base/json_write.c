#include "base/json_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void evr_json_init(evr_json_writer *w, evr_buf *buf)
{
    *w = (evr_json_writer){.buf = buf};
}

static void new_line(evr_json_writer *w)
{
    if (!w->indent)
        return;
    evr_buf_char(w->buf, '\n');
    for (int i = 0; i < w->indent * w->depth; i++)
        evr_buf_char(w->buf, ' ');
}

/* What stands between the element before and the one that comes now. */
static void separate(evr_json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (!w->depth)
        return;
    if (w->filled[w->depth - 1])
        evr_buf_c(w->buf, w->spaced && !w->indent ? ", " : ",");
    w->filled[w->depth - 1] = true;
    new_line(w);
}

void evr_json_open(evr_json_writer *w, char bracket)
{
    separate(w);
    evr_buf_char(w->buf, bracket);
    if (w->depth == EVR_JSON_DEPTH) {
        w->buf->failed = true;
        return;
    }
    w->filled[w->depth++] = false;
}

void evr_json_close(evr_json_writer *w, char bracket)
{
    if (!w->depth)
        return;
    bool filled = w->filled[--w->depth];
    if (filled)
        new_line(w);
    evr_buf_char(w->buf, bracket);
}

static void quoted(evr_buf *buf, evr_str s)
{
    static const char hex[] = "0123456789abcdef";
    evr_buf_char(buf, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        evr_buf_add(buf, s.data + from, i - from);
        from = i + 1;
        const char *short_form = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\t' ? "\\t" :
                                 c == '\r' ? "\\r" : c == '\b' ? "\\b" : c == '\f' ? "\\f" : NULL;
        if (short_form)
            evr_buf_c(buf, short_form);
        else
            evr_buf_add(buf, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
    evr_buf_add(buf, s.data + from, s.len - from);
    evr_buf_char(buf, '"');
}

void evr_json_key(evr_json_writer *w, const char *key) { evr_json_key_str(w, evr_str_c(key)); }

void evr_json_key_str(evr_json_writer *w, evr_str key)
{
    separate(w);
    quoted(w->buf, key);
    evr_buf_c(w->buf, w->spaced || w->indent ? ": " : ":");
    w->after_key = true;
}

void evr_json_str(evr_json_writer *w, evr_str s)
{
    separate(w);
    quoted(w->buf, s);
}

void evr_json_i64(evr_json_writer *w, int64_t value)
{
    separate(w);
    evr_buf_printf(w->buf, "%" PRId64, value);
}

void evr_json_u64(evr_json_writer *w, uint64_t value)
{
    separate(w);
    evr_buf_printf(w->buf, "%" PRIu64, value);
}

void evr_json_f64(evr_json_writer *w, double value)
{
    separate(w);
    if (isnan(value)) {
        evr_buf_c(w->buf, "NaN");
        return;
    }
    if (isinf(value)) {
        evr_buf_c(w->buf, value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        double back;
        if (evr_str_to_f64(evr_str_c(text), &back) && back == value)
            break;
    }
    char *comma = strchr(text, ','); /* a host program may have set a locale */
    if (comma)
        *comma = '.';
    if (!strpbrk(text, ".en"))
        strcat(text, ".0");
    evr_buf_c(w->buf, text);
}

void evr_json_bool(evr_json_writer *w, bool value)
{
    separate(w);
    evr_buf_c(w->buf, value ? "true" : "false");
}

void evr_json_null(evr_json_writer *w)
{
    separate(w);
    evr_buf_c(w->buf, "null");
}

void evr_json_raw(evr_json_writer *w, evr_str json)
{
    separate(w);
    evr_buf_str(w->buf, json);
}
