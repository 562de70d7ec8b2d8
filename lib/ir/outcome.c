/* Statuses and reasons in words. */
#include <evreplay/ir.h>

#include <stdbool.h>

static const struct {
    int32_t reason;
    const char *name, *advice;
} reasons[] = {
    {EVR_REASON_AUTOGRAD_NODE, "autograd-node", "nothing: the operators that it ran are listed themselves"},
    {EVR_REASON_ANNOTATION, "annotation", "nothing: a label, not an operator"},
    {EVR_REASON_PYTHON_FUNCTION, "python-function", "nothing: the operators that it called are listed themselves"},
    {EVR_REASON_COMMUNICATION, "communication-without-group", "replay on several ranks with a process group"},
    {EVR_REASON_JIT_GRAPH, "jit-graph", "replay the operators or kernels inside; the compiled code is not in a trace"},
    {EVR_REASON_TRITON_KERNEL, "triton-kernel", "keep the generated source beside the trace; the kernel's code is not in it"},
    {EVR_REASON_NO_SUCH_OP, "no-such-op", "load the library that defines it, with --import NAMESPACE=LIBRARY"},
    {EVR_REASON_NO_SCHEMA_MATCH, "no-schema-match", "use the PyTorch version that recorded the trace, or look at the candidates with -v"},
    {EVR_REASON_MISSING_VALUES, "missing-values", "record the trace again with record_shapes=True and a newer PyTorch, or set the argument"},
    {EVR_REASON_NO_KERNEL_FOR_DEVICE, "no-kernel-for-device", "replay on the kind of device that the trace came from"},
    {EVR_REASON_TOO_LARGE, "too-large", "raise --max-bytes, or use a machine with more memory"},
    {EVR_REASON_TIMEOUT, "timeout", "raise the timeout, or look at the operator alone"},
    {EVR_REASON_CRASHED, "crashed", "replay it alone under a debugger"},
    {EVR_REASON_RANK_LOST, "rank-lost", "look at what the rank that went away printed last; run the rest again with --resume"},
    {EVR_REASON_NEEDS_RANKS, "needs-more-ranks", "start as many ranks, or make the groups smaller with --group-size"},
    {EVR_REASON_OP_ERROR, "op-error", "read the operator's message; its arguments may need a custom initializer"},
};

enum { REASONS = sizeof reasons / sizeof *reasons };

/* "needs-8-ranks" and the rest of them, by number. */
#define TEN(h) "needs-" h "0-ranks", "needs-" h "1-ranks", "needs-" h "2-ranks", "needs-" h "3-ranks", "needs-" h "4-ranks", \
               "needs-" h "5-ranks", "needs-" h "6-ranks", "needs-" h "7-ranks", "needs-" h "8-ranks", "needs-" h "9-ranks"
#define NINETY(h) TEN(h "1"), TEN(h "2"), TEN(h "3"), TEN(h "4"), TEN(h "5"), TEN(h "6"), TEN(h "7"), TEN(h "8"), TEN(h "9")
#define HUNDRED(h) TEN(h "0"), NINETY(h)
static const char needs[][16] = {TEN(""),      NINETY(""),   HUNDRED("1"), HUNDRED("2"), HUNDRED("3"), HUNDRED("4"),
                                 HUNDRED("5"), HUNDRED("6"), HUNDRED("7"), HUNDRED("8"), HUNDRED("9")};

enum { MOST_RANKS = sizeof needs / sizeof *needs };

static bool is_needs(int32_t reason) { return reason > EVR_REASON_NEEDS_RANKS && reason < EVR_REASON_NEEDS_RANKS + MOST_RANKS; }

const char *evr_outcome_name(int32_t status)
{
    static const char *const names[] = {[EVR_STATUS_OK] = "ok", [EVR_STATUS_SKIPPED] = "skipped", [EVR_STATUS_FAILED] = "failed"};
    return status >= EVR_STATUS_OK && status <= EVR_STATUS_FAILED ? names[status] : "";
}

const char *evr_reason_name(int32_t reason)
{
    if (is_needs(reason))
        return needs[reason - EVR_REASON_NEEDS_RANKS];
    for (size_t i = 0; i < REASONS; i++)
        if (reasons[i].reason == reason)
            return reasons[i].name;
    return "";
}

const char *evr_reason_advice(int32_t reason)
{
    reason = is_needs(reason) ? EVR_REASON_NEEDS_RANKS : reason;
    for (size_t i = 0; i < REASONS; i++)
        if (reasons[i].reason == reason)
            return reasons[i].advice;
    return "";
}
