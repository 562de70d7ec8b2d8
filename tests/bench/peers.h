/* What reading a trace is measured against: the same libraries, used the plainest way, with the whole text in memory. */
#ifndef EVR_BENCH_PEERS_H
#define EVR_BENCH_PEERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text that a peer reads: kept between rounds, so that page faults of a first use are not measured again and again. */
typedef struct bench_text {
    char *data; /* len bytes and room for simdjson's padding */
    size_t len, cap;
} bench_text;

void bench_text_free(bench_text *text);

/* The whole file as it is. 0, or -1. */
int bench_read_file(const char *path, bench_text *out);

/* All members of a gzip file, with ISA-L; a file that is none is copied. 0, or -1. */
int bench_inflate(const bench_text *packed, bench_text *out);

/* simdjson's On-Demand over the text: every event of traceEvents (or of the bare array), every field of it and of its args, the name as a
 * string, ts and dur as doubles. Returns the number of events, -1 on an error; *sum keeps the optimiser honest. */
int64_t bench_walk(const bench_text *text, double *sum);

/* Writes the trace `times` times over as one trace, each copy later in time and with ids of its own, to a gzip file (ISA-L's fastest level),
 * or as plain JSON when the path ends so. Returns the bytes of JSON, 0 on an error. */
uint64_t bench_repeat(const bench_text *text, uint64_t times, const char *path);

#ifdef __cplusplus
}
#endif

#endif
