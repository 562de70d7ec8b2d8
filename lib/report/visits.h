/* Comparing what several visits to a record found. What they differ by says more of the next run than the samples of each do, and a visit that was disturbed without its being
 * noticed is far from the others: so they are compared by trimmed means. */
#ifndef EVR_REPORT_VISITS_H
#define EVR_REPORT_VISITS_H

#include "report/judge.h"

#include <evreplay/report.h>

/* Where both sides have several visits, sets ratio, deviation and freedom of the pair by Yuen's comparison (1974), and returns true. Where one has, widens the pair by what its
 * visits differ by. `room` holds the visits of either. */
bool evr_visits_compare(const evr_result *base, const evr_result *newer, double *room, evr_pair *pair);

#endif
