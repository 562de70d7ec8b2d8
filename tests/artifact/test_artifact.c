/* Artifacts: what goes in comes out, the same bytes for the same records, nothing that names its owner when redacted; and what strangers may send: cuts, changed
 * bytes, names that lead elsewhere, names twice, sizes that lie, bombs. */
#include "support/support.h"

#include "artifact/zip.h"

#define TEXT(s) ((evr_str){(s), sizeof(s) - 1})

static const char records_text[] =
    "{\"evreplay_ir\":1,\"records\":[\n"
    "{\"op\":\"aten::add\",\"overload\":\"Tensor\",\"schema\":\"aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor\",\"uid\":7,\"count\":4,"
    "\"device\":\"cuda:0\",\"args\":[{\"name\":\"self\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[2,3],\"strides\":[3,1],\"dtype\":\"float32\"}}},"
    "{\"name\":\"other\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[3],\"strides\":[1],\"dtype\":\"float32\",\"storage_elements\":9}}},"
    "{\"name\":\"alpha\",\"type\":\"Scalar\",\"kwarg\":true,\"value\":1,\"from\":\"default\"}],\"kernels\":[{\"name\":\"add_kernel\",\"count\":4,\"total_ns\":6000}]},\n"
    "{\"op\":\"aten::div\",\"overload\":\"Tensor_mode\",\"schema\":\"aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor\","
    "\"args\":[{\"name\":\"self\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[4],\"strides\":[1],\"dtype\":\"int64\"}}},"
    "{\"name\":\"other\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[4],\"strides\":[1],\"dtype\":\"int64\"}}},"
    "{\"name\":\"rounding_mode\",\"type\":\"str?\",\"kwarg\":true,\"value\":\"floor\"}]},\n"
    "{\"op\":\"acme::secret\",\"args\":[{\"name\":\"customer\",\"type\":\"str\",\"value\":[\"/home/eve/model.pt\",\"/home/eve/model.pt\",\"eve\"],\"note\":\"/home/eve\"},"
    "{\"name\":\"x\",\"type\":\"int\",\"value\":{\"missing\":true},\"from\":\"nowhere\",\"note\":\"eve said 3\"}],\"status\":\"failed\",\"reason\":\"missing-values\","
    "\"detail\":\"eve\",\"kernels\":[{\"name\":\"acme_kernel\",\"count\":1,\"total_ns\":10}]}]}\n";

typedef struct fixture {
    test_memory m;
    evr_context *ctx;
    evr_ir_set *set;
    const evr_ir *records[3];
} fixture;

static void begin(fixture *f)
{
    f->ctx = test_context(&f->m);
    assert_ok(evr_ir_read(f->ctx, records_text, sizeof records_text - 1, &f->set, err));
    assert_int_equal(evr_ir_set_count(f->set), 3);
    for (size_t i = 0; i < 3; i++)
        f->records[i] = evr_ir_set_at(f->set, i);
}

static void end(fixture *f)
{
    evr_ir_set_free(f->set);
    test_context_done(f->ctx, &f->m);
}

static void *pack(fixture *f, const evr_artifact_options *options, size_t *size)
{
    void *bytes = NULL;
    assert_ok(evr_artifact_write(f->ctx, f->records, 3, options, &bytes, size, err));
    return bytes;
}

static evr_artifact *unpack(fixture *f, const void *bytes, size_t size)
{
    evr_artifact *a = NULL;
    assert_ok(evr_artifact_read(f->ctx, bytes, size, NULL, &a, err));
    return a;
}

static bool holds(evr_str text, const char *word) { return memmem(text.data, text.len, word, strlen(word)) != NULL; }

static char *records_of(fixture *f, const evr_artifact *a, size_t *size)
{
    const evr_ir *list[3];
    char *text = NULL;
    for (size_t i = 0; i < 3; i++)
        list[i] = evr_ir_set_at(evr_artifact_records(a), i);
    assert_ok(evr_ir_write(f->ctx, list, 3, EVR_IR_FORMAT_EVREPLAY, &text, size, err));
    return text;
}

static void test_artifact__round_trip(void **state)
{
    (void)state;
    fixture f;
    size_t size, again, before, after;
    begin(&f);
    evr_artifact_options o = {.struct_size = sizeof o, .input = TEXT("t.json"), .seed = UINT64_MAX};
    void *bytes = pack(&f, &o, &size), *twice = pack(&f, &o, &again);
    assert_int_equal(size, again);
    assert_memory_equal(bytes, twice, size);
    assert_true(evr_artifact_looks_like(bytes, size));
    evr_artifact *a = unpack(&f, bytes, size);
    char *was = NULL, *is = records_of(&f, a, &after), key[33];
    assert_ok(evr_ir_write(f.ctx, f.records, 3, EVR_IR_FORMAT_EVREPLAY, &was, &before, err));
    assert_int_equal(before, after);
    assert_memory_equal(was, is, before);
    evr_artifact_info info = {.struct_size = sizeof info};
    evr_artifact_about(a, &info);
    assert_str(info.input, "t.json");
    assert_str(info.library, evr_version_string());
    assert_true(info.seed == UINT64_MAX && info.flags == 0 && holds(info.protocol, "samples=100"));
    const evr_expected *e = evr_artifact_expected(a, 0);
    assert_ok(evr_ir_key(f.records[0], key, err));
    assert_str(e->key, key);
    assert_true(e->kernels == 1 && e->trace_kernel_ns == 1500 && e->median_ns < 0 && e->inputs.len == 32);
    assert_true(evr_artifact_expected(a, 1)->kernels == 0 && evr_artifact_expected(a, 1)->trace_kernel_ns < 0);
    assert_int_equal(evr_artifact_expected(a, 2)->status, EVR_STATUS_FAILED);
    assert_int_equal(evr_artifact_expected(a, 2)->inputs.len, 0);
    assert_null(evr_artifact_expected(a, 3));
    assert_true(holds(evr_artifact_manifest(a), "[\"integers\",1.0,8.0]"));
    evr_text_free(f.ctx, was);
    evr_text_free(f.ctx, is);
    evr_artifact_free(a);
    evr_artifact_free(NULL);
    evr_artifact_bytes_free(f.ctx, bytes, size);
    evr_artifact_bytes_free(f.ctx, twice, again);
    end(&f);
}

static void test_artifact__seed_decides_inputs(void **state)
{
    (void)state;
    fixture f;
    size_t size;
    evr_artifact *a[2];
    begin(&f);
    for (uint64_t s = 0; s < 2; s++) {
        evr_artifact_options o = {.struct_size = sizeof o, .input = {"", 0}, .seed = s};
        void *bytes = pack(&f, &o, &size);
        a[s] = unpack(&f, bytes, size);
        evr_artifact_bytes_free(f.ctx, bytes, size);
    }
    assert_memory_not_equal(evr_artifact_expected(a[0], 0)->inputs.data, evr_artifact_expected(a[1], 0)->inputs.data, 32);
    evr_artifact_free(a[0]);
    evr_artifact_free(a[1]);
    end(&f);
}

static evr_results *results_of(fixture *f, const char *second_protocol)
{
    static const double samples[] = {10, 11, 12, 13, 14, 15, 16};
    evr_statistics s = {EVR_INIT(evr_statistics)};
    evr_results_info info = {.struct_size = sizeof info, .runtime = TEXT("torch 2.13.0"), .device = TEXT("cuda:0"), .device_name = TEXT("GPU"), .driver = TEXT("d"),
                             .input = TEXT("/home/eve/t.json"), .seed = 5, .started_s = 99};
    evr_results *results = NULL;
    char key[33];
    assert_ok(evr_results_new(f->ctx, &info, &results, err));
    assert_ok(evr_statistics_of(f->ctx, samples, 7, &s, err));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(evr_ir_key(f->records[1 - i], key, err));
        evr_result r = {.struct_size = sizeof r, .index = i, .uid = EVR_NO_UID, .count = 1, .key = {key, 32}, .op = evr_ir_op(f->records[1 - i]), .first_run_ns = 5,
                        .trace_kernel_ns = -1, .trace_cpu_ns = -1, .statistics = &s, .protocol = evr_str_c(i ? second_protocol : "evreplay-protocol/1 samples=7")};
        s.median = 13 + (double)i;
        assert_ok(evr_results_add(results, &r, err));
    }
    return results;
}

static void test_artifact__results(void **state)
{
    (void)state;
    fixture f;
    size_t size;
    void *bytes = NULL;
    evr_error *e = NULL;
    begin(&f);
    evr_results *results = results_of(&f, "evreplay-protocol/1 samples=7"), *mixed = results_of(&f, "evreplay-protocol/1 samples=8");
    evr_artifact_options o = {.struct_size = sizeof o, .results = results, .input = {"", 0}};
    bytes = pack(&f, &o, &size);
    evr_artifact *a = unpack(&f, bytes, size);
    evr_artifact_info info = {.struct_size = sizeof info};
    evr_artifact_about(a, &info);
    assert_str(info.device_name, "GPU");
    assert_str(info.protocol, "evreplay-protocol/1 samples=7");
    assert_int_equal(info.seed, 5);
    assert_true(evr_artifact_expected(a, 0)->median_ns == 14 && evr_artifact_expected(a, 1)->median_ns == 13 && evr_artifact_expected(a, 2)->median_ns < 0);
    assert_false(holds(evr_artifact_manifest(a), "eve"));
    evr_artifact_free(a);
    evr_artifact_bytes_free(f.ctx, bytes, size);
    o.results = mixed;
    assert_int_equal(evr_artifact_write(f.ctx, f.records, 3, &o, &bytes, &size, &e), EVR_E_UNSUPPORTED);
    assert_null(bytes);
    evr_error_free(e);
    evr_results_free(results);
    evr_results_free(mixed);
    end(&f);
}

static void test_artifact__redaction(void **state)
{
    (void)state;
    fixture f;
    size_t size, text_size;
    begin(&f);
    for (uint32_t flags = EVR_ARTIFACT_REDACT; flags <= EVR_ARTIFACT_REDACT_OPERATORS; flags++) {
        evr_artifact_options o = {.struct_size = sizeof o, .flags = flags, .input = TEXT("eve.json")};
        void *bytes = pack(&f, &o, &size);
        evr_artifact *a = unpack(&f, bytes, size);
        char *text = records_of(&f, a, &text_size);
        evr_str records = {text, text_size};
        assert_false(holds(records, "eve") || holds(evr_artifact_manifest(a), "eve"));
        assert_true(holds(records, "[\"text1\",\"text1\",\"text2\"]") && holds(records, "\"floor\"") && holds(records, "aten::add.Tensor("));
        bool operators = flags & EVR_ARTIFACT_REDACT_OPERATORS;
        assert_true(holds(records, "acme::secret") == !operators && holds(records, "customer") == !operators && holds(records, "add_kernel") == !operators);
        assert_true(holds(records, "redacted1::op1") == operators && !(operators && holds(records, "acme")));
        evr_artifact_info info = {.struct_size = sizeof info};
        evr_artifact_about(a, &info);
        assert_int_equal(info.flags, operators ? 3 : 1);
        evr_text_free(f.ctx, text);
        evr_artifact_free(a);
        evr_artifact_bytes_free(f.ctx, bytes, size);
    }
    end(&f);
}

/* What reading gives: the status; an artifact that was read is freed. */
static evr_status reads(evr_context *ctx, const void *bytes, size_t size, const evr_artifact_limits *limits)
{
    evr_artifact *a = NULL;
    evr_error *e = NULL;
    evr_status status = evr_artifact_read(ctx, bytes, size, limits, &a, &e);
    assert_true((status == EVR_OK) == (a != NULL) && (status == EVR_OK) == (e == NULL));
    assert_true(status == EVR_OK || evr_error_message(e)[0]);
    evr_artifact_free(a);
    evr_error_free(e);
    return status;
}

static void test_artifact__every_cut(void **state)
{
    (void)state;
    fixture f;
    size_t size;
    begin(&f);
    char *bytes = pack(&f, NULL, &size);
    for (size_t cut = 0; cut < size; cut++) {
        char *part = malloc(cut + 1); /* of its own, so that a step beyond is seen by the sanitizer */
        memcpy(part, bytes, cut);
        assert_int_equal(reads(f.ctx, part, cut, NULL), cut < 4 ? EVR_E_FORMAT : EVR_E_TRUNCATED);
        free(part);
    }
    evr_artifact_bytes_free(f.ctx, bytes, size);
    end(&f);
}

/* Any byte may be another: it is told, or it was one that says nothing. What is read is then the same. */
static void test_artifact__every_byte_changed(void **state)
{
    (void)state;
    fixture f;
    size_t size, refused = 0;
    begin(&f);
    char *bytes = pack(&f, NULL, &size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x55);
        evr_artifact *a = NULL;
        evr_error *e = NULL;
        if (evr_artifact_read(f.ctx, bytes, size, NULL, &a, &e) != EVR_OK)
            refused++;
        else
            assert_int_equal(evr_ir_set_count(evr_artifact_records(a)), 3);
        evr_artifact_free(a);
        evr_error_free(e);
        bytes[i] = (char)(bytes[i] ^ 0x55);
    }
    assert_true(refused > 1000); /* all of records.json and manifest.json, and their directory */
    evr_artifact_bytes_free(f.ctx, bytes, size);
    end(&f);
}

static void test_artifact__limits(void **state)
{
    (void)state;
    fixture f;
    size_t size;
    begin(&f);
    void *bytes = pack(&f, NULL, &size);
    evr_artifact_limits few = {.struct_size = sizeof few, .files = 4}, small = {.struct_size = sizeof small, .file_bytes = 1000},
                        little = {.struct_size = sizeof little, .total_bytes = 20000}, none = {.struct_size = sizeof none};
    assert_int_equal(reads(f.ctx, bytes, size, &few), EVR_E_LIMIT);
    assert_int_equal(reads(f.ctx, bytes, size, &small), EVR_E_LIMIT);
    assert_int_equal(reads(f.ctx, bytes, size, &little), EVR_E_LIMIT);
    assert_int_equal(reads(f.ctx, bytes, size, &none), EVR_OK);
    evr_artifact_bytes_free(f.ctx, bytes, size);
    end(&f);
}

/* Small zip files by hand: stored, with what the headers say given apart from what is there. */
typedef struct crafted {
    const char *name, *data;
    uint32_t says_size, crc; /* 0 = the truth */
    uint16_t method, flags;
} crafted;

typedef struct small_zip {
    unsigned char data[8192];
    size_t len;
} small_zip;

static void put(small_zip *b, uint32_t value, int n)
{
    for (int i = 0; i < n; i++)
        b->data[b->len++] = (unsigned char)(value >> (8 * i));
}

static void put_text(small_zip *b, const char *text, size_t len)
{
    memcpy(b->data + b->len, text, len);
    b->len += len;
}

static uint32_t crc_of(const char *data, size_t len)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static void put_header(small_zip *b, const crafted *f, bool central, uint32_t offset)
{
    uint32_t len = (uint32_t)strlen(f->data);
    put_text(b, central ? "PK\1\2" : "PK\3\4", 4);
    put(b, 20, central ? 2 : 0);
    put(b, 20, 2);
    put(b, f->flags, 2);
    put(b, f->method, 2);
    put(b, 0x210000, 4);
    put(b, f->crc ? f->crc : crc_of(f->data, len), 4);
    put(b, len, 4);
    put(b, f->says_size ? f->says_size : len, 4);
    put(b, (uint32_t)strlen(f->name), 2);
    put(b, 0, 2);
    if (central) { /* comment, disk and attributes */
        for (int i = 0; i < 5; i++)
            put(b, 0, 2);
        put(b, offset, 4);
    }
    put_text(b, f->name, strlen(f->name));
}

static void craft(small_zip *b, const crafted *files, uint32_t n, uint32_t says_count)
{
    uint32_t offsets[8];
    b->len = 0;
    for (uint32_t i = 0; i < n; i++) {
        offsets[i] = (uint32_t)b->len;
        put_header(b, &files[i], false, 0);
        put_text(b, files[i].data, strlen(files[i].data));
    }
    uint32_t directory = (uint32_t)b->len;
    for (uint32_t i = 0; i < n; i++)
        put_header(b, &files[i], true, offsets[i]);
    uint32_t size = (uint32_t)b->len - directory;
    put_text(b, "PK\5\6", 4);
    put(b, 0, 4);
    put(b, says_count ? says_count : n, 2);
    put(b, says_count ? says_count : n, 2);
    put(b, size, 4);
    put(b, directory, 4);
    put(b, 0, 2);
}

#define MANIFEST "{\"evreplay_artifact\":1,\"expected\":[]}"
#define RECORDS "{\"evreplay_ir\":1,\"records\":[]}"

static void test_artifact__hostile(void **state)
{
    (void)state;
    const struct {
        crafted third; /* beside a manifest and no records, which alone are good */
        evr_status status;
    } cases[] = {
        {{.name = "fine.txt", .data = "x"}, EVR_OK},
        {{.name = "../up.txt", .data = "x"}, EVR_E_FORMAT},
        {{.name = "/etc/passwd", .data = "x"}, EVR_E_FORMAT},
        {{.name = "a/b.txt", .data = "x"}, EVR_E_FORMAT},
        {{.name = "a\\b.txt", .data = "x"}, EVR_E_FORMAT},
        {{.name = "C:x", .data = "x"}, EVR_E_FORMAT},
        {{.name = "..", .data = "x"}, EVR_E_FORMAT},
        {{.name = "", .data = "x"}, EVR_E_FORMAT},
        {{.name = "a\nb", .data = "x"}, EVR_E_FORMAT},
        {{.name = "records.json", .data = RECORDS}, EVR_E_FORMAT},
        {{.name = "Records.JSON", .data = RECORDS}, EVR_E_FORMAT},
        {{.name = "big.txt", .data = "x", .says_size = 0xF0000000u}, EVR_E_LIMIT},
        {{.name = "lie.txt", .data = "x", .says_size = 0x100000, .method = 8}, EVR_E_FORMAT},
        {{.name = "odd.txt", .data = "x", .method = 12}, EVR_E_UNSUPPORTED},
        {{.name = "hidden.txt", .data = "x", .flags = 1}, EVR_E_UNSUPPORTED},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    small_zip b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const crafted files[] = {{.name = "manifest.json", .data = MANIFEST}, {.name = "records.json", .data = RECORDS}, cases[i].third};
        craft(&b, files, 3, 0);
        evr_status status = reads(ctx, b.data, b.len, NULL);
        if (status != cases[i].status)
            fail_msg("%s: %s, not %s", cases[i].third.name, evr_status_name(status), evr_status_name(cases[i].status));
    }
    test_context_done(ctx, &m);
}

static void test_artifact__hostile_contents(void **state)
{
    (void)state;
    const struct {
        crafted manifest, records;
        evr_status status;
    } cases[] = {
        {{"manifest.json", MANIFEST, 0, 0, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_OK},
        {{"manifest.json", MANIFEST, 0, 0x12345678, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_E_FORMAT},
        {{"manifest.json", "", 0, 0, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_E_FORMAT},
        {{"manifest.json", "[]", 0, 0, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_E_FORMAT},
        {{"manifest.json", "{\"evreplay_artifact\":2,\"expected\":[]}", 0, 0, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_E_UNSUPPORTED},
        {{"manifest.json", "{\"evreplay_artifact\":1,\"expected\":[{}]}", 0, 0, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_E_FORMAT},
        {{"manifest.json", "{\"evreplay_artifact\":1}", 0, 0, 0, 0}, {"records.json", "{\"evreplay_ir\":1,\"records\":[{\"op\":\"a::b\"}]}", 0, 0, 0, 0}, EVR_E_FORMAT},
        {{"manifest.json", MANIFEST, 0, 0, 0, 0}, {"records.json", "not records", 0, 0, 0, 0}, EVR_E_UNSUPPORTED},
        {{"manifest.json", MANIFEST, 0, 0, 0, 0}, {"other.json", RECORDS, 0, 0, 0, 0}, EVR_E_UNSUPPORTED},
        {{"other.json", MANIFEST, 0, 0, 0, 0}, {"records.json", RECORDS, 0, 0, 0, 0}, EVR_E_UNSUPPORTED},
    };
    test_memory m;
    evr_context *ctx = test_context(&m);
    small_zip b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const crafted files[] = {cases[i].manifest, cases[i].records};
        craft(&b, files, 2, 0);
        evr_status status = reads(ctx, b.data, b.len, NULL);
        if (status != cases[i].status)
            fail_msg("case %zu: %s, not %s", i, evr_status_name(status), evr_status_name(cases[i].status));
    }
    const crafted good[] = {{.name = "manifest.json", .data = MANIFEST}, {.name = "records.json", .data = RECORDS}};
    craft(&b, good, 2, 60);
    assert_int_equal(reads(ctx, b.data, b.len, NULL), EVR_E_FORMAT);
    craft(&b, good, 2, 65535);
    assert_int_equal(reads(ctx, b.data, b.len, NULL), EVR_E_LIMIT);
    craft(&b, good, 2, 0); /* the mark of the 64-bit form before an end that is not at the end */
    size_t len = b.len;
    memmove(b.data + 42, b.data, len);
    memset(b.data, 0, 42);
    memcpy(b.data, "PK\3\4", 4);
    memcpy(b.data + 4, "PK\6\7", 4);
    memcpy(b.data + 24, "PK\5\6", 4);
    b.len = len + 42;
    assert_int_equal(reads(ctx, b.data, b.len, NULL), EVR_E_UNSUPPORTED);
    test_context_done(ctx, &m);
}

/* Two mebibytes of zeros in two kilobytes are refused before memory is taken for them. */
static void test_artifact__bomb(void **state)
{
    (void)state;
    enum { ZEROS = 2 << 20 };
    test_memory m;
    evr_context *ctx = test_context(&m);
    char *zeros = calloc(1, ZEROS);
    void *zip = NULL;
    size_t size;
    const evr_zip_file files[] = {{"manifest.json", {zeros, ZEROS}, false}, {"records.json", {zeros, ZEROS}, false}};
    assert_ok(evr_zip_write(ctx, files, 2, &zip, &size, err));
    assert_true(size < 8192);
    size_t before = m.peak = m.live;
    evr_artifact_limits limits = {.struct_size = sizeof limits, .file_bytes = 1 << 20};
    assert_int_equal(reads(ctx, zip, size, &limits), EVR_E_LIMIT);
    limits = (evr_artifact_limits){.struct_size = sizeof limits, .total_bytes = 3 << 20};
    assert_int_equal(reads(ctx, zip, size, &limits), EVR_E_LIMIT);
    assert_true(m.peak - before < 65536);
    free(zeros);
    evr_artifact_bytes_free(ctx, zip, size);
    test_context_done(ctx, &m);
}

static void test_artifact__failing_allocations(void **state)
{
    (void)state;
    fixture f;
    size_t size = 0, fails[2] = {0};
    begin(&f);
    evr_results *results = results_of(&f, "evreplay-protocol/1 samples=7");
    evr_artifact_options o = {.struct_size = sizeof o, .flags = 3, .results = results, .input = TEXT("x")};
    void *whole = pack(&f, &o, &size);
    for (int reading = 0; reading < 2; reading++)
        for (evr_status status = EVR_E_NOMEM; status != EVR_OK; fails[reading]++) {
            void *bytes = NULL;
            size_t got = 0;
            evr_artifact *a = NULL;
            evr_error *e = NULL;
            f.m.fail_after = f.m.calls + 1 + fails[reading];
            status = reading ? evr_artifact_read(f.ctx, whole, size, NULL, &a, &e) : evr_artifact_write(f.ctx, f.records, 3, &o, &bytes, &got, &e);
            f.m.fail_after = 0;
            if (status != EVR_OK && status != EVR_E_NOMEM)
                fail_msg("allocation %zu: %s", fails[reading], evr_status_name(status));
            assert_true((status == EVR_OK) == (a || bytes));
            evr_artifact_free(a);
            evr_artifact_bytes_free(f.ctx, bytes, got);
            evr_error_free(e);
        }
    assert_true(fails[0] > 30 && fails[1] > 10);
    evr_artifact_bytes_free(f.ctx, whole, size);
    evr_results_free(results);
    end(&f);
}

static void test_artifact__nonsense(void **state)
{
    (void)state;
    fixture f;
    void *bytes = NULL;
    size_t size;
    begin(&f);
    evr_artifact_options unknown = {.struct_size = sizeof unknown, .flags = 4, .input = {"", 0}};
    assert_int_equal(evr_artifact_write(f.ctx, f.records, 3, &unknown, &bytes, &size, NULL), EVR_E_INVALID);
    assert_int_equal(evr_artifact_write(f.ctx, NULL, 3, NULL, &bytes, &size, NULL), EVR_E_INVALID);
    assert_int_equal(evr_artifact_read(f.ctx, NULL, 3, NULL, NULL, NULL), EVR_E_INVALID);
    assert_int_equal(reads(f.ctx, "", 0, NULL), EVR_E_FORMAT);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_artifact__round_trip),
        cmocka_unit_test(test_artifact__seed_decides_inputs),
        cmocka_unit_test(test_artifact__results),
        cmocka_unit_test(test_artifact__redaction),
        cmocka_unit_test(test_artifact__every_cut),
        cmocka_unit_test(test_artifact__every_byte_changed),
        cmocka_unit_test(test_artifact__limits),
        cmocka_unit_test(test_artifact__hostile),
        cmocka_unit_test(test_artifact__hostile_contents),
        cmocka_unit_test(test_artifact__bomb),
        cmocka_unit_test(test_artifact__failing_allocations),
        cmocka_unit_test(test_artifact__nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
