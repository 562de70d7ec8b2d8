/* Messages between a batch and its workers: four bytes of length, one of kind, the payload. Both ends are this library, of the same version. */
#ifndef EVR_BATCH_FRAMES_H
#define EVR_BATCH_FRAMES_H

#include "base/buf.h"
#include "base/error.h"

enum {
    EVR_FRAME_CONFIGURATION = 'G', /* to a worker: what evr_configuration() wrote */
    EVR_FRAME_OPTIONS = 'O',       /* to a worker: options.h */
    EVR_FRAME_RECORD = 'R',        /* to a worker: eight bytes of index, a document of one record */
    EVR_FRAME_HELLO = 'H',         /* from a worker: ready; the JSON of what it found */
    EVR_FRAME_ERROR = 'E',         /* from a worker: it cannot begin; JSON with status, message, hint */
    EVR_FRAME_RESULT = 'D',        /* from a worker: the JSON of a result */
    EVR_FRAME_ZYGOTE = 'Z',        /* to a worker: be a zygote (zygote.h): path of the bridge, then names of operators, each with its NUL; answered by HELLO or ERROR */
    EVR_FRAME_FORK = 'F',          /* to a zygote: a worker on the two descriptors behind it; answered by eight bytes, its process or minus an errno */
    EVR_FRAME_REAP = 'W',          /* to a zygote: evr_reap_request; answered by evr_reap_answer */
    EVR_FRAME_LARGEST = 1 << 30,
};

/* Writes all of it, however long that takes. */
evr_status evr_frame_write(evr_context *ctx, int fd, uint8_t kind, const void *payload, size_t size, evr_error **err);

/* Waits for a frame. *kind is 0 at the end of the stream. The payload lives in the buffer. */
evr_status evr_frame_read(evr_context *ctx, int fd, evr_buf *buf, uint8_t *kind, evr_str *payload, evr_error **err);

/* Takes the first whole frame out of what was received so far; false when there is none yet. *size is what to drop afterwards with evr_frame_drop(). */
bool evr_frame_peek(const evr_buf *received, uint8_t *kind, evr_str *payload, size_t *size);
void evr_frame_drop(evr_buf *received, size_t size);

#endif
