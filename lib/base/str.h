/* Borrowed text. */
#ifndef EVR_BASE_STR_H
#define EVR_BASE_STR_H

#include <evreplay/base.h>

#include <stdbool.h>
#include <string.h>

/* For printf's "%.*s". */
#define EVR_STR_ARG(s) (int)((s).len > 65536 ? 65536 : (s).len), ((s).data ? (s).data : "")

#define EVR_STR_LITERAL(s) ((evr_str){(s), sizeof(s) - 1})

static inline evr_str evr_str_c(const char *text)
{
    return (evr_str){text, text ? strlen(text) : 0};
}

/* Equality of short texts without a call; overlapping words cover the odd ends. */
static inline bool evr_bytes_eq(const char *a, const char *b, size_t n)
{
    if (n > 64)
        return memcmp(a, b, n) == 0;
    if (n >= 8) {
        uint64_t x, y, differ = 0;
        for (size_t i = 0; i + 8 < n; i += 8) {
            memcpy(&x, a + i, 8);
            memcpy(&y, b + i, 8);
            differ |= x ^ y;
        }
        memcpy(&x, a + n - 8, 8);
        memcpy(&y, b + n - 8, 8);
        return (differ | (x ^ y)) == 0;
    }
    if (n >= 4) {
        uint32_t x, y, u, v;
        memcpy(&x, a, 4);
        memcpy(&y, b, 4);
        memcpy(&u, a + n - 4, 4);
        memcpy(&v, b + n - 4, 4);
        return ((x ^ y) | (u ^ v)) == 0;
    }
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static inline bool evr_str_eq(evr_str a, evr_str b)
{
    return a.len == b.len && evr_bytes_eq(a.data, b.data, a.len);
}

static inline bool evr_str_is(evr_str a, const char *text)
{
    if (a.len && *a.data != *text) /* where most differ: tables are searched without asking for lengths */
        return false;
    size_t len = strlen(text);
    return a.len == len && (len == 0 || memcmp(a.data, text, len) == 0);
}

static inline bool evr_str_starts(evr_str a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && (len == 0 || memcmp(a.data, prefix, len) == 0);
}

static inline bool evr_str_ends(evr_str a, const char *suffix)
{
    size_t len = strlen(suffix);
    return a.len >= len && (len == 0 || memcmp(a.data + a.len - len, suffix, len) == 0);
}

static inline bool evr_str_has(evr_str a, const char *part)
{
    return a.len && memmem(a.data, a.len, part, strlen(part)) != NULL;
}

/* Position of `c` at or after `from`, or SIZE_MAX. */
static inline size_t evr_str_find(evr_str a, char c, size_t from)
{
    const char *p = from < a.len ? memchr(a.data + from, c, a.len - from) : NULL;
    return p ? (size_t)(p - a.data) : SIZE_MAX;
}

static inline evr_str evr_str_sub(evr_str a, size_t from, size_t to)
{
    if (to > a.len)
        to = a.len;
    return from < to ? (evr_str){a.data + from, to - from} : (evr_str){"", 0};
}

/* Without white space at both ends. */
evr_str evr_str_trim(evr_str a);

/* Byte order, shorter first among equals; for qsort-like use. */
int evr_str_cmp(evr_str a, evr_str b);

/* Writes the text and a NUL; `to` has len + 1 bytes. */
static inline void evr_str_copy(char *to, evr_str s)
{
    if (s.len)
        memcpy(to, s.data, s.len);
    to[s.len] = 0;
}

/* NUL-terminated copy of len + 1 bytes from the context's allocator; NULL when memory is out. */
char *evr_strdup(evr_context *ctx, evr_str s);

/* Whole decimal integer (optional sign) or false; false too when it does not fit. */
bool evr_str_to_i64(evr_str s, int64_t *out);
/* Whole number in the C locale, "inf", "-inf", "nan" in any case included; false when any byte is left over. */
bool evr_str_to_f64(evr_str s, double *out);

/* Shell-style pattern with '*' and '?', over the whole text. */
bool evr_glob(evr_str pattern, evr_str text);

#endif
