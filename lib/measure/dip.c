/* Hartigan and Hartigan, "The dip test of unimodality", Annals of Statistics 13 (1985).
 *
 * Heights are counted in samples: the empirical distribution steps at sorted[i] from i to i + 1. Left of the mode a
 * one-moded distribution is convex, right of it concave, so the mode is sought between the greatest convex minorant and the
 * least concave majorant, on ever smaller intervals. */
#include "measure/dip.h"

#include <math.h>
#include <stdbool.h>

typedef struct hull {
    uint32_t *knots; /* indices of samples, rising */
    size_t count;
} hull;

typedef struct dip_search {
    const double *x;
    size_t low, high;
    hull minorant, majorant;
    double dip; /* twice, in samples */
} dip_search;

/* Whether b lies on the wrong side of the line from a to c: below it for a majorant (sign 1), above it for a minorant (sign
 * -1). */
static bool is_dented(const double *x, size_t a, size_t b, size_t c, double sign)
{
    return sign * ((x[b] - x[a]) * (double)(c - a) - (x[c] - x[a]) * (double)(b - a)) >= 0;
}

static void build(const dip_search *s, hull *h, double sign)
{
    h->count = 0;
    for (size_t i = s->low; i <= s->high; i++) {
        while (h->count >= 2 && is_dented(s->x, h->knots[h->count - 2], h->knots[h->count - 1], i, sign))
            h->count--;
        h->knots[h->count++] = (uint32_t)i;
    }
}

/* Height of the line through samples a and b, at the height of their indices, above sample i. */
static double line_at(const double *x, size_t a, size_t b, size_t i)
{
    if (x[b] <= x[a])
        return (double)i;
    return (double)a + (x[i] - x[a]) * (double)(b - a) / (x[b] - x[a]);
}

/* The largest distance between the two hulls, and the knots that enclose it: the minorant's at or before, the majorant's at
 * or after. */
static double widest(const dip_search *s, size_t *left, size_t *right)
{
    const hull *m = &s->minorant, *c = &s->majorant;
    double most = 0;
    for (size_t i = 1, j = 1; i < m->count && j < c->count;) {
        size_t at_m = m->knots[i], at_c = c->knots[j];
        double d;
        size_t from, to;
        if (at_m <= at_c) {
            d = line_at(s->x, c->knots[j - 1], at_c, at_m) + 1 - (double)at_m;
            from = at_m;
            to = at_c;
            i++;
            j += at_m == at_c;
        } else {
            d = (double)at_c + 1 - line_at(s->x, m->knots[i - 1], at_m, at_c);
            from = m->knots[i - 1];
            to = at_c;
            j++;
        }
        if (d >= most) {
            most = d;
            *left = from;
            *right = to;
        }
    }
    return most;
}

/* The largest distance of the step function from a hull, between samples `from` and `to`. */
static double departure(const dip_search *s, const hull *h, size_t from, size_t to, double sign)
{
    double most = 1;
    for (size_t k = 1; k < h->count; k++) {
        size_t a = h->knots[k - 1], b = h->knots[k];
        if (a < from || b > to || s->x[b] <= s->x[a])
            continue;
        for (size_t i = a; i <= b; i++) {
            double d = 1 + sign * (line_at(s->x, a, b, i) - (double)i);
            most = d > most ? d : most;
        }
    }
    return most;
}

double evr_dip(const double *sorted, size_t count, uint32_t *room)
{
    dip_search s = {sorted, 0, count - 1, {room, 0}, {room + count, 0}, 1};
    while (s.high > s.low && sorted[s.high] > sorted[s.low]) {
        size_t left = s.low, right = s.high;
        build(&s, &s.minorant, -1);
        build(&s, &s.majorant, 1);
        if (widest(&s, &left, &right) <= s.dip)
            break;
        double below = departure(&s, &s.minorant, s.low, left, -1), above = departure(&s, &s.majorant, right, s.high, 1);
        s.dip = fmax(s.dip, fmax(below, above));
        if ((left == s.low && right == s.high) || left >= right)
            break;
        s.low = left;
        s.high = right;
    }
    return s.dip / (2 * (double)count);
}

/* Points of uniform samples, which dip most of all that have one mode: fitted to 40,000 runs each of 10 to 5,000 samples.
 */
evr_dip_size evr_dip_judge(double dip, size_t count)
{
    double root = sqrt((double)count);
    if (count < 10 || dip * root <= 0.545 - 0.33 / root)
        return EVR_DIP_USUAL;
    return dip * root <= 0.63 - 0.4 / root ? EVR_DIP_SUSPECT : EVR_DIP_LARGE;
}

size_t evr_two_groups(const double *sorted, size_t count)
{
    /* Sum of distances from the group's median: moving one sample from the upper group to the lower changes both sums by
     * what is left of their medians. */
    double total = 0, best = INFINITY;
    size_t smallest = count / 10 + 1, split = 0; /* fewer are outliers */
    for (size_t i = 0; i < count; i++)
        total += sorted[i];
    double low_sum = 0, low_half = 0,
           upto = 0; /* of the lower group; of its lower half; of everything below the upper group's median */
    size_t half = 0, middle = 0;
    for (size_t k = 1; k < count; k++) {
        low_sum += sorted[k - 1];
        for (; half < k / 2; half++)
            low_half += sorted[half];
        size_t upper = count - k, want = k + upper / 2;
        for (; middle < want; middle++)
            upto += sorted[middle];
        double low_upper = low_sum - low_half - (k % 2 ? sorted[k / 2] : 0);
        double high_upper = total - upto - (upper % 2 ? sorted[want] : 0);
        double cost = (low_upper - low_half) + (high_upper - (upto - low_sum));
        if (k >= smallest && upper >= smallest && sorted[k] > sorted[k - 1] && cost < best) {
            best = cost;
            split = k;
        }
    }
    return split;
}
