#include "runtime.h"

#include "input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "NS=a,b" as a namespace and its sources. */
static evr_status import_one(evr_context *ctx, const char *text, evr_error **err)
{
    enum { MOST = 64 };
    const char *equals = strchr(text, '=');
    evr_str sources[MOST];
    size_t n = 0;
    if (!equals || equals == text || !equals[1])
        return EVR_E_INVALID;
    for (const char *from = equals + 1; *from && n < MOST;) { /* a path that is not there is a typing error, best told at once */
        size_t len = strcspn(from, ",");
        char path[4096];
        snprintf(path, sizeof path, "%.*s", (int)len, from);
        if (strchr(path, '/') && access(path, R_OK) != 0)
            {
            char message[4200];
            snprintf(message, sizeof message, "cannot read the library %s", path);
            return evr_error_make(ctx, err, EVR_E_IO, message, "check the path that --import gives");
        }
        if (len)
            sources[n++] = (evr_str){from, len};
        from += len + (from[len] == ',');
    }
    return evr_register_namespace(ctx, (evr_str){text, (size_t)(equals - text)}, sources, n, err);
}

static evr_status init_one(evr_context *ctx, const char *text, evr_error **err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return EVR_E_INVALID;
    return evr_set_init_option(ctx, (evr_str){text, (size_t)(equals - text)}, (evr_str){equals + 1, strlen(equals + 1)}, err);
}

static int each(const char *name, const char *flag, const char *form, const text_list *list, evr_context *ctx,
                evr_status (*put)(evr_context *, const char *, evr_error **))
{
    for (size_t i = 0; i < list->count; i++) {
        evr_error *err = NULL;
        evr_status status = put(ctx, list->items[i], &err);
        if (status == EVR_E_INVALID) {
            fprintf(stderr, "evreplay %s: --%s takes %s, not \"%s\"\n", name, flag, form, list->items[i]);
            evr_error_free(err);
            return EXIT_USAGE;
        }
        if (status != EVR_OK)
            return input_error(name, status, err);
    }
    return 0;
}

int runtime_configure(const char *name, const runtime_options *o, evr_context *ctx)
{
    evr_error *err = NULL;
    evr_status status = o->config ? evr_configure_file(ctx, o->config, &err) : EVR_OK;
    if (status == EVR_OK && o->import_unknown)
        status = evr_allow_unknown_imports(ctx, 1, &err);
    if (status != EVR_OK)
        return input_error(name, status, err);
    int code = each(name, "import", "NAMESPACE=LIBRARY-OR-MODULE", &o->imports, ctx, import_one);
    return code ? code : each(name, "init", "KEY=VALUE", &o->inits, ctx, init_one);
}

int runtime_error(const char *name, evr_status status, evr_error *err)
{
    int code = input_error(name, status, err);
    return status == EVR_E_ABI || status == EVR_E_UNSUPPORTED ? EXIT_MISSING : code;
}

int runtime_open(const char *name, const runtime_options *o, evr_context *ctx, evr_runtime **out)
{
    evr_error *err = NULL;
    evr_runtime_options options = {
        .struct_size = sizeof options,
        .threads = (int32_t)o->threads,
        .bridge = o->bridge,
        .device = o->device,
        .max_bytes = o->max_bytes,
        .seed = o->seed,
    };
    int code = runtime_configure(name, o, ctx);
    if (code)
        return code;
    evr_status status = evr_runtime_open(ctx, &options, out, &err);
    return status == EVR_OK ? 0 : runtime_error(name, status, err);
}
