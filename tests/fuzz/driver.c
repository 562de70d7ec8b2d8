/* Runs a fuzz target over files, where there is no libFuzzer. */
#include "fuzz/support.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        return 1;
    }
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(size ? size : 1); /* exact, so that a read beyond the end shows under a sanitizer */
    size_t got = data ? fread(data, 1, size, f) : 0;
    fclose(f);
    if (got == size)
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return got != size;
}

int main(int argc, char **argv)
{
    int bad = 0;
    if (argc < 2) {
        printf("skipped: no corpus\n");
        return 77;
    }
    for (int i = 1; i < argc; i++)
        bad |= run(argv[i]);
    printf("%d inputs\n", argc - 1);
    return bad;
}
