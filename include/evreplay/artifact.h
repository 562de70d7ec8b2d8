/**
 * @file
 * Artifacts: records in one zip file that can be sent to someone else, with all it takes to run them again.
 *
 * An artifact holds `records.json` (docs/ir-format.md), `manifest.json` (versions, device, protocol, and for each record what its run should give),
 * `README.txt`, and a replayer in Python, `replay.py`, which needs nothing but torch: `python3 X.zip` runs it. docs/artifacts.md describes every field.
 * The same records and options give the same bytes, as long as library and zlib stay the same.
 *
 * **Untrusted input.** evr_artifact_read() works in memory: nothing is written to disk, nothing in the file names a place there, no code of it is run and no
 * library is loaded for it. Sizes are checked against the limits before memory is taken. libzip's own memory, which the number of files bounds, is outside the
 * context's allocator.
 *
 * **Threads.** An artifact is immutable and may be read from any thread.
 */
#ifndef EVREPLAY_ARTIFACT_H
#define EVREPLAY_ARTIFACT_H

#include <evreplay/report.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct evr_artifact evr_artifact; /**< what was read of an artifact */

/** @name Redaction
 * @{ */
/** Names of the input, texts in arguments and the sentences that may quote them do not go in. Texts of PyTorch's own operators that choose a mode ("floor", "mean",
 *  an equation of einsum) stay: they are needed, and say nothing of whoever recorded them. */
#define EVR_ARTIFACT_REDACT 1u
/** Operators outside `aten` and `prims`, their schemas and the names of arguments, and all kernels, get names like "redacted1::op1" too. Such records can no longer be replayed. */
#define EVR_ARTIFACT_REDACT_OPERATORS 2u
/** @} */

/** What goes into an artifact beside the records. All zero is a working default. */
typedef struct evr_artifact_options {
    uint32_t struct_size;        /**< sizeof(evr_artifact_options) */
    uint32_t flags;              /**< EVR_ARTIFACT_REDACT... */
    const evr_results *results;  /**< times that a replay should give, by key; runtime, device, driver, seed and protocol come from there too. NULL = none */
    evr_str input;               /**< name of what the records come from; may be empty */
    const evr_protocol *protocol; /**< how the replayer of the artifact takes times; NULL = that of the results, or EVR_PROTOCOL_FIXED */
    uint64_t seed;               /**< of contents and generators; with results that of the results */
} evr_artifact_options;

/**
 * Writes an artifact. `options` may be NULL. Free `*out` with evr_artifact_bytes_free().
 * @return EVR_OK · EVR_E_INVALID · EVR_E_UNSUPPORTED (results of more than one protocol) · EVR_E_LIMIT (more than evr_artifact_read() takes) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_artifact_write(evr_context *ctx, const evr_ir *const *records, size_t count, const evr_artifact_options *options, void **out,
                                      size_t *size, evr_error **err);
EVR_API void evr_artifact_bytes_free(evr_context *ctx, void *bytes, size_t size); /**< frees what evr_artifact_write() made; `size` is what it said @since 0.1 */

/** 1 when the bytes begin as an artifact does, which is how every zip file does; the first four are enough. @since 0.1 */
EVR_API int32_t evr_artifact_looks_like(const void *data, size_t size);

/** What a file may need. All zero is a working default. */
typedef struct evr_artifact_limits {
    uint32_t struct_size; /**< sizeof(evr_artifact_limits) */
    uint32_t files;       /**< files in it; 0 = 64 */
    uint64_t file_bytes;  /**< one file, unpacked; 0 = 64 MiB */
    uint64_t total_bytes; /**< all files, unpacked; 0 = 128 MiB */
} evr_artifact_limits;

/**
 * Reads an artifact; `limits` may be NULL. Files it does not know are not unpacked.
 * @return EVR_OK · EVR_E_FORMAT (no zip file, or one that contradicts itself, holds a name twice or a name with a folder, or bytes that are not those it was made of) ·
 *         EVR_E_TRUNCATED (the end is missing) · EVR_E_LIMIT · EVR_E_UNSUPPORTED (a zip file that is no artifact, a later version, encryption or another compression) ·
 *         EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_artifact_read(evr_context *ctx, const void *data, size_t size, const evr_artifact_limits *limits, evr_artifact **out, evr_error **err);
EVR_API void evr_artifact_free(evr_artifact *artifact);                           /**< NULL does nothing @since 0.1 */
EVR_API const evr_ir_set *evr_artifact_records(const evr_artifact *artifact);     /**< borrowed @since 0.1 */
EVR_API evr_str evr_artifact_manifest(const evr_artifact *artifact);              /**< the whole manifest.json @since 0.1 */

/** Where an artifact comes from; texts are borrowed from it and may be empty. */
typedef struct evr_artifact_info {
    uint32_t struct_size;  /**< set by the caller */
    uint32_t flags;        /**< EVR_ARTIFACT_REDACT... */
    evr_str library;       /**< version that wrote it */
    evr_str input;         /**< what the records come from */
    evr_str runtime;       /**< "torch 2.13.0" */
    evr_str device;        /**< "cuda:0" */
    evr_str device_name;   /**< "NVIDIA H200" */
    evr_str driver;        /**< in words */
    evr_str protocol;      /**< as evr_protocol_text() writes it */
    uint64_t seed;         /**< of contents and generators */
} evr_artifact_info;

/** Fills `*out`, whose struct_size the caller has set. @since 0.1 */
EVR_API void evr_artifact_about(const evr_artifact *artifact, evr_artifact_info *out);

/** What the run of a record should give. */
typedef struct evr_expected {
    uint32_t struct_size;    /**< sizeof(evr_expected) */
    int32_t status;          /**< EVR_STATUS_… of the results; that of the record without results */
    evr_str key;             /**< of the record as it is in the artifact */
    evr_str inputs;          /**< digest of what its tensors hold, docs/artifacts.md; empty = not known */
    evr_str initializer;     /**< that fills tensors; empty = none, the table alone */
    uint64_t kernels;        /**< launches of one call in the trace; 0 = not known */
    double trace_kernel_ns;  /**< device time of one call in the trace; negative = not known */
    double median_ns;        /**< of the results; negative = not known */
    double median_low_ns;    /**< interval */
    double median_high_ns;   /**< other end */
} evr_expected;

/** What record `index` should give; NULL beyond the last. @since 0.1 */
EVR_API const evr_expected *evr_artifact_expected(const evr_artifact *artifact, size_t index);

#ifdef __cplusplus
}
#endif

#endif
