#include "artifact/zip.h"

#include "base/error.h"

#include <strings.h>
#include <zip.h>

/* The records at a zip file's end. */
enum { END = 22, LOCATOR = 20, COMMENT = 65535 };

/* Deflate makes at most 1032 bytes of one. */
enum { MOST_RATIO = 1032 };

static uint32_t number(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

/* libzip takes memory for as many files as the end of the file says there are, and looks for that end in several places. So it is made sure beforehand that there
 * is one, at the very end, and none with the 64-bit numbers that files of this size have no need of. */
static evr_status check_end(evr_context *ctx, const unsigned char *data, size_t size, const evr_artifact_limits *limits, uint32_t *files, evr_error **err)
{
    if (!evr_artifact_looks_like(data, size))
        return evr_fail(ctx, err, EVR_E_FORMAT, "this is no zip file");
    const unsigned char *end = data + (size < END ? 0 : size - END);
    if (size < END || memcmp(end, "PK\5\6", 4) != 0) {
        evr_fail(ctx, err, EVR_E_TRUNCATED, "the zip file has no end: it was cut, or something follows it");
        evr_at_offset(err, (int64_t)size);
        return evr_hint(err, "transfer the file again; compare its size with the one it was written with");
    }
    size_t first = size > END + LOCATOR + COMMENT ? size - END - LOCATOR - COMMENT : 0;
    for (size_t i = first; i + LOCATOR + 4 <= size; i++)
        if (memcmp(data + i, "PK\6\7", 4) == 0 && memcmp(data + i + LOCATOR, "PK\5\6", 4) == 0)
            return evr_fail(ctx, err, EVR_E_UNSUPPORTED, "the zip file is in the 64-bit form, which artifacts never need");
    uint32_t count = number(end + 10, 2), cut = number(end + 4, 2) | number(end + 6, 2) | number(end + 20, 2);
    uint64_t directory = (uint64_t)number(end + 12, 4) + number(end + 16, 4);
    *files = count;
    if (cut || number(end + 8, 2) != count || directory != size - END) {
        evr_fail(ctx, err, EVR_E_FORMAT, "the end of the zip file contradicts itself");
        return evr_at_offset(err, (int64_t)(size - END));
    }
    if (count > limits->files)
        return evr_fail(ctx, err, EVR_E_LIMIT, "the zip file holds %u files, and %u are allowed", count, limits->files);
    return EVR_OK;
}

static evr_status fail(evr_context *ctx, zip_error_t *why, const char *what, evr_error **err)
{
    switch (zip_error_code_zip(why)) {
    case ZIP_ER_MEMORY: return evr_fail_nomem(err);
    case ZIP_ER_COMPNOTSUPP:
    case ZIP_ER_ENCRNOTSUPP:
    case ZIP_ER_NOPASSWD: return evr_fail(ctx, err, EVR_E_UNSUPPORTED, "%s: %s", what, zip_error_strerror(why));
    case ZIP_ER_EXISTS: return evr_fail(ctx, err, EVR_E_FORMAT, "the zip file holds a name twice");
    default: return evr_fail(ctx, err, EVR_E_FORMAT, "%s: %s", what, zip_error_strerror(why));
    }
}

static evr_status check_name(evr_context *ctx, zip_t *zip, uint32_t index, evr_error **err)
{
    const char *name = zip_get_name(zip, index, ZIP_FL_ENC_RAW);
    bool good = name && name[0] && name[0] != '.' && strlen(name) <= 255 && !strpbrk(name, "/\\:");
    for (const char *c = name; good && *c; c++)
        good = (unsigned char)*c >= ' ' && *c != 127;
    if (!good)
        return evr_fail(ctx, err, EVR_E_FORMAT, "file %u of the zip file has a name that leads elsewhere; an artifact has no folders", index);
    for (uint32_t i = 0; i < index; i++) {
        const char *other = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
        if (other && strcasecmp(other, name) == 0)
            return evr_fail(ctx, err, EVR_E_FORMAT, "the zip file holds %s twice", name);
    }
    return EVR_OK;
}

/* Names and declared sizes of all files, read or not. */
static evr_status check_files(evr_context *ctx, zip_t *zip, uint32_t count, const evr_artifact_limits *limits, evr_error **err)
{
    uint64_t total = 0;
    if (zip_get_num_entries(zip, 0) != (zip_int64_t)count)
        return evr_fail(ctx, err, EVR_E_FORMAT, "the zip file has more than one directory");
    for (uint32_t i = 0; i < count; i++) {
        zip_stat_t about;
        const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
        EVR_TRY(check_name(ctx, zip, i, err));
        const char *name = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
        if (zip_stat_index(zip, i, 0, &about) || (about.valid & need) != need)
            return fail(ctx, zip_get_error(zip), name, err);
        if (about.encryption_method != ZIP_EM_NONE || (about.comp_method != ZIP_CM_STORE && about.comp_method != ZIP_CM_DEFLATE))
            return evr_fail(ctx, err, EVR_E_UNSUPPORTED, "%s is encrypted, or compressed in a way that artifacts are not", name);
        if (about.size > limits->file_bytes || __builtin_add_overflow(total, about.size, &total) || total > limits->total_bytes)
            return evr_fail(ctx, err, EVR_E_LIMIT, "%s unpacks to %llu bytes; %llu for one file and %llu for all are allowed", name,
                            (unsigned long long)about.size, (unsigned long long)limits->file_bytes, (unsigned long long)limits->total_bytes);
        if (about.size / MOST_RATIO > about.comp_size)
            return evr_fail(ctx, err, EVR_E_FORMAT, "%s cannot unpack to as much as it says", name);
    }
    return EVR_OK;
}

/* The checksum is looked at when the end is reached, which is one byte behind the last. */
static evr_status unpack(evr_context *ctx, zip_t *zip, zip_uint64_t index, evr_arena *arena, evr_zip_file *file, evr_error **err)
{
    zip_stat_t about;
    if (zip_stat_index(zip, index, 0, &about))
        return fail(ctx, zip_get_error(zip), file->name, err);
    char *text = evr_arena_alloc(arena, (size_t)about.size + 1);
    if (!text)
        return evr_fail_nomem(err);
    zip_file_t *in = zip_fopen_index(zip, index, 0);
    if (!in)
        return fail(ctx, zip_get_error(zip), file->name, err);
    zip_uint64_t done = 0;
    zip_int64_t got = 1;
    while (done < about.size && (got = zip_fread(in, text + done, about.size - done)) > 0)
        done += (zip_uint64_t)got;
    char beyond;
    zip_int64_t more = got < 0 ? -1 : zip_fread(in, &beyond, 1);
    evr_status status = EVR_OK;
    if (more < 0)
        status = fail(ctx, zip_file_get_error(in), file->name, err);
    else if (more > 0 || done != about.size)
        status = evr_fail(ctx, err, EVR_E_FORMAT, "%s does not unpack to as much as the zip file says", file->name);
    zip_fclose(in);
    text[done] = 0;
    file->data = (evr_str){text, (size_t)done};
    return status;
}

static evr_status read_files(evr_context *ctx, zip_t *zip, uint32_t entries, const evr_artifact_limits *limits, evr_arena *arena, evr_zip_file *files, size_t count,
                             evr_error **err)
{
    EVR_TRY(check_files(ctx, zip, entries, limits, err));
    for (size_t i = 0; i < count; i++) {
        zip_int64_t at = zip_name_locate(zip, files[i].name, 0);
        files[i].data = (evr_str){NULL, 0};
        if (at >= 0)
            EVR_TRY(unpack(ctx, zip, (zip_uint64_t)at, arena, &files[i], err));
    }
    return EVR_OK;
}

evr_status evr_zip_read(evr_context *ctx, const void *data, size_t size, const evr_artifact_limits *limits, evr_arena *arena, evr_zip_file *files, size_t count,
                        evr_error **err)
{
    uint32_t entries = 0;
    zip_error_t why;
    EVR_TRY(check_end(ctx, data, size, limits, &entries, err));
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(data, size, 0, &why);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &why) : NULL;
    evr_status status = zip ? read_files(ctx, zip, entries, limits, arena, files, count, err) : fail(ctx, &why, "the zip file", err);
    if (zip)
        zip_discard(zip);
    else
        zip_source_free(source);
    zip_error_fini(&why);
    return status;
}
