/* What the JSON of results shares with the other forms. */
#ifndef EVR_REPORT_JSON_H
#define EVR_REPORT_JSON_H

#include "report/results.h"
#include "report/summary.h"
#include "trace/json.h"

/* "good", "bad", "skipped"; "?" for another number. */
const char *evr_verdict_name(int32_t verdict);

#endif
