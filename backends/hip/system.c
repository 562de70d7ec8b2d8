#include "system.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 512, TEXT = 8192 };

/* Bytes read, with a zero after them. */
static size_t read_file(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;
    text[n] = 0;
    if (file)
        fclose(file);
    return n;
}

static void read_line(const char *path, char *text, size_t size)
{
    read_file(path, text, size);
    text[strcspn(text, "\n")] = 0;
}

/* Lines "key number". */
static bool property(const char *text, const char *key, uint64_t *value)
{
    size_t len = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return sscanf(line + len, "%" SCNu64, value) == 1;
    }
    return false;
}

bool system_place_read(const char *text, system_place *out)
{
    return sscanf(text, "%x:%x:%x.%x", &out->domain, &out->bus, &out->slot, &out->function) == 4;
}

static bool is_number(const char *name) { return name[0] && name[strspn(name, "0123456789")] == 0; }

static bool node_is_at(const char *folder, const char *node, const system_place *place)
{
    char path[PATH], text[TEXT];
    uint64_t location = 0, domain = 0, simds = 0;
    snprintf(path, sizeof path, "%s/%s/properties", folder, node);
    read_file(path, text, sizeof text);
    property(text, "domain", &domain);
    return property(text, "simd_count", &simds) && simds > 0 && property(text, "location_id", &location) &&
           domain == place->domain && location == (place->bus << 8 | place->slot << 3 | place->function);
}

/* The caches of the highest level from 2 on, added: each is listed once. */
static uint64_t last_level(const char *folder, const char *node)
{
    char path[PATH], text[TEXT];
    uint64_t highest = 1, sum = 0, level, kilobytes;
    snprintf(path, sizeof path, "%s/%s/caches", folder, node);
    DIR *caches = opendir(path);
    for (struct dirent *e; caches && (e = readdir(caches));) {
        if (!is_number(e->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s/caches/%s/properties", folder, node, e->d_name);
        read_file(path, text, sizeof text);
        if (!property(text, "level", &level) || !property(text, "size", &kilobytes) || level < 2 || level < highest ||
            kilobytes > UINT64_C(1) << 26)
            continue;
        sum = level > highest ? kilobytes : sum + kilobytes;
        highest = level;
    }
    if (caches)
        closedir(caches);
    return sum << 10;
}

uint64_t system_cache_bytes(const char *root, const system_place *place)
{
    char folder[PATH / 2];
    uint64_t most = 0;
    snprintf(folder, sizeof folder, "%s/class/kfd/kfd/topology/nodes", root);
    DIR *nodes = opendir(folder);
    for (struct dirent *e; nodes && (e = readdir(nodes));) {
        if (!is_number(e->d_name) || !node_is_at(folder, e->d_name, place))
            continue;
        uint64_t bytes = last_level(folder, e->d_name); /* parts of a divided device are nodes of one place */
        most = bytes > most ? bytes : most;
    }
    if (nodes)
        closedir(nodes);
    return most;
}

static void folder_of(const char *root, const system_place *p, char *out, size_t size)
{
    snprintf(out, size, "%s/bus/pci/devices/%04x:%02x:%02x.%x", root, p->domain, p->bus, p->slot, p->function);
}

void system_level(const char *root, const system_place *place, char *text, size_t size)
{
    char folder[PATH / 2], path[PATH];
    folder_of(root, place, folder, sizeof folder);
    snprintf(path, sizeof path, "%s/power_dpm_force_performance_level", folder);
    read_line(path, text, size);
}

void system_driver(const char *root, char *text, size_t size)
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/module/amdgpu/version", root); /* not there when the driver is the kernel's own */
    read_line(path, text, size);
}

/* A file of hwmon; `unit` of its numbers make one of ours. */
static void sensor(const char *folder, const char *name, double unit, double *out)
{
    char path[PATH], text[64], *end;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    read_line(path, text, sizeof text);
    double value = strtod(text, &end);
    if (end != text && value > 0)
        *out = value / unit;
}

static void sensors(const char *folder, evr_device_state *out)
{
    static const char *const power[] = {"power1_input", "power1_average"}; /* which of them depends on the device */
    static const char *const heat[] = {"temp1_input", "temp2_input"};      /* the hottest place, where it is told */
    char monitors[PATH / 2], at[PATH];
    snprintf(monitors, sizeof monitors, "%.200s/hwmon", folder);
    DIR *all = opendir(monitors);
    for (struct dirent *e; all && (e = readdir(all));) {
        if (strncmp(e->d_name, "hwmon", 5) != 0)
            continue;
        snprintf(at, sizeof at, "%s/%.64s", monitors, e->d_name);
        sensor(at, "freq1_input", 1e6, &out->clock_mhz);
        sensor(at, "freq2_input", 1e6, &out->memory_clock_mhz);
        for (size_t i = 0; i < 2; i++) {
            sensor(at, power[i], 1e6, &out->power_w);
            sensor(at, heat[i], 1e3, &out->temperature_c);
        }
        break;
    }
    if (all)
        closedir(all);
}

/* Bits of the driver's status that is the same for all devices. Package power limits (0 to 7) are how a busy device keeps
 * to its rated power: they are told, and no reason to throw samples away. */
static const struct {
    unsigned from, to;
    uint32_t reason;
} reasons[] = {
    {0, 7, EVR_THROTTLE_USER},      /* PPT, SPL */
    {16, 23, EVR_THROTTLE_POWER},   /* current limits: TDC, EDC */
    {32, 45, EVR_THROTTLE_THERMAL}, /* temperatures, VRHOT */
    {46, 47, EVR_THROTTLE_HARDWARE} /* PROCHOT */
};

static uint64_t number(const char *bytes, size_t at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes + at, size);
    return value;
}

/* Where the residencies of limits begin in those forms of gpu_metrics that have them: PROCHOT, package power, then the
 * temperatures of socket, voltage regulator and memory, 32 bits each. Revision 6 was given out twice. */
static const struct {
    unsigned char revision;
    uint16_t size; /* of the structure; 0 = whatever it is */
    uint16_t prochot;
} residencies[] = {{6, 384, 108}, {6, 0, 36}, {7, 0, 44}, {8, 0, 44}};
enum { RESIDENCIES = 5, PACKAGE_POWER = 1 };

static uint64_t residency(const char *bytes, size_t n, size_t at)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < RESIDENCIES && n >= at + 4 * RESIDENCIES; i++) {
        uint64_t value = number(bytes, at + 4 * i, 4);
        sum += i == PACKAGE_POWER || value == UINT32_MAX ? 0 : value;
    }
    return sum;
}

/* gpu_metrics is a structure with its own size and version. Revision 3 tells in bits that are the same for all devices what
 * is in force now; those from 6 on how long each limit was so far. In 0 to 2, 4 and 5 the bits depend on the device, from 9
 * on the contents describe themselves, and format 2 and above are APUs': those are left alone. */
static void metrics(const char *folder, evr_device_state *out)
{
    enum { STATUS_1_3 = 112 };
    char path[PATH], bytes[TEXT];
    snprintf(path, sizeof path, "%s/gpu_metrics", folder);
    size_t n = read_file(path, bytes, sizeof bytes);
    if (n < 4 || number(bytes, 0, 2) > n || bytes[2] != 1)
        return;
    n = number(bytes, 0, 2);
    if (bytes[3] == 3 && n >= STATUS_1_3 + 8) {
        uint64_t bits = number(bytes, STATUS_1_3, 8);
        if (bits == UINT64_MAX) /* the driver's way to say that it is not known */
            return;
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
            for (unsigned bit = reasons[i].from; bit <= reasons[i].to; bit++)
                if (bits >> bit & 1)
                    out->throttle |= reasons[i].reason;
        return;
    }
    for (size_t i = 0; i < sizeof residencies / sizeof *residencies; i++) {
        if (bytes[3] != residencies[i].revision || (residencies[i].size && n != residencies[i].size))
            continue;
        out->throttle_count += residency(bytes, n, residencies[i].prochot);
        return;
    }
}

bool system_state(const char *root, const system_place *place, evr_device_state *out)
{
    char folder[PATH / 2];
    folder_of(root, place, folder, sizeof folder);
    DIR *there = opendir(folder);
    if (!there)
        return false;
    closedir(there);
    sensors(folder, out);
    metrics(folder, out);
    return true;
}
