/**
 * @file
 * Everything of libevreplay that a program uses. Bridges include bridge.h instead.
 */
#ifndef EVREPLAY_EVREPLAY_H
#define EVREPLAY_EVREPLAY_H

#include <evreplay/base.h>
#include <evreplay/ir.h>
#include <evreplay/perfdb.h>
#include <evreplay/replay.h>
#include <evreplay/trace.h>

#endif
