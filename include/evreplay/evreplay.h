/**
 * @file
 * Everything of libevreplay that a program uses. Plug-ins include bridge.h or backend.h instead.
 */
#ifndef EVREPLAY_EVREPLAY_H
#define EVREPLAY_EVREPLAY_H

#include <evreplay/arrow.h>
#include <evreplay/artifact.h>
#include <evreplay/base.h>
#include <evreplay/batch.h>
#include <evreplay/init.h>
#include <evreplay/ir.h>
#include <evreplay/measure.h>
#include <evreplay/perfdb.h>
#include <evreplay/registry.h>
#include <evreplay/replay.h>
#include <evreplay/report.h>
#include <evreplay/rows.h>
#include <evreplay/store.h>
#include <evreplay/trace.h>
#include <evreplay/trace_set.h>

#endif
