/* MoeRoutingInit: which tokens go to which experts. Every token goes to `topk` different experts; how busy each expert is follows a distribution.
 * The sorted lists that grouped kernels read are padded for each expert to whole blocks. */
#include "init/builtin.h"
#include "init/view.h"

#include "base/context.h"
#include "base/error.h"
#include "base/str.h"

#include <math.h>

static const char *const choices[] = {"topk_ids", "topk_indices", "selected_experts", NULL};
static const char *const shares[] = {"topk_weights", "topk_weight", NULL};
static const char *const sorted[] = {"sorted_token_ids", "sorted_ids", "sorted_token_idx", NULL};
static const char *const owners[] = {"sorted_expert_ids", "expert_ids", NULL};
static const char *const totals[] = {"num_valid_ids", "num_tokens_post_padded", "num_tokens_past_padded", NULL};
static const char *const expert_counts[] = {"num_experts", "global_num_experts", "n_experts", "num_local_experts", NULL};
static const char *const weights[] = {"w1", "w13", "w13_weight", "gate", "fc1", "hidden_w1", "b_q_weight", "b_qweight", "B", "w2", "down", NULL};
static const char *const topks[] = {"topk", "top_k", "num_topk", NULL};
static const char *const blocks[] = {"block_m", "block_size_m", "moe_block_size", "block_size", NULL};
static const char *const inputs[] = {"hidden_states", "input", "a", "A", "x", "inp", NULL};

typedef struct routing {
    size_t choice_arg, share_arg, sorted_arg, owner_arg, total_arg;
    const evr_tensor *choice, *sorted, *owner, *total;
    bool packed;  /* place among a token's choices in the upper byte, the token below */
    int64_t experts, tokens, topk, block;
} routing;

static bool survey(const evr_ir *ir, routing *r)
{
    const evr_tensor *t;
    *r = (routing){.share_arg = SIZE_MAX, .topk = 1};
    r->choice = evr_ir_whole_named(ir, choices, &r->choice_arg);
    r->sorted = evr_ir_whole_named(ir, sorted, &r->sorted_arg);
    r->owner = evr_ir_whole_named(ir, owners, &r->owner_arg);
    r->total = evr_ir_whole_named(ir, totals, &r->total_arg);
    if (!r->choice && !(r->sorted && r->owner))
        return false;
    if (!evr_ir_number_named(ir, expert_counts, &r->experts) && evr_ir_tensor_named(ir, weights, &t) && t->rank >= 2)
        r->experts = t->shape[0];
    evr_ir_number_named(ir, topks, &r->topk);
    if (r->choice && r->choice->rank == 2) {
        r->tokens = r->choice->shape[0];
        r->topk = r->choice->shape[1];
    } else if (evr_ir_tensor_named(ir, shares, &t) && t->rank == 2) {
        r->tokens = t->shape[0];
        r->topk = t->shape[1];
    } else if (evr_ir_tensor_named(ir, inputs, &t) && t->rank) {
        r->tokens = t->shape[0];
    }
    if (r->sorted && r->owner) {
        int64_t places = evr_tensor_numel(r->sorted), lists = evr_tensor_numel(r->owner);
        if (!evr_ir_number_named(ir, blocks, &r->block) || r->block < 1)
            r->block = lists > 0 ? (places + lists - 1) / lists : 1;
    }
    static const char *const packed_names[] = {"sorted_expert_ids", "num_valid_ids", NULL};
    size_t unused;
    r->packed = evr_ir_whole_named(ir, packed_names, &unused) != NULL;
    return r->experts > 0 && r->tokens >= 0 && r->topk > 0 && r->topk <= r->experts && r->tokens < INT32_MAX / r->topk && r->experts <= 1 << 16;
}

int32_t evr_moe_applies(void *user, const evr_ir *ir)
{
    routing r;
    (void)user;
    return survey(ir, &r);
}

/* Sums of the experts' weights: even, or falling with the expert's number by Zipf's law. */
static evr_status distribution(evr_init_view *view, int64_t experts, double *sums, evr_error **err)
{
    evr_context *ctx = evr_init_context(view);
    evr_str kind = evr_init_option(view, "moe_distribution"), exponent = evr_init_option(view, "moe_zipf_s");
    double s = 1.2, sum = 0;
    bool zipf = kind.data && evr_str_is(kind, "zipf");
    if (kind.data && !zipf && !evr_str_is(kind, "uniform"))
        return evr_fail(ctx, err, EVR_E_INVALID, "option moe_distribution is uniform or zipf, not %.*s", EVR_STR_ARG(kind));
    if (exponent.data && (!evr_str_to_f64(exponent, &s) || !(s > 0 && s < 100)))
        return evr_fail(ctx, err, EVR_E_INVALID, "option moe_zipf_s is a number above 0, not %.*s", EVR_STR_ARG(exponent));
    for (int64_t i = 0; i < experts; i++)
        sums[i] = sum += zipf ? pow((double)(i + 1), -s) : 1;
    return EVR_OK;
}

static int64_t pick(const double *sums, int64_t experts, uint32_t word)
{
    double at = (double)word * 0x1p-32 * sums[experts - 1];
    int64_t low = 0, high = experts - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (sums[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The experts of one token, all different: a choice taken already moves on to the next free one. */
static void choose(evr_init_view *view, const double *sums, const routing *r, int64_t token, int64_t *out)
{
    for (int64_t k = 0; k < r->topk; k++) {
        int64_t expert = pick(sums, r->experts, evr_init_random(view, 2, (uint64_t)(token * r->topk + k)));
        for (int64_t seen = 0; seen < k;)
            if (out[seen] == expert) {
                expert = (expert + 1) % r->experts;
                seen = 0;
            } else {
                seen++;
            }
        out[k] = expert;
    }
}

/* Tokens by expert, each expert's padded to whole blocks with a number that is no token. */
static evr_status write_sorted(evr_init_view *view, const routing *r, const int64_t *chosen, evr_error **err)
{
    evr_context *ctx = evr_init_context(view);
    int64_t places = evr_tensor_numel(r->sorted), lists = evr_tensor_numel(r->owner), n = r->tokens * r->topk, at = 0;
    int64_t padding = r->packed ? r->topk << 24 | r->tokens : n;
    size_t place_bytes = (size_t)places * sizeof(int64_t), list_bytes = (size_t)lists * sizeof(int64_t);
    int64_t *place = evr_alloc(ctx, place_bytes), *list = evr_alloc_zeroed(ctx, list_bytes);
    evr_status status = EVR_OK;
    if ((places && !place) || (lists && !list)) {
        status = evr_fail_nomem(err);
        goto cleanup;
    }
    for (int64_t i = 0; i < places; i++)
        place[i] = padding;
    for (int64_t expert = 0; expert < r->experts; expert++) {
        int64_t begun = at;
        for (int64_t i = 0; i < n; i++)
            if (chosen[i] == expert && at < places)
                place[at++] = r->packed ? (i % r->topk) << 24 | i / r->topk : i;
        if (at > begun)
            at = (at + r->block - 1) / r->block * r->block;
        for (int64_t b = begun / r->block; b < at / r->block && b < lists; b++)
            list[b] = expert;
        at = at > places ? places : at;
    }
    status = evr_init_write_i64(view, r->sorted_arg, 0, place, (size_t)places, err);
    if (status == EVR_OK)
        status = evr_init_write_i64(view, r->owner_arg, 0, list, (size_t)lists, err);
    if (status == EVR_OK && r->total) {
        int64_t numbers[8] = {at, r->tokens}, count = evr_tensor_numel(r->total);
        if (count <= 8)
            status = evr_init_write_i64(view, r->total_arg, 0, numbers, (size_t)count, err);
    }
cleanup:
    evr_release(ctx, place, place_bytes);
    evr_release(ctx, list, list_bytes);
    return status;
}

/* A token's shares add up to 1. */
static evr_status write_shares(evr_init_view *view, const routing *r, evr_error **err)
{
    evr_init_tensor t = {.struct_size = sizeof t};
    size_t arg = SIZE_MAX;
    for (const char *const *name = shares; *name && arg == SIZE_MAX; name++)
        arg = evr_init_find(view, *name);
    if (arg == SIZE_MAX || evr_init_tensor_at(view, arg, 0, &t, NULL) != EVR_OK)
        return EVR_OK;
    evr_context *ctx = evr_init_context(view);
    size_t n = 1;
    for (uint32_t d = 0; d < t.rank; d++)
        n *= (size_t)t.shape[d];
    double *values = evr_alloc(ctx, n * sizeof *values);
    if (n && !values)
        return evr_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        values[i] = 1.0 / (double)r->topk;
    evr_status status = evr_init_write_f64(view, arg, 0, values, n, err);
    evr_release(ctx, values, n * sizeof *values);
    return status;
}

evr_status evr_moe_init(void *user, evr_init_view *view, evr_error **err)
{
    routing r;
    (void)user;
    if (!survey(evr_init_record(view), &r))
        return EVR_PASSTHROUGH;
    evr_context *ctx = evr_init_context(view);
    size_t sum_bytes = (size_t)r.experts * sizeof(double), chosen_bytes = (size_t)(r.tokens * r.topk) * sizeof(int64_t);
    double *sums = evr_alloc(ctx, sum_bytes);
    int64_t *chosen = evr_alloc(ctx, chosen_bytes);
    evr_status status = !sums || (chosen_bytes && !chosen) ? evr_fail_nomem(err) : distribution(view, r.experts, sums, err);
    for (int64_t token = 0; status == EVR_OK && token < r.tokens; token++)
        choose(view, sums, &r, token, chosen + token * r.topk);
    if (status == EVR_OK && r.choice && evr_tensor_numel(r.choice) == r.tokens * r.topk)
        status = evr_init_write_i64(view, r.choice_arg, 0, chosen, (size_t)(r.tokens * r.topk), err);
    if (status == EVR_OK && r.sorted && r.owner)
        status = write_sorted(view, &r, chosen, err);
    if (status == EVR_OK)
        status = write_shares(view, &r, err);
    evr_release(ctx, sums, sum_bytes);
    evr_release(ctx, chosen, chosen_bytes);
    return status;
}
