#include "artifact/zip.h"

#include "base/error.h"

#include <zip.h>

enum { LEVEL = 9, FIRST_DAY = 1 << 5 | 1 }; /* 1980-01-01, as zip files count */

static evr_status fail(evr_context *ctx, zip_error_t *why, evr_error **err)
{
    if (zip_error_code_zip(why) == ZIP_ER_MEMORY)
        return evr_fail_nomem(err);
    return evr_fail(ctx, err, EVR_E_INTERNAL, "the zip file could not be written: %s", zip_error_strerror(why));
}

static bool add(zip_t *zip, const evr_zip_file *file)
{
    zip_source_t *source = zip_source_buffer(zip, file->data.data, file->data.len, 0);
    if (!source)
        return false;
    zip_int64_t at = zip_file_add(zip, file->name, source, ZIP_FL_ENC_UTF_8);
    if (at < 0) {
        zip_source_free(source);
        return false;
    }
    zip_uint32_t mode = file->program ? 0100755u : 0100644u;
    return zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_DEFLATE, LEVEL) == 0 && zip_file_set_dostime(zip, (zip_uint64_t)at, 0, FIRST_DAY, 0) == 0 &&
           zip_file_set_external_attributes(zip, (zip_uint64_t)at, 0, ZIP_OPSYS_UNIX, mode << 16) == 0;
}

/* What the source holds after the zip file was closed. */
static evr_status take(evr_context *ctx, zip_source_t *source, void **out, size_t *size, evr_error **err)
{
    zip_stat_t about;
    if (zip_source_stat(source, &about) || !(about.valid & ZIP_STAT_SIZE) || zip_source_open(source))
        return fail(ctx, zip_source_error(source), err);
    void *bytes = evr_alloc(ctx, (size_t)about.size);
    evr_status status = bytes ? EVR_OK : evr_fail_nomem(err);
    if (bytes && zip_source_read(source, bytes, about.size) != (zip_int64_t)about.size)
        status = fail(ctx, zip_source_error(source), err);
    zip_source_close(source);
    if (status != EVR_OK) {
        evr_release(ctx, bytes, (size_t)about.size);
        return status;
    }
    *out = bytes;
    *size = (size_t)about.size;
    return EVR_OK;
}

evr_status evr_zip_write(evr_context *ctx, const evr_zip_file *files, size_t count, void **out, size_t *size, evr_error **err)
{
    zip_error_t why;
    zip_error_init(&why);
    evr_status status = EVR_OK;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &why);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_TRUNCATE, &why) : NULL;
    if (!zip) {
        status = fail(ctx, &why, err);
        zip_source_free(source);
        zip_error_fini(&why);
        return status;
    }
    zip_source_keep(source); /* closing gives one hold up */
    for (size_t i = 0; status == EVR_OK && i < count; i++)
        if (!add(zip, &files[i]))
            status = fail(ctx, zip_get_error(zip), err);
    if (status == EVR_OK && zip_close(zip))
        status = fail(ctx, zip_get_error(zip), err);
    else if (status == EVR_OK)
        zip = NULL;
    if (zip)
        zip_discard(zip);
    if (status == EVR_OK)
        status = take(ctx, source, out, size, err);
    zip_source_free(source);
    zip_error_fini(&why);
    return status;
}
