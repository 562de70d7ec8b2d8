/* evreplay extract: records of a trace's calls as JSON. */
#include "commands.h"
#include "input.h"
#include "output.h"
#include "select.h"

#include <stdlib.h>
#include <string.h>

typedef struct extract_options {
    const char *op, *format, *sort, *out;
    text_list uids;
    uint64_t top;
    bool all_events, recover;
    sort_order order;
    int32_t ir_format;
} extract_options;

#define FIELD(member) offsetof(extract_options, member)

static const option table[] = {
    {"uid", 0, OPT_LIST, "N", "the call of this event, in the order given", FIELD(uids)},
    {"op", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(op)},
    {"top", 0, OPT_NUMBER, "N", "only the N with the most kernel time", FIELD(top)},
    {"sort", 0, OPT_TEXT, "ORDER", "what --top goes by: kernel-time, cpu-time, count or name", FIELD(sort)},
    {"all-events", 0, OPT_FLAG, NULL, "a record for each event, not for each unique call", FIELD(all_events)},
    {"format", 0, OPT_TEXT, "FORMAT", "evreplay (default) or tracelens", FIELD(format)},
    {"recover", 0, OPT_FLAG, NULL, "keep what comes before damage in the file", FIELD(recover)},
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

typedef struct uid_list {
    evr_uid *items;
    size_t count, cap;
} uid_list;

static bool add_uid(uid_list *list, evr_uid uid)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 256;
        evr_uid *items = realloc(list->items, cap * sizeof *items);
        if (!items)
            return false;
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = uid;
    return true;
}

static int asked_uids(const extract_options *o, uid_list *list)
{
    for (size_t i = 0; i < o->uids.count; i++) {
        char *end;
        unsigned long long uid = strtoull(o->uids.items[i], &end, 10);
        if (*end || end == o->uids.items[i] || o->uids.items[i][0] == '-') {
            fprintf(stderr, "evreplay extract: --uid takes the index of an event, not \"%s\"\n", o->uids.items[i]);
            return EXIT_USAGE;
        }
        if (!add_uid(list, uid))
            return EXIT_BAD_INPUT;
    }
    return EXIT_GOOD;
}

static int every_event(const extract_options *o, const evr_trace *trace, uid_list *list)
{
    evr_event_filter filter = {.struct_size = sizeof filter, .kind = EVR_KIND_OP, .name = {o->op, o->op ? strlen(o->op) : 0}};
    for (evr_uid uid = 0; (uid = evr_trace_next(trace, &filter, uid)) != EVR_NO_UID; uid++)
        if ((!o->top || list->count < o->top) && !add_uid(list, uid))
            return EXIT_BAD_INPUT;
    return EXIT_GOOD;
}

static int unique_calls(const extract_options *o, evr_extractor *extractor, uid_list *list)
{
    const evr_call *calls;
    size_t n, count;
    evr_error *err = NULL;
    evr_status status = evr_extractor_calls(extractor, &calls, &n, &err);
    if (status != EVR_OK)
        return input_error("extract", status, err);
    const evr_call **rows = select_calls(calls, n, o->op, o->top || o->sort ? o->order : SORT_FILE, o->top, &count);
    bool good = rows != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = add_uid(list, rows[i]->uid);
    free(rows);
    return good ? EXIT_GOOD : EXIT_BAD_INPUT;
}

/* 1 when some of the records asked for cannot be replayed, as the exit codes say. */
static int write_records(const extract_options *o, evr_context *ctx, evr_extractor *extractor, const uid_list *list)
{
    evr_ir **records = calloc(list->count + 1, sizeof *records);
    evr_error *err = NULL;
    evr_status status = records ? EVR_OK : EVR_E_NOMEM;
    int code = EXIT_GOOD;
    for (size_t i = 0; status == EVR_OK && i < list->count; i++) {
        status = evr_extractor_record(extractor, list->items[i], &records[i], &err);
        if (status == EVR_OK && evr_ir_status(records[i]) == EVR_STATUS_FAILED)
            code = EXIT_SOME_FAILED;
    }
    char *text = NULL;
    size_t size = 0;
    if (status == EVR_OK)
        status = evr_ir_write(ctx, (const evr_ir *const *)records, list->count, o->ir_format, &text, &size, &err);
    output out;
    if (status != EVR_OK) {
        code = input_error("extract", status, err);
    } else if (!output_open(&out, o->out)) {
        code = EXIT_BAD_INPUT;
    } else {
        output_str(&out, (evr_str){text, size});
        code = output_close(&out, code);
    }
    evr_text_free(ctx, text);
    for (size_t i = 0; records && i < list->count; i++)
        evr_ir_free(records[i]);
    free(records);
    return code;
}

static int extract(void *values, evr_context *ctx, const evr_trace *trace)
{
    const extract_options *o = values;
    evr_extractor *extractor;
    evr_error *err = NULL;
    uid_list list = {0};
    evr_status status = evr_extractor_new(ctx, trace, NULL, &extractor, &err);
    if (status != EVR_OK)
        return input_error("extract", status, err);
    int code = o->uids.count   ? asked_uids(o, &list)
               : o->all_events ? every_event(o, trace, &list)
                               : unique_calls(o, extractor, &list);
    if (code == EXIT_GOOD)
        code = write_records(o, ctx, extractor, &list);
    free(list.items);
    evr_extractor_free(extractor);
    return code;
}

static bool check(void *values)
{
    extract_options *o = values;
    bool tracelens = o->format && strcmp(o->format, "tracelens") == 0;
    o->ir_format = tracelens ? EVR_IR_FORMAT_TRACELENS : EVR_IR_FORMAT_EVREPLAY;
    if (!o->format || tracelens || strcmp(o->format, "evreplay") == 0)
        return select_order(o->sort, &o->order);
    fprintf(stderr, "evreplay extract: --format takes evreplay or tracelens, not \"%s\"\n", o->format);
    return false;
}

static uint32_t flags(const void *values)
{
    return ((const extract_options *)values)->recover ? EVR_TRACE_RECOVER : 0;
}

static int run(int argc, char **argv, const command *self)
{
    extract_options o = {.order = SORT_KERNEL_TIME};
    return input_run(&(trace_command){self, &o, check, flags, extract}, argc, argv);
}

const command cmd_extract = {
    "extract", "TRACE", "Turns calls of a trace into portable records.",
    "Without --uid and --all-events there is one record for each unique call. A record that cannot be replayed says why in its\n"
    "status; the exit code is 1 when there is such a one among them.\n",
    table, run,
};
