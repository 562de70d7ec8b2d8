#include "ir/oplog.h"

#include "ir/complete.h"
#include "ir/status.h"
#include "ir/values.h"

#include <math.h>
#include <stdio.h>

enum { MOST_ARGS = 4096, MOST_PARAMS = 128 };

static const char operator_mark[] = "Operator:", call_mark[] = "cnt:";

/* `text` begins with the mark, or is the beginning of one that was cut off. */
static bool begins(evr_str text, const char *mark)
{
    size_t len = strlen(mark);
    return text.len && memcmp(text.data, mark, text.len < len ? text.len : len) == 0;
}

bool evr_oplog_is(evr_str text)
{
    size_t i = 0;
    while (i < text.len && (text.data[i] == '\n' || text.data[i] == '\r' || text.data[i] == ' '))
        i++;
    return begins(evr_str_sub(text, i, text.len), operator_mark);
}

evr_status evr_oplog_open(evr_context *ctx, evr_oplog *log, evr_str text, evr_error **err)
{
    *log = (evr_oplog){.ctx = ctx, .text = text, .line = {.ctx = ctx, .text = text}};
    evr_buf_init(&log->op, ctx);
    return evr_catalogue_open(ctx, (evr_str){"", 0}, &log->catalogue, err);
}

void evr_oplog_close(evr_oplog *log)
{
    evr_catalogue_free(log->catalogue);
    evr_literal_free(&log->line);
    evr_buf_free(&log->op);
    evr_release(log->ctx, log->args, log->cap * sizeof *log->args);
}

/* aten.add.Tensor: the namespace ends at the first point, the overload begins at the last. */
static evr_status read_operator(evr_oplog *log, evr_error **err)
{
    evr_literal *l = &log->line;
    evr_str name = evr_literal_word(l);
    if (!name.len || l->at < l->end)
        return evr_literal_fail(l, l->at, name.len ? "the end of the line" : "an operator such as aten.add.Tensor");
    size_t dot = evr_str_find(name, '.', 0), end = name.len;
    evr_str space = evr_str_sub(name, 0, dot == SIZE_MAX ? 0 : dot), op = evr_str_sub(name, dot == SIZE_MAX ? 0 : dot + 1, name.len);
    while (end && name.data[end - 1] != '.')
        end--;
    log->packet = end <= space.len + 1;
    log->overload = log->packet ? (evr_str){"", 0} : evr_str_sub(name, end, name.len);
    if (!log->packet)
        op.len -= log->overload.len + 1;
    if (evr_str_is(log->overload, "default"))
        log->overload.len = 0;
    if (!op.len || (dot != SIZE_MAX && !space.len))
        return evr_literal_fail(l, l->at, "an operator such as aten.add.Tensor");
    log->op.len = 0;
    evr_buf_str(&log->op, space);
    evr_buf_c(&log->op, space.len ? "::" : "");
    evr_buf_str(&log->op, op);
    log->awaiting = true;
    if (log->op.failed)
        return evr_fail_nomem(err);
    return evr_catalogue_find(log->catalogue, evr_buf_view(&log->op), &log->schemas, &log->schema_count, err);
}

/* One more argument. */
static evr_status read_argument(evr_oplog *log, evr_str name, evr_error **err)
{
    evr_literal *l = &log->line;
    if (log->count == MOST_ARGS)
        return evr_literal_fail(l, l->at, "a call of fewer arguments");
    if (!evr_grow(log->ctx, (void **)&log->args, &log->cap, log->count + 1, sizeof *log->args))
        return evr_fail_nomem(err);
    evr_logged *a = &log->args[log->count];
    l->lost = NULL;
    EVR_TRY(evr_literal_value(l, &a->value));
    a->name = name;
    a->lost = l->lost;
    log->count++;
    return EVR_OK;
}

static evr_status read_positional(evr_oplog *log, evr_error **err)
{
    evr_literal *l = &log->line;
    bool comma = true, list = evr_literal_take(l, '[');
    if (!list)
        EVR_TRY(evr_literal_expect(l, '(', "the list of arguments"));
    while (!evr_literal_take(l, list ? ']' : ')')) {
        if (!comma)
            return evr_literal_fail(l, l->at, list ? "\",\" or \"]\"" : "\",\" or \")\"");
        EVR_TRY(read_argument(log, (evr_str){"", 0}, err));
        comma = evr_literal_take(l, ',');
    }
    log->positional = log->count;
    return EVR_OK;
}

static evr_status read_named(evr_oplog *log, evr_error **err)
{
    evr_literal *l = &log->line;
    bool comma = true;
    EVR_TRY(evr_literal_expect(l, '{', "the dictionary of named arguments"));
    while (!evr_literal_take(l, '}')) {
        evr_str name;
        if (!comma)
            return evr_literal_fail(l, l->at, "\",\" or \"}\"");
        EVR_TRY(evr_literal_text(l, &name));
        EVR_TRY(evr_literal_expect(l, ':', "\":\""));
        EVR_TRY(read_argument(log, name, err));
        comma = evr_literal_take(l, ',');
    }
    return EVR_OK;
}

/* # 5.25 us: a time, or a comment like any other. */
static bool read_comment(evr_oplog *log)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"\xC2\xB5s", 1e3}, {"\xCE\xBCs", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    evr_literal *l = &log->line;
    if (!evr_literal_take(l, '#'))
        return false;
    evr_str rest = evr_str_trim(evr_str_sub(l->text, l->at, l->end));
    size_t digits = 0;
    double value;
    while (digits < rest.len && strchr("0123456789.eE+-", rest.data[digits]) && rest.data[digits])
        digits++;
    evr_str unit = evr_str_trim(evr_str_sub(rest, digits, rest.len));
    size_t space = evr_str_find(unit, ' ', 0);
    unit = evr_str_sub(unit, 0, space == SIZE_MAX ? unit.len : space);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (evr_str_is(unit, units[i].unit) && evr_str_to_f64(evr_str_sub(rest, 0, digits), &value) && isfinite(value) && value >= 0)
            log->runtime_ns = value * units[i].ns;
    l->at = l->end;
    return true;
}

/* 12, ((…), {…}): the pair may stand between quotes. */
static evr_status read_call(evr_oplog *log, evr_ir *ir, evr_error **err)
{
    evr_literal *l = &log->line;
    evr_value count;
    size_t from = l->at;
    l->ir = ir;
    l->count = log->count = 0;
    log->runtime_ns = -1;
    EVR_TRY(evr_literal_value(l, &count));
    if (count.kind != EVR_VALUE_INT || count.u.i < 1)
        return evr_literal_fail(l, from, "a number of calls");
    ir->count = (uint64_t)count.u.i;
    EVR_TRY(evr_literal_expect(l, ',', "\",\""));
    char quote = evr_literal_take(l, '\'') ? '\'' : evr_literal_take(l, '"') ? '"' : 0;
    EVR_TRY(evr_literal_expect(l, '(', "\"(\""));
    EVR_TRY(read_positional(log, err));
    EVR_TRY(evr_literal_expect(l, ',', "\",\""));
    EVR_TRY(read_named(log, err));
    EVR_TRY(evr_literal_expect(l, ')', "\")\""));
    if (quote)
        EVR_TRY(evr_literal_expect(l, quote, "the quote's end"));
    return evr_literal_end(l) || read_comment(log) ? EVR_OK : evr_literal_fail(l, l->at, "the end of the line");
}

/* The argument that a parameter was given, or NULL. */
static const evr_logged *given(const evr_oplog *log, const evr_schema *schema, size_t param)
{
    if (param < log->positional)
        return &log->args[param];
    for (size_t i = log->positional; i < log->count; i++)
        if (evr_str_eq(log->args[i].name, schema->params[param].name))
            return &log->args[i];
    return NULL;
}

/* Every argument has its parameter, and every parameter an argument or a default. */
static bool takes(const evr_oplog *log, const evr_schema *schema)
{
    size_t used = 0;
    if (log->positional > schema->param_count)
        return false;
    for (size_t p = 0; p < schema->param_count; p++) {
        const evr_param *param = &schema->params[p];
        const evr_logged *a = given(log, schema, p);
        if ((!a && !param->has_default) || (p < log->positional && param->kwarg))
            return false;
        used += a != NULL;
    }
    return used == log->count;
}

/* The overload logged. One that this version does not have is taken for the one that fits best: names of overloads came and went. */
static const evr_schema *choose(const evr_oplog *log)
{
    const evr_schema *best = NULL;
    int64_t best_score = -1;
    for (size_t i = 0; i < log->schema_count && !log->packet; i++)
        if (evr_str_eq(log->schemas[i]->overload, log->overload))
            return takes(log, log->schemas[i]) ? log->schemas[i] : NULL;
    for (size_t i = 0; i < log->schema_count; i++) {
        evr_seen seen[MOST_PARAMS];
        const evr_schema *s = log->schemas[i];
        if (s->param_count > MOST_PARAMS || !takes(log, s))
            continue;
        for (size_t p = 0; p < s->param_count; p++) {
            const evr_logged *a = given(log, s, p);
            seen[p] = a ? evr_value_seen(&a->value) : (evr_seen){.kind = EVR_SEEN_NOTHING, .len = SIZE_MAX, .text = {"", 0}};
        }
        int64_t score = evr_schema_score(s, seen, s->param_count, NULL);
        if (score > best_score || (score == best_score && best && s->param_count < best->param_count)) {
            best = s;
            best_score = score;
        }
    }
    return best;
}

static evr_status fill(evr_ir *ir, evr_argument *a, const evr_param *param, const evr_logged *logged, evr_error **err)
{
    EVR_TRY(evr_argument_begin(ir, a, param, err));
    if (!logged)
        return evr_argument_default(ir, a, param, "not in the log: the default", err);
    if (logged->lost == evr_literal_object && evr_type_bare(param->type)->kind == EVR_TYPE_GENERATOR) {
        a->value = (evr_value){.kind = EVR_VALUE_NONE};
        return evr_argument_note(ir, a, EVR_FROM_RULE, "the state of a random generator is not logged: the default one", err);
    }
    if (logged->lost == evr_literal_object && evr_type_bare(param->type)->kind == EVR_TYPE_STREAM)
        return evr_argument_stream(ir, a, err);
    if (logged->lost)
        return evr_argument_missing(ir, a, logged->lost, err);
    a->value = logged->value;
    evr_status status = evr_value_fit(ir, param->type, &a->value);
    if (status == EVR_E_NOMEM)
        return evr_fail_nomem(err);
    return status == EVR_OK ? EVR_OK : evr_argument_missing(ir, a, "the logged value is none of this type", err);
}

/* Without a schema: as it looks. */
static evr_status keep(evr_ir *ir, evr_argument *a, const evr_logged *logged, size_t place, evr_error **err)
{
    char name[24];
    snprintf(name, sizeof name, "arg%zu", place);
    a->flags = logged->name.len ? EVR_ARGUMENT_KWARG : 0;
    a->value = logged->value;
    if (!evr_ir_text(ir, logged->name.len ? logged->name : evr_str_c(name), &a->name) ||
        !evr_ir_text(ir, evr_str_c(evr_value_type(&a->value)), &a->type))
        return evr_fail_nomem(err);
    return logged->lost ? evr_argument_missing(ir, a, logged->lost, err) : EVR_OK;
}

/* Where the call ran, if a tensor tells. */
static evr_status set_device(evr_ir *ir, const evr_argument *a, evr_error **err)
{
    evr_str device = a->value.kind == EVR_VALUE_TENSOR ? a->value.u.tensor->device : (evr_str){"", 0};
    if (ir->device.len || !device.len)
        return EVR_OK;
    return evr_ir_text(ir, device, &ir->device) ? EVR_OK : evr_fail_nomem(err);
}

static evr_status add_arguments(evr_oplog *log, evr_ir *ir, const evr_schema *schema, evr_error **err)
{
    size_t n = schema ? schema->param_count : log->count;
    for (size_t i = 0; i < n; i++) {
        evr_argument *a = evr_ir_add_argument(ir);
        if (!a)
            return evr_fail_nomem(err);
        EVR_TRY(schema ? fill(ir, a, &schema->params[i], given(log, schema, i), err) : keep(ir, a, &log->args[i], i, err));
        EVR_TRY(set_device(ir, a, err));
    }
    return evr_ir_complete_storage(ir, err);
}

/* Operator, overload, arguments and outcome of the call read. */
static evr_status complete(evr_oplog *log, evr_ir *ir, evr_error **err)
{
    evr_str op = evr_buf_view(&log->op);
    int32_t skip = evr_skip_reason(EVR_KIND_OP, op, (evr_str){"", 0}, log->schema_count > 0);
    const evr_schema *schema = choose(log);
    if (!evr_ir_text(ir, op, &ir->op) || !evr_ir_text(ir, schema ? schema->overload : log->overload, &ir->overload) ||
        (schema && !evr_ir_text(ir, schema->text, &ir->schema)))
        return evr_fail_nomem(err);
    if (skip != EVR_REASON_NONE)
        EVR_TRY(evr_ir_set_outcome(ir, EVR_STATUS_SKIPPED, skip, err, "%s", evr_reason_advice(skip)));
    if (log->schema_count && !schema)
        return skip != EVR_REASON_NONE ? EVR_OK
                                       : evr_ir_set_outcome(ir, EVR_STATUS_FAILED, EVR_REASON_NO_SCHEMA_MATCH, err,
                                                            "none of %zu overloads is \"%.*s\" and takes the %zu logged arguments",
                                                            log->schema_count, EVR_STR_ARG(log->overload), log->count);
    EVR_TRY(add_arguments(log, ir, schema, err));
    return skip != EVR_REASON_NONE ? EVR_OK : evr_ir_check_missing(ir, NULL, err);
}

/* The next line that is not blank; false after the last. */
static bool next_line(evr_oplog *log)
{
    evr_literal *l = &log->line;
    while (log->at < log->text.len) {
        size_t from = log->at, end = evr_str_find(log->text, '\n', from);
        l->last = end == SIZE_MAX;
        l->end = l->last ? log->text.len : end;
        log->at = l->last ? l->end : end + 1;
        while (!l->last && l->end > from && (log->text.data[l->end - 1] == '\r' || log->text.data[l->end - 1] == ' '))
            l->end--;
        l->at = from;
        if (!evr_literal_end(l))
            return true;
    }
    return false;
}

static evr_status take_mark(evr_oplog *log, const char *mark)
{
    evr_literal *l = &log->line;
    size_t from = l->at, left = l->end - l->at;
    l->at += left < strlen(mark) ? left : strlen(mark);
    return left < strlen(mark) ? evr_literal_fail(l, from, "\"Operator:\" or \"cnt:\"") : EVR_OK;
}

evr_status evr_oplog_next(evr_oplog *log, evr_ir **out, evr_error **err)
{
    evr_literal *l = &log->line;
    *out = NULL;
    l->err = err;
    while (next_line(log)) {
        evr_str line = evr_str_sub(log->text, l->at, l->end);
        if (begins(line, operator_mark)) {
            EVR_TRY(take_mark(log, operator_mark));
            EVR_TRY(read_operator(log, err));
            continue;
        }
        if (!begins(line, call_mark) || !log->op.len)
            return evr_literal_fail(l, l->at, log->op.len ? "\"Operator:\" or \"cnt:\"" : "\"Operator:\"");
        EVR_TRY(take_mark(log, call_mark));
        EVR_TRY(evr_ir_new(log->ctx, out, err));
        log->awaiting = false;
        evr_status status = read_call(log, *out, err);
        if (status == EVR_OK)
            status = complete(log, *out, err);
        if (status == EVR_OK)
            return EVR_OK;
        evr_ir_free(*out);
        *out = NULL;
        return status;
    }
    l->at = l->end = log->text.len;
    l->last = true;
    return log->awaiting ? evr_literal_fail(l, l->at, "a call of the operator") : EVR_OK;
}
