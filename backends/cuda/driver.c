#include "driver.h"

#include "common/library.h"

#include <stdio.h>
#include <string.h>

static const library_symbol shared[] = {
#define F(member, symbol, required) {offsetof(gpu_calls, member), symbol, required},
    CUDA_SHARED(F)
#undef F
};
_Static_assert(sizeof shared / sizeof *shared * sizeof(void *) == sizeof(gpu_calls), "every call has a symbol");

static const library_symbol own[] = {
#define F(member, symbol, required, arguments) {offsetof(cuda_driver, member), symbol, required},
    CUDA_DRIVER(F)
#undef F
};

bool cuda_driver_open(cuda_driver *d, gpu_calls *calls, char *why, size_t size)
{
    static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
    const char *name = NULL;
    int count = 0, error;
    char reason[GPU_TEXT] = "";
    void *library = library_open(names, reason, sizeof reason);
    if (!library) {
        snprintf(why, size, "the CUDA driver cannot be loaded: %s", reason);
        return false;
    }
    const char *missing = library_find_all(library, d, own, sizeof own / sizeof *own);
    if (!missing)
        missing = library_find_all(library, calls, shared, sizeof shared / sizeof *shared);
    if (missing) {
        snprintf(why, size, "the CUDA driver is too old: it has no %s", missing);
        return false;
    }
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
