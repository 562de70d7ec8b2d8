/* 64-bit hash of bytes for tables in memory. The value is not part of any file format and may change. */
#ifndef EVR_BASE_HASH_H
#define EVR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t evr_hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t evr_hash_word(const void *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline uint64_t evr_hash(const void *data, size_t len)
{
    const char *p = data;
    const uint64_t k0 = 0x9e3779b97f4a7c15u, k1 = 0xd6e8feb86659fd93u;
    uint64_t h = k0 ^ len;
    size_t left = len;
    for (; left > 16; left -= 16, p += 16)
        h = evr_hash_mix(evr_hash_word(p) ^ k1, evr_hash_word(p + 8) ^ h);
    uint64_t a = 0, b = 0;
    if (left >= 8) {
        a = evr_hash_word(p);
        b = evr_hash_word(p + left - 8);
    } else if (left >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + left - 4, 4);
        a = low;
        b = high;
    } else if (left) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[left / 2] << 8 | (unsigned char)p[left - 1];
    }
    return evr_hash_mix(evr_hash_mix(a ^ k1, b ^ h), k0 ^ len);
}

#endif
