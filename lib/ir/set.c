/* Documents of records: telling their format, reading and writing all of them. */
#include "ir/form.h"
#include "ir/oplog.h"
#include "ir/tracelens.h"

struct evr_ir_set {
    evr_context *ctx;
    evr_ir **records;
    size_t count, cap;
};

void evr_ir_set_free(evr_ir_set *set)
{
    if (!set)
        return;
    evr_context *ctx = set->ctx;
    for (size_t i = 0; i < set->count; i++)
        evr_ir_free(set->records[i]);
    evr_release(ctx, set->records, set->cap * sizeof *set->records);
    evr_release(ctx, set, sizeof *set);
    evr_context_free(ctx);
}

size_t evr_ir_set_count(const evr_ir_set *set) { return set->count; }
const evr_ir *evr_ir_set_at(const evr_ir_set *set, size_t i) { return i < set->count ? set->records[i] : NULL; }

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

/* What a field of the outermost object tells of the format. */
static bool has_field(evr_json j, const char *name, evr_json *value)
{
    evr_str key;
    bool first = true;
    if (!evr_json_enter(&j, '{'))
        return false;
    while (evr_json_next_field(&j, &first, &key)) {
        if (evr_str_is(key, name)) {
            *value = j;
            return true;
        }
        evr_json_skip(&j);
    }
    return false;
}

static evr_status unknown_format(evr_context *ctx, evr_error **err)
{
    evr_fail(ctx, err, EVR_E_UNSUPPORTED, "this is neither evreplay IR nor TraceLens event-replay IR nor an operator-input log");
    return evr_hint(err, "give what `evreplay extract`, TraceLens' EventReplayer or PyTorch's OperatorInputsMode wrote");
}

static evr_status read_document(evr_ir_set *set, evr_json *j, evr_error **err)
{
    evr_json value;
    if (evr_json_peek(j) == '[') {
        evr_json item = *j;
        item.pos++;
        if (evr_json_peek(&item) != ']' && !has_field(item, "op_name", &value))
            return unknown_format(set->ctx, err);
        return read_list(set, j, true, err);
    }
    if (has_field(*j, "evreplay_ir", &value)) {
        int64_t version = evr_form_whole(&value);
        if (version != EVR_FORM_VERSION) {
            evr_fail(set->ctx, err, EVR_E_UNSUPPORTED, "evreplay IR version %lld; this library reads version %d", (long long)version,
                     EVR_FORM_VERSION);
            return evr_hint(err, "update libevreplay, or extract the records again with this version");
        }
        if (has_field(*j, "records", &value))
            return read_list(set, &value, false, err);
        return evr_fail(set->ctx, err, EVR_E_FORMAT, "evreplay IR without \"records\"");
    }
    return has_field(*j, "op_name", &value) ? read_record(set, j, true, err) : unknown_format(set->ctx, err);
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

static evr_status read_log(evr_ir_set *set, evr_str text, evr_error **err)
{
    evr_oplog log;
    evr_ir *ir = NULL;
    evr_status status = evr_oplog_open(set->ctx, &log, text, err);
    while (status == EVR_OK && (status = reserve(set, err)) == EVR_OK && (status = evr_oplog_next(&log, &ir, err)) == EVR_OK && ir)
        set->records[set->count++] = ir;
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
    if (!ctx || !out || (!records && count) || format < EVR_IR_FORMAT_EVREPLAY || format > EVR_IR_FORMAT_TRACELENS)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_ir_write: context, records, a known format and `out` are needed");
    *out = NULL;
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
