#include "base/str.h"

#include "base/context.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>

evr_str evr_str_trim(evr_str a)
{
    while (a.len && strchr(" \t\r\n", a.data[0]))
        a.data++, a.len--;
    while (a.len && strchr(" \t\r\n", a.data[a.len - 1]))
        a.len--;
    return a;
}

int evr_str_cmp(evr_str a, evr_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

char *evr_strdup(evr_context *ctx, evr_str s)
{
    char *copy = evr_alloc(ctx, s.len + 1);
    if (copy)
        evr_str_copy(copy, s);
    return copy;
}

bool evr_str_to_i64(evr_str s, int64_t *out)
{
    size_t i = 0;
    bool negative = false;
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        negative = s.data[i++] == '-';
    if (i == s.len)
        return false;
    uint64_t value = 0;
    const uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool evr_str_to_f64(evr_str s, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    /* Exact when the digits fit 2^53 and the power of ten is exact too; the rest goes to strtod. */
    size_t i = s.len && s.data[0] == '-';
    uint64_t digits = 0;
    int fraction = 0, count = 0;
    bool point = false;
    for (; i < s.len && count < 16; i++) {
        unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';
        if (digit <= 9) {
            digits = digits * 10 + digit;
            count++;
            fraction += point;
        } else if (s.data[i] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (i == s.len && count && digits <= (UINT64_C(1) << 53)) {
        double value = (double)digits / powers[fraction];
        *out = s.data[0] == '-' ? -value : value;
        return true;
    }
    char text[512];
    if (!s.len || s.len >= sizeof text || strchr(" \t\r\n", s.data[0]))
        return false;
    evr_str_copy(text, s);
    const char *point_text = localeconv()->decimal_point;
    char *dot = strchr(text, '.');
    if (dot && point_text[0] != '.' && point_text[0] && !point_text[1])
        *dot = point_text[0];
    char *end;
    double value = strtod(text, &end);
    if (*end || memchr(s.data, 0, s.len))
        return false;
    *out = value;
    return true;
}

bool evr_glob(evr_str pattern, evr_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && (pattern.data[p] == '?' || pattern.data[p] == text.data[t])) {
            p++, t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    return p == pattern.len;
}
