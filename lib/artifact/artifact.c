#include "artifact/artifact.h"
#include "artifact/redact.h"
#include "artifact/zip.h"

#include "base/error.h"
#include "base/sized.h"

static const evr_artifact_limits usual = {sizeof usual, 64, (uint64_t)64 << 20, (uint64_t)128 << 20};

int32_t evr_artifact_looks_like(const void *data, size_t size) { return data && size >= 4 && memcmp(data, "PK\3\4", 4) == 0; }

void evr_artifact_bytes_free(evr_context *ctx, void *bytes, size_t size) { evr_release(ctx, bytes, size); }

/* The one protocol of all results; empty when nothing was timed. */
static evr_status protocol_of(evr_context *ctx, const evr_results *results, evr_str *out, evr_error **err)
{
    *out = (evr_str){"", 0};
    for (size_t i = 0; results && i < evr_results_count(results); i++) {
        evr_str p = evr_results_at(results, i)->protocol;
        if (!p.len || evr_str_eq(p, *out))
            continue;
        if (out->len) {
            evr_fail(ctx, err, EVR_E_UNSUPPORTED, "the results were taken by more than one protocol");
            return evr_hint(err, "bench all records in one go, and pack with those results");
        }
        *out = p;
    }
    return EVR_OK;
}

/* `*own` is what has to be freed. */
static evr_status find_protocol(evr_context *ctx, const evr_artifact_options *o, evr_str *out, char **own, evr_error **err)
{
    evr_protocol fixed = {EVR_INIT(evr_protocol)};
    size_t size;
    EVR_TRY(protocol_of(ctx, o->results, out, err));
    if (out->len)
        return EVR_OK;
    EVR_TRY(evr_protocol_preset(EVR_PROTOCOL_FIXED, &fixed, err));
    EVR_TRY(evr_protocol_text(ctx, o->protocol ? o->protocol : &fixed, own, &size, err));
    *out = (evr_str){*own, size};
    return EVR_OK;
}

static evr_artifact_info info_of(const evr_artifact_options *o, evr_str protocol)
{
    const evr_str none = {"", 0};
    const evr_results_info *r = o->results ? evr_results_about(o->results) : NULL;
    uint32_t flags = o->flags & EVR_ARTIFACT_REDACT_OPERATORS ? EVR_ARTIFACT_REDACT | EVR_ARTIFACT_REDACT_OPERATORS : o->flags;
    return (evr_artifact_info){
        .struct_size = sizeof(evr_artifact_info),
        .flags = flags,
        .library = evr_str_c(evr_version_string()),
        .input = flags || !o->input.len ? none : o->input,
        .runtime = r ? r->runtime : none,
        .device = r ? r->device : none,
        .device_name = r ? r->device_name : none,
        .driver = r ? r->driver : none,
        .protocol = protocol,
        .seed = r ? r->seed : o->seed,
    };
}

static evr_status write_zip(evr_context *ctx, const evr_manifest *m, void **out, size_t *size, evr_error **err)
{
    char *records = NULL;
    size_t records_size = 0;
    evr_buf manifest;
    evr_buf_init(&manifest, ctx);
    evr_status status = evr_ir_write(ctx, m->records, m->count, EVR_IR_FORMAT_EVREPLAY, &records, &records_size, err);
    if (status == EVR_OK)
        status = evr_manifest_write(ctx, m, &manifest, err);
    if (status == EVR_OK && (records_size > usual.file_bytes || manifest.len > usual.file_bytes)) {
        evr_fail(ctx, err, EVR_E_LIMIT, "%zu records are more than an artifact takes: %llu bytes in a file", m->count, (unsigned long long)usual.file_bytes);
        status = evr_hint(err, "choose fewer (--top, --op-filter), or send them as several artifacts");
    }
    const evr_zip_file files[] = {
        {"README.txt", evr_str_c(evr_artifact_readme), false},
        {"manifest.json", evr_buf_view(&manifest), false},
        {"records.json", {records, records_size}, false},
        {"replay.py", {evr_artifact_replayer, evr_artifact_replayer_size}, true},
        {"__main__.py", evr_str_c(evr_artifact_main), false},
    };
    if (status == EVR_OK)
        status = evr_zip_write(ctx, files, sizeof files / sizeof *files, out, size, err);
    evr_text_free(ctx, records);
    evr_buf_free(&manifest);
    return status;
}

/* The records as they may be sent, in `*out`: copies where something is redacted. */
static evr_status redact_all(evr_context *ctx, const evr_ir *const *records, size_t count, uint32_t flags, evr_ir **out, evr_error **err)
{
    evr_redaction redaction;
    evr_status status = EVR_OK;
    evr_redaction_begin(&redaction, ctx, flags);
    for (size_t i = 0; status == EVR_OK && i < count; i++)
        status = evr_redact(&redaction, records[i], &out[i], err);
    evr_redaction_end(&redaction);
    return status;
}

evr_status evr_artifact_write(evr_context *ctx, const evr_ir *const *records, size_t count, const evr_artifact_options *options, void **out, size_t *size,
                              evr_error **err)
{
    const evr_artifact_options none = {.struct_size = sizeof none, .input = {"", 0}};
    const evr_artifact_options *o = options ? options : &none;
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || (!records && count) || !out || !size || o->struct_size < sizeof *o || o->flags > (EVR_ARTIFACT_REDACT | EVR_ARTIFACT_REDACT_OPERATORS))
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_artifact_write: a context, records, known options, `out` and `size` are needed");
    char *own = NULL;
    evr_str protocol;
    EVR_TRY(find_protocol(ctx, o, &protocol, &own, err));
    const evr_results_info *about = o->results ? evr_results_about(o->results) : NULL;
    evr_manifest m = {info_of(o, protocol), about && !o->flags ? about->started_s : 0, records, records, count, o->results};
    evr_ir **redacted = m.info.flags ? evr_alloc_zeroed(ctx, (count + 1) * sizeof *redacted) : NULL;
    evr_status status = m.info.flags && !redacted ? evr_fail_nomem(err) : EVR_OK;
    if (status == EVR_OK && redacted) {
        status = redact_all(ctx, records, count, m.info.flags, redacted, err);
        m.records = (const evr_ir *const *)redacted;
    }
    if (status == EVR_OK)
        status = write_zip(ctx, &m, out, size, err);
    for (size_t i = 0; redacted && i < count; i++)
        evr_ir_free(redacted[i]);
    evr_release(ctx, redacted, (count + 1) * sizeof *redacted);
    evr_text_free(ctx, own);
    return status;
}

static evr_artifact_limits limits_of(const evr_artifact_limits *given)
{
    evr_artifact_limits l = usual;
    if (given && given->struct_size >= sizeof *given) {
        l.files = given->files ? given->files : l.files;
        l.file_bytes = given->file_bytes ? given->file_bytes : l.file_bytes;
        l.total_bytes = given->total_bytes ? given->total_bytes : l.total_bytes;
    }
    return l;
}

static evr_status read_parts(evr_artifact *a, const void *data, size_t size, const evr_artifact_limits *limits, evr_error **err)
{
    evr_zip_file files[] = {{"manifest.json", {NULL, 0}, false}, {"records.json", {NULL, 0}, false}};
    evr_arena scratch; /* the records are copied when they are read */
    evr_artifact_limits l = limits_of(limits);
    evr_arena_init(&scratch, a->ctx);
    evr_status status = evr_zip_read(a->ctx, data, size, &l, &scratch, files, 2, err);
    if (status == EVR_OK && (!files[0].data.data || !files[1].data.data)) {
        status = evr_fail(a->ctx, err, EVR_E_UNSUPPORTED, "a zip file without %s: this is no artifact", files[0].data.data ? "records.json" : "manifest.json");
        evr_hint(err, "give what `evreplay pack` wrote; a trace inside of a zip file has to be unpacked first");
    }
    if (status == EVR_OK && !(a->manifest = evr_arena_str(&a->arena, files[0].data)).data)
        status = evr_fail_nomem(err);
    if (status == EVR_OK)
        status = evr_ir_read(a->ctx, files[1].data.data, files[1].data.len, &a->records, err);
    evr_arena_free(&scratch);
    return status == EVR_OK ? evr_manifest_read(a, err) : status;
}

evr_status evr_artifact_read(evr_context *ctx, const void *data, size_t size, const evr_artifact_limits *limits, evr_artifact **out, evr_error **err)
{
    const evr_str none = {"", 0};
    if (err)
        *err = NULL;
    if (out)
        *out = NULL;
    if (!ctx || (!data && size) || !out)
        return evr_fail(ctx, err, EVR_E_INVALID, "evr_artifact_read: a context, the bytes of a file and `out` are needed");
    evr_artifact *a = evr_alloc_zeroed(ctx, sizeof *a);
    if (!a)
        return evr_fail_nomem(err);
    a->ctx = evr_context_ref(ctx);
    evr_arena_init(&a->arena, ctx);
    a->info = (evr_artifact_info){.library = none, .input = none, .runtime = none, .device = none, .device_name = none, .driver = none, .protocol = none};
    evr_status status = read_parts(a, data, size, limits, err);
    if (status != EVR_OK) {
        evr_artifact_free(a);
        return status;
    }
    *out = a;
    return EVR_OK;
}

void evr_artifact_free(evr_artifact *a)
{
    if (!a)
        return;
    evr_context *ctx = a->ctx;
    evr_ir_set_free(a->records);
    evr_arena_free(&a->arena);
    evr_release(ctx, a, sizeof *a);
    evr_context_free(ctx);
}

const evr_ir_set *evr_artifact_records(const evr_artifact *a) { return a->records; }
evr_str evr_artifact_manifest(const evr_artifact *a) { return a->manifest; }
const evr_expected *evr_artifact_expected(const evr_artifact *a, size_t index) { return index < a->count ? &a->expected[index] : NULL; }

void evr_artifact_about(const evr_artifact *a, evr_artifact_info *out)
{
    evr_artifact_info full = a->info;
    full.struct_size = out->struct_size;
    EVR_GIVE(out, &full);
}
