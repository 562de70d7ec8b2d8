#include "measure/stop.h"

#include "base/context.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

enum { LEAST_FOR_INTERVAL = 6 };

/* Who stops when an interval is narrow stops a little too often when it is narrow by chance, and then it covers less than
 * it says. Three things together bring coverage back to 95 %, as tests/measure shows for several distributions: looking
 * seldom (each time a quarter more samples), taking half as many again once the target is met for the first time unless it
 * is met twice over, and 5 % on the width. */
#define LOOK_AGAIN 1.25
#define EXTENSION 1.5
#define SURELY 0.5
#define WIDENING 1.05

/* Half of the interval that normal samples of this MAD would have, over MAD / sqrt(n): a second opinion that is less often
 * narrow by chance. Of samples that drift the MAD says nothing. */
#define NORMAL_HALF_WIDTH (1.959964 * 1.253314 * 1.482602)

double evr_relative_precision(const evr_statistics *s)
{
    if (s->count < LEAST_FOR_INTERVAL || !(s->median > 0))
        return -1;
    return (s->median_high - s->median_low) / 2 / s->median;
}

double evr_stop_widening(const evr_protocol *protocol, size_t chosen, size_t count)
{
    if (protocol->stop != EVR_STOP_PRECISION || chosen <= protocol->min_samples || chosen <= LEAST_FOR_INTERVAL)
        return 1;
    return count >= 2 * chosen ? 1 : WIDENING; /* most samples came after the choice, and know nothing of it */
}

static size_t grown(size_t count, double factor)
{
    size_t next = (size_t)ceil((double)count * factor);
    return next > count ? next : count + 1;
}

static evr_status look_precision(evr_stop *stop, const double *samples, size_t count, evr_error **err)
{
    const evr_protocol *p = stop->protocol;
    size_t least = p->min_samples > LEAST_FOR_INTERVAL ? p->min_samples : LEAST_FOR_INTERVAL;
    stop->next = stop->next > least ? stop->next : least;
    if (count < stop->next)
        return EVR_OK;
    EVR_TRY(evr_statistics_room_for(stop->ctx, &stop->room, count, err));
    evr_statistics s;
    evr_statistics_compute(samples, count, evr_stop_widening(p, count, count), &stop->room, &s);
    double reached = evr_relative_precision(&s);
    double opinion = s.median > 0 ? WIDENING * NORMAL_HALF_WIDTH * s.mad / sqrt((double)count) / s.median : INFINITY;
    if (reached < 0)
        reached = INFINITY;
    if (s.flags & EVR_STATISTICS_DRIFT)
        opinion = reached;
    double careful = fmax(reached, opinion);
    stop->part = fmax(stop->part, fmin(1, p->precision * p->precision / (careful * careful)));
    stop->done = careful <= SURELY * p->precision || (stop->extended && reached <= p->precision);
    bool extend = !stop->extended && careful <= p->precision;
    stop->extended |= extend;
    stop->next = grown(count, extend ? EXTENSION : LOOK_AGAIN);
    return EVR_OK;
}

static void remember(evr_stop *stop, size_t window, double value) { stop->window[stop->window_count++ % window] = value; }

/* nvbench's stdrel: the deviation over the mean is small, or has stopped changing. */
static void look_stdrel(evr_stop *stop, double sample)
{
    const evr_protocol *p = stop->protocol;
    double n = (double)(stop->count + 1), step = sample - stop->mean;
    stop->mean += step / n;
    stop->squares += step * (sample - stop->mean);
    stop->sum += sample;
    double noise = n > 1 ? sqrt(stop->squares / (n - 1)) / stop->mean : NAN;
    if (isfinite(noise))
        remember(stop, EVR_NOISE_WINDOW, noise);
    stop->part = fmin(1, stop->sum / (p->device_seconds * 1e9));
    if (stop->sum <= p->device_seconds * 1e9 || stop->window_count == 0)
        return;
    stop->done = noise < p->noise;
    size_t kept = stop->window_count < EVR_NOISE_WINDOW ? stop->window_count : EVR_NOISE_WINDOW;
    if (stop->done || kept <= 64 || (stop->count + 1) % 16 != 0)
        return;
    double squares = 0;
    for (size_t i = 0; i < kept; i++)
        squares += (stop->window[i] - noise) * (stop->window[i] - noise);
    stop->done = sqrt(squares / (double)(kept - 1)) < 0.05 * noise;
}

static double c_log_c(uint64_t c) { return c ? (double)c * log2((double)c) : 0; }

static evr_status count_value(evr_stop *stop, double sample, evr_error **err)
{
    size_t low = 0, high = stop->value_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (stop->values[middle].value < sample)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == stop->value_count || stop->values[low].value != sample) {
        void *array = stop->values;
        if (!evr_grow(stop->ctx, &array, &stop->value_cap, stop->value_count + 1, sizeof *stop->values))
            return evr_fail_nomem(err);
        stop->values = array;
        memmove(stop->values + low + 1, stop->values + low, (stop->value_count - low) * sizeof *stop->values);
        stop->values[low] = (evr_frequency){sample, 0};
        stop->value_count++;
    }
    uint64_t c = stop->values[low].count++;
    stop->surprise += c_log_c(c + 1) - c_log_c(c);
    return EVR_OK;
}

/* nvbench's entropy: a line through the last entropies no longer rises, and fits. */
static evr_status look_entropy(evr_stop *stop, double sample, evr_error **err)
{
    const evr_protocol *p = stop->protocol;
    EVR_TRY(count_value(stop, sample, err));
    double n = (double)(stop->count + 1);
    remember(stop, EVR_ENTROPY_WINDOW, log2(n) - stop->surprise / n);
    if (stop->window_count < 2 || (stop->count + 1) % 2 != 0)
        return EVR_OK;
    size_t kept = stop->window_count < EVR_ENTROPY_WINDOW ? stop->window_count : EVR_ENTROPY_WINDOW;
    size_t first = stop->window_count - kept;
    double middle = ((double)kept - 1) / 2, mean = 0, both = 0, times = 0, all = 0, left = 0;
    for (size_t i = 0; i < kept; i++)
        mean += stop->window[i] / (double)kept;
    for (size_t i = 0; i < kept; i++) {
        double t = (double)i - middle, y = stop->window[(first + i) % EVR_ENTROPY_WINDOW] - mean;
        both += t * y;
        times += t * t;
        all += y * y;
    }
    double slope = both / times;
    for (size_t i = 0; i < kept; i++) {
        double y = stop->window[(first + i) % EVR_ENTROPY_WINDOW] - mean - slope * ((double)i - middle);
        left += y * y;
    }
    double r2 = all > 0 ? 1 - left / all : 1;
    stop->done = atan(slope) * 180 / M_PI <= p->entropy_angle && r2 >= p->entropy_r2;
    return EVR_OK;
}

evr_status evr_stop_look(evr_stop *stop, const double *samples, size_t count, evr_error **err)
{
    const evr_protocol *p = stop->protocol;
    for (; stop->count < count && !stop->done; stop->count++) {
        size_t seen = stop->count + 1;
        if (p->stop == EVR_STOP_PRECISION)
            EVR_TRY(look_precision(stop, samples, seen, err));
        else if (p->stop == EVR_STOP_STDREL)
            look_stdrel(stop, samples[stop->count]);
        else if (p->stop == EVR_STOP_ENTROPY)
            EVR_TRY(look_entropy(stop, samples[stop->count], err));
        else
            stop->done = seen >= p->samples;
        if (p->stop == EVR_STOP_COUNT)
            stop->part = (double)seen / (double)p->samples;
        else
            stop->done &= seen >= p->min_samples;
    }
    return EVR_OK;
}

void evr_stop_init(evr_stop *stop, evr_context *ctx, const evr_protocol *protocol)
{
    *stop = (evr_stop){.ctx = ctx, .protocol = protocol};
}

void evr_stop_reset(evr_stop *stop)
{
    evr_stop fresh = {.ctx = stop->ctx,
                      .protocol = stop->protocol,
                      .room = stop->room,
                      .values = stop->values,
                      .value_cap = stop->value_cap};
    *stop = fresh;
}

void evr_stop_free(evr_stop *stop)
{
    evr_statistics_room_free(stop->ctx, &stop->room);
    if (stop->values)
        evr_release(stop->ctx, stop->values, stop->value_cap * sizeof *stop->values);
    stop->values = NULL;
}
