#include "measure/measurement.h"

#include "base/error.h"
#include "measure/columns.h"
#include "measure/protocol.h"

#include <math.h>

static bool copy_texts(evr_measurement *m, const evr_meter *meter)
{
    evr_str *texts[] = {&m->device.name,     &m->device.driver, &m->device.clock,
                        &m->device.settings, &m->backend,       &m->backend_version};
    m->device = meter->desc;
    m->backend = evr_str_c(meter->fn->name);
    m->backend_version = evr_str_c(meter->fn->version);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = evr_arena_str(&m->texts, *texts[i]);
        if (!texts[i]->data)
            return false;
    }
    return true;
}

evr_status evr_measurement_new(evr_meter *meter, const evr_protocol *resolved, evr_measurement **out, evr_error **err)
{
    *out = NULL;
    evr_measurement *m = evr_alloc_zeroed(meter->ctx, sizeof *m);
    if (!m)
        return evr_fail_nomem(err);
    m->ctx = evr_context_ref(meter->ctx);
    evr_arena_init(&m->texts, m->ctx);
    m->protocol = *resolved;
    m->device_index = meter->device;
    m->conditions = (evr_conditions){.struct_size = EVR_INIT(evr_conditions),
                                     .launch = EVR_LAUNCH_SINGLE,
                                     .gate = EVR_GATE_OFF,
                                     .batch = 1,
                                     .harness_ns = meter->harness_ns,
                                     .tick_ns = meter->tick_ns,
                                     .precision = -1};
    if (!copy_texts(m, meter)) {
        evr_measurement_free(m);
        return evr_fail_nomem(err);
    }
    *out = m;
    return EVR_OK;
}

void evr_measurement_free(evr_measurement *m)
{
    if (!m)
        return;
    evr_context *ctx = m->ctx;
    if (m->samples)
        evr_release(ctx, m->samples, m->cap * sizeof *m->samples);
    evr_arena_free(&m->texts);
    evr_release(ctx, m, sizeof *m);
    evr_context_free(ctx);
}

evr_status evr_measurement_add(evr_measurement *m, double ns, evr_error **err)
{
    void *array = m->samples;
    if (!evr_grow(m->ctx, &array, &m->cap, m->count + 1, sizeof *m->samples))
        return evr_fail_nomem(err);
    m->samples = array;
    m->samples[m->count++] = ns;
    return EVR_OK;
}

const double *evr_measurement_samples(const evr_measurement *m, size_t *count)
{
    *count = m->count;
    return m->samples;
}

static void hand_out(void *out, const void *all, size_t size)
{
    uint32_t room = *(uint32_t *)out;
    if (room > sizeof room)
        memcpy((char *)out + sizeof room, (const char *)all + sizeof room, (room < size ? room : size) - sizeof room);
}

void evr_measurement_statistics(const evr_measurement *m, evr_statistics *out)
{
    hand_out(out, &m->statistics, sizeof *out);
}
void evr_measurement_conditions(const evr_measurement *m, evr_conditions *out)
{
    hand_out(out, &m->conditions, sizeof *out);
}
const evr_protocol *evr_measurement_protocol(const evr_measurement *m) { return &m->protocol; }

static void write_device(evr_json_writer *w, const evr_measurement *m)
{
    const struct {
        const char *key;
        evr_str text;
    } texts[] = {{"backend", m->backend},    {"backend_version", m->backend_version},
                 {"name", m->device.name},   {"driver", m->device.driver},
                 {"clock", m->device.clock}, {"settings", m->device.settings}};
    evr_json_open(w, '{');
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_json_key(w, texts[i].key);
        evr_json_str(w, texts[i].text);
    }
    evr_json_key(w, "index");
    evr_json_i64(w, m->device_index);
    evr_json_key(w, "cache_bytes");
    if (m->device.cache_bytes)
        evr_json_u64(w, m->device.cache_bytes);
    else
        evr_json_null(w);
    evr_json_close(w, '}');
}

evr_status evr_measurement_json(const evr_measurement *m, int32_t with_samples, char **out, size_t *size, evr_error **err)
{
    evr_buf buf;
    evr_json_writer w;
    *out = NULL;
    *size = 0;
    evr_buf_init(&buf, m->ctx);
    evr_json_init(&w, &buf);
    evr_json_open(&w, '{');
    evr_json_key(&w, "version");
    evr_json_str(&w, EVR_STR_LITERAL("1"));
    evr_json_key(&w, "unit");
    evr_json_str(&w, EVR_STR_LITERAL("ns"));
    evr_json_key(&w, "statistics");
    evr_statistics_write(&w, &m->statistics);
    evr_json_key(&w, "conditions");
    evr_conditions_write(&w, &m->conditions);
    evr_json_key(&w, "protocol");
    evr_protocol_write(&w, &m->protocol);
    evr_json_key(&w, "device");
    write_device(&w, m);
    evr_json_key(&w, "samples");
    if (with_samples) {
        evr_json_open(&w, '[');
        for (size_t i = 0; i < m->count; i++)
            evr_json_f64(&w, m->samples[i]);
        evr_json_close(&w, ']');
    } else {
        evr_json_null(&w);
    }
    evr_json_close(&w, '}');
    if (!buf.failed && (*out = evr_strdup(m->ctx, evr_buf_view(&buf))))
        *size = buf.len;
    evr_buf_free(&buf);
    return *out ? EVR_OK : evr_fail_nomem(err);
}

evr_status evr_measurement_comparable(const evr_measurement *a, const evr_measurement *b, evr_error **err)
{
    EVR_TRY(evr_protocol_same(a->ctx, &a->protocol, &b->protocol, err));
    const evr_conditions *x = &a->conditions, *y = &b->conditions;
    if (x->launch != y->launch) {
        evr_fail(a->ctx, err, EVR_E_INVALID,
                 "one was taken with launch %s, the other with launch %s: these times do not compare",
                 evr_launch_name(x->launch), evr_launch_name(y->launch));
        evr_hint(err, "measure again with that launch named in the protocol");
        return EVR_E_INVALID;
    }
    if (x->gate != y->gate) {
        evr_fail(a->ctx, err, EVR_E_INVALID,
                 "one was taken with gate %s, the other with gate %s: these times do not compare", evr_gate_name(x->gate),
                 evr_gate_name(y->gate));
        evr_hint(err, "measure again with gate=off");
        return EVR_E_INVALID;
    }
    return EVR_OK;
}
