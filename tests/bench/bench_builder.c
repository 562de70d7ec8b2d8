/* What it costs to hand a profiler's events to the library one by one, without JSON.
 *
 * usage: bench_builder [EVENTS] */
#include "bench/timing.h"

#include <evreplay/evreplay.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t allocations;

static void *count_alloc(void *user, size_t size)
{
    (void)user;
    allocations++;
    return malloc(size);
}

static void *count_resize(void *user, void *block, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    allocations++;
    return realloc(block, new_size);
}

static void count_release(void *user, void *block, size_t size)
{
    (void)user;
    (void)size;
    free(block);
}

static void check(evr_status status, evr_error *err)
{
    if (status == EVR_OK)
        return;
    fprintf(stderr, "bench_builder: %s\n", evr_error_message(err));
    exit(1);
}

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

/* An operator, an operator inside it, a launch, its kernel: the mix of an eager training step. */
static evr_event_desc event_at(uint64_t i)
{
    static const char *const outer[] = {"aten::linear", "aten::relu", "aten::add", "aten::layer_norm", "aten::matmul", "aten::softmax"};
    static const char *const inner[] = {"aten::addmm", "aten::clamp_min", "aten::add_", "aten::native_layer_norm", "aten::bmm", "aten::_softmax"};
    static const char *const shapes[] = {"[[8,16],[32,16],[32]]", "[[8,32]]", "[[8,32],[8,32],[]]", "[[64,128],[],[],[]]"};
    uint64_t step = i / 4, op = step % 6;
    evr_event_desc e = {.struct_size = sizeof e, .pid = 4000, .tid = 4000, .sequence = -1, .device = -1, .stream = -1};
    e.start_ns = (int64_t)(1700000000000000000u + step * 40000 + i % 4 * 2000);
    e.duration_ns = 30000 - (int64_t)(i % 4) * 7000;
    e.correlation = i % 4 > 1 ? step + 1 : 0;
    switch (i % 4) {
    case 0:
    case 1:
        e.name = (evr_str){i % 4 ? inner[op] : outer[op], strlen(i % 4 ? inner[op] : outer[op])};
        e.category = TEXT("cpu_op");
        e.external_id = i + 1;
        e.sequence = (int64_t)step;
        e.dims = (evr_str){shapes[op % 4], strlen(shapes[op % 4])};
        e.types = TEXT("[\"float\",\"float\",\"float\"]");
        e.strides = TEXT("[[16,1],[16,1],[1]]");
        e.values = TEXT("[\"\",\"\",\"\"]");
        break;
    case 2:
        e.name = TEXT("cudaLaunchKernel");
        e.category = TEXT("cuda_runtime");
        break;
    default:
        e.name = TEXT("void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x3_tn_align8>(Params)");
        e.category = TEXT("kernel");
        e.pid = 0;
        e.tid = e.stream = 7;
        e.device = 0;
    }
    return e;
}

/* As a profiler does that formats its texts afresh for each event: none lies where it lay before. */
static void move_text(evr_str *s)
{
    static char ring[1 << 16];
    static size_t used;
    if (used + s->len > sizeof ring)
        used = 0;
    if (s->len)
        memcpy(ring + used, s->data, s->len);
    s->data = ring + used;
    used += s->len;
}

static evr_event_desc next_event(uint64_t i, bool moving)
{
    evr_event_desc e = event_at(i);
    evr_str *const texts[] = {&e.name, &e.category, &e.dims, &e.types, &e.strides, &e.values};
    for (size_t k = 0; moving && k < sizeof texts / sizeof *texts; k++)
        move_text(texts[k]);
    return e;
}

static double push_all(evr_trace_builder *builder, uint64_t events, bool moving)
{
    evr_error *err = NULL;
    double making = bench_now();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < events; i++) {
        evr_event_desc e = next_event(i, moving);
        sum += (uint64_t)e.start_ns;
    }
    __asm__ volatile("" : : "r"(sum));
    double start = bench_now();
    making = start - making;
    for (uint64_t i = 0; i < events; i++) {
        evr_event_desc e = next_event(i, moving);
        check(evr_trace_builder_push(builder, &e, &err), err);
    }
    return bench_now() - start - making; /* less what it takes to make up the events */
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    evr_allocator allocator = {EVR_INIT(evr_allocator), 0, NULL, count_alloc, count_resize, count_release};
    evr_context_options options = {.struct_size = sizeof options, .allocator = &allocator};
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    check(evr_context_new(&options, &ctx, &err), err);
    static const struct {
        const char *what;
        bool reserved, moving;
    } ways[] = {{"growing", false, false}, {"room reserved", true, false}, {"room reserved, texts formatted afresh", true, true}};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        const bool reserved = ways[way].reserved, moving = ways[way].moving;
        bench_samples push = {.count = 0}, finish = {.count = 0};
        uint64_t after_warm_up = 0;
        for (int round = 0; round < 7; round++) {
            evr_trace_builder *builder = NULL;
            evr_trace *trace = NULL;
            check(evr_trace_builder_new(ctx, NULL, &builder, &err), err);
            if (reserved)
                check(evr_trace_builder_reserve(builder, events + 1000, &err), err);
            push_all(builder, 1000, moving); /* names and shapes are known from here on */
            uint64_t before = allocations;
            bench_add(&push, push_all(builder, events, moving), 0);
            after_warm_up = allocations - before;
            double start = bench_now();
            check(evr_trace_builder_finish(builder, &trace, &err), err);
            bench_add(&finish, bench_now() - start, 0);
            evr_trace_free(trace);
            evr_trace_builder_free(builder);
        }
        printf("%s: %llu events, push %.1f ns each (min), %.1f (median); %llu allocations after warm-up, %.6f each; finish %.1f ns each\n",
               ways[way].what, (unsigned long long)events, bench_min(&push) / (double)events * 1e9,
               bench_median(&push) / (double)events * 1e9, (unsigned long long)after_warm_up, (double)after_warm_up / (double)events,
               bench_min(&finish) / (double)events * 1e9);
    }
    evr_context_free(ctx);
    return 0;
}
