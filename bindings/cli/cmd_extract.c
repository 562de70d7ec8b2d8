/* evreplay extract: records of a trace's calls, or of a document or log, as JSON. */
#include "commands.h"
#include "input.h"
#include "output.h"
#include "records.h"
#include "select.h"

#include <stdlib.h>
#include <string.h>

typedef struct extract_options {
    const char *op, *format, *sort, *out;
    text_list uids;
    uint64_t top;
    bool all_events, recover;
    sort_order order;
    live_options live;
    int32_t ir_format;
} extract_options;

#define FIELD(member) offsetof(extract_options, member)

static const option table[] = {
    {"uid", 0, OPT_LIST, "N", "the call of this event, in the order given", FIELD(uids)},
    {"op", 0, OPT_TEXT, "GLOB", "only operators whose name matches, with * and ?", FIELD(op)},
    {"top", 0, OPT_NUMBER, "N", "only the N with the most kernel time", FIELD(top)},
    {"sort", 0, OPT_TEXT, "ORDER", "what --top goes by: kernel-time, cpu-time, count or name", FIELD(sort)},
    {"all-events", 0, OPT_FLAG, NULL, "a record for each event, not for each unique call", FIELD(all_events)},
    {"format", 0, OPT_TEXT, "FORMAT", "evreplay (default), tracelens, or log: an operator-input log", FIELD(format)},
    {"recover", 0, OPT_FLAG, NULL, "keep what comes before damage in the file", FIELD(recover)},
    LIVE_OPTIONS(FIELD(live)),
    {"output", 'o', OPT_TEXT, "FILE", "write there instead of standard output", FIELD(out)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

/* Uids of a trace's events, or places in a document. */
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

static int every_event(const extract_options *o, const record_source *source, uid_list *list)
{
    const evr_trace *trace = source->trace;
    evr_event_filter filter = {.struct_size = sizeof filter, .kind = EVR_KIND_OP, .name = {o->op, o->op ? strlen(o->op) : 0}};
    for (evr_uid uid = 0; (uid = evr_trace_next(trace, &filter, uid)) != EVR_NO_UID; uid++)
        if ((!o->top || list->count < o->top) && !add_uid(list, uid))
            return EXIT_BAD_INPUT;
    return EXIT_GOOD;
}

static int unique_calls(const extract_options *o, const record_source *source, uid_list *list)
{
    size_t count;
    const evr_call **rows =
        select_calls(source->calls, source->count, o->op, o->top || o->sort ? o->order : SORT_FILE, o->top, &count);
    bool good = rows != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = add_uid(list, source->set ? (evr_uid)(rows[i] - source->calls) : rows[i]->uid);
    free(rows);
    return good ? EXIT_GOOD : EXIT_BAD_INPUT;
}

/* From the events asked for to the places of their records. */
static int find_in_set(const record_source *source, uid_list *list)
{
    for (size_t k = 0; k < list->count; k++) {
        size_t i = 0;
        while (i < source->count && (source->calls[i].uid == EVR_NO_UID || source->calls[i].uid != list->items[k]))
            i++;
        if (i == source->count) {
            fprintf(stderr, "evreplay extract: there is no record of event %llu\n  what to do: `evreplay list` shows the uids; records of "
                            "operator-input logs have none\n", (unsigned long long)list->items[k]);
            return EXIT_BAD_INPUT;
        }
        list->items[k] = i;
    }
    return EXIT_GOOD;
}

/* 1 when some of the records asked for cannot be replayed, as the exit codes say. */
static int write_records(const extract_options *o, const record_source *source, const uid_list *list)
{
    const evr_ir **records = calloc(list->count + 1, sizeof *records);
    evr_error *err = NULL;
    evr_status status = records ? EVR_OK : EVR_E_NOMEM;
    int code = EXIT_GOOD;
    for (size_t i = 0; status == EVR_OK && i < list->count; i++) {
        evr_ir *made = NULL;
        if (source->extractor)
            status = evr_extractor_record(source->extractor, list->items[i], &made, &err);
        records[i] = source->set ? evr_ir_set_at(source->set, list->items[i]) : made;
        if (status == EVR_OK && evr_ir_status(records[i]) == EVR_STATUS_FAILED)
            code = EXIT_SOME_FAILED;
    }
    char *text = NULL;
    size_t size = 0;
    if (status == EVR_OK)
        status = evr_ir_write(source->ctx, records, list->count, o->ir_format, &text, &size, &err);
    code = status == EVR_OK ? output_whole(o->out, (evr_str){text, size}, code) : input_error("extract", status, err);
    evr_text_free(source->ctx, text);
    for (size_t i = 0; records && source->extractor && i < list->count; i++)
        evr_ir_free((evr_ir *)records[i]); /* made above */
    free(records);
    return code;
}

static int extract(void *values, record_source *source)
{
    const extract_options *o = values;
    uid_list list = {0};
    int code = o->uids.count                     ? asked_uids(o, &list)
               : o->all_events && source->trace ? every_event(o, source, &list)
                                                 : unique_calls(o, source, &list);
    if (code == EXIT_GOOD && o->uids.count && source->set)
        code = find_in_set(source, &list);
    if (code == EXIT_GOOD)
        code = write_records(o, source, &list);
    free(list.items);
    return code;
}

static bool check(void *values)
{
    extract_options *o = values;
    static const char *const names[] = {"evreplay", "tracelens", "log"}; /* by EVR_IR_FORMAT_... */
    for (int32_t i = 0; i < (int32_t)(sizeof names / sizeof *names); i++)
        if (!o->format ? i == EVR_IR_FORMAT_EVREPLAY : strcmp(o->format, names[i]) == 0) {
            o->ir_format = i;
            return select_order(o->sort, &o->order);
        }
    fprintf(stderr, "evreplay extract: --format takes evreplay, tracelens or log, not \"%s\"\n", o->format);
    return false;
}

static uint32_t flags(const void *values)
{
    return ((const extract_options *)values)->recover ? EVR_TRACE_RECOVER : 0;
}

static int run(int argc, char **argv, const command *self)
{
    extract_options o = {.order = SORT_KERNEL_TIME};
    return records_run(&(records_command){self, &o, check, flags, extract, &o.live}, argc, argv);
}

const command cmd_extract = {
    "extract", "INPUT", "Turns calls of a trace into portable records.",
    "INPUT is a trace, records of either format, an operator-input log of PyTorch's benchmarks, or an artifact.\n"
    "Without --uid and --all-events there is one record for each unique call. A record that cannot be replayed says why in its\n"
    "status; the exit code is 1 when there is such a one among them.\n",
    table, run,
};
