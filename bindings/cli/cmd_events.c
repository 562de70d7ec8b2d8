/* evreplay events: one line for each event. */
#include "commands.h"
#include "input.h"
#include "output.h"

#include <inttypes.h>

typedef struct events_options {
    const char *category, *name, *out;
    bool jsonl, recover, python;
} events_options;

#define FIELD(member) offsetof(events_options, member)

static const option table[] = {
    {"cat", 0, OPT_TEXT, "C", "only events of this category, such as cpu_op or kernel", FIELD(category)},
    {"name", 0, OPT_TEXT, "GLOB", "only events whose name matches, with * and ?", FIELD(name)},
    {"jsonl", 0, OPT_FLAG, NULL, "one JSON object for each line", FIELD(jsonl)},
    {"python", 0, OPT_FLAG, NULL, "python functions take part in the tree", FIELD(python)},
    {"recover", 0, OPT_FLAG, NULL, "keep what comes before damage in the file", FIELD(recover)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

/* Nanoseconds as microseconds, exactly; "" or null for a time that was not recorded. */
static void add_micros(evr_buf *buf, int64_t ns)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    evr_buf_printf(buf, "%s%" PRIu64 ".%03u", ns < 0 ? "-" : "", size / 1000, (unsigned)(size % 1000));
}

static void add_uids(evr_buf *buf, const evr_uid *uids, size_t n)
{
    evr_buf_char(buf, '[');
    for (size_t i = 0; i < n; i++)
        evr_buf_printf(buf, "%s%" PRIu64, i ? "," : "", uids[i]);
    evr_buf_char(buf, ']');
}

static void add_json(evr_buf *buf, const evr_trace *trace, evr_uid uid, const evr_event *e)
{
    evr_json_writer w;
    evr_json_init(&w, buf);
    evr_json_open(&w, '{');
    evr_json_key(&w, "uid");
    evr_json_u64(&w, uid);
    evr_json_key(&w, "name");
    evr_json_str(&w, e->name);
    evr_json_key(&w, "cat");
    evr_json_str(&w, e->category);
    evr_json_key(&w, "ts");
    if (e->start_ns == EVR_NO_TIME) {
        evr_json_null(&w);
    } else {
        evr_json_raw(&w, (evr_str){"", 0});
        add_micros(buf, e->start_ns);
    }
    evr_json_key(&w, "dur");
    evr_json_raw(&w, (evr_str){"", 0});
    add_micros(buf, e->duration_ns);
    evr_json_key(&w, "parent");
    if (e->parent == EVR_NO_UID)
        evr_json_null(&w);
    else
        evr_json_u64(&w, e->parent);
    evr_json_key(&w, "gpu_events");
    evr_json_raw(&w, (evr_str){"", 0});
    size_t n;
    const evr_uid *below = evr_trace_device_events(trace, uid, &n);
    add_uids(buf, below, n);
    evr_json_close(&w, '}');
    evr_buf_char(buf, '\n');
}

static void add_line(evr_buf *buf, const evr_trace *trace, evr_uid uid, const evr_event *e)
{
    size_t n;
    evr_trace_device_events(trace, uid, &n);
    evr_buf_printf(buf, "%8" PRIu64 "  ", uid);
    if (e->start_ns == EVR_NO_TIME)
        evr_buf_c(buf, "-");
    else
        add_micros(buf, e->start_ns);
    evr_buf_c(buf, " µs  +");
    add_micros(buf, e->duration_ns);
    evr_buf_printf(buf, " µs  %-16.*s", EVR_STR_ARG(e->category));
    if (e->parent != EVR_NO_UID)
        evr_buf_printf(buf, " in %-8" PRIu64, e->parent);
    else
        evr_buf_c(buf, " top        ");
    evr_buf_printf(buf, " %3zu on the device  ", n);
    evr_buf_str(buf, e->name);
    evr_buf_char(buf, '\n');
}

static int write_events(void *values, evr_context *ctx, const evr_trace *trace)
{
    const events_options *o = values;
    output out;
    evr_buf buf;
    (void)ctx;
    if (!output_open(&out, o->out))
        return EXIT_BAD_INPUT;
    evr_event_filter filter = {.struct_size = sizeof filter, .category = evr_str_c(o->category), .name = evr_str_c(o->name)};
    output_buf(&buf);
    for (evr_uid uid = 0; (uid = evr_trace_next(trace, &filter, uid)) != EVR_NO_UID; uid++) {
        evr_event e = {.struct_size = sizeof e};
        evr_trace_event(trace, uid, &e, NULL);
        (o->jsonl ? add_json : add_line)(&buf, trace, uid, &e);
        if (buf.len > 1 << 16) {
            output_str(&out, evr_buf_view(&buf));
            buf.len = 0;
            if (ferror(out.file))
                break;
        }
    }
    output_str(&out, evr_buf_view(&buf));
    evr_buf_free(&buf);
    return output_close(&out, EXIT_GOOD);
}

static uint32_t flags(const void *values)
{
    const events_options *o = values;
    return (o->recover ? EVR_TRACE_RECOVER : 0) | (o->python ? EVR_TRACE_PYTHON : 0);
}

static int run(int argc, char **argv, const command *self)
{
    events_options o = {0};
    return input_run(&(trace_command){self, &o, NULL, flags, write_events}, argc, argv);
}

const command cmd_events = {
    "events", "TRACE", "Lists the events of a trace with their place in the tree of calls.",
    "The uid of an event is its index in the file's list of events. Times are microseconds on the trace's clock.\n"
    "A JSON line holds uid, name, cat, ts, dur, parent (null at the top) and gpu_events: the uids of all\n"
    "device work launched by the event or anything below it.\n",
    table, run,
};
