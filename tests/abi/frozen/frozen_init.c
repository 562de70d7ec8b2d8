/* A program compiled against the first headers, run with the library of today: its vtable is registered, asked, and destroyed once.
 * usage: frozen_init [BRIDGE] */
#include <evreplay/replay.h>

#include <stdio.h>
#include <string.h>

static int asked, destroyed;

static evr_status init(void *user, evr_init_view *view, evr_error **err)
{
    static const int64_t sevens[] = {7, 7, 7, 7};
    evr_init_tensor t = {EVR_INIT(evr_init_tensor)};
    size_t self = evr_init_find(view, "self");
    evr_status status = evr_init_tensor_at(view, self, 0, &t, err);
    asked += user == &asked && t.rank == 1 && t.shape[0] == 4;
    return status == EVR_OK ? evr_init_write_i64(view, self, 0, sevens, 4, err) : status;
}

static void destroy(void *user)
{
    (void)user;
    destroyed++;
}

static int fail(const char *what, const evr_error *err)
{
    printf("%s: %s\n", what, evr_error_message(err));
    return 1;
}

static int replay(evr_context *ctx, const char *bridge, evr_error **err)
{
    static const char record[] = "{\"evreplay_ir\":1,\"records\":[{\"op\":\"aten::neg\",\"args\":[{\"name\":\"self\",\"type\":\"Tensor\",\"value\":{\"tensor\":"
                                 "{\"shape\":[4],\"strides\":[1],\"dtype\":\"float32\"}}}]}]}";
    const evr_runtime_options options = {.struct_size = sizeof options, .bridge = bridge};
    evr_runtime *runtime = NULL;
    evr_replayer *replayer = NULL;
    evr_ir_set *set = NULL;
    evr_value result;
    float values[4] = {0};
    int code = evr_runtime_open(ctx, &options, &runtime, err) || evr_ir_read(ctx, record, strlen(record), &set, err) ||
               evr_replayer_new(runtime, evr_ir_set_at(set, 0), NULL, &replayer, err) || evr_replayer_run(replayer, err) ||
               evr_replayer_result(replayer, 0, &result, err) || evr_replayer_read(replayer, &result, 0, values, sizeof values, err);
    evr_replayer_free(replayer);
    evr_ir_set_free(set);
    evr_runtime_free(runtime);
    if (code)
        return fail("replay", *err);
    return asked == 1 && values[3] == -7 ? 0 : fail("the initializer had no say", NULL);
}

int main(int argc, char **argv)
{
    static const char *const ops[] = {"aten::neg", NULL};
    const evr_custom_init vtable = {EVR_INIT(evr_custom_init), 0, "frozen", ops, NULL, init, destroy, &asked};
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    if (evr_abi_check(EVR_ABI_VERSION, &err) || evr_context_new(NULL, &ctx, &err) || evr_register_custom_init(ctx, &vtable, &err))
        return fail("registration", err);
    int code = argc > 1 ? replay(ctx, argv[1], &err) : 0;
    evr_error_free(err);
    evr_context_free(ctx);
    if (destroyed != 1)
        return fail("destroyed more or less than once", NULL);
    return code;
}
