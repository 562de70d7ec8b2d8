/* A look-alike of CUPTI: one record for each launch since recording was enabled, laid out as CUpti_ActivityKernel9 is,
 * newest first. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes" /* their headers are not here */
#define API __attribute__((visibility("default")))

enum { COPY = 1, FILL = 2, KERNEL = 10, RECORD = 208, MOST = 100 };

unsigned look_alike_launches(void);

typedef void (*request_fn)(uint8_t **, size_t *, size_t *);
typedef void (*complete_fn)(void *, uint32_t, uint8_t *, size_t, size_t);

static request_fn request;
static complete_fn complete;
static int enabled;
static unsigned before;

API int cuptiActivityRegisterCallbacks(request_fn first, complete_fn second)
{
    return request = first, complete = second, getenv("LOOK_ALIKE_CUPTI_BUSY") ? 39 : 0; /* CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED */
}
API int cuptiActivityEnable(int kind)
{
    if (kind != KERNEL && kind != COPY && kind != FILL)
        return 1;
    if (!enabled)
        before = look_alike_launches();
    return enabled |= 1 << kind, 0;
}
API int cuptiActivityDisable(int kind) { return enabled &= ~(1 << kind), kind == KERNEL || kind == COPY || kind == FILL ? 0 : 1; }

/* A copy and a fill for every recording with launches: laid out as CUpti_ActivityMemcpy6 and CUpti_ActivityMemset4 are. */
static size_t others(uint8_t *at)
{
    uint32_t copy = COPY, fill = FILL, device = 0, stream = 7;
    uint64_t start = 2000000, end = start + 300;
    uint16_t place = 3;
    memset(at, 0xee, 2 * RECORD);
    memcpy(at, &copy, 4);
    memcpy(at + 4, (uint8_t[3]){8, 3, 200}, 3); /* to a place that nobody knows */
    memcpy(at + RECORD, &fill, 4);
    memcpy(at + RECORD + 50, &place, 2);
    for (int i = 0; i < 2; i++, at += RECORD, start = end, end += 100) {
        memcpy(at + 16, &start, 8);
        memcpy(at + 24, &end, 8);
        memcpy(at + 32, &device, 4);
        memcpy(at + 40, &stream, 4);
    }
    return 2 * RECORD;
}

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
    if (buffer && enabled == (1 << COPY | 1 << FILL | 1 << KERNEL))
        used += others(buffer + used);
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
