/* Telling changes from noise: pure arithmetic over the ratios of all matches.
 *
 * The samples of one run tell how well its median is known in that run. They do not tell how much the next run of the same program differs: clocks, memory
 * layout and temperature move whole runs. That is learnt from the matches themselves, of which most have not changed: their ratios, each over its own noise,
 * lie as far apart as noise makes them. How far is told by a scale that half of them being otherwise does not spoil (Rousseeuw and Croux's Qn, 1993), after
 * they are split in two where a gap says that one part changed and the other did not. Where they lie further apart than the samples explain, all noise is
 * taken to be that much larger.
 *
 * A match one of whose sides was timed while the device was slowed or shared teaches nothing, and has to differ by more than that explains.
 *
 * A shift that most have in common and that is below the threshold is the machine's, and is taken off; a larger one is not. With fewer than 8 matches nothing
 * is learnt, and each stands for itself.
 *
 * Deviations are compared with Student's t. What the samples say has as many degrees of freedom as there are samples; what runs differ by has few, since that
 * goes beyond what a normal distribution says now and then; the two are put together as Welch and Satterthwaite do. Holm's correction keeps the
 * probability of any false call below the error rate. */
#ifndef EVR_REPORT_JUDGE_H
#define EVR_REPORT_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

/* Standard deviation, between two runs of one program, of the logarithm of a ratio at the least. */
#define EVR_BETWEEN_RUNS 0.003

/* The same where the device was slowed or shared: the times of such runs lie between what they should be and twice that. */
#define EVR_WHEN_DISTURBED 0.25

/* Between the quartiles of normal values, in standard deviations. */
#define EVR_IQR_OF_NORMAL 1.3489795

/* Standard deviation of the median of normal values over that of their mean. */
#define EVR_MEDIAN_OVER_MEAN 1.2533141

/* One match that was timed in both. */
typedef struct evr_pair {
    double log_ratio;
    double sd;      /* from the samples */
    double freedom; /* degrees of freedom of that */
    bool disturbed; /* the device was slowed or shared while either was timed, which samples do not show: they may all be equally late */
    double noise;   /* out: with what runs differ by */
    double p_value; /* out: corrected */
    int change;     /* out: -1 faster, 1 slower, 0 neither */
} evr_pair;

/* What all have in common. */
typedef struct evr_judgement {
    double shift;     /* logarithm of the ratio that was taken off; 0 = none */
    double inflation; /* of all noise; 1 = as the samples say */
} evr_judgement;

/* Matches that are learnt from at most. `room` holds 2 * count numbers and all pairs of these; `order` holds `count`. */
enum { EVR_JUDGE_MOST = 400 };
void evr_judge(evr_pair *pairs, size_t count, double threshold, double error_rate, double *room, size_t *order, evr_judgement *out);

/* Probability that Student's t is further from 0 than t, on either side. Degrees of freedom are rounded down to an even number, 2 at least. */
double evr_student_tails(double t, double freedom);

/* Qn of at least 2 values: the standard deviation of normal ones. `pairs` has room for all pairs of them. */
double evr_scale_qn(const double *values, size_t count, double *pairs);

#endif
