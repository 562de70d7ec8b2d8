#include "replay/modules.h"

#include "base/buf.h"
#include "base/error.h"
#include "registry/registry.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

bool evr_module_is_library(evr_str source)
{
    return evr_str_ends(source, ".so") || memchr(source.data, '/', source.len) != NULL;
}

/* Only what can be a Python name: nothing that leads out of the folder or means something to glob(). */
static bool good_name(evr_str module)
{
    for (size_t i = 0; i < module.len; i++) {
        char c = module.data[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && !(c == '.' && i && module.data[i - 1] != '.' && i + 1 < module.len))
            return false;
    }
    return module.len > 0;
}

/* Loads what a pattern finds. Libraries of one package need each other, in an order that only the package knows: those that fail are tried again
 * as long as others succeed. */
static size_t load_pattern(evr_runtime *r, const char *pattern, size_t *seen, evr_buf *why)
{
    const evr_bridge *fn = &r->bridge->fn;
    glob_t found = {0};
    size_t loaded = 0;
    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    *seen += found.gl_pathc;
    for (bool progress = true; progress;) {
        progress = false;
        why->len = 0;
        for (size_t i = 0; i < found.gl_pathc; i++) {
            evr_error *err = NULL;
            if (!found.gl_pathv[i][0])
                continue;
            if (fn->load_library(fn->self, found.gl_pathv[i], &err) == EVR_OK) {
                found.gl_pathv[i][0] = 0;
                loaded++;
                progress = true;
            } else if (!why->len) {
                evr_buf_c(why, evr_error_message(err));
            }
            evr_error_free(err);
        }
    }
    globfree(&found);
    return loaded;
}

/* One folder of the path. */
static size_t load_from(evr_runtime *r, evr_str folder, evr_str module, size_t *seen, evr_buf *why)
{
    static const char *const forms[] = {"%.*s/%.*s.so", "%.*s/%.*s.*.so", "%.*s/%.*s/*.so"};
    char file[512], pattern[4096];
    if (module.len >= sizeof file || !folder.len || strcspn(folder.data, "*?[\\") < folder.len)
        return 0;
    for (size_t i = 0; i <= module.len; i++)
        file[i] = i < module.len ? (module.data[i] == '.' ? '/' : module.data[i]) : 0;
    size_t loaded = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && !loaded; i++) {
        int n = snprintf(pattern, sizeof pattern, forms[i], EVR_STR_ARG(folder), (int)module.len, file);
        if (n > 0 && (size_t)n < sizeof pattern)
            loaded = load_pattern(r, pattern, seen, why);
    }
    return loaded;
}

evr_status evr_module_load(evr_runtime *r, evr_str module, evr_error **err)
{
    if (!good_name(module))
        return evr_fail(r->ctx, err, EVR_E_NOT_FOUND, "\"%.*s\" is no name of a module", EVR_STR_ARG(module));
    const evr_bridge *fn = &r->bridge->fn;
    const char *environment = getenv("EVREPLAY_MODULE_PATH"), *installed = fn->folder ? fn->folder(fn->self) : NULL;
    evr_str paths[] = {evr_module_path(r->ctx), evr_str_c(environment ? environment : ""), evr_str_c(installed ? installed : "")};
    evr_buf why, where;
    evr_buf_init(&why, r->ctx);
    evr_buf_init(&where, r->ctx);
    size_t loaded = 0, seen = 0;
    for (size_t p = 0; p < 3 && !loaded; p++)
        for (size_t from = 0; from < paths[p].len && !loaded;) {
            size_t to = evr_str_find(paths[p], ':', from);
            evr_str folder = evr_str_sub(paths[p], from, to == SIZE_MAX ? paths[p].len : to);
            loaded = load_from(r, folder, module, &seen, &why);
            evr_buf_printf(&where, "%s%.*s", where.len ? ", " : "", EVR_STR_ARG(folder));
            from = to == SIZE_MAX ? paths[p].len : to + 1;
        }
    evr_status status = EVR_OK;
    if (why.failed || where.failed)
        status = evr_fail_nomem(err);
    else if (!loaded && seen)
        status = evr_fail(r->ctx, err, EVR_E_PLUGIN, "none of its %zu libraries can be loaded: %s", seen, evr_buf_view(&why).data);
    else if (!loaded)
        status = evr_fail(r->ctx, err, EVR_E_NOT_FOUND, "no libraries of this module in %s", where.len ? where.data : "any folder");
    evr_buf_free(&why);
    evr_buf_free(&where);
    return status;
}
