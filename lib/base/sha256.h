/* SHA-256 (FIPS 180-4), for names made of contents. Needs no memory. */
#ifndef EVR_BASE_SHA256_H
#define EVR_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct evr_sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    unsigned char block[64];
} evr_sha256;

void evr_sha256_init(evr_sha256 *h);
void evr_sha256_add(evr_sha256 *h, const void *data, size_t len);
void evr_sha256_end(evr_sha256 *h, unsigned char digest[32]);

#endif
