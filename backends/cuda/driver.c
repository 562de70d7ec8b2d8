#include "driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *cuda_open_library(const char *const *names, char *why, size_t size)
{
    for (; *names; names++) {
        void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
        const char *reason = dlerror();
        if (!why[0])
            snprintf(why, size, "%s", reason ? reason : *names);
    }
    return NULL;
}

static bool find_all(cuda_driver *d, void *library, char *why, size_t size)
{
    void *found;
#define F(member, symbol, required, arguments)                                                                             \
    found = dlsym(library, symbol);                                                                                        \
    if (!found && (required)) {                                                                                            \
        snprintf(why, size, "the CUDA driver is too old: it has no " symbol);                                              \
        return false;                                                                                                      \
    }                                                                                                                      \
    memcpy(&d->member, &found, sizeof found);
    CUDA_DRIVER(F)
#undef F
    return true;
}

bool cuda_driver_open(cuda_driver *d, char *why, size_t size)
{
    static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
    const char *name = NULL;
    int count = 0, error;
    char reason[256] = "";
    memset(d, 0, sizeof *d);
    void *library = cuda_open_library(names, reason, sizeof reason);
    if (!library) {
        snprintf(why, size, "the CUDA driver cannot be loaded: %s", reason);
        return false;
    }
    if (!find_all(d, library, why, size))
        return false;
    error = d->init(0);
    if (error == CU_OK)
        error = d->count(&count);
    if (error == CU_OK && count > 0)
        return true;
    if (error != CU_OK && d->error_name(error, &name) != CU_OK)
        name = NULL;
    snprintf(why, size, "the CUDA driver found no device%s%s", name ? ": " : "", name ? name : "");
    return false;
}
