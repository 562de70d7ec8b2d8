#include "trace/document.h"

#include "trace/execution.h"
#include "trace/json.h"
#include "trace/kineto.h"

/* Where in the document the reader is, between two windows. */
typedef enum place {
    AT_START,
    IN_OBJECT,     /* before a key or the closing brace */
    IN_EVENTS,     /* in the array of events */
    IN_SKIPPED,    /* inside a top-level value that is too large to keep */
    AT_END,        /* only white space may follow */
} place;

enum { LARGEST_METADATA = 1 << 20, SKIP_FROM = 4 << 20 };

typedef struct document {
    evr_trace *store;
    evr_json_indexer *indexer;
    evr_kineto kineto;
    evr_execution execution;
    place place;
    bool bare_array;
    bool first_field; /* no field of the top-level object was read yet */
    bool first_event;
    bool have_events; /* a list of events was found */
    size_t skip_depth;
} document;

static evr_status read_event(document *d, evr_json *j, evr_error **err)
{
    return d->store->format == EVR_FORMAT_EXECUTION ? evr_execution_node(&d->execution, j, err)
                                                    : evr_kineto_event(&d->kineto, j, err);
}

/* Reads events as far as the text goes. The cursor is left before the first event that is not complete. */
static evr_status read_events(document *d, evr_json *j, evr_error **err)
{
    for (;;) {
        evr_json before = *j;
        bool first = d->first_event;
        if (!evr_json_next_item(j, &first)) {
            if (!j->problem)
                d->place = d->bare_array ? AT_END : IN_OBJECT;
            else
                before.problem = j->problem, before.problem_at = j->problem_at, *j = before;
            return EVR_OK;
        }
        EVR_TRY(read_event(d, j, err));
        if (j->problem) {
            before.problem = j->problem;
            before.problem_at = j->problem_at;
            *j = before;
            return EVR_OK;
        }
        d->first_event = false;
    }
}

static void begin_events(document *d, int32_t format)
{
    d->store->format = format;
    d->place = IN_EVENTS;
    d->first_event = true;
    d->have_events = true;
}

/* Passes the rest of a value of which nothing is kept. */
static void skip_on(document *d, evr_json *j)
{
    while (j->pos < j->count && d->skip_depth) {
        char c = j->text[j->index[j->pos++]];
        if (c == '{' || c == '[')
            d->skip_depth++;
        else if (c == '}' || c == ']')
            d->skip_depth--;
    }
    if (!d->skip_depth)
        d->place = IN_OBJECT;
    else
        evr_json_fail(j, "the text ends inside a value");
}

/* One top-level field. */
static evr_status read_field(document *d, evr_json *j, size_t text_len, evr_error **err)
{
    evr_str key;
    bool first = d->first_field;
    if (!evr_json_next_field(j, &first, &key)) {
        if (!j->problem)
            d->place = AT_END;
        return EVR_OK;
    }
    char c = evr_json_peek(j);
    bool kineto = evr_str_is(key, "traceEvents"), execution = evr_str_is(key, "nodes");
    if (c == '[' && (kineto || execution) && !(execution && d->have_events)) {
        j->pos++;
        d->first_field = false;
        begin_events(d, kineto ? EVR_FORMAT_KINETO : EVR_FORMAT_EXECUTION);
        return EVR_OK;
    }
    evr_str raw = evr_json_raw_value(j);
    if (j->problem) {
        if ((c == '{' || c == '[') && text_len >= SKIP_FROM && j->problem_at >= j->index[j->count]) {
            evr_log(d->store->ctx, EVR_LOG_INFO, "top-level field \"%.*s\" is large and was passed over", EVR_STR_ARG(key));
            *j = evr_json_at(j->text, j->index, j->count);
            j->pos = j->count; /* everything here belongs to it; count what is still open */
            d->first_field = false;
            d->place = IN_SKIPPED;
        }
        return EVR_OK;
    }
    d->first_field = false;
    return raw.len <= LARGEST_METADATA ? evr_store_metadata(d->store, key, raw, err) : EVR_OK;
}

/* How many brackets are open at the end of the text, for a value that begins at token `from`. */
static size_t open_brackets(const evr_json *j, size_t from)
{
    size_t depth = 0;
    for (size_t i = from; i < j->count; i++) {
        char c = j->text[j->index[i]];
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth;
    }
    return depth;
}

static evr_status read_text(document *d, evr_json *j, size_t text_len, evr_error **err)
{
    while (!j->problem) {
        evr_json before = *j;
        switch (d->place) {
        case AT_START:
            if (evr_json_peek(j) == '[') {
                d->bare_array = true;
                begin_events(d, EVR_FORMAT_KINETO);
            } else if (evr_json_peek(j) == '{') {
                d->place = IN_OBJECT;
                d->first_field = true;
            } else {
                evr_json_fail(j, "a trace is a JSON object or array");
                return EVR_OK;
            }
            j->pos++;
            break;
        case IN_OBJECT:
            EVR_TRY(read_field(d, j, text_len, err));
            if (d->place == IN_SKIPPED)
                d->skip_depth = open_brackets(j, before.pos);
            break;
        case IN_EVENTS: EVR_TRY(read_events(d, j, err)); break;
        case IN_SKIPPED: skip_on(d, j); break;
        case AT_END:
            if (j->pos < j->count)
                evr_json_fail(j, "something follows the end of the trace");
            return EVR_OK;
        }
        if (j->problem && d->place != IN_EVENTS && d->place != IN_SKIPPED) {
            before.problem = j->problem;
            before.problem_at = j->problem_at;
            *j = before;
        }
        if (d->place == IN_SKIPPED && j->pos == j->count)
            return EVR_OK;
    }
    return EVR_OK;
}

static const char *find_last(const char *text, size_t len, char c)
{
    return len ? memrchr(text, c, len) : NULL;
}

/* Number of bytes of an unfinished text that can be indexed by themselves: they must not end inside a string or a number. After
 * a line break or a closing brace is such a place unless it is in a string, which the indexer finds out. */
static size_t safe_length(const evr_window_text *text)
{
    if (text->last)
        return text->len;
    size_t tail = text->len < 65536 ? text->len : 65536;
    const char *cut = find_last(text->data + text->len - tail, tail, '\n');
    if (!cut)
        cut = find_last(text->data, text->len, '}');
    if (!cut)
        cut = find_last(text->data, text->len, ',');
    return cut ? (size_t)(cut - text->data) + 1 : 0;
}

/* The last quote that is not escaped: when a cut fell into a string, that string begins there. */
static size_t before_last_quote(const char *text, size_t len)
{
    while (len) {
        const char *quote = find_last(text, len, '"');
        if (!quote)
            return 0;
        size_t at = (size_t)(quote - text), slashes = 0;
        while (slashes < at && text[at - 1 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return at;
        len = at;
    }
    return 0;
}

static evr_json_problem index_text(document *d, const evr_window_text *text, evr_json *j, size_t *len)
{
    const uint32_t *index;
    size_t count;
    *len = safe_length(text);
    evr_json_problem problem = evr_json_indexer_run(d->indexer, text->data, *len, &index, &count);
    if (problem == EVR_JSON_OPEN_STRING && !text->last) {
        *len = before_last_quote(text->data, *len);
        problem = evr_json_indexer_run(d->indexer, text->data, *len, &index, &count);
    }
    if (problem == EVR_JSON_GOOD)
        *j = evr_json_at(text->data, index, count);
    return problem;
}

static evr_status refuse(document *d, evr_status code, uint64_t offset, const char *what, evr_error **err)
{
    evr_fail(d->store->ctx, err, code, "%s at byte %llu of the text (after %zu events)", what, (unsigned long long)offset,
             d->store->count);
    evr_at_offset(err, (int64_t)offset);
    if (d->store->count)
        evr_hint(err, "read with recovery (EVR_TRACE_RECOVER, --recover) to keep the events before it");
    return code;
}

/* The end of the input came in the middle of something, or the text is wrong. */
static evr_status damaged(document *d, const evr_inflate *in, const evr_window_text *text, uint64_t offset, const char *what,
                          bool at_end, evr_error **err)
{
    if (text->damaged && at_end)
        return evr_inflate_explain(in, err);
    return refuse(d, at_end ? EVR_E_TRUNCATED : EVR_E_FORMAT, offset, what, err);
}

/* Reads one window. *keep is the number of bytes at its end to see again, with more behind them. */
static evr_status read_window(document *d, const evr_inflate *in, const evr_window_text *text, size_t *keep, evr_error **err)
{
    evr_json j;
    size_t len;
    *keep = 0;
    evr_json_problem problem = index_text(d, text, &j, &len);
    if (problem == EVR_JSON_NO_MEMORY)
        return evr_fail_nomem(err);
    if (problem == EVR_JSON_TOO_LONG)
        return refuse(d, EVR_E_LIMIT, text->offset, evr_json_problem_text(problem), err);
    if (problem == EVR_JSON_EMPTY && !text->last) {
        *keep = text->len - len;
        return EVR_OK;
    }
    if (problem == EVR_JSON_EMPTY && (d->place != AT_END || text->damaged))
        return damaged(d, in, text, text->offset + text->len, "the trace ends too early", true, err);
    if (problem == EVR_JSON_EMPTY)
        return EVR_OK;
    if (problem != EVR_JSON_GOOD) {
        /* what comes before the bad byte may be whole events: with recovery they count */
        size_t at = evr_json_locate((evr_str){text->data, len}, problem);
        const uint32_t *index;
        size_t count;
        if (at && evr_json_indexer_run(d->indexer, text->data, before_last_quote(text->data, at), &index, &count) == EVR_JSON_GOOD) {
            j = evr_json_at(text->data, index, count);
            EVR_TRY(read_text(d, &j, len, err));
        }
        return damaged(d, in, text, text->offset + at, evr_json_problem_text(problem), problem == EVR_JSON_OPEN_STRING, err);
    }
    EVR_TRY(read_text(d, &j, len, err));
    if (!j.problem) {
        *keep = text->len - len;
        if (text->last && (d->place != AT_END || text->damaged))
            return damaged(d, in, text, text->offset + text->len, "the trace ends too early", true, err);
        return EVR_OK;
    }
    bool at_end = j.problem_at >= j.index[j.count];
    if (at_end && !text->last) {
        *keep = text->len - (j.pos < j.count ? j.index[j.pos] : len);
        return EVR_OK;
    }
    return damaged(d, in, text, text->offset + j.problem_at, j.problem, at_end, err);
}

static evr_status read_windows(document *d, evr_inflate *in, evr_window *window, const evr_trace_options *options,
                               uint64_t input_size, evr_error **err)
{
    evr_window_text text;
    size_t keep = 0;
    do {
        EVR_TRY(evr_window_next(window, keep, &text, err));
        if (text.offset == 0 && keep == 0 && text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
            text.data += 3; /* a byte order mark, which some editors leave behind */
            text.len -= 3;
            text.offset += 3;
        }
        d->store->json_bytes = text.offset + text.len;
        EVR_TRY(read_window(d, in, &text, &keep, err));
        if (options->progress && options->progress(options->progress_user, evr_inflate_consumed(in), input_size))
            return evr_fail(d->store->ctx, err, EVR_E_CANCELLED, "reading was cancelled after %zu events", d->store->count);
    } while (!text.last);
    return EVR_OK;
}

static evr_status check_found(document *d, evr_error **err)
{
    if (d->have_events)
        return EVR_OK;
    evr_fail(d->store->ctx, err, EVR_E_UNSUPPORTED, "this is JSON but no trace: there is no list \"traceEvents\" or \"nodes\" in it");
    return evr_hint(err, "give a file that torch.profiler or an execution-trace observer wrote");
}

evr_status evr_document_read(evr_trace *store, evr_inflate *in, evr_window *window, const evr_trace_options *options,
                             uint64_t input_size, evr_error **err)
{
    document d = {.store = store, .indexer = evr_json_indexer_new()};
    if (!d.indexer)
        return evr_fail_nomem(err);
    evr_kineto_init(&d.kineto, store);
    evr_execution_init(&d.execution, store);
    evr_error *problem = NULL;
    evr_status status = read_windows(&d, in, window, options, input_size, &problem);
    bool recoverable = status == EVR_E_FORMAT || status == EVR_E_TRUNCATED || status == EVR_E_IO;
    if (status == EVR_OK) {
        status = check_found(&d, &problem);
    } else if (recoverable && options->flags & EVR_TRACE_RECOVER && store->count) {
        store->damage = problem;
        problem = NULL;
        status = EVR_OK;
    }
    if (status == EVR_OK && store->format == EVR_FORMAT_EXECUTION)
        status = evr_execution_finish(&d.execution, &problem);
    evr_kineto_free(&d.kineto);
    evr_execution_free(&d.execution);
    evr_json_indexer_free(d.indexer);
    if (err)
        *err = problem;
    else
        evr_error_free(problem);
    return status;
}
