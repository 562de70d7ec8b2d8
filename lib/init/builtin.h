/* The library's own initializers, asked after all that were registered. */
#ifndef EVR_INIT_BUILTIN_H
#define EVR_INIT_BUILTIN_H

#include <evreplay/init.h>

extern const evr_custom_init evr_builtin_inits[];
extern const size_t evr_builtin_init_count;

/* paged.c */
int32_t evr_paged_applies(void *user, const evr_ir *ir);
evr_status evr_paged_init(void *user, evr_init_view *view, evr_error **err);

/* moe.c */
int32_t evr_moe_applies(void *user, const evr_ir *ir);
evr_status evr_moe_init(void *user, evr_init_view *view, evr_error **err);

#endif
