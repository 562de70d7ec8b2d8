/* Work that several threads share. */
#ifndef EVR_PERFDB_PARALLEL_H
#define EVR_PERFDB_PARALLEL_H

#include "base/context.h"

#include <stddef.h>

enum { EVR_MOST_THREADS = 64 };

/* How many threads to use for so many pieces of work: those asked for, 0 = one for each processor. */
size_t evr_threads_for(uint32_t asked, size_t pieces);

/* Runs `work` for each piece from 0 to `pieces` - 1 on up to `threads` threads, of which the caller's is number 0. Pieces begin in their order. False from `work` keeps
 * pieces from beginning that have not. Threads that cannot be had are done without. */
typedef bool (*evr_piece_fn)(void *user, size_t thread, size_t piece);
void evr_parallel(size_t threads, size_t pieces, evr_piece_fn work, void *user);

#endif
