#include "ir/collective.h"

#include "ir/status.h"

#include <stdio.h>

enum { DEEPEST = 5, MOST_BELOW = 64 };

bool evr_collective_op(evr_str name)
{
    return evr_communicates(name) || evr_str_is(name, "record_param_comms");
}

bool evr_collective_is_label(evr_str name)
{
    static const char *const backends[] = {"nccl:", "rccl:", "gloo:", "mpi:", "ucc:", "xccl:"};
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (evr_str_starts(name, backends[i]) && !evr_str_starts(evr_str_sub(name, strlen(backends[i]), name.len), ":"))
            return true;
    return false;
}

/* The names that PyTorch's backends write down, and the operator that does the same. */
static const struct {
    const char *name, *op;
} targets[] = {
    {"allreduce", "c10d::allreduce_"},
    {"all_reduce", "c10d::allreduce_"},
    {"allreduce_sparse", "c10d::allreduce_"},
    {"allreduce_coalesced", "c10d::allreduce_coalesced_"},
    {"broadcast", "c10d::broadcast_"},
    {"_broadcast_oop", "c10d::broadcast_"},
    {"reduce", "c10d::reduce_"},
    {"_reduce_oop", "c10d::reduce_"},
    {"allgather", "c10d::allgather_"},
    {"all_gather", "c10d::allgather_"},
    {"_allgather_base", "c10d::_allgather_base_"},
    {"_all_gather_base", "c10d::_allgather_base_"},
    {"allgather_into_tensor_coalesced", "c10d::allgather_into_tensor_coalesced_"},
    {"all_gather_into_tensor_coalesced", "c10d::allgather_into_tensor_coalesced_"},
    {"reduce_scatter", "c10d::reduce_scatter_"},
    {"_reduce_scatter_base", "c10d::_reduce_scatter_base_"},
    {"reduce_scatter_tensor_coalesced", "c10d::reduce_scatter_tensor_coalesced_"},
    {"all_to_all", "c10d::alltoall_base_"},
    {"all_to_allv", "c10d::alltoall_base_"},
    {"alltoall", "c10d::alltoall_base_"},
    {"alltoall_base", "c10d::alltoall_base_"},
    {"gather", "c10d::gather_"},
    {"scatter", "c10d::scatter_"},
    {"barrier", "c10d::barrier"},
    {"send", "c10d::send"},
    {"recv", "c10d::recv_"},
    {"recvAnySource", "c10d::recv_any_source_"},
    {"recv_anysource", "c10d::recv_any_source_"},
};

evr_str evr_collective_target(evr_str name)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (evr_str_is(name, targets[i].name))
            return evr_str_c(targets[i].op);
    return (evr_str){"", 0};
}

static const struct {
    const char *name;
    size_t field;
} numbers[] = {
    {"In msg nelems", offsetof(evr_collective, in)},           {"Out msg nelems", offsetof(evr_collective, out)},
    {"Group size", offsetof(evr_collective, size)},            {"Global rank start", offsetof(evr_collective, start)},
    {"Global rank stride", offsetof(evr_collective, stride)},  {"Src Rank", offsetof(evr_collective, source)},
    {"Dst Rank", offsetof(evr_collective, destination)},       {"Root Rank", offsetof(evr_collective, root)},
};

static const struct {
    const char *name;
    size_t field;
} texts[] = {
    {"Collective name", offsetof(evr_collective, name)},      {"Process Group Name", offsetof(evr_collective, group)},
    {"Process Group Description", offsetof(evr_collective, description)}, {"Process Group Ranks", offsetof(evr_collective, ranks)},
    {"In split size", offsetof(evr_collective, in_split)},    {"Out split size", offsetof(evr_collective, out_split)},
};

void evr_collective_clear(evr_collective *c)
{
    const evr_str none = {"", 0};
    *c = (evr_collective){.name = none, .group = none, .description = none, .ranks = none, .in_split = none, .out_split = none};
    c->in = c->out = c->size = c->start = c->stride = c->source = c->destination = c->root = -1;
    c->dtype = EVR_DTYPE_UNKNOWN;
}

static evr_str unquoted(evr_str raw)
{
    return raw.len >= 2 && raw.data[0] == '"' ? evr_str_sub(raw, 1, raw.len - 1) : raw;
}

static void read_field(evr_collective *c, evr_str key, evr_str raw)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (evr_str_is(key, numbers[i].name))
            evr_str_to_i64(unquoted(raw), (int64_t *)((char *)c + numbers[i].field));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (evr_str_is(key, texts[i].name))
            *(evr_str *)((char *)c + texts[i].field) = unquoted(raw);
    if (evr_str_is(key, "dtype"))
        c->dtype = evr_dtype_parse(unquoted(raw));
}

/* "Collective name" and its like among the arguments of an event. Damaged arguments tell nothing; only running out of memory is a failure. */
static bool read_event(evr_extractor *x, evr_uid uid, evr_collective *c, evr_status *status)
{
    static const char mark[] = "\"Collective name\"";
    evr_str all = evr_trace_arg(x->trace, uid, EVR_ARG_ALL), key;
    bool first = true;
    if (!all.len || !memmem(all.data, all.len, mark, sizeof mark - 1))
        return false;
    evr_status opened = evr_json_doc_open(x->ctx, &x->neighbour.doc, all, NULL);
    *status = opened == EVR_E_NOMEM ? opened : EVR_OK;
    if (opened != EVR_OK)
        return false;
    evr_collective_clear(c);
    evr_json j = x->neighbour.doc.cursor;
    evr_json_enter(&j, '{');
    while (evr_json_next_field(&j, &first, &key))
        read_field(c, key, evr_json_raw_value(&j));
    return c->name.len != 0;
}

/* Profilers before that wrote an annotation, "nccl:all_reduce", with the shape of the first tensor. */
static bool read_annotation(evr_extractor *x, evr_uid uid, evr_collective *c, evr_status *status)
{
    evr_event e = {.struct_size = sizeof e};
    evr_recorded_call call;
    evr_trace_event(x->trace, uid, &e, NULL);
    if (!evr_collective_is_label(e.name))
        return false;
    evr_collective_clear(c);
    c->name = evr_str_sub(e.name, evr_str_find(e.name, ':', 0) + 1, e.name.len);
    evr_status read = evr_recorder_read(&x->neighbour, x->trace, uid, &call, NULL);
    *status = read == EVR_E_NOMEM ? read : EVR_OK;
    if (read != EVR_OK || !call.count || call.args[0].seen.kind != EVR_SEEN_TENSOR)
        return true;
    c->in = 1;
    c->dtype = call.args[0].seen.dtype;
    for (uint32_t d = 0; d < call.args[0].seen.rank && c->in >= 0; d++)
        if (call.args[0].shape[d] < 0 || __builtin_mul_overflow(c->in, call.args[0].shape[d], &c->in))
            c->in = -1;
    return true;
}

/* One way of reading, and how far it has looked. */
typedef struct search {
    bool (*read)(evr_extractor *, evr_uid, evr_collective *, evr_status *);
    int budget;
    evr_status status;
} search;

static bool read_below(evr_extractor *x, evr_uid uid, evr_collective *c, search *s, int depth)
{
    if (s->read(x, uid, c, &s->status))
        return s->status == EVR_OK;
    evr_uid child = depth < DEEPEST ? evr_trace_first_child(x->trace, uid) : EVR_NO_UID;
    for (; s->status == EVR_OK && child != EVR_NO_UID && s->budget-- > 0; child = evr_trace_next_sibling(x->trace, child))
        if (read_below(x, child, c, s, depth + 1))
            return true;
    return false;
}

/* Where annotations are no part of the tree: one of the next in the file, on the same thread, within the time of the call. */
static bool read_within(evr_extractor *x, evr_uid uid, evr_collective *c, search *s)
{
    enum { NEXT = 8 };
    evr_event own = {.struct_size = sizeof own}, e = {.struct_size = sizeof e};
    evr_uid end = evr_trace_event_count(x->trace);
    evr_trace_event(x->trace, uid, &own, NULL);
    for (evr_uid i = 1; i <= NEXT && uid + i < end && own.start_ns != EVR_NO_TIME; i++) {
        evr_trace_event(x->trace, uid + i, &e, NULL);
        if (e.kind == EVR_KIND_ANNOTATION && e.track == own.track && e.start_ns >= own.start_ns &&
            e.start_ns - own.start_ns <= own.duration_ns && s->read(x, uid + i, c, &s->status))
            return s->status == EVR_OK;
    }
    return false;
}

evr_status evr_collective_read(evr_extractor *x, evr_uid uid, evr_collective *out, bool *told, evr_error **err)
{
    search events = {read_event, MOST_BELOW, EVR_OK}, annotations = {read_annotation, MOST_BELOW, EVR_OK};
    *told = read_below(x, uid, out, &events, 0);
    if (!*told && events.status == EVR_OK)
        *told = read_below(x, uid, out, &annotations, 0) || (annotations.status == EVR_OK && read_within(x, uid, out, &annotations));
    return events.status == EVR_OK && annotations.status == EVR_OK ? EVR_OK : evr_fail_nomem(err);
}

bool evr_collective_signature(evr_extractor *x, evr_uid uid, uint32_t *out)
{
    evr_collective c;
    evr_buf text;
    bool told;
    *out = 0;
    if (evr_collective_read(x, uid, &c, &told, NULL) != EVR_OK)
        return false;
    if (!told)
        return true;
    evr_buf_init(&text, x->ctx);
    evr_buf_printf(&text, "%.*s|%lld|%lld|%d|%.*s|%.*s|%.*s|%.*s|%lld|%lld|%lld|%lld", EVR_STR_ARG(c.name), (long long)c.in, (long long)c.out, c.dtype,
                   EVR_STR_ARG(c.group), EVR_STR_ARG(c.ranks), EVR_STR_ARG(c.in_split), EVR_STR_ARG(c.out_split), (long long)c.size,
                   (long long)c.source, (long long)c.destination, (long long)c.root);
    uint32_t id = text.failed ? EVR_NO_ID : evr_intern_add(&x->collectives, evr_buf_view(&text));
    evr_buf_free(&text);
    *out = id + 1;
    return id != EVR_NO_ID;
}
