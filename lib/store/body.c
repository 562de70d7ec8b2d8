#include "store/body.h"

#include "base/json_write.h"

enum { MARK = 1, GAP = 2, MOST_BODY = 1 << 28 };

static const char digits[] = "0123456789.-+e,";
_Static_assert(sizeof digits - 1 <= 15, "two of them fit a byte, and one of them and nothing");

/* Walking through JSON without white space: texts between values, and values. */

static size_t skip_string(evr_str s, size_t at)
{
    for (at++; at < s.len && s.data[at] != '"'; at++)
        at += s.data[at] == '\\';
    return at < s.len ? at + 1 : s.len;
}

/* Behind the end of a list of plain values, 0 when there is something else in it. */
static size_t skip_list(evr_str s, size_t at)
{
    for (at++; at < s.len && s.data[at] != ']';) {
        if (s.data[at] == '[' || s.data[at] == '{')
            return 0;
        at = s.data[at] == '"' ? skip_string(s, at) : at + 1;
    }
    return at < s.len ? at + 1 : 0;
}

static bool is_structure(char c) { return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ','; }

/* The next value at or after *at, which is left behind it. False when there is none any more; then *at is the end. */
static bool next_value(evr_str s, size_t *at, evr_str *value)
{
    while (*at < s.len) {
        char c = s.data[*at];
        size_t end = *at;
        if (c == '"') {
            end = skip_string(s, *at);
            if (end < s.len && s.data[end] == ':') { /* a name */
                *at = end;
                continue;
            }
        } else if (c == '[') {
            end = skip_list(s, *at);
        } else if (c == MARK) {
            end = *at + 2 <= s.len ? *at + 2 : s.len;
        } else if (!is_structure(c)) {
            while (end < s.len && !is_structure(s.data[end]) && s.data[end] != '"' && s.data[end] != MARK)
                end++;
        }
        if (end > *at) {
            *value = evr_str_sub(s, *at, end);
            *at = end;
            return true;
        }
        ++*at;
    }
    *value = (evr_str){"", 0};
    return false;
}

void evr_body_columns_init(evr_body_columns *c, evr_context *ctx)
{
    *c = (evr_body_columns){0};
    evr_buf_init(&c->text, ctx);
}

void evr_body_columns_free(evr_body_columns *c) { evr_buf_free(&c->text); }

bool evr_body_columns_set(evr_body_columns *c, const evr_str texts[5], const double times[3])
{
    evr_json_writer w;
    c->text.len = 0;
    evr_json_init(&w, &c->text);
    evr_json_open(&w, '[');
    for (int i = 0; i < 5; i++)
        evr_json_str(&w, texts[i]);
    for (int i = 0; i < 3; i++)
        evr_json_f64(&w, times[i]);
    evr_json_close(&w, ']');
    size_t at = 1;
    for (int i = 0; i < EVR_BODY_COLUMNS; i++)
        next_value(evr_buf_view(&c->text), &at, &c->values[i]);
    return !c->text.failed;
}

/* The column that says what a value is, -1 = none. What is short says more as it stands. */
static int column_of(const evr_body_columns *c, evr_str value)
{
    for (int i = 0; value.len > 3 && i < EVR_BODY_COLUMNS; i++)
        if (evr_str_eq(value, c->values[i]))
            return i;
    return -1;
}

bool evr_body_form(evr_str body, const evr_body_columns *c, evr_buf *form, evr_buf *shape)
{
    evr_str value;
    size_t at = 0, from = 0;
    form->len = shape->len = 0;
    if (memchr(body.data, MARK, body.len) || memchr(body.data, GAP, body.len))
        return false;
    while (next_value(body, &at, &value)) {
        evr_str between = evr_str_sub(body, from, (size_t)(value.data - body.data));
        int column = column_of(c, value);
        evr_buf_str(form, between);
        evr_buf_str(shape, between);
        evr_buf_char(shape, GAP);
        if (column >= 0) {
            evr_buf_char(form, MARK);
            evr_buf_char(form, (char)('a' + column));
        } else {
            evr_buf_str(form, value);
        }
        from = at;
    }
    evr_buf_str(form, evr_str_sub(body, from, body.len));
    evr_buf_str(shape, evr_str_sub(body, from, body.len));
    return !form->failed && !shape->failed;
}

/* What a value of the form stands for. False when it stands for nothing. */
static bool resolve(const evr_body_columns *c, evr_str *value)
{
    if (value->data[0] != MARK)
        return true;
    unsigned column = value->len == 2 ? (unsigned)(unsigned char)value->data[1] - 'a' : EVR_BODY_COLUMNS;
    if (column >= EVR_BODY_COLUMNS)
        return false;
    *value = c->values[column];
    return true;
}

static void put_number(evr_buf *to, uint64_t n)
{
    for (; n >= 128; n >>= 7)
        evr_buf_char(to, (char)(n | 128));
    evr_buf_char(to, (char)n);
}

static bool take_number(evr_str *from, uint64_t *n)
{
    *n = 0;
    for (int shift = 0; shift < 63 && from->len; shift += 7) {
        unsigned char c = (unsigned char)from->data[0];
        *from = evr_str_sub(*from, 1, from->len);
        *n |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return true;
    }
    return false;
}

static int digit_of(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool is_numeric(evr_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (digit_of(value.data[i]) < 0)
            return false;
    return value.len > 0;
}

static void put_value(evr_buf *to, evr_str value)
{
    bool list = value.len > 2 && value.data[0] == '[' && is_numeric(evr_str_sub(value, 1, value.len - 1));
    evr_str inner = list ? evr_str_sub(value, 1, value.len - 1) : value;
    bool packed = is_numeric(inner);
    put_number(to, (uint64_t)inner.len << 2 | (unsigned)list << 1 | packed);
    if (!packed) {
        evr_buf_str(to, inner);
        return;
    }
    for (size_t i = 0; i < inner.len; i += 2) {
        int low = digit_of(inner.data[i]), high = i + 1 < inner.len ? digit_of(inner.data[i + 1]) : 15;
        evr_buf_char(to, (char)(low | high << 4));
    }
}

static bool take_value(evr_str *from, evr_buf *to)
{
    uint64_t head;
    if (!take_number(from, &head))
        return false;
    bool packed = head & 1, list = head & 2;
    uint64_t len = head >> 2, bytes = packed ? (len + 1) / 2 : len;
    if (bytes > from->len || len > MOST_BODY)
        return false;
    evr_buf_c(to, list ? "[" : "");
    if (!packed)
        evr_buf_str(to, evr_str_sub(*from, 0, (size_t)bytes));
    for (size_t i = 0; packed && i < len; i++) {
        unsigned digit = (unsigned char)from->data[i / 2] >> (i & 1 ? 4 : 0) & 15;
        if (digit >= sizeof digits - 1)
            return false;
        evr_buf_char(to, digits[digit]);
    }
    evr_buf_c(to, list ? "]" : "");
    *from = evr_str_sub(*from, (size_t)bytes, from->len);
    return true;
}

/* Whether the same stands before two values. */
static bool same_between(evr_str a, size_t from_a, evr_str value_a, evr_str b, size_t from_b, evr_str value_b)
{
    return evr_str_eq(evr_str_sub(a, from_a, (size_t)(value_a.data - a.data)), evr_str_sub(b, from_b, (size_t)(value_b.data - b.data)));
}

bool evr_body_pack(evr_str body, evr_str form, const evr_body_columns *c, evr_buf *rest)
{
    evr_str value, like;
    size_t at = 0, at_form = 0, from = 0, from_form = 0;
    uint64_t same = 0;
    rest->len = 0;
    while (next_value(body, &at, &value)) {
        if (!next_value(form, &at_form, &like) || !same_between(body, from, value, form, from_form, like) || !resolve(c, &like))
            return false;
        from = at;
        from_form = at_form;
        if (evr_str_eq(value, like)) {
            same++;
            continue;
        }
        put_number(rest, same);
        put_value(rest, value);
        same = 0;
    }
    return !next_value(form, &at_form, &like) && evr_str_eq(evr_str_sub(body, from, body.len), evr_str_sub(form, from_form, form.len)) && !rest->failed;
}

bool evr_body_unpack(evr_str form, evr_str rest, const evr_body_columns *c, evr_buf *body)
{
    evr_str value;
    size_t at = 0, from = 0;
    uint64_t same = UINT64_MAX;
    body->len = 0;
    if (rest.len && !take_number(&rest, &same))
        return false;
    while (next_value(form, &at, &value) && body->len <= MOST_BODY) {
        evr_buf_str(body, evr_str_sub(form, from, (size_t)(value.data - form.data)));
        from = at;
        if (same-- == 0) {
            if (!take_value(&rest, body))
                return false;
            same = UINT64_MAX;
            if (rest.len && !take_number(&rest, &same))
                return false;
        } else if (resolve(c, &value)) {
            evr_buf_str(body, value);
        } else {
            return false;
        }
    }
    evr_buf_str(body, evr_str_sub(form, from, form.len));
    return !rest.len && !body->failed && body->len <= MOST_BODY;
}
