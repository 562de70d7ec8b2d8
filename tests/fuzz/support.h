/* What the fuzz targets share: a context whose memory is counted, bounded and fails on request, and a reader of bytes. */
#ifndef EVR_TESTS_FUZZ_SUPPORT_H
#define EVR_TESTS_FUZZ_SUPPORT_H

#include <evreplay/evreplay.h>

#include <stdbool.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the program with a message; libFuzzer then keeps the input. */
#define FUZZ_NEED(condition)                                                                                         \
    do {                                                                                                             \
        if (!(condition))                                                                                            \
            fuzz_failed(__FILE__, __LINE__, #condition);                                                             \
    } while (0)

_Noreturn void fuzz_failed(const char *file, int line, const char *what);

/* The answer of walk_check_tree(). */
static inline void fuzz_check_tree(const char *wrong)
{
    if (wrong)
        fuzz_failed("walk_check_tree", 0, wrong);
}

typedef struct fuzz_memory {
    size_t live, calls;
    size_t fail_at; /* this allocation and all later ones fail; 0 = never */
    bool fail_once; /* only that one */
    size_t most;    /* bytes in all; 0 = no bound */
} fuzz_memory;

evr_context *fuzz_context(fuzz_memory *memory);
/* Everything must have been given back, with the right sizes. */
void fuzz_context_done(evr_context *ctx, fuzz_memory *memory);

/* An outcome is a success with an output, or a failure with an error that says something. */
void fuzz_check_outcome(evr_status status, const void *out, evr_error *err);

/* Bytes handed out from the front; zeros when they are used up. */
typedef struct fuzz_bytes {
    const uint8_t *data;
    size_t size;
} fuzz_bytes;

uint8_t fuzz_u8(fuzz_bytes *b);
uint16_t fuzz_u16(fuzz_bytes *b);
evr_str fuzz_line(fuzz_bytes *b); /* without its end */

#endif
