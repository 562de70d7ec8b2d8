#include "trace/tree.h"

void evr_tree_release(evr_trace *t)
{
    evr_release(t->ctx, t->order, t->order_count * sizeof *t->order);
    evr_release(t->ctx, t->subtree, t->order_count * sizeof *t->subtree);
    evr_release(t->ctx, t->parent, t->order_count * sizeof *t->parent);
    evr_release(t->ctx, t->position, t->count * sizeof *t->position);
    t->order = t->subtree = t->parent = t->position = NULL;
    t->order_count = 0;
}

static uint32_t tree_kinds(const evr_trace *t)
{
    return 1u << EVR_KIND_OP | 1u << EVR_KIND_RUNTIME | (t->flags & EVR_TRACE_PYTHON ? 1u << EVR_KIND_PYTHON : 0);
}

static inline bool picked(const evr_trace *t, size_t uid, uint32_t kinds, bool untimed)
{
    return kinds >> evr_events_kind(t, uid) & 1 && (untimed || (t->start[uid] != EVR_NO_TIME && t->phase[uid] == 'X'));
}

static bool in_tree(const evr_trace *t, size_t uid)
{
    return picked(t, uid, tree_kinds(t), t->explicit_parent != NULL);
}

static void merge_sort(const int64_t *start, uint32_t *uids, uint32_t *spare, size_t n)
{
    if (n < 16) { /* insertion, stable */
        for (size_t i = 1; i < n; i++) {
            uint32_t uid = uids[i];
            size_t k = i;
            for (; k && start[uids[k - 1]] > start[uid]; k--)
                uids[k] = uids[k - 1];
            uids[k] = uid;
        }
        return;
    }
    size_t half = n / 2;
    merge_sort(start, uids, spare, half);
    merge_sort(start, uids + half, spare, n - half);
    if (start[uids[half - 1]] <= start[uids[half]])
        return;
    memcpy(spare, uids, half * sizeof *uids);
    size_t a = 0, b = half, out = 0;
    while (a < half && b < n)
        uids[out++] = start[uids[b]] < start[spare[a]] ? uids[b++] : spare[a++];
    memcpy(uids + out, spare + a, (half - a) * sizeof *uids);
}

static void sort_by_start(const evr_trace *t, uint32_t *uids, uint32_t *spare, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (t->start[uids[i - 1]] > t->start[uids[i]]) {
            merge_sort(t->start, uids, spare, n);
            return;
        }
}

evr_status evr_group_by_track(evr_trace *t, uint32_t kinds, bool untimed, uint32_t **uids, size_t *count, size_t **starts,
                              evr_error **err)
{
    size_t tracks = t->track_keys.count, n = 0;
    size_t *from = evr_alloc_zeroed(t->ctx, (tracks + 1) * sizeof *from);
    *uids = NULL;
    *starts = from;
    *count = 0;
    if (!from)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < t->count; i++)
        if (picked(t, i, kinds, untimed)) {
            from[t->track[i] + 1]++;
            n++;
        }
    *count = n;
    if (!n)
        return EVR_OK;
    uint32_t *out = evr_alloc(t->ctx, n * sizeof *out);
    uint32_t *spare = evr_alloc(t->ctx, n * sizeof *spare);
    if (!out || !spare) {
        evr_release(t->ctx, out, n * sizeof *out);
        evr_release(t->ctx, spare, n * sizeof *spare);
        evr_release(t->ctx, from, (tracks + 1) * sizeof *from);
        *starts = NULL;
        *count = 0;
        return evr_fail_nomem(err);
    }
    for (size_t k = 0; k < tracks; k++)
        from[k + 1] += from[k];
    for (size_t i = 0; i < t->count; i++) /* from[k] walks to the end of its group… */
        if (picked(t, i, kinds, untimed))
            out[from[t->track[i]]++] = (uint32_t)i;
    for (size_t k = tracks; k; k--) /* …which is the start of the next */
        from[k] = from[k - 1];
    from[0] = 0;
    for (size_t k = 0; k < tracks; k++)
        sort_by_start(t, out + from[k], spare, from[k + 1] - from[k]);
    evr_release(t->ctx, spare, n * sizeof *spare);
    *uids = out;
    return EVR_OK;
}

/* The parent is the innermost event that has not ended when this one starts; order[] is sorted by start within a track. */
static evr_status nest_by_time(evr_trace *t, const size_t *starts, evr_error **err)
{
    size_t depth = 0, cap = 0;
    uint32_t *stack = NULL; /* positions of the events that are open */
    for (size_t k = 0; k < t->track_keys.count; k++) {
        for (size_t i = starts[k]; i < starts[k + 1]; i++) {
            uint32_t uid = t->order[i];
            while (depth && t->start[uid] >= evr_events_end(t, t->order[stack[depth - 1]]))
                t->subtree[stack[--depth]] = (uint32_t)i;
            t->parent[i] = depth ? t->order[stack[depth - 1]] : EVR_NONE32;
            t->subtree[i] = (uint32_t)i + 1;
            if (!t->categories[t->category[uid]].nests)
                continue;
            if (!evr_grow(t->ctx, (void **)&stack, &cap, depth + 1, sizeof *stack)) {
                evr_release(t->ctx, stack, cap * sizeof *stack);
                return evr_fail_nomem(err);
            }
            stack[depth++] = (uint32_t)i;
        }
        while (depth)
            t->subtree[stack[--depth]] = (uint32_t)starts[k + 1];
    }
    evr_release(t->ctx, stack, cap * sizeof *stack);
    return EVR_OK;
}

/* Children by parent, for execution traces. */
typedef struct family {
    uint32_t *first; /* by uid: first child not yet visited; [count] is the list of roots */
    uint32_t *next;  /* by uid: next child of the same parent */
    uint32_t *stack; /* positions of the events on the way down */
    size_t at;       /* positions given so far */
} family;

static size_t place(evr_trace *t, family *f, size_t depth, uint32_t uid, uint32_t parent)
{
    t->position[uid] = (uint32_t)f->at;
    t->order[f->at] = uid;
    t->parent[f->at] = parent;
    f->stack[depth] = (uint32_t)f->at++;
    return depth + 1;
}

/* Gives positions to an event and everything below it that has none yet. */
static void visit(evr_trace *t, family *f, uint32_t root)
{
    size_t depth = place(t, f, 0, root, EVR_NONE32);
    while (depth) {
        uint32_t top = t->order[f->stack[depth - 1]], child = f->first[top];
        if (child == EVR_NONE32) {
            t->subtree[f->stack[--depth]] = (uint32_t)f->at;
            continue;
        }
        f->first[top] = f->next[child];
        if (t->position[child] == EVR_NONE32)
            depth = place(t, f, depth, child, top);
    }
}

/* Execution traces say who the parent is. Children come in file order; a parent outside the tree counts as none, and of events
 * that are their own ancestors the first in the file becomes a root. */
static evr_status nest_by_parent(evr_trace *t, evr_error **err)
{
    size_t n = t->order_count;
    family f = {evr_alloc(t->ctx, (t->count + 1) * sizeof(uint32_t)), evr_alloc(t->ctx, t->count * sizeof(uint32_t)),
                evr_alloc(t->ctx, n * sizeof(uint32_t)), 0};
    evr_status status = f.first && f.next && f.stack ? EVR_OK : evr_fail_nomem(err);
    if (status == EVR_OK) {
        memset(f.first, 0xFF, (t->count + 1) * sizeof *f.first);
        memset(t->position, 0xFF, t->count * sizeof *t->position);
        for (size_t uid = t->count; uid--;) { /* backwards, so that lists come out in file order */
            if (!in_tree(t, uid))
                continue;
            uint32_t parent = t->explicit_parent[uid];
            size_t list = parent < t->count && in_tree(t, parent) ? parent : t->count;
            f.next[uid] = f.first[list];
            f.first[list] = (uint32_t)uid;
        }
        for (uint32_t root = f.first[t->count]; root != EVR_NONE32; root = f.next[root])
            visit(t, &f, root);
        for (size_t uid = 0; uid < t->count; uid++)
            if (t->position[uid] == EVR_NONE32 && in_tree(t, uid))
                visit(t, &f, (uint32_t)uid);
    }
    evr_release(t->ctx, f.first, (t->count + 1) * sizeof *f.first);
    evr_release(t->ctx, f.next, t->count * sizeof *f.next);
    evr_release(t->ctx, f.stack, n * sizeof *f.stack);
    return status;
}

evr_status evr_tree_build(evr_trace *t, evr_error **err)
{
    size_t *starts;
    EVR_TRY(evr_group_by_track(t, tree_kinds(t), t->explicit_parent != NULL, &t->order, &t->order_count, &starts, err));
    size_t n = t->order_count;
    evr_status status = EVR_OK;
    if (!n)
        goto cleanup;
    t->subtree = evr_alloc(t->ctx, n * sizeof *t->subtree);
    t->parent = evr_alloc(t->ctx, n * sizeof *t->parent);
    t->position = evr_alloc(t->ctx, t->count * sizeof *t->position);
    if (!t->subtree || !t->parent || !t->position) {
        status = evr_fail_nomem(err);
        goto cleanup;
    }
    if (t->explicit_parent) {
        status = nest_by_parent(t, err);
    } else {
        status = nest_by_time(t, starts, err);
        memset(t->position, 0xFF, t->count * sizeof *t->position);
        for (size_t i = 0; i < n; i++)
            t->position[t->order[i]] = (uint32_t)i;
    }
cleanup:
    evr_release(t->ctx, starts, (t->track_keys.count + 1) * sizeof *starts);
    return status;
}
