/* Opens the library, uses it, closes it, again and again, as a host of plug-ins does. Nothing may stay behind: no bytes in the heap,
 * no mapping, no thread-local destructor. Also meant to be run under LeakSanitizer and valgrind.
 *
 * usage: dlclose_loop LIBRARY [ROUNDS] */
#include <evreplay/evreplay.h>

#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEED(condition)                                                                                              \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: round %d: %s does not hold\n", __FILE__, __LINE__, round_number, #condition);    \
            exit(1);                                                                                                 \
        }                                                                                                            \
    } while (0)

#define LOOK_UP(name)                                                                                                \
    __typeof__(&name) f_##name;                                                                                      \
    *(void **)&f_##name = dlsym(library, #name);                                                                     \
    NEED(f_##name != NULL)

static int round_number;

static const char trace_text[] =
    "{\"traceEvents\":["
    "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"aten::add\",\"pid\":1,\"tid\":1,\"ts\":1,\"dur\":9},"
    "{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":1,\"tid\":1,\"ts\":2,\"dur\":3,"
    "\"args\":{\"correlation\":7}},"
    "{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"pid\":0,\"tid\":7,\"ts\":4,\"dur\":2,\"args\":{\"correlation\":7}}]}";

static void use(void *library)
{
    LOOK_UP(evr_context_new);
    LOOK_UP(evr_context_free);
    LOOK_UP(evr_error_message);
    LOOK_UP(evr_error_free);
    LOOK_UP(evr_trace_open_memory);
    LOOK_UP(evr_trace_event_count);
    LOOK_UP(evr_trace_device_events);
    LOOK_UP(evr_trace_free);

    evr_context *ctx = NULL;
    evr_trace *trace = NULL;
    evr_error *err = NULL;
    NEED(f_evr_context_new(NULL, &ctx, NULL) == EVR_OK);
    NEED(f_evr_trace_open_memory(ctx, trace_text, strlen(trace_text), NULL, &trace, NULL) == EVR_OK);
    NEED(f_evr_trace_event_count(trace) == 3);
    size_t count = 0;
    const evr_uid *device = f_evr_trace_device_events(trace, 0, &count);
    NEED(count == 1 && device[0] == 2);
    f_evr_trace_free(trace);
    NEED(f_evr_trace_open_memory(ctx, trace_text, strlen(trace_text) - 5, NULL, &trace, &err) < 0);
    NEED(trace == NULL && f_evr_error_message(err)[0] != 0);
    f_evr_error_free(err);
    f_evr_context_free(ctx);
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 200;
    size_t settled = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s LIBRARY [ROUNDS]\n", argv[0]);
        return 2;
    }
    for (round_number = 0; round_number < rounds; round_number++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        use(library);
        NEED(dlclose(library) == 0);
        NEED(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == NULL); /* really gone */
        size_t in_use = mallinfo2().uordblks; /* 0 under a sanitizer, which then counts by itself */
        if (round_number == rounds / 10)
            settled = in_use;
        else if (round_number > rounds / 10 && in_use > settled + 4096) {
            fprintf(stderr, "round %d: %zu bytes of heap in use, %zu when settled\n", round_number, in_use, settled);
            return 1;
        }
    }
    printf("%d rounds, %zu bytes of heap in use at the end\n", rounds, mallinfo2().uordblks);
    return 0;
}
