/* What the cmocka programs share: includes in the order cmocka wants, a context that counts its memory, files. */
#ifndef EVR_TESTS_SUPPORT_H
#define EVR_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evreplay/evreplay.h>

/* Allocator that counts, checks the sizes it is given back, and fails when told to. */
typedef struct test_memory {
    size_t live;       /* bytes handed out and not yet released */
    size_t peak;
    size_t calls;      /* allocations and resizes so far */
    size_t fail_after; /* the call with this number and all later ones fail; 0 = never */
    int fail_once;     /* only the call with that number */
    size_t mismatches; /* releases and resizes with the wrong size */
} test_memory;

/* The allocator itself, for contexts made by hand. */
evr_allocator test_allocator(test_memory *memory);

/* A context on that allocator; aborts the test on failure. */
evr_context *test_context(test_memory *memory);

/* Frees the context and checks that nothing leaked. */
void test_context_done(evr_context *ctx, test_memory *memory);

/* Whole file, NUL-terminated, from malloc; NULL when it cannot be read. */
char *test_read_file(const char *path, size_t *size);

/* "tests/data/NAME" or "../shared/NAME"; static buffer, overwritten by the next call. */
const char *test_data(const char *name);
const char *test_shared(const char *name);

/* Ends the program with 77 and says why when ../shared is absent. */
void test_need_shared(void);

#define assert_ok(call)                                                                                              \
    do {                                                                                                             \
        evr_error *e_ = NULL;                                                                                        \
        evr_error **err = &e_;                                                                                       \
        evr_status s_ = (call);                                                                                      \
        if (s_ != EVR_OK)                                                                                            \
            fail_msg("%s: %s: %s", #call, evr_status_name(s_), evr_error_message(e_));                               \
        (void)err;                                                                                                   \
    } while (0)

#define assert_str(actual, text)                                                                                     \
    do {                                                                                                             \
        evr_str a_ = (actual);                                                                                       \
        const char *t_ = (text);                                                                                     \
        if (a_.len != strlen(t_) || memcmp(a_.data ? a_.data : "", t_, a_.len) != 0)                                 \
            fail_msg("%s is \"%.*s\", not \"%s\"", #actual, (int)a_.len, a_.data ? a_.data : "", t_);                \
    } while (0)

#endif
