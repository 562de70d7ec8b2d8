/* A program for the builder, one instruction after the other; the tree of what it makes is checked against its definition. */
#include "fuzz/support.h"

#include "support/walk.h"

enum { EVENTS = 64 };

static const char *const names[] = {"aten::add", "cudaLaunchKernel", "k", "", "autograd::engine::evaluate_function: AddBackward0",
                                    "ProfilerStep#1", "hipGraphLaunch", "\xff\xfe not UTF-8"};
static const char *const categories[] = {"cpu_op", "cuda_runtime", "kernel", "gpu_memcpy", "gpu_memset", "user_annotation",
                                         "cuda_driver", "Operator", "python_function", "ac2g", "", "no such"};
static const char *const texts[] = {"", "[[2,3],[]]", "[\"float\",\"\"]", "[", "[[1", "nonsense", "\"", "[]"};
static const int64_t times[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MIN + 1, 1700000000000000000};
static const char phases[] = {0, 'X', 'M', 's', 'f', 'i', 'C', 'B'};

#define PICK(table, byte) (table)[(byte) % (sizeof(table) / sizeof *(table))]

static evr_str text(const char *s)
{
    return (evr_str){s, strlen(s)};
}

static int64_t pick_time(fuzz_bytes *in)
{
    uint8_t byte = fuzz_u8(in);
    return byte < 224 ? byte % 32 : PICK(times, byte);
}

static evr_event_desc next_event(fuzz_bytes *in)
{
    evr_event_desc e = {EVR_INIT(evr_event_desc)};
    uint8_t shape = fuzz_u8(in);
    e.phase = shape & 1 ? PICK(phases, fuzz_u8(in)) : 0;
    e.name = text(PICK(names, fuzz_u8(in)));
    e.category = text(PICK(categories, fuzz_u8(in)));
    e.tid = fuzz_u8(in) & 1;
    e.start_ns = pick_time(in);
    e.duration_ns = pick_time(in);
    e.correlation = fuzz_u8(in) & 7;
    e.sequence = (int64_t)(fuzz_u8(in) & 7) - 1;
    e.device = e.stream = -1;
    if (shape & 2) {
        e.pid = pick_time(in);
        e.external_id = (uint64_t)pick_time(in);
        e.forward_thread = fuzz_u8(in) & 3;
        e.device = pick_time(in);
        e.stream = pick_time(in);
    }
    if (shape & 4) {
        e.dims = text(PICK(texts, fuzz_u8(in)));
        e.types = text(PICK(texts, fuzz_u8(in)));
        e.strides = text(PICK(texts, fuzz_u8(in)));
        e.values = text(PICK(texts, fuzz_u8(in)));
    }
    return e;
}

/* Returns the number of events that are still in the builder. */
static uint64_t finish(evr_trace_builder *builder, uint64_t pushed, uint32_t flags)
{
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    evr_status status = evr_trace_builder_finish(builder, &trace, &err);
    fuzz_check_outcome(status, trace, err);
    if (!trace)
        return pushed;
    FUZZ_NEED(evr_trace_event_count(trace) == pushed);
    walk_trace(trace, UINT64_MAX);
    if (!(flags & EVR_TRACE_PYTHON))
        fuzz_check_tree(walk_check_tree(trace, EVENTS));
    evr_trace_free(trace);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    uint8_t how = fuzz_u8(&in); /* flags (bits 0-2), go on after the failed allocation (3) */
    evr_trace_options options = {.struct_size = sizeof options, .flags = how & 7u, .max_events = 200};
    fuzz_memory memory = {.fail_at = fuzz_u8(&in), .fail_once = how & 8, .most = (size_t)1 << 30};
    evr_context *ctx = fuzz_context(&memory);
    evr_trace_builder *builder = NULL;
    uint64_t pushed = 0;
    if (evr_trace_builder_new(ctx, &options, &builder, NULL) == EVR_OK) {
        while (in.size) {
            uint8_t step = fuzz_u8(&in);
            if (step == 255) {
                pushed = finish(builder, pushed, options.flags);
            } else if (step == 254) {
                evr_trace_builder_reserve(builder, fuzz_u16(&in), NULL);
            } else {
                evr_event_desc event = next_event(&in);
                pushed += evr_trace_builder_push(builder, &event, NULL) == EVR_OK;
            }
        }
        finish(builder, pushed, options.flags);
        evr_trace_builder_free(builder);
    }
    memory.fail_at = 0;
    fuzz_context_done(ctx, &memory);
    return 0;
}
