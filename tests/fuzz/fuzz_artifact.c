/* Artifacts from any bytes. What is read is packed again, which reads to the same bytes, and packed redacted. The first byte is the number of the allocation that
 * fails, 0 = none; the second is odd when manifest and records follow as text, with a NUL between them, to be put into a zip file here. */
#include "fuzz/support.h"

#include "artifact/zip.h"

static void *wrap(evr_context *ctx, fuzz_bytes in, size_t *size)
{
    const char *data = (const char *)in.data, *end = in.size ? memchr(data, 0, in.size) : NULL;
    size_t first = end ? (size_t)(end - data) : in.size, skip = end ? first + 1 : first;
    const evr_zip_file files[] = {{"manifest.json", {in.size ? data : "", first}, false}, {"records.json", {in.size ? data + skip : "", in.size - skip}, false}};
    void *zip = NULL;
    FUZZ_NEED(evr_zip_write(ctx, files, 2, &zip, size, NULL) == EVR_OK);
    return zip;
}

static void *pack(evr_context *ctx, const evr_artifact *a, uint32_t flags, size_t *size)
{
    const evr_ir *records[64];
    const evr_ir_set *set = evr_artifact_records(a);
    size_t n = evr_ir_set_count(set) < 64 ? evr_ir_set_count(set) : 64;
    evr_artifact_info about = {.struct_size = sizeof about};
    evr_artifact_about(a, &about);
    evr_artifact_options options = {.struct_size = sizeof options, .flags = flags, .input = about.input, .seed = about.seed};
    for (size_t i = 0; i < n; i++)
        records[i] = evr_ir_set_at(set, i);
    void *bytes = NULL;
    evr_status status = evr_artifact_write(ctx, records, n, &options, &bytes, size, NULL);
    FUZZ_NEED((status == EVR_OK) == (bytes != NULL));
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_bytes in = {data, size};
    fuzz_memory memory = {.most = (size_t)1 << 28};
    uint8_t fail_at = fuzz_u8(&in), how = fuzz_u8(&in);
    evr_context *ctx = fuzz_context(&memory);
    evr_artifact *a = NULL, *b = NULL;
    evr_error *err = NULL;
    size_t wrapped_size = 0, once_size = 0, twice_size = 0, hidden_size = 0;
    void *wrapped = how & 1 ? wrap(ctx, in, &wrapped_size) : NULL;
    memory.fail_at = fail_at ? memory.calls + fail_at : 0;
    const evr_artifact_limits limits = {.struct_size = sizeof limits, .file_bytes = 1 << 20};
    evr_status status = evr_artifact_read(ctx, wrapped ? wrapped : in.data, wrapped ? wrapped_size : in.size, &limits, &a, &err);
    fuzz_check_outcome(status, a, err);
    memory.fail_at = 0;
    if (a) {
        void *once = pack(ctx, a, 0, &once_size), *hidden = pack(ctx, a, EVR_ARTIFACT_REDACT | EVR_ARTIFACT_REDACT_OPERATORS, &hidden_size);
        if (once && evr_artifact_read(ctx, once, once_size, NULL, &b, NULL) == EVR_OK) {
            void *twice = pack(ctx, b, 0, &twice_size);
            FUZZ_NEED(twice && twice_size == once_size && memcmp(once, twice, once_size) == 0);
            evr_artifact_bytes_free(ctx, twice, twice_size);
        }
        evr_artifact_bytes_free(ctx, once, once_size);
        evr_artifact_bytes_free(ctx, hidden, hidden_size);
    }
    evr_artifact_free(b);
    evr_artifact_free(a);
    evr_artifact_bytes_free(ctx, wrapped, wrapped_size);
    fuzz_context_done(ctx, &memory);
    return 0;
}
