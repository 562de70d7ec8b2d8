/* Traces of ranks that say anything of their collectives: six lines are the metadata `distributedInfo`, the name and the arguments of an operator, the arguments
 * of the record_param_comms below it, the name of its kernel, and the arguments of another rank's record_param_comms; objects without their braces. Before them
 * stand the number of the allocation that fails, and how the ranks are that records are made to fit. */
#include "fuzz/support.h"

#include <evreplay/ranks.h>

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINES = 6, MOST_RANKS = 16 };

typedef struct input {
    size_t fail_at;
    evr_ranks how;
    evr_str lines[LINES];
} input;

static input take_input(fuzz_bytes *bytes)
{
    input in = {.fail_at = fuzz_u8(bytes), .how = {.struct_size = sizeof in.how}};
    uint8_t count = fuzz_u8(bytes), sizes = fuzz_u8(bytes);
    in.how.count = 1 + count % MOST_RANKS;
    in.how.rank = (count >> 4) % in.how.count;
    in.how.group_size = sizes & 15;
    in.how.expert_size = sizes >> 4 & 7;
    in.how.flags = sizes & 128 ? EVR_RANKS_OWN_RECORDS : 0;
    for (int i = 0; i < LINES; i++)
        in.lines[i] = fuzz_line(bytes);
    return in;
}

/* The trace of rank 0 or 1, from malloc. */
static char *write_trace(const input *in, int rank, size_t *size)
{
    const evr_str *l = in->lines;
    size_t cap = 2000;
    for (int i = 0; i < LINES; i++)
        cap += 2 * l[i].len; /* some stand in it twice */
    char *text = malloc(cap);
    FUZZ_NEED(text);
    *size = (size_t)snprintf(text, cap,
        "{\"distributedInfo\":{%.*s},\"baseTimeNanoseconds\":5,\"traceEvents\":["
        "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"%.*s\",\"pid\":1,\"tid\":1,\"ts\":10,\"dur\":40,\"args\":{%.*s}},"
        "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"record_param_comms\",\"pid\":1,\"tid\":1,\"ts\":%d,\"dur\":30,\"args\":{%.*s}},"
        "{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":1,\"tid\":1,\"ts\":14,\"dur\":2,\"args\":{\"correlation\":5}},"
        "{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"%.*s\",\"pid\":0,\"tid\":7,\"ts\":20,\"dur\":9,\"args\":{\"correlation\":5,\"device\":0,\"stream\":7}},"
        "{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"%.*s\",\"pid\":0,\"tid\":7,\"ts\":60,\"dur\":9,\"args\":{\"device\":0,\"stream\":7}},"
        "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"record_param_comms\",\"pid\":1,\"tid\":1,\"ts\":80,\"dur\":3,\"args\":{%.*s}}]}",
        EVR_STR_ARG(l[0]), EVR_STR_ARG(l[1]), EVR_STR_ARG(l[2]), 12 + rank, EVR_STR_ARG(l[rank ? 5 : 3]), EVR_STR_ARG(l[4]), EVR_STR_ARG(l[4]),
        EVR_STR_ARG(l[3]));
    FUZZ_NEED(*size < cap);
    return text;
}

/* Everything that is said of a record can be read again. */
static void write_and_read(evr_context *ctx, const evr_ir *ir)
{
    char *text = NULL;
    size_t size;
    evr_ir_set *again = NULL;
    evr_error *err = NULL;
    if (evr_ir_write(ctx, &ir, 1, EVR_IR_FORMAT_EVREPLAY, &text, &size, NULL) == EVR_OK) {
        evr_status status = evr_ir_read(ctx, text, size, &again, &err);
        if (status != EVR_OK && status != EVR_E_NOMEM)
            fprintf(stderr, "%s\n%s\n", evr_error_message(err), text);
        FUZZ_NEED(status == EVR_OK || status == EVR_E_NOMEM);
        fuzz_check_outcome(status, again, err);
        evr_ir_set_free(again);
    }
    evr_text_free(ctx, text);
}

static void fit(evr_context *ctx, const evr_ir *ir, const evr_ranks *how)
{
    int64_t ranks[MOST_RANKS];
    size_t count;
    int32_t needed;
    evr_ir *fitted = NULL;
    evr_error *err = NULL;
    evr_status status = evr_ir_fit_ranks(ir, how, &fitted, ranks, &count, &needed, &err);
    fuzz_check_outcome(status, fitted, err);
    if (fitted) {
        FUZZ_NEED(count >= 1 && count <= (size_t)how->count && evr_ir_group(fitted)->rank_count == count);
        for (size_t i = 0; i < count; i++)
            FUZZ_NEED(ranks[i] >= 0 && ranks[i] < how->count);
        write_and_read(ctx, fitted);
    }
    FUZZ_NEED(needed == 0 || (status == EVR_E_NOT_REPLAYABLE && needed > how->count));
    evr_ir_free(fitted);
}

static void extract(evr_context *ctx, const evr_trace *trace, const evr_ranks *how)
{
    evr_extractor *x = NULL;
    const evr_call *calls;
    size_t n;
    if (evr_extractor_new(ctx, trace, NULL, &x, NULL) == EVR_OK && evr_extractor_calls(x, &calls, &n, NULL) == EVR_OK)
        for (size_t i = 0; i < n; i++) {
            evr_ir *ir = NULL;
            evr_error *err = NULL;
            evr_status status = evr_extractor_record(x, calls[i].uid, &ir, &err);
            fuzz_check_outcome(status, ir, err);
            if (ir) {
                write_and_read(ctx, ir);
                fit(ctx, ir, how);
            }
            evr_ir_free(ir);
        }
    evr_extractor_free(x);
}

/* Both ranks' traces as a set. A set is of files. */
static void load_set(evr_context *ctx, char *const *texts, const size_t *sizes)
{
    char names[2][64];
    const char *paths[2];
    int files[2];
    for (int i = 0; i < 2; i++) {
        files[i] = memfd_create("rank", 0);
        FUZZ_NEED(files[i] >= 0 && write(files[i], texts[i], sizes[i]) == (ssize_t)sizes[i]);
        snprintf(names[i], sizeof names[i], "/proc/self/fd/%d", files[i]);
        paths[i] = names[i];
    }
    evr_trace_set_options options = {.struct_size = sizeof options, .flags = EVR_TRACE_RECOVER, .threads = 1};
    evr_trace_set *set = NULL;
    evr_error *err = NULL;
    evr_status status = evr_trace_set_open(ctx, paths, 2, &options, &set, &err);
    fuzz_check_outcome(status, set, err);
    for (size_t i = 0; set && i < evr_trace_set_collective_count(set); i++) {
        evr_collective c = {.struct_size = sizeof c};
        FUZZ_NEED(evr_trace_set_collective(set, i, &c, NULL) == EVR_OK);
        FUZZ_NEED(c.members == 2 && c.first_ns <= c.last_ns);
    }
    evr_trace_set_free(set);
    close(files[0]);
    close(files[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes bytes = {data, size};
    fuzz_memory memory = {.most = (size_t)1 << 28};
    evr_trace_options options = {.struct_size = sizeof options, .flags = EVR_TRACE_RECOVER, .threads = 1};
    if (size < 3 || memchr(data + 3, 0, size - 3)) /* texts end there when they are printed */
        return 0;
    input in = take_input(&bytes);
    evr_context *ctx = fuzz_context(&memory);
    evr_trace *trace = NULL;
    char *texts[2];
    size_t sizes[2];
    for (int i = 0; i < 2; i++)
        texts[i] = write_trace(&in, i, &sizes[i]);
    memory.fail_at = 0;
    if (evr_trace_open_memory(ctx, texts[0], sizes[0], &options, &trace, NULL) == EVR_OK) {
        memory.fail_at = in.fail_at ? memory.calls + in.fail_at : 0;
        memory.fail_once = in.how.flags != 0;
        extract(ctx, trace, &in.how);
        memory.fail_at = in.fail_at ? memory.calls + in.fail_at : 0;
        load_set(ctx, texts, sizes);
        memory.fail_at = 0;
    }
    evr_trace_free(trace);
    free(texts[0]);
    free(texts[1]);
    fuzz_context_done(ctx, &memory);
    return 0;
}
