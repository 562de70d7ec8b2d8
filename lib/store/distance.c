/* How far two calls are from each other, told by their arguments in words: "float32[8,128], 1, dim=-1". */
#include "store/store.h"

#include "base/str.h"

#include <math.h>

enum { RANK = 64 };

/* A tensor of a text, with what stands before it. */
typedef struct tensor {
    evr_str before, type;
    int64_t sizes[RANK];
    int rank;
} tensor;

static bool of_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' || c == '.'; }

/* "8,128]" from `at`; the place behind it, or 0 when these are no sizes. */
static size_t read_sizes(evr_str text, size_t at, tensor *out)
{
    out->rank = 0;
    if (at < text.len && text.data[at] == ']')
        return at + 1;
    while (out->rank < RANK) {
        size_t end = at;
        while (end < text.len && text.data[end] != ',' && text.data[end] != ']')
            end++;
        if (end == text.len || !evr_str_to_i64(evr_str_sub(text, at, end), &out->sizes[out->rank++]))
            return 0;
        at = end + 1;
        if (text.data[end] == ']')
            return at;
    }
    return 0;
}

/* Texts in quotes hold no tensors. */
static size_t behind_quotes(evr_str text, size_t at)
{
    size_t end = evr_str_find(text, '\'', at + 1);
    return end == SIZE_MAX ? text.len : end + 1;
}

/* The next tensor at or behind *at, which goes behind it; at the end false, and `before` is the rest. */
static bool next_tensor(evr_str text, size_t *at, tensor *out)
{
    size_t from = *at;
    for (size_t i = from; i < text.len; i++) {
        if (text.data[i] == '\'') {
            i = behind_quotes(text, i) - 1;
            continue;
        }
        size_t name = i;
        while (text.data[i] == '[' && name > from && of_name(text.data[name - 1]))
            name--;
        size_t end = name < i ? read_sizes(text, i + 1, out) : 0;
        if (!end)
            continue;
        out->before = evr_str_sub(text, from, name);
        out->type = evr_str_sub(text, name, i);
        *at = end;
        return true;
    }
    out->before = evr_str_sub(text, from, text.len);
    return false;
}

static double magnitude(int64_t size) { return log2(size > 0 ? (double)size : 0.5); }

static double between(const tensor *a, const tensor *b)
{
    double sum = 0;
    for (int i = 1; i <= a->rank || i <= b->rank; i++) {
        int64_t x = i <= a->rank ? a->sizes[a->rank - i] : 1, y = i <= b->rank ? b->sizes[b->rank - i] : 1;
        sum += fabs(magnitude(x) - magnitude(y));
    }
    return sum;
}

double evr_store_distance(evr_str a, evr_str b, bool same_overload)
{
    size_t in_a = 0, in_b = 0;
    double sum = 0;
    bool same = same_overload, by_shape = false; /* `a` asks for any type: only shapes count */
    for (;;) {
        tensor x, y;
        bool more = next_tensor(a, &in_a, &x);
        if (more != next_tensor(b, &in_b, &y))
            return -1;
        by_shape |= more && evr_str_is(x.type, "any");
        same = same && (by_shape || evr_str_eq(x.before, y.before));
        if (!more)
            return sum + !same;
        if (!evr_str_is(x.type, "any") && !evr_str_eq(x.type, y.type))
            return -1;
        sum += between(&x, &y);
    }
}
