#include "machine.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CPUS "/sys/devices/system/cpu"

/* First line of a file, without its end; false when there is none. */
static bool read_line(char *to, size_t room, const char *format, ...)
{
    char path[512];
    va_list args;
    va_start(args, format);
    vsnprintf(path, sizeof path, format, args);
    va_end(args);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool got = fgets(to, (int)room, f) != NULL;
    fclose(f);
    if (got)
        to[strcspn(to, "\n")] = 0;
    return got;
}

static bool read_number(double *to, const char *format, int cpu)
{
    char path[256], line[64];
    snprintf(path, sizeof path, format, cpu);
    if (!read_line(line, sizeof line, "%s", path))
        return false;
    char *end;
    *to = strtod(line, &end);
    return end != line;
}

/* The value of a line "key : value" of /proc/cpuinfo. */
static bool cpuinfo(const char *key, char *to, size_t room)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool got = false;
    while (f && !got && fgets(line, sizeof line, f)) {
        size_t n = strlen(key);
        char *colon = strchr(line, ':');
        if (strncmp(line, key, n) != 0 || !colon || !strchr(" \t:", line[n]))
            continue;
        for (colon++; isspace((unsigned char)*colon); colon++)
            ;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(to, room, "%s", colon);
        got = true;
    }
    if (f)
        fclose(f);
    return got;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || at[-1] == ' ') && (at[n] == 0 || at[n] == ' '))
            return true;
    return false;
}

static uint64_t bytes_of(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);
    return *end == 'K' ? n << 10 : *end == 'M' ? n << 20 : *end == 'G' ? n << 30 : n;
}

/* The largest level of cache for data of one CPU; `first` is the lowest of the CPUs that share it. */
static uint64_t last_level(int cpu, int *first)
{
    int best = 0;
    uint64_t bytes = 0;
    for (int i = 0; i < 16; i++) {
        char level[16], type[32], size[32], shared[1024];
        if (!read_line(level, sizeof level, CPUS "/cpu%d/cache/index%d/level", cpu, i))
            break;
        if (!read_line(type, sizeof type, CPUS "/cpu%d/cache/index%d/type", cpu, i) || strcmp(type, "Instruction") == 0 ||
            !read_line(size, sizeof size, CPUS "/cpu%d/cache/index%d/size", cpu, i) || atoi(level) <= best)
            continue;
        best = atoi(level);
        bytes = bytes_of(size);
        *first = cpu;
        if (read_line(shared, sizeof shared, CPUS "/cpu%d/cache/index%d/shared_cpu_list", cpu, i) &&
            isdigit((unsigned char)*shared))
            *first = atoi(shared);
    }
    return bytes;
}

static void read_caches(machine *m)
{
    int owners[MACHINE_CACHES];
    for (int cpu = 0; cpu < CPU_SETSIZE && m->cache_count < MACHINE_CACHES; cpu++) {
        int owner = cpu, known = 0;
        if (!CPU_ISSET(cpu, &m->allowed))
            continue;
        uint64_t bytes = last_level(cpu, &owner);
        for (int i = 0; i < m->cache_count; i++)
            known |= owners[i] == owner;
        if (!bytes || known)
            continue;
        owners[m->cache_count] = owner;
        m->caches[m->cache_count++] = (machine_cache){cpu, bytes};
        m->cache_bytes += bytes;
    }
    if (m->cache_count == 0) { /* no sysfs: what the C library knows */
        long size = sysconf(_SC_LEVEL3_CACHE_SIZE);
        if (size <= 0)
            size = sysconf(_SC_LEVEL2_CACHE_SIZE);
        if (size > 0) {
            m->caches[m->cache_count++] = (machine_cache){m->first_cpu, (uint64_t)size};
            m->cache_bytes = (uint64_t)size;
        }
    }
}

static void read_clock(machine *m)
{
    char source[64], flags[8192];
    const char *doubt = NULL;
    if (!read_line(source, sizeof source, "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
        snprintf(source, sizeof source, "unknown");
    if (strcmp(source, "tsc") == 0 && cpuinfo("flags", flags, sizeof flags)) {
        if (!has_word(flags, "constant_tsc"))
            doubt = "its rate follows the processor's frequency";
        else if (!has_word(flags, "nonstop_tsc"))
            doubt = "it may stop while the processor sleeps";
    } else if (strcmp(source, "hpet") == 0 || strcmp(source, "acpi_pm") == 0 || strstr(source, "jiffies"))
        doubt = "it is slow and coarse; the kernel gave up the processor's counter";
    m->unstable_clock = doubt != NULL;
    snprintf(m->clock, sizeof m->clock, "CLOCK_MONOTONIC_RAW on %s%s%s", source,
             doubt ? ", not to be believed: " : ", stable", doubt ? doubt : "");
}

/* The allowed CPUs as "0-3,8". */
static void print_cpus(const machine *m, char *to, size_t room)
{
    size_t used = 0;
    to[0] = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE && used + 24 < room; cpu++) {
        int from = cpu;
        if (!CPU_ISSET(cpu, &m->allowed))
            continue;
        while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, &m->allowed))
            cpu++;
        used += (size_t)snprintf(to + used, room - used, from == cpu ? "%s%d" : "%s%d-%d", used ? "," : "", from, cpu);
    }
}

static void read_settings(machine *m)
{
    char cpus[128], governor[64], quota[64];
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int allowed = CPU_COUNT(&m->allowed);
    print_cpus(m, cpus, sizeof cpus);
    if (!read_line(governor, sizeof governor, CPUS "/cpu%d/cpufreq/scaling_governor", m->first_cpu))
        snprintf(governor, sizeof governor, "not known");
    if (!read_line(quota, sizeof quota, "/sys/fs/cgroup/cpu.max") || strncmp(quota, "max", 3) == 0)
        snprintf(quota, sizeof quota, "none");
    const char *threads = getenv("OMP_NUM_THREADS");
    snprintf(m->settings, sizeof m->settings, "%s CPUs %s (%d of %ld); OMP_NUM_THREADS %.32s; governor %s; quota %s",
             allowed < online ? "pinned to" : "not pinned:", cpus, allowed, online, threads ? threads : "not set", governor,
             quota);
}

void machine_read(machine *m)
{
    struct utsname system;
    double khz = 0, none;
    memset(m, 0, sizeof *m);
    if (sched_getaffinity(0, sizeof m->allowed, &m->allowed) != 0 || CPU_COUNT(&m->allowed) == 0)
        CPU_SET(0, &m->allowed);
    while (!CPU_ISSET(m->first_cpu, &m->allowed))
        m->first_cpu++;
    if (!cpuinfo("model name", m->name, sizeof m->name) && !cpuinfo("Model", m->name, sizeof m->name))
        snprintf(m->name, sizeof m->name, "CPU");
    if (uname(&system) == 0)
        snprintf(m->driver, sizeof m->driver, "%.32s %.200s", system.sysname, system.release);
    read_caches(m);
    read_clock(m);
    read_settings(m);
    if (read_number(&khz, CPUS "/cpu%d/cpufreq/cpuinfo_max_freq", m->first_cpu))
        m->max_mhz = khz / 1000;
    m->has_frequency = machine_mhz(m) > 0;
    m->has_throttle = read_number(&none, CPUS "/cpu%d/thermal_throttle/core_throttle_count", m->first_cpu);
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    m->memory_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}

double machine_mhz(const machine *m)
{
    double khz = 0;
    return read_number(&khz, CPUS "/cpu%d/cpufreq/scaling_cur_freq", m->first_cpu) ? khz / 1000 : 0;
}

uint64_t machine_throttle_count(const machine *m)
{
    enum { ENOUGH = 32 }; /* files to open; the CPUs of one package are slowed together */
    uint64_t sum = 0;
    for (int cpu = 0, seen = 0; m->has_throttle && cpu < CPU_SETSIZE && seen < ENOUGH; cpu++) {
        double count;
        if (!CPU_ISSET(cpu, &m->allowed))
            continue;
        seen++;
        if (read_number(&count, CPUS "/cpu%d/thermal_throttle/core_throttle_count", cpu))
            sum += (uint64_t)count;
    }
    return sum;
}
