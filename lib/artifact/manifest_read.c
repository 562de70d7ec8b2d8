#include "artifact/artifact.h"

#include "base/error.h"
#include "trace/json.h"

static evr_str read_text(evr_arena *arena, evr_json *j)
{
    const evr_str none = {"", 0};
    if (evr_json_peek(j) != '"') {
        evr_json_fail(j, "a text was expected");
        return none;
    }
    evr_str raw = evr_json_string_at(j, j->pos++);
    char *text = evr_arena_alloc(arena, raw.len + 1);
    if (!text) {
        evr_json_fail(j, evr_json_no_memory);
        return none;
    }
    size_t len = evr_json_unescape(raw, text);
    text[len] = 0;
    return (evr_str){text, len};
}

static uint64_t read_count(evr_json *j)
{
    evr_json at = *j;
    evr_str raw = evr_json_raw_value(j);
    uint64_t value = 0;
    bool good = raw.len > 0;
    for (size_t i = 0; good && i < raw.len; i++)
        good = raw.data[i] >= '0' && raw.data[i] <= '9' && !__builtin_mul_overflow(value, (uint64_t)10, &value) &&
               !__builtin_add_overflow(value, (uint64_t)(raw.data[i] - '0'), &value);
    if (!good) {
        evr_json_fail_at(j, &at, "a whole number that is not negative was expected");
        return 0;
    }
    return value;
}

static double read_time(evr_json *j)
{
    evr_json at = *j;
    double value = -1;
    if (!evr_json_to_f64(evr_json_raw_value(j), &value) || !(value >= 0) || value > 1e300) {
        evr_json_fail_at(j, &at, "a time was expected");
        return -1;
    }
    return value;
}

static int32_t read_status(evr_arena *arena, evr_json *j)
{
    evr_json at = *j;
    evr_str name = read_text(arena, j);
    for (int32_t s = EVR_STATUS_OK; s <= EVR_STATUS_FAILED; s++)
        if (evr_str_is(name, evr_outcome_name(s)))
            return s;
    evr_json_fail_at(j, &at, "a status was expected: ok, skipped or failed");
    return EVR_STATUS_OK;
}

typedef enum kind { TEXT, COUNT, TIME, STATUS } kind;

typedef struct field {
    const char *name;
    kind kind;
    size_t offset;
} field;

static const field info_fields[] = {
    {"library", TEXT, offsetof(evr_artifact_info, library)},
    {"input", TEXT, offsetof(evr_artifact_info, input)},
    {"runtime", TEXT, offsetof(evr_artifact_info, runtime)},
    {"device", TEXT, offsetof(evr_artifact_info, device)},
    {"device_name", TEXT, offsetof(evr_artifact_info, device_name)},
    {"driver", TEXT, offsetof(evr_artifact_info, driver)},
    {"protocol", TEXT, offsetof(evr_artifact_info, protocol)},
    {"seed", COUNT, offsetof(evr_artifact_info, seed)},
    {NULL, TEXT, 0},
};

static const field expected_fields[] = {
    {"key", TEXT, offsetof(evr_expected, key)},
    {"status", STATUS, offsetof(evr_expected, status)},
    {"inputs", TEXT, offsetof(evr_expected, inputs)},
    {"initializer", TEXT, offsetof(evr_expected, initializer)},
    {"kernels", COUNT, offsetof(evr_expected, kernels)},
    {"kernel_ns", TIME, offsetof(evr_expected, trace_kernel_ns)},
    {"median_ns", TIME, offsetof(evr_expected, median_ns)},
    {"median_low_ns", TIME, offsetof(evr_expected, median_low_ns)},
    {"median_high_ns", TIME, offsetof(evr_expected, median_high_ns)},
    {NULL, TEXT, 0},
};

static void read_field(evr_arena *arena, evr_json *j, evr_str key, const field *fields, void *of)
{
    for (const field *f = fields; f->name; f++) {
        void *at = (char *)of + f->offset;
        if (!evr_str_is(key, f->name))
            continue;
        switch (f->kind) {
        case TEXT: *(evr_str *)at = read_text(arena, j); return;
        case COUNT: *(uint64_t *)at = read_count(j); return;
        case TIME: *(double *)at = read_time(j); return;
        case STATUS: *(int32_t *)at = read_status(arena, j); return;
        }
    }
    evr_json_skip(j);
}

static evr_status read_one(evr_artifact *a, evr_json *j, evr_error **err)
{
    const evr_str none = {"", 0};
    evr_expected *e = &a->expected[a->count];
    char key[33];
    bool first = true;
    evr_str name;
    *e = (evr_expected){EVR_INIT(evr_expected), .key = none, .inputs = none, .initializer = none,
                        .trace_kernel_ns = -1, .median_ns = -1, .median_low_ns = -1, .median_high_ns = -1};
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &name))
        read_field(&a->arena, j, name, expected_fields, e);
    EVR_TRY(evr_json_check(a->ctx, j, "manifest.json", err));
    EVR_TRY(evr_ir_key(evr_ir_set_at(a->records, a->count), key, err));
    if (!evr_str_is(e->key, key)) {
        evr_fail(a->ctx, err, EVR_E_FORMAT, "manifest.json does not speak of record %zu of records.json: the keys differ", a->count);
        return evr_hint(err, "pack the records again, or replay records.json by itself");
    }
    a->count++;
    return EVR_OK;
}

static evr_status read_list(evr_artifact *a, evr_json *list, evr_error **err)
{
    bool first = true;
    size_t records = evr_ir_set_count(a->records);
    a->expected = evr_arena_alloc(&a->arena, (records + 1) * sizeof *a->expected);
    if (!a->expected)
        return evr_fail_nomem(err);
    if (list->text)
        evr_json_enter(list, '[');
    while (list->text && evr_json_next_item(list, &first)) {
        if (a->count == records)
            return evr_fail(a->ctx, err, EVR_E_FORMAT, "manifest.json speaks of more than the %zu records there are", records);
        EVR_TRY(read_one(a, list, err));
    }
    EVR_TRY(list->text ? evr_json_check(a->ctx, list, "manifest.json", err) : EVR_OK);
    return a->count == records ? EVR_OK : evr_fail(a->ctx, err, EVR_E_FORMAT, "manifest.json speaks of %zu of the %zu records there are", a->count, records);
}

/* The outermost object is walked to its end before any of it is believed. */
static evr_status read_all(evr_artifact *a, evr_json *j, evr_error **err)
{
    evr_json list = {0}, version = {0}, redacted = {0};
    evr_str key;
    bool first = true;
    evr_json_enter(j, '{');
    while (evr_json_next_field(j, &first, &key)) {
        evr_json at = *j;
        read_field(&a->arena, j, key, info_fields, &a->info);
        if (evr_str_is(key, "evreplay_artifact"))
            version = at;
        else if (evr_str_is(key, "expected"))
            list = at;
        else if (evr_str_is(key, "redacted"))
            redacted = at;
    }
    if (!j->problem && evr_json_peek(j))
        evr_json_fail(j, "the end of the text was expected");
    EVR_TRY(evr_json_check(a->ctx, j, "manifest.json", err));
    uint64_t number = version.text ? read_count(&version) : 0;
    if (number != EVR_ARTIFACT_VERSION) {
        evr_fail(a->ctx, err, EVR_E_UNSUPPORTED, "an artifact of version %llu; this library reads version %d", (unsigned long long)number, EVR_ARTIFACT_VERSION);
        return evr_hint(err, "update libevreplay, or pack the records again with this version");
    }
    if (redacted.text)
        a->info.flags = EVR_ARTIFACT_REDACT | (evr_str_is(read_text(&a->arena, &redacted), "operators") ? EVR_ARTIFACT_REDACT_OPERATORS : 0);
    return read_list(a, &list, err);
}

evr_status evr_manifest_read(evr_artifact *a, evr_error **err)
{
    evr_json_doc doc = {0};
    evr_status status = evr_json_doc_open(a->ctx, &doc, a->manifest, err);
    if (status == EVR_OK)
        status = read_all(a, &doc.cursor, err);
    evr_json_doc_close(&doc);
    return status;
}
