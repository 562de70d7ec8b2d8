#include "runtime.h"

#include "common/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A wheel of PyTorch carries the plain names. */
static const char *const runtimes[] = {"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", "libamdhip64.so", NULL};
static const char *const compilers[] = {"libhiprtc.so.7", "libhiprtc.so.6", "libhiprtc.so.5", "libhiprtc.so", NULL};

static const library_symbol shared[] = {
#define F(member, function, required) {offsetof(gpu_calls, member), #function, required},
    HIP_SHARED(F)
#undef F
};
_Static_assert(sizeof shared / sizeof *shared * sizeof(void *) == sizeof(gpu_calls), "every call has a symbol");

#define F(member, function, required, result, arguments) {offsetof(OWNER, member), #function, required},
#define OWNER hip_runtime
static const library_symbol own[] = {HIP_RUNTIME(F)};
#undef OWNER
#define OWNER hip_compiler
static const library_symbol of_compiler[] = {HIP_COMPILER(F)};
#undef OWNER
#undef F

bool hip_runtime_open(hip_runtime *r, gpu_calls *calls, char *why, size_t size)
{
    char reason[GPU_TEXT] = "";
    int count = 0;
    void *library = library_open_loaded_first(runtimes, reason, sizeof reason);
    if (!library) {
        snprintf(why, size, "the HIP runtime cannot be loaded: %s", reason);
        return false;
    }
    const char *missing = library_find_all(library, r, own, sizeof own / sizeof *own);
    if (!missing)
        missing = library_find_all(library, calls, shared, sizeof shared / sizeof *shared);
    if (missing) {
        snprintf(why, size, "the HIP runtime is too old: it has no %s", missing);
        return false;
    }
    int error = r->init(0);
    if (error == GPU_OK)
        error = r->count(&count);
    if (error == GPU_OK && count > 0)
        return true;
    r->last_error();
    const char *name = error == GPU_OK ? NULL : r->error_name(error);
    snprintf(why, size, "the HIP runtime found no device%s%s", name ? ": " : "", name ? name : "");
    return false;
}

bool hip_compiler_open(hip_compiler *c)
{
    const char *const *const places[] = {compilers, runtimes};
    char why[GPU_TEXT];
    for (size_t i = 0; i < 2; i++) {
        why[0] = 0;
        void *library = library_open_loaded_first(places[i], why, sizeof why);
        if (library && !library_find_all(library, c, of_compiler, sizeof of_compiler / sizeof *of_compiler))
            return true;
    }
    return false;
}

/* Each thread reads words a grid apart. What they add up to is written only if it is one value of 2^64, so the reads cannot
 * be left out. */
static const char read_source[] =
    "extern \"C\" __global__ void evr_flush_read(const unsigned long long *from, unsigned long long words,\n"
    "                                          unsigned long long *sink)\n"
    "{\n"
    "    unsigned long long sum = 0, step = (unsigned long long)gridDim.x * blockDim.x;\n"
    "    for (unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x; i < words; i += step)\n"
    "        sum ^= from[i];\n"
    "    if (sum == 0x5eed5eed5eed5eedull)\n"
    "        *sink = sum;\n"
    "}\n";

int hip_read_compile(const hip_compiler *c, void **code)
{
    gpu_handle program = NULL;
    size_t size = 0;
    *code = NULL;
    int error = c->create(&program, read_source, "evr_flush_read.hip", 0, NULL, NULL);
    if (error != 0)
        return error;
    error = c->compile(program, 0, NULL);
    if (error == 0)
        error = c->code_size(program, &size);
    if (error == 0 && !(*code = malloc(size ? size : 1)))
        error = GPU_OUT_OF_MEMORY;
    if (error == 0)
        error = c->code(program, *code);
    if (error != 0) {
        free(*code);
        *code = NULL;
    }
    c->destroy(&program);
    return error;
}
