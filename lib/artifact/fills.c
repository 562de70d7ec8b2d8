#include "artifact/fills.h"

#include "base/sha256.h"
#include "init/builtin.h"
#include "init/rules.h"
#include "registry/inits.h"
#include "replay/preflight.h"

enum { LOOKED_AT = 1 << 16, MOST_ORDERED = 16 << 20 }; /* bytes of a storage */

static const char *const names[] = {
    [EVR_FILL_CONSTANT] = "constant", [EVR_FILL_NORMAL] = "normal",   [EVR_FILL_UNIFORM] = "uniform", [EVR_FILL_INTEGERS] = "integers",
    [EVR_FILL_BOOLEANS] = "booleans", [EVR_FILL_STEPS] = "steps",     [EVR_FILL_OFFSETS] = "offsets", [EVR_FILL_SPREAD] = "spread",
    [EVR_FILL_PERMUTATION] = "permutation", [EVR_FILL_DOMINANT] = "dominant",
};

/* Each tensor that a replay makes: arguments and the items of their lists, not of lists in lists. Nonzero from `see` ends the walk. */
typedef evr_status (*see_fn)(void *user, const evr_tensor *t, const evr_fill *fill, uint64_t stream);

static evr_status each_tensor(const evr_ir *ir, see_fn see, void *user)
{
    uint64_t stream = 0;
    for (size_t a = 0; a < ir->arg_count; a++) {
        const evr_value *v = &ir->args[a].value;
        size_t n = v->kind == EVR_VALUE_LIST ? v->u.list.len : 1;
        const evr_value *items = v->kind == EVR_VALUE_LIST ? v->u.list.items : v;
        for (size_t i = 0; i < n; i++) {
            if (items[i].kind != EVR_VALUE_TENSOR)
                continue;
            evr_fill fill = evr_rule_for(ir, a, i, items[i].u.tensor);
            EVR_TRY(see(user, items[i].u.tensor, &fill, ++stream));
        }
    }
    return EVR_OK;
}

static evr_status write_fill(void *user, const evr_tensor *t, const evr_fill *fill, uint64_t stream)
{
    evr_json_writer *w = user;
    (void)t;
    (void)stream;
    if (fill->kind == EVR_FILL_NORMAL || fill->kind == EVR_FILL_DOMINANT) {
        evr_json_str(w, evr_str_c(names[fill->kind]));
        return EVR_OK;
    }
    evr_json_open(w, '[');
    evr_json_str(w, evr_str_c(names[fill->kind]));
    evr_json_f64(w, fill->low);
    evr_json_f64(w, fill->high);
    evr_json_close(w, ']');
    return EVR_OK;
}

void evr_fills_write(evr_json_writer *w, const evr_ir *ir)
{
    evr_json_open(w, '[');
    each_tensor(ir, write_fill, w);
    evr_json_close(w, ']');
}

typedef struct digesting {
    evr_context *ctx;
    evr_sha256 hash;
    uint64_t seed;
} digesting;

/* A tensor counts by the size of its storage and the first bytes of it. What is counted element by element needs no more than those; what has an order is made
 * whole. EVR_E_UNSUPPORTED, without an error, for what cannot be made here. */
static evr_status add_tensor(void *user, const evr_tensor *t, const evr_fill *fill, uint64_t stream)
{
    digesting *d = user;
    uint64_t bytes;
    size_t item = evr_dtype_size(t->dtype);
    if (!item || !evr_tensor_bytes(t, &bytes))
        return EVR_E_UNSUPPORTED;
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)(bytes >> (8 * i));
    evr_sha256_add(&d->hash, size, sizeof size);
    size_t looked_at = bytes < LOOKED_AT ? (size_t)bytes : LOOKED_AT;
    if (fill->kind >= EVR_FILL_STEPS && bytes > MOST_ORDERED)
        return EVR_E_UNSUPPORTED;
    size_t made = fill->kind >= EVR_FILL_STEPS ? (size_t)bytes : looked_at;
    if (!made)
        return EVR_OK;
    void *storage = evr_alloc(d->ctx, made);
    if (!storage)
        return EVR_E_NOMEM;
    bool good = evr_fill_storage(fill, d->seed, stream, t, storage, made);
    if (good)
        evr_sha256_add(&d->hash, storage, looked_at);
    evr_release(d->ctx, storage, made);
    return good ? EVR_OK : EVR_E_UNSUPPORTED;
}

evr_status evr_fills_digest(evr_context *ctx, const evr_ir *ir, uint64_t seed, char out[33], evr_error **err)
{
    static const char hex[] = "0123456789abcdef";
    digesting d = {.ctx = ctx, .seed = seed};
    unsigned char digest[32];
    evr_sha256_init(&d.hash);
    out[0] = 0;
    evr_status status = ir->status == EVR_STATUS_OK && !evr_fills_initializer(ctx, ir).len ? each_tensor(ir, add_tensor, &d) : EVR_E_UNSUPPORTED;
    if (status == EVR_E_NOMEM)
        return evr_fail_nomem(err);
    if (status != EVR_OK)
        return EVR_OK;
    evr_sha256_end(&d.hash, digest);
    for (int i = 0; i < 16; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[32] = 0;
    return EVR_OK;
}

evr_str evr_fills_initializer(evr_context *ctx, const evr_ir *ir)
{
    evr_init_cursor cursor = {0};
    evr_custom_init init;
    while (evr_registry_next_init(ctx, ir->op, &cursor, &init))
        if (!init.applies || init.applies(init.user, ir))
            return evr_str_c(init.name);
    for (size_t i = 0; i < evr_builtin_init_count; i++)
        if (evr_builtin_inits[i].applies(evr_builtin_inits[i].user, ir))
            return evr_str_c(evr_builtin_inits[i].name);
    return (evr_str){"", 0};
}
