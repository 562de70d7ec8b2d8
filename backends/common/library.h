/* Opening vendors' libraries at run time. */
#ifndef EVR_COMMON_LIBRARY_H
#define EVR_COMMON_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* A function that is looked for: where its pointer goes in a struct of pointers, and whether it is missed. */
typedef struct library_symbol {
    size_t at;
    const char *name;
    bool required;
} library_symbol;

/* Opens the first of several libraries; `why`, empty before, gets the linker's reason for the first that failed. */
void *library_open(const char *const *names, char *why, size_t size);
/* The same, but one that the process has already comes before all others. */
void *library_open_loaded_first(const char *const *names, char *why, size_t size);
/* Puts the function's address, or NULL, in `slot`, which is a pointer to a function. */
bool library_find(void *library, void *slot, const char *symbol);
/* Fills a struct of pointers. The name of the first required function that is not there, else NULL. */
const char *library_find_all(void *library, void *slots, const library_symbol *symbols, size_t count);

#endif
