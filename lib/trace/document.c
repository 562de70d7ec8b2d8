#include "trace/document.h"

#include "base/buf.h"
#include "trace/execution.h"
#include "trace/json.h"
#include "trace/kineto.h"

/* What the next token has to be. The document is read token by token down to the values that matter, an event or a top-level
 * field; only those may lie across two windows. */
typedef enum place {
    AT_START,
    BEFORE_FIRST_KEY,
    BEFORE_KEY,
    AFTER_KEY,
    AT_FIELD_VALUE,
    AFTER_FIELD,
    BEFORE_FIRST_EVENT,
    AT_EVENT,
    AFTER_EVENT,
    AT_END,
} place;

enum { LARGEST_METADATA = 1 << 20 };

typedef struct document {
    evr_trace *store;
    evr_json_indexer *indexer; /* for the seam */
    evr_kineto kineto;
    evr_execution execution;
    place place;
    bool bare_array, have_events;
    evr_buf key; /* of the field whose value comes */
    /* a value that began in a window before: its text so far */
    evr_buf seam;
    uint64_t seam_offset;
    size_t seam_depth; /* brackets open at its end; 0 = there is no seam */
    bool seam_dropped; /* a top-level value too large to keep: only its end is looked for */
} document;

static void begin_events(document *d, int32_t format)
{
    d->store->format = format;
    d->place = BEFORE_FIRST_EVENT;
    d->have_events = true;
}

/* Reads the event or field value at the cursor. On a problem the cursor stands before it again. */
static evr_status read_value(document *d, evr_json *j, evr_error **err)
{
    evr_json before = *j;
    evr_status status = EVR_OK;
    if (d->place == AT_EVENT) {
        status = d->store->format == EVR_FORMAT_EXECUTION ? evr_execution_node(&d->execution, j, err)
                                                          : evr_kineto_event(&d->kineto, j, err);
    } else {
        evr_str raw = evr_json_raw_value(j);
        if (!j->problem && raw.len <= LARGEST_METADATA)
            status = evr_events_metadata(d->store, evr_buf_view(&d->key), raw, err);
    }
    if (j->problem) {
        before.problem = j->problem;
        before.problem_at = j->problem_at;
        *j = before;
    } else {
        d->place = d->place == AT_EVENT ? AFTER_EVENT : AFTER_FIELD;
    }
    return status;
}

static evr_status read_key(document *d, evr_json *j, evr_error **err)
{
    evr_str key = evr_json_string_at(j, j->pos++);
    d->key.len = 0;
    evr_buf_str(&d->key, key);
    d->place = AFTER_KEY;
    return d->key.failed ? evr_fail_nomem(err) : EVR_OK;
}

/* The list of events begins here, or a field of no interest. */
static bool is_event_list(const document *d, const evr_json *j, int32_t *format)
{
    evr_str key = evr_buf_view(&d->key);
    *format = evr_str_is(key, "traceEvents") ? EVR_FORMAT_KINETO : EVR_FORMAT_EXECUTION;
    return evr_json_peek(j) == '[' &&
           (*format == EVR_FORMAT_KINETO || (evr_str_is(key, "nodes") && !d->have_events));
}

static evr_status read_token(document *d, evr_json *j, evr_error **err)
{
    char c = evr_json_peek(j);
    int32_t format;
    switch (d->place) {
    case AT_START:
        if (c != '{' && c != '[') {
            evr_json_fail(j, "a trace is a JSON object or array, and this begins otherwise");
            break;
        }
        j->pos++;
        d->bare_array = c == '[';
        if (d->bare_array)
            begin_events(d, EVR_FORMAT_KINETO);
        else
            d->place = BEFORE_FIRST_KEY;
        break;
    case BEFORE_FIRST_KEY:
    case BEFORE_KEY:
        if (c == '"')
            return read_key(d, j, err);
        if (c != '}' || d->place == BEFORE_KEY) {
            evr_json_fail(j, "a field name was expected");
            break;
        }
        j->pos++;
        d->place = AT_END;
        break;
    case AFTER_KEY:
        evr_json_expect(j, ':', "':' was expected");
        d->place = AT_FIELD_VALUE;
        break;
    case AT_FIELD_VALUE:
        if (!is_event_list(d, j, &format))
            return read_value(d, j, err);
        j->pos++;
        begin_events(d, format);
        break;
    case AFTER_FIELD:
        if (c != ',' && c != '}') {
            evr_json_fail(j, "',' or '}' was expected");
            break;
        }
        j->pos++;
        d->place = c == ',' ? BEFORE_KEY : AT_END;
        break;
    case BEFORE_FIRST_EVENT:
        if (c != ']') {
            d->place = AT_EVENT;
            break;
        }
        j->pos++;
        d->place = d->bare_array ? AT_END : AFTER_FIELD;
        break;
    case AT_EVENT: return read_value(d, j, err);
    case AFTER_EVENT:
        if (c != ',' && c != ']') {
            evr_json_fail(j, "',' or ']' was expected");
            break;
        }
        j->pos++;
        d->place = c == ',' ? AT_EVENT : d->bare_array ? AT_END : AFTER_FIELD;
        break;
    case AT_END: evr_json_fail(j, "something follows the end of the trace"); break;
    }
    return EVR_OK;
}

/* Adds text to the seam, as far as the value in it goes on. Returns the number of tokens used. */
static size_t extend_seam(document *d, const evr_json *j, evr_error **err, evr_status *status)
{
    size_t i = j->pos;
    while (i < j->count && d->seam_depth) {
        char c = j->text[j->index[i++]];
        d->seam_depth += c == '{' || c == '[';
        d->seam_depth -= c == '}' || c == ']';
    }
    size_t from = j->pos ? j->index[j->pos] : 0;
    size_t to = d->seam_depth ? j->index[j->count] : j->index[i - 1] + 1;
    if (d->seam.len > LARGEST_METADATA && d->place == AT_FIELD_VALUE)
        d->seam_dropped = true;
    if (!d->seam_dropped) {
        evr_buf_add(&d->seam, j->text + from, to - from);
        if (d->seam.failed)
            *status = evr_fail_nomem(err);
    }
    return i - j->pos;
}

static evr_status refuse(document *d, evr_status code, uint64_t offset, const char *what, evr_error **err)
{
    evr_fail(d->store->ctx, err, code, "%s, at byte %llu of the text, after %zu events", what, (unsigned long long)offset,
             d->store->count);
    evr_at_offset(err, (int64_t)offset);
    if (d->store->count)
        evr_hint(err, "read with recovery (EVR_TRACE_RECOVER, --recover) to keep the events before it");
    return code;
}

/* Reads the value in the seam, whose end has come. */
static evr_status read_seam(document *d, evr_error **err)
{
    if (d->seam_dropped) {
        evr_log(d->store->ctx, EVR_LOG_INFO, "the top-level field \"%.*s\" is large and was passed over",
                EVR_STR_ARG(evr_buf_view(&d->key)));
        d->place = AFTER_FIELD;
    } else {
        const uint32_t *index;
        size_t count;
        evr_json_problem problem = evr_json_indexer_run(d->indexer, d->seam.data, d->seam.len, &index, &count);
        if (problem == EVR_JSON_NO_MEMORY)
            return evr_fail_nomem(err);
        if (problem != EVR_JSON_GOOD)
            return refuse(d, problem == EVR_JSON_TOO_LONG ? EVR_E_LIMIT : EVR_E_FORMAT, d->seam_offset,
                          evr_json_problem_text(problem), err);
        evr_json j = evr_json_at(d->seam.data, index, count);
        EVR_TRY(read_value(d, &j, err));
        if (j.problem)
            return refuse(d, EVR_E_FORMAT, d->seam_offset + j.problem_at, j.problem, err);
    }
    d->seam.len = 0;
    d->seam_dropped = false;
    return EVR_OK;
}

/* Reads a text as far as it goes; a value that goes on behind it begins a seam. */
static evr_status read_text(document *d, evr_json *j, uint64_t offset, evr_error **err)
{
    evr_status status = EVR_OK;
    if (d->seam_depth) {
        j->pos += extend_seam(d, j, err, &status);
        if (status != EVR_OK || d->seam_depth)
            return status;
        EVR_TRY(read_seam(d, err));
    }
    while (j->pos < j->count && !j->problem)
        EVR_TRY(read_token(d, j, err));
    if (!j->problem)
        return EVR_OK;
    if (j->problem_at < j->index[j->count])
        return refuse(d, EVR_E_FORMAT, offset + j->problem_at, j->problem, err);
    d->seam_offset = offset + j->index[j->pos];
    d->seam_depth = 1; /* the value's own bracket, passed by hand so that it counts */
    size_t from = j->index[j->pos++];
    evr_buf_add(&d->seam, j->text + from, 1);
    if (j->pos == j->count) {
        evr_buf_add(&d->seam, j->text + from + 1, j->index[j->count] - from - 1);
        return d->seam.failed ? evr_fail_nomem(err) : EVR_OK;
    }
    evr_buf_add(&d->seam, j->text + from + 1, j->index[j->pos] - from - 1);
    extend_seam(d, j, err, &status);
    return status;
}

/* The end of the input came in the middle of something: it may have been cut, or its packing may be damaged. */
static evr_status ends_early(document *d, const evr_inflate *in, const evr_window *w, evr_error **err)
{
    if (w->damaged)
        return evr_inflate_explain(in, err);
    return refuse(d, EVR_E_TRUNCATED, w->offset + w->text.len, "the trace ends too early", err);
}

static evr_status read_indexed(document *d, const evr_window *w, const uint32_t *index, size_t count, evr_error **err)
{
    evr_json j = evr_json_at(w->text.data, index, count);
    if (w->offset == 0 && evr_str_starts(w->text, "\xEF\xBB\xBF") && count)
        j.pos++; /* a byte order mark, which some editors leave behind, indexed as a scalar */
    return read_text(d, &j, w->offset, err);
}

static bool is_text_problem(evr_json_problem problem)
{
    return problem == EVR_JSON_OPEN_STRING || problem == EVR_JSON_BAD_UTF8 || problem == EVR_JSON_BAD_CONTROL;
}

/* A window with bytes that are no JSON: what is whole before them is read. */
static evr_status read_up_to_problem(document *d, const evr_inflate *in, const evr_window *w, evr_error **err)
{
    if (w->problem == EVR_JSON_NO_MEMORY)
        return evr_fail_nomem(err);
    if (w->problem == EVR_JSON_TOO_LONG || w->problem == EVR_JSON_DEFECT)
        return refuse(d, w->problem == EVR_JSON_DEFECT ? EVR_E_INTERNAL : EVR_E_LIMIT, w->offset,
                      evr_json_problem_text(w->problem), err);
    evr_json_indexer *indexer = evr_json_indexer_new(); /* the document's own serves the seam, whose end may be in this text */
    if (!indexer)
        return evr_fail_nomem(err);
    const uint32_t *index = NULL;
    size_t count = 0, at = w->text.len, good = at;
    evr_json_problem problem = w->problem, first = problem;
    while (is_text_problem(problem)) { /* the indexer names one of several, not always the first */
        at = evr_json_locate((evr_str){w->text.data, good}, problem);
        first = problem;
        size_t shorter = evr_json_before_string(w->text, at);
        if (shorter >= good)
            break;
        good = shorter;
        problem = evr_json_indexer_run(indexer, w->text.data, good, &index, &count);
    }
    evr_status status = problem == EVR_JSON_GOOD ? read_indexed(d, w, index, count, err) : EVR_OK;
    evr_json_indexer_free(indexer);
    EVR_TRY(status);
    if (first == EVR_JSON_OPEN_STRING)
        return ends_early(d, in, w, err);
    return refuse(d, EVR_E_FORMAT, w->offset + at, evr_json_problem_text(first), err);
}

static evr_status read_window(document *d, const evr_inflate *in, evr_window *w, evr_error **err)
{
    if (w->problem == EVR_JSON_GOOD) {
        EVR_TRY(read_indexed(d, w, w->index, w->count, err));
    } else if (w->problem != EVR_JSON_EMPTY) {
        return read_up_to_problem(d, in, w, err);
    } else if (d->seam_depth && !d->seam_dropped) { /* texts of arguments are kept as they are, white space included */
        evr_buf_str(&d->seam, w->text);
        if (d->seam.failed)
            return evr_fail_nomem(err);
    }
    return w->last && (d->place != AT_END || w->damaged) ? ends_early(d, in, w, err) : EVR_OK;
}

static evr_status read_windows(document *d, evr_inflate *in, evr_windows *windows, const evr_trace_options *options,
                               uint64_t input_size, evr_error **err)
{
    evr_window w;
    do {
        EVR_TRY(evr_windows_next(windows, &w, err));
        d->store->json_bytes = w.offset + w.text.len;
        EVR_TRY(read_window(d, in, &w, err));
        if (options->progress && options->progress(options->progress_user, evr_inflate_consumed(in), input_size))
            return evr_fail(d->store->ctx, err, EVR_E_CANCELLED, "reading was cancelled after %zu events", d->store->count);
    } while (!w.last);
    return EVR_OK;
}

static evr_status check_found(document *d, evr_error **err)
{
    if (d->have_events)
        return EVR_OK;
    evr_fail(d->store->ctx, err, EVR_E_UNSUPPORTED, "this is JSON but no trace: there is no list \"traceEvents\" or \"nodes\" in it");
    return evr_hint(err, "give a file that torch.profiler or an execution-trace observer wrote");
}

evr_status evr_document_read(evr_trace *store, evr_inflate *in, evr_windows *windows, const evr_trace_options *options,
                             uint64_t input_size, evr_error **err)
{
    document d = {.store = store, .indexer = evr_json_indexer_new()};
    if (!d.indexer)
        return evr_fail_nomem(err);
    evr_buf_init(&d.key, store->ctx);
    evr_buf_init(&d.seam, store->ctx);
    evr_kineto_init(&d.kineto, store);
    evr_execution_init(&d.execution, store);
    evr_error *problem = NULL;
    evr_status status = read_windows(&d, in, windows, options, input_size, &problem);
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
    evr_buf_free(&d.key);
    evr_buf_free(&d.seam);
    evr_json_indexer_free(d.indexer);
    if (err)
        *err = problem;
    else
        evr_error_free(problem);
    return status;
}
