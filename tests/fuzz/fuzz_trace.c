/* Reading a trace from any bytes. The first three bytes choose how:
 *   flags (bits 0-2), second opening with other windows (3), recover twice (4)
 *   window size
 *   number of the allocation that fails, 0 = none
 * The rest is the input: JSON, gzip or zstd. */
#include "fuzz/support.h"

#include "support/walk.h"

enum { EVENTS = 2000, TREE_EVENTS = 60 };

static const uint64_t windows[] = {0, 1, 64, 100, 256, 1000, 4096, 65536};

static evr_status open_trace(evr_context *ctx, fuzz_bytes in, uint32_t flags, uint64_t window, evr_trace **out, evr_error **err)
{
    evr_trace_options options = {.struct_size = sizeof options, .flags = flags, .threads = 1, .window_bytes = window,
                                 .max_events = 1 << 20};
    return evr_trace_open_memory(ctx, in.data, in.size, &options, out, err);
}

/* Packed data whose checksum is wrong may be given up at different places; what was kept is the same. */
static void compare(const evr_trace *a, const evr_trace *b)
{
    uint64_t n = evr_trace_event_count(a), m = evr_trace_event_count(b);
    FUZZ_NEED(!evr_trace_damage(a) == !evr_trace_damage(b));
    if (evr_trace_damage(a))
        FUZZ_NEED(walk_events(a, n < m ? n : m) == walk_events(b, n < m ? n : m));
    else
        FUZZ_NEED(walk_trace(a, EVENTS) == walk_trace(b, EVENTS));
}

/* What a window holds must not show in the result. */
static void same_with_other_window(evr_context *ctx, fuzz_bytes in, uint32_t flags, evr_status status, const evr_trace *trace)
{
    evr_trace *again = NULL;
    evr_status other = open_trace(ctx, in, flags, 128, &again, NULL);
    /* of text that is both wrong and cut, either may be seen first */
    bool damaged = (status == EVR_E_FORMAT || status == EVR_E_TRUNCATED) && (other == EVR_E_FORMAT || other == EVR_E_TRUNCATED);
    bool recovered = (status == EVR_OK || other == EVR_OK) && flags & EVR_TRACE_RECOVER;
    FUZZ_NEED(other == status || damaged || recovered);
    if (again && trace)
        compare(again, trace);
    evr_trace_free(again);
}

/* Recovery accepts all that the strict way accepts, with the same result, and says when it kept only a part. */
static void recovery_agrees(evr_context *ctx, fuzz_bytes in, uint32_t flags, evr_status status, const evr_trace *trace)
{
    evr_trace *kept = NULL;
    evr_status other = open_trace(ctx, in, flags | EVR_TRACE_RECOVER, 0, &kept, NULL);
    if (status == EVR_OK) {
        FUZZ_NEED(other == EVR_OK && !evr_trace_damage(kept));
        FUZZ_NEED(walk_trace(kept, EVENTS) == walk_trace(trace, EVENTS));
    } else if (other == EVR_OK) {
        FUZZ_NEED(evr_trace_damage(kept) != NULL);
        walk_trace(kept, EVENTS);
    }
    evr_trace_free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    uint8_t how = fuzz_u8(&in);
    uint64_t window = windows[fuzz_u8(&in) % (sizeof windows / sizeof *windows)];
    fuzz_memory memory = {.fail_at = fuzz_u8(&in), .most = (size_t)1 << 30};
    evr_context *ctx = fuzz_context(&memory);
    uint32_t flags = how & 7u;
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    evr_status status = open_trace(ctx, in, flags, window, &trace, &err);
    fuzz_check_outcome(status, trace, err);
    memory.fail_at = 0;
    if (trace) {
        walk_trace(trace, EVENTS);
        if (!(flags & EVR_TRACE_PYTHON))
            fuzz_check_tree(walk_check_tree(trace, TREE_EVENTS));
    }
    if (how & 8 && status != EVR_E_NOMEM)
        same_with_other_window(ctx, in, flags, status, trace);
    if (how & 16 && status != EVR_E_NOMEM && !(flags & EVR_TRACE_RECOVER))
        recovery_agrees(ctx, in, flags, status, trace);
    evr_trace_free(trace);
    fuzz_context_done(ctx, &memory);
    return 0;
}
