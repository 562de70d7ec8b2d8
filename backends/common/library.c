#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *library_open(const char *const *names, char *why, size_t size)
{
    for (; *names; names++) {
        void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
        const char *reason = dlerror();
        if (!why[0])
            snprintf(why, size, "%s", reason ? reason : *names);
    }
    return NULL;
}

void *library_open_loaded_first(const char *const *names, char *why, size_t size)
{
    for (size_t i = 0; names[i]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
        if (library)
            return library;
    }
    return library_open(names, why, size);
}

bool library_find(void *library, void *slot, const char *symbol)
{
    void *found = dlsym(library, symbol);
    memcpy(slot, &found, sizeof found);
    return found != NULL;
}

const char *library_find_all(void *library, void *slots, const library_symbol *symbols, size_t count)
{
    const char *missing = NULL;
    for (size_t i = 0; i < count; i++)
        if (!library_find(library, (char *)slots + symbols[i].at, symbols[i].name) && symbols[i].required && !missing)
            missing = symbols[i].name;
    return missing;
}
