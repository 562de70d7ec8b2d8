/* A look-alike of CUPTI: one record for each launch since recording was enabled, laid out as CUpti_ActivityKernel9 is,
 * newest first. */
#include <stdint.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* their headers are not here */
#define API __attribute__((visibility("default")))

enum { KERNEL = 10, RECORD = 208, MOST = 100 };

unsigned look_alike_launches(void);

typedef void (*request_fn)(uint8_t **, size_t *, size_t *);
typedef void (*complete_fn)(void *, uint32_t, uint8_t *, size_t, size_t);

static request_fn request;
static complete_fn complete;
static int enabled;
static unsigned before;

API int cuptiActivityRegisterCallbacks(request_fn first, complete_fn second)
{
    return request = first, complete = second, 0;
}
API int cuptiActivityEnable(int kind) { return before = look_alike_launches(), enabled = 1, kind == KERNEL ? 0 : 1; }
API int cuptiActivityDisable(int kind) { return enabled = 0, kind == KERNEL ? 0 : 1; }

API int cuptiActivityFlushAll(uint32_t flag)
{
    static const char *const names[] = {"_Z14evr_flush_readPKmmPm", "plain_c_name"};
    uint8_t *buffer = NULL;
    size_t size = 0, most = 0, used = 0;
    unsigned count = look_alike_launches() - before;
    if (!enabled || count == 0 || flag != 1)
        return 0;
    request(&buffer, &size, &most);
    for (unsigned i = 0; buffer && i < count && i < MOST && used + RECORD <= size; i++, used += RECORD) {
        uint32_t kind = KERNEL, device = 0, stream = 7;
        uint64_t start = 1000000 - 1000 * i, end = start + 500 + i;
        const char *name = names[i % 2];
        memset(buffer + used, 0xee, RECORD);
        memcpy(buffer + used, &kind, 4);
        memcpy(buffer + used + 16, &start, 8);
        memcpy(buffer + used + 24, &end, 8);
        memcpy(buffer + used + 40, &device, 4);
        memcpy(buffer + used + 48, &stream, 4);
        memcpy(buffer + used + 104, &name, sizeof name);
    }
    complete(NULL, 0, buffer, size, used);
    before += count;
    return 0;
}

API int cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, uint8_t **record)
{
    uint8_t *next = *record ? *record + RECORD : buffer;
    if (next + RECORD > buffer + valid)
        return 12; /* CUPTI_ERROR_MAX_LIMIT_REACHED */
    *record = next;
    return 0;
}
