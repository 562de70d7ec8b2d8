#include "report/judge.h"

#include "measure/statistics.h"

#include <math.h>

enum { LEARN_FROM = 8, BETWEEN_FREEDOM = 8, MOST_FREEDOM = 200 };

#define APART 4.0 /* standard deviations between the middles of two parts */
#define GAP 1.0   /* and between the nearest of them */

/* Abramowitz and Stegun, 26.7.4. */
double evr_student_tails(double t, double freedom)
{
    int even = freedom < 4 ? 2 : freedom > MOST_FREEDOM ? MOST_FREEDOM : (int)freedom & ~1;
    double cosine2 = even / (even + t * t), term = 1, sum = 1;
    for (int k = 2; k < even; k += 2) {
        term *= cosine2 * (k - 1) / k;
        sum += term;
    }
    double inside = fabs(t) / sqrt(even + t * t) * sum;
    return inside < 1 ? 1 - inside : 0;
}

double evr_scale_qn(const double *values, size_t count, double *pairs)
{
    size_t n = 0, half = count / 2 + 1, rank = half * (half - 1) / 2;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            pairs[n++] = fabs(values[i] - values[k]);
    evr_sort_f64(pairs, n);
    double few = (double)count / ((double)count + (count % 2 ? 1.4 : 3.8));
    return 2.2219 * few * pairs[rank - 1];
}

static double median_of(const double *sorted, size_t from, size_t to) { return evr_median_of_sorted(sorted + from, to - from); }

/* From the quartiles. */
static double spread_of(const double *sorted, size_t from, size_t to)
{
    size_t quarter = (to - from) / 4;
    return (sorted[to - 1 - quarter] - sorted[from + quarter]) / EVR_IQR_OF_NORMAL;
}

/* Where sorted values fall into two parts with a gap between them, each at least a tenth; 0 = they are one. */
static size_t find_split(const double *sorted, size_t count)
{
    size_t least = count / 10 < 3 ? 3 : count / 10, best = 0;
    double widest = APART;
    for (size_t i = least; i + least <= count; i++) {
        double a = spread_of(sorted, 0, i), b = spread_of(sorted, i, count), part = (double)i / (double)count;
        double within = fmax(sqrt(part * a * a + (1 - part) * b * b), EVR_BETWEEN_RUNS);
        double apart = (median_of(sorted, i, count) - median_of(sorted, 0, i)) / within;
        if (apart > widest && sorted[i] - sorted[i - 1] > GAP * within) {
            widest = apart;
            best = i;
        }
    }
    return best;
}

static double noise_of(const evr_pair *pair) { return hypot(pair->sd, pair->disturbed ? EVR_WHEN_DISTURBED : EVR_BETWEEN_RUNS); }

static void learn(const evr_pair *pairs, size_t all, double threshold, double *room, evr_judgement *out)
{
    double *sorted = room, *deviations = room + all, *distances = room + 2 * all;
    size_t count = 0, seen = 0;
    *out = (evr_judgement){0, 1};
    for (size_t i = 0; i < all; i++)
        if (!pairs[i].disturbed)
            sorted[count++] = pairs[i].log_ratio;
    if (count < LEARN_FROM)
        return;
    evr_sort_f64(sorted, count);
    size_t split = find_split(sorted, count), step = (count + EVR_JUDGE_MOST - 1) / EVR_JUDGE_MOST, taken = 0;
    double low = median_of(sorted, 0, split ? split : count), high = split ? median_of(sorted, split, count) : low;
    double border = split ? sorted[split] : INFINITY, shift = fabs(low) <= fabs(high) ? low : high;
    out->shift = fabs(shift) < log1p(threshold) ? shift : 0;
    for (size_t i = 0; i < all; i++)
        if (!pairs[i].disturbed && seen++ % step == 0) /* a few hundred tell as much as all */
            deviations[taken++] = (pairs[i].log_ratio - (pairs[i].log_ratio < border ? low : high)) / noise_of(&pairs[i]);
    out->inflation = fmax(1, evr_scale_qn(deviations, taken, distances));
}

static double tails(const evr_pair *pair, double shift)
{
    double all = pair->noise * pair->noise, own = pair->sd * pair->sd, beyond = fmax(all - own, 0);
    double freedom = all * all / (own * own / fmax(pair->freedom, 2) + beyond * beyond / BETWEEN_FREEDOM);
    return evr_student_tails((pair->log_ratio - shift) / pair->noise, freedom);
}

/* Least p first; equal ones in their order. */
static void sort_by_p(const evr_pair *pairs, size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t gap = count / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (size_t i = gap; i < count; i++) {
            size_t moved = order[i], k = i;
            double p = pairs[moved].p_value;
            for (; k >= gap && (pairs[order[k - gap]].p_value > p || (pairs[order[k - gap]].p_value == p && order[k - gap] > moved)); k -= gap)
                order[k] = order[k - gap];
            order[k] = moved;
        }
}

/* Holm (1979). */
static void correct(evr_pair *pairs, size_t *order, size_t count)
{
    double largest = 0;
    sort_by_p(pairs, order, count);
    for (size_t i = 0; i < count; i++) {
        evr_pair *pair = &pairs[order[i]];
        largest = fmax(largest, fmin(1, pair->p_value * (double)(count - i)));
        pair->p_value = largest;
    }
}

void evr_judge(evr_pair *pairs, size_t count, double threshold, double error_rate, double *room, size_t *order, evr_judgement *out)
{
    const double slower = log1p(threshold), faster = -slower; /* so that turning base and newer round turns the calls round */
    learn(pairs, count, threshold, room, out);
    for (size_t i = 0; i < count; i++) {
        pairs[i].noise = pairs[i].disturbed ? hypot(out->inflation * pairs[i].sd, EVR_WHEN_DISTURBED) : out->inflation * noise_of(&pairs[i]);
        pairs[i].p_value = tails(&pairs[i], out->shift);
    }
    correct(pairs, order, count);
    for (size_t i = 0; i < count; i++) {
        double own = pairs[i].log_ratio - out->shift;
        bool sure = pairs[i].p_value < error_rate;
        /* What most of the change comes from must not be the shift that was taken off. */
        pairs[i].change = !sure ? 0 : own >= slower && pairs[i].log_ratio >= slower / 2 ? 1 : own <= faster && pairs[i].log_ratio <= faster / 2 ? -1 : 0;
    }
}
