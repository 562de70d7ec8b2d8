/* The compressed schemas inside the library; see tools/make_schema_snapshot.py for the form. */
#ifndef EVR_SCHEMA_SNAPSHOT_H
#define EVR_SCHEMA_SNAPSHOT_H

#include <stddef.h>

extern const char *const evr_snapshot_versions[]; /* oldest first */
extern const size_t evr_snapshot_version_count;
extern const size_t evr_snapshot_text_size;
extern const size_t evr_snapshot_size;
extern const unsigned char evr_snapshot_data[];

#endif
