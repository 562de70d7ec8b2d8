#include "ir/status.h"

/* Namespaces whose operators talk to other ranks. */
static const char *const communication[] = {"c10d::",          "_c10d_functional::", "_c10d_functional_autograd::", "c10d_functional::",
                                            "symm_mem::",      "nccl:",              "gloo:",                       "mpi:",
                                            "rccl:",           "ucc:",               "xccl:",                       "_dtensor::"};

/* "AddmmBackward0", "CudnnConvolutionBackward12", "torch::autograd::AccumulateGrad" */
static bool is_autograd(evr_str name)
{
    if (evr_str_starts(name, "autograd::") || evr_str_starts(name, "torch::autograd::"))
        return true;
    size_t end = name.len;
    while (end && name.data[end - 1] >= '0' && name.data[end - 1] <= '9')
        end--;
    return evr_str_ends(evr_str_sub(name, 0, end), "Backward") && evr_str_find(name, ':', 0) == SIZE_MAX;
}

static bool is_graph(evr_str name)
{
    return evr_str_starts(name, "## ") || evr_str_starts(name, "CompiledFunction") || evr_str_starts(name, "Torch-Compiled Region") ||
           evr_str_starts(name, "TorchScript") || evr_str_starts(name, "prim::DifferentiableGraph") ||
           evr_str_starts(name, "prim::TensorExprGroup") || evr_str_starts(name, "prim::CudaFusionGroup") ||
           evr_str_has(name, "CompiledFxGraph");
}

/* "namespace::name" of letters, digits and '_' is how operators are called; anything else is a label. */
static bool is_operator_name(evr_str name)
{
    size_t colon = evr_str_find(name, ':', 0);
    if (colon == SIZE_MAX || colon == 0 || colon + 2 >= name.len || name.data[colon + 1] != ':')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c == '.' && i > colon);
        if (!word && i != colon && i != colon + 1)
            return false;
    }
    return true;
}

bool evr_communicates(evr_str op)
{
    for (size_t i = 0; i < sizeof communication / sizeof *communication; i++)
        if (evr_str_starts(op, communication[i]))
            return true;
    return false;
}

int32_t evr_skip_reason(int32_t kind, evr_str name, evr_str all_args, bool known)
{
    if (kind == EVR_KIND_PYTHON)
        return EVR_REASON_PYTHON_FUNCTION;
    if (kind != EVR_KIND_OP)
        return EVR_REASON_ANNOTATION;
    if (evr_communicates(name) || evr_str_is(name, "record_param_comms"))
        return EVR_REASON_COMMUNICATION;
    if (evr_str_has(all_args, "\"Collective name\""))
        return EVR_REASON_COMMUNICATION;
    if (evr_str_has(all_args, "\"kernel_backend\"") || evr_str_has(all_args, "\"kernel_file\""))
        return EVR_REASON_TRITON_KERNEL;
    if (known)
        return EVR_REASON_NONE;
    if (is_autograd(name))
        return EVR_REASON_AUTOGRAD_NODE;
    if (is_graph(name))
        return EVR_REASON_JIT_GRAPH;
    if (evr_str_starts(name, "triton_"))
        return EVR_REASON_TRITON_KERNEL;
    return is_operator_name(name) ? EVR_REASON_NONE : EVR_REASON_ANNOTATION;
}
