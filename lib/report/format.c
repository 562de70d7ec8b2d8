#include "report/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void evr_put_fixed(evr_buf *buf, double value, int decimals)
{
    size_t from = buf->len;
    evr_buf_printf(buf, "%.*f", decimals, isfinite(value) ? value : 0.0);
    for (size_t i = from; !buf->failed && i < buf->len; i++)
        if (buf->data[i] == ',') /* a host program may have set a locale */
            buf->data[i] = '.';
}

void evr_put_time(evr_buf *buf, double ns)
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
    if (!(ns >= 0)) {
        evr_buf_char(buf, '-');
        return;
    }
    size_t i = 0;
    while (i < 3 && ns < units[i].unit * 0.99995)
        i++;
    double value = ns / units[i].unit;
    evr_put_fixed(buf, value, value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0);
    evr_buf_printf(buf, " %s", units[i].name);
}

#define MOST_PART 1e3

void evr_put_percent(evr_buf *buf, double part, int decimals, bool sign)
{
    if (part > MOST_PART) { /* more digits would say nothing more */
        evr_buf_c(buf, "over ");
        part = MOST_PART;
        decimals = 0;
    }
    if (sign && part >= 0)
        evr_buf_char(buf, '+');
    evr_put_fixed(buf, part * 100, decimals);
    evr_buf_c(buf, " %");
}

void evr_put_count(evr_buf *buf, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, value);
    for (int i = 0; i < n; i++) {
        evr_buf_char(buf, digits[i]);
        if ((n - i) % 3 == 1 && i + 1 < n)
            evr_buf_char(buf, ',');
    }
}

/* Of the civil calendar; days are counted from a March, so that leap days come last in a year. */
void evr_put_date(evr_buf *buf, int64_t seconds)
{
    if (seconds <= 0 || seconds > 253402300799) { /* beyond the year 9999 */
        evr_buf_char(buf, '-');
        return;
    }
    int64_t days = seconds / 86400 + 719468, rest = seconds % 86400;
    int64_t era = days / 146097, in_era = days % 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100), month = (5 * in_year + 2) / 153;
    evr_buf_printf(buf, "%04d-%02d-%02d %02d:%02d:%02d UTC", (int)(year + era * 400 + (month >= 10)), (int)(month < 10 ? month + 3 : month - 9),
                   (int)(in_year - (153 * month + 2) / 5 + 1), (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

/* Bytes of the character at `i` when it is one that no report shows: a control character (C0, DEL, C1), a mark that turns the direction of text, or one
 * that XML forbids. 0 when it is good. The text is UTF-8. */
static size_t bad_character(evr_str s, size_t i)
{
    const unsigned char *p = (const unsigned char *)s.data + i;
    size_t left = s.len - i;
    if (p[0] < 0x20 || p[0] == 0x7f)
        return 1;
    if (p[0] == 0xC2 && left > 1 && p[1] < 0xA0)
        return 2;
    if (left < 3)
        return 0;
    bool turns = p[0] == 0xE2 && ((p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE) || (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9));
    bool none = p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE;
    return turns || none ? 3 : 0;
}

/* Runs of good bytes go through at once; `replace` writes for a byte that is not good, and returns false when it is after all. */
static void put_cleaned(evr_buf *buf, evr_str s, const char *special, void (*replace)(evr_buf *, char))
{
    size_t from = 0;
    for (size_t i = 0; i < s.len;) {
        size_t bad = bad_character(s, i);
        bool is_special = s.data[i] && strchr(special, s.data[i]);
        if (!bad && !is_special) {
            i++;
            continue;
        }
        evr_buf_add(buf, s.data + from, i - from);
        if (is_special)
            replace(buf, s.data[i]);
        else
            evr_buf_c(buf, "\xEF\xBF\xBD");
        i += bad ? bad : 1;
        from = i;
    }
    evr_buf_add(buf, s.data + from, s.len - from);
}

static void entity(evr_buf *buf, char c) { evr_buf_printf(buf, "&#%d;", c); }
static void space(evr_buf *buf, char c)
{
    (void)c;
    evr_buf_char(buf, ' ');
}

void evr_put_markup(evr_buf *buf, evr_str text) { put_cleaned(buf, text, "&<>\"'\n\t", entity); }
void evr_put_terminal(evr_buf *buf, evr_str text) { put_cleaned(buf, text, "\n\t\r", space); }

/* A code span where nothing in the text ends it, else code in HTML: both are shown as they are, and mention nobody. */
void evr_put_markdown(evr_buf *buf, evr_str text)
{
    bool simple = true;
    for (size_t i = 0; i < text.len && simple; i++)
        simple = !strchr("`|\\<>&\n\t\r", text.data[i]) && !bad_character(text, i);
    if (!text.len)
        return;
    if (simple && text.data[0] != ' ' && text.data[text.len - 1] != ' ') {
        evr_buf_printf(buf, "`");
        evr_buf_str(buf, text);
        evr_buf_char(buf, '`');
        return;
    }
    evr_buf_c(buf, "<code>");
    put_cleaned(buf, text, "&<>\"'`|\\*_[]~#@!:/\n\t", entity);
    evr_buf_c(buf, "</code>");
}

void evr_put_csv(evr_buf *buf, evr_str text)
{
    bool formula = text.len && text.data[0] && strchr("=+-@\t\r", text.data[0]);
    bool quote = false;
    for (size_t i = 0; i < text.len; i++)
        quote |= text.data[i] == ',' || text.data[i] == '"' || text.data[i] == '\n' || text.data[i] == '\r';
    if (quote)
        evr_buf_char(buf, '"');
    if (formula)
        evr_buf_char(buf, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            evr_buf_char(buf, '"');
        evr_buf_char(buf, text.data[i]);
    }
    if (quote)
        evr_buf_char(buf, '"');
}

void evr_put_op(evr_buf *buf, const evr_result *r, evr_put_fn put)
{
    if (!r->overload.len) {
        put(buf, r->op);
        return;
    }
    evr_buf whole;
    evr_buf_init(&whole, buf->ctx);
    evr_buf_str(&whole, r->op);
    evr_buf_char(&whole, '.');
    evr_buf_str(&whole, r->overload);
    buf->failed |= whole.failed;
    put(buf, evr_buf_view(&whole));
    evr_buf_free(&whole);
}
