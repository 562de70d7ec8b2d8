#include "init/builtin.h"

#include "registry/inits.h"

const evr_custom_init evr_builtin_inits[] = {
    {.struct_size = sizeof(evr_custom_init), .name = "PagedAttentionInit", .applies = evr_paged_applies, .init = evr_paged_init},
    {.struct_size = sizeof(evr_custom_init), .name = "MoeRoutingInit", .applies = evr_moe_applies, .init = evr_moe_init},
};

const size_t evr_builtin_init_count = sizeof evr_builtin_inits / sizeof *evr_builtin_inits;

evr_str evr_custom_init_name(evr_context *ctx, size_t index)
{
    evr_str name = evr_registry_init_name(ctx, index);
    size_t registered = 0;
    if (name.len)
        return name;
    while (registered < index && evr_registry_init_name(ctx, registered).len)
        registered++;
    index -= registered;
    return index < evr_builtin_init_count ? evr_str_c(evr_builtin_inits[index].name) : (evr_str){"", 0};
}
