/**
 * @file
 * Initializers: what the tensors of a record hold before it runs.
 *
 * Most operators run on any numbers. The library fills tensors with numbers that are counted, not drawn (the same bits everywhere for the same seed), and
 * knows from a small table which parts must be indices within bounds, offsets that rise, probabilities, and so on. What that table cannot say, an
 * @ref evr_custom_init can: page tables, routing, anything that ties several arguments together.
 *
 * **Order.** After all tensors of a record were filled by the table, the registered initializers are asked in order of registration, those of the library
 * last. One is asked when it names the operator exactly, or names none, and its `applies` agrees. The first that answers with anything but
 * @ref EVR_PASSTHROUGH is the only one. A failure is a warning on the replayer, and the record runs with what the table filled.
 *
 * **Built in**, by the parts arguments play, whatever the operator is called:
 * - `PagedAttentionInit`: `block_tables` (a permutation of the pool's pages), `seq_lens`/`context_lens` (at most what pages and `max_seq_len` allow),
 *   `query_start_loc`/`cu_seqlens_q` (from the batch context of the trace, else even). Option `paged_context_len`: length of all sequences.
 * - `MoeRoutingInit`: `topk_ids`, `topk_weights`, `sorted_token_ids` padded for each expert to `block_m`, `sorted_expert_ids`/`expert_ids`,
 *   `num_valid_ids`/`num_tokens_post_padded`. Options: `moe_distribution` (`uniform`, the default, or `zipf`), `moe_zipf_s` (1.2).
 *
 * **Life of a vtable.** It is copied when registered. `destroy` is called exactly once: when the context goes, or at once when the registration fails.
 *
 * **Threads.** Registration may happen on any thread; `init` is called on the thread that sets up the record.
 */
#ifndef EVREPLAY_INIT_H
#define EVREPLAY_INIT_H

#include <evreplay/ir.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVR_PASSTHROUGH 1 /**< answer of an initializer: not mine, try the next */

typedef struct evr_init_view evr_init_view; /**< a record being set up, as an initializer sees it; lives for the call */

/** An initializer. */
typedef struct evr_custom_init {
    uint32_t struct_size;         /**< sizeof(evr_custom_init) */
    uint32_t reserved;            /**< 0 */
    const char *name;             /**< for messages and records; copied */
    const char *const *op_names;  /**< exact names, ended by NULL; copied. NULL = any operator that `applies` says */
    /** Optional: 1 when it is for this record. Called before any tensor is looked at. */
    int32_t (*applies)(void *user, const evr_ir *ir);
    /** Writes tensors through the view. @return EVR_OK, EVR_PASSTHROUGH, or a failure that becomes a warning */
    evr_status (*init)(void *user, evr_init_view *view, evr_error **err);
    void (*destroy)(void *user);  /**< optional */
    void *user;                   /**< first argument of the functions */
} evr_custom_init;

/** Adds an initializer behind those registered before. @return EVR_OK · EVR_E_INVALID (no `init`, no name, unknown struct_size; neither names nor
 *  `applies`) · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_register_custom_init(evr_context *ctx, const evr_custom_init *init, evr_error **err);
/** Name of the i-th initializer in the order they are asked, built-in ones last; empty beyond the last. @since 0.1 */
EVR_API evr_str evr_custom_init_name(evr_context *ctx, size_t index);

/** A live tensor, as an initializer writes it. */
typedef struct evr_init_tensor {
    uint32_t struct_size;   /**< set by the caller */
    int32_t dtype;          /**< EVR_DTYPE_... */
    uint32_t rank;          /**< number of dimensions */
    uint32_t reserved;      /**< 0 */
    const int64_t *shape;   /**< sizes */
    const int64_t *strides; /**< in elements */
    int64_t storage_offset; /**< in elements */
    void *storage;          /**< start of the storage in host memory, to be read and written; a device's copy is brought up to date afterwards */
    uint64_t storage_bytes; /**< its size */
} evr_init_tensor;

/** @name What an initializer sees
 * @{ */
EVR_API evr_context *evr_init_context(const evr_init_view *view);               /**< for evr_error_make() @since 0.1 */
EVR_API const evr_ir *evr_init_record(const evr_init_view *view);               /**< the record that is set up @since 0.1 */
EVR_API uint64_t evr_init_seed(const evr_init_view *view);                      /**< of the contents @since 0.1 */
/** Index of the argument of that name; SIZE_MAX when there is none. @since 0.1 */
EVR_API size_t evr_init_find(const evr_init_view *view, const char *name);
/** A text set with evr_set_init_option(); `data` is NULL when it was not. @since 0.1 */
EVR_API evr_str evr_init_option(const evr_init_view *view, const char *key);
/** Word `index` of the random stream `stream`: the same for the same seed, and independent of every tensor's contents. @since 0.1 */
EVR_API uint32_t evr_init_random(const evr_init_view *view, uint32_t stream, uint64_t index);
/** @} */

/** @name What an initializer does
 * `item` is the place in a list of tensors, 0 for a tensor by itself.
 * @{ */
/** @return EVR_OK · EVR_E_NOT_FOUND (no such argument, or it holds no tensor) · EVR_E_NOMEM @since 0.1 */
EVR_API evr_status evr_init_tensor_at(evr_init_view *view, size_t arg, size_t item, evr_init_tensor *out, evr_error **err);
/** Writes whole numbers in row-major order, converted to the tensor's type; `count` is its number of elements. @since 0.1 */
EVR_API evr_status evr_init_write_i64(evr_init_view *view, size_t arg, size_t item, const int64_t *values, size_t count, evr_error **err);
/** As evr_init_write_i64(), for any numbers. @since 0.1 */
EVR_API evr_status evr_init_write_f64(evr_init_view *view, size_t arg, size_t item, const double *values, size_t count, evr_error **err);
/** Replaces an argument that is no tensor; texts are copied. @since 0.1 */
EVR_API evr_status evr_init_set_value(evr_init_view *view, size_t arg, const evr_value *value, evr_error **err);
/** A sentence for whoever reads the result. @since 0.1 */
EVR_API evr_status evr_init_warn(evr_init_view *view, const char *message);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
