/* A small database with its profile, for the tests of updating. */
#ifndef EVR_TESTS_PERFDB_DATABASES_H
#define EVR_TESTS_PERFDB_DATABASES_H

#include "perfdb/folders.h"

#define HEADER                                                                                                       \
    "OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
#define SUMMARY                                                                                                      \
    "Device_id,OP Type,OP State,Task Type,Task Duration(us),Input Shapes,Input Data Types,Input Formats,Output Shapes,"       \
    "Output Data Types,Output Formats"

typedef struct database {
    test_memory memory;
    evr_context *ctx;
    const char *folder;  /* of the database */
    const char *profile; /* folder with op_summary files */
    evr_perfdb *db;
    evr_perfdb_report *report;
    evr_perfdb_totals totals;
    evr_perfdb_update_options options;
    const char *sources[4];
} database;

static inline void database_open(database *d)
{
    *d = (database){.folder = new_folder(), .profile = new_folder()};
    d->ctx = test_context(&d->memory);
    d->sources[0] = d->profile;
    d->options = (evr_perfdb_update_options){EVR_INIT(evr_perfdb_update_options), .sources = d->sources, .source_count = 1};
    assert_ok(evr_perfdb_open(d->ctx, d->folder, NULL, &d->db, err));
}

static inline void database_close(database *d)
{
    evr_perfdb_report_free(d->report);
    evr_perfdb_free(d->db);
    test_context_done(d->ctx, &d->memory);
    remove_folder(d->folder);
    remove_folder(d->profile);
}

static inline void database_put(database *d, const char *name, const char *text) { put_text(in_folder(d->folder, name), text); }

static inline void database_profile(database *d, const char *text) { put_text(in_folder(d->profile, "op_summary_0.csv"), text); }

static inline void database_update(database *d)
{
    evr_perfdb_report_free(d->report);
    d->report = NULL;
    assert_ok(evr_perfdb_update(d->db, &d->options, &d->report, err));
    d->totals = (evr_perfdb_totals){EVR_INIT(evr_perfdb_totals)};
    assert_ok(evr_perfdb_report_totals(d->report, &d->totals, err));
}

static inline void database_expect(database *d, const char *name, const char *text) { assert_file(in_folder(d->folder, name), text); }

/* The entry of an operator in the report. */
static inline evr_perfdb_file database_file(database *d, const char *op, size_t *index)
{
    evr_perfdb_file f = {EVR_INIT(evr_perfdb_file)};
    for (size_t i = 0; i < evr_perfdb_report_file_count(d->report); i++) {
        assert_ok(evr_perfdb_report_file(d->report, i, &f, err));
        if (f.op.len == strlen(op) && memcmp(f.op.data, op, f.op.len) == 0) {
            if (index)
                *index = i;
            return f;
        }
    }
    fail_msg("%s is not in the report", op);
    return f;
}

#endif
