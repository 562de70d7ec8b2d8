/* What every registry begins with. */
#include "registry/registry.h"

static const struct {
    const char *name, *sources[3];
} namespaces[] = {
    {"aiter", {"aiter"}},
    {"_C", {"vllm._C"}},
    {"_rocm_C", {"vllm._rocm_C"}},
    {"_moe_C", {"vllm._moe_C"}},
    {"_C_cache_ops", {"vllm._C"}},
    {"_C_custom_ar", {"vllm._C"}},
    {"vllm", {"vllm._C", "vllm._rocm_C"}},
    {"sgl_kernel", {"sgl_kernel"}},
    {"fbgemm", {"fbgemm_gpu"}},
    {"torchvision", {"torchvision"}},
};

static const struct {
    const char *op, *target;
} aliases[] = {
    {"_rocm_C::wvSplitK", "_rocm_C::wvSpltK"},
};

static const struct {
    const char *argument, *text;
} texts[] = {
    {"kv_cache_dtype", "auto"}, {"indexing", "ij"}, {"reduce", "amax"}, {"api_name", "replay"}, {"assert_msg", "replay"},
};

bool evr_registry_ship(evr_registry *r)
{
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        evr_registered *entry = evr_registry_entry(r, evr_str_c(namespaces[i].name));
        evr_str *sources = entry ? evr_arena_alloc(&r->arena, sizeof *sources * 3) : NULL;
        if (!sources)
            return false;
        for (entry->source_count = 0; namespaces[i].sources[entry->source_count]; entry->source_count++)
            sources[entry->source_count] = evr_str_c(namespaces[i].sources[entry->source_count]);
        entry->sources = sources;
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        evr_registered *entry = evr_registry_entry(r, evr_str_c(aliases[i].op));
        if (!entry)
            return false;
        entry->alias = evr_str_c(aliases[i].target);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        evr_registered *entry = evr_registry_entry(r, evr_str_c(texts[i].argument));
        if (!entry)
            return false;
        entry->text = evr_str_c(texts[i].text);
    }
    return true;
}
