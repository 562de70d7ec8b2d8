/* Reports as text. */
#ifndef EVR_PERFDB_REPORT_TEXT_H
#define EVR_PERFDB_REPORT_TEXT_H

#include "base/buf.h"
#include "perfdb/report.h"

void evr_dbreport_markdown(evr_buf *to, const evr_perfdb_report *r);
void evr_dbreport_gaps_csv(evr_buf *to, const evr_perfdb_report *r);
void evr_dbreport_json(evr_buf *to, const evr_perfdb_report *r);

#endif
