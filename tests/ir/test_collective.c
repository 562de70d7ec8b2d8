/* Records of calls to other ranks, and those records made to fit the ranks that there are: what comes out, and what happens when memory runs out. */
#include "ir/argument.h"
#include "support/sweep.h"

#include <evreplay/ranks.h>

#include "base/error.h"

#include <stdbool.h>

enum { MOST = 32, RANKS = 8 };

#define EVENT(name, ts, dur, args) "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"" name "\",\"pid\":1,\"tid\":1,\"ts\":" #ts ",\"dur\":" #dur ",\"args\":{" args "}}"
#define TOLD(name, in, out, more)                                                                                                       \
    "\"Collective name\":\"" name "\",\"In msg nelems\":" #in ",\"Out msg nelems\":" #out ",\"Group size\":4,\"dtype\":\"Float\"," more \
    "\"Process Group Name\":\"7\",\"Process Group Description\":\"\""
#define RANKS_OF(text) "\"Process Group Ranks\":\"" text "\","
#define SPLITS(in, out) "\"In split size\":\"" in "\",\"Out split size\":\"" out "\","

/* One of every way in which a profiler tells of a collective. */
static const char trace_text[] =
    "{\"distributedInfo\":{\"backend\":\"nccl\",\"rank\":1,\"world_size\":4,\"pg_count\":2,\"pg_config\":["
    "{\"pg_name\":\"0\",\"pg_desc\":\"default_pg\",\"backend_config\":\"cuda:nccl\",\"pg_size\":8,\"ranks\":\"[0, 1]\"},"
    "{\"pg_name\":\"7\",\"pg_desc\":\"tensor parallel\",\"backend_config\":\"cpu:gloo,cuda:nccl\",\"pg_size\":4,\"ranks\":\"[0, 1, 2, 3]\"}]},"
    "\"traceEvents\":["
    EVENT("c10d::allreduce_", 10, 40, "") "," EVENT("record_param_comms", 12, 30, TOLD("allreduce", 600, 600, RANKS_OF(""))) ","
    "{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":1,\"tid\":1,\"ts\":14,\"dur\":2,\"args\":{\"correlation\":5}},"
    "{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"ncclDevKernel_AllReduce_Max_f32_RING_LL(args)\",\"pid\":0,\"tid\":7,\"ts\":20,\"dur\":9,"
    "\"args\":{\"correlation\":5,\"device\":1,\"stream\":7}},"
    EVENT("record_param_comms", 60, 5, TOLD("_allgather_base", 30, 120, RANKS_OF("[0, 1, 2, 3]"))) ","
    EVENT("record_param_comms", 70, 5, TOLD("all_to_allv", 50, 40, RANKS_OF("[0, 1, ...") SPLITS("[1, 2, 3, 4]", "[2, 2, 2, 2]"))) ","
    EVENT("record_param_comms", 80, 5, TOLD("reduce_scatter", 64, 16, "\"Global rank start\":2,\"Global rank stride\":3," RANKS_OF("[0, 1, ..."))) ","
    EVENT("record_param_comms", 90, 5, TOLD("gather", 16, 64, "\"Root Rank\":2," RANKS_OF("[]"))) ","
    EVENT("record_param_comms", 100, 5, TOLD("wait", 0, 0, "")) ","
    EVENT("c10d::broadcast_", 110, 20, "\"Input Dims\":[[[4,5]],[],[],[],[],[]],\"Input type\":[\"TensorList\",\"\",\"Scalar\",\"Scalar\",\"Scalar\",\"Scalar\"],"
          "\"Input Strides\":[[[5,1]],[],[],[],[],[]],\"Concrete Inputs\":[\"\",\"\",\"0\",\"0\",\"True\",\"-1\"]") ","
    EVENT("c10d::alltoall_", 140, 30, "") ","
    EVENT("record_param_comms", 142, 20, TOLD("all_to_all", 64, 64, RANKS_OF("[0, 1, 2, 3]") SPLITS("[8, 8, 8, 8]", "[8, 8, 8, 8]"))) ","
    EVENT("nccl:all_reduce", 180, 5, "\"Input Dims\":[[7,3]],\"Input type\":[\"float\"],\"Input Strides\":[[3,1]]") ","
    EVENT("_c10d_functional::all_gather_into_tensor", 190, 8, "\"Input Dims\":[[6,2],[],[]],\"Input type\":[\"float\",\"Scalar\",\"\"],"
          "\"Input Strides\":[[2,1],[],[]],\"Concrete Inputs\":[\"\",\"4\",\"7\"]") ","
    EVENT("record_param_comms", 200, 5, "\"Collective name\":\"allreduce\",\"In msg nelems\":\"9\",\"dtype\":\"Strange\",\"Process Group Name\":\"0\"") ","
    EVENT("record_param_comms", 210, 5, "\"Collective name\":\"\",\"In msg nelems\":9")
    "]}";

typedef struct records {
    evr_ir *items[MOST];
    size_t count;
} records;

static void drop(records *r)
{
    for (size_t i = 0; i < r->count; i++)
        evr_ir_free(r->items[i]);
    r->count = 0;
}

/* Records of the unique calls of the trace. */
static evr_status extract_from(evr_context *ctx, const evr_trace *trace, records *out, evr_error **err)
{
    evr_extractor *x = NULL;
    const evr_call *calls = NULL;
    size_t n = 0;
    evr_status status = evr_extractor_new(ctx, trace, NULL, &x, err);
    if (status == EVR_OK)
        status = evr_extractor_calls(x, &calls, &n, err);
    assert_true(n <= MOST);
    for (size_t i = 0; status == EVR_OK && i < n; i++) {
        status = evr_extractor_record(x, calls[i].uid, &out->items[i], err);
        out->count += status == EVR_OK;
    }
    evr_extractor_free(x);
    return status;
}

static evr_status extract(evr_context *ctx, const char *text, records *out, evr_error **err)
{
    evr_trace_options options = {.struct_size = sizeof options, .threads = 1};
    evr_trace *trace = NULL;
    out->count = 0;
    evr_status status = evr_trace_open_memory(ctx, text, strlen(text), &options, &trace, err);
    if (status == EVR_OK)
        status = extract_from(ctx, trace, out, err);
    evr_trace_free(trace);
    if (status != EVR_OK)
        drop(out);
    return status;
}

static evr_status write(evr_context *ctx, const records *r, char **text, size_t *size, evr_error **err)
{
    return evr_ir_write(ctx, (const evr_ir *const *)r->items, r->count, EVR_IR_FORMAT_EVREPLAY, text, size, err);
}

/* What a step has to make, to the byte; the first run without failures sets it. */
typedef struct wanted {
    char *text;
    size_t size;
    const char *trace, *records;
    const evr_ranks *how;
} wanted;

static void compare(wanted *w, const char *text, size_t size)
{
    if (!w->text) {
        w->text = malloc(size + 1);
        assert_non_null(w->text);
        memcpy(w->text, text, size + 1);
        w->size = size;
    }
    size_t at = 0;
    while (at < size && at < w->size && text[at] == w->text[at])
        at++;
    size_t from = at < 60 ? 0 : at - 60;
    if (size != w->size || at != size) /* only where they part: the documents are long */
        fail_msg("made \"%.120s\", not \"%.120s\", from byte %zu on", text + from, w->text + from, from);
}

static evr_status extract_step(evr_context *ctx, void *user, evr_error **err)
{
    wanted *w = user;
    records r;
    char *text = NULL;
    size_t size;
    EVR_TRY(extract(ctx, w->trace, &r, err));
    evr_status status = write(ctx, &r, &text, &size, err);
    if (status == EVR_OK)
        compare(w, text, size);
    evr_text_free(ctx, text);
    drop(&r);
    return status;
}

static void once_without_failures(test_step step, wanted *w)
{
    test_memory m;
    evr_context *ctx = test_context(&m);
    assert_ok(step(ctx, w, err));
    assert_non_null(w->text);
    test_context_done(ctx, &m);
}

static void test_collective__memory_runs_out(void **state)
{
    (void)state;
    wanted w = {.trace = trace_text};
    once_without_failures(extract_step, &w);
    test_sweep_both("records of collectives", extract_step, &w);
    free(w.text);
}

/* Lists of tensors, escaped texts and the storages of execution traces: what else records are made from. */
static void test_collective__memory_runs_out_in_other_calls(void **state)
{
    (void)state;
    static const char *const inputs[] = {"small_kineto.json", "small_execution.json"};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        size_t size;
        char *text = test_read_file(test_data(inputs[i]), &size);
        assert_non_null(text);
        wanted w = {.trace = text};
        once_without_failures(extract_step, &w);
        test_sweep_both(inputs[i], extract_step, &w);
        free(w.text);
        free(text);
    }
}

static void test_collective__what_is_told(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    records r;
    assert_ok(extract(ctx, trace_text, &r, err));
    const evr_group *g = evr_ir_group(r.items[0]); /* its event has no ranks: the metadata has them */
    assert_str(g->name, "7");
    assert_str(g->description, "tensor parallel");
    assert_str(g->backend, "cpu:gloo,cuda:nccl");
    assert_int_equal(g->rank_count, 4);
    assert_str(argument(r.items[0], "reduce_op")->value.u.s, "max");
    size_t spaced = 0;
    for (size_t i = 0; i < r.count; i++)
        if ((g = evr_ir_group(r.items[i])) && g->rank_count == 4 && g->ranks[0] == 2) {
            assert_int_equal(g->ranks[3], 11);
            spaced++;
        }
    assert_int_equal(spaced, 1);
    drop(&r);
    test_context_done(ctx, &m);
}

/* PyTorch 2.0: other arguments than today, a list whose tensors were not written, and an annotation beside the operator. */
static const char earlier_text[] =
    "{\"traceEvents\":["
    EVENT("c10d::allreduce_", 10, 40, "\"Input Dims\":[[],[],[],[]],\"Input type\":[\"TensorList\",\"\",\"\",\"Scalar\"]") ","
    EVENT("record_param_comms", 12, 30, "\"Input Dims\":[[],[]],\"Input type\":[\"TensorList\",\"Scalar\"]") ","
    "{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"nccl:all_reduce\",\"pid\":1,\"tid\":1,\"ts\":14,\"dur\":9,"
    "\"args\":{\"Input Dims\":[[7,3]],\"Input type\":[\"c10::Half\"]}},"
    EVENT("c10d::allreduce_", 60, 5, "\"Input Dims\":[[],[],[],[]],\"Input type\":[\"TensorList\",\"\",\"\",\"Scalar\"]") ","
    "{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"nccl:all_reduce\",\"pid\":1,\"tid\":1,\"ts\":80,\"dur\":9,"
    "\"args\":{\"Input Dims\":[[5]],\"Input type\":[\"c10::Half\"]}}"
    "]}";

static void test_collective__of_earlier_profilers(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    records r;
    assert_ok(extract(ctx, earlier_text, &r, err));
    const evr_tensor *t = argument(r.items[0], "tensors")->value.u.list.items[0].u.tensor;
    assert_int_equal(t->shape[0], 21);
    assert_int_equal(t->dtype, EVR_DTYPE_FLOAT16);
    assert_int_equal(argument(r.items[0], "sparse_indices")->value.kind, EVR_VALUE_NONE);
    for (size_t i = 1; i < r.count; i++) /* the annotation after it is another call's */
        if (evr_ir_uid(r.items[i]) == 3)
            assert_int_equal(argument(r.items[i], "tensors")->value.kind, EVR_VALUE_MISSING);
    drop(&r);
    test_context_done(ctx, &m);
    wanted w = {.trace = earlier_text};
    once_without_failures(extract_step, &w);
    test_sweep_both("collectives of earlier profilers", extract_step, &w);
    free(w.text);
}

/* Every record of a document as one rank has it, as a document. */
static evr_status fit_step(evr_context *ctx, void *user, evr_error **err)
{
    wanted *w = user;
    records fitted = {0};
    evr_ir_set *set = NULL;
    char *text = NULL;
    size_t size = 0, rank_count;
    EVR_TRY(evr_ir_read(ctx, w->records, strlen(w->records), &set, err));
    evr_status status = EVR_OK;
    for (size_t i = 0; i < evr_ir_set_count(set) && status == EVR_OK; i++) {
        int64_t ranks[RANKS];
        int32_t needed;
        evr_ir *ir = NULL;
        status = evr_ir_fit_ranks(evr_ir_set_at(set, i), w->how, &ir, ranks, &rank_count, &needed, err);
        assert_true((status == EVR_OK) == (ir != NULL));
        if (status == EVR_OK) {
            fitted.items[fitted.count++] = ir;
        } else if (status != EVR_E_NOMEM) { /* too few ranks, or sizes that do not fit: the same whatever memory there is */
            evr_error_free(*err);
            *err = NULL;
            status = EVR_OK;
        }
    }
    if (status == EVR_OK)
        status = write(ctx, &fitted, &text, &size, err);
    if (status == EVR_OK)
        compare(w, text, size);
    evr_text_free(ctx, text);
    drop(&fitted);
    evr_ir_set_free(set);
    return status;
}

static void test_collective__memory_runs_out_while_fitting(void **state)
{
    (void)state;
    static const struct {
        int32_t rank, count, group, expert;
        uint32_t flags;
    } cases[] = {{0, 4, 0, 0, 0}, {1, 2, 2, 0, 0}, {5, 8, 8, 2, 0}, {3, 4, 0, 4, EVR_RANKS_OWN_RECORDS}};
    wanted extracted = {.trace = trace_text};
    once_without_failures(extract_step, &extracted);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const evr_ranks how = {.struct_size = sizeof how, .flags = cases[i].flags, .rank = cases[i].rank, .count = cases[i].count,
                               .group_size = cases[i].group, .expert_size = cases[i].expert};
        wanted w = {.records = extracted.text, .how = &how};
        once_without_failures(fit_step, &w);
        assert_true(strstr(w.text, "evreplay:0") != NULL);
        test_sweep_both("records fitted to ranks", fit_step, &w);
        free(w.text);
    }
    free(extracted.text);
}

/* Sizes and ranks that no group has, and products beyond any number: a record comes out all the same, and can be read again. */
static void test_collective__numbers_beyond_reason(void **state)
{
    (void)state;
    static const char *const args[] = {
        TOLD("_allgather_base", 9223372036854775807, -1, RANKS_OF("[0, 1]")),
        TOLD("allreduce", 8, 8, "\"Global rank start\":9223372036854775807,\"Global rank stride\":9223372036854775807," RANKS_OF("")),
        TOLD("allreduce", 8, 8, "\"Global rank start\":0,\"Global rank stride\":9223372036854775807," RANKS_OF("")),
        TOLD("allreduce", 8, 8, RANKS_OF("[0, 1, 2, 9223372036854775807]")),
        TOLD("allreduce", 8, 8, "\"Global rank start\":1048576,\"Global rank stride\":1," RANKS_OF("")),
        TOLD("all_to_allv", 8, 8, SPLITS("[9223372036854775807, 9223372036854775807, 6]", "[1]")),
    };
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_trace *trace = NULL;
        records r = {0};
        evr_ir_set *again = NULL;
        char text[2000], *written = NULL;
        size_t size = (size_t)snprintf(text, sizeof text, "{\"traceEvents\":[" EVENT("record_param_comms", 1, 2, "%s") "]}", args[i]);
        assert_ok(evr_trace_open_memory(ctx, text, size, NULL, &trace, err));
        assert_ok(extract_from(ctx, trace, &r, err));
        assert_int_equal(r.count, 1);
        assert_int_equal(evr_ir_group(r.items[0])->size, 4);
        assert_int_equal(evr_ir_group(r.items[0])->rank_count, 0);
        assert_ok(write(ctx, &r, &written, &size, err));
        assert_ok(evr_ir_read(ctx, written, size, &again, err));
        evr_ir_set_free(again);
        evr_text_free(ctx, written);
        drop(&r);
        evr_trace_free(trace);
        test_context_done(ctx, &m);
    }
}

#define TENSOR(shape) "{\"tensor\":{\"shape\":" shape ",\"strides\":[2,1],\"dtype\":\"float32\"}}"
#define ARGUMENT(name, type, value) "{\"name\":\"" name "\",\"type\":\"" type "\",\"value\":" value "}"
#define GROUP ",\"group\":{\"name\":\"7\",\"size\":4,\"ranks\":[0,1,2,3]}"
#define EXCHANGE(group, in, out)                                                                                                            \
    "{\"op\":\"c10d::alltoall_base_\",\"args\":[" ARGUMENT("output", "Tensor", TENSOR("[11,2]")) "," ARGUMENT("input", "Tensor", TENSOR("[10,2]")) \
    "," ARGUMENT("output_split_sizes", "int[]", out) "," ARGUMENT("input_split_sizes", "int[]", in) "]" group "}"

/* Gives the record of that text as this rank has it, or its failure. */
static evr_status fit_text(evr_context *ctx, const char *record, evr_ranks how, evr_ir **out, int32_t *needed, evr_error **err)
{
    char text[2000];
    int64_t ranks[RANKS];
    size_t count, size = (size_t)snprintf(text, sizeof text, "{\"evreplay_ir\":1,\"records\":[%s]}", record);
    evr_ir_set *set = NULL;
    assert_int_equal(evr_ir_read(ctx, text, size, &set, NULL), EVR_OK);
    how.struct_size = sizeof how;
    evr_status status = evr_ir_fit_ranks(evr_ir_set_at(set, 0), &how, out, ranks, &count, needed, err);
    evr_ir_set_free(set);
    return status;
}

static void assert_parts(const evr_ir *ir, const char *name, const int64_t *parts, size_t count)
{
    const evr_value *v = &argument(ir, name)->value;
    assert_int_equal(v->kind, EVR_VALUE_LIST);
    assert_int_equal(v->u.list.len, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(v->u.list.items[i].u.i, parts[i]);
}

/* Parts that were recorded stay where the group keeps its size, and are made even where it does not; experts' groups have a size of their own. */
static void test_collective__exchanges_follow_the_experts(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        int32_t count, rank, group, expert;
        size_t size;
        int64_t sent[4], received[4], rows; /* of the output */
    } cases[] = {
        {EXCHANGE(GROUP, "[1,2,3,4]", "[2,3,3,3]"), 4, 2, 0, 0, 4, {1, 2, 3, 4}, {3, 3, 3, 3}, 12},
        {EXCHANGE(GROUP, "[1,2,3,4]", "[2,3,3,3]"), 4, 1, 0, 2, 2, {5, 5}, {5, 5}, 10},
        {EXCHANGE(GROUP, "[1,2,3,4]", "[2,3,3,3]"), 4, 1, 4, 2, 2, {5, 5}, {5, 5}, 10},
        {EXCHANGE(GROUP, "[1,2,3,4]", "[2,3,3,3]"), 4, 2, 2, 3, 3, {4, 3, 3}, {3, 3, 3}, 9},
        {EXCHANGE("", "[1,2,3,4]", "[2,3,3,3]"), 8, 3, 0, 0, 4, {1, 2, 3, 4}, {4, 4, 4, 4}, 16}, /* no group was recorded: as many as parts */
        {EXCHANGE(GROUP, "[1,2,3,9]", "[2,3,3,3]"), 4, 0, 0, 0, 4, {3, 3, 2, 2}, {3, 3, 3, 3}, 12}, /* parts that do not add up */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_ir *ir = NULL;
        int32_t needed;
        const evr_ranks how = {.rank = cases[i].rank, .count = cases[i].count, .group_size = cases[i].group, .expert_size = cases[i].expert};
        assert_ok(fit_text(ctx, cases[i].record, how, &ir, &needed, err));
        assert_int_equal(evr_ir_group(ir)->size, cases[i].size);
        assert_parts(ir, "input_split_sizes", cases[i].sent, cases[i].size);
        assert_parts(ir, "output_split_sizes", cases[i].received, cases[i].size);
        assert_int_equal(argument(ir, "output")->value.u.tensor->shape[0], cases[i].rows);
        assert_int_equal(argument(ir, "input")->value.u.tensor->shape[0], 10);
        evr_ir_free(ir);
        test_context_done(ctx, &m);
    }
}

#define ONE TENSOR("[3,2]")
#define LIST_OF(a, b, c, d) "[" a "," b "," c "," d "]"
#define RECORD(op, arguments) "{\"op\":\"" op "\",\"args\":[" arguments "]" GROUP "}"

static int64_t first_size(const evr_value *v) { return v->kind == EVR_VALUE_TENSOR ? v->u.tensor->shape[0] : -1; }

static void test_collective__lists_follow_the_ranks(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_ranks third = {.rank = 2, .count = 4}, second_of_two = {.rank = 1, .count = 4, .group_size = 2};
    evr_ir *ir = NULL;
    int32_t needed;
    const char *exchange = RECORD("c10d::alltoall_", ARGUMENT("output_tensors", "Tensor[]", LIST_OF(ONE, ONE, ONE, ONE)) "," ARGUMENT("input_tensors", "Tensor[]",
                                  LIST_OF(TENSOR("[1,2]"), TENSOR("[2,2]"), TENSOR("[5,2]"), TENSOR("[7,2]"))));
    assert_ok(fit_text(ctx, exchange, third, &ir, &needed, err));
    const evr_value *out = &argument(ir, "output_tensors")->value;
    assert_int_equal(out->u.list.len, 4);
    for (size_t i = 0; i < 4; i++) /* every rank sends the third what it has for the third place */
        assert_int_equal(first_size(&out->u.list.items[i]), 5);
    evr_ir_free(ir);
    assert_ok(fit_text(ctx, exchange, second_of_two, &ir, &needed, err));
    out = &argument(ir, "output_tensors")->value;
    assert_int_equal(out->u.list.len, 2);
    assert_int_equal(first_size(&out->u.list.items[1]), first_size(&argument(ir, "input_tensors")->value.u.list.items[1]));
    evr_ir_free(ir);

    const char *gathered = RECORD("c10d::allgather_coalesced_", ARGUMENT("output_lists", "Tensor[][]", LIST_OF("[" ONE "]", "[" ONE "]", "[" ONE "]", "[" ONE "]")) ","
                                  ARGUMENT("input_list", "Tensor[]", "[" ONE "]"));
    assert_ok(fit_text(ctx, gathered, second_of_two, &ir, &needed, err));
    out = &argument(ir, "output_lists")->value;
    assert_int_equal(out->u.list.len, 2); /* a list for each rank, of as many tensors as before */
    assert_int_equal(out->u.list.items[1].u.list.len, 1);
    evr_ir_free(ir);

    const char *told = RECORD("_c10d_functional::broadcast", ARGUMENT("input", "Tensor", ONE) "," ARGUMENT("src", "int", "3"));
    assert_ok(fit_text(ctx, told, second_of_two, &ir, &needed, err));
    assert_int_equal(argument(ir, "src")->value.u.i, 0);
    evr_ir_free(ir);
    assert_ok(fit_text(ctx, told, third, &ir, &needed, err));
    assert_int_equal(argument(ir, "src")->value.u.i, 3);
    evr_ir_free(ir);
    test_context_done(ctx, &m);
}

/* Other collectives do not follow the experts, and sizes that cannot be are told. */
static void test_collective__sizes_of_groups(void **state)
{
    (void)state;
    static const char reduce[] = "{\"op\":\"_c10d_functional::all_reduce\",\"args\":[" ARGUMENT("input", "Tensor", TENSOR("[8,2]")) "]" GROUP "}";
    static const char exchange[] = EXCHANGE(GROUP, "[1,2,3,4]", "[2,3,3,3]"), alone[] = EXCHANGE("", "[1,2,3,4]", "[2,3,3,3]");
    static const struct {
        const char *record;
        int32_t count, group, expert;
        evr_status status;
        int32_t size_or_needed;
    } cases[] = {
        {reduce, 4, 0, 2, EVR_OK, 4},          {reduce, 4, 2, 4, EVR_OK, 2},          {reduce, 2, 0, 2, EVR_E_NOT_REPLAYABLE, 4},
        {exchange, 2, 0, 0, EVR_E_NOT_REPLAYABLE, 4}, {exchange, 2, 0, 3, EVR_E_NOT_REPLAYABLE, 3}, {exchange, 2, 3, 2, EVR_OK, 2},
        {exchange, 2, 0, INT32_MAX, EVR_E_NOT_REPLAYABLE, INT32_MAX}, {alone, 2, 0, 0, EVR_E_NOT_REPLAYABLE, 4},
        {exchange, 4, 0, -1, EVR_E_INVALID, 0}, {exchange, 4, -2, 2, EVR_E_INVALID, 0}, {reduce, 4, 0, -1, EVR_E_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_memory m;
        evr_context *ctx = test_context(&m);
        evr_ir *ir = NULL;
        evr_error *err = NULL;
        int32_t needed = 0;
        const evr_ranks how = {.count = cases[i].count, .group_size = cases[i].group, .expert_size = cases[i].expert};
        assert_int_equal(fit_text(ctx, cases[i].record, how, &ir, &needed, &err), cases[i].status);
        assert_int_equal(evr_error_code(err), cases[i].status);
        if (cases[i].status == EVR_OK)
            assert_int_equal(evr_ir_group(ir)->size, cases[i].size_or_needed);
        else
            assert_int_equal(needed, cases[i].size_or_needed);
        if (cases[i].status == EVR_E_INVALID)
            assert_non_null(strstr(evr_error_message(err), "a group of -"));
        evr_error_free(err);
        evr_ir_free(ir);
        test_context_done(ctx, &m);
    }
}

/* A record that is asked for before the calls changes nothing of what the calls say. */
static void test_collective__calls_after_a_record(void **state)
{
    (void)state;
    test_memory m;
    evr_context *ctx = test_context(&m);
    evr_trace *trace = NULL;
    evr_extractor *x = NULL;
    evr_ir *ir = NULL;
    const evr_call *calls;
    size_t n;
    assert_ok(evr_trace_open_memory(ctx, trace_text, sizeof trace_text - 1, NULL, &trace, err));
    assert_ok(evr_extractor_new(ctx, trace, NULL, &x, err));
    assert_ok(evr_extractor_record(x, 0, &ir, err));
    assert_ok(evr_extractor_calls(x, &calls, &n, err));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(calls[i].status, EVR_STATUS_SKIPPED);
    evr_ir_free(ir);
    evr_extractor_free(x);
    evr_trace_free(trace);
    test_context_done(ctx, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collective__what_is_told),
        cmocka_unit_test(test_collective__of_earlier_profilers),
        cmocka_unit_test(test_collective__memory_runs_out),
        cmocka_unit_test(test_collective__memory_runs_out_in_other_calls),
        cmocka_unit_test(test_collective__memory_runs_out_while_fitting),
        cmocka_unit_test(test_collective__exchanges_follow_the_experts),
        cmocka_unit_test(test_collective__lists_follow_the_ranks),
        cmocka_unit_test(test_collective__sizes_of_groups),
        cmocka_unit_test(test_collective__numbers_beyond_reason),
        cmocka_unit_test(test_collective__calls_after_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
