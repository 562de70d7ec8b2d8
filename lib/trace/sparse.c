/* Columns of what only some events have, as whole arrays. */
#include "trace/store.h"
#include "trace/tree.h"

static void copy_parents(const evr_trace *t, int64_t *out)
{
    for (size_t uid = 0; uid < t->count; uid++) {
        uint32_t position = evr_tree_position(t, uid);
        uint32_t parent = position == EVR_NONE32 ? EVR_NONE32 : t->parent[position];
        out[uid] = parent == EVR_NONE32 ? -1 : (int64_t)parent;
    }
}

/* Of identifiers 0 means that there is none; of numbers, what is negative. */
static void copy_numbers(const int64_t *from, int64_t least, size_t count, int64_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = from && from[i] >= least ? from[i] : -1;
}

evr_status evr_trace_copy_column(const evr_trace *t, int32_t column, int64_t *out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (!t || !out)
        return evr_fail(t ? t->ctx : NULL, err, EVR_E_INVALID, "evr_trace_copy_column: a trace and `out` are needed");
    const struct {
        const int64_t *from;
        int64_t least;
    } columns[] = {
        [EVR_COLUMN_CORRELATION] = {(const int64_t *)t->correlation, 1},
        [EVR_COLUMN_EXTERNAL_ID] = {(const int64_t *)t->external, 1},
        [EVR_COLUMN_SEQUENCE] = {t->sequence, 0},
        [EVR_COLUMN_FORWARD_THREAD] = {t->forward_thread, 1},
        [EVR_COLUMN_DEVICE] = {t->device, 0},
        [EVR_COLUMN_STREAM] = {t->stream, 0},
    };
    if (column < EVR_COLUMN_PARENT || column > EVR_COLUMN_STREAM) {
        evr_fail(t->ctx, err, EVR_E_INVALID, "there is no column %d", column);
        return evr_hint(err, "use one of EVR_COLUMN_...");
    }
    if (column == EVR_COLUMN_PARENT)
        copy_parents(t, out);
    else
        copy_numbers(columns[column].from, columns[column].least, t->count, out);
    return EVR_OK;
}
