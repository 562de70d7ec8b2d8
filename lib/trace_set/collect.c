/* What a rank took part in. Three kinds of traces tell it: the profiler's record_param_comms operators, whose device work gives the times;
 * kernels of NCCL and RCCL that no such operator launched (replayed graphs, traces of devices alone); and Gloo's annotations. The latter
 * two know no group, and neither do record_param_comms of PyTorch before 2.2: operations of one name and size count as a group of their own,
 * in which the order tells them apart. */
#include "base/buf.h"
#include "trace/json.h"
#include "trace_set/set.h"

#include <stdlib.h>
#include <strings.h>

typedef struct comms { /* fields of record_param_comms, raw */
    evr_str collective, group, ranks, dtype, elements, group_size, sequence;
} comms;

static evr_str unquoted(evr_str raw)
{
    return raw.len >= 2 && raw.data[0] == '"' ? (evr_str){raw.data + 1, raw.len - 2} : raw;
}

static bool read_comms(evr_json_doc *doc, evr_context *ctx, evr_str text, comms *c, evr_status *status)
{
    static const struct {
        const char *key;
        size_t at;
    } fields[] = {
        {"Collective name", offsetof(comms, collective)}, {"Process Group Name", offsetof(comms, group)},
        {"Process Group Ranks", offsetof(comms, ranks)},  {"dtype", offsetof(comms, dtype)},
        {"In msg nelems", offsetof(comms, elements)},     {"Group size", offsetof(comms, group_size)},
        {"Seq", offsetof(comms, sequence)},
    };
    evr_str key;
    bool first = true;
    *c = (comms){0};
    *status = evr_json_doc_open(ctx, doc, text, NULL);
    if (*status != EVR_OK)
        return false;
    evr_json *j = &doc->cursor;
    for (evr_json_enter(j, '{'); !j->problem && evr_json_next_field(j, &first, &key);) {
        evr_str value = evr_json_raw_value(j);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (evr_str_is(key, fields[i].key))
                memcpy((char *)c + fields[i].at, &value, sizeof value);
    }
    return !j->problem && c->collective.len > 2;
}

static bool holds(evr_str text, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= text.len; i++)
        if (strncasecmp(text.data + i, part, n) == 0)
            return true;
    return false;
}

/* Spellings differ ("allreduce", "all_reduce", "AllReduce_Sum_f32"), so words are looked for without their joints. */
static bool is_any(evr_str name, const char *const *words, size_t n)
{
    char plain[128];
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < sizeof plain; i++)
        if (name.data[i] != '_')
            plain[len++] = name.data[i];
    for (size_t i = 0; i < n; i++)
        if (holds((evr_str){plain, len}, words[i]))
            return true;
    return false;
}

static bool synchronises(evr_str name)
{
    static const char *const words[] = {"allreduce", "allgather", "reducescatter", "alltoall", "barrier"};
    return is_any(name, words, sizeof words / sizeof *words);
}

/* Waiting and bookkeeping move nothing; what goes from one rank to one other is not done together. */
static bool is_collective(evr_str name)
{
    static const char *const words[] = {"allreduce", "allgather", "reducescatter", "alltoall", "barrier", "broadcast", "reduce", "gather", "scatter"};
    return is_any(name, words, sizeof words / sizeof *words);
}

/* Ranks may send different amounts in these. */
static bool is_uneven(evr_str name)
{
    static const char *const words[] = {"gather", "scatter", "alltoall"};
    return is_any(name, words, sizeof words / sizeof *words);
}

static evr_status add_part(evr_trace_set *set, evr_member *member, const evr_part *part, evr_error **err)
{
    if (part->group == EVR_NO_ID || part->signature == EVR_NO_ID || part->name == EVR_NO_ID || part->dtype == EVR_NO_ID || part->group_name == EVR_NO_ID ||
        !evr_grow(set->ctx, (void **)&member->parts, &member->part_cap, member->part_count + 1, sizeof *member->parts))
        return evr_fail_nomem(err);
    member->parts[member->part_count++] = *part;
    return EVR_OK;
}

/* The time of the device work below an event, or its own when there is none. */
static void find_span(const evr_trace *trace, const evr_event *e, evr_part *part)
{
    size_t n;
    const evr_uid *below = evr_trace_device_events(trace, part->uid, &n);
    const int64_t *starts = evr_trace_starts(trace), *durations = evr_trace_durations(trace);
    int64_t from = EVR_NO_TIME, to = EVR_NO_TIME;
    for (size_t i = 0; i < n; i++) {
        int64_t begin = starts[below[i]];
        if (begin == EVR_NO_TIME)
            continue;
        int64_t end = evr_time_add(begin, durations[below[i]]);
        from = from == EVR_NO_TIME || begin < from ? begin : from;
        to = to == EVR_NO_TIME || end > to ? end : to;
    }
    part->start = from == EVR_NO_TIME ? e->start_ns : from;
    part->duration = from == EVR_NO_TIME ? e->duration_ns : evr_time_sub(to, from);
}

static evr_status from_comms(evr_trace_set *set, evr_member *member, const evr_event *e, evr_uid uid, const comms *c, evr_buf *buf, evr_error **err)
{
    evr_str name = unquoted(c->collective);
    int64_t number;
    evr_part part = {.uid = uid, .elements = -1, .sequence = EVR_NO_SEQUENCE, .synchronises = synchronises(name)};
    if (!is_collective(name))
        return EVR_OK;
    find_span(member->trace, e, &part);
    if (part.start == EVR_NO_TIME)
        return EVR_OK;
    if (evr_json_to_i64(c->elements, &number))
        part.elements = number;
    if (evr_json_to_i64(unquoted(c->sequence), &number) && number >= 0)
        part.sequence = (uint64_t)number;
    if (evr_json_to_i64(c->group_size, &number) && number > 0 && number < INT32_MAX)
        part.group_size = (uint32_t)number;
    evr_buf key = *buf;
    key.len = 0;
    evr_buf_printf(&key, "%.*s %.*s", EVR_STR_ARG(unquoted(c->group)), EVR_STR_ARG(unquoted(c->ranks)));
    part.group = evr_intern_add(&set->texts, evr_buf_view(&key));
    key.len = 0;
    evr_buf_printf(&key, "%.*s %.*s %lld", EVR_STR_ARG(name), EVR_STR_ARG(c->dtype), is_uneven(name) ? -1ll : (long long)part.elements);
    part.signature = evr_intern_add(&set->texts, evr_buf_view(&key));
    *buf = key;
    if (key.failed)
        return evr_fail_nomem(err);
    part.name = evr_intern_add(&set->texts, name);
    part.group_name = evr_intern_add(&set->texts, unquoted(c->group));
    part.dtype = evr_intern_add(&set->texts, unquoted(c->dtype));
    return add_part(set, member, &part, err);
}

/* What is known by a name and input sizes alone. */
static evr_status from_name(evr_trace_set *set, evr_member *member, evr_part part, evr_str name, evr_str dims, evr_buf *buf, evr_error **err)
{
    if (part.start == EVR_NO_TIME || !is_collective(name))
        return EVR_OK;
    static const char *const any_size[] = {"alltoall"};
    if (is_any(name, any_size, 1))
        dims.len = 0;
    buf->len = 0;
    evr_buf_printf(buf, "%.*s %.*s", EVR_STR_ARG(name), EVR_STR_ARG(dims));
    if (buf->failed)
        return evr_fail_nomem(err);
    uint32_t key = evr_intern_add(&set->texts, evr_buf_view(buf)), none = evr_intern_add(&set->texts, EVR_STR_LITERAL(""));
    part.group = part.signature = key;
    part.name = evr_intern_add(&set->texts, name);
    part.group_name = part.dtype = none;
    part.synchronises = synchronises(name);
    part.elements = -1;
    part.sequence = EVR_NO_SEQUENCE;
    return add_part(set, member, &part, err);
}

/* record_param_comms of earlier profilers says nothing: the operator around it names the collective. */
static bool operator_above(const evr_trace *trace, const evr_event *e, evr_event *above)
{
    *above = (evr_event){.struct_size = sizeof *above};
    if (e->parent == EVR_NO_UID || evr_trace_event(trace, e->parent, above, NULL) != EVR_OK || above->kind != EVR_KIND_OP)
        return false;
    size_t colon = evr_str_find(above->name, ':', 0);
    if (colon == SIZE_MAX || colon + 2 > above->name.len)
        return false;
    above->name = evr_str_sub(above->name, colon + 2, above->name.len);
    return is_collective(above->name);
}

static evr_status from_operator(evr_trace_set *set, evr_member *member, const evr_event *e, evr_uid uid, evr_buf *buf, evr_error **err)
{
    evr_event above;
    evr_part part = {.uid = uid};
    if (!operator_above(member->trace, e, &above))
        return EVR_OK;
    find_span(member->trace, e, &part);
    return from_name(set, member, part, above.name, evr_trace_arg(member->trace, e->parent, EVR_ARG_DIMS), buf, err);
}

static int by_group_and_start(const void *a, const void *b)
{
    const evr_part *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->uid > y->uid) - (x->uid < y->uid);
}

static evr_status collect_comms(evr_trace_set *set, evr_member *member, evr_buf *buf, evr_error **err)
{
    evr_event_filter filter = {.struct_size = sizeof filter, .kind = EVR_KIND_OP, .name = EVR_STR_LITERAL("record_param_comms")};
    evr_json_doc doc = {0};
    evr_status status = EVR_OK;
    for (evr_uid uid = 0; status == EVR_OK && (uid = evr_trace_next(member->trace, &filter, uid)) != EVR_NO_UID; uid++) {
        evr_event e = {.struct_size = sizeof e};
        comms c;
        evr_str text = evr_trace_arg(member->trace, uid, EVR_ARG_ALL);
        bool told = text.len && read_comms(&doc, set->ctx, text, &c, &status);
        if (status == EVR_E_NOMEM)
            evr_fail_nomem(err);
        else if ((status = evr_trace_event(member->trace, uid, &e, err)) == EVR_OK) /* arguments that are no JSON are the reader's to report */
            status = told ? from_comms(set, member, &e, uid, &c, buf, err) : from_operator(set, member, &e, uid, buf, err);
    }
    evr_json_doc_close(&doc);
    return status;
}

static evr_str kernel_name(evr_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '(' || name.data[i] == '<')
            return (evr_str){name.data, i};
    return name;
}

/* Launched by a record_param_comms that is counted itself. */
static bool launched_by_comms(const evr_trace *trace, evr_uid kernel)
{
    static const char told[] = "\"Collective name\"";
    evr_event e = {.struct_size = sizeof e}, above;
    for (evr_uid uid = evr_trace_launcher(trace, kernel); uid != EVR_NO_UID; uid = e.parent) {
        if (evr_trace_event(trace, uid, &e, NULL) != EVR_OK)
            return true;
        evr_str text = evr_trace_arg(trace, uid, EVR_ARG_ALL);
        if (evr_str_is(e.name, "record_param_comms"))
            return (text.len && memmem(text.data, text.len, told, sizeof told - 1)) || operator_above(trace, &e, &above);
    }
    return false;
}

static evr_status collect_named(evr_trace_set *set, evr_member *member, int32_t kind, const char *pattern, evr_buf *buf, evr_error **err)
{
    evr_event_filter filter = {.struct_size = sizeof filter, .kind = kind, .name = evr_str_c(pattern)};
    for (evr_uid uid = 0; (uid = evr_trace_next(member->trace, &filter, uid)) != EVR_NO_UID; uid++) {
        evr_event e = {.struct_size = sizeof e};
        EVR_TRY(evr_trace_event(member->trace, uid, &e, err));
        if (kind == EVR_KIND_KERNEL && launched_by_comms(member->trace, uid))
            continue;
        evr_str name = kind == EVR_KIND_KERNEL ? kernel_name(e.name) : (evr_str){e.name.data + 5, e.name.len - 5};
        evr_part part = {.uid = uid, .start = e.start_ns, .duration = e.duration_ns};
        EVR_TRY(from_name(set, member, part, name, evr_trace_arg(member->trace, uid, EVR_ARG_DIMS), buf, err));
    }
    return EVR_OK;
}

evr_status evr_set_collect(evr_trace_set *set, evr_member *member, evr_error **err)
{
    evr_buf buf;
    evr_buf_init(&buf, set->ctx);
    evr_status status = collect_comms(set, member, &buf, err);
    if (status == EVR_OK)
        status = collect_named(set, member, EVR_KIND_KERNEL, "nccl*", &buf, err);
    if (status == EVR_OK)
        status = collect_named(set, member, EVR_KIND_KERNEL, "rccl*", &buf, err);
    if (status == EVR_OK)
        status = collect_named(set, member, EVR_KIND_ANNOTATION, "gloo:*", &buf, err);
    evr_buf_free(&buf);
    if (status == EVR_OK && member->part_count)
        qsort(member->parts, member->part_count, sizeof *member->parts, by_group_and_start);
    return status;
}
