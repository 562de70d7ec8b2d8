/* Operator-input logs, out. */
#include "ir/oplog.h"

#include "base/json_write.h"

#include <math.h>
#include <stdlib.h>

enum { DEPTH = 8 };

static bool write_value(evr_buf *buf, const evr_value *v, int depth);

/* Python's notation, which json's shortest one is but for what is no number. */
static void write_float(evr_buf *buf, double value)
{
    evr_json_writer w;
    if (isfinite(value)) {
        evr_json_init(&w, buf);
        evr_json_f64(&w, value);
    } else {
        evr_buf_c(buf, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    }
}

/* (1+2j) */
static void write_complex(evr_buf *buf, evr_complex c)
{
    evr_buf_char(buf, '(');
    write_float(buf, c.re);
    if (!signbit(c.im))
        evr_buf_char(buf, '+');
    write_float(buf, c.im);
    evr_buf_c(buf, "j)");
}

static void write_text(evr_buf *buf, evr_str s)
{
    evr_buf_char(buf, '\'');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '\\' || c == '\'')
            evr_buf_char(buf, '\\');
        if (c < 0x20 || c == 0x7f)
            evr_buf_printf(buf, "\\x%02x", c);
        else
            evr_buf_char(buf, (char)c);
    }
    evr_buf_char(buf, '\'');
}

static void write_sizes(evr_buf *buf, const int64_t *sizes, size_t count, const char *marks)
{
    evr_buf_char(buf, marks[0]);
    for (size_t i = 0; i < count; i++)
        evr_buf_printf(buf, "%s%lld", i ? ", " : "", (long long)sizes[i]);
    if (count == 1 && marks[0] == '(')
        evr_buf_char(buf, ',');
    evr_buf_char(buf, marks[1]);
}

/* What the readers of logs take for one word. */
static bool is_word(evr_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' && !(i && ((c >= '0' && c <= '9') || c == '.')))
            return false;
    }
    return s.len > 0;
}

static bool write_dtype(evr_buf *buf, int32_t dtype, evr_str recorded)
{
    const char *brief = evr_dtype_brief(dtype), *name = evr_dtype_name(dtype);
    if (brief)
        evr_buf_c(buf, brief);
    else if (*name)
        evr_buf_printf(buf, "torch.%s", name);
    else if (evr_str_starts(recorded, "torch.") && is_word(recorded))
        evr_buf_str(buf, recorded);
    else
        return false;
    return true;
}

/* Where a tensor lies in its storage, a log does not say. */
static bool write_tensor(evr_buf *buf, const evr_tensor *t)
{
    int64_t contiguous[64];
    if (t->rank > 64)
        return false;
    evr_contiguous_strides(t->shape, t->rank, contiguous);
    evr_buf_c(buf, "T(");
    write_sizes(buf, t->shape, t->rank, "[]");
    evr_buf_c(buf, ", ");
    if (!write_dtype(buf, t->dtype, t->dtype_text))
        return false;
    if (t->strides && t->rank && memcmp(t->strides, contiguous, t->rank * sizeof *contiguous) != 0) {
        evr_buf_c(buf, ", stride=");
        write_sizes(buf, t->strides, t->rank, "()");
    }
    evr_buf_char(buf, ')');
    return true;
}

static bool write_list(evr_buf *buf, evr_list list, int depth)
{
    evr_buf_char(buf, '[');
    for (size_t i = 0; i < list.len; i++) {
        evr_buf_c(buf, i ? ", " : "");
        if (!write_value(buf, &list.items[i], depth + 1))
            return false;
    }
    evr_buf_char(buf, ']');
    return true;
}

/* False for what the notation has nothing for. */
static bool write_value(evr_buf *buf, const evr_value *v, int depth)
{
    const char *word = evr_literal_name(v);
    if (depth > DEPTH)
        return false;
    switch (v->kind) {
    case EVR_VALUE_INT: evr_buf_printf(buf, "%lld", (long long)v->u.i); return true;
    case EVR_VALUE_FLOAT: write_float(buf, v->u.f); return true;
    case EVR_VALUE_COMPLEX: write_complex(buf, v->u.c); return true;
    case EVR_VALUE_STR: write_text(buf, v->u.s); return true;
    case EVR_VALUE_DEVICE: write_text(buf, v->u.s); return v->u.s.len != 0; /* one that the profiler dropped */
    case EVR_VALUE_DTYPE: return write_dtype(buf, (int32_t)v->u.i, (evr_str){"", 0});
    case EVR_VALUE_GENERATOR: evr_buf_c(buf, "None"); return true;
    case EVR_VALUE_TENSOR: return write_tensor(buf, v->u.tensor);
    case EVR_VALUE_LIST: return write_list(buf, v->u.list, depth);
    default: evr_buf_c(buf, word ? word : ""); return word != NULL;
    }
}

/* ((self, other), {'alpha': 1}) */
static bool write_call(evr_buf *buf, const evr_ir *ir)
{
    bool good = true, first = true;
    size_t positional = 0;
    evr_buf_c(buf, "((");
    for (size_t i = 0; i < ir->arg_count && good; i++) {
        if (ir->args[i].flags & EVR_ARGUMENT_KWARG)
            continue;
        evr_buf_c(buf, positional++ ? ", " : "");
        good = write_value(buf, &ir->args[i].value, 0);
    }
    evr_buf_c(buf, positional == 1 ? ",), {" : "), {");
    for (size_t i = 0; i < ir->arg_count && good; i++) {
        if (!(ir->args[i].flags & EVR_ARGUMENT_KWARG))
            continue;
        evr_buf_c(buf, first ? "" : ", ");
        write_text(buf, ir->args[i].name);
        evr_buf_c(buf, ": ");
        good = write_value(buf, &ir->args[i].value, 0);
        first = false;
    }
    evr_buf_c(buf, "})");
    return good;
}

/* A namespace and an operator have a point between them there. */
static void write_operator(evr_buf *buf, const evr_ir *ir)
{
    size_t colon = evr_str_find(ir->op, ':', 0);
    evr_buf_c(buf, "Operator: ");
    evr_buf_str(buf, evr_str_sub(ir->op, 0, colon == SIZE_MAX ? ir->op.len : colon));
    if (colon != SIZE_MAX) {
        evr_buf_char(buf, '.');
        evr_buf_str(buf, evr_str_sub(ir->op, colon + 2, ir->op.len));
    }
    evr_buf_char(buf, '.');
    evr_buf_str(buf, ir->overload.len ? ir->overload : evr_str_c("default"));
    evr_buf_char(buf, '\n');
}

typedef struct entry {
    const evr_ir *ir;
    size_t place, first; /* in the list; of the first of its operator */
} entry;

static int order(const evr_ir *a, const evr_ir *b)
{
    int by_op = evr_str_cmp(a->op, b->op);
    return by_op ? by_op : evr_str_cmp(a->overload, b->overload);
}

static int by_operator(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int by = order(x->ir, y->ir);
    return by ? by : x->place < y->place ? -1 : x->place > y->place;
}

static int by_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : x->place < y->place ? -1 : x->place > y->place;
}

/* Operators in the order of their first records, the records of each together: what PyTorch reads keeps one list for each. */
static void group(entry *entries, size_t count)
{
    qsort(entries, count, sizeof *entries, by_operator);
    for (size_t i = 0; i < count; i++)
        entries[i].first = i && order(entries[i].ir, entries[i - 1].ir) == 0 ? entries[i - 1].first : entries[i].place;
    qsort(entries, count, sizeof *entries, by_first);
}

/* "aten::add": a word, or two with the colons between them. */
static bool is_told(const evr_ir *ir)
{
    size_t colon = evr_str_find(ir->op, ':', 0);
    evr_str space = evr_str_sub(ir->op, 0, colon == SIZE_MAX ? 0 : colon), name = evr_str_sub(ir->op, colon == SIZE_MAX ? 0 : colon + 2, ir->op.len);
    bool named = is_word(name) && (colon == SIZE_MAX || (is_word(space) && evr_str_find(space, '.', 0) == SIZE_MAX && ir->op.data[colon + 1] == ':'));
    return named && ir->status != EVR_STATUS_SKIPPED && (!ir->overload.len || (is_word(ir->overload) && evr_str_find(ir->overload, '.', 0) == SIZE_MAX));
}

/* One line. What cannot be told leaves none. */
static bool write_line(evr_buf *buf, const evr_ir *ir, double runtime_ns)
{
    size_t from = buf->len;
    evr_buf_printf(buf, "cnt: %llu, ", (unsigned long long)(ir->count ? ir->count : 1));
    if (!write_call(buf, ir)) {
        if (!buf->failed)
            buf->len = from;
        return false;
    }
    if (runtime_ns >= 0 && isfinite(runtime_ns)) {
        evr_buf_c(buf, "  # ");
        write_float(buf, runtime_ns / 1e3);
        evr_buf_c(buf, " us");
    }
    evr_buf_char(buf, '\n');
    return true;
}

static size_t write_entries(evr_buf *buf, const entry *entries, size_t count, const double *runtimes_ns)
{
    size_t written = 0, mark = 0;
    bool used = false; /* a call under the operator's line */
    for (size_t i = 0; i < count; i++) {
        if (!i || entries[i].first != entries[i - 1].first) {
            if (i && !used && !buf->failed)
                buf->len = mark;
            mark = buf->len;
            used = false;
            write_operator(buf, entries[i].ir);
        }
        bool told = is_told(entries[i].ir) && write_line(buf, entries[i].ir, runtimes_ns ? runtimes_ns[entries[i].place] : -1);
        used |= told;
        written += told;
    }
    if (count && !used && !buf->failed)
        buf->len = mark;
    return written;
}

evr_status evr_ir_write_log(evr_context *ctx, const evr_ir *const *records, size_t count, const double *runtimes_ns, char **out, size_t *size, size_t *written,
                            evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out || (!records && count))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_ir_write_log: context, records and `out` are needed");
    entry *entries = evr_alloc(ctx, count * sizeof *entries);
    if (!entries && count)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < count; i++)
        entries[i] = (entry){records[i], i, i};
    if (count)
        group(entries, count);
    evr_buf buf;
    evr_buf_init(&buf, ctx);
    size_t told = write_entries(&buf, entries, count, runtimes_ns);
    evr_release(ctx, entries, count * sizeof *entries);
    *out = buf.failed ? NULL : evr_strdup(ctx, evr_buf_view(&buf));
    if (*out && size)
        *size = buf.len;
    if (*out && written)
        *written = told;
    evr_buf_free(&buf);
    return *out ? EVR_OK : evr_fail_nomem(err);
}
