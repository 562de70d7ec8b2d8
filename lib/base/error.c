#include "base/error.h"

#include "base/context.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct evr_error {
    evr_context *ctx; /* reference, or NULL for malloc's memory */
    evr_status code;
    int64_t offset;
    evr_uid uid;
    char *message;
    char *hint;
    char *op;
    evr_error *cause;
};

/* Stands for every failure to allocate, so that reporting it needs no memory. Never freed, never changed. */
static evr_error out_of_memory = {NULL, EVR_E_NOMEM, -1, EVR_NO_UID, "out of memory",
                                  "give the allocator more memory, or open a smaller input", NULL, NULL};

/* What the last call that failed on this thread answers: evr_hint() and friends give it back when there is no error to add to,
 * because the caller wanted none or there was no memory for it. */
static _Thread_local evr_status last_code;

static void *error_alloc(evr_context *ctx, size_t size)
{
    return ctx ? evr_alloc(ctx, size) : malloc(size);
}

static void error_release(evr_context *ctx, void *block, size_t size)
{
    if (ctx)
        evr_release(ctx, block, size);
    else
        free(block);
}

static void release_text(evr_context *ctx, char *text)
{
    if (text)
        error_release(ctx, text, strlen(text) + 1);
}

static char *format_text(evr_context *ctx, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n < 0 ? NULL : error_alloc(ctx, (size_t)n + 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

static evr_status fail_v(evr_context *ctx, evr_error **err, evr_error *cause, evr_status code, const char *format,
                         va_list args)
{
    last_code = code;
    if (!err) {
        evr_error_free(cause);
        return code;
    }
    evr_error *e = error_alloc(ctx, sizeof *e);
    char *message = e ? format_text(ctx, format, args) : NULL;
    if (!message) {
        if (e)
            error_release(ctx, e, sizeof *e);
        evr_error_free(cause);
        *err = &out_of_memory;
        return code; /* the caller's question is answered even when its explanation does not fit in memory */
    }
    *e = (evr_error){ctx ? evr_context_ref(ctx) : NULL, code, -1, EVR_NO_UID, message, NULL, NULL, cause};
    *err = e;
    return code;
}

evr_status evr_fail(evr_context *ctx, evr_error **err, evr_status code, const char *format, ...)
{
    if (err) {
        evr_error_free(*err);
        *err = NULL;
    }
    va_list args;
    va_start(args, format);
    fail_v(ctx, err, NULL, code, format, args);
    va_end(args);
    return code;
}

evr_status evr_fail_because(evr_context *ctx, evr_error **err, evr_status code, const char *format, ...)
{
    evr_error *cause = err ? *err : NULL;
    va_list args;
    va_start(args, format);
    fail_v(ctx, err, cause, code, format, args);
    va_end(args);
    return code;
}

evr_status evr_error_make(evr_context *ctx, evr_error **err, evr_status code, const char *message, const char *hint)
{
    evr_fail(ctx, err, code, "%s", message ? message : "");
    if (hint && hint[0])
        evr_hint(err, "%s", hint);
    return code;
}

evr_status evr_fail_nomem(evr_error **err)
{
    if (err) {
        evr_error_free(*err);
        *err = &out_of_memory;
    }
    last_code = EVR_E_NOMEM;
    return EVR_E_NOMEM;
}

/* The error to add to, or NULL when there is none that may be changed. */
static evr_error *changeable(evr_error **err)
{
    return err && *err && *err != &out_of_memory ? *err : NULL;
}

static evr_status code_of(evr_error **err)
{
    evr_error *e = changeable(err);
    return e ? e->code : last_code;
}

evr_status evr_hint(evr_error **err, const char *format, ...)
{
    evr_error *e = changeable(err);
    if (!e)
        return code_of(err);
    va_list args;
    va_start(args, format);
    char *text = format_text(e->ctx, format, args);
    va_end(args);
    if (text) {
        release_text(e->ctx, e->hint);
        e->hint = text;
    }
    return e->code;
}

evr_status evr_at_offset(evr_error **err, int64_t offset)
{
    evr_error *e = changeable(err);
    if (e)
        e->offset = offset;
    return code_of(err);
}

evr_status evr_at_event(evr_error **err, evr_uid uid, evr_str op)
{
    evr_error *e = changeable(err);
    if (!e)
        return code_of(err);
    e->uid = uid;
    op.len = op.len ? strnlen(op.data, op.len) : 0; /* its size is found again by strlen() */
    release_text(e->ctx, e->op);
    e->op = error_alloc(e->ctx, op.len + 1);
    if (e->op)
        evr_str_copy(e->op, op);
    return e->code;
}

evr_status evr_error_code(const evr_error *err) { return err ? err->code : EVR_OK; }
const char *evr_error_message(const evr_error *err) { return err ? err->message : ""; }
const char *evr_error_hint(const evr_error *err) { return err && err->hint ? err->hint : ""; }
int64_t evr_error_offset(const evr_error *err) { return err ? err->offset : -1; }
evr_uid evr_error_uid(const evr_error *err) { return err ? err->uid : EVR_NO_UID; }
const char *evr_error_op(const evr_error *err) { return err && err->op ? err->op : ""; }
const evr_error *evr_error_cause(const evr_error *err) { return err ? err->cause : NULL; }

void evr_error_free(evr_error *err)
{
    while (err && err != &out_of_memory) {
        evr_error *cause = err->cause;
        evr_context *ctx = err->ctx;
        release_text(ctx, err->message);
        release_text(ctx, err->hint);
        release_text(ctx, err->op);
        error_release(ctx, err, sizeof *err);
        evr_context_free(ctx);
        err = cause;
    }
}
