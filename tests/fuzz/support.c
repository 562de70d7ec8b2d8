#include "fuzz/support.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADER = 16 };

_Noreturn void fuzz_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    abort();
}

static void *take(void *user, size_t size)
{
    fuzz_memory *m = user;
    m->calls++;
    bool fails = m->fail_at && (m->fail_once ? m->calls == m->fail_at : m->calls >= m->fail_at);
    if (fails || (m->most && (size > m->most || m->live > m->most - size)))
        return NULL;
    char *block = malloc(size + HEADER);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    m->live += size;
    return block + HEADER;
}

static void give(void *user, void *p, size_t size)
{
    fuzz_memory *m = user;
    size_t was;
    memcpy(&was, (char *)p - HEADER, sizeof was);
    FUZZ_NEED(was == size);
    m->live -= size;
    free((char *)p - HEADER);
}

static void *change(void *user, void *p, size_t old_size, size_t new_size)
{
    void *block = take(user, new_size);
    if (!block)
        return NULL;
    memcpy(block, p, old_size < new_size ? old_size : new_size);
    give(user, p, old_size);
    return block;
}

evr_context *fuzz_context(fuzz_memory *memory)
{
    size_t fail_at = memory->fail_at;
    memory->fail_at = 0;
    evr_allocator allocator = {EVR_INIT(evr_allocator), 0, memory, take, change, give};
    evr_context_options options = {.struct_size = sizeof options, .allocator = &allocator};
    evr_context *ctx = NULL;
    FUZZ_NEED(evr_context_new(&options, &ctx, NULL) == EVR_OK);
    memory->fail_at = fail_at ? memory->calls + fail_at : 0;
    return ctx;
}

void fuzz_context_done(evr_context *ctx, fuzz_memory *memory)
{
    evr_context_free(ctx);
    FUZZ_NEED(memory->live == 0);
}

void fuzz_check_outcome(evr_status status, const void *out, evr_error *err)
{
    FUZZ_NEED((status == EVR_OK) == (out != NULL));
    FUZZ_NEED((status == EVR_OK) == (err == NULL));
    FUZZ_NEED(status <= 0);
    if (err) {
        FUZZ_NEED(evr_error_message(err)[0] != 0);
        FUZZ_NEED(evr_error_code(err) == status || evr_error_code(err) == EVR_E_NOMEM);
    }
    FUZZ_NEED(status != EVR_E_INTERNAL);
    evr_error_free(err);
}

uint8_t fuzz_u8(fuzz_bytes *b)
{
    if (!b->size)
        return 0;
    b->size--;
    return *b->data++;
}

uint16_t fuzz_u16(fuzz_bytes *b)
{
    uint16_t high = fuzz_u8(b);
    return (uint16_t)(high << 8 | fuzz_u8(b));
}

evr_str fuzz_line(fuzz_bytes *b)
{
    const uint8_t *end = memchr(b->data, '\n', b->size);
    size_t len = end ? (size_t)(end - b->data) : b->size;
    evr_str line = {(const char *)b->data, len};
    b->data += len + (end != NULL);
    b->size -= len + (end != NULL);
    return line;
}
