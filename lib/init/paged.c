/* PagedAttentionInit: attention over a pool of pages. Sequences get pages of their own, lengths that the pages hold, and rows of the query as the
 * batch had them. What a tensor is follows from its name, whatever the operator is called. */
#include "init/builtin.h"
#include "init/view.h"

#include "base/context.h"
#include "base/error.h"
#include "base/str.h"

static const char *const tables[] = {"block_tables", "block_table", "page_table", "page_tables", NULL};
static const char *const lengths[] = {"seq_lens", "context_lens", "seqused_k", "cache_seqlens", "seq_lens_k", NULL};
static const char *const query_starts[] = {"query_start_loc", "cu_seqlens_q", "cu_query_lens", "qo_indptr", NULL};
static const char *const key_starts[] = {"cu_seqlens_k", "cu_seq_lens", NULL};
static const char *const slots[] = {"slot_mapping", "slot_mappings", NULL};
static const char *const pools[] = {"key_cache", "k_cache", "kv_cache", "value_cache", "v_cache", "key_buffer", "k", "key", NULL};
static const char *const queries[] = {"query", "q", "Q", NULL};
static const char *const page_sizes[] = {"block_size", "page_size", NULL};
static const char *const most_lengths[] = {"max_seq_len", "max_seqlen_k", "max_context_len", "max_seqlen", NULL};

/* The sizes of the problem. */
typedef struct pages {
    size_t table_arg, length_arg, start_arg, key_start_arg, slot_arg;
    const evr_tensor *table, *length, *start, *key_start, *slot;
    int64_t count, size;    /* of the pool: pages, and tokens in one */
    int64_t sequences, rows; /* rows of the query; -1 = unknown */
    int64_t most;           /* tokens of one sequence */
} pages;

/* Pages are the pool's first dimension. Tokens in one: an argument says so; [pages, heads, dim/x, tokens, x] has them fourth; else [pages, tokens, heads, dim]. */
static bool measure_pool(const evr_ir *ir, pages *p)
{
    const evr_tensor *pool;
    if (!evr_ir_tensor_named(ir, pools, &pool) || pool->rank < 3 || pool->shape[0] < 1)
        return false;
    p->count = pool->shape[0];
    bool split = pool->rank == 5 && pool->shape[0] == 2; /* keys and values of one pool: [2, pages, …] */
    if (split)
        p->count = pool->shape[1];
    if (!evr_ir_number_named(ir, page_sizes, &p->size))
        p->size = split ? pool->shape[2] : pool->rank == 5 ? pool->shape[3] : pool->shape[1];
    return p->size > 0 && p->count > 0;
}

static bool survey(const evr_ir *ir, pages *p)
{
    const evr_tensor *query;
    *p = (pages){.rows = -1, .most = INT32_MAX};
    p->table = evr_ir_whole_named(ir, tables, &p->table_arg);
    p->length = evr_ir_whole_named(ir, lengths, &p->length_arg);
    p->start = evr_ir_whole_named(ir, query_starts, &p->start_arg);
    p->key_start = evr_ir_whole_named(ir, key_starts, &p->key_start_arg);
    p->slot = evr_ir_whole_named(ir, slots, &p->slot_arg);
    if (!measure_pool(ir, p) || (!p->table && !p->slot))
        return false;
    if (p->table && p->table->rank == 2) {
        p->sequences = p->table->shape[0];
        p->most = p->table->shape[1] * p->size;
    } else if (p->length && p->length->rank == 1) {
        p->sequences = p->length->shape[0];
    }
    int64_t most;
    if (evr_ir_number_named(ir, most_lengths, &most) && most > 0 && most < p->most)
        p->most = most;
    if (evr_ir_tensor_named(ir, queries, &query) && query->rank)
        p->rows = query->shape[0];
    return true;
}

int32_t evr_paged_applies(void *user, const evr_ir *ir)
{
    pages p;
    (void)user;
    return survey(ir, &p);
}

/* Every page of the pool once, in random order; over again when more are asked for. */
static evr_status write_permutation(evr_init_view *view, size_t arg, const evr_tensor *t, int64_t pool, evr_error **err)
{
    evr_context *ctx = evr_init_context(view);
    int64_t n = evr_tensor_numel(t);
    size_t order_bytes = (size_t)pool * sizeof(int64_t), bytes = (size_t)n * sizeof(int64_t);
    int64_t *order = evr_alloc(ctx, order_bytes), *values = evr_alloc(ctx, bytes);
    evr_status status = EVR_OK;
    if (!order || (n && !values)) {
        status = evr_fail_nomem(err);
        goto cleanup;
    }
    for (int64_t i = 0; i < pool; i++)
        order[i] = i;
    for (int64_t i = pool - 1; i > 0; i--) {
        int64_t k = (int64_t)((uint64_t)evr_init_random(view, 1, (uint64_t)i) * (uint64_t)(i + 1) >> 32), swapped = order[i];
        order[i] = order[k];
        order[k] = swapped;
    }
    for (int64_t i = 0; i < n; i++)
        values[i] = order[i % pool];
    status = evr_init_write_i64(view, arg, 0, values, (size_t)n, err);
cleanup:
    evr_release(ctx, order, order_bytes);
    evr_release(ctx, values, bytes);
    return status;
}

/* Tokens of the i-th of n when `total` are dealt out as evenly as can be. */
static int64_t share(int64_t total, int64_t n, int64_t i) { return total * (i + 1) / n - total * i / n; }

/* Rows of the query that belong to a sequence: the trace's own split into decoding and prefilling requests, in that order, when it fits, else even. */
static int64_t rows_of(const evr_batch_context *batch, const pages *p, int64_t i)
{
    if (batch) {
        int64_t decoding = batch->generation_requests, all = decoding + batch->context_requests;
        if (all <= p->sequences && batch->generation_tokens + batch->context_tokens == p->rows) {
            if (i < decoding)
                return share(batch->generation_tokens, decoding, i);
            return i < all ? share(batch->context_tokens, batch->context_requests, i - decoding) : 0;
        }
    }
    return p->rows > 0 && p->sequences > 0 ? share(p->rows, p->sequences, i) : 1;
}

static int64_t length_of(const evr_batch_context *batch, const pages *p, int64_t asked, int64_t i)
{
    int64_t length = asked > 0 ? asked : p->most, rows = rows_of(batch, p, i);
    if (asked <= 0 && batch) {
        int64_t decoding = batch->generation_requests, prefilling = batch->context_requests;
        if (i < decoding && batch->generation_cached > 0)
            length = share(batch->generation_cached, decoding, i);
        else if (i >= decoding && i < decoding + prefilling && batch->context_cached > 0)
            length = share(batch->context_cached, prefilling, i - decoding);
    }
    if (length < rows) /* a sequence is at least as long as what is asked of it */
        length = rows;
    return length > p->most ? p->most : length;
}

/* One number for each sequence, or the sums up to each with a 0 before. */
static evr_status write_sequences(evr_init_view *view, size_t arg, const evr_tensor *t, bool sums, bool rows, const pages *p, evr_error **err)
{
    evr_context *ctx = evr_init_context(view);
    evr_batch_context known = {.struct_size = sizeof known};
    const evr_batch_context *batch = evr_ir_batch_context(evr_init_record(view), &known) ? &known : NULL;
    int64_t n = evr_tensor_numel(t), asked = 0, sum = 0;
    evr_str option = evr_init_option(view, "paged_context_len");
    if (option.data && !evr_str_to_i64(option, &asked))
        return evr_fail(ctx, err, EVR_E_INVALID, "option paged_context_len is no whole number: %.*s", EVR_STR_ARG(option));
    size_t bytes = (size_t)n * sizeof(int64_t);
    int64_t *values = evr_alloc(ctx, bytes);
    if (n && !values)
        return evr_fail_nomem(err);
    for (int64_t i = 0; i < n; i++) {
        int64_t one = rows ? rows_of(batch, p, i) : length_of(batch, p, asked, i);
        values[i] = sums ? sum : one;
        sum += one;
    }
    evr_status status = evr_init_write_i64(view, arg, 0, values, (size_t)n, err);
    evr_release(ctx, values, bytes);
    return status;
}

evr_status evr_paged_init(void *user, evr_init_view *view, evr_error **err)
{
    enum { MOST_PAGES = 1 << 28 };
    pages p;
    (void)user;
    if (!survey(evr_init_record(view), &p) || p.count > MOST_PAGES)
        return EVR_PASSTHROUGH;
    if (p.sequences <= 0 && p.start)
        p.sequences = evr_tensor_numel(p.start) - 1;
    if (p.table)
        EVR_TRY(write_permutation(view, p.table_arg, p.table, p.count, err));
    if (p.slot && p.count <= MOST_PAGES / p.size)
        EVR_TRY(write_permutation(view, p.slot_arg, p.slot, p.count * p.size, err));
    if (p.length)
        EVR_TRY(write_sequences(view, p.length_arg, p.length, false, false, &p, err));
    if (p.start)
        EVR_TRY(write_sequences(view, p.start_arg, p.start, true, true, &p, err));
    if (p.key_start)
        EVR_TRY(write_sequences(view, p.key_start_arg, p.key_start, true, false, &p, err));
    return EVR_OK;
}
