/* evreplay doctor: what was found on this machine and what is missing. */
#include "commands.h"
#include "input.h"
#include "output.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct doctor_options {
    text_list need;
} doctor_options;

static const option table[] = {
    {"need", 0, OPT_LIST, "WHAT", "exit with 5 when this is missing: torch, cuda, hip", offsetof(doctor_options, need)},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0},
};

/* Device runtimes are looked for by the names their vendors give them; loading them touches no device. */
static const struct {
    const char *name, *what, *libraries[4], *advice;
} runtimes[] = {
    {"cuda", "CUDA driver", {"libcuda.so.1", NULL}, "install the NVIDIA driver to replay on its GPUs"},
    {"hip", "HIP runtime", {"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", NULL}, "install ROCm to replay on AMD GPUs"},
};

enum { RUNTIMES = sizeof runtimes / sizeof *runtimes };

static const char *loadable(const char *const *libraries)
{
    for (; *libraries; libraries++) {
        void *handle = dlopen(*libraries, RTLD_LAZY | RTLD_LOCAL);
        if (handle) {
            dlclose(handle);
            return *libraries;
        }
    }
    return NULL;
}

static void library_path(char *path, size_t cap)
{
    Dl_info where;
    snprintf(path, cap, "%s", dladdr((void *)(uintptr_t)evr_version, &where) && where.dli_fname ? where.dli_fname : "?");
}

static bool try_bridge(const char *folder, const char *below, char *found, size_t cap)
{
    snprintf(found, cap, "%s%s/libevreplay_torch.so", folder, below);
    return access(found, R_OK) == 0;
}

/* In the order in which the library looks. */
static bool find_bridge(const char *library, char *found, size_t cap)
{
    const char *named = getenv("EVREPLAY_BRIDGE");
    if (named && *named) {
        snprintf(found, cap, "%s", named);
        if (strstr(named, ".so") ? access(named, R_OK) == 0 : try_bridge(named, "", found, cap))
            return true;
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", library);
    char *slash = strrchr(folder, '/');
    if (!slash)
        return false;
    *slash = 0;
    return try_bridge(folder, "", found, cap) || try_bridge(folder, "/evreplay", found, cap);
}

static bool needed(const doctor_options *o, const char *what)
{
    for (size_t i = 0; i < o->need.count; i++)
        if (strcmp(o->need.items[i], what) == 0)
            return true;
    return false;
}

static bool known(const char *what)
{
    bool found = strcmp(what, "torch") == 0;
    for (size_t i = 0; i < RUNTIMES; i++)
        found |= strcmp(what, runtimes[i].name) == 0;
    return found;
}

static int report(const doctor_options *o)
{
    char library[4096], bridge[8192];
    bool missing = false;
    library_path(library, sizeof library);
    printf("libevreplay    %s, ABI %u, %s\n", evr_version_string(), EVR_ABI_VERSION, library);
    if (find_bridge(library, bridge, sizeof bridge)) {
        printf("torch bridge   %s\n", bridge);
    } else {
        printf("torch bridge   not found; traces can be read, operators cannot be replayed\n"
               "               build it with -DEVREPLAY_TORCH=…/site-packages/torch, or name it in EVREPLAY_BRIDGE\n");
        missing |= needed(o, "torch");
    }
    for (size_t i = 0; i < RUNTIMES; i++) {
        const char *loaded = loadable(runtimes[i].libraries);
        printf("%-14s %s%s%s\n", runtimes[i].what, loaded ? loaded : "not found", loaded ? "" : "; ", loaded ? "" : runtimes[i].advice);
        missing |= !loaded && needed(o, runtimes[i].name);
    }
    return missing ? EXIT_MISSING : EXIT_GOOD;
}

static int run(int argc, char **argv, const command *self)
{
    doctor_options o = {0};
    text_list rest = {0};
    int code = options_parse(self, argc, argv, &o, &rest);
    for (size_t i = 0; code < 0 && i < o.need.count; i++)
        if (!known(o.need.items[i])) {
            fprintf(stderr, "evreplay doctor: --need takes torch, cuda or hip, not \"%s\"\n", o.need.items[i]);
            code = EXIT_USAGE;
        }
    if (code < 0 && rest.count) {
        fprintf(stderr, "evreplay doctor: takes no input, but got \"%s\"\n", rest.items[0]);
        code = EXIT_USAGE;
    }
    if (code < 0)
        code = report(&o);
    options_free(self, &o, &rest);
    return code;
}

const command cmd_doctor = {
    "doctor", "", "Tells what was found on this machine and what is missing.", NULL, table, run,
};
