#include "trace/window.h"

#include <pthread.h>

enum { SLOTS = 3, CUT_WITHIN = 65536 };

typedef struct slot {
    evr_json_indexer *indexer;
    char *memory;
    size_t cap;
    size_t filled; /* bytes in memory; those beyond window.text.len belong to the next window */
    evr_window window;
} slot;

struct evr_windows {
    evr_context *ctx;
    evr_inflate *in;
    size_t stretch;
    slot slots[SLOTS];
    size_t slot_count;
    size_t taken; /* windows handed out */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    size_t ready;    /* windows finished */
    size_t released; /* windows the caller is done with */
    slot *too_small; /* the other thread waits for this one to be made larger: memory is the caller's business */
    bool no_memory;
    bool stop;
};

static const char *find_last(const char *text, size_t len, char c)
{
    return len ? memrchr(text, c, len) : NULL;
}

/* How much of an unfinished text can be indexed by itself. After a line break or a closing brace no string or number is open,
 * unless the brace is in a string, which the indexer finds out. */
static size_t safe_length(const char *text, size_t len)
{
    size_t tail = len < CUT_WITHIN ? len : CUT_WITHIN;
    const char *cut = find_last(text + len - tail, tail, '\n');
    if (!cut)
        cut = find_last(text, len, '}');
    if (!cut)
        cut = find_last(text, len, ',');
    return cut ? (size_t)(cut - text) + 1 : 0;
}

/* Where the string begins that a cut at `len` fell into: the last quote that is not escaped. */
static size_t before_last_quote(const char *text, size_t len)
{
    const char *quote;
    while ((quote = find_last(text, len, '"'))) {
        size_t at = (size_t)(quote - text), slashes = 0;
        while (slashes < at && text[at - 1 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return at;
        len = at;
    }
    return 0;
}

static void run_indexer(slot *s, size_t len)
{
    evr_window *w = &s->window;
    w->text = (evr_str){s->memory, len};
    w->problem = evr_json_indexer_run(s->indexer, s->memory, len, &w->index, &w->count);
}

/* Unpacks and indexes one window behind what the one before left over. False when the slot is too small for it. */
static bool fill(evr_windows *ws, slot *s, bool more)
{
    evr_window *w = &s->window;
    if (more) {
        size_t got, want = s->cap - s->filled;
        w->damaged = evr_inflate_read(ws->in, s->memory + s->filled, want, &got) != EVR_OK;
        s->filled += got;
        w->last = w->damaged || got < want;
    }
    if (w->last) {
        run_indexer(s, s->filled);
        return true;
    }
    size_t len = safe_length(s->memory, s->filled);
    run_indexer(s, len);
    if (w->problem == EVR_JSON_OPEN_STRING)
        run_indexer(s, before_last_quote(s->memory, len));
    return w->text.len > 0;
}

/* The part of the window before that was not in it. */
static void take_over(const slot *before, slot *s)
{
    size_t from = before->window.text.len, rest = before->filled - from;
    if (rest)
        memcpy(s->memory, before->memory + from, rest);
    s->filled = rest;
    s->window = (evr_window){.offset = before->window.offset + from};
}

static bool enlarge(evr_windows *ws, slot *s)
{
    size_t cap = s->cap * 2;
    char *memory = cap > s->cap ? evr_resize(ws->ctx, s->memory, s->cap, cap) : NULL;
    if (!memory)
        return false;
    s->memory = memory;
    s->cap = cap;
    return true;
}

/* Asks the caller's thread for more room. */
static bool ask_for_room(evr_windows *ws, slot *s)
{
    pthread_mutex_lock(&ws->lock);
    ws->too_small = s;
    pthread_cond_broadcast(&ws->changed);
    while (ws->too_small && !ws->stop && !ws->no_memory)
        pthread_cond_wait(&ws->changed, &ws->lock);
    bool got = !ws->stop && !ws->no_memory;
    pthread_mutex_unlock(&ws->lock);
    return got;
}

static bool produce(evr_windows *ws, size_t i)
{
    slot *s = &ws->slots[i % ws->slot_count];
    const slot *before = &ws->slots[(i + ws->slot_count - 1) % ws->slot_count];
    if (i && ws->slot_count > 1) {
        while (s->cap < before->filled - before->window.text.len + ws->stretch)
            if (!(ws->threaded ? ask_for_room(ws, s) : enlarge(ws, s)))
                return false;
        take_over(before, s);
    } else if (i) { /* one slot: what is left over moves to its front */
        size_t rest = s->filled - s->window.text.len;
        memmove(s->memory, s->memory + s->window.text.len, rest);
        s->window = (evr_window){.offset = s->window.offset + s->window.text.len};
        s->filled = rest;
    }
    while (!fill(ws, s, true))
        if (!(ws->threaded ? ask_for_room(ws, s) : enlarge(ws, s)))
            return false;
    return true;
}

static void *work(void *arg)
{
    evr_windows *ws = arg;
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&ws->lock);
        /* the window before must still be there when its rest is taken over, so one slot stays free */
        while (!ws->stop && i >= ws->released + ws->slot_count)
            pthread_cond_wait(&ws->changed, &ws->lock);
        bool stop = ws->stop;
        pthread_mutex_unlock(&ws->lock);
        if (stop || !produce(ws, i))
            return NULL;
        bool last = ws->slots[i % ws->slot_count].window.last;
        pthread_mutex_lock(&ws->lock);
        ws->ready = i + 1;
        pthread_cond_broadcast(&ws->changed);
        pthread_mutex_unlock(&ws->lock);
        if (last)
            return NULL;
    }
}

static void start_thread(evr_windows *ws)
{
    pthread_mutex_init(&ws->lock, NULL);
    pthread_cond_init(&ws->changed, NULL);
    ws->threaded = true;
    if (pthread_create(&ws->thread, NULL, work, ws) == 0)
        return;
    ws->threaded = false; /* no thread to be had: the caller's does both */
    pthread_mutex_destroy(&ws->lock);
    pthread_cond_destroy(&ws->changed);
}

evr_status evr_windows_new(evr_context *ctx, evr_inflate *in, size_t stretch, bool second_thread, evr_windows **out,
                           evr_error **err)
{
    evr_windows *ws = evr_alloc_zeroed(ctx, sizeof *ws);
    if (!ws)
        return evr_fail_nomem(err);
    ws->ctx = ctx;
    ws->in = in;
    ws->stretch = stretch;
    ws->slot_count = second_thread ? SLOTS : 1;
    for (size_t i = 0; i < ws->slot_count; i++) {
        slot *s = &ws->slots[i];
        s->indexer = evr_json_indexer_new();
        s->memory = evr_alloc(ctx, stretch + stretch / 8);
        if (!s->indexer || !s->memory) {
            evr_windows_free(ws);
            return evr_fail_nomem(err);
        }
        s->cap = stretch + stretch / 8;
    }
    if (second_thread)
        start_thread(ws);
    *out = ws;
    return EVR_OK;
}

void evr_windows_free(evr_windows *ws)
{
    if (!ws)
        return;
    if (ws->threaded) {
        pthread_mutex_lock(&ws->lock);
        ws->stop = true;
        pthread_cond_broadcast(&ws->changed);
        pthread_mutex_unlock(&ws->lock);
        pthread_join(ws->thread, NULL);
        pthread_mutex_destroy(&ws->lock);
        pthread_cond_destroy(&ws->changed);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        evr_json_indexer_free(ws->slots[i].indexer);
        evr_release(ws->ctx, ws->slots[i].memory, ws->slots[i].cap);
    }
    evr_release(ws->ctx, ws, sizeof *ws);
}

/* Waits for the next window and meanwhile finds the other thread the room it asks for. */
static bool wait_for_window(evr_windows *ws)
{
    pthread_mutex_lock(&ws->lock);
    ws->released = ws->taken;
    pthread_cond_broadcast(&ws->changed);
    while (ws->ready <= ws->taken && !ws->no_memory) {
        if (!ws->too_small) {
            pthread_cond_wait(&ws->changed, &ws->lock);
            continue;
        }
        ws->no_memory = !enlarge(ws, ws->too_small);
        ws->too_small = NULL;
        pthread_cond_broadcast(&ws->changed);
    }
    bool got = ws->ready > ws->taken;
    pthread_mutex_unlock(&ws->lock);
    return got;
}

evr_status evr_windows_next(evr_windows *ws, evr_window *out, evr_error **err)
{
    if (!(ws->threaded ? wait_for_window(ws) : produce(ws, ws->taken)))
        return evr_fail_nomem(err);
    *out = ws->slots[ws->taken % ws->slot_count].window;
    ws->taken++;
    return EVR_OK;
}
