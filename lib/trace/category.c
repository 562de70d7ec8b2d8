#include "trace/category.h"

static const struct {
    const char *name;
    int32_t kind;
} spellings[] = {
    {"cpu_op", EVR_KIND_OP},
    {"Operator", EVR_KIND_OP}, /* 2021 */
    {"cuda_runtime", EVR_KIND_RUNTIME},
    {"cuda_driver", EVR_KIND_RUNTIME},
    {"hip_runtime", EVR_KIND_RUNTIME},
    {"hip_driver", EVR_KIND_RUNTIME},
    {"xpu_runtime", EVR_KIND_RUNTIME},
    {"xpu_driver", EVR_KIND_RUNTIME},
    {"mtia_runtime", EVR_KIND_RUNTIME},
    {"glow_runtime", EVR_KIND_RUNTIME},
    {"privateuse1_runtime", EVR_KIND_RUNTIME},
    {"privateuse1_driver", EVR_KIND_RUNTIME},
    {"Runtime", EVR_KIND_RUNTIME},
    {"kernel", EVR_KIND_KERNEL},
    {"Kernel", EVR_KIND_KERNEL},
    {"concurrent_kernel", EVR_KIND_KERNEL},
    {"mtia_ccp_events", EVR_KIND_KERNEL},
    {"mtia_kernel", EVR_KIND_KERNEL},
    {"gpu_memcpy", EVR_KIND_MEMCPY},
    {"Memcpy", EVR_KIND_MEMCPY},
    {"gpu_memset", EVR_KIND_MEMSET},
    {"Memset", EVR_KIND_MEMSET},
    {"python_function", EVR_KIND_PYTHON},
    {"Python", EVR_KIND_PYTHON},
    {"user_annotation", EVR_KIND_ANNOTATION},
    {"gpu_user_annotation", EVR_KIND_GPU_ANNOTATION},
    {"cpu_instant_event", EVR_KIND_MEMORY},
};

int32_t evr_category_kind(evr_str category, char phase)
{
    if (phase == 's' || phase == 'f' || phase == 't')
        return EVR_KIND_FLOW;
    if (phase == 'M')
        return EVR_KIND_METADATA;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (evr_str_is(category, spellings[i].name))
            return spellings[i].kind;
    return EVR_KIND_OTHER;
}

bool evr_category_nests(evr_str category)
{
    return evr_category_kind(category, 'X') != EVR_KIND_RUNTIME || evr_str_starts(category, "cuda_") ||
           evr_str_is(category, "Runtime");
}
