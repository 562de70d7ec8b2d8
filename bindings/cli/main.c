#include <evreplay/evreplay.h>

#include <stdio.h>

int main(void)
{
    printf("evreplay %s\n", evr_version_string());
    return 0;
}
