#include "perfdb/csv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { PLAIN = 0, COMMA = 1, LINE = 2, QUOTE = 3 };

static const unsigned char classes[256] = {[','] = COMMA, ['\n'] = LINE, ['\r'] = LINE, ['"'] = QUOTE};

/* The first byte at or after `at` that means something in CSV, or the end. */
static inline size_t skip_plain(const char *data, size_t at, size_t len)
{
#ifdef __SSE2__
    const __m128i comma = _mm_set1_epi8(','), quote = _mm_set1_epi8('"'), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (; len - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + at));
        __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, comma), _mm_cmpeq_epi8(bytes, quote)),
                                     _mm_or_si128(_mm_cmpeq_epi8(bytes, cr), _mm_cmpeq_epi8(bytes, lf)));
        int mask = _mm_movemask_epi8(found);
        if (mask)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (at < len && classes[(unsigned char)data[at]] == PLAIN)
        at++;
    return at;
}

void evr_csv_init(evr_csv *csv, evr_context *ctx, evr_str text)
{
    *csv = (evr_csv){.ctx = ctx, .text = text, .next_line = 1};
    if (evr_str_starts(text, "\xef\xbb\xbf"))
        csv->at = 3;
}

void evr_csv_free(evr_csv *csv)
{
    evr_release(csv->ctx, csv->fields, csv->field_cap * sizeof *csv->fields);
    evr_release(csv->ctx, csv->unescaped, csv->unescaped_cap);
}

/* Offset after the line ending at `at`. */
static size_t after_line(evr_str text, size_t at)
{
    if (at < text.len && text.data[at] == '\r' && at + 1 < text.len && text.data[at + 1] == '\n')
        return at + 2;
    return at < text.len ? at + 1 : at;
}

/* What one pass over a row found. */
typedef struct row_scan {
    size_t end;      /* of the row, before its line ending */
    uint64_t lines;  /* line endings inside the row */
    size_t copied;   /* bytes of the fields that must be unescaped, as they stand in the text */
    bool open;       /* ends inside quotes */
    bool canonical;
    bool stray;      /* text stands behind a closing quote */
    bool failed;     /* out of memory */
} row_scan;

/* Moves past a quoted field's content, from behind the opening quote to behind the closing one. */
static size_t skip_quoted(const evr_csv *csv, size_t at, bool single, row_scan *scan, bool *needed)
{
    const char *data = csv->text.data;
    size_t len = csv->text.len;
    for (;; at++) {
        at = skip_plain(data, at, len);
        if (at >= len) {
            scan->open = true;
            return at;
        }
        switch (classes[(unsigned char)data[at]]) {
        case COMMA: *needed = true; continue;
        case LINE:
            if (single) {
                scan->open = true;
                return at;
            }
            *needed = true;
            scan->lines += data[at] == '\n' || at + 1 >= len || data[at + 1] != '\n';
            continue;
        case QUOTE:
            if (at + 1 >= len || data[at + 1] != '"')
                return at + 1;
            *needed = true;
            at++;
        }
    }
}

static bool has_quote(const char *data, size_t from, size_t to) { return to > from && memchr(data + from, '"', to - from); }

/* A field between its ends. Only some need a copy without the quotes of the format: neither do "a", nor """a""", which is "a" with quotes. */
static evr_csv_field quoted_between(const char *data, size_t start, size_t end)
{
    size_t len = end - start;
    if (len >= 6 && memcmp(data + start, "\"\"\"", 3) == 0 && memcmp(data + end - 3, "\"\"\"", 3) == 0 && !has_quote(data, start + 3, end - 3))
        return (evr_csv_field){start + 2, end - 2, end, false};
    if (len >= 2 && data[end - 1] == '"' && !has_quote(data, start + 1, end - 1))
        return (evr_csv_field){start + 1, end - 1, end, false};
    return (evr_csv_field){start, end, end, true};
}

static inline evr_csv_field field_between(const char *data, size_t start, size_t end)
{
    if (start == end || data[start] != '"')
        return (evr_csv_field){start, end, end, false};
    return quoted_between(data, start, end);
}

/* One field from `at`; returns where it ends. */
static size_t scan_field(evr_csv *csv, size_t at, bool single, row_scan *scan)
{
    const char *data = csv->text.data;
    size_t len = csv->text.len, start = at;
    bool quoted = at < len && data[at] == '"', needed = false;
    if (quoted)
        at = skip_quoted(csv, at + 1, single, scan, &needed);
    bool quotes = false;
    while (at < len && !scan->open) {
        unsigned char class = classes[(unsigned char)data[at]];
        if (class == COMMA || class == LINE)
            break;
        scan->stray |= quoted;
        quotes |= class == QUOTE;
        at = skip_plain(data, at + 1, len);
    }
    scan->canonical &= quoted == needed && !quotes && !scan->stray;
    evr_csv_field *field = &csv->fields[csv->count++];
    *field = field_between(data, start, at);
    scan->copied += field->copied ? at - start : 0;
    return at;
}

static row_scan scan_row(evr_csv *csv, bool single)
{
    row_scan scan = {.canonical = true};
    size_t at = csv->at;
    csv->count = 0;
    for (;;) {
        if (csv->count == csv->field_cap &&
            !evr_grow(csv->ctx, (void **)&csv->fields, &csv->field_cap, csv->count + 1, sizeof *csv->fields)) {
            scan.failed = true;
            return scan;
        }
        at = scan_field(csv, at, single, &scan);
        if (scan.open || at >= csv->text.len || classes[(unsigned char)csv->text.data[at]] == LINE)
            break;
        at++; /* the comma */
    }
    scan.end = at;
    return scan;
}

/* Text of a field that begins with a quote, without quotes that belong to the format. What stands behind the closing quote stays. */
static size_t unescape(const char *from, size_t len, char *to)
{
    size_t n = 0, i = 1;
    for (; i < len; i++) {
        if (from[i] == '"') {
            if (i + 1 >= len || from[i + 1] != '"')
                break;
            i++;
        }
        to[n++] = from[i];
    }
    size_t rest = i + 1 < len ? len - i - 1 : 0;
    if (rest)
        memcpy(to + n, from + i + 1, rest);
    return n + rest;
}

static bool unescape_fields(evr_csv *csv, size_t bytes)
{
    if (bytes == 0)
        return true;
    if (!evr_grow(csv->ctx, (void **)&csv->unescaped, &csv->unescaped_cap, bytes, 1))
        return false;
    size_t used = 0;
    for (size_t i = 0; i < csv->count; i++) {
        evr_csv_field *f = &csv->fields[i];
        if (!f->copied)
            continue;
        size_t n = unescape(csv->text.data + f->start, f->end - f->start, csv->unescaped + used);
        f->start = used;
        f->end = used += n;
    }
    return true;
}

static evr_csv_result malformed(evr_csv *csv, row_scan scan)
{
    csv->problem = scan.open || (scan.stray && scan.lines) ? "a quote is not closed"
                   : csv->count < csv->width ? "there are fewer fields than columns"
                                             : "there are more fields than columns";
    if (scan.lines) { /* what follows its first line may be whole rows */
        if (csv->single_until < scan.end)
            csv->single_until = scan.end;
        scan.end = csv->at;
        while (classes[(unsigned char)csv->text.data[scan.end]] != LINE)
            scan.end++;
    }
    csv->raw = (evr_str){csv->text.data + csv->at, scan.end - csv->at};
    csv->count = 0;
    csv->at = after_line(csv->text, scan.end);
    csv->next_line++;
    return EVR_CSV_MALFORMED;
}

evr_csv_result evr_csv_next(evr_csv *csv)
{
    while (csv->at < csv->text.len && classes[(unsigned char)csv->text.data[csv->at]] == LINE) {
        csv->at = after_line(csv->text, csv->at);
        csv->next_line++;
    }
    csv->count = 0;
    if (csv->at >= csv->text.len)
        return EVR_CSV_END;
    csv->line = csv->next_line;
    row_scan scan = scan_row(csv, csv->at < csv->single_until);
    if (scan.failed)
        return EVR_CSV_NOMEM;
    bool torn = scan.open || (scan.stray && scan.lines); /* a quote of another row closed it */
    if (torn || (csv->width && csv->count != csv->width))
        return malformed(csv, scan);
    csv->raw = (evr_str){csv->text.data + csv->at, scan.end - csv->at};
    csv->canonical = scan.canonical;
    csv->at = after_line(csv->text, scan.end);
    csv->next_line += scan.lines + 1;
    return unescape_fields(csv, scan.copied) ? EVR_CSV_ROW : EVR_CSV_NOMEM;
}

bool evr_csv_peek(evr_str raw, size_t start, size_t end, evr_str *out)
{
    evr_csv_field f = field_between(raw.data, start, end);
    *out = evr_str_sub(raw, f.start, f.end);
    return !f.copied;
}

bool evr_csv_reopen(evr_csv *csv, evr_str raw, const uint32_t *ends, size_t count)
{
    size_t copied = 0, start = 0;
    csv->text = csv->raw = raw;
    csv->count = 0;
    if (!evr_grow(csv->ctx, (void **)&csv->fields, &csv->field_cap, count, sizeof *csv->fields))
        return false;
    for (size_t i = 0; i < count; i++) {
        evr_csv_field *f = &csv->fields[csv->count++];
        *f = field_between(raw.data, start, ends[i]);
        copied += f->copied ? f->end - f->start : 0;
        start = ends[i] + 1;
    }
    return unescape_fields(csv, copied);
}

void evr_csv_put(evr_buf *buf, evr_str value, bool first)
{
    if (!first)
        evr_put_char(buf, ',');
    if (skip_plain(value.data, 0, value.len) == value.len) {
        evr_put(buf, value.data, value.len);
        return;
    }
    evr_put_char(buf, '"');
    for (size_t from = 0; from < value.len;) {
        const char *quote = memchr(value.data + from, '"', value.len - from);
        size_t to = quote ? (size_t)(quote - value.data) + 1 : value.len;
        evr_put(buf, value.data + from, to - from);
        if (quote)
            evr_put_char(buf, '"');
        from = to;
    }
    evr_put_char(buf, '"');
}

void evr_csv_end_row(evr_buf *buf) { evr_put(buf, "\r\n", 2); }
