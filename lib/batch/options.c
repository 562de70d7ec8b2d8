#include "batch/options.h"

#include "base/error.h"
#include "base/json_write.h"
#include "trace/json.h"

static const struct {
    const char *name;
    size_t field;
} texts[] = {
    {"bridge", offsetof(evr_replay_batch_options, bridge)},
    {"device", offsetof(evr_replay_batch_options, device)},
    {"backend_path", offsetof(evr_replay_batch_options, backend_path)},
};

static const struct {
    const char *name;
    size_t field;
    bool wide;
} numbers[] = {
    {"flags", offsetof(evr_replay_batch_options, flags), false},
    {"threads", offsetof(evr_replay_batch_options, threads), false},
    {"max_bytes", offsetof(evr_replay_batch_options, max_bytes), true},
    {"seed", offsetof(evr_replay_batch_options, seed), true},
};

evr_status evr_batch_options_write(evr_context *ctx, const evr_replay_batch_options *o, const char *device, uint64_t memory, evr_buf *out, evr_error **err)
{
    evr_json_writer w;
    char *protocol = NULL;
    size_t size;
    evr_replay_batch_options one = *o;
    one.device = device;
    if (o->protocol)
        EVR_TRY(evr_protocol_text(ctx, o->protocol, &protocol, &size, err));
    evr_json_init(&w, out);
    evr_json_open(&w, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = *(const char *const *)((const char *)&one + texts[i].field);
        if (!text)
            continue;
        evr_json_key(&w, texts[i].name);
        evr_json_str(&w, evr_str_c(text));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *at = (const char *)&one + numbers[i].field;
        evr_json_key(&w, numbers[i].name);
        evr_json_u64(&w, numbers[i].wide ? *(const uint64_t *)at : *(const uint32_t *)at);
    }
    evr_json_key(&w, "memory");
    evr_json_u64(&w, memory);
    if (protocol) {
        evr_json_key(&w, "protocol");
        evr_json_str(&w, evr_str_c(protocol));
    }
    evr_json_close(&w, '}');
    evr_text_free(ctx, protocol);
    return out->failed ? evr_fail_nomem(err) : EVR_OK;
}

static const char *text_of(evr_arena *arena, evr_str raw)
{
    char *text = evr_arena_alloc(arena, raw.len + 1);
    if (!text || raw.len < 2 || raw.data[0] != '"')
        return NULL;
    text[evr_json_unescape(evr_str_sub(raw, 1, raw.len - 1), text)] = 0;
    return text;
}

/* Whole numbers up to 64 bits without sign, which JSON readers for signed ones refuse. */
static uint64_t number_of(evr_str raw)
{
    uint64_t value = 0;
    for (size_t i = 0; i < raw.len && raw.data[i] >= '0' && raw.data[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(raw.data[i] - '0');
    return value;
}

static evr_status read_field(evr_arena *arena, evr_str key, evr_str raw, evr_replay_batch_options *o, uint64_t *memory, evr_error **err)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (evr_str_is(key, texts[i].name) && !(*(const char **)((char *)o + texts[i].field) = text_of(arena, raw)))
            return evr_fail_nomem(err);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *at = (char *)o + numbers[i].field;
        if (evr_str_is(key, numbers[i].name) && numbers[i].wide)
            *(uint64_t *)at = number_of(raw);
        else if (evr_str_is(key, numbers[i].name))
            *(uint32_t *)at = (uint32_t)number_of(raw);
    }
    if (evr_str_is(key, "memory"))
        *memory = number_of(raw);
    if (!evr_str_is(key, "protocol"))
        return EVR_OK;
    evr_protocol *protocol = evr_arena_alloc_zeroed(arena, sizeof *protocol);
    const char *text = text_of(arena, raw);
    if (!protocol || !text)
        return evr_fail_nomem(err);
    protocol->struct_size = sizeof *protocol;
    o->protocol = protocol;
    return evr_protocol_parse(arena->ctx, evr_str_c(text), protocol, err);
}

evr_status evr_batch_options_read(evr_arena *arena, evr_str text, evr_replay_batch_options *o, uint64_t *memory, evr_error **err)
{
    evr_json_doc doc = {0};
    evr_str key;
    bool first = true;
    *o = (evr_replay_batch_options){.struct_size = sizeof *o};
    *memory = 0;
    evr_status status = evr_json_doc_open(arena->ctx, &doc, text, err);
    evr_json j = doc.cursor;
    if (status == EVR_OK)
        evr_json_enter(&j, '{');
    while (status == EVR_OK && evr_json_next_field(&j, &first, &key)) {
        evr_str raw = evr_json_raw_value(&j);
        status = read_field(arena, key, raw, o, memory, err);
    }
    if (status == EVR_OK)
        status = evr_json_check(arena->ctx, &j, "options of a worker", err);
    evr_json_doc_close(&doc);
    return status;
}
