#include "trace/window.h"

#include <pthread.h>
#include <string.h>

/* Each slot has head room in front of its stretch, into which what the caller keeps is copied; more than that (one value longer
 * than the head room) is put together in a buffer of its own. */
enum { SLOTS = 3 };

typedef struct slot {
    char *memory; /* head room + stretch */
    size_t len;
    bool last, damaged;
} slot;

struct evr_window {
    evr_context *ctx;
    evr_inflate *in;
    size_t head, stretch;
    slot slots[SLOTS];
    size_t slot_count;
    size_t taken; /* stretches the caller has moved on to; the current one is taken - 1 */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t filled; /* guarded by lock when threaded, as are the next two */
    size_t released;
    bool stop;
    char *joined; /* for what does not fit into the head room */
    size_t joined_cap;
    bool in_joined; /* the current text is there */
    evr_window_text current;
};

static void fill(evr_window *w, slot *s)
{
    evr_status status = evr_inflate_read(w->in, s->memory + w->head, w->stretch, &s->len);
    s->damaged = status != EVR_OK;
    s->last = s->damaged || s->len < w->stretch;
}

static void *unpack(void *arg)
{
    evr_window *w = arg;
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&w->lock);
        while (!w->stop && i - w->released >= w->slot_count)
            pthread_cond_wait(&w->changed, &w->lock);
        bool stop = w->stop;
        pthread_mutex_unlock(&w->lock);
        if (stop)
            return NULL;
        slot *s = &w->slots[i % w->slot_count];
        fill(w, s);
        bool last = s->last;
        pthread_mutex_lock(&w->lock);
        w->filled = i + 1;
        pthread_cond_signal(&w->changed);
        pthread_mutex_unlock(&w->lock);
        if (last)
            return NULL;
    }
}

evr_status evr_window_new(evr_context *ctx, evr_inflate *in, size_t stretch, bool second_thread, evr_window **out,
                          evr_error **err)
{
    evr_window *w = evr_alloc_zeroed(ctx, sizeof *w);
    if (!w)
        return evr_fail_nomem(err);
    w->ctx = ctx;
    w->in = in;
    w->stretch = stretch;
    w->head = stretch / 4;
    w->current.data = "";
    w->slot_count = second_thread ? SLOTS : 1;
    for (size_t i = 0; i < w->slot_count; i++)
        if (!(w->slots[i].memory = evr_alloc(ctx, w->head + w->stretch))) {
            evr_window_free(w);
            return evr_fail_nomem(err);
        }
    if (second_thread) {
        pthread_mutex_init(&w->lock, NULL);
        pthread_cond_init(&w->changed, NULL);
        w->threaded = pthread_create(&w->thread, NULL, unpack, w) == 0;
        if (!w->threaded) { /* no thread to be had: the caller's does both */
            pthread_mutex_destroy(&w->lock);
            pthread_cond_destroy(&w->changed);
        }
    }
    *out = w;
    return EVR_OK;
}

void evr_window_free(evr_window *w)
{
    if (!w)
        return;
    if (w->threaded) {
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_cond_signal(&w->changed);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->changed);
    }
    for (size_t i = 0; i < SLOTS; i++)
        evr_release(w->ctx, w->slots[i].memory, w->head + w->stretch);
    evr_release(w->ctx, w->joined, w->joined_cap);
    evr_release(w->ctx, w, sizeof *w);
}

/* The next filled slot; the ones before it go to the other thread to be filled again. */
static slot *take(evr_window *w)
{
    slot *s = &w->slots[w->taken % w->slot_count];
    if (!w->threaded) {
        fill(w, s);
        w->taken++;
        return s;
    }
    pthread_mutex_lock(&w->lock);
    while (w->filled <= w->taken)
        pthread_cond_wait(&w->changed, &w->lock);
    w->taken++;
    pthread_mutex_unlock(&w->lock);
    return s;
}

static void release_older(evr_window *w)
{
    if (!w->threaded)
        return;
    pthread_mutex_lock(&w->lock);
    w->released = w->taken - 1;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* The usual case: what is kept fits into the head room of the next slot. */
static void slide(evr_window *w, const char *kept, size_t keep, evr_window_text *out)
{
    slot *s = &w->slots[w->taken % w->slot_count];
    char *text = s->memory + w->head - keep;
    if (keep && w->slot_count == 1)
        memmove(text, kept, keep); /* the only slot is about to be overwritten, but not its head room */
    take(w);
    if (keep && w->slot_count > 1)
        memcpy(text, kept, keep);
    w->in_joined = false;
    *out = (evr_window_text){.data = text, .len = keep + s->len, .last = s->last, .damaged = s->damaged};
}

/* One value is longer than the head room: it is put together elsewhere, doubling, so that reading it again from its start each
 * time costs no more than reading it twice. */
static evr_status join(evr_window *w, const char *kept, size_t keep, evr_window_text *out, evr_error **err)
{
    size_t len = keep;
    if (w->in_joined)
        memmove(w->joined, kept, keep);
    else if (evr_grow(w->ctx, (void **)&w->joined, &w->joined_cap, keep, 1))
        memcpy(w->joined, kept, keep);
    else
        return evr_fail_nomem(err);
    w->in_joined = true;
    *out = (evr_window_text){.last = false};
    while (!out->last && len - keep < keep) {
        if (!evr_grow(w->ctx, (void **)&w->joined, &w->joined_cap, len + w->stretch, 1))
            return evr_fail_nomem(err);
        slot *s = take(w);
        memcpy(w->joined + len, s->memory + w->head, s->len);
        len += s->len;
        out->last = s->last;
        out->damaged = s->damaged;
        release_older(w);
    }
    out->data = w->joined;
    out->len = len;
    return EVR_OK;
}

evr_status evr_window_next(evr_window *w, size_t keep, evr_window_text *out, evr_error **err)
{
    evr_window_text *c = &w->current, next;
    const char *kept = c->data + (c->len - keep);
    uint64_t offset = c->offset + (c->len - keep);
    if (keep <= w->head)
        slide(w, kept, keep, &next);
    else
        EVR_TRY(join(w, kept, keep, &next, err));
    release_older(w);
    next.offset = offset;
    *c = next;
    *out = next;
    return EVR_OK;
}
