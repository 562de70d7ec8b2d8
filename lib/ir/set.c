/* Documents of records: telling their format, reading and writing all of them. */
#include "ir/form.h"
#include "ir/oplog.h"
#include "ir/tracelens.h"

struct evr_ir_set {
    evr_context *ctx;
    evr_ir **records;
    double *runtimes; /* of a log; NULL else */
    size_t count, cap, runtime_cap;
};

void evr_ir_set_free(evr_ir_set *set)
{
    if (!set)
        return;
    evr_context *ctx = set->ctx;
    for (size_t i = 0; i < set->count; i++)
        evr_ir_free(set->records[i]);
    evr_release(ctx, set->records, set->cap * sizeof *set->records);
    evr_release(ctx, set->runtimes, set->runtime_cap * sizeof *set->runtimes);
    evr_release(ctx, set, sizeof *set);
    evr_context_free(ctx);
}

size_t evr_ir_set_count(const evr_ir_set *set) { return set->count; }
const evr_ir *evr_ir_set_at(const evr_ir_set *set, size_t i) { return i < set->count ? set->records[i] : NULL; }

double evr_ir_set_runtime(const evr_ir_set *set, size_t i) { return set->runtimes && i < set->count ? set->runtimes[i] : -1; }

/* Room for one more record. */
static evr_status reserve(evr_ir_set *set, evr_error **err)
{
    return evr_grow(set->ctx, (void **)&set->records, &set->cap, set->count + 1, sizeof *set->records) ? EVR_OK : evr_fail_nomem(err);
}

static evr_status read_record(evr_ir_set *set, evr_json *j, bool tracelens, evr_error **err)
{
    EVR_TRY(reserve(set, err));
    EVR_TRY(evr_ir_new(set->ctx, &set->records[set->count], err));
    evr_ir *ir = set->records[set->count++];
    return tracelens ? evr_tracelens_read(ir, j, err) : evr_form_read(ir, j, err);
}

static evr_status read_list(evr_ir_set *set, evr_json *j, bool tracelens, evr_error **err)
{
    bool first = true;
    evr_json_enter(j, '[');
    while (evr_json_next_item(j, &first))
        EVR_TRY(read_record(set, j, tracelens, err));
    return evr_json_check(set->ctx, j, "records", err);
}

/* Nothing but white space may follow the value that was read. */
static evr_status read_end(evr_ir_set *set, evr_json *j, evr_error **err)
{
    if (evr_json_peek(j))
        evr_json_fail(j, "the end of the document was expected");
    return evr_json_check(set->ctx, j, "records", err);
}

static evr_status unknown_format(evr_context *ctx, evr_error **err)
{
    evr_fail(ctx, err, EVR_E_UNSUPPORTED, "this is neither evreplay IR nor TraceLens event-replay IR nor an operator-input log");
    return evr_hint(err, "give what `evreplay extract`, TraceLens' EventReplayer or PyTorch's OperatorInputsMode wrote");
}

/* What the fields of an object tell of its format; the cursor moves past it. */
typedef struct object_fields {
    evr_json version, records; /* before their values; .text is NULL without the field */
    bool op_name;
} object_fields;

static object_fields look_at_object(evr_json *j)
{
    object_fields found = {0};
    evr_str key;
    bool first = true;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        if (evr_str_is(key, "evreplay_ir"))
            found.version = *j;
        else if (evr_str_is(key, "records"))
            found.records = *j;
        else if (evr_str_is(key, "op_name"))
            found.op_name = true;
        evr_json_skip(j);
    }
    return found;
}

static evr_status read_own(evr_ir_set *set, object_fields *fields, evr_error **err)
{
    int64_t version = evr_form_whole(&fields->version);
    EVR_TRY(evr_json_check(set->ctx, &fields->version, "version", err));
    if (version != EVR_FORM_VERSION) {
        evr_fail(set->ctx, err, EVR_E_UNSUPPORTED, "evreplay IR version %lld; this library reads version %d", (long long)version,
                 EVR_FORM_VERSION);
        return evr_hint(err, "update libevreplay, or extract the records again with this version");
    }
    if (!fields->records.text)
        return evr_fail(set->ctx, err, EVR_E_FORMAT, "evreplay IR without \"records\"");
    return read_list(set, &fields->records, false, err);
}

static evr_status read_array(evr_ir_set *set, evr_json *j, evr_error **err)
{
    evr_json item = *j;
    item.pos++;
    char c = evr_json_peek(&item);
    bool foreign = c == '{' ? !look_at_object(&item).op_name && !item.problem : c && c != ']';
    if (foreign)
        return unknown_format(set->ctx, err);
    EVR_TRY(read_list(set, j, true, err));
    return read_end(set, j, err);
}

/* The whole outermost object is walked before any of it is believed, so that a cut or continued document is never taken for one. */
static evr_status read_document(evr_ir_set *set, evr_json *j, evr_error **err)
{
    if (evr_json_peek(j) == '[')
        return read_array(set, j, err);
    if (evr_json_peek(j) != '{')
        return unknown_format(set->ctx, err);
    evr_json start = *j;
    object_fields fields = look_at_object(j);
    EVR_TRY(read_end(set, j, err));
    if (fields.version.text)
        return read_own(set, &fields, err);
    return fields.op_name ? read_record(set, &start, true, err) : unknown_format(set->ctx, err);
}

static evr_status read_json(evr_ir_set *set, evr_str text, evr_error **err)
{
    evr_json_doc doc = {0};
    evr_status status = evr_json_doc_open(set->ctx, &doc, text, err);
    if (status == EVR_OK)
        status = read_document(set, &doc.cursor, err);
    evr_json_doc_close(&doc);
    return status;
}

static evr_status reserve_logged(evr_ir_set *set, evr_error **err)
{
    EVR_TRY(reserve(set, err));
    return evr_grow(set->ctx, (void **)&set->runtimes, &set->runtime_cap, set->count + 1, sizeof *set->runtimes) ? EVR_OK : evr_fail_nomem(err);
}

static evr_status read_log(evr_ir_set *set, evr_str text, evr_error **err)
{
    evr_oplog log;
    evr_ir *ir = NULL;
    evr_status status = evr_oplog_open(set->ctx, &log, text, err);
    while (status == EVR_OK && (status = reserve_logged(set, err)) == EVR_OK && (status = evr_oplog_next(&log, &ir, err)) == EVR_OK && ir) {
        set->runtimes[set->count] = log.runtime_ns;
        set->records[set->count++] = ir;
    }
    evr_oplog_close(&log);
    return status;
}

evr_status evr_ir_read(evr_context *ctx, const void *data, size_t size, evr_ir_set **out, evr_error **err)
{
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || !out || (!data && size))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_ir_read: context, data and `out` are needed");
    evr_ir_set *set = evr_alloc_zeroed(ctx, sizeof *set);
    if (!set)
        return evr_fail_nomem(err);
    set->ctx = evr_context_ref(ctx);
    evr_str text = {data, size};
    evr_status status = evr_oplog_is(text) ? read_log(set, text, err) : read_json(set, text, err);
    if (status != EVR_OK) {
        evr_ir_set_free(set);
        return status;
    }
    *out = set;
    return EVR_OK;
}

evr_status evr_ir_write(evr_context *ctx, const evr_ir *const *records, size_t count, int32_t format, char **out, size_t *size,
                        evr_error **err)
{
    if (err)
        *err = NULL;
    if (!ctx || !out || (!records && count) || format < EVR_IR_FORMAT_EVREPLAY || format > EVR_IR_FORMAT_LOG)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_ir_write: context, records, a known format and `out` are needed");
    *out = NULL;
    if (format == EVR_IR_FORMAT_LOG)
        return evr_ir_write_log(ctx, records, count, NULL, out, size, NULL, err);
    evr_buf buf;
    evr_buf_init(&buf, ctx);
    bool tracelens = format == EVR_IR_FORMAT_TRACELENS;
    evr_buf_printf(&buf, tracelens ? "[" : "{\"evreplay_ir\":%d,\"records\":[", EVR_FORM_VERSION);
    for (size_t i = 0; i < count; i++) { /* a line for each, so that line tools work */
        evr_json_writer w;
        evr_buf_c(&buf, i ? ",\n" : "\n");
        evr_json_init(&w, &buf);
        w.spaced = tracelens;
        (tracelens ? evr_tracelens_write : evr_form_write)(&w, records[i]);
    }
    evr_buf_c(&buf, tracelens ? "\n]\n" : "\n]}\n");
    char *text = buf.failed ? NULL : evr_strdup(ctx, evr_buf_view(&buf));
    if (text && size)
        *size = buf.len;
    evr_buf_free(&buf);
    *out = text;
    return text ? EVR_OK : evr_fail_nomem(err);
}
