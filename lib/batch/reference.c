/* The same computation on the CPU in float64, from the same inputs. */
#include "batch/checks.h"
#include "batch/numbers.h"
#include "batch/outputs.h"

#include <evreplay/ranks.h>

#include <math.h>
#include <stdlib.h>

struct evr_reference {
    evr_context *ctx;
    evr_ir *ir;
    evr_replayer *replayer;
};

static const char *const random_parts[] = {"rand", "dropout", "bernoulli", "multinomial", "normal_", "uniform_", "exponential_", "cauchy", "geometric", "empty", "resize"};

/* Why no reference can be had of a record; NULL when it can. */
static const char *unfit(const evr_replayer *r)
{
    if (!r->schema)
        return "the operator has no schema";
    if (evr_ir_communicates(r->ir))
        return "its results are made by other ranks, too";
    for (size_t i = 0; i < sizeof random_parts / sizeof *random_parts; i++)
        if (memmem(r->ir->op.data, r->ir->op.len, random_parts[i], strlen(random_parts[i])))
            return "its results are random or uninitialised";
    for (size_t p = 0; p < r->schema->param_count; p++)
        if (evr_type_bare(r->schema->params[p].type)->kind == EVR_TYPE_GENERATOR)
            return "its results are random";
    for (size_t i = 0; i < r->ir->arg_count; i++) {
        const evr_value *v = &r->ir->args[i].value;
        if (v->kind == EVR_VALUE_FLOAT && v->u.f > 0 && evr_glob(evr_str_c("*dropout*"), r->ir->args[i].name))
            return "its results are random";
        if (v->kind == EVR_VALUE_TENSOR && !evr_number_parts(v->u.tensor->dtype))
            return "an argument is of a type whose numbers cannot be read";
    }
    return NULL;
}

static void make_precise(evr_value *v)
{
    if (v->kind == EVR_VALUE_TENSOR) {
        evr_tensor *t = (evr_tensor *)v->u.tensor; /* of the copy */
        t->dtype = evr_number_precise(t->dtype);
        t->dtype_text = evr_str_c(evr_dtype_name(t->dtype));
    }
    for (size_t i = 0; v->kind == EVR_VALUE_LIST && i < v->u.list.len; i++)
        make_precise((evr_value *)&v->u.list.items[i]);
}

/* The record with every tensor in its precise type. */
static evr_status precise_record(const evr_ir *from, evr_ir **out, evr_error **err)
{
    evr_ir *ir;
    EVR_TRY(evr_ir_new(from->ctx, &ir, err));
    evr_status status = evr_ir_text(ir, from->op, &ir->op) && evr_ir_text(ir, from->overload, &ir->overload) && evr_ir_text(ir, from->schema, &ir->schema)
                            ? EVR_OK
                            : evr_fail_nomem(err);
    for (size_t i = 0; status == EVR_OK && i < from->arg_count; i++) {
        evr_argument *a = evr_ir_add_argument(ir);
        bool good = a && evr_ir_text(ir, from->args[i].name, &a->name) && evr_ir_text(ir, from->args[i].type, &a->type);
        status = good ? evr_ir_copy_value(ir, &from->args[i].value, &a->value, err) : evr_fail_nomem(err);
        if (status == EVR_OK) {
            a->flags = from->args[i].flags;
            make_precise(&a->value);
        }
    }
    if (status != EVR_OK)
        evr_ir_free(ir);
    else
        *out = ir;
    return status;
}

/* A storage of numbers, converted element by element into another tensor's. */
typedef struct conversion {
    const evr_reference *reference;
    const evr_value *to;
    evr_status status;
    evr_error **err;
} conversion;

static int32_t convert(void *user, const evr_tensor *from, const void *storage, size_t bytes)
{
    conversion *c = user;
    evr_replayer *r = c->reference->replayer;
    evr_tensor to = {.struct_size = sizeof to};
    if ((c->status = evr_replayer_describe(r, c->to, &to, c->err)) != EVR_OK)
        return 1;
    size_t from_size = evr_dtype_size(from->dtype), to_size = evr_dtype_size(to.dtype), n = bytes / from_size;
    if (n > (size_t)to.storage_elements)
        n = (size_t)to.storage_elements;
    if (from->dtype == to.dtype) {
        c->status = evr_bridge_of(r)->tensor_write(evr_bridge_of(r)->self, c->to->u.handle, 0, storage, n * to_size, c->err);
        return c->status != EVR_OK;
    }
    char *wide = evr_alloc(c->reference->ctx, n * to_size + 1);
    if (!wide) {
        c->status = evr_fail_nomem(c->err);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        double parts[2];
        evr_number_read(from->dtype, (const char *)storage + i * from_size, parts);
        memcpy(wide + i * to_size, parts, to_size); /* float64, or complex128 */
    }
    c->status = evr_bridge_of(r)->tensor_write(evr_bridge_of(r)->self, c->to->u.handle, 0, wide, n * to_size, c->err);
    evr_release(c->reference->ctx, wide, n * to_size + 1);
    return c->status != EVR_OK;
}

static evr_status copy_inputs(const evr_reference *reference, evr_replayer *from, const evr_value *a, const evr_value *b, evr_error **err)
{
    for (size_t i = 0; a->kind == EVR_VALUE_LIST && b->kind == EVR_VALUE_LIST && i < a->u.list.len && i < b->u.list.len; i++)
        EVR_TRY(copy_inputs(reference, from, &a->u.list.items[i], &b->u.list.items[i], err));
    if (a->kind != EVR_VALUE_HANDLE || b->kind != EVR_VALUE_HANDLE)
        return EVR_OK;
    conversion c = {reference, b, EVR_OK, err};
    evr_status status = evr_see_value(reference->ctx, from, a, convert, &c, err);
    return status == EVR_OK || status == EVR_E_CANCELLED ? c.status : status;
}

static evr_status skip(evr_checks *c, evr_error *failure, evr_error **err)
{
    evr_status status = evr_checks_add(c, "reference", EVR_VERDICT_SKIPPED, err, "the CPU has none in float64: %s", evr_error_message(failure));
    evr_error_free(failure);
    return status;
}

evr_status evr_reference_new(evr_checks *c, evr_replayer *r, evr_runtime *cpu, evr_reference **out, evr_error **err)
{
    const char *why = unfit(r);
    *out = NULL;
    if (why)
        return evr_checks_add(c, "reference", EVR_VERDICT_SKIPPED, err, "%s", why);
    evr_reference *reference = evr_alloc_zeroed(c->ctx, sizeof *reference);
    if (!reference)
        return evr_fail_nomem(err);
    reference->ctx = c->ctx;
    evr_error *failure = NULL;
    const evr_replayer_options how = {.struct_size = sizeof how, .flags = EVR_REPLAYER_NO_AUTO_INIT};
    evr_status status = precise_record(r->ir, &reference->ir, err);
    if (status == EVR_OK && evr_replayer_new(cpu, reference->ir, &how, &reference->replayer, &failure) != EVR_OK) {
        evr_reference_free(reference);
        return skip(c, failure, err);
    }
    size_t n = status == EVR_OK && r->value_count < reference->replayer->value_count ? r->value_count : status == EVR_OK ? reference->replayer->value_count : 0;
    for (size_t p = 0; status == EVR_OK && p < n; p++)
        status = copy_inputs(reference, r, &r->values[p], &reference->replayer->values[p], err);
    if (status != EVR_OK) {
        evr_reference_free(reference);
        return status;
    }
    *out = reference;
    return EVR_OK;
}

void evr_reference_free(evr_reference *reference)
{
    if (!reference)
        return;
    evr_replayer_free(reference->replayer);
    evr_ir_free(reference->ir);
    evr_release(reference->ctx, reference, sizeof *reference);
}

/* Numbers of all results in a row. */
typedef struct row {
    evr_context *ctx;
    double *values;
    size_t count, cap;
    int32_t dtype, coarsest; /* of the tensor being read; the one with the fewest digits so far */
    bool failed;
} row;

static int32_t add_numbers(void *user, const void *element)
{
    row *r = user;
    double parts[2];
    int n = evr_number_parts(r->dtype);
    if (!evr_grow(r->ctx, (void **)&r->values, &r->cap, r->count + 2, sizeof *r->values)) {
        r->failed = true;
        return 1;
    }
    evr_number_read(r->dtype, element, parts);
    for (int i = 0; i < n; i++)
        r->values[r->count++] = parts[i];
    return 0;
}

static int32_t see_numbers(void *user, const evr_tensor *t, const void *storage, size_t bytes)
{
    row *r = user;
    double old, fresh, unused;
    r->dtype = t->dtype;
    evr_number_tolerance(r->coarsest, &old, &unused);
    evr_number_tolerance(t->dtype, &fresh, &unused);
    if (fresh > old)
        r->coarsest = t->dtype;
    if (evr_number_parts(t->dtype))
        evr_each_element(t, storage, bytes, add_numbers, r);
    return r->failed;
}

/* Absolute differences are measured against the size of what is usual among the results. */
static double usual_size(const row *r)
{
    double squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        if (isfinite(r->values[i])) {
            squares += r->values[i] * r->values[i];
            n++;
        }
    double rms = n ? sqrt(squares / (double)n) : 0;
    return rms > 1 ? rms : 1;
}

static bool same(double a, double b, double relative, double absolute)
{
    if (!isfinite(a) || !isfinite(b)) /* beyond the range of the narrower type */
        return isnan(a) == isnan(b) && (isnan(a) || isinf(a));
    return fabs(a - b) <= absolute + relative * fabs(b);
}

static evr_status compare(evr_checks *c, const row *got, const row *want, evr_error **err)
{
    double relative, absolute, largest = 0;
    size_t good = 0;
    if (got->count != want->count)
        return evr_checks_add(c, "reference", EVR_VERDICT_BAD, err, "%zu numbers, the reference has %zu", got->count, want->count);
    if (!got->count)
        return evr_checks_add(c, "reference", EVR_VERDICT_SKIPPED, err, "there are no numbers among its results");
    evr_number_tolerance(got->coarsest, &relative, &absolute);
    absolute *= usual_size(want);
    for (size_t i = 0; i < got->count; i++) {
        double difference = fabs(got->values[i] - want->values[i]);
        good += same(got->values[i], want->values[i], relative, absolute);
        if (isfinite(difference) && difference > largest)
            largest = difference;
    }
    double share = (double)good / (double)got->count;
    int32_t verdict = share >= 0.99 ? EVR_VERDICT_GOOD : EVR_VERDICT_BAD;
    return evr_checks_add(c, "reference", verdict, err, "%.4g %% of %zu numbers within %.2g relative or %.2g absolute of float64 on the CPU; largest difference %.3g",
                          100 * share, got->count, relative, absolute, largest);
}

evr_status evr_check_reference(evr_checks *c, evr_replayer *r, evr_reference *reference, evr_error **err)
{
    evr_error *failure = NULL;
    row got = {.ctx = c->ctx, .coarsest = EVR_DTYPE_BOOL}, want = {.ctx = c->ctx, .coarsest = EVR_DTYPE_BOOL};
    if (evr_replayer_run(reference->replayer, &failure) != EVR_OK)
        return skip(c, failure, err);
    evr_status status = evr_see_results(c->ctx, r, see_numbers, &got, err);
    if (status == EVR_OK)
        status = evr_see_results(c->ctx, reference->replayer, see_numbers, &want, err);
    if (status == EVR_OK && (got.failed || want.failed))
        status = evr_fail_nomem(err);
    if (status == EVR_OK)
        status = compare(c, &got, &want, err);
    evr_release(c->ctx, got.values, got.cap * sizeof *got.values);
    evr_release(c->ctx, want.values, want.cap * sizeof *want.values);
    return status;
}
