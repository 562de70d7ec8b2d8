/* Tables through the Arrow C stream interface. Copied columns lie in one table that every piece handed out holds a reference to; a piece has what lies below it, the
 * children's and dictionaries' structures, in a block of its own, since a receiver may move any of them elsewhere and release the rest. */
#include <evreplay/arrow.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

/* As the specification has them. */
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

enum { NULLABLE = 2 };

typedef struct column {
    const char *name, *format;
    const void *buffers[3];
    int64_t buffer_count, rows, nulls;
    struct column *dictionary;
} column;

typedef struct table {
    evr_context *ctx; /* a reference */
    evr_arena arena;
    atomic_uint refs;
    column *columns;
    size_t count;
    int64_t rows;
    bool is_read;
    const char *error;
    const void *no_bits; /* the only buffer of a batch: all of its rows are there */
} table;

static const struct {
    char format;
    uint8_t bytes;
} widths[] = {{'c', 1}, {'C', 1}, {'s', 2}, {'S', 2}, {'i', 4}, {'I', 4}, {'l', 8}, {'L', 8}, {'f', 4}, {'g', 8}};

static void drop(table *t)
{
    if (atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    evr_context *ctx = t->ctx;
    evr_arena_free(&t->arena);
    evr_release(ctx, t, sizeof *t);
    evr_context_free(ctx);
}

/* What stands below a piece, behind its table. Children come first, then the pointers to them. */
typedef struct below {
    table *t;
    size_t size;
} below;

static below *new_below(table *t, size_t item, size_t count)
{
    size_t size = sizeof(below) + count * (item + sizeof(void *));
    below *b = evr_alloc_zeroed(t->ctx, size);
    if (!b)
        return NULL;
    atomic_fetch_add(&t->refs, 1);
    *b = (below){t, size};
    for (size_t i = 0; i < count; i++)
        ((char **)((char *)(b + 1) + count * item))[i] = (char *)(b + 1) + i * item;
    return b;
}

static void free_below(below *b)
{
    table *t = b->t;
    evr_release(t->ctx, b, b->size);
    drop(t);
}

static void release_schema(struct ArrowSchema *s)
{
    for (int64_t i = 0; i < s->n_children; i++)
        if (s->children[i]->release)
            s->children[i]->release(s->children[i]);
    if (s->dictionary && s->dictionary->release)
        s->dictionary->release(s->dictionary);
    s->release = NULL;
    free_below(s->private_data);
}

static void release_array(struct ArrowArray *a)
{
    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release)
            a->children[i]->release(a->children[i]);
    if (a->dictionary && a->dictionary->release)
        a->dictionary->release(a->dictionary);
    a->release = NULL;
    free_below(a->private_data);
}

static bool fill_schema(table *t, const column *c, struct ArrowSchema *out)
{
    below *b = new_below(t, sizeof *out, c->dictionary ? 1 : 0);
    if (!b)
        return false;
    *out = (struct ArrowSchema){.format = c->format, .name = c->name, .flags = NULLABLE, .release = release_schema, .private_data = b};
    if (!c->dictionary)
        return true;
    out->dictionary = (struct ArrowSchema *)(b + 1);
    if (fill_schema(t, c->dictionary, out->dictionary))
        return true;
    release_schema(out);
    return false;
}

static bool fill_array(table *t, const column *c, struct ArrowArray *out)
{
    below *b = new_below(t, sizeof *out, c->dictionary ? 1 : 0);
    if (!b)
        return false;
    *out = (struct ArrowArray){.length = c->rows, .null_count = c->nulls, .n_buffers = c->buffer_count, .buffers = (const void **)(uintptr_t)c->buffers,
                               .release = release_array, .private_data = b};
    if (!c->dictionary)
        return true;
    out->dictionary = (struct ArrowArray *)(b + 1);
    if (fill_array(t, c->dictionary, out->dictionary))
        return true;
    release_array(out);
    return false;
}

static int out_of_memory(table *t)
{
    t->error = "out of memory";
    return ENOMEM;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    table *t = stream->private_data;
    below *b = new_below(t, sizeof *out, t->count);
    if (!b)
        return out_of_memory(t);
    struct ArrowSchema *children = (struct ArrowSchema *)(b + 1);
    *out = (struct ArrowSchema){.format = "+s", .name = "", .n_children = (int64_t)t->count, .children = (struct ArrowSchema **)(children + t->count),
                                .release = release_schema, .private_data = b};
    for (size_t i = 0; i < t->count; i++)
        if (!fill_schema(t, &t->columns[i], &children[i])) {
            release_schema(out);
            return out_of_memory(t);
        }
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    table *t = stream->private_data;
    if (t->is_read) { /* one that is released marks the end */
        *out = (struct ArrowArray){0};
        return 0;
    }
    below *b = new_below(t, sizeof *out, t->count);
    if (!b)
        return out_of_memory(t);
    struct ArrowArray *children = (struct ArrowArray *)(b + 1);
    *out = (struct ArrowArray){.length = t->rows, .n_buffers = 1, .n_children = (int64_t)t->count, .buffers = &t->no_bits,
                               .children = (struct ArrowArray **)(children + t->count), .release = release_array, .private_data = b};
    for (size_t i = 0; i < t->count; i++)
        if (!fill_array(t, &t->columns[i], &children[i])) {
            release_array(out);
            return out_of_memory(t);
        }
    t->is_read = true;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream) { return ((table *)stream->private_data)->error; }

static void release_stream(struct ArrowArrayStream *stream)
{
    table *t = stream->private_data;
    stream->release = NULL;
    drop(t);
}

static evr_status copy(table *t, const void *from, uint64_t size, const void **to, evr_error **err)
{
    *to = NULL;
    if (!from)
        return EVR_OK;
    if (size > INT64_MAX / 2)
        return evr_fail(t->ctx, err, EVR_E_LIMIT, "evr_arrow_export: a column is too large");
    void *made = evr_arena_alloc(&t->arena, (size_t)size + 1); /* never NULL, which would mean that there is no buffer */
    if (!made)
        return evr_fail_nomem(err);
    if (size)
        memcpy(made, from, (size_t)size);
    *to = made;
    return EVR_OK;
}

/* Bytes of the values; texts: of all of them. */
static evr_status size_of(const table *t, const evr_arrow_column *from, uint64_t rows, uint64_t *bytes, evr_error **err)
{
    const char *format = from->format ? from->format : "";
    if (strcmp(format, "U") == 0) {
        bool good = from->offsets && from->offsets[0] >= 0;
        for (uint64_t i = 0; good && i < rows; i++)
            good = from->offsets[i] <= from->offsets[i + 1];
        *bytes = good ? (uint64_t)from->offsets[rows] : 0;
        return good ? EVR_OK : evr_fail(t->ctx, err, EVR_E_INVALID, "evr_arrow_export: the offsets of %s fall", from->name);
    }
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        if (format[0] == widths[i].format && !format[1]) {
            *bytes = rows * widths[i].bytes;
            return EVR_OK;
        }
    return evr_fail(t->ctx, err, EVR_E_INVALID, "evr_arrow_export: there is no format \"%s\"", format);
}

static evr_status take(table *t, const evr_arrow_column *from, uint64_t rows, int depth, column *to, evr_error **err)
{
    uint64_t bytes = 0;
    if (from->struct_size < sizeof *from || !from->name || depth > 1)
        return evr_fail(t->ctx, err, EVR_E_INVALID, "evr_arrow_export: a column needs its struct_size, a name, and a dictionary that has none itself");
    EVR_TRY(size_of(t, from, rows, &bytes, err));
    bool is_text = from->format[0] == 'U';
    if (bytes && !from->values)
        return evr_fail(t->ctx, err, EVR_E_INVALID, "evr_arrow_export: %s has no values", from->name);
    *to = (column){.buffer_count = is_text ? 3 : 2, .rows = (int64_t)rows, .nulls = from->valid ? (int64_t)from->nulls : 0};
    EVR_TRY(copy(t, from->name, strlen(from->name), (const void **)&to->name, err));
    ((char *)(uintptr_t)to->name)[strlen(from->name)] = 0;
    EVR_TRY(copy(t, is_text ? "U\0" : (char[]){from->format[0], 0}, 2, (const void **)&to->format, err));
    EVR_TRY(copy(t, from->valid, rows / 8 + (rows % 8 != 0), &to->buffers[0], err));
    if (is_text)
        EVR_TRY(copy(t, from->offsets, (rows + 1) * sizeof *from->offsets, &to->buffers[1], err));
    EVR_TRY(copy(t, from->values ? from->values : "", bytes, &to->buffers[is_text ? 2 : 1], err));
    if (!from->dictionary)
        return EVR_OK;
    to->dictionary = evr_arena_alloc(&t->arena, sizeof *to->dictionary);
    if (!to->dictionary)
        return evr_fail_nomem(err);
    return take(t, from->dictionary, from->dictionary_rows, depth + 1, to->dictionary, err);
}

evr_status evr_arrow_export(evr_context *ctx, const evr_arrow_column *columns, size_t count, uint64_t rows, void *stream, evr_error **err)
{
    if (err)
        *err = NULL;
    if (stream)
        memset(stream, 0, sizeof(struct ArrowArrayStream));
    if (!ctx || !stream || (count && !columns))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_arrow_export: context, columns and a stream are needed");
    if (rows > INT64_MAX / 16 || count > UINT16_MAX)
        return evr_fail(ctx, err, EVR_E_LIMIT, "evr_arrow_export: the table is too large");
    table *t = evr_alloc_zeroed(ctx, sizeof *t);
    if (!t)
        return evr_fail_nomem(err);
    t->ctx = evr_context_ref(ctx);
    atomic_init(&t->refs, 1);
    evr_arena_init(&t->arena, ctx);
    t->rows = (int64_t)rows;
    t->columns = evr_arena_alloc(&t->arena, (count + 1) * sizeof *t->columns);
    evr_status status = t->columns ? EVR_OK : evr_fail_nomem(err);
    for (; status == EVR_OK && t->count < count; t->count++)
        status = take(t, &columns[t->count], rows, 0, &t->columns[t->count], err);
    if (status != EVR_OK) {
        drop(t);
        return status;
    }
    *(struct ArrowArrayStream *)stream =
        (struct ArrowArrayStream){.get_schema = get_schema, .get_next = get_next, .get_last_error = get_last_error, .release = release_stream, .private_data = t};
    return EVR_OK;
}
