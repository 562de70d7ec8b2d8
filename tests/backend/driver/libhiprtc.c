/* A look-alike of hiprtc: what it compiles is known by its first words. LOOK_ALIKE_NO_COMPILE makes it fail. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* the vendors' headers are not here */
#define API __attribute__((visibility("default")))

enum { OK = 0, BAD_INPUT = 3, BAD_PROGRAM = 4, COMPILATION = 6 };

static const char code[] = "look-alike code";
static int programs;

API int look_alike_programs(void) { return programs; }
API int hiprtcCreateProgram(void **out, const char *source, const char *name, int headers, const char **texts,
                            const char **names)
{
    (void)texts, (void)names;
    if (!strstr(source, "__global__ void evr_flush_read(") || !name || headers)
        return BAD_INPUT;
    programs++;
    return *out = malloc(1), OK;
}
API int hiprtcCompileProgram(void *program, int count, const char **options)
{
    (void)options;
    return getenv("LOOK_ALIKE_NO_COMPILE") || count ? COMPILATION : program ? OK : BAD_PROGRAM;
}
API int hiprtcGetCodeSize(void *program, size_t *size) { return *size = sizeof code, program ? OK : BAD_PROGRAM; }
API int hiprtcGetCode(void *program, char *out) { return memcpy(out, code, sizeof code), program ? OK : BAD_PROGRAM; }
API int hiprtcDestroyProgram(void **program)
{
    programs--;
    free(*program);
    return *program = NULL, OK;
}
