#include "measure/protocol.h"

#include "base/error.h"
#include "base/sized.h"

#include <inttypes.h>
#include <math.h>

#define HEAD "evreplay-protocol/"
#define VERSION "1"

/* When a member counts: all conditions of a group of bits that has any must hold for one of its bits. */
#define STOPS(rule) (1u << (rule)) /* bits 1 to 4: stop rules */
#define WITH_FLUSH (1u << 8)       /* something is flushed */
#define MANY_CALLS (1u << 9)       /* a sample may hold more than one call */
#define WITH_GATE (1u << 10)       /* the gate is not off */
#define ADAPTIVE (STOPS(EVR_STOP_PRECISION) | STOPS(EVR_STOP_STDREL) | STOPS(EVR_STOP_ENTROPY))

typedef enum field_kind { CHOICE, COUNT, NUMBER, WORD } field_kind;

typedef struct field {
    const char *name;
    size_t offset;
    field_kind kind;
    uint32_t when;            /* 0 = always */
    const char *const *names; /* CHOICE: [value], NULL-terminated; index 0 is unused */
    double preset, low, high; /* counts and choices are exact in a double: they are below 2^53 */
} field;

static const char *const stops[] = {"", "precision", "count", "stdrel", "entropy", NULL};
static const char *const warmups[] = {"", "stable", "count", NULL};
static const char *const flushes[] = {"", "none", "write", "write-read", NULL};
static const char *const launches[] = {"", "auto", "single", "batch", "graph", NULL};
static const char *const gates[] = {"", "auto", "off", "on", NULL};
static const char *const throttles[] = {"", "discard", "keep", NULL};

#define AT(member) #member, offsetof(evr_protocol, member)
#define ANY 0, 9007199254740992.0

/* In the order they are written. */
static const field fields[] = {
    {AT(stop), CHOICE, 0, stops, EVR_STOP_PRECISION, 1, 4},
    {AT(precision), NUMBER, STOPS(EVR_STOP_PRECISION), NULL, 0.01, 1e-6, 1},
    {AT(min_seconds), NUMBER, STOPS(EVR_STOP_PRECISION), NULL, 0.005, 1e-9, 1e6},
    {AT(samples), COUNT, STOPS(EVR_STOP_COUNT), NULL, 100, 1, 1e8},
    {AT(noise), NUMBER, STOPS(EVR_STOP_STDREL), NULL, 0.005, 1e-6, 1},
    {AT(device_seconds), NUMBER, STOPS(EVR_STOP_STDREL), NULL, 0.5, 1e-6, 1e6},
    {AT(entropy_angle), NUMBER, STOPS(EVR_STOP_ENTROPY), NULL, 0.048, 1e-6, 90},
    {AT(entropy_r2), NUMBER, STOPS(EVR_STOP_ENTROPY), NULL, 0.36, 1e-6, 1},
    {AT(min_samples), COUNT, ADAPTIVE, NULL, 10, 2, 1e8},
    {AT(max_samples), COUNT, ADAPTIVE, NULL, 1e6, 2, 1e8},
    {AT(seconds), NUMBER, 0, NULL, 5, 1e-6, 1e6},
    {AT(warmup), CHOICE, 0, warmups, EVR_WARMUP_STABLE, 1, 2},
    {AT(warmup_calls), COUNT, 0, NULL, 50, 1, 1e8},
    {AT(flush), CHOICE, 0, flushes, EVR_FLUSH_NONE, 1, 3},
    {AT(flush_bytes), COUNT, WITH_FLUSH, NULL, 0, 0, 1e12},
    {AT(launch), CHOICE, 0, launches, EVR_LAUNCH_AUTO, 1, 4},
    {AT(batch), COUNT, MANY_CALLS, NULL, 0, 0, 1e7},
    {AT(gate), CHOICE, 0, gates, EVR_GATE_AUTO, 1, 3},
    {AT(gate_seconds), NUMBER, WITH_GATE, NULL, 1, 1e-6, 60},
    {AT(throttle), CHOICE, 0, throttles, EVR_THROTTLED_DISCARD, 1, 2},
    {AT(seed), COUNT, 0, NULL, 0, ANY},
    {AT(fill), WORD, 0, NULL, 0, 0, 0},
};
enum { FIELDS = sizeof fields / sizeof *fields };

const char *evr_launch_name(int32_t launch) { return launch >= 1 && launch <= 4 ? launches[launch] : "?"; }
const char *evr_gate_name(int32_t gate) { return gate >= 1 && gate <= 3 ? gates[gate] : "?"; }

static const void *place(const evr_protocol *p, const field *f) { return (const char *)p + f->offset; }

static double get(const evr_protocol *p, const field *f)
{
    switch (f->kind) {
    case CHOICE: return *(const int32_t *)place(p, f);
    case COUNT: return (double)*(const uint64_t *)place(p, f);
    case NUMBER: return *(const double *)place(p, f);
    default: return 0;
    }
}

static void set(evr_protocol *p, const field *f, double value)
{
    void *at = (char *)p + f->offset;
    if (f->kind == CHOICE)
        *(int32_t *)at = (int32_t)value;
    else if (f->kind == COUNT)
        *(uint64_t *)at = (uint64_t)value;
    else if (f->kind == NUMBER)
        *(double *)at = value;
}

static bool counts(const evr_protocol *p, const field *f)
{
    uint32_t when = f->when;
    if ((when & 0xffu) && !(when & STOPS(p->stop)))
        return false;
    if ((when & WITH_FLUSH) && p->flush == EVR_FLUSH_NONE)
        return false;
    if ((when & MANY_CALLS) && p->launch == EVR_LAUNCH_SINGLE)
        return false;
    return !((when & WITH_GATE) && p->gate == EVR_GATE_OFF);
}

static bool is_word(const char *text, size_t room)
{
    size_t n = strnlen(text, room);
    if (n == room)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool fine =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!fine)
            return false;
    }
    return n != 1 || text[0] != '-';
}

static evr_status check(evr_context *ctx, const evr_protocol *p, const field *f, evr_error **err)
{
    if (f->kind == WORD) {
        if (is_word(place(p, f), sizeof p->fill))
            return EVR_OK;
        return evr_fail(ctx, err, EVR_E_INVALID, "protocol: %s is not a word of at most 31 letters, digits, '.', '_', '-'",
                        f->name);
    }
    double value = get(p, f);
    bool exact = f->kind == COUNT && f->low == 0 && f->high > 1e15; /* a seed: any 64 bits */
    if (exact || (value >= f->low && value <= f->high))
        return EVR_OK;
    return evr_fail(ctx, err, EVR_E_INVALID, "protocol: %s is %g, and may be %g to %g (0 = default)", f->name, value,
                    f->low, f->high);
}

evr_status evr_protocol_resolve(evr_context *ctx, const evr_protocol *given, evr_protocol *out, evr_error **err)
{
    *out = (evr_protocol){EVR_INIT(evr_protocol)};
    if (given && given->struct_size < sizeof(uint32_t))
        return evr_fail(ctx, err, EVR_E_INVALID, "protocol: struct_size is not set");
    EVR_TAKE(out, given);
    if (out->flags)
        return evr_fail(ctx, err, EVR_E_INVALID, "protocol: flags 0x%x are not known to this version",
                        (unsigned)out->flags);
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].kind != WORD && get(out, &fields[i]) == 0 && fields[i].preset != 0)
            set(out, &fields[i], fields[i].preset);
    for (size_t i = 0; i < FIELDS; i++)
        EVR_TRY(check(ctx, out, &fields[i], err));
    if (out->launch == EVR_LAUNCH_BATCH && out->flush != EVR_FLUSH_NONE && out->batch != 1)
        return evr_fail(ctx, err, EVR_E_INVALID,
                        "protocol: launch=batch finds the cache warm from the second call on, so flush must be none");
    return EVR_OK;
}

static void write_value(evr_json_writer *w, const evr_protocol *p, const field *f)
{
    if (!counts(p, f))
        evr_json_null(w);
    else if (f->kind == CHOICE)
        evr_json_str(w, evr_str_c(f->names[*(const int32_t *)place(p, f)]));
    else if (f->kind == COUNT)
        evr_json_u64(w, *(const uint64_t *)place(p, f));
    else if (f->kind == NUMBER)
        evr_json_f64(w, get(p, f));
    else
        evr_json_str(w, evr_str_c(place(p, f)));
}

void evr_protocol_write(evr_json_writer *w, const evr_protocol *resolved)
{
    evr_json_open(w, '{');
    evr_json_key(w, "version");
    evr_json_str(w, evr_str_c(VERSION));
    for (size_t i = 0; i < FIELDS; i++) {
        evr_json_key(w, fields[i].name);
        write_value(w, resolved, &fields[i]);
    }
    evr_json_close(w, '}');
}

/* The value as it stands in the line. */
static void print_value(evr_buf *buf, const evr_protocol *p, const field *f)
{
    evr_json_writer w;
    evr_json_init(&w, buf);
    if (!counts(p, f) || (f->kind == WORD && *(const char *)place(p, f) == 0))
        evr_buf_char(buf, '-');
    else if (f->kind == CHOICE)
        evr_buf_c(buf, f->names[*(const int32_t *)place(p, f)]);
    else if (f->kind == WORD)
        evr_buf_c(buf, place(p, f));
    else
        write_value(&w, p, f);
}

evr_status evr_protocol_text(evr_context *ctx, const evr_protocol *protocol, char **out, size_t *size, evr_error **err)
{
    evr_protocol p;
    *out = NULL;
    *size = 0;
    EVR_TRY(evr_protocol_resolve(ctx, protocol, &p, err));
    evr_buf buf;
    evr_buf_init(&buf, ctx);
    evr_buf_c(&buf, HEAD VERSION);
    for (size_t i = 0; i < FIELDS; i++) {
        evr_buf_printf(&buf, " %s=", fields[i].name);
        print_value(&buf, &p, &fields[i]);
    }
    if (!buf.failed && (*out = evr_strdup(ctx, evr_buf_view(&buf))))
        *size = buf.len;
    evr_buf_free(&buf);
    return *out ? EVR_OK : evr_fail_nomem(err);
}

static bool read_value(evr_protocol *p, const field *f, evr_str text)
{
    void *at = (char *)p + f->offset;
    double number;
    int64_t whole;
    if (evr_str_is(text, "-"))
        return true;
    switch (f->kind) {
    case CHOICE:
        for (int32_t i = 1; f->names[i]; i++)
            if (evr_str_is(text, f->names[i])) {
                *(int32_t *)at = i;
                return true;
            }
        return false;
    case COUNT:
        if (f->high > 1e15) { /* all 64 bits */
            uint64_t bits = 0;
            for (size_t i = 0; i < text.len; i++) {
                unsigned digit = (unsigned)(text.data[i] - '0');
                if (digit > 9 || bits > (UINT64_MAX - digit) / 10)
                    return false;
                bits = bits * 10 + digit;
            }
            *(uint64_t *)at = bits;
            return text.len > 0;
        }
        if (!evr_str_to_i64(text, &whole) || whole < 0)
            return false;
        *(uint64_t *)at = (uint64_t)whole;
        return true;
    case NUMBER:
        if (!evr_str_to_f64(text, &number) || !isfinite(number))
            return false;
        *(double *)at = number;
        return true;
    default:
        if (text.len >= sizeof p->fill)
            return false;
        evr_str_copy(at, text);
        return true;
    }
}

static const field *field_named(evr_str name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (evr_str_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

static evr_status read_pair(evr_context *ctx, evr_protocol *p, evr_str text, size_t from, size_t end, evr_error **err)
{
    evr_str pair = evr_str_sub(text, from, end);
    size_t equals = evr_str_find(pair, '=', 0);
    evr_str name = evr_str_sub(pair, 0, equals == SIZE_MAX ? pair.len : equals);
    const field *f = field_named(name);
    if (f && equals != SIZE_MAX && read_value(p, f, evr_str_sub(pair, equals + 1, pair.len)))
        return EVR_OK;
    evr_fail(ctx, err, EVR_E_FORMAT,
             f ? "protocol: \"%.*s\" is no value of its member" : "protocol: \"%.*s\" is no member of it",
             EVR_STR_ARG(pair));
    evr_at_offset(err, (int64_t)from);
    return EVR_E_FORMAT;
}

evr_status evr_protocol_parse(evr_context *ctx, evr_str text, evr_protocol *out, evr_error **err)
{
    evr_protocol p = {EVR_INIT(evr_protocol)};
    *out = (evr_protocol){EVR_INIT(evr_protocol)};
    size_t end = evr_str_find(text, ' ', 0);
    evr_str head = evr_str_sub(text, 0, end == SIZE_MAX ? text.len : end);
    if (!evr_str_starts(head, HEAD)) {
        evr_fail(ctx, err, EVR_E_FORMAT, "this is no protocol: it begins \"%.*s\" and not \"" HEAD VERSION "\"",
                 (int)(head.len < 40 ? head.len : 40), head.data ? head.data : "");
        evr_at_offset(err, 0);
        return EVR_E_FORMAT;
    }
    if (!evr_str_is(head, HEAD VERSION))
        return evr_fail(ctx, err, EVR_E_UNSUPPORTED, "protocol: this library reads version " VERSION ", not \"%.*s\"",
                        EVR_STR_ARG(head));
    while (end < text.len) {
        size_t from = end + 1;
        end = evr_str_find(text, ' ', from);
        if (end == SIZE_MAX)
            end = text.len;
        if (end > from)
            EVR_TRY(read_pair(ctx, &p, text, from, end, err));
    }
    return evr_protocol_resolve(ctx, &p, out, err);
}

static bool is_same(const evr_protocol *a, const evr_protocol *b, const field *f)
{
    if (counts(a, f) != counts(b, f))
        return false;
    if (!counts(a, f))
        return true;
    if (f->kind == WORD)
        return strcmp(place(a, f), place(b, f)) == 0;
    if (f->kind == COUNT)
        return *(const uint64_t *)place(a, f) == *(const uint64_t *)place(b, f);
    return get(a, f) == get(b, f);
}

evr_status evr_protocol_same(evr_context *ctx, const evr_protocol *a, const evr_protocol *b, evr_error **err)
{
    evr_protocol x, y;
    EVR_TRY(evr_protocol_resolve(ctx, a, &x, err));
    EVR_TRY(evr_protocol_resolve(ctx, b, &y, err));
    evr_buf buf;
    evr_buf_init(&buf, ctx);
    size_t different = 0;
    for (size_t i = 0; i < FIELDS; i++) {
        if (is_same(&x, &y, &fields[i]))
            continue;
        evr_buf_printf(&buf, "%s%s ", different++ ? ", " : "", fields[i].name);
        print_value(&buf, &x, &fields[i]);
        evr_buf_c(&buf, " and ");
        print_value(&buf, &y, &fields[i]);
    }
    evr_status status = EVR_OK;
    if (different && buf.failed)
        status = evr_fail_nomem(err);
    else if (different) {
        status = evr_fail(ctx, err, EVR_E_INVALID, "times taken under different protocols do not compare: %s", buf.data);
        evr_hint(err, "measure one of them again under the protocol of the other");
    }
    evr_buf_free(&buf);
    return status;
}

evr_status evr_protocol_preset(int32_t preset, evr_protocol *out, evr_error **err)
{
    static const evr_protocol presets[] = {
        [EVR_PROTOCOL_DEFAULT] = {0},
        [EVR_PROTOCOL_FIXED] = {.stop = EVR_STOP_COUNT,
                                .samples = 100,
                                .warmup = EVR_WARMUP_COUNT,
                                .warmup_calls = 50,
                                .flush = EVR_FLUSH_WRITE,
                                .flush_bytes = 256u << 20,
                                .launch = EVR_LAUNCH_SINGLE,
                                .gate = EVR_GATE_OFF,
                                .throttle = EVR_THROTTLED_KEEP,
                                .seconds = 3600},
        [EVR_PROTOCOL_NVBENCH] = {.stop = EVR_STOP_STDREL,
                                  .warmup = EVR_WARMUP_COUNT,
                                  .warmup_calls = 1,
                                  .flush = EVR_FLUSH_WRITE,
                                  .launch = EVR_LAUNCH_SINGLE,
                                  .seconds = 15},
    };
    if (!out || out->struct_size < sizeof(uint32_t) || preset < 0 || (size_t)preset >= sizeof presets / sizeof *presets)
        return evr_fail(NULL, err, EVR_E_INVALID, "there is no protocol preset %d, or no place for it", (int)preset);
    evr_protocol p = presets[preset];
    p.struct_size = EVR_INIT(evr_protocol);
    evr_protocol all;
    EVR_TRY(evr_protocol_resolve(NULL, &p, &all, err));
    EVR_GIVE(out, &all);
    return EVR_OK;
}
