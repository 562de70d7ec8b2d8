/* evreplay info: what a trace is and what is in it. */
#include "commands.h"
#include "input.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct info_options {
    const char *out;
    bool json, recover;
} info_options;

#define FIELD(member) offsetof(info_options, member)

static const option table[] = {
    {"json", 0, OPT_FLAG, NULL, "as JSON", FIELD(json)},
    {"recover", 0, OPT_FLAG, NULL, "keep what comes before damage in the file", FIELD(recover)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

typedef struct info {
    uint64_t events, ops, runtime, kernels, copies, fills, unique, with_args, untimed;
    uint64_t devices[64]; /* events on each device index, the last for all higher ones */
    int64_t device_ns;    /* sum of durations of device work */
    int64_t start, end;
} info;

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Calls of the same operator with the same recorded arguments count once. */
static bool count_unique(const evr_trace *trace, info *i)
{
    uint64_t *keys = malloc((i->ops ? i->ops : 1) * sizeof *keys);
    if (!keys)
        return false;
    size_t n = 0;
    const uint32_t *names = evr_trace_name_ids(trace);
    evr_event_filter ops = {.struct_size = sizeof ops, .kind = EVR_KIND_OP};
    for (evr_uid uid = 0; (uid = evr_trace_next(trace, &ops, uid)) != EVR_NO_UID; uid++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(trace, uid, &e, NULL);
        keys[n++] = (uint64_t)names[uid] << 32 | e.signature;
    }
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t k = 0; k < n; k++)
        i->unique += k == 0 || keys[k] != keys[k - 1];
    free(keys);
    return true;
}

static bool gather(const evr_trace *trace, info *i)
{
    *i = (info){.events = evr_trace_event_count(trace)};
    evr_trace_span(trace, &i->start, &i->end);
    for (evr_uid uid = 0; uid < i->events; uid++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(trace, uid, &e, NULL);
        i->ops += e.kind == EVR_KIND_OP;
        i->with_args += e.kind == EVR_KIND_OP && e.signature;
        i->runtime += e.kind == EVR_KIND_RUNTIME;
        i->kernels += e.kind == EVR_KIND_KERNEL;
        i->copies += e.kind == EVR_KIND_MEMCPY;
        i->fills += e.kind == EVR_KIND_MEMSET;
        i->untimed += e.start_ns == EVR_NO_TIME;
        if (e.kind == EVR_KIND_KERNEL || e.kind == EVR_KIND_MEMCPY || e.kind == EVR_KIND_MEMSET) {
            i->device_ns += e.duration_ns;
            if (e.device >= 0)
                i->devices[e.device < 63 ? e.device : 63]++;
        }
    }
    return count_unique(trace, i);
}

static const char *format_name(const evr_trace *trace)
{
    return evr_trace_format(trace) == EVR_FORMAT_EXECUTION ? "PyTorch/Chakra execution trace" : "Kineto profiler trace";
}

/* The number behind "name": in a JSON text; false when it is not there. */
static bool number_in(evr_str json, const char *name, long long *out)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = json.len ? strstr(json.data, quoted) : NULL;
    at = at ? strchr(at + strlen(quoted), ':') : NULL;
    char *end;
    if (!at)
        return false;
    *out = strtoll(at + 1, &end, 10);
    return end != at + 1;
}

static void print_text(output *out, const evr_trace *trace, const info *i)
{
    char text[32];
    FILE *f = out->file;
    fprintf(f, "format         %s, %.1f MB of JSON, %.1f MB in memory\n", format_name(trace),
            (double)evr_trace_json_bytes(trace) / 1e6, (double)evr_trace_memory(trace) / 1e6);
    long long rank, ranks;
    evr_str distributed = evr_trace_metadata(trace, evr_str_c("distributedInfo"));
    if (number_in(distributed, "rank", &rank)) {
        fprintf(f, "rank           %lld", rank);
        if (number_in(distributed, "world_size", &ranks))
            fprintf(f, " of %lld", ranks);
        putc('\n', f);
    }
    if (i->start != EVR_NO_TIME)
        fprintf(f, "span           %s\n", output_time(i->end - i->start, text));
    fprintf(f, "events         %" PRIu64 "%s", i->events, i->untimed ? "" : "\n");
    if (i->untimed)
        fprintf(f, ", %" PRIu64 " of them without a time\n", i->untimed);
    fprintf(f, "operators      %" PRIu64 " calls, %" PRIu64 " unique, %" PRIu64 " with recorded arguments\n", i->ops, i->unique,
            i->with_args);
    fprintf(f, "runtime calls  %" PRIu64 "\n", i->runtime);
    fprintf(f, "device work    %" PRIu64 " kernels, %" PRIu64 " copies, %" PRIu64 " fills, %s in all\n", i->kernels, i->copies,
            i->fills, output_time(i->device_ns, text));
    for (int d = 0; d < 64; d++)
        if (i->devices[d])
            fprintf(f, "  device %-4d  %" PRIu64 " events\n", d, i->devices[d]);
    fprintf(f, "categories\n");
    for (size_t c = 0; c < evr_trace_category_count(trace); c++) {
        evr_str name;
        int32_t kind;
        uint64_t events;
        evr_trace_category_at(trace, c, &name, &kind, &events);
        fprintf(f, "  %-24.*s %10" PRIu64 " events%s\n", EVR_STR_ARG(name.len ? name : evr_str_c("(none)")), events,
                kind == EVR_KIND_FLOW ? " (flow arrows)" : kind == EVR_KIND_METADATA ? " (metadata)" : "");
    }
}

static void print_json(output *out, const evr_trace *trace, const info *i)
{
    evr_buf buf;
    evr_json_writer w;
    output_buf(&buf);
    evr_json_init(&w, &buf);
    w.indent = 1;
    evr_json_open(&w, '{');
    evr_json_key(&w, "version");
    evr_json_i64(&w, 1);
    evr_json_key(&w, "format");
    evr_json_str(&w, evr_str_c(format_name(trace)));
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"json_bytes", evr_trace_json_bytes(trace)}, {"memory_bytes", evr_trace_memory(trace)},
        {"events", i->events},   {"events_without_time", i->untimed},
        {"operator_calls", i->ops}, {"unique_calls", i->unique}, {"calls_with_arguments", i->with_args},
        {"runtime_calls", i->runtime}, {"kernels", i->kernels}, {"copies", i->copies}, {"fills", i->fills},
        {"device_ns", (uint64_t)i->device_ns},
        {"span_ns", i->start == EVR_NO_TIME ? 0 : (uint64_t)(i->end - i->start)},
    };
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        evr_json_key(&w, numbers[k].name);
        evr_json_u64(&w, numbers[k].value);
    }
    evr_json_key(&w, "damage");
    if (evr_trace_damage(trace))
        evr_json_str(&w, evr_str_c(evr_error_message(evr_trace_damage(trace))));
    else
        evr_json_null(&w);
    evr_str distributed = evr_trace_metadata(trace, evr_str_c("distributedInfo"));
    evr_json_key(&w, "distributed");
    evr_json_raw(&w, distributed.len ? distributed : evr_str_c("null"));
    evr_json_key(&w, "devices");
    evr_json_open(&w, '[');
    for (int d = 0; d < 64; d++)
        if (i->devices[d]) {
            evr_json_open(&w, '{');
            evr_json_key(&w, "device");
            evr_json_i64(&w, d);
            evr_json_key(&w, "events");
            evr_json_u64(&w, i->devices[d]);
            evr_json_close(&w, '}');
        }
    evr_json_close(&w, ']');
    evr_json_key(&w, "categories");
    evr_json_open(&w, '[');
    for (size_t c = 0; c < evr_trace_category_count(trace); c++) {
        evr_str name;
        int32_t kind;
        uint64_t events;
        evr_trace_category_at(trace, c, &name, &kind, &events);
        evr_json_open(&w, '{');
        evr_json_key(&w, "name");
        evr_json_str(&w, name);
        evr_json_key(&w, "flow");
        evr_json_bool(&w, kind == EVR_KIND_FLOW);
        evr_json_key(&w, "events");
        evr_json_u64(&w, events);
        evr_json_close(&w, '}');
    }
    evr_json_close(&w, ']');
    evr_json_close(&w, '}');
    output_json(out, &buf);
}

static int write_info(void *values, evr_context *ctx, const evr_trace *trace)
{
    const info_options *o = values;
    output out;
    info i;
    (void)ctx;
    if (!gather(trace, &i)) {
        fprintf(stderr, "evreplay info: out of memory\n");
        return EXIT_BAD_INPUT;
    }
    if (!output_open(&out, o->out))
        return EXIT_BAD_INPUT;
    (o->json ? print_json : print_text)(&out, trace, &i);
    return output_close(&out, EXIT_GOOD);
}

static uint32_t flags(const void *values)
{
    return ((const info_options *)values)->recover ? EVR_TRACE_RECOVER : 0;
}

static int run(int argc, char **argv, const command *self)
{
    info_options o = {0};
    return input_run(&(trace_command){self, &o, NULL, flags, write_info}, argc, argv);
}

const command cmd_info = {
    "info", "TRACE", "Tells what a trace is and what is in it.",
    "Unique calls are operator calls with the same name and the same recorded arguments, counted once.\n", table, run,
};
