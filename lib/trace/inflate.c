#include "trace/inflate.h"

#include <string.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

/* Input is read in pieces behind a few bytes of the piece before, because ISA-L may have to give back bytes it has looked at. */
enum { PIECE = 256 << 10, BEHIND = 16 };

typedef enum packing { PLAIN, GZIP, ZSTD } packing;

struct evr_inflate {
    evr_context *ctx;
    evr_source source;
    packing packing;
    atomic_uint_least64_t consumed;
    uint64_t produced;
    const unsigned char *next; /* input not yet used */
    size_t left;
    bool ended;      /* the source said so */
    bool in_member;  /* between a member's or frame's header and its end */
    bool any_member; /* at least one was whole */
    evr_status status;
    const char *problem;
    struct inflate_state *gzip;
    ZSTD_DStream *zstd;
    unsigned char piece[BEHIND + PIECE];
};

static evr_status give_up(evr_inflate *in, evr_status status, const char *problem)
{
    in->status = status;
    in->problem = problem;
    return status;
}

/* Gets more input behind what is left (at most BEHIND bytes are kept from before). */
static evr_status refill(evr_inflate *in)
{
    if (in->ended)
        return EVR_OK;
    size_t used = in->next ? (size_t)(in->next - in->piece) : BEHIND;
    size_t keep = used < BEHIND ? used : BEHIND;
    if (in->left || !in->next)
        keep = 0; /* only at the start, where the whole first piece is still ahead */
    if (keep)
        memmove(in->piece + BEHIND - keep, in->next - keep, keep);
    size_t got = 0;
    evr_status status = in->source.read(in->source.user, in->piece + BEHIND, PIECE, &got);
    if (status != EVR_OK)
        return give_up(in, status, "reading the input failed");
    if (got > PIECE)
        return give_up(in, EVR_E_INVALID, "the source claims more bytes than it was asked for");
    in->ended = got == 0;
    in->next = in->piece + BEHIND;
    in->left = got;
    atomic_fetch_add_explicit(&in->consumed, got, memory_order_relaxed);
    return EVR_OK;
}

static evr_status open_gzip(evr_inflate *in, evr_error **err)
{
    in->gzip = evr_alloc(in->ctx, sizeof *in->gzip);
    if (!in->gzip)
        return evr_fail_nomem(err);
    isal_inflate_init(in->gzip);
    in->gzip->crc_flag = ISAL_GZIP;
    in->in_member = true;
    return EVR_OK;
}

static evr_status open_zstd(evr_inflate *in, evr_error **err)
{
    in->zstd = ZSTD_createDStream();
    if (!in->zstd)
        return evr_fail_nomem(err);
    ZSTD_initDStream(in->zstd);
    in->in_member = true;
    return EVR_OK;
}

evr_status evr_inflate_new(evr_context *ctx, const evr_source *source, evr_inflate **out, evr_error **err)
{
    evr_inflate *in = evr_alloc(ctx, sizeof *in);
    if (!in)
        return evr_fail_nomem(err);
    memset(in, 0, offsetof(evr_inflate, piece));
    in->ctx = ctx;
    in->source = *source;
    atomic_init(&in->consumed, 0);
    evr_status status = refill(in);
    if (status != EVR_OK) {
        status = evr_inflate_explain(in, err);
    } else if (in->left >= 3 && in->next[0] == 0x1F && in->next[1] == 0x8B) {
        in->packing = GZIP;
        status = open_gzip(in, err);
    } else if (in->left >= 4 && in->next[0] == 0x28 && in->next[1] == 0xB5 && in->next[2] == 0x2F && in->next[3] == 0xFD) {
        in->packing = ZSTD;
        status = open_zstd(in, err);
    }
    if (status != EVR_OK) {
        evr_inflate_free(in);
        return status;
    }
    *out = in;
    return EVR_OK;
}

void evr_inflate_free(evr_inflate *in)
{
    if (!in)
        return;
    evr_release(in->ctx, in->gzip, sizeof *in->gzip);
    ZSTD_freeDStream(in->zstd);
    evr_release(in->ctx, in, sizeof *in);
}

bool evr_inflate_is_compressed(const evr_inflate *in) { return in->packing != PLAIN; }

uint64_t evr_inflate_consumed(evr_inflate *in) { return atomic_load_explicit(&in->consumed, memory_order_relaxed); }

static evr_status read_plain(evr_inflate *in, char *out, size_t cap, size_t *got)
{
    while (*got < cap && !in->ended) {
        if (in->left) {
            size_t n = in->left < cap - *got ? in->left : cap - *got;
            memcpy(out + *got, in->next, n);
            in->next += n;
            in->left -= n;
            *got += n;
            continue;
        }
        size_t n = 0; /* straight into the window */
        evr_status status = in->source.read(in->source.user, out + *got, cap - *got, &n);
        if (status != EVR_OK)
            return give_up(in, status, "reading the input failed");
        if (n > cap - *got)
            return give_up(in, EVR_E_INVALID, "the source claims more bytes than it was asked for");
        in->ended = n == 0;
        *got += n;
        atomic_fetch_add_explicit(&in->consumed, n, memory_order_relaxed);
    }
    return EVR_OK;
}

static const char *gzip_problem(int code)
{
    switch (code) {
    case ISAL_INVALID_BLOCK: return "the gzip data is damaged (invalid block)";
    case ISAL_INVALID_SYMBOL: return "the gzip data is damaged (invalid symbol)";
    case ISAL_INVALID_LOOKBACK: return "the gzip data is damaged (invalid distance)";
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD: return "the gzip header is damaged";
    case ISAL_INCORRECT_CHECKSUM: return "the gzip checksum is wrong";
    default: return "the gzip data is damaged";
    }
}

/* After the end of a member: gives back what ISA-L looked at, and starts the next member if there is one. */
static evr_status next_member(evr_inflate *in)
{
    struct inflate_state *z = in->gzip;
    size_t ahead = (size_t)(z->read_in_length > 0 ? z->read_in_length : 0) / 8;
    in->next = z->next_in - ahead;
    in->left = z->avail_in + ahead;
    in->in_member = false;
    in->any_member = true;
    if (!in->left)
        EVR_TRY(refill(in));
    if (in->left >= 1 && in->next[0] == 0x1F) {
        isal_inflate_reset(z);
        z->crc_flag = ISAL_GZIP;
        z->next_in = (uint8_t *)in->next;
        z->avail_in = (uint32_t)in->left;
        in->in_member = true;
        return EVR_OK;
    }
    while (in->left && !in->ended) { /* zeros may follow, as padding of a tape or a disk block */
        for (size_t i = 0; i < in->left; i++)
            if (in->next[i])
                return give_up(in, EVR_E_FORMAT, "bytes that are no gzip member follow the compressed data");
        in->left = 0;
        EVR_TRY(refill(in));
    }
    return EVR_OK;
}

static evr_status read_gzip(evr_inflate *in, char *out, size_t cap, size_t *got)
{
    struct inflate_state *z = in->gzip;
    z->next_out = (uint8_t *)out;
    z->avail_out = (uint32_t)cap;
    while (z->avail_out && in->in_member) {
        if (!in->left && !in->ended)
            EVR_TRY(refill(in));
        z->next_in = (uint8_t *)in->next;
        z->avail_in = (uint32_t)in->left;
        uint32_t room = z->avail_out;
        int code = isal_inflate(z);
        *got = cap - z->avail_out;
        bool idle = z->avail_in == in->left && z->avail_out == room;
        in->next = z->next_in;
        in->left = z->avail_in;
        if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT && code != ISAL_OUT_OVERFLOW)
            return give_up(in, EVR_E_FORMAT, gzip_problem(code));
        if (z->block_state == ISAL_BLOCK_FINISH)
            EVR_TRY(next_member(in));
        else if (in->ended && idle && z->avail_out)
            return give_up(in, EVR_E_TRUNCATED, "the gzip data ends too early");
    }
    return EVR_OK;
}

static evr_status read_zstd(evr_inflate *in, char *out, size_t cap, size_t *got)
{
    enum { BLOCK = 128 << 10 }; /* what a call that fails had unpacked is lost: no more than a block at a time */
    ZSTD_outBuffer o = {out, 0, 0};
    while (o.pos < cap) {
        o.size = cap - o.pos < BLOCK ? cap : o.pos + BLOCK;
        if (!in->left && !in->ended)
            EVR_TRY(refill(in));
        if (!in->left && in->ended && !in->in_member)
            break;
        ZSTD_inBuffer i = {in->next, in->left, 0};
        size_t before = o.pos;
        size_t code = ZSTD_decompressStream(in->zstd, &o, &i);
        *got = o.pos;
        in->next += i.pos;
        in->left -= i.pos;
        if (ZSTD_isError(code))
            return give_up(in, EVR_E_FORMAT, ZSTD_getErrorName(code));
        in->in_member = code != 0;
        if (in->ended && !in->left && code != 0 && o.pos == before)
            return give_up(in, EVR_E_TRUNCATED, "the zstd data ends too early");
    }
    return EVR_OK;
}

evr_status evr_inflate_read(evr_inflate *in, char *out, size_t cap, size_t *got)
{
    *got = 0;
    if (in->status != EVR_OK)
        return in->status;
    if (cap > UINT32_MAX / 2) /* ISA-L counts in 32 bits */
        cap = UINT32_MAX / 2;
    evr_status status = in->packing == GZIP   ? read_gzip(in, out, cap, got)
                        : in->packing == ZSTD ? read_zstd(in, out, cap, got)
                                              : read_plain(in, out, cap, got);
    in->produced += *got;
    return status;
}

evr_status evr_inflate_explain(const evr_inflate *in, evr_error **err)
{
    unsigned long long consumed = atomic_load_explicit(&((evr_inflate *)in)->consumed, memory_order_relaxed);
    evr_fail(in->ctx, err, in->status, "%s, after %llu bytes of text and within the first %llu bytes of the file", in->problem,
             (unsigned long long)in->produced, consumed);
    evr_at_offset(err, (int64_t)in->produced);
    if (in->status == EVR_E_TRUNCATED)
        evr_hint(err, "copy the file again, or read what is there with recovery");
    return in->status;
}
