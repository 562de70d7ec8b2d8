/* What inference servers say of a batch in the annotations they put around a step. */
#include "ir/batch.h"

#include "base/sized.h"

/* The number behind a word, such as 9 of "_context_9("; what follows stays in *rest. */
static bool number_behind(evr_str text, const char *word, int64_t *out, evr_str *rest)
{
    const char *at = text.len ? memmem(text.data, text.len, word, strlen(word)) : NULL;
    if (!at)
        return false;
    size_t from = (size_t)(at - text.data) + strlen(word), to = from;
    while (to < text.len && to - from < 18 && text.data[to] >= '0' && text.data[to] <= '9')
        to++;
    *rest = evr_str_sub(text, to, text.len);
    return to > from && evr_str_to_i64(evr_str_sub(text, from, to), out);
}

/* "9(8155)" or "9(sq8155sk8430sqsq7475785sqsk7671310)": requests, tokens of theirs in this step, and with "sk" the tokens their sequences have. vLLM's first
 * form has the sum of squares of the tokens behind them: "1(888_788544)". */
static bool group(evr_str text, const char *word, int64_t *requests, int64_t *tokens, int64_t *cached, evr_str *rest)
{
    if (!number_behind(text, word, requests, rest) || !evr_str_starts(*rest, "("))
        return false;
    size_t end = evr_str_find(*rest, ')', 0);
    evr_str inside = evr_str_sub(*rest, 0, end), unused;
    if (!number_behind(inside, "(sq", tokens, &unused) && !number_behind(inside, "(", tokens, &unused))
        return false;
    if (!number_behind(unused, "sk", cached, &unused))
        *cached = 0;
    return end != SIZE_MAX;
}

static bool vllm_step(evr_str text, evr_batch_context *b)
{
    evr_str rest;
    return evr_str_starts(text, "execute_") && group(text, "context_", &b->context_requests, &b->context_tokens, &b->context_cached, &rest) &&
           group(rest, "generation_", &b->generation_requests, &b->generation_tokens, &b->generation_cached, &rest);
}

static bool sglang_step(evr_str text, evr_batch_context *b)
{
    evr_str rest;
    int64_t requests, tokens;
    if (!evr_str_starts(text, "step[") || !number_behind(text, " bs=", &requests, &rest) || !number_behind(rest, " toks=", &tokens, &rest))
        return false;
    if (evr_str_starts(text, "step[EXTEND")) {
        b->context_requests = requests;
        b->context_tokens = tokens;
        return true;
    }
    b->generation_requests = requests;
    b->generation_tokens = tokens;
    return evr_str_starts(text, "step[DECODE");
}

int32_t evr_batch_context_parse(evr_str text, evr_batch_context *out)
{
    evr_batch_context b = {.struct_size = out->struct_size};
    if (!vllm_step(text, &b)) {
        b = (evr_batch_context){.struct_size = out->struct_size};
        if (!sglang_step(text, &b))
            return 0;
    }
    EVR_GIVE(out, &b);
    return 1;
}

int32_t evr_ir_batch_context(const evr_ir *ir, evr_batch_context *out)
{
    if (!ir->has_batch)
        return 0;
    evr_batch_context b = ir->batch;
    b.struct_size = out->struct_size;
    EVR_GIVE(out, &b);
    return 1;
}

void evr_event_batch(const evr_trace *trace, evr_uid uid, evr_ir *ir)
{
    evr_batch_context batch = {.struct_size = sizeof batch};
    for (int depth = 0; depth < 64 && (uid = evr_trace_annotation_of(trace, uid)) != EVR_NO_UID; depth++) {
        evr_event e = {.struct_size = sizeof e};
        if (evr_trace_event(trace, uid, &e, NULL) == EVR_OK && evr_batch_context_parse(e.name, &batch)) {
            ir->batch = batch;
            ir->has_batch = true;
            return;
        }
    }
}
