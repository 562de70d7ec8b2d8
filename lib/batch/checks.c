#include "batch/checks.h"

#include "batch/numbers.h"
#include "batch/outputs.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

evr_status evr_checks_add(evr_checks *c, const char *name, int32_t verdict, evr_error **err, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    evr_str kept = evr_arena_str(c->arena, evr_str_c(text));
    if (!kept.data || c->count == EVR_CHECKS_MOST)
        return evr_fail_nomem(err);
    c->items[c->count++] = (evr_check){.struct_size = sizeof(evr_check), .verdict = verdict, .name = evr_str_c(name), .detail = kept};
    return EVR_OK;
}

bool evr_checks_good(const evr_checks *c, const evr_check **first)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].verdict == EVR_VERDICT_BAD) {
            *first = &c->items[i];
            return false;
        }
    return true;
}

/* Elements that are no ordinary numbers. */
typedef struct oddities {
    int32_t dtype;
    uint64_t odd, all;
} oddities;

static int32_t count_odd(void *user, const void *element)
{
    oddities *o = user;
    double parts[2];
    evr_number_read(o->dtype, element, parts);
    o->odd += !isfinite(parts[0]) || !isfinite(parts[1]);
    o->all++;
    return 0;
}

static int32_t see_odd(void *user, const evr_tensor *t, const void *storage, size_t bytes)
{
    oddities *o = user;
    o->dtype = t->dtype;
    if (evr_number_may_be_odd(t->dtype))
        evr_each_element(t, storage, bytes, count_odd, o);
    return 0;
}

/* Infinities that were asked for come out again. */
static bool value_is_odd(const evr_value *v)
{
    if (v->kind == EVR_VALUE_FLOAT)
        return !isfinite(v->u.f);
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        if (value_is_odd(&v->u.list.items[i]))
            return true;
    return false;
}

static bool is_uninitialised(const evr_ir *ir) { return evr_glob(evr_str_c("*empty*"), ir->op) || evr_glob(evr_str_c("*resize*"), ir->op); }

evr_status evr_check_finite(evr_checks *c, evr_replayer *r, evr_error **err)
{
    oddities o = {0};
    if (is_uninitialised(r->ir))
        return evr_checks_add(c, "finite", EVR_VERDICT_SKIPPED, err, "its results are uninitialised, as it promises");
    for (size_t i = 0; i < r->ir->arg_count; i++)
        if (value_is_odd(&r->ir->args[i].value))
            return evr_checks_add(c, "finite", EVR_VERDICT_SKIPPED, err, "argument %.*s is no finite number itself", EVR_STR_ARG(r->ir->args[i].name));
    EVR_TRY(evr_see_results(c->ctx, r, see_odd, &o, err));
    if (o.odd)
        return evr_checks_add(c, "finite", EVR_VERDICT_BAD, err, "%llu of %llu numbers are NaN or infinite", (unsigned long long)o.odd,
                              (unsigned long long)o.all);
    return evr_checks_add(c, "finite", EVR_VERDICT_GOOD, err, "%llu numbers", (unsigned long long)o.all);
}

evr_status evr_check_repeat(evr_checks *c, evr_replayer *r, evr_error **err)
{
    const evr_replayer_options how = {.struct_size = sizeof how, .flags = r->flags & EVR_REPLAYER_NO_AUTO_INIT};
    uint64_t first, second = 0;
    evr_replayer *again = NULL;
    if (is_uninitialised(r->ir))
        return evr_checks_add(c, "repeat", EVR_VERDICT_SKIPPED, err, "its results are uninitialised, as it promises");
    EVR_TRY(evr_results_digest(c->ctx, r, &first, err));
    evr_status status = evr_replayer_new(r->runtime, r->ir, &how, &again, err);
    if (status == EVR_OK)
        status = evr_replayer_run(again, err);
    if (status == EVR_OK)
        status = evr_results_digest(c->ctx, again, &second, err);
    evr_replayer_free(again);
    if (status != EVR_OK)
        return status;
    if (first != second)
        return evr_checks_add(c, "repeat", EVR_VERDICT_BAD, err, "set up and run again, it gives other bits");
    return evr_checks_add(c, "repeat", EVR_VERDICT_GOOD, err, "the same bits twice");
}

typedef struct hashed {
    uint64_t digest;
} hashed;

static int32_t see_storage(void *user, const evr_tensor *t, const void *storage, size_t bytes)
{
    hashed *h = user;
    h->digest = evr_bytes_digest(h->digest, t->shape, t->rank * sizeof *t->shape);
    h->digest = evr_bytes_digest(h->digest, storage, bytes);
    return 0;
}

evr_status evr_check_arguments(evr_checks *c, evr_replayer *r, uint64_t *digests, evr_error **err)
{
    for (size_t p = 0; p < r->value_count; p++) {
        hashed h = {1};
        EVR_TRY(evr_see_value(c->ctx, r, &r->values[p], see_storage, &h, err));
        digests[p] = h.digest;
    }
    return EVR_OK;
}

evr_status evr_check_mutation(evr_checks *c, evr_replayer *r, const uint64_t *before, evr_error **err)
{
    uint64_t *after = evr_arena_alloc(c->arena, (r->value_count + 1) * sizeof *after);
    if (!after)
        return evr_fail_nomem(err);
    if (!r->schema)
        return evr_checks_add(c, "mutation", EVR_VERDICT_SKIPPED, err, "without a schema nothing says what is written");
    EVR_TRY(evr_check_arguments(c, r, after, err));
    for (size_t p = 0; p < r->value_count; p++) {
        const evr_param *param = &r->schema->params[p];
        const evr_type *elem = evr_type_bare(param->type);
        bool written = param->type->written || elem->written || (elem->kind == EVR_TYPE_LIST && elem->elem->written);
        if (evr_glob(evr_str_c("running_*"), param->name)) /* batch norms bring running statistics up to date, and PyTorch's schemas do not say it */
            continue;
        if (before[p] != after[p] && !written)
            return evr_checks_add(c, "mutation", EVR_VERDICT_BAD, err, "argument %.*s has changed, and the schema says it is only read", EVR_STR_ARG(param->name));
    }
    return evr_checks_add(c, "mutation", EVR_VERDICT_GOOD, err, "what is only read is as before");
}
