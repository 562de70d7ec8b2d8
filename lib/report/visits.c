#include "report/visits.h"

#include "measure/statistics.h"

#include <math.h>

enum { FEWEST = 2, CUT = 5 }; /* a fifth at either end */

/* Of the logarithm of a record's time. */
typedef struct visits {
    double mean, variance; /* of the trimmed mean */
    double freedom;
} visits;

/* The trimmed mean and its variance (Tukey and McLaughlin, 1963), in which what is cut counts as the nearest that is not. Of so few that none is cut it is the median, which one
 * that is far off moves less. False when there are too few for either. */
static bool look_at(const evr_result *r, double *room, visits *out)
{
    size_t n = 0;
    for (size_t i = 0; i < r->visit_count; i++)
        if (r->visits[i] > 0)
            room[n++] = log(r->visits[i]);
    size_t cut = n / CUT, kept = n - 2 * cut;
    if (n < FEWEST)
        return false;
    evr_sort_f64(room, n);
    double trimmed = 0, all = 0, squares = 0;
    for (size_t i = cut; i < n - cut; i++)
        trimmed += room[i] / (double)kept;
    for (size_t i = 0; i < cut; i++) {
        room[i] = room[cut];
        room[n - 1 - i] = room[n - 1 - cut];
    }
    for (size_t i = 0; i < n; i++)
        all += room[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (room[i] - all) * (room[i] - all);
    *out = (visits){trimmed, squares / (double)(kept * (kept - 1)), (double)(kept - 1)};
    if (!cut) {
        out->mean = evr_median_of_sorted(room, n);
        out->variance *= EVR_MEDIAN_OVER_MEAN * EVR_MEDIAN_OVER_MEAN;
    }
    return true;
}

static void widen(evr_pair *pair, const visits *of)
{
    if (of->variance <= pair->sd * pair->sd)
        return;
    pair->sd = sqrt(of->variance);
    pair->freedom = fmin(pair->freedom, of->freedom);
}

bool evr_visits_compare(const evr_result *base, const evr_result *newer, double *room, evr_pair *pair)
{
    visits a, b;
    bool has_a = look_at(base, room, &a), has_b = look_at(newer, room, &b);
    if (has_a != has_b)
        widen(pair, has_a ? &a : &b);
    if (!has_a || !has_b)
        return false;
    double both = a.variance + b.variance;
    pair->log_ratio = b.mean - a.mean;
    pair->sd = sqrt(both);
    pair->freedom = both > 0 ? both * both / (a.variance * a.variance / a.freedom + b.variance * b.variance / b.freedom) : a.freedom + b.freedom;
    return true;
}
